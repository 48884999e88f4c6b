//! The series of a family as its writer sees them: index, segments, free positions, resting cells.
//!
//! A removed series' cells *rest* before they are used again: for as long as handles to them live and
//! at least [`REST_SECONDS`], so that a write that had just looked the series up cannot count into a
//! stranger. What was written to them meanwhile is counted as dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Core;
use crate::account::{Account, Full};
use crate::error::SeriesError;
use crate::index::{Index, Place};
use crate::kind::Storage;
use crate::reason::Reason;
use crate::rows::{Room, Rows};
use crate::segment::Segment;
use crate::store::Store;

/// How long cells rest at least after their series was removed.
const REST_SECONDS: f64 = 10.0;
/// Resting cells looked at per new series.
const WAKE_AT_ONCE: usize = 4;

#[derive(Default)]
pub(crate) struct SeriesSet {
    /// The label block that is being looked for; kept for its memory.
    pub(crate) block: String,
    index: Index,
    /// The same list that readers see.
    segments: Arc<Vec<Arc<Segment>>>,
    /// What only the writer knows of each segment.
    notes: Vec<Note>,
    holes: Vec<Place>,
    resting: VecDeque<Resting>,
    len: usize,
}

pub(super) struct Note {
    /// The same rows that readers see.
    pub(super) rows: Arc<Rows>,
    /// Owners by position; its length is the number of positions ever used.
    owners: Vec<u16>,
    /// For families that expire: when each position's value last moved.
    pub(super) watch: Vec<super::expire::Watch>,
}

struct Resting {
    place: Place,
    since: f64,
    fingerprint: u64,
    owner: u16,
}

/// Why there is no room for a series.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoRoom {
    Metric(u32),
    Account(Full),
    Cells,
}

impl SeriesSet {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The series whose block is `self.block`.
    pub(super) fn find(&self, hash: u32) -> Option<(Arc<Segment>, usize)> {
        let place = self.place(hash)?;
        Some((
            Arc::clone(&self.segments[place.segment()]),
            place.position(),
        ))
    }

    fn place(&self, hash: u32) -> Option<Place> {
        self.index.find(hash, |place| {
            let rows = &self.notes[place.segment()].rows;
            let rows = rows.prefix(rows.len());
            rows.row_at(place.position())
                .is_some_and(|row| rows.block(row) == self.block)
        })
    }

    /// Makes the series whose block is `self.block`.
    pub(super) fn make(
        &mut self,
        core: &Core,
        account: &Account,
        hash: u32,
    ) -> Result<(Arc<Segment>, usize), NoRoom> {
        let limit = core.store.accounts.limits().series_per_metric;
        // Resting cells are bounded as well: a family that churns faster than they wake is refused.
        if self.len >= limit as usize || self.resting.len() > (limit as usize).max(1024) {
            return Err(NoRoom::Metric(limit));
        }
        core.store
            .accounts
            .reserve(account)
            .map_err(NoRoom::Account)?;
        let now = core.store.clock.unix_seconds();
        self.wake(core, now);
        let Some(place) = self.free_place(core) else {
            core.store.accounts.release(account.id);
            return Err(NoRoom::Cells);
        };
        let (number, position) = (place.segment(), place.position());
        self.push_row(number, position, now);
        let note = &mut self.notes[number];
        if position == note.owners.len() {
            note.owners.push(account.id);
        } else {
            note.owners[position] = account.id;
        }
        if core.descriptor.ttl_seconds.is_some() {
            super::expire::start_watch(&mut note.watch, position, now);
        }
        self.index.insert(hash, place);
        self.len += 1;
        Ok((Arc::clone(&self.segments[number]), position))
    }

