//! The proxy wants credentials that the client never gave.

use super::words::{Words, for_hosts, tell_product, whose};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "proxy_auth_required",
    severity: Severity::Critical,
    title: Text { en: "The proxy wants authentication", ja: "プロキシが認証を要求している" },
    meaning: Text {
        en: "The proxy answered CONNECT with 407 (or a SOCKS authentication refusal) and no request with accepted credentials followed. Python (az) answers Basic only, and only with credentials in the proxy variable; .NET can use the Windows user for Negotiate and NTLM.",
        ja: "プロキシは CONNECT に 407 (または SOCKS の認証拒否) を返し、受け入れられた認証付きの要求が続かない。Python (az) は Basic のみ、かつプロキシ変数に資格情報がある場合のみ応答する。.NET は Negotiate と NTLM に Windows ユーザーを使える。",
    },
    blind: Text {
        en: "Whether credentials that were sent are wrong stands in the proxy's log.",
        ja: "送信された資格情報の正否はプロキシのログにしかない。",
    },
    advice: Text {
        en: "Give the tool credentials, use an authenticating relay, or exempt the hosts.",
        ja: "ツールに資格情報を与えるか、認証中継を使うか、ホストを認証対象から除外する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ProxyAuthRequired, |host, v| {
        let name = &host.name;
        let proxy = v.proxy.as_deref().unwrap_or_default();
        let [proxy_en, proxy_ja] = whose(v);
        let schemes = if v.detail.schemes.is_empty() { "-".to_owned() } else { v.detail.schemes.join(", ") };
        let mut detail = message!(en: "The proxy {proxy} answered the request for {name} with 407 and offers: {schemes}.", ja: "プロキシ {proxy} は {name} への要求に 407 を返した。提示された方式: {schemes}。");
        let (en, ja) = if v.detail.credentials_sent {
            (" The client sent credentials and was refused.", "クライアントは資格情報を送ったが拒否された。")
        } else {
            (" The client never answered the challenge.", "クライアントは認証要求に応答していない。")
        };
        detail.en.push_str(en);
        detail.ja.push_str(ja);
        tell_product(&mut detail, v);
        Words {
            title: message!(en: "The proxy wants authentication for {name}", ja: "プロキシが {name} への認証を要求"),
            detail,
            advice: Message {
                en: format!(
                    "Put credentials into the variable (HTTPS_PROXY=http://user:password@proxy:port, if the proxy offers Basic), use an authenticating relay on the client, or exempt {name} from authentication on {proxy_en}."
                ),
                ja: format!(
                    "変数に資格情報を設定する (プロキシが Basic を提示する場合 HTTPS_PROXY=http://user:password@proxy:port)、端末に認証中継を置く、または {proxy_ja} で {name} を認証対象から除外する。"
                ),
            },
        }
    })
}
