//! Frames → packets: link layers, tunnels, IP, and the transport header of the innermost packet.
//!
//! Two ways lead through this stage and agree wherever both can be gone: [`fast::take_apart`] for the plain frames that a
//! capture mostly consists of, and the stateful [`Decoder`] for everything else (other link layers, tunnels, IP
//! options and extension headers, fragments, ICMP errors).

pub mod decoder;
mod ether;
pub mod fast;
mod fragment;
mod icmp;
mod ip;
mod layer;
mod link;
pub mod stored;
mod transport;
mod tunnel;
mod wlan;

pub use decoder::{DecodeStats, Decoder};
pub use layer::Opaque;
pub use link::link_name;

use crate::capture::Direction;
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where a packet came from: the frame that carried it (for a reassembled IP datagram, the last fragment's).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct At {
    /// Frame number.
    pub frame: u64,
    /// Capture time.
    pub time: Timestamp,
}

/// One IP packet, its transport header decoded.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'w> {
    /// Frame and time.
    pub at: At,
    /// Source address of the innermost IP header.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification (IPv6: `None`, without a fragment header).
    pub ip_id: Option<u16>,
    /// Direction as the capture says.
    pub direction: Direction,
    /// Process id as the capture says.
    pub pid: Option<u32>,
    /// Set for the record of a drop inside Windows; such a packet never reaches a flow.
    pub dropped: Option<crate::capture::DropMark>,
    /// What is inside.
    pub transport: Transport<'w>,
}

/// Between whom a packet went, as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketEnds {
    /// TCP, else UDP.
    pub tcp: bool,
    /// Both addresses are IPv4.
    pub v4: bool,
    /// Sender, as [`halves`].
    pub src: [u64; 2],
    /// Receiver, as [`halves`].
    pub dst: [u64; 2],
    /// Port of the sender.
    pub src_port: u16,
    /// Port of the receiver.
    pub dst_port: u16,
}

/// The two big-endian halves of an address, that of an IPv4 address being those of its mapped form (RFC 4291, 2.5.5.2).
#[inline]
pub fn halves(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(v4) => halves_v4(v4.to_bits()),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            [(bits >> 64) as u64, (bits & u128::from(u64::MAX)) as u64]
        }
    }
}

/// The same for the bits of an IPv4 address.
#[inline]
pub fn halves_v4(bits: u32) -> [u64; 2] {
    [0, 0xffff_0000_0000 | u64::from(bits)]
}

/// The address of [`halves`].
#[inline]
pub fn address([high, low]: [u64; 2], v4: bool) -> IpAddr {
    if v4 {
        IpAddr::V4(Ipv4Addr::from_bits((low & 0xffff_ffff) as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)))
    }
}

/// A segment as a connection in good order consists of: ACK and perhaps PSH, no option but the timestamps, captured
/// whole. What it carries is not in here.
#[derive(Debug, Clone, Copy)]
pub struct PlainSegment {
    /// Frame and time.
    pub at: At,
    /// Number of the packet within its frame.
    pub in_frame: u32,
    /// As in [`TcpSegment`].
    pub seq: u32,
    /// As in [`TcpSegment`].
    pub ack: u32,
    /// As in [`TcpSegment`].
    pub window: u16,
    /// Bytes of payload.
    pub payload_len: u32,
    /// As in [`Packet`].
    pub ttl: u8,
    /// As in [`Packet`].
    pub ip_id: Option<u16>,
    /// As in [`Packet`].
    pub direction: Direction,
    /// As in [`Packet`].
    pub pid: Option<u32>,
}

