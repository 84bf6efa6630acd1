//! When the flows of a crowd ended and who their clients were, in a few bytes each.
//!
//! What enters: ends and clients, one flow after another. What leaves: the same in the same order. Guaranteed: nothing
//! is rounded; each is stored as its distance from the one before, which takes six to eight bytes where flows end
//! within seconds of each other and their clients share a network.

use crate::bytes::{Cursor, push_varint};
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A list of ends and clients; all clients are of one family.
#[derive(Debug, Default)]
pub(super) struct Members {
    bytes: Vec<u8>,
    last: Member,
    len: usize,
    v6: bool,
}

/// Nanoseconds since 1970, and the bits of an address.
#[derive(Debug, Default, Clone, Copy)]
struct Member {
    end: i64,
    client: u128,
}

impl Members {
    /// Puts the members of another list behind these.
    pub(super) fn append(&mut self, other: &Members) {
        let mut rest = Cursor::new(&other.bytes);
        let Some(first) = Member::default().next(&mut rest) else { return };
        let (end, client) = first.parts(other.v6);
        self.push(end, client);
        // Of the others each stands as the distance from the one before it.
        self.bytes.reserve_exact(rest.remaining());
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
        let step = end.0.wrapping_sub(self.last.end);
        // Small steps back are as short as small steps forth.
        let zigzag = step.cast_unsigned() << 1 ^ (step >> 63).cast_unsigned();
        push_varint(&mut self.bytes, zigzag.into());
        push_varint(&mut self.bytes, client ^ self.last.client);
        self.last = Member { end: end.0, client };
        self.len = self.len.saturating_add(1);
    }

    pub(super) fn len(&self) -> usize {
        self.len
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
    /// The member that stands behind this one.
    fn next(self, bytes: &mut Cursor<'_>) -> Option<Member> {
        let zigzag = bytes.varint()? as u64;
        let step = (zigzag >> 1).cast_signed() ^ (zigzag & 1).cast_signed().wrapping_neg();
        Some(Member { end: self.end.wrapping_add(step), client: self.client ^ bytes.varint()? })
    }

    fn parts(self, v6: bool) -> (Timestamp, IpAddr) {
        let client =
            if v6 { Ipv6Addr::from_bits(self.client).into() } else { Ipv4Addr::from_bits(self.client as u32).into() };
        (Timestamp(self.end), client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
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
        let mut members = Members::default();
        for n in 0..1000i64 {
            let end = Timestamp(1_800_000_000_000_000_000 + n * 700_000_123);
            members.push(end, [10, 1, (n % 3) as u8, (n % 250) as u8].into());
        }
        assert!(members.bytes.len() <= 8000 + 10, "{}", members.bytes.len());
    }
}
