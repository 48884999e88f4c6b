//! One generation of one plugin in service: created, started, called, drained, stopped.
//!
//! Everything the plugin does happens on its own threads; what is here runs on the caller's and only
//! waits where it says so. Which generation serves a route is not known here.

use super::breaker::{BreakerSettings, BreakerState};
use super::call_state::{Ended, Hook, Lane};
use super::clock::Clock;
use super::counters::{CallCounters, RejectReason};
use super::deadline::within;
use super::permit::{CallGate, CallVerdict, Permit, Reject};
use super::pool::{Pool, PoolSettings, Work};
use super::reply::{UnderWay, WatchedSink};
use super::state::{Isolation, State};
use super::supervisor::{Outage, Supervisor};
use super::ticket::Ticket;
use crate::load::{Loaded, Origin};
use meterbox_plugin_abi::{
    Failure, Host, PluginObject, Reply, ReplySink, Request, Roles, Route, Status,
};
use meterbox_plugin_files::{Reason, Refusal};
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When it is worth asking again while all threads of an isolated plugin are stuck.
const STUCK_RETRY: Duration = Duration::from_secs(1);

/// So many stuck threads end a plugin's service.
const STUCK_MAX: usize = 4;
/// Answers under way of a plugin that was replaced or removed.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);

/// How one plugin is supervised.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Its threads and queue.
    pub pool: PoolSettings,
    /// When calls are kept away from it.
    pub breaker: BreakerSettings,
    /// Creation, start hook and the listing of routes together may take this long.
    pub start_limit: Duration,
    /// Its stop hook may take this long.
    pub stop_limit: Duration,
    /// Answers under way may take this long after it was replaced or removed.
    pub drain_limit: Duration,
}

impl Settings {
    /// What the configuration says, and the rest as usual.
    #[must_use]
    pub fn new(
        threads_max: usize,
        queue_len_max: usize,
        start_limit: Duration,
        stop_limit: Duration,
    ) -> Self {
        Self {
            pool: PoolSettings {
                threads_max,
                queue_len_max,
                stuck_max: STUCK_MAX,
            },
            breaker: BreakerSettings::default(),
            start_limit,
            stop_limit,
            drain_limit: DRAIN_LIMIT,
        }
    }
}

/// What a plugin said once it was started.
#[derive(Debug, Clone)]
struct PluginFacts {
    roles: Roles,
    routes: Vec<Route>,
}

/// One plugin in service.
pub struct Running {
    origin: Arc<Origin>,
    supervisor: Option<Arc<dyn Supervisor>>,
    facts: PluginFacts,
    settings: Settings,
    object: RwLock<Option<Arc<PluginObject>>>,
    pool: Pool,
    call_gate: Arc<CallGate>,
    under_way: Arc<UnderWay>,
    phase: Mutex<InstancePhase>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InstancePhase {
    Serving,
    Draining,
    Stopped,
}

impl Running {
    /// Creates and starts a plugin on a thread of its own; blocks until that is done.
    ///
    /// `config` is a JSON object; `counters` outlives the generation.
    ///
    /// # Errors
    /// [`Reason::Create`] or [`Reason::Start`].
    pub fn start(
        loaded: &Loaded,
        host: Host,
        config: &str,
        settings: Settings,
        clock: Arc<dyn Clock>,
        counters: Arc<CallCounters>,
    ) -> Result<Arc<Self>, Refusal> {
        let (module, config) = (loaded.clone(), config.to_owned());
        let create = move || module.create(host, &config);
        Self::start_with(
            loaded.origin().clone(),
            create,
            None,
            settings,
            clock,
            counters,
        )
    }

