//! What is still open when the capture ends: a client that has another address to try, or another connection under way.
//!
//! What enters: the attempts of a host with their judgements. What leaves: the attempt whose end nobody saw, and judgements
//! that are taken back. Guaranteed: a client that shows that it gave up, or was left to wait for long, has failed.

use super::leading::tried;
use super::scene::{ANOTHER_TRY_NS, Judged, Proof, Stage};
use super::{Confidence, Verdict};
use crate::case::{Attempt, Case, HostStory, Way, may_be_one};
use crate::facts::TcpFacts;
use crate::message;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::net::IpAddr;

/// Silence that proves an address dead, whatever else the client could try: three SYNs sent again by the clock (after 1, 2
/// and 4 s on Linux and Windows) and lost as well.
const PATIENCE_NS: i64 = 7 * NANOS_PER_SECOND;

/// How late a SYN may be that is sent again by the clock.
const SYN_LATE_NS: i64 = NANOS_PER_SECOND;

/// So long is no refusal, be it a proxy's, but the first flight of a server with its certificate.
const FLIGHT_BYTES_MIN: u64 = 1_000;

/// Takes silence back as a verdict where the capture ends while the client still tries the first address that it was given,
/// and has others left: the next may have answered.
pub(super) fn leave_untried(case: &Case, host: &HostStory, known: &[IpAddr], judged: &mut [Judged]) {
    let silent = |j: &Judged| j.verdict == Some(Verdict::SynNoAnswer) && j.confidence == Confidence::Observed;
    let open: Vec<usize> = (0..judged.len())
        .filter(|i| {
            tried(host, judged, *i).is_some_and(|(attempt, j)| {
                silent(j) && attempt.way == Way::Direct && may_try_another(case, host, judged, known, attempt)
            })
        })
        .collect();
    for i in open {
        let Some((judged, attempt)) = judged.get_mut(i).zip(host.attempts.get(i)) else { continue };
        let mut proof = std::mem::take(&mut judged.proof);
        let text = message!(
            en: "the capture ends while the client still tries {}; it was given other addresses, which it has not tried yet",
            ja: "クライアントが {} への接続を試行している途中でキャプチャが終了。他のアドレスも得ているが、まだ試行していない",
            attempt.peer.ip()
        );
        proof.push(Proof::new(attempt.end, text));
        *judged = Judged { detail: judged.detail.clone(), ..Judged::undecided(judged.stage, proof) };
    }
}

/// Whether the client of an unanswered attempt has addresses left, and nothing shows that it gave up.
fn may_try_another(case: &Case, host: &HostStory, judged: &[Judged], known: &[IpAddr], attempt: &Attempt) -> bool {
    let of_client = |a: &Attempt| a.way == Way::Direct && may_be_one(a.client, attempt.client);
    // Whoever got an answer from another address has tried it; and where the host was reached before, silence since then
    // is what changed.
    if host.attempts.iter().zip(judged).any(|(a, j)| of_client(a) && j.stage > Stage::Syn || j.has_reached()) {
        return false;
    }
    let own: Vec<&Attempt> = host.attempts.iter().filter(|a| of_client(a)).collect();
    let is_tried = |address: &IpAddr| own.iter().any(|a| a.peer.ip() == *address);
    let tried_v4 = own.iter().any(|a| a.peer.is_ipv4());
    let of_family = |v6: bool| known.iter().filter(move |a| a.is_ipv6() == v6);
    let untried = |v6| of_family(v6).any(|a| !is_tried(a));
    // IPv6 comes first where there is any (RFC 6724 2.1): who tried IPv4 has none left. Of one family, a second address
    // that is dead as well makes the others no better.
    let others = if tried_v4 {
        untried(false) && of_family(false).filter(|a| is_tried(a)).count() == 1
    } else {
        untried(false) || untried(true) && of_family(true).filter(|a| is_tried(a)).count() == 1
    };
    let Some(first) = own.iter().map(|a| a.start.time).min() else { return false };
    let Some(last) = own.iter().max_by_key(|a| (a.start.time, a.flow)) else { return false };
    let again = own.iter().any(|a| a.peer == last.peer && a.start.time < last.start.time);
    let watched = (0..case.pieces.len()).filter_map(|piece| Some(case.watch(piece)?.until(last.end.time))).max();
    let until = watched.unwrap_or(last.end.time).max(last.end.time);
    let still_tries = case.flow(last).and_then(|f| f.tcp.as_ref()).is_some_and(|tcp| is_trying(tcp, until));
    others && !again && until.since(first) < PATIENCE_NS && still_tries
}

/// Whether at that time another SYN of the connection is not overdue: each waits as long as the one before, or twice as
/// long.
fn is_trying(tcp: &TcpFacts, until: Timestamp) -> bool {
    let tries = tcp.syn_tries();
    let [.., before, last] = tries.as_slice() else { return false };
    let wait = last.time.since(before.time).saturating_mul(2).saturating_add(SYN_LATE_NS);
    until.since(last.time) < wait
}

/// An attempt that came farther than a failed one before it, but of which the capture misses the end, or ends first: what
/// failed before it may have cost time only. So may what failed before a handshake that the client left without a request,
/// where nothing failed any more.
pub(super) fn came_farther_unseen(
    case: &Case,
    host: &HostStory,
    judged: &[Judged],
    members: &[usize],
    failed: usize,
) -> Option<usize> {
    let of = |i| tried(host, judged, i);
    let (before, failure) = of(failed)?;
    let missed = |a: &Attempt| case.flow(a).is_some_and(|f| f.sides.iter().any(|s| s.missed_bytes > 0));
    // Of an answer that is not in the capture the numbers tell how long it was.
    let answered = |a: &Attempt| {
        let said = case.flow(a).and_then(|f| f.sides.get(1)).map_or(0, |s| s.bytes.saturating_add(s.missed_bytes));
        failure.stage <= Stage::ClientHello && said >= FLIGHT_BYTES_MIN
    };
    let faults = members.iter().filter_map(|i| of(*i)).filter(|(_, j)| j.verdict.is_some_and(Verdict::is_fault));
    let last_fault = faults.map(|(a, _)| a.began()).max();
    let is_left = |a: &Attempt, j: &Judged| {
        j.detail.left.is_some() && Some(a.began()) > last_fault && may_be_one(before.client, a.client)
    };
    members.iter().copied().find(|i| {
        of(*i).is_some_and(|(a, j)| {
            let undecided = j.verdict == Some(Verdict::Inconclusive);
            let unseen = undecided && missed(a);
            let farther = j.stage > failure.stage || unseen && answered(a);
            let unseen = unseen || undecided && is_left(a, j);
            let open = || unseen || j.verdict.is_none_or(|_| undecided) && is_under_way(case, before, a);
            farther && a.began() > before.began() && open()
        })
    })
}

/// Whether a connection of the client that failed goes on as far as the capture shows: nobody ended it, and it was not
/// left idle for long.
fn is_under_way(case: &Case, failed: &Attempt, attempt: &Attempt) -> bool {
    let Some(tcp) = case.flow(attempt).and_then(|f| f.tcp.as_ref()) else { return false };
    let ended = tcp.fins.iter().any(Option::is_some) || !tcp.resets.is_empty();
    let end = attempt.end.time;
    let idle = case.watch(attempt.piece).map_or(0, |watch| watch.until(end).since(end));
    !ended && idle < ANOTHER_TRY_NS && may_be_one(failed.client, attempt.client)
}
