//! The first bytes of a direction → the protocol they belong to.
//!
//! What enters: what one side sent first. What leaves: a [`Guess`], or the wish for more bytes. Guaranteed: a guess
//! needs at most [`DECISION_BYTES`] bytes; ports are asked only where the content fits several protocols.

use crate::flow::{Ends, Side};
use crate::protocol::tls::messages;
use crate::protocol::tls::record::{self, HEADER_BYTES, Header};
use crate::protocol::{dns, http, socks};

/// Bytes of one side that always suffice to decide (or to give up): the longest thing waited for is the first line of
/// an HTTP request up to its method, an SSLv2 header, a SOCKS greeting.
pub const DECISION_BYTES: usize = 300;

/// What a direction speaks, as far as its first bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// Fewer bytes than are needed.
    More,
    /// TLS; the side is certain where a hello tells it.
    Tls(Option<Side>),
    /// An SSLv2-format ClientHello.
    SslV2,
    /// An HTTP/1.x request or answer: from the client, from the server.
    Http(Side),
    /// A SOCKS greeting or request.
    Socks,
    /// DNS over TCP.
    Dns,
    /// Nothing of these: perhaps a protocol that turns to TLS later (STARTTLS).
    Other,
}

/// Guesses from `bytes`, the first that `side` sent.
pub fn guess(bytes: &[u8], side: Side, ends: Ends) -> Guess {
    let Some(&first) = bytes.first() else { return Guess::More };
    if Header::may_begin_with(bytes.get(..HEADER_BYTES.min(bytes.len())).unwrap_or(&[])) {
        return tls(bytes);
    }
    if first & 0x80 != 0 {
        return sslv2(bytes);
    }
    if http::looks_like_request(bytes) {
        // "GET " and the like: four bytes are enough to leave all other protocols behind.
        return if bytes.len() >= 4 { Guess::Http(Side::Client) } else { Guess::More };
    }
    if http::looks_like_response(bytes) {
        return if bytes.len() >= 7 { Guess::Http(Side::Server) } else { Guess::More };
    }
    let dns_port = ends.client.port() == 53 || ends.server.port() == 53;
    if dns_port && dns::TcpDissector::looks_like(bytes) {
        return if bytes.len() >= 8 { Guess::Dns } else { Guess::More };
    }
    if side == Side::Client && socks::looks_like_request(bytes) {
        return Guess::Socks;
    }
    if side == Side::Client && socks::may_become_request(bytes) {
        return Guess::More;
    }
    Guess::Other
}

/// Bytes that begin like a record: is it one?
fn tls(bytes: &[u8]) -> Guess {
    let Some(head) = bytes.get(..HEADER_BYTES) else { return Guess::More };
    let Some(header) = Header::read(head) else { return Guess::Other };
    if header.kind != record::HANDSHAKE {
        // The rest of a short record can be looked behind: another record must follow there.
        let next = bytes.get(HEADER_BYTES + usize::from(header.length)..).unwrap_or(&[]);
        let next = next.get(..HEADER_BYTES.min(next.len())).unwrap_or(&[]);
        return if Header::may_begin_with(next) { Guess::Tls(None) } else { Guess::Other };
    }
    match bytes.get(HEADER_BYTES) {
        None => Guess::More,
        Some(&messages::CLIENT_HELLO) if header.length >= 4 => Guess::Tls(Some(Side::Client)),
        Some(&messages::SERVER_HELLO) if header.length >= 4 => Guess::Tls(Some(Side::Server)),
        // In the middle of a connection: other messages, or encrypted ones.
        Some(_) => Guess::Tls(None),
    }
}

/// RFC 5246 E.2: a 15-bit length with the high bit set, type 1, version, and lengths that add up.
fn sslv2(bytes: &[u8]) -> Guess {
    let word = |at: usize| bytes.get(at..at + 2).and_then(|w| w.try_into().ok()).map(u16::from_be_bytes);
    match bytes.get(2) {
        None => return Guess::More,
        Some(1) => {}
        Some(_) => return Guess::Other,
    }
    let (Some(length), Some(version), Some(ciphers), Some(session), Some(challenge)) =
        (word(0), word(3), word(5), word(7), word(9))
    else {
        return Guess::More;
    };
    let parts = [ciphers, session, challenge].iter().map(|n| u32::from(*n)).sum::<u32>();
    let version_fits = version == 2 || (0x0300..=0x0304).contains(&version);
    let fits = version_fits && ciphers > 0 && ciphers % 3 == 0 && parts + 9 == u32::from(length & 0x7FFF);
    if !fits {
        return Guess::Other;
    }
    Guess::SslV2
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn ends(server_port: u16) -> Ends {
        Ends {
            client: SocketAddr::from(([192, 0, 2, 1], 50_000)),
            server: SocketAddr::from(([198, 51, 100, 1], server_port)),
        }
    }

    #[test]
    fn every_protocol_is_told_by_its_first_bytes_on_any_port() {
        let sslv2 = [&[0x80, 28, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x2f][..], &[4; 16]].concat();
        let cases: [(&[u8], Side, Guess); 11] = [
            (&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], Side::Client, Guess::Tls(Some(Side::Client))),
            (&[22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3], Side::Client, Guess::Tls(Some(Side::Server))),
            (&[21, 3, 1, 0, 2, 2, 40], Side::Server, Guess::Tls(None)),
            (&[23, 3, 3, 0, 1, 9, 23, 3, 3], Side::Client, Guess::Tls(None)),
            (&[23, 3, 3, 0, 1, 9, 23, 9, 3], Side::Client, Guess::Other),
            (&sslv2, Side::Client, Guess::SslV2),
            (b"CONNECT a:443 HTTP/1.0\r\n", Side::Client, Guess::Http(Side::Client)),
            (b"HTTP/1.1 200 OK\r\n", Side::Client, Guess::Http(Side::Server)),
            (&[5, 2, 0, 2], Side::Client, Guess::Socks),
            (&[5, 2, 0, 2], Side::Server, Guess::Other),
            (b"220 mail.example ESMTP", Side::Server, Guess::Other),
        ];
        for (bytes, side, expected) in cases {
            assert_eq!(guess(bytes, side, ends(8443)), expected, "{bytes:?}");
        }
        let dns = [0, 29, 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(guess(&dns, Side::Client, ends(53)), Guess::Dns);
        assert_eq!(guess(&dns, Side::Client, ends(8443)), Guess::Other);
    }

    #[test]
    fn a_shorter_beginning_asks_for_more_and_never_decides_otherwise() {
        let beginnings: [&[u8]; 5] = [
            &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
            b"HTTP/1.1 200 OK\r\n",
            b"GET / HTTP/1.1\r\n",
            &[5, 3, 0, 1, 2],
            &[4, 1, 1, 187, 20, 190, 151, 7, b'u', 0],
        ];
        for bytes in beginnings {
            let whole = guess(bytes, Side::Client, ends(443));
            for end in 0..bytes.len() {
                let early = guess(&bytes[..end], Side::Client, ends(443));
                assert!(early == Guess::More || early == whole, "{bytes:?} cut at {end}: {early:?}");
            }
        }
    }

    #[test]
    fn nothing_asks_for_more_forever() {
        for first in 0..=255u8 {
            for second in [0, 1, 3, 5, 0x80, 0xff] {
                let bytes = [&[first, second, 3][..], &[0x20; DECISION_BYTES]].concat();
                assert_ne!(guess(&bytes, Side::Client, ends(53)), Guess::More, "{first} {second}");
            }
        }
    }
}
