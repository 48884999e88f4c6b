//! The keyed hash of a series' label values.
//!
//! Made for a handful of short strings: each is folded on its own, so that the multiplications of all
//! of them are under way at once. Keys differ in every store, and whoever uses the hash compares
//! the values as well.

use std::hash::{BuildHasher, RandomState};

/// Longest value that is hashed by its words; longer ones go to the standard library.
const SHORT_MAX: usize = 64;

/// The keys of one store.
#[derive(Clone)]
pub(crate) struct Keys {
    first: u64,
    second: u64,
    others: RandomState,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let others = RandomState::new();
        Self {
            first: others.hash_one(1_u8),
            second: others.hash_one(2_u8),
            others,
        }
    }

    /// The hash of these values.
    #[inline(always)]
    pub(crate) fn hash(&self, values: &[&str]) -> u64 {
        let mut all = 0_u64;
        let mut key = self.first;
        for value in values {
            // Each place has a key of its own, so that values which change places do not cancel out.
            key = key.wrapping_add(STEP);
            all = all.wrapping_add(self.one(key, value.as_bytes()));
        }
        fold(all ^ key, STEP)
    }

    #[inline(always)]
    fn one(&self, key: u64, bytes: &[u8]) -> u64 {
        let other = self.second ^ bytes.len() as u64;
        let (front, back) = ends(bytes);
        if bytes.len() <= 16 {
            return fold(front ^ key, back ^ other);
        }
        if bytes.len() > SHORT_MAX {
            return self.long(key, bytes);
        }
        let mut hash = fold(front ^ key, back ^ other);
        let mut rest = &bytes[8..bytes.len() - 8];
        while let Some((word, after)) = rest.split_first_chunk() {
            hash = fold(hash ^ u64::from_le_bytes(*word), other);
            rest = after;
        }
        if rest.is_empty() {
            return hash;
        }
        // The last bytes before the last eight, with some of those before them.
        let word = bytes[..bytes.len() - 8]
            .last_chunk()
            .map_or(0, |word| u64::from_le_bytes(*word));
        fold(hash ^ word, other)
    }

    #[cold]
    #[inline(never)]
    fn long(&self, key: u64, bytes: &[u8]) -> u64 {
        self.others.hash_one((key, bytes))
    }
}

/// All bytes of at most 16, as two words that may overlap; of more, the first and last eight.
#[inline(always)]
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u64::from_le_bytes(*front), u64::from_le_bytes(*back));
    }
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (
            u32::from_le_bytes(*front).into(),
            u32::from_le_bytes(*back).into(),
        );
    }
    match *bytes {
        [] => (0, 0),
        [a] => (a.into(), 0),
        [a, b] => (a.into(), b.into()),
        [a, b, c, ..] => (u64::from(a) | u64::from(b) << 8, c.into()),
    }
}

/// Multiplies to twice the width and folds the halves together.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// An odd number with well spread bits (2^64 divided by the golden ratio).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_byte_of_every_length_counts() {
        let keys = Keys::new();
        for len in 0..150 {
            let text = "x".repeat(len);
            let plain = keys.hash(&["head", &text, "tail"]);
            for at in 0..len {
                let mut changed = text.clone();
                changed.replace_range(at..=at, "y");
                assert_ne!(
                    plain,
                    keys.hash(&["head", &changed, "tail"]),
                    "byte {at} of {len}"
                );
            }
        }
    }

    #[test]
    fn places_lengths_and_number_count() {
        let keys = Keys::new();
        let (zero, long) = ("\0".repeat(3), "x".repeat(100));
        let all = [
            &[][..],
            &[""],
            &["", ""],
            &["a", "b"],
            &["b", "a"],
            &["ab", ""],
            &["", "ab"],
            &["a"],
            &["a", "b", ""],
            &[&zero],
            &[&zero[1..]],
            &["12345678"],
            &["12345678", "12345678"],
            &["1234567812345678"],
            &[&long],
            &[&long[..99]],
            &["", &long],
        ];
        let hashes: HashSet<_> = all.iter().map(|one| keys.hash(one)).collect();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn counting_label_values_spread_over_both_halves() {
        let keys = Keys::new();
        let hashes = (0..100_000_u32).map(|n| keys.hash(&["resnet", &n.to_string(), "predict"]));
        let (mut low, mut high) = (HashSet::new(), HashSet::new());
        for hash in hashes {
            low.insert(hash as u32 & 0x1_ffff);
            high.insert((hash >> 32) as u32 & 0x1_ffff);
        }
        // 100,000 balls in 131,072 boxes hit 69,950 on average.
        assert!((69_000..71_000).contains(&low.len()), "{}", low.len());
        assert!((69_000..71_000).contains(&high.len()), "{}", high.len());
    }
}
