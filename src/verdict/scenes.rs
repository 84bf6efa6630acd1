//! One small built capture a verdict, and what becomes of it when one cause changes.

#[cfg(test)]
mod advice;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod course;
#[cfg(test)]
mod inspection;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod nameless;
#[cfg(test)]
mod old;
#[cfg(test)]
mod parting;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod signs;
#[cfg(test)]
mod stopped;
#[cfg(test)]
mod unseen;
#[cfg(test)]
mod world;

use super::Verdict;
use crate::facts::*;
use crate::flow::Side;
use crate::packet::IcmpError;
use crate::report::Outcome;
use crate::time::Timestamp;
use std::sync::Arc;
use world::*;

#[test]
fn a_completed_handshake_is_ok() {
    let w = World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        server_hello(w, &mut f, 2, 0x0304);
        complete(w, &mut f, 3);
        f
    });
    assert_eq!(w.verdict(), Some(Verdict::Ok));
}

#[test]
fn repeated_syns_without_an_answer_are_a_drop_and_a_single_one_is_not() {
    let dropped = |count| World::new().resolves().with_life().flow(|w| syn(w, SERVER, 1, count)).lasts(300).verdict();
    assert_eq!(dropped(3), Some(Verdict::SynNoAnswer));
    assert_eq!(dropped(1), Some(Verdict::Inconclusive));
}

#[test]
fn silence_in_a_one_sided_capture_proves_nothing() {
    let one_sided = || {
        World::new().flow(|w| {
            let mut f = syn(w, "93.184.216.34:443", 0, 1);
            let tcp = f.tcp.as_mut().unwrap();
            (tcp.established, tcp.one_sided) = (Some(f.first), true);
            hello(w, &mut f, 1, "www.example.com", 0x0304);
            f
        })
    };
    let asks = |w: World| w.asks(HOST, None, &[]).asks(HOST, None, &[]);
    let verdict = asks(one_sided()).flow(|w| syn(w, SERVER, 1, 3)).lasts(300);
    assert!(!verdict.verdict().is_some_and(Verdict::is_fault));
    assert_eq!(asks(one_sided()).lasts(300).verdict(), Some(Verdict::Inconclusive), "nobody connects");
}

#[test]
fn a_rst_for_the_syn_is_a_refusal_and_an_icmp_error_names_the_router() {
    let refused = World::new().resolves().flow(|w| {
        let mut f = syn(w, SERVER, 1, 1);
        rst(w, &mut f, 1, Side::Server, 116);
        f
    });
    assert_eq!(refused.verdict(), Some(Verdict::Refused));
    let icmp = |kind, code| {
        let mut w = World::new().resolves().with_life().flow(|w| syn(w, SERVER, 1, 2));
        let at = w.at(2);
        let flow = w.facts.flows.len() - 1;
        let ends = w.facts.flows[flow].ends;
        w.facts.icmp.push(IcmpFact {
            at,
            sender: ip("10.20.0.1"),
            receiver: ends.client.ip(),
            error: IcmpError {
                v6: false,
                kind,
                code,
                mtu: None,
                quoted_protocol: 6,
                quoted_src: ends.client,
                quoted_dst: ends.server,
                quoted_seq: None,
            },
            flow: Some(flow),
            ttl: 64,
        });
        w.lasts(60).verdict()
    };
    assert_eq!(icmp(3, 13), Some(Verdict::IcmpUnreachable));
    assert_eq!(icmp(11, 0), Some(Verdict::IcmpUnreachable), "a routing loop");
    assert_eq!(icmp(3, 4), Some(Verdict::SynNoAnswer), "fragmentation needed refuses nothing");
    assert_eq!(icmp(5, 1), Some(Verdict::SynNoAnswer), "a redirect names a better router");
}

