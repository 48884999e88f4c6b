//! The cells of a store, and the slab that each writing thread owns.
//!
//! A thread finds its slab by comparing one thread-local id; the first write of a thread takes the
//! slow path, which adopts the slab of an ended thread, *with its values*, or makes one. Values are
//! summed over all slabs when they are read, so the end of a thread moves and loses nothing. A write
//! that comes when the thread's locals are already gone is added atomically to the shared slab.
//! What a cell means (whole number, double, bucket) is the caller's business.

#![allow(
    unsafe_code,
    reason = "the thread-local slab is reached by pointer: what an increment costs"
)]

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::slab::Slab;
use crate::slot::Slot;

/// Numbers of stores; never used twice, so a stale thread-local id matches no living store.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// All cells of one store.
pub(crate) struct Cells {
    id: u64,
    me: Weak<Cells>,
    /// Gauges, and counts of threads that are past their locals.
    shared: Arc<Slab>,
    /// Every slab ever made; only grows, so a pointer into it lives as long as the store.
    slabs: ArcSwap<Vec<Arc<Slab>>>,
    /// Slabs whose threads have ended, values inside.
    orphans: Mutex<Vec<Arc<Slab>>>,
}

#[derive(Clone, Copy)]
struct Current {
    id: u64,
    slab: *const Slab,
}

/// A store that this thread has written to.
struct Attachment {
    id: u64,
    cells: Weak<Cells>,
    slab: *const Slab,
}

/// All stores this thread has written to; its end hands the slabs back.
#[derive(Default)]
struct Attachments(Vec<Attachment>);

thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current { id: 0, slab: ptr::null() }) };
    static ATTACHED: RefCell<Attachments> = const { RefCell::new(Attachments(Vec::new())) };
}

