//! TLS 1.0/1.1 is all that one side offers.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::flow::Side;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::tls::{TLS_1_1, alert_name, version_name};
use crate::verdict::{HostVerdict, Verdict};

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

/// Who cannot do better, as far as that is known.
enum Lacking {
    Client,
    Peer,
    /// The words of a log are all there is.
    Untold,
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::TlsLegacy, |host, v| {
        let name = &host.name;
        let lacking = lacking(v);
        let mut detail = detail(name, v, &lacking);
        if let (None, Some(line)) = (v.detail.legacy_side, v.said.first()) {
            let (number, Message { en, ja }) = (line.line, &line.text);
            detail.push(message!(
                en: " The debug log says (line {number}): {en}",
                ja: "デバッグ ログの記録 ({number} 行目): {ja}",
            ));
        }
        if let Some((code, _)) = v.detail.alert {
            let alert = alert_name(code);
            detail.push(message!(
                en: " The handshake ended with the alert {alert} ({code}).",
                ja: "ハンドシェイクはアラート {alert} ({code}) で終了した。",
            ));
        }
        Words {
            title: message!(en: "TLS 1.0/1.1 only: {name}", ja: "TLS 1.0/1.1 のみ: {name}"),
            detail,
            advice: advice(&lacking).into(),
        }
    })
}

fn lacking(v: &HostVerdict) -> Lacking {
    match (v.detail.legacy_side, v.client_tls_max) {
        (Some(Side::Client), _) => Lacking::Client,
        (Some(Side::Server), _) => Lacking::Peer,
        // A log tells of an old version, and the capture has the client's offer at most.
        (None, Some(offered)) if offered <= TLS_1_1 => Lacking::Client,
        (None, Some(_)) => Lacking::Peer,
        (None, None) => Lacking::Untold,
    }
}

fn detail(name: &str, v: &HostVerdict, lacking: &Lacking) -> Message {
    let offered = v.client_tls_max.map_or("?", version_name);
    match (lacking, v.negotiated_tls.map(version_name)) {
        (Lacking::Client, _) => message!(
            en: "The client offers {offered} at most for {name}.",
            ja: "クライアントは {name} に対して最大でも {offered} しか提示していない。",
        ),
        (Lacking::Peer, None) if v.detail.legacy_side.is_none() => message!(
            en: "The client offers up to {offered} for {name}, and the capture holds no answer to that.",
            ja: "クライアントは {name} に対して最大 {offered} を提示しているが、それに対する応答はキャプチャにない。",
        ),
        (Lacking::Peer, chosen) => {
            let chosen = chosen.unwrap_or("-");
            message!(
                en: "The client offers up to {offered}, but the peer that answers for {name} cannot do TLS 1.2 (chosen: {chosen}).",
                ja: "クライアントは最大 {offered} を提示しているが、{name} として応答する相手が TLS 1.2 に対応していない (選択: {chosen})。",
            )
        }
        (Lacking::Untold, _) => message!(
            en: "What was offered and chosen for {name} is not in the capture, so whether the client or the peer cannot do TLS 1.2 is open.",
            ja: "{name} に対して提示・選択された TLS バージョンはキャプチャにないため、TLS 1.2 に対応していないのがクライアントか相手かは分からない。",
        ),
    }
}

fn advice(lacking: &Lacking) -> Text {
    match lacking {
        Lacking::Client => Text {
            en: "Enable TLS 1.2 for the program: update it, on .NET set SchUseStrongCrypto and SystemDefaultTlsVersions to 1, in old PowerShell set [Net.ServicePointManager]::SecurityProtocol to Tls12.",
            ja: "プログラムで TLS 1.2 を有効にする。更新する、.NET では SchUseStrongCrypto と SystemDefaultTlsVersions を 1 にする、古い PowerShell では [Net.ServicePointManager]::SecurityProtocol に Tls12 を設定する。",
        },
        Lacking::Peer => Text {
            en: "Update the server or the device that terminates TLS on the way so that it speaks TLS 1.2, or exempt the host from it.",
            ja: "TLS を終端しているサーバーまたは途中の装置を TLS 1.2 対応に更新するか、ホストを対象から除外する。",
        },
        Lacking::Untold => Text {
            en: "Take a capture of the whole sign-in. If the client offers no more than TLS 1.1 in its ClientHello, enable TLS 1.2 for the program; if it offers more, update the server or the device that terminates TLS on the way.",
            ja: "サインイン全体のキャプチャを取得する。ClientHello で TLS 1.1 までしか提示していなければプログラムで TLS 1.2 を有効にし、それより新しいバージョンを提示していれば TLS を終端しているサーバーまたは途中の装置を更新する。",
        },
    }
}
