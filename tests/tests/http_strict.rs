//! Requests as bytes: what is answered as TorchServe 0.12 answers it and what is refused.
//!
//! After every exchange a second request goes over the same connection: it is answered where the
//! connection stays open, and never where a refusal has closed it, so that nothing can be smuggled
//! behind a request whose end is in doubt.

use meterbox_tests::http::{self, Answer, raw};
use meterbox_tests::{Host, Page};
use std::net::SocketAddr;

const NEXT: &[u8] = b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Open,
    Closed,
}
use Then::{Closed, Open};

/// Every answer in `bytes`, interim ones left out.
#[track_caller]
fn answers(bytes: &[u8]) -> Vec<Answer> {
    let mut answers = raw::answers(bytes);
    answers.retain(|answer| answer.status != 100);
    answers
}

/// Sends `request` and [`NEXT`], checks what becomes of the connection, and gives the answers to `request`.
#[track_caller]
fn ask(address: SocketAddr, name: &str, request: &[u8], then: Then) -> Vec<Answer> {
    let bytes = [request, NEXT].concat();
    let bytes = raw::exchange(address, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut answers = answers(&bytes);
    if then == Open {
        let next = answers.pop().map(|answer| answer.text());
        assert_eq!(next.as_deref(), Some(HEALTHY), "{name}: the next request");
    }
    assert!(!answers.is_empty(), "{name}: no answer of its own");
    answers
}

const HEALTHY: &str = "{\n  \"status\": \"Healthy\"\n}\n";

fn error(code: u16, class: &str, message: &str) -> String {
    format!("{{\n  \"code\": {code},\n  \"type\": \"{class}\",\n  \"message\": \"{message}\"\n}}\n")
}

/// A request for a prediction of `noop` with these header lines and what comes after them.
fn predict(headers: &str, body: &str) -> String {
    format!("POST /predictions/noop HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}")
}

/// `GET target` with these header lines besides Host.
fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

#[test]
fn odd_requests_are_answered_as_torchserve_answers_them() {
    let host = Host::builder().start();
    host.serve_model("noop.mar", 1);
    let invalid = error(400, "BadRequestException", "Invalid HTTP message.");
    let percent = error(
        403,
        "IllegalArgumentException",
        "invalid hex byte 'zz' at index 18 of '/predictions/noop%zz'",
    );
    let ping = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let too_large = predict("Content-Length: 6553501\r\n", &"x".repeat(6_553_501));
    let table: &[(&str, String, u16, &str, Then)] = &[
        ("no HTTP", "GARBAGE\r\n\r\n".into(), 400, &invalid, Closed),
        (
            "HTTP/1.0 that keeps alive",
            "GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".into(),
            200,
            HEALTHY,
            Open,
        ),
        (
            "HTTP/1.0 that does not",
            "GET /ping HTTP/1.0\r\n\r\n".into(),
            200,
            HEALTHY,
            Closed,
        ),
        ("two at once", ping.repeat(2), 200, HEALTHY, Open),
        (
            "a chunked body",
            predict("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
            200,
            "OK",
            Open,
        ),
        (
            "Expect: 100-continue",
            predict("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"),
            200,
            "OK",
            Open,
        ),
        (
            "a length that is no number",
            predict("Content-Length: abc\r\n", "hello"),
            400,
            &invalid,
            Closed,
        ),
        (
            "an expectation nobody knows",
            predict("Content-Length: 5\r\nExpect: magic\r\n", "hello"),
            417,
            "",
            Open,
        ),
        ("a body over max_request_size", too_large, 413, "", Open),
        (
            "a percent sign without digits",
            get("/predictions/noop%zz", ""),
            403,
            &percent,
            Closed,
        ),
        (
            "GET with a body",
            get("/predictions/noop", "Content-Length: 5\r\n") + "hello",
            200,
            "OK",
            Open,
        ),
    ];
    for (name, request, status, body, then) in table {
        for answer in ask(host.inference(), name, request.as_bytes(), *then) {
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (*status, *body),
                "{name}"
            );
        }
    }
}

#[test]
fn requests_in_doubt_are_refused_and_nothing_behind_them_is_read() {
    let host = Host::start(&[]);
    let te = |value: &str| predict(&format!("Transfer-Encoding: {value}\r\n"), "");
    let bad = "BadRequestException";
    let table: &[(&str, String, u16, &str)] = &[
        ("no_host", "GET /ping HTTP/1.1\r\n\r\n".into(), 400, bad),
        ("two_hosts", get("/ping", "Host: localhost\r\n"), 400, bad),
        (
            "two_lengths",
            predict("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
            400,
            bad,
        ),
        (
            "length_and_coding",
            predict(
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
            400,
            bad,
        ),
        ("coding", te("chunked, chunked"), 400, bad),
        (
            "coding_unknown",
            te("gzip, chunked"),
            501,
            "NotImplementedException",
        ),
        (
            "content_length",
            predict("Content-Length: +5\r\n", "hello"),
            400,
            bad,
        ),
        (
            "chunk",
            predict("Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n"),
            400,
            bad,
        ),
        (
            "method",
            "get /ping HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            400,
            bad,
        ),
        ("nul_in_path", get("/ping%00", ""), 400, bad),
        ("dot_segment", get("/models/../ping", ""), 400, bad),
        (
            "connect",
            "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n".into(),
            501,
            "NotImplementedException",
        ),
        (
            "asterisk",
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            400,
            bad,
        ),
        (
            "head_too_large",
            get("/ping", &format!("X: {}\r\n", "a".repeat(64 * 1024))),
            431,
            "HeaderFieldsTooLargeException",
        ),
        (
            "too_many_fields",
            get("/ping", &"X: a\r\n".repeat(200)),
            431,
            "HeaderFieldsTooLargeException",
        ),
        (
            "uri_too_long",
            get(&format!("/ping?x={}", "a".repeat(8192)), ""),
            414,
            "UriTooLongException",
        ),
        (
            "line_feed",
            "GET /ping HTTP/1.1\nHost: localhost\n\n".into(),
            400,
            bad,
        ),
        (
            "look_alike",
            get("/ping", "Content_Length: 5\r\n"),
            400,
            bad,
        ),
        ("field_value", get("/ping", "X: a\u{e9}\r\n"), 400, bad),
        ("field_name", get("/ping", "X : a\r\n"), 400, bad),
        ("folded", get("/ping", "X: a\r\n b\r\n"), 400, bad),
        (
            "version",
            "GET /ping HTTP/2.0\r\nHost: localhost\r\n\r\n".into(),
            505,
            "HttpVersionException",
        ),
        (
            "other_authority",
            get("http://evil.example/ping", ""),
            400,
            bad,
        ),
    ];
    for (reason, request, status, class) in table {
        let answers = ask(host.inference(), reason, request.as_bytes(), Closed);
        assert_eq!(answers.len(), 1, "{reason}: {answers:#?}");
        let answer = &answers[0];
        assert_eq!(answer.status, *status, "{reason}: {}", answer.text());
        assert_eq!(answer.json()["type"], *class, "{reason}");
        assert_eq!(answer.json()["code"], *status, "{reason}");
        assert_eq!(answer.header("connection"), Some("close"), "{reason}");
    }
    let page = host.scrape("/metrics");
    for (reason, ..) in table {
        assert_eq!(refused(&page, reason), 1.0, "{reason}");
    }
    assert_eq!(http::get(host.inference(), "/ping").text(), HEALTHY);
}

fn refused(page: &Page, reason: &str) -> f64 {
    let name = "meterbox_http_requests_refused_total";
    page.value(name, &[("reason", reason)]).unwrap_or(0.0)
}

#[test]
fn a_target_of_five_thousand_bytes_is_taken() {
    let host = Host::builder().start();
    let request = get(&format!("/ping?x={}", "a".repeat(5000)), "");
    let answers = ask(host.inference(), "5,000 bytes", request.as_bytes(), Open);
    assert_eq!(answers[0].text(), HEALTHY);
}

#[test]
fn a_head_that_stays_away_ends_its_connection_alone() {
    let host = Host::builder().line("header_timeout_ms=100").start();
    let started = raw::exchange(host.inference(), b"GET /ping HTTP/1.1\r\nHost: loc");
    let started = started.expect("an end");
    assert_eq!(started, b"", "closed, and nothing answered");
    assert_eq!(http::get(host.inference(), "/ping").text(), HEALTHY);
}

#[test]
fn a_body_that_stalls_or_is_far_too_large_is_refused_and_ends_its_connection_alone() {
    let host = Host::builder()
        .plugin("prometheus")
        .line("body_grace_ms=100")
        .line("body_timeout_ms=1000")
        .start();
    // Only as much is sent as the server needs for its answer; reading on ends when it closes.
    let table = [
        (
            "body_too_slow",
            predict("Content-Length: 50\r\n", "abc"),
            408,
        ),
        (
            "body_too_large",
            predict("Content-Length: 65535010000\r\n", "abc"),
            413,
        ),
    ];
    for (reason, request, status) in &table {
        let bytes = raw::exchange(host.inference(), request.as_bytes()).expect("an answer");
        let answers = answers(&bytes);
        assert_eq!(answers.len(), 1, "{reason}: {answers:#?}");
        assert_eq!(answers[0].status, *status, "{reason}");
        assert_eq!(answers[0].header("connection"), Some("close"), "{reason}");
    }
    let page = host.scrape("/metrics");
    for (reason, ..) in &table {
        assert_eq!(refused(&page, reason), 1.0, "{reason}");
    }
    assert_eq!(http::get(host.inference(), "/ping").text(), HEALTHY);
}
