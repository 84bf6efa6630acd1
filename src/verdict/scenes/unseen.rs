//! What the capture, the snap length or the other side keeps back: what is still told, and what no longer is.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::flow::Side;
use crate::report::{Outcome, Report};
use crate::verdict::Confidence;

const MANAGEMENT: &str = "management.azure.com";

/// A tunnel that works.
fn tunnel(w: &mut World, host: &str, tenths: i64) -> Flow {
    let mut f = established(w, PROXY, tenths);
    opens_tunnel(w, &mut f, host, tenths);
    hello(w, &mut f, tenths, host, 0x0304);
    session(&mut f).tunnel = Some(format!("{host}:443"));
    server_hello(w, &mut f, tenths + 1, 0x0304);
    complete(w, &mut f, tenths + 2);
    f
}

/// An answer of the proxy to a request that the capture misses.
fn refuses_unseen(w: &mut World, status: u16, tenths: i64) -> Flow {
    let mut f = established(w, PROXY, tenths);
    f.sides[0].missed_bytes = 111;
    let response = sends(w, &mut f, Side::Server, tenths, 60);
    f.app.http.push(HttpExchange { status: Some(status), response_at: Some(response), ..HttpExchange::default() });
    f
}

fn has(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|f| f.code == code)
}

#[test]
fn a_refusal_of_a_request_that_is_not_in_the_capture_leaves_the_case_open() {
    for status in [403, 407, 502, 503, 504] {
        let w = World::new().flow(|w| tunnel(w, HOST, 1)).flow(|w| refuses_unseen(w, status, 20));
        let (_, report) = w.lasts(60).case();
        assert_eq!(report.diagnosis.outcome, Outcome::InsufficientEvidence, "{status}");
        let told = report.findings.iter().find(|f| f.code == "inconclusive").unwrap();
        assert!(told.detail.en.contains(&status.to_string()) && told.host.as_deref() == Some("10.30.0.5"));
        assert!(!has(&report, "step_missing"), "nobody knows that nothing was asked");
        let proxy = report.hosts.iter().find(|h| h.name == "10.30.0.5").unwrap();
        assert_eq!(proxy.verdict, Verdict::Ok, "the proxy itself was reached");
    }
    // What the sign-in needs was reached after it, or was already.
    let w = World::new().flow(|w| refuses_unseen(w, 403, 1)).flow(|w| tunnel(w, HOST, 20));
    assert_eq!(w.lasts(60).case().1.diagnosis.outcome, Outcome::NoNetworkFault);
    let w = World::new().flow(|w| tunnel(w, HOST, 1)).flow(|w| tunnel(w, MANAGEMENT, 10));
    assert_eq!(w.flow(|w| refuses_unseen(w, 403, 20)).lasts(60).case().1.diagnosis.outcome, Outcome::NoNetworkFault);
    // A challenge that was met on another connection was a step on the way.
    let w = World::new().flow(|w| tunnel(w, HOST, 1)).flow(|w| refuses_unseen(w, 407, 20));
    let w = w.flow(|w| tunnel(w, "www.example.com", 21));
    assert_eq!(w.lasts(60).case().1.diagnosis.outcome, Outcome::NoNetworkFault);
    // A page of some server is no refusal of a proxy.
    let w = World::new().flow(|w| tunnel(w, HOST, 1)).flow(|w| refuses_unseen(w, 404, 20));
    assert_eq!(w.lasts(60).case().1.diagnosis.outcome, Outcome::NoNetworkFault);
}

#[test]
fn a_tunnel_with_bytes_of_the_server_was_granted_though_the_answer_is_not_in_the_capture() {
    let granted = |down| {
        let w = World::new().flow(|w| {
            let mut f = tunnel(w, HOST, 1);
            let connect = &mut f.app.http[0];
            (connect.status, connect.response_at, connect.tunnel_bytes) = (None, None, [3000, down]);
            f.sides[1].missed_bytes = 34;
            f
        });
        w.lasts(60).verdict()
    };
    assert_eq!(granted(9000), Some(Verdict::Ok));
    assert_eq!(granted(0), Some(Verdict::Inconclusive));
}

