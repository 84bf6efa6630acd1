//! The client did not accept the certificate shown: which file or store each client reads, and what to add to it.

use super::logs::{Run, runs};
use super::portal::{self, Standing};
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::{Dialect, ErrorClass, TrustFault};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;
use std::net::IpAddr;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "ca_not_trusted",
    severity: Severity::Warning,
    title: Text {
        en: "The client does not trust the certificate of an intercepting proxy",
        ja: "プロキシ (TLS を復号する装置) の証明書をクライアントが信頼していない",
    },
    meaning: Text {
        en: "The log ends with a certificate error although the host's own certificate comes from a public authority: what the client saw was signed by a proxy, an appliance or a local program such as Fiddler. Azure CLI (Python) does not read the certificate store of Windows but a PEM file; PowerShell (.NET) and the Windows broker read the store.",
        ja: "ホスト本来の証明書は公的な認証局のものだが、ログは証明書エラーで終わっている。クライアントが受け取ったのは、プロキシ、アプライアンス、または Fiddler などの端末内プログラムが署名した証明書である。Azure CLI (Python) は Windows の証明書ストアではなく PEM ファイルを参照する。PowerShell (.NET) と Windows ブローカーはストアを参照する。",
    },
    blind: Text {
        en: "The log names no issuer; a capture with TLS 1.2, or a key log, shows who signed.",
        ja: "ログに発行者は記録されない。署名者は TLS 1.2 のキャプチャか鍵ログで分かる。",
    },
    advice: Text {
        en: "Add the proxy's root certificate (PEM, Base64) to the file or store that the client reads, or exempt the host from inspection.",
        ja: "プロキシのルート証明書 (PEM、Base64) をクライアントが参照するファイルまたはストアに追加するか、ホストをインスペクション対象から除外する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let is_trust = |c| matches!(c, ErrorClass::CertificateUntrusted(_));
        let Some((event, ErrorClass::CertificateUntrusted(fault))) = run.ended_by(is_trust) else { continue };
        let host = event.host.clone().unwrap_or_default();
        // What is wrong with the certificate itself is the verdict's to tell; no trust in an issuer mends it.
        let own = matches!(
            fault,
            TrustFault::Expired
                | TrustFault::NotYetValid
                | TrustFault::NameMismatch
                | TrustFault::Weak
                | TrustFault::Revoked
        );
        if own && context.host(&host).is_some_and(|(_, v)| v.verdict == Verdict::CertInvalid) {
            continue;
        }
        // The log may not say which host it was.
        let (en, ja) = event.host.as_deref().map_or(("the service", "サービス"), |h| (h, h));
        if out.iter().any(|f| f.host.as_deref() == Some(host.as_str())) {
            continue;
        }
        let mut detail = run.tell(message!(
            en: "%c refused the certificate shown for {en}: {}.",
            ja: "%c は {ja} として提示された証明書を拒否した: {}。",
            event.text.trim_end_matches(['.', '。'])
        ));
        detail.push_sentence(who(context, &run, &host));
        let judged = context.host(&host);
        let portal = judged.filter(|(story, v)| Standing::of(context, story, v).is_some());
        let another = portal.is_some() || judged.is_some_and(|(_, v)| v.verdict.is_imposture());
        let mut finding = run.finding(context, &RULE, event);
        finding.title = run.tell(match fault {
            TrustFault::Expired | TrustFault::NotYetValid => {
                message!(en: "%c: the certificate for {en} is outside its validity", ja: "%c: {ja} の証明書が有効期間外")
            }
            TrustFault::NameMismatch => {
                message!(en: "%c: the certificate for {en} is made out to another name", ja: "%c: {ja} の証明書の名前が一致しない")
            }
            TrustFault::MissingAuthorityKeyId | TrustFault::MissingSubjectKeyId | TrustFault::BasicConstraints => {
                message!(en: "%c: the proxy's CA certificate does not meet the rules of Python 3.13", ja: "%c: プロキシの CA 証明書が Python 3.13 の要件を満たさない")
            }
            _ if another => {
                message!(en: "%c does not trust the certificate of what answers in place of {en}", ja: "%c は {ja} の代わりに応答した相手の証明書を信頼していない")
            }
            _ => {
                message!(en: "%c does not trust the certificate of the proxy in front of {en}", ja: "%c が {ja} との間にあるプロキシの証明書を信頼していない")
            }
        });
        finding.detail = detail;
        finding.advice = advice(run.attempt.dialect, fault, (en, ja));
        if is_local(context, &run, &host) {
            let first = message!(
                en: "Close Fiddler or whatever program listens as the local proxy, and remove it from HTTPS_PROXY.",
                ja: "Fiddler など、ローカル プロキシとして動作しているプログラムを終了し、HTTPS_PROXY から外す。",
            );
            finding.advice = Message {
                en: format!("{} Otherwise: {}", first.en, finding.advice.en),
                ja: format!("{}それができない場合: {}", first.ja, finding.advice.ja),
            };
        }
        finding.advice = match (portal, judged) {
            (Some((_, v)), _) => portal::first(v, finding.advice),
            (None, Some((_, v))) if another => leave_alone(en, ja, v.verdict.title()),
            _ => finding.advice,
        };
        out.push(finding);
    }
    out
}

