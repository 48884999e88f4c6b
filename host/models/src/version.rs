//! One version of a model: its archive, its settings, its queue and its workers.

use super::archive::{Runtime, Unpacked};
use super::events::VersionEvents;
use super::input::Input;
use super::job::Job;
use super::pool::{Pool, Scaling};
use super::queue::{JobQueue, Ticket};
use super::settings::VersionSettings;
use super::worker::WorkerReport;
use meterbox_telemetry::serving::{Refusal, UrlVersion, VersionMetrics};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A registered version of a model.
pub struct Version {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) url: String,
    pub(super) runtime: Runtime,
    pub(super) loaded_at_start: bool,
    pub(super) settings: VersionSettings,
    pub(super) queue: Arc<JobQueue>,
    pub(super) pool: Arc<Pool>,
    pub(super) metrics: Arc<VersionMetrics>,
    pub(super) events: Arc<VersionEvents>,
    /// Goes with the version, after its workers.
    pub(super) _archive: Unpacked,
}

impl Version {
    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The URL that it was registered with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its runtime.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        self.runtime
    }

    /// Whether the configuration named it.
    #[must_use]
    pub fn loaded_at_start(&self) -> bool {
        self.loaded_at_start
    }

    /// Its settings. The number of workers may have changed since: [`Version::workers_wanted`].
    #[must_use]
    pub fn settings(&self) -> &VersionSettings {
        &self.settings
    }

    /// Fewest and most workers.
    #[must_use]
    pub fn workers_wanted(&self) -> (u32, u32) {
        self.pool.wanted()
    }

    /// Its workers, by number.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerReport> {
        self.pool.reports()
    }

    /// Workers that take batches.
    #[must_use]
    pub fn workers_ready(&self) -> usize {
        self.pool.ready_count()
    }

    /// Requests that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether enough of its workers work.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.pool.is_healthy()
    }

    /// Queues a prediction that arrived at `arrived`.
    ///
    /// # Errors
    /// There is no room or no worker.
    pub fn predict(
        &self,
        id: String,
        input: Input,
        arrived: Instant,
        url: UrlVersion,
    ) -> Result<Ticket, Refusal> {
        let token = self.metrics.accepted(url);
        let (job, answer) = Job::new(id, input, arrived, Some(token));
        self.queue.push(job, answer).map_err(|(job, refusal)| {
            if let Some(token) = job.refuse() {
                token.refused(refusal, 503, arrived.elapsed());
            }
            refusal
        })
    }

    /// Queues a question about the model, which is no prediction.
    ///
    /// # Errors
    /// There is no room or no worker.
    pub fn describe(&self, id: String, input: Input) -> Result<Ticket, Refusal> {
        let (job, answer) = Job::new(id, input, Instant::now(), None);
        self.queue.push(job, answer).map_err(|(job, refusal)| {
            job.refuse();
            refusal
        })
    }

    /// Scales it. Has to be called in a runtime.
    pub fn scale(&self, min: u32, max: u32) -> Scaling {
        self.pool.scale(min, max)
    }

    /// Brings the memory of its workers up to date in its metrics.
    pub(super) fn measure_memory(&self) {
        self.pool.measure_memory();
    }

    /// Ends its workers for good; says whether all ended within `patience`.
    pub(super) async fn close(&self, patience: Duration) -> bool {
        self.pool.close(patience).await
    }
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Version")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
