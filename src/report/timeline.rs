//! Stories and logs → the timeline: what happened when, one entry a look-up, connection, handshake, request, log line.
//!
//! What enters: the case and its verdicts. What leaves: entries sorted by time, then by place in the evidence; never
//! more than [`limits::TIMELINE_ENTRIES_MAX`], the entries of needed hosts and of failures kept first.

use super::{Lane, TimelineEntry};
use crate::case::{Attempt, Case, HostStory, Lookup, LookupResult, Role};
use crate::facts::{Flow, FlowTransport, HttpExchange, TlsSession};
use crate::finding::{Context, Evidence};
use crate::flow::Side;
use crate::lang::Message;
use crate::limits;
use crate::message;
use crate::packet::At;
use crate::time::Timestamp;
use crate::verdict::tls::version_name;
use crate::verdict::{Judged, Stage, dns};
use std::collections::BTreeSet;

/// Everything that happened, in order.
pub fn collect(context: &Context<'_>) -> Vec<TimelineEntry> {
    let mut all: Vec<(u8, Draft<'_>)> = Vec::new();
    for (index, story) in context.case.hosts.iter().enumerate() {
        let verdict = context.verdicts.get(index).and_then(Option::as_ref);
        let mut of_host = Vec::new();
        for lookup in &story.lookups {
            of_host.push(lookup_entry(context.case, story, lookup));
        }
        let mut flows_told = BTreeSet::new();
        for (i, attempt) in story.attempts.iter().enumerate() {
            let judged = verdict.and_then(|v| v.judged.get(i));
            attempt_entries(context.case, story, attempt, judged, &mut flows_told, &mut of_host);
        }
        all.extend(of_host.into_iter().map(|e| (weight(story, &e), e)));
    }
    let of_logs = super::attempts::log_lane(context.case).into_iter();
    all.extend(of_logs.map(|e| (0, Draft { time: e.time, lane: e.lane, good: e.good, write: Write::Written(e) })));
    let mut kept: Vec<TimelineEntry> = most_telling(all).into_iter().map(Draft::write).collect();
    kept.sort_by(|a, b| order(a).cmp(&order(b)));
    kept
}

fn order(e: &TimelineEntry) -> (Timestamp, &str, Option<u64>, Lane, &str) {
    (e.time, &e.evidence.capture, e.evidence.frame, e.lane, &e.text.en)
}

/// 0: kept first when there are too many.
fn weight(story: &HostStory, entry: &Draft<'_>) -> u8 {
    match (story.role, entry.good) {
        (Role::Service | Role::Proxy, Some(false)) => 0,
        (Role::Service | Role::Proxy, _) => 1,
        (_, Some(false)) => 2,
        _ => 3,
    }
}

/// As many as a report holds: the most telling ones, and of equals the earliest. What comes at the same time goes by
/// the order in which it was found, which is that of the evidence.
fn most_telling(mut all: Vec<(u8, Draft<'_>)>) -> Vec<Draft<'_>> {
    all.sort_by_key(|(weight, draft)| (*weight, draft.time, draft.lane));
    all.truncate(limits::TIMELINE_ENTRIES_MAX);
    all.into_iter().map(|(_, draft)| draft).collect()
}

/// An entry whose texts are written only if it is kept: a large capture has a hundred times as many as a report holds.
struct Draft<'a> {
    time: Timestamp,
    lane: Lane,
    good: Option<bool>,
    write: Write<'a>,
}

enum Write<'a> {
    Written(TimelineEntry),
    Later { entry: Entry<'a>, at: At, end: Option<At>, text: Box<dyn FnOnce() -> Message + 'a> },
}

impl Draft<'_> {
    fn write(self) -> TimelineEntry {
        match self.write {
            Write::Written(entry) => entry,
            Write::Later { entry, at, end, text } => {
                let text = text();
                TimelineEntry {
                    time: at.time,
                    end: end.map(|e| e.time.max(at.time)),
                    lane: self.lane,
                    host: Some(entry.host.to_owned()),
                    good: self.good,
                    text: text.clone(),
                    evidence: Evidence {
                        capture: entry.case.pieces.get(entry.piece).map(|p| p.path.clone()).unwrap_or_default(),
                        frame: Some(at.frame),
                        stream: entry.stream,
                        time: Some(at.time),
                        text,
                    },
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    case: &'a Case,
    host: &'a str,
    piece: usize,
    stream: Option<u32>,
}

impl<'a> Entry<'a> {
    fn make(
        self,
        lane: Lane,
        at: At,
        end: Option<At>,
        good: Option<bool>,
        text: impl FnOnce() -> Message + 'a,
    ) -> Draft<'a> {
        Draft { time: at.time, lane, good, write: Write::Later { entry: self, at, end, text: Box::new(text) } }
    }
}

fn lookup_entry<'a>(case: &'a Case, story: &'a HostStory, lookup: &'a Lookup) -> Draft<'a> {
    let entry = Entry { case, host: &story.name, piece: lookup.piece, stream: Some(lookup.stream) };
    let asked = lookup.asked.first().copied().unwrap_or_default();
    let (good, end) = match &lookup.result {
        LookupResult::Unanswered { icmp: None } => (Some(false), lookup.asked.last()),
        LookupResult::Unanswered { icmp: Some((at, ..)) } | LookupResult::Failed { at, .. } => (Some(false), Some(at)),
        LookupResult::Addresses { at, .. } => (Some(true), Some(at)),
        LookupResult::Empty { at } | LookupResult::Cut { at } | LookupResult::Truncated { at } => (None, Some(at)),
    };
    entry.make(Lane::Dns, asked, end.copied(), good, || lookup_text(story, lookup))
}

fn lookup_text(story: &HostStory, lookup: &Lookup) -> Message {
    let kind = match lookup.kind {
        1 => "A",
        28 => "AAAA",
        65 => "HTTPS",
        _ => "?",
    };
    let resolver = lookup.resolver.ip();
    let said = match &lookup.result {
        LookupResult::Unanswered { icmp: None } => message!(en: "no answer", ja: "応答なし"),
        LookupResult::Unanswered { icmp: Some((_, kind, code, sender)) } => {
            message!(en: "ICMP {kind}/{code} from {sender}", ja: "{sender} からの ICMP {kind}/{code}")
        }
        LookupResult::Failed { rcode, .. } => Message::same(dns::rcode_name(*rcode).to_owned()),
        LookupResult::Empty { .. } => message!(en: "no such record", ja: "該当レコードなし"),
        LookupResult::Addresses { addresses, .. } => {
            let list: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
            Message::same(list.join(", "))
        }
        LookupResult::Cut { .. } => message!(en: "answer cut by the snap length", ja: "応答はスナップ長で切断"),
        LookupResult::Truncated { .. } => {
            message!(en: "truncated, ask again over TCP", ja: "切り詰め応答、TCP で再問い合わせ")
        }
    };
    let times = match lookup.asked.len() {
        0 | 1 => String::new(),
        n => format!(" ×{n}"),
    };
    Message {
        en: format!("{kind} {} @{resolver}{times}: {}", story.name, said.en),
        ja: format!("{kind} {} @{resolver}{times}: {}", story.name, said.ja),
    }
}

fn attempt_entries<'a>(
    case: &'a Case,
    story: &'a HostStory,
    attempt: &'a Attempt,
    judged: Option<&Judged>,
    flows_told: &mut BTreeSet<(usize, usize)>,
    out: &mut Vec<Draft<'a>>,
) {
    let Some(flow) = case.flow(attempt) else { return };
    let entry = Entry { case, host: &story.name, piece: attempt.piece, stream: Some(flow.stream) };
    if flow.transport == FlowTransport::Tcp && flows_told.insert((attempt.piece, attempt.flow)) {
        out.push(tcp_entry(entry, attempt, flow));
    }
    if let Some(exchange) = attempt.exchange.and_then(|i| flow.app.http.get(i)) {
        out.extend(http_entry(entry, exchange));
    }
    if let Some(session) = attempt.session.and_then(|i| flow.app.tls.get(i)) {
        out.extend(tls_entry(entry, flow, session, judged));
    }
}

