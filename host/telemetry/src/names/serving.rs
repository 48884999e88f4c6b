//! Predictions, from the request to the answer.

use super::{Row, rows};

/// From half a millisecond to a minute: model code is slow as often as it is fast.
pub const PREDICTION_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
const BATCH_SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
const MODEL: &[&str] = &["model_name", "model_version"];

rows! {
    /// Predictions answered.
    PREDICTIONS = Row::counter("meterbox_predictions_total",
        "Predictions answered, by class of status.")
        .labels(&["model_name", "model_version", "code"]);
    /// Time to answer them.
    PREDICTION_DURATION = Row::histogram("meterbox_prediction_duration_seconds",
        "Time from arrival to answer, failed predictions included.", PREDICTION_SECONDS)
        .unit("seconds").labels(&["model_name", "model_version", "code"]);
    /// Time in the queue.
    QUEUE_DURATION = Row::histogram("meterbox_prediction_queue_duration_seconds",
        "Time from arrival to dispatch to a worker.", PREDICTION_SECONDS)
        .unit("seconds").labels(MODEL);
    /// Time in the worker.
    WORKER_DURATION = Row::histogram("meterbox_prediction_worker_duration_seconds",
        "Time from dispatch to the worker's reply.", PREDICTION_SECONDS)
        .unit("seconds").labels(MODEL);
    /// Time in the handler.
    HANDLER_DURATION = Row::histogram("meterbox_handler_duration_seconds",
        "Time in the handler, from the HandlerTime lines of model code.", PREDICTION_SECONDS)
        .unit("seconds").labels(MODEL);
    /// Size of batches.
    BATCH_SIZE = Row::histogram("meterbox_batch_size",
        "Predictions that were sent to a worker at once.", BATCH_SIZES).labels(MODEL);
    /// Predictions under way.
    IN_FLIGHT = Row::gauge("meterbox_predictions_in_flight",
        "Predictions that wait or are worked on.").labels(MODEL);
    /// Predictions waiting.
    QUEUE_DEPTH = Row::gauge("meterbox_prediction_queue_depth",
        "Predictions that wait for a worker: the value to scale by.").labels(MODEL);
    /// Room for them.
    QUEUE_LIMIT = Row::gauge("meterbox_prediction_queue_limit",
        "Predictions that may wait before more are refused.").labels(MODEL);
    /// Predictions refused.
    REFUSED = Row::counter("meterbox_predictions_refused_total",
        "Predictions refused before they were queued, by reason.")
        .labels(&["model_name", "model_version", "reason"]);
    /// Predictions that nobody waited for.
    DROPPED = Row::counter("meterbox_predictions_dropped_total",
        "Predictions given up without an answer, by reason.")
        .labels(&["model_name", "model_version", "reason"]);
}
