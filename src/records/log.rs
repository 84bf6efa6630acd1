//! Debug logs and sign-in logs as records, beside those of captures.
//!
//! What enters: the facts of one log. What leaves: a `log_event` for each thing that it tells, in the order of the file,
//! and a `signin` for each sign-in that Entra ID recorded. Texts are free of secrets already: the facts are.

use super::{optional, with};
use crate::facts::log::{Attempt, LogEvent, LogEventKind, LogFacts, LogTime, Outcome, SigninEntry, SigninFacts};
use serde_json::{Map, Value, json};

/// All records of one debug log.
pub fn of_log(path: &str, facts: &LogFacts) -> Vec<Value> {
    let mut out = Vec::new();
    for (number, attempt) in facts.attempts.iter().enumerate() {
        for (index, event) in attempt.events.iter().enumerate() {
            let mut fields = Map::new();
            fields.insert("line".into(), json!(event.line));
            of_attempt(&mut fields, number + 1, attempt);
            of_event(&mut fields, event);
            // What ended the attempt, among all that went wrong on the way.
            if attempt.outcome == (Outcome::Failed { event: index }) {
                fields.insert("cause".into(), json!(true));
            }
            out.push(with(path, "log_event", fields));
        }
    }
    out
}

fn of_attempt(fields: &mut Map<String, Value>, number: usize, attempt: &Attempt) {
    fields.insert("attempt".into(), json!(number));
    fields.insert("dialect".into(), json!(attempt.dialect.code()));
    optional(fields, "command", Some(attempt.command.as_str()).filter(|c| !c.is_empty()));
}

fn of_event(fields: &mut Map<String, Value>, event: &LogEvent) {
    if let Some(time) = event.time {
        fields.insert("time".into(), json!(time.to_string()));
    } else if let Some(LogTime::Local(time)) = event.local {
        // Written as though it were UTC; without the mark of that zone, since it is in none that is known.
        fields.insert("local_time".into(), json!(time.to_string().trim_end_matches('Z')));
    }
    fields.insert("event".into(), json!(event.kind.code()));
    optional(fields, "host", event.host.as_deref());
    if let Some(port) = event.port {
        fields.insert("port".into(), json!(port));
    }
    if let Some(class) = event.kind.error() {
        fields.insert("class".into(), json!(class.code()));
    }
    of_kind(fields, &event.kind);
    fields.insert("text".into(), json!(event.text));
}

/// What only some kinds of events have.
fn of_kind(fields: &mut Map<String, Value>, kind: &LogEventKind) {
    match kind {
        LogEventKind::Connecting { address } | LogEventKind::Connected { address } => {
            optional(fields, "address", address.map(|a| a.to_string()).as_deref());
        }
        LogEventKind::TlsEstablished { version } => optional(fields, "tls_version", Some(version)),
        LogEventKind::HttpRequest { method, path, request_id } => {
            request(fields, method, path);
            optional(fields, "request_id", request_id.as_deref());
        }
        LogEventKind::HttpResponse { method, path, status, duration_ms, bytes, request_id } => {
            request(fields, method, path);
            fields.insert("status".into(), json!(status));
            optional(fields, "request_id", request_id.as_deref());
            for (name, number) in [("duration_ms", duration_ms), ("bytes", bytes)] {
                if let Some(number) = number {
                    fields.insert(name.into(), json!(number));
                }
            }
        }
        LogEventKind::Aadsts { code, trace_id, correlation_id, timestamp } => {
            fields.insert("code".into(), json!(code));
            optional(fields, "trace_id", trace_id.as_deref());
            optional(fields, "correlation_id", correlation_id.as_deref());
            optional(fields, "server_time", timestamp.map(|t| t.to_string()).as_deref());
        }
        LogEventKind::Wam { code: Some(code), .. } => {
            fields.insert("code".into(), json!(code));
        }
        LogEventKind::Proxy { proxy } => optional(fields, "proxy", Some(proxy)),
        LogEventKind::TenantSeen { tenant } => optional(fields, "tenant", Some(tenant)),
        LogEventKind::ServerDate { date } => optional(fields, "server_time", Some(&date.to_string())),
        LogEventKind::Finished { exit_code: Some(code) } => {
            fields.insert("exit_code".into(), json!(code));
        }
        LogEventKind::Wam { code: None, .. }
        | LogEventKind::Finished { exit_code: None }
        | LogEventKind::Command
        | LogEventKind::Retry { .. }
        | LogEventKind::Exception { .. }
        | LogEventKind::BrowserOpened
        | LogEventKind::DeviceCode
        | LogEventKind::BrowserAnswered
        | LogEventKind::AuthorityKnown
        | LogEventKind::TokenReceived
        | LogEventKind::CacheUsed
        | LogEventKind::EntraNamed
        | LogEventKind::Warning => {}
    }
}

fn request(fields: &mut Map<String, Value>, method: &str, path: &str) {
    optional(fields, "method", Some(method).filter(|m| !m.is_empty()));
    optional(fields, "path", Some(path).filter(|p| !p.is_empty()));
}

/// All records of one export of the sign-in log.
pub fn of_signins(path: &str, facts: &SigninFacts) -> Vec<Value> {
    facts.entries.iter().map(|entry| with(path, "signin", of_entry(entry))).collect()
}

fn of_entry(entry: &SigninEntry) -> Map<String, Value> {
    let mut fields = Map::new();
    optional(&mut fields, "time", entry.time.map(|t| t.to_string()).as_deref());
    if let Some(status) = entry.status {
        fields.insert("code".into(), json!(status));
    }
    for (name, value) in [
        ("failure_reason", &entry.failure_reason),
        ("correlation_id", &entry.correlation_id),
        ("request_id", &entry.request_id),
        ("user", &entry.user),
        ("app", &entry.app),
        ("app_id", &entry.app_id),
        ("resource", &entry.resource),
        ("tenant", &entry.tenant),
        ("client_app", &entry.client_app),
        ("user_agent", &entry.user_agent),
        ("os", &entry.os),
        ("conditional_access", &entry.conditional_access),
    ] {
        optional(&mut fields, name, value.as_deref());
    }
    optional(&mut fields, "address", entry.ip.map(|a| a.to_string()).as_deref());
    if entry.legacy_tls {
        fields.insert("legacy_tls".into(), json!(true));
    }
    if let Some(interactive) = entry.interactive {
        fields.insert("interactive".into(), json!(interactive));
    }
    fields
}
