//! What can be wrong with a line, and where.

/// A line that could not be read; its entry is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct Error {
    /// The line on which the entry starts, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// `\u` is not followed by four hexadecimal digits.
    #[error(
        r#""\u{found}" is not \u and four hexadecimal digits (write \\u for a backslash and a u)"#
    )]
    Unicode {
        /// What follows `\u`, at most four characters.
        found: String,
    },
    /// `\uD800` to `\uDFFF` that does not belong to a pair, so is no character.
    #[error(r#""\u{unit:04x}" is half of a surrogate pair and no character by itself"#)]
    Surrogate {
        /// The UTF-16 code unit.
        unit: u16,
    },
}
