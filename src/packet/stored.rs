//! Packets between two stages: one cache line each and no borrow, so that one thread decodes while others follow the
//! flows.
//!
//! What enters: a decoded packet and the [`Room`] its payload lies in. What leaves: the same packet again, its payload
//! borrowed from wherever it was kept. Guaranteed: nothing of the packet is lost but the timestamps option of segments
//! without SYN, of which nobody asks; the payload is copied only where it lies in no room (a datagram put together from
//! fragments), and what is unusual stands in full in a list beside.

use crate::capture::{Direction, Frame, Room, Span};
use crate::packet::fast::Parts;
use crate::packet::{
    At, Packet, PacketEnds, PlainSegment, TcpFlags, TcpOptions, TcpSegment, Transport, UdpDatagram, address, halves_v4,
};
use crate::time::Timestamp;

/// Room number of payload that was copied.
const COPIED: u16 = u16::MAX;

/// Most rooms whose packets are kept together.
pub const ROOMS_MAX: usize = COPIED as usize;

/// A packet without its borrow.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub struct Stored {
    /// Hash of its ends, as the tables of flows want it; meaningless where it has none.
    pub hash: u32,
    source_port: u16,
    destination_port: u16,
    /// IPv4 addresses; the place of a pair of IPv6 addresses in the list of them.
    source: u32,
    destination: u32,
    seq: u32,
    ack: u32,
    payload_len: u32,
    wire_len: u32,
    time: i64,
    place: Place,
    /// Frames after the first one of the batch.
    frame: u32,
    /// Process, or the place of the whole packet among the unusual ones.
    extra: u32,
    window: u16,
    ip_id: u16,
    flags: u8,
    ttl: u8,
    in_frame: u8,
    is: Is,
}

/// Where payload lies: the number of its room, whether it lies in the room's shared bytes, and its first byte there.
#[derive(Debug, Clone, Copy, Default)]
struct Place(u64);

impl Place {
    const SHARED: u64 = 1 << 47;

    /// `None` where a room is larger than any memory.
    fn new(room: u16, span: Span) -> Option<Place> {
        let shared = if span.shared { Place::SHARED } else { 0 };
        (span.at < Place::SHARED).then_some(Place(u64::from(room) << 48 | shared | span.at))
    }

    fn room(self) -> u16 {
        (self.0 >> 48) as u16
    }

    fn span(self, len: u32) -> Span {
        Span { at: self.0 & (Place::SHARED - 1), len, shared: self.0 & Place::SHARED != 0 }
    }
}

/// What a stored packet is and has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Is(u8);

impl Is {
    const V6: u8 = 1;
    const TCP: u8 = 2;
    const WITH_IP_ID: u8 = 4;
    const WITH_PID: u8 = 8;
    const INBOUND: u8 = 16;
    const OUTBOUND: u8 = 32;
    /// It stands in full in the list of unusual packets.
    const UNUSUAL: u8 = 64;

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn when(on: bool, bit: u8) -> u8 {
        if on { bit } else { 0 }
    }

    fn of(direction: Direction) -> u8 {
        match direction {
            Direction::Unknown => 0,
            Direction::Inbound => Is::INBOUND,
            Direction::Outbound => Is::OUTBOUND,
        }
    }

    fn direction(self) -> Direction {
        match self.0 & (Is::INBOUND | Is::OUTBOUND) {
            0 => Direction::Unknown,
            Is::INBOUND => Direction::Inbound,
            _ => Direction::Outbound,
        }
    }
}

/// What stored packets refer to beside their rooms.
#[derive(Debug, Default)]
pub struct Beside {
    /// The frame from which the others are counted.
    first_frame: Option<u64>,
    unusual: Vec<Packet<'static>>,
    /// Source and destination, as [`crate::packet::halves`].
    v6: Vec<[[u64; 2]; 2]>,
    copied: Vec<u8>,
}

impl Beside {
    /// Forgets everything; the memory is used again.
    pub fn clear(&mut self) {
        self.first_frame = None;
        self.unusual.clear();
        self.v6.clear();
        self.copied.clear();
    }

    /// Stores a packet that is number `in_frame` of its frame in a list. `room` is the number of the room and the room
    /// itself, `hash` that of the packet's ends.
    pub fn store(&mut self, packet: &Packet<'_>, in_frame: u32, room: (u16, &Room), hash: u32, list: &mut Vec<Stored>) {
        let usual = parts_of(packet).and_then(|parts| {
            let Packet { at, direction, pid, .. } = *packet;
            self.store_parts(&parts, (at, direction, pid), room, hash, list)
        });
        if usual.is_none() {
            let stored = self.unusual(packet, room, hash);
            list.push(stored);
        }
        if let Some(stored) = list.last_mut() {
            stored.in_frame = u8::try_from(in_frame).unwrap_or(u8::MAX);
        }
    }

