//! The 21 metrics of TorchServe 0.12's default `metrics.yaml`.
//!
//! Names, units and label order are TorchServe's. Counters are float counters because TorchServe's
//! are: `metrics.yaml` may turn any of these into another kind.

use super::{Emitter, Row, rows};
use meterbox_metrics::Kind;

const HOST: &[&str] = &["Level", "Hostname"];
const MODEL: &[&str] = &["model_name", "model_version", "hostname"];
const MODEL_LEVEL: &[&str] = &["ModelName", "Level", "Hostname"];
const DEVICE: &[&str] = &["Level", "DeviceId", "Hostname"];

const fn counter(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    updated: &'static str,
) -> Row {
    Row::torchserve(Kind::FloatCounter, name, unit, labels).updated(updated)
}

const fn gauge(
    name: &'static str,
    unit: &'static str,
    labels: &'static [&'static str],
    updated: &'static str,
) -> Row {
    Row::torchserve(Kind::Gauge, name, unit, labels).updated(updated)
}

const fn system(name: &'static str, unit: &'static str, labels: &'static [&'static str]) -> Row {
    gauge(name, unit, labels, "When metrics are gathered.").emitter(Emitter::System)
}

rows! {
    /// Responses with a 2xx status.
    REQUESTS_2XX = counter("Requests2XX", "Count", HOST,
        "Every response with status 2xx on any listener, scrapes included.");
    /// Responses with a 4xx status.
    REQUESTS_4XX = counter("Requests4XX", "Count", HOST,
        "Every response with status 4xx on any listener, but not the 413 of the size check.");
    /// All other responses.
    REQUESTS_5XX = counter("Requests5XX", "Count", HOST,
        "Every response with neither 2xx nor 4xx on any listener.");
    /// Predictions asked for.
    INFERENCE_REQUESTS = counter("ts_inference_requests_total", "Count", MODEL,
        "Every accepted predict call, before it is queued: those answered with 503 count too.");
    /// Time from arrival to answer.
    INFERENCE_LATENCY = counter("ts_inference_latency_microseconds", "Microseconds", MODEL,
        "Plus the time from arrival to answer, for answers whose batch succeeded.");
    /// Time in the queue.
    QUEUE_LATENCY = counter("ts_queue_latency_microseconds", "Microseconds", MODEL,
        "Plus the time from arrival to dispatch, for answers whose batch succeeded.");
    /// The last time in the queue.
    QUEUE_TIME = gauge("QueueTime", "Milliseconds", HOST,
        "The last time in the queue, in whole milliseconds, for answers whose batch succeeded.");
    /// The last time a worker's thread spent around the worker.
    WORKER_THREAD_TIME = gauge("WorkerThreadTime", "Milliseconds", HOST,
        "After each batch and load: time around it in the server without the worker's own.");
    /// How long a worker took to load its model.
    WORKER_LOAD_TIME = gauge("WorkerLoadTime", "Milliseconds", &["WorkerName", "Level", "Hostname"],
        "When a worker has loaded its model. The series goes when the worker does.");
    /// Processor use.
    CPU_UTILIZATION = system("CPUUtilization", "Percent", HOST);
    /// Memory use.
    MEMORY_UTILIZATION = system("MemoryUtilization", "Percent", HOST);
    /// Use of the root file system.
    DISK_UTILIZATION = system("DiskUtilization", "Percent", HOST);
    /// Memory in use.
    MEMORY_USED = system("MemoryUsed", "Megabytes", HOST);
    /// Memory that can be had.
    MEMORY_AVAILABLE = system("MemoryAvailable", "Megabytes", HOST);
    /// Space in use on the root file system.
    DISK_USAGE = system("DiskUsage", "Gigabytes", HOST);
    /// Space left on the root file system.
    DISK_AVAILABLE = system("DiskAvailable", "Gigabytes", HOST);
    /// Use of a GPU.
    GPU_UTILIZATION = system("GPUUtilization", "Percent", DEVICE);
    /// Use of a GPU's memory.
    GPU_MEMORY_UTILIZATION = system("GPUMemoryUtilization", "Percent", DEVICE);
    /// Memory in use on a GPU.
    GPU_MEMORY_USED = system("GPUMemoryUsed", "Megabytes", DEVICE);
    /// Time in the handler, as the handler says.
    HANDLER_TIME = gauge("HandlerTime", "ms", MODEL_LEVEL,
        "The last value that a handler wrote.").emitter(Emitter::Model);
    /// Time of a batch in the worker, as the worker says.
    PREDICTION_TIME = gauge("PredictionTime", "ms", MODEL_LEVEL,
        "The last value that a worker wrote: the time of a batch in it.").emitter(Emitter::Model);
}

/// Whether a metric is one of these.
pub fn has(name: &str) -> bool {
    ROWS.iter().any(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Set;

    #[test]
    fn there_are_the_21_metrics_of_metrics_yaml_and_all_are_in_this_set() {
        assert_eq!(ROWS.len(), 21);
        assert!(
            ROWS.iter()
                .all(|row| row.set == Set::TorchServe && !row.unit.is_empty())
        );
    }
}
