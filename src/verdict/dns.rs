//! What the resolvers said about a name.

use super::scene::{Judged, Proof, SILENCE_NS, Stage};
use super::stopped::{self, Standing};
use super::{Confidence, Verdict, clients};
use crate::case::{Case, HostStory, Lookup, LookupResult, Watch};
use crate::facts::NXDOMAIN;
use crate::knowledge;
use crate::lang::plural;
use crate::message;
use crate::packet::At;
use crate::time::{NANOS_PER_SECOND, Timestamp, join_ends};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

/// A question repeated for that long without an answer proves silence even where the capture ends with it. (Resolvers
/// repeat after one second at the earliest; the same packet captured twice is no repetition.)
const INSISTED_NS: i64 = 2 * NANOS_PER_SECOND;

/// After an error of the server (not NXDOMAIN, which is the name's answer) clients ask again or another server, at
/// once. An error with nothing behind it and no time for it leaves open what came next.
const SECOND_TRY_NS: i64 = NANOS_PER_SECOND / 3;

/// The look-ups of a name, weighed.
#[derive(Debug, Clone, Default)]
pub struct NameVerdict {
    /// `DnsFailure`, `DnsSinkhole`, or `None` where the name resolved or nobody asked.
    pub judged: Option<Judged>,
    /// The failure stands although the host was reached (see `verdict::stopped`): its first look-up.
    pub stopped: Option<usize>,
    /// The addresses of its answers that lead nowhere.
    pub sunk: Vec<IpAddr>,
    /// The clients that asked in vain and were never given an address, where others were.
    pub unresolved: Vec<Unresolved>,
    /// The name resolved, but some resolver failed, stayed silent or let the client wait: (seconds lost, look-up).
    pub trouble: Option<(f64, usize)>,
    /// All addresses that were given.
    pub addresses: Vec<IpAddr>,
    /// Response code of the failure (`None`: no answer).
    pub rcode: Option<u16>,
}

impl NameVerdict {
    fn stands(&mut self, standing: Standing) {
        let Standing { judged, rcode, first, sunk } = standing;
        (self.judged, self.rcode, self.stopped, self.sunk) = (Some(judged), rcode, Some(first), sunk);
    }
}

/// A client without any good answer, and without any attempt on the host.
#[derive(Debug, Clone)]
pub struct Unresolved {
    /// Who asked.
    pub client: IpAddr,
    /// The first of its look-ups: index into the story's.
    pub lookup: usize,
    /// What they come to.
    pub judged: Judged,
    /// Response code of the failure (`None`: no answer).
    pub rcode: Option<u16>,
}

/// What response codes are called (RFC 1035 4.1.1, RFC 6895 2.3).
pub fn rcode_name(rcode: u16) -> &'static str {
    match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        NXDOMAIN => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => "error",
    }
}

/// Weighs the look-ups of one host.
pub fn judge(case: &Case, host: &HostStory) -> NameVerdict {
    let mut verdict = NameVerdict::default();
    let mut first_good: Option<At> = None;
    for lookup in &host.lookups {
        if let LookupResult::Addresses { at, addresses, .. } = &lookup.result {
            for address in addresses {
                if !verdict.addresses.contains(address) {
                    verdict.addresses.push(*address);
                }
            }
            first_good.get_or_insert(*at);
        }
        if let LookupResult::Cut { at } = &lookup.result {
            first_good.get_or_insert(*at);
        }
    }
    let talk = LazyTalk { host, talk: OnceCell::new() };
    match first_good {
        Some(good) => {
            if let Some(sink) = sinkhole(host, &verdict.addresses).or_else(|| out_of_range(host, &verdict.addresses)) {
                match stopped::apart(case, host, &talk) {
                    Some(standing) => verdict.stands(standing),
                    None => verdict.judged = Some(sink),
                }
                return verdict;
            }
            verdict.unresolved = unresolved(case, host, &talk);
            let standing = stopped::stopped(case, host, &talk)
                .or_else(|| stopped::apart(case, host, &talk))
                .or_else(|| came_in_vain(case, host, &verdict.unresolved));
            if let Some(standing) = standing {
                verdict.stands(standing);
                return verdict;
            }
            let failing = host.lookups.iter().position(|l| {
                l.asked.first().is_some_and(|a| a.frame < good.frame)
                    && matches!(l.result, LookupResult::Failed { .. } | LookupResult::Unanswered { .. })
            });
            if let Some(i) = failing
                && let Some(asked) = host.lookups.get(i).and_then(|l| l.asked.first())
            {
                verdict.trouble = Some((good.time.seconds_since(asked.time), i));
            } else {
                verdict.trouble = slow_answer(host);
            }
        }
        None => {
            let (judged, rcode) = failure(case, host, &host.lookups.iter().collect::<Vec<_>>(), &talk);
            verdict.judged = judged;
            verdict.rcode = rcode;
            if !host.attempts.is_empty() {
                verdict.unresolved = unresolved(case, host, &talk);
            }
            if let Some(standing) = stopped::apart(case, host, &talk) {
                verdict.stands(standing);
            }
        }
    }
    verdict
}

