//! One series as an instrument changes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use meterbox_plugin_abi::{Cells, Instrument};

use super::{CellShape, ChildCells};

/// A series of the child: its cells, and whether it was removed.
#[derive(Debug)]
pub struct Series {
    cells: Arc<ChildCells>,
    cell: u32,
    shape: CellShape,
    removed: AtomicBool,
    bounds: Arc<[f64]>,
}

impl Series {
    /// The series of this shape whose first cell is `cell`; `None` when the file has no such cells.
    #[must_use]
    pub fn new(
        cells: Arc<ChildCells>,
        cell: u32,
        shape: CellShape,
        bounds: Arc<[f64]>,
    ) -> Option<Arc<Self>> {
        cells.has(cell, shape).then(|| {
            Arc::new(Self {
                cells,
                cell,
                shape,
                removed: AtomicBool::new(false),
                bounds,
            })
        })
    }

    /// An instrument on it.
    #[must_use]
    pub fn instrument(self: &Arc<Self>) -> Instrument {
        Instrument::of(self.clone())
    }

    /// From now on no instrument changes anything: the cells may belong to another series soon.
    pub fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
    }

    #[inline]
    fn is_removed(&self) -> bool {
        self.removed.load(Ordering::Relaxed)
    }

    /// The first bucket whose bound is not below `value`; the last for NaN.
    fn bucket(&self, value: f64) -> u32 {
        #[allow(
            clippy::neg_cmp_op_on_partial_ord,
            reason = "NaN is not at or below any bound"
        )]
        let below = self.bounds.partition_point(|&bound| !(value <= bound));
        below as u32
    }
}

impl Cells for Series {
    #[inline]
    fn add_u64(&self, amount: u64) {
        if self.is_removed() {
            return;
        }
        match self.shape {
            CellShape::Counter => self.cells.count(self.cell, amount),
            CellShape::Level => self.cells.shift(self.cell, amount as f64),
            CellShape::Histogram { .. } | CellShape::Summary => self.cells.misfit(),
        }
    }

    #[inline]
    fn add_f64(&self, amount: f64) {
        if self.is_removed() {
            return;
        }
        match self.shape {
            CellShape::Counter if amount >= 0.0 => self.cells.add(self.cell + 1, amount),
            CellShape::Level => self.cells.shift(self.cell, amount),
            _ => self.cells.misfit(),
        }
    }

    #[inline]
    fn set(&self, value: f64) {
        if self.is_removed() {
            return;
        }
        match self.shape {
            CellShape::Level => self.cells.set(self.cell, value),
            CellShape::Counter if value >= 0.0 => self.cells.raise(self.cell + 2, value),
            _ => self.cells.misfit(),
        }
    }

    #[inline]
    fn observe(&self, value: f64) {
        if self.is_removed() {
            return;
        }
        match self.shape {
            CellShape::Histogram { buckets } => {
                let bucket = self.bucket(value).min(buckets - 1);
                self.cells.count(self.cell + bucket, 1);
                self.cells.add(self.cell + buckets, value);
            }
            CellShape::Summary => {
                self.cells.count(self.cell, 1);
                self.cells.add(self.cell + 1, value);
            }
            CellShape::Counter | CellShape::Level => self.cells.misfit(),
        }
    }

    fn merge(&self, buckets: &[u64], sum: f64) {
        if self.is_removed() {
            return;
        }
        let (cells, sum_cell) = match self.shape {
            CellShape::Histogram { buckets } => (buckets, self.cell + buckets),
            CellShape::Summary => (1, self.cell + 1),
            CellShape::Counter | CellShape::Level => (0, 0),
        };
        if cells == 0 || buckets.len() != cells as usize {
            return self.cells.misfit();
        }
        for (cell, count) in (self.cell..).zip(buckets) {
            self.cells.count(cell, *count);
        }
        self.cells.add(sum_cell, sum);
    }
}
