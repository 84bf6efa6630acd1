//! Many flows: numbers, shards, errors, limits.

use super::scenario::{Recorder, packets, run, run_packets};
use crate::capture::{Direction, DropMark};
use crate::facts::FlowTransport;
use crate::flow::finished::FinishedFlows;
use crate::flow::key::shard_of;
use crate::flow::table::{FlowLimits, FlowTable};
use crate::packet::{At, IcmpError, Packet, TcpFlags, TcpOptions, TcpSegment, Transport, UdpDatagram};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

fn at(frame: u64) -> At {
    At { frame, time: Timestamp(frame as i64 * 1_000_000) }
}

fn packet(frame: u64, src: [u8; 4], dst: [u8; 4], transport: Transport<'_>) -> Packet<'_> {
    Packet {
        at: at(frame),
        src: src.into(),
        dst: dst.into(),
        ttl: 64,
        ip_id: None,
        direction: Direction::Unknown,
        pid: None,
        dropped: None,
        transport,
    }
}

pub(super) fn udp(frame: u64, src: ([u8; 4], u16), dst: ([u8; 4], u16), payload: &[u8]) -> Packet<'_> {
    let datagram = UdpDatagram { src_port: src.1, dst_port: dst.1, payload, payload_len: payload.len() as u32 };
    packet(frame, src.0, dst.0, Transport::Udp(datagram))
}

fn syn(frame: u64, src: ([u8; 4], u16), dst: ([u8; 4], u16), seq: u32) -> Packet<'static> {
    let segment = TcpSegment {
        src_port: src.1,
        dst_port: dst.1,
        seq,
        ack: 0,
        flags: TcpFlags(2),
        window: 1000,
        options: TcpOptions::default(),
        payload: b"",
        payload_len: 0,
    };
    packet(frame, src.0, dst.0, Transport::Tcp(segment))
}

const A: [u8; 4] = [10, 0, 0, 1];
const B: [u8; 4] = [10, 0, 0, 2];

fn unreachable(frame: u64, protocol: u8, src: ([u8; 4], u16), dst: ([u8; 4], u16)) -> Packet<'static> {
    let socket = |(ip, port): ([u8; 4], u16)| SocketAddr::new(IpAddr::from(ip), port);
    let error = IcmpError {
        v6: false,
        kind: 3,
        code: 1,
        mtu: None,
        quoted_protocol: protocol,
        quoted_src: socket(src),
        quoted_dst: socket(dst),
        quoted_seq: None,
    };
    packet(frame, [10, 0, 0, 254], src.0, Transport::IcmpError(error))
}

