//! Opens encrypted records with the secrets of a key log: TLS 1.3, and the AEAD suites of TLS 1.2.
//!
//! What enters: a session's secrets, its suite, and records in order. What leaves: inner type and plaintext of records
//! whose tag is right. Guaranteed: nothing that does not authenticate comes out; a record that does not open changes
//! nothing, so lost records and early data cost only themselves.

use crate::flow::Side;
use crate::protocol::keylog::Secrets;
use crate::protocol::tls::record::{self, Header};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hkdf::hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384};

/// Records that may be missing before one that opens: tried only behind a gap, each try costs a decryption.
const SKIPPED_RECORDS_MAX: u64 = 32;

/// The hash of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
}

/// The AEAD of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Aes128,
    Aes256,
    ChaCha20,
}

impl Kind {
    fn key_bytes(self) -> usize {
        match self {
            Kind::Aes128 => 16,
            Kind::Aes256 | Kind::ChaCha20 => 32,
        }
    }
}

/// Suites that are opened: RFC 8446 B.4; RFC 5288, RFC 5289, RFC 5487, RFC 7905.
fn suite(cipher: u16) -> Option<(Kind, Hash)> {
    Some(match cipher {
        0x1301 => (Kind::Aes128, Hash::Sha256),
        0x1302 => (Kind::Aes256, Hash::Sha384),
        0x1303 | 0xcca8..=0xccae => (Kind::ChaCha20, Hash::Sha256),
        0x009c | 0x009e | 0x00a0 | 0x00a2 | 0x00a4 | 0x00a6 | 0x00a8 | 0x00aa | 0x00ac => (Kind::Aes128, Hash::Sha256),
        0xc02b | 0xc02d | 0xc02f | 0xc031 => (Kind::Aes128, Hash::Sha256),
        0x009d | 0x009f | 0x00a1 | 0x00a3 | 0x00a5 | 0x00a7 | 0x00a9 | 0x00ab | 0x00ad => (Kind::Aes256, Hash::Sha384),
        0xc02c | 0xc02e | 0xc030 | 0xc032 => (Kind::Aes256, Hash::Sha384),
        _ => return None,
    })
}

enum Aead12 {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha20(Box<ChaCha20Poly1305>),
}

/// One direction's key of one epoch, and the next record's number.
struct Key {
    aead: Aead12,
    iv: [u8; 12],
    sequence: u64,
}

impl Key {
    fn new(kind: Kind, key: &[u8], iv: [u8; 12]) -> Option<Key> {
        let aead = match kind {
            Kind::Aes128 => Aead12::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Kind::Aes256 => Aead12::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Kind::ChaCha20 => Aead12::ChaCha20(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
        };
        Some(Key { aead, iv, sequence: 0 })
    }

    /// The initialisation vector with the record number mixed in (RFC 8446 5.3, RFC 7905 2).
    fn nonce(&self, sequence: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }

    fn decrypt(&self, nonce: [u8; 12], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg, aad };
        match &self.aead {
            Aead12::Aes128(a) => a.decrypt(&nonce.into(), payload),
            Aead12::Aes256(a) => a.decrypt(&nonce.into(), payload),
            Aead12::ChaCha20(a) => a.decrypt(&nonce.into(), payload),
        }
        .ok()
    }
}

/// One direction.
#[derive(Default)]
struct Direction {
    /// TLS 1.3: the traffic secret in use; its update follows from it.
    secret: Vec<u8>,
    key: Option<Key>,
    /// TLS 1.3: the secret that follows the Finished.
    next: Option<Vec<u8>>,
    gap: bool,
}

/// Opens the records of one session.
pub struct Opener {
    tls13: bool,
    kind: Kind,
    hash: Hash,
    directions: [Direction; 2],
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener(..)")
    }
}

