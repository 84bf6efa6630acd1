//! How a TCP connection begins: who is the client, which SYN was answered, what is a new connection.
//!
//! What enters: segments with SYN, before [`crate::flow::tcp`] looks at their payload. What leaves: the connection's
//! ends and base numbers, and whether Wireshark counts another stream.

use crate::facts::SYN_GAP_NS;
use crate::flow::seq::SeqNum;
use crate::flow::side::{Letter, Stamp, of};
use crate::flow::tcp::TcpFlow;
use crate::flow::{FlowSink, Side};
use crate::packet::{At, TcpSegment};

/// SYNs kept beside the first one.
const MORE_SYNS_KEPT: usize = 7;

impl<S: FlowSink> TcpFlow<S> {
    /// Whether `segment` opens a new connection between the same ends, as Wireshark (4.4) decides it: a SYN with another
    /// sequence number than the one this side began with, or any SYN after a FIN or RST.
    pub fn ends_before(&self, segment: &TcpSegment<'_>, from_low: bool) -> bool {
        !segment.flags.ack() && self.begins_anew(segment, from_low)
    }

    fn begins_anew(&self, segment: &TcpSegment<'_>, from_low: bool) -> bool {
        let half = of(&self.sides, self.side(from_low));
        segment.flags.syn() && half.flags.based && (half.first_seq.0 != segment.seq || self.flags.closed)
    }

    /// Notes that Wireshark counts a new stream from this packet on though it belongs to the same connection: it does
    /// so at a SYN-ACK as it does at a SYN, where a server answers twice or a reset was injected before its answer.
    /// The connection goes by the number of the stream that has its payload.
    pub fn renumber(&mut self, segment: &TcpSegment<'_>, from_low: bool, place: u64) -> bool {
        if !segment.flags.ack() || !self.begins_anew(segment, from_low) {
            return false;
        }
        // Data on the SYN counts only once the server answered it.
        let [client, server] = &self.sides;
        if !server.first_data.is_set() && (!client.first_data.is_set() || self.flags.syn_data) {
            self.numbered = place;
        }
        let side = self.side(from_low);
        self.flags.closed = false;
        self.half(side).first_seq = SeqNum(segment.seq);
        self.half(side.other()).first_seq = SeqNum(segment.ack).minus(1);
        true
    }

    /// A SYN says who the client is; a guess made before, from which nothing followed yet, is put right.
    pub(super) fn orient(&mut self, from_low: bool) {
        if self.flags.client_known || self.sink.is_some() {
            return;
        }
        self.flags.client_known = true;
        if self.flags.client_low != from_low {
            self.flags.client_low = from_low;
            self.flags.flipped = !self.flags.flipped;
            self.sides.reverse();
            self.history.swap();
            if let Some(rare) = &mut self.rare {
                rare.halves.reverse();
                for r in &mut rare.resets {
                    r.by = r.by.other();
                }
            }
            self.pid = None;
        }
    }

    pub(super) fn synchronise(&mut self, side: Side, at: At, segment: &TcpSegment<'_>) {
        let first = self.first;
        let base = SeqNum(segment.seq).plus(1);
        let timestamp = segment.options.timestamps.map(|(value, _)| value);
        let (is_syn_ack, preferred) = (segment.flags.ack(), self.established.is_set());
        let half = self.half(side);
        half.mss = half.mss.or(segment.options.mss);
        if !half.flags.based || half.flags.soft && half.is_blank() {
            half.set_base(base, false);
        } else if is_syn_ack && half.base != base && half.is_blank() && !preferred {
            self.rare().other_base = Some(base);
        }
        self.flags.syn_data |= segment.payload_len > 0 && !is_syn_ack;
        if is_syn_ack {
            self.history.add(side, Letter::SynAck);
            let client = of(&self.sides, Side::Client);
            let acknowledges = client.offset(SeqNum(segment.ack));
            // One that acknowledges something else than this SYN belongs to another connection.
            let ours = !client.flags.based
                || acknowledges >= 0 && acknowledges.cast_unsigned() <= client.high.saturating_add(1);
            if side == Side::Server && ours && !self.syn_ack.is_set() {
                self.syn_ack = Stamp::new(at, first);
                self.flags.shut = segment.window == 0;
                self.answered_syn = self.answered(segment.options.timestamps.map(|(_, echo)| echo));
            }
            return;
        }
        self.history.add(side, Letter::Syn);
        if side == Side::Server {
            self.flags.simultaneous = self.flags.syn;
        } else if !self.flags.syn {
            self.flags.syn = true;
            self.syn = Stamp::new(at, first);
            self.syn_timestamp = timestamp;
        } else {
            let answered = self.syn_ack.is_set();
            let first = self.syn.at(first);
            let rare = self.rare();
            rare.more_syn_count = rare.more_syn_count.saturating_add(1);
            let last_try = rare.last_try.or(first.map(|syn| syn.time));
            if last_try.is_none_or(|last| at.time.since(last) >= SYN_GAP_NS) {
                rare.more_tries = rare.more_tries.saturating_add(1);
                rare.last_try = Some(at.time);
            }
            let full = rare.more_syns.len() >= MORE_SYNS_KEPT;
            // A SYN that was captured at several places has copies, and a try counts for more than they do. Which SYN
            // was answered is known by its place.
            if full
                && !answered
                && rare.more_syns.last().is_some_and(|(last, _)| at.time.since(last.time) >= SYN_GAP_NS)
            {
                let mut before = first.map(|syn| syn.time);
                let copy = rare.more_syns.iter().position(|(syn, _)| {
                    let near = before.is_some_and(|before| syn.time.since(before) < SYN_GAP_NS);
                    before = Some(syn.time);
                    near
                });
                copy.map(|copy| rare.more_syns.remove(copy));
            }
            if rare.more_syns.len() < MORE_SYNS_KEPT {
                rare.more_syns.push((at, timestamp));
            }
        }
    }

    /// Which SYN a SYN-ACK answers: the one whose timestamp it echoes, else the last one.
    fn answered(&self, echo: Option<u32>) -> u8 {
        let Some(rare) = &self.rare else { return 0 };
        let last = rare.more_syns.len();
        let echoed = echo.and_then(|echo| {
            let later = rare.more_syns.iter().rposition(|(_, value)| *value == Some(echo)).map(|i| i + 1);
            later.or((self.syn_timestamp == Some(echo)).then_some(0))
        });
        u8::try_from(echoed.unwrap_or(last)).unwrap_or(0)
    }
}
