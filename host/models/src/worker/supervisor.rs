//! One worker from its first process to its last: start, load, work, and again after each end.

use super::launch::{Assignment, Exit, LaunchError, Launched, Launcher, Process};
use super::link::{Link, LinkError};
use super::session::{End, Session};
use super::status::WorkerStatus;
use super::stop::{Stop, StopSignal};
use crate::events::VersionEvents;
use crate::job::{Job, JobFailure};
use crate::queue::{JobQueue, Member};
use meterbox_restarts::{Next, RestartSettings, Restarts, jitter};
use meterbox_telemetry::serving::VersionMetrics;
use meterbox_telemetry::workers::{Death, WorkerMetrics};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const MINUTE: Duration = Duration::from_secs(60);
/// A worker that dies five times in a minute is given up until a trial, once a minute.
const RESTARTS: RestartSettings = RestartSettings::new(5, MINUTE, MINUTE);

/// Runs one worker.
pub(crate) struct Supervisor {
    pub(crate) assignment: Assignment,
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) queue: Arc<JobQueue>,
    pub(crate) version: Arc<VersionMetrics>,
    /// Its place among those that take requests.
    pub(crate) member: Arc<Member>,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) status: Arc<WorkerStatus>,
    /// What plugins are told.
    pub(crate) events: Arc<VersionEvents>,
    /// The bytes of LOAD.
    pub(crate) load: Arc<[u8]>,
    pub(crate) response_timeout: Duration,
    pub(crate) reply_bytes_max: usize,
}

/// Why a process ended.
struct Failure {
    death: Death,
    /// For whoever waits for the start.
    code: u16,
    text: String,
}

/// How one process ended.
enum Ended {
    Stopped,
    Failed {
        failure: Failure,
        /// How long it had its model loaded; nothing if it never had.
        ran: Option<Duration>,
    },
}

impl Ended {
    fn never_ran(failure: Failure) -> Self {
        Self::Failed { failure, ran: None }
    }
}

