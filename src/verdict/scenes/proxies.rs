//! Proxies and pages in the host's place: what becomes of the verdict when one cause changes.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::flow::Side;
use crate::packet::At;
use crate::report::Outcome;
use crate::verdict::Confidence;

#[test]
fn the_proxy_is_judged_by_its_status() {
    let answered = |status| World::new().flow(|w| asks_proxy(w, Some(status), &["NTLM"])).lasts(60).verdict();
    assert_eq!(answered(403), Some(Verdict::ProxyDenied));
    assert_eq!(answered(405), Some(Verdict::ProxyDenied));
    assert_eq!(answered(407), Some(Verdict::ProxyAuthRequired));
    for status in [502, 503, 504] {
        assert_eq!(answered(status), Some(Verdict::ProxyUpstreamError));
    }
    let silent = World::new().flow(|w| {
        let mut f = asks_proxy(w, None, &[]);
        fin(w, &mut f, 80, Side::Client);
        f
    });
    assert_eq!(silent.verdict(), Some(Verdict::ProxyNoResponse));
    let closed = World::new().flow(|w| {
        let mut f = asks_proxy(w, None, &[]);
        fin(w, &mut f, 2, Side::Server);
        f
    });
    assert_eq!(closed.verdict(), Some(Verdict::ProxyNoResponse));
}

#[test]
fn a_challenge_that_was_answered_is_no_fault() {
    let w = World::new().flow(|w| {
        let mut f = asks_proxy(w, Some(407), &["Basic"]);
        let again = sends(w, &mut f, Side::Client, 3, 150);
        let ok = sends(w, &mut f, Side::Server, 3, 50);
        f.app.http.push(HttpExchange {
            request_at: Some(again),
            method: "CONNECT".into(),
            target: format!("{HOST}:443"),
            status: Some(200),
            response_at: Some(ok),
            proxy_authorization: Some("Basic".into()),
            tunnel_bytes: [3000, 9000],
            ..HttpExchange::default()
        });
        hello(w, &mut f, 4, HOST, 0x0304);
        session(&mut f).tunnel = Some(format!("{HOST}:443"));
        server_hello(w, &mut f, 5, 0x0304);
        complete(w, &mut f, 6);
        f
    });
    let (_, report) = w.case();
    let host = report.hosts.iter().find(|h| h.name == HOST).unwrap();
    assert_eq!((host.verdict, host.proxy.as_deref()), (Verdict::Ok, Some(PROXY)));
}

#[test]
fn a_dead_proxy_carries_the_verdict_and_no_name_behind_it_is_blamed() {
    let w = World::new().asks("px7.fabrikam.example", Some(0), &["10.9.0.7"]).flow(|w| {
        let mut f = syn(w, "10.9.0.7:9400", 1, 1);
        rst(w, &mut f, 1, Side::Server, 63);
        f
    });
    let (_, report) = w.case();
    assert_eq!(report.diagnosis.outcome, Outcome::NetworkFault);
    let root = report.diagnosis.root_cause.unwrap();
    assert_eq!((root.host.as_str(), root.verdict), ("px7.fabrikam.example", Verdict::Refused));
    assert_eq!(report.hosts.len(), 1);
    let unresolved = World::new().with_life().asks("proxy.fabrikam.example", Some(3), &[]);
    assert_eq!(unresolved.verdict_of("proxy.fabrikam.example"), Some(Verdict::DnsFailure));
}

#[test]
fn a_port_inside_that_nothing_shows_to_be_a_proxy_is_a_guess() {
    let dead = || World::new().flow(|w| syn(w, "10.0.0.9:10051", 1, 5)).lasts(200);
    let (_, report) = dead().case();
    assert_eq!(report.diagnosis.outcome, Outcome::InsufficientEvidence);
    assert!(!format!("{:?}", report.findings).contains("settings"));
    // Whose name was asked for may well be one, but nobody saw a setting.
    let named = World::new().asks("box.fabrikam.example", Some(0), &["10.9.0.7"]);
    let (_, report) = named.flow(|w| syn(w, "10.9.0.7:9480", 1, 5)).lasts(200).case();
    let host = report.hosts.first().unwrap();
    assert_eq!((host.verdict, host.confidence), (Verdict::SynNoAnswer, Confidence::Inferred));
    assert!(!report.findings.iter().any(|f| f.code == "proxy_left_over"));
    // A connection to one of Entra's addresses is what the client wanted.
    let (_, report) = dead().flow(|w| syn(w, "40.126.28.11:443", 1, 5)).lasts(300).case();
    let root = report.diagnosis.root_cause.unwrap();
    assert_eq!((root.host.as_str(), root.verdict), ("40.126.28.11", Verdict::SynNoAnswer));
    let on_its_port = World::new().flow(|w| syn(w, "10.0.0.9:3128", 1, 5)).lasts(200).verdict_of("10.0.0.9");
    assert_eq!(on_its_port, Some(Verdict::SynNoAnswer));
}

