//! Clients that complete the handshake and leave without a request.

use super::super::Verdict;
use super::world::*;
use crate::facts::Flow;
use crate::flow::Side;
use crate::report::{Outcome, Report};

const PRIVATE: (&str, &str) = ("Contoso Web Gateway CA", "Contoso");
const FINISHED: (u16, u64) = (53, 58);
const ALERT: (u16, u64) = (19, 24);

/// Records of the client that are encrypted: length, and bytes with the header.
fn encrypts(w: &mut World, f: &mut Flow, tenths: i64, records: &[(u16, u64)]) {
    for (length, bytes) in records {
        let at = sends(w, f, Side::Client, tenths, *bytes);
        session(f).encrypted[0].count(usize::from(*length), true, at);
    }
}

/// A handshake of TLS 1.3 that is answered by tickets, then what `then` says.
fn hidden(w: World, tenths: i64, then: impl FnOnce(&mut World, &mut Flow)) -> World {
    w.flow(|w| {
        let mut f = established(w, SERVER, tenths);
        hello(w, &mut f, tenths, HOST, 0x0304);
        session(&mut f).client_hellos[0].length = 512;
        server_hello(w, &mut f, tenths, 0x0304);
        encrypts(w, &mut f, tenths, &[FINISHED]);
        let at = sends(w, &mut f, Side::Server, tenths, 400);
        session(&mut f).complete = Some(at);
        then(w, &mut f);
        f
    })
}

/// The client takes its leave at once, or after some time.
fn leaves(tenths: i64, records: &'static [(u16, u64)]) -> impl Fn(&mut World, &mut Flow) {
    move |w, f| {
        encrypts(w, f, tenths, records);
        fin(w, f, tenths, Side::Client);
    }
}

/// A handshake of TLS 1.2 that shows its certificate.
fn shown(w: World, tenths: i64, issuer: (&str, &str), used: bool) -> World {
    shown_at(w, (SERVER, HOST), tenths, issuer, used)
}

fn shown_at(w: World, (server, name): (&str, &str), tenths: i64, issuer: (&str, &str), used: bool) -> World {
    w.flow(|w| {
        let mut f = established(w, server, tenths);
        hello(w, &mut f, tenths, name, 0x0303);
        server_hello(w, &mut f, tenths, 0x0303);
        certificate(w, &mut f, tenths, issuer, name);
        let at = sends(w, &mut f, Side::Client, tenths, 126);
        session(&mut f).encrypted[0].count(40, false, at);
        session(&mut f).complete = Some(sends(w, &mut f, Side::Server, tenths, 51));
        let at = sends(w, &mut f, Side::Client, tenths, if used { 600 } else { 31 });
        session(&mut f).encrypted[0].count(if used { 595 } else { 26 }, used, at);
        session(&mut f).encrypted[0].encrypted_alerts = u32::from(!used);
        fin(w, &mut f, tenths, Side::Client);
        f
    })
}

fn report(w: World) -> Report {
    w.lasts(900).case().1
}

fn verdict(report: &Report) -> Option<Verdict> {
    report.hosts.iter().find(|h| h.name == HOST).map(|h| h.verdict)
}

#[test]
fn a_program_that_leaves_each_time_without_a_request_reached_nothing() {
    let told = |records: &'static [(u16, u64)]| {
        let twice = hidden(World::new().resolves(), 1, leaves(1, records));
        report(hidden(twice, 30, leaves(31, records)))
    };
    for records in [&[][..], &[ALERT]] {
        let told = told(records);
        assert_eq!(told.diagnosis.outcome, Outcome::InsufficientEvidence);
        assert_eq!(verdict(&told), Some(Verdict::Inconclusive));
        let found = told.findings.iter().find(|f| f.code == "ended_by_client").unwrap();
        assert!(found.detail.en.contains("without a request"), "{}", found.detail.en);
    }
    let asked = told(&[(60, 65)]);
    assert_eq!((asked.diagnosis.outcome, verdict(&asked)), (Outcome::NoNetworkFault, Some(Verdict::Ok)));
}

#[test]
fn a_connection_to_spare_is_no_refusal() {
    let once = || hidden(World::new().resolves(), 1, leaves(1, &[ALERT]));
    assert_eq!(verdict(&report(once())), Some(Verdict::Ok), "one alone");
    let idle = hidden(once(), 30, leaves(90, &[ALERT]));
    assert_eq!(verdict(&report(idle)), Some(Verdict::Ok), "kept for a while");
    let used = hidden(hidden(once(), 30, leaves(31, &[ALERT])), 40, leaves(41, &[(200, 205), ALERT]));
    assert_eq!(verdict(&report(used)), Some(Verdict::Ok), "the program uses another");
    let by_server = |w| hidden(w, 30, |w, f| fin(w, f, 30, Side::Server));
    assert_eq!(verdict(&report(by_server(by_server(World::new().resolves())))), Some(Verdict::Ok));
}

#[test]
fn a_foreign_certificate_is_accepted_by_those_only_that_go_on() {
    let of = |w: World| {
        let told = report(w);
        (verdict(&told), told.diagnosis.outcome)
    };
    let left = |w: World, tenths| shown(w, tenths, PRIVATE, false);
    let refused = (Some(Verdict::Intercepted), Outcome::NetworkFault);
    let open = (Some(Verdict::Inconclusive), Outcome::InsufficientEvidence);
    assert_eq!(of(left(World::new().resolves(), 1)), open, "one alone");
    assert_eq!(of(left(left(World::new().resolves(), 1), 30)), refused);
    let used = |w: World, tenths| shown(w, tenths, PRIVATE, true);
    let accepted = (Some(Verdict::Intercepted), Outcome::NoNetworkFault);
    assert_eq!(of(used(World::new().resolves(), 1)), accepted);
    assert_eq!(of(used(left(World::new().resolves(), 1), 30)), accepted, "one to spare");
    assert_eq!(of(shown(World::new().resolves(), 1, GENUINE, false)).0, Some(Verdict::Ok));
}

