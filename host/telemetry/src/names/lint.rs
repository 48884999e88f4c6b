//! The naming rules of promlint (client_golang), applied to the whole table.

use super::all;
use crate::names::{Row, type_word};
use meterbox_metrics::{LabelName, MetricName};
use std::collections::BTreeSet;

/// The inherited names that break a rule. Nothing else may.
const EXCEPTIONS: [&str; 23] = [
    "CPUUtilization",
    "DiskAvailable",
    "DiskUsage",
    "DiskUtilization",
    "GPUMemoryUsed",
    "GPUMemoryUtilization",
    "GPUUtilization",
    "HandlerTime",
    "MemoryAvailable",
    "MemoryUsed",
    "MemoryUtilization",
    "PredictionTime",
    "QueueTime",
    "Requests2XX",
    "Requests4XX",
    "Requests5XX",
    "WorkerLoadTime",
    "WorkerThreadTime",
    "ts_backend_reponse_latency_milliseconds",
    "ts_handler_latency_milliseconds",
    "ts_inference_latency_microseconds",
    "ts_queue_latency_microseconds",
    "ts_queue_latency_milliseconds",
];

const TYPES: [&str; 6] = [
    "counter",
    "gauge",
    "histogram",
    "summary",
    "untyped",
    "info_metric",
];
const ABBREVIATED: [&str; 14] = [
    "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d",
];
const NOT_BASE: [&str; 15] = [
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "bits",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "kibibytes",
    "mebibytes",
    "percent",
    "fahrenheit",
];

/// What is wrong with a row by promlint's rules.
fn faults(row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |broken: bool, text: String| {
        if broken {
            faults.push(text);
        }
    };
    let name = row.name;
    let camel = |name: &str| name.bytes().any(|byte| byte.is_ascii_uppercase());
    let counts = type_word(row.kind) == "counter";
    fault(row.help().is_empty(), "no help".to_owned());
    fault(
        counts != name.ends_with("_total"),
        "`_total` is for counters".to_owned(),
    );
    fault(
        name.contains(':'),
        "a colon is for recording rules".to_owned(),
    );
    fault(camel(name), "a name in camelCase".to_owned());
    for label in row.labels {
        fault(camel(label), format!("label {label} in camelCase"));
        fault(
            *label == "le" || *label == "quantile",
            format!("label {label}"),
        );
    }
    for ending in ["_bucket", "_count", "_sum"] {
        fault(name.ends_with(ending), format!("ends in {ending}"));
    }
    for part in name.split('_') {
        fault(TYPES.contains(&part), format!("names its type: {part}"));
        fault(
            ABBREVIATED.contains(&part),
            format!("an abbreviated unit: {part}"),
        );
        fault(NOT_BASE.contains(&part), format!("not a base unit: {part}"));
    }
    faults
}

#[test]
fn only_the_listed_inherited_names_break_promlints_rules() {
    let broken: BTreeSet<&str> = all()
        .filter(|row| !faults(row).is_empty())
        .map(|row| row.name)
        .collect();
    let listed: BTreeSet<&str> = EXCEPTIONS.into();
    let told = |name: &&&str| {
        let row = all().find(|row| row.name == **name);
        format!("{name}: {:?}", row.map(faults))
    };
    let surprises: Vec<_> = broken.symmetric_difference(&listed).collect();
    assert!(
        surprises.is_empty(),
        "{:#?}",
        surprises.iter().map(told).collect::<Vec<_>>()
    );
    for name in listed {
        assert!(
            all().filter(|row| row.name == name).all(Row::inherited),
            "{name} is our own"
        );
    }
}

#[test]
fn a_name_comes_once_per_set_and_every_name_and_label_is_valid() {
    let mut seen = BTreeSet::new();
    for row in all() {
        assert!(
            seen.insert((row.set.word(), row.name)),
            "{} comes twice",
            row.name
        );
        MetricName::new(row.name).unwrap();
        row.labels.iter().for_each(|label| {
            LabelName::new(label).unwrap();
        });
    }
}

#[test]
fn our_own_names_begin_with_our_prefix_and_end_in_their_unit() {
    for row in all().filter(|row| !row.inherited()) {
        let ours = row.name.starts_with("meterbox_") || row.name.starts_with("process_");
        assert!(ours, "{}", row.name);
        let stem = row.name.strip_suffix("_total").unwrap_or(row.name);
        assert!(
            stem.ends_with(row.unit),
            "{} does not end in {}",
            row.name,
            row.unit
        );
        for unit in ["seconds", "bytes", "ratio"] {
            assert_eq!(
                stem.ends_with(unit),
                row.unit == unit,
                "{}: unit {:?}",
                row.name,
                row.unit
            );
        }
    }
}

#[test]
fn help_is_a_sentence() {
    for row in all().filter(|row| !row.inherited()) {
        let help = row.help();
        assert!(
            help.ends_with('.') && help.starts_with(char::is_uppercase) || help.starts_with('1'),
            "{}: {help}",
            row.name
        );
    }
}
