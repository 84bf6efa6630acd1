//! A TLS alert ended the handshake.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

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
        let alert = v.detail.alert.map(|(code, _)| format!(" {} ({code})", crate::verdict::tls::alert_name(code)));
        let alert = alert.unwrap_or_default();
        let (who_en, who_ja) = match v.detail.alert.map(|(_, by)| by) {
            Some(crate::flow::Side::Client) => ("client", "クライアント"),
            Some(crate::flow::Side::Server) | None => ("server", "サーバー"),
        };
        let detail = message!(en: "The {who_en} ended the handshake with {name} by a TLS alert{alert}.", ja: "{who_ja}がアラート{alert} で {name} とのハンドシェイクを終了した。");

        Words {
            title: message!(en: "TLS alert{alert} from {who_en}: {name}", ja: "{who_ja}からの TLS アラート{alert}: {name}"),
            detail,
            advice: message!(en: "Check what answers at the address of {name}: a genuine Microsoft host does not send this alert to a current client. Look for a device that terminates TLS on the way, or for a client that offers too few ciphers.", ja: "{name} のアドレスで応答しているものを確認する。正規の Microsoft ホストは現行クライアントにこのアラートを送らない。経路上で TLS を終端する装置や、提示する暗号が少なすぎるクライアントを疑う。"),
        }
    })
}
