//! QUIC: the hellos in its Initial packets, and how far a connection got.
//!
//! What enters: the UDP payloads of one flow, in capture order. What leaves: a [`QuicFact`] and a [`TlsSession`] for each
//! connection whose ClientHello could be read. Initial packets are opened with the keys anybody on the path can
//! derive (RFC 9001 5.2); everything else is only counted. Memory is bounded by `limits`.

use crate::facts::{ClientHello, EncryptedFacts, QuicFact, TlsCarrier, TlsSession};
use crate::flow::{Interest, Side};
use crate::limits::{DATAGRAM_SESSIONS_MAX, QUIC_KEY_TRIALS_MAX};
use crate::packet::At;
use crate::protocol::hello;
use crate::protocol::pieces::Pieces;
use crate::protocol::quic_crypto::{DirectionKeys, InitialKeys, Opened, is_reserved, profiles};
use crate::protocol::quic_packet::{InitialFrame, InitialFrames, LongKind, LongPacket, Packets, QuicPacket, is_quic};

/// Reads one UDP flow that carries QUIC.
#[derive(Debug, Default)]
pub struct QuicDissector {
    /// Counters and times of each side as the flow names them; turned round at the end if that was wrong.
    sides: [SideCounts; 2],
    version: Option<u32>,
    version_negotiation: Vec<u32>,
    retry: bool,
    close: Option<(u64, Side, At)>,
    connections: Vec<Connection>,
    /// Server Initials that came before the ClientHello they answer.
    waiting: Vec<(Side, Vec<u8>, At)>,
    trials: usize,
    swapped: bool,
}

impl QuicDissector {
    /// True when a UDP payload starts with a long header of a QUIC version known here.
    pub fn detect(payload: &[u8]) -> bool {
        is_quic(payload)
    }

    /// Starts a flow.
    pub fn new() -> Self {
        QuicDissector::default()
    }

    /// Takes one UDP payload.
    pub fn datagram(&mut self, side: Side, payload: &[u8], at: At) -> Interest {
        for packet in Packets::new(payload) {
            self.packet(side, packet, at);
        }
        Interest::More
    }

    /// The ClientHello came from the end that the flow calls the server.
    pub fn swapped(&self) -> bool {
        self.swapped
    }

    /// Ends the flow: sides are told as the hellos show them (see [`QuicDissector::swapped`]).
    pub fn finish(self) -> (QuicFact, Vec<TlsSession>) {
        let [client, server] = if self.swapped {
            let [a, b] = self.sides;
            [b, a]
        } else {
            self.sides
        };
        let close = self.close.map(|(code, by, at)| (code, if self.swapped { by.other() } else { by }, at));
        let fact = QuicFact {
            version: self.version.unwrap_or_default(),
            first_initial: client.first_initial,
            first_answer: server.first,
            client_initials: client.initials,
            short_packets: [client.short, server.short],
            handshake_packets: [client.handshake, server.handshake],
            version_negotiation: self.version_negotiation,
            retry: self.retry,
            close_code: close.map(|(code, _, _)| code),
            close_by: close.map(|(_, by, _)| by),
            close_at: close.map(|(_, _, at)| at),
        };
        let client = if self.swapped { Side::Server } else { Side::Client };
        let sessions = self
            .connections
            .into_iter()
            .map(|connection| TlsSession { reversed: connection.client != client, ..connection.session });
        (fact, sessions.collect())
    }

