//! One attempt to reach a host → what became of it, with its proof.
//!
//! What enters: a flow and the part of it that was about the host. What leaves: [`Judged`]. The checks follow the
//! life of a connection: SYN, proxy, ClientHello, ServerHello, certificate, end of the handshake; the first stage
//! that failed decides. A client that gave up by itself says nothing about the host (`verdict: None`).

use super::breaker::breaker;
use super::certificate::Trusts;
use super::scene::{Judged, Proof, SILENCE_NS, Scene, Stage, reset};
use super::{Confidence, Verdict, page, proxy, slow, tls};
use crate::case::{Attempt, Case, Watch, Way};
use crate::facts::{FlowTransport, TcpFacts};
use crate::flow::{FAREWELL_BYTES, Side};
use crate::message;
use crate::packet::At;
use crate::time::NANOS_PER_SECOND;

/// Judges one attempt.
pub fn judge(case: &Case, host: &str, attempt: &Attempt, trusts: &mut Trusts) -> Judged {
    let (Some(capture), Some(flow)) = (case.capture(attempt.piece), case.flow(attempt)) else {
        return Judged::neutral(Stage::None);
    };
    let none = TcpFacts::default();
    let tcp = flow.tcp.as_ref().unwrap_or(&none);
    let session = attempt.session.and_then(|i| flow.app.tls.get(i));
    let trust = session.and_then(|session| trusts.of(host, session));
    let scene = Scene { case, host, attempt, flow, tcp, capture, trust };
    let mut judged = match flow.transport {
        FlowTransport::Udp => quic(&scene),
        FlowTransport::Tcp => tcp_flow(&scene),
    };
    if judged.verdict.is_some_and(is_silence)
        && let Some((file, answer)) = scene.answered_later()
    {
        let text = message!(
            en: "the answer stands in another capture of the same case: frame {1} of {0}",
            ja: "応答は同じケースの別のキャプチャにある: {0} のフレーム {1}",
            file, answer.frame
        );
        let mut proof = judged.proof;
        proof.push(Proof::new(flow.last, text));
        judged = Judged::undecided(judged.stage, proof);
    }
    judged.detail.syn_count = tcp.syn_try_count();
    if judged.verdict == Some(Verdict::Ok) {
        judged.detail.slow = slow::longest_wait(&scene);
    }
    if judged.verdict.is_some_and(Verdict::is_fault) && judged.detail.dropped.is_none() {
        judged.detail.dropped = scene.dropped();
    }
    judged
}

/// The verdicts that rest on an answer that never came.
fn is_silence(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::SynNoAnswer
            | Verdict::SilentAfterClientHello
            | Verdict::StalledMidHandshake
            | Verdict::ProxyNoResponse
    )
}

