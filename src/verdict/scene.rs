//! What the judgement of one attempt looks at, and what it comes to.
//!
//! What enters: an attempt with its flow and capture ([`Scene`]). What leaves: [`Judged`], with its proof. The
//! thresholds by which waiting counts as silence are here.

use super::breaker::{Breaker, BreakerKind, breaker};
use super::certificate::{CertificateFault, Trust};
use super::slow::Slow;
use super::{Confidence, Verdict};
use crate::case::{Attempt, Case, Watch, Way};
use crate::facts::{CaptureFacts, Flow, HttpExchange, IcmpFact, Reset, ResetStage, TcpFacts};
use crate::flow::Side;
use crate::lang::Message;
use crate::message;
use crate::packet::At;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::sync::Arc;

/// Silence shorter than this may be a slow server: no verdict rests on it. (Clients in the field give up after 5 s
/// at the earliest; a healthy answer takes well under one second.)
pub const SILENCE_NS: i64 = 3 * NANOS_PER_SECOND;

/// Retransmissions that prove silence even in a short capture.
pub const RETRANSMISSIONS_MIN: u32 = 2;

/// With retransmissions silence is proven sooner: they are the sender's own measure that an answer is overdue. (Two of
/// them alone take 0.6 s at the least, RFC 6298; the same packet captured twice takes none.)
pub const RETRANSMITTED_SILENCE_NS: i64 = NANOS_PER_SECOND;

/// What a client begins so long after its last success is another try, not one of several connections of the same one.
pub const ANOTHER_TRY_NS: i64 = 10 * NANOS_PER_SECOND;

/// A client that goes on with one failing connection for so long, and uses nothing else meanwhile, waits for it: a spare
/// connection or a second address is given up sooner.
pub const LONG_WAIT_NS: i64 = 30 * NANOS_PER_SECOND;

/// What became of an attempt.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// `None`: the attempt says nothing about the host.
    pub verdict: Option<Verdict>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Frames that prove it.
    pub proof: Vec<Proof>,
    /// What findings want to tell.
    pub detail: Detail,
    /// How far the connection came.
    pub stage: Stage,
}

/// How far an attempt came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// Nothing was sent, or nothing is known.
    #[default]
    None,
    /// SYN sent.
    Syn,
    /// Connection established.
    Connected,
    /// Proxy asked.
    Proxy,
    /// ClientHello sent.
    ClientHello,
    /// ServerHello (or an answer in its place) received.
    ServerHello,
    /// Certificate seen, or encrypted flight received.
    Certificate,
    /// Handshake complete or data both ways.
    Complete,
}

/// A frame and what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// Frame and time.
    pub at: At,
    /// What is seen there.
    pub text: Message,
}

impl Proof {
    /// A frame and what it shows.
    pub fn new(at: At, text: Message) -> Proof {
        Proof { at, text }
    }
}

/// What findings tell beyond the verdict.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// Who sent the reset.
    pub breaker: Option<Breaker>,
    /// Alert: description, sender.
    pub alert: Option<(u8, Side)>,
    /// HTTP status of proxy or block page.
    pub status: Option<u16>,
    /// Authentication schemes of the proxy.
    pub schemes: Vec<String>,
    /// The client tried to answer the proxy's challenge.
    pub credentials_sent: bool,
    /// The ClientHello was acknowledged.
    pub hello_acked: Option<bool>,
    /// ICMP error: type, code, sender.
    pub icmp: Option<(u8, u8, std::net::IpAddr)>,
    /// Signs of an MTU black hole.
    pub mtu: bool,
    /// MTU that an ICMP message named.
    pub mtu_value: Option<u32>,
    /// Which side cannot do TLS 1.2.
    pub legacy_side: Option<Side>,
    /// Interceptor or issuer.
    pub trust: Option<Arc<Trust>>,
    /// Why a genuine certificate is not acceptable.
    pub certificate_fault: Option<CertificateFault>,
    /// The client accepted the certificate and went on.
    pub client_accepts: bool,
    /// The product that answered (Server, Via, product headers, page title).
    pub product: Option<String>,
    /// Where a page redirected to.
    pub location: Option<String>,
    /// Title of a page.
    pub title: Option<String>,
    /// SYNs sent.
    pub syn_count: u32,
    /// Seconds waited in vain.
    pub waited_seconds: f64,
    /// The client spoke TLS to a port that speaks plain HTTP proxy.
    pub tls_to_proxy: bool,
    /// Windows itself dropped packets of the flow: component, reason.
    pub dropped: Option<(String, String)>,
    /// The connection had been accepted before it was reset.
    pub accepted_first: bool,
    /// Nothing came back on QUIC.
    pub quic_unanswered: bool,
    /// The end came by FIN, not by RST.
    pub closed_by_fin: bool,
    /// It worked, but an answer let the client wait.
    pub slow: Option<Slow>,
    /// The client's end of a connection on which it completed the handshake, and asked for nothing.
    pub left: Option<At>,
    /// The capture ends in the middle of the handshake.
    pub under_way: bool,
    /// The proxy refused a request that is not in the capture.
    pub request_unseen: bool,
}

