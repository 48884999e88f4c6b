//! Brings a plugin into service in a process of its own: what its child is told, and who hears of it.
//!
//! Starting, watching and ending processes is done by `meterbox-plugin-process`; nothing of the library
//! is loaded into the host.

use super::lines::level_of;
use super::processes::Processes;
use super::python::Python;
use crate::options::permissions::Permissions;
use crate::options::settings::Options;
use meterbox_config::PluginGrants;
use meterbox_plugin_abi::{HostServices, Level};
use meterbox_plugin_files::{Language, Reason, Refusal, Verified};
use meterbox_plugin_loader::load::Origin;
use meterbox_plugin_loader::probe::ProbeCommand;
use meterbox_plugin_loader::running::{PoolSettings, Settings};
use meterbox_plugin_process::parent::{
    Cause, ChildCommand, Isolated, Observer, Plugin, ProcessSettings, RestartSettings, Sizes,
    Spawner, Stream,
};
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

/// Threads that a child may have beyond those that serve the host.
const OWN_THREADS: usize = 32;
/// Descriptors that this process asks for.
const DESCRIPTORS: u64 = 65_536;
/// A child serves no more entries at a time.
const LANES_MAX: usize = 64;

/// One plugin on its way into a process.
pub(crate) struct LaunchRequest<'a> {
    pub(crate) verified: &'a Verified,
    /// How its process is started.
    pub(crate) child: &'a ProbeCommand,
    pub(crate) config: &'a str,
    pub(crate) permissions: &'a Permissions,
    pub(crate) plugin: &'a PluginGrants,
    pub(crate) settings: Settings,
    pub(crate) services: Arc<dyn HostServices>,
    pub(crate) processes: Arc<Processes>,
}

/// Starts the processes of plugins.
pub(crate) struct Launcher {
    /// The thread that starts children; none before the first of them.
    spawner: Mutex<Option<Arc<Spawner>>>,
    python: Python,
    host_version: String,
}

impl Launcher {
    pub(crate) fn new(python: Python, host_version: &str) -> Self {
        Self {
            spawner: Mutex::default(),
            python,
            host_version: host_version.to_owned(),
        }
    }

    fn spawner(&self) -> Result<Arc<Spawner>, Refusal> {
        let mut spawner = self.spawner.lock();
        if let Some(known) = &*spawner {
            return Ok(known.clone());
        }
        allow_descriptors();
        let made = Spawner::start().map_err(|error| {
            let text = format!("no thread for starting processes ({error})");
            Refusal::new(Reason::Start, text)
        })?;
        *spawner = Some(made.clone());
        Ok(made)
    }

    /// The candidate as a plugin in processes of its own; none of them is started yet.
    pub(crate) fn isolate(
        &self,
        candidate: LaunchRequest<'_>,
        options: &Options,
    ) -> Result<(Arc<Origin>, Arc<Isolated>), Refusal> {
        let verified = candidate.verified;
        let file = verified.copy.share().map_err(|error| {
            let text = format!("no descriptor for its process ({error})");
            Refusal::new(Reason::Start, text).at(&verified.path)
        })?;
        let origin = Arc::new(Origin::of(verified));
        let settings = process_settings(options, &candidate);
        let plugin = Plugin {
            origin: origin.clone(),
            file,
            name: verified.metadata.name.clone(),
            config: candidate.config.to_owned(),
            command: self.command(&candidate, &settings)?,
            settings,
            observer: Arc::new(ProcessWatcher {
                services: candidate.services.clone(),
                processes: candidate.processes,
            }),
            services: candidate.services,
            host_version: self.host_version.clone(),
        };
        Ok((origin, Isolated::new(plugin, &self.spawner()?)))
    }

    fn command(
        &self,
        candidate: &LaunchRequest<'_>,
        settings: &ProcessSettings,
    ) -> Result<ChildCommand, Refusal> {
        let memory = candidate.plugin.memory_bytes_max.to_string();
        let threads = (settings.call_lanes + OWN_THREADS).to_string();
        let mut arguments = candidate.child.arguments.clone();
        let more = ["--memory-bytes", &memory, "--threads", &threads];
        arguments.extend(more.map(OsString::from));
        if candidate.permissions.has("network") {
            arguments.push("--network".into());
        }
        if candidate.verified.language == Language::Python {
            arguments.extend(self.python.arguments(&candidate.verified.path)?);
        }
        Ok(ChildCommand {
            program: candidate.child.program.clone(),
            arguments,
        })
    }
}

/// A process of a plugin takes some twenty descriptors, and a hundred plugins are no more than usual: lifts
/// the soft limit as far as the hard one lets it.
fn allow_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit
        .maximum
        .map_or(DESCRIPTORS, |hard| hard.min(DESCRIPTORS));
    if limit.current.is_some_and(|soft| soft < wanted) {
        limit.current = Some(wanted);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(target: "plugin", "the limit of open files stays: {error}");
        }
    }
}

fn lanes(pool: &PoolSettings) -> usize {
    (pool.threads_max + pool.stuck_max).min(LANES_MAX)
}

fn process_settings(options: &Options, candidate: &LaunchRequest<'_>) -> ProcessSettings {
    let plugins = options.plugins();
    ProcessSettings {
        call_lanes: lanes(&candidate.settings.pool),
        start_limit: candidate.settings.start_limit,
        entry_limit: candidate.plugin.deadline,
        collect_limit: options.collect_limit(),
        restarts: RestartSettings::new(
            plugins.crashes_max,
            plugins.crash_window,
            plugins.trial_interval,
        ),
        sizes: Sizes::default(),
    }
}

/// Hears what happens to the process of one generation.
struct ProcessWatcher {
    services: Arc<dyn HostServices>,
    processes: Arc<Processes>,
}

impl Observer for ProcessWatcher {
    fn started(&self, pid: u32, took: Duration, again: bool) {
        self.processes.started(pid, took, again);
    }

    fn crashed(&self, cause: &Cause, sentence: &str) {
        self.processes.crashed(cause, sentence);
    }

    fn quarantined(&self, retry: Duration) {
        self.processes.quarantined(retry);
    }

    fn recovered(&self) {
        self.processes.recovered();
    }

    fn line(&self, stream: Stream, text: &str) {
        let (level, target) = match stream {
            Stream::Out => (Level::INFO, "stdout"),
            Stream::Err => (Level::WARN, "stderr"),
        };
        self.services
            .log(level_of(text).unwrap_or(level), target, text);
    }
}
