use super::*;

const MOST: usize = 1 << 16;

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as i32).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn sample() -> Vec<u8> {
    let mut bytes = 200_i32.to_be_bytes().to_vec();
    text(&mut bytes, "Prediction success");
    text(&mut bytes, "a1");
    text(&mut bytes, "text/plain");
    bytes.extend_from_slice(&418_i32.to_be_bytes());
    text(&mut bytes, "teapot");
    bytes.extend_from_slice(&1_i32.to_be_bytes());
    text(&mut bytes, "X-A");
    text(&mut bytes, "b");
    text(&mut bytes, "body");
    bytes.extend_from_slice(&END.to_be_bytes());
    bytes
}

fn reply(bytes: &[u8]) -> Reply {
    let mut buffer = bytes.to_vec();
    match decode(&mut buffer, MOST).unwrap() {
        Decoded::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_reply_to_load_has_no_predictions() {
    let bytes = [&[0, 0, 0, 200, 0, 0, 0, 6][..], b"loaded", &[0xff; 4]].concat();
    let loaded = Reply {
        code: 200,
        message: "loaded".to_owned(),
        predictions: Vec::new(),
    };
    assert_eq!(reply(&bytes), loaded);
}

#[test]
fn a_prediction_has_all_its_parts() {
    let reply = reply(&sample());
    let prediction = &reply.predictions[0];
    assert_eq!((prediction.id.as_str(), prediction.status), ("a1", 418));
    assert_eq!(
        (prediction.content_type.as_str(), prediction.phrase.as_str()),
        ("text/plain", "teapot")
    );
    assert_eq!(prediction.headers, [("X-A".to_owned(), "b".to_owned())]);
    assert_eq!(&prediction.body[..], b"body");
    assert!(!prediction.has_more());
}

#[test]
fn a_reply_is_read_however_it_is_cut_and_never_asks_for_less_than_there_is() {
    let bytes = sample();
    let mut calls = 0;
    let mut buffer = Vec::new();
    let mut wanted = 0;
    for (at, byte) in bytes.iter().enumerate() {
        buffer.extend_from_slice(&[*byte]);
        if buffer.len() < wanted {
            continue;
        }
        calls += 1;
        match decode(&mut buffer, MOST).unwrap() {
            Decoded::NeedsBytes(total) => {
                assert!(total > buffer.len() && total <= bytes.len());
                wanted = total;
            }
            Decoded::Reply(_) => assert_eq!(at, bytes.len() - 1),
        }
    }
    assert!(buffer.is_empty());
    assert!(calls < 30, "{calls} looks at {} bytes", bytes.len());
}

#[test]
fn what_follows_a_reply_stays_in_the_buffer() {
    let mut buffer = [sample(), b"rest".to_vec()].concat();
    assert!(matches!(decode(&mut buffer, MOST), Ok(Decoded::Reply(_))));
    assert_eq!(&buffer[..], b"rest");
}

#[test]
fn lengths_that_no_worker_sends_are_refused_without_waiting_for_their_bytes() {
    let huge = [&[0, 0, 0, 200][..], &[0x7f, 0xff, 0xff, 0xff]].concat();
    let negative = [&[0, 0, 0, 200][..], &[0xff, 0xff, 0xff, 0xfe]].concat();
    let wrong = |bytes: &[u8]| decode(&mut bytes.to_vec(), MOST).unwrap_err();
    assert_eq!(wrong(&huge), WireError::TooLarge { most: MOST });
    assert_eq!(wrong(&negative), WireError::NegativeLength { at: 4 });
    let mut headers = sample();
    let at = headers
        .windows(7)
        .position(|seven| seven == [0, 0, 0, 3, b'X', b'-', b'A'])
        .unwrap();
    headers[at - 4..at].copy_from_slice(&2_000_i32.to_be_bytes());
    assert!(matches!(wrong(&headers), WireError::ListTooLong { .. }));
    let mut latin = sample();
    latin[8] = 0xff;
    assert_eq!(wrong(&latin), WireError::NotUtf8 { at: 4 });
}

#[test]
fn a_reply_of_exactly_the_cap_passes_and_one_byte_more_does_not() {
    let bytes = sample();
    let mut buffer = bytes.to_vec();
    assert!(matches!(
        decode(&mut buffer, bytes.len()),
        Ok(Decoded::Reply(_))
    ));
    let mut buffer = bytes.to_vec();
    let most = bytes.len() - 1;
    assert_eq!(decode(&mut buffer, most), Err(WireError::TooLarge { most }));
}

/// Small, fast and the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn changed_bytes_and_pure_noise_never_panic() {
    let good = sample();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..20_000 {
        let mut bytes = good.clone();
        if round % 4 == 0 {
            bytes = (0..random.next() % 64)
                .map(|_| random.next() as u8)
                .collect();
        } else {
            for _ in 0..=random.next() % 4 {
                let at = (random.next() as usize) % bytes.len();
                bytes[at] = random.next() as u8;
            }
            bytes.truncate((random.next() as usize) % (good.len() * 2));
        }
        let len = bytes.len();
        let mut buffer = bytes.to_vec();
        if let Ok(Decoded::NeedsBytes(total)) = decode(&mut buffer, MOST) {
            assert!(total > len && total <= MOST);
        }
    }
}

#[test]
fn only_a_true_stream_header_promises_more() {
    let mut prediction = reply(&sample()).predictions.remove(0);
    for (value, more) in [("true", true), ("false", false), ("", false)] {
        prediction.headers = vec![("ts_stream_next".to_owned(), value.to_owned())];
        assert_eq!(prediction.has_more(), more, "{value}");
    }
}
