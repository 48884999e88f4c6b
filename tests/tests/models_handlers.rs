//! What a handler sees of a request and what the client gets of its answer, as TorchServe 0.12 does.

use meterbox_tests::Host;
use meterbox_tests::http::{self, Answer, raw};
use std::net::SocketAddr;

const FORM: &str = "application/x-www-form-urlencoded";

/// Sends bytes as curl would and takes the answer apart.
#[track_caller]
fn curl_like(at: SocketAddr, method: &str, path: &str, kind: &str, body: &str) -> Answer {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
    );
    if !kind.is_empty() {
        let length = body.len();
        head.push_str(&format!(
            "Content-Length: {length}\r\nContent-Type: {kind}\r\n"
        ));
    }
    // The second request only ends the connection, so that reading to its end works.
    let bytes = format!(
        "{head}\r\n{body}GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    let bytes = raw::exchange(at, bytes.as_bytes()).expect("an answer");
    raw::answer(&bytes).expect("an HTTP answer")
}

/// The text of `row` and `row_types` for inputs with their content types, as the echo model prints.
#[test]
fn a_handler_sees_what_torchserve_shows_it() {
    let host = Host::builder().start();
    host.serve_model("echo.mar", 1);
    let at = host.inference();
    let boundary = "------------------------6a6210a166f498b4";
    let multipart = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: text/plain\r\n\r\n\
         hello\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"j\"\r\n\
         Content-Type: application/json\r\n\r\n{{\"k\":1}}\r\n--{boundary}--\r\n"
    );
    let multipart_kind = format!("multipart/form-data; boundary={boundary}");
    // method, path, content type, body, row, row types, headers before and after the request's own
    let predict = "/predictions/echo";
    let table = [
        (
            "GET",
            "/predictions/echo?a=1&b=two%20words&a=2",
            "",
            "",
            r#"{"body":{"bytes":""}}"#,
            r#"{"body":"bytearray"}"#,
            r#"{"body":{"content-type":""},"explain":"False","content-length":"0","#,
            Some(""),
        ),
        (
            "POST",
            predict,
            "text/plain",
            "hello",
            r#"{"body":"hello"}"#,
            r#"{"body":"str"}"#,
            r#"{"body":{"content-type":"text/plain"},"explain":"False","#,
            Some(""),
        ),
        (
            "POST",
            predict,
            "application/json",
            r#"{"a":[1,2]}"#,
            r#"{"body":{"a":[1,2]}}"#,
            r#"{"body":"dict"}"#,
            r#"{"body":{"content-type":"application/json"},"explain":"False","#,
            Some(""),
        ),
        (
            "POST",
            predict,
            FORM,
            "a=1&b=two",
            r#"{"a":{"bytes":"1"},"b":{"bytes":"two"}}"#,
            r#"{"a":"bytearray","b":"bytearray"}"#,
            r#"{"a":{"content-type":""},"b":{"content-type":""},"explain":"False","#,
            Some(""),
        ),
        (
            "POST",
            predict,
            &multipart_kind,
            &multipart,
            r#"{"data":{"bytes":"hello"},"j":{"bytes":"{\"k\":1}"}}"#,
            r#"{"data":"bytearray","j":"bytearray"}"#,
            r#"{"data":{"content-type":""},"j":{"content-type":""},"explain":"False","#,
            Some(""),
        ),
        (
            "POST",
            "/models/echo/invoke?q=1",
            FORM,
            "hello",
            r#"{"q":{"bytes":"1"}}"#,
            r#"{"q":"bytearray"}"#,
            r#"{"q":{"content-type":""},"#,
            None,
        ),
        (
            "POST",
            "/predictions/echo/1.0/more/path?q=1",
            FORM,
            "hello",
            "{}",
            "{}",
            r#"{"explain":"False","#,
            Some("more/path"),
        ),
    ];
    for (method, path, kind, body, row, types, first, url_path) in table {
        let answer = curl_like(at, method, path, kind, body);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        let mut headers =
            format!(r#"{first}"Accept":"*/*","User-Agent":"curl/7.88.1","Host":"localhost:8080""#);
        if !kind.is_empty() {
            let length = body.len();
            headers.push_str(&format!(
                r#","Content-Length":"{length}","Content-Type":"{kind}""#
            ));
        }
        if let Some(url_path) = url_path {
            headers.push_str(&format!(r#","url_path":"{url_path}""#));
        }
        let compact = format!(
            r#"{{"batch_len":1,"row":{row},"row_types":{types},"request_id_seen":true,"headers":{headers}}}}}"#
        );
        assert_eq!(answer.text(), indented(&compact), "{method} {path} {kind}");
    }
}

/// Compact JSON as `json.dumps(..., indent=2)` of Python lays it out.
fn indented(compact: &str) -> String {
    let mut text = String::new();
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let break_line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    for (at, letter) in compact.char_indices() {
        let empty = compact[at + letter.len_utf8()..].starts_with(['}', ']']);
        match letter {
            _ if quoted => {
                text.push(letter);
                quoted = letter != '"' || escaped;
                escaped = letter == '\\' && !escaped;
            }
            '{' | '[' if empty => text.push(letter),
            '{' | '[' => {
                text.push(letter);
                depth += 1;
                break_line(&mut text, depth);
            }
            '}' | ']' if text.ends_with(['{', '[']) => text.push(letter),
            '}' | ']' => {
                depth -= 1;
                break_line(&mut text, depth);
                text.push(letter);
            }
            ',' => {
                text.push(letter);
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => {
                quoted = letter == '"';
                text.push(letter);
            }
        }
    }
    text
}

fn error_body(code: u16, message: &str) -> String {
    format!(
        "{{\n  \"code\": {code},\n  \"type\": \"InternalServerException\",\n  \"message\": \"{message}\"\n}}\n"
    )
}

#[test]
fn a_client_gets_what_torchserve_makes_of_an_answer() {
    let host = Host::builder().start();
    host.serve_model("modes.mar", 1);
    let dict = "{\n  \"b\": 1,\n  \"a\": [\n    1,\n    2.5,\n    null,\n    true\n  ],\n  \"u\": \"\\u00e9\"\n}";
    let failed = [
        (
            "set",
            503,
            "Service Unavailable",
            "Unsupported model output data type.",
        ),
        ("raise", 503, "Service Unavailable", "Prediction failed"),
        (
            "notlist",
            503,
            "Service Unavailable",
            "Invalid model predict output",
        ),
        (
            "predexc",
            551,
            "Server Error (551)",
            "custom prediction error",
        ),
        ("predexc400", 400, "Bad Request", "bad input here"),
        ("memerr", 507, "Insufficient Storage", "Out of resources"),
        ("exit", 500, "Internal Server Error", "Worker died."),
    ]
    .map(|(mode, code, reason, message)| {
        (
            mode,
            code,
            reason,
            Some("application/json"),
            error_body(code, message),
            "close",
        )
    });
    let answered = [
        ("str", "OK".to_owned()),
        ("bytes", "\u{0}\u{1}raw".to_owned()),
        ("dict", dict.to_owned()),
        ("int", "7".to_owned()),
        ("none", "null".to_owned()),
        ("hdr", "hdr body".to_owned()),
    ]
    .map(|(mode, body)| (mode, 200, "", None, body, "keep-alive"));
    let json = (
        "ctype",
        200,
        "",
        Some("application/json"),
        "{\"x\":1}".to_owned(),
        "keep-alive",
    );
    let teapot = (
        "status",
        418,
        "teapot",
        None,
        "status body".to_owned(),
        "close",
    );
    let rows = answered.into_iter().chain([json, teapot]).chain(failed);
    for (mode, code, reason, kind, body, connection) in rows {
        let answer = curl_like(
            host.inference(),
            "POST",
            "/predictions/modes",
            FORM,
            &format!("mode={mode}"),
        );
        let seen = (answer.status, answer.reason.as_str(), answer.text());
        assert_eq!(seen, (code, reason, body), "{mode}");
        assert_eq!(answer.header("content-type"), kind, "{mode}");
        assert_eq!(answer.header("connection"), Some(connection), "{mode}");
        assert_eq!(answer.header("pragma"), Some("no-cache"), "{mode}");
        let no_store = "no-cache; no-store, must-revalidate, private";
        assert_eq!(answer.header("cache-control"), Some(no_store), "{mode}");
        let from_handler = (mode == "hdr").then_some("yes");
        assert_eq!(answer.header("x-from-handler"), from_handler, "{mode}");
    }
    let next = http::request(
        host.inference(),
        "POST",
        "/predictions/modes",
        &[("Content-Type", FORM)],
        b"mode=str",
    )
    .expect("an answer");
    assert_eq!(
        (next.status, next.text()),
        (200, "OK".to_owned()),
        "the worker is back"
    );
}

#[test]
fn a_streaming_handler_sends_each_part_as_a_chunk() {
    let host = Host::builder().start();
    host.serve_model("modes.mar", 1);
    let request = format!(
        "POST /predictions/modes HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n\
         Connection: close\r\nContent-Length: 11\r\n\r\nmode=stream"
    );
    let bytes = raw::exchange(host.inference(), request.as_bytes()).expect("an answer");
    let text = String::from_utf8(bytes.clone()).expect("text");
    let chunks = "\r\n\r\n6\r\npart0 \r\n6\r\npart1 \r\n6\r\npart2 \r\n4\r\nlast\r\n0\r\n\r\n";
    assert!(text.ends_with(chunks), "{text}");
    let answer = raw::answer(&bytes).expect("an HTTP answer");
    assert_eq!(answer.header("ts_stream_next"), Some("true"));
    assert_eq!(answer.header("content-length"), None);
}
