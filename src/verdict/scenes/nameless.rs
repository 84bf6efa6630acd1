//! Servers without a name, names without a connection, and handshakes of which the capture holds a part: what is told,
//! and what is left open.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::flow::Side;
use crate::packet::At;
use crate::report::Outcome;
use std::sync::Arc;

const ENTRA: &str = "20.190.151.7";
const OTHER_ENTRA: &str = "40.126.28.99:443";
const ARM: &str = "4.150.240.10:443";

/// A connection on which a TLS session without a name is completed.
fn reached(w: &mut World, server: &str, tenths: i64, sni: Option<&str>) -> Flow {
    let mut f = established(w, server, tenths);
    hello(w, &mut f, tenths, sni.unwrap_or_default(), 0x0304);
    if sni.is_none() {
        session(&mut f).client_hellos.clear();
    }
    server_hello(w, &mut f, tenths + 1, 0x0304);
    complete(w, &mut f, tenths + 2);
    f
}

#[test]
fn what_happens_to_a_session_without_a_name_is_told_of_its_address() {
    let nameless = |then: fn(&mut World, &mut Flow)| {
        let w = World::new().flow(|w| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, "", 0x0304);
            session(&mut f).client_hellos.clear();
            server_hello(w, &mut f, 2, 0x0303);
            then(w, &mut f);
            f
        });
        w.verdict_of(ENTRA)
    };
    assert_eq!(nameless(|w, f| alert(w, f, 3, Side::Server, 40)), Some(Verdict::TlsAlert));
    let foreign = |w: &mut World, f: &mut Flow| {
        certificate(w, f, 3, ("Corp Inspection CA", "Contoso"), "whatever.example");
        alert(w, f, 4, Side::Client, 48);
    };
    assert_eq!(nameless(foreign), Some(Verdict::Intercepted), "no address of Entra's has another issuer");
    let own = |w: &mut World, f: &mut Flow| {
        certificate(w, f, 3, GENUINE, "stamp2.login.microsoftonline.com");
        fin(w, f, 4, Side::Client);
    };
    assert_eq!(nameless(own), Some(Verdict::Inconclusive), "which name was asked for is not known");
}

#[test]
fn a_dead_address_of_the_authority_beside_one_that_works_stops_nothing() {
    let outcome = |dead: i64| {
        let mut w = World::new().resolves();
        if dead < 10 {
            w = w.flow(|w| syn(w, OTHER_ENTRA, dead, 4));
        }
        w = w.flow(|w| reached(w, SERVER, 50, Some(HOST)));
        if dead > 50 {
            w = w.flow(|w| syn(w, OTHER_ENTRA, dead, 4));
        }
        w.lasts(300).case().1.diagnosis.outcome
    };
    assert_eq!(outcome(1), Outcome::NoNetworkFault);
    // What was wanted of it, and whether anything else worked since, nobody knows.
    assert_eq!(outcome(100), Outcome::InsufficientEvidence);
    let alone = World::new().flow(|w| syn(w, OTHER_ENTRA, 1, 4)).lasts(300);
    assert_eq!(alone.case().1.diagnosis.outcome, Outcome::NetworkFault);
}

#[test]
fn a_nameless_server_that_fails_after_the_token_leaves_the_case_open() {
    let outcome = |also_arm: bool| {
        let mut w = World::new().resolves().flow(|w| reached(w, SERVER, 1, Some(HOST)));
        if also_arm {
            w = w.flow(|w| reached(w, "4.150.240.11:443", 8, Some("management.azure.com")));
        }
        w.flow(|w| syn(w, ARM, 20, 5)).lasts(300).case().1.diagnosis.outcome
    };
    assert_eq!(outcome(false), Outcome::InsufficientEvidence);
    assert_eq!(outcome(true), Outcome::NoNetworkFault, "the sign-in went through");
}

#[test]
fn a_host_of_old_modules_or_of_one_region_that_fails_last_is_told() {
    let last = |name: &'static str| {
        let w = World::new().resolves().flow(|w| reached(w, SERVER, 1, Some(HOST)));
        let resets = |w: World, tenths| {
            w.flow(|w| {
                let mut f = established(w, "4.150.240.12:443", tenths);
                hello(w, &mut f, tenths, name, 0x0304);
                rst(w, &mut f, tenths + 1, Side::Server, 116);
                f
            })
        };
        resets(resets(w, 20), 30).lasts(300).case().1
    };
    for name in ["japaneast.management.azure.com", "graph.windows.net"] {
        let report = last(name);
        assert_ne!(report.diagnosis.outcome, Outcome::NoNetworkFault, "{name}");
        assert!(!report.findings.iter().any(|f| f.code == "step_missing"), "{name} is a next step");
        assert!(!report.findings.iter().any(|f| f.code == "management_after_token"), "{name} lists no subscriptions");
    }
}

