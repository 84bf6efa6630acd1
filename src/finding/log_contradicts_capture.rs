//! The debug log says one thing of a host and the packets another.

use super::logs::{Run, runs};
use super::{Context, Finding, Rule, Severity};
use crate::case::{HostStory, LookupResult};
use crate::facts::log::ErrorClass;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::{HostVerdict, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "log_contradicts_capture",
    severity: Severity::Warning,
    title: Text {
        en: "The log and the capture contradict each other", ja: "ログとキャプチャの内容が一致しない"
    },
    meaning: Text {
        en: "The error text names a cause that the packets of the same host do not show. Error texts are the client's conclusion, packets are what happened, so the packets decide here; but a contradiction often means that the two are not of the same attempt, or that something on the client (a local proxy, a security product, WSL) stands between program and capture.",
        ja: "エラー メッセージの示す原因が、同じホストのパケットに見られない。メッセージはクライアントの解釈、パケットは実際の動作であるため、判定はパケットに従う。ただし、両者が別の試行のものである場合や、プログラムと採取箇所の間に別のもの (ローカル プロキシ、セキュリティ製品、WSL) がある場合にも起こる。",
    },
    blind: Text {
        en: "A reset that a firewall sends only to the client's program (local filter) is not in the capture.",
        ja: "端末内のフィルターがプログラムにだけ返すリセットは、キャプチャに現れない。",
    },
    advice: Text {
        en: "Check that log and capture were taken on the same machine at the same time, and collect both together once more.",
        ja: "ログとキャプチャが同じ端末・同じ時刻のものか確認し、両方を同時に再採取する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context).into_iter().filter(|r| r.standing) {
        let Some((event, class)) = run.cause() else { continue };
        let Some(name) = event.host.as_deref() else { continue };
        let Some((host, verdict)) = context.host(name) else { continue };
        // A verdict that a log made or confirmed cannot contradict it.
        if verdict.by_log || !verdict.said.is_empty() || host.attempts.is_empty() && host.lookups.is_empty() {
            continue;
        }
        if crate::case::log_join::before_proxy(run.attempt, class) || !contradicts(class, host, verdict) {
            continue;
        }
        let (said, seen) = (said(class), seen(host, verdict));
        if out.iter().any(|f| f.host.as_deref() == Some(name)) {
            continue;
        }
        out.push(finding(context, &run, event, name, &said, &seen, verdict));
    }
    out
}

fn finding(
    context: &Context<'_>,
    run: &Run<'_>,
    event: &crate::facts::log::LogEvent,
    name: &str,
    said: &Message,
    seen: &Message,
    verdict: &HostVerdict,
) -> Finding {
    let mut finding = run.finding(context, &RULE, event);
    finding.title = Message {
        en: format!("{name}: the log says {}, the capture shows {}", said.en, seen.en),
        ja: format!("{name}: ログは「{}」、キャプチャは「{}」", said.ja, seen.ja),
    };
    finding.detail = message!(
        en: "Line {} of the log: {}. The packets of {name} decide.",
        ja: "ログの {} 行目: {}。判定は {name} のパケットに従う。",
        event.line, event.text
    );
    finding.evidence.extend(context.proof(verdict).into_iter().take(3));
    finding
}

/// Whether the packets rule out what the error text says.
fn contradicts(class: ErrorClass, host: &HostStory, verdict: &HostVerdict) -> bool {
    use Verdict as V;
    let mut shown: Vec<Verdict> = vec![verdict.verdict];
    shown.extend(&verdict.also);
    shown.extend(verdict.judged.iter().filter_map(|j| j.verdict));
    let any = |of: &[Verdict]| shown.iter().any(|v| of.contains(v));
    let resolved = host.lookups.iter().any(|l| matches!(l.result, LookupResult::Addresses { .. }));
    if any(&[V::Inconclusive]) {
        return false;
    }
    let resets = [V::ResetAfterClientHello, V::ResetMidHandshake, V::Refused];
    let silences = [V::SynNoAnswer, V::SilentAfterClientHello, V::StalledMidHandshake, V::ProxyNoResponse];
    match class {
        ErrorClass::ConnectTimeout => any(&resets) && !any(&silences) && !any(&[V::IcmpUnreachable, V::Degraded]),
        ErrorClass::Timeout | ErrorClass::ReadTimeout => {
            any(&resets) && !any(&silences) && !any(&[V::IcmpUnreachable, V::Degraded, V::DnsFailure])
        }
        ErrorClass::ConnectionReset => {
            any(&[V::SynNoAnswer, V::DnsFailure, V::SilentAfterClientHello]) && !any(&resets)
        }
        ErrorClass::ConnectionRefused => {
            any(&[V::SynNoAnswer, V::SilentAfterClientHello, V::Ok])
                && !any(&[V::Refused, V::DnsSinkhole])
                && !any(&[V::Degraded])
        }
        ErrorClass::NameNotResolved(_) => resolved && !any(&[V::DnsFailure, V::DnsSinkhole]) && !any(&[V::Degraded]),
        ErrorClass::CertificateUntrusted(_) => any(&silences) || any(&[V::Refused, V::DnsFailure]),
        _ => false,
    }
}

fn said(class: ErrorClass) -> Message {
    match class {
        ErrorClass::ConnectTimeout | ErrorClass::Timeout | ErrorClass::ReadTimeout => {
            message!(en: "timeout", ja: "タイムアウト")
        }
        ErrorClass::ConnectionReset => message!(en: "reset", ja: "接続のリセット"),
        ErrorClass::ConnectionRefused => message!(en: "refused", ja: "接続拒否"),
        ErrorClass::NameNotResolved(_) => message!(en: "name not resolved", ja: "名前解決の失敗"),
        ErrorClass::CertificateUntrusted(_) => message!(en: "certificate error", ja: "証明書エラー"),
        other => Message::same(other.code()),
    }
}

fn seen(host: &HostStory, verdict: &HostVerdict) -> Message {
    if verdict.verdict.is_good() && host.attempts.is_empty() {
        return message!(en: "the name resolved", ja: "名前解決の成功");
    }
    verdict.verdict.title().into()
}
