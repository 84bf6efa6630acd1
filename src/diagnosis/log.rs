//! What debug logs and sign-in logs add to the answer.
//!
//! What enters: the findings. What leaves: the answer where the network did its part and a log names the cause, and
//! the sentences that name the case behind a fault of the network.

use crate::case::log_join::is_local;
use crate::case::{Case, HostStory, Role};
use crate::facts::log::{self, LogFacts};
use crate::finding::{Finding, Severity, logs};
use crate::knowledge::endpoints::command_of;
use crate::lang::Message;
use crate::message;
use crate::report::{Diagnosis, Outcome};
use crate::verdict::again::came_through;
use crate::verdict::{HostVerdict, Verdict};
use std::collections::HashSet;

/// Findings that give a fault of the network its name: told before the verdict on the same host.
const NAMES: [&str; 3] = ["management_after_token", "proxy_left_over", "entra_tls_retired"];

/// Findings whose advice is more exact than the verdict's on the same host.
const REMEDIES: [&str; 1] = ["ca_not_trusted"];

/// Findings told behind the verdict, whatever host they are about.
const REMARKS: [&str; 4] = ["signin_not_recorded", "system_proxy_unused", "log_contradicts_capture", "evidence_apart"];

/// Causes after which it stays open whether the network did its part.
const OPEN: [&str; 6] = [
    "network_error_unnamed",
    "log_without_traffic",
    "evidence_apart",
    "signin_not_recorded",
    "user_cancelled",
    "log_ends_waiting",
];

/// Findings out of a log that say more about an undecided host than that it is undecided.
const TOLD: [&str; 2] = ["log_ends_waiting", "revocation_unreachable"];

/// The answer where a log says why a host that no packet shows stays undecided.
pub(super) fn waiting(findings: &[Finding], host: &str) -> Option<Diagnosis> {
    let told = findings.iter().find(|f| TOLD.contains(&f.code) && f.host.as_deref() == Some(host))?;
    Some(Diagnosis {
        outcome: Outcome::InsufficientEvidence,
        root_cause: None,
        text: told.sentence(),
        next_step: told.advice.clone(),
    })
}

/// The answer out of a log, where no host stopped the sign-in. `decided`: no host was left undecided.
pub(super) fn answer(findings: &[Finding], decided: bool) -> Option<Diagnosis> {
    let told = logs::CAUSES
        .iter()
        .find_map(|code| findings.iter().find(|f| f.code == *code && f.severity >= Severity::Warning))?;
    // An undecided host is the better answer than a remark; a cause that Entra ID or the client itself names is not.
    if !decided && told.severity < Severity::Critical {
        return None;
    }
    let open = OPEN.contains(&told.code) || told.verdict == Some(Verdict::Inconclusive);
    Some(Diagnosis {
        outcome: if open { Outcome::InsufficientEvidence } else { Outcome::NoNetworkFault },
        root_cause: None,
        text: told.sentence(),
        next_step: told.advice.clone(),
    })
}

/// Gives a fault of the network the name and the remedy that logs and the order of events tell.
pub(super) fn name(mut diagnosis: Diagnosis, findings: &[Finding]) -> Diagnosis {
    let Some((host, verdict)) = diagnosis.root_cause.as_ref().map(|r| (r.host.clone(), r.verdict)) else {
        return diagnosis;
    };
    let about = |f: &&Finding| f.host.as_deref() == Some(host.as_str());
    let of = |codes: &[&str]| codes.iter().find_map(|c| findings.iter().filter(about).find(|f| f.code == *c));
    if let Some(f) = of(&NAMES) {
        diagnosis.text.en = format!("{}. {}", f.title.en, diagnosis.text.en);
        diagnosis.text.ja = format!("{}。{}", f.title.ja, diagnosis.text.ja);
    }
    if let Some(f) = of(&REMEDIES).filter(|_| !verdict.is_imposture()) {
        diagnosis.next_step = f.advice.clone();
    }
    for code in REMARKS {
        if let Some(f) = findings.iter().find(|f| f.code == code) {
            let Message { en, ja } = &f.title;
            diagnosis.text.push(message!(en: " {en}.", ja: "{ja}。"));
        }
    }
    diagnosis
}

/// Whether the logs alone show that every sign-in command got through: each ended well, or was run again until it did.
pub(super) fn signed_in(case: &Case) -> bool {
    let got_through = |log: &LogFacts| {
        let is_command = |a: &&log::Attempt| command_of(a.dialect).is_some();
        let mut commands = log.attempts.iter().enumerate().filter(|(_, a)| is_command(a)).peekable();
        commands.peek().is_some() && commands.all(|(at, _)| came_through(log, at)) && !is_left_open(log)
    };
    case.captures().next().is_none() && case.logs().next().is_some() && case.logs().all(|(_, log)| got_through(log))
}

