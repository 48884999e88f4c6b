//! Metrics of model code: `[METRICS]` lines, the declarations they are held against, and their series.
//!
//! A line moves a metric that `metrics.yaml` declares or, with `model_metrics_auto_detect=true`, any
//! metric. Values of dimensions count by position, as in TorchServe, and the worker's host name comes
//! last. Every line that moves nothing is counted by model and reason; the first of each is logged.
//!
//! **Source:** TorchServe 0.12, `WorkerLifeCycle` and `metrics/MetricCache`.

mod declarations;
mod known;
mod line;

pub use declarations::{DeclarationError, Declarations, Declared};
pub use line::{LineError, MetricLine};

use super::drops::Drops;
use super::inherited;
use super::modes;
use super::names::torchserve;
use super::serving::VersionMetrics;
use known::{Known, KnownMetrics};
use meterbox_config::MetricsMode;
use meterbox_logs::MetricLog;
use meterbox_logs::metric_log::Frame;
use meterbox_metrics::{Kind, Registry, SourceOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The metric that feeds the histograms of handler times.
const HANDLER_TIME: &str = "HandlerTime";
/// How much of a refused line is logged, in characters.
const LOGGED_CHARS_MAX: usize = 200;

/// What model code may do.
pub(super) struct CustomOptions {
    pub(super) registry: Registry,
    pub(super) declared: Vec<Declared>,
    pub(super) auto_detect: bool,
    /// Series of one model's code.
    pub(super) series_max: u32,
    /// Age at which untouched series go.
    pub(super) ttl: Option<Duration>,
    /// Whether the set `torchserve` is chosen.
    pub(super) torchserve: bool,
    pub(super) mode: MetricsMode,
    pub(super) log: Option<MetricLog>,
    pub(super) drops: Drops,
}

/// Metrics of model code. Cheap to clone.
#[derive(Clone)]
pub struct CustomMetrics(Arc<Shared>);

struct Shared {
    options: CustomOptions,
    declared: BTreeMap<String, Arc<Declared>>,
}

impl CustomMetrics {
    pub(super) fn new(mut options: CustomOptions) -> Self {
        let declared = std::mem::take(&mut options.declared);
        let declared = declared
            .into_iter()
            .map(|one| (one.name.clone(), Arc::new(one)))
            .collect();
        Self(Arc::new(Shared { options, declared }))
    }

    /// The declared metrics of model code as a worker reads them: `metrics.yaml` as JSON, which is YAML too, so that the worker of
    /// TorchServe can read it as well.
    #[must_use]
    pub fn declared_json(&self) -> String {
        declarations::worker_json(self.0.declared.values().map(Arc::as_ref))
    }

    /// Where the lines of a model's workers go; `version` is the one that these workers run.
    #[must_use]
    pub fn model(&self, name: &str, version: &Arc<VersionMetrics>) -> ModelLines {
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
pub struct ModelLines {
    shared: Arc<Shared>,
    version: Arc<VersionMetrics>,
    source_name: String,
    known: KnownMetrics,
    /// Whether a refusal of the store was logged; it counts them itself.
    refusal_logged: AtomicBool,
}

/// Why a line moved nothing.
enum Lost {
    /// Not counted yet.
    Here(&'static str, String),
    /// The store refused it and has counted that.
    Store(String),
}

impl ModelLines {
    /// Takes a line that a worker wrote, without its line end. Says whether it is a metric line: if
    /// so it has been dealt with, good or bad, and does not belong in the model's log.
    pub fn take(&self, line: &str) -> bool {
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
            .map_err(|error| Lost::Here(error.reason(), error.to_string()))?;
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
                return Err(Lost::Here("undeclared", text.to_owned()));
            }
        };
        let known = known.map_err(|unknown| match unknown.counted {
            true => Lost::Store(unknown.text),
            false => Lost::Here(unknown.reason, unknown.text),
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
            return Err(Lost::Here("label_count", text));
        }
        if declared.kind == Kind::FloatCounter && line.value < 0.0 {
            return Err(Lost::Here(
                "bad_value",
                format!("{} is a counter", line.name),
            ));
        }
        if let Some(family) = &known.family {
            inherited::update(family, values, line.value)
                .map_err(|error| Lost::Store(error.to_string()))?;
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
                return Err(Lost::Here("bad_unit", text));
            }
        };
        if milliseconds < 0.0 {
            return Err(Lost::Here(
                "bad_value",
                format!("{HANDLER_TIME} is negative"),
            ));
        }
        self.version.handled(milliseconds);
        Ok(())
    }

    #[cold]
    fn lose(&self, lost: Lost, line: &str) {
        let (first, text) = match lost {
            Lost::Here(reason, text) => (
                self.shared.options.drops.count(&self.source_name, reason) == 1,
                text,
            ),
            Lost::Store(text) => (!self.refusal_logged.swap(true, Ordering::Relaxed), text),
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

#[cfg(test)]
mod tests;
