//! Which system calls are refused, and when.

use libc::c_long;

use crate::Policy;

/// A call that is refused always (`when` is empty) or when all of `when` holds. Several of one call are alternatives.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) call: i64,
    pub(super) when: Vec<Compare>,
}

/// A look at one argument, counted from 0; 32 bits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Compare {
    Is(u8, u64),
    Not(u8, u64),
    /// The bits of the mask have this value.
    Bits(u8, u64, u64),
}
use Compare::{Bits, Is, Not};

impl Refusal {
    pub(super) fn always(call: c_long) -> Self {
        Self {
            call,
            when: Vec::new(),
        }
    }

    fn when(call: c_long, when: &[Compare]) -> Self {
        Self {
            call,
            when: when.to_vec(),
        }
    }
}

/// Answered as if the kernel had them not: programs then take the older call, whose arguments a filter can see.
pub(super) const ABSENT: &[c_long] = &[libc::SYS_clone3, libc::SYS_openat2];

/// Refused to everyone, by what they do.
const ALWAYS: &[&[c_long]] = &[
    // Looking into other processes, and measuring the machine.
    &[
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_process_mrelease,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_perf_event_open,
        libc::SYS_migrate_pages,
        libc::SYS_move_pages,
    ],
    // Wide doors into the kernel.
    &[
        libc::SYS_bpf,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_fanotify_init,
        libc::SYS_fanotify_mark,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_memfd_secret,
    ],
    // Mounts and namespaces.
    &[
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_quotactl,
        libc::SYS_unshare,
        libc::SYS_setns,
    ],
    // The machine.
    &[
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_reboot,
        libc::SYS_syslog,
        libc::SYS_acct,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_vhangup,
    ],
    // Who the process is, and which group of processes it is in.
    &[
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_setreuid,
        libc::SYS_setregid,
        libc::SYS_setresuid,
        libc::SYS_setresgid,
        libc::SYS_setfsuid,
        libc::SYS_setfsgid,
        libc::SYS_setgroups,
        libc::SYS_capset,
        libc::SYS_setsid,
        libc::SYS_setpgid,
    ],
    // Signals that name no process group, so that a filter cannot tell whose they are.
    &[libc::SYS_tkill, libc::SYS_pidfd_send_signal],
    // Named objects that other processes see.
    &[
        libc::SYS_shmget,
        libc::SYS_semget,
        libc::SYS_msgget,
        libc::SYS_mq_open,
        libc::SYS_mq_unlink,
    ],
    // Changes of files that Landlock does not look at, and those it does, for kernels without.
    &[
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        FCHMODAT2,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_utimensat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
        libc::SYS_unlinkat,
        libc::SYS_renameat,
        libc::SYS_renameat2,
        libc::SYS_mkdirat,
        libc::SYS_mknodat,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_truncate,
    ],
    ALWAYS_X86_64,
];

/// Since Linux 6.6; the same number everywhere, and not in every version of the libc crate.
const FCHMODAT2: c_long = 452;

#[cfg(target_arch = "x86_64")]
const ALWAYS_X86_64: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_creat,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_mknod,
    libc::SYS_link,
    libc::SYS_symlink,
];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_X86_64: &[c_long] = &[];

/// Everything refused under `policy` to the process `own`.
pub(super) fn refusals(policy: &Policy, landlock: bool, own: u32) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = ALWAYS
        .iter()
        .flat_map(|group| group.iter().map(|call| Refusal::always(*call)))
        .collect();
    all.push(Refusal::when(
        libc::SYS_clone,
        &[Bits(0, flag(libc::CLONE_THREAD), 0)],
    ));
    if !policy.allow_exec {
        all.push(Refusal::always(libc::SYS_execve));
        all.push(Refusal::always(libc::SYS_execveat));
    }
    other_processes(&mut all, u64::from(own));
    sockets(&mut all, policy.network);
    options(&mut all);
    if policy.memory_bytes.is_some() {
        // Shared memory without a name or a file is bound by no limit.
        let anonymous = flag(libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        all.push(Refusal::when(
            libc::SYS_mmap,
            &[Bits(3, anonymous, anonymous)],
        ));
    }
    if !landlock {
        writing(&mut all);
    }
    all
}

