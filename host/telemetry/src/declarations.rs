//! `metrics.yaml`: which of TorchServe's metrics there are, and which ones model code may write.
//!
//! The file is data: anchors and aliases are followed within a budget, tags mean nothing. What it does
//! not name does not exist. Without a file the declarations that TorchServe 0.12 ships are used.
//!
//! **Source:** TorchServe 0.12, `ts/configs/metrics.yaml`.

use crate::names::{self, Emitter, torchserve_help};
use meterbox_metrics::{Descriptor, Kind, LabelName, MetricName};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Larger files are refused.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The label that TorchServe adds to every metric of model code.
pub const HOSTNAME: &str = "Hostname";

/// The lists of a section, and what each declares.
const KINDS: [(&str, Kind); 3] = [
    ("counter", Kind::FloatCounter),
    ("gauge", Kind::Gauge),
    ("histogram", Kind::Histogram),
];

/// One declared metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its unit, which the metric log and HELP print.
    pub unit: String,
    /// `FloatCounter`, `Gauge` or `Histogram`.
    pub kind: Kind,
    /// Its labels in order, `Hostname` among them.
    pub labels: Vec<String>,
}

impl Declared {
    /// What the store is told. Metrics that TorchServe's own file has are in the set `torchserve`;
    /// others are in no set, so that they show whichever sets are chosen.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(
            self.kind,
            &self.name,
            &torchserve_help(self.kind, &self.unit),
        )
        .labels(&self.labels)
        .inherited()
        .show_empty();
        if names::torchserve::ROWS
            .iter()
            .any(|row| row.name == self.name)
        {
            descriptor.set(names::Set::TorchServe.word())
        } else {
            descriptor
        }
    }
}

/// All declared metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declarations {
    /// Metrics of the server and its machine.
    pub server: Vec<Declared>,
    /// Metrics of model code.
    pub model: Vec<Declared>,
}

/// Why a file of declarations was refused. TorchServe takes nothing of such a file either.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationError {
    /// It could not be read.
    #[error("{path}: cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// It is longer than any such file.
    #[error("{path}: longer than {FILE_BYTES_MAX} bytes: is it the right file?")]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It is no YAML of this shape.
    #[error("{path}: {text}")]
    Yaml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        text: String,
    },
    /// A metric without name or unit.
    #[error("{path}: {section}: {kind}: a metric has no {what}: each needs a name and a unit")]
    Missing {
        /// The file.
        path: PathBuf,
        /// `ts_metrics` or `model_metrics`.
        section: &'static str,
        /// `counter`, `gauge` or `histogram`.
        kind: &'static str,
        /// `name` or `unit`.
        what: &'static str,
    },
    /// A name that no page can print.
    #[error("{path}: {section}: metric {metric:?}: {text}")]
    Bad {
        /// The file.
        path: PathBuf,
        /// As in [`DeclarationError::Missing`].
        section: &'static str,
        /// The metric.
        metric: String,
        /// What is wrong with its name or one of its dimensions.
        text: String,
    },
    /// One name twice.
    #[error("{path}: metric {metric:?} is declared twice: declare each once")]
    Twice {
        /// The file.
        path: PathBuf,
        /// The metric.
        metric: String,
    },
}