    /// As [`Running::start`], for a plugin that `create` makes: with a `supervisor`, one that runs in
    /// a process of its own.
    ///
    /// # Errors
    /// As there.
    pub fn start_with(
        origin: Arc<Origin>,
        create: impl FnOnce() -> Result<PluginObject, Failure> + Send + 'static,
        supervisor: Option<Arc<dyn Supervisor>>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        counters: Arc<CallCounters>,
    ) -> Result<Arc<Self>, Refusal> {
        let pool = Pool::new(&origin.metadata.name, settings.pool);
        let begun = begin(create, &pool, settings.start_limit);
        let (object, facts) = begun.map_err(|refusal| refusal.at(&origin.path))?;
        Ok(Arc::new(Self {
            origin,
            supervisor,
            facts,
            settings,
            object: RwLock::new(Some(Arc::new(object))),
            pool,
            call_gate: Arc::new(CallGate::new(settings.breaker, clock, counters)),
            under_way: Arc::default(),
            phase: Mutex::new(InstancePhase::Serving),
        }))
    }

    /// The library behind it.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where its code runs.
    pub fn isolation(&self) -> Isolation {
        match self.supervisor {
            Some(_) => Isolation::Process,
            None => Isolation::Thread,
        }
    }

    /// Why its process takes no calls now; none while it does, and for a plugin in this process.
    pub fn outage(&self) -> Option<Outage> {
        let supervisor = self.supervisor.as_ref()?;
        supervisor.outage().or_else(|| {
            // A thread of this process would never come back; a process is killed in the end.
            self.pool.is_lost().then(|| Outage {
                quarantined: false,
                sentence: "has only calls that passed their deadline; its process is ended soon"
                    .to_owned(),
                retry_after: STUCK_RETRY,
            })
        })
    }

    /// What it does.
    pub fn roles(&self) -> Roles {
        self.facts.roles
    }

    /// Its routes, as it listed them after creation.
    pub fn routes(&self) -> &[Route] {
        &self.facts.routes
    }

    /// Its counters.
    pub fn counters(&self) -> &Arc<CallCounters> {
        &self.call_gate.counters
    }

    /// Threads that have not come back from a call whose deadline passed.
    pub fn stuck_threads(&self) -> usize {
        self.pool.stuck()
    }

    /// What it last failed with, if it ever did.
    pub fn last_error(&self) -> Option<String> {
        self.call_gate.last_error()
    }

    /// Answers that are not finished yet.
    pub fn answers_under_way(&self) -> usize {
        self.under_way.count()
    }

    /// Where it is.
    pub fn state(&self) -> State {
        match *self.phase.lock() {
            InstancePhase::Draining => return State::Draining,
            InstancePhase::Stopped => return State::Stopped,
            InstancePhase::Serving => {}
        }
        if self.supervisor.is_none() && self.pool.is_lost() {
            self.call_gate.quarantine();
        }
        if let Some(outage) = self.outage() {
            return outage.state();
        }
        match self.call_gate.breaker_state() {
            BreakerState::Closed => State::Started,
            BreakerState::Open => State::Degraded,
            BreakerState::Quarantined => State::Quarantined,
        }
    }

    /// Hands one request to the plugin. The answer goes to `sink`, now or later, from any thread.
    /// `until` is what [`call_deadline`](super::call_deadline) says during the call.
    ///
    /// The caller keeps the deadline: it calls [`Ticket::expire`] when the time is over, closes its
    /// sink and answers itself.
    ///
    /// # Errors
    /// A [`Reject`], counted; `sink` was not touched.
    pub fn call(
        &self,
        lane: Lane,
        route: u32,
        request: Request,
        sink: Box<dyn ReplySink>,
        until: Option<Instant>,
    ) -> Result<Ticket, Reject> {
        let (object, permit) = self.admit()?;
        let permit = Arc::new(permit);
        let watched = WatchedSink {
            sink,
            permit: permit.clone(),
            _under_way: self.under_way.enter(),
            server_error: false,
        };
        let work: Work = Box::new(move || {
            let (responder, watch) = Reply::over(Box::new(watched));
            let result = within(until, || object.call(route, request, responder));
            watch.returned(&result);
            result
        });
        // A call that returned well is judged by its answer, which may come later.
        self.submit(lane, work, self.hook(permit, None))
    }

