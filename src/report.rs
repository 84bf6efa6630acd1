//! The report model: what every format prints, in both languages at once.
//!
//! What enters: the case, its verdicts and findings. What leaves: [`Report`], owned values in a fixed order; the
//! formats below pick a language and a layout and add nothing of their own.

pub mod attempts;
pub mod build;
pub mod csv;
pub mod html;
pub mod json;
pub mod json_text;
pub mod markdown;
pub mod path;
pub mod redact;
pub mod text;
pub mod timeline;

use crate::case::Role;
use crate::finding::{Evidence, Finding};
use crate::imprint;
use crate::lang::{Message, Text};
use crate::time::Timestamp;
use crate::verdict::{Confidence, Verdict};

/// The report on one case.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The evidence that was read, in the order given.
    pub evidence: Vec<EvidenceReport>,
    /// The answer.
    pub diagnosis: Diagnosis,
    /// Hosts, worst and most needed first.
    pub hosts: Vec<HostReport>,
    /// Findings, most severe first.
    pub findings: Vec<Finding>,
    /// What happened when, over all lanes.
    pub timeline: Vec<TimelineEntry>,
    /// Sign-in attempts as the logs tell them.
    pub attempts: Vec<AttemptReport>,
    /// The way from the client to the hosts.
    pub path: PathReport,
    /// What evidence is missing, and how to take it.
    pub missing: Vec<Message>,
    /// Pieces of input that gave no result: (path, reason).
    pub unread: Vec<(String, Message)>,
    /// Date of the knowledge tables that the verdicts rest on.
    pub knowledge_date: String,
}

/// One piece of evidence.
#[derive(Debug, Clone, Default)]
pub struct EvidenceReport {
    /// Path as given (`archive!member` inside archives).
    pub path: String,
    /// `capture`, `debug_log`, `signin_log`, `system_info`, `key_log`.
    pub kind: &'static str,
    /// Format word of the contract.
    pub format: String,
    /// `cab`, `zip`, `gz`, `zst`.
    pub container: Option<&'static str>,
    /// Size in bytes.
    pub bytes: u64,
    /// Frames (captures), lines (logs).
    pub frames: u64,
    /// Copies left out.
    pub duplicates: u64,
    /// Ordinary flows that went as one before them and are only counted.
    pub counted: u64,
    /// First and last time.
    pub first_time: Option<Timestamp>,
    /// See `first_time`.
    pub last_time: Option<Timestamp>,
    /// Offset added to this evidence's clock to match the capture's, milliseconds, where one was estimated.
    pub clock_offset_ms: Option<i64>,
    /// Problems met.
    pub problems: Vec<crate::problem::Problem>,
}

/// What the case comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Something in the network stopped the sign-in.
    NetworkFault,
    /// The network did its part.
    NoNetworkFault,
    /// The evidence cannot tell.
    #[default]
    InsufficientEvidence,
}

impl Outcome {
    /// The first words of a report.
    pub fn title(self) -> Text {
        match self {
            Outcome::NetworkFault => imprint::NETWORK_FAULT,
            Outcome::NoNetworkFault => imprint::NO_NETWORK_FAULT,
            Outcome::InsufficientEvidence => imprint::CANNOT_TELL,
        }
    }

    /// The word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            Outcome::NetworkFault => "network_fault",
            Outcome::NoNetworkFault => "no_network_fault",
            Outcome::InsufficientEvidence => "insufficient_evidence",
        }
    }
}

/// The answer, first in every format.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// What it comes to.
    pub outcome: Outcome,
    /// Host, verdict, index of its finding.
    pub root_cause: Option<RootCause>,
    /// One or two sentences: what happened, where, who can fix it.
    pub text: Message,
    /// The next step, down to the allow-list entry or the setting.
    pub next_step: Message,
}

/// The host that stopped the sign-in.
#[derive(Debug, Clone)]
pub struct RootCause {
    /// Name as in [`HostReport::name`].
    pub host: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Index into [`Report::findings`].
    pub finding: usize,
}

