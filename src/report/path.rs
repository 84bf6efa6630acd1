//! Hosts and verdicts → the way from the client to the hosts, for the picture.
//!
//! What enters: the case, its verdicts, and the hosts in the report's order. What leaves: stations and links; the
//! first node is the client, every host that is drawn has a link that ends at it, and the link on which the way broke
//! carries the verdict. Hosts beyond `HOSTS_SHOWN` are one station that counts them.

use super::{HostReport, PathLink, PathNode, PathNodeKind, PathReport};
use crate::case::{Attempt, HostStory, Role, Way};
use crate::finding::Context;
use crate::lang::Message;
use crate::message;
use crate::verdict::breaker::BreakerKind;
use crate::verdict::{Detail, HostVerdict, Judged, Verdict};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Hosts drawn one by one: more do not fit a page beside their answer.
const HOSTS_SHOWN: usize = 10;

/// Addresses of the client and resolvers written on a station.
const ADDRESSES_SHOWN: usize = 3;

/// The way to the first hosts of the report.
pub fn draw(context: &Context<'_>, hosts: &[HostReport]) -> PathReport {
    let mut p = Drawing { path: PathReport::default() };
    let mut stories: Vec<(&HostStory, &HostVerdict)> = Vec::new();
    let mut left_out = Vec::new();
    for host in hosts {
        let Some(found) = context.host(&host.name) else { continue };
        if host.role == Role::Proxy {
            stories.insert(stories.iter().take_while(|(s, _)| s.role == Role::Proxy).count(), found);
        } else if stories.len() < HOSTS_SHOWN && host.role == Role::Service
            || stories.len() < HOSTS_SHOWN / 2 && host.verdict.is_fault()
        {
            stories.push(found);
        } else {
            left_out.push(host.verdict);
        }
    }
    if stories.is_empty() {
        // Nothing of the sign-in: show what there is.
        stories = context.hosts().take(HOSTS_SHOWN).collect();
        left_out = context.hosts().skip(HOSTS_SHOWN).map(|(_, v)| v.verdict).collect();
    }
    if stories.is_empty() {
        return p.path;
    }
    let client = p.client(context, &stories);
    p.resolvers(client, &stories);
    for (story, verdict) in &stories {
        p.host(context, client, story, verdict);
    }
    if !left_out.is_empty() {
        let n = left_out.len();
        let bad = left_out.iter().filter(|v| v.is_fault()).count();
        let detail = if bad == 0 { String::new() } else { format!("✕ {bad}") };
        let node = p.node(PathNodeKind::Host, format!("+ {n}"), detail);
        p.link(client, node, Verdict::Ok, message!(en: "{n} other hosts", ja: "他のホスト {n} 件"));
    }
    p.path
}

struct Drawing {
    path: PathReport,
}

impl Drawing {
    fn node(&mut self, kind: PathNodeKind, label: String, detail: String) -> usize {
        let same = |n: &PathNode| n.kind == kind && n.label == label && n.detail == detail;
        if let Some(i) = self.path.nodes.iter().position(same) {
            return i;
        }
        self.path.nodes.push(PathNode { label, detail, kind });
        self.path.nodes.len() - 1
    }

    /// A link; a second one between the same stations keeps the worse verdict.
    fn link(&mut self, from: usize, to: usize, verdict: Verdict, text: Message) {
        match self.path.links.iter_mut().find(|l| l.from == from && l.to == to) {
            Some(link) if badness(link.verdict) >= badness(verdict) => {}
            Some(link) => {
                link.verdict = verdict;
                link.text = text;
            }
            None => self.path.links.push(PathLink { from, to, verdict, text }),
        }
    }

    fn client(&mut self, context: &Context<'_>, stories: &[(&HostStory, &HostVerdict)]) -> usize {
        let mut addresses: BTreeSet<IpAddr> = BTreeSet::new();
        for (story, _) in stories {
            addresses.extend(context.case.clients(story));
            addresses.extend(story.lookups.iter().map(|l| l.client.ip()));
        }
        self.node(PathNodeKind::Client, String::new(), list(&addresses))
    }

