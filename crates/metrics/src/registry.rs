//! The registry: the door to everything that is stored.
//!
//! Which families there are and in which order they are shown is in `table`, what a source may do with
//! them in `source`; series and values are the families' own business.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::account::SourceOptions;
use crate::clock::Clock;
use crate::families::Families;
use crate::gather::Gathered;
use crate::limits::Limits;
use crate::reason::DropCount;
use crate::source::Source;
use crate::store::Store;
use crate::table::Table;

/// How a registry is made.
pub struct Options {
    /// How much it may hold.
    pub limits: Limits,
    /// Where it gets the time.
    pub clock: Box<dyn Clock>,
    /// Starts of names that only sources with `reserved_names` may register.
    pub reserved_prefixes: Vec<String>,
    /// Name sets that only sources with `reserved_names` may enter.
    pub reserved_sets: Vec<String>,
    /// The chosen name sets, in the order of the page.
    pub name_sets: Vec<String>,
}

impl Options {
    /// Default limits, nothing reserved, no sets.
    #[must_use]
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self {
            limits: Limits::default(),
            clock: Box::new(clock),
            reserved_prefixes: Vec::new(),
            reserved_sets: Vec::new(),
            name_sets: Vec::new(),
        }
    }
}

/// Owns all families and series. Cloning makes another handle to the same registry.
#[derive(Clone)]
pub struct Registry(Arc<Families>);

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Families {
            store: Arc::new(Store::new(options.limits, options.clock)),
            reserved_prefixes: options.reserved_prefixes,
            reserved_sets: options.reserved_sets,
            table: Mutex::new(Table::new(options.name_sets)),
            shown: ArcSwap::default(),
        }))
    }

    /// The source of this name, with these options from now on. A name that comes again (a reload)
    /// keeps its series and its drop counters. `None` if there are as many sources as the limits allow.
    #[must_use]
    pub fn source(&self, name: &str, options: &SourceOptions) -> Option<Source> {
        let account = self.0.store.accounts.open(name, options)?;
        Some(Source::new(Arc::clone(&self.0), account))
    }

    /// Removes all series that a source made, and the families that nobody else registered. Says how
    /// many series went.
    pub fn remove_source(&self, name: &str) -> usize {
        let Some(account) = self.0.store.accounts.find(name) else {
            return 0;
        };
        let mut table = self.0.table.lock();
        let removed = table.leave(account.id);
        self.0.shown.store(Arc::new(table.page()));
        removed
    }

    /// Chooses the name sets that are shown, in this order. Families in no set are always shown.
    pub fn set_name_sets<S: AsRef<str>>(&self, sets: &[S]) {
        let mut table = self.0.table.lock();
        table.choose(sets.iter().map(|set| set.as_ref().to_owned()).collect());
        self.0.shown.store(Arc::new(table.page()));
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
        let mortal: Vec<_> = table
            .families()
            .filter(|core| core.expires())
            .cloned()
            .collect();
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
        self.0.table.lock().families_len()
    }
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
