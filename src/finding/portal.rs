//! A captive portal that was met and never passed stands before everything that the client tries directly: its advice
//! comes first, whatever became of the connections.
//!
//! What enters: the verdicts of all hosts. What leaves: [`Standing`], for a host that failed on the same client.

use super::Context;
use crate::case::{Attempt, HostStory, Way, may_be_one};
use crate::knowledge;
use crate::lang::{Message, Text};
use crate::message;
use crate::packet::At;
use crate::time::Timestamp;
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Judged, Stage, Verdict, reached};
use std::collections::HashSet;
use std::net::IpAddr;

/// What to do about a portal.
pub(super) const ADVICE: Text = Text {
    en: "Open a browser on the client, finish the portal's login, then run the command again; or use another network.",
    ja: "端末でブラウザーを開いてポータルのログインを完了し、コマンドを再実行する。または別のネットワークを使う。",
};

/// A portal that stands before a host.
pub(super) struct Standing<'a> {
    /// The host in whose place it answered.
    host: &'a str,
    /// Where it did.
    at: At,
    /// Where it sent the client.
    location: Option<&'a str>,
}

impl<'a> Standing<'a> {
    /// The portal that stands before a host which its client did not reach.
    pub(super) fn of(context: &Context<'a>, host: &HostStory, v: &HostVerdict) -> Option<Standing<'a>> {
        let failed = v.verdict.is_fault() && v.verdict != Verdict::CaptivePortal && !v.detail.client_accepts;
        let (client, since) = if failed && !v.by_log { failure(host, v)? } else { return None };
        let met = |(portal, seen): (&'a HostStory, &'a HostVerdict)| {
            let attempt = deciding(portal, seen).filter(|a| a.way == Way::Direct && may_be_one(a.client, client))?;
            let location = seen.judged.get(seen.attempt?)?.detail.location.as_deref();
            let passed = passed(context, client, since.min(attempt.start.time))
                || left_behind(context, client, attempt.start.time, location);
            (!passed).then(|| Standing {
                host: &portal.name,
                at: seen.proof.last().map_or(attempt.start, |(.., proof)| proof.at),
                location,
            })
        };
        // Some answer every name with their own address.
        let is_portal =
            |seen: &HostVerdict| seen.verdict == Verdict::CaptivePortal || seen.also.contains(&Verdict::CaptivePortal);
        context.hosts().filter(|(_, seen)| is_portal(seen)).find_map(met)
    }

    /// The hosts in whose place a portal answered that stands before a host which the sign-in needs.
    pub(super) fn before_needed(context: &Context<'a>) -> HashSet<&'a str> {
        let needed = context.hosts().filter(|(host, _)| host.required == Some(true));
        needed.filter_map(|(host, v)| Some(Standing::of(context, host, v)?.host)).collect()
    }

    /// What is seen of it, for the detail of another finding.
    pub(super) fn tell(&self) -> Message {
        let (host, frame) = (self.host, self.at.frame);
        let to = self
            .location
            .map_or_else(Message::default, |to| message!(en: ", a redirect to {to}", ja: "、{to} への転送"));
        Message {
            en: format!(
                " A captive portal answers on this network in place of {host} (#{frame}{}), and nothing shows that it was passed: until then it stands before every connection.",
                to.en
            ),
            ja: format!(
                "このネットワークでは {host} の代わりにキャプティブ ポータルが応答しており (#{frame}{})、ログインが完了した形跡はない。完了するまで、すべての接続がポータルに遮られる。",
                to.ja
            ),
        }
    }
}

/// The advice on a failure behind a portal: the portal's first. A certificate of nobody known is the portal's then, and
/// nobody should come to trust it.
pub(super) fn first(v: &HostVerdict, advice: Message) -> Message {
    let (en, ja) = (ADVICE.en, ADVICE.ja);
    let product = v.detail.trust.as_ref().and_then(|trust| trust.vendor.as_deref());
    let known = product.is_some_and(|vendor| !vendor.starts_with("unknown"));
    match v.verdict {
        Verdict::Intercepted | Verdict::CertInvalid if !known => message!(
            en: "{en} Do not add the portal's certificate to any list of trusted ones (REQUESTS_CA_BUNDLE, the system's roots).",
            ja: "{ja}ポータルの証明書を信頼済みの一覧 (REQUESTS_CA_BUNDLE、システムのルート証明書) に追加してはならない。",
        ),
        _ => Message {
            en: format!("{en} If it fails in the same way after that: {}", advice.en),
            ja: format!("{ja}その後も同じように失敗する場合: {}", advice.ja),
        },
    }
}

/// The client of a failure without a proxy, and when it began.
fn failure(host: &HostStory, v: &HostVerdict) -> Option<(IpAddr, Timestamp)> {
    match deciding(host, v) {
        Some(attempt) => (attempt.way == Way::Direct).then_some((attempt.client, attempt.start.time)),
        None => {
            let lookup = host.lookups.first()?;
            Some((lookup.client.ip(), lookup.asked.first()?.time))
        }
    }
}

/// Whether the client reached, since then, a host of the sign-in or one by which systems look for a portal.
fn passed(context: &Context<'_>, client: IpAddr, since: Timestamp) -> bool {
    let telling = |h: &HostStory| h.required == Some(true) || knowledge::is_connectivity_probe(&h.name);
    let good = |a: &Attempt| a.start.time > since && a.way == Way::Direct && may_be_one(a.client, client);
    context.hosts().filter(|(h, _)| telling(h)).any(|(h, v)| reached(&h.attempts, &v.judged).any(good))
}

/// Whether the client came through to any host by TLS behind the portal's answer, but for the portal's own.
fn left_behind(context: &Context<'_>, client: IpAddr, since: Timestamp, location: Option<&str>) -> bool {
    let good = |(a, j): (&Attempt, &Judged)| {
        let complete = a.session.is_some() && j.stage == Stage::Complete && j.verdict.is_some_and(Verdict::is_good);
        complete && a.start.time > since && a.way == Way::Direct && may_be_one(a.client, client)
    };
    let mut others = context.hosts().filter(|(h, _)| !location.is_some_and(|location| is_of(&h.name, location)));
    others.any(|(h, v)| h.attempts.iter().zip(&v.judged).any(good))
}

/// Whether a name is of the domain of an address (`http://portal.hotel.example/login`).
fn is_of(name: &str, location: &str) -> bool {
    let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
    let own = rest.split(['/', ':', '?']).next().unwrap_or_default();
    let domain = own.split_once('.').map(|(_, domain)| domain).filter(|domain| domain.contains('.')).unwrap_or(own);
    let parent = name.strip_suffix(domain);
    name == own || parent.is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
}
