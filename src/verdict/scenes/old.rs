//! Old TLS versions beside connections that worked.

use super::super::Verdict;
use super::world::*;
use crate::facts::{Flow, ProcessFact};
use crate::flow::Side;
use crate::report::{Outcome, Report};

const ARM: (&str, &str) = ("4.150.240.10:443", "management.azure.com");
const GRAPH: (&str, &str) = ("20.190.160.30:443", "graph.microsoft.com");

/// A session of that version, in a process where one is known.
fn done(w: World, tenths: i64, (server, name): (&str, &str), version: u16, pid: Option<u32>) -> World {
    w.flow(|w| {
        let mut f = established(w, server, tenths);
        hello(w, &mut f, tenths, name, version);
        server_hello(w, &mut f, tenths + 1, version);
        complete(w, &mut f, tenths + 2);
        of_process(f, pid)
    })
}

fn of_process(mut f: Flow, pid: Option<u32>) -> Flow {
    f.process = pid.map(|pid| ProcessFact { pid, name: None, from_syn: true });
    f
}

/// A hello with nothing but TLS 1.0 that is refused.
fn is_refused(w: World, tenths: i64) -> World {
    w.flow(|w| {
        let mut f = established(w, SERVER, tenths);
        hello(w, &mut f, tenths, HOST, 0x0301);
        alert(w, &mut f, tenths + 1, Side::Server, 70);
        f
    })
}

fn old(w: World, tenths: i64) -> World {
    done(w, tenths, (SERVER, HOST), 0x0301, None)
}

fn current(w: World, tenths: i64) -> World {
    done(w, tenths, (SERVER, HOST), 0x0304, None)
}

fn report(w: World) -> Report {
    w.lasts(900).case().1
}

#[track_caller]
fn comes_to(w: World, outcome: Outcome) -> Report {
    let report = report(w);
    assert_eq!(report.diagnosis.outcome, outcome, "{}", report.diagnosis.text.en);
    report
}

#[test]
fn a_later_connection_of_any_program_excuses_no_old_version() {
    let first = || old(World::new().resolves(), 1);
    comes_to(first(), Outcome::NetworkFault);
    // Windows and Office sign in beside the command.
    comes_to(current(first(), 50), Outcome::NetworkFault);
    comes_to(done(current(first(), 50), 60, ARM, 0x0301, None), Outcome::NetworkFault);
    // Somebody went on by a current version; who, nobody knows.
    for called in [ARM, GRAPH] {
        let told = comes_to(done(current(first(), 50), 60, called, 0x0304, None), Outcome::InsufficientEvidence);
        assert!(told.diagnosis.text.en.contains("used TLS 1.0/1.1"), "{}", told.diagnosis.text.en);
        assert!(told.diagnosis.next_step.en.contains("SecurityProtocol"), "{}", told.diagnosis.next_step.en);
    }
    let beside = old(current(World::new().resolves(), 1), 20);
    comes_to(done(beside, 60, ARM, 0x0304, None), Outcome::InsufficientEvidence);
    // Nothing with a current version reached the authority.
    comes_to(done(first(), 60, ARM, 0x0304, None), Outcome::NetworkFault);
    let another = done(current(World::new().resolves(), 1), 20, ARM, 0x0304, None);
    comes_to(old(another, 60), Outcome::NetworkFault);
}

#[test]
fn the_same_process_with_a_current_version_has_left_the_old_one_behind() {
    let by = |first: Option<u32>, second: Option<u32>| {
        let w = done(World::new().resolves(), 1, (SERVER, HOST), 0x0301, first);
        done(w, 50, (SERVER, HOST), 0x0304, second)
    };
    let told = comes_to(by(Some(7), Some(7)), Outcome::NoNetworkFault);
    assert_eq!(told.hosts.iter().find(|h| h.name == HOST).map(|h| h.verdict), Some(Verdict::Degraded));
    comes_to(by(Some(7), Some(8)), Outcome::NetworkFault);
    comes_to(by(Some(7), None), Outcome::NetworkFault);
    let back = done(by(Some(7), Some(7)), 100, (SERVER, HOST), 0x0301, Some(7));
    comes_to(back, Outcome::NetworkFault);
}

#[test]
fn one_refusal_of_an_old_version_is_no_passing_failure() {
    comes_to(is_refused(World::new().resolves(), 1), Outcome::NetworkFault);
    comes_to(current(is_refused(World::new().resolves(), 1), 20), Outcome::NoNetworkFault);
    let told = comes_to(is_refused(current(World::new().resolves(), 1), 20), Outcome::NetworkFault);
    assert_eq!(told.diagnosis.root_cause.map(|r| r.verdict), Some(Verdict::TlsLegacy));
    // A program that keeps its connection is another.
    let mut kept = is_refused(current(World::new().resolves(), 1), 20);
    let at = kept.at(60);
    kept.facts.flows[0].sides[1].last_content = Some(at);
    kept.facts.flows[0].last = at;
    comes_to(kept, Outcome::NetworkFault);
    comes_to(
        done(is_refused(current(World::new().resolves(), 1), 20), 60, ARM, 0x0304, None),
        Outcome::InsufficientEvidence,
    );
    // A fall-back tells of what broke the current version, and that was made good before.
    let broken = current(World::new().resolves(), 1).flow(|w| {
        let mut f = established(w, SERVER, 20);
        hello(w, &mut f, 20, HOST, 0x0304);
        fin(w, &mut f, 21, Side::Server);
        f
    });
    assert_eq!(
        report(is_refused(broken, 22)).diagnosis.root_cause.map(|r| r.verdict),
        Some(Verdict::ClosedBeforeServerHello)
    );
}
