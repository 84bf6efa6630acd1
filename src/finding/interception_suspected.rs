//! TLS 1.3 hides the certificate of a handshake that worked; what is visible speaks of somebody in the middle.

use super::devices::{Device, Devices, ja3s};
use super::words::display_filter;
use super::{Context, Finding, Rule, Severity};
use crate::case::{Attempt, HostStory, Way};
use crate::facts::{Flow, NEAR_HOPS_MAX, TlsSession, hops};
use crate::knowledge;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::{Confidence, HostVerdict, Verdict};
use std::collections::BTreeSet;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "interception_suspected",
    severity: Severity::Info,
    title: Text {
        en: "Signs of a device in the middle of a TLS 1.3 connection",
        ja: "TLS 1.3 接続の途中に装置がある兆候",
    },
    meaning: Text {
        en: "TLS 1.3 encrypts the certificate, so an inspecting proxy that the client trusts leaves no issuer to read. At least two of these signs are there: the ServerHello (JA3S) is that of a device which other hosts of the case show; the same host answers another connection with another ServerHello; the answers come from a neighbour (two hops or fewer) although the address is on the internet; the first answer takes five times the TCP round trip and 100 ms at least, as when a proxy first asks the real host.",
        ja: "TLS 1.3 では証明書が暗号化されるため、クライアントが信頼する検査プロキシの発行者は読み取れない。次の兆候のうち二つ以上がある: ServerHello (JA3S) が他のホストで見えている装置のものと同じ、同じホストが別の接続で異なる ServerHello を返す、インターネット上のアドレスなのに応答が 2 ホップ以内の近さから届く、最初の応答が TCP の往復時間の 5 倍かつ 100 ms 以上かかる (プロキシが先に実際のホストへ問い合わせる場合に見られる)。",
    },
    blind: Text {
        en: "Each sign has harmless readings (several server farms behind one name, an edge cache nearby, a busy server). A key log or the debug log settles it; that the connection works means that the client trusts whoever answers.",
        ja: "どの兆候にも無害な理由があり得る (同名の複数サーバー群、近くのエッジ キャッシュ、混雑)。キー ログまたはデバッグ ログで確定できる。接続が成功しているのは、クライアントが応答者を信頼しているため。",
    },
    advice: Text {
        en: "Ask whether TLS inspection is active for this host. Python (az) needs the inspecting root in REQUESTS_CA_BUNDLE, PowerShell and the broker in the system's store; tenant restrictions need inspection on the three login hosts, so it is not a fault by itself.",
        ja: "このホストに TLS インスペクションが有効か確認する。Python (az) には REQUESTS_CA_BUNDLE、PowerShell とブローカーにはシステムのストアに検査用ルートが必要。テナント制限では 3 つのログイン ホストの検査が必要なため、それ自体は障害ではない。",
    },
    check,
};

/// Signs that must come together.
const SIGNS_MIN: usize = 2;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    let devices = Devices::of(context);
    // Who left each time behind the handshake may have seen the device as well.
    let may_be = |v: &HostVerdict| v.verdict.is_good() || v.verdict == Verdict::Inconclusive;
    for (host, verdict) in context.hosts().filter(|(h, v)| may_be(v) && knowledge::is_microsoft_host(&h.name)) {
        let seen = Seen {
            devices: &devices,
            answers: sessions(context, host)
                .flat_map(|(a, f, t)| hellos(f, t).filter_map(|h| Some((h.client?, &a.way, h.server))))
                .collect(),
        };
        let best = sessions(context, host)
            .flat_map(|(a, f, t)| hellos(f, t).map(move |h| (a, f, t, h)))
            .map(|(a, f, t, h)| (a, signs(&seen, host, a, f, t, h)))
            .max_by_key(|(_, s)| s.len());
        if let Some((attempt, signs)) = best.filter(|(_, s)| s.len() >= SIGNS_MIN) {
            out.push(finding(context, host, verdict, attempt, &signs));
        }
    }
    out
}

/// The completed TLS 1.3 sessions of a host whose certificate is hidden.
fn sessions<'a>(
    context: &Context<'a>,
    host: &'a HostStory,
) -> impl Iterator<Item = (&'a Attempt, &'a Flow, &'a TlsSession)> {
    let case = context.case;
    host.attempts.iter().filter_map(move |a| {
        let flow = case.flow(a)?;
        let session = flow.app.tls.get(a.session?)?;
        (session.complete.is_some() && session.certificates.is_empty() && !session.resumed)
            .then_some((a, flow, session))
    })
}

