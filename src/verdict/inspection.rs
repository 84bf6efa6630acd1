//! TLS inspection that some programs trust and others refuse.
//!
//! What enters: the attempts of one way to a host with their judgements. What leaves: which of them went on with the
//! certificate of an inspecting device ([`Judged::goes_on_inspected`]), which ended for another reason ([`Programs::is_given_up`]),
//! and which programs refused it and never came through, or not again ([`Programs::doubted`]). Programs are told apart by
//! what their hellos offer: each brings its own list of authorities. (Those of one library offer the same.) Guaranteed:
//! linear in the attempts but for sorting.

use super::Verdict;
use super::host::distinct;
use super::leading::tried;
use super::scene::Judged;
use crate::case::{Attempt, Case, HostStory};
use crate::facts::{Program, TcpFacts};
use crate::flow::Side;
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// The programs that came through on a way.
pub(super) struct Programs<'a> {
    case: &'a Case,
    reached: HashMap<Program<'a>, Came>,
}

/// When a program was last answered on each connection that came through, in order.
#[derive(Default)]
struct Came {
    clients: HashMap<IpAddr, Vec<Timestamp>>,
    /// Of all clients with IPv4 addresses, and with IPv6.
    families: [Vec<Timestamp>; 2],
    /// When each client last began a connection on which it was shown a certificate of the host's own authorities.
    genuine: HashMap<IpAddr, Timestamp>,
}

