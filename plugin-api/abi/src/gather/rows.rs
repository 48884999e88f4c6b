//! Series added one by one to a segment that owns its columns: the one way to make one.

use meterbox_names::push_label;

use super::{Kind, OwnedSegment};

/// What a series has at the moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample<'a> {
    /// Of a counter, gauge, unknown or info.
    Value(f64),
    /// Count and sum of a summary.
    Total(u64, f64),
    /// Observations of a histogram per bucket, not cumulative, the last above the highest bound; and
    /// their sum.
    Buckets(&'a [u64], f64),
}

impl Sample<'_> {
    /// Whether a series of this kind, with so many bounds, consists of this.
    #[must_use]
    pub fn fits(&self, kind: Kind, bounds: usize) -> bool {
        match self {
            Self::Buckets(buckets, _) => kind == Kind::HISTOGRAM && buckets.len() == bounds + 1,
            Self::Total(..) => kind == Kind::SUMMARY,
            Self::Value(_) => ![Kind::HISTOGRAM, Kind::SUMMARY].contains(&kind),
        }
    }
}

impl OwnedSegment {
    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.label_ends.len()
    }

    /// True when no series is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a series with these labels, which are escaped here.
    pub fn push<'l>(
        &mut self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        sample: &Sample<'_>,
    ) {
        let start = self.label_text.len();
        for (name, value) in labels {
            push_label(&mut self.label_text, start, name, value);
        }
        self.end(sample);
    }

    /// Adds a series whose label block is written already.
    pub fn push_block(&mut self, block: &str, sample: &Sample<'_>) {
        self.label_text.push_str(block);
        self.end(sample);
    }

    /// Gives the series that was added last an exemplar: one observation, or step of a counter, with the
    /// labels of where it came from (a trace) and when it was, in Unix seconds.
    pub fn exemplar<'l>(
        &mut self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)>,
        value: f64,
        seconds: f64,
    ) {
        self.pad_exemplars();
        let Some(last) = self.len().checked_sub(1) else {
            return;
        };
        let start = last.checked_sub(1).map_or(0, |row| self.exemplar_ends[row]);
        let mut text = String::new();
        for (name, value) in labels {
            push_label(&mut text, 0, name, value);
        }
        self.exemplar_text.truncate(start as usize);
        self.exemplar_text.extend_from_slice(text.as_bytes());
        self.exemplar_ends[last] = u32::try_from(self.exemplar_text.len()).unwrap_or(u32::MAX);
        self.exemplar_values[last] = value;
        self.exemplar_seconds[last] = seconds;
    }

    /// Makes room for the exemplar of each series there is.
    fn pad_exemplars(&mut self) {
        let (len, end) = (self.len(), self.exemplar_ends.last().copied().unwrap_or(0));
        self.exemplar_ends.resize(len, end);
        self.exemplar_values.resize(len, f64::NAN);
        self.exemplar_seconds.resize(len, 0.0);
    }

    fn end(&mut self, sample: &Sample<'_>) {
        // 256 blocks of at most 32 labels of 1 KiB are far below 4 GiB; a reader refuses others.
        let end = u32::try_from(self.label_text.len()).unwrap_or(u32::MAX);
        self.label_ends.push(end);
        if !self.exemplar_ends.is_empty() {
            self.pad_exemplars();
        }
        match *sample {
            Sample::Value(value) => self.values.push(value),
            Sample::Total(count, sum) => {
                self.counts.push(count);
                self.sums.push(sum);
            }
            Sample::Buckets(buckets, sum) => {
                self.bucket_counts.extend_from_slice(buckets);
                let count = buckets
                    .iter()
                    .fold(0, |all: u64, one| all.wrapping_add(*one));
                self.counts.push(count);
                self.sums.push(sum);
            }
        }
    }
}
