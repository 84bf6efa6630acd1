//! A wrong clock, as debug logs tell it; belongs to the finding on clocks.

use super::logs::{Run, runs};
use super::{Context, Finding, Rule};
use crate::facts::log::ErrorClass;
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::lang::Message;
use crate::message;

/// Tokens and assertions are accepted within five minutes.
const SKEW_NS_MIN: i64 = 300 * crate::time::NANOS_PER_SECOND;

/// Findings of `rule` (on clocks) out of the logs.
pub(super) fn check(context: &Context<'_>, rule: &Rule) -> Vec<Finding> {
    let by_error = runs(context).into_iter().find_map(|run: Run<'_>| {
        let coded = run.aadsts().filter(|(_, code)| error_group(*code) == ErrorGroup::Clock).map(|(e, _)| e);
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
