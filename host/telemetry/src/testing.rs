//! What several test modules need, here and in the packages that count.

use super::declarations::Declarations;
use super::server::Build;
use super::{Drops, Options, Telemetry};
use meterbox_config::{MetricsDetail, MetricsMode};
use meterbox_metrics::{Columns, Registry, Source, SourceOptions};

/// All sets, TorchServe's declarations, no log.
#[must_use]
pub fn options() -> Options {
    Options {
        hostname: "vm".to_owned(),
        uuid: "u-1".to_owned(),
        build: Build {
            version: "0.1.0",
            revision: "abc",
            rustc: "1.95.0",
        },
        name_sets: ["meterbox", "torchserve", "torchserve-plugin"]
            .map(str::to_owned)
            .into(),
        detail: MetricsDetail::Full,
        mode: MetricsMode::Prometheus,
        log: None,
        declarations: Declarations::default(),
        drops: Drops::default(),
    }
}

/// A registry with the server's metrics in it, and eyes to read them.
pub struct Bench {
    /// Its instruments.
    pub telemetry: Telemetry,
    /// What was dropped.
    pub drops: Drops,
    registry: Registry,
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}

impl Bench {
    /// All sets, TorchServe's declarations, no log.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// As [`Bench::new`], with other options.
    ///
    /// # Panics
    /// If the server's metrics do not fit each other.
    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options();
        let drops = options.drops.clone();
        change(&mut options);
        let mut store = meterbox_metrics::Options::new(|| 1_000.0);
        store.reserved_prefixes = vec!["meterbox_".to_owned()];
        store.name_sets.clone_from(&options.name_sets);
        let registry = Registry::new(store);
        let telemetry = Telemetry::new(&registry, options).expect("the tables fit");
        Self {
            telemetry,
            drops,
            registry,
        }
    }

    /// A source of the registry that is not the server.
    ///
    /// # Panics
    /// If there are too many.
    #[must_use]
    pub fn source(&self, name: &str) -> Source {
        self.registry
            .source(name, &SourceOptions::guest())
            .expect("there is room for a source")
    }

    /// The registry itself.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The value of a shown series, found by its label block.
    pub fn value(&self, name: &str, labels: &str) -> Option<f64> {
        self.find(name, labels, |columns, row| columns.values()[row])
    }

    /// How many observations a shown histogram has.
    pub fn count(&self, name: &str, labels: &str) -> Option<u64> {
        self.find(name, labels, |columns, row| columns.counts()[row])
    }

    /// The sum of a shown histogram.
    pub fn sum(&self, name: &str, labels: &str) -> Option<f64> {
        self.find(name, labels, |columns, row| columns.sums()[row])
    }

    /// The names of all shown families.
    pub fn names(&self) -> Vec<String> {
        self.registry
            .gather()
            .families()
            .map(|family| family.name().to_owned())
            .collect()
    }

    fn find<T>(&self, name: &str, labels: &str, take: impl Fn(&Columns, usize) -> T) -> Option<T> {
        let gathered = self.registry.gather();
        let family = gathered.families().find(|family| family.name() == name)?;
        let mut columns = Columns::new();
        for segment in family.segments() {
            if let Some(row) = segment.blocks().position(|block| block == labels) {
                segment.read(&mut columns);
                return Some(take(&columns, row));
            }
        }
        None
    }
}
