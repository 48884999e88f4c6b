//! A worker that dies at each moment of a request, played by the test.

use crate::job::{JobAnswer, Part};
use crate::pool::Scaled;
use crate::queue::QueueRules;
use crate::testing::{Stage, body, failure, reply, rules, soon, until};
use crate::worker::Exit;
use meterbox_telemetry::serving::Refusal;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const DIED: &str = "Worker died.";

/// A stage with so many workers, all loaded.
async fn stage(rules: QueueRules) -> (Stage, crate::testing::Actor) {
    let mut stage = Stage::new(rules);
    let scaling = stage.pool.scale(1, 1);
    let worker = stage.worker().await;
    assert_eq!(soon(scaling.done()).await, Scaled::Done);
    (stage, worker)
}

fn deaths(stage: &Stage, reason: &str) -> Option<f64> {
    stage.value(
        "meterbox_worker_deaths_total",
        &format!(",reason=\"{reason}\""),
    )
}

#[tokio::test]
async fn a_worker_answers_and_everything_is_counted() {
    let (mut stage, mut worker) = stage(rules()).await;
    let ticket = stage.ask().unwrap();
    let ids = worker.batch().await;
    worker.answer(&ids, None).await;
    assert_eq!(body(soon(ticket.answer()).await), "OK r1");
    assert_eq!(
        stage.value("meterbox_predictions_total", ",code=\"2xx\""),
        Some(1.0)
    );
    assert_eq!(stage.value("meterbox_workers_ready", ""), Some(1.0));
    assert_eq!(
        stage.value("meterbox_prediction_queue_depth", ""),
        Some(0.0)
    );
    let label = "model_name=\"noop\",model_version=\"default\",hostname=\"vm\"";
    assert_eq!(
        stage.bench.value("ts_inference_requests_total", label),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_worker_that_dies_idle_is_replaced_and_no_request_fails() {
    let (mut stage, worker) = stage(rules()).await;
    worker.die(Exit::Signal(11));
    let ticket = stage.ask().unwrap();
    let mut next = stage.worker().await;
    let ids = next.batch().await;
    next.answer(&ids, None).await;
    assert_eq!(body(soon(ticket.answer()).await), "OK r1");
    assert_eq!(deaths(&stage, "signal"), Some(1.0));
    assert_eq!(stage.value("meterbox_worker_restarts_total", ""), Some(1.0));
}

#[tokio::test]
async fn a_worker_that_dies_with_a_request_fails_it_and_the_next_is_served() {
    for (exit, code, reason) in [
        (Exit::Code(3), 500, "exit"),
        (Exit::Signal(11), 500, "signal"),
        (Exit::Signal(9), 507, "out_of_memory"),
        (Exit::Code(137), 507, "out_of_memory"),
    ] {
        let (mut stage, mut worker) = stage(rules()).await;
        let ticket = stage.ask().unwrap();
        worker.batch().await;
        worker.die(exit);
        assert_eq!(
            failure(soon(ticket.answer()).await),
            (code, DIED.to_owned())
        );
        assert_eq!(deaths(&stage, reason), Some(1.0), "{exit:?}");
        let ticket = stage.ask().unwrap();
        let mut next = stage.worker().await;
        let ids = next.batch().await;
        next.answer(&ids, None).await;
        assert_eq!(body(soon(ticket.answer()).await), "OK r2");
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let (mut stage, mut worker) = stage(rules()).await;
    let ticket = stage.ask().unwrap();
    let ids = worker.batch().await;
    let bytes = reply(&ids, None);
    worker
        .stream
        .write_all(&bytes[..bytes.len() - 1])
        .await
        .unwrap();
    worker.die(Exit::Code(1));
    assert_eq!(failure(soon(ticket.answer()).await), (500, DIED.to_owned()));
}

#[tokio::test]
async fn a_worker_that_breaks_the_protocol_is_killed() {
    let garbage = [&200_i32.to_be_bytes()[..], &[0x7f, 0xff, 0xff, 0xff]].concat();
    let wrong_id = reply(&["other".to_owned()], None);
    let nobody = reply(&[], None);
    for bytes in [garbage, wrong_id, nobody] {
        let (mut stage, mut worker) = stage(rules()).await;
        let ticket = stage.ask().unwrap();
        worker.batch().await;
        worker.stream.write_all(&bytes).await.unwrap();
        assert_eq!(failure(soon(ticket.answer()).await), (500, DIED.to_owned()));
        assert!(worker.is_killed());
        assert_eq!(deaths(&stage, "protocol"), Some(1.0));
    }
}

#[tokio::test]
async fn a_worker_that_speaks_unasked_is_killed() {
    let (stage, mut worker) = stage(rules()).await;
    worker.stream.write_all(b"hello").await.unwrap();
    until(|| worker.is_killed()).await;
    until(|| deaths(&stage, "protocol") == Some(1.0)).await;
}

#[tokio::test]
async fn of_a_batch_those_that_were_answered_keep_their_answer() {
    let two = QueueRules {
        batch_size: 2,
        batch_delay: Duration::from_secs(10),
        ..rules()
    };
    let (mut stage, mut worker) = stage(two).await;
    let (first, second) = (stage.ask().unwrap(), stage.ask().unwrap());
    let ids = worker.batch().await;
    assert_eq!(ids, ["r1", "r2"]);
    worker.answer(&ids[..1], None).await;
    assert_eq!(body(soon(first.answer()).await), "OK r1");
    assert_eq!(failure(soon(second.answer()).await), (500, DIED.to_owned()));
}

#[tokio::test]
async fn a_code_of_the_worker_fails_the_whole_batch_and_the_worker_lives() {
    let (mut stage, mut worker) = stage(rules()).await;
    let ticket = stage.ask().unwrap();
    worker.batch().await;
    let reply = [
        &503_i32.to_be_bytes()[..],
        &[0, 0, 0, 17],
        b"Prediction failed",
        &[0xff; 4],
    ];
    worker.stream.write_all(&reply.concat()).await.unwrap();
    assert_eq!(
        failure(soon(ticket.answer()).await),
        (503, "Prediction failed".to_owned())
    );
    let ticket = stage.ask().unwrap();
    let ids = worker.batch().await;
    worker.answer(&ids, None).await;
    assert_eq!(body(soon(ticket.answer()).await), "OK r2");
    let label = "model_name=\"noop\",model_version=\"default\",hostname=\"vm\"";
    assert!(
        stage
            .bench
            .value("ts_inference_latency_microseconds", label)
            .unwrap()
            > 0.0
    );
    assert_eq!(
        stage.value("meterbox_predictions_total", ",code=\"5xx\""),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_worker_that_does_not_answer_in_time_is_killed_and_replaced() {
    let mut stage = Stage::with_response_timeout(rules(), Duration::from_millis(50));
    let _scaling = stage.pool.scale(1, 1);
    let mut worker = stage.worker().await;
    let ticket = stage.ask().unwrap();
    worker.batch().await;
    assert_eq!(failure(soon(ticket.answer()).await), (500, DIED.to_owned()));
    assert!(worker.is_killed());
    assert_eq!(deaths(&stage, "response_timeout"), Some(1.0));
    stage.worker().await;
}

#[tokio::test]
async fn a_stream_comes_in_parts_and_one_that_breaks_off_has_no_end() {
    for whole in [true, false] {
        let (mut stage, mut worker) = stage(rules()).await;
        let ticket = stage.ask().unwrap();
        let ids = worker.batch().await;
        worker.answer(&ids, Some("true")).await;
        let JobAnswer::Stream(head, mut parts) = soon(ticket.answer()).await else {
            panic!()
        };
        assert_eq!(&head.body[..], b"OK r1");
        worker.answer(&ids, Some("true")).await;
        assert!(matches!(soon(parts.recv()).await, Some(Part::Body(_))));
        if whole {
            worker.answer(&ids, Some("false")).await;
            assert!(matches!(soon(parts.recv()).await, Some(Part::Body(_))));
            assert_eq!(soon(parts.recv()).await, Some(Part::End));
        } else {
            worker.die(Exit::Code(1));
        }
        assert_eq!(soon(parts.recv()).await, None);
    }
}

#[tokio::test]
async fn whoever_waits_for_a_start_learns_that_the_model_cannot_be_loaded() {
    for (sent, seen) in [(507, 507), (500, 500), (404, 500)] {
        let mut stage = Stage::new(rules());
        let scaling = stage.pool.scale(1, 1);
        stage.process().await.load(sent).await;
        assert_eq!(soon(scaling.done()).await, Scaled::Failed { code: seen });
    }
}

#[tokio::test]
async fn a_worker_that_dies_five_times_in_a_minute_is_put_aside_and_nobody_waits_for_it() {
    let mut stage = Stage::new(rules());
    let _scaling = stage.pool.scale(1, 1);
    let waiting = stage.ask().unwrap();
    for _ in 0..5 {
        stage.process().await.die(Exit::Code(1));
    }
    assert_eq!(failure(soon(waiting.answer()).await).0, 500);
    assert!(matches!(stage.ask(), Err(Refusal::NoWorker)));
    assert!(!stage.pool.is_healthy());
    assert_eq!(deaths(&stage, "exit"), Some(5.0));
    let refused = ",reason=\"no_worker\"";
    assert_eq!(
        stage.value("meterbox_predictions_refused_total", refused),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_worker_that_is_scaled_down_finishes_its_batch_and_those_that_wait_learn_of_it() {
    let (mut stage, mut worker) = stage(rules()).await;
    let (running, waiting) = (stage.ask().unwrap(), stage.ask().unwrap());
    let ids = worker.batch().await;
    let scaling = stage.pool.scale(0, 0);
    assert!(matches!(stage.ask(), Err(Refusal::NoWorker)));
    assert_eq!(
        failure(soon(waiting.answer()).await),
        (500, "Worker scaled down.".to_owned())
    );
    worker.answer(&ids, None).await;
    assert_eq!(body(soon(running.answer()).await), "OK r1");
    assert_eq!(soon(scaling.done()).await, Scaled::Done);
    assert!(worker.is_killed() && stage.pool.reports().is_empty());
    assert_eq!(stage.value("meterbox_workers_wanted", ""), Some(0.0));
}

#[tokio::test]
async fn closing_does_not_wait_longer_than_it_is_told_to() {
    let (mut stage, mut worker) = stage(rules()).await;
    let running = stage.ask().unwrap();
    worker.batch().await;
    assert!(!soon(stage.pool.close(Duration::from_millis(20))).await);
    assert_eq!(
        failure(soon(running.answer()).await),
        (500, "Worker scaled down.".to_owned())
    );
    assert!(worker.is_killed());
}

#[tokio::test]
async fn those_that_do_not_work_are_scaled_down_first() {
    let mut stage = Stage::new(rules());
    let _scaling = stage.pool.scale(2, 2);
    let _first = stage.worker().await;
    let _second = stage.process().await;
    until(|| stage.pool.ready_count() == 1).await;
    assert_eq!(soon(stage.pool.scale(1, 1).done()).await, Scaled::Done);
    let reports = stage.pool.reports();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].ready);
}

#[tokio::test]
async fn between_fewest_and_most_nothing_changes() {
    let (stage, _worker) = stage(rules()).await;
    assert_eq!(soon(stage.pool.scale(0, 3).done()).await, Scaled::Done);
    assert_eq!(stage.pool.reports().len(), 1);
    assert_eq!(stage.pool.wanted(), (0, 3));
    assert_eq!(stage.pool.reports()[0].id, 9000);
}
