//! No packet of the capture is about a host of the sign-in.

use super::{Context, Finding, Rule, Severity};
use crate::case::Role;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "no_entra_traffic",
    severity: Severity::Warning,
    title: Text { en: "No traffic to Entra at all", ja: "Entra への通信がまったくない" },
    meaning: Text {
        en: "The capture holds packets, but neither a DNS question, a connection nor a proxy request for any host of the sign-in. The command failed before the network (a broken file, a stale cache), ran on another machine or at another time, or its traffic is hidden in a VPN or behind a local proxy.",
        ja: "キャプチャにパケットはあるが、サインインに関わるホストへの DNS 問い合わせ・接続・プロキシ要求がない。コマンドがネットワーク以前に失敗した (ファイル破損、古いキャッシュなど)、別の端末・時刻で実行された、または通信が VPN やローカル プロキシに隠れている。",
    },
    blind: Text {
        en: "Names in TLS with Encrypted ClientHello and DNS over HTTPS are not visible.",
        ja: "Encrypted ClientHello や DNS over HTTPS を使う通信の名前は見えない。",
    },
    advice: Text {
        en: "Take the trace again on the machine that runs the command, with its DNS cache cleared, and send the debug log with it.",
        ja: "コマンドを実行する端末で DNS キャッシュを消去してトレースを再取得し、デバッグ ログも添付する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let frames: u64 = context.case.captures().map(|(_, c)| c.info.frames).sum();
    let asked = context.case.hosts.iter().any(|h| h.role == Role::Service);
    let way_out = context.hosts().any(|(h, v)| h.role == Role::Proxy && v.verdict.is_fault());
    if frames == 0 || asked || way_out {
        return Vec::new();
    }
    vec![Finding {
        title: message!(en: "No traffic to any host of the sign-in", ja: "サインインに関わるホストへの通信がない"),
        detail: message!(
            en: "{frames} frames, none of them a DNS question, connection or proxy request for a host that az login, Connect-AzAccount or Connect-MgGraph uses.",
            ja: "{frames} フレーム中に、az login・Connect-AzAccount・Connect-MgGraph が使うホストへの DNS 問い合わせ・接続・プロキシ要求がない。",
        ),
        ..RULE.finding()
    }]
}