fn tcp_flow(s: &Scene<'_>) -> Judged {
    let [client, server] = &s.flow.sides;
    // Nobody acknowledges, or says anything to, a server that has not answered, though the answer itself may be missing.
    let used = s.tcp.established.is_some() && server.packets > 0 || client.missed_bytes > 0 || server.missed_bytes > 0;
    let answered = s.tcp.syn_ack.is_some() || server.bytes > 0 || s.tcp.midstream || server.cut_bytes > 0 || used;
    if !answered && s.server_not_captured() {
        let text = message!(
            en: "the client goes on as after an answer, but no packet from {} is in the capture",
            ja: "クライアントは応答を受けたように続行しているが、{} からのパケットがキャプチャにない",
            s.attempt.peer
        );
        return Judged::undecided(Stage::Connected, vec![Proof::new(s.flow.first, text)]);
    }
    if !answered {
        return unanswered(s);
    }
    match &s.attempt.way {
        Way::Socks(_) => return proxy::socks(s),
        Way::Proxy(_) => return proxy::http(s),
        Way::Direct => {}
    }
    if s.case.proxies.contains_key(&s.attempt.peer) && s.attempt.session.is_none() && s.attempt.exchange.is_none() {
        return proxy::itself(s);
    }
    if let Some(session) = s.attempt.session.and_then(|i| s.flow.app.tls.get(i)) {
        let judged = tls::judge(s, session);
        if judged.verdict.is_some() || !tls::is_unread(session) {
            return judged;
        }
    }
    if let Some(exchange) = s.attempt.exchange.and_then(|i| s.flow.app.http.get(i)) {
        return page::judge(s, exchange);
    }
    let client_data = client.bytes + client.cut_bytes;
    let server_data = server.bytes + server.cut_bytes;
    if client_data == 0 && server_data == 0 {
        return accepted_without_data(s);
    }
    if client_data > 0 && server_data > 0 {
        // A handshake ends with something that the client says after an answer that is longer than an alert.
        let replied = client.last_data.map(|at| at.time) > server.first_data.map(|at| at.time);
        let web = s.attempt.peer.port() == 443 && !s.tcp.midstream;
        if server.unacked_gap_bytes > 0 && web && !replied {
            // What was said is not known, but that part of the first answer never arrived is.
            let mut judged = tls::stalled(s, server.last_data.unwrap_or(s.flow.first), Stage::Connected, Vec::new());
            judged.confidence = Confidence::Inferred;
            return judged;
        }
        if s.attempt.session.is_some() || web && (server_data < ANSWER_BYTES_MIN || !replied) {
            return Judged::neutral(Stage::Connected);
        }
        // With an alert a client refuses a handshake, whose hello may be missing in the capture.
        if s.attempt.peer.port() == 443 && client_data <= FAREWELL_BYTES && client.missed_bytes == 0 {
            let text = message!(
                en: "the beginning of the connection is not in the capture, and all that the client says in it is no longer than an alert: whether it got through cannot be told",
                ja: "接続の冒頭がキャプチャになく、クライアントの発言はアラート程度の長さしかないため、到達できたかどうかは判断できない",
            );
            let said = client.last_data.unwrap_or(s.flow.last);
            return Judged::undecided(Stage::Connected, vec![Proof::new(said, text)]);
        }
        let proof =
            server.first_data.map(|at| Proof::new(at, message!(en: "data in both directions", ja: "双方向のデータ")));
        return Judged::seen(Verdict::Ok, Stage::Complete, proof.into_iter().collect());
    }
    if client_data > 0 && s.attempt.peer.port() == 443 && !s.tcp.midstream {
        return unreadable_hello(s, client.first_data.unwrap_or(s.flow.first));
    }
    Judged::neutral(Stage::Connected)
}

/// The client said something that is cut or unreadable, and the server nothing: on 443 the first thing that a client says
/// is its ClientHello.
fn unreadable_hello(s: &Scene<'_>, hello: At) -> Judged {
    let text = message!(
        en: "the client's first data, by the port its ClientHello",
        ja: "クライアントの最初のデータ (ポートから見て ClientHello)",
    );
    let proof = vec![Proof::new(hello, text)];
    let mut judged = if s.answer_not_captured() {
        Judged::undecided(Stage::ClientHello, proof)
    } else if let Some(at) = s.server_reset() {
        reset(s, Verdict::ResetAfterClientHello, Stage::ClientHello, proof, at)
    } else if let Some(at) = s.server_close() {
        tls::closed_before_server_hello(proof, at)
    } else {
        tls::no_answer_to_hello(s, hello)
    };
    judged.confidence = Confidence::Inferred;
    judged
}

/// No answer of TLS but an alert is as short: a ServerHello has 4 + 2 + 32 + 1 + 2 + 1 bytes behind a header of 5.
const ANSWER_BYTES_MIN: u64 = 47;

/// A SYN without SYN-ACK.
fn unanswered(s: &Scene<'_>) -> Judged {
    let first_syn = s.tcp.syns.first().copied().unwrap_or(s.flow.first);
    let syn = Proof::new(first_syn, message!(en: "SYN to {}", ja: "{} への SYN", s.attempt.peer));
    if let Some(reset) = s.tcp.resets.iter().find(|r| r.by == Side::Server) {
        let text = message!(en: "RST in answer to the SYN (TTL {})", ja: "SYN に対する RST (TTL {})", reset.ttl);
        let mut judged = Judged::seen(Verdict::Refused, Stage::Syn, vec![syn, Proof::new(reset.at, text)]);
        judged.detail.breaker = breaker(s.flow, Side::Server);
        return judged;
    }
    let (errors, _) = s.icmp();
    if let Some(icmp) = errors.first() {
        let text = message!(
            en: "ICMP type {} code {} from {} quoting this SYN",
            ja: "{2} からの ICMP タイプ {0} コード {1} (この SYN を引用)",
            icmp.error.kind, icmp.error.code, icmp.sender
        );
        let mut judged = Judged::seen(Verdict::IcmpUnreachable, Stage::Syn, vec![syn, Proof::new(icmp.at, text)]);
        judged.detail.icmp = Some((icmp.error.kind, icmp.error.code, icmp.sender));
        return judged;
    }
    let waited = s.waited(first_syn.time);
    if s.watch().is_some_and(Watch::is_one_directional) {
        return Judged::undecided(Stage::Syn, vec![syn]);
    }
    let tries = s.tcp.syn_tries();
    let enough = if tries.len() > 2 { SYN_SILENCE_NS } else { SILENCE_NS };
    if tries.len() >= 2 && waited >= enough {
        let mut proof = vec![syn];
        let again = if s.flow.sides.get(1).is_some_and(|server| server.packets > 0) {
            message!(
                en: "SYN sent again; what came back acknowledges something else and opens no connection",
                ja: "SYN の再送。返ってきたパケットは別のものを ACK しており、接続は成立しない",
            )
        } else {
            message!(en: "SYN sent again, no answer", ja: "SYN の再送、応答なし")
        };
        proof.extend(tries.iter().skip(1).map(|at| Proof::new(*at, again.clone())));
        let mut judged = Judged::seen(Verdict::SynNoAnswer, Stage::Syn, proof);
        judged.detail.waited_seconds = waited as f64 / 1e9;
        return judged;
    }
    // A single SYN: the client gave up at once (another address was faster), or the capture ended.
    Judged::neutral(Stage::Syn)
}

