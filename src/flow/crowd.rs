//! Flows that go as one before them are counted beside it instead of kept, so that a large capture of healthy traffic
//! costs little more than its live flows.
//!
//! What enters: flows that are over. What leaves: whether one was ordinary ([`Course`], and what its sink says), the
//! flow before it that went the same way, and the place where a flow began that is no longer in the table. Guaranteed:
//! what is kept of a counted flow is in its [`Crowd`]; packets that come late for it start no flow of their own.

use crate::facts::{Fellow, NEAR_HOPS_MAX, PROMPT_NS, ResetStage, hops};
use crate::flow::key::Key;
use crate::flow::side::{Half, Rare, RareHalf, between};
use crate::flow::table::{Kept, KeptFlow};
use crate::flow::tcp::TcpFlow;
use crate::flow::udp::UdpFlow;
use crate::flow::{FlowSink, Over, Side};
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

/// What ordinary flows that went alike share, as far as the flow stage knows; their sinks know the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Course {
    tcp: bool,
    server_port: u16,
    /// The server's packets come from the neighbourhood.
    near: bool,
    pid: Option<u32>,
}

impl<S: FlowSink> TcpFlow<S> {
    /// The course of a connection that is over and had no trouble; `None` for any other.
    pub(super) fn course(&self) -> Option<Course> {
        let [client, server] = &self.sides;
        let f = &self.flags;
        let opened = f.client_known && f.syn && self.syn_ack.is_set() && self.established.is_set();
        let unusual = f.flipped || f.syn_data || f.simultaneous || f.quoted || f.tunnel || f.carries;
        if !f.closed || !opened || unusual || self.numbered != self.start() {
            return None;
        }
        let complete = |h: &Half| h.first_data.is_set() && h.waiting.is_none();
        let whole = |h: &RareHalf| h.given_up == 0 && h.conflicts == 0;
        let calm = |r: &Rare| r.more_syn_count == 0 && r.other_base.is_none() && r.halves.iter().all(whole);
        if !self.sides.iter().all(complete) || !self.rare.as_deref().is_none_or(calm) {
            return None;
        }
        let finished = |h: &Half| h.fin.is_set() && h.acked > h.fin_offset;
        let end = match self.rare.as_ref().map_or(&[][..], |r| r.resets.as_slice()) {
            [] if self.sides.iter().all(finished) => client.fin.at(self.first)?,
            [reset] if reset.stage == ResetStage::AfterBoth && reset.by == Side::Client => reset.at,
            _ => return None,
        };
        let last_data = client.last_data.at(self.first)?;
        let gave_up =
            server.last_data.at(self.first)?.time < last_data.time && end.time.since(last_data.time) >= PROMPT_NS;
        let prompt = |nanos: Option<i64>| nanos.is_some_and(|n| n < PROMPT_NS);
        if gave_up || !prompt(self.handshake_nanos()) || !prompt(between(client.first_data, server.first_data)) {
            return None;
        }
        let [ttl, ..] = server.ttl;
        Some(Course { tcp: true, server_port: self.ends().server.port(), near: is_near(ttl), pid: self.pid })
    }

    /// The connection as one of a crowd.
    pub(super) fn fellow(&self, client: u32) -> Fellow {
        let [own, peer] = &self.sides;
        let sides = self.sides();
        Fellow {
            began: self.first.time,
            ended: self.last.at(self.first).unwrap_or(self.first).time,
            client,
            server: self.ends().server,
            handshake_rtt: self.handshake_nanos(),
            first_answer: between(own.first_data, peer.first_data),
            missed_bytes: sides.iter().map(|s| s.missed_bytes).sum(),
            cut_bytes: sides.iter().map(|s| s.cut_bytes).sum(),
        }
    }
}

impl<S: FlowSink> UdpFlow<S> {
    /// One datagram of each side was seen.
    pub(super) fn is_question_and_answer(&self) -> bool {
        self.sides.iter().all(|h| h.packets == 1)
    }

