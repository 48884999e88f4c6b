//! Runs every collector plugin when metrics are gathered, in parallel, under one deadline.
//!
//! A collector that fails or is late costs its own families and nothing else:
//! `meterbox_collector_success` says so on the very page it is missing from.

use super::collected::{Collected, OwnedFamily};
use arc_swap::ArcSwap;
use meterbox_metrics::{Descriptor, FamilyOf, Gauge, Kind, Source};
use meterbox_plugin_abi::gather::Filter;
use meterbox_plugin_abi::{Failure, PluginObject};
use meterbox_plugin_loader::running::{
    Ended, Lane, Reject, RejectReason, Running, Ticket, call_deadline,
};
use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The part of a call's time that collectors may have; the rest is for the page.
const SHARE_OF_CALL: f64 = 0.75;

thread_local! {
    /// Set while a collector of this thread runs: what it gathers itself has no collectors in it.
    static COLLECTING: Cell<bool> = const { Cell::new(false) };
}

/// All collector plugins in service.
pub(super) struct Collectors {
    list: ArcSwap<Vec<Arc<Running>>>,
    success: FamilyOf<Gauge>,
    duration: FamilyOf<Gauge>,
    limit: Duration,
    series_max: usize,
}

struct Started {
    plugin: String,
    ticket: Ticket,
    begin: Instant,
    kept: Arc<Mutex<Option<Collected>>>,
}

impl Collectors {
    /// `source` is the host's own; all collectors together may take `limit`, each may show
    /// `series_max` series.
    pub(super) fn new(
        source: &Source,
        limit: Duration,
        series_max: usize,
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
            series_max,
        })
    }

    /// From now on these and no others.
    pub(super) fn set(&self, list: Vec<Arc<Running>>) {
        let gone = self.list.swap(Arc::new(list));
        let list = self.list.load();
        let stays = |name: &str| list.iter().any(|running| plugin_name(running) == name);
        for name in gone
            .iter()
            .map(|running| plugin_name(running))
            .filter(|name| !stays(name))
        {
            self.success.remove(&[name]);
            self.duration.remove(&[name]);
        }
    }

    /// Asks all of them; blocks until the last is done or the limit is over.
    pub(super) fn collect(&self, filter: &Filter<'_>) -> Vec<OwnedFamily> {
        let list = self.list.load();
        if list.is_empty() || COLLECTING.get() {
            return Vec::new();
        }
        let names: Arc<[String]> = filter.names.iter().map(|name| (*name).to_owned()).collect();
        let until = Instant::now() + self.limit();
        let started: Vec<Started> = list
            .iter()
            .filter_map(|running| self.start(running, &names))
            .collect();
        started
            .into_iter()
            .flat_map(|started| self.finish(started, until))
            .collect()
    }

    /// What collectors may take now: all together less than the call that asks for them.
    fn limit(&self) -> Duration {
        let left = call_deadline().map(|until| until.saturating_duration_since(Instant::now()));
        left.map_or(self.limit, |left| {
            self.limit.min(left.mul_f64(SHARE_OF_CALL))
        })
    }

    fn start(&self, running: &Arc<Running>, names: &Arc<[String]>) -> Option<Started> {
        let started = self.submit(running, names).or_else(|reject| {
            // Replaced a moment ago: the new generation has its name.
            let list = self.list.load();
            let mut others = list.iter().filter(|other| !Arc::ptr_eq(other, running));
            let next = others.find(|other| plugin_name(other) == plugin_name(running));
            match (reject.reason, next) {
                (RejectReason::Stopped, Some(next)) => self.submit(next, names),
                _ => Err(reject),
            }
        });
        if started.is_err() {
            self.note(plugin_name(running), false, Duration::ZERO);
        }
        started.ok()
    }

    fn submit(&self, running: &Arc<Running>, names: &Arc<[String]>) -> Result<Started, Reject> {
        let plugin = plugin_name(running).to_owned();
        let kept: Arc<Mutex<Option<Collected>>> = Arc::default();
        let (slot, names) = (kept.clone(), names.clone());
        let mut collected = Collected::new(self.series_max);
        let work = move |object: &PluginObject| -> Result<(), Failure> {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            COLLECTING.set(true);
            let result = object.collect(&Filter { names: &names }, &mut collected);
            COLLECTING.set(false);
            *slot.lock() = Some(collected);
            result
        };
        let begin = Instant::now();
        let ticket = running.run(Lane::Scrape, work, Box::new(|_| {}))?;
        Ok(Started {
            plugin,
            ticket,
            begin,
            kept,
        })
    }

    fn finish(&self, started: Started, until: Instant) -> Vec<OwnedFamily> {
        let Started {
            plugin,
            ticket,
            begin,
            kept,
        } = started;
        let ended = ticket.wait(until.saturating_duration_since(Instant::now()));
        let success = ended == Ended::Returned(Ok(()));
        self.note(&plugin, success, begin.elapsed());
        match ended {
            Ended::Returned(Err(failure)) => {
                tracing::warn!(target: "plugin", plugin, "collector failed: {failure}");
            }
            Ended::Expired => {
                let seconds = begin.elapsed().as_secs_f64();
                tracing::warn!(target: "plugin", plugin, "collector was not done after {seconds:.1} s");
            }
            Ended::Returned(Ok(())) | Ended::Discarded => {}
        }
        let Some(collected) = kept.lock().take().filter(|_| success) else {
            return Vec::new();
        };
        if collected.dropped > 0 {
            let dropped = collected.dropped;
            tracing::warn!(target: "plugin", plugin, "{dropped} collected series were dropped: over the limit, or their columns differ in length");
        }
        collected.families
    }

    fn note(&self, plugin: &str, success: bool, took: Duration) {
        let values = [plugin];
        // One series per plugin name; a refusal is counted by the store.
        let _ = self.success.set(&values, f64::from(u8::from(success)));
        let _ = self.duration.set(&values, took.as_secs_f64());
    }
}

fn plugin_name(running: &Running) -> &str {
    &running.origin().metadata.name
}
