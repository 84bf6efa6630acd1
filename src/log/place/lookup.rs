//! The name that was looked up in vain, where the grammar of an error says that a name stands there.
//!
//! What enters: a line that tells that a name was not resolved. What leaves: the name, of one label too: proxies are often
//! set without their domain. Words of a sentence are never in these places.

use super::HostPort;
use crate::knowledge::endpoints::is_microsoft_host;

/// One label, with a letter.
const LABEL: &str = r"([A-Za-z0-9_-]*[A-Za-z][A-Za-z0-9_-]*)";

// Node: `getaddrinfo ENOTFOUND name name:port`. Java: `UnknownHostException: name`. Go: `dial tcp: lookup name on …`.
// Python: `Failed to resolve 'name'`. curl: `Could not resolve host: name`. .NET Framework: `… resolved: 'name'`.
regex!(
    LOOKED_UP,
    &format!(
        r#"(?:\bgetaddrinfo E[A-Z_]+ |\bUnknownHostException: |\bdial (?:tcp|udp)[46]?: lookup |[Ff]ailed to resolve '|[Cc]ould not resolve (?:host|proxy): |could not be resolved: '){LABEL}(?: [A-Za-z0-9_-]+:(\d{{1,5}})| on \S+)?(?:'|:(?: |$)|[),;"\\]|\s*$)"#
    )
);
// .NET: `No such host is known. (name:port)` in every language of Windows.
regex!(IN_PARENTHESES, &format!(r"[.。．] ?\({LABEL}:(\d{{1,5}})\)"));

// Clients of databases and queues: redis-py, librdkafka, PyMongo with a port; psycopg and pgx without.
regex!(
    OF_ANOTHER,
    &format!(
        r#"(?:\b[Cc]onnect(?:ing|ion)? to |[Ff]ailed to resolve '){LABEL}:(\d{{2,5}})\b|(?:\bhost name |\bserver at )"{LABEL}"|(?:^|[\s:\[(]){LABEL}:(\d{{2,5}}): \[Errno |\(lookup {LABEL} on "#
    )
);

// Netty says what it was asked for before the last name that it tried.
regex!(ORIGINAL, r"\bOriginal hostname: '([A-Za-z0-9_.-]{1,253})'");

/// Words that programs put where they know no name.
const NO_NAMES: [&str; 8] = ["null", "none", "failed", "unknown", "hostname", "host", "error", "localhost"];

/// The single label that was looked up.
pub(super) fn label(line: &str) -> Option<HostPort> {
    let Some(c) = LOOKED_UP.as_ref()?.captures(line).or_else(|| in_parentheses(line)) else { return of_another(line) };
    let name = c.get(1)?.as_str().to_ascii_lowercase();
    if NO_NAMES.contains(&name.as_str()) {
        return None;
    }
    Some((name, c.get(2).and_then(|p| p.as_str().parse().ok())))
}

fn in_parentheses(line: &str) -> Option<regex::Captures<'_>> {
    IN_PARENTHESES.as_ref()?.captures(line)
}

/// The single label, with its port, to which .NET did not get.
pub(super) fn label_with_port(line: &str) -> Option<HostPort> {
    let Some(c) = in_parentheses(line) else { return of_another(line) };
    Some((c.get(1)?.as_str().to_ascii_lowercase(), Some(c.get(2)?.as_str().parse().ok()?)))
}

/// The single label that a client of some other service names.
fn of_another(line: &str) -> Option<HostPort> {
    let c = OF_ANOTHER.as_ref()?.captures(line)?;
    let mut parts = c.iter().skip(1).flatten().map(|m| m.as_str());
    let name = parts.next()?.to_ascii_lowercase();
    (!NO_NAMES.contains(&name.as_str())).then(|| (name, parts.next().and_then(|port| port.parse().ok())))
}

/// The name that a resolver was asked for before it tried it with its search domains.
pub(super) fn original(line: &str) -> Option<HostPort> {
    let name = ORIGINAL.as_ref()?.captures(line)?.get(1)?.as_str();
    Some((name.to_ascii_lowercase(), None))
}

/// A host of Microsoft's with a search domain behind it → that host: no such name exists, it is what a resolver makes of
/// the one that it was asked for.
pub(super) fn without_search_domain((host, port): HostPort) -> HostPort {
    if is_microsoft_host(&host) {
        return (host, port);
    }
    let mut ends = host.char_indices().filter(|(_, c)| *c == '.').filter_map(|(at, _)| host.get(..at));
    match ends.find(|name| name.contains('.') && is_microsoft_host(name)) {
        Some(name) => (name.to_owned(), port),
        None => (host, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_label_is_a_name_where_only_names_stand() {
        for (line, port) in [
            ("request to https://a.example/ failed, reason: getaddrinfo ENOTFOUND gate1", None),
            ("FetchError: getaddrinfo ENOTFOUND gate1 gate1:3128", Some(3128)),
            ("java.net.UnknownHostException: gate1", None),
            ("java.net.UnknownHostException: gate1: Name or service not known", None),
            ("dial tcp: lookup gate1 on 10.0.0.53:53: no such host", None),
            ("Failed to resolve 'gate1' ([Errno -2] Name or service not known)", None),
            ("curl: (6) Could not resolve host: gate1", None),
            ("No such host is known. (gate1:8080)", Some(8080)),
            ("Error -2 connecting to gate1:6379. Name or service not known.", Some(6379)),
            ("gate1:9092/bootstrap: Failed to resolve 'gate1:9092': Name or service not known", Some(9092)),
            ("could not translate host name \"gate1\" to address: Name or service not known", None),
            ("gate1:27017: [Errno -3] Temporary failure in name resolution", Some(27017)),
            ("hostname resolving error (lookup gate1 on 127.0.0.11:53: server misbehaving)", None),
        ] {
            assert_eq!(label(line), Some(("gate1".to_owned(), port)), "{line}");
        }
        for line in [
            "UnknownHostException: No such host is known",
            "DNS lookup failed: no such host",
            "(node:1234) Warning: getaddrinfo was slow",
            "getaddrinfo ENOTFOUND login.microsoftonline.com",
            "unable to make a connection to the server: no such host",
            "connection to localhost:6379: no such host",
        ] {
            assert_eq!(label(line), None, "{line}");
        }
    }

    #[test]
    fn a_search_domain_goes() {
        let bare = |host: &str| without_search_domain((host.to_owned(), None)).0;
        assert_eq!(bare("login.microsoftonline.com.corp.example"), "login.microsoftonline.com");
        assert_eq!(bare("graph.microsoft.com.ns.svc.cluster.local"), "graph.microsoft.com");
        for host in ["login.microsoftonline.com", "login.microsoftonline.us", "proxy.corp.example", "proxy"] {
            assert_eq!(bare(host), host);
        }
        let line = "Original hostname: 'a.example' failed to resolve 'a.example.corp.example' after 2 queries";
        assert_eq!(original(line), Some(("a.example".to_owned(), None)));
    }
}
