//! What moves when, by TorchServe's rules and by ours.

use super::*;
use crate::testing::Bench;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn host(version: &str) -> String {
    format!("model_name=\"noop\",model_version=\"{version}\",hostname=\"vm\"")
}

fn uuid(version: &str) -> String {
    format!("uuid=\"u-1\",model_name=\"noop\",model_version=\"{version}\"")
}

const OWN: &str = "model_name=\"noop\",model_version=\"1.11\"";

fn answer(code: u16, batch_succeeded: bool) -> Answer {
    Answer {
        code,
        batch_succeeded,
        queued: Duration::from_micros(2_700),
        worker: MS(10),
        total: MS(13),
    }
}

#[test]
fn a_request_counts_when_accepted_under_the_version_of_its_url() {
    let bench = Bench::new();
    let version = bench.telemetry.serving().version("noop", "1.11");
    let waiting = version.accepted(UrlVersion::Unnamed);
    let refused = version.accepted(UrlVersion::Named);
    assert_eq!(
        bench.value("meterbox_predictions_in_flight", OWN),
        Some(2.0)
    );
    refused.refused(Refusal::QueueFull, 503, MS(1));
    let requests = |labels: String| bench.value("ts_inference_requests_total", &labels);
    assert_eq!(
        requests(host("default")),
        Some(1.0),
        "before it is answered"
    );
    assert_eq!(requests(host("1.11")), Some(1.0), "a 503 counts too");
    let labels = format!("{OWN},reason=\"queue_full\"");
    assert_eq!(
        bench.value("meterbox_predictions_refused_total", &labels),
        Some(1.0)
    );
    let labels = format!("{OWN},code=\"5xx\"");
    assert_eq!(
        bench.value("meterbox_predictions_total", &labels),
        Some(1.0)
    );
    drop(waiting);
    assert_eq!(
        bench.value("meterbox_predictions_in_flight", OWN),
        Some(0.0)
    );
}

#[test]
fn times_count_only_for_answers_whose_batch_succeeded() {
    let bench = Bench::new();
    let version = bench.telemetry.serving().version("noop", "1.11");
    version
        .accepted(UrlVersion::Unnamed)
        .answered(&answer(503, false));
    let latency = "ts_inference_latency_microseconds";
    assert_eq!(bench.value(latency, &host("default")), None);
    assert_eq!(
        bench.count("ts_queue_latency_milliseconds", &uuid("default")),
        None
    );
    version
        .accepted(UrlVersion::Unnamed)
        .answered(&answer(418, true));
    assert_eq!(bench.value(latency, &host("default")), Some(13_000.0));
    assert_eq!(
        bench.value("ts_queue_latency_microseconds", &host("default")),
        Some(2_700.0)
    );
    let queue_time = bench.value("QueueTime", "Level=\"Host\",Hostname=\"vm\"");
    assert_eq!(queue_time, Some(2.0), "whole milliseconds");
    let queue = "ts_queue_latency_milliseconds";
    assert_eq!(bench.count(queue, &uuid("default")), Some(1));
    assert_eq!(
        bench.sum(queue, &uuid("default")),
        Some(2.0),
        "whole milliseconds"
    );
    let backend = bench.sum("ts_backend_reponse_latency_milliseconds", &uuid("default"));
    assert_eq!(backend, Some(12.7), "from arrival to reply");
}

#[test]
fn our_own_times_count_for_every_answer_by_class() {
    let bench = Bench::new();
    let version = bench.telemetry.serving().version("noop", "1.11");
    version
        .accepted(UrlVersion::Named)
        .answered(&answer(200, true));
    version
        .accepted(UrlVersion::Unnamed)
        .answered(&answer(500, false));
    let class = |class| format!("{OWN},code=\"{class}\"");
    for code in ["2xx", "5xx"] {
        assert_eq!(
            bench.value("meterbox_predictions_total", &class(code)),
            Some(1.0)
        );
        let duration = bench.sum("meterbox_prediction_duration_seconds", &class(code));
        assert_eq!(duration, Some(0.013));
    }
    assert_eq!(
        bench.count("meterbox_prediction_queue_duration_seconds", OWN),
        Some(2)
    );
    assert_eq!(
        bench.sum("meterbox_prediction_worker_duration_seconds", OWN),
        Some(0.02)
    );
}

