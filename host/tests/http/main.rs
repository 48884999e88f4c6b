//! The HTTP layer of the real program, over real sockets: what is refused, what stays open, what ends.

#![allow(
    clippy::unwrap_used,
    reason = "a failure here is the failure of the test"
)]

mod server;

use rustix::process::Signal;
use server::Server;
use std::io::{Read, Write};
use std::time::Instant;

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn answers_carry_torchserves_headers_and_keep_the_connection() {
    let server = Server::start(&[]);
    let mut connection = server.connect("inference");
    let mut ids = Vec::new();
    for _ in 0..3 {
        connection.write(PING);
        let answer = connection.answer();
        assert_eq!(answer.line, "HTTP/1.1 200 OK");
        assert_eq!(answer.body, "{\n  \"status\": \"Healthy\"\n}\n");
        let names: Vec<_> = answer
            .fields
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let expect = [
            "content-type",
            "x-request-id",
            "pragma",
            "cache-control",
            "expires",
            "x-content-type-options",
            "content-length",
            "connection",
        ];
        assert_eq!(names, expect);
        assert_eq!(answer.field("connection"), Some("keep-alive"));
        ids.push(answer.field("x-request-id").unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "every request has its own id");
}

#[test]
fn each_listener_serves_its_own_paths() {
    let server = Server::start(&[]);
    let statuses = |listener, paths: &[&str]| -> Vec<u16> {
        paths
            .iter()
            .map(|path| server.get(listener, path).status)
            .collect()
    };
    assert_eq!(
        statuses("inference", &["/ping", "/", "/plugins", "/metrics"]),
        [200, 405, 404, 404]
    );
    assert_eq!(
        statuses("management", &["/ping/", "/plugins", "/foo", "/token"]),
        [200, 200, 404, 404]
    );
    // No plugin is in the folder, so there is no page of metrics.
    assert_eq!(
        statuses("metrics", &["/ping", "/", "/metrics", "/x/y"]),
        [200, 200, 404, 404]
    );
    let other = server.request("management", "PUT", "/plugins", "");
    assert_eq!((other.status, other.field("allow")), (405, Some("GET")));
    assert_eq!(other.field("connection"), Some("close"));
    let unknown = server.get("inference", "/foo");
    assert_eq!(unknown.json()["type"], "ResourceNotFoundException");
    let described = server.request("management", "OPTIONS", "/", "");
    assert_eq!(described.json()["openapi"], "3.0.1");
    assert!(described.json()["paths"]["/plugins/{name}/reload"]["post"].is_object());
    assert!(server.get("metrics", "/").body.contains("<h1>Meterbox"));
}

#[test]
fn what_is_not_http_is_refused_as_captured() {
    let server = Server::start(&[]);
    let invalid = "{\n  \"code\": 400,\n  \"type\": \"BadRequestException\",\n  \"message\": \
                   \"Invalid HTTP message.\"\n}\n";
    let bad_length = b"POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\nhello";
    for bytes in [&b"GARBAGE\r\n\r\n"[..], bad_length] {
        let mut connection = server.connect("inference");
        connection.write(bytes);
        let answer = connection.answer();
        assert_eq!((answer.status, answer.body.as_str()), (400, invalid));
        assert_eq!(connection.rest(), "", "closed, and nothing more");
    }
    let percent = server.get("inference", "/predictions/noop%zz");
    assert_eq!(percent.status, 403);
    let message = "invalid hex byte 'zz' at index 18 of '/predictions/noop%zz'";
    assert_eq!(percent.json()["message"], message);
    let long = server.get("inference", &format!("/ping?x={}", "a".repeat(9000)));
    assert_eq!(long.status, 414);
    let large = server.request(
        "inference",
        "GET",
        "/ping",
        &format!("X: {}\r\n", "y".repeat(40_000)),
    );
    assert_eq!(large.status, 431);
}

#[test]
fn a_refusal_stands_in_the_place_of_its_own_request() {
    let server = Server::start(&[]);
    let mut connection = server.connect("inference");
    let smuggled = b"POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\
                     Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    connection.write(&[PING, smuggled, PING].concat());
    assert_eq!(connection.answer().status, 200);
    let refused = connection.answer();
    assert_eq!(
        (refused.status, refused.field("connection")),
        (400, Some("close"))
    );
    assert_eq!(connection.rest(), "", "what follows is never looked at");
}

#[test]
fn expectations_and_large_bodies_are_answered_as_captured() {
    let server = Server::start(&["max_request_size=1000"]);
    let mut connection = server.connect("inference");
    let head = "POST /ping HTTP/1.1\r\nHost: localhost\r\n";
    connection.write(format!("{head}Content-Length: 5\r\nExpect: magic\r\n\r\nhello").as_bytes());
    let unknown = connection.answer();
    assert_eq!(unknown.line, "HTTP/1.1 417 Expectation Failed");
    assert_eq!(
        unknown.fields,
        [("content-length".to_owned(), "0".to_owned())]
    );
    connection.write(format!("{head}Content-Length: 1001\r\n\r\n{}", "x".repeat(1001)).as_bytes());
    let large = connection.answer();
    assert_eq!(large.line, "HTTP/1.1 413 Request Entity Too Large");
    assert_eq!(
        large.fields,
        [("content-length".to_owned(), "0".to_owned())]
    );
    connection.write(format!("{head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n").as_bytes());
    assert_eq!(connection.answer().line, "HTTP/1.1 100 Continue");
    connection.write(b"hello");
    assert_eq!(
        connection.answer().status,
        200,
        "the connection was open all the time"
    );
    let huge = server.request(
        "inference",
        "POST",
        "/ping",
        "Content-Length: 999999999\r\n",
    );
    assert_eq!(
        (huge.status, huge.field("connection")),
        (413, Some("close"))
    );
}

#[test]
fn slow_clients_are_cut_off() {
    let lines = [
        "header_timeout_ms=200",
        "idle_timeout_ms=400",
        "body_grace_ms=200",
        "body_rate_min=1000000",
    ];
    let server = Server::start(&lines);
    let begin = Instant::now();
    let mut head = server.connect("inference");
    head.write(b"GET /ping HTTP/1.1\r\nHo");
    assert_eq!(head.rest(), "");
    assert!(begin.elapsed().as_millis() >= 200);
    let begin = Instant::now();
    let mut idle = server.connect("inference");
    idle.write(PING);
    assert_eq!(idle.answer().status, 200);
    assert_eq!(idle.rest(), "");
    assert!(begin.elapsed().as_millis() >= 400);
    let body = server.request("inference", "POST", "/ping", "Content-Length: 5\r\n");
    assert_eq!(
        (body.status, body.field("connection")),
        (408, Some("close"))
    );
}

#[test]
fn other_hosts_and_pages_of_other_sites_are_refused() {
    let server = Server::start(&["allowed_hosts=meter.example"]);
    let host = |host: &str| {
        let head = format!("GET /plugins HTTP/1.1\r\nHost: {host}\r\n\r\n");
        server.send("management", head.as_bytes()).status
    };
    assert_eq!(host("evil.example"), 421);
    assert_eq!(host("meter.example:99"), 200);
    let reload = |fields: &str| {
        server
            .request("management", "POST", "/-/reload", fields)
            .status
    };
    assert_eq!(reload("Origin: http://evil.example\r\n"), 403);
    assert_eq!(reload("Sec-Fetch-Site: cross-site\r\n"), 403);
    assert_eq!(reload("Sec-Fetch-Site: none\r\n"), 200);
}

#[test]
fn tokens_guard_what_they_guard_in_torchserve() {
    let server = Server::start(&["disable_token_authorization=false"]);
    let keys = || -> serde_json::Value {
        let text = std::fs::read_to_string(server.folder.join("key_file.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let with = |listener, path, key: &str| {
        let key = keys()[key]["key"].as_str().unwrap_or(key).to_owned();
        server.request(
            listener,
            "GET",
            path,
            &format!("Authorization: Bearer {key}\r\n"),
        )
    };
    let refused = server.get("inference", "/ping");
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (400, &"InvalidKeyException".into())
    );
    assert_eq!(with("inference", "/ping", "inference").status, 200);
    assert_eq!(with("management", "/plugins", "inference").status, 400);
    assert_eq!(with("management", "/plugins", "management").status, 200);
    assert_eq!(
        server.get("management", "/nowhere").status,
        400,
        "tokens come before the table"
    );
    assert_eq!(server.request("management", "OPTIONS", "/", "").status, 200);
    assert_eq!(
        server.get("metrics", "/ping").status,
        200,
        "metrics are never guarded"
    );
    let before = keys();
    assert_eq!(
        with("management", "/token?type=inference", "management").status,
        400
    );
    let renewed = with("management", "/token?type=inference", "API");
    assert_eq!((renewed.status, renewed.body.as_str()), (200, "\n"));
    assert_ne!(keys()["inference"]["key"], before["inference"]["key"]);
    assert_eq!(keys()["management"], before["management"]);
}

#[test]
fn metric_endpoints_are_switched_off_and_on_by_a_reload() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let address = format!("metrics_address=http://{port}");
    let server = Server::start(&[&address]);
    let reload = || server.request("management", "POST", "/-/reload", "").status;
    let open = || std::net::TcpStream::connect(port).is_ok();
    assert!(open());
    server.configure(&[&address, "enable_metrics_endpoints=false"]);
    assert_eq!((reload(), open()), (200, false));
    server.configure(&[&address, "enable_metrics_endpoints=maybe"]);
    assert_eq!(
        (reload(), open()),
        (400, false),
        "a bad file keeps the old one"
    );
    server.configure(&[&address]);
    assert_eq!((reload(), open()), (200, true));
}

#[test]
fn shared_addresses_and_unix_sockets_are_listened_to() {
    let path = std::env::temp_dir().join(format!("meterbox-http-{}.sock", std::process::id()));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let lines = [
        format!("inference_address=http://{port}"),
        format!("management_address=http://{port}"),
        format!("metrics_address=unix:{}", path.display()),
    ];
    let mut server = Server::start(&lines.each_ref().map(String::as_str));
    assert_eq!(server.place("inference"), server.place("management"));
    assert_eq!(server.get("inference", "/plugins").status, 200);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream
        .write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!path.exists(), "the socket file is removed");
}

#[test]
fn a_taken_address_refuses_the_start_and_names_the_holder() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("management_address=http://{}", taken.local_addr().unwrap());
    let (code, complaint) = Server::spawn(&[&address]).complaint();
    assert_eq!(code, Some(2), "{complaint}");
    let holder = format!("process {} listens there", std::process::id());
    assert!(complaint.contains(&holder), "{complaint}");
}

#[test]
fn a_drain_answers_what_was_sent_and_ends_idle_connections() {
    let mut server = Server::start(&["drain_delay_ms=300"]);
    let mut idle = server.connect("inference");
    idle.write(PING);
    assert_eq!(idle.answer().field("connection"), Some("keep-alive"));
    let mut late = server.connect("inference");
    server.signal(Signal::TERM);
    let begin = Instant::now();
    while server.get("management", "/-/ready").status == 200 {
        assert!(begin.elapsed() < server::PATIENCE);
    }
    late.write(PING);
    let answer = late.answer();
    assert_eq!(
        (answer.status, answer.field("connection")),
        (200, Some("close"))
    );
    assert_eq!(idle.rest(), "", "ended without an answer cut off");
    assert_eq!(server.wait().code(), Some(0));
}
