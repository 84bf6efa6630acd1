//! Names that do not resolve although their host was reached, earlier or on another way.

use super::super::Verdict;
use super::world::*;
use crate::flow::Side;
use crate::report::Outcome;

/// A tunnel by the proxy to `HOST`, in which the server answers last at `until`.
fn by_proxy(w: World, tenths: i64, until: i64) -> World {
    w.flow(|w| {
        let mut f = established(w, PROXY, tenths);
        opens_tunnel(w, &mut f, HOST, tenths);
        hello(w, &mut f, tenths + 1, HOST, 0x0304);
        session(&mut f).tunnel = Some(format!("{HOST}:443"));
        server_hello(w, &mut f, tenths + 1, 0x0304);
        complete(w, &mut f, until);
        f
    })
}

fn direct(w: World, tenths: i64) -> World {
    w.flow(|w| {
        let mut f = established(w, SERVER, tenths);
        hello(w, &mut f, tenths, HOST, 0x0304);
        server_hello(w, &mut f, tenths + 1, 0x0304);
        complete(w, &mut f, tenths + 2);
        f
    })
}

/// Asks in vain for an IPv4 address, at each of these times.
fn asks_in_vain(w: World, times: &[i64], rcode: u16) -> World {
    times.iter().fold(w, |w, tenths| w.asks_for(*tenths, 1, HOST, Some(rcode), &[]))
}

fn told(w: World) -> (Outcome, Verdict) {
    let (_, report) = w.case();
    let host = report.hosts.iter().find(|h| h.name == HOST).unwrap();
    (report.diagnosis.outcome, host.verdict)
}

const UNRESOLVED: (Outcome, Verdict) = (Outcome::NetworkFault, Verdict::DnsFailure);
const REACHED: (Outcome, Verdict) = (Outcome::NoNetworkFault, Verdict::Ok);

#[test]
fn a_name_asked_for_in_vain_beside_the_proxy_is_a_way_of_its_own() {
    for rcode in [2, 3, 5] {
        let after = asks_in_vain(by_proxy(World::new(), 1, 5), &[30, 40, 50], rcode);
        assert_eq!(told(after.lasts(80)), UNRESOLVED);
        let both = by_proxy(asks_in_vain(World::new(), &[1, 10, 20], rcode), 200, 205);
        assert_eq!(told(asks_in_vain(both, &[300, 310], rcode).lasts(400)), UNRESOLVED, "in vain again, and last");
    }
    let silent =
        [30, 40, 60, 100].into_iter().fold(by_proxy(World::new(), 1, 5), |w, t| w.asks_for(t, 1, HOST, None, &[]));
    assert_eq!(told(silent.lasts(300)), UNRESOLVED);
    let nowhere = [30, 50, 70]
        .into_iter()
        .fold(by_proxy(World::new(), 1, 5), |w, t| w.asks_for(t, 1, HOST, Some(0), &["0.0.0.0"]));
    assert_eq!(told(nowhere.lasts(100)), (Outcome::NetworkFault, Verdict::DnsSinkhole));
    let (_, report) = asks_in_vain(by_proxy(World::new(), 1, 5), &[30, 40], 3).lasts(80).case();
    assert!(report.findings.iter().any(|f| f.code == "two_ways_out"));
    let host = report.hosts.iter().find(|h| h.name == HOST).unwrap();
    assert_eq!(host.proxy, None, "what failed took no proxy");
}

#[test]
fn where_the_proxy_lets_others_through_it_is_advised_first() {
    let unanswered = |w: World| w.flow(|w| syn(w, SERVER, 30, 4)).lasts(300).case().1.diagnosis;
    let told = unanswered(by_proxy(World::new(), 1, 5).resolves());
    assert!(told.next_step.en.starts_with("Set the proxy for the tool"), "{}", told.next_step.en);
    assert!(told.next_step.ja.contains("直接接続させる場合のみ: "), "{}", told.next_step.ja);
    let told = unanswered(World::new().with_life().resolves());
    assert!(told.next_step.en.starts_with("Allow TCP 443 to"), "{}", told.next_step.en);
    // By the proxy it offers no more.
    let old = by_proxy(World::new(), 1, 5).resolves().flow(|w| {
        let mut f = established(w, SERVER, 30);
        hello(w, &mut f, 30, HOST, 0x0301);
        alert(w, &mut f, 31, Side::Server, 70);
        f
    });
    let told = old.lasts(300).case().1.diagnosis;
    assert!(told.next_step.en.starts_with("Enable TLS 1.2"), "{}", told.next_step.en);
}

