//! Azure PowerShell and what lies below it: Azure.Core, Azure.Identity, MSAL.NET, ADAL, Resource Manager tracing.
//!
//! What enters: a line, its stream prefix (`DEBUG: `, translated or missing) already cut off. What leaves: events.

use crate::facts::log::{Dialect, ErrorClass, LogEventKind, LogTime, SigninMethod};
use crate::log::build::{Block, Builder, HttpBlock};
use crate::log::command::Command;
use crate::log::{az, other, pattern, place, stamp};
use regex::Regex;
use std::sync::LazyLock;

// `{pii} MSAL {version} {sku} {runtime} {os} [{utc} - {correlation}] {text}`; a wrapped line may lack the end.
regex!(
    MSAL,
    r"^(?:\w+: )?\(?(?:True|False)\)? MSAL (\d[\w.]*) (MSAL\.\w+) (.{0,120}?)\s*\[([^\]]*?)(?:\]|$)(?: ?\([^)]*\))? ?(.*)$"
);
regex!(MSAL_RUNTIME, r"^((?:\.NET(?: Framework| Core)? )?\d+(?:\.[\d.]+)?(?: or later)?)?\s*(.*)$");
regex!(ADAL, r"^\[ADAL\]: (\w+): (\S+): ([0-9a-fA-F-]{36})? ?- ?(.*)$");
regex!(REQUEST, r"^Request \[([0-9a-fA-F-]{36})\] ([A-Z]+) (https?://\S+)");
regex!(RESPONSE, r"^(?:Error response|Response) \[([0-9a-fA-F-]{36})\] (\d{3})\b.*?(?:\(([\d.,]+)s\))?\s*$");
regex!(REQUEST_FAILED, r"^Request \[([0-9a-fA-F-]{36})\] (?:exception|failed|retry)\b\s*(.*)$");
regex!(ARM_HEAD, r"^=+ HTTP (REQUEST|RESPONSE) =+$");
regex!(PARAMETER_SET, r"^(\w+?)(?:Command)? begin processing with ParameterSet '([^']*)'");
regex!(TENANT, r"TenantId:\s?'([^']+)'");
regex!(SCOPES, r"Scopes: ?\[? ?'?([^\s'\],]+)");
regex!(PARENT, r"^(\w+Credential)\.(Authenticate|GetToken)(?:Async)? (invoked|succeeded|was unable|failed)\b(.*)$");
regex!(PS_AGENT, r"PSVersion/v?([\d.]+)");
regex!(AZ_MODULE, r"Az\.Accounts/([\d.]+)");
regex!(GRAPH_MODULE, r"(?i)(?:graph-powershell-v?|Microsoft\.Graph\.Authentication[/ ])([\d.]+)");
regex!(NET_AGENT, r"\((\.NET[^;)]{0,40}); ([^)]{1,80})\)");
regex!(HTTP_STATUS_LOG, r"(?i)Response status code does not indicate success: (\d{3})|Status ?code:? (\d{3})");

/// Reads one line; false when it is none of these.
pub(crate) fn line(b: &mut Builder, line: &str, prefixed: bool) -> bool {
    let is_unknown = b.attempt.dialect == Dialect::Other;
    if msal(b, line) || azure_core(b, line) {
        // PowerShell shows what its libraries write in a stream; programs write it as it is.
        b.attempt.by_library |= is_unknown && !prefixed;
        return true;
    }
    b.attempt.by_library &= !prefixed;
    if arm_head(b, line) {
        return true;
    }
    if let Block::Http(_) = b.block {
        // A record of another stream ends a block whose headers were not closed by an empty line.
        if prefixed {
            b.block = Block::None;
        } else {
            return http_line(b, line);
        }
    }
    if let Some((time, rest)) = stamp::time_of_day(line) {
        b.stamp(time);
        b.speaks(Dialect::AzPowerShell);
        b.attempt.by_library = false;
        return timed(b, rest, line) || {
            other::free(b, rest, false);
            true
        };
    }
    if let Some(c) = PARENT.as_ref().and_then(|r| r.captures(line)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        credential(b, part(1), part(3), part(4), line);
        b.attempt.by_library |= is_unknown && !prefixed;
        return true;
    }
    if let Some(c) = ADAL.as_ref().and_then(|r| r.captures(line)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        b.speaks(Dialect::AzPowerShell);
        b.attempt.versions.msal.get_or_insert_with(|| "ADAL".to_owned());
        if let Some(time) = stamp::iso(part(2)) {
            b.stamp(time);
        }
        b.correlation(part(3));
        adal(b, part(4), line);
        return true;
    }
    if let Some(rest) = line.strip_prefix("[Common.Authentication]: ") {
        b.speaks(Dialect::AzPowerShell);
        b.attempt.by_library = false;
        if rest.contains("Authority '") {
            b.authority(rest);
        }
        if rest.contains("Received exception") || rest.contains("exception") {
            other::free(b, rest, false);
        }
        return true;
    }
    false
}

