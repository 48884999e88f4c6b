//! Gauges, and the constant one of an info.

use super::instrument;
use crate::series::Series;

/// A value that goes up and down. All writers share one cell, for the last `set` must win.
#[derive(Clone, Debug)]
pub struct Gauge(Series);
instrument!(Gauge, Gauge);

impl Gauge {
    /// Sets the value.
    #[inline]
    pub fn set(&self, x: f64) {
        self.0.cells().set(self.0.slot(), x);
    }

    /// Adds `x`, which may be negative.
    #[inline]
    pub fn add(&self, x: f64) {
        self.0.cells().add_shared(self.0.slot(), x);
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Takes one away.
    #[inline]
    pub fn dec(&self) {
        self.add(-1.0);
    }
}

/// Labels that describe something; its value is 1 as long as the series is there.
#[derive(Clone, Debug)]
pub struct Info(Series);
instrument!(Info, Info);
