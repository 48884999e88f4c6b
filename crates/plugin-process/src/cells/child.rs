//! The writing side.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::{CellShape, MISFITS, STRIPES_USED, StripeLayout, UNSET};
use super::stripe::{self, SHARED_START, Stripes};
use crate::shared_file::SharedFile;

/// The file of cells as the child writes it, from any thread.
#[derive(Debug)]
pub struct ChildCells {
    file: SharedFile,
    plan: StripeLayout,
    /// The stripes' own, where a change finds it at once.
    id: u64,
    stripes: Arc<Stripes>,
}

impl ChildCells {
    /// Opens the file that the host made.
    ///
    /// # Errors
    /// A file of another size, or numbers that do not fit each other.
    pub fn open(file: OwnedFd, bytes: u64, stripes: u32) -> io::Result<Arc<Self>> {
        let plan = StripeLayout::new(bytes, stripes)?;
        let len = usize::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        let stripes = Stripes::new(plan);
        Ok(Arc::new(Self {
            file: SharedFile::open(file, len)?,
            plan,
            id: stripes.id,
            stripes,
        }))
    }

    pub(super) fn has(&self, cell: u32, shape: CellShape) -> bool {
        self.plan.has(cell, shape)
    }

    #[inline]
    fn cell(&self, start: usize, cell: u32) -> &AtomicU64 {
        &self.file.words()[start + cell as usize]
    }

    /// Where this thread's stripe begins.
    #[inline]
    fn mine(&self) -> usize {
        stripe::last(self.id).unwrap_or_else(|| {
            self.stripes.find(|stripe| {
                let used = self.cell(SHARED_START, STRIPES_USED);
                used.fetch_max(u64::from(stripe) + 1, Ordering::Release);
            })
        })
    }

    /// Adds whole numbers.
    #[inline]
    pub(super) fn count(&self, cell: u32, amount: u64) {
        let start = self.mine();
        let cell = self.cell(start, cell);
        if start == SHARED_START {
            cell.fetch_add(amount, Ordering::Relaxed);
        } else {
            // Nobody else writes it, so no locked instruction is needed.
            let sum = cell.load(Ordering::Relaxed).wrapping_add(amount);
            cell.store(sum, Ordering::Relaxed);
        }
    }

    /// Adds fractions.
    #[inline]
    pub(super) fn add(&self, cell: u32, amount: f64) {
        let start = self.mine();
        let cell = self.cell(start, cell);
        if start == SHARED_START {
            change(cell, |bits| f64::from_bits(bits) + amount);
        } else {
            let sum = f64::from_bits(cell.load(Ordering::Relaxed)) + amount;
            cell.store(sum.to_bits(), Ordering::Relaxed);
        }
    }

    /// Sets a level.
    #[inline]
    pub(super) fn set(&self, cell: u32, value: f64) {
        self.cell(SHARED_START, cell)
            .store(bits(value), Ordering::Relaxed);
    }

    /// Moves a level.
    #[inline]
    pub(super) fn shift(&self, cell: u32, amount: f64) {
        change(self.cell(SHARED_START, cell), |bits| known(bits) + amount);
    }

    /// Raises a total.
    #[inline]
    pub(super) fn raise(&self, cell: u32, total: f64) {
        change(self.cell(SHARED_START, cell), |bits| known(bits).max(total));
    }

    /// Counts a change that does not fit.
    #[cold]
    pub(super) fn misfit(&self) {
        self.cell(SHARED_START, MISFITS)
            .fetch_add(1, Ordering::Relaxed);
    }
}

/// The value of a level or total, 0 before it was set.
fn known(bits: u64) -> f64 {
    if bits == UNSET {
        0.0
    } else {
        f64::from_bits(bits)
    }
}

/// Any NaN is the usual one, so that none is taken for [`UNSET`].
fn bits(value: f64) -> u64 {
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

fn change(cell: &AtomicU64, next: impl Fn(u64) -> f64) {
    let mut seen = cell.load(Ordering::Relaxed);
    while let Err(now) =
        cell.compare_exchange_weak(seen, bits(next(seen)), Ordering::Relaxed, Ordering::Relaxed)
    {
        seen = now;
    }
}