#[test]
fn a_needed_name_that_resolves_and_is_never_connected_to_leaves_the_case_open() {
    let az = |w: &mut World| reached(w, "20.43.70.205:443", 1, Some("azcliprod.blob.core.windows.net"));
    let w = World::new().flow(az).resolves().lasts(300);
    let (_, report) = w.case();
    let host = report.hosts.iter().find(|h| h.name == HOST).map(|h| h.verdict);
    assert_eq!((host, report.diagnosis.outcome), (Some(Verdict::Inconclusive), Outcome::InsufficientEvidence));
    // By another name, at the same address.
    let other = World::new().resolves().flow(|w| reached(w, SERVER, 2, Some("login.windows.net"))).lasts(300);
    assert_eq!(other.verdict(), None);
    let at_once = World::new().flow(az).resolves();
    assert_eq!(at_once.verdict(), None, "the capture ends with the answer");
}

#[test]
fn a_client_that_has_the_whole_flight_and_says_nothing_is_not_stalled() {
    let quiet = |version, then: fn(&mut Flow)| {
        let w = after_hello(|w, f| {
            server_hello(w, f, 2, version);
            if version < 0x0304 {
                session(f).server_hello_done = f.sides[1].last_data;
            }
            f.sides[1].acked_bytes = f.sides[1].bytes;
            then(f);
            fin(w, f, 200, Side::Client);
        });
        w.verdict()
    };
    for version in [0x0303, 0x0304] {
        assert_eq!(quiet(version, |_| {}), Some(Verdict::Inconclusive), "{version:#x}");
        let lost = quiet(version, |f| f.sides[1].unacked_gap_bytes = 1460);
        assert_eq!(lost, Some(Verdict::StalledMidHandshake), "{version:#x}");
        let unheard = quiet(version, |f| f.sides[1].acked_bytes = 0);
        assert_eq!(unheard, Some(Verdict::StalledMidHandshake), "{version:#x}");
    }
    let half = quiet(0x0304, |f| session(f).open_record[1] = true);
    assert_eq!(half, Some(Verdict::StalledMidHandshake), "the record is not at its end");
    let half = quiet(0x0303, |f| session(f).server_hello_done = None);
    assert_eq!(half, Some(Verdict::StalledMidHandshake));
}

#[test]
fn a_finished_that_arrived_needs_an_answer_before_tls13_only() {
    let finished = |version, acked| {
        let w = after_hello(|w, f| {
            server_hello(w, f, 2, version);
            session(f).server_hello_done = f.sides[1].last_data;
            f.sides[1].acked_bytes = f.sides[1].bytes;
            let at = sends(w, f, Side::Client, 3, 80);
            (session(f).encrypted[0].records, session(f).encrypted[0].first) = (1, Some((53, at)));
            f.sides[0].acked_bytes = if acked { f.sides[0].bytes } else { 517 };
            fin(w, f, 200, Side::Client);
        });
        w.verdict()
    };
    assert_eq!(finished(0x0304, true), Some(Verdict::Inconclusive), "kept for later");
    assert_eq!(finished(0x0304, false), Some(Verdict::StalledMidHandshake));
    assert_eq!(finished(0x0303, true), Some(Verdict::StalledMidHandshake));
}

#[test]
fn a_close_after_a_warning_or_a_retry_is_a_close() {
    let warned = after_hello(|w, f| {
        let at = sends(w, f, Side::Server, 2, 7);
        session(f).alerts.push(Alert { at, by: Side::Server, level: 1, description: 112, record_version: 0x0303 });
        fin(w, f, 3, Side::Server);
    });
    assert_eq!(warned.verdict(), Some(Verdict::ClosedBeforeServerHello));
    let retried = after_hello(|w, f| {
        server_hello(w, f, 2, 0x0304);
        let retry = Choice { version: 0x0304, hello_retry_request: true, ..Choice::default() };
        session(f).server_hellos[0].choice = Arc::new(retry);
        f.sides[1].bytes = 99;
        fin(w, f, 3, Side::Server);
    });
    assert_eq!(retried.verdict(), Some(Verdict::ResetMidHandshake));
    let went_on = after_hello(|w, f| {
        server_hello(w, f, 2, 0x0304);
        let retry = Choice { version: 0x0304, hello_retry_request: true, ..Choice::default() };
        session(f).server_hellos[0].choice = Arc::new(retry);
        f.sides[1].cut_bytes = 3000;
        fin(w, f, 3, Side::Server);
    });
    assert_eq!(went_on.verdict(), Some(Verdict::Inconclusive), "the snap length cut what followed the retry");
    let unread = after_hello(|w, f| {
        sends(w, f, Side::Server, 2, 3000);
        fin(w, f, 3, Side::Server);
    });
    assert_eq!(unread.verdict(), Some(Verdict::Inconclusive), "what the server said is not known");
}

