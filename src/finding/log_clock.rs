//! A wrong clock, as debug logs tell it; belongs to the finding on clocks. An assertion that came too late is none.

use super::logs::{Run, runs};
use super::{Context, Finding, Rule};
use crate::facts::log::{ErrorClass, LogEvent};
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::lang::Message;
use crate::message;

/// Words, in small letters, of arguments and credentials by which somebody else signs the assertion: it is as old as that
/// made it.
const FEDERATED: [&str; 6] =
    ["federated", "clientassertion", "workloadidentity", "azurepipelines", "githubaction", "oidc"];

/// Words of arguments by which the client signs it with a certificate, in the moment in which it is sent.
const SIGNED_BY_ARGUMENT: [&str; 3] = ["certificate", ".pfx", ".pem"];

/// The same in any line: names of credentials and settings, as other certificates are in logs too.
const SIGNED_HERE: [&str; 6] = [
    "certificatecredential",
    "clientcertificate",
    "client_certificate",
    "certificate_path",
    "certificatethumbprint",
    "-certificate",
];

/// Tokens and assertions are accepted within five minutes.
const SKEW_NS_MIN: i64 = 300 * crate::time::NANOS_PER_SECOND;

/// Whether a code of Entra ID speaks of a clock. An assertion outside its time does where the client has just signed it
/// itself, or where it is not valid yet; one that somebody else signed may simply be old.
pub(super) fn is_of_clock(run: &Run<'_>, event: &LogEvent, code: u32) -> bool {
    match error_group(code) {
        ErrorGroup::Clock => true,
        ErrorGroup::Assertion => {
            let says = |text: &str, words: &[&str]| {
                let text = without_links(text).to_ascii_lowercase();
                words.iter().any(|w| text.contains(w))
            };
            let argued = |words: &[&str]| run.attempt.arguments.iter().any(|a| says(a, words));
            let told = |words: &[&str]| run.attempt.events.iter().any(|e| says(&e.text, words));
            let signed_here =
                (argued(&SIGNED_BY_ARGUMENT) || told(&SIGNED_HERE)) && !argued(&FEDERATED) && !told(&FEDERATED);
            signed_here || times(&event.text).is_some_and(|(now, from)| now < from)
        }
        _ => false,
    }
}

/// `text` without its links: the help that an answer points to is named after other cases too.
fn without_links(text: &str) -> String {
    let is_link = |word: &&str| word.contains("https://") || word.contains("http://");
    text.split_whitespace().filter(|word| !is_link(word)).collect::<Vec<_>>().join(" ")
}

/// Entra ID's time, and the first moment of an assertion, by its own account; to the second, so that texts sort as times do.
fn times(text: &str) -> Option<(&str, &str)> {
    let behind = |words: &str| text.split_once(words)?.1.trim_start().get(.."2026-11-02T01:15:09".len());
    Some((behind("Current time:")?, behind("valid from")?))
}

/// Findings of `rule` (on clocks) out of the logs.
pub(super) fn check(context: &Context<'_>, rule: &Rule) -> Vec<Finding> {
    let by_error = runs(context).into_iter().find_map(|run: Run<'_>| {
        let coded = run.aadsts().filter(|(event, code)| is_of_clock(&run, event, *code)).map(|(e, _)| e);
        let event = coded.or_else(|| run.ended_by(|c| c == ErrorClass::ClockSkew).map(|(e, _)| e))?;
        let mut finding = run.finding(context, rule, event);
        finding.severity = run.severity();
        finding.title = run.tell(
            message!(en: "%c: the client's clock or time zone is wrong", ja: "%c: 端末の時計またはタイム ゾーンの誤り"),
        );
        finding.detail = message!(
            en: "The log says so: {}",
            ja: "ログの記録: {}",
            event.text
        );
        Some(finding)
    });
    let by_stamps = context.case.logs().find_map(|(piece, log)| {
        let ahead = log.client_ahead_nanos().filter(|n| n.saturating_abs() >= SKEW_NS_MIN)?;
        let seconds = ahead.saturating_abs() / crate::time::NANOS_PER_SECOND;
        let (en, ja) = if ahead > 0 { ("ahead", "進んでいる") } else { ("behind", "遅れている") };
        let stamp = log.stamps().into_iter().next()?;
        let event = log.attempts.get(stamp.attempt)?.events.get(stamp.event)?;
        Some(Finding {
            title: Message {
                en: format!("The client's clock is {seconds} s {en}"),
                ja: format!("端末の時計が {seconds} 秒{ja}"),
            },
            detail: Message {
                en: format!("By the service's times in the log the client's clock is {seconds} s {en}."),
                ja: format!("ログ中のサービス側の時刻と比べ、端末の時計が {seconds} 秒{ja}。"),
            },
            evidence: vec![context.line(&crate::verdict::log::LogProof::new(piece, event))],
            ..rule.finding()
        })
    });
    by_error.or(by_stamps).into_iter().collect()
}
