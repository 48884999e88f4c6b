//! `metrics_mode`: what the page shows, and which inherited metrics are logged.
//!
//! The store counts the same in every mode, so that exporters and a later change of the mode lose
//! nothing; a mode only hides.
//!
//! **Source:** TorchServe 0.12, `MetricBuilder`; `both` is ours.

use meterbox_config::MetricsMode;

/// The counters that mode `legacy` has on the page: those that TorchServe had there before 0.8.
const LEGACY: [&str; 3] = [
    "ts_inference_requests_total",
    "ts_inference_latency_microseconds",
    "ts_queue_latency_microseconds",
];

/// What a page of metrics shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Every family.
    Everything,
    /// Three counters.
    Legacy,
    /// Nothing: the answer is 200 with an empty body.
    Nothing,
}

impl Page {
    /// The page of a mode.
    #[must_use]
    pub fn of(mode: MetricsMode) -> Self {
        match mode {
            MetricsMode::Prometheus | MetricsMode::Both => Self::Everything,
            MetricsMode::Legacy => Self::Legacy,
            MetricsMode::Log => Self::Nothing,
        }
    }

    /// Whether a family is on it.
    #[must_use]
    pub fn shows(self, family: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Legacy => LEGACY.contains(&family),
            Self::Nothing => false,
        }
    }
}

/// Whether a mode logs at all: if not, no log needs to be opened.
#[must_use]
pub fn logs(mode: MetricsMode) -> bool {
    mode != MetricsMode::Prometheus
}

/// Whether a mode logs an inherited metric.
#[must_use]
pub fn logs_metric(mode: MetricsMode, name: &str) -> bool {
    match mode {
        MetricsMode::Prometheus => false,
        MetricsMode::Log | MetricsMode::Both => true,
        MetricsMode::Legacy => !LEGACY.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inherited_modes_have_each_metric_in_exactly_one_place_and_both_in_two() {
        for name in ["ts_queue_latency_microseconds", "QueueTime", "AnythingElse"] {
            for (mode, places) in [
                (MetricsMode::Prometheus, 1),
                (MetricsMode::Log, 1),
                (MetricsMode::Legacy, 1),
                (MetricsMode::Both, 2),
            ] {
                let page = usize::from(Page::of(mode).shows(name));
                let log = usize::from(logs_metric(mode, name));
                assert_eq!(page + log, places, "{name} {mode:?}");
                assert!(log == 0 || logs(mode));
            }
        }
    }

    #[test]
    fn legacy_shows_three_counters() {
        assert!(Page::Legacy.shows("ts_inference_requests_total"));
        assert!(!Page::Legacy.shows("Requests2XX"));
        assert!(!Page::Nothing.shows("ts_inference_requests_total"));
    }
}
