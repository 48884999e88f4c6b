//! Instruments: how a plugin changes a series that belongs to the host.
//!
//! A series is registered once and then changed through an [`Instrument`], a pointer and a vtable, so
//! that one increment is one call. What the host keeps behind it, and in how many copies, is its own
//! affair; this module stores nothing.

use std::sync::Arc;

use abi_stable::StableAbi;
use abi_stable::prefix_type::WithMetadata;
use abi_stable::std_types::{RSlice, RStr, RString};

use crate::border::{Ptr, caught, cross, outcome, shims, try_cross};
use crate::status::{Failure, Status};

/// The owner's side of the instruments of one series.
///
/// Every method may be called from any thread at any time and must not block. A change that does not fit
/// the kind of the series (a negative counter step, `observe` on a gauge) is dropped and counted.
pub trait Cells: Send + Sync + 'static {
    /// Adds a whole number to a counter or gauge.
    fn add_u64(&self, amount: u64);
    /// Adds to a counter (not negative) or a gauge.
    fn add_f64(&self, amount: f64);
    /// Sets a gauge, an unknown or an info; or the total of a counter that something else counts, which
    /// never goes down by it.
    fn set(&self, value: f64);
    /// Observes a value in a histogram or summary.
    fn observe(&self, value: f64);
    /// Adds observations that something else has counted: one count for each bucket of a histogram, not
    /// cumulative, the last above the highest bound, or the one count of a summary; and their sum.
    /// Another number of counts is a change that does not fit.
    fn merge(&self, buckets: &[u64], sum: f64);
}

/// Border functions of [`Cells`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = CellsVtRef, prefix_fields = CellsVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct CellsVt {
    add_u64: unsafe extern "C" fn(this: Ptr, amount: u64),
    add_f64: unsafe extern "C" fn(this: Ptr, amount: f64),
    set: unsafe extern "C" fn(this: Ptr, value: f64),
    observe: unsafe extern "C" fn(this: Ptr, value: f64),
    retain: unsafe extern "C" fn(this: Ptr),
    release: unsafe extern "C" fn(this: Ptr),
    #[sabi(last_prefix_field)]
    merge: for<'b> unsafe extern "C" fn(this: Ptr, buckets: RSlice<'b, u64>, sum: f64),
}

/// A series that can be changed: its owner's [`Cells`].
///
/// OWNERSHIP: owned by whoever holds it and free to move to any thread; a clone is one more holder of the
/// same series. Dropping the last one drops the owner's `Cells`; the series keeps its value.
#[repr(C)]
#[derive(StableAbi)]
pub struct Instrument {
    this: Ptr,
    vt: CellsVtRef,
}

/// Carries the shims that know the owner's type.
struct Glue<C>(C);

impl<C: Cells> Glue<C> {
    const VT: &'static WithMetadata<CellsVt> = &WithMetadata::new(CellsVt {
        add_u64: Self::add_u64,
        add_f64: Self::add_f64,
        set: Self::set,
        observe: Self::observe,
        retain: Self::retain,
        release: Self::release,
        merge: Self::merge,
    });

    shims! { in C as cells;
        fn add_u64(amount: u64) -> (), or () => cells.add_u64(amount);
        fn add_f64(amount: f64) -> (), or () => cells.add_f64(amount);
        fn set(value: f64) -> (), or () => cells.set(value);
        fn observe(value: f64) -> (), or () => cells.observe(value);
        fn merge(buckets: RSlice<'_, u64>, sum: f64) -> (), or () =>
            cells.merge(buckets.as_slice(), sum);
    }

    unsafe extern "C" fn retain(this: Ptr) {
        // SAFETY: `Instrument::of` took the pointer from `Arc::into_raw`, and a holder keeps it alive.
        unsafe { Arc::increment_strong_count(this.address::<C>()) };
    }

    unsafe extern "C" fn release(this: Ptr) {
        // SAFETY: one holder of the `Arc` ends here, as each `retain` and `Instrument::of` added one.
        let cells = unsafe { Arc::from_raw(this.address::<C>()) };
        let _panic_has_nowhere_to_go = caught(move || drop(cells));
    }
}

// SAFETY: the pointee is a `Cells`, which is `Send` and `Sync`.
unsafe impl Send for Instrument {}
// SAFETY: as above.
unsafe impl Sync for Instrument {}

impl Instrument {
    /// A handle on the series behind `cells`.
    #[must_use]
    pub fn of<C: Cells>(cells: Arc<C>) -> Self {
        Self {
            this: Ptr::new(Arc::into_raw(cells)),
            vt: CellsVtRef(Glue::<C>::VT.static_as_prefix()),
        }
    }

