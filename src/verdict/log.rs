//! What debug logs say of a host → its verdict where no packet shows it, and proof beside the packets where they do.
//!
//! What enters: the story of a host with the lines about it. What leaves: [`HostVerdict`]s. Packets win: a log decides
//! only for hosts without packets, where the packets cannot tell, and where TLS 1.3 hides what the client's own error
//! text names. A log tells what the client met, seldom at which step; verdicts that guess the step are inferred.

use super::again::{is_same_command, is_test_beside};
use super::certificate::CertificateFault;
use super::{Confidence, HostVerdict, Verdict};
use crate::case::log_join::before_proxy;
use crate::case::{Case, HostStory, Role, Said as Line};
use crate::facts::log::{
    Attempt, BrokerFault, ErrorClass, LogEvent, LogEventKind, NameFault, Outcome, ProxyFault, TrustFault,
};
use crate::flow::Side;
use crate::knowledge;
use crate::knowledge::entra_replies::is_doubtful_reply;
use crate::lang::Message;
use crate::time::Timestamp;

mod words;

pub use words::{Said, words};

/// A line of a log as proof.
#[derive(Debug, Clone, PartialEq)]
pub struct LogProof {
    /// Index into the case's pieces.
    pub piece: usize,
    /// Line, 1-based.
    pub line: u64,
    /// When, where the log tells.
    pub time: Option<Timestamp>,
    /// What it says.
    pub text: Message,
}

impl LogProof {
    /// A line as proof.
    pub fn new(piece: usize, e: &LogEvent) -> LogProof {
        LogProof { piece, line: e.line, time: e.time, text: Message::same(e.text.clone()) }
    }
}

/// Lines of proof for one host; more repeat what these say.
const PROOF_MAX: usize = 6;

/// What the lines about a host come to.
#[derive(Debug, Clone)]
struct Heard {
    verdict: Verdict,
    confidence: Confidence,
    class: Option<ErrorClass>,
    /// The failure that decided.
    decided: Option<Line>,
    lines: Vec<Line>,
    proxy: Option<String>,
}

/// Judges a host by packets and logs. `None` where neither says anything.
pub fn judge_host(case: &Case, host: &HostStory) -> Option<HostVerdict> {
    match super::host::judge_host(case, host) {
        Some(mut verdict) => {
            confirm(case, host, &mut verdict);
            Some(verdict)
        }
        None => judge(case, host),
    }
}

/// Judges a host by the logs alone. `None` where they say nothing of what became of it.
fn judge(case: &Case, host: &HostStory) -> Option<HostVerdict> {
    let heard = hear(case, host)?;
    // A client that only says that it is about to connect is the capture's business, where there is one.
    if heard.verdict == Verdict::Inconclusive && case.captures().next().is_some() {
        return None;
    }
    let mut out = HostVerdict { verdict: heard.verdict, confidence: heard.confidence, ..HostVerdict::default() };
    out.proxy = heard.proxy.clone();
    tell(case, &heard, &mut out);
    out.by_log = true;
    Some(out)
}

/// Adds what the logs say to a verdict that rests on packets.
fn confirm(case: &Case, host: &HostStory, out: &mut HostVerdict) {
    let Some(heard) = hear(case, host) else { return };
    let Some(class) = heard.class else { return };
    let refused_certificate = matches!(class, ErrorClass::CertificateUntrusted(_));
    let agrees = heard.verdict == out.verdict
        || matches!(out.verdict, Verdict::Intercepted | Verdict::CertInvalid | Verdict::TlsAlert)
            && refused_certificate;
    if out.verdict == Verdict::Intercepted && refused_certificate && heard.verdict == Verdict::Intercepted {
        out.confidence = Confidence::Observed;
    }
    let hidden =
        matches!(out.verdict, Verdict::Ok | Verdict::Inconclusive) && refused_certificate && heard.verdict.is_fault();
    let untold = out.verdict == Verdict::Inconclusive && heard.verdict.is_fault();
    if hidden || untold {
        out.verdict = heard.verdict;
        out.confidence = heard.confidence;
        out.proxy = out.proxy.take().or_else(|| heard.proxy.clone());
    } else if !agrees {
        return;
    }
    tell(case, &heard, out);
}

