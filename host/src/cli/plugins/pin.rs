//! `meterbox plugins pin`: writes digests into the lock file that the loader reads.
//!
//! A lock file is what `sha256sum` prints: a digest, two blanks, a file name. Comments and the lines
//! of other files stay as they are.

use super::digest::digest;
use super::{Pin, pretty};
use crate::cli::exit::Failure;
use crate::cli::print;
use meterbox_config::Environment;
use meterbox_plugin_loader::file::Pins;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock file's name where the configuration names none.
const BESIDE: &str = "plugins.lock";

/// Pins every file and prints a line for each.
///
/// # Errors
/// The configuration is refused, a file cannot be read, or a lock file cannot be written.
pub(super) fn pin(pin: Pin, environment: &Environment) -> Result<(), Failure> {
    let settings = pin.options.request(environment)?.load()?.settings;
    let mut done = Vec::new();
    for file in &pin.files {
        let name = name_of(file)?;
        let (sha256, _) = digest(file).map_err(Failure::failed)?;
        let lock = settings
            .plugins
            .lock
            .clone()
            .unwrap_or_else(|| beside(file));
        let replaced = write(&lock, &sha256, &name)?;
        let lock = lock.display().to_string();
        done.push(json!({ "name": name, "sha256": sha256, "lock": lock, "replaced": replaced }));
    }
    if pin.json {
        print(&pretty(&Value::from(done)));
    } else {
        let text: String = done.iter().map(sentence).collect();
        print(&text);
    }
    Ok(())
}

fn sentence(pinned: &Value) -> String {
    let text = |key: &str| pinned[key].as_str().unwrap_or_default();
    let verb = match pinned["replaced"].as_bool() {
        Some(true) => "pinned anew",
        _ => "pinned",
    };
    format!(
        "{} {verb} to sha256 {} in {}\n",
        text("name"),
        text("sha256"),
        text("lock")
    )
}

fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.join(BESIDE),
        _ => PathBuf::from(BESIDE),
    }
}

/// The name under which the loader looks for a pin.
fn name_of(file: &Path) -> Result<String, Failure> {
    let name = file.file_name().and_then(|name| name.to_str());
    let usable = name.filter(|name| !name.contains(char::is_control) && name.trim() == *name);
    usable.map(str::to_owned).ok_or_else(|| {
        Failure::refused(format!(
            "{}: such a name cannot stand in a lock file; rename the file",
            file.display()
        ))
    })
}

/// Puts the line into the lock file; whether it took the place of another digest.
fn write(lock: &Path, sha256: &str, name: &str) -> Result<bool, Failure> {
    let fail = |why: String| Failure::failed(format!("{}: {why}", lock.display()));
    let old = match fs::read_to_string(lock) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(fail(format!("the lock file cannot be read ({error})"))),
    };
    if let Err(faults) = Pins::parse(&old) {
        let text = format!("{}; correct or remove the line first", faults.join("; "));
        return Err(fail(text));
    }
    let (text, replaced) = with_line(&old, sha256, name);
    if text == old {
        return Ok(replaced);
    }
    // A lock file that others may write would be no lock; the rename shows no reader half of it.
    let new = lock.with_extension(format!("lock.{}", std::process::id()));
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&new, lock));
    written.map(|()| replaced).map_err(|error| {
        // What was begun may be missing already.
        drop(fs::remove_file(&new));
        fail(format!(
            "the lock file cannot be written ({error}); run as the owner of its folder"
        ))
    })
}

/// The text with the line of `name` added or in the place of the old ones.
fn with_line(old: &str, sha256: &str, name: &str) -> (String, bool) {
    let line = format!("{sha256}  {name}\n");
    let mut text = String::new();
    let mut replaced = false;
    for old_line in old.lines() {
        if line_name(old_line) != Some(name) {
            text += old_line;
            text.push('\n');
        } else if !replaced {
            replaced = true;
            text += &line;
        }
    }
    if !replaced {
        text += &line;
    }
    (text, replaced)
}

/// The file name of a line, read as the loader reads it.
fn line_name(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (_, name) = line.split_once(char::is_whitespace)?;
    Some(name.trim_start().trim_start_matches('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_added_or_replaced_and_all_others_stay() {
        let (a, b, c) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
        let (text, replaced) = with_line("", &a, "drift.so");
        assert_eq!(
            (text.as_str(), replaced),
            (&*format!("{a}  drift.so\n"), false)
        );
        let old = format!("# ours\n{a} *drift.so\n\n{b}  other.so\n{b}  drift.so");
        let (text, replaced) = with_line(&old, &c, "drift.so");
        assert!(replaced);
        assert_eq!(text, format!("# ours\n{c}  drift.so\n\n{b}  other.so\n"));
    }

    #[test]
    fn a_name_that_would_break_a_line_is_refused() {
        assert!(name_of(Path::new("a/b.so")).is_ok_and(|name| name == "b.so"));
        assert!(name_of(Path::new("a/b\n.so")).is_err());
        assert!(name_of(Path::new("a/ b.so")).is_err());
        assert!(name_of(Path::new("..")).is_err());
    }
}
