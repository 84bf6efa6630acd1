//! What is said of a failure and what to do about it: the port that was tried, a portal or an agent in the way, the
//! client itself, versions without a common one.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::finding::{Finding, Severity};
use crate::flow::{Ends, Side};
use crate::report::{Outcome, Report};
use std::sync::Arc;

const PROBE: &str = "www.msftconnecttest.com";
const ARM: &str = "management.azure.com";

fn finding<'a>(report: &'a Report, code: &str, host: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|f| f.code == code && f.host.as_deref() == Some(host))
}

fn advice(report: &Report, code: &str, host: &str) -> String {
    finding(report, code, host).map(|f| f.advice.en.clone()).unwrap_or_default()
}

fn meets_portal(w: &mut World) -> Flow {
    asks_plainly(w, PROBE, "/connecttest.txt", 1, 302, Some("http://portal.hotel.example/login"))
}

fn reset_at(w: &mut World, tenths: i64) -> Flow {
    let mut f = established(w, SERVER, tenths);
    hello(w, &mut f, tenths, HOST, 0x0304);
    rst(w, &mut f, tenths + 1, Side::Server, 116);
    f
}

fn works_at(w: &mut World, tenths: i64) -> Flow {
    let mut f = established(w, SERVER, tenths);
    hello(w, &mut f, tenths, HOST, 0x0304);
    server_hello(w, &mut f, tenths + 1, 0x0304);
    complete(w, &mut f, tenths + 2);
    f
}

fn speaks_of_portal(report: &Report) -> bool {
    let diagnosis = &report.diagnosis;
    diagnosis.text.en.contains("captive portal") && diagnosis.next_step.en.starts_with("Open a browser on the client")
}

#[test]
fn a_portal_that_answers_every_name_with_its_own_address_is_one_all_the_same() {
    let own = |w: World, name: &str| w.asks(name, Some(0), &["10.1.1.1"]);
    let meets = |w: &mut World| {
        let mut f = asks_plainly(w, PROBE, "/connecttest.txt", 1, 302, Some("http://10.1.1.1/login"));
        f.ends.server = end("10.1.1.1:80");
        f
    };
    let (_, report) = own(own(World::new(), PROBE), HOST).flow(meets).lasts(90).case();
    let root = report.diagnosis.root_cause.as_ref().unwrap();
    assert_eq!((root.host.as_str(), root.verdict), (HOST, Verdict::DnsSinkhole));
    assert!(speaks_of_portal(&report), "{}", report.diagnosis.next_step.en);
}

#[test]
fn a_portal_that_was_never_passed_comes_before_the_advice_on_what_failed_behind_it() {
    let (_, report) = World::new().resolves().flow(meets_portal).flow(|w| reset_at(w, 10)).case();
    let root = report.diagnosis.root_cause.as_ref().unwrap();
    assert_eq!((root.host.as_str(), root.verdict), (HOST, Verdict::ResetAfterClientHello), "the verdict stays");
    assert!(speaks_of_portal(&report), "{}", report.diagnosis.next_step.en);
    assert_eq!(finding(&report, "captive_portal", PROBE).map(|f| f.severity), Some(Severity::Critical));
    let asked_later = World::new()
        .resolves()
        .flow(|w| reset_at(w, 1))
        .flow(|w| asks_plainly(w, PROBE, "/connecttest.txt", 10, 302, Some("http://portal.hotel.example/login")));
    assert!(speaks_of_portal(&asked_later.case().1));
    // Somebody logged in: the host was reached behind the portal's answer.
    let passed = World::new().resolves().flow(meets_portal).flow(|w| works_at(w, 5));
    let (_, report) = passed.flow(|w| reset_at(w, 300)).flow(|w| reset_at(w, 400)).case();
    assert_eq!(report.diagnosis.root_cause.as_ref().map(|r| r.host.as_str()), Some(HOST));
    assert!(!speaks_of_portal(&report));
    assert_eq!(finding(&report, "captive_portal", PROBE).map(|f| f.severity), Some(Severity::Warning));
    // So was another host, which the sign-in does not need, but for the portal's own pages.
    let to = |name: &'static str| {
        let w = World::new().resolves().flow(meets_portal).flow(move |w| {
            let mut f = established(w, "52.96.10.2:443", 50);
            hello(w, &mut f, 50, name, 0x0304);
            server_hello(w, &mut f, 51, 0x0304);
            complete(w, &mut f, 52);
            f
        });
        w.flow(|w| reset_at(w, 300)).flow(|w| reset_at(w, 400)).case().1
    };
    assert!(!speaks_of_portal(&to("teams.microsoft.com")));
    assert!(speaks_of_portal(&to("portal.hotel.example")) && speaks_of_portal(&to("static.hotel.example")));
    // Another machine's portal.
    let other = World::new().resolves().flow(meets_portal).flow(|w| {
        let mut f = reset_at(w, 10);
        f.ends.client.set_ip(ip("10.9.9.9"));
        f
    });
    assert!(!speaks_of_portal(&other.case().1));
}

