//! The general path: every link type, tunnel and fragment, one frame at a time in file order.
//!
//! What enters: frames. What leaves: for each the innermost IP packets that it completes, 0 to many. Guaranteed: work
//! and memory are bounded by [`crate::limits`] whatever the bytes say; what cannot be shown is counted and named.

use crate::capture::Frame;
use crate::limits::{AMSDU_SUBFRAMES_MAX, LINK_LAYERS_MAX, TUNNEL_DEPTH_MAX};
use crate::message;
use crate::packet::fragment::Fragments;
use crate::packet::ip::{self, Datagram, protocol};
use crate::packet::layer::{Context, Layer, Opaque, Span, Step};
use crate::packet::{Packet, Transport, ether, icmp, link, transport, tunnel, wlan};
use crate::problem::Problems;
use std::collections::BTreeMap;

/// What the decoder met and could not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecodeStats {
    /// Link types (LINKTYPE_ numbers) that are not read, with their frames; see [`crate::packet::link_name`].
    pub unsupported_links: Vec<(u16, u64)>,
    /// Payload that hides what it carries, in packets.
    pub opaque: Vec<(Opaque, u64)>,
    /// Damaged headers, fragments without the rest, and the like.
    pub problems: Problems,
}

/// Receives the packets of a frame.
type Sink<'s> = dyn FnMut(&Packet<'_>) + 's;

/// The stateful decoder of one capture.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
    unsupported: BTreeMap<u16, u64>,
    opaque: BTreeMap<Opaque, u64>,
    problems: Problems,
}

impl Decoder {
    /// A decoder that has seen nothing yet.
    pub fn new() -> Self {
        Decoder::default()
    }

    /// Decodes one frame; frames must come in file order.
    pub fn decode(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(&Packet<'_>)) {
        let wire = usize::try_from(frame.original_len).unwrap_or(usize::MAX);
        let span = Span::new(frame.data, wire);
        self.layers(Context::of(frame), 0, Layer::Link(frame.link.0), span, sink);
    }

    /// What could not be shown. Fragments still waiting count as lost.
    pub fn finish(mut self) -> DecodeStats {
        let lost = self.fragments.finish();
        self.problems.note_many("ip_fragments_incomplete", lost.datagrams, lost.first_frame, None, || {
            message!(en: "IP fragments whose rest is not in the capture", ja: "残りがキャプチャにない IP フラグメント")
        });
        DecodeStats {
            unsupported_links: self.unsupported.into_iter().collect(),
            opaque: self.opaque.into_iter().collect(),
            problems: self.problems,
        }
    }

    /// Walks from a link layer to IP. True when a packet was emitted, or is waiting for its other fragments.
    fn layers<'a>(
        &mut self,
        mut cx: Context,
        tunnels: usize,
        mut layer: Layer,
        mut span: Span<'a>,
        sink: &mut Sink<'_>,
    ) -> bool {
        for _ in 0..LINK_LAYERS_MAX {
            let step = match layer {
                Layer::Ip => return self.ip(cx, tunnels, span, sink),
                Layer::Amsdu => return self.aggregate(cx, tunnels, span, sink),
                Layer::Link(number) => link::step(number, span, &mut cx),
                other => ether::step(other, span),
            };
            match step {
                Step::Next(next, rest) => (layer, span) = (next, rest),
                Step::NoIp => return false,
                Step::Opaque(kind) => {
                    self.count_opaque(kind);
                    return false;
                }
                Step::Unsupported(number) => {
                    let count = self.unsupported.entry(number).or_default();
                    *count = count.saturating_add(1);
                    return false;
                }
                Step::Damaged => {
                    self.damaged(cx, span);
                    return false;
                }
            }
        }
        self.too_deep(cx);
        false
    }

    /// Walks the subframes of an 802.11 aggregate.
    fn aggregate(&mut self, cx: Context, tunnels: usize, span: Span<'_>, sink: &mut Sink<'_>) -> bool {
        let mut shown = false;
        let mut rest = Some(span);
        for _ in 0..AMSDU_SUBFRAMES_MAX {
            let Some((body, next)) = rest.and_then(wlan::subframe) else { break };
            shown |= self.layers(cx, tunnels, Layer::Llc, body, sink);
            rest = next;
        }
        shown
    }

