//! The lock files: which digest a plugin file must have.
//!
//! One named by `plugins_lock` holds for all of the user's files; without it `plugins.lock` in each
//! folder for its own. What was shipped is listed in `bundled.lock` of the bundled folder, which nobody
//! but the release writes: other files in that folder are the user's, pinned or not. They are read anew whenever a file is
//! looked at, and a change of one makes its files be looked at.

use super::settings::Options;
use meterbox_plugin_loader::file::{Pins, Policy, read_trusted};
use meterbox_plugin_loader::{Reason, Refusal};
use std::path::{Path, PathBuf};

/// The lock file of a folder.
const LOCK: &str = "plugins.lock";
/// What was shipped in a folder.
const BUNDLED: &str = "bundled.lock";
/// A larger lock file is refused, in bytes: room for 10,000 lines.
const LOCK_BYTES_MAX: u64 = 4 << 20;

impl Options {
    /// The lock file of the plugin files in `folder`.
    pub(in crate::plugins) fn lock_of(&self, folder: &Path, bundled: bool) -> PathBuf {
        match &self.lock {
            _ if bundled => folder.join(BUNDLED),
            Some(named) => named.clone(),
            None => folder.join(LOCK),
        }
    }

    /// Which names the bundled folder was shipped with; none without its lock file.
    ///
    /// # Errors
    /// The lock file cannot be used.
    pub(in crate::plugins) fn shipped(&self) -> Result<Pins, Refusal> {
        let Some(folder) = &self.bundled_folder else {
            return Ok(Pins::default());
        };
        let pins = pins(&folder.join(BUNDLED), self.policy.insecure_permissions)?;
        Ok(pins.unwrap_or_default())
    }

    /// How a file in `folder` is judged.
    ///
    /// # Errors
    /// The folder's lock file cannot be used: then nobody knows what may run.
    pub(in crate::plugins) fn policy_of(
        &self,
        folder: &Path,
        bundled: bool,
    ) -> Result<Policy, Refusal> {
        let pins = pins(
            &self.lock_of(folder, bundled),
            self.policy.insecure_permissions,
        )?;
        Ok(Policy {
            pins: pins.unwrap_or_default(),
            ..self.policy.clone()
        })
    }
}

/// Reads a lock file; none when it is not there.
///
/// # Errors
/// Others could change it, or a line of it is no pin.
pub(in crate::plugins) fn pins(lock: &Path, insecure: bool) -> Result<Option<Pins>, Refusal> {
    let Some(text) = read_trusted(lock, LOCK_BYTES_MAX, insecure)? else {
        return Ok(None);
    };
    let pins = Pins::parse(&text).map_err(|faults| {
        let why = format!("{}; write it with meterbox plugins pin", faults.join("; "));
        Refusal::new(Reason::Unreadable, why).at(lock)
    })?;
    Ok(Some(pins))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meterbox_plugin_loader::file::ApiVersion;

    #[test]
    fn a_named_lock_file_is_for_the_user_and_never_for_what_is_shipped() {
        let mut options = Options::new(Vec::new(), Policy::new(ApiVersion { major: 0, minor: 0 }));
        let folder = Path::new("/plugins");
        let beside = Path::new("/plugins/plugins.lock");
        assert_eq!(options.lock_of(folder, false), beside);
        options.lock = Some("/etc/pins".into());
        assert_eq!(options.lock_of(folder, false), Path::new("/etc/pins"));
        assert_eq!(
            options.lock_of(folder, true),
            Path::new("/plugins/bundled.lock")
        );
        let missing = options.policy_of(Path::new("/nowhere/at/all"), true);
        assert_eq!(missing.unwrap().pins, Pins::default());
    }

    #[test]
    fn a_broken_lock_file_is_a_refusal_with_its_line() {
        let path = std::env::temp_dir().join(format!("meterbox-lock-{}", std::process::id()));
        std::fs::write(&path, "# fine\nabc  one.so\n").unwrap();
        let refusal = pins(&path, true).unwrap_err();
        assert!(refusal.text.contains("line 2 is not"), "{refusal}");
        std::fs::remove_file(path).unwrap();
    }
}
