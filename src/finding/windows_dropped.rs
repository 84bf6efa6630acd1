//! Windows itself dropped packets (PktMon).

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Proof;
use std::collections::{BTreeMap, HashSet};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "windows_dropped",
    severity: Severity::Info,
    title: Text { en: "Windows itself dropped packets", ja: "Windows 自身がパケットを破棄している" },
    meaning: Text {
        en: "PktMon recorded drops inside Windows, with the component and its reason: a local firewall, a filter driver, IPsec, or ordinary noise such as packets for others. Drops of a connection to a host of the sign-in are a fault of this machine, not of the network.",
        ja: "PktMon が Windows 内部での破棄を、コンポーネントと理由とともに記録している (ローカル ファイアウォール、フィルター ドライバー、IPsec、または他宛てパケットなどの通常のノイズ)。サインイン先との接続での破棄は、ネットワークではなくこの端末の問題。",
    },
    blind: Text {
        en: "Most drops are harmless: look at those that belong to a host.",
        ja: "多くの破棄は無害。ホストに関わるものに注目する。",
    },
    advice: Text {
        en: "Look at the local firewall and at filter drivers (VPN, antivirus) named as component.",
        ja: "コンポーネントとして示されたローカル ファイアウォールやフィルター ドライバー (VPN、ウイルス対策) を確認する。",
    },
    check,
};

/// Kinds of drops listed in one finding.
const KINDS_SHOWN: usize = 8;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut kinds: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut evidence = Vec::new();
    let mut hit = false;
    let at_fault: HashSet<(usize, usize)> = context
        .hosts()
        .filter(|(h, v)| v.verdict.is_fault() && h.required == Some(true))
        .flat_map(|(h, _)| h.attempts.iter().map(|a| (a.piece, a.flow)))
        .collect();
    for (piece, capture) in context.case.captures() {
        for drop in &capture.drops {
            *kinds.entry((&drop.component, &drop.reason)).or_default() += 1;
            let flow = drop.flow.filter(|flow| at_fault.contains(&(piece, *flow)));
            if let Some(flow) = flow.and_then(|f| capture.flows.get(f)) {
                hit = true;
                let proof = Proof::new(
                    drop.at,
                    message!(en: "dropped by {}: {}", ja: "{} が破棄: {}", drop.component, drop.reason),
                );
                evidence.push(context.evidence(piece, Some(flow.stream), &proof));
            }
        }
    }
    let total: u64 = kinds.values().sum();
    if total == 0 {
        return Vec::new();
    }
    let mut sorted: Vec<_> = kinds.into_iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let list: Vec<String> = sorted
        .iter()
        .take(KINDS_SHOWN)
        .map(|((component, reason), n)| format!("{n} × {component}: {reason}"))
        .collect();
    let list = list.join("; ");
    vec![Finding {
        severity: if hit { Severity::Critical } else { RULE.severity },
        title: message!(en: "Windows dropped {total} packets", ja: "Windows が {total} 個のパケットを破棄"),
        detail: message!(en: "{list}.", ja: "{list}。"),
        evidence,
        ..RULE.finding()
    }]
}
