//! Every number that bounds memory or work, with its reason. Nothing a file says can make the program exceed them.

/// Bytes of one window of a capture: what is read and decoded at a time, small enough to stay in a core's own cache.
pub const WINDOW_BYTES: usize = 256 << 10;

/// Bytes of windows decoded before their packets go to the flows: enough that handing them to other threads costs
/// nothing in comparison, little enough that they are still in the shared cache.
pub const BATCH_BYTES: u64 = 1 << 20;

/// The same where one thread does everything: what is decoded should still be in its own cache.
pub const BATCH_BYTES_ALONE: u64 = 512 << 10;

/// Longest record (frame with header) accepted in a capture: twice the largest snap length in use (262,144), so that
/// offload frames fit, and a wrong length is met early.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Longest frame accepted as plausible: the largest snap length that capture programs use, and the limit at which
/// Wireshark calls a record damaged.
pub const FRAME_BYTES_MAX: usize = 262_144;

/// Files up to this size are read whole where random access is needed; larger ones are mapped.
pub const READ_WHOLE_BYTES_MAX: u64 = 32 << 20;

/// Findings of one verdict that are written out, each with some kilobytes of text in two languages: nobody reads more, and
/// every host is in the list of hosts with its verdict and its frames.
pub const FINDINGS_OF_A_RULE_MAX: usize = 1000;

/// Interfaces described in one capture (each costs memory; an attacker can describe one every 20 bytes).
pub const CAPTURE_INTERFACES_MAX: usize = 65_536;

/// Bytes of TLS secrets and of names taken from one capture.
pub const CAPTURE_SECRETS_BYTES_MAX: usize = 64 << 20;

/// Bytes kept out of order for one direction of a flow while a gap before them may still close. A receive window in
/// a handshake is 64 KiB; more than that is either loss in the capture or an attack.
pub const REORDER_BYTES_MAX: usize = 128 << 10;

/// Out-of-order pieces kept for one direction of a flow (bounds work on one-byte segments).
pub const REORDER_SEGMENTS_MAX: usize = 256;

/// Bytes that a dissector may hold back for one incomplete message of one direction: a TLS handshake message may be
/// 16 MiB by its length field; certificate chains in the field stay under 64 KiB.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// Bytes of hellos and certificates remembered so that the next one of the same content is not read again, for each of
/// the two: a large network shows some thousand combinations of client and host, and some thousand certificates of 1 to
/// 2 KiB; an attacker's are all different and then simply read.
pub const SHARED_BYTES_MAX: usize = 16 << 20;

/// Out-of-order and incomplete-message bytes over all flows of one capture; beyond it the oldest are given up.
pub const STREAM_BYTES_TOTAL_MAX: usize = 192 << 20;

/// Flows that live at the same time; beyond it the longest idle ones are closed and counted.
pub const LIVE_FLOWS_MAX: usize = 1 << 20;

/// Flow records kept for the report; further flows that carry nothing to tell are only counted.
pub const FLOW_FACTS_MAX: usize = 1 << 20;

/// Of these, flows that have nothing to tell but that they were tried (SYNs without payload after them): enough for
/// every sign-in, few enough for a scan or a SYN flood of millions.
pub const PLAIN_FLOW_FACTS_MAX: usize = 1 << 16;

/// Flows of one capture that are kept whatever becomes of them; later ones that go as one before them are only counted.
/// More than anybody reads one by one, and than a trace of one client holds.
pub const FLOWS_IN_FULL: usize = 2048;

/// ICMP errors, and drops inside Windows, kept one by one for the report; further ones are counted.
pub const FLOW_ERRORS_MAX: usize = 1 << 16;

/// Tables over which the flows of one capture are spread, whatever the number of threads, so that what the limits
/// keep does not depend on it.
pub const FLOW_SHARDS: usize = 8;

/// Bytes that unpacking one input may produce, over all its members (a netsh trace is 2000 MB by default).
pub const ARCHIVE_BYTES_MAX: u64 = 8 << 30;

/// Unpacked bytes held in memory at the same time, over all inputs of one call: one full netsh trace (2000 MB by
/// default) and what lies beside it. Captures packed with gz, zst or in a zip are streamed and not held.
pub const ARCHIVE_HELD_BYTES_MAX: u64 = 4 << 30;

/// Members looked at in one archive.
pub const ARCHIVE_MEMBERS_MAX: usize = 10_000;

/// Archives nested in one another (a zip of a cab of a gz is 3).
pub const ARCHIVE_DEPTH_MAX: usize = 4;

/// Incomplete IP datagrams kept for fragment reassembly.
pub const IP_FRAGMENT_DATAGRAMS_MAX: usize = 1024;

/// Bytes of one reassembled IP datagram (RFC 791: total length is 16 bits).
pub const IP_DATAGRAM_BYTES_MAX: usize = 65_535;

/// Bytes of all incomplete IP datagrams together; the value that Linux uses for its own reassembly.
pub const IP_FRAGMENT_BYTES_TOTAL_MAX: usize = 4 << 20;

