//! The closed set of reasons for which something was refused or dropped, and its counters.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why something was refused or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Reason {
    /// A metric or label name, or a set of labels, that no format can carry.
    BadName,
    /// Bucket bounds, help or unit that are not acceptable.
    BadDescriptor,
    /// A reserved name prefix.
    ReservedName,
    /// A name in use with another kind, labels or buckets.
    Conflict,
    /// A help text that differs from the first one (the first one stays).
    HelpDiffers,
    /// Too many families.
    FamilyLimit,
    /// Another number of label values than labels.
    LabelCount,
    /// A label value that is too long.
    ValueTooLong,
    /// Too many series of one metric.
    MetricLimit,
    /// Too many series of one source.
    SourceLimit,
    /// Too many series in all.
    TotalLimit,
    /// No cells left.
    NoCells,
    /// An operation that the kind does not have.
    WrongKind,
    /// A value that a counter cannot take: negative or not a number.
    BadValue,
    /// A value written to a series after it was removed.
    Removed,
    /// A series that another source made, in a family that is not shared.
    NotOwner,
}

/// All reasons with the word that labels them on a metrics page.
pub(crate) const REASONS: [(Reason, &str); 16] = [
    (Reason::BadName, "bad_name"),
    (Reason::BadDescriptor, "bad_descriptor"),
    (Reason::ReservedName, "reserved_name"),
    (Reason::Conflict, "conflict"),
    (Reason::HelpDiffers, "help_differs"),
    (Reason::FamilyLimit, "family_limit"),
    (Reason::LabelCount, "label_count"),
    (Reason::ValueTooLong, "value_too_long"),
    (Reason::MetricLimit, "metric_limit"),
    (Reason::SourceLimit, "source_limit"),
    (Reason::TotalLimit, "total_limit"),
    (Reason::NoCells, "no_cells"),
    (Reason::WrongKind, "wrong_kind"),
    (Reason::BadValue, "bad_value"),
    (Reason::Removed, "removed"),
    (Reason::NotOwner, "not_owner"),
];

impl Reason {
    /// The word that labels this reason on a metrics page.
    #[must_use]
    pub fn word(self) -> &'static str {
        REASONS[self as usize].1
    }
}

/// One counter per reason.
#[derive(Debug, Default)]
pub(crate) struct Drops([AtomicU64; REASONS.len()]);

impl Drops {
    pub(crate) fn count(&self, reason: Reason) {
        self.0[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, reason: Reason) -> u64 {
        self.0[reason as usize].load(Ordering::Relaxed)
    }
}

/// How often one source met one reason, since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCount {
    /// The source's name.
    pub source: String,
    /// The reason.
    pub reason: Reason,
    /// How often; never 0.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (at, (reason, word)) in REASONS.iter().enumerate() {
            assert_eq!(*reason as usize, at, "{word}");
        }
    }
}
