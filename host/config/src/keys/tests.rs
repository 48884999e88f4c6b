//! The table itself.

use super::{GROUPS, all, find};
use crate::value::Value;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn no_name_and_no_variable_occurs_twice() {
    let mut names = BTreeSet::new();
    let mut variables = BTreeSet::new();
    for key in all() {
        for name in std::iter::once(&key.name).chain(key.aliases) {
            assert!(names.insert(*name), "{name} occurs twice");
        }
        for variable in key.variables() {
            assert!(
                variables.insert(variable.clone()),
                "{variable} occurs twice"
            );
        }
    }
}

#[test]
fn every_key_is_documented_in_one_line_that_ends_with_a_full_stop() {
    for key in all() {
        assert!(key.summary.ends_with('.'), "{}: {}", key.name, key.summary);
        assert!(key.summary.len() <= 100, "{}: {}", key.name, key.summary);
        assert!(
            key.details.is_empty() || key.details.ends_with('.'),
            "{}: details",
            key.name
        );
    }
    for group in GROUPS {
        assert!(
            group.about.ends_with('.') && !group.keys.is_empty(),
            "{}",
            group.title
        );
    }
}

#[test]
fn every_default_and_every_shipped_value_fits_its_own_row() {
    for key in all() {
        for text in key.default.into_iter().chain(key.shipped) {
            let read = Value::parse(key, text, Path::new("/"));
            assert!(read.is_ok(), "{}: {text}: {read:?}", key.name);
        }
    }
}

#[test]
fn a_key_without_effect_has_no_default_and_is_not_shipped() {
    for key in all().filter(|key| key.without_effect.is_some()) {
        assert!(
            key.default.is_none() && key.shipped.is_none() && !key.reloadable,
            "{}",
            key.name
        );
    }
}

#[test]
fn keys_are_found_by_name_older_name_and_pattern() {
    assert_eq!(
        find("enable_metrics_api").unwrap().name,
        "enable_metrics_endpoints"
    );
    assert_eq!(
        find("plugin.drift.queue").unwrap().name,
        "plugin.<name>.queue"
    );
    assert_eq!(
        find("log_level.plugin.drift").unwrap().name,
        "log_level.<target>"
    );
    assert!(find("plugin..queue").is_none());
    assert!(find("plugin.drift.colour").is_none());
    assert!(find("log_levels").is_none());
}

#[test]
fn environment_names_follow_the_rule_and_its_exceptions() {
    let variables = |name| find(name).unwrap().variables().join(" ");
    assert_eq!(variables("job_queue_size"), "TS_JOB_QUEUE_SIZE");
    assert_eq!(
        variables("token_expiration_min"),
        "TS_TOKEN_EXPIRATION_TIME_MIN"
    );
    assert_eq!(
        variables("ts_open_inference_protocol"),
        "TS_OPEN_INFERENCE_PROTOCOL"
    );
    assert_eq!(
        variables("ts_header_key_sequence_id"),
        "TS_HEADER_KEY_SEQUENCE_ID"
    );
    let both = "TS_ENABLE_METRICS_ENDPOINTS TS_ENABLE_METRICS_API";
    assert_eq!(variables("enable_metrics_endpoints"), both);
    let none = [
        "use_native_io",
        "io_ratio",
        "metric_time_interval",
        "enable_envvars_config",
        "models",
    ];
    for name in none
        .into_iter()
        .chain(["model_snapshot", "system_metrics_cmd"])
    {
        assert_eq!(variables(name), "", "{name}");
    }
}
