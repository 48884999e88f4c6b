//! The query of a request, decoded into pairs; and the percent-encoding of both query and path.
//!
//! **Source:** the texts of refusals are those of Netty's decoder in TorchServe 0.12.

use crate::error::{ApiError, Class};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Decoded pairs in their order; a name may come more than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=b&c=d`; `+` is a space, a pair without `=` has an empty value.
    ///
    /// # Errors
    /// 403 for a broken percent sign or text that is not UTF-8.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decode = |part: &str| decode(part, true).map(Cow::into_owned);
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The first value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of `name`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Every pair.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Decodes one segment of a path; `whole` is the path that it is part of.
///
/// # Errors
/// 403 for a broken percent sign or text that is not UTF-8.
pub(crate) fn decode_segment<'a>(segment: &'a str, whole: &str) -> Result<Cow<'a, str>, ApiError> {
    decode_in(segment, false, whole)
}

fn decode(text: &str, plus: bool) -> Result<Cow<'_, str>, ApiError> {
    decode_in(text, plus, text)
}

fn decode_in<'a>(text: &'a str, plus: bool, whole: &str) -> Result<Cow<'a, str>, ApiError> {
    check_escapes(text, whole)?;
    let decoded = if plus && text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8();
        decoded.map(|decoded| Cow::Owned(decoded.into_owned()))
    } else {
        percent_decode_str(text).decode_utf8()
    };
    decoded.map_err(|_| refusal(format!("not UTF-8 when decoded: '{whole}'")))
}

/// The decoder leaves a percent sign without two digits as it is, where TorchServe refuses it.
fn check_escapes(text: &str, whole: &str) -> Result<(), ApiError> {
    // Where the part begins in the text that the message quotes.
    let offset = (text.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    let offset = if offset <= whole.len() { offset } else { 0 };
    for (at, _) in text.match_indices('%') {
        let place = offset + at;
        let Some(digits) = text.as_bytes().get(at + 1..at + 3) else {
            return Err(refusal(format!(
                "unterminated escape sequence at index {place} of: {whole}"
            )));
        };
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            let (digits, place) = (String::from_utf8_lossy(digits), place + 1);
            return Err(refusal(format!(
                "invalid hex byte '{digits}' at index {place} of '{whole}'"
            )));
        }
    }
    Ok(())
}

fn refusal(why: String) -> ApiError {
    ApiError::new(Class::ILLEGAL_ARGUMENT, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_may_repeat() {
        let query = Query::parse("name[]=a%20b&name%5B%5D=c+d&&flag&e=").unwrap();
        assert_eq!(query.all("name[]").collect::<Vec<_>>(), ["a b", "c d"]);
        assert_eq!(
            (query.get("flag"), query.get("e"), query.get("x")),
            (Some(""), Some(""), None)
        );
        assert!(Query::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_broken_escape_is_named_as_torchserve_names_it() {
        let path = "/predictions/noop%zz";
        let error = decode_segment(&path[13..], path).unwrap_err();
        assert_eq!(error.status(), 403);
        assert_eq!(error.kind(), "IllegalArgumentException");
        assert_eq!(
            error.message(),
            "invalid hex byte 'zz' at index 18 of '/predictions/noop%zz'"
        );
        let cut = Query::parse("a=%4").unwrap_err();
        assert_eq!(
            cut.message(),
            "unterminated escape sequence at index 0 of: %4"
        );
        assert!(
            Query::parse("a=%ff")
                .unwrap_err()
                .message()
                .starts_with("not UTF-8")
        );
    }

    #[test]
    fn a_plus_is_a_plus_in_a_path() {
        assert_eq!(decode_segment("a+b%2Fc", "/a+b%2Fc").unwrap(), "a+b/c");
    }
}
