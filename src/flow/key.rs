//! Who talks to whom, as integers: the unordered pair of ends that names a conversation, and its hashes.
//!
//! What enters: packets, and the headers that ICMP errors quote. What leaves: [`Key`]s, equal for both directions, and
//! the shards to which they are shared out. Guaranteed: a packet, its answer and an ICMP error that quotes either go
//! to the same shard.

use crate::packet::{Packet, PacketEnds, Transport, address, halves};
use std::hash::{BuildHasher, Hasher};
use std::net::SocketAddr;

/// IP protocol number of TCP (IANA protocol numbers).
pub const TCP: u8 = 6;
/// IP protocol number of UDP (IANA protocol numbers).
pub const UDP: u8 = 17;

/// An unordered pair of address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Both addresses as [`halves`]. The lower end comes first.
    low: [u64; 2],
    high: [u64; 2],
    low_port: u16,
    high_port: u16,
    v4: bool,
}

impl Key {
    /// The key of two ends, and whether `a` is the lower one.
    pub fn new(a: SocketAddr, b: SocketAddr) -> (Key, bool) {
        Key::of(&PacketEnds {
            tcp: false,
            v4: a.is_ipv4() && b.is_ipv4(),
            src: halves(a.ip()),
            dst: halves(b.ip()),
            src_port: a.port(),
            dst_port: b.port(),
        })
    }

    /// The key of a packet's ends, and whether its sender is the lower one.
    #[inline]
    pub fn of(ends: &PacketEnds) -> (Key, bool) {
        let &PacketEnds { v4, src, dst, src_port, dst_port, .. } = ends;
        // Of an IPv4 address the lower half says all, and its upper 16 bits nothing.
        let one = |[_, low]: [u64; 2], port: u16| low << 16 | u64::from(port);
        let src_first = if v4 { one(src, src_port) <= one(dst, dst_port) } else { (src, src_port) <= (dst, dst_port) };
        if src_first {
            (Key { low: src, high: dst, low_port: src_port, high_port: dst_port, v4 }, true)
        } else {
            (Key { low: dst, high: src, low_port: dst_port, high_port: src_port, v4 }, false)
        }
    }

    /// Whether the ports may be these, in any order: they are not where this says so.
    #[inline]
    pub fn may_have_ports(&self, [a, b]: [u16; 2]) -> bool {
        self.low_port ^ self.high_port == a ^ b
    }

    /// The lower end.
    pub fn low(&self) -> SocketAddr {
        SocketAddr::new(address(self.low, self.v4), self.low_port)
    }

    /// The higher end.
    pub fn high(&self) -> SocketAddr {
        SocketAddr::new(address(self.high, self.v4), self.high_port)
    }

    /// The shard that the key belongs to. (The tables hash with a [`Seed`].)
    #[inline(always)]
    pub fn shard(&self, shards: usize) -> usize {
        const SHARDS: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0x6e65_7474_7269_6167);
        (self.hash(&SHARDS) >> 32) as usize % shards
    }

    /// The hash of the key.
    #[inline(always)]
    pub fn hash(&self, hasher: &impl BuildHasher) -> u64 {
        let mut h = hasher.build_hasher();
        let ports = u64::from(self.low_port) << 16 | u64::from(self.high_port);
        let ([l0, l1], [h0, h1]) = (self.low, self.high);
        if self.v4 {
            h.write_u64(l1 << 32 | h1 & 0xffff_ffff);
        } else {
            h.write_u64(l0);
            h.write_u64(l1);
            h.write_u64(h0);
            h.write_u64(h1);
        }
        h.write_u64(ports << 1 | u64::from(self.v4));
        h.finish()
    }
}

/// What the tables of the flows of one capture hash keys with: a secret, so that no capture can make keys collide.
#[derive(Debug, Clone, Default)]
pub struct Seed(foldhash::fast::RandomState);

impl Seed {
    /// The part of a key's hash that tables keep.
    #[inline(always)]
    pub fn hash(&self, key: &Key) -> u32 {
        (key.hash(&self.0) >> 32) as u32
    }
}

/// Source and destination of a packet, with the ports of its transport; `None` where it has no ports. For an ICMP
/// error, those of the packet that it quotes.
pub fn ends_of(packet: &Packet<'_>) -> Option<(u8, SocketAddr, SocketAddr)> {
    match &packet.transport {
        Transport::Tcp(t) => {
            Some((TCP, SocketAddr::new(packet.src, t.src_port), SocketAddr::new(packet.dst, t.dst_port)))
        }
        Transport::Udp(u) => {
            Some((UDP, SocketAddr::new(packet.src, u.src_port), SocketAddr::new(packet.dst, u.dst_port)))
        }
        Transport::IcmpError(e) => Some((e.quoted_protocol, e.quoted_src, e.quoted_dst)),
        Transport::Other(_) => None,
    }
}

/// The shard, of so many, that a packet belongs to: the same for both directions of a flow and for ICMP errors about it,
/// and the same in every run, so that what the limits keep does not depend on chance.
pub fn shard_of(packet: &Packet<'_>, shards: usize) -> usize {
    let key = match packet.ends() {
        Some(ends) => Some(Key::of(&ends).0),
        None => ends_of(packet).map(|(_, src, dst)| Key::new(src, dst).0),
    };
    key.map_or(0, |key| key.shard(shards))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::IpAddr;

    proptest! {
        #[test]
        fn both_directions_have_one_key_and_the_ends_come_back(a: [u8; 4], b: [u8; 4], c: [u8; 16], p: u16, q: u16, six: bool) {
            let (x, y): (IpAddr, IpAddr) = if six {
                (IpAddr::from(c), IpAddr::from(c.map(|o| o ^ a[0])))
            } else {
                (IpAddr::from(a), IpAddr::from(b))
            };
            let (src, dst) = (SocketAddr::new(x, p), SocketAddr::new(y, q));
            let (k, src_low) = Key::new(src, dst);
            let (m, dst_low) = Key::new(dst, src);
            prop_assert_eq!(k, m);
            prop_assert!(src_low != dst_low || src == dst);
            let expected = if src_low { (src, dst) } else { (dst, src) };
            prop_assert_eq!((k.low(), k.high()), expected);
        }
    }

    #[test]
    fn an_ipv4_address_and_its_mapped_form_are_different_ends() {
        let four = Key::new("1.2.3.4:5".parse().unwrap(), "6.7.8.9:10".parse().unwrap()).0;
        let six = Key::new("[::ffff:1.2.3.4]:5".parse().unwrap(), "[::ffff:6.7.8.9]:10".parse().unwrap()).0;
        assert_ne!(four, six);
    }
}
