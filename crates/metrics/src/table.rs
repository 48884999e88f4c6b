//! The table of families: which there are, who shares them, in which order a page shows them.
//!
//! A name may have several *forms*, one for each name set, of which a page shows the one whose set was
//! chosen first. A family in no set is always shown, and is the same family as any form of its name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::account::Account;
use crate::descriptor::{Descriptor, Shape};
use crate::error::RegisterError;
use crate::family::Core;
use crate::kind::Kind;
use crate::reason::Reason;
use crate::store::Store;

/// Why a registration was refused, as a counter and as an error.
pub(crate) type Refusal = (Reason, RegisterError);

pub(crate) struct Table {
    /// All forms of each name.
    by_name: HashMap<Box<str>, Vec<Arc<Core>>>,
    /// The families that show each name, in any format.
    shown: HashMap<Box<str>, Vec<Arc<Core>>>,
    families: u32,
    /// The chosen sets.
    sets: Vec<String>,
}

/// What a registration changed about the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// Nothing: the family was there.
    None,
    /// A family whose name has no other form.
    NewName,
    /// Which form of a name is shown, perhaps.
    Forms,
}

impl Table {
    pub(crate) fn new(sets: Vec<String>) -> Self {
        Self {
            by_name: HashMap::new(),
            shown: HashMap::new(),
            families: 0,
            sets,
        }
    }

    /// The family for this descriptor, new or shared.
    pub(crate) fn register(
        &mut self,
        store: &Arc<Store>,
        account: &Arc<Account>,
        descriptor: &Descriptor,
        shape: Shape,
    ) -> Result<(Arc<Core>, Change), Refusal> {
        let set = descriptor.set.as_deref();
        let mut evicted = false;
        let outranks = |known: &Arc<Core>| account.privileged() && !known.is_privileged();
        while let Some(known) = self.form(&descriptor.name, set) {
            if outranks(known) {
                let guest = Arc::clone(known);
                self.evict(&guest);
                evicted = true;
                continue;
            }
            if known.shape != shape {
                return Err(conflict(known, &shape));
            }
            if !known.is_open_to(account) {
                let (metric, owner) = (descriptor.name.clone(), first_source(known));
                return Err((Reason::NotOwner, RegisterError::NotShared { metric, owner }));
            }
            if known.descriptor.help != descriptor.help {
                account.drops.count(Reason::HelpDiffers);
            }
            known.join(account);
            let shown_now = set.is_none() && known.show_always();
            return Ok((
                Arc::clone(known),
                if shown_now {
                    Change::Forms
                } else {
                    Change::None
                },
            ));
        }
        while let Some(clash) = self.clash(&shape) {
            if !outranks(clash) {
                return Err(conflict(clash, &shape));
            }
            let guest = Arc::clone(clash);
            self.evict(&guest);
            evicted = true;
        }
        let limit = store.accounts.limits().families;
        if self.families >= limit {
            let metric = descriptor.name.clone();
            let error = RegisterError::TooManyFamilies { metric, limit };
            return Err((Reason::FamilyLimit, error));
        }
        let core = Core::new(
            Arc::clone(store),
            descriptor.clone(),
            shape,
            Arc::clone(account),
        );
        let change = if self.add(&core) == 1 && !evicted {
            Change::NewName
        } else {
            Change::Forms
        };
        Ok((core, change))
    }

    /// Removes what a source made, and the families that nobody else registered. Says how many series
    /// went.
    pub(crate) fn leave(&mut self, source: u16) -> usize {
        let mut removed = 0;
        let mut gone = Vec::new();
        self.by_name.retain(|_, forms| {
            forms.retain(|core| {
                let (series, unused) = core.leave(source);
                removed += series;
                if unused {
                    gone.push(Arc::clone(core));
                }
                !unused
            });
            !forms.is_empty()
        });
        for core in &gone {
            self.drop_names(core);
        }
        self.families -= gone.len() as u32;
        removed
    }

    /// Chooses the name sets that are shown.
    pub(crate) fn choose(&mut self, sets: Vec<String>) {
        self.sets = sets;
    }

    /// All families, shown or not, in no order.
    pub(crate) fn families(&self) -> impl Iterator<Item = &Arc<Core>> {
        self.by_name.values().flatten()
    }

    pub(crate) fn families_len(&self) -> usize {
        self.families as usize
    }

