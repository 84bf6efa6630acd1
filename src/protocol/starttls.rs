//! Protocols that speak in clear first and turn to TLS later: SMTP, IMAP, POP3, FTP, LDAP, XMPP, MySQL, PostgreSQL, RDP.
//!
//! What enters: both directions' bytes, segment by segment. What leaves: where TLS begins. The rule is the same for all
//! of them: after the answer to the upgrade request a segment of the client begins with a ClientHello, whose first
//! eleven bytes no text and no other protocol's message has. The dialect only says how long to wait for it.
//! Guaranteed: nothing but the first bytes of a record is held; unknown protocols are given up after
//! [`UNKNOWN_BYTES_MAX`] bytes of either side.

use crate::flow::Side;
use crate::packet::At;
use crate::protocol::tls::messages;
use crate::protocol::tls::record::{self, Header};

/// Bytes of one side after which TLS no longer comes in a text protocol: greetings, capabilities and logins take a few
/// hundred, a welcome text some thousand.
const TEXT_BYTES_MAX: u64 = 16 << 10;

/// The same for protocols not known here, and for the binary ones, which negotiate in under 200 bytes.
pub const UNKNOWN_BYTES_MAX: u64 = 1 << 10;

/// First bytes kept of each side, to show what was spoken.
const PREFIX_BYTES: usize = 16;

/// Bytes that tell a hello: record header, handshake header, legacy_version.
const HELLO_HEAD_BYTES: usize = 11;

/// MySQL's SSLRequest with its header: four bytes, and 32 of content (protocol documentation, "SSLRequest").
const MYSQL_SSL_REQUEST_BYTES: usize = 36;

/// What the next segment means.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Still in clear.
    More,
    /// TLS begins with the held bytes (those of [`ClearText::take_held`]) or `skip` bytes into this segment.
    Tls {
        /// Bytes of the segment before the TLS record.
        skip: usize,
        /// Who sends the record, as its hello says.
        from: Side,
    },
    /// No TLS will come.
    Done,
}

/// Waits for TLS in a flow that began in clear.
#[derive(Debug, Default)]
pub struct ClearText {
    seen: [u64; 2],
    prefix: [Vec<u8>; 2],
    /// First bytes of what may become a record.
    held: Option<(Side, Vec<u8>, At)>,
    /// The server's greeting is MySQL's.
    mysql: bool,
    text: bool,
}

impl ClearText {
    /// The first bytes of either side: [client, server].
    pub fn into_prefix(self) -> [Vec<u8>; 2] {
        self.prefix
    }

    /// Bytes held back that belong before the segment that brought [`Next::Tls`].
    pub fn take_held(&mut self) -> Option<(Side, Vec<u8>, At)> {
        self.held.take()
    }

    /// One segment.
    pub fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Next {
        if let Some((held_side, held, _)) = &self.held
            && *held_side == side
        {
            let whole = [held.as_slice(), bytes].concat();
            match hello(&whole) {
                Hello::Yes(from) => return Next::Tls { skip: 0, from },
                Hello::More if whole.len() < HELLO_HEAD_BYTES => {
                    if let Some((_, held, _)) = &mut self.held {
                        *held = whole;
                    }
                    return Next::More;
                }
                _ => self.held = None,
            }
        }
        match hello(bytes) {
            Hello::Yes(from) => return Next::Tls { skip: 0, from },
            Hello::More => {
                self.held = Some((side, bytes.to_vec(), at));
                return Next::More;
            }
            Hello::No => {}
        }
        let first_of_side = self.seen.get(side.index()).is_some_and(|n| *n == 0);
        if first_of_side {
            self.text |= is_text(bytes);
            // Packet 0 with protocol version 10.
            self.mysql |= side == Side::Server && matches!(bytes, [_, _, 0, 0, 10, ..]);
            if let Some(prefix) = self.prefix.get_mut(side.index()) {
                prefix.extend(bytes.iter().take(PREFIX_BYTES));
            }
        }
        if self.mysql
            && side == Side::Client
            && bytes.starts_with(&[32, 0, 0])
            && let Some(behind) = bytes.get(MYSQL_SSL_REQUEST_BYTES..)
            && let Hello::Yes(from) = hello(behind)
        {
            return Next::Tls { skip: MYSQL_SSL_REQUEST_BYTES, from };
        }
        let limit = if self.text { TEXT_BYTES_MAX } else { UNKNOWN_BYTES_MAX };
        if let Some(seen) = self.seen.get_mut(side.index()) {
            *seen = seen.saturating_add(bytes.len() as u64);
        }
        if self.seen.iter().any(|n| *n > limit) { Next::Done } else { Next::More }
    }