    /// A position that nothing uses: a hole, the end of the last segment, or a new segment's first.
    fn free_place(&mut self, core: &Core) -> Option<Place> {
        if let Some(hole) = self.holes.pop() {
            return Some(hole);
        }
        if let (Some(segment), Some(note)) = (self.segments.last(), self.notes.last())
            && note.owners.len() < segment.capacity()
        {
            return Place::new(self.segments.len() - 1, note.owners.len());
        }
        let number = self.segments.len();
        let place = Place::new(number, 0)?;
        let width = core.width();
        let capacity = Segment::capacity_of(number, width);
        let storage = core.kind().storage();
        let first = core.store.slots.take(storage, (capacity * width) as u32)?;
        // Neighbours tend to have labels of one length.
        let text_before = self.notes.last().map_or(0, |note| {
            let rows = note.rows.prefix(note.rows.len());
            rows.text.len() / rows.len().max(1)
        });
        let text = (text_before.max(self.block.len()) + 2) * capacity;
        let room = Room {
            rows: capacity,
            text,
            scattered: false,
        };
        let rows = Arc::new(Rows::new(room, core.store.next_structure()));
        let segment = Arc::new(Segment::new(first, width, capacity, Arc::clone(&rows)));
        let mut list = Vec::with_capacity(number + 1);
        list.extend(self.segments.iter().map(Arc::clone));
        list.push(segment);
        self.segments = Arc::new(list);
        core.segments.store(Arc::clone(&self.segments));
        self.notes.push(Note {
            rows,
            owners: Vec::new(),
            watch: Vec::new(),
        });
        Some(place)
    }

    fn push_row(&mut self, number: usize, position: usize, now: f64) {
        let (segment, note) = (&self.segments[number], &mut self.notes[number]);
        let capacity = segment.capacity();
        if !note.rows.push(&self.block, now, position) {
            let old = note.rows.prefix(note.rows.len());
            let scattered = old.positions.is_some() || position != old.len();
            let rest = capacity.saturating_sub(old.len() + 1);
            let usual = (old.text.len() + self.block.len()) / (old.len() + 1) + 2;
            let text = old.text.len() + self.block.len() + rest * usual;
            let room = Room {
                rows: capacity,
                text,
                scattered,
            };
            // The same rows so far, so the same structure.
            let grown = copy(&note.rows, room, note.rows.structure(), |_| true);
            let pushed = grown.push(&self.block, now, position);
            debug_assert!(pushed, "the copy was made with room for this row");
            note.rows = Arc::new(grown);
            segment.rows.store(Arc::clone(&note.rows));
        }
        let full = note.rows.len() == capacity;
        if full && note.rows.slack() * 16 > note.rows.prefix(capacity).text.len() {
            // Complete: keep exactly what it needs. Same rows, so the same structure.
            let old = note.rows.prefix(capacity);
            let scattered = old.positions.is_some();
            let room = Room {
                rows: capacity,
                text: old.text.len(),
                scattered,
            };
            note.rows = Arc::new(copy(&note.rows, room, note.rows.structure(), |_| true));
            segment.rows.store(Arc::clone(&note.rows));
        }
    }

    /// Removes the series whose block is `self.block`.
    pub(super) fn remove_one(&mut self, core: &Core, hash: u32) -> bool {
        let Some(place) = self.place(hash) else {
            return false;
        };
        core.removals.fetch_add(1, Ordering::AcqRel);
        self.index.remove(hash, place);
        self.drop_rows(core, place.segment(), |position| {
            position == place.position()
        });
        true
    }

    /// Removes every series for which `go(segment, position, owner)` says so.
    pub(super) fn remove_where(
        &mut self,
        core: &Core,
        mut go: impl FnMut(usize, usize, u16) -> bool,
    ) -> usize {
        let before = self.len;
        for number in 0..self.segments.len() {
            let mut gone = [false; crate::rows::SEGMENT_SERIES_MAX];
            let note = &self.notes[number];
            let rows = note.rows.prefix(note.rows.len());
            for position in (0..rows.len()).map(|row| rows.position(row)) {
                gone[position] = go(number, position, note.owners[position]);
            }
            if gone.contains(&true) {
                core.removals.fetch_add(1, Ordering::AcqRel);
                self.drop_rows(core, number, |position| gone[position]);
            }
        }
        if self.len < before {
            let notes = &self.notes;
            self.index.retain(|place| {
                let rows = &notes[place.segment()].rows;
                rows.prefix(rows.len()).row_at(place.position()).is_some()
            });
        }
        before - self.len
    }