impl Packet<'_> {
    /// The packet as a [`PlainSegment`], if it is one; it is number `in_frame` of its frame.
    pub fn plain_segment(&self, in_frame: u32) -> Option<PlainSegment> {
        let (Transport::Tcp(t), None) = (&self.transport, self.dropped) else { return None };
        (t.flags.is_plain() && t.options.is_plain() && t.payload.len() as u64 == u64::from(t.payload_len)).then_some(
            PlainSegment {
                at: self.at,
                in_frame,
                seq: t.seq,
                ack: t.ack,
                window: t.window,
                payload_len: t.payload_len,
                ttl: self.ttl,
                ip_id: self.ip_id,
                direction: self.direction,
                pid: self.pid,
            },
        )
    }

    /// Between whom it went; `None` for what belongs to no flow: ICMP errors, other protocols, records of drops.
    #[inline]
    pub fn ends(&self) -> Option<PacketEnds> {
        let (tcp, src_port, dst_port) = match (&self.transport, self.dropped) {
            (Transport::Tcp(t), None) => (true, t.src_port, t.dst_port),
            (Transport::Udp(u), None) => (false, u.src_port, u.dst_port),
            _ => return None,
        };
        let v4 = self.src.is_ipv4() && self.dst.is_ipv4();
        Some(PacketEnds { tcp, v4, src: halves(self.src), dst: halves(self.dst), src_port, dst_port })
    }
}

/// The transport layer of a packet.
#[derive(Debug, Clone, Copy)]
pub enum Transport<'w> {
    /// TCP (RFC 9293).
    Tcp(TcpSegment<'w>),
    /// UDP (RFC 768).
    Udp(UdpDatagram<'w>),
    /// An ICMP or ICMPv6 error with the head of the packet it quotes.
    IcmpError(IcmpError),
    /// Anything else; the IP protocol number.
    Other(u8),
}

/// A TCP header and what it carries.
#[derive(Debug, Clone, Copy)]
pub struct TcpSegment<'w> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number of the first payload byte (or of the SYN).
    pub seq: u32,
    /// Acknowledgement number; meaningful with ACK only.
    pub ack: u32,
    /// Flags.
    pub flags: TcpFlags,
    /// Window field, unscaled.
    pub window: u16,
    /// Options that the analysis uses.
    pub options: TcpOptions,
    /// Captured payload.
    pub payload: &'w [u8],
    /// Payload bytes on the wire (more than `payload` when the snap length cut it).
    pub payload_len: u32,
}

/// TCP flags (RFC 9293, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from sender.
    pub fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }
    /// Synchronise sequence numbers.
    pub fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }
    /// Reset.
    pub fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }
    /// Push.
    pub fn psh(self) -> bool {
        self.0 & 0x08 != 0
    }
    /// Acknowledgement field is significant.
    pub fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
    /// ACK, and neither FIN, SYN nor RST.
    pub fn is_plain(self) -> bool {
        self.0 & 0x17 == 0x10
    }
}

/// TCP options (RFC 9293, RFC 7323, RFC 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size, bytes.
    pub mss: Option<u16>,
    /// Window scale shift.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Selective acknowledgement: (left, right) edges; `sack_count` of them are set.
    pub sack: [(u32, u32); 4],
    /// Number of SACK blocks.
    pub sack_count: u8,
    /// Timestamp value and echo.
    pub timestamps: Option<(u32, u32)>,
}

impl TcpOptions {
    /// Nothing but perhaps the timestamps.
    #[inline]
    pub fn is_plain(&self) -> bool {
        let TcpOptions { mss, window_scale, sack_permitted, sack_count, sack: _, timestamps: _ } = self;
        mss.is_none() && window_scale.is_none() && !sack_permitted && *sack_count == 0
    }
}

/// A UDP header and what it carries.
#[derive(Debug, Clone, Copy)]
pub struct UdpDatagram<'w> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Captured payload.
    pub payload: &'w [u8],
    /// Payload bytes on the wire.
    pub payload_len: u32,
}

/// An ICMP/ICMPv6 error message (RFC 792, RFC 4443) and the flow it quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpError {
    /// ICMPv6 rather than ICMP.
    pub v6: bool,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Next-hop MTU of "fragmentation needed" / "packet too big", where given.
    pub mtu: Option<u32>,
    /// IP protocol of the quoted packet.
    pub quoted_protocol: u8,
    /// Source of the quoted packet (port 0 where the protocol has none).
    pub quoted_src: SocketAddr,
    /// Destination of the quoted packet.
    pub quoted_dst: SocketAddr,
    /// TCP sequence number in the quoted header, where it is TCP.
    pub quoted_seq: Option<u32>,
}
