//! A name that did not resolve although its host was reached.
//!
//! What enters: the look-ups of a name and the attempts on its host. What leaves: the failure that stands beside what
//! worked ([`Standing`]): the name resolved and later no longer did ([`stopped`]), or a program asked for it again and
//! again in vain after others went a way on which they need no answer (a proxy, a resolver that nobody sees) ([`apart`]).
//! Scripts that choose a proxy ask for names as well, and so do the services of a network that resolves none: whoever
//! goes on by the proxy afterwards lost nothing.

use super::Verdict;
use super::dns::{LazyTalk, Meanwhile, failure};
use super::scene::{ANOTHER_TRY_NS, Judged, Proof, SILENCE_NS, Stage};
use crate::case::{Case, HostStory, Lookup, LookupResult, Role, Way, may_be_one};
use crate::message;
use crate::packet::At;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

/// So many questions in vain are no accident of one packet.
const QUESTIONS_MIN: usize = 2;

/// Behind the first answer in vain the capture goes on for so long at least.
const WATCHED_NS: i64 = NANOS_PER_SECOND;

/// A look-up that nobody answers is over by then, with all its questions (glibc 10 s, Windows 12 s).
const LOOK_UP_NS: i64 = 12 * NANOS_PER_SECOND;

/// So long a program waits for an answer to its last question, beyond the second that [`Meanwhile`] gives it (glibc 5 s,
/// Windows 7 s in all).
const GIVES_UP_NS: i64 = 6 * NANOS_PER_SECOND;

/// A failure of a name that stands although its host was reached.
pub(super) struct Standing {
    /// What the look-ups come to.
    pub(super) judged: Judged,
    /// Response code of the failure (`None`: no answer).
    pub(super) rcode: Option<u16>,
    /// The first of them: index into the story's look-ups.
    pub(super) first: usize,
    /// The addresses of answers that lead nowhere.
    pub(super) sunk: Vec<IpAddr>,
}

/// Whether an answer gave addresses, and none to which a packet can leave the machine.
fn is_sunk(lookup: &Lookup) -> bool {
    let LookupResult::Addresses { addresses, .. } = &lookup.result else { return false };
    // The machine itself, by its name, is where it says.
    let public = lookup.name.contains('.') && !lookup.name.starts_with("localhost.");
    public && !addresses.is_empty() && addresses.iter().all(|a| a.is_unspecified() || a.is_loopback())
}

fn is_good(lookup: &Lookup) -> bool {
    matches!(lookup.result, LookupResult::Addresses { .. }) && !is_sunk(lookup)
}

fn asked(lookup: &Lookup) -> Option<Timestamp> {
    lookup.asked.first().map(|at| at.time)
}

/// What look-ups come to, none of which gave an address of use.
fn weigh(
    case: &Case,
    host: &HostStory,
    lookups: &[&Lookup],
    talk: &LazyTalk<'_>,
) -> Option<(Judged, Option<u16>, Vec<IpAddr>)> {
    let mut sunk: Vec<IpAddr> = Vec::new();
    let mut proof = Vec::new();
    for lookup in lookups.iter().filter(|l| is_sunk(l)) {
        let LookupResult::Addresses { at, addresses, .. } = &lookup.result else { continue };
        proof.push(super::dns::answer(lookup, *at, addresses));
        for address in addresses {
            if !sunk.contains(address) {
                sunk.push(*address);
            }
        }
    }
    if !sunk.is_empty() {
        return Some((Judged::seen(Verdict::DnsSinkhole, Stage::None, proof), None, sunk));
    }
    let (judged, rcode) = failure(case, host, lookups, talk);
    let judged = judged.filter(|j| j.verdict == Some(Verdict::DnsFailure))?;
    Some((judged, rcode, sunk))
}

