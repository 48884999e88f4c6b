//! The bytes of a connection on their way to and from hyper.
//!
//! What comes in is held back until it is a whole head that broke no rule. In the place of a head
//! that did, hyper gets [`STAND_IN`], which no client can send, and nothing after it; the service
//! then answers with the refusal. What goes out passes as it is.

use crate::link::Link;
use bytes::Bytes;
use hyper::rt::ReadBufCursor;
use meterbox_http_wire::{HeadLimits, Messages, Refusal, Taken};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read at once.
const READ_BYTES: usize = 8 * 1024;
/// Bytes thrown away after the last answer before the connection is closed regardless.
const LINGER_BYTES_MAX: usize = 1 << 20;

/// What hyper gets for a refused head. The target `*` of a client is refused itself.
const STAND_IN: &[u8] = b"GET * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// A socket with the rules in front of it.
pub(crate) struct Wire<S> {
    socket: S,
    link: Arc<Link>,
    messages: Messages,
    /// Bytes that came and were not handed to hyper; empty nearly always.
    held: Vec<u8>,
    /// How many at the front of `held` may pass.
    ready: usize,
    /// Nothing of the client's is looked at any more.
    refused: bool,
    /// The last write had to wait.
    blocked: bool,
    keep_heads: bool,
    shutdown: Shutdown,
}

#[derive(Clone, Copy)]
enum Shutdown {
    Open,
    /// The client was told; what it still sends is thrown away, so many bytes of it so far.
    Lingering(usize),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// `keep_heads`: the service wants to see heads as they came.
    pub(crate) fn new(socket: S, link: Arc<Link>, limits: HeadLimits, keep_heads: bool) -> Self {
        Self {
            socket,
            link,
            messages: Messages::new(limits),
            held: Vec::new(),
            ready: 0,
            refused: false,
            blocked: false,
            keep_heads,
            shutdown: Shutdown::Open,
        }
    }

    /// What of `bytes` may pass now; the rest waits for the next look or for more.
    fn judge(&mut self, bytes: &[u8]) -> Result<Taken, Refusal> {
        let taken = self.messages.take(bytes)?;
        if taken.head > 0 {
            let head = &bytes[taken.skip..][..taken.head];
            self.link
                .head_passed(self.keep_heads.then(|| Bytes::copy_from_slice(head)));
        } else if taken.passes() == 0 && bytes.len() > taken.skip {
            self.link.head_began();
        }
        Ok(taken)
    }

    /// Judges what is held.
    fn judge_held(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        match self.judge(&held) {
            Ok(taken) => {
                self.held = held;
                self.held.drain(..taken.skip);
                self.ready = taken.passes();
                Ok(())
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        let in_head = self.link.refusal().is_none() && !self.messages.is_in_body();
        self.link.refused(refusal);
        self.refused = true;
        if in_head {
            self.link.head_passed(self.keep_heads.then(Bytes::new));
            self.held = STAND_IN.to_vec();
            self.ready = STAND_IN.len();
            return Ok(());
        }
        // The request is under way: its body ends in an error, and the service asks why.
        Err(io::Error::new(io::ErrorKind::InvalidData, refusal.reason))
    }

    /// Hands over what is ready.
    fn pass(&mut self, cursor: &mut ReadBufCursor<'_>) {
        let length = self.ready.min(cursor.remaining());
        cursor.put_slice(&self.held[..length]);
        self.ready -= length;
        if length == self.held.len() {
            // An idle connection keeps no memory for this.
            self.held = Vec::new();
        } else {
            self.held.drain(..length);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> hyper::rt::Read for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        loop {
            if wire.ready > 0 {
                wire.pass(&mut cursor);
                return Poll::Ready(Ok(()));
            }
            if wire.refused {
                // The answer closes the connection; until then there is nothing to read.
                return Poll::Pending;
            }
            if !wire.held.is_empty() {
                wire.judge_held()?;
                if wire.ready > 0 {
                    continue;
                }
            }
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut wire.socket).poll_read(cx, &mut buffer))?;
            let came = buffer.filled();
            if came.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if !wire.held.is_empty() {
                wire.held.extend_from_slice(came);
                continue;
            }
            match wire.judge(came) {
                Ok(taken) => {
                    let (skip, pass) = (taken.skip, taken.passes());
                    let now = pass.min(cursor.remaining());
                    cursor.put_slice(&came[skip..skip + now]);
                    wire.ready = pass - now;
                    if skip + now < came.len() {
                        wire.held = came[skip + now..].to_vec();
                    }
                    if now > 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
                Err(refusal) => wire.refuse(refusal)?,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    fn note_write<T>(&mut self, wrote: Poll<T>) -> Poll<T> {
        // Ready or not is all that the timer wants to know, and mostly nothing changes.
        if wrote.is_pending() != self.blocked {
            self.blocked = wrote.is_pending();
            self.link.write_blocked(self.blocked);
        }
        wrote
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> hyper::rt::Write for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.note_write(wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.note_write(wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        self.note_write(flushed)
    }

    /// Ends the connection. If the client may still be sending, its bytes are thrown away for a
    /// while: to close at once would reset the connection and could destroy the answer.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        if matches!(wire.shutdown, Shutdown::Open) {
            ready!(Pin::new(&mut wire.socket).poll_shutdown(cx))?;
            if !wire.refused && wire.held.is_empty() && wire.messages.is_between() {
                return Poll::Ready(Ok(()));
            }
            wire.held = Vec::new();
            wire.link.lingers();
            wire.shutdown = Shutdown::Lingering(0);
        }
        let Shutdown::Lingering(thrown) = &mut wire.shutdown else {
            return Poll::Ready(Ok(()));
        };
        loop {
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            let read = ready!(Pin::new(&mut wire.socket).poll_read(cx, &mut buffer));
            let came = buffer.filled().len();
            *thrown += came;
            if read.is_err() || came == 0 || *thrown > LINGER_BYTES_MAX {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
