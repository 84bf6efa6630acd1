//! How the sign-in went on around a failure: what was reached before it, and what after it.
//!
//! What enters: the hosts with their verdicts. What leaves: how much the failure of one of them explains that a sign-in
//! failed ([`Weight`]). A host that only some sign-ins need, or one of another cloud, stopped none that went on without
//! it. Going on is: Resource Manager, which no other program asks, after the failure; Graph, which Office asks too, only
//! together with the authority. Whatever else came later may be another program's: the failure is then a doubt.

use super::takes_part;
use crate::case::{Attempt, Case, HostStory, LookupResult, Moment, Role, Way, may_be_one};
use crate::knowledge;
use crate::knowledge::endpoints::{Cloud, Role as EndpointRole};
use crate::knowledge::federation::Likeness;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use crate::verdict::host::deciding;
use crate::verdict::scene::{Judged, Stage};
use crate::verdict::{HostVerdict, Verdict, agents, reached};
use std::net::IpAddr;

/// How much a failed host explains that a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It stopped the sign-in.
    Cause,
    /// Whether it did, the evidence does not tell.
    Doubt,
    /// The sign-in went on without it.
    Harmless,
}

/// The ports of federation servers: pages, and sign-in by certificate at AD FS.
const FEDERATION_PORTS: [u16; 2] = [443, 49_443];
/// Below these are services that show no pages, but on one port.
const SYSTEM_PORTS_END: u16 = 1024;
const HTTP: u16 = 80;
const REMOTE_DESKTOP: u16 = 3389;

/// Who comes back to the authority within this time of a failure did not wait for what failed.
const AT_ONCE_NS: i64 = 3 * NANOS_PER_SECOND;

/// Whether a federation server of another make may show its pages there (PingFederate: 9031, Keycloak: 8443).
fn may_show_pages(port: u16) -> bool {
    port == HTTP || port >= SYSTEM_PORTS_END && port != REMOTE_DESKTOP
}

/// When a host failed, and whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) first: Moment,
    pub(super) last: Moment,
    /// The last frame of what failed.
    end: Timestamp,
    client: IpAddr,
}

impl Failure {
    /// Of a host with a fault; where only a log tells of it, there is none.
    pub(super) fn of(host: &HostStory, verdict: &HostVerdict) -> Option<Failure> {
        let is_bad = |v: Option<Verdict>| v.is_some_and(Verdict::is_fault);
        let attempts = || host.attempts.iter().zip(&verdict.judged).filter(|(_, j)| is_bad(j.verdict));
        let mut seen: Vec<(Moment, IpAddr)> = attempts().map(|(a, _)| (a.began(), a.client)).collect();
        if matches!(verdict.verdict, Verdict::DnsFailure | Verdict::DnsSinkhole) {
            let failed = host.lookups.iter().filter(|l| {
                verdict.verdict == Verdict::DnsSinkhole || !matches!(l.result, LookupResult::Addresses { .. })
            });
            seen.extend(failed.flat_map(|l| l.asked.iter().map(|at| (Moment::new(l.piece, *at), l.client.ip()))));
        }
        let (last, client) = seen.iter().copied().max()?;
        let client = deciding(host, verdict).map_or(client, |a| a.client);
        let end = attempts().map(|(a, _)| a.end.time).fold(last.time, Timestamp::max);
        Some(Failure { first: seen.iter().map(|(at, _)| *at).min()?, last, end, client })
    }
}

/// Whether a host completed a handshake with an old version. Entra and Microsoft's other services refuse such a client behind
/// the handshake (AADSTS1002016); a server of the organisation's own that agreed to the version goes on to serve it.
fn is_used_with_old_tls(host: &HostStory, verdict: &HostVerdict) -> bool {
    let is_complete =
        || verdict.attempt.and_then(|i| verdict.judged.get(i)).is_some_and(|j| j.stage == Stage::Complete);
    let is_own = host.endpoint.is_none() && host.address().is_none() && !knowledge::is_microsoft_host(&host.name);
    verdict.verdict == Verdict::TlsLegacy && is_own && is_complete()
}

