//! The workers of one model version: as many as it is scaled to.

use super::events::VersionEvents;
use super::lines::ModelLines;
use super::queue::{JobQueue, Member};
use super::wire;
use super::worker::{Assignment, Launcher, Stage, Stop, Supervisor, WorkerReport, WorkerStatus};
use meterbox_telemetry::serving::VersionMetrics;
use meterbox_telemetry::workers::WorkerMetrics;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Gives each worker of the server its number; none is used twice.
#[derive(Debug)]
pub(super) struct WorkerNumbers(AtomicU32);

impl WorkerNumbers {
    pub(super) fn from(first: u16) -> Self {
        Self(AtomicU32::new(first.into()))
    }

    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// What all workers of a version have in common.
pub(super) struct PoolPlan {
    /// `noop_1.11`.
    pub(super) label: String,
    pub(super) model_name: String,
    pub(super) handler: String,
    pub(super) envelope: String,
    pub(super) folder: PathBuf,
    pub(super) batch_size: u32,
    pub(super) limit_max_image_pixels: bool,
    pub(super) gpus: Vec<u32>,
    pub(super) startup_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) retry_timeout: Duration,
    pub(super) reply_bytes_max: usize,
}

/// The workers of one version.
pub(super) struct Pool {
    plan: PoolPlan,
    numbers: Arc<WorkerNumbers>,
    launcher: Arc<dyn Launcher>,
    queue: Arc<JobQueue>,
    metrics: Arc<VersionMetrics>,
    lines: Arc<ModelLines>,
    events: Arc<VersionEvents>,
    state: Mutex<State>,
}

struct State {
    min: u32,
    max: u32,
    workers: Vec<Worker>,
    closed: bool,
}

struct Worker {
    status: Arc<WorkerStatus>,
    metrics: Arc<WorkerMetrics>,
    member: Arc<Member>,
    stop: watch::Sender<Stop>,
    task: JoinHandle<()>,
}

impl Worker {
    /// It may finish its batch.
    fn stop(&self) {
        self.stop.send_replace(Stop::AfterBatch);
        self.member.retire();
    }
}

/// What became of a change of the number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaled {
    /// There are as many as were asked for, all ready.
    Done,
    /// Another change came in between.
    Overtaken,
    /// A worker did not start; the code is 500, or 507 if it was out of memory.
    Failed {
        /// The code.
        code: u16,
    },
}

/// A change of the number of workers that is under way.
#[must_use = "workers start by themselves, but nobody learns whether they did"]
pub struct Scaling {
    starting: Vec<Arc<WorkerStatus>>,
    stopping: Vec<JoinHandle<()>>,
    pool: Arc<Pool>,
    wanted: (u32, u32),
}

impl Pool {
    pub(super) fn new(
        plan: PoolPlan,
        numbers: Arc<WorkerNumbers>,
        launcher: Arc<dyn Launcher>,
        queue: Arc<JobQueue>,
        metrics: Arc<VersionMetrics>,
        lines: Arc<ModelLines>,
        events: Arc<VersionEvents>,
    ) -> Arc<Self> {
        let state = State {
            min: 0,
            max: 0,
            workers: Vec::new(),
            closed: false,
        };
        metrics.pool().wanted(0);
        let state = Mutex::new(state);
        Arc::new(Self {
            plan,
            numbers,
            launcher,
            queue,
            metrics,
            lines,
            events,
            state,
        })
    }

    /// Scales to at least `min` and at most `max` workers. Has to be called in a runtime.
    pub(super) fn scale(self: &Arc<Self>, min: u32, max: u32) -> Scaling {
        let mut state = self.state.lock();
        let mut stopping = Vec::new();
        if !state.closed {
            state.min = min;
            state.max = max;
            let (fewest, most) = (min as usize, max as usize);
            while state.workers.len() < fewest {
                let worker = self.start();
                state.workers.push(worker);
            }
            // Those that do not work go first, then the youngest.
            state
                .workers
                .sort_by_key(|worker| worker.status.stage() != Stage::Ready);
            while state.workers.len() > most {
                let worker = state.workers.pop().expect("there are more than none");
                worker.stop();
                stopping.push(worker.task);
            }
            self.metrics.pool().wanted(state.workers.len());
            state.workers.sort_by_key(|worker| worker.status.id());
        }
        let starting = state
            .workers
            .iter()
            .map(|worker| Arc::clone(&worker.status))
            .collect();
        Scaling {
            starting,
            stopping,
            pool: Arc::clone(self),
            wanted: (min, max),
        }
    }

