//! Log lines ↔ hosts, connections and the capture's clock.
//!
//! What enters: the stories that the packets tell, and the debug logs. What leaves: the log lines of each host
//! ([`Said`]; hosts that only a log names get a story of their own), for each log the distance between its clock and
//! the capture's ([`LogClock`]), and for each sign-in attempt the place of its lines on the capture's clock
//! ([`AttemptJoin`]). Nothing is judged here.

use super::{Attempt, Case, HostStory, Lookup, Role, attempts};
use crate::facts::log::{self, ErrorClass, LogEvent, LogEventKind, LogTime};
use crate::knowledge;
use crate::time::{NANOS_PER_SECOND, Timestamp};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A line of a log: indexes into [`Case::pieces`], the log's attempts, and the attempt's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Index into [`Case::pieces`].
    pub piece: usize,
    /// Index into [`log::LogFacts::attempts`].
    pub attempt: usize,
    /// Index into [`log::Attempt::events`].
    pub event: usize,
}

/// What an offset between two clocks rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetBasis {
    /// Lines that announce connections, against the connections of the capture.
    Connections,
    /// Times of the service in the log (`Date`, `Timestamp:`), against the answers in the capture.
    ServerTime,
    /// The start of the command by the machine's wall clock, zone unknown: good to a quarter of an hour of zone.
    WallClock,
}

/// The distance between a log's clock and the capture's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Nanoseconds to add to the log's times.
    pub nanos: i64,
    /// How far off that may be, nanoseconds.
    pub error: i64,
    /// Lines that agree on it.
    pub matched: usize,
    /// What it rests on.
    pub basis: OffsetBasis,
}

/// The clock of one log.
#[derive(Debug, Clone, Copy)]
pub struct LogClock {
    /// Index into [`Case::pieces`].
    pub piece: usize,
    /// Distance to the capture's clock, where it can be told.
    pub offset: Option<Offset>,
    /// The log's times lie outside every capture of the case: log and captures are not of the same sign-in.
    pub apart: Option<Timestamp>,
}

/// A log line's place on the capture's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// When, by the capture's clock (without a capture, by the log's).
    pub time: Timestamp,
    /// Taken from a matched connection or the line's own time rather than from its neighbours.
    pub exact: bool,
    /// The connection that the line is about: indexes into [`Case::pieces`] and the capture's flows.
    pub flow: Option<(usize, usize)>,
}

/// One sign-in attempt of a log on the capture's clock.
#[derive(Debug, Clone)]
pub struct AttemptJoin {
    /// Index into [`Case::pieces`].
    pub piece: usize,
    /// Index into [`log::LogFacts::attempts`].
    pub attempt: usize,
    /// Place of each event, in their order.
    pub placed: Vec<Option<Placed>>,
}

/// Name of the proxy's story where the log does not say which proxy it was.
pub const UNNAMED_PROXY: &str = "proxy";

/// Two measurements of one offset may differ by this much: names are resolved and threads wait in between.
const AGREEMENT_NS: i64 = 1_500_000_000;

/// Times of the service have whole seconds, and an answer may be on its way for some time.
const SERVER_AGREEMENT_NS: i64 = 3 * NANOS_PER_SECOND;

/// A clock set by hand is off by minutes; more than this needs several lines that agree.
const PLAUSIBLE_SKEW_NS: i64 = 15 * 60 * NANOS_PER_SECOND;

/// Zones differ by quarters of an hour.
const QUARTER_NS: i64 = 15 * 60 * NANOS_PER_SECOND;

/// No zone is farther from UTC.
const ZONE_MAX_NS: i64 = 14 * 3600 * NANOS_PER_SECOND;

/// Lines that must agree before an implausible offset is believed.
const AGREEING_MIN: usize = 3;

/// Pairs of line and connection that are compared; more only repeat what the first say.
const PAIRS_MAX: usize = 2048;

