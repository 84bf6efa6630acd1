//! Hosts of certificate revocation and issuer downloads cannot be reached.

use super::{Context, Finding, Rule, Severity};
use crate::case::HostStory;
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::lang::Text;
use crate::message;
use crate::verdict::HostVerdict;
use crate::verdict::host::deciding;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "revocation_unreachable",
    severity: Severity::Info,
    title: Text {
        en: "Certificate revocation hosts cannot be reached", ja: "証明書の失効確認先に到達できない"
    },
    meaning: Text {
        en: "Windows fetches issuer certificates and revocation lists over plain HTTP (port 80). Where that is blocked, handshakes wait up to 15 seconds or fail with CRYPT_E_REVOCATION_OFFLINE. Python (az) makes no such check.",
        ja: "Windows は発行者証明書や失効リストを平文 HTTP (ポート 80) で取得する。遮断されていると、ハンドシェイクが最大 15 秒待たされるか CRYPT_E_REVOCATION_OFFLINE で失敗する。Python (az) はこの確認を行わない。",
    },
    blind: Text {
        en: "Only a cause where the client checks revocation and fails on it.",
        ja: "クライアントが失効確認を行い、その失敗で停止する場合にのみ原因となる。",
    },
    advice: Text {
        en: "Allow these hosts on port 80.", ja: "これらのホストへのポート 80 を許可する。"
    },
    check,
};

/// The hosts for revocation and issuers that failed while the client looked at the certificate.
pub(super) fn failed_meanwhile(context: &Context<'_>, host: &HostStory, v: &HostVerdict) -> Vec<String> {
    let Some(refused) = deciding(host, v) else { return Vec::new() };
    let meanwhile = |h: &HostStory| {
        h.first_time().is_some_and(|first| first <= refused.end.time)
            && h.attempts.iter().map(|a| a.end.time).chain(h.first_time()).max() >= Some(refused.start.time)
    };
    context
        .hosts()
        .filter(|(h, v)| v.verdict.is_fault() && is_asked_about_certificates(h))
        .filter(|(h, _)| meanwhile(h))
        .map(|(h, _)| h.name.clone())
        .collect()
}

/// Whether a host hands out revocation lists, or certificates of issuers.
fn is_asked_about_certificates(host: &HostStory) -> bool {
    host.endpoint.is_some_and(|e| matches!(e.role, EndpointRole::PkiIssuer | EndpointRole::PkiRevocation))
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let hosts: Vec<_> =
        context.hosts().filter(|(h, v)| v.verdict.is_fault() && is_asked_about_certificates(h)).collect();
    if hosts.is_empty() {
        return Vec::new();
    }
    let list = hosts.iter().map(|(h, _)| h.name.as_str()).collect::<Vec<_>>().join(", ");
    vec![Finding {
        title: message!(en: "Revocation and issuer hosts fail: {list}", ja: "失効確認・発行者の取得に失敗: {list}"),
        detail: message!(en: "Requests to {list} failed; clients that check revocation wait for them or give up.", ja: "{list} への要求が失敗している。失効確認を行うクライアントは待たされるか停止する。"),
        evidence: hosts.iter().flat_map(|(_, v)| context.proof(v)).collect(),
        ..RULE.finding()
    }]
}
