//! A catalog that nobody serves, for the tests and benchmarks of those who use one.

use crate::{Catalog, CatalogParts, HostFacts, ModelList, Options, Subscribers};
use meterbox_metrics::{Registry, SourceOptions};
use meterbox_plugin_abi::Row;
use meterbox_telemetry::{Telemetry, testing};
use std::sync::Arc;

/// No models at all.
struct NoModels;

impl ModelList for NoModels {
    fn rows(&self) -> Vec<Row> {
        Vec::new()
    }
}

/// What a catalog needs, over a registry with nothing in it yet but the server's metrics of the name
/// sets that the options choose.
///
/// # Panics
/// If the registry has them already.
#[must_use]
pub fn parts(options: Options, registry: Registry) -> CatalogParts {
    let telemetry = meterbox_telemetry::Options {
        name_sets: options.settings.metrics.name_sets.clone(),
        ..testing::options()
    };
    let telemetry = Telemetry::new(&registry, telemetry).expect("the names are new");
    let source = registry.source("host", &SourceOptions::own());
    CatalogParts {
        source: source.expect("the first source"),
        subscribers: Subscribers::counted_in(telemetry.plugins().clone()),
        telemetry: Arc::new(telemetry),
        facts: HostFacts {
            hostname: "test".to_owned(),
            uuid: "0".to_owned(),
            version: "0".to_owned(),
        },
        models: Arc::new(NoModels),
        options,
        registry,
    }
}

/// A catalog of [`parts`].
///
/// # Panics
/// As there.
#[must_use]
pub fn catalog(options: Options, registry: Registry) -> Arc<Catalog> {
    Catalog::new(parts(options, registry)).expect("the names are new")
}