#[test]
fn behind_a_hello_that_cannot_be_read_the_end_that_was_seen_is_told() {
    let ends = |end: fn(&mut World, &mut Flow), missed| {
        let w = World::new().resolves().with_life().flow(|w| {
            let mut f = established(w, SERVER, 1);
            sends(w, &mut f, Side::Client, 1, 517);
            f.sides[0].acked_bytes = 517;
            f.sides[1].missed_bytes = missed;
            end(w, &mut f);
            f
        });
        let (_, report) = w.lasts(100).case();
        let host = report.hosts.iter().find(|h| h.name == HOST).unwrap();
        (host.verdict, host.confidence)
    };
    let (reset, closed): (fn(&mut World, &mut Flow), fn(&mut World, &mut Flow)) =
        (|w, f| rst(w, f, 2, Side::Server, 116), |w, f| fin(w, f, 2, Side::Server));
    assert_eq!(ends(reset, 0), (Verdict::ResetAfterClientHello, Confidence::Inferred));
    assert_eq!(ends(closed, 0), (Verdict::ClosedBeforeServerHello, Confidence::Inferred));
    assert_eq!(ends(|_, _| (), 0), (Verdict::SilentAfterClientHello, Confidence::Inferred));
    for end in [reset, closed] {
        assert_eq!(ends(end, 7).0, Verdict::Inconclusive, "an answer that is not in the capture, perhaps");
    }
}

#[test]
fn a_silence_that_nobody_waited_for_gives_way_to_an_end_that_was_seen() {
    let then = |tenths, end: fn(&mut World, &mut Flow, i64)| {
        let w = World::new().resolves().with_life().flow(|w| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, 0x0304);
            f.sides[0].acked_bytes = 517;
            f
        });
        let w = w.flow(|w| {
            let mut f = established(w, SERVER, tenths);
            hello(w, &mut f, tenths, HOST, 0x0304);
            end(w, &mut f, tenths);
            f
        });
        w.lasts(400).verdict()
    };
    let reset: fn(&mut World, &mut Flow, i64) = |w, f, t| rst(w, f, t, Side::Server, 116);
    assert_eq!(then(3, reset), Some(Verdict::ResetAfterClientHello));
    assert_eq!(then(3, |w, f, t| fin(w, f, t, Side::Server)), Some(Verdict::ClosedBeforeServerHello));
    assert_eq!(then(100, reset), Some(Verdict::SilentAfterClientHello), "ten seconds are a wait");
}

#[test]
fn a_server_that_closes_before_a_byte_refuses_and_an_idle_connection_that_ends_does_not() {
    let accepted = |shut: bool, end: fn(&mut World, &mut Flow)| {
        let w = World::new().resolves().flow(|w| {
            let mut f = established(w, SERVER, 1);
            f.tcp.as_mut().unwrap().never_opened = shut;
            end(w, &mut f);
            f
        });
        w.lasts(400).verdict()
    };
    assert_eq!(accepted(false, |w, f| fin(w, f, 2, Side::Server)), Some(Verdict::ClosedBeforeServerHello));
    assert_eq!(accepted(false, |w, f| fin(w, f, 210, Side::Server)), Some(Verdict::Inconclusive));
    let client_first: fn(&mut World, &mut Flow) = |w, f| {
        fin(w, f, 2, Side::Client);
        fin(w, f, 3, Side::Server);
    };
    assert_eq!(accepted(false, client_first), Some(Verdict::Inconclusive), "a probe");
    let late: fn(&mut World, &mut Flow) = |w, f| rst(w, f, 210, Side::Server, 60);
    assert_eq!(accepted(false, late), Some(Verdict::Inconclusive));
    assert_eq!(accepted(true, late), Some(Verdict::Refused), "nothing could be sent into a window of 0");
}

#[test]
fn connections_on_which_nobody_speaks_take_nothing_from_a_host_that_was_reached() {
    let mut w = after_hello(|w, f| {
        server_hello(w, f, 2, 0x0304);
        complete(w, f, 3);
    });
    for n in 0..3 {
        w = w.flow(|w| {
            let mut f = established(w, SERVER, 20 + 10 * n);
            fin(w, &mut f, 21 + 10 * n, Side::Server);
            f
        });
    }
    assert_eq!(w.lasts(400).verdict(), Some(Verdict::Ok));
}

/// What the report says of a handshake that the client ends by an alert.
fn refused(version: u16, shown: bool, description: u8, revocation_fails: bool) -> String {
    let mut w = World::new();
    if revocation_fails {
        w = w.asks("oneocsp.microsoft.com", Some(0), &["204.79.197.203"]);
        w = w.flow(|w| syn(w, "204.79.197.203:80", 1, 5));
    }
    let w = w.resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        server_hello(w, &mut f, 2, version);
        if shown {
            certificate(w, &mut f, 2, GENUINE, HOST);
        }
        alert(w, &mut f, 150, Side::Client, description);
        f
    });
    let (_, report) = w.lasts(200).case();
    let told = report.findings.iter().find(|f| f.host.as_deref() == Some(HOST)).unwrap();
    format!("{}. {} {}", told.title.en, told.detail.en, told.advice.en)
}

