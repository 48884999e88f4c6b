//! Instruments of predictions: one set of handles per model version, one token per request.
//!
//! Inherited metrics move by TorchServe's rules: a request counts when it is accepted, before it is
//! queued; times count only for answers whose batch succeeded. Our own count every answer, by class
//! of status. Time is measured by the caller.
//!
//! **Source:** TorchServe 0.12, `ts/configs/metrics.yaml` and `Job`; the histograms in milliseconds follow
//! its metrics plugin design.

use super::alive::{Alive, Key};
use super::handle::{ByClass, Handle, Metric};
use super::inherited::{Inherited, InheritedMetric};
use super::names::{plugin_design, serving as rows, torchserve};
use super::register::Registrar;
use super::workers::{PoolMetrics, WorkersMetrics};
use meterbox_config::MetricsDetail;
use meterbox_metrics::{Counter, Gauge, Histogram, RegisterError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The version label of inherited metrics when the URL named no version.
const UNNAMED: &str = "default";
/// The label of histograms that are not split by model or version.
const MERGED: &str = "all";

/// Whether the request's URL named the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlVersion {
    /// It did.
    Named,
    /// It did not: the default version answers, and inherited metrics print `default`.
    Unnamed,
}

/// Why a prediction was refused before it was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many wait as may.
    QueueFull,
    /// There is no worker.
    NoWorker,
    /// The server is about to stop.
    Draining,
}

impl Refusal {
    fn reason(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::NoWorker => "no_worker",
            Self::Draining => "draining",
        }
    }
}

/// How a prediction was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status that the client got.
    pub code: u16,
    /// Whether the worker's reply for the whole batch had code 200. The handler may still have chosen
    /// another status for this request.
    pub batch_succeeded: bool,
    /// From arrival to dispatch.
    pub queued: Duration,
    /// From dispatch to the worker's reply.
    pub worker: Duration,
    /// From arrival to answer.
    pub total: Duration,
}

/// Metrics of all predictions. Cheap to clone.
#[derive(Clone)]
pub struct ServingMetrics(Arc<ServingFamilies>);

struct ServingFamilies {
    hostname: Arc<str>,
    uuid: String,
    detail: MetricsDetail,
    alive: Alive<VersionMetrics>,
    workers: WorkersMetrics,

    requests: InheritedMetric,
    latency: InheritedMetric,
    queue_latency: InheritedMetric,
    queue_time: Inherited,

    design_requests: Metric<Counter>,
    design_backend: Metric<Histogram>,
    design_queue: Metric<Histogram>,
    design_handler: Metric<Histogram>,

    predictions: Metric<Counter>,
    duration: Metric<Histogram>,
    queue_duration: Metric<Histogram>,
    worker_duration: Metric<Histogram>,
    handler_duration: Metric<Histogram>,
    batch_size: Metric<Histogram>,
    in_flight: Metric<Gauge>,
    queue_depth: Metric<Gauge>,
    queue_limit: Metric<Gauge>,
    refused: Metric<Counter>,
    dropped: Metric<Counter>,
}

impl ServingMetrics {
    pub(super) fn new(
        registrar: &Registrar<'_>,
        workers: WorkersMetrics,
        uuid: &str,
        detail: MetricsDetail,
    ) -> Result<Self, RegisterError> {
        let queue_time = registrar.inherited(&torchserve::QUEUE_TIME)?;
        Ok(Self(Arc::new(ServingFamilies {
            hostname: Arc::clone(registrar.hostname),
            uuid: uuid.to_owned(),
            detail,
            alive: Alive::default(),
            workers,
            requests: registrar.inherited(&torchserve::INFERENCE_REQUESTS)?,
            latency: registrar.inherited(&torchserve::INFERENCE_LATENCY)?,
            queue_latency: registrar.inherited(&torchserve::QUEUE_LATENCY)?,
            queue_time: queue_time.with(&["Host", registrar.hostname]),
            design_requests: registrar.metric(&plugin_design::INFERENCE_REQUESTS)?,
            design_backend: registrar.metric(&plugin_design::BACKEND_LATENCY)?,
            design_queue: registrar.metric(&plugin_design::QUEUE_LATENCY)?,
            design_handler: registrar.metric(&plugin_design::HANDLER_LATENCY)?,
            predictions: registrar.metric(&rows::PREDICTIONS)?,
            duration: registrar.metric(&rows::PREDICTION_DURATION)?,
            queue_duration: registrar.metric(&rows::QUEUE_DURATION)?,
            worker_duration: registrar.metric(&rows::WORKER_DURATION)?,
            handler_duration: registrar.metric(&rows::HANDLER_DURATION)?,
            batch_size: registrar.metric(&rows::BATCH_SIZE)?,
            in_flight: registrar.metric(&rows::IN_FLIGHT)?,
            queue_depth: registrar.metric(&rows::QUEUE_DEPTH)?,
            queue_limit: registrar.metric(&rows::QUEUE_LIMIT)?,
            refused: registrar.metric(&rows::REFUSED)?,
            dropped: registrar.metric(&rows::DROPPED)?,
        })))
    }

