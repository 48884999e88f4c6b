//! How long the entries of a child have kept the host waiting.
//!
//! An entry's own time stands still while the host does something for it, such as waiting for a slow
//! client. Each call lane has one clock; one thread writes it and the watcher reads it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Face {
    /// The limit of the entry in nanoseconds; 0 while there is none.
    limit: AtomicU64,
    own: AtomicU64,
    /// Since when the host has waited, in nanoseconds since the epoch; 0 while it does not.
    since: AtomicU64,
}

/// The clocks of all call lanes.
#[derive(Debug)]
pub(super) struct Clocks {
    epoch: Instant,
    faces: Box<[Face]>,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Clocks {
    pub(super) fn new(lanes: usize) -> Self {
        Self {
            epoch: Instant::now(),
            faces: (0..lanes).map(|_| Face::default()).collect(),
        }
    }

    fn now(&self) -> u64 {
        nanos(self.epoch.elapsed()).max(1)
    }

    /// An entry begins on `lane`.
    pub(super) fn begin(&self, lane: usize, limit: Duration) -> Entry<'_> {
        let face = &self.faces[lane];
        face.own.store(0, Ordering::Relaxed);
        face.since.store(0, Ordering::Relaxed);
        // In one order with the watcher's note that it sleeps.
        face.limit.store(nanos(limit).max(1), Ordering::SeqCst);
        Entry { clocks: self, face }
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
pub(super) struct Entry<'a> {
    clocks: &'a Clocks,
    face: &'a Face,
}

impl Entry<'_> {
    /// Runs `wait`, in which the host waits for the child.
    pub(super) fn waiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        let begin = self.clocks.now();
        self.face.since.store(begin, Ordering::Relaxed);
        let result = wait();
        self.face.since.store(0, Ordering::Relaxed);
        let took = self.clocks.now() - begin;
        self.face.own.fetch_add(took, Ordering::Relaxed);
        result
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.face.limit.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_time_spent_waiting_counts() {
        let clocks = Clocks::new(2);
        assert_eq!(clocks.look(), (false, false));
        let entry = clocks.begin(1, Duration::from_nanos(1));
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(clocks.look(), (true, false), "the host is busy itself");
        entry.waiting(|| {
            std::thread::sleep(Duration::from_millis(1));
            assert_eq!(clocks.look(), (true, true));
        });
        assert_eq!(clocks.look(), (true, false));
        drop(entry);
        assert_eq!(clocks.look(), (false, false));
    }
}
