//! When the flows of a crowd ended and who their clients were, in a few bytes each.
//!
//! What enters: ends and clients, one flow after another. What leaves: the same in the same order. Guaranteed: nothing
//! is rounded; each is stored as its distance from the one before, which takes five to seven bytes where flows end
//! within seconds of each other, times are whole microseconds and clients share a network.

use crate::bytes::{Cursor, VARINT_BYTES_MAX, push_varint};
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What steps in time are counted in, in nanoseconds: the largest of these that gives a whole number. Captures have
/// microseconds (pcap), 100 ns (ETL) or nanoseconds.
const UNITS: [i64; 3] = [1000, 100, 1];

/// Bits that tell the unit.
const UNIT_BITS: u32 = 2;

/// A list of ends and clients; all clients are of one family.
#[derive(Debug, Default)]
pub(super) struct Members {
    bytes: Vec<u8>,
    last: Member,
    len: u32,
    v6: bool,
}

/// Nanoseconds since 1970, and the bits of an address, the upper half first: there are many lists, and 128 bits as one
/// number would stand where sixteen bytes begin.
#[derive(Debug, Default, Clone, Copy)]
struct Member {
    end: i64,
    client: [u64; 2],
}

impl Members {
    /// Puts the members of another list behind these.
    pub(super) fn append(&mut self, other: &Members) {
        let mut rest = Cursor::new(&other.bytes);
        let Some(first) = Member::default().next(&mut rest) else { return };
        let (end, client) = first.parts(other.v6);
        // All at once: room made for the first alone would be made anew for the others.
        self.bytes.reserve_exact(rest.remaining().saturating_add(2 * VARINT_BYTES_MAX));
        self.push(end, client);
        // Of the others each stands as the distance from the one before it.
        self.bytes.extend_from_slice(rest.rest());
        self.last = other.last;
        self.len = self.len.saturating_add(other.len.saturating_sub(1));
    }

    pub(super) fn push(&mut self, end: Timestamp, client: IpAddr) {
        self.v6 = client.is_ipv6();
        let client = match client {
            IpAddr::V4(client) => client.to_bits().into(),
            IpAddr::V6(client) => client.to_bits(),
        };
        let before = self.last.client();
        push_varint(&mut self.bytes, pack(end.0.wrapping_sub(self.last.end)));
        push_varint(&mut self.bytes, client ^ before);
        self.last = Member::new(end.0, client);
        self.len = self.len.saturating_add(1);
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, IpAddr)> + '_ {
        let mut bytes = Cursor::new(&self.bytes);
        let mut last = Member::default();
        std::iter::from_fn(move || {
            last = last.next(&mut bytes)?;
            Some(last.parts(self.v6))
        })
    }
}

impl Member {
    fn new(end: i64, client: u128) -> Member {
        Member { end, client: [(client >> 64) as u64, client as u64] }
    }

    fn client(self) -> u128 {
        let [upper, lower] = self.client;
        u128::from(upper) << 64 | u128::from(lower)
    }

    /// The member that stands behind this one.
    fn next(self, bytes: &mut Cursor<'_>) -> Option<Member> {
        let step = unpack(bytes.varint()?);
        Some(Member::new(self.end.wrapping_add(step), self.client() ^ bytes.varint()?))
    }

    fn parts(self, v6: bool) -> (Timestamp, IpAddr) {
        let client = self.client();
        let client = if v6 { Ipv6Addr::from_bits(client).into() } else { Ipv4Addr::from_bits(client as u32).into() };
        (Timestamp(self.end), client)
    }
}

/// A step in time and its unit as one number.
fn pack(step: i64) -> u128 {
    let (number, unit) = (0u128..).zip(UNITS).find(|(_, unit)| step % unit == 0).unwrap_or((2, 1));
    let step = step / unit;
    // Small steps back are as short as small steps forth.
    let zigzag = step.cast_unsigned() << 1 ^ (step >> 63).cast_unsigned();
    u128::from(zigzag) << UNIT_BITS | number
}

/// The step that was packed.
fn unpack(packed: u128) -> i64 {
    let zigzag = (packed >> UNIT_BITS) as u64;
    let unit = UNITS.get(packed as usize & ((1 << UNIT_BITS) - 1)).copied().unwrap_or(1);
    ((zigzag >> 1).cast_signed() ^ (zigzag & 1).cast_signed().wrapping_neg()).wrapping_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_of_any_length_and_unit_come_back(step: i64, unit in 0usize..3) {
            let unit = UNITS[unit];
            for step in [step, step / unit * unit, i64::MIN, i64::MAX, 0, -1000, 100] {
                prop_assert_eq!(unpack(pack(step)), step);
            }
        }

        #[test]
        fn what_is_put_in_comes_out(list in proptest::collection::vec((any::<i64>(), any::<u128>()), 0..50), v6: bool, cut in 0usize..50) {
            let client = |bits: u128| -> IpAddr {
                if v6 { Ipv6Addr::from_bits(bits).into() } else { Ipv4Addr::from_bits(bits as u32).into() }
            };
            let list: Vec<_> = list.into_iter().map(|(end, bits)| (Timestamp(end), client(bits))).collect();
            let mut members = Members::default();
            list.iter().for_each(|(end, client)| members.push(*end, *client));
            prop_assert_eq!(members.len(), list.len());
            prop_assert_eq!(members.iter().collect::<Vec<_>>(), list.clone());
            let (front, back) = list.split_at(cut.min(list.len()));
            let mut joined = Members::default();
            for part in [front, back] {
                let mut members = Members::default();
                part.iter().for_each(|(end, client)| members.push(*end, *client));
                joined.append(&members);
            }
            prop_assert_eq!((joined.len(), &joined.bytes), (list.len(), &members.bytes));
            // Both go on from the same member.
            members.push(Timestamp(5), client(7));
            joined.push(Timestamp(5), client(7));
            prop_assert_eq!(joined.bytes, members.bytes);
        }
    }

    #[test]
    fn neighbours_take_few_bytes() {
        for (unit, most) in [(1, 8000), (100, 8000), (1000, 7000)] {
            let mut members = Members::default();
            for n in 0..1000i64 {
                let end = Timestamp(1_800_000_000_000_000_000 + n * (700_000_123 / unit * unit));
                members.push(end, [10, 1, (n % 3) as u8, (n % 250) as u8].into());
            }
            assert!(members.bytes.len() <= most + 10, "{}", members.bytes.len());
        }
    }
}
