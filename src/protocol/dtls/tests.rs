//! Tests of the DTLS dissector.

use super::*;
use crate::time::Timestamp;

fn at(frame: u64) -> At {
    At { frame, time: Timestamp(frame as i64) }
}

fn sized<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[4 - N..], bytes].concat()
}

fn record(kind: u8, epoch: u16, body: &[u8]) -> Vec<u8> {
    [&[kind, 0xFE, 0xFD][..], &epoch.to_be_bytes(), &[0; 6], &sized::<2>(body)].concat()
}

/// A handshake message in fragments of at most `size` bytes.
fn fragments(kind: u8, sequence: u16, body: &[u8], size: usize) -> Vec<Vec<u8>> {
    let three = |n: usize| (n as u32).to_be_bytes()[1..].to_vec();
    body.chunks(size)
        .enumerate()
        .map(|(i, part)| {
            [&[kind][..], &three(body.len()), &sequence.to_be_bytes(), &three(i * size), &sized::<3>(part)].concat()
        })
        .collect()
}

fn message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    record(HANDSHAKE, 0, &fragments(kind, sequence, body, 1 << 16).concat())
}

fn client_hello(random: u8, cookie: &[u8], name: &[u8]) -> Vec<u8> {
    let sni = sized::<2>(&sized::<2>(&[&[0][..], &sized::<2>(name)].concat()));
    let extensions = [&[0, 0][..], &sni].concat();
    [
        &[0xFE, 0xFD][..],
        &[random; 32],
        &[0],
        &sized::<1>(cookie),
        &sized::<2>(&[0xC0, 0x2F]),
        &[1, 0],
        &sized::<2>(&extensions),
    ]
    .concat()
}

fn server_hello(version: Option<[u8; 2]>) -> Vec<u8> {
    let extension = version.map_or(vec![], |v| sized::<2>(&[&[0, 43, 0, 2][..], &v].concat()));
    [&[0xFE, 0xFD][..], &[8; 32], &[0, 0xC0, 0x2F, 0], &extension].concat()
}

#[test]
fn a_dtls_12_handshake_is_told_to_its_end() {
    let mut dtls = DtlsDissector::new(Arc::default());
    let first = message(CLIENT_HELLO, 0, &client_hello(1, b"", b"turn.example"));
    assert!(DtlsDissector::detect(&first));
    dtls.datagram(Side::Client, &first, at(1));
    dtls.datagram(Side::Server, &message(3, 0, &[0xFE, 0xFF, 2, 9, 9]), at(2));
    dtls.datagram(Side::Client, &message(CLIENT_HELLO, 1, &client_hello(1, &[9, 9], b"turn.example")), at(3));
    let flight = [
        message(SERVER_HELLO, 1, &server_hello(None)),
        message(CERTIFICATE, 2, &sized::<3>(&sized::<3>(b"not a certificate"))),
        message(CERTIFICATE_REQUEST, 3, &[1, 1, 0, 0, 0, 0]),
        record(HANDSHAKE, 0, &[SERVER_HELLO_DONE, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0]),
    ];
    dtls.datagram(Side::Server, &flight.concat(), at(4));
    dtls.datagram(Side::Client, &[record(CHANGE_CIPHER_SPEC, 0, &[1]), record(HANDSHAKE, 1, &[7; 40])].concat(), at(5));
    dtls.datagram(Side::Server, &[record(CHANGE_CIPHER_SPEC, 0, &[1]), record(HANDSHAKE, 1, &[7; 40])].concat(), at(6));
    dtls.datagram(Side::Client, &record(APPLICATION_DATA, 1, &[7; 50]), at(7));
    assert!(!dtls.swapped());
    let [session] = &dtls.finish()[..] else { panic!("one session") };
    assert_eq!(session.carrier, TlsCarrier::Dtls);
    assert_eq!(session.client_hellos.len(), 2);
    assert_eq!(session.client_hellos[1].sni.as_deref(), Some("turn.example"));
    assert_eq!(session.server_hellos[0].version, 0xFEFD);
    assert_eq!(session.certificates.len(), 1);
    assert!(session.certificate_requested);
    assert_eq!(session.server_hello_done, Some(at(4)));
    assert_eq!(session.complete, Some(at(6)));
    assert_eq!(session.encrypted[0].application_records, 1);
}

#[test]
fn fragments_in_any_order_make_one_hello_and_retransmissions_none() {
    let body = client_hello(1, b"", b"a-rather-long-name.example.com");
    let parts = fragments(CLIENT_HELLO, 0, &body, 20);
    let mut dtls = DtlsDissector::new(Arc::default());
    for round in 0..2 {
        for (i, part) in parts.iter().enumerate().rev() {
            dtls.datagram(Side::Client, &record(HANDSHAKE, 0, part), at((round * 100 + i) as u64));
        }
    }
    let [session] = &dtls.finish()[..] else { panic!("one session") };
    assert_eq!(session.client_hellos.len(), 1);
    assert_eq!(session.client_hellos[0].sni.as_deref(), Some("a-rather-long-name.example.com"));
    assert_eq!(session.client_hellos[0].first_frame, parts.len() as u64 - 1);
}