    /// Stores the only packet of a plain frame. `None` for what has no room in a [`Stored`], which is left to
    /// [`Beside::store`].
    #[inline(always)]
    pub fn store_plain(
        &mut self,
        frame: &Frame<'_>,
        parts: &Parts<'_>,
        room: (u16, &Room),
        hash: u32,
        list: &mut Vec<Stored>,
    ) -> Option<()> {
        // The timestamps of a SYN are asked for.
        if frame.dropped.is_some() || !parts.has_plain_options() || parts.flags.syn() && !parts.options.is_empty() {
            return None;
        }
        let at = At { frame: frame.number, time: frame.time };
        self.store_parts(parts, (at, frame.direction, frame.pid), room, hash, list)
    }

    /// `None` where the frame is too far from the first one to be counted from it.
    // What is stored is put together where it stays.
    #[inline(always)]
    fn store_parts(
        &mut self,
        parts: &Parts<'_>,
        (at, direction, pid): (At, Direction, Option<u32>),
        room: (u16, &Room),
        hash: u32,
        list: &mut Vec<Stored>,
    ) -> Option<()> {
        let first = *self.first_frame.get_or_insert(at.frame);
        let frame = u32::try_from(at.frame.checked_sub(first)?).ok()?;
        let PacketEnds { tcp, v4, src, dst, src_port, dst_port } = parts.ends;
        let [source, destination] = if v4 {
            [src, dst].map(|[_, low]| (low & 0xffff_ffff) as u32)
        } else {
            let at = u32::try_from(self.v6.len()).ok()?;
            self.v6.push([src, dst]);
            [at, 0]
        };
        let (place, payload_len) = self.keep_payload(parts.payload, room);
        list.push(Stored {
            hash,
            source_port: src_port,
            destination_port: dst_port,
            source,
            destination,
            seq: parts.seq,
            ack: parts.ack,
            payload_len,
            wire_len: parts.payload_len,
            time: at.time.0,
            place,
            frame,
            extra: pid.unwrap_or(0),
            window: parts.window,
            ip_id: parts.ip_id.unwrap_or(0),
            flags: parts.flags.0,
            ttl: parts.ttl,
            in_frame: 0,
            is: Is(Is::when(!v4, Is::V6)
                | Is::when(tcp, Is::TCP)
                | Is::when(parts.ip_id.is_some(), Is::WITH_IP_ID)
                | Is::when(pid.is_some(), Is::WITH_PID)
                | Is::of(direction)),
        });
        Some(())
    }

    #[inline(never)]
    fn unusual(&mut self, packet: &Packet<'_>, room: (u16, &Room), hash: u32) -> Stored {
        let payload: &[u8] = match &packet.transport {
            Transport::Tcp(t) => t.payload,
            Transport::Udp(u) => u.payload,
            Transport::IcmpError(_) | Transport::Other(_) => &[],
        };
        let (place, payload_len) = self.keep_payload(payload, room);
        // A window of frames of a few bytes cannot hold more packets than this counts.
        let extra = u32::try_from(self.unusual.len()).unwrap_or(u32::MAX);
        self.unusual.push(with_payload(packet, &[]));
        Stored { hash, payload_len, place, extra, is: Is(Is::UNUSUAL), ..Stored::default() }
    }

    #[inline(always)]
    fn keep_payload(&mut self, payload: &[u8], (number, room): (u16, &Room)) -> (Place, u32) {
        if payload.is_empty() {
            return (Place::default(), 0);
        }
        match room.locate(payload).and_then(|span| Some((Place::new(number, span)?, span.len))) {
            Some(there) => there,
            None => self.copy(payload),
        }
    }

    #[inline(never)]
    fn copy(&mut self, payload: &[u8]) -> (Place, u32) {
        let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let span = Span { at: self.copied.len() as u64, len, shared: false };
        self.copied.extend_from_slice(payload);
        (Place::new(COPIED, span).unwrap_or_default(), len)
    }

