//! Tests of whole flows: tunnels, swapped sides, upgrades, hostile input.

use super::*;
use crate::time::Timestamp;
use std::net::SocketAddr;

const C: Side = Side::Client;
const S: Side = Side::Server;

fn sized<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_be_bytes();
    [&length[4 - N..], bytes].concat()
}

fn hello(kind: u8) -> Vec<u8> {
    let tail = if kind == 1 { vec![0, 2, 0xc0, 0x2f, 1, 0] } else { vec![0xc0, 0x2f, 0] };
    let body = [&[3, 3][..], &[7; 32], &[0], &tail].concat();
    [&[22, 3, 1][..], &sized::<2>(&[&[kind][..], &sized::<3>(&body)].concat())].concat()
}

fn ends() -> Ends {
    Ends { client: SocketAddr::from(([192, 0, 2, 1], 50_000)), server: SocketAddr::from(([198, 51, 100, 1], 8080)) }
}

fn read(client_known: bool, segments: &[(Side, Vec<u8>)]) -> AppFacts {
    let mut flow = Dissector::tcp(&Arc::default(), ends(), client_known);
    for (i, (side, bytes)) in segments.iter().enumerate() {
        let frame = i as u64 + 1;
        flow.data(*side, bytes, At { frame, time: Timestamp(frame as i64) });
    }
    flow.finish()
}

#[test]
fn tls_inside_a_connect_tunnel_names_the_tunnel() {
    let facts = read(
        true,
        &[
            (C, b"CONNECT login.example:443 HTTP/1.0\r\n\r\n".to_vec()),
            (S, b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec()),
            (C, hello(1)),
            (S, hello(2)),
        ],
    );
    assert_eq!(facts.http.len(), 1);
    assert_eq!(facts.http[0].tunnel_bytes, [hello(1).len() as u64, hello(2).len() as u64]);
    let [session] = facts.tls.as_slice() else { panic!("one session") };
    assert_eq!(session.tunnel.as_deref(), Some("login.example:443"));
    assert_eq!((session.client_hellos[0].at.frame, session.server_hellos[0].at.frame), (3, 4));
}

