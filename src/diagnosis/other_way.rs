//! What to do first about a host that was tried directly in vain, where the proxy lets others through.
//!
//! What enters: the root cause with its advice, the verdicts and findings. What leaves: the advice to give the tool the
//! proxy, the other one behind it. Where a network has a proxy that works, direct connections are mostly stopped on
//! purpose, and nobody opens the firewall for them.

use crate::case::{HostStory, Role, Way};
use crate::finding::Finding;
use crate::lang::Message;
use crate::verdict::{HostVerdict, Verdict};

/// The advice to take the proxy before `otherwise`; `None` where it does not fit.
pub(super) fn first(
    root: (&HostStory, &HostVerdict),
    hosts: &[(&HostStory, &HostVerdict)],
    findings: &[Finding],
    otherwise: &Message,
) -> Option<Message> {
    let (host, verdict) = root;
    let told = findings.iter().find(|f| f.code == "two_ways_out")?;
    // The program says the same by the proxy, and is shown the same there: it has to be mended itself.
    let of_program = match verdict.verdict {
        Verdict::TlsLegacy => verdict.client_is_old(),
        Verdict::CertInvalid => true,
        _ => false,
    };
    if of_program {
        return None;
    }
    let inspected = verdict.verdict == Verdict::Intercepted;
    let by_proxy = |(host, v): &(&HostStory, &HostVerdict)| {
        let reached = host.attempts.iter().zip(&v.judged).filter(|(_, j)| j.has_reached());
        let mut helped = reached.filter(|(_, j)| !(inspected && j.goes_on_inspected()));
        helped.any(|(a, _)| a.way != Way::Direct && !a.peer.ip().is_loopback())
    };
    let direct = host.role == Role::Service && verdict.proxy.is_none() && !otherwise.en.is_empty();
    (direct && hosts.iter().any(by_proxy)).then(|| Message {
        en: format!("{} Only if it is to go direct: {}", told.advice.en, otherwise.en),
        ja: format!("{}直接接続させる場合のみ: {}", told.advice.ja, otherwise.ja),
    })
}