/// Silence after which three tries prove a drop: the third SYN leaves two or three seconds after the first at the
/// earliest, and a capture may end with it.
const SYN_SILENCE_NS: i64 = 2 * NANOS_PER_SECOND;

/// Established, but neither side said anything that was captured.
fn accepted_without_data(s: &Scene<'_>) -> Judged {
    // A reset of a connection whose beginning is missing, or of which nothing of the client's is there, ends it.
    let begun = !s.tcp.syns.is_empty() && s.flow.sides.first().is_some_and(|client| client.missed_bytes == 0);
    // Who does not want the connection says so at once; what is reset after a while was only idle.
    let accepted = s.tcp.syn_ack.unwrap_or(s.flow.first).time;
    let at_once = |end: &At| end.time.since(accepted) < SILENCE_NS;
    // Nor could a client say anything to a server whose window stayed shut.
    let shut = s.tcp.never_opened;
    if let Some(reset) = s.server_reset().filter(|_| begun).filter(|at| at_once(at) || shut) {
        let text = if shut {
            message!(
                en: "RST by the server's address, after it accepted the connection with a window of 0 and never opened it",
                ja: "ウィンドウ 0 で接続を受け付け、一度も開かないままサーバー側アドレスから RST",
            )
        } else {
            message!(
                en: "RST by the server's address right after the connection was accepted",
                ja: "接続受付の直後にサーバー側アドレスから RST",
            )
        };
        let mut judged = Judged::seen(Verdict::Refused, Stage::Connected, vec![Proof::new(reset, text)]);
        judged.detail.accepted_first = true;
        judged.detail.waited_seconds = reset.time.seconds_since(accepted);
        judged.detail.breaker = breaker(s.flow, Side::Server);
        return judged;
    }
    let Some(close) = s.server_close().filter(|_| begun).filter(at_once) else {
        return Judged::neutral(Stage::Connected);
    };
    let text = message!(
        en: "FIN by the server's address right after the connection was accepted",
        ja: "接続受付の直後にサーバー側アドレスから FIN",
    );
    let proof = vec![Proof::new(close, text)];
    let mut judged = Judged::seen(Verdict::ClosedBeforeServerHello, Stage::Connected, proof);
    judged.detail.accepted_first = true;
    judged.detail.closed_by_fin = true;
    judged
}

fn quic(s: &Scene<'_>) -> Judged {
    let Some(quic) = &s.flow.app.quic else { return Judged::neutral(Stage::None) };
    let session = s.attempt.session.and_then(|i| s.flow.app.tls.get(i));
    let established = quic.short_packets.iter().any(|n| *n > 0) && quic.first_answer.is_some()
        || session.is_some_and(|t| t.complete.is_some());
    if let (true, Some(at)) = (established, quic.first_answer) {
        let text = message!(en: "QUIC handshake answered, 1-RTT packets follow", ja: "QUIC ハンドシェイク応答と 1-RTT パケット");
        return Judged::seen(Verdict::Ok, Stage::Complete, vec![Proof::new(at, text)]);
    }
    let mut judged = Judged::neutral(Stage::ClientHello);
    judged.detail.quic_unanswered = quic.first_answer.is_none() && quic.client_initials >= 2;
    judged
}
