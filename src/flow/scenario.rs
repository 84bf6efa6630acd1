//! Connections in a notation of one line a packet, for the tests of this stage.
//!
//! `>S 100` is a SYN of 10.0.0.1:50000 with sequence number 100, `<SA 300 101` the answer of 10.0.0.2:443 that
//! acknowledges 101, `>A 101 301 hello` five bytes of payload. Further words: `+20` lets 20 ms pass before the
//! packet (every packet comes 1 ms after the last anyway), `w0` is the window, `ttl9`, `id7` (IPv4 identification),
//! `cut3` (three more bytes were on the wire), `sack5-9`, `pid4`, `ts8/9` (timestamp option), `port=50001`.

use crate::capture::Direction;
use crate::facts::{AppFacts, Crowd, Fellow};
use crate::flow::finished::{FinishedFlow, FinishedFlows};
use crate::flow::key::shard_of;
use crate::flow::table::{FlowLimits, FlowShard, FlowTable};
use crate::flow::{Ends, FlowSink, Interest, Over, Side};
use crate::packet::{At, Packet, TcpFlags, TcpOptions, TcpSegment, Transport};
use crate::time::Timestamp;
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;

/// A sink that writes down what it is told: `C:bytes`, `S[gap]`. It has enough when it reads a `!`.
#[derive(Debug, Default)]
pub struct Recorder {
    pub heard: Vec<String>,
    pub frames: Vec<u64>,
    pub client_known: bool,
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "C",
        Side::Server => "S",
    }
}

impl FlowSink for Recorder {
    type Context = ();
    fn tcp(_: &Arc<()>, _: Ends, client_known: bool) -> Self {
        Recorder { client_known, ..Recorder::default() }
    }
    fn udp(_: &Arc<()>, _: Ends) -> Self {
        Recorder::default()
    }
    fn data(&mut self, side: Side, bytes: &[u8], at: At) -> Interest {
        self.heard.push(format!("{}:{}", name(side), String::from_utf8_lossy(bytes)));
        self.frames.push(at.frame);
        if bytes.contains(&b'!') { Interest::Done } else { Interest::More }
    }
    fn gap(&mut self, side: Side, missing: u64, _: At) -> Interest {
        self.heard.push(format!("{}[{missing}]", name(side)));
        Interest::More
    }
    fn datagram(&mut self, side: Side, payload: &[u8], cut: bool, _: At) -> Interest {
        self.heard.push(format!("{}:{}{}", name(side), payload.len(), if cut { "+" } else { "" }));
        Interest::More
    }
    fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }
    /// Ordinary is what has a word of the server's and no gap.
    fn outline(&mut self, _: Over, _: i64, hash: &mut dyn Hasher) -> bool {
        self.heard.iter().for_each(|h| hash.write(h.as_bytes()));
        self.heard.iter().any(|h| h.starts_with("S:")) && !self.heard.iter().any(|h| h.contains('['))
    }
    fn join(&self, fellow: &Fellow, crowd: &mut Crowd) -> bool {
        crowd.take_in(fellow, &AppFacts::default())
    }
    fn join_as_first(&self, fellow: &Fellow, crowd: &mut Crowd) -> bool {
        crowd.take_in_first(fellow, &AppFacts::default());
        true
    }
    fn carries_a_stream(&self) -> bool {
        self.heard.iter().any(|h| h == "S:granted")
    }
}

/// The packets of a script.
pub fn packets(script: &str) -> Vec<Packet<'_>> {
    let mut time = 0i64;
    let mut all = Vec::new();
    for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let from_client = line.starts_with('>');
        let mut words = line[1..].split_whitespace();
        let flags = words.next().unwrap().bytes().fold(0u8, |f, b| {
            f | match b {
                b'F' => 1,
                b'S' => 2,
                b'R' => 4,
                b'P' => 8,
                b'A' => 16,
                _ => panic!("flag in {line}"),
            }
        });
        let seq: u32 = words.next().unwrap().parse().unwrap();
        let (mut ack, mut payload, mut cut) = (0, "", 0);
        let (mut ttl, mut ip_id, mut pid, mut window, mut port) = (64, None, None, 1000, 50_000);
        let mut options = TcpOptions::default();
        time += 1_000_000;
        for (i, w) in words.enumerate() {
            let number = |prefix: &str| w.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
            if i == 0 && flags & 16 != 0 {
                ack = w.parse().unwrap();
            } else if let Some(ms) = number("+") {
                time += i64::from(ms) * 1_000_000;
            } else if let Some(n) = number("ttl") {
                ttl = n as u8;
            } else if let Some(n) = number("id") {
                ip_id = Some(n as u16);
            } else if let Some(n) = number("w") {
                window = n as u16;
            } else if let Some(n) = number("cut") {
                cut = n;
            } else if let Some(n) = number("pid") {
                pid = Some(n);
            } else if let Some(n) = number("port=") {
                port = n as u16;
            } else if let Some((l, r)) = w.strip_prefix("sack").and_then(|s| s.split_once('-')) {
                options.sack[0] = (l.parse().unwrap(), r.parse().unwrap());
                options.sack_count = 1;
            } else if let Some((v, e)) = w.strip_prefix("ts").and_then(|s| s.split_once('/')) {
                options.timestamps = Some((v.parse().unwrap(), e.parse().unwrap()));
            } else {
                payload = w;
            }
        }
        let (client, server): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let (src, dst, src_port, dst_port) =
            if from_client { (client, server, port, 443) } else { (server, client, 443, port) };
        all.push(Packet {
            at: At { frame: all.len() as u64 + 1, time: Timestamp(time) },
            src,
            dst,
            ttl,
            ip_id,
            direction: Direction::Unknown,
            pid,
            dropped: None,
            transport: Transport::Tcp(TcpSegment {
                src_port,
                dst_port,
                seq,
                ack,
                flags: TcpFlags(flags),
                window,
                options,
                payload: payload.as_bytes(),
                payload_len: payload.len() as u32 + cut,
            }),
        });
    }
    all
}

/// Runs packets through tables, one a shard.
pub fn run_packets(packets: &[Packet<'_>], shards: u64) -> FinishedFlows<Recorder> {
    let mut tables: Vec<FlowTable<Recorder>> =
        (0..shards).map(|_| FlowTable::new(Arc::new(()), FlowLimits::share_of(1))).collect();
    for p in packets {
        tables[shard_of(p, shards as usize)].packet(p);
    }
    FinishedFlows::from_shards(tables.into_iter().map(FlowTable::finish).collect::<Vec<FlowShard<Recorder>>>())
}

/// The flows of a script.
pub fn run(script: &str) -> Vec<FinishedFlow<Recorder>> {
    run_packets(&packets(script), 1).flows().collect()
}

/// The only flow of a script, and what its sink heard.
pub fn one(script: &str) -> (FinishedFlow<Recorder>, Vec<String>) {
    let mut flows = run(script);
    assert_eq!(flows.len(), 1);
    let flow = flows.pop().unwrap();
    let heard = flow.sink().map(|s| s.heard.clone()).unwrap_or_default();
    (flow, heard)
}
