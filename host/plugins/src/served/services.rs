//! The host as one plugin sees it: log, metrics, gather, timers, models, facts.
//!
//! Permissions and budgets are checked here, before anything is asked of the rest of the host.

use super::instruments;
use super::shared::SharedHost;
use super::timers::{PERIOD_MIN, TIMERS_MAX, TimerKey};
use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use crate::options::permissions::Permissions;
use meterbox_metrics::{LABELS_MAX, Source};
use meterbox_plugin_abi::events::EventKinds;
use meterbox_plugin_abi::gather::{Filter, GatherSource, Visitor};
use meterbox_plugin_abi::{
    Clock, Fact, Failure, FamilySpec, HostServices, Level, MetricFamily, Status, Table,
};
use meterbox_plugin_loader::running::{Lane, Running};
use meterbox_processes::LineBudget;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What the host grants one generation of one plugin.
pub(crate) struct ServiceTerms {
    pub(crate) generation: u64,
    /// Whose its series are.
    pub(crate) source: Source,
    pub(crate) permissions: Permissions,
    /// Where it is counted when it asks for more than it may have.
    pub(crate) budgets: Arc<Budgets>,
    pub(crate) log_lines_max: u64,
    pub(crate) families_max: usize,
}

/// What one generation of one plugin is served with.
pub(crate) struct Services {
    terms: ServiceTerms,
    shared: Arc<SharedHost>,
    log_budget: LineBudget,
    begin: Instant,
    stage: Arc<Mutex<ServiceStage>>,
    subscribed: Arc<AtomicU64>,
}

/// Where the plugin is. Its library may keep its handle on the host long after it is gone.
enum ServiceStage {
    /// It is being made: its timers wait.
    Starting,
    Serving(Weak<Running>),
    Closed,
}

impl Services {
    pub(crate) fn new(terms: ServiceTerms, shared: Arc<SharedHost>) -> Self {
        Self {
            shared,
            log_budget: LineBudget::new(terms.log_lines_max),
            terms,
            begin: Instant::now(),
            stage: Arc::new(Mutex::new(ServiceStage::Starting)),
            subscribed: Arc::default(),
        }
    }

    fn plugin(&self) -> &str {
        self.terms.budgets.plugin()
    }

    /// The plugin has started: its timers tick.
    pub(crate) fn started(&self, running: &Arc<Running>) {
        *self.stage.lock() = ServiceStage::Serving(Arc::downgrade(running));
    }

    /// The plugin leaves service: its timers end, and none starts any more.
    pub(crate) fn close(&self) {
        *self.stage.lock() = ServiceStage::Closed;
        let timers = &self.shared.timers;
        timers.stop_all(self.plugin(), self.terms.generation);
    }

    /// The kinds of event that it wants, as a set of bits.
    pub(crate) fn subscribed(&self) -> Arc<AtomicU64> {
        self.subscribed.clone()
    }

    fn need(&self, permission: &str) -> Result<(), Failure> {
        if self.terms.permissions.has(permission) {
            return Ok(());
        }
        let text = format!(
            "plugin {0} has no permission {permission}; grant it with plugin.{0}.permissions",
            self.plugin()
        );
        Err(Failure::new(Status::DENIED, text))
    }

    fn timer_key(&self, id: u64) -> TimerKey {
        TimerKey {
            plugin: self.plugin().to_owned(),
            generation: self.terms.generation,
            id,
        }
    }
}

impl GatherSource for Services {
    fn gather(&self, filter: &Filter<'_>, visitor: &mut dyn Visitor) -> Result<(), String> {
        self.need("metrics.read")
            .map_err(|failure| failure.message)?;
        self.shared.gatherer.gather_page(filter, visitor);
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
        let Some(dropped) = self.log_budget.take(self.begin.elapsed()) else {
            return self.terms.budgets.exceed(Budget::LogLines);
        };
        let plugin = self.plugin();
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
        if !self
            .terms
            .budgets
            .may_register(family.name, self.terms.families_max)
        {
            let text = format!(
                "plugin {} has {} metrics already, as many as it may; raise plugin_families_max",
                self.plugin(),
                self.terms.families_max
            );
            return Err(Failure::new(Status::LIMIT, text));
        }
        if family.labels.len() > LABELS_MAX {
            // The store refuses it with its sentence.
            self.terms.budgets.exceed(Budget::Labels);
        }
        let registered = instruments::register(&self.terms.source, family)?;
        self.terms.budgets.registered(family.name);
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
        if matches!(*self.stage.lock(), ServiceStage::Closed) {
            return Err(Failure::new(Status::CLOSED, "the plugin is out of service"));
        }
        if period < PERIOD_MIN {
            let text = format!("a timer's period is at least {} ms", PERIOD_MIN.as_millis());
            return Err(Failure::new(Status::INVALID, text));
        }
        let timers = &self.shared.timers;
        if timers.count(self.plugin(), self.terms.generation) >= TIMERS_MAX {
            self.terms.budgets.exceed(Budget::Timers);
            let text = format!("a plugin has at most {TIMERS_MAX} timers");
            return Err(Failure::new(Status::LIMIT, text));
        }
        let stage = self.stage.clone();
        let busy = Arc::new(AtomicBool::new(false));
        let tick = move || tick(&stage, &busy, id);
        timers
            .start(self.timer_key(id), period, Arc::new(tick))
            .map_err(|error| Failure::internal(format!("no thread for timers: {error}")))
    }

    fn stop_timer(&self, id: u64) -> Result<(), Failure> {
        self.shared.timers.stop(&self.timer_key(id));
        Ok(())
    }

    fn subscribe(&self, kinds: EventKinds) -> Result<(), Failure> {
        self.need("events")?;
        self.subscribed.store(kinds.0, Ordering::Relaxed);
        Ok(())
    }

    fn models(&self) -> Result<Table, Failure> {
        self.need("models.read")?;
        Ok(Table::of(Arc::new(self.shared.models.rows())))
    }

    fn info(&self, fact: Fact) -> Option<String> {
        let facts = &self.shared.facts;
        match fact {
            Fact::PID => Some(std::process::id().to_string()),
            Fact::HOSTNAME => Some(facts.hostname.clone()),
            Fact::UUID => Some(facts.uuid.clone()),
            Fact::VERSION => Some(facts.version.clone()),
            Fact::PLUGIN => Some(self.plugin().to_owned()),
            Fact::METRIC_SETS => Some(self.shared.gatherer.sets().names().join(",")),
            _ => None,
        }
    }
}

/// Hands one tick to the plugin unless it still has the last one; false once the plugin is gone.
fn tick(stage: &Mutex<ServiceStage>, busy: &Arc<AtomicBool>, id: u64) -> bool {
    let running = match &*stage.lock() {
        ServiceStage::Starting => return true,
        ServiceStage::Serving(running) => running.upgrade(),
        ServiceStage::Closed => None,
    };
    let Some(running) = running else {
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
