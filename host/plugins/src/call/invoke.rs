//! Calls an endpoint plugin for one request and waits for the head of its answer.
//!
//! Admission, queue and thread are the loader's; the deadline is kept here.

use super::inline;
use super::reply::{Call, CallError, PluginBody, PluginReply};
use super::reply_channel::{self, Beginning, Piece, ReplyCap, Source};
use super::routes::Endpoint;
use meterbox_plugin_abi::{Request, Status};
use meterbox_plugin_loader::running::{Lane, Reject, RejectReason};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// Hands `request` to the endpoint's route number `route` and waits for the head of the answer, for
/// at most `limit`.
///
/// # Errors
/// What the host answers in the plugin's place: 503 when the plugin takes no calls, 504 after the
/// deadline, the plugin's own error, or 500 with its panic's text.
pub async fn call_within(
    endpoint: &Endpoint,
    route: u32,
    request: &Request,
    limit: Duration,
) -> Result<PluginReply, CallError> {
    let begin = Instant::now();
    if endpoint.inline.suits() {
        match inline::call(endpoint, route, request, limit).await {
            Ok(answer) => return answer,
            // It may have a successor by now, which is asked in the usual way.
            Err(reject) if reject.reason == RejectReason::Stopped => {}
            Err(reject) => return Err(rejected(endpoint, &reject)),
        }
    }
    let (call, beginning, pieces) = match submit(endpoint, route, request, begin, limit) {
        // The plugin was replaced between the look at the routes and now: its successor answers.
        Err(reject) if reject.reason == RejectReason::Stopped => {
            let next = endpoint.successor();
            let next = next.and_then(|next| Some((next.route(request.method())?, next)));
            match next {
                Some((route, next)) => submit(&next, route, request, begin, limit),
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
            body: PluginBody::coming(pieces, call),
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
    request: &Request,
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
