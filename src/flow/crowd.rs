//! Flows that go as one before them are counted beside it instead of kept, so that a large capture of healthy traffic
//! costs little more than its live flows.
//!
//! What enters: flows that are over. What leaves: whether one was ordinary ([`Course`], and what its sink says), the
//! flow before it that went the same way, and the place where a flow began that is no longer in the table. Guaranteed:
//! what is kept of a counted flow is in its [`Crowd`]; packets that come late for it start no flow
//! of their own.

use crate::facts::{Crowd, Fellow, NEAR_HOPS_MAX, PROMPT_NS, ResetStage, hops};
use crate::flow::gone::Gone;
use crate::flow::key::Key;
use crate::flow::pool::{Pool, Record};
use crate::flow::side::{Half, Rare, RareHalf, between};
use crate::flow::starts::ShortPlace;
use crate::flow::table::Kept;
use crate::flow::tcp::TcpFlow;
use crate::flow::udp::UdpFlow;
use crate::flow::{Ends, FlowSink, Over, Side};
use crate::packet::At;
use crate::time::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash, Hasher};

/// What ordinary flows that went alike share, as far as the flow stage knows; their sinks know the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Course {
    tcp: bool,
    v4: bool,
    server_port: u16,
    /// The server's packets come from the neighbourhood.
    near: bool,
    pid: Option<u32>,
}

impl Course {
    fn new(tcp: bool, ends: Ends, server_ttl: u8, pid: Option<u32>) -> Course {
        let near = hops(server_ttl) <= NEAR_HOPS_MAX;
        Course { tcp, v4: ends.client.is_ipv4(), server_port: ends.server.port(), near, pid }
    }
}

/// A flow that may leave the table.
pub(super) trait Leaving<S>: Record {
    /// Where it began.
    fn start(&self) -> u64;
    /// The course of a flow without trouble, now that it is over as told; `None` for any other.
    fn course(&self, over: Over) -> Option<Course>;
    /// Last frame.
    fn last(&self) -> At;
    /// It is kept, whatever becomes of it.
    fn is_kept(&self) -> bool;
    /// The flow as one of a crowd.
    fn fellow(&self) -> Fellow;
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
        let whole = |h: &RareHalf| h.given_up == 0 && h.conflicts == 0 && h.denied == 0;
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
        Some(Course::new(true, TcpFlow::ends(self), ttl, self.pid))
    }

    fn last(&self) -> At {
        TcpFlow::last(self)
    }

    fn is_kept(&self) -> bool {
        self.flags.keep
    }

    fn fellow(&self) -> Fellow {
        let ([own, peer], facts, ends) = (&self.sides, self.sides(), TcpFlow::ends(self));
        Fellow {
            began: self.first.time,
            ended: TcpFlow::last(self).time,
            client: ends.client.ip(),
            server: ends.server,
            handshake_rtt: self.handshake_nanos(),
            first_answer: between(own.first_data, peer.first_data),
            missed_bytes: facts.iter().map(|s| s.missed_bytes).sum(),
            cut_bytes: facts.iter().map(|s| s.cut_bytes).sum(),
        }
    }

    fn sink_mut(&mut self) -> Option<&mut S> {
        self.sink.as_deref_mut()
    }
}

impl<S: FlowSink> TcpFlow<S> {
    /// Closed, and nothing that was on its way when it was reset can still be missed.
    pub(super) fn has_ended(&self) -> bool {
        self.flags.closed && (self.flags.done || self.sides.iter().all(|h| !h.flags.reset))
    }

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
        let [ttl, ..] = server.ttl;
        heard.then(|| Course::new(false, UdpFlow::ends(self), ttl, self.pid))
    }

    fn last(&self) -> At {
        UdpFlow::last(self)
    }

    fn is_kept(&self) -> bool {
        self.keep
    }

    fn fellow(&self) -> Fellow {
        let ends = UdpFlow::ends(self);
        Fellow {
            began: self.first.time,
            ended: UdpFlow::last(self).time,
            client: ends.client.ip(),
            server: ends.server,
            handshake_rtt: None,
            first_answer: None,
            missed_bytes: 0,
            cut_bytes: self.sides.iter().map(|h| h.cut).sum(),
        }
    }

    fn sink_mut(&mut self) -> Option<&mut S> {
        self.sink.as_deref_mut()
    }
}

/// Crowds by what their flows share, and the flows that left the table early.
#[derive(Debug)]
pub(super) struct Crowds {
    firsts: Vec<First>,
    /// Their numbers, by outline: a table has twice the places that it needs, which should be small.
    by_outline: HashTable<u32>,
    /// Connections that left the table: the hash of their ends stands for them.
    gone_tcp: Gone<()>,
    /// Conversations, and where they began.
    gone_udp: Gone<ShortPlace>,
    hashers: Hashers,
}

/// First flows for which a list makes room at least.
const FIRSTS_MIN: usize = 16;

/// What outlines are made with, the same for all tables of a capture.
pub(super) type Hashers = [RandomState; 2];

/// The flow of a crowd that is kept.
#[derive(Debug, Clone, Copy)]
struct First {
    outline: Outline,
    /// When it began.
    began: Timestamp,
    index: u32,
}

/// All that the flows of a crowd share, as 128 bits: no two outlines have the same in all the captures there are, and
/// nobody outside knows the seeds.
pub(super) type Outline = [u64; 2];

