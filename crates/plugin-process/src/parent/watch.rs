//! The thread that looks after one child: its output, its time, its end.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child as Process, ExitStatus};
use std::sync::atomic::Ordering;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::cause::{Cause, is_about_memory};
use super::child::Child;
use super::lines::LogLines;
use super::observer::{Observer, Stream};

/// How often the clocks of entries are looked at while there are any.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
/// Read at once from a stream.
const READ_BYTES: usize = 16 << 10;
/// What is still read of a child's last words.
const LAST_BYTES_MAX: usize = 256 << 10;

/// What is needed to watch a process.
pub(super) struct Watcher {
    process: Process,
    ended: OwnedFd,
    out: Pipe,
    err: Pipe,
}

impl Watcher {
    /// Takes over a process that was just started with pipes.
    pub(super) fn new(mut process: Process) -> io::Result<Self> {
        let prepared = prepare(&mut process);
        match prepared {
            Ok((ended, out, err)) => Ok(Self {
                process,
                ended,
                out,
                err,
            }),
            Err(error) => {
                // Nobody would watch it.
                let _ = process.kill();
                let _ = process.wait();
                Err(error)
            }
        }
    }

    /// Looks after the child until it has ended; why it did, unless the host ended it.
    pub(super) fn run(mut self, child: &Child, observer: &dyn Observer) -> Cause {
        loop {
            let ticking = self.ticks(child);
            let ended = self.wait(child, ticking).unwrap_or(false);
            self.out.read_some(READ_BYTES, Stream::Out, observer);
            self.err.read_some(READ_BYTES, Stream::Err, observer);
            if ended {
                break;
            }
        }
        child.reaping();
        let status: Option<ExitStatus> = self.process.wait().ok();
        self.out.finish(Stream::Out, observer);
        self.err.finish(Stream::Err, observer);
        let complained = self.err.lines.last().any(is_about_memory);
        child
            .killed()
            .unwrap_or_else(|| Cause::of(status, complained))
    }

    /// Kills a child that takes too long; false when nothing has to be looked at for now.
    fn ticks(&self, child: &Child) -> bool {
        let (any, late) = child.clocks.look();
        if late {
            child.kill(Cause::Deadline);
        }
        if any {
            return true;
        }
        child.watched.idle.store(true, Ordering::SeqCst);
        // An entry that began before it could see that would not have given notice.
        let (any, _) = child.clocks.look();
        if any {
            child.watched.idle.store(false, Ordering::SeqCst);
        }
        any
    }

    /// Waits for something; true when the process has ended.
    fn wait(&self, child: &Child, ticking: bool) -> io::Result<bool> {
        let mut fds = vec![
            PollFd::new(&self.ended, PollFlags::IN),
            PollFd::new(&child.watched.wake, PollFlags::IN),
        ];
        let pipes = [&self.out, &self.err].into_iter();
        fds.extend(pipes.filter_map(Pipe::poll));
        let polled = poll(&mut fds, ticking.then_some(&TICK));
        if let Err(error) = polled
            && error != rustix::io::Errno::INTR
        {
            return Err(error.into());
        }
        let ended = !fds[0].revents().is_empty();
        if !fds[1].revents().is_empty() {
            let mut count = [0; 8];
            // Empty already is fine.
            let _ = rustix::io::read(&child.watched.wake, &mut count);
        }
        Ok(ended)
    }
}

fn prepare(process: &mut Process) -> io::Result<(OwnedFd, Pipe, Pipe)> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let ended = pidfd_open(Pid::from_child(process), PidfdFlags::empty())?;
    let out = Pipe::new(process.stdout.take().map(OwnedFd::from))?;
    let err = Pipe::new(process.stderr.take().map(OwnedFd::from))?;
    Ok((ended, out, err))
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Does nothing to a process that was waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One stream of the child; without a file once its other end is closed.
struct Pipe {
    file: Option<std::fs::File>,
    lines: LogLines,
}

impl Pipe {
    fn new(file: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(file) = &file {
            rustix::io::ioctl_fionbio(file, true)?;
        }
        Ok(Self {
            file: file.map(Into::into),
            lines: LogLines::default(),
        })
    }

    fn poll(&self) -> Option<PollFd<'_>> {
        let file = self.file.as_ref()?;
        Some(PollFd::from_borrowed_fd(file.as_fd(), PollFlags::IN))
    }

    /// Reads what is there, at most about `bytes_max`: a child that never stops writing has to wait.
    fn read_some(&mut self, bytes_max: usize, stream: Stream, observer: &dyn Observer) {
        let mut buffer = [0; READ_BYTES];
        let mut left = bytes_max;
        while left > 0 {
            let Some(file) = &mut self.file else {
                return;
            };
            match file.read(&mut buffer) {
                Ok(0) => self.file = None,
                Ok(read) => {
                    left = left.saturating_sub(read);
                    let lines = &mut self.lines;
                    lines.feed(&buffer[..read], |line| observer.line(stream, line));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.file = None,
            }
        }
    }

    /// Reads the rest; what somebody else who still holds the other end may write is not waited for.
    fn finish(&mut self, stream: Stream, observer: &dyn Observer) {
        self.read_some(LAST_BYTES_MAX, stream, observer);
        self.lines.finish(|line| observer.line(stream, line));
        self.file = None;
    }
}
