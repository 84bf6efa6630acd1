//! The comparison as JSON, schema id `nettriage.diff/1`. Fields are never renamed; new ones are added.

use super::compare::{Diff, FindingSeen, Side};
use crate::lang::Lang;
use crate::report::json_text::{self, Layout};
use serde::Serialize;

/// Schema id of a comparison.
const SCHEMA: &str = "nettriage.diff/1";

#[derive(Serialize)]
struct DiffJson<'a> {
    /// `nettriage.diff/1`.
    schema: &'static str,
    /// Version of the tool.
    version: &'static str,
    /// The working case.
    good: SideJson<'a>,
    /// The failing case.
    bad: SideJson<'a>,
    /// The answer in sentences, the most telling first.
    answer: Vec<&'a str>,
    /// Hosts that differ, the most telling first.
    hosts: Vec<HostJson<'a>>,
    /// Names of hosts without a difference.
    same_hosts: &'a [String],
    /// Findings of the failing case alone, most severe first.
    findings_only_in_bad: Vec<FindingJson<'a>>,
    /// Findings of the working case alone.
    findings_only_in_good: Vec<FindingJson<'a>>,
    /// Versions of clients that differ, by the logs.
    versions: Vec<VersionJson<'a>>,
}

#[derive(Serialize)]
struct SideJson<'a> {
    /// Paths of the evidence read.
    evidence: &'a [String],
    /// `network_fault`, `no_network_fault`, `insufficient_evidence`.
    outcome: &'static str,
    /// The same in words.
    text: &'a str,
    /// Inputs that gave no result.
    unread: Vec<UnreadJson<'a>>,
}

#[derive(Serialize)]
struct UnreadJson<'a> {
    /// Path.
    path: &'a str,
    /// Why.
    reason: &'a str,
}

#[derive(Serialize)]
struct HostJson<'a> {
    /// Name or address.
    name: &'a str,
    /// Needed for the sign-in.
    required: Option<bool>,
    /// Verdict in the working case; null where the host does not appear.
    good: Option<&'static str>,
    /// Verdict in the failing case; null where the host does not appear.
    bad: Option<&'static str>,
    /// Each difference, the most telling first.
    changes: Vec<ChangeJson<'a>>,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    /// `verdict`, `way`, `issuer`, `tls_offered`, `tls_negotiated`, `resolver`, `round_trip`, `first_answer`, `addresses`.
    kind: &'static str,
    /// In the working case, in words.
    good: &'a str,
    /// In the failing case, in words.
    bad: &'a str,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    /// Stable code.
    code: &'static str,
    /// `critical`, `warning`, `info`.
    severity: &'static str,
    /// Host concerned.
    host: Option<&'a str>,
    /// One line.
    title: &'a str,
}

#[derive(Serialize)]
struct VersionJson<'a> {
    /// Of what.
    name: &'a str,
    /// In the working case.
    good: &'a str,
    /// In the failing case.
    bad: &'a str,
}

/// The comparison as JSON.
pub(super) fn render(diff: &Diff, lang: Lang, layout: Layout) -> String {
    let json = DiffJson {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        good: side(&diff.good, lang),
        bad: side(&diff.bad, lang),
        answer: diff.answer.iter().map(|m| m.get(lang)).collect(),
        hosts: diff
            .hosts
            .iter()
            .map(|h| HostJson {
                name: &h.name,
                required: h.required,
                good: h.good.map(|v| v.code()),
                bad: h.bad.map(|v| v.code()),
                changes: h
                    .changes
                    .iter()
                    .map(|c| ChangeJson { kind: c.kind.code(), good: c.good.get(lang), bad: c.bad.get(lang) })
                    .collect(),
            })
            .collect(),
        same_hosts: &diff.same,
        findings_only_in_bad: findings(&diff.only_bad, lang),
        findings_only_in_good: findings(&diff.only_good, lang),
        versions: diff
            .versions
            .iter()
            .map(|(name, good, bad)| VersionJson { name: name.get(lang), good, bad })
            .collect(),
    };
    json_text::text(&json, layout)
}

fn side(side: &Side, lang: Lang) -> SideJson<'_> {
    let unread = side.unread.iter().map(|(path, reason)| UnreadJson { path, reason: reason.get(lang) }).collect();
    SideJson { evidence: &side.evidence, outcome: side.outcome.code(), text: side.text.get(lang), unread }
}

fn findings(list: &[FindingSeen], lang: Lang) -> Vec<FindingJson<'_>> {
    list.iter()
        .map(|f| FindingJson {
            code: f.code,
            severity: f.severity.code(),
            host: f.host.as_deref(),
            title: f.title.get(lang),
        })
        .collect()
}
