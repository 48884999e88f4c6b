//! The leave to make one call, and what the call said about the plugin.
//!
//! A call is judged once, by whatever is known first: its answer was finished, it failed, its
//! deadline passed, or its client left and nothing can be said.

use super::breaker::{Admission, Breaker, BreakerSettings, BreakerState};
use super::clock::Clock;
use super::counters::{CallCounters, RejectReason};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// Why a call was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// The reason, counted already.
    pub reason: RejectReason,
    /// When it is worth asking again, if ever.
    pub retry_after: Option<Duration>,
}

/// What one call showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallVerdict {
    Good,
    Failed,
}

/// Breaker, clock and counters of one generation.
pub(super) struct CallGate {
    breaker: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
    pub(super) counters: Arc<CallCounters>,
    last_error: Mutex<Option<String>>,
}

impl CallGate {
    pub(super) fn new(
        settings: BreakerSettings,
        clock: Arc<dyn Clock>,
        counters: Arc<CallCounters>,
    ) -> Self {
        Self {
            breaker: Mutex::new(Breaker::new(settings)),
            clock,
            counters,
            last_error: Mutex::new(None),
        }
    }

    pub(super) fn admit(self: &Arc<Self>) -> Result<Permit, Reject> {
        let admission = self.breaker.lock().admit(self.clock.now());
        let (reason, retry_after) = match admission {
            Admission::Pass | Admission::Trial => {
                let admission = Mutex::new(Some(admission));
                return Ok(Permit {
                    call_gate: self.clone(),
                    admission,
                });
            }
            Admission::Later(pause) => (RejectReason::Degraded, Some(pause)),
            Admission::Never => (RejectReason::Quarantined, None),
        };
        Err(self.reject(reason, retry_after))
    }

    pub(super) fn reject(&self, reason: RejectReason, retry_after: Option<Duration>) -> Reject {
        self.counters.reject(reason);
        Reject {
            reason,
            retry_after,
        }
    }

    /// Remembers what the plugin last failed with.
    pub(super) fn note(&self, error: String) {
        *self.last_error.lock() = Some(error);
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    pub(super) fn quarantine(&self) {
        self.breaker.lock().quarantine();
    }

    pub(super) fn breaker_state(&self) -> BreakerState {
        self.breaker.lock().state()
    }
}

/// Leave for one call; the first verdict counts, none at all is neutral.
pub(super) struct Permit {
    call_gate: Arc<CallGate>,
    admission: Mutex<Option<Admission>>,
}

impl Permit {
    pub(super) fn settle(&self, verdict: CallVerdict) {
        let Some(admission) = self.admission.lock().take() else {
            return;
        };
        let mut breaker = self.call_gate.breaker.lock();
        match verdict {
            CallVerdict::Good => breaker.succeeded(admission),
            CallVerdict::Failed => {
                self.call_gate.counters.error();
                let openings = breaker.openings();
                breaker.failed(admission, self.call_gate.clock.now());
                if breaker.openings() > openings {
                    self.call_gate.counters.opening();
                }
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(admission) = self.admission.get_mut().take() {
            self.call_gate
                .breaker
                .lock()
                .abandoned(admission, self.call_gate.clock.now());
        }
    }
}