/// Of attempts, each with what it came to, those that reached their host.
pub fn reached<'a>(attempts: &'a [Attempt], judged: &'a [Judged]) -> impl Iterator<Item = &'a Attempt> {
    attempts.iter().zip(judged).filter(|(_, judged)| judged.has_reached()).map(|(attempt, _)| attempt)
}

impl Judged {
    /// A verdict that frames show.
    pub fn seen(verdict: Verdict, stage: Stage, proof: Vec<Proof>) -> Judged {
        Judged { verdict: Some(verdict), stage, proof, ..Judged::default() }
    }

    /// Whether the attempt reached the host: its handshake was completed, or it is good for another reason.
    pub fn has_reached(&self) -> bool {
        self.verdict.is_some_and(Verdict::is_good) || self.stage >= Stage::Complete
    }

    /// Whether the client got through by the attempt, if only by what a device on the way showed it.
    pub fn serves(&self) -> bool {
        self.verdict.is_some_and(Verdict::is_good) || self.detail.client_accepts
    }

    /// Whether the client went on with the certificate of an inspecting device: as a way to the host this one works.
    pub fn goes_on_inspected(&self) -> bool {
        self.verdict == Some(Verdict::Intercepted) && self.detail.client_accepts
    }

    /// An attempt that says nothing.
    pub fn neutral(stage: Stage) -> Judged {
        Judged { stage, ..Judged::default() }
    }

    /// The evidence stops too early or shows too little.
    pub fn undecided(stage: Stage, proof: Vec<Proof>) -> Judged {
        Judged::seen(Verdict::Inconclusive, stage, proof)
    }
}

/// What a SOCKS server says before the tunnel: method, user status and a reply with an IPv4 address (RFC 1928, RFC
/// 1929). The shortest TLS answer, an alert, comes on top.
const SOCKS_ANSWERS_MAX: u64 = 14;

/// What the judgement of one attempt looks at.
pub struct Scene<'a> {
    /// The case.
    pub case: &'a Case,
    /// Host name.
    pub host: &'a str,
    /// The attempt.
    pub attempt: &'a Attempt,
    /// Its flow.
    pub flow: &'a Flow,
    /// TCP history.
    pub tcp: &'a TcpFacts,
    /// Its capture.
    pub capture: &'a CaptureFacts,
    /// Judgement of the certificates of its session.
    pub trust: Option<Arc<Trust>>,
}

