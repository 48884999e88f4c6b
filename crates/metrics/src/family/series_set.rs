//! The series of a family as its writer sees them: index, segments, free positions.
//!
//! How series go, and how their cells come to be used again, is in `retire`.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Core;
use super::last_seen::{self, LastSeen};
use super::retired::RetiredCells;
use crate::account::{Account, Full};
use crate::error::SeriesError;
use crate::index::{Index, SeriesPlace};
use crate::kind::Storage;
use crate::reason::Reason;
use crate::rows::{ColumnRoom, SeriesColumns};
use crate::segment::Segment;
use crate::store::Store;

#[derive(Default)]
pub(crate) struct SeriesSet {
    /// The label block that is being looked for; kept for its memory.
    pub(crate) block: String,
    pub(super) index: Index,
    /// The same list that readers see.
    pub(super) segments: Arc<Vec<Arc<Segment>>>,
    /// What only the writer knows of each segment.
    pub(super) notes: Vec<SeriesNote>,
    /// Positions to be used again.
    pub(super) holes: Vec<SeriesPlace>,
    pub(super) retired: VecDeque<RetiredCells>,
    pub(super) len: usize,
}

pub(super) struct SeriesNote {
    /// The same rows that readers see.
    pub(super) rows: Arc<SeriesColumns>,
    /// By position; its length is the number of positions ever used.
    pub(super) made: Vec<IndexedSeries>,
    /// For families that expire: when each position's value last moved.
    pub(super) last_seen: Vec<LastSeen>,
}

/// Where a series stands in the index, and whose it is.
#[derive(Clone, Copy)]
pub(super) struct IndexedSeries {
    pub(super) hash: u32,
    pub(super) owner: u16,
}

/// Why there is no room for a series.
#[derive(Clone, Copy, Debug)]
pub(super) enum SeriesRefusal {
    Metric(u32),
    Account(Full),
    Cells,
}

impl SeriesSet {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Who made the series at this place.
    pub(super) fn owner(&self, place: SeriesPlace) -> u16 {
        self.notes[place.segment()].made[place.position()].owner
    }

    /// Where the series at this place is.
    pub(super) fn at(&self, place: SeriesPlace) -> (Arc<Segment>, usize) {
        let segment = Arc::clone(&self.segments[place.segment()]);
        (segment, place.position())
    }

    /// The place of the series whose block is `self.block`.
    pub(super) fn place(&self, hash: u32) -> Option<SeriesPlace> {
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
    ) -> Result<(Arc<Segment>, usize), SeriesRefusal> {
        let limit = core.store.accounts.limits().series_per_metric;
        let now = core.store.clock.unix_seconds();
        // Before anything is refused: a family that is full of retired cells has to get them back some day.
        self.reclaim(core, now);
        // Retired cells are bounded as well: a family that churns faster than they are reclaimed is refused.
        if self.len >= limit as usize || self.retired.len() > (limit as usize).max(1024) {
            return Err(SeriesRefusal::Metric(limit));
        }
        core.store
            .accounts
            .reserve(account)
            .map_err(SeriesRefusal::Account)?;
        let Some(place) = self.free_place(core) else {
            core.store.accounts.release(account.id);
            return Err(SeriesRefusal::Cells);
        };
        let (number, position) = (place.segment(), place.position());
        self.push_row(number, position, now);
        let note = &mut self.notes[number];
        let made = IndexedSeries {
            hash,
            owner: account.id,
        };
        match note.made.get_mut(position) {
            Some(before) => *before = made,
            None => note.made.push(made),
        }
        if core.descriptor.ttl_seconds.is_some() {
            last_seen::start(&mut note.last_seen, position, now);
        }
        self.index.insert(hash, place);
        self.len += 1;
        Ok((Arc::clone(&self.segments[number]), position))
    }

    /// A position that nothing uses: a hole, the end of the last segment, or a new segment's first.
    fn free_place(&mut self, core: &Core) -> Option<SeriesPlace> {
        if let Some(hole) = self.holes.pop() {
            return Some(hole);
        }
        if let (Some(segment), Some(note)) = (self.segments.last(), self.notes.last())
            && note.made.len() < segment.capacity()
        {
            return SeriesPlace::new(self.segments.len() - 1, note.made.len());
        }
        let number = self.segments.len();
        let place = SeriesPlace::new(number, 0)?;
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
        let room = ColumnRoom {
            rows: capacity,
            text,
            scattered: false,
        };
        let rows = Arc::new(SeriesColumns::new(room, core.store.next_structure()));
        let segment = Arc::new(Segment::new(first, width, capacity, Arc::clone(&rows)));
        let mut list = Vec::with_capacity(number + 1);
        list.extend(self.segments.iter().map(Arc::clone));
        list.push(segment);
        self.segments = Arc::new(list);
        core.segments.store(Arc::clone(&self.segments));
        self.notes.push(SeriesNote {
            rows,
            made: Vec::new(),
            last_seen: Vec::new(),
        });
        Some(place)
    }

    fn push_row(&mut self, number: usize, position: usize, now: f64) {
        let (segment, note) = (&self.segments[number], &mut self.notes[number]);
        let capacity = segment.capacity();
        if !note.rows.push(&self.block, now, position) {
            let old = note.rows.prefix(note.rows.len());
            let scattered = old.positions.is_some() || position != old.len();
            let more = capacity.saturating_sub(old.len() + 1);
            let usual = (old.text.len() + self.block.len()) / (old.len() + 1) + 2;
            let text = old.text.len() + self.block.len() + more * usual;
            let room = ColumnRoom {
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
            let room = ColumnRoom {
                rows: capacity,
                text: old.text.len(),
                scattered,
            };
            note.rows = Arc::new(copy(&note.rows, room, note.rows.structure(), |_| true));
            segment.rows.store(Arc::clone(&note.rows));
        }
    }

    /// The family is gone: gives every block and every place in a limit back.
    pub(super) fn give_all_back(&mut self, store: &Store, storage: Storage) {
        for (segment, note) in self.segments.iter().zip(&self.notes) {
            let rows = note.rows.prefix(note.rows.len());
            for row in 0..rows.len() {
                store.accounts.release(note.made[rows.position(row)].owner);
            }
            let cells = segment.capacity() * segment.width();
            store.cells.zero(segment.first(), cells);
            store.slots.give(storage, segment.first(), cells as u32);
        }
    }
}

impl SeriesRefusal {
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
pub(super) fn copy(
    old: &SeriesColumns,
    room: ColumnRoom,
    structure: u64,
    keep: impl Fn(usize) -> bool,
) -> SeriesColumns {
    let new = SeriesColumns::new(room, structure);
    let old = old.prefix(old.len());
    for row in (0..old.len()).filter(|&row| keep(old.position(row))) {
        let pushed = new.push(old.block(row), old.created[row], old.position(row));
        debug_assert!(pushed, "the room was made for these rows");
    }
    new
}
