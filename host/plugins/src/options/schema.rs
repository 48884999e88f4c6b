//! Checks a configuration table against the JSON Schema of its plugin.
//!
//! The part of the language that configuration needs: `type`, `properties`, `required`,
//! `additionalProperties: false`, `enum`, `minimum`, `maximum`, `items`. Other keywords are ignored.
//!
//! **Source:** JSON Schema 2020-12, validation vocabulary.

use serde_json::Value;

/// Deeper nesting is not looked at.
const DEPTH_MAX: usize = 16;

/// Checks `value`.
///
/// # Errors
/// The first place that does not fit, and what would.
pub(super) fn check(schema: &Value, value: &Value) -> Result<(), String> {
    check_at(schema, value, "", DEPTH_MAX)
}

fn check_at(schema: &Value, value: &Value, place: &str, depth: usize) -> Result<(), String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(());
    };
    let fault = |what: String| {
        let place = if place.is_empty() { "the table" } else { place };
        Err(format!("{place}: {what}"))
    };
    if let Some(wanted) = schema.get("type").and_then(Value::as_str)
        && !is_a(wanted, value)
    {
        let article = if wanted.starts_with(['a', 'i', 'o']) {
            "an"
        } else {
            "a"
        };
        return fault(format!("{value} is not {article} {wanted}"));
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        return fault(format!("{value} is none of {}", choices.join(", ")));
    }
    for (keyword, outside) in [("minimum", true), ("maximum", false)] {
        let bound = schema.get(keyword).and_then(Value::as_f64);
        if let (Some(bound), Some(number)) = (bound, value.as_f64())
            && if outside {
                number < bound
            } else {
                number > bound
            }
        {
            return fault(format!("{value} is outside its {keyword} {bound}"));
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            check_at(items, value, &format!("{place}[{index}]"), depth)?;
        }
    }
    check_object(schema, value, place, depth)
}

fn check_object(schema: &Value, value: &Value, place: &str, depth: usize) -> Result<(), String> {
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    let inside = |key: &str| {
        if place.is_empty() {
            key.to_owned()
        } else {
            format!("{place}.{key}")
        }
    };
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|key| !object.contains_key(*key)) {
        return Err(format!("{}: is missing; add it", inside(missing)));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (key, value) in object {
        match properties.and_then(|properties| properties.get(key)) {
            Some(schema) => check_at(schema, value, &inside(key), depth)?,
            None if closed => {
                let known: Vec<&str> = properties
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| key.as_str())
                    .collect();
                let known = known.join(", ");
                return Err(format!(
                    "{}: is not known here (known: {known})",
                    inside(key)
                ));
            }
            None => {}
        }
    }
    Ok(())
}

fn is_a(wanted: &str, value: &Value) -> bool {
    match wanted {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_keyword_finds_its_fault_and_names_the_place() {
        let schema = json!({
            "type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {
                "name": {"type": "string"},
                "level": {"enum": ["low", "high"]},
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "list": {"type": "array", "items": {"type": "number"}},
                "inner": {"type": "object", "properties": {"flag": {"type": "boolean"}}},
            }
        });
        let table = [
            (
                json!({"name": "x", "level": "low", "size": 9, "list": [1, 2.5]}),
                "",
            ),
            (json!({}), "name: is missing"),
            (json!({"name": 1}), "name: 1 is not a string"),
            (
                json!({"name": "x", "level": "mid"}),
                "level: \"mid\" is none of \"low\", \"high\"",
            ),
            (
                json!({"name": "x", "size": 0}),
                "size: 0 is outside its minimum 1",
            ),
            (
                json!({"name": "x", "size": 10}),
                "size: 10 is outside its maximum 9",
            ),
            (
                json!({"name": "x", "size": 1.5}),
                "size: 1.5 is not an integer",
            ),
            (
                json!({"name": "x", "list": [1, "a"]}),
                "list[1]: \"a\" is not a number",
            ),
            (
                json!({"name": "x", "inner": {"flag": 1}}),
                "inner.flag: 1 is not a boolean",
            ),
            (
                json!({"name": "x", "nam": 1}),
                "nam: is not known here (known: name, level",
            ),
            (json!([]), "the table: [] is not an object"),
        ];
        for (value, expected) in table {
            match check(&schema, &value) {
                Ok(()) => assert_eq!(expected, "", "{value}"),
                Err(text) => assert!(!expected.is_empty() && text.starts_with(expected), "{text}"),
            }
        }
    }
}
