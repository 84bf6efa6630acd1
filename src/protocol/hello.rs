//! ClientHello and ServerHello messages, for TLS, DTLS and QUIC.
//!
//! What enters: the body of a handshake message (behind type and length; for DTLS behind its longer header too), or
//! an SSLv2-format hello. What leaves: [`ClientHello`] and [`ServerHello`] with everything the body says; frames,
//! record version and length are the caller's to fill in. A body that ends early gives what could be read, without
//! fingerprints, which would be wrong.

use crate::bytes::Cursor;
use crate::facts::{Choice, ClientHello, HelloBytes, Offer, ServerHello, TlsCarrier};
use crate::protocol::fingerprint::{self, ClientLists, ServerLists, is_grease};
use crate::protocol::shared::Shared;
use std::sync::Arc;

/// Hellos met before.
#[derive(Debug, Default)]
pub struct SharedHellos {
    offers: Shared<Offer>,
    choices: Shared<Choice>,
}

/// Reads a ClientHello: `body` is the handshake message without its header. DTLS has a cookie in it, and the
/// fingerprints name the carrier.
pub fn client_hello(carrier: TlsCarrier, body: &[u8], shared: &SharedHellos) -> Option<ClientHello> {
    let outline = ClientOutline::read(body, carrier == TlsCarrier::Dtls)?;
    if !plausible_version(outline.version, carrier) {
        return None;
    }
    Some(ClientHello {
        random: HelloBytes::new(outline.random),
        session_id: HelloBytes::new(outline.session_id),
        offer: shared.offers.get(&outline.key(carrier), || offer(carrier, body, &outline)),
        ..ClientHello::default()
    })
}

fn offer(carrier: TlsCarrier, body: &[u8], outline: &ClientOutline<'_>) -> Offer {
    let mut offer = Offer {
        legacy_version: outline.version,
        cipher_suites: if carrier == TlsCarrier::Dtls { None } else { whole_cipher_suites(body) }
            .unwrap_or_else(|| u16_list(outline.cipher_suites)),
        ..Offer::default()
    };
    let (mut groups, mut formats, mut signatures) = (Vec::new(), &[] as &[u8], Vec::new());
    let mut first_alpn = None;
    for (kind, data) in outline.extensions {
        if is_grease(kind) {
            continue;
        }
        if offer.extensions.contains(&kind) {
            // RFC 8446 4.2 forbids repetition; the first one counts.
            offer.extensions.push(kind);
            continue;
        }
        offer.extensions.push(kind);
        match kind {
            EXT_SERVER_NAME => offer.sni = server_name(data),
            EXT_SUPPORTED_GROUPS => groups = u16_list(vector16(data)),
            EXT_POINT_FORMATS => formats = vector8(data),
            EXT_SIGNATURE_ALGORITHMS => signatures = u16_list(vector16(data)),
            EXT_ALPN => {
                let names = alpn_names(data);
                first_alpn = names.first().copied();
                offer.alpn = names.into_iter().map(text).collect();
            }
            EXT_SUPPORTED_VERSIONS => offer.supported_versions = u16_list(vector8(data)),
            EXT_ECH => offer.ech = true,
            _ => {}
        }
    }
    if !outline.is_cut() {
        let lists = ClientLists {
            carrier,
            legacy_version: offer.legacy_version,
            supported_versions: &offer.supported_versions,
            cipher_suites: &offer.cipher_suites,
            extensions: &offer.extensions,
            groups: &groups,
            point_formats: formats,
            signature_algorithms: &signatures,
            first_alpn,
        };
        offer.ja3 = Some(fingerprint::ja3(&lists));
        offer.ja4 = Some(fingerprint::ja4(&lists));
    }
    offer
}

/// The cipher suites of a well-formed TLS ClientHello, by the crate's parser; GREASE left out.
fn whole_cipher_suites(body: &[u8]) -> Option<Vec<u16>> {
    let (_, contents) = tls_parser::parse_tls_handshake_client_hello(body).ok()?;
    Some(contents.ciphers.iter().map(|suite| suite.0).filter(|&s| !is_grease(s)).collect())
}

/// Reads the beginning of a ClientHello whose end is missing, where it names the host; half a name is no name.
pub fn cut_client_hello(carrier: TlsCarrier, body: &[u8], shared: &SharedHellos) -> Option<ClientHello> {
    let mut hello = client_hello(carrier, body, shared)?;
    let named = hello.sni.is_some() && hello.extensions.last() != Some(&EXT_SERVER_NAME);
    if hello.ja3.is_some() {
        hello.offer = Arc::new(Offer { ja3: None, ja4: None, ..Offer::clone(&hello.offer) });
    }
    named.then_some(ClientHello { cut: true, ..hello })
}

