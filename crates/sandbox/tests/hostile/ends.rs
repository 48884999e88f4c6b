//! How confined processes end, and processes that cannot be confined.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt, parent_id};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use meterbox_sandbox::{Policy, Refused, confine};

/// Name, what the child does, and what must be true of its end.
type Row = (&'static str, fn() -> ExitCode, fn(ExitStatus, &str) -> bool);

const ROWS: &[Row] = &[
    (
        "abort ends the process with SIGABRT and leaves no core",
        || {
            let _ = confine(&Policy::default()).expect("confined");
            std::process::abort()
        },
        |status, _| status.signal() == Some(libc::SIGABRT) && !status.core_dumped(),
    ),
    (
        "eating memory ends the process",
        || {
            let policy = Policy {
                memory_bytes: Some(96 << 20),
                ..Policy::default()
            };
            let _ = confine(&policy).expect("confined");
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            for _ in 0..1024 {
                eaten.push(vec![7; 1 << 20]);
            }
            ExitCode::SUCCESS
        },
        |status, _| status.signal().is_some(),
    ),
    (
        "a thread bomb stops at the bound",
        thread_bomb,
        |_, said| {
            if said.starts_with("skipped") {
                print!("{said}");
            }
            said.starts_with("skipped") || said == "7 threads\n"
        },
    ),
    (
        "more than one thread is refused",
        || {
            let (end, wait) = std::sync::mpsc::channel::<()>();
            let other = std::thread::spawn(move || wait.recv());
            let answer = confine(&Policy::default());
            drop(end);
            let _ = other.join();
            say(&matches!(answer, Err(Refused::Threads(2))).to_string())
        },
        |_, said| said == "true\n",
    ),
    (
        "another parent is refused",
        || {
            let policy = Policy {
                parent: Some(parent_id() + 1),
                ..Policy::default()
            };
            say(&matches!(confine(&policy), Err(Refused::Orphan { .. })).to_string())
        },
        |_, said| said == "true\n",
    ),
    (
        "a process dies with its parent",
        parent_of_a_sleeper,
        |status, said| status.success() && said == "confined\n",
    ),
    (
        "the report is one line",
        || {
            let policy = Policy {
                memory_bytes: Some(256 << 20),
                ..Policy::default()
            };
            say(&confine(&policy).expect("confined").to_string())
        },
        |_, said| {
            print!("{said}");
            said.starts_with("confined: no new privileges") && said.lines().count() == 1
        },
    ),
];

pub(crate) fn run() -> Vec<String> {
    let mut failures = Vec::new();
    for (name, _, right) in ROWS {
        let output = again(name)
            .stderr(Stdio::null())
            .output()
            .expect("the child starts");
        let said = String::from_utf8_lossy(&output.stdout);
        if !right(output.status, &said) {
            failures.push(format!("{name}: {} \"{said}\"", output.status));
        }
    }
    println!("ends: {}", ROWS.len());
    failures
}

fn again(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--end", name]).stdin(Stdio::null());
    command
}

pub(crate) fn child(arguments: &[String]) -> ExitCode {
    let name = arguments.first().expect("a name");
    if name == "sleep" {
        return sleeper();
    }
    let (_, act, _) = ROWS
        .iter()
        .find(|(row, ..)| row == name)
        .expect("a known end");
    act()
}

fn say(text: &str) -> ExitCode {
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn thread_bomb() -> ExitCode {
    if rustix::process::getuid().is_root() {
        // Root is never bound; nobody is.
        let status = again("a thread bomb stops at the bound")
            .uid(65_534)
            .gid(65_534)
            .status();
        return match status {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            other => say(&format!(
                "skipped the thread bomb: cannot run as nobody ({other:?})"
            )),
        };
    }
    let policy = Policy {
        threads: Some(8),
        ..Policy::default()
    };
    let report = confine(&policy).expect("confined");
    if !report.lacking.is_empty() {
        return say(&format!(
            "skipped the thread bomb: {}",
            report.lacking.join(", ")
        ));
    }
    let mut threads = 0;
    while threads < 64
        && std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(|| {
                loop {
                    std::thread::park()
                }
            })
            .is_ok()
    {
        threads += 1;
    }
    say(&format!("{threads} threads"))
}

/// Starts the sleeper, waits until it says that it is confined, and ends. Standard output stays open in the sleeper: the test would
/// wait for its end if it lived on.
#[allow(clippy::zombie_processes)] // that it is not waited for is the point
fn parent_of_a_sleeper() -> ExitCode {
    let mut sleeper = again("sleep")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // What is said on its error stream comes after the confinement.
    let mut byte = [0];
    let ready = sleeper
        .stderr
        .as_mut()
        .expect("piped")
        .read_exact(&mut byte);
    match ready {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn sleeper() -> ExitCode {
    let policy = Policy {
        parent: Some(parent_id()),
        ..Policy::default()
    };
    let _ = confine(&policy).expect("confined");
    say("confined");
    let _ = io::stderr().write_all(b"x");
    // Only to fail instead of hanging should it live on.
    std::thread::park_timeout(std::time::Duration::from_secs(30));
    say("outlived its parent")
}
