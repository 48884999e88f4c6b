//! `PUT /models/{model}/{version}/set-default`: choose the version that answers when none is named.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{Outcome, Params, Reply, Request};
use std::sync::Arc;

pub(super) async fn set(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    let (name, version) = (params.get("model"), params.get("version"));
    let done = services.models.set_default(name, version);
    done.map_err(|error| errors::repository(&error))?;
    Ok(Reply::status_text(format!(
        "Default version successfully updated for model \"{name}\" to \"{version}\""
    )))
}
