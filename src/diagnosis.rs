//! Verdicts and findings → the answer: what stopped the sign-in, or that the network did not.
//!
//! The order of suspicion is the order of the sign-in: a proxy that cannot be reached before the hosts behind it,
//! hosts that the commands need before others, and of these the one that failed first. A blocked host that the
//! sign-in does not need is never the cause.

mod course;
mod doubt;
mod log;
mod other_way;
mod way_out;

use crate::case::{Attempt, Case, HostStory, Role};
use crate::facts::{DnsKind, DnsMessage, Flow, FlowTransport, NXDOMAIN};
use crate::finding::{Finding, Severity, logs, take_again};
use crate::knowledge;
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::knowledge::federation::Likeness;
use crate::lang::Message;
use crate::message;
use crate::report::{Diagnosis, Outcome, RootCause};
use crate::verdict::clients::{self, CutOff};
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Judged, Verdict, reached};
use course::{Course, Weight};
use doubt::{Ways, doubted, doubtful};
use std::cell::LazyCell;
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

/// The answer for a case.
pub fn diagnose(case: &Case, verdicts: &[Option<HostVerdict>], findings: &[Finding]) -> Diagnosis {
    let hosts: Vec<(&HostStory, &HostVerdict)> =
        case.hosts.iter().zip(verdicts).filter_map(|(h, v)| Some((h, v.as_ref()?))).collect();
    let course = Course::of(case, &hosts);
    if let Some((host, verdict)) = root_cause(case, &hosts, &course) {
        let mut told = network_fault(host, verdict, findings);
        if let Some(step) = other_way::first((host, verdict), &hosts, findings, &told.next_step) {
            told.next_step = step;
        }
        return log::name(told, findings);
    }
    let undecided = hosts
        .iter()
        .find(|(h, v)| v.verdict == Verdict::Inconclusive && h.required == Some(true) && !is_looked_at_aside(v, &hosts))
        .or_else(|| open_end(case, &hosts))
        .or_else(|| log::failed_for(case, &hosts));
    let part = hosts.iter().filter(|(h, v)| h.role == Role::Service && is_reached(v) && takes_part(h));
    let reached: Vec<&str> = part.map(|(h, _)| h.name.as_str()).collect();
    let refused = refused_unseen(case, &hosts);
    let doubt = doubted(case, &hosts, &course);
    if let Some(told) = log::answer(findings, undecided.is_none() && refused.is_none() && doubt.is_none()) {
        return told;
    }
    if let Some(f) = findings.iter().find(|f| f.code == "broken_after_handshake") {
        // The way was open as far as TLS shows; who stops the requests, a device or the service, it does not.
        return Diagnosis {
            outcome: Outcome::InsufficientEvidence,
            root_cause: None,
            text: f.sentence(),
            next_step: f.advice.clone(),
        };
    }
    if let Some((host, verdict)) = undecided {
        if verdict.by_log
            && let Some(told) = log::waiting(findings, &host.name)
        {
            return told;
        }
        let text = match verdict.verdict {
            Verdict::Inconclusive => message!(
                en: "The evidence cannot tell what became of {}.",
                ja: "この証跡では {} への通信がどうなったかを判定できない。",
                host.name
            ),
            failed => nameless_failure(&host.name, failed),
        };
        let mut told =
            Diagnosis { outcome: Outcome::InsufficientEvidence, root_cause: None, text, next_step: take_again() };
        // Where another trace would show no more, the finding says what to do instead.
        let about = |f: &&Finding| f.host.as_ref() == Some(&host.name) && f.verdict == Some(Verdict::Inconclusive);
        match findings.iter().find(about) {
            Some(f) if f.code == ENDED_BY_CLIENT => (told.text, told.next_step) = (f.sentence(), f.advice.clone()),
            Some(f) if host.attempts.is_empty() && !verdict.name.addresses.is_empty() => {
                told.next_step = f.advice.clone()
            }
            _ => {}
        }
        return told;
    }
    if let Some((proxy, status)) = refused {
        return Diagnosis {
            outcome: Outcome::InsufficientEvidence,
            root_cause: None,
            text: message!(
                en: "The proxy {proxy} refused a request ({status}) that is not in the capture, so which host was asked for cannot be told.",
                ja: "プロキシ {proxy} が要求を拒否している ({status}) が、その要求はキャプチャになく、どのホスト宛てかは判定できない。",
            ),
            next_step: take_again(),
        };
    }
    if let Some((host, verdict)) = doubt {
        return doubtful(case, host, verdict, findings);
    }
    let seen_before = hosts.iter().any(|(h, v)| h.role == Role::Other && v.verdict.is_good() && h.lookups.is_empty());
    if reached.is_empty() && !seen_before {
        if let Some(told) = log::own_machine(case) {
            return told;
        }
        let (outcome, next_step) = if log::signed_in(case) {
            (Outcome::NoNetworkFault, look_elsewhere())
        } else {
            (Outcome::InsufficientEvidence, take_again())
        };
        return Diagnosis { outcome, root_cause: None, text: log::nothing_tried(case), next_step };
    }
    if let Some(told) = cut_off(case, &hosts, findings) {
        return told;
    }
    if let Some(told) = nameless_dns_error(case, &hosts).or_else(|| way_out::in_vain(case, &hosts)) {
        return told;
    }
    let list = if reached.is_empty() { String::new() } else { format!(" ({})", reached.join(", ")) };
    let passed_by = |(h, v): &&(&HostStory, &HostVerdict)| {
        let is_known =
            h.endpoint.is_some() || knowledge::federation_likeness(&h.name).is_some_and(|l| l != Likeness::Guess);
        let counts = is_known && h.required != Some(false) && takes_part(h);
        h.role == Role::Service && counts && stopped(case, h, v) && course.weight(h, v) == Weight::Harmless
    };
    let failed: Vec<&str> = hosts.iter().filter(passed_by).map(|(h, _)| h.name.as_str()).collect();
    let mut text = if failed.is_empty() {
        message!(
            en: "The network did its part: every host of the sign-in that was tried was reached{list}.",
            ja: "ネットワークに問題はない。サインインで試行されたホストにはすべて到達している{list}。",
        )
    } else {
        let it = if failed.len() == 1 { "it" } else { "them" };
        let failed = failed.join(", ");
        message!(
            en: "The network did its part: {failed} failed, but the sign-in went on without {it}, and the other hosts of the sign-in that were tried were reached{list}.",
            ja: "ネットワークに問題はない。{failed} への通信は失敗しているが、サインインはそれなしで進んでおり、試行された他のホストには到達している{list}。",
        )
    };
    if let Some(told) = inspected(&hosts) {
        text.push_sentence(told);
    }
    Diagnosis { outcome: Outcome::NoNetworkFault, root_cause: None, text, next_step: look_elsewhere() }
}