    /// A handle on nothing: every change is lost. What an out-parameter holds before it is filled.
    pub(crate) fn inert() -> Self {
        Self::of(Arc::new(NoMetrics))
    }

    /// See [`Cells::add_u64`].
    #[inline]
    pub fn add_u64(&self, amount: u64) {
        cross!(self.add_u64(amount));
    }

    /// See [`Cells::add_f64`].
    #[inline]
    pub fn add_f64(&self, amount: f64) {
        cross!(self.add_f64(amount));
    }

    /// See [`Cells::set`].
    #[inline]
    pub fn set(&self, value: f64) {
        cross!(self.set(value));
    }

    /// See [`Cells::observe`].
    #[inline]
    pub fn observe(&self, value: f64) {
        cross!(self.observe(value));
    }

    /// See [`Cells::merge`].
    pub fn merge(&self, buckets: &[u64], sum: f64) {
        cross!(self.merge(RSlice::from_slice(buckets), sum));
    }
}

impl Clone for Instrument {
    fn clone(&self) -> Self {
        cross!(self.retain());
        Self { ..*self }
    }
}

impl Drop for Instrument {
    fn drop(&mut self) {
        cross!(self.release());
    }
}

/// The cells of [`Instrument::inert`].
struct NoMetrics;

impl Cells for NoMetrics {
    fn add_u64(&self, _amount: u64) {}
    fn add_f64(&self, _amount: f64) {}
    fn set(&self, _value: f64) {}
    fn observe(&self, _value: f64) {}
    fn merge(&self, _buckets: &[u64], _sum: f64) {}
}

/// The owner's side of one registered family.
pub trait FamilyService: Send + Sync + 'static {
    /// The series with these label values, in the order of [`FamilySpec::labels`](crate::FamilySpec::labels); made if it is new.
    ///
    /// # Errors
    /// [`Status::INVALID`] for a wrong number of values or a value that may not be, [`Status::LIMIT`] when
    /// one series more is too many.
    fn series(&self, values: &[&str]) -> Result<Instrument, Failure>;

    /// Removes the series with these label values; instruments that still refer to it change nothing.
    ///
    /// # Errors
    /// [`Status::NOT_FOUND`] when there is no such series.
    fn remove(&self, values: &[&str]) -> Result<(), Failure>;
}

type SharedMetrics = Arc<dyn FamilyService>;

/// Border functions of [`FamilyService`]; grows only at its end.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = MetricFamilyVtRef, prefix_fields = MetricFamilyVtPrefix)))]
#[sabi(missing_field(option))]
pub(crate) struct MetricFamilyVt {
    series: for<'v, 'o> unsafe extern "C" fn(
        this: Ptr,
        values: RSlice<'v, RStr<'v>>,
        series: &'o mut Instrument,
        error: &'o mut RString,
    ) -> Status,
    remove: for<'v, 'o> unsafe extern "C" fn(
        this: Ptr,
        values: RSlice<'v, RStr<'v>>,
        error: &'o mut RString,
    ) -> Status,
    #[sabi(last_prefix_field)]
    release: unsafe extern "C" fn(this: Ptr),
}

/// A family that this holder registered.
///
/// OWNERSHIP: owned by whoever holds it, free to move to any thread. Dropping it removes nothing.
#[repr(C)]
#[derive(StableAbi)]
pub struct MetricFamily {
    this: Ptr,
    vt: MetricFamilyVtRef,
}

static FAMILY_VT: &WithMetadata<MetricFamilyVt> = &WithMetadata::new(MetricFamilyVt {
    series,
    remove,
    release,
});

shims! { in SharedMetrics as family;
    try fn remove(values: RSlice<'_, RStr<'_>>) => family.remove(&texts(values));
}

unsafe extern "C" fn series(
    this: Ptr,
    values: RSlice<'_, RStr<'_>>,
    series: &mut Instrument,
    error: &mut RString,
) -> Status {
    // SAFETY: only `MetricFamily::of` pairs this function with a pointer, to a boxed `SharedMetrics`.
    let family = unsafe { this.get::<SharedMetrics>() };
    outcome(error, || {
        family.series(&texts(values)).map(|made| *series = made)
    })
}

unsafe extern "C" fn release(this: Ptr) {
    // SAFETY: `MetricFamily::of` boxed it; the handle calls this once, when it is dropped.
    let family = unsafe { this.unbox::<SharedMetrics>() };
    let _panic_has_nowhere_to_go = caught(move || drop(family));
}

fn texts<'a>(values: RSlice<'a, RStr<'a>>) -> Vec<&'a str> {
    values
        .as_slice()
        .iter()
        .map(|value| value.as_str())
        .collect()
}

