//! `nettriage facts`: facts as JSON Lines and CSV, one record a fact.
//!
//! What enters: the facts of one capture or log. What leaves: records in a fixed order (summary, then by frame), with the
//! fields that README's section on facts lists. Only fields that have a value are written.

mod log;

use crate::case::PieceFacts;
use crate::facts::{
    AppFacts, CaptureFacts, ClientHello, DnsData, Flow, FlowTransport, Presented, TlsCarrier, TlsSession,
};
use crate::flow::Side;
use log::{of_log, of_signins};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;

/// Every type of record.
pub const TYPES: [&str; 19] = [
    "alert",
    "capture_summary",
    "certificate",
    "client_hello",
    "connect",
    "decrypted_alert",
    "dns",
    "drop",
    "error",
    "flow",
    "http",
    "icmp",
    "log_event",
    "nbns",
    "partial_server_hello",
    "quic",
    "server_hello",
    "signin",
    "socks",
];

/// All records of one piece of evidence; none of what is neither a capture nor a log.
pub fn of_piece(path: &str, facts: &PieceFacts) -> Vec<Value> {
    match facts {
        PieceFacts::Capture(capture) => of_capture(path, capture),
        PieceFacts::Log(log) => of_log(path, log),
        PieceFacts::Signin(signin) => of_signins(path, signin),
        PieceFacts::System(_) | PieceFacts::KeyLog => Vec::new(),
    }
}

