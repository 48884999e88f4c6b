//! The host as one plugin sees it: log, metrics, gather, timers, models, facts.
//!
//! Permissions and budgets are checked here, before anything is asked of the rest of the host.

use super::house::House;
use super::instruments;
use super::log_budget::LogBudget;
use super::timers::{PERIOD_MIN, TIMERS_MAX, TimerKey};
use crate::plugins::budgets::{Budget, Budgets};
use crate::plugins::options::grants::Grants;
use meterbox_metrics::{LABELS_MAX, Source};
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Clock, Fact, Failure, FamilySpec, HostServices, Level, MetricFamily, Status, Table,
};
use meterbox_plugin_loader::running::{Lane, Running};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What one generation of one plugin is served with.
pub(in crate::plugins) struct Services {
    plugin: String,
    generation: u64,
    source: Source,
    grants: Grants,
    house: Arc<House>,
    log_budget: LogBudget,
    budgets: Arc<Budgets>,
    families_max: usize,
    begin: Instant,
    /// Set once the plugin is in service; until then timers only wait.
    running: Arc<OnceLock<Weak<Running>>>,
    subscribed: Arc<AtomicU64>,
    /// The library may keep its handle on the host long after the plugin is gone.
    closed: AtomicBool,
}

/// What one plugin may spend of the host's services, and where more is counted.
pub(in crate::plugins) struct Budgeted {
    pub(in crate::plugins) counts: Arc<Budgets>,
    pub(in crate::plugins) log_lines_max: u64,
    pub(in crate::plugins) families_max: usize,
}

impl Services {
    pub(in crate::plugins) fn new(
        plugin: &str,
        generation: u64,
        source: Source,
        grants: Grants,
        house: Arc<House>,
        budget: &Budgeted,
    ) -> Self {
        Self {
            plugin: plugin.to_owned(),
            generation,
            source,
            grants,
            house,
            log_budget: LogBudget::new(budget.log_lines_max),
            budgets: budget.counts.clone(),
            families_max: budget.families_max,
            begin: Instant::now(),
            running: Arc::default(),
            subscribed: Arc::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// The plugin is in service as `running`.
    pub(in crate::plugins) fn connect(&self, running: &Arc<Running>) {
        // Connected once, by whoever started the plugin.
        let _ = self.running.set(Arc::downgrade(running));
    }

    /// The plugin leaves service: its timers end, and none starts any more.
    pub(in crate::plugins) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.house.timers.stop_all(&self.plugin, self.generation);
    }

    /// The kinds of event that it wants, as a set of bits.
    pub(in crate::plugins) fn subscribed(&self) -> Arc<AtomicU64> {
        self.subscribed.clone()
    }

    fn need(&self, permission: &str) -> Result<(), Failure> {
        if self.grants.has(permission) {
            return Ok(());
        }
        let text = format!(
            "plugin {0} has no permission {permission}; grant it with plugin.{0}.permissions",
            self.plugin
        );
        Err(Failure::new(Status::DENIED, text))
    }

    fn timer_key(&self, id: u64) -> TimerKey {
        TimerKey {
            plugin: self.plugin.clone(),
            generation: self.generation,
            id,
        }
    }
}

impl GatherSource for Services {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        self.need("metrics.read")
            .map_err(|failure| failure.message)?;
        self.house.gather_page(filter, visitor);
        Ok(())
    }
}

/// Calls a macro of `tracing` by a level that is only known at run time.
macro_rules! at_level {
    ($level:expr, $call:ident) => {
        match $level {
            Level::ERROR => $call!(ERROR),
            Level::WARN => $call!(WARN),
            Level::INFO => $call!(INFO),
            Level::DEBUG => $call!(DEBUG),
            _ => $call!(TRACE),
        }
    };
}

impl HostServices for Services {
    fn log_enabled(&self, level: Level, _target: &str) -> bool {
        macro_rules! enabled {
            ($level:ident) => {
                tracing::enabled!(target: "plugin", tracing::Level::$level)
            };
        }
        at_level!(level, enabled)
    }