    /// Reads an IP header; joins fragments.
    fn ip(&mut self, cx: Context, tunnels: usize, span: Span<'_>, sink: &mut Sink<'_>) -> bool {
        let Some(datagram) = ip::datagram(span) else {
            self.damaged(cx, span);
            return false;
        };
        let Some(fragment) = datagram.fragment else {
            return self.inside(cx, tunnels, &datagram, sink);
        };
        if datagram.payload.is_cut() {
            // It can never be joined, but the first fragment has the ports.
            self.problems.note("ip_fragments_cut", Some(cx.at.frame), None, || {
                message!(
                    en: "IP fragments cut by the snap length, so not reassembled",
                    ja: "スナップ長で切られたため再構成できない IP フラグメント"
                )
            });
            return fragment.offset != 0 || self.inside(cx, tunnels, &datagram, sink);
        }
        if let Some(whole) = self.fragments.take(&datagram, fragment, cx.at.time, cx.at.frame) {
            let payload = Span::whole(&whole.bytes);
            let mut joined = Datagram { payload, protocol: whole.protocol, fragment: None, ..datagram };
            match joined.skip_extensions() {
                // A fragmented fragment (RFC 8200, 4.5 knows none) is not joined again.
                Some(()) if joined.fragment.is_none() => {
                    self.inside(cx, tunnels, &joined, sink);
                }
                _ => self.damaged(cx, joined.payload),
            }
        }
        true
    }

    /// Reads the upper layer of a whole datagram and emits it, or what it carries.
    fn inside(&mut self, cx: Context, tunnels: usize, datagram: &Datagram<'_>, sink: &mut Sink<'_>) -> bool {
        let payload = datagram.payload;
        let transport = match datagram.protocol {
            protocol::TCP => transport::tcp(payload).map(Transport::Tcp),
            protocol::UDP => transport::udp(payload).map(Transport::Udp),
            protocol::ICMP => icmp::v4(payload).map(Transport::IcmpError),
            protocol::ICMPV6 => icmp::v6(payload).map(Transport::IcmpError),
            _ => None,
        };
        let into = match transport {
            Some(Transport::Udp(udp)) => {
                let wire = usize::try_from(udp.payload_len).unwrap_or(usize::MAX);
                tunnel::udp(udp.src_port, udp.dst_port, Span::new(udp.payload, wire))
            }
            None => tunnel::ip_protocol(datagram.protocol, payload),
            _ => None,
        };
        match into {
            Some(Step::Next(layer, inner)) if tunnels < TUNNEL_DEPTH_MAX => {
                if self.layers(cx, tunnels.saturating_add(1), layer, inner, sink) {
                    return true;
                }
            }
            Some(Step::Next(..)) => self.too_deep(cx),
            Some(Step::Opaque(kind)) => self.count_opaque(kind),
            Some(Step::Damaged) => self.damaged(cx, payload),
            Some(Step::NoIp | Step::Unsupported(_)) | None => {}
        }
        if transport.is_none() && matches!(datagram.protocol, protocol::TCP | protocol::UDP) {
            self.damaged(cx, payload);
        }
        sink(&Packet {
            at: cx.at,
            src: datagram.src,
            dst: datagram.dst,
            ttl: datagram.ttl,
            ip_id: datagram.ip_id,
            direction: cx.direction,
            pid: cx.pid,
            dropped: cx.dropped,
            transport: transport.unwrap_or(Transport::Other(datagram.protocol)),
        });
        true
    }

    fn count_opaque(&mut self, kind: Opaque) {
        let count = self.opaque.entry(kind).or_default();
        *count = count.saturating_add(1);
    }

    /// A header that ends early, because of the snap length or by itself.
    fn damaged(&mut self, cx: Context, span: Span<'_>) {
        let frame = Some(cx.at.frame);
        if span.is_cut() {
            self.problems.note("headers_cut", frame, None, || {
                message!(
                    en: "packets whose headers the snap length cut",
                    ja: "スナップ長でヘッダーが切られたパケット"
                )
            });
        } else {
            self.problems.note("headers_damaged", frame, None, || {
                message!(
                    en: "packets with headers that end early or contradict themselves",
                    ja: "ヘッダーが途中で終わる、または矛盾しているパケット"
                )
            });
        }
    }

