//! What can go wrong while a collector reads, as a person and as a counter see it.
//!
//! A collector that fails leaves the others and the page alone; each failure is counted under one
//! of the [`Reason`]s and told with the path it is about.

use std::path::PathBuf;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CollectError {
    /// The file is not there or may not be read.
    #[error("{}: cannot read: {source}; set `proc_path` or `sys_path` if it lies elsewhere", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The file is longer than any kernel writes it.
    #[error("{}: longer than {limit} bytes; is it the kernel's own file?", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// The text is not what this kernel interface prints.
    #[error("{file}: {what}: {text:?}")]
    Parse {
        /// The file, as the kernel names it.
        file: &'static str,
        /// What was expected.
        what: &'static str,
        /// The beginning of what was found.
        text: String,
    },
    /// The kernel or a driver refused a call.
    #[error("{what}: {text}")]
    Call {
        /// The call and what it was about.
        what: String,
        /// The answer.
        text: String,
    },
    /// A file system does not answer, as an NFS server that is gone.
    #[error("{mount}: file system does not answer; unmount it, or name it in `ignored_mounts`")]
    Stuck {
        /// The mount point.
        mount: String,
    },
}

/// The closed set of reasons that problems are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// A file could not be read.
    Read,
    /// A file did not look as expected.
    Parse,
    /// A call was refused.
    Call,
    /// A file system did not answer in time.
    Stuck,
}

impl Reason {
    /// The label value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Call => "call",
            Self::Stuck => "stuck",
        }
    }
}

impl CollectError {
    /// A parse error that quotes at most the first 60 characters.
    pub(crate) fn parse(file: &'static str, what: &'static str, text: &str) -> Self {
        Self::Parse {
            file,
            what,
            text: text.chars().take(60).collect(),
        }
    }

    /// The reason it is counted under.
    pub(crate) const fn reason(&self) -> Reason {
        match self {
            Self::Read { .. } => Reason::Read,
            Self::TooLong { .. } | Self::Parse { .. } => Reason::Parse,
            Self::Call { .. } => Reason::Call,
            Self::Stuck { .. } => Reason::Stuck,
        }
    }
}

/// One thing that could not be read while the rest of its collector went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What it is counted under.
    pub(crate) reason: Reason,
    /// What the log says.
    pub(crate) text: String,
}