fn tcp_entry<'a>(entry: Entry<'a>, attempt: &'a Attempt, flow: &'a Flow) -> Draft<'a> {
    let peer = attempt.peer;
    let Some(tcp) = &flow.tcp else {
        return entry.make(Lane::Tcp, flow.first, None, None, move || Message::same(peer.to_string()));
    };
    let first = tcp.syns.first().copied().unwrap_or(flow.first);
    if tcp.midstream {
        let text = move || message!(en: "{peer}: began before the capture", ja: "{peer}: キャプチャ開始前からの接続");
        return entry.make(Lane::Tcp, first, None, None, text);
    }
    if let Some(answer) = tcp.syn_ack {
        let ms = answer.time.since(first.time) as f64 / 1e6;
        let text = move || message!(en: "{peer}: SYN-ACK after {ms:.1} ms", ja: "{peer}: {ms:.1} ms 後に SYN-ACK");
        return entry.make(Lane::Tcp, first, Some(answer), Some(true), text);
    }
    if let Some(reset) = tcp.resets.iter().find(|r| r.by == Side::Server) {
        let text = move || message!(en: "{peer}: RST in answer to the SYN", ja: "{peer}: SYN に対する RST");
        return entry.make(Lane::Tcp, first, Some(reset.at), Some(false), text);
    }
    let n = tcp.syn_count;
    let text = move || message!(en: "{peer}: {n} SYN, no answer", ja: "{peer}: SYN {n} 回、応答なし");
    entry.make(Lane::Tcp, first, Some(flow.last), Some(false), text)
}

