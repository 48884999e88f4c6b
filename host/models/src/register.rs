//! From the name of an archive to a registered version with workers.

use super::archive::{self, ArchiveError, Runtime, Unpacked};
use super::events::VersionEvents;
use super::name;
use super::pool::{Pool, PoolPlan, Scaled};
use super::queue::JobQueue;
use super::repository::RepositoryError;
use super::service::{Models, Shared};
use super::settings::{VersionSettings, Wishes};
use super::store::{Store, StoreError};
use super::version::Version;
use meterbox_config::ModelPreset;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The version of a model that names none.
const DEFAULT_VERSION: &str = "1.0";

/// A version that was registered.
#[derive(Debug)]
pub struct Registered {
    /// The version.
    pub version: Arc<Version>,
    /// What became of its workers; nothing if nobody waited.
    pub workers: Option<Scaled>,
}

/// Why a model was not registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// There is no such archive.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Neither the archive nor the request names the model. A file that is no archive ends here too.
    #[error("Model name is not defined.")]
    NoName,
    /// The archive is refused.
    #[error("Model archive {url} is refused: {error}")]
    Archive {
        /// The archive.
        url: String,
        /// Why.
        error: ArchiveError,
    },
    /// The name of the model or version may not be used.
    #[error(
        "Invalid {what} {text:?}: use 1 to 128 letters, digits, '.', '_' and '-', the first a letter or digit"
    )]
    BadName {
        /// `model name` or `model version`.
        what: &'static str,
        /// The name.
        text: String,
    },
    /// Nothing names a handler.
    #[error(
        "Model handler is not defined: name it in the manifest, the request or default_service_handler"
    )]
    NoHandler,
    /// The model needs a worker that this server does not have.
    #[error("Runtime LSP is not supported: this server runs Python handlers")]
    UnsupportedRuntime,
    /// The version is registered already.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Its workers did not start; it is unregistered again.
    #[error("Failed to start workers for model {name} version: {version}")]
    Workers {
        /// The model.
        name: String,
        /// The version.
        version: String,
        /// 500, or 507 if a worker was out of memory.
        code: u16,
    },
    /// The server is about to stop.
    #[error("The server is stopping.")]
    Stopping,
}

impl Models {
    /// Registers the archive that `url` names, with the workers that follow from its settings. With
    /// `wait`, waits for them, and takes the version back if they do not start. Goes on if the caller
    /// leaves.
    ///
    /// # Errors
    /// Why it was not registered.
    pub async fn register(
        &self,
        url: String,
        wishes: Wishes,
        wait: bool,
    ) -> Result<Registered, RegisterError> {
        let models = self.clone();
        let task = tokio::spawn(async move { models.register_here(url, wishes, wait).await });
        task.await.unwrap_or(Err(RegisterError::Stopping))
    }

    async fn register_here(
        &self,
        url: String,
        wishes: Wishes,
        wait: bool,
    ) -> Result<Registered, RegisterError> {
        let workers = self.0.settings.default_workers;
        let unpacked = self.unpack(&url).await?;
        let version = self.add(Candidate {
            url,
            unpacked,
            wishes,
            preset: None,
            workers,
            default_name: None,
            at_start: false,
        })?;
        let (min, max) = (
            version.settings().min_workers,
            version.settings().max_workers,
        );
        let scaling = version.scale(min, max);
        if !wait || min == 0 {
            return Ok(Registered {
                version,
                workers: None,
            });
        }
        let scaled = scaling.done().await;
        if let Scaled::Failed { code } = scaled {
            let (name, version) = (version.name().to_owned(), version.version().to_owned());
            // Somebody else may have removed it meanwhile.
            let _ = self.unregister(&name, Some(&version)).await;
            return Err(RegisterError::Workers {
                name,
                version,
                code,
            });
        }
        Ok(Registered {
            version,
            workers: Some(scaled),
        })
    }

    /// Unpacks an archive of the store, a few at a time.
    pub(super) async fn unpack(&self, url: &str) -> Result<Unpacked, RegisterError> {
        let source = self.0.store.locate(url)?;
        let shared = Arc::clone(&self.0);
        let permit = shared.unpacking.acquire().await;
        let _permit = permit.map_err(|_| RegisterError::Stopping)?;
        let (caps, target): (_, PathBuf) = (shared.caps, shared.work_folder.models());
        let task = tokio::task::spawn_blocking(move || archive::unpack(&source, &target, &caps));
        match task.await {
            Ok(Ok(unpacked)) => Ok(unpacked),
            Ok(Err(ArchiveError::NotAnArchive)) => Err(RegisterError::NoName),
            Ok(Err(error)) => Err(RegisterError::Archive {
                url: url.to_owned(),
                error,
            }),
            Err(_) => Err(RegisterError::Stopping),
        }
    }

