//! The connection to a worker: frames out, replies in.
//!
//! The socket is watched for what comes in alone. A worker that takes a frame makes room in its socket,
//! and to be woken for that would cost each request as much as its reply does.

use super::alarm::Alarm;
use crate::wire::{Decoded, Reply, WireError, decode};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// Room that each read has at least, and what is taken from the kernel at once: a length field alone
/// takes no memory.
const READ_BYTES: usize = 4 << 10;
const READ_BYTES_MAX: usize = 64 << 10;

/// A connection to a worker.
pub(super) struct Link {
    socket: UnixStream,
    /// The same socket as the end of a pipe, which is the half of it that is watched.
    replies: pipe::Receiver,
    buffer: Vec<u8>,
    reply_bytes_max: usize,
    alarm: Alarm,
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
    /// Over a socket that does not block.
    pub(super) fn new(socket: UnixStream, reply_bytes_max: usize) -> io::Result<Self> {
        let watched = OwnedFd::from(socket.try_clone()?);
        Ok(Self {
            socket,
            replies: pipe::Receiver::from_owned_fd_unchecked(watched)?,
            buffer: Vec::new(),
            reply_bytes_max,
            alarm: Alarm::default(),
        })
    }

    /// Waits until something is wrong with a connection on which nothing is expected.
    pub(super) async fn wrong(&mut self) -> LinkError {
        let unasked = !self.buffer.is_empty();
        if unasked || read(&mut self.replies, &mut self.buffer, 0).await.is_ok() {
            LinkError::Unasked
        } else {
            LinkError::Closed
        }
    }

    /// Sends a frame. Says how many bytes of it were sent if not all were.
    pub(super) async fn send(&mut self, frame: &[u8], limit: Duration) -> Result<(), Unsent> {
        let mut sent = 0;
        let error = loop {
            match self.socket.write(&frame[sent..]) {
                Ok(0) => break LinkError::Closed,
                Ok(n) => sent += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if let Err(error) = self.room(limit).await {
                        break error;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break LinkError::Closed,
            }
            if sent == frame.len() {
                return Ok(());
            }
        };
        Err(Unsent {
            error,
            nothing_sent: sent == 0,
        })
    }

    /// Waits until the worker has taken some of a frame that is larger than its socket's room.
    async fn room(&mut self, limit: Duration) -> Result<(), LinkError> {
        let writable = async {
            let socket = tokio::net::UnixStream::from_std(self.socket.try_clone()?)?;
            socket.writable().await
        };
        match tokio::time::timeout(limit, writable).await {
            Ok(done) => done.map_err(|_| LinkError::Closed),
            Err(_) => Err(LinkError::TimedOut(limit)),
        }
    }

    /// Waits for a reply.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, LinkError> {
        let until = Instant::now() + limit;
        let mut wanted = 1;
        loop {
            if self.buffer.len() >= wanted {
                match decode(&mut self.buffer, self.reply_bytes_max)? {
                    Decoded::Reply(reply) => return Ok(reply),
                    Decoded::NeedsBytes(total) => wanted = total,
                }
            }
            let room = wanted - self.buffer.len();
            let read = read(&mut self.replies, &mut self.buffer, room);
            match self.alarm.before(until, read).await {
                Some(read) => read?,
                None => return Err(LinkError::TimedOut(limit)),
            }
        }
    }
}

/// Reads once, after waiting for something to read.
async fn read(
    from: &mut pipe::Receiver,
    buffer: &mut Vec<u8>,
    room: usize,
) -> Result<(), LinkError> {
    buffer.reserve(room.clamp(READ_BYTES, READ_BYTES_MAX));
    match from.read_buf(buffer).await {
        Ok(0) | Err(_) => Err(LinkError::Closed),
        Ok(_) => Ok(()),
    }
}

/// A frame that did not get there.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) error: LinkError,
    /// Whether the worker got nothing of it, so that another one may do it.
    pub(super) nothing_sent: bool,
}
