//! All attempts on a host → one verdict: the worst that explains why the sign-in failed.

use super::Confidence;
use super::answers::Answers;
use super::certificate::Trusts;
use super::inspection::Programs;
use super::leading::{fall_back, leading_failure, tried};
use super::old::{self, Renewed};
use super::scene::{ANOTHER_TRY_NS, Detail, Judged, LONG_WAIT_NS, Proof, SILENCE_NS, Stage};
use super::{Verdict, agents, attempt, clients, dns, farm, open, parting, tls};
use crate::case::{Attempt, Case, HostStory, Lookup, LookupResult, Role, Way, may_be_one};
use crate::facts::FlowTransport;
use crate::flow::Side;
use crate::packet::At;
use crate::parallel;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::cell::LazyCell;
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

/// Time lost on failed attempts before one worked, from which on a host counts as degraded. Happy Eyeballs
/// (RFC 8305) gives the first family 250 ms, resolvers one second before they ask again.
const DEGRADED_NS: i64 = NANOS_PER_SECOND;

/// Failures after the last success on the same way that make a host count as unreachable in the end; one alone may
/// be an idle connection or a passing loss.
const FAILURES_AFTER_SUCCESS_MIN: usize = 2;

/// What became of a host.
#[derive(Debug, Clone, Default)]
pub struct HostVerdict {
    /// The verdict.
    pub verdict: Verdict,
    /// Verdicts on other ways.
    pub also: Vec<Verdict>,
    /// How sure it is.
    pub confidence: Confidence,
    /// The attempt that shows it best: index into the story's attempts; `None` for verdicts from DNS.
    pub attempt: Option<usize>,
    /// Piece of evidence and frames that prove it.
    pub proof: Vec<(usize, Option<u32>, Proof)>,
    /// What findings tell.
    pub detail: Detail,
    /// Each attempt's judgement, in the story's order.
    pub judged: Vec<Judged>,
    /// The look-ups, weighed.
    pub name: dns::NameVerdict,
    /// Seconds lost before it worked.
    pub delay_seconds: Option<f64>,
    /// Highest version offered by the client of the deciding attempt, else of any.
    pub client_tls_max: Option<u16>,
    /// Version negotiated.
    pub negotiated_tls: Option<u16>,
    /// Proxy of the deciding attempt.
    pub proxy: Option<String>,
    /// Attempted, established, failed.
    pub connections: (u32, u32, u32),
    /// Failed attempts before the first success: indexes into the story's attempts.
    pub troubled: Vec<usize>,
    /// Lines of debug logs that prove it.
    pub said: Vec<super::log::LogProof>,
    /// It rests on debug logs alone.
    pub by_log: bool,
}

impl HostVerdict {
    /// Whether the host's verdict is an inspection that its clients accept: it stopped nobody.
    pub fn is_accepted_inspection(&self) -> bool {
        self.verdict == Verdict::Intercepted && self.detail.client_accepts
    }

    /// Whether the client itself offered old TLS versions only.
    pub fn client_is_old(&self) -> bool {
        self.detail.legacy_side == Some(Side::Client)
    }
}

/// What the attempts of one way come to.
struct WayVerdict {
    verdict: Verdict,
    attempt: usize,
    delay: Option<f64>,
    troubled: Vec<usize>,
    /// An inspecting device shows itself on this way, and clients go on all the same.
    inspected: bool,
    /// The verdict is no more than that.
    accepted: bool,
}

impl WayVerdict {
    fn new(verdict: Verdict, attempt: usize) -> WayVerdict {
        WayVerdict { verdict, attempt, delay: None, troubled: Vec::new(), inspected: false, accepted: false }
    }
}

