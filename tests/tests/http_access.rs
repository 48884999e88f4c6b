//! Who may ask for what: names of the host, pages of other sites, wrong methods, tokens.
//!
//! Token answers are those of TorchServe 0.12; the rules for Host and Origin are ours.

use meterbox_tests::Host;
use meterbox_tests::http::{self, raw};
use std::net::SocketAddr;

const HEALTHY: &str = "{\n  \"status\": \"Healthy\"\n}\n";

fn error(code: u16, class: &str, message: &str) -> String {
    format!("{{\n  \"code\": {code},\n  \"type\": \"{class}\",\n  \"message\": \"{message}\"\n}}\n")
}

#[test]
fn a_loopback_listener_answers_only_to_its_own_names() {
    let host = Host::builder().line("allowed_hosts=meter.example").start();
    let table = [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:8081", 200),
        ("meter.example", 200),
        ("Meter.Example:8080", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.2", 421),
        ("[::2]:8080", 421),
    ];
    for (name, status) in table {
        for address in [host.inference(), host.management(), host.metrics()] {
            let request =
                format!("GET /ping HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
            let bytes = raw::exchange(address, request.as_bytes()).expect("an answer");
            let answer = raw::answer(&bytes).expect("an answer");
            assert_eq!(answer.status, status, "{name}: {}", answer.text());
        }
    }
}

#[test]
fn pages_of_other_sites_may_ask_but_not_change() {
    let host = Host::builder().start();
    let management = host.management();
    let own = format!("http://{management}");
    let cases: &[(&str, &str, bool)] = &[
        ("Accept", "*/*", true),
        ("Origin", &own, true),
        ("Sec-Fetch-Site", "same-origin", true),
        ("Sec-Fetch-Site", "none", true),
        ("Origin", "http://evil.example", false),
        ("Origin", "http://127.0.0.1:1", false),
        ("Origin", "null", false),
        ("Sec-Fetch-Site", "cross-site", false),
        ("Sec-Fetch-Site", "same-site", false),
    ];
    for (name, value, allowed) in cases {
        let ask = |method, path| {
            let headers = [(*name, *value)];
            http::request(management, method, path, &headers, &[]).expect("an answer")
        };
        for (method, path) in [
            ("POST", "/models?url=nosuch.mar"),
            ("PUT", "/models/nosuch?min_worker=1"),
            ("DELETE", "/models/nosuch"),
        ] {
            let answer = ask(method, path);
            // Nothing of these names is there, which is found out after the rule is judged.
            let status = if *allowed { 404 } else { 403 };
            assert_eq!(answer.status, status, "{method} with {name}: {value}");
            if !allowed {
                assert_eq!(answer.json()["type"], "ForeignOriginException");
            }
        }
        let answer = ask("GET", "/models");
        assert_eq!(answer.status, 200, "GET with {name}: {value}");
        let foreign = answer.header("access-control-allow-origin");
        assert_eq!(foreign, None, "no other site may read it");
    }
}

#[test]
fn a_wrong_method_is_told_which_are_right() {
    let host = Host::start(&[]);
    let table = [
        (host.management(), "PUT", "/models", "GET, POST"),
        (host.metrics(), "DELETE", "/metrics", "GET, HEAD, POST"),
        (host.management(), "POST", "/-/ready", "GET, HEAD"),
    ];
    for (address, method, path, allow) in table {
        let answer = http::request(address, method, path, &[], &[]).expect("an answer");
        assert_eq!(answer.status, 405, "{method} {path}");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert_eq!(
            answer.text(),
            error(
                405,
                "MethodNotAllowedException",
                "Requested method is not allowed, please refer to API document."
            )
        );
    }
}

/// The keys of a host that asks for tokens: management, inference, API.
fn keys(host: &Host) -> [String; 3] {
    let text = std::fs::read_to_string(host.folder().join("key_file.json")).expect("a key file");
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    ["management", "inference", "API"].map(|kind| {
        let key = file[kind]["key"].as_str();
        key.unwrap_or_else(|| panic!("no {kind} key")).to_owned()
    })
}

#[test]
fn tokens_guard_both_apis_and_never_the_metrics() {
    let host = Host::builder()
        .plugin("prometheus")
        .line("disable_token_authorization=false")
        .line("enable_model_api=false")
        .start();
    let [management, inference, api] = keys(&host);
    let denied = |what: &str| {
        let message = format!(
            "Token {what} failed. Token either incorrect, expired, or not provided correctly"
        );
        error(400, "InvalidKeyException", &message)
    };
    let authorization = denied("Authorization");
    let empty = "{\n  \"models\": []\n}\n";
    let table: &[(SocketAddr, &str, &str, u16, &str)] = &[
        (host.inference(), "/ping", "", 400, &authorization),
        (host.inference(), "/ping", &inference, 200, HEALTHY),
        (host.inference(), "/ping", &management, 400, &authorization),
        (host.management(), "/models", "", 400, &authorization),
        (host.management(), "/models", "wrong", 400, &authorization),
        (host.management(), "/models", &management, 200, empty),
        (
            host.management(),
            "/token?type=inference",
            "",
            400,
            &denied("Authentication"),
        ),
        (host.management(), "/token?type=inference", &api, 200, "\n"),
        (host.inference(), "/ping", &inference, 400, &authorization),
    ];
    let ask = |address, method, path, token: &str| {
        let value = format!("Bearer {token}");
        let headers = [("Authorization", value.as_str())];
        let headers = if token.is_empty() { &[][..] } else { &headers };
        http::request(address, method, path, headers, &[]).expect("an answer")
    };
    for (address, path, token, status, body) in table {
        let answer = ask(*address, "GET", path, token);
        let found = (answer.status, answer.text());
        assert_eq!(
            found,
            (*status, (*body).to_owned()),
            "{path} with {token:?}"
        );
    }
    let renewed = &keys(&host)[1];
    assert_ne!(renewed, &inference, "the old key was replaced");
    let answer = ask(host.inference(), "GET", "/ping", renewed);
    assert_eq!(answer.text(), HEALTHY);
    assert_eq!(http::get(host.metrics(), "/metrics").status, 200);
    let path = "/models?url=noop.mar";
    let answer = ask(host.management(), "POST", path, &management);
    assert_eq!(answer.status, 405, "the model API is off");
    for secret in [&management, &inference, &api, renewed] {
        assert!(!host.output().contains(secret.as_str()), "a key in the log");
    }
}
