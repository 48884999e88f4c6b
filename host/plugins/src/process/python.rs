//! How the process of a Python plugin becomes an interpreter: which one, which runner, what both may read.
//!
//! The interpreter says itself where its program and its modules are, so that a name in `PATH`, a
//! launcher script and a virtual environment all work in a child that can read nothing else.

use meterbox_plugin_files::{Reason, Refusal};
use parking_lot::Mutex;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// The program that speaks the runner protocol, below the folder that `model_server_home` names or near
/// the binary.
const RUNNER: &str = "python/meterbox_plugin_runner.py";
/// Folders above the binary in which it is looked for: a build has it in the repository.
const FOLDERS_ABOVE: usize = 4;
/// The oldest interpreter that the runner works with.
const OLDEST: (u32, u32) = (3, 9);
/// An interpreter that says nothing for this long is none.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// A longer answer is cut.
const ANSWER_BYTES_MAX: u64 = 64 << 10;
/// Asks for version, program, and every folder that modules may come from.
const QUESTION: &str = "\
import os, sys
places = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path}
found = [b'%d' % number for number in sys.version_info[:2]]
found += [os.fsencode(sys.executable or '')]
found += [os.fsencode(os.path.realpath(place)) for place in sorted(places) if os.path.exists(place)]
sys.stdout.buffer.write(b'\\0'.join(found))
";

/// What runs Python plugins. The interpreter is looked for when the first of them comes.
#[derive(Debug, Clone)]
pub struct Python {
    /// `plugins_python`: a path, or a name in `PATH`.
    interpreter: String,
    runner: PathBuf,
    found: Arc<Mutex<Option<Interpreter>>>,
}

/// An interpreter as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interpreter {
    program: PathBuf,
    reads: Vec<PathBuf>,
}

impl Python {
    /// The interpreter of this path or name, and the runner below `home` or near the binary.
    #[must_use]
    pub fn new(interpreter: &str, home: Option<&Path>) -> Self {
        let binary = std::env::current_exe().unwrap_or_default();
        let near = binary.ancestors().skip(1).take(FOLDERS_ABOVE);
        let mut places = home
            .into_iter()
            .chain(near)
            .map(|folder| folder.join(RUNNER));
        Self {
            interpreter: interpreter.to_owned(),
            // Where there is none, the refusal says where it should be.
            runner: places
                .find(|place| place.is_file())
                .unwrap_or_else(|| binary.with_file_name(RUNNER)),
            found: Arc::default(),
        }
    }

    /// The last arguments of `meterbox __plugin` for the plugin at `path`, which only tracebacks need.
    ///
    /// # Errors
    /// [`Reason::Start`] when there is no interpreter or no runner.
    pub fn arguments(&self, path: &Path) -> Result<Vec<OsString>, Refusal> {
        let refuse = |why: String| Refusal::new(Reason::Start, why).at(path);
        if !self.runner.is_file() {
            let runner = self.runner.display();
            return Err(refuse(format!(
                "there is no {runner} to run it; copy the folder python/ of the release there"
            )));
        }
        let interpreter = self.interpreter().map_err(refuse)?;
        // The package lies beside the runner.
        let own = self.runner.parent().map(Path::to_path_buf);
        let reads = interpreter.reads.into_iter().chain(own);
        let mut arguments: Vec<OsString> = reads
            .flat_map(|place| [OsString::from("--read"), place.into_os_string()])
            .collect();
        arguments.push("--exec".into());
        arguments.push(interpreter.program.into_os_string());
        // Isolated from variables and user folders; every line goes out at once.
        arguments.extend(["-I", "-u"].map(OsString::from));
        arguments.push(self.runner.clone().into_os_string());
        arguments.push(path.as_os_str().to_owned());
        Ok(arguments)
    }

    fn interpreter(&self) -> Result<Interpreter, String> {
        let mut found = self.found.lock();
        if let Some(known) = &*found {
            return Ok(known.clone());
        }
        // What was not found may be installed before the next plugin comes, so only success is kept.
        let asked = ask(&self.interpreter).map_err(|why| {
            let name = &self.interpreter;
            format!("plugins_python={name} {why}; install Python 3.9 or name another one")
        })?;
        Ok(found.insert(asked).clone())
    }
}

