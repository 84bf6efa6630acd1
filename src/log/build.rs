//! Events → attempts: what the dialects recognise is collected here, in one place and in one order.
//!
//! What enters: calls of the dialects, line by line. What leaves: [`LogFacts`] within the limits. Every text is freed
//! of secrets and cut here, so that no dialect can forget it.

use crate::facts::log::{Attempt, Dialect, ErrorClass, LogEvent, LogEventKind, LogFacts, LogTime};
use crate::knowledge::entra_replies::is_metadata_of_entra;
use crate::limits::{LOG_ATTEMPTS_MAX, LOG_EVENTS_MAX, LOG_TEXT_CHARS_MAX};
use crate::log::command::{self, Command};
use crate::log::outcome::outcome;
use crate::log::{pattern, place, secret, stamp, text};
use crate::message;
use crate::time::Timestamp;

mod way;

/// Bytes of a line that are looked at for its event text; a line can be a page of JSON.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// Collects the events of one log.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// Result so far; the current attempt is not in it yet.
    pub facts: LogFacts,
    /// The attempt that events go to.
    pub attempt: Attempt,
    /// Line that is being read.
    pub line: u64,
    /// Service that the client turned to last.
    pub host: Option<(String, u16)>,
    /// What the current lines belong to.
    pub block: Block,
    /// Host that curl was asked for, or was sent on to.
    pub target: Option<String>,
    /// Several credentials are tried one after the other.
    chain: bool,
    /// Time of the current line.
    time: Option<Timestamp>,
    local: Option<LogTime>,
    /// Last wall-clock stamp and its line, and votes for the zone.
    last_local: Option<(u64, LogTime)>,
    votes: Vec<(i32, u32)>,
    first_utc: Option<Timestamp>,
    /// Attempts that were dropped by the limit go nowhere.
    started: bool,
    /// The command of the attempt ran for sure.
    ran: bool,
    /// Program that wrote the line, in a log of several.
    pub program: Option<String>,
    /// Program that named a host last.
    asked_by: Option<String>,
}

/// Several lines that belong together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Block {
    /// Nothing: each line for itself.
    #[default]
    None,
    /// A Python traceback: indented lines are source code.
    Traceback,
    /// JSON that msal.token_cache prints, up to a closing brace in the first column.
    TokenEvent {
        /// A token is in it.
        token: bool,
    },
    /// A request or reply with headers, of Azure.Core (`Request [id]`) or of Resource Manager (`HTTP REQUEST`).
    Http(HttpBlock),
}

/// What is known of a request or reply while its lines are read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct HttpBlock {
    /// Index of its event in the attempt.
    pub event: Option<usize>,
    /// It is a reply.
    pub reply: bool,
    /// Heading under which the next lines stand (`Status Code`, `Headers`, …), lower case.
    pub heading: String,
    /// Method seen so far.
    pub method: String,
    /// Written by Resource Manager's tracing, with headings.
    pub arm: bool,
}

impl Builder {
    /// A new line begins; times of the line before do not hold for it.
    pub fn next_line(&mut self, number: u64) {
        self.line = number;
        self.time = None;
        self.local = None;
    }

    /// The line carries a time.
    pub fn stamp(&mut self, time: LogTime) {
        match time {
            LogTime::Utc(t) => {
                self.time = Some(t);
                self.first_utc = self.first_utc.or(Some(t));
                self.vote(t);
            }
            local => {
                self.local = Some(local);
                self.last_local = Some((self.line, local));
            }
        }
        if self.attempt.start.is_none()
            || matches!((self.attempt.start, time), (Some(LogTime::TimeOfDay(_)), LogTime::Utc(_)))
        {
            self.attempt.start = Some(time);
        }
    }

    /// The attempt began at this wall-clock time.
    pub fn began(&mut self, local: LogTime) {
        if matches!(self.attempt.start, None | Some(LogTime::TimeOfDay(_))) {
            self.attempt.start = Some(local);
        }
    }