impl<'a> Programs<'a> {
    /// Those of these attempts, which all came through.
    pub(super) fn of(case: &'a Case, host: &'a HostStory, judged: &[Judged], good: &[usize]) -> Programs<'a> {
        let mut reached: HashMap<Program<'a>, Came> = HashMap::new();
        for (attempt, seen) in good.iter().filter_map(|i| tried(host, judged, *i)) {
            let Some(program) = program(case, attempt) else { continue };
            let came = reached.entry(program).or_default();
            if seen.detail.trust.as_ref().is_some_and(|trust| !trust.is_foreign()) {
                let last = came.genuine.entry(attempt.client).or_insert(attempt.start.time);
                *last = attempt.start.time.max(*last);
            }
            for (client, _, until) in case.uses(attempt) {
                came.clients.entry(client).or_default().push(until);
                if let Some(family) = came.families.get_mut(usize::from(client.is_ipv6())) {
                    family.push(until);
                }
            }
        }
        for came in reached.values_mut() {
            came.clients.values_mut().chain(&mut came.families).for_each(|times| times.sort_unstable());
        }
        Programs { case, reached }
    }

    /// How often the program of an attempt, at what may be the same client (see [`crate::case::may_be_one`]), came
    /// through before it, and how often in all. `None` for a hello that cannot be read.
    fn successes(&self, attempt: &Attempt) -> Option<(usize, usize)> {
        let Some(came) = self.reached.get(&program(self.case, attempt)?) else { return Some((0, 0)) };
        let other_family = came.families.get(usize::from(!attempt.client.is_ipv6()));
        let times = || came.clients.get(&attempt.client).into_iter().chain(other_family);
        let before = times().map(|times| times.partition_point(|at| *at <= attempt.start.time)).sum();
        Some((before, times().map(Vec::len).sum()))
    }

    /// Whether the program of an attempt came through. Of a hello that cannot be read nobody knows.
    fn came_through(&self, attempt: &Attempt) -> bool {
        self.successes(attempt).is_none_or(|(_, all)| all > 0)
    }

    /// Whether the program of an attempt that refused the certificate came through after it, and nothing shows that it
    /// was by the host's own certificate: then it trusts the inspection by now, as far as can be told.
    pub(super) fn got_over(&self, attempt: &Attempt) -> bool {
        let genuine = || {
            let came = program(self.case, attempt).and_then(|program| self.reached.get(&program));
            came.and_then(|came| came.genuine.get(&attempt.client)).is_some_and(|at| *at > attempt.start.time)
        };
        self.successes(attempt).is_some_and(|(before, all)| all > before) && !genuine()
    }

    /// Whether the handshake with an inspecting device ended before its end for another reason than the certificate:
    /// the capture ends, or a program that trusts it did not need the connection.
    pub(super) fn is_given_up(&self, attempt: &Attempt, judged: &Judged) -> bool {
        let shown = judged.verdict == Some(Verdict::Intercepted) && judged.detail.trust.is_some();
        let Some(tcp) = self.case.flow(attempt).and_then(|f| f.tcp.as_ref()) else { return false };
        let unneeded = if ended(tcp, Side::Client).is_some() {
            self.came_through(attempt)
        } else {
            ended(tcp, Side::Server).is_none()
        };
        shown && !judged.goes_on_inspected() && judged.detail.alert.is_none() && unneeded
    }

    /// Of these failures the refusals of the certificate by programs that never came through.
    pub(super) fn refusals(&self, host: &HostStory, judged: &[Judged], bad: &[(usize, Verdict)]) -> Vec<usize> {
        let refused = |i: &usize| tried(host, judged, *i).is_some_and(|(attempt, _)| !self.came_through(attempt));
        bad.iter().filter(|(_, v)| *v == Verdict::Intercepted).map(|(i, _)| *i).filter(refused).collect()
    }

    /// Of the failures and the connections given up, in time order, those at the certificate that their program did not
    /// get over, though it came through at another time: it may be two programs of one library. Several refusals between
    /// two successes are such, one with an alert behind the last, and several given up one after another behind it.
    pub(super) fn doubted(
        &self,
        host: &HostStory,
        judged: &[Judged],
        bad: &[(usize, Verdict)],
        given_up: &[(usize, Verdict)],
    ) -> Vec<usize> {
        let mut doubted = Vec::new();
        let mut between: BTreeMap<_, Vec<(usize, &Attempt)>> = BTreeMap::new();
        for (i, _) in bad.iter().filter(|(_, v)| *v == Verdict::Intercepted) {
            let Some((attempt, seen)) = tried(host, judged, *i) else { continue };
            let Some((before @ 1.., all)) = self.successes(attempt) else { continue };
            if before == all && seen.detail.alert.is_some() {
                doubted.push(*i);
            } else {
                let key = (program(self.case, attempt), attempt.client, before);
                between.entry(key).or_default().push((*i, attempt));
            }
        }
        let several = between.into_values().filter(|own| distinct(self.case, own.iter().map(|(_, a)| *a)) > 1);
        doubted.extend(several.flatten().map(|(i, _)| i));
        let mut behind: BTreeMap<_, (usize, Timestamp, usize)> = BTreeMap::new();
        for (i, _) in given_up {
            let Some((attempt, _)) = tried(host, judged, *i) else { continue };
            let over = self.case.flow(attempt).and_then(|f| f.tcp.as_ref()).and_then(|tcp| ended(tcp, Side::Client));
            let last = self.successes(attempt).is_some_and(|(before, all)| before == all && all > 0);
            let Some(over) = over.filter(|_| last) else { continue };
            let key = (program(self.case, attempt), attempt.client);
            let (_, until, count) = behind.entry(key).or_insert((*i, attempt.start.time, 0));
            // Those of one moment are closed together when nobody needs them any more.
            if attempt.start.time >= *until {
                (*until, *count) = (over, count.saturating_add(1));
            }
        }
        doubted.extend(behind.into_values().filter(|(.., count)| *count > 1).map(|(first, ..)| first));
        doubted.sort_unstable();
        doubted
    }
}

/// When a side ended the connection.
fn ended(tcp: &TcpFacts, side: Side) -> Option<Timestamp> {
    let [client, server] = tcp.fins;
    let fin = if side == Side::Client { client } else { server };
    let resets = tcp.resets.iter().filter(|r| r.by == side).map(|r| r.at);
    resets.chain(fin).map(|at| at.time).min()
}

/// The program of an attempt. `None` for a hello that cannot be read.
pub(super) fn program<'a>(case: &'a Case, attempt: &Attempt) -> Option<Program<'a>> {
    Some(case.session(attempt)?.client_hellos.first()?.program())
}