    fn resolvers(&mut self, client: usize, stories: &[(&HostStory, &HostVerdict)]) {
        let resolvers: BTreeSet<IpAddr> =
            stories.iter().flat_map(|(s, _)| &s.lookups).map(|l| l.resolver.ip()).collect();
        for address in resolvers.iter().take(ADDRESSES_SHOWN) {
            let node = self.node(PathNodeKind::Resolver, address.to_string(), String::new());
            let mut worst = Verdict::Ok;
            for (story, verdict) in stories {
                if !story.lookups.iter().any(|l| l.resolver.ip() == *address) {
                    continue;
                }
                let by_name = verdict.name.judged.as_ref().and_then(|j| j.verdict).unwrap_or(Verdict::Ok);
                // A name that the proxy resolved in the end is no fault of the way.
                let counts = by_name == verdict.verdict || by_name == Verdict::Ok;
                if counts && badness(by_name) > badness(worst) {
                    worst = by_name;
                }
            }
            let title = worst.title();
            let text = if worst == Verdict::Ok { message!(en: "answers", ja: "応答あり") } else { title.into() };
            self.link(client, node, worst, text);
        }
    }

    fn host(&mut self, context: &Context<'_>, client: usize, story: &HostStory, verdict: &HostVerdict) {
        if story.role == Role::Proxy {
            self.proxy(context, client, story, verdict);
            return;
        }
        let detail = match story.endpoint {
            Some(_) => String::new(),
            None => verdict.name.addresses.first().map(ToString::to_string).unwrap_or_default(),
        };
        let host = self.node(PathNodeKind::Host, story.name.clone(), detail);
        if story.attempts.is_empty() {
            self.link(client, host, verdict.verdict, verdict.verdict.title().into());
            return;
        }
        let mut ways: Vec<&Way> = story.attempts.iter().map(|a| &a.way).collect();
        ways.sort();
        ways.dedup();
        let deciding = verdict.attempt.and_then(|i| story.attempts.get(i)).map(|a| &a.way);
        for way in ways {
            let own = deciding == Some(way) || deciding.is_none();
            let (of_way, detail) = if own {
                (verdict.verdict, Some(&verdict.detail))
            } else {
                match weigh(story, &verdict.judged, way) {
                    Some((v, j)) => (v, Some(&j.detail)),
                    None => continue,
                }
            };
            let from = match way {
                Way::Direct => client,
                Way::Proxy(name) | Way::Socks(name) => {
                    let proxy = self.node(PathNodeKind::Proxy, name.clone(), String::new());
                    self.link(client, proxy, Verdict::Ok, Message::default());
                    proxy
                }
            };
            self.last_leg(from, host, of_way, detail);
        }
    }

    /// The proxy as a station of its own; what is wrong with it is on the link to it.
    fn proxy(&mut self, context: &Context<'_>, client: usize, story: &HostStory, verdict: &HostVerdict) {
        let mut labels: Vec<&String> =
            story.attempts.iter().filter_map(|a: &Attempt| context.case.proxies.get(&a.peer)).collect();
        labels.sort();
        labels.dedup();
        let fallback = &story.name;
        if labels.is_empty() {
            labels.push(fallback);
        }
        for label in labels {
            let node = self.node(PathNodeKind::Proxy, label.clone(), String::new());
            let text = if verdict.verdict.is_good() { Message::default() } else { verdict.verdict.title().into() };
            self.link(client, node, verdict.verdict, text);
        }
    }

    /// From the last station that is known to work to the host, through an appliance where one showed itself.
    fn last_leg(&mut self, from: usize, host: usize, verdict: Verdict, detail: Option<&Detail>) {
        let text = if verdict == Verdict::Ok { Message::default() } else { Message::from(verdict.title()) };
        match detail.and_then(|d| appliance(verdict, d)) {
            Some((label, detail)) => {
                let node = self.node(PathNodeKind::Appliance, label, detail);
                // An interceptor ends the client's session at itself; an injector lets packets through up to itself.
                if matches!(verdict, Verdict::Intercepted | Verdict::BlockPage | Verdict::CaptivePortal) {
                    self.link(from, node, verdict, text);
                    self.link(node, host, Verdict::Inconclusive, Message::default());
                } else {
                    self.link(from, node, Verdict::Ok, Message::default());
                    self.link(node, host, verdict, text);
                }
            }
            None => self.link(from, host, verdict, text),
        }
    }
}

