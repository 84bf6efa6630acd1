//! TLS is spoken to a port on which the proxy expects plain HTTP.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "tls_to_proxy",
    severity: Severity::Critical,
    title: Text {
        en: "TLS is spoken to a plain proxy port", ja: "平文のプロキシ ポートに TLS で接続している"
    },
    meaning: Text {
        en: "The client opens the connection to the proxy with a ClientHello instead of CONNECT: the proxy variable says https:// where the proxy speaks http://. Since Azure CLI 2.25 this fails with SSLEOFError or \"wrong version number\".",
        ja: "クライアントがプロキシへの接続を CONNECT ではなく ClientHello で始めている。プロキシが http:// を話すのに、プロキシ変数に https:// と書かれている。Azure CLI 2.25 以降では SSLEOFError や \"wrong version number\" で失敗する。",
    },
    blind: Text {
        en: "A proxy that really speaks TLS completes the handshake and is not reported.",
        ja: "実際に TLS を話すプロキシはハンドシェイクが完了するため報告しない。",
    },
    advice: Text { en: "Write http:// in HTTPS_PROXY.", ja: "HTTPS_PROXY に http:// と書く。" },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .hosts()
        .filter(|(_, v)| v.verdict.is_fault() && v.detail.tls_to_proxy)
        .map(|(host, v)| {
            let proxy = v.proxy.as_deref().unwrap_or(&host.name);
            Finding {
                host: Some(host.name.clone()),
                title: message!(en: "TLS is spoken to the plain proxy port {proxy}", ja: "平文のプロキシ ポート {proxy} に TLS で接続している"),
                detail: message!(
                    en: "The client sends a ClientHello to {proxy}, which expects CONNECT.",
                    ja: "クライアントが、CONNECT を待つ {proxy} に ClientHello を送っている。",
                ),
                advice: message!(
                    en: "Set HTTPS_PROXY=http://{proxy} (http, not https): the scheme names how to speak to the proxy, not to the host behind it.",
                    ja: "HTTPS_PROXY=http://{proxy} と設定する (https ではなく http)。スキームは背後のホストではなくプロキシとの通信方法を示す。",
                ),
                evidence: context.proof(v),
                filter: super::words::display_filter(context.case, host),
                ..RULE.finding()
            }
        })
        .collect()
}
