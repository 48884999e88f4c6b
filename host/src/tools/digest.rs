//! The sha256 of a plugin file, as `sha256sum` prints it.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The loader takes no larger file, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Why a file has no digest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The system refuses.
    #[error("{}: cannot be read ({source})", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{}: is no regular file; name the plugin file itself", .0.display())]
    NoFile(PathBuf),
    /// Larger than any plugin may be.
    #[error("{}: is larger than 256 MiB, which no plugin may be; name a plugin", .0.display())]
    TooLarge(PathBuf),
}

/// The digest of a file and its size in bytes.
pub(super) fn digest(file: &Path) -> Result<(String, u64), DigestError> {
    let unreadable = |source| DigestError::Unreadable {
        path: file.to_owned(),
        source,
    };
    // Asked before it is opened: a pipe would be waited for.
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(DigestError::NoFile(file.to_owned()));
    }
    let opened = File::open(file).map_err(unreadable)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    let mut source = opened.take(FILE_BYTES_MAX + 1);
    let mut bytes = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    if bytes > FILE_BYTES_MAX {
        return Err(DigestError::TooLarge(file.to_owned()));
    }
    let digest = hasher.finalize();
    let text = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((text, bytes))
}
