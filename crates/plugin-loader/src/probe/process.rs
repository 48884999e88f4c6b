//! Runs one child under a time limit and collects a bounded part of what it prints.

use super::ProbeCommand;
use meterbox_plugin_files::PrivateCopy;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is kept of each output stream, in bytes.
const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// What of a child's last words goes into a sentence, in characters.
const SAID_CHARS_MAX: usize = 160;

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Exit(i32),
    Signal(i32),
    TimedOut,
}

#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) end: End,
    pub(super) output: Vec<u8>,
    pub(super) errors: Vec<u8>,
}

impl Outcome {
    /// The last line of the error output as the tail of a sentence.
    pub(super) fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.errors);
        let Some(last) = text.lines().rev().find(|line| !line.trim().is_empty()) else {
            return String::new();
        };
        let clean = |c: char| if c.is_control() { '?' } else { c };
        let line: String = last
            .trim()
            .chars()
            .take(SAID_CHARS_MAX)
            .map(clean)
            .collect();
        format!("; it said: {line}")
    }
}

/// Starts the child with `copy` as its standard input and waits for its end.
pub(super) fn run(
    command: &ProbeCommand,
    copy: &PrivateCopy,
    limit: Duration,
) -> std::io::Result<Outcome> {
    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(copy.share()?))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let collected = collect(&mut child, Instant::now() + limit);
    if collected.is_err() {
        // Whatever went wrong, no child may stay behind.
        let _ = child.kill();
        let _ = child.wait();
    }
    collected
}

fn collect(child: &mut Child, deadline: Instant) -> std::io::Result<Outcome> {
    let pid = Pid::from_child(child);
    let ended = pidfd_open(pid, PidfdFlags::empty())?;
    let mut out = Stream::new(child.stdout.take())?;
    let mut err = Stream::new(child.stderr.take())?;
    let mut timed_out = false;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            timed_out = true;
            child.kill()?;
            break;
        }
        if wait(&ended, &out, &err, left)? {
            break;
        }
        out.read_available()?;
        err.read_available()?;
    }
    let status = child.wait()?;
    // What the child wrote before its end is in the pipes; a grandchild that still holds them is
    // not waited for.
    out.read_available()?;
    err.read_available()?;
    let end = match (timed_out, status.signal()) {
        (true, _) => End::TimedOut,
        (false, Some(signal)) => End::Signal(signal),
        (false, None) => End::Exit(status.code().unwrap_or_default()),
    };
    Ok(Outcome {
        end,
        output: out.kept,
        errors: err.kept,
    })
}

/// Waits until the child ended (true), or something can be read or `left` is over (false).
fn wait(
    ended: &impl AsFd,
    out: &Stream<impl AsFd>,
    err: &Stream<impl AsFd>,
    left: Duration,
) -> std::io::Result<bool> {
    let mut fds = vec![PollFd::new(ended, PollFlags::IN)];
    fds.extend(out.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    fds.extend(err.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    let timeout = left.try_into().map_err(std::io::Error::other)?;
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) => Ok(!fds[0].revents().is_empty()),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// One pipe of the child; gone once its other end is closed.
struct Stream<T> {
    pipe: Option<T>,
    kept: Vec<u8>,
}

impl<T: Read + AsFd> Stream<T> {
    fn new(pipe: Option<T>) -> std::io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            pipe,
            kept: Vec::new(),
        })
    }

    fn read_available(&mut self) -> std::io::Result<()> {
        let mut buffer = [0; 4096];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(read) => {
                    // The last words matter, so the oldest go first.
                    self.kept.extend_from_slice(&buffer[..read]);
                    let over = self.kept.len().saturating_sub(OUTPUT_BYTES_MAX);
                    self.kept.drain(..over);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
