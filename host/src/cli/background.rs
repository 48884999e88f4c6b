//! Starting a server in the background and ending it.
//!
//! The launcher runs the same program again in the foreground mode, with its standard output as a
//! pipe and its standard error as the log file, and waits for the line that says it serves.

use super::exit::{Exit, Failure};
use super::print;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, setsid};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The line that launchers wait for on standard output.
pub(super) const STARTED: &str = "Model server started.\n";

/// The variable that tells the server that a launcher waits for it.
pub(super) const MARK: &str = "METERBOX_IN_BACKGROUND";

/// How long a server may take to end.
const STOP_LIMIT: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

/// How much of the log is shown when the server does not start.
const SHOWN_BYTES: u64 = 4 * 1024;

/// Runs the program of `args` again in the background and waits until it serves.
///
/// # Errors
/// It ended before; its last log lines are in the error.
pub(super) fn start(args: &[OsString], log_folder: &Path) -> Result<(), Failure> {
    let path = log_folder.join("ts_log.log");
    let (log, before) = open_log(log_folder, &path).map_err(|error| {
        Failure::failed(format!(
            "{}: {error} (LOG_LOCATION names the folder)",
            path.display()
        ))
    })?;
    let mut child = spawn(args, log)
        .map_err(|error| Failure::failed(format!("the server cannot be started: {error}")))?;
    let out = child.stdout.take().expect("its standard output is a pipe");
    if serves(out) {
        print(STARTED);
        return Ok(());
    }
    let status = child.wait().map_err(Failure::failed)?;
    let tail = tail(&path, before).unwrap_or_default();
    let text = format!(
        "{tail}the server did not start: {status} (log: {})",
        path.display()
    );
    Err(if status.code() == Some(2) {
        Failure::refused(text)
    } else {
        Failure::failed(text)
    })
}

/// The log, and how long it was before this start.
fn open_log(folder: &Path, path: &Path) -> std::io::Result<(File, u64)> {
    std::fs::create_dir_all(folder)?;
    let log = OpenOptions::new().create(true).append(true).open(path)?;
    let before = log.metadata()?.len();
    Ok((log, before))
}

fn spawn(args: &[OsString], log: File) -> std::io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(std::env::current_exe()?);
    if let Some((name, options)) = args.split_first() {
        command.arg0(name).args(options);
    }
    command
        .arg("--foreground")
        .env(MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
}

/// Whether the server says that it serves before it ends.
fn serves(out: ChildStdout) -> bool {
    let mut lines = BufReader::new(out).lines().map_while(Result::ok);
    lines.any(|line| line.trim_end() == STARTED.trim_end())
}

/// The end of the log, of what was written since it was `before` bytes long.
fn tail(path: &Path, before: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(
        length.saturating_sub(SHOWN_BYTES).max(before),
    ))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// In the server: leaves the launcher's session, so that closing its terminal ends nothing.
pub(super) fn detach() {
    // Fails only for a process that leads a session already, which is what is wanted.
    let _ = setsid();
}

/// In the server: what goes to standard output from now on goes to the log, since the launcher's
/// pipe is about to be closed.
pub(super) fn let_go_of_the_launcher() {
    // Fails only without a standard error; lines to a closed pipe are dropped then.
    let _ = rustix::stdio::dup2_stdout(rustix::stdio::stderr());
}

/// Ends `pid` with SIGTERM and waits for it.
///
/// # Errors
/// It may not be ended, or does not end in time.
pub(super) fn end(pid: Pid) -> Result<(), Failure> {
    let failed = |what: &str, error| {
        Failure::failed(format!("process {}: {what}: {error}", pid.as_raw_pid()))
    };
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| failed("gone", error))?;
    kill_process(pid, Signal::TERM).map_err(|error| failed("cannot be stopped", error))?;
    let mut ended = [PollFd::new(&handle, PollFlags::IN)];
    match poll(&mut ended, Some(&STOP_LIMIT)) {
        Ok(0) => {
            print("Stopping TorchServe took too long...\n");
            Err(Failure::said(Exit::Failed))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(failed("cannot be waited for", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::{SHOWN_BYTES, open_log, tail};
    use std::io::Write;

    #[test]
    fn only_the_lines_of_this_start_are_shown_and_only_the_last_of_them() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("logs");
        let path = folder.join("ts_log.log");
        let (mut log, before) = open_log(&folder, &path).unwrap();
        assert_eq!(before, 0);
        log.write_all(b"first start\n").unwrap();
        let (mut log, before) = open_log(&folder, &path).unwrap();
        log.write_all(b"second start\n").unwrap();
        assert_eq!(tail(&path, before).unwrap(), "second start\n");
        log.write_all(&[b'x'; 5_000]).unwrap();
        assert_eq!(
            tail(&path, before).unwrap(),
            "x".repeat(SHOWN_BYTES as usize)
        );
    }
}
