//! Brings a plugin into service in a process of its own: what its child is told, and who hears of it.
//!
//! Starting, watching and ending processes is done by `meterbox-plugin-process`; nothing of the library
//! is loaded into the host.

use super::processes::Processes;
use crate::plugins::budgets::Budgets;
use crate::plugins::catalog::plugins::Catalog;
use crate::plugins::options::grants::Grants;
use crate::plugins::options::settings::{Options, PluginOptions};
use crate::plugins::served::services::Services;
use meterbox_plugin_abi::{HostServices, Level};
use meterbox_plugin_loader::file::{Language, Verified};
use meterbox_plugin_loader::load::Origin;
use meterbox_plugin_loader::probe::ProbeCommand;
use meterbox_plugin_loader::running::{Isolation, PoolSettings, Settings};
use meterbox_plugin_loader::{Reason, Refusal};
use meterbox_plugin_process::parent::{
    Cause, ChildCommand, Isolated, Observer, Plugin, ProcessSettings, RestartSettings, Spawner,
    Stream,
};
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
pub(in crate::plugins) struct Candidate<'a> {
    pub(in crate::plugins) name: &'a str,
    pub(in crate::plugins) verified: &'a Verified,
    pub(in crate::plugins) config: &'a str,
    pub(in crate::plugins) grants: &'a Grants,
    pub(in crate::plugins) plugin: &'a PluginOptions,
    pub(in crate::plugins) settings: &'a Settings,
    pub(in crate::plugins) services: &'a Arc<Services>,
    pub(in crate::plugins) processes: Arc<Processes>,
    pub(in crate::plugins) budgets: Arc<Budgets>,
}

impl Catalog {
    /// The thread that starts children, made with the first of them.
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

    /// How the process of a plugin is started, if it is to have one of its own.
    pub(in crate::plugins) fn isolated_by(
        &self,
        verified: &Verified,
        plugin: &PluginOptions,
        trusted: bool,
    ) -> Option<ProbeCommand> {
        let options = self.options();
        // An interpreter is never loaded into the host, however much its plugin is trusted.
        let trusted = trusted && verified.language == Language::Library;
        let isolation = options.isolation_of(plugin, trusted);
        let child = options.child.clone()?;
        (isolation == Isolation::Process).then_some(child)
    }

