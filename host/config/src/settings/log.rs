//! The log.

use crate::environment::Environment;
use crate::value::Value;
use crate::values::Values;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// The least severe line that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Data lost or an operator needed.
    Error,
    /// Odd, but recovered.
    Warn,
    /// A person did something.
    Info,
    /// For the author of the code.
    Debug,
    /// Everything.
    Trace,
}

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
    /// The level of targets that `targets` does not name.
    pub level: LogLevel,
    /// Levels of single targets, such as `plugin.drift`.
    pub targets: Vec<(String, LogLevel)>,
    /// METERBOX_LOG: directives that override the levels.
    pub directives: Option<String>,
    /// One line per request.
    pub access: bool,
}

impl LogLevel {
    /// The level of this name, whatever its case.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let level = LEVELS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word));
        level.map(|(_, level)| *level)
    }
}

const LEVELS: &[(&str, LogLevel)] = &[
    ("off", LogLevel::Off),
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

impl LogSettings {
    pub(super) fn of(values: &Values, environment: &Environment) -> Self {
        let targets = values.chosen("log_level.<target>");
        let directives = environment.get("METERBOX_LOG").map(str::trim);
        Self {
            format: if values.word("log_format") == "json" {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
            level: LogLevel::from_word(&values.word("log_level"))
                .expect("the table lists the levels"),
            targets: targets
                .into_iter()
                .filter_map(|(target, value)| match value {
                    Value::Text(word) => Some((target, LogLevel::from_word(&word)?)),
                    _ => None,
                })
                .collect(),
            directives: directives
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            access: values.bool("access_log"),
        }
    }
}
