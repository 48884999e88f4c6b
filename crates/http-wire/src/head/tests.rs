use super::*;

const LIMITS: HeadLimits = HeadLimits {
    bytes: 32 * 1024,
    fields: 100,
    target_bytes: 8 * 1024,
};

fn read(head: &[u8]) -> Result<Option<Framing>, Refusal> {
    match end_of(head, &mut 0, &LIMITS)? {
        Some(end) => {
            assert_eq!(end, head.len(), "the whole text is one head");
            judge(head, &LIMITS).map(Some)
        }
        None => Ok(None),
    }
}

#[track_caller]
fn check(head: &str, expect: Result<Framing, Refusal>) {
    assert_eq!(read(head.as_bytes()), expect.map(Some), "{head:?}");
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost:8080\r\n{fields}\r\n")
}

#[test]
fn usual_heads_pass_with_their_framing() {
    let none = Ok(Framing::Length(0));
    check(&get("/ping", ""), none);
    check(
        &get(
            "/metrics?name[]=a&name%5B%5D=b",
            "Accept: */*\r\nX-Empty:\r\n",
        ),
        none,
    );
    check(
        &get("/models/a|b{c}", "Content-Length: 12\r\n"),
        Ok(Framing::Length(12)),
    );
    check(
        &get("/x", "Transfer-Encoding: Chunked\r\n"),
        Ok(Framing::Chunked),
    );
    check("GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", none);
    check("BREW /x HTTP/1.1\r\nHost: x\r\n\r\n", none);
    check(
        "GET http://LOCALHOST:80/ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
        none,
    );
    check("GET /ping HTTP/1.1\r\nHost: [::1]:8081\r\n\r\n", none);
    // Not refused here: it gets TorchServe's 403.
    check(&get("/predictions/noop%zz", ""), none);
    check(&get("/a..b/...", ""), none);
}

