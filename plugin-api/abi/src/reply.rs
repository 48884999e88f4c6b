//! The rules of an answer: what is sent when a plugin finishes, fails, panics or forgets it.
//!
//! [`Reply`] stands between a plugin's [`Responder`] and whatever carries bytes to the client, a
//! [`ReplySink`]; the caller of the plugin keeps the [`ReplyWatch`] and reports how the call ended. The
//! rules are here and not in the host, so that the testkit's fake host has the same ones:
//!
//! - during the call, dropping the responder only marks it; the call's error or panic is the answer,
//!   and a call that succeeded without an answer is a 500;
//! - after the call, dropping it unfinished is a 500;
//! - an error after the head was sent cuts the connection: a client never takes half a body for a whole.
//!
//! No deadline is kept here; a sink that no longer wants anything says [`Status::CLOSED`].

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::responder::{Responder, ResponderService};
use crate::status::{Failure, Status};

/// Most bytes handed to [`ReplySink::body`] at once; longer writes are cut up.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Most headers that a plugin may set on one answer.
pub const HEADERS_MAX: usize = 64;
/// A header for the host, not for the client: the answer has no end of its own, so the host ends it well
/// when the server drains or the plugin is replaced.
pub const LIVE_HEADER: &str = "x-meterbox-live";

/// Headers that frame the connection; a plugin that set them could break it.
const HOST_HEADERS: [&str; 6] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
];

/// Status line and headers of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyHead {
    /// HTTP status, 200..=599.
    pub status: u16,
    /// Headers in the order in which they were set, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Length of the whole body when it is known.
    pub length: Option<u64>,
}

impl ReplyHead {
    /// The head of an answer of which nothing was said yet: 200, no headers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            length: None,
        }
    }

    /// As [`ResponderService::status`].
    ///
    /// # Errors
    /// [`Status::INVALID`] for a number outside 200..=599.
    pub fn set_status(&mut self, status: u16) -> Result<(), Failure> {
        if !(200..=599).contains(&status) {
            let text = format!("{status} is not a status that a plugin can answer (200 to 599)");
            return Err(Failure::new(Status::INVALID, text));
        }
        self.status = status;
        Ok(())
    }

    /// As [`ResponderService::header`].
    ///
    /// # Errors
    /// [`Status::INVALID`] for what HTTP does not allow or what is the host's to set, [`Status::LIMIT`]
    /// for more than [`HEADERS_MAX`].
    pub fn add_header(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        let name = name.to_ascii_lowercase();
        let invalid = |text: String| Err(Failure::new(Status::INVALID, text));
        if name.is_empty() || !name.bytes().all(is_token) {
            return invalid(format!("{name:?} is not a header name"));
        }
        if HOST_HEADERS.contains(&name.as_str()) {
            return invalid(format!("header {name} is set by the host alone"));
        }
        if value
            .iter()
            .any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f)
        {
            return invalid(format!(
                "the value of header {name} holds a control character"
            ));
        }
        if self.headers.len() == HEADERS_MAX {
            return Err(Failure::new(
                Status::LIMIT,
                format!("more than {HEADERS_MAX} headers"),
            ));
        }
        self.headers.push((name, value.to_vec()));
        Ok(())
    }
}

impl Default for ReplyHead {
    fn default() -> Self {
        Self::new()
    }
}

/// Carries one answer to the client. Its methods are called one at a time: `head`, any number of `body`,
/// `end`; or `fail` alone; or `abort` after `head`.
pub trait ReplySink: Send + 'static {
    /// The head of an answer.
    ///
    /// # Errors
    /// [`Status::CLOSED`] when nobody wants it any more.
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure>;

    /// The next bytes of the body, at most [`CHUNK_BYTES_MAX`]. Waits while too many wait to be sent.
    ///
    /// # Errors
    /// [`Status::CLOSED`] when nobody wants them any more, [`Status::TOO_LARGE`] over the reply cap.
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure>;

    /// The answer is complete.
    fn end(&mut self);

    /// The whole answer is an error with this HTTP status and sentence; no head was sent.
    fn fail(&mut self, status: u16, message: &str);

    /// The answer broke off after its head; the connection must not look complete.
    fn abort(&mut self, message: &str);

    /// Whether nobody wants the answer any more.
    fn is_closed(&self) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplyStage {
    Open,
    HeadSent,
    /// The call failed while another thread streams the answer; that thread breaks it off.
    Broken,
    Over,
}

struct Progress {
    stage: ReplyStage,
    in_call: bool,
    dropped: bool,
}

