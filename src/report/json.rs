//! The JSON report, schema `nettriage.case/1`. Fields are never renamed; new ones are added.

use super::Report;
use crate::finding::{Evidence, Finding};
use crate::lang::Lang;
use crate::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;

/// Schema id of a case.
pub const SCHEMA: &str = "nettriage.case/1";

/// A case as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaseJson {
    /// `nettriage.case/1`.
    pub schema: &'static str,
    /// Version of the tool.
    pub version: &'static str,
    /// The evidence read.
    pub evidence: Vec<EvidenceJson>,
    /// Inputs that gave no result.
    pub unread: Vec<UnreadJson>,
    /// The answer.
    pub diagnosis: DiagnosisJson,
    /// Hosts.
    pub hosts: Vec<HostJson>,
    /// Findings.
    pub findings: Vec<FindingJson>,
    /// Sign-in attempts as logs tell them.
    pub attempts: Vec<AttemptJson>,
    /// What happened when.
    pub timeline: Vec<TimelineJson>,
    /// What evidence would settle more.
    pub missing: Vec<String>,
    /// Date of the knowledge tables.
    pub knowledge_date: String,
}

/// One piece of evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceJson {
    /// Path as given.
    pub path: String,
    /// `capture`, `debug_log`, `signin_log`, `system_info`, `key_log`.
    pub kind: &'static str,
    /// `pcap`, `pcapng`, `etl_ndis`, `etl_pktmon`, `etl`, `netmon`, or the dialect of a log.
    pub format: String,
    /// Container around it.
    pub container: Option<&'static str>,
    /// Bytes.
    pub bytes: u64,
    /// Frames, or lines of a log.
    pub frames: u64,
    /// Copies left out.
    pub duplicates: u64,
    /// Ordinary flows of a large capture that went as one before them: counted in `connections`, not listed.
    pub flows_counted: u64,
    /// RFC 3339, UTC, nanoseconds.
    pub first_time: Option<String>,
    /// RFC 3339, UTC, nanoseconds.
    pub last_time: Option<String>,
    /// Milliseconds added to its clock to match the capture.
    pub clock_offset_ms: Option<i64>,
    /// Problems met.
    pub problems: Vec<ProblemJson>,
}

/// A problem met.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProblemJson {
    /// Stable code.
    pub code: &'static str,
    /// How often.
    pub count: u64,
    /// In words.
    pub message: String,
    /// First frame concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_frame: Option<u64>,
    /// Byte offset of the first place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// An input without a result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnreadJson {
    /// Path.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosisJson {
    /// `network_fault`, `no_network_fault`, `insufficient_evidence`.
    pub outcome: &'static str,
    /// The host that stopped the sign-in.
    pub root_cause: Option<RootCauseJson>,
    /// In words.
    pub text: String,
    /// What to do next.
    pub next_step: String,
}

/// The host that stopped the sign-in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RootCauseJson {
    /// Its name.
    pub host: String,
    /// Verdict.
    pub verdict: &'static str,
    /// Index into findings.
    pub finding: usize,
}

/// One host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostJson {
    /// Name or address.
    pub name: String,
    /// `service`, `proxy`, `dns_server`, `other`.
    pub role: &'static str,
    /// What the service is for.
    pub service: Option<String>,
    /// Needed for the sign-in.
    pub required: Option<bool>,
    /// Verdict.
    pub verdict: &'static str,
    /// Verdicts on other ways to it.
    pub also: Vec<&'static str>,
    /// `observed` or `inferred`.
    pub confidence: &'static str,
    /// `1.0` to `1.3`.
    pub client_tls_max: Option<&'static str>,
    /// `1.0` to `1.3`.
    pub negotiated_tls: Option<&'static str>,
    /// `host:port`.
    pub proxy: Option<String>,
    /// Addresses.
    pub addresses: Vec<String>,
    /// Counts.
    pub connections: ConnectionsJson,
    /// Leaf certificate.
    pub certificate: Option<CertificateJson>,
    /// Processes that asked for it.
    pub processes: Vec<String>,
    /// Seconds lost before it worked.
    pub delay_seconds: Option<f64>,
    /// Proof.
    pub evidence: Vec<EvidenceRefJson>,
    /// Wireshark display filter.
    pub filter: String,
}

