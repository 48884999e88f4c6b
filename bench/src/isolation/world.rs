//! A host's catalog without its HTTP, in which limits that a benchmark would run into are lifted.

use meterbox_config::{Isolation, Settings};
use meterbox_metrics::Registry;
use meterbox_plugin_loader::probe::ProbeCommand;
use meterbox_plugins::{Catalog, Options, Program, testing};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// All plugins of `folder`, in service.
pub(super) fn catalog(folder: &Path, isolation: Isolation) -> Result<Arc<Catalog>, String> {
    let mut settings = Settings::defaults();
    let plugins = &mut settings.plugins;
    plugins.folders = vec![folder.to_path_buf()];
    plugins.insecure_permissions = true;
    plugins.default_grants.isolation = isolation;
    // However short a run was, it counts as a good one: the next start does not wait.
    plugins.crash_window = Duration::from_nanos(1);
    plugins.crashes_max = usize::MAX;
    let mut program = Program {
        child: Some(ProbeCommand {
            program: crate::server::dist()?.join("meterbox"),
            arguments: vec!["__plugin".into()],
        }),
        ..Program::default()
    };
    program.breaker.failures_max = usize::MAX;
    let options = Options::new(Arc::new(settings), program).map_err(|error| error.to_string())?;
    let registry = Registry::new(meterbox_metrics::Options::new(|| 1_700_000_000.0));
    let catalog = testing::catalog(options, registry);
    let scan = catalog.scan();
    match scan.refused.first() {
        Some(refusal) => Err(refusal.to_string()),
        None => Ok(catalog),
    }
}
