//! IPv4 and IPv6 headers, with options and extension headers.
//!
//! What enters: bytes that should be an IP packet. What leaves: addresses, upper protocol and its bytes, whose
//! length is the one that the IP header states (padding is gone, a cut is known). Fragments are told, not joined.

use crate::limits::IPV6_EXTENSIONS_MAX;
use crate::packet::layer::Span;
use etherparse::{IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IP protocol numbers (IANA "Assigned Internet Protocol Numbers") that are looked into.
pub(super) mod protocol {
    pub(in crate::packet) const HOP_BY_HOP: u8 = 0;
    pub(in crate::packet) const ICMP: u8 = 1;
    pub(in crate::packet) const IPV4: u8 = 4;
    pub(in crate::packet) const TCP: u8 = 6;
    pub(in crate::packet) const UDP: u8 = 17;
    pub(in crate::packet) const IPV6: u8 = 41;
    pub(in crate::packet) const ROUTING: u8 = 43;
    pub(in crate::packet) const FRAGMENT: u8 = 44;
    pub(in crate::packet) const GRE: u8 = 47;
    pub(in crate::packet) const ESP: u8 = 50;
    pub(in crate::packet) const AH: u8 = 51;
    pub(in crate::packet) const ICMPV6: u8 = 58;
    pub(in crate::packet) const DESTINATION_OPTIONS: u8 = 60;
    pub(in crate::packet) const IPIP: u8 = 94;
    pub(in crate::packet) const ETHERIP: u8 = 97;
    pub(in crate::packet) const MOBILITY: u8 = 135;
    pub(in crate::packet) const MPLS: u8 = 137;
    pub(in crate::packet) const HIP: u8 = 139;
    pub(in crate::packet) const SHIM6: u8 = 140;
    pub(in crate::packet) const ETHERNET: u8 = 143;
}

/// Length of an IPv6 header (RFC 8200, 3).
const IPV6_HEADER_LEN: usize = 40;

/// One IP packet, its upper layer not yet looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Datagram<'a> {
    /// Source address; the home address where a mobile node names it.
    pub(super) src: IpAddr,
    /// Destination address; the final one where a routing header names it.
    pub(super) dst: IpAddr,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    /// Identification (IPv6: low half of the fragment header's).
    pub(super) ip_id: Option<u16>,
    /// Upper protocol.
    pub(super) protocol: u8,
    /// Upper layer; for a fragment its part of it.
    pub(super) payload: Span<'a>,
    /// Set when this is one of several fragments.
    pub(super) fragment: Option<Fragment>,
}

/// Where a fragment belongs (RFC 791, 3.1; RFC 8200, 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    /// Identification.
    pub(super) id: u32,
    /// Offset in bytes.
    pub(super) offset: usize,
    /// More fragments follow.
    pub(super) more: bool,
}

