//! The command line of `meterbox`: which command was asked for, and its exit code.
//!
//! It does not know how a command works: each one lives in its own file.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::config::Environment;

/// Runs the command named by `args` (the program's name first) and returns the exit code:
/// 0 done, 1 failed at run time or findings, 2 refused usage or configuration.
pub fn main(_args: impl IntoIterator<Item = OsString>, _environment: &Environment) -> ExitCode {
    ExitCode::from(2)
}