#[test]
fn a_tunnel_behind_a_challenge_is_the_one_that_was_asked_for_though_the_second_request_is_missing() {
    let at = |frame| At { frame, time: Timestamp::default() };
    let read = |answers: &[&[u8]]| {
        let mut flow = Dissector::tcp(&Arc::default(), ends(), true);
        flow.data(C, b"CONNECT login.example:443 HTTP/1.1\r\n\r\n", at(1));
        flow.data(S, b"HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n", at(2));
        flow.gap(C, 500, at(3));
        for (i, answer) in answers.iter().enumerate() {
            flow.data(if i == 1 { C } else { S }, answer, at(4 + i as u64));
        }
        flow.finish()
    };
    let opened = b"HTTP/1.1 200 Connection established\r\n\r\n";
    let facts = read(&[opened, &hello(1), &hello(2)]);
    let [_, again] = facts.http.as_slice() else { panic!("two exchanges") };
    assert_eq!((again.target.as_str(), again.status, again.request_at), ("login.example:443", Some(200), None));
    assert_eq!(facts.tls[0].tunnel.as_deref(), Some("login.example:443"));
    // Nor need the consent be there.
    let facts = read(&[b"", &hello(1), &hello(2)]);
    assert_eq!((facts.http.len(), facts.tls[0].tunnel.as_deref()), (2, Some("login.example:443")));
    // A page is the answer to some other request.
    let facts = read(&[b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>"]);
    assert_eq!((facts.http[1].target.as_str(), facts.tls.len()), ("", 0));
}

#[test]
fn a_proxy_inside_a_socks_tunnel_is_followed_to_the_tls_inside() {
    let facts = read(
        true,
        &[
            (C, vec![5, 1, 0]),
            (S, vec![5, 0]),
            (C, [&[5, 1, 0, 3][..], &sized::<1>(b"proxy.example"), &[0x0c, 0x38]].concat()),
            (S, vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            (C, b"CONNECT login.example:443 HTTP/1.1\r\nHost: login.example\r\n\r\n".to_vec()),
            (S, b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            (C, hello(1)),
        ],
    );
    assert_eq!(facts.socks.and_then(|s| s.target).as_deref(), Some("proxy.example:3128"));
    assert_eq!(facts.tls[0].tunnel.as_deref(), Some("login.example:443"));
}

#[test]
fn a_client_hello_of_the_server_side_swaps_the_sides() {
    for client_known in [false, true] {
        let facts = read(client_known, &[(S, hello(1)), (C, hello(2))]);
        // A SYN is stronger than a hello: then only the session runs the other way.
        assert_eq!((facts.swapped, facts.tls[0].reversed), (!client_known, client_known));
        assert_eq!((facts.tls[0].client_hellos.len(), facts.tls[0].server_hellos.len()), (1, 1));
    }
    let facts = read(false, &[(C, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec())]);
    assert!(facts.swapped && facts.http[0].status == Some(200));
    let facts = read(true, &[(C, hello(1)), (S, hello(2))]);
    assert!(!facts.swapped);
}

#[test]
fn an_upgrade_to_tls_is_found_and_a_strange_protocol_shows_its_first_bytes() {
    let facts = read(
        true,
        &[
            (S, b"220 mail.example\r\n".to_vec()),
            (C, b"STARTTLS\r\n".to_vec()),
            (S, b"220 ready\r\n".to_vec()),
            (C, hello(1)[..5].to_vec()),
            (C, hello(1)[5..].to_vec()),
            (S, hello(2)),
        ],
    );
    assert_eq!((facts.tls[0].client_hellos.len(), facts.tls[0].server_hellos.len()), (1, 1));
    let facts = read(true, &[(C, b"\x00\x00\x00\x54\xfeSMB".to_vec())]);
    assert!(facts.unknown_prefix[0].ends_with(b"SMB"));
}

#[test]
fn a_flow_without_data_and_one_that_is_done_are_small() {
    assert!(std::mem::size_of::<Dissector>() <= 128);
    let mut flow = Dissector::tcp(&Arc::default(), ends(), true);
    let mut last = Interest::More;
    for n in 0..64u64 {
        last = flow.data(C, &[0x61u8, 0x81, 7].repeat(20), At { frame: n, ..At::default() });
    }
    assert_eq!(last, Interest::Done);
    assert!(matches!(flow.reader, Reader::Done(_)));
}

#[test]
fn every_segmentation_gives_the_same_facts() {
    let whole = [
        (C, b"CONNECT login.example:443 HTTP/1.0\r\n\r\n".to_vec()),
        (S, b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec()),
        (C, hello(1)),
        (S, [hello(2), vec![21, 3, 3, 0, 2, 2, 40]].concat()),
    ];
    for size in 1..20 {
        let cut: Vec<_> = whole
            .iter()
            .flat_map(|(side, bytes)| bytes.chunks(size).map(|c| (*side, c.to_vec())).collect::<Vec<_>>())
            .collect();
        let facts = read(true, &cut);
        assert_eq!((facts.http.len(), facts.tls.len()), (1, 1), "pieces of {size}");
        assert_eq!((facts.tls[0].alerts.len(), facts.tls[0].server_hellos.len()), (1, 1), "pieces of {size}");
    }
}

#[test]
fn the_server_tells_the_protocol_where_the_head_of_the_clients_first_message_is_missing() {
    let connect = b"CONNECT login.example:443 HTTP/1.0\r\n\r\n";
    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
    for tunnel in [false, true] {
        let mut flow = Dissector::tcp(&Arc::default(), ends(), true);
        let at = |frame| At { frame, time: Timestamp(frame as i64) };
        if tunnel {
            flow.data(C, connect, at(1));
            flow.data(S, established, at(2));
        }
        flow.gap(C, 1460, at(3));
        flow.data(C, &[0x77; 460], at(3));
        flow.data(S, &hello(2), at(4));
        let facts = flow.finish();
        let [session] = facts.tls.as_slice() else { panic!("one session, tunnel: {tunnel}") };
        assert_eq!(session.server_hellos.len(), 1);
        assert_eq!(session.tunnel.is_some(), tunnel);
    }
}

#[test]
fn random_bytes_and_gaps_end_without_facts_that_are_not_there() {
    let mut state = 1u64;
    let mut random = move || {
        // xorshift64: the same bytes on every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..300u64 {
        let mut flow = Dissector::tcp(&Arc::default(), ends(), round % 2 == 0);
        if round % 3 == 0 {
            flow.data(C, &hello(1), At::default());
        }
        for frame in 0..20 {
            let side = if random() % 2 == 0 { C } else { S };
            let at = At { frame, ..At::default() };
            if random() % 5 == 0 {
                flow.gap(side, random() % 3000, at);
            } else {
                let length = random() % 200;
                let bytes: Vec<u8> = (0..length).map(|_| random() as u8).collect();
                flow.data(side, &bytes, at);
            }
        }
        let facts = flow.finish();
        assert!(facts.tls.iter().all(|t| t.server_hellos.is_empty() && t.certificates.is_empty()));
    }
}

#[test]
fn a_conversation_that_was_idle_is_read_on_unless_it_was_ordinary() {
    let ends = Ends { client: SocketAddr::from(([192, 0, 2, 1], 53)), server: SocketAddr::from(([192, 0, 2, 53], 53)) };
    let mut flow = Dissector::udp(&Arc::default(), ends);
    let message = |response: u8| [&[0, 1, response, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1][..]].concat();
    let say = |flow: &mut Dissector, side, frame| {
        let at = At { frame, time: Timestamp(frame as i64) };
        flow.datagram(side, &message(if side == S { 0x80 } else { 0 }), false, at)
    };
    for frame in 1..4 {
        say(&mut flow, if frame % 2 == 1 { C } else { S }, frame);
    }
    let mut hash = std::hash::DefaultHasher::new();
    assert!(!flow.outline(Over::Idle, 0, &mut hash));
    assert!(!flow.outline(Over::Answered, 0, &mut hash));
    assert_eq!(say(&mut flow, S, 4), Interest::More);
    assert_eq!(flow.finish().dns.len(), 4);
}
