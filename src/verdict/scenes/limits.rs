//! Where evidence ends: the same story cut short, seen from one side, captured twice or with gaps proves less.

use super::super::Verdict;
use super::world::*;
use crate::facts::*;
use crate::flow::Side;

/// A connection that was used, of which only the client's packets were captured.
fn half_seen(w: &mut World, server: &str) -> Flow {
    let mut f = syn(w, server, 1, 1);
    hello(w, &mut f, 1, HOST, 0x0304);
    let tcp = f.tcp.as_mut().unwrap();
    tcp.established = Some(f.first);
    tcp.one_sided = true;
    f
}

#[test]
fn a_syn_is_unanswered_only_when_an_answer_had_time_to_come() {
    let ends_after = |count, tenths| World::new().resolves().flow(|w| syn(w, SERVER, 1, count)).lasts(tenths).verdict();
    assert_eq!(ends_after(2, 12), Some(Verdict::Inconclusive), "the second SYN is the last packet");
    assert_eq!(ends_after(2, 50), Some(Verdict::SynNoAnswer), "nobody answered in five seconds");
    assert_eq!(ends_after(3, 22), Some(Verdict::SynNoAnswer), "three tries");
}

#[test]
fn the_same_packet_captured_twice_is_one_try() {
    let twice = World::new().resolves().with_life().flow(|w| {
        let mut f = syn(w, SERVER, 1, 1);
        let again = w.at(1);
        let tcp = f.tcp.as_mut().unwrap();
        tcp.syns.push(again);
        tcp.syn_count = 2;
        f
    });
    assert_eq!(twice.lasts(300).verdict(), Some(Verdict::Inconclusive));
    let tries_seen_twice = World::new().resolves().with_life().flow(|w| {
        let mut f = syn(w, SERVER, 1, 3);
        let tcp = f.tcp.as_mut().unwrap();
        tcp.syns = tcp.syns.iter().flat_map(|syn| [*syn, *syn]).collect();
        tcp.syn_count = 6;
        f
    });
    let (_, report) = tries_seen_twice.lasts(300).case();
    assert!(report.diagnosis.text.en.contains("3 SYNs to"), "{}", report.diagnosis.text.en);
    let asked_twice = World::new().asks(HOST, None, &[]).asks(HOST, None, &[]);
    assert_eq!(asked_twice.verdict(), Some(Verdict::Inconclusive), "no time has passed between the two");
}

#[test]
fn answers_that_were_not_captured_are_no_silence_though_dns_was_seen_both_ways() {
    let w = World::new().resolves().flow(|w| half_seen(w, SERVER)).flow(|w| syn(w, "20.190.151.9:443", 1, 4));
    assert_eq!(w.lasts(300).verdict(), Some(Verdict::Inconclusive));
}

#[test]
fn bytes_that_only_the_acknowledgements_show_may_have_been_the_answer() {
    let closed = |missed| {
        after_hello(|w, f| {
            f.sides[1].missed_bytes = missed;
            fin(w, f, 2, Side::Server);
        })
        .verdict()
    };
    assert_eq!(closed(0), Some(Verdict::ClosedBeforeServerHello));
    assert_eq!(closed(7), Some(Verdict::Inconclusive), "an alert, perhaps");
    let no_status = |missed| {
        World::new()
            .flow(|w| {
                let mut f = asks_proxy(w, None, &[]);
                f.sides[1].missed_bytes = missed;
                fin(w, &mut f, 2, Side::Server);
                f
            })
            .verdict()
    };
    assert_eq!(no_status(0), Some(Verdict::ProxyNoResponse));
    assert_eq!(no_status(300), Some(Verdict::Inconclusive));
}

#[test]
fn a_dead_address_stops_nobody_who_goes_on_at_another_as_far_as_the_capture_shows() {
    let then = |missed| {
        World::new()
            .asks(HOST, Some(0), &["20.190.151.9", "20.190.151.7"])
            .flow(|w| syn(w, "20.190.151.9:443", 3, 4))
            .flow(|w| {
                let mut f = established(w, SERVER, 60);
                hello(w, &mut f, 61, HOST, 0x0304);
                f.sides[1].missed_bytes = missed;
                f
            })
            .lasts(70)
            .verdict()
    };
    assert_eq!(then(0), Some(Verdict::Inconclusive), "the capture ends while the second one is under way");
    assert_eq!(then(700), Some(Verdict::Inconclusive));
}

