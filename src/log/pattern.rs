//! Error text → cause: what a message means, whatever client, version and language wrote it.
//!
//! What enters: one line (or a few joined ones). What leaves: an [`ErrorClass`], or `None` for text that names no
//! failure. Numbers (WinError, errno, HRESULT, WinHTTP, WAM) decide before words, because Windows translates its words
//! and never its numbers. Knowledge is in tables; the order of the words is the order of precedence.

use crate::facts::log::{BrokerFault, ErrorClass, NameFault, ProxyFault, TrustFault};
use crate::log::az_powershell::status_by_name;
use crate::log::is;
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use std::sync::LazyLock;

mod numbers;
mod page;
mod unknown;
mod words;

pub use numbers::broker;
use numbers::{hresult, socket_code, win32, winhttp};
pub(crate) use page::{page, title};
pub(crate) use unknown::{is_about_a_connection, is_answer_of_a_service, tells_no_sender};
use words::WORDS;

use ErrorClass as E;

/// Bytes of the automaton that finds the words: all its states fit, so that it is never built twice.
const WORD_CACHE_BYTES: usize = 32 << 20;

static WORD_SET: LazyLock<(Option<Regex>, RegexSet)> = LazyLock::new(|| {
    // Word boundaries by ASCII letters: the Unicode ones would send every line with a translated word the slow way.
    let patterns: Vec<String> = WORDS.iter().map(|(p, _)| p.replace(r"\b", r"(?-u:\b)")).collect();
    let any = RegexBuilder::new(&patterns.join("|")).case_insensitive(true).dfa_size_limit(WORD_CACHE_BYTES).build();
    let set = RegexSetBuilder::new(patterns).case_insensitive(true).dfa_size_limit(WORD_CACHE_BYTES).build();
    (any.ok(), set.unwrap_or_else(|_| RegexSet::empty()))
});
regex!(
    PROXY_CONTEXT,
    r"(?i)ProxyError|ProxyConnectException|to proxy\b|proxy tunnel request|proxyconnect|ERR_PROXY|ERR_TUNNEL|from proxy|could not resolve proxy|proxy '[^']*' failed|failed to connect to proxy|HttpProxyError|proxy CONNECT|CONNECT tunnel failed|tunneling socket|socks connect tcp \S+: (?:dial|read|EOF)|SOCKSHTTPS?Connection object.*connection: \[(?:Errno|WinError) "
);
regex!(
    TUNNEL_STATUS,
    r"(?i)(?:tunnel connection failed: |CONNECT tunnel failed, response |Received HTTP code |failed with status code '|tunneling socket could not be established, statusCode=|Proxy response \(|HttpProxyConnectException: [^\n]*, status: |Proxy returns .HTTP/1\.[01] )(\d{3})"
);
// Go gives a proxy's refusal of CONNECT as the bare words of its status.
regex!(
    GO_STATUS,
    r#"\b(?:Get|Post|Put|Patch|Head|Delete) \\?"?https://[^"\\\s]+?(?:\\?")?: (Proxy Authentication Required|Forbidden|Bad Gateway|Service Unavailable|Gateway Timeout)\s*$"#
);
// A gateway's page about the host that it could not reach; services do not say so of themselves.
regex!(
    GATEWAY,
    r"(?i)\b(50[234])\b[^\n]{0,200}(?:<title>\s*could not connect|could not connect to the server [^\w\n]{0,3}(?:quot;)?_?[\w-]{1,63}\.[\w-]{1,63}\.?[\w.-]*)"
);
regex!(
    PROXY_AUTH,
    r"\(407\)|\b407 \(?Proxy|status(?: ?code)?[: =]+'?407\b|ProxyAuthenticationRequired|ERR_PROXY_AUTH|[Ff]ailed to authenticate with proxy"
);
regex!(
    SOCKET_CODE,
    r"(?i)\bWinError (-?\d+)|\[Errno (-?\d+)\]|\b(?:SocketException|socket error|SocketErrorCode|NativeErrorCode)[^\d\n]{0,20}\(?(\d{5})\b|Connection(?:Reset|Aborted|Refused)Error\((\d+)|\b(?:TimeoutError|OSError|gaierror|SocketError)\((-?\d+),|\((\d{5})\)"
);
regex!(HRESULT, r"(?i)\b0x([89c][0-9a-f]{7})\b");
regex!(
    WINHTTP,
    r"(?i)(?:WinHttp|ERROR_WINHTTP|ERROR_INTERNET|WININET)[^\d\n]{0,60}\b(12[01]\d\d)\b|\berror:? (12[01]\d\d)\b|\bエラー:? ?(12[01]\d\d)\b"
);
regex!(
    UNREAD_JSON,
    r"JSONDecodeError|Expecting value: line|[Uu]nexpected character encountered while parsing|Unexpected token|not valid JSON|non_parsable|json_parse_failed|invalid start of a value"
);
regex!(SSL_ALERT_NUMBER, r"(?i)SSL alert number (\d{1,3})");
regex!(AADSTS, r"AADSTS(\d{4,9})");
// .NET Framework gives a proxy's answer to CONNECT and a service's with the same words; in every language the number stands
// alone in brackets.
const IN_BRACKETS: &str = r"^(?:[a-z]+(?:-[a-z]+)? ?: )?[^\n:()]{3,80}[:.：] ?\((403|407|5\d\d)\) ?\p{L}";
const RETURNED: &str = "returned an error: |エラーを返しました: ?|retourné une erreur ?: ?|Fehler zurückgegeben: ?";
regex!(
    HTTP_ERROR,
    &format!(
        r"(?i){IN_BRACKETS}|(?:{RETURNED}|does not indicate success: |HTTP status: |status code:? |invalid status '|StatusCode: ?|ErrorCode: )\(?(\d{{3}})\b"
    )
);

