//! One event as one line, as text or as JSON.
//!
//! Text: `2026-11-21T04:23:48.123Z INFO  http.conn: closed reason="header timeout" after_ms=10000`.

use super::PLUGIN_TARGET;
use meterbox_calendar::push_rfc3339;
use meterbox_config::LogFormat;
use std::fmt::{self, Write};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// Most bytes of one field; more is cut.
const FIELD_BYTES_MAX: usize = 8 * 1024;

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct EventText {
    message: String,
    /// Whether the event is a line of a plugin.
    by_plugin: bool,
    /// The plugin that speaks, in lines of plugins.
    pub(super) plugin: Option<String>,
    fields: Vec<(&'static str, FieldValue)>,
}

#[derive(Debug)]
enum FieldValue {
    Text(String),
    /// A number or truth value, which JSON prints without quotes.
    Plain(serde_json::Value),
}

impl EventText {
    pub(super) fn by(event: &Event<'_>) -> Self {
        let by_plugin = event.metadata().target() == PLUGIN_TARGET;
        let mut content = Self {
            by_plugin,
            ..Self::default()
        };
        event.record(&mut content);
        content
    }

    /// A line without fields.
    pub(super) fn message(text: &str) -> Self {
        Self {
            message: cut(text),
            ..Self::default()
        }
    }

    fn text(&mut self, field: &Field, text: &str) {
        let text = cut(text);
        match field.name() {
            "message" => self.message = text,
            "plugin" if self.by_plugin => self.plugin = Some(text),
            name => self.fields.push((name, FieldValue::Text(text))),
        }
    }

    fn plain(&mut self, field: &Field, value: serde_json::Value) {
        self.fields.push((field.name(), FieldValue::Plain(value)));
    }
}

impl Visit for EventText {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.text(field, &value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN and no infinity: these become texts.
        match serde_json::Number::from_f64(value) {
            Some(number) => self.plain(field, number.into()),
            None => self.text(field, &value.to_string()),
        }
    }
}

/// When, how grave and where an event is.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventOrigin<'a> {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    pub(super) target: &'a str,
}

/// Appends the line, with its line end.
pub(super) fn push(
    format: LogFormat,
    origin: EventOrigin<'_>,
    content: &EventText,
    out: &mut String,
) {
    match format {
        LogFormat::Text => text(origin, content, out),
        LogFormat::Json => json(origin, content, out),
    }
}

fn text(origin: EventOrigin<'_>, content: &EventText, line: &mut String) {
    push_rfc3339(origin.time, line);
    line.push(' ');
    line.push_str(origin.level.as_str());
    line.push_str(if origin.level.as_str().len() < 5 {
        "  "
    } else {
        " "
    });
    line.push_str(origin.target);
    line.push_str(": ");
    escape(&content.message, line);
    for (name, value) in &content.fields {
        line.push(' ');
        line.push_str(name);
        line.push('=');
        match value {
            FieldValue::Plain(value) => line.push_str(&value.to_string()),
            FieldValue::Text(value) if is_word(value) => line.push_str(value),
            FieldValue::Text(value) => {
                line.push('"');
                escape(&value.replace('\\', "\\\\").replace('"', "\\\""), line);
                line.push('"');
            }
        }
    }
    line.push('\n');
}

fn json(origin: EventOrigin<'_>, content: &EventText, line: &mut String) {
    let mut time = String::new();
    push_rfc3339(origin.time, &mut time);
    let mut object = serde_json::Map::new();
    object.insert("time".to_owned(), time.into());
    object.insert(
        "level".to_owned(),
        origin.level.as_str().to_ascii_lowercase().into(),
    );
    object.insert("target".to_owned(), origin.target.into());
    object.insert("message".to_owned(), content.message.as_str().into());
    for (name, value) in &content.fields {
        let value = match value {
            FieldValue::Text(text) => text.as_str().into(),
            FieldValue::Plain(value) => value.clone(),
        };
        // A field that is named like one of the four is not let in their place.
        object.entry(*name).or_insert(value);
    }
    line.push_str(&serde_json::Value::Object(object).to_string());
    line.push('\n');
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\'))
}

/// Control characters, and what a terminal or a viewer takes for a line end, as escapes.
fn escape(text: &str, out: &mut String) {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                push_escape(c, out);
            }
            c if c.is_control() => push_escape(c, out),
            c => out.push(c),
        }
    }
}

fn push_escape(c: char, out: &mut String) {
    write!(out, "{}", c.escape_unicode()).expect("a String takes any text");
}

fn cut(text: &str) -> String {
    if text.len() <= FIELD_BYTES_MAX {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(FIELD_BYTES_MAX)];
    format!("{kept}... ({} bytes more)", text.len() - kept.len())
}