/// A log farther than this from every capture is of another sign-in.
const APART_NS: i64 = 10 * 60 * NANOS_PER_SECOND;

/// A question this long before a connection is still the connection's.
const LOOKUP_BEFORE_NS: i64 = 30 * NANOS_PER_SECOND;

/// The start of a command lies at most this long before its first packet.
const STARTUP_NS: i64 = 60 * NANOS_PER_SECOND;

/// Gives every host the lines that logs say about it, and hosts of which only a log speaks a story.
pub(super) fn name_hosts(case: &mut Case) {
    let mut order: Vec<String> = Vec::new();
    let mut said: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    let mut proxies: Vec<(Option<String>, Said)> = Vec::new();
    for (piece, log) in case.logs() {
        for (attempt, a) in log.attempts.iter().enumerate() {
            let mut last: Option<&str> = None;
            let mut proxy = a.proxy.as_deref().map(proxy_host);
            for (event, e) in a.events.iter().enumerate() {
                let one = Said { piece, attempt, event };
                if let LogEventKind::Proxy { proxy: named } = &e.kind {
                    proxy = Some(proxy_host(named));
                    continue;
                }
                let class = e.kind.error();
                if class.is_some_and(|c| before_proxy(a, c)) {
                    proxies.push((proxy.clone(), one));
                }
                // An answer of Entra ID comes from the authority, whatever the sentence around it names.
                let host = match class {
                    Some(ErrorClass::Aadsts(_)) => a.authority.as_deref().or(e.host.as_deref()).or(public_authority(a)),
                    _ => e.host.as_deref().or_else(|| class.filter(|c| c.is_network() && !e.elsewhere).and(last)),
                };
                let Some(host) = host.filter(|h| !is_local(h) && !is_audience(h)) else { continue };
                if proxy.as_deref() == Some(host) && is_way_to_a_service(a, event) {
                    continue;
                }
                // What fails behind an answer, and says nowhere at what, may be anything that was asked next.
                last = (!e.kind.is_answer()).then_some(host);
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                if !said.contains_key(&host) {
                    order.push(host.clone());
                }
                said.entry(host).or_default().push(one);
            }
        }
    }
    for host in &mut case.hosts {
        if let Some(lines) = said.remove(&host.name) {
            host.in_log = true;
            host.said = lines;
            if host.role == Role::Other {
                host.role = Role::Service;
            }
        }
    }
    for name in order {
        if let Some(lines) = said.remove(&name) {
            let endpoint = knowledge::endpoint(&name);
            let required = endpoint.and_then(|e| e.need.required());
            case.hosts.push(story(name, Role::Service, endpoint, required, lines));
        }
    }
    name_proxies(case, proxies);
}

fn story(
    name: String,
    role: Role,
    endpoint: Option<&'static knowledge::endpoints::Endpoint>,
    required: Option<bool>,
    said: Vec<Said>,
) -> HostStory {
    HostStory { name, role, endpoint, required, lookups: Vec::new(), attempts: Vec::new(), in_log: true, said }
}

/// Failures on the way to a proxy are the proxy's.
fn name_proxies(case: &mut Case, lines: Vec<(Option<String>, Said)>) {
    let mut seen: Vec<String> = case.hosts.iter().filter(|h| h.role == Role::Proxy).map(|h| h.name.clone()).collect();
    seen.dedup();
    for (named, line) in lines {
        // Python names no proxy in its errors; where the capture shows a single one, that is it.
        let name = match (named, seen.as_slice()) {
            (Some(name), _) => name,
            (None, [one]) => one.clone(),
            (None, _) => UNNAMED_PROXY.to_owned(),
        };
        match case.hosts.iter_mut().find(|h| h.name == name) {
            Some(host) => {
                host.in_log = true;
                host.role = Role::Proxy;
                host.required = Some(true);
                host.said.push(line);
            }
            None => case.hosts.push(story(name, Role::Proxy, None, Some(true), vec![line])),
        }
    }
}

