//! The waist of the house: everything that is known from one piece of evidence, owned and small.
//!
//! What enters: what flows and dissectors saw of one capture (or what a log, a sign-in export, a system file says).
//! What leaves: plain values; nothing behind this point knows which container or which parser they came from.

mod crowd;
pub mod log;
mod members;
pub mod system;
mod tls;

use crate::capture::{CaptureInfo, DropMark};
use crate::flow::{Ends, Side};
use crate::packet::{At, IcmpError};
use crate::time::NANOS_PER_SECOND;
use std::net::{IpAddr, SocketAddr};

pub use crowd::{Crowd, Fellow, NEAR_HOPS_MAX, PROMPT_NS};
pub use tls::{
    Alert, Certificate, Choice, ClientHello, EncryptedFacts, HelloBytes, Offer, PlaintextAnswer, Presented, Program,
    ServerHello, TlsCarrier, TlsSession,
};

/// All facts of one capture.
#[derive(Debug, Default)]
pub struct CaptureFacts {
    /// Container, counts, times, problems.
    pub info: CaptureInfo,
    /// TCP and UDP flows, sorted by transport (TCP first), then stream number.
    pub flows: Vec<Flow>,
    /// DNS messages of all transports, in frame order.
    pub dns: Vec<DnsMessage>,
    /// ICMP errors, in frame order.
    pub icmp: Vec<IcmpFact>,
    /// Drops inside Windows, in frame order.
    pub drops: Vec<DropFact>,
    /// Link-layer facts: link types that could not be read, with the number of frames.
    pub unsupported_links: Vec<(u16, u64)>,
    /// Distinct unordered address and port pairs: TCP, UDP.
    pub conversations: (u64, u64),
    /// Flows that were given up or not kept, by the limits.
    pub flows_dropped: u64,
}

impl CaptureFacts {
    /// The flows that are only counted, each crowd beside the flow that it went as.
    pub fn crowds(&self) -> impl Iterator<Item = &Crowd> {
        self.flows.iter().filter_map(|f| f.crowd.as_deref())
    }
}

/// The transport protocol of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowTransport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One TCP connection or UDP conversation.
#[derive(Debug)]
pub struct Flow {
    /// TCP or UDP.
    pub transport: FlowTransport,
    /// Wireshark's tcp.stream or udp.stream.
    pub stream: u32,
    /// Client and server.
    pub ends: Ends,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
    /// Counters of each side: [client, server].
    pub sides: [SideFacts; 2],
    /// TCP only.
    pub tcp: Option<TcpFacts>,
    /// What the dissectors found inside.
    pub app: AppFacts,
    /// Process that owns the client end.
    pub process: Option<ProcessFact>,
    /// The flows that went as this one and are only counted.
    pub crowd: Option<Box<Crowd>>,
}

impl Flow {
    /// Gives client and server each other's place, where the dissectors found them to be the other way round
    /// ([`AppFacts::swapped`]). `app` and `process` are told rightly already.
    pub fn swap_sides(&mut self) {
        self.ends = Ends { client: self.ends.server, server: self.ends.client };
        self.sides.swap(0, 1);
        let Some(tcp) = &mut self.tcp else { return };
        tcp.fins.swap(0, 1);
        tcp.fins_answer_later.swap(0, 1);
        for reset in &mut tcp.resets {
            reset.by = reset.by.other();
        }
        // Zeek writes the originator's events in upper case.
        tcp.history = tcp
            .history
            .chars()
            .map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
            .collect();
        tcp.conn_state = match tcp.conn_state {
            "S2" => "S3",
            "S3" => "S2",
            "RSTO" => "RSTR",
            "RSTR" => "RSTO",
            "SH" => "SHR",
            "SHR" => "SH",
            "RSTOS0" => "RSTRH",
            "RSTRH" => "RSTOS0",
            other => other,
        };
    }
}

