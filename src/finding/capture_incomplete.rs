//! The capture itself lacks packets or bytes.

use super::{Context, Finding, Rule, Severity};
use crate::case::Watch;
use crate::lang::Message;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "capture_incomplete",
    severity: Severity::Info,
    title: Text { en: "The capture is incomplete", ja: "キャプチャが不完全" },
    meaning: Text {
        en: "The capture holds gaps that are not the network's: packets that the other side acknowledged though they are not in the file, packets the capturing system says it lost, a file that ends in the middle, packets cut by the snap length, or only one direction. Verdicts that such gaps could fake are not given.",
        ja: "ネットワークではなくキャプチャ自体に欠落がある (相手が ACK したのにファイルにないパケット、取得側が報告した取りこぼし、途中で終わるファイル、スナップ長による切り詰め、片方向のみ)。欠落で誤る可能性のある判定は行わない。",
    },
    blind: Text {
        en: "How much is missing before the first packet cannot be known.",
        ja: "最初のパケットより前の欠落は分からない。",
    },
    advice: Text {
        en: "Take the trace again with whole packets and a larger buffer, on the client itself.",
        ja: "端末上で、パケット全体を対象に、より大きなバッファーで再取得する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    context
        .case
        .captures()
        .filter_map(|(piece, capture)| {
            let mut lacks: Vec<Message> = Vec::new();
            let (mut missed, mut cut) = (0u64, 0u64);
            for flow in &capture.flows {
                let sides = flow.sides.iter().map(|s| (s.missed_bytes, s.cut_bytes));
                for (m, c) in sides.chain(flow.crowd.iter().map(|c| (c.missed_bytes, c.cut_bytes))) {
                    (missed, cut) = (missed.saturating_add(m), cut.saturating_add(c));
                }
            }
            let lost = capture.info.lost;
            if missed > 0 {
                lacks.push(message!(en: "{missed} bytes were acknowledged but not captured", ja: "ACK されたのに記録されていないデータが {missed} バイト"));
            }
            if lost > 0 {
                lacks.push(message!(en: "the capturing system lost {lost} packets or events", ja: "取得側の取りこぼしが {lost} 件"));
            }
            if cut > 0 {
                lacks.push(message!(en: "{cut} bytes were cut off by the snap length", ja: "スナップ長で切り詰められたデータが {cut} バイト"));
            }
            if capture.info.truncated {
                lacks.push(message!(en: "the file ends in the middle of a record", ja: "ファイルがレコードの途中で終わっている"));
            }
            if context.case.watch(piece).is_some_and(Watch::is_one_directional) {
                lacks.push(message!(en: "only one direction was captured", ja: "片方向しか記録されていない"));
            }
            if lacks.is_empty() {
                return None;
            }
            let en: Vec<&str> = lacks.iter().map(|m| m.en.as_str()).collect();
            let ja: Vec<&str> = lacks.iter().map(|m| m.ja.as_str()).collect();
            let path = context.case.pieces.get(piece).map_or("", |p| p.path.as_str());
            Some(Finding {
                title: message!(en: "{path} is incomplete", ja: "{path} は不完全"),
                detail: Message { en: format!("{}.", en.join("; ")), ja: format!("{}。", ja.join("、")) },
                ..RULE.finding()
            })
        })
        .collect()
}