    /// How many versions of models are registered.
    pub fn versions(&self, registered: usize) {
        self.0.workers.versions(registered);
    }

    /// The handles of a model version: the same for all who hold them. When the last holder lets go,
    /// the gauges leave the page; counters stay.
    #[must_use]
    pub fn version(&self, model: &str, version: &str) -> Arc<VersionMetrics> {
        let families = &self.0;
        families
            .alive
            .get((model.to_owned(), version.to_owned()), |key| {
                let values = [model, version];
                // How far latency histograms are split is a matter of configuration.
                let merged = match families.detail {
                    MetricsDetail::Full => [model, version],
                    MetricsDetail::Model => [model, MERGED],
                    MetricsDetail::Aggregate => [MERGED, MERGED],
                };
                VersionMetrics {
                    key,
                    merged: merged.map(str::to_owned),
                    accepted: Default::default(),
                    timed: Default::default(),
                    design_handler: OnceLock::new(),
                    predictions: ByClass::default(),
                    duration: ByClass::default(),
                    queue_duration: families.queue_duration.with(&merged),
                    worker_duration: families.worker_duration.with(&merged),
                    handler_duration: OnceLock::new(),
                    batch_size: families.batch_size.with(&merged),
                    in_flight: families.in_flight.with(&values),
                    queue_depth: families.queue_depth.with(&values),
                    queue_limit: families.queue_limit.with(&values),
                    pool: families.workers.pool(model, version),
                    families: Arc::clone(families),
                }
            })
    }
}

/// Handles of one model version.
pub struct VersionMetrics {
    key: Key,
    merged: [String; 2],
    families: Arc<ServingFamilies>,
    /// By [`UrlVersion`].
    accepted: [OnceLock<AcceptedJob>; 2],
    timed: [OnceLock<TimedVersion>; 2],
    design_handler: OnceLock<Handle<Histogram>>,
    predictions: ByClass<Counter>,
    duration: ByClass<Histogram>,
    queue_duration: Handle<Histogram>,
    worker_duration: Handle<Histogram>,
    handler_duration: OnceLock<Handle<Histogram>>,
    batch_size: Handle<Histogram>,
    in_flight: Handle<Gauge>,
    queue_depth: Handle<Gauge>,
    queue_limit: Handle<Gauge>,
    pool: PoolMetrics,
}

/// Inherited metrics that move when a request is accepted.
struct AcceptedJob {
    requests: Inherited,
    design_requests: Handle<Counter>,
}

/// Inherited metrics that move when an answer's batch succeeded.
struct TimedVersion {
    latency: Inherited,
    queue_latency: Inherited,
    design_backend: Handle<Histogram>,
    design_queue: Handle<Histogram>,
}

impl VersionMetrics {
    /// A predict call was accepted: before it is queued, and whether or not there is room for it.
    /// What becomes of it is told to the token that is returned.
    pub fn accepted(self: &Arc<Self>, url: UrlVersion) -> Prediction {
        let accepted = self.accepted[url as usize].get_or_init(|| AcceptedJob {
            requests: self.families.requests.with(&self.host_labels(url)),
            design_requests: self.families.design_requests.with(&self.uuid_labels(url)),
        });
        accepted.requests.update(1.0);
        accepted.design_requests.inc();
        self.in_flight.add(1.0);
        Prediction {
            version: Arc::clone(self),
            url,
            open: true,
        }
    }

    /// A batch of so many predictions goes to a worker.
    pub fn batched(&self, predictions: usize) {
        self.batch_size.observe(predictions as f64);
    }

    /// So many predictions wait now.
    pub fn queue_depth(&self, waiting: usize) {
        self.queue_depth.set(waiting as f64);
    }

    /// So many may wait.
    pub fn queue_limit(&self, most: usize) {
        self.queue_limit.set(most as f64);
    }

    /// Its workers.
    #[must_use]
    pub fn pool(&self) -> &PoolMetrics {
        &self.pool
    }

