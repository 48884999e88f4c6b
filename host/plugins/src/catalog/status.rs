//! What the catalog tells about each plugin.

use super::slot::PluginSlot;
use crate::budgets::budget::{Budget, BudgetStatus, BudgetWords};
use crate::options::settings::{Options, series_max};
use crate::process::processes::ProcessStatus;
use crate::served::timers::{TIMERS_MAX, Timers};
use meterbox_metrics::{LABELS_MAX, VALUE_BYTES_MAX};
use meterbox_plugin_abi::{Listener, Route};
use meterbox_plugin_files::Metadata;
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
    /// Series that belong to it.
    pub series: usize,
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

/// What there is to tell about a file now.
pub(super) fn of(slot: &PluginSlot, options: &Options, timers: &Timers) -> PluginStatus {
    let running = slot.running();
    let metadata = slot.metadata.as_ref();
    let record = &slot.record;
    let process = slot.process();
    let failure = running.and_then(|running| running.last_error());
    let refusal = slot.last_refusal.as_ref();
    let known = |text: fn(&Metadata) -> &String| {
        metadata.map_or_else(String::new, |metadata| text(metadata).clone())
    };
    PluginStatus {
        name: slot.name(),
        version: known(|metadata| &metadata.version),
        api: known(|metadata| &metadata.api),
        description: known(|metadata| &metadata.description),
        state: slot.state(),
        generation: record.generation(),
        since: slot.since,
        isolation: running.map(|running| running.isolation()),
        budgets: budgets(slot, process.as_ref(), options, timers),
        process,
        path: slot.path(),
        bundled: slot.bundled,
        sha256: slot.sha256.clone(),
        roles: running.map_or_else(Vec::new, |running| running.roles().names()),
        endpoints: running.map_or_else(Vec::new, |running| {
            running.routes().iter().map(EndpointStatus::of).collect()
        }),
        counts: record.counters.counts(),
        stuck_threads: running.map_or(0, |running| running.stuck_threads()),
        last_error: refusal
            .map(|refusal| refusal.text.clone())
            .or(failure)
            .or_else(|| record.processes.last_crash()),
        series: record.series(),
    }
}

impl EndpointStatus {
    fn of(route: &Route) -> Self {
        Self {
            listener: route.listener,
            pattern: route.pattern.clone(),
            methods: route.methods.list(),
        }
    }
}

fn budgets(
    slot: &PluginSlot,
    process: Option<&ProcessStatus>,
    options: &Options,
    timers: &Timers,
) -> Vec<BudgetStatus> {
    let record = &slot.record;
    record.observe();
    let plugins = options.plugins();
    let own = options.plugin(&slot.name());
    let reply_bytes_max = match slot.running() {
        Some(running) => options.reply_bytes_max(&running.origin().metadata, slot.bundled),
        None => plugins.reply_bytes_max,
    };
    let count = |number: usize| Some(number as u64);
    let figures = |budget: Budget| match budget {
        Budget::CallTime => (u64::try_from(own.deadline.as_millis()).ok(), None),
        Budget::Threads => (count(own.threads), None),
        Budget::Queue => (count(own.queue), None),
        Budget::Series => (Some(series_max(&own).into()), count(record.series())),
        Budget::Families => {
            let used = record.budgets.families();
            (count(plugins.families_max), count(used))
        }
        Budget::Labels => (count(LABELS_MAX), None),
        Budget::LabelBytes => (count(VALUE_BYTES_MAX), None),
        Budget::ReplyBytes => (Some(reply_bytes_max), None),
        Budget::LogLines => (Some(plugins.log_lines_max), None),
        Budget::Timers => {
            let used = timers.count(record.budgets.plugin(), record.generation());
            (count(TIMERS_MAX), count(used))
        }
        Budget::Memory => match process {
            Some(process) => (Some(own.memory_bytes_max), process.memory_bytes),
            None => (None, None),
        },
    };
    let status = |words: &BudgetWords| {
        let (limit, used) = figures(words.budget);
        BudgetStatus {
            budget: words.budget,
            limit,
            used,
            exceeded: record.budgets.exceeded(words.budget),
        }
    };
    Budget::ALL.iter().map(status).collect()
}
