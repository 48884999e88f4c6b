//! Watches the answer of one call on its way to the client.
//!
//! Between the plugin's responder and the host's sink: tells the breaker how the call went, and
//! counts the answer as under way until its last holder lets go, which may be long after the call
//! has returned.

use super::permit::{CallVerdict, Permit};
use meterbox_plugin_abi::{Failure, ReplyHead, ReplySink, Status};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first HTTP status that counts as a failure of the plugin.
const SERVER_ERROR: u16 = 500;

/// How many answers are under way.
#[derive(Default)]
pub(super) struct UnderWay {
    count: Mutex<usize>,
    none: Condvar,
}

impl UnderWay {
    pub(super) fn enter(self: &Arc<Self>) -> UnderWayGuard {
        *self.count.lock() += 1;
        UnderWayGuard(self.clone())
    }

    /// Waits until there are none; false when `until` passed first.
    pub(super) fn wait_none(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut count = self.count.lock();
        while *count > 0 {
            if self.none.wait_until(&mut count, until).timed_out() {
                return *count == 0;
            }
        }
        true
    }

    pub(super) fn count(&self) -> usize {
        *self.count.lock()
    }
}

pub(super) struct UnderWayGuard(Arc<UnderWay>);

impl Drop for UnderWayGuard {
    fn drop(&mut self) {
        let mut count = self.0.count.lock();
        *count -= 1;
        if *count == 0 {
            self.0.none.notify_all();
        }
    }
}

/// A sink that passes everything on.
pub(super) struct WatchedSink {
    pub(super) sink: Box<dyn ReplySink>,
    pub(super) permit: Arc<Permit>,
    pub(super) _under_way: UnderWayGuard,
    pub(super) server_error: bool,
}

impl WatchedSink {
    /// An answer over the cap is a failure of the plugin, whatever comes after it.
    fn judge(&self, passed: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = &passed
            && failure.status == Status::TOO_LARGE
        {
            self.permit.settle(CallVerdict::Failed);
        }
        passed
    }
}

impl ReplySink for WatchedSink {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        self.server_error = head.status >= SERVER_ERROR;
        let passed = self.sink.head(head);
        self.judge(passed)
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let passed = self.sink.body(bytes);
        self.judge(passed)
    }

    fn end(&mut self) {
        self.permit.settle(if self.server_error {
            CallVerdict::Failed
        } else {
            CallVerdict::Good
        });
        self.sink.end();
    }

    fn fail(&mut self, status: u16, message: &str) {
        let failed = status >= SERVER_ERROR;
        self.permit.settle(if failed {
            CallVerdict::Failed
        } else {
            CallVerdict::Good
        });
        self.sink.fail(status, message);
    }

    fn abort(&mut self, message: &str) {
        // An answer that nobody waits for any more says nothing about the plugin.
        if !self.sink.is_closed() {
            self.permit.settle(CallVerdict::Failed);
        }
        self.sink.abort(message);
    }

    fn is_closed(&self) -> bool {
        self.sink.is_closed()
    }
}
