//! The command line: which command was asked for, and its exit code.
//!
//! The program answers to two names. As `meterbox` it has commands; as `torchserve` it understands
//! the options of TorchServe's launcher. Both turn into the same calls. It does not know how a
//! server is built: that is the [`Serve`] function it is given.

mod background;
mod client;
mod config;
mod exit;
mod meterbox;
mod options;
mod pid_file;
mod plugins;
mod serve;
mod torchserve;

pub use exit::{Exit, Failure};
pub use serve::{Personality, Serve, Start};

use meterbox_config::Environment;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command named by `args` (the program's name first); `serve` runs a server to its end.
///
/// The exit code is 0 for done, 1 for failed at run time or findings, 2 for refused: bad usage or
/// configuration. What went wrong is printed once, on standard error.
pub fn main(
    args: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    serve: Serve,
) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let name = args.first().map(Path::new).and_then(Path::file_name);
    let done = if name.is_some_and(|name| name == "torchserve") {
        torchserve::run(&args, environment, serve)
    } else {
        meterbox::run(&args, environment, serve)
    };
    match done {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            failure.print(&mut std::io::stderr());
            failure.exit.into()
        }
    }
}

/// Prints to standard output. A reader that went away is no failure of a command.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
