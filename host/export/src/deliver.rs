//! Sends what waits in the queue of an exporter, one push at a time, until each is delivered or dropped.

use super::judge::{Judgement, judge, retry_after};
use super::pipeline::Pipeline;
use super::queue::{NextStep, QueuedPush};
use super::schedule::{CallEnd, call};
use super::split;
use http::header::RETRY_AFTER;
use meterbox_http::client::{Client, Received};
use meterbox_plugin_abi::Verdict;
use meterbox_restarts::jitter;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep_until};

/// Delivers for ever; once the queue is flushed, until nothing is left that could be delivered.
pub(super) async fn run(pipeline: Arc<Pipeline>, mut client: Client) {
    loop {
        let (old, next, flushing) = pipeline.with_queue(|queue| {
            let now = Instant::now();
            let old = queue.expire(now);
            (old, queue.next(now), queue.is_flushing())
        });
        pipeline.lost(
            old,
            "gave_up",
            "they could not be delivered within export_give_up_ms",
        );
        match next {
            NextStep::Send(waiting) => attempt(&pipeline, &mut client, &waiting).await,
            NextStep::Nothing if flushing => return,
            NextStep::Nothing => pipeline.wake.notified().await,
            NextStep::Wait(until) => tokio::select! {
                () = sleep_until(until) => {}
                () = pipeline.wake.notified() => {}
            },
        }
    }
}

/// Sends one push and does what its answer asks for.
async fn attempt(pipeline: &Arc<Pipeline>, client: &mut Client, waiting: &QueuedPush) {
    let limit = pipeline.with_queue(|queue| queue.attempt_limit());
    let authority = waiting.push.authority();
    let received = match client.send(&waiting.push, limit).await {
        Ok(received) => received,
        Err(error) => return again(pipeline, waiting, None, &error.to_string()),
    };
    let status = received.status;
    let pause = received.headers.get(RETRY_AFTER);
    let pause = pause.and_then(|value| retry_after(value.to_str().ok()?, SystemTime::now()));
    match judge(status, verdict(pipeline, received).await) {
        Judgement::Done => {
            pipeline.with_queue(|queue| queue.delivered(waiting.id));
            pipeline.went_well(waiting.push.body.len(), authority);
        }
        Judgement::Retry => again(pipeline, waiting, pause, &format!("it answers {status}")),
        Judgement::Drop(reason) => {
            pipeline.with_queue(|queue| queue.remove(waiting.id));
            let why = format!("{authority} answered {status}");
            pipeline.lost(1, &reason, &why);
        }
        Judgement::Split => match split::halves(&waiting.push) {
            Some(halves) => pipeline.with_queue(|queue| queue.split(waiting.id, halves)),
            None => {
                pipeline.with_queue(|queue| queue.remove(waiting.id));
                let why = format!("{authority} wants smaller pushes, but it cannot be cut");
                pipeline.lost(1, "cannot_split", &why);
            }
        },
    }
}

fn again(pipeline: &Pipeline, waiting: &QueuedPush, pause: Option<Duration>, why: &str) {
    pipeline.with_queue(|queue| queue.failed(waiting, Instant::now(), pause, jitter()));
    pipeline.goes_wrong(why, waiting.push.authority());
}

/// What the plugin says of an answer; nothing when it cannot be asked or fails.
async fn verdict(pipeline: &Arc<Pipeline>, received: Received) -> Option<(Verdict, String)> {
    let given: Arc<Mutex<Option<(Verdict, String)>>> = Arc::default();
    let place = Arc::clone(&given);
    let classify = move |object: &meterbox_plugin_abi::PluginObject| {
        *place.lock() = Some(object.classify(received.status, &received.body)?);
        Ok(())
    };
    match call(pipeline, classify).await {
        CallEnd::Returned(Ok(())) => given.lock().take(),
        CallEnd::Returned(Err(_)) | CallEnd::TimedOut(_) | CallEnd::Refused(_) => None,
    }
}
