//! Tests of the QUIC dissector.

use super::*;
use crate::protocol::quic_crypto::tests::{SERVER_INITIAL, seal, unhex};
use crate::time::Timestamp;

const V1: u32 = 1;
const V2: u32 = 0x6B33_43CF;

fn at(frame: u64) -> At {
    At { frame, time: Timestamp(frame as i64) }
}

fn sized<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[4 - N..], bytes].concat()
}

fn client_hello_message(name: &[u8], random: u8) -> Vec<u8> {
    let sni = sized::<2>(&sized::<2>(&[&[0][..], &sized::<2>(name)].concat()));
    let versions = sized::<2>(&sized::<1>(&[3, 4]));
    let extensions = [&[0, 0][..], &sni, &[0, 43], &versions, &[0xAA, 0xAA, 0, 200], &[0; 200]].concat();
    let body = [&[3, 3][..], &[random; 32], &[0], &sized::<2>(&[0x13, 1]), &sized::<1>(&[0]), &sized::<2>(&extensions)]
        .concat();
    [&[1][..], &sized::<3>(&body)].concat()
}

fn server_hello_message() -> Vec<u8> {
    let body = [&[3, 3][..], &[9; 32], &[0, 0x13, 1, 0], &sized::<2>(&[0, 43, 0, 2, 3, 4])].concat();
    [&[2][..], &sized::<3>(&body)].concat()
}

fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let two = |n: usize| ((n as u16) | 0x4000).to_be_bytes();
    [&[6][..], &two(offset), &two(data.len()), data].concat()
}

/// One Initial packet: `key_id` makes the keys, `dcid` stands in the header.
fn initial(version: u32, from: Side, key_id: &[u8], dcid: &[u8], number: u8, frames: &[u8]) -> Vec<u8> {
    let frames = [frames, &vec![0; 40_usize.saturating_sub(frames.len())]].concat();
    let keys = InitialKeys::derive(&profiles(version)[0], key_id).unwrap();
    let first = if version == V2 { 0xD0 } else { 0xC0 };
    let length = ((frames.len() + 17) as u16 | 0x4000).to_be_bytes();
    let header =
        [&[first][..], &version.to_be_bytes(), &sized::<1>(dcid), &sized::<1>(b"scid"), &[0], &length, &[number]]
            .concat();
    seal(if from == Side::Client { keys.client() } else { keys.server() }, &header, 1, u64::from(number), &frames)
}

fn hello_packet(version: u32, id: &[u8], name: &[u8]) -> Vec<u8> {
    initial(version, Side::Client, id, id, 0, &crypto(0, &client_hello_message(name, 1)))
}

fn handshake_packet() -> Vec<u8> {
    [&[0xE0, 0, 0, 0, 1, 0, 0, 30][..], &[1; 30]].concat()
}

#[test]
fn an_ordinary_connection_is_told_from_hello_to_established() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &hello_packet(V1, b"abcdefgh", b"login.example.com"), at(1));
    let answer = initial(V1, Side::Server, b"abcdefgh", b"scid", 0, &crypto(0, &server_hello_message()));
    quic.datagram(Side::Server, &[answer, handshake_packet()].concat(), at(2));
    quic.datagram(Side::Client, &[&handshake_packet()[..], &[0x41; 40]].concat(), at(3));
    quic.datagram(Side::Server, &[0x41; 40], at(4));
    assert!(!quic.swapped());
    let (fact, sessions) = quic.finish();
    assert_eq!((fact.version, fact.client_initials), (V1, 1));
    assert_eq!((fact.first_initial, fact.first_answer), (Some(at(1)), Some(at(2))));
    assert_eq!((fact.handshake_packets, fact.short_packets), ([1, 1], [1, 1]));
    let [session] = &sessions[..] else { panic!("one session, not {}", sessions.len()) };
    let hello = &session.client_hellos[0];
    assert_eq!(hello.sni.as_deref(), Some("login.example.com"));
    assert_eq!((hello.quic_version, hello.at, hello.first_frame), (Some(V1), at(1), 1));
    assert!(hello.ja4.as_ref().unwrap().starts_with("q13d0102"));
    assert_eq!((session.server_hellos[0].version, session.server_hellos[0].at), (0x0304, at(2)));
    assert_eq!(session.complete, Some(at(3)));
    assert_eq!(session.encrypted[0].application_records, 1);
}

