//! Where the machine's own files are, and how they are read: whole, bounded, never in pieces.
//!
//! Collectors name files as the kernel does (`stat`, `net/dev`); the roots come from the
//! configuration, so that a container can look at its host, and a test at a folder of fixtures.
//! Finding a file by its path costs the kernel up to ten times what printing it does, so a
//! [`KernelFile`] stays open and a [`Reader`] reads it anew from its beginning at each scrape.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::error::CollectError;
use crate::kernel_stat::KernelStat;

/// No kernel file that we read comes near this; a longer one is refused, not cut.
const FILE_BYTES_MAX: usize = 4 << 20;
/// The buffer to begin with; it grows to the longest file.
const BUFFER_BYTES: usize = 8 << 10;
/// The most that one call asks for: some files make the kernel allocate as much as it is asked for.
const READ_BYTES_MAX: usize = 64 << 10;

/// The roots of the file systems that collectors read.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// Where procfs is mounted, `/proc` unless configured.
    pub(crate) proc_root: PathBuf,
    /// Where sysfs is mounted, `/sys` unless configured.
    pub(crate) sys_root: PathBuf,
    /// What mount points are relative to, `/` unless configured.
    pub(crate) fs_root: PathBuf,
    /// Where this process finds itself: always `/proc`, because process numbers mean something else
    /// in the procfs of another namespace.
    pub(crate) own_proc_root: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            proc_root: "/proc".into(),
            sys_root: "/sys".into(),
            fs_root: "/".into(),
            own_proc_root: "/proc".into(),
        }
    }
}

impl Machine {
    /// A file below procfs.
    pub(crate) fn proc(&self, name: impl AsRef<Path>) -> KernelFile {
        KernelFile::new(self.proc_root.join(name))
    }

    /// A file below this process's own procfs.
    pub(crate) fn own_proc(&self, name: impl AsRef<Path>) -> KernelFile {
        KernelFile::new(self.own_proc_root.join(name))
    }

    /// The names in a folder below sysfs, sorted; empty where there is no such folder.
    pub(crate) fn sys_names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.sys_root.join(folder)) else {
            return Vec::new();
        };
        let name =
            |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.sort_unstable();
        names
    }

    /// The real path of a mount point, seen from here.
    pub(crate) fn mount(&self, mount_point: &str) -> PathBuf {
        self.fs_root.join(mount_point.trim_start_matches('/'))
    }
}

/// A file that the kernel writes anew whenever it is read from its beginning.
#[derive(Debug)]
pub(crate) struct KernelFile {
    path: PathBuf,
    open: Option<File>,
}

impl KernelFile {
    fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Fills `buffer` from its beginning; gives how much there is.
    fn read(&mut self, buffer: &mut Vec<u8>) -> Result<usize, CollectError> {
        if let Some(file) = &self.open {
            match fill(file, buffer) {
                Ok(len) => return self.checked(len),
                // The attribute has nothing to say now; the file is still the right one.
                Err(error) if says_nothing(&error) => return Err(self.failed(error)),
                // What it was about is gone; another may have come in its place, under its name.
                Err(_) => self.open = None,
            }
        }
        let file = File::open(&self.path).map_err(|error| self.failed(error))?;
        let file = self.open.insert(file);
        match fill(file, buffer) {
            Ok(len) => self.checked(len),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn checked(&self, len: usize) -> Result<usize, CollectError> {
        if len > FILE_BYTES_MAX {
            return Err(CollectError::TooLong {
                path: self.path.clone(),
                limit: FILE_BYTES_MAX as u64,
            });
        }
        Ok(len)
    }

    fn failed(&self, source: std::io::Error) -> CollectError {
        CollectError::Read {
            path: self.path.clone(),
            source,
        }
    }
}

/// Whether a driver answered that it has no value, as for the speed of a link that is down.
fn says_nothing(error: &std::io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INVAL | Errno::OPNOTSUPP)
    )
}

