//! Flow keys, stream numbers and the table of live flows.
//!
//! What enters: packets in file order, either all of a capture or those of one shard (shared out by
//! [`crate::flow::key::Key::shard`]). What leaves: a [`FlowShard`], which [`crate::flow::finished::FinishedFlows`] joins
//! with the other shards'. Guaranteed: every flow has one owner and sees its packets in file order; memory is bounded
//! by [`FlowLimits`] (beyond them flows are given up and counted); a packet of a known flow allocates nothing.

mod parting;

use crate::capture::DropMark;
use crate::facts::{Crowd, FlowTransport, IcmpFact};
use crate::flow::crowd::{Crowds, Hashers};
use crate::flow::firsts::{Folded, NewFirst};
use crate::flow::key::{self, Key, Seed};
use crate::flow::pool::{Pool, Record};
use crate::flow::shelf::{AsTheyAre, Shelf};
use crate::flow::starts::{StartLog, place};
use crate::flow::tcp::TcpFlow;
use crate::flow::udp::UdpFlow;
use crate::flow::{FlowSink, Over};
use crate::limits;
use crate::packet::{At, IcmpError, Packet, PacketEnds, PlainSegment, TcpSegment, Transport, UdpDatagram};
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

/// Slots looked at to find the flow that can be given up most easily.
const CANDIDATES: usize = 32;

/// Packets looked up together: enough misses in flight, few enough that what they brought is still in the cache.
const GROUP: usize = 32;

/// How much one table may keep.
#[derive(Debug, Clone, Copy)]
pub struct FlowLimits {
    /// Live flows, TCP and UDP together.
    pub live_flows: usize,
    /// Finished flows kept.
    pub flow_facts: usize,
    /// Of these, flows with nothing to tell.
    pub plain_flow_facts: usize,
    /// Bytes that wait out of order over all flows.
    pub stream_bytes: usize,
    /// ICMP errors kept, and drops.
    pub errors: usize,
    /// Flows from the first one on that are kept whatever becomes of them; later ones that go as one before them are
    /// only counted.
    pub in_full: u64,
}

impl FlowLimits {
    /// The share of one of `shards` tables of a capture.
    pub fn share_of(shards: usize) -> FlowLimits {
        let share = |n: usize| n.div_ceil(shards.max(1));
        FlowLimits {
            live_flows: share(limits::LIVE_FLOWS_MAX),
            flow_facts: share(limits::FLOW_FACTS_MAX),
            plain_flow_facts: share(limits::PLAIN_FLOW_FACTS_MAX),
            stream_bytes: share(limits::STREAM_BYTES_TOTAL_MAX),
            errors: share(limits::FLOW_ERRORS_MAX),
            in_full: u64::MAX,
        }
    }

    /// With so many flows that are kept in any case.
    pub fn with_in_full(self, flows: usize) -> FlowLimits {
        FlowLimits { in_full: flows as u64, ..self }
    }
}

/// Which flow: its transport and the place where it began.
pub(super) type FlowId = (FlowTransport, u64);

/// A packet that Windows dropped, and the flow it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct DroppedPacket {
    /// When.
    pub at: At,
    /// Where and why.
    pub mark: DropMark,
    /// Source and destination, where the packet has ports.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// IP protocol.
    pub protocol: Option<u8>,
    /// Index of the flow among the finished ones.
    pub flow: Option<usize>,
}

/// An error or a drop, and the flow it belongs to.
#[derive(Debug)]
pub(super) struct About<T> {
    pub place: u64,
    pub what: T,
    pub ends: Option<(u8, SocketAddr, SocketAddr)>,
    pub flow: Option<FlowId>,
}

/// A finished flow, and the ones that went as it did and were only counted.
#[derive(Debug)]
pub(super) struct Kept<S> {
    /// `None` once it was counted like the others, because another table keeps one of its kind.
    pub flow: Option<KeptFlow<S>>,
    pub crowd: Option<Box<Crowd>>,
}

