//! The answer of a plugin as a connection takes it: a head, then a body piece by piece.
//!
//! The body is the one channel from the plugin's thread, with the call's deadline: the plugin's own time
//! counts, and while its thread waits for a slow client the clock stands still.

use super::reply_channel::{Piece, Shared};
use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use bytes::Bytes;
use meterbox_plugin_loader::running::Ticket;
use meterbox_telemetry::plugins::PluginMetrics;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};

/// An answer whose head is there.
#[derive(Debug)]
pub struct PluginReply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Length of the body if it is known.
    pub length: Option<u64>,
    /// The body.
    pub body: PluginBody,
}

/// An answer that the host gives in the plugin's place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    /// HTTP status.
    pub status: u16,
    /// One sentence that names the plugin.
    pub message: String,
    /// When it is worth asking again, if that is known.
    pub retry_after: Option<Duration>,
}

/// The body of an answer, piece by piece. Dropping it tells the plugin that nobody listens.
pub struct PluginBody(BodyFrom);

enum BodyFrom {
    /// All of it.
    Ready(Option<Bytes>),
    /// It comes from the plugin's thread.
    Coming(Coming),
}

struct Coming {
    pieces: mpsc::Receiver<Piece>,
    call: Call,
    /// When the plugin's time is over if it is never waited for.
    deadline: Pin<Box<Sleep>>,
}

/// Why a body broke off: the connection has to be cut.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// One call under way.
pub(super) struct Call {
    pub(super) ticket: Ticket,
    pub(super) shared: Arc<Shared>,
    pub(super) begin: Instant,
    pub(super) limit: Duration,
    pub(super) metrics: Arc<PluginMetrics>,
    pub(super) budgets: Arc<Budgets>,
}

impl PluginBody {
    pub(super) fn ready(body: Vec<u8>) -> Self {
        Self(BodyFrom::Ready(Some(body.into())))
    }

    pub(super) fn coming(pieces: mpsc::Receiver<Piece>, call: Call) -> Self {
        let deadline = Box::pin(sleep(call.left()));
        Self(BodyFrom::Coming(Coming {
            pieces,
            call,
            deadline,
        }))
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// [`Broken`] when the plugin failed half way, took too long, or wrote more than it may.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        match &mut self.0 {
            BodyFrom::Ready(body) => Poll::Ready(Ok(body.take())),
            BodyFrom::Coming(coming) => coming.poll_piece(cx),
        }
    }

    /// The same, waiting for it.
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }
}

impl Coming {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Broken>> {
        if let Poll::Ready(piece) = self.pieces.poll_recv(cx) {
            return Poll::Ready(match piece {
                Some(Piece::Chunk(bytes)) => Ok(Some(bytes.into())),
                Some(Piece::End) => Ok(None),
                Some(Piece::Broken(why)) => Err(Broken(why)),
                None => Err(Broken(
                    "the plugin ended without finishing its answer".to_owned(),
                )),
            });
        }
        loop {
            // A plugin that has returned and answers from a thread of its own has no deadline.
            if self.call.ticket.is_over() {
                return Poll::Pending;
            }
            ready!(self.deadline.as_mut().poll(cx));
            let left = self.call.left();
            if self.call.ticket.is_over() {
                return Poll::Pending;
            }
            if left.is_zero() {
                self.call.expire();
                let seconds = self.call.limit.as_secs_f64();
                let why = format!("the plugin took more than {seconds} s");
                return Poll::Ready(Err(Broken(why)));
            }
            let until = tokio::time::Instant::now() + left;
            self.deadline.as_mut().reset(until);
        }
    }
}

impl std::fmt::Debug for PluginBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginBody").finish_non_exhaustive()
    }
}

impl Call {
    /// What is left of the plugin's own time.
    fn left(&self) -> Duration {
        let own = self.begin.elapsed().saturating_sub(self.shared.waited());
        self.limit.saturating_sub(own)
    }

    pub(super) fn expire(&self) {
        self.shared.close();
        self.ticket.expire();
        self.budgets.exceed(Budget::CallTime);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.close();
        let own = self.begin.elapsed().saturating_sub(self.shared.waited());
        self.metrics.called(own);
    }
}
