//! What became of a TLS handshake.
//!
//! The stages in order: an answer that is no TLS; completed; broken at the certificate; broken by an alert; broken
//! after the ServerHello; broken before it. Versions are judged by what was offered and chosen, never by the record
//! version (RFC 8446 5.1: a modern ClientHello comes in a 0x0301 record).

use super::Confidence;
use super::certificate::{self, CertificateFault, Trust};
use super::scene::{
    Judged, Proof, RETRANSMISSIONS_MIN, RETRANSMITTED_SILENCE_NS, SILENCE_NS, Scene, Stage, earliest, reset, with_trust,
};
use super::{Verdict, old, page, parting};
use crate::facts::{Alert, ClientHello, TlsSession};
use crate::flow::Side;
use crate::message;
use crate::packet::At;
use std::sync::Arc;

/// TLS 1.1 (RFC 4346), the last version that is refused today.
pub(crate) const TLS_1_1: u16 = 0x0302;
/// TLS 1.3 (RFC 8446).
pub(super) const TLS_1_3: u16 = 0x0304;

/// Alert descriptions (RFC 8446 6, RFC 5246 7.2).
mod alert {
    pub const CLOSE_NOTIFY: u8 = 0;
    pub const PROTOCOL_VERSION: u8 = 70;
    pub const INTERNAL_ERROR: u8 = 80;
    pub const USER_CANCELED: u8 = 90;
    pub const BAD_CERTIFICATE: u8 = 42;
    pub const CERTIFICATE_REVOKED: u8 = 44;
    pub const CERTIFICATE_EXPIRED: u8 = 45;
    pub const UNKNOWN_CA: u8 = 48;
    /// Of those below the ones that say what is wrong with a certificate of whatever issuer: its kind, that it was
    /// revoked, that it expired.
    pub const OF_A_KNOWN_ISSUER: std::ops::RangeInclusive<u8> = 43..=45;
    /// Alerts by which a peer refuses a certificate.
    pub const CERTIFICATE: std::ops::RangeInclusive<u8> = 42..=48;
}

/// Ciphertext of an alert under TLS 1.3: 2 bytes alert, 1 byte content type, 16 bytes tag (RFC 8446 5.2). Shorter
/// than any Finished (36 bytes of message at least).
pub(super) const ENCRYPTED_ALERT_LEN: u16 = 19;

/// Bytes of a few alerts, each in a record of its own (RFC 5246 6.2.1, 7.2).
const FEW_ALERTS: u64 = 28;

/// Bytes of a HelloRetryRequest with a cookie of usual length, and of the ChangeCipherSpec behind it (RFC 8446 4.1.4, D.4).
const RETRY_BYTES_MAX: u64 = 400;