    fn packet(&mut self, side: Side, packet: QuicPacket<'_>, at: At) {
        let counts = self.side(side);
        counts.first.get_or_insert(at);
        match packet {
            QuicPacket::VersionNegotiation(versions) => {
                let versions = versions.chunks_exact(4).filter_map(|v| v.try_into().ok().map(u32::from_be_bytes));
                if self.version_negotiation.is_empty() {
                    self.version_negotiation.extend(versions.take(VERSIONS_KEPT));
                }
                if let Some(connection) = self.connections.last_mut() {
                    connection.may_restart = true;
                }
            }
            QuicPacket::Retry { .. } => {
                self.retry = true;
                if let Some(connection) = self.connections.last_mut() {
                    connection.may_restart = true;
                }
            }
            QuicPacket::Opaque { version } => {
                self.version.get_or_insert(version);
            }
            QuicPacket::Short(length) => {
                counts.short = counts.short.saturating_add(1);
                self.encrypted(side, length, true, at);
            }
            QuicPacket::Long(packet) => {
                match packet.kind {
                    LongKind::Initial => {
                        counts.initials = counts.initials.saturating_add(1);
                        counts.first_initial.get_or_insert(at);
                    }
                    LongKind::Handshake => counts.handshake = counts.handshake.saturating_add(1),
                    LongKind::ZeroRtt => {}
                }
                self.version.get_or_insert(packet.version);
                match packet.kind {
                    LongKind::Initial => self.initial(side, &packet, at, true),
                    LongKind::Handshake => self.encrypted(side, packet.bytes.len(), false, at),
                    LongKind::ZeroRtt => {}
                }
            }
        }
    }

    fn side(&mut self, side: Side) -> &mut SideCounts {
        let [client, server] = &mut self.sides;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    /// Opens an Initial packet with the keys of a connection already known, or with its own.
    fn initial(&mut self, side: Side, packet: &LongPacket<'_>, at: At, may_wait: bool) {
        for connection in self.connections.iter_mut().rev() {
            let role = connection.role(side);
            if let Some(opened) = connection.open(role, packet) {
                if let Some(code) = connection.take(role, &opened, packet, at) {
                    self.close.get_or_insert((code, side, at));
                }
                return;
            }
        }
        if let Some((mut fresh, opened)) = self.own_keys(side, packet) {
            // After Retry and Version Negotiation the same attempt goes on with another connection id or version.
            if self.connections.last().is_some_and(|old| old.may_restart && old.client == side) {
                fresh.session = self.connections.pop().map(|old| old.session).unwrap_or_default();
                // A hello of a version that only forced the negotiation gives way to the real one.
                let forced = |hello: &ClientHello| hello.quic_version.is_some_and(is_reserved);
                fresh.session.client_hellos.retain(|hello| !forced(hello) || is_reserved(packet.version));
            } else if self.connections.is_empty() {
                self.swapped = side == Side::Server;
            } else if self.connections.len() >= DATAGRAM_SESSIONS_MAX {
                return;
            }
            self.connections.push(fresh);
            let Some(connection) = self.connections.last_mut() else { return };
            if let Some(code) = connection.take(Side::Client, &opened, packet, at) {
                self.close.get_or_insert((code, side, at));
            }
            for (side, bytes, at) in std::mem::take(&mut self.waiting) {
                if let Some(QuicPacket::Long(packet)) = Packets::new(&bytes).next() {
                    self.initial(side, &packet, at, false);
                }
            }
        } else if may_wait && !packet.cut && self.waiting.len() < WAITING_MAX {
            self.waiting.push((side, packet.bytes.to_vec(), at));
        }
    }

    /// Tries a packet as the first Initial of a client.
    fn own_keys(&mut self, side: Side, packet: &LongPacket<'_>) -> Option<(Connection, Opened)> {
        for profile in profiles(packet.version) {
            if self.trials >= QUIC_KEY_TRIALS_MAX {
                return None;
            }
            let keys = InitialKeys::derive(profile, packet.dcid)?;
            if let Some(opened) = open(keys.client(), packet, None) {
                return Some((Connection::new(side, packet, keys), opened));
            }
            self.trials += 1;
        }
        None
    }

    /// Counts a Handshake or 1-RTT packet in the session of the newest connection.
    fn encrypted(&mut self, side: Side, length: usize, application: bool, at: At) {
        let Some(connection) = self.connections.last_mut() else { return };
        let role = connection.role(side);
        let answered = connection.answered;
        if role == Side::Server {
            connection.answered = true;
            connection.may_restart = false;
        }
        let session = &mut connection.session;
        let [client, server] = &mut session.encrypted;
        let facts = if role == Side::Client { client } else { server };
        count(facts, length, application, at);
        // A client has 1-RTT keys once it has the server's Finished and sent its own (RFC 9001 4.1.1).
        if application && role == Side::Client && answered {
            session.complete.get_or_insert(at);
        }
    }
}

/// Versions kept of a Version Negotiation packet.
const VERSIONS_KEPT: usize = 32;
/// Initials kept that came before the ClientHello: one flight of a server.
const WAITING_MAX: usize = 4;
/// Lengths kept of a side's first encrypted packets.
const LENGTHS_KEPT: usize = 8;
/// Versions whose keys are kept for one connection: its own, and the one that a compatible negotiation chose.
const KEYS_KEPT: usize = 2;
/// Handshake types (RFC 8446 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// What one side of the flow sent.
#[derive(Debug, Default, Clone)]
struct SideCounts {
    first: Option<At>,
    first_initial: Option<At>,
    initials: u32,
    handshake: u32,
    short: u32,
}

/// One connection: from the first Initial with keys of its own.
#[derive(Debug)]
struct Connection {
    /// Which side of the flow is the client.
    client: Side,
    dcid: Vec<u8>,
    keys: Vec<(u32, InitialKeys)>,
    /// Handshake streams and largest packet numbers by role.
    streams: [Stream; 2],
    session: TlsSession,
    /// Retry or Version Negotiation came: the next Initial with other keys continues this attempt.
    may_restart: bool,
    /// The server sent an Initial or Handshake packet.
    answered: bool,
}

#[derive(Debug, Default)]
struct Stream {
    pieces: Pieces,
    /// First frame with bytes of the message that is not complete yet.
    began: Option<At>,
    largest: Option<u64>,
}

impl Connection {
    fn new(client: Side, packet: &LongPacket<'_>, keys: InitialKeys) -> Self {
        Connection {
            client,
            dcid: packet.dcid.to_vec(),
            keys: vec![(packet.version, keys)],
            streams: Default::default(),
            session: TlsSession { carrier: TlsCarrier::Quic, ..TlsSession::default() },
            may_restart: false,
            answered: false,
        }
    }

