//! Numbers of cells, and who hands them out.
//!
//! A *slot* is the number of a cell of eight bytes. Every series owns a run of neighbouring slots,
//! every segment a block of such runs, and a block never crosses a page, so that one look at the page
//! directory reaches all cells of a series. Blocks of per-thread and of shared cells come from
//! different pages: a thread that counts never makes memory for gauges.

use parking_lot::Mutex;

use crate::kind::Storage;

/// Cells in a page: 32 KiB, made for a thread when it first writes there.
pub(crate) const PAGE_CELLS: u32 = 4096;
/// Pages in a directory, which bounds a store at 64 Mi cells (512 MiB a fully used slab).
pub(crate) const PAGES: u32 = 16_384;
/// Remainders of pages that are kept for small blocks; more are forgotten.
const REMAINDERS_MAX: usize = 64;

/// The number of a cell in a store's slabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Slot(u32);

impl Slot {
    /// The slot with this number, or `None` if no store can have it.
    #[cfg(test)]
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        (raw < PAGES * PAGE_CELLS).then_some(Self(raw))
    }

    /// The number.
    #[must_use]
    pub fn raw(self) -> u32 {
        self.0
    }

    /// The slot `offset` cells further; the caller stays inside its block.
    #[inline(always)]
    pub(crate) fn plus(self, offset: u32) -> Self {
        debug_assert!(self.0 + offset < PAGES * PAGE_CELLS);
        Self((self.0 + offset) & (PAGES * PAGE_CELLS - 1))
    }

    #[inline(always)]
    pub(crate) fn page(self) -> usize {
        (self.0 / PAGE_CELLS) as usize
    }

    #[inline(always)]
    pub(crate) fn offset(self) -> usize {
        (self.0 % PAGE_CELLS) as usize
    }
}

/// Hands out blocks of neighbouring slots and takes them back.
#[derive(Debug, Default)]
pub(crate) struct SlotSpace {
    state: Mutex<FreeBlocks>,
}

#[derive(Debug, Default)]
struct FreeBlocks {
    pages_used: u32,
    /// Per storage class: the page being cut up.
    regions: [SlotRegion; 2],
}

#[derive(Debug, Default)]
struct SlotRegion {
    next: u32,
    end: u32,
    /// Returned blocks and remainders of pages: `(first slot, cells)`.
    free: Vec<(u32, u32)>,
}

impl SlotSpace {
    /// A block of `cells` neighbouring cells of one page, or `None` when the store is full.
    pub(crate) fn take(&self, storage: Storage, cells: u32) -> Option<Slot> {
        debug_assert!(cells > 0 && cells <= PAGE_CELLS);
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let region = &mut state.regions[storage as usize];
        if let Some(found) = region.take_free(cells) {
            return Some(Slot(found));
        }
        if region.end - region.next < cells {
            if state.pages_used == PAGES {
                return None;
            }
            let (rest, rest_cells) = (region.next, region.end - region.next);
            region.give(rest, rest_cells);
            region.next = state.pages_used * PAGE_CELLS;
            region.end = region.next + PAGE_CELLS;
            state.pages_used += 1;
        }
        let first = region.next;
        region.next += cells;
        Some(Slot(first))
    }

    /// Takes back a block whose cells are zero in every slab.
    pub(crate) fn give(&self, storage: Storage, first: Slot, cells: u32) {
        self.state.lock().regions[storage as usize].give(first.0, cells);
    }
}

impl SlotRegion {
    fn take_free(&mut self, cells: u32) -> Option<u32> {
        // The newest first: a family that is made again finds its own block.
        let at = self.free.iter().rposition(|&(_, free)| free >= cells)?;
        let (first, free) = self.free[at];
        if free == cells {
            self.free.swap_remove(at);
        } else {
            self.free[at] = (first + cells, free - cells);
        }
        Some(first)
    }

    fn give(&mut self, first: u32, cells: u32) {
        if cells == 0 {
            return;
        }
        if self.free.len() >= REMAINDERS_MAX
            && let Some(smallest) = self
                .free
                .iter()
                .enumerate()
                .min_by_key(|(_, block)| block.1)
            && smallest.1.1 < cells.min(16)
        {
            // Scraps of a few cells are not worth the search.
            let at = smallest.0;
            self.free.swap_remove(at);
        }
        self.free.push((first, cells));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_never_crosses_a_page() {
        let space = SlotSpace::default();
        for cells in [1, 4096, 3000, 3000, 14 * 64, 256, 4095] {
            let first = space.take(Storage::PerThread, cells).unwrap();
            let last = first.plus(cells - 1);
            assert_eq!(first.page(), last.page(), "{cells} cells");
        }
    }

    #[test]
    fn storage_classes_never_share_a_page() {
        let space = SlotSpace::default();
        let counted = space.take(Storage::PerThread, 4).unwrap();
        let shared = space.take(Storage::Shared, 4).unwrap();
        assert_ne!(counted.page(), shared.page());
    }

    #[test]
    fn a_returned_block_is_handed_out_again() {
        let space = SlotSpace::default();
        let first = space.take(Storage::PerThread, 256).unwrap();
        space.give(Storage::PerThread, first, 256);
        assert_eq!(space.take(Storage::PerThread, 256), Some(first));
    }

    #[test]
    fn a_full_store_refuses_instead_of_wrapping() {
        let space = SlotSpace::default();
        for _ in 0..PAGES {
            assert!(space.take(Storage::PerThread, PAGE_CELLS).is_some());
        }
        assert_eq!(space.take(Storage::PerThread, 1), None);
    }
}
