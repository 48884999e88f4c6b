//! A segment: up to 256 neighbouring series of a family and their block of cells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;

use crate::rows::{SEGMENT_SERIES_MAX, SeriesColumns, SeriesPrefix};
use crate::slot::{PAGE_CELLS, Slot};

/// Capacities of a family's first segments; all further ones are full size.
const FIRST_CAPACITIES: [usize; 3] = [4, 16, 64];

/// What readers and handles know of a segment.
pub(crate) struct Segment {
    first: Slot,
    width: u32,
    pub(crate) rows: ArcSwap<SeriesColumns>,
    /// Handles, by position.
    handles: Box<[AtomicU32]>,
}

impl Segment {
    pub(crate) fn new(
        first: Slot,
        width: usize,
        capacity: usize,
        rows: Arc<SeriesColumns>,
    ) -> Self {
        Self {
            first,
            width: width as u32,
            rows: ArcSwap::new(rows),
            handles: (0..capacity).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Series that the `number`-th segment of a family holds, so that small families stay small and
    /// a series never leaves its page.
    pub(crate) fn capacity_of(number: usize, width: usize) -> usize {
        let wanted = FIRST_CAPACITIES
            .get(number)
            .copied()
            .unwrap_or(SEGMENT_SERIES_MAX);
        wanted.min(PAGE_CELLS as usize / width).max(1)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.handles.len()
    }

    pub(crate) fn first(&self) -> Slot {
        self.first
    }

    pub(crate) fn width(&self) -> usize {
        self.width as usize
    }

    /// Cells from the first on that hold all of these rows.
    pub(crate) fn span(&self, rows: SeriesPrefix<'_>) -> usize {
        let positions = if rows.positions.is_some() {
            self.capacity()
        } else {
            rows.len()
        };
        positions * self.width()
    }

    /// The first cell of the series at a position.
    pub(crate) fn slot(&self, position: usize) -> Slot {
        self.first.plus(position as u32 * self.width)
    }

    pub(crate) fn retain(&self, position: usize) {
        self.handles[position].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn release(&self, position: usize) {
        // Release: what was written through the handle comes before the slot is used again.
        self.handles[position].fetch_sub(1, Ordering::Release);
    }

    /// Whether somebody holds a handle to the series at a position.
    pub(crate) fn is_held(&self, position: usize) -> bool {
        self.handles[position].load(Ordering::Acquire) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_grow_and_wide_series_stay_in_a_page() {
        let capacities: Vec<_> = (0..5)
            .map(|number| Segment::capacity_of(number, 1))
            .collect();
        assert_eq!(capacities, [4, 16, 64, 256, 256]);
        assert_eq!(Segment::capacity_of(3, 14), 256);
        assert_eq!(Segment::capacity_of(3, 514), 7);
        assert_eq!(Segment::capacity_of(0, 4096), 1);
    }
}
