//! Case, verdicts and findings → the report model.

use super::*;
use crate::case::{Case, HostStory, Piece, PieceFacts};
use crate::finding::{self, words::display_filter};
use crate::parallel;
use crate::verdict::{HostVerdict, host};

/// Builds the report on a case; `unread` lists inputs without a result.
pub fn build(case: &Case, verdicts: &[Option<HostVerdict>], unread: Vec<(String, Message)>) -> Report {
    let context = finding::Context::new(case, verdicts);
    let judged = || judged(&context);
    let (timeline, (findings, diagnosis, hosts)) =
        parallel::join(case.attempts(), || super::timeline::collect(&context), judged);
    let path = super::path::draw(&context, &hosts);
    Report {
        timeline,
        path,
        attempts: super::attempts::collect(&context),
        missing: super::attempts::missing(&context, &diagnosis),
        evidence: case.pieces.iter().enumerate().map(|(i, p)| evidence(case, i, p)).collect(),
        diagnosis,
        hosts,
        findings,
        unread,
        knowledge_date: crate::knowledge::DATE.to_owned(),
    }
}

/// The findings, what they come to, and the hosts, those that matter first.
fn judged(context: &finding::Context<'_>) -> (Vec<Finding>, Diagnosis, Vec<HostReport>) {
    let (case, verdicts) = (context.case, context.verdicts);
    let mut findings = finding::find(context);
    let mut diagnosis = crate::diagnosis::diagnose(case, verdicts, &findings);
    crate::diagnosis::weigh(&mut diagnosis, &mut findings);
    let told: Vec<(&HostStory, &HostVerdict)> = context.hosts().collect();
    let mut hosts = parallel::map_loaded(case.attempts(), &told, |(h, v)| host_report(context, h, v));
    let root = diagnosis.root_cause.as_ref().map(|r| r.host.clone());
    hosts.sort_by_key(|h| {
        let weight = match h.verdict {
            v if v.is_fault() => 0,
            Verdict::Inconclusive => 2,
            Verdict::Degraded => 1,
            _ => 3,
        };
        let need = match (h.role, h.required) {
            (Role::Proxy, _) | (_, Some(true)) => 0,
            (Role::Service, _) => 1,
            _ => 2,
        };
        (root.as_deref() != Some(h.name.as_str()), need / 2, weight, need)
    });
    (findings, diagnosis, hosts)
}

fn evidence(case: &Case, index: usize, piece: &Piece) -> EvidenceReport {
    let mut out = EvidenceReport {
        clock_offset_ms: super::attempts::clock_offset_ms(case, index),
        path: piece.path.clone(),
        container: piece.container,
        bytes: piece.bytes,
        ..EvidenceReport::default()
    };
    match &piece.facts {
        PieceFacts::Capture(c) => {
            out.kind = "capture";
            out.format = c.info.format.map_or("", crate::capture::Format::code).to_owned();
            out.frames = c.info.frames;
            out.duplicates = c.info.duplicates;
            out.counted = c.crowds().map(|crowd| crowd.len() as u64).sum();
            out.first_time = c.info.earliest;
            out.last_time = c.info.latest;
            out.problems = c.info.problems.iter().cloned().collect();
        }
        PieceFacts::Log(l) => {
            out.kind = "debug_log";
            out.format = l.dialect.code().to_owned();
            out.frames = l.lines;
            out.problems = l.problems.iter().cloned().collect();
        }
        PieceFacts::Signin(s) => {
            out.kind = "signin_log";
            out.format = s.format.to_owned();
            out.frames = s.entries.len() as u64;
            out.first_time = s.entries.iter().filter_map(|e| e.time).min();
            out.last_time = s.entries.iter().filter_map(|e| e.time).max();
            out.problems = s.problems.iter().cloned().collect();
        }
        PieceFacts::System(_) => out.kind = "system_info",
        PieceFacts::KeyLog => {
            out.kind = "key_log";
            out.format = "nss".to_owned();
        }
    }
    out
}

/// The idle process and the kernel: a frame logged under them was sent by whatever thread happened to run.
const KERNEL_PIDS: [u32; 2] = [0, 4];

fn host_report(context: &finding::Context<'_>, story: &HostStory, v: &HostVerdict) -> HostReport {
    let mut addresses = v.name.addresses.clone();
    for attempt in &story.attempts {
        if attempt.way != crate::case::Way::Direct {
            continue;
        }
        let counted = context.case.crowd(attempt).into_iter().flat_map(|c| &c.servers).map(|server| server.ip());
        for ip in std::iter::once(attempt.peer.ip()).chain(counted) {
            if !addresses.contains(&ip) {
                addresses.push(ip);
            }
        }
    }
    let mut processes: Vec<String> = Vec::new();
    for flow in story.attempts.iter().filter_map(|a| context.case.flow(a)) {
        if let Some(p) = flow.process.as_ref().filter(|p| !KERNEL_PIDS.contains(&p.pid)) {
            // Only the first SYN is sent by the thread that asked for the connection.
            let doubt = if p.from_syn { "" } else { "?" };
            let text = match p.name.as_deref().or_else(|| context.case.process_name(p.pid)) {
                Some(name) => format!("{name}{doubt} (PID {})", p.pid),
                None => format!("PID {}{doubt}", p.pid),
            };
            if !processes.contains(&text) {
                processes.push(text);
            }
        }
    }
    HostReport {
        name: story.name.clone(),
        role: story.role,
        service: story.endpoint.map(|e| e.title().into()),
        required: story.required,
        verdict: v.verdict,
        also: v.also.clone(),
        confidence: v.confidence,
        client_tls_max: host::version_code(v.client_tls_max),
        negotiated_tls: host::version_code(v.negotiated_tls),
        proxy: v.proxy.clone(),
        addresses: addresses.iter().map(ToString::to_string).collect(),
        connections: v.connections,
        certificate: certificate(context.case, story, v),
        processes,
        evidence: context.proof(v),
        filter: display_filter(context.case, story),
        delay_seconds: v.delay_seconds,
    }
}

/// The leaf of the deciding attempt, else of any.
fn certificate(case: &Case, story: &HostStory, v: &HostVerdict) -> Option<CertificateReport> {
    let order = v.attempt.into_iter().chain(0..story.attempts.len());
    let leaf = order.filter_map(|i| story.attempts.get(i)).find_map(|a| case.session(a)?.certificates.first())?;
    Some(CertificateReport {
        subject: leaf.subject.clone(),
        issuer: leaf.issuer.clone(),
        not_before: leaf.not_before,
        not_after: leaf.not_after,
        vendor: v.detail.trust.as_ref().and_then(|t| t.vendor.clone()),
        sha256: leaf.sha256.clone(),
    })
}
