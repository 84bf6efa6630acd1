//! State of one TCP connection: handshake, resets, retransmission, loss.
//!
//! What enters: the segments of one connection in file order. What leaves: each direction's bytes, in order, to the
//! flow's [`FlowSink`], and the record that `flow::summary` turns into facts. Guaranteed: a segment in order
//! allocates nothing; each offset reaches the sink once or lies in a gap; no sequence number can overflow anything.

use crate::capture::Direction;
use crate::flow::key::Key;
use crate::flow::reassembly::Reassembly;
use crate::flow::seq::{PLAUSIBLE_AHEAD, SeqNum};
use crate::flow::side::{Half, History, Letter, Rare, RareHalf, Stamp, of, of_mut};
use crate::flow::waiting::QUIET_NS;
use crate::flow::{Ends, FlowSink, Interest, Side, ports, starts};
use crate::packet::{At, Packet, PlainSegment, TcpSegment};
use std::sync::Arc;

/// A hole that closes within this time (or the round trip of the handshake, if that is longer) was reordering; later
/// it is a retransmission. The same bound as Wireshark's.
const REORDER_NANOS: i64 = 3_000_000;

/// One live TCP connection. What a look-up compares and every packet changes comes first and starts a cache line.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct TcpFlow<S> {
    /// The ends.
    pub(super) key: Key,
    pub(super) flags: TcpFlowFlags,
    /// The table has noted that the flow holds bytes.
    pub(super) queued: bool,
    /// Which SYN the SYN-ACK answers: 0 for the first.
    pub(super) answered_syn: u8,
    /// Number of the first packet within its frame.
    in_frame: u8,
    pub(super) last: Stamp,
    /// Client, server.
    pub(super) sides: [Half; 2],
    pub(super) history: History,
    pub(super) syn_ack: Stamp,
    pub(super) established: Stamp,
    /// First acknowledgement of some of the client's payload.
    pub(super) data_acked: Stamp,
    pub(super) sink: Option<Box<S>>,
    pub(super) rare: Option<Box<Rare>>,
    pub(super) first: At,
    /// Place by which the stream is numbered.
    pub(super) numbered: u64,
    pub(super) syn: Stamp,
    /// Timestamp option of the first SYN.
    pub(super) syn_timestamp: Option<u32>,
    pub(super) pid: Option<u32>,
}

/// Yes-or-no knowledge of one connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TcpFlowFlags {
    /// The client is the lower end of the key.
    pub client_low: bool,
    /// A SYN or SYN-ACK told who is the client.
    pub client_known: bool,
    /// The first packet was the server's.
    pub flipped: bool,
    /// A SYN of the client was seen.
    pub syn: bool,
    /// The server accepted with a window of 0 and announced no other since.
    pub shut: bool,
    /// Nothing more can be learnt from the bytes.
    pub done: bool,
    pub syn_data: bool,
    pub simultaneous: bool,
    pub pid_from_syn: bool,
    /// A FIN or RST came since Wireshark counted the stream.
    pub closed: bool,
    /// An ICMP error or a drop inside Windows belongs to this flow.
    pub quoted: bool,
    /// What comes next is the inside of a tunnel that Wireshark counts as a stream more.
    pub tunnel: bool,
    /// Payload came inside such a tunnel.
    pub carries: bool,
    /// The connection is kept, whatever becomes of it.
    pub keep: bool,
    /// As the last segment left it, the connection is established, and nothing is missing, closed or uncertain.
    steady: bool,
}

impl<S: FlowSink> TcpFlow<S> {
    /// A connection that begins with `segment`, sent by the lower end of `key` or by the higher one.
    pub fn new(key: Key, start: u64, at: At, segment: &TcpSegment<'_>, from_low: bool) -> Self {
        let f = segment.flags;
        let (sender_is_client, client_known) = if f.syn() {
            (!f.ack(), true)
        } else {
            (ports::sender_is_client(segment.src_port, segment.dst_port), false)
        };
        TcpFlow {
            key,
            in_frame: starts::in_frame(start),
            numbered: start,
            first: at,
            last: Stamp::default(),
            sides: [Half::new(), Half::new()],
            syn: Stamp::default(),
            syn_ack: Stamp::default(),
            established: Stamp::default(),
            data_acked: Stamp::default(),
            history: History::default(),
            sink: None,
            rare: None,
            syn_timestamp: None,
            pid: None,
            answered_syn: 0,
            queued: false,
            flags: TcpFlowFlags {
                client_low: sender_is_client == from_low,
                client_known,
                flipped: !sender_is_client,
                ..TcpFlowFlags::default()
            },
        }
    }

