//! One lane: a socket, used in turns, with shared memory for what is large.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::aligned::Aligned;
use crate::arena::Arena;
use crate::fds;
use crate::payload::Payload;
use crate::side::Side;
use crate::wire::{HEADER_BYTES, Header, Kind, Malformed, PAYLOAD_BYTES_MAX};

/// Room for what is read at once: a frame that does not go by the arena, and a short one after it.
const INPUT_BYTES: usize = 20 << 10;
/// Longer payloads are not copied behind their header before they are sent.
const COPIED_BYTES_MAX: usize = 32 << 10;
/// Memory is made for at most so much before it has arrived.
const AHEAD_BYTES_MAX: usize = 1 << 20;

/// Why a lane is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The other side is gone.
    #[error("the other side closed the lane")]
    Closed,
    /// The time set by [`Lane::set_timeout`] passed.
    #[error("the other side did not answer in time")]
    TimedOut,
    /// The other side does not keep to the protocol, or the kernel refused.
    #[error("the other side sent {0}")]
    Malformed(String),
}

impl From<Malformed> for LaneError {
    fn from(broken: Malformed) -> Self {
        Self::Malformed(broken.to_string())
    }
}

impl From<io::Error> for LaneError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Why;
        match error.kind() {
            Why::BrokenPipe | Why::ConnectionReset | Why::UnexpectedEof | Why::NotConnected => {
                Self::Closed
            }
            Why::WouldBlock | Why::TimedOut => Self::TimedOut,
            _ => Self::Malformed(format!("nothing that can be read ({error})")),
        }
    }
}

/// One end of a lane. After any error it is of no use.
#[derive(Debug)]
pub struct Lane {
    outgoing: Arc<SendQueue>,
    arena: Option<Arc<Arena>>,
    side: Side,
    /// This side's half holds a payload that the other side may not have read yet.
    half_taken: bool,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    waited: Duration,
}

/// The socket with the frames that wait for the next send.
#[derive(Debug)]
struct SendQueue {
    stream: UnixStream,
    waiting: Mutex<UnsentFrames>,
}

#[derive(Debug, Default)]
struct UnsentFrames {
    frames: Vec<u8>,
    /// A [`LaneFlusher`] has seen these frames before.
    late: bool,
}

impl SendQueue {
    /// Sends what waits, then `more`.
    fn send(&self, waiting: &mut UnsentFrames, more: &[u8]) -> io::Result<()> {
        let mut stream = &self.stream;
        if !waiting.frames.is_empty() {
            stream.write_all(&waiting.frames)?;
            waiting.frames.clear();
            waiting.late = false;
        }
        if !more.is_empty() {
            stream.write_all(more)?;
        }
        Ok(())
    }
}

/// Sends what a lane has queued when its owner takes too long with the next frame. May be used while the
/// owner uses the lane, which it does not keep open.
#[derive(Clone, Debug)]
pub struct LaneFlusher(Weak<SendQueue>);

impl LaneFlusher {
    /// Sends what was queued before the last look already; says whether anything waits.
    pub fn look(&self) -> bool {
        let Some(outgoing) = self.0.upgrade() else {
            return false;
        };
        let mut waiting = outgoing.waiting.lock();
        if waiting.frames.is_empty() {
            return false;
        }
        if waiting.late {
            // The owner meets the same error with its next frame.
            let _ = outgoing.send(&mut waiting, &[]);
            return false;
        }
        waiting.late = true;
        true
    }
}

impl Lane {
    /// A lane over a connected socket.
    #[must_use]
    pub fn new(stream: UnixStream, arena: Option<Arena>, side: Side) -> Self {
        Self {
            outgoing: Arc::new(SendQueue {
                stream,
                waiting: Mutex::default(),
            }),
            arena: arena.map(Arc::new),
            side,
            half_taken: false,
            input: vec![0; INPUT_BYTES].into(),
            start: 0,
            end: 0,
            waited: Duration::ZERO,
        }
    }

    /// Bytes of a half of the arena; 0 without one.
    #[must_use]
    pub fn half(&self) -> usize {
        self.arena.as_ref().map_or(0, |arena| arena.half())
    }

    /// From now on everything follows its header (the child's answer to `HELLO` said so).
    pub fn without_arena(&mut self) {
        self.arena = None;
    }

