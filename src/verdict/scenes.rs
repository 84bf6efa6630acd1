//! One small built capture a verdict, and what becomes of it when one cause changes.

use super::{Verdict, judge_host};
use crate::case::{Case, Piece, PieceFacts};
use crate::facts::*;
use crate::flow::{Ends, Side};
use crate::packet::{At, IcmpError};
use crate::report::{Outcome, Report, build};
use crate::time::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const HOST: &str = "login.microsoftonline.com";
const SECOND: i64 = 1_000_000_000;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn end(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A capture under construction; every event takes the next frame, times are in tenths of a second.
struct World {
    facts: CaptureFacts,
    frame: u64,
}

impl World {
    fn new() -> World {
        World { facts: CaptureFacts::default(), frame: 0 }
    }

    fn at(&mut self, tenths: i64) -> At {
        self.frame += 1;
        let time = Timestamp(tenths * SECOND / 10);
        self.facts.info.latest = Some(self.facts.info.latest.map_or(time, |l| l.max(time)));
        self.facts.info.frames += 1;
        At { frame: self.frame, time }
    }

    fn lasts(mut self, tenths: i64) -> World {
        self.at(tenths);
        self
    }

    fn asks(mut self, name: &str, rcode: Option<u16>, addresses: &[&str]) -> World {
        let question = DnsMessage {
            at: self.at(0),
            src: Some(end("10.0.0.5:5000")),
            dst: Some(end("10.0.0.53:53")),
            id: 1,
            questions: vec![(name.to_owned(), 1)],
            ..DnsMessage::default()
        };
        self.facts.dns.push(question.clone());
        if let Some(rcode) = rcode {
            let answers = addresses
                .iter()
                .map(|a| DnsRecord { name: name.to_owned(), kind: 1, ttl: 60, data: DnsData::Address(ip(a)) })
                .collect();
            let at = self.at(0);
            self.facts.dns.push(DnsMessage {
                at,
                src: question.dst,
                dst: question.src,
                response: true,
                rcode,
                answers,
                ..question
            });
        }
        self
    }

    fn resolves(self) -> World {
        self.asks(HOST, Some(0), &["20.190.151.7"])
    }

    fn flow(mut self, make: impl FnOnce(&mut World) -> Flow) -> World {
        let mut flow = make(&mut self);
        flow.stream = u32::try_from(self.facts.flows.len()).unwrap();
        self.facts.flows.push(flow);
        self
    }

    /// Another conversation that works, so that silence elsewhere means something.
    fn with_life(self) -> World {
        self.flow(|w| {
            let mut f = established(w, "93.184.216.34:443", 0);
            hello(w, &mut f, 0, "www.example.com", 0x0304);
            server_hello(w, &mut f, 1, 0x0304);
            complete(w, &mut f, 2);
            f
        })
    }

    fn case(self) -> (Case, Report) {
        let piece = Piece {
            path: "capture.pcap".into(),
            container: None,
            bytes: 0,
            facts: PieceFacts::Capture(Box::new(self.facts)),
        };
        let case = Case::build(vec![piece]);
        let verdicts: Vec<_> = case.hosts.iter().map(|h| judge_host(&case, h)).collect();
        let report = build::build(&case, &verdicts, Vec::new());
        (case, report)
    }

    fn verdict_of(self, name: &str) -> Option<Verdict> {
        let (_, report) = self.case();
        report.hosts.iter().find(|h| h.name == name).map(|h| h.verdict)
    }

    fn verdict(self) -> Option<Verdict> {
        self.verdict_of(HOST)
    }
}

fn syn(w: &mut World, server: &str, tenths: i64, count: u32) -> Flow {
    let syns: Vec<At> = (0..count).map(|i| w.at(tenths + 10 * i64::from(i))).collect();
    let tcp = TcpFacts { syn_count: count, syns: syns.clone(), ..TcpFacts::default() };
    let mut sides = [SideFacts::default(), SideFacts::default()];
    sides[0].packets = u64::from(count);
    Flow {
        transport: FlowTransport::Tcp,
        stream: 0,
        ends: Ends { client: end("10.0.0.5:50000"), server: end(server) },
        first: syns[0],
        last: *syns.last().unwrap(),
        sides,
        tcp: Some(tcp),
        app: AppFacts::default(),
        process: None,
    }
}

fn established(w: &mut World, server: &str, tenths: i64) -> Flow {
    let mut f = syn(w, server, tenths, 1);
    let at = w.at(tenths);
    let tcp = f.tcp.as_mut().unwrap();
    tcp.syn_ack = Some(at);
    tcp.established = Some(at);
    f.sides[1].packets = 1;
    f
}

fn sends(w: &mut World, f: &mut Flow, side: Side, tenths: i64, bytes: u64) -> At {
    let at = w.at(tenths);
    let s = &mut f.sides[side.index()];
    s.first_data.get_or_insert(at);
    s.last_data = Some(at);
    s.bytes += bytes;
    s.packets += 1;
    f.last = at;
    at
}

fn hello(w: &mut World, f: &mut Flow, tenths: i64, sni: &str, max: u16) {
    let at = sends(w, f, Side::Client, tenths, 517);
    let mut session = TlsSession::default();
    let offer = Arc::new(Offer {
        legacy_version: max.min(0x0303),
        supported_versions: if max > 0x0303 { vec![0x0303, max] } else { Vec::new() },
        sni: Some(sni.to_owned()),
        ..Offer::default()
    });
    session.client_hellos.push(ClientHello { at, offer, ..ClientHello::default() });
    f.app.tls.push(session);
}

fn session(f: &mut Flow) -> &mut TlsSession {
    f.app.tls.last_mut().unwrap()
}

fn server_hello(w: &mut World, f: &mut Flow, tenths: i64, version: u16) {
    let at = sends(w, f, Side::Server, tenths, 2000);
    let choice = Arc::new(Choice { version, ..Choice::default() });
    session(f).server_hellos.push(ServerHello { at, choice, ..ServerHello::default() });
    if version == 0x0304 {
        session(f).encrypted[1].records = 4;
    }
}

fn certificate(w: &mut World, f: &mut Flow, tenths: i64, issuer: (&str, &str), name: &str) {
    let at = sends(w, f, Side::Server, tenths, 3000);
    let make = |index: usize, subject: &str| Certificate {
        sha256: format!("{index:064}"),
        subject: format!("CN={subject}"),
        subject_cn: Some(subject.to_owned()),
        subject_o: Some(issuer.1.to_owned()),
        issuer: format!("CN={},O={}", issuer.0, issuer.1),
        issuer_cn: Some(issuer.0.to_owned()),
        issuer_o: Some(issuer.1.to_owned()),
        not_before: Timestamp(-SECOND * 86_400),
        not_after: Timestamp(SECOND * 86_400),
        names: vec![name.to_owned()],
        has_aki: true,
        has_ski: true,
        has_sct: true,
        has_aia_or_crl: true,
        is_ca: index > 0,
        basic_constraints_critical: (index > 0).then_some(true),
        ..Certificate::default()
    };
    let leaf = make(0, name);
    let mut ca = make(1, issuer.0);
    ca.subject = leaf.issuer.clone();
    ca.issuer = "CN=DigiCert Global Root G2,O=DigiCert Inc".into();
    ca.issuer_cn = Some("DigiCert Global Root G2".into());
    ca.issuer_o = Some("DigiCert Inc".into());
    let chain = [leaf, ca].into_iter().enumerate();
    session(f).certificates = chain.map(|(index, c)| Presented { at, index, certificate: Arc::new(c) }).collect();
}

const GENUINE: (&str, &str) = ("Microsoft Azure RSA TLS Issuing CA 03", "Microsoft Corporation");

fn complete(w: &mut World, f: &mut Flow, tenths: i64) {
    let at = sends(w, f, Side::Client, tenths, 500);
    let reply = sends(w, f, Side::Server, tenths, 5000);
    session(f).complete = Some(at);
    for (side, at) in [(0, at), (1, reply)] {
        session(f).encrypted[side].records = 5;
        session(f).encrypted[side].last = Some(at);
    }
}

fn alert(w: &mut World, f: &mut Flow, tenths: i64, by: Side, description: u8) {
    let at = sends(w, f, by, tenths, 7);
    session(f).alerts.push(Alert { at, by, level: 2, description, record_version: 0x0303 });
}

fn rst(w: &mut World, f: &mut Flow, tenths: i64, by: Side, ttl: u8) {
    let at = w.at(tenths);
    let stage = match f.sides.each_ref().map(|s| s.bytes > 0) {
        _ if f.tcp.as_ref().unwrap().syn_ack.is_none() => ResetStage::AnswerToSyn,
        [false, _] => ResetStage::AfterHandshake,
        [true, false] => ResetStage::AfterClientData,
        [true, true] => ResetStage::AfterBoth,
    };
    f.sides[by.index()].packets += 1;
    f.tcp.as_mut().unwrap().resets.push(Reset {
        at,
        by,
        ttl,
        ip_id: None,
        last_ip_id: None,
        peer_ttl: Some(116),
        seq_offset: Some(0),
        ack: true,
        window: 0,
        stage,
        payload_len: 0,
        data_after: false,
    });
}

fn fin(w: &mut World, f: &mut Flow, tenths: i64, by: Side) {
    let at = w.at(tenths);
    f.tcp.as_mut().unwrap().fins[by.index()] = Some(at);
}

const SERVER: &str = "20.190.151.7:443";
const PROXY: &str = "10.30.0.5:3128";

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
    let w = World::new().flow(|w| {
        let mut f = syn(w, "93.184.216.34:443", 0, 1);
        f.tcp.as_mut().unwrap().established = Some(f.first);
        hello(w, &mut f, 1, "www.example.com", 0x0304);
        f
    });
    let verdict = w.asks(HOST, None, &[]).asks(HOST, None, &[]).flow(|w| syn(w, SERVER, 1, 3)).lasts(300);
    assert!(!verdict.verdict().is_some_and(Verdict::is_fault));
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
        w.verdict()
    };
    assert_eq!(icmp(3, 13), Some(Verdict::IcmpUnreachable));
    assert_eq!(icmp(3, 4), Some(Verdict::SynNoAnswer), "fragmentation needed refuses nothing");
}

