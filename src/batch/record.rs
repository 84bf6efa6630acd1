//! An analysed case → what the roll-up needs of it, small and without borrowed parts, as kept for `--resume`.
//!
//! What enters: an [`Analysis`]. What leaves: [`CaseRecord`], which depends on the content of the case alone: no
//! durations, no time of the run. Texts are in both languages, words of the contract as their codes.

use crate::analyze::Analysis;
use crate::case::{Case, HostStory, PieceFacts, Role};
use crate::facts::{Flow, TlsSession};
use crate::lang::Message;
use crate::report::redact::Redactor;
use crate::time::Timestamp;
use crate::verdict::breaker::BreakerKind;
use crate::verdict::{HostVerdict, Verdict, host, tls};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What became of one case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Unique name within the batch.
    pub name: String,
    /// Its files, as given.
    pub files: Vec<String>,
    /// Bytes of its files.
    pub bytes: u64,
    /// Frames of its captures.
    pub frames: u64,
    /// Pieces of evidence that were read.
    pub pieces: usize,
    /// Reports written, relative to the output folder.
    pub reports: Vec<String>,
    /// Word of the contract; empty where the analysis itself failed.
    pub outcome: String,
    /// Host and verdict that stopped the sign-in.
    pub root: Option<(String, String)>,
    /// The answer in words, or why there is none.
    pub text: Message,
    /// The analysis ended in a panic or error.
    pub failed: bool,
    /// Highest severity of its findings.
    pub severity: Option<String>,
    /// First and last time of its evidence, nanoseconds since 1970.
    pub first: Option<i64>,
    /// See `first`.
    pub last: Option<i64>,
    /// Hosts with a verdict.
    pub hosts: Vec<HostRecord>,
    /// Findings: code, severity, host.
    pub findings: Vec<(String, String, String)>,
    /// Networks that the case was seen in.
    pub networks: Vec<Mark>,
    /// Devices and machines that showed themselves.
    pub devices: Vec<Mark>,
    /// Clients that offered no more than TLS 1.1.
    pub legacy: Vec<LegacyRecord>,
    /// Pieces that could not be read: path, reason.
    pub unread: Vec<(String, Message)>,
    /// Pieces that gave nothing of their own (copies, other text): path, reason.
    pub unused: Vec<(String, Message)>,
    /// The case as one line of JSON, where that was asked for.
    pub line: Option<String>,
}

impl CaseRecord {
    /// Whether it turned out to be no case: texts that seemed to be logs, archives without anything of a sign-in.
    pub fn is_nothing(&self) -> bool {
        !self.failed && self.pieces == 0 && self.unread.is_empty()
    }
}

impl CaseRecord {
    /// Puts placeholders into every text. Taken apart in full: a new field has to be decided here.
    pub fn redact(&mut self, redactor: &mut Redactor) {
        let CaseRecord {
            name,
            files,
            bytes: _,
            frames: _,
            pieces: _,
            reports: _,
            outcome: _,
            root,
            text,
            failed: _,
            severity: _,
            first: _,
            last: _,
            hosts,
            findings,
            networks,
            devices,
            legacy,
            unread,
            unused,
            line: _,
        } = self;
        let paths = files.iter().chain(unread.iter().map(|(p, _)| p)).chain(unused.iter().map(|(p, _)| p));
        paths.for_each(|path| redactor.learn_path(path));
        redactor.string(name);
        files.iter_mut().for_each(|f| redactor.string(f));
        root.iter_mut().for_each(|(host, _)| redactor.string(host));
        redactor.both(text);
        for HostRecord { name, role: _, required: _, verdict: _, proxy, first: _, last: _ } in hosts {
            redactor.string(name);
            proxy.iter_mut().for_each(|p| redactor.string(p));
        }
        findings.iter_mut().for_each(|(_, _, host)| redactor.string(host));
        for Mark { kind: _, key, label } in networks.iter_mut().chain(devices) {
            redactor.string(key);
            redactor.string(label);
        }
        for LegacyRecord { version: _, ja3: _, ja4: _, process, host } in legacy {
            redactor.string(process);
            redactor.string(host);
        }
        for (path, reason) in unread.iter_mut().chain(unused) {
            redactor.string(path);
            redactor.both(reason);
        }
    }
}

/// One host of a case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Name.
    pub name: String,
    /// Word of the contract.
    pub role: String,
    /// Needed for the sign-in.
    pub required: Option<bool>,
    /// Word of the contract.
    pub verdict: String,
    /// Proxy on the way.
    pub proxy: Option<String>,
    /// First and last time, nanoseconds.
    pub first: Option<i64>,
    /// See `first`.
    pub last: Option<i64>,
}

