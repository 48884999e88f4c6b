//! One line of a metric log: what TorchServe's log readers and mtail programs match.
//!
//! Times are in UTC: the server knows no time zones.
//!
//! **Source:** TorchServe 0.12, `ts_metrics.log` and `model_metrics.log` in log mode.

use super::number;
use std::fmt::Write as _;

/// Which of the two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// `ts_metrics.log`: metrics of the server and its machine.
    Server,
    /// `model_metrics.log`: metrics of model code.
    Model,
}

impl Log {
    /// Its file.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Server => "ts_metrics.log",
            Self::Model => "model_metrics.log",
        }
    }

    /// Its logger's name on standard output.
    pub(super) const fn logger(self) -> &'static str {
        match self {
            Self::Server => "TS_METRICS",
            Self::Model => "MODEL_METRICS",
        }
    }
}

/// What does not change from line to line: `Requests2XX.Count:` and `|#Level:Host|#hostname:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    head: String,
    middle: String,
}

impl Frame {
    /// `labels` and `values` as the metric has them; the host name is not a dimension in the log.
    pub fn new(name: &str, unit: &str, labels: &[impl AsRef<str>], values: &[&str]) -> Self {
        let dimensions = labels
            .iter()
            .map(AsRef::as_ref)
            .zip(values)
            .filter(|(label, _)| !label.eq_ignore_ascii_case("hostname"))
            .map(|(label, value)| format!("{label}:{value}"));
        let dimensions: Vec<String> = dimensions.collect();
        let middle = format!("|#{}|#hostname:", dimensions.join(","));
        Self {
            head: format!("{name}.{unit}:"),
            middle,
        }
    }

    /// A line of the server's log, from the name on.
    pub(super) fn server(&self, value: f64, hostname: &str, now: f64) -> String {
        let mut line = self.begin(value, hostname);
        write!(line, ",timestamp:{}", now as u64).expect("a string takes any text");
        line
    }

    /// A line of the models' log, from the name on. `ids` and `stamp` are as the worker wrote them.
    pub(super) fn model(
        &self,
        value: f64,
        hostname: &str,
        ids: Option<&str>,
        stamp: &str,
    ) -> String {
        let mut line = self.begin(value, hostname);
        let ids = ids.unwrap_or("null");
        write!(line, ",requestID:{ids},timestamp:{stamp}").expect("a string takes any text");
        line
    }

    fn begin(&self, value: f64, hostname: &str) -> String {
        let room = self.head.len() + self.middle.len() + hostname.len();
        let mut line = String::with_capacity(room + 96);
        line.push_str(&self.head);
        number::push(&mut line, value);
        line.push_str(&self.middle);
        line.push_str(hostname);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_line_is_the_captured_one() {
        let frame = Frame::new(
            "Requests2XX",
            "Count",
            &["Level", "Hostname"],
            &["Host", "vm"],
        );
        assert_eq!(
            frame.server(1.0, "vm", 1_795_225_508.324),
            "Requests2XX.Count:1.0|#Level:Host|#hostname:vm,timestamp:1795225508"
        );
        let labels = ["model_name", "model_version", "hostname"];
        let name = "ts_inference_latency_microseconds";
        let frame = Frame::new(name, "Microseconds", &labels, &["noop", "default", "vm"]);
        assert_eq!(
            frame.server(17_425.435, "vm", 1_795_225_510.9),
            "ts_inference_latency_microseconds.Microseconds:17425.435|#model_name:noop,model_version:default|#hostname:vm,timestamp:1795225510"
        );
    }

    #[test]
    fn a_models_line_is_the_captured_one_with_the_ids_or_null() {
        let labels = ["ModelName", "Level", "Hostname"];
        let frame = Frame::new("PredictionTime", "ms", &labels, &["noop", "Model", "vm"]);
        let id = "7048f702-2ed7-437b-aa8f-7e9356a29159";
        assert_eq!(
            frame.model(0.01, "vm", Some(id), "1795225510"),
            "PredictionTime.ms:0.01|#ModelName:noop,Level:Model|#hostname:vm,requestID:7048f702-2ed7-437b-aa8f-7e9356a29159,timestamp:1795225510"
        );
        assert!(
            frame
                .model(0.0, "vm", None, "1")
                .ends_with("vm,requestID:null,timestamp:1")
        );
    }
}