/// The handshake of one session.
pub(super) fn judge(s: &Scene<'_>, session: &TlsSession) -> Judged {
    let offered = session.client_hellos.iter().map(|h| h.max_version()).max();
    let chosen = session.server_hellos.iter().rev().find(|h| !h.hello_retry_request);
    // A capture that begins in the middle of a handshake shows what came of it all the same.
    let hello = session.client_hellos.first();
    if is_unread(session) {
        return midstream(session);
    }
    // Written only where it is proof: nearly all handshakes of a large capture are complete.
    let sent = || {
        let text = |hello: &ClientHello| {
            message!(
                en: "ClientHello (SNI {}, up to {})",
                ja: "ClientHello (SNI {}, 最大 {})",
                hello.sni.as_deref().unwrap_or("-"), version_name(hello.max_version())
            )
        };
        Vec::from_iter(hello.map(|hello| Proof::new(hello.at, text(hello))))
    };
    if let Some(answer) = session.plaintext_answer.as_ref().filter(|a| a.by == Side::Server && page::is_page(a)) {
        return page::plaintext(answer, sent());
    }
    let trust = s.trust.clone();
    let foreign = trust.as_deref().is_some_and(Trust::is_foreign);
    let certificate_proof = || {
        session.certificates.first().map(|c| {
            Proof::new(
                c.at,
                message!(
                    en: "certificate {} issued by {}",
                    ja: "証明書 {} (発行者 {})",
                    c.subject, c.issuer
                ),
            )
        })
    };
    let legacy_chosen = chosen.filter(|h| h.version <= TLS_1_1);
    // Opened with keys, a refusal may stand behind the end of the handshake.
    let refuses = |a: &Alert| a.by == Side::Client && alert::CERTIFICATE.contains(&a.description);
    if let Some(at) = session.complete.filter(|_| !session.alerts.iter().any(refuses)) {
        let left = parting::without_request(s, session, at);
        if foreign {
            let mut judged =
                Judged::seen(Verdict::Intercepted, Stage::Complete, certificate_proof().into_iter().collect());
            judged.detail.client_accepts = true;
            judged.detail.left = left;
            return with_trust(judged, trust);
        }
        if let Some(h) = legacy_chosen {
            return legacy_chosen_by(h.at, h.version, offered, sent(), Stage::Complete);
        }
        if let (None, Some(offered)) = (chosen, offered)
            && let Some(judged) = old::all_the_same(session, at, offered, sent())
        {
            return judged;
        }
        let done = Proof::new(
            at,
            message!(
                en: "{} handshake complete",
                ja: "{} ハンドシェイク完了",
                chosen.map_or("TLS", |h| version_name(h.version))
            ),
        );
        let mut judged = Judged::seen(Verdict::Ok, Stage::Complete, vec![done]);
        judged.detail.left = left;
        return with_trust(judged, trust);
    }
    // What a client says after a peer that never said anything is its reaction to the end, not the cause of it.
    let server_spoke = s.server_bytes() > 0;
    let fatal = session.alerts.iter().find(|a| is_fatal(a) && (a.by == Side::Server || server_spoke));
    let client_alert = fatal.filter(|a| a.by == Side::Client);
    let mut proof = sent();
    proof.extend(certificate_proof());
    let is_missed = s.answer_not_captured() || s.flow.sides.first().is_some_and(|client| client.missed_bytes > 0);
    if foreign && client_alert.is_none() && is_missed {
        let text = message!(
            en: "a certificate of an inspecting device; whether the client went on is not in the capture",
            ja: "検査装置の証明書。クライアントが続行したかどうかはキャプチャにない",
        );
        proof.push(Proof::new(s.flow.last, text));
        return with_trust(Judged::undecided(Stage::Certificate, proof), trust);
    }
    if foreign {
        proof.extend(client_alert.map(alert_proof));
        let mut judged = Judged::seen(Verdict::Intercepted, Stage::Certificate, proof);
        judged.detail.alert = client_alert.map(|a| (a.description, Side::Client));
        let ended = s.client_end().or(s.server_fin()).is_some() || !s.tcp.resets.is_empty();
        judged.detail.under_way = !ended && client_alert.is_none() && s.waited(s.flow.last.time) < SILENCE_NS;
        return with_trust(judged, trust);
    }
    if let Some(a) = client_alert.filter(|a| alert::CERTIFICATE.contains(&a.description)) {
        return certificate_refused(s, session, a, trust, proof);
    }
    if let Some(a) = fatal {
        return by_alert(a, session, offered, legacy_chosen.is_some(), proof);
    }
    // Where packets are missing in the capture, what ended the handshake may be among them, or that it completed.
    if is_missed {
        let text = message!(
            en: "the capture misses bytes that the other side acknowledged: what followed cannot be told",
            ja: "相手が ACK したデータの一部がキャプチャに欠けており、その後の経過は判断できない",
        );
        proof.push(Proof::new(s.flow.last, text));
        return with_trust(Judged::undecided(Stage::ClientHello, proof), trust);
    }
    match (chosen, hello) {
        (Some(h), _) => after_server_hello(s, session, h.at, h.version, offered, trust, proof),
        (None, Some(hello)) => before_server_hello(s, session, hello, offered, proof),
        (None, None) => midstream(session),
    }
}

/// `1.0` .. `1.3` as the contract writes versions; `None` for anything else.
pub fn version_code(version: u16) -> Option<&'static str> {
    match version {
        0x0301 => Some("1.0"),
        0x0302 => Some("1.1"),
        0x0303 => Some("1.2"),
        // Drafts of TLS 1.3 (0x7f00 + draft, 0xfb00 + draft of one vendor) count as 1.3.
        0x0304 | 0x7f00..=0x7fff | 0xfb00..=0xfbff => Some("1.3"),
        _ => None,
    }
}

/// A version for people.
pub fn version_name(version: u16) -> &'static str {
    match version {
        0x0002 => "SSL 2.0",
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        v if version_code(v) == Some("1.3") => "TLS 1.3",
        _ => "TLS ?",
    }
}