/// The device that showed itself, as label and second line.
fn appliance(verdict: Verdict, detail: &Detail) -> Option<(String, String)> {
    match verdict {
        Verdict::Intercepted => {
            let trust = detail.trust.as_ref();
            let label = trust.and_then(|t| t.vendor.clone()).unwrap_or_else(|| "?".to_owned());
            Some((label, "TLS".to_owned()))
        }
        Verdict::BlockPage | Verdict::CaptivePortal => {
            let label = detail.product.clone().or_else(|| detail.title.clone()).unwrap_or_else(|| "?".to_owned());
            Some((label, "HTTP".to_owned()))
        }
        Verdict::IcmpUnreachable => detail.icmp.map(|(_, _, sender)| (sender.to_string(), "ICMP".to_owned())),
        _ => {
            let breaker = detail.breaker.as_ref().filter(|b| b.kind == BreakerKind::OnTheWay)?;
            let hops = breaker.hops.map_or(String::new(), |h| format!("RST, {h} hops"));
            Some(("?".to_owned(), hops))
        }
    }
}

/// The verdict on a way that is not the deciding one: it worked if any attempt did.
fn weigh<'a>(story: &HostStory, judged: &'a [Judged], way: &Way) -> Option<(Verdict, &'a Judged)> {
    let of_way = story.attempts.iter().zip(judged).filter(|(a, _)| a.way == *way);
    let with_verdict: Vec<(Verdict, &Judged)> = of_way.filter_map(|(_, j)| Some((j.verdict?, j))).collect();
    let good = with_verdict.iter().find(|(v, _)| v.is_good());
    good.or_else(|| with_verdict.iter().max_by_key(|(v, _)| badness(*v))).copied()
}

fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Ok => 0,
        Verdict::Inconclusive => 1,
        Verdict::Degraded => 2,
        _ => 3,
    }
}

fn list(addresses: &BTreeSet<IpAddr>) -> String {
    let shown: Vec<String> = addresses.iter().take(ADDRESSES_SHOWN).map(ToString::to_string).collect();
    let more = addresses.len().saturating_sub(ADDRESSES_SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{}, +{more}", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_link_between_the_same_stations_keeps_the_worse_verdict() {
        let mut p = Drawing { path: PathReport::default() };
        let a = p.node(PathNodeKind::Client, String::new(), "10.0.0.1".into());
        let b = p.node(PathNodeKind::Host, "x".into(), String::new());
        assert_eq!(p.node(PathNodeKind::Host, "x".into(), String::new()), b);
        p.link(a, b, Verdict::Ok, Message::default());
        p.link(a, b, Verdict::Refused, Message::same("refused"));
        p.link(a, b, Verdict::Degraded, Message::same("slow"));
        assert_eq!(p.path.links.len(), 1);
        assert_eq!((p.path.links[0].verdict, p.path.links[0].text.en.as_str()), (Verdict::Refused, "refused"));
    }

    #[test]
    fn an_interceptor_is_a_station_where_the_way_breaks() {
        let mut p = Drawing { path: PathReport::default() };
        let a = p.node(PathNodeKind::Client, String::new(), String::new());
        let b = p.node(PathNodeKind::Host, "login.example".into(), String::new());
        let detail = Detail::default();
        p.last_leg(a, b, Verdict::Intercepted, Some(&detail));
        assert_eq!(p.path.nodes.len(), 3);
        assert_eq!(p.path.links[0].verdict, Verdict::Intercepted);
        assert_eq!((p.path.links[0].from, p.path.links[1].to), (a, b));
    }
}
