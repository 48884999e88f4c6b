//! The answer of an operation: status, phrase, headers and a body that is ready or still coming.
//!
//! What every answer carries (request id, caching, connection) is added on the way out.

use crate::stream::BodyStream;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) phrase: Phrase,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Without the headers that every other answer has.
    pub(crate) bare: bool,
}

/// The words behind the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// Those of the standard.
    Usual,
    /// These, maybe none.
    Own(String),
}

/// What follows the head.
#[derive(Debug)]
pub enum Body {
    /// All of it; maybe empty.
    Ready(Bytes),
    /// It comes piece by piece.
    Stream(BodyStream),
}

impl Reply {
    /// 200 with this body and no content type.
    pub fn bytes(body: impl Into<Bytes>) -> Self {
        Self::of(Body::Ready(body.into()))
    }

    /// 200 with a body that is still coming.
    #[must_use]
    pub fn stream(body: BodyStream) -> Self {
        Self::of(Body::Stream(body))
    }

    fn of(body: Body) -> Self {
        Self {
            status: 200,
            phrase: Phrase::Usual,
            headers: HeaderMap::new(),
            body,
            bare: false,
        }
    }

    /// 200 with `value` as JSON: indented by two spaces, a newline at the end.
    ///
    /// **Source:** TorchServe 0.12.
    pub fn json(value: &impl Serialize) -> Self {
        let mut text = Vec::with_capacity(256);
        let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::new());
        if let Err(error) = value.serialize(&mut serializer) {
            // Only a value that JSON has no form for comes here, which is a mistake of ours.
            tracing::error!(target: "http", "an answer has no JSON form: {error}");
            return Self::bytes(Bytes::new()).with_status(500);
        }
        text.push(b'\n');
        Self::bytes(text).with_type(HeaderValue::from_static("application/json"))
    }

    /// 200 with `{"status": ...}`.
    pub fn status_text(text: impl Into<String>) -> Self {
        Self::json(&serde_json::json!({ "status": text.into() }))
    }

    /// 200 with plain text.
    pub fn text(text: impl Into<String>) -> Self {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        Self::bytes(text.into()).with_type(plain)
    }

    /// An answer of nothing but a status line and `content-length: 0`, as TorchServe's for a body
    /// that is too large.
    pub(crate) fn bare(status: u16) -> Self {
        Self {
            status,
            bare: true,
            ..Self::bytes(Bytes::new())
        }
    }

    /// The same with another status, 200 to 599; others become 500.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = if (200..600).contains(&status) {
            status
        } else {
            500
        };
        self
    }

    /// The same with these words behind the status, maybe none. Control characters are left out.
    #[must_use]
    pub fn with_phrase(mut self, phrase: &str) -> Self {
        let visible = |c: &char| matches!(c, ' '..='~');
        self.phrase = Phrase::Own(phrase.chars().filter(visible).collect());
        self
    }

    /// The same with another body.
    #[must_use]
    pub fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The same with this content type.
    #[must_use]
    pub fn with_type(mut self, content_type: HeaderValue) -> Self {
        self.headers.insert(header::CONTENT_TYPE, content_type);
        self
    }

    /// The same with one more header; one of this name stays beside it.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name)
    }

    /// The length of the body if it is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.body {
            Body::Ready(bytes) => Some(bytes.len() as u64),
            Body::Stream(stream) => stream.length(),
        }
    }

    /// The body if it is ready.
    #[must_use]
    pub fn body_bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Ready(bytes) => Some(bytes),
            Body::Stream(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_as_torchserve_lays_it_out() {
        let reply = Reply::status_text("Healthy");
        assert_eq!(
            reply.body_bytes(),
            Some(&b"{\n  \"status\": \"Healthy\"\n}\n"[..])
        );
        assert_eq!(reply.header("content-type").unwrap(), "application/json");
        let empty = Reply::json(&serde_json::json!({ "models": [] }));
        assert_eq!(empty.body_bytes(), Some(&b"{\n  \"models\": []\n}\n"[..]));
    }

    #[test]
    fn a_phrase_cannot_break_out_of_its_line() {
        let reply = Reply::bytes("x")
            .with_status(499)
            .with_phrase("Custom\r\nA: b Phrase");
        assert_eq!(reply.phrase, Phrase::Own("CustomA: b Phrase".to_owned()));
        assert_eq!(Reply::bytes("").with_status(99).status(), 500);
    }
}
