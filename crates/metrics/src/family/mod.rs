//! One family at work: finding, making and removing its series.
//!
//! Readers take `segments` and never wait. A look-up of a series this thread has met takes no lock
//! either; everything else goes through the family's own mutex, which is never held while a page is
//! gathered.

mod expire;
mod last_seen;
mod retire;
mod retired;
mod series_set;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use meterbox_names::{VALUE_BYTES_MAX, push_label};
use parking_lot::{Mutex, RwLock};

use crate::account::Account;
use crate::buckets::Buckets;
use crate::cells::Cells;
use crate::descriptor::{Descriptor, Shape};
use crate::error::SeriesError;
use crate::hash::Keys;
use crate::kind::Kind;
use crate::lookup_cache;
use crate::name::LabelName;
use crate::reason::Reason;
use crate::segment::Segment;
use crate::series::Series;
use crate::slot::Slot;
use crate::store::Store;
use series_set::SeriesSet;

/// Numbers of families; never used twice in a process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

pub(crate) struct Core {
    id: u64,
    pub(crate) store: Arc<Store>,
    pub(crate) shape: Shape,
    pub(crate) descriptor: Descriptor,
    /// The store's cells, one step nearer.
    pub(crate) cells: Arc<Cells>,
    pub(crate) buckets: Buckets,
    pub(crate) segments: ArcSwap<Vec<Arc<Segment>>>,
    /// Removals so far: a kept look-up from before one is not believed.
    removals: AtomicU64,
    hash_keys: Keys,
    set: Mutex<SeriesSet>,
    /// Shown whichever name sets are chosen: somebody registered it in none.
    always_shown: AtomicBool,
    /// Registered by a privileged source: no other's family goes before it.
    privileged: AtomicBool,
    /// Those who registered this family, the first first.
    pub(crate) sources: RwLock<Vec<Arc<Account>>>,
}