fn page(status: u16, location: Option<&str>, title: Option<&str>) -> Option<Verdict> {
    after_hello(|w, f| {
        let at = sends(w, f, Side::Server, 2, 400);
        session(f).plaintext_answer = Some(PlaintextAnswer {
            at,
            by: Side::Server,
            http_status: Some(status),
            first_line: format!("HTTP/1.1 {status}"),
            title: title.map(str::to_owned),
            location: location.map(str::to_owned),
            server: None,
        });
    })
    .verdict()
}

#[test]
fn pages_in_the_hosts_place_block_or_ask_for_a_login() {
    assert_eq!(page(403, None, Some("Web Page Blocked")), Some(Verdict::BlockPage));
    assert_eq!(page(302, Some("http://portal.hotel.example/login"), None), Some(Verdict::CaptivePortal));
    assert_eq!(page(302, Some("http://blocked.corp.example/"), None), Some(Verdict::BlockPage));
}

#[test]
fn what_comes_after_an_answered_challenge_counts() {
    let second = |status, credentials: bool| {
        World::new()
            .flow(|w| {
                let mut f = asks_proxy(w, Some(407), &["Basic"]);
                fin(w, &mut f, 2, Side::Client);
                f
            })
            .flow(|w| {
                let mut f = asks_proxy(w, Some(status), &[]);
                f.app.http[0].proxy_authorization = credentials.then(|| "Basic".to_owned());
                fin(w, &mut f, 3, Side::Client);
                f
            })
            .verdict()
    };
    assert_eq!(second(403, true), Some(Verdict::ProxyDenied));
    assert_eq!(second(502, true), Some(Verdict::ProxyUpstreamError));
    assert_eq!(second(407, true), Some(Verdict::ProxyAuthRequired));
    assert_eq!(second(403, false), Some(Verdict::ProxyAuthRequired), "without credentials nothing was answered");
}

#[test]
fn the_proxys_own_answer_is_no_byte_of_the_host() {
    let in_tunnel = |end: fn(&mut World, &mut Flow)| {
        World::new()
            .flow(|w| {
                let mut f = asks_proxy(w, Some(200), &[]);
                hello(w, &mut f, 3, HOST, 0x0304);
                session(&mut f).tunnel = Some(format!("{HOST}:443"));
                f.app.http[0].tunnel_bytes = [517, 0];
                f.sides[0].acked_bytes = 617;
                end(w, &mut f);
                f
            })
            .verdict()
    };
    assert_eq!(in_tunnel(|w, f| fin(w, f, 90, Side::Client)), Some(Verdict::SilentAfterClientHello));
    assert_eq!(in_tunnel(|w, f| fin(w, f, 5, Side::Server)), Some(Verdict::ClosedBeforeServerHello));
    assert_eq!(in_tunnel(|w, f| rst(w, f, 5, Side::Server, 116)), Some(Verdict::ResetAfterClientHello));
}

#[test]
fn a_tunnel_whose_connect_was_not_captured_belongs_to_the_host_behind_it() {
    let w = World::new().flow(|w| asks_proxy(w, Some(403), &[])).flow(|w| {
        let mut f = established(w, PROXY, 5);
        hello(w, &mut f, 5, "management.azure.com", 0x0303);
        server_hello(w, &mut f, 6, 0x0303);
        certificate(w, &mut f, 6, ("Contoso Web Gateway CA", "Contoso"), "management.azure.com");
        complete(w, &mut f, 7);
        f
    });
    let (_, report) = w.case();
    let verdict = |name: &str| report.hosts.iter().find(|h| h.name == name).map(|h| h.verdict);
    assert_eq!(verdict("management.azure.com"), Some(Verdict::Intercepted));
    assert_eq!(verdict("10.30.0.5"), Some(Verdict::Ok), "the proxy itself shows no certificate");
}

