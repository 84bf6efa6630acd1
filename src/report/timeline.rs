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
use std::cmp::Ordering;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashSet};

/// Everything that happened, in order.
pub fn collect(context: &Context<'_>) -> Vec<TimelineEntry> {
    let mut kept = MostTelling::default();
    for (index, story) in context.case.hosts.iter().enumerate() {
        let verdict = context.verdicts.get(index).and_then(Option::as_ref);
        for lookup in &story.lookups {
            lookup_entry(context.case, story, lookup, &mut kept);
        }
        let mut flows_told = HashSet::new();
        for (i, attempt) in story.attempts.iter().enumerate() {
            let judged = verdict.and_then(|v| v.judged.get(i));
            attempt_entries(context.case, story, attempt, judged, &mut flows_told, &mut kept);
        }
    }
    for entry in super::attempts::log_lane(context.case) {
        kept.offer(0, entry.time, entry.lane, || Box::new(|| entry));
    }
    let mut entries = kept.write();
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    entries
}

fn order(e: &TimelineEntry) -> (Timestamp, &str, Option<u64>, Lane, &str) {
    (e.time, &e.evidence.capture, e.evidence.frame, e.lane, &e.text.en)
}

/// 0: kept first when there are too many.
fn weight(role: Role, good: Option<bool>) -> u8 {
    match (role, good) {
        (Role::Service | Role::Proxy, Some(false)) => 0,
        (Role::Service | Role::Proxy, _) => 1,
        (_, Some(false)) => 2,
        _ => 3,
    }
}

type Writer<'a> = Box<dyn FnOnce() -> TimelineEntry + 'a>;

/// As many entries as a report holds: the most telling ones, and of equals the earliest. What comes at the same time
/// goes by the order in which it is offered, which is that of the evidence. Texts are written at the end, for what is
/// kept: a large capture offers a hundred times as many.
#[derive(Default)]
struct MostTelling<'a> {
    /// The least telling one on top.
    kept: BinaryHeap<Offered<'a>>,
    offers: usize,
}

struct Offered<'a> {
    /// Weight, time, lane, and number of the offer.
    rank: (u8, Timestamp, Lane, usize),
    write: Writer<'a>,
}

impl<'a> MostTelling<'a> {
    fn offer(&mut self, weight: u8, time: Timestamp, lane: Lane, writer: impl FnOnce() -> Writer<'a>) {
        let rank = (weight, time, lane, self.offers);
        self.offers += 1;
        if self.kept.len() >= limits::TIMELINE_ENTRIES_MAX {
            match self.kept.peek_mut() {
                Some(least) if rank < least.rank => drop(PeekMut::pop(least)),
                _ => return,
            }
        }
        self.kept.push(Offered { rank, write: writer() });
    }

    fn write(self) -> Vec<TimelineEntry> {
        self.kept.into_sorted_vec().into_iter().map(|offered| (offered.write)()).collect()
    }
}

impl Ord for Offered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl PartialOrd for Offered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Offered<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Offered<'_> {}

#[derive(Clone, Copy)]
struct Entry<'a> {
    case: &'a Case,
    story: &'a HostStory,
    piece: usize,
    stream: Option<u32>,
}

impl<'a> Entry<'a> {
    fn offer(
        self,
        to: &mut MostTelling<'a>,
        lane: Lane,
        at: At,
        end: Option<At>,
        good: Option<bool>,
        text: impl FnOnce() -> Message + 'a,
    ) {
        let write = move || {
            let text = text();
            TimelineEntry {
                time: at.time,
                end: end.map(|e| e.time.max(at.time)),
                lane,
                host: Some(self.story.name.clone()),
                good,
                text: text.clone(),
                evidence: Evidence {
                    capture: self.case.pieces.get(self.piece).map(|p| p.path.clone()).unwrap_or_default(),
                    frame: Some(at.frame),
                    stream: self.stream,
                    time: Some(at.time),
                    text,
                },
            }
        };
        to.offer(weight(self.story.role, good), at.time, lane, || Box::new(write));
    }
}

fn lookup_entry<'a>(case: &'a Case, story: &'a HostStory, lookup: &'a Lookup, to: &mut MostTelling<'a>) {
    let entry = Entry { case, story, piece: lookup.piece, stream: Some(lookup.stream) };
    let asked = lookup.asked.first().copied().unwrap_or_default();
    let (good, end) = match &lookup.result {
        LookupResult::Unanswered { icmp: None } => (Some(false), lookup.asked.last()),
        LookupResult::Unanswered { icmp: Some((at, ..)) } | LookupResult::Failed { at, .. } => (Some(false), Some(at)),
        LookupResult::Addresses { at, .. } => (Some(true), Some(at)),
        LookupResult::Empty { at } | LookupResult::Cut { at } | LookupResult::Truncated { at } => (None, Some(at)),
    };
    entry.offer(to, Lane::Dns, asked, end.copied(), good, || lookup_text(story, lookup));
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
    flows_told: &mut HashSet<(usize, usize)>,
    to: &mut MostTelling<'a>,
) {
    let Some(flow) = case.flow(attempt) else { return };
    let entry = Entry { case, story, piece: attempt.piece, stream: Some(flow.stream) };
    if flow.transport == FlowTransport::Tcp && flows_told.insert((attempt.piece, attempt.flow)) {
        tcp_entry(entry, attempt, flow, to);
    }
    if let Some(exchange) = attempt.exchange.and_then(|i| flow.app.http.get(i)) {
        http_entry(entry, exchange, to);
    }
    if let Some(session) = attempt.session.and_then(|i| flow.app.tls.get(i)) {
        tls_entry(entry, flow, session, judged, to);
    }
}