/// What one side of a flow sent.
#[derive(Debug, Clone, Default)]
pub struct SideFacts {
    /// Packets, duplicates and retransmissions included.
    pub packets: u64,
    /// Payload bytes, each sequence number once (TCP); all payload (UDP).
    pub bytes: u64,
    /// Frames in which the first and the last payload byte came.
    pub first_data: Option<At>,
    /// See `first_data`.
    pub last_data: Option<At>,
    /// Last frame that brought more at once than a farewell has (TCP).
    pub last_content: Option<At>,
    /// TTL or hop limit of the first packet that is no RST.
    pub ttl: Option<u8>,
    /// Smallest and largest TTL of packets that are no RST.
    pub ttl_range: Option<(u8, u8)>,
    /// Retransmitted segments (same bytes sent again), with the first such frame.
    pub retransmissions: u32,
    /// See `retransmissions`.
    pub first_retransmission: Option<At>,
    /// Segments that arrived out of order.
    pub out_of_order: u32,
    /// Payload bytes missing in the capture though the other side acknowledged them (capture loss).
    pub missed_bytes: u64,
    /// Payload bytes never seen and never acknowledged, behind which later data, or a FIN, was seen (network loss, black hole).
    pub unacked_gap_bytes: u64,
    /// Largest payload of one segment.
    pub largest_segment: u32,
    /// Payload bytes cut by the snap length.
    pub cut_bytes: u64,
    /// Largest acknowledged sequence offset of this side's data (bytes of this side that the peer acknowledged).
    pub acked_bytes: u64,
    /// Segments with a zero window after the handshake.
    pub zero_windows: u32,
    /// Keep-alive probes.
    pub keep_alives: u32,
    /// Duplicate acknowledgements sent by this side; of these, those with SACK blocks (holes it sees).
    pub duplicate_acks: u32,
    /// See `duplicate_acks`.
    pub sack_holes: u32,
    /// Overlaps whose bytes differed from the first copy.
    pub conflicting_overlaps: u32,
    /// MSS announced in the SYN.
    pub mss: Option<u16>,
}

/// Hops between the sender of a packet that arrived with this TTL and the point of capture: senders begin at 32, 64, 128
/// or 255.
pub fn hops(ttl: u8) -> u8 {
    let initial: u8 = match ttl {
        0..=32 => 32,
        33..=64 => 64,
        65..=128 => 128,
        _ => 255,
    };
    initial.saturating_sub(ttl)
}

/// The state history of a TCP connection.
#[derive(Debug, Clone, Default)]
pub struct TcpFacts {
    /// SYNs of the client (first eight kept, of more with copies rather the tries), all of them counted in `syn_count`.
    pub syns: Vec<At>,
    /// See `syns`.
    pub syn_count: u32,
    /// SYNs that are tries of their own, those included that are not kept.
    pub all_tries: u32,
    /// Sequence number of the client's SYN.
    pub syn_number: Option<u32>,
    /// First SYN-ACK.
    pub syn_ack: Option<At>,
    /// First ACK of the SYN-ACK (or data) by the client: established.
    pub established: Option<At>,
    /// The capture starts in the middle of the connection.
    pub midstream: bool,
    /// Resets, first eight kept, in order.
    pub resets: Vec<Reset>,
    /// First FIN of each side: [client, server].
    pub fins: [Option<At>; 2],
    /// Whether the FIN of a side acknowledges the other's, which stands behind it in the capture (or behind a hole): the
    /// other side closed first.
    pub fins_answer_later: [bool; 2],
    /// Nanoseconds from SYN to SYN-ACK (of the answered SYN).
    pub handshake_rtt: Option<i64>,
    /// Nanoseconds from the client's first data to the server's first data.
    pub first_answer: Option<i64>,
    /// Nanoseconds from the client's first data to the first ACK covering some of it.
    pub first_data_acked: Option<i64>,
    /// Zeek's conn_state.
    pub conn_state: &'static str,
    /// Zeek's history letters.
    pub history: String,
    /// Data seen on the SYN (TCP Fast Open).
    pub syn_data: bool,
    /// Two SYNs crossed.
    pub simultaneous_open: bool,
    /// Only one direction was captured.
    pub one_sided: bool,
    /// The server accepted the connection with a window of 0 and never announced another one.
    pub never_opened: bool,
}

/// SYNs nearer than this are one try captured twice: no stack repeats a SYN sooner (RFC 6298 2.1 says one second).
pub const SYN_GAP_NS: i64 = NANOS_PER_SECOND / 5;

