//! Bytes per second: each container, the decoding of frames, flows, TLS, and whole runs over the samples.
//!
//! `cargo bench --locked`, or one part of it: `cargo bench --locked -- container`. Results that are worth keeping go to
//! `benches/results/<date>-<machine>.md` with machine, commit and command.

#[path = "../tests/support/network.rs"]
mod network;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use nettriage::analyze::engine::{self, Wanted};
use nettriage::analyze::{self, threads::Way};
use nettriage::capture::{self, Frame, FrameSource, etl};
use nettriage::cli::Options;
use nettriage::flow::table::{FlowLimits, FlowTable};
use nettriage::flow::{Ends, FlowSink, Interest, Side};
use nettriage::input::sniff::Container;
use nettriage::input::{self, ByteSource, Bytes};
use nettriage::limits::{FLOWS_IN_FULL, WINDOW_BYTES};
use nettriage::packet::At;
use nettriage::packet::decoder::Decoder;
use nettriage::packet::fast;
use nettriage::progress::Progress;
use nettriage::protocol::{Context, Dissector};
use nettriage::report;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

/// Sign-ins in the generated captures: about 16 MB.
const CONVERSATIONS: u16 = 2000;

/// Many sign-ins with some payload behind each, as one capture.
fn traffic() -> network::Capture {
    let mut capture = network::Capture::default();
    for i in 0..CONVERSATIONS {
        let client = (network::CLIENT, 10_000 + i);
        let server = ([20, 190, (i >> 8) as u8, i as u8], 443);
        let hello = network::client_hello(b"login.microsoftonline.com");
        capture.dns(&[b"login", b"microsoftonline", b"com"], Some(server.0));
        capture
            .tcp(client, server, 2, 1000, 0, b"")
            .tcp(server, client, 18, 5000, 1001, b"")
            .tcp(client, server, 24, 1001, 5001, &hello);
        let mut seq = 5001;
        for _ in 0..5 {
            // Encrypted records: most of what real captures hold.
            let record = [&[23, 3, 3, 5, 0x9b][..], &[0x5a; 1435]].concat();
            capture.tcp(server, client, 16, seq, 1001 + hello.len() as u32, &record);
            seq += record.len() as u32;
        }
        capture.tcp(server, client, 17, seq, 1001 + hello.len() as u32, b"");
    }
    capture
}

fn open(container: Container, bytes: &[u8]) -> Box<dyn FrameSource> {
    let source = ByteSource::from_bytes(bytes.to_vec());
    capture::open(container, source, WINDOW_BYTES).expect("a capture made here can be read")
}

/// Reads to the end and hands every window to `sink`.
fn drain(mut source: Box<dyn FrameSource + '_>, mut sink: impl FnMut(&[Frame<'_>])) {
    while source.window(&mut |frames| sink(frames)).expect("a capture made here can be read") {}
}

