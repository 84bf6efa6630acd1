//! Records of all cases → the roll-up: what is blocked where, in how many cases, and what could not be judged.
//!
//! What enters: records and skipped files, in the order of their names. What leaves: [`RollUp`], in an order that
//! depends on its content alone, so that the same evidence gives the same bytes whatever ran first.

pub mod csv;
pub mod html;
pub mod json;
pub mod text;

use super::discover::Skipped;
use super::record::{self, CaseRecord, LegacyRecord};
use crate::lang::Message;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The roll-up over all cases.
#[derive(Debug, Clone, Default)]
pub struct RollUp {
    /// The cases, by name.
    pub cases: Vec<CaseRecord>,
    /// Files in no case.
    pub skipped: Vec<Skipped>,
    /// What stopped sign-ins, most cases first.
    pub causes: Vec<Cause>,
    /// Hosts of sign-ins and proxies with their verdicts, most faults first.
    pub hosts: Vec<HostRow>,
    /// Networks, most faults first.
    pub networks: Vec<GroupRow>,
    /// Devices recognised in more than one case.
    pub devices: Vec<GroupRow>,
    /// Clients of TLS 1.1 at most.
    pub legacy: Vec<LegacyRow>,
}

/// One host and verdict that stopped sign-ins.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// Host.
    pub host: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Where.
    pub seen: Seen,
}

/// One host over all cases.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRow {
    /// Name.
    pub name: String,
    /// Word of the contract.
    pub role: String,
    /// Cases for each verdict, in the order of the contract's table.
    pub verdicts: Vec<(Verdict, usize)>,
    /// Cases with a fault.
    pub faults: usize,
    /// Where a fault was seen; everywhere, where there is none.
    pub seen: Seen,
}

impl HostRow {
    /// The verdicts for people: what went wrong first, most cases first.
    pub fn worst_first(&self) -> Vec<(Verdict, usize)> {
        let mut out = self.verdicts.clone();
        out.sort_by_key(|(v, n)| (!v.is_fault(), Reverse(*n)));
        out
    }
}

/// A network or device over all cases.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRow {
    /// `client_subnet`, `proxy`, `egress`, `interceptor`, `client`, ...
    pub kind: String,
    /// What people read.
    pub label: String,
    /// Cases in which the network was at fault.
    pub faults: usize,
    /// Hosts with a fault in these cases, with the number of cases, most first.
    pub hosts: Vec<(String, usize)>,
    /// Where.
    pub seen: Seen,
}

/// A client of old TLS over all cases.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyRow {
    /// Fingerprints, version, process; the host is empty here.
    pub client: LegacyRecord,
    /// Hosts it asked for.
    pub hosts: Vec<String>,
    /// Where.
    pub seen: Seen,
}

/// In which cases, and when first and last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Names of the cases.
    pub cases: Vec<String>,
    /// First occurrence.
    pub first: Option<Timestamp>,
    /// Last occurrence.
    pub last: Option<Timestamp>,
}

impl Seen {
    fn add(&mut self, case: &str, first: Option<i64>, last: Option<i64>) {
        if self.cases.last().map(String::as_str) != Some(case) {
            self.cases.push(case.to_owned());
        }
        for time in [first, last].into_iter().flatten().map(Timestamp) {
            self.first = Some(self.first.map_or(time, |t| t.min(time)));
            self.last = Some(self.last.map_or(time, |t| t.max(time)));
        }
    }
}

impl RollUp {
    /// Rolls up records, which must be in the order of their names.
    pub fn build(cases: Vec<CaseRecord>, skipped: Vec<Skipped>) -> RollUp {
        RollUp {
            causes: causes(&cases),
            hosts: hosts(&cases),
            networks: groups(&cases, |c| &c.networks, 1),
            devices: groups(&cases, |c| &c.devices, 2),
            legacy: legacy(&cases),
            cases,
            skipped,
        }
    }

    /// Number of cases with this outcome.
    pub fn outcomes(&self, code: &str) -> usize {
        self.cases.iter().filter(|c| !c.failed && c.outcome == code).count()
    }

    /// Cases whose analysis failed.
    pub fn failed(&self) -> usize {
        self.cases.iter().filter(|c| c.failed).count()
    }

    /// Cases that could not be judged, each with its reason.
    pub fn undecided(&self) -> impl Iterator<Item = (&CaseRecord, &Message)> {
        self.cases.iter().filter(|c| c.failed || c.outcome == "insufficient_evidence").map(|c| (c, &c.text))
    }

    /// Why cases could not be judged, most cases first, each with their names.
    pub fn reasons(&self) -> Vec<(&Message, Vec<&str>)> {
        let mut found: BTreeMap<(&str, &str), (&Message, Vec<&str>)> = BTreeMap::new();
        for (case, reason) in self.undecided() {
            found.entry((&reason.en, &reason.ja)).or_insert((reason, Vec::new())).1.push(&case.name);
        }
        let mut out: Vec<_> = found.into_values().collect();
        out.sort_by_key(|(_, cases)| Reverse(cases.len()));
        out
    }

