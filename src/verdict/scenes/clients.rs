//! Several clients of a host, one machine under several addresses, and answers that the client never had or the capture
//! never held.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::report::{Outcome, Report};
use std::net::SocketAddr;

const ME: &str = "10.0.0.5";
const NEIGHBOUR: &str = "10.0.0.9";
const ELSEWHERE: &str = "192.168.7.9";

/// A question of `client` for the host, with its answer.
fn asks(w: World, client: &str, tenths: i64, id: u16, rcode: Option<u16>, addresses: &[&str]) -> World {
    let before = w.facts.dns.len();
    let mut w = w.asks_for(tenths, 1, HOST, rcode, addresses);
    for message in w.facts.dns.iter_mut().skip(before) {
        message.id = id;
        let own = if message.response { &mut message.dst } else { &mut message.src };
        *own = Some(SocketAddr::new(ip(client), 5000));
    }
    w
}

/// The same, with the genuine address.
fn resolves(w: World, client: &str, tenths: i64) -> World {
    asks(w, client, tenths, 1, Some(0), &["20.190.151.7"])
}

fn of_client(mut f: Flow, client: &str) -> Flow {
    f.ends.client.set_ip(ip(client));
    f
}

fn dropped(w: World, client: &str, tenths: i64) -> World {
    resolves(w, client, tenths).flow(|w| of_client(syn(w, SERVER, tenths, 4), client))
}

fn works(w: World, client: &str, tenths: i64) -> World {
    resolves(w, client, tenths).flow(|w| {
        let mut f = of_client(established(w, SERVER, tenths), client);
        hello(w, &mut f, tenths, HOST, 0x0304);
        server_hello(w, &mut f, tenths + 1, 0x0304);
        complete(w, &mut f, tenths + 2);
        f
    })
}

fn answer(w: World) -> (Outcome, Option<Verdict>, Report) {
    let (_, report) = w.lasts(900).case();
    (report.diagnosis.outcome, report.diagnosis.root_cause.as_ref().map(|r| r.verdict), report)
}

#[test]
fn a_client_that_fails_after_the_others_and_never_reached_the_host_is_stopped() {
    let (outcome, root, report) = answer(dropped(works(World::new(), ME, 1), NEIGHBOUR, 30));
    assert_eq!((outcome, root), (Outcome::NetworkFault, Some(Verdict::SynNoAnswer)));
    let text = report.diagnosis.text.en;
    assert!(text.contains("what 10.0.0.9 met; another client, 10.0.0.5, had reached it before"), "{text}");
    // Of one that did, a single failure so soon is not the end.
    let (outcome, ..) = answer(dropped(works(World::new(), ME, 1), ME, 30));
    assert_eq!(outcome, Outcome::NoNetworkFault);
}

#[test]
fn what_a_neighbour_meets_while_the_others_are_there_is_not_their_fault() {
    let nx = |w: World, client: &str, tenths: i64| asks(w, client, tenths, 7, Some(3), &[]);
    let first = || works(World::new(), ME, 1);
    // Heard again later by a question for another name.
    let goes_on = |mut w: World| {
        w = w.asks_for(95, 1, "time.example", Some(0), &["10.0.0.1"]);
        let question = w.facts.dns.iter_mut().rev().find(|m| !m.response).unwrap();
        question.src = Some(SocketAddr::new(ip(ME), 5000));
        answer(w)
    };
    for (outcome, root, report) in [
        goes_on(dropped(first(), NEIGHBOUR, 30)),
        goes_on(nx(first(), NEIGHBOUR, 30)),
        // It was there before the other one was done.
        answer(dropped(works(resolves(World::new(), NEIGHBOUR, 1), ME, 2), NEIGHBOUR, 30)),
    ] {
        assert_eq!((outcome, root), (Outcome::InsufficientEvidence, None));
        assert!(report.diagnosis.text.en.contains(NEIGHBOUR), "{}", report.diagnosis.text.en);
    }
}

#[test]
fn where_a_client_was_cut_off_the_network_is_not_cleared_unless_it_went_on_under_another_address() {
    let then = |failing: &str, tenths: i64| answer(works(dropped(World::new(), failing, 1), ME, tenths));
    let (outcome, _, report) = then(NEIGHBOUR, 40);
    assert_eq!(outcome, Outcome::InsufficientEvidence, "too soon for a new address");
    assert!(report.diagnosis.text.en.contains(NEIGHBOUR), "{}", report.diagnosis.text.en);
    assert_eq!(then(NEIGHBOUR, 60).0, Outcome::NoNetworkFault);
    assert_eq!(then(ELSEWHERE, 40).0, Outcome::NoNetworkFault, "another adapter");
    assert_eq!(then(ELSEWHERE, 20).0, Outcome::InsufficientEvidence, "both are there");
    assert_eq!(then(ELSEWHERE, 5).0, Outcome::NoNetworkFault, "both are tried at once");
    assert_eq!(then(NEIGHBOUR, 5).0, Outcome::InsufficientEvidence, "of one network");
    let crowd = works(works(dropped(World::new(), ELSEWHERE, 1), ME, 5), "10.0.0.7", 6);
    assert_eq!(answer(crowd).0, Outcome::InsufficientEvidence, "of many clients somebody always does");
    let heard_before = works(dropped(works(World::new(), ME, 1), ELSEWHERE, 20), ME, 70);
    assert_eq!(answer(heard_before).0, Outcome::NoNetworkFault, "one at a time");
    let two = |second| answer(works(dropped(dropped(World::new(), ELSEWHERE, 1), NEIGHBOUR, second), ME, 120)).0;
    assert_eq!(two(60), Outcome::NoNetworkFault, "one after the other");
    assert_eq!(two(20), Outcome::InsufficientEvidence, "two at a time are not one");
}

