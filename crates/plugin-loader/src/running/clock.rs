//! Time as the supervision of plugins sees it: a duration since some start, never going back.

use std::time::{Duration, Instant};

/// A clock that tests can move by hand.
pub trait Clock: Send + Sync + 'static {
    /// Time since an arbitrary start.
    fn now(&self) -> Duration;
}

/// The machine's monotonic clock.
#[derive(Debug)]
pub struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