/// Judges a host. `None` where nothing was tried and the name resolved: then there is nothing to say.
pub fn judge_host(case: &Case, host: &HostStory) -> Option<HostVerdict> {
    let one = |trusts: &mut Trusts, a: &Attempt| attempt::judge(case, &host.name, a, trusts);
    let mut judged: Vec<Judged> = parallel::map(&host.attempts, Trusts::default, one);
    conclude_dead_path(case, host, &mut judged);
    parting::take_back(case, host, &mut judged);
    let name = dns::judge(case, host);
    open::leave_untried(case, host, &name.addresses, &mut judged);
    let mut ways: BTreeMap<&Way, Vec<usize>> = BTreeMap::new();
    for (i, way) in farm::ways(case, host, &judged).into_iter().enumerate() {
        ways.entry(way).or_default().push(i);
    }
    let mut weighed: Vec<WayVerdict> =
        ways.values().filter_map(|members| weigh(case, host, &judged, members)).collect();
    // A fault on one way is not excused by success on another: two programs, two ways out.
    weighed.sort_by_key(|w| (std::cmp::Reverse(rank(w)), w.attempt));
    let reached = weighed.iter().any(|w| w.accepted || judged.get(w.attempt).is_some_and(Judged::has_reached));
    let accepted = weighed.first().is_some_and(|w| w.accepted);
    let mut out = HostVerdict { name: name.clone(), ..HostVerdict::default() };
    out.connections = connections(case, host, &judged);
    match weighed.first() {
        Some(best) => {
            out.verdict = best.verdict;
            out.also = others(&weighed, best.verdict);
            out.attempt = Some(best.attempt);
            out.delay_seconds = best.delay;
            out.troubled = best.troubled.clone();
        }
        None => {
            let undecided = judged.iter().position(|j| j.verdict == Some(Verdict::Inconclusive));
            let started = host.attempts.iter().zip(&judged).position(|(a, j)| {
                j.stage >= Stage::Syn && case.flow(a).is_some_and(|f| f.transport == FlowTransport::Tcp)
            });
            let by_name = name.judged.as_ref().and_then(|j| j.verdict);
            match (undecided.or(started), by_name) {
                (None, None) => {
                    // The sign-in needs it, and nothing shows that it was ever reached.
                    let (lookup, at) = led_nowhere(case, host)?;
                    let text = crate::message!(
                        en: "the name resolves, and no connection follows in this capture",
                        ja: "名前は解決しているが、このキャプチャではその後の接続がない",
                    );
                    out.verdict = Verdict::Inconclusive;
                    out.proof.push((lookup.piece, Some(lookup.stream), Proof::new(at, text)));
                }
                // Nobody misses a host that the sign-in does not need.
                (None, Some(Verdict::Inconclusive)) if host.required != Some(true) => return None,
                (Some(i), _) => {
                    out.verdict = Verdict::Inconclusive;
                    out.attempt = Some(i);
                }
                (None, Some(verdict)) => out.verdict = verdict,
            }
        }
    }
    let mut from_name = false;
    // Of several answers the one counts that the client followed.
    let followed = || {
        let failed = deciding(host, &out).filter(|a| out.verdict.is_fault() && a.way == Way::Direct)?;
        dns::sinkhole(host, &[failed.peer.ip()]).filter(|_| name.addresses.contains(&failed.peer.ip()))
    };
    let by_name = name.judged.clone().or_else(followed);
    if let Some(by_name) = &by_name {
        let overrides = match by_name.verdict {
            // Names resolved by a proxy need no answer of the client's resolver.
            Some(Verdict::DnsFailure | Verdict::Inconclusive) => {
                out.attempt.is_none() || name.stopped.is_some() && (accepted || !out.verdict.is_fault())
            }
            Some(Verdict::DnsSinkhole) if name.stopped.is_some() && (accepted || !out.verdict.is_fault()) => true,
            // An address that cannot be the service explains whatever happened there, unless the service answered.
            Some(Verdict::DnsSinkhole) if by_name.confidence == Confidence::Observed => {
                !reached && host.attempts.iter().all(|a| a.way == Way::Direct) || out.verdict == Verdict::Intercepted
            }
            // Ranges age: an address outside them explains a failure only where what answers there is another server
            // (its certificate is not even made for the name), or where the range is a resolver's own.
            Some(Verdict::DnsSinkhole) => {
                let synthetic = name.addresses.iter().all(|a| crate::knowledge::synthetic_range(*a).is_some());
                synthetic && out.verdict.is_fault()
                    || out.verdict == Verdict::Intercepted && !shown_for_name(case, host)
            }
            _ => false,
        };
        if overrides {
            if out.verdict.is_fault() && out.attempt.is_some() {
                out.also.insert(0, out.verdict);
            }
            out.verdict = by_name.verdict.unwrap_or(Verdict::DnsFailure);
            out.detail = by_name.detail.clone();
            out.confidence = by_name.confidence;
            from_name = true;
        }
    }
    if from_name && let Some(j) = &by_name {
        let stopped = host.lookups.get(name.stopped.unwrap_or(0));
        out.proof.extend(j.proof.iter().map(|p| {
            // A question that is repeated, or asked for another kind of record, may be a stream of its own.
            let lookup = host.lookups.iter().find(|l| l.has(p.at)).or(stopped);
            (lookup.map_or(0, |l| l.piece), lookup.map(|l| l.stream), p.clone())
        }));
    }
    if let Some(i) = out.attempt
        && let (Some(j), Some(a)) = (judged.get(i), host.attempts.get(i))
    {
        let stream = case.flow(a).map(|f| f.stream);
        if !from_name {
            out.detail = j.detail.clone();
            out.detail.client_accepts |= accepted;
            out.confidence = j.confidence;
        }
        // What stopped at the name took no way.
        if !(from_name && name.stopped.is_some()) {
            out.proof.extend(j.proof.iter().map(|p| (a.piece, stream, p.clone())));
            out.proxy = a.way.proxy_text();
        }
    }
    if host.role == Role::Proxy && out.proxy.is_none() {
        out.proxy = deciding(host, &out).and_then(|a| case.proxies.get(&a.peer)).cloned();
    }
    let by_attempt = out.verdict.is_fault() && !(from_name && name.stopped.is_some());
    if let Some(attempt) = deciding(host, &out).filter(|_| by_attempt) {
        if may_be_meant_for_another(case, host, attempt, &judged) {
            out.verdict = Verdict::Inconclusive;
        } else if is_guessed_proxy(case, host, attempt) {
            out.confidence = Confidence::Inferred;
        }
    }
    degrade(case, host, &name, &mut out);
    for i in out.troubled.iter().take(4) {
        let (Some(j), Some(a)) = (judged.get(*i), host.attempts.get(*i)) else { continue };
        let stream = case.flow(a).map(|f| f.stream);
        out.proof.extend(j.proof.iter().map(|p| (a.piece, stream, p.clone())));
    }
    versions(case, host, &judged, &mut out);
    out.judged = judged;
    Some(out)
}