/// Whether a failure lies between client and proxy: the text says so, or the attempt goes through a proxy and the
/// failure is one of making a connection, which then is the proxy's.
pub fn before_proxy(attempt: &log::Attempt, class: ErrorClass) -> bool {
    let told = |c: ErrorClass| c.is_proxy() && !matches!(c, ErrorClass::ProxyStatus(_));
    let through = || attempt.proxy.is_some() || attempt.events.iter().filter_map(|e| e.kind.error()).any(told);
    told(class) || class.is_connecting() && through()
}

/// Host of a proxy as logs and settings write it: `host:port`, perhaps with a scheme before it.
pub fn proxy_host(authority: &str) -> String {
    let rest = authority.split_once("://").map_or(authority, |(_, rest)| rest);
    attempts::split_authority(rest.trim_end_matches('/')).0
}

/// Whether a connection to the proxy went on from there: it says nothing then but that the proxy is there, and a proxy is
/// no service. One on which nothing follows is where the client hangs.
fn is_way_to_a_service(attempt: &log::Attempt, event: usize) -> bool {
    let connects = |e: &LogEvent| matches!(e.kind, LogEventKind::Connecting { .. } | LogEventKind::Connected { .. });
    let goes_on = |e: &LogEvent| {
        e.kind.error().is_some()
            || matches!(
                e.kind,
                LogEventKind::HttpRequest { .. }
                    | LogEventKind::HttpResponse { .. }
                    | LogEventKind::TlsEstablished { .. }
            )
    };
    attempt.events.get(event).is_some_and(connects) && attempt.events.iter().skip(event).any(goes_on)
}

/// The client itself: the loopback leg of a browser sign-in never reaches the network.
pub fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// The authority of the public cloud, where an error text stands alone and names no cloud.
fn public_authority(a: &log::Attempt) -> Option<&'static str> {
    use knowledge::endpoints::{Cloud, Command, Step};
    if a.cloud.as_deref().is_some_and(|c| c != "AzureCloud") {
        return None;
    }
    let steps = knowledge::expected_sequence(Command::AzLogin, Cloud::Public);
    steps.iter().find(|s| s.step == Step::Authority)?.hosts.first().map(|e| e.host)
}

/// A name that only stands in tokens and scopes.
fn is_audience(host: &str) -> bool {
    knowledge::endpoint(host).is_some_and(|e| e.role == knowledge::endpoints::Role::Audience)
}

/// Which clock a line's time is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ClockKind {
    Utc,
    Local,
    TimeOfDay,
}

/// The time that the client wrote on a line.
fn client_time(e: &LogEvent) -> Option<(ClockKind, Timestamp)> {
    if matches!(e.kind, LogEventKind::ServerDate { .. } | LogEventKind::Aadsts { .. }) {
        return None;
    }
    match (e.time, e.local) {
        (Some(t), _) | (None, Some(LogTime::Utc(t))) => Some((ClockKind::Utc, t)),
        (None, Some(LogTime::Local(t))) => Some((ClockKind::Local, t)),
        (None, Some(LogTime::TimeOfDay(n))) => Some((ClockKind::TimeOfDay, Timestamp(n))),
        (None, None) => None,
    }
}

/// One try to reach a host, as a client counts: the question for the name, and the connections to its addresses one
/// after the other until one is established.
#[derive(Debug, Clone, Copy)]
struct Try {
    start: Timestamp,
    end: Timestamp,
    answered: Option<Timestamp>,
    flow: Option<(usize, usize)>,
}

