//! Scenarios of single connections.

use super::scenario::{Recorder, one, packets, run, run_packets};
use crate::facts::ResetStage;
use crate::flow::Side;
use crate::flow::key::Key;
use crate::flow::tcp::TcpFlow;
use crate::packet::{Packet, Transport};
use crate::time::Timestamp;
use proptest::prelude::*;
use std::sync::Arc;

const OPEN: &str = ">S 100
    <SA 300 101
    >A 101 301\n";

fn opened(rest: &str) -> String {
    format!("{OPEN}{rest}")
}

#[test]
fn an_ordinary_connection_is_told_from_syn_to_fin() {
    let (flow, heard) = one(&opened(
        ">PA 101 301 hello
         <A 301 106
         <PA 301 106 world
         >FA 106 306
         <FA 306 107
         >A 107 307",
    ));
    assert_eq!(heard, ["C:hello", "S:world"]);
    let (tcp, [client, server]) = (flow.tcp().unwrap(), flow.sides());
    assert_eq!((tcp.conn_state, tcp.history.as_str()), ("SF", "ShADadFf"));
    assert_eq!((tcp.syn_count, tcp.syns[0].frame, tcp.syn_ack.unwrap().frame), (1, 1, 2));
    assert_eq!((tcp.established.unwrap().frame, tcp.handshake_rtt), (3, Some(1_000_000)));
    assert_eq!((tcp.first_data_acked, tcp.first_answer), (Some(1_000_000), Some(2_000_000)));
    assert_eq!((client.bytes, server.bytes, client.acked_bytes, server.acked_bytes), (5, 5, 5, 5));
    assert_eq!((client.missed_bytes, client.unacked_gap_bytes, client.retransmissions), (0, 0, 0));
    assert_eq!((flow.first().frame, flow.last().frame, flow.stream), (1, 9, 0));
    assert!(!tcp.midstream && !tcp.one_sided && !tcp.simultaneous_open && !tcp.syn_data);
    assert_eq!(tcp.fins.map(|f| f.unwrap().frame), [7, 8]);
}

#[test]
fn what_a_sides_own_numbers_tell_beyond_its_bytes_is_missing_unless_the_other_side_lacks_it_too() {
    let missed = |rest: &str| one(&opened(rest)).0.sides().map(|side| side.missed_bytes);
    assert_eq!(missed("<FA 401 101"), [0, 100]);
    assert_eq!(missed("<RA 401 101"), [0, 0], "numbers of resets are often made up");
    assert_eq!(missed(">FA 101 301\n<FA 401 102"), [0, 0], "the client gave up before");
    assert_eq!(missed(">PA 101 301 hello\n<PA 301 106 world\n<FA 406 106"), [0, 100]);
    assert_eq!(missed("<FA 401 101\n>A 101 301"), [0, 0], "the client lacks it as well");
    assert_eq!(missed("<FA 401 101\n>A 101 301\n<FA 401 101"), [0, 0], "sent again, it says nothing new");
    assert_eq!(missed("<FA 401 101\n<FA 401 101"), [0, 100]);
    let lost = |rest: &str| one(&opened(rest)).0.sides()[1].unacked_gap_bytes;
    assert_eq!(lost("<FA 401 101\n>A 101 301\n<FA 401 101"), 100, "it was sent and never arrived");
    assert_eq!(lost("<FA 401 101\n>A 101 301\n<FA 401 101\n>A 101 402"), 0, "it came in the end");
    assert_eq!(missed("<FA 301 101\n<A 302 101"), [0, 0]);
    assert_eq!(one(">S 100\n<RA 0 101").0.sides().map(|side| side.missed_bytes), [0, 0]);
}