/// Bits of a C flag.
fn flag(bits: libc::c_int) -> u64 {
    u64::from(bits.cast_unsigned())
}

/// Calls that name a process by its number: only the process itself (0 where that is its name too).
fn other_processes(all: &mut Vec<Refusal>, own: u64) {
    for call in [
        libc::SYS_kill,
        libc::SYS_tgkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
    ] {
        all.push(Refusal::when(call, &[Not(0, own)]));
    }
    for call in [
        libc::SYS_prlimit64,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
        libc::SYS_sched_setattr,
    ] {
        all.push(Refusal::when(call, &[Not(0, own), Not(0, 0)]));
    }
    // First argument: 0 or 1 says that the second is a process.
    for (call, process) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
        all.push(Refusal::when(call, &[Not(0, process)]));
        all.push(Refusal::when(call, &[Not(1, own), Not(1, 0)]));
    }
}

fn sockets(all: &mut Vec<Refusal>, network: bool) {
    let unix = Not(0, flag(libc::AF_UNIX));
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        if network {
            let known = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
            let mut when = vec![unix];
            when.extend(known.map(|family| Not(0, flag(family))));
            all.push(Refusal::when(call, &when));
            all.push(raw(call));
            continue;
        }
        all.push(Refusal::when(call, &[unix]));
        // A datagram socket needs no connect to write to a path.
        for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW] {
            all.push(Refusal::when(call, &[Bits(1, 0xf, flag(kind))]));
        }
    }
    if !network {
        all.push(Refusal::always(libc::SYS_connect));
        all.push(Refusal::always(libc::SYS_bind));
        all.push(Refusal::always(libc::SYS_listen));
    }
}

/// Packets made by hand, of any family but netlink's, whose sockets are all of that kind.
fn raw(call: c_long) -> Refusal {
    Refusal::when(
        call,
        &[
            Bits(1, 0xf, flag(libc::SOCK_RAW)),
            Not(0, flag(libc::AF_NETLINK)),
        ],
    )
}

/// Options of calls that are useful otherwise.
fn options(all: &mut Vec<Refusal>) {
    for option in [
        libc::PR_SET_PDEATHSIG,
        libc::PR_SET_DUMPABLE,
        libc::PR_SET_SECUREBITS,
        libc::PR_SET_MM,
        libc::PR_SET_PTRACER,
    ] {
        all.push(Refusal::when(libc::SYS_prctl, &[Is(0, flag(option))]));
    }
    // A question is the only harmless use.
    all.push(Refusal::when(
        libc::SYS_personality,
        &[Not(0, u64::from(u32::MAX))],
    ));
    // Signals to others by way of a descriptor's owner.
    const F_SETOWN_EX: u64 = 15;
    for command in [flag(libc::F_SETOWN), F_SETOWN_EX] {
        all.push(Refusal::when(libc::SYS_fcntl, &[Is(1, command)]));
    }
    const FIOSETOWN: u64 = 0x8901;
    const SIOCSPGRP: u64 = 0x8902;
    const TIOCSTI: u64 = 0x5412; // types into the terminal
    const TIOCLINUX: u64 = 0x541c; // pastes into it
    const TIOCSCTTY: u64 = 0x540e;
    for request in [FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX, TIOCSCTTY] {
        all.push(Refusal::when(libc::SYS_ioctl, &[Is(1, request)]));
    }
}

/// Opening for anything but reading, on kernels where Landlock does not refuse it.
fn writing(all: &mut Vec<Refusal>) {
    #[cfg(target_arch = "x86_64")]
    let opens = [(libc::SYS_openat, 2), (libc::SYS_open, 1)];
    #[cfg(not(target_arch = "x86_64"))]
    let opens = [(libc::SYS_openat, 2)];
    for (call, argument) in opens {
        for mode in [libc::O_WRONLY, libc::O_RDWR, libc::O_ACCMODE] {
            let mask = flag(libc::O_ACCMODE);
            all.push(Refusal::when(call, &[Bits(argument, mask, flag(mode))]));
        }
        for extra in [libc::O_CREAT, libc::O_TRUNC] {
            let bits = flag(extra);
            all.push(Refusal::when(call, &[Bits(argument, bits, bits)]));
        }
    }
}
