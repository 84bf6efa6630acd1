//! Flows → facts: which dissector reads which flow.

pub mod certificate;
pub mod dns;
pub mod dtls;
pub mod fingerprint;
pub mod hello;
pub mod http;
pub mod keylog;
pub mod pieces;
pub mod quic;
pub mod quic_crypto;
pub mod quic_packet;
pub mod socks;
pub mod starttls;
pub mod tls;
