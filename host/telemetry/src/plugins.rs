//! Instruments of plugins, filled from what the loader counts.
//!
//! The loader keeps a plugin's totals over all its generations; they are copied here when metrics are
//! gathered. What only the host sees (refused files, durations, missed events) is counted here.

use super::handle::{Handle, Metric};
use super::names::plugins as rows;
use super::register::Registrar;
use meterbox_metrics::{Counter, Gauge, Histogram, ObservedCounter, RegisterError};
use meterbox_plugin_loader::running::{Counts, RejectReason, State};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What the host knows about a plugin at one moment.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The loader's totals.
    pub counts: Counts,
    /// Where it is.
    pub state: State,
    /// How often it was loaded since the start.
    pub generation: u64,
    /// Threads in calls whose deadline is over.
    pub stuck_threads: usize,
    /// Size of all its libraries that are mapped, in bytes.
    pub mapped_bytes: u64,
    /// Series that belong to it.
    pub series: usize,
    /// Series of it that limits refused.
    pub series_dropped: u64,
    /// Its process, if it has one of its own.
    pub process: Option<ProcessReading>,
    /// How often it asked for more than each of its budgets.
    pub over_budget: Vec<(&'static str, u64)>,
}

/// What the host knows about the process of a plugin at one moment.
#[derive(Debug, Clone, Default)]
pub struct ProcessReading {
    /// Whether it is there now.
    pub is_running: bool,
    /// How often it was started again after a crash.
    pub restarts: u64,
    /// Crashes by cause.
    pub crashes: Vec<(&'static str, u64)>,
    /// Memory that it holds now, in bytes.
    pub memory_bytes: Option<u64>,
}

/// Metrics of all plugins. Cheap to clone.
#[derive(Clone)]
pub struct PluginsMetrics(Arc<PluginState>);

struct PluginState {
    families: PluginFamilies,
    plugins: Mutex<BTreeMap<String, Arc<PluginMetrics>>>,
}

#[derive(Clone)]
struct PluginFamilies {
    calls: Metric<ObservedCounter>,
    errors: Metric<ObservedCounter>,
    panics: Metric<ObservedCounter>,
    timeouts: Metric<ObservedCounter>,
    rejects: Metric<ObservedCounter>,
    duration: Metric<Histogram>,
    stuck: Metric<Gauge>,
    up: Metric<Gauge>,
    state: Metric<Gauge>,
    generation: Metric<Gauge>,
    mapped: Metric<Gauge>,
    load_errors: Metric<Counter>,
    series: Metric<Gauge>,
    series_dropped: Metric<ObservedCounter>,
    over_budget: Metric<ObservedCounter>,
    crashes: Metric<ObservedCounter>,
    restarts: Metric<ObservedCounter>,
    memory: Metric<Gauge>,
    events_dropped: Metric<Counter>,
}

impl PluginsMetrics {
    pub(super) fn new(registrar: &Registrar<'_>) -> Result<Self, RegisterError> {
        let families = PluginFamilies {
            calls: registrar.metric(&rows::CALLS)?,
            errors: registrar.metric(&rows::ERRORS)?,
            panics: registrar.metric(&rows::PANICS)?,
            timeouts: registrar.metric(&rows::TIMEOUTS)?,
            rejects: registrar.metric(&rows::REJECTS)?,
            duration: registrar.metric(&rows::CALL_DURATION)?,
            stuck: registrar.metric(&rows::STUCK)?,
            up: registrar.metric(&rows::UP)?,
            state: registrar.metric(&rows::STATE)?,
            generation: registrar.metric(&rows::GENERATION)?,
            mapped: registrar.metric(&rows::MAPPED)?,
            load_errors: registrar.metric(&rows::LOAD_ERRORS)?,
            series: registrar.metric(&rows::SERIES)?,
            series_dropped: registrar.metric(&rows::SERIES_DROPPED)?,
            over_budget: registrar.metric(&rows::OVER_BUDGET)?,
            crashes: registrar.metric(&rows::CRASHES)?,
            restarts: registrar.metric(&rows::RESTARTS)?,
            memory: registrar.metric(&rows::MEMORY)?,
            events_dropped: registrar.metric(&rows::EVENTS_DROPPED)?,
        };
        Ok(Self(Arc::new(PluginState {
            families,
            plugins: Mutex::default(),
        })))
    }

    /// The handles of a plugin, made when it is first asked for.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Arc<PluginMetrics> {
        let mut plugins = self.0.plugins.lock();
        if let Some(known) = plugins.get(name) {
            return Arc::clone(known);
        }
        let made = Arc::new(PluginMetrics::new(name, &self.0.families));
        plugins.insert(name.to_owned(), Arc::clone(&made));
        made
    }

