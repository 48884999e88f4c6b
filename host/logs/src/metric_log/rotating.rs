//! A log file that never grows beyond a size: the old ones move on by one number, the oldest goes.
//!
//! TorchServe starts a new file every day as well; here the size alone decides.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files kept beside the one that is written.
const KEPT: u32 = 5;

pub(super) struct Rotating {
    path: PathBuf,
    bytes_max: u64,
    bytes: u64,
    file: Option<io::BufWriter<File>>,
}

impl Rotating {
    /// Appends to the file at `path`, made with its folder when the first line comes.
    pub(super) fn new(path: PathBuf, bytes_max: u64) -> Self {
        Self {
            path,
            bytes_max,
            bytes: 0,
            file: None,
        }
    }

    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let length = line.len() as u64;
        if self.file.is_some() && self.bytes + length > self.bytes_max && self.bytes > 0 {
            self.rotate()?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let (file, bytes) = open(&self.path)?;
                self.bytes = bytes;
                none.insert(io::BufWriter::new(file))
            }
        };
        file.write_all(line.as_bytes())?;
        self.bytes += length;
        Ok(())
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }

    /// Gives up the open file: after an error the next line opens it anew.
    pub(super) fn reopen(&mut self) {
        self.file = None;
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file = None;
        for number in (1..=KEPT).rev() {
            let from = match number {
                1 => self.path.clone(),
                _ => numbered(&self.path, number - 1),
            };
            match std::fs::rename(from, numbered(&self.path, number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn old_files_move_on_and_the_oldest_goes() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("deep/er/m.log");
        let mut log = Rotating::new(path.clone(), 8);
        for number in 0..9 {
            log.write(&format!("line {number}\n")).unwrap();
        }
        log.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "line 8\n");
        assert_eq!(
            std::fs::read_to_string(numbered(&path, 1)).unwrap(),
            "line 7\n"
        );
        assert_eq!(
            std::fs::read_to_string(numbered(&path, KEPT)).unwrap(),
            "line 3\n"
        );
        assert!(!numbered(&path, KEPT + 1).exists());
    }

    #[test]
    fn a_file_that_is_there_is_continued_and_counts() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("m.log");
        std::fs::write(&path, "before\n").unwrap();
        let mut log = Rotating::new(path.clone(), 10);
        log.write("a\n").unwrap();
        log.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\na\n");
        log.write("too much\n").unwrap();
        log.flush().unwrap();
        assert_eq!(
            std::fs::read_to_string(numbered(&path, 1)).unwrap(),
            "before\na\n"
        );
    }
}
