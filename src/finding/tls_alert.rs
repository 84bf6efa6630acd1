//! A TLS alert ended the handshake.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::case::HostStory;
use crate::flow::Side;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::host::deciding;
use crate::verdict::tls::{alert_name, version_code, version_name};
use crate::verdict::{HostVerdict, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "tls_alert",
    severity: Severity::Critical,
    title: Text {
        en: "A TLS alert ended the handshake", ja: "TLS アラートでハンドシェイクが終了した"
    },
    meaning: Text {
        en: "One side ended the handshake with a fatal alert in clear. handshake_failure (40) means no common parameters, protocol_version (70) no common version, unrecognized_name (112) that the name is not served there, access_denied (49) a policy, certificate alerts from the server that the client's own certificate was refused.",
        ja: "一方が平文の致命的アラートでハンドシェイクを終了した。handshake_failure (40) は共通パラメーターなし、protocol_version (70) は共通バージョンなし、unrecognized_name (112) はその名前が提供されていない、access_denied (49) はポリシー、サーバーからの証明書アラートはクライアント証明書の拒否を意味する。",
    },
    blind: Text {
        en: "An alert in the server's name can come from a device in the middle.",
        ja: "サーバー名義のアラートは途中の装置が送ったものである可能性がある。",
    },
    advice: Text {
        en: "Find out which device or server answered, and what it demands.",
        ja: "どの装置・サーバーが応答したか、何を要求しているかを確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::TlsAlert, |host, v| {
        let name = &host.name;
        // A log may tell of an alert that it names by no known name.
        let alert = v.detail.alert.map(|(code, _)| format!(" {} ({code})", alert_name(code)));
        let alert = alert.unwrap_or_default();
        let by = v.detail.alert.map_or(Side::Server, |(_, by)| by);
        let (who_en, who_ja) = match by {
            Side::Client => ("client", "クライアント"),
            Side::Server => ("server", "サーバー"),
        };
        let mut detail = message!(en: "The {who_en} ended the handshake with {name} by a TLS alert{alert}.", ja: "{who_ja}が TLS アラート{alert}で {name} とのハンドシェイクを終了した。");
        let no_version = v.detail.alert.is_some_and(|(code, _)| code == PROTOCOL_VERSION);
        let offer = if no_version { Offered::of(context, host, v) } else { None };
        if let Some(offer) = offer {
            let told = offer.tell(v);
            detail.push(told);
        }

        Words {
            title: message!(en: "TLS alert{alert} from {who_en}: {name}", ja: "{who_ja}からの TLS アラート{alert}: {name}"),
            detail,
            advice: match v.detail.alert {
                Some((PROTOCOL_VERSION, _)) => offer.map_or_else(|| versions_differ(name), |offer| offer.advice(name)),
                Some((code, Side::Client)) => by_client(name, code),
                Some((UNRECOGNIZED_NAME, _)) => not_served(name),
                _ => {
                    message!(en: "Check what answers at the address of {name}: a genuine Microsoft host does not send this alert to a current client. Look for a device that terminates TLS on the way, or for a client that offers too few ciphers.", ja: "{name} のアドレスで応答しているものを確認する。正規の Microsoft ホストは現行クライアントにこのアラートを送らない。経路上で TLS を終端する装置や、提示する暗号が少なすぎるクライアントを疑う。")
                }
            },
        }
    })
}

/// What to do about an alert that the client itself sent.
fn by_client(name: &str, code: u8) -> Message {
    let alert = alert_name(code);
    match code {
        INTERNAL_ERROR => message!(
            en: "The client gave up by an error of its own ({alert}): read its log or its debug output for the time shown, and update it (its TLS library, a program that hooks into it). {name} and the way to it show no fault in this handshake.",
            ja: "クライアント自身の内部エラー ({alert}) で中断している。表示の時刻のログやデバッグ出力を確認し、クライアント (TLS ライブラリ、介在するプログラム) を更新する。このハンドシェイクで {name} とその経路の障害は見られない。",
        ),
        _ => message!(
            en: "The client did not accept what was sent in the name of {name} ({alert}): something on the way may have changed it, or the client's TLS library is at fault. Compare with a direct line and with another client; read the client's own error.",
            ja: "クライアントは {name} として届いた内容を受け入れなかった ({alert})。経路上で改変されたか、クライアントの TLS ライブラリに問題がある。直接接続や別のクライアントと比較し、クライアント自身のエラーを確認する。",
        ),
    }
}

