//! SOCKS4, SOCKS4a and SOCKS5 negotiation.
//!
//! What enters: the bytes of both directions in order. What leaves: [`SocksFact`], and the word that from here on the
//! bytes are those of the tunnel. User names and passwords are read over and never kept.

use super::http::{Leftover, Progress};
use crate::bytes::Cursor;
use crate::facts::SocksFact;
use crate::flow::Side;
use crate::limits::{OPTIMISTIC_BYTES_MAX, SOCKS_MESSAGE_BYTES_MAX};
use crate::packet::At;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Username/password authentication (RFC 1929).
const METHOD_PASSWORD: u8 = 2;
/// GSSAPI (RFC 1961).
const METHOD_GSSAPI: u8 = 1;
/// CONNECT in both versions.
const COMMAND_CONNECT: u8 = 1;

/// A longer user id of SOCKS4 is not waited for.
const USER_ID_BYTES_MAX: usize = 64;

/// Whether the first bytes of a client can be a SOCKS greeting or request.
pub fn looks_like_request(prefix: &[u8]) -> bool {
    match prefix {
        // A SOCKS5 greeting: as many methods as announced, and nothing else in what a client sends first (or a request behind it).
        [5, n, methods @ ..] if *n > 0 => {
            let methods = methods.get(..usize::from(*n).min(methods.len())).unwrap_or(&[]);
            methods.len() == usize::from(*n) && methods.iter().all(is_method)
        }
        [4, 1 | 2, rest @ ..] => rest.len() >= 7 && rest.iter().skip(6).any(|b| *b == 0),
        _ => false,
    }
}

/// Assigned, or private (RFC 1928 3).
fn is_method(method: &u8) -> bool {
    matches!(method, 0..=9 | 0x80..)
}

/// Whether more bytes could make such a request of these.
pub fn may_become_request(prefix: &[u8]) -> bool {
    match prefix {
        [4 | 5] | [4, 1 | 2] => true,
        [5, n, methods @ ..] => methods.len() < usize::from(*n) && methods.iter().all(is_method),
        [4, 1 | 2, rest @ ..] => rest.len() < 6 + USER_ID_BYTES_MAX && rest.iter().skip(6).all(|b| *b != 0),
        _ => false,
    }
}

/// What one direction waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Greeting,
    Auth,
    Request,
    /// The tunnel, or what the client sends ahead of the answer.
    Tunnel,
    /// Nothing can be told any more.
    Lost,
}

/// Follows one SOCKS negotiation.
#[derive(Debug, Default)]
pub struct SocksDissector {
    fact: SocksFact,
    stages: [Stage; 2],
    buffers: [Vec<u8>; 2],
    command: u8,
    optimistic: Leftover,
    optimistic_bytes: usize,
    leftover: Leftover,
    tunnel: bool,
}

impl SocksDissector {
    /// At the start of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of one direction in order.
    pub fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Progress {
        if self.tunnel {
            self.leftover.push((side, bytes.to_vec(), at));
            return Progress::More;
        }
        if side == Side::Client && self.stages[0] == Stage::Tunnel {
            self.hold(bytes, at);
            return Progress::More;
        }
        if self.buffer(side).len().saturating_add(bytes.len()) > SOCKS_MESSAGE_BYTES_MAX {
            self.stages = [Stage::Lost; 2];
        }
        if self.stages.contains(&Stage::Lost) {
            return Progress::Done;
        }
        self.buffer(side).extend_from_slice(bytes);
        // An answer can let the bytes that the client sent ahead be understood, so both are tried until neither moves.
        while self.step(Side::Client, at) || self.step(Side::Server, at) {}
        if self.stages.contains(&Stage::Lost) {
            return Progress::Done;
        }
        if self.fact.granted() && self.command == COMMAND_CONNECT {
            self.tunnel = true;
            self.leftover.append(&mut self.optimistic);
            let rest = std::mem::take(&mut self.buffers[1]);
            if !rest.is_empty() {
                self.leftover.push((Side::Server, rest, at));
            }
            return Progress::Tunnel { authority: self.fact.target.clone().unwrap_or_default() };
        }
        if self.fact.reply.is_some() { Progress::Done } else { Progress::More }
    }

    /// Bytes that never come: the negotiation cannot be followed behind them.
    pub fn gap(&mut self, _side: Side, _missing: u64, _at: At) -> Progress {
        if !self.tunnel {
            self.stages = [Stage::Lost; 2];
        }
        Progress::Done
    }

    /// Bytes that already belong to the tunnel, in order, once [`Progress::Tunnel`] was returned.
    pub fn take_leftover(&mut self) -> Leftover {
        std::mem::take(&mut self.leftover)
    }