#[test]
fn why_a_certificate_was_refused_is_told_as_the_client_says_it() {
    let says = |description, what: &str| {
        let text = refused(0x0303, true, description, false);
        assert!(text.contains(what), "{description}: {text}");
        assert_eq!(text.contains("not trusted"), what == "not trusted", "{description}: {text}");
    };
    says(42, "not trusted");
    says(43, "no reason");
    says(44, "revoked by its issuer");
    says(45, "expired");
    says(46, "no reason");
    says(48, "not trusted");
    let text = refused(0x0303, true, 46, true);
    assert!(text.contains("oneocsp.microsoft.com"), "{text}");
    assert!(!refused(0x0303, true, 44, true).contains("oneocsp"), "it says that it was revoked");
}

#[test]
fn an_alert_of_the_client_is_not_told_as_one_of_the_server() {
    for description in [51, 80] {
        let text = refused(0x0303, true, description, false);
        assert!(text.contains("from client") && !text.contains("genuine Microsoft host"), "{text}");
    }
}

#[test]
fn only_tls_1_3_hides_a_certificate() {
    assert!(refused(0x0304, false, 48, false).contains("hidden by TLS 1.3"));
    let text = refused(0x0303, false, 48, false);
    assert!(text.contains("not in the capture") && !text.contains("TLS 1.3"), "{text}");
    assert!(refused(0x0304, false, 46, true).contains("oneocsp.microsoft.com"));
}

#[test]
fn a_proxy_of_the_pac_file_whose_name_does_not_resolve_is_the_proxy() {
    let pac = |named: &'static str| {
        let w = World::new().with_life().flow(move |w| {
            let mut f = established(w, "10.0.0.80:80", 1);
            let request_at = Some(sends(w, &mut f, Side::Client, 1, 100));
            let response_at = Some(sends(w, &mut f, Side::Server, 1, 200));
            f.app.http.push(HttpExchange {
                request_at,
                response_at,
                method: "GET".into(),
                target: "/wpad.dat".into(),
                host: Some("wpad.corp.example".into()),
                status: Some(200),
                body_head: format!("function FindProxyForURL(u,h){{return \"PROXY {named}:8080\";}}"),
                ..HttpExchange::default()
            });
            f
        });
        w.asks("out.corp.example", Some(3), &[]).lasts(60).case().1.diagnosis
    };
    let root = pac("out.corp.example").root_cause.unwrap();
    assert_eq!((root.host.as_str(), root.verdict), ("out.corp.example", Verdict::DnsFailure));
    assert!(pac("other.corp.example").root_cause.is_none(), "some name that does not exist");
}

#[test]
fn the_port_of_a_proxy_on_the_machine_itself_is_one_there_only() {
    let refused = |server: &'static str| {
        let w = World::new().flow(|w| {
            let mut f = syn(w, server, 1, 1);
            rst(w, &mut f, 1, Side::Server, 128);
            f
        });
        w.lasts(60).case().1.diagnosis.root_cause.map(|root| root.verdict)
    };
    assert_eq!(refused("127.0.0.1:9000"), Some(Verdict::Refused));
    assert_eq!(refused("127.0.0.1:9001"), None);
    assert_eq!(refused("203.0.113.9:9000"), None);
}

#[test]
fn a_challenge_behind_which_the_client_goes_on_unseen_refuses_nobody() {
    let then = |goes_on: fn(&mut World, &mut Flow)| {
        let w = World::new().flow(|w| {
            let mut f = asks_proxy(w, Some(407), &["NTLM"]);
            goes_on(w, &mut f);
            f
        });
        w.lasts(60).verdict()
    };
    assert_eq!(then(|_, _| ()), Some(Verdict::ProxyAuthRequired));
    assert_eq!(then(|_, f| f.sides[0].missed_bytes = 439), Some(Verdict::Inconclusive));
    assert_eq!(then(|w, f| _ = sends(w, f, Side::Client, 3, 2)), Some(Verdict::ProxyAuthRequired));
    let cut = |w: &mut World, f: &mut Flow| {
        sends(w, f, Side::Client, 3, 517);
        f.sides[0].cut_bytes = 400;
    };
    assert_eq!(then(cut), Some(Verdict::Inconclusive));
    fn answered(w: &mut World, f: &mut Flow, status: u16) {
        let response_at = Some(sends(w, f, Side::Server, 3, 300));
        f.app.http.push(HttpExchange { status: Some(status), response_at, ..HttpExchange::default() });
    }
    assert_eq!(then(|w, f| answered(w, f, 200)), Some(Verdict::Inconclusive));
    assert_eq!(then(|w, f| answered(w, f, 408)), Some(Verdict::ProxyAuthRequired));
}

