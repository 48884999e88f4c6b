//! Series to lines, the hot loop of every text format.
//!
//! A [`Layout`] says how a format closes the labels and prints numbers; a [`FamilyPlan`] which lines a
//! series has. Columns come from the other side of the border: lengths that disagree cost the
//! series concerned, which are counted, and never a panic.

use meterbox_plugin_abi::gather::{Kind, Segment};

use crate::Sink;
use crate::chunk::Chunk;
use crate::plan::{FamilyPlan, LineStart, RowShape, TAIL_BYTES};
use meterbox_numbers::{NUMBER_BYTES, Slot, put, put_padded, seconds};

/// How a text format prints the parts of a line.
pub(crate) trait Layout {
    /// Closes a label set: `,} ` or `} `, padded to four bytes.
    const CLOSE: [u8; 4];
    /// Bytes of [`CLOSE`](Self::CLOSE) that count.
    const CLOSE_BYTES: usize;
    /// Exemplars are printed, after a counter's value and after the bucket that they are in.
    const EXEMPLARS: bool = false;
    /// Prints a value.
    fn float(value: f64, out: &mut Slot) -> usize;
    /// Prints a number of observations.
    fn count(value: u64, out: &mut Slot) -> usize;
}

/// Room beside head, labels and number: the close, the line feed, and what padded copies overhang.
const SPARE_BYTES: usize = 16;

/// What became of a segment.
#[derive(Default)]
pub(crate) struct SegmentOutcome {
    /// Lines written.
    pub(crate) samples: u64,
    /// Series left out because their columns disagree.
    pub(crate) malformed: u64,
}

/// Writes all series of a segment by the family's plan.
pub(crate) fn write<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    plan: &FamilyPlan,
    segment: &Segment<'_>,
    prefix: &mut Vec<u8>,
) -> SegmentOutcome {
    let mut tally = SegmentOutcome::default();
    match plan.shape {
        RowShape::Value => values::<L, S>(chunk, plan, segment, prefix, &mut tally),
        RowShape::Histogram => histograms::<L, S>(chunk, plan, segment, prefix, &mut tally),
        RowShape::Summary => summaries::<L, S>(chunk, plan, segment, &mut tally),
    }
    tally
}

/// The label blocks of a segment in order; `None` for a block that its ends do not describe.
fn blocks<'a>(segment: &Segment<'a>) -> impl Iterator<Item = Option<&'a [u8]>> {
    let text = segment.label_text().as_bytes();
    let mut start = 0;
    segment.label_ends().iter().map(move |end| {
        let end = *end as usize;
        let block = text.get(start..end);
        start = end;
        block
    })
}

fn values<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    plan: &FamilyPlan,
    segment: &Segment<'_>,
    exemplar: &mut Vec<u8>,
    tally: &mut SegmentOutcome,
) {
    let (values, created) = (segment.values(), created(plan, segment));
    let exemplars = Exemplars::of::<L>(plan, segment);
    let mut written = 0u64;
    for (row, (block, value)) in blocks(segment).zip(values).enumerate() {
        let Some(block) = block else { continue };
        if let Some(head) = &plan.value {
            if exemplars.print::<L>(row, exemplar).is_some() {
                line_and::<L, S>(chunk, head, block, exemplar, |slot| L::float(*value, slot));
            } else {
                line::<L, S>(chunk, head, block, |slot| L::float(*value, slot));
            }
        }
        if let Some(created) = &created {
            created.line::<L, S>(chunk, block, row, tally);
        }
        written += 1;
    }
    tally.samples += if plan.value.is_some() { written } else { 0 };
    tally.malformed += (segment.len() as u64).saturating_sub(written);
}

fn summaries<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    plan: &FamilyPlan,
    segment: &Segment<'_>,
    tally: &mut SegmentOutcome,
) {
    let created = created(plan, segment);
    let columns = segment.counts().iter().zip(segment.sums());
    let mut written = 0;
    for (row, (block, (count, sum))) in blocks(segment).zip(columns).enumerate() {
        let Some(block) = block else { continue };
        count_and_sum::<L, S>(chunk, plan, block, *count, *sum, tally);
        if let Some(created) = &created {
            created.line::<L, S>(chunk, block, row, tally);
        }
        written += 1;
    }
    tally.malformed += (segment.len() as u64).saturating_sub(written);
}

fn histograms<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    plan: &FamilyPlan,
    segment: &Segment<'_>,
    prefix: &mut Vec<u8>,
    tally: &mut SegmentOutcome,
) {
    let created = created(plan, segment);
    let exemplars = Exemplars::of::<L>(plan, segment);
    let mut exemplar = Vec::new();
    let buckets = segment.bucket_counts().chunks_exact(plan.tails.len());
    let columns = buckets.zip(segment.counts()).zip(segment.sums());
    let mut written = 0;
    for (row, (block, ((buckets, count), sum))) in blocks(segment).zip(columns).enumerate() {
        let Some(block) = block else { continue };
        if let Some(head) = &plan.bucket {
            prefix.clear();
            prefix.extend_from_slice(head.bytes());
            prefix.extend_from_slice(block);
            let le: &[u8] = if block.is_empty() {
                b"le=\""
            } else {
                b",le=\""
            };
            prefix.extend_from_slice(le);
            let prefix = prefix.as_slice();
            let observed = exemplars.print::<L>(row, &mut exemplar);
            let exemplar_at =
                observed.map(|value| plan.bounds.partition_point(|bound| *bound < value));
            let mut cumulative = 0u64;
            for (place, (bucket, tail)) in buckets.iter().zip(&plan.tails).enumerate() {
                cumulative = cumulative.wrapping_add(*bucket);
                let after: &[u8] = if exemplar_at == Some(place) {
                    &exemplar
                } else {
                    &[]
                };
                let need = prefix.len() + TAIL_BYTES + NUMBER_BYTES + SPARE_BYTES + after.len();
                let out = chunk.room(need);
                let at = put(out, 0, prefix);
                let at = tail.put(out, at);
                let length = number(out, at, after, |slot| L::count(cumulative, slot));
                chunk.take(length);
            }
            tally.samples += buckets.len() as u64;
        }
        count_and_sum::<L, S>(chunk, plan, block, *count, *sum, tally);
        if let Some(created) = &created {
            created.line::<L, S>(chunk, block, row, tally);
        }
        written += 1;
    }
    tally.malformed += (segment.len() as u64).saturating_sub(written);
}