fn tcp_entry<'a>(entry: Entry<'a>, attempt: &'a Attempt, flow: &'a Flow, to: &mut MostTelling<'a>) {
    let peer = attempt.peer;
    let Some(tcp) = &flow.tcp else {
        return entry.offer(to, Lane::Tcp, flow.first, None, None, move || Message::same(peer.to_string()));
    };
    let first = tcp.syns.first().copied().unwrap_or(flow.first);
    if tcp.midstream {
        let text = move || message!(en: "{peer}: began before the capture", ja: "{peer}: キャプチャ開始前からの接続");
        return entry.offer(to, Lane::Tcp, first, None, None, text);
    }
    if let Some(answer) = tcp.syn_ack {
        let ms = answer.time.since(first.time) as f64 / 1e6;
        let text = move || message!(en: "{peer}: SYN-ACK after {ms:.1} ms", ja: "{peer}: {ms:.1} ms 後に SYN-ACK");
        return entry.offer(to, Lane::Tcp, first, Some(answer), Some(true), text);
    }
    if let Some(reset) = tcp.resets.iter().find(|r| r.by == Side::Server) {
        let text = move || message!(en: "{peer}: RST in answer to the SYN", ja: "{peer}: SYN に対する RST");
        return entry.offer(to, Lane::Tcp, first, Some(reset.at), Some(false), text);
    }
    let n = tcp.syn_try_count();
    let text = move || message!(en: "{peer}: {n} SYN, no answer", ja: "{peer}: SYN {n} 回、応答なし");
    entry.offer(to, Lane::Tcp, first, Some(flow.last), Some(false), text);
}

fn http_entry<'a>(entry: Entry<'a>, exchange: &'a HttpExchange, to: &mut MostTelling<'a>) {
    let Some(at) = exchange.request_at.or(exchange.response_at) else { return };
    let good = Some(exchange.status.is_some_and(|status| status < 400));
    let text = || {
        let request = format!("{} {}", exchange.method, exchange.target);
        match exchange.status {
            Some(status) => Message::same(format!("{request}: {status} {}", exchange.reason).trim_end().to_owned()),
            None => message!(en: "{request}: no answer", ja: "{request}: 応答なし"),
        }
    };
    entry.offer(to, Lane::Http, at, exchange.response_at, good, text);
}

fn tls_entry<'a>(
    entry: Entry<'a>,
    flow: &'a Flow,
    session: &'a TlsSession,
    judged: Option<&Judged>,
    to: &mut MostTelling<'a>,
) {
    let Some(hello) = session.client_hellos.first() else { return };
    let over = if flow.transport == FlowTransport::Udp { "QUIC " } else { "" };
    let verdict = judged.and_then(|j| j.verdict);
    if let Some(done) = session.complete {
        let text = move || {
            let chosen = session.server_hellos.iter().rev().find(|h| !h.hello_retry_request);
            let version = version_name(chosen.map_or(0, |h| h.version));
            message!(en: "{over}{version} handshake complete", ja: "{over}{version} ハンドシェイク完了")
        };
        let good = verdict.is_none_or(|v| v.is_good());
        return entry.offer(to, Lane::Tls, hello.at, Some(done), Some(good), text);
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
    entry.offer(to, Lane::Tls, hello.at, Some(end), good, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_entries_lose_the_least_telling() {
        let entry = |time: i64, good: Option<bool>| TimelineEntry {
            time: Timestamp(time),
            end: None,
            lane: Lane::Tcp,
            host: None,
            good,
            text: Message::default(),
            evidence: Evidence::default(),
        };
        let most = limits::TIMELINE_ENTRIES_MAX as i64;
        let mut telling = MostTelling::default();
        let mut offer = |weight, time, good| {
            telling.offer(weight, Timestamp(time), Lane::Tcp, || Box::new(move || entry(time, good)));
        };
        (0..most).rev().for_each(|time| offer(3, time, None));
        offer(0, -5, Some(false));
        offer(0, i64::MAX, Some(false));
        offer(3, most, None);
        let mut kept: Vec<(i64, Option<bool>)> = telling.write().iter().map(|e| (e.time.0, e.good)).collect();
        kept.sort_unstable();
        let mut expected: Vec<(i64, Option<bool>)> = (0..most - 2).map(|time| (time, None)).collect();
        expected.insert(0, (-5, Some(false)));
        expected.push((i64::MAX, Some(false)));
        assert_eq!(kept, expected);
    }
}
