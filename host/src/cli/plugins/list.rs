//! `meterbox plugins list`: the plugins of a running server.

use crate::cli::client;
use crate::cli::exit::Failure;
use crate::cli::print;
use meterbox_config::LoadRequest;
use serde_json::Value;

const COLUMNS: [&str; 9] = [
    "NAME",
    "VERSION",
    "STATE",
    "RUNS IN",
    "GENERATION",
    "ROLES",
    "ENDPOINTS",
    "CALLS",
    "ERRORS",
];

/// Prints every plugin, as a table or as the JSON that the server sends.
///
/// # Errors
/// The configuration would be refused, or the server does not answer.
pub(super) fn list(request: &LoadRequest, json: bool) -> Result<(), Failure> {
    let settings = request.load()?.settings;
    let body = client::manage(&settings, "GET", "/plugins").map_err(Failure::failed)?;
    if json {
        print(&String::from_utf8_lossy(&body));
        return Ok(());
    }
    let plugins: Vec<Value> = serde_json::from_slice(&body).map_err(Failure::failed)?;
    print(&table(&plugins));
    Ok(())
}

fn table(plugins: &[Value]) -> String {
    let mut rows: Vec<[String; 9]> = vec![COLUMNS.map(str::to_owned)];
    rows.extend(plugins.iter().map(row));
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
        if let Some(error) = index
            .checked_sub(1)
            .and_then(|at| plugins[at]["last_error"].as_str())
        {
            text += &format!("  last error: {error}\n");
        }
    }
    text
}

fn row(plugin: &Value) -> [String; 9] {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let empty = Vec::new();
    let list = |value: &Value, show: &dyn Fn(&Value) -> String| {
        let items = value.as_array().unwrap_or(&empty).iter();
        items.map(show).collect::<Vec<_>>().join(",")
    };
    let endpoint = |one: &Value| format!("{}:{}", text(&one["listener"]), text(&one["path"]));
    [
        text(&plugin["name"]),
        text(&plugin["version"]),
        text(&plugin["state"]),
        text(&plugin["isolation"]),
        text(&plugin["generation"]),
        list(&plugin["roles"], &text),
        list(&plugin["endpoints"], &endpoint),
        text(&plugin["calls"]),
        text(&plugin["errors"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_has_one_line_per_plugin_and_one_per_error() {
        let plugins = [
            json!({ "name": "prometheus", "version": "0.1.0", "state": "started", "isolation": "thread",
                "generation": 1, "roles": ["endpoint"], "calls": 7, "errors": 0, "last_error": null,
                "endpoints": [{ "listener": "metrics", "path": "/metrics" }] }),
            json!({ "name": "bad", "version": "", "state": "rejected", "generation": 0, "roles": [],
                "endpoints": [], "calls": 0, "errors": 0, "last_error": "it is no library" }),
        ];
        let expect = "\
NAME        VERSION  STATE     RUNS IN  GENERATION  ROLES     ENDPOINTS         CALLS  ERRORS
prometheus  0.1.0    started   thread   1           endpoint  metrics:/metrics  7      0
bad                  rejected           0                                       0      0
  last error: it is no library
";
        assert_eq!(table(&plugins), expect);
    }
}
