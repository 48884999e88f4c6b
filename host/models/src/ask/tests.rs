//! Questions from outside, answered by a worker that the test plays.

use super::*;
use crate::testing::{House, body, manifest, pack, soon};
use crate::{EventSink, Wishes};
use meterbox_plugin_abi::{Row, Rows};
use parking_lot::Mutex;
use std::sync::Arc;
use tempfile::tempdir;

/// Listens to answers alone.
#[derive(Default)]
struct Ear(Mutex<Vec<Row>>);

impl EventSink for Ear {
    fn wants(&self, kind: EventKinds) -> bool {
        kind == EventKinds::REQUEST_DONE
    }

    fn take(&self, kind: EventKinds, event: &Row) {
        assert!(self.wants(kind), "an event that nobody wants is not made");
        self.0.lock().push(event.clone());
    }
}

fn question<'a>(model: &'a str, version: Option<&'a str>) -> Question<'a> {
    Question {
        model,
        version,
        id: "r1".to_owned(),
        input: Input::default(),
        received: Instant::now(),
        method: "POST",
        path: "/predictions/noop",
        bytes: 5,
    }
}

async fn house(ear: &Arc<Ear>) -> House {
    let store = tempdir().unwrap();
    pack(store.path(), "noop", &manifest("noop", "1.11"), "");
    let house = House::heard_by(Arc::clone(ear) as Arc<dyn EventSink>, store, |_| {});
    let register = house
        .models
        .register("noop".to_owned(), Wishes::default(), false);
    soon(register).await.unwrap();
    house
}

#[tokio::test]
async fn an_answer_comes_back_and_is_announced_once() {
    let ear = Arc::new(Ear::default());
    let mut house = house(&ear).await;
    let version = house.models.find("noop", None).unwrap();
    let _ = version.scale(1, 1);
    let mut worker = house.process().await;
    worker.load(200).await;
    let (answer, ()) = tokio::join!(soon(house.models.ask(question("noop", None))), async {
        let ids = worker.batch().await;
        assert_eq!(ids, ["r1"]);
        worker.answer(&ids, None).await;
    });
    assert_eq!(body(answer.unwrap()), "OK r1");
    let heard = std::mem::take(&mut *ear.0.lock());
    assert_eq!(heard.len(), 1);
    let (text, number) = (|field| heard.text(0, field), |field| heard.number(0, field));
    assert_eq!(text(fields::MODEL), Some("noop"));
    assert_eq!(text(fields::MODEL_VERSION), Some("1.11"));
    assert_eq!(text(fields::METHOD), Some("POST"));
    assert_eq!(text(fields::PATH), Some("/predictions/noop"));
    assert_eq!(number(fields::STATUS), Some(200.0));
    assert_eq!(number(fields::BYTES_IN), Some(5.0));
    assert_eq!(number(fields::BYTES_OUT), Some(5.0));
    assert!(number(fields::SECONDS).unwrap() >= 0.0);
}

#[tokio::test]
async fn what_was_not_queued_is_an_error_and_announced_to_nobody() {
    let ear = Arc::new(Ear::default());
    let house = house(&ear).await;
    let refused = |model: &'static str, version| house.models.ask(question(model, version));
    assert!(matches!(
        refused("nosuch", None).await,
        Err(AskError::NotFound(_))
    ));
    assert!(matches!(
        refused("noop", Some("9")).await,
        Err(AskError::NotFound(_))
    ));
    let error = refused("noop", None).await.unwrap_err();
    assert!(
        matches!(error, AskError::Refused(Refusal::NoWorker)),
        "{error}"
    );
    assert!(ear.0.lock().is_empty());
}
