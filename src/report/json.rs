//! The JSON report, schema `nettriage.case/1`. Fields are never renamed; new ones are added.

use super::Report;
use crate::finding::{Evidence, Finding};
use crate::lang::Lang;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Schema id of a case.
pub const SCHEMA: &str = "nettriage.case/1";

/// A case as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaseJson<'a> {
    /// `nettriage.case/1`.
    pub schema: &'static str,
    /// Version of the tool.
    pub version: &'static str,
    /// The evidence read.
    pub evidence: Vec<EvidenceJson<'a>>,
    /// Inputs that gave no result.
    pub unread: Vec<UnreadJson<'a>>,
    /// The answer.
    pub diagnosis: DiagnosisJson<'a>,
    /// Hosts.
    pub hosts: Vec<HostJson<'a>>,
    /// Findings.
    pub findings: Vec<FindingJson<'a>>,
    /// Sign-in attempts as logs tell them.
    pub attempts: Vec<AttemptJson<'a>>,
    /// What happened when.
    pub timeline: Vec<TimelineJson<'a>>,
    /// What evidence would settle more.
    pub missing: Vec<&'a str>,
    /// Date of the knowledge tables.
    pub knowledge_date: &'a str,
}

/// One piece of evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceJson<'a> {
    /// Path as given.
    pub path: &'a str,
    /// `capture`, `debug_log`, `signin_log`, `system_info`, `key_log`.
    pub kind: &'static str,
    /// `pcap`, `pcapng`, `etl_ndis`, `etl_pktmon`, `etl`, `netmon`, or the dialect of a log.
    pub format: &'a str,
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
    pub first_time: Option<Rfc3339>,
    /// RFC 3339, UTC, nanoseconds.
    pub last_time: Option<Rfc3339>,
    /// Milliseconds added to its clock to match the capture.
    pub clock_offset_ms: Option<i64>,
    /// Problems met.
    pub problems: Vec<ProblemJson<'a>>,
}

/// A problem met.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProblemJson<'a> {
    /// Stable code.
    pub code: &'static str,
    /// How often.
    pub count: u64,
    /// In words.
    pub message: &'a str,
    /// First frame concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_frame: Option<u64>,
    /// Byte offset of the first place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// An input without a result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UnreadJson<'a> {
    /// Path.
    pub path: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiagnosisJson<'a> {
    /// `network_fault`, `no_network_fault`, `insufficient_evidence`.
    pub outcome: &'static str,
    /// The host that stopped the sign-in.
    pub root_cause: Option<RootCauseJson<'a>>,
    /// In words.
    pub text: &'a str,
    /// What to do next.
    pub next_step: &'a str,
}

/// The host that stopped the sign-in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RootCauseJson<'a> {
    /// Its name.
    pub host: &'a str,
    /// Verdict.
    pub verdict: &'static str,
    /// Index into findings.
    pub finding: usize,
}

/// One host.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HostJson<'a> {
    /// Name or address.
    pub name: &'a str,
    /// `service`, `proxy`, `dns_server`, `other`.
    pub role: &'static str,
    /// What the service is for.
    pub service: Option<&'a str>,
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
    pub proxy: Option<&'a str>,
    /// Addresses.
    pub addresses: &'a [String],
    /// Counts.
    pub connections: ConnectionsJson,
    /// Leaf certificate.
    pub certificate: Option<CertificateJson<'a>>,
    /// Processes that asked for it.
    pub processes: &'a [String],
    /// Seconds lost before it worked.
    pub delay_seconds: Option<f64>,
    /// Proof.
    pub evidence: Vec<EvidenceRefJson<'a>>,
    /// Wireshark display filter.
    pub filter: &'a str,
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
pub struct CertificateJson<'a> {
    /// RFC 4514 text.
    pub subject: &'a str,
    /// RFC 4514 text.
    pub issuer: &'a str,
    /// RFC 3339.
    pub not_before: Rfc3339,
    /// RFC 3339.
    pub not_after: Rfc3339,
    /// SHA-256 of the DER.
    pub sha256: &'a str,
    /// Interceptor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<&'a str>,
}

/// A place in the evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceRefJson<'a> {
    /// Path of the evidence.
    pub capture: &'a str,
    /// Frame (captures) or line (logs).
    pub frame: Option<u64>,
    /// tcp.stream or udp.stream.
    pub stream: Option<u32>,
    /// RFC 3339.
    pub time: Option<Rfc3339>,
    /// What is seen there.
    pub text: &'a str,
}

/// A finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingJson<'a> {
    /// Stable code.
    pub code: &'static str,
    /// `critical`, `warning`, `info`.
    pub severity: &'static str,
    /// `observed` or `inferred`.
    pub confidence: &'static str,
    /// Host concerned.
    pub host: Option<&'a str>,
    /// Verdict it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    /// One line.
    pub title: &'a str,
    /// What was seen and why that means what it says.
    pub detail: &'a str,
    /// What would change it.
    pub doubt: &'a str,
    /// What to do.
    pub advice: &'a str,
    /// Proof.
    pub evidence: Vec<EvidenceRefJson<'a>>,
    /// Wireshark display filter.
    pub filter: &'a str,
}

