//! Flows → attempts: which host a flow was about, and which way it took.

use super::{AddressBook, Attempt, Piece, PieceFacts, Way};
use crate::facts::{CaptureFacts, Flow, FlowTransport};
use crate::knowledge;
use crate::parallel;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};

/// Ports on which explicit proxies usually listen. Used only to tell a proxy from a server where no byte of the
/// conversation tells (an unanswered SYN).
const PROXY_PORTS: [u16; 12] = [3128, 8080, 8888, 8118, 8000, 8081, 9090, 9400, 3129, 1080, 8083, 8008];

/// Ports on which programs on the machine itself listen as proxies. 9000: Zscaler Client Connector in its mode "tunnel with
/// local proxy", where PAC files name it as `${ZAPP_LOCAL_PROXY}` (help.zscaler.com); the number is in Telerik's guide
/// to Fiddler beside Zscaler (docs.telerik.com/fiddler-everywhere). Elsewhere that port is many other things.
const LOCAL_PROXY_PORTS: [u16; 1] = [9000];

/// Ports of services that are no proxy (IANA), for captures in which nothing else tells: web, name, mail, files,
/// directory, remote control, databases, printers, management.
const OTHER_PORTS: [u16; 36] = [
    80, 443, 53, 21, 22, 23, 25, 88, 110, 111, 135, 139, 143, 389, 445, 464, 515, 554, 587, 631, 636, 853, 993, 995,
    1433, 2049, 3268, 3269, 3306, 3389, 5060, 5357, 5432, 5985, 5986, 9100,
];

/// From here on ports are handed out by the system (RFC 6335 6): RPC servers have them, proxies do not.
const DYNAMIC_PORTS: u16 = 49_152;

/// Ports on which services of a sign-in are reached directly.
const SERVICE_PORTS: [u16; 2] = [443, 80];

/// The proxies that a log, the system's settings or a PAC file names: name or address, and port.
pub(super) fn named(pieces: &[Piece]) -> Vec<(String, u16)> {
    let mut named: Vec<(String, u16)> = Vec::new();
    for piece in pieces {
        match &piece.facts {
            PieceFacts::Log(l) => {
                named.extend(l.attempts.iter().filter_map(|a| a.proxy.as_deref()).filter_map(proxy_authority));
            }
            PieceFacts::System(s) => named.extend(s.proxies.iter().cloned()),
            PieceFacts::Capture(_) | PieceFacts::Signin(_) | PieceFacts::KeyLog => {}
        }
    }
    let exchanges = pieces.iter().filter_map(Piece::capture).flat_map(|c| &c.flows).flat_map(|f| &f.app.http);
    named.extend(exchanges.flat_map(|exchange| pac_proxies(&exchange.body_head)));
    named
}

/// The proxies that the client used or tried, with `host:port` for reports; and those of them that nothing shows to be
/// proxies but that the client tried nothing else.
/// `named` are those that something names.
pub(super) fn proxies(
    pieces: &[Piece],
    book: &AddressBook,
    named: &[(String, u16)],
) -> (BTreeMap<SocketAddr, String>, BTreeSet<SocketAddr>) {
    let captures: Vec<&CaptureFacts> = pieces.iter().filter_map(Piece::capture).collect();
    let named_elsewhere: HashSet<(&str, u16)> = named.iter().map(|(host, port)| (host.as_str(), *port)).collect();
    let told_address: HashSet<SocketAddr> =
        named_elsewhere.iter().filter_map(|(host, port)| Some(SocketAddr::new(host.parse().ok()?, *port))).collect();
    // Where no host of a sign-in was ever asked for, whatever the client tried in vain is its way out.
    let blind = !captures.iter().any(|c| asks_for_a_service(c) || gets_out(c));
    let (mut found, mut guessed, mut shown) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for flow in captures.iter().flat_map(|c| &c.flows).filter(|f| f.transport == FlowTransport::Tcp) {
        let server = flow.ends.server;
        let name = book.name_of(server.ip(), flow.first.time);
        let spoke_proxy = flow.app.socks.is_some()
            || flow.app.http.iter().any(|e| e.is_connect() || absolute_host(&e.target).is_some());
        let told =
            told_address.contains(&server) || name.is_some_and(|name| named_elsewhere.contains(&(name, server.port())));
        let silent = flow.app.tls.is_empty() && flow.app.http.is_empty() && flow.sides.iter().all(|s| s.bytes == 0);
        let proxy_port = is_proxy_port(server);
        let silent_on_proxy_port = silent && (proxy_port && blind_or_named(blind, name) || blind && inside(server));
        let tls_on_proxy_port = (proxy_port || blind && inside(server))
            && flow.app.tls.iter().any(|t| t.tunnel.is_none() && t.server_hellos.is_empty() && !names_a_service(t));
        if spoke_proxy || told || silent_on_proxy_port || tls_on_proxy_port {
            let is_shown = spoke_proxy || told || proxy_port || name.is_some_and(super::names::is_proxy_like);
            if is_shown {
                shown.insert(server)
            } else {
                guessed.insert(server)
            };
            found.entry(server).or_insert_with(|| match name {
                Some(n) => format!("{n}:{}", server.port()),
                None => server.to_string(),
            });
        }
    }
    guessed.retain(|server| !shown.contains(server));
    (found, guessed)
}

