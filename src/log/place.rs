//! Where an error happened: hosts, proxies, tenants and ids inside a line.
//!
//! What enters: one line. What leaves: names in lower case, ports, ids. Total; takes the first plausible reading.

use crate::facts::log::{ErrorClass, LogTime};
use crate::log::is;
use crate::log::stamp;
use crate::time::Timestamp;
use regex::Regex;
use std::sync::LazyLock;

mod lookup;
mod proxy;

pub(crate) use proxy::{Asked, is_proxy};

/// A service host and its port.
pub(crate) type HostPort = (String, Option<u16>);

/// Places that a line names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The service that the client wanted.
    pub host: Option<HostPort>,
    /// The proxy on the way.
    pub proxy: Option<String>,
    /// Where the connection went that failed, where the text tells it beside or without the service: .NET's
    /// `(host:port)`, Node's `ECONNREFUSED host:port`.
    pub endpoint: Option<HostPort>,
}

/// URLs of a line that are looked at for what a client connected to; lists of links are longer.
const TARGET_URLS_MAX: usize = 32;

/// Bytes before a URL that can tell what it is for.
const BEFORE_URL_BYTES_MAX: usize = 256;

/// Sites that error texts point to for help; they are not what failed.
const HELP_HOSTS: &[&str] = &[
    "aka.ms",
    "go.microsoft.com",
    "docs.microsoft.com",
    "learn.microsoft.com",
    "github.com",
    "urllib3.readthedocs.io",
    "curl.se",
    "curl.haxx.se",
    // Document types and namespaces of pages and envelopes.
    "www.w3.org",
    "msal-python.readthedocs.io",
    "your_tenant",
    "tenant_name.ciamlogin.com",
];

const NAME: &str = r"([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?|\[?[0-9A-Fa-f:]{3,45}\]?)";

