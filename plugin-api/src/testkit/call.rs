//! One request and its answer, both in memory.

use std::sync::Arc;
use std::time::Duration;

use meterbox_plugin_abi::testing::{FakeReply, FakeRequest, Recorder};
use meterbox_plugin_abi::{Listener, PluginObject, Reply, Request, Route};

/// How long a plugin may take.
const LIMIT: Duration = Duration::from_secs(10);

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

impl From<FakeReply> for TestReply {
    fn from(reply: FakeReply) -> Self {
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        let headers = reply.headers.into_iter();
        Self {
            status: reply.status,
            headers: headers.map(|(name, value)| (name, text(value))).collect(),
            body: match reply.end {
                "fail" => reply.message.into_bytes(),
                _ => reply.body,
            },
            chunks: reply.pieces,
            aborted: reply.end == "abort",
        }
    }
}

/// Routes as the host does, calls the plugin over the border, and waits for the answer.
pub(super) fn call(plugin: &PluginObject, routes: &[Route], request: &TestRequest) -> TestReply {
    let path = request.target.split('?').next().unwrap_or_default();
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
    let served = FakeRequest {
        headers: request.headers.clone(),
        ..FakeRequest::new(&request.method, &request.target)
            .body(request.body.clone())
            .time_left(LIMIT)
    };
    let client = Recorder::default();
    let (responder, watch) = Reply::over(client.sink());
    let result = plugin.call(route.id, Request::of(Arc::new(served)), responder);
    watch.returned(&result);
    let reply = client.wait_for(LIMIT);
    let mut reply = reply.map_or_else(|| refused(504, "no answer within 10 s"), TestReply::from);
    if request.method == "HEAD" {
        reply.body.clear();
    }
    reply
}