#[test]
fn a_prediction_that_is_dropped_or_expired_is_counted_with_its_reason() {
    let bench = Bench::new();
    let version = bench.telemetry.serving().version("noop", "1.11");
    drop(version.accepted(UrlVersion::Named));
    version.accepted(UrlVersion::Named).expired();
    let dropped = |reason| {
        let labels = format!("{OWN},reason=\"{reason}\"");
        bench.value("meterbox_predictions_dropped_total", &labels)
    };
    assert_eq!(
        (dropped("client_gone"), dropped("expired")),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(
        bench.value("meterbox_predictions_in_flight", OWN),
        Some(0.0)
    );
}

#[test]
fn two_versions_share_the_series_of_requests_without_a_version() {
    let bench = Bench::new();
    let serving = bench.telemetry.serving();
    for version in ["1.0", "2.0"] {
        serving
            .version("noop", version)
            .accepted(UrlVersion::Unnamed)
            .answered(&answer(200, true));
    }
    assert_eq!(
        bench.value("ts_inference_requests_total", &host("default")),
        Some(2.0)
    );
}

#[test]
fn a_name_that_two_sets_share_is_printed_once_in_the_form_of_the_first() {
    let bench = Bench::with(|options| {
        options.name_sets = ["torchserve-plugin", "torchserve"]
            .map(str::to_owned)
            .into();
    });
    let version = bench.telemetry.serving().version("noop", "1.11");
    version
        .accepted(UrlVersion::Named)
        .answered(&answer(200, true));
    let requests = |labels: String| bench.value("ts_inference_requests_total", &labels);
    assert_eq!(
        (requests(uuid("1.11")), requests(host("1.11"))),
        (Some(1.0), None)
    );
    assert_eq!(
        bench.value("meterbox_predictions_in_flight", OWN),
        None,
        "not chosen"
    );
}

#[test]
fn histograms_are_split_as_far_as_configured() {
    for (detail, expect) in [
        (
            MetricsDetail::Model,
            "model_name=\"noop\",model_version=\"all\"",
        ),
        (
            MetricsDetail::Aggregate,
            "model_name=\"all\",model_version=\"all\"",
        ),
    ] {
        let bench = Bench::with(|options| options.detail = detail);
        for version in ["1.0", "2.0"] {
            let version = bench.telemetry.serving().version("noop", version);
            version.batched(4);
            version
                .accepted(UrlVersion::Named)
                .answered(&answer(200, true));
        }
        assert_eq!(bench.count("meterbox_batch_size", expect), Some(2));
        let labels = format!("{expect},code=\"2xx\"");
        assert_eq!(
            bench.count("meterbox_prediction_duration_seconds", &labels),
            Some(2)
        );
        let counters = "model_name=\"noop\",model_version=\"1.0\",code=\"2xx\"";
        assert_eq!(
            bench.value("meterbox_predictions_total", counters),
            Some(1.0)
        );
    }
}

#[test]
fn gauges_go_with_the_last_holder_and_not_before() {
    let bench = Bench::new();
    let serving = bench.telemetry.serving();
    let depth = || bench.value("meterbox_prediction_queue_depth", OWN);
    let first = serving.version("noop", "1.11");
    let second = serving.version("noop", "1.11");
    first.queue_depth(3);
    first.queue_limit(100);
    drop(first);
    assert_eq!(depth(), Some(3.0));
    assert_eq!(
        bench.value("meterbox_prediction_queue_limit", OWN),
        Some(100.0)
    );
    drop(second);
    assert_eq!(depth(), None);
    let again = serving.version("noop", "1.11");
    again.queue_depth(1);
    assert_eq!(depth(), Some(1.0), "registered anew");
}

#[test]
fn versions_come_and_go_on_many_threads_without_losing_a_gauge() {
    let bench = Bench::new();
    let serving = bench.telemetry.serving();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    drop(serving.version("noop", "1.11").accepted(UrlVersion::Named));
                }
            });
        }
    });
    let version = serving.version("noop", "1.11");
    version.queue_depth(7);
    assert_eq!(
        bench.value("meterbox_prediction_queue_depth", OWN),
        Some(7.0)
    );
    assert_eq!(
        bench.value("ts_inference_requests_total", &host("1.11")),
        Some(1_200.0)
    );
}