/// A flow that has left the table and is to be kept.
#[derive(Debug)]
pub(super) struct Parted<F> {
    pub flow: F,
    /// When it began, and its outline where it is the first of its kind.
    pub first: Option<(Outline, Timestamp)>,
}

impl Crowds {
    pub(super) fn new(hashers: Hashers) -> Crowds {
        Crowds {
            firsts: Vec::new(),
            by_outline: HashTable::new(),
            gone_tcp: Gone::default(),
            gone_udp: Gone::default(),
            hashers,
        }
    }

    /// Takes the flow in a slot out of the table, if it is over as told, was ordinary and is not kept in any case, and
    /// counts it beside the one that went the same way. What is the first of its kind, or began before that, is given
    /// back to be kept: reports tell what came first.
    pub(super) fn part<S: FlowSink, F: Leaving<S>>(
        &mut self,
        pool: &mut Pool<F>,
        slot: u32,
        over: Over,
        kept: &mut [Kept<S>],
    ) -> Option<Parted<F>> {
        let flow = pool.get_mut(slot).filter(|f| !f.is_kept())?;
        let (course, fellow) = (flow.course(over)?, flow.fellow());
        // So far behind in a capture as none is, flows stay.
        let start = ShortPlace::new(flow.start())?;
        let [first, second] = &self.hashers;
        let mut hash = Twice(first.build_hasher(), second.build_hasher());
        course.hash(&mut hash);
        let round_trip = fellow.handshake_rtt.unwrap_or(0);
        if !flow.sink_mut()?.outline(over, round_trip, &mut hash) {
            return None;
        }
        let outline = hash.outline();
        self.note_gone(flow.key(), course.tcp, start);
        let first = self.first(outline).and_then(|number| self.firsts.get(number as usize));
        let is_later = first.is_none_or(|f| f.began <= fellow.began);
        let first = first.filter(|_| is_later).and_then(|f| kept.get_mut(f.index as usize));
        if first.zip(flow.sink_mut()).is_some_and(|(first, sink)| first.count(&fellow, sink)) {
            pool.discard(slot);
            return None;
        }
        let first = is_later.then_some((outline, fellow.began));
        Some(Parted { flow: pool.remove(slot)?, first })
    }

    /// The flow with this outline that began then is now kept as number `index`. False if it takes the place of a first
    /// one whose crowd is full.
    pub(super) fn note_first(&mut self, (outline, began): (Outline, Timestamp), index: usize) -> bool {
        let (Ok(index), Ok(number)) = (u32::try_from(index), u32::try_from(self.firsts.len())) else { return false };
        let new = First { outline, began, index };
        if let Some(full) = self.first(outline).and_then(|number| self.firsts.get_mut(number as usize)) {
            *full = new;
            return false;
        }
        if self.firsts.len() == self.firsts.capacity() {
            self.firsts.reserve_exact((self.firsts.len() / 8).max(FIRSTS_MIN));
        }
        self.firsts.push(new);
        let Crowds { firsts, by_outline, .. } = self;
        let hash = |number: &u32| firsts.get(*number as usize).map_or(0, |f| f.outline[0]);
        by_outline.insert_unique(outline[0], number, hash);
        true
    }

    /// The number of the first flow with an outline.
    fn first(&self, outline: Outline) -> Option<u32> {
        let is_it = |number: &u32| self.firsts.get(*number as usize).is_some_and(|f| f.outline == outline);
        self.by_outline.find(outline[0], is_it).copied()
    }

    /// Notes that the flow between these ends left the table.
    fn note_gone(&mut self, key: &Key, tcp: bool, start: ShortPlace) {
        let hash = self.key_hash(key);
        if tcp {
            self.gone_tcp.insert(hash, ());
        } else {
            self.gone_udp.insert(hash, start);
        }
    }

    /// Whether a connection between these ends left the table.
    pub(super) fn is_gone_tcp(&self, key: &Key) -> bool {
        self.gone_tcp.get(self.key_hash(key)).is_some()
    }

    /// Where the last conversation between these ends began that left the table.
    pub(super) fn gone_udp(&self, key: &Key) -> Option<u64> {
        self.gone_udp.get(self.key_hash(key)).map(ShortPlace::place)
    }

    /// Not only the bits that the pools keep: two pairs of ends should never share it.
    fn key_hash(&self, key: &Key) -> u64 {
        let [hasher, _] = &self.hashers;
        key.hash(hasher)
    }
}

/// Two hashes of the same.
struct Twice<H>(H, H);

impl<H: Hasher> Twice<H> {
    fn outline(&self) -> Outline {
        [self.0.finish(), self.1.finish()]
    }
}

impl<H: Hasher> Hasher for Twice<H> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

impl<S: FlowSink> Kept<S> {
    /// Counts a flow that went as this one; false where the crowd has no room for what is its own.
    fn count(&mut self, fellow: &Fellow, sink: &S) -> bool {
        count_in(&mut self.crowd, |crowd| sink.join(fellow, crowd))
    }
}

/// Lets a flow join a crowd, which begins with the first that does; false where it does not join.
pub(super) fn count_in(crowd: &mut Option<Box<Crowd>>, join: impl FnOnce(&mut Crowd) -> bool) -> bool {
    let mut joined = crowd.take().unwrap_or_default();
    let counted = join(&mut joined);
    *crowd = (!joined.is_empty()).then_some(joined);
    counted
}
