//! docs/PLUGINS.md, typed by a program: every file is written, every command is run, every output looked for.

use meterbox_tests::{Folder, Host, built, eventually};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// Commands that wait for the server to notice a file are asked again until they succeed.
const WAITS: &str =
    "for try in $(seq 120); do\n  if out=$(COMMAND 2>&1); then break; fi\n  sleep 0.25\ndone\n";

/// One fenced block of the guide.
#[derive(Debug)]
struct Block {
    /// What follows the fence: a language, then a file name or `fails`.
    info: String,
    text: String,
    line: usize,
}

impl Block {
    fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    fn rest(&self) -> Option<&str> {
        self.info.split_once(' ').map(|(_, rest)| rest)
    }
}

fn blocks(guide: &str) -> VecDeque<Block> {
    let mut found = VecDeque::new();
    let mut open: Option<Block> = None;
    for (index, line) in guide.lines().enumerate() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(info), None) => {
                open = Some(Block {
                    info: info.to_owned(),
                    text: String::new(),
                    line: index + 2,
                });
            }
            (None, Some(block)) => {
                block.text += line;
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of the guide is not closed");
    found
}

/// A folder as `cargo xtask dist` makes it, for the guide's commands.
struct Desk {
    folder: Folder,
    host: Host,
    /// Stands for the database that the guide's exporter writes to.
    database: TcpListener,
}

impl Desk {
    fn new() -> Self {
        let host = Host::builder()
            .plugin("prometheus")
            .line("export_interval_ms=200")
            .start();
        let folder = Folder::new("guide");
        let program = format!("#!/bin/sh\nexec {} \"$@\"\n", built().meterbox.display());
        let file = folder.write("meterbox", program);
        set_executable(&file);
        let plugins = host.folder().join("plugins");
        std::os::unix::fs::symlink(&plugins, folder.path().join("plugins"))
            .expect("a fresh folder");
        let config = format!(
            "inference_address=http://{}\nmanagement_address=http://{}\nmetrics_address=http://{}\n\
             plugins_path={}\ndisable_token_authorization=true\n",
            host.inference(),
            host.management(),
            host.metrics(),
            plugins.display()
        );
        folder.write("config.properties", config);
        let database = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self {
            folder,
            host,
            database,
        }
    }

    /// The block as it is run here: with this server's addresses, in the profile that tests build in.
    fn translated(&self, text: &str) -> String {
        let database = self.database.local_addr().expect("it is bound");
        text.replace("localhost:8082", &self.host.metrics().to_string())
            .replace("127.0.0.1:8086", &database.to_string())
            .replace(" --release", "")
            .replace("target/release", "target/debug")
    }

    fn run(&self, block: &Block) -> Output {
        let mut script = String::from("set -eu\n");
        for command in self.translated(&block.text).lines() {
            let asks = ["plugins call", "plugins reload", "plugins show"];
            if asks.iter().any(|ask| command.contains(ask)) {
                script += &WAITS.replace("COMMAND", command);
                script += "printf '%s\\n' \"$out\"\n";
                // What was asked for last decides.
                script += &format!("{command} > /dev/null\n");
            } else {
                script += command;
                script.push('\n');
            }
        }
        Command::new("bash")
            .args(["-c", &script])
            .current_dir(self.folder.path())
            .env("RUST_BACKTRACE", "0")
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .expect("bash starts")
    }

    fn write(&self, block: &Block, name: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, self.translated(&block.text)).expect("the folder is ours");
    }

    /// Lets the project use what the workspace has built already: its lock file and target folder.
    fn share_builds(&self, project: &Path) {
        let target = project.join("target");
        if project.join("Cargo.toml").is_file() && !target.exists() {
            std::os::unix::fs::symlink(&built().target, target).expect("a new project");
            let lock = built().root.join("Cargo.lock");
            std::fs::copy(lock, project.join("Cargo.lock")).expect("the folder is ours");
        }
    }
}

/// Takes one push and answers it.
fn take_push(database: &TcpListener) -> String {
    database.set_nonblocking(true).expect("it is bound");
    let (mut stream, _) = eventually("the exporter pushes", || {
        database.accept().map_err(|error| error.to_string())
    });
    stream.set_nonblocking(false).expect("it is open");
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).expect("not zero");
    let mut push = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&push);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|text| text.parse().ok()).expect("a length");
            if body.len() >= length {
                break;
            }
        }
        let read = stream.read(&mut chunk).expect("the push comes");
        assert!(read > 0, "the push is whole");
        push.extend_from_slice(&chunk[..read]);
    }
    let done = b"HTTP/1.1 204 No Content\r\n\r\n";
    stream
        .write_all(done)
        .expect("the host waits for an answer");
    String::from_utf8_lossy(&push).into_owned()
}

fn set_executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let permissions = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(file, permissions).expect("the file is ours");
}

#[test]
fn every_file_and_every_command_of_the_guide_does_what_it_says() {
    let guide = built().root.join("docs/PLUGINS.md");
    let guide = std::fs::read_to_string(guide).expect("the guide is there");
    let desk = Desk::new();
    let mut printed = String::new();
    let mut commands = 0;
    for block in blocks(&guide) {
        let place = format!("docs/PLUGINS.md:{}", block.line);
        match (block.language(), block.rest()) {
            ("sh", rest) => {
                let output = desk.run(&block);
                printed = String::from_utf8_lossy(&output.stdout).into_owned();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert_eq!(
                    output.status.success(),
                    rest != Some("fails"),
                    "{place}:\n{}\n{printed}\n{errors}\n{}",
                    block.text,
                    desk.host.output()
                );
                desk.share_builds(&desk.folder.path().join("longest"));
                commands += 1;
            }
            ("text", None) => {
                for line in block.text.lines() {
                    assert!(printed.contains(line), "{place}: no {line:?} in\n{printed}");
                }
            }
            (_, Some(name)) => desk.write(&block, name),
            (language, None) => panic!("{place}: nobody knows what to do with {language:?}"),
        }
    }
    assert!(commands >= 8, "the guide has commands: {commands}");
    let push = take_push(&desk.database);
    assert!(
        push.starts_with("POST /write?db=meterbox HTTP/1.1\r\n"),
        "{push}"
    );
    assert!(push.contains("\nlongest_requests_total value="), "{push}");
}