#[test]
fn loss_stops_a_handshake_only_when_nobody_mends_it() {
    let holes = |tenths| {
        after_hello(|w, f| {
            sends(w, f, Side::Server, 2, 300);
            f.sides[1].unacked_gap_bytes = 2800;
        })
        .lasts(tenths)
        .verdict()
    };
    assert_eq!(holes(4), Some(Verdict::Inconclusive), "two tenths of a second are an ordinary retransmission");
    assert_eq!(holes(60), Some(Verdict::StalledMidHandshake));
}

#[test]
fn a_reset_of_a_connection_whose_beginning_is_missing_refuses_nothing() {
    let reset = |begun: bool| {
        World::new()
            .resolves()
            .flow(|w| {
                let mut f = established(w, SERVER, 1);
                if !begun {
                    let tcp = f.tcp.as_mut().unwrap();
                    (tcp.syns, tcp.syn_ack, tcp.established, tcp.midstream) = (Vec::new(), None, None, true);
                }
                rst(w, &mut f, 2, Side::Server, 116);
                f
            })
            .verdict()
    };
    assert_eq!(reset(true), Some(Verdict::Refused));
    assert_ne!(reset(false), Some(Verdict::Refused));
}

#[test]
fn an_error_of_the_server_needs_a_second_try_or_time_for_one() {
    let asks = |rcode, tries, tenths| {
        (0..tries).fold(World::new(), |w, _| w.asks(HOST, Some(rcode), &[])).lasts(tenths).verdict()
    };
    assert_eq!(asks(2, 1, 0), Some(Verdict::Inconclusive), "the client asks the next server at once");
    assert_eq!(asks(2, 1, 5), Some(Verdict::DnsFailure), "and did not");
    assert_eq!(asks(2, 2, 0), Some(Verdict::DnsFailure));
    assert_eq!(asks(3, 1, 0), Some(Verdict::DnsFailure), "NXDOMAIN is the name's answer");
}

#[test]
fn a_question_that_is_not_repeated_while_its_resolver_answers_another_had_its_answer() {
    const AAAA: u16 = 28;
    let asks = |times| (0..times).fold(World::new().with_life(), |w, _| w.asks(HOST, None, &[]));
    assert_eq!(asks(1).lasts(100).verdict(), Some(Verdict::DnsFailure));
    let beside = |times| asks(times).asks_for(0, AAAA, HOST, Some(0), &[]).lasts(100).verdict();
    assert_eq!(beside(1), Some(Verdict::Inconclusive), "the capture misses it");
    assert_eq!(beside(2), Some(Verdict::DnsFailure), "of this kind it answers nothing");
}

/// One connection that works, then, so much later, what `fails` makes of another.
fn works_then(tenths: i64, fails: impl FnOnce(&mut World, &mut Flow, i64)) -> Option<Verdict> {
    let works = |w: &mut World| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        server_hello(w, &mut f, 2, 0x0304);
        complete(w, &mut f, 3);
        f
    };
    let another = |w: &mut World| {
        let mut f = syn(w, SERVER, tenths, 1);
        fails(w, &mut f, tenths);
        f
    };
    World::new().resolves().flow(works).flow(another).lasts(tenths + 100).verdict()
}

