//! Runs every collector plugin when metrics are gathered, in parallel, under one deadline; requests that
//! wait for the same call share it.
//!
//! A collector that fails or is late costs its own families and nothing else:
//! `meterbox_collector_success` says so on the very page it is missing from.

use super::collected::{Collected, OwnedFamily};
use super::shared_calls::{SharedCall, SharedCalls};
use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use arc_swap::ArcSwap;
use meterbox_metrics::{Descriptor, FamilyOf, Gauge, Kind, Reason, Source};
use meterbox_plugin_abi::gather::Filter;
use meterbox_plugin_abi::{Failure, PluginObject};
use meterbox_plugin_loader::running::{
    Ended, Lane, Reject, RejectReason, Running, Ticket, call_deadline,
};
use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The part of a call's time that collectors may have; the rest is for the page.
const SHARE_OF_CALL: f64 = 0.75;

thread_local! {
    /// Set while a collector of this thread runs: what it gathers itself has no collectors in it.
    static COLLECTING: Cell<bool> = const { Cell::new(false) };
}

/// All collector plugins in service.
pub(crate) struct Collectors {
    list: ArcSwap<Vec<Collector>>,
    success: FamilyOf<Gauge>,
    duration: FamilyOf<Gauge>,
    limit: Duration,
}

/// One collector plugin in service.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) running: Arc<Running>,
    /// Whose what it shows is, and where refusals are counted.
    pub(crate) source: Source,
    pub(crate) budgets: Arc<Budgets>,
    /// Series that it may show.
    pub(crate) series_max: usize,
    /// Families likewise.
    pub(crate) families_max: usize,
    /// Its calls, none at first.
    pub(crate) calls: Arc<Calls>,
}

/// Calls of one collector; there is none in the place of one that it did not take.
pub(crate) type Calls = SharedCalls<Option<StartedCall>>;

impl Collector {
    fn name(&self) -> &str {
        &self.running.origin().metadata.name
    }

    /// Whether it has families that `filter` wants, as far as it says which it has.
    fn may_show(&self, filter: &Filter<'_>) -> bool {
        let families = &self.running.origin().metadata.families;
        families.is_empty() || filter.wants_any(families)
    }
}

/// A call that a collector took.
pub(crate) struct StartedCall {
    plugin: String,
    source: Source,
    budgets: Arc<Budgets>,
    ticket: Ticket,
    begin: Instant,
    kept: Arc<Mutex<Option<Collected>>>,
    /// What it showed, once that is known.
    shown: OnceLock<CollectedFamilies>,
}

/// What a collector showed, for all who asked.
pub(super) type CollectedFamilies = Arc<[OwnedFamily]>;

impl Collectors {
    /// `source` is the host's own; all collectors together may take `limit`.
    pub(crate) fn new(
        source: &Source,
        limit: Duration,
    ) -> Result<Self, meterbox_metrics::RegisterError> {
        let gauge = |name: &str, help: &str| {
            let descriptor = Descriptor::new(Kind::Gauge, name, help);
            source.family::<Gauge>(&descriptor.labels(&["plugin"]).set("meterbox"))
        };
        Ok(Self {
            list: ArcSwap::default(),
            success: gauge(
                "meterbox_collector_success",
                "Whether a collector plugin showed its metrics at the last gather.",
            )?,
            duration: gauge(
                "meterbox_collector_duration_seconds",
                "Time that a collector plugin took at the last gather.",
            )?,
            limit,
        })
    }

    /// From now on these and no others.
    pub(crate) fn set(&self, list: Vec<Collector>) {
        let gone = self.list.swap(Arc::new(list));
        let list = self.list.load();
        let stays = |name: &str| list.iter().any(|collector| collector.name() == name);
        for name in gone.iter().map(Collector::name).filter(|name| !stays(name)) {
            self.success.remove(&[name]);
            self.duration.remove(&[name]);
        }
    }

    /// Asks all of them; blocks until the last is done or the limit is over. Nothing of what it gives
    /// was read before.
    pub(super) fn collect(&self, filter: &Filter<'_>) -> Vec<CollectedFamilies> {
        let list = self.list.load();
        if list.is_empty() || COLLECTING.get() {
            return Vec::new();
        }
        let names: Arc<[String]> = filter.names.iter().map(|name| (*name).to_owned()).collect();
        let asked = Instant::now();
        let until = asked + self.limit();
        let joined: Vec<_> = list
            .iter()
            .filter(|collector| collector.may_show(filter))
            .map(|collector| (collector, collector.calls.join(&names)))
            .collect();
        for (collector, call) in &joined {
            call.wait_turn(asked, |before, begin| {
                if let Some(before) = before {
                    before.ticket.ended_by(begin.min(until));
                }
            });
            let start = || self.start(collector, &names);
            collector.calls.begin(call, start);
        }
        joined
            .iter()
            .filter_map(|(_, call)| self.finish(call, until))
            .collect()
    }

