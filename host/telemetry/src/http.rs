//! Instruments of the listeners: requests, connections, pages of metrics.
//!
//! Handles are made when a listener is bound and when a route is first asked for; a request then costs a
//! few increments. Time is measured by the caller.
//!
//! **Source:** what `Requests2XX`, `Requests4XX` and `Requests5XX` count is TorchServe 0.12's.

use super::handle::{ByClass, Handle, Metric, class};
use super::inherited::Inherited;
use super::names::{http as rows, torchserve};
use super::register::Registrar;
use meterbox_metrics::{Counter, Gauge, Histogram, RegisterError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Metrics of all listeners. Cheap to clone.
#[derive(Clone)]
pub struct HttpMetrics(Arc<HttpFamilies>);

struct HttpFamilies {
    requests: Metric<Counter>,
    duration: Metric<Histogram>,
    in_flight: Metric<Gauge>,
    refused: Metric<Counter>,
    received: Metric<Counter>,
    sent: Metric<Counter>,
    connections: Metric<Gauge>,
    opened: Metric<Counter>,
    connections_refused: Metric<Counter>,
    scrapes: Metric<Counter>,
    /// `Requests2XX`, `Requests4XX`, `Requests5XX`.
    inherited: [Inherited; 3],
}

impl HttpMetrics {
    pub(super) fn new(registrar: &Registrar<'_>) -> Result<Self, RegisterError> {
        let host = ["Host", registrar.hostname];
        let inherited = |row| registrar.inherited(row).map(|metric| metric.with(&host));
        Ok(Self(Arc::new(HttpFamilies {
            requests: registrar.metric(&rows::REQUESTS)?,
            duration: registrar.metric(&rows::REQUEST_DURATION)?,
            in_flight: registrar.metric(&rows::REQUESTS_IN_FLIGHT)?,
            refused: registrar.metric(&rows::REQUESTS_REFUSED)?,
            received: registrar.metric(&rows::REQUEST_BYTES)?,
            sent: registrar.metric(&rows::RESPONSE_BYTES)?,
            connections: registrar.metric(&rows::CONNECTIONS)?,
            opened: registrar.metric(&rows::CONNECTIONS_OPENED)?,
            connections_refused: registrar.metric(&rows::CONNECTIONS_REFUSED)?,
            scrapes: registrar.metric(&rows::SCRAPES)?,
            inherited: [
                inherited(&torchserve::REQUESTS_2XX)?,
                inherited(&torchserve::REQUESTS_4XX)?,
                inherited(&torchserve::REQUESTS_5XX)?,
            ],
        })))
    }

    /// Handles of a listener: `inference`, `management` or `metrics`.
    #[must_use]
    pub fn listener(&self, name: &str) -> Arc<ListenerMetrics> {
        let families = &self.0;
        Arc::new(ListenerMetrics {
            name: name.to_owned(),
            in_flight: families.in_flight.with(&[name]),
            received: families.received.with(&[name]),
            sent: families.sent.with(&[name]),
            connections: families.connections.with(&[name]),
            opened: families.opened.with(&[name]),
            families: Arc::clone(families),
        })
    }

    /// A page of metrics was answered.
    pub fn scraped(&self, content_type: &str, code: u16) {
        self.0.scrapes.inc(&[format_of(content_type), class(code)]);
    }
}

/// The format of a page by its media type.
fn format_of(content_type: &str) -> &'static str {
    const FORMATS: [(&str, &str); 4] = [
        ("text/plain", "text"),
        ("application/openmetrics-text", "openmetrics"),
        ("application/vnd.google.protobuf", "protobuf"),
        ("application/json", "json"),
    ];
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let known = FORMATS
        .iter()
        .find(|(media, _)| media.eq_ignore_ascii_case(essence));
    known.map_or("other", |(_, format)| format)
}

impl HttpFamilies {
    /// Counts a response as TorchServe does: what is neither 2xx nor 4xx is a 5xx.
    fn answered(&self, code: u16) {
        let at = match code {
            200..300 => 0,
            400..500 => 1,
            _ => 2,
        };
        self.inherited[at].update(1.0);
    }
}

/// Handles of one listener.
pub struct ListenerMetrics {
    name: String,
    families: Arc<HttpFamilies>,
    in_flight: Handle<Gauge>,
    received: Handle<Counter>,
    sent: Handle<Counter>,
    connections: Handle<Gauge>,
    opened: Handle<Counter>,
}

impl ListenerMetrics {
    /// Handles of a route: a fixed text such as `/predictions/{model}`, never a path that a client chose.
    #[must_use]
    pub fn route(&self, route: &str) -> RouteMetrics {
        RouteMetrics {
            listener: self.name.clone(),
            route: route.to_owned(),
            duration: OnceLock::new(),
            requests: ByClass::default(),
            families: Arc::clone(&self.families),
        }
    }

    /// A connection was accepted.
    pub fn connection_opened(&self) {
        self.opened.inc();
        self.connections.add(1.0);
    }

    /// It ended.
    pub fn connection_closed(&self) {
        self.connections.add(-1.0);
    }

    /// A connection was refused or cut. `reason` is one of a closed set.
    pub fn connection_refused(&self, reason: &'static str) {
        self.families.connections_refused.inc(&[&self.name, reason]);
    }