    /// What the client sent behind a request whose answer was not captured, with the target.
    pub fn take_optimistic(&mut self) -> Option<(String, Leftover)> {
        if self.tunnel || self.fact.reply.is_some() || self.optimistic.is_empty() {
            return None;
        }
        Some((self.fact.target.clone().unwrap_or_default(), std::mem::take(&mut self.optimistic)))
    }

    /// The negotiation; `None` when not even the greeting could be read.
    pub fn finish(self) -> Option<SocksFact> {
        (self.fact.version != 0).then_some(self.fact)
    }

    fn buffer(&mut self, side: Side) -> &mut Vec<u8> {
        let [client, server] = &mut self.buffers;
        if side == Side::Client { client } else { server }
    }

    fn hold(&mut self, bytes: &[u8], at: At) {
        self.optimistic_bytes = self.optimistic_bytes.saturating_add(bytes.len());
        if self.optimistic_bytes <= OPTIMISTIC_BYTES_MAX {
            self.optimistic.push((Side::Client, bytes.to_vec(), at));
        }
    }

    /// Takes one message of one side; true when something was taken.
    fn step(&mut self, side: Side, at: At) -> bool {
        let buffer = std::mem::take(self.buffer(side));
        let mut c = Cursor::new(&buffer);
        let taken = match side {
            Side::Client => self.client(&mut c, at),
            Side::Server => self.server(&mut c, at),
        };
        let used = if taken.is_some() { c.position() } else { 0 };
        let rest = buffer.get(used..).unwrap_or(&[]);
        if side == Side::Client && self.stages[0] == Stage::Tunnel {
            if !rest.is_empty() {
                self.hold(rest, at);
            }
        } else {
            *self.buffer(side) = rest.to_vec();
        }
        taken.is_some() && used > 0
    }

    /// `None`: more bytes are needed (or other ones first).
    fn client(&mut self, c: &mut Cursor<'_>, at: At) -> Option<()> {
        match self.stages[0] {
            Stage::Greeting => match c.u8()? {
                5 => {
                    let count = c.u8()?;
                    let methods = c.take(usize::from(count))?.to_vec();
                    self.fact = SocksFact { version: 5, at, methods, ..SocksFact::default() };
                    self.stages[0] = Stage::Auth;
                }
                4 => self.socks4_request(c, at)?,
                _ => self.stages[0] = Stage::Lost,
            },
            // Which message comes next depends on the method that the server chose; a request tells itself by its version.
            Stage::Auth if c.peek(1)? == [5] => self.socks5_request(c, at)?,
            Stage::Auth => match self.fact.method? {
                METHOD_PASSWORD => {
                    c.skip(1)?;
                    let user = c.u8()?;
                    c.skip(usize::from(user))?;
                    let password = c.u8()?;
                    c.skip(usize::from(password))?;
                    self.stages[0] = Stage::Request;
                }
                METHOD_GSSAPI => gssapi(c, &mut self.stages[0])?,
                _ => self.stages[0] = Stage::Lost,
            },
            Stage::Request => match c.peek(1)? {
                [5] => self.socks5_request(c, at)?,
                _ => self.stages[0] = Stage::Lost,
            },
            Stage::Tunnel | Stage::Lost => return None,
        }
        Some(())
    }

    fn server(&mut self, c: &mut Cursor<'_>, at: At) -> Option<()> {
        if self.fact.version == 4 {
            // SOCKS4 reply: a null byte, the code, port and address.
            let reply = c.take(8)?;
            self.fact.reply = reply.get(1).copied();
            self.fact.reply_at = Some(at);
            self.stages[1] = Stage::Tunnel;
            return Some(());
        }
        match self.stages[1] {
            Stage::Greeting => {
                let (version, method) = (c.u8()?, c.u8()?);
                if version != 5 {
                    self.stages[1] = Stage::Lost;
                    return Some(());
                }
                self.fact.version = 5;
                self.fact.method = Some(method);
                self.stages[1] = match method {
                    METHOD_PASSWORD | METHOD_GSSAPI => Stage::Auth,
                    _ => Stage::Request,
                };
            }
            Stage::Auth if self.fact.method == Some(METHOD_PASSWORD) => {
                let (_version, status) = (c.u8()?, c.u8()?);
                self.fact.auth_status = Some(status);
                self.stages[1] = Stage::Request;
            }
            // The last GSSAPI message of the server may be any; the reply tells itself by its version.
            Stage::Auth if c.peek(1)? == [5] => self.reply(c, at)?,
            Stage::Auth => gssapi(c, &mut self.stages[1])?,
            Stage::Request => self.reply(c, at)?,
            Stage::Tunnel | Stage::Lost => return None,
        }
        Some(())
    }

