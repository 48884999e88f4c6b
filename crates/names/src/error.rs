//! What is wrong with a name or a label.

use std::fmt;

use crate::{LABELS_MAX, NAME_BYTES_MAX, VALUE_BYTES_MAX};

/// A metric or label name that is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// No characters at all.
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A character outside letters, digits and underscore.
    BadCharacter {
        /// The whole name.
        name: String,
        /// The first offending character.
        character: char,
        /// Its byte offset.
        at: usize,
    },
    /// A label name that starts with `__`.
    Reserved {
        /// The name.
        name: String,
    },
}

/// A set of labels, or the text of one, that may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelError {
    /// A name.
    Name(NameError),
    /// The same name twice.
    Twice(String),
    /// `le` on a histogram or `quantile` on a summary.
    Taken(String),
    /// More than [`LABELS_MAX`]; how many.
    TooMany(usize),
    /// A value longer than [`VALUE_BYTES_MAX`]; how long.
    ValueTooLong(usize),
    /// A block that is not `a="b",c="d"` with escaped values.
    Torn,
}

impl fmt::Display for NameError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("a name may not be empty"),
            Self::TooLong { bytes } => {
                write!(
                    out,
                    "a name of {bytes} bytes is too long (at most {NAME_BYTES_MAX})"
                )
            }
            Self::BadCharacter {
                name,
                character,
                at,
            } => write!(
                out,
                "name {name:?} has {character:?} at {at}: use letters, digits and underscore, no digit \
                 first"
            ),
            Self::Reserved { name } => write!(
                out,
                "label name {name:?} is reserved: choose one that does not start with two underscores"
            ),
        }
    }
}

impl fmt::Display for LabelError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => write!(out, "label: {error}"),
            Self::Twice(name) => write!(out, "label {name:?} is named twice: name each label once"),
            Self::Taken(name) => write!(
                out,
                "label {name:?} may not be on a family of this kind: the format uses it itself"
            ),
            Self::TooMany(labels) => {
                write!(out, "{labels} labels are too many (at most {LABELS_MAX})")
            }
            Self::ValueTooLong(bytes) => write!(
                out,
                "a label value of {bytes} bytes is too long (at most {VALUE_BYTES_MAX})"
            ),
            Self::Torn => out.write_str("labels that are not a=\"b\",c=\"d\" with escaped values"),
        }
    }
}

impl std::error::Error for NameError {}

impl std::error::Error for LabelError {}
