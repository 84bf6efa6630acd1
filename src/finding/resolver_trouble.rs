//! A resolver fails or stays silent, though names resolve in the end.

use super::{Context, Finding, Rule, Severity};
use crate::case::LookupResult;
use crate::lang::Text;
use crate::message;
use crate::verdict::Proof;
use std::collections::BTreeMap;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "resolver_trouble",
    severity: Severity::Info,
    title: Text {
        en: "A resolver fails, though names resolve in the end",
        ja: "名前は解決できるが、応答しないリゾルバーがある",
    },
    meaning: Text {
        en: "One of the client's resolvers answers with errors or not at all; another one answers later. It costs time with every new name.",
        ja: "端末のリゾルバーの 1 つがエラーや無応答で、別のリゾルバーが後から応答している。新しい名前のたびに時間がかかる。",
    },
    blind: Text {
        en: "A single lost question looks the same.", ja: "1 回だけ失われた問い合わせも同じに見える。"
    },
    advice: Text {
        en: "Remove the failing resolver from the client's settings or repair it.",
        ja: "失敗しているリゾルバーを端末の設定から外すか修復する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut by_resolver: BTreeMap<std::net::IpAddr, (Vec<super::Evidence>, bool)> = BTreeMap::new();
    for (host, v) in context.hosts() {
        let Some((_, first)) = v.name.trouble else { continue };
        let Some(lookup) = host.lookups.get(first) else { continue };
        let Some(at) = lookup.asked.first() else { continue };
        let silent = matches!(lookup.result, LookupResult::Unanswered { .. });
        let proof = Proof::new(*at, message!(en: "question for {}", ja: "{} の問い合わせ", lookup.name));
        let entry = by_resolver.entry(lookup.resolver.ip()).or_default();
        entry.0.push(context.evidence(lookup.piece, Some(lookup.stream), &proof));
        entry.1 |= silent;
    }
    by_resolver
        .into_iter()
        .map(|(resolver, (evidence, silent))| {
            let count = evidence.len();
            let (en, ja) = if silent {
                ("stays silent", "応答しない")
            } else {
                ("answers with errors", "エラーを返す")
            };
            Finding {
                title: crate::lang::Message {
                    en: format!("The resolver {resolver} {en}"),
                    ja: format!("リゾルバー {resolver} が{ja}"),
                },
                detail: crate::lang::Message {
                    en: format!("{resolver} {en} for {count} names that resolved later."),
                    ja: format!("後で解決できた {count} 個の名前について、{resolver} は{ja}。"),
                },
                evidence,
                ..RULE.finding()
            }
        })
        .collect()
}
