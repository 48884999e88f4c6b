//! Questions to a model in all their HTTP forms; the asking itself is [`meterbox_models::Models::ask`].
//!
//! **Source:** URL forms and texts are TorchServe 0.12's.

use super::answer;
use super::input::{self, Question};
use crate::api::errors;
use crate::services::Services;
use meterbox_http::{ApiError, Class, Outcome, Params, Request};
use meterbox_models::{AskError, Input};
use meterbox_telemetry::serving::Refusal;
use std::sync::Arc;
use std::time::Duration;

/// When a client may come back that met a full queue.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn predictions(
    services: Arc<Services>,
    request: Request,
    params: Params,
) -> Outcome {
    question(&services, &request, &params, Question::Predict).await
}

pub(super) async fn explanations(
    services: Arc<Services>,
    request: Request,
    params: Params,
) -> Outcome {
    question(&services, &request, &params, Question::Explain).await
}

async fn question(
    services: &Services,
    request: &Request,
    params: &Params,
    question: Question,
) -> Outcome {
    let input = input::of_question(request, question, params.get("rest"))?;
    ask(
        services,
        request,
        params.get("model"),
        params.find("version"),
        input,
    )
    .await
}

pub(super) async fn invoke(services: Arc<Services>, request: Request, params: Params) -> Outcome {
    let input = input::of_invocation(&request)?;
    ask(
        &services,
        &request,
        params.get("model"),
        params.find("version"),
        input,
    )
    .await
}

pub(super) async fn invocations(services: Arc<Services>, request: Request, _: Params) -> Outcome {
    let input = input::of_invocation(&request)?;
    let named = input.parameters.iter().find(|one| one.name == "model_name");
    let named = named.map(|one| String::from_utf8_lossy(&one.value).into_owned());
    let only = || {
        services
            .models
            .only_startup_model()
            .map(|one| one.name().to_owned())
    };
    let name = named.filter(|name| !name.is_empty()).or_else(only);
    let name = name.ok_or_else(|| ApiError::bad_request("Parameter model_name is required."))?;
    ask(&services, &request, &name, None, input).await
}

pub(super) async fn workflow(_: Arc<Services>, _: Request, params: Params) -> Outcome {
    Err(errors::workflow_not_found(params.get("workflow")))
}

async fn ask(
    services: &Services,
    request: &Request,
    model: &str,
    version: Option<&str>,
    input: Input,
) -> Outcome {
    let question = meterbox_models::Question {
        model,
        version,
        id: request.id.to_string(),
        input,
        received: request.received,
        method: request.method.as_str(),
        path: request.path(),
        bytes: request.body.len(),
    };
    match services.models.ask(question).await {
        Ok(answered) => answer::reply(answered),
        Err(AskError::NotFound(error)) => Err(errors::repository(&error)),
        Err(AskError::Refused(refusal)) => Err(refused(model, version, refusal)),
    }
}

/// The text is the same for a full queue, and the stray quotation mark behind a version is sent.
fn refused(name: &str, version: Option<&str>, refusal: Refusal) -> ApiError {
    let version = version.map_or_else(String::new, |version| format!(" Version {version}\""));
    let text = format!(
        "Model \"{name}\"{version} has no worker to serve inference request. Please use scale \
         workers API to add workers. If this is a sequence inference, please check if it is closed, \
         or expired; or exceeds maxSequenceJobQueueSize"
    );
    let error = ApiError::new(Class::SERVICE_UNAVAILABLE, text);
    match refusal {
        Refusal::QueueFull => error.retry_after(RETRY_PAUSE),
        Refusal::NoWorker | Refusal::Draining => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_torchserves_text() {
        let text = refused("noop", None, Refusal::NoWorker)
            .message()
            .to_owned();
        assert!(
            text.starts_with("Model \"noop\" has no worker to serve inference request. Please use")
        );
        assert!(text.ends_with("or expired; or exceeds maxSequenceJobQueueSize"));
        let named = refused("noop", Some("1.11"), Refusal::QueueFull);
        assert!(
            named
                .message()
                .starts_with("Model \"noop\" Version 1.11\" has no worker")
        );
        assert!(named.into_reply().header("retry-after").is_some());
    }
}