    /// A file was refused. `plugin` is its name as far as it is known, else the file's; `reason` is the
    /// loader's code.
    pub fn load_error(&self, plugin: &str, reason: &'static str) {
        self.0.families.load_errors.inc(&[plugin, reason]);
    }

    /// Shows what the host knows about each plugin now, by name. Of those that are not there any more the
    /// gauges leave the page; their counters stay.
    pub fn show(&self, readings: &BTreeMap<String, Reading>) {
        for (name, reading) in readings {
            self.plugin(name).read(reading);
        }
        self.0.plugins.lock().retain(|name, _| {
            let stays = readings.contains_key(name);
            if !stays {
                self.0.families.forget(name);
            }
            stays
        });
    }
}

impl PluginFamilies {
    /// Takes the gauges of one plugin off the page.
    fn forget(&self, name: &str) {
        for gauge in [
            &self.stuck,
            &self.up,
            &self.generation,
            &self.mapped,
            &self.series,
            &self.memory,
        ] {
            gauge.remove(&[name]);
        }
        for (_, state) in State::NAMED {
            self.state.remove(&[name, state]);
        }
    }
}

/// Handles of one plugin.
pub struct PluginMetrics {
    name: String,
    families: PluginFamilies,
    calls: Handle<ObservedCounter>,
    errors: Handle<ObservedCounter>,
    panics: Handle<ObservedCounter>,
    timeouts: Handle<ObservedCounter>,
    rejects: [OnceLock<Handle<ObservedCounter>>; RejectReason::NAMED.len()],
    duration: OnceLock<Handle<Histogram>>,
    stuck: Handle<Gauge>,
    up: Handle<Gauge>,
    /// Made for the states that it has been in.
    states: [OnceLock<Handle<Gauge>>; State::NAMED.len()],
    generation: Handle<Gauge>,
    mapped: Handle<Gauge>,
    series: Handle<Gauge>,
    series_dropped: Handle<ObservedCounter>,
    events_dropped: Handle<Counter>,
}

impl PluginMetrics {
    fn new(name: &str, families: &PluginFamilies) -> Self {
        let plugin = &[name][..];
        Self {
            name: name.to_owned(),
            calls: families.calls.with(plugin),
            errors: families.errors.with(plugin),
            panics: families.panics.with(plugin),
            timeouts: families.timeouts.with(plugin),
            rejects: Default::default(),
            duration: OnceLock::new(),
            stuck: families.stuck.with(plugin),
            up: families.up.with(plugin),
            states: Default::default(),
            generation: families.generation.with(plugin),
            mapped: families.mapped.with(plugin),
            series: families.series.with(plugin),
            series_dropped: families.series_dropped.with(plugin),
            events_dropped: families.events_dropped.with(plugin),
            families: families.clone(),
        }
    }

    /// Shows what the host knows about it now.
    fn read(&self, reading: &Reading) {
        let counts = &reading.counts;
        self.calls.set(counts.calls);
        self.errors.set(counts.errors);
        self.panics.set(counts.panics);
        self.timeouts.set(counts.timeouts);
        for ((_, reason), (handle, count)) in RejectReason::NAMED
            .iter()
            .zip(self.rejects.iter().zip(counts.rejects))
        {
            if count > 0 {
                handle
                    .get_or_init(|| self.families.rejects.with(&[&self.name, reason]))
                    .set(count);
            }
        }
        self.stuck.set(reading.stuck_threads as f64);
        self.generation.set(reading.generation as f64);
        self.mapped.set(reading.mapped_bytes as f64);
        self.series.set(reading.series as f64);
        self.series_dropped.set(reading.series_dropped);
        for (budget, times) in reading.over_budget.iter().filter(|(_, times)| *times > 0) {
            let over_budget = self.families.over_budget.with(&[&self.name, budget]);
            over_budget.set(*times);
        }
        let process = reading.process.as_ref();
        self.process(process);
        let is_there = process.is_none_or(|process| process.is_running);
        self.state(reading.state, is_there);
    }

    /// Series of a process are made with its first start, and its memory goes with it.
    fn process(&self, process: Option<&ProcessReading>) {
        let plugin = [self.name.as_str()];
        match process.and_then(|process| process.memory_bytes) {
            Some(bytes) => self.families.memory.with(&plugin).set(bytes as f64),
            None => self.families.memory.remove(&plugin),
        }
        let Some(process) = process else { return };
        self.families.restarts.with(&plugin).set(process.restarts);
        for (cause, times) in &process.crashes {
            let crashes = self.families.crashes.with(&[&self.name, cause]);
            crashes.set(*times);
        }
    }

    fn state(&self, state: State, is_there: bool) {
        let up = is_there && matches!(state, State::Started | State::Degraded);
        self.up.set(f64::from(u8::from(up)));
        for ((other, word), handle) in State::NAMED.iter().zip(&self.states) {
            if *other == state {
                handle
                    .get_or_init(|| self.families.state.with(&[&self.name, word]))
                    .set(1.0);
            } else if let Some(handle) = handle.get() {
                handle.set(0.0);
            }
        }
    }