#[test]
fn nobody_is_told_to_trust_a_portals_certificate() {
    let shown = |w: World| {
        w.flow(|w| {
            let mut f = established(w, SERVER, 10);
            hello(w, &mut f, 10, HOST, 0x0303);
            server_hello(w, &mut f, 11, 0x0303);
            certificate(w, &mut f, 11, ("localhost.localdomain", "Default Company Ltd"), "localhost.localdomain");
            alert(w, &mut f, 12, Side::Client, 48);
            f
        })
    };
    let (_, report) = shown(World::new().resolves().flow(meets_portal)).case();
    let told = advice(&report, "intercepted", HOST);
    assert!(told.starts_with("Open a browser") && told.contains("Do not add"), "{told}");
    let (_, report) = shown(World::new().resolves()).case();
    assert!(advice(&report, "intercepted", HOST).contains("add the inspecting root certificate"));
    let agent = World::new().resolves().flow(meets_portal).flow(|w| {
        let mut f = established(w, SERVER, 10);
        hello(w, &mut f, 10, HOST, 0x0303);
        server_hello(w, &mut f, 11, 0x0303);
        certificate(w, &mut f, 11, ("Zscaler Intermediate Root CA (zscaler.net)", "Zscaler Inc."), HOST);
        alert(w, &mut f, 12, Side::Client, 48);
        f
    });
    let told = advice(&agent.case().1, "intercepted", HOST);
    assert!(told.starts_with("Open a browser") && told.contains("add the inspecting root certificate"), "{told}");
}

#[test]
fn a_probe_that_windows_sends_on_by_design_met_no_portal() {
    let sent_to = |target: &str, location: &str| {
        let (target, location) = (target.to_owned(), location.to_owned());
        World::new().flow(move |w| asks_plainly(w, PROBE, &target, 1, 302, Some(&location))).verdict_of(PROBE)
    };
    let home = "http://go.microsoft.com/fwlink/?LinkID=219472&clcid=0x409";
    assert_eq!(sent_to("/redirect", home), Some(Verdict::Ok));
    assert_eq!(sent_to("/connecttest.txt", home), Some(Verdict::CaptivePortal));
    assert_eq!(sent_to("/redirect", "http://portal.hotel.example/login"), Some(Verdict::CaptivePortal));
}