fn tries(case: &Case, host: &HostStory) -> Vec<Try> {
    let mut out: Vec<Try> = Vec::new();
    let mut peers: Vec<IpAddr> = Vec::new();
    let mut over = true;
    for a in &host.attempts {
        let tcp = case.flow(a).and_then(|f| f.tcp.as_ref());
        let peer = a.peer.ip();
        if over || peers.contains(&peer) {
            let floor = out.last().map(|t| t.end);
            peers.clear();
            // The first request of a connection to a proxy begins with the connection.
            let opens = a.exchange.is_none_or(|e| e == 0);
            let begun = case.flow(a).filter(|_| opens).map_or(a.start.time, |f| f.first.time.min(a.start.time));
            out.push(Try {
                start: asked_before(host, a, floor).unwrap_or(begun),
                end: a.end.time,
                answered: None,
                flow: Some((a.piece, a.flow)),
            });
        }
        peers.push(peer);
        over = tcp.is_none_or(|t| t.syn_ack.is_some() || t.midstream);
        let answered = case.flow(a).and_then(|f| f.sides.get(1)?.last_data).map(|at| at.time);
        if let Some(last) = out.last_mut() {
            last.end = last.end.max(a.end.time);
            last.answered = last.answered.or(answered);
            last.flow = Some((a.piece, a.flow));
        }
    }
    if out.is_empty() {
        for l in &host.lookups {
            let Some(start) = l.asked.first().map(|a| a.time) else { continue };
            let end = l.result.at().or(l.asked.last().copied()).map_or(start, |a| a.time);
            match out.last_mut() {
                // A and AAAA of one question, and its repetitions at other resolvers.
                Some(t) if start.since(t.end) < NANOS_PER_SECOND => t.end = t.end.max(end),
                _ => out.push(Try { start, end, answered: None, flow: None }),
            }
        }
    }
    out
}

/// The first question for the host's name that led to a connection.
fn asked_before(host: &HostStory, a: &Attempt, floor: Option<Timestamp>) -> Option<Timestamp> {
    let asked = |l: &Lookup| l.asked.first().map(|at| at.time);
    let too_early = |t: Timestamp| a.start.time.since(t) >= LOOKUP_BEFORE_NS || floor.is_some_and(|f| t <= f);
    // The look-ups stand in order of their time.
    let from = host.lookups.partition_point(|l| asked(l).is_none_or(too_early));
    host.lookups.get(from..)?.iter().find_map(asked).filter(|t| *t <= a.start.time)
}

/// Puts every log on the capture's clock.
pub(super) fn join(case: &Case) -> (Vec<LogClock>, Vec<AttemptJoin>) {
    if case.logs().next().is_none() {
        return (Vec::new(), Vec::new());
    }
    let tries: BTreeMap<&str, Vec<Try>> = case.hosts.iter().map(|h| (h.name.as_str(), tries(case, h))).collect();
    let mut clocks = Vec::new();
    let mut joins = Vec::new();
    for (piece, log) in case.logs() {
        let kind = log.attempts.iter().flat_map(|a| &a.events).filter_map(client_time).map(|(k, _)| k).min();
        let offset =
            by_connections(log, &tries, kind).or_else(|| by_server_time(log, &tries)).or_else(|| by_start(log, &tries));
        clocks.push(LogClock { piece, offset, apart: if offset.is_none() { apart(case, log) } else { None } });
        let mut cursors = BTreeMap::new();
        for (attempt, a) in log.attempts.iter().enumerate() {
            let placing = Placing { tries: &tries, kind, offset };
            joins.push(AttemptJoin { piece, attempt, placed: placing.place(a, &mut cursors) });
        }
    }
    (clocks, joins)
}

