//! One UDP conversation: an unordered pair of address and port, never split by time.
//!
//! What enters: its datagrams in file order. What leaves: each datagram, whole, to the flow's [`FlowSink`] until that
//! has enough, and counters.

use crate::flow::key::Key;
use crate::flow::side::{Stamp, of_mut};
use crate::flow::{Ends, FlowSink, Interest, Side, ports};
use crate::packet::{At, Packet, UdpDatagram};
use std::sync::Arc;

/// What one side of a UDP conversation sent.
#[derive(Debug, Default)]
pub(super) struct UdpHalf {
    pub bytes: u64,
    pub cut: u64,
    pub packets: u32,
    pub largest: u32,
    pub first_data: Stamp,
    pub last_data: Stamp,
    /// First, smallest and largest TTL; meaningful when `packets` is not 0.
    pub ttl: [u8; 3],
}

/// One live UDP conversation.
#[derive(Debug)]
pub struct UdpFlow<S> {
    pub(super) key: Key,
    pub(super) start: u64,
    pub(super) first: At,
    pub(super) last: Stamp,
    pub(super) sides: [UdpHalf; 2],
    pub(super) sink: Option<Box<S>>,
    pub(super) pid: Option<u32>,
    client_low: bool,
    done: bool,
    pub(super) quoted: bool,
    /// The conversation is kept, whatever becomes of it.
    pub(super) keep: bool,
}

impl<S: FlowSink> UdpFlow<S> {
    /// A conversation that begins with `datagram`.
    pub fn new(key: Key, start: u64, at: At, datagram: &UdpDatagram<'_>, from_low: bool) -> Self {
        let sender_is_client = ports::sender_is_client(datagram.src_port, datagram.dst_port);
        UdpFlow {
            key,
            start,
            first: at,
            last: Stamp::default(),
            sides: Default::default(),
            sink: None,
            pid: None,
            client_low: sender_is_client == from_low,
            done: false,
            quoted: false,
            keep: false,
        }
    }

    /// Last frame.
    pub fn last(&self) -> At {
        self.last.at(self.first).unwrap_or(self.first)
    }

    /// Client and server.
    pub fn ends(&self) -> Ends {
        let (low, high) = (self.key.low(), self.key.high());
        if self.client_low { Ends { client: low, server: high } } else { Ends { client: high, server: low } }
    }

    /// The sink learnt nothing and no error belongs to the conversation.
    pub fn is_plain(&self) -> bool {
        !self.quoted && self.sink.as_ref().is_none_or(|s| s.is_empty())
    }

    /// Takes in one datagram.
    pub fn datagram(
        &mut self,
        context: &Arc<S::Context>,
        packet: &Packet<'_>,
        datagram: &UdpDatagram<'_>,
        from_low: bool,
    ) {
        let (at, first) = (packet.at, self.first);
        let side = if from_low == self.client_low { Side::Client } else { Side::Server };
        self.last = Stamp::new(at, first);
        if side == Side::Client && packet.direction != crate::capture::Direction::Inbound {
            self.pid = self.pid.or(packet.pid);
        }
        let payload = datagram.payload.get(..datagram.payload_len as usize).unwrap_or(datagram.payload);
        let cut = u64::from(datagram.payload_len).saturating_sub(payload.len() as u64);
        let half = of_mut(&mut self.sides, side);
        let [first_ttl, least, most] = half.ttl;
        half.ttl =
            if half.packets == 0 { [packet.ttl; 3] } else { [first_ttl, least.min(packet.ttl), most.max(packet.ttl)] };
        half.packets = half.packets.saturating_add(1);
        half.bytes = half.bytes.saturating_add(u64::from(datagram.payload_len));
        half.cut = half.cut.saturating_add(cut);
        half.largest = half.largest.max(datagram.payload_len);
        half.first_data.set_once(at, first);
        half.last_data = Stamp::new(at, first);
        if self.done {
            return;
        }
        let ends = self.ends();
        let sink = self.sink.get_or_insert_with(|| Box::new(S::udp(context, ends)));
        if sink.datagram(side, payload, cut > 0, at) == Interest::Done {
            self.done = true;
            if sink.is_empty() {
                self.sink = None;
            }
        }
    }
}