/// Whether nothing of a session could be read but that it is one.
pub(super) fn is_unread(session: &TlsSession) -> bool {
    let answered = !session.server_hellos.is_empty() || !session.certificates.is_empty();
    session.client_hellos.is_empty() && !answered && session.alerts.is_empty()
}

fn midstream(session: &TlsSession) -> Judged {
    let [client, server] = &session.encrypted;
    match (client.last, server.last) {
        (Some(at), Some(_)) => {
            let text = message!(
                en: "encrypted data in both directions; the handshake is not in the capture",
                ja: "双方向の暗号化データ。ハンドシェイクはキャプチャ外",
            );
            Judged::seen(Verdict::Ok, Stage::Complete, vec![Proof::new(at, text)])
        }
        _ => Judged::neutral(Stage::Connected),
    }
}

fn is_fatal(a: &Alert) -> bool {
    // TLS 1.3 ignores the level (RFC 8446 6): whatever is no close and no cancel ends the connection. A warning of
    // level 1 in an older handshake (unrecognized_name) does not.
    !matches!(a.description, alert::CLOSE_NOTIFY | alert::USER_CANCELED) && a.level != 1
}

fn alert_proof(a: &Alert) -> Proof {
    let who = match a.by {
        Side::Client => message!(en: "client", ja: "クライアント"),
        Side::Server => message!(en: "server", ja: "サーバー"),
    };
    Proof::new(
        a.at,
        crate::lang::Message {
            en: format!("alert {} ({}) from the {}", alert_name(a.description), a.description, who.en),
            ja: format!("{}からのアラート {} ({})", who.ja, alert_name(a.description), a.description),
        },
    )
}

fn legacy_chosen_by(at: At, version: u16, offered: Option<u16>, mut proof: Vec<Proof>, stage: Stage) -> Judged {
    proof.push(Proof::new(
        at,
        message!(en: "ServerHello chooses {}", ja: "ServerHello は {} を選択", version_name(version)),
    ));
    let mut judged = Judged::seen(Verdict::TlsLegacy, stage, proof);
    judged.detail.legacy_side = Some(if offered.is_some_and(|v| v <= TLS_1_1) { Side::Client } else { Side::Server });
    judged
}

/// The client refused the certificate, and the certificate is not foreign as far as can be seen.
fn certificate_refused(
    s: &Scene<'_>,
    session: &TlsSession,
    a: &Alert,
    trust: Option<Arc<Trust>>,
    mut proof: Vec<Proof>,
) -> Judged {
    proof.push(alert_proof(a));
    let fault = certificate::fault(s.host, session, a.at.time).or(match a.description {
        alert::CERTIFICATE_EXPIRED => Some(CertificateFault::Expired),
        alert::CERTIFICATE_REVOKED => Some(CertificateFault::Revoked),
        _ => None,
    });
    let visible = !session.certificates.is_empty();
    // With the certificate hidden (TLS 1.3), a client that does not know the issuer of a host whose public CA every
    // client knows has seen another certificate than the host's own.
    let unknown = !alert::OF_A_KNOWN_ISSUER.contains(&a.description);
    let verdict = if fault.is_none() && !visible && unknown { Verdict::Intercepted } else { Verdict::CertInvalid };
    let mut judged = Judged::seen(verdict, Stage::Certificate, proof);
    if !visible {
        judged.confidence = Confidence::Inferred;
    }
    judged.detail.alert = Some((a.description, Side::Client));
    // A client that finds no way to a root it knows says unknown_ca, or no more than that the certificate is bad.
    let untrusted = matches!(a.description, alert::UNKNOWN_CA | alert::BAD_CERTIFICATE);
    let unseen = if untrusted { CertificateFault::Untrusted } else { CertificateFault::NotTold };
    judged.detail.certificate_fault = fault.or(visible.then_some(unseen));
    with_trust(judged, trust)
}

