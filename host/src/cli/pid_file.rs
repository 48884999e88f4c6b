//! The pid file of a server under the name `torchserve`.
//!
//! The folder is open to everyone, so a pid in it is believed only if that process is this program.
//!
//! **Source:** TorchServe 0.12: `{tmp}/.model_server.pid`.

use super::exit::Failure;
use meterbox_config::{Environment, temp_folder};
use rustix::process::Pid;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the pid is kept.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
}

/// A written pid file, removed when dropped.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
}

impl PidFile {
    pub(super) fn of(environment: &Environment, working_folder: &Path) -> Self {
        let folder = working_folder.join(temp_folder(environment));
        Self {
            path: folder.join(".model_server.pid"),
        }
    }

    /// The server that runs, if the file names one.
    pub(super) fn running(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let pid = Pid::from_raw(text.trim().parse().ok().filter(|pid| *pid > 0)?)?;
        is_this_program(pid).then_some(pid)
    }

    /// Writes the pid of this process.
    ///
    /// # Errors
    /// The file cannot be made new: a left-over of another user is in the way.
    pub(super) fn write(&self) -> Result<Written, Failure> {
        self.remove();
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&self.path)
            .and_then(|mut file| writeln!(file, "{}", std::process::id()));
        match written {
            Ok(()) => Ok(Written {
                path: self.path.clone(),
            }),
            Err(error) => Err(Failure::failed(format!(
                "{}: {error} (set TEMP to a folder of your own)",
                self.path.display()
            ))),
        }
    }

    /// Removes the file; whether there was one.
    pub(super) fn remove(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Another server may have taken the file's place if somebody removed it by hand.
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        if text.trim() == std::process::id().to_string() {
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// A pid is used again after its process ended, so a left-over file may name any process.
fn is_this_program(pid: Pid) -> bool {
    let name = |path: PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let of = |process: &str| {
        std::fs::read_link(format!("/proc/{process}/exe"))
            .ok()
            .and_then(name)
    };
    // The link of a program that was replaced since ends with this mark.
    let undeleted = |name: String| name.trim_end_matches(" (deleted)").to_owned();
    let other = of(&pid.as_raw_pid().to_string()).map(undeleted);
    other.is_some() && other == of("self").map(undeleted)
}

#[cfg(test)]
mod tests {
    use super::PidFile;
    use tempfile::{TempDir, tempdir};

    fn pid_file(folder: &TempDir) -> PidFile {
        let path = folder.path().join("pid");
        PidFile { path }
    }

    #[test]
    fn a_written_file_names_this_process_until_it_is_dropped() {
        let folder = tempdir().unwrap();
        let file = pid_file(&folder);
        let written = file.write().unwrap();
        assert_eq!(file.running(), Some(rustix::process::getpid()));
        drop(written);
        assert_eq!(file.running(), None);
        assert!(!file.path.exists());
    }

    #[test]
    fn the_pid_of_another_program_is_not_believed() {
        let folder = tempdir().unwrap();
        let file = pid_file(&folder);
        for text in ["1", "-1", "0", "", "x"] {
            std::fs::write(&file.path, text).unwrap();
            assert_eq!(file.running(), None, "{text:?}");
        }
        assert!(file.remove());
    }
}
