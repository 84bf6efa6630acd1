//! One capture: frames → packets → flows → facts, on all threads of the pool that it is called in.
//!
//! What enters: a reader of frames. What leaves: the capture's facts. One thread reads and decodes in file order, a batch
//! of windows at a time, and gives each packet to the shard of its flow; meanwhile the shards work off the batches before,
//! each in file order. Guaranteed: every flow has one owner and sees its packets as they stand in the file, so the
//! facts do not depend on threads, windows or batches; beside the flows there are a few batches in memory.

use super::pipeline::pipeline;
use super::threads::Way;
use crate::capture::{Frame, FrameSource, Room, emptied};
use crate::error::Error;
use crate::facts::{CaptureFacts, DnsMessage, DropFact};
use crate::flow::finished::{FinishedFlow, FinishedFlows};
use crate::flow::firsts::Firsts;
use crate::flow::key::{Key, Seed, shard_of};
use crate::flow::shelf::Shelf;
use crate::flow::table::{FlowLimits, FlowTable};
use crate::lang::Message;
use crate::limits::{BATCH_BYTES, BATCH_BYTES_ALONE, FLOW_SHARDS};
use crate::message;
use crate::packet::decoder::{DecodeStats, Decoder};
use crate::packet::fast::{self, Parts, Use};
use crate::packet::stored::{Beside, ROOMS_MAX, Stored};
use crate::packet::{Packet, PacketEnds, PlainSegment, Transport};
use crate::protocol::{Context, Dissector};
use rayon::prelude::*;
use std::sync::Arc;

/// Which flows of a capture are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of them, one by one.
    Each,
    /// Each of the first so many; behind them those that go as one before them are only counted.
    Telling(usize),
}

/// Reads a capture to its end. `progress` is told the position in the input after each batch.
pub fn read(
    mut source: Box<dyn FrameSource + '_>,
    context: Arc<Context>,
    wanted: Wanted,
    way: Way,
    progress: &mut dyn FnMut(u64),
) -> Result<CaptureFacts, Error> {
    let in_full = match wanted {
        Wanted::Each => usize::MAX,
        Wanted::Telling(first) => first,
    };
    let limits = FlowLimits::share_of(FLOW_SHARDS).with_in_full(in_full.div_ceil(FLOW_SHARDS));
    let seed = Seed::default();
    let mut shards: Vec<FlowTable<Dissector>> = FlowTable::of_shards(FLOW_SHARDS, &context, limits, &seed);
    let mut firsts = Firsts::default();
    let mut front = Front { decoder: Decoder::new(), frames: Vec::new(), seed };
    if way == Way::Alone || rayon::current_num_threads() == 1 {
        let mut batch = Batch::default();
        let mut more = true;
        while more {
            more = front.fill(&mut batch, source.as_mut(), BATCH_BYTES_ALONE)?;
            shards.iter_mut().zip(&batch.lists).for_each(|(shard, list)| batch.work_off(list, shard));
            firsts.settle(&mut shards);
            progress(batch.position);
        }
    } else {
        // The calling thread follows the flows, another one reads: what stays is made where flows are followed, and the
        // heap of the first thread grows at the least cost (glibc takes memory for the others page by page).
        let follow = |batch: &Batch| {
            rayon::scope(|scope| {
                for (shard, list) in shards.iter_mut().zip(&batch.lists).filter(|(_, list)| !list.is_empty()) {
                    scope.spawn(move |_| batch.work_off(list, shard));
                }
            });
            firsts.settle(&mut shards);
            progress(batch.position);
        };
        pipeline(|batch| front.fill(batch, source.as_mut(), BATCH_BYTES), follow)?;
    }
    let mut shards: Vec<_> = match way {
        Way::Alone => shards.into_iter().map(FlowTable::finish).collect(),
        Way::Together => shards.into_par_iter().map(FlowTable::finish).collect(),
    };
    firsts.join(&mut shards);
    Ok(facts(source, front.decoder.finish(), FinishedFlows::from_shards(shards), way))
}

/// Gives packets to the shards of their flows.
struct Sorter<'b> {
    lists: &'b mut [Vec<Stored>; FLOW_SHARDS],
    beside: &'b mut Beside,
    seed: &'b Seed,
}

