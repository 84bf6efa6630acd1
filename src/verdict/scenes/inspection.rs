//! TLS inspection that one program trusts and another refuses, and what fails behind it.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::flow::Side;
use crate::report::Outcome;

const ZSCALER: (&str, &str) = ("Zscaler Intermediate Root CA (zscaler.net)", "Zscaler Inc.");

const BROWSER: &[&str] = &["h2", "http/1.1"];
const AZ: &[&str] = &["http/1.1"];

/// A connection of the program that offers `alpn`: to an inspecting device, or with the certificate hidden.
fn begins(w: &mut World, tenths: i64, alpn: &[&str], version: u16) -> Flow {
    let mut f = established(w, SERVER, tenths);
    hello(w, &mut f, tenths, HOST, 0x0304);
    let hello = session(&mut f).client_hellos.last_mut().unwrap();
    std::sync::Arc::make_mut(&mut hello.offer).alpn = alpn.iter().map(|p| (*p).to_owned()).collect();
    server_hello(w, &mut f, tenths + 1, version);
    if version < 0x0304 {
        certificate(w, &mut f, tenths + 1, ZSCALER, HOST);
    }
    f
}

fn trusts(w: World, tenths: i64, alpn: &[&str], version: u16) -> World {
    w.flow(|w| {
        let mut f = begins(w, tenths, alpn, version);
        complete(w, &mut f, tenths + 2);
        f
    })
}

fn refuses(w: World, tenths: i64, alpn: &[&str], version: u16) -> World {
    w.flow(|w| {
        let mut f = begins(w, tenths, alpn, version);
        alert(w, &mut f, tenths + 2, Side::Client, 48);
        fin(w, &mut f, tenths + 2, Side::Client);
        f
    })
}

fn resets(w: World, tenths: i64) -> World {
    w.flow(|w| {
        let mut f = established(w, SERVER, tenths);
        hello(w, &mut f, tenths, HOST, 0x0304);
        rst(w, &mut f, tenths + 1, Side::Server, 116);
        f
    })
}

/// Outcome, verdict and the other verdicts of the host.
fn told(w: World) -> (Outcome, Verdict, Vec<Verdict>) {
    let (_, report) = w.lasts(400).case();
    let host = report.hosts.iter().find(|h| h.name == HOST).unwrap();
    (report.diagnosis.outcome, host.verdict, host.also.clone())
}

#[test]
fn a_program_that_refuses_the_inspection_is_not_helped_by_one_that_trusts_it() {
    let start = || World::new().resolves();
    let fault = (Outcome::NetworkFault, Verdict::Intercepted, vec![]);
    let browser_first = trusts(start(), 1, BROWSER, 0x0303);
    assert_eq!(told(refuses(refuses(browser_first, 30, AZ, 0x0303), 40, AZ, 0x0303)), fault);
    let last = |version| refuses(trusts(start(), 1, BROWSER, version), 30, AZ, version);
    assert_eq!(told(last(0x0303)), fault, "one refusal, and nothing that the program does after it");
    assert_eq!(told(last(0x0304)), fault, "the same with the certificate hidden");
    assert_eq!(told(trusts(refuses(start(), 1, AZ, 0x0303), 30, BROWSER, 0x0303)), fault, "the browser comes later");
    let between = refuses(trusts(start(), 1, BROWSER, 0x0303), 30, AZ, 0x0303);
    let between = trusts(between, 60, BROWSER, 0x0303);
    assert_eq!(told(between).0, Outcome::NoNetworkFault, "one refusal amid others that go on may be anybody's");
}

#[test]
fn a_program_that_trusts_the_inspection_in_the_end_is_stopped_no_more() {
    for version in [0x0303, 0x0304] {
        let refused = refuses(refuses(World::new().resolves(), 1, AZ, version), 10, AZ, version);
        let (outcome, verdict, _) = told(trusts(refused, 200, AZ, version));
        assert_eq!((outcome, verdict), (Outcome::NoNetworkFault, Verdict::Intercepted), "{version:x}");
    }
}

