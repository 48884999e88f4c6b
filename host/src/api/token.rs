//! `/token`: a new key in the place of an old one.
//!
//! **Source:** TorchServe 0.12.

use crate::services::{Route, Services};
use http::HeaderValue;
use meterbox_http::{
    ApiError, Class, Effect, Guard, KeyKind, Listeners, Methods, Outcome, Params, Reply, Request,
    operation,
};
use std::sync::Arc;

/// The rows.
pub(super) const ROUTES: &[Route] = &[Route {
    listeners: Listeners::MANAGEMENT,
    methods: Methods::GET,
    pattern: "/token",
    guard: Guard::ApiKey,
    effect: Effect::Changes,
    about: "Replace the key of `type` management or inference; the key file is written anew",
    operation: operation!(renew),
}];

async fn renew(services: Arc<Services>, request: Request, _: Params) -> Outcome {
    let kind = match request.query.get("type") {
        Some("management") => KeyKind::Management,
        Some("inference") => KeyKind::Inference,
        _ => {
            let message = "Token Authentication failed. Token either incorrect, expired, or \
                               not provided correctly";
            return Err(ApiError::new(Class::INVALID_KEY, message));
        }
    };
    let tokens = Arc::clone(&services.tokens);
    let renewed = tokio::task::spawn_blocking(move || tokens.renew(kind)).await;
    match renewed {
        Ok(Ok(())) => {
            let json = HeaderValue::from_static("application/json");
            Ok(Reply::bytes("\n").with_type(json))
        }
        Ok(Err(error)) => {
            tracing::error!(target: "http", "the key file cannot be written: {error}");
            Err(ApiError::internal(
                "The key file cannot be written; the old key stays.",
            ))
        }
        Err(_) => Err(ApiError::internal(
            "The key could not be made; the old key stays.",
        )),
    }
}
