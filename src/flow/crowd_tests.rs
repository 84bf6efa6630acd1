//! Flows that are only counted: which ones, what is kept of them, and that the others keep their numbers.

use super::scenario::{Recorder, packets};
use super::table_tests::{any_packet, built, udp};
use crate::facts::Crowd;
use crate::flow::finished::{FinishedFlow, FinishedFlows};
use crate::flow::firsts::Firsts;
use crate::flow::key::{Seed, shard_of};
use crate::flow::table::{FlowLimits, FlowTable};
use crate::packet::Packet;
use crate::time::Timestamp;
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A connection from `port` on which both sides say something and close.
fn connection(port: u16, answer: &str) -> String {
    let reply = 301 + answer.len();
    format!(
        ">S 100 port={port}
        <SA 300 101 port={port}
        >A 101 301 port={port}
        >A 101 301 hello port={port}
        <A 301 106 {answer} port={port}
        >FA 106 {reply} port={port}
        <FA {reply} 107 port={port}
        >A 107 {} port={port}\n",
        reply + 1
    )
}

fn flows_of(packets: &[Packet<'_>], in_full: usize) -> FinishedFlows<Recorder> {
    let mut table = FlowTable::new(Arc::new(()), FlowLimits::share_of(1).with_in_full(in_full));
    table.packets(packets);
    FinishedFlows::from_shards([table.finish()])
}

/// The same with several tables, which are settled after every so many packets.
fn flows_of_shards(packets: &[Packet<'_>], shards: usize, every: usize) -> FinishedFlows<Recorder> {
    let limits = FlowLimits::share_of(shards).with_in_full(0);
    let mut tables: Vec<FlowTable<Recorder>> = FlowTable::of_shards(shards, &Arc::new(()), limits, &Seed::default());
    let mut firsts = Firsts::default();
    for (n, packet) in (1..).zip(packets) {
        tables[shard_of(packet, shards)].packet(packet);
        if n % every == 0 {
            firsts.settle(&mut tables);
        }
    }
    let mut shards: Vec<_> = tables.into_iter().map(FlowTable::finish).collect();
    firsts.join(&mut shards);
    FinishedFlows::from_shards(shards)
}

/// Stream, what was heard, and how many went the same way, of each flow that is kept.
fn kept(packets: &[Packet<'_>], in_full: usize) -> Vec<(u32, String, usize)> {
    told(flows_of(packets, in_full))
}

fn told(mut flows: FinishedFlows<Recorder>) -> Vec<(u32, String, usize)> {
    let told = |f: FinishedFlow<Recorder>| {
        let heard = f.sink().map(|s| s.heard.concat()).unwrap_or_default();
        (f.stream, heard, f.crowd().map_or(0, Crowd::len))
    };
    flows.flows().map(told).collect()
}

#[test]
fn ordinary_connections_are_counted_beside_the_first_that_went_so() {
    let script: String = [(1, "yes"), (2, "yes"), (3, "no"), (4, "yes"), (5, "no"), (6, "yes")]
        .map(|(port, answer)| connection(50_000 + port, answer))
        .concat();
    let all = packets(&script);
    let [yes, no] = ["C:helloS:yes", "C:helloS:no"].map(str::to_owned);
    assert_eq!(kept(&all, 0), [(0, yes.clone(), 3), (2, no.clone(), 1)]);
    // The first ones are kept whatever becomes of them, and stand for nobody.
    assert_eq!(kept(&all, 2), [(0, yes.clone(), 0), (1, yes.clone(), 0), (2, no.clone(), 1), (3, yes, 1)]);
    assert_eq!(kept(&all, 6).len(), 6);
}

#[test]
fn one_first_of_a_kind_is_kept_however_many_tables_there_are() {
    let answers = ["yes", "yes", "no", "yes", "no", "yes", "no", "yes", "yes", "maybe"];
    let script: String = (50_001..).zip(answers).map(|(port, answer)| connection(port, answer)).collect();
    let all = packets(&script);
    let alone = kept(&all, 0);
    assert_eq!(alone.len(), 3);
    for shards in [1, 2, 5, 16] {
        for every in [1, 7, usize::MAX] {
            assert_eq!(told(flows_of_shards(&all, shards, every)), alone, "{shards} tables, every {every}");
        }
    }
}

/// Connections that went alike, each to a server of its own.
fn to_servers(scripts: &[String]) -> Vec<Packet<'_>> {
    let mut all: Vec<Packet<'_>> = Vec::new();
    for (n, script) in scripts.iter().enumerate() {
        let start = all.len() as u64;
        all.extend(packets(script).into_iter().map(|mut p| {
            let server: IpAddr = [10, 0, 0, 2].into();
            let own: IpAddr = [10, 0, 1, n as u8].into();
            (p.src, p.dst) = if p.src == server { (own, p.dst) } else { (p.src, own) };
            p.at.frame += start;
            p.at.time = p.at.time.plus(start as i64 * 1_000_000);
            p
        }));
    }
    all
}

#[test]
fn a_crowd_that_is_full_is_followed_by_another() {
    let scripts: Vec<String> = (0..200).map(|n| connection(50_000 + n, "yes")).collect();
    let all = to_servers(&scripts);
    let kept = kept(&all, 0);
    let sizes: Vec<usize> = kept.iter().map(|(.., size)| *size).collect();
    // Each takes in as many servers as it has room for, beside the first one's own.
    assert_eq!(sizes, [64, 64, 64, 4]);
    let once = with_servers(flows_of_shards(&all, 3, usize::MAX));
    for every in [1, 8, 100] {
        assert_eq!(with_servers(flows_of_shards(&all, 3, every)), once, "settled every {every} packets");
    }
}

/// Stream, servers and clients of each flow that is kept.
fn with_servers(mut flows: FinishedFlows<Recorder>) -> Vec<(u32, Vec<SocketAddr>, Vec<(Timestamp, IpAddr)>)> {
    let told = |f: FinishedFlow<Recorder>| {
        let servers = f.crowd().map(|crowd| crowd.servers.clone()).unwrap_or_default();
        let mut members: Vec<_> = f.crowd().into_iter().flat_map(Crowd::members).collect();
        members.sort();
        (f.stream, servers, members)
    };
    flows.flows().map(told).collect()
}

#[test]
fn a_crowd_knows_when_and_between_whom() {
    let script: String = (1..=3).map(|port| connection(50_000 + port, "yes")).collect();
    let mut flows = flows_of(&packets(&script), 0);
    let first = flows.flows().next().unwrap();
    let crowd = first.crowd().unwrap();
    let client: IpAddr = [10, 0, 0, 1].into();
    // Eight packets each, a millisecond apart.
    let ends: Vec<_> = crowd.members().map(|(end, client)| (end.0 / 1_000_000, client)).collect();
    assert_eq!(ends, [(16, client), (24, client)]);
    assert_eq!(crowd.latest.0 / 1_000_000, 17);
    assert_eq!((crowd.handshake_rtt(), crowd.first_answer()), (Some(1_000_000), Some(1_000_000)));
}

#[test]
fn trouble_is_never_only_counted() {
    let before = connection(50_001, "yes");
    for (what, change) in [
        ("the server resets", ("<FA 304 107 port=50002", "<RA 304 107 port=50002")),
        ("an answer is late", ("<A 301 106 yes port=50002", "<A 301 106 yes port=50002 +1500")),
        ("the handshake is slow", ("<SA 300 101 port=50002", "<SA 300 101 port=50002 +1500")),
        ("the SYN is repeated", ("<SA 300 101 port=50002", ">S 100 port=50002\n<SA 300 101 port=50002")),
        ("the last FIN is not acknowledged", (">A 107 305 port=50002", "")),
        ("no SYN", (">S 100 port=50002", "")),
    ] {
        let good = connection(50_002, "yes");
        let bad = good.replacen(change.0, change.1, 1);
        assert_ne!(bad, good, "{what}");
        let script = before.clone() + &bad;
        assert_eq!(kept(&packets(&script), 0).len(), 2, "{what}");
    }
    let script = before + &connection(50_002, "yes");
    assert_eq!(kept(&packets(&script), 0).len(), 1);
}

#[test]
fn what_was_on_its_way_when_the_client_reset_is_still_read() {
    let reset = |port: u16, answer: &str| {
        let lines: Vec<String> = connection(port, answer).lines().take(6).map(str::to_owned).collect();
        lines.join("\n").replace(">FA", ">RA") + "\n"
    };
    let late = "<A 304 106 more port=50002\n";
    let both = |answer: &str, late: &str| {
        let told = kept(&packets(&(reset(50_001, answer) + &reset(50_002, answer) + late)), 0);
        told.into_iter().map(|(_, heard, counted)| (heard, counted)).collect::<Vec<_>>()
    };
    assert_eq!(both("yes", ""), [("C:helloS:yes".to_owned(), 1)]);
    assert_eq!(both("yes", late), ["C:helloS:yes", "C:helloS:yesS:more"].map(|heard| (heard.to_owned(), 0)));
    // Unless nobody would read it.
    assert_eq!(both("ok!", late), [("C:helloS:ok!".to_owned(), 1)]);
}

#[test]
fn what_comes_late_is_no_connection_of_its_own_but_a_syn_is() {
    let late = ">A 107 305 port=50002\n<RA 305 107 port=50002\n";
    let script = connection(50_001, "yes") + &connection(50_002, "yes") + late + &connection(50_003, "no");
    let streams = |script: &str| -> Vec<u32> { kept(&packets(script), 0).iter().map(|(stream, ..)| *stream).collect() };
    assert_eq!(streams(&script), [0, 2]);
    let again = script + ">S 900 port=50002\n";
    assert_eq!(streams(&again), [0, 2, 3]);
    let flows = flows_of(&packets(&again), 0);
    assert_eq!(flows.conversations, (3, 0), "the same ends are one conversation");
}

#[test]
fn a_question_that_was_counted_goes_on_under_its_number() {
    let (client, server) = (([10, 0, 0, 1], 5000), ([10, 0, 0, 2], 53));
    let ask = |frame: u64, port: u16| {
        [udp(frame, (client.0, port), server, b"?"), udp(frame + 1, server, (client.0, port), b"!")]
    };
    let mut all: Vec<Packet<'_>> = (0..4).flat_map(|i| ask(10 * i, 5000 + i as u16)).collect();
    all.extend(ask(100, 5002));
    all.extend(ask(110, 5009));
    let [one, two] = ["C:1S:1", "C:1S:1"].map(str::to_owned);
    assert_eq!(kept(&all, 0), [(0, one, 4), (2, two, 0)]);
}

proptest! {
    #[test]
    fn what_is_kept_does_not_depend_on_how_often_tables_are_settled(
        list in proptest::collection::vec(any_packet(), 0..120), shards in 1usize..5, every in 1usize..40,
    ) {
        let packets = built(&list);
        let once = flows_of_shards(&packets, shards, usize::MAX);
        let often = flows_of_shards(&packets, shards, every);
        prop_assert_eq!(with_servers(often), with_servers(once));
    }

    #[test]
    fn flows_that_are_kept_are_told_the_same_number_and_ends(list in proptest::collection::vec(any_packet(), 0..120)) {
        let packets = built(&list);
        let mut each = flows_of(&packets, usize::MAX);
        let mut telling = flows_of(&packets, 0);
        prop_assert_eq!(each.conversations, telling.conversations);
        let all: Vec<_> = each.flows().map(|f| (f.transport(), f.stream, f.ends())).collect();
        for flow in telling.flows() {
            prop_assert!(all.contains(&(flow.transport(), flow.stream, flow.ends())), "{:?}", flow.ends());
        }
    }
}