regex!(POOL, &format!(r"HTTPS?ConnectionPool\(host='{NAME}', port=(\d{{1,5}})\)"));
regex!(CONNECTION, &format!(r"HTTPS?Connection\(host='{NAME}', port=(\d{{1,5}})\)"));
regex!(
    NAMED,
    &format!(
        r"(?i)(?:failed to resolve '|could not be resolved: '|解決できませんでした。?:? ?'|UnknownHostException: |altnames: Host: |connection to the server |connection to |getaddrinfo \w+ |could not resolve host: |lookup |failed to connect to |connect to host |connect to the server \x22|connect to |connecting to |verify that the hostname |resolve host address |Resolving |name matching |remote server |サーバー ')['‘]?{NAME}(?::(\d{{1,5}})|\s+port (\d{{1,5}}))?(?:['’]|\x22|\.?\s|:|;|,|$|\))"
    )
);
regex!(
    ENDPOINT,
    r"(?:\(|attempted address(?:es)?: |\bE(?:CONN|HOST|NET|TIMED)[A-Z]+ )([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|localhost|\[?[0-9A-Fa-f:]*::[0-9A-Fa-f:]*\]?):(\d{1,5})(?:\)|[\s.,;]|$)"
);
// .NET Framework puts the address behind the words of a socket, bare, at the end of the message.
regex!(BARE_ENDPOINT, r"[\s.。]((?:\d{1,3}\.){3}\d{1,3}|\[[0-9A-Fa-f:]+\]):(\d{1,5})\)?\.?(?:\s*$|\s+--->)");
// Netty: `connection timed out: host/address:port`.
regex!(SLASHED, r"\b([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)/\[?[0-9A-Fa-f.:]+\]?:(\d{1,5})\b");
// Netty: `http, none, proxy/address:port => host/<unresolved>:port`; the proxy may have no name.
regex!(NETTY_PROXY, r"ProxyConnectException: \w+, \w+, (?:([A-Za-z0-9.-]+)/[0-9A-Fa-f.:]*|/([0-9.]+)):(\d{1,5}) =>");
regex!(NETTY_TARGET, r"=> ([A-Za-z0-9.-]+)/(?:<unresolved>|[0-9A-Fa-f.:]+):(\d{1,5})\b");
// Windows puts the name last, or behind a colon; words quoted elsewhere are types and modules.
regex!(QUOTED, &format!(r#"[:：]\s?['"“«]{NAME}['"”»]|['"“«]{NAME}['"”»][\s.,;)。]*$"#));
// node-fetch and Go say what was asked for before they say what failed; Go before 1.14 without quotes.
regex!(
    REQUESTED,
    r#"\brequest to (https?://[^\s"\\]+)(?: failed|\\?":)|\b(?:Get|Post|Put|Patch|Head|Delete) (?:\\?"(https?://[^\s"\\]+)\\?":|(https?://[^\s"\\]+): )"#
);
// What stands before URLs that name a permission or a way back, and nothing that was connected to.
regex!(
    NO_TARGET,
    r#"(?i)(?:scopes?['"]?\s*[:=]?\s*(?:\[[^\]]*|['"(\[\s]*)|(?:resource|audience)['"]?\s*[:=]\s*['"]?|redirect[ _-]?ur[il]['"]?\s*(?:[:=]|to|is)?\s*['"]?)$"#
);
// A redirect to the client's own machine is the way back from the browser.
regex!(WAY_BACK, r"(?i)redirect\w*\s*(?:[:=]|to)?\s*$");
regex!(URL, r#"(?i)\b(https?)://(?:[^/\s'"@]*@)?(\[[0-9a-f:]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?(/[^\s'"<>?#]*)?"#);
regex!(
    PROXY,
    r#"(?i)(?:proxy(?: request)?(?: to)? (?:proxy )?'?|resolve proxy: |proxyconnect tcp: dial tcp:? (?:lookup )?|socks connect tcp |using proxy:? '?|proxy (?:is|=|:) ?'?|https?_proxy['"]?\s*[=:]\s*['"]?)((?:https?://)?(?:[^/\s'"@]*@)?(?:\[[0-9a-f:]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9-]+:\d+)(?::\d{1,5})?)(?:[^0-9@]|$)"#
);
regex!(
    TRACE,
    r"(?i)(?:trace[ _]?id|トレース ID)[\W_]{1,6}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
);
regex!(
    CORRELATION,
    r"(?i)(?:correlation[ _]?id|相関 ID|関連付け ID)[\W_]{1,6}([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
);
regex!(STAMP, r"(?i)(?:timestamp|タイムスタンプ)[\W_]{1,6}(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?)\s?Z?");
regex!(GUID, r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}");

fn named(regex: &LazyLock<Option<Regex>>, line: &str) -> Option<HostPort> {
    let regex = regex.as_ref()?;
    let mut at = 0;
    // A word that is no name may begin the words before one: the search goes on from that word.
    while let Some(c) = regex.captures_at(line, at) {
        let (whole, name) = (c.get_match(), c.get(1)?);
        if plausible(name.as_str()) {
            let port = c.iter().skip(2).flatten().find_map(|p| p.as_str().parse().ok());
            return Some((bare(name.as_str()).to_ascii_lowercase(), port));
        }
        at = if name.start() > whole.start() { name.start() } else { name.end() };
    }
    None
}

/// The name that Windows quotes; the last label of a type's name has a capital letter, that of a host has none.
fn quoted(line: &str) -> Option<HostPort> {
    QUOTED.as_ref()?.captures_iter(line).find_map(|c| {
        let host = c.iter().skip(1).flatten().next()?.as_str();
        let is_type = host.rsplit('.').next().is_some_and(|l| l.contains(|c: char| c.is_ascii_uppercase()));
        (plausible(host) && !is_type).then(|| (bare(host).to_ascii_lowercase(), None))
    })
}

/// The URL that the line says was asked for.
fn requested(line: &str) -> Option<HostPort> {
    let url = REQUESTED.as_ref()?.captures(line)?.iter().skip(1).flatten().next()?;
    urls(url.as_str()).next().map(|u| (u.host, u.port))
}

/// The first URL of a line that can be what a client connected to: no help, no scope, no way back to the client.
pub(crate) fn target(line: &str) -> Option<HostPort> {
    for c in URL.as_ref()?.captures_iter(line).take(TARGET_URLS_MAX) {
        let text = c.get_match();
        let url = Url::read(&c).filter(|u| !u.is_help() && !text.as_str().ends_with("/.default"));
        let Some(url) = url else { continue };
        let before = tail(line.get(..text.start()).unwrap_or_default(), BEFORE_URL_BYTES_MAX);
        let says = |words: &LazyLock<Option<Regex>>| words.as_ref().is_some_and(|r| r.is_match(before));
        let own = url.host == "localhost" || url.host.starts_with("127.");
        if !(says(&NO_TARGET) || own && says(&WAY_BACK)) {
            return Some((url.host, url.port));
        }
    }
    None
}

/// The last `max` bytes of `text` at most, whole characters.
fn tail(text: &str, max: usize) -> &str {
    let from = text.len().saturating_sub(max);
    (from..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

/// An address as captures give it: brackets only keep its colons apart from a port.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// A host and its port as they are written together.
pub(crate) fn written(host: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if host.contains(':') => format!("[{host}]:{port}"),
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A name with a dot, or an address: words of a sentence have none.
pub(super) fn plausible(host: &str) -> bool {
    (host.contains('.') && !host.ends_with(".py") && !host.contains(".."))
        || bare(host).parse::<std::net::IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
}

/// The places in `line`, which names a failure of `class`.
pub(crate) fn find(line: &str, class: ErrorClass) -> Place {
    let mut place = Place::default();
    if matches!(class, ErrorClass::BlockPage | ErrorClass::CaptivePortal | ErrorClass::ForeignPage) {
        // What the page itself names is its writer's affair; who was asked stands before it, if anywhere.
        let before = line.split('<').next().unwrap_or_default();
        place.host = named(&POOL, before).or_else(|| requested(before)).or_else(|| target(before));
        return place;
    }
    if class.is_proxy() || line.contains("ProxyError") || line.contains("to proxy") {
        // Inside a ProxyError the single connection is the one to the proxy, the pool is the service's.
        let told = || {
            let answered = matches!(class, ErrorClass::ProxyStatus(_));
            let (host, port) =
                named(&CONNECTION, line).or_else(|| named(&NAMED, line).filter(|_| !answered)).filter(|(h, _)| {
                    // The name that a proxy could not reach is no proxy.
                    named(&POOL, line).is_none_or(|(pool, _)| pool != *h)
                })?;
            Some(written(&host, port))
        };
        let netty = || {
            let c = NETTY_PROXY.as_ref()?.captures(line)?;
            let name = c.get(1).or_else(|| c.get(2))?;
            Some(format!("{}:{}", name.as_str(), c.get(3)?.as_str()))
        };
        place.proxy = PROXY
            .as_ref()
            .and_then(|r| r.captures(line)?.get(1).map(|m| m.as_str().to_owned()))
            .or_else(netty)
            .or_else(told)
            .or_else(|| {
                // The proxy's name alone, without its domain.
                let (name, port) = lookup::label(line).filter(|_| class == ErrorClass::ProxyNameNotResolved)?;
                Some(written(&name, port))
            });
        place.host = named(&POOL, line)
            .or_else(|| requested(line))
            .or_else(|| named(&NETTY_TARGET, line))
            .or_else(|| named(&ENDPOINT, line));
        return place;
    }
    place.host = named(&POOL, line).or_else(|| named(&CONNECTION, line)).or_else(|| requested(line));
    place.endpoint = named(&ENDPOINT, line).or_else(|| named(&SLASHED, line)).or_else(|| named(&BARE_ENDPOINT, line));
    if matches!(class, ErrorClass::NameNotResolved(_)) {
        // Windows translates the words around the name, and quotes it in every language.
        let told = place.endpoint.take().or_else(|| lookup::original(line)).or_else(|| named(&NAMED, line));
        let told = told.or_else(|| lookup::label(line)).or_else(|| quoted(line));
        place.endpoint = told.map(lookup::without_search_domain);
    } else if place.endpoint.is_none() && class.is_connecting() {
        place.endpoint = lookup::label_with_port(line);
    }
    if place.host.is_none() && place.endpoint.is_none() {
        place.host = named(&NAMED, line).or_else(|| target(line));
    }
    place
}

/// Whether `host` is an address that only the machine itself can reach: loopback, or the link's (its metadata service).
pub(crate) fn is_of_the_machine(host: &str) -> bool {
    let address = bare(host).parse::<std::net::IpAddr>();
    host == "localhost"
        || address.is_ok_and(|ip| match ip {
            std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
            std::net::IpAddr::V6(ip) => ip.is_loopback(),
        })
}

/// A URL in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// Host, lower case.
    pub host: String,
    /// Port, explicit or by scheme.
    pub port: Option<u16>,
    /// Path without query.
    pub path: String,
}

impl Url {
    /// What [`URL`] captured; `None` where the port is no number of one.
    fn read(c: &regex::Captures<'_>) -> Option<Url> {
        let host = bare(c.get(2)?.as_str().trim_end_matches('.')).to_ascii_lowercase();
        let secure = c.get(1)?.as_str().eq_ignore_ascii_case("https");
        let port = match c.get(3) {
            Some(p) => p.as_str().parse().ok()?,
            None if secure => 443,
            None => 80,
        };
        let path = c.get(4).map_or(String::new(), |p| p.as_str().trim_end_matches(['.', ',', ')', ';']).to_owned());
        Some(Url { host, port: Some(port), path })
    }

    /// Whether it only points to help.
    pub fn is_help(&self) -> bool {
        HELP_HOSTS.contains(&self.host.as_str()) || self.host.starts_with("schemas.")
    }
}

/// The URLs of a line.
pub(crate) fn urls(line: &str) -> impl Iterator<Item = Url> + '_ {
    URL.as_ref().into_iter().flat_map(move |r| r.captures_iter(line)).filter_map(|c| Url::read(&c))
}

/// `host:port` of a proxy as written anywhere: without scheme, credentials, path.
pub(crate) fn authority(proxy: &str) -> String {
    let rest = proxy.split_once("://").map_or(proxy, |(_, r)| r);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, r)| r);
    let rest = rest.split(['/', '?', '#', ' ', '\'', '"']).next().unwrap_or_default();
    rest.trim_end_matches(['.', ',', ';']).chars().take(255).collect::<String>().to_ascii_lowercase()
}

/// Host and tenant of an authority: `https://login.microsoftonline.com/<tenant>/…`.
pub(crate) fn authority_and_tenant(url: &str) -> Option<(String, Option<String>)> {
    let url = urls(url).next()?;
    let mut segments = url.path.split('/').filter(|s| !s.is_empty());
    let first = segments.next();
    let second = segments.next();
    // Endpoints of the authority itself have no tenant in front.
    let is_tenant = |s: &str| {
        is_guid(s)
            || (s.contains('.') && !s.starts_with('.') && plausible(s))
            || ["organizations", "common", "consumers"].iter().any(|g| g.eq_ignore_ascii_case(s))
    };
    let tenant = first.filter(|s| is_tenant(s)).map(str::to_owned);
    let looks_like_authority = tenant.is_some()
        || first.is_none()
        || matches!(second, Some("oauth2" | "discovery" | "v2.0" | "instance" | "devicecode"))
        || matches!(first, Some("discovery" | "oauth2" | "adfs"));
    looks_like_authority.then_some((url.host, tenant))
}

/// Whether `text` is a GUID.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36 && is(&GUID, text)
}

/// The first GUID in `text`.
pub(crate) fn guid(text: &str) -> Option<&str> {
    GUID.as_ref()?.find(text).map(|m| m.as_str())
}

/// Ids that Entra ID puts behind an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AadstsIds {
    pub trace_id: Option<String>,
    pub correlation_id: Option<String>,
    pub timestamp: Option<Timestamp>,
}