/// A sign-in attempt of a log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AttemptJson<'a> {
    /// Command and arguments without secrets.
    pub command: &'a str,
    /// Versions named.
    pub versions: &'a [String],
    /// RFC 3339.
    pub start: Option<Rfc3339>,
    /// How it ended.
    pub outcome: &'a str,
    /// Main events.
    pub events: Vec<EvidenceRefJson<'a>>,
}

/// An entry of the timeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimelineJson<'a> {
    /// RFC 3339.
    pub time: Rfc3339,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Rfc3339>,
    /// `dns`, `tcp`, `tls`, `http`, `log`, `system`.
    pub lane: &'static str,
    /// Host concerned.
    pub host: Option<&'a str>,
    /// Went well.
    pub good: Option<bool>,
    /// In words.
    pub text: &'a str,
    /// Where.
    pub evidence: EvidenceRefJson<'a>,
}

/// A time as RFC 3339, UTC, nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl JsonSchema for Rfc3339 {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// The report as a JSON value in one language.
pub fn case(report: &Report, lang: Lang) -> CaseJson<'_> {
    CaseJson {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        evidence: report
            .evidence
            .iter()
            .map(|e| EvidenceJson {
                path: &e.path,
                kind: e.kind,
                format: &e.format,
                container: e.container,
                bytes: e.bytes,
                frames: e.frames,
                duplicates: e.duplicates,
                flows_counted: e.counted,
                first_time: e.first_time.map(Rfc3339),
                last_time: e.last_time.map(Rfc3339),
                clock_offset_ms: e.clock_offset_ms,
                problems: e
                    .problems
                    .iter()
                    .map(|p| ProblemJson {
                        code: p.code,
                        count: p.count,
                        message: p.message.get(lang),
                        first_frame: p.first_frame,
                        offset: p.offset,
                    })
                    .collect(),
            })
            .collect(),
        unread: report.unread.iter().map(|(path, reason)| UnreadJson { path, reason: reason.get(lang) }).collect(),
        diagnosis: DiagnosisJson {
            outcome: report.diagnosis.outcome.code(),
            root_cause: report.diagnosis.root_cause.as_ref().map(|r| RootCauseJson {
                host: &r.host,
                verdict: r.verdict.code(),
                finding: r.finding,
            }),
            text: report.diagnosis.text.get(lang),
            next_step: report.diagnosis.next_step.get(lang),
        },
        hosts: report.hosts.iter().map(|h| host(h, lang)).collect(),
        findings: report.findings.iter().map(|f| finding(f, lang)).collect(),
        attempts: report
            .attempts
            .iter()
            .map(|a| AttemptJson {
                command: &a.command,
                versions: &a.versions,
                start: a.start.map(Rfc3339),
                outcome: a.outcome.get(lang),
                events: refs(&a.events, lang),
            })
            .collect(),
        timeline: report
            .timeline
            .iter()
            .map(|t| TimelineJson {
                time: Rfc3339(t.time),
                end: t.end.map(Rfc3339),
                lane: t.lane.code(),
                host: t.host.as_deref(),
                good: t.good,
                text: t.text.get(lang),
                evidence: reference(&t.evidence, lang),
            })
            .collect(),
        missing: report.missing.iter().map(|m| m.get(lang)).collect(),
        knowledge_date: &report.knowledge_date,
    }
}

fn host(h: &super::HostReport, lang: Lang) -> HostJson<'_> {
    HostJson {
        name: &h.name,
        role: h.role.code(),
        service: h.service.as_ref().map(|s| s.get(lang)),
        required: h.required,
        verdict: h.verdict.code(),
        also: h.also.iter().map(|v| v.code()).collect(),
        confidence: h.confidence.code(),
        client_tls_max: h.client_tls_max,
        negotiated_tls: h.negotiated_tls,
        proxy: h.proxy.as_deref(),
        addresses: &h.addresses,
        connections: ConnectionsJson {
            attempted: h.connections.0,
            established: h.connections.1,
            failed: h.connections.2,
        },
        certificate: h.certificate.as_ref().map(|c| CertificateJson {
            subject: &c.subject,
            issuer: &c.issuer,
            not_before: Rfc3339(c.not_before),
            not_after: Rfc3339(c.not_after),
            sha256: &c.sha256,
            vendor: c.vendor.as_deref(),
        }),
        processes: &h.processes,
        delay_seconds: h.delay_seconds,
        evidence: refs(&h.evidence, lang),
        filter: &h.filter,
    }
}

fn finding(f: &Finding, lang: Lang) -> FindingJson<'_> {
    FindingJson {
        code: f.code,
        severity: f.severity.code(),
        confidence: f.confidence.code(),
        host: f.host.as_deref(),
        verdict: f.verdict.map(Verdict::code),
        title: f.title.get(lang),
        detail: f.detail.get(lang),
        doubt: f.doubt.get(lang),
        advice: f.advice.get(lang),
        evidence: refs(&f.evidence, lang),
        filter: &f.filter,
    }
}

fn refs(list: &[Evidence], lang: Lang) -> Vec<EvidenceRefJson<'_>> {
    list.iter().map(|e| reference(e, lang)).collect()
}

fn reference(e: &Evidence, lang: Lang) -> EvidenceRefJson<'_> {
    EvidenceRefJson {
        capture: &e.capture,
        frame: e.frame,
        stream: e.stream,
        time: e.time.map(Rfc3339),
        text: e.text.get(lang),
    }
}

/// The JSON Schema of [`CaseJson`], as committed in the repository.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(CaseJson).into()
}
