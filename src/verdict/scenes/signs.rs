//! What is recognised across hosts and beyond the handshake: names, addresses and devices seen elsewhere in the case.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::flow::Side;
use crate::report::{Outcome, Report};
use crate::verdict::Confidence;
use std::sync::Arc;

const ARM: &str = "management.azure.com";
const GRAPH: &str = "graph.microsoft.com";

fn has(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|f| f.code == code)
}

#[test]
fn the_address_of_a_known_block_page_is_a_sinkhole_whatever_answers_there() {
    let asked = |address: &str| World::new().with_life().asks(HOST, Some(0), &[address]).lasts(50);
    for address in ["146.112.61.106", "208.91.112.55", "198.135.184.22"] {
        let dropped = asked(address).flow(|w| syn(w, &format!("{address}:443"), 51, 3)).lasts(300);
        assert_eq!(dropped.verdict(), Some(Verdict::DnsSinkhole), "{address}");
    }
    let elsewhere = asked("146.112.61.9").flow(|w| syn(w, "146.112.61.9:443", 51, 3)).lasts(300);
    assert_eq!(elsewhere.verdict(), Some(Verdict::SynNoAnswer));
}

#[test]
fn an_alias_is_needed_where_no_other_authority_was_tried() {
    let alias = "login.windows.net";
    let refused = |w: World| {
        w.flow(|w| {
            let mut f = established(w, "20.190.151.9:443", 1);
            hello(w, &mut f, 1, alias, 0x0304);
            rst(w, &mut f, 2, Side::Server, 116);
            f
        })
    };
    let (_, alone) = refused(World::new()).case();
    assert_eq!(alone.diagnosis.root_cause.map(|r| r.host), Some(alias.to_owned()));
    let works = World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        server_hello(w, &mut f, 2, 0x0304);
        complete(w, &mut f, 3);
        f
    });
    let (_, beside) = refused(works).case();
    let host = beside.hosts.iter().find(|h| h.name == alias).unwrap();
    assert_eq!(host.required, None, "one of several ways to sign in");
}

#[test]
fn a_portal_is_blamed_for_the_host_of_the_sign_in_not_for_windows_probe() {
    let portal = |w: &mut World, host: &str, tenths| {
        asks_plainly(w, host, "/connecttest.txt", tenths, 302, Some("http://portal.hotel.example/login"))
    };
    let w = World::new().flow(|w| portal(w, "www.msftconnecttest.com", 1)).flow(|w| {
        let mut f = established(w, "203.0.113.9:443", 5);
        hello(w, &mut f, 5, "westeurope.login.microsoft.com", 0x0304);
        let at = sends(w, &mut f, Side::Server, 6, 300);
        session(&mut f).plaintext_answer = Some(PlaintextAnswer {
            at,
            by: Side::Server,
            http_status: Some(302),
            first_line: "HTTP/1.1 302 Found".into(),
            title: None,
            location: Some("http://portal.hotel.example/login".into()),
            server: None,
        });
        f
    });
    let (_, report) = w.case();
    let root = report.diagnosis.root_cause.unwrap();
    assert_eq!((root.host.as_str(), root.verdict), ("westeurope.login.microsoft.com", Verdict::CaptivePortal));
}

/// Connections on which a request follows the handshake, and what becomes of it.
fn asks_inside(count: usize, then: impl Fn(&mut World, &mut Flow, i64) + Copy) -> Report {
    let mut w = World::new().resolves();
    for i in 0..count {
        let tenths = 1 + 100 * i64::try_from(i).unwrap();
        w = w.flow(move |w| {
            let mut f = established(w, SERVER, tenths);
            hello(w, &mut f, tenths, HOST, 0x0304);
            server_hello(w, &mut f, tenths + 1, 0x0304);
            complete(w, &mut f, tenths + 2);
            let asked = sends(w, &mut f, Side::Client, tenths + 3, 900);
            session(&mut f).encrypted[0].last = Some(asked);
            then(w, &mut f, tenths + 4);
            f
        });
    }
    w.case().1
}

