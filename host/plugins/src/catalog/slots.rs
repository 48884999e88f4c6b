//! The list of all plugin files.
//!
//! Whoever reads gets the slots as they are at one moment and holds no lock while it looks at them. Only
//! one change is under way at a time (the catalog sees to that), so an index stays what it
//! is throughout a change.

use super::slot::PluginSlot;
use meterbox_plugin_files::{Reason, Refusal};
use parking_lot::Mutex;
use std::sync::Arc;

/// All slots, in the order in which their files were found.
#[derive(Default)]
pub(super) struct PluginSlots(Mutex<Vec<Arc<PluginSlot>>>);

impl PluginSlots {
    /// All of them as they are now.
    pub(super) fn all(&self) -> Vec<Arc<PluginSlot>> {
        self.0.lock().clone()
    }

    /// One of them as it is now.
    pub(super) fn get(&self, index: usize) -> Arc<PluginSlot> {
        self.0.lock()[index].clone()
    }

    /// Adds a slot; gives its index.
    pub(super) fn add(&self, slot: PluginSlot) -> usize {
        let mut slots = self.0.lock();
        slots.push(Arc::new(slot));
        slots.len() - 1
    }

    /// Changes one slot.
    pub(super) fn change<R>(&self, index: usize, change: impl FnOnce(&mut PluginSlot) -> R) -> R {
        change(Arc::make_mut(&mut self.0.lock()[index]))
    }

    /// Changes any of the slots that `wanted` names, all at one moment.
    pub(super) fn change_where<R>(
        &self,
        wanted: impl Fn(usize, &PluginSlot) -> bool,
        mut change: impl FnMut(usize, &mut PluginSlot) -> R,
    ) -> Vec<R> {
        let mut slots = self.0.lock();
        let named = slots.iter_mut().enumerate();
        let named = named.filter(|(index, slot)| wanted(*index, slot));
        named
            .map(|(index, slot)| change(index, Arc::make_mut(slot)))
            .collect()
    }

    /// Takes out of the list what `keep` does not want.
    pub(super) fn retain(&self, mut keep: impl FnMut(&PluginSlot) -> bool) {
        self.0.lock().retain(|slot| keep(slot));
    }

    /// The slot of a plugin; of several files with its name the one in service.
    ///
    /// # Errors
    /// [`Reason::NotFound`].
    pub(super) fn find(&self, name: &str) -> Result<usize, Refusal> {
        let slots = self.0.lock();
        let named = (0..slots.len()).filter(|&index| slots[index].is_called(name));
        let found = named.max_by_key(|&index| slots[index].serving.is_some());
        found.ok_or_else(|| {
            Refusal::new(Reason::NotFound, format!("there is no plugin named {name}"))
        })
    }
}
