//! Requests for the machine itself or for its metadata service go to the proxy.

use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::ErrorClass;
use crate::lang::Text;
use crate::message;
use crate::verdict::Proof;
use crate::verdict::log::LogProof;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "loopback_through_proxy",
    severity: Severity::Warning,
    title: Text {
        en: "Loopback or metadata requests are sent to the proxy",
        ja: "ループバックやメタデータの要求がプロキシに送られている",
    },
    meaning: Text {
        en: "The client asks the proxy for localhost, 127.0.0.1 or 169.254.169.254. These addresses mean the client itself (the browser's redirect) or the host it runs on; a proxy cannot answer for them.",
        ja: "クライアントが localhost・127.0.0.1・169.254.169.254 への要求をプロキシに送っている。これらは端末自身 (ブラウザーからのリダイレクト) や実行基盤を指し、プロキシは応答できない。",
    },
    blind: Text {
        en: "Requests inside TLS to the proxy are not visible.",
        ja: "プロキシへの TLS 内の要求は見えない。",
    },
    advice: Text {
        en: "Add them to NO_PROXY: localhost,127.0.0.1,169.254.169.254.",
        ja: "NO_PROXY に localhost,127.0.0.1,169.254.169.254 を追加する。",
    },
    check,
};

/// Hosts that no proxy can stand in for.
const LOCAL: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "169.254.169.254"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut evidence = Vec::new();
    for (piece, capture) in context.case.captures() {
        for flow in capture.flows.iter().filter(|f| context.case.proxies.contains_key(&f.ends.server)) {
            for exchange in &flow.app.http {
                let target = exchange.target.strip_prefix("http://").unwrap_or(&exchange.target);
                let local = LOCAL.iter().any(|l| {
                    target.strip_prefix(l).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
                });
                if let (true, Some(at)) = (local, exchange.request_at) {
                    let proof = Proof::new(at, message!(en: "{} {}", ja: "{} {}", exchange.method, exchange.target));
                    evidence.push(context.evidence(piece, Some(flow.stream), &proof));
                }
            }
        }
    }
    for run in runs(context) {
        let refused = run.attempt.events.iter().filter(|e| {
            let by_proxy = matches!(e.kind.error(), Some(ErrorClass::ProxyStatus(_)));
            by_proxy && e.host.as_deref().is_some_and(|h| LOCAL.contains(&h))
        });
        evidence.extend(refused.map(|e| context.line(&LogProof::new(run.piece, e))));
    }
    if evidence.is_empty() {
        return Vec::new();
    }
    let count = evidence.len();
    vec![Finding {
        title: message!(en: "The proxy is asked for the machine itself", ja: "端末自身への要求がプロキシに送られている"),
        detail: message!(
            en: "{count} requests for loopback or metadata addresses went to the proxy.",
            ja: "ループバックまたはメタデータのアドレスへの要求 {count} 件がプロキシに送られた。",
        ),
        evidence,
        ..RULE.finding()
    }]
}
