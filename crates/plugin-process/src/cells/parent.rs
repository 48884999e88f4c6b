//! The reading side: gives out cells and says what changed in them.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use super::layout::{CellShape, FIRST_CELL, MISFITS, STRIPES_USED, StripeLayout, UNSET};
use crate::shared_file::SharedFile;

/// The file of cells as the host reads it. What the child writes is believed to be numbers, no more.
#[derive(Debug)]
pub struct ParentCells {
    file: SharedFile,
    plan: StripeLayout,
    space: Mutex<FreeCells>,
}

#[derive(Debug)]
struct FreeCells {
    /// Lowest cell that was never given out.
    next: u32,
    /// Cells of removed series by their number of cells.
    free: BTreeMap<u32, Vec<u32>>,
    /// Given back since the last rest, and before it.
    young: Vec<(u32, CellShape)>,
    old: Vec<(u32, CellShape)>,
}

/// What became of a series since it was looked at last.
#[derive(Clone, Debug, PartialEq)]
pub enum CellChange {
    /// A counter grew by this whole number.
    Counted(u64),
    /// A counter grew by this fraction, which is finite and above zero.
    Added(f64),
    /// A counter's total as something else counts it.
    Total(f64),
    /// A gauge, unknown or info was set to this.
    Level(f64),
    /// New observations of a histogram in each bucket, and what their sum grew by.
    Observed {
        /// For each bucket, not cumulative.
        buckets: Vec<u64>,
        /// What the sum grew by; may be negative or NaN.
        sum: f64,
    },
    /// New observations of a summary.
    Summed {
        /// How many.
        count: u64,
        /// What the sum grew by; may be negative or NaN.
        sum: f64,
    },
}

/// One series that the host watches.
#[derive(Debug)]
pub struct SeriesWatch {
    cell: u32,
    shape: CellShape,
    /// Bits of each cell, summed over the stripes, as seen last.
    seen: Box<[u64]>,
}

impl ParentCells {
    /// A new file of `bytes` bytes in `stripes` stripes.
    ///
    /// # Errors
    /// The kernel's own; numbers that do not fit each other.
    pub fn make(bytes: u64, stripes: u32) -> io::Result<Self> {
        let plan = StripeLayout::new(bytes, stripes)?;
        let len = usize::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(Self {
            file: SharedFile::make("meterbox-cells", len)?,
            plan,
            space: Mutex::new(FreeCells {
                next: FIRST_CELL,
                free: BTreeMap::new(),
                young: Vec::new(),
                old: Vec::new(),
            }),
        })
    }

    /// Cells for a new series, made ready; `None` when the file is full.
    pub fn allocate(&self, shape: CellShape) -> Option<SeriesWatch> {
        let mut space = self.space.lock();
        let used = space.free.get_mut(&shape.cells()).and_then(Vec::pop);
        let cell = if let Some(cell) = used {
            for stripe in 0..self.plan.stripes {
                for cell in cell..cell + shape.cells() {
                    self.write(stripe, cell, 0);
                }
            }
            cell
        } else {
            let cell = space.next;
            if !self.plan.has(cell, shape) {
                return None;
            }
            space.next += shape.cells();
            cell
        };
        let mut seen = vec![0; shape.cells() as usize].into_boxed_slice();
        if let Some(unset) = shape.unset_cell() {
            self.write(0, cell + unset, UNSET);
            seen[unset as usize] = UNSET;
        }
        Some(SeriesWatch { cell, shape, seen })
    }

