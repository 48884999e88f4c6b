//! Starts a new generation of a plugin: on threads of the host, or in a process of its own.

use super::record::PluginRecord;
use super::slot::ServingGeneration;
use crate::options::settings::{Options, series_max};
use crate::process::launcher::{LaunchRequest, Launcher};
use crate::served::services::{ServiceTerms, Services};
use crate::served::shared::SharedHost;
use crate::served::subscription::Subscription;
use meterbox_metrics::{Source, SourceOptions};
use meterbox_plugin_abi::{Host, Roles};
use meterbox_plugin_files::{Reason, Refusal, Verified};
use meterbox_plugin_loader::load::Loaded;
use meterbox_plugin_loader::probe::{PROBE_LIMIT, ProbeCommand, probe};
use meterbox_plugin_loader::running::{Clock, Monotonic, Running, Supervisor};
use std::path::Path;
use std::sync::Arc;

/// Starts plugins.
pub(super) struct Starter {
    shared: Arc<SharedHost>,
    launcher: Launcher,
    clock: Arc<dyn Clock>,
}

/// What a plugin starts with.
pub(super) struct StartRequest<'a> {
    pub(super) name: &'a str,
    pub(super) record: Arc<PluginRecord>,
    /// Whether the file was shipped with the host and pinned.
    pub(super) trusted: bool,
    pub(super) bundled: bool,
    /// A JSON object.
    pub(super) config: String,
}

impl Starter {
    pub(super) fn new(shared: Arc<SharedHost>, launcher: Launcher) -> Self {
        Self {
            shared,
            launcher,
            clock: Arc::new(Monotonic::default()),
        }
    }

    /// Starts a file; blocks until the plugin's start hook is done.
    pub(super) fn start(
        &self,
        options: &Options,
        verified: Verified,
        start: StartRequest<'_>,
    ) -> Result<ServingGeneration, Refusal> {
        let StartRequest {
            name,
            record,
            trusted,
            bundled,
            config,
        } = start;
        let path = verified.path.clone();
        // The first process of an isolated plugin is its probe.
        let code = match options.child_of(&verified, trusted) {
            Some(child) => Code::InProcess(Box::new(verified), child),
            None => Code::InHost(load(options, verified, &record, trusted)?),
        };
        let generation = record.next_generation();
        let plugin = options.plugin(name);
        let permissions = options.permissions(name, bundled);
        let source = SourceOptions {
            reserved_names: permissions.has("metrics.reserved"),
            privileged: permissions.has("metrics.reserved"),
            ..SourceOptions::guest().series_max(series_max(&plugin))
        };
        let source = self.source(name, &source, &path)?;
        record.belongs_to(source.clone());
        let terms = ServiceTerms {
            generation,
            source,
            permissions: permissions.clone(),
            budgets: record.budgets.clone(),
            log_lines_max: options.plugins().log_lines_max,
            families_max: options.plugins().families_max,
        };
        let services = Arc::new(Services::new(terms, self.shared.clone()));
        let settings = options.supervision_of(&plugin);
        let (clock, counters) = (self.clock.clone(), record.counters.clone());
        let (running, isolated) = match code {
            Code::InHost(loaded) => {
                let host = Host::of(services.clone());
                let running = Running::start(&loaded, host, &config, settings, clock, counters)?;
                (running, None)
            }
            Code::InProcess(verified, child) => {
                let candidate = LaunchRequest {
                    verified: &verified,
                    child: &child,
                    config: &config,
                    permissions: &permissions,
                    plugin: &plugin,
                    settings,
                    services: services.clone(),
                    processes: record.processes.clone(),
                };
                let (origin, isolated) = self.launcher.isolate(candidate, options)?;
                let create = {
                    let isolated = isolated.clone();
                    move || isolated.create()
                };
                let supervisor: Arc<dyn Supervisor> = isolated.clone();
                let supervisor = Some(supervisor);
                let running =
                    Running::start_with(origin, create, supervisor, settings, clock, counters)?;
                (running, Some(isolated))
            }
        };
        services.started(&running);
        let listens = running.roles().has(Roles::LISTENER);
        Ok(ServingGeneration {
            subscription: listens.then(|| Subscription::new(services.subscribed(), &running)),
            running,
            services,
            isolated,
            config,
            trusted,
        })
    }

    /// A plugin's series are kept under its name: they outlive its generations.
    fn source(&self, name: &str, options: &SourceOptions, path: &Path) -> Result<Source, Refusal> {
        let registry = self.shared.gatherer.registry();
        let source = registry.source(&format!("plugin.{name}"), options);
        source.ok_or_else(|| {
            let text = "the host has as many sources of metrics as it may; remove plugins";
            Refusal::new(Reason::Create, text).at(path)
        })
    }
}

/// Where a plugin's code runs.
enum Code {
    /// On threads of this process, into which it is loaded.
    InHost(Loaded),
    /// In processes that are started so.
    InProcess(Box<Verified>, ProbeCommand),
}

/// Loads a file into this process, for good.
fn load(
    options: &Options,
    verified: Verified,
    record: &PluginRecord,
    trusted: bool,
) -> Result<Loaded, Refusal> {
    let max = options.plugins().generations_max as u64;
    if record.loads() >= max {
        let megabytes = (verified.copy.len() * max) >> 20;
        let text = format!(
            "it was loaded {max} times in this process, which never unloads a library; restart \
             to get about {megabytes} MB back, raise plugins_max_generations, or let it run in a \
             process of its own"
        );
        return Err(Refusal::new(Reason::Generations, text).at(&verified.path));
    }
    // What was shipped and pinned with the host was tried when it was made.
    if let Some(command) = options.program.probe.as_ref().filter(|_| !trusted) {
        probe(&verified, command, PROBE_LIMIT)?;
    }
    let loaded = Loaded::load(verified)?;
    record.loaded(loaded.origin().mapped_bytes);
    Ok(loaded)
}