/// The clients that were never given an address to which anybody can connect, and tried nothing, by what they were told
/// instead.
fn unresolved(case: &Case, host: &HostStory, talk: &LazyTalk<'_>) -> Vec<Unresolved> {
    let given = |l: &&Lookup| match &l.result {
        LookupResult::Addresses { addresses, .. } => is_own_machine(host) || !lead_nowhere(addresses),
        LookupResult::Cut { .. } => true,
        _ => false,
    };
    // Mostly all were, and crowds are long.
    if host.lookups.iter().all(|l| given(&l)) {
        return Vec::new();
    }
    let served = host.lookups.iter().filter(given).map(|l| l.client.ip()).chain(case.clients(host));
    let served: HashSet<IpAddr> = served.collect();
    // One that has none of its family's addresses may be a client that we know (see `case::may_be_one`).
    let family = [false, true].map(|v6| served.iter().any(|client| client.is_ipv6() == v6));
    let mut without: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (i, lookup) in host.lookups.iter().enumerate() {
        let client = lookup.client.ip();
        let other_family = if client.is_ipv6() { family[0] } else { family[1] };
        // Of look-ups that are only counted nobody knows here whose they were.
        let counted = || case.watch(lookup.piece).is_some_and(|w| w.counts_lookups_of(&host.name));
        if !other_family && !served.contains(&client) && !counted() {
            without.entry(client).or_default().push(i);
        }
    }
    if without.is_empty() {
        return Vec::new();
    }
    let meanwhile = Meanwhile::of(host.lookups.iter().filter(given));
    let alone = served.iter().next().copied().filter(|_| served.len() == 1 && without.len() == 1);
    let one = |(client, own): (IpAddr, Vec<usize>)| {
        let lookups: Vec<&Lookup> = own.iter().filter_map(|i| host.lookups.get(*i)).collect();
        // A machine with several adapters asks the resolvers of all of them at once, or the next where one has failed.
        // Of many clients somebody always asks next.
        let is_adapter = alone.is_some_and(|other| !clients::same_network(client, other));
        let margin = if is_adapter { clients::AT_ONCE_NS } else { 0 };
        if lookups.iter().any(|l| meanwhile.answered(l, margin)) {
            return None;
        }
        let sunk: Vec<Proof> = lookups.iter().filter_map(|l| told_addresses(l)).collect();
        // An answer of `::` alone switches IPv6 off and no more.
        if !sunk.is_empty() && lookups.iter().any(|l| l.kind == 1) {
            let judged = Judged::seen(Verdict::DnsSinkhole, Stage::None, sunk);
            return Some(Unresolved { client, lookup: *own.first()?, judged, rcode: None });
        }
        let (judged, rcode) = failure(case, host, &lookups, talk);
        let judged = judged.filter(|j| j.verdict == Some(Verdict::DnsFailure))?;
        // For both families is not again.
        let asked = |kind| lookups.iter().filter(|l| l.kind == kind).map(|l| l.asked.len()).sum::<usize>();
        let again = asked(1) > 1 || asked(28) > 1;
        let told = rcode.is_some() || judged.detail.icmp.is_some() || again;
        told.then_some(Unresolved { client, lookup: *own.first()?, judged, rcode })
    };
    without.into_iter().filter_map(one).collect()
}

