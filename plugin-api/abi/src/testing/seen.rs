//! A reader that remembers what it is shown.

use crate::gather::{Flow, Head, OwnedHead, OwnedSegment, Segment, Visitor};

/// Families with their segments, in order.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Seen {
    /// All of them.
    pub families: Vec<(OwnedHead, Vec<OwnedSegment>)>,
    /// After so many families and segments it has enough.
    pub stop_after: Option<usize>,
    steps: usize,
}

impl Seen {
    /// Has enough after so many families and segments.
    #[must_use]
    pub fn stopping_after(steps: usize) -> Self {
        Self {
            stop_after: Some(steps),
            ..Self::default()
        }
    }

    /// A line for each family and segment: `family x`, `segment 256`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self.families.iter().flat_map(|(head, segments)| {
            let segments = segments
                .iter()
                .map(|segment| format!("segment {}", segment.len()));
            std::iter::once(format!("family {}", head.name)).chain(segments)
        });
        lines.collect()
    }

    /// The names of the families.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let names = self.families.iter().map(|(head, _)| head.name.as_str());
        names.collect()
    }

    /// The label text of all segments.
    #[must_use]
    pub fn text(&self) -> String {
        let segments = self.families.iter().flat_map(|(_, segments)| segments);
        segments
            .map(|segment| segment.label_text.as_str())
            .collect()
    }

    fn step(&mut self) -> Flow {
        self.steps += 1;
        if self.stop_after == Some(self.steps) {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }
}

impl Visitor for Seen {
    fn family(&mut self, head: &Head<'_>) -> Flow {
        self.families.push((head.into(), Vec::new()));
        self.step()
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        if let Some((_, segments)) = self.families.last_mut() {
            segments.push(segment.into());
        }
        self.step()
    }
}
