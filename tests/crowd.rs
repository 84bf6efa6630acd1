//! Large captures: ordinary flows that go as one before them are only counted, and nothing that is judged changes.

#![expect(clippy::indexing_slicing, reason = "places in a frame are checked before")]

#[path = "support/captures.rs"]
mod captures;
#[path = "support/samples.rs"]
mod samples;

use captures::Frame;
use nettriage::analyze::engine::Wanted;
use nettriage::facts::CaptureFacts;

/// Offset of the IPv4 header in an Ethernet frame, and of the ports behind it.
const IP: usize = 14;
/// See `IP`.
const PORTS: usize = 34;

/// How often the traffic of a sample is repeated.
const COPIES: u64 = 40;

/// The frames of a capture again and again: each time later, with other ports of the client.
fn repeated(sample: &[u8]) -> Vec<u8> {
    let frames = captures::frames(sample);
    let times = || frames.iter().map(|frame| frame.time);
    let length = times().max().unwrap_or(0) - times().min().unwrap_or(0) + 1_000_000_000;
    let copies = (0..COPIES).flat_map(|copy| {
        frames.iter().map(move |frame| Frame {
            time: frame.time + length * copy as i64,
            data: with_other_port(&frame.data, copy as u16),
            ..*frame
        })
    });
    captures::pcap(copies)
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

/// What a report says of each host.
fn said(facts: CaptureFacts) -> Vec<String> {
    captures::said(facts, |host, v| {
        let addresses = &v.name.addresses;
        let last = v.detail.breaker.as_ref().map(|b| b.kind);
        format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {addresses:?} {last:?}",
            host.name, v.verdict, v.also, v.confidence, v.connections, v.client_tls_max, v.negotiated_tls, v.proxy
        )
    })
}

#[test]
fn verdicts_and_counts_are_the_same_whether_ordinary_flows_are_kept_or_counted() {
    let mut counted = 0;
    for sample in samples::all() {
        for file in sample.files() {
            let Some(bytes) = captures::capture(&file) else { continue };
            let pcap = repeated(&bytes);
            let (each, telling) = (captures::facts(&pcap, Wanted::Each), captures::facts(&pcap, Wanted::Telling(0)));
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
