//! What is known about a plugin's process.

use std::time::SystemTime;

use super::cause::Cause;

/// Where a plugin's process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is not in service yet.
    New,
    /// It serves.
    Up,
    /// It ended and is being started again.
    Down,
    /// It ended too often and is tried again at intervals.
    Quarantined,
    /// It was stopped for good.
    Stopped,
}

/// The last crash.
#[derive(Clone, Debug)]
pub struct LastCrash {
    /// When.
    pub at: SystemTime,
    /// Why.
    pub cause: Cause,
    /// As [`Cause::sentence`].
    pub sentence: String,
}

/// A plugin's process at one moment.
#[derive(Clone, Debug)]
pub struct ProcessStatus {
    /// Where it is.
    pub phase: Phase,
    /// Its number, while there is a process.
    pub pid: Option<u32>,
    /// How many processes came up, the first among them.
    pub starts: u64,
    /// How many ended unasked, or did not come up.
    pub crashes: u64,
    /// The last of them.
    pub last_crash: Option<LastCrash>,
    /// Memory of the process that is in main memory, in bytes.
    pub resident_bytes: Option<u64>,
    /// Cells that its series have.
    pub cells_used: u64,
    /// Answers that it has not finished.
    pub open_calls: usize,
    /// Changes of series that did not fit their kind, over all processes.
    pub misfits: u64,
}
