//! The registry: which families there are, who may register them, in which order they are shown.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::account::{Account, SourceOptions};
use crate::clock::Clock;
use crate::descriptor::{Descriptor, Shape};
use crate::error::RegisterError;
use crate::family::Core;
use crate::family_handle::{Family, FamilyOf};
use crate::gather::Gathered;
use crate::instrument::{Counter, FloatCounter, Gauge, Histogram, Info, Instrument, Summary};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::reason::{DropCount, Reason};
use crate::store::Store;

/// Endings that a histogram or summary adds to its name on a page.
const DERIVED: [&str; 3] = ["_bucket", "_count", "_sum"];

/// How a registry is made.
pub struct Options {
    /// How much it may hold.
    pub limits: Limits,
    /// Where it gets the time.
    pub clock: Box<dyn Clock>,
    /// Starts of names that only sources with `reserved_names` may register.
    pub reserved_prefixes: Vec<String>,
    /// The chosen name sets, in the order of the page.
    pub name_sets: Vec<String>,
}

impl Options {
    /// Default limits, no reserved prefixes, no sets.
    #[must_use]
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self {
            limits: Limits::default(),
            clock: Box::new(clock),
            reserved_prefixes: Vec::new(),
            name_sets: Vec::new(),
        }
    }
}

/// Owns all families and series. Cloning makes another handle to the same registry.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Arc<Store>,
    reserved_prefixes: Vec<String>,
    table: Mutex<Table>,
    /// What a page shows, in its order; remade when a family or the choice of sets changes.
    shown: ArcSwap<Vec<Arc<Core>>>,
}

#[derive(Default)]
struct Table {
    /// All forms of a name: at most one per set, or one without a set.
    by_name: HashMap<Box<str>, Vec<Arc<Core>>>,
    families: u32,
    sets: Vec<String>,
}

/// A name under which metrics are registered: the host, a plugin, a model. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    registry: Registry,
    account: Arc<Account>,
}

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let table = Table {
            sets: options.name_sets,
            ..Table::default()
        };
        Self(Arc::new(Inner {
            store: Arc::new(Store::new(options.limits, options.clock)),
            reserved_prefixes: options.reserved_prefixes,
            table: Mutex::new(table),
            shown: ArcSwap::default(),
        }))
    }

    /// The source of this name, with these options from now on. A name that comes again (a reload)
    /// keeps its series and its drop counters. `None` if there are as many sources as the limits allow.
    #[must_use]
    pub fn source(&self, name: &str, options: &SourceOptions) -> Option<Source> {
        let account = self.0.store.accounts.open(name, options)?;
        Some(Source {
            registry: self.clone(),
            account,
        })
    }

    /// Removes all series that a source made, and the families that nobody else registered. Says how
    /// many series went.
    pub fn remove_source(&self, name: &str) -> usize {
        let Some(account) = self.0.store.accounts.find(name) else {
            return 0;
        };
        let mut guard = self.0.table.lock();
        let table = &mut *guard;
        let mut removed = 0;
        for forms in table.by_name.values_mut() {
            forms.retain(|core| {
                let (series, unused) = core.leave(account.id);
                removed += series;
                table.families -= u32::from(unused);
                !unused
            });
        }
        table.by_name.retain(|_, forms| !forms.is_empty());
        self.0.show(table);
        removed
    }

    /// Chooses the name sets that are shown, in this order. Families in no set are always shown.
    pub fn set_name_sets<S: AsRef<str>>(&self, sets: &[S]) {
        let mut table = self.0.table.lock();
        table.sets = sets.iter().map(|set| set.as_ref().to_owned()).collect();
        self.0.show(&table);
    }

    /// What a page shows now: families in order, read without waiting for any writer.
    #[must_use]
    pub fn gather(&self) -> Gathered {
        Gathered::new(Arc::clone(&self.0.store), self.0.shown.load_full())
    }

    /// Removes the series that have outlived their family's time to live, and says how many. Call it
    /// now and then, from one place.
    pub fn expire(&self) -> usize {
        let now = self.0.store.clock.unix_seconds();
        let table = self.0.table.lock();
        let mortal = table
            .by_name
            .values()
            .flatten()
            .filter(|core| core.expires());
        let mortal: Vec<_> = mortal.cloned().collect();
        drop(table);
        mortal.iter().map(|core| core.expire(now)).sum()
    }

    /// What was refused or dropped since the start, by source and reason.
    #[must_use]
    pub fn drops(&self) -> Vec<DropCount> {
        self.0.store.accounts.drops()
    }

    /// Series alive now.
    #[must_use]
    pub fn series_len(&self) -> usize {
        self.0.store.accounts.in_all() as usize
    }

    /// Families registered now, shown or not.
    #[must_use]
    pub fn families_len(&self) -> usize {
        self.0.table.lock().families as usize
    }
}