/// Reads `Trace ID`, `Correlation ID`, `Timestamp` out of a line; JSON keys with underscores as well.
pub(crate) fn aadsts_ids(line: &str) -> AadstsIds {
    let first = |r: &LazyLock<Option<Regex>>| Some(r.as_ref()?.captures(line)?.get(1)?.as_str().to_ascii_lowercase());
    AadstsIds {
        trace_id: first(&TRACE),
        correlation_id: first(&CORRELATION),
        // Entra ID always means UTC here.
        timestamp: first(&STAMP).and_then(|t| match stamp::iso(&t.replace('t', "T"))? {
            LogTime::Utc(t) | LogTime::Local(t) => Some(t),
            LogTime::TimeOfDay(_) => None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::NameFault;

    #[test]
    fn an_address_has_no_brackets() {
        let line = "A connection attempt failed. ([2001:db8::4]:443)";
        assert_eq!(find(line, ErrorClass::ConnectTimeout).endpoint, Some(("2001:db8::4".to_owned(), Some(443))));
        assert_eq!(target("GET https://[2001:db8::4]/x"), Some(("2001:db8::4".to_owned(), Some(443))));
        assert_eq!(written("2001:db8::4", Some(8080)), "[2001:db8::4]:8080");
        assert_eq!(written("a.example", Some(8080)), "a.example:8080");
    }

    #[test]
    fn the_host_is_the_service_and_not_the_proxy() {
        let line = "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by ProxyError('Unable to connect to proxy', NewConnectionError(\"HTTPSConnection(host='proxy.example.net', port=3128): Failed to establish a new connection: [Errno 111] Connection refused\")))";
        let place = find(line, ErrorClass::ProxyOther);
        assert_eq!(place.host, Some(("login.microsoftonline.com".to_owned(), Some(443))));
        assert_eq!(place.proxy.as_deref(), Some("proxy.example.net:3128"));
        let line = "The proxy tunnel request to proxy 'http://u:p@proxy.example:8080/' failed with status code '407'. (graph.microsoft.com:443)";
        let place = find(line, ErrorClass::ProxyStatus(407));
        assert_eq!(place.proxy.as_deref().map(authority).as_deref(), Some("proxy.example:8080"));
        assert_eq!(place.host, Some(("graph.microsoft.com".to_owned(), Some(443))));
    }

    #[test]
    fn a_password_is_never_taken_for_the_proxys_port() {
        let line = "ProxyError: using proxy http://alice:73519@proxy failed to connect to proxy";
        assert_eq!(find(line, ErrorClass::ProxyOther).proxy, None);
        let line = "ProxyError: using proxy http://alice:73519@proxy:8080 failed to connect to proxy";
        let proxy = find(line, ErrorClass::ProxyOther).proxy;
        assert_eq!(proxy.as_deref().map(authority).as_deref(), Some("proxy:8080"));
    }

    #[test]
    fn a_proxy_that_cannot_be_reached_is_named_by_the_error_inside() {
        let px = |inner: &str| {
            let line = format!(
                "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /o (Caused by ProxyError('Unable to connect to proxy', {inner}))"
            );
            let place = find(&line, ErrorClass::ProxyOther);
            assert_eq!(place.host.map(|h| h.0).as_deref(), Some("login.microsoftonline.com"));
            place.proxy
        };
        let timeout = "ConnectTimeoutError(<urllib3.connection.HTTPSConnection object at 0x1>, 'Connection to proxy.corp.example timed out. (connect timeout=None)')";
        assert_eq!(px(timeout).as_deref(), Some("proxy.corp.example"));
        let name = "NameResolutionError(\"<urllib3.connection.HTTPSConnection object at 0x2>: Failed to resolve 'proxy.corp.example' ([Errno 11001] getaddrinfo failed)\")";
        assert_eq!(px(name).as_deref(), Some("proxy.corp.example"));
        let node = "FetchError: request to https://login.microsoftonline.com/t failed, reason: tunneling socket could not be established, statusCode=407";
        let host = find(node, ErrorClass::ProxyStatus(407)).host;
        assert_eq!(host.map(|h| h.0).as_deref(), Some("login.microsoftonline.com"));
    }

    #[test]
    fn a_page_names_nobody_who_was_asked() {
        let page = r#"<!DOCTYPE html PUBLIC "x" "http://www.w3.org/TR/x.dtd"><a href="https://help.corp.example/">"#;
        for class in [ErrorClass::BlockPage, ErrorClass::CaptivePortal, ErrorClass::ForeignPage] {
            assert_eq!(find(&format!("HTTP status: 401, Error: {page}"), class), Place::default());
            let host = find(&format!("GET https://sts.example.org/adfs: {page}"), class).host;
            assert_eq!(host.map(|h| h.0).as_deref(), Some("sts.example.org"));
        }
        assert_eq!(target("xmlns='http://schemas.xmlsoap.org/soap' http://www.w3.org/1999/xhtml"), None);
    }

    #[test]
    fn permissions_and_ways_back_are_no_targets() {
        for line in [
            "Scopes: [ https://graph.microsoft.com/.default ] ParentRequestId:  Exception: closed by the remote host.",
            "Scopes: https://graph.microsoft.com/User.Read: closed",
            "scope=https://vault.azure.net/x failed",
            "'resource': 'https://management.core.windows.net/' failed",
            "state mismatch; redirect http://localhost:8400 - closed",
            "RedirectUri: 'http://localhost' closed",
            "see https://aka.ms/msal-net-wam",
        ] {
            assert_eq!(find(line, ErrorClass::ConnectionReset), Place::default(), "{line}");
        }
        let line = "Scopes: [ https://a.example/.default ] POST to https://b.example/token failed";
        assert_eq!(target(line), Some(("b.example".to_owned(), Some(443))));
        let line = "ERROR. Scopes: https://a.example/x. Error message: request to https://login.microsoftonline.com/c failed, reason: connect ECONNREFUSED 127.0.0.1:8888.";
        let place = find(line, ErrorClass::ConnectionRefused);
        assert_eq!(place.host.map(|h| h.0).as_deref(), Some("login.microsoftonline.com"));
        assert_eq!(place.endpoint, Some(("127.0.0.1".to_owned(), Some(8888))));
    }

    #[test]
    fn quoted_words_are_no_hosts() {
        let class = ErrorClass::NameNotResolved(NameFault::Unspecified);
        for line in [
            "型 'System.Net.Http.HttpRequestException' の例外がスローされました。 そのようなホストは不明です。",
            "of type 'System.Net.Http.HttpRequestException': \"No such host is known.\"",
            "error for module 'azure.cli.command_modules.profile': [Errno 11001] getaddrinfo failed",
            "Ausnahme: 'System.Net.WebException'",
        ] {
            assert_eq!(find(line, class), Place::default(), "{line}");
        }
        let line = "Der Remotename konnte nicht aufgelöst werden: 'sts.example.org' ---> Fehler";
        assert_eq!(find(line, class).endpoint.map(|e| e.0).as_deref(), Some("sts.example.org"));
    }

    #[test]
    fn a_redirect_to_a_service_is_a_target() {
        let host = |line: &str| target(line).map(|h| h.0);
        assert_eq!(host("redirect to https://sts.contoso.com/adfs timed out").as_deref(), Some("sts.contoso.com"));
        for line in [
            "redirect_uri=https://app.example/x",
            "RedirectUri: 'https://app.example'",
            "redirect to http://localhost:1",
        ] {
            assert_eq!(host(line), None, "{line}");
        }
    }

    #[test]
    fn long_lists_of_links_are_looked_at_in_part() {
        let mut line = format!("{} ", "あ".repeat(200));
        line.push_str(&"see https://aka.ms/x ".repeat(TARGET_URLS_MAX));
        assert_eq!(target(&format!("{line}https://sts.example.org/")), None);
        let line = format!("{} https://sts.example.org/", "あ".repeat(200));
        assert_eq!(target(&line).map(|h| h.0).as_deref(), Some("sts.example.org"));
        assert_eq!(tail("aあb", 2), "b");
        assert_eq!(tail("ab", 9), "ab");
    }

    #[test]
    fn hosts_are_found_in_the_words_of_every_client() {
        for (line, host, port) in [
            ("Failed to resolve 'login.microsoftonline.com' ([Errno -3])", "login.microsoftonline.com", None),
            (
                "'Connection to login.microsoftonline.us timed out. (connect timeout=None)'",
                "login.microsoftonline.us",
                None,
            ),
            ("getaddrinfo ENOTFOUND graph.microsoft.com", "graph.microsoft.com", None),
            ("The remote name could not be resolved: 'login.chinacloudapi.cn'", "login.chinacloudapi.cn", None),
            ("No such host is known. (management.azure.com:443)", "management.azure.com", Some(443)),
            ("Failed to connect to management.azure.com port 443 after 29 ms", "management.azure.com", Some(443)),
            (
                "dial tcp: lookup login.microsoftonline.com on 10.0.0.2:53: no such host",
                "login.microsoftonline.com",
                None,
            ),
            (
                "Get \"https://graph.microsoft.com/v1.0/me\": x509: bad (see https://aka.ms/x)",
                "graph.microsoft.com",
                Some(443),
            ),
            ("Le nom distant n’a pas pu être résolu : 'sts.example.org'", "sts.example.org", None),
            ("无法解析此远程名称: 'sts.example.org'", "sts.example.org", None),
            ("java.net.UnknownHostException: sts.example.org: unknown", "sts.example.org", None),
            ("connection timed out after 10000 ms: sts.example.org/192.0.2.7:443", "sts.example.org", Some(443)),
            (
                "Hostname/IP does not match certificate's altnames: Host: sts.example.org. is not in the cert's altnames: DNS:x.example",
                "sts.example.org",
                None,
            ),
            (
                "HttpHostConnectException: Connect to a.example:443 [a.example/192.0.2.7] failed: Connection timed out",
                "a.example",
                Some(443),
            ),
            (
                "SearchDomainUnknownHostException: Failed to resolve 'a.example' [A(1), AAAA(28)] and search domain",
                "a.example",
                None,
            ),
            ("Connect Timeout Error (attempted address: a.example:443, timeout: 10000ms)", "a.example", Some(443)),
            ("see https://aka.ms/help and https://sts.example.org:4443/adfs failed", "sts.example.org", Some(4443)),
        ] {
            let class = ErrorClass::NameNotResolved(NameFault::Unspecified);
            let place = find(line, class);
            assert_eq!(place.host.or(place.endpoint), Some((host.to_owned(), port)), "{line}");
        }
        assert_eq!(find("Connection to the server failed", ErrorClass::Other).host, None);
    }

    #[test]
    fn tenants_are_read_from_authorities_only() {
        let tenant = |u: &str| authority_and_tenant(u).and_then(|(_, t)| t);
        assert_eq!(tenant("https://login.microsoftonline.com/organizations/v2.0/x").as_deref(), Some("organizations"));
        assert_eq!(
            tenant("https://login.microsoftonline.com/contoso.com/oauth2/token").as_deref(),
            Some("contoso.com")
        );
        assert_eq!(tenant("https://login.microsoftonline.com/common/discovery/instance").as_deref(), Some("common"));
        assert_eq!(authority_and_tenant("https://management.azure.com/subscriptions/x"), None);
    }

    #[test]
    fn java_names_the_proxy_and_the_service_behind_it() {
        let place = |proxy: &str| {
            let line = format!(
                "io.netty.handler.proxy.HttpProxyHandler$HttpProxyConnectException: http, none, {proxy} => a.example/<unresolved>:443, status: 403 Forbidden"
            );
            let place = find(&line, ErrorClass::ProxyStatus(403));
            assert_eq!(place.host, Some(("a.example".to_owned(), Some(443))));
            place.proxy
        };
        assert_eq!(place("proxy.corp.example/10.0.0.5:8080").as_deref(), Some("proxy.corp.example:8080"));
        assert_eq!(place("/10.0.0.5:8080").as_deref(), Some("10.0.0.5:8080"));
        let apache = "HttpHostConnectException: Connect to proxy.corp.example:8080 [proxy.corp.example/10.0.0.5] failed: Connection refused";
        let proxy = find(apache, ErrorClass::ProxyUnreachable(crate::facts::log::ProxyFault::Refused)).proxy;
        assert_eq!(proxy.as_deref(), Some("proxy.corp.example:8080"));
    }

    #[test]
    fn go_says_what_was_asked_for_with_and_without_quotes() {
        for line in [
            "Failed to refresh the Token for request to https://b.example/x: StatusCode=0 -- Original Error: adal: Failed. Error = 'Post https://a.example/t?v=1.0: x509: certificate signed by unknown authority'",
            "Get \"https://a.example/x\": x509: bad",
            "Get \\\"https://a.example/x\\\": x509: bad",
            "Get https://a.example:443/x: x509: bad",
        ] {
            assert_eq!(requested(line).map(|h| h.0).as_deref(), Some("a.example"), "{line}");
        }
        assert_eq!(requested("Get https://a.example/x for help"), None);
    }

    #[test]
    fn an_address_at_the_end_of_a_message_is_where_the_connection_went() {
        let end = |line: &str| find(line, ErrorClass::ConnectionRefused).endpoint;
        let fiddler = Some(("127.0.0.1".to_owned(), Some(8888)));
        assert_eq!(end("the target machine actively refused it 127.0.0.1:8888"), fiddler);
        assert_eq!(end("拒否されたため、接続できませんでした。 127.0.0.1:8888"), fiddler);
        assert_eq!(end("actively refused it 127.0.0.1:8888 ---> System.Exception"), fiddler);
        assert_eq!(end("actively refused it [fe80::1%5]:8888").map(|e| e.1), None);
        assert_eq!(end("actively refused it [::1]:8888").map(|e| e.1), Some(Some(8888)));
        assert_eq!(end("refused at 127.0.0.1:8888 by the system"), None);
        assert_eq!(end("version 1.2.3.4:"), None);
    }

    #[test]
    fn ids_of_an_answer_are_read_from_text_and_json() {
        let g = "57b95222-9734-4f24-a5b2-ccd2d8bf239b";
        let ids = aadsts_ids(&format!("AADSTS1: x Trace ID: {g} Correlation ID: {g} Timestamp: 2026-11-22 15:20:20Z"));
        assert_eq!(ids.trace_id.as_deref(), Some(g));
        assert_eq!(ids.timestamp, stamp::http_date("Sun, 22 Nov 2026 15:20:20 GMT"));
        let ids =
            aadsts_ids(&format!(r#"{{"trace_id":"{g}","correlation_id":"{g}","timestamp":"2026-11-22 15:20:20Z"}}"#));
        assert!(ids.trace_id.is_some() && ids.correlation_id.is_some() && ids.timestamp.is_some());
    }
}
