//! A map for keys that come in the same order each time, as the kernel prints them: the next key is
//! found by comparing it with the one that followed last time, and only a surprise is hashed.

use std::collections::HashMap;

/// More different keys than any kernel prints; with so many it begins anew.
const KEYS_MAX: usize = 1 << 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct InOrder<T> {
    entries: Vec<(Box<str>, T)>,
    places: HashMap<Box<str>, usize>,
    last: usize,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            places: HashMap::new(),
            last: 0,
        }
    }
}

impl<T> InOrder<T> {
    /// What belongs to `key`, if it is known.
    pub(crate) fn get(&mut self, key: &str) -> Option<&mut T> {
        let is_at = |place: &usize| self.entries.get(*place).is_some_and(|(is, _)| &**is == key);
        let near = [self.last + 1, self.last].into_iter().find(is_at);
        let place = near.or_else(|| self.places.get(key).copied())?;
        self.last = place;
        Some(&mut self.entries[place].1)
    }

    /// What belongs to `key`; made when it is met for the first time.
    pub(crate) fn get_or(&mut self, key: &str, make: impl FnOnce() -> T) -> &mut T {
        if self.get(key).is_none() {
            if self.entries.len() == KEYS_MAX {
                *self = Self::default();
            }
            self.last = self.entries.len();
            self.places.insert(key.into(), self.last);
            self.entries.push((key.into(), make()));
        }
        &mut self.entries[self.last].1
    }

    /// All of them, in the order in which they were first met.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_order_and_made_once() {
        let mut map = InOrder::default();
        for (round, keys) in ["abc", "abc", "cab", "bbdca"].into_iter().enumerate() {
            for key in keys.chars().map(String::from) {
                let made = map.get_or(&key, || (key.clone(), round)).clone();
                assert_eq!(made.0, key);
                assert_eq!(made.1, if key == "d" { 3 } else { 0 });
            }
        }
        let order: Vec<&str> = map.values().map(|(key, _)| key.as_str()).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
        assert!(map.get("e").is_none());
    }
}
