//! What the proxy said: CONNECT and SOCKS answers, and the proxy as a host of its own.

use super::scene::{Judged, Proof, SILENCE_NS, Scene, Stage, describe, reset};
use super::{Verdict, certificate, page, tls};
use crate::case::in_lost_tunnel;
use crate::facts::{Flow, HttpExchange, SocksFact};
use crate::message;
use crate::packet::At;
use crate::time::NANOS_PER_SECOND;
use std::sync::Arc;

/// An attempt through an HTTP proxy.
pub(super) fn http(s: &Scene<'_>) -> Judged {
    let Some(exchange) = s.attempt.exchange.and_then(|i| s.flow.app.http.get(i)) else {
        // The CONNECT is not in the capture, the tunnel is.
        return match s.attempt.session.and_then(|i| s.flow.app.tls.get(i)) {
            Some(session) => tls::judge(s, session),
            None => Judged::neutral(Stage::Connected),
        };
    };
    let mut judged = asked(s, exchange);
    judged.detail.credentials_sent =
        s.flow.app.http.iter().any(|e| e.target == exchange.target && e.proxy_authorization.is_some());
    judged
}

/// A status by which a proxy itself refuses.
fn is_refusal(status: u16) -> bool {
    matches!(status, 403 | 407 | 502 | 503 | 504)
}

/// The refusal of a request that the capture misses, so that nobody knows which host was asked for. A challenge that more
/// requests follow on its connection was a step on the way.
fn refusal_of_unseen<'a>(s: &Scene<'a>) -> Option<&'a HttpExchange> {
    let flow: &'a Flow = s.flow;
    let missed = s.tcp.midstream || flow.sides.first().is_some_and(|client| client.missed_bytes > 0);
    let last = flow.app.http.last()?;
    let of_unseen = |x: &&HttpExchange| x.request_at.is_none() && x.status.is_some_and(is_refusal);
    let stands = |x: &&HttpExchange| x.status != Some(407) || x.response_at == last.response_at;
    flow.app.http.iter().filter(|_| missed).filter(of_unseen).find(stands)
}

fn refused_unseen(refusal: &HttpExchange) -> Judged {
    let status = refusal.status.unwrap_or_default();
    let text = message!(
        en: "the proxy answers {status} {} to a request that is not in the capture",
        ja: "キャプチャにない要求に対するプロキシの応答 {status} {}",
        refusal.reason
    );
    let proof = refusal.response_at.map(|at| Proof::new(at, text));
    let mut judged = Judged::undecided(Stage::Proxy, proof.into_iter().collect());
    describe(&mut judged, refusal);
    judged.detail.request_unseen = true;
    judged
}

/// What came of a request to the proxy.
fn asked(s: &Scene<'_>, exchange: &HttpExchange) -> Judged {
    let asked = exchange.request_at.unwrap_or(s.flow.first);
    let request = Proof::new(asked, message!(en: "{} {}", ja: "{} {}", exchange.method, exchange.target));
    let Some(status) = exchange.status else {
        // Bytes of a server in the tunnel are behind the proxy's consent, wherever that is.
        let session = s.attempt.session.and_then(|i| s.flow.app.tls.get(i));
        return match session.filter(|_| exchange.tunnel_bytes[1] > 0) {
            Some(session) => tls::judge(s, session),
            None => no_answer(s, asked, vec![request]),
        };
    };
    let answered = exchange.response_at.unwrap_or(asked);
    let answer = Proof::new(
        answered,
        message!(
            en: "the proxy answers {status} {}",
            ja: "プロキシの応答 {status} {}",
            exchange.reason
        ),
    );
    if !exchange.is_connect() && !is_refusal(status) {
        return page::judge(s, exchange);
    }
    let verdict = match status {
        200..=299 => {
            if let Some(session) = s.attempt.session.and_then(|i| s.flow.app.tls.get(i)) {
                return tls::judge(s, session);
            }
            return tunnel_without_tls(s, exchange, answered);
        }
        407 if goes_on_unseen(s, answered) || !challenge_stands(s, answered) => {
            return Judged::undecided(Stage::Proxy, vec![request, answer]);
        }
        407 => Verdict::ProxyAuthRequired,
        300..=399 => return page::redirect(exchange, vec![request, answer]),
        511 => Verdict::CaptivePortal,
        // Some filters refuse with an error of the server; what they say of it stands in the page.
        500..=599 if page::is_refusal(exchange) => Verdict::ProxyDenied,
        500..=599 => Verdict::ProxyUpstreamError,
        _ => Verdict::ProxyDenied,
    };
    let mut judged = Judged::seen(verdict, Stage::Proxy, vec![request, answer]);
    describe(&mut judged, exchange);
    judged.detail.waited_seconds = answered.time.seconds_since(asked.time);
    judged
}

