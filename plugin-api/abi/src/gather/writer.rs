//! Shows families to a visitor sample by sample: for collectors in every language.
//!
//! Samples are gathered into segments of up to 256 series and shown as soon as one is full, so that a
//! collector of any size needs little memory. No value is kept between two collections.

use meterbox_names::{check_label, check_metric, push_label};

use super::{Filter, Flow, OwnedHead, OwnedSegment, SEGMENT_SERIES_MAX, Sample, Visitor, check};
use crate::status::{Failure, Status};

/// One collection: families one after the other, each begun and then given its samples.
pub struct FamilyWriter<'a> {
    filter: &'a Filter<'a>,
    visitor: &'a mut dyn Visitor,
    family: Option<Begun>,
    series: OwnedSegment,
    /// The sample before is in `series`.
    taken: bool,
    /// The reader has enough.
    stopped: bool,
    /// The first thing that could not be shown.
    refused: Option<Failure>,
}

/// The family that was begun last.
struct Begun {
    head: OwnedHead,
    /// Its samples may be shown: it is wanted, and its name is one.
    open: bool,
    shown: bool,
}

impl<'a> FamilyWriter<'a> {
    /// Shows families to `visitor`, as far as `filter` wants them.
    pub fn new(filter: &'a Filter<'a>, visitor: &'a mut dyn Visitor) -> Self {
        Self {
            filter,
            visitor,
            family: None,
            series: OwnedSegment::default(),
            taken: false,
            stopped: false,
            refused: None,
        }
    }

    /// Whether anything of a family with this name is wanted.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        !self.stopped && self.filter.wants_family(name)
    }

    /// Whether anything of one of these families is wanted.
    #[must_use]
    pub fn wants_any(&self, names: &[&str]) -> bool {
        !self.stopped && self.filter.wants_any(names)
    }

    /// Whether the reader has enough.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// The family that was begun last.
    #[must_use]
    pub fn head(&self) -> Option<&OwnedHead> {
        self.family.as_ref().map(|family| &family.head)
    }

    /// Begins the next family, after what is left of the one before.
    ///
    /// # Errors
    /// A name that is none; its samples are left out.
    pub fn begin(&mut self, head: OwnedHead) -> Result<(), Failure> {
        self.end();
        let wanted = self.wants(&head.name);
        let named = check_metric(&head.name).is_ok();
        let name = head.name.clone();
        self.family = Some(Begun {
            head,
            open: wanted && named,
            shown: false,
        });
        if wanted && !named {
            return self.refuse(format!(
                "{name:?} is not a metric name; its samples are left out"
            ));
        }
        Ok(())
    }

    /// A sample of the family that was begun last.
    ///
    /// # Errors
    /// A label name that is none, a sample of another kind; it is left out.
    pub fn sample<'l>(
        &mut self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)> + Clone,
        sample: &Sample<'_>,
    ) -> Result<(), Failure> {
        self.taken = false;
        let Some(family) = &self.family else {
            return self.refuse("a sample comes after its family".to_owned());
        };
        let head = &family.head;
        if !sample.fits(head.kind, head.bounds.len()) {
            let text = misfit(head, sample);
            return self.refuse(text);
        }
        if !family.open || self.stopped {
            return Ok(());
        }
        let mut names = labels.clone().into_iter().map(|(name, _)| name);
        if let Some(bad) = names.find(|name| check_label(name).is_err()) {
            let text = format!("{}: {bad:?} is not a label name", head.name);
            return self.refuse(text);
        }
        if self.series.len() == SEGMENT_SERIES_MAX {
            self.show();
        }
        self.series.push(labels, sample);
        self.taken = true;
        Ok(())
    }

    /// An exemplar of the sample before it; see [`OwnedSegment::exemplar`].
    ///
    /// # Errors
    /// Labels that may not be, or that are too long for one; it is left out.
    pub fn exemplar<'l>(
        &mut self,
        labels: impl IntoIterator<Item = (&'l str, &'l str)> + Clone,
        value: f64,
        seconds: f64,
    ) -> Result<(), Failure> {
        let mut block = String::new();
        for (name, value) in labels.clone() {
            push_label(&mut block, 0, name, value);
        }
        if let Err(misfit) = check::exemplar(&block) {
            let name = self.head().map_or("", |head| &head.name);
            let text = format!("{name}: {misfit}");
            return self.refuse(text);
        }
        if self.taken {
            self.series.exemplar(labels, value, seconds);
        }
        Ok(())
    }

    /// Ends the present family; one without samples is shown as well.
    pub fn end(&mut self) {
        let pending = self
            .family
            .as_ref()
            .is_some_and(|family| family.open && (!family.shown || !self.series.is_empty()));
        if pending && !self.stopped {
            self.show();
        }
        self.series.clear();
        self.family = None;
    }

    /// Remembers the first thing that could not be shown; the collection goes on and ends with it.
    ///
    /// # Errors
    /// Always this.
    pub fn refuse(&mut self, why: impl Into<String>) -> Result<(), Failure> {
        let failure = Failure::new(Status::INVALID, why.into());
        self.refused.get_or_insert_with(|| failure.clone());
        Err(failure)
    }

    /// Shows what is left.
    ///
    /// # Errors
    /// The first thing that could not be shown.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.end();
        self.refused.take().map_or(Ok(()), Err)
    }

    fn show(&mut self) {
        let Some(family) = &mut self.family else {
            return;
        };
        let mut flow = Flow::Continue;
        if !family.shown {
            family.shown = true;
            flow = self.visitor.family(&family.head.lend());
        }
        if flow == Flow::Continue && !self.series.is_empty() {
            flow = self.visitor.segment(&self.series.lend());
        }
        self.stopped = flow == Flow::Stop;
        self.series.clear();
    }
}

fn misfit(head: &OwnedHead, sample: &Sample<'_>) -> String {
    let (name, kind) = (&head.name, head.kind.word());
    match sample {
        Sample::Buckets(buckets, _) if kind == "histogram" => {
            let (wanted, found) = (head.bounds.len() + 1, buckets.len());
            format!("histogram {name} has {wanted} buckets, not {found}")
        }
        _ => format!(
            "the sample does not fit {name}, a {kind}: a histogram has buckets, a summary count and sum, \
             every other kind a value"
        ),
    }
}
