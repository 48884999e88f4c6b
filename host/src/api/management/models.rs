//! The routes of models on the management listener.

use super::{default_version, describe, list, ready, register, scale, unregister, workflows};
use crate::api::model_document;
use crate::services::{Operation, Route};
use http::Method;
use meterbox_http::{Effect, Guard, Listeners, Methods, operation};

const fn row(
    methods: Methods,
    pattern: &'static str,
    about: &'static str,
    operation: Operation,
) -> Route {
    let effect = match methods {
        Methods::Only([Method::GET | Method::OPTIONS, ..]) => Effect::Reads,
        _ => Effect::Changes,
    };
    Route {
        listeners: Listeners::MANAGEMENT,
        methods,
        pattern,
        guard: Guard::Token,
        effect,
        about,
        operation,
    }
}

/// Their routes.
pub(in crate::api) const ROUTES: &[Route] = &[
    row(
        Methods::POST,
        "/models",
        "Register a model",
        operation!(register::register),
    ),
    row(
        Methods::GET,
        "/models",
        "List models",
        operation!(list::list),
    ),
    row(
        Methods::OPTIONS,
        "/models/{model}",
        "Describe how to manage a model",
        operation!(model_document::management),
    ),
    row(
        Methods::GET,
        "/models/{model}",
        "Describe a model",
        operation!(describe::describe),
    ),
    row(
        Methods::PUT,
        "/models/{model}",
        "Scale a model",
        operation!(scale::scale),
    ),
    row(
        Methods::DELETE,
        "/models/{model}",
        "Unregister a model",
        operation!(unregister::unregister),
    ),
    row(
        Methods::GET,
        "/models/{model}/{version}",
        "Describe a version of a model, or all",
        operation!(describe::describe),
    ),
    row(
        Methods::PUT,
        "/models/{model}/{version}",
        "Scale a version of a model",
        operation!(scale::scale),
    ),
    row(
        Methods::DELETE,
        "/models/{model}/{version}",
        "Unregister a version of a model",
        operation!(unregister::unregister),
    ),
    row(
        Methods::PUT,
        "/models/{model}/{version}/set-default",
        "Make a version the default one",
        operation!(default_version::set),
    ),
    row(
        Methods::GET,
        "/v1/models/{model}",
        "Say whether a model is ready, KServe v1",
        operation!(ready::ready),
    ),
    row(
        Methods::GET,
        "/workflows",
        "List workflows; there are none",
        operation!(workflows::list),
    ),
    row(
        Methods::POST,
        "/workflows",
        "Refused: workflows are not supported",
        operation!(workflows::register),
    ),
    row(
        Methods::GET,
        "/workflows/{workflow}",
        "Describe a workflow; there are none",
        operation!(workflows::one),
    ),
    row(
        Methods::DELETE,
        "/workflows/{workflow}",
        "Unregister a workflow; there are none",
        operation!(workflows::one),
    ),
];
