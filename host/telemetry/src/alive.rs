//! What is alive under a key, shared by all who ask for it.
//!
//! Two holders of one model version write to the same series. The last one to go takes its gauges off
//! the page, and must not do so while a new one is already using them: both happen under this lock.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// A model's name and version.
pub(super) type Key = (String, String);

pub(super) struct Alive<T>(Mutex<HashMap<Key, Weak<T>>>);

impl<T> Default for Alive<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Alive<T> {
    /// The one that lives under `key`, made if there is none.
    pub(super) fn get(&self, key: Key, make: impl FnOnce(Key) -> T) -> Arc<T> {
        let mut alive = self.0.lock();
        if let Some(found) = alive.get(&key).and_then(Weak::upgrade) {
            return found;
        }
        let made = Arc::new(make(key.clone()));
        alive.insert(key, Arc::downgrade(&made));
        made
    }

    /// To be called while one under `key` is dropped: runs `last` unless a successor is there.
    pub(super) fn gone(&self, key: &Key, last: impl FnOnce()) {
        let mut alive = self.0.lock();
        if alive.get(key).is_some_and(|weak| weak.strong_count() == 0) {
            alive.remove(key);
            last();
        }
    }
}