/// All records of one capture, sorted by frame within each type.
pub fn of_capture(path: &str, facts: &CaptureFacts) -> Vec<Value> {
    let mut out = vec![summary(path, facts)];
    let mut rest: Vec<(u64, usize, Value)> = Vec::new();
    let mut push = |frame: u64, order: usize, v: Value| rest.push((frame, order, v));
    for flow in &facts.flows {
        let frame = flow.first.frame;
        push(frame, 0, with(path, "flow", flow_record(flow)));
        for session in &flow.app.tls {
            session_records(path, flow, session, &mut push);
        }
        for exchange in &flow.app.http {
            let frame = exchange.request_at.or(exchange.response_at).map_or(frame, |a| a.frame);
            let kind = if exchange.is_connect() { "connect" } else { "http" };
            let mut fields = ends(flow, Side::Client);
            fields.insert("frame".into(), json!(frame));
            fields
                .insert("time".into(), json!(exchange.request_at.or(exchange.response_at).map(|a| a.time.to_string())));
            fields.insert("status".into(), json!(exchange.status));
            if exchange.is_connect() {
                fields.insert("authority".into(), json!(exchange.target));
            } else {
                fields.insert("method".into(), json!(exchange.method));
                fields.insert("target".into(), json!(exchange.target));
            }
            optional(&mut fields, "host", exchange.host.as_deref());
            optional(&mut fields, "user_agent", exchange.user_agent.as_deref());
            optional(&mut fields, "server", exchange.server.as_deref());
            optional(&mut fields, "via", exchange.via.as_deref());
            optional(&mut fields, "location", exchange.location.as_deref());
            optional(&mut fields, "title", exchange.title.as_deref());
            if !exchange.proxy_authenticate.is_empty() {
                fields.insert("proxy_authenticate".into(), json!(exchange.proxy_authenticate));
            }
            push(frame, 3, with(path, kind, fields));
        }
        if let Some(socks) = &flow.app.socks {
            let mut fields = ends(flow, Side::Client);
            fields.insert("frame".into(), json!(socks.at.frame));
            fields.insert("version".into(), json!(socks.version));
            optional(&mut fields, "authority", socks.target.as_deref());
            fields.insert("reply".into(), json!(socks.reply));
            fields.insert("granted".into(), json!(socks.granted()));
            push(socks.at.frame, 3, with(path, "socks", fields));
        }
        if let Some(quic) = &flow.app.quic {
            let mut fields = ends(flow, Side::Client);
            fields.insert("quic_version".into(), json!(quic.version));
            fields.insert("answered".into(), json!(quic.first_answer.is_some()));
            fields.insert("retry".into(), json!(quic.retry));
            if !quic.version_negotiation.is_empty() {
                fields.insert("version_negotiation".into(), json!(quic.version_negotiation));
            }
            push(frame, 3, with(path, "quic", fields));
        }
    }
    for message in &facts.dns {
        let mut fields = Map::new();
        put_ends(&mut fields, message.src, message.dst);
        fields.insert("transport".into(), json!(if message.tcp { "tcp" } else { "udp" }));
        fields.insert("frame".into(), json!(message.at.frame));
        fields.insert("stream".into(), json!(message.stream));
        fields.insert("time".into(), json!(message.at.time.to_string()));
        fields.insert("id".into(), json!(message.id));
        fields.insert("response".into(), json!(message.response));
        fields.insert("protocol".into(), json!(dns_kind(message.kind)));
        if let Some((name, kind)) = message.questions.first() {
            fields.insert("qname".into(), json!(name));
            fields.insert("qtype".into(), json!(crate::protocol::dns::type_name(*kind)));
        }
        if message.questions.len() > 1 {
            let all: Vec<Value> = message
                .questions
                .iter()
                .map(|(n, t)| json!({"qname": n, "qtype": crate::protocol::dns::type_name(*t)}))
                .collect();
            fields.insert("questions".into(), Value::Array(all));
        }
        if message.response {
            fields.insert("rcode".into(), json!(message.rcode));
            let answers: Vec<String> = message
                .answers
                .iter()
                .map(|r| match &r.data {
                    DnsData::Address(a) => a.to_string(),
                    DnsData::Name(n) => n.clone(),
                    DnsData::Service { target, .. } => target.clone(),
                    DnsData::Other(t) => t.clone(),
                })
                .collect();
            fields.insert("answers".into(), json!(answers));
        }
        if message.truncated {
            fields.insert("tc".into(), json!(true));
        }
        // NetBIOS shares the format, not the names nor the meaning.
        let kind = if message.kind == crate::facts::DnsKind::Nbns { "nbns" } else { "dns" };
        push(message.at.frame, 1, with(path, kind, fields));
    }
    for icmp in &facts.icmp {
        let mut fields = Map::new();
        fields.insert("frame".into(), json!(icmp.at.frame));
        fields.insert("time".into(), json!(icmp.at.time.to_string()));
        fields.insert("sender".into(), json!(icmp.sender.to_string()));
        fields.insert("receiver".into(), json!(icmp.receiver.to_string()));
        fields.insert("icmp_type".into(), json!(icmp.error.kind));
        fields.insert("icmp_code".into(), json!(icmp.error.code));
        fields.insert("quoted_src".into(), json!(icmp.error.quoted_src.to_string()));
        fields.insert("quoted_dst".into(), json!(icmp.error.quoted_dst.to_string()));
        push(icmp.at.frame, 1, with(path, "icmp", fields));
    }
    for drop in &facts.drops {
        let mut fields = Map::new();
        fields.insert("frame".into(), json!(drop.at.frame));
        fields.insert("time".into(), json!(drop.at.time.to_string()));
        fields.insert("component".into(), json!(drop.component));
        fields.insert("reason".into(), json!(drop.reason));
        if let Some((src, dst)) = drop.ends {
            put_ends(&mut fields, Some(src), Some(dst));
        }
        push(drop.at.frame, 1, with(path, "drop", fields));
    }
    rest.sort_by_key(|(frame, order, _)| (*frame, *order));
    out.extend(rest.into_iter().map(|(_, _, v)| v));
    out
}

/// The record of an input that could not be read.
pub fn of_error(path: &str, text: &str) -> Value {
    json!({ "capture": path, "type": "error", "error": text })
}