/// Whether proxies usually listen there.
pub(crate) fn is_proxy_port(server: SocketAddr) -> bool {
    let local = server.ip().is_loopback() && LOCAL_PROXY_PORTS.contains(&server.port());
    local || PROXY_PORTS.contains(&server.port())
}

/// Whether a session asks for a host of Microsoft's by its SNI.
fn names_a_service(session: &crate::facts::TlsSession) -> bool {
    session.client_hellos.iter().filter_map(|h| h.sni.as_deref()).any(knowledge::is_microsoft_host)
}

/// Whether a session on a proxy's connection runs in a tunnel whose CONNECT the capture does not hold: the connection
/// began before the capture, or the session asks for a service, which nobody asks of the proxy itself.
pub(crate) fn in_lost_tunnel(flow: &Flow, session: &crate::facts::TlsSession) -> bool {
    let begun_before = flow.tcp.as_ref().is_some_and(|t| t.midstream);
    session.tunnel.is_none() && (begun_before || names_a_service(session))
}

/// Whether a silent server on a proxy's port can be taken for one: nothing else gets out, or its name says so.
fn blind_or_named(blind: bool, name: Option<&str>) -> bool {
    blind || name.is_some_and(super::names::is_proxy_like)
}

/// An address of the organisation, on a port that no common service has.
fn inside(server: SocketAddr) -> bool {
    let ip = server.ip();
    !ip.is_loopback()
        && knowledge::cannot_be_public(ip)
        && !OTHER_PORTS.contains(&server.port())
        && server.port() < DYNAMIC_PORTS
}

/// Whether the client reaches anything on the internet by itself: then it does not depend on a proxy.
fn gets_out(capture: &CaptureFacts) -> bool {
    capture.flows.iter().any(|f| {
        f.transport == FlowTransport::Tcp
            && !knowledge::cannot_be_public(f.ends.server.ip())
            && f.sides.iter().all(|s| s.bytes > 0)
    })
}

/// Whether anything in the capture asks for a host of Microsoft's: a DNS question, an SNI, a CONNECT, a Host header, or a
/// connection to one of Entra's addresses, however little came of it.
fn asks_for_a_service(capture: &CaptureFacts) -> bool {
    capture.dns.iter().flat_map(|m| &m.questions).any(|(name, _)| knowledge::is_microsoft_host(name))
        || capture.flows.iter().any(|f| {
            let server = f.ends.server;
            SERVICE_PORTS.contains(&server.port()) && knowledge::in_entra_ranges(server.ip())
                || f.app.tls.iter().any(names_a_service)
                || f.app.http.iter().any(|e| {
                    let target = if e.is_connect() { Some(e.target.as_str()) } else { e.host.as_deref() };
                    target.is_some_and(|t| knowledge::is_microsoft_host(&split_authority(t).0))
                })
        })
}

/// `PROXY host:port` entries of a PAC file.
fn pac_proxies(text: &str) -> Vec<(String, u16)> {
    let mut found = Vec::new();
    let mut words = text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '"' | '\'')).filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if matches!(word, "PROXY" | "HTTP" | "HTTPS" | "SOCKS" | "SOCKS5")
            && let Some((host, port)) = words.next().and_then(|w| w.rsplit_once(':'))
            && let Ok(port) = port.parse()
        {
            found.push((host.to_ascii_lowercase(), port));
        }
    }
    found
}

/// Host and port of a proxy as logs write it: `host:port`, perhaps with a scheme before it.
fn proxy_authority(text: &str) -> Option<(String, u16)> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (host, port) = split_authority(rest.trim_end_matches('/'));
    Some((host, port?))
}

