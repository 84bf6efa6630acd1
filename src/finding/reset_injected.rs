//! Resets in a host's name that the host did not send.

use super::words::display_filters;
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::breaker::BreakerKind;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "reset_injected",
    severity: Severity::Warning,
    title: Text {
        en: "A device on the way sends resets in the host's name",
        ja: "経路上の装置がホストを装って RST を送っている",
    },
    meaning: Text {
        en: "The reset does not fit the host's other packets: another distance (TTL), stepped sequence numbers, or data of the host that arrives after it. Devices that read the ClientHello and forbid its name do this. The same distance on several hosts points to one device.",
        ja: "RST がホストの他のパケットと整合しない (TTL による距離の違い、ずらしたシーケンス番号、RST 後に届くホストのデータ)。ClientHello を読み、名前を禁止する装置の動作。複数ホストで距離が同じなら同一の装置と考えられる。",
    },
    blind: Text {
        en: "An injector at the host's own distance cannot be told from the host.",
        ja: "ホストと同じ距離にある注入装置は区別できない。",
    },
    advice: Text {
        en: "Look for the firewall or filter at that distance (traceroute) and allow the hosts there.",
        ja: "その距離にあるファイアウォールやフィルターを traceroute で特定し、ホストを許可する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut hosts = Vec::new();
    let mut evidence = Vec::new();
    let mut hops = Vec::new();
    for (host, v) in context.hosts() {
        let Some(breaker) = v.detail.breaker.as_ref().filter(|b| b.kind == BreakerKind::OnTheWay) else { continue };
        hosts.push(host);
        hops.extend(breaker.hops);
        evidence.extend(context.proof(v));
    }
    if hosts.is_empty() {
        return Vec::new();
    }
    hops.sort_unstable();
    hops.dedup();
    let distance = hops.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let list = hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ");
    vec![Finding {
        title: message!(en: "Resets in the name of {list} come from a device on the way", ja: "{list} を装った RST が経路上の装置から送られている"),
        detail: message!(
            en: "The resets for {list} come from {distance} hops away (estimated from their TTL), not from the hosts.",
            ja: "{list} への RST は、ホストではなく {distance} ホップ先 (TTL から推定) の装置から届いている。",
        ),
        evidence,
        filter: display_filters(context.case, hosts),
        ..RULE.finding()
    }]
}
