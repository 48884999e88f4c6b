//! Families and instruments that may not be there: because their name set was not chosen, or because a
//! limit stood in the way.
//!
//! Callers write to them without asking. What a limit refuses is counted by the store.

use meterbox_metrics::{Counter, FamilyOf, Gauge, Histogram, Instrument, ObservedCounter};
use std::sync::OnceLock;
use std::time::Duration;

/// A family, or nothing.
pub(super) struct Metric<I>(Option<FamilyOf<I>>);

impl<I: Instrument> Metric<I> {
    pub(super) fn new(family: Option<FamilyOf<I>>) -> Self {
        Self(family)
    }

    /// The instrument with these label values.
    pub(super) fn with(&self, values: &[&str]) -> Handle<I> {
        Handle(self.0.as_ref().and_then(|family| family.with(values).ok()))
    }

    /// Forgets the series with these label values.
    pub(super) fn remove(&self, values: &[&str]) {
        if let Some(family) = &self.0 {
            family.remove(values);
        }
    }
}

impl Metric<Counter> {
    /// Adds one to the series with these label values: for what happens seldom.
    pub(super) fn inc(&self, values: &[&str]) {
        self.add(values, 1);
    }

    pub(super) fn add(&self, values: &[&str], n: u64) {
        if let Some(family) = &self.0 {
            // A refused series is counted by the store.
            let _ = family.add(values, n);
        }
    }
}

impl<I> Default for Metric<I> {
    fn default() -> Self {
        Self(None)
    }
}

impl<I> Clone for Metric<I> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// An instrument, or nothing.
#[derive(Debug)]
pub(super) struct Handle<I>(Option<I>);

impl Handle<Counter> {
    #[inline]
    pub(super) fn inc(&self) {
        self.add(1);
    }

    #[inline]
    pub(super) fn add(&self, n: u64) {
        if let Some(counter) = &self.0 {
            counter.add(n);
        }
    }
}

impl Handle<ObservedCounter> {
    pub(super) fn set(&self, total: u64) {
        if let Some(counter) = &self.0 {
            counter.set(total as f64);
        }
    }
}

impl Handle<Gauge> {
    #[inline]
    pub(super) fn set(&self, x: f64) {
        if let Some(gauge) = &self.0 {
            gauge.set(x);
        }
    }

    #[inline]
    pub(super) fn add(&self, x: f64) {
        if let Some(gauge) = &self.0 {
            gauge.add(x);
        }
    }
}

impl Handle<Histogram> {
    #[inline]
    pub(super) fn observe(&self, x: f64) {
        if let Some(histogram) = &self.0 {
            histogram.observe(x);
        }
    }

    #[inline]
    pub(super) fn seconds(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }
}

/// One instrument per class of status, each made when its class is first met: a page has no lines for
/// what never happened.
#[derive(Debug)]
pub(super) struct ByClass<I>([OnceLock<Handle<I>>; CLASSES.len()]);

/// The classes of status codes, as label values.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The class of a status code. Codes from 600 on, which a handler may choose, count as failures.
pub(super) fn class(code: u16) -> &'static str {
    CLASSES[class_index(code)]
}

fn class_index(code: u16) -> usize {
    usize::from(code / 100).clamp(1, CLASSES.len()) - 1
}

impl<I> Default for ByClass<I> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<I> ByClass<I> {
    #[inline]
    pub(super) fn of(&self, code: u16, make: impl FnOnce(&str) -> Handle<I>) -> &Handle<I> {
        let index = class_index(code);
        self.0[index].get_or_init(|| make(CLASSES[index]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_class() {
        for (code, expect) in [
            (100, "1xx"),
            (204, "2xx"),
            (308, "3xx"),
            (418, "4xx"),
            (599, "5xx"),
            (799, "5xx"),
        ] {
            assert_eq!(class(code), expect);
        }
        assert_eq!(class(0), "1xx", "no code at all does not panic");
    }
}
