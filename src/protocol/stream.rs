//! One two-way byte stream and what it carries: a TCP connection, the inside of a tunnel, or of an opened TLS session.
//!
//! What enters: both directions' bytes in order, and their gaps. What leaves: facts, pushed in the order of nesting
//! (the CONNECT before the TLS session inside it). Guaranteed: at most `HELD_BYTES_MAX` bytes are held before the
//! protocol is known, and at most `DEPTH_MAX` streams are nested.

use crate::facts::{AppFacts, append_only};
use crate::flow::{Ends, Interest, Side};
use crate::packet::At;
use crate::protocol::http::{self, HttpDissector};
use crate::protocol::sniff::{self, DECISION_BYTES, Guess};
use crate::protocol::socks::SocksDissector;
use crate::protocol::starttls::{ClearText, Next};
use crate::protocol::tls::TlsDissector;
use crate::protocol::{Context, dns};
use std::net::SocketAddr;
use std::sync::Arc;

/// Streams in one another: TLS in CONNECT in TLS to the proxy is three.
const DEPTH_MAX: u8 = 6;

/// Bytes of one side held behind a gap until the other side's beginning tells the protocol: a segment, the rest of a
/// ClientHello whose head the capture misses.
const BEHIND_GAP_BYTES: usize = 1500;

/// Bytes of both sides held until the protocol is known.
const HELD_BYTES_MAX: usize = 2 * BEHIND_GAP_BYTES;

/// DNS messages kept of one connection: a zone transfer has no end.
const DNS_MESSAGES_MAX: usize = 256;

/// What a stream may use of its flow.
#[derive(Debug)]
pub struct Env<'a> {
    /// Where results go.
    pub facts: &'a mut AppFacts,
    /// The flow's ends as TCP told them.
    pub ends: Ends,
    /// A SYN told who the client is.
    pub client_known: bool,
    /// Client and server are the other way round.
    pub swapped: &'a mut bool,
    /// What all flows share.
    pub context: &'a Arc<Context>,
}

/// What arrived on one side.
#[derive(Debug)]
enum Piece {
    Data(Vec<u8>),
    Gap(u64),
}

#[derive(Debug)]
enum State {
    /// Not known yet; what came so far.
    Sniff(Vec<(Side, Piece, At)>),
    Tls(Box<TlsDissector>, Option<Box<Stream>>),
    Http(Box<HttpDissector>, Option<Box<Stream>>),
    Socks(Box<SocksDissector>, Option<Box<Stream>>),
    Dns(Box<dns::TcpDissector>, At),
    Clear(Box<ClearText>),
    Done,
}

/// A two-way byte stream.
#[derive(Debug)]
pub struct Stream {
    tunnel: Option<String>,
    depth: u8,
    /// Inside a TLS session that the key log opened.
    opened: bool,
    /// The TLS client is the stream's server.
    reversed: bool,
    state: State,
}

impl Stream {
    /// At its beginning. `tunnel` is the target of the CONNECT or SOCKS request around it.
    pub fn new(tunnel: Option<String>, depth: u8) -> Self {
        Stream { tunnel, depth, opened: false, reversed: false, state: State::Sniff(Vec::new()) }
    }

    /// What comes from now on is the inside of a SOCKS tunnel.
    pub fn is_socks_tunnel(&self) -> bool {
        matches!(self.state, State::Socks(_, Some(_)))
    }

    /// Bytes of one direction.
    pub fn data(&mut self, env: &mut Env<'_>, side: Side, bytes: &[u8], at: At) -> Interest {
        let session_side = self.session_side(side);
        match &mut self.state {
            State::Sniff(_) => self.sniff(env, side, bytes, at),
            State::Tls(tls, inner) => {
                let interest = tls.data(session_side, bytes, at);
                for opened in tls.take_opened() {
                    if self.depth < DEPTH_MAX {
                        let depth = self.depth + 1;
                        let tunnel = &self.tunnel;
                        let inner = inner.get_or_insert_with(|| {
                            Box::new(Stream { opened: true, ..Stream::new(tunnel.clone(), depth) })
                        });
                        inner.data(env, opened.side, &opened.bytes, opened.at);
                    }
                }
                interest
            }
            State::Http(http, inner) => match inner {
                Some(inner) => {
                    http.tunnelled(side, bytes.len() as u64);
                    inner.data(env, side, bytes, at)
                }
                None => {
                    let progress = http.data(side, bytes, at);
                    self.progress(env, progress)
                }
            },
            State::Socks(socks, inner) => match inner {
                Some(inner) => inner.data(env, side, bytes, at),
                None => {
                    let progress = socks.data(side, bytes, at);
                    self.progress(env, progress)
                }
            },
            State::Dns(dns, last) => {
                *last = at;
                for message in dns.data(side, bytes, at) {
                    push_dns(env, side, message);
                }
                if env.facts.dns.len() < DNS_MESSAGES_MAX { Interest::More } else { Interest::Done }
            }
            State::Clear(clear) => match clear.data(side, bytes, at) {
                Next::More => Interest::More,
                Next::Done => Interest::Done,
                Next::Tls { skip, from } => {
                    let held = clear.take_held();
                    let told = self.settle_sides(env, Some(from), side);
                    self.start_tls(env);
                    if let Some((_, held, held_at)) = held {
                        self.data(env, told, &held, held_at);
                    }
                    self.data(env, told, bytes.get(skip..).unwrap_or(&[]), at)
                }
            },
            State::Done => Interest::Done,
        }
    }

