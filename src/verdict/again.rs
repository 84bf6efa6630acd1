//! Whether one run of a command is another try of an earlier one, and what the last of them makes of a host.
//!
//! What enters: attempts of a log. What leaves: whether the later one's success says anything about the earlier one's
//! failure. Asked by the verdicts, by the findings and by the answer alike.

use super::log::LogProof;
use super::{Confidence, HostVerdict, Verdict};
use crate::case::{Case, HostStory, Role, Said};
use crate::facts::log::{Attempt, Dialect, ErrorClass, LogEventKind, LogFacts, Outcome, SigninMethod};
use crate::knowledge::endpoints::{Cloud, Endpoint, command_of};

/// Options that change what a command writes, not what it does.
const OUTPUT_FLAGS: [&str; 5] = ["--debug", "--verbose", "-debug", "-verbose", "-v"];
/// The same, with a value behind them.
const OUTPUT_OPTIONS: [&str; 2] = ["-o", "--output"];

/// What people try a way with; that it fails stops no sign-in.
const TESTS: [&str; 11] = [
    "invoke-webrequest",
    "invoke-restmethod",
    "iwr",
    "irm",
    "curl",
    "wget",
    "nslookup",
    "dig",
    "ping",
    "nc",
    "openssl",
];
/// Commands that sign in: others may live on a token that was there before.
const SIGN_INS: [&str; 8] = [
    "az login",
    "connect-azaccount",
    "login-azaccount",
    "add-azaccount",
    "connect-azurermaccount",
    "login-azurermaccount",
    "connect-mggraph",
    "connect-graph",
];

/// Whether the run of a log with that number came through, or a later one of the same command did.
pub fn came_through(log: &LogFacts, index: usize) -> bool {
    let Some([run, later @ ..]) = log.attempts.get(index..) else { return false };
    let again = |a: &Attempt| a.outcome == Outcome::Succeeded && is_same_command(run, a);
    again(run) || later.iter().any(again)
}

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
        && (verdict.verdict.is_fault() || verdict.verdict == Verdict::Inconclusive)
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
        let is_good = |a: &&Attempt| signed_in_again(attempt, a) || is_test(attempt) && signed_in_at(host, a);
        let Some(good) = case.runs_after(*said).iter().find(is_good) else { return };
        proof = good.events.last().map(|e| LogProof::new(said.piece, e));
    }
    let Some(proof) = proof else { return };
    (verdict.verdict, verdict.confidence) = (Verdict::Degraded, Confidence::Inferred);
    verdict.said.push(proof);
}

/// Whether `later` signed in by the command that `failed` before.
fn signed_in_again(failed: &Attempt, later: &Attempt) -> bool {
    got_a_token(later) && is_same_command(failed, later)
}

/// Whether a run succeeded, and not with a token that was there before.
fn got_a_token(run: &Attempt) -> bool {
    let cached = run.events.iter().any(|e| matches!(e.kind, LogEventKind::CacheUsed));
    run.outcome == Outcome::Succeeded && !run.command.is_empty() && run.method != SigninMethod::AccessToken && !cached
}

/// Whether a run signed in by a command that cannot do without the host, in the cloud that the host is of.
fn signed_in_at(host: &HostStory, run: &Attempt) -> bool {
    let used = |e: &Endpoint| {
        let is_public = run.cloud.as_deref().is_none_or(|c| c.eq_ignore_ascii_case("AzureCloud"));
        command_of(run.dialect).is_some_and(|c| e.used_by(c)) && is_public == (e.cloud == Cloud::Public)
    };
    // The token of a managed identity comes from the machine.
    got_a_token(run)
        && run.method != SigninMethod::ManagedIdentity
        && is_one_of(&SIGN_INS, run)
        && host.endpoint.is_some_and(used)
}

/// Whether a run only tried a way, beside the sign-in.
fn is_test(run: &Attempt) -> bool {
    run.dialect == Dialect::Curl || run.dialect == Dialect::Other && is_one_of(&TESTS, run)
}

fn is_one_of(commands: &[&str], run: &Attempt) -> bool {
    commands.iter().any(|c| c.eq_ignore_ascii_case(&run.command))
}

/// Whether a line is of a test of some host that no sign-in needs as such, in a log whose last command signed in or was
/// refused by Entra ID itself.
pub fn is_test_beside(case: &Case, host: &HostStory, said: Said) -> bool {
    let last = || case.log(said.piece)?.attempts.iter().rfind(|a| command_of(a.dialect).is_some());
    let is_settled = |a: &Attempt| {
        a.outcome == Outcome::Succeeded
            || matches!(a.outcome, Outcome::Failed { .. }) && matches!(a.error_class(), Some(ErrorClass::Aadsts(_)))
    };
    host.required != Some(true)
        && case.line(said).is_some_and(|(attempt, _)| is_test(attempt))
        && last().is_some_and(is_settled)
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
    fn only_a_sign_in_that_needs_the_host_answers_for_a_test_of_it() {
        let story = |name: &str| HostStory {
            name: name.to_owned(),
            role: Role::Service,
            endpoint: crate::knowledge::endpoint(name),
            required: Some(true),
            lookups: Vec::new(),
            attempts: Vec::new(),
            in_log: true,
            said: Vec::new(),
        };
        let (login, graph) = (story("login.microsoftonline.com"), story("graph.microsoft.com"));
        let good = |line: &str| Attempt { outcome: Outcome::Succeeded, ..run(line) };
        assert!(signed_in_at(&login, &good("")) && !signed_in_at(&login, &run("")));
        assert!(!signed_in_at(&graph, &good("")) && !signed_in_at(&login, &good("--identity")));
        assert!(!signed_in_at(&login, &Attempt { cloud: Some("AzureChinaCloud".to_owned()), ..good("") }));
        assert!(!signed_in_at(&login, &Attempt { command: "az account show".to_owned(), ..good("") }));
        let test =
            |dialect, command: &str| is_test(&Attempt { dialect, command: command.to_owned(), ..Attempt::default() });
        assert!(test(Dialect::Other, "IWR") && test(Dialect::Curl, "curl"));
        assert!(!test(Dialect::Other, "terraform") && !test(Dialect::Python, "python"));
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
