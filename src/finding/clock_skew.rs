//! The client's clock is wrong.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use crate::verdict::Proof;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "clock_skew",
    severity: Severity::Warning,
    title: Text { en: "The client's clock is wrong", ja: "端末の時計がずれている" },
    meaning: Text {
        en: "HTTP answers in clear carry the sender's time (Date). Compared with the time of capture, the client's clock is off by more than tokens and certificates tolerate (five minutes). Typical on machines that slept, and in WSL.",
        ja: "平文の HTTP 応答には送信側の時刻 (Date) が含まれる。キャプチャ時刻と比べて、トークンや証明書の許容範囲 (5 分) を超えるずれがある。スリープ後の端末や WSL で多い。",
    },
    blind: Text {
        en: "A cached answer carries an old Date; the smallest difference of several answers is used. A capture without a clock (time stamps before 2015) is not compared.",
        ja: "キャッシュされた応答の Date は古い。複数の応答のうち最小の差を使う。時計のないキャプチャ (タイムスタンプが 2015 年より前) は比較しない。",
    },
    advice: Text {
        en: "Set the clock (w32tm /resync, or restart WSL) and try again.",
        ja: "時計を合わせて (w32tm /resync、WSL の再起動) 再試行する。",
    },
    check,
};

/// Before 2015-01-01 no machine signed in that these captures are of: such time stamps (zero, or the time since the start of
/// a device) are those of a capture without a clock, and say nothing of the client's.
const CLOCKS_BEGIN: Timestamp = Timestamp(1_420_070_400 * NANOS_PER_SECOND);

/// Entra and Kerberos tolerate five minutes.
const SKEW_SECONDS_MIN: f64 = 300.0;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let told = super::log_clock::check(context, &RULE);
    if told.is_empty() { by_packets(context) } else { told }
}

fn by_packets(context: &Context<'_>) -> Vec<Finding> {
    let mut best: Option<(f64, usize, u32, crate::packet::At)> = None;
    for (piece, capture) in context.case.captures() {
        for flow in &capture.flows {
            for exchange in &flow.app.http {
                let (Some(date), Some(at)) = (exchange.date, exchange.response_at) else { continue };
                if at.time < CLOCKS_BEGIN {
                    continue;
                }
                let off = at.time.seconds_since(date);
                if best.is_none_or(|(b, ..)| off.abs() < b.abs()) {
                    best = Some((off, piece, flow.stream, at));
                }
            }
        }
    }
    let Some((off, piece, stream, at)) = best.filter(|(off, ..)| off.abs() >= SKEW_SECONDS_MIN) else {
        return Vec::new();
    };
    let seconds = off.abs();
    let (en, ja) = if off > 0.0 { ("ahead", "進んでいる") } else { ("behind", "遅れている") };
    let proof = Proof::new(at, message!(en: "Date header of this answer", ja: "この応答の Date ヘッダー"));
    vec![Finding {
        title: crate::lang::Message {
            en: format!("The client's clock is {seconds:.0} s {en}"),
            ja: format!("端末の時計が {seconds:.0} 秒{ja}"),
        },
        detail: crate::lang::Message {
            en: format!("By the Date of the nearest HTTP answer the client's clock is {seconds:.0} s {en}."),
            ja: format!("最も近い HTTP 応答の Date と比べ、端末の時計が {seconds:.0} 秒{ja}。"),
        },
        evidence: vec![context.evidence(piece, Some(stream), &proof)],
        ..RULE.finding()
    }]
}
