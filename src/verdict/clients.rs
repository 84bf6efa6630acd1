//! What became of each client of a host: who never got there while another did.
//!
//! What enters: a host's story with its verdict. What leaves: the clients that were seen to fail and never seen to reach
//! it ([`cut_off`]), and whether such a client may have gone on under another address
//! ([`are_explained`]).

use super::leading::tried;
use super::{Confidence, HostVerdict, Judged, Stage, Verdict, dns, reached};
use crate::case::{Attempt, Case, Heard, HostStory};
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

/// What became of one client's attempts on a host.
#[derive(Debug, Default)]
pub struct Fate<'a> {
    /// When the last connection began by which it reached the host.
    pub reached: Option<Timestamp>,
    /// Attempts that were seen to fail: indexes into the story's.
    pub failed: Vec<usize>,
    /// It never came to an attempt: its questions for the name failed, and no answer of its own is known.
    pub unresolved: Option<&'a dns::Unresolved>,
}

/// Clients that never reached a host that another client of their address family reached.
#[derive(Debug, Default)]
pub struct CutOff<'a> {
    /// The clients, and what became of them.
    pub clients: Vec<(IpAddr, Fate<'a>)>,
    /// Those that reached it, and when the last connection began by which each did.
    pub reached: Vec<(IpAddr, Timestamp)>,
    /// How many clients tried.
    pub of: usize,
    /// The only client that was cut off may be another adapter of the only one that reached it.
    pub adapter: bool,
}

/// Whether an attempt was seen to fail, and it is known to have been about this host. That a client broke off at a
/// certificate is seen even where the certificate, and so the reason, is hidden.
pub(super) fn has_failed(attempt: &Attempt, judged: &Judged) -> bool {
    let seen = judged.confidence == Confidence::Observed || judged.verdict == Some(Verdict::Intercepted);
    judged.verdict.is_some_and(Verdict::is_fault) && seen && !attempt.name_inferred
}

/// The clients that never reached `host`, where another one did; without the one whose failure is the verdict.
pub fn cut_off<'a>(case: &Case, host: &HostStory, verdict: &'a HostVerdict) -> CutOff<'a> {
    // Most hosts have none, and crowds are long.
    let failing = host.attempts.iter().zip(&verdict.judged).any(|(attempt, judged)| has_failed(attempt, judged));
    if !failing && verdict.name.unresolved.is_empty() {
        return CutOff::default();
    }
    let fates = fates(case, host, verdict);
    let told = if let Some(i) = verdict.name.stopped {
        host.lookups.get(i).map(|l| l.client.ip())
    } else {
        let stands = verdict.verdict.is_fault() && !verdict.is_accepted_inspection();
        super::host::deciding(host, verdict).filter(|_| stands).map(|attempt| attempt.client)
    };
    let reached: Vec<(IpAddr, Timestamp)> =
        fates.iter().filter_map(|(client, fate)| Some((*client, fate.reached?))).collect();
    let [reached_v4, reached_v6] = families(reached.iter().map(|(client, _)| client));
    let of = fates.len();
    let is_cut_off = |client: &IpAddr, fate: &Fate<'_>| {
        let failed = !fate.failed.is_empty() || fate.unresolved.is_some();
        // One machine has an address of each family, and a dead way of one of them costs it little.
        let others = if client.is_ipv6() { reached_v6 } else { reached_v4 };
        fate.reached.is_none() && failed && Some(*client) != told && others
    };
    let clients: Vec<_> = fates.into_iter().filter(|(client, fate)| is_cut_off(client, fate)).collect();
    let adapter = match (clients.as_slice(), reached.as_slice()) {
        ([(client, fate)], [(other, _)]) => {
            !same_network(*client, *other) && tried_at_once(host, &verdict.judged, fate)
        }
        _ => false,
    };
    CutOff { clients, reached, of, adapter }
}

/// Whether some of the clients have IPv4 addresses, and some IPv6.
fn families<'a>(clients: impl Iterator<Item = &'a IpAddr> + Clone) -> [bool; 2] {
    [false, true].map(|v6| clients.clone().any(|client| client.is_ipv6() == v6))
}

/// Clients that never reached the host, which others did that were heard from since: what one of them met once tells of
/// that one alone.
pub(super) fn bystanders(case: &Case, host: &HostStory, judged: &[Judged]) -> HashSet<IpAddr> {
    let reached: HashSet<IpAddr> = reached(&host.attempts, judged).flat_map(|a| case.clients_of(a)).collect();
    let until = case.presence().until(reached.iter().copied());
    let [reached_v4, reached_v6] = families(reached.iter());
    let is_one = |client: &IpAddr| {
        // Of another family it may be one of those that reached it (see `may_be_one`); and what talks to its own machine
        // is a program there, whose words something local (a scanner) carries on under the machine's address.
        let others =
            reached.contains(client) || client.is_loopback() || if client.is_ipv6() { reached_v4 } else { reached_v6 };
        !others && until.is_some_and(|until| case.presence().was_heard_by(*client, until))
    };
    let tried: HashSet<IpAddr> = host.attempts.iter().map(|a| a.client).collect();
    tried.into_iter().filter(is_one).collect()
}