    /// What a page shows: set by set as chosen, by name within a set.
    pub(crate) fn page(&self) -> Vec<Arc<Core>> {
        let shown_form = |forms: &'_ Vec<Arc<Core>>| {
            let ranked = forms
                .iter()
                .filter_map(|core| Some((self.rank(core)?, Arc::clone(core))));
            // Whatever set a guest names, the server's own form of a name goes first.
            ranked.min_by_key(|(rank, core)| (!core.is_privileged(), *rank))
        };
        let mut shown: Vec<_> = self.by_name.values().filter_map(shown_form).collect();
        shown.sort_by(|a, b| (a.0, &a.1.shape.name).cmp(&(b.0, &b.1.shape.name)));
        shown.into_iter().map(|(_, core)| core).collect()
    }

    /// `page` with a family whose name is new; `None` if it is not shown.
    pub(crate) fn page_with(&self, page: &[Arc<Core>], core: &Arc<Core>) -> Option<Vec<Arc<Core>>> {
        let place = (Some(self.rank(core)?), &core.shape.name);
        let at = page.partition_point(|other| (self.rank(other), &other.shape.name) < place);
        let mut more = Vec::with_capacity(page.len() + 1);
        more.extend_from_slice(&page[..at]);
        more.push(Arc::clone(core));
        more.extend_from_slice(&page[at..]);
        Some(more)
    }

    /// Where a family stands among the chosen sets, if it is shown; families in no set come last.
    fn rank(&self, core: &Core) -> Option<usize> {
        let set = core.descriptor.set.as_ref();
        let chosen = set.and_then(|set| self.sets.iter().position(|chosen| chosen == set));
        chosen.or_else(|| core.is_always_shown().then_some(self.sets.len()))
    }

    /// The family that a registration of `name` in `set` would share or conflict with.
    fn form(&self, name: &str, set: Option<&str>) -> Option<&Arc<Core>> {
        let same = |core: &&Arc<Core>| match (core.descriptor.set.as_deref(), set) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        };
        self.by_name.get(name)?.iter().find(same)
    }

    /// A family of another name that would show the same names: a counter `x_count` beside a histogram
    /// `x`, or a gauge `x` beside a counter `x_total`, which OpenMetrics calls `x`.
    fn clash(&self, shape: &Shape) -> Option<&Arc<Core>> {
        let taken = shown_names(shape.kind, shape.name.as_str());
        taken.iter().find_map(|name| {
            self.shown
                .get(&**name)?
                .iter()
                .find(|core| core.shape.name != shape.name)
        })
    }

    fn add(&mut self, core: &Arc<Core>) -> usize {
        for name in shown_names(core.kind(), core.shape.name.as_str()) {
            self.shown
                .entry(name.into())
                .or_default()
                .push(Arc::clone(core));
        }
        self.families += 1;
        let forms = self
            .by_name
            .entry(core.shape.name.as_str().into())
            .or_default();
        forms.push(Arc::clone(core));
        forms.len()
    }

    fn drop_names(&mut self, core: &Arc<Core>) {
        for name in shown_names(core.kind(), core.shape.name.as_str()) {
            if let Some(cores) = self.shown.get_mut(&*name) {
                cores.retain(|other| !Arc::ptr_eq(other, core));
                if cores.is_empty() {
                    self.shown.remove(&*name);
                }
            }
        }
    }

    /// Takes a guest's family off the page, which stands where the server's own one belongs. Its handles
    /// stay safe to use and show nowhere.
    fn evict(&mut self, core: &Arc<Core>) {
        for account in core.sources.read().iter() {
            account.drops.count(Reason::Conflict);
        }
        self.drop_names(core);
        self.families -= 1;
        if let Some(forms) = self.by_name.get_mut(core.shape.name.as_str()) {
            forms.retain(|other| !Arc::ptr_eq(other, core));
        }
    }
}

/// Every name that a family shows in any format: of its samples, and of the family in OpenMetrics.
fn shown_names(kind: Kind, name: &str) -> Vec<Cow<'_, str>> {
    let (base, endings): (&str, &[&str]) = match kind {
        Kind::Histogram => (name, &["_bucket", "_count", "_sum", "_created"]),
        Kind::Summary => (name, &["_count", "_sum", "_created"]),
        Kind::Counter | Kind::FloatCounter | Kind::ObservedCounter => {
            match name.strip_suffix("_total") {
                Some(base) => (base, &["_total", "_created"]),
                None => (name, &[]),
            }
        }
        Kind::Info => match name.strip_suffix("_info") {
            Some(base) => (base, &["_info"]),
            None => (name, &[]),
        },
        _ => (name, &[]),
    };
    let mut names = vec![Cow::Borrowed(base)];
    names.extend(
        endings
            .iter()
            .map(|ending| Cow::Owned(format!("{base}{ending}"))),
    );
    names
}

fn first_source(known: &Core) -> String {
    let sources = known.sources.read();
    sources
        .first()
        .map_or_else(String::new, |first| first.name.to_string())
}

fn conflict(known: &Core, wanted: &Shape) -> Refusal {
    let owner = first_source(known);
    let metric = wanted.name.to_string();
    let existing = if known.shape.name == wanted.name {
        known.shape.describe()
    } else {
        format!("{} as {}", known.shape.name, known.shape.describe())
    };
    let wanted = wanted.describe();
    (
        Reason::Conflict,
        RegisterError::Conflict {
            metric,
            owner,
            existing,
            wanted,
        },
    )
}