    /// Adds an unpacked archive as a version without workers.
    pub(super) fn add(&self, candidate: Candidate<'_>) -> Result<Arc<Version>, RegisterError> {
        let version = Arc::new(candidate.into_version(&self.0)?);
        self.0.repository.add(Arc::clone(&version))?;
        self.count();
        version.events.registered();
        tracing::info!(target: "model", "{} {} registered from {}", version.name(), version.version(), version.url());
        Ok(version)
    }
}

/// An unpacked archive that may become a version.
pub(super) struct Candidate<'a> {
    pub(super) url: String,
    pub(super) unpacked: Unpacked,
    pub(super) wishes: Wishes,
    pub(super) preset: Option<&'a ModelPreset>,
    /// Workers if nobody names a number.
    pub(super) workers: u32,
    /// The name if nobody names one.
    pub(super) default_name: Option<String>,
    pub(super) at_start: bool,
}

impl Candidate<'_> {
    /// The name and version that it would have.
    pub(super) fn identity(&self) -> Result<(String, String), RegisterError> {
        let manifest = &self.unpacked.manifest;
        let name = self
            .wishes
            .model_name
            .as_ref()
            .or(manifest.model_name.as_ref());
        let name = name
            .or(self.default_name.as_ref())
            .ok_or(RegisterError::NoName)?
            .clone();
        let version = manifest
            .model_version
            .clone()
            .unwrap_or_else(|| DEFAULT_VERSION.to_owned());
        for (what, text) in [("model name", &name), ("model version", &version)] {
            if !name::is_valid(text) {
                let text = text.chars().take(200).collect();
                return Err(RegisterError::BadName { what, text });
            }
        }
        Ok((name, version))
    }

    fn into_version(self, shared: &Shared) -> Result<Version, RegisterError> {
        let (name, version) = self.identity()?;
        if shared.repository.has(&name, &version) {
            return Err(RepositoryError::Registered { name, version }.into());
        }
        let Self {
            url,
            unpacked,
            wishes,
            preset,
            workers,
            at_start,
            ..
        } = self;
        let manifest = &unpacked.manifest;
        let preset_runtime = preset
            .and_then(|preset| preset.runtime.as_deref())
            .and_then(Runtime::find);
        let runtime = wishes
            .runtime
            .or(manifest.runtime)
            .or(preset_runtime)
            .unwrap_or_default();
        if runtime == Runtime::Lsp {
            return Err(RegisterError::UnsupportedRuntime);
        }
        let models = &shared.settings;
        let handler = wishes.handler.clone().or_else(|| manifest.handler.clone());
        let handler = handler
            .or_else(|| models.default_handler.clone())
            .ok_or(RegisterError::NoHandler)?;
        let envelope = manifest
            .envelope
            .clone()
            .or_else(|| models.service_envelope.clone());
        let config = &unpacked.config;
        let settings = VersionSettings::of(&wishes, config, preset, models, workers, &shared.gpus);
        let metrics = shared.serving.version(&name, &version);
        let queue = JobQueue::new(settings.queue_rules(), Arc::clone(&metrics));
        let plan = PoolPlan {
            label: format!("{name}_{version}"),
            model_name: name.clone(),
            handler,
            envelope: envelope.unwrap_or_default(),
            folder: unpacked.folder().to_owned(),
            batch_size: settings.batch_size,
            limit_max_image_pixels: models.limit_max_image_pixels,
            gpus: settings.gpus.clone(),
            startup_timeout: settings.startup_timeout(),
            response_timeout: settings.response_timeout(),
            retry_timeout: Duration::from_secs(settings.retry_timeout_s.into()),
            reply_bytes_max: shared.reply_bytes_max,
        };
        let events = Arc::new(VersionEvents::new(&shared.events, &name, &version));
        let lines = Arc::new(shared.lines.model(&name, &metrics));
        let (numbers, launcher) = (Arc::clone(&shared.numbers), Arc::clone(&shared.launcher));
        let pool = Pool::new(
            plan,
            numbers,
            launcher,
            Arc::clone(&queue),
            Arc::clone(&metrics),
            lines,
            Arc::clone(&events),
        );
        Ok(Version {
            name,
            version,
            url,
            runtime,
            loaded_at_start: at_start,
            settings,
            queue,
            pool,
            metrics,
            events,
            _archive: unpacked,
        })
    }
}

/// The name that an archive of the configuration gets when nothing else names it.
pub(super) fn name_of_file(url: &str) -> Option<String> {
    Some(Store::default_name(url)).filter(|name| name::is_valid(name))
}

#[cfg(test)]
mod tests;
