//! What others see of a worker while it runs.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// Where a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its process starts or loads the model.
    Starting,
    /// It takes batches.
    Ready,
    /// It failed and is about to be started again; the code is for whoever waits for the start.
    Failed {
        /// 500, or 507 if it was out of memory.
        code: u16,
    },
    /// It failed too often and is only tried now and then.
    Aside {
        /// As in [`Stage::Failed`].
        code: u16,
    },
    /// It is gone.
    Gone,
}

/// A worker, as a description shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerReport {
    /// Its number: that of its socket.
    pub id: u32,
    /// When its present process was started.
    pub started: SystemTime,
    /// Whether it takes batches.
    pub ready: bool,
    /// Its process.
    pub pid: Option<u32>,
    /// The GPU it was given.
    pub gpu: Option<u32>,
    /// Resident memory of its process, in bytes.
    pub resident_bytes: Option<u64>,
}

/// Where a worker stands, for all who ask.
pub(crate) struct WorkerStatus {
    id: u32,
    gpu: Option<u32>,
    stage: watch::Sender<Stage>,
    /// 0 while there is none.
    pid: AtomicU32,
    times: Mutex<Times>,
}

struct Times {
    started: SystemTime,
    /// Since when it has failed without ever loading in between.
    failing_since: Option<Instant>,
}

impl WorkerStatus {
    pub(crate) fn new(id: u32, gpu: Option<u32>) -> Self {
        let times = Times {
            started: SystemTime::now(),
            failing_since: None,
        };
        Self {
            id,
            gpu,
            stage: watch::Sender::new(Stage::Starting),
            pid: AtomicU32::new(0),
            times: Mutex::new(times),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn gpu(&self) -> Option<u32> {
        self.gpu
    }

    pub(crate) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    /// Waits until it is ready, or has failed, or is gone.
    pub(crate) async fn settled(&self) -> Stage {
        let mut stages = self.stage.subscribe();
        let settled = stages.wait_for(|stage| *stage != Stage::Starting).await;
        settled.map_or(Stage::Gone, |stage| *stage)
    }

    pub(super) fn starting(&self) {
        self.times.lock().started = SystemTime::now();
        // A worker that was put aside stays so until a trial succeeds.
        self.stage.send_if_modified(|stage| match stage {
            Stage::Aside { .. } => false,
            _ => {
                *stage = Stage::Starting;
                true
            }
        });
    }

    pub(super) fn ready(&self) {
        self.times.lock().failing_since = None;
        self.stage.send_replace(Stage::Ready);
    }

    pub(super) fn failed(&self, code: u16, aside: bool) {
        self.set_pid(0);
        self.times
            .lock()
            .failing_since
            .get_or_insert_with(Instant::now);
        let stage = if aside {
            Stage::Aside { code }
        } else {
            Stage::Failed { code }
        };
        self.stage.send_replace(stage);
    }

    pub(super) fn gone(&self) {
        self.set_pid(0);
        self.stage.send_replace(Stage::Gone);
    }

    /// The process, 0 for none.
    pub(super) fn set_pid(&self, pid: u32) {
        self.pid.store(pid, Ordering::Relaxed);
    }

    /// Whether it works, or may be expected to work again soon.
    pub(crate) fn is_healthy(&self, patience: Duration) -> bool {
        match self.stage() {
            Stage::Ready | Stage::Starting => true,
            Stage::Failed { .. } => {
                let since = self.times.lock().failing_since;
                since.is_none_or(|since| since.elapsed() <= patience)
            }
            Stage::Aside { .. } | Stage::Gone => false,
        }
    }

    pub(crate) fn report(&self) -> WorkerReport {
        let pid = Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0);
        WorkerReport {
            id: self.id,
            started: self.times.lock().started,
            ready: self.stage() == Stage::Ready,
            pid,
            gpu: self.gpu,
            resident_bytes: pid.and_then(meterbox_processes::resident_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_inside_its_retry_window_counts_as_healthy_and_one_put_aside_does_not() {
        let status = WorkerStatus::new(9000, None);
        let patience = Duration::from_secs(300);
        assert!(status.is_healthy(patience));
        status.failed(500, false);
        assert!(status.is_healthy(patience));
        assert!(!status.is_healthy(Duration::ZERO));
        status.failed(500, true);
        assert!(!status.is_healthy(patience));
        status.starting();
        assert!(!status.is_healthy(patience), "a trial is no recovery");
        status.ready();
        assert!(status.is_healthy(Duration::ZERO));
        status.gone();
        assert!(!status.is_healthy(patience));
    }

    #[test]
    fn a_report_has_the_memory_of_the_process() {
        let status = WorkerStatus::new(9000, None);
        assert_eq!(status.report().resident_bytes, None);
        status.set_pid(std::process::id());
        assert!(status.report().resident_bytes.unwrap() > 100_000);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_start_learns_of_its_failure() {
        let status = WorkerStatus::new(9000, None);
        let (settled, ()) = tokio::join!(status.settled(), async { status.failed(507, false) });
        assert_eq!(settled, Stage::Failed { code: 507 });
    }
}
