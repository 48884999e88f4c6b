//! What the lines of one family look like, worked out once when the family begins.
//!
//! A format fills in a [`Plan`]; [`rows`](crate::rows) then writes every series by it. Which of
//! the family's samples a filter wants is settled here too, so that rows ask no names.

use crate::copy::{put, put_padded};

/// Bytes copied for a short head, whatever its length.
const HEAD_BYTES: usize = 64;

/// The start of a line: a sample's name and `{`.
#[derive(Default)]
pub(crate) struct Head {
    /// Zero-padded to at least [`HEAD_BYTES`].
    text: Vec<u8>,
    length: usize,
}

impl Head {
    /// The head of samples named `base` + `suffix`.
    pub(crate) fn of(base: &str, suffix: &str) -> Self {
        let mut text = Vec::with_capacity(HEAD_BYTES);
        for part in [base, suffix, "{"] {
            text.extend_from_slice(part.as_bytes());
        }
        let length = text.len();
        text.resize(length.max(HEAD_BYTES), 0);
        Self { text, length }
    }

    /// Name and `{`.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }

    /// Room to have for [`put`](Self::put).
    #[inline(always)]
    pub(crate) fn need(&self) -> usize {
        self.text.len()
    }

    /// Writes name and `{` at the start of `out`.
    #[inline(always)]
    pub(crate) fn put(&self, out: &mut [u8]) -> usize {
        match self.text.first_chunk::<HEAD_BYTES>() {
            Some(head) if self.length <= HEAD_BYTES => put_padded(out, 0, head, self.length),
            _ => put(out, 0, self.bytes()),
        }
    }
}

/// The end of a bucket line's labels, from the bound to the blank: `0.005",} `.
pub(crate) struct Tail {
    text: [u8; TAIL_BYTES],
    length: usize,
}

/// Longest bound of 24 bytes, quote, comma, brace, blank.
pub(crate) const TAIL_BYTES: usize = 32;

impl Tail {
    pub(crate) fn of(bound: &[u8], close: &[u8]) -> Self {
        let mut text = [0; TAIL_BYTES];
        let at = put(&mut text, 0, bound);
        let at = put(&mut text, at, b"\"");
        let length = put(&mut text, at, close);
        Self { text, length }
    }

    #[inline(always)]
    pub(crate) fn put(&self, out: &mut [u8], at: usize) -> usize {
        put_padded(out, at, &self.text, self.length)
    }
}

/// Which columns the rows of a family are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value a series.
    Value,
    /// Buckets, count and sum.
    Histogram,
    /// Count and sum.
    Summary,
}

/// The plan of one family; a sample that is not printed has no head.
pub(crate) struct Plan {
    /// The comment lines, printed before the first sample.
    pub(crate) header: Vec<u8>,
    pub(crate) shape: Shape,
    pub(crate) value: Option<Head>,
    pub(crate) bucket: Option<Head>,
    /// One per bound and one for `+Inf`.
    pub(crate) tails: Vec<Tail>,
    pub(crate) count: Option<Head>,
    pub(crate) sum: Option<Head>,
    pub(crate) created: Option<Head>,
}

impl Plan {
    /// A plan that prints nothing yet.
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            header: Vec::new(),
            shape,
            value: None,
            bucket: None,
            tails: Vec::new(),
            count: None,
            sum: None,
            created: None,
        }
    }

    /// True when a series of this family gives at least one line.
    pub(crate) fn prints(&self) -> bool {
        [
            &self.value,
            &self.bucket,
            &self.count,
            &self.sum,
            &self.created,
        ]
        .iter()
        .any(|head| head.is_some())
    }
}

/// Appends `text` with each byte of `escapes` replaced by its text.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str, escapes: &[(u8, &str)]) {
    let escape = |byte: u8| escapes.iter().find(|(plain, _)| *plain == byte);
    let mut rest = text.as_bytes();
    // Hardly any text has one, so whole stretches are copied.
    while let Some(at) = rest.iter().position(|byte| escape(*byte).is_some()) {
        out.extend_from_slice(&rest[..at]);
        out.extend(escape(rest[at]).map_or(&b""[..], |(_, escaped)| escaped.as_bytes()));
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Appends each part.
pub(crate) fn push_all(out: &mut Vec<u8>, parts: &[&str]) {
    parts
        .iter()
        .for_each(|part| out.extend_from_slice(part.as_bytes()));
}
