//! What an operation answers when it does not do what it was asked for.
//!
//! An error is a class, a status and one sentence; on the wire it is the JSON object
//! `{"code", "type", "message"}`. Which class means which status is the table [`Class`].
//!
//! **Source:** TorchServe 0.12; classes of ours are marked.

use crate::reply::Reply;
use http::{HeaderName, HeaderValue, header};
use meterbox_http_wire::Refusal;
use std::fmt;
use std::time::Duration;

/// A class of errors: the word in `type` and the status it normally has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// The word in `type`.
    pub name: &'static str,
    /// The status.
    pub status: u16,
}

macro_rules! classes {
    ($($(#[$doc:meta])* $item:ident = $name:literal, $status:literal;)*) => {
        impl Class {
            $($(#[$doc])* pub const $item: Self = Self { name: $name, status: $status };)*
        }
    };
}

classes! {
    /// No such path.
    RESOURCE_NOT_FOUND = "ResourceNotFoundException", 404;
    /// No such model.
    MODEL_NOT_FOUND = "ModelNotFoundException", 404;
    /// No such version of a model.
    MODEL_VERSION_NOT_FOUND = "ModelVersionNotFoundException", 404;
    /// The request makes no sense.
    BAD_REQUEST = "BadRequestException", 400;
    /// An archive could not be had.
    DOWNLOAD_ARCHIVE = "DownloadArchiveException", 400;
    /// An archive holds no model.
    INVALID_MODEL = "InvalidModelException", 400;
    /// The token is missing or wrong.
    INVALID_KEY = "InvalidKeyException", 400;
    /// It clashes with what is there.
    CONFLICT = "ConflictStatusException", 409;
    /// It took too long.
    REQUEST_TIMEOUT = "RequestTimeoutException", 408;
    /// The path does not take this method.
    METHOD_NOT_ALLOWED = "MethodNotAllowedException", 405;
    /// Not now.
    SERVICE_UNAVAILABLE = "ServiceUnavailableException", 503;
    /// No memory is left.
    OUT_OF_MEMORY = "OutOfMemoryError", 507;
    /// A part of the request is malformed.
    ILLEGAL_ARGUMENT = "IllegalArgumentException", 403;
    /// The version may not be used so.
    INVALID_MODEL_VERSION = "InvalidModelVersionException", 403;
    /// Something failed here or in a worker.
    INTERNAL_SERVER = "InternalServerException", 500;
    /// A plugin answered with an error.
    PLUGIN = "ModelServerEndpointException", 500;
    /// Ours: a page of another site asks for a change.
    FOREIGN_ORIGIN = "ForeignOriginException", 403;
    /// Ours: the Host header names another server.
    MISDIRECTED = "MisdirectedRequestException", 421;
    /// Ours: too many wrong tokens.
    TOO_MANY_REQUESTS = "TooManyRequestsException", 429;
    /// Ours: a plugin took too long.
    GATEWAY_TIMEOUT = "GatewayTimeoutException", 504;
    /// Ours: a plugin's answer could not be passed on.
    BAD_GATEWAY = "BadGatewayException", 502;
    /// Ours: the body is too large.
    TOO_LARGE = "RequestTooLargeException", 413;
    /// Ours: the request line is too long.
    URI_TOO_LONG = "UriTooLongException", 414;
    /// Ours: the header fields are too many or too large.
    HEADERS_TOO_LARGE = "HeaderFieldsTooLargeException", 431;
    /// Ours: HTTP allows it and this server does not do it.
    NOT_IMPLEMENTED = "NotImplementedException", 501;
    /// Ours: another version of HTTP.
    HTTP_VERSION = "HttpVersionException", 505;
}

/// Why an operation was not done.
#[derive(Debug, Clone)]
pub struct ApiError {
    class: Class,
    status: u16,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ApiError {
    /// An error of `class` with its usual status. The message is sent as it is: it names no file or
    /// address that the client did not name itself.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            status: class.status,
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// The same with another status, 400 to 599; others become 500.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = if (400..600).contains(&status) {
            status
        } else {
            500
        };
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with `Retry-After`, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        let seconds = pause.as_millis().div_ceil(1000).max(1);
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The path is not served.
    #[must_use]
    pub fn not_found() -> Self {
        const TEXT: &str = "Requested resource is not found, please refer to API document.";
        Self::new(Class::RESOURCE_NOT_FOUND, TEXT)
    }

    /// The path is served, but not with this method.
    #[must_use]
    pub fn method_not_allowed(allow: &[&str]) -> Self {
        const TEXT: &str = "Requested method is not allowed, please refer to API document.";
        let error = Self::new(Class::METHOD_NOT_ALLOWED, TEXT);
        match HeaderValue::from_str(&allow.join(", ")) {
            Ok(value) if !allow.is_empty() => error.with_header(header::ALLOW, value),
            _ => error,
        }
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Class::BAD_REQUEST, message)
    }

    /// Something failed here.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Class::INTERNAL_SERVER, message)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The word in `type`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.class.name
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The answer.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        let body = serde_json::json!({
            "code": self.status,
            "type": self.class.name,
            "message": self.message,
        });
        let mut reply = Reply::json(&body).with_status(self.status);
        for (name, value) in self.headers {
            reply = reply.with_header(name, value);
        }
        reply
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.class.name, self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let class = match refusal.status {
            414 => Class::URI_TOO_LONG,
            431 => Class::HEADERS_TOO_LARGE,
            501 => Class::NOT_IMPLEMENTED,
            505 => Class::HTTP_VERSION,
            _ => Class::BAD_REQUEST,
        };
        Self::new(class, refusal.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_printed_as_torchserve_prints_it() {
        let reply = ApiError::not_found().into_reply();
        let expect = "{\n  \"code\": 404,\n  \"type\": \"ResourceNotFoundException\",\n  \
                      \"message\": \"Requested resource is not found, please refer to API \
                      document.\"\n}\n";
        assert_eq!(reply.body_bytes(), Some(expect.as_bytes()));
        assert_eq!(expect.len(), 136, "the captured content-length");
    }

    #[test]
    fn a_wrong_method_says_which_are_right() {
        let error = ApiError::method_not_allowed(&["GET", "POST"]);
        let reply = error.into_reply();
        assert_eq!(reply.header("allow").unwrap(), "GET, POST");
        assert!(
            ApiError::method_not_allowed(&[])
                .into_reply()
                .header("allow")
                .is_none()
        );
    }

    #[test]
    fn every_broken_rule_of_the_wire_keeps_its_status() {
        for rule in Refusal::ALL {
            assert_eq!(
                ApiError::from(*rule).status(),
                rule.status,
                "{}",
                rule.reason
            );
        }
    }

    #[test]
    fn a_pause_is_rounded_up_to_a_second() {
        let after = |ms| {
            let error = ApiError::new(Class::SERVICE_UNAVAILABLE, "busy");
            let reply = error.retry_after(Duration::from_millis(ms)).into_reply();
            reply
                .header("retry-after")
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!((after(0).as_str(), after(1001).as_str()), ("1", "2"));
    }
}
