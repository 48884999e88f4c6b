//! A strict reader of Prometheus text 0.0.4, for tests and tools.
//!
//! It takes what the format allows and refuses what real parsers let pass although it is wrong: a
//! page that does not end with a line feed, HELP or TYPE twice or after samples, a family in two
//! places, a series twice, a sample under a family that it does not belong to. It is not made to be
//! fast, and reads neither OpenMetrics nor timestamps beyond checking them.
//!
//! **Source:** Prometheus text exposition format 0.0.4.

mod line;

use std::collections::{BTreeSet, HashSet};

use line::Sample;

/// A family as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedFamily {
    /// Name in HELP and TYPE, or of the sample where both are missing.
    pub name: String,
    /// HELP, unescaped; empty when there is none.
    pub help: String,
    /// The word of TYPE; `untyped` when there is none.
    pub kind: String,
    /// Its samples in the order of the page.
    pub samples: Vec<ParsedSample>,
}

/// A sample as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedSample {
    /// Name with its suffix.
    pub name: String,
    /// Labels in the order of the line, values unescaped.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
    /// The value as it stands on the page.
    pub number: String,
}

impl ParsedSample {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(label, _)| label == name)
            .map(|(_, value)| value.as_str())
    }

    /// Name, labels and value without what two encoders may print differently: order of labels,
    /// digits of `le` and of the value.
    #[must_use]
    pub fn normalized(&self) -> String {
        let labels: BTreeSet<String> = self
            .labels
            .iter()
            .map(|(name, value)| match value.parse::<f64>() {
                Ok(bound) if name == "le" || name == "quantile" => format!("{name}={bound:?}"),
                _ => format!("{name}={value:?}"),
            })
            .collect();
        format!("{}{labels:?} {:?}", self.name, self.value)
    }
}

impl ParsedFamily {
    /// All samples [normalized](ParsedSample::normalized), in one order.
    #[must_use]
    pub fn sorted(&self) -> Vec<String> {
        let mut samples: Vec<String> = self.samples.iter().map(ParsedSample::normalized).collect();
        samples.sort();
        samples
    }
}

/// What is wrong with a page, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    /// Number of the line, from 1.
    pub line: usize,
    /// One sentence on what is wrong.
    pub reason: String,
}

/// What a family's samples are called, by the word of its TYPE.
const SUFFIXES: [(&str, &[&str]); 5] = [
    ("counter", &[""]),
    ("gauge", &[""]),
    ("untyped", &[""]),
    ("histogram", &["_bucket", "_count", "_sum"]),
    ("summary", &["", "_count", "_sum"]),
];

/// Reads a page of text 0.0.4.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse_text(page: &str) -> Result<Vec<ParsedFamily>, ParseError> {
    let mut reader = Reader::default();
    for (index, text) in page.split_terminator('\n').enumerate() {
        reader.line(text).map_err(|reason| ParseError {
            line: index + 1,
            reason,
        })?;
    }
    if !page.is_empty() && !page.ends_with('\n') {
        return Err(ParseError {
            line: page.lines().count(),
            reason: "the last line does not end with a line feed".to_owned(),
        });
    }
    Ok(reader.families)
}

#[derive(Default)]
struct Reader {
    families: Vec<ParsedFamily>,
    names: HashSet<String>,
    series: HashSet<String>,
    /// Whether the open family has its HELP and its TYPE.
    seen: (bool, bool),
}

impl Reader {
    fn line(&mut self, text: &str) -> Result<(), String> {
        if let Some(rest) = text.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            let help = line::unescape(help, false)?;
            self.open(name)?;
            if std::mem::replace(&mut self.seen.0, true) {
                return Err(format!("a second HELP for {name}"));
            }
            self.last()?.help = help;
        } else if let Some(rest) = text.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, ""));
            if !SUFFIXES.iter().any(|(word, _)| *word == kind) {
                return Err(format!("{kind:?} is no type"));
            }
            self.open(name)?;
            if std::mem::replace(&mut self.seen.1, true) {
                return Err(format!("a second TYPE for {name}"));
            }
            self.last()?.kind = kind.to_owned();
        } else if !text.is_empty() && !text.starts_with('#') {
            self.sample(line::sample(text)?)?;
        }
        Ok(())
    }

    /// Makes `name` the open family, for a comment line.
    fn open(&mut self, name: &str) -> Result<(), String> {
        if let Some(family) = self.families.last()
            && family.name == name
        {
            return if family.samples.is_empty() {
                Ok(())
            } else {
                Err(format!("a comment on {name} after its samples"))
            };
        }
        line::check_name(name)?;
        self.begin(name)
    }

    fn begin(&mut self, name: &str) -> Result<(), String> {
        if !self.names.insert(name.to_owned()) {
            return Err(format!("the family {name} stands in two places"));
        }
        self.seen = (false, false);
        self.families.push(ParsedFamily {
            name: name.to_owned(),
            help: String::new(),
            kind: "untyped".to_owned(),
            samples: Vec::new(),
        });
        Ok(())
    }

    fn last(&mut self) -> Result<&mut ParsedFamily, String> {
        self.families
            .last_mut()
            .ok_or_else(|| "no family is open".to_owned())
    }

    fn sample(&mut self, sample: Sample) -> Result<(), String> {
        let Sample {
            name,
            labels,
            value,
            number,
        } = sample;
        let belongs = self.families.last().is_some_and(|family| {
            let suffix = name.strip_prefix(family.name.as_str());
            let (_, suffixes) = SUFFIXES
                .iter()
                .find(|(word, _)| *word == family.kind)
                .unwrap_or(&SUFFIXES[2]);
            suffix.is_some_and(|suffix| suffixes.contains(&suffix))
        });
        if !belongs {
            self.begin(&name)?;
        }
        let mut key = labels.clone();
        key.sort();
        if !self.series.insert(format!("{name}{key:?}")) {
            return Err(format!("the series {name}{key:?} stands there twice"));
        }
        self.last()?.samples.push(ParsedSample {
            name,
            labels,
            value,
            number,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
