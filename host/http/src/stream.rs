//! A body that is written while it is sent: a bounded channel with a definite end.
//!
//! At most [`PIECES_MAX`] pieces wait; a writer that is faster than the client waits with them. A
//! body whose writer is dropped without [`BodyWriter::finish`] breaks the connection off, so that
//! nobody takes half a body for a whole one.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces that may wait to be sent.
pub const PIECES_MAX: usize = 4;

/// The client left, or the answer was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the answer any more")]
pub struct Closed;

/// The body broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off before its end")]
pub struct BrokenOff;

/// Makes both ends of a body. `length` is announced if it is known.
#[must_use]
pub fn body_stream(length: Option<u64>) -> (BodyWriter, BodyStream) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let finished = Arc::new(AtomicBool::new(false));
    let writer = BodyWriter {
        sender,
        finished: Arc::clone(&finished),
    };
    (
        writer,
        BodyStream {
            receiver,
            finished,
            left: length,
        },
    )
}

/// The end that is written to.
pub struct BodyWriter {
    sender: mpsc::Sender<Bytes>,
    finished: Arc<AtomicBool>,
}

impl BodyWriter {
    /// Sends a piece, waiting while too many wait already.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn send(&self, piece: Bytes) -> Result<(), Closed> {
        self.sender.send(piece).await.map_err(|_| Closed)
    }

    /// The same, blocking the thread, which must not be one of the runtime's.
    ///
    /// # Errors
    /// [`Closed`].
    pub fn send_blocking(&self, piece: Bytes) -> Result<(), Closed> {
        self.sender.blocking_send(piece).map_err(|_| Closed)
    }

    /// Sends a piece if there is room for it, and gives it back otherwise.
    ///
    /// # Errors
    /// The piece, when too many wait or nobody reads.
    pub fn try_send(&self, piece: Bytes) -> Result<(), Bytes> {
        self.sender
            .try_send(piece)
            .map_err(mpsc::error::TrySendError::into_inner)
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// The body is complete.
    pub fn finish(self) {
        self.finished.store(true, Ordering::Release);
    }
}

impl fmt::Debug for BodyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyWriter").finish_non_exhaustive()
    }
}

/// The end that is sent.
pub struct BodyStream {
    receiver: mpsc::Receiver<Bytes>,
    finished: Arc<AtomicBool>,
    /// What is still to come if the length is known.
    left: Option<u64>,
}

impl BodyStream {
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
        let Poll::Ready(piece) = self.receiver.poll_recv(cx) else {
            return Poll::Pending;
        };
        Poll::Ready(match piece {
            Some(piece) => Some(self.count(piece)),
            None if self.finished.load(Ordering::Acquire) && self.left.unwrap_or(0) == 0 => None,
            None => Some(Err(BrokenOff)),
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

    async fn all(mut body: BodyStream) -> Result<Vec<u8>, BrokenOff> {
        let mut whole = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| body.poll_piece(cx)).await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole)
    }

    #[tokio::test]
    async fn a_finished_body_comes_whole() {
        let (writer, body) = body_stream(None);
        let written = async move {
            for _ in 0..10 {
                writer.send(Bytes::from_static(b"ab")).await.unwrap();
            }
            writer.finish();
        };
        let (got, ()) = tokio::join!(all(body), written);
        assert_eq!(got.unwrap(), b"ab".repeat(10));
    }

    #[tokio::test]
    async fn a_dropped_writer_and_a_wrong_length_break_the_body_off() {
        let (writer, body) = body_stream(None);
        writer.send(Bytes::from_static(b"ab")).await.unwrap();
        drop(writer);
        assert_eq!(all(body).await, Err(BrokenOff));
        for length in [1, 3] {
            let (writer, body) = body_stream(Some(length));
            writer.send(Bytes::from_static(b"ab")).await.unwrap();
            writer.finish();
            assert_eq!(all(body).await, Err(BrokenOff), "announced {length}");
        }
    }

    #[tokio::test]
    async fn a_writer_learns_that_nobody_reads() {
        let (writer, body) = body_stream(None);
        (0..PIECES_MAX).for_each(|_| writer.try_send(Bytes::new()).unwrap());
        assert_eq!(
            writer.try_send(Bytes::from_static(b"x")),
            Err(Bytes::from_static(b"x"))
        );
        drop(body);
        assert!(writer.is_closed());
        assert_eq!(writer.send(Bytes::new()).await, Err(Closed));
    }
}
