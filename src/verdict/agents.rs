//! Programs that a proxy refuses, beside others that it lets through.
//!
//! A browser answers a proxy's challenge for its user; a command beside it, or a service of the machine, may never do, and
//! some proxies let only some programs through. Each names itself to the proxy in its requests (User-Agent), or none of its
//! requests has a name.
//!
//! What enters: attempts at a host by a proxy, with their judgements. What leaves: the refusals of programs that never came
//! through, where another one did. Guaranteed: linear in the attempts.

use super::leading::tried;
use super::scene::{Judged, Stage};
use super::{HostVerdict, Verdict};
use crate::case::{Attempt, Case, HostStory};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

/// The name that the program of an attempt gives itself at the proxy. `None` where its request is not all there; `Some(None)`
/// for one without a name. (Python before 3.12 asks for tunnels by HTTP/1.0, without a Host.)
pub(super) fn agent<'a>(case: &'a Case, attempt: &Attempt) -> Option<Option<&'a str>> {
    let flow = case.flow(attempt)?;
    let exchange = flow.app.http.get(attempt.exchange?)?;
    let whole = flow.sides.first().is_some_and(|client| client.missed_bytes == 0 && client.cut_bytes == 0);
    let told = exchange.user_agent.is_some() || whole && (exchange.host.is_some() || exchange.minor_version == 0);
    told.then_some(exchange.user_agent.as_deref())
}

/// What became of a program's attempts at a proxy.
#[derive(Default)]
struct Fate {
    refused: Vec<usize>,
    came_through: bool,
}

/// Whether a proxy refused the program, or its user.
fn is_refusal(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::ProxyAuthRequired | Verdict::ProxyDenied)
}

/// Of some attempts, in order, the refusals of programs that never came through, where another program of the client did.
pub(super) fn refused(
    case: &Case,
    host: &HostStory,
    judged: &[Judged],
    members: impl Iterator<Item = usize> + Clone,
) -> Vec<usize> {
    let is_refused = |i: usize| judged.get(i).and_then(|j| j.verdict).is_some_and(is_refusal);
    if !members.clone().any(is_refused) {
        return Vec::new();
    }
    let mut fates: HashMap<(IpAddr, SocketAddr, Option<&str>), Fate> = HashMap::new();
    let mut served: HashSet<(IpAddr, SocketAddr)> = HashSet::new();
    for i in members {
        let Some((attempt, j)) = tried(host, judged, i) else { continue };
        let Some(agent) = agent(case, attempt) else { continue };
        let fate = fates.entry((attempt.client, attempt.peer, agent)).or_default();
        if is_refused(i) {
            fate.refused.push(i);
        }
        fate.came_through |= j.stage > Stage::Proxy;
        if j.serves() {
            served.insert((attempt.client, attempt.peer));
        }
    }
    let is_beside = |(client, peer, _): &(IpAddr, SocketAddr, Option<&str>)| served.contains(&(*client, *peer));
    let stopped = fates.into_iter().filter(|(of, fate)| !fate.came_through && is_beside(of));
    let mut all: Vec<usize> = stopped.flat_map(|(_, fate)| fate.refused).collect();
    all.sort_unstable();
    all
}

/// Whether the verdict of a host is the refusal of such a program.
pub fn is_of_another_program(case: &Case, host: &HostStory, verdict: &HostVerdict) -> bool {
    let is_refused = |i: &usize| {
        let all = refused(case, host, &verdict.judged, 0..host.attempts.len());
        all.binary_search(i).is_ok()
    };
    is_refusal(verdict.verdict) && verdict.attempt.as_ref().is_some_and(is_refused)
}