// SAFETY: the pointee is a `FamilyService`, which is `Send` and `Sync`.
unsafe impl Send for MetricFamily {}
// SAFETY: as above.
unsafe impl Sync for MetricFamily {}

impl MetricFamily {
    /// Wraps an owner's family for the border.
    #[must_use]
    pub fn of(family: impl FamilyService) -> Self {
        let family: SharedMetrics = Arc::new(family);
        Self {
            this: Ptr::boxed(family),
            vt: MetricFamilyVtRef(FAMILY_VT.static_as_prefix()),
        }
    }

    /// A family that refuses everything. What an out-parameter holds before it is filled.
    pub(crate) fn inert() -> Self {
        Self::of(NoMetrics)
    }

    /// See [`FamilyService::series`].
    ///
    /// # Errors
    /// As there.
    pub fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
        let values: Vec<RStr<'_>> = values.iter().map(|value| RStr::from(*value)).collect();
        let mut series = Instrument::inert();
        try_cross!(self.series(RSlice::from_slice(&values), &mut series))?;
        Ok(series)
    }

    /// See [`FamilyService::remove`].
    ///
    /// # Errors
    /// As there.
    pub fn remove(&self, values: &[&str]) -> Result<(), Failure> {
        let values: Vec<RStr<'_>> = values.iter().map(|value| RStr::from(*value)).collect();
        try_cross!(self.remove(RSlice::from_slice(&values)))
    }
}

impl Drop for MetricFamily {
    fn drop(&mut self) {
        cross!(self.release());
    }
}

impl FamilyService for NoMetrics {
    fn series(&self, _values: &[&str]) -> Result<Instrument, Failure> {
        Err(Failure::unsupported("a series of an unregistered family"))
    }
    fn remove(&self, _values: &[&str]) -> Result<(), Failure> {
        Err(Failure::unsupported("a series of an unregistered family"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Counts what is added, times a factor.
    #[derive(Default)]
    struct Tally {
        factor: u64,
        sum: Arc<AtomicU64>,
    }

    impl Cells for Tally {
        fn add_u64(&self, amount: u64) {
            self.sum.fetch_add(self.factor * amount, Ordering::Relaxed);
        }
        fn add_f64(&self, _amount: f64) {}
        fn set(&self, _value: f64) {}
        fn observe(&self, _value: f64) {
            panic!("not a histogram");
        }
        fn merge(&self, buckets: &[u64], sum: f64) {
            let all: u64 = buckets.iter().sum();
            self.add_u64(all);
            self.sum.fetch_add(sum as u64, Ordering::Relaxed);
        }
    }

    struct Family(Arc<AtomicU64>);

    impl FamilyService for Family {
        fn series(&self, values: &[&str]) -> Result<Instrument, Failure> {
            let factor = values[0]
                .parse()
                .map_err(|_| Failure::new(Status::INVALID, "no number"))?;
            let sum = self.0.clone();
            Ok(Instrument::of(Arc::new(Tally { factor, sum })))
        }
        fn remove(&self, values: &[&str]) -> Result<(), Failure> {
            Err(Failure::new(Status::NOT_FOUND, values.join("+")))
        }
    }

    #[test]
    fn every_holder_changes_its_series_and_gives_it_back() {
        let sum = Arc::new(AtomicU64::new(0));
        let family = MetricFamily::of(Family(sum.clone()));
        let ten = family.series(&["10"]).expect("a number");
        let again = ten.clone();
        ten.add_u64(2);
        drop(ten);
        again.add_u64(1);
        assert_eq!(sum.load(Ordering::Relaxed), 30);
        again.merge(&[1, 0, 2], 5.0);
        assert_eq!(sum.load(Ordering::Relaxed), 65);
        drop(family);
        assert_eq!(Arc::strong_count(&sum), 2, "one holder of the series");
        drop(again);
        assert_eq!(Arc::strong_count(&sum), 1);
    }

    #[test]
    fn an_owner_that_panics_does_not_unwind_into_the_caller() {
        Instrument::of(Arc::new(Tally::default())).observe(1.0);
    }

    #[test]
    fn refusals_cross_with_kind_and_text() {
        let family = MetricFamily::of(Family(Arc::default()));
        let refused = family.series(&["ten"]).map(drop).expect_err("not a number");
        assert_eq!(refused, Failure::new(Status::INVALID, "no number"));
        let refused = family.remove(&["a", "b"]).expect_err("never found");
        assert_eq!(refused, Failure::new(Status::NOT_FOUND, "a+b"));
    }
}
