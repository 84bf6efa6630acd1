//! SYNs to a host without any answer: a firewall drops them, or the route leads nowhere.

use super::words::{
    Words, authorities, for_dead_proxy, for_hosts, for_metadata_service, peers, port_list, tell_dropped,
};
use super::{Context, Finding, Rule, Severity};
use crate::case::{Case, HostStory};
use crate::lang::{Message, Text, plural};
use crate::message;
use crate::verdict::{HostVerdict, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "syn_no_answer",
    severity: Severity::Critical,
    title: Text {
        en: "TCP connection attempts are dropped without an answer",
        ja: "TCP 接続要求が応答なしに破棄されている",
    },
    meaning: Text {
        en: "The client repeated its SYN and neither a SYN-ACK, a RST nor an ICMP error came back, while the capture shows answers to other traffic of the same client. Packets are dropped silently on the way: usually a firewall rule, sometimes a missing route or a dead address.",
        ja: "クライアントは SYN を再送しているが、SYN-ACK も RST も ICMP エラーも返っていない。同じクライアントの他の通信には応答がある。経路上でパケットが黙って破棄されており、多くはファイアウォールの規則、まれに経路の欠落や停止中のアドレスが原因。",
    },
    blind: Text {
        en: "A capture that holds only one direction, or that ends within three seconds of the first SYN, cannot show this. A SYN-ACK in a capture taken at the firewall's outside would move the fault to the inside.",
        ja: "片方向だけのキャプチャや、最初の SYN から 3 秒以内に終わるキャプチャでは判定できない。ファイアウォール外側のキャプチャに SYN-ACK があれば、原因は内側にある。",
    },
    advice: Text {
        en: "Allow the port that was tried (mostly TCP 443) from the client to this host, by name where the firewall can, else to its published address ranges.",
        ja: "クライアントからこのホストへの、試行されたポート (通常は TCP 443) を許可する。可能なら名前で、できなければ公開されているアドレス範囲で許可する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    for_hosts(context, &RULE, Verdict::SynNoAnswer, |host, v| {
        let name = &host.name;
        let dead = || host.attempts.iter().zip(&v.judged).filter(|(_, j)| j.verdict == Some(Verdict::SynNoAnswer));
        let syns: u32 = dead().map(|(_, j)| j.detail.syn_count).sum();
        let first = dead().map(|(a, _)| a.start.time).min().unwrap_or_default();
        let waited =
            dead().map(|(a, j)| a.start.time.seconds_since(first) + j.detail.waited_seconds).fold(0.0, f64::max);
        let s = plural(syns.into());
        let mut detail = message!(
            en: "{syns} SYN{s} to {peers} in {waited:.1} s, no SYN-ACK, no RST, no ICMP error. Other traffic of this client is answered, so the loss is on the way to this address.",
            ja: "{peers} へ {waited:.1} 秒間に SYN を {syns} 回送信したが、SYN-ACK・RST・ICMP エラーのいずれも返らない。同じクライアントの他の通信には応答があるため、このアドレスへの経路で失われている。",
            peers = peers(host, v)
        );
        tell_dropped(&mut detail, v);
        Words {
            title: message!(en: "No answer to the SYN: {name}", ja: "SYN に応答なし: {name}"),
            detail,
            advice: for_metadata_service(host)
                .or_else(|| for_dead_proxy(context.case, host, v))
                .unwrap_or_else(|| allow(context.case, host, v)),
        }
    })
}

/// Which rule of a firewall is missing.
fn allow(case: &Case, host: &HostStory, v: &HostVerdict) -> Message {
    let (name, ports, entries) = (&host.name, port_list(case, host, v), authorities(case, host, v));
    let mut advice = message!(
        en: "Allow TCP {ports} to {name} in the firewall between the client and the internet (allow-list entry: {entries}).",
        ja: "クライアントとインターネットの間のファイアウォールで {name} への TCP {ports} を許可する (許可リスト: {entries})。",
    );
    // What the tools send through a proxy is HTTPS; one that was seen is told of by its own name.
    if ports == "443" && case.proxies.is_empty() {
        advice.push(message!(
            en: " If a proxy is mandatory on this network, set it for the tool (HTTPS_PROXY).",
            ja: "プロキシが必須のネットワークでは、ツールにプロキシ (HTTPS_PROXY) を設定する。",
        ));
    }
    advice
}
