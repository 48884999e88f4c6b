//! What this repository depends on: used, licensed, from one place, and no more than one version of each.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Licences that allow what we do with the code: link it and ship it.
const LICENSES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];
/// Packages with a licence of their own, and why it is fine.
const LICENSED_APART: &[(&str, &str, &str)] = &[(
    "generational-arena",
    "MPL-2.0",
    "shares changes of its own files alone",
)];
/// Packages of which there are several versions, and who holds the older ones.
const SEVERAL_VERSIONS: &[(&str, &str)] = &[
    ("base64", "certificates that tests make (rcgen)"),
    ("cpufeatures", "sha2"),
    ("getrandom", "TLS (ring)"),
    ("libloading", "abi_stable and nvml-wrapper"),
    ("syn", "the macros of abi_stable and clap"),
    ("thiserror", "nvml-wrapper"),
    ("thiserror-impl", "nvml-wrapper"),
];

/// What cargo knows about the packages that are built on this platform.
fn metadata() -> Value {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["metadata", "--offline", "--format-version", "1"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .output()
        .expect("cargo metadata runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whether one side of each choice is allowed; `/` is the old way to write `OR`.
fn is_allowed(license: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let license = license.replace('/', " OR ");
    let plain = license.replace(['(', ')'], "");
    // No package here nests choices deeper than `(A OR B) AND C`.
    plain
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|one| allowed(one.trim())))
}

#[test]
fn licenses_are_among_those_that_we_may_ship() {
    let metadata = metadata();
    let mut refused = Vec::new();
    for package in list(&metadata, "packages") {
        let name = text(package, "name");
        let allowed = |license: &str| {
            let apart = LICENSED_APART.iter();
            LICENSES.contains(&license)
                || apart
                    .clone()
                    .any(|(known, its, _)| *known == name && *its == license)
        };
        let license = text(package, "license");
        if !is_allowed(license, &allowed) {
            refused.push(format!("{name}: {license:?}"));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn a_choice_of_licenses_needs_one_and_a_list_needs_all() {
    let allowed = |license: &str| matches!(license, "A" | "B WITH x");
    for license in ["A", "C OR A", "C/A", "(C OR B WITH x) AND A"] {
        assert!(is_allowed(license, &allowed), "{license}");
    }
    for license in ["", "C", "A AND C", "(A OR C) AND C", "B"] {
        assert!(!is_allowed(license, &allowed), "{license}");
    }
}

#[test]
fn everything_comes_from_crates_io_and_nothing_twice() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in list(&metadata, "packages") {
        let (name, source) = (text(package, "name"), text(package, "source"));
        let known = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(
            source == known || source.is_empty(),
            "{name} is from {source}"
        );
        versions
            .entry(name)
            .or_default()
            .insert(text(package, "version"));
    }
    versions.retain(|_, versions| versions.len() > 1);
    let found: Vec<&str> = versions.keys().copied().collect();
    let known: Vec<&str> = SEVERAL_VERSIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, known, "{versions:#?}");
}

#[test]
fn every_dependency_is_named_by_its_package() {
    let metadata = metadata();
    let mut unused = Vec::new();
    let mut used = BTreeSet::new();
    let members: BTreeSet<&str> = list(&metadata, "workspace_members")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for package in list(&metadata, "packages") {
        if !members.contains(text(package, "id")) {
            continue;
        }
        let folder = Path::new(text(package, "manifest_path"))
            .parent()
            .expect("a folder");
        let words = words_below(folder, true);
        for dependency in list(package, "dependencies") {
            let name = text(dependency, "name");
            used.insert(name.to_owned());
            if !words.contains(&name.replace('-', "_")) {
                unused.push(format!("{}: {name}", text(package, "name")));
            }
        }
    }
    for name in shared_dependencies() {
        if !used.contains(&name) {
            unused.push(format!("Cargo.toml: {name}"));
        }
    }
    assert!(unused.is_empty(), "{unused:#?}");
}

/// The names below `[workspace.dependencies]`.
fn shared_dependencies() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("the root's manifest");
    let (_, section) = manifest
        .split_once("[workspace.dependencies]")
        .expect("the section");
    let section = section.split("\n[").next().unwrap_or_default();
    let name = |line: &str| Some(line.split_once(" = ")?.0.to_owned());
    section
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(name)
        .collect()
}

/// Every word of the sources below `folder`, without those of packages inside it.
fn words_below(folder: &Path, is_package: bool) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    if !is_package && (folder.join("Cargo.toml").exists() || folder.ends_with("target")) {
        return words;
    }
    for entry in std::fs::read_dir(folder)
        .expect("a folder")
        .filter_map(Result::ok)
    {
        let path = entry.path();
        if path.is_dir() {
            words.append(&mut words_below(&path, false));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let split =
                code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
            words.extend(split.map(str::to_owned));
        }
    }
    words
}
