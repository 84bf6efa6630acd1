//! Python loggers: Azure CLI (`az … --debug`), MSAL Python, urllib3, Azure SDK for Python.
//!
//! What enters: a line and the collector. What leaves: events. The name of the logger decides what a message means;
//! console, colour, file and `logging.basicConfig` layouts all come down to one `Record`.

use crate::facts::log::{Dialect, ErrorClass, LogEventKind, LogTime, SigninMethod};
use crate::log::build::{Block, Builder};
use crate::log::command::{self, Command};
use crate::log::{az_powershell, other, pattern, place, secret, stamp};
use regex::Regex;
use std::sync::LazyLock;

/// A line of Python's logging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'t> {
    /// Level name; empty in the colour layout, which has none.
    pub level: &'t str,
    /// Name of the logger.
    pub logger: &'t str,
    /// Message.
    pub message: &'t str,
    /// Time, by the wall clock.
    pub time: Option<LogTime>,
}

const LEVEL: &str = "(DEBUG|INFO|WARNING|ERROR|CRITICAL)";

regex!(CONSOLE, &format!(r"^{LEVEL}: ?([A-Za-z_][\w.]*[A-Za-z_]): ?(.*)$"));
regex!(
    COLOUR,
    r"^((?:cli|azure|msal|msal_extensions|urllib3|requests|requests_oauthlib|adal-python|adal|az_command_data_logger|knack|asyncio|msrest|azext_\w+)(?:\.[\w.]+)?)\s?: (.*)$"
);
regex!(
    FILE,
    &format!(
        r"^(?:CMD-LOG-LINE-BEGIN )?\d+ ?[|:] ?(\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d{{1,6}}) ?[|:] ?{LEVEL} ?[|:] ?([\w.]+) ?[|:] ?(.*)$"
    )
);
regex!(
    DATED,
    &format!(
        r"^\[?(\d{{4}}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{{1,6}})?(?:Z|[+-]\d\d:?\d\d)?)\]?\s*[-|:]?\s*\[?{LEVEL}\]?\s*[-|:]?\s*\[?([A-Za-z_][\w.]*)\]?\s?[-|:]\s?(.*)$"
    )
);
regex!(
    DATED_NAME_FIRST,
    &format!(
        r"^\[?(\d{{4}}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{{1,6}})?(?:Z|[+-]\d\d:?\d\d)?)\]?\s*[-|:]?\s*\[?([A-Za-z_][\w.]*)\]?\s*[-|:]?\s*\[?{LEVEL}\]?\s?[-|:]?\s?(.*)$"
    )
);
regex!(
    STARTING,
    r"^(?:Starting new HTTPS? connection \(\d+\)|Resetting dropped connection): ([^\s:]+|\[[^\]]+\])(?::(\d{1,5}))?"
);
regex!(REPLY, r#"^(https?)://([^/\s"]+?)(?::(\d{1,5}))? "([A-Z]+) (\S*) HTTP/[\d.]+" (\d{3})(?: (\d+|None))?"#);
regex!(COMMAND_FILE, r"[/\\\\](\d{4}-\d\d-\d\d)\.(\d\d)-(\d\d)-(\d\d)\.");
regex!(RAN, r"Command ran in ([\d.]+) seconds");
regex!(URL_MESSAGE, r"^Request URL: '([^']*)'");
regex!(HEADER, r"^\s*'([A-Za-z0-9-]+)': '(.*)'$");
regex!(CLI_AGENT, r"AZURECLI/([\w.]+)");
regex!(PYTHON_AGENT, r"Python/([\d.]+\w*)(?: \(([^)]{1,80})\))?");
regex!(MSAL_PYTHON, r"(?i)msal(?:\.python|python)?[/ ]v?(\d+\.\d+[\w.]*)");
regex!(SCOPES, r#"scopes=[\[(]'([^']+)'"#);

/// How names of exceptions end.
const EXCEPTION_ENDS: &[&str] = &["Error", "Exception", "Timeout", "Warning"];

/// Reads the layout of a line; `None` for lines without a logger.
pub(crate) fn record(line: &str) -> Option<Record<'_>> {
    let first = line.bytes().next()?;
    // The type of an exception stands where a logger's name would; modules are written small.
    let is_logger = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_type = last.starts_with(|c: char| c.is_ascii_uppercase());
        !(is_type && EXCEPTION_ENDS.iter().any(|end| last.ends_with(end)))
    };
    let group = |c: &regex::Captures<'_>, i: usize| c.get(i).map(|m| m.range());
    let part = |r: Option<std::ops::Range<usize>>| r.and_then(|r| line.get(r)).unwrap_or_default();
    match first {
        b'D' | b'I' | b'W' | b'E' | b'C' => {
            if let Some(c) = CONSOLE.as_ref()?.captures(line)
                && is_logger(part(group(&c, 2)))
            {
                return Some(Record {
                    level: part(group(&c, 1)),
                    logger: part(group(&c, 2)),
                    message: part(group(&c, 3)),
                    time: None,
                });
            }
        }
        b'a'..=b'z' => {
            let c = COLOUR.as_ref()?.captures(line).filter(|c| is_logger(part(group(c, 1))))?;
            return Some(Record { level: "", logger: part(group(&c, 1)), message: part(group(&c, 2)), time: None });
        }
        b'0'..=b'9' | b'[' => {}
        _ => return None,
    }
    for (regex, level, logger) in [(&FILE, 2, 3), (&DATED, 2, 3), (&DATED_NAME_FIRST, 3, 2)] {
        if let Some(c) = regex.as_ref().and_then(|r| r.captures(line)) {
            return Some(Record {
                level: part(group(&c, level)),
                logger: part(group(&c, logger)),
                message: part(group(&c, 4)),
                time: stamp::iso(part(group(&c, 1))),
            });
        }
    }
    if !line.starts_with("CMD-LOG-LINE-BEGIN") {
        return None;
    }
    let c = FILE.as_ref()?.captures(line)?;
    Some(Record {
        level: part(group(&c, 2)),
        logger: part(group(&c, 3)),
        message: part(group(&c, 4)),
        time: stamp::iso(part(group(&c, 1))),
    })
}