    /// A point in time beside a recent wall-clock stamp tells the zone.
    fn vote(&mut self, utc: Timestamp) {
        let Some((line, local)) = self.last_local else { return };
        if self.line.saturating_sub(line) > 40 {
            return;
        }
        if let Some(minutes) = stamp::offset_minutes(local, utc) {
            // At most one entry a quarter of an hour, so the list stays short.
            match self.votes.iter_mut().find(|(m, _)| *m == minutes) {
                Some((_, n)) => *n = n.saturating_add(1),
                None => self.votes.push((minutes, 1)),
            }
        }
    }

    /// A command was entered. It begins an attempt, unless it only repeats the prompt just seen.
    pub fn begin(&mut self, command: Command) {
        let repeats = self.attempt.command == command.name
            && self.line.saturating_sub(self.attempt.first_line) <= 6
            && self.attempt.events.iter().all(|e| matches!(e.kind, LogEventKind::Command));
        if repeats {
            self.ran |= command.ran;
            if self.attempt.arguments.is_empty() {
                self.attempt.arguments = command.arguments;
                command::understand(&mut self.attempt);
            }
            return;
        }
        self.close();
        let mut shown = command.name.clone();
        for argument in &command.arguments {
            shown.push(' ');
            shown.push_str(argument);
        }
        self.attempt = Attempt {
            dialect: command.dialect,
            command: command.name,
            arguments: command.arguments,
            first_line: self.line,
            ..Attempt::default()
        };
        self.started = true;
        self.ran = command.ran;
        command::understand(&mut self.attempt);
        // The errors of Windows PowerShell name no host.
        self.host = command::asked(&self.attempt).map(|(host, port)| (host, port.unwrap_or(443)));
        self.event(LogEventKind::Command, None, &shown);
    }

    /// The current attempt speaks this dialect.
    pub fn speaks(&mut self, dialect: Dialect) {
        if self.attempt.dialect == Dialect::Other || self.attempt.dialect == Dialect::Python {
            self.attempt.dialect = dialect;
        }
    }

    /// Adds an event; its index, unless the limit is reached.
    pub fn event(&mut self, kind: LogEventKind, host: Option<(&str, Option<u16>)>, line: &str) -> Option<usize> {
        self.started = true;
        if self.attempt.first_line == 0 {
            self.attempt.first_line = self.line;
        }
        self.attempt.last_line = self.line;
        if self.attempt.events.len() >= LOG_EVENTS_MAX {
            self.attempt.events_left_out = self.attempt.events_left_out.saturating_add(1);
            // The end of a log tells the outcome: the last places are used again and again.
            if kind.error().is_none() && !matches!(kind, LogEventKind::Finished { .. }) {
                return None;
            }
            self.attempt.events.pop();
        }
        if let LogEventKind::ServerDate { date } = kind {
            self.vote(date);
        }
        let (host, port) = match host {
            Some((host, port)) => (Some(host.trim_end_matches('.').to_ascii_lowercase()), port),
            None => (None, None),
        };
        if host.is_some() {
            self.asked_by.clone_from(&self.program);
        }
        self.attempt.events.push(LogEvent {
            line: self.line,
            time: self.time,
            local: self.local,
            kind,
            host,
            port,
            elsewhere: false,
            text: shown(line),
        });
        self.attempt.events.len().checked_sub(1)
    }

    /// The client turns to a service.
    pub fn connecting(&mut self, host: &str, port: u16, line: &str) {
        self.host = Some((host.trim_end_matches('.').to_ascii_lowercase(), port));
        self.event(LogEventKind::Connecting { address: None }, Some((host, Some(port))), line);
    }

