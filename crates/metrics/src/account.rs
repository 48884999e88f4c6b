//! Sources and what they may have: one account per name, for as long as the store lives.
//!
//! A source is whoever registers metrics under a name: the host, a plugin, a model, an ingest
//! listener. A reload opens the same account again, so its series and its drop counters go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::RwLock;

use crate::limits::Limits;
use crate::reason::{DropCount, Drops, REASONS, Reason};

/// What a source may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOptions {
    /// Most series that it may own.
    pub series_max: u32,
    /// Whether it may use the store's reserved name prefixes and sets.
    pub reserved_names: bool,
    /// Whether its families go before those of others that took a name first, and are its alone
    /// unless they are shared.
    pub privileged: bool,
}

impl SourceOptions {
    /// A guest: 10,000 series, no reserved names.
    #[must_use]
    pub fn guest() -> Self {
        Self {
            series_max: 10_000,
            reserved_names: false,
            privileged: false,
        }
    }

    /// The host itself and what is shipped with it: as many series as the store, every name.
    #[must_use]
    pub fn own() -> Self {
        Self {
            series_max: u32::MAX,
            reserved_names: true,
            privileged: true,
        }
    }

    /// With this many series at most.
    #[must_use]
    pub fn series_max(mut self, most: u32) -> Self {
        self.series_max = most;
        self
    }
}

/// The account of one source.
pub(crate) struct Account {
    pub(crate) name: Box<str>,
    pub(crate) id: u16,
    series_max: AtomicU32,
    reserved_names: AtomicBool,
    privileged: AtomicBool,
    series: AtomicU32,
    pub(crate) drops: Drops,
}

impl Account {
    pub(crate) fn series(&self) -> u32 {
        self.series.load(Ordering::Relaxed)
    }

    pub(crate) fn series_max(&self) -> u32 {
        self.series_max.load(Ordering::Relaxed)
    }

    pub(crate) fn reserved_names(&self) -> bool {
        self.reserved_names.load(Ordering::Relaxed)
    }

    pub(crate) fn privileged(&self) -> bool {
        self.privileged.load(Ordering::Relaxed)
    }

    fn allow(&self, options: &SourceOptions) {
        self.series_max.store(options.series_max, Ordering::Relaxed);
        self.reserved_names
            .store(options.reserved_names, Ordering::Relaxed);
        self.privileged.store(options.privileged, Ordering::Relaxed);
    }
}

/// All accounts, and the count of series in all.
pub(crate) struct Accounts {
    limits: Limits,
    in_all: AtomicU32,
    /// By id.
    accounts: RwLock<Vec<Arc<Account>>>,
}

/// Which limit stands in the way of one more series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Source(u32),
    All(u32),
}

impl Accounts {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            in_all: AtomicU32::new(0),
            accounts: RwLock::default(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The account of this name, with these options from now on; `None` if there are too many.
    pub(crate) fn open(&self, name: &str, options: &SourceOptions) -> Option<Arc<Account>> {
        let mut accounts = self.accounts.write();
        if let Some(known) = accounts.iter().find(|account| &*account.name == name) {
            known.allow(options);
            return Some(Arc::clone(known));
        }
        let id = u16::try_from(accounts.len())
            .ok()
            .filter(|&id| id < self.limits.sources)?;
        let account = Arc::new(Account {
            name: name.into(),
            id,
            series_max: AtomicU32::new(0),
            reserved_names: AtomicBool::new(false),
            privileged: AtomicBool::new(false),
            series: AtomicU32::new(0),
            drops: Drops::default(),
        });
        account.allow(options);
        accounts.push(Arc::clone(&account));
        Some(account)
    }

    /// The name of the account with this id.
    pub(crate) fn name(&self, id: u16) -> String {
        let accounts = self.accounts.read();
        accounts
            .get(usize::from(id))
            .map_or_else(String::new, |account| account.name.to_string())
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Account>> {
        self.accounts
            .read()
            .iter()
            .find(|account| &*account.name == name)
            .cloned()
    }

    /// Counts one more series, or says what is full.
    pub(crate) fn reserve(&self, account: &Account) -> Result<(), Full> {
        if !up_to(&account.series, account.series_max()) {
            return Err(Full::Source(account.series_max()));
        }
        if !up_to(&self.in_all, self.limits.series_in_all) {
            account.series.fetch_sub(1, Ordering::Relaxed);
            return Err(Full::All(self.limits.series_in_all));
        }
        Ok(())
    }

    /// Counts one series less, by its owner's id.
    pub(crate) fn release(&self, owner: u16) {
        if let Some(account) = self.accounts.read().get(usize::from(owner)) {
            account.series.fetch_sub(1, Ordering::Relaxed);
            self.in_all.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Counts a drop against an owner known by its id.
    pub(crate) fn count(&self, owner: u16, reason: Reason) {
        if let Some(account) = self.accounts.read().get(usize::from(owner)) {
            account.drops.count(reason);
        }
    }

    pub(crate) fn in_all(&self) -> u32 {
        self.in_all.load(Ordering::Relaxed)
    }

    pub(crate) fn drops(&self) -> Vec<DropCount> {
        let accounts = self.accounts.read();
        let counted = accounts.iter().flat_map(|account| {
            REASONS.iter().filter_map(move |&(reason, _)| {
                let count = account.drops.get(reason);
                // Nearly every one is 0, and this is asked at every gather.
                (count > 0).then(|| DropCount {
                    source: account.name.to_string(),
                    reason,
                    count,
                })
            })
        });
        counted.collect()
    }
}

/// One more, unless that would be more than `most`.
fn up_to(count: &AtomicU32, most: u32) -> bool {
    count
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            (now < most).then(|| now + 1)
        })
        .is_ok()
}
