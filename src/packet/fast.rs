//! The fast path: Ethernet, IPv4/IPv6, TCP/UDP without anything unusual.
