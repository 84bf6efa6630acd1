//! The client itself ended every connection to a host at once: a new trace would show no more.

use super::words::{Words, for_hosts, peers, stream_filter};
use super::{Context, Evidence, Finding, Rule, Severity};
use crate::case::{Attempt, HostStory};
use crate::facts::{FlowTransport, ResetStage, TcpFacts};
use crate::flow::Side;
use crate::lang::{Message, Text};
use crate::message;
use crate::packet::At;
use crate::time::NANOS_PER_SECOND;
use crate::verdict::{HostVerdict, Judged, Proof, Verdict, reached};
use std::collections::{BTreeSet, HashMap};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "ended_by_client",
    severity: Severity::Warning,
    title: Text {
        en: "The client itself ended its connections to a host",
        ja: "ホストへの接続がクライアント側から切断されている",
    },
    meaning: Text {
        en: "The host accepted each connection, and the client's own address ended all of them at once by a RST or FIN, before anything failed in the network. Programs that do not like what they are shown end so, and so do firewalls, antivirus products and agents on the client that break the program's connections.",
        ja: "ホストは接続を受け付けたが、ネットワークで何も失敗しないうちに、すべての接続がクライアント側から直ちに RST または FIN で切断された。応答の内容を受け入れないプログラムのほか、端末のファイアウォール、ウイルス対策製品、エージェントがプログラムの接続を切断する場合もこうなる。",
    },
    blind: Text {
        en: "A capture on the client does not show whether the program or something beside it ended the connection; a device next to the client can send a RST in its name.",
        ja: "端末上のキャプチャでは、切断したのがプログラム自身か他の製品かは分からない。端末の近くの装置がクライアントを装って RST を送る場合もある。",
    },
    advice: Text {
        en: "Look at the client: security software, host firewall, agents, and the program's own error.",
        ja: "端末を確認する: セキュリティ製品、端末のファイアウォール、エージェント、プログラム自身のエラー。",
    },
    check,
};

/// One connection proves no habit.
const CONNECTIONS_MIN: usize = 2;

/// Who waits longer than this for the next packet may have given up for want of it.
const AT_ONCE_NS: i64 = NANOS_PER_SECOND;

/// Connections shown; more repeat what these say.
const SHOWN_MAX: usize = 4;

/// How far a connection was when the client ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    /// It was accepted.
    Accepted,
    /// The client had said something.
    Asked,
    /// The server had answered.
    Answered,
    /// The TLS handshake was complete.
    Agreed,
}

/// A connection that its client ended.
struct Ended<'a> {
    attempt: &'a Attempt,
    /// The RST or FIN.
    at: At,
    by_reset: bool,
    reached: Reached,
    /// Since the last packet that brought anything.
    after_ns: i64,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let all: HashMap<&str, Vec<Ended<'_>>> =
        context.hosts().filter_map(|(host, v)| Some((host.name.as_str(), ended(context, host, v)?))).collect();
    let of = |name: &str| all.get(name).map_or(&[][..], Vec::as_slice);
    let mut findings = for_hosts(context, &RULE, Verdict::Inconclusive, |host, v| words(host, v, of(&host.name)));
    findings.retain_mut(|finding| {
        let ended = finding.host.as_deref().map_or(&[][..], of);
        finding.evidence = ended.iter().take(SHOWN_MAX).map(|one| shown(context, one)).collect();
        finding.filter = stream_filter(context.case, ended.iter().map(|one| one.attempt)).join(" || ");
        !ended.is_empty()
    });
    findings
}

/// Whether the client ended all that it tried on a host since it reached it last, if ever.
pub(super) fn is_ended(context: &Context<'_>, host: &HostStory, v: &HostVerdict) -> bool {
    ended(context, host, v).is_some()
}

/// The connections, where the host's end is open for no other reason.
fn ended<'a>(context: &Context<'_>, host: &'a HostStory, v: &HostVerdict) -> Option<Vec<Ended<'a>>> {
    if v.verdict != Verdict::Inconclusive {
        return None;
    }
    let last = reached(&host.attempts, &v.judged).map(|a| context.case.began_last(a)).max();
    let open = |(a, _): &(&Attempt, &Judged)| {
        let tcp = context.case.flow(a).is_some_and(|flow| flow.transport == FlowTransport::Tcp);
        tcp && last.is_none_or(|last| a.began() > last) && !is_wordless(context, a)
    };
    let (mut all, mut connections) = (Vec::new(), BTreeSet::new());
    for (attempt, judged) in host.attempts.iter().zip(&v.judged).filter(open) {
        if judged.verdict.is_some_and(|verdict| verdict != Verdict::Inconclusive) {
            return None;
        }
        let one = by_client(context, attempt)?;
        // What was captured twice is one.
        if connections.insert(context.case.connection(attempt)) {
            all.push(one);
        }
    }
    (all.len() >= CONNECTIONS_MIN).then_some(all)
}

/// Whether the client opened a connection and closed it in order without a word: it only looked whether somebody is there
/// (Test-NetConnection).
pub(super) fn is_wordless(context: &Context<'_>, attempt: &Attempt) -> bool {
    context.case.flow(attempt).is_some_and(|flow| {
        let silent = flow.sides.iter().all(|side| side.bytes == 0 && side.missed_bytes == 0);
        let closed = |tcp: &TcpFacts| {
            tcp.syn_ack.is_some() && tcp.resets.is_empty() && tcp.fins.first().is_some_and(Option::is_some)
        };
        silent && flow.tcp.as_ref().is_some_and(closed)
    })
}

