//! The encoder: gathered families in, chunks of a page out.

use meterbox_plugin_abi::gather::{FAMILY_SHOW_EMPTY, Filter, Flow, Head, Segment, Visitor};

use crate::chunk::Chunk;
use crate::openmetrics::{self, OpenMetrics};
use crate::plan::FamilyPlan;
use crate::rows::{self, SegmentOutcome};
use crate::text::{self, Text};
use crate::{Format, Sink};

/// What an encoder did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Sample lines written.
    pub samples: u64,
    /// Bytes that the sink took, before any compression.
    pub bytes: u64,
    /// Series left out because the columns of their segment disagree in length; other than 0 is a
    /// fault of the source.
    pub malformed: u64,
    /// False when the sink stopped before the end.
    pub complete: bool,
}

/// Writes what it visits as one page.
///
/// Hand it to a gather, then call [`finish`](Self::finish): the last chunk waits in it until then.
pub struct Encoder<'f, S> {
    format: Format,
    filter: Filter<'f>,
    created: bool,
    chunk: Chunk<S>,
    plan: FamilyPlan,
    /// The labels of one histogram, kept to spare an allocation per series.
    prefix: Vec<u8>,
    tally: SegmentOutcome,
}

impl<'f, S: Sink> Encoder<'f, S> {
    /// An encoder of `format` into `sink`.
    ///
    /// Of each family it prints the samples that `filter` names exactly, under the family's HELP
    /// and TYPE; a histogram's name alone names none of its samples.
    #[must_use]
    pub fn new(format: Format, filter: Filter<'f>, sink: S) -> Self {
        Self {
            format,
            filter,
            created: true,
            chunk: Chunk::new(sink),
            plan: FamilyPlan::new(),
            prefix: Vec::new(),
            tally: SegmentOutcome::default(),
        }
    }

    /// Whether OpenMetrics pages carry `_created` samples, which Prometheus stores as one more
    /// series per counter and histogram. They do unless told otherwise.
    #[must_use]
    pub fn created(mut self, created: bool) -> Self {
        self.created = created;
        self
    }

    /// Ends the page, hands the rest to the sink and gives the sink back.
    pub fn finish(mut self) -> (Outcome, S) {
        if self.format == Format::OpenMetrics {
            self.chunk.push(openmetrics::END);
        }
        self.chunk.flush();
        let outcome = Outcome {
            samples: self.tally.samples,
            bytes: self.chunk.passed(),
            malformed: self.tally.malformed,
            complete: self.chunk.flow() == Flow::Continue,
        };
        (outcome, self.chunk.into_sink())
    }
}

impl<S: Sink> Visitor for Encoder<'_, S> {
    fn family(&mut self, family: &Head<'_>) -> Flow {
        let plan = &mut self.plan;
        match self.format {
            Format::Text => text::plan(plan, family, &self.filter),
            Format::OpenMetrics => openmetrics::plan(plan, family, &self.filter, self.created),
        }
        if self.filter.is_all() && family.flags() & FAMILY_SHOW_EMPTY != 0 {
            self.chunk.push(&plan.header);
            plan.header.clear();
        }
        self.chunk.flow()
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let plan = &mut self.plan;
        if plan.prints() && !segment.is_empty() {
            self.chunk.push(&plan.header);
            plan.header.clear();
            let (chunk, prefix) = (&mut self.chunk, &mut self.prefix);
            let tally = match self.format {
                Format::Text => rows::write::<Text, S>(chunk, plan, segment, prefix),
                Format::OpenMetrics => rows::write::<OpenMetrics, S>(chunk, plan, segment, prefix),
            };
            self.tally.samples += tally.samples;
            self.tally.malformed += tally.malformed;
        }
        self.chunk.flow()
    }
}

#[cfg(test)]
mod tests;
