//! `MAR-INF/MANIFEST.json`: what an archive says about itself.
//!
//! Unknown fields are skipped, as TorchServe 0.12 does. An archive without a manifest is allowed;
//! name and handler then have to come from elsewhere.

use super::error::ArchiveError;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Where it lies.
const PATH: &str = "MAR-INF/MANIFEST.json";
/// Larger manifests are refused.
const BYTES_MAX: u64 = 1 << 20;

/// What runs a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runtime {
    /// `python`.
    #[default]
    Python,
    /// `python3`.
    Python3,
    /// `LSP`: a C++ worker, which this server does not have.
    Lsp,
}

impl Runtime {
    /// The word in manifests, parameters and descriptions.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Python3 => "python3",
            Self::Lsp => "LSP",
        }
    }

    /// The runtime of this name.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        [Self::Python, Self::Python3, Self::Lsp]
            .into_iter()
            .find(|one| one.word() == word)
    }
}

/// What a manifest says; empty texts count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The runtime, if it names one.
    pub runtime: Option<Runtime>,
    /// The model's name.
    pub model_name: Option<String>,
    /// Its version.
    pub model_version: Option<String>,
    /// Its handler: `file.py`, `file`, `module:function`.
    pub handler: Option<String>,
    /// Its service envelope.
    pub envelope: Option<String>,
    /// The YAML file with its settings, a path in the archive.
    pub config_file: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    runtime: Option<String>,
    #[serde(default)]
    model: Option<Model>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Model {
    model_name: Option<String>,
    model_version: Option<String>,
    handler: Option<String>,
    envelope: Option<String>,
    config_file: Option<String>,
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Self, ArchiveError> {
        let file = match File::open(folder.join(PATH)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(ArchiveError::Manifest(error.to_string())),
        };
        let mut text = String::new();
        let read = file.take(BYTES_MAX + 1).read_to_string(&mut text);
        read.map_err(|error| ArchiveError::Manifest(error.to_string()))?;
        if text.len() as u64 > BYTES_MAX {
            return Err(ArchiveError::Manifest(format!(
                "longer than {BYTES_MAX} bytes"
            )));
        }
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, ArchiveError> {
        let refuse = |error: serde_json::Error| ArchiveError::Manifest(error.to_string());
        // A list would be read as the fields in their order.
        let object: Map<String, Value> = serde_json::from_str(text).map_err(refuse)?;
        let file: Document = serde_json::from_value(Value::Object(object)).map_err(refuse)?;
        let model = file.model.unwrap_or_default();
        let set = |text: Option<String>| text.filter(|text| !text.is_empty());
        let runtime = match set(file.runtime) {
            None => None,
            Some(word) => Some(Runtime::find(&word).ok_or_else(|| {
                let text = format!("runtime {word:?} is unknown: use python, python3 or LSP");
                ArchiveError::Manifest(text)
            })?),
        };
        Ok(Self {
            runtime,
            model_name: set(model.model_name),
            model_version: set(model.model_version),
            handler: set(model.handler),
            envelope: set(model.envelope),
            config_file: set(model.config_file),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_the_archiver_is_read() {
        let text = r#"{"createdOn": "01/01/2026 00:00:00", "runtime": "python", "model":
            {"modelName": "noop", "handler": "service.py", "modelFile": "model.pt",
             "serializedFile": "", "modelVersion": "1.11", "extensions": []}}"#;
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.model_name.as_deref(), Some("noop"));
        assert_eq!(manifest.model_version.as_deref(), Some("1.11"));
        assert_eq!(manifest.handler.as_deref(), Some("service.py"));
        assert_eq!(manifest.runtime, Some(Runtime::Python));
        assert_eq!(manifest.envelope, None);
    }

    #[test]
    fn what_is_missing_may_come_from_elsewhere() {
        let empty = Manifest::parse("{}").unwrap();
        assert_eq!(empty, Manifest::default());
        let nameless = Manifest::parse(r#"{"model":{"modelName":""}}"#).unwrap();
        assert_eq!(nameless.model_name, None);
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for text in [
            "",
            "{",
            "[]",
            r#"{"runtime":"cobol"}"#,
            r#"{"model":{"modelName":3}}"#,
        ] {
            let error = Manifest::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("MAR-INF/MANIFEST.json: "), "{error}");
        }
    }
}