/// Host and port of `host:port`, `[v6]:port` or `host`.
pub(super) fn split_authority(authority: &str) -> (String, Option<u16>) {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.starts_with('[') => (host, port.parse().ok()),
        _ => (authority, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    (host.to_ascii_lowercase(), port)
}

/// The host of an absolute-form request target (`http://host:port/path`), as proxies are asked.
fn absolute_host(target: &str) -> Option<String> {
    let rest = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?']).next()?;
    let (host, _) = split_authority(authority.rsplit('@').next()?);
    (!host.is_empty()).then_some(host)
}

/// All attempts of all captures with the host each was about.
pub(super) fn collect(
    pieces: &[Piece],
    book: &AddressBook,
    proxies: &BTreeMap<SocketAddr, String>,
) -> Vec<(String, Attempt)> {
    let mut all = Vec::new();
    for (piece, p) in pieces.iter().enumerate() {
        let Some(capture) = p.capture() else { continue };
        all.extend(parallel::flat_map(&capture.flows, |index, flow, all| {
            let one = FlowReader { piece, index, flow, book, proxies };
            match flow.transport {
                FlowTransport::Tcp => one.tcp(all),
                FlowTransport::Udp => one.quic(all),
            }
        }));
    }
    all
}

struct FlowReader<'a> {
    piece: usize,
    index: usize,
    flow: &'a Flow,
    book: &'a AddressBook,
    proxies: &'a BTreeMap<SocketAddr, String>,
}

