//! Captures made of others: frames taken out, changed, and put into a new file; and what is said of it.

// Each test crate uses a part of this.
#![allow(dead_code)]

use nettriage::analyze::engine::{self, Wanted};
use nettriage::analyze::threads::Way;
use nettriage::capture::{self, FrameSource, ReadOptions};
use nettriage::case::{Case, HostStory, Piece, PieceFacts};
use nettriage::facts::CaptureFacts;
use nettriage::input::{self, Kind};
use nettriage::protocol::Context;
use nettriage::verdict::{self, HostVerdict};
use std::path::Path;
use std::sync::Arc;

/// A frame of its own.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// Length on the wire.
    pub length: u32,
    /// As far as it was captured.
    pub data: Vec<u8>,
}

/// A file, if it is a capture.
pub fn capture(file: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(file).expect("a sample can be read");
    let found = input::from_bytes("sample", bytes.clone());
    found.iter().any(|evidence| matches!(evidence.kind, Kind::Capture(_))).then_some(bytes)
}

/// The frames of a capture.
pub fn frames(bytes: &[u8]) -> Vec<Frame> {
    let found = input::from_bytes("sample", bytes.to_vec());
    let mut all = Vec::new();
    capture::with_source(found.first().expect("bytes are one input"), &ReadOptions::default(), |mut source| {
        let mut each = |frame: &capture::Frame<'_>| {
            all.push(Frame { time: frame.time.0, length: frame.original_len, data: frame.data.to_vec() });
        };
        while source.window(&mut |frames| frames.iter().for_each(&mut each)).expect("a sample can be read") {}
    })
    .expect("a sample can be read");
    all
}

/// Ethernet frames as classic pcap (nanoseconds).
pub fn pcap(frames: impl IntoIterator<Item = Frame>) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_3c4du32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for Frame { time, length, data } in frames {
        let time = time.cast_unsigned();
        let words = [time / 1_000_000_000, time % 1_000_000_000, data.len() as u64, length.into()];
        words.iter().for_each(|word| out.extend((*word as u32).to_le_bytes()));
        out.extend(data);
    }
    out
}

/// What is found in a capture.
pub fn facts(pcap: &[u8], wanted: Wanted) -> CaptureFacts {
    let found = input::from_bytes("made.pcap", pcap.to_vec());
    let read = |source: Box<dyn FrameSource + '_>| {
        engine::read(source, Arc::new(Context::default()), wanted, Way::Alone, &mut |_| {})
    };
    capture::with_source(found.first().expect("bytes are one input"), &ReadOptions::default(), read)
        .expect("it is a capture")
        .expect("it can be read")
}

/// What `tell` says of each host of a capture on which there is a verdict.
pub fn said(facts: CaptureFacts, tell: impl Fn(&HostStory, &HostVerdict) -> String) -> Vec<String> {
    let piece =
        Piece { path: "made.pcap".into(), container: None, bytes: 0, facts: PieceFacts::Capture(Box::new(facts)) };
    let case = Case::build(vec![piece]);
    case.hosts.iter().filter_map(|host| Some(tell(host, &verdict::judge_host(&case, host)?))).collect()
}
