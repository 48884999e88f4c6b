//! The threads of one plugin: few, named after it, with a bounded queue in front.
//!
//! Threads start when they are needed. One thread is kept free for scrapes. A thread whose call has
//! passed its deadline cannot be killed: it counts as stuck and no longer as a thread of the pool,
//! so another one can take its place, until too many are stuck. A stuck thread that comes back
//! serves again, or ends if its place was taken.

use super::call_state::{CallState, Ended, GivenUp, Hook, Lane};
use super::counters::RejectReason;
use meterbox_plugin_abi::{Failure, Status};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

const STACK_BYTES: usize = 2 << 20;

/// Size of a pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Most threads that are not stuck, 1 to 4.
    pub threads_max: usize,
    /// Most calls that wait, per lane.
    pub queue_len_max: usize,
    /// So many stuck threads end the plugin's service.
    pub stuck_max: usize,
}

/// What a thread of the pool does.
pub(super) type Work = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

struct PoolJob {
    call_state: Arc<CallState>,
    work: Work,
}

pub(super) struct Pool {
    pub(super) shared: Arc<PoolState>,
}

pub(super) struct PoolState {
    name: String,
    settings: PoolSettings,
    inner: Mutex<PoolQueue>,
    work: Condvar,
    quiet: Condvar,
}

#[derive(Default)]
struct PoolQueue {
    ordinary: VecDeque<PoolJob>,
    scrapes: VecDeque<PoolJob>,
    /// Threads that are not stuck.
    threads: usize,
    idle: usize,
    busy_ordinary: usize,
    stuck: usize,
    started: u64,
    closed: bool,
}

