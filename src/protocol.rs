//! Flows → facts: which dissector reads which flow.
//!
//! What enters: the bytes of a TCP connection's directions in order, gaps known, or a UDP flow's datagrams. What leaves:
//! [`AppFacts`]. Protocols are told by content, on any port and in either direction; ports only break ties.
//! Guaranteed: a dissector holds incomplete messages only, asks for no more bytes ([`Interest::Done`]) as soon as
//! nothing can be learnt from them, and lets go of its buffers then.

pub mod certificate;
pub mod datagrams;
pub mod dns;
pub mod dtls;
pub mod fingerprint;
pub mod hello;
pub mod http;
pub mod keylog;
pub mod pieces;
pub mod quic;
pub mod quic_crypto;
pub mod quic_packet;
pub mod shared;
pub mod sniff;
pub mod socks;
pub mod starttls;
pub mod stream;
pub mod tls;

use crate::facts::{AppFacts, Crowd, Fellow};
use crate::flow::{Ends, FlowSink, Interest, Over, Side};
use crate::packet::At;
use certificate::SharedCertificates;
use datagrams::Datagrams;
use hello::SharedHellos;
use keylog::KeyLog;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use stream::{Env, Stream};

/// What all flows of a capture share.
#[derive(Debug, Default)]
pub struct Context {
    /// Secrets of the case's key logs, where there are any.
    pub key_log: Option<Arc<KeyLog>>,
    /// Hellos met before.
    pub hellos: SharedHellos,
    /// Certificates met before.
    pub certificates: SharedCertificates,
}

impl Context {
    /// Nothing met yet.
    pub fn new(key_log: Option<Arc<KeyLog>>) -> Context {
        Context { key_log, ..Context::default() }
    }
}

/// Reads one flow.
#[derive(Debug)]
pub struct Dissector {
    ends: Ends,
    client_known: bool,
    swapped: bool,
    context: Arc<Context>,
    reader: Reader,
}

/// Small until a flow has data, and again when it is done.
#[derive(Debug)]
enum Reader {
    /// TCP before any data.
    Fresh,
    Tcp(Box<Tcp>),
    Udp(Box<Datagrams>),
    /// Nothing more is read.
    Done(Option<Box<AppFacts>>),
}

#[derive(Debug)]
struct Tcp {
    stream: Stream,
    facts: AppFacts,
}

impl Dissector {
    /// What was found.
    pub fn finish(&mut self) -> AppFacts {
        // Facts leave their box where it is: it is dropped with the dissector.
        if let Reader::Done(facts) = &mut self.reader {
            return facts.as_deref_mut().map(std::mem::take).unwrap_or_default();
        }
        match std::mem::replace(&mut self.reader, Reader::Done(None)) {
            Reader::Fresh | Reader::Done(_) => AppFacts::default(),
            Reader::Tcp(tcp) => {
                let Tcp { stream, mut facts } = *tcp;
                stream.finish(&mut self.env(&mut facts));
                facts.swapped = self.swapped;
                facts
            }
            Reader::Udp(datagrams) => datagrams.finish(),
        }
    }

    /// Ends the reading: facts stay, buffers go.
    fn close(&mut self) {
        let facts = self.finish();
        self.reader = Reader::Done((!facts.is_empty()).then(|| Box::new(facts)));
    }

    /// What was found, where that is known before the end.
    fn found(&self) -> Option<&AppFacts> {
        match &self.reader {
            Reader::Done(facts) => facts.as_deref(),
            Reader::Udp(datagrams) => datagrams.found(),
            Reader::Fresh | Reader::Tcp(_) => None,
        }
    }

    fn env<'a>(&'a mut self, facts: &'a mut AppFacts) -> Env<'a> {
        Env {
            facts,
            ends: self.ends,
            client_known: self.client_known,
            swapped: &mut self.swapped,
            context: &self.context,
        }
    }

    /// The side as the dissectors tell it.
    fn told(&self, side: Side) -> Side {
        if self.swapped { side.other() } else { side }
    }