/// That the way to the sign-in is inspected, where its client accepts that: another program on the machine, or another
/// machine, may not.
fn inspected(hosts: &[(&HostStory, &HostVerdict)]) -> Option<Message> {
    let opened = hosts.iter().filter(|(h, v)| h.role == Role::Service && takes_part(h) && v.is_accepted_inspection());
    let (mut names, mut devices) = (Vec::new(), BTreeSet::new());
    for (host, verdict) in opened {
        names.push(host.name.as_str());
        devices.extend(verdict.detail.trust.as_ref().and_then(|trust| trust.vendor.as_deref()));
    }
    if names.is_empty() {
        return None;
    }
    let names = names.join(", ");
    let devices = devices.into_iter().collect::<Vec<_>>().join(", ");
    let Message { en: by, ja: by_ja } =
        if devices.is_empty() { Message::default() } else { message!(en: " by {devices}", ja: " {devices} により") };
    Some(message!(
        en: "TLS to {names} is opened on the way{by}; the client in this evidence accepts that, and others may not.",
        ja: "{names} への TLS は途中で{by_ja}復号されている。この証跡のクライアントは受け入れているが、他のクライアントが受け入れるとは限らない。",
    ))
}

/// Brings the severity of findings into line with the answer: what it names as the cause is critical, whatever the host is
/// elsewhere, and failures that by the answer stopped nothing are not, nor what else is told of them. What a log names
/// as the cause keeps its own.
pub fn weigh(diagnosis: &mut Diagnosis, findings: &mut [Finding]) {
    match (diagnosis.outcome, &mut diagnosis.root_cause) {
        (Outcome::NetworkFault, Some(root)) => {
            let (before, rest) = findings.split_at_mut(root.finding.min(findings.len()));
            if let Some(cause) = rest.first_mut().filter(|f| f.host.as_ref() == Some(&root.host)) {
                cause.severity = Severity::Critical;
                // Where it comes to stand among the critical ones, whose order stays.
                root.finding = before.iter().filter(|f| f.severity == Severity::Critical).count();
            }
        }
        (Outcome::NoNetworkFault, _) => {
            let failed = findings.iter().filter(|f| f.verdict.is_some_and(Verdict::is_fault));
            let failed: HashSet<String> = failed.filter_map(|f| f.host.clone()).collect();
            let is_excused = |f: &Finding| {
                let about = f.host.as_ref().is_some_and(|host| failed.contains(host));
                about && f.severity == Severity::Critical && !logs::CAUSES.contains(&f.code)
            };
            findings.iter_mut().filter(|f| is_excused(f)).for_each(|f| f.severity = Severity::Warning);
        }
        _ => return,
    }
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
}

