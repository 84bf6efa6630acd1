//! TLS over a byte stream → [`TlsSession`]s: hellos, certificates, alerts, and what can be told of encrypted records.
//!
//! What enters: each direction's bytes in order, its gaps, and the capture's key log, if there is one. What leaves: one
//! session per handshake. Guaranteed: only incomplete messages are held back (at most
//! [`MESSAGE_BYTES_MAX`](crate::limits::MESSAGE_BYTES_MAX) a side); after a gap nothing is read until a record boundary
//! is known again; encrypted bytes are never taken for a message.
//!
//! The reading ends early ([`Interest::Done`]) once the handshake is complete and a request was answered by
//! [`ANSWER_BYTES`], or both sides have sent [`APPLICATION_RECORDS_MIN`] records of application data, or, where a complete
//! handshake was not seen, once they have sent [`APPLICATION_RECORDS`] of them or [`APPLICATION_BYTES`] bytes: what the
//! connection fails of later shows in TCP.

mod answer;
pub mod cipher;
pub mod messages;
pub mod record;
mod sslv2;

use crate::facts::{Alert, EncryptedFacts, Presented, TlsCarrier, TlsSession, append_only, push_only};
use crate::flow::{Interest, Side};
use crate::packet::At;
use crate::protocol::{Context, certificate, hello};
use answer::Answer;
use cipher::Opener;
use messages::{Messages, Met};
use record::{Header, Step, Walker};
use std::sync::Arc;

/// Application bytes of the server behind the client's last record that are an answer: the tickets and settings that it
/// sends of its own accord are less.
pub const ANSWER_BYTES: usize = 2 << 10;
/// Application records that each side must have sent before the reading may end. Under TLS 1.3 the encrypted part of the
/// handshake counts among them.
pub const APPLICATION_RECORDS_MIN: u64 = 4;
/// Application records of both sides after which the reading ends.
pub const APPLICATION_RECORDS: u64 = 32;
/// Application bytes of both sides after which the reading ends.
pub const APPLICATION_BYTES: u64 = 64 << 10;
/// Application bytes after which the reading ends whatever the other side sent (its direction may not be captured),
/// and when a key log opens the records: what a proxy says comes in the first of them.
const APPLICATION_BYTES_ALONE: u64 = 1 << 20;
/// Bytes without any record after which a direction is given up.
const LOST_BYTES_MAX: u64 = 256 << 10;
/// Sessions kept of one flow, hellos and alerts of one session: real ones have one or two.
const SESSIONS_MAX: usize = 64;
/// See [`SESSIONS_MAX`].
const FACTS_MAX: usize = 32;

/// Body of an encrypted TLS 1.3 alert without padding: alert (2), inner content type (1), tag (16); RFC 8446 5.2.
pub const TLS13_ALERT_BYTES: u16 = 19;
/// Body of an encrypted TLS 1.3 Finished alone in its record, for hashes of 32 and 48 bytes: header (4), hash, inner
/// content type (1), tag (16); RFC 8446 4.4.4.
pub const TLS13_FINISHED_BYTES: [u16; 2] = [53, 69];

/// The extension by which a client offers data ahead of the handshake's end (RFC 8446 4.2.10).
const EARLY_DATA: u16 = 42;

/// Application data that a key log opened.
#[derive(Debug)]
pub struct Opened {
    /// Who sent it.
    pub side: Side,
    /// The plaintext of one record.
    pub bytes: Vec<u8>,
    /// Frame that completed the record.
    pub at: At,
}

/// What is done with the body of the current record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Body {
    /// Only counted.
    #[default]
    Count,
    /// Handed on piece by piece: handshake messages in clear.
    Stream,
    /// Collected until it is whole.
    Collect,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    walker: Walker,
    header: Header,
    mode: Body,
    body: Vec<u8>,
    /// The next piece is the first of its record.
    fresh: bool,
    /// Bytes of the current record are missing.
    damaged: bool,
    messages: Messages,
    /// The record that is being read held a ServerHello.
    greeted: bool,
    /// ChangeCipherSpec was sent: handshake records are encrypted now, hellos excepted (HelloRetryRequest).
    protected: bool,
    /// Something is missing: whether records are encrypted must be told from their content.
    uncertain: bool,
    /// Something is missing that may have been a message.
    hole: bool,
    /// An encrypted handshake record behind a ChangeCipherSpec, which only TLS 1.2 and older have.
    older: bool,
    /// First encrypted handshake record behind the ChangeCipherSpec (TLS 1.2), or a sure TLS 1.3 Finished.
    finished: Option<At>,
    /// Encrypted TLS 1.3 records that are no alert, after the ServerHello.
    flight: u32,
    lost_bytes: u64,
}