    /// Inputs that could not be read: (case, path, reason).
    pub fn unread(&self) -> impl Iterator<Item = (&str, &str, &Message)> {
        let in_cases = self.cases.iter().flat_map(|c| c.unread.iter().map(|(p, r)| (c.name.as_str(), p.as_str(), r)));
        let outside = self.skipped.iter().filter(|s| s.failed).map(|s| ("", s.path.as_str(), &s.reason));
        in_cases.chain(outside)
    }

    /// Inputs that are no evidence of their own: (case, path, reason).
    pub fn unused(&self) -> impl Iterator<Item = (&str, &str, &Message)> {
        let in_cases = self.cases.iter().flat_map(|c| c.unused.iter().map(|(p, r)| (c.name.as_str(), p.as_str(), r)));
        let outside = self.skipped.iter().filter(|s| !s.failed).map(|s| ("", s.path.as_str(), &s.reason));
        in_cases.chain(outside)
    }

    /// First and last time of all evidence.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.cases.iter().filter_map(|c| c.first).min()?;
        let last = self.cases.iter().filter_map(|c| c.last).max()?;
        Some((Timestamp(first), Timestamp(last)))
    }
}

fn causes(cases: &[CaseRecord]) -> Vec<Cause> {
    let mut found: BTreeMap<(&str, Verdict), Seen> = BTreeMap::new();
    for case in cases {
        let Some((host, code)) = &case.root else { continue };
        let Some(verdict) = record::verdict(code) else { continue };
        let when = case.hosts.iter().find(|h| h.name == *host);
        let (first, last) = when.map_or((case.first, case.last), |h| (h.first, h.last));
        found.entry((host, verdict)).or_default().add(&case.name, first, last);
    }
    let mut out: Vec<Cause> =
        found.into_iter().map(|((host, verdict), seen)| Cause { host: host.to_owned(), verdict, seen }).collect();
    out.sort_by_key(|c| Reverse(c.seen.cases.len()));
    out
}

fn hosts(cases: &[CaseRecord]) -> Vec<HostRow> {
    struct Row {
        role: String,
        verdicts: BTreeMap<usize, (Verdict, usize)>,
        faults: usize,
        with_fault: Seen,
        any: Seen,
    }
    let mut found: BTreeMap<&str, Row> = BTreeMap::new();
    for case in cases {
        for host in &case.hosts {
            let Some(verdict) = record::verdict(&host.verdict) else { continue };
            // Neighbours that work are noise in a roll-up over sign-ins.
            if !matches!(host.role.as_str(), "service" | "proxy") {
                continue;
            }
            let row = found.entry(&host.name).or_insert_with(|| Row {
                role: host.role.clone(),
                verdicts: BTreeMap::new(),
                faults: 0,
                with_fault: Seen::default(),
                any: Seen::default(),
            });
            let place = Verdict::ALL.iter().position(|v| *v == verdict).unwrap_or(0);
            row.verdicts.entry(place).or_insert((verdict, 0)).1 += 1;
            row.any.add(&case.name, host.first, host.last);
            if verdict.is_fault() {
                row.faults += 1;
                row.with_fault.add(&case.name, host.first, host.last);
            }
        }
    }
    let mut out: Vec<HostRow> = found
        .into_iter()
        .map(|(name, row)| HostRow {
            name: name.to_owned(),
            role: row.role,
            verdicts: row.verdicts.into_values().collect(),
            faults: row.faults,
            seen: if row.faults > 0 { row.with_fault } else { row.any },
        })
        .collect();
    out.sort_by_key(|h| (Reverse(h.faults), Reverse(h.seen.cases.len())));
    out
}

fn groups(cases: &[CaseRecord], marks: impl Fn(&CaseRecord) -> &Vec<record::Mark>, cases_min: usize) -> Vec<GroupRow> {
    let mut found: BTreeMap<(&str, &str), (GroupRow, BTreeMap<&str, usize>)> = BTreeMap::new();
    for case in cases {
        for mark in marks(case) {
            let (row, hosts) = found.entry((&mark.kind, &mark.key)).or_insert_with(|| {
                let row = GroupRow {
                    kind: mark.kind.clone(),
                    label: mark.label.clone(),
                    faults: 0,
                    hosts: Vec::new(),
                    seen: Seen::default(),
                };
                (row, BTreeMap::new())
            });
            row.seen.add(&case.name, case.first, case.last);
            row.faults += usize::from(case.outcome == "network_fault");
            let with_fault = case
                .hosts
                .iter()
                .filter(|h| h.role != "other" && record::verdict(&h.verdict).is_some_and(Verdict::is_fault));
            for host in with_fault {
                *hosts.entry(&host.name).or_default() += 1;
            }
        }
    }
    let mut out: Vec<GroupRow> = found
        .into_values()
        .filter(|(row, _)| row.seen.cases.len() >= cases_min)
        .map(|(mut row, hosts)| {
            row.hosts = hosts.into_iter().map(|(h, n)| (h.to_owned(), n)).collect();
            row.hosts.sort_by_key(|(_, n)| Reverse(*n));
            row
        })
        .collect();
    out.sort_by(|a, b| {
        (&a.kind, Reverse(a.faults), Reverse(a.seen.cases.len()), &a.label).cmp(&(
            &b.kind,
            Reverse(b.faults),
            Reverse(b.seen.cases.len()),
            &b.label,
        ))
    });
    out
}

