//! Flows that go as one before them are counted beside it instead of kept, so that a large capture of healthy traffic
//! costs little more than its live flows.
//!
//! What enters: flows that are over. What leaves: whether one was ordinary ([`Course`], and what its sink says), the
//! flow before it that went the same way, and the place where a flow began that is no longer in the table. Guaranteed:
//! what is kept of a counted flow is in its [`Crowd`]; packets that come late for it start no flow of their own.

use crate::facts::{Fellow, NEAR_HOPS_MAX, PROMPT_NS, ResetStage, hops};
use crate::flow::key::Key;
use crate::flow::pool::{Pool, Record};
use crate::flow::side::{Half, Rare, RareHalf, between};
use crate::flow::table::Kept;
use crate::flow::tcp::TcpFlow;
use crate::flow::udp::UdpFlow;
use crate::flow::{Ends, FlowSink, Over, Side};
use crate::packet::At;
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

/// A flow that may leave the table.
pub(super) trait Leaving<S>: Record {
    /// Where it began.
    fn start(&self) -> u64;
    /// The course of a flow without trouble, now that it is over as told; `None` for any other.
    fn course(&self, over: Over) -> Option<Course>;
    /// The flow as one of a crowd; `client` is the number of its client.
    fn fellow(&self, client: u32) -> Fellow;
    /// Client and server.
    fn ends(&self) -> Ends;
    /// Nanoseconds of the TCP handshake; 0 for UDP.
    fn round_trip(&self) -> i64;
    /// What reads it.
    fn sink_mut(&mut self) -> Option<&mut S>;
}

impl<S: FlowSink> Leaving<S> for TcpFlow<S> {
    fn start(&self) -> u64 {
        TcpFlow::start(self)
    }

    fn course(&self, over: Over) -> Option<Course> {
        let [client, server] = &self.sides;
        let f = &self.flags;
        let opened = f.client_known && f.syn && self.syn_ack.is_set() && self.established.is_set();
        let unusual = f.flipped || f.syn_data || f.simultaneous || f.quoted || f.tunnel || f.carries;
        if !opened || unusual || self.numbered != TcpFlow::start(self) {
            return None;
        }
        let complete = |h: &Half| h.first_data.is_set() && h.waiting.is_none();
        let whole = |h: &RareHalf| h.given_up == 0 && h.conflicts == 0;
        let calm = |r: &Rare| r.more_syn_count == 0 && r.other_base.is_none() && r.halves.iter().all(whole);
        let prompt = self.handshake_nanos().is_some_and(|n| n < PROMPT_NS);
        if !prompt || !self.sides.iter().all(complete) || !self.rare.as_deref().is_none_or(calm) {
            return None;
        }
        if over != Over::Idle {
            let end = self.good_end()?;
            let (asked, answered) = (client.last_data.at(self.first)?, server.last_data.at(self.first)?);
            let prompt = between(client.first_data, server.first_data).is_some_and(|n| n < PROMPT_NS);
            if !prompt || answered.time < asked.time && end.time.since(asked.time) >= PROMPT_NS {
                return None;
            }
        } else if f.closed {
            return None;
        }
        let [ttl, ..] = server.ttl;
        Some(Course { tcp: true, server_port: self.ends().server.port(), near: is_near(ttl), pid: self.pid })
    }

    fn fellow(&self, client: u32) -> Fellow {
        let ([own, peer], facts) = (&self.sides, self.sides());
        Fellow {
            began: self.first.time,
            ended: self.last.at(self.first).unwrap_or(self.first).time,
            client,
            server: self.ends().server,
            handshake_rtt: self.handshake_nanos(),
            first_answer: between(own.first_data, peer.first_data),
            missed_bytes: facts.iter().map(|s| s.missed_bytes).sum(),
            cut_bytes: facts.iter().map(|s| s.cut_bytes).sum(),
        }
    }

    fn ends(&self) -> Ends {
        TcpFlow::ends(self)
    }

    fn round_trip(&self) -> i64 {
        self.handshake_nanos().unwrap_or(0)
    }

    fn sink_mut(&mut self) -> Option<&mut S> {
        self.sink.as_deref_mut()
    }
}

impl<S: FlowSink> TcpFlow<S> {
    /// The client's end of a connection that both sides closed, or that the client reset after it was answered.
    fn good_end(&self) -> Option<At> {
        let finished = |h: &Half| h.fin.is_set() && h.acked > h.fin_offset;
        let [client, _] = &self.sides;
        match self.rare.as_ref().map_or(&[][..], |r| r.resets.as_slice()) {
            [] if self.sides.iter().all(finished) => client.fin.at(self.first),
            [reset] if reset.stage == ResetStage::AfterBoth && reset.by == Side::Client => Some(reset.at),
            _ => None,
        }
    }
}

