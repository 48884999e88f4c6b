//! Real worker processes: `python model_service_worker.py`, each in a process group of its own.
//!
//! The worker listens on a Unix socket and the server connects. When the server ends, however it
//! ends, the connection closes and the worker exits.
//!
//! **Source:** the command line is TorchServe 0.12's.

use super::launch::{Assignment, Boxed, Exit, LaunchError, Launched, Launcher, Process};
use super::output::Output;
use super::pipe::Pipe;
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a process that closed its connection may take to end by itself.
const END_PATIENCE: Duration = Duration::from_millis(500);
/// How long the rest of its output is read after it has ended.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(200);
/// Pause between attempts to connect to a worker that says it listens.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// How worker processes are started.
#[derive(Debug, Clone)]
pub(crate) struct ProcessOptions {
    /// The interpreter.
    pub(crate) python: String,
    /// `model_service_worker.py`.
    pub(crate) script: PathBuf,
    /// Where sockets are made.
    pub(crate) socket_folder: PathBuf,
    /// The declared metrics as JSON.
    pub(crate) metrics_config: PathBuf,
    /// The whole environment, without what is per model.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// Starts real processes.
pub(crate) struct ProcessLauncher {
    options: ProcessOptions,
}

impl ProcessLauncher {
    pub(crate) fn new(options: ProcessOptions) -> Self {
        Self { options }
    }

    fn command(&self, assignment: &Assignment, socket: &PathBuf) -> Command {
        let options = &self.options;
        let mut path = assignment.folder.clone().into_os_string();
        if let Some((_, inherited)) = options
            .environment
            .iter()
            .find(|(name, _)| name == "PYTHONPATH")
        {
            path.push(":");
            path.push(inherited);
        }
        let mut command = Command::new(&options.python);
        command
            .arg(&options.script)
            .args(["--sock-type", "unix", "--sock-name"])
            .arg(socket)
            .arg("--metrics-config")
            .arg(&options.metrics_config)
            .current_dir(&assignment.folder)
            .env_clear()
            .envs(
                options
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .env("PYTHONPATH", path)
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    async fn start(&self, assignment: &Assignment) -> Result<Launched, LaunchError> {
        let options = &self.options;
        if !options.script.is_file() {
            return Err(LaunchError::NoWorkerScript(options.script.clone()));
        }
        let socket = options
            .socket_folder
            .join(format!(".ts.sock.{}", assignment.id));
        // Left by a process that was killed.
        let _ = std::fs::remove_file(&socket);
        let mut child = self
            .command(assignment, &socket)
            .spawn()
            .map_err(|source| LaunchError::Spawn {
                program: options.python.clone(),
                source,
            })?;
        let pid = child.id();
        assignment.status.set_pid(pid.unwrap_or(0));
        let (output, started) = Output::new(assignment);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let ends = [
            out.map(ChildStdout::into_owned_fd),
            err.map(ChildStderr::into_owned_fd),
        ];
        let pipes = ends
            .into_iter()
            .flatten()
            .map(|end| end.and_then(Pipe::new));
        let pipes: Vec<Pipe> = pipes
            .collect::<Result<_, _>>()
            .map_err(LaunchError::Output)?;
        let read = |pipe| tokio::spawn(Arc::clone(&output).read(pipe));
        let readers = pipes.into_iter().map(read).collect();
        let name = assignment.name.clone();
        let mut process = WorkerProcess {
            child,
            group: pid,
            output,
            readers,
            socket,
            name,
        };
        let limit = assignment.startup_timeout;
        let deadline = Instant::now() + limit;
        tokio::select! {
            biased;
            // An error: both streams have ended, and so will the process.
            Ok(()) = started => {}
            _ = process.child.wait() => return Err(LaunchError::Ended(process.reap().await)),
            () = tokio::time::sleep_until(deadline) => {
                process.kill().await;
                return Err(LaunchError::TimedOut(limit));
            }
        }
        let link = connect(&process.socket, deadline).await;
        let link = match link {
            Ok(link) => link,
            Err(error) => {
                process.kill().await;
                return Err(LaunchError::Connect(error));
            }
        };
        Ok(Launched {
            link,
            process: Box::new(process),
        })
    }
}

impl Launcher for ProcessLauncher {
    fn launch<'a>(
        &'a self,
        assignment: &'a Assignment,
    ) -> Boxed<'a, Result<Launched, LaunchError>> {
        Box::pin(self.start(assignment))
    }
}

async fn connect(socket: &PathBuf, deadline: Instant) -> std::io::Result<UnixStream> {
    loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => tokio::time::sleep(CONNECT_PAUSE).await,
        }
    }
}

struct WorkerProcess {
    child: Child,
    /// Its process group, which has the number of its first process.
    group: Option<u32>,
    output: Arc<Output>,
    readers: Vec<JoinHandle<()>>,
    socket: PathBuf,
    name: String,
}

impl WorkerProcess {
    /// Kills all that the worker started, itself included.
    fn kill_group(&mut self) {
        let pid = self
            .group
            .take()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Nothing is left of the group if this fails.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Reads the rest of the output; what holds it open after that is no process of ours.
    async fn end_output(&mut self) {
        let deadline = Instant::now() + OUTPUT_PATIENCE;
        for mut reader in std::mem::take(&mut self.readers) {
            if tokio::time::timeout_at(deadline, &mut reader)
                .await
                .is_err()
            {
                reader.abort();
            }
        }
    }
}

impl Process for WorkerProcess {
    fn kill(&mut self) -> Boxed<'_, ()> {
        Box::pin(async {
            self.kill_group();
            // Only fails if it was waited for before.
            let _ = self.child.wait().await;
            self.end_output().await;
        })
    }

    fn reap(&mut self) -> Boxed<'_, Exit> {
        Box::pin(async {
            let ended = tokio::time::timeout(END_PATIENCE, self.child.wait()).await;
            self.kill().await;
            for line in self.output.last_lines() {
                tracing::warn!(target: "worker", worker = self.name, "before its end: {line}");
            }
            match ended {
                Ok(Ok(status)) => exit_of(status),
                _ => Exit::Killed,
            }
        })
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.kill_group();
        for reader in &self.readers {
            reader.abort();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Killed,
    }
}

#[cfg(test)]
mod tests;
