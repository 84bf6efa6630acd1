//! The proxy refused the CONNECT.

use super::words::{Words, authorities, for_hosts, tell_product, whose};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "proxy_denied",
    severity: Severity::Critical,
    title: Text { en: "The proxy refuses the host", ja: "プロキシがホストへの接続を拒否している" },
    meaning: Text {
        en: "The client asked the proxy for a tunnel (CONNECT) and the proxy answered with a refusal (403, 405, 400 or a SOCKS denial). The request never left the proxy: a rule or category there forbids the host or the port.",
        ja: "クライアントはプロキシにトンネル (CONNECT) を要求したが、プロキシは拒否 (403、405、400、SOCKS の拒否) を返した。要求はプロキシから先へ出ていない。プロキシの規則やカテゴリがホストまたはポートを禁じている。",
    },
    blind: Text {
        en: "Which rule refused it stands only in the proxy's log. A decrypting proxy can answer 200 and refuse inside the tunnel; that needs the key log or the debug log.",
        ja: "どの規則が拒否したかはプロキシのログにしかない。復号型プロキシは 200 を返した後にトンネル内で拒否することがあり、それは鍵ログかデバッグ ログがないと見えない。",
    },
    advice: Text {
        en: "Allow the host with port 443 in the proxy's rules.",
        ja: "プロキシの規則でこのホストのポート 443 を許可する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ProxyDenied, |host, v| {
        let name = &host.name;
        let https = authorities(context.case, host, v);
        let proxy = v.proxy.as_deref().unwrap_or_default();
        let [proxy_en, proxy_ja] = whose(v);
        let status = v.detail.status.map_or_else(String::new, |s| s.to_string());
        let mut detail = message!(
            en: "The proxy {proxy} answered the request for {name} with {status}.",
            ja: "プロキシ {proxy} は {name} への要求に {status} を返した。",
        );
        tell_product(&mut detail, v);
        Words {
            title: message!(en: "The proxy refuses {name}", ja: "プロキシが {name} を拒否"),
            detail,
            advice: Message {
                en: format!(
                    "Ask the administrator of {proxy_en} to allow CONNECT {https} for this client; the proxy's log names the rule that refused it."
                ),
                ja: format!(
                    "{proxy_ja} の管理者に、このクライアントからの CONNECT {https} の許可を依頼する。拒否した規則はプロキシのログに記録されている。"
                ),
            },
        }
    })
}
