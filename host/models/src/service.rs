//! All models of the server, for the rest of the server.

use super::archive::Caps;
use super::events::{EventSink, Events};
use super::gpu;
use super::lines::{LineOptions, Lines};
use super::pool::{Scaled, WorkerNumbers};
use super::repository::{Repository, RepositoryError};
use super::store::Store;
use super::version::Version;
use super::work_folder::WorkFolder;
use super::worker::{Launcher, ProcessLauncher, ProcessOptions};
use meterbox_config::{Environment, ModelSettings};
use meterbox_plugin_abi::{Row, models as fields};
use meterbox_telemetry::serving::ServingMetrics;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The worker's program, below the folder that `model_server_home` names or near the binary; the second
/// is TorchServe's own.
const SCRIPTS: [&str; 2] = [
    "python/model_service_worker.py",
    "ts/model_service_worker.py",
];
/// Folders above the binary in which it is looked for: a build has it in the repository.
const FOLDERS_ABOVE: usize = 4;
/// Archives that are unpacked at the same time.
const UNPACKING_MAX: usize = 2;
/// What models depend on.
pub struct Options {
    /// The configuration of models.
    pub settings: ModelSettings,
    /// Where unpacked models and sockets go.
    pub temp_folder: PathBuf,
    /// Largest reply of a worker, in bytes (`max_response_size`).
    pub reply_bytes_max: u64,
    /// The environment that workers inherit, before it is cleaned.
    pub environment: Environment,
    /// Metrics of predictions and workers.
    pub serving: ServingMetrics,
    /// What the lines of workers may do.
    pub lines: LineOptions,
    /// Who is told what happens to models and workers.
    pub events: Arc<dyn EventSink>,
}

/// Why models cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The folder for unpacked models could not be made.
    #[error(
        "{folder}: no folder for unpacked models can be made: {source}: set TEMP to a folder that can be written to"
    )]
    WorkFolder {
        /// The temporary folder.
        folder: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// All models. Cheap to clone.
#[derive(Clone)]
pub struct Models(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) settings: ModelSettings,
    pub(super) store: Store,
    pub(super) repository: Repository,
    pub(super) serving: ServingMetrics,
    pub(super) lines: Lines,
    pub(super) numbers: Arc<WorkerNumbers>,
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) gpus: Vec<u32>,
    pub(super) reply_bytes_max: usize,
    pub(super) caps: Caps,
    pub(super) unpacking: Semaphore,
    pub(super) work_folder: WorkFolder,
    pub(super) events: Events,
}

/// What became of the removal of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Done,
    /// It is gone, but a worker had to be killed in the middle of a batch.
    TimedOut,
}

impl Models {
    /// No models yet. Left-over folders of servers that were killed are removed.
    ///
    /// # Errors
    /// The temporary folder cannot be used.
    pub fn new(options: Options) -> Result<Self, ModelsError> {
        let temp = options.temp_folder.clone();
        let failed = |source| ModelsError::WorkFolder {
            folder: temp.clone(),
            source,
        };
        let work_folder = WorkFolder::create(&options.temp_folder).map_err(failed)?;
        let metrics_config = work_folder.path().join("metrics.json");
        std::fs::write(&metrics_config, options.lines.declarations.worker_json())
            .map_err(failed)?;
        let launcher = ProcessLauncher::new(ProcessOptions {
            python: options.settings.python.clone(),
            script: script(options.settings.home.as_deref()),
            socket_folder: work_folder.path().to_owned(),
            metrics_config,
            environment: environment(&options.environment, &options.settings),
        });
        Ok(Self::with_launcher(
            options,
            work_folder,
            Arc::new(launcher),
        ))
    }

    pub(super) fn with_launcher(
        options: Options,
        work_folder: WorkFolder,
        launcher: Arc<dyn Launcher>,
    ) -> Self {
        let settings = options.settings;
        Self(Arc::new(Shared {
            store: Store::new(settings.store.clone()),
            repository: Repository::default(),
            serving: options.serving,
            lines: Lines::new(options.lines),
            numbers: Arc::new(WorkerNumbers::from(settings.initial_worker_port)),
            launcher,
            gpus: gpu::present(settings.gpus),
            reply_bytes_max: usize::try_from(options.reply_bytes_max).unwrap_or(usize::MAX),
            caps: Caps::default(),
            unpacking: Semaphore::new(UNPACKING_MAX),
            settings,
            work_folder,
            events: Events::to(options.events),
        }))
    }

    pub(super) fn events(&self) -> &Events {
        &self.0.events
    }

    /// The named version of a model, or its default one.
    ///
    /// # Errors
    /// There is no such model or version.
    pub fn find(&self, name: &str, version: Option<&str>) -> Result<Arc<Version>, RepositoryError> {
        self.0.repository.find(name, version)
    }

    /// All versions of a model.
    ///
    /// # Errors
    /// There is no such model.
    pub fn versions(&self, name: &str) -> Result<Vec<Arc<Version>>, RepositoryError> {
        self.0.repository.versions(name)
    }

    /// The default version of each model, by name.
    #[must_use]
    pub fn defaults(&self) -> Vec<Arc<Version>> {
        self.0.repository.defaults()
    }