    /// Bytes that never come.
    pub fn gap(&mut self, side: Side, missing: u64) -> Next {
        self.held = None;
        if let Some(seen) = self.seen.get_mut(side.index()) {
            *seen = seen.saturating_add(missing);
        }
        if self.seen.iter().any(|n| *n > TEXT_BYTES_MAX) { Next::Done } else { Next::More }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Hello {
    Yes(Side),
    No,
    More,
}

/// Whether a segment begins with a record that begins with a hello.
fn hello(bytes: &[u8]) -> Hello {
    let Some(head) = bytes.get(..HELLO_HEAD_BYTES) else {
        let fits = bytes.first() == Some(&record::HANDSHAKE)
            && Header::may_begin_with(bytes.get(..5.min(bytes.len())).unwrap_or(&[]));
        return if fits { Hello::More } else { Hello::No };
    };
    let (Some(header), [kind, a, b, c, major, _]) = (Header::read(head), head.get(5..).unwrap_or(&[])) else {
        return Hello::No;
    };
    let length = u32::from_be_bytes([0, *a, *b, *c]);
    let from = match *kind {
        messages::CLIENT_HELLO => Side::Client,
        messages::SERVER_HELLO => Side::Server,
        _ => return Hello::No,
    };
    let sane = header.kind == record::HANDSHAKE && (38..0x1_0000).contains(&length) && matches!(major, 3 | 0x7f);
    if sane { Hello::Yes(from) } else { Hello::No }
}

/// Greetings and commands: a line of printable ASCII.
fn is_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(32)).unwrap_or(bytes);
    head.len() >= 3 && head.iter().all(|b| matches!(b, 0x20..=0x7e | b'\r' | b'\n' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_hello() -> Vec<u8> {
        let mut record = vec![22, 3, 1, 0, 54, 1, 0, 0, 50, 3, 3];
        record.extend([7; 48]);
        record
    }

    fn run(segments: &[(Side, &[u8])]) -> Vec<Next> {
        let mut clear = ClearText::default();
        segments.iter().map(|(side, bytes)| clear.data(*side, bytes, At::default())).collect()
    }

    #[test]
    fn tls_follows_the_upgrade_of_every_dialect() {
        let hello = client_hello();
        let dialogs: [&[(Side, &[u8])]; 5] = [
            &[
                (Side::Server, b"220 mail.example ESMTP\r\n"),
                (Side::Client, b"STARTTLS\r\n"),
                (Side::Server, b"220 go\r\n"),
            ],
            &[(Side::Server, b"* OK IMAP4\r\n"), (Side::Client, b"a STARTTLS\r\n"), (Side::Server, b"a OK\r\n")],
            &[(Side::Client, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]), (Side::Server, b"S")],
            &[(Side::Client, &[3, 0, 0, 19, 14, 0xe0]), (Side::Server, &[3, 0, 0, 19, 14, 0xd0])],
            &[(Side::Client, b"<stream:stream><starttls/>"), (Side::Server, b"<proceed/>")],
        ];
        for dialog in dialogs {
            let mut all = dialog.to_vec();
            all.push((Side::Client, &hello));
            let steps = run(&all);
            assert_eq!(steps.last(), Some(&Next::Tls { skip: 0, from: Side::Client }));
            assert!(steps.iter().rev().skip(1).all(|s| *s == Next::More));
        }
    }

    #[test]
    fn mysql_sends_its_request_and_the_hello_in_one_segment() {
        let greeting = [&[74, 0, 0, 0, 10][..], b"8.0.30"].concat();
        let request = [&[32, 0, 0, 1, 0x85, 0xae][..], &[0; 30], &client_hello()].concat();
        let steps = run(&[(Side::Server, &greeting), (Side::Client, &request)]);
        assert_eq!(steps[1], Next::Tls { skip: MYSQL_SSL_REQUEST_BYTES, from: Side::Client });
    }

    #[test]
    fn a_hello_in_pieces_is_held_until_it_can_be_told() {
        let hello = client_hello();
        let mut clear = ClearText::default();
        assert_eq!(clear.data(Side::Server, b"220 hello\r\n", At::default()), Next::More);
        for byte in &hello[..HELLO_HEAD_BYTES - 1] {
            assert_eq!(clear.data(Side::Client, &[*byte], At::default()), Next::More);
        }
        let next = clear.data(Side::Client, &hello[HELLO_HEAD_BYTES - 1..], At::default());
        assert_eq!(next, Next::Tls { skip: 0, from: Side::Client });
        assert_eq!(clear.take_held().map(|(_, held, _)| held), Some(hello[..HELLO_HEAD_BYTES - 1].to_vec()));
    }

    #[test]
    fn unknown_protocols_are_given_up_and_their_first_bytes_kept() {
        let mut clear = ClearText::default();
        let mut sent = 0;
        while clear.data(Side::Client, &[0x81; 100], At::default()) == Next::More {
            sent += 100;
            assert!(sent <= 2 * UNKNOWN_BYTES_MAX);
        }
        let mut clear = ClearText::default();
        clear.data(Side::Client, b"\x01\x02SMB", At::default());
        assert_eq!(clear.into_prefix(), [b"\x01\x02SMB".to_vec(), Vec::new()]);
    }

    #[test]
    fn application_data_of_a_strange_protocol_is_no_hello() {
        for end in 0..client_hello().len() {
            let mut bent = client_hello();
            bent[end] ^= 0xff;
            let step = run(&[(Side::Client, &bent)]);
            let sure = matches!(step[0], Next::Tls { .. });
            assert!(!sure || !(0..7).contains(&end) || end == 2 || end == 3 || end == 4, "byte {end}");
        }
    }
}
