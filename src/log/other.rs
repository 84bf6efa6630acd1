//! Text of any program: errors that stand alone, curl, Node, Go, .NET, tracebacks, device codes.
//!
//! What enters: a line that no dialect claimed, or the message of a record. What leaves: events.

use crate::facts::log::LogTime;
use crate::facts::log::{Dialect, ErrorClass, LogEventKind, SigninMethod};
use crate::log::build::{Block, Builder};
use crate::log::is;
use crate::log::{answer, az, pattern, place, stamp};

mod broker;
mod dump;
mod wget;

pub(crate) use broker::{names_a_broker, wam};

regex!(CURL_TRYING, r"^\*\s+Trying (\[[^\]]+\]|[0-9A-Fa-f.:]+):(\d{1,5})\.\.\.");
regex!(
    CURL_CONNECTED,
    r"^\* (?:Connected to|Established connection to) (\S+) \((\[?[0-9A-Fa-f.:]+)(?: port \d+)?\]?\)(?: port (\d{1,5}))?"
);
regex!(CURL_TLS, r"^\* SSL connection using (\S+)");
regex!(
    CURL_PROXY,
    r"(?i)^\* (?:Uses proxy env variable \S+ == '([^']+)'|Connected to proxy|Establish(?:ed)? HTTP proxy tunnel to (\S+))"
);
regex!(CURL_REQUEST, r"^> ([A-Z]+) (\S+) HTTP/[\d.]+");
regex!(CURL_REPLY, r"^< HTTP/[\d.]+ (\d{3})");
// Without -v, the answers' own first lines (-i, -I).
regex!(CURL_ANSWER, r"^HTTP/[\d.]+ (\d{3})(?: (.*))?$");
// The fields in them that tell who answered; anything may stand in a body.
regex!(CURL_AUTHOR, r"^(?i)(server|proxy-status|x-ms-ests-server): (.*)$");
regex!(CURL_HEADER, r"^([<>]) ([A-Za-z0-9-]+): (.*)$");
regex!(CURL_URL_RESULT, r"^(https?://\S+) (\d{3})(?: (\d+|\S.*))?$");
regex!(NODE_MSAL, r"^azure:(?:identity|core[\w-]*):(\w+) (.*)$");
regex!(EXIT, r"^\[exit (\d+|timeout), ([\d.]+)s\]$");
// Azure extensions of Visual Studio Code: the failure stands alone on the lines behind.
regex!(REACHING, r#"\bAttempting to reach URL "(https?://[^"\s]+)""#);
// Azure PowerShell tells the end of a tenant in its stream of warnings.
regex!(NO_TOKEN, r"^(?:WARNING: )?Unable to acquire token for tenant '[^']*' with error '(.+?)'?\s*$");
// Microsoft's library for .NET services could not read the document of the authority that it names.
regex!(DOCUMENT, r"\bIDX2080[34]: .*?\b(?:from|at): '(https?://[^'\s]+)'");
regex!(DEVICE, r"(?i)devicelogin|/deviceauth|microsoft\.com/device\b");

// A member of an object in JSON.
regex!(MEMBER, r#"^"[^"]{0,200}"\s*:"#);
// Layouts of Java's loggers begin a line with a word in angle brackets; an element of a page closes, and is in small letters.
regex!(MARKED, r"^<[A-Z][a-z]+[A-Za-z]*> +[^<]*$");

/// Reads one line that no dialect claimed.
pub(crate) fn line(b: &mut Builder, line: &str) {
    if b.block == Block::Traceback {
        if line.starts_with([' ', '\t']) {
            return;
        }
        // The first line in the first column names the exception.
        if !line.is_empty() {
            b.block = Block::None;
            if !free(b, line, false) {
                note_unknown(b, line);
            }
        }
        return;
    }
    if line.starts_with("Traceback (most recent call last)") {
        b.block = Block::Traceback;
        return;
    }
    let text = line.trim_start();
    // Frames of .NET and Java stacks, and Python source echoed without its head.
    if text.is_empty() || (text.len() < line.len() && (text.starts_with("at ") || text.starts_with("File \""))) {
        return;
    }
    if curl(b, line) || node(b, line) || dump::member(b, line) || wget::line(b, line) {
        return;
    }
    if let Some(c) = EXIT.as_ref().and_then(|r| r.captures(line)) {
        let seconds: f64 = c.get(2).and_then(|s| s.as_str().parse().ok()).unwrap_or(0.0);
        b.attempt.duration_ms.get_or_insert((seconds.clamp(0.0, 1e9) * 1000.0) as u64);
        return;
    }
    if let Some(c) = CURL_URL_RESULT.as_ref().and_then(|r| r.captures(line)) {
        // `<url> <status>`: scripts that probe endpoints.
        let url = c.get(1).and_then(|u| place::urls(u.as_str()).next());
        let status: u16 = c.get(2).and_then(|s| s.as_str().parse().ok()).unwrap_or(0);
        if let Some(url) = url
            && (100..600).contains(&status)
        {
            b.event(reply(String::new(), url.path, status), Some((&url.host, url.port)), line);
            return;
        }
    }
    if let Some(rest) = text.strip_prefix('"').filter(|_| !is(&MEMBER, text)) {
        // Somebody put the message into quotation marks; elements of a list are indented.
        if !text.ends_with(',') && text.len() == line.len() {
            free(b, rest.trim_start_matches('"').trim_end_matches('"'), false);
        }
        return;
    }
    // A broker's failure may stand in a string of its own.
    let of_broker = |b: &mut Builder| broker::is_named(text) && wam(b, text, line);
    if text.starts_with(['{', '}', '"', '<']) && !is(&MARKED, text) && !of_broker(b) {
        body(b, text);
        return;
    }
    let reached = REACHING.as_ref().and_then(|r| r.captures(line)?.get(1));
    if let Some(url) = reached.and_then(|u| place::urls(u.as_str()).next()) {
        b.speaks(Dialect::Node);
        b.connecting(&url.host, url.port.unwrap_or(443), line);
        return;
    }
    free(b, line, false);
}

/// A reply without further details.
pub(crate) fn reply(method: String, path: String, status: u16) -> LogEventKind {
    LogEventKind::HttpResponse { method, path, status, duration_ms: None, bytes: None, request_id: None }
}

/// Free text: an answer of Entra ID, a failure with a known cause, a device code. `is_error` when its writer called it
/// an error, so that it is kept without a known cause too. False when nothing was recognised.
pub(crate) fn free(b: &mut Builder, message: &str, is_error: bool) -> bool {
    if b.aadsts_tail(message) {
        return true;
    }
    if let Some(code) = pattern::aadsts(message) {
        b.aadsts(code, message);
        return true;
    }
    if broker::line(b, message) {
        return true;
    }
    if is(&DEVICE, message) {
        b.attempt.method = SigninMethod::DeviceCode;
        b.event(LogEventKind::DeviceCode, None, message);
        return true;
    }
    if message.starts_with("A web browser has been opened at") || message.starts_with("Select the account you want") {
        b.authority(message);
        b.event(LogEventKind::BrowserOpened, None, message.split('?').next().unwrap_or(message));
        return true;
    }
    let document = DOCUMENT.as_ref().and_then(|r| r.captures(message)?.get(1));
    if let Some(url) = document.and_then(|url| place::urls(url.as_str()).next())
        && b.names_what_failed(&url.host, url.port)
    {
        return true;
    }
    if let Some(class) = pattern::classify(message) {
        if RETRYING.iter().any(|words| message.contains(words)) {
            retry(b, class, message, message);
        } else {
            b.failure(class, message);
        }
        return true;
    }
    if answer::line(b, message) {
        return true;
    }
    let untold = NO_TOKEN.as_ref().and_then(|r| Some(r.captures(message)?.get(1)?.as_str()));
    if let Some(text) = untold.or(is_error.then_some(message)) {
        note_unknown(b, text);
        return true;
    }
    false
}

/// Words of a client that goes on after a failure, wherever in a line they stand.
const RETRYING: [&str; 2] = ["Retrying (Retry(", "Incremented Retry for (url="];

/// A failure after which the client tries again by its own account.
pub(crate) fn retry(b: &mut Builder, class: ErrorClass, message: &str, line: &str) {
    let place = place::find(message, class);
    if let Some(proxy) = &place.proxy {
        b.proxy(proxy, line);
    }
    let host = b.host.clone().or_else(|| place.host.map(|(h, p)| (h, p.unwrap_or(443))));
    b.event(LogEventKind::Retry { class }, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
}

/// An error whose cause is not known. Words around a traceback are none.
pub(crate) fn note_unknown(b: &mut Builder, message: &str) {
    let filler = message.starts_with("The command failed with an unexpected error")
        || message.starts_with("To check existing issues")
        || message.starts_with("Traceback")
        || message.starts_with("The above exception")
        || message.starts_with("During handling of")
        || message.contains("handle_exception is called with an exception")
        || message.trim().is_empty();
    if !filler {
        let class = if pattern::is_about_a_connection(message) { ErrorClass::ConnectOther } else { ErrorClass::Other };
        b.failure(class, message);
    }
}

/// A body that a client printed: JSON with an error, or a page of a proxy.
pub(crate) fn body(b: &mut Builder, text: &str) {
    if let Some(code) = pattern::aadsts(text) {
        b.aadsts(code, text);
    } else if text.starts_with('<') {
        let refused = b.last_status().is_some_and(|status| status >= 400);
        match pattern::page(text) {
            // Pages of services are pages too, in answer to a browser, whatever their titles say.
            Some(class) if refused => b.failure(class, text),
            _ => {
                if let Some(title) = pattern::title(text) {
                    b.event(LogEventKind::Warning, None, &format!("HTML answer, title: {title}"));
                }
            }
        }
    } else if (text.contains("\"error\"") || text.starts_with("\"code\"")) && text.len() < 16 << 10 {
        // Only words of OAuth and of throttling count here: a body may talk about anything.
        if let Some(class @ (ErrorClass::OAuth | ErrorClass::HttpStatus(429))) = pattern::classify(text) {
            b.failure(class, text);
        }
    }
}

/// curl -v: `*` notes, `>` request, `<` reply.
fn curl(b: &mut Builder, line: &str) -> bool {
    if let Some(rest) = line.strip_prefix("curl: (") {
        b.speaks(Dialect::Curl);
        let message = rest.split_once(") ").map_or(rest, |(_, m)| m);
        // Without -v only the command line names the host.
        if b.host.is_none()
            && let Some(host) = curl_target(b)
        {
            b.host = Some((host, 443));
        }
        if pattern::classify(line).is_some() || pattern::classify(message).is_some() {
            free(b, line, true);
        } else {
            note_unknown(b, line);
        }
        return true;
    }
    if b.attempt.command == "curl"
        && let Some(c) = CURL_ANSWER.as_ref().and_then(|r| r.captures(line))
    {
        let status: u16 = c.get(1).and_then(|s| s.as_str().parse().ok()).unwrap_or(0);
        // A proxy's answer to CONNECT has words of its own, and stands before all others.
        let is_first = || b.attempt.proxy.is_some() && b.last_status().is_none() && asks_over_tls(b) && status == 200;
        let is_established = || c.get(2).is_some_and(|m| m.as_str().to_lowercase().ends_with("established"));
        let is_tunnel = status == 407 || is_established() || is_first();
        let host = curl_target(b);
        let method = if is_tunnel { "CONNECT" } else { "" };
        if let Some(host) = host.as_ref().filter(|_| b.host.is_none()) {
            b.host = Some((host.clone(), 443));
        }
        b.event(reply(method.to_owned(), String::new(), status), host.as_deref().map(|h| (h, None)), line);
        return true;
    }
    if b.attempt.command == "curl"
        && b.fresh_reply().is_some()
        && let Some(c) = CURL_AUTHOR.as_ref().and_then(|r| r.captures(line))
    {
        az::header(b, c.get(1).map_or("", |m| m.as_str()), c.get(2).map_or("", |m| m.as_str()), line);
        return true;
    }
    let Some(first) = line.chars().next() else { return false };
    if !matches!(first, '*' | '<' | '>') || !matches!(line.as_bytes().get(1), Some(b' ')) {
        // `{ [5 bytes data]`, `} [5 bytes data]`.
        return (first == '{' || first == '}') && line.ends_with("bytes data]");
    }
    if first == '<' && !matches!(b.attempt.dialect, Dialect::Curl | Dialect::Other) {
        return false;
    }
    if let Some(c) = CURL_TRYING.as_ref().and_then(|r| r.captures(line)) {
        b.speaks(Dialect::Curl);
        let address = c.get(1).and_then(|a| place::bare(a.as_str()).parse().ok());
        let port: u16 = c.get(2).and_then(|p| p.as_str().parse().ok()).unwrap_or(443);
        // curl names the host only once connected; the command line has it.
        b.target = b.target.take().or_else(|| curl_target(b));
        let proxy = b.attempt.proxy.as_deref().map(|p| p.rsplit_once(':').map_or(p, |(h, _)| h).to_owned());
        let host = proxy.or_else(|| b.target.clone()).unwrap_or_default();
        b.host = (!host.is_empty()).then(|| (host.clone(), port));
        b.event(LogEventKind::Connecting { address }, (!host.is_empty()).then_some((host.as_str(), Some(port))), line);
    } else if let Some(c) = CURL_CONNECTED.as_ref().and_then(|r| r.captures(line)) {
        b.speaks(Dialect::Curl);
        let host = c.get(1).map_or("", |m| m.as_str()).to_ascii_lowercase();
        let address = c.get(2).and_then(|a| place::bare(a.as_str()).parse().ok());
        let port = c.get(3).and_then(|p| p.as_str().parse().ok());
        b.host = Some((host.clone(), port.unwrap_or(443)));
        b.event(LogEventKind::Connected { address }, Some((&host, port)), line);
    } else if let Some(c) = CURL_TLS.as_ref().and_then(|r| r.captures(line)) {
        let version = c.get(1).map_or("", |m| m.as_str()).to_owned();
        let host = b.host.clone();
        b.event(LogEventKind::TlsEstablished { version }, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
    } else if let Some(c) = CURL_PROXY.as_ref().and_then(|r| r.captures(line)) {
        if let Some(proxy) = c.get(1) {
            b.proxy(proxy.as_str(), line);
        } else if c.get(2).is_some() {
            // What curl connected to before a tunnel is the proxy.
            let connected = b.attempt.events.iter().rev().find(|e| matches!(e.kind, LogEventKind::Connected { .. }));
            let proxy = connected.and_then(|e| e.host.as_ref().map(|h| (h.clone(), e.port)));
            if let Some((host, port)) = proxy {
                b.proxy(&port.map_or_else(|| host.clone(), |p| format!("{host}:{p}")), line);
            }
        }
    } else if let Some(c) = CURL_REQUEST.as_ref().and_then(|r| r.captures(line)) {
        let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
        let target = part(2).split(['?', '#']).next().unwrap_or_default().to_owned();
        if part(1) == "CONNECT" {
            let (host, port) = target.rsplit_once(':').unwrap_or((&target, "443"));
            b.host = Some((host.to_ascii_lowercase(), port.parse().unwrap_or(443)));
        }
        let host = b.host.clone();
        b.event(
            LogEventKind::HttpRequest { method: part(1).to_owned(), path: target, request_id: None },
            host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))),
            line,
        );
    } else if let Some(c) = CURL_REPLY.as_ref().and_then(|r| r.captures(line)) {
        let status: u16 = c.get(1).and_then(|s| s.as_str().parse().ok()).unwrap_or(0);
        let asked = b.attempt.events.iter().rev().find_map(|e| match &e.kind {
            LogEventKind::HttpRequest { method, path, .. } => Some((method.clone(), path.clone())),
            _ => None,
        });
        let (method, path) = asked.unwrap_or_default();
        let host = b.host.clone();
        let host = host.as_ref().map(|(h, p)| (h.as_str(), Some(*p)));
        b.event(reply(method, path, status), host, line);
    } else if let Some(c) = CURL_HEADER
        .as_ref()
        .filter(|_| first == '<' || b.attempt.dialect == Dialect::Curl)
        .and_then(|r| r.captures(line))
    {
        if c.get(1).is_some_and(|m| m.as_str() == "<") {
            let part = |i: usize| c.get(i).map_or("", |m| m.as_str());
            let (name, value) = (part(2).to_owned(), part(3).to_owned());
            az::header(b, &name, &value, line);
        }
    } else if line.starts_with("* Issue another request to this URL") {
        b.target = place::urls(line).next().map(|u| u.host);
    } else if line.starts_with("* TLSv") || line.starts_with("*  ") || line.starts_with("* ALPN") {
        // Progress of a handshake and fields of a certificate.
    } else if b.attempt.dialect != Dialect::Curl {
        // A point of a list, or a line that a mail quotes.
        free(b, line.get(2..).unwrap_or_default(), false);
    } else if let Some(class) = pattern::classify(line) {
        b.failure(class, line);
    }
    true
}

/// The host that the curl command asked for.
fn curl_target(b: &Builder) -> Option<String> {
    curl_url(b).and_then(|url| place::urls(url).next()).map(|url| url.host)
}

/// Whether it asked for one that a proxy has to make a tunnel to.
fn asks_over_tls(b: &Builder) -> bool {
    curl_url(b).is_some_and(|url| url.starts_with("https://"))
}

/// The URL that the curl command asked for.
fn curl_url(b: &Builder) -> Option<&str> {
    // Values of options may be URLs too: a proxy, a referrer.
    const WITH_URL: [&str; 10] = [
        "-x",
        "--proxy",
        "--preproxy",
        "-e",
        "--referer",
        "--socks4",
        "--socks4a",
        "--socks5",
        "--socks5-hostname",
        "--doh-url",
    ];
    let mut is_value = false;
    for argument in &b.attempt.arguments {
        if !is_value && place::urls(argument).next().is_some() {
            return Some(argument);
        }
        is_value = WITH_URL.contains(&argument.as_str());
    }
    None
}

/// Azure SDK for JavaScript: `azure:identity:info … MSAL Node V2 … message: [Sun, 22 Nov 2026 15:11:01 GMT] : …`.
fn node(b: &mut Builder, line: &str) -> bool {
    let Some(c) = NODE_MSAL.as_ref().and_then(|r| r.captures(line)) else { return false };
    b.speaks(Dialect::Node);
    if let Some(t) = stamp::http_date(line) {
        b.stamp(LogTime::Utc(t));
    }
    let message = c.get(2).map_or("", |m| m.as_str());
    let is_error = c.get(1).is_some_and(|l| matches!(l.as_str(), "error" | "warning"));
    if let Some(id) = message.split_once("] : [").and_then(|(_, rest)| place::guid(rest)) {
        b.correlation(id);
    }
    if message.contains("getToken() => SUCCESS") || message.contains("SUCCESS. Scopes") {
        b.event(LogEventKind::TokenReceived, None, line);
    } else {
        free(b, message, is_error && message.contains("ERROR"));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::Outcome;

    fn read(text: &str) -> crate::facts::log::LogFacts {
        crate::log::read_text(text)
    }

    #[test]
    fn a_line_that_says_it_tries_again_is_no_failure_wherever_it_stands() {
        let facts = read("job 7: Retrying (Retry(total=3)) after connection broken by 'ConnectTimeoutError(x)': /a\n");
        let kinds: Vec<_> = facts.attempts.iter().flat_map(|a| &a.events).map(|e| e.kind.clone()).collect();
        assert_eq!(kinds, [LogEventKind::Retry { class: ErrorClass::ConnectTimeout }]);
    }

    #[test]
    fn a_message_in_quotation_marks_is_read_and_an_element_of_a_list_is_not() {
        let class = |text: &str| read(text).attempts.first().and_then(|a| a.error_class());
        let message = "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): [Errno 111] Connection refused";
        for (open, close) in [("\"", "\""), ("\"\"\"", "\"\"\""), ("“", "”")] {
            assert_eq!(class(&format!("{open}{message}{close}\n")), Some(ErrorClass::ConnectionRefused), "{open}");
        }
        assert_eq!(
            class("<CausedBy> java.net.ConnectException: Connection refused\n"),
            Some(ErrorClass::ConnectionRefused)
        );
        for text in
            [format!("[\n  \"{message}\"\n]"), format!("x\n\"detail\": \"{message}\"\n"), format!("x\n<p> {message}")]
        {
            assert_eq!(class(&text), None, "{text}");
        }
    }

    #[test]
    fn the_first_lines_of_answers_are_curls_where_it_was_called() {
        let answered = |text: &str| -> Vec<(String, u16, Option<String>)> {
            let events = read(text).attempts.into_iter().flat_map(|a| a.events);
            let of = |kind: LogEventKind, host| match kind {
                LogEventKind::HttpResponse { method, status, .. } => Some((method, status, host)),
                _ => None,
            };
            events.filter_map(|e| of(e.kind, e.host)).collect()
        };
        let host = Some("graph.microsoft.com".to_owned());
        let answer = "HTTP/1.1 200 OK\nContent-Type: application/json\nRetry-After: 5\n\n";
        let direct = format!("$ curl -i https://graph.microsoft.com/\n{answer}");
        assert_eq!(answered(&direct), [(String::new(), 200, host.clone())]);
        assert!(read(&direct).attempts.iter().all(|a| a.first_error().is_none()), "fields are no errors");
        let tunnel = "$ curl -i -x http://proxy.example:8080 https://graph.microsoft.com/\nHTTP/1.1 200 Connection established\n\n";
        assert_eq!(answered(tunnel), [("CONNECT".to_owned(), 200, host.clone())]);
        // Some proxies have no words for it; what they bring afterwards is the host's.
        let bare = tunnel.replace("200 Connection established", "200 OK");
        assert_eq!(answered(&bare), [("CONNECT".to_owned(), 200, host.clone())]);
        let both = format!("{bare}HTTP/1.1 302 Found\n");
        assert_eq!(answered(&both).get(1), Some(&(String::new(), 302, host)));
        let class = |text: &str| read(text).attempts.first().and_then(|a| a.error_class());
        let refused =
            "$ curl -i https://login.microsoftonline.com/\nHTTP/1.1 503 Service Unavailable\nServer: squid/4.1\n\n";
        assert_eq!(class(refused), Some(ErrorClass::ProxyStatus(503)));
        let cause = |text: &str| read(text).attempts.first().and_then(|a| a.cause()?.host.clone());
        assert_eq!(cause(refused).as_deref(), Some("login.microsoftonline.com"));
        assert_eq!(class(&refused.replace("squid/4.1", "Microsoft-IIS/10.0")), None);
        assert_eq!(answered(answer), []);
    }

    #[test]
    fn marks_of_curl_are_its_own_only_in_its_transcript() {
        let class = |text: &str| read(text).attempts.first().and_then(|a| a.error_class());
        assert_eq!(class("* AADSTS50076: more is needed\n"), Some(ErrorClass::Aadsts(50076)));
        assert_eq!(class("*   Trying 192.0.2.1:443...\n> GET / HTTP/1.1\n> X-Note: Connection refused\n"), None);
    }

    #[test]
    fn curl_says_what_it_connected_to() {
        let facts = read(
            "$ curl -v https://management.azure.com/\n\
             *   Trying 4.150.240.10:443...\n\
             * connect to 4.150.240.10 port 443 failed: Connection refused\n\
             curl: (7) Failed to connect to management.azure.com port 443 after 29 ms: Couldn't connect to server\n",
        );
        let attempt = facts.attempts.first().unwrap();
        assert_eq!(attempt.dialect, Dialect::Curl);
        assert_eq!(attempt.error_class(), Some(ErrorClass::ConnectionRefused));
        assert_eq!(attempt.cause().and_then(|e| e.host.as_deref()), Some("management.azure.com"));
    }

    #[test]
    fn source_lines_of_a_traceback_are_no_errors() {
        let facts = read(
            "Traceback (most recent call last):\n  File \"x.py\", line 1, in f\n    raise ConnectTimeoutError(\n\
             urllib3.exceptions.NameResolutionError: Failed to resolve 'graph.microsoft.com' ([Errno -2] Name or service not known)\n",
        );
        let attempt = facts.attempts.first().unwrap();
        assert_eq!(attempt.events.len(), 1, "{attempt:#?}");
        assert!(matches!(attempt.outcome, Outcome::Failed { event: 0 }));
    }

    #[test]
    fn a_metadata_service_tried_in_a_chain_is_no_cause() {
        let failed = "ManagedIdentityCredential authentication unavailable.\n \
             ---> System.Net.Http.HttpRequestException: A socket operation was attempted to an unreachable network. (169.254.169.254:80)\n";
        let alone = read(failed);
        let cause = alone.attempts.first().and_then(|a| a.error_class());
        assert_eq!(cause, Some(ErrorClass::NetworkUnreachable));
        let chained = read(&format!("DEBUG: DefaultAzureCredential.GetToken invoked. Scopes: [ x ]\n{failed}"));
        let cause = chained.attempts.first().and_then(|a| a.error_class());
        assert_ne!(cause, Some(ErrorClass::NetworkUnreachable));
    }

    #[test]
    fn a_proxy_that_dotnet_names_in_parentheses_is_the_proxy() {
        let facts = read(
            "DEBUG: Request [11111111-2222-3333-4444-555555555555] GET https://login.microsoftonline.com/common/discovery/instance\n\
             client assembly: Azure.Identity\n\
             DEBUG: Request [11111111-2222-3333-4444-555555555555] exception System.Net.Http.HttpRequestException: No such host is known. (proxy.corp.example:8080)\n \
             ---> System.Net.Sockets.SocketException (11001): No such host is known.\n",
        );
        let attempt = facts.attempts.first().unwrap();
        assert_eq!(attempt.proxy.as_deref(), Some("proxy.corp.example:8080"));
        assert_eq!(attempt.error_class(), Some(ErrorClass::ProxyNameNotResolved));
        assert_eq!(attempt.cause().and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
    }

    #[test]
    fn a_place_asked_after_an_answer_is_no_proxy() {
        let proxy = |answer: &str, at: &str| {
            let facts = read(&format!(
                "PS C:\\> Connect-AzAccount -Debug\n\
                 DEBUG: Request [0a6f2f61-4c1e-4f0d-8a35-0c6c8b6b7d11] GET https://login.microsoftonline.com/common/userrealm/a\n{answer}\
                 Connect-AzAccount : No connection could be made because the target machine actively refused it. ({at})\n"
            ));
            facts.attempts.first().and_then(|a| a.proxy.clone())
        };
        let answer = "DEBUG: Response [0a6f2f61-4c1e-4f0d-8a35-0c6c8b6b7d11] 200 OK (00.2s)\n";
        assert_eq!(proxy("", "proxy.corp.example:8080").as_deref(), Some("proxy.corp.example:8080"));
        assert_eq!(proxy(answer, "sql.corp.example:1433"), None);
        assert_eq!(proxy("", "sts.contoso.com:49443"), None);
    }

    #[test]
    fn an_extension_says_whom_it_asks_on_the_line_before() {
        let facts = read(
            "2026-11-02 10:00:00.000 [info] Attempting to reach URL \"https://login.microsoftonline.com/\"...\n\
             2026-11-02 10:00:00.100 [error] certificate has expired\n",
        );
        let cause = facts.attempts.first().and_then(crate::facts::log::Attempt::cause);
        assert_eq!(cause.and_then(|e| e.host.as_deref()), Some("login.microsoftonline.com"));
    }

    #[test]
    fn a_token_that_was_not_got_is_a_failure_whatever_the_words_are() {
        let facts =
            read("WARNING: Unable to acquire token for tenant 'a.example' with error 'Entry point was not found.'\n");
        let attempt = facts.attempts.first().unwrap();
        assert_eq!(attempt.error_class(), Some(ErrorClass::Other));
        assert_eq!(attempt.cause().map(|e| e.text.as_str()), Some("Entry point was not found."));
    }

    #[test]
    fn a_page_with_a_good_status_is_no_failure() {
        let class = |status: u16, title: &str| {
            let facts = read(&format!(
                "$ curl -v https://graph.microsoft.com/\n* Connected to graph.microsoft.com (192.0.2.9) port 443 (#0)\n\
                 > GET / HTTP/1.1\n< HTTP/1.1 {status} X\n<html><head><title>{title}</title></head></html>\n"
            ));
            facts.attempts.first().and_then(|a| a.error_class())
        };
        assert_eq!(class(200, "Web Filter administration"), None);
        assert_eq!(class(200, "Guest access"), None);
        assert_eq!(class(403, "Web Page Blocked"), Some(ErrorClass::BlockPage));
    }

    #[test]
    fn a_page_in_place_of_an_answer_is_told_by_who_wrote_it() {
        let asked = "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\n\
             DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 \"GET /organizations/v2.0/.well-known/openid-configuration HTTP/1.1\" 302 0\n";
        let class = |rest: &str| read(&format!("{asked}{rest}")).attempts.first().and_then(|a| a.error_class());
        let failed =
            "ValueError: Unable to get authority configuration for https://login.microsoftonline.com/organizations.\n";
        let portal = "DEBUG: urllib3.connectionpool: Starting new HTTP connection (1): portal.hotel.example:80\n\
             DEBUG: urllib3.connectionpool: http://portal.hotel.example:80 \"GET /login HTTP/1.1\" 200 900\n";
        assert_eq!(class(&format!("{portal}{failed}")), Some(ErrorClass::CaptivePortal));
        // Entra ID sends nobody elsewhere for its metadata.
        assert_eq!(class(failed), Some(ErrorClass::AnswerUnplaced(Some(302))));
        let json = "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n";
        assert_eq!(class(json), Some(ErrorClass::AnswerUnplaced(Some(302))));
        let profile = read(json).attempts.first().and_then(|a| a.error_class());
        assert_eq!(profile, Some(ErrorClass::Other));
    }
}