    fn tcp_step(&mut self, step: impl FnOnce(&mut Stream, &mut Env<'_>) -> Interest) -> Interest {
        let mut tcp = match std::mem::replace(&mut self.reader, Reader::Done(None)) {
            Reader::Tcp(tcp) => tcp,
            Reader::Fresh => Box::new(Tcp { stream: Stream::new(None, 0), facts: AppFacts::default() }),
            other => {
                self.reader = other;
                return Interest::Done;
            }
        };
        let Tcp { stream, facts } = &mut *tcp;
        let interest = step(stream, &mut self.env(facts));
        self.reader = Reader::Tcp(tcp);
        if interest == Interest::Done {
            self.close();
        }
        interest
    }
}

impl FlowSink for Dissector {
    type Context = Context;

    fn tcp(context: &Arc<Context>, ends: Ends, client_known: bool) -> Self {
        Dissector { ends, client_known, swapped: false, context: Arc::clone(context), reader: Reader::Fresh }
    }

    fn udp(context: &Arc<Context>, ends: Ends) -> Self {
        let reader = Reader::Udp(Box::new(Datagrams::new(ends, Arc::clone(context))));
        Dissector { ends, client_known: false, swapped: false, context: Arc::clone(context), reader }
    }

    fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Interest {
        if bytes.is_empty() {
            return Interest::More;
        }
        let side = self.told(side);
        self.tcp_step(|stream, env| stream.data(env, side, bytes, at))
    }

    fn gap(&mut self, side: Side, missing: u64, at: At) -> Interest {
        let side = self.told(side);
        self.tcp_step(|stream, env| stream.gap(env, side, missing, at))
    }

    fn is_empty(&self) -> bool {
        matches!(self.reader, Reader::Fresh | Reader::Done(None))
    }

    fn carries_a_stream(&self) -> bool {
        // Wireshark looks for SOCKS on this port (RFC 1928, 3) only.
        let socks = self.ends.server.port() == 1080 || self.ends.client.port() == 1080;
        socks && matches!(&self.reader, Reader::Tcp(tcp) if tcp.stream.is_socks_tunnel())
    }

    fn outline(&mut self, over: Over, round_trip: i64, hash: &mut dyn Hasher) -> bool {
        match (over, &self.reader) {
            (Over::Closed, Reader::Tcp(_)) => self.close(),
            // It may go on if it is not ordinary, so it is read further unless it is.
            (Over::Idle, Reader::Udp(datagrams)) => {
                let Some(app) = datagrams.quic_so_far().filter(|app| app.outline(round_trip, hash)) else {
                    return false;
                };
                self.reader = Reader::Done(Some(Box::new(app)));
                return true;
            }
            _ => {}
        }
        let server = self.ends.server;
        self.found().is_some_and(|app| {
            if app.is_opaque() {
                return is_inside(server);
            }
            if app.asks_a_server() {
                server.hash(&mut &mut *hash);
            }
            // An idle connection may go on.
            over != Over::Idle && app.outline(round_trip, hash)
        })
    }

    fn join(&self, fellow: &Fellow, crowd: &mut Crowd) -> bool {
        self.found().is_some_and(|app| crowd.take_in(fellow, app))
    }

    fn join_as_first(&self, fellow: &Fellow, crowd: &mut Crowd) -> bool {
        self.found().map(|app| crowd.take_in_first(fellow, app)).is_some()
    }

    fn datagram(&mut self, side: Side, payload: &[u8], cut: bool, at: At) -> Interest {
        let Reader::Udp(datagrams) = &mut self.reader else { return Interest::Done };
        let interest = datagrams.datagram(side, payload, cut, at);
        if interest == Interest::Done {
            self.close();
        }
        interest
    }
}

/// A server of which nobody asks how it was reached where nothing is known of what was said: it has one of the old
/// services' ports, or a private address; the web's ports are a sign-in's.
fn is_inside(server: SocketAddr) -> bool {
    let private = match server.ip().to_canonical() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
    };
    !matches!(server.port(), 80 | 443) && (server.port() < 1024 || private)
}

#[cfg(test)]
mod tests;
