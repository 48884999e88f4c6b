//! `meterbox plugins pin`: pins files and prints a line for each.

use super::{PinArguments, pretty};
use crate::cli::exit::Failure;
use crate::cli::print;
use crate::tools::pin::{PinError, Pinned, pin as pin_file};
use meterbox_config::Environment;
use serde_json::{Value, json};

/// Pins every file.
///
/// # Errors
/// The configuration is refused, a file cannot be read, or a lock file cannot be written.
pub(super) fn pin(pin: PinArguments, environment: &Environment) -> Result<(), Failure> {
    let settings = pin.options.request(environment)?.load()?.settings;
    let lock = settings.plugins.lock.as_deref();
    let pinned = pin.files.iter().map(|file| pin_file(file, lock));
    let pinned: Vec<Pinned> = pinned.collect::<Result<_, _>>().map_err(failure)?;
    print(&if pin.json {
        pretty(&pinned.iter().map(in_json).collect())
    } else {
        pinned.iter().map(sentence).collect()
    });
    Ok(())
}

fn failure(error: PinError) -> Failure {
    match error {
        PinError::Name(_) => Failure::refused(error),
        _ => Failure::failed(error),
    }
}

fn in_json(pinned: &Pinned) -> Value {
    json!({
        "name": pinned.name,
        "sha256": pinned.sha256,
        "lock": pinned.lock.display().to_string(),
        "replaced": pinned.replaced,
    })
}

fn sentence(pinned: &Pinned) -> String {
    let verb = if pinned.replaced {
        "pinned anew"
    } else {
        "pinned"
    };
    let (name, sha256, lock) = (&pinned.name, &pinned.sha256, pinned.lock.display());
    format!("{name} {verb} to sha256 {sha256} in {lock}\n")
}
