//! How a generation leaves: what is under way is finished, then the plugin stops.

use meterbox_plugin_loader::running::Running;
use std::sync::Arc;
use std::time::Duration;

/// Drains each on a thread of its own: it may take as long as the slowest client.
pub(super) fn drain_apart(retired: impl IntoIterator<Item = Arc<Running>>) {
    for running in retired {
        let apart = running.clone();
        let thread = std::thread::Builder::new().name("plugin-drain".to_owned());
        if thread.spawn(move || drain(&apart, Duration::MAX)).is_err() {
            drain(&running, Duration::MAX);
        }
    }
}

/// Blocks until the plugin has stopped; what is under way may take its own limit, at most `limit`.
pub(super) fn drain(running: &Running, limit: Duration) {
    let plugin = running.origin().metadata.name.as_str();
    match running.drain_within(limit) {
        Ok(()) => tracing::info!(target: "plugin", plugin, "drained and stopped"),
        Err(failure) => tracing::warn!(target: "plugin", plugin, "stopped: {failure}"),
    }
}
