//! From a worker's answer to the client's: status, phrase, headers and content type as the handler set
//! them; our own headers win where both have one.
//!
//! **Source:** TorchServe 0.12, where an answer without a phrase has an empty one.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use meterbox_http::{ApiError, BodySource, BodyStream, BrokenOff, Class, Outcome, Reply};
use meterbox_models::wire::Prediction;
use meterbox_models::{JobAnswer, JobFailure, Part};
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// Headers that frame an answer or a connection: the server's own business.
const OURS: [&str; 8] = [
    "connection",
    "content-length",
    "content-type",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The client's answer.
pub(in crate::api) fn reply(answer: JobAnswer) -> Outcome {
    match answer {
        JobAnswer::Whole(mut prediction) => {
            let body = std::mem::take(&mut prediction.body);
            Ok(dressed(Reply::bytes(body), &prediction))
        }
        JobAnswer::Stream(mut first, parts) => {
            let begin = std::mem::take(&mut first.body);
            let stream = BodyStream::new(Parts { begin, parts }, None);
            Ok(dressed(Reply::stream(stream), &first))
        }
        JobAnswer::Failed(failure) => failed(&failure),
    }
}

/// Part after part of a worker's answer. If the worker breaks off, so does the answer.
struct Parts {
    /// What came with the head.
    begin: Bytes,
    parts: mpsc::Receiver<Part>,
}

impl BodySource for Parts {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        let mut next = std::mem::take(&mut self.begin);
        while next.is_empty() {
            next = match ready!(self.parts.poll_recv(cx)) {
                Some(Part::Body(bytes)) => bytes,
                Some(Part::End) => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(BrokenOff))),
            };
        }
        Poll::Ready(Some(Ok(next)))
    }
}

fn dressed(reply: Reply, prediction: &Prediction) -> Reply {
    let status = u16::try_from(prediction.status).unwrap_or(500);
    let mut reply = reply.with_status(status).with_phrase(&prediction.phrase);
    if let Ok(content_type) = HeaderValue::from_str(&prediction.content_type)
        && !prediction.content_type.is_empty()
    {
        reply = reply.with_type(content_type);
    }
    for (name, value) in &prediction.headers {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value))
        else {
            tracing::debug!(target: "model", "a handler's header {name:?} cannot be sent");
            continue;
        };
        if !OURS.contains(&name.as_str()) {
            reply = reply.with_header(name, value);
        }
    }
    reply
}

/// A failure of the worker. Codes that HTTP has no words for get Netty's.
fn failed(failure: &JobFailure) -> Outcome {
    let error = ApiError::new(Class::INTERNAL_SERVER, &failure.message).with_status(failure.code);
    let status = error.status();
    let known = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    if known.is_some() {
        return Err(error);
    }
    let kind = if status < 500 { "Client" } else { "Server" };
    Ok(error
        .into_reply()
        .with_phrase(&format!("{kind} Error ({status})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction() -> Prediction {
        Prediction {
            id: String::new(),
            content_type: String::new(),
            status: 200,
            phrase: String::new(),
            headers: Vec::new(),
            body: Bytes::from_static(b"OK"),
        }
    }

    #[test]
    fn an_answer_has_only_what_the_handler_set() {
        let plain = reply(JobAnswer::Whole(prediction())).unwrap();
        assert_eq!(
            (plain.status(), plain.body_bytes()),
            (200, Some(&b"OK"[..]))
        );
        assert!(plain.header("content-type").is_none());
        let set = Prediction {
            status: 418,
            content_type: "application/json".to_owned(),
            headers: [
                ("X-A", "b"),
                ("Content-Length", "9"),
                ("bad name", "x"),
                ("x-b", "a\nb"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            ..prediction()
        };
        let set = reply(JobAnswer::Whole(set)).unwrap();
        assert_eq!(
            (set.status(), set.header("x-a").unwrap()),
            (418, &HeaderValue::from_static("b"))
        );
        assert_eq!(set.header("content-type").unwrap(), "application/json");
        assert!(set.header("content-length").is_none() && set.header("x-b").is_none());
    }

    #[test]
    fn failures_carry_the_code_that_the_handler_chose() {
        let failure = |code, message: &str| {
            reply(JobAnswer::Failed(JobFailure {
                code,
                message: message.to_owned(),
            }))
        };
        let error = failure(503, "Prediction failed").unwrap_err();
        assert_eq!(
            (error.status(), error.kind()),
            (503, "InternalServerException")
        );
        let custom = failure(551, "custom prediction error").unwrap();
        assert_eq!(custom.status(), 551);
        let text = "{\n  \"code\": 551,\n  \"type\": \"InternalServerException\",\n  \
                    \"message\": \"custom prediction error\"\n}\n";
        assert_eq!(custom.body_bytes(), Some(text.as_bytes()));
        assert_eq!(failure(7, "nonsense").unwrap_err().status(), 500);
    }

    #[tokio::test]
    async fn a_stream_ends_well_only_if_the_worker_ended_it() {
        for (last, whole) in [(Some(Part::End), true), (None, false)] {
            let (sender, receiver) = mpsc::channel(4);
            sender
                .send(Part::Body(Bytes::from_static(b"b")))
                .await
                .unwrap();
            if let Some(last) = last {
                sender.send(last).await.unwrap();
            }
            drop(sender);
            let begin = Bytes::from_static(b"a");
            let parts = receiver;
            let mut stream = BodyStream::new(Parts { begin, parts }, None);
            let mut pieces = Vec::new();
            while let Some(piece) = std::future::poll_fn(|cx| stream.poll_piece(cx)).await {
                pieces.push(piece.map(|bytes| bytes.to_vec()));
                if pieces.last().is_some_and(Result::is_err) {
                    break;
                }
            }
            assert_eq!(pieces[..2], [Ok(b"a".to_vec()), Ok(b"b".to_vec())]);
            assert_eq!(pieces.len() == 2, whole);
        }
    }
}