impl TcpFacts {
    /// The SYNs that are tries of their own.
    pub fn syn_tries(&self) -> Vec<At> {
        let mut tries: Vec<At> = Vec::new();
        for syn in &self.syns {
            if tries.last().is_none_or(|last| syn.time.since(last.time) >= SYN_GAP_NS) {
                tries.push(*syn);
            }
        }
        tries
    }

    /// How many tries there were, without copies.
    pub fn syn_try_count(&self) -> u32 {
        u32::try_from(self.syn_tries().len()).unwrap_or(u32::MAX).max(self.all_tries)
    }
}

/// One RST and how it compares with its sender's other packets.
#[derive(Debug, Clone, Copy)]
pub struct Reset {
    /// When.
    pub at: At,
    /// The side whose address it carries as source.
    pub by: Side,
    /// TTL or hop limit.
    pub ttl: u8,
    /// IPv4 identification.
    pub ip_id: Option<u16>,
    /// IPv4 identification of that side's last packet before.
    pub last_ip_id: Option<u16>,
    /// TTL of that side's other packets (the last before this RST).
    pub peer_ttl: Option<u8>,
    /// Sequence number minus the next expected one of that side; `None` where none was expected.
    pub seq_offset: Option<i64>,
    /// ACK flag set.
    pub ack: bool,
    /// Window field.
    pub window: u16,
    /// What the connection had reached.
    pub stage: ResetStage,
    /// Payload bytes on the RST itself.
    pub payload_len: u32,
    /// Later packets with data came from the same side all the same (an injected reset lost the race).
    pub data_after: bool,
}

/// Where in the life of a TCP connection a reset came (TLS stages are judged from the frames).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetStage {
    /// In answer to the SYN.
    AnswerToSyn,
    /// After the SYN-ACK, before any data.
    AfterHandshake,
    /// After data of the client, before data of the server.
    AfterClientData,
    /// After data of both.
    AfterBoth,
    /// After a FIN of either side: the ordinary end of many stacks.
    AfterFin,
}

/// What the dissectors found in one flow.
#[derive(Debug, Default)]
pub struct AppFacts {
    /// TLS (or DTLS, QUIC) sessions, in order; one flow may hold several (tunnel in tunnel, renegotiation).
    pub tls: Vec<TlsSession>,
    /// HTTP/1.x exchanges in clear, CONNECTs included, in order.
    pub http: Vec<HttpExchange>,
    /// SOCKS negotiation.
    pub socks: Option<Box<SocksFact>>,
    /// QUIC seen on this UDP flow.
    pub quic: Option<Box<QuicFact>>,
    /// DNS messages; moved to [`CaptureFacts::dns`] when the capture is finished.
    pub dns: Vec<DnsMessage>,
    /// The dissectors found that "client" and "server" are the other way round (flows without a SYN).
    /// Everything in here is already told with the corrected sides: only what the flow stage itself keeps (ends, side
    /// counters) remains to be swapped.
    pub swapped: bool,
    /// First bytes of each side that fit no protocol known here, up to 16: [client, server].
    pub unknown_prefix: [Vec<u8>; 2],
}

/// Adds to a list that mostly holds one element and is kept for each of many flows: the first element takes no more
/// room than it needs, where a vector would make room for four.
pub(crate) fn push_only<T>(list: &mut Vec<T>, item: T) {
    if list.is_empty() {
        list.reserve_exact(1);
    }
    list.push(item);
}

/// Adds a list to another one that mostly is empty, as [`push_only`] adds an element.
pub(crate) fn append_only<T>(list: &mut Vec<T>, items: Vec<T>) {
    if list.is_empty() {
        *list = items;
    } else {
        list.extend(items);
    }
}

impl AppFacts {
    /// True when nothing was found.
    pub fn is_empty(&self) -> bool {
        self.tls.is_empty()
            && self.http.is_empty()
            && self.socks.is_none()
            && self.quic.is_none()
            && self.dns.is_empty()
            && !self.swapped
            && self.unknown_prefix.iter().all(Vec::is_empty)
    }
}

