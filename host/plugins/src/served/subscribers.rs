//! The plugins that listen to events, as those see them who publish events.

use super::subscription::Subscription;
use arc_swap::ArcSwap;
use meterbox_plugin_abi::Row;
use meterbox_plugin_abi::events::EventKinds;
use meterbox_telemetry::plugins::PluginsMetrics;
use std::sync::Arc;

/// A plugin by its name, and what it has subscribed to.
type NamedSubscription = (String, Arc<Subscription>);

/// All subscribers of a catalog. Cheap to clone; clones share one list.
#[derive(Clone)]
pub struct Subscribers {
    subscriptions: Arc<ArcSwap<Vec<NamedSubscription>>>,
    metrics: PluginsMetrics,
}

impl Subscribers {
    /// Nobody listens yet; `metrics` will show what they are too slow for.
    #[must_use]
    pub fn counted_in(metrics: PluginsMetrics) -> Self {
        Self {
            subscriptions: Arc::default(),
            metrics,
        }
    }

    /// From now on these listen, by name, and no others.
    pub(crate) fn set(&self, subscriptions: Vec<NamedSubscription>) {
        self.subscriptions.store(Arc::new(subscriptions));
    }

    /// Whether any plugin has subscribed to this kind of event.
    #[must_use]
    pub fn want(&self, kind: EventKinds) -> bool {
        let subscriptions = self.subscriptions.load();
        subscriptions.iter().any(|(_, one)| one.wants(kind))
    }

    /// Tells an event to every plugin that subscribed to its kind. Never waits.
    pub fn publish(&self, kind: EventKinds, event: &Row) {
        for (name, subscription) in self.subscriptions.load().iter() {
            let dropped = subscription.publish(kind, event);
            if dropped > 0 {
                self.metrics.plugin(name).events_dropped(dropped);
            }
        }
    }
}
