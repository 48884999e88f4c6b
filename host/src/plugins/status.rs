//! What the catalog tells about each plugin.

use super::slot::Slot;
use meterbox_plugin_abi::Listener;
use meterbox_plugin_loader::running::{Counts, Isolation, State};
use std::path::PathBuf;
use std::time::SystemTime;

/// One plugin at one moment.
#[derive(Debug, Clone)]
pub struct PluginStatus {
    /// Its name; the file's while the plugin could not be read.
    pub name: String,
    /// Its version; empty while unknown.
    pub version: String,
    /// The plugin API it was built against; empty while unknown.
    pub api: String,
    /// One sentence; may be empty.
    pub description: String,
    /// Where it is in its life.
    pub state: State,
    /// How often its file was loaded.
    pub generation: u64,
    /// Since when it stands as it does.
    pub since: SystemTime,
    /// Where its code runs.
    pub isolation: Isolation,
    /// Its file.
    pub path: PathBuf,
    /// Whether it was shipped with the host.
    pub bundled: bool,
    /// Digest of its file; none while it could not be read.
    pub sha256: Option<String>,
    /// What it does.
    pub roles: Vec<&'static str>,
    /// Where it answers.
    pub endpoints: Vec<EndpointStatus>,
    /// Its counters.
    pub counts: Counts,
    /// Threads that did not come back in time.
    pub stuck_threads: usize,
    /// The last refusal or failure.
    pub last_error: Option<String>,
    /// Code of the last refusal.
    pub last_reason: Option<&'static str>,
    /// Series that belong to it.
    pub series: usize,
    /// Bytes of its libraries of all generations, which stay mapped.
    pub mapped_bytes: u64,
}

/// One route of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Where it is served.
    pub listener: Listener,
    /// Its first path segment.
    pub pattern: String,
    /// Methods it answers; empty for any.
    pub methods: Vec<&'static str>,
}

pub(super) fn of(slot: &Slot) -> PluginStatus {
    let running = slot.running.as_ref();
    let metadata = slot.metadata.as_ref();
    let name = slot.name();
    let failure = running.and_then(|running| running.last_error());
    let refusal = slot.last_refusal.as_ref();
    PluginStatus {
        version: metadata.map_or_else(String::new, |metadata| metadata.version.clone()),
        api: metadata.map_or_else(String::new, |metadata| metadata.api.clone()),
        description: metadata.map_or_else(String::new, |metadata| metadata.description.clone()),
        name,
        state: slot.state(),
        generation: slot.generation,
        since: slot.since,
        isolation: Isolation::Thread,
        path: slot.path(),
        bundled: slot.bundled,
        sha256: slot.sha256.clone(),
        roles: running.map_or_else(Vec::new, |running| running.roles().names()),
        endpoints: running.map_or_else(Vec::new, |running| {
            let routes = running.routes().iter();
            let endpoint = |route: &meterbox_plugin_abi::Route| EndpointStatus {
                listener: route.listener,
                pattern: route.pattern.clone(),
                methods: route.methods.list(),
            };
            routes.map(endpoint).collect()
        }),
        counts: slot.tally.counts(),
        stuck_threads: running.map_or(0, |running| running.stuck_threads()),
        last_error: refusal.map(|refusal| refusal.text.clone()).or(failure),
        last_reason: refusal.map(|refusal| refusal.reason.code()),
        series: slot.source.as_ref().map_or(0, |source| source.series_len()),
        mapped_bytes: slot.mapped_bytes,
    }
}
