//! A checked cursor over borrowed bytes: the only way a parser touches input.
//!
//! Every read either advances and returns a value or returns `None` and leaves the position where it was; nothing
//! here can panic, whatever the input.

/// A position in a byte slice that never runs past its end.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    data: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Cursor { data, pos: 0 }
    }

    /// Bytes already consumed.
    pub fn position(&self) -> usize {
        self.pos
    }

    /// Bytes left.
    pub fn remaining(&self) -> usize {
        self.data.len().saturating_sub(self.pos)
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// What is left, without consuming it.
    pub fn rest(&self) -> &'a [u8] {
        self.data.get(self.pos..).unwrap_or(&[])
    }

    /// The next `n` bytes, without consuming them.
    pub fn peek(&self, n: usize) -> Option<&'a [u8]> {
        self.rest().get(..n)
    }

    /// Consumes `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let bytes = self.peek(n)?;
        self.pos += n;
        Some(bytes)
    }

    /// Skips `n` bytes.
    pub fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }

    /// Consumes everything that is left.
    pub fn take_rest(&mut self) -> &'a [u8] {
        let bytes = self.rest();
        self.pos = self.data.len();
        bytes
    }

    /// A cursor over the next `n` bytes, which are consumed here.
    pub fn sub(&mut self, n: usize) -> Option<Cursor<'a>> {
        self.take(n).map(Cursor::new)
    }

    /// A number in seven-bit groups, the lowest first, as [`push_varint`] writes it.
    pub fn varint(&mut self) -> Option<u128> {
        let mut rest = *self;
        let (mut value, mut shift) = (0u128, 0u32);
        loop {
            let byte = rest.u8()?;
            value |= u128::from(byte & 0x7F).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                *self = rest;
                return Some(value);
            }
        }
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.take(N)?;
        bytes.try_into().ok()
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[b]| b)
    }
    /// Big-endian 16 bits.
    pub fn u16_be(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    /// Big-endian 24 bits.
    pub fn u24_be(&mut self) -> Option<u32> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }
    /// Big-endian 32 bits.
    pub fn u32_be(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    /// Big-endian 64 bits.
    pub fn u64_be(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
    /// Little-endian 16 bits.
    pub fn u16_le(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }
    /// Little-endian 32 bits.
    pub fn u32_le(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }
    /// Little-endian 64 bits.
    pub fn u64_le(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// Bytes that [`push_varint`] adds at most.
pub const VARINT_BYTES_MAX: usize = 19;

/// Bytes for which [`push_varint`] makes room at least: fewer would cost the heap as much.
const VARINT_ROOM_MIN: usize = 16;

/// Adds a number in seven-bit groups, the lowest first, the top bit set in all but the last (LEB128).
///
/// Memory grows by an eighth, not to the double: such lists stay for as long as a capture is read, and there are many.
pub fn push_varint(bytes: &mut Vec<u8>, mut value: u128) {
    let more = (128 - value.leading_zeros()).div_ceil(7).max(1) as usize;
    if bytes.capacity() - bytes.len() < more {
        bytes.reserve_exact((bytes.len() / 8).max(VARINT_ROOM_MIN).max(more));
    }
    while value >= 0x80 {
        bytes.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_come_back() {
        let mut bytes = Vec::new();
        let numbers = [0, 1, 0x7F, 0x80, 300, u64::MAX.into(), u128::MAX];
        numbers.iter().for_each(|n| push_varint(&mut bytes, *n));
        assert_eq!(bytes.len(), 1 + 1 + 1 + 2 + 2 + 10 + VARINT_BYTES_MAX);
        assert!(bytes.capacity() <= bytes.len() + VARINT_BYTES_MAX);
        let mut c = Cursor::new(&bytes);
        assert_eq!(numbers.map(|_| c.varint()), numbers.map(Some));
        // Cut or endless: no number, and the position stays.
        for bytes in [&[0x80, 0x80][..], &[0x80; 40]] {
            let mut c = Cursor::new(bytes);
            assert_eq!((c.varint(), c.position()), (None, 0));
        }
    }

    #[test]
    fn a_failed_read_leaves_the_position() {
        let mut c = Cursor::new(&[1, 2, 3]);
        assert_eq!(c.u16_be(), Some(0x0102));
        assert_eq!(c.u16_be(), None);
        assert_eq!(c.position(), 2);
        assert_eq!(c.u8(), Some(3));
        assert!(c.is_empty());
        assert_eq!(c.u8(), None);
    }

    #[test]
    fn sub_cursors_end_where_they_should() {
        let mut c = Cursor::new(&[1, 2, 3, 4]);
        let mut s = c.sub(2).unwrap();
        assert_eq!(s.u32_le(), None);
        assert_eq!(s.u16_le(), Some(0x0201));
        assert_eq!(c.rest(), &[3, 4]);
        assert!(c.sub(3).is_none());
    }
}
