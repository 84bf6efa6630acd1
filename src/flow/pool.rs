//! A pool of live flows found by their ends.
//!
//! What enters: keys. What leaves: the one record of each key. Guaranteed: a look-up touches the index and the record
//! it finds; the hash is seeded, so that no capture can make keys collide; records never move.

use crate::flow::key::{Key, Seed};
use hashbrown::HashTable;

/// Records of one piece of memory: growing a pool never copies the records it has, and takes little at a time.
const CHUNK: usize = 64;

/// What a pool keeps.
pub trait Record {
    /// The ends.
    fn key(&self) -> &Key;
}

/// Where a record is; 32 bits of its hash beside it, so that the index can grow without touching records.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    slot: u32,
}

/// The live flows of one transport.
#[derive(Debug)]
pub struct Pool<F> {
    index: HashTable<Entry>,
    chunks: Vec<Vec<Option<F>>>,
    free: Vec<u32>,
    seed: Seed,
    hand: u32,
}

/// The index wants its seven tag bits on top and its buckets below.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl<F: Record> Pool<F> {
    /// An empty pool.
    pub fn new(seed: Seed) -> Self {
        Pool { index: HashTable::new(), chunks: Vec::new(), free: Vec::new(), seed, hand: 0 }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// The part of a key's hash that the index keeps.
    pub fn hash(&self, key: &Key) -> u32 {
        self.seed.hash(key)
    }

    /// A slot that has this hash, very likely that of the key: touches the index only.
    pub fn likely(&self, hash: u32) -> Option<u32> {
        self.index.find(spread(hash), |e| e.hash == hash).map(|e| e.slot)
    }

    /// Whether the ports of the key in this slot may be these: touches the record, and hardly more.
    #[inline]
    pub fn may_have_ports(&self, ports: [u16; 2], slot: u32) -> bool {
        self.get(slot).is_some_and(|f| f.key().may_have_ports(ports))
    }

    /// Whether the key is in this slot.
    pub fn is_at(&self, key: &Key, slot: u32) -> bool {
        self.get(slot).is_some_and(|f| f.key() == key)
    }

    /// The slot of a key with this hash, trying `likely` first.
    pub fn find(&self, key: &Key, hash: u32, likely: Option<u32>) -> Option<u32> {
        if let Some(slot) = likely
            && self.is_at(key, slot)
        {
            return likely;
        }
        self.index.find(spread(hash), |e| e.hash == hash && self.is_at(key, e.slot)).map(|e| e.slot)
    }

    /// The record in a slot.
    pub fn get(&self, slot: u32) -> Option<&F> {
        let slot = slot as usize;
        self.chunks.get(slot / CHUNK)?.get(slot % CHUNK)?.as_ref()
    }

    /// The record in a slot, to change it.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut F> {
        let slot = slot as usize;
        self.chunks.get_mut(slot / CHUNK)?.get_mut(slot % CHUNK)?.as_mut()
    }

    /// Puts a record in whose key is not there yet; `None` only when 2^32 slots are taken.
    pub fn insert(&mut self, record: F) -> Option<u32> {
        let hash = self.hash(record.key());
        let slot = match self.free.pop() {
            Some(slot) => {
                let at = slot as usize;
                *self.chunks.get_mut(at / CHUNK)?.get_mut(at % CHUNK)? = Some(record);
                slot
            }
            None => {
                if self.chunks.last().is_none_or(|c| c.len() == CHUNK) {
                    self.chunks.push(Vec::with_capacity(CHUNK));
                }
                let before = self.chunks.len() - 1;
                let last = self.chunks.last_mut()?;
                let slot = u32::try_from(before * CHUNK + last.len()).ok()?;
                last.push(Some(record));
                slot
            }
        };
        self.index.insert_unique(spread(hash), Entry { hash, slot }, |e| spread(e.hash));
        Some(slot)
    }

    /// Puts another record with the same key in a slot and returns the old one.
    pub fn replace(&mut self, slot: u32, record: F) -> Option<F> {
        self.get_mut(slot).map(|old| std::mem::replace(old, record))
    }

    /// Takes a record out.
    pub fn remove(&mut self, slot: u32) -> Option<F> {
        self.vacate(slot)?.take()
    }

    /// Drops a record where it is.
    pub fn discard(&mut self, slot: u32) {
        if let Some(place) = self.vacate(slot) {
            *place = None;
        }
    }

    /// Takes a record out of the index; its place is to be emptied.
    fn vacate(&mut self, slot: u32) -> Option<&mut Option<F>> {
        let hash = self.hash(self.get(slot)?.key());
        if let Ok(entry) = self.index.find_entry(spread(hash), |e| e.slot == slot) {
            entry.remove();
        }
        self.free.push(slot);
        let at = slot as usize;
        self.chunks.get_mut(at / CHUNK)?.get_mut(at % CHUNK)
    }

    /// The slot behind the last one that was looked at, if it has a record.
    pub fn next_in_turn(&mut self) -> Option<u32> {
        self.hand = if self.hand + 1 < self.slots() { self.hand + 1 } else { 0 };
        self.get(self.hand).map(|_| self.hand)
    }

    /// The best record to give up among the next `look` slots, by the least `rank`, or the first that is `easy`. The
    /// search goes on where the last one ended, so that each record is looked at in turn.
    pub fn candidate<R: Ord>(&mut self, look: usize, easy: impl Fn(&F) -> bool, rank: impl Fn(&F) -> R) -> Option<u32> {
        let slots = self.slots();
        let mut best: Option<(R, u32)> = None;
        for _ in 0..slots.min(u32::try_from(look).unwrap_or(u32::MAX)) {
            if let Some(f) = self.next_in_turn().and_then(|slot| self.get(slot)) {
                if easy(f) {
                    return Some(self.hand);
                }
                let r = rank(f);
                if best.as_ref().is_none_or(|(b, _)| r < *b) {
                    best = Some((r, self.hand));
                }
            }
        }
        best.map(|(_, slot)| slot)
    }

    /// Number of slots, free ones included.
    pub fn slots(&self) -> u32 {
        let full = self.chunks.len().saturating_sub(1) * CHUNK;
        u32::try_from(full + self.chunks.last().map_or(0, Vec::len)).unwrap_or(u32::MAX)
    }

    /// All records.
    pub fn iter(&self) -> impl Iterator<Item = &F> {
        self.chunks.iter().flatten().flatten()
    }

    /// Empties the pool; the memory goes as the records come.
    pub fn into_records(self) -> impl Iterator<Item = F> {
        self.chunks.into_iter().flatten().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    struct Only(Key);
    impl Record for Only {
        fn key(&self) -> &Key {
            &self.0
        }
    }

    fn key(n: u32) -> Key {
        let a = SocketAddr::from((n.to_be_bytes(), 1));
        Key::new(a, "9.9.9.9:9".parse().unwrap()).0
    }

    fn found(pool: &Pool<Only>, n: u32) -> Option<u32> {
        let hash = pool.hash(&key(n));
        pool.find(&key(n), hash, pool.likely(hash))
    }

    #[test]
    fn every_key_is_found_until_it_is_removed() {
        let mut pool = Pool::new(Seed::default());
        for n in 0..2_000 {
            assert!(found(&pool, n).is_none());
            pool.insert(Only(key(n))).unwrap();
        }
        for n in (0..2_000).step_by(2) {
            let slot = found(&pool, n).unwrap();
            assert_eq!(pool.find(&key(n), pool.hash(&key(n)), Some(slot + 1)), Some(slot));
            assert!(pool.remove(slot).is_some_and(|r| r.0 == key(n)));
        }
        assert_eq!(pool.len(), 1_000);
        for n in 0..2_000 {
            assert_eq!(found(&pool, n).is_some(), n % 2 == 1);
        }
        // Freed slots are used again.
        for n in 2_000..3_000 {
            pool.insert(Only(key(n))).unwrap();
        }
        assert_eq!(pool.chunks.len(), 2_000usize.div_ceil(CHUNK));
        assert_eq!(pool.into_records().count(), 2_000);
    }

    #[test]
    fn the_candidate_comes_round_to_every_record() {
        let mut pool = Pool::new(Seed::default());
        for n in 0..10 {
            pool.insert(Only(key(n))).unwrap();
        }
        let mut met: Vec<u32> = (0..10).filter_map(|_| pool.candidate(1, |_| false, |_| 0)).collect();
        met.sort_unstable();
        assert_eq!(met, (0..10).collect::<Vec<_>>());
    }
}
