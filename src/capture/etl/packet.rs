//! A packet as one event shows it, before copies are folded: what the packet providers have in common.

use crate::capture::{Direction, DropMark, LinkType};

/// Where in the network stack a packet was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Site {
    /// NDIS capture: adapter and the interface below the capturing filter.
    Ndis {
        /// Interface index of the adapter.
        miniport: u32,
        /// Interface index under the filter; equal to `miniport` right above the adapter.
        lower: u32,
    },
    /// Packet monitor: component and edge.
    Pktmon {
        /// Component id.
        component: u16,
        /// 1 lower or only, 2 upper, 0 inside.
        edge: u16,
    },
    /// RAS-NdisWan.
    Ras,
}

/// How copies of a packet are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Packet monitor numbered it.
    Numbered {
        /// Group id.
        group: u64,
        /// Number within the group.
        number: u16,
    },
    /// By its bytes.
    Content,
}

/// One record of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'e> {
    /// Link type.
    pub link: LinkType,
    /// Captured bytes.
    pub data: &'e [u8],
    /// Where `data` begins from the start of its event; `None` for joined packets.
    pub place: Option<usize>,
    /// Length on the wire.
    pub original_len: u32,
    /// Direction.
    pub direction: Direction,
    /// Process.
    pub pid: Option<u32>,
    /// Thread.
    pub tid: Option<u32>,
    /// Where it was logged.
    pub site: Site,
    /// How its copies are known.
    pub identity: Identity,
    /// Set for drops.
    pub dropped: Option<DropMark>,
}
