//! Old TLS versions on hosts that the sign-in does not need.

use super::{Context, Finding, Rule, Severity};
use crate::case::Role;
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "old_tls_elsewhere",
    severity: Severity::Info,
    title: Text {
        en: "TLS 1.0/1.1 on hosts outside the sign-in", ja: "サインインと無関係なホストでの TLS 1.0/1.1"
    },
    meaning: Text {
        en: "Printers, intranet servers and old programs still speak TLS 1.0/1.1. It has nothing to do with this sign-in.",
        ja: "プリンター、社内サーバー、古いプログラムが TLS 1.0/1.1 を使っている。このサインインとは関係がない。",
    },
    blind: Text {
        en: "A federation server outside the known names would be listed here.",
        ja: "既知の名前に当てはまらないフェデレーション サーバーがここに含まれることがある。",
    },
    advice: Text { en: "Nothing to do for the sign-in.", ja: "サインインのための対処は不要。" },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let hosts: Vec<_> =
        context.hosts().filter(|(h, v)| h.role == Role::Other && v.verdict == Verdict::TlsLegacy).collect();
    if hosts.is_empty() {
        return Vec::new();
    }
    let list = hosts.iter().map(|(h, _)| h.name.as_str()).collect::<Vec<_>>().join(", ");
    vec![Finding {
        title: message!(en: "Old TLS outside the sign-in: {list}", ja: "サインイン以外での古い TLS: {list}"),
        detail: message!(en: "These hosts use TLS 1.0/1.1 and are not part of the sign-in: {list}.", ja: "次のホストは TLS 1.0/1.1 を使うが、サインインには関わらない: {list}。"),
        evidence: hosts.iter().flat_map(|(_, v)| context.proof(v)).collect(),
        ..RULE.finding()
    }]
}