/// The failure of the first client that asked for the name only after the others had been answered and had fallen silent,
/// and in vain.
fn came_in_vain(case: &Case, host: &HostStory, unresolved: &[Unresolved]) -> Option<Standing> {
    let given = host.lookups.iter().filter_map(|l| match &l.result {
        LookupResult::Addresses { at, .. } | LookupResult::Cut { at } => Some((at.time, l.client.ip())),
        _ => None,
    });
    let (times, served): (Vec<Timestamp>, HashSet<IpAddr>) = given.unzip();
    let last = times.into_iter().max()?;
    let until = case.presence().until(served.into_iter().chain(case.clients(host)))?;
    let asked = |u: &Unresolved| host.lookups.get(u.lookup)?.asked.first().map(|at| at.time);
    let late = unresolved.iter().filter(|u| asked(u).is_some_and(|at| at > last));
    let alone = |u: &&Unresolved| !case.presence().was_heard_by(u.client, until);
    let first = late.min_by_key(|u| u.lookup).filter(alone)?;
    Some(Standing { judged: first.judged.clone(), rcode: first.rcode, first: first.lookup, sunk: Vec::new() })
}

/// When look-ups of a name were under way that were answered: by their beginning, with the latest end until then.
pub(super) struct Meanwhile(Vec<(Timestamp, Timestamp)>);

impl Meanwhile {
    fn of<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> Meanwhile {
        Meanwhile::between(lookups.filter_map(span).collect())
    }

    /// Of other stretches of time in which the client was served.
    pub(super) fn between(mut spans: Vec<(Timestamp, Timestamp)>) -> Meanwhile {
        join_ends(&mut spans);
        Meanwhile(spans)
    }

    /// Whether one of them was under way while `lookup` was, or for so long behind it.
    pub(super) fn answered(&self, lookup: &Lookup, margin: i64) -> bool {
        let Some((asked, over)) = span(lookup) else { return false };
        let begun = self.0.partition_point(|(began, _)| *began <= over.plus(margin));
        begun.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|(_, end)| *end >= asked)
    }
}

/// From the first question to the answer, or to where the client asks again for want of one.
fn span(lookup: &Lookup) -> Option<(Timestamp, Timestamp)> {
    let first = lookup.asked.first()?.time;
    let over = lookup.result.at().map(|at| at.time);
    Some((first, over.unwrap_or(lookup.asked.last()?.time.plus(NANOS_PER_SECOND))))
}

/// The look-up behind the first address, where its answer let the client wait: (seconds, look-up).
fn slow_answer(host: &HostStory) -> Option<(f64, usize)> {
    let (i, asked, at) = host.lookups.iter().enumerate().find_map(|(i, l)| match &l.result {
        LookupResult::Addresses { at, .. } => Some((i, *l.asked.first()?, *at)),
        _ => None,
    })?;
    (at.time.since(asked.time) >= SILENCE_NS).then(|| (at.time.seconds_since(asked.time), i))
}

/// A question whose answer the capture cannot show.
fn unheard_of(asked: At) -> Judged {
    let text = message!(
        en: "asked for, and not connected to; the capture holds only one direction, so that no answer can be seen",
        ja: "名前の問い合わせはあるが接続がない。片方向のキャプチャのため、応答の有無は分からない",
    );
    Judged::undecided(Stage::None, vec![Proof::new(asked, text)])
}

