//! From the hash of label values to a series: open addressing over eight bytes an entry.
//!
//! An entry keeps half of the hash and where the series is; the caller compares the text. Deletion
//! shifts followers back, so there are no tombstones and a family may churn for ever.

/// Where a series is in its family: segment and position, as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeriesPlace(u32);

impl SeriesPlace {
    /// `None` beyond 2^24 segments, which no store reaches.
    pub(crate) fn new(segment: usize, position: usize) -> Option<Self> {
        let segment = u32::try_from(segment)
            .ok()
            .filter(|&number| number < (1 << 24) - 1)?;
        let position = u8::try_from(position).ok()?;
        Some(Self(segment << 8 | u32::from(position)))
    }

    pub(crate) fn segment(self) -> usize {
        (self.0 >> 8) as usize
    }

    pub(crate) fn position(self) -> usize {
        (self.0 & 0xff) as usize
    }
}

/// `hash << 32 | place + 1`; 0 is empty.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Box<[u64]>,
    used: usize,
}

impl Index {
    /// The place whose hash is `hash` and for which `is_it` says so.
    pub(crate) fn find(
        &self,
        hash: u32,
        mut is_it: impl FnMut(SeriesPlace) -> bool,
    ) -> Option<SeriesPlace> {
        let mask = self.entries.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let entry = self.entries[at];
            if entry == 0 {
                return None;
            }
            if (entry >> 32) as u32 == hash && is_it(place_of(entry)) {
                return Some(place_of(entry));
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a place that is not there yet.
    pub(crate) fn insert(&mut self, hash: u32, place: SeriesPlace) {
        // Seven eighths full is where linear probing starts to hurt.
        if (self.used + 1) * 8 > self.entries.len() * 7 {
            self.grow();
        }
        self.used += 1;
        put(
            &mut self.entries,
            u64::from(hash) << 32 | u64::from(place.0 + 1),
        );
    }

    /// Takes a place out.
    pub(crate) fn remove(&mut self, hash: u32, place: SeriesPlace) -> bool {
        let Some(mask) = self.entries.len().checked_sub(1) else {
            return false;
        };
        let wanted = u64::from(hash) << 32 | u64::from(place.0 + 1);
        let mut hole = hash as usize & mask;
        while self.entries[hole] != wanted {
            if self.entries[hole] == 0 {
                return false;
            }
            hole = (hole + 1) & mask;
        }
        let mut next = (hole + 1) & mask;
        while self.entries[next] != 0 {
            let home = (self.entries[next] >> 32) as usize & mask;
            // The follower may move back if its home is not after the hole.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.entries[hole] = self.entries[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.entries[hole] = 0;
        self.used -= 1;
        true
    }

    fn grow(&mut self) {
        let room = (self.entries.len() * 2).max(4);
        let old = std::mem::replace(&mut self.entries, vec![0; room].into_boxed_slice());
        old.iter()
            .filter(|&&entry| entry != 0)
            .for_each(|&entry| put(&mut self.entries, entry));
    }
}

fn place_of(entry: u64) -> SeriesPlace {
    SeriesPlace(entry as u32 - 1)
}

fn put(entries: &mut [u64], entry: u64) {
    let mask = entries.len() - 1;
    let mut at = (entry >> 32) as usize & mask;
    while entries[at] != 0 {
        at = (at + 1) & mask;
    }
    entries[at] = entry;
}

#[cfg(test)]
mod tests {
    use std::collections::hash_map::Entry;

    use super::*;

    #[test]
    fn entries_survive_growth_collisions_and_removal() {
        let mut index = Index::default();
        let mut model = std::collections::HashMap::new();
        let mut random = 1_u64;
        for step in 0..20_000_usize {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // Few distinct hashes: long runs, so that shifting back is exercised.
            let hash = ((random >> 33) % 97) as u32;
            let place = SeriesPlace::new((random >> 40) as usize % 50, step % 256).unwrap();
            if (random >> 20).is_multiple_of(3) {
                let known = model.remove(&place.0);
                assert_eq!(index.remove(known.unwrap_or(hash), place), known.is_some());
            } else if let Entry::Vacant(vacant) = model.entry(place.0) {
                index.insert(hash, place);
                vacant.insert(hash);
            }
        }
        assert_eq!(index.used, model.len());
        for (&number, &hash) in &model {
            assert_eq!(
                index.find(hash, |place| place.0 == number),
                Some(SeriesPlace(number))
            );
        }
        assert_eq!(index.find(98, |_| true), None);
    }

    #[test]
    fn an_empty_index_answers() {
        let mut index = Index::default();
        assert_eq!(index.find(1, |_| true), None);
        assert!(!index.remove(1, SeriesPlace::new(0, 0).unwrap()));
    }
}
