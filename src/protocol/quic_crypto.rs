//! The keys of QUIC Initial packets, which anybody on the path can derive (RFC 9001 5.2), and opening such packets.
//!
//! What enters: a version, the connection id that the client chose for the server, and packets. What leaves: frames in
//! clear. Every length is checked; a packet that does not open gives `None`.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead, Payload};
use hkdf::Hkdf;
use sha2::Sha256;

/// How a version protects its Initial packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    salt: [u8; 20],
    second: bool,
}

impl Profile {
    /// RFC 9369 changed the packet types' numbers and the key labels.
    pub fn is_version_2(&self) -> bool {
        self.second
    }
}

/// The profiles to try for a version; none for versions that are not known here.
pub fn profiles(version: u32) -> &'static [Profile] {
    match version {
        // RFC 9000, and the last two drafts, which had its salt already.
        0x0000_0001 | 0xFF00_0021 | 0xFF00_0022 => &[V1],
        // RFC 9369; 0x709A50C4 was its number as a draft.
        0x6B33_43CF => &[V2],
        0x709A_50C4 => &[V2_DRAFT],
        0xFF00_001D..=0xFF00_0020 => &[DRAFT_29],
        0xFF00_0017..=0xFF00_001C => &[DRAFT_23],
        0xFF00_0016 => &[DRAFT_22],
        // mvfst of Meta, by the draft it was taken from; later numbers are experiments.
        0xFACE_B001 => &[DRAFT_22],
        0xFACE_B002..=0xFACE_B01F => &[DRAFT_23, DRAFT_29, V1],
        // Versions that force a negotiation (RFC 9000 15); whoever sends one protects it as one of its own.
        _ if is_reserved(version) => &[V1, DRAFT_29],
        _ => &[],
    }
}

/// 0x?A?A?A?A: never a version, sent to provoke Version Negotiation (RFC 9000 15).
pub fn is_reserved(version: u32) -> bool {
    version & 0x0F0F_0F0F == 0x0A0A_0A0A
}

/// Google's QUIC before the IETF's, with long headers: Q046, Q050, T050, T051 and their neighbours. Known, not opened.
pub fn is_google(version: u32) -> bool {
    matches!(version.to_be_bytes(), [b'Q' | b'T', b'0', b'4' | b'5', b'0'..=b'9'])
}

/// The keys of both directions of one connection's Initial packets.
#[derive(Debug, Clone)]
pub struct InitialKeys {
    client: DirectionKeys,
    server: DirectionKeys,
}

impl InitialKeys {
    /// Derives the keys from the destination connection id of the client's first Initial (RFC 9001 5.2).
    pub fn derive(profile: &Profile, dcid: &[u8]) -> Option<InitialKeys> {
        let initial = Hkdf::<Sha256>::new(Some(&profile.salt), dcid);
        Some(InitialKeys {
            client: DirectionKeys::derive(&initial, b"client in", profile.second)?,
            server: DirectionKeys::derive(&initial, b"server in", profile.second)?,
        })
    }

    /// The keys of what the client sends.
    pub fn client(&self) -> &DirectionKeys {
        &self.client
    }

    /// The keys of what the server sends.
    pub fn server(&self) -> &DirectionKeys {
        &self.server
    }
}

/// Key, IV and header protection key of one direction.
#[derive(Clone)]
pub struct DirectionKeys {
    key: [u8; 16],
    iv: [u8; 12],
    hp: [u8; 16],
}

/// Keys are never printed.
impl std::fmt::Debug for DirectionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DirectionKeys")
    }
}

/// An opened packet.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// Packet number.
    pub number: u64,
    /// Frames.
    pub payload: Vec<u8>,
}

