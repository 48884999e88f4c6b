//! What tests of logs need: a folder of their own, and losses to look at.

use crate::Losses;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
use std::path::{Path, PathBuf};

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

/// A folder of a test's own, gone when the test ends.
#[cfg(test)]
pub(crate) struct Folder(PathBuf);

#[cfg(test)]
impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = format!("meterbox-logs-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
