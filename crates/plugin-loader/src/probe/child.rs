//! What runs inside the probe process.
//!
//! The library is opened from standard input, checked, and left as it is: its destructors never
//! run, and nothing is created.

#![allow(
    unsafe_code,
    reason = "leaves the process without running the plugin's exit handlers"
)]

use super::answer::Answer;
use crate::load::Opened;
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::Write;
use std::path::Path;

/// Standard input as a file name.
const COPY: &str = "/proc/self/fd/0";

/// Checks the library on standard input, prints the answer and ends the process.
///
/// The exit code is 0 for a library that can be loaded and 1 for any other.
pub fn child_main() -> ! {
    // A crash here is an expected result: it shall leave no core file.
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, no_core);
    let verdict = Opened::open(Path::new(COPY)).map(drop);
    let line = Answer::line(&verdict);
    let mut out = std::io::stdout().lock();
    let written = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    let code = i32::from(verdict.is_err() || written.is_err());
    // SAFETY: ends the process at once; no handler the library registered may run, and the answer
    // has been flushed.
    unsafe { libc::_exit(code) }
}