    fn log(&self, level: Level, target: &str, message: &str) {
        let dropped = match self.log_budget.take(self.begin.elapsed()) {
            Ok(dropped) => dropped,
            Err(()) => return self.budgets.exceed(Budget::LogLines),
        };
        let plugin = self.plugin.as_str();
        if dropped > 0 {
            tracing::warn!(target: "plugin", plugin, "{dropped} log lines were dropped: too many in one second");
        }
        macro_rules! line {
            ($level:ident) => {
                tracing::event!(target: "plugin", tracing::Level::$level, plugin, module = target, "{message}")
            };
        }
        at_level!(level, line);
    }

    fn register(&self, family: &FamilySpec<'_>) -> Result<MetricFamily, Failure> {
        if !self.budgets.may_register(family.name, self.families_max) {
            let text = format!(
                "plugin {} has {} metrics already, as many as it may; raise plugin_families_max",
                self.plugin, self.families_max
            );
            return Err(Failure::new(Status::LIMIT, text));
        }
        if family.labels.len() > LABELS_MAX {
            // The store refuses it with its sentence.
            self.budgets.exceed(Budget::Labels);
        }
        let registered = instruments::register(&self.source, family)?;
        self.budgets.registered(family.name);
        Ok(registered)
    }

    fn clock(&self, clock: Clock) -> u64 {
        let since = match clock {
            Clock::UNIX => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            _ => self.begin.elapsed(),
        };
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn start_timer(&self, id: u64, period: Duration) -> Result<(), Failure> {
        self.need("timers")?;
        if self.closed.load(Ordering::Acquire) {
            return Err(Failure::new(Status::CLOSED, "the plugin is out of service"));
        }
        if period < PERIOD_MIN {
            let text = format!("a timer's period is at least {} ms", PERIOD_MIN.as_millis());
            return Err(Failure::new(Status::INVALID, text));
        }
        let timers = &self.house.timers;
        if timers.count(&self.plugin, self.generation) >= TIMERS_MAX {
            self.budgets.exceed(Budget::Timers);
            let text = format!("a plugin has at most {TIMERS_MAX} timers");
            return Err(Failure::new(Status::LIMIT, text));
        }
        let running = self.running.clone();
        let busy = Arc::new(AtomicBool::new(false));
        let tick = move || tick(&running, &busy, id);
        timers
            .start(self.timer_key(id), period, Arc::new(tick))
            .map_err(|error| Failure::internal(format!("no thread for timers: {error}")))
    }

    fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        self.house.timers.stop(&self.timer_key(id));
        Ok(())
    }

    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        self.need("events")?;
        self.subscribed.store(kinds.0, Ordering::Relaxed);
        Ok(())
    }

    fn models(&self) -> Result<Table, Failure> {
        self.need("models.read")?;
        Ok(self.house.models())
    }

    fn info(&self, fact: Fact) -> Option<String> {
        let facts = &self.house.facts;
        match fact {
            Fact::PID => Some(std::process::id().to_string()),
            Fact::HOSTNAME => Some(facts.hostname.clone()),
            Fact::UUID => Some(facts.uuid.clone()),
            Fact::VERSION => Some(facts.version.clone()),
            Fact::PLUGIN => Some(self.plugin.clone()),
            Fact::METRIC_SETS => Some(self.house.sets.load().names().join(",")),
            _ => None,
        }
    }
}

/// Hands one tick to the plugin unless it still has the last one; false once the plugin is gone.
fn tick(running: &OnceLock<Weak<Running>>, busy: &Arc<AtomicBool>, id: u64) -> bool {
    let Some(running) = running.get() else {
        return true;
    };
    let Some(running) = running.upgrade() else {
        return false;
    };
    if busy.swap(true, Ordering::AcqRel) {
        return true;
    }
    let free = busy.clone();
    let done = Box::new(move |_: &_| free.store(false, Ordering::Release));
    if running
        .run(Lane::Ordinary, move |object| object.on_timer(id), done)
        .is_err()
    {
        busy.store(false, Ordering::Release);
    }
    true
}
