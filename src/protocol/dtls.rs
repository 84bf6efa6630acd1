//! DTLS 1.0, 1.2 and 1.3 (RFC 6347, RFC 9147): hellos, certificates and alerts in clear, and how far a session got.
//!
//! What enters: the UDP payloads of one flow, in capture order. What leaves: one [`TlsSession`] for each handshake.
//! Records that are not DTLS (STUN, SRTP share such flows) are stepped over. Memory is bounded by `limits`.

use crate::bytes::Cursor;
use crate::facts::{Alert, ClientHello, TlsCarrier, TlsSession};
use crate::flow::{Interest, Side};
use crate::limits::{DATAGRAM_SESSIONS_MAX, HANDSHAKE_STREAM_BYTES_MAX};
use crate::packet::At;
use crate::protocol::pieces::Pieces;
use crate::protocol::{Context, certificate, hello};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Reads one UDP flow that carries DTLS.
#[derive(Debug, Default)]
pub struct DtlsDissector {
    /// Handshakes that another one followed.
    earlier: Vec<Handshake>,
    current: Handshake,
    context: Arc<Context>,
}

impl DtlsDissector {
    /// True when a UDP payload starts with a DTLS record: a handshake message in clear, or records that fill the
    /// datagram exactly.
    pub fn detect(payload: &[u8]) -> bool {
        let mut records = Records(Cursor::new(payload));
        let Some(first) = records.next() else { return false };
        if first.epoch == 0 && first.kind == HANDSHAKE {
            return Fragment::read(&mut Cursor::new(first.body), first.cut).is_some();
        }
        // OpenSSL's own DTLS before the RFC has a version that other protocols have too.
        if first.version == VERSION_BEFORE_RFC || first.cut {
            return false;
        }
        records.all(|record| !record.cut) && records.0.is_empty() && first.is_plausible()
    }

    /// Starts a flow.
    pub fn new(context: Arc<Context>) -> Self {
        DtlsDissector { context, ..DtlsDissector::default() }
    }

    /// Takes one UDP payload.
    pub fn datagram(&mut self, side: Side, payload: &[u8], at: At) -> Interest {
        let mut records = Records(Cursor::new(payload));
        for record in &mut records {
            self.record(side, &record, at);
        }
        let rest = records.0.rest();
        if rest.first().is_some_and(|first| first >> 5 == UNIFIED_HEADER) {
            self.unified(side, rest, at);
        }
        Interest::More
    }

    /// The ClientHello came from the end that the flow calls the server (or a ServerHello from its client).
    pub fn swapped(&self) -> bool {
        self.first_client() == Some(Side::Server)
    }

    /// Ends the flow: sides are told as the hellos show them (see [`DtlsDissector::swapped`]).
    pub fn finish(self) -> Vec<TlsSession> {
        let client = self.first_client();
        self.earlier.into_iter().chain([self.current]).map(|handshake| handshake.finish(client)).collect()
    }

    /// Which side of the flow is the client, as the first hello told.
    fn first_client(&self) -> Option<Side> {
        self.earlier.first().unwrap_or(&self.current).client
    }

    fn role(&self, side: Side) -> Side {
        self.current.role(side)
    }