/// One HTTP/1.x request and its answer.
#[derive(Debug, Clone, Default)]
pub struct HttpExchange {
    /// Frame of the request line; `None` when only the answer was captured.
    pub request_at: Option<At>,
    /// Method.
    pub method: String,
    /// Request target as written (query strings cut: they hold secrets).
    pub target: String,
    /// HTTP version minor digit of the request.
    pub minor_version: u8,
    /// Host header.
    pub host: Option<String>,
    /// User-Agent.
    pub user_agent: Option<String>,
    /// Scheme of `Proxy-Authorization` sent (never the credentials).
    pub proxy_authorization: Option<String>,
    /// Final status; `None` if no answer was seen.
    pub status: Option<u16>,
    /// Reason phrase.
    pub reason: String,
    /// Frame of the status line.
    pub response_at: Option<At>,
    /// Schemes of Proxy-Authenticate, in order.
    pub proxy_authenticate: Vec<String>,
    /// Server header.
    pub server: Option<String>,
    /// Via header.
    pub via: Option<String>,
    /// Location header (query cut).
    pub location: Option<String>,
    /// Date header, as a time.
    pub date: Option<crate::time::Timestamp>,
    /// Content-Type.
    pub content_type: Option<String>,
    /// Headers that name products (X-Squid-Error, X-Cache, Proxy-Agent, ...): (name, value).
    pub product_headers: Vec<(String, String)>,
    /// `<title>` of an HTML answer.
    pub title: Option<String>,
    /// First 2 KiB of the body of a PAC file, an error page; empty otherwise.
    pub body_head: String,
    /// Seen inside a TLS session that the key log opened.
    pub decrypted: bool,
    /// After a successful CONNECT: bytes seen inside the tunnel, by side: [client, server].
    pub tunnel_bytes: [u64; 2],
}

impl HttpExchange {
    /// True for a CONNECT request.
    pub fn is_connect(&self) -> bool {
        self.method == "CONNECT"
    }
}

/// A SOCKS negotiation (RFC 1928, RFC 1929; SOCKS4/4a).
#[derive(Debug, Clone, Default)]
pub struct SocksFact {
    /// 4 or 5.
    pub version: u8,
    /// Frame of the greeting (SOCKS5) or request (SOCKS4).
    pub at: At,
    /// Methods offered (SOCKS5).
    pub methods: Vec<u8>,
    /// Method chosen; 0xFF = none acceptable.
    pub method: Option<u8>,
    /// Username/password status (RFC 1929), 0 = success.
    pub auth_status: Option<u8>,
    /// host:port asked for.
    pub target: Option<String>,
    /// Frame of the request.
    pub request_at: Option<At>,
    /// Reply code (SOCKS5 0 = succeeded; SOCKS4 0x5A = granted).
    pub reply: Option<u8>,
    /// Frame of the reply.
    pub reply_at: Option<At>,
}

impl SocksFact {
    /// Whether the proxy granted the request.
    pub fn granted(&self) -> bool {
        matches!((self.version, self.reply), (5, Some(0)) | (4, Some(0x5A)))
    }
}

/// QUIC on a UDP flow.
#[derive(Debug, Clone, Default)]
pub struct QuicFact {
    /// Version of the first long header of the client.
    pub version: u32,
    /// First Initial of the client.
    pub first_initial: Option<At>,
    /// First long or short header packet of the server.
    pub first_answer: Option<At>,
    /// Initials sent by the client.
    pub client_initials: u32,
    /// 1-RTT (short header) packets by side: [client, server].
    pub short_packets: [u32; 2],
    /// Handshake packets by side.
    pub handshake_packets: [u32; 2],
    /// Version Negotiation seen, with the versions offered.
    pub version_negotiation: Vec<u32>,
    /// Retry seen.
    pub retry: bool,
    /// CONNECTION_CLOSE in an Initial: error code (0x0100 to 0x01FF is a TLS alert, RFC 9001 4.8).
    pub close_code: Option<u64>,
    /// Who sent that CONNECTION_CLOSE.
    pub close_by: Option<Side>,
    /// When.
    pub close_at: Option<At>,
}

