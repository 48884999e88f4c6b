//! A page of text 0.0.4 as tests look at it, read by the strict parser of `exposition`.

use meterbox_exposition::parse::{ParsedFamily, ParsedSample, parse_text};

/// A page that was valid.
#[derive(Debug)]
pub struct Page(Vec<ParsedFamily>);

impl Page {
    /// Reads a page.
    ///
    /// # Panics
    /// With the line and the reason if it is not valid text 0.0.4.
    #[must_use]
    #[track_caller]
    pub fn read(text: &str) -> Self {
        Self(parse_text(text).unwrap_or_else(|error| {
            panic!(
                "not a valid page: line {}: {}\n{text}",
                error.line, error.reason
            )
        }))
    }

    /// Whether the page names this family, with or without samples.
    #[must_use]
    pub fn has_family(&self, name: &str) -> bool {
        self.0.iter().any(|family| family.name == name)
    }

    /// The families of the page in order.
    #[must_use]
    pub fn families(&self) -> Vec<&str> {
        self.0.iter().map(|family| family.name.as_str()).collect()
    }

    /// All samples of this name.
    #[must_use]
    pub fn samples(&self, name: &str) -> Vec<&ParsedSample> {
        self.0
            .iter()
            .flat_map(|family| &family.samples)
            .filter(|sample| sample.name == name)
            .collect()
    }

    /// The value of the first sample of this name that has all of `labels`.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.samples(name)
            .into_iter()
            .find(|sample| {
                labels
                    .iter()
                    .all(|(label, value)| sample.label(label) == Some(*value))
            })
            .map(|sample| sample.value)
    }
}