    /// A failure that `line` names; wrappers that repeat a known one are left out.
    pub fn failure(&mut self, class: ErrorClass, line: &str) {
        let mut place = place::find(line, class);
        if let Some(proxy) = &place.proxy {
            self.proxy(proxy, line);
        }
        let class = if self.listens(class, &place) { ErrorClass::BrowserLeg } else { class };
        let is_of_another = self.program.is_some() && self.asked_by.is_some() && self.program != self.asked_by;
        let is_here = self.endpoint(&mut place, class, line) && !is_of_another;
        let class = self.instead_of_metadata(class, line);
        if let Some(proxy) = self.unresolved_proxy(class, &place, line) {
            self.proxy(&proxy, line);
        }
        // A page is blamed on the host that was asked for, not on the one that it stands on.
        if (matches!(class, ErrorClass::BlockPage | ErrorClass::CaptivePortal) || self.led_astray() == Some(class))
            && let Some((first, last)) = self.sent_on()
            && place.host.as_ref().is_none_or(|(host, _)| *host == last)
        {
            place.host = Some((first, None));
        }
        // A client that connects to its proxy without calling it one.
        let at_proxy = place.host.as_ref().is_some_and(|at| self.is_known_proxy(at));
        if at_proxy {
            place.host = self.target.clone().map(|h| (h, None));
        }
        let class = if at_proxy { pattern::at_proxy(class, line) } else { class };
        // An address is the same service as the name that it was resolved from.
        let is_address = |h: &str| place::bare(h).parse::<std::net::IpAddr>().is_ok();
        let elsewhere = class.is_of_a_new_connection() && self.is_settled();
        let named = place.host.filter(|(h, _)| elsewhere || self.host.is_none() || !is_address(h));
        let asked = || self.host.clone().filter(|_| is_here && !elsewhere).map(|(h, p)| (h, Some(p)));
        let host = named.or_else(asked);
        let class = match (
            class,
            self.attempt
                .events
                .iter()
                .rev()
                .find(|e| !matches!(e.kind, LogEventKind::ServerDate { .. } | LogEventKind::EntraNamed)),
        ) {
            // The reply just before says what an unknown error was.
            (ErrorClass::Other, Some(LogEvent { kind: LogEventKind::HttpResponse { status, .. }, .. }))
                if *status >= 400 =>
            {
                ErrorClass::HttpStatus(*status)
            }
            (class, _) => class,
        };
        let class = self.by_sender(class, host.as_ref().map(|(h, _)| h.as_str()), line);
        if let Some(known) = self.repeated(class, host.as_ref().map(|(h, _)| h.as_str())) {
            // The innermost exception often names no host, the one around it does.
            if let (Some(event), Some((host, port))) = (self.attempt.events.get_mut(known), host)
                && event.host.is_none()
                && (event.kind == (LogEventKind::Exception { class })
                    || class == ErrorClass::ConnectOther && event.kind.error().is_some_and(ErrorClass::is_network))
            {
                (event.host, event.port) = (Some(host), port);
            }
            return;
        }
        let host = host.as_ref().map(|(h, p)| (h.as_str(), *p));
        // Only a virtual machine has a metadata service; elsewhere a chain goes on to its next credential.
        let beside = self.chain && class.is_network() && host.is_some_and(|(h, _)| h == "169.254.169.254");
        let kind = if beside { LogEventKind::Warning } else { LogEventKind::Exception { class } };
        let is_elsewhere = !is_here && host.is_none();
        let event = self.event(kind, host, line);
        if let Some(event) = event.and_then(|i| self.attempt.events.get_mut(i)) {
            event.elsewhere = is_elsewhere;
        }
    }

    /// The client says for what it failed behind the failure itself, which named no host: ASP.NET prints the innermost
    /// exception first. False where nothing above waits for a name.
    pub fn names_what_failed(&mut self, host: &str, port: Option<u16>) -> bool {
        self.host = Some((host.to_owned(), port.unwrap_or(443)));
        let is_failure = |e: &&mut LogEvent| matches!(e.kind, LogEventKind::Exception { .. });
        let mut named = false;
        // What says where it wanted to go is about that place.
        let is_told = |e: &&mut LogEvent| ["onnection to ", "onnecting to "].iter().any(|words| e.text.contains(words));
        let open = self.attempt.events.iter_mut().rev().take_while(is_failure);
        for event in open.filter(|e| e.host.is_none() && !is_told(e)) {
            (event.host, event.port) = (Some(host.to_owned()), port);
            named |= event.kind.error().is_some_and(ErrorClass::is_network);
        }
        named
    }