/// One host.
#[derive(Debug, Clone, Default)]
pub struct HostReport {
    /// Name, or address where no name was ever seen.
    pub name: String,
    /// What it is to the client.
    pub role: Role,
    /// What the service is for, where it is known.
    pub service: Option<Message>,
    /// Needed for the sign-in.
    pub required: Option<bool>,
    /// What became of it.
    pub verdict: Verdict,
    /// Other verdicts on other ways to it.
    pub also: Vec<Verdict>,
    /// How sure the verdict is.
    pub confidence: Confidence,
    /// Highest TLS version the client offered: `1.0` .. `1.3`.
    pub client_tls_max: Option<&'static str>,
    /// Version negotiated.
    pub negotiated_tls: Option<&'static str>,
    /// `host:port` of the proxy it was reached through.
    pub proxy: Option<String>,
    /// Addresses that stood for it, as text: they may have become placeholders.
    pub addresses: Vec<String>,
    /// Connections tried, established, failed.
    pub connections: (u32, u32, u32),
    /// Leaf certificate seen.
    pub certificate: Option<CertificateReport>,
    /// Processes that asked for it, e.g. `python.exe (PID 4711)`.
    pub processes: Vec<String>,
    /// Proof.
    pub evidence: Vec<Evidence>,
    /// Wireshark display filter over its flows.
    pub filter: String,
    /// Seconds that failures and waiting cost before it worked, where they did.
    pub delay_seconds: Option<f64>,
}

/// A certificate in a report.
#[derive(Debug, Clone, Default)]
pub struct CertificateReport {
    /// RFC 4514 text.
    pub subject: String,
    /// RFC 4514 text.
    pub issuer: String,
    /// Validity.
    pub not_before: Timestamp,
    /// See `not_before`.
    pub not_after: Timestamp,
    /// Product that issued it, where it is no certificate of the host itself.
    pub vendor: Option<String>,
    /// SHA-256 of the DER, hex.
    pub sha256: String,
}

/// Lane of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Name resolution.
    Dns,
    /// Connections.
    Tcp,
    /// TLS.
    Tls,
    /// Proxy and HTTP.
    Http,
    /// Lines of a log.
    Log,
    /// Events and files of the system.
    System,
}

impl Lane {
    /// Word for JSON and HTML.
    pub fn code(self) -> &'static str {
        match self {
            Lane::Dns => "dns",
            Lane::Tcp => "tcp",
            Lane::Tls => "tls",
            Lane::Http => "http",
            Lane::Log => "log",
            Lane::System => "system",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// When it began.
    pub time: Timestamp,
    /// When it ended, where it lasted.
    pub end: Option<Timestamp>,
    /// Lane.
    pub lane: Lane,
    /// Host concerned.
    pub host: Option<String>,
    /// Whether it went well: `Some(false)` failed.
    pub good: Option<bool>,
    /// What happened.
    pub text: Message,
    /// Where to see it.
    pub evidence: Evidence,
}

/// A sign-in attempt as a log tells it.
#[derive(Debug, Clone, Default)]
pub struct AttemptReport {
    /// Command and arguments, without secrets.
    pub command: String,
    /// Tool versions and system, `name version`.
    pub versions: Vec<String>,
    /// When it began, where known.
    pub start: Option<Timestamp>,
    /// How it ended.
    pub outcome: Message,
    /// Its main events, in order.
    pub events: Vec<Evidence>,
}

/// The way from the client to the hosts, for the picture.
#[derive(Debug, Clone, Default)]
pub struct PathReport {
    /// Stations.
    pub nodes: Vec<PathNode>,
    /// Links between stations, by index.
    pub links: Vec<PathLink>,
}

/// A station on the way.
#[derive(Debug, Clone)]
pub struct PathNode {
    /// Name shown.
    pub label: String,
    /// Second line (address, vendor).
    pub detail: String,
    /// What it is.
    pub kind: PathNodeKind,
}

/// What a station is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathNodeKind {
    /// The client machine.
    Client,
    /// A resolver.
    Resolver,
    /// An explicit proxy.
    Proxy,
    /// An appliance that showed itself on the way (interceptor, injector, ICMP sender).
    Appliance,
    /// A host.
    Host,
}

/// A link of the way.
#[derive(Debug, Clone)]
pub struct PathLink {
    /// Index into nodes.
    pub from: usize,
    /// Index into nodes.
    pub to: usize,
    /// Verdict on it; `Ok` when it worked.
    pub verdict: Verdict,
    /// What is written on it.
    pub text: Message,
}
