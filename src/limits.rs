//! Every number that bounds memory or work, with its reason. Nothing a file says can make the program exceed them.

/// Bytes of one window of a capture: large enough to spread over threads, small enough to stay in the cache.
pub const WINDOW_BYTES: usize = 4 << 20;

/// Longest record (frame with header) accepted in a capture: twice the largest snap length in use (262,144), so that
/// offload frames fit, and a wrong length is met early.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Bytes kept out of order for one direction of a flow while a gap before them may still close. A receive window in
/// a handshake is 64 KiB; more than that is either loss in the capture or an attack.
pub const REORDER_BYTES_MAX: usize = 128 << 10;

/// Out-of-order pieces kept for one direction of a flow (bounds work on one-byte segments).
pub const REORDER_SEGMENTS_MAX: usize = 256;

/// Bytes that a dissector may hold back for one incomplete message of one direction: a TLS handshake message may be
/// 16 MiB by its length field; certificate chains in the field stay under 64 KiB.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// Out-of-order and incomplete-message bytes over all flows of one capture; beyond it the oldest are given up.
pub const STREAM_BYTES_TOTAL_MAX: usize = 192 << 20;

/// Flows that live at the same time; beyond it the longest idle ones are closed and counted.
pub const LIVE_FLOWS_MAX: usize = 1 << 20;

/// Flow records kept for the report; further flows that carry nothing to tell are only counted.
pub const FLOW_FACTS_MAX: usize = 1 << 20;

/// Bytes that unpacking one input may produce, over all its members (a netsh trace is 2000 MB by default).
pub const ARCHIVE_BYTES_MAX: u64 = 8 << 30;

/// Members looked at in one archive.
pub const ARCHIVE_MEMBERS_MAX: usize = 10_000;

/// Archives nested in one another (a zip of a cab of a gz is 3).
pub const ARCHIVE_DEPTH_MAX: usize = 4;

/// Incomplete IP datagrams kept for fragment reassembly.
pub const IP_FRAGMENT_DATAGRAMS_MAX: usize = 1024;

/// Bytes of one reassembled IP datagram (RFC 791: total length is 16 bits).
pub const IP_DATAGRAM_BYTES_MAX: usize = 65_535;

/// Tunnels nested in one another that are followed.
pub const TUNNEL_DEPTH_MAX: usize = 8;

/// Debug logs larger than this are read to here and reported as cut (az writes a few MB at most).
pub const LOG_BYTES_MAX: u64 = 256 << 20;