/// Lines that announce a connection or a request, against the beginnings of connections.
fn by_connections(log: &log::LogFacts, tries: &BTreeMap<&str, Vec<Try>>, kind: Option<ClockKind>) -> Option<Offset> {
    let kind = kind?;
    let mut pairs: Vec<(usize, i64)> = Vec::new();
    let mut index = 0;
    for a in &log.attempts {
        let mut begun: Vec<&str> = Vec::new();
        for e in &a.events {
            let begins = match e.kind {
                LogEventKind::Connecting { .. } => true,
                // Clients that announce requests only: the first of a host opens its connection.
                LogEventKind::HttpRequest { .. } => e.host.as_deref().is_some_and(|h| !begun.contains(&h)),
                _ => false,
            };
            let Some(host) = e.host.as_deref().filter(|_| begins) else { continue };
            begun.push(host);
            let Some((k, time)) = client_time(e) else { continue };
            if k != kind {
                continue;
            }
            index += 1;
            pairs.extend(tries.get(host).into_iter().flatten().map(|t| (index, t.start.since(time))));
        }
    }
    let found = vote(pairs, AGREEMENT_NS, OffsetBasis::Connections, |d| strangeness(kind, d))?;
    let strange = match kind {
        ClockKind::Utc => found.nanos.saturating_abs() > PLAUSIBLE_SKEW_NS,
        ClockKind::Local => strangeness(kind, found.nanos) > QUARTER_NS / 3,
        ClockKind::TimeOfDay => false,
    };
    (!strange || found.matched >= AGREEING_MIN).then_some(found)
}

/// How unlikely an offset is, for clocks of a kind.
fn strangeness(kind: ClockKind, offset: i64) -> i64 {
    match kind {
        ClockKind::Utc => offset.saturating_abs(),
        ClockKind::Local if offset.saturating_abs() > ZONE_MAX_NS + QUARTER_NS => offset.saturating_abs(),
        ClockKind::Local => {
            let beyond = offset.rem_euclid(QUARTER_NS);
            beyond.min(QUARTER_NS - beyond)
        }
        // A time of the day says nothing of the day: the earliest connection that fits.
        ClockKind::TimeOfDay => offset,
    }
}

/// Times that the service wrote, against the answers in the capture.
fn by_server_time(log: &log::LogFacts, tries: &BTreeMap<&str, Vec<Try>>) -> Option<Offset> {
    let mut pairs: Vec<(usize, i64)> = Vec::new();
    for (index, stamp) in log.stamps().iter().enumerate().filter(|(_, s)| s.clock == log::Clock::Server) {
        let Some(a) = log.attempts.get(stamp.attempt) else { continue };
        let before = a.events.get(..=stamp.event).unwrap_or_default();
        let Some(host) = before.iter().rev().find_map(|e| e.host.as_deref()) else { continue };
        for t in tries.get(host).into_iter().flatten() {
            let Some(answered) = t.answered else { continue };
            // Anywhere between beginning and last answer: the nearest point, so that a true clock gives zero.
            let nearest = stamp.time.clamp(t.start, answered.max(t.start));
            pairs.push((index, nearest.since(stamp.time)));
        }
    }
    let mut found = vote(pairs, SERVER_AGREEMENT_NS, OffsetBasis::ServerTime, i64::saturating_abs)?;
    found.error = found.error.max(NANOS_PER_SECOND);
    (found.nanos.saturating_abs() <= PLAUSIBLE_SKEW_NS || found.matched >= AGREEING_MIN).then_some(found)
}

/// The start of the first command by the wall clock, against the first connection to a host that it names.
fn by_start(log: &log::LogFacts, tries: &BTreeMap<&str, Vec<Try>>) -> Option<Offset> {
    log.attempts.iter().find_map(|a| {
        let Some(LogTime::Local(start)) = a.start else { return None };
        let first = a.hosts().into_iter().find_map(|h| tries.get(h)?.first().copied())?;
        let distance = first.start.since(start);
        let zone = distance.div_euclid(QUARTER_NS).saturating_mul(QUARTER_NS);
        let fits = zone.saturating_abs() <= ZONE_MAX_NS && distance.saturating_sub(zone) <= STARTUP_NS;
        fits.then_some(Offset { nanos: zone, error: STARTUP_NS, matched: 1, basis: OffsetBasis::WallClock })
    })
}

