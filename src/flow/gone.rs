//! Flows that left the table early, so that packets that come late for them start none of their own.
//!
//! What enters: 64-bit hashes of ends, with a value each. What leaves: the value of a hash that is there. Guaranteed: an
//! entry costs little more than its own bytes (most stand in one sorted list, the latest beside it in a table; half as
//! much is needed for a moment when they are put together), and putting one in takes a few moves on average.

use hashbrown::HashTable;

/// Latest entries that stand in the table at least, whatever stands in the list.
const LATEST_MIN: usize = 512;

/// Values by hashes that are taken to be unique.
#[derive(Debug)]
pub(super) struct Gone<T> {
    /// Sorted by hash.
    settled: Vec<(u64, T)>,
    latest: HashTable<(u64, T)>,
}

impl<T> Default for Gone<T> {
    fn default() -> Self {
        Gone { settled: Vec::new(), latest: HashTable::new() }
    }
}

impl<T: Copy> Gone<T> {
    /// Puts a value in, or in the place of the one with the same hash.
    pub(super) fn insert(&mut self, hash: u64, value: T) {
        if let Some(known) = self.place(hash).and_then(|at| self.settled.get_mut(at)) {
            known.1 = value;
        } else if let Some(known) = self.latest.find_mut(hash, |known| known.0 == hash) {
            known.1 = value;
        } else {
            self.latest.insert_unique(hash, (hash, value), |known| known.0);
            // So few that they take little memory, so many that the list is seldom moved.
            if self.latest.len() >= (self.settled.len() / 8).max(LATEST_MIN) {
                self.settle();
            }
        }
    }

    /// The value of a hash.
    pub(super) fn get(&self, hash: u64) -> Option<T> {
        let settled = || self.place(hash).and_then(|at| self.settled.get(at));
        self.latest.find(hash, |known| known.0 == hash).or_else(settled).map(|known| known.1)
    }

    /// Where a hash stands in the list.
    fn place(&self, hash: u64) -> Option<usize> {
        self.settled.binary_search_by_key(&hash, |known| known.0).ok()
    }

    /// Moves the latest entries to the list.
    fn settle(&mut self) {
        self.settled.reserve_exact(self.latest.len());
        self.settled.extend(self.latest.drain());
        // A stable sort finds the long run that is in order and merges the rest into it.
        self.settled.sort_by_key(|known| known.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_is_a_map(list in proptest::collection::vec((0u64..3000, any::<u32>()), 0..6000)) {
            let (mut gone, mut map) = (Gone::default(), HashMap::new());
            for (key, value) in list {
                let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                gone.insert(hash, value);
                map.insert(hash, value);
            }
            for key in 0..3000u64 {
                let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                prop_assert_eq!(gone.get(hash), map.get(&hash).copied());
            }
            prop_assert!(gone.latest.len() <= LATEST_MIN);
        }
    }
}
