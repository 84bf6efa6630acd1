//! Tests of the TLS dissector on sessions built here.

use super::*;
use crate::protocol::keylog::KeyLog;
use crate::time::Timestamp;

fn sized<const N: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u32).to_be_bytes();
    [&length[4 - N..], bytes].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &sized::<3>(body)].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &sized::<2>(body)].concat()
}

fn client_hello(session_id: &[u8]) -> Vec<u8> {
    let name = sized::<2>(&[&[0][..], &sized::<2>(b"login.example")].concat());
    let extensions = [&[0, 0][..], &sized::<2>(&name), &[0x12, 0x34, 0, 1, 9]].concat();
    let body = [
        &[3, 3][..],
        &[7; 32],
        &sized::<1>(session_id),
        &sized::<2>(&[0x13, 1, 0xc0, 0x2f]),
        &sized::<1>(&[0]),
        &sized::<2>(&extensions),
    ];
    record(22, &handshake(1, &body.concat()))
}

fn server_hello(session_id: &[u8], cipher: [u8; 2], tls13: bool, random: [u8; 32]) -> Vec<u8> {
    let extensions: &[u8] = if tls13 { &[0, 43, 0, 2, 3, 4] } else { &[] };
    let body = [&[3, 3][..], &random, &sized::<1>(session_id), &cipher, &[0], &sized::<2>(extensions)];
    record(22, &handshake(2, &body.concat()))
}

fn at(frame: u64) -> At {
    At { frame, time: Timestamp(frame as i64 * 1000) }
}

/// Feeds segments as frames 1, 2, ... and ends.
fn read(segments: &[(Side, Vec<u8>)]) -> Vec<TlsSession> {
    let mut tls = TlsDissector::new(None, Arc::default());
    for (i, (side, bytes)) in segments.iter().enumerate() {
        tls.data(*side, bytes, at(i as u64 + 1));
    }
    tls.finish()
}

const C: Side = Side::Client;
const S: Side = Side::Server;

fn tls12() -> Vec<(Side, Vec<u8>)> {
    let certificate = handshake(11, &sized::<3>(&sized::<3>(&[0x30, 0])));
    let flight = [certificate, handshake(13, &[0; 6]), handshake(14, &[])].concat();
    vec![
        (C, client_hello(&[])),
        (S, [server_hello(&[9; 32], [0xc0, 0x2f], false, [8; 32]), record(22, &flight)].concat()),
        (C, [record(22, &handshake(16, &[1; 66])), record(20, &[1]), record(22, &[0; 40])].concat()),
        (S, [record(20, &[1]), record(22, &[0xaa; 40])].concat()),
        (C, record(23, &[5; 100])),
        (S, record(21, &[5; 26])),
    ]
}

#[test]
fn a_tls12_handshake_is_told_from_hello_to_finished() {
    let sessions = read(&tls12());
    let [s] = sessions.as_slice() else { panic!("one session") };
    assert_eq!(s.client_hellos[0].sni.as_deref(), Some("login.example"));
    assert_eq!((s.client_hellos[0].at.frame, s.client_hellos[0].version_record), (1, 0x0303));
    assert_eq!((s.server_hellos[0].cipher, s.server_hellos[0].version), (0xc02f, 0x0303));
    assert_eq!(s.certificates.len(), 1);
    assert!(s.certificate_requested && !s.resumed && s.alerts.is_empty());
    assert_eq!(s.server_hello_done.map(|a| a.frame), Some(2));
    assert_eq!(s.change_cipher_spec.map(|c| c.map(|a| a.frame)), [Some(3), Some(4)]);
    assert_eq!(s.complete.map(|a| a.frame), Some(4));
    assert_eq!((s.encrypted[0].records, s.encrypted[0].application_bytes, s.encrypted[0].last_len), (2, 100, 100));
    assert_eq!(s.encrypted[1].encrypted_alerts, 1);
}

#[test]
fn application_data_of_both_sides_shows_a_handshake_of_which_the_capture_missed_a_part() {
    let mut segments = tls12();
    segments.insert(5, (S, record(23, &[5; 100])));
    for missed in 0..4 {
        let mut tls = TlsDissector::new(None, Arc::default());
        for (i, (side, bytes)) in segments.iter().enumerate() {
            if i == missed {
                tls.gap(*side, bytes.len() as u64, at(i as u64 + 1));
            } else {
                tls.data(*side, bytes, at(i as u64 + 1));
            }
        }
        let sessions = tls.finish();
        assert_eq!(sessions[0].complete.map(|a| a.frame), Some(if missed < 2 { 4 } else { 6 }), "{missed}");
    }
}

