//! How the sign-in went on around a failure: what was reached before it, and what after it.
//!
//! What enters: the hosts with their verdicts. What leaves: how much the failure of one of them explains that a sign-in
//! failed ([`Weight`]). A host that only some sign-ins need, or one of another cloud, stopped none that went on without
//! it; where the evidence leaves open whose the later traffic was, it is no more than a doubt.

use super::takes_part;
use crate::case::{Attempt, Case, HostStory, LookupResult, Role, Way, may_be_one};
use crate::facts::Crowd;
use crate::knowledge;
use crate::knowledge::endpoints::{Cloud, Role as EndpointRole};
use crate::knowledge::federation::Likeness;
use crate::time::Timestamp;
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Verdict};
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

/// When a host failed, and whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    client: IpAddr,
}

impl Failure {
    /// Of a host with a fault; where only a log tells of it, there is none.
    pub(super) fn of(host: &HostStory, verdict: &HostVerdict) -> Option<Failure> {
        let is_bad = |v: Option<Verdict>| v.is_some_and(Verdict::is_fault);
        let attempts = host.attempts.iter().zip(&verdict.judged).filter(|(_, j)| is_bad(j.verdict));
        let mut seen: Vec<(Timestamp, IpAddr)> = attempts.map(|(a, _)| (a.start.time, a.client)).collect();
        if matches!(verdict.verdict, Verdict::DnsFailure | Verdict::DnsSinkhole) {
            let failed = host.lookups.iter().filter(|l| {
                verdict.verdict == Verdict::DnsSinkhole || !matches!(l.result, LookupResult::Addresses { .. })
            });
            seen.extend(failed.flat_map(|l| l.asked.iter().map(|at| (at.time, l.client.ip()))));
        }
        let (last, client) = seen.iter().copied().max()?;
        let client = deciding(host, verdict).map_or(client, |a| a.client);
        Some(Failure { first: seen.iter().map(|(at, _)| *at).min()?, last, client })
    }
}