#[test]
fn what_follows_the_client_hello_decides() {
    let reset = after_hello(|w, f| rst(w, f, 2, Side::Server, 116));
    assert_eq!(reset.verdict(), Some(Verdict::ResetAfterClientHello));
    let closed = after_hello(|w, f| fin(w, f, 2, Side::Server));
    assert_eq!(closed.verdict(), Some(Verdict::ClosedBeforeServerHello));
    let silent = after_hello(|w, f| fin(w, f, 80, Side::Client));
    assert_eq!(silent.verdict(), Some(Verdict::SilentAfterClientHello));
    let impatient = after_hello(|w, f| fin(w, f, 5, Side::Client));
    assert_eq!(impatient.verdict(), Some(Verdict::Inconclusive), "half a second of silence proves nothing");
    let cut_short = after_hello(|_, _| {});
    assert_eq!(cut_short.verdict(), Some(Verdict::Inconclusive), "the capture ends at once");
    let client_gave_up = after_hello(|w, f| rst(w, f, 2, Side::Client, 128));
    assert_eq!(client_gave_up.verdict(), Some(Verdict::Inconclusive), "the client's own reset blames nobody");
}

#[test]
fn the_distance_of_a_reset_tells_who_sent_it() {
    let injected = |ttl| {
        let (_, report) = after_hello(|w, f| rst(w, f, 2, Side::Server, ttl)).case();
        report.findings.iter().any(|f| f.code == "reset_injected")
    };
    assert!(injected(64), "0 hops against 12");
    assert!(!injected(116), "the host's own distance");
    assert!(!injected(243), "another initial TTL at the same distance");
}

#[test]
fn a_reset_is_placed_by_the_server_hello() {
    let after = after_hello(|w, f| {
        server_hello(w, f, 2, 0x0304);
        rst(w, f, 3, Side::Server, 116);
    });
    assert_eq!(after.verdict(), Some(Verdict::ResetMidHandshake));
    let raced = after_hello(|w, f| {
        rst(w, f, 2, Side::Server, 64);
        server_hello(w, f, 3, 0x0304);
    });
    assert_eq!(raced.verdict(), Some(Verdict::ResetAfterClientHello));
    // One that counts the ServerHello's bytes was sent after it, and only captured before.
    let counts = |bytes| {
        after_hello(|w, f| {
            rst(w, f, 2, Side::Server, 116);
            f.tcp.as_mut().unwrap().resets[0].seq_offset = Some(bytes);
            server_hello(w, f, 3, 0x0304);
        })
    };
    assert_eq!(counts(2000).verdict(), Some(Verdict::ResetMidHandshake));
    assert_eq!(counts(2001).verdict(), Some(Verdict::ResetAfterClientHello), "so much was never sent");
}

#[test]
fn holes_in_the_server_flight_are_a_stall() {
    let w = after_hello(|w, f| {
        sends(w, f, Side::Server, 2, 300);
        f.sides[1].unacked_gap_bytes = 2800;
        f.sides[0].sack_holes = 3;
        fin(w, f, 100, Side::Client);
    });
    assert_eq!(w.verdict(), Some(Verdict::StalledMidHandshake));
}

#[test]
fn alerts_are_judged_by_sender_and_meaning() {
    let by = |side, description| after_hello(|w, f| alert(w, f, 2, side, description)).verdict();
    assert_eq!(by(Side::Server, 40), Some(Verdict::TlsAlert));
    assert_eq!(by(Side::Server, 70), Some(Verdict::TlsLegacy));
    assert_eq!(by(Side::Server, 112), Some(Verdict::TlsAlert));
    let refused = |description| {
        after_hello(|w, f| {
            server_hello(w, f, 2, 0x0304);
            alert(w, f, 3, Side::Client, description);
        })
        .verdict()
    };
    assert_eq!(refused(48), Some(Verdict::Intercepted), "unknown_ca for a hidden certificate of a public host");
    for of_a_known_issuer in [43, 44, 45] {
        assert_eq!(refused(of_a_known_issuer), Some(Verdict::CertInvalid));
    }
    assert_eq!(refused(45), Some(Verdict::CertInvalid));
}

