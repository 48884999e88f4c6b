//! The metric store's views in the shape in which the border lends them.
//!
//! Nothing is copied but values, which are summed into columns that are used again for the next
//! segment.

use meterbox_metrics::{Columns, FamilyView, Kind as StoreKind, SegmentView};
use meterbox_plugin_abi::gather::{FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Head, Kind, Segment};

/// One family of the store.
pub(super) fn head<'a>(family: &FamilyView<'a>) -> Head<'a> {
    let flag = |set: bool, bit: u32| if set { bit } else { 0 };
    Head::new(border_kind(family.kind()), family.name())
        .with_help(family.help())
        .with_unit(family.unit())
        .with_set(family.set().unwrap_or_default())
        .with_bounds(family.bounds())
        .with_flags(
            flag(family.show_empty(), FAMILY_SHOW_EMPTY)
                | flag(family.inherited(), FAMILY_INHERITED_NAME),
        )
}

fn border_kind(kind: StoreKind) -> Kind {
    match kind {
        StoreKind::Counter | StoreKind::FloatCounter | StoreKind::ObservedCounter => Kind::COUNTER,
        StoreKind::Gauge => Kind::GAUGE,
        StoreKind::Histogram => Kind::HISTOGRAM,
        StoreKind::Summary => Kind::SUMMARY,
        StoreKind::Info => Kind::INFO,
        _ => Kind::UNKNOWN,
    }
}

/// One segment of the store, with its values as they are now read into `columns`.
pub(super) fn segment<'a>(view: &'a SegmentView<'_>, columns: &'a mut Columns) -> Segment<'a> {
    view.read(columns);
    Segment::of(view.label_text(), view.label_ends())
        .with_structure(view.structure())
        .with_created_seconds(view.created_seconds())
        .with_values(columns.values())
        .with_bucket_counts(columns.bucket_counts())
        .with_counts(columns.counts())
        .with_sums(columns.sums())
}
