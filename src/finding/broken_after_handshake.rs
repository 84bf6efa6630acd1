//! TLS works, and no request that is sent through it is ever answered.

use super::logs::line;
use super::words::display_filter;
use super::{Context, Finding, Rule, Severity};
use crate::case::{Attempt, Case, HostStory};
use crate::facts::{Flow, TlsSession};
use crate::flow::Side;
use crate::lang::Text;
use crate::message;
use crate::packet::At;
use crate::verdict::log::broke_after_an_answer;
use crate::verdict::scene::RETRANSMISSIONS_MIN;
use crate::verdict::{Confidence, HostVerdict, Proof, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "broken_after_handshake",
    severity: Severity::Warning,
    title: Text {
        en: "TLS works, but no request is answered", ja: "TLS は成立するが、要求に一度も応答がない"
    },
    meaning: Text {
        en: "On every connection to the host the handshake completes, the client sends its request, and then the connection is reset, is closed by the server without an answer, or stays silent for three seconds or more until the client gives up. Something lets TLS through and stops what follows: a device that judges by size, time or the client's first data, lost full-size packets, or the service itself. Where only a debug log tells of the host, it may show a connection that brought an answer and broke after it.",
        ja: "このホストへのどの接続でもハンドシェイクは完了し、クライアントが要求を送信した後、RST を受けるか、サーバー側が応答せずに切断するか、3 秒以上の無応答の末にクライアントが切断している。TLS は通すがその後を止めるもの (サイズ・時間・最初のデータで判定する装置、最大長パケットの損失、サービス自体) がある。デバッグ ログしかないホストでは、応答が返った後に接続が切れたことだけが分かる場合もある。",
    },
    blind: Text {
        en: "What was asked is encrypted. One connection on which anything came back after the request would clear the way; with TLS 1.3, session tickets that arrive late look like an answer and hide this.",
        ja: "要求の内容は暗号化されている。要求の後に何か返った接続が一つでもあれば該当しない。TLS 1.3 では遅れて届くセッション チケットが応答に見え、検出できないことがある。",
    },
    advice: Text {
        en: "Ask for the device between the client and the host; compare with a capture from a direct line.",
        ja: "クライアントとホストの間の装置を確認し、直接接続での取得結果と比較する。",
    },
    check,
};

/// Connections that must all end so; one may be a passing failure, unless packets were lost to its end.
const CONNECTIONS_MIN: usize = 2;

/// Silence until the client gives up that counts as no answer.
const SILENCE_NS: i64 = 3 * crate::time::NANOS_PER_SECOND;

fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .hosts()
        .filter(|(h, v)| h.required == Some(true) && v.verdict.is_good())
        .filter_map(|(h, v)| one(context, h, v))
        .chain(
            context.hosts().filter(|(_, v)| v.by_log && v.verdict == Verdict::Inconclusive).filter_map(by_log(context)),
        )
        .collect()
}

/// What only a log tells: the host answered, then the connection broke.
fn by_log<'a>(context: &'a Context<'_>) -> impl Fn((&HostStory, &HostVerdict)) -> Option<Finding> + 'a {
    |(host, _)| {
        let said = broke_after_an_answer(context.case, host)?;
        let (_, event) = context.case.line(said)?;
        let name = &host.name;
        Some(Finding {
            confidence: Confidence::Inferred,
            host: Some(name.clone()),
            title: message!(
                en: "{name} answered, then the connection broke",
                ja: "{name} は応答したが、その後に接続が切れた",
            ),
            detail: message!(
                en: "The connection stood and had brought answers before it broke: {}. So the way to {name} was open; something ended this connection later: a limit of time on the way, a device, or the service.",
                ja: "接続は成立し応答も返っていたが、その後に切れた: {}。{name} への経路は開いており、後から何か (経路上の時間制限、装置、サービス) がこの接続を切断している。",
                event.text
            ),
            evidence: line(context, said).into_iter().collect(),
            ..RULE.finding()
        })
    }
}