impl Opener {
    /// `None` where the suite is not among those opened or the log has nothing of use.
    pub fn new(
        secrets: &Secrets,
        tls13: bool,
        cipher: u16,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Option<Opener> {
        let (kind, hash) = suite(cipher)?;
        let mut opener = Opener { tls13, kind, hash, directions: Default::default() };
        if tls13 {
            for ((direction, first), next) in
                opener.directions.iter_mut().zip(&secrets.handshake).zip(&secrets.application)
            {
                direction.next = next.clone();
                if let Some(secret) = first.clone().or_else(|| direction.next.take()) {
                    direction.key = traffic_key(kind, hash, &secret);
                    direction.secret = secret;
                }
            }
        } else {
            let master = secrets.master.as_deref()?;
            let seed = [b"key expansion".as_slice(), server_random, client_random].concat();
            let iv_bytes = if kind == Kind::ChaCha20 { 12 } else { 4 };
            let block = prf(hash, master, &seed, 2 * (kind.key_bytes() + iv_bytes));
            let (keys, ivs) = block.split_at_checked(2 * kind.key_bytes())?;
            let pairs = keys.chunks_exact(kind.key_bytes()).zip(ivs.chunks_exact(iv_bytes));
            for (direction, (key, fixed)) in opener.directions.iter_mut().zip(pairs) {
                let mut iv = [0u8; 12];
                iv.iter_mut().zip(fixed).for_each(|(to, from)| *to = *from);
                direction.key = Key::new(kind, key, iv);
            }
        }
        opener.directions.iter().any(|d| d.key.is_some()).then_some(opener)
    }

    /// The record's inner type and plaintext, where its tag is right.
    pub fn open(&mut self, side: Side, header: Header, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let (tls13, kind) = (self.tls13, self.kind);
        let direction = self.direction(side);
        let tries = if direction.gap { SKIPPED_RECORDS_MAX } else { 1 };
        let key = direction.key.as_mut()?;
        for sequence in key.sequence..key.sequence.saturating_add(tries) {
            let plain =
                if tls13 { open13(key, sequence, header, body) } else { open12(key, kind, sequence, header, body) };
            if let Some(plain) = plain {
                key.sequence = sequence.saturating_add(1);
                direction.gap = false;
                return Some(plain);
            }
        }
        // A log without handshake secrets, or a Finished that was lost: the application keys may be in use already.
        if tls13 && direction.next.is_some() && direction.gap {
            self.finished(side);
            self.direction(side).gap = true;
            return self.open(side, header, body);
        }
        None
    }

    /// The side sent its Finished: application keys from here on.
    pub fn finished(&mut self, side: Side) {
        let (kind, hash) = (self.kind, self.hash);
        let direction = self.direction(side);
        if let Some(secret) = direction.next.take() {
            direction.key = traffic_key(kind, hash, &secret);
            direction.secret = secret;
        }
    }

    /// The side sent a KeyUpdate (RFC 8446 7.2).
    pub fn key_update(&mut self, side: Side) {
        let (kind, hash) = (self.kind, self.hash);
        let direction = self.direction(side);
        if let Some(secret) = expand_label(hash, &direction.secret, "traffic upd", direction.secret.len()) {
            direction.key = traffic_key(kind, hash, &secret);
            direction.secret = secret;
        }
    }

    /// Records of the side are missing.
    pub fn gap(&mut self, side: Side) {
        self.direction(side).gap = true;
    }

    fn direction(&mut self, side: Side) -> &mut Direction {
        let [client, server] = &mut self.directions;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }
}

/// RFC 8446 5.2: the header is authenticated; type and padding are inside.
fn open13(key: &Key, sequence: u64, header: Header, body: &[u8]) -> Option<(u8, Vec<u8>)> {
    let [v0, v1] = header.version.to_be_bytes();
    let [l0, l1] = header.length.to_be_bytes();
    if header.kind != record::APPLICATION_DATA {
        return None;
    }
    let mut plain = key.decrypt(key.nonce(sequence), &[header.kind, v0, v1, l0, l1], body)?;
    let end = plain.iter().rposition(|&b| b != 0)?;
    let kind = plain.get(end).copied()?;
    plain.truncate(end);
    Some((kind, plain))
}

/// RFC 5246 6.2.3.3 with the nonces of RFC 5288 (explicit part in front) and RFC 7905.
fn open12(key: &Key, kind: Kind, sequence: u64, header: Header, body: &[u8]) -> Option<(u8, Vec<u8>)> {
    const TAG_BYTES: usize = 16;
    let (nonce, sealed) = if kind == Kind::ChaCha20 {
        (key.nonce(sequence), body)
    } else {
        let (explicit, sealed) = body.split_at_checked(8)?;
        let mut nonce = key.iv;
        nonce.iter_mut().skip(4).zip(explicit).for_each(|(to, from)| *to = *from);
        (nonce, sealed)
    };
    let length = u16::try_from(sealed.len().checked_sub(TAG_BYTES)?).ok()?;
    let mut aad = [0u8; 13];
    let fields = sequence.to_be_bytes().into_iter().chain([header.kind]);
    let fields = fields.chain(header.version.to_be_bytes()).chain(length.to_be_bytes());
    aad.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    Some((header.kind, key.decrypt(nonce, &aad, sealed)?))
}

/// Key and IV of a traffic secret (RFC 8446 7.3).
fn traffic_key(kind: Kind, hash: Hash, secret: &[u8]) -> Option<Key> {
    let key = expand_label(hash, secret, "key", kind.key_bytes())?;
    let iv = expand_label(hash, secret, "iv", 12)?;
    Key::new(kind, &key, iv.try_into().ok()?)
}

/// HKDF-Expand-Label with an empty context (RFC 8446 7.1).
fn expand_label(hash: Hash, secret: &[u8], label: &str, length: usize) -> Option<Vec<u8>> {
    let mut info = u16::try_from(length).ok()?.to_be_bytes().to_vec();
    info.push(u8::try_from(label.len() + 6).ok()?);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label.as_bytes());
    info.push(0);
    let mut out = vec![0u8; length];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret).ok()?.expand(&info, &mut out).ok()?,
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).ok()?.expand(&info, &mut out).ok()?,
    }
    Some(out)
}