/// Reads one byte stream that carries TLS.
#[derive(Debug, Default)]
pub struct TlsDissector {
    halves: [Half; 2],
    session: TlsSession,
    earlier: Vec<TlsSession>,
    tunnel: Option<String>,
    context: Arc<Context>,
    opener: Option<Box<Opener>>,
    answer: Option<Box<Answer>>,
    client_random: Option<[u8; 32]>,
    opened: Vec<Opened>,
    /// Application bytes of the server since the client's last.
    answered: usize,
    /// First bytes of each side while they may be SSLv2's: [client, server].
    sslv2: [Option<Box<sslv2::Begun>>; 2],
}

impl TlsDissector {
    /// Starts before the first byte, or in the middle of a connection. `tunnel` is the target of the CONNECT or SOCKS
    /// request around it.
    pub fn new(tunnel: Option<String>, context: Arc<Context>) -> Self {
        let session = TlsSession { tunnel: tunnel.clone(), ..TlsSession::default() };
        TlsDissector { session, tunnel, context, ..TlsDissector::default() }
    }

    /// Expects the client to begin with an SSLv2-format ClientHello (RFC 5246 E.2); TLS records follow, or SSLv2 itself.
    pub fn expect_sslv2(&mut self) {
        self.sslv2 = [Some(Box::default()), Some(Box::default())];
    }

    /// Application data opened since the last call.
    pub fn take_opened(&mut self) -> Vec<Opened> {
        std::mem::take(&mut self.opened)
    }

    /// Bytes of one direction.
    pub fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Interest {
        if let Some(begun) = self.sslv2.get_mut(side.index()).and_then(Option::take) {
            return self.sslv2_data(side, begun, bytes, at);
        }
        let mut input = bytes;
        if self.half(side).walker.is_lost() {
            if self.collect_answer(side, bytes) {
                return self.interest();
            }
            let half = self.half(side);
            match half.walker.resync(bytes) {
                Some(found) => {
                    half.lost_bytes = half.lost_bytes.saturating_add((bytes.len() - found.len()) as u64);
                    input = found;
                }
                None => {
                    half.lost_bytes = half.lost_bytes.saturating_add(bytes.len() as u64);
                    return self.interest();
                }
            }
        }
        while let Some(step) = self.half(side).walker.step(&mut input, at) {
            match step {
                Step::Begin(header) => self.begin(side, header),
                Step::Body { bytes, end } => self.body(side, bytes, end, at),
                Step::NotTls(bytes) => self.not_tls(side, bytes, at),
            }
        }
        self.interest()
    }

    /// `missing` bytes of a direction will never come.
    pub fn gap(&mut self, side: Side, missing: u64, at: At) -> Interest {
        if let Some(opener) = &mut self.opener {
            opener.gap(side);
        }
        if let Some(begun) = self.sslv2.get_mut(side.index()) {
            *begun = None;
        }
        let half = self.half(side);
        let inside = half.walker.gap(missing);
        let counted = inside && half.mode == Body::Count;
        if !counted {
            self.note_cut_record(side);
            let half = self.half(side);
            if half.header.kind == record::HANDSHAKE && half.mode != Body::Count {
                self.note_cut_hello(side, at);
            }
            let half = self.half(side);
            half.damaged = true;
            half.hole = true;
            half.mode = Body::Count;
            half.body = Vec::new();
            half.messages.clear();
            half.uncertain = true;
        }
        // A gap up to the end of a record completes it.
        if inside { self.data(side, &[], at) } else { self.interest() }
    }

    /// The sessions, in order. An empty one (nothing but a gap) is left out.
    pub fn finish(mut self) -> Vec<TlsSession> {
        for side in [Side::Client, Side::Server] {
            if self.half(side).mode == Body::Stream && !self.half(side).walker.is_lost() {
                let at = self.half(side).walker.began;
                self.note_cut_hello(side, at);
            }
            self.note_cut_record(side);
            let open = !self.half(side).walker.at_boundary();
            if let Some(place) = self.session.open_record.get_mut(side.index()) {
                *place = open;
            }
        }
        if let Some(answer) = self.answer.take() {
            self.session.plaintext_answer = Some(answer.read());
        }
        let mut sessions = self.earlier;
        push_only(&mut sessions, self.session);
        sessions.retain(|s| !is_empty(s));
        sessions
    }

