//! Puts the pieces of a message stream together that arrive in any order (QUIC CRYPTO frames, DTLS fragments).
//!
//! What enters: pieces with their offset. What leaves: the bytes from the front that are complete. The first copy of a
//! byte wins; memory never exceeds what was sent, nor [`HANDSHAKE_STREAM_BYTES_MAX`].

use crate::limits::{HANDSHAKE_PIECES_MAX, HANDSHAKE_STREAM_BYTES_MAX};

/// A stream put together from pieces.
#[derive(Debug, Default, Clone)]
pub struct Pieces {
    /// Offset of the first byte of `head`: everything before was consumed.
    base: usize,
    head: Vec<u8>,
    /// Pieces behind a hole, by offset.
    held: Vec<(usize, Vec<u8>)>,
    held_bytes: usize,
}

impl Pieces {
    /// Takes a piece. Pieces beyond the limits are ignored.
    pub fn insert(&mut self, offset: u64, data: &[u8]) {
        let Ok(offset) = usize::try_from(offset) else { return };
        if self.append(offset, data) {
            self.join();
            return;
        }
        let too_far = offset.saturating_sub(self.base) > HANDSHAKE_STREAM_BYTES_MAX;
        let too_much = self.held_bytes.saturating_add(data.len()) > HANDSHAKE_STREAM_BYTES_MAX;
        if data.is_empty() || too_far || too_much || self.held.len() >= HANDSHAKE_PIECES_MAX {
            return;
        }
        let place = self.held.partition_point(|(start, _)| *start < offset);
        if self.held.get(place).is_some_and(|(start, kept)| *start == offset && kept.len() >= data.len()) {
            return;
        }
        self.held_bytes += data.len();
        self.held.insert(place, (offset, data.to_vec()));
    }

    /// The bytes from the front that are complete and not yet consumed.
    pub fn ready(&self) -> &[u8] {
        &self.head
    }

    /// True when pieces behind a hole are waiting.
    pub fn has_hole(&self) -> bool {
        !self.held.is_empty()
    }

    /// Drops `count` bytes from the front.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.head.len());
        if count == self.head.len() {
            // Nothing more comes on most streams: none keeps its room.
            self.head = Vec::new();
        } else {
            self.head.drain(..count);
        }
        self.base = self.base.saturating_add(count);
    }

    /// Appends what is new of a piece that touches the front part; false when there is a hole before it.
    fn append(&mut self, offset: usize, data: &[u8]) -> bool {
        let end = self.base.saturating_add(self.head.len());
        let Some(known) = end.checked_sub(offset) else { return false };
        if let Some(fresh) = data.get(known..) {
            let room = HANDSHAKE_STREAM_BYTES_MAX.saturating_sub(self.head.len());
            self.head.extend(fresh.iter().take(room));
        }
        true
    }

    fn join(&mut self) {
        while let Some((offset, _)) = self.held.first() {
            if *offset > self.base.saturating_add(self.head.len()) {
                return;
            }
            let (offset, data) = self.held.remove(0);
            self.held_bytes = self.held_bytes.saturating_sub(data.len());
            self.append(offset, &data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_and_any_overlap_give_the_same_bytes() {
        let whole: Vec<u8> = (0..40).collect();
        let cuts = [(0, 10), (5, 12), (10, 11), (11, 30), (20, 40), (35, 40)];
        for turn in 0..cuts.len() {
            for flip in [false, true] {
                let mut order = cuts.to_vec();
                order.rotate_left(turn);
                if flip {
                    order.reverse();
                }
                let mut pieces = Pieces::default();
                for (start, end) in order {
                    pieces.insert(start as u64, &whole[start..end]);
                }
                assert_eq!(pieces.ready(), whole);
                assert!(!pieces.has_hole());
            }
        }
    }

    #[test]
    fn consumed_bytes_are_gone_and_old_pieces_ignored() {
        let mut pieces = Pieces::default();
        pieces.insert(0, b"abcd");
        pieces.consume(3);
        pieces.insert(0, b"ABCDEF");
        assert_eq!(pieces.ready(), b"dEF");
        pieces.consume(99);
        assert_eq!(pieces.ready(), b"");
        pieces.insert(8, b"i");
        assert!(pieces.has_hole() && pieces.ready().is_empty());
    }

    #[test]
    fn hostile_pieces_stay_within_the_limits() {
        let mut pieces = Pieces::default();
        for i in 0..100_000_u64 {
            pieces.insert(2 + i * 2, &[1]);
        }
        assert!(pieces.held.len() <= HANDSHAKE_PIECES_MAX);
        pieces.insert(u64::MAX, &[1; 8]);
        pieces.insert(0, &vec![0; 4 * HANDSHAKE_STREAM_BYTES_MAX]);
        assert!(pieces.ready().len() <= HANDSHAKE_STREAM_BYTES_MAX);
    }
}
