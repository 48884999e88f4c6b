//! A host in memory: metrics that are kept, a clock that is moved by hand, and a memory of what was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::store::{Held, Store};
use super::{PATIENCE, TestSource, lock};
use crate::codes::{Clock, Fact, Level};
use crate::events::EventKinds;
use crate::gather::spec::FamilySpec;
use crate::gather::{Filter, GatherSource, Visitor};
use crate::host::HostServices;
use crate::metrics::MetricFamily;
use crate::status::{Failure, Status};
use crate::table::{Row, Table};

/// Where the wall clock of a new host stands: 2026-01-01 00:00:00 UTC.
const START_UNIX_SECONDS: u64 = 1_767_225_600;

/// The host. It grants what it is asked for, until it is told to refuse it.
#[derive(Default)]
pub struct FakeHost {
    store: Store,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    now: Duration,
    told: Vec<String>,
    log: Vec<(Level, String)>,
    quiet: bool,
    models: Vec<Row>,
    facts: BTreeMap<u32, String>,
    families: Option<TestSource>,
    subscribed: EventKinds,
    /// Id, period, next time.
    timers: Vec<(u64, Duration, Duration)>,
    refused: BTreeMap<&'static str, Failure>,
    asked: Vec<String>,
}

impl FakeHost {
    /// Refuses an operation from now on, by the name of its method; `gather x` is a gather of `x` alone.
    pub fn refuse(&self, operation: &'static str, failure: Failure) {
        lock(&self.state).refused.insert(operation, failure);
    }

    /// Refuses everything that a server could forbid, for the lack of this permission.
    pub fn deny(&self, permission: &str) {
        let text = format!("permission {permission} is missing");
        for operation in ["gather", "register", "subscribe", "models"] {
            self.refuse(operation, Failure::new(Status::DENIED, text.clone()));
        }
    }

    fn allowed(&self, operation: &str) -> Result<(), Failure> {
        let refused = lock(&self.state).refused.get(operation).cloned();
        refused.map_or(Ok(()), Err)
    }

    /// Knows this fact.
    pub fn set_fact(&self, fact: Fact, text: &str) {
        lock(&self.state).facts.insert(fact.0, text.to_owned());
    }

    /// Has one more model.
    pub fn add_model(&self, model: Row) {
        lock(&self.state).models.push(model);
    }

    /// Shows these families from now on, instead of those that were registered.
    pub fn show(&self, families: TestSource) {
        lock(&self.state).families = Some(families);
    }

    /// Keeps no lines of the log.
    pub fn keep_no_log(&self) {
        lock(&self.state).quiet = true;
    }

    /// The metrics that were registered.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What the series without labels of this name holds.
    #[must_use]
    pub fn held(&self, name: &str) -> Held {
        self.store.held(name, &[]).unwrap_or_default()
    }

    /// The lines of the log.
    #[must_use]
    pub fn log(&self) -> Vec<(Level, String)> {
        lock(&self.state).log.clone()
    }

    /// The lines of the log as `level: text`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |(level, text): (Level, String)| {
            format!("{}: {text}", level.name().unwrap_or("unknown"))
        };
        self.log().into_iter().map(line).collect()
    }

    /// The names of the last gather's filter.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.state).asked.clone()
    }

    /// The kinds of event that were asked for last.
    #[must_use]
    pub fn subscribed(&self) -> EventKinds {
        lock(&self.state).subscribed
    }

    /// Timers that run: id and period.
    #[must_use]
    pub fn timers(&self) -> Vec<(u64, Duration)> {
        let state = lock(&self.state);
        let timers = state.timers.iter();
        timers.map(|(id, period, _)| (*id, *period)).collect()
    }

    /// Moves the clock on and gives the ids of the timers that come round meanwhile, in their order.
    pub fn advance(&self, time: Duration) -> Vec<u64> {
        let mut state = lock(&self.state);
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

    /// Remembers something that happened, for [`FakeHost::wait_told`].
    pub fn tell(&self, what: String) {
        lock(&self.state).told.push(what);
        self.changed.notify_all();
    }

    /// What happened, in order: log lines, timers, and what [`FakeHost::tell`] was given.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        lock(&self.state).told.clone()
    }

    /// Waits until something was told that contains `words`, for the `times`th time.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn wait_told(&self, words: &str, times: usize) -> String {
        let until = Instant::now() + PATIENCE;
        let mut state = lock(&self.state);
        loop {
            let mut found = state.told.iter().filter(|one| one.contains(words));
            if let Some(found) = found.nth(times - 1) {
                return found.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{words:?} was not told {times} times: {:#?}",
                state.told
            );
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

impl GatherSource for FakeHost {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        let of_names = filter.names.iter().map(|name| format!("gather {name}"));
        for operation in of_names.chain(["gather".to_owned()]) {
            self.allowed(&operation)
                .map_err(|failure| failure.message)?;
        }
        let shown = {
            let mut state = lock(&self.state);
            state.asked = filter.names.iter().map(|name| (*name).to_owned()).collect();
            state.families.clone()
        };
        match shown {
            Some(families) => families.gather(filter, visitor),
            None => {
                self.store.gather(filter, visitor);
                Ok(())
            }
        }
    }
}

impl HostServices for FakeHost {
    fn log_enabled(&self, _level: Level, _target: &str) -> bool {
        !lock(&self.state).quiet
    }

    fn log(&self, level: Level, target: &str, message: &str) {
        lock(&self.state).log.push((level, message.to_owned()));
        self.tell(format!("log {target}: {message}"));
    }

    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        self.allowed("register")?;
        self.store.register(family)
    }

    fn clock(&self, clock: Clock) -> u64 {
        let now = lock(&self.state).now.as_nanos() as u64;
        if clock == Clock::UNIX {
            START_UNIX_SECONDS * 1_000_000_000 + now
        } else {
            now
        }
    }

    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        self.allowed("start_timer")?;
        if period.is_zero() {
            let text = "a timer's period is longer than nothing";
            return Err(Failure::new(Status::INVALID, text));
        }
        let mut state = lock(&self.state);
        state.timers.retain(|timer| timer.0 != id);
        let next = state.now + period;
        state.timers.push((id, period, next));
        drop(state);
        self.tell(format!("timer {id} every {period:?}"));
        Ok(())
    }

    fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        self.allowed("stop_timer")?;
        lock(&self.state).timers.retain(|timer| timer.0 != id);
        self.tell(format!("timer {id} stopped"));
        Ok(())
    }

    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        self.allowed("subscribe")?;
        lock(&self.state).subscribed = kinds;
        Ok(())
    }

    fn models(&self) -> Result<Table, Failure> {
        self.allowed("models")?;
        Ok(Table::of(Arc::new(lock(&self.state).models.clone())))
    }

    fn info(&self, fact: Fact) -> Option<String> {
        lock(&self.state).facts.get(&fact.0).cloned()
    }
}
