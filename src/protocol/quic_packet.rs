//! QUIC packet headers and the frames of Initial packets (RFC 9000, RFC 8999 for what all versions share).
//!
//! What enters: one UDP payload. What leaves: its coalesced packets one by one, borrowed; nothing is decrypted here.

use crate::bytes::Cursor;
use crate::protocol::quic_crypto::{is_google, is_reserved, profiles};

/// One packet of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuicPacket<'a> {
    /// Version Negotiation: the versions offered (RFC 8999 6), four bytes each.
    VersionNegotiation(&'a [u8]),
    /// A long header packet with a payload.
    Long(LongPacket<'a>),
    /// Retry (RFC 9000 17.2.5).
    Retry {
        /// Version.
        version: u32,
    },
    /// A long header packet of a version that is not read here.
    Opaque {
        /// Version.
        version: u32,
    },
    /// A short header packet, to the end of the datagram; its length.
    Short(usize),
}

/// A long header packet with a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongPacket<'a> {
    /// Version.
    pub version: u32,
    /// Kind of packet.
    pub kind: LongKind,
    /// Destination connection id.
    pub dcid: &'a [u8],
    /// Header and payload.
    pub bytes: &'a [u8],
    /// Where the packet number starts in `bytes`.
    pub number_at: usize,
    /// The end of the packet is missing.
    pub cut: bool,
}

/// Kinds of long header packets with a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongKind {
    /// Carries the hellos.
    Initial,
    /// Early data.
    ZeroRtt,
    /// Carries the rest of the handshake, encrypted.
    Handshake,
}

/// Walks the coalesced packets of a datagram (RFC 9000 12.2).
pub struct Packets<'a> {
    rest: &'a [u8],
    first: bool,
}

impl<'a> Packets<'a> {
    /// Starts at the first packet.
    pub fn new(datagram: &'a [u8]) -> Self {
        Packets { rest: datagram, first: true }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = QuicPacket<'a>;

    fn next(&mut self) -> Option<QuicPacket<'a>> {
        let (&start, first) = (self.rest.first()?, std::mem::replace(&mut self.first, false));
        let whole = std::mem::take(&mut self.rest);
        if start & LONG_HEADER == 0 {
            // Behind another packet, bytes without the fixed bit are padding.
            return (start & FIXED_BIT != 0 || first).then_some(QuicPacket::Short(whole.len()));
        }
        let (packet, rest) = long_packet(whole)?;
        self.rest = rest;
        Some(packet)
    }
}

/// True when a datagram starts with a long header of a version known here.
pub fn is_quic(datagram: &[u8]) -> bool {
    let fixed = datagram.first().is_some_and(|first| first & FIXED_BIT != 0);
    match long_packet(datagram) {
        Some((QuicPacket::VersionNegotiation(versions), _)) => {
            let mut known = versions.chunks_exact(4).filter_map(|v| v.try_into().ok().map(u32::from_be_bytes));
            versions.len() % 4 == 0 && known.any(is_known)
        }
        Some((QuicPacket::Long(packet), _)) => {
            let payload = packet.bytes.len().saturating_sub(packet.number_at);
            fixed && (packet.cut || payload >= PAYLOAD_MIN)
        }
        Some((QuicPacket::Retry { .. } | QuicPacket::Opaque { .. }, _)) => fixed,
        _ => false,
    }
}

/// The frames that matter in an Initial packet.
#[derive(Debug, PartialEq, Eq)]
pub enum InitialFrame<'a> {
    /// Handshake bytes at an offset.
    Crypto {
        /// Offset in the stream of this direction.
        offset: u64,
        /// Bytes.
        data: &'a [u8],
    },
    /// The connection is given up (RFC 9000 19.19): error code, reason.
    Close {
        /// Error code; 0x0100 to 0x01FF is a TLS alert.
        code: u64,
        /// Reason phrase.
        reason: &'a [u8],
    },
}

/// Walks the frames of an Initial packet; stops at what does not belong there (RFC 9000 17.2.2).
pub struct InitialFrames<'a>(Cursor<'a>);

impl<'a> InitialFrames<'a> {
    /// Starts at the first frame.
    pub fn new(payload: &'a [u8]) -> Self {
        InitialFrames(Cursor::new(payload))
    }

    /// Bytes not walked over: none when every frame was understood.
    pub fn left(&self) -> usize {
        self.0.remaining()
    }

    /// Takes what is there of a CRYPTO frame whose end is cut off.
    pub fn cut_crypto(mut self) -> Option<InitialFrame<'a>> {
        (self.0.u8()? == FRAME_CRYPTO).then_some(())?;
        let offset = varint(&mut self.0)?;
        let length = varint(&mut self.0)?;
        let data = self.0.take_rest();
        (u64::try_from(data.len()).ok()? < length).then_some(InitialFrame::Crypto { offset, data })
    }
}

