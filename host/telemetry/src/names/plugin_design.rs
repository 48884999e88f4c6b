//! The five metrics of TorchServe's metrics plugin design (pull request 722, never merged).
//!
//! The misspelling `reponse` is theirs, and so are buckets that were meant for seconds.

use super::{Emitter, Row, rows};
use meterbox_metrics::Kind;

const MODEL: &[&str] = &["uuid", "model_name", "model_version"];

rows! {
    /// Predictions asked for.
    INFERENCE_REQUESTS = Row::plugin_design(Kind::Counter, "ts_inference_requests_total",
        "Total number of inference requests.", MODEL)
        .unit("Count")
        .updated("Every accepted predict call, before it is queued.");
    /// Memory in use.
    MEMORY_USED = Row::plugin_design(Kind::Gauge, "memory_used", "System Memory used", &["uuid"])
        .unit("Megabytes")
        .emitter(Emitter::System)
        .updated("When metrics are gathered.");
    /// Time from arrival to answer.
    BACKEND_LATENCY = Row::plugin_design(Kind::Histogram, "ts_backend_reponse_latency_milliseconds",
        "histogram of Backend response duration in milliseconds", MODEL)
        .unit("Milliseconds")
        .updated("The time from arrival to the worker's reply, queue included, for answers whose batch succeeded.");
    /// Time in the queue.
    QUEUE_LATENCY = Row::plugin_design(Kind::Histogram, "ts_queue_latency_milliseconds",
        "Cumulative Queue duration in milliseconds", MODEL)
        .unit("Milliseconds")
        .updated("The time in the queue, in whole milliseconds, for answers whose batch succeeded.");
    /// Time in the handler.
    HANDLER_LATENCY = Row::plugin_design(Kind::Histogram, "ts_handler_latency_milliseconds",
        "Cumulative Handler execution duration in milliseconds", MODEL)
        .unit("Milliseconds")
        .updated("Every HandlerTime line of a worker; `model_version` is always `default`.");
}