    /// The first record of a side behind an SSLv2-format ClientHello.
    fn sslv2_data(&mut self, side: Side, mut begun: Box<sslv2::Begun>, bytes: &[u8], at: At) -> Interest {
        let first = *begun.first.get_or_insert(at);
        begun.bytes.extend_from_slice(bytes);
        let Some((record, rest)) = begun.record() else {
            if let Some(place) = self.sslv2.get_mut(side.index()) {
                *place = Some(begun);
            }
            return Interest::More;
        };
        match side {
            Side::Client => {
                if let Some(mut hello) = hello::sslv2_client_hello(record) {
                    (hello.at, hello.first_frame) = (at, first.frame);
                    push_only(&mut self.session.client_hellos, hello);
                }
            }
            Side::Server => {
                if let Some((hello, der)) = sslv2::server_hello(record, at) {
                    push_only(&mut self.session.server_hellos, hello);
                    if !der.is_empty() {
                        let certificate = self.context.certificates.get(der, || certificate::parse(der));
                        self.session.certificates.push(Presented { at, index: 0, certificate });
                    }
                    return Interest::Done;
                }
            }
        }
        if rest.is_empty() { Interest::More } else { self.data(side, rest, at) }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        let [client, server] = &mut self.halves;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn encrypted(&mut self, side: Side) -> &mut EncryptedFacts {
        let [client, server] = &mut self.session.encrypted;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn interest(&self) -> Interest {
        let [client, server] = &self.session.encrypted;
        let records = client.application_records.saturating_add(server.application_records);
        let bytes = client.application_bytes.saturating_add(server.application_bytes);
        let each = client.application_records.min(server.application_records);
        let both = each >= APPLICATION_RECORDS_MIN;
        let complete = self.session.complete.is_some();
        let answered = complete && each > 0 && self.answered >= ANSWER_BYTES;
        let many = complete || records >= APPLICATION_RECORDS || bytes >= APPLICATION_BYTES;
        let enough = (answered || both && many) && self.opener.is_none() || bytes >= APPLICATION_BYTES_ALONE;
        let lost = self.halves.iter().any(|h| h.lost_bytes >= LOST_BYTES_MAX);
        if enough || lost { Interest::Done } else { Interest::More }
    }

    fn begin(&mut self, side: Side, header: Header) {
        let opening = self.opener.is_some();
        let half = self.half(side);
        half.header = header;
        half.body.clear();
        half.fresh = true;
        half.damaged = false;
        half.greeted = false;
        half.mode = match header.kind {
            record::HANDSHAKE if !half.protected && !half.uncertain => Body::Stream,
            record::HANDSHAKE => Body::Collect,
            record::ALERT if header.length == 2 || opening => Body::Collect,
            record::APPLICATION_DATA if opening => Body::Collect,
            _ => Body::Count,
        };
        // Messages may span records of their own kind only; opened, those are application data outside.
        if header.kind != record::HANDSHAKE && !opening {
            half.messages.clear();
        }
    }

    fn body(&mut self, side: Side, bytes: &[u8], end: bool, at: At) {
        if self.half(side).header.kind == record::APPLICATION_DATA {
            self.answered = if side == Side::Server { self.answered.saturating_add(bytes.len()) } else { 0 };
        }
        let half = self.half(side);
        match half.mode {
            Body::Stream => {
                let began = if half.fresh { half.walker.began } else { at };
                half.fresh = false;
                if !self.stream(side, bytes, began, at) {
                    self.half(side).mode = Body::Count;
                }
            }
            Body::Collect => half.body.extend_from_slice(bytes),
            Body::Count => {}
        }
        if end {
            self.half(side).greeted = false;
            self.record(side, at);
        }
    }

    /// Handshake messages in clear. False where the bytes cannot be such messages: they are encrypted then.
    fn stream(&mut self, side: Side, mut bytes: &[u8], began: At, at: At) -> bool {
        let Header { version, length, .. } = self.half(side).header;
        let mut began = began;
        // The buffer leaves the half while its messages are read, since they change the session.
        let mut messages = std::mem::take(&mut self.half(side).messages);
        let mut sensible = true;
        while sensible {
            match messages.next(&mut bytes, began, version, length) {
                Some(Met::Message(m)) => self.message(side, m.kind, &m.body, m.began, at, m.version, false),
                Some(Met::Implausible) => sensible = false,
                None => break,
            }
            began = at;
        }
        if sensible {
            self.half(side).messages = messages;
        }
        sensible
    }

    /// A record is complete.
    fn record(&mut self, side: Side, at: At) {
        let half = self.half(side);
        let (header, mode, damaged) = (half.header, half.mode, half.damaged);
        let body = std::mem::take(&mut half.body);
        match header.kind {
            record::CHANGE_CIPHER_SPEC => {
                half.protected = true;
                if let Some(place) = self.session.change_cipher_spec.get_mut(side.index()) {
                    place.get_or_insert(at);
                }
            }
            record::HANDSHAKE if mode == Body::Stream => {}
            // With a hole in it nobody knows what it was.
            record::HANDSHAKE if damaged && !half.protected => {}
            record::HANDSHAKE if mode == Body::Collect && messages::readable(&body, half.protected) => {
                let began = half.walker.began;
                half.uncertain = false;
                half.messages.clear();
                self.stream(side, &body, began, at);
            }
            record::ALERT if header.length == 2 => {
                if let [level @ 1..=2, description] = *body.as_slice() {
                    self.alert(side, level, description, header.version, at);
                }
            }
            record::HANDSHAKE | record::ALERT | record::APPLICATION_DATA => {
                self.note_encrypted(side, header, at);
                if mode == Body::Collect && !damaged {
                    self.open(side, header, &body, at);
                }
            }
            _ => {}
        }
        // Keep the buffer, but not a large one.
        if body.capacity() <= 2048 {
            self.half(side).body = body;
        }
    }

    fn alert(&mut self, by: Side, level: u8, description: u8, record_version: u16, at: At) {
        if self.session.alerts.len() < FACTS_MAX {
            self.session.alerts.push(Alert { at, by, level, description, record_version });
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one message with where it came from; a struct would only rename them"
    )]
    fn message(&mut self, side: Side, kind: u8, body: &[u8], began: At, at: At, version: u16, opened: bool) {
        let tls13 = self.is_tls13();
        match kind {
            messages::CLIENT_HELLO => self.client_hello(body, began, at, version),
            messages::SERVER_HELLO => self.server_hello(body, at),
            messages::CERTIFICATE => {
                let list = certificate::list(body, tls13 && opened, at, &self.context.certificates);
                let chain = match side {
                    Side::Client => &mut self.session.client_certificates,
                    Side::Server => &mut self.session.certificates,
                };
                if chain.len() < FACTS_MAX {
                    append_only(chain, list);
                }
            }
            messages::CERTIFICATE_REQUEST => self.session.certificate_requested = true,
            messages::SERVER_HELLO_DONE => {
                self.session.server_hello_done.get_or_insert(at);
            }
            messages::FINISHED => {
                self.half(side).finished.get_or_insert(at);
                if opened {
                    self.opener.iter_mut().for_each(|o| o.finished(side));
                }
                self.complete_if_both_finished(at);
            }
            messages::KEY_UPDATE if opened => self.opener.iter_mut().for_each(|o| o.key_update(side)),
            _ => {}
        }
    }

    fn client_hello(&mut self, body: &[u8], began: At, at: At, version: u16) {
        let Some(mut hello) = hello::client_hello(TlsCarrier::Tcp, body, &self.context.hellos) else { return };
        if self.session.server_hellos.last().is_some_and(|s| !s.hello_retry_request) {
            self.next_session();
        }
        (hello.at, hello.first_frame, hello.version_record) = (at, began.frame, version);
        hello.length = u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX);
        // legacy_version, then the random (RFC 8446 4.1.2).
        self.client_random = body.get(2..34).and_then(|r| r.try_into().ok());
        if self.session.client_hellos.len() < FACTS_MAX {
            push_only(&mut self.session.client_hellos, hello);
        }
    }

    /// A handshake that follows a finished one in the same stream.
    fn next_session(&mut self) {
        let fresh = TlsSession { tunnel: self.tunnel.clone(), ..TlsSession::default() };
        let session = std::mem::replace(&mut self.session, fresh);
        if self.earlier.len() < SESSIONS_MAX {
            self.earlier.push(session);
        }
        self.opener = None;
        for half in &mut self.halves {
            (half.protected, half.finished, half.flight) = (false, None, 0);
            (half.hole, half.older) = (false, false);
        }
    }

    fn server_hello(&mut self, body: &[u8], at: At) {
        let Some(mut hello) = hello::server_hello(TlsCarrier::Tcp, body, &self.context.hellos) else { return };
        hello.at = at;
        let offered = self.session.client_hellos.last();
        let echoed = !hello.session_id.is_empty() && offered.is_some_and(|c| c.session_id == hello.session_id);
        if !hello.hello_retry_request {
            // TLS 1.3 servers echo the id in any case (RFC 8446 4.1.3); there only the PSK counts.
            self.session.resumed = if is_tls13(hello.version) { hello.psk } else { echoed };
            let random = body.get(2..34).and_then(|r| r.try_into().ok());
            if let (Some(log), Some(client), Some(server)) = (&self.context.key_log, self.client_random, random) {
                self.opener = log
                    .secrets(&client)
                    .and_then(|s| Opener::new(s, is_tls13(hello.version), hello.cipher, &client, &server))
                    .map(Box::new);
            }
        }
        if self.session.server_hellos.len() < FACTS_MAX {
            push_only(&mut self.session.server_hellos, hello);
            self.halves.iter_mut().skip(1).for_each(|server| server.greeted = true);
        }
    }

    /// The record of the last ServerHello stays incomplete.
    fn note_cut_record(&mut self, side: Side) {
        if side == Side::Server
            && std::mem::take(&mut self.half(side).greeted)
            && let Some(hello) = self.session.server_hellos.last_mut()
        {
            hello.record_cut = true;
        }
    }

    fn is_tls13(&self) -> bool {
        self.session.server_hellos.last().is_some_and(|s| !s.hello_retry_request && is_tls13(s.version))
    }

    /// TLS 1.2 or older for certain: the server chose it, or a Finished stands in a handshake record behind a
    /// ChangeCipherSpec (RFC 8446 5 protects it as application data).
    fn is_tls12(&self) -> bool {
        match self.session.server_hellos.last() {
            Some(chosen) => !chosen.hello_retry_request && !is_tls13(chosen.version),
            None => self.halves.iter().any(|h| h.older),
        }
    }

    /// The ServerHello, or its version, is in a hole, and nothing shows an older version than TLS 1.3. The hole may come to
    /// light only behind what the client says next; with an older version that is no application data (RFC 5246 7.3).
    fn hello_lost(&self) -> bool {
        let cut = self.session.cut_hello.iter().all(Option::is_some);
        let [client, server] = &self.halves;
        let unseen = server.hole || !client.hole && !self.offers_early_data();
        let lost = !self.session.client_hellos.is_empty() && unseen && !client.older && !server.older;
        self.session.server_hellos.is_empty() && (cut || lost)
    }

    /// A TLS <= 1.2 session is complete with both Finished behind their ChangeCipherSpec.
    fn complete_if_both_finished(&mut self, at: At) {
        if self.halves.iter().all(|h| h.finished.is_some()) {
            self.session.complete.get_or_insert(at);
        }
    }

    /// The same where the capture misses one of them: before the other side's Finished nobody takes application data.
    fn complete_if_both_use_it(&mut self, at: At) {
        if self.session.encrypted.iter().all(|e| e.application_records > 0) {
            self.session.complete.get_or_insert(at);
        }
    }

    fn note_encrypted(&mut self, side: Side, header: Header, at: At) {
        let facts = self.encrypted(side);
        let length = header.length;
        facts.count(length.into(), header.kind == record::APPLICATION_DATA, at);
        facts.version = header.version;
        match header.kind {
            record::APPLICATION_DATA => {
                if self.is_tls13() || self.hello_lost() {
                    self.note_tls13(side, length, at);
                } else if self.is_tls12() {
                    self.complete_if_both_use_it(at);
                }
            }
            record::ALERT => {
                facts.encrypted_alerts = facts.encrypted_alerts.saturating_add(1);
                facts.first_encrypted_alert.get_or_insert(at);
            }
            _ => {
                if self.half(side).protected && !self.is_tls13() {
                    self.half(side).older = true;
                    self.half(side).finished.get_or_insert(at);
                    self.complete_if_both_finished(at);
                }
            }
        }
    }

    /// Whether the client may send data before its Finished (RFC 8446 4.2.10).
    fn offers_early_data(&self) -> bool {
        self.session.client_hellos.iter().any(|h| h.extensions.contains(&EARLY_DATA))
    }

    /// Without keys a TLS 1.3 handshake is over when the client sends something after its Finished, or the server
    /// answers that Finished with something other than an alert. A Finished in a hole stands before whatever else the
    /// client sends: the server answers nothing before it.
    fn note_tls13(&mut self, side: Side, length: u16, at: At) {
        if length <= TLS13_ALERT_BYTES || self.opener.is_some() {
            return;
        }
        let early = self.offers_early_data();
        let client = self.half(Side::Client);
        match side {
            Side::Client if client.finished.is_none() => {
                client.flight = client.flight.saturating_add(1);
                if TLS13_FINISHED_BYTES.contains(&length) {
                    client.finished = Some(at);
                } else if client.flight > 3 {
                    // Certificate, CertificateVerify and Finished at most, however they are put into records.
                    client.finished = Some(at);
                    self.session.complete.get_or_insert(at);
                }
            }
            Side::Client => {
                self.session.complete.get_or_insert(at);
            }
            Side::Server if client.finished.is_some() || client.hole && client.flight > 0 && !early => {
                self.session.complete.get_or_insert(at);
            }
            Side::Server => {}
        }
    }

    /// Opens an encrypted record with the key log's secrets.
    fn open(&mut self, side: Side, header: Header, body: &[u8], at: At) {
        let Some(opener) = &mut self.opener else { return };
        let Some((kind, plain)) = opener.open(side, header, body) else { return };
        self.session.decrypted = true;
        match kind {
            record::HANDSHAKE => {
                let mut bytes = plain.as_slice();
                let mut messages = std::mem::take(&mut self.half(side).messages);
                while let Some(Met::Message(m)) = messages.next(&mut bytes, at, header.version, u16::MAX) {
                    self.message(side, m.kind, &m.body, m.began, at, header.version, true);
                }
                self.half(side).messages = messages;
            }
            record::ALERT => {
                if let [level, description] = *plain.as_slice() {
                    self.alert(side, level, description, header.version, at);
                }
            }
            record::APPLICATION_DATA => self.opened.push(Opened { side, bytes: plain, at }),
            _ => {}
        }
    }

    /// A hello began, but the capture does not hold all of it.
    fn note_cut_hello(&mut self, side: Side, at: At) {
        let kind = self.half(side).messages.pending_kind();
        let (seen, expected) = match side {
            Side::Client => (!self.session.client_hellos.is_empty(), messages::CLIENT_HELLO),
            Side::Server => (!self.session.server_hellos.is_empty(), messages::SERVER_HELLO),
        };
        if !seen
            && kind == Some(expected)
            && let Some(place) = self.session.cut_hello.get_mut(side.index())
        {
            place.get_or_insert(at);
            if side == Side::Client {
                self.cut_client_hello(at);
            }
        }
    }

    /// The beginning of a ClientHello is worth keeping when it names the host.
    fn cut_client_hello(&mut self, at: At) {
        let context = Arc::clone(&self.context);
        let (body, began, version) = self.half(Side::Client).messages.pending();
        if let Some(mut hello) = hello::cut_client_hello(TlsCarrier::Tcp, body, &context.hellos) {
            (hello.at, hello.first_frame, hello.version_record) = (at, began.frame, version);
            push_only(&mut self.session.client_hellos, hello);
        }
    }

    fn not_tls(&mut self, side: Side, bytes: &[u8], at: At) {
        let silent_so_far = self.half(side).walker.records == 0;
        let asked = !self.session.client_hellos.is_empty() || self.half(side.other()).walker.records > 0;
        if silent_so_far && asked && self.answer.is_none() {
            self.answer = Some(Box::new(Answer::new(side, at)));
            self.collect_answer(side, bytes);
        }
    }

    /// True while `side` sends an answer in clear that is still being collected.
    fn collect_answer(&mut self, side: Side, bytes: &[u8]) -> bool {
        let Some(answer) = self.answer.as_mut().filter(|a| a.by == side) else { return false };
        answer.add(bytes);
        self.half(side).lost_bytes = self.half(side).lost_bytes.saturating_add(bytes.len() as u64);
        true
    }
}

/// Whether a negotiated version is TLS 1.3 or one of its drafts (RFC 8446 drafts: 0x7f.., Facebook's 0xfb..).
pub fn is_tls13(version: u16) -> bool {
    matches!(version, 0x0304 | 0x7e00..=0x7fff | 0xfb00..=0xfbff)
}

fn is_empty(session: &TlsSession) -> bool {
    session.client_hellos.is_empty()
        && session.server_hellos.is_empty()
        && session.alerts.is_empty()
        && session.certificates.is_empty()
        && session.client_certificates.is_empty()
        && session.plaintext_answer.is_none()
        && session.encrypted.iter().all(|e| e.records == 0)
        && session.change_cipher_spec.iter().all(Option::is_none)
        && session.cut_hello.iter().all(Option::is_none)
}

#[cfg(test)]
mod tests;