#[test]
fn a_port_used_again_is_a_new_stream() {
    let flows = run(">S 100
        <SA 300 101
        >A 101 301
        >S 100
        >S 5000
        <SA 9000 5001
        >A 5001 9001 data
        >R 5005
        >S 5000");
    let seen: Vec<_> = flows.iter().map(|f| (f.stream, f.first().frame, f.tcp().unwrap().syn_count)).collect();
    // The repeated SYN belongs to its connection; one with another number, or one after a RST, does not.
    assert_eq!(seen, [(0, 1, 2), (1, 5, 1), (2, 9, 1)]);
    let all = run_packets(&packets(">S 100\n>S 5000\n>S 7 port=50001"), 1);
    assert_eq!(all.conversations, (2, 0), "pairs of ends are counted once");
}

#[test]
fn a_second_syn_ack_takes_a_number_and_the_connection_goes_by_the_one_with_its_payload() {
    let streams = |script: &str| run(script).iter().map(|f| (f.stream, f.first().frame)).collect::<Vec<_>>();
    let more = ">S 7 port=50001";
    assert_eq!(streams(&format!(">S 100\n<SA 300 101\n<SA 900 101\n>A 101 901 hi\n{more}")), [(1, 1), (2, 5)]);
    // A reset injected before the real answer.
    let raced = format!(">S 100\n<RA 0 101\n<SA 300 101\n>A 101 301\n>A 101 301 hi\n{more}");
    assert_eq!(streams(&raced), [(1, 1), (2, 6)]);
    // A late copy after the end takes a number but no payload.
    let late = format!(">S 100\n<SA 300 101\n>A 101 301 hi\n>FA 103 301\n<SA 300 101\n{more}");
    assert_eq!(streams(&late), [(0, 1), (2, 6)]);
    assert_eq!(streams(&format!(">S 100\n<SA 300 101\n<SA 300 101\n{more}")), [(0, 1), (1, 4)]);
}

#[test]
fn an_error_about_a_renumbered_connection_still_finds_it() {
    let mut list = packets(">S 100\n<SA 300 101\n<SA 900 101\n>A 101 901 hi");
    list.iter_mut().for_each(|p| p.at.frame *= 10);
    list.insert(1, unreachable(15, 6, (A, 50_000), (B, 443)));
    list.push(unreachable(50, 6, (A, 50_000), (B, 443)));
    let all = run_packets(&list, 1);
    assert_eq!(all.icmp.iter().map(|i| i.flow).collect::<Vec<_>>(), [Some(0), Some(0)]);
}

#[test]
fn a_stream_inside_a_tunnel_takes_a_number() {
    let streams = |script: &str| run(script).iter().map(|f| f.stream).collect::<Vec<_>>();
    let open = ">S 100\n<SA 300 101\n>A 101 301 ask\n<A 301 104 granted\n";
    let more = ">S 7 port=50001\n";
    assert_eq!(streams(&format!("{open}{more}")), [0, 1], "nothing was carried yet");
    assert_eq!(streams(&format!("{open}>A 104 308 in\n>A 106 308 in\n{more}")), [0, 2]);
    assert_eq!(streams(&format!("{open}{more}>A 104 308 in\n>S 8 port=50002\n")), [0, 1, 3]);
}

#[test]
fn udp_and_tcp_are_numbered_separately_by_first_frame() {
    let list = [
        udp(1, (A, 5000), (B, 53), b"q"),
        syn(2, (A, 6000), (B, 443), 1),
        udp(3, (B, 53), (A, 5000), b"answer"),
        udp(4, (A, 5001), (B, 53), b"q"),
        syn(5, (A, 6001), (B, 443), 1),
        udp(6_000_000, (A, 5000), (B, 53), b"again"),
    ];
    let mut all = run_packets(&list, 1);
    assert_eq!(all.conversations, (2, 2));
    let flows: Vec<_> = all.flows().collect();
    let order: Vec<_> = flows.iter().map(|f| (f.transport(), f.stream, f.first().frame, f.last().frame)).collect();
    use FlowTransport::{Tcp, Udp};
    assert_eq!(order, [(Tcp, 0, 2, 2), (Tcp, 1, 5, 5), (Udp, 0, 1, 6_000_000), (Udp, 1, 4, 4)]);
    assert_eq!(flows[2].sink().unwrap().heard, ["C:1", "S:6", "C:5"]);
    let [client, server] = flows[2].sides();
    assert_eq!((client.packets, client.bytes, server.packets, server.largest_segment), (2, 6, 1, 6));
    assert!(flows[2].tcp().is_none() && flows[0].sink().is_none());
}

#[test]
fn an_answer_seen_first_still_finds_the_udp_client() {
    let flows: Vec<_> = run_packets(&[udp(1, (B, 53), (A, 5000), b"answer")], 1).flows().collect();
    assert_eq!(flows[0].ends().client.port(), 5000);
}

#[test]
fn icmp_errors_and_drops_find_the_flow_they_speak_of() {
    let mut dropped = syn(5, (A, 6001), (B, 443), 1);
    let mark = DropMark { component: 3, reason: 7, location: 0 };
    dropped.dropped = Some(mark);
    let list = [
        syn(1, (A, 6000), (B, 443), 1),
        unreachable(2, 6, (A, 6000), (B, 443)),
        unreachable(3, 17, (A, 6000), (B, 443)),
        // The connection that was current counts, not the one that took its port later.
        syn(4, (A, 6000), (B, 443), 77),
        dropped,
        // Quoted before the flow is seen.
        unreachable(6, 17, (A, 5000), (B, 53)),
        udp(7, (A, 5000), (B, 53), b"q"),
        unreachable(8, 6, (A, 6000), (B, 443)),
    ];
    for shards in [1, 3, 16] {
        let mut all = run_packets(&list, shards);
        let joined: Vec<_> = all.icmp.iter().map(|i| i.flow).collect();
        assert_eq!(joined, [Some(0), None, Some(2), Some(1)], "{shards} shards");
        let d = all.drops[0];
        assert_eq!((d.flow, d.mark, d.protocol, d.ends.unwrap().0.port()), (None, mark, Some(6), 6001));
        assert_eq!(all.flows().count(), 3, "a dropped packet makes no flow");
    }
}

fn table(limits: FlowLimits) -> FlowTable<Recorder> {
    FlowTable::new(Arc::new(()), limits)
}

const TIGHT: FlowLimits = FlowLimits {
    live_flows: 100,
    flow_facts: 1_000,
    plain_flow_facts: 50,
    stream_bytes: 10_000,
    errors: 10,
    in_full: u64::MAX,
};

#[test]
fn a_syn_flood_is_counted_and_the_real_connection_survives() {
    let mut t = table(TIGHT);
    let real = packets(
        ">S 100
        <SA 300 101
        >A 101 301
        >A 101 301 hello
        <A 301 106 world",
    );
    real.iter().take(4).for_each(|p| t.packet(p));
    for i in 0..10_000u64 {
        let [.., c, d] = (i as u32).to_be_bytes();
        t.packet(&syn(10 + i, ([1, 2, c, d], 1000), (B, 443), 1));
    }
    let mut answer = real[4];
    answer.at = at(20_000);
    t.packet(&answer);
    for i in 0..100 {
        t.packet(&unreachable(30_000 + i, 6, ([9, 9, 9, 9], 1), (B, 1)));
    }
    t.packet(&syn(40_000, (A, 1), (B, 2), 1));
    let mut all = FinishedFlows::from_shards([t.finish()]);
    assert_eq!((all.len() as u64 + all.given_up, all.len()), (10_002, 51));
    assert_eq!((all.icmp.len(), all.errors_given_up), (10, 90));
    let flows: Vec<_> = all.flows().collect();
    assert_eq!(flows[0].sink().unwrap().heard, ["C:hello", "S:world"]);
    assert_eq!(flows[0].stream, 0);
}

#[test]
fn streams_keep_their_numbers_when_others_are_given_up() {
    let mut t = table(FlowLimits { live_flows: 4, plain_flow_facts: 0, ..TIGHT });
    for i in 0..1_000u64 {
        t.packet(&syn(1 + i, (A, 1 + i as u16), (B, 443), 1));
    }
    let list = packets(">S 100\n<SA 300 101\n>A 101 301 hello");
    for (i, mut p) in list.into_iter().enumerate() {
        p.at = at(2_000 + i as u64);
        t.packet(&p);
    }
    let flows: Vec<_> = FinishedFlows::from_shards([t.finish()]).flows().collect();
    assert_eq!(flows.iter().map(|f| f.stream).collect::<Vec<_>>(), [1_000]);
}

#[test]
fn waiting_bytes_are_bounded_over_all_flows() {
    let mut t = table(TIGHT);
    let payload = [7u8; 500];
    let mut frame = 0;
    for i in 0..90u16 {
        for (flags, seq, bytes) in [(2, 0, &payload[..0]), (16, 10, &payload[..])] {
            frame += 1;
            let mut p = syn(frame, (A, 1000 + i), (B, 443), seq);
            if let Transport::Tcp(s) = &mut p.transport {
                s.flags = TcpFlags(flags);
                s.payload = bytes;
                s.payload_len = bytes.len() as u32;
            }
            t.packet(&p);
        }
    }
    let mut all = FinishedFlows::from_shards([t.finish()]);
    assert_eq!(all.len(), 90);
    for (i, f) in all.flows().enumerate() {
        // All of them tell what they had; those that were given up early say so.
        assert_eq!(f.sink().unwrap().heard.len(), 2);
        assert_eq!(f.tcp().unwrap().history.contains('X'), i < 70, "flow {i}");
    }
}

/// A random packet among few ends, so that connections collide, overlap and are reset.
pub(super) fn any_packet() -> impl Strategy<Value = (bool, u8, u8, u32, u32, Vec<u8>, u8, u8)> {
    (
        any::<bool>(),
        0u8..3,
        prop_oneof![Just(2u8), Just(18), Just(16), Just(24), Just(17), Just(4), Just(20), any::<u8>()],
        prop_oneof![4 => 0u32..60, 1 => u32::MAX - 20..=u32::MAX, 1 => any::<u32>()],
        prop_oneof![4 => 0u32..60, 1 => u32::MAX - 20..=u32::MAX, 1 => any::<u32>()],
        proptest::collection::vec(any::<u8>(), 0..20),
        0u8..40,
        0u8..10,
    )
}

pub(super) fn built(list: &[(bool, u8, u8, u32, u32, Vec<u8>, u8, u8)]) -> Vec<Packet<'_>> {
    list.iter()
        .enumerate()
        .map(|(i, (forward, port, flags, seq, ack, payload, cut, kind))| {
            let frame = i as u64 / 2 + 1;
            let (mut src, mut dst) = ((A, 50_000 + u16::from(*port)), (B, 443));
            if !forward {
                (src, dst) = (dst, src);
            }
            match kind {
                0 => udp(frame, src, dst, payload),
                1 => unreachable(frame, 6, src, dst),
                _ => {
                    let mut p = syn(frame, src, dst, *seq);
                    if let Transport::Tcp(s) = &mut p.transport {
                        s.flags = TcpFlags(*flags);
                        s.ack = *ack;
                        s.window = u16::from(*cut);
                        s.payload = payload;
                        s.payload_len = payload.len() as u32 + u32::from(cut / 10);
                    }
                    p.dropped = (*kind == 2).then_some(DropMark { component: 0, reason: 0, location: 0 });
                    p
                }
            }
        })
        .collect()
}

