//! Proxies that stand for one another: the members of a farm, the entries of a PAC file.
//!
//! What enters: the attempts on a host and what became of each. What leaves: for a failure at one proxy that the same
//! program made good at the next, the way it belongs to. By one name in the DNS the members are one way already; this is
//! for those of which the capture shows nothing but the addresses. Guaranteed: one pass, however many attempts there are.

use super::agents;
use super::clients::AT_ONCE_NS;
use super::scene::{ANOTHER_TRY_NS, Judged};
use super::{Stage, Verdict};
use crate::case::{Attempt, Case, HostStory, Way};
use std::collections::HashMap;
use std::net::IpAddr;

/// The way that each attempt is weighed with.
pub(super) fn ways<'a>(case: &Case, host: &'a HostStory, judged: &[Judged]) -> Vec<&'a Way> {
    let mut ways: Vec<&Way> = host.attempts.iter().map(|a| &a.way).collect();
    let mut next = Next::default();
    // From the last to the first: what comes next is known when a failure is met.
    for (i, (attempt, judgement)) in host.attempts.iter().zip(judged).enumerate().rev() {
        if !matches!(attempt.way, Way::Proxy(_)) {
            continue;
        }
        let taken_up = |table: &HashMap<IpAddr, [Option<usize>; 2]>| {
            let candidates = table.get(&attempt.client).into_iter().flatten().flatten();
            let mut others = candidates.filter_map(|i| host.attempts.get(*i)).filter(|a| a.way != attempt.way);
            others.next().filter(|other| goes_on(case, attempt, other)).map(|other| &other.way)
        };
        let made_good = match judgement.verdict {
            Some(Verdict::ProxyAuthRequired) => taken_up(&next.served).or_else(|| taken_up(&next.authenticated)),
            Some(v) if is_passed_on(v) => taken_up(&next.served),
            _ => None,
        };
        if let (Some(own), Some(other)) = (ways.get_mut(i), made_good) {
            *own = other;
        }
        if judgement.verdict.is_some_and(Verdict::is_good) {
            note(&mut next.served, host, attempt, i);
        }
        if judgement.detail.credentials_sent || judgement.stage > Stage::Proxy {
            note(&mut next.authenticated, host, attempt, i);
        }
    }
    ways
}

/// Client → the next attempt at a proxy, and the next one at another.
#[derive(Default)]
struct Next {
    /// Of those that reached the host.
    served: HashMap<IpAddr, [Option<usize>; 2]>,
    /// Of those that a proxy let in.
    authenticated: HashMap<IpAddr, [Option<usize>; 2]>,
}

fn note(table: &mut HashMap<IpAddr, [Option<usize>; 2]>, host: &HostStory, attempt: &Attempt, i: usize) {
    let [first, second] = table.entry(attempt.client).or_default();
    if first.and_then(|f| host.attempts.get(f)).is_some_and(|f| f.way != attempt.way) {
        *second = *first;
    }
    *first = Some(i);
}

/// Whether a failure sends a client to the next proxy. What a proxy decides about the host, or shows in its place, it does
/// not: who then comes by another proxy is another program.
fn is_passed_on(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::ProxyUpstreamError
            | Verdict::ProxyNoResponse
            | Verdict::ResetAfterClientHello
            | Verdict::SilentAfterClientHello
            | Verdict::ResetMidHandshake
            | Verdict::ClosedBeforeServerHello
            | Verdict::StalledMidHandshake
    )
}

/// Whether `next` may be the same program's next try: soon after, on the same port (that of a farm is one), and nothing
/// tells of another program.
fn goes_on(case: &Case, failed: &Attempt, next: &Attempt) -> bool {
    let exchange = |a: &Attempt| case.flow(a)?.app.http.get(a.exchange?);
    // A refusal is over with the proxy's answer, however long the connection stays open.
    let refused = exchange(failed).filter(|e| e.status.is_some_and(|s| !(200..300).contains(&s)));
    let over = refused.and_then(|e| e.response_at).unwrap_or(failed.end);
    let soon = next.start.time > failed.start.time && next.start.time.since(over.time) < ANOTHER_TRY_NS;
    let process = |a: &Attempt| case.flow(a)?.process.as_ref().map(|p| p.pid);
    // A program names itself in every request of a kind or in none.
    let agent_of = |a: &Attempt| Some((&exchange(a)?.method, agents::agent(case, a)?));
    let differ = |a: Option<bool>| a == Some(false);
    let other_process = differ(process(failed).and_then(|p| Some(p == process(next)?)));
    let other_program = match (agent_of(failed), agent_of(next)) {
        (Some((_, Some(a))), Some((_, Some(b)))) => a != b,
        // That only one says its name is the weaker sign: a try that follows at once is the same program's all the same.
        (Some((method, a)), Some((next_method, b))) => {
            a != b && method == next_method && next.start.time.since(over.time) >= AT_ONCE_NS
        }
        _ => false,
    };
    soon && failed.peer.port() == next.peer.port() && !other_process && !other_program
}