/// The offset on which most lines agree; of several the least strange.
fn vote(mut pairs: Vec<(usize, i64)>, agree: i64, basis: OffsetBasis, strange: impl Fn(i64) -> i64) -> Option<Offset> {
    pairs.truncate(PAIRS_MAX);
    pairs.sort_by_key(|(_, d)| *d);
    let mut best: Option<(usize, std::cmp::Reverse<i64>, usize, usize)> = None;
    for (i, (_, low)) in pairs.iter().enumerate() {
        let rest = pairs.get(i..).unwrap_or_default();
        let window = rest.partition_point(|(_, d)| d.saturating_sub(*low) <= agree);
        let mut lines: Vec<usize> = rest.iter().take(window).map(|(line, _)| *line).collect();
        lines.sort_unstable();
        lines.dedup();
        let candidate = (lines.len(), std::cmp::Reverse(strange(*low)), i, window);
        if best.is_none_or(|b| (candidate.0, candidate.1) > (b.0, b.1)) {
            best = Some(candidate);
        }
    }
    let (matched, _, at, window) = best?;
    let chosen = pairs.get(at..at.saturating_add(window))?;
    let nanos = chosen.get(chosen.len() / 2)?.1;
    let spread = chosen.iter().map(|(_, d)| d.saturating_sub(nanos).saturating_abs()).max().unwrap_or(0);
    // A connection begins some milliseconds after the line that announces it.
    Some(Offset { nanos, error: spread.max(10_000_000), matched, basis })
}

/// A point in time of the log that lies outside every capture, where all of them do.
fn apart(case: &Case, log: &log::LogFacts) -> Option<Timestamp> {
    let spans: Vec<(Timestamp, Timestamp)> =
        case.captures().filter_map(|(_, c)| Some((c.info.earliest?, c.info.latest?))).collect();
    let stamps = log.stamps();
    let outside =
        |t: Timestamp| spans.iter().all(|(first, last)| first.since(t) > APART_NS || t.since(*last) > APART_NS);
    let first = stamps.first()?;
    (!spans.is_empty() && stamps.iter().all(|s| outside(s.time))).then_some(first.time)
}

/// How far the lines of a log have used up a host's connections.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    /// Index of the current try.
    at: Option<usize>,
    /// The current try has failed by the log's account: the next request opens another one.
    failed: bool,
    /// A line that announces no connection came first; the announcement that follows is of the same try.
    unannounced: bool,
}

struct Placing<'a> {
    tries: &'a BTreeMap<&'a str, Vec<Try>>,
    kind: Option<ClockKind>,
    offset: Option<Offset>,
}