    /// Limits every later receive and send; `None` waits for ever.
    ///
    /// # Errors
    /// The kernel's own.
    pub fn set_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        // Zero would mean no limit.
        let limit = limit.map(|limit| limit.max(Duration::from_micros(1)));
        self.outgoing.stream.set_read_timeout(limit)?;
        self.outgoing.stream.set_write_timeout(limit)
    }

    /// What sends queued frames in the place of the owner.
    #[must_use]
    pub fn flusher(&self) -> LaneFlusher {
        LaneFlusher(Arc::downgrade(&self.outgoing))
    }

    /// How long receives have waited for the other side since this was asked last.
    pub fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }

    /// Sends a frame, after those that were queued, in one write where it is short.
    ///
    /// # Errors
    /// The lane's end; a payload over [`PAYLOAD_BYTES_MAX`].
    pub fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), LaneError> {
        let outgoing = self.outgoing.clone();
        let mut waiting = outgoing.waiting.lock();
        let follows = self.put(&mut waiting.frames, kind, payload)?;
        Ok(outgoing.send(&mut waiting, follows)?)
    }

    /// Keeps a frame that gets no answer, to be sent together with the next one.
    ///
    /// # Errors
    /// A payload over [`PAYLOAD_BYTES_MAX`].
    pub fn queue(&mut self, kind: Kind, payload: &[u8]) -> Result<(), LaneError> {
        let outgoing = self.outgoing.clone();
        let mut waiting = outgoing.waiting.lock();
        let follows = self.put(&mut waiting.frames, kind, payload)?;
        waiting.frames.extend_from_slice(follows);
        Ok(())
    }

    /// Appends the header and, unless it is long, the payload; gives a long payload back.
    fn put<'p>(
        &mut self,
        frames: &mut Vec<u8>,
        kind: Kind,
        payload: &'p [u8],
    ) -> Result<&'p [u8], LaneError> {
        let len = payload.len();
        if len > PAYLOAD_BYTES_MAX {
            return Err(LaneError::Malformed(format!(
                "nothing yet: a payload of {len} bytes is too long"
            )));
        }
        let arena = self
            .arena
            .as_ref()
            .filter(|arena| arena.takes(len) && !self.half_taken);
        let header = Header {
            len,
            kind,
            in_arena: arena.is_some(),
        };
        frames.extend_from_slice(&header.bytes());
        if let Some(arena) = arena {
            arena.write(payload);
            self.half_taken = true;
            return Ok(&[]);
        }
        if len > COPIED_BYTES_MAX {
            return Ok(payload);
        }
        frames.extend_from_slice(payload);
        Ok(&[])
    }

    /// The next frame. The parent gets a copy of what lies in the arena; the child gets the arena itself,
    /// which stays as it is until the child sends on this lane.
    ///
    /// # Errors
    /// The lane's end; a frame that cannot be.
    pub fn receive(&mut self) -> Result<(Kind, Payload), LaneError> {
        while self.end - self.start < HEADER_BYTES {
            self.fill()?;
        }
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&self.input[self.start..self.start + HEADER_BYTES]);
        self.start += HEADER_BYTES;
        let header = Header::read(header)?;
        let payload = if header.in_arena {
            self.shared_payload(header.len)?
        } else {
            Payload::owned(self.following_payload(header.len)?)
        };
        // Who answers has read what it answers.
        self.half_taken = false;
        Ok((header.kind, payload))
    }

    fn shared_payload(&self, len: usize) -> Result<Payload, LaneError> {
        let arena = self.arena.as_ref().filter(|arena| len <= arena.half());
        let Some(arena) = arena else {
            let text = format!("{len} bytes in an arena that has not so many");
            return Err(LaneError::Malformed(text));
        };
        Ok(match self.side {
            Side::Parent => Payload::owned(arena.copy(len)),
            Side::Child => Payload::in_arena(arena.clone(), len),
        })
    }

    fn following_payload(&mut self, len: usize) -> Result<Aligned, LaneError> {
        let mut payload = Aligned::default();
        let buffered = len.min(self.end - self.start);
        payload
            .grow(buffered)
            .copy_from_slice(&self.input[self.start..self.start + buffered]);
        self.start += buffered;
        let mut left = len - buffered;
        while left > 0 {
            let step = left.min(AHEAD_BYTES_MAX);
            (&self.outgoing.stream).read_exact(payload.grow(step))?;
            left -= step;
        }
        Ok(payload)
    }

    /// Reads once into the input, behind what is there.
    fn fill(&mut self) -> Result<(), LaneError> {
        self.input.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let asked = Instant::now();
        let read = loop {
            match (&self.outgoing.stream).read(&mut self.input[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.waited += asked.elapsed();
        match read? {
            0 => Err(LaneError::Closed),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }

    /// Sends a short frame with descriptors.
    ///
    /// # Errors
    /// As [`Lane::send`]; too many descriptors.
    pub fn send_with(
        &mut self,
        kind: Kind,
        payload: &[u8],
        files: &[BorrowedFd<'_>],
    ) -> Result<(), LaneError> {
        let len = payload.len();
        let header = Header {
            len,
            kind,
            in_arena: false,
        };
        let mut waiting = self.outgoing.waiting.lock();
        waiting.frames.extend_from_slice(&header.bytes());
        waiting.frames.extend_from_slice(payload);
        let sent = fds::send_with(&self.outgoing.stream, &waiting.frames, files)?;
        waiting.frames.drain(..sent);
        Ok(self.outgoing.send(&mut waiting, &[])?)
    }

    /// The next frame, the first of this lane, with the descriptors that came with it.
    ///
    /// # Errors
    /// As [`Lane::receive`].
    pub fn receive_with(&mut self) -> Result<(Kind, Payload, Vec<OwnedFd>), LaneError> {
        let (read, files) = fds::receive_with(&self.outgoing.stream, &mut self.input[self.end..])?;
        if read == 0 {
            return Err(LaneError::Closed);
        }
        self.end += read;
        let (kind, payload) = self.receive()?;
        Ok((kind, payload, files))
    }
}

impl AsFd for Lane {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outgoing.stream.as_fd()
    }
}

#[cfg(test)]
mod tests;
