//! A client never reached a host that another client reached.

use super::words::stream_filter;
use super::{Context, Finding, Rule, Severity};
use crate::case::{HostStory, Role};
use crate::lang::Text;
use crate::message;
use crate::verdict::clients::{self, CutOff};
use crate::verdict::{HostVerdict, Verdict};

/// Clients that are told by name; the others are counted.
const CLIENTS_TOLD: usize = 16;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "one_client_fails",
    severity: Severity::Warning,
    title: Text {
        en: "One client cannot reach what another one reaches",
        ja: "他のクライアントが到達しているホストに到達できないクライアントがある",
    },
    meaning: Text {
        en: "The capture shows several clients. A host's verdict is that of all of them together; the clients named here were seen to fail and never seen to reach it, while another client of the same address family reached it. A client whose questions for the name all failed, or were answered with addresses that lead nowhere (0.0.0.0, 127.0.0.1), counts as well. Where the sign-in needs the host and nothing else failed, the outcome is then insufficient evidence, because nobody can tell which client the failed sign-in came from; unless one machine may have tried under both addresses.",
        ja: "キャプチャに複数のクライアントが含まれている。ホストの判定は全クライアントをまとめたものだが、ここに挙げたクライアントは失敗が確認され、到達は一度も確認されていない。同じアドレス ファミリの別のクライアントは到達している。名前の問い合わせがすべて失敗したクライアント、到達できないアドレス (0.0.0.0、127.0.0.1) しか得られなかったクライアントも数える。サインインに必要なホストで、ほかに失敗がなければ、失敗したサインインがどのクライアントのものか分からないため、結論は「この証跡では判定できない」となる。ただし、1 台のコンピューターが両方のアドレスで試行したと考えられる場合は除く。",
    },
    blind: Text {
        en: "One machine with several addresses (VPN, virtual machines, address translation) looks like several clients.",
        ja: "1 台のコンピューターが複数のアドレスを持つ場合 (VPN、仮想マシン、アドレス変換)、複数のクライアントに見える。",
    },
    advice: Text {
        en: "Look whether the sign-in that failed came from one of these clients. If so, compare it with a client that works: network segment, firewall group, proxy settings, VPN; and take a capture on that client alone.",
        ja: "失敗したサインインがこれらのクライアントからのものかを確認する。該当する場合は、正常なクライアントとネットワーク セグメント、ファイアウォールのグループ、プロキシ設定、VPN を比較し、そのクライアント単体でキャプチャを採取する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    context.hosts().filter_map(|(host, verdict)| finding(context, host, verdict)).collect()
}

fn finding(context: &Context<'_>, host: &HostStory, verdict: &HostVerdict) -> Option<Finding> {
    let CutOff { clients: cut_off, of, .. } = clients::cut_off(context.case, host, verdict);
    let name = &host.name;
    let count = cut_off.len();
    let (first, _) = cut_off.first()?;
    let title = match count {
        1 => message!(
            en: "{first} never reached {name}, another client did",
            ja: "{first} は {name} に一度も到達していない (別のクライアントは到達)"
        ),
        _ => message!(
            en: "{count} clients never reached {name}, others did",
            ja: "{count} 台のクライアントが {name} に一度も到達していない (他は到達)"
        ),
    };
    let mut evidence = Vec::new();
    let mut list: Vec<(String, String)> = Vec::new();
    for (client, fate) in cut_off.iter().take(CLIENTS_TOLD) {
        let tried = fate.failed.first().and_then(|i| Some((host.attempts.get(*i)?, verdict.judged.get(*i)?)));
        if let Some((attempt, judged)) = tried {
            let what = judged.verdict.unwrap_or_default().title();
            let times = fate.failed.len();
            list.push((format!("{client}: {} ({times})", what.en), format!("{client}: {} ({times})", what.ja)));
            evidence.extend(context.shown(attempt, judged));
        } else if let Some(unresolved) = fate.unresolved {
            let what = unresolved.judged.verdict.unwrap_or(Verdict::DnsFailure).title();
            let times = unresolved.judged.proof.len();
            list.push((format!("{client}: {} ({times})", what.en), format!("{client}: {} ({times})", what.ja)));
            if let Some(lookup) = host.lookups.get(unresolved.lookup) {
                evidence.extend(
                    unresolved
                        .judged
                        .proof
                        .iter()
                        .map(|proof| context.evidence(lookup.piece, Some(lookup.stream), proof)),
                );
            }
        }
    }
    if let Some(more) = count.checked_sub(CLIENTS_TOLD).filter(|more| *more > 0) {
        list.push((format!("and {more} more"), format!("他 {more} 台")));
    }
    let (en, ja): (Vec<String>, Vec<String>) = list.into_iter().unzip();
    let (en, ja) = (en.join("; "), ja.join("、"));
    let failed = cut_off.iter().flat_map(|(_, fate)| &fate.failed).filter_map(|i| host.attempts.get(*i));
    let filter = stream_filter(context.case, failed).join(" || ");
    Some(Finding {
        host: Some(name.clone()),
        title,
        detail: message!(
            en: "Of {of} clients that tried {name}, these failed and were never seen to reach it (the first failure, number of failures): {en}.",
            ja: "{name} に接続を試みた {of} 台のクライアントのうち、次のクライアントは失敗しており、到達は一度も確認されていない (最初の失敗、失敗の回数): {ja}。",
        ),
        evidence,
        // No sign-in waits for what is neither a service nor the way to one.
        severity: if matches!(host.role, Role::Service | Role::Proxy) { RULE.severity } else { Severity::Info },
        filter: if filter.is_empty() { format!("dns.qry.name == \"{name}\"") } else { filter },
        ..RULE.finding()
    })
}
