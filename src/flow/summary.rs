//! Live records → facts: what a finished flow tells about its sides and its handshake.
//!
//! What enters: [`TcpFlow`] and [`UdpFlow`] records. What leaves: [`SideFacts`] and [`TcpFacts`], with `conn_state`
//! and `history` in the words of Zeek's conn.log.

use crate::facts::{ResetStage, SideFacts, TcpFacts};
use crate::flow::side::{Half, RareHalf, Stamp, between, of};
use crate::flow::tcp::TcpFlow;
use crate::flow::udp::UdpFlow;
use crate::flow::{FlowSink, Side};
use crate::packet::At;

impl<S: FlowSink> TcpFlow<S> {
    /// Nanoseconds from the SYN that was answered to the SYN-ACK.
    pub(super) fn handshake_nanos(&self) -> Option<i64> {
        if !self.flags.syn || !self.syn_ack.is_set() {
            return None;
        }
        match self.answered_syn.checked_sub(1) {
            None => between(self.syn, self.syn_ack),
            Some(later) => {
                let (syn, _) = self.rare.as_ref()?.more_syns.get(usize::from(later))?;
                between(Stamp::new(*syn, self.first), self.syn_ack)
            }
        }
    }

    /// Counters of both sides: client, server.
    pub fn sides(&self) -> [SideFacts; 2] {
        [Side::Client, Side::Server].map(|side| {
            let none = RareHalf::default();
            let rare = self.rare.as_ref().map_or(&none, |r| of(&r.halves, side));
            side_facts(of(&self.sides, side), rare, self.first)
        })
    }

    /// The state history.
    pub fn facts(&self) -> TcpFacts {
        let [client, server] = &self.sides;
        let rare = self.rare.as_ref();
        let mut syns: Vec<At> = self.syn.at(self.first).into_iter().collect();
        syns.extend(rare.iter().flat_map(|r| r.more_syns.iter().map(|(at, _)| *at)));
        TcpFacts {
            syns,
            syn_count: u32::from(self.flags.syn).saturating_add(rare.map_or(0, |r| r.more_syn_count)),
            all_tries: u32::from(self.flags.syn).saturating_add(rare.map_or(0, |r| r.more_tries)),
            syn_number: (self.flags.syn && client.flags.based).then_some(client.base.minus(1).0),
            syn_ack: self.syn_ack.at(self.first),
            established: self.established.at(self.first),
            midstream: self.is_midstream(),
            resets: rare.map(|r| r.resets.clone()).unwrap_or_default(),
            fins: [client.fin.at(self.first), server.fin.at(self.first)],
            fins_answer_later: [Side::Client, Side::Server].map(|side| {
                let fin_of_other = of(&self.sides, side.other()).fin_offset;
                rare.is_some_and(|r| of(&r.halves, side).fin_answers > fin_of_other)
            }),
            handshake_rtt: self.handshake_nanos(),
            first_answer: between(client.first_data, server.first_data),
            first_data_acked: between(client.first_data, self.data_acked),
            conn_state: self.conn_state(),
            history: self.history.text(self.flags.flipped),
            syn_data: self.flags.syn_data,
            simultaneous_open: self.flags.simultaneous,
            one_sided: self.is_one_sided(),
            never_opened: self.flags.shut,
        }
    }

    /// Whether the other direction must have existed and is missing in the capture. A SYN without answer is none.
    fn is_one_sided(&self) -> bool {
        let [client, server] = &self.sides;
        let (side, seen, other) = match (client.packets, server.packets) {
            (_, 0) => (Side::Client, client, server),
            (0, _) => (Side::Server, server, client),
            _ => return false,
        };
        let retransmits = self.rare.as_ref().is_some_and(|r| of(&r.halves, side).retransmissions > 0);
        self.syn_ack.is_set()
            || self.established.is_set()
            || other.acked > 0
            || self.is_midstream() && seen.packets > 2 && !retransmits
    }

