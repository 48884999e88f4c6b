//! The HTTP layer of the real program, over real sockets: what is refused, what stays open, what ends.

use meterbox_tests::http::Answer;
use meterbox_tests::http::raw::Connection;
use meterbox_tests::{Folder, Host, eventually};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Instant;

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A host without plugins, with these further lines of configuration.
#[track_caller]
fn host(lines: &[&str]) -> Host {
    let builder = Host::builder().line("access_log=false");
    let lines = lines.iter();
    lines
        .fold(builder, |builder, line| builder.line(*line))
        .start()
}

fn connect(address: SocketAddr) -> Connection {
    Connection::open(address).expect("somebody listens")
}

/// Sends bytes on a connection of their own and reads one answer.
#[track_caller]
fn send(address: SocketAddr, bytes: &str) -> Answer {
    let mut connection = connect(address);
    connection.write(bytes.as_bytes());
    connection.answer()
}

/// A request whose header lines are exactly these.
#[track_caller]
fn request(address: SocketAddr, method: &str, target: &str, fields: &str) -> Answer {
    send(
        address,
        &format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"),
    )
}

/// A port that nobody has at this moment.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

#[track_caller]
fn get(address: SocketAddr, target: &str) -> Answer {
    request(address, "GET", target, "")
}

#[test]
fn answers_carry_torchserves_headers_and_keep_the_connection() {
    let host = host(&[]);
    let mut connection = connect(host.inference());
    let mut ids = Vec::new();
    for _ in 0..3 {
        connection.write(PING);
        let answer = connection.answer();
        assert_eq!((answer.status, answer.reason.as_str()), (200, "OK"));
        assert_eq!(answer.text(), "{\n  \"status\": \"Healthy\"\n}\n");
        let names: Vec<_> = answer
            .headers
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
        assert_eq!(answer.header("connection"), Some("keep-alive"));
        ids.push(
            answer
                .header("x-request-id")
                .expect("it is there")
                .to_owned(),
        );
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "every request has its own id");
}

#[test]
fn each_listener_serves_its_own_paths() {
    let host = host(&[]);
    let statuses = |listener, paths: &[&str]| -> Vec<u16> {
        paths
            .iter()
            .map(|path| get(listener, path).status)
            .collect()
    };
    assert_eq!(
        statuses(host.inference(), &["/ping", "/", "/plugins", "/metrics"]),
        [200, 405, 404, 404]
    );
    assert_eq!(
        statuses(host.management(), &["/ping/", "/plugins", "/foo", "/token"]),
        [200, 200, 404, 404]
    );
    // No plugin is in the folder, so there is no page of metrics.
    assert_eq!(
        statuses(host.metrics(), &["/ping", "/", "/metrics", "/x/y"]),
        [200, 200, 404, 404]
    );
    let other = request(host.management(), "PUT", "/plugins", "");
    assert_eq!((other.status, other.header("allow")), (405, Some("GET")));
    assert_eq!(other.header("connection"), Some("close"));
    let unknown = get(host.inference(), "/foo");
    assert_eq!(unknown.json()["type"], "ResourceNotFoundException");
    let described = request(host.management(), "OPTIONS", "/", "");
    assert_eq!(described.json()["openapi"], "3.0.1");
    assert!(described.json()["paths"]["/plugins/{name}/reload"]["post"].is_object());
    assert!(get(host.metrics(), "/").text().contains("<h1>Meterbox"));
}

#[test]
fn what_is_not_http_is_refused_as_captured() {
    let host = host(&[]);
    let invalid = "{\n  \"code\": 400,\n  \"type\": \"BadRequestException\",\n  \"message\": \
                   \"Invalid HTTP message.\"\n}\n";
    let bad_length = b"POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\nhello";
    for bytes in [&b"GARBAGE\r\n\r\n"[..], bad_length] {
        let mut connection = connect(host.inference());
        connection.write(bytes);
        let answer = connection.answer();
        assert_eq!((answer.status, answer.text().as_str()), (400, invalid));
        assert_eq!(
            connection.rest().expect("an end"),
            b"",
            "closed, and nothing more"
        );
    }
    let percent = get(host.inference(), "/predictions/noop%zz");
    assert_eq!(percent.status, 403);
    let message = "invalid hex byte 'zz' at index 18 of '/predictions/noop%zz'";
    assert_eq!(percent.json()["message"], message);
    let long = get(host.inference(), &format!("/ping?x={}", "a".repeat(9000)));
    assert_eq!(long.status, 414);
    let large = request(
        host.inference(),
        "GET",
        "/ping",
        &format!("X: {}\r\n", "y".repeat(40_000)),
    );
    assert_eq!(large.status, 431);
}