impl Pool {
    pub(super) fn new(name: &str, settings: PoolSettings) -> Self {
        let shared = PoolState {
            name: name.to_owned(),
            settings,
            inner: Mutex::default(),
            work: Condvar::new(),
            quiet: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Queues a call.
    pub(super) fn submit(
        &self,
        lane: Lane,
        work: Work,
        hook: Hook,
    ) -> Result<Arc<CallState>, RejectReason> {
        let call_state = CallState::new(lane, hook);
        self.shared.push(PoolJob {
            call_state: call_state.clone(),
            work,
        })?;
        Ok(call_state)
    }

    pub(super) fn stuck(&self) -> usize {
        self.shared.inner.lock().stuck
    }

    /// Whether so many threads are stuck that the plugin shall not be called again.
    pub(super) fn is_lost(&self) -> bool {
        self.stuck() >= self.shared.settings.stuck_max
    }

    /// Takes no more calls; those that wait are discarded, threads end when they are idle.
    pub(super) fn close(&self) {
        let mut inner = self.shared.inner.lock();
        inner.closed = true;
        let waiting: Vec<PoolJob> = {
            let PoolQueue {
                ordinary, scrapes, ..
            } = &mut *inner;
            ordinary.drain(..).chain(scrapes.drain(..)).collect()
        };
        drop(inner);
        self.shared.work.notify_all();
        for job in waiting {
            job.call_state.discard();
        }
    }

    /// Waits until no call waits or runs, stuck ones aside; false when `limit` passed first.
    pub(super) fn wait_quiet(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut inner = self.shared.inner.lock();
        while !inner.is_quiet() {
            if self.shared.quiet.wait_until(&mut inner, until).timed_out() {
                return inner.is_quiet();
            }
        }
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl PoolQueue {
    fn is_quiet(&self) -> bool {
        self.ordinary.is_empty() && self.scrapes.is_empty() && self.idle == self.threads
    }

    fn next(&mut self, settings: PoolSettings) -> Option<PoolJob> {
        if let Some(job) = self.scrapes.pop_front() {
            return Some(job);
        }
        // With a single thread there is none to keep free.
        let ordinary_max = settings.threads_max.saturating_sub(1).max(1);
        if self.busy_ordinary >= ordinary_max {
            return None;
        }
        let job = self.ordinary.pop_front()?;
        self.busy_ordinary += 1;
        Some(job)
    }

    fn leave(&mut self, lane: Lane) {
        if lane == Lane::Ordinary {
            self.busy_ordinary -= 1;
        }
    }
}

impl PoolState {
    fn push(self: &Arc<Self>, job: PoolJob) -> Result<(), RejectReason> {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(RejectReason::Stopped);
        }
        if inner.stuck >= self.settings.stuck_max {
            return Err(RejectReason::Quarantined);
        }
        let queue_len_max = self.settings.queue_len_max;
        let queue = match job.call_state.lane {
            Lane::Ordinary => &mut inner.ordinary,
            Lane::Scrape => &mut inner.scrapes,
        };
        if queue.len() >= queue_len_max {
            return Err(RejectReason::QueueFull);
        }
        queue.push_back(job);
        let waiting = inner.ordinary.len() + inner.scrapes.len();
        if inner.idle < waiting && inner.threads < self.settings.threads_max {
            // With other threads alive the job will be served even if this one cannot start.
            if self.start_thread(&mut inner).is_err() && inner.threads == 0 {
                inner.ordinary.clear();
                inner.scrapes.clear();
                return Err(RejectReason::NoThread);
            }
        }
        drop(inner);
        self.work.notify_one();
        Ok(())
    }

    fn start_thread(self: &Arc<Self>, inner: &mut PoolQueue) -> std::io::Result<()> {
        let shared = self.clone();
        let name = format!("plg-{}-{}", self.name, inner.started);
        let thread = std::thread::Builder::new()
            .name(name)
            .stack_size(STACK_BYTES);
        thread.spawn(move || shared.serve())?;
        inner.started += 1;
        inner.threads += 1;
        Ok(())
    }

    fn serve(&self) {
        while let Some(job) = self.take() {
            if !self.run(job) {
                return;
            }
        }
    }

    /// The next job; none when this thread shall end.
    fn take(&self) -> Option<PoolJob> {
        let mut inner = self.inner.lock();
        loop {
            if let Some(job) = inner.next(self.settings) {
                return Some(job);
            }
            if inner.closed {
                inner.threads -= 1;
                self.quiet.notify_all();
                return None;
            }
            inner.idle += 1;
            if inner.is_quiet() {
                self.quiet.notify_all();
            }
            self.work.wait(&mut inner);
            inner.idle -= 1;
        }
    }

    /// Runs one job; false when this thread was given up meanwhile and its place is taken.
    fn run(&self, job: PoolJob) -> bool {
        let PoolJob { call_state, work } = job;
        if !call_state.begin() {
            self.inner.lock().leave(call_state.lane);
            return true;
        }
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
            // Its Drop is foreign code that may panic again.
            std::mem::forget(payload);
            Err(Failure::new(
                Status::PANICKED,
                "the call panicked in the host",
            ))
        });
        // Accounts first, so that whoever is told finds the pool as it is.
        let in_time = {
            let mut inner = self.inner.lock();
            let in_time = call_state.finish(&result);
            if in_time {
                inner.leave(call_state.lane);
            } else {
                inner.stuck -= 1;
                if inner.threads < self.settings.threads_max && !inner.closed {
                    inner.threads += 1;
                } else {
                    return false;
                }
            }
            in_time
        };
        if in_time {
            call_state.told(&Ended::Returned(result));
        }
        // A place among the ordinary calls may have become free.
        self.work.notify_one();
        true
    }

    /// Gives up a call; its thread, if it has one, is replaced when others wait.
    pub(super) fn expire(self: &Arc<Self>, call_state: &CallState) {
        let mut inner = self.inner.lock();
        match call_state.give_up() {
            GivenUp::TooLate => return,
            GivenUp::Queued => {}
            GivenUp::Running => {
                inner.leave(call_state.lane);
                inner.threads -= 1;
                inner.stuck += 1;
                let waiting = inner.ordinary.len() + inner.scrapes.len();
                if inner.idle < waiting {
                    // Without a new thread the waiting calls expire like this one.
                    let _ = self.start_thread(&mut inner);
                }
            }
        }
        drop(inner);
        call_state.told(&Ended::Expired);
        self.quiet.notify_all();
    }
}
