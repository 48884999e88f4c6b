//! Plugins: calls, failures, states.

use super::http::REQUEST_SECONDS;
use super::{Row, rows};

const PLUGIN: &[&str] = &["plugin"];

rows! {
    /// Calls.
    CALLS = Row::observed("meterbox_plugin_calls_total",
        "Calls that were handed to a plugin.").labels(PLUGIN);
    /// Calls that failed.
    ERRORS = Row::observed("meterbox_plugin_errors_total",
        "Calls that failed, panics and timeouts among them.").labels(PLUGIN);
    /// Calls that panicked.
    PANICS = Row::observed("meterbox_plugin_panics_total", "Calls that panicked.").labels(PLUGIN);
    /// Calls that took too long.
    TIMEOUTS = Row::observed("meterbox_plugin_timeouts_total",
        "Calls that took longer than their deadline.").labels(PLUGIN);
    /// Calls refused.
    REJECTS = Row::observed("meterbox_plugin_queue_rejects_total",
        "Calls that did not reach the plugin, by reason.").labels(&["plugin", "reason"]);
    /// How long calls take.
    CALL_DURATION = Row::histogram("meterbox_plugin_call_duration_seconds",
        "Time that the calls of a plugin took.", REQUEST_SECONDS)
        .unit("seconds").labels(PLUGIN);
    /// Threads that do not come back.
    STUCK = Row::gauge("meterbox_plugin_stuck_threads",
        "Threads that are still in a call whose deadline is over.").labels(PLUGIN);
    /// Serving or not.
    UP = Row::gauge("meterbox_plugin_up", "Whether a plugin takes calls; 0 while its process is down.").labels(PLUGIN);
    /// The state it is in.
    STATE = Row::gauge("meterbox_plugin_state",
        "1 for the state that a plugin is in, 0 for those it was in.")
        .labels(&["plugin", "state"]);
    /// Loads so far.
    GENERATION = Row::gauge("meterbox_plugin_generation",
        "How often a plugin was loaded since the start.").labels(PLUGIN);
    /// Memory of its libraries.
    MAPPED = Row::gauge("meterbox_plugin_mapped_bytes",
        "Size of the libraries of all generations, which stay mapped.")
        .unit("bytes").labels(PLUGIN);
    /// Files that could not be used.
    LOAD_ERRORS = Row::counter("meterbox_plugin_load_errors_total",
        "Plugin files that were refused, by reason.").labels(&["plugin", "reason"]);
    /// Series.
    SERIES = Row::gauge("meterbox_plugin_series", "Series that belong to a plugin.").labels(PLUGIN);
    /// Series refused.
    SERIES_DROPPED = Row::observed("meterbox_plugin_series_dropped_total",
        "Series of a plugin that were refused because of a limit.").labels(PLUGIN);
    /// Processes that ended as they should not.
    CRASHES = Row::observed("meterbox_plugin_crashes_total",
        "Crashes of a plugin's own process, by cause.").labels(&["plugin", "cause"]);
    /// Processes started again.
    RESTARTS = Row::observed("meterbox_plugin_restarts_total",
        "How often a plugin's own process was started again after a crash.").labels(PLUGIN);
    /// Memory of its process.
    MEMORY = Row::gauge("meterbox_plugin_memory_bytes",
        "Memory that a plugin's own process holds.").unit("bytes").labels(PLUGIN);
    /// Asked for too much.
    OVER_BUDGET = Row::observed("meterbox_plugin_over_budget_total",
        "How often a plugin asked for more than it may have, by budget.")
        .labels(&["plugin", "budget"]);
    /// Events it missed.
    EVENTS_DROPPED = Row::counter("meterbox_plugin_events_dropped_total",
        "Events that a plugin was too slow to take.").labels(PLUGIN);
    /// Whether a collector had something to show.
    COLLECTOR_SUCCESS = Row::gauge("meterbox_collector_success",
        "Whether a collector plugin showed its metrics at the last gather.").labels(PLUGIN);
    /// How long it took.
    COLLECTOR_DURATION = Row::gauge("meterbox_collector_duration_seconds",
        "Time that a collector plugin took at the last gather.").unit("seconds").labels(PLUGIN);
}