#[test]
fn a_client_that_was_never_given_an_address_is_told() {
    let nx = |w: World, client: &str, tenths: i64| asks(w, client, tenths, 7, Some(3), &[]);
    let (outcome, root, _) = answer(nx(works(World::new(), ME, 1), NEIGHBOUR, 30));
    assert_eq!((outcome, root), (Outcome::NetworkFault, Some(Verdict::DnsFailure)));
    let (outcome, _, report) = answer(works(nx(World::new(), NEIGHBOUR, 1), ME, 15));
    assert_eq!(outcome, Outcome::InsufficientEvidence);
    let told = report.findings.iter().find(|f| f.code == "one_client_fails").unwrap();
    assert!(told.detail.en.contains("10.0.0.9: name not resolved (1)"), "{}", told.detail.en);
    assert!(!told.evidence.is_empty() && told.filter.contains(HOST));
    // The next adapter asks where the first was told no; of three clients somebody always asks next.
    assert_eq!(answer(works(nx(World::new(), ELSEWHERE, 1), ME, 4)).0, Outcome::NoNetworkFault);
    assert_eq!(answer(works(nx(World::new(), NEIGHBOUR, 1), ME, 4)).0, Outcome::InsufficientEvidence);
    let three = works(works(nx(World::new(), ELSEWHERE, 1), ME, 4), "10.0.0.7", 5);
    assert_eq!(answer(three).0, Outcome::InsufficientEvidence);
    // Several adapters ask at once; another family may be the same machine.
    let at_once = |client: &str| {
        let mut w = nx(World::new(), client, 1);
        let late = w.facts.dns.pop().unwrap();
        w = works(w, ME, 1);
        w.facts.dns.push(late);
        answer(w).0
    };
    assert_eq!(at_once(ELSEWHERE), Outcome::NoNetworkFault);
    assert_eq!(answer(works(nx(World::new(), "2001:db8::9", 1), ME, 15)).0, Outcome::NoNetworkFault);
    // The other family's resolver fails the same machine later.
    let (outcome, root, _) = answer(nx(works(World::new(), ME, 1), "2001:db8::9", 200));
    assert_eq!((outcome, root), (Outcome::NetworkFault, Some(Verdict::DnsFailure)));
}

#[test]
fn a_client_that_is_only_given_addresses_that_lead_nowhere_is_told() {
    for nowhere in ["0.0.0.0", "127.0.0.1"] {
        let sunk = |w: World, client: &str, tenths: i64| asks(w, client, tenths, 7, Some(0), &[nowhere]);
        let (outcome, _, report) = answer(sunk(works(World::new(), ME, 1), NEIGHBOUR, 30));
        assert_eq!(outcome, Outcome::InsufficientEvidence);
        let told = report.findings.iter().find(|f| f.code == "one_client_fails").unwrap();
        assert!(told.detail.en.contains(NEIGHBOUR) && !told.evidence.is_empty(), "{}", told.detail.en);
        let in_the_end = works(sunk(works(World::new(), ME, 1), NEIGHBOUR, 30), NEIGHBOUR, 60);
        assert_eq!(answer(in_the_end).0, Outcome::NoNetworkFault);
    }
}

#[test]
fn a_question_that_is_not_repeated_before_a_connection_was_answered() {
    let asked = |w: World, tenths| asks(w, ME, tenths, 1, None, &[]);
    let then = |w: World, tenths| answer(w.flow(|w| syn(w, SERVER, tenths, 4)));
    assert_eq!(then(asked(World::new(), 1), 2).1, Some(Verdict::SynNoAnswer));
    let (_, _, report) = then(asked(World::new(), 1), 2);
    assert!(report.hosts.iter().any(|h| h.name == HOST && h.verdict == Verdict::SynNoAnswer));
    let named = |report: &Report| report.hosts.iter().find(|h| h.name == HOST).map(|h| h.verdict);
    assert_eq!(named(&then(asked(asked(World::new(), 1), 11), 12).2), Some(Verdict::DnsFailure), "repeated");
    assert_eq!(named(&then(asked(World::new(), 1), 40).2), Some(Verdict::DnsFailure), "much later");
    let inside = asked(World::new(), 1).flow(|w| syn(w, "10.0.0.80:443", 2, 4));
    assert_eq!(named(&answer(inside).2), Some(Verdict::DnsFailure), "no public address");
}