/// The failure of a name that resolved before: its client asked again much later for what it had been told, in vain, and
/// went nowhere since.
pub(super) fn stopped(case: &Case, host: &HostStory, talk: &LazyTalk<'_>) -> Option<Standing> {
    let good = || host.lookups.iter().filter(|l| is_good(l));
    let last_good = good().max_by_key(|l| l.result.at().map(|at| at.time))?;
    let until = last_good.result.at()?.time;
    let late: Vec<&Lookup> = host
        .lookups
        .iter()
        .filter(|l| may_be_one(l.client.ip(), last_good.client.ip()))
        .filter(|l| asked(l).is_some_and(|at| at.since(until) >= ANOTHER_TRY_NS))
        .collect();
    let since = late.iter().filter_map(|l| asked(l)).min()?;
    let first = host.lookups.iter().position(|l| asked(l) == Some(since))?;
    let went_on = host.attempts.iter().any(|a| a.way != Way::Direct || case.used_until(a) >= since);
    let told_again = late.iter().any(|l| matches!(l.result, LookupResult::Cut { .. }));
    // Some hosts have addresses of one family only.
    let known: HashSet<u16> = good().map(|l| l.kind).collect();
    if went_on || told_again || !late.iter().any(|l| known.contains(&l.kind)) {
        return None;
    }
    // Of look-ups that are only counted nobody knows here which came last.
    if case.watch(last_good.piece)?.counts_lookups_of(&host.name) {
        return None;
    }
    let (judged, rcode, sunk) = weigh(case, host, &late, talk)?;
    // An answer may be missing in the capture; that the client asks again, or is told why it gets none, shows it did not.
    let again = late.iter().filter(|l| known.contains(&l.kind)).map(|l| l.asked.len()).sum::<usize>() > 1;
    let told = rcode.is_some() || judged.detail.icmp.is_some() || !sunk.is_empty();
    (told || again).then_some(Standing { judged, rcode, first, sunk })
}

/// The failure of a client that asked in vain, repeatedly and after the last answer, and neither connected to the host
/// since nor was using a connection to it, though it came there earlier, by a way on which it needs no answer. One that
/// connected directly since leaves it open.
pub(super) fn apart(case: &Case, host: &HostStory, talk: &LazyTalk<'_>) -> Option<Standing> {
    if host.attempts.is_empty() {
        return None;
    }
    let good = || host.lookups.iter().filter(|l| is_good(l) || matches!(l.result, LookupResult::Cut { .. }));
    let until = good().filter_map(|l| l.result.at()).map(|at| at.time).max();
    let known: HashSet<u16> = good().map(|l| l.kind).collect();
    let in_vain = |l: &Lookup| {
        let late = asked(l).is_some_and(|at| until.is_none_or(|until| at.since(until) >= ANOTHER_TRY_NS));
        // A name without an answer of either kind is asked for by its IPv4 address.
        let meant = if known.is_empty() { l.kind == 1 } else { known.contains(&l.kind) };
        let counted = || case.watch(l.piece).is_some_and(|w| w.counts_lookups_of(&host.name));
        late && meant && !matches!(l.result, LookupResult::Empty { .. }) && !counted()
    };
    let mut of_client: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (i, lookup) in host.lookups.iter().enumerate().filter(|(_, l)| in_vain(l)) {
        of_client.entry(lookup.client.ip()).or_default().push(i);
    }
    let uses = if of_client.is_empty() { return None } else { Uses::of(case, host) };
    of_client.into_iter().find_map(|(client, own)| of(case, host, talk, uses.by(client), &own))
}

/// [`apart`], of one client: when what may be the same one used the host, and its look-ups in vain.
fn of(
    case: &Case,
    host: &HostStory,
    talk: &LazyTalk<'_>,
    uses: [Option<&OfClient>; 2],
    own: &[usize],
) -> Option<Standing> {
    let uses = || uses.iter().copied().flatten();
    uses().next()?;
    let is_alone = |l: &&Lookup| {
        let gives_up = if l.result.at().is_some() { 0 } else { GIVES_UP_NS };
        !uses().any(|used| used.spans.answered(l, gives_up.saturating_add(SILENCE_NS)))
    };
    let alone = |i: &usize| host.lookups.get(*i).filter(is_alone).map(|l| (*i, l));
    let alone: Vec<(usize, &Lookup)> = own.iter().filter_map(alone).collect();
    let used = uses().map(|used| used.last).max_by_key(|last| last.time)?;
    let last: Vec<(usize, &Lookup)> =
        alone.iter().copied().filter(|(_, l)| asked(l).is_some_and(|at| at > used.time)).collect();
    if is_again(case, &last) {
        return standing(case, host, talk, &last);
    }
    // Who connects directly later has learnt the address where the capture does not show it: the same program or another.
    if !used.direct || host.required != Some(true) || host.role != Role::Service || !is_again(case, &alone) {
        return None;
    }
    let text = message!(
        en: "connected directly later, to an address that no answer in this capture gives",
        ja: "その後、このキャプチャの応答にないアドレスへ直接接続している",
    );
    let open = standing(case, host, talk, &alone)?;
    let mut proof = open.judged.proof;
    proof.push(Proof::new(used.at, text));
    Some(Standing { judged: Judged::undecided(Stage::None, proof), ..open })
}

