//! Of several failures on one way to a host, the one that tells why it failed.
//!
//! What enters: the attempts of a host with their judgements. What leaves: the index of the one whose verdict, proof and
//! words stand for all of them. Guaranteed: linear in the attempts.

use super::Verdict;
use super::scene::{Judged, SILENCE_NS, Stage};
use crate::case::{Attempt, HostStory, may_be_one};
use crate::flow::Side;
use std::collections::HashMap;
use std::net::IpAddr;

/// An attempt, and what became of it.
pub(super) fn tried<'a>(host: &'a HostStory, judged: &'a [Judged], i: usize) -> Option<(&'a Attempt, &'a Judged)> {
    Some((host.attempts.get(i)?, judged.get(i)?))
}

/// Of several failures the one that tells most: the one that came farthest, and of these the earliest. An old-version
/// hello that follows a broken modern one is the client's fall-back, a symptom of what broke the first.
pub(super) fn leading_failure(
    host: &HostStory,
    judged: &[Judged],
    bad: &[(usize, Verdict)],
) -> Option<(usize, Verdict)> {
    if let Some((broken, _)) = fall_back(host, judged, bad.iter().map(|(i, _)| *i)) {
        return bad.iter().copied().find(|(i, _)| *i == broken);
    }
    // A later attempt on the same way that came with credentials and met something else: then the challenge was only the
    // ordinary first step, and what came after it counts.
    let came_through = |(i, v): &&(usize, Verdict)| {
        let came = |j: &Judged| j.detail.credentials_sent || j.stage > Stage::Proxy;
        *v != Verdict::ProxyAuthRequired && judged.get(*i).is_some_and(came)
    };
    let last_through = bad.iter().filter(came_through).map(|(i, _)| *i).max();
    let answered = |(i, v): &(usize, Verdict)| *v == Verdict::ProxyAuthRequired && last_through > Some(*i);
    let leading = bad.iter().copied().filter(|b| !answered(b)).max_by_key(|(i, _)| {
        let stage = judged.get(*i).map(|j| j.stage);
        // Many a client has no IPv6 to the internet and goes on by IPv4: there the failure counts.
        let unconnected = stage == Some(Stage::Syn);
        let last_way = unconnected && host.attempts.get(*i).is_some_and(|a| a.peer.is_ipv4());
        (stage, last_way, std::cmp::Reverse(*i))
    })?;
    Some(seen_instead(host, judged, bad, leading).unwrap_or(leading))
}

/// Instead of a silence that the client did not wait for, since it began another connection at once: how that one was
/// seen to end, if it came as far. The end of the first may be missing in the capture.
fn seen_instead(
    host: &HostStory,
    judged: &[Judged],
    bad: &[(usize, Verdict)],
    (silent, verdict): (usize, Verdict),
) -> Option<(usize, Verdict)> {
    let (first, silence) = tried(host, judged, silent).filter(|_| verdict == Verdict::SilentAfterClientHello)?;
    let is_seen = |verdict| {
        matches!(verdict, Verdict::ResetAfterClientHello | Verdict::ClosedBeforeServerHello | Verdict::TlsAlert)
    };
    bad.iter().copied().filter(|(_, v)| is_seen(*v)).find(|(i, _)| {
        tried(host, judged, *i).is_some_and(|(next, seen)| {
            let since = next.start.time.since(first.start.time);
            let at_once = (0..SILENCE_NS).contains(&since) && may_be_one(first.client, next.client);
            at_once && seen.stage == silence.stage
        })
    })
}

/// Of these attempts, given in time order, the first that offered a current version, was broken, and was followed by one
/// with an old version only of what may be the same client; and the last such one.
pub fn fall_back(
    host: &HostStory,
    judged: &[Judged],
    attempts: impl Iterator<Item = usize> + Clone,
) -> Option<(usize, usize)> {
    let of = |i| tried(host, judged, i);
    // The last old hello of each client, and of each family.
    let mut old: HashMap<IpAddr, usize> = HashMap::new();
    let mut old_of_family: [Option<usize>; 2] = [None; 2];
    for i in attempts.clone() {
        if let Some((attempt, judged)) = of(i)
            && judged.verdict == Some(Verdict::TlsLegacy)
            && judged.detail.legacy_side == Some(Side::Client)
        {
            old.insert(attempt.client, i);
            if let Some(family) = old_of_family.get_mut(usize::from(attempt.client.is_ipv6())) {
                *family = Some(i);
            }
        }
    }
    attempts.filter_map(|i| Some((i, of(i)?))).find_map(|(i, (attempt, judged))| {
        let is_broken = matches!(
            judged.verdict?,
            Verdict::ResetAfterClientHello
                | Verdict::SilentAfterClientHello
                | Verdict::ClosedBeforeServerHello
                | Verdict::ResetMidHandshake
        );
        // What may be one machine: see `case::may_be_one`.
        let other_family = old_of_family.get(usize::from(!attempt.client.is_ipv6())).copied().flatten();
        let later = old.get(&attempt.client).copied().max(other_family)?;
        let is_later = of(later)?.0.began() > attempt.began();
        (is_broken && is_later).then_some((i, later))
    })
}