    /// Notes that credentials are tried in a chain; the one out of environment variables is always a part of one.
    pub fn in_chain(&mut self, line: &str) {
        const CHAINS: [&str; 3] = ["DefaultAzureCredential", "ChainedTokenCredential", "EnvironmentCredential"];
        self.chain |= CHAINS.iter().any(|name| line.contains(name));
    }

    /// An answer that could not be read: the authority's metadata, a page in an answer's place, or a file of the
    /// client's own.
    fn instead_of_metadata(&self, class: ErrorClass, line: &str) -> ErrorClass {
        if class != ErrorClass::AuthorityDiscovery {
            return class;
        }
        if self.redirected_from().is_some() {
            return ErrorClass::CaptivePortal;
        }
        if let Some(stranger) = self.led_astray() {
            return stranger;
        }
        if !pattern::is_unread_json(line) {
            return class;
        }
        // Metadata of Entra ID can always be read, so what came with a good status was somebody else's.
        let of_entra = |(host, path, status): (&str, &str, u16)| status < 300 && is_metadata_of_entra(host, path);
        if line.contains('<') || self.fresh_reply().is_some_and(of_entra) {
            return ErrorClass::ForeignPage;
        }
        let discovers = |path: &str| path.contains("openid-configuration") || path.contains("discovery/instance");
        let open = self.attempt.events.iter().rev().find_map(|e| match &e.kind {
            LogEventKind::HttpResponse { path, .. } | LogEventKind::HttpRequest { path, .. } => Some(discovers(path)),
            LogEventKind::Connecting { .. } => Some(true),
            _ => None,
        });
        if open == Some(true) { class } else { ErrorClass::Other }
    }

    /// The one of the last events that already tells `class` at `host`, or something better.
    fn repeated(&self, class: ErrorClass, host: Option<&str>) -> Option<usize> {
        for (index, event) in self.attempt.events.iter().enumerate().rev() {
            match &event.kind {
                LogEventKind::Retry { .. } => {}
                LogEventKind::Exception { .. } | LogEventKind::Aadsts { .. } | LogEventKind::Wam { .. } => {
                    let same_host = host.is_none() || event.host.is_none() || event.host.as_deref() == host;
                    let known = event.kind.error()?;
                    if same_host && (known == class || pattern::weight(known) > pattern::weight(class)) {
                        return Some(index);
                    }
                    if same_host && pattern::weight(known) == pattern::weight(class) && pattern::weight(class) < 5 {
                        return Some(index);
                    }
                }
                LogEventKind::Warning
                | LogEventKind::Proxy { .. }
                | LogEventKind::TenantSeen { .. }
                | LogEventKind::EntraNamed
                | LogEventKind::ServerDate { .. } => {}
                _ => return None,
            }
        }
        None
    }

    /// A proxy is named; credentials are cut off.
    pub fn proxy(&mut self, proxy: &str, line: &str) {
        let proxy = place::authority(proxy);
        if proxy.is_empty() || self.attempt.proxy.as_deref() == Some(proxy.as_str()) {
            return;
        }
        self.attempt.proxy = Some(proxy.clone());
        self.event(LogEventKind::Proxy { proxy }, None, line);
    }

