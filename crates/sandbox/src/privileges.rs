//! What the kernel lets the process do for being who it is: capabilities, new privileges, being looked into, outliving its parent.
#![allow(unsafe_code)] // prctl(2), capset(2) and unshare(2) have no safe wrapper without further features of rustix

use rustix::process::Resource;

use crate::limits::lower;
use crate::{Refused, Report};

/// `prctl` with integers only.
fn prctl(option: libc::c_int, value: libc::c_ulong, step: &'static str) -> Result<(), Refused> {
    // SAFETY: every option used here takes integers; unused arguments are zero as the newer ones demand.
    match unsafe { libc::prctl(option, value, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(Refused::last_step(step)),
    }
}

/// Bounds the threads of this process, the first included.
///
/// The kernel counts per user, so that another process of the user could take all the room; in a user namespace of its own, with the same user
/// in it, the count is this process's alone. The root user is never bound.
pub(crate) fn limit_threads(threads: u64, report: &mut Report) -> Result<(), Refused> {
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    if user.is_root() {
        let lacks = "a bound on threads other than memory for their stacks (the user is root)";
        report.lacking.push(lacks.to_owned());
        return Ok(());
    }
    // SAFETY: integers only; the process has one thread.
    if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
        let why = std::io::Error::last_os_error();
        report.lacking.push(format!(
            "a bound on threads other than memory for their stacks (no user namespaces: {why})"
        ));
        return Ok(());
    }
    let (user, group) = (user.as_raw(), group.as_raw());
    // Without these the process would be nobody; it could still do everything that it needs.
    let _ = std::fs::write("/proc/self/setgroups", "deny");
    let _ = std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"));
    let _ = std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"));
    lower(Resource::Nproc, threads.max(1), "limit threads")
}

/// Gives up every capability, now and for whatever is executed.
pub(crate) fn drop_all() -> Result<(), Refused> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1, "forbid new privileges")?;
    // From here on failing is fine for a process that has none: the last call is the one that counts.
    for capability in 0..64 {
        // SAFETY: integers only.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
    // SAFETY: integers only.
    unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    };
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    let header = Header {
        version: 0x2008_0522, // the one with 64 bits
        pid: 0,
    };
    let none = [0_u32; 6];
    // SAFETY: header and the two triples it announces live for the call and are laid out as capset(2) says.
    match unsafe { libc::syscall(libc::SYS_capset, &header, none.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Refused::last_step("give up capabilities")),
    }
}

/// Hides this process: no other process of its user may look into its memory, environment or descriptors, and no dump of it is written.
///
/// [`confine`](crate::confine) does it to the confined process. Where the kernel has no Landlock, the process that holds secrets and starts confined ones
/// should do it to itself: nothing else keeps its memory from a child of the same user.
///
/// # Errors
/// What the system said.
pub fn hide() -> Result<(), Refused> {
    prctl(libc::PR_SET_DUMPABLE, 0, "hide from debuggers")
}

/// Dies when the parent does, also if that was before this call.
pub(crate) fn die_with(expected: u32) -> Result<(), Refused> {
    let signal = libc::c_ulong::from(libc::SIGKILL.unsigned_abs());
    prctl(libc::PR_SET_PDEATHSIG, signal, "die with the parent")?;
    let found =
        rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
    match found == expected {
        true => Ok(()),
        false => Err(Refused::Orphan { expected, found }),
    }
}
