//! Values that come again and again in a capture, read once: what clients offer, what servers choose, certificates.
//!
//! What enters: bytes, and how to read them. What leaves: the value, shared by all who met the same bytes. Guaranteed:
//! a value depends on its bytes alone, so nobody can tell whether it was shared, by whom, or in which order; at most
//! [`SHARED_BYTES_MAX`] of them are remembered.

use crate::limits::SHARED_BYTES_MAX;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Values by the bytes they were read from; flows on several threads may ask.
#[derive(Debug)]
pub struct Shared<T>(Mutex<Remembered<T>>);

#[derive(Debug)]
struct Remembered<T> {
    values: HashMap<Box<[u8]>, Arc<T>, RandomState>,
    /// Bytes of the keys.
    bytes: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Shared(Mutex::new(Remembered { values: HashMap::default(), bytes: 0 }))
    }
}

impl<T> Shared<T> {
    /// The value of `bytes`, from `read` where nobody met them yet.
    pub fn get(&self, bytes: &[u8], read: impl FnOnce() -> T) -> Arc<T> {
        if let Some(known) = self.remembered().values.get(bytes) {
            return Arc::clone(known);
        }
        // Read without holding the lock: two threads that meet the same bytes at once both read them.
        let value = Arc::new(read());
        let mut remembered = self.remembered();
        let after = remembered.bytes.saturating_add(bytes.len());
        if after <= SHARED_BYTES_MAX && remembered.values.insert(bytes.into(), Arc::clone(&value)).is_none() {
            remembered.bytes = after;
        }
        value
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered<T>> {
        // A panic elsewhere cannot have left a value half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_read_once_and_others_are_others() {
        let shared = Shared::default();
        let first = shared.get(b"a", || 1);
        assert!(Arc::ptr_eq(&first, &shared.get(b"a", || unreachable!("it is known"))));
        assert_eq!((*first, *shared.get(b"b", || 2)), (1, 2));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let shared = Shared::default();
        let large = vec![0; SHARED_BYTES_MAX];
        shared.get(&large, || 1);
        assert_eq!((*shared.get(b"a", || 2), *shared.get(b"a", || 3)), (2, 3));
        assert_eq!(*shared.get(&large, || 4), 1);
    }
}
