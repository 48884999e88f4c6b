//! Which path goes to which plugin: the longest pattern counts, and what the host serves is nobody else's.

use meterbox_tests::{Host, eventually, http};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A host with the actor, which claims what its configuration says.
fn host(config: &str) -> Host {
    Host::builder()
        .plugin("prometheus")
        .plugin("actor")
        .file("actor.toml", config)
        .start()
}

fn actor(host: &Host) -> Value {
    let list = http::get(host.management(), "/plugins").json();
    let plugins = list.as_array().expect("a list");
    let found = plugins.iter().find(|plugin| {
        let path = plugin["path"].as_str();
        path.is_some_and(|path| path.ends_with("/actor.so"))
    });
    found.expect("the actor is listed").clone()
}

#[test]
fn what_the_host_serves_cannot_be_claimed() {
    let host = host("route = \"token\"\n");
    for claim in ["token", "api-description", "", "ping", "v1/models"] {
        let config = format!("route = \"{claim}\"\n");
        std::fs::write(host.folder().join("plugins/actor.toml"), config).expect("writable");
        host.drop_plugin("actor");
        let quoted = format!("{claim:?}");
        let says = eventually(claim, || {
            let plugin = actor(&host);
            let error = plugin["last_error"].as_str().unwrap_or("").to_owned();
            let right = plugin["state"] == "rejected" && error.contains(&quoted);
            right.then_some(error).ok_or(plugin.to_string())
        });
        // The SDK refuses an empty pattern before the host does.
        let why = if claim.is_empty() {
            "is not path segments"
        } else {
            "this path belongs to the host"
        };
        assert!(says.contains(why), "{claim}: {says}");
    }
    // What was refused is not linked, and the host still answers itself.
    assert_eq!(http::get(host.metrics(), "/token").status, 404);
    let document = http::get(host.metrics(), "/api-description");
    assert_eq!(document.json()["openapi"], "3.0.1");
}

#[test]
fn a_path_beside_a_protocol_of_the_host_leaves_the_protocol_alone() {
    let host = host("route = \"v1/metrics\"\ninference = true\n");
    let answer = http::post(host.inference(), "/v1/metrics", b"");
    assert_eq!((answer.status, answer.text()), (200, "ok".to_owned()));
    let answer = http::post(host.inference(), "/v1/metrics/echo", b"below");
    assert_eq!(answer.text(), "below");
    let answer = http::post(host.inference(), "/v1/models/noop:predict", b"{}");
    assert_eq!(answer.json()["type"], "ModelNotFoundException");
    let answer = http::get(host.inference(), "/v1/other");
    assert_eq!(answer.json()["type"], "ResourceNotFoundException");
    let plugin = actor(&host);
    assert_eq!(plugin["endpoints"][0]["path"], "/v1/metrics", "{plugin}");
}

#[test]
fn a_longer_pattern_of_another_plugin_has_room_below_a_shorter_one() {
    let host = host("route = \"metrics/job/{rest}\"\n");
    let answer = http::post(host.metrics(), "/metrics/job/echo", b"pushed");
    assert_eq!((answer.status, answer.text()), (200, "pushed".to_owned()));
    let put = http::request(host.metrics(), "PUT", "/metrics/job/x", &[], b"");
    let put = put.expect("an answer");
    assert_eq!(
        (put.status, put.header("allow")),
        (405, Some("GET, HEAD, POST"))
    );
    // The rest is still the page's.
    assert!(
        http::get(host.metrics(), "/metrics")
            .text()
            .contains("# TYPE ")
    );
    for path in ["/metrics/job", "/metrics/job/", "/metrics/other"] {
        let answer = http::get(host.metrics(), path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("plugin prometheus"), "{path}");
    }
    let page = host.scrape("/metrics");
    let labels = [
        ("listener", "metrics"),
        ("route", "/metrics/job/{rest}"),
        ("code", "2xx"),
    ];
    assert_eq!(
        page.value("meterbox_http_requests_total", &labels),
        Some(1.0)
    );
}

/// A client of the actor's live answer that has seen its first piece.
fn live(host: &Host) -> TcpStream {
    let mut client = TcpStream::connect(host.metrics()).expect("a connection");
    let patience = Some(Duration::from_secs(20));
    client.set_read_timeout(patience).expect("a socket");
    let request = b"GET /actor/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.write_all(request).expect("the request goes out");
    let mut begin = Vec::new();
    while !begin.ends_with(b"tick\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("the answer goes on");
        begin.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&begin);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        !head.contains("x-meterbox-live"),
        "it is for the host alone"
    );
    client
}

/// Reads to the last chunk, which is there only if the answer ended well; how long that took.
fn ends_well(client: &mut TcpStream) -> Duration {
    let begin = Instant::now();
    // What was read before ends with a chunk.
    let mut all = b"\r\n".to_vec();
    while !all.ends_with(b"\r\n0\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("an end, not a cut");
        all.push(byte[0]);
    }
    begin.elapsed()
}

#[test]
fn a_live_answer_ends_well_when_its_plugin_is_replaced_and_when_the_server_ends() {
    let mut host = host("");
    let mut client = live(&host);
    let reloaded = http::post(host.management(), "/plugins/actor/reload", b"");
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    let took = ends_well(&mut client);
    assert!(took < Duration::from_secs(2), "{took:?} after the reload");
    let mut client = live(&host);
    host.signal(rustix::process::Signal::TERM);
    let took = ends_well(&mut client);
    assert!(took < Duration::from_secs(2), "{took:?} after the signal");
    assert_eq!(host.wait().code(), Some(0));
}
