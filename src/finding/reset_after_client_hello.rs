//! A reset follows the ClientHello: a filter that reads the host name in it.

use super::words::{Words, authorities, for_hosts, tell_breaker, tell_dropped, through};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "reset_after_client_hello",
    severity: Severity::Critical,
    title: Text {
        en: "The connection is reset once the ClientHello is sent",
        ja: "ClientHello の送信後に接続が RST されている",
    },
    meaning: Text {
        en: "TCP connected, the client sent its ClientHello, and a RST came instead of a ServerHello. The address is reachable; what is refused is the name (SNI) in the ClientHello. Firewalls and web filters with a rule on host names or categories do this.",
        ja: "TCP は接続でき、ClientHello を送った直後に ServerHello ではなく RST が返った。アドレスには到達できており、拒否されているのは ClientHello 内の名前 (SNI)。ホスト名やカテゴリの規則を持つファイアウォールや Web フィルターの動作。",
    },
    blind: Text {
        en: "A server that resets by itself looks the same where the TTL does not differ. A capture at the other end of the firewall would tell.",
        ja: "TTL に差がない場合、サーバー自身による RST と区別できない。ファイアウォール反対側のキャプチャがあれば判別できる。",
    },
    advice: Text {
        en: "Allow the host name (SNI) in the firewall or web filter.",
        ja: "ファイアウォールまたは Web フィルターでホスト名 (SNI) を許可する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ResetAfterClientHello, |host, v| {
        let name = &host.name;
        let https = authorities(context.case, host, v);
        let through = through(v);
        let mut detail = Message {
            en: format!(
                "TCP to the address of {name}{} works, but the ClientHello that names it is answered by a RST.",
                through.en
            ),
            ja: format!(
                "{name}{} のアドレスへの TCP は成立するが、その名前を含む ClientHello に RST が返る。",
                through.ja
            ),
        };
        tell_breaker(&mut detail, v);
        tell_dropped(&mut detail, v);
        Words {
            title: message!(en: "Reset after the ClientHello: {name}", ja: "ClientHello の後に RST: {name}"),
            detail,
            advice: message!(en: "Allow {name} (allow-list entry: {https}, TLS) in the firewall or web filter by name or category, and exempt it from inspection.", ja: "ファイアウォールや Web フィルターで {name} を名前またはカテゴリで許可し (許可リスト: {https}、TLS)、インスペクションの対象から除外する。"),
        }
    })
}
