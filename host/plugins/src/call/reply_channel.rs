//! The answer of a plugin on its way from the plugin's thread to a connection.
//!
//! The head crosses once; the body in chunks of at most 64 KiB, at most four of which wait. While
//! they wait the plugin's thread does, and that time is not the plugin's: it is the client's.

use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use meterbox_plugin_abi::{Failure, ReplyHead, ReplySink, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// The HTTP status for an answer that cannot be passed on.
pub(crate) const BAD_GATEWAY: u16 = 502;
/// Chunks that may wait for one connection.
const CHUNKS_WAITING_MAX: usize = 4;

/// How an answer began.
#[derive(Debug)]
pub(crate) enum Beginning {
    /// Status and headers; the body follows.
    Head(ReplyHead),
    /// The whole answer is this error.
    Failed {
        /// HTTP status.
        status: u16,
        /// One sentence.
        message: String,
    },
}

/// A piece of the body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Bytes.
    Chunk(Vec<u8>),
    /// The body is complete.
    End,
    /// The body broke off.
    Broken(String),
}

/// What both ends know.
#[derive(Default)]
pub(crate) struct Shared {
    closed: AtomicBool,
    waited_ns: AtomicU64,
}

impl Shared {
    /// Nobody wants the answer any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// How long the plugin's thread waited for the client so far.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited_ns.load(Ordering::Relaxed))
    }
}

/// The plugin's end.
pub(crate) struct Sink {
    beginning: Option<oneshot::Sender<Beginning>>,
    pieces: mpsc::Sender<Piece>,
    shared: Arc<Shared>,
    cap: ReplyCap,
    bytes_left: u64,
}

/// The connection's end.
pub(crate) struct Source {
    pub(crate) beginning: oneshot::Receiver<Beginning>,
    pub(crate) pieces: mpsc::Receiver<Piece>,
    pub(crate) shared: Arc<Shared>,
}

/// How long an answer may be, and where a longer one is counted.
pub(crate) struct ReplyCap {
    pub(crate) bytes_max: u64,
    pub(crate) budgets: Arc<Budgets>,
}

impl ReplyCap {
    /// An answer of `bytes` bytes is refused.
    pub(crate) fn exceeded(&self, bytes: u64) -> Failure {
        self.budgets.exceed(Budget::ReplyBytes);
        let text = format!(
            "an answer of {bytes} bytes or more is longer than one of this plugin may be ({} bytes)",
            self.bytes_max
        );
        Failure::new(Status::TOO_LARGE, text)
    }
}

/// Both ends of one answer.
pub(crate) fn channel(cap: ReplyCap) -> (Sink, Source) {
    let (begin, beginning) = oneshot::channel();
    let (send, pieces) = mpsc::channel(CHUNKS_WAITING_MAX);
    let shared = Arc::new(Shared::default());
    let sink = Sink {
        beginning: Some(begin),
        pieces: send,
        shared: shared.clone(),
        bytes_left: cap.bytes_max,
        cap,
    };
    (
        sink,
        Source {
            beginning,
            pieces,
            shared,
        },
    )
}

impl Sink {
    fn begin(&mut self, beginning: Beginning) -> Result<(), Failure> {
        let begin = self.beginning.take().ok_or_else(closed)?;
        begin.send(beginning).map_err(|_| closed())
    }

    /// Hands over a piece, waiting while too many wait already.
    fn send(&self, piece: Piece) -> Result<(), Failure> {
        let piece = match self.pieces.try_send(piece) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(closed()),
            Err(TrySendError::Full(piece)) => piece,
        };
        let begin = Instant::now();
        let sent = self.pieces.blocking_send(piece);
        let waited = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.shared.waited_ns.fetch_add(waited, Ordering::Relaxed);
        sent.map_err(|_| closed())
    }
}

fn closed() -> Failure {
    Failure::new(Status::CLOSED, "nobody wants the answer any more")
}

impl ReplySink for Sink {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        if let Some(length) = head.length.filter(|&length| length > self.cap.bytes_max) {
            let failure = self.cap.exceeded(length);
            self.fail(BAD_GATEWAY, &failure.message);
            self.shared.close();
            return Err(failure);
        }
        self.begin(Beginning::Head(head))
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.is_closed() {
            return Err(closed());
        }
        let Some(left) = self.bytes_left.checked_sub(bytes.len() as u64) else {
            let sent = self.cap.bytes_max - self.bytes_left;
            let failure = self.cap.exceeded(sent + bytes.len() as u64);
            // Half an answer must not look whole.
            let _ = self.send(Piece::Broken(failure.message.clone()));
            self.shared.close();
            return Err(failure);
        };
        self.bytes_left = left;
        self.send(Piece::Chunk(bytes.to_vec()))
    }

    fn end(&mut self) {
        // A client that left does not need to be told.
        let _ = self.send(Piece::End);
    }

    fn fail(&mut self, status: u16, message: &str) {
        let _ = self.begin(Beginning::Failed {
            status,
            message: message.to_owned(),
        });
    }

    fn abort(&mut self, message: &str) {
        let _ = self.send(Piece::Broken(message.to_owned()));
    }

    fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::Acquire) || self.pieces.is_closed()
    }
}
