//! Models and the workers that run them.

use super::{Row, rows};

/// From a script that is loaded at once to weights that take minutes.
const LOAD_SECONDS: &[f64] = &[
    0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];
const MODEL: &[&str] = &["model_name", "model_version"];
const WORKER: &[&str] = &["model_name", "model_version", "worker"];

rows! {
    /// Versions of models.
    MODEL_VERSIONS = Row::gauge("meterbox_model_versions", "Registered versions of models.");
    /// Workers wanted.
    WORKERS_WANTED = Row::gauge("meterbox_workers_wanted",
        "Workers that a version is scaled to.").labels(MODEL);
    /// Workers that can work.
    WORKERS_READY = Row::gauge("meterbox_workers_ready",
        "Workers that have loaded their model.").labels(MODEL);
    /// One worker.
    WORKER_UP = Row::gauge("meterbox_worker_up",
        "Whether a worker has loaded its model; gone when the worker is scaled down.")
        .labels(WORKER);
    /// Its memory.
    WORKER_MEMORY = Row::gauge("meterbox_worker_resident_memory_bytes",
        "Resident memory of a worker's process.").unit("bytes").labels(WORKER);
    /// Processes started.
    WORKER_STARTS = Row::counter("meterbox_worker_starts_total",
        "Worker processes started.").labels(MODEL);
    /// Processes started again.
    WORKER_RESTARTS = Row::counter("meterbox_worker_restarts_total",
        "Worker processes started in place of one that died.").labels(MODEL);
    /// Processes that died.
    WORKER_DEATHS = Row::counter("meterbox_worker_deaths_total",
        "Worker processes that ended without being told to, by reason.")
        .labels(&["model_name", "model_version", "reason"]);
    /// Time to load.
    LOAD_DURATION = Row::histogram("meterbox_model_load_duration_seconds",
        "Time from the start of a worker's process to its loaded model.", LOAD_SECONDS)
        .unit("seconds").labels(MODEL);
}