    /// A request has begun.
    pub fn request_began(&self) {
        self.in_flight.add(1.0);
    }

    /// Its answer is finished, or given up.
    pub fn request_ended(&self) {
        self.in_flight.add(-1.0);
    }

    /// A request was answered with `code` before it had a route. `reason` is one of a closed set.
    ///
    /// As in TorchServe, the 413 of the size check is in none of its three counters.
    pub fn request_refused(&self, reason: &'static str, code: u16) {
        self.families.refused.inc(&[&self.name, reason]);
        if code != 413 {
            self.families.answered(code);
        }
    }

    /// Bytes of a request's body came in.
    pub fn received(&self, bytes: u64) {
        self.received.add(bytes);
    }

    /// Bytes of an answer's body went out.
    pub fn sent(&self, bytes: u64) {
        self.sent.add(bytes);
    }
}

/// Handles of one route on one listener.
pub struct RouteMetrics {
    listener: String,
    route: String,
    families: Arc<HttpFamilies>,
    requests: ByClass<Counter>,
    duration: OnceLock<Handle<Histogram>>,
}

impl RouteMetrics {
    /// A request was answered with `code`, `took` after its head had come.
    pub fn answered(&self, code: u16, took: Duration) {
        let make = |class: &str| {
            self.families
                .requests
                .with(&[&self.listener, &self.route, class])
        };
        self.requests.of(code, make).inc();
        let make = || self.families.duration.with(&[&self.listener, &self.route]);
        self.duration.get_or_init(make).seconds(took);
        self.families.answered(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    const LABELS: &str = "Level=\"Host\",Hostname=\"vm\"";

    #[test]
    fn every_response_counts_once_in_torchserves_three_counters() {
        let bench = Bench::new();
        let http = bench.telemetry.http();
        let listener = http.listener("metrics");
        let route = listener.route("/metrics");
        for code in [200, 204, 404, 503, 302, 101] {
            route.answered(code, Duration::from_millis(3));
        }
        listener.request_refused("bad_head", 400);
        listener.request_refused("body_too_large", 413);
        let seen =
            ["Requests2XX", "Requests4XX", "Requests5XX"].map(|name| bench.value(name, LABELS));
        assert_eq!(seen, [Some(2.0), Some(2.0), Some(3.0)]);
        let ours = |code| {
            let labels = format!("listener=\"metrics\",route=\"/metrics\",code=\"{code}\"");
            bench.value("meterbox_http_requests_total", &labels)
        };
        assert_eq!(
            (ours("2xx"), ours("3xx"), ours("1xx")),
            (Some(2.0), Some(1.0), Some(1.0))
        );
        let labels = "listener=\"metrics\",route=\"/metrics\"";
        assert_eq!(
            bench.count("meterbox_http_request_duration_seconds", labels),
            Some(6)
        );
        let refused = "listener=\"metrics\",reason=\"body_too_large\"";
        assert_eq!(
            bench.value("meterbox_http_requests_refused_total", refused),
            Some(1.0)
        );
    }

    #[test]
    fn a_class_that_never_came_has_no_line() {
        let bench = Bench::new();
        bench
            .telemetry
            .http()
            .listener("metrics")
            .route("/ping")
            .answered(200, Duration::ZERO);
        let labels = "listener=\"metrics\",route=\"/ping\",code=\"5xx\"";
        assert_eq!(bench.value("meterbox_http_requests_total", labels), None);
    }

    #[test]
    fn connections_and_requests_under_way_go_up_and_down() {
        let bench = Bench::new();
        let listener = bench.telemetry.http().listener("inference");
        let labels = "listener=\"inference\"";
        listener.connection_opened();
        listener.connection_opened();
        listener.request_began();
        assert_eq!(bench.value("meterbox_http_connections", labels), Some(2.0));
        assert_eq!(
            bench.value("meterbox_http_requests_in_flight", labels),
            Some(1.0)
        );
        listener.connection_closed();
        listener.connection_closed();
        listener.request_ended();
        assert_eq!(bench.value("meterbox_http_connections", labels), Some(0.0));
        assert_eq!(
            bench.value("meterbox_http_requests_in_flight", labels),
            Some(0.0)
        );
        assert_eq!(
            bench.value("meterbox_http_connections_opened_total", labels),
            Some(2.0)
        );
        listener.received(10);
        listener.sent(7);
        assert_eq!(
            bench.value("meterbox_http_request_body_bytes_total", labels),
            Some(10.0)
        );
        assert_eq!(
            bench.value("meterbox_http_response_body_bytes_total", labels),
            Some(7.0)
        );
    }

    #[test]
    fn pages_are_told_apart_by_media_type() {
        for (content_type, format) in [
            ("text/plain; version=0.0.4; charset=utf-8", "text"),
            ("application/openmetrics-text;version=1.0.0", "openmetrics"),
            ("image/png", "other"),
            ("", "other"),
        ] {
            assert_eq!(format_of(content_type), format);
        }
        let bench = Bench::new();
        bench.telemetry.http().scraped("text/plain", 200);
        let labels = "format=\"text\",code=\"2xx\"";
        assert_eq!(bench.value("meterbox_scrapes_total", labels), Some(1.0));
    }
}