impl Supervisor {
    /// Runs until told to stop.
    pub(crate) async fn run(self, stop: watch::Receiver<Stop>) {
        let mut stop = StopSignal::new(stop);
        let mut restarts = Restarts::new(RESTARTS);
        let begin = Instant::now();
        let mut again = false;
        loop {
            self.status.starting();
            self.metrics.started(again);
            again = true;
            let (failure, ran) = match self.one_process(&mut stop).await {
                Ended::Stopped => break,
                Ended::Failed { failure, ran } => (failure, ran),
            };
            let next = restarts.crashed(begin.elapsed(), ran, jitter());
            let quarantined = matches!(next, Next::Trial(_));
            self.metrics.died(failure.death);
            self.events
                .worker_died(self.assignment.id, failure.death.reason());
            self.status.failed(failure.code, quarantined);
            let worker = self.assignment.name.as_str();
            let (text, pause) = (failure.text, next.pause());
            if quarantined {
                tracing::error!(target: "worker", worker, "{text}; failed too often, next trial in {} s", pause.as_secs());
                self.member.step_aside();
            } else {
                tracing::warn!(target: "worker", worker, "{text}; started again in {} ms", pause.as_millis());
            }
            tokio::select! {
                () = stop.wait(Stop::AfterBatch) => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.member.retire();
        self.metrics.stopped();
        self.status.gone();
    }

    async fn one_process(&self, stop: &mut StopSignal) -> Ended {
        let begin = Instant::now();
        let launched = tokio::select! {
            launched = self.launcher.launch(&self.assignment) => launched,
            () = stop.wait(Stop::AfterBatch) => return Ended::Stopped,
        };
        let Launched { link, mut process } = match launched {
            Ok(launched) => launched,
            Err(error) => return Ended::never_ran(launch_failure(&error)),
        };
        let link = link.into_std();
        let mut link = match link.and_then(|socket| Link::new(socket, self.reply_bytes_max)) {
            Ok(link) => link,
            Err(error) => return Ended::never_ran(launch_failure(&LaunchError::Connect(error))),
        };
        let loaded = tokio::select! {
            loaded = self.load(&mut link, begin) => loaded,
            () = stop.wait(Stop::AfterBatch) => {
                process.kill().await;
                return Ended::Stopped;
            }
        };
        if let Err(problem) = loaded {
            return Ended::never_ran(problem.into_failure(process.as_mut()).await);
        }
        let loaded = Instant::now();
        self.member.come_back();
        self.status.ready();
        self.events.worker_started(self.assignment.id);
        let session = Session {
            link: &mut link,
            queue: &self.queue,
            version: &self.version,
            worker: &self.metrics,
            response_timeout: self.response_timeout,
        };
        let end = session.run(stop).await;
        drop(link);
        match end {
            End::Stopped => {
                process.kill().await;
                Ended::Stopped
            }
            End::Broken(error, jobs) => {
                let ran = Some(loaded.elapsed());
                let failure = self.broken(&error, jobs, process.as_mut()).await;
                Ended::Failed { failure, ran }
            }
        }
    }

    async fn load(&self, link: &mut Link, begin: Instant) -> Result<(), LoadProblem> {
        let limit = self
            .assignment
            .startup_timeout
            .saturating_sub(begin.elapsed());
        let sent = Instant::now();
        let problem = |error| LoadProblem::Link(error, self.assignment.startup_timeout);
        link.send(&self.load, limit)
            .await
            .map_err(|unsent| problem(unsent.error))?;
        let reply = link.reply(limit).await.map_err(problem)?;
        if reply.code != 200 {
            let code = u16::try_from(reply.code).unwrap_or(500);
            return Err(LoadProblem::Refused(code, reply.message));
        }
        let (took, backend) = (begin.elapsed(), sent.elapsed());
        self.metrics.loaded(took, took.saturating_sub(backend));
        tracing::info!(target: "worker", worker = self.assignment.name, "ready after {} ms", took.as_millis());
        Ok(())
    }

    /// The worker ended at work: tells its clients, and says why it ended.
    async fn broken(
        &self,
        error: &LinkError,
        jobs: Vec<Job>,
        process: &mut dyn Process,
    ) -> Failure {
        let failure = link_failure(error, process).await;
        for job in jobs {
            job.fail(JobFailure::worker_died(failure.death == Death::OutOfMemory));
        }
        failure
    }
}

enum LoadProblem {
    Link(LinkError, Duration),
    Refused(u16, String),
}

impl LoadProblem {
    async fn into_failure(self, process: &mut dyn Process) -> Failure {
        match self {
            Self::Link(LinkError::TimedOut(_), limit) => {
                process.kill().await;
                let text = format!("the model was not loaded within {limit:?}");
                Failure {
                    death: Death::StartTimeout,
                    code: 500,
                    text,
                }
            }
            Self::Link(error, _) => link_failure(&error, process).await,
            Self::Refused(code, message) => {
                process.kill().await;
                let text = format!("the model cannot be loaded: {message}");
                let death = if code == 507 {
                    Death::OutOfMemory
                } else {
                    Death::LoadFailed
                };
                Failure {
                    death,
                    code: if code == 507 { 507 } else { 500 },
                    text,
                }
            }
        }
    }
}

async fn link_failure(error: &LinkError, process: &mut dyn Process) -> Failure {
    if let LinkError::Closed = error {
        let exit = process.reap().await;
        let death = match exit {
            exit if exit.is_out_of_memory() => Death::OutOfMemory,
            Exit::Signal(_) => Death::Signal,
            Exit::Code(_) | Exit::Killed => Death::Exit,
        };
        let code = if death == Death::OutOfMemory {
            507
        } else {
            500
        };
        return Failure {
            death,
            code,
            text: format!("the worker ended ({exit})"),
        };
    }
    process.kill().await;
    let death = match error {
        LinkError::TimedOut(_) => Death::ResponseTimeout,
        _ => Death::Protocol,
    };
    Failure {
        death,
        code: 500,
        text: format!("the worker was killed: {error}"),
    }
}

fn launch_failure(error: &LaunchError) -> Failure {
    let death = match error {
        LaunchError::TimedOut(_) => Death::StartTimeout,
        LaunchError::Ended(exit) if exit.is_out_of_memory() => Death::OutOfMemory,
        LaunchError::Ended(Exit::Signal(_)) => Death::Signal,
        LaunchError::Ended(_) | LaunchError::Connect(_) => Death::Exit,
        LaunchError::Spawn { .. } | LaunchError::NoWorkerScript(_) | LaunchError::Output(_) => {
            Death::Spawn
        }
    };
    let code = if death == Death::OutOfMemory {
        507
    } else {
        500
    };
    Failure {
        death,
        code,
        text: format!("the worker did not start: {error}"),
    }
}

#[cfg(test)]
mod tests;