/// Whether they ask one question again, and the capture shows what followed the first of them.
fn is_again(case: &Case, lookups: &[(usize, &Lookup)]) -> bool {
    let mut questions: BTreeMap<(u16, SocketAddr), usize> = BTreeMap::new();
    for (_, lookup) in lookups {
        *questions.entry((lookup.kind, lookup.resolver)).or_default() += lookup.asked.len();
    }
    let Some((_, first)) = lookups.iter().min_by_key(|(_, l)| asked(l)) else { return false };
    let needed = if first.result.at().is_some() { WATCHED_NS } else { LOOK_UP_NS };
    let since = first.result.at().or(first.asked.first().copied()).map(|at| at.time);
    let watched = since.and_then(|since| Some(case.watch(first.piece)?.until(since).since(since)));
    questions.values().any(|count| *count >= QUESTIONS_MIN) && watched.is_some_and(|watched| watched >= needed)
}

fn standing(case: &Case, host: &HostStory, talk: &LazyTalk<'_>, lookups: &[(usize, &Lookup)]) -> Option<Standing> {
    let (first, _) = lookups.iter().min_by_key(|(_, l)| asked(l))?;
    let (judged, rcode, sunk) = weigh(case, host, &lookups.iter().map(|(_, l)| *l).collect::<Vec<_>>(), talk)?;
    Some(Standing { judged, rcode, first: *first, sunk })
}

/// When the clients of a host used it.
struct Uses {
    by_client: HashMap<IpAddr, OfClient>,
    /// See [`crate::case::may_be_one`].
    by_family: [Option<OfClient>; 2],
}

/// When one of them did.
struct OfClient {
    /// From the beginning of a connection to the host's last answer on it.
    spans: Meanwhile,
    /// Its last connection.
    last: Use,
}

#[derive(Clone, Copy)]
struct Use {
    /// When it began; of one that is only counted, when it ended.
    time: Timestamp,
    /// The beginning of one that went alike.
    at: At,
    direct: bool,
}

impl Uses {
    fn of(case: &Case, host: &HostStory) -> Uses {
        type Used = (Vec<(Timestamp, Timestamp)>, Vec<Use>);
        let mut by_client: HashMap<IpAddr, Used> = HashMap::new();
        for attempt in &host.attempts {
            let (at, direct) = (attempt.start, attempt.way == Way::Direct);
            for (client, start, end) in case.uses(attempt) {
                let (spans, all) = by_client.entry(client).or_default();
                spans.push((start, end));
                all.push(Use { time: start, at, direct });
            }
        }
        let mut families: [Used; 2] = Default::default();
        for (client, (spans, all)) in &by_client {
            let Some(family) = families.get_mut(usize::from(client.is_ipv6())) else { continue };
            family.0.extend(spans);
            family.1.extend(all);
        }
        let used = |(spans, all): Used| {
            let last = all.into_iter().max_by_key(|one| one.time)?;
            Some(OfClient { spans: Meanwhile::between(spans), last })
        };
        Uses {
            by_client: by_client.into_iter().filter_map(|(client, own)| Some((client, used(own)?))).collect(),
            by_family: families.map(used),
        }
    }

    fn by(&self, client: IpAddr) -> [Option<&OfClient>; 2] {
        let other_family = self.by_family.get(usize::from(!client.is_ipv6())).and_then(Option::as_ref);
        [self.by_client.get(&client), other_family]
    }
}