#[test]
fn conn_state_and_history_follow_zeek() {
    for (script, state, history) in [
        (">S 100", "S0", "S"),
        (">S 100\n>S 100", "S0", "S"),
        (">S 100\n<RA 0 101", "REJ", "Sr"),
        (">S 100\n>R 101", "RSTOS0", "SR"),
        (">S 100\n>F 101", "SH", "SF"),
        ("<SA 300 101", "OTH", "^h"),
        ("<SA 300 101\n<R 301", "RSTRH", "^hr"),
        ("<SA 300 101\n<FA 301 101", "SHR", "^hf"),
        (">A 101 301 x\n<A 301 102", "OTH", "Da"),
        (">S 100\n<SA 300 101", "S1", "Sh"),
        (&opened(">A 101 301 x"), "S1", "ShAD"),
        (&opened(">FA 101 301"), "S2", "ShAF"),
        (&opened("<FA 301 101"), "S3", "ShAf"),
        (&opened(">R 101"), "RSTO", "ShAR"),
        (&opened(">A 101 301 x\n<RA 301 102"), "RSTR", "ShADr"),
        (&opened(">FA 101 301\n<FA 301 102\n>R 102"), "SF", "ShAFfR"),
        (&opened(">FA 101 301\n>R 102"), "RSTO", "ShAFR"),
    ] {
        let tcp = one(script).0.tcp().unwrap();
        assert_eq!((tcp.conn_state, tcp.history.as_str()), (state, history), "{script}");
    }
}

#[test]
fn a_reset_is_compared_with_its_senders_other_packets() {
    let (flow, _) = one(&opened(
        ">A 101 301 hello
         <RA 301 106 ttl200 id9
         <A 301 106 world ttl50 id4",
    ));
    let tcp = flow.tcp().unwrap();
    let r = tcp.resets[0];
    assert_eq!((r.by, r.ttl, r.peer_ttl, r.ip_id, r.last_ip_id), (Side::Server, 200, Some(64), Some(9), None));
    assert_eq!((r.stage, r.seq_offset, r.data_after), (ResetStage::AfterClientData, Some(0), true));
    let [_, server] = flow.sides();
    assert_eq!(server.ttl_range, Some((50, 64)), "the reset's own TTL does not count");
}

#[test]
fn the_stage_of_a_reset_is_what_the_connection_had_reached() {
    for (script, stage) in [
        (">S 100\n<RA 0 101".into(), ResetStage::AnswerToSyn),
        (opened("<R 301"), ResetStage::AfterHandshake),
        (opened(">A 101 301 x\n<R 301"), ResetStage::AfterClientData),
        (opened(">A 101 301 x\n<A 301 102 y\n<R 302"), ResetStage::AfterBoth),
        (opened(">A 101 301 x\n>FA 102 301\n<R 301"), ResetStage::AfterFin),
    ] {
        assert_eq!(one(&script).0.tcp().unwrap().resets[0].stage, stage, "{script}");
    }
    let refused = one(">S 100\n<RA 0 101").0.tcp().unwrap();
    assert_eq!(refused.resets[0].seq_offset, None);
}

#[test]
fn a_reset_away_from_the_window_shows_its_distance() {
    let r = one(&opened(">A 101 301 x\n<R 5301")).0.tcp().unwrap().resets[0];
    assert_eq!(r.seq_offset, Some(5000));
    let after_fin = one(&opened("<FA 301 101\n<R 302")).0.tcp().unwrap().resets[0];
    assert_eq!(after_fin.seq_offset, Some(0));
}

#[test]
fn retransmissions_and_reordering_are_told_apart() {
    let (flow, heard) = one(&opened(">A 101 301 abc\n>A 101 301 abc +300\n>A 107 301 ghi\n>A 104 301 def"));
    assert_eq!(heard, ["C:abc", "C:def", "C:ghi"]);
    let [client, _] = flow.sides();
    assert_eq!((client.retransmissions, client.out_of_order, client.bytes), (1, 1, 9));
    assert_eq!(client.first_retransmission.unwrap().frame, 5);
    // A hole that closes late was a lost packet, sent again.
    let [client, _] = one(&opened(">A 101 301 abc\n>A 107 301 ghi\n>A 104 301 def +300")).0.sides();
    assert_eq!((client.retransmissions, client.out_of_order), (1, 0));
}

#[test]
fn a_segment_that_repeats_and_continues_gives_only_what_is_new() {
    let (flow, heard) = one(&opened(">A 101 301 abc\n>A 102 301 bcde"));
    assert_eq!(heard, ["C:abc", "C:de"]);
    assert_eq!(flow.sides()[0].retransmissions, 1);
}