    /// Place of the first packet in the file.
    pub fn start(&self) -> u64 {
        starts::place(self.first.frame, u32::from(self.in_frame))
    }

    /// Last frame.
    pub fn last(&self) -> At {
        self.last.at(self.first).unwrap_or(self.first)
    }

    /// Client and server.
    pub fn ends(&self) -> Ends {
        let (low, high) = (self.key.low(), self.key.high());
        if self.flags.client_low { Ends { client: low, server: high } } else { Ends { client: high, server: low } }
    }

    /// A FIN or RST was seen.
    pub fn is_closed(&self) -> bool {
        self.sides.iter().any(|h| h.flags.reset || h.fin.is_set())
    }

    /// The connection has nothing to tell but that it was tried: no answer (or a refusal), no payload, no error.
    pub fn is_plain(&self) -> bool {
        !self.flags.quoted && !self.established.is_set() && self.sides.iter().all(|h| !h.first_data.is_set())
    }

    /// Bytes that wait for a hole to close.
    pub fn held(&self) -> usize {
        self.sides.iter().filter_map(|h| h.waiting.as_ref()).map(|w| w.held()).sum()
    }

    pub(super) fn side(&self, from_low: bool) -> Side {
        if from_low == self.flags.client_low { Side::Client } else { Side::Server }
    }