/// Whether all that failed was never answered, and began beside connections that reached the host: then a machine tried
/// both of its adapters.
fn tried_at_once(host: &HostStory, judged: &[Judged], fate: &Fate<'_>) -> bool {
    let mut began: Vec<Timestamp> = reached(&host.attempts, judged).map(|attempt| attempt.start.time).collect();
    began.sort();
    let is_beside = |i: &usize| {
        tried(host, judged, *i).is_some_and(|(attempt, failure)| {
            let start = attempt.start.time;
            let next = began.get(began.partition_point(|at| *at < start.plus(-AT_ONCE_NS)));
            failure.stage <= Stage::Syn && next.is_some_and(|at| at.since(start) <= AT_ONCE_NS)
        })
    };
    !fate.failed.is_empty() && fate.failed.iter().all(is_beside)
}

fn fates<'a>(case: &Case, host: &HostStory, verdict: &'a HostVerdict) -> BTreeMap<IpAddr, Fate<'a>> {
    let mut fates: BTreeMap<IpAddr, Fate<'a>> = BTreeMap::new();
    for (i, (attempt, judged)) in host.attempts.iter().zip(&verdict.judged).enumerate() {
        let fate = fates.entry(attempt.client).or_default();
        fate.reached = fate.reached.max(judged.has_reached().then_some(attempt.start.time));
        if has_failed(attempt, judged) {
            fate.failed.push(i);
        }
        // Only what went well is counted.
        for (at, client) in case.crowd(attempt).into_iter().flat_map(|crowd| crowd.members()) {
            let fate = fates.entry(client).or_default();
            fate.reached = fate.reached.max(Some(at));
        }
    }
    for unresolved in &verdict.name.unresolved {
        fates.entry(unresolved.client).or_default().unresolved = Some(unresolved);
    }
    fates
}

/// The time from the last packet under one address to the first under another that a machine needs at the least to get a
/// new address of the same network: it asks for it, and makes sure that nobody has it. Clients that follow each other
/// sooner are two.
const NEW_ADDRESS_NS: i64 = 2 * NANOS_PER_SECOND;

/// The same where the other address is of another network: an adapter that is up already takes over.
const NEW_NETWORK_NS: i64 = NANOS_PER_SECOND / 2;

/// A machine with several adapters that tries one after the other, since the first gave nothing, does so within this time.
pub(super) const AT_ONCE_NS: i64 = NANOS_PER_SECOND;

/// So many clients are not one machine.
const ADDRESSES_MAX: usize = 64;

/// Whether every client that was cut off may be a machine that went on under the address of another client, in the same
/// capture: that one was not heard while the first was, and reached the host after the first had fallen silent for good.
/// Two that were there at the same time are not one machine.
pub fn are_explained(case: &Case, cut: &CutOff<'_>) -> bool {
    let presence = case.presence();
    let heard = |client: IpAddr| {
        let ends = |piece| presence.heard(client, piece).and_then(Heard::ends);
        let mut ends = case.captures().filter_map(|(piece, _)| ends(piece).map(|(first, last)| (piece, first, last)));
        ends.next().filter(|_| ends.next().is_none())
    };
    let replaced = |client: &IpAddr| {
        let Some((piece, first, last)) = heard(*client) else { return false };
        cut.reached.iter().any(|(other, reached)| {
            let gap = if same_network(*client, *other) { NEW_ADDRESS_NS } else { NEW_NETWORK_NS };
            let next = last.plus(gap);
            let is_next = |h: &Heard| h.last_before(next).is_none_or(|end| end < first) && h.is_heard_from(next);
            presence.heard(*other, piece).is_some_and(is_next) && *reached > last
        })
    };
    let one_at_a_time = |v6: bool| {
        let family = cut.clients.iter().map(|(client, _)| *client).filter(|client| client.is_ipv6() == v6);
        let mut ends: Vec<_> = family.filter_map(heard).map(|(_, first, last)| (first, last)).collect();
        ends.sort();
        ends.iter().zip(ends.iter().skip(1)).all(|((_, end), (next, _))| next > end)
    };
    cut.adapter
        || cut.clients.len() <= ADDRESSES_MAX
            && [false, true].into_iter().all(one_at_a_time)
            && cut.clients.iter().all(|(client, _)| replaced(client))
}

/// Whether two addresses are of one network of the usual size.
pub(super) fn same_network(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets().iter().zip(b.octets()).take(3).all(|(a, b)| *a == b),
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments().iter().zip(b.segments()).take(4).all(|(a, b)| *a == b),
        _ => false,
    }
}