fn look_elsewhere() -> Message {
    message!(
        en: "If the command still fails, look at its error text and at the sign-in log of Microsoft Entra ID (success, failure, or no entry).",
        ja: "それでもコマンドが失敗する場合は、エラー メッセージと Microsoft Entra ID のサインイン ログ (成功・失敗・記録なし) を確認する。",
    )
}

/// Some client never reached a host that the sign-in needs, as others did, and nothing shows that it went on under another
/// address: whose the sign-in was that failed, the evidence does not tell.
fn cut_off(case: &Case, hosts: &[(&HostStory, &HostVerdict)], findings: &[Finding]) -> Option<Diagnosis> {
    let mut needed = hosts.iter().filter(|(h, _)| h.role == Role::Service && h.required == Some(true));
    let stands = |cut: CutOff<'_>| !cut.clients.is_empty() && !clients::are_explained(case, &cut);
    let (host, _) = needed.find(|(h, v)| stands(clients::cut_off(case, h, v)))?;
    let f = findings.iter().find(|f| f.code == ONE_CLIENT_FAILS && f.host.as_deref() == Some(host.name.as_str()))?;
    Some(Diagnosis {
        outcome: Outcome::InsufficientEvidence,
        root_cause: None,
        text: f.sentence(),
        next_step: f.advice.clone(),
    })
}

/// A resolver answered with an error, and the capture cut off for which name: whether that was one of the sign-in's, nobody
/// can tell.
fn nameless_dns_error(case: &Case, hosts: &[(&HostStory, &HostVerdict)]) -> Option<Diagnosis> {
    let is_error = |m: &&DnsMessage| {
        m.response && m.kind == DnsKind::Dns && matches!(m.rcode, 2 | NXDOMAIN | 5) && m.questions.is_empty()
    };
    // Of an address without a name nobody knows whether the sign-in needs it.
    let needed = || hosts.iter().filter(|(h, _)| h.role == Role::Service && h.required != Some(false));
    let clients: HashSet<IpAddr> = needed().flat_map(|(h, _)| &h.attempts).map(|a| a.client).collect();
    // What was reached behind it was not what the error stopped.
    let reached = needed().flat_map(|(h, v)| reached(&h.attempts, &v.judged)).map(|a| a.start.time).max();
    let error = case.captures().find_map(|(_, capture)| {
        let cut = |f: &&Flow| f.transport == FlowTransport::Udp && f.sides.iter().any(|side| side.cut_bytes > 0);
        let cut: HashSet<u32> = capture.flows.iter().filter(cut).map(|f| f.stream).collect();
        capture.dns.iter().filter(is_error).find(|m| {
            let asked = m.dst.is_some_and(|client| clients.contains(&client.ip()));
            asked && cut.contains(&m.stream) && reached.is_none_or(|last| last < m.at.time)
        })
    })?;
    let rcode = crate::verdict::dns::rcode_name(error.rcode);
    Some(Diagnosis {
        outcome: Outcome::InsufficientEvidence,
        root_cause: None,
        text: message!(
            en: "A resolver answered {rcode} (frame {}), and the capture cut the packet before the name: whether a host of the sign-in was asked for cannot be told.",
            ja: "リゾルバーが {rcode} を返しているが (フレーム {})、パケットが名前の手前で切り詰められているため、サインインのホストの問い合わせかどうかは判定できない。",
            error.at.frame
        ),
        next_step: take_again(),
    })
}

