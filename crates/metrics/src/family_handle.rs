//! Handles to families: what a source holds after it registered a metric.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::account::Account;
use crate::error::SeriesError;
use crate::family::Core;
use crate::instrument::{Counter, FloatCounter, Gauge, Histogram, Instrument, Summary};
use crate::kind::Kind;
use crate::series::Series;
use crate::slot::Slot;

/// A family of any kind, as one source holds it. Series made through it belong to that source.
#[derive(Clone)]
pub struct Family {
    core: Arc<Core>,
    account: Arc<Account>,
}

impl Family {
    pub(crate) fn new(core: Arc<Core>, account: Arc<Account>) -> Self {
        Self { core, account }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.core.shape.name.as_str()
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.core.kind()
    }

    /// Series alive now, of all sources.
    #[must_use]
    pub fn series_len(&self) -> usize {
        self.core.series_len()
    }

    /// A handle to the series with these label values (one per label, in order), made if it is new.
    ///
    /// # Errors
    /// Wrong number of values, a value too long, or a limit; each is counted against the source.
    pub fn series(&self, values: &[&str]) -> Result<Series, SeriesError> {
        self.core.series(&self.account, values)
    }

    /// Adds to the series with these label values without making a handle.
    ///
    /// # Errors
    /// As [`Family::series`], and another kind.
    #[inline]
    pub fn add_u64(&self, values: &[&str], n: u64) -> Result<(), SeriesError> {
        self.core.add_u64(self.core.slot(&self.account, values)?, n)
    }

    /// As [`Family::add_u64`] for any number.
    ///
    /// # Errors
    /// As [`Family::add_u64`].
    #[inline]
    pub fn add_f64(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        self.core.add_f64(self.core.slot(&self.account, values)?, x)
    }

    /// Sets the series with these label values without making a handle.
    ///
    /// # Errors
    /// As [`Family::add_u64`].
    #[inline]
    pub fn set(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        self.core.set(self.core.slot(&self.account, values)?, x)
    }

    /// Observes in the series with these label values without making a handle.
    ///
    /// # Errors
    /// As [`Family::add_u64`].
    #[inline]
    pub fn observe(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        self.core.observe(self.core.slot(&self.account, values)?, x)
    }

    /// Removes the series with these label values, if this source may. Handles to it stay safe to use
    /// and count nowhere. Says whether it went; another source's series stays and that is counted.
    pub fn remove(&self, values: &[&str]) -> bool {
        self.core.remove(&self.account, values)
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Family({}, {})", self.name(), self.kind().word())
    }
}

/// A family of one typed instrument.
pub struct FamilyOf<I> {
    family: Family,
    instrument: PhantomData<fn() -> I>,
}

impl<I: Instrument> FamilyOf<I> {
    /// `family` is of `I`'s kind.
    pub(crate) fn new(family: Family) -> Self {
        debug_assert_eq!(family.kind(), I::KIND);
        Self {
            family,
            instrument: PhantomData,
        }
    }

    /// The instrument with these label values (one per label, in order), made if it is new.
    ///
    /// # Errors
    /// As [`Family::series`].
    pub fn with(&self, values: &[&str]) -> Result<I, SeriesError> {
        self.family.series(values).map(I::wrap)
    }

    /// Removes the series with these label values. Says whether there was one.
    pub fn remove(&self, values: &[&str]) -> bool {
        self.family.remove(values)
    }

    /// The family underneath, for code that works with any kind.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.family
    }

    #[inline(always)]
    fn slot(&self, values: &[&str]) -> Result<Slot, SeriesError> {
        self.family.core.slot(&self.family.account, values)
    }
}

impl FamilyOf<Counter> {
    /// Adds one to the series with these label values; a known series costs no shared write.
    ///
    /// # Errors
    /// As [`Family::series`].
    #[inline]
    pub fn inc(&self, values: &[&str]) -> Result<(), SeriesError> {
        self.add(values, 1)
    }

    /// Adds `n` likewise.
    ///
    /// # Errors
    /// As [`Family::series`].
    #[inline]
    pub fn add(&self, values: &[&str], n: u64) -> Result<(), SeriesError> {
        let slot = self.slot(values)?;
        self.family.core.cells.add_u64(slot, n);
        Ok(())
    }
}

impl FamilyOf<FloatCounter> {
    /// Adds `x` to the series with these label values.
    ///
    /// # Errors
    /// As [`Family::series`].
    #[inline]
    pub fn add(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        self.family.add_f64(values, x)
    }
}

impl FamilyOf<Gauge> {
    /// Sets the series with these label values.
    ///
    /// # Errors
    /// As [`Family::series`].
    #[inline]
    pub fn set(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        self.family.set(values, x)
    }
}

impl FamilyOf<Histogram> {
    /// Observes in the series with these label values.
    ///
    /// # Errors
    /// As [`Family::series`].
    #[inline]
    pub fn observe(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        let slot = self.slot(values)?;
        self.family.core.observe_histogram(slot, x);
        Ok(())
    }
}

impl FamilyOf<Summary> {
    /// Observes in the series with these label values.
    ///
    /// # Errors
    /// As [`Family::series`].
    #[inline]
    pub fn observe(&self, values: &[&str], x: f64) -> Result<(), SeriesError> {
        self.family.observe(values, x)
    }
}

impl<I> Clone for FamilyOf<I> {
    fn clone(&self) -> Self {
        Self {
            family: self.family.clone(),
            instrument: PhantomData,
        }
    }
}

impl<I> fmt::Debug for FamilyOf<I> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.family.fmt(out)
    }
}
