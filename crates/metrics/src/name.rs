//! Names that are known to be valid: a value of these types was checked once and is never again.
//!
//! The character sets are those of the text format 0.0.4 and OpenMetrics 1.0; UTF-8 names of later
//! Prometheus versions are not supported.

use std::fmt;

use crate::error::NameError;

/// Longest metric or label name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

/// A valid metric name: `[a-zA-Z_:][a-zA-Z0-9_:]*`, at most 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricName(Box<str>);

/// A valid label name: `[a-zA-Z_][a-zA-Z0-9_]*`, at most 128 bytes, not starting with `__`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelName(Box<str>);

impl MetricName {
    /// Checks a name.
    ///
    /// # Errors
    /// Empty, too long, or a character that no metric name has.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check(name, |byte| byte == b':')?;
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LabelName {
    /// Checks a name.
    ///
    /// # Errors
    /// Empty, too long, a character that no label name has, or the reserved start `__`.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check(name, |_| false)?;
        if name.starts_with("__") {
            return Err(NameError::Reserved {
                name: name.to_owned(),
            });
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(name: &str, also: impl Fn(u8) -> bool) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes: name.len() });
    }
    let good = |at: usize, byte: u8| {
        byte.is_ascii_alphabetic()
            || byte == b'_'
            || also(byte)
            || (at > 0 && byte.is_ascii_digit())
    };
    match name
        .bytes()
        .enumerate()
        .position(|(at, byte)| !good(at, byte))
    {
        None => Ok(()),
        Some(at) => Err(NameError::BadCharacter {
            name: name.to_owned(),
            // The first byte that is not good starts a character: those before it are ASCII.
            character: name[at..].chars().next().unwrap_or('?'),
            at,
        }),
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_follow_the_text_format() {
        for good in [
            "a",
            "_",
            ":",
            "ts_queue:rate5m",
            "Requests2XX",
            &"x".repeat(128),
        ] {
            assert!(MetricName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "2xx", "a-b", "a b", "ä", "a\n", "a{", &"x".repeat(129)] {
            assert!(MetricName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn label_names_have_no_colon_and_no_double_underscore_in_front() {
        for good in ["a", "_a", "ModelName", "a__b"] {
            assert!(LabelName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a:b", "__name__", "0", "a.b", "a\"b"] {
            assert!(LabelName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_error_names_the_character_and_its_place() {
        let error = MetricName::new("ab-c").unwrap_err().to_string();
        assert!(
            error.contains("'-'") && error.contains("ab-c") && error.contains('2'),
            "{error}"
        );
        let error = MetricName::new("7up").unwrap_err().to_string();
        assert!(error.contains("'7'"), "{error}");
    }
}
