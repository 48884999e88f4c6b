//! Hands a request to the endpoint of a plugin and turns its answer into a reply.
//!
//! Breaker, queue, thread and deadline are the plugin side's; which headers of a plugin's answer may
//! pass is decided here.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use meterbox_http::{
    Answer, ApiError, Body, BodySource, BodyStream, BrokenOff, Class, Listener, Outcome, Reply,
    Request,
};
use meterbox_plugin_abi::{Failure, LIVE_HEADER, RequestService};
use meterbox_plugins::{CallError, Endpoint, PluginBody, PluginReply, call_within};
use meterbox_telemetry::http::HttpMetrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::time::{Interval, interval};

/// What a scraper allows for a scrape, in seconds. **Source:** Prometheus.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// What is left to the answer's way back.
const SCRAPE_MARGIN: Duration = Duration::from_millis(500);
/// The least that a plugin gets.
const DEADLINE_MIN: Duration = Duration::from_millis(50);

/// A body up to this length is sent from memory, in bytes.
const READY_BYTES_MAX: u64 = 256 * 1024;

/// How often a live answer looks whether its plugin was replaced.
const LIVE_LOOK: Duration = Duration::from_millis(250);

/// Headers that a plugin's answer may not carry: they speak for the server, or to the browser about
/// it. What frames the connection is refused before.
const NOT_A_PLUGINS: &[&str] = &[
    "set-cookie",
    "server",
    "strict-transport-security",
    "content-security-policy-report-only",
    "permissions-policy",
    "x-frame-options",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "upgrade",
    "trailer",
    "te",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "alt-svc",
    "clear-site-data",
    "x-request-id",
    "x-content-type-options",
    "service-worker-allowed",
];
/// The same by their beginning.
const NOT_A_PLUGINS_PREFIX: &[&str] = &["access-control-", "cross-origin-", "sec-"];

/// An endpoint of a plugin on one listener.
pub struct PluginEndpoint {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) listener: Listener,
    pub(crate) http: HttpMetrics,
}

impl meterbox_http::Endpoint for PluginEndpoint {
    fn pattern(&self) -> &str {
        &self.endpoint.pattern
    }

    fn allows(&self, method: &Method) -> bool {
        self.endpoint.route(method.as_str()).is_some()
    }

    fn methods(&self) -> Vec<&'static str> {
        self.endpoint.methods().list()
    }

    fn answer(self, request: Request) -> Answer {
        Box::pin(async move {
            let outcome = answer(&self.endpoint, request).await;
            if self.listener == Listener::Metrics {
                note_scrape(&self.http, &outcome);
            }
            outcome
        })
    }
}

fn note_scrape(http: &HttpMetrics, outcome: &Outcome) {
    match outcome {
        Ok(reply) => {
            let content_type = reply.header("content-type");
            let content_type = content_type.and_then(|value| value.to_str().ok());
            http.scraped(content_type.unwrap_or(""), reply.status());
        }
        Err(error) => http.scraped("", error.status()),
    }
}

async fn answer(endpoint: &Arc<Endpoint>, request: Request) -> Outcome {
    let Some(route) = endpoint.route(request.method.as_str()) else {
        return Err(ApiError::method_not_allowed(&endpoint.methods().list()));
    };
    let limit = deadline(endpoint.limit, request.header(SCRAPE_TIMEOUT));
    let name = endpoint.running.origin().metadata.name.clone();
    let request = Borrowed::new(endpoint, request, Instant::now() + limit);
    let request = meterbox_plugin_abi::Request::of(Arc::new(request));
    let reply = call_within(endpoint, route, &request, limit)
        .await
        .map_err(error)?;
    let passed = pass_on(reply, endpoint, &name).await;
    if passed.is_err() {
        endpoint.refused_answer();
    }
    passed
}

/// The plugin's deadline, or the scraper's if that is sooner.
fn deadline(limit: Duration, scraper: Option<&str>) -> Duration {
    let seconds = scraper.and_then(|text| text.trim().parse::<f64>().ok());
    let allowed = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let allowed = allowed.map(|allowed| allowed.saturating_sub(SCRAPE_MARGIN).max(DEADLINE_MIN));
    allowed.map_or(limit, |allowed| allowed.min(limit))
}

/// A request as the border lends it: nothing of it is copied but what a plugin reads of its body.
struct Borrowed {
    request: Request,
    peer: String,
    /// Where in the path that begins which follows the pattern.
    rest: usize,
    read: AtomicUsize,
    until: Instant,
}

impl Borrowed {
    fn new(endpoint: &Endpoint, request: Request, until: Instant) -> Self {
        let path = request.path().trim_end_matches('/');
        Self {
            peer: request.peer.to_string(),
            rest: path.len() - endpoint.rest(path).len(),
            request,
            read: AtomicUsize::new(0),
            until,
        }
    }
}

impl RequestService for Borrowed {
    fn method(&self) -> &str {
        self.request.method.as_str()
    }

    fn path(&self) -> &str {
        self.request.path()
    }

    fn rest(&self) -> &str {
        &self.request.path().trim_end_matches('/')[self.rest..]
    }

