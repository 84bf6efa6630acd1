//! The fast path: Ethernet, at most one VLAN tag, IPv4 or IPv6, TCP or UDP, without anything unusual.
//!
//! Guaranteed: whatever this path decodes, [`crate::packet::Decoder`] decodes to the same packet. It keeps no state,
//! allocates nothing and touches headers only. `None` means "ask the decoder", never "nothing there".

use crate::capture::{Frame, LinkType};
use crate::packet::ether::{ETHERNET_HEADER_LEN, IPV4, IPV6, VLAN, VLAN_TAG_LEN};
use crate::packet::ip::protocol;
use crate::packet::layer::Context;
use crate::packet::transport::{TCP_HEADER_LEN, UDP_HEADER_LEN, tcp_options};
use crate::packet::{Packet, PacketEnds, TcpFlags, TcpSegment, Transport, UdpDatagram, address, halves_v4, tunnel};

/// A plain frame's packet, as integers and borrowed bytes.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'w> {
    /// Between whom it went.
    pub ends: PacketEnds,
    /// As in [`Packet`].
    pub ttl: u8,
    /// As in [`Packet`].
    pub ip_id: Option<u16>,
    /// As in [`TcpSegment`]; 0 in a datagram, as are the next three.
    pub seq: u32,
    /// See `seq`.
    pub ack: u32,
    /// See `seq`.
    pub flags: TcpFlags,
    /// See `seq`.
    pub window: u16,
    /// TCP options as they stand in the header.
    pub options: &'w [u8],
    /// Captured payload.
    pub payload: &'w [u8],
    /// Payload bytes on the wire.
    pub payload_len: u32,
}

/// The network header's part of a packet, and where its payload lies.
struct Network<'w> {
    src: [u64; 2],
    dst: [u64; 2],
    ttl: u8,
    ip_id: Option<u16>,
    protocol: u8,
    payload: &'w [u8],
    payload_len: usize,
}

/// What is done with the parts of a frame. (No closure, since none can be made to be inlined.)
pub trait Use<'w> {
    /// What is made of them.
    type Made;
    /// Takes them.
    fn of(self, parts: &Parts<'w>) -> Self::Made;
}

/// Decodes a plain frame.
pub fn decode<'w>(frame: &Frame<'w>) -> Option<Packet<'w>> {
    struct ForPacket<'f, 'w>(&'f Frame<'w>);
    impl<'w> Use<'w> for ForPacket<'_, 'w> {
        type Made = Packet<'w>;
        fn of(self, parts: &Parts<'w>) -> Packet<'w> {
            parts.packet(self.0)
        }
    }
    take_apart(frame, ForPacket(frame))
}

/// Takes a plain frame apart and gives what was made of its parts.
// Inlined as a whole into the caller's loop, the use once for each family and transport: what the caller does not use is
// never written, and what it asks of the family is known beforehand.
#[inline(always)]
pub fn take_apart<'w, U: Use<'w>>(frame: &Frame<'w>, using: U) -> Option<U::Made> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let data = frame.data;
    let header = data.first_chunk::<ETHERNET_HEADER_LEN>()?;
    let &[.., a, b] = header;
    let mut ether_type = u16::from_be_bytes([a, b]);
    let mut start = ETHERNET_HEADER_LEN;
    if ether_type == VLAN {
        let &[_, _, a, b] = data.get(start..)?.first_chunk::<VLAN_TAG_LEN>()?;
        ether_type = u16::from_be_bytes([a, b]);
        start += VLAN_TAG_LEN;
    }
    let packet = data.get(start..)?;
    // Segmentation offload leaves the IP length 0; then the frame's counts.
    let wire = (frame.original_len as usize).max(data.len()) - start;
    match ether_type {
        IPV4 => transport(&v4(packet, wire)?, true, using),
        IPV6 => transport(&v6(packet, wire)?, false, using),
        _ => None,
    }
}

#[inline(always)]
fn transport<'w, U: Use<'w>>(network: &Network<'w>, v4: bool, using: U) -> Option<U::Made> {
    match network.protocol {
        protocol::TCP => Some(using.of(&tcp(network, v4)?)),
        protocol::UDP => Some(using.of(&udp(network, v4)?)),
        _ => None,
    }
}

impl<'w> Parts<'w> {
    /// No TCP option but perhaps the timestamps: two no-operations and they, as nearly everybody writes them (RFC 7323,
    /// appendix A).
    #[inline]
    pub fn has_plain_options(&self) -> bool {
        matches!(self.options, [] | [1, 1, 8, 10, _, _, _, _, _, _, _, _])
    }