#[test]
fn advice_names_the_port_that_was_tried() {
    let dropped = |name: &'static str, end: &'static str| {
        let w = World::new().with_life().asks(name, Some(0), &[end.rsplit_once(':').unwrap().0]);
        w.flow(|w| syn(w, end, 1, 4)).lasts(300).case().1
    };
    let federation = advice(&dropped("sts.contoso.com", "203.0.113.77:49443"), "syn_no_answer", "sts.contoso.com");
    assert!(federation.contains("Allow TCP 49443 to sts.contoso.com") && federation.contains("sts.contoso.com:49443"));
    assert!(!federation.contains("443 to sts") || federation.contains("49443 to sts"), "{federation}");
    let (_, beside) = World::new()
        .asks("sts.contoso.com", Some(0), &["203.0.113.77"])
        .flow(|w| {
            let mut f = established(w, "203.0.113.77:443", 1);
            hello(w, &mut f, 1, "sts.contoso.com", 0x0304);
            server_hello(w, &mut f, 2, 0x0304);
            complete(w, &mut f, 3);
            f
        })
        .flow(|w| syn(w, "203.0.113.77:49443", 200, 4))
        .flow(|w| syn(w, "203.0.113.77:49443", 250, 4))
        .lasts(600)
        .case();
    let told = finding(&beside, "syn_no_answer", "sts.contoso.com").map(|f| f.detail.en.clone()).unwrap_or_default();
    assert!(told.contains("It was reached on port 443 before that"), "{told}");
    let ocsp = advice(&dropped("oneocsp.microsoft.com", "13.107.4.53:80"), "syn_no_answer", "oneocsp.microsoft.com");
    assert!(ocsp.contains("Allow TCP 80 to") && !ocsp.contains("HTTPS_PROXY"), "{ocsp}");
    let login = advice(&dropped(HOST, SERVER), "syn_no_answer", HOST);
    assert!(login.contains("Allow TCP 443 to") && login.contains("HTTPS_PROXY"), "{login}");
    let proxy = World::new().with_life().asks("proxy.contoso.com", Some(0), &["10.9.0.7"]);
    let (_, proxy) = proxy.flow(|w| syn(w, "10.9.0.7:8080", 1, 4)).lasts(300).case();
    let proxy = advice(&proxy, "syn_no_answer", "proxy.contoso.com");
    assert!(proxy.contains("port (8080)") && !proxy.contains("443"), "{proxy}");
}

#[test]
fn the_metadata_service_is_never_sent_through_a_proxy() {
    let name = "169.254.169.254";
    let (_, report) = World::new().with_life().flow(|w| syn(w, "169.254.169.254:80", 1, 4)).lasts(300).case();
    let told = advice(&report, "syn_no_answer", name);
    assert!(told.contains("NO_PROXY=169.254.169.254"), "{told}");
    assert!(!told.contains("HTTPS_PROXY") && !told.contains("Allow TCP"), "{told}");
}

#[test]
fn a_known_host_of_microsofts_is_no_proxy_and_no_internal_server() {
    let refused = |name: &'static str, server: &'static str| {
        let w = World::new().asks(name, Some(0), &[server.rsplit_once(':').unwrap().0]);
        let (_, report) = w
            .flow(|w| {
                let mut f = syn(w, server, 1, 1);
                rst(w, &mut f, 1, Side::Server, 116);
                f
            })
            .case();
        advice(&report, "refused", name)
    };
    let login = refused(HOST, SERVER);
    assert!(login.starts_with("Allow TCP 443 to login.microsoftonline.com"), "{login}");
    let federation = refused("sts.contoso.com", "203.0.113.77:49443");
    assert!(federation.contains("an internal server") && federation.contains("TCP 49443"), "{federation}");
}

/// Three tries at a host, each of which the client ends.
fn ended(count: i64, make: impl Fn(&mut World, &mut Flow, i64) + Copy) -> Report {
    let mut w = World::new().with_life().asks(ARM, Some(0), &["4.150.240.10"]);
    for i in 0..count {
        w = w.flow(move |w| {
            let tenths = 10 + 50 * i;
            let mut f = established(w, "4.150.240.10:443", tenths);
            make(w, &mut f, tenths);
            f
        });
    }
    w.lasts(600).case().1
}

