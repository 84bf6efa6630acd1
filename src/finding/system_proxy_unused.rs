//! Windows is set to use a proxy, and the failing connections go straight to the internet.

use super::proxy_left_over::place;
use super::{Context, Evidence, Finding, Rule, Severity};
use crate::case::{Role, Way};
use crate::facts::system::ProxyScope;
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "system_proxy_unused",
    severity: Severity::Warning,
    title: Text {
        en: "A proxy is set in Windows, but the failing connections go direct",
        ja: "Windows にプロキシが設定されているが、失敗した接続は直接接続になっている",
    },
    meaning: Text {
        en: "The system's files name a proxy (WinHTTP, user settings or a PAC file), while the connections that failed were made without it. az (Python) reads only HTTPS_PROXY and ignores PAC; PowerShell 7 reads the variables first. On a network whose only way out is the proxy, such connections are dropped.",
        ja: "システムのファイルにはプロキシ (WinHTTP、ユーザー設定、PAC) が記録されているが、失敗した接続はプロキシを使っていない。az (Python) は HTTPS_PROXY だけを参照し、PAC は無視する。PowerShell 7 は環境変数を優先する。出口がプロキシだけのネットワークでは、このような接続は破棄される。",
    },
    blind: Text {
        en: "Variables of the console that ran the command are not among the system's files.",
        ja: "コマンドを実行したコンソールの環境変数はシステムのファイルには含まれない。",
    },
    advice: Text {
        en: "Give the tool the proxy: set HTTPS_PROXY=http://proxy:port (and NO_PROXY for exceptions) in the console.",
        ja: "ツールにもプロキシを設定する: コンソールで HTTPS_PROXY=http://プロキシ:ポート (例外は NO_PROXY)。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut set: Vec<(String, String)> = Vec::new();
    let mut evidence: Vec<Evidence> = Vec::new();
    for (piece, system) in context.case.systems() {
        for s in system.proxy_settings.iter().filter(|s| s.enabled && s.scope != ProxyScope::Environment) {
            let Some(target) = s.server.clone().or_else(|| s.auto_config_url.clone()) else { continue };
            if set.iter().any(|(t, _)| *t == target) {
                continue;
            }
            let path = context.case.pieces.get(piece).map(|p| p.path.clone()).unwrap_or_default();
            evidence.push(Evidence {
                capture: path,
                text: message!(en: "proxy setting ({}): {target}", ja: "プロキシ設定 ({}): {target}", place(s)),
                ..Evidence::default()
            });
            set.push((target, place(s)));
        }
    }
    let Some((target, at)) = set.first().cloned() else { return Vec::new() };
    let mut direct = Vec::new();
    for (host, v) in context.hosts().filter(|(h, v)| h.role == Role::Service && v.verdict.is_fault()) {
        let path_fault = matches!(
            v.verdict,
            Verdict::SynNoAnswer
                | Verdict::Refused
                | Verdict::DnsFailure
                | Verdict::IcmpUnreachable
                | Verdict::ResetAfterClientHello
                | Verdict::SilentAfterClientHello
        );
        if path_fault && !v.by_log && host.attempts.iter().all(|a| a.way == Way::Direct) {
            direct.push(host.name.as_str());
            evidence.extend(context.proof(v).into_iter().take(2));
        }
    }
    if direct.is_empty() {
        return Vec::new();
    }
    let list = direct.join(", ");
    vec![Finding {
        title: message!(en: "{list}: tried without the proxy that Windows is set to use", ja: "{list}: Windows に設定されたプロキシを使わずに接続を試行"),
        detail: message!(
            en: "Windows is set to use {target} ({at}); the connections to {list} went direct and failed.",
            ja: "Windows には {target} が設定されている ({at}) が、{list} への接続は直接行われて失敗した。",
        ),
        evidence,
        ..RULE.finding()
    }]
}
