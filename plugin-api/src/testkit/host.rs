//! The host in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use meterbox_plugin_abi as abi;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Clock, Fact, Failure, FamilySpec, HostServices, Level, MetricFamily, Row, Status, Table,
};

use super::store::Store;
use crate::host::{Host, Model};

/// Where the wall clock of a new test host stands: 2026-01-01 00:00:00 UTC.
const START_UNIX_SECONDS: u64 = 1_767_225_600;

/// A host for tests. A clone is the same host.
#[derive(Clone)]
pub struct TestHost {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    state: Mutex<State>,
}

struct State {
    now: Duration,
    log: Vec<(Level, String)>,
    models: Vec<Model>,
    sets: Vec<String>,
    subscribed: EventKinds,
    /// Id, period, next time.
    timers: Vec<(u64, Duration, Duration)>,
    denied: Option<String>,
}

impl Default for TestHost {
    fn default() -> Self {
        let state = State {
            now: Duration::ZERO,
            log: Vec::new(),
            models: Vec::new(),
            sets: ["meterbox", "torchserve", "torchserve-plugin"]
                .map(str::to_owned)
                .to_vec(),
            subscribed: EventKinds(0),
            timers: Vec::new(),
            denied: None,
        };
        Self {
            shared: Arc::new(Shared {
                store: Store::default(),
                state: Mutex::new(state),
            }),
        }
    }
}

impl TestHost {
    /// A host without metrics and models, at 2026-01-01 00:00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The host as a plugin sees it, for tests of parts of a plugin.
    #[must_use]
    pub fn host(&self) -> Host {
        Host::new(self.border())
    }

    /// The host as it crosses the border.
    pub(super) fn border(&self) -> abi::Host {
        abi::Host::of(self.shared.clone())
    }

    /// The value of a sample as a page would show it: a counter or gauge by its name, a histogram or
    /// summary by `name_count` and `name_sum`; labels in any order.
    #[must_use]
    pub fn value(&self, sample: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.shared.store.value(sample, labels)
    }

    /// The lines that were logged so far, with their level's name.
    #[must_use]
    pub fn log_lines(&self) -> Vec<String> {
        let line = |(level, text): &(Level, String)| {
            format!("{}: {text}", level.name().unwrap_or("unknown"))
        };
        self.shared.state().log.iter().map(line).collect()
    }

    /// Adds a model version to what [`Host::models`] gives.
    pub fn add_model(&self, model: Model) {
        self.shared.state().models.push(model);
    }

    /// Chooses the name sets that [`Host::metric_sets`] gives.
    pub fn set_metric_sets(&self, sets: &[&str]) {
        self.shared.state().sets = sets.iter().map(|set| (*set).to_owned()).collect();
    }

    /// From now on everything that a server could forbid is denied for the lack of this permission.
    pub fn deny(&self, permission: &str) {
        self.shared.state().denied = Some(permission.to_owned());
    }

    /// The kinds of event that the plugin asked for.
    #[must_use]
    pub fn subscribed(&self) -> EventKinds {
        self.shared.state().subscribed
    }

    /// The host's wall clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.host().now()
    }

    /// Moves the clock on and gives the ids of the timers that come round meanwhile, in their order, for
    /// [`TestPlugin::on_timer`].
    pub fn advance(&self, time: Duration) -> Vec<u64> {
        let mut state = self.shared.state();
        let end = state.now + time;
        let mut due = Vec::new();
        while let Some(timer) = state
            .timers
            .iter_mut()
            .filter(|timer| timer.2 <= end)
            .min_by_key(|timer| timer.2)
        {
            due.push(timer.0);
            timer.2 += timer.1;
        }
        state.now = end;
        due
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn allowed(&self) -> std::result::Result<(), Failure> {
        match &self.state().denied {
            None => Ok(()),
            Some(permission) => Err(Failure::new(
                Status::DENIED,
                format!("permission {permission} is missing"),
            )),
        }
    }
}

impl GatherSource for Shared {
    fn gather(
        &self,
        filter: &Filter<'_>,
        visitor: &mut dyn Visitor,
    ) -> std::result::Result<(), String> {
        self.allowed().map_err(|failure| failure.message)?;
        self.store.gather(filter, visitor);
        Ok(())
    }
}

impl HostServices for Shared {
    fn log_enabled(&self, _level: Level, _target: &str) -> bool {
        true
    }

    fn log(&self, level: Level, _target: &str, message: &str) {
        self.state().log.push((level, message.to_owned()));
    }

    fn register(&self, family: &FamilySpec<'_>) -> std::result::Result<MetricFamily, Failure> {
        self.allowed()?;
        self.store.register(family)
    }

    fn clock(&self, clock: Clock) -> u64 {
        let now = self.state().now.as_nanos() as u64;
        if clock == Clock::UNIX {
            START_UNIX_SECONDS * 1_000_000_000 + now
        } else {
            now
        }
    }

    fn start_timer(&self, id: u64, period: Duration) -> std::result::Result<(), Failure> {
        if period.is_zero() {
            return Err(Failure::new(
                Status::INVALID,
                "a timer's period is longer than nothing",
            ));
        }
        let mut state = self.state();
        state.timers.retain(|timer| timer.0 != id);
        let next = state.now + period;
        state.timers.push((id, period, next));
        Ok(())
    }

    fn stop_timer(&self, id: u64) -> std::result::Result<(), Failure> {
        self.state().timers.retain(|timer| timer.0 != id);
        Ok(())
    }

    fn subscribe(&self, kinds: EventKinds) -> std::result::Result<(), Failure> {
        self.allowed()?;
        self.state().subscribed = kinds;
        Ok(())
    }

    fn models(&self) -> std::result::Result<Table, Failure> {
        use abi::models as field;
        self.allowed()?;
        let row = |model: &Model| {
            Row::new()
                .text(field::NAME, &model.name)
                .text(field::VERSION, &model.version)
                .number(field::IS_DEFAULT, f64::from(u8::from(model.is_default)))
                .number(field::WORKERS_READY, f64::from(model.workers_ready))
                .number(field::WORKERS_MIN, f64::from(model.workers_min))
                .number(field::WORKERS_MAX, f64::from(model.workers_max))
                .number(field::QUEUE_LEN, f64::from(model.queue_len))
        };
        let rows: Vec<Row> = self.state().models.iter().map(row).collect();
        Ok(Table::of(Arc::new(rows)))
    }

    fn info(&self, fact: Fact) -> Option<String> {
        match fact {
            Fact::PID => Some("1".to_owned()),
            Fact::HOSTNAME => Some("testhost".to_owned()),
            Fact::UUID => Some("00000000-0000-4000-8000-000000000000".to_owned()),
            Fact::VERSION => Some(env!("CARGO_PKG_VERSION").to_owned()),
            Fact::PLUGIN => Some("test".to_owned()),
            Fact::METRIC_SETS => Some(self.state().sets.join(",")),
            _ => None,
        }
    }
}