/// What a session is compared with, gathered once: a host may have thousands.
struct Seen<'a> {
    devices: &'a Devices<'a>,
    /// Which ServerHello the same client got on which way from the same host.
    answers: BTreeSet<(&'a str, &'a Way, Option<&'a str>)>,
}

/// JA3 and JA3S of a handshake.
#[derive(Clone, Copy)]
struct Hellos<'a> {
    client: Option<&'a str>,
    server: Option<&'a str>,
}

/// The hellos of a session, and those of the sessions that went as it did and are only counted.
fn hellos<'a>(flow: &'a Flow, session: &'a TlsSession) -> impl Iterator<Item = Hellos<'a>> {
    let client = session.client_hellos.first().and_then(|h| h.ja3.as_deref());
    let counted = flow.crowd.iter().flat_map(|crowd| &crowd.hellos);
    let counted =
        counted.map(|(offer, choice)| Hellos { client: offer.ja3.as_deref(), server: choice.ja3s.as_deref() });
    std::iter::once(Hellos { client, server: ja3s(session) }).chain(counted)
}

fn signs(
    seen: &Seen<'_>,
    host: &HostStory,
    attempt: &Attempt,
    flow: &Flow,
    session: &TlsSession,
    hellos: Hellos<'_>,
) -> Vec<Message> {
    let mut out = Vec::new();
    let hello = hellos.server;
    let device = hello.and_then(|hello| seen.devices.with_hello(&attempt.way, hello, &host.name));
    if let Some(Device { host, product }) = device {
        out.push(message!(
            en: "its ServerHello is that of {product}, which shows itself for {host} on the same way",
            ja: "ServerHello が、同じ経路の {host} で見えている {product} のものと同じ",
        ));
    }
    let differs = |(client, way, answer): &(&str, &Way, Option<&str>)| {
        Some(*client) == hellos.client && **way != attempt.way && *answer != hello
    };
    if seen.answers.iter().any(differs) {
        out.push(message!(
            en: "on another way the same client gets another ServerHello from this host",
            ja: "別の経路では同じクライアントが異なる ServerHello を受け取っている",
        ));
    }
    let near = flow.sides.get(1).and_then(|s| s.ttl).map(hops).filter(|h| *h <= NEAR_HOPS_MAX);
    if let Some(near) = near.filter(|_| attempt.way == Way::Direct && !knowledge::cannot_be_public(attempt.peer.ip())) {
        out.push(message!(
            en: "its answers come from {near} hops away",
            ja: "応答が {near} ホップの距離から届いている",
        ));
    }
    if let (Some(rtt), Some(answer)) = (flow.tcp.as_ref().and_then(|t| t.handshake_rtt), session.first_answer())
        && session.asks_another_first(rtt)
    {
        out.push(message!(
            en: "the ServerHello took {:.0} ms at a round trip of {:.0} ms",
            ja: "往復時間 {1:.0} ms に対し ServerHello まで {0:.0} ms",
            answer as f64 / 1e6, rtt as f64 / 1e6
        ));
    }
    out
}

fn finding(
    context: &Context<'_>,
    host: &HostStory,
    verdict: &HostVerdict,
    attempt: &Attempt,
    signs: &[Message],
) -> Finding {
    let name = &host.name;
    let en: Vec<&str> = signs.iter().map(|m| m.en.as_str()).collect();
    let ja: Vec<&str> = signs.iter().map(|m| m.ja.as_str()).collect();
    let proof = crate::verdict::Proof::new(
        attempt.start,
        message!(en: "the connection with these signs", ja: "兆候のある接続"),
    );
    let mut evidence = vec![context.evidence(attempt.piece, context.case.flow(attempt).map(|f| f.stream), &proof)];
    evidence.extend(context.proof(verdict).into_iter().take(1));
    Finding {
        confidence: Confidence::Inferred,
        host: Some(name.clone()),
        title: message!(en: "{name}: signs of a device in the middle (TLS 1.3)", ja: "{name}: 途中に装置がある兆候 (TLS 1.3)"),
        detail: Message {
            en: format!("The certificate is hidden, but: {}.", en.join("; ")),
            ja: format!("証明書は見えないが、次の兆候がある: {}。", ja.join("、")),
        },
        evidence,
        filter: display_filter(context.case, host),
        ..RULE.finding()
    }
}