    /// Between whom the packet went.
    #[inline]
    pub fn ends(&self, s: &Stored) -> Option<PacketEnds> {
        if s.is.has(Is::UNUSUAL) {
            return self.unusual.get(s.extra as usize)?.ends();
        }
        let [src, dst] = self.addresses(s);
        Some(PacketEnds {
            tcp: s.is.has(Is::TCP),
            v4: !s.is.has(Is::V6),
            src,
            dst,
            src_port: s.source_port,
            dst_port: s.destination_port,
        })
    }

    #[inline]
    fn addresses(&self, s: &Stored) -> [[u64; 2]; 2] {
        if s.is.has(Is::V6) {
            self.v6.get(s.source as usize).copied().unwrap_or_default()
        } else {
            [halves_v4(s.source), halves_v4(s.destination)]
        }
    }

    #[inline]
    fn at(&self, s: &Stored) -> At {
        let frame = self.first_frame.unwrap_or(0).saturating_add(s.frame.into());
        At { frame, time: Timestamp(s.time) }
    }

    /// The packet as a [`PlainSegment`], if it is one.
    #[inline]
    pub fn plain_segment(&self, s: &Stored) -> Option<PlainSegment> {
        let plain = s.is.0 & (Is::TCP | Is::UNUSUAL) == Is::TCP && TcpFlags(s.flags).is_plain();
        (plain && s.payload_len == s.wire_len).then(|| PlainSegment {
            at: self.at(s),
            in_frame: u32::from(s.in_frame),
            seq: s.seq,
            ack: s.ack,
            window: s.window,
            payload_len: s.wire_len,
            ttl: s.ttl,
            ip_id: s.is.has(Is::WITH_IP_ID).then_some(s.ip_id),
            direction: s.is.direction(),
            pid: s.is.has(Is::WITH_PID).then_some(s.extra),
        })
    }

    /// The packet again, and its number within its frame.
    // Inlined as a whole, so that what the caller does not use is never built.
    #[inline(always)]
    pub fn packet<'w>(&'w self, s: &Stored, rooms: &'w [Room]) -> (Packet<'w>, u32) {
        let in_frame = u32::from(s.in_frame);
        let payload = self.payload(s, rooms);
        if s.is.has(Is::UNUSUAL)
            && let Some(packet) = self.unusual.get(s.extra as usize)
        {
            return (with_payload(packet, payload), in_frame);
        }
        let transport = if s.is.has(Is::TCP) {
            Transport::Tcp(TcpSegment {
                src_port: s.source_port,
                dst_port: s.destination_port,
                seq: s.seq,
                ack: s.ack,
                flags: TcpFlags(s.flags),
                window: s.window,
                options: TcpOptions::default(),
                payload,
                payload_len: s.wire_len,
            })
        } else {
            Transport::Udp(UdpDatagram {
                src_port: s.source_port,
                dst_port: s.destination_port,
                payload,
                payload_len: s.wire_len,
            })
        };
        let [src, dst] = self.addresses(s);
        let packet = Packet {
            at: self.at(s),
            src: address(src, !s.is.has(Is::V6)),
            dst: address(dst, !s.is.has(Is::V6)),
            ttl: s.ttl,
            ip_id: s.is.has(Is::WITH_IP_ID).then_some(s.ip_id),
            direction: s.is.direction(),
            pid: s.is.has(Is::WITH_PID).then_some(s.extra),
            dropped: None,
            transport,
        };
        (packet, in_frame)
    }

    #[inline]
    fn payload<'w>(&'w self, s: &Stored, rooms: &'w [Room]) -> &'w [u8] {
        let span = s.place.span(s.payload_len);
        if s.payload_len == 0 {
            &[]
        } else if s.place.room() == COPIED {
            let at = usize::try_from(span.at).unwrap_or(usize::MAX);
            self.copied.get(at..at.saturating_add(span.len as usize)).unwrap_or(&[])
        } else {
            rooms.get(usize::from(s.place.room())).map_or(&[], |room| room.bytes(span))
        }
    }
}

/// The parts of a packet that has nothing for which [`Stored`] has no field.
fn parts_of<'w>(packet: &Packet<'w>) -> Option<Parts<'w>> {
    let v4 = packet.src.is_ipv4();
    let ends = packet.ends().filter(|_| v4 == packet.dst.is_ipv4())?;
    let common = Parts {
        ends,
        ttl: packet.ttl,
        ip_id: packet.ip_id,
        seq: 0,
        ack: 0,
        flags: TcpFlags::default(),
        window: 0,
        options: &[],
        payload: &[],
        payload_len: 0,
    };
    match packet.transport {
        Transport::Tcp(t) if t.options.is_plain() && !(t.flags.syn() && t.options.timestamps.is_some()) => {
            let TcpSegment { seq, ack, flags, window, payload, payload_len, .. } = t;
            Some(Parts { seq, ack, flags, window, payload, payload_len, ..common })
        }
        Transport::Udp(UdpDatagram { payload, payload_len, .. }) => Some(Parts { payload, payload_len, ..common }),
        _ => None,
    }
}

