//! Bodies: a request's is read whole under caps and timers, an answer's is handed out piece by piece.

use crate::account::Account;
use crate::link::Link;
use crate::stream::{BodyStream, BrokenOff};
use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use meterbox_config::HttpSettings;
use meterbox_http_wire::Refusal;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A body that is too large is read to its end, so that the connection can stay open, if it is at
/// most so many times the cap.
const DRAIN_FACTOR: u64 = 4;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// Larger than the cap; true if it was read to its end all the same.
    TooLarge(bool),
    /// It came too slowly.
    TooSlow,
    /// It broke a rule.
    Refused(Refusal),
    /// The client left.
    Gone,
}

/// Reads a body to its end.
pub(crate) async fn read(
    mut body: Incoming,
    limits: &HttpSettings,
    link: &Link,
) -> Result<Bytes, BodyFault> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let cap = limits.request_bytes_max;
    let drain_max = cap.saturating_mul(DRAIN_FACTOR);
    if body.size_hint().lower() > drain_max {
        return Err(BodyFault::TooLarge(false));
    }
    let too_large = body.size_hint().lower() > cap;
    let mut whole = Whole {
        first: Bytes::new(),
        rest: BytesMut::new(),
        length: 0,
    };
    let begin = Instant::now();
    loop {
        let piece = match next(&mut body, begin, whole.length, limits).await? {
            None => break,
            Some(Ok(piece)) => piece,
            Some(Err(error)) => return Err(fault(&error, link)),
        };
        whole.length += piece.len() as u64;
        if whole.length > drain_max {
            return Err(BodyFault::TooLarge(false));
        }
        if whole.length <= cap && !too_large {
            whole.push(piece);
        }
    }
    if too_large || whole.length > cap {
        return Err(BodyFault::TooLarge(true));
    }
    Ok(whole.done())
}

/// The bytes so far; one piece is passed on as it is.
struct Whole {
    first: Bytes,
    rest: BytesMut,
    length: u64,
}

impl Whole {
    fn push(&mut self, piece: Bytes) {
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = piece;
            return;
        }
        if !self.first.is_empty() {
            self.rest
                .extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.rest.extend_from_slice(&piece);
    }

    fn done(self) -> Bytes {
        if self.rest.is_empty() {
            self.first
        } else {
            self.rest.freeze()
        }
    }
}

fn fault(error: &hyper::Error, link: &Link) -> BodyFault {
    match link.refusal() {
        Some(refusal) => BodyFault::Refused(refusal),
        None if error.is_incomplete_message() || error.is_canceled() => BodyFault::Gone,
        None => BodyFault::Refused(Refusal::MALFORMED),
    }
}

/// The next piece of data; none at the end.
async fn next(
    body: &mut Incoming,
    begin: Instant,
    received: u64,
    limits: &HttpSettings,
) -> Result<Option<Result<Bytes, hyper::Error>>, BodyFault> {
    loop {
        let until = tokio::time::Instant::from_std(begin + allowed(received, limits));
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
        let frame = tokio::time::timeout_at(until, frame);
        let frame = frame.await.map_err(|_| BodyFault::TooSlow)?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Ok(Some(Err(error))),
            Some(Ok(frame)) => {
                // Trailer fields are of no interest.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(Ok(data)));
                }
            }
        }
    }
}

/// How long after its begin a body of which so much has come may keep us waiting for more.
fn allowed(received: u64, limits: &HttpSettings) -> Duration {
    let at_rate = received
        .saturating_mul(1000)
        .checked_div(limits.body_rate_min);
    let by_rate = at_rate.map(|ms| limits.body_grace.saturating_add(Duration::from_millis(ms)));
    by_rate.map_or(limits.body_timeout, |by_rate| {
        by_rate.min(limits.body_timeout)
    })
}

/// The body of an answer on its way to hyper.
pub(crate) struct Payload {
    pub(crate) content: Content,
    /// Dropped with the payload: the answer is finished then, or given up.
    pub(crate) account: Account,
}

/// What it consists of.
pub(crate) enum Content {
    /// All of it.
    Ready(Bytes),
    /// It comes piece by piece.
    Stream(BodyStream),
}

impl http_body::Body for Payload {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let payload = &mut *self;
        let piece = match &mut payload.content {
            Content::Ready(bytes) if bytes.is_empty() => return Poll::Ready(None),
            Content::Ready(bytes) => Some(Ok(std::mem::take(bytes))),
            Content::Stream(stream) if stream.is_live() && payload.account.is_draining() => {
                return Poll::Ready(None);
            }
            Content::Stream(stream) => match stream.poll_piece(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(piece) => piece,
            },
        };
        if let Some(Ok(piece)) = &piece {
            payload.account.sent(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Ready(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Ready(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(stream) => stream
                .length()
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_config::Settings;

    #[test]
    fn a_body_has_its_grace_then_a_rate_then_an_end() {
        let limits = Settings::defaults().http;
        let seconds = |received| allowed(received, &limits).as_secs_f64();
        assert_eq!(seconds(0), 5.0);
        assert_eq!(seconds(10 * 1024), 15.0);
        assert_eq!(seconds(1 << 40), limits.body_timeout.as_secs_f64());
        let any = HttpSettings {
            body_rate_min: 0,
            ..limits
        };
        assert_eq!(allowed(0, &any), any.body_timeout);
    }

    #[test]
    fn one_piece_is_not_copied_and_several_are_joined() {
        let piece = Bytes::from_static(b"abc");
        let mut whole = Whole {
            first: Bytes::new(),
            rest: BytesMut::new(),
            length: 0,
        };
        whole.push(piece.clone());
        assert_eq!(whole.first.as_ptr(), piece.as_ptr());
        whole.push(piece.clone());
        whole.push(piece);
        assert_eq!(whole.done(), "abcabcabc");
    }
}
