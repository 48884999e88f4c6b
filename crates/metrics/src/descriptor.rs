//! What a family is: its name, kind, labels and the rest that a page prints about it.

use crate::error::RegisterError;
use crate::kind::Kind;
use crate::name::{LabelName, MetricName};

use meterbox_names::{
    HELP_BYTES_MAX, LABELS_MAX, LabelError, LabelNames, UNIT_BYTES_MAX, check_bounds,
};

/// The bounds of TorchServe's metrics plugin design (simpleclient 0.9.0's defaults).
pub const DEFAULT_BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// A family as its author wants it; checked when it is registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) unit: String,
    pub(crate) labels: Vec<String>,
    pub(crate) bounds: Vec<f64>,
    pub(crate) set: Option<String>,
    pub(crate) show_empty: bool,
    pub(crate) inherited: bool,
    pub(crate) shared: bool,
    pub(crate) ttl_seconds: Option<f64>,
}

impl Descriptor {
    /// A family without labels, in no set.
    #[must_use]
    pub fn new(kind: Kind, name: &str, help: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            help: help.to_owned(),
            unit: String::new(),
            labels: Vec::new(),
            bounds: if kind == Kind::Histogram {
                DEFAULT_BOUNDS.to_vec()
            } else {
                Vec::new()
            },
            set: None,
            show_empty: false,
            inherited: false,
            shared: false,
            ttl_seconds: None,
        }
    }

    /// With these labels, in this order.
    #[must_use]
    pub fn labels<S: AsRef<str>>(mut self, names: &[S]) -> Self {
        self.labels = names.iter().map(|name| name.as_ref().to_owned()).collect();
        self
    }

    /// With these upper bounds of buckets, rising; a last one of `+Inf` may be written or left out.
    #[must_use]
    pub fn bounds(mut self, bounds: &[f64]) -> Self {
        self.bounds = bounds
            .strip_suffix(&[f64::INFINITY])
            .unwrap_or(bounds)
            .to_vec();
        self
    }

    /// With this unit (`seconds`), which the name should end in.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        unit.clone_into(&mut self.unit);
        self
    }

    /// In this name set: shown when the set is chosen, in the order of the sets.
    #[must_use]
    pub fn set(mut self, set: &str) -> Self {
        self.set = Some(set.to_owned());
        self
    }

    /// Its help and type are printed even without series, as the inherited system does.
    #[must_use]
    pub fn show_empty(mut self) -> Self {
        self.show_empty = true;
        self
    }

    /// Its name breaks the rules of naming on purpose: a client of an older system knows it so.
    #[must_use]
    pub fn inherited(mut self) -> Self {
        self.inherited = true;
        self
    }

    /// Any source may write to and remove any series of it; otherwise a series is its maker's alone.
    /// Said by the family's first registrant, it stays so.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Series without handles whose value has not moved for so long are removed by `expire`.
    #[must_use]
    pub fn ttl_seconds(mut self, seconds: f64) -> Self {
        self.ttl_seconds = Some(seconds);
        self
    }

    /// The family's shape, if everything about it is acceptable.
    pub(crate) fn check(&self) -> Result<Shape, RegisterError> {
        let metric = || self.name.clone();
        let name = MetricName::new(&self.name).map_err(RegisterError::Name)?;
        let labels = self.check_labels().map_err(|source| RegisterError::Label {
            metric: metric(),
            source,
        })?;
        let set = self.set.as_deref().unwrap_or_default();
        for (what, text, most) in [
            ("help", self.help.as_str(), HELP_BYTES_MAX),
            ("unit", &self.unit, UNIT_BYTES_MAX),
            ("name set", set, UNIT_BYTES_MAX),
        ] {
            if text.len() > most {
                let bytes = text.len();
                return Err(RegisterError::TooLong {
                    metric: metric(),
                    what,
                    bytes,
                    most,
                });
            }
        }
        check_bounds(self.kind.word(), &self.bounds).map_err(|what| RegisterError::Bounds {
            metric: metric(),
            what,
        })?;
        Ok(Shape {
            kind: self.kind,
            name,
            labels,
            bounds: self.bounds.clone(),
        })
    }

    fn check_labels(&self) -> Result<Vec<LabelName>, LabelError> {
        if self.labels.len() > LABELS_MAX {
            return Err(LabelError::TooMany(self.labels.len()));
        }
        let mut names = LabelNames::of_kind(self.kind.word());
        let checked = self.labels.iter().map(|label| {
            names.next(label)?;
            LabelName::new(label).map_err(LabelError::Name)
        });
        checked.collect()
    }
}

/// The part of a descriptor on which two registrations of one name must agree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) name: MetricName,
    pub(crate) labels: Vec<LabelName>,
    pub(crate) bounds: Vec<f64>,
}

impl Shape {
    /// Kind, labels and bounds in words, for the text of a conflict.
    pub(crate) fn describe(&self) -> String {
        let labels: Vec<_> = self.labels.iter().map(LabelName::as_str).collect();
        let mut text = format!(
            "kind {} and labels ({})",
            self.kind.word(),
            labels.join(", ")
        );
        if self.kind == Kind::Histogram {
            text.push_str(&format!(" and bounds {:?}", self.bounds));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(descriptor: &Descriptor, words: &str) {
        let error = descriptor.check().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn a_good_descriptor_passes_and_drops_the_bound_at_infinity() {
        let shape = Descriptor::new(Kind::Histogram, "h_seconds", "h")
            .labels(&["a", "b"])
            .bounds(&[1.0, 2.0, f64::INFINITY])
            .check()
            .unwrap();
        assert_eq!((shape.bounds, shape.labels.len()), (vec![1.0, 2.0], 2));
    }

    #[test]
    fn bad_descriptors_say_what_is_wrong() {
        let counter = Descriptor::new(Kind::Counter, "c_total", "");
        let histogram = Descriptor::new(Kind::Histogram, "h", "");
        refused(&Descriptor::new(Kind::Counter, "c-total", ""), "'-'");
        refused(&counter.clone().labels(&["a", "a"]), "named twice");
        refused(&counter.clone().labels(&["__a"]), "reserved");
        refused(&counter.clone().labels(&vec!["a"; 33]), "33 labels");
        refused(&counter.clone().bounds(&[1.0]), "has no buckets");
        refused(&histogram.clone().labels(&["le"]), "\"le\"");
        refused(
            &Descriptor::new(Kind::Summary, "s", "").labels(&["quantile"]),
            "quantile",
        );
        refused(&histogram.clone().bounds(&[2.0, 1.0]), "comes before");
        refused(&histogram.clone().bounds(&[1.0, 1.0]), "comes before");
        refused(&histogram.clone().bounds(&[f64::NAN]), "NaN");
        refused(
            &histogram.clone().bounds(&[f64::NEG_INFINITY, 1.0]),
            "finite",
        );
        refused(&histogram.bounds(&vec![1.0; 513]), "513");
        refused(
            &Descriptor::new(Kind::Gauge, "g", &"x".repeat(5000)),
            "help",
        );
        assert!(
            counter.labels(&["le"]).check().is_ok(),
            "only histograms use le"
        );
    }
}
