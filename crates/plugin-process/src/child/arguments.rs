//! What the process is started with.

use std::ffi::OsString;

/// The arguments of a child. The host decides them; see `docs/RUNNER-PROTOCOL.md` for all the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildArguments {
    /// Bytes of private memory that the process may have, stacks included; `None`: no bound.
    pub memory_bytes: Option<u64>,
    /// Whether it may open network connections.
    pub network: bool,
    /// Threads that the process may have; `None`: no bound.
    pub threads: Option<u64>,
    /// Confine this process, then become this program, which speaks the protocol itself. Empty: load a
    /// library.
    pub exec: Vec<OsString>,
    /// Further files and folders that the process may read.
    pub read: Vec<std::path::PathBuf>,
}
