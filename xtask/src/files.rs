//! Copies into the place of what a running program may still use.

use std::fs;
use std::path::Path;

/// Puts a new file in the place of an old one in one step, so that a running host keeps its own.
pub(crate) fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut name = to.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let beside = to.with_file_name(name);
    fs::copy(from, &beside)
        .map_err(|error| std::io::Error::other(format!("{}: {error}", from.display())))?;
    fs::rename(&beside, to)
}

/// Copies a folder without caches and tests.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "__pycache__" || name == "tests" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(name))?;
        } else {
            replace(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}