    /// Takes rows out of one segment and lays their cells to rest.
    fn drop_rows(&mut self, core: &Core, number: usize, gone: impl Fn(usize) -> bool) {
        let (segment, note) = (&self.segments[number], &mut self.notes[number]);
        let since = core.store.clock.unix_seconds();
        let old = note.rows.prefix(note.rows.len());
        for position in (0..old.len())
            .map(|row| old.position(row))
            .filter(|&at| gone(at))
        {
            let place = Place::new(number, position).expect("it was made from the same numbers");
            let owner = note.owners[position];
            let fingerprint = fingerprint(&core.store, segment, position);
            self.resting.push_back(Resting {
                place,
                since,
                fingerprint,
                owner,
            });
            core.store.accounts.release(owner);
            self.len -= 1;
        }
        let text = old.text.len();
        let room = Room {
            rows: segment.capacity(),
            text,
            scattered: true,
        };
        let structure = core.store.next_structure();
        note.rows = Arc::new(copy(&note.rows, room, structure, |position| {
            !gone(position)
        }));
        segment.rows.store(Arc::clone(&note.rows));
    }

    /// Lets cells be used again that have rested enough and that nobody holds.
    fn wake(&mut self, core: &Core, now: f64) {
        for _ in 0..WAKE_AT_ONCE.min(self.resting.len()) {
            let Some(resting) = self.resting.pop_front() else {
                return;
            };
            let (number, position) = (resting.place.segment(), resting.place.position());
            let segment = &self.segments[number];
            if segment.is_held(position) {
                self.resting.push_back(resting);
                continue;
            }
            if now - resting.since < REST_SECONDS {
                self.resting.push_front(resting);
                return;
            }
            if fingerprint(&core.store, segment, position) != resting.fingerprint {
                core.store.accounts.count(resting.owner, Reason::Removed);
            }
            core.store
                .cells
                .zero(segment.slot(position), segment.width());
            self.holes.push(resting.place);
        }
    }

    /// For `expire`: each segment with its note.
    pub(super) fn segments_mut(&mut self) -> impl Iterator<Item = (&Arc<Segment>, &mut Note)> {
        self.segments.iter().zip(&mut self.notes)
    }

    /// The family is gone: gives every block and every place in a limit back.
    pub(super) fn give_all_back(&mut self, store: &Store, storage: Storage) {
        for (segment, note) in self.segments.iter().zip(&self.notes) {
            let rows = note.rows.prefix(note.rows.len());
            for row in 0..rows.len() {
                store.accounts.release(note.owners[rows.position(row)]);
            }
            let cells = segment.capacity() * segment.width();
            store.cells.zero(segment.first(), cells);
            store.slots.give(storage, segment.first(), cells as u32);
        }
    }
}

impl NoRoom {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Metric(_) => Reason::MetricLimit,
            Self::Account(Full::Source(_)) => Reason::SourceLimit,
            Self::Account(Full::All(_)) => Reason::TotalLimit,
            Self::Cells => Reason::NoCells,
        }
    }

    pub(super) fn error(self, core: &Core, account: &Account) -> SeriesError {
        let metric = core.metric();
        match self {
            Self::Metric(limit) => SeriesError::PerMetric { metric, limit },
            Self::Account(Full::Source(limit)) => {
                let source_name = account.name.to_string();
                SeriesError::PerSource {
                    metric,
                    source_name,
                    limit,
                }
            }
            Self::Account(Full::All(limit)) => SeriesError::InAll { metric, limit },
            Self::Cells => SeriesError::NoCells { metric },
        }
    }
}

/// New rows with those of `old` whose positions `keep` wants.
fn copy(old: &Rows, room: Room, structure: u64, keep: impl Fn(usize) -> bool) -> Rows {
    let new = Rows::new(room, structure);
    let old = old.prefix(old.len());
    for row in (0..old.len()).filter(|&row| keep(old.position(row))) {
        let pushed = new.push(old.block(row), old.created[row], old.position(row));
        debug_assert!(pushed, "the room was made for these rows");
    }
    new
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
