use meterbox_plugin::testkit::{TestHost, TestReply};

use super::*;

const README: &str = include_str!("../README.md");
const SAMPLE: &str = include_str!("../sample.toml");

fn host() -> TestHost {
    let host = TestHost::new();
    let metrics = host.host().metrics();
    let latency = "ts_inference_latency_microseconds";
    let latency = metrics
        .counter_f64(latency, "Cumulative inference duration.")
        .expect("a name");
    latency
        .with(&[("model_name", "noop")])
        .expect("a series")
        .add(1523.5);
    let wait = metrics
        .histogram("wait_seconds", "Wait.", &[0.1])
        .expect("a name");
    wait.with(&[]).expect("a series").observe(0.25);
    host
}

fn json(reply: &TestReply) -> Value {
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, Some("application/json"))
    );
    serde_json::from_str(reply.text()).expect("JSON")
}

#[test]
fn the_sample_answers_as_the_readme_says() {
    let plugin = host()
        .create::<Summary>(SAMPLE)
        .expect("the sample is fine");
    let reply = plugin.get("/summary");
    let shown = serde_json::to_string_pretty(&json(&reply)).expect("JSON");
    assert!(README.contains(&shown), "{shown}");
}

#[test]
fn a_request_may_choose_families_and_hears_of_missing_ones() {
    let plugin = host()
        .create::<Summary>(SAMPLE)
        .expect("the sample is fine");
    let answer = json(&plugin.get("/summary?family=wait_seconds&family=nothing"));
    let wait = &answer["families"][0];
    assert_eq!(
        (&wait["name"], &wait["kind"]),
        (&json!("wait_seconds"), &json!("histogram"))
    );
    assert_eq!(
        wait["series"],
        json!([{ "labels": {}, "count": 1, "sum": 0.25 }])
    );
    assert_eq!(answer["missing"], json!(["nothing"]));
    assert_eq!(answer["families"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_samples_name_is_no_familys_name() {
    let plugin = host()
        .create::<Summary>("")
        .expect("it needs no configuration");
    let answer = json(&plugin.get("/summary?family=wait_seconds_sum"));
    assert_eq!(answer["families"], json!([]));
    assert_eq!(answer["missing"], json!(["wait_seconds_sum"]));
}

#[test]
fn without_names_the_answer_is_empty_and_not_everything() {
    let plugin = host()
        .create::<Summary>("")
        .expect("it needs no configuration");
    assert_eq!(json(&plugin.get("/summary"))["families"], json!([]));
}

#[test]
fn more_series_than_allowed_are_cut_and_said_to_be() {
    let host = TestHost::new();
    let many = host
        .host()
        .metrics()
        .gauge("many", "Many.")
        .expect("a name");
    for number in 0..=SERIES_MAX {
        many.with(&[("n", &number.to_string())])
            .expect("a series")
            .set(f64::NAN);
    }
    let plugin = host
        .create::<Summary>("families = [\"many\"]")
        .expect("a list");
    let answer = json(&plugin.get("/summary"));
    let rows = answer["families"][0]["series"].as_array().expect("rows");
    assert_eq!(
        (rows.len(), &answer["truncated"]),
        (SERIES_MAX, &json!(true))
    );
    assert_eq!(rows[0]["value"], json!("NaN"));
}
