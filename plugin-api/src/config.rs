//! A plugin's configuration: its own table, read key by key with errors that a person can act on.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The table of `<name>.toml` beside the library; empty when there is no such file.
///
/// A missing key takes the default that is asked with; a key of the wrong type is always an error that
/// names file, key, what was found and what was expected.
///
/// ```
/// # use meterbox_plugin::prelude::*;
/// # fn main() -> Result<()> {
/// let config = Config::from_json("drift", r#"{"window": 60, "models": ["noop"]}"#)?;
/// config.allow_only(&["window", "models", "limit"])?;
/// assert_eq!(config.int_or("window", 30)?, 60);
/// assert_eq!(config.f64_or("limit", 0.5)?, 0.5);
/// assert_eq!(config.list_or("models", &[])?, ["noop"]);
/// let error = config.str("limit").unwrap_err();
/// assert_eq!(error.message(), "drift.toml: limit is missing (expected a text)");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Config {
    origin: String,
    table: Map<String, Value>,
}

/// A type that a key can have.
trait Expected<'a>: Sized {
    const EXPECTED: &'static str;
    fn read(value: &'a Value) -> Option<Self>;
}

impl<'a> Expected<'a> for &'a str {
    const EXPECTED: &'static str = "a text";
    fn read(value: &'a Value) -> Option<Self> {
        value.as_str()
    }
}