impl FlowReader<'_> {
    fn attempt(&self, way: Way) -> Attempt {
        Attempt {
            piece: self.piece,
            flow: self.index,
            session: None,
            exchange: None,
            way,
            client: self.flow.ends.client.ip(),
            peer: self.flow.ends.server,
            start: self.flow.first,
            end: self.flow.last,
            name_inferred: false,
        }
    }

    fn tcp(&self, all: &mut Vec<(String, Attempt)>) {
        let server = self.flow.ends.server;
        let app = &self.flow.app;
        let proxy = self.proxies.get(&server);
        if let Some(proxy) = proxy {
            let host = split_authority(proxy).0;
            all.push((host, self.attempt(Way::Direct)));
        }
        // One attempt for each host, however often the connection asks for it.
        let mut through: BTreeMap<String, Attempt> = BTreeMap::new();
        if let (Some(socks), Some(proxy)) = (&app.socks, proxy)
            && let Some(target) = &socks.target
        {
            let mut attempt = self.attempt(Way::Socks(proxy.clone()));
            attempt.session = app.tls.iter().rposition(|s| s.tunnel.as_deref() == Some(target.as_str()));
            through.insert(self.host_of_authority(target, attempt.session), attempt);
        }
        for (i, exchange) in app.http.iter().enumerate() {
            let Some(proxy) = proxy else { continue };
            if exchange.is_connect() {
                let session = app.tls.iter().rposition(|s| s.tunnel.as_deref() == Some(exchange.target.as_str()));
                let mut attempt = self.attempt(Way::Proxy(proxy.clone()));
                attempt.exchange = Some(i);
                attempt.session = session;
                attempt.start = exchange.request_at.or(exchange.response_at).unwrap_or(attempt.start);
                let host = self.host_of_authority(&exchange.target, session);
                // A CONNECT repeated on the same connection (407, then with credentials) is one attempt.
                if let Some(earlier) = through.get(&host) {
                    attempt.start = earlier.start;
                }
                through.insert(host, attempt);
            } else if let Some(host) = absolute_host(&exchange.target) {
                let mut attempt = self.attempt(Way::Proxy(proxy.clone()));
                attempt.exchange = Some(i);
                through.insert(host, attempt);
            }
        }
        if !through.is_empty() || proxy.is_some() && app.tls.is_empty() {
            all.extend(through);
            return;
        }
        if let Some(proxy) = proxy {
            // TLS spoken to a plain proxy port is the proxy's own story; what runs in a tunnel is not.
            for (i, session) in app.tls.iter().enumerate().filter(|(_, t)| in_lost_tunnel(self.flow, t)) {
                let Some(sni) = session.client_hellos.iter().find_map(|h| h.sni.as_deref()) else { continue };
                let mut attempt = self.attempt(Way::Proxy(proxy.clone()));
                attempt.session = Some(i);
                all.push((clean(sni), attempt));
            }
            return;
        }
        self.direct(all);
    }

    /// A tunnel to a bare address carries the name in its SNI.
    fn host_of_authority(&self, authority: &str, session: Option<usize>) -> String {
        let (host, _) = split_authority(authority);
        if host.parse::<IpAddr>().is_err() {
            return host;
        }
        session
            .and_then(|s| self.flow.app.tls.get(s))
            .and_then(|s| s.client_hellos.first())
            .and_then(|h| h.sni.clone())
            .map(|n| n.to_ascii_lowercase())
            .or_else(|| {
                let ip = host.parse().ok()?;
                self.book.name_of(ip, self.flow.first.time).map(str::to_owned)
            })
            .unwrap_or(host)
    }

    fn direct(&self, all: &mut Vec<(String, Attempt)>) {
        let app = &self.flow.app;
        let server = self.flow.ends.server;
        let mut seen: BTreeMap<String, Attempt> = BTreeMap::new();
        for (i, session) in app.tls.iter().enumerate() {
            let sni = session.client_hellos.iter().find_map(|h| h.sni.as_deref());
            let named = sni.map(|n| (clean(n), false)).or_else(|| self.name_or_address());
            let Some((name, inferred)) = named else { continue };
            let mut attempt = self.attempt(Way::Direct);
            attempt.session = Some(i);
            attempt.name_inferred = inferred;
            seen.insert(name, attempt);
        }
        for (i, exchange) in app.http.iter().enumerate() {
            if !app.tls.is_empty() {
                continue;
            }
            let host = exchange.host.as_deref().map(|h| split_authority(h).0).filter(|h| !h.is_empty());
            let named = host.map(|h| (h, false)).or_else(|| self.name_or_address());
            let Some((name, inferred)) = named else { continue };
            let mut attempt = self.attempt(Way::Direct);
            attempt.exchange = Some(i);
            attempt.name_inferred = inferred;
            seen.insert(name, attempt);
        }
        if seen.is_empty() && !server.ip().is_loopback() {
            let told = SERVICE_PORTS.contains(&server.port()) || server.port() > 1023;
            if let Some((name, inferred)) = self.name_or_address().filter(|_| told) {
                let mut attempt = self.attempt(Way::Direct);
                attempt.name_inferred = inferred;
                seen.insert(name, attempt);
            }
        }
        all.extend(seen);
    }

    /// The name that stood for the server's address, and whether it is a conclusion.
    fn name(&self) -> Option<(String, bool)> {
        let when = self.flow.first.time;
        let (client, address) = (self.flow.ends.client.ip(), self.flow.ends.server.ip());
        self.book
            .name_for(client, address, when)
            .or_else(|| self.book.name_by_order(client, address, when).map(|n| (n, true)))
            .map(|(n, inferred)| (n.to_owned(), inferred))
    }

    /// The same; where nothing names the server of a service's port, its address stands for it.
    fn name_or_address(&self) -> Option<(String, bool)> {
        let server = self.flow.ends.server;
        let address = || (server.ip().to_string(), false);
        let told = SERVICE_PORTS.contains(&server.port()) && !server.ip().is_loopback();
        self.name().or_else(|| told.then(address))
    }

    fn quic(&self, all: &mut Vec<(String, Attempt)>) {
        if self.flow.app.quic.is_none() {
            return;
        }
        let session = self.flow.app.tls.iter().position(|s| s.client_hellos.iter().any(|h| h.sni.is_some()));
        let sni = session
            .and_then(|s| self.flow.app.tls.get(s))
            .and_then(|s| s.client_hellos.iter().find_map(|h| h.sni.as_deref()));
        let Some((name, inferred)) = sni.map(|n| (clean(n), false)).or_else(|| self.name()) else { return };
        let mut attempt = self.attempt(Way::Direct);
        attempt.session = session;
        attempt.name_inferred = inferred;
        all.push((name, attempt));
    }
}

fn clean(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_split_with_and_without_port() {
        assert_eq!(split_authority("Login.Example:443"), ("login.example".into(), Some(443)));
        assert_eq!(split_authority("[2001:db8::1]:443"), ("2001:db8::1".into(), Some(443)));
        assert_eq!(split_authority("2001:db8::1"), ("2001:db8::1".into(), None));
        assert_eq!(split_authority("host.example."), ("host.example".into(), None));
    }

    #[test]
    fn pac_files_name_their_proxies() {
        let pac = "function FindProxyForURL(u,h){ return \"PROXY Px.Example:3128; SOCKS 10.0.0.1:1080; DIRECT\"; }";
        assert_eq!(pac_proxies(pac), [("px.example".into(), 3128), ("10.0.0.1".into(), 1080)]);
    }

    #[test]
    fn absolute_targets_name_the_host_without_credentials() {
        assert_eq!(absolute_host("http://u:p@Www.Example:80/x"), Some("www.example".into()));
        assert_eq!(absolute_host("/x"), None);
    }
}
