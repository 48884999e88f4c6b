//! What caller and worker share about one call.
//!
//! A call ends exactly once: its work returned, its deadline passed, or its pool closed before a
//! thread had time for it. The first of the three wins and runs the call's hook.

use meterbox_plugin_abi::Failure;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Instant;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The plugin returned.
    Returned(Result<(), Failure>),
    /// The deadline passed first.
    Expired,
    /// The plugin was stopped before the call began.
    Discarded,
}

/// Told once how a call ended, on the thread where it ended; must not block.
pub type Hook = Box<dyn FnOnce(&Ended) + Send>;

/// Which threads may take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Every thread but one.
    Ordinary,
    /// Every thread: one is always left for scrapes.
    Scrape,
}

enum CallPhase {
    Queued,
    Running,
    Over(Ended),
}

/// What caller and worker share about one call.
pub(super) struct CallState {
    pub(super) lane: Lane,
    phase: Mutex<CallPhase>,
    over: Condvar,
    hook: Mutex<Option<Hook>>,
}

/// What giving up a call meant for its thread.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// It had not begun.
    Queued,
    /// Its thread is still in the plugin.
    Running,
    /// It was over already.
    TooLate,
}

impl CallState {
    pub(super) fn new(lane: Lane, hook: Hook) -> Arc<Self> {
        Arc::new(Self {
            lane,
            phase: Mutex::new(CallPhase::Queued),
            over: Condvar::new(),
            hook: Mutex::new(Some(hook)),
        })
    }

    /// A worker takes the call; false when it was given up before.
    pub(super) fn begin(&self) -> bool {
        let mut phase = self.phase.lock();
        let queued = matches!(*phase, CallPhase::Queued);
        if queued {
            *phase = CallPhase::Running;
        }
        queued
    }

    /// The work returned; false when the call had been given up. The hook is not run yet.
    pub(super) fn finish(&self, result: &Result<(), Failure>) -> bool {
        let mut phase = self.phase.lock();
        let running = matches!(*phase, CallPhase::Running);
        if running {
            *phase = CallPhase::Over(Ended::Returned(result.clone()));
        }
        running
    }

    /// The call will not be made.
    pub(super) fn discard(&self) {
        let mut phase = self.phase.lock();
        if matches!(*phase, CallPhase::Over(_)) {
            return;
        }
        *phase = CallPhase::Over(Ended::Discarded);
        drop(phase);
        self.told(&Ended::Discarded);
    }

    pub(super) fn give_up(&self) -> GivenUp {
        let mut phase = self.phase.lock();
        let gave_up = match *phase {
            CallPhase::Queued => GivenUp::Queued,
            CallPhase::Running => GivenUp::Running,
            CallPhase::Over(_) => return GivenUp::TooLate,
        };
        *phase = CallPhase::Over(Ended::Expired);
        gave_up
    }

    pub(super) fn told(&self, ended: &Ended) {
        // Taken out first: the hook must not run under its own lock.
        let hook = self.hook.lock().take();
        if let Some(hook) = hook {
            hook(ended);
        }
        self.over.notify_all();
    }

    /// Whether the call has ended.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.phase.lock(), CallPhase::Over(_))
    }

    pub(super) fn wait(&self, until: Instant) -> Option<Ended> {
        let mut phase = self.phase.lock();
        loop {
            if let CallPhase::Over(ended) = &*phase {
                return Some(ended.clone());
            }
            if self.over.wait_until(&mut phase, until).timed_out() {
                return match &*phase {
                    CallPhase::Over(ended) => Some(ended.clone()),
                    _ => None,
                };
            }
        }
    }
}