/// The first answer about a host that the sign-in needs, where for some time nobody connected to any address in it, by
/// this name or another, though the capture goes on.
fn led_nowhere<'a>(case: &Case, host: &'a HostStory) -> Option<(&'a Lookup, At)> {
    if host.required != Some(true) {
        return None;
    }
    let answered = |l: &'a Lookup| match &l.result {
        LookupResult::Addresses { at, addresses, .. } => Some((l, *at, addresses)),
        _ => None,
    };
    let (lookup, at, _) = host.lookups.iter().filter_map(answered).min_by_key(|(_, at, _)| at.time)?;
    let known: HashSet<IpAddr> = host.lookups.iter().filter_map(answered).flat_map(|(.., a)| a).copied().collect();
    let is_used = known.iter().any(|address| case.is_used(*address));
    let went_on = case.watch(lookup.piece)?.until(at.time).since(at.time) >= SILENCE_NS;
    (!is_used && went_on).then_some((lookup, at))
}

/// Reached, but only after part of the way failed for a time that a person notices.
fn degrade(case: &Case, host: &HostStory, name: &dns::NameVerdict, out: &mut HostVerdict) {
    if !out.verdict.is_good() {
        return;
    }
    if let Some(i) = out.attempt
        && let Some(slow) = &out.detail.slow
        && let Some(a) = host.attempts.get(i)
    {
        out.proof.push((a.piece, case.flow(a).map(|f| f.stream), slow.proof.clone()));
    }
    let lost_on_name = name.trouble.map_or(0.0, |(seconds, _)| seconds);
    if lost_on_name * 1e9 >= DEGRADED_NS as f64 {
        out.verdict = Verdict::Degraded;
        out.delay_seconds = Some(out.delay_seconds.unwrap_or(0.0) + lost_on_name);
        if let Some((_, i)) = name.trouble
            && let Some(lookup) = host.lookups.get(i)
            && let Some(at) = lookup.asked.first()
        {
            let text = crate::message!(
                en: "{} gave no useful answer to this question in time; the name resolved {:.1} s later",
                ja: "{} はこの問い合わせに有効な応答を返さず (または遅れ)、{:.1} 秒後に解決",
                lookup.resolver.ip(), lost_on_name
            );
            out.proof.push((lookup.piece, Some(lookup.stream), Proof::new(*at, text)));
        }
    }
}

