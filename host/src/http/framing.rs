//! Where messages begin and end on a connection: a pure machine over the bytes as they come.
//!
//! It says how many bytes may pass to hyper and stops at the first rule that is broken. Bodies pass
//! as they are; of chunked ones the frame is checked, too.

use super::chunks::Chunks;
use super::head::{self, Framing, HeadLimits};
use super::refusal::Refusal;

/// Empty lines that may come before a request line. **Source:** RFC 9112 2.2.
const EMPTY_LINES_MAX: u32 = 2;

/// What becomes of the bytes at the front.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many, a whole head.
    Head(usize),
    /// So many of a body; true if it ends with them.
    Body(usize, bool),
    /// So many are left out.
    Skip(usize),
    /// It cannot be said before more have come.
    More,
}

enum Stage {
    Head { scanned: usize, empty_lines: u32 },
    Length(u64),
    Chunked(Chunks),
}

/// The machine.
pub(super) struct Messages {
    limits: HeadLimits,
    stage: Stage,
}

const BEGIN: Stage = Stage::Head {
    scanned: 0,
    empty_lines: 0,
};

impl Messages {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self {
            limits,
            stage: BEGIN,
        }
    }

    /// Whether the next byte is the first of a head.
    pub(super) fn between(&self) -> bool {
        matches!(self.stage, Stage::Head { scanned: 0, .. })
    }

    /// Whether the next byte is one of a body.
    pub(super) fn in_body(&self) -> bool {
        matches!(self.stage, Stage::Length(_) | Stage::Chunked(_))
    }

    /// Looks at the bytes that have not passed yet, at least one. After an error nothing may pass.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
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
                let over = *left == 0;
                if over {
                    self.stage = BEGIN;
                }
                // Not more than there are bytes.
                Ok(Step::Body(
                    usize::try_from(taken).unwrap_or(bytes.len()),
                    over,
                ))
            }
            Stage::Chunked(chunks) => {
                let (taken, over) = chunks.take(bytes)?;
                if over {
                    self.stage = BEGIN;
                }
                Ok(Step::Body(taken, over))
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
                let text = |n| String::from_utf8_lossy(&held[..n]).into_owned();
                let taken = match messages.step(&held)? {
                    Step::More => break,
                    Step::Skip(n) => n,
                    Step::Head(n) => {
                        out.push(text(n));
                        inside = false;
                        n
                    }
                    Step::Body(n, over) => {
                        match out.last_mut() {
                            Some(body) if inside => body.push_str(&text(n)),
                            _ => out.push(text(n)),
                        }
                        inside = !over;
                        n
                    }
                };
                held.drain(..taken);
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
