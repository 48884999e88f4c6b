//! Series that this thread has looked up before: a small direct-mapped table per thread.
//!
//! A hit needs the same family, no removal in it since, and the very same label values, so it can
//! never answer with a stranger; a miss costs a few nanoseconds and goes to the family's own index.
//! Nothing in here is shared, which is what keeps a look-up flat under contention.

use std::cell::RefCell;

use crate::slot::Slot;

/// Entries per thread that looks up series by labels (a power of two).
const ENTRIES: usize = 1024;
/// Label values longer than this in all are not kept.
const KEY_BYTES_MAX: usize = 512;
/// Ends each value in a key; never part of UTF-8, so keys of different values differ.
const SEPARATOR: u8 = 0xff;

struct Entry {
    hash: u64,
    family: u64,
    removals: u64,
    slot: Slot,
    key: Vec<u8>,
}

/// What a look-up is about: which family, and in which state.
#[derive(Clone, Copy)]
pub(crate) struct Key<'a> {
    /// Unique number of the family in the process; never 0.
    pub(crate) family: u64,
    /// The family's count of removals when asked.
    pub(crate) removals: u64,
    /// Hash of the values.
    pub(crate) hash: u64,
    pub(crate) values: &'a [&'a str],
}

thread_local! {
    static KNOWN: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// The slot of a series that this thread has met.
#[inline]
pub(crate) fn find(key: Key<'_>) -> Option<Slot> {
    KNOWN
        .try_with(|known| {
            let known = known.try_borrow().ok()?;
            let entry = known.get(key.hash as usize % ENTRIES)?;
            let same = entry.hash == key.hash
                && entry.family == key.family
                && entry.removals == key.removals
                && same_values(&entry.key, key.values);
            same.then_some(entry.slot)
        })
        .ok()?
}

/// Keeps the answer for the next time.
#[cold]
pub(crate) fn keep(key: Key<'_>, slot: Slot) {
    let bytes: usize = key.values.iter().map(|value| value.len() + 1).sum();
    if bytes > KEY_BYTES_MAX {
        return;
    }
    // A thread that is ending has no table; the index answers it.
    _ = KNOWN.try_with(|known| {
        let Ok(mut known) = known.try_borrow_mut() else {
            return;
        };
        if known.is_empty() {
            known.extend((0..ENTRIES).map(|_| Entry {
                hash: 0,
                family: 0,
                removals: 0,
                slot,
                key: Vec::new(),
            }));
        }
        let entry = &mut known[key.hash as usize % ENTRIES];
        entry.key.clear();
        for value in key.values {
            entry.key.extend_from_slice(value.as_bytes());
            entry.key.push(SEPARATOR);
        }
        (entry.hash, entry.family, entry.removals, entry.slot) =
            (key.hash, key.family, key.removals, slot);
    });
}

#[inline]
fn same_values(key: &[u8], values: &[&str]) -> bool {
    let mut rest = key;
    for value in values {
        let Some((front, after)) = rest.split_at_checked(value.len()) else {
            return false;
        };
        let Some((&SEPARATOR, after)) = after.split_first() else {
            return false;
        };
        if !same(front, value.as_bytes()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// Compares slices of equal length in whole words; a call to `memcmp` costs more than short values do.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    let len = a.len();
    if len != b.len() {
        return false;
    }
    if let (Some(a_front), Some(b_front), Some(a_back), Some(b_back)) = (
        a.first_chunk::<8>(),
        b.first_chunk::<8>(),
        a.last_chunk::<8>(),
        b.last_chunk::<8>(),
    ) {
        if a_front != b_front || a_back != b_back {
            return false;
        }
        return len <= 16 || a[8..len - 8] == b[8..len - 8];
    }
    if let (Some(a_front), Some(b_front), Some(a_back), Some(b_back)) = (
        a.first_chunk::<4>(),
        b.first_chunk::<4>(),
        a.last_chunk::<4>(),
        b.last_chunk::<4>(),
    ) {
        return a_front == b_front && a_back == b_back;
    }
    // At most three bytes.
    a.first() == b.first() && a.get(1) == b.get(1) && a.get(2) == b.get(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_compare_like_bytes_do() {
        for len in 0..70 {
            let a: Vec<u8> = (0..len).collect();
            assert!(same(&a, &a.clone()), "{len}");
            for at in 0..a.len() {
                let mut b = a.clone();
                b[at] ^= 1;
                assert!(!same(&a, &b), "{len} {at}");
            }
        }
    }

    #[test]
    fn a_hit_needs_family_removals_and_every_value() {
        let key = |values| Key {
            family: u64::MAX,
            removals: 3,
            hash: 77,
            values,
        };
        let slot = Slot::from_raw(12).unwrap();
        keep(key(&["ab", "c"]), slot);
        assert_eq!(find(key(&["ab", "c"])), Some(slot));
        for other in [
            &["a", "bc"][..],
            &["ab"],
            &["ab", "c", ""],
            &["ab", "d"],
            &[],
        ] {
            assert_eq!(find(key(other)), None, "{other:?}");
        }
        assert_eq!(
            find(Key {
                removals: 4,
                ..key(&["ab", "c"])
            }),
            None
        );
        assert_eq!(
            find(Key {
                family: 5,
                ..key(&["ab", "c"])
            }),
            None
        );
    }
}