/// Whether a failure of the network stands where the log does not say which command it is of, and neither its host nor a
/// token of its own scopes came behind it: a success there may be of something else.
fn is_left_open(log: &LogFacts) -> bool {
    use log::LogEventKind as K;
    let mut answered: HashSet<&str> = HashSet::new();
    log.attempts.iter().rev().flat_map(|a| a.events.iter().rev().map(move |e| (a, e))).any(|(a, e)| {
        let of = match &e.kind {
            K::HttpResponse { method, .. } if method == "CONNECT" => None,
            K::HttpResponse { .. } | K::TlsEstablished { .. } => e.host.as_deref(),
            K::TokenReceived | K::CacheUsed => e.scopes(),
            _ => None,
        };
        answered.extend(of);
        let fails = !matches!(e.kind, K::Retry { .. }) && e.kind.error().is_some_and(|c| c.is_network());
        let made_good = || [e.host.as_deref(), e.scopes()].into_iter().flatten().any(|told| answered.contains(told));
        a.command.is_empty() && e.host.is_some() && fails && !made_good()
    })
}

/// The host for which a command failed that was never run again with success, where the log does not say in which way: of
/// the sign-in it may be no part, but it is what failed.
pub(super) fn failed_for<'h, 'a>(
    case: &Case,
    hosts: &'h [(&'a HostStory, &'a HostVerdict)],
) -> Option<&'h (&'a HostStory, &'a HostVerdict)> {
    let ended = |log: &LogFacts, name: &str| {
        let about = |a: &log::Attempt| a.cause().is_some_and(|e| e.host.as_deref() == Some(name));
        log.attempts.iter().enumerate().any(|(at, a)| about(a) && !came_through(log, at))
    };
    let open = |h: &HostStory, v: &HostVerdict| {
        v.by_log && v.verdict == Verdict::Inconclusive && h.role == Role::Service && h.required != Some(false)
    };
    hosts.iter().find(|(h, v)| open(h, v) && case.logs().any(|(_, log)| ended(log, &h.name)))
}

/// The answer where all that failed is a service on the client's own machine. What a program asks for by that address is no
/// matter of the network; where only the connection shows, it may be the program's proxy.
pub(super) fn own_machine(case: &Case) -> Option<Diagnosis> {
    if case.captures().next().is_some() {
        return None;
    }
    let attempt = case.logs().flat_map(|(_, log)| &log.attempts).last()?;
    let event = attempt.cause().filter(|e| e.kind.error().is_some_and(|c| c.is_connecting()))?;
    let host = event.host.as_deref().filter(|host| is_local(host))?;
    let is_asked_for = [format!("://{host}"), format!("host='{host}'"), format!("server {host}")];
    // Of a proxy whole URLs are asked for, of a service a path.
    let is_proxy = event.text.contains("with url: http");
    let is_asked_for = !is_proxy && is_asked_for.iter().any(|words| event.text.contains(words.as_str()));
    let place = event.port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let words = &event.text;
    Some(Diagnosis {
        outcome: if is_asked_for { Outcome::NoNetworkFault } else { Outcome::InsufficientEvidence },
        root_cause: None,
        text: message!(
            en: "What failed is a service on the client's own machine ({place}), not the network and not a sign-in: nothing listens there. The log says: {words}",
            ja: "失敗したのは端末自身のサービス ({place}) への接続であり、ネットワークやサインインの問題ではない。そのポートでは何も待ち受けていない。ログの記録: {words}",
        ),
        next_step: message!(
            en: "Start the service, or tell the program where its service really is: kubectl and helm ask localhost:8080 when they find no kubeconfig, a managed identity asks the agent of its host, and an address out of HTTPS_PROXY is a local proxy's.",
            ja: "そのサービスを起動するか、プログラムに正しい接続先を設定する。kubectl と helm は kubeconfig が見つからないと localhost:8080 に接続し、マネージド ID はホストのエージェントに接続する。HTTPS_PROXY に設定したアドレスの場合はローカル プロキシである。",
        ),
    })
}

/// What to say where nothing was reached and nothing failed.
pub(super) fn nothing_tried(case: &Case) -> Message {
    if case.captures().next().is_some() {
        return message!(
            en: "The capture holds no attempt to reach any host of the sign-in.",
            ja: "キャプチャにはサインインに関わるホストへの接続の試みが含まれていない。",
        );
    }
    if case.logs().next().is_some() {
        let failed = |log: &LogFacts| log.attempts.iter().any(|a| matches!(a.outcome, log::Outcome::Failed { .. }));
        return if signed_in(case) && case.logs().any(|(_, log)| failed(log)) {
            message!(
                en: "The sign-in in the log succeeded in the end; what failed before or beside it did not stop it.",
                ja: "ログのサインインは最終的に成功している。その前または別に起きた失敗は、サインインを妨げていない。",
            )
        } else if signed_in(case) {
            message!(
                en: "The command in the log succeeded: there is no failure in it to explain.",
                ja: "ログのコマンドは成功しており、説明すべき失敗は記録されていない。",
            )
        } else if let Some(host) = case.hosts.iter().find(|h| !h.said.is_empty()) {
            message!(
                en: "The log tells of tries to reach {0}, and of no cause that stopped the sign-in there.",
                ja: "ログには {0} への接続の試行が記録されているが、サインインを妨げた原因は記録されていない。",
                host.name
            )
        } else {
            message!(
                en: "The log names neither a host that was tried nor a cause.",
                ja: "ログには、試行されたホストも失敗の原因も記録されていない。",
            )
        };
    }
    message!(
        en: "The evidence holds neither a capture nor a debug log of a sign-in.",
        ja: "証跡にはサインインのキャプチャもデバッグ ログも含まれていない。",
    )
}
