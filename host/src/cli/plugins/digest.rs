//! The sha256 of a plugin file, as `sha256sum` prints it.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The loader takes no larger file, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// The digest of a file and its size in bytes.
///
/// # Errors
/// One sentence with the path: it cannot be read, is no file, or larger than any plugin may be.
pub(super) fn digest(file: &Path) -> Result<(String, u64), String> {
    let fail = |why: &str| format!("{}: {why}", file.display());
    let unreadable = |error: std::io::Error| fail(&format!("cannot be read ({error})"));
    // Asked before it is opened: a pipe would be waited for.
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(fail("is no regular file; name the plugin file itself"));
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
        return Err(fail(
            "is larger than 256 MiB, which no plugin may be; name a plugin",
        ));
    }
    let digest = hasher.finalize();
    let text = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((text, bytes))
}