/// A finished flow as the table kept it; boxed, since it is put in order and numbered before facts are made of it.
#[derive(Debug)]
pub(super) enum KeptFlow<S> {
    Tcp(Box<TcpFlow<S>>),
    Udp(Box<UdpFlow<S>>),
}

impl<S> Record for TcpFlow<S> {
    fn key(&self) -> &Key {
        &self.key
    }
}

impl<S> Record for UdpFlow<S> {
    fn key(&self) -> &Key {
        &self.key
    }
}

/// Where a packet belongs.
#[derive(Debug, Clone, Copy)]
struct Aim {
    key: Key,
    /// The lower end of the key sent it.
    from_low: bool,
    tcp: bool,
    hash: u32,
    /// The slot in which its flow is, as far as known.
    likely: Option<u32>,
}

/// What one table saw: all of a capture, or one shard of it.
#[derive(Debug)]
pub struct FlowShard<S> {
    pub(super) flows: Vec<Kept<S>>,
    /// Those of them that are the first of their kind and not yet compared with other tables'; and those that were, and
    /// are only counted.
    pub(super) firsts: Vec<NewFirst>,
    pub(super) folded: Vec<Folded>,
    /// Places where flows began, also those given up: TCP, UDP.
    pub(super) starts: [StartLog; 2],
    pub(super) icmp: Vec<About<IcmpFact>>,
    pub(super) drops: Vec<About<DroppedPacket>>,
    pub(super) conversations: [u64; 2],
    pub(super) given_up: u64,
    pub(super) errors_given_up: u64,
}

/// The flows that live while a capture is read.
#[derive(Debug)]
pub struct FlowTable<S: FlowSink> {
    context: Arc<S::Context>,
    limits: FlowLimits,
    tcp: Pool<TcpFlow<S>>,
    udp: Pool<UdpFlow<S>>,
    shard: FlowShard<S>,
    plain: usize,
    /// Flows that began.
    begun: u64,
    crowds: Crowds,
    /// Bytes that wait out of order in all flows, and the flows that hold some, oldest first (slot, start).
    held: usize,
    holders: VecDeque<(u32, u64)>,
    /// Frame of the last packet and the number of its packets so far.
    frame: (u64, u32),
}

impl<S: FlowSink> FlowTable<S> {
    /// Empty tables for so many shards of a capture, which hash ends with `seed`.
    pub fn of_shards(shards: usize, context: &Arc<S::Context>, limits: FlowLimits, seed: &Seed) -> Vec<Self> {
        let hashers = Hashers::default();
        (0..shards)
            .map(|_| FlowTable::with_hashers(Arc::clone(context), limits, seed.clone(), hashers.clone()))
            .collect()
    }

    /// An empty table; `context` is what the sinks of all flows share.
    pub fn new(context: Arc<S::Context>, limits: FlowLimits) -> Self {
        FlowTable::with_hashers(context, limits, Seed::default(), Hashers::default())
    }

    fn with_hashers(context: Arc<S::Context>, limits: FlowLimits, seed: Seed, hashers: Hashers) -> Self {
        FlowTable {
            context,
            limits,
            tcp: Pool::new(seed.clone()),
            udp: Pool::new(seed),
            shard: FlowShard {
                flows: Vec::new(),
                firsts: Vec::new(),
                folded: Vec::new(),
                starts: Default::default(),
                icmp: Vec::new(),
                drops: Vec::new(),
                conversations: [0; 2],
                given_up: 0,
                errors_given_up: 0,
            },
            begun: 0,
            crowds: Crowds::new(hashers),
            plain: 0,
            held: 0,
            holders: VecDeque::new(),
            frame: (0, 0),
        }
    }

    pub(super) fn shard_mut(&mut self) -> &mut FlowShard<S> {
        &mut self.shard
    }

