//! `meterbox plugins show`: everything the server says about one plugin.

use super::named;
use crate::cli::client;
use crate::cli::exit::Failure;
use crate::cli::print;
use meterbox_config::LoadRequest;
use serde_json::Value;

/// Prints one plugin, as lines of a key and a value or as the JSON that the server sends.
///
/// # Errors
/// The name or the configuration is refused, or the server does not know the plugin.
pub(super) fn show(request: &LoadRequest, name: &str, json: bool) -> Result<(), Failure> {
    let path = format!("/plugins/{}", named(name)?);
    let settings = request.load()?.settings;
    let body = client::manage(&settings, "GET", &path).map_err(Failure::failed)?;
    if json {
        print(&String::from_utf8_lossy(&body));
        return Ok(());
    }
    let plugin: Value = serde_json::from_slice(&body).map_err(Failure::failed)?;
    print(&lines(&plugin));
    Ok(())
}

/// One line for each leaf, aligned; what the server adds later is shown like the rest.
fn lines(plugin: &Value) -> String {
    let mut rows = Vec::new();
    leaves("", plugin, &mut rows);
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let line = |(key, value): &(String, String)| {
        let line = format!("{key:width$}  {value}");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn leaves(key: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let joined = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                leaves(&joined, field, rows);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                rows.push((key.to_owned(), in_one_line(item)));
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(in_one_line).collect();
            rows.push((key.to_owned(), items.join(", ")));
        }
        leaf => rows.push((key.to_owned(), in_one_line(leaf))),
    }
}

fn in_one_line(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields: Vec<String> = fields.values().map(in_one_line).collect();
            fields.join(" ")
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(in_one_line).collect();
            items.join(",")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_leaf_has_a_line_and_lists_of_objects_one_for_each() {
        let plugin = json!({ "name": "drift", "last_error": null, "roles": ["endpoint", "collector"],
            "endpoints": [{ "listener": "metrics", "path": "/drift", "methods": ["GET", "HEAD"] }],
            "process": { "pid": 7 } });
        let expect = "\
name         drift
last_error
roles        endpoint, collector
endpoints    metrics /drift GET,HEAD
process.pid  7
";
        assert_eq!(lines(&plugin), expect);
    }
}