    fn role(&self, side: Side) -> Side {
        if side == self.client { Side::Client } else { Side::Server }
    }

    /// Opens a packet with this connection's keys. A server may answer in another version, whose keys come from the
    /// same connection id (RFC 9368 2.1, RFC 9369 4.1).
    fn open(&mut self, role: Side, packet: &LongPacket<'_>) -> Option<Opened> {
        let [client, server] = &self.streams;
        let largest = if role == Side::Client { client.largest } else { server.largest };
        let direction = |keys: &InitialKeys| {
            open(if role == Side::Client { keys.client() } else { keys.server() }, packet, largest)
        };
        if let Some((_, keys)) = self.keys.iter().find(|(version, _)| *version == packet.version) {
            return direction(keys);
        }
        if role == Side::Client || self.keys.len() >= KEYS_KEPT {
            return None;
        }
        let (keys, opened) = profiles(packet.version).iter().find_map(|profile| {
            let keys = InitialKeys::derive(profile, &self.dcid)?;
            let opened = direction(&keys)?;
            Some((keys, opened))
        })?;
        self.keys.push((packet.version, keys));
        Some(opened)
    }

    /// Takes the frames of an opened Initial; gives the error code of a CONNECTION_CLOSE.
    fn take(&mut self, role: Side, opened: &Opened, packet: &LongPacket<'_>, at: At) -> Option<u64> {
        if role == Side::Server {
            self.answered = true;
            self.may_restart = false;
        }
        let [client, server] = &mut self.streams;
        let stream = if role == Side::Client { client } else { server };
        stream.largest = stream.largest.max(Some(opened.number));
        let mut close = None;
        let mut frames = InitialFrames::new(&opened.payload);
        for frame in &mut frames {
            match frame {
                InitialFrame::Crypto { offset, data } => stream.insert(offset, data, at),
                InitialFrame::Close { code, .. } => close = close.or(Some(code)),
            }
        }
        if packet.cut
            && let Some(InitialFrame::Crypto { offset, data }) = frames.cut_crypto()
        {
            stream.insert(offset, data, at);
        }
        while let Some((kind, body, first)) = stream.message(at) {
            match (role, kind) {
                (Side::Client, CLIENT_HELLO) => client_hello(&mut self.session, &body, packet.version, first, at),
                (Side::Server, SERVER_HELLO) => server_hello(&mut self.session, &body, at),
                _ => {}
            }
        }
        if packet.cut && !stream.pieces.ready().is_empty() {
            let [client, server] = &mut self.session.cut_hello;
            (if role == Side::Client { client } else { server }).get_or_insert(at);
        }
        close
    }
}

impl Stream {
    fn insert(&mut self, offset: u64, data: &[u8], at: At) {
        if !data.is_empty() {
            self.began.get_or_insert(at);
            self.pieces.insert(offset, data);
        }
    }