#[test]
fn scripts_that_choose_the_proxy_ask_in_vain_too() {
    let script = |gap: i64| by_proxy(asks_in_vain(World::new(), &[1], 3), 1 + gap, 5 + gap);
    let again = |gap: i64| by_proxy(asks_in_vain(script(gap), &[100], 3), 100 + gap, 105 + gap);
    assert_eq!(told(again(1).lasts(300)), REACHED);
    assert_eq!(told(again(20).lasts(300)), REACHED, "the proxy is looked for first");
    for gap in [35, 50, 100, 200] {
        assert_eq!(told(again(gap).lasts(500)), REACHED, "a dead proxy first, or a dialog: {gap}");
    }
    let in_use = asks_in_vain(by_proxy(World::new(), 1, 100), &[30, 40], 3);
    assert_eq!(told(in_use.lasts(150)), REACHED, "the tunnel was in use");
    let once = asks_in_vain(by_proxy(World::new(), 1, 5), &[30], 3);
    assert_eq!(told(once.lasts(300)), REACHED);
    let at_the_end = asks_in_vain(by_proxy(World::new(), 1, 5), &[30, 31], 3);
    assert_eq!(told(at_the_end), REACHED, "no time to go on");
    let v6 = [30, 40, 50].into_iter().fold(by_proxy(World::new(), 1, 5), |w, t| w.asks_for(t, 28, HOST, Some(3), &[]));
    assert_eq!(told(v6.lasts(100)), REACHED, "not asked for by its IPv4 address");
}

#[test]
fn whoever_comes_through_the_proxy_after_all_look_ups_in_vain_lost_nothing() {
    for rcode in [2, 3, 5] {
        let before = by_proxy(asks_in_vain(World::new(), &[1, 10, 20, 30], rcode), 200, 205);
        assert_eq!(told(before.lasts(300)), REACHED);
        let amid = asks_in_vain(by_proxy(World::new(), 1, 5), &[100, 110, 200, 210], rcode);
        assert_eq!(told(by_proxy(amid, 400, 405).lasts(500)), REACHED);
        let once_more = asks_in_vain(by_proxy(asks_in_vain(World::new(), &[1, 10], rcode), 200, 205), &[300], rcode);
        assert_eq!(told(once_more.lasts(400)), REACHED, "one question behind it is none again");
    }
    let nowhere = [1, 10, 20].into_iter().fold(World::new(), |w, t| w.asks_for(t, 1, HOST, Some(0), &["0.0.0.0"]));
    assert_eq!(told(by_proxy(nowhere, 200, 205).lasts(300)), REACHED);
    // glibc asks twice, five seconds apart, and gives up after ten.
    let silent = |w: World, t| w.asks_for(t, 1, HOST, None, &[]).asks_for(t + 50, 1, HOST, None, &[]);
    let twice = by_proxy(silent(by_proxy(silent(World::new(), 1), 101, 105), 300), 401, 405);
    assert_eq!(told(twice.lasts(600)), REACHED);
    let then_direct = direct(silent(World::new(), 1), 131);
    assert_eq!(told(then_direct.lasts(300)), REACHED, "the resolver's client had just given up");
}

#[test]
fn a_name_that_others_resolve_unseen_fails_or_leaves_the_case_open() {
    assert_eq!(told(asks_in_vain(direct(World::new(), 1), &[30, 40, 50], 3).lasts(80)), UNRESOLVED);
    // Who connected may be the program that asked.
    let later = direct(asks_in_vain(World::new(), &[1, 10, 20], 3), 200);
    assert_eq!(told(later.lasts(300)), (Outcome::InsufficientEvidence, Verdict::Inconclusive));
    let at_once = direct(asks_in_vain(World::new(), &[1, 2, 3], 3), 5);
    assert_eq!(told(at_once.lasts(300)), REACHED, "the hosts file, or an answer that the capture misses");
}

#[test]
fn a_name_that_is_lost_after_it_resolved_is_told_by_any_of_its_kinds() {
    let both = || World::new().resolves().asks_for(0, 28, HOST, Some(0), &["2603:1026:3000::9"]);
    assert_eq!(told(asks_in_vain(direct(both(), 1), &[200, 210], 3).lasts(250)), UNRESOLVED);
    let v6_alone = |w: World| w.asks_for(200, 28, HOST, Some(2), &[]).asks_for(210, 28, HOST, Some(2), &[]);
    assert_eq!(told(v6_alone(direct(World::new().resolves(), 1)).lasts(250)), REACHED, "it never had one");
}

#[test]
fn a_name_that_leads_nowhere_later_is_a_sinkhole() {
    let reached = || direct(World::new().resolves(), 1);
    let (_, report) = reached().asks_for(200, 1, HOST, Some(0), &["0.0.0.0"]).lasts(250).case();
    let root = report.diagnosis.root_cause.as_ref().unwrap();
    assert_eq!((root.host.as_str(), root.verdict), (HOST, Verdict::DnsSinkhole));
    let finding = report.findings.iter().find(|f| f.code == "dns_sinkhole").unwrap();
    assert_eq!(finding.title.en, format!("{HOST} resolves to 0.0.0.0"), "the address that worked is not blamed");
    let goes_on = direct(reached().asks_for(200, 1, HOST, Some(0), &["0.0.0.0"]), 205);
    assert_eq!(told(goes_on.lasts(250)), REACHED);
}

#[test]
fn a_client_that_only_asked_in_vain_beside_one_with_a_proxy_leaves_the_case_open() {
    let asked = asks_in_vain(World::new(), &[30, 40, 50], 3).asked_by("10.0.0.77");
    assert_eq!(told(by_proxy(asked, 60, 65).lasts(100)).0, Outcome::InsufficientEvidence);
}
