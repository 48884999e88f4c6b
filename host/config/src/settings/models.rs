//! Models: where archives lie, which are loaded at start, how workers run.

use crate::error::{Fault, Notice};
use crate::name_pattern::NamePatterns;
use crate::values::Values;
use serde_json::{Map, Value as Json};
use std::path::PathBuf;
use std::time::Duration;

type Object = Map<String, Json>;

/// Settings of models.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// The folder of the archives; without it nothing can be registered.
    pub store: Option<PathBuf>,
    /// What is loaded at start.
    pub load: LoadModels,
    /// Settings of single models, used when they are loaded at start.
    pub presets: Vec<ModelPreset>,
    /// Whether models may be registered and removed over HTTP.
    pub api_enabled: bool,
    /// Workers of a model: 0 means one per GPU, else one per CPU, at start, and none over HTTP.
    pub default_workers: u32,
    /// Requests that may wait for one model version.
    pub job_queue_size: usize,
    /// How long a worker may take for a batch.
    pub response_timeout: Duration,
    /// How long a worker may take to load its model.
    pub startup_timeout: Duration,
    /// How long the removal of a model may wait for its workers.
    pub unregister_timeout: Duration,
    /// The Python interpreter.
    pub python: String,
    /// The folder that holds `python/`; `None` means the folder of the binary.
    pub home: Option<PathBuf>,
    /// Handler of archives that name none.
    pub default_handler: Option<String>,
    /// Envelope of archives that name none.
    pub service_envelope: Option<String>,
    /// Whether workers decode JSON bodies (`TS_DECODE_INPUT_REQUEST`).
    pub decode_input: bool,
    /// Passed to workers when a model is loaded.
    pub limit_max_image_pixels: bool,
    /// GPUs that workers are spread over; `None` means all.
    pub gpus: Option<u32>,
    /// Number in the name of the first worker's socket.
    pub initial_worker_port: u16,
    /// Environment variables hidden from workers.
    pub hidden_variables: NamePatterns,
}

/// Which archives are loaded at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadModels {
    /// These, in their order; maybe none.
    Listed(Vec<ModelArchive>),
    /// All of the store.
    All,
    /// The presets of `model_snapshot`.
    Snapshot,
}

/// An archive to load at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelArchive {
    /// The name to register it under, if not its own.
    pub name: Option<String>,
    /// The file in the store.
    pub file: String,
}

/// Settings of one model version; what is absent has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelPreset {
    /// The model.
    pub name: String,
    /// The version.
    pub version: String,
    /// The archive.
    pub archive: Option<String>,
    /// Least number of workers.
    pub min_workers: Option<u32>,
    /// Greatest number of workers.
    pub max_workers: Option<u32>,
    /// Requests in one batch.
    pub batch_size: Option<u32>,
    /// How long a batch may wait to fill.
    pub max_batch_delay: Option<Duration>,
    /// How long a worker may take for a batch.
    pub response_timeout: Option<Duration>,
    /// How long a worker may take to load the model.
    pub startup_timeout: Option<Duration>,
    /// Whether it is the default version.
    pub is_default: bool,
    /// The runtime: `python`, `python3`, `LSP`.
    pub runtime: Option<String>,
}

impl ModelSettings {
    pub(super) fn of(values: &mut Values) -> Self {
        let mut presets = presets(values, "models", |root| Some(root));
        let mut load = load_models(values);
        if values.json("model_snapshot").is_some() {
            presets = self::presets(values, "model_snapshot", |root| {
                root.get("models")?.as_object()
            });
            if load != LoadModels::Listed(Vec::new()) {
                let origin = values.origin("load_models");
                values.warn(&origin, "load_models", Notice::SnapshotWins);
            }
            load = LoadModels::Snapshot;
        }
        Self {
            store: values.path("model_store"),
            load,
            presets,
            api_enabled: values.bool("enable_model_api"),
            default_workers: fit(values.number("default_workers_per_model")),
            job_queue_size: values.size("job_queue_size"),
            response_timeout: values.seconds("default_response_timeout"),
            startup_timeout: values.seconds("default_startup_timeout"),
            unregister_timeout: values.seconds("unregister_model_timeout"),
            python: values.word("python"),
            home: values.path("model_server_home"),
            default_handler: values.text("default_service_handler"),
            service_envelope: values.text("service_envelope"),
            decode_input: values.bool("decode_input_request"),
            limit_max_image_pixels: values.bool("limit_max_image_pixels"),
            gpus: values.optional_number("number_of_gpu").map(fit),
            initial_worker_port: u16::try_from(values.number("initial_worker_port"))
                .expect("the table bounds it by 65535"),
            hidden_variables: values.name_patterns("blacklist_env_vars"),
        }
    }
}