impl Sorter<'_> {
    /// Any packet.
    #[inline(never)]
    fn keep(&mut self, packet: &Packet<'_>, in_frame: u32, room: (u16, &Room)) {
        // Of these nothing but a drop is of interest.
        if matches!(packet.transport, Transport::Other(_)) && packet.dropped.is_none() {
            return;
        }
        let key = packet.ends().map(|ends| Key::of(&ends).0);
        let hash = key.as_ref().map_or(0, |key| self.seed.hash(key));
        let shard = key.map_or_else(|| shard_of(packet, FLOW_SHARDS), |key| key.shard(FLOW_SHARDS));
        let Some(list) = self.lists.get_mut(shard) else { return };
        self.beside.store(packet, in_frame, room, hash, list);
    }
}

/// Keeps the packet of a plain frame, which lies in the numbered room.
struct Keeping<'k, 'b, 'w> {
    sorter: &'k mut Sorter<'b>,
    frame: &'k Frame<'w>,
    room: (u16, &'w Room),
}

impl<'w> Use<'w> for Keeping<'_, '_, 'w> {
    type Made = ();

    #[inline(always)]
    fn of(self, parts: &Parts<'w>) {
        let Keeping { sorter, frame, room } = self;
        let (key, _) = Key::of(&parts.ends);
        let Some(list) = sorter.lists.get_mut(key.shard(FLOW_SHARDS)) else { return };
        if sorter.beside.store_plain(frame, parts, room, sorter.seed.hash(&key), list).is_none() {
            sorter.keep(&parts.packet(frame), 0, room);
        }
    }
}

/// What reads and decodes, in file order.
struct Front {
    decoder: Decoder,
    /// Kept between windows for its allocation only; always empty there.
    frames: Vec<Frame<'static>>,
    /// What the tables of flows hash with.
    seed: Seed,
}

/// Packets on their way from the front to the shards.
#[derive(Default)]
struct Batch {
    rooms: Vec<Room>,
    /// Rooms in use, from the first on.
    used: usize,
    /// The packets of each shard.
    lists: [Vec<Stored>; FLOW_SHARDS],
    beside: Beside,
    /// Where the input was read to.
    position: u64,
}

impl Batch {
    fn clear(&mut self) {
        self.used = 0;
        self.lists.iter_mut().for_each(Vec::clear);
        self.beside.clear();
    }

    /// Gives the packets of one of the lists to its shard.
    fn work_off(&self, list: &[Stored], shard: &mut FlowTable<Dissector>) {
        shard.kept_packets(&self, list);
    }
}

impl<'w> Shelf<'w> for &'w Batch {
    type Kept = Stored;

    #[inline(always)]
    fn hash(&self, stored: &Stored) -> u32 {
        stored.hash
    }

    #[inline(always)]
    fn ends(&self, stored: &Stored) -> Option<PacketEnds> {
        self.beside.ends(stored)
    }

    #[inline(always)]
    fn plain(&self, stored: &Stored) -> Option<PlainSegment> {
        self.beside.plain_segment(stored)
    }

    #[inline(always)]
    fn packet(&self, stored: &Stored) -> (Packet<'w>, u32) {
        self.beside.packet(stored, &self.rooms)
    }
}

impl Front {
    /// Fills a batch; false at the end of the capture.
    fn fill(&mut self, batch: &mut Batch, source: &mut dyn FrameSource, enough: u64) -> Result<bool, Error> {
        batch.clear();
        let begin = source.position();
        let mut bytes = 0u64;
        loop {
            if batch.used == batch.rooms.len() {
                batch.rooms.push(Room::default());
            }
            let Some(room) = batch.rooms.get_mut(batch.used) else { return Ok(false) };
            let number = u16::try_from(batch.used).unwrap_or(u16::MAX);
            let mut frames = emptied(std::mem::take(&mut self.frames));
            let window = source.read(room, &mut frames)?;
            let mut sorter = Sorter { lists: &mut batch.lists, beside: &mut batch.beside, seed: &self.seed };
            let room = (number, window.room);
            for frame in &frames {
                bytes = bytes.saturating_add(frame.data.len() as u64);
                let keeping = Keeping { sorter: &mut sorter, frame, room };
                if fast::take_apart(frame, keeping).is_none() {
                    let mut in_frame = 0;
                    self.decoder.decode(frame, &mut |packet| {
                        sorter.keep(packet, in_frame, room);
                        in_frame = in_frame.saturating_add(1);
                    });
                }
            }
            let more = window.more;
            batch.used += usize::from(!frames.is_empty());
            self.frames = emptied(frames);
            // What is unpacked may be more than what is read of the file.
            batch.position = source.position();
            bytes = bytes.max(batch.position.saturating_sub(begin));
            if !more || bytes >= enough || batch.used >= ROOMS_MAX {
                return Ok(more);
            }
        }
    }
}