/// Reads one line; false when it is not Python's.
pub(crate) fn line(b: &mut Builder, line: &str) -> bool {
    if let Block::TokenEvent { token } = b.block {
        return token_event(b, token, line);
    }
    let Some(record) = record(line) else { return false };
    b.block = Block::None;
    if let Some(time) = record.time {
        b.stamp(time);
    }
    let logger = record.logger;
    let is_az = logger.starts_with("cli.") || logger == "az_command_data_logger";
    if b.attempt.dialect == Dialect::Other {
        b.attempt.dialect = Dialect::Python;
    }
    if is_az {
        b.speaks(Dialect::AzCli);
    }
    match logger {
        "cli.knack.cli" => knack(b, &record),
        "urllib3.connectionpool" | "requests.packages.urllib3.connectionpool" => connection_pool(b, &record, line),
        "urllib3.util.retry" => {}
        "msal.authority" | "adal-python" | "msal.oauth2cli.oidc" => authority(b, &record, line),
        "msal.application" => application(b, &record, line),
        "msal.telemetry" => {
            if let Some((_, id)) = record.message.split_once("correlation_id: ") {
                b.correlation(id);
            }
        }
        "msal.oauth2cli.authcode" => authcode(b, &record, line),
        "msal.token_cache" if record.message.starts_with("event=") => {
            b.block = Block::TokenEvent { token: record.message.contains("access_token\":") };
            if record.message.trim_end().ends_with('}') {
                let token = record.message.contains("\"access_token\"");
                token_event(b, token, "}");
            }
        }
        "msal.broker" => broker(b, &record, line),
        "cli.azure.cli.core.sdk.policies" | "azure.core.pipeline.policies.http_logging_policy" => {
            policies(b, &record, line);
        }
        "az_command_data_logger" => {
            if let Some(code) = record.message.strip_prefix("exit code: ") {
                b.event(LogEventKind::Finished { exit_code: code.trim().parse().ok() }, None, line);
            } else if record.level == "ERROR" {
                other::free(b, record.message, true);
            }
        }
        _ => general(b, &record, line),
    }
    true
}

/// The command and its events.
fn knack(b: &mut Builder, r: &Record<'_>) {
    let Some(list) = r.message.strip_prefix("Command arguments: ") else { return };
    let words = command::python_list(list);
    let groups = words.iter().take_while(|w| !w.starts_with('-')).take(4).count();
    let name = words.iter().take(groups).fold(String::from("az"), |n, w| n + " " + w);
    let arguments = secret::clean_arguments(words.get(groups..).unwrap_or_default());
    b.begin(Command { dialect: Dialect::AzCli, name, arguments, ran: true });
}