impl Core {
    pub(crate) fn new(
        store: Arc<Store>,
        descriptor: Descriptor,
        shape: Shape,
        first: Arc<Account>,
    ) -> Arc<Self> {
        Arc::new(Self {
            always_shown: AtomicBool::new(descriptor.set.is_none()),
            privileged: AtomicBool::new(first.privileged()),
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            cells: Arc::clone(&store.cells),
            hash_keys: store.hash_keys.clone(),
            buckets: Buckets::new(&shape.bounds),
            store,
            shape,
            descriptor,
            segments: ArcSwap::default(),
            removals: AtomicU64::new(0),
            set: Mutex::default(),
            sources: RwLock::new(vec![first]),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.shape.kind
    }

    /// Cells of a series.
    pub(crate) fn width(&self) -> usize {
        self.shape.kind.width(self.shape.bounds.len())
    }

    /// The first cell of the series with these label values, made if it is new.
    ///
    /// Good for one write at once: a series that is removed meanwhile takes the value with it. Its
    /// cells are not used again for far longer than a write takes.
    #[inline(always)]
    pub(crate) fn slot(&self, account: &Account, values: &[&str]) -> Result<Slot, SeriesError> {
        match self.lookup_cache(account, values) {
            Some(slot) => Ok(slot),
            None => self.slot_slowly(account, values),
        }
    }

    /// The family as one source sees it, for look-ups that are kept: what one source may write to,
    /// another may not.
    #[inline(always)]
    fn known_as(&self, account: &Account) -> u64 {
        self.id << u16::BITS | u64::from(account.id)
    }

    /// What this thread has looked up before.
    #[inline]
    fn lookup_cache(&self, account: &Account, values: &[&str]) -> Option<Slot> {
        lookup_cache::find(lookup_cache::SeriesKey {
            family: self.known_as(account),
            removals: self.removals.load(Ordering::Acquire),
            hash: self.hash_keys.hash(values),
            values,
        })
    }

    #[cold]
    #[inline(never)]
    fn slot_slowly(&self, account: &Account, values: &[&str]) -> Result<Slot, SeriesError> {
        let hash = self.hash_keys.hash(values);
        let mut set = self.set.lock();
        // Under the lock, so that no removal comes between this count and the slot.
        let removals = self.removals.load(Ordering::Acquire);
        let (segment, position) = self.find_or_make(&mut set, account, hash, values)?;
        let slot = segment.slot(position);
        drop(set);
        let family = self.known_as(account);
        lookup_cache::keep(
            lookup_cache::SeriesKey {
                family,
                removals,
                hash,
                values,
            },
            slot,
        );
        Ok(slot)
    }

    /// A handle to the series with these label values, made if it is new.
    pub(crate) fn series(
        self: &Arc<Self>,
        account: &Account,
        values: &[&str],
    ) -> Result<Series, SeriesError> {
        let hash = self.hash_keys.hash(values);
        let mut set = self.set.lock();
        let (segment, position) = self.find_or_make(&mut set, account, hash, values)?;
        // Under the lock, so that `expire` sees either the handle or no series.
        Ok(Series::new(Arc::clone(self), segment, position))
    }

    fn find_or_make(
        &self,
        set: &mut SeriesSet,
        account: &Account,
        hash: u64,
        values: &[&str],
    ) -> Result<(Arc<Segment>, usize), SeriesError> {
        let refuse = |reason, error| {
            account.drops.count(reason);
            Err(error)
        };
        let labels = &self.shape.labels;
        if values.len() != labels.len() {
            let (metric, wanted, got) = (self.metric(), labels.len(), values.len());
            return refuse(
                Reason::LabelCount,
                SeriesError::LabelCount {
                    metric,
                    wanted,
                    got,
                },
            );
        }
        // Before anything is copied: a value may have any length.
        if let Some(at) = values
            .iter()
            .position(|value| value.len() > VALUE_BYTES_MAX)
        {
            let (label, bytes) = (labels[at].to_string(), values[at].len());
            let error = SeriesError::ValueTooLong {
                metric: self.metric(),
                label,
                bytes,
            };
            return refuse(Reason::ValueTooLong, error);
        }
        render(labels, values, &mut set.block);
        if let Some(place) = set.place(hash as u32) {
            let owner = set.owner(place);
            if self.may_touch(account, owner) {
                return Ok(set.at(place));
            }
            let error = SeriesError::NotOwner {
                metric: self.metric(),
                source_name: account.name.to_string(),
                owner: self.store.accounts.name(owner),
            };
            return refuse(Reason::NotOwner, error);
        }
        set.make(self, account, hash as u32)
            .or_else(|full| refuse(full.reason(), full.error(self, account)))
    }

    /// Whether a source may have series here: what a privileged source registered is its own, unless it
    /// is shared.
    pub(crate) fn is_open_to(&self, account: &Account) -> bool {
        let is_guest = self.is_privileged() && !account.privileged();
        !is_guest
            || self.descriptor.shared
            || self
                .sources
                .read()
                .iter()
                .any(|lookup_cache| lookup_cache.id == account.id)
    }

    /// Whether a source may write to and remove what `owner` made.
    fn may_touch(&self, account: &Account, owner: u16) -> bool {
        self.descriptor.shared || account.id == owner
    }

    /// Removes the series with these label values, or says that it has not.
    pub(crate) fn remove(&self, account: &Account, values: &[&str]) -> bool {
        let too_long = |value: &&str| value.len() > VALUE_BYTES_MAX;
        if values.len() != self.shape.labels.len() || values.iter().any(too_long) {
            return false;
        }
        let hash = self.hash_keys.hash(values);
        let mut set = self.set.lock();
        render(&self.shape.labels, values, &mut set.block);
        let Some(place) = set.place(hash as u32) else {
            return false;
        };
        if !self.may_touch(account, set.owner(place)) {
            account.drops.count(Reason::NotOwner);
            return false;
        }
        set.remove_at(self, place)
    }

    /// Removes every series that `source` made and forgets it as a registrant. Says how many series
    /// went, and whether nobody uses the family any more.
    pub(crate) fn leave(&self, source: u16) -> (usize, bool) {
        let mut set = self.set.lock();
        let segments = 0..set.segments.len();
        let removed = segments
            .map(|number| set.remove_in(self, number, |_, made| made.owner == source))
            .sum();
        let mut sources = self.sources.write();
        sources.retain(|account| account.id != source);
        (removed, sources.is_empty())
    }

    /// Adds a registrant.
    pub(crate) fn join(&self, account: &Arc<Account>) {
        if account.privileged() {
            self.privileged.store(true, Ordering::Relaxed);
        }
        let mut sources = self.sources.write();
        if !sources
            .iter()
            .any(|lookup_cache| lookup_cache.id == account.id)
        {
            sources.push(Arc::clone(account));
        }
    }

    /// Shows the family whichever sets are chosen from now on. Says whether that is new.
    pub(crate) fn show_always(&self) -> bool {
        !self.always_shown.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_privileged(&self) -> bool {
        self.privileged.load(Ordering::Relaxed)
    }

    pub(crate) fn is_always_shown(&self) -> bool {
        self.always_shown.load(Ordering::Relaxed)
    }

    /// Series alive now.
    pub(crate) fn series_len(&self) -> usize {
        self.set.lock().len()
    }

    pub(crate) fn metric(&self) -> String {
        self.shape.name.to_string()
    }
}

/// Writes the block of these labels over `out`. Both slices have the same length.
fn render(names: &[LabelName], values: &[&str], out: &mut String) {
    out.clear();
    for (name, value) in names.iter().zip(values) {
        push_label(out, 0, name.as_str(), value);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // No handle is left, or it would hold this family: the blocks are free at once.
        self.set
            .get_mut()
            .give_all_back(&self.store, self.shape.kind.storage());
    }
}