#[test]
fn a_refusal_stands_in_the_place_of_its_own_request() {
    let host = host(&[]);
    let mut connection = connect(host.inference());
    let smuggled = b"POST /ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\
                     Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    connection.write(&[PING, smuggled, PING].concat());
    assert_eq!(connection.answer().status, 200);
    let refused = connection.answer();
    assert_eq!(
        (refused.status, refused.header("connection")),
        (400, Some("close"))
    );
    assert_eq!(
        connection.rest().expect("an end"),
        b"",
        "what follows is never looked at"
    );
}

#[test]
fn expectations_and_large_bodies_are_answered_as_captured() {
    let host = host(&["max_request_size=1000"]);
    let mut connection = connect(host.inference());
    let head = "POST /ping HTTP/1.1\r\nHost: localhost\r\n";
    connection.write(format!("{head}Content-Length: 5\r\nExpect: magic\r\n\r\nhello").as_bytes());
    let unknown = connection.answer();
    assert_eq!(
        (unknown.status, unknown.reason.as_str()),
        (417, "Expectation Failed")
    );
    assert_eq!(
        unknown.headers,
        [("content-length".to_owned(), "0".to_owned())]
    );
    connection.write(format!("{head}Content-Length: 1001\r\n\r\n{}", "x".repeat(1001)).as_bytes());
    let large = connection.answer();
    assert_eq!(
        (large.status, large.reason.as_str()),
        (413, "Request Entity Too Large")
    );
    assert_eq!(
        large.headers,
        [("content-length".to_owned(), "0".to_owned())]
    );
    connection.write(format!("{head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n").as_bytes());
    let interim = connection.answer();
    assert_eq!((interim.status, interim.reason.as_str()), (100, "Continue"));
    connection.write(b"hello");
    assert_eq!(
        connection.answer().status,
        200,
        "the connection was open all the time"
    );
    let huge = request(
        host.inference(),
        "POST",
        "/ping",
        "Content-Length: 999999999\r\n",
    );
    assert_eq!(
        (huge.status, huge.header("connection")),
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
    let host = host(&lines);
    let begin = Instant::now();
    let mut head = connect(host.inference());
    head.write(b"GET /ping HTTP/1.1\r\nHo");
    assert_eq!(head.rest().expect("an end"), b"");
    assert!(begin.elapsed().as_millis() >= 200);
    let begin = Instant::now();
    let mut idle = connect(host.inference());
    idle.write(PING);
    assert_eq!(idle.answer().status, 200);
    assert_eq!(idle.rest().expect("an end"), b"");
    assert!(begin.elapsed().as_millis() >= 400);
    let body = request(host.inference(), "POST", "/ping", "Content-Length: 5\r\n");
    assert_eq!(
        (body.status, body.header("connection")),
        (408, Some("close"))
    );
}

#[test]
fn other_hosts_and_pages_of_other_sites_are_refused() {
    let host = host(&["allowed_hosts=meter.example"]);
    let named = |name: &str| {
        let head = format!("GET /plugins HTTP/1.1\r\nHost: {name}\r\n\r\n");
        send(host.management(), &head).status
    };
    assert_eq!(named("evil.example"), 421);
    assert_eq!(named("meter.example:99"), 200);
    let reload = |fields: &str| request(host.management(), "POST", "/-/reload", fields).status;
    assert_eq!(reload("Origin: http://evil.example\r\n"), 403);
    assert_eq!(reload("Sec-Fetch-Site: cross-site\r\n"), 403);
    assert_eq!(reload("Sec-Fetch-Site: none\r\n"), 200);
}

#[test]
fn tokens_guard_what_they_guard_in_torchserve() {
    let host = host(&["disable_token_authorization=false"]);
    let keys = || -> serde_json::Value {
        let text = std::fs::read_to_string(host.folder().join("key_file.json"));
        serde_json::from_str(&text.expect("it was written")).expect("JSON")
    };
    let with = |listener, path, key: &str| {
        let key = keys()[key]["key"].as_str().unwrap_or(key).to_owned();
        request(
            listener,
            "GET",
            path,
            &format!("Authorization: Bearer {key}\r\n"),
        )
    };
    let refused = get(host.inference(), "/ping");
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (400, &"InvalidKeyException".into())
    );
    assert_eq!(with(host.inference(), "/ping", "inference").status, 200);
    assert_eq!(with(host.management(), "/plugins", "inference").status, 400);
    assert_eq!(
        with(host.management(), "/plugins", "management").status,
        200
    );
    assert_eq!(
        get(host.management(), "/nowhere").status,
        400,
        "tokens come before the table"
    );
    assert_eq!(request(host.management(), "OPTIONS", "/", "").status, 200);
    assert_eq!(
        get(host.metrics(), "/ping").status,
        200,
        "metrics are never guarded"
    );
    let before = keys();
    assert_eq!(
        with(host.management(), "/token?type=inference", "management").status,
        400
    );
    let renewed = with(host.management(), "/token?type=inference", "API");
    assert_eq!((renewed.status, renewed.text().as_str()), (200, "\n"));
    assert_ne!(keys()["inference"]["key"], before["inference"]["key"]);
    assert_eq!(keys()["management"], before["management"]);
}

