//! Closes what the process did not ask to keep.
#![allow(unsafe_code)] // close_range(2) has no safe wrapper

use std::os::fd::RawFd;

use crate::Refused;

/// Closes every descriptor except 0, 1, 2 and `keep`.
pub(crate) fn close_others(keep: &[RawFd]) -> Result<(), Refused> {
    let mut kept: Vec<u32> = keep
        .iter()
        .filter_map(|descriptor| u32::try_from(*descriptor).ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    kept.sort_unstable();
    let mut from = 3;
    for descriptor in kept {
        if descriptor > from {
            close(from, descriptor - 1)?;
        }
        from = from.max(descriptor.saturating_add(1));
    }
    close(from, u32::MAX)
}

fn close(first: u32, last: u32) -> Result<(), Refused> {
    // SAFETY: numbers only; whoever calls `confine` gives up the descriptors that it does not name.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done == 0 {
        return Ok(());
    }
    if std::io::Error::last_os_error().raw_os_error() == Some(libc::ENOSYS) {
        return close_listed(first, last);
    }
    Err(Refused::last_step("close inherited descriptors"))
}

/// The same for kernels before 5.9.
fn close_listed(first: u32, last: u32) -> Result<(), Refused> {
    let listed = std::fs::read_dir("/proc/self/fd").map_err(|error| Refused::Step {
        step: "list the open descriptors in /proc/self/fd",
        error,
    })?;
    // Collected first: the listing has a descriptor of its own, gone by the time of the loop.
    let open: Vec<u32> = listed
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open {
        if (first..=last).contains(&descriptor)
            && let Ok(descriptor) = RawFd::try_from(descriptor)
        {
            // SAFETY: as above; a number that is not open any more is answered with EBADF.
            unsafe { libc::close(descriptor) };
        }
    }
    Ok(())
}