#[test]
fn what_the_client_ended_itself_is_not_put_down_to_a_short_trace() {
    let after_hello = |w: &mut World, f: &mut Flow, t| {
        hello(w, f, t, ARM, 0x0304);
        rst(w, f, t + 1, Side::Client, 128);
    };
    let report = ended(3, after_hello);
    assert_eq!(report.diagnosis.outcome, Outcome::InsufficientEvidence);
    let told = finding(&report, "ended_by_client", ARM).unwrap();
    assert!(told.detail.en.contains("accepted 3 connections"), "{}", told.detail.en);
    assert_eq!((told.verdict, told.evidence.len()), (Some(Verdict::Inconclusive), 3));
    assert!(finding(&report, "inconclusive", ARM).is_none());
    assert!(report.diagnosis.next_step.en.contains("security software"), "{}", report.diagnosis.next_step.en);
    let at_once = ended(2, |w, f, t| rst(w, f, t, Side::Client, 128));
    assert!(finding(&at_once, "ended_by_client", ARM).is_some(), "it resets what it was granted");
    let twice = ended(2, |w, f, t| fin(w, f, t, Side::Client));
    assert!(finding(&twice, "ended_by_client", ARM).is_none(), "somebody only looked whether the port is open");
    let told = finding(&twice, "inconclusive", ARM).unwrap();
    assert!(told.detail.en.contains("as a port test does"), "{}", told.detail.en);
    let answered = ended(2, |w, f, t| {
        hello(w, f, t, ARM, 0x0304);
        server_hello(w, f, t + 1, 0x0304);
        f.sides[1].acked_bytes = f.sides[1].bytes;
        fin(w, f, t + 2, Side::Client);
    });
    assert!(finding(&answered, "ended_by_client", ARM).is_some());
    assert!(answered.diagnosis.next_step.en.contains("the program's own error"));
    assert!(finding(&ended(1, after_hello), "ended_by_client", ARM).is_none(), "one may have been called off");
    let waited = ended(3, |w, f, t| {
        hello(w, f, t, ARM, 0x0304);
        rst(w, f, t + 20, Side::Client, 128);
    });
    assert!(finding(&waited, "ended_by_client", ARM).is_none(), "two seconds without an answer");
    let open = ended(3, |w, f, t| {
        hello(w, f, t, ARM, 0x0304);
        if t < 100 {
            rst(w, f, t + 1, Side::Client, 128);
        }
    });
    assert!(finding(&open, "ended_by_client", ARM).is_none(), "the last try may have gone on");
}

#[test]
fn a_name_that_resolves_and_is_never_connected_to_points_at_the_client_too() {
    let (_, report) = World::new().with_life().resolves().lasts(300).case();
    assert_eq!(report.diagnosis.outcome, Outcome::InsufficientEvidence);
    assert!(report.diagnosis.next_step.en.contains("host firewall"), "{}", report.diagnosis.next_step.en);
}

#[test]
fn an_address_that_an_agent_made_up_is_no_filters() {
    let reset = |address: &'static str| {
        let server: &'static str = Box::leak(format!("{address}:443").into_boxed_str());
        let w = World::new().asks(HOST, Some(0), &[address]);
        w.flow(|w| {
            let mut f = established(w, server, 1);
            hello(w, &mut f, 1, HOST, 0x0304);
            rst(w, &mut f, 2, Side::Server, 116);
            f
        })
        .case()
        .1
    };
    let report = reset("6.6.0.13");
    assert_eq!(report.diagnosis.root_cause.as_ref().map(|r| r.verdict), Some(Verdict::DnsSinkhole));
    assert!(report.diagnosis.text.en.contains("Global Secure Access"), "{}", report.diagnosis.text.en);
    assert!(report.diagnosis.text.en.contains("What went there failed"), "{}", report.diagnosis.text.en);
    assert!(!advice(&report, "dns_sinkhole", HOST).contains("DNS filter"));
    assert!(!advice(&reset("100.64.1.5"), "dns_sinkhole", HOST).contains("DNS filter"));
    assert!(advice(&reset("10.55.0.9"), "dns_sinkhole", HOST).contains("DNS filter"));
}

#[test]
fn a_public_chain_that_passes_through_a_privatelink_zone_is_no_private_endpoint() {
    let chain = |names: &[&str]| {
        let mut w = World::new().with_life().asks(HOST, Some(0), &["10.0.0.1"]);
        let mut owner = HOST.to_owned();
        let mut answers = Vec::new();
        for name in names {
            answers.push(DnsRecord { name: owner, kind: 5, ttl: 60, data: DnsData::Name((*name).to_owned()) });
            owner = (*name).to_owned();
        }
        let last = w.facts.dns.last_mut().unwrap();
        last.answers.splice(0..0, answers);
        w.flow(|w| syn(w, "10.0.0.1:443", 1, 4)).lasts(300).verdict()
    };
    let zone = "ak.privatelink.msidentity.com";
    assert_eq!(chain(&[zone, "www.tm.ak.prd.aadg.trafficmanager.net"]), Some(Verdict::DnsSinkhole));
    assert_eq!(chain(&[zone]), Some(Verdict::SynNoAnswer), "the address stands in the zone itself");
    let own = chain(&["management.privatelink.azure.com", "pe-arm.corp.contoso.local"]);
    assert_eq!(own, Some(Verdict::SynNoAnswer), "or under a name of the customer's");
    assert_eq!(chain(&["pe-arm.corp.contoso.local"]), Some(Verdict::DnsSinkhole));
}

