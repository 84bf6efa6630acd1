//! A proxy or appliance terminates TLS in the middle.

use super::devices::{Device, Devices, hello};
use super::revocation_unreachable::failed_meanwhile;
use super::words::{Words, for_hosts, through};
use super::{Context, Finding, Rule, Severity};
use crate::case::HostStory;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::host::deciding;
use crate::verdict::tls::{alert_name, version_code};
use crate::verdict::{HostVerdict, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "intercepted",
    severity: Severity::Critical,
    title: Text {
        en: "TLS is intercepted on the way", ja: "経路上で TLS が傍受 (SSL インスペクション) されている"
    },
    meaning: Text {
        en: "The certificate shown for the host is not from an authority that the host uses, or the client refused a certificate it could not know (TLS 1.3, concluded). A proxy, appliance or local program opens TLS and signs with its own authority. Programs that do not know that authority stop: Python (az) reads the PEM file named by REQUESTS_CA_BUNDLE, .NET (PowerShell 7, Connect-MgGraph) and the Windows broker read the system's store.",
        ja: "ホストに対して示された証明書が、そのホストが使う認証局のものではない。または、クライアントが未知の発行者の証明書を拒否した (TLS 1.3 では推定)。プロキシ、アプライアンス、端末内のプログラムが TLS を終端し、独自の認証局で署名している。その認証局を知らないプログラムは停止する。Python (az) は REQUESTS_CA_BUNDLE の PEM ファイル、.NET (PowerShell 7、Connect-MgGraph) と Windows ブローカーはシステムの証明書ストアを参照する。",
    },
    blind: Text {
        en: "TLS 1.3 hides the certificate; without a key log the issuer cannot be named and the verdict is a conclusion. Tenant restrictions require interception of the three login hosts on purpose.",
        ja: "TLS 1.3 では証明書が見えない。鍵ログがなければ発行者は特定できず、判定は推定となる。テナント制限ではログイン用 3 ホストの傍受が意図的に行われる。",
    },
    advice: Text {
        en: "Exempt the host from inspection, or make the inspecting authority known to the tool.",
        ja: "ホストをインスペクションの対象から除外するか、インスペクション用の認証局をツールに信頼させる。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let devices = Devices::of(context);
    for_hosts(context, &RULE, Verdict::Intercepted, |host, v| {
        let name = &host.name;
        let through = through(v);
        let (vendor, issuer) = match &v.detail.trust {
            Some(t) => (t.vendor.clone(), Some(t.issuer.clone())),
            None => (None, None),
        };
        let mut detail = match &issuer {
            Some(issuer) => Message {
                en: format!(
                    "The certificate shown for {name}{} was issued by \"{issuer}\", which is not an authority of this host.",
                    through.en
                ),
                ja: format!(
                    "{name}{} に対して示された証明書の発行者は「{issuer}」で、このホストの認証局ではない。",
                    through.ja
                ),
            },
            None => {
                let unseen = unseen(context, host, v);
                Message {
                    en: format!(
                        "The certificate for {name}{} {}; the client refused it, though every client knows this host's public authority.",
                        through.en, unseen.en
                    ),
                    ja: format!(
                        "{name}{} の証明書は{}が、どのクライアントも信頼する公的認証局のはずの証明書をクライアントが拒否している。",
                        through.ja, unseen.ja
                    ),
                }
            }
        };
        let accepted = v.attempt.and_then(|i| v.judged.get(i)).is_some_and(|j| j.detail.client_accepts);
        let known = if vendor.is_none() { elsewhere(context, &devices, host, v) } else { None };
        if let Some((Device { host: other, product }, same_hello)) = known {
            let (en, ja) = if same_hello {
                ("and answered with the same ServerHello (JA3S)", "、ServerHello (JA3S) も同一")
            } else {
                ("on the same way", "、同じ経路")
            };
            detail.push(message!(
                en: " {product} shows itself for {other} {en}: most likely the same device.",
                ja: "{other} では {product} であることが見えており{ja}のため、同じ装置と考えられる。",
            ));
        }
        if let Some((code, _)) = v.detail.alert {
            let alert = alert_name(code);
            detail.push(message!(
                en: " The client ended the handshake with alert {alert} ({code}).",
                ja: "クライアントはアラート {alert} ({code}) でハンドシェイクを終了した。",
            ));
            let waited_for = if issuer.is_none() && BAD_OR_UNKNOWN.contains(&code) {
                failed_meanwhile(context, host, v)
            } else {
                Vec::new()
            };
            if !waited_for.is_empty() {
                let list = waited_for.join(", ");
                detail.push(message!(
                    en: " But requests to {list} failed meanwhile: a client that could not check the revocation of the genuine certificate would end so too.",
                    ja: "ただし、その間に {list} への要求が失敗している。正規の証明書の失効確認ができなかった場合も、クライアントは同じように終了する。",
                ));
            }
        } else if accepted {
            detail.push(
                message!(en: " The client trusts it and went on.", ja: "クライアントはこれを信頼し、通信を続けた。"),
            );
        }
        if v.detail.left.is_some() && !accepted && v.detail.alert.is_none() {
            detail.push(message!(
                en: " The client ended the connection behind the handshake, without a request: a program that checks the certificate only then refuses it so.",
                ja: "クライアントはハンドシェイク完了後、要求を送らずに切断している。証明書をハンドシェイク後に検証するプログラムは、このように拒否する。",
            ));
        }
        if v.detail.client_accepts && !accepted {
            detail.push(message!(
                en: " Later the same program completed its handshake: by now it trusts the certificate, or is shown the host's own.",
                ja: "その後、同じプログラムがハンドシェイクを完了しており、現在はこの証明書を信頼しているか、ホスト本来の証明書が示されている。",
            ));
        }
        if !v.detail.client_accepts && v.judged.iter().any(|j| j.detail.client_accepts) {
            detail.push(message!(
                en: " Other connections to it went on with such a certificate: each program has its own list of authorities.",
                ja: "同じホストへの他の接続は同様の証明書を信頼して続行している。信頼する認証局の一覧はプログラムごとに異なる。",
            ));
        }
        Words {
            title: match &vendor {
                Some(vendor) => {
                    message!(en: "TLS to {name} is intercepted by {vendor}", ja: "{name} への TLS が {vendor} に傍受されている")
                }
                None => message!(en: "TLS to {name} is intercepted", ja: "{name} への TLS が傍受されている"),
            },
            detail,
            advice: message!(
                en: "Exempt {name} from TLS inspection; or add the inspecting root certificate (PEM) to the file that REQUESTS_CA_BUNDLE names for az, and to the system's trusted roots for PowerShell and the broker. Close Fiddler and similar programs while signing in.",
                ja: "{name} を TLS インスペクションから除外する。できない場合、az には REQUESTS_CA_BUNDLE が指す PEM ファイルへ、PowerShell とブローカーにはシステムの信頼されたルートへ、インスペクション用ルート証明書を追加する。Fiddler などのツールはサインイン中は終了する。",
            ),
        }
    })
}

/// Alerts that do not say what is wrong with the certificate: bad_certificate, certificate_unknown (RFC 8446 6.2).
const BAD_OR_UNKNOWN: [u8; 2] = [42, 46];

/// Why the certificate cannot be seen.
fn unseen(context: &Context<'_>, host: &HostStory, v: &HostVerdict) -> Message {
    let flow = deciding(host, v).and_then(|attempt| context.case.flow(attempt));
    let cut = flow.is_some_and(|f| f.sides.iter().any(|side| side.cut_bytes > 0));
    match (v.negotiated_tls, cut) {
        (Some(version), _) if version_code(version) == Some("1.3") => {
            message!(en: "is hidden by TLS 1.3", ja: " TLS 1.3 により見えない")
        }
        (_, true) => message!(en: "is cut off by the snap length", ja: "スナップ長で切り詰められていて見えない"),
        (_, false) => message!(en: "is not in the capture", ja: "キャプチャにない"),
    }
}

/// Another host of the case on the same way whose interceptor can be seen: its name, the product, and whether the
/// ServerHellos are alike.
fn elsewhere<'a>(
    context: &Context<'a>,
    devices: &Devices<'a>,
    host: &HostStory,
    v: &HostVerdict,
) -> Option<(Device<'a>, bool)> {
    let mine = deciding(host, v)?;
    let alike = hello(context, mine).and_then(|hello| devices.with_hello(&mine.way, hello, &host.name));
    alike.map(|device| (device, true)).or_else(|| Some((devices.on(&mine.way, &host.name)?, false)))
}