fn containers(c: &mut Criterion) {
    let traffic = traffic();
    let mut group = c.benchmark_group("container");
    for (name, container, bytes) in
        [("pcap", Container::Pcap, traffic.pcap()), ("pcapng", Container::PcapNg, traffic.pcapng())]
    {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |b| {
            b.iter_batched(
                || open(container, &bytes),
                |source| drain(source, |frames| _ = black_box(frames.len())),
                BatchSize::PerIteration,
            );
        });
    }
    for entry in std::fs::read_dir("tests/fuzz/seeds/etl").expect("seeds are there") {
        let path = entry.expect("the folder can be read").path();
        let bytes = Bytes::from(std::fs::read(&path).expect("the seed can be read"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("etl {}", path.file_name().unwrap_or_default().to_string_lossy()), |b| {
            b.iter(|| {
                let source = etl::EtlSource::open(&bytes, WINDOW_BYTES).expect("the seed can be read");
                drain(Box::new(source), |frames| _ = black_box(frames.len()));
            });
        });
    }
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let bytes = traffic().pcap();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("fast path", |b| {
        b.iter_batched(
            || open(Container::Pcap, &bytes),
            |source| {
                drain(source, |frames| {
                    for frame in frames {
                        black_box(fast::decode(frame));
                    }
                });
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("general", |b| {
        b.iter_batched(
            || open(Container::Pcap, &bytes),
            |source| {
                let mut decoder = Decoder::new();
                drain(source, |frames| {
                    for frame in frames {
                        decoder.decode(frame, &mut |packet| _ = black_box(packet.at));
                    }
                });
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A dissector that wants nothing: what flows cost by themselves.
struct Deaf;

impl FlowSink for Deaf {
    type Context = ();
    fn tcp(_: &Arc<()>, _: Ends, _: bool) -> Deaf {
        Deaf
    }
    fn udp(_: &Arc<()>, _: Ends) -> Deaf {
        Deaf
    }
    fn data(&mut self, _: Side, _: &[u8], _: At) -> Interest {
        Interest::More
    }
    fn gap(&mut self, _: Side, _: u64, _: At) -> Interest {
        Interest::More
    }
    fn datagram(&mut self, _: Side, _: &[u8], _: bool, _: At) -> Interest {
        Interest::More
    }
}

fn flows(c: &mut Criterion) {
    let bytes = traffic().pcap();
    let mut group = c.benchmark_group("flow");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("table", |b| {
        b.iter_batched(
            || open(Container::Pcap, &bytes),
            |source| {
                let mut table: FlowTable<Deaf> = FlowTable::new(Arc::new(()), FlowLimits::share_of(1));
                drain(source, |frames| {
                    for frame in frames {
                        if let Some(packet) = fast::decode(frame) {
                            table.packet(&packet);
                        }
                    }
                });
                table.finish()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn tls(c: &mut Criterion) {
    let hello = network::client_hello(b"login.microsoftonline.com");
    let ends = Ends { client: ([10, 0, 0, 5], 50_000).into(), server: ([20, 190, 1, 1], 443).into() };
    let at = At { frame: 1, time: nettriage::time::Timestamp(0) };
    let mut group = c.benchmark_group("tls");
    group.throughput(Throughput::Bytes(hello.len() as u64));
    group.bench_function("client_hello", |b| {
        b.iter(|| {
            let mut dissector = Dissector::tcp(&Arc::default(), ends, true);
            dissector.data(Side::Client, black_box(&hello), at);
            dissector.finish()
        });
    });
    group.finish();
}

/// The JSON report on a capture, as the program writes it.
fn json(bytes: &[u8]) -> serde_json::Result<String> {
    let options = Options { verbosity: -1, ..Options::default() };
    let found = input::from_bytes("capture", bytes.to_vec());
    let analysis =
        analyze::evidence(&found, &options, Way::Alone, &Progress::hidden()).expect("a capture here has a report");
    serde_json::to_string(&report::json::case(&analysis.report, options.lang))
}

fn whole(c: &mut Criterion) {
    let mut group = c.benchmark_group("whole");
    let bytes = traffic().pcapng();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("generated capture to facts", |b| {
        b.iter_batched(
            || open(Container::PcapNg, &bytes),
            |source| {
                engine::read(
                    source,
                    Arc::new(Context::default()),
                    Wanted::Telling(FLOWS_IN_FULL),
                    Way::Alone,
                    &mut |_| {},
                )
            },
            BatchSize::PerIteration,
        );
    });
    for entry in std::fs::read_dir("samples").expect("samples are there") {
        let path: PathBuf = entry.expect("the folder can be read").path();
        let Some(name) = path.file_stem().filter(|_| path.extension().is_some_and(|e| e == "pcapng")) else { continue };
        let bytes = std::fs::read(&path).expect("the sample can be read");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name.to_string_lossy(), |b| b.iter(|| json(&bytes)));
    }
    group.finish();
}

/// Every connection to another host, and all reset: what a stranger can ask of joining, judging and reporting. Names a
/// second must be about the same for both sizes.
fn many_hosts(c: &mut Criterion) {
    let mut group = c.benchmark_group("many hosts");
    for hosts in [2_000u16, 20_000] {
        let mut capture = network::Capture::default();
        for i in 0..hosts {
            let (client, server) = ((network::CLIENT, 10_000 + i), ([20, 190, (i >> 8) as u8, i as u8], 443));
            let hello = network::client_hello(format!("h{i}.login.microsoftonline.com").as_bytes());
            capture
                .tcp(client, server, 2, 1000, 0, b"")
                .tcp(server, client, 18, 5000, 1001, b"")
                .tcp(client, server, 24, 1001, 5001, &hello)
                .tcp(server, client, 20, 5001, 1001 + hello.len() as u32, b"");
        }
        let bytes = capture.pcapng();
        group.sample_size(10).throughput(Throughput::Elements(hosts.into()));
        group.bench_function(hosts.to_string(), |b| b.iter(|| json(&bytes)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = containers, decoding, flows, tls, whole, many_hosts
}
criterion_main!(benches);
