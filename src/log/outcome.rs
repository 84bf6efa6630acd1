//! Events of an attempt → how it ended, and which event names the cause.
//!
//! What enters: an attempt with all its events. What leaves: its [`Outcome`]. Total.

use crate::facts::log::{Attempt, ErrorClass, LogEvent, LogEventKind, Outcome};
use crate::knowledge;
use crate::log::pattern;

/// How an attempt ended. An explicit end wins, unless an error stands behind it; then what was begun last and not answered; then the last error
/// that nothing made good at the same host; else the last success.
pub(crate) fn outcome(attempt: &Attempt) -> Outcome {
    let events = &attempt.events;
    let exit = events.iter().enumerate().rev().find_map(|(i, e)| match e.kind {
        LogEventKind::Finished { exit_code } => Some((i, exit_code?)),
        _ => None,
    });
    // A transcript goes on behind the table of a sign-in that worked.
    let is_error = |e: &LogEvent| e.kind.error().is_some() && !matches!(e.kind, LogEventKind::Retry { .. });
    if exit.is_some_and(|(end, code)| code == 0 && !events.iter().skip(end).any(is_error)) {
        return Outcome::Succeeded;
    }
    let failed = exit.is_some_and(|(_, code)| code != 0);
    let last_error = (0..events.len()).rev().find(|i| is_open_error(events, *i, failed));
    let last_step = events.iter().rposition(|e| !is_remark(&e.kind));
    let waits = last_step.filter(|i| events.get(*i).is_some_and(|e| is_pending(&e.kind)));
    if let (Some(event), false) = (waits, failed) {
        return Outcome::Waiting { event };
    }
    if let Some(last) = last_error {
        let given_up = events.get(last).and_then(|e| e.kind.error()) == Some(ErrorClass::UserCancelled);
        let before = last.checked_sub(1).filter(|i| events.get(*i).is_some_and(|e| is_pending(&e.kind)));
        return match before {
            Some(event) if given_up => Outcome::Waiting { event },
            _ => Outcome::Failed { event: cause(events, last) },
        };
    }
    if failed {
        // An exit code without any error that was understood.
        return match events.iter().rposition(|e| matches!(e.kind, LogEventKind::Retry { .. })) {
            Some(event) => Outcome::Failed { event },
            None => Outcome::Unknown,
        };
    }
    match last_step.and_then(|i| events.get(i)).map(|e| &e.kind) {
        Some(LogEventKind::HttpResponse { status, .. }) if *status >= 400 => Outcome::Unknown,
        Some(_) if events.iter().any(|e| is_success(&e.kind)) => Outcome::Succeeded,
        _ => Outcome::Unknown,
    }
}

/// Events that change nothing in the course of a sign-in.
fn is_remark(kind: &LogEventKind) -> bool {
    matches!(
        kind,
        LogEventKind::Warning
            | LogEventKind::Proxy { .. }
            | LogEventKind::TenantSeen { .. }
            | LogEventKind::ServerDate { .. }
            | LogEventKind::EntraNamed
            | LogEventKind::Command
    )
}

/// Events that wait for an answer.
fn is_pending(kind: &LogEventKind) -> bool {
    if let LogEventKind::HttpResponse { method, status, .. } = kind {
        return method == "CONNECT" && (200..300).contains(status);
    }
    matches!(
        kind,
        LogEventKind::Connecting { .. }
            | LogEventKind::Connected { .. }
            | LogEventKind::HttpRequest { .. }
            | LogEventKind::Retry { .. }
            | LogEventKind::BrowserOpened
            | LogEventKind::DeviceCode
    )
}

fn is_success(kind: &LogEventKind) -> bool {
    match kind {
        // The proxy's answer: the host behind it has said nothing yet.
        LogEventKind::HttpResponse { method, status, .. } if method == "CONNECT" && (200..300).contains(status) => {
            false
        }
        LogEventKind::HttpResponse { status, .. } => (200..400).contains(status),
        LogEventKind::TokenReceived | LogEventKind::CacheUsed => true,
        _ => false,
    }
}

/// Whether event `i` is an error (no retry) that nothing behind it made good: an answer of the same host, or a token,
/// unless the host is called with one. Where the command is known to have failed, every error is open.
fn is_open_error(events: &[LogEvent], i: usize, failed: bool) -> bool {
    let Some(event) = events.get(i) else { return false };
    if event.kind.error().is_none() || matches!(event.kind, LogEventKind::Retry { .. }) {
        return false;
    }
    let needs_token =
        event.host.as_deref().and_then(knowledge::endpoint).is_some_and(|e| e.role.is_called_with_a_token());
    let behind = events.get(i.saturating_add(1)..).unwrap_or_default();
    let is_token = |e: &&LogEvent| matches!(e.kind, LogEventKind::TokenReceived | LogEventKind::CacheUsed);
    failed
        || !(behind
            .iter()
            .any(|e| !is_token(&e) && is_success(&e.kind) && (event.host.is_none() || e.host == event.host))
            || !needs_token && is_own_token(event, behind.iter().filter(is_token)))
}

