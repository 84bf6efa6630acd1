//! Verdicts and findings → the answer: what stopped the sign-in, or that the network did not.
//!
//! The order of suspicion is the order of the sign-in: a proxy that cannot be reached before the hosts behind it,
//! hosts that the commands need before others, and of these the one that failed first. A blocked host that the
//! sign-in does not need is never the cause.

mod log;

use crate::case::{Case, HostStory, Role};
use crate::finding::{Finding, Severity};
use crate::knowledge;
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::lang::Message;
use crate::message;
use crate::report::{Diagnosis, Outcome, RootCause};
use crate::verdict::{HostVerdict, Verdict};

/// The answer for a case.
pub fn diagnose(case: &Case, verdicts: &[Option<HostVerdict>], findings: &[Finding]) -> Diagnosis {
    let hosts: Vec<(&HostStory, &HostVerdict)> =
        case.hosts.iter().zip(verdicts).filter_map(|(h, v)| Some((h, v.as_ref()?))).collect();
    if let Some((host, verdict)) = root_cause(case, &hosts) {
        return log::name(network_fault(host, verdict, findings), findings);
    }
    let undecided = hosts.iter().find(|(h, v)| v.verdict == Verdict::Inconclusive && h.required == Some(true));
    let reached: Vec<&str> = hosts
        .iter()
        .filter(|(h, v)| h.role == Role::Service && (v.verdict.is_good() || accepted(v)))
        .map(|(h, _)| h.name.as_str())
        .collect();
    if let Some(told) = log::answer(findings, undecided.is_none()) {
        return told;
    }
    if let Some(f) = findings.iter().find(|f| f.code == "broken_after_handshake") {
        // The way was open as far as TLS shows; who stops the requests, a device or the service, it does not.
        return Diagnosis {
            outcome: Outcome::InsufficientEvidence,
            root_cause: None,
            text: log::sentence(f),
            next_step: f.advice.clone(),
        };
    }
    if let Some((host, verdict)) = undecided {
        if verdict.by_log
            && let Some(told) = log::waiting(findings, &host.name)
        {
            return told;
        }
        return Diagnosis {
            outcome: Outcome::InsufficientEvidence,
            root_cause: None,
            text: message!(
                en: "The evidence cannot tell what became of {}.",
                ja: "この証跡では {} への通信がどうなったかを判定できない。",
                host.name
            ),
            next_step: take_again(),
        };
    }
    let seen_before = hosts.iter().any(|(h, v)| h.role == Role::Other && v.verdict.is_good() && h.lookups.is_empty());
    if reached.is_empty() && !seen_before {
        return Diagnosis {
            outcome: Outcome::InsufficientEvidence,
            root_cause: None,
            text: log::nothing_tried(case),
            next_step: take_again(),
        };
    }
    let list = if reached.is_empty() { String::new() } else { format!(" ({})", reached.join(", ")) };
    Diagnosis {
        outcome: Outcome::NoNetworkFault,
        root_cause: None,
        text: message!(
            en: "The network did its part: every host of the sign-in that was tried was reached{list}.",
            ja: "ネットワークに問題はない。サインインで試行されたホストにはすべて到達している{list}。",
        ),
        next_step: message!(
            en: "If the command still fails, look at its error text and at the sign-in log of Microsoft Entra ID (success, failure, or no entry).",
            ja: "それでもコマンドが失敗する場合は、エラー メッセージと Microsoft Entra ID のサインイン ログ (成功・失敗・記録なし) を確認する。",
        ),
    }
}

fn take_again() -> Message {
    message!(
        en: "Take a new trace that starts before the command and ends after its error: netsh trace start capture=yes maxSize=2000M, ipconfig /flushdns, the command with its debug option, netsh trace stop.",
        ja: "コマンド実行前に開始し、エラー後に停止したトレースを再取得する: netsh trace start capture=yes maxSize=2000M、ipconfig /flushdns、デバッグ オプション付きでコマンドを実行、netsh trace stop。",
    )
}

/// An intercepted or old-TLS connection that the client used all the same did not stop it.
fn accepted(verdict: &HostVerdict) -> bool {
    verdict.verdict == Verdict::Intercepted && verdict.detail.client_accepts
}

