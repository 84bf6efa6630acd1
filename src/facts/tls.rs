//! What can be seen of a TLS session (over TCP, DTLS or QUIC): hellos, certificates, alerts, encrypted records.
//!
//! What clients offer, what servers choose, and certificates come again and again in a capture: their values are shared
//! by all sessions that have them, so that a large capture costs little more than its connections.

use crate::flow::Side;
use crate::packet::At;
use crate::time::Timestamp;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A TLS session as far as it can be seen.
#[derive(Debug, Default, Clone)]
pub struct TlsSession {
    /// What carries it.
    pub carrier: TlsCarrier,
    /// Its client is the flow's server: between peers (DTLS, QUIC) either end may open a session, and FTP's
    /// active mode turns TCP round. Everything in here is
    /// told with the session's own sides.
    pub reversed: bool,
    /// Host:port of the CONNECT or SOCKS request around it, where it runs inside a tunnel.
    pub tunnel: Option<String>,
    /// ClientHellos, in order (a second one answers a HelloRetryRequest or renegotiates).
    pub client_hellos: Vec<ClientHello>,
    /// ServerHellos, HelloRetryRequests included.
    pub server_hellos: Vec<ServerHello>,
    /// Alerts in clear (or decrypted with the key log).
    pub alerts: Vec<Alert>,
    /// Certificates of the server in clear (or decrypted), leaf first.
    pub certificates: Vec<Presented>,
    /// Certificates of the client, leaf first.
    pub client_certificates: Vec<Presented>,
    /// The server asked for a client certificate.
    pub certificate_requested: bool,
    /// Records that are (or look) encrypted, by side: [client, server].
    pub encrypted: [EncryptedFacts; 2],
    /// ChangeCipherSpec of each side.
    pub change_cipher_spec: [Option<At>; 2],
    /// ServerHelloDone (TLS 1.2).
    pub server_hello_done: Option<At>,
    /// The handshake is known to be complete: TLS <= 1.2, CCS and an encrypted Finished of both sides; TLS 1.3 the
    /// client sent encrypted data after its Finished, or a key log showed the Finished of both.
    pub complete: Option<At>,
    /// The session resumed an earlier one (same session id echoed, or pre_shared_key accepted).
    pub resumed: bool,
    /// Bytes of a side that are not TLS in the middle of a session (an HTTP answer to a ClientHello).
    pub plaintext_answer: Option<PlaintextAnswer>,
    /// The session was decrypted with a key log.
    pub decrypted: bool,
    /// The reading ended inside of a record of the side: [client, server].
    pub open_record: [bool; 2],
    /// A hello of the side began here, but the capture does not hold all of it (snap length, loss): [client, server].
    pub cut_hello: [Option<At>; 2],
}

/// SSL 3.0 (RFC 6101).
const SSL_3_0: u16 = 0x0300;
/// TLS 1.2 (RFC 5246).
const TLS_1_2: u16 = 0x0303;

/// How much longer than the round trip a ServerHello takes that asks another server first.
const ANSWER_ROUND_TRIPS: i64 = 5;

/// Shorter answers are a server's own work.
const ANSWER_NS_MIN: i64 = 100_000_000;

impl TlsSession {
    /// Nanoseconds from the first ClientHello to the first ServerHello.
    pub fn first_answer(&self) -> Option<i64> {
        Some(self.server_hellos.first()?.at.time.since(self.client_hellos.first()?.at.time))
    }

    /// The version of the encrypted records of both sides, where it is older than TLS 1.2: what was negotiated, even if no
    /// hello is in the capture.
    pub fn old_records(&self) -> Option<u16> {
        let [client, server] = &self.encrypted;
        let is_old = |side: &EncryptedFacts| (SSL_3_0..TLS_1_2).contains(&side.version);
        (client.version == server.version && is_old(client)).then_some(client.version)
    }

    /// Whether the ServerHello took so long, at a round trip of so many nanoseconds, that whoever gave it may have asked
    /// another server first.
    pub fn asks_another_first(&self, round_trip: i64) -> bool {
        let too_long = |answer| answer >= ANSWER_NS_MIN && answer >= round_trip.saturating_mul(ANSWER_ROUND_TRIPS);
        self.first_answer().is_some_and(too_long)
    }
}

/// What carries a TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsCarrier {
    /// TCP.
    #[default]
    Tcp,
    /// DTLS over UDP.
    Dtls,
    /// QUIC.
    Quic,
}

