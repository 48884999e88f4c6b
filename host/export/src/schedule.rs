//! Asks an exporter for pushes: on its interval, on a thread of its own pool, within its deadline.

use super::pipeline::{Pipeline, QueueSink};
use meterbox_plugin_abi::{Failure, PluginObject, Status};
use meterbox_plugin_loader::running::{Ended, Lane, RejectReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

/// Asks for ever.
pub(super) async fn run(pipeline: Arc<Pipeline>) {
    let mut last = Instant::now();
    loop {
        let interval = pipeline.exporter.load().interval;
        let due = last + interval;
        tokio::select! {
            () = sleep_until(due) => {}
            () = pipeline.rescheduled.notified() => continue,
        }
        // Without drift, but a machine that slept is not asked for all it missed.
        let now = Instant::now();
        last = if now - due > interval { now } else { due };
        ask(&pipeline).await;
    }
}

/// Asks once; what it pushes is in the queue afterwards.
pub(super) async fn ask(pipeline: &Arc<Pipeline>) {
    let open = Arc::new(AtomicBool::new(true));
    let mut sink = QueueSink {
        pipeline: Arc::clone(pipeline),
        open: Arc::clone(&open),
        full: false,
    };
    let gathered = Arc::clone(&pipeline.gathered);
    let export = move |object: &PluginObject| match object.export(&*gathered, &mut sink) {
        // Counted as dropped; the plugin is not to blame for a receiver that is down.
        Err(failure) if sink.full && failure.status == Status::LIMIT => Ok(()),
        outcome => outcome,
    };
    match call(pipeline, export).await {
        CallEnd::Returned(Ok(())) => pipeline.answered(),
        CallEnd::Returned(Err(failure)) => pipeline.unanswered("error", &failure.to_string()),
        CallEnd::TimedOut(limit) => {
            open.store(false, Ordering::Release);
            let seconds = limit.as_secs_f64();
            pipeline.unanswered("timeout", &format!("it was not done after {seconds} s"));
        }
        // The next generation is asked when it is there.
        CallEnd::Refused(RejectReason::Stopped) => {}
        CallEnd::Refused(reason) => {
            let why = format!("it takes no calls now ({})", reason.name());
            pipeline.unanswered("unavailable", &why);
        }
    }
}

/// How a call of a plugin ended.
pub(super) enum CallEnd {
    Returned(Result<(), Failure>),
    TimedOut(Duration),
    Refused(RejectReason),
}

/// Runs `work` with the generation in service, on one of its threads.
pub(super) async fn call(
    pipeline: &Pipeline,
    work: impl FnOnce(&PluginObject) -> Result<(), Failure> + Send + 'static,
) -> CallEnd {
    let exporter = pipeline.exporter.load_full();
    let (sender, receiver) = oneshot::channel();
    // Nobody listens any more when the call was given up.
    let done = Box::new(move |ended: &Ended| drop(sender.send(ended.clone())));
    let ticket = match exporter.running.run(Lane::Ordinary, work, done) {
        Ok(ticket) => ticket,
        Err(reject) => return CallEnd::Refused(reject.reason),
    };
    match timeout(exporter.limit, receiver).await {
        Ok(Ok(Ended::Returned(outcome))) => CallEnd::Returned(outcome),
        Ok(Ok(Ended::Expired)) => CallEnd::TimedOut(exporter.limit),
        Ok(Ok(Ended::Discarded) | Err(_)) => CallEnd::Refused(RejectReason::Stopped),
        Err(_) => {
            ticket.expire();
            CallEnd::TimedOut(exporter.limit)
        }
    }
}
