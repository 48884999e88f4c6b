//! Parameters of an operation, from the query or from a JSON body.
//!
//! As in TorchServe 0.12 a value that is not what it should be counts as absent, and numbers may be
//! written as texts.

use bytes::Bytes;
use meterbox_http::{ApiError, Class, Query};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A body that is no JSON.
const JSON_SYNTAX: Class = Class {
    name: "JsonSyntaxException",
    status: 500,
};

/// Where parameters are looked up.
pub(super) enum Fields<'r> {
    /// In the query.
    Query(&'r Query),
    /// In a JSON object.
    Json(Map<String, Value>),
}

impl<'r> Fields<'r> {
    /// Those of a JSON body.
    pub(super) fn of_json(body: &Bytes) -> Result<Self, ApiError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::Json(Map::new()));
        }
        let read = serde_json::from_slice(body);
        let object = read.map_err(|error| {
            ApiError::new(
                JSON_SYNTAX,
                format!("The JSON body cannot be read: {error}"),
            )
        })?;
        Ok(Self::Json(object))
    }

    /// A text; empty counts as given.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Query(query) => query.get(name).map(Cow::Borrowed),
            Self::Json(object) => match object.get(name)? {
                Value::String(text) => Some(Cow::Borrowed(text)),
                Value::Number(number) => Some(Cow::Owned(number.to_string())),
                Value::Bool(bool) => Some(Cow::Owned(bool.to_string())),
                _ => None,
            },
        }
    }

    /// A text that is not empty.
    pub(super) fn set(&self, name: &str) -> Option<String> {
        self.text(name)
            .map(Cow::into_owned)
            .filter(|text| !text.is_empty())
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)?.trim().parse().ok()
    }

    /// A number from `min` on; others count as absent.
    pub(super) fn number(&self, name: &str, min: u32) -> Option<u32> {
        let number = u32::try_from(self.integer(name)?).ok()?;
        (number >= min).then_some(number)
    }

    /// `true` in any case of its letters, or anything else.
    pub(super) fn bool(&self, name: &str) -> Option<bool> {
        self.text(name)
            .map(|text| text.trim().eq_ignore_ascii_case("true"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_count_as_absent() {
        let query = Query::parse("a=3&b=abc&c=-1&d=TRUE&e=&f=0").unwrap();
        let fields = Fields::Query(&query);
        let numbers = ["a", "b", "c", "e", "f", "g"].map(|name| fields.number(name, 1));
        assert_eq!(numbers, [Some(3), None, None, None, None, None]);
        assert_eq!(fields.integer("c"), Some(-1));
        assert_eq!(
            ["d", "a", "g"].map(|name| fields.bool(name)),
            [Some(true), Some(false), None]
        );
        assert_eq!(
            (fields.text("e").as_deref(), fields.set("e")),
            (Some(""), None)
        );
    }

    #[test]
    fn a_json_body_is_read_leniently_but_has_to_be_an_object() {
        let body =
            Bytes::from_static(br#"{"url":"a.mar","batch_size":"4","initial_workers":2,"x":[]}"#);
        let fields = Fields::of_json(&body).unwrap();
        assert_eq!(fields.set("url").as_deref(), Some("a.mar"));
        assert_eq!(
            (
                fields.number("batch_size", 1),
                fields.number("initial_workers", 0)
            ),
            (Some(4), Some(2))
        );
        assert_eq!(fields.text("x"), None);
        for broken in ["{\"url\":", "[]", "3"] {
            let error = Fields::of_json(&Bytes::from_static(broken.as_bytes()))
                .err()
                .unwrap();
            assert_eq!((error.status(), error.kind()), (500, "JsonSyntaxException"));
        }
        assert!(
            Fields::of_json(&Bytes::from_static(b" \n"))
                .unwrap()
                .set("url")
                .is_none()
        );
    }
}