fn count_and_sum<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    plan: &FamilyPlan,
    block: &[u8],
    count: u64,
    sum: f64,
    tally: &mut SegmentOutcome,
) {
    if let Some(head) = &plan.count {
        line::<L, S>(chunk, head, block, |slot| L::count(count, slot));
        tally.samples += 1;
    }
    if let Some(head) = &plan.sum {
        line::<L, S>(chunk, head, block, |slot| L::float(sum, slot));
        tally.samples += 1;
    }
}

/// The `_created` lines of a segment, where its owner knows the moments and they are printed.
struct Created<'a> {
    head: &'a LineStart,
    seconds: &'a [f64],
}

fn created<'a>(plan: &'a FamilyPlan, segment: &Segment<'a>) -> Option<Created<'a>> {
    let head = plan.created.as_ref()?;
    Some(Created {
        head,
        seconds: segment.created_seconds(),
    })
}

impl Created<'_> {
    fn line<L: Layout, S: Sink>(
        &self,
        chunk: &mut Chunk<S>,
        block: &[u8],
        row: usize,
        tally: &mut SegmentOutcome,
    ) {
        if let Some(moment) = self.seconds.get(row) {
            line::<L, S>(chunk, self.head, block, |slot| seconds(*moment, slot));
            tally.samples += 1;
        }
    }
}

/// The exemplars of a segment, where its owner has them and they are printed.
struct Exemplars<'a> {
    text: &'a [u8],
    ends: &'a [u32],
    values: &'a [f64],
    seconds: &'a [f64],
}

impl<'a> Exemplars<'a> {
    fn of<L: Layout>(plan: &FamilyPlan, segment: &Segment<'a>) -> Self {
        let printed = L::EXEMPLARS && [Kind::COUNTER, Kind::HISTOGRAM].contains(&plan.kind);
        Self {
            text: segment.exemplar_text(),
            ends: segment.exemplar_ends(),
            values: if printed {
                segment.exemplar_values()
            } else {
                &[]
            },
            seconds: segment.exemplar_seconds(),
        }
    }

    /// Writes what stands after the number of a line over `out`: ` # {trace_id="x"} 0.5 1700000000.0`.
    /// Gives the observation; none where this series has none.
    #[inline]
    fn print<L: Layout>(&self, row: usize, out: &mut Vec<u8>) -> Option<f64> {
        let value = *self.values.get(row)?;
        let start = row
            .checked_sub(1)
            .map_or(Some(&0), |row| self.ends.get(row))?;
        let block = self
            .text
            .get(*start as usize..*self.ends.get(row)? as usize)?;
        if value.is_nan() {
            return None;
        }
        let mut slot = [0; NUMBER_BYTES];
        out.clear();
        out.extend_from_slice(b" # {");
        out.extend_from_slice(block);
        out.extend_from_slice(b"} ");
        let length = L::float(value, &mut slot);
        out.extend_from_slice(&slot[..length]);
        if let Some(at) = self.seconds.get(row).filter(|at| **at > 0.0) {
            let length = seconds(*at, &mut slot);
            out.push(b' ');
            out.extend_from_slice(&slot[..length]);
        }
        Some(value)
    }
}

/// One line: name, labels, number.
#[inline(always)]
fn line<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    head: &LineStart,
    block: &[u8],
    write: impl FnOnce(&mut Slot) -> usize,
) {
    line_and::<L, S>(chunk, head, block, &[], write);
}

/// One line with something after its number.
#[inline(always)]
fn line_and<L: Layout, S: Sink>(
    chunk: &mut Chunk<S>,
    head: &LineStart,
    block: &[u8],
    after: &[u8],
    write: impl FnOnce(&mut Slot) -> usize,
) {
    let need = head.need() + block.len() + NUMBER_BYTES + SPARE_BYTES + after.len();
    let out = chunk.room(need);
    let at = head.put(out);
    let at = if block.is_empty() {
        out[at - 1] = b' ';
        at
    } else {
        let at = put(out, at, block);
        put_padded(out, at, &L::CLOSE, L::CLOSE_BYTES)
    };
    let length = number(out, at, after, write);
    chunk.take(length);
}

/// The number, what stands after it, and the line feed.
#[inline(always)]
fn number(
    out: &mut [u8],
    at: usize,
    after: &[u8],
    write: impl FnOnce(&mut Slot) -> usize,
) -> usize {
    let slot = out[at..]
        .first_chunk_mut::<NUMBER_BYTES>()
        .expect("a line is given room for a whole number slot");
    let end = at + write(slot);
    let end = put(out, end, after);
    out[end] = b'\n';
    end + 1
}
