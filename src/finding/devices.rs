//! Devices in the middle that showed themselves: for which host, and with which ServerHello on which way.
//!
//! What enters: the hosts and their verdicts. What leaves: the first device that shows itself for another host than the
//! one asked about, found without walking the hosts: a capture may hold a million.

use super::Context;
use crate::case::{Attempt, Way};
use crate::facts::TlsSession;
use crate::verdict::host::deciding;
use std::collections::HashMap;

/// A device that showed itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Device<'a> {
    /// The host that it showed itself for.
    pub host: &'a str,
    /// What it is.
    pub product: &'a str,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Devices<'a> {
    by_way: HashMap<&'a Way, Shown<'a>>,
    /// By the way and the JA3S of its ServerHello.
    by_hello: HashMap<(&'a Way, &'a str), Shown<'a>>,
}

/// The first two, since one of them may stand for the host that is asked about.
#[derive(Debug)]
struct Shown<'a> {
    first: Device<'a>,
    second: Option<Device<'a>>,
}

impl<'a> Devices<'a> {
    /// Those of a case.
    pub(super) fn of(context: &Context<'a>) -> Devices<'a> {
        let mut all = Devices::default();
        for (host, verdict) in context.hosts() {
            let Some(product) = verdict.detail.trust.as_ref().and_then(|t| t.vendor.as_deref()) else { continue };
            let Some(shown) = deciding(host, verdict) else { continue };
            let device = Device { host: &host.name, product };
            note(&mut all.by_way, &shown.way, device);
            if let Some(hello) = hello(context, shown) {
                note(&mut all.by_hello, (&shown.way, hello), device);
            }
        }
        all
    }

    /// The first that showed itself for another host on this way.
    pub(super) fn on(&self, way: &Way, host: &str) -> Option<Device<'a>> {
        self.by_way.get(way)?.apart_from(host)
    }

    /// The first that gave this ServerHello (JA3S) for another host on this way.
    pub(super) fn with_hello(&self, way: &Way, ja3s: &str, host: &str) -> Option<Device<'a>> {
        self.by_hello.get(&(way, ja3s))?.apart_from(host)
    }
}

impl<'a> Shown<'a> {
    fn apart_from(&self, host: &str) -> Option<Device<'a>> {
        if self.first.host == host { self.second } else { Some(self.first) }
    }
}

fn note<'a, K: std::hash::Hash + Eq>(shown: &mut HashMap<K, Shown<'a>>, key: K, device: Device<'a>) {
    let shown = shown.entry(key).or_insert(Shown { first: device, second: None });
    if shown.first != device {
        shown.second.get_or_insert(device);
    }
}

/// JA3S of the session of an attempt.
pub(super) fn hello<'a>(context: &Context<'a>, attempt: &Attempt) -> Option<&'a str> {
    ja3s(context.case.session(attempt)?)
}

/// JA3S of the hello by which the server settled the session.
pub(super) fn ja3s(session: &TlsSession) -> Option<&str> {
    session.server_hellos.iter().rev().find(|h| !h.hello_retry_request)?.ja3s.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_that_is_asked_about_does_not_speak_for_itself() {
        let way = Way::Direct;
        let mut all = Devices::default();
        assert_eq!(all.on(&way, "a"), None);
        for (host, product) in [("a", "Squid"), ("b", "Zscaler"), ("c", "Fiddler")] {
            note(&mut all.by_way, &way, Device { host, product });
            note(&mut all.by_hello, (&way, "hello"), Device { host, product });
        }
        assert_eq!(all.on(&way, "a").map(|d| d.product), Some("Zscaler"));
        assert_eq!(all.on(&way, "z").map(|d| d.product), Some("Squid"));
        assert_eq!(all.with_hello(&way, "hello", "b").map(|d| d.product), Some("Squid"));
        assert_eq!(all.with_hello(&way, "another", "b"), None);
        assert_eq!(all.on(&Way::Proxy("p:1".into()), "b"), None);
    }
}
