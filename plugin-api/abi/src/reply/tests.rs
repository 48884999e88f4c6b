//! The rules of an answer, seen from a sink that writes down what it is told.

use std::thread;

use super::*;

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn note(&self, line: String) {
        lock(&self.0).push(line);
    }

    #[track_caller]
    fn check(&self, expect: &[&str]) {
        assert_eq!(*lock(&self.0), expect);
    }
}

impl ReplySink for Told {
    fn head(&mut self, head: ReplyHead) -> Result<(), Failure> {
        let length = head.length.map_or("?".to_owned(), |len| len.to_string());
        let names: Vec<&str> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
        self.note(format!(
            "head {} [{}] {length}",
            head.status,
            names.join(" ")
        ));
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.note(format!("body {}", bytes.len()));
        Ok(())
    }
    fn end(&mut self) {
        self.note("end".to_owned());
    }
    fn fail(&mut self, status: u16, message: &str) {
        self.note(format!("fail {status} {message}"));
    }
    fn abort(&mut self, message: &str) {
        self.note(format!("abort {message}"));
    }
    fn is_closed(&self) -> bool {
        false
    }
}

fn reply() -> (Told, Responder, ReplyWatch) {
    let told = Told::default();
    let (responder, watch) = Reply::over(Box::new(told.clone()));
    (told, responder, watch)
}

#[test]
fn a_whole_answer_announces_its_length() {
    let (told, mut responder, watch) = reply();
    responder.status(201).expect("a fine status");
    responder
        .header("Content-Type", b"text/plain")
        .expect("a fine header");
    responder.finish(b"done").expect("an open answer");
    watch.returned(&Ok(()));
    told.check(&["head 201 [content-type] 4", "body 4", "end"]);
}

#[test]
fn long_writes_are_cut_into_chunks() {
    let (told, mut responder, watch) = reply();
    responder
        .write(&[0; CHUNK_BYTES_MAX + 1])
        .expect("an open answer");
    responder.finish(b"").expect("an open answer");
    watch.returned(&Ok(()));
    told.check(&["head 200 [] ?", "body 65536", "body 1", "end"]);
}

#[test]
fn an_error_of_the_call_is_the_answer_when_the_responder_was_dropped() {
    let (told, responder, watch) = reply();
    drop(responder);
    told.check(&[]);
    watch.returned(&Err(Failure::new(Status::NOT_FOUND, "no such model")));
    told.check(&["fail 404 no such model"]);
}

#[test]
fn a_call_that_forgets_its_answer_is_a_500() {
    let (told, responder, watch) = reply();
    drop(responder);
    watch.returned(&Ok(()));
    told.check(&["fail 500 the plugin returned without an answer"]);
}

#[test]
fn an_answer_dropped_after_the_call_is_a_500() {
    let (told, responder, watch) = reply();
    watch.returned(&Ok(()));
    told.check(&[]);
    drop(responder);
    told.check(&["fail 500 the plugin dropped the answer without finishing it"]);
}

#[test]
fn an_answer_finished_later_from_another_thread_is_complete() {
    let (told, responder, watch) = reply();
    watch.returned(&Ok(()));
    thread::spawn(move || responder.finish(b"late"))
        .join()
        .expect("no panic")
        .expect("open");
    told.check(&["head 200 [] 4", "body 4", "end"]);
}

#[test]
fn an_error_after_the_head_cuts_the_connection() {
    let (told, mut responder, watch) = reply();
    responder.write(b"half").expect("an open answer");
    drop(responder);
    watch.returned(&Err(Failure::internal("out of paper")));
    told.check(&["head 200 [] ?", "body 4", "abort out of paper"]);
}

#[test]
fn a_stream_on_another_thread_breaks_off_when_the_call_fails() {
    let (told, mut responder, watch) = reply();
    responder.write(b"one").expect("an open answer");
    watch.returned(&Err(Failure::new(Status::PANICKED, "boom")));
    assert!(responder.is_closed());
    let refused = responder.write(b"two").expect_err("it is over");
    assert_eq!(refused.status, Status::CLOSED);
    drop(responder);
    let abort = "abort the call failed while its answer was being written";
    told.check(&["head 200 [] ?", "body 3", abort]);
}

#[test]
fn an_error_of_the_call_wins_over_an_unsent_answer_held_elsewhere() {
    let (told, responder, watch) = reply();
    watch.returned(&Err(Failure::new(Status::PANICKED, "boom")));
    assert_eq!(
        responder.finish(b"late").expect_err("over").status,
        Status::CLOSED
    );
    told.check(&["fail 500 boom"]);
}

#[test]
fn an_answer_that_was_finished_is_not_changed_by_an_error() {
    let (told, responder, watch) = reply();
    responder.finish(b"").expect("an open answer");
    watch.returned(&Err(Failure::internal("too late")));
    told.check(&["head 200 [] 0", "end"]);
}

#[test]
fn a_call_that_never_reports_back_is_a_500() {
    let (told, responder, watch) = reply();
    drop(responder);
    drop(watch);
    told.check(&["fail 500 the call of the plugin ended without a result"]);
}

#[test]
fn fail_answers_an_error_and_corrects_a_status_that_is_none() {
    let (told, responder, watch) = reply();
    responder.fail(200, "not fine").expect("an open answer");
    watch.returned(&Ok(()));
    told.check(&["fail 500 not fine"]);
}

#[test]
fn what_would_break_the_connection_is_refused() {
    let (told, mut responder, watch) = reply();
    for (name, value) in [
        ("", "x"),
        ("two words", "x"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("x-note", "a\r\nset-cookie: b"),
    ] {
        let refused = responder.header(name, value.as_bytes()).expect_err(name);
        assert_eq!(refused.status, Status::INVALID, "{name:?}");
    }
    assert_eq!(
        responder.status(99).expect_err("no status").status,
        Status::INVALID
    );
    responder.write(b"x").expect("an open answer");
    assert!(responder.header("late", b"x").is_err(), "the head is sent");
    responder.finish(b"").expect("an open answer");
    watch.returned(&Ok(()));
    told.check(&["head 200 [] ?", "body 1", "end"]);
}