/// An alert other than a refusal of the server's certificate.
fn by_alert(
    a: &Alert,
    session: &TlsSession,
    offered: Option<u16>,
    chosen_legacy: bool,
    mut proof: Vec<Proof>,
) -> Judged {
    proof.push(alert_proof(a));
    let client_is_old = offered.is_some_and(|v| v <= TLS_1_1);
    let no_version = a.description == alert::PROTOCOL_VERSION;
    // A peer without a version for a client that offers all of today's has old ones only. To an offer of one of them it
    // may as well lack just that one: an old server answers TLS 1.2 with what it has (RFC 5246 E.1), and one that
    // refuses it wants TLS 1.3.
    let server_is_old = no_version && session.server_hellos.is_empty() && offers_all_current(session);
    let about_version = chosen_legacy && (no_version || a.by == Side::Client)
        || a.by == Side::Server && (server_is_old || client_is_old && a.description != alert::INTERNAL_ERROR);
    let verdict = if about_version { Verdict::TlsLegacy } else { Verdict::TlsAlert };
    let stage = if chosen_legacy { Stage::ServerHello } else { Stage::ClientHello };
    let mut judged = Judged::seen(verdict, stage, proof);
    judged.detail.alert = Some((a.description, a.by));
    if about_version {
        judged.detail.legacy_side = Some(if client_is_old { Side::Client } else { Side::Server });
    }
    judged
}

/// Whether the client offers both versions that are in use today.
fn offers_all_current(session: &TlsSession) -> bool {
    session.client_hellos.iter().filter(|hello| !hello.cut).any(|hello| {
        let offers = |code| hello.supported_versions.iter().any(|v| version_code(*v) == Some(code));
        offers("1.2") && offers("1.3")
    })
}

/// A ServerHello came, the handshake did not complete, and no alert in clear says why.
fn after_server_hello(
    s: &Scene<'_>,
    session: &TlsSession,
    at: At,
    version: u16,
    offered: Option<u16>,
    trust: Option<Arc<Trust>>,
    mut proof: Vec<Proof>,
) -> Judged {
    proof.push(Proof::new(at, message!(en: "ServerHello ({})", ja: "ServerHello ({})", version_name(version))));
    if let Some(reset_at) = s.server_reset() {
        // A reset that came before the ServerHello is not the host's: it lost the race and did its work all the same.
        let verdict = if s.was_reset_before(at) { Verdict::ResetAfterClientHello } else { Verdict::ResetMidHandshake };
        return with_trust(reset(s, verdict, Stage::ServerHello, proof, reset_at), trust);
    }
    if let (Some(end), Some(fault)) = (s.client_end(), certificate::fault(s.host, session, at.time)) {
        proof.push(Proof::new(
            end,
            message!(en: "the client ends the handshake", ja: "クライアントがハンドシェイクを終了"),
        ));
        let mut judged = Judged::seen(Verdict::CertInvalid, Stage::Certificate, proof);
        judged.detail.certificate_fault = Some(fault);
        return with_trust(judged, trust);
    }
    if version <= TLS_1_1 && s.client_end().is_some() {
        proof.pop();
        return legacy_chosen_by(at, version, offered, proof, Stage::ServerHello);
    }
    let [client, server] = &session.encrypted;
    if version == TLS_1_3
        && s.client_end().is_some()
        && server.records > 0
        && client.records == 1
        && let Some((ENCRYPTED_ALERT_LEN, alert_at)) = client.first
    {
        // Instead of its Finished the client sent one record of the size of an alert, then closed: it refused what
        // the encrypted flight held, and that is the certificate.
        proof.push(Proof::new(
            alert_at,
            message!(
                en: "one encrypted record of {ENCRYPTED_ALERT_LEN} bytes (an alert) instead of the client's Finished, then the end",
                ja: "クライアントは Finished ではなく {ENCRYPTED_ALERT_LEN} バイトの暗号化レコード (アラート) を送り、切断",
            ),
        ));
        let mut judged = Judged::seen(Verdict::Intercepted, Stage::Certificate, proof);
        judged.confidence = Confidence::Inferred;
        return with_trust(judged, trust);
    }
    if let Some(closed) = s.server_close() {
        proof.push(Proof::new(
            closed,
            message!(en: "the server closes in the middle of the handshake", ja: "ハンドシェイク途中でサーバーが切断"),
        ));
        let mut judged = Judged::seen(Verdict::ResetMidHandshake, Stage::ServerHello, proof);
        judged.detail.closed_by_fin = true;
        return with_trust(judged, trust);
    }
    let last_said = s.flow.sides.get(1).and_then(|server| server.last_data).unwrap_or(at);
    if server_owes_nothing(s, session, version) {
        // The client has all that it needs to go on, and does not: it asks its user for a certificate, or for a list of
        // revoked ones, keeps the connection for later, or was ended.
        let at_once = |end: At| end.time.since(last_said.time) < SILENCE_NS;
        let judged = match s.client_end() {
            Some(end) if at_once(end) => Judged::neutral(Stage::ServerHello),
            _ => Judged::undecided(Stage::ServerHello, proof),
        };
        return with_trust(judged, trust);
    }
    with_trust(stalled(s, last_said, Stage::ServerHello, proof), trust)
}