    /// The packet of the frame that these are the parts of.
    pub fn packet(&self, frame: &Frame<'w>) -> Packet<'w> {
        let cx = Context::of(frame);
        let &Parts { ends, ttl, ip_id, seq, ack, flags, window, options, payload, payload_len } = self;
        let PacketEnds { tcp, v4, src, dst, src_port, dst_port } = ends;
        let transport = if tcp {
            let options = tcp_options(options);
            Transport::Tcp(TcpSegment { src_port, dst_port, seq, ack, flags, window, options, payload, payload_len })
        } else {
            Transport::Udp(UdpDatagram { src_port, dst_port, payload, payload_len })
        };
        Packet {
            at: cx.at,
            src: address(src, v4),
            dst: address(dst, v4),
            ttl,
            ip_id,
            direction: cx.direction,
            pid: cx.pid,
            dropped: cx.dropped,
            transport,
        }
    }
}

/// An IPv4 header without options (RFC 791, 3.1), of a packet that is no fragment.
#[inline(always)]
fn v4(packet: &[u8], wire: usize) -> Option<Network<'_>> {
    let (header, rest) = packet.split_first_chunk::<20>()?;
    let &[0x45, _, t0, t1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = header else {
        return None;
    };
    // More fragments, or an offset; "don't fragment" and the reserved bit do not matter.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return None;
    }
    let total = match usize::from(u16::from_be_bytes([t0, t1])) {
        0 => wire,
        total => total,
    };
    let payload_len = total.checked_sub(20)?;
    Some(Network {
        src: halves_v4(u32::from_be_bytes([s0, s1, s2, s3])),
        dst: halves_v4(u32::from_be_bytes([d0, d1, d2, d3])),
        ttl,
        ip_id: Some(u16::from_be_bytes([i0, i1])),
        protocol,
        payload: rest.get(..payload_len).unwrap_or(rest),
        payload_len,
    })
}

/// An IPv6 header (RFC 8200, 3); extension headers fail at the transport.
#[inline(always)]
fn v6(packet: &[u8], wire: usize) -> Option<Network<'_>> {
    let (header, rest) = packet.split_first_chunk::<40>()?;
    let (head, addresses) = header.split_first_chunk::<8>()?;
    let &[version, _, _, _, l0, l1, protocol, ttl] = head;
    if version >> 4 != 6 {
        return None;
    }
    let half = |at: usize| addresses.get(at..)?.first_chunk::<8>().map(|half| u64::from_be_bytes(*half));
    let payload_len = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => wire.checked_sub(40)?,
        len => len,
    };
    Some(Network {
        src: [half(0)?, half(8)?],
        dst: [half(16)?, half(24)?],
        ttl,
        ip_id: None,
        protocol,
        payload: rest.get(..payload_len).unwrap_or(rest),
        payload_len,
    })
}

/// A TCP header that was captured whole.
#[inline(always)]
fn tcp<'w>(network: &Network<'w>, v4: bool) -> Option<Parts<'w>> {
    let (header, rest) = network.payload.split_first_chunk::<TCP_HEADER_LEN>()?;
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, ..] = header;
    let options_len = (usize::from(offset >> 4) * 4).checked_sub(TCP_HEADER_LEN)?;
    let (options, payload) = rest.split_at_checked(options_len)?;
    let payload_len = network.payload_len.checked_sub(TCP_HEADER_LEN + options_len)?;
    Some(Parts {
        ends: PacketEnds {
            tcp: true,
            v4,
            src: network.src,
            dst: network.dst,
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
        },
        ttl: network.ttl,
        ip_id: network.ip_id,
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags(flags),
        window: u16::from_be_bytes([w0, w1]),
        options,
        payload,
        payload_len: u32::try_from(payload_len).ok()?,
    })
}

