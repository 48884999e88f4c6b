//! The server's own process, under the names that every Prometheus client library uses.

use super::{Emitter, Row, rows};

const fn system(row: Row) -> Row {
    row.emitter(Emitter::System)
        .updated("When metrics are gathered.")
}

rows! {
    /// Processor time.
    CPU = system(Row::observed("process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.").unit("seconds"));
    /// Resident memory.
    RESIDENT = system(Row::gauge("process_resident_memory_bytes",
        "Resident memory size in bytes.").unit("bytes"));
    /// Virtual memory.
    VIRTUAL = system(Row::gauge("process_virtual_memory_bytes",
        "Virtual memory size in bytes.").unit("bytes"));
    /// Open file descriptors.
    OPEN_FDS = system(Row::gauge("process_open_fds", "Number of open file descriptors."));
    /// Most file descriptors.
    MAX_FDS = system(Row::gauge("process_max_fds", "Maximum number of open file descriptors."));
    /// Start time.
    START = system(Row::gauge("process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.").unit("seconds"));
    /// Threads.
    THREADS = system(Row::gauge("process_threads", "Number of OS threads in the process."));
}