/// Whether the server has said all that it had to, as far as can be seen, and the client acknowledged it. Before TLS 1.3
/// the server answers the client's Finished; since then nothing need follow that arrived (RFC 8446 2). The end of a
/// TLS 1.3 flight is encrypted: it ends with a record at least, and one that is interrupted ends inside of one nearly
/// always.
fn server_owes_nothing(s: &Scene<'_>, session: &TlsSession, version: u16) -> bool {
    let ([client, server], [_, encrypted]) = (&s.flow.sides, &session.encrypted);
    let said_all = match version {
        TLS_1_3 => encrypted.records > 0 && !session.open_record[1],
        _ => session.server_hello_done.is_some(),
    };
    let silent_since = client.last_data.map(|at| at.time) <= server.last_data.map(|at| at.time);
    let arrived = server.acked_bytes >= server.bytes && !s.has_holes();
    let finished = version == TLS_1_3
        && client.acked_bytes >= client.bytes
        && client.retransmissions < RETRANSMISSIONS_MIN
        && !session.open_record[0];
    said_all && arrived && (silent_since || finished) && server.retransmissions < RETRANSMISSIONS_MIN
}

/// Nothing that could be called a ServerHello came back.
fn before_server_hello(
    s: &Scene<'_>,
    session: &TlsSession,
    hello: &ClientHello,
    offered: Option<u16>,
    mut proof: Vec<Proof>,
) -> Judged {
    let retried = session.server_hellos.last();
    let (reset_verdict, stage) = match retried {
        Some(_) => (Verdict::ResetMidHandshake, Stage::ServerHello),
        None => (Verdict::ResetAfterClientHello, Stage::ClientHello),
    };
    if let Some(retry) = retried {
        proof.push(Proof::new(retry.at, message!(en: "HelloRetryRequest", ja: "HelloRetryRequest")));
    }
    // Of a hello whose end is missing the offered versions are not known.
    let client_is_old = offered.is_some_and(|v| v <= TLS_1_1) && !hello.cut;
    if let Some(at) = s.server_reset() {
        return reset(s, reset_verdict, stage, proof, at);
    }
    let [client, server] = &s.flow.sides;
    let holes = s.has_holes();
    // Alerts of level 1 and a HelloRetryRequest are no ServerHello; of anything longer nobody knows here what it was.
    let little = if retried.is_some() { FEW_ALERTS + RETRY_BYTES_MAX } else { FEW_ALERTS };
    let said_little = s.server_bytes() <= little && server.cut_bytes == 0;
    let closed = s.server_close().filter(|_| said_little && !holes && !session.open_record[1]);
    if closed.is_none() && (s.server_bytes() > 0 || holes) {
        return stalled(s, server.last_data.or(client.first_retransmission).unwrap_or(hello.at), stage, proof);
    }
    if let Some(at) = closed {
        let mut judged = closed_before_server_hello(proof, at);
        judged.stage = stage;
        judged.verdict = Some(match (client_is_old, retried) {
            (true, _) => Verdict::TlsLegacy,
            (false, Some(_)) => Verdict::ResetMidHandshake,
            (false, None) => Verdict::ClosedBeforeServerHello,
        });
        judged.detail.legacy_side = client_is_old.then_some(Side::Client);
        return judged;
    }
    let mut judged = no_answer_to_hello(s, hello.at);
    proof.append(&mut judged.proof);
    judged.proof = proof;
    judged
}

/// An orderly close where a ServerHello should be.
pub(super) fn closed_before_server_hello(mut proof: Vec<Proof>, at: At) -> Judged {
    proof.push(Proof::new(at, message!(en: "FIN instead of a ServerHello", ja: "ServerHello の代わりに FIN")));
    let mut judged = Judged::seen(Verdict::ClosedBeforeServerHello, Stage::ClientHello, proof);
    judged.detail.closed_by_fin = true;
    judged
}