/// Lets the interpreter describe itself.
fn ask(name: &str) -> Result<Interpreter, String> {
    let mut child = Command::new(name)
        .args(["-I", "-c", QUESTION])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be started ({error})"))?;
    let (sender, received) = channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut answer = Vec::new();
            // What could be read is judged below.
            let _ = output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer);
            let _ = sender.send(answer);
        });
    }
    let answer = received.recv_timeout(ANSWER_LIMIT);
    if answer.is_err() {
        // It may be gone already.
        let _ = child.kill();
    }
    let status = child
        .wait()
        .map_err(|error| format!("cannot be awaited ({error})"))?;
    let answer = answer.map_err(|_| format!("says nothing within {} s", ANSWER_LIMIT.as_secs()))?;
    if !status.success() {
        return Err(format!("is no Python that works ({status})"));
    }
    read(&answer)
}

/// Takes the answer to [`QUESTION`] apart.
fn read(answer: &[u8]) -> Result<Interpreter, String> {
    let mut parts = answer.split(|&byte| byte == 0);
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<u32>().ok();
    let (Some(major), Some(minor)) = (number(), number()) else {
        return Err("does not answer as Python does".to_owned());
    };
    if (major, minor) < OLDEST {
        let (oldest_major, oldest_minor) = OLDEST;
        return Err(format!(
            "is Python {major}.{minor}, older than {oldest_major}.{oldest_minor}"
        ));
    }
    let mut paths = parts.map(|part| PathBuf::from(OsStr::from_bytes(part)));
    let program = paths.next().unwrap_or_default();
    if !program.is_absolute() {
        return Err("does not say where its program is".to_owned());
    }
    // A folder that holds everything would undo the child's confinement.
    let reads = paths.filter(|path| path.is_absolute() && path.parent().is_some());
    Ok(Interpreter {
        program,
        reads: reads.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_an_interpreter_is_taken_apart() {
        let found = read(b"3\x0012\0/opt/py/bin/python3\0/opt/py\0/\0relative").unwrap();
        assert_eq!(found.program, Path::new("/opt/py/bin/python3"));
        assert_eq!(found.reads, [Path::new("/opt/py")]);
        for (answer, text) in [
            (
                &b"3\x008\0/usr/bin/python3"[..],
                "is Python 3.8, older than 3.9",
            ),
            (b"2\x007\0/usr/bin/python", "is Python 2.7"),
            (b"Usage: python3", "does not answer as Python does"),
            (b"", "does not answer as Python does"),
            (b"3\x0012\0", "does not say where its program is"),
        ] {
            let refused = read(answer).unwrap_err();
            assert!(refused.contains(text), "{refused}");
        }
    }

    #[test]
    fn the_interpreter_is_named_with_its_folders_the_runner_and_the_plugin() {
        let python = Python::new("python3", None);
        let arguments = python.arguments(Path::new("/plugins/hello.py")).unwrap();
        let at = arguments.iter().position(|word| word == "--exec").unwrap();
        assert!(Path::new(&arguments[at + 1]).is_file(), "{arguments:?}");
        assert_eq!(arguments[at + 2..at + 4], ["-I", "-u"]);
        assert!(
            Path::new(&arguments[at + 4]).ends_with(RUNNER),
            "{arguments:?}"
        );
        assert_eq!(arguments[at + 5], "/plugins/hello.py");
        assert!(
            arguments[..at].chunks(2).all(|pair| pair[0] == "--read"),
            "{arguments:?}"
        );
    }

    #[test]
    fn a_missing_interpreter_is_named_with_what_to_do() {
        let python = Python::new("/nowhere/python3", None);
        let refusal = python
            .arguments(Path::new("/plugins/hello.py"))
            .unwrap_err();
        let text = "/plugins/hello.py: plugins_python=/nowhere/python3 cannot be started";
        assert!(refusal.text.starts_with(text), "{refusal}");
        let python = Python::new("python3", Some(Path::new("/nowhere")));
        assert!(
            python.runner.is_file(),
            "it is looked for near the binary, too"
        );
        let program = Python::new("false", None);
        let refusal = program
            .arguments(Path::new("/plugins/hello.py"))
            .unwrap_err();
        assert!(
            refusal.text.contains("is no Python that works"),
            "{refusal}"
        );
    }
}
