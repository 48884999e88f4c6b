//! Text to a typed value, as a row of the key table says.
//!
//! It looks at one value alone; what two values must agree on is in `check`.

use super::address::Address;
use super::error::Fault;
use super::key::{Key, Kind};
use super::name_pattern::NamePatterns;
use super::nearest::nearest;
use std::path::{Path, PathBuf};

/// A value that fits its row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Integer`].
    Integer(u64),
    /// Of [`Kind::Choice`] (in the case of the table) and [`Kind::Text`].
    Text(String),
    /// Of [`Kind::List`] and [`Kind::Choices`]; without blanks and empty items.
    List(Vec<String>),
    /// Of [`Kind::Path`].
    Path(PathBuf),
    /// Of [`Kind::Paths`].
    Paths(Vec<PathBuf>),
    /// Of [`Kind::Address`].
    Address(Address),
    /// Of [`Kind::Json`]: an object.
    Json(serde_json::Value),
    /// Of [`Kind::NamePatterns`].
    NamePatterns(NamePatterns),
}

impl Value {
    /// Reads `text`; relative paths are against `folder`.
    ///
    /// # Errors
    /// What is wrong and what the table expects.
    pub fn parse(key: &Key, text: &str, folder: &Path) -> Result<Self, Fault> {
        let text = text.trim();
        let owned = || text.to_owned();
        let expected = || key.expectation();
        Ok(match key.kind {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                "true" => Self::Bool(true),
                "false" => Self::Bool(false),
                _ => return Err(Fault::NotABool { text: owned(), expected: expected() }),
            },
            Kind::Integer { min, max } => Self::Integer(integer(key, text, min, max)?),
            Kind::Choice(words) => Self::Text(choice(key, words, text)?),
            Kind::Choices(words) => {
                let mut chosen: Vec<String> = Vec::new();
                for item in items(text) {
                    let word = choice(key, words, &item)?;
                    if !chosen.contains(&word) {
                        chosen.push(word);
                    }
                }
                Self::List(chosen)
            }
            Kind::Text => Self::Text(owned()),
            Kind::List => Self::List(items(text)),
            Kind::Path => Self::Path(folder.join(text)),
            Kind::Paths => Self::Paths(paths(text, folder)),
            Kind::Address { port } => match Address::parse(text, port) {
                Ok(Address::Unix(path)) => Self::Address(Address::Unix(folder.join(path))),
                Ok(address) => Self::Address(address),
                Err(why) => {
                    return Err(Fault::BadAddress { text: owned(), why, expected: expected() });
                }
            },
            Kind::Json => Self::Json(json(key, text)?),
            Kind::NamePatterns => Self::NamePatterns(NamePatterns::parse(text).map_err(|text| {
                Fault::BadItem {
                    text,
                    why: "is no name pattern (use letters, digits, _, .* for any text and | between)",
                }
            })?),
        })
    }
}

/// Whether an empty text means "not set": true for all kinds that have no empty value.
pub(super) fn empty_means_unset(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Text | Kind::Path | Kind::Json | Kind::NamePatterns
    )
}

fn integer(key: &Key, text: &str, min: u64, max: u64) -> Result<u64, Fault> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::NotAnInteger {
            text: text.to_owned(),
            expected: key.expectation(),
        });
    }
    // A number that does not fit 64 bits is out of every range as well.
    match text.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(Fault::OutOfRange {
            text: text.to_owned(),
            expected: key.expectation(),
        }),
    }
}

fn choice(key: &Key, words: &[&'static str], text: &str) -> Result<String, Fault> {
    match words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        Some(word) => Ok((*word).to_owned()),
        None => Err(Fault::NotAChoice {
            text: text.to_owned(),
            nearest: nearest(text, words.iter().copied()).map(str::to_owned),
            expected: key.expectation(),
        }),
    }
}

fn items(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Folders; the `/*` and `/*.jar` of a Java class path are dropped.
fn paths(text: &str, folder: &Path) -> Vec<PathBuf> {
    text.split([',', ':'])
        .map(str::trim)
        .map(|item| {
            item.strip_suffix("/*.jar")
                .or(item.strip_suffix("/*"))
                .unwrap_or(item)
        })
        .filter(|item| !item.is_empty())
        .map(|item| folder.join(item))
        .collect()
}

fn json(key: &Key, text: &str) -> Result<serde_json::Value, Fault> {
    let why = match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => return Ok(value),
        Ok(_) => "the JSON is not an object".to_owned(),
        Err(error) => format!("the JSON cannot be read: {error}"),
    };
    Err(Fault::BadJson {
        why,
        expected: key.expectation(),
    })
}