    fn start(&self) -> Worker {
        let plan = &self.plan;
        let id = self.numbers.next();
        let gpu = match plan.gpus.as_slice() {
            [] => None,
            gpus => Some(gpus[id as usize % gpus.len()]),
        };
        let status = Arc::new(WorkerStatus::new(id, gpu));
        let metrics = Arc::new(self.metrics.pool().worker(&id.to_string()));
        let member = self.queue.join();
        let folder = plan.folder.to_string_lossy();
        let load = wire::load(&wire::Load {
            model_name: &plan.model_name,
            model_folder: &folder,
            batch_size: plan.batch_size,
            handler: &plan.handler,
            gpu: status.gpu(),
            envelope: &plan.envelope,
            limit_max_image_pixels: plan.limit_max_image_pixels,
        });
        let supervisor = Supervisor {
            assignment: Assignment {
                name: format!("W-{id}-{}", plan.label),
                id,
                folder: plan.folder.clone(),
                startup_timeout: plan.startup_timeout,
                lines: Arc::clone(&self.lines),
                status: Arc::clone(&status),
            },
            launcher: Arc::clone(&self.launcher),
            queue: Arc::clone(&self.queue),
            version: Arc::clone(&self.metrics),
            member: Arc::clone(&member),
            metrics: Arc::clone(&metrics),
            status: Arc::clone(&status),
            events: Arc::clone(&self.events),
            load: load.into(),
            response_timeout: plan.response_timeout,
            reply_bytes_max: plan.reply_bytes_max,
        };
        let (stop, told) = watch::channel(Stop::No);
        let task = tokio::spawn(supervisor.run(told));
        Worker {
            status,
            metrics,
            member,
            stop,
            task,
        }
    }

    /// The numbers it is scaled to.
    pub(super) fn wanted(&self) -> (u32, u32) {
        let state = self.state.lock();
        (state.min, state.max)
    }

    pub(super) fn reports(&self) -> Vec<WorkerReport> {
        self.statuses()
            .iter()
            .map(|status| status.report())
            .collect()
    }

    pub(super) fn ready_count(&self) -> usize {
        self.statuses()
            .iter()
            .filter(|status| status.stage() == Stage::Ready)
            .count()
    }

    /// Brings the memory of its workers up to date in its metrics.
    pub(super) fn measure_memory(&self) {
        let state = self.state.lock();
        for worker in &state.workers {
            if let Some(bytes) = worker.status.report().resident_bytes {
                worker.metrics.resident_memory(bytes);
            }
        }
    }

    /// Whether enough workers work, or may be expected to soon.
    pub(super) fn is_healthy(&self) -> bool {
        let patience = self.plan.retry_timeout;
        let healthy = self
            .statuses()
            .iter()
            .filter(|one| one.is_healthy(patience))
            .count();
        healthy >= self.wanted().0 as usize
    }

    fn statuses(&self) -> Vec<Arc<WorkerStatus>> {
        let state = self.state.lock();
        state
            .workers
            .iter()
            .map(|worker| Arc::clone(&worker.status))
            .collect()
    }

    /// Ends all workers for good: each may finish its batch, but not for longer than `patience`. Says
    /// whether all ended within it; those that did not were killed.
    pub(super) async fn close(&self, patience: Duration) -> bool {
        let workers = {
            let mut state = self.state.lock();
            state.closed = true;
            (state.min, state.max) = (0, 0);
            std::mem::take(&mut state.workers)
        };
        self.metrics.pool().wanted(0);
        for worker in &workers {
            worker.stop();
        }
        let deadline = tokio::time::Instant::now() + patience;
        let mut in_time = true;
        for mut worker in workers {
            if tokio::time::timeout_at(deadline, &mut worker.task)
                .await
                .is_err()
            {
                in_time = false;
                worker.stop.send_replace(Stop::Now);
                // It kills its process and ends.
                let _ = worker.task.await;
            }
        }
        in_time
    }
}

impl Scaling {
    /// Waits until the workers are ready or gone.
    pub async fn done(self) -> Scaled {
        for task in self.stopping {
            // A worker that panicked is gone, too.
            let _ = task.await;
        }
        for status in &self.starting {
            match status.settled().await {
                Stage::Failed { code } | Stage::Aside { code } => return Scaled::Failed { code },
                Stage::Gone => return Scaled::Overtaken,
                Stage::Ready | Stage::Starting => {}
            }
        }
        if self.pool.wanted() == self.wanted {
            Scaled::Done
        } else {
            Scaled::Overtaken
        }
    }
}