/// Connection counts of a host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConnectionsJson {
    /// Tried.
    pub attempted: u32,
    /// Answered by a SYN-ACK.
    pub established: u32,
    /// Failed.
    pub failed: u32,
}

/// A certificate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CertificateJson {
    /// RFC 4514 text.
    pub subject: String,
    /// RFC 4514 text.
    pub issuer: String,
    /// RFC 3339.
    pub not_before: String,
    /// RFC 3339.
    pub not_after: String,
    /// SHA-256 of the DER.
    pub sha256: String,
    /// Interceptor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
}

/// A place in the evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceRefJson {
    /// Path of the evidence.
    pub capture: String,
    /// Frame (captures) or line (logs).
    pub frame: Option<u64>,
    /// tcp.stream or udp.stream.
    pub stream: Option<u32>,
    /// RFC 3339.
    pub time: Option<String>,
    /// What is seen there.
    pub text: String,
}

/// A finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingJson {
    /// Stable code.
    pub code: &'static str,
    /// `critical`, `warning`, `info`.
    pub severity: &'static str,
    /// `observed` or `inferred`.
    pub confidence: &'static str,
    /// Host concerned.
    pub host: Option<String>,
    /// Verdict it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// One line.
    pub title: String,
    /// What was seen and why that means what it says.
    pub detail: String,
    /// What would change it.
    pub doubt: String,
    /// What to do.
    pub advice: String,
    /// Proof.
    pub evidence: Vec<EvidenceRefJson>,
    /// Wireshark display filter.
    pub filter: String,
}

/// A sign-in attempt of a log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AttemptJson {
    /// Command and arguments without secrets.
    pub command: String,
    /// Versions named.
    pub versions: Vec<String>,
    /// RFC 3339.
    pub start: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// Main events.
    pub events: Vec<EvidenceRefJson>,
}

/// An entry of the timeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimelineJson {
    /// RFC 3339.
    pub time: String,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// `dns`, `tcp`, `tls`, `http`, `log`, `system`.
    pub lane: &'static str,
    /// Host concerned.
    pub host: Option<String>,
    /// Went well.
    pub good: Option<bool>,
    /// In words.
    pub text: String,
    /// Where.
    pub evidence: EvidenceRefJson,
}

/// The report as a JSON value in one language.
pub fn case(report: &Report, lang: Lang) -> CaseJson {
    let time = |t: crate::time::Timestamp| t.to_string();
    CaseJson {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        evidence: report
            .evidence
            .iter()
            .map(|e| EvidenceJson {
                path: e.path.clone(),
                kind: e.kind,
                format: e.format.clone(),
                container: e.container,
                bytes: e.bytes,
                frames: e.frames,
                duplicates: e.duplicates,
                flows_counted: e.counted,
                first_time: e.first_time.map(time),
                last_time: e.last_time.map(time),
                clock_offset_ms: e.clock_offset_ms,
                problems: e
                    .problems
                    .iter()
                    .map(|p| ProblemJson {
                        code: p.code,
                        count: p.count,
                        message: p.message.get(lang).to_owned(),
                        first_frame: p.first_frame,
                        offset: p.offset,
                    })
                    .collect(),
            })
            .collect(),
        unread: report
            .unread
            .iter()
            .map(|(path, reason)| UnreadJson { path: path.clone(), reason: reason.get(lang).to_owned() })
            .collect(),
        diagnosis: DiagnosisJson {
            outcome: report.diagnosis.outcome.code(),
            root_cause: report.diagnosis.root_cause.as_ref().map(|r| RootCauseJson {
                host: r.host.clone(),
                verdict: r.verdict.code(),
                finding: r.finding,
            }),
            text: report.diagnosis.text.get(lang).to_owned(),
            next_step: report.diagnosis.next_step.get(lang).to_owned(),
        },
        hosts: report.hosts.iter().map(|h| host(h, lang)).collect(),
        findings: report.findings.iter().map(|f| finding(f, lang)).collect(),
        attempts: report
            .attempts
            .iter()
            .map(|a| AttemptJson {
                command: a.command.clone(),
                versions: a.versions.clone(),
                start: a.start.map(time),
                outcome: a.outcome.get(lang).to_owned(),
                events: refs(&a.events, lang),
            })
            .collect(),
        timeline: report
            .timeline
            .iter()
            .map(|t| TimelineJson {
                time: time(t.time),
                end: t.end.map(time),
                lane: t.lane.code(),
                host: t.host.clone(),
                good: t.good,
                text: t.text.get(lang).to_owned(),
                evidence: reference(&t.evidence, lang),
            })
            .collect(),
        missing: report.missing.iter().map(|m| m.get(lang).to_owned()).collect(),
        knowledge_date: report.knowledge_date.clone(),
    }
}

