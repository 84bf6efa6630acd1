//! The name resolved to an address that cannot be the service.

use super::words::{Words, for_hosts, tell_addresses};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "dns_sinkhole",
    severity: Severity::Critical,
    title: Text {
        en: "The name resolves to an address that cannot be the service",
        ja: "名前がサービスではないアドレスに解決されている",
    },
    meaning: Text {
        en: "The resolver answered with an unspecified, loopback or private address for a public service, or with the address of a known block page: a DNS filter points the name to nowhere or to a block page. A private endpoint (a CNAME through a privatelink zone) is not counted.",
        ja: "公開サービスの名前に対して、未指定・ループバック・プライベート アドレス、または既知のブロック ページのアドレスが返された。DNS フィルターが名前を無効な宛先やブロック ページに向けている。プライベート エンドポイント (privatelink ゾーンの CNAME) は除く。",
    },
    blind: Text {
        en: "A forged public address (of a block page on the internet) is only told by what answers there.",
        ja: "公開アドレスへの偽装 (インターネット上のブロック ページ) は、そこでの応答からしか判別できない。",
    },
    advice: Text {
        en: "Remove the host from the DNS filter, or correct the split DNS zone.",
        ja: "DNS フィルターからホストを除外するか、スプリット DNS のゾーンを修正する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::DnsSinkhole, |host, v| {
        let name = &host.name;
        let addresses = tell_addresses(if v.name.sunk.is_empty() { &v.name.addresses } else { &v.name.sunk });
        let mut detail = message!(en: "The resolver says that {name} is {addresses}, which cannot be the service.", ja: "リゾルバーは {name} を {addresses} と回答しているが、これはサービスのアドレスではあり得ない。");
        if let Some(product) = crate::verdict::dns::block_page(host, &v.name.addresses) {
            detail.en.push_str(&format!(" There stands the block page of: {product}."));
            detail.ja.push_str(&format!("これは次の製品のブロック ページの宛先: {product}。"));
        }
        Words {
            title: message!(en: "{name} resolves to {addresses}", ja: "{name} が {addresses} に解決される"),
            detail,
            advice: message!(en: "Take {name} off the DNS filter or correct the zone in the resolver that gave the answer; then flush the client's cache (ipconfig /flushdns).", ja: "回答したリゾルバーの DNS フィルターから {name} を除外するかゾーンを修正し、端末のキャッシュを消去する (ipconfig /flushdns)。"),
        }
    })
}
