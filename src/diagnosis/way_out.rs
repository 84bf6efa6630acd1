//! A way out that nothing names, tried in vain when the sign-in had gone silent.
//!
//! What enters: the case and its verdicts, where no host stopped the sign-in. What leaves: the answer "cannot tell", where
//! after the last use of the sign-in's hosts a client only tried what may be a proxy: an address on a port of proxies, or
//! the name of one that does not resolve. Another program reached the hosts before it; the command may have gone there.

use super::{is_manager, take_again};
use crate::case::{Case, HostStory, LookupResult, Role, is_proxy_like, is_proxy_port, may_be_one};
use crate::facts::{Flow, FlowTransport};
use crate::lang::Message;
use crate::message;
use crate::report::{Diagnosis, Outcome};
use crate::time::Timestamp;
use crate::verdict::{HostVerdict, reached};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Words of proxies that many a public host has in its name.
const COMMON_WORDS: [&str; 2] = ["px", "gateway"];
/// Endings of names that no public resolver knows.
const INTERNAL: [&str; 8] = ["local", "lan", "internal", "intranet", "corp", "home", "private", "localdomain"];

/// One that is asked for once may be anything.
const TRIES_MIN: usize = 2;

/// See the module.
pub(super) fn in_vain(case: &Case, hosts: &[(&HostStory, &HostVerdict)]) -> Option<Diagnosis> {
    let needed = || hosts.iter().filter(|(h, _)| h.role == Role::Service && h.required == Some(true));
    // An inspected connection that the client accepts reaches the host too.
    let good = || needed().flat_map(|(h, v)| reached(&h.attempts, &v.judged).map(move |a| (*h, a)));
    // Behind the token nothing more is missing; Office asks Graph too.
    if good().any(|(h, _)| is_manager(h)) {
        return None;
    }
    let last = good().map(|(_, a)| case.answered_until(a).max(Some(case.began_last(a).time))).max()??;
    let clients: Vec<IpAddr> = good().map(|(_, a)| a.client).collect();
    let told = silent_port(case, last, &clients).map(|(name, frame)| {
        let text = message!(
            en: "After the last traffic of the sign-in hosts a client tried {name} in vain (from frame {frame}), which may be a proxy that the command is told to use. Whether it is, the evidence does not tell.",
            ja: "サインインのホストへの最後の通信より後、クライアントは {name} への接続を試みて失敗している (フレーム {frame} 以降)。コマンドに設定されたプロキシの可能性があるが、この証跡では判定できない。",
        );
        (name, text)
    });
    let unresolved = || {
        let (name, frame) = unresolved_name(case, last, &clients)?;
        let text = message!(
            en: "After the last traffic of the sign-in hosts a client asked for the address of {name} in vain (from frame {frame}), which may be a proxy that the command is told to use. Whether it is, the evidence does not tell.",
            ja: "サインインのホストへの最後の通信より後、クライアントは {name} の名前解決に失敗している (フレーム {frame} 以降)。コマンドに設定されたプロキシの可能性があるが、この証跡では判定できない。",
        );
        Some((name, text))
    };
    let (name, text) = told.or_else(unresolved)?;
    let Message { en, ja } = take_again();
    Some(Diagnosis {
        outcome: Outcome::InsufficientEvidence,
        root_cause: None,
        text,
        next_step: message!(
            en: "Look whether {name} is set as a proxy (HTTPS_PROXY, WinHTTP, user settings). If it is, correct or remove the setting. If not: {en}",
            ja: "{name} がプロキシとして設定されていないか確認する (HTTPS_PROXY、WinHTTP、ユーザー設定)。設定されていれば修正または削除する。設定されていない場合: {ja}",
        ),
    })
}

/// A server on a port of proxies that was tried since and never answered but to refuse.
fn silent_port(case: &Case, last: Timestamp, clients: &[IpAddr]) -> Option<(String, u64)> {
    let flows = || case.captures().flat_map(|(_, capture)| &capture.flows);
    let is_dead = |f: &Flow| f.tcp.as_ref().is_some_and(|tcp| tcp.syn_ack.is_none() && !tcp.midstream);
    let mut tried = BTreeMap::new();
    for flow in flows().filter(|f| f.transport == FlowTransport::Tcp && is_proxy_port(f.ends.server)) {
        let (client, server) = (flow.ends.client.ip(), flow.ends.server);
        let known = server.ip().is_loopback() || clients.iter().any(|known| may_be_one(*known, client));
        let (first, tries, vain) = tried.entry(server).or_insert((flow.first, 0, true));
        *first = if first.time <= flow.first.time { *first } else { flow.first };
        *tries += 1;
        *vain &= known && is_dead(flow);
    }
    let mut suspects =
        tried.into_iter().filter(|(_, (first, tries, vain))| *vain && *tries >= TRIES_MIN && first.time > last);
    suspects.next().map(|(server, (first, ..))| (server.to_string(), first.frame))
}

/// The name of a proxy that was asked for since and never resolved.
fn unresolved_name(case: &Case, last: Timestamp, clients: &[IpAddr]) -> Option<(String, u64)> {
    let may_be_proxy = |name: &str| {
        let is_internal = name.rsplit_once('.').is_none_or(|(_, ending)| INTERNAL.contains(&ending));
        let first = name.split('.').next().unwrap_or("");
        let mut words = first.split(|c: char| !c.is_ascii_alphabetic());
        is_proxy_like(name) && (is_internal || !words.any(|word| COMMON_WORDS.contains(&word)))
    };
    let named = case.hosts.iter().filter(|h| h.role == Role::Other && h.attempts.is_empty() && may_be_proxy(&h.name));
    named.into_iter().find_map(|h| {
        let failed = h.lookups.iter().all(|l| {
            let known = clients.iter().any(|known| may_be_one(*known, l.client.ip()));
            known && !matches!(l.result, LookupResult::Addresses { .. })
        });
        let asked = || h.lookups.iter().flat_map(|l| &l.asked);
        let first = asked().min_by_key(|at| at.time)?;
        (failed && asked().count() >= TRIES_MIN && first.time > last).then(|| (h.name.clone(), first.frame))
    })
}
