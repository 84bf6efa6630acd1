//! Facts → names that belong to a customer, in the order of the evidence.

use super::public::{self, CertificateName};
use super::scan::expression;
use super::{Kind, Redactor};
use crate::case::{Case, PieceFacts, Role};
use crate::facts::log::{LogEventKind, LogFacts, SigninFacts};
use crate::facts::system::SystemFacts;
use crate::facts::{CaptureFacts, Certificate, Crowd, DnsData, DnsMessage, Flow, HttpExchange};
use regex::Regex;
use std::net::IpAddr;
use std::sync::LazyLock;

/// Hosts in a log by what stands around them; the first group is the host.
static HOSTS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let host = r"([a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?)";
    [
        format!(r"(?i)//(?:[^\s/@'\x22]*@)?{host}"),
        format!(r"(?i)\bhost(?:name)?['\x22]?\s*[=:]\s*['\x22]?{host}"),
        format!(r"(?i)\b{host}:[0-9]{{2,5}}\b"),
        // Names with three labels and more under what looks like a domain, and with two under a site's own.
        r"(?i)\b((?:[a-z0-9_-]+\.){2,}(?:com|net|org|edu|gov|mil|int|info|biz|io|cloud|app|example|test|invalid|local|localdomain|internal|corp|lan|intra|intranet|home|jp|de|fr|uk|us|cn|kr|tw|in|au|ca|nl|ch|at|it|es|eu|se|no|dk|fi|br|sg|hk))\b".to_owned(),
        r"(?i)\b([a-z0-9_-]+\.(?:local|localdomain|internal|corp|lan|intra|intranet|home))\b".to_owned(),
    ]
    .iter()
    .filter_map(|text| expression(text))
    .collect()
});
/// Parts of programs that look like hosts.
const NO_HOSTS: [&str; 8] = ["system.", "microsoft.", "azure.", "msal.", "cli.", "urllib3.", "requests.", "python"];

/// What a user asked for on the command line.
static ARGUMENTS: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r#"(?i)(?:--tenant|-tenant(?:id)?)['",=\s]+([^\s'",\]]+)"#));
static ACCOUNTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#"(?i)(?:--username|-accountid|run ?as user|user(?: ?name)?)['"]?\s*[:=,]?\s*['"]?([^\s'",;:=\]]+\\[^\s'",;:\]]+)"#,
    )
});
/// Names of tenants in messages of Entra ID.
static DIRECTORIES: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"(?i)\b(?:tenant|directory|resource tenant|home tenant)\s+'([^'\n]{2,80})'"));
/// Names of organisations, subscriptions and people in answers of Graph, Resource Manager and the authority.
static MEMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#"(?i)\\?"(?:(?:tenant|subscription|company)(?:display)?name|displayname)\\?"\s*:\s*\\?"([^"\\\n]{4,80})"#,
    )
});
/// The pseudonyms of proxies in Via and X-Cache.
static VIA: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"(?i)(?:\b[0-9]\.[0-9]\s+|\bfrom\s+)([a-z0-9._-]+)"));

/// Names of evidence that say nothing about anybody: as the guide has them.
const USUAL_FILES: [&str; 12] = [
    "az-debug.txt",
    "capture.pcap",
    "capture.pcapng",
    "debug.log",
    "graph-debug.txt",
    "keylog.txt",
    "nettrace.cab",
    "nettrace.etl",
    "report.etl",
    "signins.csv",
    "signins.json",
    "trace.pcap",
];

impl Redactor {
    /// Learns the names in a case: captures first, then the other evidence.
    pub fn learn(&mut self, case: &Case) {
        for (_, capture) in case.captures() {
            self.learn_capture(capture);
        }
        let others = case.pieces.iter().map(|piece| &piece.facts);
        others.filter(|facts| !matches!(facts, PieceFacts::Capture(_))).for_each(|facts| self.learn_piece(facts));
        for host in &case.hosts {
            self.host(&host.name);
            if host.role == Role::Proxy || (host.role == Role::Service && !public::is_public(&host.name)) {
                self.domain(&host.name);
            }
        }
        for proxy in case.proxies.values() {
            self.authority(proxy);
        }
        for piece in &case.pieces {
            self.learn_path(&piece.path);
        }
    }

    /// Learns the path of a piece of evidence: its folders and its own name tell of people and customers.
    pub fn learn_path(&mut self, path: &str) {
        if path.is_empty() || path == "-" {
            return;
        }
        self.placeholder(Kind::File, path);
        if path.len() > 4 {
            self.anywhere(Kind::File, path);
        }
        let base = path.rsplit(['/', '\\', '!']).next().unwrap_or(path);
        let usual = USUAL_FILES.contains(&base.to_lowercase().as_str());
        if !usual && base.len() > 4 && base.contains('.') {
            let new = self.placeholder(Kind::File, path);
            self.names.entry(base.to_lowercase()).or_insert_with(|| new.clone());
            if !base.bytes().all(super::scan::is_token_byte) {
                super::insert_longest_first(&mut self.phrases, base, new);
            }
        }
    }