#[test]
fn requests_that_are_never_answered_leave_the_case_open_though_tls_works() {
    let cut_off = asks_inside(2, |w, f, t| rst(w, f, t, Side::Server, 116));
    assert!(has(&cut_off, "broken_after_handshake"));
    assert_eq!(cut_off.diagnosis.outcome, Outcome::InsufficientEvidence);
    assert_eq!(cut_off.hosts[0].verdict, Verdict::Ok, "the handshake completed");
    assert!(has(&asks_inside(2, |w, f, t| fin(w, f, t + 60, Side::Client)), "broken_after_handshake"));
    assert!(
        !has(&asks_inside(1, |w, f, t| rst(w, f, t, Side::Server, 116)), "broken_after_handshake"),
        "once is chance"
    );
    let impatient = asks_inside(2, |w, f, t| fin(w, f, t + 5, Side::Client));
    assert!(!has(&impatient, "broken_after_handshake"), "half a second");
    // Whether or not somebody still read the records.
    let answered = asks_inside(2, |w, f, t| {
        sends(w, f, Side::Server, t, 3000);
        rst(w, f, t + 1, Side::Server, 116);
    });
    assert!(!has(&answered, "broken_after_handshake"));
}

#[test]
fn a_server_that_closes_instead_of_an_answer_does_not_answer() {
    let closes = |w: &mut World, f: &mut Flow, tenths, says: u64| {
        f.sides[0].acked_bytes = f.sides[0].bytes;
        if says > 0 {
            sends(w, f, Side::Server, tenths, says);
        }
        fin(w, f, tenths, Side::Server);
        fin(w, f, tenths + 1, Side::Client);
    };
    let closed = asks_inside(2, move |w, f, t| closes(w, f, t, 0));
    assert!(has(&closed, "broken_after_handshake"));
    assert_eq!(closed.diagnosis.outcome, Outcome::InsufficientEvidence);
    assert!(has(&asks_inside(2, move |w, f, t| closes(w, f, t, 24)), "broken_after_handshake"), "an alert");
    assert!(!has(&asks_inside(1, move |w, f, t| closes(w, f, t, 0)), "broken_after_handshake"), "once is chance");
    assert!(!has(&asks_inside(2, move |w, f, t| closes(w, f, t, 400)), "broken_after_handshake"), "an answer");
    let not_taken = asks_inside(2, |w, f, t| fin(w, f, t, Side::Server));
    assert!(!has(&not_taken, "broken_after_handshake"), "the close and the request may have crossed");
    let client_first = asks_inside(2, |w, f, t| {
        f.sides[0].acked_bytes = f.sides[0].bytes;
        fin(w, f, t, Side::Client);
        fin(w, f, t + 1, Side::Server);
    });
    assert!(!has(&client_first, "broken_after_handshake"));
    // A connection that answered, stood idle and is closed as the next request goes out.
    let idle = asks_inside(2, move |w, f, t| {
        sends(w, f, Side::Server, t, 3000);
        sends(w, f, Side::Client, t + 50, 900);
        closes(w, f, t + 50, 0);
    });
    assert!(!has(&idle, "broken_after_handshake"));
}

/// A host whose interceptor shows its certificate, and one whose TLS 1.3 hides it; both ServerHellos have a JA3S.
fn two_hosts(ja3s: [&str; 2], second: impl FnOnce(&mut World, &mut Flow)) -> Report {
    let w = World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0303);
        server_hello(w, &mut f, 2, 0x0303);
        certificate(w, &mut f, 2, ("Zscaler Intermediate Root CA (zscaler.net)", "Zscaler Inc."), HOST);
        Arc::make_mut(&mut session(&mut f).server_hellos[0].choice).ja3s = Some(ja3s[0].to_owned());
        complete(w, &mut f, 3);
        f
    });
    let w = w.flow(|w| {
        let mut f = established(w, "4.150.240.10:443", 5);
        hello(w, &mut f, 5, ARM, 0x0304);
        server_hello(w, &mut f, 7, 0x0304);
        Arc::make_mut(&mut session(&mut f).server_hellos[0].choice).ja3s = Some(ja3s[1].to_owned());
        second(w, &mut f);
        f
    });
    w.case().1
}

