//! When a capture was running and what it saw, prepared once: silence is judged host by host, and a capture may hold a
//! million flows.
//!
//! What enters: the facts of one capture, and the attempts on its hosts. What leaves: answers to "until when was
//! anything seen after this?" and the like, each in a few steps.

use super::times::Times;
use super::{Attempt, HostStory, Way};
use crate::facts::{CaptureFacts, Crowd, FlowTransport, IcmpFact, TcpFacts};
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

/// Captures are cut, filtered and merged: only packets prove that one was running. Nothing later than this after the
/// last sign of life counts as waiting.
const WATCH_NS: i64 = 120 * NANOS_PER_SECOND;

/// What one capture saw.
#[derive(Debug, Default)]
pub struct Watch {
    /// Times at which packets were seen.
    seen: Times,
    one_directional: bool,
    /// Index of each ICMP error by the flow it quotes.
    icmp: BTreeMap<usize, Vec<usize>>,
    /// Index of the first drop inside Windows by its flow.
    drops: BTreeMap<usize, usize>,
    /// Clients and the ports on which nothing ever answered them.
    dead: HashSet<(IpAddr, u16)>,
    /// Names of which some look-ups are only counted, lower case.
    counted_names: HashSet<String>,
}

impl Watch {
    /// Prepares the answers about capture number `piece`.
    pub(super) fn new(piece: usize, capture: &CaptureFacts, hosts: &[HostStory]) -> Watch {
        let flows = capture.flows.iter().flat_map(|f| [f.first.time, f.last.time]);
        let counted = capture.crowds().map(Crowd::len).sum::<usize>();
        // Room for all at once: a capture may have millions, and growing it would take it twice.
        let mut seen = Vec::with_capacity(2 * capture.flows.len() + counted + capture.dns.len() + 1);
        seen.extend(flows.chain(capture.dns.iter().map(|m| m.at.time)).chain(capture.info.latest));
        seen.extend(capture.crowds().flat_map(Crowd::ends));
        let mut watch = Watch { seen: Times::of(seen), one_directional: one_directional(capture), ..Watch::default() };
        for (index, error) in capture.icmp.iter().enumerate() {
            if let Some(flow) = error.flow {
                watch.icmp.entry(flow).or_default().push(index);
            }
        }
        for (index, drop) in capture.drops.iter().enumerate() {
            if let Some(flow) = drop.flow {
                watch.drops.entry(flow).or_insert(index);
            }
        }
        let answers = capture.crowds().filter_map(|crowd| crowd.answer.as_deref());
        let names = answers.filter_map(|answer| answer.questions.first());
        watch.counted_names = names.map(|(name, _)| name.to_ascii_lowercase()).collect();
        watch.dead = dead(hosts.iter().flat_map(|h| &h.attempts).filter(|a| a.piece == piece), capture);
        watch
    }

    /// The last moment up to two minutes after `since` at which the capture shows any packet.
    pub fn until(&self, since: Timestamp) -> Timestamp {
        self.seen.last_until(since.plus(WATCH_NS)).filter(|t| *t >= since).unwrap_or(since)
    }

    /// Whether the capture holds only what one side sent: connections that must have had another side, and none with
    /// both. Such a capture proves no silence. Only TCP tells: DNS may take another way than the connections.
    pub fn is_one_directional(&self) -> bool {
        self.one_directional
    }

    /// The ICMP errors of `capture` that quote a flow, in frame order.
    pub fn icmp<'c>(&self, capture: &'c CaptureFacts, flow: usize) -> impl Iterator<Item = &'c IcmpFact> {
        self.icmp.get(&flow).into_iter().flatten().filter_map(|index| capture.icmp.get(*index))
    }

    /// Index of the first drop inside Windows that belongs to a flow.
    pub fn drop_of(&self, flow: usize) -> Option<usize> {
        self.drops.get(&flow).copied()
    }

    /// Whether some look-ups of `name` are only counted, so that it is not known which came last.
    pub fn counts_lookups_of(&self, name: &str) -> bool {
        self.counted_names.contains(&name.to_ascii_lowercase())
    }

    /// Whether every direct connection of `client` to `port` stayed without an answer, one at least for all its tries.
    pub fn is_dead(&self, client: IpAddr, port: u16) -> bool {
        self.dead.contains(&(client, port))
    }
}

fn one_directional(capture: &CaptureFacts) -> bool {
    let tcp = || capture.flows.iter().filter(|f| f.transport == FlowTransport::Tcp);
    !tcp().any(|f| f.sides.iter().all(|s| s.packets > 0)) && tcp().any(|f| f.tcp.as_ref().is_some_and(|t| t.one_sided))
}

fn dead<'a>(attempts: impl Iterator<Item = &'a Attempt>, capture: &CaptureFacts) -> HashSet<(IpAddr, u16)> {
    let unanswered = |t: &TcpFacts| t.syn_ack.is_none() && t.resets.is_empty() && !t.one_sided && !t.midstream;
    // Whether all are unanswered, and whether any was tried again.
    let mut ways: HashMap<(IpAddr, u16), (bool, bool)> = HashMap::new();
    for a in attempts.filter(|a| a.way == Way::Direct) {
        let flow = capture.flows.get(a.flow);
        let tcp = flow.and_then(|f| f.tcp.as_ref());
        for client in flow.and_then(|f| f.crowd.as_ref()).iter().flat_map(|c| c.clients()) {
            ways.insert((client, a.peer.port()), (false, false));
        }
        let (all, any) = ways.entry((a.client, a.peer.port())).or_insert((true, false));
        *all &= tcp.is_some_and(unanswered);
        *any |= tcp.is_some_and(|t| t.syn_tries().len() >= 2);
    }
    ways.into_iter().filter(|(_, (all, any))| *all && *any).map(|(way, _)| way).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watch_ends_with_the_last_packet_or_after_two_minutes() {
        let seen = Times::of([1, 5, 130].map(|s| Timestamp(s * NANOS_PER_SECOND)).into());
        let watch = Watch { seen, ..Watch::default() };
        let until = |s: i64| watch.until(Timestamp(s * NANOS_PER_SECOND)).0 / NANOS_PER_SECOND;
        assert_eq!((until(0), until(5), until(10), until(131)), (5, 5, 130, 131));
    }
}