/// MSAL.NET: its stamps are UTC, by the clock of the client.
fn msal(b: &mut Builder, line: &str) -> bool {
    if !line.contains(" MSAL ") {
        return false;
    }
    let Some(c) = MSAL.as_ref().and_then(|r| r.captures(line)) else { return false };
    let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
    b.block = Block::None;
    if b.attempt.dialect == Dialect::Other {
        b.attempt.dialect = Dialect::AzPowerShell;
    }
    let bracket = part(4);
    match stamp::iso(bracket) {
        Some(LogTime::Utc(t) | LogTime::Local(t)) => b.stamp(LogTime::Utc(t)),
        _ => {
            if let Some(t) = stamp::slashed(bracket) {
                b.stamp(LogTime::Utc(t));
            }
        }
    }
    if let Some(id) = place::guid(bracket) {
        b.correlation(id);
    }
    let v = &mut b.attempt.versions;
    if v.msal.is_none() {
        v.msal = Some(format!("{} ({})", part(1), part(2)));
        if let Some(c) = MSAL_RUNTIME.as_ref().and_then(|r| r.captures(part(3))) {
            let runtime = c.get(1).map_or("", |m| m.as_str());
            let os = c.get(2).map_or("", |m| m.as_str());
            if !runtime.is_empty() {
                let name = if runtime.starts_with('.') { String::new() } else { ".NET Framework ".to_owned() };
                v.runtime.get_or_insert(name + runtime);
            }
            if !os.is_empty() {
                v.os.get_or_insert_with(|| os.to_owned());
            }
        }
    }
    let text = part(5).to_owned();
    msal_text(b, &text, line);
    true
}

