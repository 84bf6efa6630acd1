//! Error text → cause: what a message means, whatever client, version and language wrote it.
//!
//! What enters: one line (or a few joined ones). What leaves: an [`ErrorClass`], or `None` for text that names no
//! failure. Numbers (WinError, errno, HRESULT, WinHTTP, WAM) decide before words, because Windows translates its words
//! and never its numbers. Knowledge is in tables; the order of the words is the order of precedence.

use crate::facts::log::{BrokerFault, ErrorClass, NameFault, ProxyFault, TrustFault};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use std::sync::LazyLock;

mod numbers;
mod page;
mod unknown;
mod words;

pub use numbers::broker;
use numbers::{hresult, socket_code, win32, winhttp};
pub(crate) use page::{page, title};
pub(crate) use unknown::is_about_a_connection;
use words::WORDS;

use ErrorClass as E;

/// Compiles a pattern of this file; the tests prove that every one compiles.
macro_rules! regex {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());
    };
}

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
    r"(?i)ProxyError|to proxy\b|proxy tunnel request|proxyconnect|ERR_PROXY|ERR_TUNNEL|from proxy|could not resolve proxy|proxy '[^']*' failed|failed to connect to proxy|HttpProxyError|proxy CONNECT|CONNECT tunnel failed|tunneling socket|socks connect tcp \S+: (?:dial|read|EOF)|SOCKSHTTPS?Connection object.*connection: \[(?:Errno|WinError) "
);
regex!(
    TUNNEL_STATUS,
    r"(?i)(?:tunnel connection failed: |CONNECT tunnel failed, response |Received HTTP code |failed with status code '|tunneling socket could not be established, statusCode=|Proxy response \(|Proxy returns .HTTP/1\.[01] )(\d{3})"
);
// Go gives a proxy's refusal of CONNECT as the bare words of its status.
regex!(
    GO_STATUS,
    r#"\b(?:Get|Post|Put|Patch|Head|Delete) \\?"https://[^"\\]+\\?": (Proxy Authentication Required|Forbidden|Bad Gateway|Service Unavailable|Gateway Timeout)\s*$"#
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
regex!(
    HTTP_ERROR,
    r"(?i)(?:returned an error: |エラーを返しました: ?|retourné une erreur ?: ?|Fehler zurückgegeben: ?|does not indicate success: |HTTP status: |status code:? |invalid status '|StatusCode: ?|ErrorCode: )\(?(\d{3})\b"
);

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
    let proxy = may_be_proxy && PROXY_CONTEXT.as_ref().is_some_and(|r| r.is_match(text));
    if may_be_proxy
        && let Some(status) = number(&TUNNEL_STATUS, text)
        && (proxy || !text.contains("Received HTTP code"))
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
        && PROXY_AUTH.as_ref().is_some_and(|r| r.is_match(text))
    {
        return Some(E::ProxyStatus(407));
    }
    // A page is a page, whatever stands in it; urllib3's objects have angle brackets too.
    if has("<")
        && let Some(class) = page(text)
    {
        return Some(class);
    }
    let words = words(text);
    let numbers = text.bytes().any(|b| b.is_ascii_digit());
    let class = if numbers { merge(words, by_number(text)) } else { words };
    let class = class.or_else(|| match number(&HTTP_ERROR, text) {
        Some(status) if (400..600).contains(&status) => Some(E::HttpStatus(status)),
        _ => None,
    });
    match class {
        Some(class) if proxy => Some(at_proxy(class, text)),
        None if proxy && text.contains("rror") => Some(E::ProxyOther),
        other => other,
    }
}

