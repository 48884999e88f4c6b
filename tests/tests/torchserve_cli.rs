//! The command line of TorchServe: the same program under the name `torchserve`.

use meterbox_tests::{Folder, built, eventually};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder with a configuration, an own temporary folder for the pid file, and the link.
struct Site {
    folder: Folder,
    program: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = Folder::new("torchserve");
        let program = folder.path().join("torchserve");
        std::os::unix::fs::symlink(&built().meterbox, &program).expect("the folder is ours");
        folder.write("tmp/keep", "");
        folder.write(
            "config.properties",
            format!(
                "inference_address=http://127.0.0.1:0\nmanagement_address=http://127.0.0.1:0\n\
                 metrics_address=http://127.0.0.1:0\nmodel_server_home={}\n",
                built().root.display()
            ),
        );
        Self { folder, program }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command
            .current_dir(self.folder.path())
            .env("TMPDIR", self.folder.path().join("tmp"));
        command
            .args(arguments)
            .output()
            .expect("the program starts")
    }

    fn start(&self) -> Output {
        let store = built().models.display().to_string();
        self.run(&[
            "--start",
            "--ncs",
            "--model-store",
            &store,
            "--ts-config",
            "config.properties",
            "--models",
            "noop.mar",
            "--disable-token-auth",
        ])
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("tmp/.model_server.pid")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.run(&["--stop"]);
    }
}

fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn start_comes_back_when_the_server_serves_and_stop_ends_it() {
    let site = Site::new();
    let started = site.start();
    assert!(started.status.success(), "{}", said(&started));
    assert!(
        said(&started).contains("Model server started.\n"),
        "{}",
        said(&started)
    );
    let pid = std::fs::read_to_string(site.pid_file()).expect("the pid file is written");
    let pid: u32 = pid.trim().parse().expect("a number");
    let process = PathBuf::from(format!("/proc/{pid}"));
    assert!(process.exists(), "the server goes on in the background");
    let again = site.start();
    assert!(said(&again).contains("already running"), "{}", said(&again));
    assert!(process.exists(), "the second start harms nothing");
    let stopped = site.run(&["--stop"]);
    assert!(stopped.status.success(), "{}", said(&stopped));
    assert!(
        said(&stopped).contains("TorchServe has stopped."),
        "{}",
        said(&stopped)
    );
    eventually("the server has ended", || {
        let state = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            Ok(())
        } else {
            Err(state)
        }
    });
    assert!(!site.pid_file().exists(), "the pid file goes with it");
}

#[test]
fn stop_without_a_server_says_so() {
    let site = Site::new();
    let stopped = site.run(&["--stop"]);
    assert!(
        said(&stopped).contains("TorchServe is not currently running."),
        "{}",
        said(&stopped)
    );
}

#[test]
fn the_version_is_printed_in_the_inherited_words() {
    let site = Site::new();
    let version = site.run(&["--version"]);
    assert!(version.status.success(), "{}", said(&version));
    assert!(
        said(&version).starts_with("TorchServe Version is "),
        "{}",
        said(&version)
    );
}