/// What a message of MSAL.NET means.
fn msal_text(b: &mut Builder, text: &str, line: &str) {
    let has = |words: &str| text.contains(words);
    if has("=== Token Acquisition finished successfully") || has("Token of type 'Bearer' acquired") {
        b.event(LogEventKind::TokenReceived, None, line);
    } else if has("Saving token response to cache") {
        let host = b.host.clone();
        b.event(LogEventKind::TokenReceived, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
    } else if has("Access token is not expired. Returning the found cache entry") || has("Token source: Cache") {
        b.event(LogEventKind::CacheUsed, None, line);
    } else if has("Using system browser") || has("Listening for authorization code") || has("Using legacy embedded") {
        if b.attempt.method == SigninMethod::Unknown {
            b.attempt.method = SigninMethod::Browser;
        }
        if !b.attempt.events.iter().rev().take(4).any(|e| e.kind == LogEventKind::BrowserOpened) {
            b.event(LogEventKind::BrowserOpened, None, line);
        }
    } else if has("authorization code was retrieved") || has("Processing a response message") {
        if !b.attempt.events.iter().rev().take(4).any(|e| e.kind == LogEventKind::BrowserAnswered) {
            b.event(LogEventKind::BrowserAnswered, None, line);
        }
    } else if has("Broker is configured") || has("Can invoke broker") || has("[RuntimeBroker]") || has("[WamBroker]") {
        b.attempt.broker = Some(true);
        if matches!(b.attempt.method, SigninMethod::Unknown | SigninMethod::Browser) {
            b.attempt.method = SigninMethod::Broker;
        }
        broker_text(b, text, line);
    } else if has("Sending request") || has("Fetching instance discovery from the network") {
        if let Some(url) = place::urls(text).next() {
            b.connecting(&url.host, url.port.unwrap_or(443), line);
        }
    } else if has("WAM Error") || has("Status: Response_Status") {
        other::wam(b, text, line);
    } else if has("Exception") || has("rror") || has("failed") || has("AADSTS") || has("timed out") {
        other::free(b, text, false);
    } else if has("Authority Host:") || has("Authority - http") || has("Authority: http") {
        b.authority(text);
    }
}

fn broker_text(b: &mut Builder, text: &str, line: &str) {
    if text.contains("rror") && !other::wam(b, text, line) {
        other::free(b, text, false);
    }
}

/// Azure.Core: `Request [id] POST url`, `Response [id] 200 OK (00.5s)`, then headers.
fn azure_core(b: &mut Builder, line: &str) -> bool {
    if let Some(c) = REQUEST.as_ref().and_then(|r| r.captures(line)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        let Some(url) = place::urls(part(3)).next() else { return false };
        if b.attempt.dialect == Dialect::Other {
            b.attempt.dialect = Dialect::AzPowerShell;
        }
        b.authority(part(3));
        b.host = Some((url.host.clone(), url.port.unwrap_or(443)));
        let kind = LogEventKind::HttpRequest {
            method: part(2).to_owned(),
            path: url.path,
            request_id: Some(part(1).to_ascii_lowercase()),
        };
        let event = b.event(kind, Some((&url.host, url.port)), line);
        b.block = Block::Http(HttpBlock { event, ..HttpBlock::default() });
        return true;
    }
    if let Some(c) = RESPONSE.as_ref().and_then(|r| r.captures(line)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        let id = part(1).to_ascii_lowercase();
        // Requests overlap; the id tells which one is answered.
        let asked = b.attempt.events.iter().rev().find_map(|e| match &e.kind {
            LogEventKind::HttpRequest { method, path, request_id } if request_id.as_deref() == Some(&id) => {
                Some((method.clone(), path.clone(), e.host.clone(), e.port))
            }
            _ => None,
        });
        let (method, path, host, port) = asked.unwrap_or_default();
        if let Some(host) = &host {
            b.host = Some((host.clone(), port.unwrap_or(443)));
        }
        let seconds: Option<f64> = part(3).replace(',', ".").parse().ok();
        let kind = LogEventKind::HttpResponse {
            method,
            path,
            status: part(2).parse().unwrap_or(0),
            duration_ms: seconds.map(|s| (s.clamp(0.0, 1e9) * 1000.0) as u64),
            bytes: None,
            request_id: None,
        };
        let event = b.event(kind, host.as_deref().map(|h| (h, port)), line);
        b.block = Block::Http(HttpBlock { event, reply: true, ..HttpBlock::default() });
        return true;
    }
    if let Some(c) = REQUEST_FAILED.as_ref().and_then(|r| r.captures(line)) {
        let rest = c.get(2).map_or("", |m| m.as_str());
        b.block = Block::None;
        // A request that ended in an exception got no answer, whatever its words are.
        if !other::free(b, rest, false) && !rest.is_empty() {
            b.failure(ErrorClass::ConnectOther, rest);
        }
        return true;
    }
    false
}

/// Resource Manager tracing of Azure PowerShell and Graph PowerShell: headings with their values below.
fn arm_head(b: &mut Builder, line: &str) -> bool {
    let Some(c) = ARM_HEAD.as_ref().and_then(|r| r.captures(line)) else { return false };
    let reply = c.get(1).is_some_and(|m| m.as_str() == "RESPONSE");
    b.block = Block::Http(HttpBlock { reply, arm: true, ..HttpBlock::default() });
    true
}

/// A line inside a request or reply.
fn http_line(b: &mut Builder, line: &str) -> bool {
    let Block::Http(mut block) = std::mem::take(&mut b.block) else { return false };
    let text = line.trim();
    if !block.arm {
        if text.is_empty() {
            return true;
        }
        let Some((name, value)) = text.split_once(':').filter(|(n, _)| is_header_name(n)) else {
            // `client assembly: Azure.Identity` is the last line of a request.
            if text.starts_with("client assembly:") {
                b.block = Block::Http(block);
                return true;
            }
            return false;
        };
        az::header(b, name, value, line);
        length(b, &block, name, value);
        b.block = Block::Http(block);
        return true;
    }
    const HEADINGS: [&str; 5] = ["HTTP Method", "Absolute Uri", "Headers", "Body", "Status Code"];
    if let Some(heading) = text.strip_suffix(':').filter(|t| HEADINGS.contains(t)) {
        block.heading = heading.to_ascii_lowercase();
        b.block = Block::Http(block);
        return true;
    }
    match block.heading.as_str() {
        _ if text.is_empty() => {}
        "http method" => block.method = text.chars().take(16).collect(),
        "absolute uri" => {
            if let Some(url) = place::urls(text).next() {
                b.host = Some((url.host.clone(), url.port.unwrap_or(443)));
                let method = block.method.clone();
                let kind = LogEventKind::HttpRequest { method, path: url.path, request_id: None };
                block.event = b.event(kind, Some((&url.host, url.port)), line);
            }
        }
        "status code" => {
            let asked = b.attempt.events.iter().rev().find_map(|e| match &e.kind {
                LogEventKind::HttpRequest { method, path, .. } => {
                    Some((method.clone(), path.clone(), e.host.clone(), e.port))
                }
                _ => None,
            });
            let (method, path, host, port) = asked.unwrap_or_default();
            let kind = other::reply(method, path, status_by_name(text));
            block.event = b.event(kind, host.as_deref().map(|h| (h, port)), line);
        }
        "headers" => {
            if let Some((name, value)) = text.split_once(':') {
                az::header(b, name.trim(), value, line);
                length(b, &block, name.trim(), value);
            }
        }
        "body" => other::body(b, text),
        _ => {}
    }
    b.block = Block::Http(block);
    true
}

fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.len() < 64 && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Content-Length of a reply is its byte count.
fn length(b: &mut Builder, block: &HttpBlock, name: &str, value: &str) {
    if !block.reply || !name.eq_ignore_ascii_case("content-length") {
        return;
    }
    let event = block.event.and_then(|i| b.attempt.events.get_mut(i));
    if let Some(LogEventKind::HttpResponse { bytes, .. }) = event.map(|e| &mut e.kind) {
        *bytes = value.trim().parse().ok();
    }
}

/// .NET prints the name of its HttpStatusCode; newer code the number.
pub(crate) fn status_by_name(text: &str) -> u16 {
    const NAMES: &[(&str, u16)] = &[
        ("OK", 200),
        ("Created", 201),
        ("Accepted", 202),
        ("NoContent", 204),
        ("MovedPermanently", 301),
        ("Moved", 301),
        ("Found", 302),
        ("Redirect", 302),
        ("SeeOther", 303),
        ("NotModified", 304),
        ("TemporaryRedirect", 307),
        ("BadRequest", 400),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("NotFound", 404),
        ("MethodNotAllowed", 405),
        ("ProxyAuthenticationRequired", 407),
        ("RequestTimeout", 408),
        ("Conflict", 409),
        ("Gone", 410),
        ("TooManyRequests", 429),
        ("InternalServerError", 500),
        ("BadGateway", 502),
        ("ServiceUnavailable", 503),
        ("GatewayTimeout", 504),
    ];
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .ok()
        .or_else(|| NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(text)).map(|(_, s)| *s))
        .unwrap_or(0)
}