/// Proof and details out of what was heard.
fn tell(case: &Case, heard: &Heard, out: &mut HostVerdict) {
    for line in heard.lines.iter().take(PROOF_MAX) {
        if let Some((_, event)) = case.line(*line) {
            let proof = LogProof::new(line.piece, event);
            if !out.said.iter().any(|s| s.text == proof.text) {
                out.said.push(proof);
            }
        }
    }
    match heard.class {
        Some(ErrorClass::ProxyStatus(status)) => out.detail.status = out.detail.status.or(Some(status)),
        Some(ErrorClass::CertificateUntrusted(fault)) if heard.verdict == Verdict::CertInvalid => {
            let fault = match fault {
                TrustFault::Expired => CertificateFault::Expired,
                TrustFault::NotYetValid => CertificateFault::NotYetValid,
                TrustFault::NameMismatch => CertificateFault::WrongName,
                TrustFault::Weak => CertificateFault::Weak,
                TrustFault::Revoked => CertificateFault::Revoked,
                _ => CertificateFault::Untrusted,
            };
            out.detail.certificate_fault = out.detail.certificate_fault.or(Some(fault));
        }
        Some(ErrorClass::TlsAlert(Some(n))) => out.detail.alert = out.detail.alert.or(Some((n, Side::Server))),
        Some(ErrorClass::Aadsts(_)) if heard.verdict == Verdict::TlsLegacy => {
            out.detail.legacy_side = out.detail.legacy_side.or(Some(Side::Client));
        }
        _ => {}
    }
}

/// A line about a host that tells of a failure.
#[derive(Debug, Clone, Copy)]
struct Bad {
    said: Line,
    class: ErrorClass,
    verdict: Verdict,
    confidence: Confidence,
    /// Nothing has made it good.
    open: bool,
}