#[test]
fn another_random_begins_another_session() {
    let mut dtls = DtlsDissector::new(Arc::default());
    for random in [1, 2, 2] {
        dtls.datagram(Side::Client, &message(CLIENT_HELLO, 0, &client_hello(random, b"", b"x.example")), at(1));
    }
    assert_eq!(dtls.finish().len(), 2);
}

#[test]
fn the_hellos_tell_who_is_the_client() {
    let mut dtls = DtlsDissector::new(Arc::default());
    dtls.datagram(Side::Client, &message(SERVER_HELLO, 0, &server_hello(None)), at(1));
    assert!(dtls.swapped());
    dtls.datagram(Side::Client, &record(ALERT, 0, &[2, 40]), at(2));
    let [session] = &dtls.finish()[..] else { panic!("one session") };
    assert_eq!((session.alerts[0].by, session.alerts[0].description), (Side::Server, 40));
}

#[test]
fn a_session_opened_by_the_other_end_is_told_reversed() {
    let mut dtls = DtlsDissector::new(Arc::default());
    for (side, random) in [(Side::Client, 1), (Side::Server, 2)] {
        dtls.datagram(side, &message(CLIENT_HELLO, 0, &client_hello(random, b"", b"x.example")), at(1));
    }
    dtls.datagram(Side::Client, &record(ALERT, 0, &[2, 10]), at(2));
    assert!(!dtls.swapped());
    let [first, second] = &dtls.finish()[..] else { panic!("two sessions") };
    assert_eq!((first.reversed, second.reversed), (false, true));
    assert_eq!(second.alerts[0].by, Side::Server);
}

#[test]
fn dtls_13_is_complete_with_the_client_s_application_data() {
    let mut dtls = DtlsDissector::new(Arc::default());
    dtls.datagram(Side::Client, &message(CLIENT_HELLO, 0, &client_hello(1, b"", b"x.example")), at(1));
    let answer = [message(SERVER_HELLO, 0, &server_hello(Some([0xFE, 0xFC]))), [&[0x2E][..], &[1; 40]].concat()];
    dtls.datagram(Side::Server, &answer.concat(), at(2));
    dtls.datagram(Side::Client, &[&[0x2E][..], &[1; 40]].concat(), at(3));
    dtls.datagram(Side::Client, &[&[0x2F][..], &[1; 40]].concat(), at(4));
    let [session] = &dtls.finish()[..] else { panic!("one session") };
    assert_eq!(session.server_hellos[0].version, 0xFEFC);
    assert_eq!(session.complete, Some(at(4)));
    assert_eq!((session.encrypted[0].records, session.encrypted[1].records), (2, 1));
}

#[test]
fn a_hello_cut_by_the_snap_length_is_told() {
    let packet = message(CLIENT_HELLO, 0, &client_hello(1, b"", b"x.example"));
    assert!(DtlsDissector::detect(&packet[..40]));
    let mut dtls = DtlsDissector::new(Arc::default());
    dtls.datagram(Side::Client, &packet[..40], at(1));
    assert_eq!(dtls.finish()[0].cut_hello, [Some(at(1)), None]);
}

#[test]
fn other_protocols_are_not_dtls() {
    assert!(!DtlsDissector::detect(&[]));
    assert!(!DtlsDissector::detect(&[0x16, 3, 3, 0, 5, 1, 0, 0, 1, 0]));
    assert!(!DtlsDissector::detect(&record(HANDSHAKE, 0, &[99; 40])));
    assert!(!DtlsDissector::detect(&[record(ALERT, 0, &[2, 40]), vec![1]].concat()));
    assert!(DtlsDissector::detect(&record(ALERT, 0, &[2, 40])));
    assert!(DtlsDissector::detect(&record(APPLICATION_DATA, 1, &[5; 30])));
}

#[test]
fn hostile_datagrams_neither_panic_nor_grow() {
    let flight = [
        message(CLIENT_HELLO, 0, &client_hello(1, &[1, 2], b"x.example")),
        message(SERVER_HELLO, 1, &server_hello(Some([0xFE, 0xFC]))),
        record(ALERT, 0, &[1, 0]),
    ]
    .concat();
    for i in 0..flight.len() {
        let mut dtls = DtlsDissector::new(Arc::default());
        dtls.datagram(Side::Client, &flight[..i], at(1));
        for bits in [1, 0x80, 0xFF] {
            let mut bent = flight.clone();
            bent[i] ^= bits;
            let _ = DtlsDissector::detect(&bent);
            dtls.datagram(Side::Server, &bent, at(2));
        }
        assert!(dtls.finish().len() <= 5);
    }
    let mut dtls = DtlsDissector::new(Arc::default());
    for i in 0..5000_u16 {
        let [a, b] = i.to_be_bytes();
        let mut body = client_hello(1, b"", b"x.example");
        body[2..4].copy_from_slice(&[a, b]);
        dtls.datagram(Side::Client, &message(CLIENT_HELLO, i, &body), at(1));
        let open = [&[CERTIFICATE, 0, 0xFF, 0xFF, a, b, 0, 0, 0][..], &sized::<3>(&[1; 20])].concat();
        dtls.datagram(Side::Server, &record(HANDSHAKE, 0, &open), at(1));
    }
    assert!(dtls.current.incomplete.len() <= INCOMPLETE_MAX);
    assert!(dtls.finish().len() <= DATAGRAM_SESSIONS_MAX + 1);
}
