use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(30);

fn push(address: SocketAddr) -> Outgoing {
    Outgoing {
        method: Method::POST,
        uri: format!("http://{address}/write").parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"a 1\n"),
    }
}

fn nowhere() -> OwnPlaces {
    Arc::new(Vec::new)
}

/// Answers each request on each connection with the next of `answers`; closes the connection after one
/// that ends in `!`. Gives the number of connections at the end.
async fn receiver(answers: &'static [&'static str]) -> (SocketAddr, tokio::task::JoinHandle<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut answers = answers.iter();
        let mut connections = 0;
        let mut next = answers.next();
        while next.is_some() {
            let (mut stream, _) = listener.accept().await.unwrap();
            connections += 1;
            while let Some(answer) = next {
                let mut seen = Vec::new();
                while !seen.ends_with(b"a 1\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).await.unwrap() == 0 {
                        break;
                    }
                    seen.push(byte[0]);
                }
                if seen.is_empty() {
                    break;
                }
                let text = answer.trim_end_matches('!');
                stream.write_all(text.as_bytes()).await.unwrap();
                next = answers.next();
                if text != *answer {
                    break;
                }
            }
        }
        connections
    });
    (address, serving)
}

const DONE: &str = "HTTP/1.1 204 Done\r\n\r\n";

#[tokio::test]
async fn a_connection_is_used_again_and_one_that_was_closed_is_not() {
    let answers = [DONE, DONE, "HTTP/1.1 204 Done\r\n\r\n!", DONE];
    let (address, serving) = receiver(Box::leak(Box::new(answers))).await;
    let mut client = Client::new(nowhere());
    for _ in 0..4 {
        let received = client.send(&push(address), LIMIT).await.unwrap();
        assert_eq!(received.status, 204);
    }
    assert_eq!(serving.await.unwrap(), 2);
}

#[tokio::test]
async fn status_body_and_retry_after_come_back() {
    let answer = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater";
    let (address, _serving) = receiver(Box::leak(Box::new([answer]))).await;
    let received = Client::new(nowhere())
        .send(&push(address), LIMIT)
        .await
        .unwrap();
    let retry_after = received.retry_after.as_deref();
    assert_eq!((received.status, retry_after), (503, Some("7")));
    assert_eq!(&received.body[..], b"later");
}

#[tokio::test]
async fn of_a_long_answer_only_the_begin_is_read() {
    let long = format!(
        "HTTP/1.1 200 Fine\r\nContent-Length: 1000000000\r\n\r\n{}",
        "x".repeat(2 * ANSWER_BYTES_MAX)
    );
    let answers: &'static [&'static str] =
        Box::leak(Box::new([&*Box::leak(long.into_boxed_str())]));
    let (address, _serving) = receiver(answers).await;
    let received = Client::new(nowhere())
        .send(&push(address), LIMIT)
        .await
        .unwrap();
    assert_eq!(
        (received.status, received.body.len()),
        (200, ANSWER_BYTES_MAX)
    );
}

#[tokio::test]
async fn the_servers_own_port_is_refused_before_anything_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own: OwnPlaces = Arc::new(move || vec![address]);
    let named = Outgoing {
        uri: format!("http://localhost:{}/", address.port())
            .parse()
            .unwrap(),
        ..push(address)
    };
    let mut client = Client::new(own);
    let refused = client.send(&push(address), LIMIT).await;
    assert!(
        matches!(refused, Err(SendError::OwnListener)),
        "{refused:?}"
    );
    let refused = client.send(&named, LIMIT).await;
    // The name may mean ::1 alone, where nobody listens.
    assert!(
        matches!(refused, Err(SendError::OwnListener | SendError::Connect(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn silence_ends_with_the_limit_and_garbage_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let short = Duration::from_millis(50);
    let silence = Client::new(nowhere()).send(&push(address), short).await;
    assert!(matches!(silence, Err(SendError::Timeout(limit)) if limit == short));

    let (address, _serving) = receiver(&["no HTTP at all\r\n\r\n!"]).await;
    let garbage = Client::new(nowhere()).send(&push(address), LIMIT).await;
    assert!(matches!(garbage, Err(SendError::Broken(_))), "{garbage:?}");

    drop(listener);
    let gone = Client::new(nowhere()).send(&push(address), LIMIT).await;
    assert!(gone.is_err(), "{gone:?}");
}