/// The lines about a host, weighed: the last word of a client counts; a host that answered after failures is degraded.
fn hear(case: &Case, host: &HostStory) -> Option<Heard> {
    let mut good: Vec<Line> = Vec::new();
    let mut bad: Vec<Bad> = Vec::new();
    // Places in that list of those that nothing has made good so far.
    let mut open: Vec<usize> = Vec::new();
    let mut waiting: Vec<Line> = Vec::new();
    let mut proxy = None;
    let mut not_reached = false;
    for said in &host.said {
        let Some((attempt, event)) = case.line(*said) else { continue };
        proxy = proxy.or_else(|| attempt.proxy.clone());
        let fails = |class, verdict, confidence| Bad { said: *said, class, verdict, confidence, open: true };
        let before = bad.len();
        match &event.kind {
            LogEventKind::HttpResponse { status: 407, .. } => {
                bad.push(fails(ErrorClass::ProxyStatus(407), Verdict::ProxyAuthRequired, Confidence::Observed));
            }
            LogEventKind::TlsEstablished { version } if is_legacy(version) => {
                bad.push(fails(ErrorClass::TlsVersion, Verdict::TlsLegacy, Confidence::Observed));
            }
            LogEventKind::HttpResponse { path, status, .. }
                if is_doubtful(attempt, said.event, host, path, *status) =>
            {
                let class = ErrorClass::AnswerUnplaced(Some(*status));
                bad.push(fails(class, Verdict::Inconclusive, Confidence::Inferred));
            }
            // The proxy's answer: it makes good what the proxy refused before, and says nothing of the host behind it.
            LogEventKind::HttpResponse { method, status, .. }
                if method == "CONNECT" && (200..300).contains(status) && host.role != Role::Proxy =>
            {
                waiting.push(*said);
                made_good(case, *said, &mut bad, &mut open, is_of_proxy);
            }
            LogEventKind::HttpResponse { status, .. } if is_products_own(attempt, said.event, *status) => {}
            LogEventKind::HttpResponse { .. } | LogEventKind::TlsEstablished { .. } => {
                good.push(*said);
                made_good(case, *said, &mut bad, &mut open, |_| true);
            }
            LogEventKind::Connecting { .. } => waiting.push(*said),
            kind => {
                let Some(class) = kind.error() else { continue };
                // The client's own file of certificates is read before a packet is sent.
                not_reached |= class == ErrorClass::CaBundleBroken;
                if before_proxy(attempt, class) != (host.role == Role::Proxy) {
                    not_reached |= host.role != Role::Proxy;
                    continue;
                }
                let judged = verdict_of(class, &host.name);
                match judged.map(|j| if broke_later(attempt, said.event, class, &host.name) { LATER } else { j }) {
                    Some((Verdict::Ok, _)) => {
                        good.push(*said);
                        made_good(case, *said, &mut bad, &mut open, |_| true);
                    }
                    Some((verdict, confidence)) => {
                        let mut failed = fails(class, verdict, confidence);
                        // What a command met that succeeded in the end leaves a host that answered reached.
                        failed.open = attempt.outcome != Outcome::Succeeded || good.is_empty();
                        bad.push(failed);
                    }
                    None => {}
                }
            }
        }
        open.extend((before..bad.len()).filter(|i| bad.get(*i).is_some_and(|b| b.open)));
    }
    // The challenge of a proxy and its answer are the ordinary way through it.
    bad.retain(|b| b.open || b.verdict != Verdict::ProxyAuthRequired);
    let legacy = bad.iter().find(|b| b.verdict == Verdict::TlsLegacy);
    if let Some(Bad { said, class, verdict, confidence, .. }) = legacy.or_else(|| bad.iter().rfind(|b| b.open)) {
        let lines = bad.iter().filter(|b| b.verdict == *verdict).map(|b| b.said).collect();
        let (verdict, confidence, class, decided) = (*verdict, *confidence, Some(*class), Some(*said));
        return Some(Heard { verdict, confidence, class, decided, lines, proxy });
    }
    if let (Some(last), false) = (bad.last(), good.is_empty()) {
        let mut lines = vec![last.said];
        lines.extend(good.last());
        let class = Some(last.class);
        let (verdict, confidence, decided) = (Verdict::Degraded, Confidence::Observed, Some(last.said));
        return Some(Heard { verdict, confidence, class, decided, lines, proxy });
    }
    if let Some(first) = good.first() {
        let lines = vec![*first];
        let (verdict, confidence) = (Verdict::Ok, Confidence::Observed);
        return Some(Heard { verdict, confidence, class: None, decided: None, lines, proxy });
    }
    // Behind a proxy that was not reached nobody asked for the host; and a proxy that was reached is no matter.
    let silent = waiting.is_empty() || not_reached || host.role == Role::Proxy;
    (!silent).then(|| Heard {
        verdict: Verdict::Inconclusive,
        confidence: Confidence::Observed,
        class: None,
        decided: None,
        lines: waiting.iter().rev().take(1).copied().collect(),
        proxy,
    })
}

/// Whether a reply may be somebody else's in the place of Entra ID: it has a status that is not Entra ID's, and neither
/// a code nor the mark of Entra ID follows.
fn is_doubtful(attempt: &Attempt, event: usize, host: &HostStory, path: &str, status: u16) -> bool {
    let coded = |e: &LogEvent| matches!(e.kind, LogEventKind::Aadsts { .. } | LogEventKind::EntraNamed);
    host.role != Role::Proxy
        && is_doubtful_reply(&host.name, path, status)
        && !attempt.events.iter().skip(event).take_while(|e| !asks(&e.kind) || coded(e)).any(coded)
}

/// Whether the line behind a reply tells that a product on the way wrote it: the host was not reached by it.
fn is_products_own(attempt: &Attempt, event: usize, status: u16) -> bool {
    let behind = attempt.events.iter().skip(event.saturating_add(1));
    let next = behind.into_iter().find(|e| !matches!(e.kind, LogEventKind::ServerDate { .. }));
    next.is_some_and(|e| e.kind == LogEventKind::Exception { class: ErrorClass::ProxyStatus(status) })
}

/// A client turns to a host.
fn asks(kind: &LogEventKind) -> bool {
    matches!(kind, LogEventKind::HttpRequest { .. } | LogEventKind::Connecting { .. })
}

/// What a connection that breaks after an answer comes to: the way was open, and who broke it does not show.
const LATER: (Verdict, Confidence) = (Verdict::Inconclusive, Confidence::Inferred);

