//! Part of the traffic goes through a proxy, part goes direct and fails.

use super::words::display_filters;
use super::{Context, Finding, Rule, Severity};
use crate::case::{Role, Way};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;
use std::collections::HashSet;
use std::net::IpAddr;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "two_ways_out",
    severity: Severity::Warning,
    title: Text {
        en: "Two ways out: one program uses the proxy, another goes direct",
        ja: "出口が 2 つ: プロキシを使うプログラムと直接接続するプログラムがある",
    },
    meaning: Text {
        en: "In the same capture some connections go through a proxy and others go straight to the internet and fail. Browsers and the Windows broker follow PAC, WPAD and the system's proxy; az (Python) knows only the proxy variables.",
        ja: "同じキャプチャで、プロキシ経由の接続と、インターネットへ直接向かい失敗している接続がある。ブラウザーや Windows ブローカーは PAC・WPAD・システムのプロキシ設定に従うが、az (Python) はプロキシ変数しか参照しない。",
    },
    blind: Text {
        en: "Which program made a connection is known only where the trace names processes.",
        ja: "どのプログラムの接続かは、トレースにプロセス名がある場合にしか分からない。",
    },
    advice: Text {
        en: "Give the tool the same proxy: set HTTPS_PROXY (and NO_PROXY for exceptions).",
        ja: "ツールにも同じプロキシを設定する: HTTPS_PROXY (例外は NO_PROXY)。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut proxies: Vec<String> = Vec::new();
    let mut met = HashSet::new();
    let mut direct: Vec<&str> = Vec::new();
    let mut unresolved: Vec<&str> = Vec::new();
    let mut evidence = Vec::new();
    let mut told = Vec::new();
    // What a proxy asks for itself, where the capture was made on it, goes out directly as it should.
    let on_proxy: HashSet<IpAddr> = context.case.proxies.keys().map(|proxy| proxy.ip()).collect();
    for (host, v) in context.hosts() {
        // Who asks for a name goes direct: by a proxy nobody needs its address.
        let in_vain = v.name.stopped.is_some() && matches!(v.verdict, Verdict::DnsFailure | Verdict::DnsSinkhole);
        if in_vain && host.role == Role::Service && host.attempts.iter().any(|a| a.way != Way::Direct) {
            direct.push(host.name.as_str());
            unresolved.push(host.name.as_str());
            evidence.extend(context.proof(v));
            told.push(host);
        }
        for (a, j) in host.attempts.iter().zip(&v.judged) {
            if a.way != Way::Direct && !a.peer.ip().is_loopback() {
                if met.insert(&a.way) {
                    proxies.extend(a.way.proxy_text());
                }
            } else if a.way == Way::Direct
                && host.role == Role::Service
                && j.verdict.is_some_and(Verdict::is_fault)
                && !on_proxy.contains(&a.client)
                && direct.last() != Some(&host.name.as_str())
            {
                direct.push(host.name.as_str());
                evidence.extend(context.shown(a, j));
                told.push(host);
            }
        }
    }
    if proxies.is_empty() || direct.is_empty() {
        return Vec::new();
    }
    let (proxy, list) = (proxies.join(", "), direct.join(", "));
    let url =
        proxies.first().map_or(String::new(), |p| if p.contains("://") { p.clone() } else { format!("http://{p}") });
    let mut detail = message!(
        en: "Other connections in this capture go through {proxy}; these to {list} went direct and failed.",
        ja: "このキャプチャの他の接続は {proxy} を経由しているが、{list} への接続は直接行われ失敗している。",
    );
    if !unresolved.is_empty() {
        let list = unresolved.join(", ");
        detail.en.push_str(&format!(" For {list} it failed at the name: the resolver gives no address of use."));
        detail
            .ja
            .push_str(&format!("{list} は名前解決の段階で失敗している (リゾルバーから有効なアドレスが得られない)。"));
    }
    vec![Finding {
        title: message!(en: "{list}: tried without the proxy {proxy}", ja: "{list}: プロキシ {proxy} を使わずに接続を試行"),
        detail,
        advice: message!(
            en: "Set the proxy for the tool that goes direct: HTTPS_PROXY={url} (az, Python, PowerShell 7); in Windows PowerShell 5.1 netsh winhttp or [System.Net.WebRequest]::DefaultWebProxy.",
            ja: "直接接続しているツールにプロキシを設定する: HTTPS_PROXY={url} (az、Python、PowerShell 7)。Windows PowerShell 5.1 では netsh winhttp または [System.Net.WebRequest]::DefaultWebProxy。",
        ),
        evidence,
        filter: display_filters(context.case, told),
        ..RULE.finding()
    }]
}