    /// RFC 1928 6.
    fn reply(&mut self, c: &mut Cursor<'_>, at: At) -> Option<()> {
        if c.u8()? != 5 {
            self.stages[1] = Stage::Lost;
            return Some(());
        }
        let reply = c.u8()?;
        c.skip(1)?;
        address(c)?;
        self.fact.reply = Some(reply);
        self.fact.reply_at = Some(at);
        self.stages[1] = Stage::Tunnel;
        Some(())
    }

    /// RFC 1928 4.
    fn socks5_request(&mut self, c: &mut Cursor<'_>, at: At) -> Option<()> {
        c.skip(1)?;
        let command = c.u8()?;
        c.skip(1)?;
        let target = address(c)?;
        self.request(command, target, at);
        Some(())
    }

    /// SOCKS4 and 4a: version, command, port, address, user id, and for 0.0.0.x a name.
    fn socks4_request(&mut self, c: &mut Cursor<'_>, at: At) -> Option<()> {
        let command = c.u8()?;
        let port = c.u16_be()?;
        let bits = c.u32_be()?;
        zero_ended(c)?;
        let target = if (1..=255).contains(&bits) {
            let name = zero_ended(c)?;
            format!("{}:{port}", clean(name))
        } else {
            format!("{}:{port}", Ipv4Addr::from_bits(bits))
        };
        self.fact = SocksFact { version: 4, at, ..SocksFact::default() };
        self.request(command, target, at);
        Some(())
    }

    fn request(&mut self, command: u8, target: String, at: At) {
        self.command = command;
        self.fact.target = Some(target);
        self.fact.request_at = Some(at);
        self.stages[0] = Stage::Tunnel;
    }
}

/// Address type, address and port (RFC 1928 5) as host:port.
fn address(c: &mut Cursor<'_>) -> Option<String> {
    match c.u8()? {
        1 => {
            let ip = Ipv4Addr::from_bits(c.u32_be()?);
            Some(format!("{ip}:{}", c.u16_be()?))
        }
        4 => {
            let octets = <[u8; 16]>::try_from(c.take(16)?).ok()?;
            Some(SocketAddr::from((Ipv6Addr::from(octets), c.u16_be()?)).to_string())
        }
        3 => {
            let length = c.u8()?;
            let name = clean(c.take(usize::from(length))?);
            Some(format!("{name}:{}", c.u16_be()?))
        }
        _ => None,
    }
}

/// One GSSAPI message (RFC 1961 3): version, type, length, token. From per-message protection on all is opaque.
fn gssapi(c: &mut Cursor<'_>, stage: &mut Stage) -> Option<()> {
    let (version, kind) = (c.u8()?, c.u8()?);
    if version != 1 || !matches!(kind, 1 | 2) {
        *stage = Stage::Lost;
        return Some(());
    }
    let length = c.u16_be()?;
    c.skip(usize::from(length))
}

fn zero_ended<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = c.rest().iter().position(|b| *b == 0)?;
    let bytes = c.take(length)?;
    c.skip(1)?;
    Some(bytes)
}

