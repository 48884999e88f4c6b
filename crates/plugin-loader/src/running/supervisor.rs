//! Who keeps the process of an isolated plugin alive, as the supervision of calls sees it.
//!
//! A plugin in this process has none. Starting and ending processes is not done in this crate.

use super::counters::RejectReason;
use super::state::State;
use std::time::Duration;

/// Keeps a plugin's process alive. Asked before every call and whenever somebody looks, so it must
/// answer at once.
pub trait Supervisor: Send + Sync + 'static {
    /// Why the plugin cannot be called now; none while it can.
    fn outage(&self) -> Option<Outage>;
}

/// Why a plugin's process takes no calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Whether it crashed too often lately; otherwise it is just being started again.
    pub quarantined: bool,
    /// What happened and what comes next, as the rest of a sentence that begins with the plugin.
    pub sentence: String,
    /// When it is worth asking again.
    pub retry_after: Duration,
}

impl Outage {
    pub(super) fn state(&self) -> State {
        if self.quarantined {
            State::Quarantined
        } else {
            State::Degraded
        }
    }

    pub(super) fn reason(&self) -> RejectReason {
        if self.quarantined {
            RejectReason::Quarantined
        } else {
            RejectReason::Down
        }
    }
}