/// Whether the capture misses bytes of the client, and with them perhaps the request with the credentials: the numbers have a
/// gap, payload of more than any captured request was cut, or the proxy answers what nobody asked (but for 408, by which
/// it says that no request came).
fn goes_on_unseen(s: &Scene<'_>, challenged: At) -> bool {
    let is_behind = |at: Option<At>| at.is_some_and(|at| at.frame > challenged.frame);
    let exchanges = &s.flow.app.http;
    let asked_again = exchanges.iter().any(|e| is_behind(e.request_at));
    let is_answer = |e: &&HttpExchange| e.request_at.is_none() && e.status != Some(TIRED_OF_WAITING);
    let answered_unasked = exchanges.iter().filter(is_answer).any(|e| is_behind(e.response_at));
    let [client, _] = &s.flow.sides;
    let said_more = is_behind(client.last_data) && !asked_again;
    client.missed_bytes > 0 || answered_unasked || client.cut_bytes > 0 && said_more
}

/// The status of a server to which no request comes (RFC 9110 15.5.9).
const TIRED_OF_WAITING: u16 = 408;

/// Whether it is clear that the client never answers the proxy's challenge: either side ended the connection, or time
/// went by. A capture may end between the challenge and its answer.
fn challenge_stands(s: &Scene<'_>, answered: At) -> bool {
    s.client_end().is_some()
        || s.server_close().is_some()
        || s.server_reset().is_some()
        || s.waited(answered.time) >= SILENCE_NS
}

/// Silence of a proxy that proves something although the client still waits: while a proxy tries to reach the host it
/// says nothing, and tries of several seconds are ordinary (squid's connect_timeout is 60 s, many gateways give up
/// after 5 to 10).
const PROXY_SILENCE_NS: i64 = 10 * NANOS_PER_SECOND;

/// The request went out and no status came back.
fn no_answer(s: &Scene<'_>, asked: At, mut proof: Vec<Proof>) -> Judged {
    if s.answer_not_captured() {
        return Judged::undecided(Stage::Proxy, proof);
    }
    if let Some(at) = s.server_reset() {
        return reset(s, Verdict::ProxyNoResponse, Stage::Proxy, proof, at);
    }
    if let Some(at) = s.server_close() {
        proof.push(Proof::new(at, message!(en: "the proxy closes without an answer", ja: "プロキシが応答せずに切断")));
        let mut judged = Judged::seen(Verdict::ProxyNoResponse, Stage::Proxy, proof);
        judged.detail.closed_by_fin = true;
        return judged;
    }
    let waited = s.waited(asked.time);
    if waited >= if s.client_end().is_some() { SILENCE_NS } else { PROXY_SILENCE_NS } {
        let last = s.client_end().unwrap_or(s.flow.last);
        proof.push(Proof::new(
            last,
            message!(
                en: "no answer within {:.1} s",
                ja: "{:.1} 秒間応答なし",
                waited as f64 / 1e9
            ),
        ));
        let mut judged = Judged::seen(Verdict::ProxyNoResponse, Stage::Proxy, proof);
        judged.detail.waited_seconds = waited as f64 / 1e9;
        return judged;
    }
    if s.client_end().is_some() { Judged::neutral(Stage::Proxy) } else { Judged::undecided(Stage::Proxy, proof) }
}

/// The tunnel is open, and what runs in it is not TLS as far as can be seen.
fn tunnel_without_tls(s: &Scene<'_>, exchange: &HttpExchange, opened: At) -> Judged {
    let [up, down] = exchange.tunnel_bytes;
    let proof = vec![Proof::new(opened, message!(en: "tunnel opened", ja: "トンネル確立"))];
    // What the capture misses may have been a ClientHello and all that answers it.
    let is_missed = s.answer_not_captured() || s.flow.sides.first().is_some_and(|client| client.missed_bytes > 0);
    match (up, down) {
        (1.., 1..) => Judged::seen(Verdict::Ok, Stage::Complete, proof),
        _ if is_missed => Judged::undecided(Stage::Proxy, proof),
        // The first thing in a tunnel to port 443 is a ClientHello, even if the capture lost it.
        (1.., 0) if s.waited(opened.time) >= SILENCE_NS => {
            Judged::seen(Verdict::SilentAfterClientHello, Stage::ClientHello, proof)
        }
        (0, 0) => match s.server_reset().or(s.server_close()) {
            Some(at) => {
                let mut proof = proof;
                proof.push(Proof::new(
                    at,
                    message!(en: "the proxy closes the tunnel at once", ja: "プロキシがトンネルを直ちに切断"),
                ));
                let mut judged = Judged::seen(Verdict::ProxyNoResponse, Stage::Proxy, proof);
                judged.detail.status = exchange.status;
                judged
            }
            None => Judged::neutral(Stage::Proxy),
        },
        _ => Judged::neutral(Stage::Proxy),
    }
}