#[test]
fn a_later_try_that_fails_is_the_last_word_unless_one_connection_may_break_so() {
    let refused = |w: &mut World, f: &mut Flow, tenths| rst(w, f, tenths, Side::Server, 116);
    let broken = |w: &mut World, f: &mut Flow, tenths| {
        *f = established(w, SERVER, tenths);
        hello(w, f, tenths, HOST, 0x0304);
        rst(w, f, tenths, Side::Server, 116);
    };
    assert_eq!(works_then(99, refused), Some(Verdict::Degraded), "one of several connections of the same try");
    assert_eq!(works_then(111, refused), Some(Verdict::Refused));
    assert_eq!(works_then(111, broken), Some(Verdict::Degraded), "a passing loss, perhaps");
    let used_on = |w: &mut World, f: &mut Flow, tenths| {
        refused(w, f, tenths);
        w.facts.flows[0].last = w.at(tenths + 50);
    };
    assert_eq!(works_then(111, used_on), Some(Verdict::Degraded), "the connection that works is still used");
    let still_open = |w: &mut World, f: &mut Flow, tenths| {
        refused(w, f, tenths);
        let mut next = established(w, SERVER, tenths + 20);
        hello(w, &mut next, tenths + 20, HOST, 0x0304);
        next.sides[1].missed_bytes = 700;
        w.facts.flows.push(next);
    };
    assert_eq!(works_then(111, still_open), Some(Verdict::Degraded), "what came of the next try is not known");
    let of_another = |w: &mut World, f: &mut Flow, tenths| {
        refused(w, f, tenths);
        f.ends.client = end("10.0.0.6:50001");
    };
    assert_eq!(works_then(111, of_another), Some(Verdict::Degraded), "the other client's way is told by itself");
}

#[test]
fn a_name_that_stops_resolving_is_the_last_word() {
    let asked_again = |tenths, rcode| {
        let works = |w: &mut World| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, 0x0304);
            server_hello(w, &mut f, 2, 0x0304);
            complete(w, &mut f, 3);
            f
        };
        World::new().resolves().flow(works).asks_for(tenths, 1, HOST, Some(rcode), &[])
    };
    assert_eq!(asked_again(101, 3).lasts(200).verdict(), Some(Verdict::DnsFailure));
    assert_eq!(asked_again(5, 3).lasts(200).verdict(), Some(Verdict::Ok), "another resolver of the same try");
    let went_on = asked_again(101, 3).flow(|w| {
        let mut f = established(w, SERVER, 102);
        hello(w, &mut f, 102, HOST, 0x0304);
        server_hello(w, &mut f, 103, 0x0304);
        complete(w, &mut f, 104);
        f
    });
    assert_eq!(went_on.lasts(200).verdict(), Some(Verdict::Ok));
}

#[test]
fn a_challenge_at_the_end_of_the_capture_may_still_be_answered() {
    let after = |tenths| World::new().flow(|w| asks_proxy(w, Some(407), &["NTLM"])).lasts(tenths).verdict();
    assert_eq!(after(2), Some(Verdict::Inconclusive));
    assert_eq!(after(60), Some(Verdict::ProxyAuthRequired));
}

#[test]
fn a_proxy_that_is_still_trying_is_not_silent_yet() {
    let waits = |tenths, gives_up: bool| {
        World::new()
            .flow(|w| {
                let mut f = asks_proxy(w, None, &[]);
                if gives_up {
                    fin(w, &mut f, tenths, Side::Client);
                }
                f
            })
            .lasts(tenths)
            .verdict()
    };
    assert_eq!(waits(50, false), Some(Verdict::Inconclusive), "five seconds are within a proxy's own time limit");
    assert_eq!(waits(50, true), Some(Verdict::ProxyNoResponse), "the client gave up");
    assert_eq!(waits(150, false), Some(Verdict::ProxyNoResponse));
}

#[test]
fn bytes_that_are_no_page_show_no_page() {
    let answer = |status: Option<u16>, line: &str| {
        let line = line.to_owned();
        after_hello(move |w, f| {
            let at = sends(w, f, Side::Server, 2, 400);
            session(f).plaintext_answer = Some(PlaintextAnswer {
                at,
                by: Side::Server,
                http_status: status,
                first_line: line,
                title: None,
                location: None,
                server: None,
            });
        })
        .verdict()
    };
    assert_eq!(answer(Some(403), "HTTP/1.1 403 Forbidden"), Some(Verdict::BlockPage));
    assert_eq!(answer(None, "<html><body>blocked</body></html>"), Some(Verdict::BlockPage));
    assert_eq!(answer(None, "SSH-2.0-x"), Some(Verdict::Inconclusive));
}

