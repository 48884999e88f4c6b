//! Opens a file that decides about plugins: a lock file, a plugin's configuration.
//!
//! Who can change such a file can change what runs, so its owner and mode and those of every folder
//! above it are judged as a library's are. Links are followed, for deployments that swap whole folders by
//! one; what is judged is what they lead to.

use super::ownership::{Accounts, Owned};
use crate::{Reason, Refusal};
use rustix::fs::{FileType, Mode, OFlags, fstat};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Reads a text of at most `bytes_max` bytes; none when there is no such file. `insecure` leaves the
/// judgement out.
///
/// # Errors
/// [`Reason::Permissions`], [`Reason::NotRegular`], [`Reason::TooLarge`] or [`Reason::Unreadable`],
/// each with the path.
pub fn read_trusted(
    path: &Path,
    bytes_max: u64,
    insecure: bool,
) -> Result<Option<String>, Refusal> {
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    open(&real, insecure)
        .and_then(|file| read(file, bytes_max))
        .map(Some)
        .map_err(|refusal| refusal.at(path))
}

fn open(real: &Path, insecure: bool) -> Result<File, Refusal> {
    // O_NONBLOCK: opening a FIFO must not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = rustix::fs::open(real, flags, Mode::empty()).map_err(failed)?;
    let stat = fstat(&file).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        let text = "this is no regular file; remove it";
        return Err(Refusal::new(Reason::NotRegular, text));
    }
    if !insecure {
        let accounts = Accounts::read();
        let name = Path::new(real.file_name().unwrap_or_default());
        accounts.judge(Owned::file(&stat), name)?;
        accounts.judge_folders(real.parent().unwrap_or(Path::new("/")))?;
    }
    Ok(File::from(file))
}

fn read(file: File, bytes_max: u64) -> Result<String, Refusal> {
    let mut text = String::new();
    file.take(bytes_max + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > bytes_max {
        let text = format!("is larger than {bytes_max} bytes; shorten it");
        return Err(Refusal::new(Reason::TooLarge, text));
    }
    Ok(text)
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Reason::Unreadable, format!("cannot be read ({error})"))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    failed(error).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;

    #[test]
    fn a_text_is_read_unless_others_could_change_it_or_it_is_too_long() {
        let folder = Folder::new();
        let path = folder.write("plugins.lock", b"text");
        let read = |bytes_max, insecure| read_trusted(&path, bytes_max, insecure);
        assert_eq!(read(4, false), Ok(Some("text".to_owned())));
        assert_eq!(read(3, false).unwrap_err().reason, Reason::TooLarge);
        folder.mode("plugins.lock", 0o666);
        let refusal = read(4, false).unwrap_err();
        assert_eq!(refusal.reason, Reason::Permissions);
        assert!(refusal.text.contains("everybody may write"), "{refusal}");
        assert_eq!(read(4, true), Ok(Some("text".to_owned())));
        folder.mode("plugins.lock", 0o644);
        folder.mode("", 0o777);
        assert_eq!(read(4, false).unwrap_err().reason, Reason::Permissions);
        folder.mode("", 0o700);
        let absent = read_trusted(&folder.path().join("absent"), 4, false);
        assert_eq!(absent, Ok(None));
    }

    #[test]
    fn a_link_is_followed_and_its_target_judged_and_a_fifo_never_blocks() {
        let folder = Folder::new();
        folder.write("real", b"text");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("real", &link).unwrap();
        assert_eq!(read_trusted(&link, 9, false), Ok(Some("text".to_owned())));
        folder.mode("real", 0o666);
        let refusal = read_trusted(&link, 9, false).unwrap_err();
        assert_eq!(refusal.reason, Reason::Permissions);
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let refusal = read_trusted(&fifo, 9, false).unwrap_err();
        assert_eq!(refusal.reason, Reason::NotRegular);
    }
}
