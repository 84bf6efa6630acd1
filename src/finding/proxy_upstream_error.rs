//! The proxy could not reach the host itself.

use super::words::{Words, authorities, for_hosts, tell_product, whose};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "proxy_upstream_error",
    severity: Severity::Critical,
    title: Text { en: "The proxy cannot reach the host", ja: "プロキシからホストに到達できない" },
    meaning: Text {
        en: "The proxy took the CONNECT and answered with an error of its own (502, 503, 504, or a SOCKS failure): it tried and could not resolve, connect or verify the host. The fault lies behind the proxy, not between client and proxy.",
        ja: "プロキシは CONNECT を受け付け、自身のエラー (502、503、504、SOCKS の失敗) を返した。プロキシが名前解決・接続・検証に失敗しており、障害はプロキシの先にある。",
    },
    blind: Text {
        en: "What failed behind the proxy stands in its log or error page.",
        ja: "プロキシの先で何が失敗したかは、そのログかエラー ページにしかない。",
    },
    advice: Text {
        en: "Ask the proxy's administrator why it cannot reach the host.",
        ja: "プロキシの管理者に、ホストへ到達できない理由を確認する。",
    },
    check,
};

/// Less is told as no time.
const AT_ONCE_SECONDS: f64 = 0.05;

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ProxyUpstreamError, |host, v| {
        let name = &host.name;
        let https = authorities(context.case, host, v);
        let proxy = v.proxy.as_deref().unwrap_or_default();
        let [proxy_en, proxy_ja] = whose(v);
        let status = v.detail.status.map_or_else(|| "an error".to_owned(), |s| s.to_string());
        let waited = v.detail.waited_seconds;
        let mut detail = if waited < AT_ONCE_SECONDS {
            message!(en: "The proxy {proxy} answered the request for {name} with {status} at once.", ja: "プロキシ {proxy} は {name} への要求に直ちに {status} を返した。")
        } else {
            message!(en: "The proxy {proxy} answered the request for {name} with {status} after {waited:.1} s.", ja: "プロキシ {proxy} は {name} への要求に {waited:.1} 秒後 {status} を返した。")
        };
        tell_product(&mut detail, v);
        Words {
            title: message!(en: "The proxy cannot reach {name}", ja: "プロキシから {name} に到達できない"),
            detail,
            advice: Message {
                en: format!(
                    "Ask the administrator of {proxy_en} to check name resolution, routing and firewall from the proxy to {https}."
                ),
                ja: format!(
                    "{proxy_ja} の管理者に、プロキシから {https} への名前解決・経路・ファイアウォールの確認を依頼する。"
                ),
            },
        }
    })
}
