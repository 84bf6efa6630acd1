//! The proxy took the request and closed or stayed silent.

use super::words::{Words, authorities, for_hosts, whose};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "proxy_no_response",
    severity: Severity::Critical,
    title: Text { en: "The proxy does not answer the request", ja: "プロキシが要求に応答しない" },
    meaning: Text {
        en: "TCP to the proxy works and the CONNECT was sent, but no status line came: the proxy closed, reset, or stayed silent: for three seconds until the client gave up, or for ten while it still waits (proxies themselves take several seconds for a host that they cannot reach). It may be overloaded, wait for a host it cannot reach, or not be an HTTP proxy at all.",
        ja: "プロキシへの TCP は成立し CONNECT も送られたが、応答がない (切断・RST・無応答。無応答はクライアントが諦めるまで 3 秒以上、待機中なら 10 秒以上。到達できないホストには、プロキシ自身が数秒を要する)。過負荷、到達できないホストの待機、または HTTP プロキシではない可能性がある。",
    },
    blind: Text {
        en: "A capture that stops early cannot show an answer that came later.",
        ja: "早く終わったキャプチャでは、後から届いた応答は見えない。",
    },
    advice: Text {
        en: "Check the proxy: its load, its way to the host, and that name and port are those of an HTTP proxy.",
        ja: "プロキシの負荷、ホストへの経路、名前とポートが HTTP プロキシのものかを確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ProxyNoResponse, |host, v| {
        let name = &host.name;
        let https = authorities(context.case, host, v);
        let proxy = v.proxy.as_deref().unwrap_or_default();
        let [proxy_en, proxy_ja] = whose(v);
        let waited = v.detail.waited_seconds;
        let mut detail = message!(en: "The proxy {proxy} took the request for {name} and gave no answer in {waited:.1} s.", ja: "プロキシ {proxy} は {name} への要求を受け取ったが、{waited:.1} 秒間応答しない。");
        if v.detail.closed_by_fin {
            detail = message!(en: "The proxy {proxy} took the request for {name} and closed without an answer.", ja: "プロキシ {proxy} は {name} への要求を受け取り、応答せずに切断した。");
        }
        if let Some(status) = v.detail.status {
            detail = message!(en: "The proxy {proxy} opened the tunnel to {name} ({status}) and ended it before anything came through.", ja: "プロキシ {proxy} は {name} へのトンネルを確立したが ({status})、データを通す前に切断した。");
        }
        Words {
            title: message!(en: "No answer from the proxy for {name}", ja: "{name} への要求にプロキシが無応答"),
            detail,
            advice: Message {
                en: format!(
                    "Ask the administrator of {proxy_en} to look at the request for {https} at the time shown; check that the port is that of an HTTP proxy."
                ),
                ja: format!(
                    "{proxy_ja} の管理者に、表示の時刻の {https} への要求を確認してもらう。ポートが HTTP プロキシのものかも確認する。"
                ),
            },
        }
    })
}
