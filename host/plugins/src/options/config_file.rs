//! The configuration of one plugin: `<name>.toml` beside its library, as the JSON it receives.
//!
//! A missing file is an empty table. What the plugin's own schema says about the table is checked
//! before the plugin is created.

use super::schema;
use meterbox_plugin_files::{Reason, Refusal, read_trusted};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A larger file is refused, in bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Where the configuration of plugin `name` in `folder` is.
pub fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.toml"))
}

/// Reads the configuration as a JSON object. `insecure`: even if others could change it.
///
/// # Errors
/// [`Reason::Config`] with file, place and what to do; what makes the file itself doubtful.
pub fn read(path: &Path, schema: Option<&Value>, insecure: bool) -> Result<String, Refusal> {
    let refuse = |why: String| Refusal::new(Reason::Config, why).at(path);
    let text = read_trusted(path, CONFIG_BYTES_MAX, insecure)?.unwrap_or_default();
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let place = error.span().map_or(1, |span| line_of(&text, span.start));
        refuse(format!("line {place}: {}", error.message()))
    })?;
    let value = json(toml::Value::Table(table)).map_err(refuse)?;
    if let Some(schema) = schema {
        schema::check(schema, &value).map_err(refuse)?;
    }
    Ok(value.to_string())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|&byte| byte == b'\n')
        .count()
        + 1
}

fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map(Value::Number)
            .ok_or_else(|| format!("{number} is not a number that can be passed on"))?,
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(items) => {
            Value::Array(items.into_iter().map(json).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| Ok((key, json(value)?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_text(name: &str, text: &str, schema: Option<&Value>) -> Result<String, Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), name);
        std::fs::write(&path, text).unwrap();
        read(&path, schema, true)
    }

    #[test]
    fn a_table_becomes_an_object_and_a_missing_file_an_empty_one() {
        let json = read_text("good", "a = 1\nb = [true, 2.5]\n[c]\nd = \"x\"\n", None).unwrap();
        assert_eq!(json, r#"{"a":1,"b":[true,2.5],"c":{"d":"x"}}"#);
        assert_eq!(
            read(Path::new("/nowhere/at/all.toml"), None, false).unwrap(),
            "{}"
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let refusal = read_text("bad", "a = 1\nb = \n", None).unwrap_err();
        assert_eq!(refusal.reason, Reason::Config);
        assert!(refusal.text.contains("bad.toml: line 2: "), "{refusal}");
        let refusal = read_text("nan", "a = nan\n", None).unwrap_err();
        assert!(refusal.text.contains("NaN is not a number"), "{refusal}");
    }

    #[test]
    fn the_schema_of_the_plugin_is_asked() {
        let schema = json!({"properties": {"a": {"type": "string"}}});
        let refusal = read_text("typed", "a = 1\n", Some(&schema)).unwrap_err();
        assert!(refusal.text.contains("a: 1 is not a string"), "{refusal}");
    }
}