/// A TLS 1.3 session: its ClientHello with or without an offer of early data, the server's flight in two segments, the
/// client's Finished, tickets, a request and its answer.
fn tls13(early: bool) -> Vec<(Side, Vec<u8>)> {
    let mut first = client_hello(&[]);
    if early {
        // The last extension of the hello, of a number that nobody has, becomes early_data.
        let place = first.len() - 5;
        first[place..place + 4].copy_from_slice(&[0, 42, 0, 1]);
    }
    vec![
        (C, first),
        (S, [server_hello(&[], [0x13, 1], true, [8; 32]), record(20, &[1])].concat()),
        (S, [record(23, &[5; 60]), record(23, &[5; 900])].concat()),
        (C, [record(20, &[1]), record(23, &[6; 53])].concat()),
        (S, record(23, &[5; 255])),
        (C, record(23, &[6; 700])),
        (S, record(23, &[5; 800])),
    ]
}

fn with_a_hole(segments: &[(Side, Vec<u8>)], missed: usize) -> Vec<TlsSession> {
    let mut tls = TlsDissector::new(None, Arc::default());
    for (i, (side, bytes)) in segments.iter().enumerate() {
        if i == missed {
            tls.gap(*side, bytes.len() as u64, at(i as u64 + 1));
        } else {
            tls.data(*side, bytes, at(i as u64 + 1));
        }
    }
    tls.finish()
}

#[test]
fn a_hole_in_a_tls13_handshake_does_not_hide_that_it_was_completed() {
    let completed = |missed| with_a_hole(&tls13(false), missed)[0].complete.map(|a| a.frame);
    assert_eq!(completed(1), Some(5), "the ServerHello is lost");
    assert_eq!(completed(2), Some(5), "the certificate is lost");
    assert_eq!(completed(3), Some(7), "the Finished is lost: the answer to what follows it");
    let mut flight = tls13(false);
    let rest = flight.remove(2).1;
    flight[1].1.extend(rest);
    assert_eq!(with_a_hole(&flight, 1)[0].complete.map(|a| a.frame), Some(4), "all of the server's flight is lost");
    flight.swap(1, 2);
    assert_eq!(with_a_hole(&flight, 2)[0].complete.map(|a| a.frame), Some(4), "and is missed only then");
    // Nothing but an alert answers a client that was refused.
    let mut refused = tls13(false);
    refused.truncate(6);
    refused.push((S, record(23, &[5; 19])));
    refused.remove(4);
    assert_eq!(with_a_hole(&refused, 3)[0].complete, None);
    // Early data comes before the end of the handshake, and the server's flight after it.
    assert_eq!(with_a_hole(&tls13(true), 3)[0].complete, None);
}

#[test]
fn what_both_sides_send_under_tls13_is_no_sign_of_its_end() {
    // A server's flight in records of application data, and an alert for an answer.
    let sessions = read(&[
        (C, client_hello(&[])),
        (S, [server_hello(&[], [0x13, 1], true, [8; 32]), record(20, &[1]), record(23, &[5; 900])].concat()),
        (C, [record(20, &[1]), record(23, &[5; 19])].concat()),
    ]);
    assert!(sessions[0].encrypted.iter().all(|e| e.application_records > 0));
    assert_eq!(sessions[0].complete, None);
}

#[test]
fn the_facts_do_not_depend_on_how_the_bytes_are_cut() {
    let whole = format!("{:?}", comparable(&tls12()));
    for size in [1, 2, 3, 5, 7, 64] {
        let cut: Vec<_> = tls12()
            .into_iter()
            .flat_map(|(side, bytes)| bytes.chunks(size).map(|c| (side, c.to_vec())).collect::<Vec<_>>())
            .collect();
        assert_eq!(format!("{:?}", comparable(&cut)), whole, "pieces of {size}");
    }
}

/// What must be the same for every segmentation: everything but the frames.
fn comparable(segments: &[(Side, Vec<u8>)]) -> Vec<(usize, usize, usize, bool, bool, u64, u64, u32)> {
    read(segments)
        .iter()
        .map(|s| {
            let [c, v] = &s.encrypted;
            let hellos = (s.client_hellos.len(), s.server_hellos.len(), s.certificates.len());
            let done = (s.complete.is_some(), s.server_hello_done.is_some());
            (hellos.0, hellos.1, hellos.2, done.0, done.1, c.bytes, v.bytes, v.encrypted_alerts)
        })
        .collect()
}

