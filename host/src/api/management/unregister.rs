//! `DELETE /models/{model}[/{version}]`: remove a version and end its workers.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{ApiError, Class, Outcome, Params, Reply, Request};
use meterbox_models::Removal;
use std::sync::Arc;

pub(super) async fn unregister(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    let models = &services.models;
    if !models.api_enabled() {
        return Err(ApiError::method_not_allowed(&["GET", "OPTIONS", "PUT"]));
    }
    let name = params.get("model");
    let removal = models.unregister(name, params.find("version")).await;
    match removal.map_err(|error| errors::repository(&error))? {
        Removal::Done => Ok(Reply::status_text(format!("Model \"{name}\" unregistered"))),
        Removal::TimedOut => {
            let text = format!("Timed out while cleaning resources: {name}");
            Err(ApiError::new(Class::REQUEST_TIMEOUT, text))
        }
    }
}