/// The finding about connections that the client itself ended.
const ENDED_BY_CLIENT: &str = "ended_by_client";

/// The finding that names the clients.
const ONE_CLIENT_FAILS: &str = "one_client_fails";

/// A server failed, and nobody knows whether it was one of the sign-in's.
fn nameless_failure(address: &str, verdict: Verdict) -> Message {
    let title = verdict.title();
    Message {
        en: format!(
            "The last server that was tried, {address}, failed ({}). Its name is not in the evidence, so whether the sign-in needed it cannot be told.",
            title.en
        ),
        ja: format!(
            "最後に試行されたサーバー {address} への通信は失敗している ({})。名前が証跡にないため、サインインに必要な宛先かどうかは判定できない。",
            title.ja
        ),
    }
}

/// The host answered, though perhaps by a connection that was accepted for want of a better one.
fn is_reached(verdict: &HostVerdict) -> bool {
    verdict.verdict.is_good() || verdict.is_accepted_inspection()
}

/// The first host, in the order of suspicion, that stopped the sign-in.
fn root_cause<'a>(
    case: &Case,
    hosts: &[(&'a HostStory, &'a HostVerdict)],
    course: &Course<'_>,
) -> Option<(&'a HostStory, &'a HostVerdict)> {
    let failing = || hosts.iter().filter(|(h, v)| stopped(case, h, v));
    let earliest = |(h, _): &&(&HostStory, &HostVerdict)| h.order_in_time();
    let is_cause = |(h, v): &&(&HostStory, &HostVerdict)| course.weight(h, v) == Weight::Cause;
    let needed = failing()
        .filter(|(h, _)| h.role == Role::Service && h.required == Some(true))
        .filter(is_cause)
        .min_by_key(earliest);
    let reached = |authority: bool| {
        hosts.iter().any(|(h, v)| {
            h.role == Role::Service
                && h.required == Some(true)
                && is_reached(v)
                && h.endpoint.is_some()
                && is_authority(h) == authority
        })
    };
    // A dead proxy beside a way that works (the next one of a PAC file, another program's) stopped nothing.
    // Looked up only where a proxy fails.
    let ways = LazyCell::new(|| Ways::of(case, hosts));
    let proxy = failing()
        .filter(|(h, _)| h.role == Role::Proxy)
        .find(|(h, v)| !reached(true) || ways.weight_of(h, v) == Weight::Cause);
    // The token and what comes after it: the sign-in went through, whatever else failed beside it.
    let signed_in = reached(true) && reached(false);
    let authority_open = hosts.iter().any(may_be_authority_reached);
    // Hosts whose need depends on the flow: the organisation's federation server, the sign-in page's files, what the
    // log names. Certificate downloads and the like are not.
    let likely = failing()
        .filter(|(h, _)| h.role == Role::Service && h.required.is_none())
        .filter(|(h, v)| !signed_in || crate::verdict::again::ended_a_command(case, h, v))
        .filter(|(h, _)| h.in_log || takes_part(h))
        // The authority has many addresses: one that fails beside others costs time.
        .filter(|(h, _)| !authority_open || !knowledge::is_entra_address(&h.name))
        // Windows' own probe shows the portal as every host does; the sign-in did not wait for it.
        .filter(|(h, _)| !knowledge::is_connectivity_probe(&h.name))
        .filter(is_cause)
        .min_by_key(earliest);
    let portal = failing().find(|(_, v)| matches!(v.verdict, Verdict::CaptivePortal | Verdict::BlockPage));
    // A page in the place of some other site stops nobody who reaches the authority.
    proxy.or(needed).or(likely).or(portal.filter(|_| !reached(true))).map(|(h, v)| (*h, *v))
}

