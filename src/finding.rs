//! Findings: what deserves a person's attention, each a rule in a file of its own.
//!
//! What enters: the case and the verdicts on its hosts. What leaves: [`Finding`]s, most severe first. A rule is data
//! ([`Rule`]) with its texts in both languages; `nettriage explain` shows the same texts.

mod block_page;
mod broken_after_handshake;
mod broker_failed;
mod ca_bundle_broken;
mod ca_not_trusted;
mod captive_portal;
mod capture_incomplete;
mod cert_invalid;
mod clock_skew;
mod closed_before_server_hello;
mod conditional_access;
mod degraded;
mod devices;
mod dns_failure;
mod dns_sinkhole;
mod empty_trace;
mod ended_by_client;
mod entra_refused;
mod entra_tls_retired;
mod error_elsewhere;
mod evidence_apart;
mod icmp_unreachable;
mod inconclusive;
mod inspection_ca_malformed;
mod intercepted;
mod interception_suspected;
mod issuer_not_listed;
mod local_identity;
mod log_clock;
mod log_clock_offset;
mod log_contradicts_capture;
mod log_other;
mod log_without_traffic;
pub(crate) mod logs;
mod loopback_through_proxy;
mod management_after_token;
mod module_version;
mod no_entra_traffic;
mod old_tls_elsewhere;
mod one_client_fails;
mod portal;
mod proxy_auth_required;
mod proxy_denied;
mod proxy_left_over;
mod proxy_no_response;
mod proxy_upstream_error;
mod quic_blocked;
mod refused;
mod reset_after_client_hello;
mod reset_injected;
mod reset_mid_handshake;
mod resolver_trouble;
mod retired_cloud;
mod revocation_unreachable;
mod signin_log;
mod silent_after_client_hello;
mod stale_cache;
mod stalled_mid_handshake;
mod step_missing;
mod syn_no_answer;
mod synthetic_address;
mod system_proxy_unused;
mod tls_alert;
mod tls_fallback;
mod tls_legacy;
mod tls_to_proxy;
mod two_ways_out;
mod verdicts;
mod windows_dropped;
pub mod words;
mod wrong_tenant;

use crate::case::{Attempt, Case, HostStory, may_be_one};
use crate::facts::Crowd;
use crate::lang::{Message, Text};
use crate::parallel;
use crate::time::Timestamp;
use crate::verdict::log::LogProof;
use crate::verdict::{Confidence, HostVerdict, Judged, Proof, Verdict};
pub use inconclusive::take_again;
use std::collections::HashMap;
use std::net::IpAddr;

/// A place in the evidence.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Path of the evidence, as in the report's evidence list.
    pub capture: String,
    /// Frame number; for a log the line number.
    pub frame: Option<u64>,
    /// tcp.stream or udp.stream.
    pub stream: Option<u32>,
    /// When.
    pub time: Option<Timestamp>,
    /// What is to be seen there.
    pub text: Message,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Info,
    /// Will or may hurt.
    Warning,
    /// Stops the sign-in.
    Critical,
}

impl Severity {
    /// The word of the contract.
    pub fn code(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    /// The word of reports.
    pub fn title(self) -> Text {
        match self {
            Severity::Info => Text { en: "info", ja: "情報" },
            Severity::Warning => Text { en: "warning", ja: "警告" },
            Severity::Critical => Text { en: "critical", ja: "重大" },
        }
    }
}

/// One finding.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// Stable code; `nettriage explain CODE` explains it.
    pub code: &'static str,
    /// How much it matters here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Host concerned; empty where it concerns the case.
    pub host: Option<String>,
    /// Verdict it stands for.
    pub verdict: Option<Verdict>,
    /// One line.
    pub title: Message,
    /// What was seen (numbers), and why that means what it says.
    pub detail: Message,
    /// What would change this verdict.
    pub doubt: Message,
    /// What to do.
    pub advice: Message,
    /// Proof.
    pub evidence: Vec<Evidence>,
    /// Wireshark display filter.
    pub filter: String,
}

/// One finding as a rule: its texts, and how it is recognised.
pub struct Rule {
    /// Stable code, never translated.
    pub code: &'static str,
    /// Severity where nothing speaks for another one.
    pub severity: Severity,
    /// One line without names or numbers.
    pub title: Text,
    /// How it is recognised and why that means what it says.
    pub meaning: Text,
    /// What it cannot see, and what would change it.
    pub blind: Text,
    /// What to do.
    pub advice: Text,
    /// Finds it.
    pub check: fn(&Context<'_>) -> Vec<Finding>,
}

impl Rule {
    /// A finding of this rule with its fixed texts, to be filled in.
    fn finding(&self) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            title: self.title.into(),
            detail: self.meaning.into(),
            doubt: self.blind.into(),
            advice: self.advice.into(),
            ..Finding::default()
        }
    }
}

impl Finding {
    /// The title, and the detail behind it.
    pub fn sentence(&self) -> Message {
        let (title, detail) = (&self.title, &self.detail);
        Message { en: format!("{}. {}", title.en, detail.en), ja: format!("{}。{}", title.ja, detail.ja) }
    }
}

/// What rules look at.
pub struct Context<'a> {
    /// The case.
    pub case: &'a Case,
    /// Verdicts, by index into the case's hosts; `None` where there is nothing to say of a host.
    pub verdicts: &'a [Option<HostVerdict>],
    /// Index of each host by its name.
    by_name: HashMap<&'a str, usize>,
}