#[test]
fn bytes_that_the_capture_missed_become_a_gap_once_they_are_acknowledged() {
    let (flow, heard) = one(&opened(
        "<A 301 101 abc
         <A 309 101 ijk
         >A 101 312
         <A 312 101 lmn
         >FA 101 315 +3",
    ));
    assert_eq!(heard, ["S:abc", "S[5]", "S:ijk", "S:lmn"]);
    let [_, server] = flow.sides();
    assert_eq!((server.missed_bytes, server.unacked_gap_bytes, server.bytes), (5, 0, 9));
    assert!(flow.tcp().unwrap().history.contains('g'));
}

#[test]
fn an_acknowledgement_captured_before_its_data_does_no_harm() {
    let late = |between: &str| {
        opened(&format!(
            "<A 301 101 abc
             <A 307 101 ghi
             >A 101 310
             >A 101 310 more
             <A 310 105 jkl
             {between}
             <A 304 101 def
             >A 105 313"
        ))
    };
    let (flow, heard) = one(&late(""));
    assert_eq!(heard, ["S:abc", "S:def", "S:ghi", "C:more", "S:jkl"]);
    let [_, server] = flow.sides();
    assert_eq!((server.missed_bytes, server.out_of_order, server.retransmissions), (0, 0, 1));
    // What comes still later is a copy of what the capture missed.
    let (flow, heard) = one(&late(">A 105 313 +3"));
    assert_eq!(heard, ["S:abc", "S[3]", "S:ghi", "C:more", "S:jkl"]);
    assert_eq!(flow.sides()[1].missed_bytes, 3);
}

#[test]
fn an_answer_captured_before_its_question_is_heard_behind_it() {
    let (_, heard) = one(&opened("<A 301 106 world\n<A 306 106 more\n>A 101 301 hello\n>A 106 310 thanks"));
    assert_eq!(heard, ["C:hello", "S:world", "S:more", "C:thanks"]);
    // A question that the capture missed is not waited for, nor one of a side that it does not hold at all.
    let (_, heard) = one(&opened("<A 301 106 world\n>A 106 306 +3\n>A 101 301 hello"));
    assert_eq!(heard, ["S:world", "C:hello"]);
    let (_, heard) = one(&opened("<A 301 106 world\n>A 106 306 next\n<A 306 110 more +5"));
    assert_eq!(heard, ["C[5]", "S:world", "C:next", "S:more"], "what it missed holds up nothing else");
    let (_, heard) = one("<SA 300 101\n<A 301 106 world\n<A 306 115 more");
    assert_eq!(heard, ["S:world", "S:more"]);
}

#[test]
fn who_closed_first_shows_in_what_the_fins_acknowledge() {
    let answer = |script: &str| one(&opened(script)).0.tcp().unwrap().fins_answer_later;
    assert_eq!(answer(">A 101 301 hello\n>FA 106 302\n<FA 301 106\n<A 302 107"), [true, false]);
    assert_eq!(answer(">A 101 301 hello\n>FA 106 305\n<A 301 106 bye\n<FA 304 106"), [true, false]);
    assert_eq!(answer(">A 101 301 hello\n>FA 106 301\n<FA 301 107\n>A 107 302"), [false, false]);
    assert_eq!(answer(">A 101 301 hello\n<FA 301 106\n>FA 106 302"), [false, false]);
}

#[test]
fn bytes_lost_in_the_network_are_never_acknowledged() {
    let (flow, heard) = one(&opened(
        "<A 301 101 abc
         <A 309 101 ijk
         >A 101 304 sack309-312
         >A 101 304 sack309-312",
    ));
    assert_eq!(heard, ["S:abc", "S[5]", "S:ijk"]);
    let [client, server] = flow.sides();
    assert_eq!((server.missed_bytes, server.unacked_gap_bytes, server.acked_bytes), (0, 5, 3));
    assert_eq!((client.duplicate_acks, client.sack_holes), (1, 1));
}

#[test]
fn a_lost_tail_that_was_acknowledged_is_missed() {
    let [_, server] = one(&opened("<A 301 101 abc\n>A 101 504")).0.sides();
    assert_eq!((server.missed_bytes, server.acked_bytes), (200, 203));
    // One more than was seen is the FIN.
    let [_, server] = one(&opened("<A 301 101 abc\n>A 101 305")).0.sides();
    assert_eq!((server.missed_bytes, server.acked_bytes), (0, 3));
}

