//! What is in force afterwards, and why a process could not be confined.

use std::fmt;

/// What [`confine`](crate::confine) put in force. Its text is one line for the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The version of Landlock that guards files; `None`: this kernel has none, and files are only as safe as their permissions.
    pub landlock: Option<u32>,
    /// Whether the table of refused system calls is in force.
    pub seccomp: bool,
    /// How many system calls are refused always or for some arguments; 0 without seccomp.
    pub refused_calls: usize,
    /// The bound on private memory in bytes.
    pub memory_bytes: Option<u64>,
    /// The bound on open descriptors.
    pub open_files: u64,
    /// Whether the process dies with its parent.
    pub dies_with_parent: bool,
    /// What this kernel or container lacks, in words; empty when everything is in force.
    pub lacking: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("confined: no new privileges")?;
        match self.landlock {
            Some(version) => write!(f, ", landlock {version}")?,
            None => f.write_str(", no landlock")?,
        }
        match self.seccomp {
            true => write!(f, ", {} system calls refused", self.refused_calls)?,
            false => f.write_str(", no seccomp")?,
        }
        if let Some(bytes) = self.memory_bytes {
            write!(f, ", {} MiB", bytes >> 20)?;
        }
        write!(f, ", {} descriptors", self.open_files)?;
        if self.dies_with_parent {
            f.write_str(", dies with its parent")?;
        }
        if !self.lacking.is_empty() {
            write!(f, "; lacking: {}", self.lacking.join(", "))?;
        }
        Ok(())
    }
}

/// Why the process could not be confined. It must end without loading anything.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Landlock holds for one thread only, so there must be just one.
    #[error("the process has {0} threads already: confine it before it starts any but its first")]
    Threads(usize),
    /// The parent is gone, or was never the one expected.
    #[error("the parent is process {found}, not {expected}: it ended meanwhile")]
    Orphan {
        /// The process id in the policy.
        expected: u32,
        /// Who the parent is now; 0 outside of this process's namespace.
        found: u32,
    },
    /// A step that every supported kernel has failed.
    #[error("cannot {step}: {error}")]
    Step {
        /// What was tried, as a verb.
        step: &'static str,
        /// What the system answered.
        error: std::io::Error,
    },
    /// The table of system calls does not compile for this machine.
    #[error("cannot build the filter of system calls: {0}")]
    Filter(String),
}

impl Refused {
    /// The step that has just failed, with the error of the last system call.
    pub(crate) fn last_step(step: &'static str) -> Self {
        Self::Step {
            step,
            error: std::io::Error::last_os_error(),
        }
    }
}