/// Something by which cases can be recognised as related.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// `client_subnet`, `proxy`, `egress`, `interceptor`; `client`, `injector`, `router`, `gateway`.
    pub kind: String,
    /// What makes two of them the same.
    pub key: String,
    /// What people read.
    pub label: String,
}

/// A client that offered TLS 1.0 or 1.1 (or SSL) at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LegacyRecord {
    /// Version offered.
    pub version: String,
    /// JA3.
    pub ja3: String,
    /// JA4.
    pub ja4: String,
    /// Process, where known.
    pub process: String,
    /// Host asked for.
    pub host: String,
}

/// What the roll-up needs of an analysed case.
pub fn of(name: &str, files: &[String], bytes: u64, analysis: &Analysis) -> CaseRecord {
    let report = &analysis.report;
    let case = &analysis.case;
    let stories = || case.hosts.iter().zip(&analysis.verdicts).filter_map(|(h, v)| Some((h, v.as_ref()?)));
    let mut networks = BTreeSet::new();
    let mut devices = BTreeSet::new();
    for (story, verdict) in stories() {
        of_host(case, story, verdict, &mut networks, &mut devices);
    }
    of_pieces(case, &mut networks, &mut devices);
    CaseRecord {
        name: name.to_owned(),
        files: files.to_vec(),
        bytes,
        frames: report.evidence.iter().filter(|e| e.kind == "capture").map(|e| e.frames).sum(),
        pieces: report.evidence.len(),
        outcome: report.diagnosis.outcome.code().to_owned(),
        root: report.diagnosis.root_cause.as_ref().map(|r| (r.host.clone(), r.verdict.code().to_owned())),
        text: report.diagnosis.text.clone(),
        severity: report.findings.iter().map(|f| f.severity).max().map(|s| s.code().to_owned()),
        first: report.evidence.iter().filter_map(|e| e.first_time).min().map(|t| t.0),
        last: report.evidence.iter().filter_map(|e| e.last_time).max().map(|t| t.0),
        hosts: stories().map(|(s, v)| host_record(case, s, v)).collect(),
        findings: report
            .findings
            .iter()
            .map(|f| (f.code.to_owned(), f.severity.code().to_owned(), f.host.clone().unwrap_or_default()))
            .collect(),
        networks: networks.into_iter().collect(),
        devices: devices.into_iter().collect(),
        legacy: legacy(case),
        unread: report.unread.clone(),
        ..CaseRecord::default()
    }
}

fn host_record(case: &Case, story: &HostStory, verdict: &HostVerdict) -> HostRecord {
    let asked = story.lookups.iter().flat_map(|l| &l.asked).map(|a| a.time);
    let tried = story.attempts.iter().map(|a| case.used_until(a));
    HostRecord {
        name: story.name.clone(),
        role: story.role.code().to_owned(),
        required: story.required,
        verdict: verdict.verdict.code().to_owned(),
        proxy: verdict.proxy.clone(),
        first: story.first_time().map(|t| t.0),
        last: asked.chain(tried).max().map(|t: Timestamp| t.0),
    }
}

fn mark(kind: &str, key: impl Into<String>, label: impl Into<String>) -> Mark {
    Mark { kind: kind.to_owned(), key: key.into(), label: label.into() }
}

