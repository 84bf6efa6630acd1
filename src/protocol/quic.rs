//! QUIC: the hellos in its Initial packets, and how far a connection got.
//!
//! What enters: the UDP payloads of one flow, in capture order. What leaves: a [`QuicFact`] and a [`TlsSession`] for each
//! connection whose ClientHello could be read. Initial packets are opened with the keys anybody on the path can
//! derive (RFC 9001 5.2); everything else is only counted. Memory is bounded by `limits`.

use crate::facts::{ClientHello, QuicFact, ServerHello, TlsCarrier, TlsSession, push_only};
use crate::flow::{Interest, Side};
use crate::limits::{DATAGRAM_SESSIONS_MAX, QUIC_KEY_TRIALS_MAX};
use crate::packet::At;
use crate::protocol::Context;
use crate::protocol::hello::{self, SharedHellos};
use crate::protocol::pieces::Pieces;
use crate::protocol::quic_crypto::{DirectionKeys, InitialKeys, Opened, is_reserved, profiles};
use crate::protocol::quic_packet::{InitialFrame, InitialFrames, LongKind, LongPacket, Packets, QuicPacket, is_quic};
use std::sync::Arc;

/// Reads one UDP flow that carries QUIC.
#[derive(Debug, Default, Clone)]
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
    context: Arc<Context>,
}

impl QuicDissector {
    /// True when a UDP payload starts with a long header of a QUIC version known here.
    pub fn detect(payload: &[u8]) -> bool {
        is_quic(payload)
    }

    /// Starts a flow.
    pub fn new(context: Arc<Context>) -> Self {
        QuicDissector { context, ..QuicDissector::default() }
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
        let hellos = &self.context.hellos;
        let sessions = self.connections.into_iter().map(|connection| connection.finish(client, hellos));
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
                if let Some(code) = connection.take(role, &opened, packet, at, &self.context.hellos) {
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
            push_only(&mut self.connections, fresh);
            let Some(connection) = self.connections.last_mut() else { return };
            if let Some(code) = connection.take(Side::Client, &opened, packet, at, &self.context.hellos) {
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
        facts.count(length, application, at);
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
#[derive(Debug, Clone)]
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

#[derive(Debug, Default, Clone)]
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

    /// What was learnt; `client` is the side that is the client of the flow's first connection.
    fn finish(self, client: Side, hellos: &SharedHellos) -> TlsSession {
        let mut session = TlsSession { reversed: self.client != client, ..self.session };
        let [from_client, from_server] = &self.streams;
        let [client_cut, server_cut] = &mut session.cut_hello;
        if session.client_hellos.is_empty() {
            *client_cut = from_client.began;
            // Four bytes of type and length stand in front of the body.
            let body = from_client.pieces.ready().get(4..).unwrap_or_default();
            if let (Some(mut hello), Some(began)) =
                (hello::cut_client_hello(TlsCarrier::Quic, body, hellos), from_client.began)
            {
                (hello.at, hello.first_frame) = (began, began.frame);
                hello.quic_version = self.keys.first().map(|(version, _)| *version);
                push_only(&mut session.client_hellos, hello);
            }
        }
        if session.server_hellos.is_empty() {
            *server_cut = from_server.began;
        }
        session
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
    fn take(
        &mut self,
        role: Side,
        opened: &Opened,
        packet: &LongPacket<'_>,
        at: At,
        hellos: &SharedHellos,
    ) -> Option<u64> {
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
                (Side::Client, CLIENT_HELLO) => {
                    if let Some(mut hello) = hello::client_hello(TlsCarrier::Quic, &body, hellos) {
                        (hello.at, hello.first_frame, hello.quic_version) = (at, first.frame, Some(packet.version));
                        hello.length = u32::try_from(body.len()).unwrap_or(u32::MAX).saturating_add(4);
                        keep_client_hello(&mut self.session, hello);
                    }
                }
                (Side::Server, SERVER_HELLO) => {
                    if let Some(hello) = hello::server_hello(TlsCarrier::Quic, &body, hellos) {
                        keep_server_hello(&mut self.session, ServerHello { at, ..hello });
                    }
                }
                _ => {}
            }
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
fn keep_client_hello(session: &mut TlsSession, hello: ClientHello) {
    let retry_asked = session.server_hellos.last().is_some_and(|s| s.hello_retry_request);
    let repeated = session.client_hellos.last().is_some_and(|old| old.random == hello.random) && !retry_asked;
    if repeated || session.client_hellos.len() >= HELLOS_KEPT {
        return;
    }
    push_only(&mut session.client_hellos, hello);
}

fn keep_server_hello(session: &mut TlsSession, hello: ServerHello) {
    if session.server_hellos.len() < HELLOS_KEPT {
        session.resumed = hello.psk;
        push_only(&mut session.server_hellos, hello);
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

#[cfg(test)]
mod tests;
