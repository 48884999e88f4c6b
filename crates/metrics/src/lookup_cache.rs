//! Series that this thread has looked up before: a small direct-mapped table per thread.
//!
//! A hit needs the same family, no removal in it since, and the very same label values, so it can
//! never answer with a stranger; a miss costs a few nanoseconds and goes to the family's own index.
//! Nothing in here is shared, which is what keeps a look-up flat under contention.

use std::cell::RefCell;

use crate::slot::Slot;

/// Entries per thread that looks up series by labels (a power of two).
const ENTRIES: usize = 512;
/// Label values that are longer in all are not kept; see `and_end`.
const KEY_BYTES_MAX: usize = 500;
/// Nor are more values than this.
const VALUES_MAX: usize = 7;

struct CachedSeries {
    hash: u64,
    family: u64,
    removals: u64,
    /// The values, back to back.
    key: Vec<u8>,
    /// Where each value ends in `key`, all in one word; see `ends`.
    ends: u64,
    values: usize,
    slot: Slot,
}

/// What a look-up is about: which family, in which state, and which labels.
#[derive(Clone, Copy)]
pub(crate) struct SeriesKey<'a> {
    /// Unique number of the family in the process; never 0.
    pub(crate) family: u64,
    /// The family's count of removals when asked.
    pub(crate) removals: u64,
    /// Hash of the values.
    pub(crate) hash: u64,
    pub(crate) values: &'a [&'a str],
}

thread_local! {
    static CACHE: RefCell<Vec<CachedSeries>> = const { RefCell::new(Vec::new()) };
}

/// The slot of a series that this thread has met.
#[inline(always)]
pub(crate) fn find(key: SeriesKey<'_>) -> Option<Slot> {
    CACHE
        .try_with(|cache| {
            let cache = cache.try_borrow().ok()?;
            let entry = cache.get(place(key))?;
            let same = entry.hash == key.hash
                && entry.family == key.family
                && entry.removals == key.removals
                && same_values(entry, key.values);
            same.then_some(entry.slot)
        })
        .ok()?
}

/// Keeps the answer for the next time.
#[cold]
pub(crate) fn keep(key: SeriesKey<'_>, slot: Slot) {
    let bytes: usize = key.values.iter().map(|value| value.len()).sum();
    if bytes > KEY_BYTES_MAX || key.values.len() > VALUES_MAX {
        return;
    }
    // A thread that is ending has no table; the index answers it.
    _ = CACHE.try_with(|cache| {
        let Ok(mut cache) = cache.try_borrow_mut() else {
            return;
        };
        if cache.is_empty() {
            let empty = || CachedSeries {
                hash: 0,
                family: 0,
                removals: 0,
                key: Vec::new(),
                ends: 0,
                values: 0,
                slot,
            };
            cache.resize_with(ENTRIES, empty);
        }
        let entry = &mut cache[place(key)];
        entry.key.clear();
        (entry.ends, entry.values) = (0, key.values.len());
        for value in key.values {
            entry.key.extend_from_slice(value.as_bytes());
            entry.ends = and_end(entry.ends, entry.key.len());
        }
        (entry.hash, entry.family, entry.removals, entry.slot) =
            (key.hash, key.family, key.removals, slot);
    });
}

/// The place of a look-up; families with the same labels lie apart.
#[inline(always)]
fn place(key: SeriesKey<'_>) -> usize {
    (key.hash.wrapping_add(key.family) as usize) % ENTRIES
}

/// Adds an end of a value to those before it: nine bits each, which seven of them fit in.
#[inline(always)]
fn and_end(ends: u64, end: usize) -> u64 {
    ends.rotate_left(9).wrapping_add(end as u64 + 1)
}

#[inline(always)]
fn same_values(entry: &CachedSeries, values: &[&str]) -> bool {
    let (mut ends, mut at) = (0, 0);
    for value in values {
        let end = at + value.len();
        let Some(kept) = entry.key.get(at..end) else {
            return false;
        };
        if !same(kept, value.as_bytes()) {
            return false;
        }
        ends = and_end(ends, end);
        at = end;
    }
    ends == entry.ends && values.len() == entry.values && at == entry.key.len()
}

/// Compares slices of equal length in whole words; a call to `memcmp` costs more than short values do.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    let len = a.len();
    if len > 32 || len != b.len() {
        return a == b;
    }
    macro_rules! by {
        ($width:literal) => {
            if let (Some(a_front), Some(b_front), Some(a_back), Some(b_back)) = (
                a.first_chunk::<$width>(),
                b.first_chunk::<$width>(),
                a.last_chunk::<$width>(),
                b.last_chunk::<$width>(),
            ) {
                return (a_front == b_front) & (a_back == b_back);
            }
        };
    }
    by!(16);
    by!(8);
    by!(4);
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
        let key = |values| SeriesKey {
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
            &["abc", ""],
            &["abc"],
            &["ab"],
            &["ab", "c", ""],
            &["", "abc"],
            &["ab", "d"],
            &[],
        ] {
            assert_eq!(find(key(other)), None, "{other:?}");
        }
        assert_eq!(
            find(SeriesKey {
                removals: 4,
                ..key(&["ab", "c"])
            }),
            None
        );
        assert_eq!(
            find(SeriesKey {
                family: 5,
                ..key(&["ab", "c"])
            }),
            None
        );
    }
}
