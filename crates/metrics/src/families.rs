//! All families of a registry, and who may add one.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::account::Account;
use crate::descriptor::Descriptor;
use crate::error::RegisterError;
use crate::family::Core;
use crate::reason::Reason;
use crate::store::Store;
use crate::table::{Change, Refusal, Table};

pub(crate) struct Families {
    pub(crate) store: Arc<Store>,
    pub(crate) reserved_prefixes: Vec<String>,
    pub(crate) reserved_sets: Vec<String>,
    pub(crate) table: Mutex<Table>,
    /// What a page shows, in its order; remade when a family or the choice of sets changes.
    pub(crate) shown: ArcSwap<Vec<Arc<Core>>>,
}

impl Families {
    /// Whether a name starts with a reserved prefix.
    pub(crate) fn reserves(&self, name: &str) -> bool {
        let mut starts = self.reserved_prefixes.iter();
        starts.any(|start| name.starts_with(start.as_str()))
    }

    pub(crate) fn register(
        &self,
        account: &Arc<Account>,
        descriptor: &Descriptor,
    ) -> Result<Arc<Core>, Refusal> {
        let shape = descriptor
            .check()
            .map_err(|error| (reason_of(&error), error))?;
        let reserved = |start: &&String| descriptor.name.starts_with(start.as_str());
        if !account.reserved_names()
            && let Some(prefix) = self.reserved_prefixes.iter().find(reserved)
        {
            let (metric, prefix) = (descriptor.name.clone(), prefix.clone());
            let error = RegisterError::ReservedPrefix { metric, prefix };
            return Err((Reason::ReservedName, error));
        }
        if !account.reserved_names()
            && let Some(set) = &descriptor.set
            && self.reserved_sets.contains(set)
        {
            let (metric, set) = (descriptor.name.clone(), set.clone());
            return Err((
                Reason::ReservedName,
                RegisterError::ReservedSet { metric, set },
            ));
        }
        let mut table = self.table.lock();
        let (core, change) = table.register(&self.store, account, descriptor, shape)?;
        match change {
            Change::None => {}
            Change::NewName => {
                if let Some(page) = table.page_with(&self.shown.load(), &core) {
                    self.shown.store(Arc::new(page));
                }
            }
            Change::Forms => self.shown.store(Arc::new(table.page())),
        }
        Ok(core)
    }
}

fn reason_of(error: &RegisterError) -> Reason {
    match error {
        RegisterError::Bounds { .. } | RegisterError::TooLong { .. } => Reason::BadDescriptor,
        _ => Reason::BadName,
    }
}