#[test]
fn what_fails_after_an_accepted_inspection_is_told() {
    let accepted = || trusts(World::new().resolves(), 1, BROWSER, 0x0303);
    let (outcome, verdict, also) = told(resets(resets(accepted(), 100), 110));
    assert_eq!((outcome, verdict), (Outcome::NetworkFault, Verdict::ResetAfterClientHello));
    assert_eq!(also, [Verdict::Intercepted]);
    let unresolved = accepted().asks_for(200, 1, HOST, Some(3), &[]);
    assert_eq!(told(unresolved).1, Verdict::DnsFailure);
    let denied = accepted().flow(|w| asks_proxy(w, Some(403), &[]));
    assert_eq!(told(denied).1, Verdict::ProxyDenied, "on another way");
    assert_eq!(told(resets(accepted(), 5)).0, Outcome::NoNetworkFault, "one reset beside it is none");
    let works = trusts(resets(resets(World::new().resolves(), 1), 10), 30, BROWSER, 0x0303);
    assert_eq!(told(works).0, Outcome::NoNetworkFault, "nor are resets before it");
}

#[test]
fn a_handshake_that_is_only_given_up_refuses_no_certificate() {
    let accepted = || trusts(World::new().resolves(), 1, BROWSER, 0x0303);
    let cut = |w: World, tenths| w.flow(|w| begins(w, tenths, AZ, 0x0303));
    assert_eq!(told(cut(cut(accepted(), 390), 395)).0, Outcome::NoNetworkFault, "the capture ends");
    let closes = |w: World, alpn: &[&str], side| {
        w.flow(|w| {
            let mut f = begins(w, 30, alpn, 0x0303);
            fin(w, &mut f, 32, side);
            f
        })
    };
    assert_eq!(told(closes(accepted(), BROWSER, Side::Client)).0, Outcome::NoNetworkFault, "a spare connection");
    assert_eq!(told(closes(accepted(), AZ, Side::Client)).0, Outcome::NetworkFault, "a program that trusts it nowhere");
}

#[test]
fn a_refusal_that_the_same_hello_does_not_get_over_leaves_the_case_open() {
    let start = || World::new().resolves();
    let of = |steps: &[(i64, bool)], version| {
        let step = |w: World, (t, accepts): &(i64, bool)| {
            if *accepts { trusts(w, *t, AZ, version) } else { refuses(w, *t, AZ, version) }
        };
        told(steps.iter().fold(start(), step)).0
    };
    for version in [0x0303, 0x0304] {
        let last = [(1, false), (10, false), (100, true), (120, false)];
        assert_eq!(of(&last, version), Outcome::InsufficientEvidence, "{version:x}");
        let between = [(1, true), (150, false), (160, false), (300, true)];
        assert_eq!(of(&between, version), Outcome::InsufficientEvidence, "{version:x}");
        let once = [(1, true), (150, false), (300, true)];
        assert_eq!(of(&once, version), Outcome::NoNetworkFault, "{version:x}");
        let at_last = [(1, true), (150, false), (160, false)];
        assert_eq!(of(&at_last, version), Outcome::NetworkFault, "{version:x}");
    }
    let (_, report) = refuses(trusts(start(), 1, AZ, 0x0303), 20, AZ, 0x0303).lasts(400).case();
    let finding = report.findings.iter().find(|f| f.code == "inconclusive").unwrap();
    assert!(finding.title.en.contains("accepts the inspection"), "{}", finding.title.en);
}

