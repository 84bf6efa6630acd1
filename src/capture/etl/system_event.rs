//! Events of other providers that explain a failure.
//!
//! What enters: all events that are no packets. What leaves: [`SystemEvent`]s in time order: failed connects of TCPIP,
//! queries of DNS-Client, proxy detection and requests of WinHTTP, WebIO and WinINet, alerts of Schannel. They are kept
//! raw until the end, because a merged trace puts its schemas last. Guaranteed: number and bytes of kept events are
//! bounded and what was left out is counted; query strings, user names in URLs and header fields are never kept in a text.

use super::event::{Event, Kind};
use super::guid::Guid;
use super::names::{self, DNS_CLIENT, KERNEL_PROCESS, SCHANNEL, SCHANNEL_LOG, TCPIP, WEBIO, WINHTTP, WININET};
use super::schema::{self, Fields, Schemas};
use super::value::one_line;
use super::{layout, process, status};
use crate::capture::{SystemEvent, SystemEventKind};
use crate::message;
use crate::problem::Problems;
use crate::time::Timestamp;
use hashbrown::HashMap;

/// Events kept of one kind (provider and id): a day of a busy client has some thousands of failed connects.
const PER_ID_MAX: u32 = 4096;

/// Samples kept of an event that is not known here, in case its schema says that it is about proxies.
const SAMPLES_MAX: u32 = 16;

/// All events kept, and their bytes.
const EVENTS_MAX: usize = 32_768;
const BYTES_MAX: usize = 16 << 20;

/// One event whose schema may still come.
#[derive(Debug)]
struct Raw {
    time: Timestamp,
    provider: Guid,
    id: u16,
    version: u16,
    pointer: u8,
    pid: u32,
    kind: Option<SystemEventKind>,
    user: Box<[u8]>,
}

/// Keeps what may explain a failure.
#[derive(Debug, Default)]
pub struct Collector {
    raw: Vec<Raw>,
    bytes: usize,
    counts: HashMap<(Guid, u16), u32>,
    left_out: u64,
    described: Vec<SystemEvent>,
    /// Names by process id, from process events.
    processes: HashMap<u32, String>,
}

/// What an event is about; `Some(None)` = its schema must tell.
fn interest(provider: Guid, id: u16) -> Option<Option<SystemEventKind>> {
    use SystemEventKind as K;
    let kind = match provider {
        TCPIP => match id {
            1016 | 1034 | 1045 => K::ConnectFailure,
            1033 | 1039 | 1046 | 1047 | 1300 | 1382 => K::Other,
            _ => return None,
        },
        DNS_CLIENT => match id {
            1014 | 1015 | 3006 | 3008 | 3010 | 3011 | 3018 | 3020 => K::Dns,
            _ => return None,
        },
        SCHANNEL | SCHANNEL_LOG => match id {
            36880 => K::Other,
            36864..=36892 => K::TlsAlert,
            _ => return None,
        },
        WEBIO => match id {
            17 | 18 | 100 | 101 => K::HttpRequest,
            _ => return Some(None),
        },
        WINHTTP => match id {
            801..=815 => K::Proxy,
            10..=14 => K::HttpRequest,
            _ => return Some(None),
        },
        WININET => match id {
            104 | 203 | 301 | 304 | 305 | 1057 => K::HttpRequest,
            _ => return Some(None),
        },
        KERNEL_PROCESS if matches!(id, 1 | 15) => K::Process,
        _ => return None,
    };
    Some(Some(kind))
}

