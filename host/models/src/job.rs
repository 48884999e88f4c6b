//! One request on its way to a worker and back.
//!
//! A job is answered exactly once. Dropping it unanswered answers it too: its client is told that the
//! worker died.

use super::input::Input;
use super::wire;
use bytes::Bytes;
use meterbox_telemetry::serving;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Parts of a streamed answer that wait for a slow client.
const PARTS_MAX: usize = 16;

/// What a request is answered with.
#[derive(Debug)]
pub enum JobAnswer {
    /// By the handler.
    Whole(wire::Prediction),
    /// By the handler, in parts: the head with the first part, then the others. The stream broke off if
    /// its last item is not [`Part::End`].
    Stream(wire::Prediction, mpsc::Receiver<Part>),
    /// By nobody.
    Failed(JobFailure),
}

impl JobAnswer {
    /// The status of the answer; 500 where the handler chose one that no answer can have.
    #[must_use]
    pub fn status(&self) -> u16 {
        let (status, least) = match self {
            Self::Whole(prediction) | Self::Stream(prediction, _) => {
                (u16::try_from(prediction.status).unwrap_or(500), 200)
            }
            Self::Failed(failure) => (failure.code, 400),
        };
        if (least..600).contains(&status) {
            status
        } else {
            500
        }
    }

    /// Bytes of the handler's answer, as far as they are known when it begins.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Whole(prediction) => prediction.body.len(),
            Self::Stream(..) | Self::Failed(_) => 0,
        }
    }
}

/// A part of a streamed answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// More of the body.
    Body(Bytes),
    /// That was all.
    End,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// The status for the client; a handler may have chosen it.
    pub code: u16,
    /// The sentence for the client.
    pub message: String,
}

impl JobFailure {
    /// The worker ended before it had answered.
    #[must_use]
    pub fn worker_died(out_of_memory: bool) -> Self {
        let code = if out_of_memory { 507 } else { 500 };
        Self {
            code,
            message: "Worker died.".to_owned(),
        }
    }

    /// The worker was taken away.
    #[must_use]
    pub fn scaled_down() -> Self {
        Self {
            code: 500,
            message: "Worker scaled down.".to_owned(),
        }
    }
}

/// A request that waits or is worked on.
#[derive(Debug)]
pub struct Job {
    pub(super) id: String,
    pub(super) input: Input,
    pub(super) arrived: Instant,
    /// A batch of its own: a question about the model.
    pub(super) alone: bool,
    /// Its place in the order of arrival, given by the queue.
    pub(super) number: u64,
    /// It was given back by a worker that had died before the request was sent.
    pub(super) returned: bool,
    dispatched: Option<Instant>,
    token: Token,
    reply: Reply,
}

/// What its metrics hang on; questions about a model have none.
struct Token(Option<serving::Prediction>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Token" } else { "NoToken" })
    }
}

#[derive(Debug)]
enum Reply {
    Waiting(oneshot::Sender<JobAnswer>),
    Streaming(mpsc::Sender<Part>),
    Done,
}

impl Job {
    /// A job and where its answer comes out. `token` is missing for questions about a model, which
    /// also get a batch of their own.
    pub(super) fn new(
        id: String,
        input: Input,
        arrived: Instant,
        token: Option<serving::Prediction>,
    ) -> (Self, oneshot::Receiver<JobAnswer>) {
        let (sender, receiver) = oneshot::channel();
        let job = Self {
            id,
            input,
            arrived,
            alone: token.is_none(),
            number: 0,
            returned: false,
            dispatched: None,
            token: Token(token),
            reply: Reply::Waiting(sender),
        };
        (job, receiver)
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(&self.reply, Reply::Waiting(sender) if sender.is_closed())
    }

    /// Whether it is older than `limit`; zero is no limit.
    pub(super) fn is_older_than(&self, limit: Duration) -> bool {
        !limit.is_zero() && self.arrived.elapsed() > limit
    }

    /// It goes to a worker now.
    pub(super) fn dispatch(&mut self) {
        self.dispatched = Some(Instant::now());
    }

    /// It did not get to the worker after all.
    pub(super) fn give_back(&mut self) {
        self.dispatched = None;
        self.returned = true;
    }

    /// The handler's answer, or its last part.
    pub(super) async fn finish(mut self, prediction: wire::Prediction, patience: Duration) {
        let code = u16::try_from(prediction.status).unwrap_or(500);
        match std::mem::replace(&mut self.reply, Reply::Done) {
            Reply::Waiting(sender) => {
                self.count(code, true);
                // The client may have left.
                let _ = sender.send(JobAnswer::Whole(prediction));
            }
            Reply::Streaming(sender) => {
                send(&sender, Part::Body(prediction.body), patience).await;
                send(&sender, Part::End, patience).await;
                self.count(code, true);
            }
            Reply::Done => {}
        }
    }

    /// A part of the handler's answer that is not the last.
    pub(super) async fn stream(&mut self, prediction: wire::Prediction, patience: Duration) {
        match std::mem::replace(&mut self.reply, Reply::Done) {
            Reply::Waiting(sender) => {
                let (parts, receiver) = mpsc::channel(PARTS_MAX);
                let _ = sender.send(JobAnswer::Stream(prediction, receiver));
                self.reply = Reply::Streaming(parts);
            }
            Reply::Streaming(sender) => {
                send(&sender, Part::Body(prediction.body), patience).await;
                self.reply = Reply::Streaming(sender);
            }
            Reply::Done => {}
        }
    }

    /// No answer will come. A stream that has begun breaks off.
    pub(super) fn fail(mut self, failure: JobFailure) {
        self.fail_with(failure);
    }

    /// It has waited too long. TorchServe never answers such a request; a client is better off knowing.
    pub(super) fn expire(mut self, limit: Duration) {
        if let Some(token) = self.token.0.take() {
            token.expired();
        }
        let limit = limit.as_millis();
        let message =
            format!("Request expired: it waited longer than clientTimeoutInMills={limit}");
        self.fail_with(JobFailure { code: 503, message });
    }

    /// It was not even queued: takes the metrics' token back.
    pub(super) fn refuse(mut self) -> Option<serving::Prediction> {
        self.reply = Reply::Done;
        self.token.0.take()
    }

    fn fail_with(&mut self, failure: JobFailure) {
        self.count(failure.code, false);
        if let Reply::Waiting(sender) = std::mem::replace(&mut self.reply, Reply::Done) {
            let _ = sender.send(JobAnswer::Failed(failure));
        }
    }

    fn count(&mut self, code: u16, batch_succeeded: bool) {
        let Some(token) = self.token.0.take() else {
            return;
        };
        let now = Instant::now();
        let dispatched = self.dispatched.unwrap_or(now);
        token.answered(&serving::Answer {
            code,
            batch_succeeded,
            queued: dispatched.saturating_duration_since(self.arrived),
            worker: now.saturating_duration_since(dispatched),
            total: now.saturating_duration_since(self.arrived),
        });
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // A job whose client has left drops its token, which counts that.
        if !self.is_abandoned() && !matches!(self.reply, Reply::Done) {
            self.fail_with(JobFailure::worker_died(false));
        }
    }
}

/// Gives up on a client that takes nothing for so long; it sees its stream break off.
async fn send(to: &mpsc::Sender<Part>, part: Part, patience: Duration) {
    // Whether it got there is the client's matter.
    let _ = tokio::time::timeout(patience, to.send(part)).await;
}
