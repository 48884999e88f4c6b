//! Two ends of a socket pair.

use std::thread;

use super::*;
use crate::testing::Seeded;

const HALF: usize = 64 << 10;

fn pair() -> (Lane, Lane) {
    let (parent, child) = UnixStream::pair().expect("a pair");
    let arena = Arena::make(HALF).expect("memory");
    let file = arena.as_fd().try_clone_to_owned().expect("a descriptor");
    let theirs = Arena::open(file, HALF).expect("the same file");
    (
        Lane::new(parent, Some(arena), Side::Parent),
        Lane::new(child, Some(theirs), Side::Child),
    )
}

#[test]
fn payloads_of_every_size_arrive_in_both_directions() {
    let (mut parent, mut child) = pair();
    let sizes = [0, 1, 7, 16 << 10, (16 << 10) - 1, HALF, HALF + 1, 3 << 20];
    let echo = thread::spawn(move || {
        for _ in sizes {
            let (kind, payload) = child.receive().expect("a frame");
            assert_eq!(payload.as_ptr().addr() % 8, 0, "columns are read in place");
            child.send(kind, &payload).expect("an open lane");
        }
    });
    for (number, size) in sizes.into_iter().enumerate() {
        let payload: Vec<u8> = (0..size).map(|at| (at * 7) as u8).collect();
        let kind = Kind(number as u16);
        parent.send(kind, &payload).expect("an open lane");
        let (came, back) = parent.receive().expect("a frame");
        assert_eq!((came, &*back), (kind, &payload[..]), "{size} bytes");
    }
    echo.join().expect("no panic");
    assert_eq!(parent.receive().unwrap_err(), LaneError::Closed);
}

#[test]
fn queued_frames_go_with_the_next_and_a_second_large_one_follows_its_header() {
    let (mut parent, mut child) = pair();
    let large = vec![1; 20_000];
    let larger = vec![2; 40_000];
    child.queue(Kind::REPLY, &large).expect("memory");
    child.queue(Kind::REPLY, &larger).expect("memory");
    child.send(Kind::DONE, b"end").expect("an open lane");
    for expected in [
        (Kind::REPLY, &large[..]),
        (Kind::REPLY, &larger),
        (Kind::DONE, b"end"),
    ] {
        let (kind, payload) = parent.receive().expect("a frame");
        assert_eq!((kind, &*payload), expected);
    }
}

#[test]
fn frames_that_cannot_be_break_the_lane() {
    let in_arena = |len: usize| {
        Header {
            len,
            kind: Kind::DONE,
            in_arena: true,
        }
        .bytes()
    };
    let table: [(&[u8], &str); 3] = [
        (&[0xff; 8], "a frame of"),
        (&[1, 0, 0, 0, 1, 0, 8, 0], "flags 0x8"),
        (&in_arena(HALF + 1), "in an arena"),
    ];
    for (bytes, expected) in table {
        let (mut parent, child) = pair();
        (&child.outgoing.stream)
            .write_all(bytes)
            .expect("an open lane");
        let error = parent.receive().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let (mut parent, child) = pair();
    (&child.outgoing.stream)
        .write_all(&[200, 0, 0, 0, 1, 0, 0, 0, 9])
        .expect("an open lane");
    drop(child);
    assert_eq!(parent.receive().unwrap_err(), LaneError::Closed);
}

#[test]
fn noise_never_panics_and_ends_in_an_error() {
    for seed in 0..300 {
        let (mut parent, child) = pair();
        let noise = Seeded::new(seed).bytes(400);
        (&child.outgoing.stream)
            .write_all(&noise)
            .expect("an open lane");
        drop(child);
        while parent.receive().is_ok() {}
    }
}

#[test]
fn descriptors_come_with_the_first_frame_and_time_spent_waiting_is_known() {
    let (mut parent, mut child) = pair();
    let files = [parent.as_fd().try_clone_to_owned().expect("a descriptor")];
    parent
        .send_with(Kind::HELLO, b"hi", &[files[0].as_fd()])
        .expect("an open lane");
    let (kind, payload, files) = child.receive_with().expect("a frame");
    assert_eq!((kind, &*payload, files.len()), (Kind::HELLO, &b"hi"[..], 1));
    assert_eq!(child.take_waited(), Duration::ZERO, "it was there already");
    parent
        .set_timeout(Some(Duration::from_millis(5)))
        .expect("a limit");
    assert_eq!(parent.receive().unwrap_err(), LaneError::TimedOut);
    assert!(parent.take_waited() >= Duration::from_millis(4));
    assert_eq!(parent.take_waited(), Duration::ZERO);
}

#[test]
fn what_waits_too_long_is_sent_by_the_flusher() {
    let (mut parent, mut child) = pair();
    let late = child.flusher();
    assert!(!late.look(), "nothing waits");
    child.queue(Kind::REPLY, b"first").expect("memory");
    assert!(late.look(), "it may still go with the next frame");
    assert!(!late.look(), "sent");
    let (kind, payload) = parent.receive().expect("a frame");
    assert_eq!((kind, &*payload), (Kind::REPLY, &b"first"[..]));
    child.queue(Kind::REPLY, b"second").expect("memory");
    assert!(late.look(), "seen for the first time");
    child.send(Kind::DONE, b"").expect("an open lane");
    assert!(!late.look(), "it went with the next frame");
    assert_eq!(&*parent.receive().expect("a frame").1, b"second");
}
