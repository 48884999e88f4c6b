//! A YAML document as data, and as the JSON that a worker reads instead of it.
//!
//! JSON knows only texts as keys, and no number that is not finite. Handlers may have both, so a map with other
//! keys is written as `{"": [[key, value], …]}`, and such numbers as Python reads them.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Display, Formatter, Write};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Document {
    Null,
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    List(Vec<Document>),
    /// Keys are no lists and no maps, and each stands there once.
    Map(Vec<(Document, Document)>),
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Document;

    fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry()? {
            if matches!(key, Document::List(_) | Document::Map(_)) {
                return Err(de::Error::custom("a list or a map is no key"));
            }
            map.push((key, value));
        }
        Ok(Document::Map(map))
    }
}

/// JSON.
impl Display for Document {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(value) => write!(out, "{value}"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::Float(value) if value.is_nan() => out.write_str("NaN"),
            Self::Float(value) if value.is_infinite() => out.write_str(if *value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            }),
            Self::Float(value) => write!(out, "{value:?}"),
            Self::Text(text) => {
                out.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
            }
            Self::List(items) => {
                out.write_char('[')?;
                separated(out, items, |out, item| write!(out, "{item}"))?;
                out.write_char(']')
            }
            Self::Map(entries) => {
                let plain = |(key, _): &_| matches!(key, Self::Text(text) if !text.is_empty());
                if entries.iter().all(plain) {
                    out.write_char('{')?;
                    separated(out, entries, |out, (key, value)| {
                        write!(out, "{key}:{value}")
                    })?;
                    out.write_char('}')
                } else {
                    out.write_str("{\"\":[")?;
                    separated(out, entries, |out, (key, value)| {
                        write!(out, "[{key},{value}]")
                    })?;
                    out.write_str("]}")
                }
            }
        }
    }
}

fn separated<T>(
    out: &mut Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_char(',')?;
        }
        write(out, item)?;
    }
    Ok(())
}