/// What the sign-in reached.
pub(super) struct Course<'a> {
    case: &'a Case,
    /// Connections that reached an authority by its name.
    authority: Vec<(Cloud, &'a Attempt)>,
    /// Those that reached a host which is asked with the token.
    beyond: Vec<(Cloud, EndpointRole, &'a Attempt)>,
}

impl<'a> Course<'a> {
    pub(super) fn of(case: &'a Case, hosts: &[(&'a HostStory, &'a HostVerdict)]) -> Course<'a> {
        let mut course = Course { case, authority: Vec::new(), beyond: Vec::new() };
        for (host, verdict) in hosts.iter().filter(|(h, _)| h.role == Role::Service) {
            let Some(endpoint) = host.endpoint else { continue };
            let reached = host.attempts.iter().zip(&verdict.judged).filter(|(_, j)| j.has_reached()).map(|(a, _)| a);
            if matches!(endpoint.role, EndpointRole::Authority | EndpointRole::AuthorityAlias) {
                course.authority.extend(reached.map(|a| (endpoint.cloud, a)));
            } else if endpoint.role.is_called_with_a_token() {
                course.beyond.extend(reached.map(|a| (endpoint.cloud, endpoint.role, a)));
            }
        }
        course
    }

    /// How much the failure of a host explains.
    pub(super) fn weight(&self, host: &HostStory, verdict: &HostVerdict) -> Weight {
        match Failure::of(host, verdict) {
            // What a log names, its command waited for.
            _ if host.in_log => Weight::Cause,
            None => Weight::Cause,
            Some(failure) if host.required == Some(true) => self.of_needed(host, failure),
            Some(failure) => self.of_conditional(host, failure),
        }
    }

    /// A host that every sign-in of its cloud needs.
    fn of_needed(&self, host: &HostStory, failure: Failure) -> Weight {
        let Some(endpoint) = host.endpoint else { return Weight::Cause };
        // Az reads the list of clouds from the public Resource Manager, and Windows and Office ask the public cloud,
        // wherever the command signs in; nobody asks a national cloud by accident.
        let national = |cloud: Cloud| !matches!(cloud, Cloud::Public | Cloud::Any);
        let authority = || self.authority.iter().filter(|(_, a)| self.is_of(a, failure.client));
        if !national(endpoint.cloud) && authority().any(|(cloud, _)| national(*cloud)) {
            let complete = self.beyond.iter().any(|(cloud, _, a)| national(*cloud) && self.is_of(a, failure.client));
            let own = authority().any(|(cloud, _)| !national(*cloud));
            match (own, complete) {
                (false, true) => return Weight::Harmless,
                (false, false) => return Weight::Doubt,
                (true, true) if endpoint.role == EndpointRole::ResourceManager => return Weight::Doubt,
                (true, _) => {}
            }
        }
        // Graph is asked by Office too; the commands ask it, or Resource Manager, once they have signed in.
        let managed = || {
            let mut manager = self.beyond.iter().filter(|(_, role, _)| *role == EndpointRole::ResourceManager);
            manager.any(|(.., a)| self.is_after(a, failure))
        };
        if endpoint.role == EndpointRole::Graph && self.authority_after(failure) && managed() {
            return Weight::Harmless;
        }
        Weight::Cause
    }

    /// A host that only some sign-ins need.
    fn of_conditional(&self, host: &HostStory, failure: Failure) -> Weight {
        let likeness = if host.endpoint.is_none() { knowledge::federation_likeness(&host.name) } else { None };
        let pages = |a: &Attempt| a.way != Way::Direct || FEDERATION_PORTS.contains(&a.peer.port());
        let is_web = host.attempts.iter().any(pages);
        if !takes_part(host) || likeness.is_some() && !is_web && !host.attempts.is_empty() {
            return Weight::Harmless;
        }
        // A guess proves nothing, even if nothing came after it.
        let sure = match likeness {
            Some(Likeness::Guess) => false,
            Some(Likeness::WebServer) => is_web,
            _ => true,
        };
        let role = host.endpoint.map(|e| e.role);
        let last = if sure { Weight::Cause } else { Weight::Doubt };
        let authority = || self.authority.iter().filter(|(_, a)| self.is_of(a, failure.client));
        let Some(entered) = authority().map(|(_, a)| a.start.time).min() else { return last };
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
        let beyond = self.beyond.iter().filter(|(.., a)| self.is_of(a, failure.client));
        let beyond = beyond.map(|(.., a)| self.case.began_last(a)).max();
        if beyond > Some(failure.last) {
            return Weight::Harmless;
        }
        if self.authority_after(failure) {
            // The authority names the federation server: nobody goes there before.
            let never_sent = host.endpoint.is_none() && failure.last < entered;
            return if aside || !sure || never_sent { Weight::Harmless } else { Weight::Doubt };
        }
        if let Some(signed_in) = beyond {
            // Whether another sign-in had begun since.
            let again = authority().any(|(_, a)| {
                let began = self.case.began_last(a);
                began > signed_in && began < failure.first
            });
            return if again && !aside { Weight::Doubt } else { Weight::Harmless };
        }
        let waited_for = role == Some(EndpointRole::DeviceAuthentication);
        if aside && !waited_for { Weight::Doubt } else { last }
    }

    fn authority_after(&self, failure: Failure) -> bool {
        self.authority.iter().any(|(_, a)| self.is_after(a, failure))
    }

    fn is_after(&self, attempt: &Attempt, failure: Failure) -> bool {
        self.case.began_last(attempt) > failure.last && self.is_of(attempt, failure.client)
    }

    /// Whether a connection, or one that went as it did, may be of that client.
    fn is_of(&self, attempt: &Attempt, client: IpAddr) -> bool {
        let mut crowd = self.case.crowd(attempt).into_iter().flat_map(Crowd::clients);
        may_be_one(attempt.client, client) || crowd.any(|other| may_be_one(other, client))
    }
}