/// Reads one IP packet of either version. `None`: the header is cut, or contradicts itself.
pub(super) fn datagram(span: Span<'_>) -> Option<Datagram<'_>> {
    match span.u8(0)? >> 4 {
        4 => v4(span),
        6 => v6(span),
        _ => None,
    }
}

fn v4(span: Span<'_>) -> Option<Datagram<'_>> {
    let header = Ipv4HeaderSlice::from_slice(span.data()).ok()?;
    // Total length 0 is what segmentation offload leaves behind: the frame's length counts.
    let packet = match usize::from(header.total_len()) {
        0 => span,
        total => span.with_len(total),
    };
    let mut datagram = Datagram {
        src: IpAddr::V4(Ipv4Addr::from(header.source())),
        dst: IpAddr::V4(Ipv4Addr::from(header.destination())),
        ttl: header.ttl(),
        ip_id: Some(header.identification()),
        protocol: header.protocol().0,
        payload: packet.skip(header.slice().len())?,
        fragment: None,
    };
    if header.is_fragmenting_payload() {
        datagram.fragment = Some(Fragment {
            id: u32::from(header.identification()),
            offset: usize::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        });
    } else {
        datagram.skip_extensions()?;
    }
    Some(datagram)
}

fn v6(span: Span<'_>) -> Option<Datagram<'_>> {
    let header = Ipv6HeaderSlice::from_slice(span.data()).ok()?;
    let rest = span.skip(IPV6_HEADER_LEN)?;
    let mut datagram = Datagram {
        src: IpAddr::V6(Ipv6Addr::from(header.source())),
        dst: IpAddr::V6(Ipv6Addr::from(header.destination())),
        ttl: header.hop_limit(),
        ip_id: None,
        protocol: header.next_header().0,
        // Payload length 0: segmentation offload, or a jumbogram, whose option is believed below.
        payload: match usize::from(header.payload_length()) {
            0 => rest,
            len => rest.with_len(len),
        },
        fragment: None,
    };
    if header.payload_length() == 0
        && datagram.protocol == protocol::HOP_BY_HOP
        && let Some(len) = jumbo_len(rest)
    {
        datagram.payload = rest.with_len(len);
    }
    datagram.skip_extensions()?;
    Some(datagram)
}

impl Datagram<'_> {
    /// Steps over the extension headers in front of the upper layer, up to a fragment header that leaves work to do.
    /// IPv4 has one of them, the authentication header.
    pub(super) fn skip_extensions(&mut self) -> Option<()> {
        for _ in 0..IPV6_EXTENSIONS_MAX {
            match (self.protocol, self.src) {
                (protocol::AH, _) => {
                    let header = IpAuthHeaderSlice::from_slice(self.payload.data()).ok()?;
                    self.protocol = header.next_header().0;
                    self.payload = self.payload.skip(header.slice().len())?;
                }
                (_, IpAddr::V4(_)) => return Some(()),
                (protocol::FRAGMENT, _) => {
                    let header = Ipv6FragmentHeaderSlice::from_slice(self.payload.data()).ok()?;
                    let id = header.identification();
                    self.ip_id = Some(id as u16);
                    self.protocol = header.next_header().0;
                    self.payload = self.payload.skip(header.slice().len())?;
                    if header.is_fragmenting_payload() {
                        let offset = usize::from(header.fragment_offset().value()) * 8;
                        self.fragment = Some(Fragment { id, offset, more: header.more_fragments() });
                        return Some(());
                    }
                }
                (
                    next @ (protocol::HOP_BY_HOP
                    | protocol::ROUTING
                    | protocol::DESTINATION_OPTIONS
                    | protocol::MOBILITY
                    | protocol::HIP
                    | protocol::SHIM6),
                    _,
                ) => {
                    let header = Ipv6RawExtHeaderSlice::from_slice(self.payload.data()).ok()?;
                    if next == protocol::ROUTING
                        && let Some(last) = final_destination(header.slice())
                    {
                        self.dst = IpAddr::V6(last);
                    }
                    if next == protocol::DESTINATION_OPTIONS
                        && let Some(home) = home_address(header.payload())
                    {
                        self.src = IpAddr::V6(home);
                    }
                    self.protocol = header.next_header().0;
                    self.payload = self.payload.skip(header.slice().len())?;
                }
                _ => return Some(()),
            }
        }
        // More extension headers than anyone sends: shown as what comes next, unread.
        Some(())
    }
}

/// The length in a jumbo payload option (RFC 2675, 2) of the hop-by-hop header at the start of `span`.
fn jumbo_len(span: Span<'_>) -> Option<usize> {
    let header = Ipv6RawExtHeaderSlice::from_slice(span.data()).ok()?;
    let len = option(header.payload(), 0xc2)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*len)).ok()
}

/// The home address of a mobile node (RFC 6275, 6.3), which stands for its source address, from destination options.
fn home_address(options: &[u8]) -> Option<Ipv6Addr> {
    option(options, 0xc9)?.first_chunk::<16>().copied().map(Ipv6Addr::from)
}

/// The first option of type `wanted` in an options header (RFC 8200, 4.2).
fn option(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    while let Some((&kind, rest)) = options.split_first() {
        if kind == 0 {
            options = rest;
            continue;
        }
        let (&len, body) = rest.split_first()?;
        let (value, after) = body.split_at_checked(usize::from(len))?;
        if kind == wanted {
            return Some(value);
        }
        options = after;
    }
    None
}