    /// Zeek's conn_state.
    fn conn_state(&self) -> &'static str {
        let [client, server] = &self.sides;
        let (syn, answered) = (self.flags.syn, self.syn_ack.is_set() || self.established.is_set());
        // A reset after both FINs does not change how the connection ended.
        let reset = self.rare.as_ref().and_then(|r| r.resets.first()).map(|r| r.by);
        let both_closed = client.fin.is_set() && server.fin.is_set();
        let reset_first = reset.filter(|_| !both_closed || !self.closed_before_reset());
        match (syn, answered, reset_first) {
            (false, false, _) => "OTH",
            (true, false, Some(Side::Server)) => "REJ",
            (true, false, Some(Side::Client)) => "RSTOS0",
            (false, true, Some(Side::Server)) if client.packets == 0 => "RSTRH",
            (_, true, Some(Side::Server)) => "RSTR",
            (_, true, Some(Side::Client)) => "RSTO",
            (true, false, None) => match (client.fin.is_set(), server.packets) {
                (true, _) => "SH",
                (false, 0) => "S0",
                (false, _) => "OTH",
            },
            (false, true, None) if client.packets == 0 => {
                if server.fin.is_set() {
                    "SHR"
                } else {
                    "OTH"
                }
            }
            (_, true, None) => match (client.fin.is_set(), server.fin.is_set()) {
                (true, true) => "SF",
                (true, false) => "S2",
                (false, true) => "S3",
                (false, false) => "S1",
            },
        }
    }

    /// Both FINs came before the first reset.
    fn closed_before_reset(&self) -> bool {
        let Some(reset) = self.rare.as_ref().and_then(|r| r.resets.first()) else { return false };
        reset.stage == ResetStage::AfterFin
            && self.sides.iter().all(|h| h.fin.at(self.first).is_some_and(|fin| fin.frame < reset.at.frame))
    }
}

fn side_facts(half: &Half, rare: &RareHalf, first: At) -> SideFacts {
    let [ttl, least, most, _] = half.ttl;
    let acked = half.acked_payload();
    // Holes given up for want of room count as capture loss when they were acknowledged after all.
    let (missed, lost) = if half.acked >= rare.given_up_end { (rare.given_up, 0) } else { (0, rare.given_up) };
    SideFacts {
        packets: u64::from(half.packets),
        bytes: half.bytes,
        first_data: half.first_data.at(first),
        last_data: half.last_data.at(first),
        last_content: half.last_content.at(first),
        ttl: half.flags.seen.then_some(ttl),
        ttl_range: half.flags.seen.then_some((least, most)),
        retransmissions: rare.retransmissions,
        first_retransmission: rare.first_retransmission,
        out_of_order: rare.out_of_order,
        missed_bytes: rare
            .missed
            .saturating_add(missed)
            .saturating_add(acked.max(rare.claimed).saturating_sub(half.high)),
        unacked_gap_bytes: lost.max(rare.denied.saturating_sub(half.high.max(acked))),
        largest_segment: half.largest,
        cut_bytes: rare.cut,
        acked_bytes: acked,
        zero_windows: rare.zero_windows,
        keep_alives: rare.keep_alives,
        duplicate_acks: rare.duplicate_acks,
        sack_holes: rare.sack_holes,
        conflicting_overlaps: rare.conflicts,
        mss: half.mss,
    }
}

impl<S: FlowSink> UdpFlow<S> {
    /// Counters of both sides: client, server.
    pub fn sides(&self) -> [SideFacts; 2] {
        let [client, server] = &self.sides;
        [client, server].map(|half| {
            let [ttl, least, most] = half.ttl;
            let seen = half.packets > 0;
            SideFacts {
                packets: u64::from(half.packets),
                bytes: half.bytes,
                first_data: half.first_data.at(self.first),
                last_data: half.last_data.at(self.first),
                ttl: seen.then_some(ttl),
                ttl_range: seen.then_some((least, most)),
                largest_segment: half.largest,
                cut_bytes: half.cut,
                ..SideFacts::default()
            }
        })
    }
}
