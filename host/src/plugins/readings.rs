//! Keeps the metrics about plugins up to date: copied at each gather from what the loader counts.

use super::catalog::Catalog;
use super::status::PluginStatus;
use crate::telemetry::Telemetry;
use crate::telemetry::plugins::Reading;
use meterbox_metrics::{DropCount, Reason};
use std::sync::{Arc, Weak};

/// Reasons that mean a series was refused for want of room.
const LIMITS: &[Reason] = &[
    Reason::MetricLimit,
    Reason::SourceLimit,
    Reason::TotalLimit,
    Reason::NoCells,
];

/// The server's metrics and where the plugins' figures come from.
pub(super) struct Readings {
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) catalog: Weak<Catalog>,
}

impl Readings {
    /// Brings everything that is counted elsewhere up to date.
    pub(super) fn refresh(&self, drops: &[DropCount]) {
        self.telemetry.refresh();
        let Some(catalog) = self.catalog.upgrade() else {
            return;
        };
        for plugin in catalog.plugins() {
            let reading = reading(&plugin, drops);
            self.telemetry.plugins().plugin(&plugin.name).read(&reading);
        }
    }
}

fn reading(plugin: &PluginStatus, drops: &[DropCount]) -> Reading {
    let source = super::source_name(&plugin.name);
    let dropped = drops
        .iter()
        .filter(|drop| drop.source == source && LIMITS.contains(&drop.reason))
        .map(|drop| drop.count);
    Reading {
        counts: plugin.counts,
        state: plugin.state,
        generation: plugin.generation,
        stuck_threads: plugin.stuck_threads,
        mapped_bytes: plugin.mapped_bytes,
        series: plugin.series,
        series_dropped: dropped.sum(),
    }
}
