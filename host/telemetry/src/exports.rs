//! Instruments of exports.

use super::handle::{Handle, Metric};
use super::names::exports as rows;
use super::register::Registrar;
use meterbox_metrics::{Counter, Gauge, RegisterError};
use parking_lot::Mutex;
use std::collections::BTreeSet;

/// Words in `reason` that one plugin may bring along by its verdicts; further ones are [`OTHER`].
const REASONS_MAX: usize = 32;
const OTHER: &str = "other";
/// Longest such word.
const REASON_BYTES_MAX: usize = 48;

/// Metrics of all exporters. Cheap to clone.
#[derive(Clone)]
pub struct ExportsMetrics {
    pushes: Metric<Counter>,
    delivered: Metric<Counter>,
    bytes: Metric<Counter>,
    retries: Metric<Counter>,
    dropped: Metric<Counter>,
    failures: Metric<Counter>,
    queue_length: Metric<Gauge>,
    queue_bytes: Metric<Gauge>,
    last_success: Metric<Gauge>,
}

/// Metrics of one exporter.
pub struct ExporterMetrics {
    plugin: String,
    families: ExportsMetrics,
    pushes: Handle<Counter>,
    delivered: Handle<Counter>,
    bytes: Handle<Counter>,
    retries: Handle<Counter>,
    queue_length: Handle<Gauge>,
    queue_bytes: Handle<Gauge>,
    reasons: Mutex<BTreeSet<String>>,
}

impl ExportsMetrics {
    pub(super) fn new(registrar: &Registrar<'_>) -> Result<Self, RegisterError> {
        Ok(Self {
            pushes: registrar.metric(&rows::PUSHES)?,
            delivered: registrar.metric(&rows::DELIVERED)?,
            bytes: registrar.metric(&rows::BYTES)?,
            retries: registrar.metric(&rows::RETRIES)?,
            dropped: registrar.metric(&rows::DROPPED)?,
            failures: registrar.metric(&rows::FAILURES)?,
            queue_length: registrar.metric(&rows::QUEUE_LENGTH)?,
            queue_bytes: registrar.metric(&rows::QUEUE_BYTES)?,
            last_success: registrar.metric(&rows::LAST_SUCCESS)?,
        })
    }

    /// The handles of one exporter.
    #[must_use]
    pub fn exporter(&self, plugin: &str) -> ExporterMetrics {
        let labels = [plugin];
        ExporterMetrics {
            plugin: plugin.to_owned(),
            families: self.clone(),
            pushes: self.pushes.with(&labels),
            delivered: self.delivered.with(&labels),
            bytes: self.bytes.with(&labels),
            retries: self.retries.with(&labels),
            queue_length: self.queue_length.with(&labels),
            queue_bytes: self.queue_bytes.with(&labels),
            reasons: Mutex::default(),
        }
    }
}

impl ExporterMetrics {
    /// A push was handed over.
    pub fn pushed(&self) {
        self.pushes.inc();
    }

    /// A push was delivered at `unix_seconds`, with so many bytes.
    pub fn delivered(&self, bytes: usize, unix_seconds: f64) {
        self.delivered.inc();
        self.bytes.add(bytes as u64);
        // Made by the first success: a page does not claim one in 1970.
        let last = self.families.last_success.with(&[&self.plugin]);
        last.set(unix_seconds);
    }

    /// An attempt has to be repeated.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// A push was dropped. `reason` may be anything that a plugin says.
    pub fn dropped(&self, reason: &str) {
        let reason = self.known(reason);
        self.families.dropped.inc(&[&self.plugin, &reason]);
    }

    /// It was not asked, or failed. `reason` is one of a closed set.
    pub fn failed(&self, reason: &'static str) {
        self.families.failures.inc(&[&self.plugin, reason]);
    }

    /// So much waits.
    pub fn queue(&self, pushes: usize, bytes: usize) {
        self.queue_length.set(pushes as f64);
        self.queue_bytes.set(bytes as f64);
    }

    /// The plugin is gone: its gauges leave the page, its counters stay.
    pub fn removed(&self) {
        let families = &self.families;
        for gauge in [
            &families.queue_length,
            &families.queue_bytes,
            &families.last_success,
        ] {
            gauge.remove(&[&self.plugin]);
        }
    }

    /// A label value of lower-case words, of a bounded number.
    fn known(&self, reason: &str) -> String {
        let word = word(reason);
        let mut known = self.reasons.lock();
        if known.contains(&word) {
            return word;
        }
        if known.len() >= REASONS_MAX {
            return OTHER.to_owned();
        }
        known.insert(word.clone());
        word
    }
}

/// `Bad line 7!` becomes `bad_line_7`.
fn word(reason: &str) -> String {
    let mut word = String::new();
    for letter in reason.chars() {
        if word.len() >= REASON_BYTES_MAX {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_lowercase());
        } else if !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
    }
    let word = word.trim_end_matches('_');
    if word.is_empty() { OTHER } else { word }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[test]
    fn what_a_plugin_says_becomes_a_word() {
        assert_eq!(word("Bad line 7!"), "bad_line_7");
        assert_eq!(word("status_404"), "status_404");
        assert_eq!(word("  "), "other");
        assert_eq!(word("ü"), "other");
        assert_eq!(word(&"x".repeat(200)).len(), REASON_BYTES_MAX);
    }

    #[test]
    fn a_flood_of_reasons_ends_in_one() {
        let bench = Bench::new();
        let exporter = bench.telemetry.exports().exporter("influx");
        for n in 0..REASONS_MAX + 3 {
            exporter.dropped(&format!("bad line {n}"));
        }
        exporter.dropped("bad line 0");
        let dropped = |reason: &str| {
            let labels = format!("plugin=\"influx\",reason=\"{reason}\"");
            bench.value("meterbox_export_dropped_total", &labels)
        };
        assert_eq!(dropped("other"), Some(3.0));
        assert_eq!(dropped("bad_line_0"), Some(2.0));
    }

    #[test]
    fn a_page_claims_no_success_before_the_first() {
        let bench = Bench::new();
        let exporter = bench.telemetry.exports().exporter("influx");
        let last = || {
            let name = "meterbox_export_last_success_timestamp_seconds";
            bench.value(name, "plugin=\"influx\"")
        };
        assert_eq!(last(), None);
        exporter.delivered(7, 1_800_000_000.0);
        assert_eq!(last(), Some(1_800_000_000.0));
        exporter.removed();
        assert_eq!(last(), None);
        let bytes = bench.value("meterbox_export_delivered_bytes_total", "plugin=\"influx\"");
        assert_eq!(bytes, Some(7.0), "counters stay");
    }
}