    pub(super) fn half(&mut self, side: Side) -> &mut Half {
        of_mut(&mut self.sides, side)
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn rare_half(&mut self, side: Side) -> &mut RareHalf {
        of_mut(&mut self.rare().halves, side)
    }

    /// No packet of the handshake was seen so far.
    pub(super) fn is_midstream(&self) -> bool {
        !self.flags.syn && !self.syn_ack.is_set()
    }

    /// Takes in one segment.
    pub fn segment(
        &mut self,
        context: &Arc<S::Context>,
        packet: &Packet<'_>,
        segment: &TcpSegment<'_>,
        from_low: bool,
    ) {
        self.take_in(context, packet, segment, from_low);
        self.flags.steady = self.is_steady();
    }

    fn is_steady(&self) -> bool {
        let in_order = |h: &Half| {
            let f = h.flags;
            f.based && !f.soft && !f.reset && h.high > 0 && h.waiting.is_none() && !h.fin.is_set()
        };
        self.established.is_set() && !self.flags.closed && self.sides.iter().all(in_order)
    }

    fn take_in(&mut self, context: &Arc<S::Context>, packet: &Packet<'_>, segment: &TcpSegment<'_>, from_low: bool) {
        let at = packet.at;
        let f = segment.flags;
        if self.sides.iter().any(|h| h.waiting.is_some()) && at.time.since(self.last().time) >= QUIET_NS {
            self.quiet(context);
        }
        self.last = Stamp::new(at, self.first);
        if f.syn() && !f.ack() {
            self.orient(from_low);
        }
        let side = self.side(from_low);
        if side == Side::Client {
            self.note_process(packet.pid, packet.direction, f.syn());
        }
        if f.syn() && (f.fin() || f.rst()) {
            self.history.add(side, Letter::MultiFlag);
        } else if f.fin() && f.rst() {
            self.history.add(side, Letter::Inconsistent);
        }
        self.flags.closed |= f.fin() || f.rst();
        let half = self.half(side);
        half.packets = half.packets.saturating_add(1);
        if f.rst() {
            self.reset(side, packet, segment);
            return;
        }
        half.see_ip(packet.ttl, packet.ip_id);

        let seq = SeqNum(segment.seq);
        let midstream = self.is_midstream();
        if f.syn() {
            self.synchronise(side, at, segment);
        } else if !self.half(side).flags.based {
            self.half(side).set_base(seq, midstream);
        }
        let keep_alive = self.keep_alive(side, segment);
        if f.ack() {
            self.acknowledge(side, at, segment, keep_alive);
        }
        let half = self.half(side);
        half.window = segment.window;
        self.flags.shut &= side == Side::Client || segment.window == 0;
        if segment.window == 0 && !f.syn() {
            let n = &mut self.rare_half(side).zero_windows;
            *n = n.saturating_add(1);
            self.history.add(side, Letter::ZeroWindow);
        }
        let data_seq = if f.syn() { seq.plus(1) } else { seq };
        if keep_alive {
            let n = &mut self.rare_half(side).keep_alives;
            *n = n.saturating_add(1);
        } else if segment.payload_len > 0 {
            self.payload(context, side, data_seq, at, segment);
        } else if f.ack() && !f.syn() && !f.fin() {
            self.history.add(side, Letter::Ack);
        }
        if f.fin() {
            self.history.add(side, Letter::Fin);
            let first = self.first;
            let half = self.half(side);
            half.fin.set_once(at, first);
            let end = half.offset(data_seq.plus(segment.payload_len));
            if half.fin_offset == u64::MAX {
                half.fin_offset = u64::try_from(end).unwrap_or(0);
                let heard = self.heard(side, segment);
                if heard > 0 {
                    self.rare_half(side).fin_answers = heard;
                }
            }
            self.claim(side, data_seq.plus(segment.payload_len));
        }
        self.go_on_waiting(context, |waiting, acked| waiting.acknowledged(acked, at.time));
    }

    /// The short way for most segments of most connections: established, nothing missing, closed or unusual before; the
    /// next bytes in order that nobody reads any more, or an acknowledgement that moves on. Does what
    /// [`TcpFlow::segment`] would do; for any other segment it does nothing and says so.
    pub fn goes_on(&mut self, segment: &PlainSegment, from_low: bool) -> bool {
        let (at, first, side) = (segment.at, self.first, self.side(from_low));
        let (seq, ack, len) = (SeqNum(segment.seq), SeqNum(segment.ack), segment.payload_len);
        let (own, peer) = (of(&self.sides, side), of(&self.sides, side.other()));
        let moves_on =
            len > 0 && self.flags.done || len == 0 && ack != peer.base.plus((peer.acked & 0xffff_ffff) as u32);
        if !self.flags.steady || !moves_on || segment.window == 0 {
            return false;
        }
        let (next, reached) = (own.offset(seq), peer.offset(ack));
        let Ok(reached) = u64::try_from(reached) else { return false };
        let Some(high) = own.high.checked_add(u64::from(len)) else { return false };
        if u64::try_from(next) != Ok(own.high) || reached > peer.high.saturating_add(PLAUSIBLE_AHEAD) {
            return false;
        }
        self.last = Stamp::new(at, first);
        if side == Side::Client {
            self.note_process(segment.pid, segment.direction, false);
        }
        self.note_acked(side, reached, at);
        let own = self.half(side);
        own.packets = own.packets.saturating_add(1);
        own.see_ip(segment.ttl, segment.ip_id);
        own.window = segment.window;
        if len > 0 {
            own.largest = own.largest.max(len);
            own.high = high;
            own.bring(u64::from(len), at, first);
            self.history.add(side, Letter::Data);
        } else {
            self.history.add(side, Letter::Ack);
        }
        true
    }

    /// Captures know the process on sends only; the SYN's is the most certain.
    fn note_process(&mut self, pid: Option<u32>, direction: Direction, syn: bool) {
        let Some(pid) = pid else { return };
        if direction == Direction::Inbound || self.flags.pid_from_syn {
            return;
        }
        if syn {
            self.flags.pid_from_syn = true;
            self.pid = Some(pid);
        } else if self.pid.is_none() {
            self.pid = Some(pid);
        }
    }

    /// A probe of an idle connection (RFC 9293, 3.8.4): no byte, or one old one, from just before the next number.
    fn keep_alive(&self, side: Side, segment: &TcpSegment<'_>) -> bool {
        let half = of(&self.sides, side);
        let f = segment.flags;
        if segment.payload_len > 1
            || f.syn()
            || f.fin()
            || !f.ack()
            || half.waiting.as_ref().is_some_and(|w| w.has_hole())
        {
            return false;
        }
        let before_next = i64::try_from(half.high).unwrap_or(i64::MAX) - 1;
        if half.offset(SeqNum(segment.seq)) != before_next {
            return false;
        }
        // One byte that is not acknowledged yet is a retransmission; before any payload only an idle connection asks.
        if half.high == 0 { self.established.is_set() } else { segment.payload_len == 0 || half.acked >= half.high }
    }

    fn acknowledge(&mut self, side: Side, at: At, segment: &TcpSegment<'_>, keep_alive: bool) {
        let (f, ack, first) = (segment.flags, SeqNum(segment.ack), self.first);
        let third_of_handshake = side == Side::Client && self.flags.syn && of(&self.sides, side).high == 0;
        let soft = !(f.syn() || third_of_handshake);
        let old_window = of(&self.sides, side).window;
        let other_base = self.other_base(side.other());
        let peer = self.half(side.other());
        if !peer.flags.based {
            peer.set_base(ack, soft);
        }
        let mut settled = false;
        if let Some(other) = other_base
            && side == Side::Client
            && peer.is_blank()
            && !f.syn()
        {
            // The server answered with two different SYN-ACKs: the client says which one it took.
            if ack == other {
                peer.set_base(other, false);
            }
            settled = ack == other || ack == peer.base;
        }
        let offset = peer.offset(ack);
        let reached = offset.cast_unsigned();
        if offset < 0 || reached > peer.high.saturating_add(PLAUSIBLE_AHEAD) {
            return;
        }
        let repeats = peer.flags.was_acked
            && reached == peer.acked
            && segment.payload_len == 0
            && !f.syn()
            && !f.fin()
            && !keep_alive
            && segment.window == old_window;
        let sack_hole = repeats && has_sack_hole(segment);
        let duplicate = repeats && (sack_hole || peer.high > peer.acked);
        self.deny(side, reached);
        self.note_acked(side, reached, at);
        if settled {
            self.rare().other_base = None;
        }
        if side == Side::Client && !f.syn() && (self.syn_ack.is_set() || self.flags.syn) {
            self.established.set_once(at, first);
        }
        if duplicate {
            let counters = self.rare_half(side);
            counters.duplicate_acks = counters.duplicate_acks.saturating_add(1);
            counters.sack_holes = counters.sack_holes.saturating_add(u32::from(sack_hole));
        }
    }

    /// Notes that `side` acknowledged the other side's payload up to the offset `reached`.
    fn note_acked(&mut self, side: Side, reached: u64, at: At) {
        let first = self.first;
        let peer = self.half(side.other());
        peer.acked = peer.acked.max(reached);
        peer.flags.was_acked = true;
        let data_acked = reached > 0 && peer.first_data.is_set();
        if data_acked && side == Side::Server {
            self.data_acked.set_once(at, first);
        }
    }

    /// Payload of one segment, from sequence number `seq` on.
    fn payload(&mut self, context: &Arc<S::Context>, side: Side, seq: SeqNum, at: At, segment: &TcpSegment<'_>) {
        let first = self.first;
        let len = u64::from(segment.payload_len);
        self.flags.carries |= self.flags.tunnel && !self.flags.done;
        let captured = segment.payload.get(..segment.payload_len as usize).unwrap_or(segment.payload);
        let cut = len - captured.len() as u64;
        self.history.add(side, Letter::Data);
        if cut > 0 {
            let n = &mut self.rare_half(side).cut;
            *n = n.saturating_add(cut);
        }
        if of(&self.sides, side).flags.reset
            && let Some(rare) = &mut self.rare
        {
            for r in rare.resets.iter_mut().filter(|r| r.by == side) {
                r.data_after = true;
            }
        }
        let other_base = self.other_base(side);
        let done = self.flags.done;
        let half = self.half(side);
        half.largest = half.largest.max(segment.payload_len);
        if half.is_blank() && (half.flags.soft || side == Side::Server && other_base == Some(seq)) {
            half.set_base(seq, false);
            half.acked = 0;
        }
        let offset = half.offset(seq);
        let Some(end) = offset.checked_add_unsigned(len).and_then(|e| u64::try_from(e).ok()) else { return };
        if offset > 0 && offset.cast_unsigned() > half.high.saturating_add(PLAUSIBLE_AHEAD) {
            return;
        }
        // What lies before the first byte of the stream is left out (seen in a capture that began later).
        let start = u64::try_from(offset).unwrap_or(0);
        let skipped = usize::try_from(offset.min(0).unsigned_abs()).unwrap_or(usize::MAX);
        let captured = captured.get(skipped..).unwrap_or(&[]);
        let high = half.high;
        let after = if done { 0 } else { self.heard(side, segment) };
        let half = self.half(side);
        let mut conflict = start == 0 && end > 1 && half.head_differs(captured);
        if start == 0 && half.head_len == 0 {
            half.keep_head(captured);
        }

        // In order: straight to the sink.
        if half.waiting.is_none() && start <= high && after == 0 {
            let known = high.saturating_sub(start);
            half.high = high.max(end);
            half.bring(end.saturating_sub(high), at, first);
            if conflict {
                self.note_conflict(side);
            }
            if known > 0 || end == start {
                self.note_repeated(side, at);
            }
            if end > high {
                let fresh = captured.get(usize::try_from(known).unwrap_or(usize::MAX)..).unwrap_or(&[]);
                let cut = (end - high).saturating_sub(fresh.len() as u64);
                self.feed(context, side, fresh, cut, at);
            }
            return;
        }

        let mut waiting = half.waiting.take().unwrap_or_else(|| Box::new(Reassembly::new(high)));
        let hole_since = waiting.first_waiting();
        let brought = waiting.insert(start, end.saturating_sub(start), captured, at, after, !done);
        if done {
            waiting.forget_data();
        }
        conflict |= brought.conflict;
        half.high = high.max(end);
        half.bring(brought.new, at, first);
        if conflict {
            self.note_conflict(side);
        }
        if brought.repeated > 0 {
            self.note_repeated(side, at);
        } else if brought.filled > 0 {
            let reordered = hole_since.is_some_and(|h| at.time.since(h.time) <= self.reorder_nanos());
            if reordered {
                let n = &mut self.rare_half(side).out_of_order;
                *n = n.saturating_add(1);
            } else {
                self.note_repeated(side, at);
            }
        }
        self.give_ready(context, side, &mut waiting);
        while waiting.over_limit() {
            self.give_up_hole(context, side, &mut waiting);
        }
        self.put_back(side, waiting);
    }

    fn reorder_nanos(&self) -> i64 {
        self.handshake_nanos().unwrap_or(0).max(REORDER_NANOS)
    }

    fn note_conflict(&mut self, side: Side) {
        let n = &mut self.rare_half(side).conflicts;
        *n = n.saturating_add(1);
    }

    fn note_repeated(&mut self, side: Side, at: At) {
        self.history.add(side, Letter::Retransmission);
        let counters = self.rare_half(side);
        counters.retransmissions = counters.retransmissions.saturating_add(1);
        counters.first_retransmission.get_or_insert(at);
    }

    /// The other beginning that the server's numbers may have; of interest until there is payload.
    fn other_base(&self, side: Side) -> Option<SeqNum> {
        // The look at the rare part is a cache miss that most packets need not pay.
        if !of(&self.sides, side).is_blank() {
            return None;
        }
        self.rare.as_ref().and_then(|r| r.other_base)
    }

    /// Gives `bytes`, and the `cut` bytes behind them that were not captured, to the sink.
    pub(super) fn feed(&mut self, context: &Arc<S::Context>, side: Side, bytes: &[u8], cut: u64, at: At) {
        if self.flags.done {
            return;
        }
        let (ends, known) = (self.ends(), self.flags.client_known);
        let sink = self.sink.get_or_insert_with(|| Box::new(S::tcp(context, ends, known)));
        let mut interest = Interest::More;
        if !bytes.is_empty() {
            interest = sink.data(side, bytes, at);
        }
        if cut > 0 && interest == Interest::More {
            interest = sink.gap(side, cut, at);
        }
        self.flags.tunnel |= interest == Interest::More && sink.carries_a_stream();
        if interest == Interest::Done {
            self.flags.done = true;
            for waiting in self.sides.iter_mut().filter_map(|h| h.waiting.as_mut()) {
                waiting.forget_data();
            }
        }
    }

    /// Notes that a limit made the flow give up its holes.
    pub fn note_limit(&mut self) {
        self.history.add(Side::Client, Letter::Limit);
    }
}

/// True when the segment's SACK blocks speak of data behind a hole (RFC 2018), not of a duplicate (RFC 2883: the
/// first block lies before the acknowledgement or inside the second block).
fn has_sack_hole(segment: &TcpSegment<'_>) -> bool {
    let count = usize::from(segment.options.sack_count).min(4);
    let blocks = segment.options.sack.get(..count).unwrap_or(&[]);
    blocks.iter().any(|&(left, _)| SeqNum(segment.ack).before(SeqNum(left)))
}