/// Reads a ServerHello (a HelloRetryRequest is one too since TLS 1.3 draft 22): `body` is the handshake message without
/// its header.
pub fn server_hello(carrier: TlsCarrier, body: &[u8], shared: &SharedHellos) -> Option<ServerHello> {
    let mut c = Cursor::new(body);
    let legacy_version = c.u16_be()?;
    if !plausible_version(legacy_version, carrier) {
        return None;
    }
    let random = c.take(RANDOM_BYTES)?;
    // TLS 1.3 up to draft 21 put its number here and left out session id and compression.
    let early_draft =
        (DRAFT_FIRST..=DRAFT_WITHOUT_SESSION_ID).contains(&legacy_version) || legacy_version == 0x0304 && is_short(&c);
    let session_id = if early_draft { &[] } else { sized8(&mut c)? };
    let cipher = c.u16_be()?;
    if !early_draft {
        // A message that stops before the compression method still says what was chosen.
        let _ = c.u8();
    }
    let outline = ServerOutline {
        legacy_version,
        cipher,
        hello_retry_request: random == HELLO_RETRY_REQUEST,
        extensions: extension_block(&mut c),
    };
    Some(ServerHello {
        session_id: HelloBytes::new(session_id),
        choice: shared.choices.get(&outline.key(carrier), || choice(carrier, &outline)),
        ..ServerHello::default()
    })
}

fn choice(carrier: TlsCarrier, outline: &ServerOutline<'_>) -> Choice {
    let &ServerOutline { legacy_version, cipher, hello_retry_request, extensions } = outline;
    let mut choice = Choice { version: legacy_version, cipher, hello_retry_request, ..Choice::default() };
    let mut alpn = None;
    let mut kinds = Vec::new();
    for (kind, data) in extensions {
        if is_grease(kind) {
            continue;
        }
        kinds.push(kind);
        match kind {
            EXT_SUPPORTED_VERSIONS => {
                if let Some(version) = Cursor::new(data).u16_be() {
                    choice.version = version;
                }
            }
            EXT_ALPN => alpn = alpn_names(data).first().copied(),
            EXT_PRE_SHARED_KEY => choice.psk = true,
            _ => {}
        }
    }
    choice.alpn = alpn.map(text);
    if !extensions.is_cut() {
        let lists = ServerLists { carrier, legacy_version, version: choice.version, cipher, extensions: &kinds, alpn };
        choice.ja3s = Some(fingerprint::ja3s(&lists));
        choice.ja4s = Some(fingerprint::ja4s(&lists));
    }
    choice
}

/// Reads a HelloRetryRequest of TLS 1.3 drafts up to 21, which had a handshake type of its own (6).
pub fn draft_hello_retry_request(body: &[u8]) -> Option<ServerHello> {
    let mut c = Cursor::new(body);
    let version = c.u16_be()?;
    if version.to_be_bytes().first() != Some(&0x7F) {
        return None;
    }
    // The cipher suite came with draft 19.
    let cipher = if version >= 0x7F13 { c.u16_be()? } else { 0 };
    let choice = Choice { version, cipher, hello_retry_request: true, ..Choice::default() };
    Some(ServerHello { choice: Arc::new(choice), ..ServerHello::default() })
}