/// The line that decided the host's verdict, where it tells of a connection that had answered before it broke.
pub fn broke_after_an_answer(case: &Case, host: &HostStory) -> Option<Line> {
    let said = hear(case, host)?.decided?;
    let (attempt, event) = case.line(said)?;
    broke_later(attempt, said.event, event.kind.error()?, &host.name).then_some(said)
}

/// Whether the connection that `class` broke had answered: the client says when it opens one, and an answer stands behind
/// that. Such a failure is none of the handshake.
fn broke_later(attempt: &Attempt, event: usize, class: ErrorClass, host: &str) -> bool {
    use LogEventKind as K;
    let breaks = matches!(
        class,
        ErrorClass::ConnectionReset
            | ErrorClass::ConnectionClosed
            | ErrorClass::TlsEof
            | ErrorClass::ReadTimeout
            | ErrorClass::Timeout
    );
    let mut answered = false;
    let before = attempt.events.get(..event).unwrap_or_default();
    for e in before.iter().rev().filter(|e| breaks && e.host.as_deref() == Some(host)) {
        match &e.kind {
            // The proxy's answer, and the tunnel that a connection begins with.
            K::HttpResponse { method, .. } if method == "CONNECT" => {}
            K::HttpRequest { method, .. } if method == "CONNECT" => return answered,
            K::Connecting { .. } | K::Connected { .. } => return answered,
            K::HttpResponse { .. } | K::TlsEstablished { .. } => answered = true,
            kind if kind.error().is_some_and(|c| c.is_network()) => return false,
            _ => {}
        }
    }
    false
}

/// An answer closes the failures that it makes good: those of its own attempt, and earlier ones of the same client. What
/// another client reaches says nothing about this one: its certificates, its proxy and its rules in a filter differ.
fn made_good(case: &Case, answer: Line, bad: &mut [Bad], open: &mut Vec<usize>, is_about: fn(ErrorClass) -> bool) {
    let Some((by, _)) = case.line(answer) else { return };
    open.retain(|i| {
        let Some(failed) = bad.get_mut(*i) else { return false };
        if !is_about(failed.class) {
            return true;
        }
        let same_attempt = (failed.said.piece, failed.said.attempt) == (answer.piece, answer.attempt);
        // Another log may be of another machine.
        let same_log = failed.said.piece == answer.piece;
        let again = same_log && case.line(failed.said).is_some_and(|(of, _)| is_second_try(of, by));
        failed.open = !same_attempt && !again;
        failed.open
    });
}

/// Whether a failure is the proxy's answer to a request for a tunnel.
fn is_of_proxy(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::ProxyStatus(_))
}

/// Whether `later` is another try of the client of `first`, over the same way or to the end.
fn is_second_try(first: &Attempt, later: &Attempt) -> bool {
    first.dialect == later.dialect && (first.proxy == later.proxy || later.outcome == Outcome::Succeeded)
}

/// TLS 1.0, 1.1 or SSL, as OpenSSL, curl and .NET write them.
fn is_legacy(version: &str) -> bool {
    let plain: String = version.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    matches!(plain.as_str(), "tlsv1" | "tlsv10" | "tlsv11" | "tls1" | "tls10" | "tls11" | "tls")
        || plain.starts_with("ssl")
}

