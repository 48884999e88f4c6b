//! The logs: the server's own (`log`), one line for each request (`access`), and TorchServe's metric
//! logs (`metric_log`).
//!
//! Who writes never waits for a disk or a terminal. What a log has to leave out is counted, by whoever
//! implements [`Losses`].

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")
)]

pub mod access;
pub mod log;
pub mod metric_log;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use access::AccessLog;
pub use log::Log;
pub use metric_log::MetricLog;

/// Counts what a log leaves out.
pub trait Losses: Send + Sync + 'static {
    /// Counts so many lines of `source`, and says how many were lost to `reason` by now.
    fn count(&self, source: &'static str, reason: &'static str, lines: u64) -> u64;
}
