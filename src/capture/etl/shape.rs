//! What the bytes of a frame say about it, whatever its record says: link type, length on the wire, identity.
//!
//! What enters: captured bytes. What leaves: small answers. Guaranteed: no read outside the bytes, constant work.

use crate::capture::LinkType;
use std::hash::{BuildHasher, Hasher};

/// EtherTypes that are looked at.
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88A8;
const IPV6: u16 = 0x86DD;

fn u16_be(d: &[u8], at: usize) -> Option<u16> {
    d.get(at..).and_then(|s| s.first_chunk::<2>()).map(|b| u16::from_be_bytes(*b))
}

/// Ethernet II with a header behind it that fits its EtherType.
pub fn looks_ethernet(d: &[u8]) -> bool {
    let Some((ether_type, at)) = ether_payload(d) else { return false };
    let Some(&first) = d.get(at) else { return false };
    match ether_type {
        IPV4 => first >> 4 == 4 && first & 15 >= 5 && d.len() >= at + 20,
        IPV6 => first >> 4 == 6 && d.len() >= at + 20,
        ARP => d.get(at..at + 4) == Some(&[0, 1, 8, 0]),
        _ => false,
    }
}

/// EtherType behind VLAN tags, and where its payload begins.
fn ether_payload(d: &[u8]) -> Option<(u16, usize)> {
    let mut at = 12;
    let mut ether_type = u16_be(d, at)?;
    for _ in 0..2 {
        if ether_type != VLAN && ether_type != SERVICE_VLAN {
            break;
        }
        at += 4;
        ether_type = u16_be(d, at)?;
    }
    Some((ether_type, at + 2))
}

/// Where the LLC header of an 802.11 data frame begins (IEEE 802.11 9.3.2: QoS control, fourth address).
fn llc_offset(d: &[u8]) -> Option<usize> {
    let (control, flags) = (*d.first()?, *d.get(1)?);
    if control & 0x0F != 0x08 {
        return None;
    }
    Some(24 + if control & 0x80 != 0 { 2 } else { 0 } + if flags & 3 == 3 { 6 } else { 0 })
}

/// 802.11 data frame with an LLC/SNAP header where it has to be.
pub fn has_llc_80211(d: &[u8]) -> bool {
    llc_offset(d).and_then(|at| d.get(at..at + 3)) == Some(&[0xAA, 0xAA, 0x03])
}

/// An IP header whose lengths fit.
pub fn looks_ip(d: &[u8]) -> bool {
    match d.first().map(|b| b >> 4) {
        Some(4) => {
            let header = d.first().map_or(0, |b| usize::from(b & 15) * 4);
            // 0: the length of a segment that the adapter will cut.
            header >= 20 && u16_be(d, 2).is_some_and(|len| len == 0 || usize::from(len) >= header) && d.len() >= 20
        }
        Some(6) => d.len() >= 40,
        _ => false,
    }
}

/// Ethernet, 802.11 or IP header first, with the EtherType: where the network header begins.
fn network(d: &[u8], link: LinkType) -> Option<(u16, usize)> {
    match link {
        LinkType::ETHERNET => ether_payload(d),
        LinkType::IEEE802_11 => {
            let at = llc_offset(d)?;
            if d.get(at..at + 3)? != [0xAA, 0xAA, 0x03] {
                return None;
            }
            Some((u16_be(d, at + 6)?, at + 8))
        }
        LinkType::RAW => match d.first()? >> 4 {
            4 => Some((IPV4, 0)),
            6 => Some((IPV6, 0)),
            _ => None,
        },
        _ => None,
    }
}

/// Length on the wire of a cut frame, from its IP header; `None` when it does not say.
pub fn original_length(d: &[u8], link: LinkType) -> Option<u32> {
    if link == LinkType::IEEE802_11 {
        return None;
    }
    let (ether_type, at) = network(d, link)?;
    if d.len() < at + 20 {
        return None;
    }
    let at32 = u32::try_from(at).ok()?;
    match ether_type {
        IPV4 => Some(at32 + u32::from(u16_be(d, at + 2)?)),
        IPV6 if d.len() >= at + 40 => Some(at32 + 40 + u32::from(u16_be(d, at + 4)?)),
        _ => None,
    }
}

/// Bytes captured from the network header on: what counts when one of two copies is to be kept.
pub fn network_bytes(d: &[u8], link: LinkType) -> usize {
    network(d, link).map_or(0, |(_, at)| d.len().saturating_sub(at))
}

