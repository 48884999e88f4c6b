//! What a family and its series may be: the one check, for whoever shows metrics and whoever reads them.

use std::fmt;

use meterbox_names::{
    HELP_BYTES_MAX, LabelError, LabelNames, NameError, UNIT_BYTES_MAX, check_block, check_bounds,
    check_metric, labels as labels_of, unescape,
};

use super::spec::FamilySpec;
use super::{Flow, Head, Kind, SEGMENT_SERIES_MAX, Segment, Visitor};
use crate::status::{Failure, Status};

/// Why a family or its series cannot be shown.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Misfit {
    /// The family's name.
    Name(NameError),
    /// Something else that describes the family; what is wrong and what to do.
    Head(String),
    /// The labels of a series.
    Label(LabelError),
    /// Columns that do not fit their family or each other.
    Columns(&'static str),
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(out),
            Self::Head(text) => out.write_str(text),
            Self::Label(error) => error.fmt(out),
            Self::Columns(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for Misfit {}

/// Looks at what describes a family.
///
/// # Errors
/// What is wrong with it.
pub fn head(head: &Head<'_>) -> Result<(), Misfit> {
    check_metric(head.name()).map_err(Misfit::Name)?;
    for (what, text, most) in [
        ("help", head.help(), HELP_BYTES_MAX),
        ("unit", head.unit(), UNIT_BYTES_MAX),
        ("name set", head.set(), UNIT_BYTES_MAX),
    ] {
        if text.len() > most {
            let bytes = text.len();
            let text = format!("its {what} has {bytes} bytes (at most {most})");
            return Err(Misfit::Head(text));
        }
    }
    check_bounds(head.kind().word(), head.bounds()).map_err(Misfit::Head)
}

/// Looks at a family that is to be registered, with the names of its labels.
///
/// # Errors
/// What is wrong with it.
pub fn registration(spec: &FamilySpec<'_>) -> Result<(), Misfit> {
    head(&spec.head())?;
    let mut names = LabelNames::of_kind(spec.kind.word());
    let mut labels = spec.labels.iter();
    labels.try_for_each(|label| names.next(label).map_err(Misfit::Label))
}

/// Looks at the lengths of a segment's columns and at where its label blocks end: what every reader may
/// rely on. The segment belongs to a family of this kind with so many bounds.
///
/// # Errors
/// What does not fit.
pub fn columns(kind: Kind, bounds: usize, segment: &Segment<'_>) -> Result<(), Misfit> {
    let misfit = |text| Err(Misfit::Columns(text));
    let len = segment.len();
    if len > SEGMENT_SERIES_MAX {
        return misfit("a segment of more than 256 series");
    }
    if !rising(segment.label_text(), segment.label_ends()) {
        return misfit("a segment whose labels do not fit its series");
    }
    let buckets = len * (bounds + 1);
    let [values, cells, counts] = match kind {
        Kind::HISTOGRAM => [0, buckets, len],
        Kind::SUMMARY => [0, 0, len],
        _ => [len, 0, 0],
    };
    let fits = segment.values().len() == values
        && segment.bucket_counts().len() == cells
        && segment.counts().len() == counts
        && segment.sums().len() == counts
        && [0, len].contains(&segment.created_seconds().len());
    if !fits {
        return misfit("a segment whose columns differ in length");
    }
    let ends = segment.exemplar_ends();
    let Ok(text) = std::str::from_utf8(segment.exemplar_text()) else {
        return misfit("an exemplar whose labels are not UTF-8");
    };
    let exemplars = [
        ends.len(),
        segment.exemplar_values().len(),
        segment.exemplar_seconds().len(),
    ];
    if exemplars != [0; 3] && exemplars != [len; 3] || !rising(text, ends) {
        return misfit("a segment whose exemplars do not fit its series");
    }
    Ok(())
}

/// Whether `ends` cut `text` into as many pieces.
fn rising(text: &str, ends: &[u32]) -> bool {
    let mut start = 0;
    let rising = ends.iter().all(|end| {
        let end = *end as usize;
        let fine = start <= end && text.is_char_boundary(end);
        start = end;
        fine
    });
    rising && start == text.len()
}

/// The pieces of a text that `ends` cut it into.
fn blocks<'a>(text: &'a str, ends: &'a [u32]) -> impl Iterator<Item = &'a str> {
    let mut start = 0;
    ends.iter().map(move |end| {
        let block = text.get(start..*end as usize).unwrap_or("\0");
        start = *end as usize;
        block
    })
}

/// Looks at the label blocks of a segment whose columns fit.
///
/// # Errors
/// What is wrong with the first that may not be.
pub fn labels(kind: Kind, segment: &Segment<'_>) -> Result<(), Misfit> {
    let word = kind.word();
    for block in blocks(segment.label_text(), segment.label_ends()) {
        check_block(word, block).map_err(Misfit::Label)?;
    }
    let exemplars = std::str::from_utf8(segment.exemplar_text()).unwrap_or("\0");
    for block in blocks(exemplars, segment.exemplar_ends()) {
        exemplar(block)?;
    }
    Ok(())
}

/// **Source:** OpenMetrics 1.0, "Exemplars": at most 128 characters of names and values.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// Looks at the labels of one exemplar.
pub(super) fn exemplar(block: &str) -> Result<(), Misfit> {
    check_block("", block).map_err(Misfit::Label)?;
    let chars = |text: &str| text.chars().count();
    let labels = labels_of(block).map_while(Result::ok);
    let all: usize = labels
        .map(|(name, value)| chars(name) + chars(&unescape(value)))
        .sum();
    if all > EXEMPLAR_CHARS_MAX {
        let text =
            format!("an exemplar has {all} characters of labels (at most {EXEMPLAR_CHARS_MAX})");
        return Err(Misfit::Head(text));
    }
    Ok(())
}

/// A reader that passes on what fits and remembers the first thing that does not.
pub struct Checked<'v> {
    visitor: &'v mut dyn Visitor,
    family: Option<(String, Kind, usize)>,
    refused: Option<Failure>,
}

impl<'v> Checked<'v> {
    /// Passes on to `visitor`.
    pub fn new(visitor: &'v mut dyn Visitor) -> Self {
        Self {
            visitor,
            family: None,
            refused: None,
        }
    }

    /// The end.
    ///
    /// # Errors
    /// What had to be left out first.
    pub fn finish(self) -> Result<(), Failure> {
        self.refused.map_or(Ok(()), Err)
    }

    fn refuse(&mut self, name: &str, misfit: &Misfit) -> Flow {
        let text = || Failure::new(Status::INVALID, format!("metric {name}: {misfit}"));
        self.refused.get_or_insert_with(text);
        Flow::Continue
    }
}

impl Visitor for Checked<'_> {
    fn family(&mut self, shown: &Head<'_>) -> Flow {
        self.family = None;
        if let Err(misfit) = head(shown) {
            return self.refuse(shown.name(), &misfit);
        }
        self.family = Some((shown.name().to_owned(), shown.kind(), shown.bounds().len()));
        self.visitor.family(shown)
    }

    fn segment(&mut self, segment: &Segment<'_>) -> Flow {
        let Some((name, kind, bounds)) = &self.family else {
            return Flow::Continue;
        };
        match columns(*kind, *bounds, segment).and_then(|()| labels(*kind, segment)) {
            Ok(()) => self.visitor.segment(segment),
            Err(misfit) => {
                let name = name.clone();
                self.refuse(&name, &misfit)
            }
        }
    }
}