#[test]
fn resets_beside_a_connection_that_goes_on_to_work_stop_nothing() {
    /// Bytes of an encrypted close_notify.
    const FAREWELL: u64 = 31;
    let case = |later: &[(Side, i64, u64)]| {
        let mut w = World::new().resolves();
        let mut f = reached(&mut w, SERVER, 1, Some(HOST));
        for tenths in [50, 60] {
            w = w.flow(|w| {
                let mut f = established(w, SERVER, tenths);
                hello(w, &mut f, tenths, HOST, 0x0304);
                rst(w, &mut f, tenths + 1, Side::Server, 116);
                f.last = At { frame: w.frame, ..f.last };
                f
            });
        }
        for (side, tenths, bytes) in later {
            sends(&mut w, &mut f, *side, *tenths, *bytes);
        }
        w.flow(|_| f).lasts(300).verdict()
    };
    assert_eq!(case(&[]), Some(Verdict::ResetAfterClientHello));
    let (asks, answer) = ((Side::Client, 90, 300), (Side::Server, 91, 3000));
    assert_eq!(case(&[asks, answer]), Some(Verdict::Degraded));
    let farewell = [(Side::Client, 200, FAREWELL), (Side::Server, 200, FAREWELL)];
    assert_eq!(case(&farewell), Some(Verdict::ResetAfterClientHello), "of whichever side");
    assert_eq!(case(&[&[asks, answer], &farewell[..]].concat()), Some(Verdict::Degraded), "answers before it count");
}

#[test]
fn a_long_wait_after_a_connection_that_worked_is_the_last_word_at_once() {
    let waits = |end: i64| {
        let mut w = World::new().resolves();
        let mut f = reached(&mut w, SERVER, 1, Some(HOST));
        fin(&mut w, &mut f, 10, Side::Client);
        f.last = At { frame: w.frame, time: crate::time::Timestamp(SECOND) };
        w.flow(|_| f)
            .flow(|w| {
                let mut f = established(w, SERVER, 12);
                hello(w, &mut f, 12, HOST, 0x0304);
                f.sides[0].acked_bytes = 517;
                fin(w, &mut f, end, Side::Client);
                f.last = At { frame: w.frame, time: crate::time::Timestamp(end * SECOND / 10) };
                f
            })
            .lasts(600)
            .verdict()
    };
    assert_eq!(waits(12 + 400), Some(Verdict::SilentAfterClientHello));
    assert_eq!(waits(12 + 60), Some(Verdict::Degraded), "however long the capture goes on");
}

#[test]
fn a_connection_that_still_sends_shows_that_the_capture_was_running() {
    let waits = |last: i64| {
        let w = after_hello(|w, f| {
            f.sides[0].retransmissions = 6;
            f.last = w.at(last);
        });
        w.verdict()
    };
    assert_eq!(waits(900), Some(Verdict::SilentAfterClientHello));
    assert_eq!(waits(2040), Some(Verdict::SilentAfterClientHello), "nothing else for more than two minutes");
}

#[test]
fn handshakes_that_stop_halfway_after_a_success_leave_the_host_open() {
    let halfway = |times: &[i64]| {
        let mut w = World::new().resolves().flow(|w| reached(w, SERVER, 1, Some(HOST)));
        for tenths in times {
            w = w.flow(|w| {
                let mut f = established(w, SERVER, *tenths);
                hello(w, &mut f, *tenths, HOST, 0x0304);
                server_hello(w, &mut f, tenths + 1, 0x0304);
                f.sides[1].acked_bytes = f.sides[1].bytes;
                rst(w, &mut f, tenths + 300, Side::Client, 64);
                f
            });
        }
        w.lasts(2000).verdict()
    };
    assert_eq!(halfway(&[100]), Some(Verdict::Ok), "a prompt that nobody answered");
    assert_eq!(halfway(&[100, 600]), Some(Verdict::Inconclusive));
}
