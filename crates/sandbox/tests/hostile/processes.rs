//! Attempts on other processes, and to make some.

use std::fs;
use std::process::Command;

use crate::attempts::Expect::{Absent, Denied, DeniedOnly};
use crate::attempts::{
    Attempt,
    Layer::{Any, Landlock, Seccomp},
    row,
};
use crate::ground::{Ground, call, check};

pub(crate) fn attempts() -> Vec<Attempt> {
    vec![
        row("fork", DeniedOnly, Seccomp, |_| {
            match unsafe { libc::fork() } {
                -1 => Err(std::io::Error::last_os_error()),
                0 => unsafe { libc::_exit(0) },
                _ => Ok(()),
            }
        }),
        row("start a program", DeniedOnly, Seccomp, |_| {
            Command::new("/bin/true").status().map(drop)
        }),
        row("become another program", Denied, Seccomp, |_| {
            call(libc::SYS_execve, [0, 0, 0, 0, 0])
        }),
        row("become a program in memory", Denied, Seccomp, |_| {
            call(libc::SYS_execveat, [-1, 0, 0, 0, 0])
        }),
        row("clone3", Absent, Seccomp, |_| {
            call(libc::SYS_clone3, [0, 0, 0, 0, 0])
        }),
        row("clone a process", Denied, Seccomp, |_| {
            // An invalid mix of flags: refused by the filter before the kernel looks.
            let flags = libc::CLONE_SIGHAND | libc::SIGCHLD;
            call(libc::SYS_clone, [flags.into(), 0, 0, 0, 0])
        }),
        row("signal the parent", DeniedOnly, Any, |ground| {
            call(libc::SYS_kill, [parent(ground), 0, 0, 0, 0])
        }),
        row("signal everyone", Denied, Any, |_| {
            call(libc::SYS_kill, [-1, 0, 0, 0, 0])
        }),
        row("signal the parent's thread", DeniedOnly, Any, |ground| {
            call(libc::SYS_tgkill, [parent(ground), parent(ground), 0, 0, 0])
        }),
        row("signal any thread", DeniedOnly, Any, |ground| {
            call(libc::SYS_tkill, [parent(ground), 0, 0, 0, 0])
        }),
        row("queue a signal to the parent", Denied, Any, |ground| {
            call(libc::SYS_rt_sigqueueinfo, [parent(ground), 0, 0, 0, 0])
        }),
        row(
            "hold the parent by a descriptor",
            DeniedOnly,
            Seccomp,
            |ground| call(libc::SYS_pidfd_open, [parent(ground), 0, 0, 0, 0]),
        ),
        row("signal by a descriptor", Denied, Seccomp, |_| {
            call(libc::SYS_pidfd_send_signal, [-1, 0, 0, 0, 0])
        }),
        row("take a descriptor of the parent", Denied, Seccomp, |_| {
            call(libc::SYS_pidfd_getfd, [-1, 0, 0, 0, 0])
        }),
        row(
            "have a descriptor signal the parent",
            DeniedOnly,
            Seccomp,
            |ground| {
                call(
                    libc::SYS_fcntl,
                    [0, libc::F_SETOWN.into(), parent(ground), 0, 0],
                )
            },
        ),
        row("trace the parent", Denied, Any, |ground| {
            call(
                libc::SYS_ptrace,
                [libc::PTRACE_SEIZE.into(), parent(ground), 0, 0, 0],
            )
        }),
        row("be traced", DeniedOnly, Seccomp, |_| {
            call(libc::SYS_ptrace, [libc::PTRACE_TRACEME.into(), 0, 0, 0, 0])
        }),
        row("read the parent's memory", Denied, Any, |ground| {
            call(libc::SYS_process_vm_readv, [parent(ground), 0, 0, 0, 0])
        }),
        row("write the parent's memory", Denied, Any, |ground| {
            call(libc::SYS_process_vm_writev, [parent(ground), 0, 0, 0, 0])
        }),
        row("open the parent's memory", Denied, Landlock, |ground| {
            fs::File::open(format!("/proc/{}/mem", ground.parent)).map(drop)
        }),
        row(
            "read the parent's environment",
            DeniedOnly,
            Landlock,
            |ground| fs::read(format!("/proc/{}/environ", ground.parent)).map(drop),
        ),
        row(
            "list the parent's descriptors",
            DeniedOnly,
            Landlock,
            |ground| fs::read_dir(format!("/proc/{}/fd", ground.parent)).map(drop),
        ),
        row("change the parent's limits", DeniedOnly, Any, |ground| {
            call(libc::SYS_prlimit64, [parent(ground), 0, 0, 0, 0])
        }),
        row("change the parent's priority", Denied, Any, |ground| {
            check(unsafe { libc::setpriority(libc::PRIO_PROCESS, ground.parent, 19) }.into())
        }),
        row("move the parent to a processor", Denied, Any, |ground| {
            call(libc::SYS_sched_setaffinity, [parent(ground), 0, 0, 0, 0])
        }),
        row("leave the process group", Denied, Any, |_| {
            call(libc::SYS_setpgid, [0, 0, 0, 0, 0])
        }),
    ]
}

fn parent(ground: &Ground) -> i64 {
    ground.parent.into()
}