/// Fragments of one datagram: 65,535 bytes in pieces of 68 bytes (the smallest MTU of IPv4, RFC 791) less the header.
pub const IP_FRAGMENT_PIECES_MAX: usize = 1366;

/// Nanoseconds of packet time after which an incomplete datagram is given up (RFC 8200, 4.5: 60 s).
pub const IP_FRAGMENT_NANOS_MAX: i64 = 60_000_000_000;

/// Headers between the start of a frame and one IP header (VLAN tags, MPLS, PPP, LLC, capture headers); real frames
/// stay under ten.
pub const LINK_LAYERS_MAX: usize = 24;

/// IPv6 extension headers of one packet that are walked.
pub const IPV6_EXTENSIONS_MAX: usize = 16;

/// 802.11 frames in one aggregate (A-MSDU) that are walked: 11,454 bytes in subframes of at least 14 bytes.
pub const AMSDU_SUBFRAMES_MAX: usize = 820;

/// Tunnels nested in one another that are followed.
pub const TUNNEL_DEPTH_MAX: usize = 8;

/// Files looked at in one call; a folder with more is most likely not a case.
pub const FILES_MAX: usize = 1_000_000;

/// Debug logs larger than this are read to here and reported as cut (az writes a few MB at most).
pub const LOG_BYTES_MAX: u64 = 256 << 20;

/// Questions read from one DNS message; real ones hold one, test tools a few.
pub const DNS_QUESTIONS_MAX: usize = 16;

/// Resource records walked in one DNS message: 64 KiB hold at most 5,957 (11 bytes each), answers in the field < 100.
pub const DNS_RECORDS_MAX: usize = 512;

/// Compression pointers followed in one DNS name: a name has at most 127 labels, writers use one or two pointers.
pub const DNS_POINTERS_MAX: usize = 32;

/// Characters kept of the text of one DNS record (TXT and the like).
pub const DNS_TEXT_MAX: usize = 512;

/// Bytes of one HTTP message head (start line and fields); servers refuse more than 8 to 64 KiB.
pub const HTTP_HEAD_BYTES_MAX: usize = 64 << 10;

/// HTTP exchanges kept of one flow: a busy keep-alive connection has some hundred.
pub const HTTP_EXCHANGES_MAX: usize = 2048;

/// Bytes kept of the body of an error page or PAC file: the title and the product's name stand in the first lines.
pub const HTTP_BODY_HEAD_BYTES: usize = 2 << 10;

/// Characters kept of one HTTP field value or request target.
pub const HTTP_VALUE_MAX: usize = 512;

/// Product headers kept of one HTTP answer.
pub const HTTP_PRODUCT_HEADERS_MAX: usize = 16;

/// Bytes a client may send behind an unanswered CONNECT (or SOCKS request) that are held for the tunnel: a ClientHello
/// with post-quantum keys is under 2 KiB, an initial congestion window 15 KiB.
pub const OPTIMISTIC_BYTES_MAX: usize = 64 << 10;

/// Bytes of one SOCKS message: GSSAPI tokens have a 16-bit length, everything else is under 600 bytes.
pub const SOCKS_MESSAGE_BYTES_MAX: usize = 66 << 10;

/// Bytes of a handshake that came in pieces over UDP (QUIC CRYPTO frames, DTLS fragments) and is not complete: a
/// ClientHello with post-quantum keys and a long ticket is 8 KiB, a certificate chain rarely 32 KiB.
pub const HANDSHAKE_STREAM_BYTES_MAX: usize = 64 << 10;

/// Pieces kept behind a hole of such a handshake: a ClientHello cut up to confuse middleboxes comes in about 20.
pub const HANDSHAKE_PIECES_MAX: usize = 128;

/// QUIC connections (or DTLS sessions) followed on one UDP flow; ports are reused, but not that often in one capture.
pub const DATAGRAM_SESSIONS_MAX: usize = 32;

/// Packets of one UDP flow that are tried with keys of their own and turn out not to be a client's Initial.
pub const QUIC_KEY_TRIALS_MAX: usize = 256;

/// Sign-in attempts kept of one log: a transcript of a day of trying has some dozens.
pub const LOG_ATTEMPTS_MAX: usize = 256;

/// Events kept of one attempt; a sign-in with all its retries has some hundreds.
pub const LOG_EVENTS_MAX: usize = 2000;

/// Characters of the text of one log event: a full urllib3 error with its cause fits.
pub const LOG_TEXT_CHARS_MAX: usize = 480;

/// Entries kept of one sign-in log export; the portal exports 100,000 at most.
pub const SIGNIN_ENTRIES_MAX: usize = 100_000;

/// Entries of a report's timeline: a sign-in makes some hundred; a browser can still scroll and filter this many.
pub const TIMELINE_ENTRIES_MAX: usize = 4000;

/// Lines and connections of one run of a command in a report: a sign-in logs some dozen that matter; retries of a
/// failing one repeat themselves.
pub const ATTEMPT_EVENTS_SHOWN_MAX: usize = 400;
