//! What is counted about one plugin, over all its generations.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a call did not reach the plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// Too many calls wait already.
    QueueFull,
    /// The breaker is open.
    Degraded,
    /// The plugin is quarantined.
    Quarantined,
    /// The plugin is being drained or has stopped.
    Stopped,
    /// No thread could be started.
    NoThread,
    /// Its process has ended and is being started again.
    Down,
}

impl RejectReason {
    /// Every reason with its label value.
    pub const NAMED: &'static [(RejectReason, &'static str)] = &[
        (Self::QueueFull, "queue_full"),
        (Self::Degraded, "degraded"),
        (Self::Quarantined, "quarantined"),
        (Self::Stopped, "stopped"),
        (Self::NoThread, "no_thread"),
        (Self::Down, "down"),
    ];

    /// The label value.
    pub fn name(self) -> &'static str {
        Self::NAMED[self as usize].1
    }
}

/// Counters of one plugin; they outlive its generations.
#[derive(Debug, Default)]
pub struct CallCounters {
    calls: AtomicU64,
    errors: AtomicU64,
    panics: AtomicU64,
    timeouts: AtomicU64,
    openings: AtomicU64,
    rejects: [AtomicU64; RejectReason::NAMED.len()],
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that were handed to a thread of the plugin.
    pub calls: u64,
    /// Calls that failed in any way, panics and timeouts among them.
    pub errors: u64,
    /// Calls that panicked.
    pub panics: u64,
    /// Calls that took longer than their deadline.
    pub timeouts: u64,
    /// How often the breaker opened.
    pub openings: u64,
    /// Calls that did not reach the plugin, in the order of [`RejectReason::NAMED`].
    pub rejects: [u64; RejectReason::NAMED.len()],
}

impl CallCounters {
    pub(super) fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn timeout(&self) {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn opening(&self) {
        self.openings.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reject(&self, reason: RejectReason) {
        self.rejects[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Reads all counters.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            calls: read(&self.calls),
            errors: read(&self.errors),
            panics: read(&self.panics),
            timeouts: read(&self.timeouts),
            openings: read(&self.openings),
            rejects: std::array::from_fn(|index| read(&self.rejects[index])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_counts_under_its_own_name() {
        let counters = CallCounters::default();
        for (times, (reason, name)) in RejectReason::NAMED.iter().enumerate() {
            assert_eq!(reason.name(), *name);
            (0..=times).for_each(|_| counters.reject(*reason));
        }
        assert_eq!(counters.counts().rejects, [1, 2, 3, 4, 5, 6]);
    }
}
