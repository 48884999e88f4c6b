//! Keeps the server's metrics up to date: copied at each gather from what is counted elsewhere.

use super::slot::PluginSlot;
use super::slots::PluginSlots;
use crate::budgets::budget::{Budget, BudgetWords};
use crate::gather::gatherer::Refresh;
use crate::process::processes::ProcessStatus;
use crate::served::shared::ModelList;
use meterbox_telemetry::Telemetry;
use meterbox_telemetry::plugins::{ProcessReading, Reading};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// Where the figures come from, and where they go.
pub(super) struct Readings {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) models: Arc<dyn ModelList>,
    /// Weak, because plugins in service hold what gathers.
    pub(super) slots: Weak<PluginSlots>,
}

impl Refresh for Readings {
    fn refresh(&self) {
        self.models.refresh_metrics();
        let slots = self
            .slots
            .upgrade()
            .map_or_else(Vec::new, |slots| slots.all());
        let serving = slots.iter().filter_map(|slot| slot.serving.as_ref());
        for isolated in serving.filter_map(|serving| serving.isolated.as_ref()) {
            isolated.harvest();
        }
        self.telemetry.refresh();
        // Of several files with one name the one in service speaks for it.
        let mut named: BTreeMap<String, &PluginSlot> = BTreeMap::new();
        for slot in &slots {
            let known = named.entry(slot.name()).or_insert(slot);
            if slot.serving.is_some() {
                *known = slot;
            }
        }
        let readings = named.into_iter();
        let readings = readings.map(|(name, slot)| (name, reading(slot)));
        self.telemetry.plugins().show(&readings.collect());
    }
}

fn reading(slot: &PluginSlot) -> Reading {
    let record = &slot.record;
    record.observe();
    let exceeded = |words: &BudgetWords| (words.name, record.budgets.exceeded(words.budget));
    let running = slot.running();
    Reading {
        counts: record.counters.counts(),
        state: slot.state(),
        generation: record.generation(),
        stuck_threads: running.map_or(0, |running| running.stuck_threads()),
        mapped_bytes: record.mapped_bytes(),
        series: record.series(),
        series_dropped: record.budgets.exceeded(Budget::Series),
        process: slot.process().map(process),
        over_budget: Budget::ALL.each_ref().map(exceeded).to_vec(),
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
