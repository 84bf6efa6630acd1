//! Requests and answers that any logger writes on one line: method, address, and the status before or behind them.
//!
//! What enters: a line that names no failure. What leaves: events. An answer shows that its host was reached, whatever a
//! test of the same client met before.

use super::build::Builder;
use super::{other, place};
use crate::facts::log::LogEventKind;

/// Methods of HTTP that clients of a sign-in use.
const METHOD: &str = "GET|POST|PUT|PATCH|DELETE";
/// Numbers that are statuses of HTTP; times and sizes are others mostly.
const STATUS: &str = "20[0-7]|30[0-8]|4(?:0[0-9]|1[0-8]|2[1-9]|31|51)|50[0-8]|511";

// `200 - POST https://…` at the end of a line.
regex!(BEFORE, &format!(r#"\b({STATUS}) (?:- |: )?({METHOD}) (https?://[^\s"'<>]+)["']?\s*$"#));
// `POST https://… HTTP/1.1" 200 OK`, `POST https://… "HTTP/1.1 200 OK"`, `POST https://… -> 200`.
regex!(
    BEHIND,
    &format!(
        r#"\b({METHOD}) (https?://[^\s"'<>]+)["']?(?: ["']?HTTP/[\d.]+["']?)?(?: (?:-|->|=>|:|=|status:?|status code:?|returned))? ["'(\[]?({STATUS})(?:["'\])]?\s*$|[,;"'\])]| [A-Z][A-Za-z]*\b| - | \d{{1,9}}\s*$)"#
    )
);
// `[Request] POST https://…` at the end of a line: whose answer has an address as well.
regex!(REQUEST, &format!(r#"\[(?i:[a-z]{{0,20}} ?request)\] ({METHOD}) (https?://[^\s"'<>]+)["']?\s*$"#));

/// Reads a line that tells a request or its answer with the whole address. False for other lines.
pub(super) fn line(b: &mut Builder, line: &str) -> bool {
    if memchr::memmem::find(line.as_bytes(), b"://").is_none() {
        return false;
    }
    let before = || BEFORE.as_ref()?.captures(line).and_then(|c| Some((c.get(2)?, c.get(3)?, c.get(1))));
    let behind = || BEHIND.as_ref()?.captures(line).and_then(|c| Some((c.get(1)?, c.get(2)?, c.get(3))));
    let request = || REQUEST.as_ref()?.captures(line).and_then(|c| Some((c.get(1)?, c.get(2)?, None)));
    let Some((method, url, status)) = before().or_else(behind).or_else(request) else { return false };
    // What stands before it may be a logger's, but no sentence: that tells of another program, or another machine.
    if !line.get(..method.start()).is_some_and(is_margin) {
        return false;
    }
    let Some(url) = place::urls(url.as_str()).next() else { return false };
    let method = method.as_str().to_owned();
    let kind = match status.and_then(|s| s.as_str().parse().ok()) {
        Some(status) => other::reply(method, url.path, status),
        None => LogEventKind::HttpRequest { method, path: url.path, request_id: None },
    };
    // What fails next is no longer what was answered.
    let is_request = matches!(kind, LogEventKind::HttpRequest { .. });
    b.host = is_request.then(|| (url.host.clone(), url.port.unwrap_or(443)));
    b.event(kind, Some((&url.host, url.port)), line);
    true
}

/// Whether text holds nothing but what loggers put before a message: time stamps, levels and names in brackets or before
/// a colon, a status.
fn is_margin(text: &str) -> bool {
    let is_label = |word: &str| {
        let bare =
            word.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | '"' | '\'' | '-' | '|' | ':'));
        let bracketed = word.starts_with(['[', '(', '<']) || word.ends_with([']', ')', '>']);
        let is_upper = bare.bytes().all(|b| b.is_ascii_uppercase());
        bracketed
            || is_upper
            || word.ends_with(':')
            || bare.starts_with(|c: char| c.is_ascii_digit())
            || bare.contains('.')
    };
    // What watches a service from elsewhere is no client. An address is of somebody whose requests somebody else logs.
    let is_address = |word: &str| word.trim_matches(['[', ']', '(', ')']).parse::<std::net::IpAddr>().is_ok();
    let lower = text.to_ascii_lowercase();
    let is_of_a_watcher = ["monitor", "health", "probe", "uptime"].iter().any(|word| lower.contains(word));
    !is_of_a_watcher && text.split_whitespace().all(|word| is_label(word) && !is_address(word))
}

#[cfg(test)]
mod tests {
    use crate::facts::log::{Attempt, LogEventKind};
    use crate::log::read_text;

    fn answers(text: &str) -> Vec<(u16, Option<String>)> {
        let events = read_text(text).attempts.into_iter().flat_map(|a| a.events);
        let status = |kind: &LogEventKind| match kind {
            LogEventKind::HttpResponse { status, .. } => Some(*status),
            _ => None,
        };
        events.filter_map(|e| Some((status(&e.kind)?, e.host))).collect()
    }

    #[test]
    fn an_answer_with_its_address_is_read_whoever_logs_it() {
        let host = Some("login.microsoftonline.com".to_owned());
        for text in [
            "[info] [Response] 200 - POST https://login.microsoftonline.com/common/oauth2/token?x=1",
            "HTTP Request: POST https://login.microsoftonline.com/common \"HTTP/1.1 200 OK\"",
            "2026-11-02 10:00:00,123 INFO app: \"POST https://login.microsoftonline.com/common HTTP/1.1\" 200 1540",
            "[client] POST https://login.microsoftonline.com/common -> 200",
        ] {
            assert_eq!(answers(text), [(200, host.clone())], "{text}");
        }
        for text in [
            "POST https://login.microsoftonline.com/common 200 ms",
            "POST https://login.microsoftonline.com/common 350",
            "retry 3 of 200: https://login.microsoftonline.com/common",
            "From my phone: GET https://login.microsoftonline.com/common 200 OK",
            "1764547200.123 45 10.0.0.7 TCP_MISS/200 512 GET https://login.microsoftonline.com/common - 200",
        ] {
            assert_eq!(answers(text), [], "{text}");
        }
    }

    #[test]
    fn what_is_asked_next_is_what_fails_next() {
        let facts = read_text(
            "[info] [Response] 200 - GET https://login.microsoftonline.com/common\n\
             [info] [Request] GET https://management.azure.com/tenants\n[error] read ECONNRESET\n",
        );
        let cause = facts.attempts.first().and_then(Attempt::cause);
        assert_eq!(cause.and_then(|e| e.host.as_deref()), Some("management.azure.com"));
    }
}