/// The verdict that a failure stands for, and whether the text shows it or it is concluded; `None` where the failure
/// says nothing of the way to the host.
pub fn verdict_of(class: ErrorClass, host: &str) -> Option<(Verdict, Confidence)> {
    use Confidence::{Inferred, Observed};
    // A machine of the organisation may have a private certificate by right; a Microsoft host never has one.
    let known = if knowledge::is_microsoft_host(host) { Observed } else { Inferred };
    Some(match class {
        ErrorClass::CertificateUntrusted(fault) => match fault {
            TrustFault::Expired
            | TrustFault::NotYetValid
            | TrustFault::NameMismatch
            | TrustFault::Weak
            | TrustFault::Revoked => (Verdict::CertInvalid, Observed),
            TrustFault::UnknownIssuer
            | TrustFault::SelfSignedInChain
            | TrustFault::SelfSigned
            | TrustFault::MissingAuthorityKeyId
            | TrustFault::MissingSubjectKeyId
            | TrustFault::BasicConstraints => (Verdict::Intercepted, known),
            TrustFault::Unspecified => (Verdict::Intercepted, Inferred),
        },
        ErrorClass::TlsEof | ErrorClass::ConnectionClosed => (Verdict::ClosedBeforeServerHello, Inferred),
        ErrorClass::TlsVersion => (Verdict::TlsLegacy, Inferred),
        ErrorClass::TlsAlert(_) => (Verdict::TlsAlert, Observed),
        ErrorClass::ConnectionReset => (Verdict::ResetAfterClientHello, Inferred),
        ErrorClass::ConnectionRefused => (Verdict::Refused, Observed),
        ErrorClass::ConnectTimeout => (Verdict::SynNoAnswer, Observed),
        ErrorClass::Timeout => (Verdict::SynNoAnswer, Inferred),
        ErrorClass::ReadTimeout => (Verdict::SilentAfterClientHello, Inferred),
        ErrorClass::NameNotResolved(NameFault::NotFound | NameFault::Temporary | NameFault::Unspecified)
        | ErrorClass::ProxyNameNotResolved => (Verdict::DnsFailure, Observed),
        ErrorClass::ProxyStatus(407) => (Verdict::ProxyAuthRequired, Observed),
        ErrorClass::ProxyStatus(511) => (Verdict::CaptivePortal, Observed),
        ErrorClass::ProxyStatus(500..=599) => (Verdict::ProxyUpstreamError, Observed),
        ErrorClass::ProxyStatus(_) => (Verdict::ProxyDenied, Observed),
        ErrorClass::ProxyUnreachable(fault) => match fault {
            ProxyFault::Refused => (Verdict::Refused, Observed),
            ProxyFault::Timeout => (Verdict::SynNoAnswer, Observed),
            ProxyFault::Reset => (Verdict::ProxyNoResponse, Inferred),
            ProxyFault::NoRoute => (Verdict::IcmpUnreachable, Inferred),
            ProxyFault::Certificate => (Verdict::CertInvalid, Observed),
            ProxyFault::Tls => (Verdict::ClosedBeforeServerHello, Inferred),
            // That the proxy is at fault does not tell how.
            ProxyFault::Unspecified => (Verdict::Inconclusive, Inferred),
        },
        ErrorClass::NetworkUnreachable => (Verdict::IcmpUnreachable, Inferred),
        // Winsock's "access denied": a filter on the machine refuses before a packet is sent.
        ErrorClass::BlockedLocally => (Verdict::Refused, Inferred),
        ErrorClass::Broker(fault) => match fault {
            BrokerFault::NameNotResolved => (Verdict::DnsFailure, Observed),
            BrokerFault::Timeout => (Verdict::SynNoAnswer, Inferred),
            BrokerFault::ConnectionAborted => (Verdict::ResetAfterClientHello, Inferred),
            BrokerFault::NoNetwork | BrokerFault::CannotConnect | BrokerFault::TlsFailure => {
                (Verdict::Inconclusive, Inferred)
            }
            BrokerFault::ServerRefused => (Verdict::Ok, Observed),
            BrokerFault::InteractionRequired | BrokerFault::UserCancelled | BrokerFault::Unspecified => return None,
        },
        // Entra ID refuses old TLS by an answer inside that old TLS (AADSTS1002016).
        ErrorClass::Aadsts(1_002_016) => (Verdict::TlsLegacy, Observed),
        ErrorClass::Aadsts(_) | ErrorClass::OAuth | ErrorClass::HttpStatus(_) => (Verdict::Ok, Observed),
        ErrorClass::BlockPage => (Verdict::BlockPage, Inferred),
        ErrorClass::CaptivePortal => (Verdict::CaptivePortal, Inferred),
        ErrorClass::TlsNotSpoken
        | ErrorClass::AnswerUnplaced(_)
        | ErrorClass::ForeignPage
        | ErrorClass::TlsOther
        | ErrorClass::RevocationUnavailable
        | ErrorClass::ProxyOther
        | ErrorClass::ConnectOther => (Verdict::Inconclusive, Inferred),
        ErrorClass::CaBundleBroken
        | ErrorClass::ClockSkew
        | ErrorClass::CacheDamaged
        | ErrorClass::AuthorityDiscovery
        | ErrorClass::BrowserLeg
        | ErrorClass::UserCancelled
        | ErrorClass::Other => return None,
    })
}