/// A number that all copies of one packet share while it passes through a machine, and other packets do not: the IP
/// header without what may change on the way (service class, lengths of offloads, checksums), and the beginning of
/// what it carries without its checksum. Frames without IP are known by their payload.
pub fn identity(d: &[u8], link: LinkType, hasher: &impl BuildHasher) -> u64 {
    let mut h = hasher.build_hasher();
    match network(d, link) {
        Some((ether_type, at)) => {
            h.write_u16(ether_type);
            let n = d.get(at..).unwrap_or(&[]);
            match ether_type {
                IPV4 if n.len() >= 20 => {
                    let header = usize::from(n.first().copied().unwrap_or(0) & 15) * 4;
                    part(&mut h, n, 4, 10);
                    part(&mut h, n, 12, 20);
                    transport(&mut h, n.get(header..).unwrap_or(&[]), n.get(9).copied().unwrap_or(0));
                }
                IPV6 if n.len() >= 40 => {
                    part(&mut h, n, 6, 40);
                    transport(&mut h, n.get(40..).unwrap_or(&[]), n.get(6).copied().unwrap_or(0));
                }
                // Padding to the smallest Ethernet frame is no part of the message: 28 bytes are a whole ARP.
                _ => part(&mut h, n, 0, 28),
            }
        }
        None => {
            h.write_u16(link.0);
            h.write_usize(d.len());
            part(&mut h, d, 0, 64);
        }
    }
    h.finish()
}

fn part(h: &mut impl Hasher, d: &[u8], from: usize, to: usize) {
    h.write(d.get(from..to.min(d.len()).max(from)).unwrap_or(&[]));
}

/// Up to 48 bytes: a copy with the longer link header has no more than that of a packet logged with 128 bytes.
fn transport(h: &mut impl Hasher, t: &[u8], protocol: u8) {
    let checksum = match protocol {
        6 => 16,
        17 => 6,
        1 | 58 => 2,
        _ => 48,
    };
    part(h, t, 0, checksum);
    part(h, t, (checksum + 2).min(48), 48);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip4(checksum: u16, tos: u8) -> Vec<u8> {
        let mut p = vec![0x45, tos, 0, 28, 0x12, 0x34, 0x40, 0, 128, 17];
        p.extend_from_slice(&checksum.to_be_bytes());
        p.extend_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        p.extend_from_slice(&[0, 53, 0, 54, 0, 8]);
        p.extend_from_slice(&checksum.to_be_bytes());
        p
    }

    fn ethernet(payload: &[u8]) -> Vec<u8> {
        let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        f.extend_from_slice(payload);
        f
    }

    fn wifi(payload: &[u8]) -> Vec<u8> {
        let mut f = vec![0x88, 0x41];
        f.extend_from_slice(&[0; 24]);
        f.extend_from_slice(&[0xAA, 0xAA, 3, 0, 0, 0, 8, 0]);
        f.extend_from_slice(payload);
        f
    }

    #[test]
    fn copies_of_a_packet_share_an_identity_across_link_types_and_checksums() {
        let hasher = foldhash::fast::FixedState::default();
        let a = identity(&ethernet(&ip4(0, 0)), LinkType::ETHERNET, &hasher);
        assert_eq!(a, identity(&wifi(&ip4(0xBEEF, 4)), LinkType::IEEE802_11, &hasher));
        assert_eq!(a, identity(&ip4(7, 0), LinkType::RAW, &hasher));
        let mut tagged = ethernet(&ip4(0, 0));
        tagged.splice(12..12, [0x81, 0, 0, 5]);
        assert_eq!(a, identity(&tagged, LinkType::ETHERNET, &hasher));
        let mut other = ip4(7, 0);
        other[5] ^= 1;
        assert_ne!(a, identity(&other, LinkType::RAW, &hasher));
    }

    #[test]
    fn bytes_tell_the_link_type() {
        assert!(looks_ethernet(&ethernet(&ip4(0, 0))) && !has_llc_80211(&ethernet(&ip4(0, 0))));
        assert!(has_llc_80211(&wifi(&ip4(0, 0))) && !looks_ethernet(&wifi(&ip4(0, 0))));
        assert!(looks_ip(&ip4(0, 0)) && !looks_ip(&ethernet(&ip4(0, 0))));
        assert_eq!(original_length(&ethernet(&ip4(0, 0)), LinkType::ETHERNET), Some(42));
    }

    #[test]
    fn any_prefix_is_safe() {
        let hasher = foldhash::fast::FixedState::default();
        for frame in [ethernet(&ip4(0, 0)), wifi(&ip4(0, 0)), ip4(0, 0), vec![0xFF; 80], vec![0x60; 80]] {
            for cut in 0..frame.len() {
                for link in [LinkType::ETHERNET, LinkType::IEEE802_11, LinkType::RAW, LinkType(147)] {
                    let d = &frame[..cut];
                    identity(d, link, &hasher);
                    original_length(d, link);
                    network_bytes(d, link);
                    let _ = (looks_ethernet(d), has_llc_80211(d), looks_ip(d));
                }
            }
        }
    }
}
