//! The clock of a log differs from the capture's.

use super::{Context, Evidence, Finding, Rule, Severity};
use crate::case::log_join::OffsetBasis;
use crate::lang::{Message, Text};
use crate::message;
use crate::time::NANOS_PER_SECOND;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "log_clock_offset",
    severity: Severity::Info,
    title: Text {
        en: "The log's clock differs from the capture's", ja: "ログとキャプチャの時計に差がある"
    },
    meaning: Text {
        en: "Lines of the log that announce connections are compared with the connections in the capture (or times of the service with its answers, or the start of the command with the first connection); the difference on which most agree is added to the log's times. Whole hours are usually a time zone.",
        ja: "ログの接続開始の行をキャプチャの接続と (またはサービス側の時刻を応答と、コマンドの開始時刻を最初の接続と) 比較し、最も多く一致した差をログの時刻に加えている。差が時間単位の場合は、多くはタイム ゾーンの違いである。",
    },
    blind: Text {
        en: "With few lines to compare, the estimate can be off by the distance between two connections.",
        ja: "比較できる行が少ない場合、接続同士の間隔の分だけずれることがある。",
    },
    advice: Text {
        en: "Keep the difference in mind when reading log and capture side by side.",
        ja: "ログとキャプチャを並べて読むときは、この差を考慮する。",
    },
    check,
};

/// Smaller differences are within the error of the estimate.
const NANOS_MIN: i64 = NANOS_PER_SECOND;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    for clock in &context.case.clocks {
        let Some(offset) = clock.offset.filter(|o| o.nanos.saturating_abs() >= NANOS_MIN) else { continue };
        let path = context.case.pieces.get(clock.piece).map(|p| p.path.clone()).unwrap_or_default();
        let seconds = offset.nanos as f64 / NANOS_PER_SECOND as f64;
        let error = offset.error as f64 / NANOS_PER_SECOND as f64;
        let basis: Message = match offset.basis {
            OffsetBasis::Connections => message!(
                en: "{} lines about connections agree on it.",
                ja: "接続に関する {} 行が一致。",
                offset.matched
            ),
            OffsetBasis::ServerTime => message!(
                en: "Compared by {} times of the service.",
                ja: "サービス側の時刻 {} 件による比較。",
                offset.matched
            ),
            OffsetBasis::WallClock => message!(
                en: "Compared by the start of the command; the zone is taken to the quarter of an hour.",
                ja: "コマンドの開始時刻による比較 (タイム ゾーンは 15 分単位)。",
            ),
        };
        out.push(Finding {
            title: message!(en: "The log's clock: {seconds:+.1} s to the capture's", ja: "ログの時計: キャプチャまで {seconds:+.1} 秒"),
            detail: Message {
                en: format!("{seconds:+.3} s (± {error:.3} s) are added to the log's times. {}", basis.en),
                ja: format!("ログの時刻に {seconds:+.3} 秒 (± {error:.3} 秒) を加えている。{}", basis.ja),
            },
            evidence: vec![Evidence { capture: path, ..Evidence::default() }],
            ..RULE.finding()
        });
    }
    out
}