fn legacy(cases: &[CaseRecord]) -> Vec<LegacyRow> {
    let mut found: BTreeMap<LegacyRecord, (Vec<String>, Seen)> = BTreeMap::new();
    for case in cases {
        for client in &case.legacy {
            let key = LegacyRecord { host: String::new(), ..client.clone() };
            let (hosts, seen) = found.entry(key).or_default();
            if !hosts.contains(&client.host) {
                hosts.push(client.host.clone());
            }
            seen.add(&case.name, case.first, case.last);
        }
    }
    let mut out: Vec<LegacyRow> = found
        .into_iter()
        .map(|(client, (mut hosts, seen))| {
            hosts.sort();
            LegacyRow { client, hosts, seen }
        })
        .collect();
    out.sort_by_key(|r| Reverse(r.seen.cases.len()));
    out
}

/// What a kind of network or device is called.
pub fn kind_name(kind: &str) -> crate::lang::Text {
    use crate::lang::Text;
    match kind {
        "client_subnet" => Text { en: "client subnet", ja: "クライアントのサブネット" },
        "proxy" => Text { en: "proxy", ja: "プロキシ" },
        "egress" => Text { en: "egress address", ja: "出口アドレス" },
        "interceptor" => Text { en: "TLS interceptor", ja: "TLS 傍受装置" },
        "client" => Text { en: "client computer", ja: "クライアント コンピューター" },
        "injector" => Text { en: "reset injector", ja: "RST を注入する装置" },
        "router" => Text { en: "ICMP sender", ja: "ICMP の送信元" },
        "gateway" => Text { en: "block page or portal", ja: "ブロック ページ/ポータル" },
        _ => Text { en: "other", ja: "その他" },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::batch::record::{HostRecord, Mark};

    pub(crate) fn sample() -> RollUp {
        let host = |name: &str, verdict: &str, first: i64| HostRecord {
            name: name.into(),
            role: "service".into(),
            required: Some(true),
            verdict: verdict.into(),
            proxy: None,
            first: Some(first),
            last: Some(first + 10),
        };
        let mark = |kind: &str, key: &str| Mark { kind: kind.into(), key: key.into(), label: key.into() };
        let case = |name: &str, hosts: Vec<HostRecord>, root: Option<(&str, &str)>| CaseRecord {
            name: name.into(),
            outcome: if root.is_some() { "network_fault" } else { "no_network_fault" }.into(),
            root: root.map(|(h, v)| (h.to_owned(), v.to_owned())),
            text: Message { en: "=cmd <script>alert(1)</script>".into(), ja: "日本語 <b>".into() },
            hosts,
            networks: vec![mark("client_subnet", "10.0.0.0/24")],
            devices: vec![mark("client", "PC1")],
            reports: vec![format!("cases/{name}.html")],
            first: Some(5),
            last: Some(500),
            ..CaseRecord::default()
        };
        let login = "login.microsoftonline.com";
        RollUp::build(
            vec![
                case("a", vec![host(login, "refused", 100)], Some((login, "refused"))),
                case("b", vec![host(login, "refused", 50)], Some((login, "refused"))),
                case("c", vec![host(login, "ok", 70)], None),
                CaseRecord {
                    name: "d <img src=x>".into(),
                    failed: true,
                    text: Message::same("panic"),
                    unread: vec![("=x.pcap".into(), Message::same("damaged"))],
                    ..CaseRecord::default()
                },
            ],
            vec![Skipped { path: "@notes".into(), reason: Message::same("text"), failed: false }],
        )
    }

    #[test]
    fn the_same_fault_in_two_cases_is_one_cause_with_first_and_last_time() {
        let rollup = sample();
        assert_eq!(rollup.causes.len(), 1);
        let cause = &rollup.causes[0];
        assert_eq!((cause.verdict, cause.seen.cases.len()), (Verdict::Refused, 2));
        assert_eq!((cause.seen.first, cause.seen.last), (Some(Timestamp(50)), Some(Timestamp(110))));
        assert_eq!(rollup.hosts[0].faults, 2);
        assert_eq!(rollup.hosts[0].verdicts, [(Verdict::Ok, 1), (Verdict::Refused, 2)]);
    }

    #[test]
    fn groups_count_faults_and_devices_need_two_cases() {
        let rollup = sample();
        assert_eq!((rollup.networks[0].faults, rollup.networks[0].seen.cases.len()), (2, 3));
        assert_eq!(rollup.devices[0].label, "PC1");
        let alone = RollUp::build(rollup.cases[..1].to_vec(), Vec::new());
        assert!(alone.devices.is_empty());
    }

    #[test]
    fn everything_is_accounted_for() {
        let rollup = sample();
        assert_eq!(rollup.unread().count(), 1);
        assert_eq!(rollup.unused().count(), 1);
        assert_eq!(rollup.undecided().count(), 1);
        assert_eq!((rollup.outcomes("network_fault"), rollup.failed()), (2, 1));
    }
}
