//! Whether one run of a command is another try of an earlier one, and what the last of them makes of a host.
//!
//! What enters: attempts of a log. What leaves: whether the later one's success says anything about the earlier one's
//! failure. Asked by the verdicts, by the findings and by the answer alike.

use super::log::LogProof;
use super::{Confidence, HostVerdict, Verdict};
use crate::case::{Case, HostStory, Role, Said};
use crate::facts::log::{Attempt, Dialect, LogEventKind, Outcome, SigninMethod};
use crate::knowledge::endpoints::Command;

/// Options that change what a command writes, not what it does.
const OUTPUT_FLAGS: [&str; 5] = ["--debug", "--verbose", "-debug", "-verbose", "-v"];
/// The same, with a value behind them.
const OUTPUT_OPTIONS: [&str; 2] = ["-o", "--output"];

/// Whether both are the same command that asks for the same: the success of another command, or in another tenant or
/// cloud, for another resource or by another method, passes by what stopped this one.
pub fn is_same_command(a: &Attempt, b: &Attempt) -> bool {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let differ = |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if !same(a, b));
    let equal = |a: &Option<String>, b: &Option<String>| same(a.as_deref().unwrap_or(""), b.as_deref().unwrap_or(""));
    // Logs tell parts of these where the arguments do not; a run that stopped early tells fewer.
    let told_apart = differ(&a.tenant_asked, &b.tenant_asked)
        || differ(&a.cloud, &b.cloud)
        || differ(&a.scope, &b.scope)
        || differ(&a.account, &b.account);
    let asks_the_same = || {
        equal(&a.tenant_asked, &b.tenant_asked)
            && equal(&a.cloud, &b.cloud)
            && equal(&a.scope, &b.scope)
            && a.method == b.method
    };
    // What other programs are told by their options is not known: only equal arguments ask for the same.
    let is_known = command_of(a.dialect).is_some();
    a.dialect == b.dialect
        && same(&a.command, &b.command)
        && !told_apart
        && (arguments(a).eq(arguments(b)) || is_known && asks_the_same())
}

/// Whether a failure at the host, of which only logs tell, ended one of the sign-in tools' commands. That an earlier
/// command signed in says nothing of what a later one calls.
pub fn ended_a_command(case: &Case, host: &HostStory, verdict: &HostVerdict) -> bool {
    let ended = |said: &Said| {
        case.line(*said).is_some_and(|(attempt, _)| {
            let is_its_cause = matches!(attempt.outcome, Outcome::Failed { event } if event == said.event);
            is_its_cause && !attempt.command.is_empty() && command_of(attempt.dialect).is_some()
        })
    };
    verdict.by_log && host.said.iter().any(ended)
}

/// A host that a sign-in cannot do without was reached by the run that signed in, though no line says so: what failed
/// before was a part of the way. Where a token may have come without the network, nothing is known of it.
pub fn made_good(case: &Case, host: &HostStory, verdict: &mut HostVerdict) {
    let is_candidate = verdict.by_log
        && verdict.verdict.is_fault()
        && verdict.verdict != Verdict::TlsLegacy
        && host.role == Role::Service
        && host.required == Some(true);
    if !is_candidate {
        return;
    }
    let mut proof = None;
    for said in &host.said {
        let Some((attempt, event)) = case.line(*said) else { continue };
        if event.kind.error().is_none() {
            continue;
        }
        let log = case.logs().find(|(piece, _)| *piece == said.piece);
        let later = log.and_then(|(_, log)| log.attempts.get(said.attempt.saturating_add(1)..)).unwrap_or_default();
        let Some(good) = later.iter().find(|a| signed_in_again(attempt, a)) else { return };
        proof = good.events.last().map(|e| LogProof::new(said.piece, e));
    }
    let Some(proof) = proof else { return };
    (verdict.verdict, verdict.confidence) = (Verdict::Degraded, Confidence::Inferred);
    verdict.said.push(proof);
}

