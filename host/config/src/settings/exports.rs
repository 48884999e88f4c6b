//! Exports: how often exporter plugins are asked, and how their pushes are delivered.

use crate::value::Value;
use crate::values::Values;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of all exporters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSettings {
    /// How often an exporter is asked that has no interval of its own.
    pub interval: Duration,
    /// Intervals of single exporters, by plugin name.
    pub intervals: BTreeMap<String, Duration>,
    /// How deliveries are bound.
    pub limits: ExportLimits,
    /// PEM file of further authorities for certificates of receivers.
    pub ca_file: Option<PathBuf>,
}

/// What bounds the deliveries of one exporter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportLimits {
    /// Pushes that may wait.
    pub queue_pushes_max: usize,
    /// Bytes of all that wait.
    pub queue_bytes_max: usize,
    /// One attempt may take this long.
    pub attempt: Duration,
    /// A push older than this is dropped.
    pub give_up: Duration,
}

impl ExportSettings {
    /// How often the plugin `name` is asked.
    #[must_use]
    pub fn interval_of(&self, name: &str) -> Duration {
        self.intervals.get(name).copied().unwrap_or(self.interval)
    }

    pub(super) fn of(values: &Values) -> Self {
        let own = values.chosen("plugin.<name>.export_interval_ms");
        let intervals = own.into_iter().filter_map(|(name, value)| match value {
            Value::Integer(millis) => Some((name, Duration::from_millis(millis))),
            _ => None,
        });
        Self {
            ca_file: values.path("export_ca_file"),
            interval: values.millis("export_interval_ms"),
            intervals: intervals.collect(),
            limits: ExportLimits {
                queue_pushes_max: values.size("export_queue_pushes_max"),
                queue_bytes_max: values.size("export_queue_bytes_max"),
                attempt: values.millis("export_timeout_ms"),
                give_up: values.millis("export_give_up_ms"),
            },
        }
    }
}