fn socks(then: impl FnOnce(&mut World, &mut Flow, &mut SocksFact)) -> World {
    World::new().flow(|w| {
        let mut f = established(w, "10.30.0.5:1080", 1);
        let at = sends(w, &mut f, Side::Client, 1, 3);
        let mut fact = SocksFact { version: 5, at, methods: vec![0], ..SocksFact::default() };
        then(w, &mut f, &mut fact);
        f.app.socks = Some(Box::new(fact));
        f
    })
}

#[test]
fn socks_replies_decide_for_the_host_and_refused_users_for_the_proxy() {
    let replied = |reply| {
        socks(|w, f, fact| {
            fact.method = Some(0);
            fact.target = Some(format!("{HOST}:443"));
            fact.request_at = Some(sends(w, f, Side::Client, 2, 30));
            fact.reply_at = Some(sends(w, f, Side::Server, 3, 10));
            fact.reply = Some(reply);
        })
        .verdict()
    };
    assert_eq!(replied(2), Some(Verdict::ProxyDenied));
    for reply in [1, 3, 4, 5, 6] {
        assert_eq!(replied(reply), Some(Verdict::ProxyUpstreamError), "{reply}");
    }
    let proxy = |then: fn(&mut World, &mut Flow, &mut SocksFact)| socks(then).verdict_of("10.30.0.5");
    let no_method = proxy(|w, f, fact| {
        fact.method = Some(0xFF);
        sends(w, f, Side::Server, 2, 2);
    });
    assert_eq!(no_method, Some(Verdict::ProxyAuthRequired));
    let bad_user = proxy(|w, f, fact| {
        (fact.method, fact.auth_status) = (Some(2), Some(1));
        sends(w, f, Side::Server, 2, 4);
    });
    assert_eq!(bad_user, Some(Verdict::ProxyAuthRequired));
    assert_eq!(
        proxy(|w, f, _| fin(w, f, 80, Side::Client)),
        Some(Verdict::ProxyNoResponse),
        "the greeting stays alone"
    );
}

#[test]
fn tls_to_a_plain_port_is_seen_on_any_port_of_a_machine_inside() {
    let w = World::new().asks("gw1.fabrikam.example", Some(0), &["10.9.0.7"]).flow(|w| {
        let mut f = established(w, "10.9.0.7:9480", 1);
        hello(w, &mut f, 1, "gw1.fabrikam.example", 0x0304);
        fin(w, &mut f, 2, Side::Server);
        f
    });
    let (_, report) = w.case();
    assert!(report.findings.iter().any(|f| f.code == "tls_to_proxy"));
    assert_eq!(report.diagnosis.root_cause.unwrap().host, "gw1.fabrikam.example");
}

#[test]
fn a_slow_answer_degrades_and_breaks_nothing() {
    let waits = |tenths: i64| {
        World::new()
            .flow(|w| {
                let mut f = established(w, SERVER, 1);
                hello(w, &mut f, 1, HOST, 0x0304);
                server_hello(w, &mut f, 1 + tenths, 0x0304);
                complete(w, &mut f, 2 + tenths);
                f
            })
            .verdict()
    };
    assert_eq!(waits(10), Some(Verdict::Ok));
    assert_eq!(waits(90), Some(Verdict::Degraded));
}

#[test]
fn silence_after_the_answer_to_a_challenge_is_no_challenge() {
    let w = World::new().flow(|w| asks_proxy(w, Some(407), &["Negotiate"])).flow(|w| {
        let mut f = asks_proxy(w, None, &[]);
        f.app.http[0].proxy_authorization = Some("Negotiate".into());
        fin(w, &mut f, 300, Side::Client);
        f
    });
    assert_eq!(w.verdict(), Some(Verdict::ProxyNoResponse));
}

#[test]
fn a_page_that_says_it_blocks_is_a_refusal_whatever_its_status() {
    let says = |title: &str| {
        let w = World::new().flow(|w| {
            let mut f = asks_proxy(w, Some(503), &[]);
            f.app.http[0].title = Some(title.to_owned());
            f
        });
        w.lasts(60).verdict()
    };
    assert_eq!(says("Web Page Blocked"), Some(Verdict::ProxyDenied));
    assert_eq!(says("Service Unavailable"), Some(Verdict::ProxyUpstreamError));
}