fn connection_pool(b: &mut Builder, r: &Record<'_>, line: &str) {
    let message = r.message;
    if let Some(c) = STARTING.as_ref().and_then(|x| x.captures(message)) {
        let host = c.get(1).map_or("", |m| m.as_str());
        let port = c.get(2).and_then(|p| p.as_str().parse().ok());
        let default = if message.contains("HTTP connection") { 80 } else { 443 };
        b.connecting(host, port.unwrap_or(default), line);
    } else if let Some(c) = REPLY.as_ref().and_then(|x| x.captures(message)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        let port = part(3).parse().unwrap_or(if part(1) == "https" { 443 } else { 80 });
        // Plain HTTP through a proxy: the request itself names the service.
        if part(5).starts_with("http://")
            && let Some(url) = place::urls(part(5)).next()
        {
            b.proxy(&format!("{}:{port}", part(2)), line);
            let (port, status) = (url.port.unwrap_or(80), part(6).parse().unwrap_or(0));
            b.host = Some((url.host.clone(), port));
            if status >= 400 && place::is_of_the_machine(&url.host) {
                // No proxy reaches the machine's own metadata service: the answer is the proxy's.
                b.failure(ErrorClass::ProxyStatus(status), line);
            } else {
                b.event(other::reply(part(4).to_owned(), url.path, status), Some((&url.host, Some(port))), line);
            }
            return;
        }
        b.host = Some((part(2).to_ascii_lowercase(), port));
        let path = part(5).split(['?', '#']).next().unwrap_or_default();
        let kind = LogEventKind::HttpResponse {
            method: part(4).to_owned(),
            path: path.to_owned(),
            status: part(6).parse().unwrap_or(0),
            duration_ms: None,
            bytes: part(7).parse().ok(),
            request_id: None,
        };
        if path.contains("/oauth2/") || path.contains("openid-configuration") {
            b.authority(&format!("{}://{}{}", part(1), part(2), path));
        }
        let host = part(2).to_owned();
        b.event(kind, Some((&host, Some(port))), line);
    } else if message.starts_with("Retrying (") {
        other::retry(b, pattern::classify(message).unwrap_or(ErrorClass::Other), message, line);
    } else {
        general(b, r, line);
    }
}

fn authority(b: &mut Builder, r: &Record<'_>, line: &str) {
    if r.message.contains("authority: http") {
        b.authority(r.message);
    } else if r.message.starts_with("openid_config(") {
        b.authority(r.message);
        let host = b.attempt.authority.clone();
        let short = r.message.split_once(" = ").map_or(r.message, |(head, _)| head);
        b.event(LogEventKind::AuthorityKnown, host.as_deref().map(|h| (h, Some(443))), short);
    } else {
        general(b, r, line);
    }
}

fn application(b: &mut Builder, r: &Record<'_>, line: &str) {
    if let Some(answer) = r.message.strip_prefix("Broker enabled? ") {
        b.attempt.broker = match answer.trim() {
            "True" => Some(true),
            "False" | "None" => Some(false),
            _ => None,
        };
        if b.attempt.broker == Some(true) && b.attempt.method == SigninMethod::Unknown {
            b.attempt.method = SigninMethod::Broker;
        }
    } else if r.message.starts_with("Cache hit an AT") {
        b.event(LogEventKind::CacheUsed, None, line);
    } else {
        general(b, r, line);
    }
}

fn authcode(b: &mut Builder, r: &Record<'_>, line: &str) {
    if r.message.starts_with("Open a browser on this device to visit") || r.message.contains("Using browser") {
        if b.attempt.method == SigninMethod::Unknown {
            b.attempt.method = SigninMethod::Browser;
        }
        let url = place::urls(r.message).next();
        b.authority(r.message);
        let host = url.map(|u| (u.host, u.port));
        // The query holds state, nonce and challenge: nothing that a report needs.
        let short = line.split('?').next().unwrap_or(line);
        b.event(LogEventKind::BrowserOpened, host.as_ref().map(|(h, p)| (h.as_str(), *p)), short);
    } else if r.message.starts_with("Got auth response") {
        b.event(LogEventKind::BrowserAnswered, None, line);
        if r.message.contains("'error'") {
            other::free(b, r.message, true);
        }
    } else {
        general(b, r, line);
    }
}

