//! Where messages begin and end on a connection: a machine over the bytes as they come.
//!
//! It says how many bytes may pass and stops at the first rule that is broken. Bodies pass as they
//! are; of chunked ones the frame is checked, too.

use crate::chunks::Chunks;
use crate::head::{self, Framing, HeadLimits};
use crate::refusal::Refusal;

/// Empty lines that may come before a request line. **Source:** RFC 9112 2.2.
const EMPTY_LINES_MAX: u32 = 2;

/// What may pass of the bytes at the front: after `skip` bytes that are left out a head, then a
/// part of a body, each maybe empty. At most one message at a time, so that a refusal belongs to the
/// request after the one that has passed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Empty lines before the head.
    pub skip: usize,
    /// A whole head.
    pub head: usize,
    /// Bytes of a body.
    pub body: usize,
}

impl Taken {
    /// How many bytes pass.
    #[must_use]
    pub const fn passes(&self) -> usize {
        self.head + self.body
    }
}

/// The next thing at the front.
enum Step {
    Head(usize),
    Body(usize),
    Skip(usize),
    /// It cannot be said before more have come.
    More,
}

enum Stage {
    Head { scanned: usize, empty_lines: u32 },
    Length(u64),
    Chunked(Chunks),
}

/// The machine of one connection.
pub struct Messages {
    limits: HeadLimits,
    stage: Stage,
    /// Broken by bytes behind those that have passed.
    pending: Option<Refusal>,
}

const BEGIN: Stage = Stage::Head {
    scanned: 0,
    empty_lines: 0,
};

impl Messages {
    /// Before the first byte of a connection.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            stage: BEGIN,
            pending: None,
        }
    }

    /// Whether the next byte is the first of a head.
    #[must_use]
    pub const fn is_between(&self) -> bool {
        matches!(self.stage, Stage::Head { scanned: 0, .. })
    }

    /// Whether the next byte is one of a body.
    #[must_use]
    pub const fn is_in_body(&self) -> bool {
        matches!(self.stage, Stage::Length(_) | Stage::Chunked(_))
    }

    /// Looks at all bytes that were neither skipped nor passed yet. Nothing taken means that more
    /// have to come: then the same bytes are shown again with those that came.
    ///
    /// # Errors
    /// The first broken rule; nothing may pass any more.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Taken, Refusal> {
        if let Some(refusal) = self.pending {
            return Err(refusal);
        }
        let mut taken = Taken::default();
        loop {
            let at = taken.skip + taken.passes();
            if at == bytes.len() || taken.passes() > 0 && self.is_between() {
                return Ok(taken);
            }
            match self.step(&bytes[at..]) {
                Ok(Step::More) => return Ok(taken),
                Ok(Step::Skip(length)) => taken.skip += length,
                Ok(Step::Head(length)) => taken.head = length,
                Ok(Step::Body(length)) => taken.body += length,
                Err(refusal) => {
                    self.pending = Some(refusal);
                    return if taken.passes() > 0 {
                        Ok(taken)
                    } else {
                        Err(refusal)
                    };
                }
            }
        }
    }

    /// Looks at the bytes that have not passed yet, at least one.
    fn step(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        match &mut self.stage {
            Stage::Head {
                scanned: 0,
                empty_lines,
            } if bytes[0] == b'\r' => {
                match bytes.get(1) {
                    None => return Ok(Step::More),
                    Some(b'\n') => {}
                    Some(_) => return Err(Refusal::MALFORMED),
                }
                *empty_lines += 1;
                if *empty_lines > EMPTY_LINES_MAX {
                    return Err(Refusal::MALFORMED);
                }
                Ok(Step::Skip(2))
            }
            Stage::Head { scanned, .. } => {
                let Some(end) = head::end_of(bytes, scanned, &self.limits)? else {
                    return Ok(Step::More);
                };
                self.stage = match head::judge(&bytes[..end], &self.limits)? {
                    Framing::Length(0) => BEGIN,
                    Framing::Length(length) => Stage::Length(length),
                    Framing::Chunked => Stage::Chunked(Chunks::default()),
                };
                Ok(Step::Head(end))
            }
            Stage::Length(left) => {
                let taken = (*left).min(bytes.len() as u64);
                *left -= taken;
                if *left == 0 {
                    self.stage = BEGIN;
                }
                // Not more than there are bytes.
                Ok(Step::Body(usize::try_from(taken).unwrap_or(bytes.len())))
            }
            Stage::Chunked(chunks) => {
                let (taken, over) = chunks.take(bytes)?;
                if over {
                    self.stage = BEGIN;
                }
                Ok(Step::Body(taken))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        bytes: 1024,
        fields: 10,
        target_bytes: 256,
    };

    /// What passes when `bytes` come in pieces of `size`: heads and bodies, one string each.
    fn pass(bytes: &[u8], size: usize) -> Result<Vec<String>, Refusal> {
        let mut messages = Messages::new(LIMITS);
        let (mut held, mut out) = (Vec::new(), Vec::<String>::new());
        let mut inside = false;
        for piece in bytes.chunks(size) {
            held.extend_from_slice(piece);
            while !held.is_empty() {
                let Taken { skip, head, body } = messages.take(&held)?;
                if skip + head + body == 0 {
                    break;
                }
                held.drain(..skip);
                let mut text =
                    |n| String::from_utf8_lossy(&held.drain(..n).collect::<Vec<_>>()).into_owned();
                if head > 0 {
                    out.push(text(head));
                    inside = false;
                }
                match out.last_mut() {
                    Some(known) if inside => known.push_str(&text(body)),
                    _ if body > 0 => out.push(text(body)),
                    _ => {}
                }
                inside = messages.is_in_body() && (inside || body > 0);
            }
        }
        Ok(out)
    }

    #[test]
    fn pipelined_messages_are_told_apart_however_they_come() {
        let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        let post = "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
        let chunked = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = "5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n";
        let all = format!("\r\n{get}{post}hello{chunked}{body}{get}");
        for size in [1, 2, 7, 30, all.len()] {
            let passed = pass(all.as_bytes(), size).unwrap();
            assert_eq!(
                passed,
                [get, post, "hello", chunked, body, get],
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn nothing_of_a_refused_message_passes() {
        let smuggled = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n";
        assert_eq!(pass(smuggled, 11), Err(Refusal::LENGTH_AND_CODING));
        assert_eq!(
            pass(b"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 5),
            Err(Refusal::MALFORMED)
        );
        assert_eq!(pass(b"\rGET", 1), Err(Refusal::MALFORMED));
    }
}