impl Collector {
    /// Looks at an event and keeps it where it matters.
    pub fn take(&mut self, event: &Event<'_>, time: Timestamp) {
        if let Some((pid, name)) = process::read(event) {
            if self.processes.len() < EVENTS_MAX || self.processes.contains_key(&pid) {
                self.processes.insert(pid, name);
            }
            return;
        }
        if event.kind != Kind::Event {
            return;
        }
        if event.id == 0 || event.ext.len() > 16 {
            self.take_described(event, time);
        }
        let Some(kind) = interest(event.provider, event.id) else { return };
        let seen = self.counts.entry((event.provider, event.id)).or_insert(0);
        *seen = seen.saturating_add(1);
        let most = if kind.is_some() { PER_ID_MAX } else { SAMPLES_MAX };
        if *seen > most || self.raw.len() >= EVENTS_MAX || self.bytes.saturating_add(event.user.len()) > BYTES_MAX {
            self.left_out += u64::from(kind.is_some());
            return;
        }
        self.bytes += event.user.len();
        self.raw.push(Raw {
            time,
            provider: event.provider,
            id: event.id,
            version: event.version,
            pointer: event.pointer,
            pid: event.pid.unwrap_or(0),
            kind,
            user: event.user.into(),
        });
    }

    /// TraceLogging events of network components, known by the names they carry.
    fn take_described(&mut self, event: &Event<'_>, time: Timestamp) {
        use SystemEventKind as K;
        let Some(provider) = schema::self_described_provider(event) else { return };
        let has = |word: &str| contains_ignoring_case(provider, word.as_bytes());
        let by_provider = if has("schannel") {
            K::TlsAlert
        } else if has("dns") {
            K::Dns
        } else if has("winhttp") || has("webio") || has("wininet") || has("proxy") {
            K::HttpRequest
        } else {
            return;
        };
        if self.described.len() >= PER_ID_MAX as usize {
            self.left_out += 1;
            return;
        }
        let Some(mut described) = schema::self_described(event) else { return };
        let proxy = contains_ignoring_case(described.name.as_bytes(), b"proxy");
        clean(&mut described.fields);
        self.described.push(SystemEvent {
            time,
            provider: described.provider,
            id: event.id,
            pid: event.pid.unwrap_or(0),
            kind: if proxy { K::Proxy } else { by_provider },
            text: listed(&described.name, &described.fields),
            fields: owned(described.fields),
        });
    }

    /// Decodes what was kept; (events in time order, processes by id).
    pub fn finish(mut self, schemas: &Schemas, problems: &mut Problems) -> (Vec<SystemEvent>, Vec<(u32, String)>) {
        problems.note_many("etl_system_events_left_out", self.left_out, None, None, || {
            message!(
                en: "more system events (TCP/IP, DNS, WinHTTP, Schannel) than are kept; the first of each kind were kept",
                ja: "システムイベント (TCP/IP、DNS、WinHTTP、Schannel) が保持できる数を超えています。種類ごとに最初のものだけを保持しました"
            )
        });
        let mut events = std::mem::take(&mut self.described);
        for raw in std::mem::take(&mut self.raw) {
            if let Some(event) = self.decode(&raw, schemas) {
                events.push(event);
            }
        }
        events.sort_by_key(|e| e.time);
        let mut processes: Vec<_> = self.processes.into_iter().collect();
        processes.sort_unstable();
        (events, processes)
    }

    fn decode(&mut self, raw: &Raw, schemas: &Schemas) -> Option<SystemEvent> {
        let schema = schemas.get(raw.provider, raw.id, raw.version);
        let mut fields = match schema {
            Some(schema) => schemas.decode(raw.provider, schema, &raw.user, raw.pointer),
            None => layout::decode(raw.provider, raw.id, &raw.user, raw.pointer)?,
        };
        if raw.kind == Some(SystemEventKind::Process) {
            let pid = fields.get("ProcessID").and_then(|f| f.value.number()).and_then(|n| u32::try_from(n).ok());
            let image = fields.get("ImageName").map(|f| f.text.clone());
            if let Some((pid, name)) = pid.zip(image).and_then(|(pid, image)| process::named(pid, &image)) {
                self.processes.insert(pid, name);
            }
            return None;
        }
        clean(&mut fields);
        let message = schema.map_or("", |s| s.message.as_str());
        let task = schema.map_or("", |s| s.task.as_str());
        let about_proxy = |text: &str| contains_ignoring_case(text.as_bytes(), b"proxy");
        let kind = match raw.kind {
            Some(kind) => kind,
            None if about_proxy(task) || about_proxy(message) || fields.list.iter().any(|f| about_proxy(&f.name)) => {
                SystemEventKind::Proxy
            }
            None => return None,
        };
        let provider = names::provider(raw.provider)
            .or_else(|| schema.map(|s| s.provider_name.as_str()))
            .map_or_else(|| raw.provider.to_string(), str::to_owned);
        let text = if message.trim().is_empty() { listed(task, &fields) } else { schema::render(message, &fields) };
        Some(SystemEvent { time: raw.time, provider, id: raw.id, pid: raw.pid, kind, text, fields: owned(fields) })
    }
}

