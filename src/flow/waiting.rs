//! What waits in a connection until the bytes before it have come, and how long.
//!
//! What enters: each direction's [`Reassembly`], while something waits in it, and the packets that come. What leaves: the
//! waiting bytes to the sink, in order, with the gaps before them. Guaranteed: nothing waits longer than the bytes it
//! waits for may take to come late, where the connection and its times go on at all; else the limits of
//! [`Reassembly`] hold.
//!
//! A hole in a direction is given up, and told to the sink as a gap, only when the other side acknowledged it some time
//! ago (so that frames captured in the wrong order do no harm), when too much waits behind it, or when the flow ends. For
//! the same reason what acknowledges bytes that were not seen waits as long for them: the sink hears answers behind
//! what they answer.

use crate::flow::reassembly::Reassembly;
use crate::flow::seq::{PLAUSIBLE_AHEAD, SeqNum};
use crate::flow::side::{Half, Letter, of};
use crate::flow::tcp::TcpFlow;
use crate::flow::{FlowSink, Side};
use crate::packet::TcpSegment;
use crate::time::NANOS_PER_SECOND;
use std::sync::Arc;

/// After so long without a packet nothing is on its way any more.
pub(super) const QUIET_NS: i64 = 60 * NANOS_PER_SECOND;

impl<S: FlowSink> TcpFlow<S> {
    /// Offset up to which the sender of a segment had heard the other side, where the sink has not yet; else 0. Where
    /// nothing of the other side is captured nothing can be waited for.
    pub(super) fn heard(&self, side: Side, segment: &TcpSegment<'_>) -> u64 {
        let peer = of(&self.sides, side.other());
        if !segment.flags.ack() || peer.packets == 0 {
            return 0;
        }
        let reached = u64::try_from(peer.offset(SeqNum(segment.ack))).unwrap_or(0);
        let unseen = peer.given() < reached && reached <= peer.high.saturating_add(PLAUSIBLE_AHEAD);
        if unseen { reached } else { 0 }
    }

    pub(super) fn put_back(&mut self, side: Side, mut waiting: Box<Reassembly>) {
        if waiting.is_empty() {
            return;
        }
        if self.flags.done && waiting.held() > 0 {
            waiting.forget_data();
        }
        self.half(side).waiting = Some(waiting);
    }

    pub(super) fn give_ready(&mut self, context: &Arc<S::Context>, side: Side, waiting: &mut Reassembly) {
        let heard = of(&self.sides, side.other()).given();
        waiting.take_ready(heard, &mut |bytes, cut, at| self.feed(context, side, bytes, cut, at));
    }

    /// Moves past the first hole of a direction and counts whose loss it was.
    pub(super) fn give_up_hole(&mut self, context: &Arc<S::Context>, side: Side, waiting: &mut Reassembly) {
        let from = waiting.next();
        let Some((missing, at)) = waiting.skip_hole() else { return };
        if missing > 0 {
            let acked = of(&self.sides, side).acked;
            let end = waiting.next();
            let of_capture = acked.min(end).saturating_sub(from);
            let counters = self.rare_half(side);
            counters.missed = counters.missed.saturating_add(of_capture);
            if of_capture < missing {
                counters.given_up = counters.given_up.saturating_add(missing - of_capture);
                counters.given_up_end = end;
            }
            self.history.add(side, Letter::Gap);
            self.feed(context, side, &[], missing, at);
        }
        self.give_ready(context, side, waiting);
    }

    /// Nothing came for long: what was acknowledged until now was missed.
    pub fn quiet(&mut self, context: &Arc<S::Context>) {
        self.go_on_waiting(context, Reassembly::quiet);
    }

    /// Goes on with what waits, once each direction in which something does knows what was acknowledged: gives up holes
    /// that were missed, then what the other direction's missing bytes hold up.
    pub(super) fn go_on_waiting(&mut self, context: &Arc<S::Context>, note: impl Fn(&mut Reassembly, u64)) {
        for half in &mut self.sides {
            if let Some(waiting) = &mut half.waiting {
                note(waiting, half.acked);
            }
        }
        // What one direction gives out may be what the other waits for. Each step gives out a piece at least.
        while self.step(context, Reassembly::is_missed) || self.step(context, Reassembly::is_overdue) {}
    }

    /// Gives out what is ready in both directions, and what stands in its way where it is to be given up; true if
    /// anything was.
    fn step(&mut self, context: &Arc<S::Context>, give_up: impl Fn(&Reassembly) -> bool) -> bool {
        let mut any = false;
        for side in [Side::Client, Side::Server] {
            let Some(mut waiting) = self.half(side).waiting.take() else { continue };
            let before = waiting.next();
            self.give_ready(context, side, &mut waiting);
            while give_up(&waiting) {
                self.give_up_hole(context, side, &mut waiting);
            }
            any |= waiting.next() != before;
            self.put_back(side, waiting);
        }
        any
    }

    /// Gives up all holes: nothing more will come, or the memory is needed elsewhere.
    pub fn flush(&mut self, context: &Arc<S::Context>) {
        self.quiet(context);
        loop {
            let frame = |h: &Half| h.waiting.as_ref().and_then(|w| w.first_waiting());
            let [client, server] = &self.sides;
            let side = match (frame(client), frame(server)) {
                (None, None) => return,
                (Some(c), Some(s)) if s < c => Side::Server,
                (Some(_), _) => Side::Client,
                (None, Some(_)) => Side::Server,
            };
            let Some(mut waiting) = self.half(side).waiting.take() else { return };
            self.give_up_hole(context, side, &mut waiting);
            self.put_back(side, waiting);
        }
    }
}
