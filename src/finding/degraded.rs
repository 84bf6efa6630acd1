//! The host was reached in the end, but part of the way failed.

use super::words::{Words, for_hosts};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "degraded",
    severity: Severity::Warning,
    title: Text {
        en: "Reached in the end, but part of the way fails",
        ja: "最終的に到達したが、経路の一部に障害がある",
    },
    meaning: Text {
        en: "The host was reached, after attempts that failed and cost time: a dead address among several, an IPv6 path that leads nowhere, a resolver that does not answer; or an answer came three seconds late or more. The sign-in works, slowly; it will fail where a client does not try the next address.",
        ja: "失敗した試行で時間を失った後、ホストに到達した (複数アドレスの一部が停止、IPv6 経路の不通、応答しないリゾルバーなど)。または応答に 3 秒以上かかった。サインインは動作するが遅く、次のアドレスを試さないクライアントでは失敗する。",
    },
    blind: Text {
        en: "Time lost before the capture began is not seen.", ja: "キャプチャ開始前の遅延は見えない。"
    },
    advice: Text {
        en: "Repair the part that fails: the address, IPv6, or the resolver.",
        ja: "障害のある部分 (アドレス、IPv6、リゾルバー) を修復する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::Degraded, |host, v| {
        let name = &host.name;
        let (failed, delay) = (v.troubled.len(), v.delay_seconds.unwrap_or(0.0));
        if v.by_log {
            // A log tells of failures and of the answer, and no times that compare.
            return Words {
                title: message!(en: "{name} was reached, but an earlier try failed", ja: "{name} には到達したが、その前の試行が失敗"),
                detail: message!(en: "The debug log tells of a failed try and of an answer of {name} after it.", ja: "デバッグ ログに、失敗した試行とその後の {name} からの応答が記録されている。"),
                advice: message!(en: "Look at the failed try in the log; if it comes back, take a trace of it: what fails now and then shows only there.", ja: "ログの失敗した試行を確認する。再発する場合は、その時のトレースを取得する。時々起きる失敗の原因はトレースでしか分からない。"),
            };
        }
        if failed == 0 {
            return Words {
                title: message!(en: "{name} works, {delay:.1} s late", ja: "{name} には到達するが {delay:.1} 秒遅い"),
                detail: message!(en: "{name} was reached and nothing failed, but answers let the client wait: {delay:.1} s, where a healthy way takes well under one. Slow is not broken; a client with a short time limit gives up here all the same.", ja: "{name} には到達しており失敗もないが、応答に {delay:.1} 秒かかっている (通常は 1 秒未満)。遅いだけで不通ではないが、待ち時間の短いクライアントはここで失敗する。"),
                advice: message!(en: "Find out at the frames listed who is late: the resolver, the proxy (its load, its own way to the host), or the path (loss, a scanner that holds the first packets).", ja: "一覧のフレームで遅延の箇所を確認する: リゾルバー、プロキシ (負荷、ホストまでの経路)、経路 (パケット損失、最初のパケットを保留する検査装置) のいずれか。"),
            };
        }
        let worked = v.attempt.and_then(|i| host.attempts.get(i)).map(|a| a.start.time);
        let began = |i: &usize| host.attempts.get(*i).map(|a| a.start.time);
        if v.troubled.iter().all(|i| began(i) > worked) {
            return Words {
                title: message!(en: "{name} worked, then an attempt failed", ja: "{name} には到達したが、その後の試行が失敗"),
                detail: message!(en: "{name} was reached; of the attempts after that {failed} failed, and none shows whether it worked again. One alone may be an idle connection or a passing loss.", ja: "{name} には到達したが、その後 {failed} 回の試行が失敗しており、再び到達できたかどうかは分からない。1 回だけであれば、アイドル接続の切断や一時的な損失の可能性もある。"),
                advice: message!(en: "If the command failed at the time of the frames listed, repeat it with a trace running: what fails again is the cause.", ja: "コマンドが一覧のフレームの時刻に失敗していた場合は、トレースを取得しながら再実行する。再び失敗する箇所が原因である。"),
            };
        }
        let detail = message!(en: "{name} was reached, but earlier attempts failed ({failed}) and cost {delay:.1} s.", ja: "{name} には到達したが、その前に {failed} 回の試行が失敗し {delay:.1} 秒を要した。");

        Words {
            title: message!(en: "{name} works after {delay:.1} s of failures", ja: "{name} は {delay:.1} 秒の失敗の後に到達"),
            detail,
            advice: message!(en: "Look at the failing attempts listed: allow or repair those addresses; if they are IPv6 addresses, repair or switch off IPv6 on that network; if it is a resolver, remove it from the client's settings.", ja: "一覧の失敗した試行を確認し、該当アドレスを許可・修復する。IPv6 アドレスの場合はそのネットワークの IPv6 を修復または無効化し、リゾルバーの場合は端末の設定から外す。"),
        }
    })
}
