//! When each client was heard.
//!
//! What enters: the case. What leaves: [`Presence`], the times with packets of every client. Guaranteed: n log n time.

use super::Case;
use crate::time::{Timestamp, join_ends};
use std::collections::HashMap;
use std::net::IpAddr;

/// When the clients of all captures were heard.
#[derive(Debug)]
pub struct Presence {
    /// By client and piece.
    spans: HashMap<(IpAddr, usize), Spans>,
    /// Client → from its first packet to its last, in all captures.
    whole: HashMap<IpAddr, (Timestamp, Timestamp)>,
}

/// Times with packets of a client: beginnings in time order, each with the latest end until then.
type Spans = Vec<(Timestamp, Timestamp)>;

impl Presence {
    /// Of the clients of all captures.
    pub fn of(case: &Case) -> Presence {
        let mut spans: HashMap<(IpAddr, usize), Spans> = HashMap::new();
        for (piece, capture) in case.captures() {
            let mut note = |client: IpAddr, first: Timestamp, last: Timestamp| {
                spans.entry((client, piece)).or_default().push((first, last));
            };
            for flow in &capture.flows {
                note(flow.ends.client.ip(), flow.first.time, flow.last.time);
                for (end, client) in flow.crowd.iter().flat_map(|crowd| crowd.members()) {
                    note(client, end, end);
                }
            }
            for message in capture.dns.iter().filter(|m| !m.response) {
                if let Some(src) = message.src {
                    note(src.ip(), message.at.time, message.at.time);
                }
            }
        }
        let mut whole: HashMap<IpAddr, (Timestamp, Timestamp)> = HashMap::new();
        for ((client, _), spans) in &mut spans {
            join_ends(spans);
            if let (Some((first, _)), Some((_, last))) = (spans.first(), spans.last()) {
                let (from, to) = whole.entry(*client).or_insert((*first, *last));
                (*from, *to) = ((*from).min(*first), (*to).max(*last));
            }
        }
        Presence { spans, whole }
    }

    /// Times with packets of a client in one piece, as `Spans`.
    pub fn spans(&self, client: IpAddr, piece: usize) -> &[(Timestamp, Timestamp)] {
        self.spans.get(&(client, piece)).map_or(&[], Vec::as_slice)
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
