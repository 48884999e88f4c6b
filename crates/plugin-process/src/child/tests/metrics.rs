//! Instruments, gathers, collectors and exporters.

use meterbox_plugin_abi::gather::{Flow, Head, Kind as MetricKind, Segment, Visitor};
use meterbox_plugin_abi::{Failure, Status};

use super::plugin::{COUNT, GATHER, GATHER_LATER, spec};
use super::rig::{Rig, answer, done, expect, refuse};
use crate::batch::{BatchReader, BatchWriter};
use crate::cells::{CellChange, CellShape, SeriesWatch};
use crate::lane::Lane;
use crate::wire::{Body, Kind, PayloadReader, PayloadWriter, Registration, Reply};

fn number(number: u32) -> PayloadWriter {
    let mut put = PayloadWriter::new();
    put.u32(number);
    put
}

/// Answers one `REGISTER` with `family`.
#[track_caller]
fn registers(lane: &mut Lane, name: &str, family: u32) {
    let asked = expect(lane, Kind::REGISTER);
    assert_eq!(Registration::take(&asked).expect("a family").name, name);
    answer(lane, &number(family));
}

#[track_caller]
fn asks_series(lane: &mut Lane, kind: Kind, family: u32) {
    let asked = expect(lane, kind);
    let mut asked = PayloadReader::of(&asked);
    assert_eq!((asked.u32(), asked.texts()), (Ok(family), Ok(vec!["1"])));
}

fn changes(watch: &mut SeriesWatch, rig: &Rig) -> Vec<CellChange> {
    let mut changes = Vec::new();
    watch.changes(&rig.cells, |change| changes.push(change));
    changes
}

#[test]
fn a_series_is_asked_for_once_and_its_changes_show_in_the_cells() {
    let mut rig = Rig::new();
    let mut counter = rig.cells.allocate(CellShape::Counter).expect("room");
    let mut gauge = rig.cells.allocate(CellShape::Level).expect("room");
    rig.call(COUNT, Body::None);
    let lane = &mut rig.calls[0];
    registers(lane, "x_total", 5);
    asks_series(lane, Kind::SERIES, 5);
    answer(lane, &number(counter.cell()));
    registers(lane, "x_total", 5);
    registers(lane, "level", 6);
    asks_series(lane, Kind::SERIES, 6);
    answer(lane, &number(gauge.cell()));
    asks_series(lane, Kind::REMOVE, 5);
    answer(lane, &PayloadWriter::new());
    expect(lane, Kind::DROP);
    assert_eq!(done(lane), Ok(String::new()));
    let counted = changes(&mut counter, &rig);
    assert_eq!(
        counted,
        [CellChange::Counted(7)],
        "nothing after the removal"
    );
    assert_eq!(changes(&mut gauge, &rig), [CellChange::Level(2.5)]);
}

#[test]
fn a_refused_registration_and_cells_that_are_none_are_failures() {
    let mut rig = Rig::new();
    rig.call(COUNT, Body::None);
    let lane = &mut rig.calls[0];
    expect(lane, Kind::REGISTER);
    refuse(lane, Status::LIMIT, "enough families");
    expect(lane, Kind::DROP);
    assert_eq!(
        done(lane),
        Err(Failure::new(Status::LIMIT, "enough families"))
    );
    rig.call(COUNT, Body::None);
    let lane = &mut rig.calls[0];
    registers(lane, "x_total", 5);
    expect(lane, Kind::SERIES);
    answer(lane, &number(u32::MAX));
    expect(lane, Kind::DROP);
    let failure = done(lane).expect_err("no such cell");
    assert!(failure.message.contains("cell 4294967295"), "{failure}");
}

/// A batch with one family of `segments` segments with 256 series each.
fn batch(name: &str, segments: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = BatchWriter::new(usize::MAX, |batch: &[u8]| {
        bytes.extend_from_slice(batch);
        Flow::Continue
    });
    let _ = writer.family(&spec(name, MetricKind::GAUGE).head());
    let (ends, values) = ([0; 256], [1.0; 256]);
    let values = Segment::of("", &ends).with_values(&values);
    for _ in 0..segments {
        let _ = writer.segment(&values);
    }
    let _ = writer.finish();
    bytes
}

