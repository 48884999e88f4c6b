//! When something that failed is tried again.
//!
//! Model workers and plugin processes are started again by [`Restarts`], failed pushes are sent again
//! after a [`Backoff`]. Time and jitter are arguments, so that each rule is a table in a test.
//!
//! ```
//! use meterbox_restarts::{Next, RestartSettings, Restarts};
//! use std::time::Duration;
//!
//! let minute = Duration::from_secs(60);
//! let mut restarts = Restarts::new(RestartSettings::new(5, minute, minute));
//! let now = Duration::from_secs(7);
//! assert_eq!(restarts.crashed(now, None, 0.5), Next::After(Duration::ZERO));
//! ```

#![forbid(unsafe_code)]

mod backoff;
mod jitter;
mod restarts;

pub use backoff::Backoff;
pub use jitter::jitter;
pub use restarts::{Next, RestartSettings, Restarts};
