//! Counters: whole, fractional, and those that somebody else counts.

use super::instrument;
use crate::reason::Reason;
use crate::series::Series;

/// A whole number that only grows; exact up to 2^64, and free of shared writes.
#[derive(Clone, Debug)]
pub struct Counter(Series);
instrument!(Counter, Counter);

impl Counter {
    /// Adds one.
    #[inline(always)]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        self.0.cells().add_u64(self.0.slot(), n);
    }
}

/// A sum that only grows and may have a fraction.
#[derive(Clone, Debug)]
pub struct FloatCounter(Series);
instrument!(FloatCounter, FloatCounter);

impl FloatCounter {
    /// Adds `x`. A negative number, or one that is none, is refused and counted (`bad_value`).
    #[inline(always)]
    pub fn add(&self, x: f64) {
        if x >= 0.0 {
            self.0.cells().add_f64(self.0.slot(), x);
        } else {
            self.0.core().count(Reason::BadValue);
        }
    }
}

/// A total that is kept elsewhere, by the kernel for instance, and read from there.
#[derive(Clone, Debug)]
pub struct ObservedCounter(Series);
instrument!(ObservedCounter, ObservedCounter);

impl ObservedCounter {
    /// Sets the total. That it grows is the matter of whoever keeps it.
    #[inline]
    pub fn set(&self, total: f64) {
        self.0.cells().set(self.0.slot(), total);
    }
}