#[test]
fn a_device_that_shows_itself_for_one_host_is_named_for_another() {
    let refused = |ja3s| two_hosts(ja3s, |w, f| alert(w, f, 8, Side::Client, 48));
    let text = |r: &Report| {
        let f = r.findings.iter().find(|f| f.verdict == Some(Verdict::Intercepted) && f.host.as_deref() == Some(ARM));
        f.map(|f| f.detail.en.clone()).unwrap_or_default()
    };
    assert!(text(&refused(["aa", "aa"])).contains("Zscaler"));
    assert!(text(&refused(["aa", "aa"])).contains("JA3S"));
    let other = text(&refused(["aa", "bb"]));
    assert!(other.contains("Zscaler") && !other.contains("JA3S"), "{other}");
}

#[test]
fn tls_1_3_that_works_is_suspected_only_on_two_signs() {
    let suspected = |ja3s, slow: bool| {
        let report = two_hosts(ja3s, |w, f| {
            complete(w, f, 8);
            f.tcp.as_mut().unwrap().handshake_rtt = Some(if slow { 10_000_000 } else { 190_000_000 });
        });
        let f = report.findings.iter().find(|f| f.code == "interception_suspected");
        assert!(f.is_none_or(|f| f.confidence == Confidence::Inferred && f.host.as_deref() == Some(ARM)));
        f.is_some()
    };
    assert!(suspected(["aa", "aa"], true));
    assert!(!suspected(["aa", "aa"], false), "one sign");
    assert!(!suspected(["aa", "bb"], true), "one sign");
}

#[test]
fn a_step_that_did_not_happen_is_named_by_command_and_cloud() {
    let reached = |host: &'static str| {
        World::new()
            .flow(move |w| {
                let mut f = established(w, SERVER, 1);
                hello(w, &mut f, 1, host, 0x0304);
                server_hello(w, &mut f, 2, 0x0304);
                complete(w, &mut f, 3);
                f
            })
            .case()
            .1
    };
    let missing = |host, expected: &str| {
        let report = reached(host);
        let found = report.findings.iter().find(|f| f.code == "step_missing").map(|f| f.detail.en.clone());
        assert!(found.as_ref().is_some_and(|d| d.contains(expected)), "{host}: {found:?}");
    };
    missing(HOST, "az login: management.azure.com");
    missing("login.microsoftonline.us", "az login: management.usgovcloudapi.net");
    missing("login.chinacloudapi.cn", "Connect-MgGraph: microsoftgraph.chinacloudapi.cn");
    missing(GRAPH, "Connect-MgGraph: login.microsoftonline.com");
}

#[test]
fn every_verdict_of_the_contract_has_its_scene() {
    let scenes =
        [include_str!("../scenes.rs"), include_str!("limits.rs"), include_str!("proxies.rs"), include_str!("signs.rs")];
    for verdict in Verdict::ALL {
        let name = format!("Verdict::{verdict:?})");
        assert!(scenes.iter().any(|s| s.contains(&name)), "{verdict:?}");
    }
}

/// The same connection of another client.
fn of_client(mut f: Flow, client: &str) -> Flow {
    f.ends.client.set_ip(client.parse().unwrap());
    f
}

fn works(w: &mut World, tenths: i64) -> Flow {
    let mut f = established(w, SERVER, tenths);
    hello(w, &mut f, tenths, HOST, 0x0304);
    server_hello(w, &mut f, tenths + 1, 0x0304);
    complete(w, &mut f, tenths + 2);
    f
}

