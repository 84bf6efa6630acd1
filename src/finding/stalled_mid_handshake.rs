//! The handshake began and stopped for want of packets.

use super::words::{Words, for_hosts, through};
use super::{Context, Finding, Rule, Severity};
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::Verdict;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "stalled_mid_handshake",
    severity: Severity::Critical,
    title: Text {
        en: "The TLS handshake stalls: packets of it never arrive",
        ja: "TLS ハンドシェイクが停止: 一部のパケットが届かない",
    },
    meaning: Text {
        en: "Connection and ClientHello went through, but part of the handshake never arrived and the client waited in vain. Where small segments arrive and full-size ones do not (duplicate ACKs with SACK holes), the way has a smaller MTU than the ends believe and the ICMP messages that would say so are lost: an MTU black hole, usual on VPNs and tunnels.",
        ja: "接続と ClientHello は通ったが、ハンドシェイクの一部が届かず、クライアントは待ち続けた。小さなセグメントだけが届き最大長のものが届かない場合 (SACK の穴を示す重複 ACK)、経路の MTU が両端の想定より小さく、それを知らせる ICMP も失われている (MTU ブラックホール)。VPN やトンネルで多い。",
    },
    blind: Text {
        en: "Loss of packets in the capture itself looks alike; holes that the other side acknowledged are not counted.",
        ja: "キャプチャ自体の取りこぼしも似て見えるが、相手が ACK した穴は数えていない。",
    },
    advice: Text {
        en: "Lower the MTU or clamp the MSS on the VPN or tunnel; let ICMP \"fragmentation needed\" pass.",
        ja: "VPN やトンネルの MTU を下げるか MSS を制限し、ICMP「フラグメント必要」を通す。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::StalledMidHandshake, |host, v| {
        let name = &host.name;
        let through = through(v);
        let mut detail = Message {
            en: format!(
                "The handshake with {name}{} began, then no progress for {waited:.1} s.",
                through.en,
                waited = v.detail.waited_seconds
            ),
            ja: format!(
                "{name}{} とのハンドシェイクが始まった後、{waited:.1} 秒間進行しない。",
                through.ja,
                waited = v.detail.waited_seconds
            ),
        };
        if v.detail.mtu {
            detail.push(message!(
                en: " Later, smaller segments arrived while full-size ones are missing: the sign of an MTU black hole.",
                ja: "後続の小さなセグメントは届くのに最大長のものが欠けており、MTU ブラックホールの特徴を示す。",
            ));
        }
        if let Some(mtu) = v.detail.mtu_value {
            detail.push(message!(en: " ICMP names an MTU of {mtu}.", ja: "ICMP が MTU {mtu} を示している。"));
        }
        Words {
            title: message!(en: "The TLS handshake with {name} stalls", ja: "{name} との TLS ハンドシェイクが停止"),
            detail,
            advice: message!(en: "Lower the MTU of the client's way to {name} (try 1300 on the interface) or clamp the MSS on the VPN gateway, and allow ICMP type 3 code 4 (IPv6: packet too big).", ja: "{name} への経路の MTU を下げる (インターフェイスで 1300 などを試す)、または VPN ゲートウェイで MSS を制限し、ICMP タイプ 3 コード 4 (IPv6: Packet Too Big) を許可する。"),
        }
    })
}