#[test]
fn a_client_takes_the_first_answer_to_its_own_question() {
    let answered = |change: fn(&mut DnsMessage)| {
        let mut w = resolves(World::new(), ME, 1);
        change(w.facts.dns.last_mut().unwrap());
        answer(w).1
    };
    assert_eq!(answered(|_| {}), None);
    assert_eq!(answered(|m| m.id = 9), Some(Verdict::DnsFailure));
    assert_eq!(answered(|m| m.dst = Some(end("10.0.0.5:5001"))), Some(Verdict::DnsFailure));
    let elsewhere = |m: &mut DnsMessage| m.src = Some(end("10.0.0.54:53"));
    assert_eq!(answered(elsewhere), None, "asked once, answered by somebody: no silence");
    let mut again = asks(resolves(World::new(), ME, 1), ME, 31, 1, None, &[]);
    again.facts.dns.iter_mut().filter(|m| m.response).for_each(elsewhere);
    let (_, root, report) = answer(again);
    assert_eq!(root, Some(Verdict::DnsFailure), "asked again, the client did not take it");
    let told = report.findings.iter().flat_map(|f| &f.evidence).any(|e| e.text.en.contains("from 10.0.0.54:53"));
    assert!(told, "{:?}", report.findings);
    let last_of_many = |id: u16| {
        let many = (1..=40).fold(World::new(), |w, i| asks(w, ME, 1 + i64::from(i), i, None, &[]));
        let mut response = resolves(World::new(), ME, 60).facts.dns.pop().unwrap();
        response.id = id;
        let mut w = many;
        w.facts.dns.push(response);
        answer(w).1
    };
    assert_eq!(last_of_many(40), None, "the answer to the last repetition");
    assert_eq!(last_of_many(99), Some(Verdict::DnsFailure));
    let missed = |m: &mut DnsMessage| (m.id, m.dst) = (9, Some(end("10.0.0.5:5001")));
    assert_eq!(answered(missed), None, "the capture misses a repetition");
    let mut forged = asks(World::new(), ME, 1, 1, Some(3), &[]);
    let genuine = resolves(World::new(), ME, 1).facts.dns.pop().unwrap();
    forged.facts.dns.push(genuine);
    assert_eq!(answer(forged).1, Some(Verdict::DnsFailure));
}

#[test]
fn of_two_answers_the_one_that_the_client_followed_is_judged() {
    let goes_to = |server: &str| {
        let w = resolves(asks(World::new(), ME, 1, 2, Some(0), &["10.7.7.7"]), ME, 1);
        answer(w.flow(|w| syn(w, server, 2, 4))).1
    };
    assert_eq!(goes_to("10.7.7.7:443"), Some(Verdict::DnsSinkhole));
    assert_eq!(goes_to(SERVER), Some(Verdict::SynNoAnswer));
}

#[test]
fn an_answer_that_leaves_the_alias_to_the_client_is_followed() {
    let alias = |then: Option<u16>| {
        let mut w = asks(World::new(), ME, 1, 1, Some(0), &[]);
        let cname = |name: &str| DnsRecord { name: HOST.into(), kind: 5, ttl: 60, data: DnsData::Name(name.into()) };
        w.facts.dns.last_mut().unwrap().answers = vec![cname("Alias.Example")];
        let addresses: &[&str] = if then == Some(0) { &["20.190.151.7"] } else { &[] };
        w.asks("alias.example", then, addresses)
    };
    let (_, root, report) = answer(alias(Some(0)).flow(|w| syn(w, SERVER, 2, 4)));
    assert_eq!(root, Some(Verdict::SynNoAnswer));
    assert_eq!(report.hosts.len(), 1, "the alias is no host of its own");
    assert_eq!(answer(alias(Some(3))).1, Some(Verdict::DnsFailure));
}

#[test]
fn an_error_for_a_name_that_is_cut_off_clears_nobody() {
    let error = |tenths: i64, client: &str, rcode: u16, cut_bytes: u64| {
        let mut w = works(World::new(), ME, 1);
        let at = w.at(tenths);
        let (src, dst) = (Some(end("10.0.0.53:53")), Some(SocketAddr::new(ip(client), 5000)));
        let mut flow = syn(&mut w, "10.0.0.53:53", tenths, 1);
        (flow.transport, flow.tcp, flow.stream) = (FlowTransport::Udp, None, 9);
        flow.sides[1].cut_bytes = cut_bytes;
        w.facts.flows.push(flow);
        w.facts.dns.push(DnsMessage { at, src, dst, response: true, rcode, stream: 9, ..DnsMessage::default() });
        answer(w).0
    };
    assert_eq!(error(30, ME, 3, 40), Outcome::InsufficientEvidence);
    assert_eq!(error(30, ME, 0, 40), Outcome::NoNetworkFault);
    assert_eq!(error(30, ME, 3, 0), Outcome::NoNetworkFault, "there was no name in it");
    assert_eq!(error(30, "10.0.0.99", 3, 40), Outcome::NoNetworkFault, "somebody else asked");
    assert_eq!(error(0, ME, 3, 40), Outcome::NoNetworkFault, "everything was reached behind it");
}
