//! What a confined process must still be able to do.

use std::ffi::CString;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Instant, SystemTime};

use crate::attempts::Expect::Allowed;
use crate::attempts::{
    Attempt,
    Layer::{Any, Landlock},
    row,
};
use crate::ground::{Ground, call, check, memory_file};

/// Imports a good part of the standard library and prints what the runner expects of a child.
const PYTHON: &str = "
import asyncio, ctypes, hashlib, json, logging, math, mmap, os, re, socket, ssl, struct, subprocess, tempfile, threading
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
left, right = socket.socketpair(); left.send(b'x'); assert right.recv(1) == b'x'
asyncio.run(asyncio.sleep(0))
refused = 0
for hostile in (os.fork, lambda: subprocess.run(['/bin/true']), lambda: open('/etc/passwd'), socket.socket):
    try: hostile()
    except PermissionError: refused += 1
assert refused == 4, refused
print('done|landlock seccomp')
";

pub(crate) fn attempts() -> Vec<Attempt> {
    vec![
        row("start a thread", Allowed, Any, |_| {
            let thread = std::thread::Builder::new().spawn(|| 7)?;
            same(thread.join().ok(), Some(7))
        }),
        row("map memory", Allowed, Any, |_| {
            same(vec![7_u8; 8 << 20].len(), 8 << 20)
        }),
        row("a memory file, mapped and shared", Allowed, Any, memory),
        row(
            "load a library from a memory file",
            Allowed,
            Any,
            |ground| load(ground.library.as_raw_fd()),
        ),
        row("load a library of the system", Allowed, Any, |_| {
            open_library("libm.so.6")
        }),
        row("tell the time", Allowed, Any, |_| {
            same(SystemTime::now() > SystemTime::UNIX_EPOCH, true)?;
            same(Instant::now().elapsed().as_secs() < 60, true)
        }),
        row("read randomness", Allowed, Any, |_| {
            std::fs::File::open("/dev/urandom")?.read_exact(&mut [0; 16])
        }),
        row("write to /dev/null", Allowed, Landlock, |_| {
            let mut options = std::fs::File::options();
            options.write(true).open("/dev/null")?.write_all(b"x")
        }),
        row("read about itself", Allowed, Any, |_| {
            let status = std::fs::read_to_string("/proc/self/status")?;
            same(status.contains("NoNewPrivs:\t1"), true)?;
            same(
                status.contains("CapBnd:\t0000000000000000") || !status.contains("Uid:\t0"),
                true,
            )
        }),
        row("read a folder that was granted", Allowed, Any, |ground| {
            let text = std::fs::read_to_string(ground.readable.join("notes"))?;
            same(text.as_str(), "read me")
        }),
        row("use its sockets", Allowed, Any, |ground| {
            (&ground.pair.0).write_all(b"x")?;
            (&ground.pair.1).read_exact(&mut [0])
        }),
        row("make a pair of sockets", Allowed, Any, |_| {
            std::os::unix::net::UnixStream::pair().map(drop)
        }),
        row("pass and take descriptors", Allowed, Any, pass),
        row("signal itself", Allowed, Any, |_| {
            let own = std::process::id().into();
            call(libc::SYS_kill, [own, 0, 0, 0, 0])?;
            check(unsafe { libc::pthread_kill(libc::pthread_self(), 0) }.into())
        }),
        row("lower its own priority", Allowed, Any, |_| {
            check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 5) }.into())
        }),
        row("be told of 64 descriptors", Allowed, Any, |_| {
            let mut open = Vec::new();
            loop {
                match memory_file() {
                    Ok(file) => open.push(file),
                    Err(error) if error.raw_os_error() == Some(libc::EMFILE) => break,
                    Err(error) => return Err(error),
                }
            }
            same((40..64).contains(&open.len()), true)
        }),
        Attempt {
            policy: |policy| policy.memory_bytes = Some(64 << 20),
            ..row("be told of the end of memory", Allowed, Any, |_| {
                let mut bytes: Vec<u8> = Vec::new();
                same(bytes.try_reserve_exact(32 << 20).is_ok(), true)?;
                let mut more: Vec<u8> = Vec::new();
                same(more.try_reserve_exact(64 << 20).is_err(), true)
            })
        },
        Attempt {
            policy: |policy| {
                policy.allow_exec = true;
                policy.read_paths.extend(python_paths());
            },
            ..row("become Python", Allowed, Landlock, |_| {
                let Some(python) = python() else {
                    println!("(no python3 here)");
                    return Ok(());
                };
                Err(Command::new(python).args(["-I", "-c", PYTHON]).exec())
            })
        },
    ]
}

#[allow(clippy::needless_pass_by_value)] // reads better at every call
fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> io::Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "{found:?}, expected {expected:?}"
        ))),
    }
}

fn memory(_: &Ground) -> io::Result<()> {
    let mut file = memory_file()?;
    file.write_all(&[7; 4096])?;
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            protection,
            flags,
            file.as_raw_fd(),
            0,
        )
    };
    same(at == libc::MAP_FAILED, false)?;
    same(unsafe { at.cast::<u8>().add(4095).read_volatile() }, 7)
}

fn load(descriptor: i32) -> io::Result<()> {
    open_library(&format!("/proc/self/fd/{descriptor}"))
}

fn open_library(path: &str) -> io::Result<()> {
    let path = CString::new(path).map_err(|_| ErrorKind::InvalidInput)?;
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    match library.is_null() {
        false => Ok(()),
        true => {
            let why = unsafe { std::ffi::CStr::from_ptr(libc::dlerror()) };
            Err(io::Error::other(why.to_string_lossy().into_owned()))
        }
    }
}

/// Sends a descriptor over the pair of sockets and receives it.
fn pass(ground: &Ground) -> io::Result<()> {
    let mut byte = [0_u8; 1];
    let mut part = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    let mut control = [0_u64; 8];
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = unsafe { libc::CMSG_SPACE(4) } as usize;
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(header)
            .cast::<i32>()
            .write_unaligned(ground.library.as_raw_fd());
    }
    check(unsafe { libc::sendmsg(ground.pair.0.as_raw_fd(), &raw const message, 0) } as i64)?;
    control = [0; 8];
    message.msg_control = control.as_mut_ptr().cast();
    check(unsafe { libc::recvmsg(ground.pair.1.as_raw_fd(), &raw mut message, 0) } as i64)?;
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    same(header.is_null(), false)?;
    load(unsafe { libc::CMSG_DATA(header).cast::<i32>().read_unaligned() })
}

/// Asked before the confinement only: the interpreter itself, and where it lies.
fn python() -> Option<String> {
    static FOUND: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    FOUND
        .get_or_init(|| {
            let asked = Command::new("python3")
                .args([
                    "-I",
                    "-c",
                    "import sys; print(sys.executable); print(sys.base_prefix)",
                ])
                .output()
                .ok()?;
            String::from_utf8(asked.stdout).ok()
        })
        .as_ref()?
        .lines()
        .next()
        .map(str::to_owned)
}

fn python_paths() -> Vec<std::path::PathBuf> {
    let Some(python) = python() else {
        return Vec::new();
    };
    let real = std::fs::canonicalize(python).unwrap_or_default();
    // PREFIX/bin/python3
    real.ancestors()
        .nth(2)
        .map(std::path::Path::to_path_buf)
        .into_iter()
        .collect()
}
