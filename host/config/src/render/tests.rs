//! The generated files: current, complete, and readable by the server itself.

use super::{markdown, properties};
use crate::{Environment, FileText, Settings, Sources, keys};
use std::path::Path;

#[track_caller]
fn check_current(name: &str, expect: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expect,
        "{name} is not current: run `cargo xtask gen`"
    );
}

#[test]
fn the_committed_files_are_current() {
    check_current("config.properties", &properties());
    check_current("docs/CONFIG.md", &markdown());
}

#[test]
fn every_key_is_in_both_files() {
    let (file, page) = (properties(), markdown());
    for key in keys::all() {
        let line = file.lines().any(|line| {
            line.trim_start_matches('#')
                .split_once('=')
                .is_some_and(|(name, _)| name == key.name)
        });
        assert!(line, "{} is not in config.properties", key.name);
        assert!(
            page.contains(&format!("`{}`", key.name)),
            "{} is not in CONFIG.md",
            key.name
        );
    }
}

fn read(text: &str) -> Settings {
    let sources = Sources {
        file: Some(FileText {
            name: "config.properties".to_owned(),
            folder: "/dist".into(),
            bytes: text.as_bytes().to_vec(),
        }),
        overrides: &[],
        environment: &Environment::default(),
        working_folder: Path::new("/dist"),
    };
    Settings::from_sources(&sources).expect("the shipped file has no error")
}

#[test]
fn the_shipped_file_reads_without_a_warning_and_lets_the_first_steps_work() {
    let settings = read(&properties());
    assert_eq!(settings.warnings, []);
    assert!(!settings.tokens.required && settings.models.api_enabled);
    assert!(settings.listeners.management.is_local() && settings.metrics.endpoints_enabled);
    assert_eq!(
        settings.models.store.as_deref(),
        Some(Path::new("/dist/models"))
    );
    assert_eq!(settings.plugins.folders, [Path::new("/dist/plugins")]);
}

#[test]
fn the_shipped_file_has_the_stricter_value_one_line_below() {
    let text = properties();
    for key in ["disable_token_authorization", "enable_model_api"] {
        assert!(
            text.contains(&format!("\n{key}=true\n#{key}=false\n")),
            "{key}"
        );
    }
}

#[test]
fn switching_off_lines_on_changes_nothing_but_shipped_values() {
    // An off line shows the default, so a file with all of them on must still be readable.
    let on: String = properties()
        .lines()
        .filter(|line| !line.contains('<'))
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with([' ', '#']) && !rest.ends_with('=') => rest.to_owned(),
            _ => line.to_owned(),
        } + "\n")
        .collect();
    let settings = read(&on);
    assert_eq!(settings.http, Settings::defaults().http);
    assert!(settings.tokens.required && !settings.models.api_enabled);
}