/// MSAL runtime speaks through this logger: `[MSAL:0003] ERROR  ErrorInternalImpl:134 …`.
fn broker(b: &mut Builder, r: &Record<'_>, line: &str) {
    if r.message.contains("Key: correlation_id, Value: ") {
        if let Some(id) = place::guid(r.message) {
            b.correlation(id);
        }
    } else if r.message.contains("Key: api_error_code, Value: ") || r.message.contains("ERROR") {
        other::wam(b, r.message, line);
    }
}

/// `cli.azure.cli.core.sdk.policies`: requests to Resource Manager, one header a line.
fn policies(b: &mut Builder, r: &Record<'_>, line: &str) {
    let message = r.message;
    if let Some(c) = URL_MESSAGE.as_ref().and_then(|x| x.captures(message)) {
        let url = c.get(1).and_then(|u| place::urls(u.as_str()).next());
        if let Some(url) = url {
            b.host = Some((url.host.clone(), url.port.unwrap_or(443)));
            let kind = LogEventKind::HttpRequest { method: String::new(), path: url.path, request_id: None };
            b.event(kind, Some((&url.host, url.port)), line);
        }
    } else if let Some(method) = message.strip_prefix("Request method: ") {
        if let Some(LogEventKind::HttpRequest { method: m, .. }) = b.attempt.events.last_mut().map(|e| &mut e.kind) {
            *m = method.trim_matches('\'').chars().take(16).collect();
        }
    } else if let Some(c) = HEADER.as_ref().and_then(|x| x.captures(message)) {
        let (name, value) = (c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()));
        header(b, name, value, line);
    } else if let Some(rest) = message.strip_prefix("Response status: ") {
        let status: u16 = rest.trim().parse().unwrap_or(0);
        // urllib3 has already told of this reply; only a log without its lines needs another event.
        let told = b
            .attempt
            .events
            .iter()
            .rev()
            .take(2)
            .any(|e| matches!(e.kind, LogEventKind::HttpResponse { status: s, .. } if s == status));
        if !told {
            let host = b.host.clone();
            let kind = LogEventKind::HttpResponse {
                method: String::new(),
                path: String::new(),
                status,
                duration_ms: None,
                bytes: None,
                request_id: None,
            };
            b.event(kind, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
        }
    } else if message.starts_with('{') || message.starts_with('<') {
        other::body(b, message);
    }
}

