//! Metric endpoints, names and limits.

use crate::values::Values;
use std::path::PathBuf;
use std::time::Duration;

/// Where metrics go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsMode {
    /// To the page.
    Prometheus,
    /// To the log; the page is empty.
    Log,
    /// The three `ts_*` counters to the page, the others to the log.
    Legacy,
    /// To the page and the log.
    Both,
}

/// How far latency histograms are split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsDetail {
    /// By model and version.
    Full,
    /// By model.
    Model,
    /// Not at all.
    Aggregate,
}

/// Settings of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSettings {
    /// Whether the metrics listener is open and metric endpoints are served.
    pub endpoints_enabled: bool,
    /// Where metrics go.
    pub mode: MetricsMode,
    /// The sets of names that are printed, the winner of equal names first.
    pub name_sets: Vec<String>,
    /// How far latency histograms are split.
    pub detail: MetricsDetail,
    /// YAML file that declares metrics of model code; the built-in declarations if absent.
    pub declarations: Option<PathBuf>,
    /// Whether metrics of model code need no declaration.
    pub auto_detect: bool,
    /// Metrics (families) in all.
    pub metrics_max: u64,
    /// Series in all.
    pub series_max: u64,
    /// Series of one metric.
    pub series_per_metric_max: u64,
    /// Series of one model's code.
    pub series_per_model_max: u64,
    /// Labels of one series from outside.
    pub label_count_max: usize,
    /// Length of a label value from outside, in bytes.
    pub label_value_bytes_max: usize,
    /// Age at which untouched series of model code are removed; `None` keeps them.
    pub series_ttl: Option<Duration>,
}

impl MetricSettings {
    pub(super) fn of(values: &Values) -> Self {
        Self {
            endpoints_enabled: values.bool("enable_metrics_endpoints"),
            mode: match values.word("metrics_mode").as_str() {
                "log" => MetricsMode::Log,
                "legacy" => MetricsMode::Legacy,
                "both" => MetricsMode::Both,
                _ => MetricsMode::Prometheus,
            },
            name_sets: values.list("metrics_names"),
            detail: match values.word("metrics_detail").as_str() {
                "model" => MetricsDetail::Model,
                "aggregate" => MetricsDetail::Aggregate,
                _ => MetricsDetail::Full,
            },
            declarations: values.path("metrics_config"),
            auto_detect: values.bool("model_metrics_auto_detect"),
            metrics_max: values.number("metrics_max"),
            series_max: values.number("series_max"),
            series_per_metric_max: values.number("series_per_metric_max"),
            series_per_model_max: values.number("series_per_model_max"),
            label_count_max: values.size("label_count_max"),
            label_value_bytes_max: values.size("label_value_bytes_max"),
            series_ttl: Some(values.seconds("series_ttl_s")).filter(|ttl| !ttl.is_zero()),
        }
    }
}
