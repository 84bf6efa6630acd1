//! The debug log tells of a failed connection, and the capture holds no packet of it.

use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::ErrorClass;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "log_without_traffic",
    severity: Severity::Warning,
    title: Text {
        en: "The log tells of a failure that left no packet", ja: "ログの失敗に対応するパケットがない"
    },
    meaning: Text {
        en: "The capture holds neither a question for the host's name nor a connection to it. Either the failure came before the network (a local filter, a security product, a broken setting), or the capture did not see this traffic (another interface, WSL or a container, another time).",
        ja: "キャプチャには、ホスト名の問い合わせも接続も含まれない。通信前の失敗 (端末内のフィルター、セキュリティ製品、設定の誤り) か、この通信が採取されていない (別インターフェイス、WSL やコンテナー、別の時刻) かのいずれかである。",
    },
    blind: Text {
        en: "A name that was in the resolver's cache needs no question.",
        ja: "名前がキャッシュにある場合、問い合わせは発生しない。",
    },
    advice: Text {
        en: "Collect log and capture together on the same machine, all interfaces; check local firewalls and security products.",
        ja: "同じ端末の全インターフェイスで、ログとキャプチャを同時に採取する。端末内のファイアウォールやセキュリティ製品も確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    if context.case.captures().next().is_none() {
        return Vec::new();
    }
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context).into_iter().filter(|r| r.standing) {
        let Some((event, class)) = run.cause() else { continue };
        let local = class == ErrorClass::BlockedLocally;
        if !class.is_network() && !local || crate::case::log_join::before_proxy(run.attempt, class) {
            continue;
        }
        let Some(name) = event.host.as_deref() else { continue };
        let Some(host) = context.case.host(name) else { continue };
        if !host.attempts.is_empty() || !host.lookups.is_empty() || out.iter().any(|f| f.host.as_deref() == Some(name))
        {
            continue;
        }
        let mut finding = run.finding(context, &RULE, event);
        finding.title = if local {
            message!(en: "{name}: forbidden on the client itself, before the network", ja: "{name}: 通信前に端末内で接続が禁止された")
        } else {
            message!(en: "{name}: an error without any traffic", ja: "{name}: 通信を伴わないエラー")
        };
        finding.detail = message!(
            en: "Line {} of the log: {}. The capture holds no question for {name} and no connection to it: the failure came before the network, or outside the capture.",
            ja: "ログの {} 行目: {}。キャプチャには {name} の名前解決も接続もない。失敗は通信前に起きたか、採取の対象外である。",
            event.line, event.text
        );
        out.push(finding);
    }
    out
}
