//! A metrics API of its own: `GET /summary` answers chosen families as JSON, for people and programs that
//! speak no Prometheus.
//!
//! Which families is said in `summary.toml`, or per request by `?family=…`. Values that JSON has no number
//! for are texts (`"NaN"`, `"+Inf"`). It keeps nothing and adds nothing up.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use meterbox_plugin::gather::{Filter, Flow, Head, Segment, Visitor};
use meterbox_plugin::prelude::*;
use meterbox_plugin::series;
use serde_json::{Map, Value, json};

/// Most series in one answer, so that a wrong name cannot fill the memory.
const SERIES_MAX: usize = 10_000;

struct Summary {
    host: Host,
    families: Vec<String>,
}

impl Plugin for Summary {
    fn new(host: &Host, config: Config) -> Result<Self> {
        config.allow_only(&["families"])?;
        let families = config
            .list_or("families", &[])?
            .into_iter()
            .map(str::to_owned)
            .collect();
        Ok(Self {
            host: host.clone(),
            families,
        })
    }

    fn routes(&self, routes: &mut Routes<Self>) {
        routes.metrics("summary").get(Self::show);
    }
}

impl Summary {
    fn show(&self, request: &Request, reply: Responder) -> Result<()> {
        let asked = request.query_values("family");
        let wanted = if asked.is_empty() {
            &self.families
        } else {
            &asked
        };
        let mut table = Table::new(wanted);
        if !wanted.is_empty() {
            let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
            self.host.gather(&Filter { names: &names }, &mut table)?;
        }
        reply.json(table.into_json().to_string())
    }
}

/// Takes the wanted families out of a gather.
struct Table<'w> {
    wanted: &'w [String],
    families: Vec<Map<String, Value>>,
    skipping: bool,
    series_left: usize,
}

impl<'w> Table<'w> {
    fn new(wanted: &'w [String]) -> Self {
        Self {
            wanted,
            families: Vec::new(),
            skipping: true,
            series_left: SERIES_MAX,
        }
    }

    fn into_json(self) -> Value {
        let found: BTreeSet<String> = self
            .families
            .iter()
            .map(|family| family["name"].to_string())
            .collect();
        let missing: Vec<&String> = self
            .wanted
            .iter()
            .filter(|name| !found.contains(&json!(name).to_string()))
            .collect();
        let truncated = self.series_left == 0;
        json!({ "families": self.families, "missing": missing, "truncated": truncated })
    }
}

impl Visitor for Table<'_> {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        // The filter lets through families whose samples are wanted; this API knows families only.
        self.skipping = !self.wanted.iter().any(|name| name == family.name());
        if !self.skipping {
            let mut object = Map::new();
            object.insert("name".to_owned(), family.name().into());
            object.insert("kind".to_owned(), family.kind().word().into());
            object.insert("help".to_owned(), family.help().into());
            object.insert("series".to_owned(), json!([]));
            self.families.push(object);
        }
        Flow::Continue
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let Some(family) = self.families.last_mut().filter(|_| !self.skipping) else {
            return Flow::Continue;
        };
        let Some(Value::Array(rows)) = family.get_mut("series") else {
            return Flow::Continue;
        };
        for one in series(segment) {
            if self.series_left == 0 {
                return Flow::Stop;
            }
            self.series_left -= 1;
            let labels: Map<String, Value> = one
                .labels()
                .map(|(name, value)| (name.to_owned(), value.into_owned().into()))
                .collect();
            rows.push(match (one.value(), one.count(), one.sum()) {
                (Some(value), ..) => json!({ "labels": labels, "value": number(value) }),
                (_, count, sum) => {
                    json!({ "labels": labels, "count": count, "sum": sum.map(number) })
                }
            });
        }
        Flow::Continue
    }
}

fn number(value: f64) -> Value {
    let text = || {
        let name = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        Value::from(name)
    };
    if value.is_finite() {
        json!(value)
    } else {
        text()
    }
}

export_plugin!(
    Summary,
    name = "summary",
    description = "Chosen families as JSON",
    license = "Apache-2.0",
    permissions = ["metrics.read"],
    schema = r#"{"type":"object","additionalProperties":false,
        "properties":{"families":{"type":"array","items":{"type":"string"}}}}"#
);

#[cfg(test)]
mod tests;