impl<'a> Iterator for InitialFrames<'a> {
    type Item = InitialFrame<'a>;

    fn next(&mut self) -> Option<InitialFrame<'a>> {
        loop {
            let mut c = self.0;
            match c.u8()? {
                FRAME_PADDING | FRAME_PING => {}
                kind @ (FRAME_ACK | FRAME_ACK_ECN) => skip_ack(&mut c, kind == FRAME_ACK_ECN)?,
                FRAME_CRYPTO => {
                    let offset = varint(&mut c)?;
                    let length = usize::try_from(varint(&mut c)?).ok()?;
                    let data = c.take(length)?;
                    self.0 = c;
                    return Some(InitialFrame::Crypto { offset, data });
                }
                kind @ (FRAME_CLOSE | FRAME_CLOSE_APPLICATION) => {
                    let code = varint(&mut c)?;
                    if kind == FRAME_CLOSE {
                        varint(&mut c)?;
                    }
                    let length = usize::try_from(varint(&mut c)?).ok()?;
                    let reason = c.take(length)?;
                    self.0 = c;
                    return Some(InitialFrame::Close { code, reason });
                }
                _ => return None,
            }
            self.0 = c;
        }
    }
}

/// Header form bit (RFC 8999 5).
const LONG_HEADER: u8 = 0x80;
/// Fixed bit (RFC 9000 17).
const FIXED_BIT: u8 = 0x40;
/// Longest connection id of the versions read here (RFC 9000 17.2).
const CONNECTION_ID_MAX: usize = 20;
/// A packet number byte, and enough for the sample of header protection (RFC 9001 5.4.2).
const PAYLOAD_MIN: usize = 20;
/// Frame types (RFC 9000 19).
const FRAME_PADDING: u8 = 0x00;
const FRAME_PING: u8 = 0x01;
const FRAME_ACK: u8 = 0x02;
const FRAME_ACK_ECN: u8 = 0x03;
const FRAME_CRYPTO: u8 = 0x06;
const FRAME_CLOSE: u8 = 0x1C;
const FRAME_CLOSE_APPLICATION: u8 = 0x1D;

fn is_known(version: u32) -> bool {
    !profiles(version).is_empty() || is_google(version) || is_reserved(version)
}

/// The packet with a long header at the start, and what follows it in the datagram.
fn long_packet(bytes: &[u8]) -> Option<(QuicPacket<'_>, &[u8])> {
    let mut c = Cursor::new(bytes);
    let first = c.u8()?;
    if first & LONG_HEADER == 0 {
        return None;
    }
    let version = c.u32_be()?;
    if is_google(version) {
        return Some((QuicPacket::Opaque { version }, &[]));
    }
    let dcid = connection_id(&mut c)?;
    connection_id(&mut c)?;
    if version == 0 {
        return (c.remaining() >= 4).then(|| (QuicPacket::VersionNegotiation(c.take_rest()), &[] as &[u8]));
    }
    // The fixed bit may be anything once the peers agreed on that (RFC 9287).
    let profile = profiles(version).first()?;
    let numbers = [LongKind::Initial, LongKind::ZeroRtt, LongKind::Handshake];
    let number = usize::from(first >> 4 & 3);
    // RFC 9369 3.2 turned the numbers by one; Retry is 3 in version 1 and 0 in version 2.
    let number = if profile.is_version_2() { number.checked_sub(1).unwrap_or(3) } else { number };
    let Some(&kind) = numbers.get(number) else { return Some((QuicPacket::Retry { version }, &[])) };
    if kind == LongKind::Initial {
        let token = usize::try_from(varint(&mut c)?).ok()?;
        c.skip(token)?;
    }
    let length = usize::try_from(varint(&mut c)?).ok()?;
    let number_at = c.position();
    let end = number_at.checked_add(length)?;
    let cut = end > bytes.len();
    let (packet, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
    Some((QuicPacket::Long(LongPacket { version, kind, dcid, bytes: packet, number_at, cut }), rest))
}

fn connection_id<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = usize::from(c.u8()?);
    (length <= CONNECTION_ID_MAX).then(|| c.take(length))?
}

/// Steps over an ACK frame behind its type (RFC 9000 19.3).
fn skip_ack(c: &mut Cursor<'_>, ecn: bool) -> Option<()> {
    varint(c)?;
    varint(c)?;
    let ranges = varint(c)?;
    varint(c)?;
    // Every range is at least two bytes, so the cursor ends before a hostile count does.
    for _ in 0..ranges {
        varint(c)?;
        varint(c)?;
    }
    if ecn {
        for _ in 0..3 {
            varint(c)?;
        }
    }
    Some(())
}

