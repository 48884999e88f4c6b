//! Every value of the table, typed, with its origin.
//!
//! A value that does not fit its row is an error and the default stands in, so that one run finds
//! all errors. What the values mean together is decided in `settings` and `check`.

use super::address::Address;
use super::error::{ConfigError, Notice, Warning};
use super::key::Key;
use super::keys;
use super::name_pattern::NamePatterns;
use super::origin::Origin;
use super::raw::{RawConfig, RawValue};
use super::value::{Value, empty_means_unset};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One value of the configuration as `config show` prints it and a plugin may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The present name of the key.
    pub key: String,
    /// The text; a secret is replaced by asterisks.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Typed values by key; a key without value and default is absent.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    typed: BTreeMap<String, (Value, Origin)>,
    pub(super) properties: Vec<Property>,
    pub(super) errors: Vec<ConfigError>,
    pub(super) warnings: Vec<Warning>,
}

impl Values {
    /// Types what was said; relative paths of defaults are against `folder`.
    pub(super) fn of(raw: RawConfig, folder: &Path) -> Self {
        let RawConfig {
            values: mut said,
            errors,
            warnings,
        } = raw;
        let mut values = Self {
            errors,
            warnings,
            ..Self::default()
        };
        for key in keys::all().filter(|key| !key.is_pattern()) {
            match said.remove(key.name) {
                Some(raw) => values.add(key, key.name, raw, folder),
                None => values.add_default(key, folder),
            }
        }
        for (name, raw) in said {
            match keys::find(&name) {
                Some(key) => values.add(key, &name, raw, folder),
                None => values.show(&name, raw.text, raw.origin),
            }
        }
        values
    }

    fn add(&mut self, key: &Key, name: &str, raw: RawValue, folder: &Path) {
        if raw.text.trim().is_empty() && empty_means_unset(key.kind) {
            return self.add_default(key, folder);
        }
        match Value::parse(key, &raw.text, &raw.folder) {
            Ok(value) => {
                let is_off = value == Value::Bool(false);
                if let Some(why) = key.without_effect.filter(|_| !is_off) {
                    let notice = Notice::WithoutEffect { why };
                    self.warn(&raw.origin, &raw.written, notice);
                }
                self.typed
                    .insert(name.to_owned(), (value, raw.origin.clone()));
                let text = if key.secret {
                    "***".to_owned()
                } else {
                    raw.text
                };
                self.show(name, text, raw.origin);
            }
            Err(fault) => {
                self.errors.push(ConfigError {
                    origin: raw.origin,
                    key: raw.written,
                    fault,
                });
                self.add_default(key, folder);
            }
        }
    }

    fn add_default(&mut self, key: &Key, folder: &Path) {
        let Some(text) = key.default.filter(|_| !key.is_pattern()) else {
            return;
        };
        let value = Value::parse(key, text, folder).expect("a test reads every default");
        self.typed
            .insert(key.name.to_owned(), (value, Origin::Default));
        self.show(key.name, text.to_owned(), Origin::Default);
    }

    fn show(&mut self, key: &str, text: String, origin: Origin) {
        self.properties.push(Property {
            key: key.to_owned(),
            text,
            origin,
        });
    }

    pub(super) fn warn(&mut self, origin: &Origin, key: &str, notice: Notice) {
        self.warnings.push(Warning {
            origin: origin.clone(),
            key: key.to_owned(),
            notice,
        });
    }

    pub(super) fn refuse(&mut self, key: &str, fault: super::error::Fault) {
        let origin = self.origin(key);
        self.errors.push(ConfigError {
            origin,
            key: key.to_owned(),
            fault,
        });
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        debug_assert!(keys::find(key).is_some(), "{key} is not in the key table");
        self.typed.get(key).map(|(value, _)| value)
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.typed
            .get(key)
            .map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The parts that users chose for the pattern `pattern`, with their values.
    pub(super) fn chosen(&self, pattern: &str) -> Vec<(String, Value)> {
        let key = keys::find(pattern).expect("the pattern is a row of the key table");
        let chosen = |name: &String| key.chosen(name).map(str::to_owned);
        self.typed
            .iter()
            .filter_map(|(name, (value, _))| Some((chosen(name)?, value.clone())))
            .collect()
    }

    pub(super) fn bool(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Value::Bool(true)))
    }

    /// The number of a key that has a default.
    pub(super) fn number(&self, key: &str) -> u64 {
        self.optional_number(key).expect("the row has a default")
    }

    pub(super) fn optional_number(&self, key: &str) -> Option<u64> {
        match self.get(key) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// The number of a key whose range fits `usize`.
    pub(super) fn size(&self, key: &str) -> usize {
        usize::try_from(self.number(key)).unwrap_or(usize::MAX)
    }

    pub(super) fn millis(&self, key: &str) -> Duration {
        Duration::from_millis(self.number(key))
    }

    pub(super) fn seconds(&self, key: &str) -> Duration {
        Duration::from_secs(self.number(key))
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// The word of a key that has a default.
    pub(super) fn word(&self, key: &str) -> String {
        self.text(key).expect("the row has a default")
    }

    pub(super) fn list(&self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Value::List(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        match self.get(key) {
            Some(Value::Path(path)) => Some(path.clone()),
            _ => None,
        }
    }

    pub(super) fn paths(&self, key: &str) -> Vec<PathBuf> {
        match self.get(key) {
            Some(Value::Paths(paths)) => paths.clone(),
            _ => Vec::new(),
        }
    }

    /// The address of a key that has a default.
    pub(super) fn address(&self, key: &str) -> Address {
        match self.get(key) {
            Some(Value::Address(address)) => address.clone(),
            _ => unreachable!("every address has a default in the key table"),
        }
    }

    pub(super) fn json(&self, key: &str) -> Option<&serde_json::Value> {
        match self.get(key) {
            Some(Value::Json(value)) => Some(value),
            _ => None,
        }
    }

    pub(super) fn name_patterns(&self, key: &str) -> NamePatterns {
        match self.get(key) {
            Some(Value::NamePatterns(patterns)) => patterns.clone(),
            _ => NamePatterns::default(),
        }
    }
}