#[test]
fn old_versions_are_told_by_the_hellos() {
    let old_client = World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0301);
        alert(w, &mut f, 2, Side::Server, 40);
        f
    });
    assert_eq!(old_client.verdict(), Some(Verdict::TlsLegacy));
    let old_server = after_hello(|w, f| {
        server_hello(w, f, 2, 0x0301);
        fin(w, f, 3, Side::Client);
    });
    assert_eq!(old_server.verdict(), Some(Verdict::TlsLegacy));
    let fallback = World::new()
        .resolves()
        .flow(|w| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, 0x0304);
            rst(w, &mut f, 2, Side::Server, 64);
            f
        })
        .flow(|w| {
            let mut f = established(w, SERVER, 3);
            hello(w, &mut f, 3, HOST, 0x0301);
            alert(w, &mut f, 4, Side::Server, 70);
            f
        });
    assert_eq!(fallback.verdict(), Some(Verdict::ResetAfterClientHello), "the fall-back is a symptom");
}

#[test]
fn the_issuer_decides_between_genuine_and_intercepted() {
    let done = |issuer| with_certificate(issuer, HOST, |w, f| complete(w, f, 3)).verdict();
    assert_eq!(done(GENUINE), Some(Verdict::Ok));
    assert_eq!(done(("Contoso Web Gateway CA", "Contoso")), Some(Verdict::Intercepted));
    assert_eq!(done(("Zscaler Intermediate Root CA (zscaler.net)", "Zscaler Inc.")), Some(Verdict::Intercepted));
    let refused = with_certificate(("FG100FTK20012345", "Fortinet"), HOST, |w, f| alert(w, f, 3, Side::Client, 48));
    assert_eq!(refused.verdict(), Some(Verdict::Intercepted));
}

#[test]
fn a_private_authority_on_its_own_host_is_no_interception() {
    let w = World::new().flow(|w| {
        let mut f = established(w, "10.1.2.3:443", 1);
        hello(w, &mut f, 1, "intranet.contoso.example", 0x0303);
        server_hello(w, &mut f, 2, 0x0303);
        certificate(w, &mut f, 2, ("Contoso Issuing CA 1", "Contoso"), "intranet.contoso.example");
        complete(w, &mut f, 3);
        f
    });
    assert_eq!(w.verdict_of("intranet.contoso.example"), Some(Verdict::Ok));
}

#[test]
fn a_genuine_certificate_past_its_end_is_invalid_not_intercepted() {
    let mut w = with_certificate(GENUINE, HOST, |w, f| alert(w, f, 3, Side::Client, 45));
    Arc::make_mut(&mut w.facts.flows[0].app.tls[0].certificates[0].certificate).not_after = Timestamp(-1);
    assert_eq!(w.verdict(), Some(Verdict::CertInvalid));
}

#[test]
fn names_fail_by_rcode_or_silence_and_not_when_they_resolve_later() {
    assert_eq!(World::new().asks(HOST, Some(3), &[]).verdict(), Some(Verdict::DnsFailure));
    let silent = World::new().with_life().asks(HOST, None, &[]).asks(HOST, None, &[]).lasts(100);
    assert_eq!(silent.verdict(), Some(Verdict::DnsFailure));
    let open = World::new().asks(HOST, None, &[]).verdict();
    assert_eq!(open, Some(Verdict::Inconclusive), "the capture ends with the question");
    let suffix = World::new().asks(&format!("{HOST}.corp.example"), Some(3), &[]).resolves();
    assert_eq!(suffix.verdict_of(&format!("{HOST}.corp.example")), None, "a search suffix is nobody's host");
    let alone = World::new().with_life().asks(&format!("{HOST}.corp.example"), Some(3), &[]);
    assert_eq!(alone.verdict_of(&format!("{HOST}.corp.example")), None, "nor where the capture begins behind it");
}

#[test]
fn an_address_that_cannot_be_the_service_is_a_sinkhole_unless_the_service_answers() {
    for address in ["0.0.0.0", "127.0.0.1", "10.30.0.200"] {
        let w = World::new().with_life().asks(HOST, Some(0), &[address]).lasts(50);
        assert_eq!(w.verdict(), Some(Verdict::DnsSinkhole), "{address}");
    }
    let private_endpoint = World::new().asks(HOST, Some(0), &["10.30.0.200"]).flow(|w| {
        let mut f = established(w, "10.30.0.200:443", 1);
        hello(w, &mut f, 1, HOST, 0x0303);
        server_hello(w, &mut f, 2, 0x0303);
        certificate(w, &mut f, 2, GENUINE, HOST);
        complete(w, &mut f, 3);
        f
    });
    assert_eq!(private_endpoint.verdict(), Some(Verdict::Ok));
}

