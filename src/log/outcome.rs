//! Events of an attempt → how it ended, and which event names the cause.
//!
//! What enters: an attempt with all its events. What leaves: its [`Outcome`]. Total.

use crate::facts::log::{Attempt, ErrorClass, LogEvent, LogEventKind, Outcome};
use crate::knowledge;
use crate::knowledge::endpoints::Role;
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
            | LogEventKind::Command
    )
}

/// Events that wait for an answer.
fn is_pending(kind: &LogEventKind) -> bool {
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
        event.host.as_deref().and_then(knowledge::endpoint).is_some_and(|e| is_called_with_a_token(e.role));
    failed
        || !events.get(i.saturating_add(1)..).unwrap_or_default().iter().any(|e| match e.kind {
            LogEventKind::TokenReceived | LogEventKind::CacheUsed => !needs_token,
            _ => is_success(&e.kind) && (event.host.is_none() || e.host == event.host),
        })
}

fn is_called_with_a_token(role: Role) -> bool {
    matches!(role, Role::ResourceManager | Role::Graph)
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
}
