//! Log and capture are not of the same time.

use super::{Context, Evidence, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "evidence_apart",
    severity: Severity::Warning,
    title: Text {
        en: "Log and capture are not of the same time", ja: "ログとキャプチャの時刻が一致しない"
    },
    meaning: Text {
        en: "All absolute times in the log lie more than ten minutes outside every capture of the case, and no connection of a capture fits a line of the log. They are of different attempts, so neither explains the other.",
        ja: "ログの時刻がすべて、どのキャプチャの範囲からも 10 分以上外れており、ログの行に対応する接続もない。別々の試行の証跡であり、互いの説明にならない。",
    },
    blind: Text {
        en: "A machine whose clock was set between the two shows the same.",
        ja: "両者の間に端末の時計が変更された場合も同じように見える。",
    },
    advice: Text {
        en: "Collect both during one attempt: start the trace, run the command with its debug option, stop the trace.",
        ja: "1 回の試行で両方を採取する: トレース開始、デバッグ オプション付きでコマンド実行、トレース停止。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for clock in &context.case.clocks {
        let Some(time) = clock.apart else { continue };
        let path = context.case.pieces.get(clock.piece).map(|p| p.path.clone()).unwrap_or_default();
        let spans: Vec<(String, String)> = context
            .case
            .captures()
            .filter_map(|(_, c)| Some((c.info.earliest?.to_string(), c.info.latest?.to_string())))
            .collect();
        let Some((first, last)) = spans.first() else { continue };
        out.push(Finding {
            detail: message!(
                en: "The log speaks of {time}, the capture runs from {first} to {last}.",
                ja: "ログの時刻は {time}、キャプチャは {first} から {last} まで。",
            ),
            evidence: vec![Evidence {
                capture: path,
                time: Some(time),
                text: message!(en: "first absolute time of the log", ja: "ログの最初の絶対時刻"),
                ..Evidence::default()
            }],
            ..RULE.finding()
        });
    }
    out
}
