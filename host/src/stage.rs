//! Where the server is between start and end, and whether metric endpoints are open.

use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by everything that asks or says so.
#[derive(Debug, Default)]
pub struct Stage {
    ready: AtomicBool,
    metrics_closed: AtomicBool,
}

impl Stage {
    /// Whether requests are wanted: after the start, before the end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Says whether requests are wanted.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Whether metric endpoints are served (`enable_metrics_endpoints`).
    #[must_use]
    pub fn metrics_open(&self) -> bool {
        !self.metrics_closed.load(Ordering::Acquire)
    }

    /// Opens or closes metric endpoints on every socket.
    pub fn set_metrics_open(&self, open: bool) {
        self.metrics_closed.store(!open, Ordering::Release);
    }
}
