//! A plugin folder with the libraries that the rows measure, built in release.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library that answers as many bytes as it is asked for.
const SIZED: &str = "meterbox-fixture-sized";
/// Its name, which stands in its metadata.
pub(super) const SIZED_NAME: &str = "sized";

/// The built library of [`SIZED`].
pub(super) fn sized() -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--release", "-p", SIZED])
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return Err(format!("{SIZED} does not build"));
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = program.parent().ok_or("a program is in a folder")?;
    Ok(folder.join(format!("lib{}.so", SIZED.replace('-', "_"))))
}

/// A fresh folder of its own below the system's folder for temporary files.
pub(super) fn fresh(name: &str) -> Result<PathBuf, String> {
    let own = format!("meterbox-bench-{}-{name}", std::process::id());
    let folder = std::env::temp_dir().join(own);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// A fresh folder with the library in it, under its own name.
pub(super) fn with_sized(name: &str) -> Result<PathBuf, String> {
    let folder = fresh(name)?;
    let to = folder.join(format!("{SIZED_NAME}.so"));
    std::fs::copy(sized()?, to).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// The lines of configuration that let a host load from `folder` and run the plugin in `place`.
pub(super) fn lines(folder: &Path, place: &str) -> Vec<String> {
    vec![
        format!("plugins_path={}", folder.display()),
        format!("isolation={place}"),
        "plugins_insecure_permissions=true".to_owned(),
        "plugins_watch=false".to_owned(),
        "plugin.system.enabled=false".to_owned(),
    ]
}