/// The end of a connection, where it was the client's doing: the server was there, owed nothing for long, and had not
/// ended it; and the capture misses nothing.
fn by_client<'a>(context: &Context<'_>, attempt: &'a Attempt) -> Option<Ended<'a>> {
    let flow = context.case.flow(attempt)?;
    let tcp = flow.tcp.as_ref().filter(|tcp| !tcp.midstream && !tcp.one_sided)?;
    let accepted = tcp.syn_ack?;
    let whole = flow.sides.iter().all(|side| side.missed_bytes == 0 && side.unacked_gap_bytes == 0);
    let reset = tcp.resets.first();
    let client_reset = reset.filter(|r| r.by == Side::Client && r.stage != ResetStage::AfterFin).map(|r| r.at);
    let [fin, server_fin] = tcp.fins;
    let by_server = |at: At| {
        server_fin.is_some_and(|fin| fin.frame < at.frame)
            || reset.is_some_and(|r| r.by == Side::Server && r.at.frame < at.frame)
    };
    let (at, by_reset) = match (client_reset, fin) {
        (Some(reset), Some(fin)) if fin.frame < reset.frame => (fin, false),
        (Some(reset), _) => (reset, true),
        (None, fin) => (fin?, false),
    };
    let [client, server] = &flow.sides;
    let progress = [client.last_data, server.last_data].into_iter().flatten().filter(|data| data.frame < at.frame);
    let last = progress.map(|data| data.time).fold(accepted.time, Ord::max);
    let after_ns = at.time.since(last);
    let agreed = attempt.session.and_then(|i| flow.app.tls.get(i)).is_some_and(|session| session.complete.is_some());
    let reached = match (client.bytes, server.bytes) {
        _ if agreed => Reached::Agreed,
        (_, 1..) => Reached::Answered,
        (1.., 0) => Reached::Asked,
        (0, 0) => Reached::Accepted,
    };
    (whole && !by_server(at) && after_ns < AT_ONCE_NS).then_some(Ended { attempt, at, by_reset, reached, after_ns })
}

fn shown(context: &Context<'_>, one: &Ended<'_>) -> Evidence {
    let (end, ms) = (if one.by_reset { "RST" } else { "FIN" }, one.after_ns as f64 / 1e6);
    let what = one.reached.tell();
    let text = Message {
        en: format!("{end} from the client, {ms:.1} ms after {}", what.en),
        ja: format!("{}から {ms:.1} ms 後にクライアントからの {end}", what.ja),
    };
    let stream = context.case.flow(one.attempt).map(|flow| flow.stream);
    context.evidence(one.attempt.piece, stream, &Proof::new(one.at, text))
}

impl Reached {
    fn tell(self) -> Text {
        match self {
            Reached::Accepted => Text { en: "it was accepted", ja: "接続確立" },
            Reached::Asked => Text { en: "its own first data", ja: "最初のデータ送信" },
            Reached::Answered => Text { en: "the server had answered", ja: "サーバーの応答" },
            Reached::Agreed => Text {
                en: "the TLS handshake was complete, without a request",
                ja: "TLS ハンドシェイク完了 (要求なし)",
            },
        }
    }

    /// What to look at first.
    fn advice(self) -> Text {
        match self {
            Reached::Accepted | Reached::Asked => Text {
                en: "Look at security software first (antivirus with web protection, host firewall, data loss prevention, VPN and web filter agents): its own log at the time shown, and a try without it",
                ja: "まずセキュリティ製品 (Web 保護付きのウイルス対策、端末のファイアウォール、DLP、VPN や Web フィルターのエージェント) を確認する: 表示の時刻の製品ログ、および無効にした状態での再試行",
            },
            Reached::Agreed => Text {
                en: "Read the program's own error first: programs on .NET look at the certificate behind the handshake, and one that they do not trust (TLS inspection) or cannot check (revocation) ends so; then look at security software that watches its connections",
                ja: "まずプログラム自身のエラーを確認する (.NET のプログラムは証明書をハンドシェイク後に検証するため、信頼できない証明書 (TLS インスペクション) や失効確認の失敗ではこの形で切断される)。次に接続を監視するセキュリティ製品を確認する",
            },
            Reached::Answered => Text {
                en: "Read the program's own error first (what it was shown may have displeased it: the certificate, the protocol), then look at security software that watches its connections",
                ja: "まずプログラム自身のエラー (証明書やプロトコルなど、受け取った内容を受け入れなかった可能性) を確認し、次に接続を監視するセキュリティ製品を確認する",
            },
        }
    }
}

fn words(host: &HostStory, v: &HostVerdict, ended: &[Ended<'_>]) -> Words {
    let (name, peers, count) = (&host.name, peers(host, v), ended.len());
    let reached = ended.iter().map(|one| one.reached).max().unwrap_or(Reached::Accepted);
    let (what, look) = (reached.tell(), reached.advice());
    Words {
        title: message!(en: "The client itself ended its connections to {name}", ja: "{name} への接続がクライアント側から切断されている"),
        detail: Message {
            en: format!(
                "{peers} accepted {count} connections, and the client ended each of them by itself, at once after {}. The network shows no fault in them; who on the client did it, the capture cannot tell.",
                what.en
            ),
            ja: format!(
                "{peers} は {count} 件の接続を受け付けたが、{}直後に、いずれもクライアント側から切断されている。ネットワークの障害は見られない。端末上の何が切断したかは、キャプチャからは分からない。",
                what.ja
            ),
        },
        advice: Message {
            en: format!("{}. A new trace of the same kind will show the same.", look.en),
            ja: format!("{}。同じトレースを再取得しても結果は変わらない。", look.ja),
        },
    }
}