fn one(context: &Context<'_>, host: &HostStory, verdict: &HostVerdict) -> Option<Finding> {
    let mut evidence = Vec::new();
    let (mut resets, mut closed) = (0_usize, 0_usize);
    let mut count = 0_usize;
    let mut proven = false;
    for (attempt, judged) in host.attempts.iter().zip(&verdict.judged) {
        if !judged.verdict.is_some_and(Verdict::is_good) {
            continue;
        }
        let Unanswered { asked, at, end, lost } = unanswered(context.case, attempt)?;
        count = count.saturating_add(1);
        proven |= lost;
        resets = resets.saturating_add(usize::from(end == End::Reset));
        closed = closed.saturating_add(usize::from(end == End::Closed));
        let stream = context.case.flow(attempt).map(|f| f.stream);
        let request = Proof::new(
            asked,
            message!(en: "encrypted request, the last data of the connection", ja: "暗号化された要求 (接続の最後のデータ)"),
        );
        let ended = match end {
            End::Reset => message!(en: "RST from the server's address", ja: "サーバー側アドレスからの RST"),
            End::Closed => {
                message!(en: "FIN from the server's address instead of an answer", ja: "応答の代わりにサーバー側アドレスから FIN")
            }
            End::GivenUp => message!(en: "the client gives up", ja: "クライアントが切断"),
        };
        evidence.push(context.evidence(attempt.piece, stream, &request));
        evidence.push(context.evidence(attempt.piece, stream, &Proof::new(at, ended)));
    }
    if count == 0 || count < CONNECTIONS_MIN && !proven {
        return None;
    }
    let name = &host.name;
    let detail = if count == 1 {
        message!(
            en: "The only connection to {name} completed its handshake and sent a request; packets were lost again and again until its end, and nothing came back. So the name, the port and the certificate are allowed, and what follows is not.",
            ja: "{name} への唯一の接続でハンドシェイクが完了し要求が送られたが、最後までパケットの損失が続き、応答がない。名前・ポート・証明書は許可されているが、その後の通信が止められている。",
        )
    } else {
        message!(
            en: "{count} connections to {name} completed their handshake and sent a request; none brought an answer ({resets} were reset, {closed} closed by the server, the others silent). So the name, the port and the certificate are allowed, and what follows is not.",
            ja: "{name} への {count} 接続でハンドシェイクが完了し要求が送られたが、どの接続にも応答がない (RST {resets} 件、サーバー側の切断 {closed} 件、残りは無応答)。名前・ポート・証明書は許可されているが、その後の通信が止められている。",
        )
    };
    Some(Finding {
        confidence: Confidence::Observed,
        host: Some(name.clone()),
        title: message!(en: "TLS to {name} works, but no request is answered", ja: "{name} への TLS は成立するが、要求に応答がない"),
        detail,
        evidence,
        filter: display_filter(context.case, host),
        ..RULE.finding()
    })
}

/// How a connection ended on which a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// A reset from the server's address.
    Reset,
    /// A FIN from there, before the client closed.
    Closed,
    /// The client closed after a long wait.
    GivenUp,
}

/// A request that nothing came back for.
struct Unanswered {
    /// The client's last data.
    asked: At,
    /// Frame of the end.
    at: At,
    end: End,
    /// Packets were seen to be lost, again and again.
    lost: bool,
}

/// What became of a connection, where nothing came back for the client's last data.
fn unanswered(case: &Case, attempt: &Attempt) -> Option<Unanswered> {
    let flow: &Flow = case.flow(attempt)?;
    let session = attempt.session.and_then(|s| flow.app.tls.get(s)).filter(|s| s.complete.is_some())?;
    let ([own, peer], [client, server]) = (&session.encrypted, &flow.sides);
    if flow.sides.iter().any(|s| s.missed_bytes > 0) {
        return None;
    }
    if let Some((asked, at)) = closed_unanswered(flow, session) {
        return Some(Unanswered { asked, at, end: End::Closed, lost: false });
    }
    let asked = own.last?;
    // Not every record is read to the end of a connection, but all of TCP is; behind a hole that nobody fills nothing is
    // an answer to the client.
    let answered = if server.unacked_gap_bytes > 0 { peer.last } else { server.last_data };
    if answered.is_some_and(|at| at.time >= asked.time) {
        return None;
    }
    let request_lost = client.retransmissions >= RETRANSMISSIONS_MIN && client.acked_bytes < client.bytes;
    let lost = request_lost || server.unacked_gap_bytes > 0 && client.sack_holes > 0;
    // What was answered before is no connection on which nothing is answered.
    let heard = if server.unacked_gap_bytes > 0 { peer.last } else { server.last_content };
    let lost = lost && heard.map(|at| at.time) <= session.complete.map(|at| at.time);
    let ended = |at, end| Some(Unanswered { asked, at, end, lost });
    let tcp = flow.tcp.as_ref()?;
    let reset = |by: Side| tcp.resets.iter().find(|r| r.by == by && r.at.time >= asked.time).map(|r| r.at);
    let given_up = tcp.fins.first().copied().flatten().or_else(|| reset(Side::Client));
    match (reset(Side::Server), given_up) {
        (Some(at), end) if end.is_none_or(|e| e.frame > at.frame) => ended(at, End::Reset),
        (_, Some(end)) if end.time.since(asked.time) >= SILENCE_NS => ended(end, End::GivenUp),
        _ => None,
    }
}

/// The request and the server's FIN, where the server closes instead of an answer: all that it says to the client's first
/// request is a farewell (an alert is one), and it is the first to close.
fn closed_unanswered(flow: &Flow, session: &TlsSession) -> Option<(At, At)> {
    let [client, server] = &flow.sides;
    let complete = session.complete?;
    // More than a farewell of the client: a request. With TLS 1.3 it may be what completes the handshake.
    let asked = client.last_content.filter(|at| at.time >= complete.time)?;
    // Whoever was answered before, or asks only after a pause, may have met the end of an idle connection.
    let answered = server.last_content.is_some_and(|at| at.time >= asked.time || at.time > complete.time);
    let idle = asked.time.since(complete.time) >= SILENCE_NS;
    let [given_up, closed] = flow.tcp.as_ref()?.fins;
    let closed = closed.filter(|at| at.time >= asked.time && given_up.is_none_or(|end| at.frame < end.frame))?;
    // The server took the whole request: it does not close because of something that came before it.
    let taken = client.acked_bytes >= client.bytes;
    (!answered && !idle && taken).then_some((asked, closed))
}
