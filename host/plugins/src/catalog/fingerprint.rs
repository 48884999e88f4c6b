//! What tells two versions of a plugin's files apart without reading them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The marks of a library, of the configuration beside it and of the lock file it may be pinned in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    library: FileMark,
    config: FileMark,
    lock: FileMark,
}

/// Inode, size and time of change (of content or permissions) in nanoseconds; zeros for a file that
/// is not there.
type FileMark = (u64, u64, i128);

impl Fingerprint {
    /// Looks at a library, at the configuration beside it and at the lock file it may be pinned in.
    pub(super) fn of(library: &Path, config: Option<&Path>, lock: &Path) -> Self {
        Self {
            library: mark(library),
            config: config.map_or((0, 0, 0), mark),
            lock: mark(lock),
        }
    }
}

fn mark(path: &Path) -> FileMark {
    std::fs::symlink_metadata(path).map_or((0, 0, 0), |metadata| {
        let changed =
            i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        (metadata.ino(), metadata.len(), changed)
    })
}
