//! Keys of models: archives to load, presets, hidden variables.

use super::{check_errors, of};
use crate::{LoadModels, ModelArchive};
use std::time::Duration;

#[test]
fn models_to_load_are_listed_or_all() {
    let archive = |name: Option<&str>, file: &str| ModelArchive {
        name: name.map(str::to_owned),
        file: file.to_owned(),
    };
    let listed = LoadModels::Listed(vec![archive(None, "a.mar"), archive(Some("b"), "c.mar")]);
    assert_eq!(of("load_models=a.mar, b=c.mar").models.load, listed);
    assert_eq!(of("load_models=ALL").models.load, LoadModels::All);
    assert_eq!(of("load_models=").models.load, LoadModels::Listed(vec![]));
    check_errors(
        "load_models=a.mar,=b.mar",
        &[
            r#"config.properties:1: load_models: "=b.mar" is neither an archive nor name=archive (as in load_models=a.mar,b=c.mar)"#,
        ],
    );
}

#[test]
fn model_presets_are_read_over_several_lines() {
    let settings = of(
        "models={\\\n  \"noop\": {\\\n    \"1.0\": {\\\n  \"defaultVersion\": true,\\\n\
        \"marName\": \"noop.mar\",\\\n \"minWorkers\": 1, \"maxWorkers\": 2, \"batchSize\": 4,\\\n\
        \"maxBatchDelay\": 50, \"responseTimeout\": 30, \"unheardOf\": []}}}\n",
    );
    let [preset] = settings.models.presets.as_slice() else {
        panic!("one preset")
    };
    assert_eq!(
        (preset.name.as_str(), preset.version.as_str()),
        ("noop", "1.0")
    );
    assert_eq!(
        (preset.min_workers, preset.max_workers, preset.batch_size),
        (Some(1), Some(2), Some(4))
    );
    assert_eq!(preset.max_batch_delay, Some(Duration::from_millis(50)));
    assert_eq!(preset.response_timeout, Some(Duration::from_secs(30)));
    assert_eq!(preset.startup_timeout, None);
    assert!(preset.is_default);
}

#[test]
fn model_presets_of_another_shape_are_refused() {
    let tail = r#" (expected {"name":{"version":{"minWorkers":1,...}}})"#;
    let error = |why: &str| format!("config.properties:1: models: {why}{tail}");
    check_errors(r#"models={"a":1}"#, &[&error("a is not an object")]);
    let why = r#"a 1.0: batchSize is 0, not an integer from 1 on"#;
    check_errors(r#"models={"a":{"1.0":{"batchSize":0}}}"#, &[&error(why)]);
    let why = r#"a 1.0: marName is 5, not a text"#;
    check_errors(r#"models={"a":{"1.0":{"marName":5}}}"#, &[&error(why)]);
    check_errors(
        "models=[1]",
        &["config.properties:1: models: the JSON is not an object (expected a JSON object)"],
    );
}

#[test]
fn a_snapshot_says_which_models_to_load() {
    let settings = of(
        "load_models=all\nmodel_snapshot={\"name\":\"startup.cfg\",\"modelCount\":1,\
                       \"models\":{\"mnist\":{\"1.0\":{\"marName\":\"mnist.mar\",\"minWorkers\":1}}}}",
    );
    assert_eq!(settings.models.load, LoadModels::Snapshot);
    assert_eq!(
        settings.models.presets[0].archive.as_deref(),
        Some("mnist.mar")
    );
    assert_eq!(
        settings.warnings[0].to_string(),
        "config.properties:1: load_models: is ignored: model_snapshot says which models to load"
    );
}

#[test]
fn hidden_variables_are_patterns_and_nothing_else() {
    assert!(
        of("blacklist_env_vars=AWS_.*|HF_TOKEN")
            .models
            .hidden_variables
            .matches("AWS_KEY")
    );
    check_errors(
        "blacklist_env_vars=AWS_[A-Z]+",
        &[
            r#"config.properties:1: blacklist_env_vars: "AWS_[A-Z]+" is no name pattern (use letters, digits, _, .* for any text and | between)"#,
        ],
    );
}