/// Reads an SSLv2-format ClientHello with its two-byte record header (RFC 5246 appendix E.2), from the first byte of
/// a TCP stream. `None` when it is none or not complete yet.
pub fn sslv2_client_hello(bytes: &[u8]) -> Option<ClientHello> {
    let mut c = Cursor::new(bytes);
    let header = c.u16_be()?;
    if header & 0x8000 == 0 {
        return None;
    }
    let length = header & 0x7FFF;
    let mut c = c.sub(usize::from(length))?;
    if c.u8()? != SSLV2_CLIENT_HELLO {
        return None;
    }
    let version = c.u16_be()?;
    if version != 0x0002 && !(0x0300..=0x0304).contains(&version) {
        return None;
    }
    let (ciphers, session_id, challenge) = (c.u16_be()?, c.u16_be()?, c.u16_be()?);
    let sane = ciphers > 0 && ciphers % 3 == 0 && session_id <= 32 && (16..=32).contains(&challenge);
    if !sane {
        return None;
    }
    let ciphers = c.take(usize::from(ciphers))?;
    let session_id = c.take(usize::from(session_id))?;
    let challenge = c.take(usize::from(challenge))?;
    let offer = Offer {
        legacy_version: version,
        // Suites of SSL 3.0 and later have a zero in front; the others are SSLv2's own and have no 16-bit number.
        cipher_suites: ciphers
            .chunks_exact(3)
            .filter_map(|suite| match suite {
                [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
                _ => None,
            })
            .collect(),
        ..Offer::default()
    };
    Some(ClientHello {
        version_record: 0x0002,
        random: HelloBytes::new(challenge),
        session_id: HelloBytes::new(session_id),
        sslv2: true,
        length: u32::from(length),
        offer: Arc::new(offer),
        ..ClientHello::default()
    })
}

/// server_name (RFC 6066 3).
const EXT_SERVER_NAME: u16 = 0;
/// supported_groups (RFC 8422 5.1.1, RFC 7919).
const EXT_SUPPORTED_GROUPS: u16 = 10;
/// ec_point_formats (RFC 8422 5.1.2).
const EXT_POINT_FORMATS: u16 = 11;
/// signature_algorithms (RFC 8446 4.2.3).
const EXT_SIGNATURE_ALGORITHMS: u16 = 13;
/// application_layer_protocol_negotiation (RFC 7301).
const EXT_ALPN: u16 = 16;
/// pre_shared_key (RFC 8446 4.2.11).
const EXT_PRE_SHARED_KEY: u16 = 41;
/// supported_versions (RFC 8446 4.2.1).
const EXT_SUPPORTED_VERSIONS: u16 = 43;
/// encrypted_client_hello (RFC 9849).
const EXT_ECH: u16 = 0xFE0D;
/// Extensions of a ClientHello whose content is read; of the others, the type alone.
const READ_OF_CLIENTS: [u16; 6] = [
    EXT_SERVER_NAME,
    EXT_SUPPORTED_GROUPS,
    EXT_POINT_FORMATS,
    EXT_SIGNATURE_ALGORITHMS,
    EXT_ALPN,
    EXT_SUPPORTED_VERSIONS,
];
/// Bytes of a hello's random (RFC 8446 4.1.2).
const RANDOM_BYTES: usize = 32;
/// First TLS 1.3 draft that may stand in legacy_version.
const DRAFT_FIRST: u16 = 0x7F00;
/// Last TLS 1.3 draft whose ServerHello has neither session id nor compression method.
const DRAFT_WITHOUT_SESSION_ID: u16 = 0x7F15;
/// Message type of an SSLv2 CLIENT-HELLO.
const SSLV2_CLIENT_HELLO: u8 = 1;
/// The random that makes a ServerHello a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446 4.1.3).
const HELLO_RETRY_REQUEST: [u8; RANDOM_BYTES] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11,
    0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// The parts of a ClientHello, as far as they are there.
struct ClientOutline<'a> {
    version: u16,
    random: &'a [u8],
    session_id: &'a [u8],
    /// As on the wire.
    cipher_suites: &'a [u8],
    extensions: Extensions<'a>,
    cut: bool,
}

impl<'a> ClientOutline<'a> {
    fn read(body: &'a [u8], cookie: bool) -> Option<Self> {
        let mut c = Cursor::new(body);
        let version = c.u16_be()?;
        let random = c.take(RANDOM_BYTES)?;
        let mut outline = ClientOutline {
            version,
            random,
            session_id: &[],
            cipher_suites: &[],
            extensions: Extensions::default(),
            cut: true,
        };
        let Some(session_id) = sized8(&mut c) else { return Some(outline) };
        outline.session_id = session_id;
        if cookie && sized8(&mut c).is_none() {
            return Some(outline);
        }
        let Some(length) = c.u16_be() else { return Some(outline) };
        outline.cipher_suites = match c.take(usize::from(length)) {
            Some(suites) => suites,
            None => c.take_rest(),
        };
        if outline.cipher_suites.len() < usize::from(length) || length % 2 != 0 || sized8(&mut c).is_none() {
            return Some(outline);
        }
        outline.extensions = extension_block(&mut c);
        outline.cut = false;
        Some(outline)
    }

    fn is_cut(&self) -> bool {
        self.cut || self.extensions.is_cut()
    }

    /// Everything that an [`Offer`] is made of: hellos with the same key offer the same.
    fn key(&self, carrier: TlsCarrier) -> Vec<u8> {
        let mut key = Vec::with_capacity(512);
        key.extend([carrier as u8, u8::from(self.is_cut())]);
        key.extend(self.version.to_be_bytes());
        add_sized(&mut key, self.cipher_suites);
        for (kind, data) in self.extensions {
            key.extend(kind.to_be_bytes());
            if READ_OF_CLIENTS.contains(&kind) {
                add_sized(&mut key, data);
            }
        }
        key
    }
}

/// The parts of a ServerHello, as far as they are there.
struct ServerOutline<'a> {
    legacy_version: u16,
    cipher: u16,
    hello_retry_request: bool,
    extensions: Extensions<'a>,
}

impl ServerOutline<'_> {
    /// Everything that a [`Choice`] is made of.
    fn key(&self, carrier: TlsCarrier) -> Vec<u8> {
        let mut key = Vec::with_capacity(64);
        key.extend([carrier as u8, u8::from(self.extensions.is_cut()), u8::from(self.hello_retry_request)]);
        key.extend(self.legacy_version.to_be_bytes());
        key.extend(self.cipher.to_be_bytes());
        for (kind, data) in self.extensions {
            key.extend(kind.to_be_bytes());
            if matches!(kind, EXT_SUPPORTED_VERSIONS | EXT_ALPN) {
                add_sized(&mut key, data);
            }
        }
        key
    }
}