/// Silence after the first thing the client said.
pub(super) fn no_answer_to_hello(s: &Scene<'_>, hello: At) -> Judged {
    let client = &s.flow.sides[0];
    let acked = client.acked_bytes > 0;
    let waited = s.waited(hello.time);
    let (errors, too_big) = s.icmp();
    if let Some(icmp) = errors.first() {
        let text = message!(
            en: "ICMP type {} code {} from {}",
            ja: "{2} からの ICMP タイプ {0} コード {1}",
            icmp.error.kind, icmp.error.code, icmp.sender
        );
        let mut judged = Judged::seen(Verdict::IcmpUnreachable, Stage::ClientHello, vec![Proof::new(icmp.at, text)]);
        judged.detail.icmp = Some((icmp.error.kind, icmp.error.code, icmp.sender));
        return judged;
    }
    // Whoever gets no acknowledgement sends again; where that is missing too, packets are missing in the capture.
    let proven = if acked {
        waited >= SILENCE_NS
    } else {
        waited >= SILENCE_NS && (client.retransmissions > 0 || s.client_end().is_some())
    };
    let repeated = client.retransmissions >= RETRANSMISSIONS_MIN && waited >= RETRANSMITTED_SILENCE_NS;
    if !proven && !repeated {
        return match s.client_end() {
            Some(_) => Judged::neutral(Stage::ClientHello),
            None => Judged::undecided(Stage::ClientHello, Vec::new()),
        };
    }
    let mut proof = Vec::new();
    if let Some(at) = client.first_retransmission {
        proof.push(Proof::new(
            at,
            message!(
                en: "ClientHello sent again ({} retransmissions)",
                ja: "ClientHello の再送 ({} 回)",
                client.retransmissions
            ),
        ));
    }
    let last = earliest(s.client_end(), Some(s.flow.last)).unwrap_or(s.flow.last);
    proof.push(Proof::new(
        last,
        if acked {
            message!(
                en: "acknowledged, but not a byte came back in {:.1} s",
                ja: "ACK はあるが {:.1} 秒間 1 バイトも返らない",
                waited as f64 / 1e9
            )
        } else {
            message!(
                en: "neither an acknowledgement nor an answer in {:.1} s",
                ja: "{:.1} 秒間 ACK も応答もない",
                waited as f64 / 1e9
            )
        },
    ));
    let mut judged = Judged::seen(Verdict::SilentAfterClientHello, Stage::ClientHello, proof);
    judged.detail.hello_acked = Some(acked);
    judged.detail.waited_seconds = waited as f64 / 1e9;
    judged.detail.mtu = !too_big.is_empty();
    judged.detail.mtu_value = too_big.iter().find_map(|i| i.error.mtu);
    judged
}

/// The handshake went quiet in the middle.
pub(super) fn stalled(s: &Scene<'_>, last_progress: At, stage: Stage, mut proof: Vec<Proof>) -> Judged {
    let waited = s.waited(last_progress.time);
    let [client, server] = &s.flow.sides;
    let holes = s.has_holes();
    let retransmitted = client.retransmissions >= RETRANSMISSIONS_MIN || server.retransmissions >= RETRANSMISSIONS_MIN;
    // Without loss to be seen, a pause proves something only where the client itself gave up after it.
    let gave_up = waited >= SILENCE_NS && s.client_end().is_some();
    // Any loss leaves holes for a moment; only those that nobody fills in time stop the handshake.
    let lost = (holes || retransmitted) && waited >= RETRANSMITTED_SILENCE_NS;
    if !gave_up && !lost {
        return match s.client_end() {
            Some(_) => Judged::neutral(stage),
            None => Judged::undecided(stage, proof),
        };
    }
    let (_, too_big) = s.icmp();
    proof.push(Proof::new(
        last_progress,
        message!(
            en: "last progress; then {:.1} s without it ({} duplicate ACKs with holes)",
            ja: "最後の進行。その後 {:.1} 秒間停止 (穴を示す重複 ACK {} 個)",
            waited as f64 / 1e9, client.sack_holes.max(server.sack_holes)
        ),
    ));
    let mut judged = Judged::seen(Verdict::StalledMidHandshake, stage, proof);
    judged.detail.mtu = holes || !too_big.is_empty();
    judged.detail.mtu_value = too_big.iter().find_map(|i| i.error.mtu);
    judged.detail.waited_seconds = waited as f64 / 1e9;
    judged
}

/// The name of an alert (IANA TLS Alerts registry).
pub fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unknown alert",
    }
}
