//! What workers print about metrics: `[METRICS]` lines, held against declarations, and their series.
//!
//! A line moves a metric that `metrics.yaml` declares or, with `model_metrics_auto_detect=true`, any
//! metric. Values of dimensions count by position, as in TorchServe, and the worker's host name comes
//! last. Every line that moves nothing is counted by model and reason; the first of each is logged.
//!
//! **Source:** TorchServe 0.12, `WorkerLifeCycle` and `metrics/MetricCache`.

mod known;
mod line;

use known::{Known, KnownMetrics};
use line::MetricLine;
use meterbox_config::MetricsMode;
use meterbox_logs::MetricLog;
use meterbox_logs::metric_log::Frame;
use meterbox_metrics::{Family, Kind, Registry, SeriesError, SourceOptions};
use meterbox_telemetry::declarations::{Declarations, Declared};
use meterbox_telemetry::names::torchserve;
use meterbox_telemetry::serving::VersionMetrics;
use meterbox_telemetry::{Drops, modes};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The metric that feeds the histograms of handler times.
const HANDLER_TIME: &str = "HandlerTime";
/// How much of a refused line is logged, in characters.
const LOGGED_CHARS_MAX: usize = 200;

/// What model code may do.
pub struct LineOptions {
    /// Where its series are made.
    pub registry: Registry,
    /// What is declared (`metrics_config`).
    pub declarations: Declarations,
    /// Whether a metric needs no declaration (`model_metrics_auto_detect`).
    pub auto_detect: bool,
    /// Series of one model's code (`series_per_model_max`).
    pub series_max: u32,
    /// Age at which untouched series go (`series_ttl_s`).
    pub ttl: Option<Duration>,
    /// Whether the set `torchserve` is chosen (`metrics_names`).
    pub torchserve: bool,
    /// Where metrics go (`metrics_mode`).
    pub mode: MetricsMode,
    /// The metric logs; needed if the mode logs.
    pub log: Option<MetricLog>,
    /// What counts the lines that move nothing.
    pub drops: Drops,
}

/// What takes the lines of all models. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

struct Shared {
    options: LineOptions,
    declared: BTreeMap<String, Arc<Declared>>,
}

impl Lines {
    pub(crate) fn new(options: LineOptions) -> Self {
        let declared = options.declarations.model.iter().cloned();
        let declared = declared
            .map(|one| (one.name.clone(), Arc::new(one)))
            .collect();
        Self(Arc::new(Shared { options, declared }))
    }

    /// Where the lines of a model's workers go; `version` is the one that these workers run.
    pub(crate) fn model(&self, name: &str, version: &Arc<VersionMetrics>) -> ModelLines {
        let source_name = format!("model:{name}");
        let options = &self.0.options;
        // Declared metrics may have reserved names; those that lines bring up are checked here.
        let allowed = SourceOptions {
            reserved_names: true,
            ..SourceOptions::guest().series_max(options.series_max)
        };
        let source = options.registry.source(&source_name, &allowed);
        ModelLines {
            shared: Arc::clone(&self.0),
            version: Arc::clone(version),
            known: KnownMetrics::new(source),
            refusal_logged: AtomicBool::new(false),
            source_name,
        }
    }
}

/// Takes the metric lines of one model version's workers.
pub(crate) struct ModelLines {
    shared: Arc<Shared>,
    version: Arc<VersionMetrics>,
    source_name: String,
    known: KnownMetrics,
    /// Whether a refusal of the store was logged; it counts them itself.
    refusal_logged: AtomicBool,
}

/// Why a line moved nothing.
enum Lost {
    /// For this reason, which is not counted yet.
    Uncounted(&'static str, Cow<'static, str>),
    /// The store refused it and has counted that.
    Counted(String),
}

impl ModelLines {
    /// Takes a line that a worker wrote, without its line end. Says whether it is a metric line: if
    /// so it has been dealt with, good or bad, and does not belong in the model's log.
    pub(crate) fn take(&self, line: &str) -> bool {
        let Some(body) = line::body(line) else {
            return false;
        };
        if let Err(lost) = self.update(body) {
            self.lose(lost, line);
        }
        true
    }