/// Whether a host failed in a way that can stop a sign-in.
fn stopped(case: &Case, host: &HostStory, verdict: &HostVerdict) -> bool {
    verdict.verdict.is_fault()
        && !verdict.is_accepted_inspection()
        && !crate::verdict::log::stopped_nothing(case, host, verdict)
}

/// The authority that the sign-in needs, by whichever of its names.
fn is_authority(host: &HostStory) -> bool {
    host.required == Some(true) && host.endpoint.is_some_and(|e| e.role.is_authority())
}

/// Whether all that is open of a host are connections that some program left without a request, while another one used the
/// host, and a sign-in went on to Resource Manager: who watches a host's certificate leaves so too.
fn is_looked_at_aside(verdict: &HostVerdict, hosts: &[(&HostStory, &HostVerdict)]) -> bool {
    let left = verdict.attempt.and_then(|i| verdict.judged.get(i)).is_some_and(|j| j.detail.left.is_some());
    let is_used = || verdict.judged.iter().any(Judged::has_reached);
    left && is_used() && hosts.iter().any(|(h, v)| is_manager(h) && is_reached(v))
}

/// Resource Manager, which only a command that has signed in asks for.
fn is_manager(host: &HostStory) -> bool {
    host.required == Some(true) && host.endpoint.is_some_and(|e| e.role == EndpointRole::ResourceManager)
}

/// The authority, by name or by one of its addresses, where it was reached or may have been.
fn may_be_authority_reached((h, v): &(&HostStory, &HostVerdict)) -> bool {
    let open = is_reached(v) || v.verdict == Verdict::Inconclusive && v.attempt.is_some();
    open && (is_authority(h) || knowledge::is_entra_address(&h.name))
}

/// The attempts on a host that reached it.
fn good_attempts<'a>(host: &'a HostStory, verdict: &'a HostVerdict) -> impl Iterator<Item = &'a Attempt> {
    host.attempts.iter().zip(&verdict.judged).filter(|(_, j)| j.serves()).map(|(attempt, _)| attempt)
}

/// What was tried last and may have been the sign-in's, where nothing that it needs was reached after it: a server of
/// which the capture shows nothing but the address (one of Entra's that failed or of which nothing is known, or, once the
/// sign-in has begun and before it is over, any on the internet that failed), or a host that a failure was meant for by
/// a doubtful conclusion.
fn open_end<'h, 'a>(
    case: &Case,
    hosts: &'h [(&'a HostStory, &'a HostVerdict)],
) -> Option<&'h (&'a HostStory, &'a HostVerdict)> {
    // Whatever else the client asks of its proxy, the proxy is reached.
    let is_flow =
        |h: &HostStory| h.role == Role::Service && (h.required == Some(true) || knowledge::is_entra_address(&h.name));
    let good = || hosts.iter().filter(|(h, v)| is_flow(h) && is_reached(v));
    let is_over = good().any(|(h, _)| h.endpoint.is_some() && !is_authority(h));
    // Office asks Graph too: what is Entra's by its address may still be the command's.
    let is_managed = good().any(|(h, _)| is_manager(h));
    let last = good().flat_map(|(h, v)| good_attempts(h, v)).map(|a| case.began_last(a)).max();
    let may_be_needed = |h: &HostStory, v: &HostVerdict| {
        let failed = v.verdict.is_fault() && !v.is_accepted_inspection();
        let open = v.verdict == Verdict::Inconclusive;
        let Some(address) = h.address() else {
            let doubted = v.attempt.and_then(|i| v.judged.get(i)?.verdict).is_some_and(Verdict::is_fault);
            return !is_over && open && doubted && takes_part(h);
        };
        let web = || h.attempts.iter().any(|a| a.peer.port() == HTTPS);
        let elsewhere = || last.is_some() && web() && !knowledge::cannot_be_public(address);
        if knowledge::in_entra_ranges(address) { open || failed } else { !is_over && failed && elsewhere() }
    };
    hosts.iter().filter(|_| !is_managed).find(|(h, v)| {
        let began = deciding(h, v).map(Attempt::began);
        may_be_needed(h, v) && began.is_some_and(|began| last.is_none_or(|last| began > last))
    })
}