/// P_hash (RFC 5246 5); the label is part of `seed`.
fn prf(hash: Hash, secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mac = |parts: &[&[u8]]| hmac(hash, secret, parts);
    let mut out = Vec::with_capacity(length + 48);
    let mut a = mac(&[seed]);
    while out.len() < length && !a.is_empty() {
        out.extend(mac(&[&a, seed]));
        a = mac(&[&a]);
    }
    out.truncate(length);
    out
}

fn hmac(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    fn run<M: Mac + hkdf::hmac::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let Ok(mut mac) = <M as hkdf::hmac::KeyInit>::new_from_slice(key) else { return Vec::new() };
        parts.iter().for_each(|p| mac.update(p));
        mac.finalize().into_bytes().to_vec()
    }
    match hash {
        Hash::Sha256 => run::<Hmac<Sha256>>(key, parts),
        Hash::Sha384 => run::<Hmac<Sha384>>(key, parts),
    }
}

#[cfg(test)]
pub mod tests {
    //! Records protected here to be opened again.

    use super::*;

    /// Protects TLS 1.3 records with AES-128-GCM, as a peer would.
    pub struct Sealer(Key);

    impl Sealer {
        /// With the keys of a traffic secret.
        pub fn new(secret: &[u8]) -> Self {
            Sealer(traffic_key(Kind::Aes128, Hash::Sha256, secret).unwrap())
        }

        /// A whole record, padded.
        pub fn seal(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
            let inner = [plain, &[kind], &[0; 3]].concat();
            let length = (inner.len() + 16) as u16;
            let header = [23, 3, 3, (length >> 8) as u8, length as u8];
            let nonce = self.0.nonce(self.0.sequence);
            self.0.sequence += 1;
            let Aead12::Aes128(aead) = &self.0.aead else { panic!("AES-128") };
            let sealed = aead.encrypt(&nonce.into(), Payload { msg: &inner, aad: &header }).unwrap();
            [&header[..], &sealed].concat()
        }
    }

    fn header(record: &[u8]) -> Header {
        Header::read(record).unwrap()
    }

    #[test]
    fn labels_expand_as_rfc_8448_shows() {
        // RFC 8448 3: server handshake traffic secret and its write key and IV.
        let hex = |t: &str| -> Vec<u8> {
            (0..t.len() / 2).map(|i| u8::from_str_radix(&t[2 * i..2 * i + 2], 16).unwrap()).collect()
        };
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        assert_eq!(expand_label(Hash::Sha256, &secret, "key", 16).unwrap(), hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(expand_label(Hash::Sha256, &secret, "iv", 12).unwrap(), hex("5d313eb2671276ee13000b30"));
    }

    #[test]
    fn lost_records_are_skipped_only_behind_a_gap() {
        let secrets = Secrets { application: [Some(vec![5; 32]), None], ..Secrets::default() };
        let mut opener = Opener::new(&secrets, true, 0x1301, &[0; 32], &[0; 32]).unwrap();
        let mut sealer = Sealer::new(&[5; 32]);
        let records: Vec<_> = (0..4u8).map(|n| sealer.seal(23, &[n])).collect();
        let open = |opener: &mut Opener, i: usize| {
            let record = &records[i];
            opener.open(Side::Client, header(record), &record[5..]).map(|(_, plain)| plain)
        };
        assert_eq!(open(&mut opener, 0), Some(vec![0]));
        assert_eq!(open(&mut opener, 2), None);
        opener.gap(Side::Client);
        assert_eq!(open(&mut opener, 3), Some(vec![3]));
        assert_eq!(open(&mut opener, 1), None, "an old record is not opened again");
    }

    #[test]
    fn a_flipped_bit_opens_nothing() {
        let record = Sealer::new(&[5; 32]).seal(23, b"data");
        let secrets = Secrets { application: [Some(vec![5; 32]), None], ..Secrets::default() };
        for i in 5..record.len() {
            let mut bent = record.clone();
            bent[i] ^= 1;
            let mut opener = Opener::new(&secrets, true, 0x1301, &[0; 32], &[0; 32]).unwrap();
            assert!(opener.open(Side::Client, header(&bent), &bent[5..]).is_none());
        }
    }
}
