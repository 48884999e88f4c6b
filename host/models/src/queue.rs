//! Requests that wait for a worker of one model version: bounded, shared by its workers.
//!
//! Refused at once are those for which there is no room, or no worker. One worker at a time fills a
//! batch. A client that leaves takes its request out of the queue.
//!
//! **Source:** the order, the bound and the forming of batches are TorchServe 0.12's.

use super::job::{Job, JobAnswer, JobFailure};
use meterbox_telemetry::serving::{Refusal, VersionMetrics};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// How requests wait and how batches are formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueRules {
    /// Requests that may wait.
    pub jobs_max: usize,
    /// Requests in a batch.
    pub batch_size: usize,
    /// How long a batch may wait to fill, from its first request on.
    pub batch_delay: Duration,
    /// Age at which a waiting request is given up; zero never.
    pub expiry: Duration,
    /// A request is only taken while a worker is idle.
    pub needs_idle_worker: bool,
}

/// The queue of one model version.
pub struct JobQueue {
    rules: QueueRules,
    metrics: Arc<VersionMetrics>,
    state: Mutex<State>,
    arrived: Notify,
    /// Held by the worker whose batch fills.
    forming: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    next_number: u64,
    /// Workers that there are, whether or not they have loaded yet.
    workers: usize,
    /// Workers that wait for a batch.
    idle: usize,
}

