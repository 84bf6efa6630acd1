//! Packets between two stages: 104 bytes each and no borrow, so that one thread decodes while others follow the flows.
//!
//! What enters: a decoded packet and the [`Room`] its payload lies in. What leaves: the same packet again, its payload
//! borrowed from wherever it was kept. Guaranteed: nothing of the packet is lost; the payload is copied only where it
//! lies in no room (a datagram put together from fragments), and what is unusual stands in full in a list beside.

use crate::capture::{Direction, Room, Span};
use crate::packet::{
    At, Packet, PacketEnds, PlainSegment, TcpFlags, TcpOptions, TcpSegment, Transport, UdpDatagram, address, halves,
};
use crate::time::Timestamp;

/// Room number of payload that was copied.
const COPIED: u16 = u16::MAX;

/// Most rooms whose packets are kept together.
pub const ROOMS_MAX: usize = COPIED as usize;

/// A packet without its borrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored {
    time: i64,
    /// Frame and number within the frame.
    frame: u64,
    payload_at: u64,
    source: [u64; 2],
    destination: [u64; 2],
    payload_len: u32,
    wire_len: u32,
    seq: u32,
    ack: u32,
    /// Values of the timestamps option.
    stamps: [u32; 2],
    /// Process, or the place of the whole packet among the unusual ones.
    extra: u32,
    source_port: u16,
    destination_port: u16,
    window: u16,
    ip_id: u16,
    room: u16,
    ttl: u8,
    flags: u8,
    in_frame: u8,
    direction: Direction,
    is: Is,
}

/// What a stored packet is and has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Is(u8);

impl Is {
    const V6: u8 = 1;
    const TCP: u8 = 2;
    const WITH_IP_ID: u8 = 4;
    const WITH_STAMPS: u8 = 8;
    const WITH_PID: u8 = 16;
    /// It stands in full in the list of unusual packets.
    const UNUSUAL: u8 = 32;
    /// The payload lies in the shared bytes of its room.
    const SHARED: u8 = 64;

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    fn set(&mut self, bit: u8, on: bool) {
        self.0 |= if on { bit } else { 0 };
    }
}

/// What stored packets refer to beside their rooms.
#[derive(Debug, Default)]
pub struct Beside {
    unusual: Vec<Packet<'static>>,
    copied: Vec<u8>,
}

impl Beside {
    /// Forgets everything; the memory is used again.
    pub fn clear(&mut self) {
        self.unusual.clear();
        self.copied.clear();
    }

    /// Stores a packet that is number `in_frame` of its frame. `room` is the number of the room and the room itself.
    #[inline(always)]
    pub fn store(&mut self, packet: &Packet<'_>, in_frame: u32, room: (u16, &Room)) -> Stored {
        let mut s = Stored {
            time: packet.at.time.0,
            frame: packet.at.frame,
            in_frame: u8::try_from(in_frame).unwrap_or(u8::MAX),
            ttl: packet.ttl,
            direction: packet.direction,
            ip_id: packet.ip_id.unwrap_or(0),
            source: halves(packet.src),
            destination: halves(packet.dst),
            ..Stored::default()
        };
        s.is.set(Is::WITH_IP_ID, packet.ip_id.is_some());
        let payload: &[u8] = match &packet.transport {
            Transport::Tcp(t) => {
                s.is.set(Is::TCP, true);
                (s.source_port, s.destination_port) = (t.src_port, t.dst_port);
                (s.seq, s.ack, s.flags, s.window) = (t.seq, t.ack, t.flags.0, t.window);
                s.wire_len = t.payload_len;
                if let Some((value, echo)) = t.options.timestamps {
                    s.stamps = [value, echo];
                    s.is.set(Is::WITH_STAMPS, true);
                }
                t.payload
            }
            Transport::Udp(u) => {
                (s.source_port, s.destination_port) = (u.src_port, u.dst_port);
                s.wire_len = u.payload_len;
                u.payload
            }
            Transport::IcmpError(_) | Transport::Other(_) => &[],
        };
        self.keep_payload(&mut s, payload, room);
        s.is.set(Is::V6, packet.src.is_ipv6());
        s.is.set(Is::UNUSUAL, packet.src.is_ipv6() != packet.dst.is_ipv6());
        if let Some(pid) = packet.pid {
            s.is.set(Is::WITH_PID, true);
            s.extra = pid;
        }
        if s.is.has(Is::UNUSUAL) || is_unusual(packet) {
            s.is.set(Is::UNUSUAL, true);
            // A window of frames of a few bytes cannot hold more packets than this counts.
            s.extra = u32::try_from(self.unusual.len()).unwrap_or(u32::MAX);
            self.unusual.push(with_payload(packet, &[]));
        }
        s
    }