    fn record(&mut self, side: Side, record: &Record<'_>, at: At) {
        match (record.kind, record.epoch) {
            (HANDSHAKE, 0) => self.handshake(side, record, at),
            (CHANGE_CIPHER_SPEC, 0) => {
                let role = self.role(side);
                let slot = of(&mut self.current.facts.change_cipher_spec, role);
                slot.get_or_insert(at);
            }
            (ALERT, 0) => {
                let (&[level @ 1..=2, description], by) = (record.body, self.role(side)) else { return };
                let alert = Alert { at, by, level, description, record_version: record.version };
                let facts = &mut self.current.facts;
                if facts.alerts.len() < ALERTS_KEPT {
                    facts.alerts.push(alert);
                }
            }
            (HANDSHAKE | ALERT | APPLICATION_DATA | CONNECTION_ID, _) => {
                let role = self.role(side);
                let session = &mut self.current;
                session.encrypted(role, record.body.len(), record.kind == APPLICATION_DATA, at);
                let facts = of(&mut session.facts.encrypted, role);
                match record.kind {
                    HANDSHAKE => *of(&mut session.finished, role) = true,
                    ALERT => {
                        facts.encrypted_alerts = facts.encrypted_alerts.saturating_add(1);
                        facts.first_encrypted_alert.get_or_insert(at);
                    }
                    _ => {}
                }
                if session.finished == [true, true] {
                    session.facts.complete.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    /// A DTLS 1.3 record behind the handshake's first flight (RFC 9147 4): only its epoch's two low bits are seen.
    fn unified(&mut self, side: Side, bytes: &[u8], at: At) {
        let role = self.role(side);
        let session = &mut self.current;
        if !session.facts.server_hellos.iter().any(|s| s.version == VERSION_1_3) {
            return;
        }
        let application = bytes.first().is_some_and(|first| first & 3 == EPOCH_APPLICATION);
        session.encrypted(role, bytes.len(), application, at);
        if application && role == Side::Client {
            session.facts.complete.get_or_insert(at);
        }
    }

    fn handshake(&mut self, side: Side, record: &Record<'_>, at: At) {
        let mut c = Cursor::new(record.body);
        while let Some(fragment) = Fragment::read(&mut c, record.cut) {
            let session = &mut self.current;
            if let Some(message) = session.fragment(side, &fragment, at) {
                self.message(side, &message, record.version, at);
            } else if record.cut && matches!(fragment.kind, CLIENT_HELLO | SERVER_HELLO) {
                self.cut(side, &fragment, record.version, at);
            }
        }
    }

    /// A hello whose end the snap length cut.
    fn cut(&mut self, side: Side, fragment: &Fragment<'_>, record_version: u16, at: At) {
        let client = fragment.kind == CLIENT_HELLO;
        self.current.client.get_or_insert(if client { side } else { side.other() });
        let facts = &mut self.current.facts;
        of(&mut facts.cut_hello, if client { Side::Client } else { Side::Server }).get_or_insert(at);
        if client
            && fragment.offset == 0
            && facts.client_hellos.is_empty()
            && let Some(mut hello) = hello::cut_client_hello(TlsCarrier::Dtls, fragment.data, &self.context.hellos)
        {
            (hello.at, hello.first_frame, hello.version_record) = (at, at.frame, record_version);
            facts.client_hellos.push(hello);
        }
    }

    fn message(&mut self, side: Side, message: &Message, record_version: u16, at: At) {
        match message.kind {
            CLIENT_HELLO => {
                let hello = hello::client_hello(TlsCarrier::Dtls, &message.body, &self.context.hellos);
                let Some(mut hello) = hello else { return };
                hello.at = at;
                hello.first_frame = message.began.frame;
                hello.version_record = record_version;
                hello.length = u32::try_from(message.body.len()).unwrap_or(u32::MAX).saturating_add(4);
                let other_end = self.current.client.is_some_and(|client| client != side);
                let other_random = |old: &ClientHello| old.random != hello.random;
                let another = other_end || self.current.facts.client_hellos.last().is_some_and(other_random);
                if another && self.earlier.len() < DATAGRAM_SESSIONS_MAX {
                    self.earlier.push(std::mem::take(&mut self.current));
                }
                self.current.client.get_or_insert(side);
                let facts = &mut self.current.facts;
                if facts.client_hellos.len() < HELLOS_KEPT {
                    facts.client_hellos.push(hello);
                }
            }
            SERVER_HELLO => {
                let hello = hello::server_hello(TlsCarrier::Dtls, &message.body, &self.context.hellos);
                let Some(mut hello) = hello else { return };
                self.current.client.get_or_insert(side.other());
                hello.at = at;
                let facts = &mut self.current.facts;
                facts.resumed = hello.psk
                    || !hello.session_id.is_empty()
                        && facts.client_hellos.last().is_some_and(|c| c.session_id == hello.session_id);
                if facts.server_hellos.len() < HELLOS_KEPT {
                    facts.server_hellos.push(hello);
                }
            }
            CERTIFICATE => {
                let role = self.role(side);
                let chain = certificate::list(&message.body, false, at, &self.context.certificates);
                let facts = &mut self.current.facts;
                let kept = if role == Side::Client { &mut facts.client_certificates } else { &mut facts.certificates };
                if kept.is_empty() {
                    *kept = chain;
                }
            }
            CERTIFICATE_REQUEST => self.current.facts.certificate_requested = true,
            SERVER_HELLO_DONE => {
                self.current.facts.server_hello_done.get_or_insert(at);
            }
            _ => {}
        }
    }
}

/// Content types (RFC 6347 4.1, RFC 9146 for connection ids).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CONNECTION_ID: u8 = 25;
/// Handshake types (RFC 5246 7.4, RFC 6347 4.3.2).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;
const SERVER_HELLO_DONE: u8 = 14;
/// OpenSSL's DTLS before RFC 4347.
const VERSION_BEFORE_RFC: u16 = 0x0100;
/// DTLS 1.3.
const VERSION_1_3: u16 = 0xFEFC;
/// The three bits that start a DTLS 1.3 ciphertext (RFC 9147 4).
const UNIFIED_HEADER: u8 = 0b001;
/// Low bits of the epoch of application data (RFC 9147 6.1).
const EPOCH_APPLICATION: u8 = 3;
/// Longest record: 2^14 and 2048 bytes of expansion (RFC 6347 4.1).
const RECORD_LENGTH_MAX: usize = (1 << 14) + 2048;
/// Hellos kept of one session and side: cookie and HelloRetryRequest make three.
const HELLOS_KEPT: usize = 4;
/// Alerts kept of one session.
const ALERTS_KEPT: usize = 16;
/// Messages of one session that are being put together at a time: a flight has up to seven.
const INCOMPLETE_MAX: usize = 16;
/// Complete messages of one session remembered, so that their retransmission is known: two handshakes' worth.
const REMEMBERED_MAX: usize = 64;

/// One record in the format of DTLS 1.0 and 1.2.
struct Record<'a> {
    kind: u8,
    version: u16,
    epoch: u16,
    body: &'a [u8],
    /// The snap length cut it.
    cut: bool,
}

impl Record<'_> {
    /// What an encrypted or short record must at least look like.
    fn is_plausible(&self) -> bool {
        match (self.kind, self.epoch) {
            (CHANGE_CIPHER_SPEC, _) => self.body.len() == 1,
            (ALERT, 0) => matches!(self.body, [1..=2, _]),
            (_, 0) => false,
            // An explicit nonce or a tag at least.
            _ => self.body.len() >= 8,
        }
    }
}

/// Walks the records of a datagram; stops, without consuming, at anything else.
struct Records<'a>(Cursor<'a>);

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let mut c = self.0;
        let kind = c.u8()?;
        let version = c.u16_be()?;
        let known = (CHANGE_CIPHER_SPEC..=CONNECTION_ID).contains(&kind)
            && (matches!(version, 0xFEFF | 0xFEFD | VERSION_1_3) || version == VERSION_BEFORE_RFC);
        if !known {
            return None;
        }
        let epoch = c.u16_be()?;
        c.skip(6)?;
        let length = usize::from(c.u16_be()?);
        if length == 0 || length > RECORD_LENGTH_MAX {
            return None;
        }
        let (body, cut) = c.take(length).map_or_else(|| (c.take_rest(), true), |body| (body, false));
        self.0 = c;
        Some(Record { kind, version, epoch, body, cut })
    }
}