/// A tunnel that works, then tries that the proxy refuses.
fn dies(later: i64, also_direct: bool) -> Outcome {
    let mut w = World::new().flow(|w| {
        let mut f = asks_proxy(w, Some(200), &[]);
        f.app.http[0].tunnel_bytes = [3000, 9000];
        hello(w, &mut f, 3, HOST, 0x0304);
        session(&mut f).tunnel = Some(format!("{HOST}:443"));
        server_hello(w, &mut f, 4, 0x0304);
        complete(w, &mut f, 5);
        f
    });
    for tenths in [later, later + 20] {
        w = w.flow(|w| {
            let mut f = syn(w, PROXY, tenths, 1);
            rst(w, &mut f, tenths, Side::Server, 60);
            f
        });
    }
    if also_direct {
        w = w.flow(|w| {
            let mut f = established(w, SERVER, later + 30);
            hello(w, &mut f, later + 30, HOST, 0x0304);
            server_hello(w, &mut f, later + 31, 0x0304);
            complete(w, &mut f, later + 32);
            f
        });
    }
    w.lasts(later + 300).case().1.diagnosis.outcome
}

#[test]
fn a_proxy_that_dies_after_it_worked_stops_what_comes_next() {
    assert_eq!(dies(1200, false), Outcome::NetworkFault);
    assert_eq!(dies(1200, true), Outcome::NoNetworkFault, "there is another way");
}

#[test]
fn of_two_proxies_that_died_the_one_that_stopped_the_sign_in_is_told() {
    let refuses = |w: World, proxy: &str, tenths: i64| {
        w.flow(|w| {
            let mut f = syn(w, proxy, tenths, 1);
            rst(w, &mut f, tenths, Side::Server, 60);
            f
        })
    };
    let spare = "10.30.0.4:3128";
    let mut w = refuses(refuses(World::new(), spare, 1), spare, 2);
    w = w.flow(|w| {
        let mut f = asks_proxy(w, Some(200), &[]);
        f.app.http[0].tunnel_bytes = [3000, 9000];
        hello(w, &mut f, 30, HOST, 0x0304);
        session(&mut f).tunnel = Some(format!("{HOST}:443"));
        server_hello(w, &mut f, 31, 0x0304);
        complete(w, &mut f, 32);
        // What the client still sends into the tunnel is no use of it.
        f.last = At { frame: f.last.frame, time: crate::time::Timestamp(200 * SECOND) };
        f
    });
    for tenths in [1200, 1220] {
        w = refuses(w, PROXY, tenths);
    }
    let (_, report) = w.lasts(2500).case();
    assert_eq!(report.diagnosis.outcome, Outcome::NetworkFault);
}

/// An attempt at the proxy `member`, at a time, that is answered with `status`; a tunnel is used.
fn asks_member(w: World, member: &str, tenths: i64, status: u16, credentials: bool, agent: &str) -> World {
    w.flow(|w| {
        let mut f = established(w, member, tenths);
        let request = sends(w, &mut f, Side::Client, tenths, 100);
        let answer = sends(w, &mut f, Side::Server, tenths + 1, 300);
        f.app.http.push(HttpExchange {
            request_at: Some(request),
            method: "CONNECT".into(),
            target: format!("{HOST}:443"),
            status: Some(status),
            response_at: Some(answer),
            proxy_authorization: credentials.then(|| "Basic".into()),
            host: Some(format!("{HOST}:443")),
            user_agent: (!agent.is_empty()).then(|| agent.into()),
            ..HttpExchange::default()
        });
        if status == 200 {
            hello(w, &mut f, tenths + 1, HOST, 0x0304);
            session(&mut f).tunnel = Some(format!("{HOST}:443"));
            server_hello(w, &mut f, tenths + 2, 0x0304);
            complete(w, &mut f, tenths + 3);
        }
        fin(w, &mut f, tenths + 4, Side::Client);
        f
    })
}