    fn query(&self) -> &str {
        self.request.raw_query()
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn header_at(&self, index: usize) -> Option<(&str, &[u8])> {
        let (name, value) = self.request.headers.iter().nth(index)?;
        Some((name.as_str(), value.as_bytes()))
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        let value = self.request.headers.get(name)?;
        Some(value.as_bytes())
    }

    /// The body came before the plugin was asked, so there is nothing to wait for.
    fn read_body(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let body = &self.request.body;
        let take = |read: usize| Some(read + buffer.len().min(body.len() - read));
        let from = self
            .read
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .unwrap_or(body.len());
        let length = buffer.len().min(body.len() - from);
        buffer[..length].copy_from_slice(&body[from..from + length]);
        Ok(length)
    }

    fn time_left(&self) -> Option<Duration> {
        Some(self.until.saturating_duration_since(Instant::now()))
    }
}

fn error(error: CallError) -> ApiError {
    let class = match error.status {
        502 => Class::BAD_GATEWAY,
        503 => Class::SERVICE_UNAVAILABLE,
        504 => Class::GATEWAY_TIMEOUT,
        _ => Class::PLUGIN,
    };
    let answer = ApiError::new(class, error.message).with_status(error.status);
    match error.retry_after {
        Some(pause) => answer.retry_after(pause),
        None => answer,
    }
}

async fn pass_on(answer: PluginReply, endpoint: &Arc<Endpoint>, plugin: &str) -> Outcome {
    let mut live = false;
    let PluginReply {
        status,
        headers,
        length,
        body,
    } = answer;
    let mut reply = Reply::bytes(Bytes::new()).with_status(status);
    for (name, value) in headers {
        if name == LIVE_HEADER {
            live = true;
            continue;
        }
        if forbidden(&name) {
            let message =
                format!("plugin {plugin} answered with a header that it may not set: {name}");
            tracing::warn!(target: "http", plugin, "{message}");
            return Err(ApiError::new(Class::BAD_GATEWAY, message));
        }
        let name = HeaderName::try_from(name.as_str());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&value)) else {
            let message = format!("plugin {plugin} answered with a malformed header");
            return Err(ApiError::new(Class::BAD_GATEWAY, message));
        };
        reply = reply.with_header(name, value);
    }
    if live {
        let stream = Passed::new(body, plugin, Some(Arc::clone(endpoint)));
        return Ok(reply.with_body(Body::Stream(BodyStream::new(stream, None).live())));
    }
    Ok(reply.with_body(pass_body(body, length, plugin).await?))
}

/// A short body is waited for, which costs nothing: its end comes with its begin. Others are
/// passed on as they come.
async fn pass_body(
    mut body: PluginBody,
    length: Option<u64>,
    plugin: &str,
) -> Result<Body, ApiError> {
    if length.is_none_or(|length| length > READY_BYTES_MAX) {
        let stream = BodyStream::new(Passed::new(body, plugin, None), length);
        return Ok(Body::Stream(stream));
    }
    let mut whole = Vec::new();
    loop {
        match body.next().await {
            Ok(Some(piece)) if whole.is_empty() => whole = piece.into(),
            Ok(Some(piece)) => whole.extend_from_slice(&piece),
            Ok(None) => return Ok(Body::Ready(whole.into())),
            Err(broken) => {
                let message = format!("plugin {plugin}: {broken}");
                return Err(ApiError::new(Class::BAD_GATEWAY, message));
            }
        }
    }
}

fn forbidden(name: &str) -> bool {
    NOT_A_PLUGINS.contains(&name)
        || NOT_A_PLUGINS_PREFIX
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The body of a plugin's answer on its way.
struct Passed {
    body: PluginBody,
    plugin: String,
    live: Option<Live>,
}

/// A body without an end of its own: it ends well when its plugin is replaced or removed.
struct Live {
    endpoint: Arc<Endpoint>,
    look: Interval,
}

impl Passed {
    fn new(body: PluginBody, plugin: &str, live: Option<Arc<Endpoint>>) -> Self {
        Self {
            body,
            plugin: plugin.to_owned(),
            live: live.map(|endpoint| Live {
                endpoint,
                look: interval(LIVE_LOOK),
            }),
        }
    }
}

impl Live {
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let mut over = false;
        while !over && self.look.poll_tick(cx).is_ready() {
            over = !self.endpoint.is_current();
        }
        over
    }
}

impl BodySource for Passed {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        if self.live.as_mut().is_some_and(|live| live.is_over(cx)) {
            return Poll::Ready(None);
        }
        let broken = match ready!(self.body.poll_piece(cx)) {
            Ok(piece) => return Poll::Ready(piece.map(Ok)),
            Err(broken) => broken,
        };
        // The generation that wrote it may have ended already.
        let live = self.live.as_ref();
        if live.is_some_and(|live| !live.endpoint.is_current()) {
            return Poll::Ready(None);
        }
        let plugin = self.plugin.as_str();
        tracing::warn!(target: "http", plugin, "an answer broke off: {broken}");
        Poll::Ready(Some(Err(BrokenOff)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sooner_deadline_counts() {
        let limit = Duration::from_secs(5);
        let seconds = |scraper| deadline(limit, scraper).as_secs_f64();
        assert_eq!(seconds(None), 5.0);
        assert_eq!(seconds(Some("10")), 5.0);
        assert_eq!(seconds(Some("2")), 1.5);
        assert_eq!(seconds(Some("0.1")), 0.05);
        assert_eq!(seconds(Some("-1")), 5.0);
        assert_eq!(seconds(Some("nan")), 5.0);
    }

    #[test]
    fn a_plugin_speaks_for_itself_and_not_for_the_server() {
        for name in [
            "set-cookie",
            "access-control-allow-origin",
            "x-request-id",
            "sec-x",
        ] {
            assert!(forbidden(name), "{name}");
        }
        for name in [
            "content-type",
            "x-demo",
            "content-encoding",
            "vary",
            "etag",
            "location",
            "content-security-policy",
        ] {
            assert!(!forbidden(name), "{name}");
        }
    }
}