/// Whether any certificate that was shown for the host is made out to its name.
fn shown_for_name(case: &Case, host: &HostStory) -> bool {
    host.attempts.iter().any(|a| {
        case.session(a).and_then(|s| s.certificates.first()).is_some_and(|leaf| {
            leaf.names
                .iter()
                .map(String::as_str)
                .chain(leaf.subject_cn.as_deref())
                .any(|n| super::certificate::matches_name(n, &host.name))
        })
    })
}

/// A single SYN without an answer proves nothing by itself. Where every direct connection of the same client in the
/// capture stayed without an answer, it is one of them.
fn conclude_dead_path(case: &Case, host: &HostStory, judged: &mut [Judged]) {
    if judged.iter().any(|j| j.verdict.is_some()) {
        return;
    }
    for (a, j) in host.attempts.iter().zip(judged.iter_mut()) {
        if a.way != Way::Direct || j.stage != Stage::Syn {
            continue;
        }
        let Some(watch) = case.watch(a.piece) else { continue };
        let waited = watch.until(a.start.time).since(a.start.time);
        if waited >= SILENCE_NS && watch.is_dead(a.client, a.peer.port()) {
            let text = crate::message!(
                en: "SYN without an answer, as every other direct connection in this capture",
                ja: "SYN に応答なし (このキャプチャの他の直接接続もすべて同様)",
            );
            j.verdict = Some(Verdict::SynNoAnswer);
            j.confidence = Confidence::Inferred;
            j.proof.push(Proof::new(a.start, text));
        }
    }
}

/// Whether a failed attempt has its host by a conclusion that the rest of the case makes doubtful.
fn may_be_meant_for_another(case: &Case, host: &HostStory, attempt: &Attempt, judged: &[Judged]) -> bool {
    // The host was reached on the same way by a connection that says its name.
    let reached_by_name = |(a, j): (&Attempt, &Judged)| a.way == attempt.way && !a.name_inferred && j.has_reached();
    let reached_otherwise =
        || case.reached_nameless_after(attempt) || host.attempts.iter().zip(judged).any(reached_by_name);
    let nameless_guess = || host.address().is_some() && is_guessed_proxy(case, host, attempt);
    attempt.name_inferred && reached_otherwise() || nameless_guess()
}

/// Whether a host is taken for a proxy by a guess alone.
pub fn is_guessed_proxy(case: &Case, host: &HostStory, attempt: &Attempt) -> bool {
    host.role == Role::Proxy && case.is_guessed_proxy(attempt)
}