#[test]
fn a_client_that_alone_never_reached_a_host_is_told() {
    let with = |client: &'static str| {
        let w = World::new().resolves().asked_by(client).flow(|w| of_client(refused(w, 1), client));
        w.flow(|w| of_client(refused(w, 20), client)).flow(|w| works(w, 40)).case().1
    };
    let other = with("10.9.9.9");
    let told = other.findings.iter().find(|f| f.code == "one_client_fails").unwrap();
    assert!(told.detail.en.contains("10.9.9.9: connection refused (2)"), "{}", told.detail.en);
    assert!(!told.detail.ja.contains("refused"), "{}", told.detail.ja);
    assert!(!told.evidence.is_empty() && told.filter.starts_with("tcp.stream in"), "{}", told.filter);
    // The other family may be the same machine, which got through.
    assert!(!has(&with("2001:db8::9"), "one_client_fails"));
    let alone = World::new().resolves().flow(|w| refused(w, 1)).flow(|w| works(w, 40)).case().1;
    assert!(!has(&alone, "one_client_fails"), "it got through in the end");
    let all = World::new().resolves().flow(|w| of_client(refused(w, 1), "10.9.9.9")).flow(|w| refused(w, 20));
    assert!(!has(&all.case().1, "one_client_fails"), "nobody reached it");
}

#[test]
fn what_another_client_calls_an_address_blames_no_host_that_was_reached_by_name() {
    let other = "10.9.9.9";
    let both = |asked: World| asked.flow(|w| works(w, 1)).flow(|w| of_client(refused(w, 20), other));
    let both = |asked| both(asked).flow(|w| of_client(refused(w, 40), other));
    let (_, own) =
        both(World::new().asks("a.example.net", Some(0), &["20.190.151.7"]).asked_by(other).resolves()).case();
    let verdict = |report: &Report, name: &str| report.hosts.iter().find(|h| h.name == name).map(|h| h.verdict);
    assert_eq!(verdict(&own, HOST), Some(Verdict::Ok));
    assert_eq!(verdict(&own, "a.example.net"), Some(Verdict::Refused));
    // It never asked: what it wanted there is not known.
    assert_eq!(both(World::new().resolves()).verdict(), Some(Verdict::Inconclusive));
    // Nobody else goes there: one machine asks by one address and goes by another.
    let one = World::new().resolves().flow(|w| of_client(works(w, 1), other));
    let one = one.flow(|w| of_client(refused(w, 20), other)).flow(|w| of_client(refused(w, 40), other));
    assert_eq!(one.verdict(), Some(Verdict::Refused));
}

#[test]
fn an_address_with_several_names_of_one_client_blames_none_that_was_reached() {
    let fails = |w: World| w.flow(|w| works(w, 1)).flow(|w| refused(w, 50)).flow(|w| refused(w, 70));
    let both = World::new().asks("a.example.net", Some(0), &["20.190.151.7"]).resolves();
    assert_eq!(fails(both).verdict(), Some(Verdict::Inconclusive));
    assert_eq!(fails(World::new().resolves()).verdict(), Some(Verdict::Refused));
}

#[test]
fn a_failure_that_was_captured_twice_is_one() {
    let broken = |w: &mut World, tenths: i64, number: u32, port: u16| {
        let mut f = established(w, SERVER, tenths);
        f.tcp.as_mut().unwrap().syn_number = Some(number);
        f.ends.client.set_port(port);
        hello(w, &mut f, tenths, HOST, 0x0304);
        rst(w, &mut f, tenths + 1, Side::Server, 116);
        f
    };
    let twice = |number: u32, client: &'static str| {
        let w = World::new().resolves().flow(|w| works(w, 1)).flow(|w| broken(w, 20, 7, 50001));
        let (_, report) = w.flow(|w| of_client(broken(w, 20, number, 50002), client)).case();
        let host = report.hosts.into_iter().find(|h| h.name == HOST).unwrap();
        (host.verdict, host.connections.0, host.connections.2)
    };
    assert_eq!(twice(7, "172.17.0.2"), (Verdict::Degraded, 2, 1), "before and behind an address translation");
    assert_eq!(twice(8, "172.17.0.2"), (Verdict::ResetAfterClientHello, 3, 2), "two connections");
    assert_eq!(twice(7, "10.0.0.5"), (Verdict::ResetAfterClientHello, 3, 2), "two ports of one client");
}

