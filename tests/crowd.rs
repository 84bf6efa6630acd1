//! Large captures: ordinary flows that go as one before them are only counted, and nothing that is judged changes.

#![expect(clippy::indexing_slicing, reason = "places in a frame are checked before")]

#[path = "support/samples.rs"]
mod samples;

use nettriage::analyze::engine::{self, Wanted};
use nettriage::analyze::threads::Way;
use nettriage::capture::{self, FrameSource, ReadOptions};
use nettriage::case::{Case, Piece, PieceFacts};
use nettriage::facts::CaptureFacts;
use nettriage::input::{self, Kind};
use nettriage::protocol::Context;
use nettriage::verdict::{self, HostVerdict};
use std::sync::Arc;

/// Offset of the IPv4 header in an Ethernet frame, and of the ports behind it.
const IP: usize = 14;
/// See `IP`.
const PORTS: usize = 34;

/// How often the traffic of a sample is repeated.
const COPIES: u64 = 40;

/// The frames of a capture again and again, as classic pcap (nanoseconds): each time later, with other ports of the client.
fn repeated(sample: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_3c4du32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    let mut span = (i64::MAX, i64::MIN);
    with_frames(sample, |frame| span = (span.0.min(frame.time.0), span.1.max(frame.time.0)));
    let length = (span.1 - span.0).max(0) + 1_000_000_000;
    for copy in 0..COPIES {
        with_frames(sample, |frame| {
            let time = (frame.time.0 + length * copy as i64).cast_unsigned();
            let words =
                [time / 1_000_000_000, time % 1_000_000_000, frame.data.len() as u64, frame.original_len.into()];
            words.iter().for_each(|word| out.extend((*word as u32).to_le_bytes()));
            out.extend(with_other_port(frame.data, copy as u16));
        });
    }
    out
}

fn with_frames(bytes: &[u8], mut each: impl FnMut(&capture::Frame<'_>)) {
    let found = input::from_bytes("sample", bytes.to_vec());
    capture::with_source(&found[0], &ReadOptions::default(), |mut source| {
        while source.window(&mut |frames| frames.iter().for_each(&mut each)).expect("a sample can be read") {}
    })
    .expect("a sample can be read");
}

/// The client's port is the higher one; it becomes one that no other copy has.
fn with_other_port(frame: &[u8], copy: u16) -> Vec<u8> {
    let mut out = frame.to_vec();
    let is_plain = out.len() >= PORTS + 4 && out[12..14] == [8, 0] && out[IP] == 0x45 && matches!(out[IP + 9], 6 | 17);
    if is_plain {
        let port = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
        let (source, destination) = (port(PORTS), port(PORTS + 2));
        let at = if source > destination { PORTS } else { PORTS + 2 };
        if source.max(destination) >= 32_768 {
            let moved = 32_768 + (source.max(destination) - 32_768).wrapping_add(copy.wrapping_mul(2_311)) % 32_768;
            out[at..at + 2].copy_from_slice(&moved.to_be_bytes());
        }
    }
    out
}

fn facts(pcap: &[u8], wanted: Wanted) -> CaptureFacts {
    let found = input::from_bytes("large.pcap", pcap.to_vec());
    let read = |source: Box<dyn FrameSource + '_>| {
        engine::read(source, Arc::new(Context::default()), wanted, Way::Alone, &mut |_| {})
    };
    capture::with_source(&found[0], &ReadOptions::default(), read).expect("it is a capture").expect("it can be read")
}

fn judged(facts: CaptureFacts) -> (Case, Vec<Option<HostVerdict>>) {
    let piece =
        Piece { path: "large.pcap".into(), container: None, bytes: 0, facts: PieceFacts::Capture(Box::new(facts)) };
    let case = Case::build(vec![piece]);
    let verdicts = case.hosts.iter().map(|h| verdict::judge_host(&case, h)).collect();
    (case, verdicts)
}

/// What a report says of each host.
fn said(facts: CaptureFacts) -> Vec<String> {
    let (case, verdicts) = judged(facts);
    let one = |(host, verdict): (&nettriage::case::HostStory, &Option<HostVerdict>)| {
        let v = verdict.as_ref()?;
        let addresses = &v.name.addresses;
        let last = v.detail.breaker.as_ref().map(|b| b.kind);
        Some(format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {addresses:?} {last:?}",
            host.name, v.verdict, v.also, v.confidence, v.connections, v.client_tls_max, v.negotiated_tls, v.proxy
        ))
    };
    case.hosts.iter().zip(&verdicts).filter_map(one).collect()
}

#[test]
fn verdicts_and_counts_are_the_same_whether_ordinary_flows_are_kept_or_counted() {
    let mut counted = 0;
    for sample in samples::all() {
        for file in sample.files() {
            let bytes = std::fs::read(&file).expect("a sample can be read");
            if !input::from_bytes("sample", bytes.clone()).iter().any(|e| matches!(e.kind, Kind::Capture(_))) {
                continue;
            }
            let pcap = repeated(&bytes);
            let (each, telling) = (facts(&pcap, Wanted::Each), facts(&pcap, Wanted::Telling(0)));
            let crowds: usize = telling.crowds().map(|crowd| crowd.len()).sum();
            assert!(telling.flows.len() + crowds >= each.flows.len(), "{}", file.display());
            assert_eq!(each.conversations, telling.conversations, "{}", file.display());
            for flow in &telling.flows {
                let same = each.flows.iter().find(|f| f.transport == flow.transport && f.stream == flow.stream);
                assert_eq!(same.map(|f| f.ends), Some(flow.ends), "{}: stream {}", file.display(), flow.stream);
            }
            counted += crowds;
            assert_eq!(said(each), said(telling), "{}", file.display());
        }
    }
    assert!(counted > 1_000, "only {counted} flows were counted");
}
