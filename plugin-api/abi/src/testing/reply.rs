//! A client that remembers its answer and can be waited for.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::lock;
use crate::reply::{ReplyHead, ReplySink};
use crate::status::{Failure, Status};

/// Long enough for any machine; only a hang ever waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What reached the client of one request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FakeReply {
    /// HTTP status; of an answer that is an error, that of the error.
    pub status: u16,
    /// Headers that the plugin set.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The length that was announced.
    pub length: Option<u64>,
    /// The body, unless it is only counted.
    pub body: Vec<u8>,
    /// Bytes of the body.
    pub bytes: u64,
    /// Pieces that it came in.
    pub pieces: usize,
    /// The sentence of a failure or of a broken answer.
    pub message: String,
    /// How it ended: `end`, `fail` or `abort`; empty until then.
    pub end: &'static str,
}

impl FakeReply {
    /// The body as text, what is none replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Remembers an answer. A clone is the same client.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// The bytes are counted, up to so many, and not kept.
    counting: Option<u64>,
}

#[derive(Debug, Default)]
struct State {
    reply: FakeReply,
    lines: Vec<String>,
    /// The end of a broken answer is not taken yet.
    blocked: bool,
    /// The sink was let go.
    gone: bool,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::of(None)
    }
}

impl Recorder {
    fn of(counting: Option<u64>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            counting,
        }))
    }

    /// Counts the bytes of the body and keeps none; a body of more than `limit` is refused.
    #[must_use]
    pub fn counting(limit: u64) -> Self {
        Self::of(Some(limit))
    }

    /// The client's end of the answer.
    #[must_use]
    pub fn sink(&self) -> Box<dyn ReplySink> {
        Box::new(Sink(self.clone()))
    }

    /// What has come so far.
    #[must_use]
    pub fn reply(&self) -> FakeReply {
        lock(&self.0.state).reply.clone()
    }

    /// What has come so far, a line for each step: `head 200 x-a`, pieces of the body, `end`,
    /// `fail 500 …`, `abort …`; each once.
    #[must_use]
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0.state).lines)
    }

    /// Waits for the end; none when it does not come in time.
    #[must_use]
    pub fn wait_for(&self, limit: Duration) -> Option<FakeReply> {
        self.wait_until(limit, |state| !state.reply.end.is_empty())
            .then(|| self.reply())
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    #[must_use]
    pub fn wait(&self) -> FakeReply {
        let reply = self.wait_for(PATIENCE);
        reply.unwrap_or_else(|| panic!("no answer came: {:?}", self.reply()))
    }

    /// Waits until the sink is let go and gives [`Recorder::taken`].
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        assert!(self.wait_until(PATIENCE, |state| state.gone), "it is kept");
        self.taken()
    }

    /// The client does not take the end of a broken answer until it is told to.
    pub fn block(&self, blocked: bool) {
        self.change(|state| state.blocked = blocked);
    }

    fn wait_until(&self, limit: Duration, done: impl Fn(&State) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut state = lock(&self.0.state);
        while !done(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = match self.0.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        true
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.0.state));
        self.0.changed.notify_all();
    }

    fn end(&self, end: &'static str, line: String, change: impl FnOnce(&mut FakeReply)) {
        self.change(|state| {
            state.lines.push(line);
            change(&mut state.reply);
            state.reply.end = end;
        });
    }
}

struct Sink(Recorder);

impl ReplySink for Sink {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        let names = head.headers.iter().map(|(name, _)| format!(" {name}"));
        let line = format!("head {}{}", head.status, names.collect::<String>());
        self.0.change(|state| {
            state.lines.push(line);
            state.reply.status = head.status;
            state.reply.headers = head.headers;
            state.reply.length = head.length;
        });
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let counting = self.0.0.counting;
        let mut all = 0;
        self.0.change(|state| {
            let reply = &mut state.reply;
            reply.bytes += bytes.len() as u64;
            reply.pieces += 1;
            all = reply.bytes;
            if counting.is_none() {
                reply.body.extend_from_slice(bytes);
                let text = String::from_utf8_lossy(bytes).into_owned();
                state.lines.push(text);
            }
        });
        match counting {
            Some(limit) if all > limit => {
                let text = format!("an answer of more than {limit} bytes");
                Err(Failure::new(Status::TOO_LARGE, text))
            }
            _ => Ok(()),
        }
    }
    fn end(&mut self) {
        self.0.end("end", "end".to_owned(), |_| ());
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.0
            .end("fail", format!("fail {status} {message}"), |reply| {
                reply.status = status;
                message.clone_into(&mut reply.message);
            });
    }
    fn abort(&mut self, message: &str) {
        self.0.wait_until(PATIENCE, |state| !state.blocked);
        self.0.end("abort", format!("abort {message}"), |reply| {
            message.clone_into(&mut reply.message);
        });
    }
    fn is_closed(&self) -> bool {
        !lock(&self.0.0.state).reply.end.is_empty()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.0.change(|state| state.gone = true);
    }
}
