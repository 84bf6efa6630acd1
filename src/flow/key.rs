//! Who talks to whom, as integers: the unordered pair of ends that names a conversation, and its hashes.
//!
//! What enters: packets, and the headers that ICMP errors quote. What leaves: [`Key`]s, equal for both directions, and
//! [`key_hash`] by which packets are shared out to shards. Guaranteed: a packet, its answer and an ICMP error that
//! quotes either have the same hash.

use crate::packet::{Packet, Transport};
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// IP protocol number of TCP (IANA protocol numbers).
pub const TCP: u8 = 6;
/// IP protocol number of UDP (IANA protocol numbers).
pub const UDP: u8 = 17;

/// An unordered pair of address and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Both addresses as two big-endian halves; IPv4 in the low half of the second. The lower end comes first.
    low: [u64; 2],
    high: [u64; 2],
    low_port: u16,
    high_port: u16,
    v4: bool,
}

impl Key {
    /// The key of two ends, and whether `a` is the lower one.
    pub fn new(a: SocketAddr, b: SocketAddr) -> (Key, bool) {
        let v4 = a.is_ipv4() && b.is_ipv4();
        let (ia, ib) = (words(a.ip(), v4), words(b.ip(), v4));
        let (pa, pb) = (a.port(), b.port());
        if (ia, pa) <= (ib, pb) {
            (Key { low: ia, high: ib, low_port: pa, high_port: pb, v4 }, true)
        } else {
            (Key { low: ib, high: ia, low_port: pb, high_port: pa, v4 }, false)
        }
    }

    /// The lower end.
    pub fn low(&self) -> SocketAddr {
        SocketAddr::new(address(self.low, self.v4), self.low_port)
    }

    /// The higher end.
    pub fn high(&self) -> SocketAddr {
        SocketAddr::new(address(self.high, self.v4), self.high_port)
    }

    /// The hash of the key.
    pub fn hash(&self, hasher: &impl BuildHasher) -> u64 {
        let mut h = hasher.build_hasher();
        let ports = u64::from(self.low_port) << 16 | u64::from(self.high_port);
        let ([l0, l1], [h0, h1]) = (self.low, self.high);
        if self.v4 {
            h.write_u64(l1 << 32 | h1);
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

fn words(ip: IpAddr, v4: bool) -> [u64; 2] {
    match ip {
        IpAddr::V4(ip) if v4 => [0, u64::from(ip.to_bits())],
        IpAddr::V4(ip) => halves(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => halves(ip),
    }
}

fn halves(ip: Ipv6Addr) -> [u64; 2] {
    let bits = ip.to_bits();
    [(bits >> 64) as u64, (bits & u128::from(u64::MAX)) as u64]
}

fn address([high, low]: [u64; 2], v4: bool) -> IpAddr {
    if v4 {
        IpAddr::V4(Ipv4Addr::from_bits((low & 0xffff_ffff) as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)))
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

/// The hash by which packets are shared out to shards: the same for both directions of a flow and for ICMP errors
/// about it, and the same in every run, so that what the limits keep does not depend on chance. (The tables hash with
/// a seed of their own.)
pub fn key_hash(packet: &Packet<'_>) -> u64 {
    const SHARDS: foldhash::fast::FixedState = foldhash::fast::FixedState::with_seed(0x6e65_7474_7269_6167);
    match ends_of(packet) {
        Some((_, src, dst)) => Key::new(src, dst).0.hash(&SHARDS),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
