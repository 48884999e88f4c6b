//! The lock files: which digest a plugin file must have.
//!
//! One named by `plugins_lock` holds for all of the user's files; without it `plugins.lock` in each
//! folder for its own. What was shipped is listed in `bundled.lock` of the bundled folder, which nobody
//! but the release writes: other files in that folder are the user's, pinned or not. They are read anew whenever a file is
//! looked at, and a change of one makes its files be looked at.

use meterbox_config::PluginSettings;
use meterbox_plugin_abi::API_VERSION;
use meterbox_plugin_files::{ApiVersion, Pins, Policy, Reason, Refusal, read_trusted};
use std::path::{Path, PathBuf};

/// The lock file of a folder.
const LOCK: &str = "plugins.lock";
/// What was shipped in a folder.
const BUNDLED: &str = "bundled.lock";
/// A larger lock file is refused, in bytes: room for 10,000 lines.
const LOCK_BYTES_MAX: u64 = 4 << 20;

/// The lock file of the plugin files in `folder`.
pub(crate) fn lock_of(settings: &PluginSettings, folder: &Path, bundled: bool) -> PathBuf {
    match &settings.lock {
        _ if bundled => folder.join(BUNDLED),
        Some(named) => named.clone(),
        None => folder.join(LOCK),
    }
}

/// Which names the bundled folder was shipped with; none without its lock file.
///
/// # Errors
/// The lock file cannot be used.
pub(crate) fn shipped(settings: &PluginSettings, bundled: &Path) -> Result<Pins, Refusal> {
    let pins = pins(&bundled.join(BUNDLED), settings.insecure_permissions)?;
    Ok(pins.unwrap_or_default())
}

/// How a file in `folder` is judged.
///
/// # Errors
/// The folder's lock file cannot be used: then nobody knows what may run.
pub(crate) fn policy_of(
    settings: &PluginSettings,
    folder: &Path,
    bundled: bool,
) -> Result<Policy, Refusal> {
    let lock = lock_of(settings, folder, bundled);
    let pins = pins(&lock, settings.insecure_permissions)?;
    let api = ApiVersion::parse(API_VERSION).expect("a package version is a version");
    Ok(Policy {
        needed_extra: settings.needed_extra.clone(),
        insecure_permissions: settings.insecure_permissions,
        pins: pins.unwrap_or_default(),
        require_pins: settings.require_pins,
        ..Policy::new(api)
    })
}

/// Reads a lock file; none when it is not there.
///
/// # Errors
/// Others could change it, or a line of it is no pin.
pub(super) fn pins(lock: &Path, insecure: bool) -> Result<Option<Pins>, Refusal> {
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
    use meterbox_config::Settings;

    #[test]
    fn a_named_lock_file_is_for_the_user_and_never_for_what_is_shipped() {
        let mut settings = Settings::defaults().plugins;
        let folder = Path::new("/plugins");
        let lock_of = |settings: &_, bundled| lock_of(settings, folder, bundled);
        assert_eq!(lock_of(&settings, false), folder.join("plugins.lock"));
        settings.lock = Some("/etc/pins".into());
        assert_eq!(lock_of(&settings, false), Path::new("/etc/pins"));
        assert_eq!(lock_of(&settings, true), folder.join("bundled.lock"));
        let missing = policy_of(&settings, Path::new("/nowhere/at/all"), true);
        assert_eq!(missing.unwrap().pins, Pins::default());
    }

    #[test]
    fn a_broken_lock_file_is_a_refusal_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins.lock");
        std::fs::write(&path, "# fine\nabc  one.so\n").unwrap();
        let refusal = pins(&path, true).unwrap_err();
        assert!(refusal.text.contains("line 2 is not"), "{refusal}");
    }
}