// The same with the name of the code, as newer modules print it.
regex!(NAMED_STATUS, r"does not indicate success: ([A-Z][A-Za-z]+) \(");

// What broke off a request, which urllib3 frames in the words of a connection whatever it was.
regex!(WINSOCK, r"\bNone, (1[01]\d{3})\b");
regex!(ABORTED, r#"Connection aborted\.?['"], ?(\w+)\((?:(\d+),)?"#);
// urllib3 counts the answers that it would not have.
regex!(TOO_MANY, r"too many ([45]\d\d) error responses");

/// The cause that `text` names. AADSTS numbers win over everything: they are the answer of the service.
pub fn classify(text: &str) -> Option<ErrorClass> {
    if let Some(code) = aadsts(text) {
        return Some(E::Aadsts(code));
    }
    // Plain looks before patterns: most lines of a log name no failure at all.
    let has = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let may_be_proxy = has("roxy") || has("PROXY") || has("unnel") || has("TUNNEL") || has("Received HTTP code");
    // What a SOCKS server itself reports has no number of the system; a number is of the connection to it.
    let may_be_proxy = may_be_proxy || has("socks connect") || has("SOCKSHTTP");
    let proxy = may_be_proxy && is(&PROXY_CONTEXT, text);
    if may_be_proxy
        && let Some(status) = number(&TUNNEL_STATUS, text)
        && (proxy || !text.contains("Received HTTP code"))
    {
        return Some(E::ProxyStatus(status));
    }
    if (has("ould not connect") || has("ould Not Connect"))
        && let Some(status) = number(&GATEWAY, text)
    {
        return Some(E::ProxyStatus(status));
    }
    if has("https://")
        && let Some(status) = GO_STATUS.as_ref().and_then(|r| r.captures(text)?.get(1))
    {
        return Some(E::ProxyStatus(match status.as_str() {
            "Proxy Authentication Required" => 407,
            "Bad Gateway" => 502,
            "Service Unavailable" => 503,
            "Gateway Timeout" => 504,
            _ => 403,
        }));
    }
    if (has("407") || has("ProxyAuthenticationRequired") || has("ERR_PROXY_AUTH") || has("authenticate with proxy"))
        && is(&PROXY_AUTH, text)
    {
        return Some(E::ProxyStatus(407));
    }
    // A page is a page, whatever stands in it; urllib3's objects have angle brackets too.
    if has("<")
        && let Some(class) = page(text)
    {
        return Some(class);
    }
    if has("error responses")
        && let Some(status) = number(&TOO_MANY, text)
    {
        return Some(E::HttpStatus(status));
    }
    let words = match words(text) {
        None | Some(E::ConnectOther) if has("onnection aborted") => Some(aborted(text)),
        words => words,
    };
    let numbers = text.bytes().any(|b| b.is_ascii_digit());
    let class = if numbers { merge(words, by_number(text)) } else { words };
    // The name of an exception says less than the status that it carries.
    let class = match class {
        None | Some(E::Other) => match number(&HTTP_ERROR, text).or_else(|| named_status(text)) {
            Some(status) if (400..600).contains(&status) => Some(E::HttpStatus(status)),
            _ => class,
        },
        _ => class,
    };
    match class {
        // The name of an exception that is not told further, around the words of a socket in any language.
        Some(E::Other) if is_about_a_connection(text) => Some(E::ConnectOther),
        Some(class) if proxy => Some(at_proxy(class, text)),
        None if proxy && text.contains("rror") => Some(E::ProxyOther),
        other => other,
    }
}

/// What broke off a request that no words name better: the peer, a file of the client's own that its TLS needs (of keys, of
/// certificates), or what nobody knows.
fn aborted(text: &str) -> ErrorClass {
    let Some(by) = ABORTED.as_ref().and_then(|r| r.captures(text)) else { return E::ConnectionClosed };
    let part = |i: usize| by.get(i).map_or("", |m| m.as_str());
    // Windows' own number stands behind words that it translates, and tells more than Python's.
    let windows = WINSOCK.as_ref().and_then(|r| r.captures(text)?.get(1)?.as_str().parse().ok());
    if let Some(class) = windows.and_then(|code| numbers::socket_code(code, text)) {
        return class;
    }
    match (part(1), part(2)) {
        ("timeout" | "TimeoutError", _) => E::Timeout,
        ("FileNotFoundError" | "IsADirectoryError" | "NotADirectoryError", _) => E::CaBundleBroken,
        // Numbers of files; a socket that the machine forbids has words of its own.
        ("PermissionError", "13") | ("OSError" | "IOError", "2" | "20" | "21") => E::CaBundleBroken,
        // Python's for a connection that ends within TLS.
        ("OSError" | "error", "0") | ("BadStatusLine", _) => E::ConnectionClosed,
        (name, _) if name.starts_with("Connection") || name.starts_with("BrokenPipe") => E::ConnectionClosed,
        _ => E::ConnectOther,
    }
}

/// The status that .NET gives by the name of its code.
fn named_status(text: &str) -> Option<u16> {
    memchr::memmem::find(text.as_bytes(), b"not indicate success")?;
    Some(status_by_name(NAMED_STATUS.as_ref()?.captures(text)?.get(1)?.as_str()))
}

/// Whether `text` says that JSON was expected and something else came.
pub(crate) fn is_unread_json(text: &str) -> bool {
    is(&UNREAD_JSON, text)
}

/// The first of the words in `text`, by precedence. Whether there is any is asked first, which is much quicker.
fn words(text: &str) -> Option<ErrorClass> {
    let (any, set) = &*WORD_SET;
    if !any.as_ref()?.is_match(text) {
        return None;
    }
    set.matches(text).into_iter().next().and_then(|i| WORDS.get(i)).map(|(_, class)| *class)
}

/// The AADSTS number in `text`.
pub fn aadsts(text: &str) -> Option<u32> {
    // A cheap look first: most lines have none.
    memchr::memmem::find(text.as_bytes(), b"AADSTS")?;
    AADSTS.as_ref()?.captures(text)?.get(1)?.as_str().parse().ok()
}

/// Numbers decide over words, except where the words say more about the same thing.
fn merge(words: Option<ErrorClass>, number: Option<ErrorClass>) -> Option<ErrorClass> {
    match (words, number) {
        (None, n) => n,
        (w, None) => w,
        // A reset, a timeout during a handshake: the TLS words are the frame, the number the cause.
        (Some(E::TlsOther | E::ConnectOther | E::Timeout | E::ConnectionClosed | E::OAuth | E::BrowserLeg), n) => n,
        (Some(E::NameNotResolved(NameFault::Unspecified)), n @ Some(E::NameNotResolved(_))) => n,
        (Some(E::CertificateUntrusted(TrustFault::Unspecified)), n @ Some(E::CertificateUntrusted(_))) => n,
        (w @ Some(E::CertificateUntrusted(_) | E::CaBundleBroken | E::TlsVersion | E::TlsEof), _) => w,
        (_, n @ Some(E::Broker(BrokerFault::Unspecified))) => words.or(n),
        (_, n) => n,
    }
}

/// What `class` means when it happened between the client and its proxy.
pub(crate) fn at_proxy(class: ErrorClass, text: &str) -> ErrorClass {
    match class {
        E::ConnectionRefused => E::ProxyUnreachable(ProxyFault::Refused),
        E::ConnectTimeout | E::Timeout => E::ProxyUnreachable(ProxyFault::Timeout),
        E::ConnectionReset | E::ConnectionClosed => E::ProxyUnreachable(ProxyFault::Reset),
        E::NetworkUnreachable => E::ProxyUnreachable(ProxyFault::NoRoute),
        E::NameNotResolved(_) => E::ProxyNameNotResolved,
        E::ConnectOther => {
            if text.contains("NewConnectionError") || text.contains("ERR_PROXY_CONNECTION_FAILED") {
                E::ProxyUnreachable(ProxyFault::Unspecified)
            } else {
                E::ProxyOther
            }
        }
        // urllib3 2 and Go tell a tunnel's TLS from the one to a proxy that is set with https://.
        E::CertificateUntrusted(_) if is_tls_to_proxy(text) => E::ProxyUnreachable(ProxyFault::Certificate),
        E::TlsNotSpoken | E::TlsEof | E::TlsOther | E::TlsVersion if is_tls_to_proxy(text) => {
            E::ProxyUnreachable(ProxyFault::Tls)
        }
        // A read that ran out after CONNECT: the class says it already.
        other => other,
    }
}

fn is_tls_to_proxy(text: &str) -> bool {
    // urllib3 1.26 says only what it concludes.
    const SAYS: [&str; 3] = ["Unable to connect to proxy", "proxyconnect tcp: tls: ", "proxy appears to only use HTTP"];
    SAYS.iter().any(|words| text.contains(words))
}

/// The first number that `regex` captures.
fn number<T: std::str::FromStr>(regex: &LazyLock<Option<Regex>>, text: &str) -> Option<T> {
    let captures = regex.as_ref()?.captures(text)?;
    captures.iter().skip(1).flatten().next()?.as_str().parse().ok()
}

fn by_number(text: &str) -> Option<ErrorClass> {
    if let Some(alert) = number::<u8>(&SSL_ALERT_NUMBER, text) {
        return Some(if alert == 70 { E::TlsVersion } else { E::TlsAlert(Some(alert)) });
    }
    let sockets = SOCKET_CODE.as_ref().and_then(|regex| {
        regex.captures_iter(text).find_map(|c| {
            let code = c.iter().skip(1).flatten().next()?.as_str().parse::<i32>().ok()?;
            if c.get(1).is_some() { win32(code) } else { socket_code(code, text) }
        })
    });
    if sockets.is_some() {
        return sockets;
    }
    if let Some(class) = HRESULT.as_ref().and_then(|regex| {
        regex.captures_iter(text).find_map(|c| hresult(u32::from_str_radix(c.get(1)?.as_str(), 16).ok()?))
    }) {
        return Some(class);
    }
    number(&WINHTTP, text).and_then(winhttp)
}

/// How much a class says about the cause, for choosing among the errors of one failure: more is better.
pub fn weight(class: ErrorClass) -> u8 {
    match class {
        E::Other => 0,
        E::HttpStatus(_) => 1,
        E::OAuth | E::ConnectOther => 2,
        E::AuthorityDiscovery | E::BrowserLeg | E::Timeout | E::UserCancelled | E::Broker(BrokerFault::Unspecified) => {
            3
        }
        E::TlsOther | E::ProxyOther | E::ConnectionClosed | E::ForeignPage | E::AnswerUnplaced(_) => 4,
        E::CertificateUntrusted(TrustFault::Unspecified)
        | E::NameNotResolved(NameFault::Unspecified)
        | E::Broker(_) => 5,
        E::Aadsts(_) => 8,
        // What wraps a refused or unresolved connection as the proxy's says more than the bare one.
        E::ProxyStatus(_) | E::ProxyUnreachable(_) | E::ProxyNameNotResolved => 7,
        _ => 6,
    }
}

#[cfg(test)]
mod tests;