fn facts(
    source: Box<dyn FrameSource + '_>,
    decoded: DecodeStats,
    mut finished: FinishedFlows<Dissector>,
    way: Way,
) -> CaptureFacts {
    let mut info = source.finish();
    info.problems.merge(decoded.problems);
    for (link, frames) in &decoded.unsupported_links {
        info.problems.note_many("unsupported_link", *frames, None, None, || unsupported_link(*link));
    }
    for (what, packets) in &decoded.opaque {
        info.problems.note_many(what.code(), *packets, None, None, || what.text().into());
    }
    info.problems.note_many("flows_given_up", finished.given_up, None, None, || {
        message!(
            en: "more flows than the limit: the ones with nothing to tell were only counted",
            ja: "フロー数が上限を超えたため、情報のないものは件数のみ記録",
        )
    });
    let drops = std::mem::take(&mut finished.drops)
        .into_iter()
        .map(|d| DropFact {
            at: d.at,
            mark: d.mark,
            component: named(&info.component_names, d.mark.component, "component"),
            reason: named(&info.drop_reasons, d.mark.reason, "reason"),
            ends: d.ends,
            protocol: d.protocol,
            flow: d.flow,
        })
        .collect();
    let mut out = CaptureFacts {
        unsupported_links: decoded.unsupported_links,
        conversations: finished.conversations,
        flows_dropped: finished.given_up,
        icmp: std::mem::take(&mut finished.icmp),
        drops,
        ..CaptureFacts::default()
    };
    let mut flows: Vec<FinishedFlow<Dissector>> = finished.flows().collect();
    let facts = |flow: &mut FinishedFlow<Dissector>| {
        let mut flow = flow.take_facts(Dissector::finish);
        let mut dns = std::mem::take(&mut flow.app.dns);
        dns.iter_mut().for_each(|message| message.stream = flow.stream);
        if let Some(crowd) = &mut flow.crowd {
            crowd.answer = dns.iter().find(|m| m.response).cloned().map(Box::new);
        }
        if let Some(process) = &mut flow.process {
            process.name = info.processes.iter().find(|(pid, _)| *pid == process.pid).map(|(_, n)| n.clone());
        }
        (flow, dns)
    };
    let dns: Vec<Vec<DnsMessage>>;
    (out.flows, dns) = match way {
        Way::Alone => flows.iter_mut().map(facts).unzip(),
        Way::Together => flows.par_iter_mut().map(facts).unzip(),
    };
    // By one thread: several would wait for one another at the heap.
    drop(flows);
    out.dns = dns.into_iter().flatten().collect();
    match way {
        Way::Alone => out.dns.sort_by_key(|m| m.at.frame),
        Way::Together => out.dns.par_sort_by_key(|m| m.at.frame),
    }
    info.problems.sort();
    out.info = info;
    out
}

fn unsupported_link(link: u16) -> Message {
    match crate::packet::link_name(link) {
        Some(name) => message!(
            en: "frames of link type {link} ({name}) are not read",
            ja: "リンク タイプ {link} ({name}) のフレームは読み取れない",
        ),
        None => message!(
            en: "frames of link type {link} are not read",
            ja: "リンク タイプ {link} のフレームは読み取れない",
        ),
    }
}

fn named<K: PartialEq + Copy + std::fmt::Display>(names: &[(K, String)], key: K, what: &str) -> String {
    names.iter().find(|(k, _)| *k == key).map_or_else(|| format!("{what} {key}"), |(_, n)| n.clone())
}
