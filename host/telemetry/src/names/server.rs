//! The server as a whole.

use super::{Row, rows};

rows! {
    /// Which build this is.
    BUILD = Row::gauge("meterbox_build_info", "Always 1; the labels say which build this is.")
        .labels(&["version", "revision", "rustc"]);
    /// Whether it takes requests.
    READY = Row::gauge("meterbox_ready", "Whether the server takes requests.");
    /// Whether management is open to the network.
    INSECURE = Row::gauge("meterbox_insecure_listener",
        "1 if management is reachable from other machines without a token.");
    /// The last reload.
    RELOAD_SUCCESSFUL = Row::gauge("meterbox_config_last_reload_successful",
        "Whether the last reload of the configuration was taken.");
    /// When it was.
    RELOAD_TIME = Row::gauge("meterbox_config_last_reload_success_timestamp_seconds",
        "When the configuration in force was read, in Unix time.").unit("seconds");
    /// Reloads so far.
    RELOADS = Row::counter("meterbox_config_reloads_total",
        "Reloads of the configuration, by result.").labels(&["result"]);
    /// What went wrong.
    FAULTS = Row::counter("meterbox_faults_total",
        "Faults that the server survived, by kind.").labels(&["kind"]);
    /// What was dropped.
    DROPPED = Row::observed("meterbox_dropped_samples_total",
        "Samples, lines and series that were refused or dropped, by source and reason.")
        .labels(&["source", "reason"]);
    /// Series.
    SERIES = Row::gauge("meterbox_series", "Series in the store; a histogram is one.");
    /// Families.
    METRICS = Row::gauge("meterbox_metrics", "Metrics (families of series) in the store.");
}
