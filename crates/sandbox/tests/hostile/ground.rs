//! What an attempt finds: made in the child before it is confined.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use meterbox_sandbox::Policy;

pub(crate) struct Ground {
    /// A folder that the user may write to, with a file `victim` in it.
    pub(crate) folder: PathBuf,
    /// A folder in `read_paths` with a file `notes`.
    pub(crate) readable: PathBuf,
    /// A port of this machine on which the parent listens.
    pub(crate) port: u16,
    /// The Unix socket on which the parent listens.
    pub(crate) socket: PathBuf,
    pub(crate) parent: u32,
    /// A shared library in a memory file, kept.
    pub(crate) library: File,
    /// A pair of sockets, kept.
    pub(crate) pair: (UnixStream, UnixStream),
    /// A file that was open and is not kept.
    pub(crate) forgotten: i32,
}

impl Ground {
    pub(crate) fn new(arguments: &[String]) -> Self {
        let [folder, port] = arguments else {
            panic!("arguments: FOLDER PORT");
        };
        let folder = PathBuf::from(folder);
        let forgotten = File::open("/proc/self/maps").expect("a file to forget");
        let number = forgotten.as_raw_fd();
        std::mem::forget(forgotten);
        Self {
            readable: folder.join("readable"),
            socket: folder.join("socket"),
            folder,
            port: port.parse().expect("a port"),
            parent: std::os::unix::process::parent_id(),
            library: library().expect("a library in memory"),
            pair: UnixStream::pair().expect("a pair"),
            forgotten: number,
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy {
            read_paths: vec![self.readable.clone(), self.folder.join("absent")],
            parent: Some(self.parent),
            keep_fds: vec![
                self.pair.1.as_raw_fd(),
                self.library.as_raw_fd(),
                self.pair.0.as_raw_fd(),
            ],
            ..Policy::default()
        }
    }
}

/// A copy of a library that every program here has mapped.
fn library() -> io::Result<File> {
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let path = maps
        .lines()
        .filter_map(|line| line.split_once('/').map(|(_, path)| format!("/{path}")))
        .find(|path| path.contains("libgcc_s"))
        .ok_or_else(|| io::Error::other("no libgcc_s is mapped"))?;
    let mut copy = memory_file()?;
    copy.write_all(&std::fs::read(path)?)?;
    Ok(copy)
}

pub(crate) fn memory_file() -> io::Result<File> {
    let number = unsafe { libc::memfd_create(c"attempt".as_ptr(), libc::MFD_CLOEXEC) };
    check(number.into())?;
    Ok(unsafe { OwnedFd::from_raw_fd(number) }.into())
}

/// -1 is the error of the last call.
pub(crate) fn check(answer: i64) -> io::Result<()> {
    match answer {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// A system call by number.
pub(crate) fn call(number: libc::c_long, arguments: [i64; 5]) -> io::Result<()> {
    let [a, b, c, d, e] = arguments;
    check(unsafe { libc::syscall(number, a, b, c, d, e, 0_i64) })
}
