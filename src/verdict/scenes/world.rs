//! Small captures built by hand: every event takes the next frame, times are in tenths of a second.

use super::super::{Verdict, judge_host};
use crate::case::{Case, Piece, PieceFacts};
use crate::facts::*;
use crate::flow::{Ends, Side};
use crate::packet::At;
use crate::report::{Report, build};
use crate::time::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub(super) const HOST: &str = "login.microsoftonline.com";
pub(super) const SECOND: i64 = 1_000_000_000;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn end(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A capture under construction; every event takes the next frame, times are in tenths of a second.
pub(super) struct World {
    pub(super) facts: CaptureFacts,
    pub(super) frame: u64,
    /// The files of a ring before this one.
    files: Vec<CaptureFacts>,
}

impl World {
    pub(super) fn new() -> World {
        World { facts: CaptureFacts::default(), frame: 0, files: Vec::new() }
    }

    pub(super) fn at(&mut self, tenths: i64) -> At {
        self.frame += 1;
        let time = Timestamp(tenths * SECOND / 10);
        self.facts.info.earliest.get_or_insert(time);
        self.facts.info.latest = Some(self.facts.info.latest.map_or(time, |l| l.max(time)));
        self.facts.info.frames += 1;
        At { frame: self.frame, time }
    }

    pub(super) fn lasts(mut self, tenths: i64) -> World {
        self.at(tenths);
        self
    }

    pub(super) fn asks(self, name: &str, rcode: Option<u16>, addresses: &[&str]) -> World {
        self.asks_for(0, 1, name, rcode, addresses)
    }

    /// Asks at some time for records of type `kind`; all answers are addresses.
    pub(super) fn asks_for(
        mut self,
        tenths: i64,
        kind: u16,
        name: &str,
        rcode: Option<u16>,
        addresses: &[&str],
    ) -> World {
        let question = DnsMessage {
            at: self.at(tenths),
            src: Some(end("10.0.0.5:5000")),
            dst: Some(end("10.0.0.53:53")),
            id: 1,
            questions: vec![(name.to_owned(), kind)],
            ..DnsMessage::default()
        };
        self.facts.dns.push(question.clone());
        if let Some(rcode) = rcode {
            let answers = addresses
                .iter()
                .map(|a| DnsRecord { name: name.to_owned(), kind: 1, ttl: 60, data: DnsData::Address(ip(a)) })
                .collect();
            let at = self.at(tenths);
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

    pub(super) fn resolves(self) -> World {
        self.asks(HOST, Some(0), &["20.190.151.7"])
    }

    /// As if `client` had asked what was asked so far, and not somebody else.
    pub(super) fn asked_by(mut self, client: &str) -> World {
        let asker = Some(SocketAddr::new(ip(client), 5000));
        for message in &mut self.facts.dns {
            let place = if message.response { &mut message.dst } else { &mut message.src };
            *place = asker;
        }
        self
    }

    pub(super) fn flow(mut self, make: impl FnOnce(&mut World) -> Flow) -> World {
        let mut flow = make(&mut self);
        flow.stream = u32::try_from(self.facts.flows.len()).unwrap();
        self.facts.flows.push(flow);
        self
    }

    /// Another conversation that works, so that silence elsewhere means something.
    pub(super) fn with_life(self) -> World {
        self.flow(|w| {
            let mut f = established(w, "93.184.216.34:443", 0);
            hello(w, &mut f, 0, "www.example.com", 0x0304);
            server_hello(w, &mut f, 1, 0x0304);
            complete(w, &mut f, 2);
            f
        })
    }

    /// The capture goes on in the next file of a ring.
    pub(super) fn next_file(mut self) -> World {
        self.files.push(std::mem::take(&mut self.facts));
        self.frame = 0;
        self
    }

    pub(super) fn case(self) -> (Case, Report) {
        let piece = |facts| Piece {
            path: "capture.pcap".into(),
            container: None,
            bytes: 0,
            facts: PieceFacts::Capture(Box::new(facts)),
        };
        let case = Case::build(self.files.into_iter().chain([self.facts]).map(piece).collect());
        let verdicts: Vec<_> = case.hosts.iter().map(|h| judge_host(&case, h)).collect();
        let report = build::build(&case, &verdicts, Vec::new());
        (case, report)
    }

    pub(super) fn verdict_of(self, name: &str) -> Option<Verdict> {
        let (_, report) = self.case();
        report.hosts.iter().find(|h| h.name == name).map(|h| h.verdict)
    }

    pub(super) fn verdict(self) -> Option<Verdict> {
        self.verdict_of(HOST)
    }
}

pub(super) fn syn(w: &mut World, server: &str, tenths: i64, count: u32) -> Flow {
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
        crowd: None,
    }
}

pub(super) fn established(w: &mut World, server: &str, tenths: i64) -> Flow {
    let mut f = syn(w, server, tenths, 1);
    let at = w.at(tenths);
    let tcp = f.tcp.as_mut().unwrap();
    tcp.syn_ack = Some(at);
    tcp.established = Some(at);
    f.sides[1].packets = 1;
    f
}

pub(super) fn sends(w: &mut World, f: &mut Flow, side: Side, tenths: i64, bytes: u64) -> At {
    let at = w.at(tenths);
    let s = &mut f.sides[side.index()];
    s.first_data.get_or_insert(at);
    s.last_data = Some(at);
    if bytes > 100 {
        s.last_content = Some(at);
    }
    s.bytes += bytes;
    s.packets += 1;
    f.last = at;
    at
}

/// A plain request of `host` for `target`, with its answer.
pub(super) fn asks_plainly(
    w: &mut World,
    host: &str,
    target: &str,
    tenths: i64,
    status: u16,
    location: Option<&str>,
) -> Flow {
    let mut f = established(w, "203.0.113.9:80", tenths);
    let request_at = Some(sends(w, &mut f, Side::Client, tenths, 100));
    let response_at = Some(sends(w, &mut f, Side::Server, tenths, 300));
    f.app.http.push(HttpExchange {
        request_at,
        response_at,
        method: "GET".into(),
        target: target.into(),
        host: Some(host.to_owned()),
        status: Some(status),
        location: location.map(str::to_owned),
        ..HttpExchange::default()
    });
    f
}

/// A request for a tunnel to `host`, and the proxy's consent.
pub(super) fn opens_tunnel(w: &mut World, f: &mut Flow, host: &str, tenths: i64) {
    let request_at = Some(sends(w, f, Side::Client, tenths, 100));
    let response_at = Some(sends(w, f, Side::Server, tenths, 50));
    f.app.http.push(HttpExchange {
        request_at,
        response_at,
        method: "CONNECT".into(),
        target: format!("{host}:443"),
        status: Some(200),
        tunnel_bytes: [3000, 9000],
        ..HttpExchange::default()
    });
}

pub(super) fn hello(w: &mut World, f: &mut Flow, tenths: i64, sni: &str, max: u16) {
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

pub(super) fn session(f: &mut Flow) -> &mut TlsSession {
    f.app.tls.last_mut().unwrap()
}

pub(super) fn server_hello(w: &mut World, f: &mut Flow, tenths: i64, version: u16) {
    let at = sends(w, f, Side::Server, tenths, 2000);
    let choice = Arc::new(Choice { version, ..Choice::default() });
    session(f).server_hellos.push(ServerHello { at, choice, ..ServerHello::default() });
    if version == 0x0304 {
        session(f).encrypted[1].records = 4;
    }
}

pub(super) fn certificate(w: &mut World, f: &mut Flow, tenths: i64, issuer: (&str, &str), name: &str) {
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

pub(super) const GENUINE: (&str, &str) = ("Microsoft Azure RSA TLS Issuing CA 03", "Microsoft Corporation");

pub(super) fn complete(w: &mut World, f: &mut Flow, tenths: i64) {
    let at = sends(w, f, Side::Client, tenths, 500);
    let reply = sends(w, f, Side::Server, tenths, 5000);
    session(f).complete = Some(at);
    for (side, at) in [(0, at), (1, reply)] {
        session(f).encrypted[side].records = 5;
        session(f).encrypted[side].last = Some(at);
    }
}

pub(super) fn alert(w: &mut World, f: &mut Flow, tenths: i64, by: Side, description: u8) {
    let at = sends(w, f, by, tenths, 7);
    session(f).alerts.push(Alert { at, by, level: 2, description, record_version: 0x0303 });
}

pub(super) fn rst(w: &mut World, f: &mut Flow, tenths: i64, by: Side, ttl: u8) {
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

/// A connection refused by the server.
pub(super) fn refused(w: &mut World, tenths: i64) -> Flow {
    let mut f = syn(w, SERVER, tenths, 1);
    rst(w, &mut f, tenths, Side::Server, 116);
    f
}

pub(super) fn fin(w: &mut World, f: &mut Flow, tenths: i64, by: Side) {
    let at = w.at(tenths);
    f.tcp.as_mut().unwrap().fins[by.index()] = Some(at);
}

pub(super) const SERVER: &str = "20.190.151.7:443";
pub(super) const PROXY: &str = "10.30.0.5:3128";

pub(super) fn after_hello(then: impl FnOnce(&mut World, &mut Flow)) -> World {
    World::new().resolves().flow(|w| {
        let mut f = established(w, SERVER, 1);
        hello(w, &mut f, 1, HOST, 0x0304);
        then(w, &mut f);
        f
    })
}

pub(super) fn with_certificate(issuer: (&str, &str), name: &str, then: impl FnOnce(&mut World, &mut Flow)) -> World {
    after_hello(|w, f| {
        server_hello(w, f, 2, 0x0303);
        certificate(w, f, 2, issuer, name);
        then(w, f);
    })
}

pub(super) fn asks_proxy(w: &mut World, status: Option<u16>, schemes: &[&str]) -> Flow {
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
