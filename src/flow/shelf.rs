//! Packets as they wait for the table of flows.
//!
//! What enters: packets, in whatever form the stage before keeps them. What leaves: of each what the table asks for, no
//! more than it asks for.

use crate::packet::{Packet, PacketEnds, PlainSegment};

/// Where packets are kept between the stage before and this one.
pub trait Shelf<'w> {
    /// One of them.
    type Kept;
    /// The [`crate::flow::key::Seed::hash`] of its ends, where it has some.
    fn hash(&self, kept: &Self::Kept) -> u32;
    /// As [`Packet::ends`].
    fn ends(&self, kept: &Self::Kept) -> Option<PacketEnds>;
    /// Its header if it is a plain segment.
    fn plain(&self, kept: &Self::Kept) -> Option<PlainSegment>;
    /// The whole packet, and its number within its frame.
    fn packet(&self, kept: &Self::Kept) -> (Packet<'w>, u32);
}

/// Packets that are kept as they are: each with its number within its frame and the hash of its ends.
pub(super) struct AsTheyAre;

impl<'w> Shelf<'w> for AsTheyAre {
    type Kept = (Packet<'w>, u32, u32);

    fn hash(&self, (_, _, hash): &Self::Kept) -> u32 {
        *hash
    }

    fn ends(&self, (packet, ..): &Self::Kept) -> Option<PacketEnds> {
        packet.ends()
    }

    fn plain(&self, (packet, in_frame, _): &Self::Kept) -> Option<PlainSegment> {
        packet.plain_segment(*in_frame)
    }

    fn packet(&self, (packet, in_frame, _): &Self::Kept) -> (Packet<'w>, u32) {
        (*packet, *in_frame)
    }
}
