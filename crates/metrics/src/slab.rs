//! Cells in pages: a slab is one writer's copy of every cell, made page by page.
//!
//! All cells are atomics, so no access is ever undefined; the *single writer* of a slab may use a plain
//! load and store where others need a locked instruction, which is what makes a counter cost a
//! nanosecond. A slab knows neither threads nor series; `local` gives one to each thread.

#![allow(
    unsafe_code,
    reason = "pages are published through AtomicPtr and made zeroed: what an increment and an observation cost"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::slot::{PAGE_CELLS, PAGES, Slot};

/// Cells of one page between guards of a cache line: two threads' pages may be neighbours in memory.
#[repr(C)]
struct Page {
    before: [u64; 7],
    cells: [AtomicU64; PAGE_CELLS as usize],
    after: [u64; 7],
}

/// The directory of a slab's pages; null where nothing was written yet.
///
/// Always on the heap (128 KiB, of which only the entries in use are ever touched).
#[repr(transparent)]
pub(crate) struct Slab {
    pages: [AtomicPtr<Page>; PAGES as usize],
}

impl Slab {
    pub(crate) fn new() -> Arc<Self> {
        // SAFETY: all zeroes is a valid array of AtomicPtr: every entry null.
        unsafe { Arc::new_zeroed().assume_init() }
    }

    /// The cell of `slot`, or `None` if its page was never made.
    #[inline(always)]
    pub(crate) fn cell(&self, slot: Slot) -> Option<&AtomicU64> {
        // SAFETY: a slot's page is below PAGES and its offset below PAGE_CELLS: `Slot` keeps its
        // number below PAGES * PAGE_CELLS.
        let entry = unsafe { self.pages.get_unchecked(slot.page()) };
        // SAFETY: a page is stored once, fully made, with Release, and freed only with the slab.
        let page = unsafe { entry.load(Ordering::Acquire).as_ref() }?;
        // SAFETY: as above.
        Some(unsafe { page.cells.get_unchecked(slot.offset()) })
    }

    /// The `cells` cells from `first` on, or `None` if their page was never made.
    #[inline(always)]
    pub(crate) fn run(&self, first: Slot, cells: usize) -> Option<&[AtomicU64]> {
        // SAFETY: as in `cell`.
        let entry = unsafe { self.pages.get_unchecked(first.page()) };
        // SAFETY: as in `cell`.
        let page = unsafe { entry.load(Ordering::Acquire).as_ref() }?;
        page.cells.get(first.offset()..first.offset() + cells)
    }

    /// Makes the page of `slot` if it is missing. Any thread may call this.
    #[cold]
    pub(crate) fn make_page(&self, slot: Slot) {
        let entry = &self.pages[slot.page()];
        if !entry.load(Ordering::Acquire).is_null() {
            return;
        }
        // SAFETY: all zeroes is a valid Page: integers and atomics of integers.
        let page: Box<Page> = unsafe { Box::new_zeroed().assume_init() };
        debug_assert_eq!(page.before[0] + page.after[0], 0);
        let made = Box::into_raw(page);
        let lost = entry
            .compare_exchange(
                std::ptr::null_mut(),
                made,
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .is_err();
        if lost {
            // SAFETY: the exchange failed, so nobody else has seen this page.
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for entry in &mut self.pages {
            let page = *entry.get_mut();
            if !page.is_null() {
                // SAFETY: the pointer came from Box::into_raw and nobody can reach the slab any more.
                drop(unsafe { Box::from_raw(page) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_appears_with_its_first_cell_and_starts_at_zero() {
        let slab = Slab::new();
        let slot = Slot::from_raw(5 * PAGE_CELLS + 7).unwrap();
        assert!(slab.cell(slot).is_none());
        slab.make_page(slot);
        slab.make_page(slot);
        let cell = slab.cell(slot).unwrap();
        assert_eq!(cell.load(Ordering::Relaxed), 0);
        cell.store(9, Ordering::Relaxed);
        assert_eq!(slab.run(slot, 1).unwrap()[0].load(Ordering::Relaxed), 9);
        assert!(slab.cell(Slot::from_raw(0).unwrap()).is_none());
    }
}
