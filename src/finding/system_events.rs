//! What Windows itself logged beside the packets: failed connects, resolver, proxy, TLS.

use super::Evidence;
use super::{Context, Finding, Rule, Severity};
use crate::capture::{SystemEvent, SystemEventKind};
use crate::lang::Message;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "system_events",
    severity: Severity::Info,
    title: Text {
        en: "Windows logged events that explain a failure",
        ja: "失敗を説明する Windows のイベントが記録されている",
    },
    meaning: Text {
        en: "The trace holds events of Windows beside the packets: TCP connects that failed or timed out, answers of the DNS client, proxy detection, Schannel alerts. They are shown as Windows wrote them, with the process.",
        ja: "トレースにはパケットのほかに Windows のイベント (失敗・タイムアウトした TCP 接続、DNS クライアントの結果、プロキシ検出、Schannel アラート) が含まれる。プロセスとともに Windows の記録どおりに示す。",
    },
    blind: Text {
        en: "Events of other programs on the machine are among them.",
        ja: "端末上の他のプログラムのイベントも含まれる。",
    },
    advice: Text {
        en: "Compare process and time with the failing command.",
        ja: "プロセスと時刻を失敗したコマンドと照合する。",
    },
    check,
};

/// Events shown of one capture; the rest is counted.
const SHOWN: usize = 12;

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (piece, capture) in context.case.captures() {
        let telling: Vec<&SystemEvent> = capture.info.events.iter().filter(|e| tells(e)).collect();
        if telling.is_empty() {
            continue;
        }
        let path = context.case.pieces.get(piece).map(|p| p.path.clone()).unwrap_or_default();
        let evidence = telling
            .iter()
            .take(SHOWN)
            .map(|e| {
                let process =
                    capture.info.processes.iter().find(|(pid, _)| *pid == e.pid).map(|(_, name)| name.as_str());
                let process = process.or_else(|| context.case.process_name(e.pid)).unwrap_or("PID");
                Evidence {
                    capture: path.clone(),
                    frame: None,
                    stream: None,
                    time: Some(e.time),
                    text: Message::same(format!("{} {} ({process} {}): {}", e.provider, e.id, e.pid, e.text)),
                }
            })
            .collect();
        let count = telling.len();
        found.push(Finding {
            title: message!(en: "{count} events of Windows explain failures", ja: "失敗を説明する Windows のイベントが {count} 件"),
            detail: message!(
                en: "{path} holds {count} events of TCP, DNS, proxy detection or Schannel that tell of failures.",
                ja: "{path} に、失敗を示す TCP・DNS・プロキシ検出・Schannel のイベントが {count} 件ある。",
            ),
            evidence,
            ..RULE.finding()
        });
    }
    found
}

/// Whether an event tells of a failure or of the proxy in use.
fn tells(event: &SystemEvent) -> bool {
    match event.kind {
        SystemEventKind::ConnectFailure | SystemEventKind::TlsAlert | SystemEventKind::Proxy => true,
        // A query that went well needs no explanation; 0 is ERROR_SUCCESS.
        SystemEventKind::Dns => event
            .fields
            .iter()
            .any(|(name, value)| name.ends_with("Status") && !matches!(value.as_str(), "0" | "0x0" | "")),
        SystemEventKind::HttpRequest | SystemEventKind::Process | SystemEventKind::Other => false,
    }
}
