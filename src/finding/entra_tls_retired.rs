//! Entra ID refused TLS 1.0/1.1 (AADSTS1002016), or marked the sign-in as legacy TLS.

use super::logs::runs;
use super::{Context, Evidence, Finding, Rule, Severity};
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::lang::{Message, Text};
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "entra_tls_retired",
    severity: Severity::Critical,
    title: Text {
        en: "Entra ID refused TLS 1.0/1.1 (AADSTS1002016)",
        ja: "Entra ID が TLS 1.0/1.1 の利用を拒否した (AADSTS1002016)",
    },
    meaning: Text {
        en: "Microsoft Entra ID no longer accepts TLS 1.0, 1.1 and 3DES. AADSTS1002016 says that the connection it received used one of them; the sign-in log marks such sign-ins as Legacy TLS. Either the client does not offer TLS 1.2, or a device on the way opens TLS and speaks the old version to Entra ID.",
        ja: "Microsoft Entra ID は TLS 1.0、1.1、3DES を受け付けない。AADSTS1002016 は、届いた接続がこれらを使っていたことを示す (サインイン ログでは Legacy TLS と記録される)。端末が TLS 1.2 を使っていないか、途中で TLS を終端する装置が Entra ID に対して古いバージョンを使っている。",
    },
    blind: Text {
        en: "The code does not say which of the two it is: a capture at the client shows the version that the client offered.",
        ja: "どちらが原因かはコードからは分からない。端末のキャプチャで、端末が提示したバージョンを確認できる。",
    },
    advice: Text {
        en: "Switch the client to TLS 1.2: update the module and .NET, set SchUseStrongCrypto and SystemDefaultTlsVersions to 1, enable TLS 1.2 in Schannel; check devices that open TLS.",
        ja: "TLS 1.2 に切り替える: モジュールと .NET を更新し、SchUseStrongCrypto と SystemDefaultTlsVersions を 1 に設定し、Schannel の TLS 1.2 を有効にする。TLS を終端する装置も確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let offered = context.hosts().find_map(|(h, v)| {
        let version = v.client_tls_max?;
        let authority = h.endpoint.is_some_and(|e| e.role == crate::knowledge::endpoints::Role::Authority);
        authority.then_some((h.name.as_str(), version))
    });
    let told: Message = match offered {
        Some((host, version)) if version < 0x0303 => message!(
            en: "In the capture the client itself offers {} at most to {host}: the client is the side to change.",
            ja: "キャプチャでは端末自身が {host} に対して最大 {} しか提示していない。変更すべきは端末側である。",
            crate::verdict::tls::version_name(version)
        ),
        Some((host, version)) => message!(
            en: "In the capture the client offers {} to {host}: a device on the way that opens TLS speaks the old version.",
            ja: "キャプチャでは端末は {host} に対して {} を提示している。途中で TLS を終端する装置が古いバージョンを使っている。",
            crate::verdict::tls::version_name(version)
        ),
        None => message!(
            en: "Without a capture it is open whether the client or a device on the way uses the old version.",
            ja: "キャプチャがないため、古いバージョンを使っているのが端末か途中の装置かは確定できない。",
        ),
    };
    for run in runs(context) {
        let Some((event, code)) = run.aadsts() else { continue };
        if error_group(code) == ErrorGroup::OldTls {
            return vec![Finding {
                title: message!(en: "Entra ID refused TLS 1.0/1.1: AADSTS{code}", ja: "Entra ID が TLS 1.0/1.1 を拒否: AADSTS{code}"),
                detail: Message {
                    en: format!("{} was answered with AADSTS{code}. {}", run.tell(Message::same("%c")).en, told.en),
                    ja: format!("{} に対する応答は AADSTS{code} である。{}", run.name().ja, told.ja),
                },
                ..run.finding(context, &RULE, event)
            }];
        }
    }
    let mut evidence: Vec<Evidence> = Vec::new();
    for (piece, log) in context.case.signins() {
        let path = context.case.pieces.get(piece).map(|p| p.path.clone()).unwrap_or_default();
        let marked = log.entries.iter().filter(|e| e.legacy_tls || e.status == Some(1_002_016));
        evidence.extend(marked.take(4).map(|e| Evidence {
            capture: path.clone(),
            time: e.time,
            text: message!(en: "sign-in marked as legacy TLS", ja: "Legacy TLS と記録されたサインイン"),
            ..Evidence::default()
        }));
    }
    if evidence.is_empty() {
        return Vec::new();
    }
    vec![Finding { severity: Severity::Warning, detail: told, evidence, ..RULE.finding() }]
}
