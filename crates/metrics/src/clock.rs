//! Where the store gets the time: from whoever made it.

/// Tells the time. The store asks only when a series is made or removed and in `expire`, never when a
/// value moves.
pub trait Clock: Send + Sync {
    /// Seconds since 1970 with a fraction.
    ///
    /// Let it run on from one reading of the wall clock by a monotonic one: a wall clock that jumps
    /// an hour ahead would expire an hour's worth of series.
    fn unix_seconds(&self) -> f64;
}

impl<F: Fn() -> f64 + Send + Sync> Clock for F {
    fn unix_seconds(&self) -> f64 {
        self()
    }
}
