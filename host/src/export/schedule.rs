//! Asks an exporter for pushes: on its interval, on a thread of its own pool, within its deadline.

use super::pipeline::{Pipeline, Sink};
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
    let mut sink = Sink {
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
        Called::Returned(Ok(())) => pipeline.answered(),
        Called::Returned(Err(failure)) => pipeline.unanswered("error", &failure.to_string()),
        Called::Late(limit) => {
            open.store(false, Ordering::Release);
            let seconds = limit.as_secs_f64();
            pipeline.unanswered("timeout", &format!("it was not done after {seconds} s"));
        }
        // The next generation is asked when it is there.
        Called::Refused(RejectReason::Stopped) => {}
        Called::Refused(reason) => {
            let why = format!("it takes no calls now ({})", reason.name());
            pipeline.unanswered("unavailable", &why);
        }
    }
}

/// How a call of a plugin ended.
pub(super) enum Called {
    Returned(Result<(), Failure>),
    Late(Duration),
    Refused(RejectReason),
}

/// Runs `work` with the generation in service, on one of its threads.
pub(super) async fn call(
    pipeline: &Pipeline,
    work: impl FnOnce(&PluginObject) -> Result<(), Failure> + Send + 'static,
) -> Called {
    let exporter = pipeline.exporter.load_full();
    let (tell, told) = oneshot::channel();
    // Nobody listens any more when the call was given up.
    let done = Box::new(move |ended: &Ended| drop(tell.send(ended.clone())));
    let ticket = match exporter.running.run(Lane::Ordinary, work, done) {
        Ok(ticket) => ticket,
        Err(reject) => return Called::Refused(reject.reason),
    };
    match timeout(exporter.limit, told).await {
        Ok(Ok(Ended::Returned(outcome))) => Called::Returned(outcome),
        Ok(Ok(Ended::Expired)) => Called::Late(exporter.limit),
        Ok(Ok(Ended::Discarded) | Err(_)) => Called::Refused(RejectReason::Stopped),
        Err(_) => {
            ticket.expire();
            Called::Late(exporter.limit)
        }
    }
}