    /// A handler said how long it took, in milliseconds.
    pub fn handled(&self, milliseconds: f64) {
        let design = self.design_handler.get_or_init(|| {
            self.families
                .design_handler
                .with(&self.uuid_labels(UrlVersion::Unnamed))
        });
        design.observe(milliseconds);
        let own = self.handler_duration.get_or_init(|| {
            self.families
                .handler_duration
                .with(&[&self.merged[0], &self.merged[1]])
        });
        own.observe(milliseconds / 1e3);
    }

    fn answered(&self, url: UrlVersion, answer: &Answer) {
        let [model, version] = [self.key.0.as_str(), self.key.1.as_str()];
        let families = &self.families;
        let make = |class: &str| families.predictions.with(&[model, version, class]);
        self.predictions.of(answer.code, make).inc();
        let make = |class: &str| {
            families
                .duration
                .with(&[&self.merged[0], &self.merged[1], class])
        };
        self.duration.of(answer.code, make).seconds(answer.total);
        self.queue_duration.seconds(answer.queued);
        self.worker_duration.seconds(answer.worker);
        if answer.batch_succeeded {
            self.timed(url, answer);
        }
    }

    /// In the order in which TorchServe logs them.
    fn timed(&self, url: UrlVersion, answer: &Answer) {
        let timed = self.timed[url as usize].get_or_init(|| {
            let (host, uuid) = (self.host_labels(url), self.uuid_labels(url));
            TimedVersion {
                latency: self.families.latency.with(&host),
                queue_latency: self.families.queue_latency.with(&host),
                design_backend: self.families.design_backend.with(&uuid),
                design_queue: self.families.design_queue.with(&uuid),
            }
        });
        let queued_ms = answer.queued.as_millis() as f64;
        timed.latency.update(microseconds(answer.total));
        timed.queue_latency.update(microseconds(answer.queued));
        self.families.queue_time.update(queued_ms);
        timed
            .design_backend
            .observe(microseconds(answer.queued + answer.worker) / 1e3);
        timed.design_queue.observe(queued_ms);
    }

    fn host_labels(&self, url: UrlVersion) -> [&str; 3] {
        [&self.key.0, self.label(url), &self.families.hostname]
    }

    fn uuid_labels(&self, url: UrlVersion) -> [&str; 3] {
        [&self.families.uuid, &self.key.0, self.label(url)]
    }

    fn label(&self, url: UrlVersion) -> &str {
        match url {
            UrlVersion::Named => &self.key.1,
            UrlVersion::Unnamed => UNNAMED,
        }
    }
}

impl Drop for VersionMetrics {
    fn drop(&mut self) {
        let families = &self.families;
        families.alive.gone(&self.key, || {
            let values = [self.key.0.as_str(), self.key.1.as_str()];
            for gauge in [
                &families.in_flight,
                &families.queue_depth,
                &families.queue_limit,
            ] {
                gauge.remove(&values);
            }
            self.pool.remove();
        });
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e3
}

/// A prediction under way. Tell it how it ends; if it is dropped before, nobody waited for the answer.
#[must_use = "a prediction that is dropped counts as given up by its client"]
pub struct Prediction {
    version: Arc<VersionMetrics>,
    url: UrlVersion,
    open: bool,
}

impl Prediction {
    /// It was answered by a worker, or for one that died.
    pub fn answered(mut self, answer: &Answer) {
        self.open = false;
        self.version.answered(self.url, answer);
    }

    /// It was refused with `code`, `total` after it arrived.
    pub fn refused(mut self, refusal: Refusal, code: u16, total: Duration) {
        self.open = false;
        let version = &self.version;
        let [model, number] = [version.key.0.as_str(), version.key.1.as_str()];
        let families = &version.families;
        families.refused.inc(&[model, number, refusal.reason()]);
        let make = |class: &str| families.predictions.with(&[model, number, class]);
        version.predictions.of(code, make).inc();
        let make = |class: &str| {
            families
                .duration
                .with(&[&version.merged[0], &version.merged[1], class])
        };
        version.duration.of(code, make).seconds(total);
    }

    /// It was given up although its client still waits: it was too old when its turn came.
    pub fn expired(mut self) {
        self.open = false;
        self.count_dropped("expired");
    }

    fn count_dropped(&self, reason: &str) {
        let (model, version) = &self.version.key;
        self.version.families.dropped.inc(&[model, version, reason]);
    }
}

impl Drop for Prediction {
    fn drop(&mut self) {
        self.version.in_flight.add(-1.0);
        if self.open {
            self.count_dropped("client_gone");
        }
    }
}

#[cfg(test)]
mod tests;
