//! Logical lines to keys and values.

use crate::decode::decode;
use crate::error::Error;
use crate::escape::unescape;
use crate::lines::{LogicalLine, is_blank, logical_lines};

/// One key and its value, with escapes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key; empty only if the line starts with a separator.
    pub key: String,
    /// The value, with its trailing blanks; empty if the line has none.
    pub value: String,
    /// The line on which the entry starts, counted from 1.
    pub line: usize,
}

/// What a text holds, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// All entries that could be read, equal keys included.
    pub entries: Vec<Entry>,
    /// All lines that could not.
    pub errors: Vec<Error>,
}

/// Reads the content of a `.properties` file.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    let mut parsed = Parsed::default();
    for logical in logical_lines(&decode(bytes)) {
        match entry(&logical) {
            Ok(entry) => parsed.entries.push(entry),
            Err(error) => parsed.errors.push(error),
        }
    }
    parsed
}

/// The key ends at the first `=`, `:` or blank without a backslash; blanks around one separator
/// belong to neither side.
fn entry(logical: &LogicalLine) -> Result<Entry, Error> {
    let LogicalLine { text, line } = logical;
    let (key, rest) = text.split_at(end_of_key(text));
    let rest = rest.trim_start_matches(is_blank);
    let value = rest
        .strip_prefix(['=', ':'])
        .unwrap_or(rest)
        .trim_start_matches(is_blank);
    let read = |text| unescape(text).map_err(|fault| Error { line: *line, fault });
    Ok(Entry {
        key: read(key)?,
        value: read(value)?,
        line: *line,
    })
}

fn end_of_key(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if !escaped && (is_blank(c) || c == '=' || c == ':') {
            return at;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
