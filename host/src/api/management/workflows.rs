//! Workflows: there are none, and none can be registered.
//!
//! **Source:** the texts are those of TorchServe's last version, which has disabled them too.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{ApiError, Outcome, Params, Reply, Request};
use std::sync::Arc;

pub(super) async fn list(_: Arc<Services>, _: Request, _: Params) -> Outcome {
    Ok(Reply::json(&serde_json::json!({ "workflows": [] })))
}

pub(super) async fn register(_: Arc<Services>, _: Request, _: Params) -> Outcome {
    Err(ApiError::bad_request(
        "Registering new workflows is disabled.",
    ))
}

pub(super) async fn one(_: Arc<Services>, _: Request, params: Params) -> Outcome {
    Err(errors::workflow_not_found(params.get("workflow")))
}