/// The first host, in the order of suspicion, that stopped the sign-in.
fn root_cause<'a>(case: &Case, hosts: &[(&'a HostStory, &'a HostVerdict)]) -> Option<(&'a HostStory, &'a HostVerdict)> {
    let stopped = |h: &HostStory, v: &HostVerdict| {
        v.verdict.is_fault() && !accepted(v) && !crate::verdict::log::stopped_nothing(case, h, v)
    };
    let failing = || hosts.iter().filter(|(h, v)| stopped(h, v));
    let earliest = |(h, _): &&(&HostStory, &HostVerdict)| h.order_in_time();
    let needed = failing().filter(|(h, _)| h.role == Role::Service && h.required == Some(true)).min_by_key(earliest);
    let reached = |authority: bool| {
        hosts.iter().any(|(h, v)| {
            h.role == Role::Service
                && h.required == Some(true)
                && v.verdict.is_good()
                && h.endpoint.is_some_and(|e| (e.role == EndpointRole::Authority) == authority)
        })
    };
    // A dead proxy beside a way that works (the next one of a PAC file, another program's) stopped nothing.
    let proxy = failing().find(|(h, _)| h.role == Role::Proxy).filter(|_| !reached(true));
    // The token and what comes after it: the sign-in went through, whatever else failed beside it.
    let signed_in = reached(true) && reached(false);
    // Hosts whose need depends on the flow: the organisation's federation server, the sign-in page's files, what the
    // log names. Certificate downloads and the like are not.
    let likely = failing()
        .filter(|(h, _)| h.role == Role::Service && h.required.is_none() && !signed_in)
        .filter(|(h, _)| h.in_log || h.endpoint.map_or_else(|| is_customers(h), |e| part_of_the_flow(e.role)))
        // Windows' own probe shows the portal as every host does; the sign-in did not wait for it.
        .filter(|(h, _)| !knowledge::is_connectivity_probe(&h.name))
        .min_by_key(earliest);
    let portal = failing().find(|(_, v)| matches!(v.verdict, Verdict::CaptivePortal | Verdict::BlockPage));
    // A page in the place of some other site stops nobody who reaches the authority.
    proxy.or(needed).or(likely).or(portal.filter(|_| !reached(true))).map(|(h, v)| (*h, *v))
}

/// A service of the organisation's own (its federation server) or an address of Entra. Of Microsoft's many hosts only
/// those of the endpoint table take part in a sign-in; Windows and Office ask others all day long.
fn is_customers(host: &HostStory) -> bool {
    !knowledge::is_microsoft_host(&host.name)
}

/// Whether hosts of that role take part in a sign-in as such.
fn part_of_the_flow(role: EndpointRole) -> bool {
    !matches!(
        role,
        EndpointRole::PkiIssuer
            | EndpointRole::PkiRevocation
            | EndpointRole::Telemetry
            | EndpointRole::ModuleInstall
            | EndpointRole::Portal
            | EndpointRole::ShortLinks
            | EndpointRole::VersionCheck
            | EndpointRole::ExtensionIndex
    )
}

fn network_fault(host: &HostStory, verdict: &HostVerdict, findings: &[Finding]) -> Diagnosis {
    let finding = findings
        .iter()
        .position(|f| f.host.as_deref() == Some(host.name.as_str()) && f.verdict == Some(verdict.verdict))
        .or_else(|| findings.iter().position(|f| f.host.as_deref() == Some(host.name.as_str())))
        .or_else(|| findings.iter().position(|f| f.severity == Severity::Critical));
    let found = finding.and_then(|i| findings.get(i));
    let text = match found {
        Some(f) => {
            Message { en: format!("{}. {}", f.title.en, f.detail.en), ja: format!("{}。{}", f.title.ja, f.detail.ja) }
        }
        None => {
            let title = verdict.verdict.title();
            Message { en: format!("{}: {}", host.name, title.en), ja: format!("{}: {}", host.name, title.ja) }
        }
    };
    Diagnosis {
        outcome: Outcome::NetworkFault,
        root_cause: Some(RootCause {
            host: host.name.clone(),
            verdict: verdict.verdict,
            finding: finding.unwrap_or(0),
        }),
        text,
        next_step: found.map(|f| f.advice.clone()).unwrap_or_default(),
    }
}
