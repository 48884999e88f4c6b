//! Models that the configuration names: `load_models`, `models`, `model_snapshot`.
//!
//! An archive that is refused is reported and does not keep the others from being served.

use super::register::{Candidate, name_of_file};
use super::service::Models;
use super::settings::Wishes;
use meterbox_config::{LoadModels, ModelArchive, ModelPreset};
use std::num::NonZeroUsize;

/// What became of one archive of the configuration.
#[derive(Debug)]
pub struct Started {
    /// The archive.
    pub url: String,
    /// The name and version that it is registered under and the workers it gets, or why it is not.
    pub outcome: Result<(String, String, u32), String>,
}

impl Models {
    /// Registers what the configuration names and starts its workers, without waiting for them.
    pub async fn start_configured(&self) -> Vec<Started> {
        let presets = &self.0.settings.presets;
        let mut started = Vec::new();
        for archive in self.archives() {
            let url = archive.file.clone();
            let outcome = self.start_one(archive).await;
            if let Err(error) = &outcome {
                tracing::error!(target: "model", "{url}: not loaded at start: {error}");
            }
            started.push(Started { url, outcome });
        }
        for preset in presets.iter().filter(|preset| preset.is_default) {
            // Presets of models that are not loaded mean nothing.
            let _ = self.set_default(&preset.name, &preset.version);
        }
        started
    }

    fn archives(&self) -> Vec<ModelArchive> {
        let of_file = |file: String| ModelArchive { name: None, file };
        match &self.0.settings.load {
            LoadModels::Listed(archives) => archives.clone(),
            LoadModels::All => match self.0.store.list() {
                Ok(files) => files.into_iter().map(of_file).collect(),
                Err(error) => {
                    let folder = self.0.store.folder().unwrap_or("model_store".as_ref());
                    tracing::error!(target: "model", "{}: cannot be read: {error}", folder.display());
                    Vec::new()
                }
            },
            LoadModels::Snapshot => {
                let archive = |preset: &ModelPreset| {
                    let file = preset.archive.clone()?;
                    Some(ModelArchive {
                        name: Some(preset.name.clone()),
                        file,
                    })
                };
                self.0.settings.presets.iter().filter_map(archive).collect()
            }
        }
    }

    async fn start_one(&self, archive: ModelArchive) -> Result<(String, String, u32), String> {
        let unpacked = self
            .unpack(&archive.file)
            .await
            .map_err(|error| error.to_string())?;
        let mut candidate = Candidate {
            default_name: name_of_file(&archive.file),
            url: archive.file,
            unpacked,
            wishes: Wishes {
                model_name: archive.name,
                ..Wishes::default()
            },
            preset: None,
            workers: self.workers_at_start(),
            at_start: true,
        };
        let (name, version) = candidate.identity().map_err(|error| error.to_string())?;
        let presets = self.0.settings.presets.iter();
        candidate.preset = presets
            .into_iter()
            .find(|preset| preset.name == name && preset.version == version);
        let added = self.add(candidate).map_err(|error| error.to_string())?;
        let (min, max) = (added.settings().min_workers, added.settings().max_workers);
        let _starting = added.scale(min, max);
        Ok((name, version, min))
    }

    /// `default_workers_per_model`, else one per GPU, else one per CPU.
    fn workers_at_start(&self) -> u32 {
        let (named, gpus) = (self.0.settings.default_workers, self.0.gpus.len());
        if named > 0 {
            return named;
        }
        let cpus = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = if gpus > 0 { gpus } else { cpus };
        u32::try_from(workers).unwrap_or(1)
    }
}
