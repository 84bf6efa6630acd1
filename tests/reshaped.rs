//! Captures that hold the same conversations in other frames: in another order, as mirror ports and captures of several
//! processors write them, and in smaller segments. Nothing that is judged changes.

#![expect(clippy::indexing_slicing, reason = "places in a frame are checked before")]

#[path = "support/captures.rs"]
mod captures;
#[path = "support/samples.rs"]
mod samples;

use captures::Frame;
use nettriage::analyze::engine::Wanted;

/// Most that a frame is late, in nanoseconds.
const LATE: u64 = 2_000_000;

/// The frames of a capture, one in six a little late.
fn disordered(frames: &[Frame], seed: u64) -> Vec<Frame> {
    let mut state = seed;
    let mut next = || {
        // Knuth's multiplier; the upper bits are good enough to choose frames.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut late: Vec<Frame> = frames
        .iter()
        .map(|frame| Frame {
            time: frame.time + if next() % 6 == 0 { (next() % LATE) as i64 } else { 0 },
            ..frame.clone()
        })
        .collect();
    late.sort_by_key(|frame| frame.time);
    late
}

/// The same with the payload of TCP over IPv4 in segments of so many bytes.
fn segmented(frames: &[Frame], size: usize) -> Vec<Frame> {
    frames.iter().flat_map(|frame| segments(frame, size).unwrap_or_else(|| vec![frame.clone()])).collect()
}

/// The segments of one frame; `None` where it is to stay.
fn segments(frame: &Frame, size: usize) -> Option<Vec<Frame>> {
    const IP: usize = 14;
    const TCP: usize = 34;
    let data = &frame.data;
    let whole = data.len() >= TCP + 20 && data.len() == frame.length as usize;
    if !whole || data[12..14] != [8, 0] || data[IP] != 0x45 || data[IP + 9] != 6 || data[TCP + 13] & 7 != 0 {
        return None;
    }
    let end = IP + usize::from(u16::from_be_bytes([data[IP + 2], data[IP + 3]]));
    let start = TCP + usize::from(data[TCP + 12] >> 4) * 4;
    let payload = data.get(start..end)?;
    let seq = u32::from_be_bytes(data[TCP + 4..TCP + 8].try_into().ok()?);
    if payload.len() <= size {
        return None;
    }
    let cut = |(i, part): (usize, &[u8])| {
        let mut data = [&data[..start], part].concat();
        let length = (data.len() - IP) as u16;
        data[IP + 2..IP + 4].copy_from_slice(&length.to_be_bytes());
        data[TCP + 4..TCP + 8].copy_from_slice(&seq.wrapping_add((i * size) as u32).to_be_bytes());
        Frame { length: data.len() as u32, data, time: frame.time }
    };
    Some(payload.chunks(size).enumerate().map(cut).collect())
}

/// The verdict on each host that a sign-in may need.
fn said(frames: Vec<Frame>) -> Vec<String> {
    let facts = captures::facts(&captures::pcap(frames), Wanted::Each);
    let mut said = captures::said(facts, |host, v| {
        format!("{} {:?} {:?} {:?}", host.name, v.verdict, v.client_tls_max, v.negotiated_tls)
    });
    said.sort();
    said
}

/// Compares the verdicts on each sample with those on its frames made otherwise in several ways.
fn compare(ways: impl Fn(&[Frame]) -> Vec<(String, Vec<Frame>)>) {
    let mut hosts = 0;
    for sample in samples::all() {
        for file in sample.files() {
            let Some(bytes) = captures::capture(&file) else { continue };
            let frames = captures::frames(&bytes);
            let expected = said(frames.clone());
            hosts += expected.len();
            for (way, frames) in ways(&frames) {
                assert_eq!(said(frames), expected, "{}, {way}", file.display());
            }
        }
    }
    assert!(hosts > 20, "only {hosts} hosts were judged");
}

#[test]
fn frames_captured_late_change_no_verdict() {
    compare(|frames| (1..=8).map(|seed| (format!("seed {seed}"), disordered(frames, seed))).collect());
}

#[test]
fn segments_of_any_size_change_no_verdict() {
    compare(|frames| [1, 60, 536].map(|size| (format!("{size} bytes"), segmented(frames, size))).into());
}
