//! How a child is started, how long it may take, and when it is given up.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use meterbox_restarts::RestartSettings;

/// The program that is the child, and its arguments.
#[derive(Clone, Debug)]
pub struct ChildCommand {
    /// An absolute path.
    pub program: PathBuf,
    /// Arguments, without the program's own name.
    pub arguments: Vec<OsString>,
}

/// Limits of one plugin's process.
#[derive(Clone, Debug)]
pub struct ProcessSettings {
    /// Entries that may be under way at once; the pool's threads and those that may be stuck. At most 64.
    pub call_lanes: usize,
    /// Loading, creating and starting together may take this long.
    pub start_limit: Duration,
    /// The deadline of a request. A child is killed when a request took this long after its own
    /// deadline, and when any other entry took twice as long.
    pub entry_limit: Duration,
    /// The deadline of a collector; killed at twice as much.
    pub collect_limit: Duration,
    /// When it is started again.
    pub restarts: RestartSettings,
    /// What nobody has to choose.
    pub sizes: Sizes,
}

/// Sizes of one plugin's process, and how long it may take to end.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Bytes of one half of a lane's shared memory, a multiple of 8.
    pub arena_bytes: usize,
    /// Bytes of the file of cells; what is not written takes no memory.
    pub cell_bytes: u64,
    /// Stripes in it: threads of the child that count without locked instructions, and one.
    pub stripes: u32,
    /// After its stop hook the child has this long to end.
    pub stop_limit: Duration,
    /// Answers that may be open at once.
    pub open_calls_max: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            arena_bytes: 1 << 20,
            cell_bytes: 64 << 20,
            stripes: 8,
            stop_limit: Duration::from_secs(1),
            open_calls_max: 4096,
        }
    }
}
