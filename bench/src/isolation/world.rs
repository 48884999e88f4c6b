//! A host's catalog without its HTTP, in which limits that a benchmark would run into are lifted.

use meterbox::plugins::{Catalog, Facts, NoModels, Options, Subscribers};
use meterbox_config::Isolation;
use meterbox_metrics::{Registry, SourceOptions};
use meterbox_plugin_loader::file::{ApiVersion, Policy};
use meterbox_plugin_loader::probe::ProbeCommand;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// All plugins of `folder`, in service.
pub(super) fn catalog(folder: &Path, isolation: Isolation) -> Result<Arc<Catalog>, String> {
    let api = ApiVersion::parse(meterbox_plugin_abi::API_VERSION).ok_or("a version")?;
    let policy = Policy {
        insecure_permissions: true,
        ..Policy::new(api)
    };
    let mut options = Options::new(vec![folder.to_path_buf()], policy);
    options.isolation = isolation;
    options.child = Some(ProbeCommand {
        program: crate::server::dist()?.join("meterbox"),
        arguments: vec!["__plugin".into()],
    });
    // However short a run was, it counts as a good one: the next start does not wait.
    options.crashes.window = Duration::from_nanos(1);
    options.crashes.max = usize::MAX;
    options.settings.breaker.failures_max = usize::MAX;
    let registry = Registry::new(meterbox_metrics::Options::new(|| 1_700_000_000.0));
    let source = registry
        .source("host", &SourceOptions::own())
        .ok_or("the first source")?;
    let facts = Facts {
        hostname: "bench".to_owned(),
        uuid: "bench".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let catalog = Catalog::new(
        options,
        registry,
        &source,
        facts,
        Arc::new(NoModels),
        Subscribers::default(),
    )
    .map_err(|error| error.to_string())?;
    let scan = catalog.scan();
    match scan.refused.first() {
        Some(refusal) => Err(refusal.to_string()),
        None => Ok(catalog),
    }
}