    /// What collectors may take now: all together less than the call that asks for them.
    fn limit(&self) -> Duration {
        let left = call_deadline().map(|until| until.saturating_duration_since(Instant::now()));
        left.map_or(self.limit, |left| {
            self.limit.min(left.mul_f64(SHARE_OF_CALL))
        })
    }

    fn start(&self, collector: &Collector, names: &Arc<[String]>) -> Option<StartedCall> {
        let started = self.submit(collector, names).or_else(|reject| {
            // Replaced a moment ago: the new generation has its name.
            let list = self.list.load();
            let is_next = |other: &&Collector| {
                !Arc::ptr_eq(&other.running, &collector.running) && other.name() == collector.name()
            };
            match (reject.reason, list.iter().find(is_next)) {
                (RejectReason::Stopped, Some(next)) => self.submit(next, names),
                _ => Err(reject),
            }
        });
        if started.is_err() {
            self.note(collector.name(), false, Duration::ZERO);
        }
        started.ok()
    }

    fn submit(&self, collector: &Collector, names: &Arc<[String]>) -> Result<StartedCall, Reject> {
        let source = collector.source.clone();
        let kept: Arc<Mutex<Option<Collected>>> = Arc::default();
        let (slot, names) = (kept.clone(), names.clone());
        let mut collected =
            Collected::new(collector.series_max, collector.families_max, source.clone());
        let work = move |object: &PluginObject| -> Result<(), Failure> {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            COLLECTING.set(true);
            let result = object.collect(&Filter { names: &names }, &mut collected);
            COLLECTING.set(false);
            *slot.lock() = Some(collected);
            result
        };
        let begin = Instant::now();
        let ticket = collector
            .running
            .run(Lane::Scrape, work, Box::new(|_| {}))?;
        Ok(StartedCall {
            plugin: collector.name().to_owned(),
            source,
            budgets: collector.budgets.clone(),
            ticket,
            begin,
            kept,
            shown: OnceLock::new(),
        })
    }

    /// What the collector shows to one of those who share the call; none when it does not in time.
    fn finish(
        &self,
        call: &SharedCall<Option<StartedCall>>,
        until: Instant,
    ) -> Option<CollectedFamilies> {
        let started = call.get().as_ref()?;
        let ended = match started.ticket.ended_by(until) {
            Some(ended) => ended,
            // Nobody waits for it any more.
            None if call.leave() => started.ticket.wait(Duration::ZERO),
            None => {
                self.note(&started.plugin, false, started.begin.elapsed());
                return None;
            }
        };
        let shown = started.shown.get_or_init(|| self.ended(started, ended));
        Some(shown.clone())
    }

    fn ended(&self, started: &StartedCall, ended: Ended) -> CollectedFamilies {
        let StartedCall {
            plugin,
            source,
            budgets,
            begin,
            kept,
            ..
        } = started;
        let success = ended == Ended::Returned(Ok(()));
        self.note(plugin, success, begin.elapsed());
        match ended {
            Ended::Returned(Err(failure)) => {
                tracing::warn!(target: "plugin", plugin, "collector failed: {failure}");
            }
            Ended::Expired => {
                budgets.exceed(Budget::CallTime);
                let seconds = begin.elapsed().as_secs_f64();
                tracing::warn!(target: "plugin", plugin, "collector was not done after {seconds:.1} s");
            }
            Ended::Returned(Ok(())) | Ended::Discarded => {}
        }
        // What was shown before a failure stays on the page; a late collector has shown nothing yet.
        let Some(collected) = kept.lock().take() else {
            return Arc::default();
        };
        if !collected.refused.is_empty() {
            let refused = collected.refused.len();
            let first = collected.refused[0];
            tracing::warn!(target: "plugin", plugin, "{refused} collected series or families refused, the first for {first:?}");
            for reason in collected.refused {
                match reason {
                    Reason::FamilyLimit => budgets.exceed(Budget::Families),
                    Reason::LabelCount => budgets.exceed(Budget::Labels),
                    _ => {}
                }
                source.count_drop(reason);
            }
        }
        collected.families.into()
    }

    fn note(&self, plugin: &str, success: bool, took: Duration) {
        let values = [plugin];
        // One series per plugin name; a refusal is counted by the store.
        let _ = self.success.set(&values, f64::from(u8::from(success)));
        let _ = self.duration.set(&values, took.as_secs_f64());
    }
}
