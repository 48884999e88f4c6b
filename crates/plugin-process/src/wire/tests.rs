//! What is written is read back; what was damaged is refused or read as something else, without a panic.

use std::sync::Arc;

use meterbox_plugin_abi::{
    Failure, FamilySpec, Field, Listener, Methods, Route, Row, Rows, Status, Table,
};

use super::*;
use crate::testing::Seeded;

fn call<'a>(
    seeded: &mut Seeded,
    texts: &'a [String],
    values: &'a [Vec<u8>],
    body: &'a [u8],
) -> Call<'a> {
    let headers = texts.iter().zip(values);
    Call {
        route: seeded.next() as u32,
        call: seeded.next(),
        method: &texts[0],
        path: &texts[1],
        rest: &texts[2],
        query: &texts[3],
        peer: &texts[4],
        headers: headers
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect(),
        left_ns: seeded.next(),
        body: [Body::None, Body::Whole(body), Body::Asked][seeded.below(3)],
    }
}

#[test]
fn random_calls_survive_and_damaged_ones_do_no_harm() {
    for seed in 0..300 {
        let mut seeded = Seeded::new(seed);
        let texts: Vec<String> = (0..6).map(|_| seeded.text(20)).collect();
        let values: Vec<Vec<u8>> = (0..seeded.below(7)).map(|_| seeded.bytes(20)).collect();
        let body = seeded.bytes(300);
        let sent = call(&mut seeded, &texts, &values, &body);
        let mut bytes = sent.put().as_bytes().to_vec();
        assert_eq!(Call::take(&bytes), Ok(sent), "seed {seed}");
        for _ in 0..50 {
            seeded.damage(&mut bytes);
            // Anything but a panic is fine; what is read must lie in the bytes.
            if let Ok(read) = Call::take(&bytes) {
                assert!(read.headers.len() <= bytes.len() / 8, "seed {seed}");
            }
        }
    }
}

#[test]
fn noise_is_never_a_panic() {
    for seed in 0..3000 {
        let noise = Seeded::new(seed).bytes(120);
        let _ = Call::take(&noise);
        let _ = Hello::take(&noise);
        let _ = Reply::take(&noise);
        let _ = Registration::take(&noise);
        let _ = take_route(&mut PayloadReader::of(&noise));
        let _ = take_outcome(&mut PayloadReader::of(&noise));
        let _ = DecodedRows::take(&mut PayloadReader::of(&noise));
    }
}

#[test]
fn a_count_without_its_items_makes_no_room() {
    let mut put = PayloadWriter::new();
    put.u32(u32::MAX).raw(&[0; 64]);
    assert!(PayloadReader::of(put.as_bytes()).texts().is_err());
    assert!(PayloadReader::of(put.as_bytes()).f64s().is_err());
    assert!(PayloadReader::of(put.as_bytes()).bytes().is_err());
    assert!(DecodedRows::take(&mut PayloadReader::of(put.as_bytes())).is_err());
}

#[test]
fn a_list_may_be_long_but_not_without_end() {
    for (items, fine) in [(LIST_ITEMS_MAX, true), (LIST_ITEMS_MAX + 1, false)] {
        let mut put = PayloadWriter::new();
        put.texts(&vec![""; items]);
        let texts = PayloadReader::of(put.as_bytes()).texts();
        assert_eq!(texts.is_ok(), fine, "{items} items");
    }
}

#[test]
fn answers_of_every_shape_survive_with_their_direction() {
    let head = Some((201, vec![("a", &b"1"[..]), ("b", b"")]));
    let part = |head, end| Reply::Part {
        head,
        bytes: b"xyz",
        end,
    };
    let fail = Reply::Fail {
        status: 503,
        message: "later",
    };
    let table = [
        (part(head.clone(), true), true, 3),
        (part(head, false), false, 1),
        (part(None, true), true, 2),
        (part(None, false), false, 0),
        (fail, true, 4),
    ];
    for (reply, one_way, bits) in table {
        let bytes = reply.put(77);
        assert_eq!(bytes.as_bytes()[8], bits);
        assert_eq!(reply.is_one_way(), one_way);
        assert_eq!(Reply::take(bytes.as_bytes()), Ok((77, reply)));
    }
    let mut odd = part(None, false).put(1).as_bytes().to_vec();
    odd[8] = 5;
    assert!(Reply::take(&odd).is_err(), "a failure with bytes");
}

#[test]
fn a_registration_a_route_and_an_outcome_survive() {
    let spec = FamilySpec {
        kind: meterbox_plugin_abi::gather::Kind::HISTOGRAM,
        name: "x_seconds",
        help: "h",
        unit: "seconds",
        labels: &["a", "b"],
        bounds: &[0.5, 1.0],
        flags: 4,
        set: "node",
    };
    let bytes = Registration::put(&spec);
    let read = Registration::take(bytes.as_bytes()).unwrap();
    assert_eq!(format!("{:?}", read.spec()), format!("{spec:?}"));

    let route = Route {
        id: 7,
        listener: Listener::METRICS,
        pattern: "drift".to_owned(),
        methods: Methods::GET.with(Methods::POST),
    };
    let mut put = PayloadWriter::new();
    put_route(&route, &mut put);
    assert_eq!(
        take_route(&mut PayloadReader::of(put.as_bytes())),
        Ok(route)
    );

    let failure = Failure::new(Status::LIMIT, "enough");
    let nameless = Failure::new(Status::OK, "odd");
    let mut put = PayloadWriter::new();
    put_outcome(Ok("fine"), &mut put);
    put_outcome(Err(&failure), &mut put);
    put_outcome(Err(&nameless), &mut put);
    let mut take = PayloadReader::of(put.as_bytes());
    assert_eq!(take_outcome(&mut take), Ok(Ok("fine")));
    assert_eq!(take_outcome(&mut take), Ok(Err(failure)));
    let internal = Failure::new(Status::INTERNAL, "odd");
    assert_eq!(take_outcome(&mut take), Ok(Err(internal)));
}

#[test]
fn tables_survive_with_the_fields_that_their_rows_have() {
    let rows = vec![
        Row::new().text(Field(1), "noop").number(Field(3), 1.5),
        Row::new(),
        Row::new().number(Field(1), -0.0).text(Field(9), "unknown"),
    ];
    let table = Table::of(Arc::new(rows));
    let mut put = PayloadWriter::new();
    DecodedRows::put(&table, 9, &mut put);
    let mut take = PayloadReader::of(put.as_bytes());
    let read = DecodedRows::take(&mut take).unwrap();
    take.end().unwrap();
    assert_eq!(Rows::len(&read), 3);
    assert_eq!(read.text(0, Field(1)), Some("noop"));
    assert_eq!(read.number(0, Field(3)), Some(1.5));
    assert_eq!(read.text(0, Field(3)), None);
    assert_eq!(read.text(1, Field(1)), None);
    assert_eq!(read.number(2, Field(1)), Some(0.0));
    assert_eq!(read.text(2, Field(9)), None, "not looked for");
    assert_eq!(read.text(3, Field(1)), None, "no such row");
}
