use super::*;
use crate::input::Input;
use crate::testing::{Stage, failure, rules};
use std::time::Duration;

/// A queue with a worker that takes nothing by itself.
fn queue(rules: QueueRules) -> (Stage, Arc<Member>) {
    let stage = Stage::new(rules);
    let member = stage.queue.join();
    (stage, member)
}

fn ids(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|job| job.id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_when_it_is_full_or_its_first_job_has_waited_long_enough() {
    let rules = QueueRules {
        batch_size: 3,
        batch_delay: Duration::from_millis(50),
        ..rules()
    };
    let (mut stage, _member) = queue(rules);
    let _tickets: Vec<_> = (0..4).map(|_| stage.ask().unwrap()).collect();
    let begin = Instant::now();
    assert_eq!(ids(&stage.queue.batch().await), ["r1", "r2", "r3"]);
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(ids(&stage.queue.batch().await), ["r4"]);
    let waited = begin.elapsed();
    assert!((50..60).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_comes_while_a_batch_forms_joins_it() {
    let rules = QueueRules {
        batch_size: 2,
        batch_delay: Duration::from_secs(1),
        ..rules()
    };
    let (mut stage, _member) = queue(rules);
    let _first = stage.ask().unwrap();
    let queue = Arc::clone(&stage.queue);
    let forming = tokio::spawn(async move {
        let begin = Instant::now();
        (queue.batch().await.len(), begin.elapsed())
    });
    tokio::time::advance(Duration::from_millis(300)).await;
    let _second = stage.ask().unwrap();
    let (count, waited) = forming.await.unwrap();
    assert_eq!(count, 2);
    assert!(waited < Duration::from_millis(400), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_and_refuses_at_once() {
    let (mut stage, _member) = queue(QueueRules {
        jobs_max: 2,
        ..rules()
    });
    let _tickets = [stage.ask().unwrap(), stage.ask().unwrap()];
    assert!(matches!(stage.ask(), Err(Refusal::QueueFull)));
    let refused = ",reason=\"queue_full\"";
    assert_eq!(
        stage.value("meterbox_predictions_refused_total", refused),
        Some(1.0)
    );
    assert_eq!(
        stage.value("meterbox_prediction_queue_depth", ""),
        Some(2.0)
    );
    assert_eq!(
        stage.value("meterbox_prediction_queue_limit", ""),
        Some(2.0)
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_worker_nothing_is_queued() {
    let (mut stage, member) = queue(rules());
    member.retire();
    assert!(matches!(stage.ask(), Err(Refusal::NoWorker)));
    member.come_back();
    assert!(
        matches!(stage.ask(), Err(Refusal::NoWorker)),
        "it was told to go"
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_steps_aside_may_come_back() {
    let (mut stage, member) = queue(rules());
    let waiting = stage.ask().unwrap();
    member.step_aside();
    assert_eq!(failure(waiting.answer().await).0, 500);
    assert!(stage.ask().is_err());
    member.come_back();
    assert!(stage.ask().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_takes_its_request_with_it() {
    let (mut stage, _member) = queue(rules());
    let (first, second) = (stage.ask().unwrap(), stage.ask().unwrap());
    drop(first);
    assert_eq!(stage.queue.len(), 1);
    let gone = ",reason=\"client_gone\"";
    assert_eq!(
        stage.value("meterbox_predictions_dropped_total", gone),
        Some(1.0)
    );
    assert_eq!(ids(&stage.queue.batch().await), ["r2"]);
    drop(second);
    assert_eq!(stage.value("meterbox_predictions_in_flight", ""), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_clients_that_leave_leave_nothing_behind() {
    let (mut stage, _member) = queue(rules());
    for _ in 0..10_000 {
        drop(stage.ask().unwrap());
    }
    assert_eq!(stage.queue.len(), 0);
    let gone = ",reason=\"client_gone\"";
    assert_eq!(
        stage.value("meterbox_predictions_dropped_total", gone),
        Some(10_000.0)
    );
    assert_eq!(stage.value("meterbox_predictions_in_flight", ""), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn giving_up_a_batch_loses_no_job_and_no_place() {
    let (mut stage, _member) = queue(QueueRules {
        batch_size: 4,
        ..rules()
    });
    let queue = Arc::clone(&stage.queue);
    let turn = tokio::time::timeout(Duration::from_millis(10), queue.batch()).await;
    assert!(turn.is_err());
    let _ticket = stage.ask().unwrap();
    let turn = tokio::time::timeout(Duration::from_millis(10), queue.batch()).await;
    assert!(turn.is_err(), "it waits for a fuller batch");
    drop(turn);
    assert_eq!(queue.len(), 1);
    assert_eq!(ids(&queue.batch().await), ["r1"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_about_the_model_has_a_batch_of_its_own() {
    let rules = QueueRules {
        batch_size: 4,
        batch_delay: Duration::ZERO,
        ..rules()
    };
    let (mut stage, _member) = queue(rules);
    let _first = stage.ask().unwrap();
    let (job, answer) = Job::new(
        "d".to_owned(),
        Input::default(),
        std::time::Instant::now(),
        None,
    );
    let _described = stage.queue.push(job, answer).unwrap();
    let _last = stage.ask().unwrap();
    let mut batches = Vec::new();
    for _ in 0..3 {
        let batch = stage.queue.batch().await;
        batches.push(ids(&batch).join(","));
    }
    assert_eq!(batches, ["r1", "d", "r2"]);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_come_back_are_the_next_to_go() {
    let (mut stage, _member) = queue(QueueRules {
        batch_size: 2,
        ..rules()
    });
    let _tickets: Vec<_> = (0..3).map(|_| stage.ask().unwrap()).collect();
    let batch = stage.queue.batch().await;
    stage.queue.return_to_head(batch);
    let batch = stage.queue.batch().await;
    assert_eq!(ids(&batch), ["r1", "r2"]);
    assert!(batch.iter().all(|job| job.returned));
}

#[tokio::test]
async fn a_request_that_waited_too_long_is_told_so() {
    let (mut stage, _member) = queue(QueueRules {
        expiry: Duration::from_millis(1),
        ..rules()
    });
    let ticket = stage.ask().unwrap();
    // Its age is real time, which is not ours to advance.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let answer = tokio::select! {
        batch = stage.queue.batch() => panic!("{batch:?}"),
        answer = ticket.answer() => answer,
    };
    let (code, message) = failure(answer);
    assert_eq!(code, 503);
    assert!(message.contains("clientTimeoutInMills=1"), "{message}");
    let expired = ",reason=\"expired\"";
    assert_eq!(
        stage.value("meterbox_predictions_dropped_total", expired),
        Some(1.0)
    );
}

#[tokio::test(start_paused = true)]
async fn with_job_tickets_a_request_needs_an_idle_worker() {
    let (mut stage, _member) = queue(QueueRules {
        needs_idle_worker: true,
        ..rules()
    });
    assert!(matches!(stage.ask(), Err(Refusal::QueueFull)));
    let queue = Arc::clone(&stage.queue);
    let idle = tokio::spawn(async move { queue.batch().await.len() });
    tokio::task::yield_now().await;
    let _ticket = stage.ask().unwrap();
    assert!(matches!(stage.ask(), Err(Refusal::QueueFull)));
    assert_eq!(idle.await.unwrap(), 1);
}