/// Whether only logs tell of the fault, and only of commands that it did not stop: a way to a token that was tried before
/// another one, a host beside the sign-in, a command that Entra ID itself refused behind it, or one that succeeded when it
/// was run again. Old TLS is worth telling all the same.
pub fn stopped_nothing(case: &Case, host: &HostStory, verdict: &HostVerdict) -> bool {
    verdict.by_log
        && verdict.verdict != Verdict::TlsLegacy
        && !verdict.verdict.is_good()
        && !host.said.is_empty()
        && host.said.iter().all(|said| went_on(case, host, *said))
}

/// Whether the command of a line went on from there to its end. That Entra ID refused something behind it proves that only
/// where the host was not needed for what came before: after a token, another tenant may well be asked.
fn went_on(case: &Case, host: &HostStory, said: Line) -> bool {
    let Some((attempt, _)) = case.line(said) else { return true };
    let succeeded = |a: &Attempt| a.outcome == Outcome::Succeeded;
    // What is called with a token is needed once there is one; before, a client only asks it for settings.
    let had_token = || {
        attempt.events.get(..said.event).unwrap_or_default().iter().any(|e| match &e.kind {
            LogEventKind::TokenReceived | LogEventKind::CacheUsed => true,
            LogEventKind::HttpResponse { path, status, .. } => (200..300).contains(status) && path.ends_with("/token"),
            _ => false,
        })
    };
    let needed = || {
        let with_token = knowledge::endpoint(&host.name).is_some_and(|e| e.role.is_called_with_a_token());
        if with_token { had_token() } else { host.required == Some(true) }
    };
    let refused_behind = matches!(attempt.outcome, Outcome::Failed { event } if event > said.event)
        && matches!(attempt.error_class(), Some(ErrorClass::Aadsts(_)));
    let again = || {
        let mut later = case.runs_after(said).iter();
        later.any(|a| succeeded(a) && !a.command.is_empty() && is_same_command(attempt, a))
    };
    succeeded(attempt) || refused_behind && !needed() || again() || is_test_beside(case, host, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_service_prove_the_way_to_it() {
        let host = "login.microsoftonline.com";
        assert_eq!(verdict_of(ErrorClass::Aadsts(53003), host), Some((Verdict::Ok, Confidence::Observed)));
        assert_eq!(verdict_of(ErrorClass::Aadsts(1_002_016), host), Some((Verdict::TlsLegacy, Confidence::Observed)));
        assert_eq!(verdict_of(ErrorClass::HttpStatus(403), host), Some((Verdict::Ok, Confidence::Observed)));
    }

    #[test]
    fn a_private_certificate_is_interception_for_sure_only_on_microsofts_hosts() {
        let class = ErrorClass::CertificateUntrusted(TrustFault::UnknownIssuer);
        assert_eq!(verdict_of(class, "management.azure.com"), Some((Verdict::Intercepted, Confidence::Observed)));
        assert_eq!(verdict_of(class, "adfs.contoso.example"), Some((Verdict::Intercepted, Confidence::Inferred)));
        let expired = ErrorClass::CertificateUntrusted(TrustFault::Expired);
        assert_eq!(verdict_of(expired, "management.azure.com").unwrap().0, Verdict::CertInvalid);
    }

    #[test]
    fn old_versions_are_known_by_any_spelling() {
        assert!(["TLSv1.0", "TLSv1", "TLSv1.1", "SSLv3", "Tls11"].iter().all(|v| is_legacy(v)));
        assert!(!["TLSv1.2", "TLSv1.3", "Tls12"].iter().any(|v| is_legacy(v)));
    }

    #[test]
    fn failures_before_the_network_say_nothing_of_the_host() {
        for class in [ErrorClass::CaBundleBroken, ErrorClass::UserCancelled, ErrorClass::CacheDamaged] {
            assert_eq!(verdict_of(class, "login.microsoftonline.com"), None);
        }
    }
}
