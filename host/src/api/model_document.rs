//! `OPTIONS` on a model: an OpenAPI document of what can be asked of it.

use crate::api::errors;
use crate::services::Services;
use meterbox_http::{ApiError, Outcome, Params, Reply, Request};
use meterbox_models::Version;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How to ask the model.
pub(super) async fn inference(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    let version = found(&services, &params)?;
    let operation = json!({
        "operationId": version.name(),
        "description": "Predict with the default version; the body is the input",
        "requestBody": { "content": { "*/*": { "schema": { "type": "string", "format": "binary" } } } },
        "responses": {
            "200": { "description": "What the handler answers" },
            "404": { "description": "Model not found" },
            "500": { "description": "Worker died" },
            "503": { "description": "No worker, or the queue is full" },
        },
    });
    let path = format!("/predictions/{}", version.name());
    Ok(document(
        &version,
        &path,
        json!({ "get": operation, "post": operation }),
    ))
}

/// How to manage the model.
pub(super) async fn management(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    let version = found(&services, &params)?;
    let of = |about: &str, parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(name, kind)| {
            json!({ "in": "query", "name": name, "required": false, "schema": { "type": kind } })
        });
        json!({
            "description": about,
            "parameters": parameters.collect::<Vec<_>>(),
            "responses": { "200": { "description": "Done" }, "404": { "description": "Model not found" } },
        })
    };
    let scale = [
        ("min_worker", "integer"),
        ("max_worker", "integer"),
        ("synchronous", "boolean"),
    ];
    let path = format!("/models/{}", version.name());
    let operations = json!({
        "get": of("Describe the default version", &[("customized", "boolean")]),
        "put": of("Scale the workers of the default version", &scale),
        "delete": of("Unregister the default version", &[]),
    });
    Ok(document(&version, &path, operations))
}

fn found(services: &Services, params: &Params) -> Result<Arc<Version>, ApiError> {
    let found = services.models.find(params.get("model"), None);
    found.map_err(|error| errors::repository(&error))
}

fn document(version: &Version, path: &str, operations: Value) -> Reply {
    let mut paths = Map::new();
    paths.insert(path.to_owned(), operations);
    Reply::json(&json!({
        "openapi": "3.0.1",
        "info": { "title": version.name(), "version": version.version() },
        "paths": paths,
    }))
}