/// What the sign-in reached.
pub(super) struct Course<'a> {
    case: &'a Case,
    /// Connections that reached an authority by its name.
    authority: Vec<(Cloud, &'a Attempt)>,
    /// Those that reached a host which is asked with the token.
    beyond: Vec<(Cloud, EndpointRole, &'a Attempt)>,
    /// The hosts with the files of the sign-in page.
    pages: Vec<(&'a HostStory, &'a HostVerdict)>,
}

impl<'a> Course<'a> {
    pub(super) fn of(case: &'a Case, hosts: &[(&'a HostStory, &'a HostVerdict)]) -> Course<'a> {
        let mut course = Course { case, authority: Vec::new(), beyond: Vec::new(), pages: Vec::new() };
        for (host, verdict) in hosts.iter().filter(|(h, _)| h.role == Role::Service) {
            let Some(endpoint) = host.endpoint else { continue };
            // Behind a handshake with an old version these refuse their service.
            let served = |(_, j): &(&Attempt, &Judged)| j.has_reached() && j.verdict != Some(Verdict::TlsLegacy);
            let reached = host.attempts.iter().zip(&verdict.judged).filter(served).map(|(attempt, _)| attempt);
            if endpoint.role.is_authority() {
                course.authority.extend(reached.map(|a| (endpoint.cloud, a)));
            } else if endpoint.role.is_called_with_a_token() {
                course.beyond.extend(reached.map(|a| (endpoint.cloud, endpoint.role, a)));
            } else if endpoint.role == EndpointRole::SignInPage {
                course.pages.push((*host, *verdict));
            }
        }
        course
    }

    /// How much the failure of a host explains.
    pub(super) fn weight(&self, host: &HostStory, verdict: &HostVerdict) -> Weight {
        let failure = Failure::of(host, verdict);
        let weight = match failure {
            // Only a log tells of it.
            None => Weight::Cause,
            // What a log names, its command waited for.
            _ if host.in_log => Weight::Cause,
            Some(failure) if agents::is_of_another_program(self.case, host, verdict) => {
                self.of_other_program(host, verdict, failure)
            }
            Some(failure) if host.required == Some(true) => self.of_needed(host, failure),
            Some(failure) => self.of_conditional(host, verdict, failure),
        };
        let went_on = || failure.is_some_and(|failure| self.went_on_with_current_tls(host, verdict, failure));
        let open = || is_used_with_old_tls(host, verdict) || went_on();
        if weight == Weight::Cause && open() { Weight::Doubt } else { weight }
    }

    /// Whether the client of an old version reached the host with a current one as well, and a sign-in of that client went
    /// on to where it is asked for with the token: which of its programs the old version is of, nobody can tell.
    fn went_on_with_current_tls(&self, host: &HostStory, verdict: &HostVerdict, failure: Failure) -> bool {
        if verdict.verdict != Verdict::TlsLegacy {
            return false;
        }
        let good = |(_, j): &(&Attempt, &Judged)| j.verdict.is_some_and(Verdict::is_good);
        let mut current = host.attempts.iter().zip(&verdict.judged).filter(good);
        let managed = self.went_beyond(failure, |_, role| role == EndpointRole::ResourceManager);
        let called = self.went_beyond(failure, |_, _| true);
        let went_on = managed > Some(failure.last) || called > Some(failure.last) && self.authority_after(failure);
        went_on && current.any(|(a, _)| self.is_of(a, failure.client))
    }

    /// A host at which a program was refused that is none of those that came through to it: the command, or a service of the
    /// machine that asks all day long.
    fn of_other_program(&self, host: &HostStory, verdict: &HostVerdict, failure: Failure) -> Weight {
        let managed = self.went_beyond(failure, |_, role| role == EndpointRole::ResourceManager);
        if managed > Some(failure.last) {
            Weight::Harmless
        } else if managed.is_some() || self.authority_after(failure) {
            Weight::Doubt
        } else if host.required == Some(true) {
            self.of_needed(host, failure)
        } else {
            self.of_conditional(host, verdict, failure)
        }
    }

    /// A host that every sign-in of its cloud needs.
    fn of_needed(&self, host: &HostStory, failure: Failure) -> Weight {
        let Some(endpoint) = host.endpoint else { return Weight::Cause };
        // Az reads the list of clouds from the public Resource Manager, and Windows and Office ask the public cloud,
        // wherever the command signs in; nobody asks a national cloud by accident.
        let national = |cloud: Cloud| !matches!(cloud, Cloud::Public | Cloud::Any);
        let authority = || self.authority.iter().filter(|(_, a)| self.is_of(a, failure.client));
        let is_manager = endpoint.role == EndpointRole::ResourceManager;
        if !national(endpoint.cloud) && authority().any(|(cloud, _)| national(*cloud)) {
            let own = authority().any(|(cloud, _)| !national(*cloud));
            let managed =
                self.went_beyond(failure, |cloud, role| national(cloud) && role == EndpointRole::ResourceManager);
            let called = self.went_beyond(failure, |cloud, _| national(cloud));
            let later = |at: Option<Moment>| at > Some(failure.last);
            let again = || authority().any(|(cloud, a)| national(*cloud) && self.is_after(a, failure));
            // Office signs in to a national cloud too, and calls Graph there: what it did before says nothing of the
            // command, and nothing that it does makes good an authority that the command may have waited for.
            let is_asked_aside = !is_manager && !endpoint.role.is_authority();
            let went_on = later(managed) || later(called) && !own && is_asked_aside && again();
            if went_on {
                return if own && (is_manager || again()) { Weight::Doubt } else { Weight::Harmless };
            }
            if !own || is_manager && managed.is_some() || !is_manager && later(called) {
                return Weight::Doubt;
            }
        }
        // Graph is asked by Office too; the commands ask it, or Resource Manager, once they have signed in. Who had been
        // at the authority before may have been another command, which waited for Graph.
        let managed = |_, role| role == EndpointRole::ResourceManager;
        let managed = || self.went_beyond(failure, managed) > Some(failure.last);
        if endpoint.role == EndpointRole::Graph && self.authority_after(failure) && managed() {
            let entered = authority().any(|(_, a)| a.began() < failure.first);
            return if entered { Weight::Doubt } else { Weight::Harmless };
        }
        Weight::Cause
    }

    /// A host that only some sign-ins need.
    fn of_conditional(&self, host: &HostStory, verdict: &HostVerdict, failure: Failure) -> Weight {
        let likeness = if host.endpoint.is_none() { knowledge::federation_likeness(&host.name) } else { None };
        let pages = |a: &Attempt| a.way != Way::Direct || FEDERATION_PORTS.contains(&a.peer.port());
        let is_web = host.attempts.iter().any(pages);
        let elsewhere = likeness.is_some() && !is_web && !host.attempts.is_empty();
        let authority = || self.authority.iter().filter(|(_, a)| self.is_of(a, failure.client));
        let entered = authority().map(|(_, a)| a.began()).min();
        // On another port a name alone says less; a guess is then one only where the authority may have sent there.
        let may_be_asked = || match likeness {
            Some(Likeness::WebServer) => false,
            Some(Likeness::Guess) if entered.is_none_or(|entered| entered > failure.first) => false,
            _ => host.attempts.iter().any(|a| may_show_pages(a.peer.port())),
        };
        if !takes_part(host) || elsewhere && !may_be_asked() {
            return Weight::Harmless;
        }
        // A guess proves nothing, even if nothing came after it.
        let sure = match likeness {
            Some(Likeness::Guess) => false,
            Some(Likeness::WebServer) => is_web,
            _ => !elsewhere,
        };
        let role = host.endpoint.map(|e| e.role);
        let last = if sure { Weight::Cause } else { Weight::Doubt };
        let Some(entered) = entered else { return last };
        // Windows, Office and the tools of other clouds ask these beside any sign-in, which goes on without them.
        let aside = matches!(
            role,
            Some(
                EndpointRole::AuthorityAlias
                    | EndpointRole::SeamlessSso
                    | EndpointRole::DeviceAuthentication
                    | EndpointRole::DeviceRegistration
                    | EndpointRole::MicrosoftAccount
                    | EndpointRole::ManagedIdentity
                    | EndpointRole::GraphLegacy
            )
        );
        let beyond = self.went_beyond(failure, |_, _| true);
        let managed = self.went_beyond(failure, |_, role| role == EndpointRole::ResourceManager);
        let entered_again = self.authority_after(failure);
        if managed > Some(failure.last) {
            return Weight::Harmless;
        }
        // A call of Graph that the authority does not precede may be Office's.
        if beyond > Some(failure.last) {
            return if aside || entered_again { Weight::Harmless } else { Weight::Doubt };
        }
        if entered_again {
            // The authority names the federation server: nobody goes there before.
            let never_sent = failure.last < entered && (aside || host.endpoint.is_none());
            // A sign-in may wait for these; a later one may be any program's.
            let may_wait = matches!(
                role,
                Some(
                    EndpointRole::MicrosoftAccount | EndpointRole::DeviceAuthentication | EndpointRole::ManagedIdentity
                )
            );
            let may_wait = may_wait && !self.is_left_at_once(verdict, failure);
            // Nor did a person with a code in hand give up who tries its page again while the program asks for the token.
            let asked_meanwhile = || authority().any(|(_, a)| a.began() > failure.first && a.began() < failure.last);
            let may_wait =
                may_wait || role == Some(EndpointRole::AuthorityAlias) && beyond.is_none() && asked_meanwhile();
            return if never_sent || aside && !may_wait {
                Weight::Harmless
            } else if role == Some(EndpointRole::SignInPage) && self.is_page_gone(host, failure) {
                Weight::Cause
            } else {
                Weight::Doubt
            };
        }
        if let Some(signed_in) = beyond {
            // Whether another sign-in had begun since.
            let again = authority().any(|(_, a)| {
                let began = self.case.began_last(a);
                began > signed_in && began < failure.first
            });
            // Graph alone may have been asked by another program.
            let is_open = again || managed.is_none();
            return if is_open && !aside { Weight::Doubt } else { Weight::Harmless };
        }
        let waited_for = role == Some(EndpointRole::DeviceAuthentication);
        if aside && !waited_for { Weight::Doubt } else { last }
    }

    /// When the last connection began that called, with a token, a host of that kind.
    fn went_beyond(&self, failure: Failure, kind: impl Fn(Cloud, EndpointRole) -> bool) -> Option<Moment> {
        let calls = self.beyond.iter().filter(|(cloud, role, a)| kind(*cloud, *role) && self.is_of(a, failure.client));
        calls.map(|(.., a)| self.case.began_last(a)).max()
    }

    /// Whether the client came back to the authority as soon as it saw the failure, which it does not see in silence; who
    /// asks all along (for the token of a device code, say) comes back for another reason.
    fn is_left_at_once(&self, verdict: &HostVerdict, failure: Failure) -> bool {
        let is_silent = matches!(
            verdict.verdict,
            Verdict::SynNoAnswer | Verdict::SilentAfterClientHello | Verdict::StalledMidHandshake
        );
        let mut own = self.authority.iter().filter(|(_, a)| self.is_of(a, failure.client)).map(|(_, a)| a.began());
        let soon = failure.end.plus(AT_ONCE_NS);
        let meanwhile = own.clone().any(|began| began > failure.first && began <= failure.last);
        !is_silent && !meanwhile && own.any(|began| began > failure.last && began.time <= soon)
    }

    /// Whether the page, which asks a second host for what the first does not give, got its files from none.
    fn is_page_gone(&self, host: &HostStory, failure: Failure) -> bool {
        let reached = |(h, v): &(&'a HostStory, &'a HostVerdict)| {
            reached(&h.attempts, &v.judged).any(|a| self.is_of(a, failure.client))
        };
        let failed = |(h, v): &(&'a HostStory, &'a HostVerdict)| {
            let other = Failure::of(h, v).filter(|_| v.verdict.is_fault() && h.name != host.name);
            other.is_some_and(|other| may_be_one(other.client, failure.client))
        };
        self.pages.iter().any(failed) && !self.pages.iter().any(reached)
    }

    fn authority_after(&self, failure: Failure) -> bool {
        self.authority.iter().any(|(_, a)| self.is_after(a, failure))
    }

    fn is_after(&self, attempt: &Attempt, failure: Failure) -> bool {
        self.case.began_last(attempt) > failure.last && self.is_of(attempt, failure.client)
    }

    /// Whether a connection, or one that went as it did, may be of that client.
    fn is_of(&self, attempt: &Attempt, client: IpAddr) -> bool {
        self.case.clients_of(attempt).any(|other| may_be_one(other, client))
    }
}
