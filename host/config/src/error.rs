//! What can be wrong with a configuration, what is odd about it, and where.

use super::origin::Origin;
use std::path::PathBuf;

/// Why there is no configuration; the process ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file that was named cannot be read.
    #[error("{}: {source} ({named_by} names this file)", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// `--config`, `TS_CONFIG_FILE`, ...
        named_by: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Everything that is wrong with the values, at least one error.
    #[error("{}", lines(.0))]
    Invalid(Vec<ConfigError>),
}

fn lines(errors: &[ConfigError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// One value that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {key}: {fault}")]
pub struct ConfigError {
    /// Where the value was set.
    pub origin: Origin,
    /// The key, as it was written.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The line cannot be read.
    #[error("{0}")]
    Syntax(meterbox_properties::Fault),
    /// A truth value other than true and false.
    #[error("{text:?} is neither true nor false (expected {expected})")]
    NotABool {
        /// The value.
        text: String,
        /// What the table expects.
        expected: String,
    },
    /// Not a whole number.
    #[error("{text:?} is not an integer (expected {expected})")]
    NotAnInteger {
        /// The value.
        text: String,
        /// What the table expects.
        expected: String,
    },
    /// A number out of its range.
    #[error("{text} is out of range (expected {expected})")]
    OutOfRange {
        /// The value.
        text: String,
        /// What the table expects.
        expected: String,
    },
    /// A word that is not in the list.
    #[error("{text:?} is not known{} (expected {expected})", did_you_mean(.nearest))]
    NotAChoice {
        /// The value.
        text: String,
        /// The nearest word, if one is near.
        nearest: Option<String>,
        /// What the table expects.
        expected: String,
    },
    /// An address that cannot be understood or served.
    #[error("{text:?} {why} (expected {expected})")]
    BadAddress {
        /// The value.
        text: String,
        /// What is wrong with it.
        why: &'static str,
        /// What the table expects.
        expected: String,
    },
    /// JSON that cannot be read or has another shape.
    #[error("{why} (expected {expected})")]
    BadJson {
        /// What is wrong with it.
        why: String,
        /// What is expected.
        expected: String,
    },
    /// A list item of another shape.
    #[error("{text:?} {why}")]
    BadItem {
        /// The item.
        text: String,
        /// What is wrong and what to do.
        why: &'static str,
    },
    /// A key of the command line that the table does not have; in a file this is a warning.
    #[error("unknown key{}", did_you_mean(.nearest))]
    UnknownKey {
        /// The nearest key, if one is near.
        nearest: Option<String>,
    },
    /// `$$NAME$$` names a variable that is not set.
    #[error(
        "invalid configuration: environment variable {variable} is not set (set it or remove $${variable}$$)"
    )]
    UnsetVariable {
        /// The variable.
        variable: String,
    },
    /// Two names of one key say different things.
    #[error("{other_at} sets the same under the name {other}, to another value; keep one")]
    TwoNames {
        /// The other name.
        other: String,
        /// Where that one is.
        other_at: String,
    },
    /// Two addresses of which only one can be bound.
    #[error(
        "{address} cannot be bound together with {other} ({other_address}); use the same host or another port"
    )]
    AddressClash {
        /// This address.
        address: String,
        /// The other key.
        other: &'static str,
        /// Its address.
        other_address: String,
    },
    /// A number that must be less than another one.
    #[error("{value} is not less than {other} ({other_value})")]
    NotLess {
        /// This value.
        value: u64,
        /// The other key.
        other: &'static str,
        /// Its value.
        other_value: u64,
    },
    /// A folder that has to be there.
    #[error("{} is not a folder; create it or name another one", path.display())]
    NotAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file that has to be there.
    #[error("{} is not a file; create it or remove this line", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
}

pub(super) fn did_you_mean(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|word| format!(", did you mean {word}?"))
        .unwrap_or_default()
}

/// One thing that is odd and does not stop the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {key}: {notice}")]
pub struct Warning {
    /// Where the value was set.
    pub origin: Origin,
    /// The key, as it was written.
    pub key: String,
    /// What is odd.
    pub notice: Notice,
}

/// What is odd about a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Notice {
    /// No row of the table has this name; the value is kept.
    #[error("unknown key{}", did_you_mean(.nearest))]
    Unknown {
        /// The nearest key, if one is near.
        nearest: Option<String>,
    },
    /// A later line sets the same key.
    #[error("set again in line {line}, which wins")]
    SetAgain {
        /// The later line.
        line: usize,
    },
    /// The key is accepted and changes nothing.
    #[error("has no effect: {why}")]
    WithoutEffect {
        /// Why.
        why: &'static str,
    },
    /// `allowed_urls` is set.
    #[error("has no effect: this version registers models from model_store only")]
    StoreOnly,
    /// Management can be reached from other machines without a token.
    #[error(
        "{address} can be reached from other machines and needs no token: anyone there can run code here (remove disable_token_authorization=true, or bind 127.0.0.1)"
    )]
    InsecureManagement {
        /// The address.
        address: String,
    },
    /// Somebody other than the file asked for no tokens, off loopback.
    #[error(
        "is not obeyed, tokens stay on: {address} can be reached from other machines, so only disable_token_authorization=true in the file can turn them off"
    )]
    TokensKept {
        /// The address.
        address: String,
    },
    /// Both model_snapshot and load_models are set.
    #[error("is ignored: model_snapshot says which models to load")]
    SnapshotWins,
}
