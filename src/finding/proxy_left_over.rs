//! The proxy that the client is told to use cannot be reached: a setting left over from another network.

use super::logs;
use super::{Context, Finding, Rule, Severity};
use crate::case::{HostStory, Role};
use crate::facts::system::{ProxyScope, SystemFacts};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::host::{deciding, is_guessed_proxy};
use crate::verdict::{HostVerdict, Judged, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "proxy_left_over",
    severity: Severity::Warning,
    title: Text {
        en: "The proxy of the settings cannot be reached", ja: "設定されているプロキシに到達できない"
    },
    meaning: Text {
        en: "The client goes to a proxy that refuses, does not answer or has no address, and asks for no host of the sign-in itself. Either the proxy is down, or the setting (HTTPS_PROXY, WinHTTP, user settings) is left over from another network.",
        ja: "クライアントが、接続拒否・無応答・名前解決不能のプロキシに向かっており、サインインのホスト自体には通信していない。プロキシの停止か、別のネットワーク用の設定 (HTTPS_PROXY、WinHTTP、ユーザー設定) が残っている。",
    },
    blind: Text {
        en: "Where the setting comes from is known only from the system's files.",
        ja: "設定の場所は、システムのファイルがなければ分からない。",
    },
    advice: Text {
        en: "Look for the setting, and correct or remove it.",
        ja: "設定の場所を確認し、修正または削除する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let reachable = |v: Verdict| {
        matches!(
            v,
            Verdict::Refused
                | Verdict::SynNoAnswer
                | Verdict::DnsFailure
                | Verdict::DnsSinkhole
                | Verdict::IcmpUnreachable
        )
    };
    let mut out = Vec::new();
    // One that worked before is where the settings say.
    let never = |v: &HostVerdict| !v.judged.iter().any(Judged::has_reached);
    // Of a machine that may be something else no setting can be spoken of.
    let left_over = |h: &HostStory, v: &HostVerdict| {
        let guessed = deciding(h, v).is_some_and(|a| is_guessed_proxy(context.case, h, a));
        h.role == Role::Proxy && reachable(v.verdict) && never(v) && !guessed
    };
    for (host, verdict) in context.hosts().filter(|(h, v)| left_over(h, v)) {
        // A log that names no proxy: the word alone.
        let unnamed = host.name == crate::case::log_join::UNNAMED_PROXY;
        let name = &host.name;
        let places: Vec<String> = context.case.systems().flat_map(|(_, s)| places(s, name)).collect();
        let title = verdict.verdict.title();
        let mut detail = Message {
            en: format!("The client turned to the proxy {name}: {}.", title.en),
            ja: format!("クライアントはプロキシ {name} に向かっている: {}。", title.ja),
        };
        if unnamed {
            detail = Message {
                en: format!("The client turned to a proxy, which the log does not name: {}.", title.en),
                ja: format!("クライアントはプロキシ (ログに名前はない) に向かっている: {}。", title.ja),
            };
        }
        if !places.is_empty() {
            let list = places.join(", ");
            detail.push_sentence(message!(en: "It is set in: {list}.", ja: "設定箇所: {list}。"));
        }
        let mut evidence = context.proof(verdict);
        evidence.extend(host.said.iter().rev().take(1).filter_map(|s| logs::line(context, *s)));
        evidence.dedup();
        out.push(Finding {
            confidence: verdict.confidence,
            host: Some(name.clone()),
            title: if unnamed {
                RULE.title.into()
            } else {
                message!(en: "The proxy {name} of the settings cannot be reached", ja: "設定されているプロキシ {name} に到達できない")
            },
            detail,
            advice: message!(
                en: "If it is no proxy of this network, remove it: az and PowerShell 7 read HTTPS_PROXY, HTTP_PROXY and ALL_PROXY (Get-ChildItem Env:*proxy*; [Environment]::SetEnvironmentVariable('HTTPS_PROXY', $null, 'User')), Windows itself reads netsh winhttp show proxy and the user's Internet options. If it is: check that it runs, its name and its port.",
                ja: "現在のネットワークのプロキシでなければ設定を削除する。az と PowerShell 7 は HTTPS_PROXY、HTTP_PROXY、ALL_PROXY を参照する (Get-ChildItem Env:*proxy*、[Environment]::SetEnvironmentVariable('HTTPS_PROXY', $null, 'User'))。Windows 自体は netsh winhttp show proxy とユーザーのインターネット オプションを参照する。正しいプロキシであれば、稼働状況、名前、ポートを確認する。",
            ),
            evidence,
            filter: super::words::display_filter(context.case, host),
            ..RULE.finding()
        });
    }
    out
}

/// Where the machine is told to use a proxy.
pub(super) fn places(system: &SystemFacts, proxy: &str) -> Vec<String> {
    let names = |s: &crate::facts::system::ProxySetting| {
        s.server.as_deref().is_some_and(|server| server.to_ascii_lowercase().contains(proxy))
    };
    system.proxy_settings.iter().filter(|s| s.enabled && names(s)).map(place).collect()
}

/// A place of a proxy setting, as its tool calls it.
pub(super) fn place(setting: &crate::facts::system::ProxySetting) -> String {
    match (&setting.variable, setting.scope) {
        (Some(variable), _) => variable.clone(),
        (None, ProxyScope::WinHttp) => "netsh winhttp".to_owned(),
        (None, ProxyScope::User) => "Internet Settings".to_owned(),
        (None, ProxyScope::Environment) => "HTTPS_PROXY".to_owned(),
    }
}
