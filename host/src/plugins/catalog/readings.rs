//! Keeps the metrics about plugins up to date: copied at each gather from what the loader counts.

use super::plugins::Catalog;
use super::slot::Slot;
use crate::plugins::budgets::{Budget, BudgetWords};
use crate::plugins::process::processes::ProcessStatus;
use meterbox_metrics::DropCount;
use meterbox_telemetry::Telemetry;
use meterbox_telemetry::plugins::{ProcessReading, Reading};
use std::sync::{Arc, Weak};

/// The server's metrics and where the plugins' figures come from.
pub(in crate::plugins) struct Readings {
    pub(in crate::plugins) telemetry: Arc<Telemetry>,
    pub(in crate::plugins) catalog: Weak<Catalog>,
}

impl Readings {
    /// Brings everything that is counted elsewhere up to date.
    pub(in crate::plugins) fn refresh(&self, drops: &[DropCount]) {
        self.telemetry.refresh();
        let Some(catalog) = self.catalog.upgrade() else {
            return;
        };
        let plugins = self.telemetry.plugins();
        catalog.with_slots(|slots| {
            for slot in slots {
                let name = slot.name();
                plugins.plugin(&name).read(&reading(slot, &name, drops));
            }
        });
    }
}

fn reading(slot: &Slot, name: &str, drops: &[DropCount]) -> Reading {
    let counts = slot.tally.counts();
    slot.budgets.observe_counts(&counts);
    if !drops.is_empty() {
        slot.budgets
            .observe_drops(&crate::plugins::source_name(name), drops);
    }
    let exceeded = |words: &BudgetWords| (words.name, slot.budgets.exceeded(words.budget));
    let running = slot.running.as_ref();
    Reading {
        counts,
        state: slot.state(),
        generation: slot.generation,
        stuck_threads: running.map_or(0, |running| running.stuck_threads()),
        mapped_bytes: slot.mapped_bytes,
        series: slot.source.as_ref().map_or(0, |source| source.series_len()),
        series_dropped: slot.budgets.exceeded(Budget::Series),
        process: super::status::process(slot).map(process),
        over_budget: Budget::ALL.iter().map(exceeded).collect(),
    }
}

fn process(status: ProcessStatus) -> ProcessReading {
    ProcessReading {
        is_running: status.pid.is_some(),
        restarts: status.restarts,
        crashes: status.crashes,
        memory_bytes: status.memory_bytes,
    }
}