/// Reads until the end, or until it is longer than any file may be.
fn fill(file: &File, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut len = 0;
    while len <= FILE_BYTES_MAX {
        if len == buffer.len() {
            buffer.resize((2 * len).max(BUFFER_BYTES), 0);
        }
        let end = buffer.len().min(len + READ_BYTES_MAX);
        match file.read_at(&mut buffer[len..end], len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// The attributes of one thing in sysfs. Their files stay open as long as its name stands for the same thing.
#[derive(Debug)]
pub(crate) struct Attributes<const N: usize> {
    folder: PathBuf,
    inode: u64,
    files: [KernelFile; N],
}

impl<const N: usize> Attributes<N> {
    /// These attributes of what lies in `folder` below sysfs.
    pub(crate) fn new(machine: &Machine, folder: &str, names: [&str; N]) -> Self {
        let folder = machine.sys_root.join(folder);
        Self {
            files: names.map(|name| KernelFile::new(folder.join(name))),
            folder,
            inode: 0,
        }
    }

    /// The files, to be read now.
    pub(crate) fn files(&mut self) -> &mut [KernelFile; N] {
        // A device may have come back, or have changed names with another.
        let inode = std::fs::metadata(&self.folder).map_or(0, |is| is.ino());
        if inode != self.inode || inode == 0 {
            self.close();
            self.inode = inode;
        }
        &mut self.files
    }

    /// Closes them all until they are read again.
    pub(crate) fn close(&mut self) {
        self.files.iter_mut().for_each(|file| file.open = None);
    }
}

/// Reads files into one buffer; what several collectors need of a scrape is read once.
pub(crate) struct Reader {
    buffer: Vec<u8>,
    /// The text where it is not what the file holds, byte for byte.
    mended: String,
    stat_file: KernelFile,
    stat: Option<KernelStat>,
}

impl Reader {
    pub(crate) fn new(machine: &Machine) -> Self {
        Self {
            buffer: Vec::new(),
            mended: String::new(),
            stat_file: machine.proc("stat"),
            stat: None,
        }
    }

    /// Begins a scrape: what the one before read is forgotten.
    pub(crate) fn begin(&mut self) {
        self.stat = None;
    }

    /// The text of `file` now.
    pub(crate) fn text(&mut self, file: &mut KernelFile) -> Result<&str, CollectError> {
        let len = file.read(&mut self.buffer)?;
        let bytes = &self.buffer[..len];
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            // Device and interface names may hold any byte; a strange one must not cost the others.
            Err(_) => {
                self.mended = String::from_utf8_lossy(bytes).into_owned();
                Ok(&self.mended)
            }
        }
    }

    /// The value of an attribute in sysfs, without the line end. `None` where it is missing or has
    /// nothing to say: drivers leave attributes out, and answer `EINVAL` while a link is down.
    pub(crate) fn attribute(&mut self, file: &mut KernelFile) -> Option<&str> {
        self.text(file).ok().map(str::trim_end)
    }

    /// `/proc/stat` of this scrape.
    pub(crate) fn kernel_stat(&mut self) -> Result<&KernelStat, CollectError> {
        if self.stat.is_none() {
            let len = self.stat_file.read(&mut self.buffer)?;
            let text = String::from_utf8_lossy(&self.buffer[..len]);
            self.stat = Some(KernelStat::parse(&text)?);
        }
        Ok(self.stat.as_ref().expect("it was read in the lines above"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &mut KernelFile) -> Result<String, CollectError> {
        Reader::new(&Machine::default())
            .text(file)
            .map(String::from)
    }

    #[test]
    fn a_missing_file_is_named_with_what_to_do() {
        let machine = Machine {
            proc_root: "/nonexistent".into(),
            ..Machine::default()
        };
        let error = read(&mut machine.proc("stat")).expect_err("there is no such file");
        assert_eq!(
            error.to_string(),
            "/nonexistent/stat: cannot read: No such file or directory (os error 2); \
             set `proc_path` or `sys_path` if it lies elsewhere"
        );
    }

    #[test]
    fn an_endless_file_is_refused() {
        let machine = Machine {
            proc_root: "/dev".into(),
            ..Machine::default()
        };
        let error = read(&mut machine.proc("zero")).expect_err("/dev/zero never ends");
        assert!(matches!(error, CollectError::TooLong { .. }));
    }

    #[test]
    fn a_file_that_stays_open_is_read_anew_and_one_that_grew_is_read_whole() {
        let fixture = crate::fixture::Fixture::new();
        let mut file = fixture.machine().proc("loadavg");
        for length in [1, 3 * BUFFER_BYTES, 2] {
            let text = "x".repeat(length);
            fixture.proc("loadavg", &text);
            assert_eq!(read(&mut file).unwrap(), text);
        }
    }

    #[test]
    fn a_process_that_ended_is_looked_for_again() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let mut file = Machine::default().own_proc(format!("{}/stat", child.id()));
        assert!(read(&mut file).unwrap().contains("(sleep)"));
        child.kill().unwrap();
        child.wait().unwrap();
        let error = read(&mut file).expect_err("the process is gone");
        assert!(error.to_string().contains("No such file"), "{error}");
    }

    #[test]
    fn mount_points_are_seen_through_the_configured_root() {
        let machine = Machine {
            fs_root: "/host".into(),
            ..Machine::default()
        };
        assert_eq!(machine.mount("/var/lib"), Path::new("/host/var/lib"));
        assert_eq!(machine.mount("/"), Path::new("/host/"));
    }
}