/// The same packet with another payload.
fn with_payload<'w>(packet: &Packet<'_>, payload: &'w [u8]) -> Packet<'w> {
    let transport = match packet.transport {
        Transport::Tcp(t) => Transport::Tcp(TcpSegment { payload, ..t }),
        Transport::Udp(u) => Transport::Udp(UdpDatagram { payload, ..u }),
        Transport::IcmpError(e) => Transport::IcmpError(e),
        Transport::Other(protocol) => Transport::Other(protocol),
    };
    Packet { transport, ..*packet }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::DropMark;
    use crate::packet::{IcmpError, fast};
    use proptest::prelude::*;
    use std::net::IpAddr;

    fn room() -> Room {
        let mut room = Room::default();
        let free = room.free(4096);
        free.iter_mut().enumerate().for_each(|(i, b)| *b = i as u8);
        room.advance(4096);
        room
    }

    fn check(packet: &Packet<'_>, in_frame: u32, room: &Room) {
        let mut beside = Beside::default();
        // Something stands before it.
        let dropped = Some(DropMark { component: 9, reason: 9, location: 9 });
        let mut list = Vec::new();
        beside.store(&Packet { dropped, ..*packet }, 0, (0, room), 0, &mut list);
        let frame = if packet.ttl.is_multiple_of(4) { packet.at.frame / 2 } else { packet.at.frame / 1000 * 1000 };
        beside.store(&Packet { at: At { frame, ..packet.at }, ..*packet }, 0, (0, room), 0, &mut list);
        beside.store(packet, in_frame, (0, room), 5, &mut list);
        assert_eq!(list.len(), 3);
        let stored = list.pop().unwrap();
        let (again, n) = beside.packet(&stored, std::slice::from_ref(room));
        let mut told = *packet;
        // The only thing that is left away.
        if let Transport::Tcp(t) = &mut told.transport
            && !stored.is.has(Is::UNUSUAL)
        {
            assert!(!t.flags.syn() || t.options.timestamps.is_none());
            t.options.timestamps = None;
        }
        assert_eq!((format!("{again:?}"), n, stored.hash), (format!("{told:?}"), in_frame, 5));
        assert_eq!(beside.ends(&stored), packet.ends());
        let plain = beside.plain_segment(&stored).map(|plain| format!("{plain:?}"));
        // Two ends of different families, and frames far from the first, are rare enough to be no plain segment here.
        if !stored.is.has(Is::UNUSUAL) {
            assert_eq!(plain, packet.plain_segment(in_frame).map(|plain| format!("{plain:?}")));
        } else {
            assert_eq!(plain, None);
        }
    }

    proptest! {
        #[test]
        fn every_packet_comes_back_as_it_was(
            a: [u8; 16], b: [u8; 16], six: (bool, bool), numbers: (u32, u32, u32, u32), ports: (u16, u16, u16),
            at: (u64, i64), bytes: (u8, u8, u8), ip_id: Option<u16>, pid: Option<u32>, cut: u32,
            stamps: Option<(u32, u32)>, mss: Option<u16>, sack_count in 0u8..5, kind in 0u8..5,
            payload in (0usize..4000, 0usize..2000), elsewhere: bool, direction in 0u8..3, dropped: bool,
        ) {
            let room = room();
            let copy = room.own().to_vec();
            let from = if elsewhere { &copy } else { room.own() };
            let payload = from.get(payload.0..(payload.0 + payload.1).min(4096)).unwrap();
            let address = |octets: [u8; 16], six: bool| {
                let [x, y, z, w, ..] = octets;
                if six { IpAddr::from(octets) } else { IpAddr::from([x, y, z, w]) }
            };
            let (src, dst) = (address(a, six.0), address(b, six.1));
            let payload_len = payload.len() as u32 + (cut & 0xffff);
            let mut options = TcpOptions { timestamps: stamps, ..TcpOptions::default() };
            if kind == 1 {
                options.mss = mss;
                options.sack_count = sack_count;
                // Blocks beyond the count mean nothing.
                if sack_count > 0 {
                    options.sack[0] = (numbers.2, numbers.3);
                }
            }
            let error = IcmpError {
                v6: six.0, kind: bytes.0, code: bytes.1, mtu: pid, quoted_protocol: bytes.2,
                quoted_src: (src, ports.0).into(), quoted_dst: (dst, ports.1).into(), quoted_seq: pid,
            };
            let transport = match kind {
                0 | 1 => Transport::Tcp(TcpSegment {
                    src_port: ports.0, dst_port: ports.1, seq: numbers.0, ack: numbers.1, flags: TcpFlags(bytes.0),
                    window: ports.2, options, payload, payload_len,
                }),
                2 => Transport::Udp(UdpDatagram { src_port: ports.0, dst_port: ports.1, payload, payload_len }),
                3 => Transport::IcmpError(error),
                _ => Transport::Other(bytes.2),
            };
            let direction = [Direction::Unknown, Direction::Inbound, Direction::Outbound][usize::from(direction)];
            let dropped = dropped.then_some(DropMark { component: ports.2, reason: numbers.0, location: numbers.1 });
            let at = At { frame: at.0, time: Timestamp(at.1) };
            check(&Packet { at, src, dst, ttl: bytes.2, ip_id, direction, pid, dropped, transport }, u32::from(bytes.1), &room);
        }
    }

    #[test]
    fn plain_frames_are_stored_as_their_packets_are() {
        struct ForStore<'f, 'w>(&'f Frame<'w>, &'f Room);
        impl<'w> fast::Use<'w> for ForStore<'_, 'w> {
            type Made = (Option<()>, Vec<Stored>, Beside);
            fn of(self, parts: &Parts<'w>) -> Self::Made {
                let (mut list, mut beside) = (Vec::new(), Beside::default());
                (beside.store_plain(self.0, parts, (3, self.1), 9, &mut list), list, beside)
            }
        }
        let stamps: &[u8] = &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        let mut taken = 0;
        for v6 in [false, true] {
            for options in [&[][..], stamps, &[2, 4, 5, 0xb4]] {
                for (flags, dropped) in [(0x18, false), (0x02, false), (0x11, false), (0x18, true)] {
                    let mut bytes = vec![2; 12];
                    let tcp_len = 20 + options.len() + 5;
                    if v6 {
                        bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, tcp_len as u8, 6, 64]);
                        bytes.extend([7; 32]);
                    } else {
                        bytes.extend([8, 0, 0x45, 0, 0, 20 + tcp_len as u8, 9, 9, 0x40, 0, 64, 6, 0, 0]);
                        bytes.extend([10, 0, 0, 1, 10, 0, 0, 2]);
                    }
                    bytes.extend([200, 1, 1, 0xbb, 0, 0, 0, 5, 0, 0, 0, 6, (5 + options.len() as u8 / 4) << 4, flags]);
                    bytes.extend([1, 0, 0, 0, 0, 0]);
                    bytes.extend(options);
                    bytes.extend(*b"hello");
                    let mut room = Room::default();
                    room.extend(&bytes);
                    let frame = Frame {
                        number: 77,
                        time: Timestamp(88),
                        timed: true,
                        link: crate::capture::LinkType::ETHERNET,
                        data: room.own(),
                        original_len: bytes.len() as u32,
                        interface: 0,
                        direction: Direction::Inbound,
                        pid: Some(4),
                        tid: None,
                        dropped: dropped.then_some(DropMark { component: 1, reason: 2, location: 3 }),
                    };
                    let (stored, list, beside) = fast::take_apart(&frame, ForStore(&frame, &room)).unwrap();
                    let (mut other_list, mut other) = (Vec::new(), Beside::default());
                    let packet = fast::decode(&frame).unwrap();
                    other.store(&packet, 0, (3, &room), 9, &mut other_list);
                    let is_unusual = other_list.first().unwrap().is.has(Is::UNUSUAL);
                    assert_eq!(stored.is_none(), is_unusual, "{v6} {options:?} {flags} {dropped}");
                    if stored.is_some() {
                        assert_eq!((format!("{list:?}"), beside.v6), (format!("{other_list:?}"), other.v6));
                        taken += 1;
                    }
                }
            }
        }
        // With no options all that were not dropped, with timestamps those without SYN.
        assert_eq!(taken, 2 * (3 + 2));
    }

    #[test]
    fn a_stored_packet_is_one_cache_line() {
        assert_eq!(size_of::<Stored>(), 64);
    }
}
