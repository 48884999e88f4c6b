//! A body that is sent while it comes: whatever makes it is polled by the connection itself.
//!
//! A body that breaks off, or is not as long as was announced, breaks the connection off, so that
//! nobody takes half a body for a whole one. How much may wait is the source's affair.

use bytes::Bytes;
use std::fmt;
use std::task::{Context, Poll, ready};

/// The body broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off before its end")]
pub struct BrokenOff;

/// What a body comes from. Dropping it says that nobody reads any more.
pub trait BodySource: Send + 'static {
    /// The next piece; none at the end, after which it is not asked again.
    ///
    /// # Errors
    /// [`BrokenOff`]: there will be no more.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>>;
}

/// A body on its way.
pub struct BodyStream {
    source: Box<dyn BodySource>,
    /// What is still to come if the length is known.
    left: Option<u64>,
    live: bool,
}

impl BodyStream {
    /// What comes from `source`. `length` is announced if it is known.
    pub fn new(source: impl BodySource, length: Option<u64>) -> Self {
        Self {
            source: Box::new(source),
            left: length,
            live: false,
        }
    }

    /// The same, without an end of its own: it ends well when the server drains.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.live = true;
        self
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// The length if it is known, less what was taken.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.left
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// [`BrokenOff`], also when more or less came than was announced.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        Poll::Ready(match ready!(self.source.poll_piece(cx)) {
            Some(Ok(piece)) => Some(self.count(piece)),
            None if self.left.unwrap_or(0) == 0 => None,
            None | Some(Err(BrokenOff)) => Some(Err(BrokenOff)),
        })
    }

    fn count(&mut self, piece: Bytes) -> Result<Bytes, BrokenOff> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(BrokenOff)?;
        }
        Ok(piece)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces, and whether they are all.
    struct Pieces(Vec<&'static str>, bool);

    impl BodySource for Pieces {
        fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
            if self.0.is_empty() {
                return Poll::Ready((!self.1).then_some(Err(BrokenOff)));
            }
            Poll::Ready(Some(Ok(self.0.remove(0).into())))
        }
    }

    fn all(source: Pieces, length: Option<u64>) -> Result<Vec<u8>, BrokenOff> {
        let mut body = BodyStream::new(source, length);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut whole = Vec::new();
        while let Poll::Ready(Some(piece)) = body.poll_piece(&mut cx) {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole)
    }

    #[test]
    fn a_finished_body_comes_whole() {
        let pieces = || Pieces(vec!["ab", "c"], true);
        assert_eq!(all(pieces(), None).unwrap(), b"abc");
        assert_eq!(all(pieces(), Some(3)).unwrap(), b"abc");
    }

    #[test]
    fn a_source_that_gives_up_and_a_wrong_length_break_the_body_off() {
        assert_eq!(all(Pieces(vec!["ab"], false), None), Err(BrokenOff));
        for length in [1, 3] {
            let body = all(Pieces(vec!["ab"], true), Some(length));
            assert_eq!(body, Err(BrokenOff), "announced {length}");
        }
    }
}
