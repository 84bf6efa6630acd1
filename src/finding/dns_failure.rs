//! The name did not resolve.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::case::{Lookup, LookupResult};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;
use std::collections::HashSet;
use std::net::IpAddr;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "dns_failure",
    severity: Severity::Critical,
    title: Text { en: "The name does not resolve", ja: "名前を解決できない" },
    meaning: Text {
        en: "Every question for the name failed (NXDOMAIN, SERVFAIL, REFUSED), stayed without an answer, or gave no address, and no connection to it by another way (proxy) was seen. Failures of search suffixes and of a first resolver do not count when a later one answers.",
        ja: "名前に対するすべての問い合わせが失敗 (NXDOMAIN、SERVFAIL、REFUSED)、無応答、またはアドレスなしで終わり、別経路 (プロキシ) での接続もない。検索サフィックスや最初のリゾルバーの失敗は、後で解決できていれば数えない。",
    },
    blind: Text {
        en: "Names from the client's cache or hosts file need no question. Resolution over HTTPS is invisible.",
        ja: "端末のキャッシュや hosts ファイルにある名前は問い合わせが見えない。HTTPS による名前解決も見えない。",
    },
    advice: Text {
        en: "Let the resolver answer for the host; or set the proxy that resolves names for the client.",
        ja: "リゾルバーがホストを解決できるようにするか、名前を解決するプロキシを設定する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::DnsFailure, |host, v| {
        let name = &host.name;
        let is_silent = host.lookups.iter().any(|l| l.kind != 65 && l.result.at().is_none());
        let is_empty = host.lookups.iter().any(|l| matches!(l.result, LookupResult::Empty { .. }));
        let Message { en: how, ja: how_ja } = match (v.name.rcode, v.detail.icmp) {
            (Some(code), _) => Message::same(crate::verdict::dns::rcode_name(code).to_owned()),
            (None, Some((kind, code, _))) => unreachable(kind, code),
            (None, None) if is_empty && !is_silent => {
                message!(en: "the answer holds no address", ja: "応答にアドレスがない")
            }
            (None, None) => message!(en: "timeout", ja: "タイムアウト"),
        };
        let gave = |l: &&Lookup| matches!(l.result, LookupResult::Addresses { .. } | LookupResult::Cut { .. });
        let served: HashSet<IpAddr> = host.lookups.iter().filter(gave).map(|l| l.resolver.ip()).collect();
        let all_blamed = host.lookups.iter().filter(|l| !gave(l)).all(|l| served.contains(&l.resolver.ip()));
        // One that gave an address is not to blame, unless there is no other.
        let is_blamed = |l: &&Lookup| !gave(l) && (all_blamed || !served.contains(&l.resolver.ip()));
        let mut told = HashSet::new();
        let blamed = host.lookups.iter().filter(is_blamed).map(|l| l.resolver.ip());
        let resolvers: Vec<String> = blamed.filter(|ip| told.insert(*ip)).map(|ip| ip.to_string()).collect();
        let resolvers = resolvers.join(", ");
        let detail = Message {
            en: format!("The resolver {resolvers} gave no address for {name}: {how}."),
            ja: format!("リゾルバー {resolvers} から {name} のアドレスが得られない: {how_ja}。"),
        };

        Words {
            title: Message {
                en: format!("{name} does not resolve ({how})"),
                ja: format!("{name} を解決できない ({how_ja})"),
            },
            detail,
            advice: advice(name, &resolvers, v.name.rcode.is_some() || is_empty),
        }
    })
}

/// What an ICMP error tells of a resolver (RFC 792, RFC 4443).
fn unreachable(kind: u8, code: u8) -> Message {
    match (kind, code) {
        (3, 3) | (1, 4) => message!(
            en: "ICMP {kind}/{code}: no DNS service there",
            ja: "ICMP {kind}/{code}: DNS サービスが動作していない",
        ),
        _ => Message::same(format!("ICMP {kind}/{code}")),
    }
}

/// What to do about an answer without an address, or about a resolver from which nothing comes.
fn advice(name: &str, resolvers: &str, answered: bool) -> Message {
    let mut advice = if answered {
        message!(
            en: "Make {name} resolvable for this client: check the forwarders and filters of {resolvers}.",
            ja: "この端末から {name} を解決できるようにする ({resolvers} のフォワーダーやフィルターを確認)。",
        )
    } else {
        message!(
            en: "Find out why {resolvers} gives no answer for {name}: whether its DNS service runs, whether UDP and TCP 53 to it are open for this client (VPN and host firewall included), whether it reaches its forwarders, and whether it is the resolver that this network means (ipconfig /all, resolvectl).",
            ja: "{resolvers} から {name} の応答が得られない理由を調べる: DNS サービスの稼働、この端末からの UDP・TCP 53 の許可 (VPN や端末のファイアウォールを含む)、フォワーダーへの到達、このネットワークで使うべきリゾルバーかどうか (ipconfig /all、resolvectl)。",
        )
    };
    advice.push_sentence(message!(
        en: "Where only the proxy may resolve public names, set it for the tool (HTTPS_PROXY).",
        ja: "公開名の解決がプロキシに限られる環境では、ツールにプロキシ (HTTPS_PROXY) を設定する。",
    ));
    advice
}