/// An attempt through a SOCKS proxy (RFC 1928, RFC 1929).
pub(super) fn socks(s: &Scene<'_>) -> Judged {
    let Some(socks) = &s.flow.app.socks else { return Judged::neutral(Stage::Connected) };
    if let Some(judged) = refused_user(socks) {
        return judged;
    }
    let asked = socks.request_at.unwrap_or(socks.at);
    let target = socks.target.as_deref().unwrap_or("?");
    let request =
        Proof::new(asked, message!(en: "SOCKS{} request for {target}", ja: "SOCKS{} 要求 {target}", socks.version));
    if socks.granted() {
        return match s.attempt.session.and_then(|i| s.flow.app.tls.get(i)) {
            Some(session) => tls::judge(s, session),
            None if s.flow.sides.iter().all(|side| side.bytes > 64) => {
                Judged::seen(Verdict::Ok, Stage::Complete, vec![request])
            }
            None => Judged::neutral(Stage::Proxy),
        };
    }
    let answered = socks.reply_at.unwrap_or(asked);
    let verdict = match (socks.version, socks.reply) {
        (5, Some(2)) | (4, Some(0x5B)) => Verdict::ProxyDenied,
        (4, Some(0x5C | 0x5D)) => Verdict::ProxyAuthRequired,
        (_, Some(_)) => Verdict::ProxyUpstreamError,
        (_, None) => return no_answer(s, asked, vec![request]),
    };
    let code = socks.reply.unwrap_or(0);
    let reply = Proof::new(answered, message!(en: "SOCKS reply {code}", ja: "SOCKS 応答 {code}"));
    Judged::seen(verdict, Stage::Proxy, vec![request, reply])
}

/// A SOCKS5 proxy that accepts none of the client's methods, or not its user (RFC 1928 3, RFC 1929 2).
fn refused_user(socks: &SocksFact) -> Option<Judged> {
    let text = match (socks.version, socks.method, socks.auth_status) {
        (5, Some(0xFF), _) => message!(
            en: "the SOCKS proxy accepts none of the methods offered ({})",
            ja: "SOCKS プロキシは提示された認証方式 ({}) をいずれも受け付けない",
            socks.methods.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
        ),
        (5, _, Some(status)) if status != 0 => message!(
            en: "the SOCKS proxy refuses the user (status {status})",
            ja: "SOCKS プロキシがユーザーを拒否 (ステータス {status})",
        ),
        _ => return None,
    };
    let mut judged = Judged::seen(
        Verdict::ProxyAuthRequired,
        Stage::Proxy,
        vec![Proof::new(socks.reply_at.unwrap_or(socks.at), text)],
    );
    judged.detail.credentials_sent = socks.auth_status.is_some();
    Some(judged)
}

/// A SOCKS negotiation that never came to the request: no host behind the proxy is known, the proxy itself failed.
fn before_request(s: &Scene<'_>, socks: &SocksFact) -> Option<Judged> {
    if let Some(judged) = refused_user(socks) {
        return Some(judged);
    }
    let greeting = Proof::new(socks.at, message!(en: "SOCKS{} greeting", ja: "SOCKS{} の挨拶", socks.version));
    let judged = socks.method.is_none().then(|| no_answer(s, socks.at, vec![greeting]))?;
    judged.verdict.is_some().then_some(judged)
}

/// The proxy as a host: reached when it says anything at all.
pub(super) fn itself(s: &Scene<'_>) -> Judged {
    let [client, server] = &s.flow.sides;
    if let Some(session) = s.flow.app.tls.iter().find(|t| t.tunnel.is_none() && !in_lost_tunnel(s.flow, t)) {
        let own = Scene { trust: certificate::trust(s.host, session).map(Arc::new), ..*s };
        let mut judged = tls::judge(&own, session);
        // A proxy that speaks plain HTTP answers a ClientHello with an error page, or not at all.
        if let Some(answer) =
            session.plaintext_answer.as_ref().filter(|_| judged.verdict.is_some_and(Verdict::is_fault))
        {
            judged.verdict = Some(Verdict::ClosedBeforeServerHello);
            judged.stage = Stage::ClientHello;
            judged.detail.status = answer.http_status;
        }
        judged.detail.tls_to_proxy = true;
        return judged;
    }
    if let Some(judged) = s.flow.app.socks.as_ref().filter(|n| n.target.is_none()).and_then(|n| before_request(s, n)) {
        return judged;
    }
    if let Some(refusal) = refusal_of_unseen(s) {
        return refused_unseen(refusal);
    }
    if let Some(at) = server.first_data {
        let text = message!(en: "the proxy answers", ja: "プロキシの応答");
        return Judged::seen(Verdict::Ok, Stage::Complete, vec![Proof::new(at, text)]);
    }
    if client.bytes == 0
        && let Some(at) = s.server_reset()
    {
        return reset(s, Verdict::Refused, Stage::Connected, Vec::new(), at);
    }
    // Asked and not answered: the host behind it carries the verdict, the proxy could be connected to.
    let proof = s
        .tcp
        .syn_ack
        .map(|at| Proof::new(at, message!(en: "the proxy accepts the connection", ja: "プロキシが接続を受付")));
    Judged::seen(Verdict::Ok, Stage::Connected, proof.into_iter().collect())
}
