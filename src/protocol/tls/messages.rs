//! Handshake messages out of record bodies: a record may hold many, a message may span many records.
//!
//! What enters: the plaintext of handshake records in order. What leaves: whole messages, with the frame that began
//! them. Guaranteed: at most one incomplete message of at most
//! [`MESSAGE_BYTES_MAX`] is held.

use crate::limits::MESSAGE_BYTES_MAX;
use crate::packet::At;
use std::borrow::Cow;

/// Handshake types (RFC 8446 B.3).
pub const CLIENT_HELLO: u8 = 1;
/// See [`CLIENT_HELLO`].
pub const SERVER_HELLO: u8 = 2;
/// See [`CLIENT_HELLO`].
pub const CERTIFICATE: u8 = 11;
/// See [`CLIENT_HELLO`].
pub const CERTIFICATE_REQUEST: u8 = 13;
/// See [`CLIENT_HELLO`].
pub const SERVER_HELLO_DONE: u8 = 14;
/// See [`CLIENT_HELLO`].
pub const FINISHED: u8 = 20;
/// See [`CLIENT_HELLO`].
pub const KEY_UPDATE: u8 = 24;

/// Bytes of a message's header: type and 24-bit length.
const HEADER_BYTES: usize = 4;

/// Longest hello that a stack sends: the extensions block has a 16-bit length.
const HELLO_BYTES_MAX: usize = (64 << 10) + 512;

/// How many times the bytes that are there memory is taken for at once: most chains of certificates come in three or
/// four segments.
const RESERVED_TIMES: usize = 4;

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Handshake type.
    pub kind: u8,
    /// Content without the header.
    pub body: Cow<'a, [u8]>,
    /// Frame that began it.
    pub began: At,
    /// Version of the record that began it.
    pub version: u16,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Met<'a> {
    /// A message.
    Message(Message<'a>),
    /// Bytes that cannot begin a message here.
    Implausible,
}

/// The incomplete message of one direction.
#[derive(Debug, Default)]
pub struct Messages {
    held: Vec<u8>,
    began: At,
    version: u16,
}

impl Messages {
    /// Gives up the incomplete message.
    pub fn clear(&mut self) {
        self.held = Vec::new();
    }

    /// Type of the incomplete message.
    pub fn pending_kind(&self) -> Option<u8> {
        self.held.first().copied()
    }

    /// What there is of the incomplete message's body, the frame that began it and its record's version.
    pub fn pending(&self) -> (&[u8], At, u16) {
        (self.held.get(HEADER_BYTES..).unwrap_or(&[]), self.began, self.version)
    }

    /// The next message of `input`, which is shortened by what was consumed; `None` when more is needed. `began`,
    /// `version` and `record_length` belong to the record being read.
    pub fn next<'a>(&mut self, input: &mut &'a [u8], began: At, version: u16, record_length: u16) -> Option<Met<'a>> {
        let first = if self.held.is_empty() { *input.first()? } else { *self.held.first()? };
        if self.held.is_empty() {
            (self.began, self.version) = (began, version);
            if let Some((header, rest)) = input.split_at_checked(HEADER_BYTES) {
                let length = body_length(header);
                if !plausible(first, length, record_length) {
                    return Some(Met::Implausible);
                }
                if let Some((body, rest)) = rest.split_at_checked(length) {
                    *input = rest;
                    return Some(Met::Message(Message { kind: first, body: Cow::Borrowed(body), began, version }));
                }
            } else if !known(first) {
                return Some(Met::Implausible);
            }
        }
        self.hold(input, HEADER_BYTES);
        if self.held.len() < HEADER_BYTES {
            return None;
        }
        let length = body_length(&self.held);
        if !plausible(first, length, record_length) {
            self.clear();
            return Some(Met::Implausible);
        }
        self.hold(input, HEADER_BYTES + length);
        if self.held.len() < HEADER_BYTES + length {
            return None;
        }
        let mut body = std::mem::take(&mut self.held);
        body.drain(..HEADER_BYTES);
        Some(Met::Message(Message { kind: first, body: Cow::Owned(body), began: self.began, version: self.version }))
    }

    /// Moves bytes from `input` until `size` are held.
    fn hold(&mut self, input: &mut &[u8], size: usize) {
        let wanted = size.saturating_sub(self.held.len()).min(input.len());
        if let Some((taken, rest)) = input.split_at_checked(wanted) {
            // Once for the whole message, where a good part of what its length promises is there.
            if size / RESERVED_TIMES <= self.held.len() + taken.len() {
                self.held.reserve_exact(size.saturating_sub(self.held.len()));
            }
            self.held.extend_from_slice(taken);
            *input = rest;
        }
    }
}