/// What these look-ups, none of which gave an address, come to. Error codes speak at once; silence needs time or repetition.
pub(super) fn failure(
    case: &Case,
    host: &HostStory,
    lookups: &[&Lookup],
    talk: &LazyTalk<'_>,
) -> (Option<Judged>, Option<u16>) {
    let mut proof = Vec::new();
    let mut rcode = None;
    let mut silent = false;
    let unheard = lookups.first().and_then(|l| case.watch(l.piece)).is_some_and(Watch::is_one_directional);
    if unheard {
        // Whoever connected was answered.
        let asked = lookups.iter().filter(|l| l.kind != 65).find_map(|l| l.asked.first());
        return (asked.filter(|_| host.attempts.is_empty()).map(|at| unheard_of(*at)), None);
    }
    let mut icmp = None;
    let mut asks_again = None;
    let mut errors: Vec<(u16, u16, At)> = Vec::new();
    for lookup in lookups.iter().filter(|l| l.kind != 65) {
        let Some(asked) = lookup.asked.first().copied() else { continue };
        match &lookup.result {
            LookupResult::Failed { at, rcode: code } => {
                rcode.get_or_insert(*code);
                errors.push((lookup.kind, *code, *at));
                proof.push(Proof::new(
                    *at,
                    message!(
                        en: "{} answers {} for {}",
                        ja: "{} が {2} に対し {1} を返す",
                        lookup.resolver.ip(), rcode_name(*code), lookup.name
                    ),
                ));
            }
            LookupResult::Unanswered { icmp: Some((at, kind, code, sender)) } => {
                icmp.get_or_insert((*kind, *code, *sender));
                proof.push(Proof::new(
                    *at,
                    message!(
                        en: "ICMP type {kind} code {code} from {sender} for the question to {}",
                        ja: "{} への問い合わせに {sender} から ICMP タイプ {kind} コード {code}",
                        lookup.resolver
                    ),
                ));
            }
            LookupResult::Unanswered { icmp: None } => {
                let waited = observed(case, lookup, asked);
                let insisted = lookup.asked.last().map_or(0, |last| last.time.since(asked.time));
                // What somebody did answer, though from where the client did not ask, is not silence.
                let waited_for =
                    waited >= SILENCE_NS && lookup.foreign.is_none() && !talk.get().goes_on_without(lookup, asked);
                if insisted >= INSISTED_NS || waited_for {
                    silent = true;
                    let s = plural(lookup.asked.len() as u64);
                    proof.push(Proof::new(
                        asked,
                        message!(
                            en: "{} does not answer ({} question{s} in {:.1} s)",
                            ja: "{} が応答しない ({} 回、{:.1} 秒)",
                            lookup.resolver.ip(), lookup.asked.len(), waited as f64 / 1e9
                        ),
                    ));
                    proof.extend(foreign(lookup));
                }
            }
            // It is asked over TCP next, which takes its time.
            LookupResult::Truncated { at } if observed(case, lookup, *at) < SILENCE_NS => {
                asks_again.get_or_insert(*at);
            }
            LookupResult::Truncated { at } => {
                silent = true;
                proof.push(Proof::new(
                    *at,
                    message!(
                        en: "the answer is truncated and no complete one followed over TCP",
                        ja: "応答が切り詰められ、TCP による完全な応答がない",
                    ),
                ));
            }
            LookupResult::Empty { .. } | LookupResult::Addresses { .. } | LookupResult::Cut { .. } => {}
        }
    }
    let empty = lookups.iter().find_map(|l| match (&l.result, l.kind) {
        (LookupResult::Empty { at }, 1) => Some(*at),
        _ => None,
    });
    if let (true, Some(at), false) =
        (proof.is_empty(), empty, lookups.iter().any(|l| l.kind == 28 && l.result.at().is_none()))
    {
        proof.push(Proof::new(at, message!(en: "the answer holds no address", ja: "応答にアドレスがない")));
    } else if rcode.is_none() && !silent && icmp.is_none() {
        let is_open = |l: &&&Lookup| l.kind != 65 && l.result.at().is_none();
        if let Some(proof) = lookups.iter().filter(is_open).find_map(|l| foreign(l)) {
            return (Some(Judged::undecided(Stage::None, vec![proof])), None);
        }
        let open = lookups.iter().find_map(|l| l.asked.first().filter(|_| l.result.at().is_none()).copied());
        return (open.or(asks_again).map(|at| still_asking(at, Vec::new())), None);
    }
    if !silent
        && icmp.is_none()
        && let Some(at) = one_try_at_the_end(case, host, &errors)
    {
        return (Some(still_asking(at, proof)), rcode);
    }
    // An error for one record type says nothing of the other (RFC 4074 4.2), which every client asks for as well; that there
    // is no such name does.
    let is_of_v6 = lookups.iter().all(|l| l.kind == 28) && rcode != Some(NXDOMAIN);
    if !silent
        && icmp.is_none()
        && let Some((.., at)) = errors.first().filter(|_| is_of_v6)
    {
        return (Some(still_asking(*at, proof)), rcode);
    }
    let mut judged = Judged::seen(Verdict::DnsFailure, Stage::None, proof);
    judged.detail.icmp = icmp;
    (Some(judged), rcode)
}

/// The answer to a question that came from an address which was not asked.
fn foreign(lookup: &Lookup) -> Option<Proof> {
    let (at, from) = lookup.foreign?;
    let text = message!(
        en: "an answer came from {}, which was not asked (the question went to {})",
        ja: "問い合わせ先 {1} ではなく、{0} から応答が届いている",
        from, lookup.resolver
    );
    Some(Proof::new(at, text))
}

/// The question stands, and the capture does not show what became of it.
fn still_asking(at: At, mut proof: Vec<Proof>) -> Judged {
    proof.push(Proof::new(
        at,
        message!(
            en: "the name is asked for; the capture ends before it is clear whether it resolves",
            ja: "名前解決の途中でキャプチャが終わっており、結果が分からない",
        ),
    ));
    Judged::undecided(Stage::None, proof)
}

