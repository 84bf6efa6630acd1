//! When a host last answered each of its clients.
//!
//! What enters: the attempts on a host that reached it. What leaves: whether an attempt that failed was followed by an
//! answer to what may be the same client. Guaranteed: a look-up for each failure, however many attempts there are.

use crate::case::{Attempt, Case};
use crate::time::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;

/// The last thing that the server of a host said to each client, and to each family of addresses, on connections that
/// worked. A farewell, to a client that closes or as an idle connection ends, says nothing.
#[derive(Default)]
pub(super) struct Answers {
    by_client: HashMap<IpAddr, Timestamp>,
    /// See [`may_be_one`](crate::case::may_be_one).
    by_family: [Option<Timestamp>; 2],
}

impl Answers {
    pub(super) fn of<'a>(case: &Case, good: impl Iterator<Item = &'a Attempt>) -> Answers {
        let mut answers = Answers::default();
        for attempt in good {
            let Some(at) = case.answered_until(attempt) else { continue };
            let of_client = answers.by_client.entry(attempt.client).or_insert(at);
            *of_client = (*of_client).max(at);
            if let Some(of_family) = answers.by_family.get_mut(usize::from(attempt.client.is_ipv6())) {
                *of_family = (*of_family).max(Some(at));
            }
        }
        answers
    }

    /// Whether what may be the same client was answered after `failed` was over.
    pub(super) fn came_after(&self, failed: &Attempt) -> bool {
        let other_family = self.by_family.get(usize::from(!failed.client.is_ipv6())).copied().flatten();
        self.by_client.get(&failed.client).copied().max(other_family) > Some(failed.end.time)
    }
}