/// How much a way's verdict explains a failed sign-in.
fn rank(way: &WayVerdict) -> u8 {
    match way.verdict {
        Verdict::Inconclusive => 0,
        Verdict::Ok => 1,
        Verdict::Degraded => 2,
        _ if way.accepted => 3,
        _ => 4,
    }
}

fn others(weighed: &[WayVerdict], best: Verdict) -> Vec<Verdict> {
    let mut also: Vec<Verdict> = weighed.iter().map(|w| w.verdict).filter(|v| *v != best).collect();
    also.dedup();
    let inspected = best != Verdict::Intercepted && weighed.iter().any(|w| w.inspected);
    if inspected && !also.contains(&Verdict::Intercepted) {
        also.push(Verdict::Intercepted);
    }
    also
}

/// Weighs the attempts of one way, given in time order.
fn weigh(case: &Case, host: &HostStory, judged: &[Judged], members: &[usize]) -> Option<WayVerdict> {
    let verdicts: Vec<(usize, Verdict)> = members
        .iter()
        .filter_map(|i| Some((*i, judged.get(*i)?.verdict?)))
        .filter(|(_, v)| *v != Verdict::Inconclusive)
        .collect();
    // An old version shows in completed handshakes too, and the host refuses it behind them.
    let old = |(i, v): &&(usize, Verdict)| {
        *v == Verdict::TlsLegacy && judged.get(*i).is_some_and(|j| j.stage == Stage::Complete)
    };
    if verdicts.iter().any(|v| old(&v)) {
        let renewed = Renewed::of(case, host, judged, members);
        let is_left = |(i, _): &&(usize, Verdict)| host.attempts.get(*i).is_some_and(|a| renewed.has(case, a));
        if let Some((i, v)) = verdicts.iter().filter(old).find(|v| !is_left(v)) {
            return Some(WayVerdict::new(*v, *i));
        }
    }
    // So does a proxy in the middle; where clients trust it, it is a way that works.
    let accepted = |i: usize| judged.get(i).is_some_and(Judged::goes_on_inspected);
    let good: Vec<usize> = verdicts.iter().filter(|(i, v)| v.is_good() || accepted(*i)).map(|(i, _)| *i).collect();
    let bad: Vec<(usize, Verdict)> = verdicts.iter().copied().filter(|(i, v)| v.is_fault() && !accepted(*i)).collect();
    let inspected = good.iter().copied().find(|i| accepted(*i));
    let of_way = |verdict, attempt| WayVerdict { inspected: inspected.is_some(), ..WayVerdict::new(verdict, attempt) };
    let began_last = |i: usize| host.attempts.get(i).map(|attempt| case.began_last(attempt));
    let (Some(first_good), Some(last_good)) = (good.first().copied(), good.iter().filter_map(|i| began_last(*i)).max())
    else {
        let (attempt, verdict) = leading_failure(host, judged, &bad)?;
        let under_way = judged.get(attempt).is_some_and(|j| j.detail.under_way);
        let (attempt, verdict) = match open::came_farther_unseen(case, host, judged, members, attempt) {
            Some(open) => (open, Verdict::Inconclusive),
            None if under_way => (attempt, Verdict::Inconclusive),
            None => (attempt, verdict),
        };
        return Some(WayVerdict::new(verdict, attempt));
    };
    let programs = Programs::of(case, host, judged, &good);
    let (given_up, bad): (Vec<_>, Vec<_>) =
        bad.into_iter().partition(|(i, _)| tried(host, judged, *i).is_some_and(|(a, j)| programs.is_given_up(a, j)));
    let started = |i: usize| host.attempts.get(i).map(Attempt::began);
    // Whoever opens a connection and says nothing on it only looks whether somebody is there.
    let wordless = |i: usize| judged.get(i).is_some_and(|j| j.detail.accepted_first && j.detail.closed_by_fin);
    let is_after = |(i, _): &(usize, Verdict)| started(*i) > Some(last_good) && !wordless(*i);
    let after: Vec<(usize, Verdict)> = bad.iter().copied().filter(is_after).collect();
    // What failed beside a connection that goes on to bring answers took nothing away, but from a program that cannot.
    let answers = Answers::of(case, good.iter().filter_map(|i| host.attempts.get(*i)));
    let fell_back = LazyCell::new(|| fall_back(host, judged, members.iter().copied()).is_some());
    let refused_as_old = |i: usize| old::is_refused(judged, i) && !*fell_back;
    let beside = |(i, _): &(usize, Verdict)| {
        host.attempts.get(*i).is_some_and(|failed| answers.came_after(failed)) && !refused_as_old(*i)
    };
    let (beside, after): (Vec<_>, Vec<_>) = after.into_iter().partition(beside);
    let failures = distinct(case, after.iter().filter_map(|(i, _)| host.attempts.get(*i)));
    let used_until = |i: usize| host.attempts.get(i).map(|a| case.used_until(a));
    let mut refusals = programs.refusals(host, judged, &bad);
    let mut doubted = programs.doubted(host, judged, &bad, &given_up);
    let unhelped = after.is_empty() && refusals.is_empty() && doubted.is_empty();
    let bystanders = if unhelped { HashSet::new() } else { clients::bystanders(case, host, judged) };
    let is_bystander = |i: usize| host.attempts.get(i).is_some_and(|a| bystanders.contains(&a.client));
    let is_last = |(i, v): &(usize, Verdict)| {
        let is_last_word = || is_last_word(host, judged, members, (*i, *v), &good, used_until);
        !is_bystander(*i) && (is_last_word() || refused_as_old(*i))
    };
    if failures >= FAILURES_AFTER_SUCCESS_MIN || after.iter().any(is_last) {
        let (attempt, verdict) = leading_failure(host, judged, &after)?;
        return Some(of_way(verdict, attempt));
    }
    // A program that does not trust the device is not helped by others that do. Where they came both before and after
    // it, one refusal alone may be anybody's.
    refusals.retain(|i| !is_bystander(*i));
    let apart = |i: &usize| started(*i) > Some(last_good) || started(*i) < started(first_good);
    let refused = distinct(case, refusals.iter().filter_map(|i| host.attempts.get(*i)));
    if let Some(first) = refusals.first().copied()
        && (refused >= FAILURES_AFTER_SUCCESS_MIN || refusals.iter().any(apart))
    {
        return Some(of_way(Verdict::Intercepted, first));
    }
    let refused = agents::refused(case, host, judged, members.iter().copied());
    if let Some((i, v)) = bad.iter().copied().find(|(i, _)| refused.binary_search(i).is_ok())
        && distinct(case, refused.iter().filter_map(|i| host.attempts.get(*i))) >= FAILURES_AFTER_SUCCESS_MIN
    {
        return Some(of_way(v, i));
    }
    doubted.retain(|i| !is_bystander(*i));
    if let Some(attempt) = doubted.first().copied() {
        return Some(of_way(Verdict::Inconclusive, attempt));
    }
    // Handshakes that stopped in the middle, one after another, and nothing that worked since.
    let open = |i: &&usize| {
        let undecided = |(a, j): (&Attempt, &Judged)| {
            let halfway = j.verdict == Some(Verdict::Inconclusive) && j.stage >= Stage::ServerHello;
            halfway && a.began() > last_good
        };
        tried(host, judged, **i).is_some_and(undecided)
    };
    let halfway: Vec<usize> = members.iter().filter(open).copied().collect();
    if distinct(case, halfway.iter().filter_map(|i| host.attempts.get(*i))) >= FAILURES_AFTER_SUCCESS_MIN {
        let attempt = halfway.first().copied()?;
        return Some(of_way(Verdict::Inconclusive, attempt));
    }
    // Refused at first, and trusted in the end by the same program: of a hidden certificate the refusals tell.
    // Whose program never came through, or came through by the host's own certificate, tells nothing of the kind.
    let got_over = |i: &usize| host.attempts.get(*i).is_some_and(|a| programs.got_over(a));
    let refused: Vec<usize> =
        bad.iter().filter(|(_, v)| *v == Verdict::Intercepted).map(|(i, _)| *i).filter(got_over).collect();
    let seen = distinct(case, refused.iter().filter_map(|i| host.attempts.get(*i))) >= FAILURES_AFTER_SUCCESS_MIN;
    if let Some(attempt) = inspected.or(refused.first().copied().filter(|_| seen)) {
        return Some(WayVerdict { accepted: true, inspected: true, ..WayVerdict::new(Verdict::Intercepted, attempt) });
    }
    let before: Vec<usize> = bad.iter().map(|(i, _)| *i).filter(|i| started(*i) <= started(first_good)).collect();
    let lost = match (before.first().and_then(|i| started(*i)), started(first_good)) {
        (Some(failing), Some(worked)) => worked.time.since(failing.time),
        _ => 0,
    };
    let wait_of = |i: usize| judged.get(i).and_then(|j| j.detail.slow.as_ref()).map_or(0, |slow| slow.nanos);
    let slowest = good.iter().copied().max_by_key(|i| (wait_of(*i), std::cmp::Reverse(*i))).filter(|i| wait_of(*i) > 0);
    let after: Vec<_> = after.into_iter().chain(beside).collect();
    let failed = lost >= DEGRADED_NS || !after.is_empty();
    let verdict = if failed || slowest.is_some() { Verdict::Degraded } else { Verdict::Ok };
    let mut troubled = if failed { before } else { Vec::new() };
    troubled.extend(after.iter().map(|(i, _)| *i));
    let mut told = HashSet::new();
    troubled.retain(|i| host.attempts.get(*i).is_some_and(|a| told.insert(case.connection(a))));
    let lost = if failed { lost } else { 0 };
    let delay = (verdict == Verdict::Degraded).then_some(lost.max(slowest.map_or(0, wait_of)) as f64 / 1e9);
    let attempt = slowest.filter(|_| !failed).unwrap_or(first_good);
    Some(WayVerdict { delay, troubled, ..WayVerdict::new(verdict, attempt) })
}

