//! `/-/healthy`, `/-/ready` and `/-/reload`: the server as those see it who run it.
//!
//! Probes need no token: they carry none, and they tell nothing but a yes or no.

use crate::services::{Route, Services};
use http::Method;
use meterbox_http::{
    ApiError, Class, Effect, Guard, Listeners, Methods, Outcome, Params, Reply, Request, operation,
};
use std::sync::Arc;

const LOOK: Methods = Methods::Only(&[Method::GET, Method::HEAD]);

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        listeners: Listeners::ALL,
        methods: LOOK,
        pattern: "/-/healthy",
        guard: Guard::Open,
        effect: Effect::Reads,
        about: "200 as long as the process answers",
        operation: operation!(healthy),
    },
    Route {
        listeners: Listeners::ALL,
        methods: LOOK,
        pattern: "/-/ready",
        guard: Guard::Open,
        effect: Effect::Reads,
        about: "200 while requests are wanted, 503 at the start and during the drain",
        operation: operation!(ready),
    },
    Route {
        listeners: Listeners::MANAGEMENT,
        methods: Methods::POST,
        pattern: "/-/reload",
        guard: Guard::Token,
        effect: Effect::Changes,
        about: "Read the configuration again, as at SIGHUP",
        operation: operation!(reload),
    },
];

async fn healthy(_: Arc<Services>, _: Request, _: Params) -> Outcome {
    Ok(Reply::text("healthy\n"))
}

async fn ready(services: Arc<Services>, _: Request, _: Params) -> Outcome {
    if services.stage.is_ready() {
        Ok(Reply::text("ready\n"))
    } else {
        Err(ApiError::new(
            Class::SERVICE_UNAVAILABLE,
            "The server starts or ends.",
        ))
    }
}

async fn reload(services: Arc<Services>, _: Request, _: Params) -> Outcome {
    match services.reloads.ask().await {
        Ok(()) => Ok(Reply::status_text("Configuration reloaded")),
        Err(why) => Err(ApiError::bad_request(format!(
            "The configuration was refused, the one before stays in force: {why}"
        ))),
    }
}