fn after_hello(then: impl FnOnce(&mut World, &mut Flow)) -> World {
    World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        then(w, &mut f);
        f
    })
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

fn with_certificate(issuer: (&str, &str), name: &str, then: impl FnOnce(&mut World, &mut Flow)) -> World {
    after_hello(|w, f| {
        server_hello(w, f, 2, 0x0303);
        certificate(w, f, 2, issuer, name);
        then(w, f);
    })
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
    assert_eq!(World::new().asks(HOST, Some(2), &[]).verdict(), Some(Verdict::DnsFailure));
    let silent = World::new().with_life().asks(HOST, None, &[]).asks(HOST, None, &[]).lasts(100);
    assert_eq!(silent.verdict(), Some(Verdict::DnsFailure));
    assert_eq!(World::new().asks(HOST, None, &[]).verdict(), None, "the capture ends with the question");
    let suffix = World::new().asks(&format!("{HOST}.corp.example"), Some(3), &[]).resolves();
    assert_eq!(suffix.verdict_of(&format!("{HOST}.corp.example")), None, "a search suffix is nobody's host");
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

fn asks_proxy(w: &mut World, status: Option<u16>, schemes: &[&str]) -> Flow {
    let mut f = established(w, PROXY, 1);
    let request = sends(w, &mut f, Side::Client, 1, 100);
    let response_at = status.map(|_| sends(w, &mut f, Side::Server, 2, 300));
    f.app.http.push(HttpExchange {
        request_at: Some(request),
        method: "CONNECT".into(),
        target: format!("{HOST}:443"),
        status,
        response_at,
        proxy_authenticate: schemes.iter().map(|s| (*s).to_owned()).collect(),
        ..HttpExchange::default()
    });
    f
}

#[test]
fn the_proxy_is_judged_by_its_status() {
    let answered = |status| World::new().flow(|w| asks_proxy(w, Some(status), &["NTLM"])).verdict();
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
        f.sides[0].cut_bytes = 500;
        f.sides[1].cut_bytes = 4000;
        f
    });
    assert_eq!(w.verdict(), Some(Verdict::Ok));
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
