//! What listeners are told about models and workers.

use meterbox_plugin_abi::Row;
use meterbox_plugin_abi::events::{self as fields, EventKinds};
use meterbox_telemetry::unix_seconds;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes the events of models, on their way to whoever listens.
pub trait EventSink: Send + Sync + 'static {
    /// Whether anybody wants events of this kind: if not, none is made.
    fn wants(&self, kind: EventKinds) -> bool;

    /// Takes an event. Never waits.
    fn take(&self, kind: EventKinds, event: &Row);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy)]
pub struct NoListeners;

impl EventSink for NoListeners {
    fn wants(&self, _: EventKinds) -> bool {
        false
    }

    fn take(&self, _: EventKinds, _: &Row) {}
}

/// The way to the listeners.
#[derive(Clone)]
pub(super) struct Events(Arc<dyn EventSink>);

impl Events {
    pub(super) fn to(sink: Arc<dyn EventSink>) -> Self {
        Self(sink)
    }

    /// Publishes what `fill` adds to a row that has the time of this moment.
    pub(super) fn publish(&self, kind: EventKinds, fill: impl FnOnce(Row) -> Row) {
        if self.0.wants(kind) {
            self.0.take(kind, &fill(now()));
        }
    }
}

fn now() -> Row {
    Row::new().number(fields::UNIX_SECONDS, unix_seconds())
}

/// Events of one version.
pub(super) struct VersionEvents {
    events: Events,
    name: String,
    version: String,
    loaded: AtomicBool,
}

impl VersionEvents {
    pub(super) fn new(events: &Events, name: &str, version: &str) -> Self {
        Self {
            events: events.clone(),
            name: name.to_owned(),
            version: version.to_owned(),
            loaded: AtomicBool::new(false),
        }
    }

    fn publish(&self, kind: EventKinds, more: impl FnOnce(Row) -> Row) {
        self.events.publish(kind, |row| {
            more(
                row.text(fields::MODEL, &*self.name)
                    .text(fields::MODEL_VERSION, &*self.version),
            )
        });
    }

    pub(super) fn registered(&self) {
        self.publish(EventKinds::MODEL_REGISTERED, |row| row);
    }

    pub(super) fn unregistered(&self) {
        self.publish(EventKinds::MODEL_UNLOADED, |row| row);
    }

    /// A worker takes batches. With the first one the model is loaded.
    pub(super) fn worker_started(&self, worker: u32) {
        if !self.loaded.swap(true, Ordering::Relaxed) {
            self.publish(EventKinds::MODEL_LOADED, |row| row);
        }
        self.publish(EventKinds::WORKER_STARTED, |row| {
            row.text(fields::WORKER, worker.to_string())
        });
    }

    pub(super) fn worker_died(&self, worker: u32, reason: &str) {
        self.publish(EventKinds::WORKER_DIED, |row| {
            row.text(fields::WORKER, worker.to_string())
                .text(fields::REASON, reason)
        });
    }
}