/// A header of a request or reply, in any client's log.
pub(crate) fn header(b: &mut Builder, name: &str, value: &str, line: &str) {
    let value = value.trim();
    if let Some(status) = b.answered_by_product(name, value) {
        b.failure(ErrorClass::ProxyStatus(status), line);
        return;
    }
    match name.to_ascii_lowercase().as_str() {
        "date" => {
            if let Some(date) = stamp::http_date(value) {
                let host = b.host.clone();
                b.event(LogEventKind::ServerDate { date }, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
            }
        }
        "x-ms-request-id" => {
            let reply = b.attempt.events.iter_mut().rev().take(4).find_map(|e| match &mut e.kind {
                LogEventKind::HttpResponse { request_id, .. } => Some(request_id),
                _ => None,
            });
            if let Some(id) = reply {
                *id = place::guid(value).map(str::to_ascii_lowercase);
            }
        }
        "x-ms-client-request-id" | "client-request-id" => {
            if let Some(LogEventKind::HttpRequest { request_id, .. }) = b.attempt.events.last_mut().map(|e| &mut e.kind)
            {
                *request_id = place::guid(value).map(str::to_ascii_lowercase);
            }
        }
        "x-ms-ests-server" if b.last_status().is_some_and(|s| s >= 400) => {
            let host = b.host.clone();
            b.event(LogEventKind::EntraNamed, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
        }
        // The page of a proxy that opens TLS, with the status that it gave.
        "x-squid-error" => {
            let status = b.last_status().filter(|s| *s >= 400).unwrap_or(403);
            b.failure(ErrorClass::ProxyStatus(status), line);
        }
        "x-ms-correlation-request-id" => b.correlation(value),
        "user-agent" => agent(b, value),
        _ => {}
    }
}

/// Versions out of a User-Agent.
fn agent(b: &mut Builder, value: &str) {
    let first = |r: &LazyLock<Option<Regex>>, i: usize| {
        Some(r.as_ref()?.captures(value)?.get(i)?.as_str().chars().take(80).collect::<String>())
    };
    let v = &mut b.attempt.versions;
    v.cli = v.cli.take().or_else(|| first(&CLI_AGENT, 1));
    v.runtime = v.runtime.take().or_else(|| first(&PYTHON_AGENT, 1).map(|p| format!("Python {p}")));
    v.os = v.os.take().or_else(|| first(&PYTHON_AGENT, 2));
    v.msal = v.msal.take().or_else(|| first(&MSAL_PYTHON, 1));
    az_powershell::agent(b, value);
}

/// The lines of `event={ … }`; ends at a brace in the first column.
fn token_event(b: &mut Builder, token: bool, line: &str) -> bool {
    let trimmed = line.trim();
    let is_end = line.starts_with('}');
    let is_json = is_end || line.starts_with([' ', '\t']) || trimmed.is_empty();
    if !is_json {
        // Something else broke in.
        b.block = Block::None;
        return false;
    }
    let token = token || trimmed.starts_with("\"access_token\"");
    let value = |key: &str| {
        let rest = trimmed.strip_prefix(key)?.trim_start_matches([':', ' ']);
        Some(rest.trim_matches([',', '"']).to_owned())
    };
    if let Some(url) = value("\"token_endpoint\"") {
        b.authority(&url);
    }
    if let Some(user) = value("\"username\"").filter(|u| u != "null") {
        b.attempt.account.get_or_insert(user);
    }
    if b.attempt.scope.is_none() && trimmed.starts_with("\"https://") {
        b.attempt.scope = Some(trimmed.trim_matches([',', '"']).to_owned());
    }
    if trimmed.contains("AADSTS") {
        other::free(b, trimmed, true);
    }
    if is_end {
        b.block = Block::None;
        if token {
            let host = b.attempt.authority.clone();
            b.event(
                LogEventKind::TokenReceived,
                host.as_deref().map(|h| (h, Some(443))),
                "msal.token_cache: token received",
            );
        }
    } else {
        b.block = Block::TokenEvent { token };
    }
    true
}

/// How credentials of the Azure SDK for Python say that they worked.
const ENDS_WITH_A_TOKEN: &[&str] = &[".get_token succeeded", ".get_token_info succeeded"];

/// Loggers that only name files and functions; their words mean nothing.
const CLERKS: &[&str] = &["binary_cache", "persistence", "token_cache", "breaking_change", "extension", "telemetry"];

/// A record whose logger has no reader of its own.
fn general(b: &mut Builder, r: &Record<'_>, line: &str) {
    let message = r.message;
    let quiet = matches!(r.level, "DEBUG" | "INFO" | "");
    if r.logger.ends_with("azlogging") {
        // The name of the command's log file holds the one wall-clock time of a console log.
        let time = COMMAND_FILE.as_ref().and_then(|x| x.captures(message)).and_then(|c| {
            let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
            stamp::iso(&format!("{} {}:{}:{}", part(1), part(2), part(3), part(4)))
        });
        if let Some(time) = time {
            b.began(time);
        }
        return;
    }
    if quiet && CLERKS.iter().any(|c| r.logger.ends_with(c)) {
        return;
    }
    if let Some(c) = RAN.as_ref().and_then(|x| x.captures(message)) {
        let seconds: f64 = c.get(1).and_then(|s| s.as_str().parse().ok()).unwrap_or(0.0);
        b.attempt.duration_ms = Some((seconds.clamp(0.0, 1e9) * 1000.0) as u64);
        return;
    }
    // Azure SDK for Python, whose chains try one credential after the other.
    if r.logger.starts_with("azure.identity")
        && (message.contains(" acquired a token from ") || ENDS_WITH_A_TOKEN.iter().any(|end| message.ends_with(end)))
    {
        b.event(LogEventKind::TokenReceived, None, line);
        return;
    }
    if message.contains("acquire_token: scopes") && b.attempt.scope.is_none() {
        b.attempt.scope = SCOPES.as_ref().and_then(|x| Some(x.captures(message)?.get(1)?.as_str().to_owned()));
    }
    if b.attempt.method == SigninMethod::Unknown && r.logger.starts_with("cli.azure.cli.core.auth") {
        b.attempt.method = if message.contains("ServicePrincipalCredential") {
            SigninMethod::ServicePrincipal
        } else if message.contains("ManagedIdentity") {
            SigninMethod::ManagedIdentity
        } else {
            SigninMethod::Unknown
        };
    }
    if message.starts_with("Traceback (most recent call last)") {
        b.block = Block::Traceback;
        return;
    }
    // Loggers of .NET have layouts that look like Python's.
    if r.logger.starts_with(|c: char| c.is_ascii_uppercase()) && az_powershell::line(b, message, true) {
        return;
    }
    let is_error = matches!(r.level, "ERROR" | "CRITICAL") || r.logger == "cli.azure.cli.core.azclierror";
    if !other::free(b, message, is_error) && r.level == "WARNING" {
        b.event(LogEventKind::Warning, None, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::Outcome;

    #[test]
    fn a_sign_in_that_worked_after_a_retry_is_no_failure_behind_any_margin() {
        let log = "DEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\n\
            WARNING: urllib3.connectionpool: Retrying (Retry(total=3, connect=3)) after connection broken by 'NameResolutionError(\"<x>: Failed to resolve 'management.azure.com'\")': /tenants\n\
            DEBUG: urllib3.connectionpool: https://management.azure.com:443 \"GET /tenants HTTP/1.1\" 200 2210\n\
            INFO: az_command_data_logger: exit code: 0\n";
        for margin in ["", "app-1  | ", "[10:00:00] ", "Nov 02 10:00:00 build01 azlogin[4242]: ", "##[debug]", "?! "] {
            let text: String = log.lines().map(|line| format!("{margin}{line}\n")).collect();
            let facts = crate::log::read_text(&text);
            let outcomes: Vec<Outcome> = facts.attempts.iter().map(|a| a.outcome).collect();
            assert_eq!(outcomes, [Outcome::Succeeded], "{margin:?}: {facts:#?}");
        }
    }

    #[test]
    fn a_logger_of_dotnet_in_a_layout_like_pythons_is_read_as_dotnets() {
        let line =
            "2026-11-02 10:00:00,000 INFO Azure.Identity: ClientSecretCredential.GetToken succeeded. Scopes: [ x ]";
        let mut b = Builder::default();
        assert!(super::line(&mut b, line));
        assert!(b.attempt.events.iter().any(|e| e.kind == LogEventKind::TokenReceived), "{:#?}", b.attempt);
    }

    #[test]
    fn a_proxy_that_is_asked_for_the_metadata_service_is_who_answers() {
        let class = |host: &str| {
            let text = format!(
                "DEBUG: urllib3.connectionpool: Starting new HTTP connection (1): proxy.corp.example:8080\n\
                 DEBUG: urllib3.connectionpool: http://proxy.corp.example:8080 \"GET http://{host}/metadata/identity HTTP/1.1\" 403 3120\n\
                 ERROR: cli.azure.cli.core.azclierror: Failed to connect to MSI.\n"
            );
            let attempt = crate::log::read_text(&text).attempts.into_iter().next().unwrap_or_default();
            assert_eq!(attempt.proxy.as_deref(), Some("proxy.corp.example:8080"));
            (attempt.first_error().and_then(|e| e.kind.error()), attempt.hosts_answered().len())
        };
        assert_eq!(class("169.254.169.254"), (Some(ErrorClass::ProxyStatus(403)), 0));
        assert_eq!(class("a.example").1, 1);
    }

    #[test]
    fn every_layout_is_one_record() {
        let message = "Starting new HTTPS connection (1): login.microsoftonline.com:443";
        for line in [
            format!("DEBUG: urllib3.connectionpool: {message}"),
            format!("urllib3.connectionpool: {message}"),
            format!("DEBUG:urllib3.connectionpool:{message}"),
            format!("4711 : 2026-11-22 15:13:29,218 : DEBUG : urllib3.connectionpool : {message}"),
            format!("CMD-LOG-LINE-BEGIN 4711 | 2026-11-22 15:13:29,218 | DEBUG | urllib3.connectionpool | {message}"),
            format!("2026-11-22 15:13:29,218 DEBUG urllib3.connectionpool: {message}"),
            format!("2026-11-22 15:13:29,218 - urllib3.connectionpool - DEBUG - {message}"),
            format!("[2026-11-22 15:13:29] [DEBUG] [urllib3.connectionpool]: {message}"),
        ] {
            let r = record(&line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((r.logger, r.message), ("urllib3.connectionpool", message), "{line}");
            assert_eq!(r.time.is_some(), line.contains("2026"), "{line}");
        }
        for line in [
            "azure.core.exceptions.ServiceRequestError: Cannot connect",
            "requests.exceptions.ConnectionError: ('Connection aborted.', x)",
            "ERROR: msrest.exceptions.ClientRequestError: x",
            "ERROR: AADSTS50034: The user",
            "WARNING: text",
            "x",
            "    raise Error: x",
            "https://host: x",
        ] {
            assert_eq!(record(line), None, "{line}");
        }
    }
}