/// A variable-length integer (RFC 9000 16).
fn varint(c: &mut Cursor<'_>) -> Option<u64> {
    let first = *c.peek(1)?.first()?;
    let bytes = c.take(1 << (first >> 6))?;
    Some(bytes.iter().skip(1).fold(u64::from(first & 0x3F), |value, &byte| value << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::quic_crypto::tests::{SERVER_INITIAL, unhex};

    #[test]
    fn varints_of_rfc_9000_a1() {
        for (bytes, value) in [
            (&[0xC2, 0x19, 0x7C, 0x5E, 0xFF, 0x14, 0xE8, 0x8C][..], 151_288_809_941_952_652),
            (&[0x9D, 0x7F, 0x3E, 0x7D], 494_878_333),
            (&[0x7B, 0xBD], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(varint(&mut Cursor::new(bytes)), Some(value));
            assert_eq!(varint(&mut Cursor::new(&bytes[..bytes.len() - 1])), None);
        }
    }

    #[test]
    fn coalesced_packets_come_one_by_one_and_padding_is_none() {
        let initial = unhex(SERVER_INITIAL);
        let datagram = [&initial[..], &initial, &[0x41; 30]].concat();
        let kinds: Vec<_> = Packets::new(&datagram).collect();
        assert_eq!(kinds.len(), 3);
        assert!(matches!(
            kinds[1],
            QuicPacket::Long(LongPacket { kind: LongKind::Initial, cut: false, number_at: 18, .. })
        ));
        assert_eq!(kinds[2], QuicPacket::Short(30));
        assert_eq!(Packets::new(&[&initial[..], &[0; 30]].concat()).count(), 1);
    }

    #[test]
    fn version_2_turned_the_packet_types() {
        let mut packet = unhex(SERVER_INITIAL);
        packet[1..5].copy_from_slice(&0x6B33_43CF_u32.to_be_bytes());
        packet[0] = 0xD0;
        let first = |p: &[u8]| format!("{:?}", Packets::new(p).next());
        assert!(first(&packet).contains("Initial"));
        packet[0] = 0xC0;
        assert!(first(&packet).contains("Retry"));
    }

    #[test]
    fn the_retry_of_rfc_9001_a4_is_one() {
        let retry = unhex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
        assert_eq!(Packets::new(&retry).next(), Some(QuicPacket::Retry { version: 1 }));
        assert!(is_quic(&retry));
    }

    #[test]
    fn quic_is_known_by_its_version() {
        assert!(is_quic(&unhex(SERVER_INITIAL)));
        assert!(is_quic(&[0x80, 0, 0, 0, 0, 0, 1, 7, 0x6B, 0x33, 0x43, 0xCF]));
        assert!(!is_quic(&[0x80, 0, 0, 0, 0, 0, 1, 7, 0xDE, 0xAD, 0xBE, 0xEF]));
        assert!(!is_quic(&[0xC0, 0xDE, 0xAD, 0xBE, 0xEF, 0, 0, 0, 0, 0]));
        assert!(!is_quic(&[0x40; 50]) && !is_quic(&[]));
    }

    #[test]
    fn frames_of_an_initial_are_walked_to_the_first_foreign_one() {
        let payload =
            [&[0, 1][..], &[2, 5, 0, 1, 0, 0, 0], &[6, 4, 2, b'h', b'i'], &[0x1C, 0x41, 0x28, 6, 1, b'x'], &[8, 1]]
                .concat();
        let mut frames = InitialFrames::new(&payload);
        assert_eq!(frames.next(), Some(InitialFrame::Crypto { offset: 4, data: b"hi" }));
        assert_eq!(frames.next(), Some(InitialFrame::Close { code: 0x128, reason: b"x" }));
        assert_eq!(frames.next(), None);
        assert_eq!(frames.left(), 2);
    }

    #[test]
    fn hostile_datagrams_end() {
        let initial = unhex(SERVER_INITIAL);
        let datagram = [&initial[..], &initial].concat();
        for end in 0..datagram.len() {
            assert!(Packets::new(&datagram[..end]).count() <= 3);
            let mut bent = datagram.clone();
            bent[end] ^= 0xFF;
            assert!(Packets::new(&bent).count() <= datagram.len());
            let _ = is_quic(&bent);
            assert!(InitialFrames::new(&bent[end..]).count() <= datagram.len());
        }
        let endless_ack = [&[2, 0, 0][..], &[0xFF; 8], &[0; 100]].concat();
        assert_eq!(InitialFrames::new(&endless_ack).count(), 0);
    }
}
