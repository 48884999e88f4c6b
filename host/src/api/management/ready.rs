//! `GET /v1/models/{model}`: whether a model has the workers it should have, as KServe v1 asks.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{Outcome, Params, Reply, Request};
use std::sync::Arc;

pub(super) async fn ready(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    let found = services.models.find(params.get("model"), None);
    let found = found.map_err(|error| errors::repository(&error))?;
    let ready = found.workers_ready() >= found.workers_wanted().0 as usize;
    Ok(Reply::json(
        &serde_json::json!({ "name": found.name(), "ready": ready }),
    ))
}