    /// Bytes of one direction that never come.
    pub fn gap(&mut self, env: &mut Env<'_>, side: Side, missing: u64, at: At) -> Interest {
        let session_side = self.session_side(side);
        match &mut self.state {
            State::Sniff(held) => {
                let undecided = held.iter().any(|(s, p, _)| *s == side && matches!(p, Piece::Data(_)));
                held.push((side, Piece::Gap(missing), at));
                // The rest of the first bytes is lost: what is there must do.
                if undecided || held.len() > HELD_BYTES_MAX {
                    self.decide(env, Guess::Other, side).1
                } else {
                    Interest::More
                }
            }
            State::Tls(tls, _) => tls.gap(session_side, missing, at),
            State::Http(http, inner) => match inner {
                Some(inner) => {
                    http.tunnelled(side, missing);
                    inner.gap(env, side, missing, at)
                }
                None => {
                    http.gap(side, missing, at);
                    Interest::More
                }
            },
            State::Socks(socks, inner) => match inner {
                Some(inner) => inner.gap(env, side, missing, at),
                None => {
                    let progress = socks.gap(side, missing, at);
                    self.progress(env, progress)
                }
            },
            State::Dns(dns, last) => {
                *last = at;
                if let Some(message) = dns.gap(side, missing, at) {
                    push_dns(env, side, message);
                }
                Interest::More
            }
            State::Clear(clear) => match clear.gap(side, missing) {
                Next::More => Interest::More,
                _ => Interest::Done,
            },
            State::Done => Interest::Done,
        }
    }

    /// Gives the facts away.
    pub fn finish(mut self, env: &mut Env<'_>) {
        if let State::Sniff(held) = &self.state {
            if held.is_empty() {
                return;
            }
            self.decide(env, Guess::Other, Side::Client);
        }
        match self.state {
            State::Tls(tls, inner) => {
                let mut sessions = tls.finish();
                sessions.iter_mut().for_each(|session| session.reversed = self.reversed);
                append_only(&mut env.facts.tls, sessions);
                if let Some(inner) = inner {
                    inner.finish(env);
                }
            }
            State::Http(mut http, inner) => {
                let rest = http.take_optimistic();
                let mut exchanges = http.finish();
                exchanges.iter_mut().for_each(|exchange| exchange.decrypted |= self.opened);
                append_only(&mut env.facts.http, exchanges);
                finish_inner(env, inner, rest, self.depth);
            }
            State::Socks(mut socks, inner) => {
                let rest = socks.take_optimistic();
                if let Some(fact) = socks.finish() {
                    env.facts.socks.get_or_insert_with(|| Box::new(fact));
                }
                finish_inner(env, inner, rest, self.depth);
            }
            State::Dns(mut dns, last) => {
                for side in [Side::Client, Side::Server] {
                    if let Some(message) = dns.rest(side, last) {
                        push_dns(env, side, message);
                    }
                }
            }
            State::Clear(clear) => {
                if self.depth == 0 {
                    env.facts.unknown_prefix = clear.into_prefix();
                }
            }
            State::Sniff(_) | State::Done => {}
        }
    }

    fn sniff(&mut self, env: &mut Env<'_>, side: Side, bytes: &[u8], at: At) -> Interest {
        let State::Sniff(held) = &mut self.state else { return Interest::More };
        let (mut before, mut behind_gap) = (Vec::new(), false);
        for (_, piece, _) in held.iter().filter(|(earlier, ..)| *earlier == side) {
            match piece {
                Piece::Data(bytes) => before.extend_from_slice(bytes),
                Piece::Gap(_) => behind_gap = true,
            }
        }
        let known = before.len() + bytes.len();
        let guess = if before.is_empty() {
            sniff::guess(bytes, side, env.ends)
        } else {
            sniff::guess(&[&before, bytes].concat(), side, env.ends)
        };
        // Behind a gap the middle of anything may come: the other side's beginning will tell.
        let open = guess == Guess::More && known < DECISION_BYTES
            || guess == Guess::Other && behind_gap && known < BEHIND_GAP_BYTES;
        if open {
            held.push((side, Piece::Data(bytes.to_vec()), at));
            return Interest::More;
        }
        let (flip, _) = self.decide(env, guess, side);
        self.data(env, if flip { side.other() } else { side }, bytes, at)
    }