impl Cells {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            me: me.clone(),
            shared: Slab::new(),
            slabs: ArcSwap::from_pointee(Vec::new()),
            orphans: Mutex::default(),
        })
    }

    /// This thread's slab, or `None` if it has not written to this store last.
    #[inline(always)]
    fn local_slab(&self) -> Option<&Slab> {
        let current = CURRENT.get();
        if current.id != self.id {
            return None;
        }
        // SAFETY: ids are unique and `slab` was set together with this id to a slab of `self.slabs`,
        // which frees none before `self` is dropped; `self` is borrowed, so it is not.
        Some(unsafe { &*current.slab })
    }

    #[inline(always)]
    fn local_run(&self, first: Slot, cells: usize) -> Option<&[AtomicU64]> {
        self.local_slab()?.run(first, cells)
    }

    /// This thread's cell, or `None` if the slow path has to make something first.
    #[inline(always)]
    fn local(&self, slot: Slot) -> Option<&AtomicU64> {
        self.local_slab()?.cell(slot)
    }

    /// Makes what `local` missed: the thread's slab, the page. `None` while the thread is ending.
    fn attach(&self, slot: Slot) -> Option<&AtomicU64> {
        let pointer = ATTACHED
            .try_with(|attached| {
                let attached = &mut attached.try_borrow_mut().ok()?.0;
                if let Some(known) = attached.iter().find(|known| known.id == self.id) {
                    return Some(known.slab);
                }
                attached.retain(|known| known.cells.strong_count() > 0);
                let slab = self.adopt();
                attached.push(Attachment {
                    id: self.id,
                    cells: self.me.clone(),
                    slab,
                });
                Some(slab)
            })
            .ok()??;
        CURRENT.set(Current {
            id: self.id,
            slab: pointer,
        });
        // SAFETY: as in `local`: the pointer came from `adopt` on this very store.
        let slab = unsafe { &*pointer };
        slab.make_page(slot);
        slab.cell(slot)
    }

    /// The slab of an ended thread, or a new one.
    fn adopt(&self) -> *const Slab {
        let mut orphans = self.orphans.lock();
        if let Some(orphan) = orphans.pop() {
            return Arc::as_ptr(&orphan);
        }
        let made = Slab::new();
        let pointer = Arc::as_ptr(&made);
        let mut all = Vec::clone(&self.slabs.load());
        all.push(made);
        // Still under the lock: no second thread copies the list at the same time.
        self.slabs.store(Arc::new(all));
        pointer
    }

    fn give_back(&self, slab: *const Slab) {
        let all = self.slabs.load();
        if let Some(found) = all.iter().find(|one| ptr::eq(Arc::as_ptr(one), slab)) {
            self.orphans.lock().push(Arc::clone(found));
        }
    }

    /// Adds to this thread's cell as a whole number.
    #[inline(always)]
    pub(crate) fn add_u64(&self, slot: Slot, n: u64) {
        match self.local(slot) {
            Some(cell) => bump(cell, n),
            None => self.add_u64_slowly(slot, n),
        }
    }

    /// Out of line, so that the usual way saves no registers for it.
    #[cold]
    #[inline(never)]
    fn add_u64_slowly(&self, slot: Slot, n: u64) {
        match self.attach(slot) {
            Some(cell) => bump(cell, n),
            None => _ = self.shared_cell(slot).fetch_add(n, Ordering::Relaxed),
        }
    }

    /// Adds to this thread's cell as a double.
    #[inline(always)]
    pub(crate) fn add_f64(&self, slot: Slot, x: f64) {
        match self.local(slot) {
            Some(cell) => bump_f64(cell, x),
            None => self.add_f64_slowly(slot, x),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_f64_slowly(&self, slot: Slot, x: f64) {
        match self.attach(slot) {
            Some(cell) => bump_f64(cell, x),
            None => self.add_shared(slot, x),
        }
    }

    /// Counts one in the cell `bucket` after `slot` and adds `x` to the double in the cell `sum` after
    /// it. All cells of a series are in one page.
    #[inline(always)]
    pub(crate) fn observe(&self, slot: Slot, bucket: usize, sum: usize, x: f64) {
        if let Some(run) = self.local_run(slot, sum + 1)
            && bucket < sum
        {
            bump(&run[bucket], 1);
            bump_f64(&run[sum], x);
        } else {
            self.observe_slowly(slot, bucket, sum, x);
        }
    }

    #[cold]
    #[inline(never)]
    fn observe_slowly(&self, slot: Slot, bucket: usize, sum: usize, x: f64) {
        self.add_u64(slot.plus(bucket as u32), 1);
        self.add_f64(slot.plus(sum as u32), x);
    }

    /// Sets a shared cell to a double.
    #[inline]
    pub(crate) fn set(&self, slot: Slot, x: f64) {
        self.shared_cell(slot).store(x.to_bits(), Ordering::Relaxed);
    }

    /// Adds to a shared cell as a double.
    pub(crate) fn add_shared(&self, slot: Slot, x: f64) {
        let cell = self.shared_cell(slot);
        let mut old = cell.load(Ordering::Relaxed);
        loop {
            let new = (f64::from_bits(old) + x).to_bits();
            match cell.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => old = found,
            }
        }
    }

    #[inline]
    fn shared_cell(&self, slot: Slot) -> &AtomicU64 {
        match self.shared.cell(slot) {
            Some(cell) => cell,
            None => self.make_shared_cell(slot),
        }
    }

    #[cold]
    #[inline(never)]
    fn make_shared_cell(&self, slot: Slot) -> &AtomicU64 {
        self.shared.make_page(slot);
        self.shared
            .cell(slot)
            .expect("the page was made in the line above")
    }

    /// Calls `visit` with the shared copy of the `cells` cells from `first` on, if anything is there.
    pub(crate) fn with_shared(&self, first: Slot, cells: usize, visit: impl FnOnce(&[AtomicU64])) {
        if let Some(run) = self.shared.run(first, cells) {
            visit(run);
        }
    }

    /// Calls `visit` with every copy of the `cells` cells from `first` on, the shared one first.
    pub(crate) fn for_each_copy(
        &self,
        first: Slot,
        cells: usize,
        mut visit: impl FnMut(&[AtomicU64]),
    ) {
        if let Some(run) = self.shared.run(first, cells) {
            visit(run);
        }
        for slab in self.slabs.load().iter() {
            if let Some(run) = slab.run(first, cells) {
                visit(run);
            }
        }
    }

    /// Sets cells that nobody writes any more to zero in every copy.
    pub(crate) fn zero(&self, first: Slot, cells: usize) {
        self.for_each_copy(first, cells, |run| {
            for cell in run {
                if cell.load(Ordering::Relaxed) != 0 {
                    cell.store(0, Ordering::Relaxed);
                }
            }
        });
    }
}

