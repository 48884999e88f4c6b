//! What is in service: who has which route, who collects, who listens, and how a generation leaves.

use super::plugins::Catalog;
use super::slot::Slot;
use crate::plugins::call::routes::{Claimant, Claims, claim};
use crate::plugins::gather::collectors::Collector;
use meterbox_plugin_abi::Roles;
use meterbox_plugin_loader::running::{Isolation, Running};
use std::sync::Arc;
use std::time::Duration;

impl Catalog {
    /// The claims of all plugins in service, with `candidate` in the place of slot `index`.
    pub(in crate::plugins) fn claims(
        &self,
        candidate: Option<(usize, &Arc<Running>)>,
    ) -> (Vec<usize>, Claims) {
        let options = self.options();
        let slots = self.slots.lock();
        let running = |slot: &Slot| slot.running.clone();
        let others = slots.iter().filter_map(running);
        let all = others.chain(candidate.map(|(_, running)| running.clone()));
        // A gather waits for collectors, which no thread of the runtime shall do.
        let waits = all
            .map(|running| running.roles())
            .any(|roles| roles.has(Roles::COLLECTOR));
        let mut owners = Vec::new();
        let mut claimants = Vec::new();
        for (index, slot) in slots.iter().enumerate() {
            let running = match candidate {
                Some((at, running)) if at == index => Some(running),
                _ => slot.running.as_ref(),
            };
            let Some(running) = running else { continue };
            let plugin = options.plugin(&running.origin().metadata.name);
            owners.push(index);
            claimants.push(Claimant {
                running: running.clone(),
                bundled: slot.bundled,
                file_name: slot.file_name(),
                request_limit: plugin.deadline.unwrap_or(options.request_limit),
                budgets: slot.budgets.clone(),
                metrics: self
                    .plugins_metrics()
                    .map(|plugins| plugins.plugin(&slot.name())),
                here: slot.trusted && running.isolation() == Isolation::Thread && !waits,
                reply_bytes_max: self.reply_bytes_max(running, slot.bundled),
                scrape_limit: plugin.scrape_deadline.unwrap_or(options.scrape_limit),
            });
        }
        (
            owners,
            claim(&claimants, options.metrics_endpoints, &self.routes),
        )
    }

    /// Puts routes and collectors in force for what is in service now.
    pub(in crate::plugins) fn publish(&self) {
        self.put_in_force(self.claims(None).1);
    }

    /// As [`Catalog::publish`], with claims that were made for just these slots: a thousand plugins make
    /// them often enough.
    pub(in crate::plugins) fn put_in_force(&self, claims: Claims) {
        let said = std::mem::replace(&mut *self.superseded.lock(), claims.superseded.clone());
        for line in claims.superseded.iter().filter(|line| !said.contains(line)) {
            tracing::info!(target: "plugin", "{line}");
        }
        self.routes.store(Arc::new(claims.routes));
        let options = self.options();
        let slots = self.slots.lock();
        let collectors = slots.iter().filter_map(|slot| {
            let running = slot.running.clone()?;
            let source = slot.source.clone()?;
            if !running.roles().has(Roles::COLLECTOR) {
                return None;
            }
            let own = options.plugin(&slot.name());
            let series_max = options.series_max_of(&own);
            Some(Collector {
                running,
                source,
                budgets: slot.budgets.clone(),
                series_max: usize::try_from(series_max).unwrap_or(usize::MAX),
                families_max: options.families_max,
                calls: Arc::default(),
            })
        });
        self.house.collectors.set(collectors.collect());
        let isolated = slots.iter().filter_map(|slot| slot.isolated.clone());
        self.house.isolated.store(Arc::new(isolated.collect()));
        let subscribers = slots.iter().filter_map(|slot| {
            let subscription = slot
                .subscription
                .clone()
                .filter(|_| slot.running.is_some())?;
            Some((slot.name(), subscription))
        });
        self.subscribers.set(subscribers.collect());
        drop(slots);
        self.publish_exporters();
    }

    /// Who may read all metrics may send them all.
    pub(in crate::plugins) fn reply_bytes_max(&self, running: &Running, bundled: bool) -> u64 {
        let metadata = &running.origin().metadata;
        let asks = bundled
            || metadata
                .permissions
                .iter()
                .any(|name| name == "metrics.read");
        let reads = asks && self.grants(&metadata.name, bundled).has("metrics.read");
        if reads {
            self.options().page_bytes_max
        } else {
            self.options().reply_bytes_max
        }
    }
}

/// Takes a slot's generation out of it.
pub(in crate::plugins) fn retire(slot: &mut Slot) -> Option<Arc<Running>> {
    if let Some(services) = slot.services.take() {
        services.close();
    }
    slot.isolated = None;
    slot.running.take()
}

/// Drains on a thread of its own: it may take as long as the slowest client.
pub(in crate::plugins) fn drain_apart(running: Option<Arc<Running>>) {
    let Some(running) = running else { return };
    let apart = running.clone();
    let thread = std::thread::Builder::new().name("plugin-drain".to_owned());
    if thread.spawn(move || drain(&apart, Duration::MAX)).is_err() {
        drain(&running, Duration::MAX);
    }
}

/// Blocks until the plugin has stopped; what is under way may take its own limit, at most `limit`.
pub(in crate::plugins) fn drain(running: &Running, limit: Duration) {
    let plugin = running.origin().metadata.name.as_str();
    match running.drain_within(limit) {
        Ok(()) => tracing::info!(target: "plugin", plugin, "drained and stopped"),
        Err(failure) => tracing::warn!(target: "plugin", plugin, "stopped: {failure}"),
    }
}
