//! Every text of a report. Each struct is taken apart in full, so that a new field does not compile until it is
//! decided here whether it holds names.

use super::Redactor;
use crate::finding::{Evidence, Finding};
use crate::lang::Message;
use crate::report::{
    AttemptReport, CertificateReport, Diagnosis, EvidenceReport, HostReport, PathLink, PathNode, PathReport, Report,
    RootCause, TimelineEntry,
};

impl Redactor {
    /// Puts placeholders into every text of a report.
    pub fn report(&mut self, report: &mut Report) {
        let Report {
            evidence,
            diagnosis: Diagnosis { outcome: _, root_cause, text, next_step },
            hosts,
            findings,
            timeline,
            attempts,
            path: PathReport { nodes, links },
            missing,
            unread,
            knowledge_date: _,
        } = report;
        for (path, _) in unread.iter() {
            self.learn_path(path);
        }
        if let Some(RootCause { host, verdict: _, finding: _ }) = root_cause {
            self.string(host);
        }
        self.both(text);
        self.both(next_step);
        hosts.iter_mut().for_each(|h| self.host_report(h));
        findings.iter_mut().for_each(|f| self.finding(f));
        for AttemptReport { command, versions, start: _, outcome, events } in attempts {
            self.string(command);
            versions.iter_mut().for_each(|v| self.string(v));
            self.both(outcome);
            self.places(events);
        }
        for TimelineEntry { time: _, end: _, lane: _, host, good: _, text, evidence } in timeline {
            host.iter_mut().for_each(|h| self.string(h));
            self.both(text);
            self.place(evidence);
        }
        for PathNode { label, detail, kind: _ } in nodes {
            self.string(label);
            self.string(detail);
        }
        for PathLink { from: _, to: _, verdict: _, text } in links {
            self.both(text);
        }
        missing.iter_mut().for_each(|m| self.both(m));
        for (path, reason) in unread {
            self.string(path);
            self.both(reason);
        }
        evidence.iter_mut().for_each(|e| self.evidence_report(e));
    }

    fn evidence_report(&mut self, evidence: &mut EvidenceReport) {
        let EvidenceReport {
            path,
            kind: _,
            format: _,
            container: _,
            bytes: _,
            frames: _,
            duplicates: _,
            counted: _,
            first_time: _,
            last_time: _,
            clock_offset_ms: _,
            problems,
        } = evidence;
        self.string(path);
        problems.iter_mut().for_each(|p| self.both(&mut p.message));
    }

    fn host_report(&mut self, host: &mut HostReport) {
        let HostReport {
            name,
            role: _,
            service: _,
            required: _,
            verdict: _,
            also: _,
            confidence: _,
            client_tls_max: _,
            negotiated_tls: _,
            proxy,
            addresses,
            connections: _,
            certificate,
            processes,
            evidence,
            filter,
            delay_seconds: _,
        } = host;
        self.string(name);
        proxy.iter_mut().for_each(|p| self.string(p));
        addresses.iter_mut().for_each(|a| self.string(a));
        processes.iter_mut().for_each(|p| self.string(p));
        if let Some(certificate) = certificate {
            self.certificate_report(certificate);
        }
        self.places(evidence);
        self.string(filter);
    }

    fn certificate_report(&mut self, certificate: &mut CertificateReport) {
        // The fingerprint recognises a certificate only to those who have it.
        let CertificateReport { subject, issuer, not_before: _, not_after: _, vendor, sha256: _ } = certificate;
        self.string(subject);
        self.string(issuer);
        // Products are nobody's name, but in the place of an unknown one stands the issuer's.
        vendor.iter_mut().for_each(|vendor| self.string(vendor));
    }

    fn finding(&mut self, finding: &mut Finding) {
        let Finding {
            code: _,
            severity: _,
            confidence: _,
            host,
            verdict: _,
            title,
            detail,
            doubt,
            advice,
            evidence,
            filter,
        } = finding;
        host.iter_mut().for_each(|h| self.string(h));
        [title, detail, doubt, advice].into_iter().for_each(|m| self.both(m));
        self.places(evidence);
        self.string(filter);
    }

    fn places(&mut self, places: &mut [Evidence]) {
        places.iter_mut().for_each(|e| self.place(e));
    }

    fn place(&mut self, place: &mut Evidence) {
        let Evidence { capture, frame: _, stream: _, time: _, text } = place;
        self.string(capture);
        self.both(text);
    }

    /// Redacts a text in place.
    pub fn string(&mut self, text: &mut String) {
        *text = self.text(text);
    }

    /// Redacts a text in both languages in place.
    pub fn both(&mut self, message: &mut Message) {
        let same = message.en == message.ja;
        self.string(&mut message.en);
        if same {
            message.ja.clone_from(&message.en);
        } else {
            self.string(&mut message.ja);
        }
    }
}