impl<'a> Context<'a> {
    /// Prepares the look at a case.
    pub fn new(case: &'a Case, verdicts: &'a [Option<HostVerdict>]) -> Context<'a> {
        // Of equal names the first counts, as in a walk over the hosts.
        let by_name = case.hosts.iter().enumerate().rev().map(|(i, h)| (h.name.as_str(), i)).collect();
        Context { case, verdicts, by_name }
    }

    /// The host of this name and its verdict.
    pub fn host(&self, name: &str) -> Option<(&'a HostStory, &'a HostVerdict)> {
        let index = *self.by_name.get(name)?;
        Some((self.case.hosts.get(index)?, self.verdicts.get(index)?.as_ref()?))
    }

    /// Hosts with their verdicts.
    pub fn hosts(&self) -> impl Iterator<Item = (&'a HostStory, &'a HostVerdict)> {
        self.case.hosts.iter().zip(self.verdicts).filter_map(|(h, v)| Some((h, v.as_ref()?)))
    }

    /// Whether what may be the same machine as `client` reached a host.
    pub fn reached_by(&self, host: &HostStory, verdict: &HostVerdict, client: IpAddr) -> bool {
        host.attempts.iter().zip(&verdict.judged).any(|(attempt, judged)| {
            let mut counted = self.case.crowd(attempt).into_iter().flat_map(Crowd::clients);
            judged.has_reached() && may_be_one(attempt.client, client) || counted.any(|c| may_be_one(c, client))
        })
    }

    /// A proof as evidence of a report.
    pub fn evidence(&self, piece: usize, stream: Option<u32>, proof: &Proof) -> Evidence {
        Evidence {
            capture: self.case.pieces.get(piece).map(|p| p.path.clone()).unwrap_or_default(),
            frame: Some(proof.at.frame),
            stream,
            time: Some(proof.at.time),
            text: proof.text.clone(),
        }
    }

    /// What an attempt showed as evidence.
    pub fn shown(&self, attempt: &Attempt, judged: &Judged) -> impl Iterator<Item = Evidence> {
        let stream = self.case.flow(attempt).map(|flow| flow.stream);
        judged.proof.iter().map(move |proof| self.evidence(attempt.piece, stream, proof))
    }

    /// The proof of a host's verdict as evidence.
    pub fn proof(&self, verdict: &HostVerdict) -> Vec<Evidence> {
        let frames = verdict.proof.iter().map(|(piece, stream, p)| self.evidence(*piece, *stream, p));
        frames.chain(verdict.said.iter().map(|line| self.line(line))).collect()
    }

    /// A line of a log as evidence.
    pub fn line(&self, line: &LogProof) -> Evidence {
        Evidence {
            capture: self.case.pieces.get(line.piece).map(|p| p.path.clone()).unwrap_or_default(),
            frame: Some(line.line),
            stream: None,
            time: line.time,
            text: line.text.clone(),
        }
    }
}

/// All rules, in the order in which `nettriage explain` lists them.
pub static RULES: &[&Rule] = &[
    &empty_trace::RULE,
    &no_entra_traffic::RULE,
    &step_missing::RULE,
    &tls_to_proxy::RULE,
    &two_ways_out::RULE,
    &one_client_fails::RULE,
    &loopback_through_proxy::RULE,
    &local_identity::RULE,
    &broken_after_handshake::RULE,
    &reset_injected::RULE,
    &tls_fallback::RULE,
    &interception_suspected::RULE,
    &inspection_ca_malformed::RULE,
    &issuer_not_listed::RULE,
    &clock_skew::RULE,
    &retired_cloud::RULE,
    &resolver_trouble::RULE,
    &synthetic_address::RULE,
    &windows_dropped::RULE,
    &revocation_unreachable::RULE,
    &quic_blocked::RULE,
    &old_tls_elsewhere::RULE,
    &capture_incomplete::RULE,
    &management_after_token::RULE,
    &entra_tls_retired::RULE,
    &wrong_tenant::RULE,
    &stale_cache::RULE,
    &conditional_access::RULE,
    &entra_refused::RULE,
    &ca_not_trusted::RULE,
    &ca_bundle_broken::RULE,
    &proxy_left_over::RULE,
    &system_proxy_unused::RULE,
    &broker_failed::RULE,
    &log_other::BROWSER,
    &log_other::AUTHORITY,
    &log_other::CANCELLED,
    &log_other::SERVICE,
    &log_other::WAITING,
    &log_other::UNNAMED,
    &signin_log::FAILURE,
    &signin_log::SUCCESS,
    &signin_log::NONE,
    &module_version::RULE,
    &error_elsewhere::RULE,
    &log_contradicts_capture::RULE,
    &log_without_traffic::RULE,
    &evidence_apart::RULE,
    &log_clock_offset::RULE,
];

/// Runs all rules; findings come most severe first, then in the order of the rules and hosts.
pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let rules: Vec<&Rule> = all().collect();
    let told = parallel::map_loaded(context.case.attempts(), &rules, |rule| (rule.check)(context));
    let mut findings: Vec<Finding> = told.into_iter().flatten().collect();
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    findings
}

/// All rules: those of verdicts first.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    verdicts::RULES.iter().chain(RULES).copied()
}

/// The rule with this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    all().find(|r| r.code == code)
}
