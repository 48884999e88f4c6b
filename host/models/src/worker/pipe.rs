//! The pipe that a worker prints into, read now and then.
//!
//! A worker prints with each batch. To be woken for each print would cost the server more than the
//! prediction itself, so that a pipe that was emptied is left alone for a moment, unwatched. The first
//! line after a silence is read at once.

use rustix::pipe::fcntl_setpipe_size;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Sleep, sleep};

/// How long an emptied pipe is left alone.
const PAUSE: Duration = Duration::from_millis(5);
/// What a worker may print meanwhile without having to wait, if the system gives that much.
const ROOM_BYTES: usize = 256 << 10;
/// A worker that prints more than this at a time gets no pause.
const PAUSED_BYTES_MAX: usize = ROOM_BYTES / 4;

/// The reading end.
pub(super) struct Pipe {
    state: State,
    /// Bytes read since the last pause.
    read: usize,
}

enum State {
    Watched(Receiver),
    Left(OwnedFd, Pin<Box<Sleep>>),
    Gone,
}

impl Pipe {
    pub(super) fn new(end: OwnedFd) -> io::Result<Self> {
        // With less room a worker that prints a lot waits now and then.
        let _ = fcntl_setpipe_size(&end, ROOM_BYTES);
        Ok(Self {
            state: State::Watched(Receiver::from_owned_fd(end)?),
            read: 0,
        })
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let pipe = &mut *self;
        loop {
            match &mut pipe.state {
                State::Watched(end) => {
                    let before = buffer.filled().len();
                    if let Poll::Ready(done) = Pin::new(end).poll_read(cx, buffer) {
                        pipe.read += buffer.filled().len() - before;
                        return Poll::Ready(done);
                    }
                    if !(1..=PAUSED_BYTES_MAX).contains(&std::mem::take(&mut pipe.read)) {
                        return Poll::Pending;
                    }
                    if let State::Watched(end) = std::mem::replace(&mut pipe.state, State::Gone) {
                        pipe.state =
                            State::Left(end.into_nonblocking_fd()?, Box::pin(sleep(PAUSE)));
                    }
                }
                State::Left(_, pause) => {
                    ready!(pause.as_mut().poll(cx));
                    if let State::Left(end, _) = std::mem::replace(&mut pipe.state, State::Gone) {
                        pipe.state = State::Watched(Receiver::from_owned_fd(end)?);
                    }
                }
                // It could not be watched again.
                State::Gone => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::soon;
    use std::io::Write;
    use std::time::Instant;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn what_is_printed_comes_through_and_the_end_too() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = Pipe::new(reader.into()).unwrap();
        let mut buffer = [0; 64];
        let begin = Instant::now();
        for text in ["first", "second", "third"] {
            writer.write_all(text.as_bytes()).unwrap();
            let read = soon(pipe.read(&mut buffer)).await.unwrap();
            assert_eq!(&buffer[..read], text.as_bytes());
        }
        assert!(begin.elapsed() >= 2 * PAUSE, "it was left alone in between");
        drop(writer);
        assert_eq!(soon(pipe.read(&mut buffer)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_flood_is_read_without_a_loss() {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut pipe = Pipe::new(reader.into()).unwrap();
        let flood = vec![b'x'; 3 * ROOM_BYTES];
        let sent = flood.len();
        let printing = std::thread::spawn(move || writer.write_all(&flood));
        let mut all = Vec::new();
        soon(pipe.read_to_end(&mut all)).await.unwrap();
        printing.join().unwrap().unwrap();
        assert_eq!(all.len(), sent);
    }
}