#[test]
fn a_look_at_a_certificate_beside_a_sign_in_that_went_on_leaves_nothing_open() {
    let used = |w: World| hidden(w, 1, |w, f| encrypts(w, f, 2, &[(200, 205)]));
    let manages = |w: World| {
        w.flow(|w| {
            let mut f = established(w, "4.150.240.10:443", 10);
            hello(w, &mut f, 10, "management.azure.com", 0x0304);
            server_hello(w, &mut f, 11, 0x0304);
            complete(w, &mut f, 12);
            f
        })
    };
    let probed = |w: World| {
        let mut w = shown(shown(w, 30, GENUINE, false), 90, GENUINE, false);
        for flow in w.facts.flows.iter_mut().rev().take(2) {
            // Another program, by what it offers.
            let offer = std::sync::Arc::make_mut(&mut session(flow).client_hellos[0].offer);
            offer.cipher_suites = vec![0xc02f];
        }
        report(w)
    };
    let told = probed(manages(used(World::new().resolves())));
    assert_eq!((told.diagnosis.outcome, verdict(&told)), (Outcome::NoNetworkFault, Some(Verdict::Inconclusive)));
    let open = probed(used(World::new().resolves()));
    assert_eq!(open.diagnosis.outcome, Outcome::InsufficientEvidence, "it may be the command");
}

/// The last connections are of another client.
fn by_client(mut w: World, client: &str, connections: usize) -> World {
    for flow in w.facts.flows.iter_mut().rev().take(connections) {
        flow.ends.client.set_ip(ip(client));
    }
    w
}

#[test]
fn connections_of_one_moment_are_opened_to_spare() {
    let pair = |second| hidden(hidden(World::new().resolves(), 1, leaves(20, &[ALERT])), second, leaves(22, &[ALERT]));
    assert_eq!(verdict(&report(pair(2))), Some(Verdict::Ok));
    assert_eq!(verdict(&report(pair(21))), Some(Verdict::Inconclusive), "it came back");
}

#[test]
fn by_its_other_address_a_machine_leaves_what_it_uses_by_the_first() {
    let used = hidden(World::new().resolves(), 1, |w, f| encrypts(w, f, 2, &[(200, 205)]));
    let left = hidden(hidden(used, 10, leaves(11, &[ALERT])), 30, leaves(31, &[ALERT]));
    assert_eq!(verdict(&report(by_client(left, "2001:db8::5", 2))), Some(Verdict::Ok));
}

#[test]
fn who_only_watches_a_host_that_others_use_says_nothing_of_it() {
    const MONITOR: &str = "10.1.9.9";
    let watched = |w: World, issuer| {
        let w = shown(shown(shown(w, 1, issuer, true), 30, issuer, false), 90, issuer, false);
        let mut w = by_client(w, MONITOR, 2);
        for flow in w.facts.flows.iter_mut().rev().take(2) {
            let offer = std::sync::Arc::make_mut(&mut session(flow).client_hellos[0].offer);
            offer.cipher_suites = vec![0xc02f];
        }
        report(w)
    };
    assert_eq!(verdict(&watched(World::new().resolves(), GENUINE)), Some(Verdict::Ok));
    assert_eq!(watched(World::new().resolves(), PRIVATE).diagnosis.outcome, Outcome::NoNetworkFault);
    // A client of its own, by all that is known.
    let asks = || World::new().resolves().asks(HOST, Some(0), &["20.190.151.7"]).asked_by(MONITOR);
    assert_eq!(verdict(&watched(asks(), GENUINE)), Some(Verdict::Inconclusive));
    assert_eq!(watched(asks(), PRIVATE).diagnosis.outcome, Outcome::NetworkFault);
}

#[test]
fn who_accepts_an_issuer_at_one_host_does_not_refuse_it_at_another() {
    const MANAGER: (&str, &str) = ("4.150.240.10:443", "management.azure.com");
    let used = |issuer| shown(World::new().resolves(), 1, issuer, true);
    let once = |w| shown_at(w, MANAGER, 20, PRIVATE, false);
    assert_eq!(report(once(used(PRIVATE))).diagnosis.outcome, Outcome::NoNetworkFault);
    assert_eq!(report(once(used(GENUINE))).diagnosis.outcome, Outcome::InsufficientEvidence, "one alone");
    let again = |w| report(shown_at(once(w), MANAGER, 40, PRIVATE, false)).diagnosis.outcome;
    assert_eq!(again(used(PRIVATE)), Outcome::InsufficientEvidence, "programs of one library look the same");
    assert_eq!(again(used(GENUINE)), Outcome::NetworkFault);
}

#[test]
fn a_handshake_that_is_left_shows_that_an_earlier_failure_passed() {
    let reset = |w: World, tenths| {
        w.flow(|w| {
            let mut f = established(w, SERVER, tenths);
            hello(w, &mut f, tenths, HOST, 0x0304);
            rst(w, &mut f, tenths, Side::Server, 116);
            f
        })
    };
    let left = |w: World, tenths| hidden(w, tenths, leaves(tenths, &[ALERT]));
    let passed = report(left(reset(left(World::new().resolves(), 1), 30), 60));
    assert_eq!(verdict(&passed), Some(Verdict::Inconclusive));
    let stays = report(reset(left(left(World::new().resolves(), 1), 30), 60));
    assert_eq!(verdict(&stays), Some(Verdict::ResetAfterClientHello));
}
