//! DNS answers from an address range that stands for something else.

use super::{Context, Finding, Rule, Severity};
use crate::case::LookupResult;
use crate::knowledge;
use crate::lang::Text;
use crate::message;
use crate::verdict::Proof;
use crate::verdict::log::LogProof;
use std::net::{IpAddr, Ipv4Addr};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "synthetic_address",
    severity: Severity::Info,
    title: Text {
        en: "Names resolve to synthetic addresses", ja: "名前が合成アドレスに解決されている"
    },
    meaning: Text {
        en: "A local client (Global Secure Access, a ZTNA or VPN client, a fake-IP proxy) answers DNS with addresses of its own and swaps them when a connection is made. Traffic that does not pass the client's hooks, as from WSL, then dies.",
        ja: "端末内のクライアント (Global Secure Access、ZTNA や VPN、fake-IP プロキシ) が独自アドレスで DNS に応答し、接続時に差し替えている。WSL など、その仕組みを通らない通信は失敗する。",
    },
    blind: Text {
        en: "Where the connection works, nothing is wrong.", ja: "接続が成功していれば問題はない。"
    },
    advice: Text {
        en: "Where it fails: exempt the sign-in hosts in that client, or run the tool where its hooks work.",
        ja: "失敗している場合は、そのクライアントでサインイン ホストを除外するか、仕組みの及ぶ環境でツールを実行する。",
    },
    check,
};

/// Lines and look-ups shown; more repeat what these say.
const LINES_MAX: usize = 8;

/// IPv4 addresses in a line of a log (`Trying 6.6.0.83:443...`).
fn addresses(text: &str) -> impl Iterator<Item = IpAddr> + '_ {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter_map(|word| word.trim_matches('.').parse::<Ipv4Addr>().ok())
        .map(IpAddr::V4)
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut evidence = Vec::new();
    let mut products: Vec<&str> = Vec::new();
    for lookup in context.case.hosts.iter().flat_map(|h| &h.lookups) {
        let LookupResult::Addresses { at, addresses, .. } = &lookup.result else { continue };
        let Some((address, range)) = addresses.iter().find_map(|a| Some((a, knowledge::synthetic_range(*a)?))) else {
            continue;
        };
        if !products.contains(&range.product) {
            products.push(range.product);
        }
        let proof = Proof::new(*at, message!(en: "{} is {address}", ja: "{} は {address}", lookup.name));
        evidence.push(context.evidence(lookup.piece, Some(lookup.stream), &proof));
    }
    for (piece, log) in context.case.logs() {
        for event in log.attempts.iter().flat_map(|a| &a.events) {
            let Some(range) = addresses(&event.text).find_map(knowledge::synthetic_range) else { continue };
            if !products.contains(&range.product) {
                products.push(range.product);
            }
            if evidence.len() < LINES_MAX {
                evidence.push(context.line(&LogProof::new(piece, event)));
            }
        }
    }
    if evidence.is_empty() {
        return Vec::new();
    }
    let list = products.join(", ");
    vec![Finding {
        title: message!(en: "Names resolve to addresses of: {list}", ja: "次の製品などの合成アドレスに解決されている: {list}"),
        detail: message!(
            en: "DNS answers or addresses in the log lie in a range that is no public service's: {list}.",
            ja: "DNS の応答またはログ中のアドレスが公開サービスのものではない範囲にある: {list}。",
        ),
        evidence,
        ..RULE.finding()
    }]
}
