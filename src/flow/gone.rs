//! Flows that left the table early, so that packets that come late for them start none of their own.
//!
//! What enters: hashes of ends, with a value each. What leaves: the value of a hash that is there. Guaranteed: hashes are
//! told apart by 56 bits (among a million in one table, two have the same once in 100,000 captures); an entry takes its
//! value and six bytes, and an eighth of that at most for room to grow where there are many; nothing is ever copied but
//! one of 256 lists, so that no second copy of all entries stands in memory.

/// Entries for which a list makes room at least when it grows.
const ROOM_MIN: usize = 4;

/// Values by hashes that are taken to be unique.
#[derive(Debug)]
pub(super) struct Gone<T> {
    /// By the first byte of the hash; none before the first entry. Each is sorted by the rest.
    lists: Vec<Vec<Entry<T>>>,
}

/// The six bytes of a hash behind the first, and its value.
#[derive(Debug, Clone, Copy)]
struct Entry<T> {
    rest: [u8; 6],
    value: T,
}

impl<T> Default for Gone<T> {
    fn default() -> Self {
        Gone { lists: Vec::new() }
    }
}

impl<T: Copy> Gone<T> {
    /// Puts a value in, or in the place of the one with the same hash.
    pub(super) fn insert(&mut self, hash: u64, value: T) {
        if self.lists.is_empty() {
            self.lists.resize_with(1 << 8, Vec::new);
        }
        let (list, rest) = split(hash);
        let Some(list) = self.lists.get_mut(usize::from(list)) else { return };
        match list.binary_search_by_key(&rest, |known| known.rest) {
            Ok(at) => {
                if let Some(known) = list.get_mut(at) {
                    known.value = value;
                }
            }
            Err(at) => {
                if list.len() == list.capacity() {
                    // By little: there are many lists, and each is short.
                    list.reserve_exact((list.len() / 8).max(ROOM_MIN));
                }
                list.insert(at, Entry { rest, value });
            }
        }
    }

    /// The value of a hash.
    pub(super) fn get(&self, hash: u64) -> Option<T> {
        let (list, rest) = split(hash);
        let list = self.lists.get(usize::from(list))?;
        let at = list.binary_search_by_key(&rest, |known| known.rest).ok()?;
        list.get(at).map(|known| known.value)
    }
}

/// The number of the list that a hash belongs to, and what is kept of it there.
fn split(hash: u64) -> (u8, [u8; 6]) {
    let [list, a, b, c, d, e, f, _] = hash.to_be_bytes();
    (list, [a, b, c, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_is_a_map(list in proptest::collection::vec((0u64..3000, any::<u32>()), 0..6000)) {
            // Spread over the lists as hashes are, in neighbouring lists, and in one.
            for factor in [0x9E37_79B9_7F4A_7C00, 1 << 50, 1 << 8] {
                let (mut gone, mut map) = (Gone::default(), HashMap::new());
                for (key, value) in &list {
                    let hash = key.wrapping_mul(factor);
                    gone.insert(hash, *value);
                    map.insert(hash, *value);
                }
                for key in 0..3000u64 {
                    let hash = key.wrapping_mul(factor);
                    prop_assert_eq!(gone.get(hash), map.get(&hash).copied());
                }
            }
        }
    }

    #[test]
    fn entries_take_little_more_than_their_own_bytes() {
        let (mut tcp, mut udp) = (Gone::default(), Gone::default());
        for n in 0..20_000u64 {
            let hash = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            tcp.insert(hash, ());
            udp.insert(hash, [0u8; 5]);
        }
        assert_eq!((size_of::<Entry<()>>(), size_of::<Entry<[u8; 5]>>()), (6, 11));
        let room: usize = tcp.lists.iter().map(Vec::capacity).sum();
        assert!(room < 20_000 * 7 / 6, "{room}");
        assert_eq!(udp.lists.iter().map(Vec::len).sum::<usize>(), 20_000);
    }
}