/// [`Talk`] about a host, put together when it is asked for.
pub(super) struct LazyTalk<'a> {
    host: &'a HostStory,
    talk: OnceCell<Talk>,
}

impl LazyTalk<'_> {
    fn get(&self) -> &Talk {
        self.talk.get_or_init(|| Talk::of(self.host))
    }
}

/// What the clients went on to ask about a name, and what they were answered. Prepared once: a name may be asked for by
/// thousands.
struct Talk {
    /// Piece, client and record type → frame of the last question.
    asked: HashMap<(usize, IpAddr, u16), u64>,
    /// Piece, client and resolver → frame of the last answer for each record type.
    answered: HashMap<(usize, IpAddr, SocketAddr), Vec<(u16, u64)>>,
    /// Client → when its connections began that are taken for the name by the order of events, in time order.
    followed: HashMap<IpAddr, Vec<Timestamp>>,
}

impl Talk {
    fn of(host: &HostStory) -> Talk {
        let mut talk = Talk { asked: HashMap::new(), answered: HashMap::new(), followed: HashMap::new() };
        for attempt in host.attempts.iter().filter(|a| a.name_inferred) {
            talk.followed.entry(attempt.client).or_default().push(attempt.start.time);
        }
        for lookup in &host.lookups {
            let (piece, client) = (lookup.piece, lookup.client.ip());
            let last = talk.asked.entry((piece, client, lookup.kind)).or_default();
            *last = lookup.asked.iter().map(|at| at.frame).fold(*last, u64::max);
            if let Some(at) = lookup.result.at() {
                let kinds = talk.answered.entry((piece, client, lookup.resolver)).or_default();
                match kinds.iter_mut().find(|(kind, _)| *kind == lookup.kind) {
                    Some((_, last)) => *last = at.frame.max(*last),
                    // The story of a host has three record types.
                    None => kinds.push((lookup.kind, at.frame)),
                }
            }
        }
        talk
    }

    /// Whether the answer to a question is rather missing in the capture than in the network: the client never repeated
    /// it, as it does without an answer, and the resolver went on to answer it for another record of the name, or the
    /// client to connect to an address that nothing else explains.
    fn goes_on_without(&self, lookup: &Lookup, asked: At) -> bool {
        let (piece, client) = (lookup.piece, lookup.client.ip());
        let repeated = self.asked.get(&(piece, client, lookup.kind)).is_some_and(|last| *last > asked.frame);
        let mut answers = self.answered.get(&(piece, client, lookup.resolver)).into_iter().flatten();
        let went_there = || {
            let began = self.followed.get(&client).map_or(&[][..], Vec::as_slice);
            let next = began.get(began.partition_point(|at| *at <= asked.time));
            next.is_some_and(|at| at.since(asked.time) < NANOS_PER_SECOND)
        };
        !repeated && (answers.any(|(kind, last)| *kind != lookup.kind && *last > asked.frame) || went_there())
    }
}

/// The last error, where only one try per record type failed with an error of the server and the capture ends before
/// a second one could follow.
fn one_try_at_the_end(case: &Case, host: &HostStory, errors: &[(u16, u16, At)]) -> Option<At> {
    let (.., last) = errors.iter().max_by_key(|(.., at)| at.time)?;
    let names_answer = errors.iter().any(|(_, rcode, _)| *rcode == NXDOMAIN);
    let kinds: HashSet<u16> = errors.iter().map(|(kind, ..)| *kind).collect();
    let repeated = kinds.len() < errors.len();
    let watch = host.lookups.first().and_then(|l| case.watch(l.piece))?;
    let passed = watch.until(last.time).since(last.time);
    (!names_answer && !repeated && passed < SECOND_TRY_NS).then_some(*last)
}

/// Nanoseconds from a question to the last moment at which the capture is known to have been running.
fn observed(case: &Case, lookup: &Lookup, asked: At) -> i64 {
    case.watch(lookup.piece).map_or(0, |w| w.until(asked.time).since(asked.time))
}

/// Domains by which the public names of Microsoft's services go on, though customers have names there too.
const PUBLIC_CHAIN: [&str; 4] = [".trafficmanager.net", ".azurefd.net", ".cloudapp.azure.com", ".akadns.net"];

