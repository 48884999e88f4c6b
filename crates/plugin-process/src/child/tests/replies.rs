//! Requests and their answers.

use meterbox_plugin_abi::{Failure, Status};

use super::plugin::{BUSY, DONE_WITH_IT, ECHO, FAIL, FORGET, LARGE, LATER, PANIC, STREAM};
use super::rig::{Rig, answer, done, expect, refuse};
use crate::lane::Lane;
use crate::wire::{Body, Kind, PayloadReader, PayloadWriter, Reply};

fn part(bytes: &[u8], with_head: bool, end: bool) -> Reply<'_> {
    let head = with_head.then(|| (200, Vec::new()));
    Reply::Part { head, bytes, end }
}

#[track_caller]
fn expect_reply(lane: &mut Lane, call: u64, expected: &Reply<'_>) {
    let payload = expect(lane, Kind::REPLY);
    let (number, reply) = Reply::take(&payload).expect("an answer");
    assert_eq!((number, &reply), (call, expected));
}

#[test]
fn a_request_is_read_and_answered_with_its_head() {
    for size in [0, 5, 100_000] {
        let mut rig = Rig::new();
        let body = vec![7; size];
        rig.call(ECHO, Body::Whole(&body));
        let lane = &mut rig.calls[0];
        let expected = Reply::Part {
            head: Some((201, vec![("x-path", "/probe/é".as_bytes())])),
            bytes: &body,
            end: true,
        };
        expect_reply(lane, 41, &expected);
        assert_eq!(done(lane), Ok(String::new()));
    }
}

#[test]
fn a_body_that_was_not_sent_is_asked_for_until_it_ends() {
    let mut rig = Rig::new();
    rig.call(ECHO, Body::Asked);
    let lane = &mut rig.calls[0];
    for piece in [&b"ab"[..], &[b'c'; 40_000], b""] {
        let asked = expect(lane, Kind::BODY);
        let mut asked = PayloadReader::of(&asked);
        assert_eq!(asked.u64(), Ok(41));
        assert!(asked.u32().expect("a size") as usize >= piece.len());
        let mut result = PayloadWriter::new();
        result.bytes(piece);
        answer(lane, &result);
    }
    let reply = expect(lane, Kind::REPLY);
    let (_, reply) = Reply::take(&reply).expect("an answer");
    let Reply::Part { bytes, end, .. } = reply else {
        panic!("a failure")
    };
    assert_eq!((bytes.len(), &bytes[..3], end), (40_002, &b"abc"[..], true));
    assert_eq!(done(lane), Ok(String::new()));
}

#[test]
fn a_stream_waits_for_the_host_between_its_parts() {
    let mut rig = Rig::new();
    rig.call(STREAM, Body::None);
    let lane = &mut rig.calls[0];
    expect_reply(lane, 42, &part(b"one", true, false));
    answer(lane, &PayloadWriter::new());
    assert_eq!(PayloadReader::of(&expect(lane, Kind::CLOSED)).u64(), Ok(42));
    let mut open = PayloadWriter::new();
    open.u8(0);
    answer(lane, &open);
    expect_reply(lane, 42, &part(b"two", false, false));
    answer(lane, &PayloadWriter::new());
    expect_reply(lane, 42, &part(b"three", false, true));
    assert_eq!(done(lane), Ok(String::new()));
}

#[test]
fn a_refused_part_is_the_plugins_error_and_the_rest_is_dropped() {
    let mut rig = Rig::new();
    rig.call(STREAM, Body::None);
    let lane = &mut rig.calls[0];
    expect_reply(lane, 42, &part(b"one", true, false));
    refuse(lane, Status::CLOSED, "the client left");
    assert_eq!(PayloadReader::of(&expect(lane, Kind::DROP)).u64(), Ok(42));
    let refused = Failure::new(Status::CLOSED, "the client left");
    assert_eq!(done(lane), Err(refused));
}

#[test]
fn an_answer_from_another_thread_comes_over_the_service_lane() {
    let mut rig = Rig::new();
    rig.call(LATER, Body::None);
    assert_eq!(done(&mut rig.calls[0]), Ok(String::new()));
    expect_reply(&mut rig.long, 43, &part(b"late", true, true));
}

#[test]
fn failures_panics_and_forgotten_answers_are_told_before_the_entry_ends() {
    let mut rig = Rig::new();
    rig.call(FORGET, Body::None);
    let lane = &mut rig.calls[0];
    assert_eq!(PayloadReader::of(&expect(lane, Kind::DROP)).u64(), Ok(44));
    assert_eq!(done(lane), Ok(String::new()));

    rig.call(PANIC, Body::None);
    let lane = &mut rig.calls[0];
    assert_eq!(PayloadReader::of(&expect(lane, Kind::DROP)).u64(), Ok(45));
    let panicked = Failure::new(Status::PANICKED, "boom on route 5");
    assert_eq!(done(lane), Err(panicked));

    rig.call(FAIL, Body::None);
    let lane = &mut rig.calls[0];
    let fail = Reply::Fail {
        status: 503,
        message: "not today",
    };
    expect_reply(lane, 46, &fail);
    assert_eq!(done(lane), Ok(String::new()), "and nothing is dropped");

    rig.call(99, Body::None);
    let lane = &mut rig.calls[0];
    expect(lane, Kind::DROP);
    let unknown = Failure::new(Status::NOT_FOUND, "no such page");
    assert_eq!(done(lane), Err(unknown));
}

#[test]
fn a_large_answer_is_whole_whether_it_fits_the_arena_or_not() {
    let mut rig = Rig::new();
    rig.call(LARGE, Body::None);
    let lane = &mut rig.calls[0];
    expect_reply(lane, 51, &part(&vec![b'x'; 200 << 10], true, true));
    assert_eq!(done(lane), Ok(String::new()));
}

#[test]
fn an_answer_does_not_wait_for_an_entry_that_goes_on_working() {
    let mut rig = Rig::new();
    for _ in 0..3 {
        rig.call(BUSY, Body::None);
        let lane = &mut rig.calls[0];
        expect_reply(lane, 52, &part(b"early", true, true));
        DONE_WITH_IT.wait();
        assert_eq!(done(lane), Ok(String::new()));
    }
}

#[test]
fn two_entries_run_at_the_same_time() {
    let mut rig = Rig::new();
    rig.call(STREAM, Body::None);
    expect(&mut rig.calls[0], Kind::REPLY);
    let mut timer = PayloadWriter::new();
    timer.u64(77);
    let second = &mut rig.calls[1];
    second
        .send(Kind::TIMER, timer.as_bytes())
        .expect("an open lane");
    assert_eq!(done(second), Err(Failure::new(Status(77), "")));
}
