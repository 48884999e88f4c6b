//! Other programs: curl for single requests, servers such as Prometheus for as long as a test lasts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The path of `name` on PATH.
///
/// # Panics
/// If it is not installed: `cargo xtask ci` installs what the tests use.
#[must_use]
pub fn find_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed; `cargo xtask ci` installs it"))
}

/// Runs the real curl with `arguments` and gives what it prints on standard output.
///
/// # Panics
/// If curl is missing or fails (a status of the server is no failure of curl).
#[track_caller]
pub fn curl(arguments: &[&str]) -> String {
    let output = Command::new(find_program("curl"))
        .args(["--silent", "--show-error", "--max-time", "60"])
        .args(arguments)
        .output()
        .expect("curl starts");
    assert!(
        output.status.success(),
        "curl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A server of somebody else's, killed by its pid when dropped.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts `command` with its output thrown away.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
