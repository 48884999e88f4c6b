//! Peak memory of a piece of work, as the kernel counts resident pages.

use std::fs;
use std::hint::black_box;
use std::process::Command;

/// KiB of resident memory that `work` needed at its peak beyond what was resident before.
///
/// # Panics
/// When the kernel offers no `/proc/self/clear_refs`.
pub(crate) fn extra_peak_kib(work: impl FnOnce() -> u64) -> u64 {
    // 5 resets the peak to what is resident now.
    fs::write("/proc/self/clear_refs", "5").expect("Linux resets the peak of resident memory");
    let before = field("VmHWM:");
    black_box(work());
    field("VmHWM:").saturating_sub(before)
}

/// What a child of this program, started with `arguments`, prints as its figure.
///
/// # Panics
/// When the child cannot be started or prints no number.
pub(crate) fn of_child(arguments: &[&str]) -> u64 {
    let program = std::env::current_exe().expect("a running program has a path");
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect("this program can be started again");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("the child prints one number")
}

fn field(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a process can read its status");
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.parse().ok())
        .expect("the status names its peak in kB")
}
