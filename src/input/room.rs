//! Memory for one window, which outlives the reading of the next one.
//!
//! What enters: the bytes that a source reads, or a share of bytes that are in memory already. What leaves: those bytes,
//! for as long as the caller keeps the room, and places in them ([`Span`]) that carry no borrow. Guaranteed: a room that
//! is used again allocates only where a window is larger than any before.

use super::source::Bytes;

/// Where some bytes of a room lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub at: u64,
    /// Number of bytes.
    pub len: u32,
    /// They belong to the shared bytes, not to the room's own.
    pub shared: bool,
}

/// The bytes of one window.
#[derive(Debug, Default)]
pub struct Room {
    /// What was read for this window; valid up to `filled`, and longer only to be used again.
    own: Vec<u8>,
    filled: usize,
    /// What was in memory before and is only lent.
    shared: Bytes,
}

impl Room {
    /// Bytes that were read for this window.
    pub fn own(&self) -> &[u8] {
        self.own.get(..self.filled).unwrap_or(&[])
    }

    /// Bytes that are shared with the source.
    pub fn shared(&self) -> &[u8] {
        &self.shared
    }

    /// Empties the room for bytes that are read into it.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.shared = Bytes::default();
    }

    /// Shares bytes that are in memory; what was read into the room stays.
    pub(crate) fn share(&mut self, bytes: &Bytes) {
        self.shared = bytes.clone();
    }

    /// Adds a copy of `bytes`.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let end = self.filled.saturating_add(bytes.len());
        if let Some(free) = self.free(end).get_mut(..bytes.len()) {
            free.copy_from_slice(bytes);
            self.filled = end;
        }
    }

    /// Exchanges the room's own bytes with `other`.
    pub(crate) fn swap(&mut self, other: &mut Vec<u8>) {
        self.own.truncate(self.filled);
        std::mem::swap(&mut self.own, other);
        self.filled = self.own.len();
    }

    /// The free part of the first `want` bytes, to be read into; [`Room::advance`] tells how much was.
    pub(crate) fn free(&mut self, want: usize) -> &mut [u8] {
        if self.own.len() < want {
            self.own.resize(want, 0);
        }
        self.own.get_mut(self.filled..want).unwrap_or(&mut [])
    }

    /// Counts bytes that were read into [`Room::free`].
    pub(crate) fn advance(&mut self, n: usize) {
        self.filled = self.filled.saturating_add(n).min(self.own.len());
    }

    /// Where `part` lies, if it is a part of this room's bytes.
    #[inline]
    pub fn locate(&self, part: &[u8]) -> Option<Span> {
        let len = u32::try_from(part.len()).ok()?;
        let within = |whole: &[u8]| {
            let at = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
            (at <= whole.len() && part.len() <= whole.len() - at).then_some(at as u64)
        };
        match within(self.own()) {
            Some(at) => Some(Span { at, len, shared: false }),
            None => within(self.shared()).map(|at| Span { at, len, shared: true }),
        }
    }

    /// The bytes at a place that [`Room::locate`] gave.
    #[inline]
    pub fn bytes(&self, span: Span) -> &[u8] {
        let whole = if span.shared { self.shared() } else { self.own() };
        let at = usize::try_from(span.at).unwrap_or(usize::MAX);
        whole.get(at..at.saturating_add(span.len as usize)).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_again_and_nothing_else() {
        let shared = Bytes::from((0..100).collect::<Vec<u8>>());
        let mut room = Room::default();
        room.free(50).fill(7);
        room.advance(20);
        room.extend(b"twelve bytes");
        room.share(&shared);
        assert_eq!(room.own().len(), 32);
        for from in 0..=32 {
            for to in from..=32 {
                let part = &room.own()[from..to];
                assert_eq!(room.bytes(room.locate(part).unwrap()), part);
            }
        }
        let part = &shared[40..60];
        let span = room.locate(part).unwrap();
        assert!(span.shared);
        assert_eq!(room.bytes(span), part);
        assert_eq!(room.locate(b"somewhere else"), None);
        // What lies behind the filled part does not belong to the room.
        let behind = room.own.get(31..40).unwrap();
        assert_eq!(room.locate(behind), None);
    }

    #[test]
    fn a_room_is_used_again_without_what_was_in_it() {
        let mut room = Room::default();
        room.extend(b"first");
        room.clear();
        assert!(room.own().is_empty() && room.shared().is_empty());
        let mut other = b"held".to_vec();
        room.extend(b"a");
        room.swap(&mut other);
        assert_eq!((room.own(), &*other), (&b"held"[..], &b"a"[..]));
    }
}
