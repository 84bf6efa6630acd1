//! Ordinary flows leave the table before the end, and are counted where one before them went the same way.
//!
//! What enters: flows that are closed, answered or idle. What leaves: the first of each kind among the finished flows, with
//! the [`Crowd`](crate::facts::Crowd) of the others. Guaranteed: a flow that is to be kept in any case stays.

use crate::flow::crowd::{Leaving, Outline, Parted};
use crate::flow::firsts::NewFirst;
use crate::flow::pool::Pool;
use crate::flow::starts::place;
use crate::flow::table::{FlowTable, KeptFlow};
use crate::flow::waiting::QUIET_NS;
use crate::flow::{FlowSink, Over};
use crate::packet::At;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// A TCP connection in which nothing was said for so long, and of which nothing is known but that both sides spoke, is
/// not waited for. No less than after which it is quiet: when its turn comes must not matter.
const TCP_IDLE_NS: i64 = QUIET_NS;

/// A UDP conversation in which nothing was said for so long has ended: the idle timeout of QUIC that most servers set
/// (RFC 9000 10.1 leaves it to them).
const UDP_IDLE_NS: i64 = 30 * NANOS_PER_SECOND;

/// Flows that are looked at when one begins: so many that those that are over do not stay much longer than they must.
const LOOKS: usize = 4;

impl<S: FlowSink> FlowTable<S> {
    /// Lets a connection leave.
    pub(super) fn part_tcp(&mut self, slot: u32, over: Over) {
        if let Some(Parted { flow, first }) = self.crowds.part(&mut self.tcp, slot, over, &mut self.shard.flows) {
            let index = self.shard.flows.len();
            self.retire_tcp(flow);
            self.note_first(first, index);
        }
    }

    /// Lets a connection leave on which nothing comes any more: of one that was reset, what was on its way has come.
    fn part_quiet_tcp(&mut self, slot: u32) {
        let Some(flow) = self.tcp.get_mut(slot).filter(|flow| !flow.flags.keep) else { return };
        let before = flow.held();
        flow.quiet(&self.context);
        let closed = flow.flags.closed;
        self.held = self.held.saturating_sub(before).saturating_add(flow.held());
        self.part_tcp(slot, if closed { Over::Closed } else { Over::Idle });
    }

    /// Lets a conversation leave.
    pub(super) fn part_udp(&mut self, slot: u32, over: Over) {
        if let Some(Parted { flow, first }) = self.crowds.part(&mut self.udp, slot, over, &mut self.shard.flows) {
            let (index, plain) = (self.shard.flows.len(), flow.is_plain());
            self.keep(KeptFlow::Udp(Box::new(flow)), plain);
            self.note_first(first, index);
        }
    }

    /// Looks at the next connections in turn, since one begins: so each is looked at again and again.
    pub(super) fn part_idle_tcp(&mut self, now: At) {
        for _ in 0..LOOKS {
            if let Some(slot) = idle_in_turn(&mut self.tcp, now, TCP_IDLE_NS) {
                self.part_quiet_tcp(slot);
            }
        }
    }

    /// Looks at the next conversations in turn.
    pub(super) fn part_idle_udp(&mut self, now: At) {
        for _ in 0..LOOKS {
            if let Some(slot) = idle_in_turn(&mut self.udp, now, UDP_IDLE_NS) {
                self.part_udp(slot, Over::Idle);
            }
        }
    }

    /// The capture ends: nothing more will be said.
    pub(super) fn part_all(&mut self) {
        self.frame = (u64::MAX, 0);
        for slot in 0..self.tcp.slots() {
            self.part_quiet_tcp(slot);
        }
        for slot in 0..self.udp.slots() {
            self.part_udp(slot, Over::Idle);
        }
    }

    /// The flow that was kept as number `index`, if it was, is the first of its kind.
    fn note_first(&mut self, first: Option<(Outline, Timestamp)>, index: usize) {
        let Some((outline, began)) = first.filter(|_| index < self.shard.flows.len()) else { return };
        if self.crowds.note_first((outline, began), index) {
            let (frame, in_frame) = self.frame;
            self.shard.firsts.push(NewFirst { place: place(frame, in_frame), outline, began, index });
        }
    }
}

/// The next flow in turn, if it was idle for long enough.
fn idle_in_turn<S, F: Leaving<S>>(pool: &mut Pool<F>, now: At, enough: i64) -> Option<u32> {
    let slot = pool.next_in_turn()?;
    pool.get(slot).filter(|flow| now.time.since(flow.last().time) >= enough).map(|_| slot)
}
