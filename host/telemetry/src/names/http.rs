//! Requests and connections on the listeners.

use super::{Row, rows};

/// From half a millisecond, for routes that answer from memory, to ten seconds.
pub const REQUEST_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

rows! {
    /// Requests answered.
    REQUESTS = Row::counter("meterbox_http_requests_total",
        "Requests answered, by listener, route and class of status.")
        .labels(&["listener", "route", "code"]);
    /// Time to answer them.
    REQUEST_DURATION = Row::histogram("meterbox_http_request_duration_seconds",
        "Time from the request's head to the end of the answer.", REQUEST_SECONDS)
        .unit("seconds").labels(&["listener", "route"]);
    /// Requests under way.
    REQUESTS_IN_FLIGHT = Row::gauge("meterbox_http_requests_in_flight",
        "Requests whose answer is not finished.").labels(&["listener"]);
    /// Requests refused before they had a route.
    REQUESTS_REFUSED = Row::counter("meterbox_http_requests_refused_total",
        "Requests refused before they reached a route, by reason.")
        .labels(&["listener", "reason"]);
    /// Bytes in.
    REQUEST_BYTES = Row::counter("meterbox_http_request_body_bytes_total",
        "Bytes of request bodies received.").unit("bytes").labels(&["listener"]);
    /// Bytes out.
    RESPONSE_BYTES = Row::counter("meterbox_http_response_body_bytes_total",
        "Bytes of response bodies sent.").unit("bytes").labels(&["listener"]);
    /// Connections now.
    CONNECTIONS = Row::gauge("meterbox_http_connections", "Open connections.")
        .labels(&["listener"]);
    /// Connections so far.
    CONNECTIONS_OPENED = Row::counter("meterbox_http_connections_opened_total",
        "Connections accepted.").labels(&["listener"]);
    /// Connections refused or cut.
    CONNECTIONS_REFUSED = Row::counter("meterbox_http_connections_refused_total",
        "Connections refused or cut, by reason.").labels(&["listener", "reason"]);
    /// Pages of metrics.
    SCRAPES = Row::counter("meterbox_scrapes_total",
        "Pages of metrics answered, by format and class of status.").labels(&["format", "code"]);
}