#[test]
fn an_old_hello_is_a_fall_back_only_of_the_client_whose_modern_one_was_broken() {
    let broken = |w: &mut World, tenths: i64| {
        let mut f = established(w, SERVER, tenths);
        hello(w, &mut f, tenths, HOST, 0x0304);
        rst(w, &mut f, tenths + 1, Side::Server, 116);
        f
    };
    let old = |w: &mut World, tenths: i64| {
        let mut f = established(w, SERVER, tenths);
        hello(w, &mut f, tenths, HOST, 0x0301);
        server_hello(w, &mut f, tenths + 1, 0x0301);
        complete(w, &mut f, tenths + 2);
        f
    };
    let then = |client: &'static str| {
        World::new().resolves().flow(|w| broken(w, 1)).flow(|w| of_client(old(w, 20), client)).case().1
    };
    assert!(!has(&then("10.9.9.9"), "tls_fallback"));
    assert!(has(&then("2001:db8::9"), "tls_fallback"));
    // Somebody else's broken attempt before it changes nothing.
    let w = World::new().resolves().flow(|w| of_client(broken(w, 1), "10.9.9.9")).flow(|w| broken(w, 10));
    let (_, report) = w.flow(|w| old(w, 20)).case();
    assert!(has(&report, "tls_fallback"));
}

#[test]
fn findings_of_one_verdict_end_where_nobody_reads_more_and_say_so() {
    let hosts = crate::limits::FINDINGS_OF_A_RULE_MAX + 7;
    let mut w = World::new();
    for i in 0..hosts {
        w = w.flow(move |w| {
            let tenths = 1 + i64::try_from(i).unwrap();
            let mut f = established(w, "203.0.113.9:443", tenths);
            hello(w, &mut f, tenths, &format!("h{i}.example.com"), 0x0304);
            rst(w, &mut f, tenths + 1, Side::Server, 116);
            f
        });
    }
    // The last one is the only one that the sign-in needs.
    let needed = i64::try_from(hosts).unwrap() + 1;
    let (_, report) = w
        .flow(|w| {
            let mut f = established(w, SERVER, needed);
            hello(w, &mut f, needed, HOST, 0x0304);
            rst(w, &mut f, needed + 1, Side::Server, 116);
            f
        })
        .case();
    let told: Vec<_> = report.findings.iter().filter(|f| f.code == "reset_after_client_hello").collect();
    assert_eq!((report.hosts.len(), told.len()), (hosts + 1, hosts - 7));
    assert_eq!(told[0].host.as_deref(), Some(HOST));
    assert!(told.last().unwrap().detail.en.ends_with(" 8 more hosts have this verdict; the list of hosts names them."));
    let root = report.diagnosis.root_cause.unwrap();
    assert_eq!(report.findings[root.finding].host.as_deref(), Some(HOST));
}

/// A connection whose beginning is in the file before.
fn headless(w: &mut World, tenths: i64, then: impl FnOnce(&mut World, &mut Flow)) -> Flow {
    let mut f = established(w, SERVER, tenths);
    let tcp = f.tcp.as_mut().unwrap();
    (tcp.syns, tcp.syn_ack, tcp.midstream, tcp.syn_number) = (Vec::new(), None, true, None);
    then(w, &mut f);
    f
}

#[test]
fn an_answer_in_the_next_file_of_a_ring_ends_the_silence_of_this_one() {
    let acknowledged = || after_hello(|_, f| f.sides[0].acked_bytes = 200);
    let cut = || acknowledged().lasts(2);
    assert_eq!(cut().verdict(), Some(Verdict::Inconclusive));
    let silent = cut().next_file().flow(|w| headless(w, 10, |w, f| fin(w, f, 80, Side::Client)));
    assert_eq!(silent.verdict(), Some(Verdict::SilentAfterClientHello));
    let late = |answer| {
        acknowledged().lasts(70).next_file().flow(|w| {
            headless(w, 80, |w, f| {
                sends(w, f, Side::Server, answer, 3000);
            })
        })
    };
    assert_eq!(acknowledged().lasts(70).verdict(), Some(Verdict::SilentAfterClientHello));
    assert_ne!(late(90).verdict(), Some(Verdict::SilentAfterClientHello));
}