/// What to do about a certificate of somebody who answers in the host's place.
fn leave_alone(host: &str, host_ja: &str, verdict: Text) -> Message {
    let (title, title_ja) = (verdict.en, verdict.ja);
    message!(
        en: "Add this certificate to no list of trusted ones before it is known who answers in place of {host} ({title}): mend that first.",
        ja: "{host_ja} の代わりに応答している相手が判明するまで、この証明書を信頼済みの一覧に追加してはならない ({title_ja})。先にそちらを解決する。",
    )
}

/// Who signed, as far as the packets or the proxy's address tell.
fn who(context: &Context<'_>, run: &Run<'_>, host: &str) -> Message {
    let verdict = context.host(host).map(|(_, v)| v);
    let trust = verdict.and_then(|v| v.detail.trust.as_ref());
    let mut text = match trust {
        Some(t) => {
            message!(en: "In the capture it is issued by \"{}\".", ja: "キャプチャでは発行者は「{}」である。", t.issuer)
        }
        None => message!(en: "The issuer is not visible in this evidence.", ja: "この証跡では発行者は見えない。"),
    };
    if is_local(context, run, host) {
        let more = message!(
            en: "The proxy is a program on the client itself (as Fiddler is): close it, or trust its certificate.",
            ja: "プロキシは端末内のプログラムである (Fiddler など)。終了するか、その証明書を信頼させる。",
        );
        text.push_sentence(more);
    }
    text
}

