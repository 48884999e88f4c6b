//! Exports: what exporter plugins pushed, and what became of it.

use super::{Row, rows};

const PLUGIN: &[&str] = &["plugin"];

rows! {
    /// Pushes made.
    PUSHES = Row::counter("meterbox_export_pushes_total",
        "Pushes that an exporter handed over for delivery.").labels(PLUGIN);
    /// Pushes delivered.
    DELIVERED = Row::counter("meterbox_export_delivered_total",
        "Pushes that were delivered.").labels(PLUGIN);
    /// Their bytes.
    BYTES = Row::counter("meterbox_export_delivered_bytes_total",
        "Bytes of the bodies of pushes that were delivered.").unit("bytes").labels(PLUGIN);
    /// Attempts after the first.
    RETRIES = Row::counter("meterbox_export_retries_total",
        "Attempts to deliver a push that had to be repeated.").labels(PLUGIN);
    /// Pushes given up.
    DROPPED = Row::counter("meterbox_export_dropped_total",
        "Pushes that were dropped, by reason.").labels(&["plugin", "reason"]);
    /// Exporters that did not come back with pushes.
    FAILURES = Row::counter("meterbox_export_failures_total",
        "Times that an exporter could not be asked or failed, by reason.")
        .labels(&["plugin", "reason"]);
    /// Pushes that wait.
    QUEUE_LENGTH = Row::gauge("meterbox_export_queue_length",
        "Pushes that wait for delivery.").labels(PLUGIN);
    /// Their bytes.
    QUEUE_BYTES = Row::gauge("meterbox_export_queue_bytes",
        "Bytes of the pushes that wait for delivery.").unit("bytes").labels(PLUGIN);
    /// The last delivery.
    LAST_SUCCESS = Row::gauge("meterbox_export_last_success_timestamp_seconds",
        "When a push of an exporter was last delivered, in Unix time.")
        .unit("seconds").labels(PLUGIN);
}
