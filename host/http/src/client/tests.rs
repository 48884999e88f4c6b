//! The client against receivers on loopback: what comes back, what is kept, what is refused.

use super::*;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

mod tls;

const LIMIT: Duration = Duration::from_secs(30);
const BYTES_MAX: usize = 64 << 10;

fn push(address: SocketAddr) -> Outgoing {
    to(&format!("http://{address}/write"))
}

fn to(uri: &str) -> Outgoing {
    Outgoing {
        method: Method::POST,
        uri: uri.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"a 1\n"),
    }
}

fn client() -> Client {
    Client::new(Arc::new(Vec::new), Trust::default(), BYTES_MAX)
}

/// Reads one push; false once the other end is closed.
async fn read_push(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"a 1\n") {
        match stream.read(&mut byte).await {
            Ok(1) => seen.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// Answers pushes with one answer after the other; false after one that ends in `!`, which asks to
/// close the connection.
async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    answers: &mut impl Iterator<Item = String>,
) -> Option<()> {
    while read_push(stream).await {
        let answer = answers.next()?;
        let text = answer.trim_end_matches('!');
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if text != answer {
            return Some(());
        }
    }
    Some(())
}

/// A receiver with prepared answers; gives the number of connections once it is out of them.
async fn receiver(answers: &[&str]) -> (SocketAddr, tokio::task::JoinHandle<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers: Vec<String> = answers.iter().map(ToString::to_string).collect();
    let serving = tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        let mut connections = 0;
        while answers.peek().is_some() {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections += 1;
            answer(&mut stream, &mut answers).await;
        }
        connections
    });
    (address, serving)
}

const DONE: &str = "HTTP/1.1 204 Done\r\n\r\n";

#[tokio::test]
async fn a_connection_is_used_again_and_one_that_was_closed_is_not() {
    let (address, serving) = receiver(&[DONE, DONE, "HTTP/1.1 204 Done\r\n\r\n!", DONE]).await;
    let mut client = client();
    for _ in 0..4 {
        let received = client.send(&push(address), LIMIT).await.unwrap();
        assert_eq!((received.status, received.reason.as_str()), (204, "Done"));
    }
    drop(client);
    assert_eq!(serving.await.unwrap(), 2);
}

#[tokio::test]
async fn status_body_and_headers_come_back() {
    let answer = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater";
    let (address, _serving) = receiver(&[answer]).await;
    let received = client().send(&push(address), LIMIT).await.unwrap();
    assert_eq!(received.status, 503);
    assert_eq!(received.headers[RETRY_AFTER], "7");
    assert_eq!(
        (&received.body[..], received.complete),
        (&b"later"[..], true)
    );
}

#[tokio::test]
async fn of_a_long_answer_only_the_begin_is_read() {
    let long = format!(
        "HTTP/1.1 200 Fine\r\nContent-Length: 1000000000\r\n\r\n{}",
        "x".repeat(2 * BYTES_MAX)
    );
    let (address, _serving) = receiver(&[&long]).await;
    let received = client().send(&push(address), LIMIT).await.unwrap();
    assert_eq!((received.status, received.body.len()), (200, BYTES_MAX));
    assert!(!received.complete);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    for half in [
        "HTTP/1.1 200 OK\r\n!",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort!",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab!",
    ] {
        let (address, _serving) = receiver(&[half]).await;
        let answer = client().send(&push(address), LIMIT).await;
        assert!(matches!(answer, Err(SendError::Broken(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn the_servers_own_port_is_refused_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own: OwnPlaces = Arc::new(move || vec![address]);
    let mut client = Client::new(own, Trust::default(), BYTES_MAX);
    for scheme in ["http", "https"] {
        let push = to(&format!("{scheme}://{address}/"));
        let refused = client.send(&push, LIMIT).await;
        assert!(
            matches!(refused, Err(SendError::OwnListener)),
            "{refused:?}"
        );
        let named = to(&format!("{scheme}://localhost:{}/", address.port()));
        let refused = client.send(&named, LIMIT).await;
        // The name may mean ::1 alone, where nobody listens.
        assert!(
            matches!(refused, Err(SendError::OwnListener | SendError::Connect(_))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn silence_ends_with_the_limit_and_garbage_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let short = Duration::from_millis(50);
    let silence = client().send(&push(address), short).await;
    assert!(matches!(silence, Err(SendError::Timeout(limit)) if limit == short));

    let (address, _serving) = receiver(&["no HTTP at all\r\n\r\n!"]).await;
    let garbage = client().send(&push(address), LIMIT).await;
    assert!(matches!(garbage, Err(SendError::Broken(_))), "{garbage:?}");

    drop(listener);
    let gone = client().send(&push(address), LIMIT).await;
    assert!(gone.is_err(), "{gone:?}");
}
