//! A certificate that is not foreign, but that the client cannot accept.

use super::revocation_unreachable::failed_meanwhile;
use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;
use crate::verdict::certificate::CertificateFault;
use crate::verdict::tls::alert_name;

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
            Some(CertificateFault::Untrusted) => {
                ("its issuer is not trusted by the client", "発行者を端末が信頼していない")
            }
            Some(CertificateFault::NotTold) | None => {
                ("the client gives no reason", "クライアントは理由を示していない")
            }
        };
        let mut detail = message!(en: "The client refused the certificate of {name}: {why_en}.", ja: "クライアントが {name} の証明書を拒否した: {why_ja}。");
        if let Some((code, _)) = v.detail.alert {
            let alert = alert_name(code);
            detail.push(message!(en: " Its alert: {alert} ({code}).", ja: "アラート: {alert} ({code})。"));
        }
        let waited_for = match v.detail.certificate_fault {
            // Where it says unknown_ca it found no issuer, and did not come to ask whether that revoked anything.
            Some(CertificateFault::NotTold) | None => failed_meanwhile(context, host, v),
            _ => Vec::new(),
        };
        if !waited_for.is_empty() {
            let list = waited_for.join(", ");
            detail.push(message!(
                en: " Meanwhile requests to the revocation or issuer host {list} failed: a client that insists on that check refuses a certificate which it cannot check.",
                ja: "その間、失効確認・発行者取得の宛先 {list} への要求が失敗している。確認を必須とするクライアントは、確認できない証明書を拒否する。",
            ));
        }

        Words {
            title: message!(en: "The certificate of {name} is not acceptable: {why_en}", ja: "{name} の証明書を受け入れられない: {why_ja}"),
            detail,
            advice: if !waited_for.is_empty() {
                let list = waited_for.join(", ");
                message!(
                    en: "Allow {list} on port 80 and try again; if {name} is still refused, look at the client's own error for the reason.",
                    ja: "{list} へのポート 80 を許可して再試行する。それでも {name} が拒否される場合は、クライアント自身のエラーで理由を確認する。",
                )
            } else if v.detail.certificate_fault == Some(CertificateFault::Revoked) {
                message!(
                    en: "Check with the owner of {name} whether the certificate was revoked; if not, whether something on the way answers the client's questions about revocation.",
                    ja: "{name} の管理者に証明書が失効しているかを確認する。失効していなければ、失効確認に応答しているものが経路上にないかを確認する。",
                )
            } else if v.detail.certificate_fault == Some(CertificateFault::NotTold) {
                message!(
                    en: "Look at the client's own error for the reason: its clock, its root certificates, a key or a use of the certificate that it does not support, a revocation check that failed.",
                    ja: "クライアント自身のエラーで理由を確認する: 端末の時計、ルート証明書、対応していない鍵や用途、失効確認の失敗。",
                )
            } else if v.detail.certificate_fault == Some(CertificateFault::WrongName) {
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