/// Whether `text` says that JSON was expected and something else came.
pub(crate) fn is_unread_json(text: &str) -> bool {
    UNREAD_JSON.as_ref().is_some_and(|r| r.is_match(text))
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
    text.contains("Unable to connect to proxy") || text.contains("proxyconnect tcp: tls: ")
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
        E::TlsOther | E::ProxyOther | E::ConnectionClosed | E::ForeignPage => 4,
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
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(WORD_SET.1.len(), WORDS.len());
        assert!(WORD_SET.0.is_some());
        for (pattern, _) in WORDS {
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
        for regex in [
            &PROXY_CONTEXT,
            &TUNNEL_STATUS,
            &PROXY_AUTH,
            &SOCKET_CODE,
            &HRESULT,
            &WINHTTP,
            &SSL_ALERT_NUMBER,
            &AADSTS,
            &HTTP_ERROR,
        ] {
            assert!(regex.is_some());
        }
    }

    const UNTRUSTED: ErrorClass = E::CertificateUntrusted(TrustFault::UnknownIssuer);
    const TEMPORARY: ErrorClass = E::NameNotResolved(NameFault::Temporary);

    /// What users met in public threads, one row a pattern and wording: (pattern, text, cause).
    const ROWS: &[(&str, &str, ErrorClass)] = &[
        (
            "C1",
            "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /organizations/v2.0/.well-known/openid-configuration (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1006)')))",
            UNTRUSTED,
        ),
        (
            "C1",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self signed certificate in certificate chain (_ssl.c:997)",
            E::CertificateUntrusted(TrustFault::SelfSignedInChain),
        ),
        (
            "C1",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)",
            E::CertificateUntrusted(TrustFault::SelfSigned),
        ),
        (
            "C1",
            "bad handshake: Error([('SSL routines', 'tls_process_server_certificate', 'certificate verify failed')],)",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        ("C1", "Get \"https://graph.microsoft.com/v1.0/me\": x509: certificate signed by unknown authority", UNTRUSTED),
        ("C1", "Error: unable to get local issuer certificate code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'", UNTRUSTED),
        (
            "C1",
            "The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot",
            UNTRUSTED,
        ),
        (
            "C1",
            "sun.security.validator.ValidatorException: PKIX path building failed: unable to find valid certification path to requested target",
            UNTRUSTED,
        ),
        (
            "C1",
            "基礎になる接続が閉じられました: SSL/TLS のセキュリティで保護されているチャネルに対する信頼関係を確立できませんでした。",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        (
            "C2",
            "Max retries exceeded with url: /x (Caused by SSLError(136, '[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4149)'))",
            E::CaBundleBroken,
        ),
        (
            "C2",
            "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: C:\\certs\\ca.pem",
            E::CaBundleBroken,
        ),
        (
            "C3",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Basic Constraints of CA cert not marked critical (_ssl.c:1032)",
            E::CertificateUntrusted(TrustFault::BasicConstraints),
        ),
        (
            "C3",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Authority Key Identifier (_ssl.c:1032)",
            E::CertificateUntrusted(TrustFault::MissingAuthorityKeyId),
        ),
        (
            "C3",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Missing Subject Key Identifier (_ssl.c:1032)",
            E::CertificateUntrusted(TrustFault::MissingSubjectKeyId),
        ),
        (
            "C4",
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:997)",
            E::CertificateUntrusted(TrustFault::Expired),
        ),
        (
            "C5",
            "(Caused by ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))",
            E::ProxyStatus(407),
        ),
        ("C5", "The remote server returned an error: (407) Proxy Authentication Required.", E::ProxyStatus(407)),
        ("C5", "リモート サーバーがエラーを返しました: (407) プロキシ認証が必要です", E::ProxyStatus(407)),
        (
            "C5",
            "The proxy tunnel request to proxy 'http://proxy.example:8080/' failed with status code '407'.",
            E::ProxyStatus(407),
        ),
        ("C5", "curl: (56) CONNECT tunnel failed, response 407", E::ProxyStatus(407)),
        (
            "C6",
            "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 403 Forbidden'))",
            E::ProxyStatus(403),
        ),
        ("C6", "OSError('Tunnel connection failed: 405 Method Not Allowed')", E::ProxyStatus(405)),
        ("C6", "OSError('Tunnel connection failed: 400 Bad Request')", E::ProxyStatus(400)),
        ("C6", "curl: (56) Received HTTP code 403 from proxy after CONNECT", E::ProxyStatus(403)),
        (
            "C6",
            "('Unable to connect to proxy', OSError('Tunnel connection failed: 503 Service Unavailable'))",
            E::ProxyStatus(503),
        ),
        (
            "C6",
            "The proxy tunnel request to proxy 'http://10.0.0.1:8080/' failed with status code '502'.",
            E::ProxyStatus(502),
        ),
        (
            "C7",
            "ProxyError('Cannot connect to proxy.', NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x0>: Failed to establish a new connection: [WinError 10061] No connection could be made because the target machine actively refused it'))",
            E::ProxyUnreachable(ProxyFault::Refused),
        ),
        (
            "C7",
            "ProxyError('Cannot connect to proxy.', NewConnectionError('<x>: Failed to establish a new connection: [Errno -5] No address associated with hostname'))",
            E::ProxyNameNotResolved,
        ),
        (
            "C7",
            "('Unable to connect to proxy', NewConnectionError(\"HTTPSConnection(host='proxy', port=3128): Failed to establish a new connection: [Errno 111] Connection refused\"))",
            E::ProxyUnreachable(ProxyFault::Refused),
        ),
        (
            "C7",
            "Get \"https://a.example/x\": socks connect tcp 127.0.0.1:1080->a.example:443: dial tcp 127.0.0.1:1080: connect: connection refused",
            E::ProxyUnreachable(ProxyFault::Refused),
        ),
        (
            "C7",
            "SOCKSHTTPSConnectionPool(host='a.example', port=443): Max retries exceeded with url: /x (Caused by NewConnectionError('<urllib3.contrib.socks.SOCKSHTTPSConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))",
            E::ProxyUnreachable(ProxyFault::Refused),
        ),
        (
            "C7",
            "Get \"https://a.example/x\": socks connect tcp 127.0.0.1:1080->a.example:443: unknown error host unreachable",
            E::NetworkUnreachable,
        ),
        ("C7", "curl: (5) Could not resolve proxy: proxy.example", E::ProxyNameNotResolved),
        (
            "C7",
            "proxyconnect tcp: dial tcp 10.0.0.1:8080: connect: connection refused",
            E::ProxyUnreachable(ProxyFault::Refused),
        ),
        (
            "C7",
            "proxyconnect tcp: dial tcp 172.16.0.9:8080: i/o timeout",
            E::ProxyUnreachable(ProxyFault::Timeout),
        ),
        ("C7", "proxyconnect tcp: dial tcp: lookup px-407.corp.example: no such host", E::ProxyNameNotResolved),
        ("C8", "ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:1129)", E::TlsEof),
        (
            "C8",
            "SSLEOFError(8, '[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1007)')",
            E::TlsEof,
        ),
        (
            "C8",
            "ProxyError('Unable to connect to proxy. Your proxy appears to only use HTTP and not HTTPS', SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)')))",
            E::ProxyUnreachable(ProxyFault::Tls),
        ),
        ("C9", "The SSL connection could not be established, see inner exception.", E::TlsOther),
        (
            "C10",
            "Retry failed after 4 tries. Retry settings can be adjusted in ClientOptions.Retry. (The remote name could not be resolved: 'login.microsoftonline.com')",
            E::NameNotResolved(NameFault::Unspecified),
        ),
        (
            "C10",
            "リモート名を解決できませんでした。: 'login.microsoftonline.com'",
            E::NameNotResolved(NameFault::Unspecified),
        ),
        ("C10", "No such host is known. (login.microsoftonline.com:443)", E::NameNotResolved(NameFault::Unspecified)),
        ("C11", "HTTPConnectionPool(host='127.0.0.1', port=8080): Read timed out. (read timeout=5)", E::ReadTimeout),
        (
            "C12",
            "ProtocolError('Connection aborted.', ConnectionResetError(10054, 'An existing connection was forcibly closed by the remote host', None, 10054, None))",
            E::ConnectionReset,
        ),
        (
            "C12",
            "('Connection aborted.', ConnectionResetError(10054, 'Une connexion existante a dû être fermée par l’hôte distant', None, 10054, None))",
            E::ConnectionReset,
        ),
        ("C12", "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", E::ConnectionReset),
        ("C12", "既存の接続はリモート ホストに強制的に切断されました。", E::ConnectionReset),
        ("C12", "request to https://login.microsoftonline.com failed, reason: read ECONNRESET", E::ConnectionReset),
        (
            "C12",
            "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
            E::ConnectionClosed,
        ),
        ("C12", "Client network socket disconnected before secure TLS connection was established", E::TlsEof),
        (
            "C13",
            "[WinError 10060] A connection attempt failed because the connected party did not properly respond after a period of time",
            E::ConnectTimeout,
        ),
        (
            "C13",
            "ConnectTimeoutError(<x>, 'Connection to login.microsoftonline.com timed out. (connect timeout=None)')",
            E::ConnectTimeout,
        ),
        ("C13", "dial tcp 20.190.144.1:443: i/o timeout", E::ConnectTimeout),
        ("C13", "connect ETIMEDOUT 20.190.144.1:443", E::ConnectTimeout),
        (
            "C13",
            "接続済みの呼び出し先が一定の時間を過ぎても正しく応答しなかったため、接続できませんでした。",
            E::ConnectTimeout,
        ),
        ("C13", "Failed to establish a new connection: [Errno 113] No route to host", E::NetworkUnreachable),
        (
            "C14",
            "NameResolutionError(\"<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve 'login.microsoftonline.com' ([Errno -3] Temporary failure in name resolution)\")",
            TEMPORARY,
        ),
        (
            "C14",
            "Failed to resolve 'login.microsoftonline.com' ([Errno -2] Name or service not known)",
            E::NameNotResolved(NameFault::NotFound),
        ),
        ("C14", "socket.gaierror: [Errno 11001] getaddrinfo failed", E::NameNotResolved(NameFault::Unspecified)),
        ("C14", "getaddrinfo ENOTFOUND login.microsoftonline.com", E::NameNotResolved(NameFault::NotFound)),
        ("C14", "getaddrinfo EAI_AGAIN login.microsoftonline.com", TEMPORARY),
        (
            "C14",
            "dial tcp: lookup login.microsoftonline.com on 10.0.0.2:53: no such host",
            E::NameNotResolved(NameFault::NotFound),
        ),
        (
            "C18",
            "A connection attempt failed because the connected party did not properly respond after a period of time, or established connection failed because connected host has failed to respond. (management.azure.com:443)",
            E::ConnectTimeout,
        ),
        (
            "C20",
            "AADSTS1002016: You are using TLS version 1.0, 1.1 and/or 3DES cipher which are deprecated",
            E::Aadsts(1_002_016),
        ),
        (
            "C20",
            "The client and server cannot communicate, because they do not possess a common algorithm",
            E::TlsVersion,
        ),
        ("C20", "Unsupported TLS version. Please use TLS 1.2 or above", E::TlsVersion),
        (
            "C20",
            "ssl.SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1006)",
            E::TlsVersion,
        ),
        (
            "C20",
            "write EPROTO 405DC25E327F0000:error:0A000102:SSL routines:ssl_choose_client_version:unsupported protocol:../deps/openssl",
            E::TlsVersion,
        ),
        (
            "C20",
            "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1006)",
            E::TlsAlert(Some(40)),
        ),
        ("C20", "[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name (_ssl.c:1006)", E::TlsAlert(Some(112))),
        ("C20", "基になる接続が閉じられました: 送信時に、予期しないエラーが発生しました。 (0x80090331)", E::TlsVersion),
        (
            "C21",
            "0. The ID token is not yet valid. Make sure your computer's time and time zone are both correct. Current epoch = 1634567890",
            E::ClockSkew,
        ),
        ("C21", "AADSTS700024: Client assertion is not within its valid time range.", E::Aadsts(700_024)),
        ("C22", "localhost refused to connect", E::BrowserLeg),
        (
            "C23",
            "WAM Error Error Code: 3399942148 (0xCAA70004) Error Message: NoNetwork",
            E::Broker(BrokerFault::NoNetwork),
        ),
        ("C23", "Error: 0xCAA82EE7", E::Broker(BrokerFault::NameNotResolved)),
        ("C23", "error 0xcaa82ee2", E::Broker(BrokerFault::Timeout)),
        ("C24", "AADSTS53003: Access has been blocked by Conditional Access policies.", E::Aadsts(53_003)),
        ("C25", "AADSTS90002: Tenant 'contoso' not found.", E::Aadsts(90_002)),
        ("C25", "EOFError: Ran out of input", E::CacheDamaged),
        (
            "C25",
            "ValueError: Unable to get authority configuration for https://login.microsoftonline.com/organizations. Authority would typically be in a format of",
            E::AuthorityDiscovery,
        ),
        (
            "PKI",
            "The revocation function was unable to check revocation because the revocation server was offline. (0x80092013)",
            E::RevocationUnavailable,
        ),
        (
            "WinHTTP",
            "WinHttpException: Error 12007 calling WinHttpSendRequest",
            E::NameNotResolved(NameFault::Unspecified),
        ),
        ("WinHTTP", "HRESULT: 0x80072EFD", E::ConnectOther),
        ("WinHTTP", "Exception from HRESULT: 0x80072F8F", E::TlsOther),
        (
            "firewall",
            "[WinError 10013] An attempt was made to access a socket in a way forbidden by its access permissions",
            E::BlockedLocally,
        ),
        ("http", "Response status code does not indicate success: 403 (Forbidden).", E::HttpStatus(403)),
    ];

    #[test]
    fn quoted_texts_are_recognised_by_their_cause() {
        let wrong: Vec<_> =
            ROWS.iter().map(|(p, t, c)| (*p, *t, classify(t), *c)).filter(|(_, _, got, c)| *got != Some(*c)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn ordinary_lines_name_no_failure() {
        for text in [
            "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443",
            "DEBUG: urllib3.util.retry: Converted retries value: 1 -> Retry(total=1, connect=None, read=None, redirect=None, status=None)",
            "DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 \"POST /t/oauth2/v2.0/token HTTP/1.1\" 200 1000",
            "DEBUG: cli.azure.cli.core.auth.binary_cache: msal_http_cache.bin not found. Using a fresh one.",
            "DEBUG: cli.azure.cli.core.sdk.policies: Response status: 200",
            "*  SSL certificate verify ok.",
            "* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384",
            "* TLSv1.3 (OUT), TLS handshake, Client hello (1):",
            "DEBUG: msal.token_cache: event={",
            "        \"token_type\": \"Bearer\"",
            "    raise MaxRetryError(_pool, url, reason) from reason  # type: ignore[arg-type]",
            "",
        ] {
            assert_eq!(classify(text), None, "{text}");
        }
    }

    #[test]
    fn texts_cut_at_every_length_never_fail() {
        for (_, text, _) in ROWS {
            for end in (0..=text.len()).filter(|e| text.is_char_boundary(*e)) {
                let _ = classify(&text[..end]);
            }
        }
    }

    #[test]
    fn codes_of_classes_are_distinct() {
        let mut codes: Vec<String> = WORDS.iter().map(|(_, c)| c.code()).collect();
        codes.sort();
        codes.dedup();
        let mut classes: Vec<ErrorClass> = WORDS.iter().map(|(_, c)| *c).collect();
        classes.sort();
        classes.dedup();
        assert_eq!(codes.len(), classes.len());
    }
}
