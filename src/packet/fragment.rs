//! IP fragments → datagrams.
//!
//! What enters: fragments of both IP versions with their packet times. What leaves: the joined upper layer, once
//! every byte of it has come. Where fragments overlap, the one with the lower offset counts, and among equal offsets
//! the earlier one. Memory stays within [`crate::limits`]: the oldest datagram is given up first.

use crate::limits::{
    IP_DATAGRAM_BYTES_MAX, IP_FRAGMENT_BYTES_TOTAL_MAX, IP_FRAGMENT_DATAGRAMS_MAX, IP_FRAGMENT_NANOS_MAX,
    IP_FRAGMENT_PIECES_MAX,
};
use crate::packet::ip::{Datagram, Fragment};
use crate::time::Timestamp;
use hashbrown::HashMap;
use std::net::IpAddr;

/// What the fragments of one datagram share: addresses, identification, and in IPv4 the protocol (RFC 791, 3.2). In
/// IPv6 the first fragment alone names the protocol (RFC 8200, 4.5), so it is no part of the key there.
type Key = (IpAddr, IpAddr, u8, u32);

/// The upper layer of a datagram once it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// Its protocol, as the first fragment says.
    pub(super) protocol: u8,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// One datagram on its way.
#[derive(Debug)]
struct Partial {
    /// Packet time of the first fragment met.
    since: Timestamp,
    /// Rises with every datagram begun: the smallest is the oldest.
    order: u64,
    /// Frame of the first fragment met.
    frame: u64,
    /// By offset; among equal offsets in order of arrival.
    pieces: Vec<(usize, Vec<u8>)>,
    /// Protocol, known from the first fragment.
    protocol: Option<u8>,
    /// Length of the whole, known from the last fragment.
    total: Option<usize>,
    /// Bytes in `pieces`.
    bytes: usize,
}

/// What became of fragments that gave no datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lost {
    /// Datagrams given up or never completed.
    pub(super) datagrams: u64,
    /// First frame of the first of them.
    pub(super) first_frame: Option<u64>,
}

impl Lost {
    fn add(&mut self, frame: u64) {
        self.datagrams = self.datagrams.saturating_add(1);
        self.first_frame = Some(self.first_frame.map_or(frame, |f| f.min(frame)));
    }
}

/// All datagrams on their way.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    partial: HashMap<Key, Partial>,
    next_order: u64,
    bytes: usize,
    lost: Lost,
}

impl Fragments {
    /// Takes one fragment; returns the whole upper layer when it was the last one missing.
    pub(super) fn take(
        &mut self,
        datagram: &Datagram<'_>,
        fragment: Fragment,
        time: Timestamp,
        frame: u64,
    ) -> Option<Whole> {
        let data = datagram.payload.data();
        let end = fragment.offset.checked_add(data.len())?;
        if data.is_empty() || end > IP_DATAGRAM_BYTES_MAX {
            return None;
        }
        let key_protocol = if datagram.src.is_ipv4() { datagram.protocol } else { 0 };
        let key = (datagram.src, datagram.dst, key_protocol, fragment.id);
        let stale = |p: &Partial| time.since(p.since).saturating_abs() > IP_FRAGMENT_NANOS_MAX;
        if self.partial.get(&key).is_some_and(stale) {
            self.give_up(&key);
        }
        self.make_room(data.len());

        let order = self.next_order;
        let partial = self.partial.entry(key).or_insert_with(|| Partial {
            since: time,
            order,
            frame,
            pieces: Vec::new(),
            protocol: None,
            total: None,
            bytes: 0,
        });
        if partial.order == order {
            self.next_order = order.wrapping_add(1);
        }
        if partial.pieces.iter().any(|(offset, bytes)| *offset == fragment.offset && bytes == data) {
            return None; // The same fragment again, as a second capture point sees it.
        }
        if partial.pieces.len() >= IP_FRAGMENT_PIECES_MAX
            || partial.bytes.saturating_add(data.len()) > 2 * IP_DATAGRAM_BYTES_MAX
        {
            self.give_up(&key);
            return None;
        }
        let at = partial.pieces.partition_point(|(offset, _)| *offset <= fragment.offset);
        partial.pieces.insert(at, (fragment.offset, data.to_vec()));
        partial.bytes = partial.bytes.saturating_add(data.len());
        self.bytes = self.bytes.saturating_add(data.len());
        if fragment.offset == 0 {
            partial.protocol.get_or_insert(datagram.protocol);
        }
        if !fragment.more {
            partial.total = Some(partial.total.map_or(end, |t| t.max(end)));
        }
        let whole = Whole { bytes: join(partial)?, protocol: partial.protocol? };
        if let Some(done) = self.partial.remove(&key) {
            self.bytes = self.bytes.saturating_sub(done.bytes);
        }
        Some(whole)
    }

    /// What never became whole, with all that is still waiting.
    pub(super) fn finish(&mut self) -> Lost {
        for (_, p) in self.partial.drain() {
            self.lost.add(p.frame);
        }
        self.bytes = 0;
        self.lost
    }

    /// Gives up the oldest datagrams until `more` bytes and one more datagram fit.
    fn make_room(&mut self, more: usize) {
        while self.partial.len() >= IP_FRAGMENT_DATAGRAMS_MAX
            || self.bytes.saturating_add(more) > IP_FRAGMENT_BYTES_TOTAL_MAX
        {
            let Some(key) = self.partial.iter().min_by_key(|(_, p)| p.order).map(|(key, _)| *key) else { break };
            self.give_up(&key);
        }
    }