    /// Settles the protocol and reads what was held. True when the sides changed their names.
    fn decide(&mut self, env: &mut Env<'_>, guess: Guess, side: Side) -> (bool, Interest) {
        let State::Sniff(held) = std::mem::replace(&mut self.state, State::Done) else {
            return (false, Interest::Done);
        };
        let mut flip = false;
        match guess {
            Guess::Tls(from) => {
                flip = self.settle_sides(env, from, side) != side;
                self.start_tls(env);
            }
            Guess::SslV2 => {
                flip = self.settle_sides(env, Some(Side::Client), side) != side;
                let mut tls = TlsDissector::new(self.tunnel.clone(), Arc::clone(env.context));
                tls.expect_sslv2();
                self.state = State::Tls(Box::new(tls), None);
            }
            Guess::Http(from) => {
                if !env.client_known && self.depth == 0 {
                    flip = self.settle_sides(env, Some(from), side) != side;
                }
                self.state = State::Http(Box::default(), None);
            }
            Guess::Socks => self.state = State::Socks(Box::default(), None),
            Guess::Dns => self.state = State::Dns(Box::default(), At::default()),
            Guess::Other | Guess::More => self.state = State::Clear(Box::default()),
        }
        let mut interest = Interest::More;
        for (side, piece, at) in held {
            let side = if flip { side.other() } else { side };
            interest = match piece {
                Piece::Data(bytes) => self.data(env, side, &bytes, at),
                Piece::Gap(missing) => self.gap(env, side, missing, at),
            };
        }
        (flip, interest)
    }

    /// The side as it is told from here on, where the content says that bytes told as `side`'s come `from` there.
    ///
    /// Without a SYN the flow's sides were a guess, which is put right. With one (or inside a tunnel) they are sure: then
    /// the session alone runs against them, as TLS does on the data connections of FTP's active mode.
    fn settle_sides(&mut self, env: &mut Env<'_>, from: Option<Side>, side: Side) -> Side {
        match from {
            Some(from) if from != side && self.depth == 0 && !env.client_known => {
                *env.swapped = !*env.swapped;
                from
            }
            Some(from) => {
                self.reversed = from != side;
                side
            }
            None => side,
        }
    }

    /// The side as the session inside tells it.
    fn session_side(&self, side: Side) -> Side {
        if self.reversed { side.other() } else { side }
    }

    fn start_tls(&mut self, env: &Env<'_>) {
        self.state = State::Tls(Box::new(TlsDissector::new(self.tunnel.clone(), Arc::clone(env.context))), None);
    }

    /// What an HTTP or SOCKS dissector says about the connection.
    fn progress(&mut self, env: &mut Env<'_>, progress: http::Progress) -> Interest {
        let authority = match progress {
            http::Progress::More => return Interest::More,
            http::Progress::Done => return Interest::Done,
            http::Progress::Tunnel { authority } => authority,
        };
        if self.depth >= DEPTH_MAX {
            return Interest::Done;
        }
        let mut fresh = Box::new(Stream { opened: self.opened, ..Stream::new(Some(authority), self.depth + 1) });
        let leftover = match &mut self.state {
            State::Http(http, _) => {
                let leftover = http.take_leftover();
                for (side, bytes, _) in &leftover {
                    http.tunnelled(*side, bytes.len() as u64);
                }
                leftover
            }
            State::Socks(socks, _) => socks.take_leftover(),
            _ => Vec::new(),
        };
        let mut interest = Interest::More;
        for (side, bytes, at) in leftover {
            interest = fresh.data(env, side, &bytes, at);
        }
        match &mut self.state {
            State::Http(_, inner) | State::Socks(_, inner) => *inner = Some(fresh),
            _ => {}
        }
        interest
    }
}

/// Ends the stream inside a tunnel, or reads what the client sent ahead into one whose answer was not captured.
fn finish_inner(env: &mut Env<'_>, inner: Option<Box<Stream>>, ahead: Option<(String, http::Leftover)>, depth: u8) {
    if let Some(inner) = inner {
        inner.finish(env);
    } else if let Some((authority, pieces)) = ahead
        && depth < DEPTH_MAX
    {
        let mut stream = Stream::new(Some(authority), depth + 1);
        for (side, bytes, at) in pieces {
            stream.data(env, side, &bytes, at);
        }
        stream.finish(env);
    }
}

/// Keeps a DNS message with its addresses.
fn push_dns(env: &mut Env<'_>, side: Side, mut message: crate::facts::DnsMessage) {
    if env.facts.dns.len() < DNS_MESSAGES_MAX {
        let (client, server): (SocketAddr, SocketAddr) =
            if *env.swapped { (env.ends.server, env.ends.client) } else { (env.ends.client, env.ends.server) };
        let (src, dst) = if side == Side::Client { (client, server) } else { (server, client) };
        (message.src, message.dst) = (Some(src), Some(dst));
        env.facts.dns.push(message);
    }
}