#[test]
fn lost_time_makes_a_host_degraded_and_a_quick_race_does_not() {
    let after = |tenths: i64| {
        World::new()
            .asks(HOST, Some(0), &["20.190.151.7", "20.190.151.9"])
            .flow(|w| syn(w, "20.190.151.9:443", 1, 3))
            .flow(|w| {
                let mut f = established(w, SERVER, 1 + tenths);
                hello(w, &mut f, 1 + tenths, HOST, 0x0304);
                server_hello(w, &mut f, 2 + tenths, 0x0304);
                complete(w, &mut f, 3 + tenths);
                f
            })
            .verdict()
    };
    assert_eq!(after(70), Some(Verdict::Degraded));
    assert_eq!(after(3), Some(Verdict::Ok));
}

#[test]
fn data_both_ways_is_ok_where_nothing_can_be_read() {
    let w = World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        sends(w, &mut f, Side::Client, 1, 500);
        sends(w, &mut f, Side::Server, 2, 4000);
        sends(w, &mut f, Side::Client, 3, 80);
        f
    });
    assert_eq!(w.verdict(), Some(Verdict::Ok));
    let cut_off = |answer, again| {
        let w = World::new().resolves().flow(|w| {
            let mut f = established(w, SERVER, 1);
            sends(w, &mut f, Side::Client, 1, 500);
            sends(w, &mut f, Side::Server, 2, answer);
            if again {
                sends(w, &mut f, Side::Client, 3, 7);
            }
            f
        });
        w.verdict()
    };
    assert_eq!(cut_off(7, true), Some(Verdict::Inconclusive), "an alert is as short");
    assert_eq!(cut_off(4000, false), Some(Verdict::Inconclusive), "the client's Finished is missing");
}

#[test]
fn an_alert_in_answer_to_what_the_capture_missed_reaches_nothing() {
    let middle = |said: u64| {
        let w = World::new().resolves().flow(|w| {
            let mut f = established(w, SERVER, 1);
            let tcp = f.tcp.as_mut().unwrap();
            (tcp.midstream, tcp.syn_ack) = (true, None);
            tcp.syns.clear();
            sends(w, &mut f, Side::Server, 2, 1281);
            sends(w, &mut f, Side::Client, 3, said);
            rst(w, &mut f, 3, Side::Client, 64);
            f
        });
        w.verdict()
    };
    assert_eq!(middle(7), Some(Verdict::Inconclusive));
    assert_eq!(middle(400), Some(Verdict::Ok));
}

#[test]
fn an_old_version_shows_without_its_server_hello() {
    let done = |offer: u16, records: [u16; 2]| {
        let w = World::new().resolves().flow(|w| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, offer);
            complete(w, &mut f, 3);
            let encrypted = &mut session(&mut f).encrypted;
            encrypted.iter_mut().zip(records).for_each(|(side, version)| side.version = version);
            f
        });
        w.verdict()
    };
    assert_eq!(done(0x0301, [0; 2]), Some(Verdict::TlsLegacy), "all that is offered");
    assert_eq!(done(0x0303, [0x0302; 2]), Some(Verdict::TlsLegacy), "what was chosen");
    assert_eq!(done(0x0304, [0x0303; 2]), Some(Verdict::Ok));
    assert_eq!(done(0x0304, [0x0301, 0x0303]), Some(Verdict::Ok), "one side alone");
}

#[test]
fn a_host_the_sign_in_does_not_need_is_never_the_cause() {
    let w = World::new().asks("dc.services.visualstudio.com", Some(3), &[]).resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        server_hello(w, &mut f, 2, 0x0304);
        complete(w, &mut f, 3);
        f
    });
    let (_, report) = w.case();
    assert_eq!(report.diagnosis.outcome, Outcome::NoNetworkFault);
    assert!(report.diagnosis.root_cause.is_none());
}