    fn keep_payload(&mut self, s: &mut Stored, payload: &[u8], (number, room): (u16, &Room)) {
        if payload.is_empty() {
            return;
        }
        let span = match room.locate(payload) {
            Some(span) => {
                s.room = number;
                s.is.set(Is::SHARED, span.shared);
                span
            }
            None => {
                s.room = COPIED;
                let at = self.copied.len() as u64;
                self.copied.extend_from_slice(payload);
                Span { at, len: u32::try_from(payload.len()).unwrap_or(u32::MAX), shared: false }
            }
        };
        (s.payload_at, s.payload_len) = (span.at, span.len);
    }

    /// Between whom the packet went.
    #[inline]
    pub fn ends(&self, s: &Stored) -> Option<PacketEnds> {
        if s.is.has(Is::UNUSUAL) {
            return self.unusual.get(s.extra as usize)?.ends();
        }
        Some(PacketEnds {
            tcp: s.is.has(Is::TCP),
            v4: !s.is.has(Is::V6),
            src: s.source,
            dst: s.destination,
            src_port: s.source_port,
            dst_port: s.destination_port,
        })
    }

    /// The packet as a [`PlainSegment`], if it is one.
    #[inline]
    pub fn plain_segment(&self, s: &Stored) -> Option<PlainSegment> {
        let plain = s.is.0 & (Is::TCP | Is::UNUSUAL) == Is::TCP && TcpFlags(s.flags).is_plain();
        (plain && s.payload_len == s.wire_len).then(|| PlainSegment {
            at: At { frame: s.frame, time: Timestamp(s.time) },
            in_frame: u32::from(s.in_frame),
            seq: s.seq,
            ack: s.ack,
            window: s.window,
            payload_len: s.wire_len,
            ttl: s.ttl,
            ip_id: s.is.has(Is::WITH_IP_ID).then_some(s.ip_id),
            direction: s.direction,
            pid: s.is.has(Is::WITH_PID).then_some(s.extra),
        })
    }

    /// The packet again, and its number within its frame.
    // Inlined as a whole, so that what the caller does not use is never built.
    #[inline(always)]
    pub fn packet<'w>(&'w self, s: &Stored, rooms: &'w [Room]) -> (Packet<'w>, u32) {
        let in_frame = u32::from(s.in_frame);
        let payload: &'w [u8] = if s.payload_len == 0 {
            &[]
        } else if s.room == COPIED {
            let at = usize::try_from(s.payload_at).unwrap_or(usize::MAX);
            self.copied.get(at..at.saturating_add(s.payload_len as usize)).unwrap_or(&[])
        } else {
            let span = Span { at: s.payload_at, len: s.payload_len, shared: s.is.has(Is::SHARED) };
            rooms.get(usize::from(s.room)).map_or(&[], |room| room.bytes(span))
        };
        if s.is.has(Is::UNUSUAL)
            && let Some(packet) = self.unusual.get(s.extra as usize)
        {
            return (with_payload(packet, payload), in_frame);
        }
        let transport = if s.is.has(Is::TCP) {
            let [value, echo] = s.stamps;
            Transport::Tcp(TcpSegment {
                src_port: s.source_port,
                dst_port: s.destination_port,
                seq: s.seq,
                ack: s.ack,
                flags: TcpFlags(s.flags),
                window: s.window,
                options: TcpOptions {
                    timestamps: s.is.has(Is::WITH_STAMPS).then_some((value, echo)),
                    ..TcpOptions::default()
                },
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
        let packet = Packet {
            at: At { frame: s.frame, time: Timestamp(s.time) },
            src: address(s.source, !s.is.has(Is::V6)),
            dst: address(s.destination, !s.is.has(Is::V6)),
            ttl: s.ttl,
            ip_id: s.is.has(Is::WITH_IP_ID).then_some(s.ip_id),
            direction: s.direction,
            pid: s.is.has(Is::WITH_PID).then_some(s.extra),
            dropped: None,
            transport,
        };
        (packet, in_frame)
    }
}

/// Whether a packet has something that [`Stored`] has no field for.
#[inline]
fn is_unusual(packet: &Packet<'_>) -> bool {
    packet.dropped.is_some()
        || match &packet.transport {
            Transport::Tcp(t) => !t.options.is_plain(),
            Transport::Udp(_) => false,
            Transport::IcmpError(_) | Transport::Other(_) => true,
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
    use crate::packet::IcmpError;
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
        beside.store(
            &Packet { dropped: Some(DropMark { component: 9, reason: 9, location: 9 }), ..*packet },
            0,
            (0, room),
        );
        let stored = beside.store(packet, in_frame, (0, room));
        let (again, n) = beside.packet(&stored, std::slice::from_ref(room));
        assert_eq!((format!("{again:?}"), n), (format!("{packet:?}"), in_frame));
        assert_eq!(beside.ends(&stored), packet.ends());
        let plain = beside.plain_segment(&stored).map(|plain| format!("{plain:?}"));
        // Two ends of different families are rare enough to be no plain segment here.
        if packet.src.is_ipv4() == packet.dst.is_ipv4() {
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
    fn a_stored_packet_stays_small() {
        assert!(size_of::<Stored>() <= 104, "{}", size_of::<Stored>());
    }
}