/// Encrypted records (application_data, encrypted handshake) of one side.
#[derive(Debug, Clone, Default)]
pub struct EncryptedFacts {
    /// Number of records.
    pub records: u64,
    /// Ciphertext bytes.
    pub bytes: u64,
    /// Length and frame of the first record.
    pub first: Option<(u16, At)>,
    /// Last record.
    pub last: Option<At>,
    /// Length of the last record.
    pub last_len: u16,
    /// Version that the last record (TCP) names: until TLS 1.2 the negotiated one, since then 1.2 (RFC 8446 5.1).
    pub version: u16,
    /// Records of content type application_data only, and their bytes.
    pub application_records: u64,
    /// See `application_records`.
    pub application_bytes: u64,
    /// Content type `alert` records that are encrypted (TLS 1.2), with the first one's frame.
    pub encrypted_alerts: u32,
    /// See `encrypted_alerts`.
    pub first_encrypted_alert: Option<At>,
}

impl EncryptedFacts {
    /// Counts a record of `length` bytes; `application` when its type is application_data.
    pub fn count(&mut self, length: usize, application: bool, at: At) {
        let (bytes, short) = (length as u64, u16::try_from(length).unwrap_or(u16::MAX));
        self.first.get_or_insert((short, at));
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        (self.last, self.last_len) = (Some(at), short);
        if application {
            self.application_records = self.application_records.saturating_add(1);
            self.application_bytes = self.application_bytes.saturating_add(bytes);
        }
    }
}

/// A ClientHello (RFC 8446 4.1.2; RFC 5246; SSLv2-format hellos RFC 5246 E.2). Reads as its [`Offer`] too.
#[derive(Debug, Clone, Default)]
pub struct ClientHello {
    /// Frame that completed it.
    pub at: At,
    /// Frame that began it.
    pub first_frame: u64,
    /// Version of the record that it came in.
    pub version_record: u16,
    /// Random.
    pub random: HelloBytes,
    /// Session id offered.
    pub session_id: HelloBytes,
    /// Bytes of the handshake message.
    pub length: u32,
    /// SSLv2 record format.
    pub sslv2: bool,
    /// QUIC version that carried it.
    pub quic_version: Option<u32>,
    /// The capture holds only the beginning (snap length, loss), but that names the host: lists may be incomplete, and
    /// the versions offered are not known.
    pub cut: bool,
    /// What it offers, shared by all connections that offer the same.
    pub offer: Arc<Offer>,
}

/// What a client offers: all of its hello that does not change from connection to connection.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// legacy_version.
    pub legacy_version: u16,
    /// supported_versions; empty when the extension is absent. GREASE left out.
    pub supported_versions: Vec<u16>,
    /// server_name.
    pub sni: Option<String>,
    /// ALPN protocols.
    pub alpn: Vec<String>,
    /// Cipher suites, GREASE left out.
    pub cipher_suites: Vec<u16>,
    /// Extension types in order, GREASE left out.
    pub extensions: Vec<u16>,
    /// JA3 (MD5 hex).
    pub ja3: Option<String>,
    /// JA4.
    pub ja4: Option<String>,
    /// encrypted_client_hello extension present.
    pub ech: bool,
}

impl Offer {
    /// The highest version offered: supported_versions if there, else legacy_version.
    pub fn max_version(&self) -> u16 {
        self.supported_versions.iter().copied().max().unwrap_or(self.legacy_version)
    }

    /// What tells the program.
    pub fn program(&self) -> Program<'_> {
        (&self.alpn, &self.cipher_suites, self.max_version())
    }
}

/// What a program offers in its hellos: protocols, cipher suites, highest version. (Extensions vary with what it
/// remembers of earlier sessions.)
pub type Program<'a> = (&'a [String], &'a [u16], u16);

impl Deref for ClientHello {
    type Target = Offer;

    fn deref(&self) -> &Offer {
        &self.offer
    }
}

/// A ServerHello. Reads as its [`Choice`] too.
#[derive(Debug, Clone, Default)]
pub struct ServerHello {
    /// Frame that completed it.
    pub at: At,
    /// Session id.
    pub session_id: HelloBytes,
    /// The record that holds it never became whole in the capture (as when the packets behind the first are lost).
    pub record_cut: bool,
    /// What it chooses, shared by all connections for which the same was chosen.
    pub choice: Arc<Choice>,
}

/// What a server chooses: all of its hello that does not change from connection to connection.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Negotiated version: supported_versions if there, else legacy_version.
    pub version: u16,
    /// Cipher suite.
    pub cipher: u16,
    /// HelloRetryRequest (RFC 8446 4.1.3).
    pub hello_retry_request: bool,
    /// ALPN chosen (TLS 1.2).
    pub alpn: Option<String>,
    /// JA3S.
    pub ja3s: Option<String>,
    /// JA4S.
    pub ja4s: Option<String>,
    /// A pre_shared_key was accepted.
    pub psk: bool,
}