fn add_sized(key: &mut Vec<u8>, bytes: &[u8]) {
    key.extend(bytes.len().to_be_bytes());
    key.extend(bytes);
}

/// The extensions of a hello, as far as they are there; iterated as type and data.
#[derive(Clone, Copy, Default)]
struct Extensions<'a> {
    rest: &'a [u8],
    cut: bool,
}

impl<'a> Extensions<'a> {
    /// The block ends before its length says, or one of its extensions does.
    fn is_cut(self) -> bool {
        let mut c = Cursor::new(self.rest);
        while !c.is_empty() {
            let (Some(kind), Some(length)) = (c.u16_be(), c.u16_be()) else { return true };
            if c.skip(usize::from(length)).is_none() {
                // pre_shared_key is always the last one (RFC 8446 4.2.11), and nothing of its value is needed.
                return kind != EXT_PRE_SHARED_KEY;
            }
        }
        self.cut
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let mut c = Cursor::new(self.rest);
        let (kind, length) = c.u16_be().zip(c.u16_be())?;
        let data = match c.take(usize::from(length)) {
            Some(data) => data,
            None => c.take_rest(),
        };
        self.rest = c.rest();
        Some((kind, data))
    }
}

/// Behind the random come only a cipher suite and extensions, to the end. Drafts before 18 wrote TLS 1.3's final number
/// into legacy_version, where the standard has TLS 1.2's.
fn is_short(c: &Cursor<'_>) -> bool {
    let mut c = *c;
    c.skip(2);
    c.u16_be().is_some_and(|length| usize::from(length) == c.remaining())
}

fn extension_block<'a>(c: &mut Cursor<'a>) -> Extensions<'a> {
    // Hellos without extensions end here.
    let Some(length) = c.u16_be() else { return Extensions { rest: &[], cut: !c.is_empty() } };
    match c.take(usize::from(length)) {
        Some(rest) => Extensions { rest, cut: false },
        None => Extensions { rest: c.take_rest(), cut: true },
    }
}

/// Keeps encrypted and foreign bytes from being read as a hello: the major version is 3 in all of TLS, 0xFE in DTLS
/// (0x0100 in OpenSSL's before the RFC), 0x7F in drafts that put their number here.
fn plausible_version(version: u16, carrier: TlsCarrier) -> bool {
    let [major, _] = version.to_be_bytes();
    match carrier {
        TlsCarrier::Dtls => major == 0xFE || version == 0x0100,
        TlsCarrier::Tcp | TlsCarrier::Quic => major == 0x03 || major == 0x7F,
    }
}

fn sized8<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let mut ahead = *c;
    let length = ahead.u8()?;
    let bytes = ahead.take(usize::from(length))?;
    *c = ahead;
    Some(bytes)
}

/// The content of a vector with an 8-bit length, as far as it is there.
fn vector8(data: &[u8]) -> &[u8] {
    let mut c = Cursor::new(data);
    let length = c.u8().map_or(0, usize::from);
    c.take(length).unwrap_or_else(|| c.take_rest())
}

/// The content of a vector with a 16-bit length, as far as it is there.
fn vector16(data: &[u8]) -> &[u8] {
    let mut c = Cursor::new(data);
    let length = c.u16_be().map_or(0, usize::from);
    c.take(length).unwrap_or_else(|| c.take_rest())
}

/// Big-endian 16-bit values without GREASE; an odd byte at the end is ignored.
fn u16_list(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes))
        .filter(|&v| !is_grease(v))
        .collect()
}

/// The first host name of a server_name list (RFC 6066 3).
fn server_name(data: &[u8]) -> Option<String> {
    let mut c = Cursor::new(vector16(data));
    while let (Some(kind), Some(length)) = (c.u8(), c.u16_be()) {
        let name = c.take(usize::from(length)).unwrap_or_else(|| c.take_rest());
        if kind == 0 && !name.is_empty() {
            return Some(text(name));
        }
    }
    None
}

/// Protocol names without GREASE (RFC 8701 2: its values stand here as two-byte names).
fn alpn_names(data: &[u8]) -> Vec<&[u8]> {
    let mut c = Cursor::new(vector16(data));
    let mut names = Vec::new();
    while let Some(length) = c.u8() {
        let name = c.take(usize::from(length)).unwrap_or_else(|| c.take_rest());
        let grease = <[u8; 2]>::try_from(name).is_ok_and(|pair| is_grease(u16::from_be_bytes(pair)));
        if !grease && !name.is_empty() {
            names.push(name);
        }
    }
    names
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
