//! The evidence cannot tell what became of a host.

use super::words::{Words, for_hosts, peers};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "inconclusive",
    severity: Severity::Warning,
    title: Text { en: "The evidence cannot tell", ja: "この証跡では判定できない" },
    meaning: Text {
        en: "Something was tried, but the capture shows too little of it: it stops too early, holds one direction only, or its packets are cut. No verdict is better than a wrong one.",
        ja: "試行はあるが、キャプチャの情報が不足している (早く終わっている、片方向のみ、パケットが切り詰められているなど)。誤った判定よりも判定しないことを選ぶ。",
    },
    blind: Text {
        en: "A longer or complete capture settles it.",
        ja: "より長い、または完全なキャプチャがあれば判定できる。",
    },
    advice: Text {
        en: "Take the trace again: start it before the command, stop it after the error, both directions, whole packets.",
        ja: "トレースを再取得する (コマンド前に開始、エラー後に停止、両方向、パケット全体)。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::Inconclusive, |host, v| {
        let name = &host.name;
        let peers = peers(host, v);
        let detail = if peers.is_empty() {
            message!(en: "{name} was tried; the capture does not show how it ended.", ja: "{name} への試行はあるが、キャプチャからは結果が分からない。")
        } else {
            message!(en: "{name} was tried at {peers}; the capture does not show how it ended.", ja: "{name} ({peers}) への試行はあるが、キャプチャからは結果が分からない。")
        };
        Words {
            title: message!(en: "Cannot tell what became of {name}", ja: "{name} への通信がどうなったか判定できない"),
            detail,
            advice: message!(en: "Take the trace again so that it covers the whole attempt on {name}.", ja: "{name} への試行全体を含むトレースを再取得する。"),
        }
    })
}
