//! An ICMP error quotes the connection: a router or firewall says that it will not pass it.

use super::words::{Words, for_hosts, for_metadata_service, port_list};
use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "icmp_unreachable",
    severity: Severity::Critical,
    title: Text {
        en: "ICMP says the host cannot be reached", ja: "ICMP により到達不能と通知されている"
    },
    meaning: Text {
        en: "A router, firewall or host answered the connection attempt with an ICMP error that quotes it. Code 13 (administratively prohibited), 9 and 10 are firewalls; 0 and 1 are routing; 3 is a closed port. The sender's address names the device.",
        ja: "ルーター、ファイアウォール、またはホストが、接続を引用した ICMP エラーを返した。コード 13 (管理上の禁止)・9・10 はファイアウォール、0・1 は経路の問題、3 はポート閉鎖。送信元アドレスが装置を示す。",
    },
    blind: Text {
        en: "ICMP is not authenticated; an error that arrives while the connection works all the same is ignored.",
        ja: "ICMP は認証されない。通信が成立している間に届くエラーは無視している。",
    },
    advice: Text {
        en: "Ask who runs the device that sent the ICMP error to allow the host.",
        ja: "ICMP を送った装置の管理者に、ホストへの通信の許可を依頼する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::IcmpUnreachable, |host, v| {
        let name = &host.name;
        let ports = port_list(context.case, host, v);
        let (kind, code, sender) = v.detail.icmp.map_or((0, 0, String::new()), |(k, c, s)| (k, c, s.to_string()));
        let detail = message!(en: "{sender} answered the connection to {name} with ICMP type {kind} code {code}.", ja: "{sender} が {name} への接続に ICMP タイプ {kind} コード {code} を返した。");

        Words {
            title: message!(en: "{name} cannot be reached: ICMP error", ja: "{name} に到達不能: ICMP エラー"),
            detail,
            advice: for_metadata_service(host).unwrap_or_else(|| message!(en: "Ask who runs {sender} to allow TCP {ports} to {name}.", ja: "{sender} の管理者に、{name} への TCP {ports} の許可を依頼する。")),
        }
    })
}