/// Whether a failure after the successes `good` tells by itself that the host was no longer reached: the client's next
/// try, long after its last use of a connection that worked or waited for very long, with nothing behind it whose end is
/// open; and nothing that one connection may suffer (a reset, a close) or that is part of a way that works (a challenge).
/// A client that never reached the host has no last use: what was seen to fail it is all there is.
fn is_last_word(
    host: &HostStory,
    judged: &[Judged],
    members: &[usize],
    (failed, verdict): (usize, Verdict),
    good: &[usize],
    used_until: impl Fn(usize) -> Option<Timestamp>,
) -> bool {
    let of = |i| tried(host, judged, i);
    let Some((attempt, failure)) = of(failed) else { return false };
    let same_client = |i: &&usize| of(**i).is_some_and(|(a, _)| may_be_one(a.client, attempt.client));
    let is_open = |i: &usize| {
        of(*i).is_some_and(|(a, j)| {
            let undecided = j.verdict.is_none_or(|v| v == Verdict::Inconclusive);
            undecided && a.began() > attempt.began() && j.stage >= failure.stage
        })
    };
    let last = good.iter().filter(same_client).filter_map(|i| used_until(*i)).max();
    let is_another = |last| {
        let since = attempt.start.time.since(last);
        // The connection itself shows that somebody waited for it, not only the capture.
        let waited = attempt.end.time.since(attempt.start.time);
        since >= ANOTHER_TRY_NS || since >= 0 && waited >= LONG_WAIT_NS && failure.detail.waited_seconds > 0.0
    };
    let own = || host.attempts.iter().zip(judged).filter(|(a, _)| may_be_one(a.client, attempt.client));
    let never_reached = || clients::has_failed(attempt, failure) && !own().any(|(_, j)| j.has_reached());
    let passing = match verdict {
        Verdict::ResetAfterClientHello | Verdict::ResetMidHandshake | Verdict::ClosedBeforeServerHello => true,
        Verdict::ProxyAuthRequired => last.is_some(),
        _ => false,
    };
    let stands = !passing && last.map_or_else(never_reached, is_another);
    stands && !members.iter().filter(same_client).any(is_open)
}