impl Expected<'_> for i64 {
    const EXPECTED: &'static str = "a whole number";
    fn read(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl Expected<'_> for f64 {
    const EXPECTED: &'static str = "a number";
    fn read(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl Expected<'_> for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl<'a> Expected<'a> for Vec<&'a str> {
    const EXPECTED: &'static str = "a list of texts";
    fn read(value: &'a Value) -> Option<Self> {
        value.as_array()?.iter().map(Value::as_str).collect()
    }
}

impl<'a> Expected<'a> for Vec<f64> {
    const EXPECTED: &'static str = "a list of numbers";
    fn read(value: &'a Value) -> Option<Self> {
        value.as_array()?.iter().map(Value::as_f64).collect()
    }
}

impl<'a> Expected<'a> for &'a Map<String, Value> {
    const EXPECTED: &'static str = "a table";
    fn read(value: &'a Value) -> Option<Self> {
        value.as_object()
    }
}

impl Config {
    /// Reads the JSON form in which a table crosses the border. `plugin` is only for error texts.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn from_json(plugin: &str, json: &str) -> Result<Self> {
        let origin = format!("{plugin}.toml");
        if json.is_empty() {
            return Ok(Self {
                origin,
                table: Map::new(),
            });
        }
        match serde_json::from_str(json) {
            Ok(Value::Object(table)) => Ok(Self { origin, table }),
            Ok(_) => Err(Error::invalid(format!("{origin}: not a table"))),
            Err(error) => Err(Error::invalid(format!("{origin}: {error}"))),
        }
    }

    fn find<'a, T: Expected<'a>>(&'a self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.table.get(key) else {
            return Ok(None);
        };
        T::read(value).map(Some).ok_or_else(|| {
            let (origin, expected) = (&self.origin, T::EXPECTED);
            Error::invalid(format!("{origin}: {key} is {value} (expected {expected})"))
        })
    }

    fn need<'a, T: Expected<'a>>(&'a self, key: &str) -> Result<T> {
        self.find(key)?.ok_or_else(|| {
            let (origin, expected) = (&self.origin, T::EXPECTED);
            Error::invalid(format!("{origin}: {key} is missing (expected {expected})"))
        })
    }

    /// Whether the key is there.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The keys of this table.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    /// A text.
    ///
    /// # Errors
    /// When it is missing or of another type; so for all methods of this kind.
    pub fn str(&self, key: &str) -> Result<&str> {
        self.need(key)
    }

    /// A text, or the default.
    ///
    /// # Errors
    /// When it is of another type; so for all methods with a default.
    pub fn str_or<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str> {
        Ok(self.find(key)?.unwrap_or(default))
    }

    /// A whole number.
    ///
    /// # Errors
    /// As [`Config::str`].
    pub fn int(&self, key: &str) -> Result<i64> {
        self.need(key)
    }

    /// A whole number, or the default.
    ///
    /// # Errors
    /// As [`Config::str_or`].
    pub fn int_or(&self, key: &str, default: i64) -> Result<i64> {
        Ok(self.find(key)?.unwrap_or(default))
    }

    /// A whole number within bounds, or the default.
    ///
    /// # Errors
    /// As [`Config::str_or`], and when it is out of bounds.
    pub fn int_within(&self, key: &str, default: i64, min: i64, max: i64) -> Result<i64> {
        let found = self.int_or(key, default)?;
        if (min..=max).contains(&found) {
            return Ok(found);
        }
        let origin = &self.origin;
        Err(Error::invalid(format!(
            "{origin}: {key} is {found} (expected {min} to {max})"
        )))
    }

    /// A number.
    ///
    /// # Errors
    /// As [`Config::str`].
    pub fn f64(&self, key: &str) -> Result<f64> {
        self.need(key)
    }

    /// A number, or the default.
    ///
    /// # Errors
    /// As [`Config::str_or`].
    pub fn f64_or(&self, key: &str, default: f64) -> Result<f64> {
        Ok(self.find(key)?.unwrap_or(default))
    }

    /// True or false.
    ///
    /// # Errors
    /// As [`Config::str`].
    pub fn bool(&self, key: &str) -> Result<bool> {
        self.need(key)
    }

    /// True or false, or the default.
    ///
    /// # Errors
    /// As [`Config::str_or`].
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.find(key)?.unwrap_or(default))
    }

    /// A list of texts.
    ///
    /// # Errors
    /// As [`Config::str`].
    pub fn list(&self, key: &str) -> Result<Vec<&str>> {
        self.need(key)
    }

    /// A list of texts, or the default.
    ///
    /// # Errors
    /// As [`Config::str_or`].
    pub fn list_or<'a>(&'a self, key: &str, default: &[&'a str]) -> Result<Vec<&'a str>> {
        Ok(self.find(key)?.unwrap_or_else(|| default.to_vec()))
    }

    /// A list of numbers, or the default.
    ///
    /// # Errors
    /// As [`Config::str_or`].
    pub fn numbers_or(&self, key: &str, default: &[f64]) -> Result<Vec<f64>> {
        Ok(self.find(key)?.unwrap_or_else(|| default.to_vec()))
    }

    /// A table inside this one; an empty one when it is missing.
    ///
    /// # Errors
    /// When the key is something else.
    pub fn table(&self, key: &str) -> Result<Self> {
        let table: Option<&Map<String, Value>> = self.find(key)?;
        let origin = format!("{}: [{key}]", self.origin);
        Ok(Self {
            origin,
            table: table.cloned().unwrap_or_default(),
        })
    }

    /// Refuses keys other than these, so that a misspelt one is not silently ignored.
    ///
    /// # Errors
    /// Names the first unknown key and the keys that are known.
    pub fn allow_only(&self, known: &[&str]) -> Result<()> {
        match self.keys().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(Error::invalid(format!(
                "{}: {key} is not a key of this plugin (known: {})",
                self.origin,
                known.join(", ")
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses<T: std::fmt::Debug>(found: Result<T>, text: &str) {
        let error = found.expect_err("a refusal");
        assert_eq!(
            (error.kind(), error.message()),
            (crate::ErrorKind::Invalid, text)
        );
    }

    #[test]
    fn a_wrong_type_names_file_key_value_and_what_was_expected() {
        let config = Config::from_json("p", r#"{"a":"x","b":[1],"t":{"c":2}}"#).expect("a table");
        refuses(
            config.int_or("a", 1),
            r#"p.toml: a is "x" (expected a whole number)"#,
        );
        refuses(
            config.list_or("b", &[]),
            "p.toml: b is [1] (expected a list of texts)",
        );
        refuses(
            config.bool("z"),
            "p.toml: z is missing (expected true or false)",
        );
        refuses(config.table("a"), r#"p.toml: a is "x" (expected a table)"#);
        let inner = config.table("t").expect("a table");
        refuses(inner.str("c"), "p.toml: [t]: c is 2 (expected a text)");
        refuses(
            inner.int_within("c", 1, 3, 9),
            "p.toml: [t]: c is 2 (expected 3 to 9)",
        );
        refuses(
            inner.allow_only(&["d"]),
            "p.toml: [t]: c is not a key of this plugin (known: d)",
        );
        assert_eq!(config.numbers_or("b", &[]), Ok(vec![1.0]));
    }

    #[test]
    fn no_file_is_an_empty_table_and_no_table_is_refused() {
        let config = Config::from_json("p", "").expect("empty");
        assert_eq!(config.keys().count(), 0);
        refuses(Config::from_json("p", "[]"), "p.toml: not a table");
    }
}
