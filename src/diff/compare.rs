//! Two analysed cases → what differs between them.
//!
//! Hosts are compared by name. A difference has a weight: how much it can explain that the sign-in works in one case and
//! not in the other. Nothing is judged anew here: verdicts and findings are those of the two reports.

use crate::analyze::Analysis;
use crate::case::{Attempt, HostStory, LookupResult, Role};
use crate::facts::log::Versions;
use crate::facts::{Crowd, TcpFacts};
use crate::finding::Severity;
use crate::lang::{Lang, Message, Text};
use crate::message;
use crate::report::redact::Redactor;
use crate::report::{HostReport, Outcome};
use crate::verdict::Verdict;
use std::collections::BTreeSet;

/// What differs between a working and a failing case.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// The working one.
    pub good: Side,
    /// The failing one.
    pub bad: Side,
    /// The answer, the most telling sentence first.
    pub answer: Vec<Message>,
    /// Hosts that differ, the most telling first.
    pub hosts: Vec<HostDiff>,
    /// Names of hosts that are the same in both.
    pub same: Vec<String>,
    /// Findings of the failing case alone.
    pub only_bad: Vec<FindingSeen>,
    /// Findings of the working case alone.
    pub only_good: Vec<FindingSeen>,
    /// Versions of clients that differ, by the logs: name, in the working case, in the failing one.
    pub versions: Vec<(Message, String, String)>,
}

/// One of the two cases.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// Its evidence.
    pub evidence: Vec<String>,
    /// What it comes to.
    pub outcome: Outcome,
    /// The same in words.
    pub text: Message,
    /// What could not be read: path, reason.
    pub unread: Vec<(String, Message)>,
}

/// One host in both cases.
#[derive(Debug, Clone)]
pub struct HostDiff {
    /// Its name.
    pub name: String,
    /// Needed for the sign-in.
    pub required: Option<bool>,
    /// Its verdict in the working case; `None` where it does not appear.
    pub good: Option<Verdict>,
    /// Its verdict in the failing case.
    pub bad: Option<Verdict>,
    /// What differs, the most telling first.
    pub changes: Vec<Change>,
    /// How much it explains; only the order means something.
    pub weight: u32,
}

/// One difference.
#[derive(Debug, Clone)]
pub struct Change {
    /// What it is about.
    pub kind: ChangeKind,
    /// In the working case.
    pub good: Message,
    /// In the failing case.
    pub bad: Message,
}

/// What a difference is about, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// What became of the host.
    Verdict,
    /// Direct, or through which proxy.
    Way,
    /// Who issued the certificate.
    Issuer,
    /// Highest TLS version that the client offers.
    TlsOffered,
    /// TLS version agreed on.
    TlsNegotiated,
    /// Who resolved the name.
    Resolver,
    /// Time from SYN to SYN-ACK, by class.
    RoundTrip,
    /// Time from the client's first data to the answer, by class.
    FirstAnswer,
    /// Addresses behind the name, where none is the same.
    Addresses,
}

impl ChangeKind {
    /// Stable word.
    pub fn code(self) -> &'static str {
        match self {
            ChangeKind::Verdict => "verdict",
            ChangeKind::Way => "way",
            ChangeKind::Issuer => "issuer",
            ChangeKind::TlsOffered => "tls_offered",
            ChangeKind::TlsNegotiated => "tls_negotiated",
            ChangeKind::Resolver => "resolver",
            ChangeKind::RoundTrip => "round_trip",
            ChangeKind::FirstAnswer => "first_answer",
            ChangeKind::Addresses => "addresses",
        }
    }

    /// The same for people.
    pub fn title(self) -> Text {
        match self {
            ChangeKind::Verdict => Text { en: "verdict", ja: "判定" },
            ChangeKind::Way => Text { en: "way", ja: "経路" },
            ChangeKind::Issuer => Text { en: "certificate issuer", ja: "証明書の発行者" },
            ChangeKind::TlsOffered => Text { en: "TLS offered", ja: "提示した TLS" },
            ChangeKind::TlsNegotiated => Text { en: "TLS negotiated", ja: "合意した TLS" },
            ChangeKind::Resolver => Text { en: "resolver", ja: "DNS サーバー" },
            ChangeKind::RoundTrip => Text { en: "round trip", ja: "往復時間" },
            ChangeKind::FirstAnswer => Text { en: "first answer", ja: "最初の応答" },
            ChangeKind::Addresses => Text { en: "addresses", ja: "アドレス" },
        }
    }

    /// How much such a difference explains. Services change their addresses all the time.
    fn weight(self) -> u32 {
        match self {
            ChangeKind::Verdict => 0,
            ChangeKind::Issuer => 30,
            ChangeKind::Way => 25,
            ChangeKind::TlsOffered | ChangeKind::TlsNegotiated => 15,
            ChangeKind::Resolver => 10,
            ChangeKind::RoundTrip | ChangeKind::FirstAnswer => 5,
            ChangeKind::Addresses => 1,
        }
    }
}

