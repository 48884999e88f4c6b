//! `GET /models/{model}[/{version}]`: what a model is, and how its workers are.
//!
//! **Source:** fields and their order are TorchServe 0.12's. Memory is that of this moment.

use super::fields::Fields;
use crate::api::errors;
use crate::services::Services;
use meterbox_calendar::rfc3339;
use meterbox_http::{ApiError, Class, Outcome, Params, Reply, Request};
use meterbox_models::{Input, JobAnswer, Version, WorkerReport};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    model_name: String,
    model_version: String,
    model_url: String,
    runtime: &'static str,
    min_workers: u32,
    max_workers: u32,
    batch_size: u32,
    max_batch_delay: u32,
    response_timeout: u32,
    startup_timeout: u32,
    max_retry_timeout_in_sec: u32,
    client_timeout_in_mills: u32,
    parallel_type: &'static str,
    parallel_level: u32,
    device_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    device_ids: Vec<u32>,
    continuous_batching: bool,
    use_job_ticket: bool,
    use_venv: bool,
    stateful: bool,
    #[serde(rename = "sequenceMaxIdleMSec")]
    sequence_max_idle_ms: u32,
    #[serde(rename = "sequenceTimeoutMSec")]
    sequence_timeout_ms: u32,
    max_num_sequence: u32,
    max_sequence_job_queue_size: u32,
    loaded_at_startup: bool,
    workers: Vec<WorkerItem>,
    job_queue_status: QueueItem,
    #[serde(skip_serializing_if = "Option::is_none")]
    customized_metadata: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkerItem {
    id: String,
    start_time: String,
    status: &'static str,
    memory_usage: u64,
    pid: u32,
    gpu: bool,
    gpu_usage: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueueItem {
    remaining_capacity: usize,
    pending_requests: usize,
}

pub(super) async fn describe(services: Arc<Services>, request: Request, params: Params) -> Outcome {
    let (name, version) = (params.get("model"), params.find("version"));
    let models = &services.models;
    let found = match version {
        Some("all") => models.versions(name),
        version => models.find(name, version).map(|found| vec![found]),
    };
    let found = found.map_err(|error| errors::repository(&error))?;
    let customized = Fields::Query(&request.query)
        .bool("customized")
        .unwrap_or(false);
    let mut descriptions = Vec::with_capacity(found.len());
    for one in found {
        let metadata = match customized {
            true => Some(ask(&one, version, &request).await?),
            false => None,
        };
        descriptions.push(of(&one, metadata));
    }
    let reply = Reply::json(&descriptions);
    // This one goes through the worker, where answers have no phrase.
    Ok(if customized {
        reply.with_phrase("")
    } else {
        reply
    })
}

/// What the handler says about the model; an empty object if it says nothing in JSON.
async fn ask(found: &Version, named: Option<&str>, request: &Request) -> Result<Value, ApiError> {
    let headers = vec![("describe".to_owned(), "True".to_owned())];
    let input = Input {
        headers,
        parameters: Vec::new(),
    };
    let ticket = found.describe(request.id.to_string(), input).map_err(|_| {
        let version = named.map_or_else(String::new, |version| format!(" Version {version}\""));
        ApiError::new(
            Class::SERVICE_UNAVAILABLE,
            format!(
                "Model \"{}\"{version} has no worker to serve describe request. Please use scale \
                 workers API to add workers.",
                found.name()
            ),
        )
    })?;
    match ticket.answer().await {
        JobAnswer::Failed(failure) => {
            Err(ApiError::internal(failure.message).with_status(failure.code))
        }
        JobAnswer::Whole(prediction) | JobAnswer::Stream(prediction, _) => {
            let said = serde_json::from_slice::<Value>(&prediction.body).ok();
            let said = said.filter(|value| value.is_object() || value.is_array());
            Ok(said.unwrap_or_else(|| Value::Object(Map::new())))
        }
    }
}

fn of(version: &Version, customized_metadata: Option<Value>) -> Description {
    let settings = version.settings();
    let (min_workers, max_workers) = version.workers_wanted();
    let waiting = version.waiting();
    Description {
        model_name: version.name().to_owned(),
        model_version: version.version().to_owned(),
        model_url: version.url().to_owned(),
        runtime: version.runtime().word(),
        min_workers,
        max_workers,
        batch_size: settings.batch_size,
        max_batch_delay: settings.max_batch_delay_ms,
        response_timeout: settings.response_timeout_s,
        startup_timeout: settings.startup_timeout_s,
        max_retry_timeout_in_sec: settings.retry_timeout_s,
        client_timeout_in_mills: settings.client_timeout_ms,
        parallel_type: "",
        parallel_level: 0,
        device_type: if settings.gpus.is_empty() {
            "cpu"
        } else {
            "gpu"
        },
        device_ids: settings.gpus.clone(),
        continuous_batching: false,
        use_job_ticket: settings.use_job_ticket,
        use_venv: false,
        stateful: false,
        sequence_max_idle_ms: 0,
        sequence_timeout_ms: 0,
        max_num_sequence: 0,
        max_sequence_job_queue_size: 0,
        loaded_at_startup: version.loaded_at_start(),
        workers: version.workers().iter().map(worker).collect(),
        job_queue_status: QueueItem {
            remaining_capacity: (settings.jobs_max as usize).saturating_sub(waiting),
            pending_requests: waiting,
        },
        customized_metadata,
    }
}

fn worker(report: &WorkerReport) -> WorkerItem {
    WorkerItem {
        id: report.id.to_string(),
        start_time: rfc3339(report.started),
        status: if report.ready { "READY" } else { "UNLOADING" },
        memory_usage: report.resident_bytes.unwrap_or(0),
        pid: report.pid.unwrap_or(0),
        gpu: report.gpu.is_some(),
        gpu_usage: "N/A",
    }
}