/// How many connections went as this attempt's, itself included.
fn alike(case: &Case, attempt: &Attempt) -> usize {
    case.crowd(attempt).map_or(1, |crowd| crowd.len().saturating_add(1))
}

/// How many connections these attempts, and those that went as they did, were: one that was captured twice is one.
pub(super) fn distinct<'a>(case: &Case, attempts: impl Iterator<Item = &'a Attempt>) -> usize {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for attempt in attempts {
        let count = counts.entry(case.connection(attempt)).or_default();
        *count = (*count).max(alike(case, attempt));
    }
    counts.values().sum()
}

/// Connections attempted, established, failed; one that was captured twice is one.
fn connections(case: &Case, host: &HostStory, judged: &[Judged]) -> (u32, u32, u32) {
    let mut counts: BTreeMap<_, [usize; 3]> = BTreeMap::new();
    for (a, j) in host.attempts.iter().zip(judged) {
        let Some(tcp) = case.flow(a).and_then(|f| f.tcp.as_ref()) else { continue };
        let established = tcp.syn_ack.is_some() || tcp.midstream;
        let failed = j.verdict.is_some_and(Verdict::is_fault);
        let alike = alike(case, a);
        for (count, is) in counts.entry(case.connection(a)).or_default().iter_mut().zip([true, established, failed]) {
            *count = (*count).max(if is { alike } else { 0 });
        }
    }
    let sum = |of: fn(&[usize; 3]) -> usize| u32::try_from(counts.values().map(of).sum::<usize>()).unwrap_or(u32::MAX);
    (sum(|[all, ..]| *all), sum(|[_, established, _]| *established), sum(|[.., failed]| *failed))
}

