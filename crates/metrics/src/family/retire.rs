//! How series go, and how their cells come to be used again.
//!
//! A removed series' cells are *retired* before they are used again: for as long as handles to them live and
//! at least [`RETIRED_SECONDS`], so that a write that had just looked the series up cannot count into a
//! stranger. What was written to them meanwhile is counted as dropped.

use std::sync::atomic::Ordering;

use super::Core;
use super::retired::RetiredCells;
use super::series_set::{IndexedSeries, SeriesSet, copy};
use crate::index::SeriesPlace;
use crate::reason::Reason;
use crate::rows::{ColumnRoom, SEGMENT_SERIES_MAX};
use crate::segment::Segment;
use crate::store::Store;

/// How long cells are retired at least after their series was removed.
const RETIRED_SECONDS: f64 = 10.0;
/// Retired cells looked at per new series.
const RECLAIM_AT_ONCE: usize = 4;

impl SeriesSet {
    /// Removes the series at this place.
    pub(super) fn remove_at(&mut self, core: &Core, place: SeriesPlace) -> bool {
        let only = |position, _: &IndexedSeries| position == place.position();
        self.remove_in(core, place.segment(), only) > 0
    }

    /// Removes every series of one segment for which `go(position, made)` says so.
    pub(super) fn remove_in(
        &mut self,
        core: &Core,
        number: usize,
        mut go: impl FnMut(usize, &IndexedSeries) -> bool,
    ) -> usize {
        let (segment, note) = (&self.segments[number], &mut self.notes[number]);
        let old = note.rows.prefix(note.rows.len());
        let since = core.store.clock.unix_seconds();
        let mut gone = [false; SEGMENT_SERIES_MAX];
        let mut removed = 0;
        for position in (0..old.len()).map(|row| old.position(row)) {
            let made = &note.made[position];
            if !go(position, made) {
                continue;
            }
            if removed == 0 {
                // Before anything goes: what is kept of look-ups is not believed from here on.
                core.removals.fetch_add(1, Ordering::AcqRel);
            }
            gone[position] = true;
            removed += 1;
            let place =
                SeriesPlace::new(number, position).expect("it was made from the same numbers");
            self.index.remove(made.hash, place);
            let fingerprint = fingerprint(&core.store, segment, position);
            self.retired.push_back(RetiredCells {
                place,
                since,
                fingerprint,
                owner: made.owner,
            });
            core.store.accounts.release(made.owner);
        }
        if removed > 0 {
            let room = ColumnRoom {
                rows: segment.capacity(),
                text: old.text.len(),
                scattered: true,
            };
            let structure = core.store.next_structure();
            let left = copy(&note.rows, room, structure, |position| !gone[position]);
            note.rows = left.into();
            segment.rows.store(note.rows.clone());
            self.len -= removed;
        }
        removed
    }

    /// Lets cells be used again that have rested enough and that nobody holds.
    pub(super) fn reclaim(&mut self, core: &Core, now: f64) {
        for _ in 0..RECLAIM_AT_ONCE.min(self.retired.len()) {
            let Some(retired) = self.retired.pop_front() else {
                return;
            };
            let (number, position) = (retired.place.segment(), retired.place.position());
            let segment = &self.segments[number];
            if segment.is_held(position) {
                self.retired.push_back(retired);
                continue;
            }
            if now - retired.since < RETIRED_SECONDS {
                self.retired.push_front(retired);
                return;
            }
            if fingerprint(&core.store, segment, position) != retired.fingerprint {
                core.store.accounts.count(retired.owner, Reason::Removed);
            }
            core.store
                .cells
                .zero(segment.slot(position), segment.width());
            self.holes.push(retired.place);
        }
    }
}

/// A number that changes when any cell of a series moves.
pub(super) fn fingerprint(store: &Store, segment: &Segment, position: usize) -> u64 {
    let mut sum = 0_u64;
    store
        .cells
        .for_each_copy(segment.slot(position), segment.width(), |run| {
            sum = run.iter().fold(sum, |sum, cell| {
                sum.wrapping_add(cell.load(Ordering::Relaxed))
            });
        });
    sum
}
