//! The roll-up as JSON, schema `nettriage.rollup/1`. Fields are never renamed; new ones are added.

use super::{GroupRow, RollUp, Seen};
use crate::lang::Lang;
use crate::report::json_text::{self, Layout};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Schema id of a roll-up.
pub const SCHEMA: &str = "nettriage.rollup/1";

/// A roll-up as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RollUpJson {
    /// `nettriage.rollup/1`.
    schema: &'static str,
    /// Version of the tool.
    version: &'static str,
    /// Counts.
    totals: Totals,
    /// What stopped sign-ins, most cases first.
    causes: Vec<CauseJson>,
    /// Hosts of sign-ins and proxies.
    hosts: Vec<HostJson>,
    /// By client subnet, proxy, egress address, interceptor.
    networks: Vec<GroupJson>,
    /// Devices recognised in more than one case.
    devices: Vec<GroupJson>,
    /// Clients of TLS 1.1 at most.
    legacy_tls: Vec<LegacyJson>,
    /// Cases that could not be judged.
    undecided: Vec<UndecidedJson>,
    /// All cases.
    cases: Vec<CaseJson>,
    /// Inputs that could not be read.
    unread: Vec<InputJson>,
    /// Inputs that are no evidence of their own.
    unused: Vec<InputJson>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Totals {
    cases: usize,
    network_fault: usize,
    no_network_fault: usize,
    insufficient_evidence: usize,
    failed: usize,
    files: usize,
    bytes: u64,
    frames: u64,
    first_time: Option<String>,
    last_time: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SeenJson {
    count: usize,
    cases: Vec<String>,
    first_time: Option<String>,
    last_time: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CauseJson {
    host: String,
    verdict: &'static str,
    seen: SeenJson,
}

#[derive(Debug, Serialize, JsonSchema)]
struct HostJson {
    name: String,
    role: String,
    faults: usize,
    verdicts: BTreeMap<&'static str, usize>,
    seen: SeenJson,
}

#[derive(Debug, Serialize, JsonSchema)]
struct GroupJson {
    kind: String,
    label: String,
    network_faults: usize,
    hosts: Vec<CountJson>,
    seen: SeenJson,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CountJson {
    host: String,
    cases: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LegacyJson {
    version: String,
    ja3: String,
    ja4: String,
    process: String,
    hosts: Vec<String>,
    seen: SeenJson,
}

#[derive(Debug, Serialize, JsonSchema)]
struct UndecidedJson {
    case: String,
    failed: bool,
    reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct CaseJson {
    name: String,
    /// Word of the contract, or `failed`.
    outcome: String,
    root_cause: Option<RootJson>,
    text: String,
    severity: Option<String>,
    first_time: Option<String>,
    last_time: Option<String>,
    bytes: u64,
    frames: u64,
    files: Vec<String>,
    reports: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct RootJson {
    host: String,
    verdict: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct InputJson {
    case: String,
    path: String,
    reason: String,
}

/// The roll-up in one language.
pub fn render(rollup: &RollUp, lang: Lang) -> String {
    json_text::text(&value(rollup, lang), Layout::Pretty)
}

fn value(rollup: &RollUp, lang: Lang) -> RollUpJson {
    let span = rollup.span();
    let input = |(case, path, reason): (&str, &str, &crate::lang::Message)| InputJson {
        case: case.to_owned(),
        path: path.to_owned(),
        reason: reason.get(lang).to_owned(),
    };
    RollUpJson {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        totals: Totals {
            cases: rollup.cases.len(),
            network_fault: rollup.outcomes("network_fault"),
            no_network_fault: rollup.outcomes("no_network_fault"),
            insufficient_evidence: rollup.outcomes("insufficient_evidence"),
            failed: rollup.failed(),
            files: rollup.cases.iter().map(|c| c.files.len()).sum::<usize>() + rollup.skipped.len(),
            bytes: rollup.cases.iter().map(|c| c.bytes).sum(),
            frames: rollup.cases.iter().map(|c| c.frames).sum(),
            first_time: span.map(|(first, _)| first.to_string()),
            last_time: span.map(|(_, last)| last.to_string()),
        },
        causes: rollup
            .causes
            .iter()
            .map(|c| CauseJson { host: c.host.clone(), verdict: c.verdict.code(), seen: seen(&c.seen) })
            .collect(),
        hosts: rollup
            .hosts
            .iter()
            .map(|h| HostJson {
                name: h.name.clone(),
                role: h.role.clone(),
                faults: h.faults,
                verdicts: h.verdicts.iter().map(|(v, n)| (v.code(), *n)).collect(),
                seen: seen(&h.seen),
            })
            .collect(),
        networks: rollup.networks.iter().map(group).collect(),
        devices: rollup.devices.iter().map(group).collect(),
        legacy_tls: rollup
            .legacy
            .iter()
            .map(|l| LegacyJson {
                version: l.client.version.clone(),
                ja3: l.client.ja3.clone(),
                ja4: l.client.ja4.clone(),
                process: l.client.process.clone(),
                hosts: l.hosts.clone(),
                seen: seen(&l.seen),
            })
            .collect(),
        undecided: rollup
            .undecided()
            .map(|(c, reason)| UndecidedJson {
                case: c.name.clone(),
                failed: c.failed,
                reason: reason.get(lang).to_owned(),
            })
            .collect(),
        cases: rollup
            .cases
            .iter()
            .map(|c| CaseJson {
                name: c.name.clone(),
                outcome: if c.failed { "failed".to_owned() } else { c.outcome.clone() },
                root_cause: c.root.clone().map(|(host, verdict)| RootJson { host, verdict }),
                text: c.text.get(lang).to_owned(),
                severity: c.severity.clone(),
                first_time: c.first.map(time),
                last_time: c.last.map(time),
                bytes: c.bytes,
                frames: c.frames,
                files: c.files.clone(),
                reports: c.reports.clone(),
            })
            .collect(),
        unread: rollup.unread().map(input).collect(),
        unused: rollup.unused().map(input).collect(),
    }
}

fn time(nanos: i64) -> String {
    crate::time::Timestamp(nanos).to_string()
}

fn seen(seen: &Seen) -> SeenJson {
    SeenJson {
        count: seen.cases.len(),
        cases: seen.cases.clone(),
        first_time: seen.first.map(|t| t.to_string()),
        last_time: seen.last.map(|t| t.to_string()),
    }
}

fn group(row: &GroupRow) -> GroupJson {
    GroupJson {
        kind: row.kind.clone(),
        label: row.label.clone(),
        network_faults: row.faults,
        hosts: row.hosts.iter().map(|(host, cases)| CountJson { host: host.clone(), cases: *cases }).collect(),
        seen: seen(&row.seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roll_up_is_json_with_all_its_parts() {
        let text = render(&super::super::tests::sample(), Lang::En);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["schema"], SCHEMA);
        assert_eq!(value["totals"]["network_fault"], 2);
        assert_eq!(value["causes"][0]["verdict"], "refused");
        assert_eq!(value["cases"][3]["outcome"], "failed");
        assert_eq!(value["unused"][0]["path"], "@notes");
    }
}