/// The proxy is a program on the client itself.
fn is_local(context: &Context<'_>, run: &Run<'_>, host: &str) -> bool {
    let verdict = context.host(host).map(|(_, v)| v);
    let proxy = run.attempt.proxy.as_deref().or(verdict.and_then(|v| v.proxy.as_deref()));
    proxy.is_some_and(|p| {
        let host = crate::case::log_join::proxy_host(p);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

const PYTHON: Text = Text {
    en: "Azure CLI reads a PEM file, not the store of Windows: export the proxy's root certificate as Base64 (PEM), append it to a copy of the default file and name the copy in REQUESTS_CA_BUNDLE (setx REQUESTS_CA_BUNDLE C:\\certs\\bundle.pem, new console), or append it to the default file itself: C:\\Program Files\\Microsoft SDKs\\Azure\\CLI2\\Lib\\site-packages\\certifi\\cacert.pem on Windows (Program Files (x86) for the 32-bit edition), /opt/az/lib/python3.*/site-packages/certifi/cacert.pem on Debian and Ubuntu, /usr/lib64/az/lib/python3.*/site-packages/certifi/cacert.pem on RHEL.",
    ja: "Azure CLI は Windows の証明書ストアではなく PEM ファイルを参照する。プロキシのルート証明書を Base64 (PEM) でエクスポートし、既定のファイルのコピーに追記して、環境変数 REQUESTS_CA_BUNDLE にそのパスを設定する (setx REQUESTS_CA_BUNDLE C:\\certs\\bundle.pem の後、新しいコンソールで実行)。または既定のファイル自体に追記する: Windows は C:\\Program Files\\Microsoft SDKs\\Azure\\CLI2\\Lib\\site-packages\\certifi\\cacert.pem (32 ビット版は Program Files (x86))、Debian と Ubuntu は /opt/az/lib/python3.*/site-packages/certifi/cacert.pem、RHEL は /usr/lib64/az/lib/python3.*/site-packages/certifi/cacert.pem。",
};

const DOTNET: Text = Text {
    en: "PowerShell (.NET) and the Windows broker read the system's store: import the proxy's root into Trusted Root Certification Authorities of the computer (certlm.msc, or certutil -addstore Root proxy-root.cer); on Linux update-ca-certificates or SSL_CERT_FILE. REQUESTS_CA_BUNDLE has no effect there.",
    ja: "PowerShell (.NET) と Windows ブローカーはシステムの証明書ストアを参照する。プロキシのルート証明書をコンピューターの「信頼されたルート証明機関」に追加する (certlm.msc、または certutil -addstore Root proxy-root.cer)。Linux では update-ca-certificates または SSL_CERT_FILE。REQUESTS_CA_BUNDLE は効果がない。",
};

const NODE: Text = Text {
    en: "Node reads its own list: name the proxy's root (PEM) in NODE_EXTRA_CA_CERTS.",
    ja: "Node は独自の一覧を参照する。プロキシのルート証明書 (PEM) を NODE_EXTRA_CA_CERTS に設定する。",
};

const CURL: Text = Text {
    en: "curl reads the PEM file of --cacert or CURL_CA_BUNDLE; on Windows the system's store.",
    ja: "curl は --cacert または CURL_CA_BUNDLE の PEM ファイル (Windows ではシステムのストア) を参照する。",
};

fn advice(dialect: Dialect, fault: TrustFault, (host, host_ja): (&str, &str)) -> Message {
    let first: Message = match fault {
        TrustFault::Expired | TrustFault::NotYetValid => {
            return message!(
                en: "Check the clock of the client, then renew the certificate: the proxy's, if it opens TLS to {host}; else the local bundle may be outdated (update the client).",
                ja: "端末の時計を確認する。次に証明書を更新する。{host_ja} への TLS をプロキシが終端している場合はプロキシの証明書、そうでなければ端末側の証明書バンドルが古い可能性がある (クライアントを更新する)。",
            );
        }
        TrustFault::NameMismatch => {
            return message!(
                en: "Something else answers for {host}: a portal, a block page or a proxy. Exempt {host} from it, and check the address that the name resolves to.",
                ja: "{host_ja} として別の機器 (ポータル、ブロック ページ、プロキシ) が応答している。{host_ja} を対象から除外し、名前解決のアドレスを確認する。",
            );
        }
        TrustFault::MissingAuthorityKeyId | TrustFault::MissingSubjectKeyId | TrustFault::BasicConstraints => message!(
            en: "The root may be trusted already: Python 3.13 and later also want critical basicConstraints and key identifiers. Have the proxy's CA issued anew with them.",
            ja: "ルートは信頼済みの可能性がある。Python 3.13 以降は critical な basicConstraints と鍵識別子も要求する。これらを備えたプロキシの CA 証明書を再発行する。",
        ),
        _ => message!(
            en: "Exempt {host} from TLS inspection, or make the proxy's root certificate known to the client.",
            ja: "{host_ja} を TLS インスペクションの対象から除外するか、プロキシのルート証明書をクライアントに信頼させる。",
        ),
    };
    let how: &[Text] = match dialect {
        Dialect::AzCli | Dialect::Python => &[PYTHON],
        Dialect::AzPowerShell | Dialect::GraphPowerShell => &[DOTNET],
        Dialect::Node => &[NODE],
        Dialect::Curl => &[CURL],
        Dialect::Other => &[PYTHON, DOTNET],
    };
    let mut text = first;
    for one in how {
        text.push_sentence((*one).into());
    }
    if matches!(dialect, Dialect::AzCli | Dialect::Python) {
        let more = message!(
            en: "PowerShell and the broker on the same machine read the system's store instead. Fiddler causes the same error: do not capture az with it.",
            ja: "同じ端末の PowerShell やブローカーはシステムのストアを参照する。Fiddler での採取でも同じエラーになるため、az の採取には使わない。",
        );
        text.push_sentence(more);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_is_told_its_own_file_or_store() {
        let az = advice(Dialect::AzCli, TrustFault::UnknownIssuer, ("h", "h"));
        assert!(az.en.contains("REQUESTS_CA_BUNDLE") && az.ja.contains("REQUESTS_CA_BUNDLE"));
        let ps = advice(Dialect::AzPowerShell, TrustFault::UnknownIssuer, ("h", "h"));
        assert!(ps.en.contains("certutil") && !ps.en.contains("cacert.pem"));
        assert!(!advice(Dialect::AzCli, TrustFault::Expired, ("h", "h")).en.contains("cacert.pem"));
    }
}