fn owned(fields: Fields) -> Vec<(String, String)> {
    fields.list.into_iter().map(|f| (f.name, f.text)).collect()
}

/// `name: field=value field=value`.
fn listed(name: &str, fields: &Fields) -> String {
    let mut text = name.to_owned();
    for f in &fields.list {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&f.name);
        text.push('=');
        text.push_str(&f.text);
    }
    one_line(&text)
}

fn contains_ignoring_case(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len().max(1)).any(|w| w.eq_ignore_ascii_case(word))
}

/// Names status numbers, and takes out what must not be shown.
fn clean(fields: &mut Fields) {
    for f in &mut fields.list {
        let name = f.name.to_ascii_lowercase();
        let secret = ["cookie", "authorization", "credential", "password", "token", "username"];
        if secret.iter().any(|s| name.contains(s)) {
            f.text = "[removed]".to_owned();
            continue;
        }
        if name.contains("header") {
            // Header fields carry cookies and tokens; the first line says what was asked or answered.
            f.text = first_line(&f.value);
        }
        f.text = without_secrets(&f.text);
        if let Some(known) = f.value.number().and_then(|number| status::name(&f.name, number)) {
            f.text = format!("{} ({known})", f.text);
        }
    }
}

/// The request or status line of an HTTP header block, which has become one line already.
fn first_line(value: &super::value::Value) -> String {
    let text = value.text(0);
    let mut words = text.split(' ');
    let line: Vec<&str> = match words.clone().next() {
        // `HTTP/1.1 200 OK`: the reason may have blanks, the number says it.
        Some(first) if first.starts_with("HTTP/") => words.by_ref().take(2).collect(),
        // `GET /path HTTP/1.1`
        _ => words.by_ref().take(3).collect(),
    };
    if line.iter().any(|w| w.starts_with("HTTP/")) { line.join(" ") } else { "[removed]".to_owned() }
}

