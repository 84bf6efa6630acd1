//! Captures whose frames stand in another order than they were sent in, as mirror ports and captures of several processors
//! write them: nothing that is judged changes.

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

/// The verdict on each host that a sign-in may need.
fn said(frames: Vec<Frame>) -> Vec<String> {
    let (case, verdicts) = captures::judged(captures::facts(&captures::pcap(frames), Wanted::Each));
    let one = |(host, verdict): (&nettriage::case::HostStory, &Option<nettriage::verdict::HostVerdict>)| {
        let v = verdict.as_ref()?;
        Some(format!("{} {:?} {:?} {:?}", host.name, v.verdict, v.client_tls_max, v.negotiated_tls))
    };
    let mut said: Vec<String> = case.hosts.iter().zip(&verdicts).filter_map(one).collect();
    said.sort();
    said
}

#[test]
fn frames_captured_late_change_no_verdict() {
    let mut hosts = 0;
    for sample in samples::all() {
        for file in sample.files() {
            let Some(bytes) = captures::capture(&file) else { continue };
            let frames = captures::frames(&bytes);
            let expected = said(frames.clone());
            hosts += expected.len();
            for seed in 1..=8 {
                assert_eq!(said(disordered(&frames, seed)), expected, "{}, seed {seed}", file.display());
            }
        }
    }
    assert!(hosts > 20, "only {hosts} hosts were judged");
}