/// A finding of one case.
#[derive(Debug, Clone)]
pub struct FindingSeen {
    /// Stable code.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Host concerned.
    pub host: Option<String>,
    /// One line.
    pub title: Message,
}

/// Differences from this weight on are told in the answer; below are those that come and go by themselves.
const TELLING: u32 = 20;

/// Sentences of the answer.
const ANSWERS_MAX: usize = 4;

/// Compares two cases.
pub fn compare(good: &Analysis, bad: &Analysis) -> Diff {
    let root = bad.report.diagnosis.root_cause.as_ref().map(|r| r.host.as_str());
    let mut names: Vec<&str> = bad.report.hosts.iter().map(|h| h.name.as_str()).collect();
    for host in &good.report.hosts {
        if !names.contains(&host.name.as_str()) {
            names.push(&host.name);
        }
    }
    let mut hosts = Vec::new();
    let mut same = Vec::new();
    for name in names {
        let diff = host(name, seen(good, name), seen(bad, name), root == Some(name));
        if diff.changes.is_empty() {
            same.push(name.to_owned());
        } else {
            hosts.push(diff);
        }
    }
    hosts.sort_by_key(|h| std::cmp::Reverse(h.weight));
    let mut diff = Diff {
        good: side(good),
        bad: side(bad),
        answer: Vec::new(),
        hosts,
        same,
        only_bad: only(bad, good),
        only_good: only(good, bad),
        versions: versions(good, bad),
    };
    diff.answer = answer(&diff);
    diff
}

impl Diff {
    /// Puts placeholders into every text; taken apart in full, so that a new field has to be decided here.
    pub fn redact(&mut self, redactor: &mut Redactor) {
        let Diff { good, bad, answer, hosts, same, only_bad, only_good, versions } = self;
        answer.iter_mut().for_each(|m| redactor.both(m));
        for HostDiff { name, required: _, good: _, bad: _, changes, weight: _ } in hosts {
            redactor.string(name);
            for Change { kind: _, good, bad } in changes {
                redactor.both(good);
                redactor.both(bad);
            }
        }
        same.iter_mut().for_each(|n| redactor.string(n));
        for FindingSeen { code: _, severity: _, host, title } in only_bad.iter_mut().chain(only_good) {
            host.iter_mut().for_each(|h| redactor.string(h));
            redactor.both(title);
        }
        for (_, good, bad) in versions {
            redactor.string(good);
            redactor.string(bad);
        }
        for Side { evidence, outcome: _, text, unread } in [good, bad] {
            evidence.iter_mut().for_each(|e| redactor.string(e));
            redactor.both(text);
            for (path, reason) in unread {
                redactor.string(path);
                redactor.both(reason);
            }
        }
    }
}

fn side(analysis: &Analysis) -> Side {
    let report = &analysis.report;
    Side {
        evidence: report.evidence.iter().map(|e| e.path.clone()).collect(),
        outcome: report.diagnosis.outcome,
        text: report.diagnosis.text.clone(),
        unread: report.unread.clone(),
    }
}

/// Findings of `of` that `other` has not: the same code for the same host counts as the same.
fn only(of: &Analysis, other: &Analysis) -> Vec<FindingSeen> {
    let there: BTreeSet<_> = other.report.findings.iter().map(|f| (f.code, f.host.as_deref())).collect();
    let new = of.report.findings.iter().filter(|f| !there.contains(&(f.code, f.host.as_deref())));
    new.map(|f| FindingSeen { code: f.code, severity: f.severity, host: f.host.clone(), title: f.title.clone() })
        .collect()
}

/// A host in one case.
struct Seen<'a> {
    report: &'a HostReport,
    resolvers: Vec<String>,
    round_trip: Option<i64>,
    first_answer: Option<i64>,
}

