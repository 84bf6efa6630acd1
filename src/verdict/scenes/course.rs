//! What a failure says of the sign-in, by what was reached before it and after it.

use super::super::Verdict;
use super::world::*;
use crate::finding::Severity;
use crate::flow::Side;
use crate::report::{Outcome, Report};

const ARM: (&str, &str) = ("4.150.240.10:443", "management.azure.com");
const NATIONAL: (&str, &str) = ("20.140.48.9:443", "login.microsoftonline.us");
const GRAPH: (&str, &str) = ("20.190.160.30:443", "graph.microsoft.com");
const OPEN: (Outcome, Option<&str>) = (Outcome::InsufficientEvidence, None);
const FINE: (Outcome, Option<&str>) = (Outcome::NoNetworkFault, None);

/// A connection on which a session is completed.
fn works(w: World, tenths: i64, (server, name): (&str, &str)) -> World {
    w.flow(|w| {
        let mut f = established(w, server, tenths);
        hello(w, &mut f, tenths, name, 0x0304);
        server_hello(w, &mut f, tenths + 1, 0x0304);
        complete(w, &mut f, tenths + 2);
        f
    })
}

fn signs_in(w: World, tenths: i64) -> World {
    works(w, tenths, (SERVER, HOST))
}

/// Two connections on which the ClientHello is reset.
fn is_reset(mut w: World, tenths: i64, (server, name): (&str, &str)) -> World {
    for tenths in [tenths, tenths + 5] {
        w = w.flow(|w| {
            let mut f = established(w, server, tenths);
            hello(w, &mut f, tenths, name, 0x0304);
            rst(w, &mut f, tenths + 1, Side::Server, 60);
            f
        });
    }
    w
}

/// Two connections that are refused.
fn is_refused(mut w: World, tenths: i64, server: &str) -> World {
    for tenths in [tenths, tenths + 5] {
        w = w.flow(|w| {
            let mut f = syn(w, server, tenths, 1);
            rst(w, &mut f, tenths, Side::Server, 60);
            f
        });
    }
    w
}

/// A session in a tunnel of the proxy.
fn by_proxy(w: World, tenths: i64, name: &str) -> World {
    w.flow(|w| {
        let mut f = established(w, PROXY, tenths);
        opens_tunnel(w, &mut f, name, tenths);
        hello(w, &mut f, tenths, name, 0x0304);
        session(&mut f).tunnel = Some(format!("{name}:443"));
        server_hello(w, &mut f, tenths + 1, 0x0304);
        complete(w, &mut f, tenths + 2);
        f
    })
}

fn report(w: World) -> Report {
    w.lasts(900).case().1
}

/// The outcome of a world, and the host that is blamed.
#[track_caller]
fn comes_to(w: World, expected: (Outcome, Option<&str>)) {
    let diagnosis = report(w).diagnosis;
    let host = diagnosis.root_cause.map(|r| r.host);
    assert_eq!((diagnosis.outcome, host.as_deref()), expected, "{}", diagnosis.text.en);
}

#[test]
fn a_host_that_some_sign_ins_need_stopped_none_that_went_on_without_it() {
    let passed = [
        "login.windows.net",
        "westus2.login.microsoft.com",
        "autologon.microsoftazuread-sso.com",
        "enterpriseregistration.windows.net",
        "device.login.microsoftonline.com",
        "login.live.com",
    ];
    for name in passed {
        let failed = |tenths| is_reset(signs_in(World::new(), 1), tenths, ("20.190.160.66:443", name));
        comes_to(signs_in(failed(50), 80), FINE);
        let first = is_reset(World::new(), 1, ("20.190.160.66:443", name));
        comes_to(signs_in(first, 100), FINE);
    }
    // Files of the page, of which nobody knows whose page it was.
    let page = ("152.199.4.33:443", "aadcdn.msauth.net");
    let failed = || is_reset(signs_in(World::new(), 1), 50, page);
    comes_to(failed(), (Outcome::NetworkFault, Some(page.1)));
    comes_to(signs_in(failed(), 100), OPEN);
    comes_to(works(signs_in(failed(), 100), 110, ARM), FINE);
    // Of two hosts the page had neither: nobody needs them but for a page.
    let other = ("152.199.4.44:443", "aadcdn.msftauth.net");
    comes_to(signs_in(is_reset(failed(), 60, other), 100), (Outcome::NetworkFault, Some(page.1)));
    comes_to(signs_in(works(failed(), 60, other), 100), OPEN);
    // After a sign-in that was complete another one began.
    let complete = || works(signs_in(World::new(), 1), 10, ARM);
    comes_to(is_reset(complete(), 50, page), FINE);
    comes_to(is_reset(signs_in(complete(), 40), 50, page), OPEN);
}

