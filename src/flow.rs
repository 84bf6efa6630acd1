//! Packets → flows: who talks to whom, and each direction's bytes in order.
//!
//! The face towards the dissectors is [`FlowSink`]: it is fed each direction's bytes in order, with gaps known.

mod claims;
mod crowd;
#[cfg(test)]
mod crowd_tests;
pub mod finished;
pub mod firsts;
mod gone;
mod handshake;
pub mod key;
mod pool;
mod ports;
pub mod reassembly;
mod reset;
#[cfg(test)]
mod scenario;
pub mod seq;
pub mod shelf;
mod side;
mod starts;
mod summary;
pub mod table;
#[cfg(test)]
mod table_tests;
pub mod tcp;
#[cfg(test)]
mod tcp_tests;
pub mod udp;
mod waiting;

pub use side::FAREWELL_BYTES;

use crate::facts::{Crowd, Fellow};
use crate::packet::At;
use std::hash::Hasher;
use std::net::SocketAddr;
use std::sync::Arc;

/// One of the two ends of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The end that opened the connection (sent the SYN, or spoke first).
    Client,
    /// The other one.
    Server,
}

impl Side {
    /// The opposite end.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
    /// 0 for the client, 1 for the server.
    pub fn index(self) -> usize {
        match self {
            Side::Client => 0,
            Side::Server => 1,
        }
    }
}

/// The two ends of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ends {
    /// Client.
    pub client: SocketAddr,
    /// Server.
    pub server: SocketAddr,
}

/// Whether a sink wants more of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Keep the bytes coming.
    More,
    /// Nothing more can be learnt: stop reassembling, only count.
    Done,
}

/// How it is known that a flow has told all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// A TCP connection was closed; nothing more is read.
    Closed,
    /// Nothing has been said for long, or the capture ends. If it was not ordinary, more is read.
    Idle,
    /// One question was asked and answered over UDP. If it was not ordinary, more is read.
    Answered,
}

/// What reads a flow's bytes: the dissectors of [`crate::protocol`].
///
/// The flow stage calls it with each direction's bytes in sequence order, every byte once, `at` being the frame that
/// carried (the last of) them.
pub trait FlowSink {
    /// What every flow of a capture shares (the key log); the flow stage only hands it on.
    type Context;
    /// Starts a TCP flow. `client_known` is false when no SYN told who is the client.
    fn tcp(context: &Arc<Self::Context>, ends: Ends, client_known: bool) -> Self;
    /// Starts a UDP flow.
    fn udp(context: &Arc<Self::Context>, ends: Ends) -> Self;
    /// Bytes of a TCP direction, in order.
    fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Interest;
    /// `missing` bytes of a TCP direction will never come (lost in the capture, cut by the snap length).
    fn gap(&mut self, side: Side, missing: u64, at: At) -> Interest;
    /// True when nothing was learnt so far: when flows must be given up, such a one goes first.
    fn is_empty(&self) -> bool {
        false
    }
    /// True once what follows is the inside of a tunnel for which Wireshark counts one more TCP stream (it dissects
    /// what a SOCKS connection carries as a conversation of its own).
    fn carries_a_stream(&self) -> bool {
        false
    }
    /// Whether what the flow told was ordinary; if so, what flows that went alike share goes into `hash`. `round_trip` is
    /// that of the TCP handshake, in nanoseconds.
    fn outline(&mut self, _over: Over, _round_trip: i64, _hash: &mut dyn Hasher) -> bool {
        false
    }
    /// Counts the ordinary flow in the crowd of one with the same outline; false where it has something that the crowd
    /// has no room for.
    fn join(&self, _fellow: &Fellow, _crowd: &mut Crowd) -> bool {
        false
    }
    /// Counts the flow that the others of a crowd went as in that crowd; false where it cannot.
    fn join_as_first(&self, _fellow: &Fellow, _crowd: &mut Crowd) -> bool {
        false
    }
    /// One UDP datagram; `cut` when the snap length cut it.
    fn datagram(&mut self, side: Side, payload: &[u8], cut: bool, at: At) -> Interest;
}