    /// Takes in one packet, numbered within its frame by the order in which it comes to this table.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let in_frame = self.in_frame(packet);
        self.packet_in_frame(packet, in_frame);
    }

    /// Takes in the packet that is number `in_frame` (from 0) of its frame, where frames carry several and shards
    /// see only some of them.
    pub fn packet_in_frame(&mut self, packet: &Packet<'_>, in_frame: u32) {
        self.frame = (packet.at.frame, in_frame);
        let aim = self.aim(packet.ends());
        self.take(packet, in_frame, aim);
    }

    /// Takes in packets in order, as [`FlowTable::packet`] would one by one.
    pub fn packets<'p, 'w: 'p>(&mut self, packets: impl IntoIterator<Item = &'p Packet<'w>>) {
        let (mut frame, mut n) = self.frame;
        let numbered = packets.into_iter().map(|packet| {
            (frame, n) = (packet.at.frame, if frame == packet.at.frame { n.saturating_add(1) } else { 0 });
            (*packet, n, self.aim(packet.ends()).map_or(0, |aim| aim.hash))
        });
        let numbered: Vec<_> = numbered.collect();
        self.kept_packets(&AsTheyAre, &numbered);
    }

    /// Takes in packets in order, however they are kept. A group is looked up in the index, then its flows are touched,
    /// each step for all of them, so that their cache misses overlap; only then is each packet put together, unless its
    /// connection goes on in good order.
    pub fn kept_packets<'w, K: Shelf<'w>>(&mut self, shelf: &K, kept: &[K::Kept]) {
        let mut slots = [None; GROUP];
        for group in kept.chunks(GROUP) {
            for (slot, kept) in slots.iter_mut().zip(group) {
                let (ends, hash) = (shelf.ends(kept), shelf.hash(kept));
                *slot = ends.and_then(|e| if e.tcp { self.tcp.likely(hash) } else { self.udp.likely(hash) });
            }
            for (slot, kept) in slots.iter_mut().zip(group) {
                let Some((at, e)) = slot.zip(shelf.ends(kept)) else { continue };
                let ports = [e.src_port, e.dst_port];
                let there = if e.tcp { self.tcp.may_have_ports(ports, at) } else { self.udp.may_have_ports(ports, at) };
                *slot = slot.filter(|_| there);
            }
            for (slot, kept) in slots.iter().zip(group) {
                let aim = shelf.ends(kept).map(|ends| {
                    let (key, from_low) = Key::of(&ends);
                    Aim { key, from_low, tcp: ends.tcp, hash: shelf.hash(kept), likely: *slot }
                });
                if self.goes_on(aim.as_ref(), || shelf.plain(kept)) {
                    continue;
                }
                let (packet, in_frame) = shelf.packet(kept);
                self.frame = (packet.at.frame, in_frame);
                self.take(&packet, in_frame, aim);
            }
        }
    }

    /// The short way: a plain segment of a connection that is in good order.
    #[inline(always)]
    fn goes_on(&mut self, aim: Option<&Aim>, plain: impl FnOnce() -> Option<PlainSegment>) -> bool {
        let Some(Aim { from_low, tcp: true, key, likely: Some(slot), .. }) = aim else { return false };
        // What was looked up was the hash; and an eviction since may have given the slot to another.
        let Some(flow) = self.tcp.get_mut(*slot).filter(|flow| flow.key == *key) else { return false };
        let Some(plain) = plain() else { return false };
        let goes_on = flow.goes_on(&plain, *from_low);
        if goes_on {
            self.frame = (plain.at.frame, plain.in_frame);
        }
        goes_on
    }

    fn in_frame(&self, packet: &Packet<'_>) -> u32 {
        let (frame, n) = self.frame;
        if frame == packet.at.frame { n.saturating_add(1) } else { 0 }
    }

    /// Where a packet belongs, without looking yet whether it is there.
    #[inline]
    fn aim(&self, ends: Option<PacketEnds>) -> Option<Aim> {
        let ends = ends?;
        let tcp = ends.tcp;
        let (key, from_low) = Key::of(&ends);
        // Both pools have one seed.
        let hash = self.tcp.hash(&key);
        Some(Aim { key, from_low, tcp, hash, likely: None })
    }

    fn take(&mut self, packet: &Packet<'_>, in_frame: u32, aim: Option<Aim>) {
        let place = place(packet.at.frame, in_frame);
        if let Some(mark) = packet.dropped {
            self.dropped(packet, mark, place);
            return;
        }
        match (&packet.transport, aim) {
            (Transport::Tcp(segment), Some(aim)) => self.segment(packet, segment, place, &aim),
            (Transport::Udp(datagram), Some(aim)) => self.datagram(packet, datagram, place, &aim),
            (Transport::IcmpError(error), _) => self.icmp_error(packet, *error, place),
            _ => {}
        }
    }

    fn segment(&mut self, packet: &Packet<'_>, segment: &TcpSegment<'_>, place: u64, aim: &Aim) {
        let &Aim { key, from_low, hash, likely, .. } = aim;
        let fresh = |keep| {
            let mut flow = TcpFlow::new(key, place, packet.at, segment, from_low);
            flow.flags.keep = keep;
            flow
        };
        let slot = match self.tcp.find(&key, hash, likely) {
            None => {
                let gone = self.crowds.is_gone_tcp(&key);
                if gone && !segment.flags.syn() {
                    // It comes late for a connection that is over and counted.
                    return;
                }
                self.part_idle_tcp(packet.at);
                self.make_room(packet.at);
                let keep = self.begin(FlowTransport::Tcp, place, !gone);
                self.tcp.insert(fresh(keep))
            }
            Some(slot) => {
                if self.tcp.get(slot).is_some_and(|f| f.ends_before(segment, from_low)) {
                    let keep = self.begin(FlowTransport::Tcp, place, false);
                    if let Some(old) = self.tcp.replace(slot, fresh(keep)) {
                        self.retire_tcp(old);
                    }
                }
                Some(slot)
            }
        };
        let Some((slot, flow)) = slot.and_then(|slot| Some((slot, self.tcp.get_mut(slot)?))) else {
            self.shard.given_up = self.shard.given_up.saturating_add(1);
            return;
        };
        if flow.renumber(segment, from_low, place) {
            let [tcp, _] = &mut self.shard.starts;
            tcp.push(place);
        }
        let (before, carried) = (flow.held(), flow.flags.carries);
        flow.segment(&self.context, packet, segment, from_low);
        let (after, over) = (flow.held(), flow.has_ended() && !flow.flags.keep);
        if flow.flags.carries && !carried {
            let [tcp, _] = &mut self.shard.starts;
            tcp.push(place);
        }
        if before != after {
            self.held = self.held.saturating_sub(before).saturating_add(after);
            if after > 0 && !flow.queued {
                flow.queued = true;
                self.holders.push_back((slot, flow.start()));
            }
            self.keep_held_bytes_bounded();
        }
        if over {
            self.part_tcp(slot, Over::Closed);
        }
    }

    fn datagram(&mut self, packet: &Packet<'_>, datagram: &UdpDatagram<'_>, place: u64, aim: &Aim) {
        let &Aim { key, from_low, hash, likely, .. } = aim;
        let slot = match self.udp.find(&key, hash, likely) {
            None => {
                self.part_idle_udp(packet.at);
                self.make_room(packet.at);
                let gone = self.crowds.gone_udp(&key);
                // One that was counted goes on: what comes now stays, under the number that it has.
                let keep = gone.is_some() || self.begin(FlowTransport::Udp, place, true);
                let mut flow = UdpFlow::new(key, gone.unwrap_or(place), packet.at, datagram, from_low);
                flow.keep = keep;
                self.udp.insert(flow)
            }
            found => found,
        };
        let Some((slot, flow)) = slot.and_then(|slot| Some((slot, self.udp.get_mut(slot)?))) else {
            self.shard.given_up = self.shard.given_up.saturating_add(1);
            return;
        };
        flow.datagram(&self.context, packet, datagram, from_low);
        if !flow.keep && flow.is_question_and_answer() {
            self.part_udp(slot, Over::Answered);
        }
    }

    /// Notes that a flow begins. True when it is kept in any case.
    fn begin(&mut self, transport: FlowTransport, place: u64, new_ends: bool) -> bool {
        let ([tcp, udp], [tcp_ends, udp_ends]) = (&mut self.shard.starts, &mut self.shard.conversations);
        let (log, ends) = match transport {
            FlowTransport::Tcp => (tcp, tcp_ends),
            FlowTransport::Udp => (udp, udp_ends),
        };
        log.push(place);
        *ends = ends.saturating_add(u64::from(new_ends));
        self.begun = self.begun.saturating_add(1);
        self.begun <= self.limits.in_full
    }

    fn icmp_error(&mut self, packet: &Packet<'_>, error: IcmpError, place: u64) {
        let fact =
            IcmpFact { at: packet.at, sender: packet.src, receiver: packet.dst, error, flow: None, ttl: packet.ttl };
        let ends = key::ends_of(packet);
        let flow = self.quote(ends);
        if self.shard.icmp.len() < self.limits.errors {
            self.shard.icmp.push(About { place, what: fact, ends, flow });
        } else {
            self.shard.errors_given_up = self.shard.errors_given_up.saturating_add(1);
        }
    }

    fn dropped(&mut self, packet: &Packet<'_>, mark: DropMark, place: u64) {
        let protocol = match &packet.transport {
            Transport::Tcp(_) => Some(key::TCP),
            Transport::Udp(_) => Some(key::UDP),
            Transport::Other(protocol) => Some(*protocol),
            Transport::IcmpError(e) => Some(if e.v6 { 58 } else { 1 }),
        };
        let ends = key::ends_of(packet).filter(|(p, _, _)| Some(*p) == protocol);
        let flow = self.quote(ends);
        let drop =
            DroppedPacket { at: packet.at, mark, ends: ends.map(|(_, src, dst)| (src, dst)), protocol, flow: None };
        if self.shard.drops.len() < self.limits.errors {
            self.shard.drops.push(About { place, what: drop, ends, flow });
        } else {
            self.shard.errors_given_up = self.shard.errors_given_up.saturating_add(1);
        }
    }

    /// The live flow between two ends, which from now on has something to tell.
    fn quote(&mut self, ends: Option<(u8, SocketAddr, SocketAddr)>) -> Option<FlowId> {
        let (protocol, src, dst) = ends?;
        let (key, _) = Key::new(src, dst);
        match protocol {
            key::TCP => {
                let flow = self.tcp.find(&key, self.tcp.hash(&key), None).and_then(|slot| self.tcp.get_mut(slot))?;
                flow.flags.quoted = true;
                Some((FlowTransport::Tcp, flow.start()))
            }
            key::UDP => {
                let flow = self.udp.find(&key, self.udp.hash(&key), None).and_then(|slot| self.udp.get_mut(slot))?;
                flow.quoted = true;
                Some((FlowTransport::Udp, flow.start))
            }
            _ => None,
        }
    }

    /// Gives the oldest holders of waiting bytes up until they all fit.
    fn keep_held_bytes_bounded(&mut self) {
        while self.held > self.limits.stream_bytes {
            let Some((slot, start)) = self.holders.pop_front() else { return };
            let Some(flow) = self.tcp.get_mut(slot).filter(|f| f.start() == start) else { continue };
            flow.queued = false;
            let before = flow.held();
            if before > 0 {
                flow.note_limit();
                flow.flush(&self.context);
                self.held = self.held.saturating_sub(before);
            }
        }
        // Entries of flows that hold nothing any more must not pile up.
        if self.holders.len() > 2 * self.tcp.len() + 1024 {
            let tcp = &mut self.tcp;
            self.holders.retain(|&(slot, start)| match tcp.get_mut(slot) {
                Some(flow) if flow.start() == start => {
                    flow.queued = flow.held() > 0;
                    flow.queued
                }
                _ => false,
            });
        }
    }

    /// Closes a live flow when there is no room for another: one that is over, was never answered, or is idle.
    fn make_room(&mut self, now: At) {
        if self.tcp.len() + self.udp.len() < self.limits.live_flows {
            return;
        }
        if self.tcp.len() >= self.udp.len() {
            let rank = |f: &TcpFlow<S>| (!f.is_closed(), Reverse(now.time.since(f.last().time)));
            let slot = self.tcp.candidate(CANDIDATES, TcpFlow::is_plain, rank);
            if let Some(flow) = slot.and_then(|slot| self.tcp.remove(slot)) {
                self.retire_tcp(flow);
            }
        } else {
            let rank = |f: &UdpFlow<S>| Reverse(now.time.since(f.last().time));
            let slot = self.udp.candidate(CANDIDATES, UdpFlow::is_plain, rank);
            if let Some(flow) = slot.and_then(|slot| self.udp.remove(slot)) {
                let plain = flow.is_plain();
                self.keep(KeptFlow::Udp(Box::new(flow)), plain);
            }
        }
    }

    fn retire_tcp(&mut self, mut flow: TcpFlow<S>) {
        self.held = self.held.saturating_sub(flow.held());
        flow.flush(&self.context);
        let plain = flow.is_plain();
        self.keep(KeptFlow::Tcp(Box::new(flow)), plain);
    }

    /// Keeps a finished flow, as far as the limits allow.
    fn keep(&mut self, flow: KeptFlow<S>, plain: bool) {
        let room = self.shard.flows.len() < self.limits.flow_facts;
        if !room || plain && self.plain >= self.limits.plain_flow_facts {
            self.shard.given_up = self.shard.given_up.saturating_add(1);
            return;
        }
        self.plain += usize::from(plain);
        self.shard.flows.push(Kept { flow: Some(flow), crowd: None });
    }

    /// Ends all flows.
    pub fn finish(mut self) -> FlowShard<S> {
        let (mut icmp, mut drops) = (std::mem::take(&mut self.shard.icmp), std::mem::take(&mut self.shard.drops));
        for about in icmp.iter_mut().filter(|a| a.flow.is_none()) {
            about.flow = self.quote(about.ends);
        }
        for about in drops.iter_mut().filter(|a| a.flow.is_none()) {
            about.flow = self.quote(about.ends);
        }
        (self.shard.icmp, self.shard.drops) = (icmp, drops);
        self.part_all();
        let tcp = std::mem::replace(&mut self.tcp, Pool::new(Seed::default()));
        let udp = std::mem::replace(&mut self.udp, Pool::new(Seed::default()));
        // Of the flows with nothing to tell the earliest are kept.
        let mut plain_starts: Vec<u64> = Vec::new();
        plain_starts.extend(tcp.iter().filter(|f| f.is_plain()).map(|f| f.start()));
        plain_starts.extend(udp.iter().filter(|f| f.is_plain()).map(|f| f.start));
        plain_starts.sort_unstable();
        let plain_room = self.limits.plain_flow_facts.saturating_sub(self.plain);
        let last_kept = plain_starts.get(plain_room).copied().unwrap_or(u64::MAX);
        let dropped = plain_starts.len().saturating_sub(plain_room);
        self.shard.flows.reserve_exact((tcp.len() + udp.len()).saturating_sub(dropped));
        for flow in tcp.into_records() {
            if flow.is_plain() && flow.start() >= last_kept {
                self.shard.given_up = self.shard.given_up.saturating_add(1);
            } else {
                self.retire_tcp(flow);
            }
        }
        for flow in udp.into_records() {
            let plain = flow.is_plain();
            if plain && flow.start >= last_kept {
                self.shard.given_up = self.shard.given_up.saturating_add(1);
            } else {
                self.keep(KeptFlow::Udp(Box::new(flow)), plain);
            }
        }
        self.shard
    }
}