#[test]
fn a_hello_over_several_initials_in_any_order_is_one() {
    let message = client_hello_message(b"split.example", 1);
    let parts: Vec<Vec<u8>> = message
        .chunks(60)
        .enumerate()
        .map(|(i, part)| initial(V1, Side::Client, b"12345678", b"12345678", i as u8, &crypto(i * 60, part)))
        .collect();
    for turn in 0..parts.len() {
        let mut quic = QuicDissector::new(Arc::default());
        for i in 0..parts.len() {
            let packet = &parts[(i + turn) % parts.len()];
            quic.datagram(Side::Client, packet, at(i as u64 + 1));
            quic.datagram(Side::Client, packet, at(i as u64 + 1));
        }
        let (_, sessions) = quic.finish();
        let hello = &sessions[0].client_hellos[0];
        assert_eq!(hello.sni.as_deref(), Some("split.example"));
        assert_eq!((hello.first_frame, hello.at), (1, at(parts.len() as u64)));
        assert_eq!(sessions[0].client_hellos.len(), 1);
    }
}

#[test]
fn after_retry_the_keys_come_from_the_new_connection_id() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &hello_packet(V1, b"first-id", b"retry.example"), at(1));
    let retry = [&[0xF0, 0, 0, 0, 1, 0, 8][..], b"second-i", &[0; 20]].concat();
    quic.datagram(Side::Server, &retry, at(2));
    quic.datagram(Side::Client, &hello_packet(V1, b"second-i", b"retry.example"), at(3));
    let answer = initial(V1, Side::Server, b"second-i", b"scid", 0, &crypto(0, &server_hello_message()));
    quic.datagram(Side::Server, &answer, at(4));
    let (fact, sessions) = quic.finish();
    assert!(fact.retry);
    assert_eq!(sessions.len(), 1);
    assert_eq!((sessions[0].client_hellos.len(), sessions[0].server_hellos.len()), (1, 1));
    assert_eq!(sessions[0].client_hellos[0].at, at(1));
}

#[test]
fn version_negotiation_is_told_and_the_next_version_read() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &hello_packet(0xFF00_001D, b"dcid-one", b"a.example"), at(1));
    let negotiation = [&[0x80, 0, 0, 0, 0, 0, 0][..], &V2.to_be_bytes(), &V1.to_be_bytes()].concat();
    assert!(QuicDissector::detect(&negotiation));
    quic.datagram(Side::Server, &negotiation, at(2));
    quic.datagram(Side::Client, &hello_packet(V2, b"dcid-two", b"a.example"), at(3));
    let (fact, sessions) = quic.finish();
    assert_eq!(fact.version_negotiation, [V2, V1]);
    assert_eq!(fact.version, 0xFF00_001D);
    assert_eq!(sessions.len(), 1);
}

#[test]
fn a_hello_that_only_forced_the_negotiation_gives_way_to_the_real_one() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &hello_packet(0x1A2A_3A4A, b"dcid-one", b"a.example"), at(1));
    quic.datagram(Side::Server, &[&[0x80, 0, 0, 0, 0, 0, 0][..], &V1.to_be_bytes()].concat(), at(2));
    quic.datagram(Side::Client, &hello_packet(V1, b"dcid-two", b"a.example"), at(3));
    let (_, sessions) = quic.finish();
    assert_eq!((sessions.len(), sessions[0].client_hellos.len()), (1, 1));
    assert_eq!(sessions[0].client_hellos[0].quic_version, Some(V1));
}

#[test]
fn a_server_may_grease_the_fixed_bit() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &hello_packet(V1, b"dcid-one", b"a.example"), at(1));
    let keys = InitialKeys::derive(&profiles(V1)[0], b"dcid-one").unwrap();
    let frames = [crypto(0, &server_hello_message()), vec![0; 40]].concat();
    let length = ((frames.len() + 17) as u16 | 0x4000).to_be_bytes();
    let header = [&[0x80, 0, 0, 0, 1, 0, 0, 0][..], &length, &[0]].concat();
    quic.datagram(Side::Server, &seal(keys.server(), &header, 1, 0, &frames), at(2));
    assert_eq!(quic.finish().1[0].server_hellos.len(), 1);
}

#[test]
fn a_server_may_answer_in_another_version() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &hello_packet(V1, b"dcid-one", b"a.example"), at(1));
    let answer = initial(V2, Side::Server, b"dcid-one", b"scid", 0, &crypto(0, &server_hello_message()));
    quic.datagram(Side::Server, &answer, at(2));
    assert_eq!(quic.finish().1[0].server_hellos.len(), 1);
}

