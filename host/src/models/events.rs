//! What plugins that listen are told about models and workers.

use crate::plugins::Catalog;
use meterbox_plugin_abi::Row;
use meterbox_plugin_abi::events::{self as fields, EventKinds};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

/// The way to the plugins. Before there are any, nobody listens.
#[derive(Clone, Default)]
pub(super) struct Announcer(Arc<OnceLock<Weak<Catalog>>>);

impl Announcer {
    /// From now on, these plugins are told.
    pub(super) fn announce_to(&self, plugins: &Arc<Catalog>) {
        // A second call changes nothing.
        let _ = self.0.set(Arc::downgrade(plugins));
    }

    fn announce(&self, kind: EventKinds, row: impl FnOnce(Row) -> Row) {
        let Some(plugins) = self.0.get().and_then(Weak::upgrade) else {
            return;
        };
        if plugins.has_listeners() {
            plugins.publish_event(kind, &row(now()));
        }
    }
}

/// A row with the time of this moment.
fn now() -> Row {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Row::new().number(
        fields::UNIX_SECONDS,
        since.unwrap_or_default().as_secs_f64(),
    )
}

/// Events of one version.
pub(super) struct VersionEvents {
    announcer: Announcer,
    name: String,
    version: String,
    loaded: AtomicBool,
}

impl VersionEvents {
    pub(super) fn new(announcer: &Announcer, name: &str, version: &str) -> Self {
        Self {
            announcer: announcer.clone(),
            name: name.to_owned(),
            version: version.to_owned(),
            loaded: AtomicBool::new(false),
        }
    }

    fn announce(&self, kind: EventKinds, more: impl FnOnce(Row) -> Row) {
        self.announcer.announce(kind, |row| {
            more(
                row.text(fields::MODEL, &*self.name)
                    .text(fields::MODEL_VERSION, &*self.version),
            )
        });
    }

    pub(super) fn registered(&self) {
        self.announce(EventKinds::MODEL_REGISTERED, |row| row);
    }

    pub(super) fn unregistered(&self) {
        self.announce(EventKinds::MODEL_UNLOADED, |row| row);
    }

    /// A worker takes batches. With the first one the model is loaded.
    pub(super) fn worker_started(&self, worker: u32) {
        if !self.loaded.swap(true, Ordering::Relaxed) {
            self.announce(EventKinds::MODEL_LOADED, |row| row);
        }
        self.announce(EventKinds::WORKER_STARTED, |row| {
            row.text(fields::WORKER, worker.to_string())
        });
    }

    pub(super) fn worker_died(&self, worker: u32, reason: &str) {
        self.announce(EventKinds::WORKER_DIED, |row| {
            row.text(fields::WORKER, worker.to_string())
                .text(fields::REASON, reason)
        });
    }
}