/// Serves a page that the probe writes while it gathers over `lane`.
fn serve_page(lane: &mut Lane, call: u64) {
    let asked = expect(lane, Kind::GATHER);
    assert_eq!(PayloadReader::of(&asked).texts(), Ok(vec!["x"]));
    for (name, segments) in [("first", 0), ("second", 10)] {
        lane.send(Kind::VISIT, &batch(name, segments))
            .expect("an open lane");
        // The visitor writes while the batch is in place.
        let reply = expect(lane, Kind::REPLY);
        let (number, reply) = Reply::take(&reply).expect("an answer");
        let Reply::Part { bytes, .. } = reply else {
            panic!("a failure")
        };
        assert_eq!((number, bytes), (call, name.as_bytes()));
        answer(lane, &PayloadWriter::new());
        assert_eq!(PayloadReader::of(&expect(lane, Kind::FLOW)).u32(), Ok(0));
    }
    answer(lane, &PayloadWriter::new());
    let reply = expect(lane, Kind::REPLY);
    let (_, reply) = Reply::take(&reply).expect("an answer");
    let expected = Reply::Part {
        head: None,
        bytes: b" 2560",
        end: true,
    };
    assert_eq!(reply, expected);
}

#[test]
fn a_gather_inside_an_entry_is_visited_in_place_and_answered_meanwhile() {
    let mut rig = Rig::new();
    rig.call(GATHER, Body::None);
    let lane = &mut rig.calls[0];
    serve_page(lane, 49);
    assert_eq!(done(lane), Ok(String::new()));
}

#[test]
fn a_gather_of_another_thread_has_the_service_lane_for_itself() {
    let mut rig = Rig::new();
    rig.call(GATHER_LATER, Body::None);
    assert_eq!(done(&mut rig.calls[0]), Ok(String::new()));
    serve_page(&mut rig.long, 50);
}

#[test]
fn a_failed_gather_is_an_error_of_the_plugin() {
    let mut rig = Rig::new();
    rig.call(GATHER, Body::None);
    let lane = &mut rig.calls[0];
    expect(lane, Kind::GATHER);
    refuse(lane, Status::UNAVAILABLE, "no store");
    expect(lane, Kind::DROP);
    assert_eq!(done(lane), Err(Failure::internal("no store")));
}

struct Names(Vec<String>);

impl Visitor for Names {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        self.0.push(family.name().to_owned());
        Flow::Continue
    }
    fn segment(&mut self, _segment: &Segment<'_>) -> Flow {
        Flow::Continue
    }
}

#[test]
fn a_collector_shows_batches_and_stops_when_the_host_has_enough() {
    let mut rig = Rig::new();
    let lane = &mut rig.calls[0];
    let collect = |lane: &mut Lane, names: &[&str]| {
        let mut request = PayloadWriter::new();
        request.texts(names);
        lane.send(Kind::COLLECT, request.as_bytes())
            .expect("an open lane");
    };
    collect(lane, &["one", "broken"]);
    let mut names = Names(Vec::new());
    let shown = expect(lane, Kind::SHOW);
    let flow = BatchReader::new().visit(&shown, &mut names);
    assert_eq!(
        (flow, &names.0[..]),
        (
            Ok(Flow::Continue),
            &["one".to_owned(), "broken".to_owned()][..]
        )
    );
    answer(lane, &number(0));
    assert_eq!(done(lane), Err(Failure::internal("the cellar is locked")));

    collect(lane, &["one"]);
    expect(lane, Kind::SHOW);
    answer(lane, &number(1));
    assert_eq!(done(lane), Ok(String::new()), "a stop is no failure");

    collect(lane, &["one"]);
    expect(lane, Kind::SHOW);
    refuse(lane, Status::LIMIT, "too many families");
    let refused = Failure::new(Status::LIMIT, "too many families");
    assert_eq!(done(lane), Err(refused));

    collect(lane, &[]);
    assert_eq!(done(lane), Ok(String::new()), "nothing to show");
}

#[test]
fn an_exporter_pushes_from_inside_its_gather() {
    let mut rig = Rig::new();
    let lane = &mut rig.calls[0];
    lane.send(Kind::EXPORT, &[]).expect("an open lane");
    expect(lane, Kind::GATHER);
    lane.send(Kind::VISIT, &batch("up", 1))
        .expect("an open lane");
    let push = expect(lane, Kind::PUSH);
    let mut push = PayloadReader::of(&push);
    assert_eq!((push.text(), push.text()), (Ok("POST"), Ok("http://sink")));
    assert_eq!(push.u32(), Ok(1));
    assert_eq!((push.text(), push.text()), (Ok("x-name"), Ok("up")));
    assert_eq!(push.bytes(), Ok(&b"b"[..]));
    push.end().expect("no more");
    refuse(lane, Status::LIMIT, "too much waits");
    expect(lane, Kind::FLOW);
    answer(lane, &PayloadWriter::new());
    assert_eq!(
        done(lane),
        Err(Failure::new(Status::LIMIT, "too much waits"))
    );
}