    /// The next complete handshake message: type, body, the frame that began it.
    fn message(&mut self, at: At) -> Option<(u8, Vec<u8>, At)> {
        let [kind, a, b, c, rest @ ..] = self.pieces.ready() else { return None };
        let (kind, length) = (*kind, u32::from_be_bytes([0, *a, *b, *c]));
        let length = usize::try_from(length).ok()?;
        let body = rest.get(..length)?.to_vec();
        self.pieces.consume(length.saturating_add(4));
        let began = self.began.take().unwrap_or(at);
        if !self.pieces.ready().is_empty() || self.pieces.has_hole() {
            self.began = Some(at);
        }
        Some((kind, body, began))
    }
}

/// Adds a ClientHello unless it is the one that the client had to send again.
fn client_hello(session: &mut TlsSession, body: &[u8], version: u32, first: At, at: At) {
    let Some(mut hello) = hello::client_hello_over(TlsCarrier::Quic, body) else { return };
    let retry_asked = session.server_hellos.last().is_some_and(|s| s.hello_retry_request);
    let repeated = session.client_hellos.last().is_some_and(|old| old.random == hello.random) && !retry_asked;
    if repeated || session.client_hellos.len() >= HELLOS_KEPT {
        return;
    }
    hello.at = at;
    hello.first_frame = first.frame;
    hello.length = u32::try_from(body.len()).unwrap_or(u32::MAX).saturating_add(4);
    hello.quic_version = Some(version);
    session.client_hellos.push(hello);
}

fn server_hello(session: &mut TlsSession, body: &[u8], at: At) {
    let Some(mut hello) = hello::server_hello_over(TlsCarrier::Quic, body) else { return };
    if session.server_hellos.len() < HELLOS_KEPT {
        hello.at = at;
        session.resumed = hello.psk;
        session.server_hellos.push(hello);
    }
}

/// Hellos kept of one connection and side: a HelloRetryRequest makes two.
const HELLOS_KEPT: usize = 4;

fn open(keys: &DirectionKeys, packet: &LongPacket<'_>, largest: Option<u64>) -> Option<Opened> {
    if !packet.cut {
        return keys.open(packet.bytes, packet.number_at, largest);
    }
    // Nothing proves a cut packet but that it holds the beginning of a handshake.
    let opened = keys.open_unproven(packet.bytes, packet.number_at, largest)?;
    let mut frames = InitialFrames::new(&opened.payload);
    let first = match frames.next() {
        Some(frame) => frame,
        None => frames.cut_crypto()?,
    };
    match first {
        InitialFrame::Crypto { offset: 0, data: [CLIENT_HELLO | SERVER_HELLO, 0, ..] } => Some(opened),
        _ => None,
    }
}

fn count(facts: &mut EncryptedFacts, length: usize, application: bool, at: At) {
    let bytes = u64::try_from(length).unwrap_or(u64::MAX);
    let short = u16::try_from(length).unwrap_or(u16::MAX);
    facts.records = facts.records.saturating_add(1);
    facts.bytes = facts.bytes.saturating_add(bytes);
    if facts.first.len() < LENGTHS_KEPT {
        facts.first.push((short, at));
    }
    facts.last = Some(at);
    facts.last_len = short;
    if application {
        facts.application_records = facts.application_records.saturating_add(1);
        facts.application_bytes = facts.application_bytes.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::quic_crypto::tests::{SERVER_INITIAL, seal, unhex};
    use crate::time::Timestamp;

    const V1: u32 = 1;
    const V2: u32 = 0x6B33_43CF;

    fn at(frame: u64) -> At {
        At { frame, time: Timestamp(frame as i64) }
    }

    fn sized<const N: usize>(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes()[4 - N..], bytes].concat()
    }

    fn client_hello_message(name: &[u8], random: u8) -> Vec<u8> {
        let sni = sized::<2>(&sized::<2>(&[&[0][..], &sized::<2>(name)].concat()));
        let versions = sized::<2>(&sized::<1>(&[3, 4]));
        let extensions = [&[0, 0][..], &sni, &[0, 43], &versions, &[0xAA, 0xAA, 0, 200], &[0; 200]].concat();
        let body =
            [&[3, 3][..], &[random; 32], &[0], &sized::<2>(&[0x13, 1]), &sized::<1>(&[0]), &sized::<2>(&extensions)]
                .concat();
        [&[1][..], &sized::<3>(&body)].concat()
    }

    fn server_hello_message() -> Vec<u8> {
        let body = [&[3, 3][..], &[9; 32], &[0, 0x13, 1, 0], &sized::<2>(&[0, 43, 0, 2, 3, 4])].concat();
        [&[2][..], &sized::<3>(&body)].concat()
    }

    fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
        let two = |n: usize| ((n as u16) | 0x4000).to_be_bytes();
        [&[6][..], &two(offset), &two(data.len()), data].concat()
    }