#[test]
fn the_sender_of_the_client_hello_is_the_client() {
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Server, &hello_packet(V1, b"abcdefgh", b"a.example"), at(1));
    let close = initial(V1, Side::Server, b"abcdefgh", b"scid", 0, &[0x1C, 0x41, 0x28, 6, 0]);
    quic.datagram(Side::Client, &close, at(2));
    assert!(quic.swapped());
    let (fact, _) = quic.finish();
    assert_eq!((fact.first_initial, fact.first_answer), (Some(at(1)), Some(at(2))));
    assert_eq!((fact.close_code, fact.close_by), (Some(0x128), Some(Side::Server)));
}

#[test]
fn an_answer_captured_before_its_question_is_read_all_the_same() {
    let mut quic = QuicDissector::new(Arc::default());
    let answer = initial(V1, Side::Server, b"abcdefgh", b"scid", 0, &crypto(0, &server_hello_message()));
    quic.datagram(Side::Server, &answer, at(1));
    quic.datagram(Side::Client, &hello_packet(V1, b"abcdefgh", b"a.example"), at(2));
    let (_, sessions) = quic.finish();
    assert_eq!((sessions[0].server_hellos[0].at, sessions[0].client_hellos[0].at), (at(1), at(2)));
}

#[test]
fn a_second_connection_on_the_same_ports_is_a_session_of_its_own() {
    let mut quic = QuicDissector::new(Arc::default());
    for (i, name) in [b"a.example", b"b.example"].into_iter().enumerate() {
        let id = [i as u8; 8];
        quic.datagram(Side::Client, &hello_packet(V1, &id, name), at(1));
        let answer = initial(V1, Side::Server, &id, b"scid", 0, &crypto(0, &server_hello_message()));
        quic.datagram(Side::Server, &answer, at(2));
    }
    let names: Vec<_> = quic.finish().1.into_iter().map(|s| s.client_hellos[0].sni.clone().unwrap()).collect();
    assert_eq!(names, ["a.example", "b.example"]);
}

#[test]
fn a_hello_in_a_packet_cut_by_the_snap_length_is_read_or_told_cut() {
    let message = client_hello_message(b"cut.example", 1);
    let padded = [crypto(0, &message), vec![0; 500]].concat();
    let packet = initial(V1, Side::Client, b"abcdefgh", b"abcdefgh", 0, &padded);
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &packet[..packet.len() - 300], at(1));
    assert_eq!(quic.finish().1[0].client_hellos[0].sni.as_deref(), Some("cut.example"));
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &packet[..150], at(1));
    let (_, sessions) = quic.finish();
    assert_eq!(sessions[0].cut_hello, [Some(at(1)), None]);
    assert_eq!(sessions[0].client_hellos[0].sni.as_deref(), Some("cut.example"));
    assert!(sessions[0].client_hellos[0].cut);
    let mut quic = QuicDissector::new(Arc::default());
    quic.datagram(Side::Client, &packet[..80], at(1));
    let (_, sessions) = quic.finish();
    assert_eq!(sessions[0].cut_hello, [Some(at(1)), None]);
    assert!(sessions[0].client_hellos.is_empty());
}

#[test]
fn rfc_9001_a_server_s_initial_alone_gives_no_session() {
    let mut quic = QuicDissector::new(Arc::default());
    assert!(QuicDissector::detect(&unhex(SERVER_INITIAL)));
    quic.datagram(Side::Server, &unhex(SERVER_INITIAL), at(1));
    let (fact, sessions) = quic.finish();
    assert!(sessions.is_empty());
    assert_eq!((fact.version, fact.first_answer), (V1, Some(at(1))));
}

#[test]
fn hostile_datagrams_neither_panic_nor_grow() {
    let packet = hello_packet(V1, b"abcdefgh", b"a.example");
    for i in 0..packet.len() {
        let mut quic = QuicDissector::new(Arc::default());
        quic.datagram(Side::Client, &packet[..i], at(1));
        let mut bent = packet.clone();
        bent[i] ^= 0x81;
        quic.datagram(Side::Client, &bent, at(2));
        quic.datagram(Side::Server, &bent, at(3));
        let (_, sessions) = quic.finish();
        assert!(sessions.len() <= 2);
    }
    let mut quic = QuicDissector::new(Arc::default());
    for i in 0..200_u32 {
        quic.datagram(Side::Client, &hello_packet(V1, &i.to_be_bytes(), b"a.example"), at(1));
    }
    assert_eq!(quic.finish().1.len(), DATAGRAM_SESSIONS_MAX);
}