fn http_entry<'a>(entry: Entry<'a>, exchange: &'a HttpExchange) -> Option<Draft<'a>> {
    let at = exchange.request_at.or(exchange.response_at)?;
    let good = Some(exchange.status.is_some_and(|status| status < 400));
    let text = || {
        let request = format!("{} {}", exchange.method, exchange.target);
        match exchange.status {
            Some(status) => Message::same(format!("{request}: {status} {}", exchange.reason).trim_end().to_owned()),
            None => message!(en: "{request}: no answer", ja: "{request}: 応答なし"),
        }
    };
    Some(entry.make(Lane::Http, at, exchange.response_at, good, text))
}

fn tls_entry<'a>(
    entry: Entry<'a>,
    flow: &'a Flow,
    session: &'a TlsSession,
    judged: Option<&Judged>,
) -> Option<Draft<'a>> {
    let hello = session.client_hellos.first()?;
    let over = if flow.transport == FlowTransport::Udp { "QUIC " } else { "" };
    let verdict = judged.and_then(|j| j.verdict);
    if let Some(done) = session.complete {
        let text = move || {
            let chosen = session.server_hellos.iter().rev().find(|h| !h.hello_retry_request);
            let version = version_name(chosen.map_or(0, |h| h.version));
            message!(en: "{over}{version} handshake complete", ja: "{over}{version} ハンドシェイク完了")
        };
        return Some(entry.make(Lane::Tls, hello.at, Some(done), Some(verdict.is_none_or(|v| v.is_good())), text));
    }
    let end = session
        .alerts
        .last()
        .map(|a| a.at)
        .or_else(|| flow.tcp.as_ref()?.resets.first().map(|r| r.at))
        .filter(|at| at.time >= hello.at.time)
        .unwrap_or(flow.last);
    let good = match verdict {
        Some(v) => Some(v.is_good()),
        None if judged.is_some_and(|j| j.stage == Stage::Complete) => Some(true),
        None => None,
    };
    let text = move || {
        let offered = version_name(session.client_hellos.iter().map(|h| h.max_version()).max().unwrap_or(0));
        match verdict {
            Some(v) => {
                let title = v.title();
                Message {
                    en: format!("{over}ClientHello ({offered}): {}", title.en),
                    ja: format!("{over}ClientHello ({offered}): {}", title.ja),
                }
            }
            None => message!(
                en: "{over}ClientHello ({offered}); the handshake did not complete",
                ja: "{over}ClientHello ({offered})、ハンドシェイクは完了せず",
            ),
        }
    };
    Some(entry.make(Lane::Tls, hello.at, Some(end), good, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(time: i64, good: Option<bool>) -> Draft<'static> {
        let entry = TimelineEntry {
            time: Timestamp(time),
            end: None,
            lane: Lane::Tcp,
            host: None,
            good,
            text: Message::default(),
            evidence: Evidence::default(),
        };
        Draft { time: entry.time, lane: entry.lane, good, write: Write::Written(entry) }
    }

    #[test]
    fn too_many_entries_lose_the_least_telling() {
        let mut all: Vec<(u8, Draft<'_>)> =
            (0..limits::TIMELINE_ENTRIES_MAX as i64).map(|i| (3, draft(i, None))).collect();
        all.push((0, draft(-5, Some(false))));
        all.push((0, draft(i64::MAX, Some(false))));
        let kept = most_telling(all);
        assert_eq!(kept.len(), limits::TIMELINE_ENTRIES_MAX);
        assert_eq!(kept.iter().filter(|e| e.good == Some(false)).count(), 2);
        assert_eq!(kept.last().map(|e| e.time.0), Some(limits::TIMELINE_ENTRIES_MAX as i64 - 3));
    }
}