#[test]
fn what_hyper_lets_through_is_refused() {
    let te = |value: &str| get("/x", &format!("Transfer-Encoding: {value}\r\n"));
    check("GET /ping HTTP/1.1\r\n\r\n", Err(Refusal::NO_HOST));
    check(&get("/", "Host: localhost\r\n"), Err(Refusal::TWO_HOSTS));
    check(
        &get("/", "Content-Length: 5\r\nContent-Length: 5\r\n"),
        Err(Refusal::TWO_LENGTHS),
    );
    check(
        &get("/", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        Err(Refusal::LENGTH_AND_CODING),
    );
    check(&te("chunked, chunked"), Err(Refusal::CODING));
    check(
        &te("chunked\r\nTransfer-Encoding: chunked"),
        Err(Refusal::CODING),
    );
    check(&te("gzip, chunked"), Err(Refusal::CODING_UNKNOWN));
    check(&te("xchunked"), Err(Refusal::CODING));
    check(&te(""), Err(Refusal::CODING));
    check("get / HTTP/1.1\r\nHost: x\r\n\r\n", Err(Refusal::METHOD));
    check(&get("/a%00b", ""), Err(Refusal::NUL_IN_PATH));
    for path in ["/../etc", "/a/..", "/a/%2e%2E/b", "/.%2e"] {
        check(&get(path, ""), Err(Refusal::DOT_SEGMENT));
    }
    check(
        "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
        Err(Refusal::CONNECT),
    );
    check(
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        Err(Refusal::ASTERISK),
    );
    let other = "GET http://evil.example/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
    check(other, Err(Refusal::OTHER_AUTHORITY));
}

#[test]
fn what_hyper_and_nginx_accept_is_refused() {
    assert_eq!(
        read(b"GET / HTTP/1.1\nHost: x\n\n"),
        Err(Refusal::LINE_FEED)
    );
    assert_eq!(
        read(b"GET / HTTP/1.1\r\nHost: x\n\r\n"),
        Err(Refusal::LINE_FEED)
    );
    check(&get("/", "Content_Length: 5\r\n"), Err(Refusal::LOOK_ALIKE));
    check(
        &get("/", "transfer_encoding: chunked\r\n"),
        Err(Refusal::LOOK_ALIKE),
    );
    let high = b"GET / HTTP/1.1\r\nHost: x\r\nX: a\xffb\r\n\r\n";
    assert_eq!(read(high), Err(Refusal::FIELD_VALUE));
    check(&get("/", "X: a\r\n b\r\n"), Err(Refusal::FOLDED));
}

#[test]
fn malformed_heads_are_refused() {
    assert_eq!(
        read(b"GARBAGE\r\n\r\n"),
        Err(Refusal::MALFORMED),
        "as captured"
    );
    check(
        &get("/", "Content-Length: abc\r\n"),
        Err(Refusal::CONTENT_LENGTH),
    );
    for length in ["+5", "-1", "0x5", "5, 5", "5 5", "", "99999999999999999999"] {
        check(
            &get("/", &format!("Content-Length: {length}\r\n")),
            Err(Refusal::CONTENT_LENGTH),
        );
    }
    check(&get("/", "A b: c\r\n"), Err(Refusal::FIELD_NAME));
    check(&get("/", "Host : c\r\n"), Err(Refusal::FIELD_NAME));
    check(&get("/", ": c\r\n"), Err(Refusal::FIELD_NAME));
    check(&get("/", "no colon\r\n"), Err(Refusal::MALFORMED));
    check(&get("/", "X: a\rb\r\n"), Err(Refusal::FIELD_VALUE));
    check(&get("/", "X: a\0b\r\n"), Err(Refusal::FIELD_VALUE));
    check(&get("/a#b", ""), Err(Refusal::TARGET));
    check(&get("ping", ""), Err(Refusal::TARGET));
    check(&get("/a\tb", ""), Err(Refusal::TARGET));
    check(
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        Err(Refusal::MALFORMED),
    );
    check("GET / http/1.1\r\nHost: x\r\n\r\n", Err(Refusal::MALFORMED));
    check("PRI * HTTP/2.0\r\n\r\n", Err(Refusal::VERSION));
    check(
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        Err(Refusal::CODING),
    );
    for host in ["", "a b", "a@b", "a/b", "x:port", "[::1", "x:123456"] {
        check(
            &format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
            Err(Refusal::HOST),
        );
    }
}

#[test]
fn caps_hold_before_the_head_is_whole() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(8 * 1024));
    check(&long, Err(Refusal::URI_TOO_LONG));
    assert_eq!(read(&vec![b'A'; 9 * 1024]), Err(Refusal::URI_TOO_LONG));
    let just = format!(
        "GET /{} HTTP/1.1\r\nHost: x\r\n\r\n",
        "a".repeat(8 * 1024 - 1)
    );
    check(&just, Ok(Framing::Length(0)));
    check(&get("/", &"X: y\r\n".repeat(99)), Ok(Framing::Length(0)));
    check(
        &get("/", &"X: y\r\n".repeat(100)),
        Err(Refusal::TOO_MANY_FIELDS),
    );
    let field = format!("X: {}\r\n", "y".repeat(1000));
    let large = get("/", &field.repeat(40));
    check(&large, Err(Refusal::HEAD_TOO_LARGE));
    let unfinished = format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(33 * 1024));
    assert_eq!(read(unfinished.as_bytes()), Err(Refusal::HEAD_TOO_LARGE));
}

#[test]
fn a_head_that_comes_byte_by_byte_ends_where_it_ends_at_once() {
    let head = get("/ping", "Accept: */*\r\n");
    let mut scanned = 0;
    for end in 1..head.len() {
        assert_eq!(
            end_of(&head.as_bytes()[..end], &mut scanned, &LIMITS),
            Ok(None)
        );
    }
    assert_eq!(
        end_of(head.as_bytes(), &mut scanned, &LIMITS),
        Ok(Some(head.len()))
    );
}

#[test]
fn no_mutation_of_a_head_is_a_panic() {
    let head = get("/models/x?a=b", "Content-Length: 5\r\nX: y\r\n").into_bytes();
    for at in 0..head.len() {
        for byte in [0, b'\n', b'\r', b' ', b':', b'%', b'.', 0xff] {
            let mut mutated = head.clone();
            mutated[at] = byte;
            if let Ok(Some(end)) = end_of(&mutated, &mut 0, &LIMITS) {
                let _ = judge(&mutated[..end], &LIMITS);
            }
        }
    }
}