    /// Hands one request to the plugin on the caller's own thread and returns when the plugin does.
    ///
    /// No deadline can end such a call: it is for plugins that are trusted like the host itself, and
    /// for answers that are short. The answer goes to `sink`, now or later, from any thread.
    ///
    /// # Errors
    /// A [`Reject`], counted; `sink` was not touched.
    pub fn call_here(
        &self,
        route: u32,
        request: Request,
        sink: Box<dyn ReplySink>,
    ) -> Result<(), Reject> {
        let (object, permit) = self.admit()?;
        let permit = Arc::new(permit);
        let watched = WatchedSink {
            sink,
            permit: permit.clone(),
            _under_way: self.under_way.enter(),
            server_error: false,
        };
        self.call_gate.counters.call();
        let (responder, watch) = Reply::over(Box::new(watched));
        let result = object.call(route, request, responder);
        watch.returned(&result);
        self.hook(permit, None)(&Ended::Returned(result));
        Ok(())
    }

    /// Runs `work` with the plugin on one of its threads: collecting, events, timers, exports.
    ///
    /// `done` is told once how it ended, on the thread where it ended.
    ///
    /// # Errors
    /// A [`Reject`], counted.
    pub fn run(
        &self,
        lane: Lane,
        work: impl FnOnce(&PluginObject) -> Result<(), Failure> + Send + 'static,
        done: Hook,
    ) -> Result<Ticket, Reject> {
        let (object, permit) = self.admit()?;
        let work: Work = Box::new(move || work(&object));
        self.submit(lane, work, self.hook(Arc::new(permit), Some(done)))
    }

    /// Takes it out of service: no new calls, those under way may finish, then its stop hook, then
    /// its object goes. Blocks for at most the three limits; a second call returns at once.
    ///
    /// # Errors
    /// What the stop hook said, or that it or an answer took too long. It is stopped all the same.
    pub fn drain(&self) -> Result<(), Failure> {
        self.drain_within(self.settings.drain_limit)
    }

    /// As [`Running::drain`], but what is under way may take no longer than `limit`.
    ///
    /// # Errors
    /// As there.
    pub fn drain_within(&self, limit: Duration) -> Result<(), Failure> {
        {
            let mut phase = self.phase.lock();
            if *phase != InstancePhase::Serving {
                return Ok(());
            }
            *phase = InstancePhase::Draining;
        }
        let begin = Instant::now();
        let limit = limit.min(self.settings.drain_limit);
        let drained = self.under_way.wait_none(limit)
            && self.pool.wait_quiet(limit.saturating_sub(begin.elapsed()));
        let stopped = self.stop();
        self.pool.close();
        *self.phase.lock() = InstancePhase::Stopped;
        if !drained {
            let text = format!("calls were still under way after {} s", limit.as_secs_f64());
            return Err(Failure::new(Status::TIMEOUT, text));
        }
        stopped
    }

    fn stop(&self) -> Result<(), Failure> {
        let Some(object) = self.object.write().take() else {
            return Ok(());
        };
        let limit = self.settings.stop_limit;
        let work: Work = Box::new(move || {
            let result = object.stop(limit);
            // Dropped here, on a thread of its own; the border catches its panic.
            drop(object);
            result
        });
        let Ok(ticket) = Ticket::submit(&self.pool, Lane::Scrape, work, Box::new(|_| {})) else {
            return Err(Failure::internal("no thread was left for the stop hook"));
        };
        match ticket.wait(limit) {
            Ended::Returned(result) => result,
            Ended::Expired | Ended::Discarded => {
                let text = format!("the stop hook took more than {} s", limit.as_secs_f64());
                Err(Failure::new(Status::TIMEOUT, text))
            }
        }
    }

    fn admit(&self) -> Result<(Arc<PluginObject>, Permit), Reject> {
        if *self.phase.lock() != InstancePhase::Serving {
            return Err(self.call_gate.reject(RejectReason::Stopped, None));
        }
        if self.supervisor.is_none() && self.pool.is_lost() {
            self.call_gate.quarantine();
        }
        if let Some(outage) = self.outage() {
            let retry_after = Some(outage.retry_after);
            return Err(self.call_gate.reject(outage.reason(), retry_after));
        }
        let permit = self.call_gate.admit()?;
        match self.object.read().clone() {
            Some(object) => Ok((object, permit)),
            None => Err(self.call_gate.reject(RejectReason::Stopped, None)),
        }
    }