#[test]
fn handshakes_ended_at_the_certificate_one_after_another_behind_the_last_success_leave_the_case_open() {
    let closes = |w: World, tenths, until| {
        w.flow(|w| {
            let mut f = begins(w, tenths, AZ, 0x0303);
            fin(w, &mut f, until, Side::Client);
            f
        })
    };
    let accepted = || trusts(World::new().resolves(), 1, AZ, 0x0303);
    let one_by_one = closes(closes(accepted(), 300, 302), 310, 312);
    assert_eq!(told(one_by_one).0, Outcome::InsufficientEvidence);
    let together = closes(closes(accepted(), 300, 312), 301, 312);
    assert_eq!(told(together).0, Outcome::NoNetworkFault, "spare connections, closed at once");
    let got_over = trusts(closes(closes(accepted(), 300, 302), 310, 312), 350, AZ, 0x0303);
    assert_eq!(told(got_over).0, Outcome::NoNetworkFault);
}

#[test]
fn what_one_client_refuses_another_does_not_get_over() {
    let of = |w: World, client: &str| {
        let mut w = w;
        w.facts.flows.last_mut().unwrap().ends.client.set_ip(ip(client));
        w
    };
    for version in [0x0303, 0x0304] {
        let genuine = |w: World, tenths, alpn: &[&str]| {
            w.flow(|w| {
                let mut f = begins(w, tenths, alpn, 0x0304);
                complete(w, &mut f, tenths + 2);
                f
            })
        };
        let refused = |w: World, client: &str, tenths| of(refuses(w, tenths, AZ, version), client);
        let between = |client: &str| {
            let w = genuine(World::new().resolves(), 1, BROWSER);
            let w = refused(refused(w, client, 30), client, 40);
            told(genuine(w, 60, BROWSER))
        };
        let (outcome, verdict, _) = between("10.0.0.9");
        assert_eq!((outcome, verdict), (Outcome::InsufficientEvidence, Verdict::Ok), "{version:x}");
        let (outcome, verdict, _) = between("127.0.0.1");
        let here = "a program that is intercepted on the machine itself";
        assert_eq!((outcome, verdict), (Outcome::NetworkFault, Verdict::Intercepted), "{version:x} {here}");
    }
}

#[test]
fn a_program_that_is_shown_the_genuine_certificate_in_the_end_trusts_no_inspection() {
    let refused = refuses(refuses(World::new().resolves(), 1, AZ, 0x0303), 10, AZ, 0x0303);
    let w = refused.flow(|w| {
        let mut f = begins(w, 200, AZ, 0x0303);
        certificate(w, &mut f, 201, GENUINE, HOST);
        complete(w, &mut f, 202);
        f
    });
    let (outcome, verdict, _) = told(w);
    assert_eq!((outcome, verdict), (Outcome::NoNetworkFault, Verdict::Degraded));
}

#[test]
fn an_inspection_that_the_client_accepts_is_told_with_the_answer() {
    let told = |w: World| w.lasts(400).case().1.diagnosis;
    let accepted = told(trusts(World::new().resolves(), 1, AZ, 0x0303));
    assert_eq!(accepted.outcome, Outcome::NoNetworkFault);
    assert!(
        accepted.text.en.contains(&format!("TLS to {HOST} is opened on the way by Zscaler")),
        "{}",
        accepted.text.en
    );
    assert!(accepted.text.ja.contains("Zscaler"), "{}", accepted.text.ja);
    let hidden = told(trusts(World::new().resolves(), 1, AZ, 0x0304));
    assert!(!hidden.text.en.contains("opened on the way"), "{}", hidden.text.en);
}

#[test]
fn whether_the_only_client_refuses_the_certificate_shows_in_what_it_does_next() {
    let begun = || World::new().resolves().flow(|w| begins(w, 10, AZ, 0x0303));
    let told = |w: World| w.case().1.diagnosis.outcome;
    assert_eq!(told(begun().lasts(20)), Outcome::InsufficientEvidence, "the capture ends");
    assert_eq!(told(begun().lasts(90)), Outcome::NetworkFault, "it does nothing");
    let mut missed = begun();
    missed.facts.flows[0].sides[0].missed_bytes = 126;
    assert_eq!(told(missed.lasts(90)), Outcome::InsufficientEvidence, "what it says is not in the capture");
}