impl DirectionKeys {
    fn derive(initial: &Hkdf<Sha256>, label: &[u8], second: bool) -> Option<DirectionKeys> {
        let secret: [u8; 32] = expand_label(initial, label)?;
        let secret = Hkdf::<Sha256>::from_prk(&secret).ok()?;
        let [key, iv, hp]: [&[u8]; 3] =
            if second { [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"] } else { [b"quic key", b"quic iv", b"quic hp"] };
        Some(DirectionKeys {
            key: expand_label(&secret, key)?,
            iv: expand_label(&secret, iv)?,
            hp: expand_label(&secret, hp)?,
        })
    }

    /// Opens `packet` (header and payload of one packet, nothing behind it), whose packet number starts at
    /// `number_at`. `largest` is the largest packet number seen in this direction.
    pub fn open(&self, packet: &[u8], number_at: usize, largest: Option<u64>) -> Option<Opened> {
        let (header, sealed, number) = self.unmask(packet, number_at, largest)?;
        let cipher = Aes128Gcm::new(&Array::from(self.key));
        let payload = cipher.decrypt(&Array::from(self.nonce(number)), Payload { msg: sealed, aad: &header }).ok()?;
        Some(Opened { number, payload })
    }

    /// Decrypts a packet whose end (and with it the authentication tag) the snap length cut off: what comes out is
    /// not proven, so the caller has to check that it makes sense.
    pub fn open_unproven(&self, packet: &[u8], number_at: usize, largest: Option<u64>) -> Option<Opened> {
        let (_, sealed, number) = self.unmask(packet, number_at, largest)?;
        let cipher = Aes128::new(&Array::from(self.key));
        let nonce = self.nonce(number);
        // NIST SP 800-38D 7.2: counter mode, whose counter for the text starts at 2.
        let mut payload = sealed.to_vec();
        for (counter, chunk) in (2_u32..).zip(payload.chunks_mut(16)) {
            let mut block = [0; 16];
            for (to, from) in block.iter_mut().zip(nonce.iter().chain(&counter.to_be_bytes())) {
                *to = *from;
            }
            let mut stream = Array::from(block);
            cipher.encrypt_block(&mut stream);
            for (byte, key) in chunk.iter_mut().zip(stream) {
                *byte ^= key;
            }
        }
        Some(Opened { number, payload })
    }

    /// Removes header protection (RFC 9001 5.4): the header in clear, the sealed payload, the full packet number.
    fn unmask<'a>(&self, packet: &'a [u8], number_at: usize, largest: Option<u64>) -> Option<(Vec<u8>, &'a [u8], u64)> {
        let sample_at = number_at.checked_add(4)?;
        let sample: [u8; 16] = packet.get(sample_at..sample_at.checked_add(16)?)?.try_into().ok()?;
        let mut mask = Array::from(sample);
        Aes128::new(&Array::from(self.hp)).encrypt_block(&mut mask);
        let mut mask = mask.into_iter();
        let first = packet.first()? ^ (mask.next()? & 0x0F);
        let number_length = usize::from(first & 3) + 1;
        let (header, sealed) = packet.split_at_checked(number_at.checked_add(number_length)?)?;
        let mut header = header.to_vec();
        *header.first_mut()? = first;
        let mut cut = 0_u64;
        for (byte, bits) in header.get_mut(number_at..)?.iter_mut().zip(mask) {
            *byte ^= bits;
            cut = cut << 8 | u64::from(*byte);
        }
        Some((header, sealed, full_number(cut, number_length, largest)))
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, bits) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *byte ^= bits;
        }
        nonce
    }
}

