//! The table of attempts, what each must come to, and the runner.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use meterbox_sandbox::{Policy, confine};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use tempfile::{TempDir, tempdir};

use crate::ground::Ground;
use crate::{allowed, files, kernel, network, processes};

/// What an attempt must come to under confinement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expect {
    /// EPERM or EACCES; and possible without confinement.
    DeniedOnly,
    /// EPERM or EACCES; not tried without confinement, because it would do harm or needs privileges.
    Denied,
    /// ENOSYS.
    Absent,
    /// No such descriptor.
    Closed,
    Allowed,
}

/// A layer that a kernel may lack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Any,
    Landlock,
    Seccomp,
}

pub(crate) struct Attempt {
    pub(crate) name: &'static str,
    pub(crate) expect: Expect,
    pub(crate) layer: Layer,
    pub(crate) policy: fn(&mut Policy),
    pub(crate) act: fn(&Ground) -> io::Result<()>,
}

pub(crate) fn all() -> Vec<Attempt> {
    [
        files::attempts(),
        network::attempts(),
        processes::attempts(),
        kernel::attempts(),
        allowed::attempts(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What holds an attempt back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hold {
    /// Nothing: to show that the attempt is possible at all.
    Nothing,
    /// Everything this kernel has.
    All,
    /// Everything but Landlock, as on older kernels.
    NoLandlock,
}

/// `HOLD NAME FOLDER PORT`: tries one and prints what came of it.
pub(crate) fn child(arguments: &[String]) -> ExitCode {
    let [hold, name, ground @ ..] = arguments else {
        panic!("arguments: HOLD NAME FOLDER PORT");
    };
    let ground = Ground::new(ground);
    let attempt = all()
        .into_iter()
        .find(|attempt| attempt.name == name)
        .expect("a known attempt");
    let mut policy = ground.policy();
    (attempt.policy)(&mut policy);
    let mut layers = "landlock seccomp".to_owned();
    if *hold == format!("{:?}", Hold::NoLandlock) {
        without_landlock();
    }
    if *hold != format!("{:?}", Hold::Nothing) {
        let report = confine(&policy).expect("confined");
        layers = format!(
            "{}{}",
            if report.landlock.is_some() {
                "landlock "
            } else {
                ""
            },
            if report.seccomp { "seccomp" } else { "" }
        );
    }
    let answer = match (attempt.act)(&ground) {
        Ok(()) => "done".to_owned(),
        Err(error) => error.raw_os_error().map_or_else(
            || format!("failed: {error}"),
            |errno| format!("errno {errno}"),
        ),
    };
    let _ = writeln!(io::stdout(), "{answer}|{layers}");
    ExitCode::SUCCESS
}

/// From now on this process sees a kernel without Landlock.
fn without_landlock() {
    let absent = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let rules = [(libc::SYS_landlock_create_ruleset, Vec::new())];
    let arch = std::env::consts::ARCH.try_into().expect("a known machine");
    let filter = SeccompFilter::new(rules.into(), SeccompAction::Allow, absent, arch);
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    seccompiler::apply_filter(&program).expect("filters exist");
}

pub(crate) fn run() -> Vec<String> {
    let folder = target();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let _unix = UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let mut failures = Vec::new();
    for hold in [Hold::All, Hold::NoLandlock] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for attempt in all() {
            if attempt.expect == Expect::DeniedOnly && hold == Hold::All {
                let (answer, _) = try_it(&attempt, Hold::Nothing, folder.path(), port);
                if answer != "done" {
                    failures.push(format!(
                        "{}: \"{answer}\" without confinement, so that its denial shows nothing",
                        attempt.name
                    ));
                }
            }
            let (answer, layers) = try_it(&attempt, hold, folder.path(), port);
            match judge(&attempt, &answer, &layers) {
                Ok(verdict) => *counts.entry(verdict).or_default() += 1,
                Err(failure) => failures.push(format!("{hold:?}: {failure}")),
            }
        }
        println!("attempts, held back by {hold:?}: {counts:?}");
    }
    failures
}

/// Whether an attempt came to what it must, in a word.
fn judge(attempt: &Attempt, answer: &str, layers: &str) -> Result<&'static str, String> {
    let denied = [libc::EPERM, libc::EACCES].map(|errno| format!("errno {errno}"));
    let (verdict, right) = match attempt.expect {
        Expect::DeniedOnly | Expect::Denied => {
            ("denied", denied.iter().any(|known| known == answer))
        }
        Expect::Absent => ("absent", answer == format!("errno {}", libc::ENOSYS)),
        Expect::Closed => ("closed", answer == format!("errno {}", libc::EBADF)),
        Expect::Allowed => ("allowed", answer == "done"),
    };
    let lacking = match attempt.layer {
        Layer::Any => false,
        Layer::Landlock => !layers.contains("landlock"),
        Layer::Seccomp => !layers.contains("seccomp"),
    };
    if right {
        Ok(verdict)
    } else if lacking {
        println!("skipped {}: this kernel lacks the layer", attempt.name);
        Ok("skipped")
    } else {
        Err(format!(
            "{}: \"{answer}\", expected {:?} (layers: {layers})",
            attempt.name, attempt.expect
        ))
    }
}

/// What the child printed (or how it ended) and which layers it had.
fn try_it(attempt: &Attempt, hold: Hold, folder: &Path, port: u16) -> (String, String) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--attempt", &format!("{hold:?}"), attempt.name])
        .arg(folder)
        .arg(port.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim_end().rsplit_once('|') {
        Some((answer, layers)) => (answer.to_owned(), layers.to_owned()),
        None => (
            format!(
                "{}: {}{}",
                output.status,
                text,
                String::from_utf8_lossy(&output.stderr)
            ),
            String::new(),
        ),
    }
}

/// A folder with what an attempt may read, and what it must leave alone.
fn target() -> TempDir {
    let folder = tempdir().expect("a folder");
    let path = folder.path();
    std::fs::create_dir_all(path.join("readable")).expect("a folder");
    std::fs::write(path.join("victim"), "unharmed").expect("a file");
    std::fs::write(path.join("readable/notes"), "read me").expect("a file");
    folder
}

/// A row with the strict policy.
pub(crate) const fn row(
    name: &'static str,
    expect: Expect,
    layer: Layer,
    act: fn(&Ground) -> io::Result<()>,
) -> Attempt {
    Attempt {
        name,
        expect,
        layer,
        policy: |_| {},
        act,
    }
}
