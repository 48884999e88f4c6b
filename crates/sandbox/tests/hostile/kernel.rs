//! Attempts on the kernel and on what the process is. Their arguments are invalid on purpose: without a filter the answer would be another
//! error, and nothing would happen.

use crate::attempts::Expect::{Absent, Denied, DeniedOnly};
use crate::attempts::{
    Attempt,
    Layer::{Any, Seccomp},
    row,
};
use crate::ground::call;

/// One row a call with arguments that are all -1 or as given.
macro_rules! refused {
    ($($name:literal $call:ident $arguments:expr),* $(,)?) => {
        vec![$(row($name, Denied, Seccomp, |_| call(libc::$call, $arguments))),*]
    };
}

pub(crate) fn attempts() -> Vec<Attempt> {
    let mut all = refused! {
        "mount" SYS_mount [0, 0, 0, 0, 0],
        "unmount" SYS_umount2 [0, 0, 0, 0, 0],
        "open a mount tree" SYS_open_tree [-1, 0, 0, 0, 0],
        "swap roots" SYS_pivot_root [0, 0, 0, 0, 0],
        "change the root" SYS_chroot [0, 0, 0, 0, 0],
        "a user namespace" SYS_unshare [0x1000_0000, 0, 0, 0, 0],
        "enter a namespace" SYS_setns [-1, 0, 0, 0, 0],
        "bpf" SYS_bpf [-1, 0, 0, 0, 0],
        "keyctl" SYS_keyctl [-1, 0, 0, 0, 0],
        "add a key" SYS_add_key [0, 0, 0, 0, 0],
        "performance counters" SYS_perf_event_open [0, 0, 0, -1, 0],
        "user faults" SYS_userfaultfd [-1, 0, 0, 0, 0],
        "io_uring" SYS_io_uring_setup [0, 0, 0, 0, 0],
        "another kernel" SYS_kexec_load [0, 1000, 0, 0, 0],
        "load a module" SYS_init_module [0, 0, 0, 0, 0],
        "unload a module" SYS_delete_module [0, 0, 0, 0, 0],
        "restart the machine" SYS_reboot [0, 0, 0, 0, 0],
        "read the kernel's log" SYS_syslog [-1, 0, 0, 0, 0],
        "set the clock" SYS_clock_settime [-1, 0, 0, 0, 0],
        "name the machine" SYS_sethostname [0, -1, 0, 0, 0],
        "become another user" SYS_setresuid [65_534, 65_534, 65_534, 0, 0],
        "become another group" SYS_setresgid [65_534, 65_534, 65_534, 0, 0],
        "other groups" SYS_setgroups [-1, 0, 0, 0, 0],
        "other capabilities" SYS_capset [0, 0, 0, 0, 0],
        "a session" SYS_setsid [0, 0, 0, 0, 0],
        "shared memory by key" SYS_shmget [0, 0, 0, 0, 0],
        "a message queue" SYS_mq_open [0, 0, 0, 0, 0],
        "another personality" SYS_personality [0x40_0000, 0, 0, 0, 0],
    };
    all.extend([
        row("openat2", Absent, Seccomp, |_| {
            call(libc::SYS_openat2, [0, 0, 0, 0, 0])
        }),
        row("be visible to debuggers", DeniedOnly, Seccomp, |_| {
            call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE.into(), 1, 0, 0, 0])
        }),
        row("outlive the parent", DeniedOnly, Seccomp, |_| {
            call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), 0, 0, 0, 0])
        }),
        row("a call under its second number", Denied, Any, |_| {
            call(0x4000_0000 | libc::SYS_getpid, [0, 0, 0, 0, 0])
        }),
        Attempt {
            policy: |policy| policy.memory_bytes = Some(256 << 20),
            ..row("shared memory past the limit", Denied, Seccomp, |_| {
                let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
                call(
                    libc::SYS_mmap,
                    [0, 1 << 20, libc::PROT_READ.into(), flags.into(), -1],
                )
            })
        },
    ]);
    all
}
