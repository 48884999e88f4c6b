//! What stands on the other side of the border in tests: metrics, hosts, requests and readers in memory.
//!
//! Feature `testing`; nothing of it is in a server or in a plugin's library.

mod family;

pub use family::{TestFamily, TestSource};