fn fit(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// `all`, or archives with commas between, each with or without `name=` before it.
fn load_models(values: &mut Values) -> LoadModels {
    let items = values.list("load_models");
    if let [word] = items.as_slice()
        && word.eq_ignore_ascii_case("all")
    {
        return LoadModels::All;
    }
    let mut archives = Vec::new();
    for item in items {
        let (name, file) = match item.split_once('=') {
            Some((name, file)) => (Some(name.trim().to_owned()), file.trim().to_owned()),
            None => (None, item.clone()),
        };
        if file.is_empty() || name.as_ref().is_some_and(String::is_empty) {
            let why = "is neither an archive nor name=archive (as in load_models=a.mar,b=c.mar)";
            values.refuse("load_models", Fault::BadItem { text: item, why });
            continue;
        }
        archives.push(ModelArchive { name, file });
    }
    LoadModels::Listed(archives)
}

/// Reads `{name: {version: {...}}}` below the part of the JSON that `part` names.
fn presets(
    values: &mut Values,
    key: &str,
    part: fn(&Object) -> Option<&Object>,
) -> Vec<ModelPreset> {
    let Some(root) = values.json(key).and_then(Json::as_object) else {
        return Vec::new();
    };
    let read = match part(root) {
        Some(models) => read_presets(models),
        None => Err("the JSON has no object models".to_owned()),
    };
    match read {
        Ok(presets) => presets,
        Err(why) => {
            let expected = "{\"name\":{\"version\":{\"minWorkers\":1,...}}}".to_owned();
            values.refuse(key, Fault::BadJson { why, expected });
            Vec::new()
        }
    }
}

fn read_presets(models: &Object) -> Result<Vec<ModelPreset>, String> {
    let mut presets = Vec::new();
    for (name, versions) in models {
        let versions = versions
            .as_object()
            .ok_or_else(|| format!("{name} is not an object"))?;
        for (version, fields) in versions {
            let fields = fields
                .as_object()
                .ok_or_else(|| format!("{name} {version} is not an object"))?;
            let identity = (name.clone(), version.clone());
            let preset = preset(identity, &Fields { fields });
            presets.push(preset.map_err(|why| format!("{name} {version}: {why}"))?);
        }
    }
    Ok(presets)
}

fn preset((name, version): (String, String), fields: &Fields<'_>) -> Result<ModelPreset, String> {
    Ok(ModelPreset {
        name,
        version,
        archive: fields.text("marName")?,
        min_workers: fields.number("minWorkers", 0)?,
        max_workers: fields.number("maxWorkers", 0)?,
        batch_size: fields.number("batchSize", 1)?,
        max_batch_delay: fields
            .number("maxBatchDelay", 0)?
            .map(|ms| Duration::from_millis(u64::from(ms))),
        response_timeout: fields.seconds("responseTimeout")?,
        startup_timeout: fields.seconds("startupTimeout")?,
        is_default: fields.bool("defaultVersion")?,
        runtime: fields.text("runtimeType")?,
    })
}

/// The fields of one version; fields this version does not know are skipped, as TorchServe does.
struct Fields<'a> {
    fields: &'a Object,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Json> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn number(&self, name: &str, min: u32) -> Result<Option<u32>, String> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| *number >= min) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("{name} is {value}, not an integer from {min} on")),
        }
    }

    fn seconds(&self, name: &str) -> Result<Option<Duration>, String> {
        Ok(self
            .number(name, 1)?
            .map(|seconds| Duration::from_secs(u64::from(seconds))))
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.as_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(format!("{name} is {value}, not a text")),
        }
    }

    fn bool(&self, name: &str) -> Result<bool, String> {
        let Some(value) = self.get(name) else {
            return Ok(false);
        };
        value
            .as_bool()
            .ok_or_else(|| format!("{name} is {value}, neither true nor false"))
    }
}
