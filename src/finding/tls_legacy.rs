//! TLS 1.0/1.1 is all that one side offers.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "tls_legacy",
    severity: Severity::Critical,
    title: Text {
        en: "Only TLS 1.0/1.1 is offered or was negotiated", ja: "TLS 1.0/1.1 しか提示・使用されていない"
    },
    meaning: Text {
        en: "Microsoft Entra ID refuses TLS 1.0 and 1.1 (AADSTS1002016). Judged by the versions in ClientHello and ServerHello, not by the record version, which says 0x0301 in every modern handshake too. A client that offers no more must be updated or configured; where a current client is answered with an old version, a device in the middle cannot do better.",
        ja: "Microsoft Entra ID は TLS 1.0/1.1 を拒否する (AADSTS1002016)。判定は ClientHello と ServerHello のバージョンによる (レコードのバージョンは現行のハンドシェイクでも 0x0301 であり使わない)。古いバージョンしか提示しないクライアントは更新・設定が必要。現行クライアントに古いバージョンで応答している場合は、途中の装置が対応していない。",
    },
    blind: Text {
        en: "A client may fall back to an old version after a newer attempt was broken; then the break is the cause and is reported instead.",
        ja: "新しいバージョンの試行が切断された後に古いバージョンへ戻ることがある。その場合は切断が原因であり、そちらを報告する。",
    },
    advice: Text {
        en: "Enable TLS 1.2 on the side that cannot do it.",
        ja: "対応していない側で TLS 1.2 を有効にする。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::TlsLegacy, |host, v| {
        let name = &host.name;
        let offered = v.client_tls_max.map_or("?", crate::verdict::tls::version_name);
        let chosen = v.negotiated_tls.map_or("-", crate::verdict::tls::version_name);
        let client = v.detail.legacy_side == Some(crate::flow::Side::Client);
        let unseen = v.detail.legacy_side.is_none() && v.client_tls_max.is_none();
        let (what_en, what_ja) = if unseen {
            (
                format!(
                    "The connection to {name} runs over {chosen}. Its hellos are not in the capture: whether the client or the peer cannot do TLS 1.2 is not told."
                ),
                format!(
                    "{name} への接続は {chosen} で行われている。ハンドシェイクの Hello がキャプチャにないため、TLS 1.2 に対応していないのがクライアントか相手かは分からない。"
                ),
            )
        } else if client {
            (
                format!("The client offers {offered} at most for {name}."),
                format!("クライアントは {name} に対して最大でも {offered} しか提示していない。"),
            )
        } else {
            (
                format!(
                    "The client offers up to {offered}, but the peer that answers for {name} cannot do TLS 1.2 (chosen: {chosen})."
                ),
                format!(
                    "クライアントは最大 {offered} を提示しているが、{name} として応答する相手が TLS 1.2 に対応していない (選択: {chosen})。"
                ),
            )
        };
        let (do_en, do_ja) = if unseen {
            (
                "Take a capture from the beginning of the sign-in. If the client offers no more than this, enable TLS 1.2 for the program; if not, update the server or the device that terminates TLS on the way.",
                "サインインの開始時点からキャプチャを取り直す。クライアントがこのバージョンまでしか提示していなければプログラムで TLS 1.2 を有効にし、そうでなければ TLS を終端しているサーバーまたは途中の装置を更新する。",
            )
        } else if client {
            (
                "Enable TLS 1.2 for the program: update it, on .NET set SchUseStrongCrypto and SystemDefaultTlsVersions to 1, in old PowerShell set [Net.ServicePointManager]::SecurityProtocol to Tls12.",
                "プログラムで TLS 1.2 を有効にする。更新する、.NET では SchUseStrongCrypto と SystemDefaultTlsVersions を 1 にする、古い PowerShell では [Net.ServicePointManager]::SecurityProtocol に Tls12 を設定する。",
            )
        } else {
            (
                "Update the server or the device that terminates TLS on the way so that it speaks TLS 1.2, or exempt the host from it.",
                "TLS を終端しているサーバーまたは途中の装置を TLS 1.2 対応に更新するか、ホストを対象から除外する。",
            )
        };
        let mut detail = message!(en: "{what_en}", ja: "{what_ja}");
        if let Some((code, _)) = v.detail.alert {
            let alert = crate::verdict::tls::alert_name(code);
            detail.en.push_str(&format!(" The handshake ended with the alert {alert} ({code})."));
            detail.ja.push_str(&format!("ハンドシェイクはアラート {alert} ({code}) で終了した。"));
        }
        Words {
            title: message!(en: "TLS 1.0/1.1 only: {name}", ja: "TLS 1.0/1.1 のみ: {name}"),
            detail,
            advice: message!(en: "{do_en}", ja: "{do_ja}"),
        }
    })
}