    fn too_deep(&mut self, cx: Context) {
        self.problems.note("headers_too_deep", Some(cx.at.frame), None, || {
            message!(
                en: "packets with more nested headers than are followed",
                ja: "追跡できる段数を超えて入れ子になったヘッダーを持つパケット"
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Direction, LinkType};
    use crate::time::Timestamp;
    use etherparse::PacketBuilder;
    use std::net::IpAddr;

    fn frame(number: u64, link: u16, data: &[u8]) -> Frame<'_> {
        Frame {
            number,
            time: Timestamp(number as i64),
            timed: true,
            link: LinkType(link),
            data,
            original_len: data.len() as u32,
            interface: 0,
            direction: Direction::Unknown,
            pid: None,
            tid: None,
            dropped: None,
        }
    }

    /// One line a packet: addresses, transport, payload length.
    fn told(p: &Packet<'_>) -> String {
        let rest = match p.transport {
            Transport::Tcp(t) => format!("tcp {} {} {}", t.src_port, t.dst_port, t.payload_len),
            Transport::Udp(u) => format!("udp {} {} {}", u.src_port, u.dst_port, u.payload_len),
            Transport::IcmpError(e) => format!("icmp {} {} {}", e.kind, e.quoted_src, e.quoted_dst),
            Transport::Other(n) => format!("other {n}"),
        };
        format!("{}>{} {rest}", p.src, p.dst)
    }

    fn run(link: u16, frames: &[Vec<u8>]) -> (Vec<String>, DecodeStats) {
        let mut out = Vec::new();
        let mut decoder = Decoder::new();
        for (i, data) in frames.iter().enumerate() {
            decoder.decode(&frame(i as u64 + 1, link, data), &mut |p| out.push(told(p)));
        }
        (out, decoder.finish())
    }

    fn inner() -> Vec<u8> {
        let mut out = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(50_000, 443, 1, 100)
            .write(&mut out, &[1, 2, 3])
            .unwrap();
        out
    }

    const INNER: &str = "10.0.0.1>10.0.0.2 tcp 50000 443 3";

    fn outer(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut v = vec![0x45, 0];
        v.extend((payload.len() as u16 + 20).to_be_bytes());
        v.extend([0, 9, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        v.extend(payload);
        v
    }

    fn ether(ether_type: u16, payload: &[u8]) -> Vec<u8> {
        [&[2; 12][..], &ether_type.to_be_bytes(), payload].concat()
    }

    fn udp(dst_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut v = 60_000u16.to_be_bytes().to_vec();
        v.extend(dst_port.to_be_bytes());
        v.extend((payload.len() as u16 + 8).to_be_bytes());
        v.extend([0, 0]);
        v.extend(payload);
        outer(17, &v)
    }

    /// The inner packet in every wrapping that is read here, with the wrapping's link type.
    fn wrappings() -> Vec<(u16, Vec<u8>)> {
        let p = inner();
        let framed = ether(0x0800, &p);
        let cat = |head: &[u8], tail: &[u8]| [head, tail].concat();
        let snap = cat(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &p);
        let mut wlan = vec![0x08, 0x01];
        wlan.resize(24, 0);
        wlan.extend(&snap);
        let mut subframe = vec![0; 12];
        subframe.extend((snap.len() as u16).to_be_bytes());
        subframe.extend(&snap);
        let mut aggregate = vec![0x88, 0x01];
        aggregate.resize(24, 0);
        aggregate.extend([0x80, 0]);
        aggregate.extend(&subframe);
        let mut ppi = vec![0, 0, 8, 0, 105, 0, 0, 0];
        ppi.extend(&wlan);
        let gtp = cat(&[0x30, 0xff, (p.len() >> 8) as u8, p.len() as u8, 0, 0, 0, 1], &p);
        let ppp_len = (p.len() as u16 + 2).to_be_bytes();
        let pppoe = cat(&[0x11, 0, 0, 1, ppp_len[0], ppp_len[1], 0, 0x21], &p);
        vec![
            (1, framed.clone()),
            (1, ether(0x88a8, &cat(&[0, 1, 0x81, 0, 0, 2, 8, 0], &p))),
            (1, ether(snap.len() as u16, &snap)),
            (1, ether(0x8847, &cat(&[0, 0, 0, 64, 0, 0, 1, 64], &p))),
            (1, ether(0x8864, &pppoe)),
            (1, ether(0x88e7, &cat(&[0, 0, 0, 1], &framed))),
            (101, p.clone()),
            (12, p.clone()),
            (228, p.clone()),
            (0, cat(&[2, 0, 0, 0], &p)),
            (108, cat(&[0, 0, 0, 2], &p)),
            (113, cat(&[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0], &p)),
            (276, cat(&[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0], &p)),
            (9, cat(&[0xff, 3, 0, 0x21], &p)),
            (51, pppoe.clone()),
            (105, wlan.clone()),
            (105, aggregate),
            (127, cat(&[0, 0, 8, 0, 0, 0, 0, 0], &wlan)),
            (192, ppi),
            (104, cat(&[0x0f, 0, 8, 0], &p)),
            (107, cat(&[0x18, 0x41, 3, 0xcc], &p)),
            (10, cat(&[0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &snap)),
            (6, cat(&[0x10, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &snap)),
            (129, cat(&[1, 2, 0, 0, 0xd4, 0, 0, 1], &p)),
            (101, outer(4, &p)),
            (101, outer(47, &cat(&[0, 0, 8, 0], &p))),
            (101, outer(47, &cat(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &framed))),
            (101, outer(97, &cat(&[0x30, 0], &framed))),
            (101, udp(4789, &cat(&[8, 0, 0, 0, 0, 0, 1, 0], &framed))),
            (101, udp(8472, &cat(&[8, 0, 0, 0, 0, 0, 1, 0], &framed))),
            (101, udp(6081, &cat(&[0, 0, 0x65, 0x58, 0, 0, 1, 0], &framed))),
            (101, udp(6635, &cat(&[0, 0, 1, 64], &p))),
            (101, udp(2152, &gtp)),
            (101, udp(1701, &cat(&[0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &p))),
            (101, udp(5247, &cat(&[0, 0x10, 2, 0, 0, 0, 0, 0], &framed))),
            (101, udp(37008, &cat(&[1, 0, 0, 1, 1], &framed))),
        ]
    }

    #[test]
    fn the_innermost_packet_comes_out_of_every_wrapping() {
        for (link, bytes) in wrappings() {
            let (out, stats) = run(link, std::slice::from_ref(&bytes));
            assert_eq!(out, [INNER], "link {link}: {bytes:02x?}");
            assert_eq!(stats, DecodeStats::default());
        }
    }

    #[test]
    fn hostile_wrappings_do_no_harm() {
        for (link, bytes) in wrappings() {
            let mut frames: Vec<Vec<u8>> = (0..bytes.len()).map(|cut| bytes[..cut].to_vec()).collect();
            for at in 0..bytes.len() {
                for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                    let mut flipped = bytes.clone();
                    flipped[at] = value;
                    frames.push(flipped);
                }
            }
            let (out, _) = run(link, &frames);
            assert!(out.len() <= frames.len());
        }
    }

    #[test]
    fn a_tunnel_with_nothing_in_it_shows_the_outer_packet() {
        let arp = ether(0x0806, &[0; 28]);
        let (out, stats) = run(101, &[udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &arp].concat())]);
        assert_eq!(out, ["192.0.2.1>192.0.2.2 udp 60000 4789 50"]);
        assert!(stats.problems.is_empty());
    }

    #[test]
    fn tunnels_end_at_the_depth_limit() {
        let mut bytes = inner();
        for _ in 0..TUNNEL_DEPTH_MAX {
            bytes = outer(4, &bytes);
        }
        assert_eq!(run(101, std::slice::from_ref(&bytes)).0, [INNER]);
        let (out, stats) = run(101, &[outer(4, &bytes)]);
        assert_eq!(out, ["192.0.2.1>192.0.2.2 other 4"]);
        assert_eq!(stats.problems.get("headers_too_deep").unwrap().count, 1);
    }

    #[test]
    fn link_layers_end_at_their_limit() {
        let tags = [0, 1, 0x81, 0].repeat(5000);
        let (out, stats) = run(1, &[ether(0x8100, &tags)]);
        assert!(out.is_empty());
        assert!(stats.problems.get("headers_too_deep").is_some());
    }

    /// Cuts an IPv4 packet without options into fragments of `size` payload bytes.
    fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
        let (header, payload) = packet.split_at(20);
        let pieces: Vec<&[u8]> = payload.chunks(size).collect();
        let last = pieces.len() - 1;
        pieces
            .iter()
            .enumerate()
            .map(|(i, piece)| {
                let mut v = header.to_vec();
                v[2..4].copy_from_slice(&(piece.len() as u16 + 20).to_be_bytes());
                let more = if i < last { 0x2000 } else { 0 };
                v[6..8].copy_from_slice(&((i * size / 8) as u16 | more).to_be_bytes());
                v.extend(*piece);
                v
            })
            .collect()
    }

    #[test]
    fn fragments_are_shown_once_whole_and_with_the_last_frame() {
        let mut pieces = fragments(&inner(), 8);
        pieces.rotate_left(1);
        let mut frames = Vec::new();
        let mut decoder = Decoder::new();
        for (i, data) in pieces.iter().enumerate() {
            decoder.decode(&frame(i as u64 + 1, 101, data), &mut |p| frames.push((p.at.frame, told(p))));
        }
        assert_eq!(frames, [(3, INNER.to_owned())]);
        assert!(decoder.finish().problems.is_empty());
    }

    #[test]
    fn a_fragmented_tunnel_is_looked_into() {
        let tunnel = udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &ether(0x0800, &inner())].concat());
        assert_eq!(run(101, &fragments(&tunnel, 16)).0, [INNER]);
        // And a tunnel may carry fragments: nothing is shown until the last.
        let carried: Vec<Vec<u8>> = fragments(&inner(), 16).iter().map(|f| outer(4, f)).collect();
        assert_eq!(run(101, &carried).0, [INNER]);
    }

    #[test]
    fn fragments_without_their_rest_are_counted() {
        let pieces = fragments(&inner(), 8);
        let (out, stats) = run(101, &pieces[..2]);
        assert!(out.is_empty());
        assert_eq!(stats.problems.get("ip_fragments_incomplete").unwrap().count, 1);
    }

    #[test]
    fn a_cut_first_fragment_still_names_its_flow() {
        let big = outer(17, &[&[0xc0, 0, 0, 53, 4, 0, 0, 0][..], &[7; 1000]].concat());
        let first = &fragments(&big, 504)[0];
        let mut out = Vec::new();
        let mut decoder = Decoder::new();
        let cut = Frame { original_len: first.len() as u32, ..frame(1, 101, &first[..64]) };
        decoder.decode(&cut, &mut |p| out.push(told(p)));
        assert_eq!(out, ["192.0.2.1>192.0.2.2 udp 49152 53 496"]);
        assert!(decoder.finish().problems.get("ip_fragments_cut").is_some());
    }

    #[test]
    fn icmp_errors_name_the_flow_they_quote() {
        let quote = [&[3, 1, 0, 0, 0, 0, 0, 0][..], &inner()[..28]].concat();
        assert_eq!(run(101, &[outer(1, &quote)]).0, ["192.0.2.1>192.0.2.2 icmp 3 10.0.0.1:50000 10.0.0.2:443"]);
        assert_eq!(run(101, &[outer(1, &[8, 0, 0, 0, 0, 0, 0, 0])]).0, ["192.0.2.1>192.0.2.2 other 1"]);
    }

    #[test]
    fn what_cannot_be_shown_is_named() {
        let (out, stats) = run(189, &[vec![0; 64], vec![0; 64]]);
        assert!(out.is_empty());
        assert_eq!(stats.unsupported_links, [(189, 2)]);
        let (out, stats) = run(101, &[outer(50, &[1; 40]), udp(4500, &[1; 40]), udp(51820, &[4, 0, 0, 0, 9, 9])]);
        assert_eq!(out.len(), 3, "the outer packets stand for themselves: {out:?}");
        assert_eq!(stats.opaque, [(Opaque::Esp, 2), (Opaque::WireGuard, 1)]);
        let (out, stats) = run(1, &[ether(0x0800, &[0x45, 0, 0])]);
        assert!(out.is_empty());
        assert_eq!(stats.problems.get("headers_damaged").unwrap().count, 1);
    }

    #[test]
    fn cooked_frames_pass_their_direction_on() {
        let bytes = [&[0, 4, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0][..], &inner()].concat();
        let mut seen = None;
        Decoder::new().decode(&frame(1, 113, &bytes), &mut |p| seen = Some((p.direction, p.src)));
        assert_eq!(seen, Some((Direction::Outbound, IpAddr::from([10, 0, 0, 1]))));
    }
}
