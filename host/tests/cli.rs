//! The `meterbox` program as a user calls it: exit codes, standard output, standard error.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::path::Path;
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

/// A folder of one test, removed at its end, and the program run in it with an empty environment.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("models")).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(program)
            .current_dir(self.path())
            .args(arguments)
            .env_clear()
            .env("TEMP", self.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn meterbox(&self, arguments: &[&str]) -> (i32, String, String) {
        self.run(Path::new(env!("CARGO_BIN_EXE_meterbox")), arguments)
    }

    fn torchserve(&self, arguments: &[&str]) -> (i32, String, String) {
        let link = self.path().join("torchserve");
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_meterbox"), &link).unwrap();
        }
        self.run(&link, arguments)
    }
}

#[test]
fn version_is_one_line() {
    let folder = Folder::new();
    let line = format!("meterbox {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        folder.meterbox(&["version"]),
        (0, line.clone(), String::new())
    );
    assert_eq!(folder.meterbox(&["--version"]), (0, line, String::new()));
}

#[test]
fn bad_usage_is_2_and_says_what_was_meant() {
    let folder = Folder::new();
    let (code, out, err) = folder.meterbox(&["serv"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("'serve'"), "{err}");
    let (code, _, err) = folder.meterbox(&["config", "check", "--set", "job_queue_size"]);
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "command line --set: \"job_queue_size\" has no = (expected KEY=VALUE, as in --set \
         job_queue_size=50)\n"
    );
}

#[test]
fn check_reports_all_errors_and_is_2() {
    let folder = Folder::new();
    folder.write(
        "config.properties",
        "job_queue_size=many\nplugin.drift.isolation=jail\n",
    );
    let (code, out, err) = folder.meterbox(&["config", "check"]);
    assert_eq!((code, out.as_str()), (2, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(
        lines,
        [
            "config.properties:1: job_queue_size: \"many\" is not an integer (expected 1..=100000, default 100)",
            "config.properties:2: plugin.drift.isolation: \"jail\" is not known (expected auto, process, thread)",
            "2 errors: the server would not start",
        ]
    );
}

#[test]
fn check_prints_warnings_and_is_0() {
    let folder = Folder::new();
    folder.write("other.properties", "job_queu_size=5\nmodel_store=models\n");
    let (code, out, err) = folder.meterbox(&["config", "check", "--config", "other.properties"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let file = folder.path().join("other.properties");
    let expect = format!(
        "other.properties:1: job_queu_size: unknown key, did you mean job_queue_size?\n\
         {}: no errors, 1 warning\n",
        file.display()
    );
    assert_eq!(out, expect);
}

#[test]
fn show_names_the_origin_of_each_value() {
    let folder = Folder::new();
    folder.write(
        "config.properties",
        "# first\njob_queue_size=7\nkeystore_pass=secret\nmine=1\n",
    );
    let arguments = ["config", "show", "--origin", "--model-store", "models"];
    let (code, out, _) = folder.meterbox(&arguments);
    assert_eq!(code, 0);
    let lines: Vec<String> = out
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for expect in [
        "config.properties:2 job_queue_size=7",
        "config.properties:3 keystore_pass=***",
        "config.properties:4 mine=1",
        "command line --model-store model_store=models",
        "default plugins_watch=true",
    ] {
        assert!(
            lines.iter().any(|line| line == expect),
            "{expect} in\n{out}"
        );
    }
    let (code, out, _) = folder.meterbox(&["config", "show", "--json"]);
    assert_eq!(code, 0);
    let rows: serde_json::Value = serde_json::from_str(&out).unwrap();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["key"] == "job_queue_size")
        .unwrap();
    assert_eq!(row["value"], "7");
    assert_eq!(row["origin"], "config.properties:2");
}

#[test]
fn what_show_prints_is_a_file_that_reads_the_same() {
    let folder = Folder::new();
    folder.write(
        "config.properties",
        "allowed_hosts=a\\\\b, c\nmine=x\\ny\njob_queue_size=3\n",
    );
    let (_, first, _) = folder.meterbox(&["config", "show"]);
    folder.write("config.properties", &first);
    let (code, second, err) = folder.meterbox(&["config", "show"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(first, second);
    assert!(first.contains("mine=x\\ny\n"), "{first}");
}

#[test]
fn serve_with_a_bad_configuration_is_refused_before_anything_starts() {
    let folder = Folder::new();
    folder.write(
        "config.properties",
        "metrics_address=https://127.0.0.1:8445\n",
    );
    let (code, _, err) = folder.meterbox(&["serve"]);
    assert_eq!(code, 2);
    assert!(
        err.starts_with("config.properties:1: metrics_address: "),
        "{err}"
    );
}

#[test]
fn torchserve_answers_like_the_launcher() {
    let folder = Folder::new();
    let (code, out, _) = folder.torchserve(&["-v"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("TorchServe Version is 0.12.0"), "{out}");
    let not_running = "TorchServe is not currently running.\n".to_owned();
    assert_eq!(
        folder.torchserve(&["--stop"]),
        (0, not_running, String::new())
    );
    let (code, _, err) = folder.torchserve(&["--start"]);
    assert_eq!(
        (code, err.as_str()),
        (1, "Missing mandatory parameter --model-store\n")
    );
    let (code, _, err) = folder.torchserve(&["--start", "--model-store", "nowhere"]);
    assert_eq!(code, 2);
    let expect = format!(
        "command line --model-store: model_store: {} is not a folder; create it or name another one\n",
        folder.path().join("nowhere").display()
    );
    assert_eq!(err, expect);
}

#[test]
fn a_left_over_pid_file_of_another_program_is_not_believed() {
    let folder = Folder::new();
    folder.write(".model_server.pid", "1\n");
    let already = "TorchServe already stopped.\n".to_owned();
    assert_eq!(folder.torchserve(&["--stop"]), (0, already, String::new()));
    assert!(!folder.path().join(".model_server.pid").exists());
}
