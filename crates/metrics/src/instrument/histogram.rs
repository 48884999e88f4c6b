//! Histograms and summaries: observations counted, with their sum.

use super::instrument;
use crate::series::Series;

/// Observations counted in buckets, with their sum; free of shared writes.
#[derive(Clone, Debug)]
pub struct Histogram(Series);
instrument!(Histogram, Histogram);

impl Histogram {
    /// Observes a value. NaN is counted in the highest bucket, and makes the sum NaN.
    #[inline(always)]
    pub fn observe(&self, x: f64) {
        self.0.core().observe_histogram(self.0.slot(), x);
    }
}

/// Observations counted, with their sum; no quantiles.
#[derive(Clone, Debug)]
pub struct Summary(Series);
instrument!(Summary, Summary);

impl Summary {
    /// Observes a value.
    #[inline(always)]
    pub fn observe(&self, x: f64) {
        self.0.cells().observe(self.0.slot(), 0, 1, x);
    }
}
