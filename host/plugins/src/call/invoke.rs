//! Calls an endpoint plugin for one request and brings its answer to the connection.
//!
//! Admission, queue and thread are the loader's; the deadline is kept here. It counts the plugin's
//! own time: while its thread waits for a slow client the clock stands still.

use super::here;
use super::reply_channel::{self, Beginning, Piece, ReplyCap, Shared, Source};
use super::request::{PluginRequest, Service};
use super::routes::Endpoint;
use crate::budgets::budget::Budget;
use crate::budgets::counts::Budgets;
use meterbox_plugin_abi::{Request, Status};
use meterbox_plugin_loader::running::{Lane, Reject, RejectReason, Ticket};
use meterbox_telemetry::plugins::PluginMetrics;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

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
struct Call {
    ticket: Ticket,
    shared: Arc<Shared>,
    begin: Instant,
    limit: Duration,
    metrics: Arc<PluginMetrics>,
    budgets: Arc<Budgets>,
}

/// Hands `request` to the endpoint's route number `route` and waits for the head of the answer, for
/// at most `limit`.
///
/// # Errors
/// What the host answers in the plugin's place: 503 when the plugin takes no calls, 504 after the
/// deadline, the plugin's own error, or 500 with its panic's text.
pub async fn call_within(
    endpoint: &Endpoint,
    route: u32,
    request: PluginRequest,
    limit: Duration,
) -> Result<PluginReply, CallError> {
    let begin = Instant::now();
    let method = request.method.clone();
    let request = Request::of(Arc::new(Service::new(request, begin + limit)));
    if endpoint.here.suits() {
        match here::call(endpoint, route, &request, limit).await {
            Ok(answer) => return answer,
            // It may have a successor by now, which is asked in the usual way.
            Err(reject) if reject.reason == RejectReason::Stopped => {}
            Err(reject) => return Err(rejected(endpoint, &reject)),
        }
    }
    let (call, beginning, pieces) = match submit(endpoint, route, &request, begin, limit) {
        // The plugin was replaced between the look at the routes and now: its successor answers.
        Err(reject) if reject.reason == RejectReason::Stopped => {
            let next = endpoint.successor();
            let next = next.and_then(|next| Some((next.route(&method)?, next)));
            match next {
                Some((route, next)) => submit(&next, route, &request, begin, limit),
                None => Err(reject),
            }
        }
        submitted => submitted,
    }
    .map_err(|reject| rejected(endpoint, &reject))?;
    let plugin = plugin_name(endpoint);
    let error = |status: u16, message: String| CallError {
        status,
        message,
        retry_after: None,
    };
    match tokio::time::timeout(limit, beginning).await {
        Ok(Ok(Beginning::Head(head))) => Ok(PluginReply {
            status: head.status,
            headers: head.headers,
            length: head.length,
            body: PluginBody(BodyFrom::Coming(Coming { pieces, call })),
        }),
        Ok(Ok(Beginning::Failed { status, message })) => Err(CallError {
            // Its process may have ended after it was asked.
            retry_after: endpoint.running.outage().map(|outage| outage.retry_after),
            ..error(status, format!("plugin {plugin}: {message}"))
        }),
        Ok(Err(_)) => Err(error(
            500,
            format!("plugin {plugin} ended without an answer"),
        )),
        Err(_) => {
            call.expire();
            let seconds = limit.as_secs_f64();
            Err(error(
                504,
                format!("plugin {plugin} did not answer within {seconds} s"),
            ))
        }
    }
}

/// The same within the endpoint's own deadline.
///
/// # Errors
/// As there.
pub async fn call(
    endpoint: &Endpoint,
    route: u32,
    request: PluginRequest,
) -> Result<PluginReply, CallError> {
    call_within(endpoint, route, request, endpoint.limit).await
}

type Submitted = (Call, oneshot::Receiver<Beginning>, mpsc::Receiver<Piece>);

fn submit(
    endpoint: &Endpoint,
    route: u32,
    request: &Request,
    begin: Instant,
    limit: Duration,
) -> Result<Submitted, Reject> {
    let cap = ReplyCap {
        bytes_max: endpoint.reply_bytes_max,
        budgets: endpoint.budgets.clone(),
    };
    let (sink, source) = reply_channel::channel(cap);
    let Source {
        beginning,
        pieces,
        shared,
    } = source;
    let lane = if endpoint.scrape {
        Lane::Scrape
    } else {
        Lane::Ordinary
    };
    let ticket = endpoint.running.call(
        lane,
        route,
        request.clone(),
        Box::new(sink),
        Some(begin + limit),
    )?;
    let metrics = endpoint.metrics.clone();
    Ok((
        Call {
            ticket,
            shared,
            begin,
            limit,
            metrics,
            budgets: endpoint.budgets.clone(),
        },
        beginning,
        pieces,
    ))
}

fn plugin_name(endpoint: &Endpoint) -> &str {
    &endpoint.running.origin().metadata.name
}

fn rejected(endpoint: &Endpoint, reject: &Reject) -> CallError {
    let plugin = plugin_name(endpoint);
    let what = match reject.reason {
        RejectReason::QueueFull => "has too many calls waiting",
        RejectReason::Degraded => "failed too often lately and rests for a moment",
        RejectReason::Quarantined => "failed too often and is quarantined until it is reloaded",
        RejectReason::Stopped => "is being stopped",
        RejectReason::NoThread => "got no thread from the system",
        RejectReason::Down => "is being started again after its process ended",
    };
    // What happened to its process is known better there.
    let outage = endpoint.running.outage();
    let what = outage.as_ref().map_or(what, |outage| &outage.sentence);
    CallError {
        status: Status::UNAVAILABLE.http(),
        message: format!("plugin {plugin} {what}"),
        retry_after: reject.retry_after,
    }
}

impl PluginBody {
    pub(crate) fn ready(body: Result<Vec<u8>, Broken>) -> Self {
        Self(BodyFrom::Ready(Some(body)))
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

    fn expire(&self) {
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
