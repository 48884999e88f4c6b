//! Where a value comes from.

use std::fmt;
use std::sync::Arc;

/// Where a value comes from, in rising precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file.
    File {
        /// The file as it was named.
        name: Arc<str>,
        /// The line, counted from 1.
        line: usize,
    },
    /// An option of the command line.
    CommandLine {
        /// The option, with its dashes.
        option: String,
    },
    /// An environment variable.
    Environment {
        /// The variable.
        variable: String,
    },
}

impl Origin {
    /// Sorts what is said about values: the file by line, then the other sources.
    pub(super) fn place(&self) -> (u8, usize) {
        match self {
            Self::File { line, .. } => (0, *line),
            Self::CommandLine { .. } => (1, 0),
            Self::Environment { .. } => (2, 0),
            Self::Default => (3, 0),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::CommandLine { option } => write!(f, "command line {option}"),
            Self::Environment { variable } => write!(f, "environment {variable}"),
        }
    }
}