fn clean(name: &[u8]) -> String {
    name.iter().take(255).map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREETING: &[u8] = &[5, 2, 0, 2];
    const REQUEST: &[u8] = b"\x05\x01\x00\x03\x05a.com\x01\xbb";
    const GRANTED: &[u8] = &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0];

    fn at(frame: u64) -> At {
        At { frame, ..At::default() }
    }

    #[test]
    fn a_socks5_connect_ends_in_a_tunnel() {
        let mut d = SocksDissector::new();
        assert_eq!(d.data(Side::Client, GREETING, at(1)), Progress::More);
        assert_eq!(d.data(Side::Server, &[5, 0], at(2)), Progress::More);
        assert_eq!(d.data(Side::Client, REQUEST, at(3)), Progress::More);
        let answer = [GRANTED, b"banner"].concat();
        assert_eq!(d.data(Side::Server, &answer, at(4)), Progress::Tunnel { authority: "a.com:443".into() });
        assert_eq!(d.take_leftover(), vec![(Side::Server, b"banner".to_vec(), at(4))]);
        let fact = d.finish().unwrap();
        assert!(fact.granted());
        assert_eq!((fact.at.frame, fact.request_at.unwrap().frame, fact.reply_at.unwrap().frame), (1, 3, 4));
        assert_eq!(fact.methods, [0, 2]);
    }

    #[test]
    fn passwords_are_read_over_and_not_kept() {
        let mut d = SocksDissector::new();
        d.data(Side::Client, GREETING, at(1));
        d.data(Side::Server, &[5, 2], at(2));
        d.data(Side::Client, b"\x01\x04user\x06secret", at(3));
        d.data(Side::Server, &[1, 0], at(4));
        d.data(Side::Client, REQUEST, at(5));
        d.data(Side::Server, &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0], at(6));
        let fact = d.finish().unwrap();
        assert_eq!((fact.method, fact.auth_status, fact.reply), (Some(2), Some(0), Some(2)));
        assert_eq!(fact.target.as_deref(), Some("a.com:443"));
        assert!(!format!("{fact:?}").contains("secret") && !format!("{fact:?}").contains("user"));
    }

    #[test]
    fn gssapi_tokens_are_passed_over() {
        let mut d = SocksDissector::new();
        d.data(Side::Client, &[5, 1, 1], at(1));
        d.data(Side::Server, &[5, 1], at(2));
        d.data(Side::Client, &[1, 1, 0, 3, 9, 9, 9], at(3));
        d.data(Side::Server, &[1, 1, 0, 1, 9], at(4));
        d.data(Side::Client, REQUEST, at(5));
        assert!(matches!(d.data(Side::Server, GRANTED, at(6)), Progress::Tunnel { .. }));
    }

    #[test]
    fn socks4_and_4a_name_their_target() {
        let mut d = SocksDissector::new();
        d.data(Side::Client, b"\x04\x01\x01\xbb\x01\x02\x03\x04me\0", at(1));
        let progress = d.data(Side::Server, &[0, 0x5A, 0, 0, 0, 0, 0, 0], at(2));
        assert_eq!(progress, Progress::Tunnel { authority: "1.2.3.4:443".into() });
        let mut d = SocksDissector::new();
        d.data(Side::Client, b"\x04\x01\x01\xbb\0\0\0\x01\0a.com\0hello", at(1));
        assert_eq!(d.data(Side::Server, &[0, 0x5B, 0, 0, 0, 0, 0, 0], at(2)), Progress::Done);
        let fact = d.finish().unwrap();
        assert_eq!((fact.target.as_deref(), fact.reply), (Some("a.com:443"), Some(0x5B)));
    }

    #[test]
    fn everything_sent_at_once_is_sorted_out_byte_by_byte() {
        let client = [GREETING, REQUEST, b"hello"].concat();
        let server = [&[5, 0], GRANTED, b"answer"].concat();
        for size in 1..=client.len().max(server.len()) {
            let mut d = SocksDissector::new();
            for part in client.chunks(size) {
                d.data(Side::Client, part, at(1));
            }
            let mut tunnels = 0;
            for part in server.chunks(size) {
                tunnels += usize::from(matches!(d.data(Side::Server, part, at(2)), Progress::Tunnel { .. }));
            }
            assert_eq!(tunnels, 1, "{size}");
            let bytes = |side| {
                move |l: &Leftover| {
                    l.iter().filter(|(s, ..)| *s == side).flat_map(|(_, b, _)| b.clone()).collect::<Vec<u8>>()
                }
            };
            let leftover = d.take_leftover();
            assert_eq!(bytes(Side::Client)(&leftover), b"hello");
            assert_eq!(bytes(Side::Server)(&leftover), b"answer");
        }
    }

    #[test]
    fn an_unanswered_request_gives_its_early_bytes() {
        let mut d = SocksDissector::new();
        d.data(Side::Client, &[GREETING, REQUEST, b"hi"].concat(), at(1));
        let (target, bytes) = d.take_optimistic().unwrap();
        assert_eq!((target.as_str(), bytes.len()), ("a.com:443", 1));
    }

    #[test]
    fn other_protocols_are_let_go() {
        for hostile in [&b"GET / HTTP/1.1\r\n"[..], &[5, 0], &[4, 9], &[5, 255, 1], &[0x16, 3, 1]] {
            assert!(!looks_like_request(hostile), "{hostile:?}");
        }
        assert!(looks_like_request(GREETING));
        for first in 0..=255_u8 {
            let mut d = SocksDissector::new();
            d.data(Side::Client, &[first, 1, 0, 9], at(1));
            d.data(Side::Server, &[first, 0xFF, 0, 9], at(2));
            d.data(Side::Client, &[first; 600], at(3));
            d.gap(Side::Server, 5, at(4));
            assert_eq!(d.data(Side::Client, &[first; 600], at(5)), Progress::Done);
        }
    }
}
