//! Time to live: series without handles whose value has not moved for long enough go.

use super::Core;
use super::series_set::fingerprint;

/// What was last seen of one position.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    fingerprint: u64,
    moved_at: f64,
}

/// Begins to watch a position that a new series took.
pub(super) fn start_watch(watch: &mut Vec<Watch>, position: usize, now: f64) {
    if watch.len() <= position {
        watch.resize(position + 1, Watch::default());
    }
    watch[position] = Watch {
        fingerprint: 0,
        moved_at: now,
    };
}

impl Core {
    /// Whether its series can expire.
    pub(crate) fn expires(&self) -> bool {
        self.descriptor.ttl_seconds.is_some()
    }

    /// Removes what has expired at `now` (Unix seconds) and says how many series that were.
    pub(crate) fn expire(&self, now: f64) -> usize {
        let Some(ttl) = self.descriptor.ttl_seconds else {
            return 0;
        };
        let mut set = self.set.lock();
        let mut old = Vec::new();
        for (number, (segment, note)) in set.segments_mut().enumerate() {
            let rows = note.rows.prefix(note.rows.len());
            for position in (0..rows.len()).map(|row| rows.position(row)) {
                let watch = &mut note.watch[position];
                let seen = fingerprint(&self.store, segment, position);
                if seen != watch.fingerprint {
                    *watch = Watch {
                        fingerprint: seen,
                        moved_at: now,
                    };
                } else if now - watch.moved_at >= ttl && !segment.is_held(position) {
                    old.push((number, position));
                }
            }
        }
        if old.is_empty() {
            return 0;
        }
        // Found in ascending order.
        set.remove_where(self, |number, position, _| {
            old.binary_search(&(number, position)).is_ok()
        })
    }
}