/// Where a packet with this routing header ends: the last address of a source route (RFC 2460, 4.4), the home
/// address (RFC 6275, 6.4), the first segment of a segment list (RFC 8754, 2). `None` once it has arrived.
fn final_destination(header: &[u8]) -> Option<Ipv6Addr> {
    let (&kind, &left) = (header.get(2)?, header.get(3)?);
    let addresses = header.get(8..)?.as_chunks::<16>().0;
    let address = match (kind, left) {
        (_, 0) => None,
        (0 | 2, _) => addresses.last(),
        (4, _) => addresses.first(),
        _ => None,
    };
    address.copied().map(Ipv6Addr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4_packet(total: u16, frag: u16, protocol: u8, rest: &[u8]) -> Vec<u8> {
        let mut v = vec![0x45, 0];
        v.extend(total.to_be_bytes());
        v.extend([0, 7]);
        v.extend(frag.to_be_bytes());
        v.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        v.extend(rest);
        v
    }

    fn v6_packet(len: u16, next: u8, rest: &[u8]) -> Vec<u8> {
        let mut v = vec![0x60, 0, 0, 0];
        v.extend(len.to_be_bytes());
        v.extend([next, 64]);
        v.extend([0x20; 16]);
        v.extend([0x30; 16]);
        v.extend(rest);
        v
    }

    #[test]
    fn padding_is_cut_off_and_offload_lengths_are_not() {
        let bytes = v4_packet(24, 0, 6, &[1; 30]);
        assert_eq!(datagram(Span::whole(&bytes)).unwrap().payload, Span::whole(&[1; 4]));
        let bytes = v4_packet(0, 0, 6, &[1; 30]);
        assert_eq!(datagram(Span::whole(&bytes)).unwrap().payload, Span::whole(&[1; 30]));
        let bytes = v4_packet(1500, 0, 6, &[1; 30]);
        assert_eq!(datagram(Span::whole(&bytes)).unwrap().payload, Span::new(&[1; 30], 1480));
        assert!(datagram(Span::whole(&v4_packet(19, 0, 6, &[1; 30]))).is_none());
        let bytes = v6_packet(0, 6, &[1; 30]);
        assert_eq!(datagram(Span::whole(&bytes)).unwrap().payload, Span::whole(&[1; 30]));
    }

    #[test]
    fn fragments_are_told() {
        let bytes = v4_packet(24, 0x2001, 17, &[1; 4]);
        let d = datagram(Span::whole(&bytes)).unwrap();
        assert_eq!(d.fragment, Some(Fragment { id: 7, offset: 8, more: true }));
        let bytes = v6_packet(12, 44, &[17, 0, 0, 0x09, 0, 1, 0, 2, 1, 1, 1, 1]);
        let d = datagram(Span::whole(&bytes)).unwrap();
        assert_eq!(d.fragment, Some(Fragment { id: 0x10002, offset: 8, more: true }));
        assert_eq!((d.protocol, d.ip_id, d.payload.wire_len()), (17, Some(2), 4));
        // An atomic fragment (RFC 6946) is none.
        let bytes = v6_packet(12, 44, &[17, 0, 0, 0, 0, 1, 0, 2, 1, 1, 1, 1]);
        assert_eq!(datagram(Span::whole(&bytes)).unwrap().fragment, None);
    }

    #[test]
    fn extension_headers_are_stepped_over() {
        let mut rest = vec![60, 0, 1, 4, 0, 0, 0, 0]; // hop-by-hop
        rest.extend([43, 0, 1, 4, 0, 0, 0, 0]); // destination options
        rest.extend([51, 2, 0, 1, 0, 0, 0, 0]); // routing, type 0, to a last address
        rest.extend([0x44; 16]);
        rest.extend([6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]); // AH, 24 bytes
        rest.extend([9; 12]);
        rest.extend([1, 2, 3]);
        let bytes = v6_packet(rest.len() as u16, 0, &rest);
        let d = datagram(Span::whole(&bytes)).unwrap();
        assert_eq!((d.protocol, d.payload.data()), (6, &[1, 2, 3][..]));
        assert_eq!(d.dst, IpAddr::V6(Ipv6Addr::from([0x44; 16])));
        for cut in 0..bytes.len() {
            let _ = datagram(Span::new(&bytes[..cut], bytes.len()));
        }
    }

    #[test]
    fn a_mobile_node_is_known_by_its_home_address() {
        let mut rest = vec![6, 2, 1, 2, 0, 0, 0xc9, 16];
        rest.extend([0x55; 16]);
        rest.push(7);
        let bytes = v6_packet(rest.len() as u16, 60, &rest);
        let d = datagram(Span::whole(&bytes)).unwrap();
        assert_eq!((d.src, d.payload.data()), (IpAddr::V6(Ipv6Addr::from([0x55; 16])), &[7][..]));
    }

    #[test]
    fn a_jumbo_payload_option_gives_the_length() {
        let mut rest = vec![6, 0, 0xc2, 4, 0, 1, 0, 8];
        rest.extend([1; 20]);
        let bytes = v6_packet(0, 0, &rest);
        assert_eq!(datagram(Span::whole(&bytes)).unwrap().payload, Span::new(&[1; 20], 0x10000));
    }
}
