//! What tests of logs need: a folder of their own, and losses to look at.

use crate::Losses;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts losses. Clones share one count.
#[derive(Debug, Clone, Default)]
pub struct Lost(Arc<Mutex<BTreeMap<(&'static str, &'static str), u64>>>);

impl Lost {
    /// How many lines of `source` were lost to `reason`.
    #[must_use]
    pub fn get(&self, source: &'static str, reason: &'static str) -> u64 {
        self.0.lock().get(&(source, reason)).copied().unwrap_or(0)
    }
}

impl Losses for Lost {
    fn count(&self, source: &'static str, reason: &'static str, lines: u64) -> u64 {
        let mut counts = self.0.lock();
        let count = counts.entry((source, reason)).or_default();
        *count += lines;
        *count
    }
}