    /// The only model that the configuration named, if it is the only one.
    #[must_use]
    pub fn only_startup_model(&self) -> Option<Arc<Version>> {
        let mut found = self
            .defaults()
            .into_iter()
            .filter(|version| version.loaded_at_start());
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Whether models may be registered and removed over HTTP.
    #[must_use]
    pub fn api_enabled(&self) -> bool {
        self.0.settings.api_enabled
    }

    /// Whether the default version of every model has the workers it should have.
    ///
    /// A worker inside its retry window counts as one.
    #[must_use]
    pub fn are_healthy(&self) -> bool {
        self.defaults().iter().all(|version| version.is_healthy())
    }

    /// Makes a version the one that answers when none is named.
    ///
    /// # Errors
    /// There is no such model or version.
    pub fn set_default(&self, name: &str, version: &str) -> Result<(), RepositoryError> {
        self.0.repository.set_default(name, version)
    }

    /// Scales a version, and waits for the workers if `wait` is set. Goes on if the caller leaves.
    pub async fn scale(&self, version: &Version, min: u32, max: u32, wait: bool) -> Option<Scaled> {
        let scaling = version.scale(min, max);
        if wait {
            Some(scaling.done().await)
        } else {
            None
        }
    }

    /// Removes a version, or the default one, and ends its workers. Goes on if the caller leaves.
    ///
    /// # Errors
    /// There is no such model or version, or it may not be removed.
    pub async fn unregister(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Removal, RepositoryError> {
        let removed = self.0.repository.remove(name, version)?;
        self.count();
        let patience = self.0.settings.unregister_timeout;
        let closing = tokio::spawn(async move {
            let in_time = removed.close(patience).await;
            removed.events.unregistered();
            tracing::info!(target: "model", "{} {} unregistered", removed.name(), removed.version());
            in_time
        });
        // A task that panicked has dropped the version, which ends its workers too.
        let in_time = closing.await.unwrap_or(false);
        Ok(if in_time {
            Removal::Done
        } else {
            Removal::TimedOut
        })
    }

    /// Ends all workers: each may finish its batch, but not for longer than `patience`. Nothing can be
    /// registered after that.
    pub async fn shut_down(&self, patience: Duration) {
        let all = self
            .0
            .repository
            .all()
            .into_iter()
            .map(|(version, _)| version);
        let closing: Vec<_> = all
            .map(|one| tokio::spawn(async move { one.close(patience).await }))
            .collect();
        for one in closing {
            // Whether in time or not, its workers are gone.
            let _ = one.await;
        }
        self.0.work_folder.remove();
    }

    pub(super) fn count(&self) {
        self.0.serving.versions(self.0.repository.len());
    }

    /// One row per version, with the fields of `meterbox_plugin_abi::models`.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let row = |(version, is_default): (Arc<Version>, bool)| {
            let (min, max) = version.workers_wanted();
            Row::new()
                .text(fields::NAME, version.name())
                .text(fields::VERSION, version.version())
                .number(fields::IS_DEFAULT, f64::from(u8::from(is_default)))
                .number(fields::WORKERS_READY, version.workers_ready() as f64)
                .number(fields::WORKERS_MIN, min.into())
                .number(fields::WORKERS_MAX, max.into())
                .number(fields::QUEUE_LEN, version.waiting() as f64)
        };
        self.0.repository.all().into_iter().map(row).collect()
    }

    /// Brings up to date what is read when metrics are gathered: the memory of workers.
    pub fn refresh_metrics(&self) {
        for (version, _) in self.0.repository.all() {
            version.measure_memory();
        }
    }
}

/// The worker's program; if there is none, where it should be.
fn script(home: Option<&Path>) -> PathBuf {
    let binary = std::env::current_exe().ok();
    let near = binary
        .iter()
        .flat_map(|binary| binary.ancestors().skip(1).take(FOLDERS_ABOVE));
    let folders: Vec<&Path> = home.into_iter().chain(near).collect();
    let found = folders
        .iter()
        .flat_map(|folder| SCRIPTS.map(|script| folder.join(script)))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| folders.first().unwrap_or(&Path::new(".")).join(SCRIPTS[0]))
}

/// What workers inherit: everything but what is hidden, and what would load foreign code into them.
fn environment(inherited: &Environment, settings: &ModelSettings) -> Vec<(OsString, OsString)> {
    let shown = |name: &str| !name.starts_with("LD_") && !settings.hidden_variables.matches(name);
    let mut variables: Vec<(OsString, OsString)> = inherited
        .iter()
        .filter(|(name, _)| shown(name))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let decode = settings.decode_input.to_string();
    variables.push(("TS_DECODE_INPUT_REQUEST".into(), decode.into()));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_config::Settings;

    #[test]
    fn workers_inherit_the_environment_without_secrets_and_preloads() {
        let mut settings = Settings::defaults().models;
        settings.hidden_variables = meterbox_config::NamePatterns::parse("AWS_.*").unwrap();
        let variables = [
            ("HOME", "/h"),
            ("LD_PRELOAD", "x.so"),
            ("AWS_SECRET", "s"),
            ("LDX", "y"),
        ];
        let seen = environment(&variables.into_iter().collect(), &settings);
        let names: Vec<_> = seen
            .iter()
            .map(|(name, _)| name.to_str().unwrap())
            .collect();
        assert_eq!(names, ["HOME", "LDX", "TS_DECODE_INPUT_REQUEST"]);
    }

    #[test]
    fn the_worker_of_model_server_home_comes_first() {
        let home = tempfile::tempdir().unwrap();
        let script_of = |folder: &str| {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
            let path = home.path().join(folder).join("model_service_worker.py");
            std::fs::write(&path, "").unwrap();
            path
        };
        let theirs = script_of("ts");
        assert_eq!(script(Some(home.path())), theirs);
        let ours = script_of("python");
        assert_eq!(script(Some(home.path())), ours);
    }
}
