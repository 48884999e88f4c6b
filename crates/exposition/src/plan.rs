//! What the lines of one family look like, worked out once when the family begins.
//!
//! A format fills in a [`FamilyPlan`]; [`rows`](crate::rows) then writes every series by it. Which of
//! the family's samples a filter wants is settled here too, so that rows ask no names.

use meterbox_plugin_abi::gather::Kind;

use meterbox_numbers::{NUMBER_BYTES, Slot};
use meterbox_numbers::{put, put_padded};

/// Bytes copied for a short head, whatever its length.
const HEAD_BYTES: usize = 64;

/// The start of a line: a sample's name and `{`.
pub(crate) struct LineStart {
    /// A short head, zero-padded.
    short: [u8; HEAD_BYTES],
    /// A head that is longer; without one no memory is asked for.
    long: Vec<u8>,
    length: usize,
}

impl LineStart {
    /// The head of samples named `base` + `suffix`.
    pub(crate) fn of(base: &str, suffix: &str) -> Self {
        let parts = [base.as_bytes(), suffix.as_bytes(), b"{"];
        let mut head = Self {
            short: [0; HEAD_BYTES],
            long: Vec::new(),
            length: base.len() + suffix.len() + 1,
        };
        if head.length > HEAD_BYTES {
            head.long = parts.concat();
        } else {
            let put_one = |at, part: &[u8]| put(&mut head.short, at, part);
            parts.into_iter().fold(0, put_one);
        }
        head
    }

    /// Name and `{`.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.length > HEAD_BYTES {
            &self.long
        } else {
            &self.short[..self.length]
        }
    }

    /// Room to have for [`put`](Self::put).
    #[inline(always)]
    pub(crate) fn need(&self) -> usize {
        self.length.max(HEAD_BYTES)
    }

    /// Writes name and `{` at the start of `out`.
    #[inline(always)]
    pub(crate) fn put(&self, out: &mut [u8]) -> usize {
        if self.length <= HEAD_BYTES {
            put_padded(out, 0, &self.short, self.length)
        } else {
            put(out, 0, &self.long)
        }
    }
}

/// The end of a bucket line's labels, from the bound to the blank: `0.005",} `.
pub(crate) struct BucketEnd {
    text: [u8; TAIL_BYTES],
    length: usize,
}

/// Longest bound of 24 bytes, quote, comma, brace, blank.
pub(crate) const TAIL_BYTES: usize = 32;

impl BucketEnd {
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
pub(crate) enum RowShape {
    /// One value a series.
    Value,
    /// Buckets, count and sum.
    Histogram,
    /// Count and sum.
    Summary,
}

impl RowShape {
    /// The shape of a kind's rows.
    pub(crate) fn of(kind: Kind) -> Self {
        match kind {
            Kind::HISTOGRAM => Self::Histogram,
            Kind::SUMMARY => Self::Summary,
            _ => Self::Value,
        }
    }
}

/// The plan of one family; a sample that is not printed has no head. One plan serves family after
/// family, so that a page asks for no memory per family.
pub(crate) struct FamilyPlan {
    /// The comment lines, printed before the first sample.
    pub(crate) header: Vec<u8>,
    /// As what the page has it: a counter that the format cannot call one is of no known kind.
    pub(crate) kind: Kind,
    pub(crate) shape: RowShape,
    pub(crate) value: Option<LineStart>,
    pub(crate) bucket: Option<LineStart>,
    /// One per bound and one for `+Inf`.
    pub(crate) tails: Vec<BucketEnd>,
    /// The bounds that `tails` were made of: most histograms have those of the one before.
    pub(crate) bounds: Vec<f64>,
    pub(crate) count: Option<LineStart>,
    pub(crate) sum: Option<LineStart>,
    pub(crate) created: Option<LineStart>,
}

impl FamilyPlan {
    /// A plan that prints nothing.
    pub(crate) fn new() -> Self {
        Self {
            header: Vec::new(),
            kind: Kind::UNKNOWN,
            shape: RowShape::Value,
            value: None,
            bucket: None,
            tails: Vec::new(),
            bounds: Vec::new(),
            count: None,
            sum: None,
            created: None,
        }
    }

    /// Begins the next family: a plan that prints nothing yet.
    pub(crate) fn begin(&mut self, kind: Kind) {
        self.header.clear();
        self.kind = kind;
        self.shape = RowShape::of(kind);
        self.value = None;
        self.bucket = None;
        self.count = None;
        self.sum = None;
        self.created = None;
    }

    /// The tails of these bounds, each printed by `print`, then `close`. One plan is for one format.
    pub(crate) fn make_tails(
        &mut self,
        bounds: &[f64],
        close: &[u8],
        print: impl Fn(f64, &mut Slot) -> usize,
    ) {
        let same = bounds.iter().map(|bound| bound.to_bits());
        if !self.tails.is_empty() && same.eq(self.bounds.iter().map(|bound| bound.to_bits())) {
            return;
        }
        self.bounds.clear();
        self.bounds.extend_from_slice(bounds);
        self.tails.clear();
        let mut slot = [0; NUMBER_BYTES];
        for bound in bounds.iter().chain(&[f64::INFINITY]) {
            let length = print(*bound, &mut slot);
            self.tails.push(BucketEnd::of(&slot[..length], close));
        }
    }

    /// Appends a line of the header, or a part of one.
    pub(crate) fn say(&mut self, parts: &[&str]) {
        for part in parts {
            self.header.extend_from_slice(part.as_bytes());
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
pub(crate) fn push_escaped<const N: usize>(
    out: &mut Vec<u8>,
    text: &str,
    escapes: &[(u8, &str); N],
) {
    // Without an early end, so that it is done for many bytes at once; nearly no text has one.
    let needed = text.bytes().fold(false, |needed, byte| {
        escapes
            .iter()
            .fold(needed, |needed, (plain, _)| needed | (*plain == byte))
    });
    if !needed {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match escapes.iter().find(|(plain, _)| *plain == byte) {
            Some((_, escaped)) => out.extend_from_slice(escaped.as_bytes()),
            None => out.push(byte),
        }
    }
}