/// Lines with a time of day in front: the cmdlet's own trace.
fn timed(b: &mut Builder, rest: &str, line: &str) -> bool {
    if let Some(c) = PARAMETER_SET.as_ref().and_then(|r| r.captures(rest)) {
        let (cmdlet, set) = (c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()));
        // It prints the failure of the command before it.
        if cmdlet == "ResolveError" {
            return true;
        }
        let name = match cmdlet {
            "ConnectAzureRmAccount" => "Connect-AzAccount",
            "GetAzureRmAccessToken" | "GetAzAccessToken" => "Get-AzAccessToken",
            other => other,
        };
        b.begin(Command { dialect: Dialect::AzPowerShell, name: name.to_owned(), arguments: Vec::new(), ran: true });
        // `begin` forgets nothing of the stamp: it belongs to the new attempt.
        if let Some((time, _)) = stamp::time_of_day(line) {
            b.stamp(time);
        }
        by_parameter_set(b, set);
        return true;
    }
    if let Some(tenant) = TENANT.as_ref().and_then(|r| r.captures(rest)).and_then(|c| c.get(1)) {
        let tenant = tenant.as_str().to_owned();
        b.tenant(&tenant);
        b.event(LogEventKind::TenantSeen { tenant }, None, line);
        by_credential(b, rest);
        return true;
    }
    if rest.contains("using account id '") {
        let account = rest.split('\'').nth(1).unwrap_or_default();
        if !account.is_empty() {
            b.attempt.account.get_or_insert_with(|| account.to_owned());
        }
        return true;
    }
    if rest.contains("end processing") {
        return true;
    }
    false
}

fn by_parameter_set(b: &mut Builder, set: &str) {
    if b.attempt.method != SigninMethod::Unknown {
        return;
    }
    b.attempt.method = if set.contains("ServicePrincipal") || set.contains("ClientAssertion") {
        SigninMethod::ServicePrincipal
    } else if set.contains("ManagedService") {
        SigninMethod::ManagedIdentity
    } else if set.contains("AccessToken") {
        SigninMethod::AccessToken
    } else {
        SigninMethod::Unknown
    };
}

