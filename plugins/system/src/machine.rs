//! Where the machine's own files are, and how they are read: whole, bounded, never in pieces.
//!
//! Collectors name files as the kernel does (`stat`, `net/dev`); the roots come from the
//! configuration, so that a container can look at its host, and a test at a folder of fixtures.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::CollectError;

/// No kernel file that we read comes near this; a longer one is refused, not cut.
const FILE_BYTES_MAX: u64 = 4 << 20;

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
    /// The text of a file below procfs.
    pub(crate) fn proc(&self, name: impl AsRef<Path>) -> Result<String, CollectError> {
        read(&self.proc_root.join(name))
    }

    /// The text of a file below this process's own procfs.
    pub(crate) fn own_proc(&self, name: impl AsRef<Path>) -> Result<String, CollectError> {
        read(&self.own_proc_root.join(name))
    }

    /// The text of a file below sysfs, without the line end. `None` where it is missing or has
    /// nothing to say: drivers leave attributes out, and answer `EINVAL` while a link is down.
    pub(crate) fn sys(&self, name: impl AsRef<Path>) -> Option<String> {
        read(&self.sys_root.join(name))
            .ok()
            .map(|text| String::from(text.trim_end()))
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

fn read(path: &Path) -> Result<String, CollectError> {
    let failed = |source| CollectError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::with_capacity(4096);
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(CollectError::TooLong {
            path: path.to_owned(),
            limit: FILE_BYTES_MAX,
        });
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        // Device and interface names may hold any byte; a strange one must not cost the others.
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named_with_what_to_do() {
        let machine = Machine {
            proc_root: "/nonexistent".into(),
            ..Machine::default()
        };
        let error = machine.proc("stat").expect_err("there is no such file");
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
        let error = machine.proc("zero").expect_err("/dev/zero never ends");
        assert!(matches!(error, CollectError::TooLong { .. }));
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
