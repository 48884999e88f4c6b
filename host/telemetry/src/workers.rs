//! Instruments of workers: how many there are, how they start, load and die.
//!
//! A worker's series live as long as its [`WorkerMetrics`]; what its processes counted stays.
//!
//! **Source:** `WorkerLoadTime` and `WorkerThreadTime` are TorchServe 0.12's, but for the series of a
//! worker that is gone, which TorchServe keeps for ever.

use super::handle::{Handle, Metric};
use super::inherited::{Inherited, InheritedMetric};
use super::names::{torchserve, workers as rows};
use super::register::Registrar;
use meterbox_metrics::{Counter, Gauge, Histogram, RegisterError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Why a worker's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// It could not be started.
    Spawn,
    /// It was not ready in time, or had not loaded its model in time.
    StartTimeout,
    /// It said that its model cannot be loaded.
    LoadFailed,
    /// It ended by itself.
    Exit,
    /// A signal ended it.
    Signal,
    /// It was out of memory.
    OutOfMemory,
    /// It did not answer in time and was killed.
    ResponseTimeout,
    /// It answered something else than the protocol allows and was killed.
    Protocol,
}

impl Death {
    /// The label value.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::StartTimeout => "start_timeout",
            Self::LoadFailed => "load_failed",
            Self::Exit => "exit",
            Self::Signal => "signal",
            Self::OutOfMemory => "out_of_memory",
            Self::ResponseTimeout => "response_timeout",
            Self::Protocol => "protocol",
        }
    }
}

/// Families of workers. Cheap to clone.
#[derive(Clone)]
pub(super) struct WorkersMetrics(Arc<WorkerFamilies>);

struct WorkerFamilies {
    hostname: Arc<str>,
    versions: Handle<Gauge>,
    wanted: Metric<Gauge>,
    ready: Metric<Gauge>,
    up: Metric<Gauge>,
    memory: Metric<Gauge>,
    starts: Metric<Counter>,
    restarts: Metric<Counter>,
    deaths: Metric<Counter>,
    load_duration: Metric<Histogram>,
    load_time: InheritedMetric,
    thread_time: Inherited,
}

impl WorkersMetrics {
    pub(super) fn new(registrar: &Registrar<'_>) -> Result<Self, RegisterError> {
        let thread_time = registrar.inherited(&torchserve::WORKER_THREAD_TIME)?;
        let versions = registrar.metric::<Gauge>(&rows::MODEL_VERSIONS)?;
        Ok(Self(Arc::new(WorkerFamilies {
            hostname: Arc::clone(registrar.hostname),
            versions: versions.with(&[]),
            wanted: registrar.metric(&rows::WORKERS_WANTED)?,
            ready: registrar.metric(&rows::WORKERS_READY)?,
            up: registrar.metric(&rows::WORKER_UP)?,
            memory: registrar.metric(&rows::WORKER_MEMORY)?,
            starts: registrar.metric(&rows::WORKER_STARTS)?,
            restarts: registrar.metric(&rows::WORKER_RESTARTS)?,
            deaths: registrar.metric(&rows::WORKER_DEATHS)?,
            load_duration: registrar.metric(&rows::LOAD_DURATION)?,
            load_time: registrar.inherited(&torchserve::WORKER_LOAD_TIME)?,
            thread_time: thread_time.with(&["Host", registrar.hostname]),
        })))
    }

    pub(super) fn versions(&self, registered: usize) {
        self.0.versions.set(registered as f64);
    }

    pub(super) fn pool(&self, model: &str, version: &str) -> PoolMetrics {
        let values = [model, version];
        let families = &self.0;
        PoolMetrics(Arc::new(PoolCounts {
            model: model.to_owned(),
            version: version.to_owned(),
            wanted: families.wanted.with(&values),
            ready: families.ready.with(&values),
            starts: families.starts.with(&values),
            restarts: families.restarts.with(&values),
            load_duration: families.load_duration.with(&values),
            families: Arc::clone(families),
        }))
    }
}

/// The workers of one model version. Cheap to clone.
#[derive(Clone)]
pub struct PoolMetrics(Arc<PoolCounts>);

struct PoolCounts {
    model: String,
    version: String,
    families: Arc<WorkerFamilies>,
    wanted: Handle<Gauge>,
    ready: Handle<Gauge>,
    starts: Handle<Counter>,
    restarts: Handle<Counter>,
    load_duration: Handle<Histogram>,
}

impl PoolMetrics {
    /// The version is scaled to so many workers.
    pub fn wanted(&self, workers: usize) {
        self.0.wanted.set(workers as f64);
    }

    /// A new worker. `id` tells it from the others of its version (`9000`); its series leave the page
    /// when what is returned is dropped.
    #[must_use]
    pub fn worker(&self, id: &str) -> WorkerMetrics {
        let pool = &self.0;
        let families = &pool.families;
        let values = [pool.model.as_str(), pool.version.as_str(), id];
        let up = families.up.with(&values);
        up.set(0.0);
        WorkerMetrics {
            id: id.to_owned(),
            name: format!("W-{id}-{}_{}", pool.model, pool.version),
            loaded: AtomicBool::new(false),
            up,
            memory: families.memory.with(&values),
            pool: Arc::clone(pool),
        }
    }

    /// Takes the gauges off the page.
    pub(super) fn remove(&self) {
        let values = [self.0.model.as_str(), self.0.version.as_str()];
        self.0.families.wanted.remove(&values);
        self.0.families.ready.remove(&values);
    }
}

