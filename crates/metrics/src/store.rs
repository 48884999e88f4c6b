//! What all families of a registry share: cells, slots, accounts, the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::account::Accounts;
use crate::cells::Cells;
use crate::clock::Clock;
use crate::hash::Keys;
use crate::limits::Limits;
use crate::rows::SEGMENT_SERIES_MAX;
use crate::slot::SlotSpace;

pub(crate) struct Store {
    pub(crate) cells: Arc<Cells>,
    pub(crate) slots: SlotSpace,
    pub(crate) accounts: Accounts,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) hash_keys: Keys,
    structures: AtomicU64,
}

impl Store {
    pub(crate) fn new(limits: Limits, clock: Box<dyn Clock>) -> Self {
        Self {
            cells: Cells::new(),
            slots: SlotSpace::default(),
            accounts: Accounts::new(limits),
            clock,
            hash_keys: Keys::new(),
            structures: AtomicU64::new(1),
        }
    }

    /// A structure number that nothing in this store has used, with room for a segment's rows.
    pub(crate) fn next_structure(&self) -> u64 {
        self.structures
            .fetch_add(SEGMENT_SERIES_MAX as u64 + 1, Ordering::Relaxed)
    }
}