impl Deref for ServerHello {
    type Target = Choice;

    fn deref(&self) -> &Choice {
        &self.choice
    }
}

/// Up to 32 bytes of a hello: its random, a session id (RFC 8446 4.1.2), an SSLv2 challenge. Printed as hex.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct HelloBytes {
    len: u8,
    bytes: [u8; HelloBytes::MAX],
}

impl HelloBytes {
    /// The longest of them.
    pub const MAX: usize = 32;

    /// The first [`HelloBytes::MAX`] of some bytes.
    pub fn new(from: &[u8]) -> HelloBytes {
        let mut bytes = [0; HelloBytes::MAX];
        let mut len = 0;
        for (place, byte) in bytes.iter_mut().zip(from) {
            *place = *byte;
            len += 1;
        }
        HelloBytes { len, bytes }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Display for HelloBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for HelloBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A TLS alert in clear.
#[derive(Debug, Clone, Copy)]
pub struct Alert {
    /// When.
    pub at: At,
    /// Who sent it.
    pub by: Side,
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// Alert description.
    pub description: u8,
    /// Version of the record it came in.
    pub record_version: u16,
}

/// A certificate as it was presented in one handshake. Reads as the [`Certificate`] too.
#[derive(Debug, Clone, Default)]
pub struct Presented {
    /// Frame that completed the Certificate message.
    pub at: At,
    /// 0 = leaf.
    pub index: usize,
    /// The certificate, shared by all handshakes that presented it.
    pub certificate: Arc<Certificate>,
}

impl Deref for Presented {
    type Target = Certificate;

    fn deref(&self) -> &Certificate {
        &self.certificate
    }
}

/// A certificate.
#[derive(Debug, Clone, Default)]
pub struct Certificate {
    /// SHA-256 of the DER, hex.
    pub sha256: String,
    /// SHA-1 of the DER, upper-case hex (Microsoft prints its CAs so).
    pub sha1: String,
    /// SHA-256 of the SubjectPublicKeyInfo, base64.
    pub spki_sha256: String,
    /// RFC 4514 text.
    pub subject: String,
    /// RFC 4514 text.
    pub issuer: String,
    /// Common name of the subject.
    pub subject_cn: Option<String>,
    /// Common name of the issuer.
    pub issuer_cn: Option<String>,
    /// Organisation of the subject.
    pub subject_o: Option<String>,
    /// Organisation of the issuer.
    pub issuer_o: Option<String>,
    /// Organisational unit of the issuer.
    pub issuer_ou: Option<String>,
    /// E-mail in the issuer.
    pub issuer_email: Option<String>,
    /// Serial, hex.
    pub serial: String,
    /// Validity.
    pub not_before: Timestamp,
    /// See `not_before`.
    pub not_after: Timestamp,
    /// DNS names and IP addresses of subjectAltName, as text.
    pub names: Vec<String>,
    /// basicConstraints CA.
    pub is_ca: bool,
    /// basicConstraints marked critical.
    pub basic_constraints_critical: Option<bool>,
    /// authorityKeyIdentifier present.
    pub has_aki: bool,
    /// subjectKeyIdentifier present.
    pub has_ski: bool,
    /// Self-issued (subject equals issuer).
    pub self_issued: bool,
    /// Certificate transparency SCTs embedded (public CAs do, interceptors do not).
    pub has_sct: bool,
    /// Authority information access or CRL distribution points present (public CAs have them).
    pub has_aia_or_crl: bool,
    /// Signature or key too weak to be accepted today (MD5, SHA-1, RSA < 2048).
    pub weak: bool,
    /// Why the DER could not be parsed, if so; then only `sha256` is set.
    pub parse_error: Option<String>,
}

/// Bytes that answer a ClientHello (or a TLS record) without being TLS.
#[derive(Debug, Clone)]
pub struct PlaintextAnswer {
    /// When.
    pub at: At,
    /// By whom.
    pub by: Side,
    /// HTTP status, where it is an HTTP answer.
    pub http_status: Option<u16>,
    /// The first line, cleaned, at most 120 characters.
    pub first_line: String,
    /// `<title>` of a block page, where there is one.
    pub title: Option<String>,
    /// Location and Server headers.
    pub location: Option<String>,
    /// See `location`.
    pub server: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_hello_print_as_hex_and_are_cut_at_their_limit() {
        assert_eq!(HelloBytes::new(&[1, 0xab]).to_string(), "01ab");
        assert!(HelloBytes::new(&[]).is_empty());
        assert_ne!(HelloBytes::new(&[0]), HelloBytes::new(&[]));
        assert_eq!(HelloBytes::new(&[7; 40]).as_slice(), [7; 32]);
    }
}