/// One worker, over all the processes that run for it.
pub struct WorkerMetrics {
    id: String,
    /// TorchServe's name of it: `W-9000-noop_1.0`.
    name: String,
    loaded: AtomicBool,
    pool: Arc<PoolCounts>,
    up: Handle<Gauge>,
    memory: Handle<Gauge>,
}

impl WorkerMetrics {
    /// TorchServe's name of it: `W-9000-noop_1.0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A process was started: for the first time, or in place of one that died.
    pub fn started(&self, again: bool) {
        self.pool.starts.inc();
        if again {
            self.pool.restarts.inc();
        }
    }

    /// The model is loaded, `took` after the process was started. `thread` is how much of the exchange
    /// was spent in the server.
    pub fn loaded(&self, took: Duration, thread: Duration) {
        self.up(true);
        self.pool.load_duration.seconds(took);
        let families = &self.pool.families;
        let load_time = families
            .load_time
            .with(&[&self.name, "Host", &families.hostname]);
        load_time.update(took.as_millis() as f64);
        self.batch_done(thread);
    }

    /// A batch is done; `thread` is how much of its time was spent in the server.
    pub fn batch_done(&self, thread: Duration) {
        self.pool
            .families
            .thread_time
            .update(thread.as_millis() as f64);
    }

    /// The process ended without being told to.
    pub fn died(&self, death: Death) {
        self.up(false);
        let pool = &self.pool;
        pool.families
            .deaths
            .inc(&[&pool.model, &pool.version, death.reason()]);
    }

    /// The process was told to end.
    pub fn stopped(&self) {
        self.up(false);
    }

    /// Resident memory of the process.
    pub fn resident_memory(&self, bytes: u64) {
        self.memory.set(bytes as f64);
    }

    fn up(&self, up: bool) {
        if self.loaded.swap(up, Ordering::AcqRel) != up {
            let (value, step) = if up { (1.0, 1.0) } else { (0.0, -1.0) };
            self.up.set(value);
            self.pool.ready.add(step);
        }
    }
}

impl Drop for WorkerMetrics {
    fn drop(&mut self) {
        self.up(false);
        let families = &self.pool.families;
        let values = [
            self.pool.model.as_str(),
            self.pool.version.as_str(),
            &self.id,
        ];
        families.up.remove(&values);
        families.memory.remove(&values);
        families
            .load_time
            .remove(&[&self.name, "Host", &families.hostname]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    const POOL: &str = "model_name=\"noop\",model_version=\"1.11\"";
    const WORKER: &str = "model_name=\"noop\",model_version=\"1.11\",worker=\"9000\"";
    const LOAD: &str = "WorkerName=\"W-9000-noop_1.11\",Level=\"Host\",Hostname=\"vm\"";

    #[test]
    fn a_worker_is_seen_from_start_to_end() {
        let bench = Bench::new();
        let version = bench.telemetry.serving().version("noop", "1.11");
        version.pool().wanted(1);
        let worker = version.pool().worker("9000");
        assert_eq!(bench.value("meterbox_worker_up", WORKER), Some(0.0));
        worker.started(false);
        worker.loaded(Duration::from_millis(1545), Duration::from_micros(5_900));
        worker.resident_memory(1 << 20);
        assert_eq!(bench.value("meterbox_worker_up", WORKER), Some(1.0));
        assert_eq!(bench.value("meterbox_workers_ready", POOL), Some(1.0));
        assert_eq!(bench.value("meterbox_workers_wanted", POOL), Some(1.0));
        assert_eq!(
            bench.value("WorkerLoadTime", LOAD),
            Some(1545.0),
            "whole milliseconds"
        );
        let host = "Level=\"Host\",Hostname=\"vm\"";
        assert_eq!(bench.value("WorkerThreadTime", host), Some(5.0));
        worker.batch_done(Duration::from_millis(2));
        assert_eq!(bench.value("WorkerThreadTime", host), Some(2.0));

        worker.died(Death::OutOfMemory);
        worker.died(Death::OutOfMemory);
        assert_eq!(
            bench.value("meterbox_workers_ready", POOL),
            Some(0.0),
            "not below 0"
        );
        worker.started(true);
        let deaths = format!("{POOL},reason=\"out_of_memory\"");
        assert_eq!(
            bench.value("meterbox_worker_deaths_total", &deaths),
            Some(2.0)
        );
        assert_eq!(bench.value("meterbox_worker_starts_total", POOL), Some(2.0));
        assert_eq!(
            bench.value("meterbox_worker_restarts_total", POOL),
            Some(1.0)
        );
        assert_eq!(
            bench.count("meterbox_model_load_duration_seconds", POOL),
            Some(1)
        );
    }

    #[test]
    fn series_of_a_worker_that_is_gone_leave_the_page() {
        let bench = Bench::new();
        let version = bench.telemetry.serving().version("noop", "1.11");
        let worker = version.pool().worker("9000");
        worker.loaded(Duration::from_secs(1), Duration::ZERO);
        worker.resident_memory(1);
        drop(worker);
        for (name, labels) in [
            ("meterbox_worker_up", WORKER),
            ("meterbox_worker_resident_memory_bytes", WORKER),
            ("WorkerLoadTime", LOAD),
        ] {
            assert_eq!(bench.value(name, labels), None, "{name}");
        }
        assert_eq!(bench.value("meterbox_workers_ready", POOL), Some(0.0));
        drop(version);
        assert_eq!(bench.value("meterbox_workers_ready", POOL), None);
        assert_eq!(
            bench.value("meterbox_worker_starts_total", POOL),
            Some(0.0),
            "counters stay"
        );
    }
}
