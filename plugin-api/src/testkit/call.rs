//! One request and its answer, both in memory.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use meterbox_plugin_abi::{
    Failure, Listener, PluginObject, Reply, ReplyHead, ReplySink, Request, RequestService, Route,
};

/// A request to be sent to a plugin.
#[derive(Clone, Debug)]
pub struct TestRequest {
    method: String,
    target: String,
    listener: Option<Listener>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl TestRequest {
    /// A request for this path and query, without headers and body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            listener: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// `GET` of this path and query.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `POST` of this body to this path.
    #[must_use]
    pub fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::new("POST", target)
        }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        self
    }

    /// On the listener of this name (`inference`, `management`, `metrics`) only; the first that has the
    /// route otherwise.
    ///
    /// # Panics
    /// For another name.
    #[must_use]
    pub fn on(mut self, listener: &str) -> Self {
        let named = Listener::NAMED.iter().find(|(_, name)| *name == listener);
        self.listener = Some(named.expect("inference, management or metrics").0);
        self
    }
}

struct Served {
    request: TestRequest,
    path: String,
    rest_at: usize,
    query: String,
    unread: Mutex<Vec<u8>>,
}

impl RequestService for Served {
    fn method(&self) -> &str {
        &self.request.method
    }
    fn path(&self) -> &str {
        &self.path
    }
    fn rest(&self) -> &str {
        &self.path[self.rest_at..]
    }
    fn query(&self) -> &str {
        &self.query
    }
    fn peer(&self) -> &str {
        "127.0.0.1:9"
    }
    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        self.request
            .headers
            .get(index)
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        let len = unread.len().min(buffer.len());
        buffer[..len].copy_from_slice(&unread[..len]);
        unread.drain(..len);
        Ok(len)
    }
    fn time_left(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }
}

/// What a client would have got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReply {
    /// HTTP status.
    pub status: u16,
    /// Headers that the plugin set, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; of an answer that is an error, its message.
    pub body: Vec<u8>,
    /// How many pieces the body came in.
    pub chunks: usize,
    /// Whether the connection was cut before the end.
    pub aborted: bool,
}

impl TestReply {
    /// The first header of this name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body of text")
    }
}

/// Collects an answer and sends it off when it is complete.
struct Collect {
    reply: TestReply,
    done: Option<Sender<TestReply>>,
}

impl Collect {
    fn send(&mut self) {
        if let Some(done) = self.done.take() {
            let _nobody_waits = done.send(std::mem::take(&mut self.reply));
        }
    }
}

impl ReplySink for Collect {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        self.reply.status = head.status;
        self.reply.headers = head
            .headers
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect();
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.reply.body.extend_from_slice(bytes);
        self.reply.chunks += 1;
        Ok(())
    }
    fn end(&mut self) {
        self.send();
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.reply = TestReply {
            status,
            body: message.as_bytes().to_vec(),
            ..TestReply::default()
        };
        self.send();
    }
    fn abort(&mut self, _message: &str) {
        self.reply.aborted = true;
        self.send();
    }
    fn is_closed(&self) -> bool {
        self.done.is_none()
    }
}

/// Routes as the host does, calls the plugin over the border, and waits for the answer.
pub(super) fn call(plugin: &PluginObject, routes: &[Route], request: &TestRequest) -> TestReply {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let segment = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    let here = |route: &&Route| {
        route.pattern == segment
            && request
                .listener
                .is_none_or(|wanted| wanted == route.listener)
    };
    let refused = |status: u16, text: &str| TestReply {
        status,
        body: text.as_bytes().to_vec(),
        ..TestReply::default()
    };
    let Some(route) = routes.iter().find(here) else {
        return refused(404, "no such route");
    };
    if !route.methods.allows(&request.method) {
        let headers = vec![("allow".to_owned(), route.methods.list().join(", "))];
        return TestReply {
            headers,
            ..refused(405, "method not allowed")
        };
    }
    let served = Served {
        path: path.to_owned(),
        rest_at: (segment.len() + 1).min(path.len()),
        query: query.to_owned(),
        unread: Mutex::new(request.body.clone()),
        request: request.clone(),
    };
    let (done, answer) = channel();
    let sink = Collect {
        reply: TestReply::default(),
        done: Some(done),
    };
    let (responder, watch) = Reply::over(Box::new(sink));
    let result = plugin.call(route.id, Request::of(Arc::new(served)), responder);
    watch.returned(&result);
    let mut reply = answer
        .recv_timeout(Duration::from_secs(10))
        .unwrap_or_else(|_| refused(504, "no answer within 10 s"));
    if request.method == "HEAD" {
        reply.body.clear();
    }
    reply
}