/// Whether `later` signed in by the command that `failed` before.
fn signed_in_again(failed: &Attempt, later: &Attempt) -> bool {
    let cached = later.events.iter().any(|e| matches!(e.kind, LogEventKind::CacheUsed));
    later.outcome == Outcome::Succeeded
        && !later.command.is_empty()
        && later.method != SigninMethod::AccessToken
        && !cached
        && is_same_command(failed, later)
}

/// The command that a dialect belongs to.
pub fn command_of(dialect: Dialect) -> Option<Command> {
    match dialect {
        Dialect::AzCli => Some(Command::AzLogin),
        Dialect::AzPowerShell => Some(Command::ConnectAzAccount),
        Dialect::GraphPowerShell => Some(Command::ConnectMgGraph),
        Dialect::Python | Dialect::Curl | Dialect::Node | Dialect::Other => None,
    }
}

/// The arguments that say what is done.
fn arguments(attempt: &Attempt) -> impl Iterator<Item = &str> {
    let mut is_value = false;
    attempt.arguments.iter().map(String::as_str).filter(move |argument| {
        let lower = argument.to_ascii_lowercase();
        let (skip, option) = (is_value, OUTPUT_OPTIONS.contains(&lower.as_str()));
        is_value = option;
        let inline = OUTPUT_OPTIONS.iter().any(|o| lower.strip_prefix(o).is_some_and(|rest| rest.starts_with('=')));
        !(skip || option || inline || OUTPUT_FLAGS.contains(&lower.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::SigninMethod;

    fn run(line: &str) -> Attempt {
        let list = line.split_whitespace().map(|a| format!(", '{a}'")).collect::<String>();
        let text = format!("DEBUG: cli.knack.cli: Command arguments: ['login'{list}]\n");
        crate::log::read_text(&text).attempts.into_iter().next().unwrap()
    }

    #[test]
    fn only_what_asks_for_the_same_is_the_same_command() {
        let same = |a: &str, b: &str| is_same_command(&run(a), &run(b));
        assert!(same("", "--debug"));
        assert!(same("--tenant a.example -o json", "--verbose --tenant A.example --output table"));
        assert!(same("-t a.example", "--tenant a.example --allow-no-subscriptions"));
        assert!(!same("--tenant a.example", "--tenant b.example"));
        assert!(!same("--tenant a.example", ""), "the tenant may be federated elsewhere");
        assert!(!same("--resource https://vault.azure.net", ""));
        assert!(!same("--use-device-code", "--identity"));
        let other = Attempt { command: "az version".to_owned(), ..run("") };
        assert!(!is_same_command(&run(""), &other));
    }

    #[test]
    fn what_a_log_tells_beside_equal_arguments_counts() {
        let in_cloud = |name: &str| Attempt { cloud: Some(name.to_owned()), ..run("--debug") };
        assert!(is_same_command(&in_cloud("AzureCloud"), &run("--debug")), "a run that stopped early tells less");
        assert!(!is_same_command(&in_cloud("AzureCloud"), &in_cloud("AzureChinaCloud")));
        // A run that stopped early did not come to say how it signs in.
        let by_broker = Attempt { method: SigninMethod::Broker, ..run("") };
        assert!(is_same_command(&run("--debug"), &by_broker));
    }

    #[test]
    fn a_test_of_one_address_is_no_test_of_another() {
        let curl = |line: &str| {
            let arguments = line.split_whitespace().map(str::to_owned).collect();
            Attempt { dialect: Dialect::Curl, command: "curl".to_owned(), arguments, ..Attempt::default() }
        };
        assert!(is_same_command(&curl("https://a.example/"), &curl("-v https://a.example/")));
        assert!(!is_same_command(&curl("https://a.example/"), &curl("https://b.example/")));
        assert!(!is_same_command(&curl("https://a.example/"), &curl("-k https://a.example/")));
    }
}
