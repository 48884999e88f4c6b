//! The `meterbox` binary: hands arguments and environment to the library and returns its exit code.
//!
//! It holds no logic. Exit codes: 0 done, 1 failed at run time or findings, 2 refused usage or
//! configuration.

#![forbid(unsafe_code)]

use meterbox_config::Environment;
use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = Environment::of_process();
    meterbox::cli::main(std::env::args_os(), &environment, meterbox::app::serve)
}
