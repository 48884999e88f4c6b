//! `/plugins`: which plugins there are, how they do, and putting them in and out of service.

use crate::services::{Operation, Route, Services};
use meterbox_calendar::rfc3339;
use meterbox_http::{
    ApiError, Class, Effect, Guard, Listeners, Methods, Outcome, Params, Reply, Request, operation,
};
use meterbox_plugin_files::{Reason, Refusal};
use meterbox_plugin_loader::running::Isolation;
use meterbox_plugins::{
    BudgetStatus, Catalog, EndpointStatus, LastCrash, PluginStatus, ProcessStatus,
};
use serde_json::{Value, json};
use std::sync::Arc;

const fn row(
    methods: Methods,
    pattern: &'static str,
    effect: Effect,
    about: &'static str,
    operation: Operation,
) -> Route {
    let (listeners, guard) = (Listeners::MANAGEMENT, Guard::Token);
    Route {
        listeners,
        methods,
        pattern,
        guard,
        effect,
        about,
        operation,
    }
}

/// The rows.
pub(in crate::api) const ROUTES: &[Route] = &[
    row(
        Methods::GET,
        "/plugins",
        Effect::Reads,
        "Every plugin",
        operation!(list),
    ),
    row(
        Methods::GET,
        "/plugins/{name}",
        Effect::Reads,
        "One plugin",
        operation!(show),
    ),
    row(
        Methods::POST,
        "/plugins/{name}/reload",
        Effect::Changes,
        "Load the file of a plugin again",
        operation!(reload),
    ),
    row(
        Methods::POST,
        "/plugins/{name}/enable",
        Effect::Changes,
        "Put a plugin that was disabled back into service",
        operation!(enable),
    ),
    row(
        Methods::POST,
        "/plugins/{name}/disable",
        Effect::Changes,
        "Take a plugin out of service",
        operation!(disable),
    ),
];

async fn list(services: Arc<Services>, _: Request, _: Params) -> Outcome {
    let all: Vec<Value> = services.plugins.plugins().iter().map(object).collect();
    Ok(Reply::json(&all))
}

async fn show(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    let name = params.get("name");
    match services.plugins.plugin(name) {
        Some(status) => Ok(Reply::json(&object(&status))),
        None => Err(unknown(name)),
    }
}

async fn reload(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    change(services, params, Catalog::reload).await
}

async fn enable(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    change(services, params, Catalog::enable).await
}

async fn disable(services: Arc<Services>, _: Request, params: Params) -> Outcome {
    change(services, params, Catalog::disable).await
}

/// A change may take as long as the plugin takes to start, so it has a thread of its own, which
/// goes on when the client leaves.
async fn change(
    services: Arc<Services>,
    params: Params,
    change: fn(&Catalog, &str) -> Result<PluginStatus, Refusal>,
) -> Outcome {
    let name = params.get("name").to_owned();
    let plugins = Arc::clone(&services.plugins);
    let changed = tokio::task::spawn_blocking(move || change(&plugins, &name)).await;
    match changed {
        Ok(Ok(status)) => Ok(Reply::json(&object(&status))),
        Ok(Err(refusal)) => Err(refused(&refusal)),
        Err(_) => Err(ApiError::internal(
            "The change of the plugin failed; see the log.",
        )),
    }
}

fn unknown(name: &str) -> ApiError {
    ApiError::new(
        Class::RESOURCE_NOT_FOUND,
        format!("Plugin not found: {name}"),
    )
}

fn refused(refusal: &Refusal) -> ApiError {
    let class = match refusal.reason {
        Reason::NotFound => Class::RESOURCE_NOT_FOUND,
        Reason::DuplicateName | Reason::Claim | Reason::Disabled => Class::CONFLICT,
        _ => Class::BAD_REQUEST,
    };
    ApiError::new(class, refusal.text.clone())
}

fn object(status: &PluginStatus) -> Value {
    let process = status.process.as_ref();
    json!({
        "name": status.name,
        "version": status.version,
        "api": status.api,
        "state": status.state.name(),
        "generation": status.generation,
        "since": rfc3339(status.since),
        "isolation": status.isolation.map(Isolation::name),
        "pid": process.and_then(|process| process.pid),
        "restarts": process.map(|process| process.restarts),
        "crashes": process.map(ProcessStatus::crashes_in_all),
        "last_crash": process.and_then(|process| process.last_crash.as_ref()).map(last_crash),
        "memory_bytes": process.and_then(|process| process.memory_bytes),
        "path": status.path.display().to_string(),
        "sha256": status.sha256,
        "roles": status.roles,
        "endpoints": status.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "calls": status.counts.calls,
        "errors": status.counts.errors,
        "last_error": status.last_error,
        "series": status.series,
        "budgets": budgets(&status.budgets),
    })
}

fn last_crash(crash: &LastCrash) -> Value {
    json!({ "at": rfc3339(crash.at), "cause": crash.cause, "text": crash.text })
}

fn budgets(budgets: &[BudgetStatus]) -> Value {
    let one = |status: &BudgetStatus| {
        let words = status.budget.words();
        let value = json!({
            "limit": status.limit,
            "used": status.used,
            "unit": words.unit,
            "exceeded": status.exceeded,
        });
        (words.name.to_owned(), value)
    };
    Value::Object(budgets.iter().map(one).collect())
}

fn endpoint(endpoint: &EndpointStatus) -> Value {
    let methods = if endpoint.methods.is_empty() {
        vec!["*"]
    } else {
        endpoint.methods.clone()
    };
    json!({
        "listener": endpoint.listener.name().unwrap_or("unknown"),
        "path": format!("/{}", endpoint.pattern),
        "methods": methods,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_the_status_of_their_reason() {
        let status = |reason| refused(&Refusal::new(reason, "why")).status();
        assert_eq!(status(Reason::NotFound), 404);
        assert_eq!(status(Reason::Claim), 409);
        assert_eq!(status(Reason::Layout), 400);
    }

    #[test]
    fn an_endpoint_for_all_methods_says_so() {
        let status = EndpointStatus {
            listener: meterbox_plugin_abi::Listener::METRICS,
            pattern: "metrics".to_owned(),
            methods: Vec::new(),
        };
        let expect = json!({ "listener": "metrics", "path": "/metrics", "methods": ["*"] });
        assert_eq!(endpoint(&status), expect);
    }
}
