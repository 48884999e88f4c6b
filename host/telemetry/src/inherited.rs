//! TorchServe's own metrics: one update goes to the store, the metric log, or both.
//!
//! What kind such a metric is follows from the declarations: `metrics.yaml` may make a histogram of
//! what TorchServe ships as a counter, and an update does what the kind asks for.

use super::declarations::Declared;
use meterbox_logs::MetricLog;
use meterbox_logs::metric_log::Frame;
use meterbox_metrics::{Family, Kind, Series};
use std::sync::Arc;

/// A metric of TorchServe's, or nothing if it is not declared.
#[derive(Clone, Default)]
pub(super) struct InheritedMetric(Option<Arc<Inner>>);

struct Inner {
    declared: Declared,
    family: Option<Family>,
    log: Option<MetricLog>,
    hostname: Arc<str>,
}

impl InheritedMetric {
    /// `family` is missing if its set is not chosen, `log` if the mode does not log it.
    pub(super) fn new(
        declared: Declared,
        family: Option<Family>,
        log: Option<MetricLog>,
        hostname: Arc<str>,
    ) -> Self {
        Self(Some(Arc::new(Inner {
            declared,
            family,
            log,
            hostname,
        })))
    }

    /// The series with these label values.
    pub(super) fn with(&self, values: &[&str]) -> Inherited {
        let Some(inner) = &self.0 else {
            return Inherited::default();
        };
        let series = inner
            .family
            .as_ref()
            .and_then(|family| family.series(values).ok());
        let log = inner.log.clone().map(|log| {
            let declared = &inner.declared;
            let frame = Frame::new(&declared.name, &declared.unit, &declared.labels, values);
            (log, frame, Arc::clone(&inner.hostname))
        });
        Inherited {
            kind: inner.declared.kind,
            series,
            log,
        }
    }

    /// Forgets the series with these label values.
    pub(super) fn remove(&self, values: &[&str]) {
        if let Some(family) = self.0.as_ref().and_then(|inner| inner.family.as_ref()) {
            family.remove(values);
        }
    }
}

/// One series of such a metric.
#[derive(Debug)]
pub(super) struct Inherited {
    kind: Kind,
    series: Option<Series>,
    log: Option<(MetricLog, Frame, Arc<str>)>,
}

impl Default for Inherited {
    fn default() -> Self {
        Self {
            kind: Kind::Gauge,
            series: None,
            log: None,
        }
    }
}

impl Inherited {
    /// Adds to a counter, sets a gauge, observes in a histogram; and logs the value as it is.
    #[inline]
    pub(super) fn update(&self, value: f64) {
        if let Some(series) = &self.series {
            let done = match self.kind {
                Kind::Gauge => series.set(value),
                Kind::Histogram => series.observe(value),
                _ => series.add_f64(value),
            };
            debug_assert!(
                done.is_ok(),
                "the operation follows from the kind: {done:?}"
            );
        }
        if let Some((log, frame, hostname)) = &self.log {
            log.server(frame, value, hostname);
        }
    }
}