fn by_credential(b: &mut Builder, text: &str) {
    let found = [
        ("DeviceCode", SigninMethod::DeviceCode),
        ("InteractiveBrowser", SigninMethod::Browser),
        ("UsernamePassword", SigninMethod::Password),
        ("ClientSecret", SigninMethod::ServicePrincipal),
        ("ClientCertificate", SigninMethod::ServicePrincipal),
        ("ClientAssertion", SigninMethod::ServicePrincipal),
        ("ManagedIdentity", SigninMethod::ManagedIdentity),
    ]
    .into_iter()
    .find(|(word, _)| text.contains(word));
    if let Some((_, method)) = found
        && b.attempt.method == SigninMethod::Unknown
    {
        b.attempt.method = method;
    }
}

/// Azure.Identity: `XCredential.Authenticate invoked|succeeded|failed`.
fn credential(b: &mut Builder, name: &str, what: &str, rest: &str, line: &str) {
    if b.attempt.dialect == Dialect::Other {
        b.attempt.dialect = Dialect::AzPowerShell;
    }
    by_credential(b, name);
    if b.attempt.scope.is_none() {
        b.attempt.scope = SCOPES.as_ref().and_then(|r| Some(r.captures(rest)?.get(1)?.as_str().to_owned()));
    }
    match what {
        "succeeded" => {
            b.event(LogEventKind::TokenReceived, None, line);
        }
        "invoked" => {}
        _ => {
            other::free(b, line, true);
        }
    }
}

/// ADAL: old modules.
fn adal(b: &mut Builder, text: &str, line: &str) {
    if text.contains("Access Token with expiration time") && text.contains("returned") {
        b.event(LogEventKind::TokenReceived, None, line);
    } else if text.contains("Authority: http") || text.contains("authority 'http") {
        b.authority(text);
    } else if let Some(c) = HTTP_STATUS_LOG.as_ref().and_then(|r| r.captures(text)) {
        let status: u16 = c.iter().skip(1).flatten().next().and_then(|s| s.as_str().parse().ok()).unwrap_or(0);
        if pattern::aadsts(text).is_none() && status >= 400 {
            b.failure(ErrorClass::HttpStatus(status), line);
            return;
        }
        other::free(b, text, false);
    } else {
        other::free(b, text, false);
    }
}

