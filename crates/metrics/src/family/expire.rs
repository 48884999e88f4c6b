//! Time to live: series without handles whose value has not moved for long enough go.

use std::sync::Arc;

use super::Core;
use super::last_seen::LastSeen;
use super::retire::fingerprint;
use crate::segment::Segment;

impl Core {
    /// Whether its series can expire.
    pub(crate) fn expires(&self) -> bool {
        self.descriptor.ttl_seconds.is_some()
    }

    /// Removes what has expired at `now` (Unix seconds) and says how many series that were. The lock
    /// is given back after each segment, so that new series wait for one at most.
    pub(crate) fn expire(&self, now: f64) -> usize {
        let Some(ttl) = self.descriptor.ttl_seconds else {
            return 0;
        };
        let segments = self.segments.load_full();
        let in_segment = |(number, segment): (usize, &Arc<Segment>)| {
            let mut guard = self.set.lock();
            let set = &mut *guard;
            let mut watched = std::mem::take(&mut set.notes[number].last_seen);
            let removed = set.remove_in(self, number, |position, _| {
                let last_seen = &mut watched[position];
                let seen = fingerprint(&self.store, segment, position);
                if seen != last_seen.fingerprint {
                    *last_seen = LastSeen {
                        fingerprint: seen,
                        moved_at: now,
                    };
                }
                now - last_seen.moved_at >= ttl && !segment.is_held(position)
            });
            set.notes[number].last_seen = watched;
            removed
        };
        segments.iter().enumerate().map(in_segment).sum()
    }
}
