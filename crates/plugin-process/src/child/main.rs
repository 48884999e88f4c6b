//! The life of a child process.

#![allow(
    unsafe_code,
    reason = "leaves the process without running the plugin's exit handlers"
)]

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use meterbox_plugin_abi::{Failure, Status};
use meterbox_plugin_loader::load::Opened;
use meterbox_sandbox::Policy;

use super::{Child, ChildArguments, Greeting};
use crate::lane::LaneError;

/// Descriptors for the lanes of the largest pool and for what a plugin may open.
const OPEN_FILES: u64 = 512;

/// Confines this process, loads the plugin that the host sends over standard input, and answers the host
/// until it closes a lane.
///
/// Exit codes: 0 when the host went away, 1 for a plugin that cannot be loaded, 3 when this process cannot
/// be confined or the host does not keep to the protocol. What went wrong is on standard error.
pub fn child_main(arguments: &ChildArguments) -> ! {
    let ended = run(arguments);
    leave(&ended.unwrap_or_else(|end| end))
}

/// Why the process ends.
struct End {
    code: i32,
    said: Option<String>,
}

impl End {
    fn failed(said: &dyn std::fmt::Display) -> Self {
        Self {
            code: 3,
            said: Some(said.to_string()),
        }
    }

    fn lane(error: &LaneError) -> Self {
        match error {
            LaneError::Closed => Self {
                code: 0,
                said: None,
            },
            other => Self::failed(other),
        }
    }
}

fn leave(end: &End) -> ! {
    if let Some(said) = &end.said {
        // The host reads it into its log; without a host nobody misses it.
        let _ = writeln!(io::stderr(), "plugin process: {said}");
    }
    // SAFETY: ends the process at once; no handler that the library registered may run.
    unsafe { libc::_exit(end.code) }
}

fn run(arguments: &ChildArguments) -> Result<End, End> {
    if let [program, rest @ ..] = arguments.exec.as_slice() {
        confine(arguments, &[])?;
        let error = Command::new(program).args(rest).exec();
        let program = Path::new(program).display();
        return Err(End::failed(&format!("{program} does not start: {error}")));
    }
    let lane = take_input().map_err(|error| End::failed(&error))?;
    confine(arguments, &[lane.as_raw_fd()])?;
    let (mut greeting, plugin) =
        Greeting::receive(lane.into()).map_err(|error| End::lane(&error))?;
    let opened = match open(&plugin) {
        Ok(opened) => opened,
        Err(failure) => {
            let _ = greeting.answer(Err(&failure));
            return Ok(End {
                code: 1,
                said: None,
            });
        }
    };
    let metadata = String::from_utf8_lossy(opened.metadata());
    greeting
        .answer(Ok(&metadata))
        .map_err(|error| End::lane(&error))?;
    // The linker tells libraries apart by the name of their descriptor: it is never closed.
    std::mem::forget(plugin);
    let create = Box::new(move |host, config: &str| opened.create(host, config));
    let lost = Box::new(|error: &LaneError| leave(&End::lane(error)));
    let child = Child::start(greeting, create, lost).map_err(|error| End::failed(&error))?;
    child.join();
    Ok(End::lane(&LaneError::Closed))
}

/// Takes the lane from standard input, where a plugin would otherwise read from it.
fn take_input() -> io::Result<OwnedFd> {
    let lane = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(nothing)?;
    Ok(lane)
}

fn confine(arguments: &ChildArguments, keep: &[i32]) -> Result<(), End> {
    let policy = Policy {
        memory_bytes: arguments.memory_bytes,
        open_files: OPEN_FILES,
        threads: arguments.threads,
        network: arguments.network,
        allow_exec: !arguments.exec.is_empty(),
        read_paths: arguments.read.clone(),
        // The end of a lane tells the same, but not to a child whose every thread is caught in foreign code.
        parent: rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()),
        keep_fds: keep.to_vec(),
    };
    match meterbox_sandbox::confine(&policy) {
        Ok(_report) => Ok(()),
        Err(refused) => Err(End::failed(&format!("it cannot be confined: {refused}"))),
    }
}

fn open(plugin: &OwnedFd) -> Result<Opened, Failure> {
    let path = format!("/proc/self/fd/{}", plugin.as_raw_fd());
    Opened::open(Path::new(&path)).map_err(|refusal| Failure::new(Status::INVALID, refusal.text))
}
