//! One line of the table of names.

use meterbox_metrics::{DEFAULT_BOUNDS, Descriptor, Kind};
use std::borrow::Cow;

/// A set of metric names, as `metrics_names` chooses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Our own names: base units, `_total`.
    Meterbox,
    /// The names of TorchServe 0.12.
    TorchServe,
    /// The names of TorchServe's metrics plugin design of 2020.
    TorchServePlugin,
}

impl Set {
    /// The word in `metrics_names`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Meterbox => "meterbox",
            Self::TorchServe => "torchserve",
            Self::TorchServePlugin => "torchserve-plugin",
        }
    }
}

/// Who emits a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emitter {
    /// The server itself.
    Host,
    /// Model code, through its `[METRICS]` lines.
    Model,
    /// The bundled `system` plugin.
    System,
}

impl Emitter {
    /// The word in the documentation.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Host => "server",
            Self::Model => "model code",
            Self::System => "plugin `system`",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// The set it belongs to.
    pub set: Set,
    /// Its kind.
    pub kind: Kind,
    /// Its unit: lower case and at the end of the name in our own set, as its authors wrote it else.
    pub unit: &'static str,
    /// Help text; empty where TorchServe's fixed sentence stands, see [`Row::help`].
    help: &'static str,
    /// Label names, in the order in which they print.
    pub labels: &'static [&'static str],
    /// Upper bounds of a histogram's buckets.
    pub bounds: &'static [f64],
    /// Who emits it.
    pub emitter: Emitter,
    /// When it moves, for the documentation; empty where the help text says it.
    pub updated: &'static str,
}

impl Row {
    const fn new(set: Set, kind: Kind, name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            set,
            kind,
            unit: "",
            help,
            labels: &[],
            bounds: &[],
            emitter: Emitter::Host,
            updated: "",
        }
    }

    /// One of our own counters.
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(Set::Meterbox, Kind::Counter, name, help)
    }

    /// One of our own counters whose total is kept elsewhere.
    pub(super) const fn observed(name: &'static str, help: &'static str) -> Self {
        Self::new(Set::Meterbox, Kind::ObservedCounter, name, help)
    }

    /// One of our own gauges.
    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(Set::Meterbox, Kind::Gauge, name, help)
    }

    /// One of our own histograms.
    pub(super) const fn histogram(
        name: &'static str,
        help: &'static str,
        bounds: &'static [f64],
    ) -> Self {
        let mut row = Self::new(Set::Meterbox, Kind::Histogram, name, help);
        row.bounds = bounds;
        row
    }

    /// A metric of TorchServe's default `metrics.yaml`, with TorchServe's help text.
    pub(super) const fn torchserve(
        kind: Kind,
        name: &'static str,
        unit: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        let mut row = Self::new(Set::TorchServe, kind, name, "");
        row.unit = unit;
        row.labels = labels;
        row
    }

    /// A metric of TorchServe's metrics plugin design.
    pub(super) const fn plugin_design(
        kind: Kind,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        let mut row = Self::new(Set::TorchServePlugin, kind, name, help);
        row.labels = labels;
        if matches!(kind, Kind::Histogram) {
            row.bounds = &DEFAULT_BOUNDS;
        }
        row
    }

    pub(super) const fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.labels = labels;
        self
    }

    pub(super) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub(super) const fn emitter(mut self, emitter: Emitter) -> Self {
        self.emitter = emitter;
        self
    }

    pub(super) const fn updated(mut self, updated: &'static str) -> Self {
        self.updated = updated;
        self
    }

    /// Whether its name and shape are those of an older system. Such families print their help and
    /// type even without samples, as they did there.
    #[must_use]
    pub fn inherited(&self) -> bool {
        self.set != Set::Meterbox
    }

    /// The help text.
    #[must_use]
    pub fn help(&self) -> Cow<'static, str> {
        if self.help.is_empty() {
            Cow::Owned(torchserve_help(self.kind, self.unit))
        } else {
            Cow::Borrowed(self.help)
        }
    }

    /// What the store is told.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(self.kind, self.name, &self.help())
            .labels(self.labels)
            .bounds(self.bounds)
            .set(self.set.word());
        if self.inherited() {
            descriptor.inherited().show_empty()
        } else {
            descriptor.unit(self.unit)
        }
    }
}

/// The type as a page prints it.
#[must_use]
pub fn type_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter | Kind::FloatCounter | Kind::ObservedCounter => "counter",
        Kind::Gauge | Kind::Info => "gauge",
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
        _ => "untyped",
    }
}

/// TorchServe's help text of every metric.
///
/// **Source:** TorchServe 0.12, `PrometheusMetricManager` by way of its page.
#[must_use]
pub fn torchserve_help(kind: Kind, unit: &str) -> String {
    format!(
        "Torchserve prometheus {} metric with unit: {unit}",
        type_word(kind)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torchserves_help_names_type_and_unit() {
        let row = Row::torchserve(Kind::FloatCounter, "Requests2XX", "Count", &[]);
        assert_eq!(
            row.help(),
            "Torchserve prometheus counter metric with unit: Count"
        );
        let row = Row::torchserve(Kind::Gauge, "QueueTime", "Milliseconds", &[]);
        assert_eq!(
            row.help(),
            "Torchserve prometheus gauge metric with unit: Milliseconds"
        );
    }
}
