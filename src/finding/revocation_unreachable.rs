//! Hosts of certificate revocation and issuer downloads cannot be reached.

use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::case::HostStory;
use crate::facts::log::ErrorClass;
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::lang::Text;
use crate::message;
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Verdict};

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
        return by_log(context).into_iter().collect();
    }
    let list = hosts.iter().map(|(h, _)| h.name.as_str()).collect::<Vec<_>>().join(", ");
    vec![Finding {
        title: message!(en: "Revocation and issuer hosts fail: {list}", ja: "失効確認・発行者の取得に失敗: {list}"),
        detail: message!(en: "Requests to {list} failed; clients that check revocation wait for them or give up.", ja: "{list} への要求が失敗している。失効確認を行うクライアントは待たされるか停止する。"),
        evidence: hosts.iter().flat_map(|(_, v)| context.proof(v)).collect(),
        ..RULE.finding()
    }]
}

/// A client that says that it could not check, where nothing shows which host for revocation lists it asked.
fn by_log(context: &Context<'_>) -> Option<Finding> {
    let (run, event) = runs(context).into_iter().filter(|r| r.aadsts().is_none()).find_map(|run| {
        let (event, _) = run.ended_by(|c| c == ErrorClass::RevocationUnavailable)?;
        Some((run, event))
    })?;
    let host = event.host.as_deref();
    let (en, ja) = host.map_or(("the host", "ホスト"), |h| (h, h));
    Some(Finding {
        severity: Severity::Warning,
        verdict: Some(Verdict::Inconclusive),
        title: message!(en: "The client could not check whether the certificate of {en} is revoked", ja: "クライアントが {ja} の証明書の失効を確認できない"),
        detail: run.tell(message!(
            en: "%c: {}. The certificate itself is not complained of: the hosts that hand out revocation lists (CRL, OCSP) were not reached, or the certificate of a proxy that opens TLS names none.",
            ja: "%c: {}。証明書自体への指摘はない。失効情報の配布元 (CRL、OCSP) に到達できないか、TLS を終端するプロキシの証明書に配布元が記載されていない。",
            event.text
        )),
        advice: message!(
            en: "Allow plain HTTP (port 80) to the revocation hosts of the certificate (certutil -url on the saved certificate names and tries them; for Microsoft's also oneocsp.microsoft.com, crl3.digicert.com, ocsp.digicert.com), for the account that runs the command too; behind a proxy set netsh winhttp.",
            ja: "証明書に記載された失効確認先への平文 HTTP (ポート 80) を許可する (保存した証明書に対する certutil -url で確認先と到達性が分かる。Microsoft の場合は oneocsp.microsoft.com、crl3.digicert.com、ocsp.digicert.com など)。コマンドを実行するアカウントからも到達できる必要がある。プロキシ環境では netsh winhttp を設定する。",
        ),
        ..run.finding(context, &RULE, event)
    })
}
