//! How long the entries of a child have taken, in time of their own.
//!
//! An entry's own time stands still while the host waits for a client in its place. Each call lane has
//! one clock; one thread writes it and the watcher reads it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct ClockState {
    /// The limit of the entry in nanoseconds; 0 while there is none.
    limit: AtomicU64,
    own: AtomicU64,
    /// Since when it has run, in nanoseconds since the epoch; 0 while it stands still.
    since: AtomicU64,
}

/// The clocks of all call lanes.
#[derive(Debug)]
pub(super) struct Clocks {
    epoch: Instant,
    faces: Box<[ClockState]>,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Clocks {
    pub(super) fn new(lanes: usize) -> Self {
        Self {
            epoch: Instant::now(),
            faces: (0..lanes).map(|_| ClockState::default()).collect(),
        }
    }

    fn now(&self) -> u64 {
        nanos(self.epoch.elapsed()).max(1)
    }

    /// An entry begins on `lane`.
    pub(super) fn begin(&self, lane: usize, limit: Duration) -> EntryClock<'_> {
        let face = &self.faces[lane];
        face.own.store(0, Ordering::Relaxed);
        face.since.store(self.now(), Ordering::Relaxed);
        // In one order with the watcher's note that it sleeps.
        face.limit.store(nanos(limit).max(1), Ordering::SeqCst);
        EntryClock { clocks: self, face }
    }

    /// Whether any entry is under way, and whether one of them is over its limit.
    pub(super) fn look(&self) -> (bool, bool) {
        let mut any = false;
        let now = self.now();
        let late = self.faces.iter().any(|face| {
            let limit = face.limit.load(Ordering::SeqCst);
            any |= limit != 0;
            let since = face.since.load(Ordering::Relaxed);
            if limit == 0 || since == 0 {
                return false;
            }
            let own = face.own.load(Ordering::Relaxed);
            own.saturating_add(now.saturating_sub(since)) > limit
        });
        (any, late)
    }
}

/// The clock of one entry; stops when it is dropped.
pub(super) struct EntryClock<'a> {
    clocks: &'a Clocks,
    face: &'a ClockState,
}

impl EntryClock<'_> {
    /// Runs `wait`, in which the host waits for a client.
    pub(super) fn paused<T>(&self, wait: impl FnOnce() -> T) -> T {
        let since = self.face.since.swap(0, Ordering::Relaxed);
        let own = self.clocks.now().saturating_sub(since);
        self.face.own.fetch_add(own, Ordering::Relaxed);
        let result = wait();
        self.face.since.store(self.clocks.now(), Ordering::Relaxed);
        result
    }
}

impl Drop for EntryClock<'_> {
    fn drop(&mut self) {
        self.face.limit.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spent_waiting_for_a_client_does_not_count() {
        let clocks = Clocks::new(2);
        assert_eq!(clocks.look(), (false, false));
        let entry = clocks.begin(1, Duration::from_nanos(1));
        entry.paused(|| assert_eq!(clocks.look(), (true, false)));
        while clocks.look() != (true, true) {}
        drop(entry);
        assert_eq!(clocks.look(), (false, false));
        let _long = clocks.begin(1, Duration::from_secs(3600));
        assert_eq!(clocks.look(), (true, false), "what was before is forgotten");
    }
}
