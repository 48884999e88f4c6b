//! Running other programs: one way to start a command, say what runs and report how it failed.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

/// What a chore ends with: nothing, or the sentence to print.
pub(crate) type Outcome = Result<(), String>;

/// The root of the repository: the folder above this crate.
pub(crate) fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// The folder cargo builds into: `CARGO_TARGET_DIR`, else `target` of the repository.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A command of `program` that starts in the root of the repository.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Cargo itself, the same one that runs this program.
///
/// Without backtraces: tests let plugins panic under a deadline, and naming the frames of a debug build
/// takes longer than that.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.env("RUST_BACKTRACE", "0");
    cargo
}

/// Runs `command` to its end, its output going where ours goes.
///
/// # Errors
/// A sentence with the command line if it does not start or does not exit with 0.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let line = line(command);
    eprintln!("+ {line}");
    match command.status() {
        Err(error) => Err(format!("`{line}` does not start: {error}")),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed ({status})")),
    }
}

/// True if `command` starts and exits with 0; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// What `command` prints on standard output.
///
/// # Errors
/// A sentence with the command line if it does not start or does not exit with 0.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let line = line(command);
    match command.output() {
        Err(error) => Err(format!("`{line}` does not start: {error}")),
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(format!(
            "`{line}` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        )),
    }
}

fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
