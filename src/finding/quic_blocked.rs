//! QUIC gets no answer; the client goes on over TCP.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "quic_blocked",
    severity: Severity::Info,
    title: Text { en: "QUIC (UDP 443) is not answered", ja: "QUIC (UDP 443) に応答がない" },
    meaning: Text {
        en: "Browsers try QUIC first. Without an answer they use TCP, which costs a moment and nothing else. Many networks block UDP 443 on purpose.",
        ja: "ブラウザーはまず QUIC を試し、応答がなければ TCP を使う。わずかに遅くなるだけで支障はない。UDP 443 を意図的に遮断しているネットワークは多い。",
    },
    blind: Text { en: "az and PowerShell do not use QUIC.", ja: "az と PowerShell は QUIC を使わない。" },
    advice: Text { en: "Nothing to do for the sign-in.", ja: "サインインのための対処は不要。" },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let silent = context.hosts().filter(|(_, v)| v.judged.iter().any(|j| j.detail.quic_unanswered));
    silent
        .map(|(host, _)| {
            let name = &host.name;
            Finding {
                host: Some(name.clone()),
                title: message!(en: "QUIC to {name} is not answered", ja: "{name} への QUIC に応答がない"),
                detail: message!(
                    en: "The QUIC Initials to {name} stay without an answer; TCP is judged on its own.",
                    ja: "{name} への QUIC Initial に応答がない。TCP は別に判定している。",
                ),
                filter: super::words::display_filter(context.case, host),
                ..RULE.finding()
            }
        })
        .collect()
}
