//! The metric store's views in the shape in which the border lends them.
//!
//! Nothing is copied but values, which are summed into columns that are used again for the next
//! segment.

use meterbox_metrics::{Columns, FamilyView, Kind as StoreKind, SegmentView};
use meterbox_plugin_abi::gather::{
    FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, FamilyColumns, Kind, SegmentColumns,
};

/// One family of the store.
pub(crate) struct StoreFamily<'a>(pub(crate) FamilyView<'a>);

impl FamilyColumns for StoreFamily<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn help(&self) -> &str {
        self.0.help()
    }

    fn unit(&self) -> &str {
        self.0.unit()
    }

    fn kind(&self) -> Kind {
        border_kind(self.0.kind())
    }

    fn bounds(&self) -> &[f64] {
        self.0.bounds()
    }

    fn flags(&self) -> u32 {
        let flag = |set: bool, bit: u32| if set { bit } else { 0 };
        flag(self.0.show_empty(), FAMILY_SHOW_EMPTY)
            | flag(self.0.inherited(), FAMILY_INHERITED_NAME)
    }

    fn set(&self) -> &str {
        self.0.set().unwrap_or("")
    }
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

/// One segment of the store with its values as just read.
pub(crate) struct StoreSegment<'a> {
    pub(crate) view: SegmentView<'a>,
    pub(crate) columns: &'a Columns,
}

impl SegmentColumns for StoreSegment<'_> {
    fn len(&self) -> usize {
        self.view.len()
    }

    fn label_text(&self) -> &str {
        self.view.label_text()
    }

    fn label_ends(&self) -> &[u32] {
        self.view.label_ends()
    }

    fn values(&self) -> &[f64] {
        self.columns.values()
    }

    fn bucket_counts(&self) -> &[u64] {
        self.columns.bucket_counts()
    }

    fn counts(&self) -> &[u64] {
        self.columns.counts()
    }

    fn sums(&self) -> &[f64] {
        self.columns.sums()
    }

    fn created_seconds(&self) -> &[f64] {
        self.view.created_seconds()
    }

    fn structure(&self) -> u64 {
        self.view.structure()
    }

    fn stamp(&self) -> u64 {
        self.columns.stamp()
    }
}
