//! The server's own log: one line per event on standard error, as text or as JSON.
//!
//! Code logs through `tracing`; this module decides what is printed (`levels`) and how (`line`,
//! `layer`). Targets are module paths with dots and without the crate, as `http.conn`; lines of a
//! plugin have the target `plugin.<name>`. Text from outside cannot start a new line or steer a
//! terminal, and is cut at 8 KiB per field. There are no log files and no spans here.

mod layer;
mod levels;
mod line;

pub use levels::{BadDirective, Levels};

use arc_swap::ArcSwap;
use layer::LogLayer;
use levels::level_of;
use line::{EventOrigin, EventText};
use meterbox_config::{LogFormat, LogSettings};
use std::sync::Arc;
use std::time::SystemTime;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt;

/// The target of plugin lines in the code. A target is a constant of its call site, so the plugin's
/// name travels as the field `plugin` and is appended when the line is printed.
const PLUGIN_TARGET: &str = "plugin";

/// The running log: asks and changes what is printed.
#[derive(Debug, Clone)]
pub struct Log {
    levels: Arc<ArcSwap<Levels>>,
    format: LogFormat,
}

/// Another log was installed in this process before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this process has a log already")]
pub struct AlreadyInstalled;

impl Log {
    /// A log with these settings, and the directives among them that cannot be read. It is not that of
    /// the process yet.
    pub(crate) fn of(settings: &LogSettings) -> (Self, Vec<BadDirective>) {
        let (levels, bad) = Levels::of(settings);
        let log = Self {
            levels: Arc::new(ArcSwap::from_pointee(levels)),
            format: settings.format,
        };
        (log, bad)
    }

    /// Makes standard error the log of this process, and warns there about directives of
    /// METERBOX_LOG that cannot be read.
    ///
    /// # Errors
    /// There is a log already: it can be installed once.
    pub fn install(settings: &LogSettings) -> Result<Self, AlreadyInstalled> {
        let (log, bad) = Self::of(settings);
        let layer = log.layer(std::io::stderr);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::set_global_default(subscriber).map_err(|_| AlreadyInstalled)?;
        warn_about(&bad);
        Ok(log)
    }

    /// Applies new levels; the format stays until the next start.
    pub fn apply(&self, settings: &LogSettings) {
        let (levels, bad) = Levels::of(settings);
        self.levels.store(Arc::new(levels));
        tracing::callsite::rebuild_interest_cache();
        warn_about(&bad);
    }

    /// Whether a line of `target`, such as `plugin.drift`, is printed at this level.
    #[must_use]
    pub fn allows(&self, target: &str, level: Level) -> bool {
        self.levels.load().of_target(target) >= level_of(level)
    }

    fn layer<W>(&self, writer: W) -> LogLayer<W> {
        LogLayer::new(Arc::clone(&self.levels), self.format, writer)
    }

    /// Appends a line that was said at `time` and has no fields, as it would be printed.
    pub(crate) fn push(&self, time: SystemTime, target: &str, message: &str, out: &mut String) {
        let origin = EventOrigin {
            time,
            level: Level::INFO,
            target,
        };
        line::push(self.format, origin, &EventText::message(message), out);
    }
}

fn warn_about(bad: &[BadDirective]) {
    for directive in bad {
        tracing::warn!(target: "log", "{directive}");
    }
}

#[cfg(test)]
mod tests;