impl<S: FlowSink> UdpFlow<S> {
    /// One datagram of each side was seen.
    pub(super) fn is_question_and_answer(&self) -> bool {
        self.sides.iter().all(|h| h.packets == 1)
    }
}

impl<S: FlowSink> Leaving<S> for UdpFlow<S> {
    fn start(&self) -> u64 {
        self.start
    }

    fn course(&self, _: Over) -> Option<Course> {
        let [client, server] = &self.sides;
        let heard = client.packets > 0 && server.packets > 0 && !self.quoted;
        let ([ttl, ..], server_port) = (server.ttl, self.ends().server.port());
        heard.then_some(Course { tcp: false, server_port, near: is_near(ttl), pid: self.pid })
    }

    fn fellow(&self, client: u32) -> Fellow {
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

    fn ends(&self) -> Ends {
        UdpFlow::ends(self)
    }

    fn round_trip(&self) -> i64 {
        0
    }

    fn sink_mut(&mut self) -> Option<&mut S> {
        self.sink.as_deref_mut()
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
pub(super) struct First {
    hash: u64,
    course: Course,
    index: u32,
}

/// What became of a flow that was to leave the table.
#[derive(Debug)]
pub(super) enum Parting<F> {
    /// It stays: it is not over, or has something of its own to tell.
    Stays,
    /// It is counted.
    Counted,
    /// It has left, and is to be kept: as the first of its kind, once it has a number.
    Kept(F, First),
}

/// A flow that left the table: the hash of its ends stands for them, and where it began.
#[derive(Debug, Clone, Copy)]
struct Gone {
    hash: u64,
    start: u64,
}

impl Crowds {
    /// Takes the flow in a slot of the table out, if it is over as told and was ordinary, and counts it beside the kept
    /// one that went the same way. What began before that one is kept: reports tell what came first.
    pub(super) fn part<S: FlowSink, F: Leaving<S>>(
        &mut self,
        pool: &mut Pool<F>,
        slot: u32,
        over: Over,
        kept: &mut [Kept<S>],
    ) -> Parting<F> {
        let Some((flow, course)) = pool.get_mut(slot).and_then(|f| f.course(over).map(|course| (f, course))) else {
            return Parting::Stays;
        };
        let mut hash = self.hasher.build_hasher();
        course.hash(&mut hash);
        let round_trip = flow.round_trip();
        if !flow.sink_mut().is_some_and(|sink| sink.outline(over, round_trip, &mut hash)) {
            return Parting::Stays;
        }
        let hash = hash.finish();
        let Some(mut flow) = pool.remove(slot) else { return Parting::Stays };
        let tcp = course.tcp;
        self.note_gone(flow.key(), tcp, flow.start());
        let fellow = flow.fellow(self.client(flow.ends().client.ip()));
        let mark = First { hash, course, index: u32::MAX };
        let Some(sink) = flow.sink_mut() else { return Parting::Kept(flow, mark) };
        let alike = |f: &First| {
            let first = || kept.get(f.index as usize).and_then(|k| k.flow.sink());
            f.hash == hash && f.course == course && first().is_some_and(|first| first.went_as(sink))
        };
        let first = self.firsts.find(hash, alike).map(|f| f.index as usize);
        let counted = first.and_then(|index| kept.get_mut(index)).is_some_and(|first| first.count(&fellow, sink));
        if counted { Parting::Counted } else { Parting::Kept(flow, mark) }
    }

    /// The flow of which [`Crowds::part`] spoke is now kept as number `index`.
    pub(super) fn note_first(&mut self, first: First, index: usize) {
        if let Ok(index) = u32::try_from(index) {
            self.firsts.insert_unique(first.hash, First { index, ..first }, |f| f.hash);
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

impl<S: FlowSink> Kept<S> {
    /// Counts a flow that went as this one; false where it began before, or the crowd has no room for what is its own.
    fn count(&mut self, fellow: &Fellow, sink: &S) -> bool {
        if fellow.began < self.flow.first().time {
            return false;
        }
        let mut crowd = self.crowd.take().unwrap_or_default();
        let counted = sink.join(fellow, &mut crowd);
        self.crowd = (!crowd.is_empty()).then_some(crowd);
        counted
    }
}
