//! Metrics that a plugin changes: families, and the instruments in them.
//!
//! The series belong to the host. They survive the plugin and its next generation, and a change is one
//! call over the border, a few nanoseconds. For values that are better read when somebody asks, see
//! [`Families`](crate::Families).

use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use meterbox_plugin_abi::gather::{
    FAMILY_FRACTIONS, FAMILY_INHERITED_NAME, FAMILY_SHOW_EMPTY, Kind,
};
use meterbox_plugin_abi::{FamilySpec, Instrument};

use crate::error::{Error, Result};
use crate::host::Host;
use crate::registered::Known;

/// Registers metrics with the host; from [`Host::metrics`].
///
/// A name is registered by the first [`with`](Family::with) (or [`labels`](Family::labels)), which also
/// fixes its label names. Asking again for the same name is fine and gives the same series; another kind,
/// other label names or other buckets are a [`Conflict`](crate::ErrorKind::Conflict).
#[derive(Clone)]
pub struct Metrics {
    host: Host,
}

impl Host {
    /// Registers metrics.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics { host: self.clone() }
    }
}

impl Metrics {
    fn family<I>(&self, kind: Kind, name: &str, help: &str, bounds: &[f64]) -> Result<Family<I>> {
        if name.is_empty() {
            return Err(Error::invalid("a metric needs a name"));
        }
        Ok(Family {
            host: self.host.clone(),
            kind,
            name: name.to_owned(),
            help: help.to_owned(),
            unit: String::new(),
            set: String::new(),
            flags: 0,
            bounds: bounds.to_vec(),
            instrument: PhantomData,
        })
    }

    /// A counter of whole things; its name should end in `_total`.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) without a name; so for all kinds.
    pub fn counter(&self, name: &str, help: &str) -> Result<Family<Counter>> {
        self.family(Kind::COUNTER, name, help, &[])
    }

    /// A counter of fractions, such as seconds spent; its name should end in `_total`.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn counter_f64(&self, name: &str, help: &str) -> Result<Family<CounterF64>> {
        let family = self.family(Kind::COUNTER, name, help, &[])?;
        Ok(Family {
            flags: FAMILY_FRACTIONS,
            ..family
        })
    }

    /// A value that moves both ways.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn gauge(&self, name: &str, help: &str) -> Result<Family<Gauge>> {
        self.family(Kind::GAUGE, name, help, &[])
    }

    /// A distribution, counted in buckets with these upper bounds (ascending, `+Inf` is implied).
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> Result<Family<Histogram>> {
        self.family(
            Kind::HISTOGRAM,
            name,
            help,
            bounds.strip_suffix(&[f64::INFINITY]).unwrap_or(bounds),
        )
    }

    /// Count and sum of observations.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn summary(&self, name: &str, help: &str) -> Result<Family<Summary>> {
        self.family(Kind::SUMMARY, name, help, &[])
    }

    /// Facts in labels, such as a version; the value is always 1.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn info(&self, name: &str, help: &str) -> Result<Family<Info>> {
        self.family(Kind::INFO, name, help, &[])
    }
}

/// A metric name with its help, from which series are made by their labels.
#[derive(Clone)]
pub struct Family<I> {
    host: Host,
    kind: Kind,
    name: String,
    help: String,
    unit: String,
    set: String,
    flags: u32,
    bounds: Vec<f64>,
    instrument: PhantomData<fn() -> I>,
}