#[test]
fn an_idle_connection_that_is_reset_in_the_end_was_not_refused() {
    let reset = |tenths: i64| {
        World::new()
            .resolves()
            .flow(|w| {
                let mut f = established(w, SERVER, 1);
                rst(w, &mut f, 1 + tenths, Side::Server, 116);
                f
            })
            .verdict()
    };
    assert_eq!(reset(1), Some(Verdict::Refused));
    assert_ne!(reset(600), Some(Verdict::Refused));
}

#[test]
fn machines_inside_are_no_proxies_for_being_silent() {
    let dead = |port: u16| {
        World::new()
            .asks("box.fabrikam.example", Some(0), &["10.9.0.7"])
            .flow(|w| syn(w, &format!("10.9.0.7:{port}"), 1, 4))
            .lasts(200)
            .case()
            .1
    };
    assert!(dead(9480).diagnosis.root_cause.is_some(), "a port that no common service has");
    for port in [9100, 445, 49_668] {
        assert!(dead(port).diagnosis.root_cause.is_none(), "{port}");
    }
}

#[test]
fn of_microsofts_hosts_only_those_of_a_sign_in_can_stop_it() {
    let blocked = |name: &str| {
        let works = |w: &mut World| {
            let mut f = established(w, SERVER, 1);
            hello(w, &mut f, 1, HOST, 0x0304);
            server_hello(w, &mut f, 2, 0x0304);
            complete(w, &mut f, 3);
            f
        };
        World::new()
            .resolves()
            .flow(works)
            .asks_for(50, 1, name, Some(3), &[])
            .case()
            .1
            .diagnosis
            .root_cause
            .map(|r| r.host)
    };
    for name in ["settings-win.data.microsoft.com", "contoso.sharepoint.com", "outlook.office365.com"] {
        assert_eq!(blocked(name), None, "{name}");
    }
    for name in
        ["management.azure.com", "aadcdn.msauth.net", "sts.fabrikam.example", "device.login.microsoftonline.com"]
    {
        assert_eq!(blocked(name), Some(name.to_owned()));
    }
}

#[test]
fn an_address_that_is_still_tried_stops_nobody_who_has_others_left() {
    let tries = |known: &[&str], tried: &[&str], until| {
        let mut w = World::new().with_life().asks(HOST, Some(0), known);
        for (i, server) in (0..).zip(tried) {
            w = w.flow(|w| syn(w, server, 3 + 40 * i, 4));
        }
        w.lasts(until).verdict()
    };
    let (one, two) = ("20.190.151.9", "20.190.151.7");
    let (first, second) = ("20.190.151.9:443", "20.190.151.7:443");
    assert_eq!(tries(&[one, two], &[first], 40), Some(Verdict::Inconclusive));
    assert_eq!(tries(&[one], &[first], 40), Some(Verdict::SynNoAnswer), "no other address");
    assert_eq!(tries(&[one, two], &[first], 80), Some(Verdict::SynNoAnswer), "the next SYN is overdue");
    assert_eq!(tries(&[one, two], &[first, first], 80), Some(Verdict::SynNoAnswer), "it began anew");
    assert_eq!(tries(&[one, two, "20.190.151.8"], &[first, second], 80), Some(Verdict::SynNoAnswer), "two are dead");
    let six = "2603:1006:2000::9";
    assert_eq!(tries(&[six, one], &["[2603:1006:2000::9]:443"], 40), Some(Verdict::Inconclusive), "IPv4 is left");
    assert_eq!(tries(&[six, one], &[first], 40), Some(Verdict::SynNoAnswer), "a client without IPv6");
}

#[test]
fn a_filter_lists_so_many_connections_and_then_their_servers() {
    let filter = |connections: i64| {
        let w = (0..connections).fold(World::new().resolves(), |w, n| w.flow(|w| refused(w, n)));
        let report = w.case().1;
        report.findings.iter().find(|f| f.code == "refused").map(|f| f.filter.clone()).unwrap()
    };
    assert!(filter(100).starts_with("tcp.stream in {0, 1, 2, "), "{}", filter(100));
    assert!(filter(101).starts_with("(ip.addr in {20.190.151.7} && tcp.port in {443}) || "), "{}", filter(101));
}
