//! Everything the store refuses, with what was wrong, where, and what to do.

use crate::kind::Kind;

use meterbox_names::{LabelError, NameError, VALUE_BYTES_MAX};

/// Why a family could not be registered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The metric's name.
    #[error("metric: {0}")]
    Name(#[source] NameError),
    /// Its labels.
    #[error("metric {metric}: {source}")]
    Label {
        /// The metric.
        metric: String,
        /// What is wrong with which.
        source: LabelError,
    },
    /// Bounds that are not finite, not rising, too many, or given to another kind.
    #[error("metric {metric}: {what}")]
    Bounds {
        /// The metric.
        metric: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// A text beyond its limit.
    #[error("metric {metric}: its {what} has {bytes} bytes (at most {most})")]
    TooLong {
        /// The metric.
        metric: String,
        /// `help`, `unit` or `name set`.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// A prefix that this source may not use.
    #[error("metric {metric}: names that start with {prefix:?} are reserved: choose another name")]
    ReservedPrefix {
        /// The metric.
        metric: String,
        /// The prefix.
        prefix: String,
    },
    /// The name is one of a family that another source keeps to itself.
    #[error("metric {metric} belongs to {owner}, which does not share it: use another name")]
    NotShared {
        /// The metric.
        metric: String,
        /// Whose it is.
        owner: String,
    },
    /// A name set that this source may not enter.
    #[error(
        "metric {metric}: the name set {set:?} is the server's own: name no set, or one of your own"
    )]
    ReservedSet {
        /// The metric.
        metric: String,
        /// The set.
        set: String,
    },
    /// The name is in use with another shape.
    #[error(
        "metric {metric} is already registered by {owner} with {existing}, not {wanted}: use the same or another name"
    )]
    Conflict {
        /// The metric.
        metric: String,
        /// The source that registered it first.
        owner: String,
        /// What it has.
        existing: String,
        /// What was asked for.
        wanted: String,
    },
    /// As many families as the limits allow.
    #[error("metric {metric}: {limit} metrics are registered already, which is the limit")]
    TooManyFamilies {
        /// The metric.
        metric: String,
        /// The limit.
        limit: u32,
    },
}

/// Why a series could not be had, or a value not be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeriesError {
    /// Another number of values than the family has labels.
    #[error("metric {metric} has {wanted} labels, not {got}: give one value for each, in order")]
    LabelCount {
        /// The metric.
        metric: String,
        /// Its number of labels.
        wanted: usize,
        /// The number of values given.
        got: usize,
    },
    /// A label value beyond [`VALUE_BYTES_MAX`](crate::VALUE_BYTES_MAX).
    #[error(
        "metric {metric}: the value of label {label:?} has {bytes} bytes (at most {VALUE_BYTES_MAX})"
    )]
    ValueTooLong {
        /// The metric.
        metric: String,
        /// The label.
        label: String,
        /// Its length.
        bytes: usize,
    },
    /// The family has as many series as it may.
    #[error(
        "metric {metric} has {limit} series, which is the limit per metric: use fewer label values or raise it"
    )]
    PerMetric {
        /// The metric.
        metric: String,
        /// The limit.
        limit: u32,
    },
    /// The source has as many series as it may.
    #[error(
        "{source_name} has {limit} series, which is its limit: use fewer label values or raise it (metric {metric})"
    )]
    PerSource {
        /// The metric.
        metric: String,
        /// The source.
        source_name: String,
        /// The limit.
        limit: u32,
    },
    /// The store has as many series as it may.
    #[error(
        "{limit} series exist, which is the limit in all: use fewer label values or raise it (metric {metric})"
    )]
    InAll {
        /// The metric.
        metric: String,
        /// The limit.
        limit: u32,
    },
    /// Another source made this series, and the family is not shared.
    #[error(
        "metric {metric}: {source_name} may not touch a series that {owner} made: use other label values or another name"
    )]
    NotOwner {
        /// The metric.
        metric: String,
        /// Who asked.
        source_name: String,
        /// Whose the series is.
        owner: String,
    },
    /// No cells are left.
    #[error(
        "metric {metric}: the store has no cells left (64 Mi): use fewer series or fewer buckets"
    )]
    NoCells {
        /// The metric.
        metric: String,
    },
    /// An operation that this kind does not have.
    #[error("metric {metric} is a {kind}, which has no {operation}", kind = .kind.word())]
    WrongKind {
        /// The metric.
        metric: String,
        /// Its kind.
        kind: Kind,
        /// What was tried.
        operation: &'static str,
    },
}