#[test]
fn a_later_sign_in_of_any_program_says_nothing_of_one_that_waited() {
    let live = ("20.190.160.131:443", "login.live.com");
    for name in [live.1, "device.login.microsoftonline.com"] {
        let failed = || is_reset(signs_in(World::new(), 1), 50, (live.0, name));
        comes_to(signs_in(failed(), 300), OPEN);
        comes_to(works(signs_in(failed(), 300), 310, GRAPH), FINE);
        comes_to(works(failed(), 300, ARM), FINE);
    }
    // Who asks for a token all along comes back because of that.
    let polled = signs_in(is_reset(signs_in(is_reset(signs_in(World::new(), 1), 50, live), 58), 60, live), 80);
    comes_to(polled, OPEN);
    // Silence has no end that the client sees.
    let metadata = |w: World, tenths| w.flow(|w| syn(w, "169.254.169.254:80", tenths, 5));
    comes_to(signs_in(metadata(signs_in(World::new().with_life(), 1), 50), 100), OPEN);
}

#[test]
fn graph_alone_may_be_asked_by_another_program() {
    for name in ["contoso.okta.com", "sts.contoso.com"] {
        let failed = |w: World, tenths| is_reset(w, tenths, ("203.0.113.77:443", name));
        comes_to(works(failed(signs_in(World::new(), 1), 50), 100, GRAPH), OPEN);
        comes_to(failed(works(signs_in(World::new(), 1), 10, GRAPH), 50), OPEN);
        comes_to(works(signs_in(failed(signs_in(World::new(), 1), 50), 100), 110, GRAPH), FINE);
        let passed = report(works(failed(signs_in(World::new(), 1), 50), 100, ARM)).diagnosis;
        assert_eq!(passed.outcome, Outcome::NoNetworkFault);
        assert!(passed.text.ja.contains(&format!("{name} への通信は失敗しているが")), "{}", passed.text.ja);
    }
    let asked = || works(signs_in(World::new(), 1), 10, GRAPH);
    for server in ["10.1.9.99:8080", "127.0.0.1:8888"] {
        comes_to(is_refused(asked(), 100, server), OPEN);
    }
    comes_to(asked().flow(|w| syn(w, "20.190.160.14:443", 100, 5)), OPEN);
    comes_to(works(asked(), 30, ARM).flow(|w| syn(w, "20.190.160.14:443", 100, 5)), FINE);
}

#[test]
fn what_stopped_the_sign_in_is_an_alarm_whatever_the_host_is_elsewhere() {
    let name = "sts.contoso.com";
    // Behind it in the list stands another warning.
    let told = report(is_reset(
        is_reset(signs_in(World::new(), 1), 40, ("203.0.113.9:443", "a.example")),
        50,
        ("203.0.113.77:443", name),
    ));
    let root = told.diagnosis.root_cause.expect("a cause");
    let cause = &told.findings[root.finding];
    assert_eq!((root.host.as_str(), cause.host.as_deref(), cause.severity), (name, Some(name), Severity::Critical));
    assert!(told.findings.is_sorted_by_key(|f| std::cmp::Reverse(f.severity)));
}

#[test]
fn what_one_client_lacks_no_other_client_makes_good() {
    let failed = is_reset(signs_in(World::new(), 1), 50, ("203.0.113.77:443", "sts.contoso.com"));
    let before = failed.facts.flows.len();
    let mut w = works(signs_in(failed, 100), 110, ARM);
    w.facts.flows.iter_mut().skip(before).for_each(|f| f.ends.client.set_ip(ip("10.0.0.9")));
    comes_to(w, OPEN);
}

