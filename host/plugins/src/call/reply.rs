//! What an endpoint answers: a head, and a body that comes piece by piece.

use super::reply_channel::{Piece, Shared};
use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use meterbox_plugin_loader::running::Ticket;
use meterbox_telemetry::plugins::PluginMetrics;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

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
    /// All of it, or why it broke off.
    Ready(Option<Result<Vec<u8>, Broken>>),
    /// It comes from the plugin's thread.
    Coming(Coming),
}

struct Coming {
    pieces: mpsc::Receiver<Piece>,
    call: Call,
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
    pub(super) fn ready(body: Result<Vec<u8>, Broken>) -> Self {
        Self(BodyFrom::Ready(Some(body)))
    }

    pub(super) fn coming(pieces: mpsc::Receiver<Piece>, call: Call) -> Self {
        Self(BodyFrom::Coming(Coming { pieces, call }))
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// [`Broken`] when the plugin failed half way, took too long, or wrote more than it may.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        match &mut self.0 {
            BodyFrom::Ready(body) => body.take().transpose(),
            BodyFrom::Coming(coming) => coming.next().await,
        }
    }
}

impl Coming {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        loop {
            // A plugin that has returned and answers from a thread of its own has no deadline.
            let left = if self.call.ticket.is_over() {
                None
            } else {
                Some(self.call.left())
            };
            let piece = match left {
                None => self.pieces.recv().await,
                Some(left) => match tokio::time::timeout(left, self.pieces.recv()).await {
                    Ok(piece) => piece,
                    Err(_) if self.call.ticket.is_over() || !self.call.left().is_zero() => continue,
                    Err(_) => {
                        self.call.expire();
                        let seconds = self.call.limit.as_secs_f64();
                        return Err(Broken(format!("the plugin took more than {seconds} s")));
                    }
                },
            };
            return match piece {
                Some(Piece::Chunk(bytes)) => Ok(Some(bytes)),
                Some(Piece::End) => Ok(None),
                Some(Piece::Broken(why)) => Err(Broken(why)),
                None => Err(Broken(
                    "the plugin ended without finishing its answer".to_owned(),
                )),
            };
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