impl Scene<'_> {
    /// What the capture saw as a whole.
    pub fn watch(&self) -> Option<&Watch> {
        self.case.watch(self.attempt.piece)
    }

    /// Nanoseconds from `since` to the client's own end of the connection, or else to the last moment at which the
    /// capture is known to have been running, or the one in which the connection goes on; its own packets show that too.
    pub fn waited(&self, since: Timestamp) -> i64 {
        let end = self.client_end().map(|at| at.time).or_else(|| self.later_end());
        let watched = || {
            let until = |piece| self.case.watch(piece).map_or(since, |w| w.until(since));
            let own = until(self.attempt.piece).max(self.flow.last.time);
            self.next_files().fold(own, |last, (piece, flow)| last.max(until(piece)).max(flow.last.time))
        };
        end.unwrap_or_else(watched).since(since).max(0)
    }

    /// The connection in the next files of a ring, as far as none of them is missing.
    fn next_files(&self) -> impl Iterator<Item = (usize, &Flow)> {
        self.case.later(self.attempt).take_while(|(.., adjoins)| *adjoins).map(|(piece, flow, _)| (piece, flow))
    }

    /// When either side ended the connection in one of them.
    fn later_end(&self) -> Option<Timestamp> {
        self.next_files().find_map(|(_, flow)| {
            let tcp = flow.tcp.as_ref()?;
            tcp.fins.iter().flatten().chain(tcp.resets.iter().map(|reset| &reset.at)).map(|at| at.time).min()
        })
    }

    /// The first data of the server in a later file of a ring, where the connection goes on: the file, and when. What is
    /// silence here was an answer that came late.
    pub fn answered_later(&self) -> Option<(&str, At)> {
        self.case.later(self.attempt).find_map(|(piece, flow, _)| {
            let answer = flow.sides.get(1)?.first_data?;
            Some((self.case.pieces.get(piece)?.path.as_str(), answer))
        })
    }

    /// The client's FIN or RST.
    pub fn client_end(&self) -> Option<At> {
        let fin = self.tcp.fins.first().copied().flatten();
        let rst = self.tcp.resets.iter().find(|r| r.by == Side::Client).map(|r| r.at);
        earliest(fin, rst)
    }

    /// The server's FIN.
    pub fn server_fin(&self) -> Option<At> {
        self.tcp.fins.get(1).copied().flatten()
    }

    /// The server's first RST, unless the connection was already ended by a FIN or by the client's RST.
    pub fn server_reset(&self) -> Option<At> {
        self.breaking_reset().map(|reset| reset.at)
    }

    /// Whether that RST came before the server's answer in frame `at`. One whose number counts all bytes of the server,
    /// which stand behind it in the capture, was sent after them.
    pub fn was_reset_before(&self, at: At) -> bool {
        self.breaking_reset().is_some_and(|reset| {
            let sent = self.flow.sides.get(1).map_or(0, |side| side.bytes);
            let counts_them = reset.seq_offset.and_then(|n| u64::try_from(n).ok()).is_some_and(|n| n > 0 && n == sent);
            reset.at.frame < at.frame && !counts_them
        })
    }

    fn breaking_reset(&self) -> Option<&Reset> {
        let reset = self.tcp.resets.iter().find(|r| r.by == Side::Server && r.stage != ResetStage::AfterFin)?;
        let ended = self.client_end().is_some_and(|c| c.frame < reset.at.frame);
        (!ended).then_some(reset)
    }

    /// The server's orderly close, before the client closed.
    pub fn server_close(&self) -> Option<At> {
        let fin = self.server_fin()?;
        let [client_answers, _] = self.tcp.fins_answer_later;
        let ended = self.client_end().is_some_and(|c| c.frame < fin.frame);
        (!ended || client_answers).then_some(fin)
    }

    /// Bytes of the server that belong to the host itself: in a tunnel, what came after the proxy's own answers.
    pub fn server_bytes(&self) -> u64 {
        let all = self.flow.sides.get(1).map_or(0, |side| side.bytes);
        match &self.attempt.way {
            Way::Direct => all,
            Way::Proxy(_) => self
                .attempt
                .exchange
                .and_then(|i| self.flow.app.http.get(i))
                .map_or(all, |connect| connect.tunnel_bytes[1]),
            Way::Socks(_) => all.saturating_sub(SOCKS_ANSWERS_MAX),
        }
    }

    /// Whether either side saw that bytes of the other are missing, or the server's never arrived.
    pub fn has_holes(&self) -> bool {
        let [client, server] = &self.flow.sides;
        client.sack_holes > 0 || server.sack_holes > 0 || server.unacked_gap_bytes > 0
    }

    /// ICMP errors about this flow, "fragmentation needed" apart. Redirects (IPv4 5) and source quench (IPv4 4) say
    /// how to send, not that something cannot be reached.
    pub fn icmp(&self) -> (Vec<&IcmpFact>, Vec<&IcmpFact>) {
        self.watch()
            .into_iter()
            .flat_map(|w| w.icmp(self.capture, self.attempt.flow))
            .filter(|i| i.error.v6 || !matches!(i.error.kind, 4 | 5))
            .partition(|i| !matches!((i.error.v6, i.error.kind, i.error.code), (false, 3, 4) | (true, 2, _)))
    }

    /// Whether the capture misses something that the server sent: bytes that the client acknowledged, or all of it
    /// on a connection that the client uses. What was not captured may have been the answer.
    pub fn answer_not_captured(&self) -> bool {
        self.flow.sides.get(1).is_some_and(|server| server.missed_bytes > 0) || self.server_not_captured()
    }

    /// Whether the client goes on as only a client with an answer does, while the capture holds none.
    pub fn server_not_captured(&self) -> bool {
        self.tcp.one_sided && self.flow.sides.get(1).is_some_and(|server| server.packets == 0)
    }

    /// Component and reason of a drop inside Windows that belongs to this flow.
    pub fn dropped(&self) -> Option<(String, String)> {
        let drop = self.capture.drops.get(self.watch()?.drop_of(self.attempt.flow)?)?;
        Some((drop.component.clone(), drop.reason.clone()))
    }
}

pub(super) fn earliest(a: Option<At>, b: Option<At>) -> Option<At> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if a.frame <= b.frame { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// Copies what an answer tells of its sender.
pub(super) fn describe(judged: &mut Judged, exchange: &HttpExchange) {
    judged.detail.status = exchange.status;
    judged.detail.schemes = exchange.proxy_authenticate.clone();
    judged.detail.title = exchange.title.clone();
    judged.detail.location = exchange.location.clone();
    let mut shown: Vec<String> = exchange.product_headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
    shown.extend(exchange.server.iter().map(|v| format!("Server: {v}")));
    shown.extend(exchange.via.iter().map(|v| format!("Via: {v}")));
    if !shown.is_empty() {
        judged.detail.product = Some(shown.join(", "));
    }
}

/// The reset of the server as a verdict, with who sent it.
pub(super) fn reset(s: &Scene<'_>, verdict: Verdict, stage: Stage, mut proof: Vec<Proof>, at: At) -> Judged {
    let who = breaker(s.flow, Side::Server);
    let text = match who.as_ref().map(|b| b.kind) {
        Some(BreakerKind::OnTheWay) => message!(
            en: "RST in the server's name, sent by something on the way",
            ja: "サーバーを装った経路上の装置からの RST",
        ),
        _ => message!(en: "RST from the server's address", ja: "サーバー側アドレスからの RST"),
    };
    proof.push(Proof::new(at, text));
    let mut judged = Judged::seen(verdict, stage, proof);
    judged.detail.breaker = who;
    judged
}

/// Fills in what the certificates of a session tell.
pub(super) fn with_trust(mut judged: Judged, trust: Option<Arc<Trust>>) -> Judged {
    judged.detail.trust = trust;
    judged
}