#[test]
fn metric_endpoints_are_switched_off_and_on_by_a_reload() {
    let port = free_port();
    let address = format!("metrics_address=http://{port}");
    let host = host(&[&address]);
    let reload = || request(host.management(), "POST", "/-/reload", "").status;
    let open = || TcpStream::connect(port).is_ok();
    let file = host.folder().join("config.properties");
    let before = std::fs::read_to_string(&file).expect("the harness wrote it");
    let configure = |line: &str| {
        std::fs::write(&file, format!("{before}{line}\n")).expect("the folder is ours");
    };
    assert!(open());
    configure("enable_metrics_endpoints=false");
    assert_eq!((reload(), open()), (200, false));
    configure("enable_metrics_endpoints=maybe");
    assert_eq!(
        (reload(), open()),
        (400, false),
        "a bad file keeps the old one"
    );
    configure("");
    assert_eq!((reload(), open()), (200, true));
}

#[test]
fn shared_addresses_and_unix_sockets_are_listened_to() {
    let folder = Folder::new("http");
    let path = folder.path().join("metrics.sock");
    let port = free_port();
    let lines = [
        format!("inference_address=http://{port}"),
        format!("management_address=http://{port}"),
        format!("metrics_address=unix:{}", path.display()),
    ];
    let mut host = host(&lines.each_ref().map(String::as_str));
    assert_eq!(host.inference(), host.management());
    assert_eq!(get(host.inference(), "/plugins").status, 200);
    let mut stream = UnixStream::connect(&path).expect("the socket is there");
    let ping = b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(ping).expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    host.signal(Signal::TERM);
    assert_eq!(host.wait().code(), Some(0));
    assert!(!path.exists(), "the socket file is removed");
}

#[test]
fn a_taken_address_refuses_the_start_and_names_the_holder() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let line = format!("management_address=http://{address}");
    let mut host = Host::builder().line(line).spawn();
    assert_eq!(host.wait().code(), Some(2), "{}", host.output());
    let holder = format!("process {} listens there", std::process::id());
    eventually("it says who has the address", || {
        let said = host.output();
        said.contains(&holder).then_some(()).ok_or(said)
    });
}

#[test]
fn a_drain_answers_what_was_sent_and_ends_idle_connections() {
    let mut host = host(&["drain_delay_ms=300"]);
    let mut idle = connect(host.inference());
    idle.write(PING);
    assert_eq!(idle.answer().header("connection"), Some("keep-alive"));
    let mut late = connect(host.inference());
    host.signal(Signal::TERM);
    eventually("the host is not ready", || {
        match get(host.management(), "/-/ready").status {
            200 => Err("it is".to_owned()),
            _ => Ok(()),
        }
    });
    late.write(PING);
    let answer = late.answer();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(
        idle.rest().expect("an end"),
        b"",
        "ended without an answer cut off"
    );
    assert_eq!(host.wait().code(), Some(0));
}