/// Versions out of a User-Agent of a .NET client.
pub(crate) fn agent(b: &mut Builder, value: &str) {
    let first = |r: &LazyLock<Option<Regex>>, i: usize| {
        Some(r.as_ref()?.captures(value)?.get(i)?.as_str().trim().chars().take(80).collect::<String>())
    };
    let v = &mut b.attempt.versions;
    v.powershell = v.powershell.take().or_else(|| first(&PS_AGENT, 1));
    v.module = v
        .module
        .take()
        .or_else(|| first(&AZ_MODULE, 1).map(|m| format!("Az.Accounts {m}")))
        .or_else(|| first(&GRAPH_MODULE, 1).map(|m| format!("Microsoft.Graph.Authentication {m}")));
    v.runtime = v.runtime.take().or_else(|| first(&NET_AGENT, 1));
    v.os = v.os.take().or_else(|| first(&NET_AGENT, 2));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::{Clock, Outcome};

    const G: &str = "36f4ece9-0538-4374-8041-19032190f070";

    #[test]
    fn a_failed_connect_is_read_with_times_versions_and_hosts() {
        let text = format!(
            "PS C:\\> Connect-AzAccount -Debug -Tenant contoso.com\n\
             DEBUG: 10:15:04 AM - ConnectAzureRmAccountCommand begin processing with ParameterSet 'UserWithSubscriptionId'.\n\
             DEBUG: 10:15:05 AM - [InteractiveUserAuthenticator] Calling InteractiveBrowserCredential.AuthenticateAsync with TenantId:'contoso.com', Scopes:'https://management.core.windows.net//.default'\n\
             DEBUG: Request [{G}] POST https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token?x=1\n\
             x-client-SKU:REDACTED\n\
             User-Agent:azsdk-net-Identity/1.13.0 (.NET 9.0.10; Microsoft Windows 10.0.26200)\n\
             client assembly: Azure.Identity\n\
             DEBUG: Response [{G}] 200 OK (00.5s)\n\
             x-ms-request-id:d12cf30e-e3b1-4d66-9d5b-bc56edbb0900\n\
             Date:Tue, 03 Feb 2026 18:15:07 GMT\n\
             Content-Length:6776\n\
             \n\
             DEBUG: False MSAL 4.65.0.0 MSAL.CoreCLR .NET 9.0.10 Microsoft Windows 10.0.26200 [2026-02-03 18:15:09Z - e193e6d7-c40e-4c1b-a983-5a6b8aa85f2f] Saving token response to cache..\n\
             DEBUG: ============================ HTTP REQUEST ============================\n\
             \n\
             HTTP Method:\n\
             GET\n\
             \n\
             Absolute Uri:\n\
             https://management.azure.com/tenants?api-version=2021-01-01\n\
             \n\
             Connect-AzAccount : A connection attempt failed because the connected party did not properly respond after a period of time (management.azure.com:443)\n"
        );
        let facts = crate::log::read_text(&text);
        assert_eq!(facts.attempts.len(), 1, "{facts:#?}");
        let a = facts.attempts.first().unwrap();
        assert_eq!(a.dialect, Dialect::AzPowerShell);
        assert_eq!(a.command, "Connect-AzAccount");
        assert_eq!(a.tenant_asked.as_deref(), Some("contoso.com"));
        assert_eq!(a.tenant_used.as_deref(), Some("contoso.com"));
        assert_eq!(a.versions.msal.as_deref(), Some("4.65.0.0 (MSAL.CoreCLR)"));
        assert_eq!(a.versions.runtime.as_deref(), Some(".NET 9.0.10"));
        assert_eq!(a.versions.os.as_deref(), Some("Microsoft Windows 10.0.26200"));
        assert_eq!(a.error_class(), Some(ErrorClass::ConnectTimeout));
        assert_eq!(a.cause().and_then(|e| e.host.as_deref()), Some("management.azure.com"));
        assert!(matches!(a.outcome, Outcome::Failed { .. }));
        assert_eq!(facts.utc_offset_minutes, Some(-8 * 60));
        assert!(a.has_token());
        let reply = a.events.iter().find_map(|e| match &e.kind {
            LogEventKind::HttpResponse { duration_ms, bytes, status, .. } => Some((*duration_ms, *bytes, *status)),
            _ => None,
        });
        assert_eq!(reply, Some((Some(500), Some(6776), 200)));
        assert!(facts.stamps().iter().any(|s| s.clock == Clock::Server));
        assert_eq!(facts.client_ahead_nanos(), Some(2_000_000_000));
    }

    #[test]
    fn lines_of_a_library_outside_a_stream_tell_no_tool() {
        let msal = "False MSAL 4.65.0.0 MSAL.NetCore .NET 8.0.11 Ubuntu 22.04 [2026-02-03 18:15:09Z - e193e6d7-c40e-4c1b-a983-5a6b8aa85f2f] Exception type: Microsoft.Identity.Client.MsalClientException\n";
        let request = "Request [11111111-2222-3333-4444-555555555555] GET https://login.microsoftonline.com/common/discovery/instance\n";
        let tool = |text: &str| crate::log::read_text(text).attempts.first().and_then(|a| a.tool());
        for line in [msal, request] {
            assert_eq!(tool(line), None, "{line}");
            assert_eq!(tool(&format!("DEBUG: {line}")), Some(Dialect::AzPowerShell), "{line}");
            assert_eq!(tool(&format!("PS C:\\> Connect-AzAccount\n{line}")), Some(Dialect::AzPowerShell), "{line}");
            let timed = format!("{line}\n[Common.Authentication]: Authenticating\n");
            assert_eq!(tool(&timed), Some(Dialect::AzPowerShell), "{line}");
        }
    }

    #[test]
    fn prefixes_may_be_missing_or_translated() {
        let msal = "False MSAL 4.65.0.0 MSAL.Desktop 4.8 or later Windows 10 Enterprise [2026-02-03 18:15:09Z - e193e6d7-c40e-4c1b-a983-5a6b8aa85f2f] Using system browser.";
        for prefix in ["", "DEBUG: ", "デバッグ: ", "DÉBOGUER : "] {
            let facts = crate::log::read_text(&format!("{prefix}{msal}\n"));
            let a = facts.attempts.first().unwrap_or_else(|| panic!("{prefix}"));
            assert_eq!(a.versions.runtime.as_deref(), Some(".NET Framework 4.8 or later"));
            assert_eq!(a.versions.os.as_deref(), Some("Windows 10 Enterprise"));
            assert_eq!(a.method, SigninMethod::Browser);
        }
    }
}
