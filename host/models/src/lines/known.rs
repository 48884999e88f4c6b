//! The metrics that one model's code has written: each looked up and registered once.

use super::line::MetricLine;
use meterbox_metrics::{Family, Kind, RegisterError, Source};
use meterbox_telemetry::declarations::{Declared, HOSTNAME};
use meterbox_telemetry::names::{self, Emitter};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Names that one model's code may bring up without a declaration.
const DETECTED_MAX: usize = 1_000;

/// How the server's own names begin.
const PREFIX: &str = "meterbox_";

/// TorchServe's words for types.
const TYPES: [(&str, Kind); 3] = [
    ("COUNTER", Kind::FloatCounter),
    ("GAUGE", Kind::Gauge),
    ("HISTOGRAM", Kind::Histogram),
];

/// A metric that may be written. Cheap to clone.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) declared: Arc<Declared>,
    /// Missing if its name set is not chosen.
    pub(super) family: Option<Family>,
}

/// Why a metric may not be written.
#[derive(Clone)]
pub(super) struct Unknown {
    /// A word to count by.
    pub(super) reason: &'static str,
    /// What is wrong.
    pub(super) text: String,
    /// Whether the store has counted this sample already.
    pub(super) counted: bool,
}

fn unknown(reason: &'static str, text: impl Into<String>) -> Unknown {
    Unknown {
        reason,
        text: text.into(),
        counted: false,
    }
}

/// Per model: series are made under its own source, whose limit they count against.
pub(super) struct KnownMetrics {
    /// Missing if there are as many sources as there may be.
    source: Option<Source>,
    metrics: Mutex<Metrics>,
}

type Metrics = HashMap<Box<str>, Result<Known, Unknown>>;

/// Keeps what became of a registration. The store counted a refusal once; the lines that follow are
/// for us to count.
fn keep(metrics: &mut Metrics, name: &str, known: &Result<Known, Unknown>) {
    let known = known.clone().map_err(|unknown| Unknown {
        counted: false,
        ..unknown
    });
    metrics.insert(name.into(), known);
}

impl KnownMetrics {
    pub(super) fn new(source: Option<Source>) -> Self {
        Self {
            source,
            metrics: Mutex::default(),
        }
    }

    /// A declared metric. What the line calls its type does not matter, as in TorchServe.
    pub(super) fn declared(
        &self,
        declared: &Arc<Declared>,
        chosen: bool,
    ) -> Result<Known, Unknown> {
        let mut metrics = self.metrics.lock();
        if let Some(known) = metrics.get(declared.name.as_str()) {
            return known.clone();
        }
        let known = if chosen {
            self.register(declared, None).map(Some)
        } else {
            Ok(None)
        };
        let known = known.map(|family| Known {
            declared: Arc::clone(declared),
            family,
        });
        keep(&mut metrics, &declared.name, &known);
        known
    }

    /// A metric that the line itself declares, when it is first met.
    pub(super) fn detected(
        &self,
        line: &MetricLine<'_>,
        ttl: Option<Duration>,
    ) -> Result<Known, Unknown> {
        let kind = match line.kind {
            None => Err(unknown("no_type", "the line has no type to detect it by")),
            Some(word) => known_type(word).ok_or_else(|| {
                let text = format!("type {word:?} is none of COUNTER, GAUGE and HISTOGRAM");
                unknown("bad_type", text)
            }),
        };
        let mut metrics = self.metrics.lock();
        if let Some(known) = metrics.get(line.name) {
            let known = known.clone()?;
            return match kind {
                // A line without a type says nothing against the first one.
                Err(_) if line.kind.is_none() => Ok(known),
                Err(error) => Err(error),
                Ok(kind) if kind == known.declared.kind => Ok(known),
                Ok(kind) => {
                    let (is, says) = (known.declared.kind.word(), kind.word());
                    Err(unknown(
                        "conflict",
                        format!("{} is a {is}, not a {says}", line.name),
                    ))
                }
            };
        }
        let kind = kind?;
        if reserved(line.name) {
            let text = format!(
                "{} is a name of the server's own: choose another",
                line.name
            );
            return Err(unknown("reserved_name", text));
        }
        if metrics.len() >= DETECTED_MAX {
            let text =
                format!("this model has brought up {DETECTED_MAX} metrics, which is the limit");
            return Err(unknown("family_limit", text));
        }
        let labels = line.dimensions().map(|(name, _)| name.to_owned());
        let declared = Arc::new(Declared {
            name: line.name.to_owned(),
            unit: line.unit.to_owned(),
            kind,
            labels: labels.chain([HOSTNAME.to_owned()]).collect(),
        });
        let known = self.register(&declared, ttl);
        let known = known.map(|family| Known {
            declared,
            family: Some(family),
        });
        keep(&mut metrics, line.name, &known);
        known
    }

    fn register(&self, declared: &Declared, ttl: Option<Duration>) -> Result<Family, Unknown> {
        let Some(source) = &self.source else {
            return Err(unknown(
                "source_limit",
                "too many models have written metrics",
            ));
        };
        let mut descriptor = declared.descriptor().shared();
        if let Some(ttl) = ttl {
            descriptor = descriptor.ttl_seconds(ttl.as_secs_f64());
        }
        source.register(&descriptor).map_err(|error| Unknown {
            reason: reason_of(&error),
            text: error.to_string(),
            counted: true,
        })
    }
}

/// Whether a name is, or may one day be, one of the server's own. A declaration is a person's word and
/// may use any name; a line may not.
fn reserved(name: &str) -> bool {
    let ours = |row: &&names::Row| row.name == name && row.emitter != Emitter::Model;
    name.starts_with(PREFIX) || names::all().any(|row| ours(&row))
}

fn known_type(word: &str) -> Option<Kind> {
    TYPES
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, kind)| *kind)
}

/// The word under which the store counts such a refusal.
fn reason_of(error: &RegisterError) -> &'static str {
    match error {
        RegisterError::Conflict { .. } => "conflict",
        RegisterError::ReservedPrefix { .. } => "reserved_name",
        RegisterError::TooManyFamilies { .. } => "family_limit",
        RegisterError::Bounds { .. } | RegisterError::TooLong { .. } => "bad_descriptor",
        _ => "bad_name",
    }
}
