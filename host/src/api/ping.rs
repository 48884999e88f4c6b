//! `/ping`: whether every model has the workers that it should have.
//!
//! **Source:** TorchServe 0.12; answered on every listener, unlike there.

use crate::services::{Route, Services};
use meterbox_http::{
    ApiError, Effect, Guard, Listeners, Methods, Outcome, Params, Reply, Request, operation,
};
use std::sync::Arc;

/// The rows.
pub(super) const ROUTES: &[Route] = &[Route {
    listeners: Listeners::ALL,
    methods: Methods::Any,
    pattern: "/ping",
    guard: Guard::Token,
    effect: Effect::Reads,
    about: "Whether every model has the workers that it should have",
    operation: operation!(ping),
}];

async fn ping(services: Arc<Services>, _: Request, _: Params) -> Outcome {
    Ok::<_, ApiError>(reply(services.healthy()))
}

fn reply(healthy: bool) -> Reply {
    if healthy {
        Reply::status_text("Healthy")
    } else {
        Reply::status_text("Unhealthy").with_status(500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_states_are_told_as_torchserve_tells_them() {
        let healthy = reply(true);
        assert_eq!(healthy.status(), 200);
        assert_eq!(
            healthy.body_bytes().unwrap(),
            b"{\n  \"status\": \"Healthy\"\n}\n"
        );
        let unhealthy = reply(false);
        assert_eq!(unhealthy.status(), 500);
        assert_eq!(
            unhealthy.body_bytes().unwrap(),
            b"{\n  \"status\": \"Unhealthy\"\n}\n"
        );
    }
}
