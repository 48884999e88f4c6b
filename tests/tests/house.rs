//! The invariants of ARCHITECTURE.md as tests: who may depend on whom, and which crate may know what.

use meterbox_tests::circles::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_path_buf()
}

/// What cargo says of every package of the workspace.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Package name -> the packages it depends on (normal dependencies).
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    packages()
        .iter()
        .map(|package| {
            let depends = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str().map(str::to_owned))
                .collect();
            (
                package["name"].as_str().expect("a name").to_owned(),
                depends,
            )
        })
        .collect()
}

fn reachable(graph: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![from.to_owned()];
    while let Some(package) = todo.pop() {
        for next in graph.get(&package).into_iter().flatten() {
            if seen.insert(next.clone()) {
                todo.push(next.clone());
            }
        }
    }
    seen
}

#[test]
fn the_host_has_no_edge_to_exposition() {
    let graph = dependencies();
    assert!(graph.contains_key("meterbox"), "the graph knows the host");
    assert!(
        graph.contains_key("meterbox-exposition"),
        "the graph knows exposition"
    );
    assert!(!reachable(&graph, "meterbox").contains("meterbox-exposition"));
}

#[test]
fn dependencies_go_one_way() {
    let graph = dependencies();
    let forbidden: &[(&str, &[&str])] = &[
        (
            "meterbox-metrics",
            &[
                "meterbox-plugin-abi",
                "meterbox-exposition",
                "meterbox",
                "abi_stable",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-exposition",
            &[
                "meterbox-metrics",
                "meterbox",
                "meterbox-plugin",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-names",
            &["meterbox-metrics", "meterbox-plugin-abi", "abi_stable"],
        ),
        ("meterbox-properties", &["meterbox", "tokio", "hyper"]),
        ("meterbox-http-wire", &["meterbox", "tokio", "hyper"]),
        (
            "meterbox-net",
            &[
                "meterbox",
                "meterbox-http",
                "meterbox-telemetry",
                "hyper",
                "http",
            ],
        ),
        (
            "meterbox-http",
            &["meterbox", "meterbox-telemetry", "meterbox-plugin-abi"],
        ),
        (
            "meterbox-plugins",
            &[
                "meterbox",
                "meterbox-http",
                "meterbox-models",
                "meterbox-export",
                "hyper",
            ],
        ),
        (
            "meterbox-models",
            &[
                "meterbox",
                "meterbox-http",
                "meterbox-net",
                "meterbox-plugins",
                "hyper",
                "http",
            ],
        ),
        (
            "meterbox-logs",
            &[
                "meterbox",
                "meterbox-http",
                "meterbox-telemetry",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-sandbox",
            &["meterbox", "meterbox-plugin-abi", "tokio", "hyper"],
        ),
        (
            "meterbox-plugin-abi",
            &[
                "meterbox-metrics",
                "meterbox-plugin",
                "meterbox",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-plugin",
            &["meterbox-metrics", "meterbox", "tokio", "hyper"],
        ),
        (
            "meterbox-plugin-files",
            &[
                "meterbox-metrics",
                "meterbox-plugin-c",
                "meterbox-plugin-loader",
                "meterbox",
                "libloading",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-plugin-c",
            &[
                "meterbox-metrics",
                "meterbox-plugin-loader",
                "meterbox",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-plugin-loader",
            &[
                "meterbox-metrics",
                "meterbox-exposition",
                "meterbox",
                "tokio",
                "hyper",
            ],
        ),
        (
            "meterbox-plugin-process",
            &[
                "meterbox-metrics",
                "meterbox-exposition",
                "meterbox",
                "tokio",
                "hyper",
            ],
        ),
    ];
    for (package, not) in forbidden {
        assert!(graph.contains_key(*package), "{package} is a member");
        let reached = reachable(&graph, package);
        for name in *not {
            assert!(
                !reached.contains(*name),
                "{package} must not depend on {name}"
            );
        }
    }
    for package in graph
        .keys()
        .filter(|name| name.starts_with("meterbox-plugin-"))
    {
        if matches!(
            package.as_str(),
            "meterbox-plugin-abi"
                | "meterbox-plugin-files"
                | "meterbox-plugin-c"
                | "meterbox-plugin-loader"
                | "meterbox-plugin-process"
        ) {
            continue;
        }
        let reached = reachable(&graph, package);
        for name in ["meterbox", "meterbox-metrics", "meterbox-plugin-loader"] {
            assert!(
                !reached.contains(name),
                "{package} must not depend on {name}"
            );
        }
    }
}

#[test]
fn only_the_border_and_the_loader_depend_on_abi_stable() {
    for (package, depends) in dependencies() {
        if depends.contains("abi_stable") {
            assert!(
                matches!(
                    package.as_str(),
                    "meterbox-plugin-abi" | "meterbox-plugin-loader"
                ),
                "{package} depends on abi_stable"
            );
        }
    }
}

/// Every `.rs` file below `folder` with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source is text");
                found.push((path, text));
            }
        }
    }
    found
}

/// Fails for each line of code (comments aside) below `folder` that contains one of `words`.
#[track_caller]
fn nobody_knows(folder: &str, words: &[&str], except: &[&str]) {
    let folder = root().join(folder);
    let files = sources(&folder);
    assert!(!files.is_empty(), "{} has sources", folder.display());
    for (path, text) in files {
        let shown = path
            .strip_prefix(&folder)
            .expect("below the folder")
            .display()
            .to_string();
        if except.iter().any(|allowed| shown.starts_with(allowed)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words {
                assert!(
                    !code.contains(word),
                    "{shown}:{}: {word} in: {line}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn pure_crates_know_no_runtime_socket_or_clock() {
    let words = [
        "tokio::",
        "hyper::",
        "std::net",
        "SystemTime::now",
        "Instant::now",
        "std::thread::sleep",
    ];
    for crate_folder in [
        "crates/exposition/src",
        "crates/http-wire/src",
        "crates/properties/src",
        "crates/restarts/src",
        "crates/calendar/src",
        "crates/numbers/src",
        "crates/names/src",
    ] {
        nobody_knows(crate_folder, &words, &[]);
    }
    nobody_knows("crates/metrics/src", &words, &["tests", "store/tests"]);
}

#[test]
fn only_http_knows_hyper() {
    nobody_knows(
        "host",
        &["hyper::", "hyper_util::"],
        &["src/http/", "http/"],
    );
}

#[test]
fn nobody_but_the_border_and_the_loader_writes_abi_stable() {
    for folder in [
        "host",
        "plugin-api/src",
        "crates/metrics/src",
        "crates/exposition/src",
        "crates/plugin-files/src",
        "crates/plugin-c/src",
        "plugins",
    ] {
        nobody_knows(folder, &["abi_stable"], &[]);
    }
}

#[test]
fn unsafe_code_stays_where_it_is_allowed() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl"];
    for folder in [
        "host",
        "plugin-api/src",
        "crates/exposition/src",
        "crates/properties/src",
        "xtask",
        "tests/src",
    ] {
        nobody_knows(folder, &words, &[]);
    }
    // The stand-in for NVIDIA's C library speaks C.
    nobody_knows("plugins", &words, &["system/tests/stub-nvml/"]);
    // The running C library's version, which only C knows.
    nobody_knows("crates/plugin-files/src", &words, &["glibc.rs"]);
    // Only the slabs of the store, whose benchmark shows what they buy.
    let slabs = ["slab.rs", "cells.rs", "rows.rs"];
    nobody_knows("crates/metrics/src", &words, &slabs);
    // Shared memory, and leaving a process without running foreign exit handlers.
    let shared = ["shared_file.rs", "child/main.rs"];
    nobody_knows("crates/plugin-process/src", &words, &shared);
}

#[test]
fn no_files_or_folders_stand_in_a_circle() {
    let mut found = Vec::new();
    let mut files = 0;
    for package in packages() {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let sources = Sources::read(&manifest.with_file_name("src"));
        files += sources.len();
        let circles = [sources.circles_of_files(), sources.circles_of_folders()].concat();
        let name = package["name"].as_str().expect("a name");
        found.extend(
            circles
                .into_iter()
                .map(|circle| format!("{name}: {circle}")),
        );
    }
    assert!(files > 300, "the sources were read: {files}");
    assert!(
        found.is_empty(),
        "{} circles:\n{}",
        found.len(),
        found.join("\n")
    );
}

/// Everything that looks like a file of this repository, in code spans and drawings.
fn named_files(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let words = text.split(|c| !is_part(c));
    let words = words.map(|word| word.trim_end_matches('.'));
    let named = words.filter(|word| word.contains('/') && !word.starts_with('/'));
    let named = named.filter(|word| word.ends_with(".rs") || word.ends_with(".md"));
    named.map(str::to_owned).collect()
}

#[test]
fn the_map_names_only_files_that_are_there() {
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"] {
        let text = std::fs::read_to_string(root().join(page)).expect("it is there");
        let absent: Vec<String> = named_files(&text)
            .into_iter()
            .filter(|file| !root().join(file).is_file())
            .collect();
        assert!(absent.is_empty(), "{page} names {absent:?}");
    }
}
