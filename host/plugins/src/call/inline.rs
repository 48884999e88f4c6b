//! A call on the runtime's own thread, for short answers of plugins that are trusted like the host.
//!
//! Handing a call to another thread and back costs more than a short answer itself. Only plugins that
//! were shipped and pinned with the host are called so, only while no collector has to be waited
//! for, and not again after an answer that was long or came late: those stream from a thread of
//! the plugin.

use super::reply::{CallError, PluginBody, PluginReply};
use super::reply_channel::{BAD_GATEWAY, ReplyCap};
use super::routes::Endpoint;
use meterbox_plugin_abi::{Failure, ReplyHead, ReplySink, Request};
use meterbox_plugin_loader::running::Reject;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What the plugin has said so far.
#[derive(Default)]
struct AnswerSoFar {
    head: Option<ReplyHead>,
    body: Vec<u8>,
    end: Option<End>,
}

enum End {
    Whole,
    Failed { status: u16, message: String },
    Broken(String),
}

/// Calls the endpoint. A plugin that returns without having answered is waited for, for at most
/// `limit`.
pub(crate) async fn call(
    endpoint: &Endpoint,
    route: u32,
    request: &Request,
    limit: Duration,
) -> Result<Result<PluginReply, CallError>, Reject> {
    let answer = Arc::new(Mutex::new(AnswerSoFar::default()));
    let (done, over) = oneshot::channel();
    let sink = Sink {
        answer: Arc::clone(&answer),
        cap: ReplyCap {
            bytes_max: endpoint.reply_bytes_max,
            budgets: endpoint.budgets.clone(),
        },
        done: Some(done),
    };
    let begin = Instant::now();
    let running = &endpoint.running;
    running.call_here(route, request.clone(), Box::new(sink))?;
    let unfinished = answer.lock().end.is_none();
    if unfinished {
        // Whether in time or not, what was said by then counts.
        let _ = tokio::time::timeout(limit, over).await;
    }
    let answer = std::mem::take(&mut *answer.lock());
    endpoint.inline.answered(if unfinished {
        usize::MAX
    } else {
        answer.body.len()
    });
    endpoint.metrics.called(begin.elapsed());
    Ok(reply(&running.origin().metadata.name, answer, limit))
}

fn reply(plugin: &str, answer: AnswerSoFar, limit: Duration) -> Result<PluginReply, CallError> {
    let error = |status: u16, message: String| CallError {
        status,
        message: format!("plugin {plugin}{message}"),
        retry_after: None,
    };
    let AnswerSoFar { head, body, end } = answer;
    let whole = body.len() as u64;
    let (head, length, body) = match (end, head) {
        (Some(End::Failed { status, message }), _) => {
            return Err(error(status, format!(": {message}")));
        }
        (None, _) => {
            let seconds = limit.as_secs_f64();
            return Err(error(504, format!(" did not answer within {seconds} s")));
        }
        (Some(_), None) => return Err(error(500, " ended without an answer".to_owned())),
        (Some(End::Whole), Some(head)) => (head, Some(whole), body),
        // Nothing was sent yet, so the client can be told.
        (Some(End::Broken(why)), Some(_)) => return Err(error(BAD_GATEWAY, format!(": {why}"))),
    };
    Ok(PluginReply {
        status: head.status,
        headers: head.headers,
        length,
        body: PluginBody::ready(body),
    })
}

/// Keeps what the plugin says.
struct Sink {
    answer: Arc<Mutex<AnswerSoFar>>,
    cap: ReplyCap,
    done: Option<oneshot::Sender<()>>,
}

impl Sink {
    fn over(&mut self, end: End) {
        self.answer.lock().end.get_or_insert(end);
        // Nobody listens when the plugin had finished before it returned.
        self.done.take().map(|done| done.send(()));
    }
}

impl ReplySink for Sink {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        let mut answer = self.answer.lock();
        answer
            .body
            .reserve(head.length.map_or(0, |length| length.min(1 << 20) as usize));
        answer.head = Some(head);
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut answer = self.answer.lock();
        let length = (answer.body.len() + bytes.len()) as u64;
        if length > self.cap.bytes_max {
            let failure = self.cap.exceeded(length);
            answer
                .end
                .get_or_insert(End::Broken(failure.message.clone()));
            return Err(failure);
        }
        answer.body.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self) {
        self.over(End::Whole);
    }

    fn fail(&mut self, status: u16, message: &str) {
        let message = message.to_owned();
        self.over(End::Failed { status, message });
    }

    fn abort(&mut self, message: &str) {
        self.over(End::Broken(message.to_owned()));
    }

    fn is_closed(&self) -> bool {
        false
    }
}