impl Placing<'_> {
    fn place(&self, a: &log::Attempt, cursors: &mut BTreeMap<String, Cursor>) -> Vec<Option<Placed>> {
        let mut placed: Vec<Option<Placed>> = Vec::with_capacity(a.events.len());
        let mut previous: Option<Timestamp> = None;
        for e in &a.events {
            let one = self.one(e, cursors, previous);
            if let Some(p) = one {
                previous = Some(previous.map_or(p.time, |before| before.max(p.time)));
            }
            placed.push(one);
        }
        // Lines before the first one with a place happened just before it.
        let first = placed.iter().flatten().next().copied();
        for p in placed.iter_mut().take_while(|p| p.is_none()) {
            *p = first.map(|f| Placed { exact: false, flow: None, ..f });
        }
        placed
    }

    fn one(&self, e: &LogEvent, cursors: &mut BTreeMap<String, Cursor>, previous: Option<Timestamp>) -> Option<Placed> {
        let own = self.own_time(e);
        let tries = e.host.as_deref().and_then(|h| self.tries.get(h)).filter(|t| !t.is_empty());
        let Some(tries) = tries else {
            let time = own.or(previous)?;
            return Some(Placed { time, exact: own.is_some(), flow: None });
        };
        let cursor = cursors.entry(e.host.clone().unwrap_or_default()).or_default();
        let begins = match e.kind {
            LogEventKind::Connecting { .. } => !cursor.unannounced || cursor.failed,
            LogEventKind::HttpRequest { .. } => cursor.at.is_none() || cursor.failed,
            _ => cursor.at.is_none(),
        };
        if begins {
            let next = cursor.at.map_or(0, |i| i.saturating_add(1));
            let by_time = own.and_then(|t| {
                let near = |x: &Try| x.start.since(t).saturating_abs() <= 2 * AGREEMENT_NS;
                tries.iter().enumerate().skip(next).find(|(_, x)| near(x)).map(|(i, _)| i)
            });
            let at = by_time.unwrap_or(next).min(tries.len().saturating_sub(1));
            let unannounced = !matches!(e.kind, LogEventKind::Connecting { .. });
            *cursor = Cursor { at: Some(at), failed: false, unannounced };
        } else if matches!(e.kind, LogEventKind::Connecting { .. }) {
            cursor.unannounced = false;
        }
        cursor.failed |= e.kind.error().is_some_and(ErrorClass::is_network);
        let found = cursor.at.and_then(|i| tries.get(i))?;
        let by_flow = match &e.kind {
            LogEventKind::Connecting { .. } => found.start,
            kind if kind.error().is_some_and(ErrorClass::is_network) => found.end,
            LogEventKind::HttpResponse { .. } => found.answered.unwrap_or(found.end),
            _ => previous.map_or(found.start, |p| p.clamp(found.start, found.end.max(found.start))),
        };
        let time = own.unwrap_or(by_flow);
        let time = previous.map_or(time, |p| time.max(p));
        let exact = own.is_some() || matches!(e.kind, LogEventKind::Connecting { .. });
        Some(Placed { time, exact, flow: found.flow })
    }

    /// The line's own time on the capture's clock.
    fn own_time(&self, e: &LogEvent) -> Option<Timestamp> {
        let (kind, time) = client_time(e)?;
        match self.offset {
            Some(offset) if offset.basis == OffsetBasis::Connections => {
                (Some(kind) == self.kind).then(|| time.plus(offset.nanos))
            }
            _ => (kind == ClockKind::Utc).then_some(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = NANOS_PER_SECOND;

    #[test]
    fn the_offset_is_what_most_lines_agree_on() {
        // Three lines 5 s late, and every line against every other connection.
        let pairs = vec![(1, 5 * S), (1, 9 * S), (2, 5 * S + S / 2), (2, S), (3, 5 * S), (3, -40 * S)];
        let o = vote(pairs, AGREEMENT_NS, OffsetBasis::Connections, i64::saturating_abs).unwrap();
        assert_eq!((o.nanos, o.matched, o.error), (5 * S, 3, S / 2));
    }

    #[test]
    fn of_offsets_with_equal_support_the_least_strange_is_taken() {
        let o = vote(vec![(1, 40 * S), (1, -S / 10)], AGREEMENT_NS, OffsetBasis::Connections, i64::saturating_abs);
        assert_eq!(o.unwrap().nanos, -S / 10);
        let zone = 9 * 3600 * S;
        let pairs = vec![(1, -zone - S / 4), (1, -zone + 400 * S)];
        let o = vote(pairs, AGREEMENT_NS, OffsetBasis::Connections, |d| strangeness(ClockKind::Local, d)).unwrap();
        assert_eq!(o.nanos, -zone - S / 4);
        assert!(vote(Vec::new(), AGREEMENT_NS, OffsetBasis::Connections, i64::saturating_abs).is_none());
    }

    #[test]
    fn the_client_itself_is_no_host() {
        assert!(is_local("localhost") && is_local("127.0.0.1") && is_local("::1"));
        assert!(!is_local("169.254.169.254") && !is_local("login.microsoftonline.com"));
        assert_eq!(proxy_host("http://Proxy.Example:8080/"), "proxy.example");
    }
}