#[test]
fn a_clear_alert_of_a_tls13_client_is_an_alert_and_an_encrypted_one_is_none() {
    let hello = server_hello(&[], [0x13, 1], true, [8; 32]);
    let sessions = read(&[
        (C, client_hello(&[])),
        (S, [hello.clone(), record(20, &[1]), record(23, &[3; 900])].concat()),
        (C, [record(20, &[1]), record(21, &[2, 48])].concat()),
    ]);
    let alert = sessions[0].alerts[0];
    assert_eq!((alert.by, alert.level, alert.description, alert.at.frame), (C, 2, 48, 3));
    assert!(sessions[0].complete.is_none());
    // CCS and 24 bytes, as Go and Chromium do.
    let sessions = read(&[
        (C, client_hello(&[])),
        (S, [hello, record(20, &[1]), record(23, &[3; 900])].concat()),
        (C, [record(20, &[1]), record(23, &[6; 19])].concat()),
        (C, record(23, &[6; 19])),
    ]);
    assert!(sessions[0].alerts.is_empty() && sessions[0].complete.is_none());
    assert_eq!(sessions[0].encrypted[0].first.map(|(length, _)| length), Some(TLS13_ALERT_BYTES));
}

#[test]
fn a_tls13_session_is_complete_with_data_behind_the_finished() {
    let mut segments = vec![
        (C, client_hello(&[1; 32])),
        (S, [server_hello(&[1; 32], [0x13, 1], true, [8; 32]), record(20, &[1]), record(23, &[3; 900])].concat()),
        (C, [record(20, &[1]), record(23, &[6; 53])].concat()),
    ];
    assert!(read(&segments)[0].complete.is_none());
    segments.push((C, record(23, &[6; 200])));
    let session = &read(&segments)[0];
    assert_eq!(session.complete.map(|a| a.frame), Some(4));
    assert!(!session.resumed, "an echoed id means nothing in TLS 1.3");
}

#[test]
fn a_hello_retry_request_keeps_the_session_and_a_later_hello_begins_one() {
    const RETRY: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let sessions = read(&[
        (C, client_hello(&[])),
        (S, [server_hello(&[], [0x13, 1], true, RETRY), record(20, &[1])].concat()),
        (C, [record(20, &[1]), client_hello(&[])].concat()),
        (S, [server_hello(&[], [0x13, 1], true, [8; 32]), record(23, &[3; 900])].concat()),
        (C, client_hello(&[])),
    ]);
    assert_eq!(sessions.len(), 2);
    assert_eq!((sessions[0].client_hellos.len(), sessions[0].server_hellos.len()), (2, 2));
    assert!(sessions[0].server_hellos[0].hello_retry_request && !sessions[0].server_hellos[1].hello_retry_request);
    assert_eq!((sessions[1].client_hellos.len(), sessions[1].server_hellos.len()), (1, 0));
}

#[test]
fn an_echoed_session_id_is_a_resumption_before_tls13() {
    let sessions = read(&[(C, client_hello(&[4; 32])), (S, server_hello(&[4; 32], [0xc0, 0x2f], false, [8; 32]))]);
    assert!(sessions[0].resumed);
}

#[test]
fn an_http_answer_to_a_client_hello_is_kept() {
    let page = b"HTTP/1.1 403 Forbidden\r\nServer: gate/1\r\nLocation: http://gate.example/deny?u=secret\r\n\r\n<html><TITLE>\n Access\n denied </title>";
    let sessions = read(&[(C, client_hello(&[])), (S, page[..30].to_vec()), (S, page[30..].to_vec())]);
    let answer = sessions[0].plaintext_answer.as_ref().unwrap();
    assert_eq!((answer.by, answer.at.frame, answer.http_status), (S, 2, Some(403)));
    assert_eq!(answer.title.as_deref(), Some("Access denied"));
    assert_eq!(answer.location.as_deref(), Some("http://gate.example/deny"));
    assert_eq!(answer.server.as_deref(), Some("gate/1"));
    assert_eq!(answer.first_line, "HTTP/1.1 403 Forbidden");
}