impl Default for Declarations {
    /// Those that TorchServe 0.12 ships.
    fn default() -> Self {
        let declared = |row: &&names::Row| Declared {
            name: row.name.to_owned(),
            unit: row.unit.to_owned(),
            kind: row.kind,
            labels: row.labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        let rows = names::torchserve::ROWS.iter();
        let (model, server): (Vec<_>, Vec<_>) = rows.partition(|row| row.emitter == Emitter::Model);
        Self {
            server: server.iter().map(declared).collect(),
            model: model.iter().map(declared).collect(),
        }
    }
}

impl Declarations {
    /// Reads a file.
    ///
    /// # Errors
    /// The file as a whole is refused for the first thing that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, DeclarationError> {
        let failed = |source| DeclarationError::Read {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(DeclarationError::TooLong {
                path: path.to_owned(),
            });
        }
        Self::parse(&text, path)
    }

    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// As [`Declarations::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, DeclarationError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 200_000,
                max_aliases: 50_000,
                max_anchors: 1_000,
                max_depth: 16,
                max_documents: 1,
                enforce_alias_anchor_ratio: false,
            },
            with_snippet: false,
        };
        let file: Option<File> = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| yaml(path, &error.to_string()))?;
        let file = file.unwrap_or_default();
        let declarations = Self {
            server: section(file.ts_metrics, "ts_metrics", path, false)?,
            model: section(file.model_metrics, "model_metrics", path, true)?,
        };
        let mut seen = BTreeSet::new();
        for declared in declarations.server.iter().chain(&declarations.model) {
            if !seen.insert(&declared.name) {
                let (path, metric) = (path.to_owned(), declared.name.clone());
                return Err(DeclarationError::Twice { path, metric });
            }
        }
        Ok(declarations)
    }

    /// Those of model code as a worker reads them: JSON in the shape of the file, which is YAML too, so
    /// that the worker of TorchServe can read it as well. Workers add the host name themselves.
    #[must_use]
    pub fn worker_json(&self) -> String {
        let mut lists = serde_json::Map::new();
        for one in &self.model {
            let labels = one
                .labels
                .split_last()
                .map_or(&[][..], |(_, labels)| labels);
            let entry = json!({ "name": one.name, "unit": one.unit, "dimensions": labels });
            let word = KINDS.iter().find(|(_, kind)| *kind == one.kind);
            let list = word.map(|(word, _)| lists.entry(*word).or_insert_with(|| json!([])));
            if let Some(list) = list.and_then(serde_json::Value::as_array_mut) {
                list.push(entry);
            }
        }
        json!({ "ts_metrics": {}, "model_metrics": lists }).to_string()
    }

    /// The declaration of one of the server's metrics.
    #[must_use]
    pub fn server(&self, name: &str) -> Option<&Declared> {
        self.server.iter().find(|declared| declared.name == name)
    }
}