fn host(h: &super::HostReport, lang: Lang) -> HostJson {
    HostJson {
        name: h.name.clone(),
        role: h.role.code(),
        service: h.service.as_ref().map(|s| s.get(lang).to_owned()),
        required: h.required,
        verdict: h.verdict.code(),
        also: h.also.iter().map(|v| v.code()).collect(),
        confidence: h.confidence.code(),
        client_tls_max: h.client_tls_max,
        negotiated_tls: h.negotiated_tls,
        proxy: h.proxy.clone(),
        addresses: h.addresses.clone(),
        connections: ConnectionsJson {
            attempted: h.connections.0,
            established: h.connections.1,
            failed: h.connections.2,
        },
        certificate: h.certificate.as_ref().map(|c| CertificateJson {
            subject: c.subject.clone(),
            issuer: c.issuer.clone(),
            not_before: c.not_before.to_string(),
            not_after: c.not_after.to_string(),
            sha256: c.sha256.clone(),
            vendor: c.vendor.clone(),
        }),
        processes: h.processes.clone(),
        delay_seconds: h.delay_seconds,
        evidence: refs(&h.evidence, lang),
        filter: h.filter.clone(),
    }
}

fn finding(f: &Finding, lang: Lang) -> FindingJson {
    FindingJson {
        code: f.code,
        severity: f.severity.code(),
        confidence: f.confidence.code(),
        host: f.host.clone(),
        verdict: f.verdict.map(Verdict::code),
        title: f.title.get(lang).to_owned(),
        detail: f.detail.get(lang).to_owned(),
        doubt: f.doubt.get(lang).to_owned(),
        advice: f.advice.get(lang).to_owned(),
        evidence: refs(&f.evidence, lang),
        filter: f.filter.clone(),
    }
}

fn refs(list: &[Evidence], lang: Lang) -> Vec<EvidenceRefJson> {
    list.iter().map(|e| reference(e, lang)).collect()
}

fn reference(e: &Evidence, lang: Lang) -> EvidenceRefJson {
    EvidenceRefJson {
        capture: e.capture.clone(),
        frame: e.frame,
        stream: e.stream,
        time: e.time.map(|t| t.to_string()),
        text: e.text.get(lang).to_owned(),
    }
}

/// JSON in which nothing steers a terminal or hides itself: JSON itself demands escapes for the characters below U+0020
/// only (RFC 8259 section 7), others of that kind may be written as escapes and are. They stand in strings alone.
pub fn harmless(json: String) -> String {
    let tame = |c: char| !c.is_control() && !super::text::is_hidden(c);
    // Reports are mostly ASCII, of which JSON itself leaves one character to escape; the rest is looked at closely.
    let calm_line = |line: &str| line.is_ascii() || line.chars().all(tame);
    if !json.contains('\u{7f}') && json.split('\n').all(calm_line) {
        return json;
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if tame(c) || c == '\n' {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// The JSON Schema of [`CaseJson`], as committed in the repository.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(CaseJson).into()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_steers_or_hides_is_escaped_and_means_the_same() {
        let text = "a\u{9b}31m\u{202e}b\u{e0041}\u{7f}\u{1b}語";
        let json = harmless(serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""a\u009b31m\u202eb\udb40\udc41\u007f\u001b語""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