    /// Learns the names in one piece of evidence.
    pub fn learn_piece(&mut self, facts: &PieceFacts) {
        match facts {
            PieceFacts::Capture(capture) => self.learn_capture(capture),
            PieceFacts::Log(log) => self.learn_log(log),
            PieceFacts::Signin(signin) => self.learn_signin(signin),
            PieceFacts::System(system) => self.learn_system(system),
            PieceFacts::KeyLog => {}
        }
    }

    /// Learns the names in a capture, in the order of its facts.
    pub fn learn_capture(&mut self, capture: &CaptureFacts) {
        self.note_shown(capture);
        for message in &capture.dns {
            self.learn_dns(message);
        }
        for flow in &capture.flows {
            self.learn_flow(flow);
        }
        for client in capture.crowds().flat_map(Crowd::clients) {
            self.address(client);
        }
        for icmp in &capture.icmp {
            for address in [icmp.sender, icmp.receiver, icmp.error.quoted_src.ip(), icmp.error.quoted_dst.ip()] {
                self.address(address);
            }
        }
        for (source, target) in capture.drops.iter().filter_map(|d| d.ends) {
            self.address(source.ip());
            self.address(target.ip());
        }
        for (address, name) in &capture.info.names {
            self.address(*address);
            self.host(name);
        }
        for event in &capture.info.events {
            self.learn_text(&event.text);
        }
    }

    /// Public addresses of hosts whose names may stay.
    fn note_shown(&mut self, capture: &CaptureFacts) {
        let flows = capture.flows.iter().map(|f| f.ends.client.ip());
        let clients: std::collections::HashSet<IpAddr> =
            flows.chain(capture.crowds().flat_map(Crowd::clients)).collect();
        let mut show = |address: IpAddr| {
            if !public::is_private(address)
                && !clients.contains(&address)
                && !self.names.contains_key(&address.to_string())
            {
                self.shown.insert(address);
            }
        };
        for message in capture.dns.iter().filter(|m| m.response) {
            if message.questions.first().is_some_and(|(name, _)| public::is_public(name)) {
                message.answers.iter().for_each(|record| match &record.data {
                    DnsData::Address(address) => show(*address),
                    DnsData::Service { hints, .. } => hints.iter().copied().for_each(&mut show),
                    DnsData::Name(_) | DnsData::Other(_) => {}
                });
            }
        }
        for flow in &capture.flows {
            let named = |s: &crate::facts::TlsSession| {
                s.tunnel.is_none() && s.client_hellos.iter().any(|h| h.sni.as_deref().is_some_and(public::is_public))
            };
            if flow.app.tls.iter().any(named) {
                show(flow.ends.server.ip());
            }
        }
    }

    fn learn_dns(&mut self, message: &DnsMessage) {
        for end in [message.src, message.dst].into_iter().flatten() {
            self.address(end.ip());
        }
        for (name, _) in &message.questions {
            self.host(name);
        }
        for record in &message.answers {
            self.host(&record.name);
            match &record.data {
                DnsData::Address(address) => {
                    self.address(*address);
                    if public::is_private(*address) && !public::is_public(&record.name) {
                        self.domain(&record.name);
                    }
                }
                DnsData::Name(name) => self.host(name),
                DnsData::Service { target, hints, .. } => {
                    self.host(target);
                    hints.iter().for_each(|a| self.address(*a));
                }
                DnsData::Other(text) => self.learn_text(text),
            }
        }
    }

    fn learn_flow(&mut self, flow: &Flow) {
        self.address(flow.ends.client.ip());
        self.address(flow.ends.server.ip());
        for session in &flow.app.tls {
            session.tunnel.iter().for_each(|t| self.authority(t));
            for name in session.client_hellos.iter().filter_map(|h| h.sni.as_deref()) {
                self.host(name);
            }
            for certificate in session.certificates.iter().chain(&session.client_certificates) {
                self.learn_certificate(certificate);
            }
        }
        for exchange in &flow.app.http {
            self.learn_exchange(exchange);
        }
        flow.app.socks.iter().filter_map(|s| s.target.as_deref()).for_each(|t| self.authority(t));
    }