#[test]
fn a_relay_that_passes_a_refusal_on_is_told_with_the_proxy_behind_it() {
    let relayed = |credentials: bool| {
        let w = World::new().flow(|w| {
            let mut relay = asks_proxy(w, Some(407), &[]);
            relay.ends = Ends { client: end("127.0.0.1:61001"), server: end("127.0.0.1:3128") };
            fin(w, &mut relay, 3, Side::Client);
            relay
        });
        let (_, report) = w
            .flow(|w| {
                let mut behind = asks_proxy(w, Some(407), &["NTLM"]);
                behind.app.http[0].proxy_authorization = credentials.then(|| "NTLM".to_owned());
                fin(w, &mut behind, 2, Side::Server);
                behind
            })
            .case();
        finding(&report, "proxy_auth_required", HOST).unwrap().clone()
    };
    let told = relayed(true);
    assert!(told.detail.en.contains("the proxy behind it, 10.30.0.5:3128"), "{}", told.detail.en);
    assert!(told.detail.en.contains("offers: NTLM") && told.detail.en.contains("sent credentials and was refused"));
    assert!(relayed(false).detail.en.contains("The relay never answered"));
    let alone = World::new().flow(|w| {
        let mut f = asks_proxy(w, Some(407), &[]);
        fin(w, &mut f, 3, Side::Client);
        f
    });
    let told = finding(&alone.case().1, "proxy_auth_required", HOST).unwrap().detail.en.clone();
    assert!(told.contains("with 407. The client never answered"), "{told}");
}

#[test]
fn a_version_that_one_side_lacks_is_no_old_version() {
    let offers = |versions: &'static [u16], then: fn(&mut World, &mut Flow)| {
        let w = World::new().resolves().flow(|w| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, 0x0303);
            Arc::make_mut(&mut session(&mut f).client_hellos[0].offer).supported_versions = versions.to_vec();
            then(w, &mut f);
            f
        });
        let (_, report) = w.case();
        let root = report.diagnosis.root_cause.as_ref().unwrap();
        (root.verdict, report.diagnosis.text.en.clone())
    };
    let refused = |w: &mut World, f: &mut Flow| alert(w, f, 2, Side::Server, 70);
    assert_eq!(offers(&[0x0304, 0x0303], refused).0, Verdict::TlsLegacy, "it lacks both of today's");
    let (verdict, told) = offers(&[0x0304], refused);
    assert_eq!(verdict, Verdict::TlsAlert);
    assert!(told.contains("offers TLS 1.3 only, and what answers does not speak it"), "{told}");
    let (verdict, told) = offers(&[], refused);
    assert_eq!(verdict, Verdict::TlsAlert);
    assert!(told.contains("TLS 1.2 at most"), "{told}");
    let (verdict, told) = offers(&[0x0304], |w, f| {
        server_hello(w, f, 2, 0x0303);
        alert(w, f, 3, Side::Client, 70);
    });
    assert_eq!(verdict, Verdict::TlsAlert);
    assert!(told.contains("the peer chose TLS 1.2"), "{told}");
    let old = offers(&[], |w, f| {
        server_hello(w, f, 2, 0x0302);
        alert(w, f, 3, Side::Client, 70);
    });
    assert_eq!(old.0, Verdict::TlsLegacy);
}

#[test]
fn what_fails_within_the_machine_is_looked_for_there() {
    let reset_by = |server: &'static str| {
        let w = World::new().resolves().flow(move |w| {
            let mut f = established(w, server, 10);
            hello(w, &mut f, 10, HOST, 0x0304);
            rst(w, &mut f, 11, Side::Server, 64);
            f
        });
        advice(&w.case().1, "reset_after_client_hello", HOST)
    };
    assert!(reset_by("127.0.0.1:30606").contains("(127.0.0.1:30606)"), "{}", reset_by("127.0.0.1:30606"));
    assert!(reset_by(SERVER).starts_with("Allow "), "{}", reset_by(SERVER));
}
