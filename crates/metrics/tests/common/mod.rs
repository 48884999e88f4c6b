//! What the tests of the public interface share: a clock that is set by hand and a page as text.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use meterbox_metrics::{Columns, Kind, Limits, Options, Registry, Source, SourceOptions};

/// A clock that stands still until it is moved.
#[derive(Clone, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    /// Moves the time on.
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// A registry with these limits and a clock that begins at second 1000.
pub(crate) fn registry_with(limits: Limits) -> (Registry, HandClock) {
    let (mut options, clock) = options();
    options.limits = limits;
    (Registry::new(options), clock)
}

/// A registry that reserves a name set, and one source named `test` that may do everything.
pub(crate) fn registry_reserving(set: &str) -> (Registry, Source) {
    let (mut options, _) = options();
    options.reserved_sets = vec![set.to_owned()];
    let registry = Registry::new(options);
    let source = registry.source("test", &SourceOptions::own()).unwrap();
    (registry, source)
}

fn options() -> (Options, HandClock) {
    let clock = HandClock::default();
    clock.advance(1000);
    let told = clock.clone();
    let mut options = Options::new(move || told.0.load(Ordering::Relaxed) as f64);
    options.reserved_prefixes = vec!["meterbox_".to_owned(), "ts_".to_owned()];
    options.name_sets = vec!["first".to_owned(), "second".to_owned()];
    (options, clock)
}

/// A registry and one source named `test` that may do everything.
pub(crate) fn registry() -> (Registry, Source) {
    let (registry, _) = registry_with(Limits::default());
    let source = registry.source("test", &SourceOptions::own()).unwrap();
    (registry, source)
}

/// The page as lines `name{labels} values`, in order.
pub(crate) fn page(registry: &Registry) -> String {
    let mut text = String::new();
    let mut columns = Columns::new();
    for family in registry.gather().families() {
        for segment in family.segments() {
            segment.read(&mut columns);
            assert_eq!(segment.label_ends().len(), segment.len());
            assert_eq!(segment.created_seconds().len(), segment.len());
            for (row, block) in segment.blocks().enumerate() {
                write!(text, "{}{{{block}}}", family.name()).unwrap();
                match family.kind() {
                    Kind::Histogram | Kind::Summary => {
                        let width = columns.bucket_counts().len() / segment.len();
                        let buckets = &columns.bucket_counts()[row * width..(row + 1) * width];
                        let (count, sum) = (columns.counts()[row], columns.sums()[row]);
                        writeln!(text, " {buckets:?} {count} {sum}").unwrap();
                    }
                    _ => writeln!(text, " {}", columns.values()[row]).unwrap(),
                }
            }
        }
    }
    text
}

/// How often `source` met the reason with this word.
pub(crate) fn drops(registry: &Registry, source: &str, reason: &str) -> u64 {
    let found = registry.drops();
    let found = found
        .iter()
        .find(|drop| drop.source == source && drop.reason.word() == reason);
    found.map_or(0, |drop| drop.count)
}