    fn give_up(&mut self, key: &Key) {
        if let Some(p) = self.partial.remove(key) {
            self.bytes = self.bytes.saturating_sub(p.bytes);
            self.lost.add(p.frame);
        }
    }
}

/// The bytes of a datagram without holes.
fn join(partial: &Partial) -> Option<Vec<u8>> {
    let total = partial.total?;
    if partial.bytes < total {
        return None;
    }
    let mut whole: Vec<u8> = Vec::with_capacity(total);
    for (offset, bytes) in &partial.pieces {
        // Pieces rise by offset: what is already there came from a lower one.
        let known = whole.len().checked_sub(*offset)?;
        whole.extend_from_slice(bytes.get(known..).unwrap_or(&[]));
    }
    if whole.len() < total {
        return None;
    }
    whole.truncate(total);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::layer::Span;
    use std::net::Ipv4Addr;

    fn give(f: &mut Fragments, id: u32, offset: usize, more: bool, data: &[u8], seconds: i64) -> Option<Vec<u8>> {
        give_from(f, Ipv4Addr::LOCALHOST.into(), 17, (id, offset, more), data, seconds).map(|w| w.bytes)
    }

    fn give_from(
        f: &mut Fragments,
        src: IpAddr,
        protocol: u8,
        (id, offset, more): (u32, usize, bool),
        data: &[u8],
        seconds: i64,
    ) -> Option<Whole> {
        let datagram = Datagram {
            src,
            dst: IpAddr::V4(Ipv4Addr::BROADCAST),
            ttl: 1,
            ip_id: None,
            protocol,
            payload: Span::whole(data),
            fragment: None,
        };
        f.take(&datagram, Fragment { id, offset, more }, Timestamp::from_parts(seconds, 0), 1)
    }

    #[test]
    fn fragments_join_in_any_order() {
        let whole: Vec<u8> = (0..24).collect();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut f = Fragments::default();
            let mut got = None;
            for i in order {
                assert_eq!(got, None);
                let piece = &whole[i * 8..i * 8 + 8];
                got = give(&mut f, 1, i * 8, i < 2, piece, 0);
                if got.is_none() {
                    assert_eq!(give(&mut f, 1, i * 8, i < 2, piece, 0), None, "a duplicate changes nothing");
                }
            }
            assert_eq!(got.as_deref(), Some(&whole[..]));
            assert_eq!(f.finish(), Lost::default());
        }
    }

    #[test]
    fn overlaps_are_settled_by_offset_and_then_by_arrival() {
        let mut f = Fragments::default();
        assert_eq!(give(&mut f, 1, 8, false, &[2; 8], 0), None);
        assert_eq!(give(&mut f, 1, 0, true, &[1; 12], 0).unwrap(), [[1; 12].as_slice(), &[2; 4]].concat());
        assert_eq!(give(&mut f, 2, 0, true, &[1; 8], 0), None);
        assert_eq!(give(&mut f, 2, 0, true, &[9; 8], 0), None);
        assert_eq!(give(&mut f, 2, 8, false, &[3; 1], 0).unwrap(), [[1; 8].as_slice(), &[3; 1]].concat());
    }

    #[test]
    fn in_ipv6_the_first_fragment_names_the_protocol() {
        let src = IpAddr::from([3; 16]);
        let mut f = Fragments::default();
        assert_eq!(give_from(&mut f, src, 58, (1, 8, false), &[2; 8], 0), None);
        let whole = give_from(&mut f, src, 17, (1, 0, true), &[1; 8], 0).unwrap();
        assert_eq!((whole.protocol, whole.bytes.len()), (17, 16));
        let v4 = Ipv4Addr::LOCALHOST.into();
        assert_eq!(give_from(&mut f, v4, 58, (1, 8, false), &[2; 8], 0), None);
        assert_eq!(give_from(&mut f, v4, 17, (1, 0, true), &[1; 8], 0), None);
    }

    #[test]
    fn old_halves_do_not_join_new_ones() {
        let mut f = Fragments::default();
        assert_eq!(give(&mut f, 1, 0, true, &[1; 8], 0), None);
        assert_eq!(give(&mut f, 1, 8, false, &[2; 8], 61), None);
        assert!(give(&mut f, 1, 0, true, &[3; 8], 62).is_some());
        assert_eq!(f.finish().datagrams, 1);
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut f = Fragments::default();
        for id in 0..5000u32 {
            assert_eq!(give(&mut f, id, 8, true, &[0; 8000], 0), None);
            assert!(f.bytes <= IP_FRAGMENT_BYTES_TOTAL_MAX && f.partial.len() <= IP_FRAGMENT_DATAGRAMS_MAX);
        }
        assert_eq!(f.finish().datagrams, 5000);
        let mut f = Fragments::default();
        for n in 0..20_000usize {
            let _ = give(&mut f, 1, 8 + n % 60_000, true, &[n as u8, (n >> 8) as u8], 0);
            assert!(f.partial.values().all(|p| p.pieces.len() <= IP_FRAGMENT_PIECES_MAX));
        }
    }

    #[test]
    fn impossible_offsets_are_refused() {
        let mut f = Fragments::default();
        assert_eq!(give(&mut f, 1, 65_528, false, &[0; 100], 0), None);
        assert_eq!(give(&mut f, 1, 0, true, &[], 0), None);
        assert!(f.partial.is_empty());
    }
}