struct SharedReply {
    // Never held while a sink waits, so that the caller's thread can look at it at any time.
    progress: Mutex<Progress>,
    sink: Mutex<Box<dyn ReplySink>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SharedReply {
    /// Ends the answer with a failure, unless it is over.
    fn give_up(&self, stage: ReplyStage, status: u16, message: &str) {
        match stage {
            ReplyStage::Open => lock(&self.sink).fail(status, message),
            ReplyStage::HeadSent | ReplyStage::Broken => lock(&self.sink).abort(message),
            ReplyStage::Over => {}
        }
    }

    /// Marks the answer over and says how far it had come.
    fn close(&self) -> ReplyStage {
        mem::replace(&mut lock(&self.progress).stage, ReplyStage::Over)
    }
}

/// Makes the plugin's and the caller's side of one answer.
#[derive(Debug)]
pub struct Reply;

impl Reply {
    /// A responder for the plugin and a watch for its caller, over `sink`.
    #[must_use]
    pub fn over(sink: Box<dyn ReplySink>) -> (Responder, ReplyWatch) {
        let progress = Progress {
            stage: ReplyStage::Open,
            in_call: true,
            dropped: false,
        };
        let shared = Arc::new(SharedReply {
            progress: Mutex::new(progress),
            sink: Mutex::new(sink),
        });
        let answer = ReplyState {
            head: Some(ReplyHead::new()),
            shared: shared.clone(),
        };
        (
            Responder::of(Box::new(answer)),
            ReplyWatch {
                shared: Some(shared),
            },
        )
    }
}

/// The caller's side: must be told how the call ended. Dropping it untold counts as an internal error.
pub struct ReplyWatch {
    shared: Option<Arc<SharedReply>>,
}

impl ReplyWatch {
    /// The plugin's `call` has returned `result`; answers for the plugin where it has to.
    pub fn returned(mut self, result: &Result<(), Failure>) {
        self.settle(result);
    }

    fn settle(&mut self, result: &Result<(), Failure>) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        let mut progress = lock(&shared.progress);
        progress.in_call = false;
        let (status, message) = match result {
            Err(failure) => (failure.status.http(), failure.message.as_str()),
            Ok(()) if progress.dropped => (500, "the plugin returned without an answer"),
            Ok(()) => return,
        };
        if progress.stage == ReplyStage::HeadSent && !progress.dropped {
            // The streaming thread may hold the sink for long; it must not be waited for here.
            progress.stage = ReplyStage::Broken;
            return;
        }
        let stage = mem::replace(&mut progress.stage, ReplyStage::Over);
        drop(progress);
        shared.give_up(stage, status, message);
    }
}

impl Drop for ReplyWatch {
    fn drop(&mut self) {
        self.settle(&Err(Failure::internal(
            "the call of the plugin ended without a result",
        )));
    }
}

/// The plugin's side.
struct ReplyState {
    /// Gone once sent.
    head: Option<ReplyHead>,
    shared: Arc<SharedReply>,
}

impl ReplyState {
    fn unsent_head(&mut self) -> Result<&mut ReplyHead, Failure> {
        self.head.as_mut().ok_or_else(|| {
            Failure::new(
                Status::INVALID,
                "status and headers come before the first write",
            )
        })
    }

    fn over() -> Failure {
        Failure::new(
            Status::CLOSED,
            "the answer is over: the client left or the host answered",
        )
    }

    /// Sends the head if it is still here, then `bytes` in chunks.
    fn send(&mut self, bytes: &[u8], whole: bool) -> Result<(), Failure> {
        let mut sink = lock(&self.shared.sink);
        let mut progress = lock(&self.shared.progress);
        let stage = progress.stage;
        progress.stage = match stage {
            ReplyStage::Open | ReplyStage::HeadSent => ReplyStage::HeadSent,
            ReplyStage::Broken | ReplyStage::Over => ReplyStage::Over,
        };
        drop(progress);
        match stage {
            ReplyStage::Broken => sink.abort("the call failed while its answer was being written"),
            ReplyStage::Over => {}
            ReplyStage::Open | ReplyStage::HeadSent => {
                if let Some(mut head) = self.head.take() {
                    head.length = whole.then_some(bytes.len() as u64);
                    sink.head(head)?;
                }
                return bytes
                    .chunks(CHUNK_BYTES_MAX)
                    .try_for_each(|chunk| sink.body(chunk));
            }
        }
        Err(Self::over())
    }
}

impl ResponderService for ReplyState {
    fn status(&mut self, status: u16) -> Result<(), Failure> {
        self.unsent_head()?.set_status(status)
    }

    fn header(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        self.unsent_head()?.add_header(name, value)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.send(bytes, false)
    }

    fn finish(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let whole = self.head.is_some();
        self.send(bytes, whole)?;
        match self.shared.close() {
            ReplyStage::HeadSent => lock(&self.shared.sink).end(),
            stage => {
                self.shared
                    .give_up(stage, 500, "the call failed before its answer was finished");
                return Err(Self::over());
            }
        }
        Ok(())
    }

    fn fail(&mut self, status: u16, message: &str) -> Result<(), Failure> {
        let stage = self.shared.close();
        if stage == ReplyStage::Over {
            return Err(Self::over());
        }
        let status = if (400..=599).contains(&status) {
            status
        } else {
            500
        };
        self.shared.give_up(stage, status, message);
        Ok(())
    }

    fn is_closed(&self) -> bool {
        let stage = lock(&self.shared.progress).stage;
        matches!(stage, ReplyStage::Broken | ReplyStage::Over)
            || lock(&self.shared.sink).is_closed()
    }
}

impl Drop for ReplyState {
    fn drop(&mut self) {
        let mut progress = lock(&self.shared.progress);
        if progress.in_call {
            progress.dropped = true;
            return;
        }
        let stage = mem::replace(&mut progress.stage, ReplyStage::Over);
        drop(progress);
        self.shared.give_up(
            stage,
            500,
            "the plugin dropped the answer without finishing it",
        );
    }
}

/// The characters of a header name. **Source:** RFC 9110 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