#[test]
fn what_other_programs_ask_as_well_is_a_doubt_where_it_fails_last() {
    for name in ["login.windows.net", "login.live.com"] {
        comes_to(is_reset(signs_in(World::new(), 1), 50, ("20.190.160.66:443", name)), OPEN);
    }
    let metadata = |w: World, tenths| w.flow(|w| syn(w, "169.254.169.254:80", tenths, 5));
    comes_to(signs_in(metadata(World::new().with_life(), 1), 300), FINE);
    comes_to(metadata(signs_in(World::new(), 1), 50), OPEN);
    comes_to(metadata(World::new().with_life(), 50), (Outcome::NetworkFault, Some("169.254.169.254")));
}

#[test]
fn the_name_of_a_federation_server_weighs_as_much_as_it_tells() {
    let last = |name: &str| is_reset(signs_in(World::new(), 1), 50, ("203.0.113.77:443", name));
    for name in ["contoso.okta.com", "ap.ssso.hdems.com", "sts.contoso.com", "adfs-tokyo.contoso.com", "fs.contoso.com"]
    {
        comes_to(last(name), (Outcome::NetworkFault, Some(name)));
        comes_to(signs_in(last(name), 100), OPEN);
        let report = report(last(name));
        assert!(!report.findings.iter().any(|f| f.code == "step_missing"), "the network did stop it: {name}");
    }
    for name in ["ping.chartbeat.net", "auth.docker.io", "login-idp.contoso.com", "openam.contoso.com"] {
        let w = last(name);
        comes_to(w, OPEN);
        comes_to(signs_in(last(name), 100), OPEN);
        comes_to(works(last(name), 100, ARM), FINE);
        comes_to(signs_in(is_reset(World::new(), 1, ("203.0.113.77:443", name)), 50), FINE);
    }
    // The authority names it; so nobody asks for it before.
    comes_to(signs_in(is_reset(World::new(), 1, ("203.0.113.77:443", "sts.contoso.com")), 50), FINE);
    let elsewhere = |w: World, port: u16, name: &str| is_reset(w, 50, (&format!("203.0.113.77:{port}"), name));
    for name in ["login.contoso.com", "sts.contoso.com", "contoso.okta.com"] {
        comes_to(elsewhere(signs_in(World::new(), 1), 8443, name), OPEN);
        comes_to(elsewhere(signs_in(World::new(), 1), 9031, name), OPEN);
        comes_to(elsewhere(signs_in(World::new(), 1), 636, name), FINE);
    }
    comes_to(signs_in(elsewhere(World::new(), 8443, "login.contoso.com"), 100), FINE);
    comes_to(elsewhere(signs_in(World::new(), 1), 8443, "fs.contoso.com"), FINE);
    let another_cloud = is_reset(signs_in(World::new(), 1), 50, ("52.94.1.9:443", "sts.us-east-1.amazonaws.com"));
    comes_to(another_cloud, FINE);
    let unknown = |name: &str| signs_in(World::new(), 1).asks_for(50, 1, name, Some(3), &[]);
    comes_to(unknown("sts.contoso.com"), (Outcome::NetworkFault, Some("sts.contoso.com")));
    comes_to(unknown("fs01.contoso.com"), OPEN);
    comes_to(unknown("sts.contoso.com.corp.contoso.com"), FINE);
}

