//! `OPTIONS /` and `/api-description`: the routes of a listener as an OpenAPI 3.0.1 document.
//!
//! Made from the route table and the endpoints of plugins. **Source:** TorchServe 0.12 for where it
//! is answered, and that no token is needed.

use crate::services::{Route, Services};
use meterbox_http::{
    Effect, Guard, Listener, Listeners, Methods, Outcome, Params, Reply, Request, operation,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    Route {
        listeners: Listeners::ALL,
        methods: Methods::OPTIONS,
        pattern: "/",
        guard: Guard::Open,
        effect: Effect::Reads,
        about: "This document",
        operation: operation!(describe),
    },
    Route {
        listeners: Listeners::ALL,
        methods: Methods::Any,
        pattern: "/api-description",
        guard: Guard::Open,
        effect: Effect::Reads,
        about: "This document",
        operation: operation!(describe),
    },
];

async fn describe(services: Arc<Services>, request: Request, _: Params) -> Outcome {
    Ok(Reply::json(&document(&services, request.listeners)))
}

/// The document of the listeners of one socket.
fn document(services: &Services, listeners: Listeners) -> Value {
    let names: Vec<&str> = listeners.iter().map(Listener::name).collect();
    json!({
        "openapi": "3.0.1",
        "info": {
            "title": format!("Meterbox APIs: {}", names.join(", ")),
            "description": "Metric endpoints as plugins in front of many model workers",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths(services, listeners),
    })
}

fn paths(services: &Services, listeners: Listeners) -> Map<String, Value> {
    let mut paths = Map::new();
    let rows = super::routes().filter(|row| !row.listeners.both(listeners).is_empty());
    for row in rows {
        let path = row.pattern.replace("...}", "}");
        let operations = paths.entry(path.clone()).or_insert_with(|| json!({}));
        for method in method_names(row.methods) {
            operations[method] = operation(row.about, &path);
        }
    }
    for (listener, endpoint) in services.plugins.routes().iter() {
        let ours = Listener::ALL
            .into_iter()
            .find(|ours| Some(ours.name()) == listener.name());
        if !ours.is_some_and(|ours| listeners.has(ours)) {
            continue;
        }
        let plugin = &endpoint.running.origin().metadata;
        let about = format!("Plugin {}: {}", plugin.name, plugin.description);
        let path = format!("/{}", endpoint.pattern);
        let operations = paths.entry(path.clone()).or_insert_with(|| json!({}));
        let methods = endpoint.methods().list();
        let methods = if methods.is_empty() {
            ANY.to_vec()
        } else {
            methods
        };
        for method in methods {
            operations[method.to_ascii_lowercase()] = operation(&about, &path);
        }
    }
    paths
}

const ANY: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

fn method_names(methods: Methods) -> Vec<String> {
    match methods {
        Methods::Any => ANY.iter().map(|name| name.to_ascii_lowercase()).collect(),
        Methods::Only(methods) => methods
            .iter()
            .map(|method| method.as_str().to_ascii_lowercase())
            .collect(),
    }
}

fn operation(about: &str, path: &str) -> Value {
    let variables = path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    let parameters: Vec<Value> = variables
        .map(|name| {
            json!({ "in": "path", "name": name, "required": true, "schema": { "type": "string" } })
        })
        .collect();
    let mut operation = json!({ "description": about });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation["responses"] = json!({ "default": { "description": "See the description" } });
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_parts_become_parameters() {
        let operation = operation("About", "/models/{model}/{version}");
        let names: Vec<_> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["model", "version"]);
        assert_eq!(method_names(Methods::GET), ["get"]);
    }
}