    /// The course of a conversation in which both sides were heard; `None` for any other.
    pub(super) fn course(&self) -> Option<Course> {
        let [client, server] = &self.sides;
        let heard = client.packets > 0 && server.packets > 0 && !self.quoted;
        let ([ttl, ..], server_port) = (server.ttl, self.ends().server.port());
        heard.then_some(Course { tcp: false, server_port, near: is_near(ttl), pid: self.pid })
    }

    /// The conversation as one of a crowd.
    pub(super) fn fellow(&self, client: u32) -> Fellow {
        Fellow {
            began: self.first.time,
            ended: self.last.at(self.first).unwrap_or(self.first).time,
            client,
            server: self.ends().server,
            handshake_rtt: None,
            first_answer: None,
            missed_bytes: 0,
            cut_bytes: self.sides.iter().map(|h| h.cut).sum(),
        }
    }
}

fn is_near(ttl: u8) -> bool {
    hops(ttl) <= NEAR_HOPS_MAX
}

/// Crowds by what their flows share, and the flows that left the table early.
#[derive(Debug, Default)]
pub(super) struct Crowds {
    firsts: HashTable<First>,
    gone: HashTable<Gone>,
    numbers: hashbrown::HashMap<IpAddr, u32, foldhash::fast::RandomState>,
    clients: Vec<IpAddr>,
    hasher: foldhash::fast::RandomState,
}

/// The flow of a crowd that is kept.
#[derive(Debug, Clone, Copy)]
struct First {
    hash: u64,
    index: u32,
}

/// A flow that left the table: the hash of its ends stands for them, and where it began.
#[derive(Debug, Clone, Copy)]
struct Gone {
    hash: u64,
    start: u64,
}

impl Crowds {
    /// The hash of all that the flows of a crowd share; `None` where the sink has something of its own to tell.
    pub(super) fn hash<S: FlowSink>(&self, course: &Course, over: Over, sink: &mut S) -> Option<u64> {
        let mut hash = self.hasher.build_hasher();
        course.hash(&mut hash);
        sink.outline(over, &mut hash).then(|| hash.finish())
    }

    /// The kept flow that went as `is` says.
    pub(super) fn first<'k, S>(
        &self,
        hash: u64,
        kept: &'k mut [Kept<S>],
        is: impl Fn(&KeptFlow<S>) -> bool,
    ) -> Option<&'k mut Kept<S>> {
        let is = |f: &First| f.hash == hash && kept.get(f.index as usize).is_some_and(|k| is(&k.flow));
        let index = self.firsts.find(hash, is)?.index;
        kept.get_mut(index as usize)
    }

    /// Notes that the kept flow number `index` is the first of its kind.
    pub(super) fn note_first(&mut self, hash: u64, index: usize) {
        if let Ok(index) = u32::try_from(index) {
            self.firsts.insert_unique(hash, First { hash, index }, |f| f.hash);
        }
    }

    /// The number of a client.
    pub(super) fn client(&mut self, client: IpAddr) -> u32 {
        let clients = &mut self.clients;
        *self.numbers.entry(client).or_insert_with(|| {
            clients.push(client);
            u32::try_from(clients.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// All clients by their numbers.
    pub(super) fn into_clients(self) -> Vec<IpAddr> {
        self.clients
    }

    /// Notes that the flow between these ends left the table.
    pub(super) fn note_gone(&mut self, key: &Key, tcp: bool, start: u64) {
        let hash = self.key_hash(key, tcp);
        match self.gone.find_mut(hash, |g| g.hash == hash) {
            Some(gone) => gone.start = start,
            None => {
                self.gone.insert_unique(hash, Gone { hash, start }, |g| g.hash);
            }
        }
    }

    /// Where the last flow between these ends began that left the table.
    pub(super) fn gone(&self, key: &Key, tcp: bool) -> Option<u64> {
        if self.gone.is_empty() {
            return None;
        }
        let hash = self.key_hash(key, tcp);
        self.gone.find(hash, |g| g.hash == hash).map(|g| g.start)
    }

    /// All 64 bits, so that two pairs of ends never share it; nobody outside knows the seed.
    fn key_hash(&self, key: &Key, tcp: bool) -> u64 {
        let hash = key.hash(&self.hasher);
        if tcp { hash } else { !hash }
    }
}
