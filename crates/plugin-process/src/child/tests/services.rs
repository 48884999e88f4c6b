//! Everything else: the life of the plugin, small requests, and hosts that go away or talk nonsense.

use std::sync::Arc;

use meterbox_plugin_abi::{
    Failure, Level, Listener, Methods, Roles, Row, Status, Table, Verdict, events, models,
};

use super::plugin::{ASK, STREAM};
use super::rig::{Rig, answer, done, expect, refuse};
use crate::lane::LaneError;
use crate::wire::{
    Body, DecodedRows, Kind, PayloadReader, PayloadWriter, Reply, take_outcome, take_route,
};

#[test]
fn a_plugin_is_created_asked_started_and_stopped() {
    let mut rig = Rig::greeted();
    let early = rig
        .enter(Kind::START, &PayloadWriter::new())
        .expect_err("no plugin");
    assert_eq!(early.status, Status::INTERNAL);
    let mut config = PayloadWriter::new();
    config.text("refuse");
    let refused = Failure::new(Status::INVALID, "no such table");
    assert_eq!(rig.enter(Kind::CREATE, &config), Err(refused));

    let mut config = PayloadWriter::new();
    config.text("{}");
    rig.calls[0]
        .send(Kind::CREATE, config.as_bytes())
        .expect("an open lane");
    let line = expect(&mut rig.calls[0], Kind::LOG);
    let mut line = PayloadReader::of(&line);
    assert_eq!(line.u32(), Ok(Level::INFO.0));
    assert_eq!((line.text(), line.text()), (Ok("probe"), Ok("made")));
    assert_eq!(done(&mut rig.calls[0]), Ok(String::new()), "one line alone");

    let lane = &mut rig.calls[0];
    lane.send(Kind::ROUTES, &[]).expect("an open lane");
    let payload = expect(lane, Kind::DONE);
    let mut fields = PayloadReader::of(&payload);
    assert_eq!(take_outcome(&mut fields), Ok(Ok("")));
    let roles = Roles::ENDPOINT.with(Roles::COLLECTOR);
    assert_eq!((fields.u32(), fields.u32()), (Ok(roles.0), Ok(1)));
    let route = take_route(&mut fields).expect("a route");
    assert_eq!((route.id, &*route.pattern), (7, "probe"));
    assert_eq!(
        (route.listener, route.methods),
        (Listener::METRICS, Methods::ANY)
    );
    fields.end().expect("no more");

    assert_eq!(
        rig.enter(Kind::START, &PayloadWriter::new()),
        Ok(String::new())
    );
    let mut deadline = PayloadWriter::new();
    deadline.u64(5_000_000);
    let complaint = Failure::internal("5ms is not enough");
    let lane = &mut rig.calls[0];
    lane.send(Kind::STOP, deadline.as_bytes())
        .expect("an open lane");
    let line = expect(lane, Kind::LOG);
    assert!(line.ends_with(b"dropped"), "before the entry ends");
    assert_eq!(done(lane), Err(complaint));
    let flusher = rig
        .enter(Kind::START, &PayloadWriter::new())
        .expect_err("no plugin");
    assert_eq!(flusher.status, Status::INTERNAL);
    let lost = rig.close();
    assert_eq!(lost, [LaneError::Closed, LaneError::Closed]);
}

#[test]
fn events_verdicts_and_timers_reach_the_plugin() {
    let mut rig = Rig::new();
    let rows = vec![Row::new().text(events::MODEL, "noop"), Row::new()];
    let mut table = PayloadWriter::new();
    DecodedRows::put(&Table::of(Arc::new(rows)), 32, &mut table);
    let told = Failure::internal("Some(\"noop\") 2");
    assert_eq!(rig.enter(Kind::EVENTS, &table), Err(told));

    let mut reply = PayloadWriter::new();
    reply.u16(413).bytes(b"abc");
    let lane = &mut rig.calls[0];
    lane.send(Kind::CLASSIFY, reply.as_bytes())
        .expect("an open lane");
    let payload = expect(lane, Kind::DONE);
    let mut fields = PayloadReader::of(&payload);
    assert_eq!(take_outcome(&mut fields), Ok(Ok("413 3")));
    assert_eq!(fields.u32(), Ok(Verdict::DROP.0));
}

#[test]
fn small_requests_go_over_the_lane_of_their_entry() {
    let mut rig = Rig::new();
    rig.call(ASK, Body::None);
    let lane = &mut rig.calls[0];
    expect(lane, Kind::MODELS);
    let rows = vec![Row::new().text(models::NAME, "noop")];
    let mut table = PayloadWriter::new();
    DecodedRows::put(&Table::of(Arc::new(rows)), 16, &mut table);
    answer(lane, &table);
    let timer = expect(lane, Kind::TIMER_START);
    let mut timer = PayloadReader::of(&timer);
    assert_eq!((timer.u64(), timer.u64()), (Ok(1), Ok(2_000_000_000)));
    answer(lane, &PayloadWriter::new());
    expect(lane, Kind::TIMER_STOP);
    answer(lane, &PayloadWriter::new());
    expect(lane, Kind::SUBSCRIBE);
    refuse(lane, Status::DENIED, "no events");
    for (known, text) in [(1, "probe"), (0, "")] {
        expect(lane, Kind::INFO);
        let mut result = PayloadWriter::new();
        result.u8(known).text(text);
        answer(lane, &result);
    }
    let reply = expect(lane, Kind::REPLY);
    let (_, reply) = Reply::take(&reply).expect("an answer");
    let Reply::Part { bytes, .. } = reply else {
        panic!("a failure")
    };
    let text = r#"Some("noop") Some("probe") None Err(Status(5))"#;
    assert_eq!(std::str::from_utf8(bytes), Ok(text));
    assert_eq!(done(lane), Ok(String::new()));
}

#[test]
fn nonsense_of_the_host_ends_the_child() {
    let nonsense: [(Kind, &[u8]); 4] = [
        (Kind(0x77), b""),
        (Kind::CALL, b"short"),
        (Kind::START, b"with fields"),
        (Kind::DONE, b""),
    ];
    for (kind, payload) in nonsense {
        let mut rig = Rig::new();
        rig.calls[0].send(kind, payload).expect("an open lane");
        let ended = rig.calls[0].receive().expect_err("the child hung up");
        assert_eq!(ended, LaneError::Closed);
        let lost = rig.close();
        assert!(
            matches!(lost.first(), Some(LaneError::Malformed(_))),
            "{kind:?} {lost:?}"
        );
    }
}

#[test]
fn nonsense_inside_an_entry_fails_its_request() {
    let mut rig = Rig::new();
    rig.call(STREAM, Body::None);
    expect(&mut rig.calls[0], Kind::REPLY);
    let lane = &mut rig.calls[0];
    lane.send(Kind::VISIT, b"").expect("an open lane");
    // A process would end here; what is left of this one says so to its plugin.
    expect(lane, Kind::DROP);
    let failure = done(lane).expect_err("no answer");
    assert_eq!(failure.status, Status::CLOSED);
    let lost = rig.close();
    assert!(
        matches!(lost.first(), Some(LaneError::Malformed(_))),
        "{lost:?}"
    );
}
