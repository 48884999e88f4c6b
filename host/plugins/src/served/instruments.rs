//! Families and series that a plugin registers, made in the metric store and lent over the border.
//!
//! The value lives in the store: it survives the plugin, and an increment is one call across the
//! border and one into the store.

use meterbox_metrics::{
    Counter, Descriptor, Family, FamilyOf, Gauge, Histogram, Kind as StoreKind, RegisterError,
    Series, SeriesError, Source,
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
    let family = match kind {
        StoreKind::Counter => typed::<Counter>(source, &descriptor),
        StoreKind::Gauge => typed::<Gauge>(source, &descriptor),
        StoreKind::Histogram => typed::<Histogram>(source, &descriptor),
        _ => source
            .register(&descriptor)
            .map(|family| MetricFamily::of(AnyFamily(family))),
    };
    family.map_err(|error| register_failure(&error))
}

/// A family of the kinds that are written most: which cells a write goes to is settled here, once.
fn typed<I>(source: &Source, descriptor: &Descriptor) -> Result<MetricFamily, RegisterError>
where
    I: meterbox_metrics::Instrument + 'static,
    SeriesInstrument<I>: Cells,
{
    Ok(MetricFamily::of(TypedFamily(
        source.family::<I>(descriptor)?,
    )))
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

/// A family whose kind is known when this is compiled.
struct TypedFamily<I>(FamilyOf<I>);

/// A family of any kind.
struct AnyFamily(Family);

impl<I> FamilyService for TypedFamily<I>
where
    I: meterbox_metrics::Instrument + 'static,
    SeriesInstrument<I>: Cells,
{
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        let one = self
            .0
            .with(values)
            .map_err(|error| series_failure(&error))?;
        Ok(Instrument::of(Arc::new(SeriesInstrument(one))))
    }

    fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        remove(self.0.family(), values)
    }
}

impl FamilyService for AnyFamily {
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        let series = self
            .0
            .series(values)
            .map_err(|error| series_failure(&error))?;
        Ok(Instrument::of(Arc::new(SeriesInstrument(series))))
    }

    fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        remove(&self.0, values)
    }
}

fn remove(family: &Family, values: &[&str]) -> Result<(), Failure> {
    if family.remove(values) {
        return Ok(());
    }
    let text = format!(
        "metric {} has no series with these label values",
        family.name()
    );
    Err(Failure::new(Status::NOT_FOUND, text))
}

/// One series.
struct SeriesInstrument<I>(I);

/// What the border may do to a series, by way of `$series` unless `$own` says how.
///
/// A change that does not fit the kind is counted by the store, and there is nobody to tell.
macro_rules! cells {
    ($type:ty, |$one:ident| $series:expr, { $($own:item)* }, [$($method:ident: $number:ty),*]) => {
        impl Cells for SeriesInstrument<$type> {
            $($own)*
            $(
                fn $method(&self, number: $number) {
                    let $one = &self.0;
                    let _ = $series.$method(number);
                }
            )*
            fn merge(&self, buckets: &[u64], sum: f64) {
                let $one = &self.0;
                let _ = $series.merge(buckets, sum);
            }
        }
    };
}

cells! {
    Counter, |counter| counter.series(),
    { fn add_u64(&self, amount: u64) { self.0.add(amount); } },
    [add_f64: f64, set: f64, observe: f64]
}
cells! {
    Gauge, |gauge| gauge.series(),
    { fn set(&self, value: f64) { self.0.set(value); } },
    [add_u64: u64, add_f64: f64, observe: f64]
}
cells! {
    Histogram, |histogram| histogram.series(),
    { fn observe(&self, value: f64) { self.0.observe(value); } },
    [add_u64: u64, add_f64: f64, set: f64]
}
cells! { Series, |series| series, {}, [add_u64: u64, add_f64: f64, set: f64, observe: f64] }

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
