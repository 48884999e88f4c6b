//! `POST /models`: register an archive of the store.
//!
//! **Source:** parameters, defaults and texts are TorchServe 0.12's; a JSON body that cannot be read is
//! described in our own words.

use super::fields::Fields;
use crate::api::errors;
use crate::services::Services;
use meterbox_http::{ApiError, Outcome, Params, Reply, Request};
use meterbox_models::archive::Runtime;
use meterbox_models::{Models, Registered, Scaled, WORKERS_MAX, Wishes};
use std::sync::Arc;

pub(super) async fn register(services: Arc<Services>, request: Request, _: Params) -> Outcome {
    if !services.models.api_enabled() {
        return Err(ApiError::method_not_allowed(&["GET"]));
    }
    let content_type = request.header("content-type").unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    let fields = if essence.eq_ignore_ascii_case("application/json") {
        Fields::of_json(&request.body)?
    } else {
        Fields::Query(&request.query)
    };
    run(&services.models, &fields).await
}

async fn run(models: &Models, fields: &Fields<'_>) -> Outcome {
    let url = fields
        .text("url")
        .ok_or_else(|| ApiError::bad_request("Parameter url is required."))?;
    let url = url.into_owned();
    let runtime =
        match fields.set("runtime") {
            None => None,
            Some(word) => Some(Runtime::find(&word).ok_or_else(|| {
                ApiError::bad_request(format!("Invalid RuntimeType value: {word}"))
            })?),
        };
    let initial_workers = fields.number("initial_workers", 0);
    if initial_workers.is_some_and(|workers| workers > WORKERS_MAX) {
        let text = format!("initial_workers cannot be more than {WORKERS_MAX}.");
        return Err(ApiError::bad_request(text));
    }
    let wishes = Wishes {
        model_name: fields.set("model_name"),
        handler: fields.set("handler"),
        runtime,
        batch_size: fields.number("batch_size", 1),
        max_batch_delay: fields.number("max_batch_delay", 0),
        initial_workers,
        response_timeout: fields.number("response_timeout", 1),
        startup_timeout: fields.number("startup_timeout", 1),
    };
    let wait = fields.bool("synchronous").unwrap_or(true);
    let registered = models.register(url, wishes, wait).await;
    registered
        .map(|done| reply(&done))
        .map_err(|error| errors::register(&error))
}

fn reply(registered: &Registered) -> Reply {
    let version = &registered.version;
    let workers = version.settings().min_workers;
    match registered.workers {
        Some(Scaled::Done) => {}
        _ if workers == 0 => {}
        _ => return Reply::status_text("Processing worker updates...").with_status(202),
    }
    let advice = match workers {
        0 => ". Use scale workers API to add workers for the model.",
        _ => "",
    };
    Reply::status_text(format!(
        "Model \"{}\" Version: {} registered with {workers} initial workers{advice}",
        version.name(),
        version.version(),
    ))
}
