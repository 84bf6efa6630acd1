//! Nothing comes back for the ClientHello.

use super::words::{Words, for_hosts, tell_dropped, through};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "silent_after_client_hello",
    severity: Severity::Critical,
    title: Text { en: "No answer to the ClientHello", ja: "ClientHello に応答がない" },
    meaning: Text {
        en: "TCP connected and the ClientHello was sent, but no byte came back. Never acknowledged: something drops the packet with the host name, or packets of its size (MTU). Acknowledged and then silent: a device in the middle holds the connection and gives nothing on, or cannot reach the host itself.",
        ja: "TCP は接続でき ClientHello を送ったが、1 バイトも返らない。ACK もない場合: ホスト名を含むパケット、またはそのサイズのパケット (MTU) が破棄されている。ACK のみある場合: 途中の装置が接続を保持したまま転送していないか、装置自身がホストに到達できていない。",
    },
    blind: Text {
        en: "Silence shorter than three seconds, or a capture that stops, proves nothing and is called inconclusive.",
        ja: "3 秒未満の無応答やキャプチャの終了では証明にならず、判定不能とする。",
    },
    advice: Text {
        en: "Allow the host name (SNI) in the firewall or web filter; check the MTU of the way.",
        ja: "ファイアウォールや Web フィルターでホスト名 (SNI) を許可する。経路の MTU も確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::SilentAfterClientHello, |host, v| {
        let name = &host.name;
        let through = through(v);
        let mut detail = Message {
            en: format!(
                "TCP to {name}{} connects, then nothing comes back for the ClientHello in {waited:.1} s.",
                through.en,
                waited = v.detail.waited_seconds
            ),
            ja: format!(
                "{name}{} への TCP は成立するが、ClientHello に対して {waited:.1} 秒間何も返らない。",
                through.ja,
                waited = v.detail.waited_seconds
            ),
        };
        match v.detail.hello_acked {
            Some(true) => {
                detail.push(message!(
                    en: " It was acknowledged: a device on the way took it and gives nothing back.",
                    ja: "ACK は返っており、途中の装置が受け取ったまま応答していない。",
                ));
            }
            Some(false) => {
                detail.push(message!(
                    en: " It was never acknowledged: the packet itself is dropped.",
                    ja: "ACK もなく、パケット自体が破棄されている。",
                ));
            }
            None => {}
        }
        if let Some(mtu) = v.detail.mtu_value {
            detail.push(message!(en: " ICMP names an MTU of {mtu}.", ja: "ICMP が MTU {mtu} を示している。"));
        }
        tell_dropped(&mut detail, v);
        Words {
            title: message!(en: "Silence after the ClientHello: {name}", ja: "ClientHello の後に無応答: {name}"),
            detail,
            advice: message!(en: "Ask for {name} to be allowed by name in every firewall and filter on the way. If small ClientHellos pass and large ones do not, lower the MTU (or clamp the MSS) on the way out.", ja: "経路上のすべてのファイアウォールとフィルターで {name} を名前で許可する。小さな ClientHello だけが通る場合は、出口の MTU を下げる (または MSS を制限する)。"),
        }
    })
}
