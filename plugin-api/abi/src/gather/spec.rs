//! What a plugin says about a family.

use super::{Head, Kind};

/// What a plugin says about a family when it registers one.
///
/// Registering a name again with the same kind, labels and bounds gives the same family; anything else is
/// [`Status::CONFLICT`](crate::Status::CONFLICT). Every text is checked by the host.
#[derive(Clone, Copy, Debug)]
pub struct FamilySpec<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its name; for a counter with the ending `_total`.
    pub name: &'a str,
    /// One sentence on what it measures.
    pub help: &'a str,
    /// Unit as in OpenMetrics (`seconds`, `bytes`), or empty.
    pub unit: &'a str,
    /// Label names, in the order in which values are given to [`FamilyService::series`](crate::FamilyService::series).
    pub labels: &'a [&'a str],
    /// Upper bounds of a histogram's buckets, ascending, without `+Inf`; empty for other kinds.
    pub bounds: &'a [f64],
    /// As in [`Head::flags`].
    pub flags: u32,
    /// As in [`Head::set`]: the name set it belongs to, or empty for the default set.
    pub set: &'a str,
}

impl<'a> FamilySpec<'a> {
    /// What `head` says, with these label names.
    #[must_use]
    pub fn of(head: &Head<'a>, labels: &'a [&'a str]) -> Self {
        Self {
            kind: head.kind(),
            name: head.name(),
            help: head.help(),
            unit: head.unit(),
            labels,
            bounds: head.bounds(),
            flags: head.flags(),
            set: head.set(),
        }
    }

    /// As a gathered family's, without the label names.
    #[must_use]
    pub fn head(&self) -> Head<'a> {
        Head::new(self.kind, self.name)
            .with_help(self.help)
            .with_unit(self.unit)
            .with_set(self.set)
            .with_bounds(self.bounds)
            .with_flags(self.flags)
    }
}
