//! A handle to one series: what an instrument is made of.
//!
//! A handle keeps the cells of its series from being used by another, even after the series was
//! removed: writes then go nowhere visible and are counted once the handle is gone. Handles of one
//! series may be cloned freely; each write costs the same from any of them.

use std::sync::Arc;

use crate::cells::Cells;
use crate::error::SeriesError;
use crate::family::Core;
use crate::kind::Kind;
use crate::reason::Reason;
use crate::segment::Segment;
use crate::slot::Slot;

/// A handle to a series of any kind; the typed instruments wrap one.
pub struct Series {
    /// The store's cells, one step nearer than through the family.
    cells: Arc<Cells>,
    core: Arc<Core>,
    segment: Arc<Segment>,
    slot: Slot,
    position: u32,
}

impl Series {
    pub(crate) fn new(core: Arc<Core>, segment: Arc<Segment>, position: usize) -> Self {
        segment.retain(position);
        let slot = segment.slot(position);
        let cells = Arc::clone(&core.cells);
        Self {
            cells,
            core,
            segment,
            slot,
            position: position as u32,
        }
    }

    /// The kind of its family.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.core.kind()
    }

    /// The number of its first cell.
    ///
    /// It stays this series' own while this handle, or a clone of it, lives.
    #[must_use]
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// Adds a whole number (counters, gauges).
    ///
    /// # Errors
    /// Another kind; counted.
    #[inline]
    pub fn add_u64(&self, n: u64) -> Result<(), SeriesError> {
        self.core.add_u64(self.slot, n)
    }

    /// Adds a number (counters: not negative; gauges).
    ///
    /// # Errors
    /// Another kind; counted.
    #[inline]
    pub fn add_f64(&self, x: f64) -> Result<(), SeriesError> {
        self.core.add_f64(self.slot, x)
    }

    /// Sets the value (gauges, unknowns, observed counters).
    ///
    /// # Errors
    /// Another kind; counted.
    #[inline]
    pub fn set(&self, x: f64) -> Result<(), SeriesError> {
        self.core.set(self.slot, x)
    }

    /// Observes a value (histograms, summaries).
    ///
    /// # Errors
    /// Another kind; counted.
    #[inline]
    pub fn observe(&self, x: f64) -> Result<(), SeriesError> {
        self.core.observe(self.slot, x)
    }

    /// Adds observations that something else has counted, with their sum: one count for each bucket of a
    /// histogram, not cumulative, the last above the highest bound; the one count of a summary.
    ///
    /// # Errors
    /// Another kind or another number of counts; counted.
    pub fn merge(&self, buckets: &[u64], sum: f64) -> Result<(), SeriesError> {
        self.core.merge(self.slot, buckets, sum)
    }

    #[inline(always)]
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    #[inline(always)]
    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }
}

impl Clone for Series {
    fn clone(&self) -> Self {
        Self::new(
            Arc::clone(&self.core),
            Arc::clone(&self.segment),
            self.position as usize,
        )
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        self.segment.release(self.position as usize);
    }
}

impl std::fmt::Debug for Series {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "Series({} at {})",
            self.core.shape.name,
            self.slot.raw()
        )
    }
}

/// Operations by slot, which check the kind.
impl Core {
    #[inline]
    pub(crate) fn add_u64(&self, slot: Slot, n: u64) -> Result<(), SeriesError> {
        match self.kind() {
            Kind::Counter => self.cells.add_u64(slot, n),
            Kind::FloatCounter => self.cells.add_f64(slot, n as f64),
            Kind::Gauge | Kind::Unknown => self.cells.add_shared(slot, n as f64),
            _ => return self.wrong("addition"),
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn add_f64(&self, slot: Slot, x: f64) -> Result<(), SeriesError> {
        match self.kind() {
            Kind::FloatCounter if x >= 0.0 => self.cells.add_f64(slot, x),
            // A whole-number counter takes whole numbers only: nothing is rounded away silently.
            Kind::Counter if x >= 0.0 && x.fract() == 0.0 && x < 18_446_744_073_709_551_616.0 => {
                self.cells.add_u64(slot, x as u64);
            }
            Kind::Counter | Kind::FloatCounter => self.count(Reason::BadValue),
            Kind::Gauge | Kind::Unknown => self.cells.add_shared(slot, x),
            _ => return self.wrong("addition"),
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn set(&self, slot: Slot, x: f64) -> Result<(), SeriesError> {
        match self.kind() {
            Kind::Gauge | Kind::Unknown | Kind::ObservedCounter => self.cells.set(slot, x),
            _ => return self.wrong("setting"),
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn observe(&self, slot: Slot, x: f64) -> Result<(), SeriesError> {
        match self.kind() {
            Kind::Histogram => self.observe_histogram(slot, x),
            Kind::Summary => self.cells.observe(slot, 0, 1, x),
            _ => return self.wrong("observation"),
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn observe_histogram(&self, slot: Slot, x: f64) {
        let sum = self.buckets.bounds().len() + 1;
        self.cells
            .observe(slot, self.buckets.find(x) as usize, sum, x);
    }

    pub(crate) fn merge(&self, slot: Slot, buckets: &[u64], sum: f64) -> Result<(), SeriesError> {
        let counts = match self.kind() {
            Kind::Histogram => self.buckets.bounds().len() + 1,
            Kind::Summary => 1,
            _ => 0,
        };
        if counts == 0 || counts != buckets.len() {
            return self.wrong("merge of so many buckets");
        }
        for (at, &count) in buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.cells.add_u64(slot.plus(at as u32), count);
        }
        self.cells.add_f64(slot.plus(counts as u32), sum);
        Ok(())
    }

    #[cold]
    fn wrong(&self, operation: &'static str) -> Result<(), SeriesError> {
        self.count(Reason::WrongKind);
        Err(SeriesError::WrongKind {
            metric: self.metric(),
            kind: self.kind(),
            operation,
        })
    }

    /// Counts a drop against whoever registered the family first.
    #[cold]
    pub(crate) fn count(&self, reason: Reason) {
        if let Some(first) = self.sources.read().first() {
            first.drops.count(reason);
        }
    }
}