    /// Entra ID answered with an error: reads the ids out of the text.
    pub fn aadsts(&mut self, code: u32, line: &str) {
        let found = place::aadsts_ids(line);
        // The same answer is printed by every layer that it passes.
        for event in self.attempt.events.iter_mut().rev().take(12) {
            if let LogEventKind::Aadsts { code: known, trace_id, correlation_id, timestamp } = &mut event.kind
                && *known == code
                && (trace_id.is_none() || found.trace_id.is_none() || *trace_id == found.trace_id)
            {
                *trace_id = trace_id.take().or(found.trace_id);
                *correlation_id = correlation_id.take().or(found.correlation_id);
                *timestamp = timestamp.or(found.timestamp);
                return;
            }
        }
        if let Some(t) = found.timestamp {
            self.vote(t);
        }
        let host = self.host.clone().or_else(|| self.attempt.authority.clone().map(|a| (a, 443)));
        let kind = LogEventKind::Aadsts {
            code,
            trace_id: found.trace_id,
            correlation_id: found.correlation_id,
            timestamp: found.timestamp,
        };
        self.event(kind, host.as_ref().map(|(h, p)| (h.as_str(), Some(*p))), line);
    }

    /// `Trace ID`, `Correlation ID` and `Timestamp` on lines of their own belong to the answer just read.
    pub fn aadsts_tail(&mut self, line: &str) -> bool {
        let found = place::aadsts_ids(line);
        let Some(event) = self.attempt.events.last_mut() else { return false };
        let LogEventKind::Aadsts { trace_id, correlation_id, timestamp, .. } = &mut event.kind else { return false };
        if found.trace_id.is_none() && found.correlation_id.is_none() && found.timestamp.is_none() {
            return false;
        }
        *trace_id = trace_id.take().or(found.trace_id);
        *correlation_id = correlation_id.take().or(found.correlation_id);
        *timestamp = timestamp.or(found.timestamp);
        true
    }

    /// A correlation id that the client made.
    pub fn correlation(&mut self, id: &str) {
        let id = id.trim().to_ascii_lowercase();
        let known = self.attempt.correlation_ids.contains(&id);
        if id.len() == 36 && !known && !id.starts_with("00000000-0000") && self.attempt.correlation_ids.len() < 64 {
            self.attempt.correlation_ids.push(id);
        }
    }

    /// The authority in `url`: its host and tenant.
    pub fn authority(&mut self, url: &str) {
        let Some((host, tenant)) = place::authority_and_tenant(url) else { return };
        self.attempt.authority = Some(host);
        if let Some(tenant) = tenant {
            self.tenant(&tenant);
        }
    }

    /// A tenant is in use; `organizations` and `common` give way to a real one.
    pub fn tenant(&mut self, tenant: &str) {
        let general = |t: &str| ["organizations", "common", "consumers"].iter().any(|g| g.eq_ignore_ascii_case(t));
        let better = match self.attempt.tenant_used.as_deref() {
            None => true,
            Some(known) => general(known) && !general(tenant),
        };
        if better && !tenant.is_empty() && tenant.len() <= 128 {
            self.attempt.tenant_used = Some(tenant.to_owned());
        }
    }

    /// Ends the current attempt.
    pub fn close(&mut self) {
        let mut attempt = std::mem::take(&mut self.attempt);
        self.host = None;
        self.target = None;
        self.chain = false;
        self.block = Block::None;
        let has_content = self.started && (!attempt.events.is_empty() || !attempt.command.is_empty());
        self.started = false;
        // A command that only advice or a document quotes leaves nothing behind.
        let quoted = !std::mem::take(&mut self.ran)
            && !attempt.command.is_empty()
            && attempt.events.iter().all(|e| matches!(e.kind, LogEventKind::Command));
        if !has_content || quoted {
            return;
        }
        attempt.last_line = attempt.last_line.max(attempt.first_line);
        attempt.outcome = outcome(&attempt);
        if self.facts.attempts.len() >= LOG_ATTEMPTS_MAX {
            // The last attempts are those that the customer cares about.
            self.facts.attempts.remove(0);
            self.facts.attempts_left_out = self.facts.attempts_left_out.saturating_add(1);
        }
        self.facts.attempts.push(attempt);
    }