fn seen<'a>(analysis: &'a Analysis, name: &str) -> Option<Seen<'a>> {
    let report = analysis.report.hosts.iter().find(|h| h.name == name)?;
    let story = analysis.case.host(name);
    let tcp = |take: fn(&TcpFacts) -> Option<i64>, counted: fn(&Crowd) -> Option<i64>| {
        let least = |a: &Attempt| {
            let own = analysis.case.flow(a).and_then(|f| take(f.tcp.as_ref()?));
            own.into_iter().chain(analysis.case.crowd(a).and_then(counted)).min()
        };
        story.into_iter().flat_map(|s| &s.attempts).filter_map(least).min()
    };
    Some(Seen {
        report,
        resolvers: story.map(resolvers).unwrap_or_default(),
        round_trip: tcp(|t| t.handshake_rtt, Crowd::handshake_rtt),
        first_answer: tcp(|t| t.first_answer, Crowd::first_answer),
    })
}

/// Who answered for the name; who was asked, where nobody answered.
fn resolvers(story: &HostStory) -> Vec<String> {
    let answered = |r: &LookupResult| !matches!(r, LookupResult::Unanswered { .. });
    let any = story.lookups.iter().any(|l| answered(&l.result));
    let asked = story.lookups.iter().filter(|l| answered(&l.result) == any);
    let all: BTreeSet<std::net::IpAddr> = asked.map(|l| l.resolver.ip()).collect();
    all.iter().map(ToString::to_string).collect()
}

/// What it is to be slow: times within one class, and times that differ by less than this factor, are the same.
const CLASSES_MS: [i64; 4] = [10, 50, 200, 1000];
const FACTOR: i64 = 3;

fn differs(good: i64, bad: i64) -> bool {
    let class = |ns: i64| CLASSES_MS.iter().position(|ms| ns < ms.saturating_mul(1_000_000));
    class(good) != class(bad) && good.max(bad) > good.min(bad).saturating_mul(FACTOR)
}

fn host(name: &str, good: Option<Seen<'_>>, bad: Option<Seen<'_>>, is_root: bool) -> HostDiff {
    let report = |s: &Option<Seen<'_>>| s.as_ref().map(|s| s.report.verdict);
    let (in_good, in_bad) = (report(&good), report(&bad));
    let any = bad.as_ref().or(good.as_ref()).map(|s| s.report);
    let required = any.and_then(|r| r.required);
    let role = any.map(|r| r.role).unwrap_or_default();
    let mut changes = Vec::new();
    if in_good != in_bad {
        changes.push(Change { kind: ChangeKind::Verdict, good: fate(in_good), bad: fate(in_bad) });
    }
    if let (Some(good), Some(bad)) = (&good, &bad) {
        details(good, bad, &mut changes);
    }
    changes.sort_by_key(|c| c.kind);
    let of_verdict = match (in_good, in_bad) {
        (Some(g), Some(b)) if g.is_good() && b.is_fault() => 100,
        (Some(g), Some(b)) if g != b => 30,
        (None, Some(b)) if b.is_fault() => 60,
        (Some(g), None) if g.is_good() && required == Some(true) => 50,
        (Some(_), None) | (None, Some(_)) if role != Role::Other && required.is_some() => 15,
        _ => 1,
    };
    let weight: u32 =
        changes.iter().map(|c| if c.kind == ChangeKind::Verdict { of_verdict } else { c.kind.weight() }).sum();
    let need = if required == Some(true) { 2 } else { 1 };
    let weight = weight.saturating_mul(need).saturating_add(if is_root && !changes.is_empty() { 200 } else { 0 });
    HostDiff { name: name.to_owned(), required, good: in_good, bad: in_bad, changes, weight }
}

fn fate(verdict: Option<Verdict>) -> Message {
    match verdict {
        Some(verdict) => verdict.title().into(),
        None => message!(en: "not asked for", ja: "アクセスなし"),
    }
}