#[test]
fn an_empty_tunnel_is_empty_only_as_far_as_the_capture_is_whole() {
    let ends = |missed: [u64; 2]| {
        let w = World::new().flow(|w| {
            let mut f = established(w, PROXY, 1);
            opens_tunnel(w, &mut f, HOST, 1);
            f.app.http[0].tunnel_bytes = [0, 0];
            for (side, missed) in f.sides.iter_mut().zip(missed) {
                side.missed_bytes = missed;
            }
            fin(w, &mut f, 2, Side::Server);
            f
        });
        let (_, report) = w.lasts(60).case();
        let host = report.hosts.iter().find(|h| h.name == HOST).unwrap();
        let told = report.findings.iter().find(|f| f.code == "proxy_no_response").map(|f| f.detail.en.clone());
        (host.verdict, told)
    };
    let (verdict, told) = ends([0, 0]);
    assert_eq!(verdict, Verdict::ProxyNoResponse);
    assert!(told.is_some_and(|text| text.contains("(200)") && !text.contains("no answer")));
    assert_eq!(ends([316, 0]).0, Verdict::Inconclusive);
    assert_eq!(ends([0, 1539]).0, Verdict::Inconclusive);
}

#[test]
fn a_reset_of_a_connection_that_the_client_uses_answers_no_syn() {
    let reset_after = |acknowledged: bool| {
        let w = World::new().resolves().flow(|w| {
            let mut f = syn(w, SERVER, 1, 1);
            if acknowledged {
                f.tcp.as_mut().unwrap().established = Some(w.at(1));
                hello(w, &mut f, 1, HOST, 0x0304);
            }
            rst(w, &mut f, 2, Side::Server, 116);
            f
        });
        w.lasts(60).verdict()
    };
    assert_eq!(reset_after(true), Some(Verdict::ResetAfterClientHello));
    assert_eq!(reset_after(false), Some(Verdict::Refused));
}

#[test]
fn where_both_families_fail_the_failure_of_ipv4_is_told() {
    let w = World::new().with_life().asks(HOST, Some(0), &["2603:1006:2000::20", "20.190.151.7"]).flow(|w| {
        let mut f = syn(w, "[2603:1006:2000::20]:443", 1, 1);
        f.ends.client = end("[2001:db8::5]:50000");
        rst(w, &mut f, 1, Side::Server, 64);
        f
    });
    assert_eq!(w.flow(|w| syn(w, SERVER, 2, 4)).lasts(300).verdict(), Some(Verdict::SynNoAnswer));
}

#[test]
fn a_truncated_answer_is_a_failure_only_where_time_for_another_went_by() {
    let truncated = |tenths: i64| {
        let mut w = World::new().with_life().asks(HOST, Some(0), &[]);
        w.facts.dns.last_mut().unwrap().truncated = true;
        w.lasts(tenths).verdict()
    };
    assert_eq!(truncated(3), Some(Verdict::Inconclusive));
    assert_eq!(truncated(90), Some(Verdict::DnsFailure));
}

#[test]
fn a_later_answer_as_long_as_a_handshake_that_the_capture_misses_leaves_a_refusal_open() {
    let then = |missed: u64| {
        let refused = World::new().resolves().flow(|w| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, 0x0304);
            alert(w, &mut f, 2, Side::Server, 40);
            f
        });
        let w = refused.flow(|w| {
            let mut f = established(w, SERVER, 5);
            hello(w, &mut f, 5, HOST, 0x0304);
            f.sides[1].missed_bytes = missed;
            fin(w, &mut f, 9, Side::Client);
            f
        });
        w.lasts(90).verdict()
    };
    assert_eq!(then(2_600), Some(Verdict::Inconclusive));
    assert_eq!(then(7), Some(Verdict::TlsAlert), "the same alert again");
}

#[test]
fn an_error_for_ipv6_alone_leaves_open_what_ipv4_would_have_given() {
    let asked = |kinds: &[u16], rcode| {
        let ask = |w: World, kind: &u16| w.asks_for(0, *kind, HOST, Some(rcode), &[]);
        kinds.iter().fold(World::new().with_life(), ask).lasts(90).verdict()
    };
    assert_eq!(asked(&[28, 28], 2), Some(Verdict::Inconclusive));
    assert_eq!(asked(&[1, 28], 2), Some(Verdict::DnsFailure));
    assert_eq!(asked(&[28, 28], 3), Some(Verdict::DnsFailure), "there is no such name");
}