/// The network of an address: /24 and /64, what one site usually has.
fn subnet(address: IpAddr) -> String {
    match address {
        IpAddr::V4(a) => {
            let [a, b, c, _] = a.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(a) => {
            let bits = u128::from(a) & !u128::from(u64::MAX);
            format!("{}/64", std::net::Ipv6Addr::from(bits))
        }
    }
}

fn of_host(
    case: &Case,
    story: &HostStory,
    verdict: &HostVerdict,
    networks: &mut BTreeSet<Mark>,
    devices: &mut BTreeSet<Mark>,
) {
    if matches!(story.role, Role::Service | Role::Proxy) {
        let clients = case.clients(story).chain(story.lookups.iter().map(|l| l.client.ip()));
        for client in clients.filter(|c| !c.is_loopback() && !c.is_unspecified()) {
            let subnet = subnet(client);
            networks.insert(mark("client_subnet", subnet.clone(), subnet));
        }
        for proxy in story.attempts.iter().filter_map(|a| a.way.proxy_text()) {
            networks.insert(mark("proxy", proxy.clone(), proxy));
        }
    }
    let deciding = host::deciding(story, verdict);
    let detail = &verdict.detail;
    if let Some(trust) = detail.trust.as_ref().filter(|t| t.is_foreign()) {
        let chain = deciding.and_then(|a| Some(&case.session(a)?.certificates));
        let issuer = chain.and_then(|c| c.first()).map_or(trust.issuer.as_str(), |leaf| leaf.issuer.as_str());
        // The issuing certificate itself where it was sent: two customers of one product share its name, not its key.
        let authority = chain.and_then(|c| c.get(1)).map_or("", |c| c.sha256.as_str());
        let label = match &trust.vendor {
            Some(vendor) => format!("{vendor} – {}", trust.issuer),
            None => trust.issuer.clone(),
        };
        networks.insert(mark("interceptor", format!("{issuer} {authority}"), label.clone()));
        devices.insert(mark("interceptor", format!("{issuer} {authority}"), label));
    }
    if let Some((_, _, sender)) = detail.icmp {
        devices.insert(mark("router", sender.to_string(), format!("ICMP {sender}")));
    }
    if matches!(verdict.verdict, Verdict::BlockPage | Verdict::CaptivePortal)
        && let Some(product) = detail.product.as_ref().or(detail.title.as_ref())
    {
        devices.insert(mark("gateway", product.clone(), product.clone()));
    }
    if let Some(breaker) = detail.breaker.as_ref().filter(|b| b.kind == BreakerKind::OnTheWay)
        && let Some(reset) = deciding.and_then(|a| case.flow(a)?.tcp.as_ref()?.resets.first())
    {
        // Address and ports are the host's; the initial TTL, window and the presence of an ACK are its own.
        let hops = breaker.hops.unwrap_or(0);
        let initial = reset.ttl.saturating_add(hops);
        let key = format!("ttl {initial} hops {hops} window {} ack {}", reset.window, reset.ack);
        devices.insert(mark("injector", key.clone(), format!("RST, {key}")));
    }
}

fn of_pieces(case: &Case, networks: &mut BTreeSet<Mark>, devices: &mut BTreeSet<Mark>) {
    for piece in &case.pieces {
        match &piece.facts {
            PieceFacts::Log(log) => {
                if let Some(machine) = log.transcript.as_ref().and_then(|t| t.machine.as_ref()) {
                    devices.insert(mark("client", machine.to_lowercase(), machine.clone()));
                }
                for proxy in log.attempts.iter().filter_map(|a| a.proxy.as_ref()) {
                    networks.insert(mark("proxy", proxy.clone(), proxy.clone()));
                }
            }
            PieceFacts::Signin(signin) => {
                for ip in signin.entries.iter().filter_map(|e| e.ip) {
                    networks.insert(mark("egress", ip.to_string(), ip.to_string()));
                }
            }
            PieceFacts::System(system) => {
                if let Some(name) = &system.host_name {
                    devices.insert(mark("client", name.to_lowercase(), name.clone()));
                }
            }
            PieceFacts::Capture(_) | PieceFacts::KeyLog => {}
        }
    }
}

/// Clients of TLS 1.1 at most, by fingerprint and process.
fn legacy(case: &Case) -> Vec<LegacyRecord> {
    const TLS_1_1: u16 = 0x0302;
    let mut out = BTreeSet::new();
    let sessions = case.captures().flat_map(|(_, c)| &c.flows).flat_map(|f| f.app.tls.iter().map(move |s| (f, s)));
    for (flow, session) in sessions.filter(|(_, s): &(&Flow, &TlsSession)| s.carrier == Default::default()) {
        for hello in session.client_hellos.iter().filter(|h| !h.cut && h.max_version() <= TLS_1_1) {
            let process = flow.process.as_ref();
            out.insert(LegacyRecord {
                version: tls::version_name(hello.max_version()).to_owned(),
                ja3: hello.ja3.clone().unwrap_or_default(),
                ja4: hello.ja4.clone().unwrap_or_default(),
                process: process.and_then(|p| p.name.clone()).unwrap_or_default(),
                host: hello.sni.clone().unwrap_or_else(|| flow.ends.server.ip().to_string()),
            });
        }
    }
    out.into_iter().collect()
}

/// The verdict with this code.
pub fn verdict(code: &str) -> Option<Verdict> {
    Verdict::ALL.into_iter().find(|v| v.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_keep_the_network_only() {
        assert_eq!(subnet("10.20.30.40".parse().unwrap()), "10.20.30.0/24");
        assert_eq!(subnet("2001:db8:1:2:3:4:5:6".parse().unwrap()), "2001:db8:1:2::/64");
    }

    #[test]
    fn verdicts_come_back_from_their_codes() {
        assert!(Verdict::ALL.into_iter().all(|v| verdict(v.code()) == Some(v)));
        assert_eq!(verdict("nonsense"), None);
    }

    #[test]
    fn a_record_survives_being_written() {
        let record = CaseRecord {
            name: "a/b".into(),
            root: Some(("h".into(), "refused".into())),
            text: Message { en: "x".into(), ja: "y".into() },
            first: Some(-5),
            ..CaseRecord::default()
        };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<CaseRecord>(&text).unwrap(), record);
    }
}