/// One DNS message (RFC 1035) with its question.
#[derive(Debug, Clone, Default)]
pub struct DnsMessage {
    /// When.
    pub at: At,
    /// Sender.
    pub src: Option<SocketAddr>,
    /// Receiver.
    pub dst: Option<SocketAddr>,
    /// Over TCP.
    pub tcp: bool,
    /// Stream number of the flow (tcp.stream or udp.stream); set when the capture is finished.
    pub stream: u32,
    /// Which protocol of the family.
    pub kind: DnsKind,
    /// Message id.
    pub id: u16,
    /// Response (QR).
    pub response: bool,
    /// Opcode: 0 query, 4 notify, 5 update (RFC 1035 4.1.1; RFC 1996; RFC 2136).
    pub opcode: u8,
    /// Questions: (name in presentation form without final dot, type number).
    pub questions: Vec<(String, u16)>,
    /// Response code, extended by EDNS.
    pub rcode: u16,
    /// Truncated.
    pub truncated: bool,
    /// Answer records.
    pub answers: Vec<DnsRecord>,
    /// Authority section holds an SOA (negative answer).
    pub soa: bool,
    /// EDNS present.
    pub edns: bool,
    /// The message was cut or damaged: only what is set could be read.
    pub damaged: bool,
    /// Recursion available, authoritative bits.
    pub recursion_available: bool,
    /// See `recursion_available`.
    pub authoritative: bool,
}

/// "No such name" (RFC 1035 4.1.1): the name's answer, not a fault of the resolver.
pub const NXDOMAIN: u16 = 3;

/// DNS and its relatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DnsKind {
    /// DNS proper.
    #[default]
    Dns,
    /// Multicast DNS (RFC 6762).
    Mdns,
    /// LLMNR (RFC 4795).
    Llmnr,
    /// NetBIOS name service (RFC 1002).
    Nbns,
}

/// One resource record of the answer section.
#[derive(Debug, Clone)]
pub struct DnsRecord {
    /// Owner name.
    pub name: String,
    /// Type number.
    pub kind: u16,
    /// Time to live, seconds.
    pub ttl: u32,
    /// Data.
    pub data: DnsData,
}

/// Resource record data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DnsData {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME, PTR, NS, DNAME: a name.
    Name(String),
    /// HTTPS or SVCB: target and address hints.
    Service {
        /// Target name; empty = owner.
        target: String,
        /// ALPN ids.
        alpn: Vec<String>,
        /// Address hints.
        hints: Vec<IpAddr>,
        /// The ech parameter is there.
        ech: bool,
    },
    /// Anything else, in presentation form as far as it is known here.
    Other(String),
}

/// An ICMP error and the flow it quotes.
#[derive(Debug, Clone, Copy)]
pub struct IcmpFact {
    /// When.
    pub at: At,
    /// Who sent the ICMP message.
    pub sender: IpAddr,
    /// To whom.
    pub receiver: IpAddr,
    /// The message.
    pub error: IcmpError,
    /// Index into [`CaptureFacts::flows`] of the flow it quotes, where that flow is known.
    pub flow: Option<usize>,
    /// TTL it arrived with.
    pub ttl: u8,
}

/// A packet that Windows itself dropped (PktMon).
#[derive(Debug, Clone)]
pub struct DropFact {
    /// When.
    pub at: At,
    /// Component, reason and place.
    pub mark: DropMark,
    /// Name of the component.
    pub component: String,
    /// Reason in words.
    pub reason: String,
    /// Ends of the dropped packet (source, destination), where it could be decoded.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// IP protocol.
    pub protocol: Option<u8>,
    /// Index into [`CaptureFacts::flows`] of the flow it belongs to.
    pub flow: Option<usize>,
}

/// A process that owns a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFact {
    /// Process id.
    pub pid: u32,
    /// Image name, where known.
    pub name: Option<String>,
    /// How sure that is: taken from the first SYN sent (`true`) or from later sends.
    pub from_syn: bool,
}

#[cfg(test)]
mod tests {
    #[test]
    fn hops_count_from_the_next_initial_ttl() {
        assert_eq!([64, 52, 117, 240, 1].map(super::hops), [0, 12, 11, 15, 31]);
    }
}