/// A piece of a handshake message (RFC 6347 4.2.2).
struct Fragment<'a> {
    kind: u8,
    length: usize,
    sequence: u16,
    offset: u32,
    data: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn read(c: &mut Cursor<'a>, cut: bool) -> Option<Self> {
        let kind = c.u8()?;
        let (length, sequence) = (c.u24_be()?, c.u16_be()?);
        let (offset, size) = (c.u24_be()?, c.u24_be()?);
        // The types in clear of all versions (hello request to key update), and sizes that fit one another.
        let fits = kind <= 24 && offset.checked_add(size)? <= length && (size > 0 || length == 0);
        let (length, size) = (usize::try_from(length).ok()?, usize::try_from(size).ok()?);
        if !fits || length > HANDSHAKE_STREAM_BYTES_MAX {
            return None;
        }
        let data = match c.take(size) {
            Some(data) => data,
            None if cut => c.take_rest(),
            None => return None,
        };
        Some(Fragment { kind, length, sequence, offset, data })
    }
}

/// A handshake message put together.
struct Message {
    kind: u8,
    body: Vec<u8>,
    /// Frame that began it.
    began: At,
}

/// One handshake and what followed it.
#[derive(Debug, Default)]
struct Handshake {
    /// Which side of the flow is the client, once a hello told.
    client: Option<Side>,
    facts: TlsSession,
    incomplete: Vec<Incomplete>,
    /// Side, sequence number and digest of messages that were complete before.
    complete: Vec<(Side, u16, [u8; 8])>,
    /// Encrypted handshake messages (Finished) seen of [client, server].
    finished: [bool; 2],
}

