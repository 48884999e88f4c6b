//! `PUT /models/{model}[/{version}]`: change the number of workers.
//!
//! **Source:** parameters, defaults and texts are TorchServe 0.12's. A negative number is a bad request
//! here, where TorchServe fails with an `IndexOutOfBoundsException`.

use super::fields::Fields;
use crate::api::errors;
use crate::services::Services;
use meterbox_http::{ApiError, Outcome, Params, Reply, Request};
use meterbox_models::{Scaled, WORKERS_MAX};
use std::sync::Arc;

pub(super) async fn scale(services: Arc<Services>, request: Request, params: Params) -> Outcome {
    let fields = Fields::Query(&request.query);
    let min = fields.integer("min_worker").unwrap_or(1);
    let max = fields.integer("max_worker").unwrap_or(min);
    let (min, max) = checked(min, max)?;
    let named = fields.set("model_version");
    let version = params.find("version").or(named.as_deref());
    let name = params.get("model");
    let found = services.models.find(name, version);
    let found = found.map_err(|error| errors::repository(&error))?;
    let wait = fields.bool("synchronous").unwrap_or(false);
    reply(
        services.models.scale(&found, min, max, wait).await,
        min,
        name,
        version,
    )
}

fn checked(min: i64, max: i64) -> Result<(u32, u32), ApiError> {
    if max < min {
        return Err(ApiError::bad_request(
            "max_worker cannot be less than min_worker.",
        ));
    }
    let number = |what: &str, number: i64| {
        let fits = u32::try_from(number)
            .ok()
            .filter(|number| *number <= WORKERS_MAX);
        let text = || format!("{what} is {number}: it has to be from 0 to {WORKERS_MAX}.");
        fits.ok_or_else(|| ApiError::bad_request(text()))
    };
    Ok((number("min_worker", min)?, number("max_worker", max)?))
}

fn reply(scaled: Option<Scaled>, min: u32, name: &str, version: Option<&str>) -> Outcome {
    match scaled {
        None => Ok(Reply::status_text("Processing worker updates...").with_status(202)),
        Some(Scaled::Done) => {
            let version = version.map_or_else(String::new, |text| format!(", version: {text}"));
            Ok(Reply::status_text(format!(
                "Workers scaled to {min} for model: {name}{version}"
            )))
        }
        Some(Scaled::Overtaken) => {
            Ok(Reply::status_text("Workers scaling in progress...").with_status(206))
        }
        Some(Scaled::Failed { code }) => {
            let version = version.unwrap_or("null");
            let text = format!("Failed to start workers for model {name} version: {version}");
            Err(ApiError::internal(text).with_status(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(scaled: Option<Scaled>, version: Option<&str>) -> (u16, String) {
        let reply = match reply(scaled, 3, "noop", version) {
            Ok(reply) => reply,
            Err(error) => error.into_reply(),
        };
        (
            reply.status(),
            String::from_utf8(reply.body_bytes().unwrap().to_vec()).unwrap(),
        )
    }

    #[test]
    fn answers_have_torchserves_texts() {
        for (scaled, version, code, part) in [
            (None, None, 202, "\"Processing worker updates...\""),
            (
                Some(Scaled::Done),
                None,
                200,
                "\"Workers scaled to 3 for model: noop\"",
            ),
            (
                Some(Scaled::Done),
                Some("2.0"),
                200,
                "\"Workers scaled to 3 for model: noop, version: 2.0\"",
            ),
            (
                Some(Scaled::Overtaken),
                None,
                206,
                "\"Workers scaling in progress...\"",
            ),
            (
                Some(Scaled::Failed { code: 507 }),
                None,
                507,
                "\"Failed to start workers for model noop version: null\"",
            ),
        ] {
            let (status, body) = text(scaled, version);
            assert_eq!(status, code);
            assert!(body.contains(part), "{body}");
        }
    }

    #[test]
    fn numbers_are_checked_together_and_alone() {
        assert_eq!(checked(0, 3).unwrap(), (0, 3));
        let wrong = |min, max| checked(min, max).unwrap_err().message().to_owned();
        assert_eq!(wrong(3, 1), "max_worker cannot be less than min_worker.");
        assert!(wrong(-1, -1).starts_with("min_worker is -1"));
        assert!(wrong(0, 1_000_000).starts_with("max_worker is 1000000"));
    }
}
