//! Opens a candidate without following links or blocking, and judges what was opened.
//!
//! The path is used once; everything later works on the descriptor, so a swap of the name between
//! check and load changes nothing.

use super::Candidate;
use super::ownership::{Accounts, Owned};
use crate::{Reason, Refusal};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;

/// A larger file is refused, in bytes.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// Opens `candidate` and checks kind, size and, unless `insecure`, owners and permissions.
pub(crate) fn open(candidate: &Candidate, insecure: bool) -> Result<File, Refusal> {
    let folder = open_folder(candidate, insecure)?;
    // O_NONBLOCK: opening a FIFO must not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = openat(
        &folder,
        candidate.file_name.as_os_str(),
        flags,
        Mode::empty(),
    )
    .map_err(not_opened)?;
    let stat = fstat(&file).map_err(not_opened)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        other => {
            let text = format!(
                "this is no regular file but a {}; remove it",
                kind_name(other)
            );
            return Err(Refusal::new(Reason::NotRegular, text));
        }
    }
    if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        let text = format!(
            "{} bytes are more than a plugin may have ({FILE_BYTES_MAX}); strip or shrink it",
            stat.st_size
        );
        return Err(Refusal::new(Reason::TooLarge, text));
    }
    if !insecure {
        // The sentence names the path already, in front of what it is about.
        let name = std::path::Path::new(&candidate.file_name);
        Accounts::read().judge(Owned::file(&stat), name)?;
    }
    Ok(File::from(file))
}

fn open_folder(candidate: &Candidate, insecure: bool) -> Result<OwnedFd, Refusal> {
    let folder = candidate.folder.canonicalize().map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => Reason::NotFound,
            _ => Reason::Unreadable,
        };
        Refusal::new(reason, format!("its folder cannot be opened ({error})"))
    })?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::open(&folder, flags, Mode::empty()).map_err(not_opened)?;
    if !insecure {
        let accounts = Accounts::read();
        let stat = fstat(&fd).map_err(not_opened)?;
        accounts.judge(Owned::folder(&stat), &folder)?;
        accounts.judge_folders(&folder)?;
    }
    Ok(fd)
}

fn not_opened(error: Errno) -> Refusal {
    match error {
        Errno::LOOP => Refusal::new(
            Reason::Symlink,
            "this is a symbolic link, which could be pointed elsewhere; copy the library itself here",
        ),
        Errno::NOENT => Refusal::new(Reason::NotFound, "the file is gone"),
        Errno::NXIO => Refusal::new(Reason::NotRegular, "this is no regular file; remove it"),
        error => Refusal::new(
            Reason::Unreadable,
            format!("cannot be opened ({error}); check its mode"),
        ),
    }
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "folder",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        _ => "special file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    fn refused(folder: &Folder, name: &str) -> Refusal {
        let candidate = Candidate {
            folder: folder.path().to_path_buf(),
            file_name: name.into(),
        };
        open(&candidate, false).expect_err("must be refused")
    }

    #[test]
    fn a_plain_file_of_ours_is_opened() {
        let folder = Folder::new();
        folder.write("a.so", b"x");
        let candidate = Candidate {
            folder: folder.path().to_path_buf(),
            file_name: "a.so".into(),
        };
        open(&candidate, false).unwrap();
    }

    #[test]
    fn links_folders_fifos_sockets_and_huge_files_are_refused_at_once() {
        let folder = Folder::new();
        folder.write("real.so", b"x");
        std::os::unix::fs::symlink("real.so", folder.path().join("link.so")).unwrap();
        std::fs::create_dir(folder.path().join("dir.so")).unwrap();
        let fifo = folder.path().join("fifo.so");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s.so")).unwrap();
        File::create(folder.path().join("huge.so"))
            .unwrap()
            .set_len(10 << 30)
            .unwrap();
        let begin = std::time::Instant::now();
        for (name, reason) in [
            ("link.so", Reason::Symlink),
            ("dir.so", Reason::NotRegular),
            ("fifo.so", Reason::NotRegular),
            ("s.so", Reason::NotRegular),
            ("huge.so", Reason::TooLarge),
            ("absent.so", Reason::NotFound),
        ] {
            assert_eq!(refused(&folder, name).reason, reason, "{name}");
        }
        assert!(begin.elapsed() < std::time::Duration::from_secs(1));
    }

    #[test]
    fn a_world_writable_file_or_folder_is_refused_unless_told_otherwise() {
        let folder = Folder::new();
        folder.write("a.so", b"x");
        folder.mode("a.so", 0o666);
        assert_eq!(refused(&folder, "a.so").reason, Reason::Permissions);
        folder.mode("a.so", 0o644);
        folder.mode("", 0o777);
        let refusal = refused(&folder, "a.so");
        assert_eq!(refusal.reason, Reason::Permissions);
        assert!(
            refusal.text.contains("everybody may write this folder"),
            "{refusal}"
        );
        let candidate = Candidate {
            folder: folder.path().to_path_buf(),
            file_name: "a.so".into(),
        };
        open(&candidate, true).unwrap();
    }
}
