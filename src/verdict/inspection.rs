//! TLS inspection that some programs trust and others refuse.
//!
//! What enters: the attempts of one way to a host with their judgements. What leaves: which of them went on with the
//! certificate of an inspecting device ([`is_accepted`]), which ended for another reason ([`is_given_up`] by [`Programs`]),
//! and which programs refused it and never came through. Programs are told apart by what their hellos offer: each
//! brings its own list of authorities. Guaranteed: linear in the attempts.

use super::Verdict;
use super::leading::tried;
use super::scene::Judged;
use crate::case::{Attempt, Case, HostStory};
use crate::facts::Crowd;
use crate::flow::Side;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// Whether the client went on with the certificate of an inspecting device: as a way to the host this one works.
pub(super) fn is_accepted(judged: &Judged) -> bool {
    judged.verdict == Some(Verdict::Intercepted) && judged.detail.client_accepts
}

/// What a program offers in its hellos: protocols, cipher suites, highest version. (Extensions vary with what it
/// remembers of earlier sessions.)
type Program<'a> = (&'a [String], &'a [u16], u16);

/// The programs that came through on a way.
pub(super) struct Programs<'a> {
    case: &'a Case,
    /// Program → its clients, and whether some of them have IPv4 addresses, and some IPv6.
    reached: HashMap<Program<'a>, (HashSet<IpAddr>, [bool; 2])>,
}

impl<'a> Programs<'a> {
    pub(super) fn of(case: &'a Case, good: impl Iterator<Item = &'a Attempt>) -> Programs<'a> {
        let mut reached: HashMap<Program<'a>, (HashSet<IpAddr>, [bool; 2])> = HashMap::new();
        for attempt in good {
            let Some(program) = program(case, attempt) else { continue };
            let (clients, families) = reached.entry(program).or_default();
            let counted = case.crowd(attempt).into_iter().flat_map(Crowd::clients);
            for client in std::iter::once(attempt.client).chain(counted) {
                clients.insert(client);
                if let Some(family) = families.get_mut(usize::from(client.is_ipv6())) {
                    *family = true;
                }
            }
        }
        Programs { case, reached }
    }

    /// Whether the program of an attempt, at what may be the same client (see [`crate::case::may_be_one`]), came through.
    /// Of a hello that cannot be read nobody knows.
    fn came_through(&self, attempt: &Attempt) -> bool {
        program(self.case, attempt).is_none_or(|program| {
            self.reached.get(&program).is_some_and(|(clients, families)| {
                let other_family = families.get(usize::from(!attempt.client.is_ipv6())).copied().unwrap_or(false);
                other_family || clients.contains(&attempt.client)
            })
        })
    }

    /// Whether the handshake with an inspecting device ended before its end for another reason than the certificate:
    /// the capture ends, or a program that trusts it did not need the connection.
    pub(super) fn is_given_up(&self, attempt: &Attempt, judged: &Judged) -> bool {
        let shown = judged.verdict == Some(Verdict::Intercepted) && judged.detail.trust.is_some();
        let Some(tcp) = self.case.flow(attempt).and_then(|f| f.tcp.as_ref()) else { return false };
        let client_ended =
            tcp.fins.first().is_some_and(Option::is_some) || tcp.resets.iter().any(|r| r.by == Side::Client);
        let server_ended =
            tcp.fins.get(1).is_some_and(Option::is_some) || tcp.resets.iter().any(|r| r.by == Side::Server);
        let unneeded = if client_ended { self.came_through(attempt) } else { !server_ended };
        shown && !is_accepted(judged) && judged.detail.alert.is_none() && unneeded
    }

    /// Of these failures the refusals of the certificate by programs that never came through.
    pub(super) fn refusals(&self, host: &HostStory, judged: &[Judged], bad: &[(usize, Verdict)]) -> Vec<usize> {
        let refused = |i: &usize| tried(host, judged, *i).is_some_and(|(attempt, _)| !self.came_through(attempt));
        bad.iter().filter(|(_, v)| *v == Verdict::Intercepted).map(|(i, _)| *i).filter(refused).collect()
    }
}

fn program<'a>(case: &'a Case, attempt: &Attempt) -> Option<Program<'a>> {
    let session = case.flow(attempt)?.app.tls.get(attempt.session?)?;
    let hello = session.client_hellos.first()?;
    Some((hello.offer.alpn.as_slice(), hello.offer.cipher_suites.as_slice(), hello.max_version()))
}