#[test]
fn the_public_cloud_is_asked_beside_a_sign_in_to_another_one() {
    let national = |w: World, tenths| works(w, tenths, NATIONAL);
    let manager = "management.usgovcloudapi.net";
    let manages = |w: World, tenths| works(w, tenths, ("20.140.48.20:443", manager));
    let calls = |w: World, tenths| works(w, tenths, ("20.140.48.30:443", "graph.microsoft.us"));
    for public in [(SERVER, HOST), GRAPH, ARM] {
        let failed = || is_reset(national(World::new(), 1), 50, public);
        comes_to(manages(failed(), 100), FINE);
        let told = report(manages(failed(), 100));
        assert!(told.findings.iter().all(|f| f.severity < Severity::Critical));
        let text = told.diagnosis.text.en;
        assert!(text.contains(&format!("{} failed, but the sign-in went on without it", public.1)), "{text}");
        comes_to(failed(), OPEN);
        // What came before may have been Office's, or another sign-in.
        comes_to(is_reset(manages(national(World::new(), 1), 10), 50, public), OPEN);
        comes_to(is_reset(calls(national(World::new(), 1), 10), 50, public), OPEN);
        // Office calls Graph as well, and signs in before.
        comes_to(calls(failed(), 100), OPEN);
        comes_to(calls(national(failed(), 90), 100), if public == GRAPH { FINE } else { OPEN });
    }
    // Windows signs in to the public cloud beside it, by whichever name.
    let alias = || works(national(World::new(), 1), 10, ("20.190.160.66:443", "login.windows.net"));
    comes_to(manages(is_reset(alias(), 50, (SERVER, HOST)), 100), FINE);
    let own = |public| is_reset(national(signs_in(World::new(), 1), 10), 50, public);
    comes_to(manages(own(GRAPH), 100), FINE);
    comes_to(calls(own(GRAPH), 100), OPEN);
    comes_to(manages(national(own(GRAPH), 90), 100), OPEN);
    comes_to(own(GRAPH), (Outcome::NetworkFault, Some(GRAPH.1)));
    let office = calls(national(World::new(), 1), 10);
    comes_to(is_reset(signs_in(office, 40), 50, ARM), (Outcome::NetworkFault, Some(ARM.1)));
    let both = is_reset(is_reset(national(World::new(), 1), 20, ARM), 50, ("20.140.48.20:443", manager));
    comes_to(both, (Outcome::NetworkFault, Some(manager)));
    // What is asked of the public cloud as well says nothing of a national one.
    let background = works(signs_in(World::new(), 1), 10, ARM);
    comes_to(is_reset(background, 50, NATIONAL), (Outcome::NetworkFault, Some(NATIONAL.1)));
}

#[test]
fn graph_stopped_no_sign_in_that_went_on_to_resource_manager() {
    let failed = || is_reset(World::new(), 1, GRAPH);
    comes_to(works(signs_in(failed(), 50), 60, ARM), FINE);
    comes_to(signs_in(failed(), 50), (Outcome::NetworkFault, Some(GRAPH.1)));
    // Another command may have waited for it.
    comes_to(works(signs_in(is_reset(signs_in(World::new(), 1), 20, GRAPH), 50), 60, ARM), OPEN);
}

#[test]
fn a_dead_proxy_behind_the_last_use_of_another_way_leaves_the_case_open() {
    let asks = |w: World, tenths| w.asks_for(tenths, 1, "oldproxy.contoso.com", Some(0), &["10.1.9.99"]);
    let dead = |w: World, tenths| is_refused(asks(w, tenths), tenths, "10.1.9.99:8080");
    comes_to(dead(signs_in(World::new(), 1), 100), OPEN);
    comes_to(signs_in(dead(signs_in(World::new(), 1), 100), 200), FINE);
    let then_direct = report(works(signs_in(dead(World::new(), 1), 100), 110, ARM));
    assert_eq!(then_direct.diagnosis.outcome, Outcome::NoNetworkFault);
    let refused = then_direct.findings.iter().find(|f| f.verdict == Some(Verdict::Refused)).unwrap();
    assert_eq!(refused.severity, Severity::Warning, "what stopped nothing is no alarm");
    // Nothing names it; its port and the order of events hint at it.
    for server in ["10.1.9.99:8080", "127.0.0.1:8888"] {
        comes_to(is_refused(signs_in(World::new(), 1), 100, server), OPEN);
        comes_to(signs_in(is_refused(signs_in(World::new(), 1), 100, server), 200), FINE);
        comes_to(is_refused(works(signs_in(World::new(), 1), 10, ARM), 100, server), FINE);
    }
    comes_to(is_refused(signs_in(World::new(), 1), 100, "10.1.9.99:8443"), FINE);
    let unknown = |w: World, tenths, name: &str| {
        w.asks_for(tenths, 1, name, Some(3), &[]).asks_for(tenths + 5, 1, name, Some(3), &[])
    };
    for name in ["oldproxy.contoso.com", "gateway.corp", "px"] {
        comes_to(unknown(signs_in(World::new(), 1), 100, name), OPEN);
        comes_to(signs_in(unknown(signs_in(World::new(), 1), 100, name), 200), FINE);
    }
    let text = report(unknown(signs_in(World::new(), 1), 100, "oldproxy.contoso.com")).diagnosis.text;
    assert!(text.ja.contains("oldproxy.contoso.com の名前解決に失敗している"), "{}", text.ja);
    for name in ["px.ads.linkedin.com", "gateway.icloud.com"] {
        comes_to(unknown(signs_in(World::new(), 1), 100, name), FINE);
    }
}

