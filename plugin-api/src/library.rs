//! What is one per library: the panic hook, and the way from it (and from the `log` crate) to the host.
//!
//! A plugin library has its own copy of the standard library, so the host's hook and logger do not see
//! what happens in it. This module is the one place with statics; it is used by exported libraries only,
//! never by the testkit.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::sync::{Once, PoisonError, RwLock};

use meterbox_plugin_abi::Level;

use crate::host::Host;

/// The host of the plugin that was created last; there is one per library but for a re-creation.
static HOST: RwLock<Option<Host>> = RwLock::new(None);

static HOOKS: Once = Once::new();

/// Sends panics, and what the `log` crate's macros say, to `host` from now on.
pub(crate) fn attach(host: &Host) {
    *HOST.write().unwrap_or_else(PoisonError::into_inner) = Some(host.clone());
    HOOKS.call_once(|| {
        panic::set_hook(Box::new(report));
        #[cfg(feature = "log")]
        bridge::install();
    });
    #[cfg(feature = "log")]
    bridge::set_level(host);
}

fn with_host(tell: impl FnOnce(&Host)) {
    // A lock that is being written must not be waited for inside a panic.
    if let Ok(host) = HOST.try_read()
        && let Some(host) = &*host
    {
        tell(host);
    }
}

/// One line per panic: what and where, and the backtrace where `RUST_BACKTRACE` asks for it.
fn report(panic: &PanicHookInfo<'_>) {
    with_host(|host| {
        let text = panic
            .payload_as_str()
            .unwrap_or("a payload that is not text");
        let place = panic
            .location()
            .map_or("an unknown place".to_owned(), ToString::to_string);
        let trace = Backtrace::capture();
        let line = match trace.status() {
            BacktraceStatus::Captured => format!("panicked at {place}: {text}\n{trace}"),
            _ => format!("panicked at {place}: {text}"),
        };
        host.log(Level::ERROR, &line);
    });
}

#[cfg(feature = "log")]
mod bridge {
    use log::{LevelFilter, Log, Metadata, Record};
    use meterbox_plugin_abi::Level;

    use super::{Host, with_host};

    struct Bridge;

    const LEVELS: [(log::Level, Level, LevelFilter); 5] = [
        (log::Level::Error, Level::ERROR, LevelFilter::Error),
        (log::Level::Warn, Level::WARN, LevelFilter::Warn),
        (log::Level::Info, Level::INFO, LevelFilter::Info),
        (log::Level::Debug, Level::DEBUG, LevelFilter::Debug),
        (log::Level::Trace, Level::TRACE, LevelFilter::Trace),
    ];

    fn border(level: log::Level) -> Level {
        let found = LEVELS.iter().find(|(ours, _, _)| *ours == level);
        found.map_or(Level::TRACE, |(_, border, _)| *border)
    }

    impl Log for Bridge {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            let mut enabled = false;
            with_host(|host| {
                enabled = host
                    .border()
                    .log_enabled(border(metadata.level()), metadata.target());
            });
            enabled
        }

        fn log(&self, record: &Record<'_>) {
            if self.enabled(record.metadata()) {
                let line = record.args().to_string();
                let level = border(record.level());
                with_host(|host| host.border().log(level, record.target(), &line));
            }
        }

        fn flush(&self) {}
    }

    pub(super) fn install() {
        // A plugin that set a logger of its own keeps it.
        let _already_set = log::set_logger(&Bridge);
    }

    /// Spares the crossing for levels that the host drops anyway.
    pub(super) fn set_level(host: &Host) {
        let kept = LEVELS
            .iter()
            .rev()
            .find(|(_, level, _)| host.log_enabled(*level));
        log::set_max_level(kept.map_or(LevelFilter::Off, |(_, _, filter)| *filter));
    }
}

#[cfg(all(test, feature = "testkit", feature = "log"))]
mod tests {
    use super::*;
    use crate::testkit::TestHost;

    #[test]
    fn panics_and_the_log_crate_reach_the_host() {
        let host = TestHost::new();
        attach(&host.host());
        log::warn!("level {} is low", 3);
        let line = line!() + 1;
        let caught = panic::catch_unwind(|| panic!("pump {} failed", 7));
        // Other tests of this process want the usual hook back.
        drop(panic::take_hook());
        assert!(caught.is_err());
        let lines = host.log_lines();
        assert!(
            lines.contains(&"warn: level 3 is low".to_owned()),
            "{lines:?}"
        );
        let start = format!("error: panicked at {}:{line}:", file!());
        let panic = lines.iter().find(|line| line.starts_with(&start));
        assert!(
            panic.is_some_and(|line| line.contains(": pump 7 failed")),
            "{lines:?}"
        );
    }
}