/// RFC 9000 A.3: the packet number closest to the next expected one that ends in these bits.
fn full_number(cut: u64, length: usize, largest: Option<u64>) -> u64 {
    let Some(expected) = largest.map(|n| n.saturating_add(1)) else { return cut };
    let window = 1_u64 << (length * 8);
    let candidate = (expected & !(window - 1)) | cut;
    let half = window / 2;
    if candidate.saturating_add(half) <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected.saturating_add(half) && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

/// HKDF-Expand-Label (RFC 8446 7.1) with an empty context.
fn expand_label<const N: usize>(secret: &Hkdf<Sha256>, label: &[u8]) -> Option<[u8; N]> {
    let mut info = Vec::with_capacity(20);
    info.extend(u16::try_from(N).ok()?.to_be_bytes());
    info.push(u8::try_from(label.len()).ok()?.checked_add(6)?);
    info.extend(b"tls13 ");
    info.extend(label);
    info.push(0);
    let mut out = [0; N];
    secret.expand(&info, &mut out).ok()?;
    Some(out)
}

/// RFC 9001 5.2.
const V1: Profile = Profile {
    salt: [
        0x38, 0x76, 0x2C, 0xF7, 0xF5, 0x59, 0x34, 0xB3, 0x4D, 0x17, 0x9A, 0xE6, 0xA4, 0xC8, 0x0C, 0xAD, 0xCC, 0xBB,
        0x7F, 0x0A,
    ],
    second: false,
};
/// RFC 9369 3.3.1.
const V2: Profile = Profile {
    salt: [
        0x0D, 0xED, 0xE3, 0xDE, 0xF7, 0x00, 0xA6, 0xDB, 0x81, 0x93, 0x81, 0xBE, 0x6E, 0x26, 0x9D, 0xCB, 0xF9, 0xBD,
        0x2E, 0xD9,
    ],
    second: true,
};
/// draft-ietf-quic-v2-01.
const V2_DRAFT: Profile = Profile {
    salt: [
        0xA7, 0x07, 0xC2, 0x03, 0xA5, 0x9B, 0x47, 0x18, 0x4A, 0x1D, 0x62, 0xCA, 0x57, 0x04, 0x06, 0xEA, 0x7A, 0xE3,
        0xE5, 0xD3,
    ],
    second: true,
};
/// draft-ietf-quic-tls-29 to 32.
const DRAFT_29: Profile = Profile {
    salt: [
        0xAF, 0xBF, 0xEC, 0x28, 0x99, 0x93, 0xD2, 0x4C, 0x9E, 0x97, 0x86, 0xF1, 0x9C, 0x61, 0x11, 0xE0, 0x43, 0x90,
        0xA8, 0x99,
    ],
    second: false,
};
/// draft-ietf-quic-tls-23 to 28.
const DRAFT_23: Profile = Profile {
    salt: [
        0xC3, 0xEE, 0xF7, 0x12, 0xC7, 0x2E, 0xBB, 0x5A, 0x11, 0xA7, 0xD2, 0x43, 0x2B, 0xB4, 0x63, 0x65, 0xBE, 0xF9,
        0xF5, 0x02,
    ],
    second: false,
};
/// draft-ietf-quic-tls-21 and 22.
const DRAFT_22: Profile = Profile {
    salt: [
        0x7F, 0xBC, 0xDB, 0x0E, 0x7C, 0x66, 0xBB, 0xE9, 0x19, 0x3A, 0x96, 0xCD, 0x21, 0x51, 0x9E, 0xBD, 0x7A, 0x02,
        0x64, 0x4A,
    ],
    second: false,
};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// Protects a packet as its sender would: `header` ends with the packet number of `number_length` bytes.
    pub(crate) fn seal(
        keys: &DirectionKeys,
        header: &[u8],
        number_length: usize,
        number: u64,
        frames: &[u8],
    ) -> Vec<u8> {
        let cipher = Aes128Gcm::new(&Array::from(keys.key));
        let sealed = cipher.encrypt(&Array::from(keys.nonce(number)), Payload { msg: frames, aad: header }).unwrap();
        let mut packet = [header, &sealed].concat();
        let number_at = header.len() - number_length;
        let sample: [u8; 16] = packet[number_at + 4..number_at + 20].try_into().unwrap();
        let mut mask = Array::from(sample);
        Aes128::new(&Array::from(keys.hp)).encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0F;
        for i in 0..number_length {
            packet[number_at + i] ^= mask[1 + i];
        }
        packet
    }

    #[test]
    fn rfc_9001_appendix_a1_keys() {
        let keys = InitialKeys::derive(&V1, &unhex("8394c8f03e515708")).unwrap();
        assert_eq!(keys.client.key.to_vec(), unhex("1f369613dd76d5467730efcbe3b1a22d"));
        assert_eq!(keys.client.iv.to_vec(), unhex("fa044b2f42a3fd3b46fb255c"));
        assert_eq!(keys.client.hp.to_vec(), unhex("9f50449e04a0e810283a1e9933adedd2"));
        assert_eq!(keys.server.key.to_vec(), unhex("cf3a5331653c364c88f0f379b6067e37"));
        assert_eq!(keys.server.iv.to_vec(), unhex("0ac1493ca1905853b0bba03e"));
        assert_eq!(keys.server.hp.to_vec(), unhex("c206b8d9b9f0f37644430b490eeaa314"));
    }

    #[test]
    fn rfc_9369_appendix_a1_keys() {
        let keys = InitialKeys::derive(&V2, &unhex("8394c8f03e515708")).unwrap();
        assert_eq!(keys.client.key.to_vec(), unhex("8b1a0bc121284290a29e0971b5cd045d"));
        assert_eq!(keys.client.iv.to_vec(), unhex("91f73e2351d8fa91660e909f"));
        assert_eq!(keys.client.hp.to_vec(), unhex("45b95e15235d6f45a6b19cbcb0294ba9"));
        assert_eq!(keys.server.key.to_vec(), unhex("82db637861d55e1d011f19ea71d5d2a7"));
        assert_eq!(keys.server.iv.to_vec(), unhex("dd13c276499c0249d3310652"));
        assert_eq!(keys.server.hp.to_vec(), unhex("edf6d05c83121201b436e16877593c3a"));
    }

    /// The server's Initial of RFC 9001 A.3.
    pub(crate) const SERVER_INITIAL: &str = "
        cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb3
        8cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
        022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee";

    /// The frames in it: an ACK and a CRYPTO frame with the ServerHello.
    const SERVER_FRAMES: &str = "
        02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200
        130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00
        020304";

    #[test]
    fn rfc_9001_appendix_a3_server_initial_opens() {
        let keys = InitialKeys::derive(&V1, &unhex("8394c8f03e515708")).unwrap();
        let packet = unhex(SERVER_INITIAL);
        let opened = keys.server().open(&packet, 18, None).unwrap();
        assert_eq!(opened, Opened { number: 1, payload: unhex(SERVER_FRAMES) });
        assert!(keys.client().open(&packet, 18, None).is_none());
    }

    #[test]
    fn a_cut_packet_gives_the_beginning_of_its_frames() {
        let keys = InitialKeys::derive(&V1, &unhex("8394c8f03e515708")).unwrap();
        let packet = unhex(SERVER_INITIAL);
        let opened = keys.server().open_unproven(&packet[..80], 18, None).unwrap();
        assert_eq!(opened.number, 1);
        assert_eq!(opened.payload, unhex(SERVER_FRAMES)[..60]);
    }

    #[test]
    fn what_the_tests_seal_opens_with_both_versions() {
        for version in [0x0000_0001, 0x6B33_43CF, 0xFF00_001D, 0xFF00_0017, 0xFACE_B001] {
            let keys = InitialKeys::derive(&profiles(version)[0], b"dcid").unwrap();
            let packet = seal(keys.client(), &[0xC1, 1, 2, 3, 0, 9], 2, 9, &[1; 40]);
            assert_eq!(keys.client().open(&packet, 4, None), Some(Opened { number: 9, payload: vec![1; 40] }));
        }
    }

    #[test]
    fn packet_numbers_grow_as_rfc_9000_a3_says() {
        assert_eq!(full_number(0x9B32, 2, Some(0xA82F_30EA)), 0xA82F_9B32);
        assert_eq!(full_number(1, 1, None), 1);
        assert_eq!(full_number(0, 1, Some(255)), 256);
        assert_eq!(full_number(0xFF, 1, Some(256)), 255);
    }

    #[test]
    fn damaged_packets_do_not_open() {
        let keys = InitialKeys::derive(&V1, &unhex("8394c8f03e515708")).unwrap();
        let packet = unhex(SERVER_INITIAL);
        for end in 0..packet.len() {
            assert!(keys.server().open(&packet[..end], 18, None).is_none());
            let _ = keys.server().open_unproven(&packet[..end], 18, None);
            let _ = keys.server().open(&packet, end.wrapping_mul(7), Some(u64::MAX));
        }
        for at in 0..packet.len() {
            let mut bent = packet.clone();
            bent[at] ^= 0x55;
            assert!(keys.server().open(&bent, 18, None).is_none());
        }
    }

    #[test]
    fn versions_are_told_apart() {
        assert!(is_reserved(0x1A2A_3A4A) && !is_reserved(1));
        assert!(is_google(u32::from_be_bytes(*b"Q046")) && !is_google(1));
        assert!(profiles(0xDEAD_BEEF).is_empty());
        assert!(profiles(0x6B33_43CF).iter().all(Profile::is_version_2));
    }
}
