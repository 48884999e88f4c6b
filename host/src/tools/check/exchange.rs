//! One request to a plugin in a dry run, and the answer to it: its size is kept, its bytes are not.

use meterbox_plugin_abi::{
    Failure, PluginObject, Reply, ReplyHead, ReplySink, Request, RequestService, Route, Status,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A longer answer is broken off, in bytes.
const BODY_BYTES_MAX: u64 = 256 << 20;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) bytes: u64,
    /// The sentence of an answer that is an error.
    pub(super) error: Option<String>,
}

/// `GET /pattern`, without query, headers and body.
struct Get {
    path: String,
    rest: &'static str,
    limit: Duration,
}

impl RequestService for Get {
    fn method(&self) -> &'static str {
        "GET"
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn rest(&self) -> &'static str {
        self.rest
    }
    fn query(&self) -> &'static str {
        ""
    }
    fn peer(&self) -> &'static str {
        "127.0.0.1:0"
    }
    fn header_at(&self, _: usize) -> Option<(&str, &[u8])> {
        None
    }
    fn read_body(&self, _: &mut [u8]) -> Result<usize, Failure> {
        Ok(0)
    }
    fn time_left(&self) -> Option<Duration> {
        Some(self.limit)
    }
}

struct Sink {
    answer: Answer,
    done: Option<Sender<Answer>>,
}

impl Sink {
    fn send(&mut self) {
        if let Some(done) = self.done.take() {
            // Whoever waited may have given up.
            drop(done.send(std::mem::take(&mut self.answer)));
        }
    }
}

impl ReplySink for Sink {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        self.answer.status = head.status;
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.answer.bytes += bytes.len() as u64;
        if self.answer.bytes > BODY_BYTES_MAX {
            let text = format!("an answer of more than {BODY_BYTES_MAX} bytes");
            return Err(Failure::new(Status::TOO_LARGE, text));
        }
        Ok(())
    }
    fn end(&mut self) {
        self.send();
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.answer.status = status;
        self.answer.error = Some(message.to_owned());
        self.send();
    }
    fn abort(&mut self, message: &str) {
        self.answer.error = Some(format!("broke off: {message}"));
        self.send();
    }
    fn is_closed(&self) -> bool {
        self.done.is_none()
    }
}

/// Calls `route` once and waits for the end of the answer, for at most `limit`.
///
/// # Errors
/// There is no answer in time.
pub(super) fn get(plugin: &PluginObject, route: &Route, limit: Duration) -> Result<Answer, String> {
    let (done, answer): (_, Receiver<Answer>) = channel();
    let sink = Sink {
        answer: Answer::default(),
        done: Some(done),
    };
    let (responder, watch) = Reply::over(Box::new(sink));
    let (begin, rest) = match route.pattern.strip_suffix("/{rest}") {
        Some(begin) => (begin, "/check"),
        None => (route.pattern.as_str(), ""),
    };
    let request = Get {
        path: format!("/{begin}{rest}"),
        rest,
        limit,
    };
    let result = plugin.call(route.id, Request::of(Arc::new(request)), responder);
    watch.returned(&result);
    let late = || format!("no answer within {} s", limit.as_secs());
    answer.recv_timeout(limit).map_err(|_| late())
}