/// The length field of a message's header.
fn body_length(header: &[u8]) -> usize {
    match *header {
        [_, a, b, c, ..] => u32::from_be_bytes([0, a, b, c]) as usize,
        _ => 0,
    }
}

/// Handshake types in use: RFC 8446, the older ones of RFC 5246, RFC 8879, and next_proto (67) of the past.
fn known(kind: u8) -> bool {
    matches!(kind, 0..=8 | 11..=16 | 20..=25 | 67 | 254)
}

/// Whether a message of this type and length can begin in a record of that length. Only the long ones span records.
fn plausible(kind: u8, length: usize, record_length: u16) -> bool {
    match kind {
        0 | SERVER_HELLO_DONE => length == 0,
        CLIENT_HELLO | SERVER_HELLO => length <= HELLO_BYTES_MAX,
        _ if !known(kind) => false,
        4 | 8 | 11..=16 | 22 | 25 => length <= MESSAGE_BYTES_MAX,
        // Real Finished are 12 to 64 bytes; everything else is as short.
        _ => length <= usize::from(record_length).max(256),
    }
}

/// Whether the body of a handshake record is in clear, told by its content alone. Behind a ChangeCipherSpec only
/// hellos are (the second ones of a HelloRetryRequest, or of a new session).
pub fn readable(body: &[u8], hellos_only: bool) -> bool {
    let mut rest = body;
    let mut count = 0u32;
    while let Some((header, after)) = rest.split_at_checked(HEADER_BYTES) {
        let kind = header.first().copied().unwrap_or(255);
        let length = body_length(header);
        let hello = matches!(kind, CLIENT_HELLO | SERVER_HELLO);
        // SSL 3.0 to TLS 1.3 drafts: legacy_version begins with 3 (0x7f in the ServerHello of the drafts).
        let version_fits = after.first().is_some_and(|v| matches!(v, 3 | 0x7e | 0x7f));
        if hello && (!version_fits || length < 38) || !hello && (hellos_only && count == 0) {
            return false;
        }
        if !plausible(kind, length, u16::MAX) {
            return false;
        }
        match after.get(length..) {
            Some(next) => rest = next,
            // Only a long message is continued in the next record.
            None => return hello || matches!(kind, CERTIFICATE | 12 | CERTIFICATE_REQUEST | 22),
        }
        count += 1;
    }
    count > 0 && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&[u8]]) -> Vec<(u8, Vec<u8>, u64)> {
        let mut messages = Messages::default();
        let mut out = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let mut input = *part;
            let at = At { frame: i as u64 + 1, ..At::default() };
            while let Some(met) = messages.next(&mut input, at, 0x0303, 100) {
                match met {
                    Met::Message(m) => out.push((m.kind, m.body.into_owned(), m.began.frame)),
                    Met::Implausible => return out,
                }
            }
        }
        out
    }

    #[test]
    fn messages_come_out_however_they_are_cut() {
        let stream = [11, 0, 0, 3, 1, 2, 3, 14, 0, 0, 0, 16, 0, 0, 1, 9];
        for a in 0..stream.len() {
            for b in a..stream.len() {
                let got = read(&[&stream[..a], &stream[a..b], &stream[b..]]);
                let plain: Vec<_> = got.iter().map(|(k, b, _)| (*k, b.as_slice())).collect();
                assert_eq!(plain, [(11, &[1u8, 2, 3][..]), (14, &[]), (16, &[9])], "cut at {a} and {b}");
            }
        }
        assert_eq!(read(&[&stream[..2], &stream[2..]])[0].2, 1, "the frame that began it");
    }

    #[test]
    fn encrypted_bytes_are_no_messages() {
        // A TLS 1.2 GCM Finished: explicit nonce 0, then ciphertext.
        let mut gcm = vec![0u8; 8];
        gcm.extend([0x5a; 32]);
        assert!(!readable(&gcm, true));
        assert!(!readable(&gcm, false));
        assert_eq!(read(&[&[200, 1, 2, 3, 4]]), []);
        assert_eq!(read(&[&[20, 255, 2, 3, 4]]), []);
        assert!(readable(&[14, 0, 0, 0], false));
        assert!(!readable(&[14, 0, 0, 0], true));
        assert!(!readable(&[], false));
    }

    #[test]
    fn an_endless_message_is_refused() {
        assert_eq!(read(&[&[11, 255, 255, 255, 0]]), []);
        assert_eq!(read(&[&[1, 2, 0, 0, 0]]), []);
    }
}
