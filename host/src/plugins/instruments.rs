//! Families and series that a plugin registers, made in the metric store and lent over the border.
//!
//! The value lives in the store: it survives the plugin, and an increment is one call across the
//! border and one into the store.

use meterbox_metrics::{
    Descriptor, Family, Kind as StoreKind, RegisterError, Series, SeriesError, Source,
};
use meterbox_plugin_abi::gather::{
    FAMILY_FRACTIONS, FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Kind,
};
use meterbox_plugin_abi::{
    Cells, Failure, FamilyService, FamilySpec, Instrument, MetricFamily, Status,
};
use std::sync::Arc;

/// Registers what a plugin describes, as that plugin's source.
pub(super) fn register(source: &Source, spec: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
    let kind = match store_kind(spec.kind) {
        StoreKind::Counter if spec.flags & FAMILY_FRACTIONS != 0 => StoreKind::FloatCounter,
        kind => kind,
    };
    let mut descriptor = Descriptor::new(kind, spec.name, spec.help)
        .unit(spec.unit)
        .labels(spec.labels);
    if !spec.bounds.is_empty() {
        descriptor = descriptor.bounds(spec.bounds);
    }
    if spec.flags & FAMILY_SHOW_EMPTY != 0 {
        descriptor = descriptor.show_empty();
    }
    if spec.flags & FAMILY_INHERITED_NAME != 0 {
        descriptor = descriptor.inherited();
    }
    if !spec.set.is_empty() {
        descriptor = descriptor.set(spec.set);
    }
    let family = source
        .register(&descriptor)
        .map_err(|error| register_failure(&error))?;
    Ok(MetricFamily::of(StoreFamily(family)))
}

fn store_kind(kind: Kind) -> StoreKind {
    match kind {
        Kind::COUNTER => StoreKind::Counter,
        Kind::GAUGE => StoreKind::Gauge,
        Kind::HISTOGRAM => StoreKind::Histogram,
        Kind::SUMMARY => StoreKind::Summary,
        Kind::INFO => StoreKind::Info,
        _ => StoreKind::Unknown,
    }
}

struct StoreFamily(Family);

impl FamilyService for StoreFamily {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        let series = self
            .0
            .series(values)
            .map_err(|error| series_failure(&error))?;
        Ok(Instrument::of(Arc::new(Cell(series)), 0))
    }

    fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        if self.0.remove(values) {
            return Ok(());
        }
        let text = format!(
            "metric {} has no series with these label values",
            self.0.name()
        );
        Err(Failure::new(Status::NOT_FOUND, text))
    }
}

/// One series. The border counts its holders, so that slot numbers are not needed.
struct Cell(Series);

/// A change that does not fit the kind is counted by the store, and there is nobody to tell.
impl Cells for Cell {
    fn add_u64(&self, _slot: u64, amount: u64) {
        let _ = self.0.add_u64(amount);
    }

    fn add_f64(&self, _slot: u64, amount: f64) {
        let _ = self.0.add_f64(amount);
    }

    fn set(&self, _slot: u64, value: f64) {
        let _ = self.0.set(value);
    }

    fn observe(&self, _slot: u64, value: f64) {
        let _ = self.0.observe(value);
    }

    fn retain(&self, _slot: u64) {}

    fn release(&self, _slot: u64) {}
}

fn register_failure(error: &RegisterError) -> Failure {
    let status = match error {
        RegisterError::Conflict { .. } => Status::CONFLICT,
        RegisterError::ReservedPrefix { .. } => Status::DENIED,
        RegisterError::TooManyFamilies { .. } => Status::LIMIT,
        _ => Status::INVALID,
    };
    Failure::new(status, error.to_string())
}

fn series_failure(error: &SeriesError) -> Failure {
    let status = match error {
        SeriesError::LabelCount { .. } | SeriesError::ValueTooLong { .. } => Status::INVALID,
        SeriesError::WrongKind { .. } => Status::INVALID,
        _ => Status::LIMIT,
    };
    Failure::new(status, error.to_string())
}