/// TLS versions of the deciding attempt, else of the last attempt that shows any.
fn versions(case: &Case, host: &HostStory, judged: &[Judged], out: &mut HostVerdict) {
    let order = out.attempt.into_iter().chain((0..host.attempts.len()).rev());
    for i in order {
        let Some(a) = host.attempts.get(i) else { continue };
        let Some(session) = case.session(a) else { continue };
        if Some(i) != out.attempt
            && out.verdict.is_fault()
            && judged.get(i).is_some_and(|j| j.verdict.is_some_and(Verdict::is_good))
        {
            continue;
        }
        let offered = session.client_hellos.iter().map(|h| h.max_version()).max();
        let chosen = session.server_hellos.iter().rev().find(|h| !h.hello_retry_request).map(|h| h.version);
        let chosen = chosen.or_else(|| session.old_records());
        if out.client_tls_max.is_none() {
            out.client_tls_max = offered;
        }
        if out.negotiated_tls.is_none() && Some(i) == out.attempt
            || out.negotiated_tls.is_none() && out.verdict.is_good()
        {
            out.negotiated_tls = chosen;
        }
    }
}

/// The attempt a verdict rests on.
pub fn deciding<'a>(host: &'a HostStory, verdict: &HostVerdict) -> Option<&'a Attempt> {
    verdict.attempt.and_then(|i| host.attempts.get(i))
}

/// A version as the contract writes it.
pub fn version_code(version: Option<u16>) -> Option<&'static str> {
    version.and_then(tls::version_code)
}
