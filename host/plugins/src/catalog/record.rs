//! What is kept under a plugin's name, over its generations and over the removal of its file.

use crate::budgets::counts::Budgets;
use crate::process::processes::Processes;
use meterbox_metrics::Source;
use meterbox_plugin_loader::running::CallCounters;
use meterbox_telemetry::server::FaultCounters;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The record of one plugin: its counters never go back, and its libraries stay mapped.
pub(super) struct PluginRecord {
    pub(super) counters: Arc<CallCounters>,
    pub(super) budgets: Arc<Budgets>,
    pub(super) processes: Arc<Processes>,
    /// Whose its series are, once it was started.
    source: Mutex<Option<Source>>,
    generation: AtomicU64,
    loads: AtomicU64,
    mapped_bytes: AtomicU64,
}

impl PluginRecord {
    /// Of the plugin of this name, which was never loaded yet.
    pub(super) fn new(plugin: &str, faults: FaultCounters) -> Arc<Self> {
        let budgets = Arc::new(Budgets::new(plugin, faults));
        Arc::new(Self {
            counters: Arc::default(),
            processes: Arc::new(Processes::new(budgets.clone())),
            budgets,
            source: Mutex::default(),
            generation: AtomicU64::new(0),
            loads: AtomicU64::new(0),
            mapped_bytes: AtomicU64::new(0),
        })
    }

    /// Its last generation; 0 before the first.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The number of the generation that is about to start.
    pub(super) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How often it was loaded into this process.
    pub(super) fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    /// Bytes of all its libraries, which stay mapped.
    pub(super) fn mapped_bytes(&self) -> u64 {
        self.mapped_bytes.load(Ordering::Relaxed)
    }

    /// A library of it was loaded into this process.
    pub(super) fn loaded(&self, mapped_bytes: u64) {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.mapped_bytes.fetch_add(mapped_bytes, Ordering::Relaxed);
    }

    /// Its series belong to this source from now on.
    pub(super) fn belongs_to(&self, source: Source) {
        *self.source.lock() = Some(source);
    }

    /// Whose its series are.
    pub(super) fn source(&self) -> Option<Source> {
        self.source.lock().clone()
    }

    /// Series that belong to it.
    pub(super) fn series(&self) -> usize {
        self.source().as_ref().map_or(0, Source::series_len)
    }

    /// Takes over what the loader and the store counted of it.
    pub(super) fn observe(&self) {
        self.budgets.observe_counts(&self.counters.counts());
        if let Some(source) = self.source() {
            self.budgets.observe_drops(&source);
        }
    }
}