#[test]
fn a_hole_costs_its_message_and_nothing_is_invented() {
    let (first, second) = (tls12()[0].1.clone(), tls12()[1].1.clone());
    for from in 0..second.len() {
        for missing in [1usize, 7, 40] {
            let mut tls = TlsDissector::new(None, Arc::default());
            tls.data(C, &first, at(1));
            tls.data(S, &second[..from], at(2));
            tls.gap(S, missing as u64, at(3));
            let rest = second.get(from + missing..).unwrap_or(&[]);
            tls.data(S, rest, at(3));
            tls.data(S, &record(21, &[2, 40]), at(4));
            for s in tls.finish() {
                assert!(s.server_hellos.iter().all(|h| h.cipher == 0xc02f), "gap of {missing} at {from}");
                assert!(s.certificates.len() <= 1);
                assert!(s.alerts.iter().all(|a| a.description == 40));
            }
        }
    }
}

#[test]
fn a_hello_that_the_capture_cut_is_noted() {
    let hello = client_hello(&[]);
    let mut tls = TlsDissector::new(None, Arc::default());
    tls.data(C, &hello[..30], at(1));
    tls.gap(C, hello.len() as u64 - 30, at(1));
    let answer = server_hello(&[], [0xc0, 0x2f], false, [8; 32]);
    tls.data(S, &answer, at(2));
    let sessions = tls.finish();
    assert_eq!(sessions[0].cut_hello.map(|c| c.is_some()), [true, false]);
    assert!(sessions[0].client_hellos.is_empty());
    assert_eq!(sessions[0].server_hellos.len(), 1);
}

#[test]
fn a_session_of_cut_frames_is_still_counted_to_its_last_record() {
    let mut tls = TlsDissector::new(None, Arc::default());
    let mut frame = 0;
    let mut send = |side: Side, bytes: &[u8]| {
        frame += 1;
        let head = bytes.len().min(30);
        tls.data(side, &bytes[..head], at(frame));
        if bytes.len() > head {
            tls.gap(side, (bytes.len() - head) as u64, at(frame));
        }
    };
    send(C, &client_hello(&[1; 32]));
    send(S, &server_hello(&[1; 32], [0x13, 1], true, [8; 32]));
    send(C, &[record(20, &[1]), record(23, &[6; 53])].concat());
    send(C, &record(23, &[6; 200]));
    send(S, &record(23, &[6; 300]));
    let s = &tls.finish()[0];
    assert_eq!(s.cut_hello.map(|c| c.map(|a| a.frame)), [Some(1), Some(2)]);
    // Two records of the client's, so these are all.
    let lengths = |i: usize| (s.encrypted[i].records, s.encrypted[i].first.map(|(n, _)| n), s.encrypted[i].last_len);
    assert_eq!((lengths(0), lengths(1)), ((2, Some(53), 200), (1, Some(300), 300)));
    assert_eq!(s.complete.map(|a| a.frame), Some(4));
}

#[test]
fn the_beginning_of_a_hello_names_the_host_where_the_name_is_whole() {
    let hello = client_hello(&[]);
    for end in 5..hello.len() {
        let mut tls = TlsDissector::new(None, Arc::default());
        tls.data(C, &hello[..end], at(1));
        tls.gap(C, (hello.len() - end) as u64, at(1));
        let sessions = tls.finish();
        for found in sessions.iter().flat_map(|s| &s.client_hellos) {
            assert_eq!((found.sni.as_deref(), found.cut), (Some("login.example"), true), "cut at {end}");
        }
        let named = sessions.iter().any(|s| !s.client_hellos.is_empty());
        assert!(named == (end >= hello.len() - 1) || end < hello.len() - 1, "cut at {end}");
    }
    let mut tls = TlsDissector::new(None, Arc::default());
    tls.data(C, &hello[..hello.len() - 1], at(1));
    assert_eq!(tls.finish()[0].client_hellos.len(), 1);
}

#[test]
fn reading_ends_when_both_sides_sent_enough() {
    let mut tls = TlsDissector::new(None, Arc::default());
    let data = record(23, &[0; 5000]);
    let mut n = 0u64;
    let mut done = false;
    while !done && n < 1000 {
        n += 1;
        done = tls.data(C, &record(23, &[0; 50]), at(n)) == Interest::Done;
        done |= tls.data(S, &data, at(n)) == Interest::Done;
    }
    assert!((4..=40).contains(&n), "{n}");
    let mut tls = TlsDissector::new(None, Arc::default());
    n = 0;
    while tls.data(S, &data, at(n)) == Interest::More && n < 10_000 {
        n += 1;
    }
    assert!(n < 300, "one direction alone ends too: {n}");
}

