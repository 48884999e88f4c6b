//! What is in service: who has which route, who collects, who listens, who exports.

use super::exporters::{self, Exporter};
use super::slot::PluginSlot;
use crate::call::claims::{Claimant, Claims, claim};
use crate::call::routes::Routes;
use crate::gather::collectors::Collector;
use crate::options::settings::{Options, series_max};
use crate::served::shared::SharedHost;
use crate::served::subscribers::Subscribers;
use arc_swap::ArcSwap;
use meterbox_plugin_abi::Roles;
use meterbox_plugin_loader::running::{Isolation, Running};
use meterbox_telemetry::plugins::PluginsMetrics;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::watch;

/// The tables in which whoever needs a plugin finds it. They are made anew at every change.
pub(super) struct InService {
    routes: Arc<ArcSwap<Routes>>,
    /// The plugins that may have subscribed to events.
    subscribers: Subscribers,
    exporters: watch::Sender<Arc<Vec<Exporter>>>,
    /// Who collects is kept where metrics are gathered.
    shared: Arc<SharedHost>,
    metrics: PluginsMetrics,
    /// The last lines about routes that a user's plugin took over, to say each once.
    superseded: Mutex<Vec<String>>,
}

impl InService {
    pub(super) fn new(
        shared: Arc<SharedHost>,
        subscribers: Subscribers,
        metrics: PluginsMetrics,
    ) -> Self {
        Self {
            routes: Arc::default(),
            subscribers,
            exporters: watch::Sender::default(),
            shared,
            metrics,
            superseded: Mutex::default(),
        }
    }

    /// The routes as they are now.
    pub(super) fn routes(&self) -> Arc<Routes> {
        self.routes.load_full()
    }

    /// The exporters in service, now and after each change.
    pub(super) fn exporters(&self) -> watch::Receiver<Arc<Vec<Exporter>>> {
        self.exporters.subscribe()
    }

    /// The claims of all plugins in service, with `candidate` in the place of the slot of its index; and
    /// the index of the slot behind each claimant.
    pub(super) fn claims(
        &self,
        slots: &[Arc<PluginSlot>],
        options: &Options,
        candidate: Option<&StartedGeneration<'_>>,
    ) -> (Vec<usize>, Claims) {
        let running = slots.iter().filter_map(|slot| slot.running());
        let all = running.chain(candidate.map(|candidate| candidate.running));
        // A gather waits for collectors, which no thread of the runtime shall do.
        let waits = all
            .map(|running| running.roles())
            .any(|roles| roles.has(Roles::COLLECTOR));
        let mut owners = Vec::new();
        let mut claimants = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let (running, trusted) = match (candidate, &slot.serving) {
                (Some(candidate), _) if candidate.index == index => {
                    (candidate.running, candidate.trusted)
                }
                (_, Some(serving)) => (&serving.running, serving.trusted),
                (_, None) => continue,
            };
            let metadata = &running.origin().metadata;
            let plugin = options.plugin(&metadata.name);
            owners.push(index);
            claimants.push(Claimant {
                running: running.clone(),
                bundled: slot.bundled,
                file_name: slot.file_name(),
                request_limit: plugin.deadline,
                scrape_limit: options.scrape_limit_of(&plugin),
                reply_bytes_max: options.reply_bytes_max(metadata, slot.bundled),
                metrics: self.metrics.plugin(&metadata.name),
                budgets: slot.record.budgets.clone(),
                inline: trusted && running.isolation() == Isolation::Thread && !waits,
            });
        }
        let endpoints = options.settings.metrics.endpoints_enabled;
        (owners, claim(&claimants, endpoints, &self.routes))
    }

    /// Puts in force what these slots have in service.
    pub(super) fn publish(&self, slots: &[Arc<PluginSlot>], options: &Options) {
        let (_, claims) = self.claims(slots, options, None);
        self.put_in_force(claims, slots, options);
    }

    /// As [`InService::publish`], with claims that were made for just these slots: a thousand plugins make
    /// them often enough.
    pub(super) fn put_in_force(
        &self,
        claims: Claims,
        slots: &[Arc<PluginSlot>],
        options: &Options,
    ) {
        let said = std::mem::replace(&mut *self.superseded.lock(), claims.superseded.clone());
        for line in claims.superseded.iter().filter(|line| !said.contains(line)) {
            tracing::info!(target: "plugin", "{line}");
        }
        self.routes.store(Arc::new(claims.routes));
        let collectors = slots.iter().filter_map(|slot| collector(slot, options));
        let gatherer = &self.shared.gatherer;
        gatherer.collectors().set(collectors.collect());
        let subscribed = slots.iter().filter_map(|slot| {
            let subscription = slot.serving.as_ref()?.subscription.clone()?;
            Some((slot.name(), subscription))
        });
        self.subscribers.set(subscribed.collect());
        // Kept for who follows later, too.
        let exporters = exporters::among(slots, options);
        self.exporters.send_replace(Arc::new(exporters));
    }

    /// Nothing is in service any more.
    pub(super) fn clear(&self) {
        self.routes.store(Arc::default());
        self.shared.gatherer.collectors().set(Vec::new());
        self.subscribers.set(Vec::new());
        self.exporters.send_replace(Arc::default());
    }
}

/// A generation that has started and wants the routes of its file.
pub(super) struct StartedGeneration<'a> {
    /// The index of its slot.
    pub(super) index: usize,
    pub(super) running: &'a Arc<Running>,
    pub(super) trusted: bool,
}

fn collector(slot: &PluginSlot, options: &Options) -> Option<Collector> {
    let running = slot.running()?;
    if !running.roles().has(Roles::COLLECTOR) {
        return None;
    }
    let series_max = series_max(&options.plugin(&slot.name()));
    Some(Collector {
        running: running.clone(),
        source: slot.record.source()?,
        budgets: slot.record.budgets.clone(),
        series_max: usize::try_from(series_max).unwrap_or(usize::MAX),
        families_max: options.plugins().families_max,
        calls: Arc::default(),
    })
}
