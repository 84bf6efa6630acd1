//! Files cut anywhere and with any byte changed: no panic, no hang, and a report or a reason.
//!
//! Small inputs are cut at every length, larger samples at two hundred.

#![expect(clippy::indexing_slicing, reason = "places in a file are taken from its length")]

#[path = "support/network.rs"]
mod network;
#[path = "support/samples.rs"]
mod samples;

use nettriage::analyze::{self, threads::Way};
use nettriage::input;
use nettriage::lang::Lang;
use nettriage::progress::Progress;
use nettriage::report;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Far more than any of these inputs takes on a slow, busy machine.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// Places at which larger samples are cut, and bytes of them that are changed.
const PLACES: usize = 200;

/// Everything a run does with a file, from its bytes to its report. Returns whether there was a report on it.
fn report_on(name: &str, bytes: Vec<u8>) -> bool {
    let options = samples::quiet();
    let found = input::from_bytes(name, bytes);
    let analysis =
        analyze::evidence(&found, &options, Way::Together, &Progress::hidden()).expect("no key log was asked for");
    let read = analysis.report.unread.is_empty();
    let json = serde_json::to_string(&report::json::case(&analysis.report, Lang::En)).expect("a report is JSON");
    let text = report::markdown::render(&analysis.report, Lang::Ja);
    assert!(json.starts_with('{') && !text.is_empty());
    assert!(analysis.report.unread.iter().all(|(_, why)| !why.en.is_empty() && !why.ja.is_empty()));
    read
}

/// Runs `inputs` one after the other; fails when one panics or hangs, and says which. Returns how many were read.
fn all_pass(what: &str, inputs: impl Iterator<Item = (String, Vec<u8>)> + Send + 'static) -> usize {
    let (sender, receiver) = channel();
    let name = what.to_owned();
    let worker = std::thread::spawn(move || {
        let mut read = 0;
        for (place, bytes) in inputs {
            // The reader of the channel waits for us, so it is there.
            let _ = sender.send(place);
            read += usize::from(report_on(&name, bytes));
        }
        read
    });
    let mut at = "the start".to_owned();
    loop {
        match receiver.recv_timeout(HANGS_AFTER) {
            Ok(place) => at = place,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("{what} hangs: {at}"),
        }
    }
    worker.join().unwrap_or_else(|_| panic!("{what} panics: {at}"))
}

fn cut_at(whole: Vec<u8>, step: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..=whole.len()).step_by(step.max(1)).map(move |n| (format!("cut to {n} bytes"), whole[..n].to_vec()))
}

/// Every `step`th byte changed, each time in another way.
fn changed_at(whole: Vec<u8>, step: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    const WAYS: [u8; 5] = [0xff, 0x80, 0x01, 0x7f, 0x20];
    (0..whole.len()).step_by(step.max(1)).enumerate().map(move |(i, at)| {
        let mut bytes = whole.clone();
        let way = WAYS[i % WAYS.len()];
        bytes[at] ^= way;
        (format!("byte {at} changed by {way:#x}"), bytes)
    })
}

/// Several bytes changed at once, by a generator that gives the same on every machine.
fn scrambled(whole: Vec<u8>, times: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    (0..times).map(move |round| {
        let mut bytes = whole.clone();
        for _ in 0..=next(16) {
            let at = next(bytes.len());
            bytes[at] = next(256) as u8;
        }
        (format!("round {round}"), bytes)
    })
}

#[test]
fn a_small_pcap_cut_at_every_length() {
    let whole = network::refused_sign_in().pcap();
    assert!(all_pass("small.pcap", cut_at(whole, 1)) > 100);
}

#[test]
fn a_small_pcapng_cut_at_every_length() {
    let whole = network::interrupted_sign_in().pcapng();
    assert!(all_pass("small.pcapng", cut_at(whole, 1)) > 100);
}

#[test]
fn every_byte_of_a_small_pcap_changed() {
    let whole = network::refused_sign_in().pcap();
    assert!(all_pass("small.pcap", changed_at(whole, 1)) > 100);
}

#[test]
fn every_byte_of_a_small_pcapng_changed() {
    let whole = network::interrupted_sign_in().pcapng();
    assert!(all_pass("small.pcapng", changed_at(whole, 1)) > 100);
}

#[test]
fn small_captures_scrambled() {
    all_pass("small.pcap", scrambled(network::interrupted_sign_in().pcap(), 1000));
    all_pass("small.pcapng", scrambled(network::refused_sign_in().pcapng(), 1000));
}

/// Small files of the formats that are not easily made in code: the seeds of the fuzz targets.
#[test]
fn small_traces_and_archives_cut_and_changed_everywhere() {
    let mut tried = 0;
    for format in ["etl", "netmon", "archive"] {
        for entry in std::fs::read_dir(format!("tests/fuzz/seeds/{format}")).expect("seeds are there") {
            let path = entry.expect("the folder can be read").path();
            let whole = std::fs::read(&path).expect("the seed is there");
            let step = whole.len() / 3000 + 1;
            all_pass(&path.to_string_lossy(), cut_at(whole.clone(), step));
            all_pass(&path.to_string_lossy(), changed_at(whole.clone(), step));
            all_pass(&path.to_string_lossy(), scrambled(whole, PLACES));
            tried += 1;
        }
    }
    assert!(tried >= 6, "only {tried} seeds");
}

#[test]
fn the_smallest_sample_cut_at_every_length() {
    let smallest = samples::all().into_iter().flat_map(|s| s.files()).min_by_key(|f| size(f)).expect("samples");
    let whole = std::fs::read(&smallest).expect("the sample is there");
    all_pass(&smallest.to_string_lossy(), cut_at(whole, 1));
}

#[test]
fn every_sample_cut_in_many_places() {
    for file in samples::all().into_iter().flat_map(|s| s.files()) {
        let whole = std::fs::read(&file).expect("the sample is there");
        let step = whole.len() / PLACES;
        all_pass(&file.to_string_lossy(), cut_at(whole, step));
    }
}

#[test]
fn every_sample_changed_in_many_places() {
    for file in samples::all().into_iter().flat_map(|s| s.files()) {
        let whole = std::fs::read(&file).expect("the sample is there");
        let step = whole.len() / PLACES;
        all_pass(&file.to_string_lossy(), changed_at(whole.clone(), step));
        all_pass(&file.to_string_lossy(), scrambled(whole, PLACES / 4));
    }
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(u64::MAX, |m| m.len())
}