fn details(good: &Seen<'_>, bad: &Seen<'_>, changes: &mut Vec<Change>) {
    let mut add = |kind, good: Message, bad: Message| changes.push(Change { kind, good, bad });
    let (g, b) = (good.report, bad.report);
    if g.proxy != b.proxy {
        let way = |proxy: &Option<String>| match proxy {
            Some(proxy) => message!(en: "through {proxy}", ja: "{proxy} 経由"),
            None => message!(en: "direct", ja: "直接"),
        };
        add(ChangeKind::Way, way(&g.proxy), way(&b.proxy));
    }
    if let (Some(x), Some(y)) = (&g.certificate, &b.certificate)
        && (&x.issuer, &x.vendor) != (&y.issuer, &y.vendor)
    {
        let issuer = |c: &crate::report::CertificateReport| match &c.vendor {
            Some(vendor) => Message::same(format!("{} ({vendor})", c.issuer)),
            None => Message::same(c.issuer.clone()),
        };
        add(ChangeKind::Issuer, issuer(x), issuer(y));
    }
    for (kind, x, y) in [
        (ChangeKind::TlsOffered, g.client_tls_max, b.client_tls_max),
        (ChangeKind::TlsNegotiated, g.negotiated_tls, b.negotiated_tls),
    ] {
        // What was not seen in one of them is no difference of its own: the verdict tells it.
        if let (Some(x), Some(y)) = (x, y)
            && x != y
        {
            add(kind, Message::same(format!("TLS {x}")), Message::same(format!("TLS {y}")));
        }
    }
    if !good.resolvers.is_empty() && !bad.resolvers.is_empty() && good.resolvers != bad.resolvers {
        add(ChangeKind::Resolver, Message::same(good.resolvers.join(", ")), Message::same(bad.resolvers.join(", ")));
    }
    for (kind, x, y) in [
        (ChangeKind::RoundTrip, good.round_trip, bad.round_trip),
        (ChangeKind::FirstAnswer, good.first_answer, bad.first_answer),
    ] {
        if let (Some(x), Some(y)) = (x, y)
            && differs(x, y)
        {
            let time = |ns: i64| Message::same(format!("{} ms", ns.saturating_add(500_000) / 1_000_000));
            add(kind, time(x), time(y));
        }
    }
    let apart =
        !g.addresses.is_empty() && !b.addresses.is_empty() && !g.addresses.iter().any(|a| b.addresses.contains(a));
    if apart {
        add(ChangeKind::Addresses, Message::same(g.addresses.join(", ")), Message::same(b.addresses.join(", ")));
    }
}

/// Versions by the logs, of the last attempt of each case.
fn versions(good: &Analysis, bad: &Analysis) -> Vec<(Message, String, String)> {
    let last = |analysis: &Analysis| -> Versions {
        let attempt = analysis.case.logs().last().and_then(|(_, l)| l.leading_attempt().cloned());
        attempt.map(|a| a.versions).unwrap_or_default()
    };
    let (g, b) = (last(good), last(bad));
    let rows = [
        (Text { en: "Azure CLI", ja: "Azure CLI" }, g.cli, b.cli),
        (Text { en: "module", ja: "モジュール" }, g.module, b.module),
        (Text { en: "MSAL", ja: "MSAL" }, g.msal, b.msal),
        (Text { en: "runtime", ja: "ランタイム" }, g.runtime, b.runtime),
        (Text { en: "system", ja: "OS" }, g.os, b.os),
        (Text { en: "PowerShell", ja: "PowerShell" }, g.powershell, b.powershell),
    ];
    let changed = rows.into_iter().filter_map(|(name, x, y)| Some((name.into(), x?, y?)));
    changed.filter(|(_, x, y)| x != y).collect()
}

fn answer(diff: &Diff) -> Vec<Message> {
    let mut out = Vec::new();
    let steps = diff.hosts.iter().filter(|h| h.weight >= TELLING).take(ANSWERS_MAX);
    out.extend(steps.map(sentence));
    let told = |f: &&FindingSeen| f.severity == Severity::Critical && f.host.is_none();
    for finding in diff.only_bad.iter().filter(told).take(ANSWERS_MAX) {
        let Message { en, ja } = &finding.title;
        out.push(message!(en: "Only in BAD: {en}", ja: "BAD のみ: {ja}"));
    }
    if out.is_empty() {
        out.push(message!(
            en: "Nothing differs that could explain a failure: the two traces show the same hosts with the same fate.",
            ja: "失敗の原因になり得る差異なし。両方のトレースで同じホストが同じ結果になっている。",
        ));
    }
    let versions = diff.versions.iter().map(|(name, x, y)| Message {
        en: format!("{} {x} in GOOD, {y} in BAD", name.en),
        ja: format!("{} GOOD {x}、BAD {y}", name.ja),
    });
    let versions: Vec<Message> = versions.collect();
    if !versions.is_empty() {
        let join =
            |lang, between: &str| versions.iter().map(|v| v.get(lang).to_owned()).collect::<Vec<_>>().join(between);
        let (en, ja) = (join(Lang::En, "; "), join(Lang::Ja, "。"));
        out.push(message!(en: "Versions differ: {en}.", ja: "バージョンの差異: {ja}。"));
    }
    if diff.good.outcome == Outcome::NetworkFault {
        let Message { en, ja } = &diff.good.text;
        out.push(message!(en: "GOOD is not good itself: {en}", ja: "GOOD 自体にも障害がある: {ja}"));
    }
    for (side, name) in [(&diff.good, "GOOD"), (&diff.bad, "BAD")] {
        if side.evidence.is_empty() {
            out.insert(0, message!(en: "{name} holds no evidence: nothing can be compared.", ja: "{name} に証跡がなく、比較できない。"));
        }
    }
    out
}

