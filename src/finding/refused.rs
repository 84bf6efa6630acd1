//! A RST in answer to the SYN: nobody listens there, or a device refuses in the host's name.

use super::words::{
    Words, for_dead_proxy, for_hosts, for_metadata_service, peers, port_list, tell_breaker, tell_dropped,
};
use super::{Context, Finding, Rule, Severity};
use crate::case::{Case, HostStory};
use crate::knowledge;
use crate::lang::{Message, Text};
use crate::message;
use crate::verdict::{HostVerdict, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "refused",
    severity: Severity::Critical,
    title: Text { en: "The TCP connection is refused", ja: "TCP 接続が拒否されている" },
    meaning: Text {
        en: "The SYN was answered by a RST (or the connection was accepted and reset before a byte was said). A host without a listener does so; a firewall set to reject does the same in the host's name. The distance of the RST (its TTL) against other packets from there tells which, where there are any.",
        ja: "SYN に対して RST が返った (または受付直後、データの前に RST された)。待ち受けのないホストの動作だが、拒否設定のファイアウォールもホストを装って同じ応答をする。他のパケットがあれば TTL による距離の比較でどちらかが分かる。",
    },
    blind: Text {
        en: "Without any other packet from that address the sender of the RST cannot be told.",
        ja: "そのアドレスからの他のパケットがなければ、RST の送信者は特定できない。",
    },
    advice: Text {
        en: "Allow the port that was tried (mostly TCP 443) to the host; for a proxy, check its name, port and that it runs.",
        ja: "ホストへの、試行されたポート (通常は TCP 443) を許可する。プロキシの場合は名前・ポート・稼働状況を確認する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::Refused, |host, v| {
        let name = &host.name;
        let peers = peers(host, v);
        let mut detail = message!(en: "{peers} answered the SYN with a RST.", ja: "{peers} が SYN に RST を返した。");
        if v.detail.accepted_first {
            detail = message!(en: "{peers} accepted the connection and reset it before a byte was said.", ja: "{peers} は接続を受け付けたが、データの前に RST した。");
        }
        tell_breaker(&mut detail, v);
        tell_dropped(&mut detail, v);
        Words {
            title: message!(en: "Connection refused: {name}", ja: "接続拒否: {name}"),
            detail,
            advice: for_metadata_service(host)
                .or_else(|| for_dead_proxy(context.case, host, v))
                .unwrap_or_else(|| allow(context.case, host, v)),
        }
    })
}

/// What to do about a server that refuses: of Microsoft's own hosts all listen, so that something on the way refuses.
fn allow(case: &Case, host: &HostStory, v: &HostVerdict) -> Message {
    let (name, ports) = (&host.name, port_list(case, host, v));
    let known = host.endpoint.is_some() || knowledge::is_microsoft_host(name) || knowledge::is_entra_address(name);
    if known {
        return message!(
            en: "Allow TCP {ports} to {name} in the firewall that rejects it.",
            ja: "拒否しているファイアウォールで {name} への TCP {ports} を許可する。",
        );
    }
    message!(
        en: "If {name} is a proxy or an internal server: check that it runs and that name and port ({ports}) are right (variables such as HTTPS_PROXY may be left over from another network). If not: allow TCP {ports} to {name} in the firewall that rejects it.",
        ja: "{name} がプロキシや社内サーバーの場合は、稼働状況と名前・ポート ({ports}) を確認する (HTTPS_PROXY などの変数が別ネットワークの設定のまま残っていることがある)。それ以外の場合は、拒否しているファイアウォールで {name} への TCP {ports} を許可する。",
    )
}