/// A text in which URLs and paths have neither query nor fragment nor user.
fn without_secrets(text: &str) -> String {
    let mut out = String::new();
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 {
            out.push(' ');
        }
        let scheme = word.find("://");
        if scheme.is_none() && !word.starts_with('/') {
            out.push_str(word);
            continue;
        }
        let end = word.find(['?', '#']).unwrap_or(word.len());
        let (kept, cut) = word.split_at(end);
        match scheme.filter(|s| s + 3 <= end) {
            Some(at) => {
                let (scheme, rest) = kept.split_at(at + 3);
                let host_end = rest.find('/').unwrap_or(rest.len());
                let (host, path) = rest.split_at(host_end);
                out.push_str(scheme);
                out.push_str(host.rsplit('@').next().unwrap_or(host));
                out.push_str(path);
            }
            None => out.push_str(kept),
        }
        if !cut.is_empty() {
            out.push_str("?…");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::etl::schema::tests::{classic, record};
    use crate::capture::etl::schema::{Field, Schemas};
    use crate::capture::etl::value::Value;

    fn event(provider: Guid, id: u16, user: &[u8]) -> Event<'_> {
        Event { kind: Kind::Event, provider, id, pid: Some(77), ..classic(0, user) }
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_failed_query_is_told_with_and_without_a_schema() {
        let mut user = wide("login.example");
        user.extend(28u32.to_le_bytes());
        user.extend([0; 8]);
        user.extend(9003u32.to_le_bytes());
        user.extend(wide(""));
        let mut collector = Collector::default();
        collector.take(&event(DNS_CLIENT, 3008, &user), Timestamp(5));
        let (events, _) = collector.finish(&Schemas::default(), &mut Problems::default());
        assert_eq!(
            events[0].text,
            "QueryName=login.example QueryType=28 (AAAA) QueryOptions=0 QueryStatus=9003 (DNS_ERROR_RCODE_NAME_ERROR) \
             QueryResults="
        );
        assert_eq!((events[0].kind, events[0].pid), (SystemEventKind::Dns, 77));

        let mut schemas = Schemas::default();
        let fields = [
            ("QueryName", 1, 0, 0, 1, 0),
            ("QueryType", 7, 0, 0, 1, 4),
            ("QueryOptions", 10, 0, 0, 1, 8),
            ("QueryStatus", 20, 0, 0, 1, 4),
        ];
        schemas.take(&classic(32, &record(DNS_CLIENT, 3008, "Query for %1 failed: %4", &fields, "")));
        let mut collector = Collector::default();
        collector.take(&event(DNS_CLIENT, 3008, &user), Timestamp(5));
        let (events, _) = collector.finish(&schemas, &mut Problems::default());
        assert_eq!(events[0].text, "Query for login.example failed: 9003 (DNS_ERROR_RCODE_NAME_ERROR)");
    }

    #[test]
    fn nothing_secret_stays_in_a_text() {
        assert_eq!(
            without_secrets("GET https://user:pw@host/path?code=SECRET#x /cb?token=SECRET ok"),
            "GET https://host/path?… /cb?… ok"
        );
        let mut fields = Fields::default();
        for (name, text) in [
            ("RequestHeaders", "GET /a?code=SECRET HTTP/1.1 Cookie: SECRET"),
            ("ResponseHeaders", "HTTP/1.1 302 Found Location: https://x/?SECRET"),
            ("Headers", "Cookie: SECRET"),
            ("SessionToken", "SECRET"),
        ] {
            let value = Value::Text(text.to_owned());
            fields.list.push(Field { name: name.to_owned(), text: value.text(0), value });
        }
        clean(&mut fields);
        let texts: Vec<_> = fields.list.iter().map(|f| f.text.as_str()).collect();
        assert_eq!(texts, ["GET /a?… HTTP/1.1", "HTTP/1.1 302", "[removed]", "[removed]"]);
    }

    #[test]
    fn floods_are_bounded_and_counted() {
        let user = vec![0; 100];
        let mut collector = Collector::default();
        for _ in 0..10_000 {
            collector.take(&event(DNS_CLIENT, 3006, &user), Timestamp(0));
        }
        let mut problems = Problems::default();
        let (events, _) = collector.finish(&Schemas::default(), &mut problems);
        assert_eq!(events.len(), 4096);
        assert_eq!(problems.get("etl_system_events_left_out").map(|p| p.count), Some(10_000 - 4096));
    }

    #[test]
    fn process_events_name_processes() {
        let mut user = 4711u32.to_le_bytes().to_vec();
        user.extend([0; 16]);
        user.extend(wide(r"\Device\HarddiskVolume3\Windows\System32\svchost.exe"));
        let mut collector = Collector::default();
        collector.take(&event(KERNEL_PROCESS, 1, &user), Timestamp(0));
        // Kernel logger, version 4, without and with a SID.
        for (sid, pid) in
            [(vec![0u8; 4], 8u32), ([vec![1; 16], vec![1, 2, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 2, 0, 0, 0]].concat(), 9)]
        {
            let mut user = vec![9; 8];
            user.extend(pid.to_le_bytes());
            user.extend([0; 12]);
            user.extend([0; 12]);
            user.extend(sid);
            user.extend(b"az.exe\0");
            let e = Event {
                kind: Kind::PerfInfo,
                group: 3,
                version: 4,
                opcode: 3,
                provider: Guid::NONE,
                ..classic(3, &user)
            };
            collector.take(&e, Timestamp(0));
        }
        let (_, processes) = collector.finish(&Schemas::default(), &mut Problems::default());
        assert_eq!(processes, [(8, "az.exe".into()), (9, "az.exe".into()), (4711, "svchost.exe".into())]);
    }
}
