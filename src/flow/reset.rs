//! Resets of a TCP connection, compared with their sender's other packets.
//!
//! What enters: segments with RST. What leaves: [`Reset`] records from which can be judged whether the end itself sent
//! them or a device in between.

use crate::facts::{Reset, ResetStage};
use crate::flow::seq::SeqNum;
use crate::flow::side::Letter;
use crate::flow::tcp::TcpFlow;
use crate::flow::{FlowSink, Side};
use crate::packet::{Packet, TcpSegment};

/// Resets kept of one connection; blocking devices send up to six, some stacks one for each late segment.
const RESETS_KEPT: usize = 8;

impl<S: FlowSink> TcpFlow<S> {
    pub(super) fn reset(&mut self, side: Side, packet: &Packet<'_>, segment: &TcpSegment<'_>) {
        self.history.add(side, Letter::Rst);
        let stage = self.reset_stage(side);
        let half = self.half(side);
        half.flags.reset = true;
        let fin = u64::from(half.fin_offset == half.high);
        let expected = i64::try_from(half.high.saturating_add(fin)).unwrap_or(i64::MAX);
        let reset = Reset {
            at: packet.at,
            by: side,
            ttl: packet.ttl,
            ip_id: packet.ip_id,
            last_ip_id: half.ip_id,
            peer_ttl: half.flags.seen.then(|| {
                let [.., last] = half.ttl;
                last
            }),
            seq_offset: half.flags.based.then(|| half.offset(SeqNum(segment.seq)).saturating_sub(expected)),
            ack: segment.flags.ack(),
            window: segment.window,
            stage,
            payload_len: segment.payload_len,
            data_after: false,
        };
        // Wireshark takes the first number seen of a side for its SYN's, even from a RST.
        if !half.flags.based {
            half.set_base(SeqNum(segment.seq), true);
        }
        let peer = self.half(side.other());
        if !peer.flags.based && segment.flags.ack() {
            peer.set_base(SeqNum(segment.ack), true);
        }
        let rare = self.rare();
        if rare.resets.len() < RESETS_KEPT {
            rare.resets.push(reset);
        }
    }

    fn reset_stage(&self, by: Side) -> ResetStage {
        let [client, server] = &self.sides;
        if client.fin.is_set() || server.fin.is_set() {
            ResetStage::AfterFin
        } else if server.first_data.is_set() {
            ResetStage::AfterBoth
        } else if client.first_data.is_set() {
            ResetStage::AfterClientData
        } else if by == Side::Server && self.flags.syn && !self.syn_ack.is_set() && !self.established.is_set() {
            ResetStage::AnswerToSyn
        } else {
            ResetStage::AfterHandshake
        }
    }
}
