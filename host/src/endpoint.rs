//! Hands a request to the endpoint of a plugin and turns its answer into a reply.
//!
//! Breaker, queue, thread and deadline are the plugin side's; which headers of a plugin's answer may
//! pass is decided here.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use meterbox_http::{
    Answer, ApiError, Body, BodyWriter, Class, Listener, Outcome, Reply, Request, body_stream,
};
use meterbox_plugins::{
    BodyPiece, CallError, Endpoint, PluginBody, PluginReply, PluginRequest, call_within,
};
use meterbox_telemetry::http::HttpMetrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a scraper allows for a scrape, in seconds. **Source:** Prometheus.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// What is left to the answer's way back.
const SCRAPE_MARGIN: Duration = Duration::from_millis(500);
/// The least that a plugin gets.
const DEADLINE_MIN: Duration = Duration::from_millis(50);

/// A body up to this length is sent from memory, in bytes.
const READY_BYTES_MAX: u64 = 256 * 1024;

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

async fn answer(endpoint: &Endpoint, request: Request) -> Outcome {
    let Some(route) = endpoint.route(request.method.as_str()) else {
        return Err(ApiError::method_not_allowed(&endpoint.methods().list()));
    };
    let limit = deadline(endpoint.limit, request.header(SCRAPE_TIMEOUT));
    let name = endpoint.running.origin().metadata.name.clone();
    let request = plugin_request(endpoint, &request);
    let reply = call_within(endpoint, route, request, limit)
        .await
        .map_err(error)?;
    let passed = pass_on(reply, &name).await;
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

fn plugin_request(endpoint: &Endpoint, request: &Request) -> PluginRequest {
    let headers = request.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
    PluginRequest {
        method: request.method.as_str().to_owned(),
        path: request.path().to_owned(),
        rest: endpoint.rest(request.path()).to_owned(),
        query: request.raw_query().to_owned(),
        peer: request.peer.to_string(),
        headers: headers.collect(),
        body: (!request.body.is_empty()).then(|| one_piece(&request.body)),
    }
}

/// A body that was read already, as the plugin side takes bodies.
fn one_piece(body: &Bytes) -> mpsc::Receiver<BodyPiece> {
    let (sender, receiver) = mpsc::channel(1);
    // There is room for one, and it is empty.
    let _ = sender.try_send(Ok(body.to_vec()));
    receiver
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

async fn pass_on(answer: PluginReply, plugin: &str) -> Outcome {
    let PluginReply {
        status,
        headers,
        length,
        body,
    } = answer;
    let mut reply = Reply::bytes(Bytes::new()).with_status(status);
    for (name, value) in headers {
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
        let (writer, stream) = body_stream(length);
        tokio::spawn(forward(body, writer, plugin.to_owned()));
        return Ok(Body::Stream(stream));
    }
    let mut whole = Vec::new();
    loop {
        match body.next().await {
            Ok(Some(piece)) if whole.is_empty() => whole = piece,
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

/// Passes the body on until its end, or until the client leaves.
async fn forward(mut pieces: PluginBody, writer: BodyWriter, plugin: String) {
    loop {
        match pieces.next().await {
            Ok(Some(piece)) => {
                if writer.send(piece.into()).await.is_err() {
                    return;
                }
            }
            Ok(None) => return writer.finish(),
            Err(broken) => {
                tracing::warn!(target: "http", plugin, "an answer broke off: {broken}");
                return;
            }
        }
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