/// All that is told of a capture, as text.
fn told(packets: &[Packet<'_>], shards: u64) -> String {
    let mut tables: Vec<_> = (0..shards).map(|_| table(FlowLimits::share_of(1))).collect();
    for (i, p) in packets.iter().enumerate() {
        // The number within the frame is counted before packets are shared out.
        tables[shard_of(p, shards as usize)].packet_in_frame(p, i as u32 % 2);
    }
    text_of(FinishedFlows::from_shards(tables.into_iter().map(FlowTable::finish)))
}

fn text_of(mut all: FinishedFlows<Recorder>) -> String {
    let mut text = format!("{:?} {:?} {:?} {}\n", all.icmp, all.drops, all.conversations, all.given_up);
    for f in all.flows() {
        let process = f.process();
        text += &format!("{} {:?} {:?} {:?} {:?} ", f.stream, f.ends(), f.last(), f.sides(), f.tcp());
        text += &format!("{:?} {process:?}\n", f.sink());
    }
    text
}

/// A connection that was opened and whose bytes nobody reads any more (a `!` was enough), as a script: each step is
/// whose it is, what it is, and how long. Most go on in good order.
fn connection(steps: &[(bool, u8, u32)]) -> String {
    let mut script = ">S 100 pid7\n<SA 300 101\n>A 101 301\n>A 101 301 hello!\n<A 301 107 welcome\n".to_owned();
    let mut next = [107u32, 308];
    for &(client, kind, len) in steps {
        let [mine, theirs] = if client { next } else { [next[1], next[0]] };
        let payload = "x".repeat(len as usize);
        let (flags, seq, ack, rest, moved) = match kind {
            0..6 => ("A", mine, theirs, payload, len),
            6 => ("PA", mine, theirs, format!("{payload} ttl9 id{len}"), len),
            7..11 => ("A", mine, theirs, String::new(), 0),
            11 => ("A", mine - 3, theirs, payload, len.saturating_sub(3)),
            12 => ("A", mine + 5, theirs, payload, len + 5),
            13 => ("A", mine, theirs, "w0".to_owned(), 0),
            14 => ("A", mine - 1, theirs, String::new(), 0),
            15 => ("A", mine, theirs - len, "pid9".to_owned(), 0),
            16 => ("A", mine, theirs + len, payload, len),
            17 => ("A", mine, theirs, format!("{payload} cut{len}"), 2 * len),
            18 => ("A", mine, theirs, "sack400-500".to_owned(), 0),
            19 => ("FA", mine, theirs, payload, len + 1),
            _ => ("R", mine, theirs, String::new(), 0),
        };
        script += &format!("{}{flags} {seq} {ack} {rest}\n", if client { '>' } else { '<' });
        next[usize::from(!client)] += moved;
    }
    script
}

proptest! {
    #[test]
    fn the_short_way_tells_what_the_long_one_does(
        steps in proptest::collection::vec((any::<bool>(), prop_oneof![9 => 0u8..11, 1 => 11u8..21], 1u32..30), 0..80)
    ) {
        let script = connection(&steps);
        let packets = packets(&script);
        let mut grouped = table(FlowLimits::share_of(1));
        grouped.packets(&packets);
        let mut alone = table(FlowLimits::share_of(1));
        packets.iter().for_each(|p| alone.packet(p));
        let [grouped, alone] = [grouped, alone].map(|t| text_of(FinishedFlows::from_shards([t.finish()])));
        prop_assert_eq!(grouped, alone);
    }

    #[test]
    fn any_packets_give_the_same_flows_for_any_number_of_shards(list in proptest::collection::vec(any_packet(), 0..120)) {
        let packets = built(&list);
        let alone = told(&packets, 1);
        prop_assert_eq!(&told(&packets, 2), &alone);
        prop_assert_eq!(&told(&packets, 16), &alone);
        let mut grouped = table(FlowLimits::share_of(1));
        grouped.packets(&packets);
        prop_assert_eq!(text_of(FinishedFlows::from_shards([grouped.finish()])), alone);
    }

    #[test]
    fn tight_limits_lose_flows_but_never_count_them_twice(
        list in proptest::collection::vec(any_packet(), 0..120), in_full in prop_oneof![Just(0u64), Just(u64::MAX)],
    ) {
        let packets = built(&list);
        let mut t = table(FlowLimits { live_flows: 1, flow_facts: 3, plain_flow_facts: 1, stream_bytes: 8, errors: 2, in_full });
        packets.iter().for_each(|p| t.packet(p));
        let shard = t.finish();
        let started: u64 = shard.starts.iter().map(|l| l.iter().count() as u64).sum();
        let all = FinishedFlows::from_shards([shard]);
        // Some starts are only numbers: of a second SYN-ACK. A conversation that left the table may come back.
        prop_assert!(in_full == 0 || all.len() as u64 + all.given_up <= started);
        prop_assert!(all.len() <= 3);
    }
}

#[test]
fn a_flow_record_stays_small() {
    assert!(size_of::<crate::flow::tcp::TcpFlow<Recorder>>() <= 512);
    assert!(size_of::<crate::flow::udp::UdpFlow<Recorder>>() <= 240);
}