impl JobQueue {
    /// An empty queue without workers.
    pub fn new(rules: QueueRules, metrics: Arc<VersionMetrics>) -> Arc<Self> {
        metrics.queue_limit(rules.jobs_max);
        metrics.queue_depth(0);
        Arc::new(Self {
            rules,
            metrics,
            state: Mutex::default(),
            arrived: Notify::new(),
            forming: tokio::sync::Mutex::default(),
        })
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &QueueRules {
        &self.rules
    }

    /// Requests that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().jobs.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a job at the end.
    ///
    /// # Errors
    /// The job and why there is no place for it.
    pub fn push(
        self: &Arc<Self>,
        mut job: Job,
        answer: oneshot::Receiver<JobAnswer>,
    ) -> Result<Ticket, (Box<Job>, Refusal)> {
        let mut state = self.state.lock();
        if state.workers == 0 {
            return Err((Box::new(job), Refusal::NoWorker));
        }
        let room = if self.rules.needs_idle_worker {
            state.idle
        } else {
            self.rules.jobs_max
        };
        if state.jobs.len() >= room {
            return Err((Box::new(job), Refusal::QueueFull));
        }
        job.number = state.next_number;
        state.next_number += 1;
        let number = job.number;
        state.jobs.push_back(job);
        self.metrics.queue_depth(state.jobs.len());
        drop(state);
        // The worker that was busy last has its code and data at hand: with few requests it does them all.
        self.arrived.notify_last();
        Ok(Ticket {
            answer,
            number,
            queue: Some(Arc::clone(self)),
        })
    }

    /// There is one more worker, whether or not it has loaded yet.
    pub(super) fn join(self: &Arc<Self>) -> Arc<Member> {
        self.state.lock().workers += 1;
        Arc::new(Member {
            queue: Arc::clone(self),
            presence: Mutex::new(Presence::Here),
        })
    }

    /// There is one worker less. If it was the last, nobody can answer those that wait.
    fn worker_leaves(&self, why: &JobFailure) {
        let mut state = self.state.lock();
        state.workers = state.workers.saturating_sub(1);
        if state.workers > 0 {
            return;
        }
        let left = std::mem::take(&mut state.jobs);
        self.metrics.queue_depth(0);
        drop(state);
        for job in left {
            job.fail(why.clone());
        }
    }

    /// Gives jobs back that did not get to a worker: they are the next to go.
    pub(super) fn return_to_head(&self, jobs: Vec<Job>) {
        let mut state = self.state.lock();
        if state.workers == 0 {
            drop(state);
            for job in jobs {
                job.fail(JobFailure::scaled_down());
            }
            return;
        }
        for mut job in jobs.into_iter().rev() {
            job.give_back();
            state.jobs.push_front(job);
        }
        self.metrics.queue_depth(state.jobs.len());
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for a batch, which is never empty. May be given up at any time; no job is lost by that.
    pub(super) async fn batch(&self) -> Vec<Job> {
        let _idle = Idle::enter(self);
        // Only a batch that may fill keeps others from taking what is there.
        let _forming = if self.fills() {
            Some(self.forming.lock().await)
        } else {
            None
        };
        loop {
            let arrived = self.arrived.notified();
            if self.is_empty() {
                arrived.await;
                continue;
            }
            if self.fills() {
                drop(arrived);
                self.fill().await;
            }
            // Clients may have left in the meantime.
            let batch = self.take();
            if !batch.is_empty() {
                return batch;
            }
        }
    }

    /// Whether a batch waits for more than its first request.
    fn fills(&self) -> bool {
        self.rules.batch_size > 1 && !self.rules.batch_delay.is_zero()
    }

    /// Waits until a batch is full, or has waited long enough, or nothing is left of it.
    async fn fill(&self) {
        let deadline = Instant::now() + self.rules.batch_delay;
        loop {
            let arrived = self.arrived.notified();
            let full = {
                let jobs = &self.state.lock().jobs;
                let alone = jobs.front().is_none_or(|job| job.alone);
                alone || jobs.len() >= self.rules.batch_size
            };
            if full || tokio::time::timeout_at(deadline, arrived).await.is_err() {
                return;
            }
        }
    }

    fn take(&self) -> Vec<Job> {
        let expiry = self.rules.expiry;
        let mut state = self.state.lock();
        let mut batch: Vec<Job> = Vec::new();
        let mut expired = Vec::new();
        while batch.len() < self.rules.batch_size {
            let Some(job) = state.jobs.pop_front() else {
                break;
            };
            if job.is_older_than(expiry) {
                expired.push(job);
            } else if job.alone && !batch.is_empty() {
                state.jobs.push_front(job);
                break;
            } else {
                let alone = job.alone;
                batch.push(job);
                if alone {
                    break;
                }
            }
        }
        let left = state.jobs.len();
        self.metrics.queue_depth(left);
        drop(state);
        if left > 0 {
            self.arrived.notify_one();
        }
        for job in expired {
            job.expire(expiry);
        }
        batch
    }

    /// A client has left.
    fn forget(&self, number: u64) {
        let mut state = self.state.lock();
        if let Some(at) = state.jobs.iter().position(|job| job.number == number) {
            let job = state.jobs.remove(at);
            self.metrics.queue_depth(state.jobs.len());
            drop(state);
            drop(job);
        }
    }
}

/// A worker's membership: requests are taken while there is a member that is here.
pub(super) struct Member {
    queue: Arc<JobQueue>,
    presence: Mutex<Presence>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Here,
    /// It failed too often to wait for.
    Aside,
    /// It was told to go and does not come back.
    Gone,
}

impl Member {
    /// It failed too often to wait for.
    pub(super) fn step_aside(&self) {
        self.change(
            Presence::Here,
            Presence::Aside,
            &JobFailure::worker_died(false),
        );
    }

    /// It works again.
    pub(super) fn come_back(&self) {
        let mut presence = self.presence.lock();
        if *presence == Presence::Aside {
            *presence = Presence::Here;
            self.queue.state.lock().workers += 1;
        }
    }

    /// It was told to go: no request is queued for it any more.
    pub(super) fn retire(&self) {
        self.change(Presence::Here, Presence::Gone, &JobFailure::scaled_down());
        *self.presence.lock() = Presence::Gone;
    }

    fn change(&self, from: Presence, to: Presence, why: &JobFailure) {
        let mut presence = self.presence.lock();
        if *presence == from {
            *presence = to;
            self.queue.worker_leaves(why);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.retire();
    }
}

/// Counts a worker as idle while it waits.
struct Idle<'q>(&'q JobQueue);

impl<'q> Idle<'q> {
    fn enter(queue: &'q JobQueue) -> Self {
        queue.state.lock().idle += 1;
        Self(queue)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.state.lock().idle -= 1;
    }
}

/// A place in the queue. Dropping it before the answer has come gives the place up.
#[derive(Debug)]
pub struct Ticket {
    answer: oneshot::Receiver<JobAnswer>,
    number: u64,
    queue: Option<Arc<JobQueue>>,
}

impl Ticket {
    /// Waits for the answer.
    pub async fn answer(mut self) -> JobAnswer {
        let answer = (&mut self.answer).await;
        self.queue = None;
        // A job answers when it is dropped, so that an error cannot be.
        answer.unwrap_or_else(|_| JobAnswer::Failed(JobFailure::worker_died(false)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            self.answer.close();
            queue.forget(self.number);
        }
    }
}

impl std::fmt::Debug for JobQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobQueue")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
