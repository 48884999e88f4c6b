//! `meterbox config check` and `meterbox config show`.

use super::exit::Failure;
use super::print;
use meterbox_config::{LoadError, LoadRequest, Loaded, Property};
use serde_json::json;
use std::fmt::Write;
use std::path::Path;

/// Prints all warnings and how many there are.
///
/// # Errors
/// The configuration would be refused: all errors, and how many.
pub(super) fn check(request: &LoadRequest) -> Result<(), Failure> {
    match request.load() {
        Ok(loaded) => {
            print(&checked(&loaded));
            Ok(())
        }
        Err(LoadError::Invalid(errors)) => {
            let count = errors.len();
            let lines = LoadError::Invalid(errors);
            let noun = if count == 1 { "error" } else { "errors" };
            Err(Failure::refused(format!(
                "{lines}\n{count} {noun}: the server would not start"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

fn checked(loaded: &Loaded) -> String {
    let warnings = &loaded.settings.warnings;
    let mut text: String = warnings
        .iter()
        .map(|warning| format!("{warning}\n"))
        .collect();
    let file = loaded
        .file
        .as_deref()
        .map_or("no file, defaults only".into(), Path::to_string_lossy);
    let noun = if warnings.len() == 1 {
        "warning"
    } else {
        "warnings"
    };
    text += &format!("{file}: no errors, {} {noun}\n", warnings.len());
    text
}

/// Prints every value, as a file, with origins, or as JSON.
///
/// # Errors
/// The configuration would be refused.
pub(super) fn show(request: &LoadRequest, origin: bool, json: bool) -> Result<(), Failure> {
    let properties = request.load()?.settings.properties;
    print(&match (json, origin) {
        (true, _) => as_json(&properties),
        (false, true) => with_origins(&properties),
        (false, false) => as_file(&properties),
    });
    Ok(())
}

fn as_file(properties: &[Property]) -> String {
    let line = |property: &Property| format!("{}={}\n", property.key, one_line(&property.text));
    properties.iter().map(line).collect()
}

fn with_origins(properties: &[Property]) -> String {
    let origins: Vec<String> = properties.iter().map(|p| p.origin.to_string()).collect();
    let width = origins.iter().map(String::len).max().unwrap_or_default();
    let mut text = String::new();
    for (property, origin) in properties.iter().zip(origins) {
        let value = one_line(&property.text);
        writeln!(text, "{origin:<width$}  {}={value}", property.key)
            .expect("a String takes any text");
    }
    text
}

fn as_json(properties: &[Property]) -> String {
    let rows: Vec<_> = properties
        .iter()
        .map(|p| json!({"key": p.key, "value": p.text, "origin": p.origin.to_string()}))
        .collect();
    format!("{:#}\n", serde_json::Value::from(rows))
}

/// A value as it would be written in the file: line ends and backslashes escaped.
fn one_line(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t")
}
