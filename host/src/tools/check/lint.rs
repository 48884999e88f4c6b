//! The naming rules of metrics, applied to what a plugin registers and shows.
//!
//! **Source:** the naming pages of Prometheus and OpenMetrics 1.0, and what promlint (client_golang)
//! makes of them. Names that a plugin marks as inherited, or puts into another name set, are its
//! predecessor's and left alone.

use super::finding::Finding;

/// What the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// `counter`, `gauge`, `histogram`, `summary`, `info` or `unknown`.
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) help: String,
    pub(super) unit: String,
    pub(super) labels: Vec<String>,
    /// It is somebody else's name, kept as it is.
    pub(super) inherited: bool,
}

/// Only the server and what is shipped with it may have these.
const RESERVED: [&str; 3] = ["meterbox_", "ts_", "process_"];
const KINDS: [&str; 6] = [
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "metric",
];
/// Units that are not base units, and what to use.
const UNITS: [(&str, &str); 29] = [
    ("s", "seconds"),
    ("sec", "seconds"),
    ("ms", "seconds"),
    ("us", "seconds"),
    ("ns", "seconds"),
    ("milliseconds", "seconds"),
    ("microseconds", "seconds"),
    ("nanoseconds", "seconds"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("weeks", "seconds"),
    ("b", "bytes"),
    ("kb", "bytes"),
    ("mb", "bytes"),
    ("gb", "bytes"),
    ("tb", "bytes"),
    ("bits", "bytes"),
    ("kilobytes", "bytes"),
    ("megabytes", "bytes"),
    ("gigabytes", "bytes"),
    ("kibibytes", "bytes"),
    ("mebibytes", "bytes"),
    ("gibibytes", "bytes"),
    ("percent", "ratio"),
    ("percentage", "ratio"),
    ("fahrenheit", "celsius"),
    ("millivolts", "volts"),
    ("kilometers", "meters"),
];
/// Endings that a format gives to the samples of a family.
const SAMPLES: [&str; 4] = ["_bucket", "_count", "_sum", "_created"];

/// What is wrong with the names, one finding for each fault.
///
/// `reserved` says that the plugin asks for the permission to use reserved names.
pub(super) fn lint(families: &[Named], reserved: bool) -> Vec<Finding> {
    let own = families.iter().filter(|family| !family.inherited);
    own.flat_map(|family| faults(family, reserved)).collect()
}

fn faults(family: &Named, reserved: bool) -> Vec<Finding> {
    let name = family.name.as_str();
    let mut faults = Vec::new();
    let mut fault = |cause: String, fix: String| {
        let place = format!("metric {name}");
        faults.push(Finding::new("metric_name", place, cause, fix));
    };
    let reserved_prefix = RESERVED.iter().find(|prefix| name.starts_with(**prefix));
    if let Some(prefix) = reserved_prefix.filter(|_| !reserved) {
        fault(
            format!("names that begin with {prefix} are the server's own"),
            "begin the name with that of the plugin".to_owned(),
        );
    }
    let counts = family.kind == "counter";
    if counts && !name.ends_with("_total") {
        fault(
            "a counter whose name does not end in _total".to_owned(),
            format!("call it {name}_total"),
        );
    }
    if !counts && name.ends_with("_total") {
        let kind = family.kind;
        fault(
            format!("a {kind} whose name ends in _total, as only those of counters do"),
            "leave _total out, or register a counter".to_owned(),
        );
    }
    if let Some(ending) = SAMPLES.iter().find(|ending| name.ends_with(**ending)) {
        fault(
            format!("the ending {ending} belongs to samples of histograms and summaries"),
            "choose another last word".to_owned(),
        );
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) || name.contains(':') {
        fault(
            "a name is lower case with underscores; colons are for recording rules".to_owned(),
            "write it as words_with_underscores".to_owned(),
        );
    }
    for word in name.split('_') {
        if let Some((unit, base)) = UNITS.iter().find(|(unit, _)| *unit == word) {
            fault(
                format!("{unit} is no base unit"),
                format!("give the value in {base} and say so in the name"),
            );
        }
        if KINDS.contains(&word) {
            fault(
                format!("the word {word} says what # TYPE says already"),
                "leave it out".to_owned(),
            );
        }
    }
    if family.help.is_empty() {
        fault(
            "it has no help text".to_owned(),
            "say in one sentence what it measures".to_owned(),
        );
    }
    let unit = &family.unit;
    let stem = name.strip_suffix("_total").unwrap_or(name);
    if !unit.is_empty() && !stem.ends_with(&format!("_{unit}")) {
        fault(
            format!("its unit is {unit}, but its name does not end in it"),
            format!(
                "call it {stem}_{unit}{}",
                if counts { "_total" } else { "" }
            ),
        );
    }
    for label in &family.labels {
        if ["le", "quantile"].contains(&label.as_str()) {
            fault(
                format!("the label {label} belongs to the formats"),
                "choose another label name".to_owned(),
            );
        } else if label.bytes().any(|byte| byte.is_ascii_uppercase()) {
            fault(
                format!("the label {label} is in camelCase"),
                "write it as words_with_underscores".to_owned(),
            );
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: &'static str, name: &str) -> Named {
        Named {
            kind,
            name: name.to_owned(),
            help: "Help.".to_owned(),
            unit: String::new(),
            labels: Vec::new(),
            inherited: false,
        }
    }

    #[test]
    fn each_rule_finds_its_fault_and_good_names_have_none() {
        let table = [
            ("counter", "drift_checks_total", ""),
            ("gauge", "drift_room_celsius", ""),
            ("histogram", "drift_seconds", ""),
            ("counter", "drift_checks", "does not end in _total"),
            ("gauge", "drift_checks_total", "ends in _total"),
            ("gauge", "ts_drift", "the server's own"),
            ("histogram", "drift_milliseconds", "no base unit"),
            ("gauge", "drift_queue_count", "belongs to samples"),
            ("gauge", "driftRatio", "lower case"),
            ("gauge", "drift_gauge", "TYPE"),
        ];
        for (kind, name, words) in table {
            let found = lint(&[named(kind, name)], false);
            let causes: Vec<&str> = found.iter().map(|finding| finding.cause.as_str()).collect();
            if words.is_empty() {
                assert_eq!(causes, [""; 0], "{name}");
            } else {
                assert!(
                    causes.len() == 1 && causes[0].contains(words),
                    "{name}: {causes:?}"
                );
            }
        }
    }

    #[test]
    fn help_units_and_labels_are_looked_at_and_inherited_names_are_not() {
        let mut family = named("counter", "MemoryUsed");
        family.inherited = true;
        assert_eq!(lint(&[family.clone()], false), []);
        family = named("counter", "drift_read_total");
        family.help.clear();
        "bytes".clone_into(&mut family.unit);
        family.labels = vec!["le".to_owned(), "modelName".to_owned()];
        let found = lint(&[family], false);
        let fixes: Vec<&str> = found.iter().map(|finding| finding.fix.as_str()).collect();
        assert!(
            fixes.contains(&"call it drift_read_bytes_total"),
            "{fixes:?}"
        );
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(lint(&[named("gauge", "ts_ours")], true), []);
    }
}