    /// All facts; times are brought to UTC where the log shows its zone.
    pub fn finish(mut self) -> LogFacts {
        self.close();
        let mut facts = self.facts;
        facts.utc_offset_minutes = self
            .votes
            .iter()
            .max_by_key(|(m, n)| (*n, std::cmp::Reverse(*m)))
            .map(|(m, _)| *m)
            .or_else(|| facts.attempts.iter().find_map(zone_by_start));
        let near = self.first_utc.or_else(|| {
            let start = facts.transcript.as_ref()?.start?;
            Some(start.plus(-i64::from(facts.utc_offset_minutes?) * 60_000_000_000))
        });
        for attempt in &mut facts.attempts {
            let near = attempt.events.iter().find_map(|e| e.time).or(near);
            if let Some(offset) = facts.utc_offset_minutes {
                for event in &mut attempt.events {
                    if let (None, Some(local)) = (event.time, event.local) {
                        event.time = stamp::to_utc(local, offset, near);
                    }
                }
                if let Some(start) = attempt.start
                    && let Some(utc) = stamp::to_utc(start, offset, near)
                {
                    attempt.start = Some(LogTime::Utc(utc));
                }
            } else if let Some(start) = facts.transcript.as_ref().and_then(|t| t.start) {
                // A transcript dates its times of day, without telling the zone.
                for event in &mut attempt.events {
                    if let Some(LogTime::TimeOfDay(_)) = event.local
                        && let Some(t) = event.local.and_then(|l| stamp::to_utc(l, 0, Some(start)))
                    {
                        event.local = Some(LogTime::Local(t));
                    }
                }
                if let Some(LogTime::TimeOfDay(_)) | None = attempt.start {
                    attempt.start = Some(LogTime::Local(start));
                }
            }
        }
        let mut tally: Vec<(Dialect, u64)> = Vec::new();
        for attempt in &facts.attempts {
            let lines = attempt.last_line.saturating_sub(attempt.first_line).saturating_add(1);
            match tally.iter_mut().find(|(d, _)| *d == attempt.dialect) {
                Some((_, n)) => *n = n.saturating_add(lines),
                None => tally.push((attempt.dialect, lines)),
            }
        }
        facts.dialect =
            tally.iter().max_by_key(|(d, n)| (*n, std::cmp::Reverse(*d))).map(|(d, _)| *d).unwrap_or_default();
        let left_out = facts.attempts.iter().fold(0u64, |n, a| n.saturating_add(a.events_left_out));
        facts.problems.note_many("log_events_left_out", left_out, None, None, || {
            message!(
                en: "{left_out} log events beyond the limit were only counted",
                ja: "上限を超えたログ イベント {left_out} 件は件数のみ数えました"
            )
        });
        let attempts = facts.attempts_left_out;
        facts.problems.note_many("log_attempts_left_out", attempts, None, None, || {
            message!(
                en: "the log holds {attempts} more sign-in attempts before the ones shown",
                ja: "表示した試行より前に、さらに {attempts} 回のサインイン試行がログにあります"
            )
        });
        facts
    }
}

/// The zone by the start of an attempt and the first answer of a server behind it; a sign-in takes seconds, and zones
/// differ by quarters of an hour.
fn zone_by_start(attempt: &Attempt) -> Option<i32> {
    let start = attempt.start?;
    let answer = attempt.events.iter().find_map(|e| match e.kind {
        LogEventKind::ServerDate { date } => Some(date),
        LogEventKind::Aadsts { timestamp, .. } => timestamp,
        _ => None,
    })?;
    stamp::offset_minutes(start, answer)
}

/// One line for people: without secrets, blanks folded, cut.
pub(crate) fn shown(line: &str) -> String {
    let clean = secret::clean(text::cut(line, TEXT_BYTES_MAX));
    let mut out = String::with_capacity(clean.len().min(LOG_TEXT_CHARS_MAX * 2));
    let mut chars = 0usize;
    for word in clean.split_whitespace() {
        if chars > 0 {
            out.push(' ');
            chars += 1;
        }
        for c in word.chars() {
            if chars >= LOG_TEXT_CHARS_MAX {
                out.push('…');
                return out;
            }
            out.push(c);
            chars += 1;
        }
    }
    out
}
