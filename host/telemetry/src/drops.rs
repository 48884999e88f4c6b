//! The ledger of what was dropped before it came to the store: by source and reason, nothing silent.
//!
//! What the store itself refuses it counts itself; `meterbox_dropped_samples_total` is both together.

use meterbox_metrics::DropCount;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most pairs of source and reason. Sources are models and parts of the server, reasons a closed
/// set, so this is never met by an honest run; beyond it everything counts as [`OVERFLOW`].
const PAIRS_MAX: usize = 10_000;
const OVERFLOW: (&str, &str) = ("other", "other");

/// Counts what is dropped. Clones share one ledger.
#[derive(Debug, Clone, Default)]
pub struct Drops(Arc<RwLock<Ledger>>);

/// A pair that was met before costs a shared lock and no allocation: a flood of bad lines is no storm.
#[derive(Debug, Default)]
struct Ledger {
    counts: BTreeMap<&'static str, BTreeMap<Box<str>, AtomicU64>>,
    pairs: usize,
}

type Counts = BTreeMap<(Box<str>, &'static str), u64>;

impl Ledger {
    fn find(&self, source: &str, reason: &'static str) -> Option<&AtomicU64> {
        self.counts.get(reason)?.get(source)
    }

    fn add(&mut self, source: &str, reason: &'static str, times: u64) -> u64 {
        let full = self.pairs >= PAIRS_MAX && self.find(source, reason).is_none();
        let (source, reason) = if full { OVERFLOW } else { (source, reason) };
        self.pairs += usize::from(self.find(source, reason).is_none());
        let sources = self.counts.entry(reason).or_default();
        let count = sources.entry(source.into()).or_default().get_mut();
        *count += times;
        *count
    }
}

impl Drops {
    /// Counts one drop, and says the how manieth of its source and reason it is: the first is worth
    /// a line in the log, the others are not.
    pub fn count(&self, source: &str, reason: &'static str) -> u64 {
        self.add(source, reason, 1)
    }

    fn add(&self, source: &str, reason: &'static str, times: u64) -> u64 {
        if let Some(count) = self.0.read().find(source, reason) {
            return count.fetch_add(times, Ordering::Relaxed) + times;
        }
        self.0.write().add(source, reason, times)
    }

    /// How often a source met a reason.
    #[must_use]
    pub fn get(&self, source: &str, reason: &'static str) -> u64 {
        let ledger = self.0.read();
        let count = ledger.find(source, reason);
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Everything dropped so far, here and in the store.
    pub(super) fn with(&self, store: Vec<DropCount>) -> Counts {
        let mut all = Counts::new();
        for (reason, sources) in &self.0.read().counts {
            for (source, count) in sources {
                all.insert((source.clone(), *reason), count.load(Ordering::Relaxed));
            }
        }
        for drop in store {
            *all.entry((drop.source.into(), drop.reason.word()))
                .or_default() += drop.count;
        }
        all
    }
}

impl meterbox_logs::Losses for Drops {
    fn count(&self, source: &'static str, reason: &'static str, lines: u64) -> u64 {
        self.add(source, reason, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_metrics::Reason;

    #[test]
    fn drops_of_ledger_and_store_add_up() {
        let drops = Drops::default();
        assert_eq!(
            (
                drops.count("model:a", "conflict"),
                drops.count("model:a", "conflict")
            ),
            (1, 2)
        );
        drops.count("model:b", "line_name");
        let store = vec![DropCount {
            source: "model:a".into(),
            reason: Reason::Conflict,
            count: 5,
        }];
        let all = drops.with(store);
        assert_eq!(all[&("model:a".into(), "conflict")], 7);
        assert_eq!(all[&("model:b".into(), "line_name")], 1);
        assert_eq!(drops.get("model:a", "conflict"), 2);
    }

    #[test]
    fn a_flood_of_sources_ends_in_one_pair() {
        let drops = Drops::default();
        for source in 0..PAIRS_MAX + 10 {
            drops.count(&source.to_string(), "conflict");
        }
        assert_eq!(drops.get(OVERFLOW.0, OVERFLOW.1), 10);
        assert_eq!(drops.count("0", "conflict"), 2, "those known go on");
    }
}