#[derive(Debug)]
struct Incomplete {
    side: Side,
    sequence: u16,
    kind: u8,
    length: usize,
    began: At,
    pieces: Pieces,
}

impl Handshake {
    /// What was learnt; `client` is the side that is the client of the flow's first session.
    fn finish(self, client: Option<Side>) -> TlsSession {
        let mut facts = self.facts;
        facts.carrier = TlsCarrier::Dtls;
        facts.reversed = self.client.is_some() && self.client != client;
        for message in &self.incomplete {
            let [client_cut, server_cut] = &mut facts.cut_hello;
            match message.kind {
                CLIENT_HELLO if facts.client_hellos.is_empty() => client_cut.get_or_insert(message.began),
                SERVER_HELLO if facts.server_hellos.is_empty() => server_cut.get_or_insert(message.began),
                _ => continue,
            };
        }
        facts
    }

    fn role(&self, side: Side) -> Side {
        if self.client == Some(Side::Server) { side.other() } else { side }
    }

    /// Takes a fragment; gives the message that it completes, unless that is a retransmission.
    fn fragment(&mut self, side: Side, fragment: &Fragment<'_>, at: At) -> Option<Message> {
        let same = |m: &Incomplete| m.side == side && m.sequence == fragment.sequence;
        // A new handshake on the same ports starts its numbers again: the older message is given up.
        self.incomplete.retain(|m| !same(m) || m.kind == fragment.kind && m.length == fragment.length);
        let place = match self.incomplete.iter().position(same) {
            Some(place) => place,
            None => {
                if self.incomplete.len() >= INCOMPLETE_MAX {
                    self.incomplete.remove(0);
                }
                self.incomplete.push(Incomplete {
                    side,
                    sequence: fragment.sequence,
                    kind: fragment.kind,
                    length: fragment.length,
                    began: at,
                    pieces: Pieces::default(),
                });
                self.incomplete.len().saturating_sub(1)
            }
        };
        let message = self.incomplete.get_mut(place)?;
        message.pieces.insert(u64::from(fragment.offset), fragment.data);
        if message.pieces.ready().len() < message.length {
            return None;
        }
        let message = self.incomplete.remove(place);
        let body = message.pieces.ready().to_vec();
        let mut digest = [0; 8];
        for (to, from) in digest.iter_mut().zip(Sha256::digest(&body)) {
            *to = from;
        }
        let identity = (side, message.sequence, digest);
        if self.complete.contains(&identity) {
            return None;
        }
        if self.complete.len() < REMEMBERED_MAX {
            self.complete.push(identity);
        }
        Some(Message { kind: message.kind, body, began: message.began })
    }

    fn encrypted(&mut self, role: Side, length: usize, application: bool, at: At) {
        of(&mut self.facts.encrypted, role).count(length, application, at);
    }
}

fn of<T>(pair: &mut [T; 2], side: Side) -> &mut T {
    let [client, server] = pair;
    match side {
        Side::Client => client,
        Side::Server => server,
    }
}

#[cfg(test)]
mod tests;