#[test]
fn a_program_that_leaves_each_challenge_unanswered_is_not_helped_by_another_that_answers() {
    let az = |w: World, tenths| asks_member(w, PROXY, tenths, 407, false, "");
    let browser = |w: World, tenths| asks_member(w, PROXY, tenths, 200, true, "Mozilla");
    let told = |w: World| {
        let report = w.lasts(600).case().1;
        (report.hosts.iter().find(|h| h.name == HOST).map(|h| h.verdict), report.diagnosis)
    };
    let (verdict, diagnosis) = told(browser(az(az(World::new(), 10), 20), 50));
    assert_eq!((verdict, diagnosis.outcome), (Some(Verdict::ProxyAuthRequired), Outcome::InsufficientEvidence));
    assert!(diagnosis.text.en.contains("never another one of the same client"), "{}", diagnosis.text.en);
    assert_eq!(
        told(az(az(browser(World::new(), 10), 20), 30)).1.outcome,
        Outcome::NetworkFault,
        "nothing came after it"
    );
    let manages = |w: World, tenths| {
        w.flow(|w| {
            let mut f = established(w, PROXY, tenths);
            opens_tunnel(w, &mut f, "management.azure.com", tenths);
            hello(w, &mut f, tenths, "management.azure.com", 0x0304);
            session(&mut f).tunnel = Some("management.azure.com:443".into());
            server_hello(w, &mut f, tenths + 1, 0x0304);
            complete(w, &mut f, tenths + 2);
            f
        })
    };
    // A service of the machine asks all day long.
    let service = told(az(az(manages(browser(World::new(), 10), 20), 30), 40));
    assert_eq!(service.1.outcome, Outcome::InsufficientEvidence);
    assert_eq!(told(manages(browser(az(az(World::new(), 10), 20), 50), 60)).1.outcome, Outcome::NoNetworkFault);
    // Some proxies let only some programs through.
    let denied = |w: World, tenths| asks_member(w, PROXY, tenths, 403, false, "python");
    let (verdict, diagnosis) = told(browser(denied(denied(World::new(), 10), 20), 50));
    assert_eq!((verdict, diagnosis.outcome), (Some(Verdict::ProxyDenied), Outcome::InsufficientEvidence));
    // The first step of a program that answers, and a single one.
    let first = |w: World, tenths| asks_member(w, PROXY, tenths, 407, false, "Mozilla");
    assert_eq!(told(browser(first(first(World::new(), 10), 20), 50)).1.outcome, Outcome::NoNetworkFault);
    assert_eq!(told(browser(az(World::new(), 10), 50)).1.outcome, Outcome::NoNetworkFault);
}

#[test]
fn what_fails_at_one_member_of_a_farm_and_works_at_the_next_is_no_fault() {
    const NEXT: &str = "10.30.0.6:3128";
    let then = |first: u16, member: &str, tenths: i64, second: u16, agent: &str| {
        let w = asks_member(World::new(), PROXY, 10, first, false, "az");
        asks_member(w, member, tenths, second, true, agent).lasts(600).verdict()
    };
    assert_eq!(then(407, NEXT, 15, 200, "az"), Some(Verdict::Ok));
    assert_eq!(then(503, NEXT, 15, 200, "az"), Some(Verdict::Ok));
    assert_eq!(then(503, NEXT, 60, 200, "az"), Some(Verdict::Degraded));
    assert_eq!(then(407, NEXT, 20, 502, "az"), Some(Verdict::ProxyUpstreamError), "the challenge was answered");
    // Whatever tells of another program, or of another time.
    assert_eq!(then(407, NEXT, 20, 200, "Chrome"), Some(Verdict::ProxyAuthRequired));
    assert_eq!(then(407, NEXT, 15, 200, ""), Some(Verdict::Ok), "at once");
    assert_eq!(then(407, NEXT, 30, 200, ""), Some(Verdict::ProxyAuthRequired), "one says its name, the other does not");
    assert_eq!(then(503, NEXT, 200, 200, "az"), Some(Verdict::ProxyUpstreamError));
    assert_eq!(then(503, "10.30.0.6:8080", 20, 200, "az"), Some(Verdict::ProxyUpstreamError));
    assert_eq!(then(403, NEXT, 20, 200, "az"), Some(Verdict::ProxyDenied), "a decision, not a failure");
    // The failure comes last.
    let w = asks_member(World::new(), NEXT, 10, 200, true, "az");
    let last = asks_member(w, PROXY, 20, 407, false, "az").lasts(600);
    assert_eq!(last.verdict(), Some(Verdict::ProxyAuthRequired));
}
