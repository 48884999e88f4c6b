//! What a plugin has registered so far.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use meterbox_plugin_abi::MetricFamily;
use meterbox_plugin_abi::gather::Kind;

use crate::error::{Error, Result};

/// What this plugin has registered so far, by name.
#[derive(Default)]
pub(crate) struct Registered(pub(crate) Mutex<BTreeMap<String, Arc<Known>>>);

/// One registered metric.
pub(crate) struct Known {
    pub(crate) kind: Kind,
    pub(crate) bounds: Vec<f64>,
    pub(crate) labels: Vec<String>,
    pub(crate) family: MetricFamily,
}

impl Known {
    /// The values in the order of the registered names.
    pub(crate) fn order<'v>(&self, name: &str, labels: &[(&str, &'v str)]) -> Result<Vec<&'v str>> {
        let value = |wanted: &String| labels.iter().find(|(label, _)| label == wanted);
        let values: Vec<&str> = self
            .labels
            .iter()
            .filter_map(|label| value(label).map(|(_, value)| *value))
            .collect();
        if values.len() == self.labels.len() && labels.len() == self.labels.len() {
            return Ok(values);
        }
        let given: Vec<&str> = labels.iter().map(|(label, _)| *label).collect();
        let (given, wanted) = (given.join(", "), self.labels.join(", "));
        Err(Error::invalid(format!(
            "metric {name} has the labels [{wanted}], not [{given}]"
        )))
    }
}
