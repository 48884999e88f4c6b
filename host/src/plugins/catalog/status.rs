//! What the catalog tells about each plugin.

use super::plugins::Catalog;
use super::slot::Slot;
use crate::plugins::budgets::{Budget, BudgetStatus};
use crate::plugins::process::processes::ProcessStatus;
use crate::plugins::served::timers::TIMERS_MAX;
use meterbox_metrics::{LABELS_MAX, VALUE_BYTES_MAX};
use meterbox_plugin_abi::Listener;
use meterbox_plugin_loader::running::{Counts, Isolation, State};
use std::path::PathBuf;
use std::time::SystemTime;

/// One plugin at one moment.
#[derive(Debug, Clone)]
pub struct PluginStatus {
    /// Its name; the file's while the plugin could not be read.
    pub name: String,
    /// Its version; empty while unknown.
    pub version: String,
    /// The plugin API it was built against; empty while unknown.
    pub api: String,
    /// One sentence; may be empty.
    pub description: String,
    /// Where it is in its life.
    pub state: State,
    /// How often its file was loaded.
    pub generation: u64,
    /// Since when it stands as it does.
    pub since: SystemTime,
    /// Where its code runs; none before it ran.
    pub isolation: Option<Isolation>,
    /// Its process, if it has one of its own.
    pub process: Option<ProcessStatus>,
    /// What it may spend.
    pub budgets: Vec<BudgetStatus>,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was shipped with the host.
    pub bundled: bool,
    /// Digest of its file; none while it could not be read.
    pub sha256: Option<String>,
    /// What it does.
    pub roles: Vec<&'static str>,
    /// Where it answers.
    pub endpoints: Vec<EndpointStatus>,
    /// Its counters.
    pub counts: Counts,
    /// Threads that did not come back in time.
    pub stuck_threads: usize,
    /// The last refusal or failure.
    pub last_error: Option<String>,
    /// Code of the last refusal.
    pub last_reason: Option<&'static str>,
    /// Series that belong to it.
    pub series: usize,
    /// Bytes of its libraries of all generations, which stay mapped.
    pub mapped_bytes: u64,
}

/// One route of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Where it is served.
    pub listener: Listener,
    /// Its first path segment.
    pub pattern: String,
    /// Methods it answers; empty for any.
    pub methods: Vec<&'static str>,
}

pub(in crate::plugins) fn of(slot: &Slot, catalog: &Catalog) -> PluginStatus {
    let running = slot.running.as_ref();
    let metadata = slot.metadata.as_ref();
    let name = slot.name();
    let failure = running.and_then(|running| running.last_error());
    let refusal = slot.last_refusal.as_ref();
    PluginStatus {
        version: metadata.map_or_else(String::new, |metadata| metadata.version.clone()),
        api: metadata.map_or_else(String::new, |metadata| metadata.api.clone()),
        description: metadata.map_or_else(String::new, |metadata| metadata.description.clone()),
        state: slot.state(),
        generation: slot.generation,
        since: slot.since,
        isolation: running.map(|running| running.isolation()),
        process: process(slot),
        budgets: budgets(slot, &name, catalog),
        path: slot.path(),
        bundled: slot.bundled,
        sha256: slot.sha256.clone(),
        roles: running.map_or_else(Vec::new, |running| running.roles().names()),
        endpoints: running.map_or_else(Vec::new, |running| {
            let routes = running.routes().iter();
            let endpoint = |route: &meterbox_plugin_abi::Route| EndpointStatus {
                listener: route.listener,
                pattern: route.pattern.clone(),
                methods: route.methods.list(),
            };
            routes.map(endpoint).collect()
        }),
        counts: slot.tally.counts(),
        stuck_threads: running.map_or(0, |running| running.stuck_threads()),
        last_error: refusal
            .map(|refusal| refusal.text.clone())
            .or(failure)
            .or_else(|| slot.processes.last_crash()),
        last_reason: refusal.map(|refusal| refusal.reason.code()),
        series: slot.source.as_ref().map_or(0, |source| source.series_len()),
        mapped_bytes: slot.mapped_bytes,
        name,
    }
}

/// The process of a plugin that has one.
pub(in crate::plugins) fn process(slot: &Slot) -> Option<ProcessStatus> {
    let isolated = slot.isolated.as_ref()?;
    Some(slot.processes.status(isolated))
}

fn budgets(slot: &Slot, name: &str, catalog: &Catalog) -> Vec<BudgetStatus> {
    slot.budgets.observe_counts(&slot.tally.counts());
    let drops = catalog.house.registry.drops();
    slot.budgets
        .observe_drops(&crate::plugins::source_name(name), &drops);
    let options = catalog.options();
    let own = options.plugin(name);
    let settings = options.settings_of(&own);
    let deadline = own.deadline.unwrap_or(options.request_limit);
    let running = slot.running.as_ref();
    let reply_bytes_max = running.map_or(options.reply_bytes_max, |running| {
        catalog.reply_bytes_max(running, slot.bundled)
    });
    let series = slot.source.as_ref().map_or(0, |source| source.series_len());
    let timers = catalog.house.timers.count(name, slot.generation);
    let process = process(slot);
    let memory_max = own.memory_bytes_max.unwrap_or(options.memory_bytes_max);
    let count = |number: usize| Some(number as u64);
    let figures = |budget: Budget| match budget {
        Budget::CallTime => (u64::try_from(deadline.as_millis()).ok(), None),
        Budget::Threads => (count(settings.pool.threads_max), None),
        Budget::Queue => (count(settings.pool.queue_len_max), None),
        Budget::Series => (Some(options.series_max_of(&own).into()), count(series)),
        Budget::Families => (count(options.families_max), count(slot.budgets.families())),
        Budget::Labels => (count(LABELS_MAX), None),
        Budget::LabelBytes => (count(VALUE_BYTES_MAX), None),
        Budget::ReplyBytes => (Some(reply_bytes_max), None),
        Budget::LogLines => (Some(options.log_lines_max), None),
        Budget::Timers => (count(TIMERS_MAX), count(timers)),
        Budget::Memory => match &process {
            Some(process) => (Some(memory_max), process.memory_bytes),
            None => (None, None),
        },
    };
    let status = |budget: Budget| {
        let (limit, used) = figures(budget);
        let exceeded = slot.budgets.exceeded(budget);
        BudgetStatus {
            budget,
            limit,
            used,
            exceeded,
        }
    };
    Budget::ALL
        .iter()
        .map(|words| status(words.budget))
        .collect()
}
