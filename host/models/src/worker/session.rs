//! A worker at work: batch after batch over one connection, until it ends.

use super::link::{Link, LinkError};
use super::stop::{Stop, StopSignal};
use crate::job::{Job, JobFailure};
use crate::queue::JobQueue;
use crate::wire::{Reply, RequestsFrame};
use meterbox_telemetry::serving::VersionMetrics;
use meterbox_telemetry::workers::WorkerMetrics;
use std::time::{Duration, Instant};

/// What a session needs.
pub(super) struct Session<'a> {
    pub(super) link: &'a mut Link,
    pub(super) queue: &'a JobQueue,
    pub(super) version: &'a VersionMetrics,
    pub(super) worker: &'a WorkerMetrics,
    pub(super) response_timeout: Duration,
}

/// How a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// It was told to.
    Stopped,
    /// The worker is of no use any more; these jobs were with it.
    Broken(LinkError, Vec<Job>),
}

/// How one batch ended, if not well.
struct Broken {
    error: LinkError,
    jobs: Vec<Job>,
}

impl Session<'_> {
    /// Works until told to stop or until the worker is of no use. A batch that has begun is finished
    /// unless the stop is urgent.
    pub(super) async fn run(mut self, stop: &mut StopSignal) -> End {
        let mut frame = RequestsFrame::default();
        loop {
            let jobs = tokio::select! {
                biased;
                () = stop.wait(Stop::AfterBatch) => return End::Stopped,
                error = self.link.wrong() => return End::Broken(error, Vec::new()),
                jobs = self.queue.batch() => jobs,
            };
            if let Err(broken) = self.batch(jobs, &mut frame, stop).await {
                if matches!(broken.error, LinkError::Closed) && stop.is_urgent() {
                    return End::Stopped;
                }
                return End::Broken(broken.error, broken.jobs);
            }
        }
    }

    async fn batch(
        &mut self,
        mut jobs: Vec<Job>,
        frame: &mut RequestsFrame,
        stop: &mut StopSignal,
    ) -> Result<(), Broken> {
        let begin = Instant::now();
        frame.begin();
        for job in &mut jobs {
            job.dispatch();
            frame.add(&job.id, &job.input);
        }
        if jobs.iter().all(|job| !job.alone) {
            self.version.batched(jobs.len());
        }
        if let Err(unsent) = self.link.send(frame.end(), self.response_timeout).await {
            let mut jobs = jobs;
            if unsent.nothing_sent {
                self.give_back(std::mem::take(&mut jobs));
            }
            return Err(Broken {
                error: unsent.error,
                jobs,
            });
        }
        let sent = Instant::now();
        let mut backend = Duration::ZERO;
        let mut since = sent;
        while !jobs.is_empty() {
            let reply = tokio::select! {
                biased;
                reply = self.link.reply(self.response_timeout) => reply,
                _ = stop.wait(Stop::Now) => {
                    for job in jobs {
                        job.fail(JobFailure::scaled_down());
                    }
                    return Err(Broken { error: LinkError::Closed, jobs: Vec::new() });
                }
            };
            backend += since.elapsed();
            match reply {
                Ok(reply) => jobs = self.settle(reply, jobs).await?,
                Err(error) => return Err(Broken { error, jobs }),
            }
            since = Instant::now();
        }
        self.worker
            .batch_done(begin.elapsed().saturating_sub(backend));
        Ok(())
    }

    /// Jobs that the worker has not seen go back, once; a second time they fail.
    fn give_back(&self, jobs: Vec<Job>) {
        let (again, first): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.returned);
        self.queue.return_to_head(first);
        for job in again {
            job.fail(JobFailure::worker_died(false));
        }
    }

    /// Hands out a reply: the jobs that still wait for more of a stream.
    async fn settle(&self, reply: Reply, mut jobs: Vec<Job>) -> Result<Vec<Job>, Broken> {
        if reply.code != 200 {
            let code = u16::try_from(reply.code).unwrap_or(500);
            for job in jobs {
                job.fail(JobFailure {
                    code,
                    message: reply.message.clone(),
                });
            }
            return Ok(Vec::new());
        }
        let mut streaming = Vec::new();
        for prediction in reply.predictions {
            let Some(at) = jobs.iter().position(|job| job.id == prediction.id) else {
                jobs.append(&mut streaming);
                return Err(Broken {
                    error: LinkError::Unasked,
                    jobs,
                });
            };
            let mut job = jobs.swap_remove(at);
            if prediction.has_more() {
                job.stream(prediction, self.response_timeout).await;
                streaming.push(job);
            } else {
                job.finish(prediction, self.response_timeout).await;
            }
        }
        if jobs.is_empty() {
            return Ok(streaming);
        }
        // The worker left some out: they would wait for ever.
        jobs.append(&mut streaming);
        Err(Broken {
            error: LinkError::Unasked,
            jobs,
        })
    }
}