impl Inner {
    fn register(
        &self,
        account: &Arc<Account>,
        descriptor: &Descriptor,
    ) -> Result<Arc<Core>, (Reason, RegisterError)> {
        let shape = descriptor
            .check()
            .map_err(|error| (reason_of(&error), error))?;
        if !account.reserved_names()
            && let Some(prefix) = self
                .reserved_prefixes
                .iter()
                .find(|start| descriptor.name.starts_with(&***start))
        {
            let (metric, prefix) = (descriptor.name.clone(), prefix.clone());
            return Err((
                Reason::ReservedName,
                RegisterError::ReservedPrefix { metric, prefix },
            ));
        }
        let mut table = self.table.lock();
        if let Some(known) = table.form(&descriptor.name, descriptor.set.as_deref()) {
            if known.shape != shape {
                return Err(conflict(known, &shape));
            }
            if known.descriptor.help != descriptor.help {
                account.drops.count(Reason::HelpDiffers);
            }
            known.join(account);
            return Ok(Arc::clone(known));
        }
        if let Some(clash) = table.clash(&shape, descriptor.set.as_deref()) {
            return Err(conflict(clash, &shape));
        }
        let limit = self.store.accounts.limits().families;
        if table.families >= limit {
            let metric = descriptor.name.clone();
            return Err((
                Reason::FamilyLimit,
                RegisterError::TooManyFamilies { metric, limit },
            ));
        }
        let store = Arc::clone(&self.store);
        let core = Core::new(store, descriptor.clone(), shape, Arc::clone(account));
        table.families += 1;
        let forms = table
            .by_name
            .entry(descriptor.name.as_str().into())
            .or_default();
        forms.push(Arc::clone(&core));
        match forms.len() {
            1 => self.show_one(&table, &core),
            _ => self.show(&table),
        }
        Ok(core)
    }

    /// Puts a family whose name is new in its place on the page.
    fn show_one(&self, table: &Table, core: &Arc<Core>) {
        let Some(rank) = table.rank(core) else { return };
        let shown = self.shown.load();
        let before =
            |other: &Core| (table.rank(other), &other.shape.name) < (Some(rank), &core.shape.name);
        let at = shown.partition_point(|other| before(other));
        let mut more = Vec::with_capacity(shown.len() + 1);
        more.extend(shown[..at].iter().cloned());
        more.push(Arc::clone(core));
        more.extend(shown[at..].iter().cloned());
        self.shown.store(Arc::new(more));
    }

    /// Makes the list of shown families anew.
    fn show(&self, table: &Table) {
        let mut shown: Vec<_> = table
            .by_name
            .values()
            .filter_map(|forms| {
                let ranked = forms
                    .iter()
                    .filter_map(|core| Some((table.rank(core)?, core)));
                ranked.min_by_key(|(rank, _)| *rank)
            })
            .collect();
        shown.sort_by(|a, b| (a.0, &a.1.shape.name).cmp(&(b.0, &b.1.shape.name)));
        self.shown.store(Arc::new(
            shown
                .into_iter()
                .map(|(_, core)| Arc::clone(core))
                .collect(),
        ));
    }
}

