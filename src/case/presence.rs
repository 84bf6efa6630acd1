//! When each client was heard.
//!
//! What enters: the case. What leaves: [`Presence`], the times with packets of every client. Guaranteed: n log n time.

use super::Case;
use crate::facts::Crowd;
use crate::time::{Timestamp, join_ends};
use std::collections::HashMap;
use std::net::IpAddr;

/// When the clients of all captures were heard.
#[derive(Debug)]
pub struct Presence {
    /// By client and piece.
    heard: HashMap<(IpAddr, usize), Heard>,
    /// Client → from its first packet to its last, in all captures.
    whole: HashMap<IpAddr, (Timestamp, Timestamp)>,
}

/// When a client was heard in one capture.
#[derive(Debug, Default)]
pub struct Heard {
    /// From the first packet of a connection to its last: beginnings in time order, each with the latest end until then.
    stretches: Vec<(Timestamp, Timestamp)>,
    /// Ends of connections that are only counted, and questions, in time order: most of what there is, in half the room.
    moments: Vec<Timestamp>,
}

impl Heard {
    fn put_in_order(&mut self) {
        join_ends(&mut self.stretches);
        self.moments.sort_unstable();
        self.moments.dedup();
        self.moments.shrink_to_fit();
    }

    /// First packet, and last.
    pub fn ends(&self) -> Option<(Timestamp, Timestamp)> {
        let stretches =
            self.stretches.first().zip(self.stretches.last()).map(|((first, _), (_, last))| (*first, *last));
        let moments = self.moments.first().zip(self.moments.last()).map(|(first, last)| (*first, *last));
        stretches.into_iter().chain(moments).reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
    }

    /// Until when the client was heard by what began before a time.
    pub fn last_before(&self, time: Timestamp) -> Option<Timestamp> {
        let (stretches, moments) = self.begun_before(time);
        let stretch = stretches.checked_sub(1).and_then(|i| self.stretches.get(i)).map(|(_, end)| *end);
        let moment = moments.checked_sub(1).and_then(|i| self.moments.get(i)).copied();
        stretch.max(moment)
    }

    /// Whether anything of the client began at a time or later.
    pub fn is_heard_from(&self, time: Timestamp) -> bool {
        let (stretches, moments) = self.begun_before(time);
        stretches < self.stretches.len() || moments < self.moments.len()
    }

    fn begun_before(&self, time: Timestamp) -> (usize, usize) {
        (self.stretches.partition_point(|(began, _)| *began < time), self.moments.partition_point(|at| *at < time))
    }
}

impl Presence {
    /// Of the clients of all captures.
    pub fn of(case: &Case) -> Presence {
        let mut heard: HashMap<(IpAddr, usize), Heard> = HashMap::new();
        for (piece, capture) in case.captures() {
            for flow in &capture.flows {
                let stretch = (flow.first.time, flow.last.time);
                heard.entry((flow.ends.client.ip(), piece)).or_default().stretches.push(stretch);
            }
            let counted = capture.crowds().flat_map(Crowd::members);
            let questions = capture.dns.iter().filter(|m| !m.response);
            let questions = questions.filter_map(|m| Some((m.at.time, m.src?.ip())));
            for (at, client) in counted.chain(questions) {
                heard.entry((client, piece)).or_default().moments.push(at);
            }
        }
        let mut whole: HashMap<IpAddr, (Timestamp, Timestamp)> = HashMap::new();
        for ((client, _), heard) in &mut heard {
            heard.put_in_order();
            if let Some((first, last)) = heard.ends() {
                let (from, to) = whole.entry(*client).or_insert((first, last));
                (*from, *to) = ((*from).min(first), (*to).max(last));
            }
        }
        Presence { heard, whole }
    }

    /// When a client was heard in one piece.
    pub fn heard(&self, client: IpAddr, piece: usize) -> Option<&Heard> {
        self.heard.get(&(client, piece))
    }

    /// When the last of these clients was last heard.
    pub fn until(&self, clients: impl IntoIterator<Item = IpAddr>) -> Option<Timestamp> {
        clients.into_iter().filter_map(|client| self.whole.get(&client)).map(|(_, last)| *last).max()
    }

    /// Whether a client was heard at that time or before. One that was shared the time with who was heard then: it is
    /// another machine, or another adapter of one that has a way.
    pub fn was_heard_by(&self, client: IpAddr, time: Timestamp) -> bool {
        self.whole.get(&client).is_none_or(|(first, _)| *first < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_are_stretches_without_length(
            stretches in proptest::collection::vec((0i64..50, 0i64..20), 0..12),
            moments in proptest::collection::vec(0i64..70, 0..12),
            time in 0i64..75,
        ) {
            let stretches: Vec<_> = stretches.iter().map(|(at, len)| (Timestamp(*at), Timestamp(at + len))).collect();
            let moments: Vec<_> = moments.into_iter().map(Timestamp).collect();
            let mut heard = Heard { stretches: stretches.clone(), moments: moments.clone() };
            heard.put_in_order();
            let all: Vec<_> = stretches.into_iter().chain(moments.into_iter().map(|at| (at, at))).collect();
            let time = Timestamp(time);
            let first = all.iter().map(|(began, _)| *began).min();
            let last = all.iter().map(|(_, end)| *end).max();
            prop_assert_eq!(heard.ends(), first.zip(last));
            let before = all.iter().filter(|(began, _)| *began < time).map(|(_, end)| *end).max();
            prop_assert_eq!(heard.last_before(time), before);
            prop_assert_eq!(heard.is_heard_from(time), all.iter().any(|(began, _)| *began >= time));
        }
    }
}
