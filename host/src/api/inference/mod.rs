//! Operations of the inference listener: predictions in all the forms of URL that TorchServe 0.12 has.

mod answer;
mod form;
mod header_order;
mod input;
mod multipart;
mod predict;

use crate::api::model_document;
use crate::services::{Operation, Route};
use meterbox_http::{Effect, Guard, Listeners, Methods, operation};

const fn row(
    methods: Methods,
    pattern: &'static str,
    about: &'static str,
    operation: Operation,
) -> Route {
    Route {
        listeners: Listeners::INFERENCE,
        methods,
        pattern,
        guard: Guard::Token,
        effect: Effect::Reads,
        about,
        operation,
    }
}

/// Their routes. The document of a model stands before the row that takes any method.
pub(super) const ROUTES: &[Route] = &[
    row(
        Methods::OPTIONS,
        "/predictions/{model}",
        "Describe how to ask a model",
        operation!(model_document::inference),
    ),
    row(
        Methods::Any,
        "/predictions/{model}",
        "Ask a model",
        operation!(predict::predictions),
    ),
    row(
        Methods::Any,
        "/predictions/{model}/{version}/{rest...}",
        "Ask a version of a model; what follows the version goes to the handler",
        operation!(predict::predictions),
    ),
    row(
        Methods::Any,
        "/explanations/{model}",
        "Ask a model to explain itself",
        operation!(predict::explanations),
    ),
    row(
        Methods::Any,
        "/explanations/{model}/{version}",
        "Ask a version of a model to explain itself",
        operation!(predict::explanations),
    ),
    row(
        Methods::Any,
        "/invocations",
        "Ask the model that model_name names",
        operation!(predict::invocations),
    ),
    row(
        Methods::Any,
        "/models/{model}/invoke",
        "Ask a model; query parameters become inputs",
        operation!(predict::invoke),
    ),
    row(
        Methods::POST,
        "/v1/models/{model}:predict",
        "Ask a model, KServe v1",
        operation!(predict::predictions),
    ),
    row(
        Methods::POST,
        "/v1/models/{model}:explain",
        "Ask a model to explain itself, KServe v1",
        operation!(predict::explanations),
    ),
    row(
        Methods::POST,
        "/v2/models/{model}/infer",
        "Ask a model, KServe v2",
        operation!(predict::predictions),
    ),
    row(
        Methods::POST,
        "/v2/models/{model}/explain",
        "Ask a model to explain itself, KServe v2",
        operation!(predict::explanations),
    ),
    row(
        Methods::POST,
        "/wfpredict/{workflow}",
        "Ask a workflow; there are none",
        operation!(predict::workflow),
    ),
    row(
        Methods::Any,
        "/{model}/predict",
        "Ask a model, old form",
        operation!(predict::invoke),
    ),
    row(
        Methods::Any,
        "/{model}/{version}/predict",
        "Ask a version of a model, old form",
        operation!(predict::invoke),
    ),
];
