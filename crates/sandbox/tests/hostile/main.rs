//! Confined processes try what they must not do, and what they must still be able to do.
//!
//! Every attempt is a process of its own: this program started again with the name of the attempt. Attempts that are harmless and possible without
//! confinement are tried unconfined as well, so that a denial here means something.
// Hostile calls have no safe wrappers; a test without the harness may print.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, clippy::print_stdout)]

mod allowed;
mod attempts;
mod ends;
mod files;
mod ground;
mod kernel;
mod network;
mod processes;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--attempt") => attempts::child(&arguments.collect::<Vec<_>>()),
        Some("--end") => ends::child(&arguments.collect::<Vec<_>>()),
        _ => parent(),
    }
}

fn parent() -> ExitCode {
    let mut failures = attempts::run();
    failures.extend(ends::run());
    for failure in &failures {
        println!("FAILED {failure}");
    }
    match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
