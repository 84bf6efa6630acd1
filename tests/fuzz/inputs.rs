//! What each fuzz target does with its bytes. The targets below `fuzz_targets` call it, and so does the ordinary test
//! that replays crashing inputs, so that both always do the same.

use nettriage::analyze::engine::{self, Wanted};
use nettriage::analyze::threads::Way;
use nettriage::capture::etl::EtlSource;
use nettriage::capture::etl::xpress;
use nettriage::capture::netmon::NetmonSource;
use nettriage::capture::{self, FrameSource};
use nettriage::facts::DnsKind;
use nettriage::flow::{Ends, FlowSink, Side};
use nettriage::input::sniff::{Container, sniff};
use nettriage::input::{self, ByteSource, Bytes};
use nettriage::log;
use nettriage::packet::At;
use nettriage::protocol::keylog::KeyLog;
use nettriage::protocol::{Context, Dissector, certificate, certificate::SharedCertificates, dns};
use nettriage::time::Timestamp;
use std::sync::Arc;

/// A window so small that inputs of a fuzzer have several.
const WINDOW: usize = 1 << 16;

/// All targets by name.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("archive", archive),
    ("certificate", x509),
    ("dns", name_service),
    ("etl", etl),
    ("http", http),
    ("keylog", key_log),
    ("log", debug_log),
    ("netmon", netmon),
    ("pcap", pcap),
    ("pcapng", pcapng),
    ("quic", quic),
    ("signin", signin),
    ("sniff", container),
    ("tls", tls),
    ("xpress", packed),
];

/// Runs the target of that name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(n, _)| *n == name).map(|(_, f)| f);
    target.unwrap_or_else(|| panic!("no target {name}"))(data);
}

fn container(data: &[u8]) {
    let _ = sniff(data);
}

/// Archives with everything in them.
fn archive(data: &[u8]) {
    for piece in input::from_bytes("fuzz", data.to_vec()) {
        // A bomb stops at the limits; they are too far away for a fuzzer's patience.
        if piece.bytes.is_some_and(|b| b < 1 << 22) {
            let _ = piece.whole();
        }
    }
}

fn pcap(data: &[u8]) {
    front_to_back(Container::Pcap, data);
}

fn pcapng(data: &[u8]) {
    front_to_back(Container::PcapNg, data);
}

fn front_to_back(container: Container, data: &[u8]) {
    if let Ok(source) = capture::open(container, ByteSource::from_bytes(data.to_vec()), WINDOW) {
        whole(source);
    }
}

fn netmon(data: &[u8]) {
    if let Ok(source) = NetmonSource::new(Bytes::from(data.to_vec()), WINDOW) {
        whole(Box::new(source));
    }
}

fn etl(data: &[u8]) {
    if let Ok(source) = EtlSource::open(&Bytes::from(data.to_vec()), WINDOW) {
        whole(Box::new(source));
    }
}

/// From frames to facts, and on to records.
fn whole(source: Box<dyn FrameSource + '_>) {
    if let Ok(facts) =
        engine::read(source, Arc::new(Context::default()), Wanted::Telling(1), Way::Together, &mut |_| {})
    {
        let _ = nettriage::records::of_capture("fuzz", &facts);
    }
}

/// Two bytes say how much is to be unpacked.
fn packed(data: &[u8]) {
    let Some((want, rest)) = data.split_first_chunk::<2>() else { return };
    let want = usize::from(u16::from_le_bytes(*want)) * 2;
    let mut decoder = xpress::Decoder::new(rest, want);
    let mut out = Vec::new();
    while !decoder.is_finished() {
        let before = (out.len(), decoder.consumed());
        let until = out.len() + 1000;
        decoder.fill(&mut out, until);
        assert!((out.len(), decoder.consumed()) != before || decoder.is_finished(), "no progress");
    }
    assert!(out.len() <= want + 4096, "{} bytes instead of {want}", out.len());
}

fn at(frame: u64) -> At {
    At { frame, time: Timestamp(1_795_000_000_000_000_000 + frame as i64 * 1_000_000) }
}

fn ends(server_port: u16) -> Ends {
    Ends { client: ([10, 0, 0, 5], 50_000).into(), server: ([20, 190, 1, 1], server_port).into() }
}

/// A stream of both sides in pieces: a byte that says whose piece comes and of what kind, one for its length.
fn conversation(port: u16, data: &[u8], key_log: Option<Arc<KeyLog>>) {
    let mut sink = Dissector::tcp(&Arc::new(Context::new(key_log)), ends(port), true);
    let mut rest = data;
    let mut frame = 0;
    while let Some((&[kind, length], more)) = rest.split_first_chunk::<2>() {
        frame += 1;
        let side = if kind & 1 == 0 { Side::Client } else { Side::Server };
        // Long pieces for large messages: what real stacks send at a time.
        let length = usize::from(length) << (kind >> 4 & 7);
        if kind & 0x0e == 0x0e {
            sink.gap(side, length as u64 + 1, at(frame));
            rest = more;
            continue;
        }
        let (piece, more) = more.split_at(length.min(more.len()));
        sink.data(side, piece, at(frame));
        rest = more;
    }
    let _ = sink.finish();
}

fn tls(data: &[u8]) {
    conversation(443, data, None);
    // A key log that knows whatever random the fuzzer likes best.
    let mut secrets = KeyLog::default();
    let zeros = "00".repeat(32);
    for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"] {
        secrets.add(format!("{label} {zeros} {zeros}\n").as_bytes());
    }
    conversation(443, data, Some(Arc::new(secrets)));
}

fn http(data: &[u8]) {
    conversation(8080, data, None);
    conversation(1080, data, None);
}

fn name_service(data: &[u8]) {
    for kind in [DnsKind::Dns, DnsKind::Mdns, DnsKind::Llmnr, DnsKind::Nbns] {
        let _ = dns::message(data, kind);
    }
    let _ = dns::looks_like_message(data);
    conversation(53, data, None);
}

/// Datagrams of both sides, each behind its length.
fn quic(data: &[u8]) {
    let mut sink = Dissector::udp(&Arc::default(), ends(443));
    let mut rest = data;
    let mut frame = 0;
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        frame += 1;
        let length = u16::from_le_bytes(*length);
        let side = if length & 0x8000 == 0 { Side::Client } else { Side::Server };
        let (piece, more) = more.split_at(usize::from(length & 0x0fff).min(more.len()));
        sink.datagram(side, piece, length & 0x4000 != 0, at(frame));
        rest = more;
    }
    let _ = sink.finish();
}

fn x509(data: &[u8]) {
    let shared = SharedCertificates::default();
    let _ = certificate::parse(data);
    let _ = certificate::list(data, true, at(1), &shared);
    let _ = certificate::list(data, false, at(1), &shared);
}

fn debug_log(data: &[u8]) {
    let _ = log::read("debug.txt", data);
}

fn signin(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = log::signin_export::read(&text);
}

fn key_log(data: &[u8]) {
    let mut secrets = KeyLog::default();
    secrets.add(data);
    let _ = KeyLog::looks_like(data);
    assert!(secrets.len() <= data.len());
}