impl Table {
    /// Where a family's set stands among the chosen ones; families in no set come last.
    fn rank(&self, core: &Core) -> Option<usize> {
        match &core.descriptor.set {
            Some(set) => self.sets.iter().position(|chosen| chosen == set),
            None => Some(self.sets.len()),
        }
    }

    /// The family that a registration of `name` in `set` would share or conflict with. A name in no
    /// set stands beside nothing: it is the same family as any other form.
    fn form(&self, name: &str, set: Option<&str>) -> Option<&Arc<Core>> {
        let forms = self.by_name.get(name)?;
        forms
            .iter()
            .find(|core| match (core.descriptor.set.as_deref(), set) {
                (Some(theirs), Some(ours)) => theirs == ours,
                _ => true,
            })
    }

    /// A family whose samples would carry the same names: a counter `x_count` beside a histogram `x`.
    fn clash(&self, shape: &Shape, set: Option<&str>) -> Option<&Arc<Core>> {
        let name = shape.name.as_str();
        let derives = |core: &&Arc<Core>| matches!(core.kind(), Kind::Histogram | Kind::Summary);
        let over = DERIVED
            .iter()
            .filter_map(|ending| name.strip_suffix(ending))
            .filter_map(|base| self.form(base, set))
            .find(derives);
        if over.is_some() || !matches!(shape.kind, Kind::Histogram | Kind::Summary) {
            return over;
        }
        DERIVED
            .iter()
            .find_map(|ending| self.form(&format!("{name}{ending}"), set))
    }
}

fn conflict(known: &Core, wanted: &Shape) -> (Reason, RegisterError) {
    let owner = known
        .sources
        .read()
        .first()
        .map_or_else(String::new, |first| first.name.to_string());
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

fn reason_of(error: &RegisterError) -> Reason {
    match error {
        RegisterError::Bounds { .. } | RegisterError::TooLong { .. } => Reason::BadDescriptor,
        _ => Reason::BadName,
    }
}

impl Source {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// Series that it owns now.
    #[must_use]
    pub fn series_len(&self) -> usize {
        self.account.series() as usize
    }

    /// Registers a family, or joins one of the same shape that is registered already (then the first
    /// help text stays).
    ///
    /// # Errors
    /// What is wrong with the descriptor, a reserved name, a conflict, a limit; each is counted.
    pub fn register(&self, descriptor: &Descriptor) -> Result<Family, RegisterError> {
        match self.registry.0.register(&self.account, descriptor) {
            Ok(core) => Ok(Family::new(core, Arc::clone(&self.account))),
            Err((reason, error)) => {
                self.account.drops.count(reason);
                Err(error)
            }
        }
    }

    /// Registers a family of a typed instrument; the descriptor's kind is the instrument's.
    ///
    /// # Errors
    /// As [`Source::register`].
    pub fn family<I: Instrument>(
        &self,
        descriptor: &Descriptor,
    ) -> Result<FamilyOf<I>, RegisterError> {
        let descriptor = Descriptor {
            kind: I::KIND,
            ..descriptor.clone()
        };
        self.register(&descriptor).map(FamilyOf::new)
    }

    /// Counts something of this source that was refused before it came to the store.
    pub fn count_drop(&self, reason: Reason) {
        self.account.drops.count(reason);
    }
}

/// One short method per kind, for families in no set.
macro_rules! shorthand {
    ($($method:ident => $instrument:ident;)*) => {
        impl Source {
            $(
                #[doc = concat!("Registers a family of [`", stringify!($instrument), "`] in no set.")]
                ///
                /// # Errors
                /// As [`Source::register`].
                pub fn $method(
                    &self,
                    name: &str,
                    help: &str,
                    labels: &[&str],
                ) -> Result<FamilyOf<$instrument>, RegisterError> {
                    self.family(&Descriptor::new($instrument::KIND, name, help).labels(labels))
                }
            )*
        }
    };
}

shorthand! {
    counter => Counter;
    float_counter => FloatCounter;
    gauge => Gauge;
    histogram => Histogram;
    summary => Summary;
    info => Info;
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Registry({} families, {} series)",
            self.families_len(),
            self.series_len()
        )
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Source({})", self.name())
    }
}