fn yaml(path: &Path, text: &str) -> DeclarationError {
    DeclarationError::Yaml {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[derive(Debug, Default, Deserialize)]
struct File {
    /// A place for anchors, no more.
    #[serde(default, rename = "dimensions")]
    _dimensions: Option<IgnoredAny>,
    #[serde(default)]
    ts_metrics: Option<Section>,
    #[serde(default)]
    model_metrics: Option<Section>,
}

#[derive(Debug, Default, Deserialize)]
struct Section {
    #[serde(default)]
    counter: Option<Vec<Entry>>,
    #[serde(default)]
    gauge: Option<Vec<Entry>>,
    #[serde(default)]
    histogram: Option<Vec<Entry>>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    dimensions: Option<Vec<String>>,
}

fn section(
    section: Option<Section>,
    title: &'static str,
    path: &Path,
    model: bool,
) -> Result<Vec<Declared>, DeclarationError> {
    let section = section.unwrap_or_default();
    let lists = [section.counter, section.gauge, section.histogram];
    let mut all = Vec::new();
    for ((word, kind), entries) in KINDS.into_iter().zip(lists) {
        for entry in entries.unwrap_or_default() {
            let missing = |what| DeclarationError::Missing {
                path: path.to_owned(),
                section: title,
                kind: word,
                what,
            };
            let said = |text: Option<String>| text.filter(|text| !text.is_empty());
            let name = said(entry.name).ok_or_else(|| missing("name"))?;
            let unit = said(entry.unit).ok_or_else(|| missing("unit"))?;
            let mut labels = entry.dimensions.unwrap_or_default();
            if model {
                labels.push(HOSTNAME.to_owned());
            }
            let wrong = MetricName::new(&name)
                .err()
                .or_else(|| labels.iter().find_map(|label| LabelName::new(label).err()));
            if let Some(error) = wrong {
                return Err(DeclarationError::Bad {
                    path: path.to_owned(),
                    section: title,
                    metric: name,
                    text: error.to_string(),
                });
            }
            all.push(Declared {
                name,
                unit,
                kind,
                labels,
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
dimensions:
  - &model_name "ModelName"
  - &level "Level"
  - &hostname "Hostname"

ts_metrics:
  counter:
    - name: Requests2XX
      unit: Count
      dimensions: [*level, *hostname]
    - name: ts_inference_requests_total
      unit: Count
      dimensions: ["model_name", "model_version", "hostname"]
model_metrics:
  # Dimension "Hostname" is automatically added
  gauge:
    - name: HandlerTime
      unit: ms
      dimensions: [*model_name, *level]
    - name: DeclGauge
      unit: count
      dimensions: [tag]
  histogram:
    - name: DeclHistogram
      unit: s
"#;

    #[test]
    fn a_worker_reads_the_declarations_of_model_code_without_the_host_name() {
        let json = parse(FILE).unwrap().worker_json();
        let expected = r#"{"ts_metrics":{},"model_metrics":{"gauge":[{"name":"HandlerTime","unit":"ms","dimensions":["ModelName","Level"]},
            {"name":"DeclGauge","unit":"count","dimensions":["tag"]}],"histogram":[{"name":"DeclHistogram","unit":"s","dimensions":[]}]}}"#;
        let lines: Vec<_> = expected.lines().map(str::trim_start).collect();
        assert_eq!(json, lines.concat());
    }

    fn parse(text: &str) -> Result<Declarations, DeclarationError> {
        Declarations::parse(text, Path::new("m.yaml"))
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(
            error.starts_with("m.yaml: ") && error.contains(words),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_torchserves_shape_is_read_with_its_anchors() {
        let declarations = parse(FILE).unwrap();
        let names: Vec<_> = declarations
            .server
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["Requests2XX", "ts_inference_requests_total"]);
        assert_eq!(declarations.server[0].labels, ["Level", "Hostname"]);
        let handler = &declarations.model[0];
        assert_eq!(
            handler.labels,
            ["ModelName", "Level", "Hostname"],
            "Hostname is added"
        );
        assert_eq!((handler.unit.as_str(), handler.kind), ("ms", Kind::Gauge));
        assert_eq!(declarations.model[2].labels, ["Hostname"]);
        assert_eq!(declarations.model[2].kind, Kind::Histogram);
    }

    #[test]
    fn without_a_file_there_are_torchserves_own_21() {
        let declarations = Declarations::default();
        assert_eq!(
            (declarations.server.len(), declarations.model.len()),
            (19, 2)
        );
        let latency = declarations
            .server("ts_queue_latency_microseconds")
            .unwrap();
        assert_eq!(latency.labels, ["model_name", "model_version", "hostname"]);
        assert!(declarations.server("HandlerTime").is_none());
    }

    #[test]
    fn an_empty_file_declares_nothing() {
        for text in [
            "",
            "# nothing\n",
            "ts_metrics:\nmodel_metrics:\n  gauge:\n",
            "{}",
        ] {
            let declarations = parse(text).unwrap();
            assert!(
                declarations.server.is_empty() && declarations.model.is_empty(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_wrong_file_is_refused_with_place_and_reason() {
        let metric = |entry: &str| format!("model_metrics:\n  gauge:\n    - {entry}\n");
        refused(&metric("{unit: x}"), "gauge: a metric has no name");
        refused(&metric("{name: '', unit: x}"), "no name");
        refused(&metric("{name: x}"), "no unit");
        refused(&metric("{name: a-b, unit: x}"), "'-'");
        refused(&metric("{name: a, unit: x, dimensions: ['b c']}"), "b c");
        let twice = format!(
            "{}    - {{name: a, unit: x}}\n",
            metric("{name: a, unit: x}")
        );
        refused(&twice, "\"a\" is declared twice");
        refused("ts_metrics: 7\n", "line 1");
        refused("ts_metrics: [\n", "line");
        refused("a: b: c\n", "line 1");
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            let list = vec![alias; 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        text.push_str("dimensions: *a9\n");
        let begin = std::time::Instant::now();
        parse(&text).unwrap_err();
        assert!(begin.elapsed().as_secs() < 5);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Declarations::read(Path::new("/nonexistent/m.yaml"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("/nonexistent/m.yaml: cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn a_metric_of_torchserves_own_is_in_its_set_and_others_are_in_none() {
        let declarations = parse(FILE).unwrap();
        let debug = |at: usize| format!("{:?}", declarations.model[at].descriptor());
        assert!(debug(0).contains("Some(\"torchserve\")") && debug(1).contains("set: None"));
    }
}