    fn update(&self, body: &str) -> Result<(), Lost> {
        let line = MetricLine::parse(body)
            .map_err(|error| Lost::Uncounted(error.reason(), error.to_string().into()))?;
        if line.name == HANDLER_TIME {
            self.handler_time(&line)?;
        }
        let shared = &self.shared;
        let mut values: Vec<&str> = line.dimensions().map(|(_, value)| value).collect();
        values.push(line.hostname);
        let known = match shared.declared.get(line.name) {
            Some(declared) => {
                let chosen = shared.options.torchserve || !torchserve::has(&declared.name);
                self.known.declared(declared, chosen)
            }
            None if shared.options.auto_detect => self.known.detected(&line, shared.options.ttl),
            None => {
                let text =
                    "metrics.yaml does not declare it, and model_metrics_auto_detect is false";
                return Err(Lost::Uncounted("undeclared", text.into()));
            }
        };
        let known = known.map_err(|unknown| match unknown.counted {
            true => Lost::Counted(unknown.text),
            false => Lost::Uncounted(unknown.reason, unknown.text.into()),
        })?;
        self.apply(&known, &line, &values)
    }

    fn apply(&self, known: &Known, line: &MetricLine<'_>, values: &[&str]) -> Result<(), Lost> {
        let declared = &known.declared;
        let (has, gives) = (declared.labels.len(), values.len());
        if has != gives {
            let text = format!(
                "{} has {} dimensions, not {}",
                line.name,
                has - 1,
                gives - 1
            );
            return Err(Lost::Uncounted("label_count", text.into()));
        }
        if declared.kind == Kind::FloatCounter && line.value < 0.0 {
            let text = format!("{} is a counter", line.name);
            return Err(Lost::Uncounted("bad_value", text.into()));
        }
        if let Some(family) = &known.family {
            update(family, values, line.value).map_err(|error| Lost::Counted(error.to_string()))?;
        }
        let options = &self.shared.options;
        if let Some(log) = &options.log
            && modes::logs_metric(options.mode, line.name)
        {
            let frame = Frame::new(line.name, &declared.unit, &declared.labels, values);
            log.model(
                &frame,
                line.value,
                line.hostname,
                line.request_ids,
                line.timestamp,
            );
        }
        Ok(())
    }

    /// Feeds the histograms of handler times, whether or not the metric itself is declared.
    fn handler_time(&self, line: &MetricLine<'_>) -> Result<(), Lost> {
        let milliseconds = match line.unit {
            "ms" | "Milliseconds" => line.value,
            "s" | "Seconds" => line.value * 1e3,
            unit => {
                let text = format!("{HANDLER_TIME} is in {unit:?}: write it in ms or s");
                return Err(Lost::Uncounted("bad_unit", text.into()));
            }
        };
        if milliseconds < 0.0 {
            let text = format!("{HANDLER_TIME} is negative");
            return Err(Lost::Uncounted("bad_value", text.into()));
        }
        self.version.handled(milliseconds);
        Ok(())
    }

    #[cold]
    fn lose(&self, lost: Lost, line: &str) {
        let (first, text) = match lost {
            Lost::Uncounted(reason, text) => (
                self.shared.options.drops.count(&self.source_name, reason) == 1,
                text,
            ),
            Lost::Counted(text) => {
                let first = !self.refusal_logged.swap(true, Ordering::Relaxed);
                (first, text.into())
            }
        };
        if first {
            let source = &self.source_name;
            let line: String = line.chars().take(LOGGED_CHARS_MAX).collect();
            tracing::warn!(
                target: "model",
                "{source}: metric line dropped, more of its kind are only counted: {text}: {line:?}"
            );
        }
    }
}

/// Adds to a counter, sets a gauge, observes in a histogram.
fn update(family: &Family, values: &[&str], value: f64) -> Result<(), SeriesError> {
    match family.kind() {
        Kind::Gauge => family.set(values, value),
        Kind::Histogram => family.observe(values, value),
        _ => family.add_f64(values, value),
    }
}

#[cfg(test)]
mod tests;
