//! Everything that a gather shows: the store's families and the collectors', in one order.
//!
//! The order is that of the chosen name sets, families in no set last, by name inside each. A name
//! that comes twice is shown once, in the form of the set listed first; at equal rank the store's.

use super::collected::OwnedFamily;
use super::collectors::CollectedFamilies;
use super::columns;
use meterbox_metrics::{Columns, FamilyView, Gathered};
use meterbox_plugin_abi::gather::{Filter, Flow, Visitor};
use meterbox_telemetry::modes::Page;
use std::collections::HashSet;

/// The chosen name sets, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameSets(Vec<String>);

impl NameSets {
    /// These sets, the first listed wins.
    pub(crate) fn new<S: AsRef<str>>(sets: &[S]) -> Self {
        Self(sets.iter().map(|set| set.as_ref().to_owned()).collect())
    }

    /// The names.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The place of a set on the page; none when it was not chosen.
    fn rank(&self, set: &str) -> Option<usize> {
        if set.is_empty() {
            return Some(self.0.len());
        }
        self.0.iter().position(|chosen| chosen == set)
    }
}

enum PageEntry<'a> {
    Store(FamilyView<'a>),
    Collected(&'a OwnedFamily),
}

impl<'a> PageEntry<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Store(family) => family.name(),
            Self::Collected(family) => &family.head.name,
        }
    }

    fn set(&self) -> &'a str {
        match self {
            Self::Store(family) => family.set().unwrap_or(""),
            Self::Collected(family) => &family.head.set,
        }
    }
}

/// Shows all families that are `shown` and that `filter` wants to `visitor`.
pub(super) fn show(
    store: &Gathered,
    collected: &[CollectedFamilies],
    sets: &NameSets,
    shown: Page,
    filter: &Filter<'_>,
    visitor: &mut dyn Visitor,
) {
    let mut values = Columns::new();
    if collected.is_empty() {
        // The store keeps its own families in this very order.
        let wanted = store
            .families()
            .filter(|family| shown.shows(family.name()) && filter.wants_family(family.name()));
        for family in wanted {
            if show_store(family, &mut values, visitor) == Flow::Stop {
                return;
            }
        }
        return;
    }
    for entry in in_order(store, collected, sets, shown, filter) {
        let flow = match entry {
            PageEntry::Store(family) => show_store(family, &mut values, visitor),
            PageEntry::Collected(family) => show_collected(family, visitor),
        };
        if flow == Flow::Stop {
            return;
        }
    }
}

fn in_order<'a>(
    store: &'a Gathered,
    collected: &'a [CollectedFamilies],
    sets: &NameSets,
    shown: Page,
    filter: &Filter<'_>,
) -> Vec<PageEntry<'a>> {
    let entries = store.families().map(PageEntry::Store);
    let mut ranked: Vec<(usize, PageEntry<'a>)> = entries
        .chain(
            collected
                .iter()
                .flat_map(|shown| shown.iter())
                .map(PageEntry::Collected),
        )
        .filter(|entry| shown.shows(entry.name()) && filter.wants_family(entry.name()))
        .filter_map(|entry| Some((sets.rank(entry.set())?, entry)))
        .collect();
    // Stable: at equal rank and name the store's family stays before a collector's.
    ranked.sort_by(|(a_rank, a), (b_rank, b)| (a_rank, a.name()).cmp(&(b_rank, b.name())));
    let mut seen = HashSet::with_capacity(ranked.len());
    let entries = ranked.into_iter().map(|(_, entry)| entry);
    entries.filter(|entry| seen.insert(entry.name())).collect()
}

fn show_store(family: FamilyView<'_>, values: &mut Columns, visitor: &mut dyn Visitor) -> Flow {
    let mut segments = family.segments().peekable();
    if segments.peek().is_none() && !family.show_empty() {
        // Nobody prints it, and at a young server that is most of them.
        return Flow::Continue;
    }
    if visitor.family(&columns::head(&family)) == Flow::Stop {
        return Flow::Stop;
    }
    for view in segments {
        if visitor.segment(&columns::segment(&view, values)) == Flow::Stop {
            return Flow::Stop;
        }
    }
    Flow::Continue
}

fn show_collected(family: &OwnedFamily, visitor: &mut dyn Visitor) -> Flow {
    if visitor.family(&family.head.lend()) == Flow::Stop {
        return Flow::Stop;
    }
    for segment in &family.segments {
        if visitor.segment(&segment.lend()) == Flow::Stop {
            return Flow::Stop;
        }
    }
    Flow::Continue
}