    fn learn_exchange(&mut self, exchange: &HttpExchange) {
        if exchange.is_connect() {
            self.authority(&exchange.target);
        } else {
            self.learn_text(&exchange.target);
        }
        exchange.host.iter().for_each(|h| self.authority(h));
        let headers = exchange.product_headers.iter().map(|(_, value)| value);
        for value in exchange.via.iter().chain(&exchange.server).chain(headers) {
            for name in captures(&VIA, value) {
                // A word without digits is a product's or a daemon's name.
                let telling = name.contains('.') || name.bytes().any(|b| b.is_ascii_digit() || b == b'-');
                if telling && !matches!(public::certificate_name(name), CertificateName::Known) {
                    self.host(name);
                }
            }
            self.learn_text(value);
        }
        exchange.location.iter().for_each(|l| self.learn_text(l));
        exchange.title.iter().for_each(|t| self.learn_text(t));
        self.learn_text(&exchange.body_head);
    }

    /// `host:port`, perhaps with credentials' place or a scheme before it.
    fn authority(&mut self, text: &str) {
        let bare = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
        let bare = bare.rsplit_once('@').map_or(bare, |(_, rest)| rest);
        let host = match bare.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or(""),
            None if bare.matches(':').count() > 1 => bare,
            None => bare.split([':', '/']).next().unwrap_or(""),
        };
        self.host(host);
    }

    fn learn_certificate(&mut self, certificate: &Certificate) {
        certificate.names.iter().for_each(|name| self.host(name));
        for text in [&certificate.subject, &certificate.issuer] {
            self.learn_name(text);
        }
    }

    /// A distinguished name.
    fn learn_name(&mut self, text: &str) {
        let parts = attributes(text);
        let own = |key: &str, value: &str| match key {
            "CN" | "OU" if value.contains('.') && !value.contains(' ') => !public::is_public(value),
            "CN" | "OU" | "O" => !matches!(public::certificate_name(value), CertificateName::Known),
            _ => false,
        };
        let foreign = parts.iter().any(|(key, value)| own(key, value));
        for (key, value) in &parts {
            match key.as_str() {
                "CN" if value.contains('.') && !value.contains(' ') => self.host(value),
                "CN" => self.certificate_word(Kind::Authority, value),
                "O" | "OU" => self.certificate_word(Kind::Organisation, value),
                "L" | "ST" | "STREET" if foreign && value.len() > 3 => self.word(Kind::Place, value),
                "DC" => self.word(Kind::Organisation, value),
                _ if value.contains('@') => self.user(value),
                _ => {}
            }
        }
    }

    fn certificate_word(&mut self, kind: Kind, value: &str) {
        match public::certificate_name(value) {
            CertificateName::Known => {}
            CertificateName::Own => self.certificate_phrase(kind, value, None),
            CertificateName::Product(label) => self.certificate_phrase(kind, value, Some(&label)),
        }
    }

    /// Learns a value as people write it and as it stands in a name (RFC 4514 escapes).
    fn certificate_phrase(&mut self, kind: Kind, value: &str, product: Option<&str>) {
        let key = value.to_lowercase();
        if let Some(product) = product
            && !self.names.contains_key(&key)
        {
            let numbered = self.number(kind);
            self.names.insert(key, format!("{numbered} ({product})"));
        }
        self.word(kind, value);
        let escaped = value.replace('\\', "\\\\").replace(',', "\\,").replace('+', "\\+").replace('"', "\\\"");
        if escaped != value && self.names.contains_key(&value.to_lowercase()) {
            let new = self.placeholder(kind, value);
            self.names.insert(escaped.to_lowercase(), new);
            self.word(kind, &escaped);
        }
    }

    fn learn_log(&mut self, log: &LogFacts) {
        if let Some(transcript) = &log.transcript {
            transcript.user.iter().for_each(|u| self.user(u));
            transcript.machine.iter().for_each(|m| self.word(Kind::Machine, m));
        }
        for attempt in &log.attempts {
            attempt.account.iter().for_each(|a| self.user(a));
            for tenant in attempt.tenant_asked.iter().chain(&attempt.tenant_used) {
                self.tenant(tenant);
            }
            for host in attempt.authority.iter().chain(&attempt.proxy) {
                self.authority(host);
            }
            attempt.proxy.iter().for_each(|p| self.domain_of(p));
            attempt.arguments.iter().for_each(|a| self.learn_text(a));
            self.learn_text(&attempt.arguments.join(" "));
            for event in &attempt.events {
                event.host.iter().for_each(|h| self.host(h));
                match &event.kind {
                    LogEventKind::TenantSeen { tenant } => self.tenant(tenant),
                    LogEventKind::Proxy { proxy } => {
                        self.authority(proxy);
                        self.domain_of(proxy);
                    }
                    LogEventKind::Connecting { address } | LogEventKind::Connected { address } => {
                        if let (Some(address), Some(host)) = (address, &event.host)
                            && public::is_public(host)
                            && !public::is_private(*address)
                            && !self.names.contains_key(&address.to_string())
                        {
                            self.shown.insert(*address);
                        }
                        address.iter().for_each(|a| self.address(*a));
                    }
                    _ => {}
                }
                self.learn_text(&event.text);
            }
        }
    }

    fn domain_of(&mut self, authority: &str) {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let host = host.rsplit(['/', '@']).next().unwrap_or(host);
        if host.contains('.') && host.parse::<IpAddr>().is_err() {
            self.domain(host);
        }
    }

    fn learn_signin(&mut self, signin: &SigninFacts) {
        for entry in &signin.entries {
            entry.user.iter().for_each(|u| self.user(u));
            entry.tenant.iter().for_each(|t| self.tenant(t));
            if let Some(ip) = entry.ip {
                self.shown.remove(&ip);
                self.address(ip);
            }
            entry.failure_reason.iter().for_each(|r| self.learn_text(r));
        }
    }

    fn learn_system(&mut self, system: &SystemFacts) {
        system.host_name.iter().for_each(|n| self.host(n));
        for interface in &system.interfaces {
            let all = [&interface.addresses, &interface.gateways, &interface.dns_servers];
            for address in all.into_iter().flatten().chain(&interface.dhcp_server) {
                self.shown.remove(address);
                self.address(*address);
            }
            if let Some(suffix) = &interface.dns_suffix {
                self.host(suffix);
                self.domain(suffix);
            }
        }
        for (host, _) in &system.proxies {
            self.host(host);
            self.domain_of(host);
        }
        for setting in &system.proxy_settings {
            for text in [&setting.server, &setting.auto_config_url, &setting.bypass].into_iter().flatten() {
                self.learn_text(text);
            }
        }
        for (address, name) in &system.names {
            self.host(name);
            self.address(*address);
        }
        for cached in &system.dns_cache {
            cached.asked.iter().chain([&cached.name]).chain(&cached.target).for_each(|n| self.host(n));
            cached.address.iter().for_each(|a| self.address(*a));
        }
    }

    /// Learns what a text of a log, a header or a setting names.
    pub(super) fn learn_text(&mut self, text: &str) {
        for expression in HOSTS.iter() {
            for host in expression.captures_iter(text).filter_map(|c| c.get(1)).map(|m| m.as_str()) {
                let lower = host.to_ascii_lowercase();
                let telling = host.contains('.') || host.bytes().any(|b| b.is_ascii_digit() || b == b'-');
                let program = NO_HOSTS.iter().any(|p| lower.starts_with(p)) && !public::is_public(host);
                let number = host.bytes().all(|b| b.is_ascii_digit() || b == b'.') && host.parse::<IpAddr>().is_err();
                // Nothing ends in one letter but sources (`_ssl.c:1006`).
                let short =
                    lower.rsplit('.').next().is_some_and(|l| l.len() < 2 && l.bytes().all(|b| b.is_ascii_alphabetic()));
                if telling && !program && !number && !short && !is_file(&lower) {
                    self.host(host);
                }
            }
        }
        self.note_ids(text);
        for tenant in captures(&ARGUMENTS, text) {
            self.tenant(tenant);
        }
        for name in captures(&DIRECTORIES, text) {
            if super::scan::is_guid(name) || name.contains('.') {
                self.tenant(name);
            } else {
                self.word(Kind::Organisation, name);
            }
        }
        for name in captures(&MEMBERS, text) {
            if !matches!(public::certificate_name(name), CertificateName::Known) && !public::is_public(name) {
                self.word(Kind::Organisation, name);
            }
        }
        for account in captures(&ACCOUNTS, text) {
            self.user(account);
        }
        // Accounts, profile folders and addresses show by their shape.
        self.text(text);
    }
}

fn captures<'a>(expression: &'static LazyLock<Option<Regex>>, text: &'a str) -> Vec<&'a str> {
    let found =
        expression.as_ref().map(|e| e.captures_iter(text).filter_map(|c| c.get(1)).map(|m| m.as_str()).collect());
    found.unwrap_or_default()
}

/// `ssl.py:1129` is a place in a program.
fn is_file(name: &str) -> bool {
    [".py", ".cs", ".ps1", ".psm1", ".js", ".go", ".java", ".dll", ".exe", ".txt", ".log", ".json", ".pem", ".crt"]
        .iter()
        .any(|e| name.ends_with(e))
}

/// The attributes of a distinguished name (RFC 4514), unescaped, types in capitals.
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut part = String::new();
    let mut chars = text.chars();
    let mut push = |part: &mut String| {
        if let Some((key, value)) = std::mem::take(part).split_once('=') {
            out.push((key.trim().to_uppercase(), value.trim().to_owned()));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' => part.extend(chars.next()),
            ',' | '+' => push(&mut part),
            c => part.push(c),
        }
    }
    push(&mut part);
    out
}