/// A UDP header of a port that is no tunnel's.
#[inline(always)]
fn udp<'w>(network: &Network<'w>, v4: bool) -> Option<Parts<'w>> {
    let (header, rest) = network.payload.split_first_chunk::<UDP_HEADER_LEN>()?;
    let &[s0, s1, d0, d1, l0, l1, _, _] = header;
    let (src_port, dst_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    if tunnel::is_port(src_port) || tunnel::is_port(dst_port) {
        return None;
    }
    let len = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => network.payload_len,
        stated => stated.min(network.payload_len),
    };
    let payload_len = len.checked_sub(UDP_HEADER_LEN)?;
    Some(Parts {
        ends: PacketEnds { tcp: false, v4, src: network.src, dst: network.dst, src_port, dst_port },
        ttl: network.ttl,
        ip_id: network.ip_id,
        seq: 0,
        ack: 0,
        flags: TcpFlags::default(),
        window: 0,
        options: &[],
        payload: rest.get(..payload_len).unwrap_or(rest),
        payload_len: u32::try_from(payload_len).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Direction;
    use crate::packet::Decoder;
    use crate::time::Timestamp;
    use etherparse::{PacketBuilder, TcpOptionElement};
    use proptest::prelude::*;

    fn frame(data: &[u8], original_len: usize) -> Frame<'_> {
        Frame {
            number: 7,
            time: Timestamp(9),
            timed: true,
            link: LinkType::ETHERNET,
            data,
            original_len: original_len as u32,
            interface: 0,
            direction: Direction::Outbound,
            pid: Some(3),
            tid: None,
            dropped: None,
        }
    }

    /// What both paths make of a frame, as text; the general path may emit several packets.
    fn both(data: &[u8], original_len: usize) -> (Option<String>, Vec<String>) {
        let frame = frame(data, original_len);
        let mut general = Vec::new();
        let mut decoder = Decoder::new();
        decoder.decode(&frame, &mut |p| general.push(format!("{p:?}")));
        (decode(&frame).map(|p| format!("{p:?}")), general)
    }

    fn check(data: &[u8], original_len: usize) -> bool {
        let (fast, general) = both(data, original_len);
        if let Some(fast) = &fast {
            assert_eq!(std::slice::from_ref(fast), general);
        }
        fast.is_some()
    }

    fn built(v6: bool, vlan: bool, tcp: bool, options: &[TcpOptionElement], payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let link = PacketBuilder::ethernet2([1; 6], [2; 6]);
        let ports = (50_000, 443);
        macro_rules! upper {
            ($ip:expr) => {
                if tcp {
                    let builder = $ip.tcp(ports.0, ports.1, 0x0102_0304, 1000).ack(99).psh();
                    builder.options(options).unwrap().write(&mut out, payload).unwrap()
                } else {
                    $ip.udp(ports.0, ports.1).write(&mut out, payload).unwrap()
                }
            };
        }
        match (v6, vlan) {
            (false, false) => upper!(link.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)),
            (true, false) => upper!(link.ipv6([3; 16], [4; 16], 64)),
            (false, true) => {
                upper!(link.single_vlan(etherparse::VlanId::try_new(5).unwrap()).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64))
            }
            (true, true) => {
                upper!(link.single_vlan(etherparse::VlanId::try_new(5).unwrap()).ipv6([3; 16], [4; 16], 64))
            }
        }
        out
    }

    #[test]
    fn plain_frames_are_decoded_without_the_decoder() {
        let options = [TcpOptionElement::MaximumSegmentSize(1460), TcpOptionElement::WindowScale(8)];
        for v6 in [false, true] {
            for vlan in [false, true] {
                for tcp in [false, true] {
                    let bytes = built(v6, vlan, tcp, &options, b"hello");
                    assert!(check(&bytes, bytes.len()), "{v6} {vlan} {tcp}");
                    // Padding, as on the shortest frames, is no payload.
                    let padded = [&bytes[..], &[0; 9]].concat();
                    let frame = frame(&padded, padded.len());
                    match decode(&frame).unwrap().transport {
                        Transport::Tcp(s) => assert_eq!((s.payload, s.options.mss), (&b"hello"[..], Some(1460))),
                        Transport::Udp(u) => assert_eq!(u.payload, b"hello"),
                        _ => panic!(),
                    }
                }
            }
        }
    }

    #[test]
    fn offload_lengths_and_snap_lengths_agree_with_the_decoder() {
        for v6 in [false, true] {
            let mut bytes = built(v6, false, true, &[], &[7; 3000]);
            let length_at = if v6 { 18 } else { 16 };
            bytes[length_at..length_at + 2].fill(0);
            assert!(check(&bytes, bytes.len()));
            let frame = frame(&bytes, bytes.len());
            let Transport::Tcp(s) = decode(&frame).unwrap().transport else { panic!() };
            assert_eq!((s.payload.len(), s.payload_len), (3000, 3000));
            let bytes = built(v6, false, true, &[], &[7; 3000]);
            for snap in 0..100 {
                check(&bytes[..snap], bytes.len());
            }
            assert!(check(&bytes[..96], bytes.len()));
        }
    }

    #[test]
    fn the_unusual_is_left_to_the_decoder() {
        let mut fragment = built(false, false, true, &[], b"x");
        fragment[20] = 0x20;
        assert!(!check(&fragment, fragment.len()));
        let mut tunnel = built(false, false, false, &[], &[8, 0, 0, 0, 0, 0, 1, 0]);
        tunnel[36..38].copy_from_slice(&4789u16.to_be_bytes());
        assert!(!check(&tunnel, tunnel.len()));
        let mut double = built(false, true, true, &[], b"x");
        double[16..18].copy_from_slice(&VLAN.to_be_bytes());
        assert!(!check(&double, double.len()));
        let plain = built(false, false, true, &[], b"x");
        let other_link = Frame { link: LinkType::RAW, ..frame(&plain, plain.len()) };
        assert!(decode(&other_link).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whatever_is_decoded_is_what_the_decoder_sees(
            shape in any::<[bool; 3]>(),
            payload in proptest::collection::vec(any::<u8>(), 0..60),
            with_options in any::<bool>(),
            flips in proptest::collection::vec((0usize..90, any::<u8>()), 0..5),
            snap in 0usize..200,
            more in 0usize..2000,
        ) {
            let options: &[TcpOptionElement] =
                if with_options { &[TcpOptionElement::Noop, TcpOptionElement::Noop, TcpOptionElement::Timestamp(5, 6)] } else { &[] };
            let mut bytes = built(shape[0], shape[1], shape[2], options, &payload);
            for (at, value) in flips {
                if let Some(b) = bytes.get_mut(at) {
                    *b = value;
                }
            }
            let wire = bytes.len() + more;
            bytes.truncate(snap);
            check(&bytes, wire);
        }
    }
}