    /// The candidate as a plugin in processes of its own; none of them is started yet.
    pub(in crate::plugins) fn isolate(
        &self,
        candidate: &Candidate<'_>,
        child: &ProbeCommand,
    ) -> Result<(Arc<Origin>, Arc<Isolated>), Refusal> {
        let options = self.options();
        let Candidate {
            name,
            verified,
            services,
            ..
        } = candidate;
        let file = verified.copy.share().map_err(|error| {
            let text = format!("no descriptor for its process ({error})");
            Refusal::new(Reason::Start, text).at(&verified.path)
        })?;
        let origin = Arc::new(Origin::of(verified));
        let told = Told {
            plugin: (*name).to_owned(),
            services: (*services).clone(),
            processes: candidate.processes.clone(),
            budgets: candidate.budgets.clone(),
        };
        let settings = process_settings(&options, candidate);
        let plugin = Plugin {
            origin: origin.clone(),
            file,
            name: (*name).to_owned(),
            services: (*services).clone(),
            config: candidate.config.to_owned(),
            command: command(&options, candidate, &settings, child)?,
            settings,
            observer: Arc::new(told),
            host_version: self.house.facts.version.clone(),
        };
        Ok((origin, Isolated::new(plugin, &self.spawner()?)))
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

fn process_settings(options: &Options, candidate: &Candidate<'_>) -> ProcessSettings {
    let Candidate {
        plugin, settings, ..
    } = candidate;
    ProcessSettings {
        call_lanes: lanes(&settings.pool),
        start_limit: settings.start_limit,
        entry_limit: plugin.deadline.unwrap_or(options.request_limit),
        collect_limit: options.collect_limit,
        restarts: RestartSettings {
            crashes_max: options.crashes.max,
            window: options.crashes.window,
            trial_interval: options.crashes.trial_interval,
            ..RestartSettings::default()
        },
        ..ProcessSettings::default()
    }
}

fn command(
    options: &Options,
    candidate: &Candidate<'_>,
    settings: &ProcessSettings,
    child: &ProbeCommand,
) -> Result<ChildCommand, Refusal> {
    let memory = candidate.plugin.memory_bytes_max;
    let memory = memory.unwrap_or(options.memory_bytes_max).to_string();
    let threads = (settings.call_lanes + OWN_THREADS).to_string();
    let mut arguments = child.arguments.clone();
    let more = ["--memory-bytes", &memory, "--threads", &threads];
    arguments.extend(more.map(OsString::from));
    if candidate.grants.has("network") {
        arguments.push("--network".into());
    }
    if candidate.verified.language == Language::Python {
        arguments.extend(options.python.arguments(&candidate.verified.path)?);
    }
    Ok(ChildCommand {
        program: child.program.clone(),
        arguments,
    })
}

/// Hears what happens to the process of one generation.
struct Told {
    plugin: String,
    services: Arc<Services>,
    processes: Arc<Processes>,
    budgets: Arc<Budgets>,
}

impl Observer for Told {
    fn started(&self, pid: u32, took: Duration, again: bool) {
        self.processes.started(&self.plugin, pid, took, again);
    }

    fn crashed(&self, cause: &Cause, sentence: &str) {
        self.processes
            .crashed(&self.plugin, cause, sentence, &self.budgets);
    }

    fn quarantined(&self, retry: Duration) {
        let (plugin, seconds) = (&self.plugin, retry.as_secs_f64());
        tracing::warn!(
            target: "plugin", plugin,
            "quarantined: its process crashed too often; it is tried again in {seconds} s"
        );
    }

    fn recovered(&self) {
        let plugin = &self.plugin;
        tracing::info!(target: "plugin", plugin, "out of quarantine: its process has lasted");
    }

    fn line(&self, stream: Stream, text: &str) {
        let (level, target) = match stream {
            Stream::Out => (Level::INFO, "stdout"),
            Stream::Err => (Level::WARN, "stderr"),
        };
        self.services
            .log(prefixed(text).unwrap_or(level), target, text);
    }
}

const PREFIXES: &[(&str, Level)] = &[
    ("error", Level::ERROR),
    ("critical", Level::ERROR),
    ("fatal", Level::ERROR),
    ("warn", Level::WARN),
    ("warning", Level::WARN),
    ("info", Level::INFO),
    ("debug", Level::DEBUG),
    ("trace", Level::TRACE),
];

/// The level that the first word of a line states, as most loggers write it.
fn prefixed(line: &str) -> Option<Level> {
    let begin = line.trim_start_matches(['[', '<', ' ']);
    let end = begin
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(begin.len());
    let (word, rest) = begin.split_at(end);
    let known = PREFIXES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    // `info` may just be how a sentence begins.
    let marked = line.starts_with(['[', '<']) || rest.starts_with([':', ']', '>']);
    let shouted = word.bytes().all(|byte| byte.is_ascii_uppercase());
    known.filter(|_| marked || shouted).map(|(_, level)| *level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_state_its_level() {
        for (line, level) in [
            ("ERROR no such table", Some(Level::ERROR)),
            ("[warn] slow", Some(Level::WARN)),
            ("warning: old", Some(Level::WARN)),
            ("  DEBUG: x", Some(Level::DEBUG)),
            ("<info> ready", Some(Level::INFO)),
            ("Info about models", None),
            ("thread 'main' panicked", None),
            ("", None),
        ] {
            assert_eq!(prefixed(line), level, "{line}");
        }
    }
}
