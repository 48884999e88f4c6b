//! The steps in their order.

use crate::{Policy, Refused, Report, descriptors, files, limits, privileges, syscalls};

/// Confines the calling process for good. What is in force afterwards does not depend on what the process does later, and a program it
/// executes inherits it (except that it becomes visible to debuggers of its user again, which its policy must allow anyway).
///
/// # Errors
/// [`Refused`] when the process has more than one thread, has lost its parent, or a step fails that every supported kernel has. Some steps may be
/// in force by then; the process must end.
pub fn confine(policy: &Policy) -> Result<Report, Refused> {
    let threads = threads();
    if threads != 1 {
        return Err(Refused::Threads(threads));
    }
    let mut report = Report {
        memory_bytes: policy.memory_bytes,
        open_files: policy.open_files.max(limits::OPEN_FILES_MIN),
        ..Report::default()
    };
    descriptors::close_others(&policy.keep_fds)?;
    limits::apply(policy, &mut report)?;
    // A change of user namespace or capabilities undoes what comes after it here, so these two are first.
    if let Some(threads) = policy.threads {
        privileges::limit_threads(threads, &mut report)?;
    }
    privileges::drop_all()?;
    privileges::hide()?;
    if let Some(parent) = policy.parent {
        privileges::die_with(parent)?;
        report.dies_with_parent = true;
    }
    files::restrict(policy, &mut report);
    syscalls::refuse(policy, &mut report)?;
    Ok(report)
}

/// Threads of this process; 1 where `/proc` is not there, so that only the kernel's own checks remain.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}
