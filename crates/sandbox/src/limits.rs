//! Resource limits, the signal mask, and who the kernel ends first when memory runs out.
#![allow(unsafe_code)] // sigprocmask(2) has no safe wrapper

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Policy, Refused, Report};

/// A process with fewer could not load a library.
pub(crate) const OPEN_FILES_MIN: u64 = 16;

/// Of 1000: far before the host, yet not before everything else on the machine.
const OOM_SCORE: &str = "500";

pub(crate) fn apply(policy: &Policy, report: &mut Report) -> Result<(), Refused> {
    unblock_signals()?;
    if std::fs::write("/proc/self/oom_score_adj", OOM_SCORE).is_err() {
        report
            .lacking
            .push("being first when memory runs out (/proc is read-only)".to_owned());
    }
    lower(Resource::Core, 0, "forbid core dumps")?;
    lower(
        Resource::Nofile,
        report.open_files,
        "limit open descriptors",
    )?;
    if let Some(bytes) = policy.memory_bytes {
        // Not RLIMIT_AS: shared mappings, of which the process is given large ones, would count.
        lower(Resource::Data, bytes, "limit memory")?;
        lower(Resource::Fsize, bytes, "limit the size of memory files")?;
    }
    Ok(())
}

/// Sets both the soft and the hard limit, never above what the hard one is already.
pub(crate) fn lower(what: Resource, to: u64, step: &'static str) -> Result<(), Refused> {
    let hard = getrlimit(what).maximum;
    let limit = Some(hard.map_or(to, |hard| hard.min(to)));
    setrlimit(
        what,
        Rlimit {
            current: limit,
            maximum: limit,
        },
    )
    .map_err(|error| Refused::Step {
        step,
        error: error.into(),
    })
}

/// A process inherits its parent's mask: one that blocks SIGTERM could not be asked to end.
fn unblock_signals() -> Result<(), Refused> {
    // SAFETY: a set on the stack that is initialised by sigemptyset before it is read.
    let done = unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut())
    };
    match done {
        0 => Ok(()),
        _ => Err(Refused::last_step("reset the signal mask")),
    }
}
