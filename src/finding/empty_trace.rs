//! A trace without a single packet, explained.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "empty_trace",
    severity: Severity::Warning,
    title: Text { en: "The trace holds no packets", ja: "トレースにパケットがない" },
    meaning: Text {
        en: "The file is a trace, but no packet event is in it. Which providers and records it does hold tells why: capture=yes was missing, only counters were written, the file was cut or overwritten, or it is the trace of something else.",
        ja: "トレース ファイルだがパケットのイベントがない。含まれているプロバイダーや記録から理由が分かる (capture=yes の付け忘れ、カウンターのみ、切り詰めや上書き、別の目的のトレースなど)。",
    },
    blind: Text {
        en: "Packets in a provider that is not known here would be missed.",
        ja: "未知のプロバイダーのパケットは見落とす可能性がある。",
    },
    advice: Text {
        en: "Take a new trace: netsh trace start capture=yes maxSize=2000M, the command, netsh trace stop.",
        ja: "トレースを再取得する: netsh trace start capture=yes maxSize=2000M、コマンド実行、netsh trace stop。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .case
        .captures()
        .filter(|(_, c)| c.info.frames == 0)
        .map(|(piece, capture)| {
            let path = context.case.pieces.get(piece).map_or("", |p| p.path.as_str());
            let why = capture.info.no_packets_because.clone().unwrap_or_else(
                || message!(en: "The capture file is valid and empty.", ja: "キャプチャ ファイルは正常だが空である。"),
            );
            Finding {
                title: message!(en: "{path} holds no packets", ja: "{path} にパケットがない"),
                detail: why,
                ..RULE.finding()
            }
        })
        .collect()
}
