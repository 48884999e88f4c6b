//! Workflows: there are none, and none can be registered.
//!
//! **Source:** the texts are those of TorchServe's last version, which has disabled them too.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{Answer, ApiError, Params, Reply, Request};
use std::sync::Arc;

pub(super) fn list(_: Arc<Services>, _: Request, _: Params) -> Answer {
    Box::pin(async move { Ok(Reply::json(&serde_json::json!({ "workflows": [] }))) })
}

pub(super) fn register(_: Arc<Services>, _: Request, _: Params) -> Answer {
    Box::pin(async move {
        Err(ApiError::bad_request(
            "Registering new workflows is disabled.",
        ))
    })
}

pub(super) fn one(_: Arc<Services>, _: Request, params: Params) -> Answer {
    Box::pin(async move { Err(errors::workflow_not_found(params.get("workflow"))) })
}
