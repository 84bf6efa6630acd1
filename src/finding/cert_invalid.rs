//! A certificate that is not foreign, but that the client cannot accept.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;
use crate::verdict::certificate::CertificateFault;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "cert_invalid",
    severity: Severity::Critical,
    title: Text { en: "The certificate cannot be accepted", ja: "証明書を受け入れられない" },
    meaning: Text {
        en: "The certificate is from an authority of this host (no sign of interception), yet the client refused it: expired or not yet valid at the time of the capture (often the client's clock), issued for another name, or its root is missing in the client's store.",
        ja: "証明書はこのホストの認証局のもので傍受の兆候はないが、クライアントが拒否した。キャプチャ時刻で期限切れ・有効期間前 (端末の時計ずれが多い)、別名義、またはルート証明書が端末のストアにない。",
    },
    blind: Text {
        en: "Under TLS 1.3 the certificate is not visible; then only the alert tells.",
        ja: "TLS 1.3 では証明書が見えず、アラートだけが手がかりとなる。",
    },
    advice: Text {
        en: "Check the client's clock and its root certificates; then the server's certificate.",
        ja: "端末の時計とルート証明書を確認し、次にサーバー証明書を確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::CertInvalid, |host, v| {
        let name = &host.name;
        let (why_en, why_ja) = match v.detail.certificate_fault {
            Some(CertificateFault::Expired) => ("expired", "有効期限切れ"),
            Some(CertificateFault::NotYetValid) => ("not yet valid by the client's clock", "端末の時計では有効期間前"),
            Some(CertificateFault::WrongName) => ("issued for another name", "別の名前に対して発行"),
            Some(CertificateFault::Weak) => ("its key or signature is too weak", "鍵または署名が弱すぎる"),
            Some(CertificateFault::Revoked) => ("revoked by its issuer", "発行者が失効させている"),
            Some(CertificateFault::Untrusted) | None => {
                ("its issuer is not trusted by the client", "発行者を端末が信頼していない")
            }
        };
        let detail = message!(en: "The client refused the certificate of {name}: {why_en}.", ja: "クライアントが {name} の証明書を拒否した: {why_ja}。");

        Words {
            title: message!(en: "The certificate of {name} is not acceptable: {why_en}", ja: "{name} の証明書を受け入れられない: {why_ja}"),
            detail,
            advice: if v.detail.certificate_fault == Some(CertificateFault::WrongName) {
                message!(
                    en: "Something else answers for {name}: a portal, a block page or a proxy. Exempt {name} from it, and check the address that the name resolves to.",
                    ja: "{name} の代わりに別のもの (ポータル、ブロック ページ、プロキシ) が応答している。{name} を対象から除外し、名前解決の結果のアドレスを確認する。",
                )
            } else {
                message!(en: "Compare the client's clock with the certificate's dates; update the client's root certificates; if both are right, the owner of {name} must renew the certificate.", ja: "端末の時計と証明書の有効期間を比較し、ルート証明書を更新する。どちらも正しければ {name} の管理者が証明書を更新する必要がある。")
            },
        }
    })
}
