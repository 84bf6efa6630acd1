//! The machine as its own files describe it.

use super::{Context, Finding, Rule, Severity};
use crate::case::PieceFacts;
use crate::lang::Message;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "system_info",
    severity: Severity::Info,
    title: Text { en: "The machine by its own files", ja: "端末の構成 (システム ファイルより)" },
    meaning: Text {
        en: "NetTrace.cab holds what Windows says of itself: build, interfaces with addresses and resolvers, proxy settings, dropped packets of the filter engine. It tells which way the traffic should have taken.",
        ja: "NetTrace.cab には Windows 自身の情報 (ビルド、インターフェイスのアドレスとリゾルバー、プロキシ設定、フィルター エンジンによる破棄) が含まれる。通信が通るはずだった経路が分かる。",
    },
    blind: Text {
        en: "The files show the moment at which the trace was stopped.",
        ja: "ファイルはトレース停止時点の状態を示す。",
    },
    advice: Text {
        en: "Compare resolvers and proxy with what the packets used.",
        ja: "リゾルバーとプロキシを、パケットで実際に使われたものと照合する。",
    },
    check,
};

/// Lines shown of one kind.
const SHOWN: usize = 8;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut lines: Vec<String> = Vec::new();
    for piece in &context.case.pieces {
        let PieceFacts::System(system) = &piece.facts else { continue };
        if let Some(build) = system.os_build {
            lines.push(format!("Windows build {build}"));
        }
        if let Some(minutes) = system.zone_offset_minutes {
            lines.push(format!("UTC{:+}:{:02}", minutes / 60, (minutes % 60).abs()));
        }
        for interface in system.interfaces.iter().filter(|i| !i.addresses.is_empty()).take(SHOWN) {
            let name = interface.name.as_deref().or(interface.description.as_deref()).unwrap_or("-");
            lines.push(format!("{name}: {}, DNS {}", list(&interface.addresses), list(&interface.dns_servers)));
        }
        for (host, port) in system.proxies.iter().take(SHOWN) {
            lines.push(format!("proxy {host}:{port}"));
        }
        for drop in system.drops.iter().take(SHOWN) {
            let remote = drop.remote.map_or_else(|| "-".to_owned(), |r| r.to_string());
            lines.push(format!("{} {remote} {}", drop.kind, drop.program.as_deref().unwrap_or("")));
        }
    }
    lines.dedup();
    if lines.is_empty() {
        return Vec::new();
    }
    let text = format!("{}.", lines.join("; "));
    vec![Finding {
        title: message!(en: "The machine by its own files", ja: "端末の構成"),
        detail: Message::same(text),
        ..RULE.finding()
    }]
}

fn list(addresses: &[std::net::IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
