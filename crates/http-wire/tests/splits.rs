//! Whatever bytes come, and in whatever pieces: the machine ends, agrees with itself, and lets only
//! whole heads pass.
//!
//! The cases are drawn from fixed seeds; a failure names its own.

use meterbox_http_wire::{HeadLimits, Messages, Refusal, Taken};

const LIMITS: HeadLimits = HeadLimits {
    bytes: 512,
    fields: 8,
    target_bytes: 128,
};
const SEEDS: u64 = 4_000;

/// Fragments that mean something, so that chance gets further than the first byte; the last
/// three are whole messages.
const WORDS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /a?b=c HTTP/1.1\r\n",
    "get / HTTP/1.1\r\n",
    "GET http://x/ HTTP/1.0\r\n",
    "GET /%2e%2e/ HTTP/1.1\r\n",
    "Host: x\r\n",
    "host: [::1]:80\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Content_Length: 1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "X: y\r\n",
    " folded\r\n",
    "\r\n",
    "\n",
    "\r",
    "hello",
    "5\r\nhello\r\n",
    "a;x=\"y\"\r\n0123456789\r\n",
    "0\r\n\r\n",
    "0\r\nT: v\r\n\r\n",
    "ffffffffffffffff\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
];

/// A small generator (xorshift64*): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).expect("31 bits") % bound
    }

    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.below(4) {
            let whole = WORDS.len() - 1 - self.below(3);
            bytes.extend_from_slice(WORDS[whole].as_bytes());
        }
        for _ in 0..=self.below(8) {
            bytes.extend_from_slice(WORDS[self.below(WORDS.len())].as_bytes());
        }
        for _ in 0..self.below(3) {
            let at = self.below(bytes.len());
            match self.below(3) {
                0 => bytes[at] = self.below(256) as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, self.below(256) as u8),
            }
            if bytes.is_empty() {
                bytes.push(b'G');
            }
        }
        bytes
    }
}

/// What came through: heads one by one, all bytes of bodies, and the end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    heads: Vec<Vec<u8>>,
    bodies: Vec<u8>,
    refusal: Option<Refusal>,
    left: Vec<u8>,
}

fn feed(bytes: &[u8], mut piece: impl FnMut() -> usize) -> Seen {
    let mut messages = Messages::new(LIMITS);
    let mut seen = Seen::default();
    let (mut held, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() && seen.refusal.is_none() {
        let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
        rest = later;
        held.extend_from_slice(now);
        while !held.is_empty() {
            match messages.take(&held) {
                Ok(Taken { skip, head, body }) => {
                    let taken = skip + head + body;
                    assert!(taken <= held.len(), "more than there is");
                    if taken == 0 {
                        break;
                    }
                    if head > 0 {
                        seen.heads.push(held[skip..skip + head].to_vec());
                    }
                    seen.bodies.extend_from_slice(&held[skip + head..taken]);
                    held.drain(..taken);
                }
                Err(refusal) => {
                    assert_eq!(messages.take(&held), Err(refusal), "a refusal is final");
                    seen.refusal = Some(refusal);
                    break;
                }
            }
        }
        assert!(
            seen.refusal.is_some() || held.len() <= LIMITS.bytes,
            "a head that is not whole may not grow beyond its cap"
        );
    }
    if seen.refusal.is_none() {
        seen.left = held;
    }
    seen
}

/// The same, but for the begin of a body that is refused: how much of it had passed by then depends
/// on how it came.
fn assert_same(finest: &Seen, other: &Seen, seed: u64) {
    assert_eq!(other.heads, finest.heads, "seed {seed}");
    assert_eq!(other.refusal, finest.refusal, "seed {seed}");
    assert_eq!(other.left, finest.left, "seed {seed}");
    assert!(finest.bodies.starts_with(&other.bodies), "seed {seed}");
    if finest.refusal.is_none() {
        assert_eq!(other.bodies, finest.bodies, "seed {seed}");
    }
}

#[test]
fn every_split_of_the_same_bytes_gives_the_same_result() {
    let mut whole_heads = 0;
    let mut refused = std::collections::BTreeSet::new();
    for seed in 1..=SEEDS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bytes = random.bytes();
        let at_once = feed(&bytes, || bytes.len());
        let one_by_one = feed(&bytes, || 1);
        assert_same(&one_by_one, &at_once, seed);
        for _ in 0..3 {
            let seen = feed(&bytes, || 1 + random.below(40));
            assert_same(&one_by_one, &seen, seed);
        }
        for head in &at_once.heads {
            assert!(
                head.ends_with(b"\r\n\r\n"),
                "seed {seed}: half a head passed"
            );
            let lines = head.split(|byte| *byte == b'\n');
            let ends = lines.clone().count();
            let bare = lines.take(ends - 1).any(|line| !line.ends_with(b"\r"));
            assert!(!bare, "seed {seed}: a bare LF passed");
        }
        whole_heads += at_once.heads.len();
        refused.extend(at_once.refusal.map(|refusal| refusal.reason));
    }
    // Otherwise the cases are not what they are meant to be.
    assert!(whole_heads > 1000, "{whole_heads} heads");
    assert!(refused.len() >= 12, "{refused:?}");
}

#[test]
fn bytes_without_any_order_are_refused_or_wait_within_the_caps() {
    for seed in 1..=SEEDS {
        let mut random = Random(seed);
        let length = 1 + random.below(2048);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let seen = feed(&bytes, || 1 + random.below(64));
        assert!(seen.heads.is_empty(), "seed {seed}");
        assert!(
            seen.refusal.is_some() || length <= LIMITS.bytes,
            "seed {seed}"
        );
    }
}
