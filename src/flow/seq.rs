//! Modular TCP sequence arithmetic (RFC 9293, 3.4).
//!
//! What enters: 32-bit sequence numbers as segments carry them. What leaves: comparisons that hold across the wrap,
//! and stream offsets of 64 bits, so that nothing behind this file meets a wrap again. Guaranteed: no arithmetic here
//! can overflow.

/// A sequence number; all arithmetic is modulo 2^32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNum(pub u32);

/// Furthest that a segment or an acknowledgement may lie ahead of what was seen and still be believed: the largest
/// window that can be announced (RFC 7323, 2.3: 65,535 shifted by 14).
pub const PLAUSIBLE_AHEAD: u64 = 65_535 << 14;

impl SeqNum {
    /// The number `n` bytes further on.
    pub fn plus(self, n: u32) -> SeqNum {
        SeqNum(self.0.wrapping_add(n))
    }

    /// The number `n` bytes before.
    pub fn minus(self, n: u32) -> SeqNum {
        SeqNum(self.0.wrapping_sub(n))
    }

    /// How far `self` lies behind (negative) or ahead of `other`, along the shorter way round.
    pub fn distance(self, other: SeqNum) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// True when `self` comes before `other`.
    pub fn before(self, other: SeqNum) -> bool {
        self.distance(other) < 0
    }

    /// The stream offset of `self`, when offset 0 has the number `base`: of all offsets with this number the one
    /// nearest to `near`. Negative where the number lies before `base`.
    pub fn offset(self, base: SeqNum, near: u64) -> i64 {
        // The low 32 bits of `near` suffice for the distance; truncation is what is wanted.
        let at_near = SeqNum(base.0.wrapping_add((near & 0xffff_ffff) as u32));
        i64::try_from(near).unwrap_or(i64::MAX).saturating_add(i64::from(self.distance(at_near)))
    }
}

#[cfg(test)]
mod tests {
    use super::SeqNum;
    use proptest::prelude::*;

    #[test]
    fn order_survives_the_wrap() {
        assert!(SeqNum(0xffff_fff0).before(SeqNum(5)));
        assert!(!SeqNum(5).before(SeqNum(0xffff_fff0)));
        assert!(!SeqNum(7).before(SeqNum(7)));
        assert_eq!(SeqNum(3).distance(SeqNum(0xffff_ffff)), 4);
    }

    proptest! {
        #[test]
        fn plus_and_distance_are_inverse_up_to_half_the_circle(a: u32, n in 0u32..0x8000_0000) {
            let (a, b) = (SeqNum(a), SeqNum(a).plus(n));
            prop_assert_eq!(i64::from(b.distance(a)), i64::from(n));
            prop_assert_eq!(b.minus(n), a);
            prop_assert_eq!(a.before(b), n > 0);
        }

        #[test]
        fn an_offset_near_the_last_one_is_found_again(base: u32, near in 0u64..1 << 40, step in -0x4000_0000i64..0x4000_0000) {
            let wanted = i64::try_from(near).unwrap() + step;
            let number = SeqNum(base.wrapping_add(wanted as u32));
            prop_assert_eq!(number.offset(SeqNum(base), near), wanted);
        }

        #[test]
        fn no_input_overflows(a: u32, base: u32, near: u64) {
            let _ = SeqNum(a).offset(SeqNum(base), near);
        }
    }
}
