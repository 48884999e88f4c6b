//! What the confined process may still do.

use std::os::fd::RawFd;
use std::path::PathBuf;

/// What a process keeps. [`Policy::default`] is the strictest useful one: no memory bound, 64 descriptors, no network, no new program, the
/// standard streams only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Bytes of private writable memory (heap, stacks of threads, data of libraries); `None`: no bound. A shared mapping of a file counts
    /// for its own size instead, which is bound by the same number. Past it an allocation fails, which ends most programs.
    pub memory_bytes: Option<u64>,
    /// Descriptors open at once, the kept ones included; 16 or more.
    pub open_files: u64,
    /// Threads and processes of the calling *user*, as the kernel counts them: give the child a user of its own to make it exact. `None`:
    /// no bound beside memory for their stacks. The kernel does not apply it to the root user.
    pub threads: Option<u64>,
    /// Whether IPv4 and IPv6 sockets and connecting to Unix sockets are possible. The process may always use the sockets it was given
    /// and pairs it makes itself.
    pub network: bool,
    /// Whether the process may replace itself by another program (an interpreter). The program stays confined.
    pub allow_exec: bool,
    /// Files and folders that may be read and executed beside the system's libraries. One that does not exist is left out.
    pub read_paths: Vec<PathBuf>,
    /// The process id of the parent with whom this process dies (`SIGKILL`). The kernel means the *thread* that started this process:
    /// start children from a thread that lives as long as they shall.
    pub parent: Option<u32>,
    /// Descriptors that stay open beside 0, 1 and 2. All others are closed.
    pub keep_fds: Vec<RawFd>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            open_files: 64,
            threads: None,
            network: false,
            allow_exec: false,
            read_paths: Vec::new(),
            parent: None,
            keep_fds: Vec::new(),
        }
    }
}