#[test]
fn other_use_of_a_proxy_is_no_progress_of_the_sign_in() {
    let nameless = |w: World| w.flow(|w| syn(w, "20.190.160.14:443", 100, 5));
    let w = by_proxy(nameless(by_proxy(World::new(), 1, HOST)), 200, "outlook.office365.com");
    let told = report(w).diagnosis;
    assert_eq!(told.outcome, Outcome::InsufficientEvidence);
    let fine = report(by_proxy(by_proxy(World::new(), 1, HOST), 200, "outlook.office365.com")).diagnosis;
    assert_eq!(fine.outcome, Outcome::NoNetworkFault);
    assert!(!fine.text.en.contains("outlook"), "no host of a sign-in: {}", fine.text.en);
}

#[test]
fn a_federation_server_with_an_old_version_that_was_used_stopped_nothing_and_entra_refuses_one_later() {
    let old = |w: World, (server, name): (&str, &str)| {
        w.flow(|w| {
            let mut f = established(w, server, 20);
            hello(w, &mut f, 20, name, 0x0303);
            server_hello(w, &mut f, 21, 0x0302);
            complete(w, &mut f, 22);
            f
        })
    };
    let world = || signs_in(World::new(), 1);
    let used = report(old(world(), ("203.0.113.20:443", "sts.contoso.com")));
    assert_eq!(used.diagnosis.outcome, Outcome::InsufficientEvidence, "whether it went on is not in the capture");
    let told = used.findings.iter().find(|f| f.code == "tls_legacy").unwrap();
    assert_eq!((told.severity, told.verdict), (Severity::Warning, Some(Verdict::TlsLegacy)));
    comes_to(works(signs_in(old(world(), ("203.0.113.20:443", "sts.contoso.com")), 50), 60, ARM), FINE);
    comes_to(old(World::new(), (SERVER, HOST)), (Outcome::NetworkFault, Some(HOST)));
}

#[test]
fn an_alias_that_is_tried_again_between_returns_to_the_authority_is_a_doubt() {
    const ALIAS: (&str, &str) = ("20.190.160.66:443", "login.microsoft.com");
    let polls = |w: World| signs_in(signs_in(signs_in(w, 60), 110), 160);
    let page = |w: World| is_reset(is_reset(w, 50, ALIAS), 100, ALIAS);
    comes_to(polls(page(signs_in(World::new(), 1))), OPEN);
    comes_to(works(polls(page(signs_in(World::new(), 1))), 200, ARM), FINE);
    comes_to(polls(is_reset(signs_in(World::new(), 1), 50, ALIAS)), FINE);
}

#[test]
fn what_the_clock_does_not_part_came_in_the_order_of_its_frames() {
    // All in one tick, or in two.
    let sso = ("20.190.160.66:443", "autologon.microsoftazuread-sso.com");
    let in_a_tick = |w: World, tenths, (server, name): (&str, &str), works: bool| {
        w.flow(|w| {
            let mut f = established(w, server, tenths);
            hello(w, &mut f, tenths, name, 0x0304);
            if works {
                server_hello(w, &mut f, tenths, 0x0304);
                complete(w, &mut f, tenths);
            } else {
                rst(w, &mut f, tenths, Side::Server, 60);
            }
            f
        })
    };
    let failed = |w: World, host| in_a_tick(in_a_tick(w, 5, host, false), 5, host, false);
    let worked = |w: World| in_a_tick(w, 5, (SERVER, HOST), true);
    comes_to(worked(failed(World::new(), sso)), FINE);
    comes_to(failed(worked(World::new()), sso), OPEN);
    comes_to(worked(failed(World::new(), (SERVER, HOST))), FINE);
    comes_to(failed(worked(World::new()), (SERVER, HOST)), (Outcome::NetworkFault, Some(HOST)));
}