/// One more, by the only writer of this cell: no locked instruction.
#[inline(always)]
fn bump(cell: &AtomicU64, n: u64) {
    cell.store(
        cell.load(Ordering::Relaxed).wrapping_add(n),
        Ordering::Relaxed,
    );
}

#[inline(always)]
fn bump_f64(cell: &AtomicU64, x: f64) {
    let sum = f64::from_bits(cell.load(Ordering::Relaxed)) + x;
    cell.store(sum.to_bits(), Ordering::Relaxed);
}

impl Drop for Attachments {
    fn drop(&mut self) {
        CURRENT.set(Current {
            id: 0,
            slab: ptr::null(),
        });
        for attachment in self.0.drain(..) {
            if let Some(cells) = attachment.cells.upgrade() {
                cells.give_back(attachment.slab);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(cells: &Cells, slot: Slot) -> u64 {
        let mut sum = 0;
        cells.for_each_copy(slot, 1, |run| sum += run[0].load(Ordering::Relaxed));
        sum
    }

    #[test]
    fn many_short_threads_lose_nothing_and_share_few_slabs() {
        let cells = Cells::new();
        let slot = Slot::from_raw(3).unwrap();
        for _ in 0..200 {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let cells = Arc::clone(&cells);
                    std::thread::spawn(move || (0..100).for_each(|_| cells.add_u64(slot, 1)))
                })
                .collect();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        }
        assert_eq!(total(&cells, slot), 200 * 4 * 100);
        assert!(
            cells.slabs.load().len() <= 8,
            "slabs: {}",
            cells.slabs.load().len()
        );
    }

    #[test]
    fn a_write_after_the_locals_are_gone_is_still_counted() {
        struct Late(Arc<Cells>);
        impl Drop for Late {
            fn drop(&mut self) {
                self.0.add_u64(Slot::from_raw(9).unwrap(), 1);
                self.0.add_f64(Slot::from_raw(10).unwrap(), 0.5);
            }
        }
        thread_local! { static LATE: RefCell<Option<Late>> = const { RefCell::new(None) }; }
        let cells = Cells::new();
        let seen = Arc::clone(&cells);
        // Both orders of registration, since locals are dropped in an unspecified order.
        for first in [true, false] {
            let cells = Arc::clone(&cells);
            std::thread::spawn(move || {
                if first {
                    cells.add_u64(Slot::from_raw(9).unwrap(), 1);
                }
                LATE.with(|late| *late.borrow_mut() = Some(Late(Arc::clone(&cells))));
                if !first {
                    cells.add_u64(Slot::from_raw(9).unwrap(), 1);
                }
            })
            .join()
            .unwrap();
        }
        assert_eq!(total(&seen, Slot::from_raw(9).unwrap()), 4);
    }

    #[test]
    fn two_stores_in_one_thread_stay_apart_and_a_dropped_one_is_never_touched() {
        let slot = Slot::from_raw(0).unwrap();
        let kept = Cells::new();
        for _ in 0..50 {
            let other = Cells::new();
            other.add_u64(slot, 7);
            kept.add_u64(slot, 1);
            other.add_u64(slot, 7);
            assert_eq!(total(&other, slot), 14);
        }
        assert_eq!(total(&kept, slot), 50);
        ATTACHED.with(|attached| assert!(attached.borrow().0.len() <= 3));
    }
}
