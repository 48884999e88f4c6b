//! Which lines are printed: a level for all targets and others for single ones.

use meterbox_config::{LogLevel, LogSettings};
use std::borrow::Cow;
use tracing::Level;
use tracing::level_filters::LevelFilter;

/// Levels by target; the longest target that is the line's own or contains it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    default: LogLevel,
    targets: Vec<(String, LogLevel)>,
}

/// A directive of METERBOX_LOG that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "environment METERBOX_LOG: {directive:?} is neither a level nor target=level (levels are off, error, warn, info, debug, trace)"
)]
pub struct BadDirective {
    /// The directive.
    pub directive: String,
}

/// The level of a line.
pub(super) fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

impl Levels {
    /// The levels of the settings, and the directives that cannot be read.
    #[must_use]
    pub fn of(settings: &LogSettings) -> (Self, Vec<BadDirective>) {
        let mut levels = Self {
            default: settings.level,
            targets: settings.targets.clone(),
        };
        if !settings.access {
            levels.set("access".to_owned(), LogLevel::Off);
        }
        let mut bad = Vec::new();
        let directives = settings.directives.as_deref().unwrap_or_default();
        for directive in directives
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
        {
            match directive.split_once('=') {
                None => match LogLevel::from_word(directive) {
                    Some(level) => levels.default = level,
                    None => bad.push(BadDirective {
                        directive: directive.to_owned(),
                    }),
                },
                Some((target, word)) => match LogLevel::from_word(word.trim()) {
                    Some(level) if !target.trim().is_empty() => {
                        levels.set(target.trim().to_owned(), level);
                    }
                    _ => bad.push(BadDirective {
                        directive: directive.to_owned(),
                    }),
                },
            }
        }
        (levels, bad)
    }

    fn set(&mut self, target: String, level: LogLevel) {
        self.targets.retain(|(known, _)| *known != target);
        self.targets.push((target, level));
    }

    /// The level of `target`, given with dots: `plugin.drift`.
    #[must_use]
    pub fn of_target(&self, target: &str) -> LogLevel {
        let contains = |outer: &str| {
            target
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.targets
            .iter()
            .filter(|(outer, _)| contains(outer))
            .max_by_key(|(outer, _)| outer.len())
            .map_or(self.default, |(_, level)| *level)
    }

    /// The most verbose level of `target` and all targets within it.
    pub(super) fn most_verbose_within(&self, target: &str) -> LogLevel {
        let within = self.targets.iter().filter(|(inner, _)| {
            inner
                .strip_prefix(target)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        within
            .map(|(_, level)| *level)
            .fold(self.of_target(target), LogLevel::max)
    }

    /// The most verbose level of all.
    pub(super) fn most_verbose(&self) -> LevelFilter {
        let all = self.targets.iter().map(|(_, level)| *level);
        match all.fold(self.default, LogLevel::max) {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

/// A module path as a target, with dots: `http.conn` for what is in the package `meterbox-http`.
pub(super) fn dotted(module_path: &str) -> Cow<'_, str> {
    let path = module_path
        .strip_prefix("meterbox::")
        .or_else(|| module_path.strip_prefix("meterbox_"))
        .unwrap_or(module_path);
    if path.contains("::") {
        Cow::Owned(path.replace("::", "."))
    } else {
        Cow::Borrowed(path)
    }
}