#[test]
fn reading_ends_with_an_answer_but_not_with_what_a_server_sends_unasked() {
    let ends_with = |segments: &[(Side, Vec<u8>)]| {
        let mut tls = TlsDissector::new(None, Arc::default());
        let done = |(side, bytes): &(Side, Vec<u8>)| tls.data(*side, bytes, at(1)) == Interest::Done;
        (segments.iter().position(done), tls.finish().remove(0))
    };
    let flight = [server_hello(&[], [0x13, 1], true, [8; 32]), record(23, &[3; 4000])].concat();
    let mut tls13 = vec![(C, client_hello(&[])), (S, flight), (C, record(23, &[6; 53])), (C, record(23, &[6; 200]))];
    // Two tickets, and settings that the client acknowledges.
    tls13.push((S, [record(23, &[7; 250]), record(23, &[7; 250])].concat()));
    assert_eq!(ends_with(&tls13).0, None, "the certificates are no answer, nor are tickets");
    tls13.extend([(S, record(23, &[7; 1600])), (C, record(23, &[6; 30]))]);
    let long = record(23, &[8; 16_000]);
    tls13.extend(long.chunks(1460).map(|segment| (S, segment.to_vec())));
    assert_eq!(ends_with(&tls13).0, Some(5), "what came since the request, all together");
    tls13.remove(5);
    assert_eq!(ends_with(&tls13).0, Some(7), "in the middle of a record, counted anew behind the client's");
    // Before TLS 1.3 the first record of the server that is counted is a whole one.
    let mut tls12 = tls12();
    tls12.pop();
    tls12.extend(long.chunks(1460).map(|segment| (S, segment.to_vec())));
    let (end, session) = ends_with(&tls12);
    assert_eq!((end, session.encrypted.map(|e| e.application_records)), (Some(tls12.len() - 1), [1, 1]));
}

#[test]
fn flipped_bytes_never_break_the_dissector() {
    let segments = tls12();
    for (i, (_, bytes)) in segments.iter().enumerate() {
        for place in 0..bytes.len() {
            for value in [0u8, 1, 0x16, 0x80, 0xff] {
                let mut bent = segments.clone();
                bent[i].1[place] = value;
                assert!(read(&bent).len() <= 2);
            }
        }
    }
}

#[test]
fn a_key_log_opens_tls13_certificates_alerts_and_data() {
    use crate::protocol::tls::cipher::tests::Sealer;
    let (hs, app) = ([0x11u8; 32], [0x22u8; 32]);
    let random = "07".repeat(32);
    let hex = |b: &[u8]| b.iter().map(|x| format!("{x:02x}")).collect::<String>();
    let text = format!(
        "SERVER_HANDSHAKE_TRAFFIC_SECRET {random} {}\nSERVER_TRAFFIC_SECRET_0 {random} {}\n\
         CLIENT_HANDSHAKE_TRAFFIC_SECRET {random} {}\nCLIENT_TRAFFIC_SECRET_0 {random} {}\n",
        hex(&hs),
        hex(&app),
        hex(&hs),
        hex(&app)
    );
    let mut log = KeyLog::default();
    log.add(text.as_bytes());
    let mut server = Sealer::new(&hs);
    let certificate = [&[0][..], &sized::<3>(&[&sized::<3>(&[0x30, 0])[..], &[0, 0]].concat())].concat();
    let flight = [handshake(8, &[0, 0]), handshake(11, &certificate), handshake(20, &[7; 32])].concat();
    let (one, two) = flight.split_at(20);
    let sealed = [server.seal(22, one), server.seal(22, two)].concat();
    let mut server = Sealer::new(&app);
    let mut client = Sealer::new(&hs);
    let mut tls = TlsDissector::new(None, Arc::new(Context::new(Some(Arc::new(log)))));
    tls.data(C, &client_hello(&[]), at(1));
    let hello = server_hello(&[], [0x13, 1], true, [8; 32]);
    tls.data(S, &[hello, record(20, &[1]), sealed].concat(), at(2));
    tls.data(C, &[record(20, &[1]), client.seal(22, &handshake(20, &[7; 32]))].concat(), at(3));
    let mut client = Sealer::new(&app);
    tls.data(C, &client.seal(23, b"GET / HTTP/1.1\r\n\r\n"), at(4));
    tls.data(S, &server.seal(21, &[1, 0]), at(5));
    let opened = tls.take_opened();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].bytes, b"GET / HTTP/1.1\r\n\r\n");
    let sessions = tls.finish();
    let s = &sessions[0];
    assert!(s.decrypted);
    assert_eq!(s.certificates.len(), 1);
    assert_eq!(s.complete.map(|a| a.frame), Some(3));
    assert_eq!((s.alerts[0].by, s.alerts[0].description, s.alerts[0].at.frame), (S, 0, 5));
}
