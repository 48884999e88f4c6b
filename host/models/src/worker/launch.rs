//! What a supervisor needs of a worker's process: behind traits, so that tests can be the worker.

use super::status::WorkerStatus;
use crate::lines::ModelLines;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;

pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a process is started for.
#[derive(Clone)]
pub(crate) struct Assignment {
    /// `W-9000-noop_1.11`, for the log.
    pub(crate) name: String,
    /// The number of its socket.
    pub(crate) id: u32,
    /// The unpacked archive.
    pub(crate) folder: PathBuf,
    /// How long until the process takes a connection.
    pub(crate) startup_timeout: Duration,
    /// Where its metric lines go.
    pub(crate) lines: Arc<ModelLines>,
    /// Learns the process id that the worker prints.
    pub(crate) status: Arc<WorkerStatus>,
}

/// Starts processes.
pub(crate) trait Launcher: Send + Sync + 'static {
    /// Starts a process and connects to it.
    fn launch<'a>(&'a self, assignment: &'a Assignment)
    -> Boxed<'a, Result<Launched, LaunchError>>;
}

/// A process that takes commands.
pub(crate) struct Launched {
    /// The connection to it.
    pub(crate) link: UnixStream,
    /// The process.
    pub(crate) process: Box<dyn Process>,
}

/// A process. Dropping it kills it.
pub(crate) trait Process: Send {
    /// Kills it and all that it started, and waits until it is gone.
    fn kill(&mut self) -> Boxed<'_, ()>;

    /// Waits a short while for its end, then kills it: how it ended.
    fn reap(&mut self) -> Boxed<'_, Exit>;
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal, which was not ours.
    Signal(i32),
    /// It had closed its connection and was killed by us.
    Killed,
}

/// What the kernel's out-of-memory killer sends.
const SIGKILL: i32 = 9;

impl Exit {
    /// Whether it looks like the work of the out-of-memory killer; 137 is how a shell reports that.
    pub(crate) fn is_out_of_memory(self) -> bool {
        matches!(self, Self::Code(137) | Self::Signal(SIGKILL))
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Killed => f.write_str("connection closed"),
        }
    }
}

/// Why there is no process to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// It could not be started.
    #[error("{program} cannot be started: {source}: is `python` in config.properties right?")]
    Spawn {
        /// The interpreter.
        program: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Its code is not there.
    #[error("no worker at {0}: set model_server_home to the folder that holds python/")]
    NoWorkerScript(PathBuf),
    /// It ended before it was ready.
    #[error("ended before it was ready ({0})")]
    Ended(Exit),
    /// It was not ready in time.
    #[error("not ready after {0:?}")]
    TimedOut(Duration),
    /// What it prints cannot be read.
    #[error("its output cannot be read: {0}")]
    Output(std::io::Error),
    /// It does not take a connection.
    #[error("no connection: {0}")]
    Connect(std::io::Error),
}
