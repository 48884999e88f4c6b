//! The SDK inside the release: what `meterbox plugins new` builds against, complete without a network.
//!
//! Layout: `rust/` (the workspace of this repository with the author's crates only, its manifests as
//! they are), `vendor/` (what those need of others), `c/` (the header), `python/` (the package).

use crate::run::{Outcome, cargo, output, root};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The author's crate and those of ours that it needs, by their folders.
const CRATES: [&str; 3] = ["plugin-api", "plugin-api/abi", "crates/names"];
/// What is copied as it is, if it is there.
const FOLDERS: [(&str, &str); 2] = [
    ("plugin-api/c", "c"),
    ("python/meterbox_plugin", "python/meterbox_plugin"),
];
/// Where the release runs. Crates that no build there uses are shipped as empty shells.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];
/// In `vendor/`: the lock file that it was made for.
const STAMP: &str = ".made-for.lock";

/// Writes the SDK into `sdk`.
///
/// # Errors
/// What cannot be read or written. A registry that is not reachable is no error: it is said, and the
/// SDK has no `vendor/` then.
pub(crate) fn install(sdk: &Path) -> Outcome {
    let rust = sdk.join("rust");
    lay_out(sdk, &rust).map_err(|error| format!("{}: {error}", sdk.display()))?;
    vendor(&rust, &sdk.join("vendor"))
}

fn lay_out(sdk: &Path, rust: &Path) -> std::io::Result<()> {
    for folder in CRATES {
        let (from, to) = (root().join(folder), rust.join(folder));
        afresh(&from.join("src"), &to.join("src"))?;
        fs::copy(from.join("Cargo.toml"), to.join("Cargo.toml"))?;
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml"))?;
    let members = format!("members = {CRATES:?}");
    let only_ours = |line: &str| {
        let line = if line.starts_with("members = ") {
            &members
        } else {
            line
        };
        format!("{line}\n")
    };
    let workspace: String = workspace.lines().map(only_ours).collect();
    fs::write(rust.join("Cargo.toml"), workspace)?;
    // The versions that the server was built with.
    fs::copy(root().join("Cargo.lock"), rust.join("Cargo.lock"))?;
    for (from, to) in FOLDERS {
        let from = root().join(from);
        if from.is_dir() {
            afresh(&from, &sdk.join(to))?;
        }
    }
    Ok(())
}

/// Puts everything that the crates in `rust` need into `to`, if the registry lets us.
fn vendor(rust: &Path, to: &Path) -> Outcome {
    let place = |error: std::io::Error| format!("{}: {error}", to.display());
    let manifest = rust.join("Cargo.toml");
    let beside = to.with_extension("new");
    remove(&beside).map_err(place)?;
    // What was downloaded once needs no network.
    let fetched = fetch(&manifest, &beside, true).or_else(|_| fetch(&manifest, &beside, false));
    let lock = fs::read_to_string(rust.join("Cargo.lock")).map_err(place)?;
    let Err(why) = fetched else {
        let used = used(&manifest)?;
        empty_all_but(&used, &beside).map_err(place)?;
        fs::write(beside.join(STAMP), lock).map_err(place)?;
        remove(to).map_err(place)?;
        return fs::rename(&beside, to).map_err(place);
    };
    remove(&beside).map_err(place)?;
    if fs::read_to_string(to.join(STAMP)).is_ok_and(|made_for| made_for == lock) {
        return Ok(());
    }
    eprintln!(
        "sdk: no vendor/, so new Rust plugins build only where cargo has their crates already; run this \
         again when the registry answers\n  {why}"
    );
    remove(to).map_err(place)
}

fn fetch(manifest: &Path, to: &Path, offline: bool) -> Outcome {
    let mut vendor = cargo();
    vendor.args(["vendor", "--quiet", "--versioned-dirs", "--manifest-path"]);
    vendor.arg(manifest).arg(to).env("CARGO_NET_RETRY", "0");
    if offline {
        vendor.arg("--offline");
    }
    output(&mut vendor).map(drop)
}

/// The packages that a build on our targets compiles, as their folders are named: `name-version`.
fn used(manifest: &Path) -> Result<BTreeSet<String>, String> {
    let mut tree = cargo();
    tree.args([
        "tree",
        "--offline",
        "--workspace",
        "--all-features",
        "--prefix",
        "none",
    ]);
    tree.args([
        "--edges",
        "normal,build",
        "--format",
        "{p}",
        "--manifest-path",
    ]);
    tree.arg(manifest);
    for target in TARGETS {
        tree.args(["--target", target]);
    }
    let listed = output(&mut tree)?;
    let folder = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split(' ').next()?;
        Some(format!("{name}-{version}"))
    };
    Ok(listed.lines().filter_map(folder).collect())
}

fn empty_all_but(used: &BTreeSet<String>, vendored: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(vendored)? {
        let entry = entry?;
        if !used.contains(&*entry.file_name().to_string_lossy()) {
            empty(&entry.path())?;
        }
    }
    Ok(())
}

/// Leaves of a crate what cargo asks for before it finds that it need not build it.
fn empty(folder: &Path) -> std::io::Result<()> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
    let checksum = fs::read_to_string(folder.join(".cargo-checksum.json"))?;
    let digest = checksum.split("\"package\":\"").nth(1);
    let digest = digest
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default();
    remove(folder)?;
    // Cargo has written this manifest, one value a line.
    let paths = manifest.lines().filter_map(|line| {
        let value = line
            .strip_prefix("path = ")
            .or(line.strip_prefix("build = "))?;
        value.strip_prefix('"')?.strip_suffix('"')
    });
    for path in ["src/lib.rs"].into_iter().chain(paths) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, "")?;
    }
    let checksum = format!("{{\"files\":{{}},\"package\":\"{digest}\"}}");
    fs::write(folder.join(".cargo-checksum.json"), checksum)?;
    fs::write(folder.join("Cargo.toml"), &manifest)
}

/// Copies a folder into the place of an older copy, so that nothing of that one stays.
fn afresh(from: &Path, to: &Path) -> std::io::Result<()> {
    remove(to)?;
    crate::files::copy_folder(from, to)
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