/// A host's differences in one sentence; those that come and go by themselves are left to the table.
fn sentence(host: &HostDiff) -> Message {
    let name = &host.name;
    let mut en = Vec::new();
    let mut ja = Vec::new();
    for change in host.changes.iter().filter(|c| c.kind == ChangeKind::Verdict || c.kind.weight() > 4) {
        let Change { kind, good, bad } = change;
        let title = kind.title();
        if *kind == ChangeKind::Verdict {
            en.push(format!("{} in GOOD, {} in BAD", good.en, bad.en));
            ja.push(format!("GOOD は「{}」、BAD は「{}」", good.ja, bad.ja));
        } else {
            en.push(format!("{} differs: {} in GOOD, {} in BAD", title.en, good.en, bad.en));
            ja.push(format!("{} の差異: GOOD {}、BAD {}", title.ja, good.ja, bad.ja));
        }
    }
    let (en, ja) = (en.join("; "), ja.join("。"));
    message!(en: "{name}: {en}.", ja: "{name}: {ja}。")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdict: Verdict) -> HostReport {
        HostReport { name: "h.example".into(), verdict, required: Some(true), ..HostReport::default() }
    }

    fn seen(report: &HostReport) -> Option<Seen<'_>> {
        Some(Seen { report, resolvers: Vec::new(), round_trip: Some(9_000_000), first_answer: None })
    }

    #[test]
    fn a_host_that_only_the_failing_case_loses_explains_most() {
        let (ok, reset) = (report(Verdict::Ok), report(Verdict::ResetAfterClientHello));
        let lost = host("h.example", seen(&ok), seen(&reset), false);
        assert_eq!(sentence(&lost).en, "h.example: reached in GOOD, reset after ClientHello in BAD.");
        let absent = host("h.example", seen(&ok), None, false);
        assert!(sentence(&absent).ja.contains("アクセスなし"));
        let unchanged = host("h.example", seen(&ok), seen(&ok), true);
        assert!(unchanged.changes.is_empty() && unchanged.weight == 0);
        assert!(lost.weight > absent.weight && absent.weight > TELLING);
    }

    #[test]
    fn ways_issuers_and_addresses_are_compared() {
        let certificate =
            |issuer: &str| Some(crate::report::CertificateReport { issuer: issuer.into(), ..Default::default() });
        let good =
            HostReport { addresses: vec!["1.1.1.1".into()], certificate: certificate("CN=a"), ..report(Verdict::Ok) };
        let bad = HostReport {
            addresses: vec!["2.2.2.2".into()],
            certificate: certificate("CN=b"),
            proxy: Some("p:8080".into()),
            negotiated_tls: Some("1.2"),
            ..report(Verdict::Ok)
        };
        let diff = host("h.example", seen(&good), seen(&bad), false);
        let kinds: Vec<ChangeKind> = diff.changes.iter().map(|c| c.kind).collect();
        assert_eq!(kinds, [ChangeKind::Way, ChangeKind::Issuer, ChangeKind::Addresses]);
        assert_eq!(
            sentence(&diff).en,
            "h.example: way differs: direct in GOOD, through p:8080 in BAD; certificate issuer differs: CN=a in GOOD, CN=b in BAD."
        );
    }

    #[test]
    fn times_differ_by_class_and_factor() {
        assert!(!differs(9_000_000, 11_000_000) && !differs(11_000_000, 49_000_000));
        assert!(differs(9_000_000, 60_000_000) && differs(2_000_000_000, 100_000_000));
    }
}