/// Gives every text of a record that may hold names to `replace`: all but words of this program, times and digests.
pub fn replace_texts(record: &mut Value, replace: &mut dyn FnMut(&str) -> String) {
    const OWN: [&str; 20] = [
        "type",
        "transport",
        "conn_state",
        "history",
        "protocol",
        "qtype",
        "format",
        "time",
        "first_time",
        "last_time",
        "not_before",
        "not_after",
        "ja3",
        "ja4",
        "random",
        "sha256",
        "local_time",
        "event",
        "dialect",
        "class",
    ];
    match record {
        Value::String(text) => *text = replace(text),
        Value::Array(list) => list.iter_mut().for_each(|value| replace_texts(value, replace)),
        Value::Object(fields) => {
            let names = fields.iter_mut().filter(|(name, _)| !OWN.contains(&name.as_str()));
            names.for_each(|(_, value)| replace_texts(value, replace));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn with(path: &str, kind: &str, fields: Map<String, Value>) -> Value {
    let mut all = Map::new();
    all.insert("capture".into(), json!(path));
    all.insert("type".into(), json!(kind));
    all.extend(fields);
    Value::Object(all)
}

fn optional(fields: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(v) = value {
        fields.insert(name.into(), json!(v));
    }
}

fn put_ends(fields: &mut Map<String, Value>, src: Option<SocketAddr>, dst: Option<SocketAddr>) {
    if let Some(a) = src {
        fields.insert("src".into(), json!(a.ip().to_string()));
        fields.insert("sport".into(), json!(a.port()));
    }
    if let Some(a) = dst {
        fields.insert("dst".into(), json!(a.ip().to_string()));
        fields.insert("dport".into(), json!(a.port()));
    }
}

/// Addresses of a flow with `sender` as the source.
fn ends(flow: &Flow, sender: Side) -> Map<String, Value> {
    let mut fields = Map::new();
    let (src, dst) = match sender {
        Side::Client => (flow.ends.client, flow.ends.server),
        Side::Server => (flow.ends.server, flow.ends.client),
    };
    put_ends(&mut fields, Some(src), Some(dst));
    fields.insert("stream".into(), json!(flow.stream));
    fields
}

fn dns_kind(kind: crate::facts::DnsKind) -> &'static str {
    match kind {
        crate::facts::DnsKind::Dns => "dns",
        crate::facts::DnsKind::Mdns => "mdns",
        crate::facts::DnsKind::Llmnr => "llmnr",
        crate::facts::DnsKind::Nbns => "nbns",
    }
}

fn carrier(session: &TlsSession) -> &'static str {
    match session.carrier {
        TlsCarrier::Tcp => "tcp",
        TlsCarrier::Dtls => "dtls",
        TlsCarrier::Quic => "quic",
    }
}

fn session_records(path: &str, flow: &Flow, session: &TlsSession, push: &mut impl FnMut(u64, usize, Value)) {
    let base = |sender: Side, frame: u64, time: crate::time::Timestamp| {
        let mut fields = ends(flow, if session.reversed { sender.other() } else { sender });
        fields.insert("transport".into(), json!(carrier(session)));
        fields.insert("frame".into(), json!(frame));
        fields.insert("time".into(), json!(time.to_string()));
        optional(&mut fields, "tunnel", session.tunnel.as_deref());
        fields
    };
    for hello in &session.client_hellos {
        let mut fields = base(Side::Client, hello.at.frame, hello.at.time);
        client_hello(&mut fields, hello);
        push(hello.at.frame, 1, with(path, "client_hello", fields));
    }
    for hello in &session.server_hellos {
        let mut fields = base(Side::Server, hello.at.frame, hello.at.time);
        fields.insert("version".into(), json!(hello.version));
        fields.insert("cipher".into(), json!(hello.cipher));
        fields.insert("hello_retry_request".into(), json!(hello.hello_retry_request));
        optional(&mut fields, "alpn", hello.alpn.as_deref());
        optional(&mut fields, "ja3s", hello.ja3s.as_deref());
        optional(&mut fields, "ja4s", hello.ja4s.as_deref());
        let kind = if hello.record_cut { "partial_server_hello" } else { "server_hello" };
        push(hello.at.frame, 1, with(path, kind, fields));
    }
    for alert in &session.alerts {
        let mut fields = base(alert.by, alert.at.frame, alert.at.time);
        fields.insert("level".into(), json!(alert.level));
        fields.insert("description".into(), json!(alert.description));
        // An alert that only the key log shows is not one in clear.
        let kind = if session.decrypted { "decrypted_alert" } else { "alert" };
        push(alert.at.frame, 2, with(path, kind, fields));
    }
    for (certificates, side) in [(&session.certificates, Side::Server), (&session.client_certificates, Side::Client)] {
        for c in certificates {
            let mut fields = base(side, c.at.frame, c.at.time);
            certificate(&mut fields, c);
            push(c.at.frame, 2, with(path, "certificate", fields));
        }
    }
}

fn client_hello(fields: &mut Map<String, Value>, hello: &ClientHello) {
    fields.insert("sni".into(), json!(hello.sni));
    fields.insert("legacy_version".into(), json!(hello.legacy_version));
    fields.insert("supported_versions".into(), json!(hello.supported_versions));
    fields.insert("alpn".into(), json!(hello.alpn));
    fields.insert("ech".into(), json!(hello.ech));
    optional(fields, "ja3", hello.ja3.as_deref());
    optional(fields, "ja4", hello.ja4.as_deref());
    fields.insert("random".into(), json!(hello.random.to_string()));
    if let Some(version) = hello.quic_version {
        fields.insert("quic_version".into(), json!(version));
    }
}

fn certificate(fields: &mut Map<String, Value>, c: &Presented) {
    fields.insert("index".into(), json!(c.index));
    fields.insert("sha256".into(), json!(c.sha256));
    if let Some(error) = &c.parse_error {
        fields.insert("parse_error".into(), json!(error));
        return;
    }
    optional(fields, "subject_cn", c.subject_cn.as_deref());
    optional(fields, "issuer_cn", c.issuer_cn.as_deref());
    fields.insert("subject".into(), json!(c.subject));
    fields.insert("issuer".into(), json!(c.issuer));
    fields.insert("not_before".into(), json!(whole_seconds(c.not_before)));
    fields.insert("not_after".into(), json!(whole_seconds(c.not_after)));
    fields.insert("serial".into(), json!(c.serial));
    fields.insert("spki_sha256".into(), json!(c.spki_sha256));
    if !c.names.is_empty() {
        fields.insert("names".into(), json!(c.names));
    }
}

/// `YYYY-MM-DDTHH:MM:SSZ`: certificates know no fractions.
fn whole_seconds(t: crate::time::Timestamp) -> String {
    let text = t.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

fn flow_record(flow: &Flow) -> Map<String, Value> {
    let mut fields = ends(flow, Side::Client);
    let [client, server] = &flow.sides;
    let transport = match flow.transport {
        FlowTransport::Tcp => "tcp",
        FlowTransport::Udp => "udp",
    };
    fields.insert("transport".into(), json!(transport));
    fields.insert("frame".into(), json!(flow.first.frame));
    fields.insert("first_time".into(), json!(flow.first.time.to_string()));
    fields.insert("last_time".into(), json!(flow.last.time.to_string()));
    fields.insert("orig_packets".into(), json!(client.packets));
    fields.insert("resp_packets".into(), json!(server.packets));
    fields.insert("orig_bytes".into(), json!(client.bytes));
    fields.insert("resp_bytes".into(), json!(server.bytes));
    fields.insert("missed_bytes".into(), json!(client.missed_bytes + server.missed_bytes));
    if let Some(tcp) = &flow.tcp {
        fields.insert("conn_state".into(), json!(tcp.conn_state));
        fields.insert("history".into(), json!(tcp.history));
        if let Some(rtt) = tcp.handshake_rtt {
            fields.insert("rtt_ns".into(), json!(rtt));
        }
        if let Some(answer) = tcp.first_answer {
            fields.insert("first_answer_ns".into(), json!(answer));
        }
        fields.insert("retransmissions".into(), json!(client.retransmissions + server.retransmissions));
        fields.insert("resets".into(), json!(tcp.resets.len()));
    }
    if let Some(process) = &flow.process {
        fields.insert("pid".into(), json!(process.pid));
        optional(&mut fields, "process", process.name.as_deref());
    }
    optional(&mut fields, "service", service(&flow.app));
    fields
}

/// What runs in a flow, in one word.
fn service(app: &AppFacts) -> Option<&'static str> {
    if app.quic.is_some() {
        Some("quic")
    } else if app.socks.is_some() {
        Some("socks")
    } else if app.http.iter().any(|e| e.is_connect()) {
        Some("http_connect")
    } else if !app.tls.is_empty() {
        Some("tls")
    } else if !app.http.is_empty() {
        Some("http")
    } else {
        None
    }
}

fn summary(path: &str, facts: &CaptureFacts) -> Value {
    let info = &facts.info;
    let mut fields = Map::new();
    // Copies that a converted trace holds are frames of the file, though they are not looked at.
    let copies = if info.format == Some(crate::capture::Format::PcapNg) { info.duplicates } else { 0 };
    fields.insert("frames".into(), json!(info.frames + copies));
    for (name, time) in [
        ("first_ts", info.first_time),
        ("last_ts", info.last_time),
        ("earliest_ts", info.earliest),
        ("latest_ts", info.latest),
    ] {
        if let Some(t) = time {
            fields.insert(name.into(), json!(t.epoch_text()));
        }
    }
    fields.insert("format".into(), json!(info.format.map(crate::capture::Format::code)));
    fields.insert("duplicates".into(), json!(info.duplicates));
    fields.insert("tcp_conversations".into(), json!(facts.conversations.0));
    fields.insert("udp_conversations".into(), json!(facts.conversations.1));
    fields.insert("truncated".into(), json!(info.truncated));
    if !facts.unsupported_links.is_empty() && facts.flows.is_empty() && facts.dns.is_empty() {
        let names: Vec<String> =
            facts.unsupported_links.iter().map(|(l, n)| format!("link type {l} ({n} frames)")).collect();
        fields.insert("unsupported".into(), json!(names.join(", ")));
    }
    if !info.problems.is_empty() {
        let problems: Vec<Value> = info
            .problems
            .iter()
            .map(|p| json!({"code": p.code, "count": p.count, "message": p.message.en, "first_frame": p.first_frame, "offset": p.offset}))
            .collect();
        fields.insert("problems".into(), Value::Array(problems));
    }
    with(path, "capture_summary", fields)
}

/// Whether a record is of one of `types` (of any when there are none; errors always).
pub fn wanted(record: &Value, types: &[String]) -> bool {
    let kind = record.get("type").and_then(Value::as_str).unwrap_or("");
    types.is_empty() || kind == "error" || types.iter().any(|t| t == kind)
}

/// Records as one CSV table: the capture, the type, then a column a field in the order in which fields first appear.
#[derive(Debug, Default)]
pub struct Csv {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Csv {
    /// Adds a record.
    pub fn add(&mut self, record: &Value) {
        let Some(fields) = record.as_object() else { return };
        if self.columns.is_empty() {
            self.columns = vec!["capture".to_owned(), "type".to_owned()];
        }
        let mut row = vec![String::new(); self.columns.len()];
        for (name, value) in fields {
            let text = match value {
                Value::Null => continue,
                Value::String(s) => crate::report::csv::harmless(s),
                other => other.to_string(),
            };
            match self.columns.iter().position(|c| c == name) {
                Some(i) => {
                    if let Some(cell) = row.get_mut(i) {
                        *cell = text;
                    }
                }
                None => {
                    self.columns.push(name.clone());
                    row.push(text);
                }
            }
        }
        self.rows.push(row);
    }

    /// The table, RFC 4180.
    pub fn finish(self) -> String {
        let width = self.columns.len();
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        // Writing to memory cannot fail.
        let _ = writer.write_record(&self.columns);
        for mut row in self.rows {
            row.resize(width, String::new());
            let _ = writer.write_record(&row);
        }
        String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
    }
}
