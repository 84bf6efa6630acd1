//! Link layers: frame bytes → network-layer packet.
