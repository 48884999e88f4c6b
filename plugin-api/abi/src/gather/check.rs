//! What a family and its series may be: the one check, for whoever shows metrics and whoever reads them.

use std::fmt;

use meterbox_names::{
    HELP_BYTES_MAX, LabelError, LabelNames, NameError, UNIT_BYTES_MAX, check_block, check_bounds,
    check_metric,
};

use super::{Flow, Head, Kind, SEGMENT_SERIES_MAX, Segment, Visitor};
use crate::metrics::FamilySpec;
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
    let text = segment.label_text();
    let mut start = 0;
    let rising = segment.label_ends().iter().all(|end| {
        let end = *end as usize;
        let fine = start <= end && text.is_char_boundary(end);
        start = end;
        fine
    });
    if !rising || start != text.len() {
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
    Ok(())
}

/// Looks at the label blocks of a segment whose columns fit.
///
/// # Errors
/// What is wrong with the first that may not be.
pub fn labels(kind: Kind, segment: &Segment<'_>) -> Result<(), Misfit> {
    let (word, text) = (kind.word(), segment.label_text());
    let mut start = 0;
    segment.label_ends().iter().try_for_each(|end| {
        let block = text.get(start..*end as usize).unwrap_or("\0");
        start = *end as usize;
        check_block(word, block).map_err(Misfit::Label)
    })
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
