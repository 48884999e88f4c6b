//! Families and series of the host's registry, changed by C.
//!
//! A change is one call into the border and allocates nothing; the border's own functions cannot unwind,
//! so there is no further wall around them.

use super::host::HostHandle;
use super::values::{CError, CStatus, Text, answer, lent, lent_mut, list, texts};
use meterbox_plugin_abi::gather::Head;
use meterbox_plugin_abi::{Failure, FamilySpec, Instrument, MetricFamily, growing};

/// A family as C described it, with every text looked at.
pub(super) struct Described<'a> {
    head: Head<'a>,
    pub(super) labels: Vec<&'a str>,
}

impl<'a> Described<'a> {
    /// # Safety
    /// `family` is null or a `meterbox_family_v1` whose texts and lists live unchanged for `'a`.
    pub(super) unsafe fn read(family: *const Head<'a>) -> Result<Self, Failure> {
        // SAFETY: the caller's promise; nothing but `parts` is asked of what was not looked at.
        unsafe {
            let head = growing::read(family)?;
            for text in head.texts() {
                Text::from_parts(text.bytes().parts()).get()?;
            }
            let (labels, bounds) = head.lists();
            let (labels, labels_len) = labels.parts();
            let labels = texts(labels.cast(), labels_len)?;
            let (bounds, bounds_len) = bounds.parts();
            list(bounds, bounds_len)?;
            Ok(Self { head, labels })
        }
    }

    pub(super) fn spec(&self) -> FamilySpec<'_> {
        FamilySpec::of(&self.head, &self.labels)
    }
}

pub(super) unsafe extern "C" fn family_register(
    host: *const HostHandle,
    family: *const Head<'_>,
    registered: *mut *mut MetricFamily,
    error: *mut CError,
) -> CStatus {
    // SAFETY: the handle lives until `destroy` has returned; the rest is C's for the call.
    unsafe {
        answer(error, || {
            let place = lent_mut(registered)?;
            let described = Described::read(family)?;
            let made = lent(host)?.host.register(&described.spec())?;
            *place = Box::into_raw(Box::new(made));
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn family_series(
    family: *const MetricFamily,
    values: *const Text,
    values_len: usize,
    series: *mut *mut Instrument,
    error: *mut CError,
) -> CStatus {
    // SAFETY: C holds the family; the rest is C's for the call.
    unsafe {
        answer(error, || {
            let place = lent_mut(series)?;
            let made = lent(family)?.series(&texts(values, values_len)?)?;
            *place = Box::into_raw(Box::new(made));
            Ok(())
        })
    }
}

pub(super) unsafe extern "C" fn family_remove(
    family: *const MetricFamily,
    values: *const Text,
    values_len: usize,
    error: *mut CError,
) -> CStatus {
    // SAFETY: as in `family_series`.
    unsafe { answer(error, || lent(family)?.remove(&texts(values, values_len)?)) }
}

pub(super) unsafe extern "C" fn family_release(family: *mut MetricFamily) {
    if !family.is_null() {
        // SAFETY: `family_register` boxed it, and C gives it back once.
        drop(unsafe { Box::from_raw(family) });
    }
}

pub(super) unsafe extern "C" fn series_add_whole(series: *const Instrument, amount: u64) {
    // SAFETY: C holds the series.
    if let Some(series) = unsafe { series.as_ref() } {
        series.add_u64(amount);
    }
}

pub(super) unsafe extern "C" fn series_add(series: *const Instrument, amount: f64) {
    // SAFETY: C holds the series.
    if let Some(series) = unsafe { series.as_ref() } {
        series.add_f64(amount);
    }
}

pub(super) unsafe extern "C" fn series_set(series: *const Instrument, value: f64) {
    // SAFETY: C holds the series.
    if let Some(series) = unsafe { series.as_ref() } {
        series.set(value);
    }
}

pub(super) unsafe extern "C" fn series_observe(series: *const Instrument, value: f64) {
    // SAFETY: C holds the series.
    if let Some(series) = unsafe { series.as_ref() } {
        series.observe(value);
    }
}

pub(super) unsafe extern "C" fn series_merge(
    series: *const Instrument,
    buckets: *const u64,
    buckets_len: usize,
    sum: f64,
) {
    // SAFETY: C holds the series, and the list for the call.
    if let (Ok(series), Ok(buckets)) = unsafe { (lent(series), list(buckets, buckets_len)) } {
        series.merge(buckets, sum);
    }
}

pub(super) unsafe extern "C" fn series_release(series: *mut Instrument) {
    if !series.is_null() {
        // SAFETY: `family_series` boxed it, and C gives it back once.
        drop(unsafe { Box::from_raw(series) });
    }
}