/// A proxy that refused a request which is not in the capture, with its status, where the refused host may have been the
/// sign-in's: nothing that the sign-in needs was reached after it, and a challenge was not met on any later connection.
fn refused_unseen<'a>(case: &'a Case, hosts: &[(&'a HostStory, &HostVerdict)]) -> Option<(&'a str, u16)> {
    let unseen = |(h, v): &(&'a HostStory, &HostVerdict)| {
        let (h, judged): (&'a HostStory, _) = (h, v.judged.as_slice());
        let refused = h.attempts.iter().zip(judged).rev().find(|(_, j)| j.detail.request_unseen)?;
        Some((case.proxies.get(&refused.0.peer)?.as_str(), refused.0, refused.1.detail.status?))
    };
    let refusals: Vec<_> = hosts.iter().filter(|(h, _)| h.role == Role::Proxy).filter_map(unseen).collect();
    if refusals.is_empty() {
        return None;
    }
    let needed = |h: &HostStory| h.required == Some(true);
    let good = || hosts.iter().flat_map(|(h, v)| good_attempts(h, v).map(move |a| (*h, a)));
    let is_over = good().any(|(h, _)| needed(h) && h.endpoint.is_some() && !is_authority(h));
    let later = |refused: &Attempt, status: u16| {
        good().any(|(h, a)| {
            let met = status == CHALLENGE && a.peer == refused.peer && h.role != Role::Proxy;
            (needed(h) || met) && case.began_last(a) > refused.began()
        })
    };
    let open = refusals.into_iter().filter(|_| !is_over).find(|(_, refused, status)| !later(refused, *status));
    open.map(|(proxy, _, status)| (proxy, status))
}

/// The status of a proxy that wants credentials.
const CHALLENGE: u16 = 407;

/// The port of everything that a sign-in asks for.
const HTTPS: u16 = 443;

/// Whether a host, as one that the commands do not always need, is part of a sign-in.
fn takes_part(host: &HostStory) -> bool {
    host.endpoint.map_or_else(|| is_customers(host), |e| part_of_the_flow(e.role))
}

/// A service of the organisation's own (its federation server) or an address of Entra. Of Microsoft's many hosts only
/// those of the endpoint table take part in a sign-in; Windows and Office ask others all day long.
fn is_customers(host: &HostStory) -> bool {
    !knowledge::is_microsoft_host(&host.name)
}

/// Whether hosts of that role take part in a sign-in as such.
fn part_of_the_flow(role: EndpointRole) -> bool {
    !matches!(
        role,
        EndpointRole::PkiIssuer
            | EndpointRole::PkiRevocation
            | EndpointRole::Telemetry
            | EndpointRole::ModuleInstall
            | EndpointRole::Portal
            | EndpointRole::ShortLinks
            | EndpointRole::VersionCheck
            | EndpointRole::ExtensionIndex
    )
}

fn network_fault(host: &HostStory, verdict: &HostVerdict, findings: &[Finding]) -> Diagnosis {
    let finding = findings
        .iter()
        .position(|f| f.host.as_deref() == Some(host.name.as_str()) && f.verdict == Some(verdict.verdict))
        .or_else(|| findings.iter().position(|f| f.host.as_deref() == Some(host.name.as_str())))
        .or_else(|| findings.iter().position(|f| f.severity == Severity::Critical));
    let found = finding.and_then(|i| findings.get(i));
    let text = match found {
        Some(f) => f.sentence(),
        None => {
            let title = verdict.verdict.title();
            Message { en: format!("{}: {}", host.name, title.en), ja: format!("{}: {}", host.name, title.ja) }
        }
    };
    Diagnosis {
        outcome: Outcome::NetworkFault,
        root_cause: Some(RootCause {
            host: host.name.clone(),
            verdict: verdict.verdict,
            finding: finding.unwrap_or(0),
        }),
        text,
        next_step: found.map(|f| f.advice.clone()).unwrap_or_default(),
    }
}
