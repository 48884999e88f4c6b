//! What stands on the other side of the border in tests: metrics, hosts, requests, clients and readers
//! in memory.
//!
//! Feature `testing`; nothing of it is in a plugin's library. The server has it for `plugins check`,
//! which runs a plugin against such a host.

mod family;
mod host;
mod pushes;
mod reply;
mod request;
mod seen;
mod store;

pub use family::{TestFamily, TestSource};
pub use host::FakeHost;
pub use pushes::Pushes;
pub use reply::{FakeReply, PATIENCE, Recorder};
pub use request::FakeRequest;
pub use seen::Seen;
pub use store::{Held, Store};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic of another thread is that thread's affair.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