/// A public name that only gave addresses which cannot be the service. Private endpoints (a CNAME chain into a
/// `privatelink` zone) are meant to do so.
pub(super) fn sinkhole(host: &HostStory, addresses: &[IpAddr]) -> Option<Judged> {
    let public = host.endpoint.is_some() || knowledge::is_microsoft_host(&host.name);
    let unroutable = lead_nowhere(addresses);
    let hidden = addresses.iter().all(|a| knowledge::cannot_be_public(*a));
    let blocked = !addresses.is_empty() && block_page(host, addresses).is_some();
    if addresses.is_empty() || !(unroutable || public && hidden || blocked) {
        return None;
    }
    if blocked {
        return Some(Judged::seen(Verdict::DnsSinkhole, Stage::None, answers(host)));
    }
    if unroutable && is_own_machine(host) {
        return None;
    }
    let private_link = host.lookups.iter().any(|l| match &l.result {
        // The public chain of some names passes through such a zone too, and goes on by Microsoft's names: a private
        // endpoint's address stands in the zone itself, or under a name of the customer's.
        LookupResult::Addresses { cnames, .. } => {
            let zone = cnames.iter().rposition(|c| c.contains("privatelink."));
            let behind = zone.and_then(|i| cnames.get(i.saturating_add(1)..));
            let public = |c: &String| knowledge::is_microsoft_host(c) || PUBLIC_CHAIN.iter().any(|d| c.ends_with(d));
            behind.is_some_and(|behind| !behind.iter().any(public))
        }
        _ => false,
    });
    if private_link && !unroutable {
        return None;
    }
    let proof = answers(host);
    Some(Judged::seen(Verdict::DnsSinkhole, Stage::None, proof))
}

/// Whether all of some addresses lead to nobody, or to the client itself.
fn lead_nowhere(addresses: &[IpAddr]) -> bool {
    addresses.iter().all(|a| a.is_unspecified() || a.is_loopback())
}

/// The machine itself, by its name or with a search suffix behind it, is where it says.
fn is_own_machine(host: &HostStory) -> bool {
    !host.name.contains('.') || host.name.starts_with("localhost.")
}

/// The product on whose block page all addresses of the name lie, or to which a CNAME leads.
pub fn block_page(host: &HostStory, addresses: &[IpAddr]) -> Option<&'static str> {
    let by_name = host.lookups.iter().find_map(|l| match &l.result {
        LookupResult::Addresses { cnames, .. } => cnames.iter().find_map(|c| knowledge::block_name(c)),
        _ => None,
    });
    let all = addresses.iter().all(|a| knowledge::block_page(*a).is_some());
    by_name.or_else(|| addresses.first().filter(|_| all).and_then(|a| knowledge::block_page(*a)))
}

/// An authority of the public cloud that only gave addresses outside the published ranges: not proof by itself (the
/// ranges age), but what explains a failure there. Synthetic addresses of local resolvers count too.
fn out_of_range(host: &HostStory, addresses: &[IpAddr]) -> Option<Judged> {
    let authority = host.endpoint.is_some_and(|e| {
        e.role == knowledge::endpoints::Role::Authority && e.cloud == knowledge::endpoints::Cloud::Public
    });
    let synthetic = host.endpoint.is_some() && addresses.iter().all(|a| knowledge::synthetic_range(*a).is_some());
    let outside = authority && addresses.iter().all(|a| !knowledge::in_entra_ranges(*a));
    if addresses.is_empty() || !(synthetic || outside) {
        return None;
    }
    let proof = answers(host);
    let mut judged = Judged::seen(Verdict::DnsSinkhole, Stage::None, proof);
    judged.confidence = Confidence::Inferred;
    Some(judged)
}

/// The answers with addresses, as proof.
fn answers(host: &HostStory) -> Vec<Proof> {
    host.lookups.iter().filter_map(told_addresses).collect()
}

/// The same of one look-up.
fn told_addresses(lookup: &Lookup) -> Option<Proof> {
    match &lookup.result {
        LookupResult::Addresses { at, addresses, .. } => Some(answer(lookup, *at, addresses)),
        _ => None,
    }
}

/// An answer with addresses, as proof.
pub(super) fn answer(lookup: &Lookup, at: At, addresses: &[IpAddr]) -> Proof {
    let text = message!(
        en: "{} says {} is {}",
        ja: "{} は {} のアドレスを {} と回答",
        lookup.resolver.ip(), lookup.name, list(addresses)
    );
    Proof::new(at, text)
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}
