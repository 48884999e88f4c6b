//! The series of a gathered segment, one by one, for code that is no encoder.
//!
//! A [`Segment`] is columns; most plugins that answer in a form of their own want rows.

use std::borrow::Cow;

use meterbox_plugin_abi::gather::Segment;
use meterbox_plugin_abi::gather::names::{labels, unescape};

/// One series of a segment, with what its kind has; a column that its kind lacks gives `None`.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    segment: &'a Segment<'a>,
    index: usize,
    label_text: &'a str,
}

/// The series of a segment in their order. Ends early at a segment whose label column is malformed.
pub fn series<'a>(segment: &'a Segment<'a>) -> impl Iterator<Item = Series<'a>> {
    let text = segment.label_text();
    let ends = segment.label_ends();
    let mut start = 0;
    (0..segment.len()).map_while(move |index| {
        let end = *ends.get(index)? as usize;
        let label_text = text.get(start..end)?;
        start = end;
        Some(Series {
            segment,
            index,
            label_text,
        })
    })
}

impl<'a> Series<'a> {
    /// The labels as `a="b",c="d"`, escaped as in text 0.0.4, without braces.
    #[must_use]
    pub fn label_text(&self) -> &'a str {
        self.label_text
    }

    /// The labels with their values as they were before they were escaped.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let whole = labels(self.label_text).map_while(std::result::Result::ok);
        whole.map(|(name, value)| (name, unescape(value)))
    }

    /// Value of a counter, gauge, unknown or info.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.segment.values().get(self.index).copied()
    }

    /// Number of observations of a histogram or summary.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.segment.counts().get(self.index).copied()
    }

    /// Sum of observations of a histogram or summary.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        self.segment.sums().get(self.index).copied()
    }

    /// Observations per bucket of a histogram, not cumulative; one more than the family has bounds.
    #[must_use]
    pub fn buckets(&self) -> Option<&'a [u64]> {
        let width = self.segment.bucket_counts().len() / self.segment.len();
        let start = self.index * width;
        (width > 0)
            .then(|| self.segment.bucket_counts().get(start..start + width))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use meterbox_plugin_abi::gather::{Filter, Flow, Head, Visitor};

    use super::*;
    use crate::families::Families;

    struct Rows(Vec<String>);

    impl Visitor for Rows {
        fn family(&mut self, _head: &Head<'_>) -> Flow {
            Flow::Continue
        }
        fn segment(&mut self, segment: &Segment<'_>) -> Flow {
            for row in series(segment) {
                let labels: Vec<_> = row.labels().collect();
                let line = format!("{labels:?} {:?} {:?}", row.value(), row.buckets());
                self.0.push(line);
            }
            Flow::Continue
        }
    }

    #[test]
    fn labels_and_values_come_back_as_they_were_given() {
        let mut rows = Rows(vec![]);
        let mut families = Families::new(&Filter::ALL, &mut rows);
        let odd = "a\"b\\n\n,c=\"d\"\\";
        families
            .gauge("g", "G.")
            .sample(&[("x", odd), ("y", "")], 1.0)
            .sample(&[], 2.0);
        let buckets = families.histogram("h", "H.", &[1.0]);
        drop(
            buckets
                .buckets(&[], &[1, 2], 3.0)
                .buckets(&[("z", "1")], &[4, 5], 6.0),
        );
        let first = format!("[(\"x\", {odd:?}), (\"y\", \"\")] Some(1.0) None");
        let expect = [
            first.as_str(),
            "[] Some(2.0) None",
            "[] None Some([1, 2])",
            "[(\"z\", \"1\")] None Some([4, 5])",
        ];
        assert_eq!(rows.0, expect);
    }
}