/// Whether one of the tokens is of the failure's own scopes, where both tell theirs; a token for another service does not
/// show that this one was got. Where no token tells, any may be the one.
fn is_own_token<'a>(failed: &LogEvent, tokens: impl Iterator<Item = &'a LogEvent>) -> bool {
    let own = failed.scopes();
    let (mut untold, mut other) = (false, false);
    for token in tokens {
        match (own, token.scopes()) {
            (Some(own), Some(got)) if own == got => return true,
            (Some(_), Some(_)) => other = true,
            _ => untold = true,
        }
    }
    untold && !other
}

/// The event that names the cause best: among the errors since the last success, at the host of the last error, the
/// one whose class says most; the earliest of equals.
fn cause(events: &[LogEvent], last: usize) -> usize {
    let host = events.get(last).and_then(|e| e.host.as_deref());
    let begin = events
        .iter()
        .take(last)
        .rposition(|e| match e.kind {
            LogEventKind::HttpResponse { status, .. } => (200..400).contains(&status),
            LogEventKind::TokenReceived | LogEventKind::Command => true,
            _ => false,
        })
        .map_or(0, |i| i.saturating_add(1));
    let mut best = (last, events.get(last).and_then(|e| e.kind.error()).map_or(0, pattern::weight));
    for (i, event) in events.iter().enumerate().take(last).skip(begin) {
        let same_host = host.is_none() || event.host.is_none() || event.host.as_deref() == host;
        let is_retry = matches!(event.kind, LogEventKind::Retry { .. });
        if let Some(class) = event.kind.error()
            && same_host
            && !is_retry
            && (pattern::weight(class) > best.1 || (pattern::weight(class) == best.1 && best.0 == last))
        {
            best = (i, pattern::weight(class));
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::read_text;

    fn class_at_the_end(text: &str) -> Option<ErrorClass> {
        let facts = read_text(text);
        let attempt = facts.attempts.first().unwrap();
        match attempt.outcome {
            Outcome::Failed { event } => attempt.events.get(event).and_then(|e| e.kind.error()),
            _ => None,
        }
    }

    const REFUSED: &str = "HTTPSConnectionPool(host='management.azure.com', port=443): Max retries exceeded with url: /x (Caused by NewConnectionError('<x>: Failed to establish a new connection: [WinError 10061] refused'))";

    #[test]
    fn what_fails_behind_a_success_is_a_failure() {
        let signed_in = "PS C:\\> Connect-AzAccount\n\nSubscription name Tenant\n----------------- ------\nProd              Contoso\n";
        assert_eq!(class_at_the_end(signed_in), None);
        let then = "Get-AzResourceGroup : No connection could be made because the target machine actively refused it. (management.azure.com:443)\n";
        assert_eq!(class_at_the_end(&format!("{signed_in}{then}")), Some(ErrorClass::ConnectionRefused));
    }

    #[test]
    fn a_token_makes_good_what_failed_on_the_way_to_it_and_nothing_that_needs_one() {
        let log = |failed: &str| {
            format!(
                "DEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\nERROR: {}\nDEBUG: msal.application: Cache hit an AT\n",
                REFUSED.replace("management.azure.com", failed)
            )
        };
        assert_eq!(class_at_the_end(&log("login.microsoftonline.com")), None);
        for called in ["management.azure.com", "graph.microsoft.com"] {
            assert_eq!(class_at_the_end(&log(called)), Some(ErrorClass::ConnectionRefused), "{called}");
        }
    }

    #[test]
    fn a_token_for_another_service_makes_nothing_good() {
        let log = |got: &str| {
            format!(
                "ClientSecretCredential.GetToken was unable to retrieve an access token. Scopes: [ https://a.example/.default ] ParentRequestId:  Exception: System.Net.Http.HttpRequestException: No such host is known. (login.microsoftonline.us:443)\nClientSecretCredential.GetToken succeeded.{got} ParentRequestId:  ExpiresOn: 2026\n"
            )
        };
        assert!(class_at_the_end(&log(" Scopes: [ https://b.example/.default ]")).is_some_and(ErrorClass::is_network));
        assert_eq!(class_at_the_end(&log(" Scopes: [ https://a.example/.default ]")), None);
        assert_eq!(class_at_the_end(&log("")), None, "where none is told, it may be the one");
    }

    #[test]
    fn a_tunnel_is_no_answer_of_the_host_behind_it() {
        let tunnel = "$ curl -v -x http://proxy.example:8080 https://login.microsoftonline.com/\n* Connected to proxy.example (10.0.0.5) port 8080\n> CONNECT login.microsoftonline.com:443 HTTP/1.1\n< HTTP/1.1 200 Connection established\n";
        let of = |text: &str| read_text(text).attempts.first().unwrap().outcome;
        assert!(matches!(of(tunnel), Outcome::Waiting { .. }));
        assert_eq!(of(&format!("{tunnel}> GET / HTTP/1.1\n< HTTP/1.1 200 OK\n")), Outcome::Succeeded);
    }
}