/// What to do where the server does not know the name.
fn not_served(name: &str) -> Message {
    message!(
        en: "Whatever answers does not serve {name}: the address is another service's, or a device on the way terminates TLS without knowing the name. Compare the address that the client was given (hosts file, split DNS, private endpoint, proxy) with that of a public resolver.",
        ja: "応答した相手は {name} を提供していない。別のサービスのアドレスか、途中で TLS を終端する装置がこの名前を知らない。端末が得たアドレス (hosts ファイル、スプリット DNS、プライベート エンドポイント、プロキシ) を公開リゾルバーのものと比較する。",
    )
}

/// What a client offers that finds no common version with its peer.
#[derive(Clone, Copy)]
enum Offered {
    /// TLS 1.3 and nothing below it that is in use today.
    NewestOnly,
    /// TLS 1.2 at most.
    UpTo12,
}

impl Offered {
    /// By the hello of the deciding attempt, where all of it is known.
    fn of(context: &Context<'_>, host: &HostStory, v: &HostVerdict) -> Option<Offered> {
        let attempt = deciding(host, v)?;
        let hello = context.case.session(attempt)?.client_hellos.last().filter(|hello| !hello.cut)?;
        let has_12 = hello.supported_versions.iter().any(|version| version_code(*version) == Some("1.2"));
        match version_code(hello.max_version())? {
            "1.3" if !has_12 => Some(Offered::NewestOnly),
            "1.2" => Some(Offered::UpTo12),
            _ => None,
        }
    }

    fn tell(self, v: &HostVerdict) -> Message {
        let chosen = v.negotiated_tls.map(version_name);
        match (self, chosen) {
            (Offered::NewestOnly, Some(chosen)) => message!(
                en: " The two have no version in common: the client offers TLS 1.3 only, the peer chose {chosen}.",
                ja: "共通のバージョンがない。クライアントは TLS 1.3 のみを提示し、相手は {chosen} を選択した。",
            ),
            (Offered::NewestOnly, None) => message!(
                en: " The two have no version in common: the client offers TLS 1.3 only, and what answers does not speak it.",
                ja: "共通のバージョンがない。クライアントは TLS 1.3 のみを提示しており、応答した相手は対応していない。",
            ),
            (Offered::UpTo12, _) => message!(
                en: " The two have no version in common: the client offers TLS 1.2 at most, and what answers does not accept it.",
                ja: "共通のバージョンがない。クライアントは最大でも TLS 1.2 しか提示しておらず、応答した相手はこれを受け入れない。",
            ),
        }
    }

    fn advice(self, name: &str) -> Message {
        match self {
            Offered::NewestOnly => message!(
                en: "Let the client offer TLS 1.2 too (its own or the system's minimum version is TLS 1.3), or let what answers for {name} speak TLS 1.3. Microsoft's hosts speak both: where one of them is meant, a device on the way answers.",
                ja: "クライアントが TLS 1.2 も提示するようにする (クライアントまたは OS の最小バージョンが TLS 1.3 になっている) か、{name} として応答する相手を TLS 1.3 に対応させる。Microsoft のホストは両方に対応しているため、その場合は途中の装置が応答している。",
            ),
            Offered::UpTo12 => message!(
                en: "Let the client offer TLS 1.3 too (update it or its TLS library), or let what answers for {name} accept TLS 1.2. Microsoft's hosts speak both: where one of them is meant, a device on the way answers.",
                ja: "クライアントが TLS 1.3 も提示するようにする (クライアントや TLS ライブラリの更新) か、{name} として応答する相手で TLS 1.2 を許可する。Microsoft のホストは両方に対応しているため、その場合は途中の装置が応答している。",
            ),
        }
    }
}

/// No common version, and what was offered is not known.
fn versions_differ(name: &str) -> Message {
    message!(
        en: "Compare which TLS versions the client and what answers for {name} allow, and which device on the way ends TLS: they have none in common.",
        ja: "クライアントと {name} として応答する相手が許可する TLS バージョン、および経路上で TLS を終端する装置を確認する。共通のバージョンがない。",
    )
}

/// protocol_version (RFC 8446 6.2): none of the offered versions is spoken.
const PROTOCOL_VERSION: u8 = 70;
/// The name is not served here (RFC 6066 3).
const UNRECOGNIZED_NAME: u8 = 112;

/// internal_error (RFC 8446 6.2): nothing to do with the peer.
const INTERNAL_ERROR: u8 = 80;
