//! The connection to a worker: frames out, replies in.

use crate::models::wire::{Decoded, Reply, WireError, decode};
use bytes::BytesMut;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Room that is made for each read.
const READ_BYTES: usize = 64 << 10;

/// A connection to a worker.
pub(super) struct Link {
    stream: UnixStream,
    buffer: BytesMut,
    reply_bytes_max: usize,
}

/// Why a connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The worker closed it, or is gone.
    #[error("the worker closed the connection")]
    Closed,
    /// The worker sent something that is no reply.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The worker sent something that nobody asked for.
    #[error("the worker sent bytes that nobody had asked for")]
    Unasked,
    /// The worker did not answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

impl Link {
    pub(super) fn new(stream: UnixStream, reply_bytes_max: usize) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            reply_bytes_max,
        }
    }

    /// Waits until something is wrong with a connection on which nothing is expected.
    pub(super) async fn wrong(&mut self) -> LinkError {
        loop {
            if self.stream.readable().await.is_err() {
                return LinkError::Closed;
            }
            if let Some(error) = self.is_wrong() {
                return error;
            }
        }
    }

    /// What is wrong with it now.
    pub(super) fn is_wrong(&mut self) -> Option<LinkError> {
        if !self.buffer.is_empty() {
            return Some(LinkError::Unasked);
        }
        let mut byte = [0];
        match self.stream.try_read(&mut byte) {
            Ok(0) => Some(LinkError::Closed),
            Ok(_) => Some(LinkError::Unasked),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => Some(LinkError::Closed),
        }
    }

    /// Sends a frame. Says how many bytes of it were sent if not all were.
    pub(super) async fn send(&mut self, frame: &[u8], limit: Duration) -> Result<(), Unsent> {
        let mut sent = 0;
        let send = async {
            while sent < frame.len() {
                match self.stream.write(&frame[sent..]).await {
                    Ok(n) if n > 0 => sent += n,
                    _ => return Err(LinkError::Closed),
                }
            }
            Ok(())
        };
        let done = tokio::time::timeout(limit, send).await;
        let error = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => LinkError::TimedOut(limit),
        };
        Err(Unsent {
            error,
            nothing_sent: sent == 0,
        })
    }

    /// Waits for a reply.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, LinkError> {
        match tokio::time::timeout(limit, self.read_reply()).await {
            Ok(done) => done,
            Err(_) => Err(LinkError::TimedOut(limit)),
        }
    }

    async fn read_reply(&mut self) -> Result<Reply, LinkError> {
        let mut wanted = 1;
        loop {
            if self.buffer.len() >= wanted {
                match decode(&mut self.buffer, self.reply_bytes_max)? {
                    Decoded::Reply(reply) => return Ok(reply),
                    Decoded::NeedsBytes(total) => wanted = total,
                }
            }
            // Never more at once than a piece: a length field alone takes no memory.
            self.buffer
                .reserve(wanted.saturating_sub(self.buffer.len()).min(READ_BYTES));
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(LinkError::Closed),
                Ok(_) => {}
            }
        }
    }
}

/// A frame that did not get there.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) error: LinkError,
    /// Whether the worker got nothing of it, so that another one may do it.
    pub(super) nothing_sent: bool,
}
