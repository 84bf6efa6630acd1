//! The name resolved to an address that cannot be the service.

use super::words::{Words, for_hosts, tell_addresses};
use super::{Context, Finding, Rule, Severity};
use crate::case::HostStory;
use crate::knowledge;
use crate::knowledge::address_ranges::SyntheticRange;
use crate::lang::Text;
use crate::message;
use crate::verdict::{HostVerdict, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "dns_sinkhole",
    severity: Severity::Critical,
    title: Text {
        en: "The name resolves to an address that cannot be the service",
        ja: "名前がサービスではないアドレスに解決されている",
    },
    meaning: Text {
        en: "The resolver answered with an unspecified, loopback or private address for a public service, or with the address of a known block page: a DNS filter points the name to nowhere or to a block page. A private endpoint (a CNAME chain that ends in a privatelink zone, or leads from one to a name of your own) is not counted.",
        ja: "公開サービスの名前に対して、未指定・ループバック・プライベート アドレス、または既知のブロック ページのアドレスが返された。DNS フィルターが名前を無効な宛先やブロック ページに向けている。プライベート エンドポイント (CNAME が privatelink ゾーンで終わるか、そこから自組織の名前に続くもの) は除く。",
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
        if let Some(made_up) = made_up(v) {
            return agents(host, v, made_up, &addresses);
        }
        let mut detail = message!(en: "The resolver says that {name} is {addresses}, which cannot be the service.", ja: "リゾルバーは {name} を {addresses} と回答しているが、これはサービスのアドレスではあり得ない。");
        if let Some(product) = crate::verdict::dns::block_page(host, &v.name.addresses) {
            detail.push(message!(
                en: " There stands the block page of: {product}.",
                ja: "これは次の製品のブロック ページの宛先: {product}。",
            ));
        }
        Words {
            title: message!(en: "{name} resolves to {addresses}", ja: "{name} が {addresses} に解決される"),
            detail,
            advice: message!(en: "Take {name} off the DNS filter or correct the zone in the resolver that gave the answer; then flush the client's cache (ipconfig /flushdns).", ja: "回答したリゾルバーの DNS フィルターから {name} を除外するかゾーンを修正し、端末のキャッシュを消去する (ipconfig /flushdns)。"),
        }
    })
}

/// The range of an agent on the client that holds all addresses of the name.
fn made_up(v: &HostVerdict) -> Option<&'static SyntheticRange> {
    let mut ranges = v.name.addresses.iter().map(|address| knowledge::synthetic_range(*address));
    let first = ranges.next()??;
    ranges.all(|range| range.is_some_and(|range| range.product == first.product)).then_some(first)
}

/// An agent on the client answered in the resolver's place, and what it was to carry failed: no filter made that address.
fn agents(host: &HostStory, v: &HostVerdict, range: &SyntheticRange, addresses: &str) -> Words {
    let (name, product, meaning) = (&host.name, range.product, range.meaning);
    let (meaning_en, meaning_ja) = (meaning.en, meaning.ja);
    let mut detail = message!(
        en: "No public service has that address: {meaning_en}.",
        ja: "公開サービスのアドレスではない: {meaning_ja}。",
    );
    if let Some(Text { en, ja }) = v.also.first().map(|failed| failed.title()) {
        detail.push(message!(en: " What went there failed: {en}.", ja: "そこへの通信は失敗している: {ja}。"));
    }
    Words {
        title: message!(en: "{name} resolves to {addresses}, an address of: {product}", ja: "{name} が合成アドレス {addresses} に解決される: {product}"),
        detail,
        advice: message!(
            en: "Look at that agent on the client ({product}) first: whether it runs and is connected, and what its policy says of {name}. Exempt {name} from it, or run the tool where its hooks work (not in WSL or a container).",
            ja: "まず端末上のそのエージェント ({product}) を確認する: 動作・接続状態と、{name} に対するポリシー。{name} を対象から除外するか、仕組みの及ぶ環境 (WSL やコンテナー以外) でツールを実行する。",
        ),
    }
}