    /// One Initial packet: `key_id` makes the keys, `dcid` stands in the header.
    fn initial(version: u32, from: Side, key_id: &[u8], dcid: &[u8], number: u8, frames: &[u8]) -> Vec<u8> {
        let frames = [frames, &vec![0; 40_usize.saturating_sub(frames.len())]].concat();
        let keys = InitialKeys::derive(&profiles(version)[0], key_id).unwrap();
        let first = if version == V2 { 0xD0 } else { 0xC0 };
        let length = ((frames.len() + 17) as u16 | 0x4000).to_be_bytes();
        let header =
            [&[first][..], &version.to_be_bytes(), &sized::<1>(dcid), &sized::<1>(b"scid"), &[0], &length, &[number]]
                .concat();
        seal(if from == Side::Client { keys.client() } else { keys.server() }, &header, 1, u64::from(number), &frames)
    }

    fn hello_packet(version: u32, id: &[u8], name: &[u8]) -> Vec<u8> {
        initial(version, Side::Client, id, id, 0, &crypto(0, &client_hello_message(name, 1)))
    }

    fn handshake_packet() -> Vec<u8> {
        [&[0xE0, 0, 0, 0, 1, 0, 0, 30][..], &[1; 30]].concat()
    }

    #[test]
    fn an_ordinary_connection_is_told_from_hello_to_established() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &hello_packet(V1, b"abcdefgh", b"login.example.com"), at(1));
        let answer = initial(V1, Side::Server, b"abcdefgh", b"scid", 0, &crypto(0, &server_hello_message()));
        quic.datagram(Side::Server, &[answer, handshake_packet()].concat(), at(2));
        quic.datagram(Side::Client, &[&handshake_packet()[..], &[0x41; 40]].concat(), at(3));
        quic.datagram(Side::Server, &[0x41; 40], at(4));
        assert!(!quic.swapped());
        let (fact, sessions) = quic.finish();
        assert_eq!((fact.version, fact.client_initials), (V1, 1));
        assert_eq!((fact.first_initial, fact.first_answer), (Some(at(1)), Some(at(2))));
        assert_eq!((fact.handshake_packets, fact.short_packets), ([1, 1], [1, 1]));
        let [session] = &sessions[..] else { panic!("one session, not {}", sessions.len()) };
        let hello = &session.client_hellos[0];
        assert_eq!(hello.sni.as_deref(), Some("login.example.com"));
        assert_eq!((hello.quic_version, hello.at, hello.first_frame), (Some(V1), at(1), 1));
        assert!(hello.ja4.as_ref().unwrap().starts_with("q13d0102"));
        assert_eq!((session.server_hellos[0].version, session.server_hellos[0].at), (0x0304, at(2)));
        assert_eq!(session.complete, Some(at(3)));
        assert_eq!(session.encrypted[0].application_records, 1);
    }

    #[test]
    fn a_hello_over_several_initials_in_any_order_is_one() {
        let message = client_hello_message(b"split.example", 1);
        let parts: Vec<Vec<u8>> = message
            .chunks(60)
            .enumerate()
            .map(|(i, part)| initial(V1, Side::Client, b"12345678", b"12345678", i as u8, &crypto(i * 60, part)))
            .collect();
        for turn in 0..parts.len() {
            let mut quic = QuicDissector::new();
            for i in 0..parts.len() {
                let packet = &parts[(i + turn) % parts.len()];
                quic.datagram(Side::Client, packet, at(i as u64 + 1));
                quic.datagram(Side::Client, packet, at(i as u64 + 1));
            }
            let (_, sessions) = quic.finish();
            let hello = &sessions[0].client_hellos[0];
            assert_eq!(hello.sni.as_deref(), Some("split.example"));
            assert_eq!((hello.first_frame, hello.at), (1, at(parts.len() as u64)));
            assert_eq!(sessions[0].client_hellos.len(), 1);
        }
    }

    #[test]
    fn after_retry_the_keys_come_from_the_new_connection_id() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &hello_packet(V1, b"first-id", b"retry.example"), at(1));
        let retry = [&[0xF0, 0, 0, 0, 1, 0, 8][..], b"second-i", &[0; 20]].concat();
        quic.datagram(Side::Server, &retry, at(2));
        quic.datagram(Side::Client, &hello_packet(V1, b"second-i", b"retry.example"), at(3));
        let answer = initial(V1, Side::Server, b"second-i", b"scid", 0, &crypto(0, &server_hello_message()));
        quic.datagram(Side::Server, &answer, at(4));
        let (fact, sessions) = quic.finish();
        assert!(fact.retry);
        assert_eq!(sessions.len(), 1);
        assert_eq!((sessions[0].client_hellos.len(), sessions[0].server_hellos.len()), (1, 1));
        assert_eq!(sessions[0].client_hellos[0].at, at(1));
    }

    #[test]
    fn version_negotiation_is_told_and_the_next_version_read() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &hello_packet(0xFF00_001D, b"dcid-one", b"a.example"), at(1));
        let negotiation = [&[0x80, 0, 0, 0, 0, 0, 0][..], &V2.to_be_bytes(), &V1.to_be_bytes()].concat();
        assert!(QuicDissector::detect(&negotiation));
        quic.datagram(Side::Server, &negotiation, at(2));
        quic.datagram(Side::Client, &hello_packet(V2, b"dcid-two", b"a.example"), at(3));
        let (fact, sessions) = quic.finish();
        assert_eq!(fact.version_negotiation, [V2, V1]);
        assert_eq!(fact.version, 0xFF00_001D);
        assert_eq!(sessions.len(), 1);
    }

    #[test]
    fn a_hello_that_only_forced_the_negotiation_gives_way_to_the_real_one() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &hello_packet(0x1A2A_3A4A, b"dcid-one", b"a.example"), at(1));
        quic.datagram(Side::Server, &[&[0x80, 0, 0, 0, 0, 0, 0][..], &V1.to_be_bytes()].concat(), at(2));
        quic.datagram(Side::Client, &hello_packet(V1, b"dcid-two", b"a.example"), at(3));
        let (_, sessions) = quic.finish();
        assert_eq!((sessions.len(), sessions[0].client_hellos.len()), (1, 1));
        assert_eq!(sessions[0].client_hellos[0].quic_version, Some(V1));
    }

    #[test]
    fn a_server_may_grease_the_fixed_bit() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &hello_packet(V1, b"dcid-one", b"a.example"), at(1));
        let keys = InitialKeys::derive(&profiles(V1)[0], b"dcid-one").unwrap();
        let frames = [crypto(0, &server_hello_message()), vec![0; 40]].concat();
        let length = ((frames.len() + 17) as u16 | 0x4000).to_be_bytes();
        let header = [&[0x80, 0, 0, 0, 1, 0, 0, 0][..], &length, &[0]].concat();
        quic.datagram(Side::Server, &seal(keys.server(), &header, 1, 0, &frames), at(2));
        assert_eq!(quic.finish().1[0].server_hellos.len(), 1);
    }

    #[test]
    fn a_server_may_answer_in_another_version() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &hello_packet(V1, b"dcid-one", b"a.example"), at(1));
        let answer = initial(V2, Side::Server, b"dcid-one", b"scid", 0, &crypto(0, &server_hello_message()));
        quic.datagram(Side::Server, &answer, at(2));
        assert_eq!(quic.finish().1[0].server_hellos.len(), 1);
    }

    #[test]
    fn the_sender_of_the_client_hello_is_the_client() {
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Server, &hello_packet(V1, b"abcdefgh", b"a.example"), at(1));
        let close = initial(V1, Side::Server, b"abcdefgh", b"scid", 0, &[0x1C, 0x41, 0x28, 6, 0]);
        quic.datagram(Side::Client, &close, at(2));
        assert!(quic.swapped());
        let (fact, _) = quic.finish();
        assert_eq!((fact.first_initial, fact.first_answer), (Some(at(1)), Some(at(2))));
        assert_eq!((fact.close_code, fact.close_by), (Some(0x128), Some(Side::Server)));
    }

    #[test]
    fn an_answer_captured_before_its_question_is_read_all_the_same() {
        let mut quic = QuicDissector::new();
        let answer = initial(V1, Side::Server, b"abcdefgh", b"scid", 0, &crypto(0, &server_hello_message()));
        quic.datagram(Side::Server, &answer, at(1));
        quic.datagram(Side::Client, &hello_packet(V1, b"abcdefgh", b"a.example"), at(2));
        let (_, sessions) = quic.finish();
        assert_eq!((sessions[0].server_hellos[0].at, sessions[0].client_hellos[0].at), (at(1), at(2)));
    }

    #[test]
    fn a_second_connection_on_the_same_ports_is_a_session_of_its_own() {
        let mut quic = QuicDissector::new();
        for (i, name) in [b"a.example", b"b.example"].into_iter().enumerate() {
            let id = [i as u8; 8];
            quic.datagram(Side::Client, &hello_packet(V1, &id, name), at(1));
            let answer = initial(V1, Side::Server, &id, b"scid", 0, &crypto(0, &server_hello_message()));
            quic.datagram(Side::Server, &answer, at(2));
        }
        let names: Vec<_> = quic.finish().1.into_iter().map(|s| s.client_hellos[0].sni.clone().unwrap()).collect();
        assert_eq!(names, ["a.example", "b.example"]);
    }

    #[test]
    fn a_hello_in_a_packet_cut_by_the_snap_length_is_read_or_told_cut() {
        let message = client_hello_message(b"cut.example", 1);
        let padded = [crypto(0, &message), vec![0; 500]].concat();
        let packet = initial(V1, Side::Client, b"abcdefgh", b"abcdefgh", 0, &padded);
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &packet[..packet.len() - 300], at(1));
        assert_eq!(quic.finish().1[0].client_hellos[0].sni.as_deref(), Some("cut.example"));
        let mut quic = QuicDissector::new();
        quic.datagram(Side::Client, &packet[..120], at(1));
        let (_, sessions) = quic.finish();
        assert_eq!(sessions[0].cut_hello, [Some(at(1)), None]);
        assert!(sessions[0].client_hellos.is_empty());
    }

    #[test]
    fn rfc_9001_a_server_s_initial_alone_gives_no_session() {
        let mut quic = QuicDissector::new();
        assert!(QuicDissector::detect(&unhex(SERVER_INITIAL)));
        quic.datagram(Side::Server, &unhex(SERVER_INITIAL), at(1));
        let (fact, sessions) = quic.finish();
        assert!(sessions.is_empty());
        assert_eq!((fact.version, fact.first_answer), (V1, Some(at(1))));
    }

    #[test]
    fn hostile_datagrams_neither_panic_nor_grow() {
        let packet = hello_packet(V1, b"abcdefgh", b"a.example");
        for i in 0..packet.len() {
            let mut quic = QuicDissector::new();
            quic.datagram(Side::Client, &packet[..i], at(1));
            let mut bent = packet.clone();
            bent[i] ^= 0x81;
            quic.datagram(Side::Client, &bent, at(2));
            quic.datagram(Side::Server, &bent, at(3));
            let (_, sessions) = quic.finish();
            assert!(sessions.len() <= 2);
        }
        let mut quic = QuicDissector::new();
        for i in 0..200_u32 {
            quic.datagram(Side::Client, &hello_packet(V1, &i.to_be_bytes(), b"a.example"), at(1));
        }
        assert_eq!(quic.finish().1.len(), DATAGRAM_SESSIONS_MAX);
    }
}
