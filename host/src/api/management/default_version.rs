//! `PUT /models/{model}/{version}/set-default`: choose the version that answers when none is named.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{Answer, Params, Reply, Request};
use std::sync::Arc;

pub(super) fn set(services: Arc<Services>, _: Request, params: Params) -> Answer {
    Box::pin(async move {
        let (name, version) = (params.get("model"), params.get("version"));
        let done = services.models.set_default(name, version);
        done.map_err(|error| errors::repository(&error))?;
        Ok(Reply::status_text(format!(
            "Default version successfully updated for model \"{name}\" to \"{version}\""
        )))
    })
}