    /// A call took so long.
    pub fn called(&self, took: Duration) {
        self.duration
            .get_or_init(|| self.families.duration.with(&[&self.name]))
            .seconds(took);
    }

    /// Events came faster than it takes them: so many were not given to it.
    pub fn events_dropped(&self, events: u64) {
        self.events_dropped.add(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn reading(state: State) -> Reading {
        let counts = Counts {
            calls: 7,
            errors: 3,
            panics: 1,
            timeouts: 2,
            rejects: [0, 4, 0, 0, 0, 0],
            openings: 0,
        };
        Reading {
            counts,
            state,
            generation: 2,
            stuck_threads: 1,
            mapped_bytes: 4096,
            series: 5,
            series_dropped: 6,
            process: Some(ProcessReading {
                is_running: true,
                restarts: 3,
                crashes: vec![("SIGSEGV", 4)],
                memory_bytes: Some(8192),
            }),
            over_budget: vec![("queue", 0), ("timers", 1)],
        }
    }

    #[test]
    fn a_reading_sets_every_metric_of_the_plugin() {
        let bench = Bench::new();
        let plugin = bench.telemetry.plugins().plugin("drift");
        plugin.read(&reading(State::Started));
        plugin.called(Duration::from_millis(3));
        plugin.events_dropped(9);
        let labels = "plugin=\"drift\"";
        for (name, expect) in [
            ("calls_total", 7.0),
            ("errors_total", 3.0),
            ("panics_total", 1.0),
            ("timeouts_total", 2.0),
            ("stuck_threads", 1.0),
            ("generation", 2.0),
            ("mapped_bytes", 4096.0),
            ("series", 5.0),
            ("series_dropped_total", 6.0),
            ("events_dropped_total", 9.0),
            ("up", 1.0),
            ("restarts_total", 3.0),
            ("memory_bytes", 8192.0),
        ] {
            let name = format!("meterbox_plugin_{name}");
            assert_eq!(bench.value(&name, labels), Some(expect), "{name}");
        }
        assert_eq!(
            bench.count("meterbox_plugin_call_duration_seconds", labels),
            Some(1)
        );
        let over = format!("{labels},budget=\"timers\"");
        let over = bench.value("meterbox_plugin_over_budget_total", &over);
        assert_eq!(over, Some(1.0));
        let crashes = format!("{labels},cause=\"SIGSEGV\"");
        let crashes = bench.value("meterbox_plugin_crashes_total", &crashes);
        assert_eq!(crashes, Some(4.0));
        let rejects = |reason| {
            let labels = format!("{labels},reason=\"{reason}\"");
            bench.value("meterbox_plugin_queue_rejects_total", &labels)
        };
        assert_eq!(
            (rejects("degraded"), rejects("queue_full")),
            (Some(4.0), None)
        );
    }

    #[test]
    fn only_the_states_it_has_been_in_have_a_line_and_one_of_them_is_1() {
        let bench = Bench::new();
        let plugin = bench.telemetry.plugins().plugin("drift");
        plugin.read(&reading(State::Started));
        plugin.read(&reading(State::Quarantined));
        let state = |word| {
            let labels = format!("plugin=\"drift\",state=\"{word}\"");
            bench.value("meterbox_plugin_state", &labels)
        };
        assert_eq!(state("started"), Some(0.0));
        assert_eq!(state("quarantined"), Some(1.0));
        assert_eq!(state("draining"), None);
        assert_eq!(
            bench.value("meterbox_plugin_up", "plugin=\"drift\""),
            Some(0.0)
        );
    }

    #[test]
    fn gauges_of_a_removed_plugin_go_and_its_counters_go_on_when_it_comes_back() {
        let bench = Bench::new();
        let plugins = bench.telemetry.plugins();
        plugins.plugin("drift").read(&reading(State::Started));
        plugins.load_error("drift", "not_elf");
        plugins.show(&BTreeMap::new());
        let labels = "plugin=\"drift\"";
        assert_eq!(bench.value("meterbox_plugin_generation", labels), None);
        let state = "plugin=\"drift\",state=\"started\"";
        assert_eq!(bench.value("meterbox_plugin_state", state), None);
        assert_eq!(
            bench.value("meterbox_plugin_calls_total", labels),
            Some(7.0)
        );
        plugins.plugin("drift").read(&reading(State::Started));
        assert_eq!(bench.value("meterbox_plugin_generation", labels), Some(2.0));
        let error = "plugin=\"drift\",reason=\"not_elf\"";
        assert_eq!(
            bench.value("meterbox_plugin_load_errors_total", error),
            Some(1.0)
        );
    }
}