#[test]
fn payload_cut_by_the_snap_length_is_a_gap_behind_its_head() {
    let (flow, heard) = one(&opened(">A 101 301 head cut1000\n>A 1105 301 next"));
    assert_eq!(heard, ["C:head", "C[1000]", "C:next"]);
    let [client, _] = flow.sides();
    assert_eq!((client.cut_bytes, client.bytes, client.missed_bytes, client.largest_segment), (1000, 1008, 0, 1004));
}

#[test]
fn the_sequence_number_may_wrap() {
    let (flow, heard) = one(">S 4294967290
        <SA 4294967295 4294967291
        >A 4294967291 0
        >A 4294967291 0 abcdefgh
        >A 3 0 ijk
        <A 0 6 answer
        >A 6 6");
    assert_eq!(heard, ["C:abcdefgh", "C:ijk", "S:answer"]);
    assert_eq!(flow.sides().map(|s| s.acked_bytes), [11, 6]);
}

#[test]
fn keep_alives_are_no_retransmissions() {
    let (flow, heard) = one(&opened(
        ">A 101 301 abc
         <A 301 104
         >A 103 301 +45000
         <A 301 104
         >A 103 301 x +45000
         <A 301 104",
    ));
    assert_eq!(heard, ["C:abc"]);
    let [client, server] = flow.sides();
    assert_eq!((client.keep_alives, client.retransmissions, server.duplicate_acks), (2, 0, 0));
    assert_eq!(client.conflicting_overlaps, 0);
}

#[test]
fn the_server_whose_syn_ack_the_client_takes_is_followed() {
    let (flow, heard) = one(">S 100
        <SA 900 101 ttl60
        <SA 300 101
        >A 101 301
        >A 101 301 hi
        <A 301 103 yes");
    assert_eq!(heard, ["C:hi", "S:yes"]);
    let [_, server] = flow.sides();
    assert_eq!((server.missed_bytes, server.unacked_gap_bytes, server.bytes), (0, 0, 3));
    // And the first one, where the client takes that.
    let (flow, heard) = one(">S 100\n<SA 300 101\n<SA 900 101\n>A 101 301 hi\n<A 301 103 yes");
    assert_eq!(heard, ["C:hi", "S:yes"]);
    assert_eq!(flow.sides()[1].missed_bytes, 0);
}

#[test]
fn an_injected_answer_with_other_bytes_is_told() {
    let (flow, heard) = one(&opened(">A 101 301 GET\n<A 301 104 HTTP302\n<A 301 104 \u{1}SERVERHELLO"));
    assert_eq!(flow.sides()[1].conflicting_overlaps, 1);
    assert_eq!(heard[1], "S:HTTP302", "the first copy wins");
}

#[test]
fn a_syn_may_carry_data() {
    let (flow, heard) = one(">S 100 early\n<SA 300 106\n>A 106 301 late");
    assert_eq!(heard, ["C:early", "C:late"]);
    let tcp = flow.tcp().unwrap();
    assert!(tcp.syn_data);
    assert!(tcp.first_data_acked.is_some());
    // Refused by the server and sent again: each byte once.
    assert_eq!(one(">S 100 early\n<SA 300 101\n>A 101 301 earlylate").1, ["C:early", "C:late"]);
}

#[test]
fn two_syns_that_cross_are_a_simultaneous_open() {
    let (flow, heard) = one(">S 100\n<S 300\n>SA 100 301\n<SA 300 101\n>A 101 301 a\n<A 301 102 b");
    assert!(flow.tcp().unwrap().simultaneous_open);
    assert_eq!(heard, ["C:a", "S:b"]);
}

#[test]
fn the_middle_of_a_connection_has_its_client_by_ports() {
    let (flow, _) = {
        let mut flows = run("<A 5000 700 late\n>A 700 5004 req\n<A 5004 703");
        (flows.remove(0), ())
    };
    assert_eq!(flow.ends().client.port(), 50_000);
    let sink = flow.sink().unwrap();
    assert!(!sink.client_known);
    assert_eq!(sink.heard, ["S:late", "C:req"]);
    let tcp = flow.tcp().unwrap();
    assert!(tcp.midstream && tcp.established.is_none() && !tcp.one_sided);
    assert_eq!(tcp.history, "^dDa");
    assert_eq!(flow.sides().map(|s| s.missed_bytes), [0, 0]);
}

#[test]
fn data_in_flight_when_the_capture_began_is_not_missing() {
    let (flow, heard) = one(">A 700 5000\n<A 9000 700 late\n>A 700 9004");
    assert_eq!(heard, ["S:late"]);
    assert_eq!(flow.sides()[1].missed_bytes, 0);
}

#[test]
fn a_syn_ack_alone_tells_who_is_the_client() {
    let flows = run("<SA 300 101\n>A 101 301 hi");
    let sink = flows[0].sink().unwrap();
    assert!(sink.client_known);
    assert_eq!(sink.heard, ["C:hi"]);
    assert!(!flows[0].tcp().unwrap().midstream);
}

#[test]
fn one_direction_alone_is_noticed() {
    let tcp = one(">S 100\n>A 101 301\n>A 101 301 hello\n>A 106 909").0.tcp().unwrap();
    assert!(tcp.one_sided && tcp.established.is_some());
    let tcp = one(">S 100\n>S 100 +1000\n>S 100 +2000").0.tcp().unwrap();
    assert!(!tcp.one_sided && tcp.established.is_none());
    assert_eq!((tcp.syn_count, tcp.syns.len()), (3, 3));
}

#[test]
fn copies_of_a_syn_take_no_place_from_its_repetitions() {
    let copies = |n: usize| ">S 100\n".repeat(n);
    let again = |n: usize| format!(">S 100 +1000\n{}", copies(n - 1));
    let tcp = one(&format!("{}{}{}", copies(9), again(9), again(9))).0.tcp().unwrap();
    assert_eq!((tcp.syn_count, tcp.syns.len()), (27, 8));
    assert_eq!((tcp.syn_tries().len(), tcp.syn_try_count()), (3, 3));
    let all = one(&(copies(2) + &again(2).repeat(11))).0.tcp().unwrap();
    assert_eq!((all.syn_count, all.syns.len(), all.syn_try_count()), (24, 8, 12), "more tries than are kept");
    // The one that was answered keeps its place.
    let answered = format!("{}<SA 300 101 +9\n{}", copies(9), again(2));
    assert_eq!(one(&answered).0.tcp().unwrap().syn_tries().len(), 1);
}

#[test]
fn the_round_trip_is_that_of_the_syn_that_was_answered() {
    let rtt = |s: &str| one(s).0.tcp().unwrap().handshake_rtt;
    assert_eq!(rtt(">S 100\n>S 100 +999\n<SA 300 101 +9"), Some(10_000_000));
    assert_eq!(rtt(">S 100 ts5/0\n>S 100 +999 ts9/0\n<SA 300 101 +9 ts1/5"), Some(1_010_000_000));
    assert_eq!(rtt(">S 100"), None);
}

#[test]
fn a_window_that_was_shut_from_the_beginning_is_open_once_it_is_announced() {
    let shut = |s: &str| one(s).0.tcp().unwrap().never_opened;
    assert!(shut(">S 100\n<SA 300 101 w0\n>A 101 301\n<R 301 101 w0"));
    assert!(!shut(">S 100\n<SA 300 101 w0\n>A 101 301\n<A 301 101 w500\n<R 301 101 w0"));
    assert!(!shut(">S 100\n<SA 300 101\n>A 101 301\n<R 301 101 w0"));
    assert!(!shut(">S 100"));
}

#[test]
fn a_zero_window_counts_after_the_handshake_only() {
    let [client, server] = one(&opened("<A 301 101 w0\n<A 301 101 w0\n>R 101 w0")).0.sides();
    assert_eq!((server.zero_windows, client.zero_windows), (2, 0));
}

#[test]
fn a_flow_with_nothing_more_to_learn_only_counts() {
    let (flow, heard) = one(&opened(
        ">A 101 301 end!
         >A 106 301 after
         >A 114 301 hole
         <A 301 118
         >A 118 301 more",
    ));
    assert_eq!(heard, ["C:end!"]);
    let [client, _] = flow.sides();
    assert_eq!((client.bytes, client.missed_bytes), (5 + 5 + 4 + 4 - 1, 4));
}

#[test]
fn only_what_goes_on_in_good_order_takes_the_short_way() {
    let script = opened(
        ">A 101 301 hello!\n<A 301 107 welcome\n>A 107 308 more\n<A 308 111\n<A 308 111\n>A 107 308 more\n>A 115 308 gap",
    );
    let list = packets(&script);
    let (key, _) = Key::of(&list[0].ends().unwrap());
    let mut flow: Option<TcpFlow<Recorder>> = None;
    let mut short = Vec::new();
    for packet in &list {
        let Transport::Tcp(segment) = &packet.transport else { continue };
        let from_low = Key::of(&packet.ends().unwrap()).1;
        let flow = flow.get_or_insert_with(|| TcpFlow::new(key, 1, packet.at, segment, from_low));
        let plain = packet.plain_segment(0);
        let goes_on = plain.is_some_and(|plain| flow.goes_on(&plain, from_low));
        if !goes_on {
            flow.segment(&Arc::new(()), packet, segment, from_low);
        }
        short.push(goes_on);
    }
    // The handshake, the first bytes of each side, the acknowledgement that repeats, the bytes that repeat and those
    // behind a hole go the long way.
    assert_eq!(short, [false, false, false, false, false, true, true, false, false, false]);
}

#[test]
fn the_process_is_the_sender_of_the_syn() {
    let p = one(">S 100 pid7\n<SA 300 101 pid1\n>A 101 301 pid9").0.process().unwrap();
    assert_eq!((p.pid, p.from_syn), (7, true));
    let p = one("<SA 300 101 pid1\n>A 101 301 pid9").0.process().unwrap();
    assert_eq!((p.pid, p.from_syn), (9, false));
}

#[test]
fn a_flood_of_pieces_behind_a_hole_stays_bounded_and_is_told() {
    let mut script = opened("");
    for i in 0..2_000 {
        script.push_str(&format!("<A {} 101 x\n", 302 + 2 * i));
    }
    let (flow, heard) = one(&script);
    assert_eq!(heard.iter().filter(|h| *h == "S[1]").count(), 2_000);
    let [_, server] = flow.sides();
    assert_eq!((server.bytes, server.unacked_gap_bytes, server.missed_bytes), (2_000, 2_000, 0));
}

#[test]
fn absurd_numbers_neither_panic_nor_count_as_data() {
    let (flow, _) = one(&opened(
        ">A 3000000000 301 far
         >A 101 2900000000
         <A 301 4000000000
         >A 101 301 near",
    ));
    let [client, server] = flow.sides();
    assert_eq!((client.bytes, client.unacked_gap_bytes, server.missed_bytes), (4, 0, 0));
}

/// What was heard, the pieces of one side in a row put together.
fn turns(heard: &[String]) -> Vec<String> {
    let mut turns: Vec<String> = Vec::new();
    for piece in heard {
        let (side, text) = piece.split_at(2);
        match turns.last_mut().filter(|turn| turn.starts_with(side)) {
            Some(turn) => turn.push_str(text),
            None => turns.push(piece.clone()),
        }
    }
    turns
}

proptest! {
    #[test]
    fn frames_captured_late_change_nothing_that_is_heard(
        sizes in proptest::collection::vec((1usize..4, 1usize..4), 1..5),
        late in proptest::collection::vec(0i64..2_900_000, 40),
    ) {
        let mut script = String::from(OPEN);
        let (mut seq, mut ack) = (101, 301);
        for (asked, answered) in sizes {
            for _ in 0..asked {
                script += &format!(">A {seq} {ack} ask\n");
                seq += 3;
            }
            for _ in 0..answered {
                script += &format!("<A {ack} {seq} tell\n");
                ack += 4;
            }
        }
        let mut all = packets(&script);
        let heard = |packets: &[Packet<'_>]| {
            let flow = run_packets(packets, 1).flows().next().unwrap();
            turns(&flow.sink().unwrap().heard)
        };
        let expected = heard(&all);
        for (i, (packet, late)) in all.iter_mut().zip(late).enumerate() {
            // Frames come 100 µs after each other, so that many pass a late one; the handshake is not among them.
            packet.at.time = Timestamp(packet.at.time.0 / 10 + if i < 3 { 0 } else { late });
        }
        all.sort_by_key(|p| p.at.time);
        all.iter_mut().zip(1..).for_each(|(packet, frame)| packet.at.frame = frame);
        prop_assert_eq!(heard(&all), expected);
    }
}
