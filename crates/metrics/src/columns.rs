//! The value columns of one segment, in memory that is used again for the next.
//!
//! Filling them is one pass over each thread's copy of the cells: plain additions over neighbouring
//! memory. Which columns are filled follows from the kind; the others are empty.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::cells::Cells;
use crate::family::Core;
use crate::kind::{Kind, Storage};
use crate::rows::SeriesPrefix;
use crate::segment::Segment;

/// The values of one segment's series. Make one, read many segments into it.
#[derive(Debug, Default)]
pub struct Columns {
    values: Vec<f64>,
    bucket_counts: Vec<u64>,
    counts: Vec<u64>,
    sums: Vec<f64>,
    /// Cells summed as they lie in the block, before they are told apart.
    cells: Vec<u64>,
}

impl Columns {
    /// Empty columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One value per series; empty for histograms and summaries. Counters above 2^53 are rounded.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Histograms: per series one count for each bound and one above them all, not cumulative.
    #[must_use]
    pub fn bucket_counts(&self) -> &[u64] {
        &self.bucket_counts
    }

    /// Histograms and summaries: observations of each series.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Histograms and summaries: the sum of each series' observations.
    #[must_use]
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    pub(crate) fn read(
        &mut self,
        cells: &Cells,
        core: &Core,
        segment: &Segment,
        rows: SeriesPrefix<'_>,
    ) {
        self.values.clear();
        self.bucket_counts.clear();
        self.counts.clear();
        self.sums.clear();
        let len = rows.len();
        match core.kind() {
            Kind::Info => self.values.resize(len, 1.0),
            kind if kind.storage() == Storage::Shared => {
                self.values.resize(len, 0.0);
                let Self { values, .. } = self;
                cells.with_shared(segment.first(), segment.span(rows), |copy| {
                    for_each_row(copy, 1, rows, |row, cell| {
                        values[row] = f64::from_bits(cell[0].load(Ordering::Relaxed));
                    });
                });
            }
            Kind::FloatCounter => {
                self.values.resize(len, 0.0);
                let Self { values, .. } = self;
                cells.for_each_copy(segment.first(), segment.span(rows), |copy| {
                    for_each_row(copy, 1, rows, |row, cell| {
                        values[row] += f64::from_bits(cell[0].load(Ordering::Relaxed));
                    });
                });
            }
            Kind::Histogram => self.read_histograms(cells, core, segment, rows),
            Kind::Summary => {
                self.counts.resize(len, 0);
                self.sums.resize(len, 0.0);
                let Self { counts, sums, .. } = self;
                cells.for_each_copy(segment.first(), segment.span(rows), |copy| {
                    for_each_row(copy, 2, rows, |row, cell| {
                        counts[row] = counts[row].wrapping_add(cell[0].load(Ordering::Relaxed));
                        sums[row] += f64::from_bits(cell[1].load(Ordering::Relaxed));
                    });
                });
            }
            _ => self.read_counters(cells, segment, rows),
        }
    }

    fn read_counters(&mut self, cells: &Cells, segment: &Segment, rows: SeriesPrefix<'_>) {
        self.cells.clear();
        self.cells.resize(rows.len(), 0);
        let Self { cells: totals, .. } = self;
        cells.for_each_copy(segment.first(), segment.span(rows), |copy| {
            for_each_row(copy, 1, rows, |row, cell| {
                totals[row] = totals[row].wrapping_add(cell[0].load(Ordering::Relaxed));
            });
        });
        self.values
            .extend(self.cells.iter().map(|&total| total as f64));
    }

    fn read_histograms(
        &mut self,
        cells: &Cells,
        core: &Core,
        segment: &Segment,
        rows: SeriesPrefix<'_>,
    ) {
        let width = core.width();
        let buckets = width - 1;
        self.bucket_counts.resize(rows.len() * buckets, 0);
        self.sums.resize(rows.len(), 0.0);
        let Self {
            bucket_counts,
            sums,
            ..
        } = self;
        cells.for_each_copy(segment.first(), segment.span(rows), |copy| {
            for_each_row(copy, width, rows, |row, cell| {
                let to = &mut bucket_counts[row * buckets..(row + 1) * buckets];
                for (to, from) in to.iter_mut().zip(cell) {
                    *to = to.wrapping_add(from.load(Ordering::Relaxed));
                }
                sums[row] += f64::from_bits(cell[buckets].load(Ordering::Relaxed));
            });
        });
        let totals = self.bucket_counts.chunks_exact(buckets);
        self.counts
            .extend(totals.map(|row| row.iter().fold(0_u64, |sum, &n| sum.wrapping_add(n))));
    }
}

/// Calls `visit` with the cells of every row: in order while rows are where their positions are.
#[inline(always)]
fn for_each_row(
    copy: &[AtomicU64],
    width: usize,
    rows: SeriesPrefix<'_>,
    mut visit: impl FnMut(usize, &[AtomicU64]),
) {
    match rows.positions {
        None => {
            for (row, cells) in copy.chunks_exact(width).take(rows.len()).enumerate() {
                visit(row, cells);
            }
        }
        Some(positions) => {
            for (row, &position) in positions.iter().enumerate() {
                let start = usize::from(position) * width;
                visit(row, &copy[start..start + width]);
            }
        }
    }
}