    /// Takes back the cells of a removed series. They are given out again after two calls of
    /// [`ParentCells::rest`], so that a change which is just being made hits no other series.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "nobody may watch it any more"
    )]
    pub fn give_back(&self, watch: SeriesWatch) {
        self.space.lock().young.push((watch.cell, watch.shape));
    }

    /// A gather has passed.
    pub fn rest(&self) {
        let mut space = self.space.lock();
        let young = mem::take(&mut space.young);
        for (cell, shape) in mem::replace(&mut space.old, young) {
            space.free.entry(shape.cells()).or_default().push(cell);
        }
    }

    /// How many changes did not fit the kind of their series, in all.
    #[must_use]
    pub fn misfits(&self) -> u64 {
        self.read(0, MISFITS)
    }

    fn stripes_used(&self) -> u32 {
        let used = self.file.words()[self.plan.index(0, STRIPES_USED)].load(Ordering::Acquire);
        u32::try_from(used)
            .unwrap_or(u32::MAX)
            .clamp(1, self.plan.stripes)
    }

    fn read(&self, stripe: u32, cell: u32) -> u64 {
        self.file.words()[self.plan.index(stripe, cell)].load(Ordering::Relaxed)
    }

    fn write(&self, stripe: u32, cell: u32, bits: u64) {
        self.file.words()[self.plan.index(stripe, cell)].store(bits, Ordering::Relaxed);
    }

    fn whole(&self, stripes: u32, cell: u32) -> u64 {
        (0..stripes).fold(0, |sum, stripe| sum.wrapping_add(self.read(stripe, cell)))
    }

    fn fraction(&self, stripes: u32, cell: u32) -> f64 {
        (0..stripes).fold(0.0, |sum, stripe| {
            sum + f64::from_bits(self.read(stripe, cell))
        })
    }
}

impl AsFd for ParentCells {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl SeriesWatch {
    /// Number of the first cell, which the child is told.
    #[must_use]
    pub fn cell(&self) -> u32 {
        self.cell
    }

    /// The shape of the series.
    #[must_use]
    pub fn shape(&self) -> CellShape {
        self.shape
    }

    /// Tells `changed` what changed since it was asked last.
    pub fn changes(&mut self, cells: &ParentCells, mut changed: impl FnMut(CellChange)) {
        let stripes = cells.stripes_used();
        let cell = self.cell;
        match self.shape {
            CellShape::Counter => {
                let counted = self.grown(0, cells.whole(stripes, cell));
                if counted > 0 {
                    changed(CellChange::Counted(counted));
                }
                let added = self.moved(1, cells.fraction(stripes, cell + 1));
                if added.is_finite() && added > 0.0 {
                    changed(CellChange::Added(added));
                }
                if let Some(total) = self.set(2, cells.read(0, cell + 2)) {
                    changed(CellChange::Total(total));
                }
            }
            CellShape::Level => {
                if let Some(level) = self.set(0, cells.read(0, cell)) {
                    changed(CellChange::Level(level));
                }
            }
            CellShape::Histogram { buckets } => {
                let grown: Vec<u64> = (0..buckets)
                    .map(|bucket| self.grown(bucket as usize, cells.whole(stripes, cell + bucket)))
                    .collect();
                let sum = self.moved(buckets as usize, cells.fraction(stripes, cell + buckets));
                if sum != 0.0 || grown.iter().any(|grown| *grown > 0) {
                    changed(CellChange::Observed {
                        buckets: grown,
                        sum,
                    });
                }
            }
            CellShape::Summary => {
                let count = self.grown(0, cells.whole(stripes, cell));
                let sum = self.moved(1, cells.fraction(stripes, cell + 1));
                if sum != 0.0 || count > 0 {
                    changed(CellChange::Summed { count, sum });
                }
            }
        }
    }

    /// Growth of a whole number; one that went down, which no honest child's does, counts as none.
    fn grown(&mut self, at: usize, now: u64) -> u64 {
        now.saturating_sub(mem::replace(&mut self.seen[at], now))
    }

    fn moved(&mut self, at: usize, now: f64) -> f64 {
        let seen = f64::from_bits(mem::replace(&mut self.seen[at], now.to_bits()));
        if now.to_bits() == seen.to_bits() {
            return 0.0;
        }
        now - seen
    }

    fn set(&mut self, at: usize, now: u64) -> Option<f64> {
        let changed = mem::replace(&mut self.seen[at], now) != now && now != UNSET;
        changed.then(|| f64::from_bits(now))
    }
}
