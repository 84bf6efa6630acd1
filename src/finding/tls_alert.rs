//! A TLS alert ended the handshake.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::flow::Side;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;
use crate::verdict::tls::alert_name;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "tls_alert",
    severity: Severity::Critical,
    title: Text {
        en: "A TLS alert ended the handshake", ja: "TLS アラートでハンドシェイクが終了した"
    },
    meaning: Text {
        en: "One side ended the handshake with a fatal alert in clear. handshake_failure (40) means no common parameters, unrecognized_name (112) that the name is not served there, access_denied (49) a policy, certificate alerts from the server that the client's own certificate was refused.",
        ja: "一方が平文の致命的アラートでハンドシェイクを終了した。handshake_failure (40) は共通パラメーターなし、unrecognized_name (112) はその名前が提供されていない、access_denied (49) はポリシー、サーバーからの証明書アラートはクライアント証明書の拒否を意味する。",
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
        let detail = message!(en: "The {who_en} ended the handshake with {name} by a TLS alert{alert}.", ja: "{who_ja}が TLS アラート{alert}で {name} とのハンドシェイクを終了した。");

        Words {
            title: message!(en: "TLS alert{alert} from {who_en}: {name}", ja: "{who_ja}からの TLS アラート{alert}: {name}"),
            detail,
            advice: match v.detail.alert {
                Some((code, Side::Client)) => by_client(name, code),
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

/// internal_error (RFC 8446 6.2): nothing to do with the peer.
const INTERNAL_ERROR: u8 = 80;