impl<I: From<Instrument>> Family<I> {
    /// With a unit as in OpenMetrics (`seconds`, `bytes`), which the name should end in.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.unit);
        self
    }

    /// In a name set (`torchserve`, `node`): shown only where the operator chose that set.
    #[must_use]
    pub fn in_set(mut self, set: &str) -> Self {
        set.clone_into(&mut self.set);
        self
    }

    /// Keeps its name in every format and shows help and type without series, as clients of an older
    /// system expect.
    #[must_use]
    pub fn inherited(mut self) -> Self {
        self.flags |= FAMILY_INHERITED_NAME | FAMILY_SHOW_EMPTY;
        self
    }

    /// Fixes the label names and their order, and registers the family before its first series.
    ///
    /// # Errors
    /// What [`Family::with`] says of names.
    pub fn labels(self, names: &[&str]) -> Result<Self> {
        self.register(names)?;
        Ok(self)
    }

    /// The series with these labels, given in any order; made if it is new. Keep the result: looking it
    /// up costs a hundred times more than changing it.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for names or values that may not be, or labels other than those
    /// that the name was first used with; [`Conflict`](crate::ErrorKind::Conflict) when the name is another kind
    /// of metric; [`Limit`](crate::ErrorKind::Limit) when the budget of series is used up.
    pub fn with(&self, labels: &[(&str, &str)]) -> Result<I> {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let known = self.register(&names)?;
        let values = known.order(&self.name, labels)?;
        Ok(known.family.series(&values)?.into())
    }

    /// Removes the series with these labels; instruments that still refer to it change nothing.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is none.
    pub fn remove(&self, labels: &[(&str, &str)]) -> Result<()> {
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let known = self.register(&names)?;
        let values = known.order(&self.name, labels)?;
        Ok(known.family.remove(&values)?)
    }

    /// The registration of this name, made with these label names if there is none.
    fn register(&self, labels: &[&str]) -> Result<Arc<Known>> {
        let mut registered = self
            .host
            .registered()
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = registered.get(&self.name)
            && known.kind == self.kind
            && known.bounds == self.bounds
        {
            return Ok(known.clone());
        }
        let family = self.host.border().register(&FamilySpec {
            kind: self.kind,
            name: &self.name,
            help: &self.help,
            unit: &self.unit,
            labels,
            bounds: &self.bounds,
            flags: self.flags,
            set: &self.set,
        })?;
        let known = Arc::new(Known {
            kind: self.kind,
            bounds: self.bounds.clone(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            family,
        });
        registered.insert(self.name.clone(), known.clone());
        Ok(known)
    }
}

macro_rules! instruments {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Instrument);

        impl From<Instrument> for $name {
            fn from(instrument: Instrument) -> Self {
                Self(instrument)
            }
        })*
    };
}

instruments! {
    /// One series of a counter. A clone changes the same series.
    Counter;
    /// One series of a counter with fractions.
    CounterF64;
    /// One series of a gauge.
    Gauge;
    /// One series of a histogram.
    Histogram;
    /// One series of a summary.
    Summary;
}

impl Counter {
    /// Counts one.
    #[inline]
    pub fn inc(&self) {
        self.0.add_u64(1);
    }

    /// Counts `amount`.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.add_u64(amount);
    }
}

impl CounterF64 {
    /// Adds `amount`; one that is negative or not a number is dropped and counted by the host.
    #[inline]
    pub fn add(&self, amount: f64) {
        self.0.add_f64(amount);
    }

    /// Takes over the total of a counter that something else counts (the kernel, a library).
    #[inline]
    pub fn set_total(&self, total: f64) {
        self.0.set(total);
    }
}

impl Gauge {
    /// Sets it.
    #[inline]
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }

    /// Adds `amount`, which may be negative.
    #[inline]
    pub fn add(&self, amount: f64) {
        self.0.add_f64(amount);
    }

    /// One more.
    #[inline]
    pub fn inc(&self) {
        self.0.add_f64(1.0);
    }

    /// One less.
    #[inline]
    pub fn dec(&self) {
        self.0.add_f64(-1.0);
    }
}

macro_rules! observing {
    ($($name:ident),*) => {
        $(impl $name {
            /// Observes a value.
            #[inline]
            pub fn observe(&self, value: f64) {
                self.0.observe(value);
            }

            /// Observes a time in seconds.
            pub fn observe_duration(&self, time: Duration) {
                self.0.observe(time.as_secs_f64());
            }

            /// Runs `work` and observes how many seconds it took.
            pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
                let start = Instant::now();
                let result = work();
                self.observe_duration(start.elapsed());
                result
            }
        })*
    };
}

observing!(Histogram, Summary);

/// One series of facts. It is shown for as long as it is not removed.
#[derive(Clone)]
pub struct Info(#[expect(dead_code, reason = "holds the series")] Instrument);

impl From<Instrument> for Info {
    fn from(instrument: Instrument) -> Self {
        instrument.set(1.0);
        Self(instrument)
    }
}
