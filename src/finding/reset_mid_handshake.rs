//! The connection is broken after the ServerHello, before the handshake is complete.

use super::words::{Words, for_hosts, tell_breaker, through};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "reset_mid_handshake",
    severity: Severity::Critical,
    title: Text {
        en: "The connection is broken in the middle of the TLS handshake",
        ja: "TLS ハンドシェイクの途中で接続が切断されている",
    },
    meaning: Text {
        en: "A ServerHello came, then a RST (or a close) before the handshake completed and without an alert. Devices that inspect the server's certificate or the chosen parameters break connections at this point; so does an overloaded server.",
        ja: "ServerHello は届いたが、ハンドシェイク完了前にアラートなしで RST (または切断) された。サーバー証明書や選択されたパラメーターを検査する装置がこの段階で切断する。過負荷のサーバーでも起こる。",
    },
    blind: Text {
        en: "Whether the server or a device broke it can be told only where the TTL differs.",
        ja: "切断したのがサーバーか装置かは、TTL に差がある場合にしか分からない。",
    },
    advice: Text {
        en: "Exempt the host from inspection on the way; if nothing inspects, try again later.",
        ja: "経路上のインスペクションから除外する。検査装置がない場合は時間をおいて再試行する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::ResetMidHandshake, |host, v| {
        let name = &host.name;
        let through = through(v);
        let mut detail = Message {
            en: format!(
                "{name}{} answered with a ServerHello, then the connection was broken before the handshake was complete.",
                through.en
            ),
            ja: format!("{name}{} から ServerHello は届いたが、ハンドシェイク完了前に接続が切断された。", through.ja),
        };
        tell_breaker(&mut detail, v);
        Words {
            title: message!(en: "Broken in the TLS handshake: {name}", ja: "TLS ハンドシェイク中に切断: {name}"),
            detail,
            advice: message!(en: "Exempt {name} from TLS inspection in the firewalls and proxies on the way, and look in their logs at the time shown.", ja: "経路上のファイアウォールとプロキシで {name} を TLS インスペクションの対象から除外し、表示の時刻のログを確認する。"),
        }
    })
}