    fn submit(&self, lane: Lane, work: Work, hook: Hook) -> Result<Ticket, Reject> {
        match Ticket::submit(&self.pool, lane, work, hook) {
            Ok(ticket) => {
                self.call_gate.counters.call();
                Ok(ticket)
            }
            Err(reason) => Err(self.call_gate.reject(reason, None)),
        }
    }

    /// Judges a call by its end; without `done`, success is left to the answer.
    fn hook(&self, permit: Arc<Permit>, done: Option<Hook>) -> Hook {
        let call_gate = self.call_gate.clone();
        Box::new(move |ended| {
            match ended {
                Ended::Expired => {
                    call_gate.counters.timeout();
                    call_gate.note("a call took longer than its deadline".to_owned());
                    permit.settle(CallVerdict::Failed);
                }
                Ended::Returned(Err(failure)) if failure.status == Status::CLOSED => {}
                Ended::Returned(Err(failure)) => {
                    if failure.status == Status::PANICKED {
                        call_gate.counters.panic();
                    }
                    let failed = failure.status.http() >= 500;
                    if failed {
                        call_gate.note(failure.message.clone());
                    }
                    permit.settle(if failed {
                        CallVerdict::Failed
                    } else {
                        CallVerdict::Good
                    });
                }
                Ended::Returned(Ok(())) if done.is_some() => permit.settle(CallVerdict::Good),
                Ended::Returned(Ok(())) | Ended::Discarded => {}
            }
            if let Some(done) = done {
                done(ended);
            }
        })
    }
}

type StartOutcome = Result<(PluginObject, PluginFacts), Refusal>;

/// Creates, starts and asks, in one job under one limit.
fn begin(
    create: impl FnOnce() -> Result<PluginObject, Failure> + Send + 'static,
    pool: &Pool,
    limit: Duration,
) -> StartOutcome {
    let begun: Arc<Mutex<Option<StartOutcome>>> = Arc::default();
    let slot = begun.clone();
    let work: Work = Box::new(move || {
        let outcome = create_and_start(create);
        *slot.lock() = Some(outcome);
        Ok(())
    });
    let ticket = Ticket::submit(pool, Lane::Scrape, work, Box::new(|_| {}))
        .map_err(|_| Refusal::new(Reason::Start, "no thread could be started for it"))?;
    let ended = ticket.wait(limit);
    // A start that comes back later finds nobody, and its object is dropped with the slot.
    let outcome = begun.lock().take();
    match (ended, outcome) {
        (Ended::Returned(_), Some(outcome)) => outcome,
        (Ended::Returned(Err(failure)), None) => Err(not_created(&failure)),
        _ => {
            let text = format!("its start took more than {} s", limit.as_secs_f64());
            Err(Refusal::new(Reason::Start, text))
        }
    }
}

fn create_and_start(create: impl FnOnce() -> Result<PluginObject, Failure>) -> StartOutcome {
    let object = create().map_err(|failure| not_created(&failure))?;
    let routes = object
        .routes()
        .map_err(|failure| hook_failed("list of routes", &failure))?;
    let facts = PluginFacts {
        roles: object.roles(),
        routes,
    };
    object
        .start()
        .map_err(|failure| hook_failed("start hook", &failure))?;
    Ok((object, facts))
}

fn not_created(failure: &Failure) -> Refusal {
    if failure.status == Status::CRASHED {
        // A process of its own has died of it, be it of loading or of creating.
        return Refusal::new(Reason::ProbeCrashed, failure.message.clone());
    }
    let how = if failure.status == Status::PANICKED {
        "panicked"
    } else {
        "failed"
    };
    Refusal::new(
        Reason::Create,
        format!("its constructor {how}: {}", failure.message),
    )
}

fn hook_failed(what: &str, failure: &Failure) -> Refusal {
    let how = if failure.status == Status::PANICKED {
        "panicked"
    } else {
        "failed"
    };
    Refusal::new(
        Reason::Start,
        format!("its {what} {how}: {}", failure.message),
    )
}

#[cfg(test)]
mod tests;
