//! Logs of which every line is a JSON object, as containers, journals and structured loggers write them, and the same
//! objects over several lines or in one list, as portals and editors lay them out.
//!
//! What enters: decoded text. What leaves: the messages in the objects, line by line, with their times and the numbers
//! of the lines that they began on; `None` for text that is no such log. An object is a record of a log when it holds
//! a message and says when or how urgent it was; exports of sign-ins and bodies of answers do not.

use super::LOOKED_AT;
use super::speaker::{self, Speakers};
use crate::facts::log::LogTime;
use crate::log::{margin::learned, stamp, text};
use crate::time::Timestamp;
use serde_json::{Map, Value};

mod laid_out;

/// The messages of a log in JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Messages {
    pub text: String,
    /// Times of its lines.
    pub times: Vec<Option<LogTime>>,
    /// Numbers of the lines that they stood on.
    pub numbers: Vec<u64>,
    /// Records that were seen at its beginning.
    pub records: usize,
}

/// Docker, journald, Terraform and hclog, Serilog (rendered, else its template), everybody else.
const MESSAGE: &[&str] =
    &["log", "MESSAGE", "@message", "@m", "@mt", "message", "msg", "RenderedMessage", "MessageTemplate", "Message"];
/// When it was. Without one of these or of `URGENCY` an object is no record.
const TIME: &[&str] = &[
    "time",
    "timestamp",
    "@timestamp",
    "@t",
    "ts",
    "date",
    "datetime",
    "asctime",
    "Time",
    "Timestamp",
    "__REALTIME_TIMESTAMP",
];
/// How urgent it was, or which stream it went to.
const URGENCY: &[&str] = &["stream", "level", "@level", "@l", "levelname", "severity", "Level", "LogLevel", "PRIORITY"];
/// What loggers keep beside the message of an error.
const ERROR: &[&str] = &[
    "@x",
    "exception",
    "Exception",
    "exc_info",
    "stack_trace",
    "stack",
    "error",
    "err",
    "outerMessage",
    "innermostMessage",
];
/// Names of loggers, which tell what a message of Python's means.
const LOGGER: &[&str] = &["name", "logger", "logger_name"];

/// Who speaks, in the words of container platforms, journals and loggers.
const SPEAKER: &[&str] = &[
    "pod",
    "pod_name",
    "container",
    "container_name",
    "container_id",
    "hostname",
    "_HOSTNAME",
    "SYSLOG_IDENTIFIER",
    "CONTAINER_NAME",
    "service",
    "service_name",
    "service.name",
    "app",
    "application",
    "env",
    "environment",
    "instance",
];
/// Objects that hold some of these.
const PLATFORM: &[&str] = &["kubernetes", "docker", "container", "attrs", "host", "service", "resource", "labels"];

/// Takes the messages out of `text`, if nearly all of its lines are records and one program wrote them.
pub(super) fn messages(source: &str) -> Option<Messages> {
    let looked_at: Vec<&str> = source.split('\n').filter(|l| !l.trim().is_empty()).take(LOOKED_AT).collect();
    let records = looked_at.iter().filter(|line| record(line).is_some()).count();
    if records == 0 || records * 10 < looked_at.len() * 9 {
        return laid_out::objects(source).and_then(taken);
    }
    let lines = source.split('\n').zip(1u64..);
    taken(lines.map(|(line, number)| (number, record(line).ok_or_else(|| line.to_owned()))).collect())
}

/// A record, or the text that stands where one would; before it the number of its line.
pub(super) type Entry = (u64, Result<Map<String, Value>, String>);

/// The messages of the records, if one program wrote them.
pub(super) fn taken(entries: Vec<Entry>) -> Option<Messages> {
    let records = entries.iter().filter(|(_, entry)| entry.is_ok()).take(LOOKED_AT).count();
    let mut out = Messages { text: String::new(), times: Vec::new(), numbers: Vec::new(), records };
    let mut speakers = Speakers::default();
    for (number, entry) in entries {
        let (text, time) = match entry {
            Ok(object) => {
                let text = message(&object);
                if is_another(&mut speakers, &object, &text) {
                    return None;
                }
                (text, time(&object))
            }
            Err(line) => (line, None),
        };
        for part in text.split('\n') {
            out.text.push_str(part);
            out.text.push('\n');
            out.times.push(time);
            out.numbers.push(number);
        }
    }
    Some(out)
}

/// The object that a line is, if it is a record of a log.
fn record(line: &str) -> Option<Map<String, Value>> {
    let line = line.trim();
    if !(line.starts_with('{') && line.ends_with('}')) {
        return None;
    }
    let Ok(Value::Object(object)) = serde_json::from_str(line) else { return None };
    as_record(object)
}

/// The object, if it is a record of a log.
fn as_record(object: Map<String, Value>) -> Option<Map<String, Value>> {
    let has = |keys: &[&str]| keys.iter().any(|key| object.contains_key(*key));
    // Bodies of answers have a time too, and the status of the answer.
    let is_answer = object.get("status").is_some_and(Value::is_number) && !has(URGENCY);
    let is_record = first(&object, MESSAGE).is_some() && (has(TIME) || has(URGENCY)) && !is_answer;
    is_record.then_some(object)
}

/// The first of `keys` that has a text.
fn first<'o>(object: &'o Map<String, Value>, keys: &[&str]) -> Option<&'o str> {
    keys.iter().find_map(|key| object.get(*key)?.as_str())
}

/// Whether the record is of another program than those before it.
fn is_another(speakers: &mut Speakers, object: &Map<String, Value>, text: &str) -> bool {
    let named = |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    // `{"service": {"name": "api"}}` is what the standard of Elastic writes.
    let keys = SPEAKER.iter().chain(&["name", "id"]);
    let nested =
        PLATFORM.iter().zip(SPEAKER.len()..).filter_map(|(key, at)| Some((object.get(*key)?.as_object()?, at)));
    let nested = nested.flat_map(|(o, at)| {
        keys.clone().enumerate().filter_map(move |(i, key)| Some(((at + 1) * 100 + i, named(o, key)?)))
    });
    let own = SPEAKER.iter().enumerate().filter_map(|(place, key)| Some((place, named(object, key)?)));
    let names: Vec<(usize, String)> = own.chain(nested).collect();
    text.split('\n').any(speaker::tells) && names.iter().any(|(place, name)| speakers.is_other(*place, name))
}

/// Message and error of a record, free of escapes.
fn message(object: &Map<String, Value>) -> String {
    let message = first(object, MESSAGE).unwrap_or_default();
    let mut out = String::new();
    if let Some(logger) = first(object, LOGGER).filter(|name| learned::is_logger(name)) {
        if let Some(level) = first(object, &["levelname", "level"]).filter(|l| learned::is_level(l)) {
            out.push_str(level);
            out.push_str(": ");
        }
        out.push_str(logger);
        out.push_str(": ");
    }
    out.push_str(message.trim_end());
    for error in ERROR.iter().filter_map(|key| object.get(*key)).flat_map(texts) {
        // A stack repeats the message of its error.
        if !out.contains(error) {
            out.push('\n');
            out.push_str(error.trim_end());
        }
    }
    text::tidy(&out)
}

/// What an error says: a text, or an object with message and stack, as loggers of JavaScript write it.
fn texts(error: &Value) -> impl Iterator<Item = &str> {
    let [stack, message] = ["stack", "message"].map(|key| error.get(key).and_then(Value::as_str));
    // The stack mostly begins with the message.
    let message = message.filter(|m| stack.is_none_or(|s| !s.contains(m)));
    [error.as_str(), message, stack].into_iter().flatten()
}

fn time(object: &Map<String, Value>) -> Option<LogTime> {
    // Journald counts microseconds.
    let counted = object.get("__REALTIME_TIMESTAMP").and_then(|t| t.as_str()?.parse::<i64>().ok()?.checked_mul(1000));
    counted
        .map(|nanos| LogTime::Utc(Timestamp(nanos)))
        .or_else(|| TIME.iter().find_map(|key| stamp::iso(object.get(*key)?.as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_of_every_layout() {
        for line in [
            r#"{"log":"one\n","stream":"stderr","time":"2026-11-02T10:00:00.1Z"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1762077600000000","MESSAGE":"one"}"#,
            r#"{"@level":"error","@message":"one","@timestamp":"2026-11-02T10:00:00.000000Z"}"#,
            r#"{"@t":"2026-11-02T10:00:37Z","@mt":"{What}","@m":"one"}"#,
            r#"{"time":"2026-11-02T10:00:00Z","level":"Error","message":"\u001b[31mone\u001b[0m"}"#,
        ] {
            let got = messages(line).unwrap();
            assert_eq!((got.text.as_str(), got.numbers.as_slice()), ("one\n", [1].as_slice()), "{line}");
            assert!(matches!(got.times.first(), Some(Some(LogTime::Utc(_)))), "{line}");
        }
    }

    #[test]
    fn lines_of_a_message_and_its_error_have_the_number_of_their_record() {
        let text = "{\"ts\":1,\"msg\":\"a\\r\\nb\",\"error\":\"no such host\"}\nplain\n"
            .replace("plain", "{\"ts\":2,\"msg\":\"c\"}");
        let got = messages(&text).unwrap();
        assert_eq!(got.text, "a\nb\nno such host\nc\n\n");
        assert_eq!(got.numbers, [1, 1, 1, 2, 3]);
    }

    #[test]
    fn an_error_that_is_an_object_says_what_it_is() {
        for (error, lines) in [
            (r#"{"type":"Error","message":"connect ECONNREFUSED"}"#, "m\nconnect ECONNREFUSED\n"),
            (r#"{"message":"refused","stack":"Error: refused\n  at x"}"#, "m\nError: refused\n  at x\n"),
            (r#"{"message":"refused","stack":"at x"}"#, "m\nrefused\nat x\n"),
            (r#"{"code":5,"message":["x"]}"#, "m\n"),
        ] {
            let got = messages(&format!(r#"{{"level":50,"err":{error},"msg":"m"}}"#)).unwrap();
            assert_eq!(got.text, lines, "{error}");
        }
    }

    #[test]
    fn a_logger_of_python_says_what_a_message_means() {
        let got = messages(r#"{"levelname":"DEBUG","name":"urllib3.connectionpool","message":"x"}"#).unwrap();
        assert_eq!(got.text, "DEBUG: urllib3.connectionpool: x\n");
    }

    #[test]
    fn records_of_several_programs_are_not_mixed() {
        for (one, other) in [
            (r#""pod":"api""#, r#""pod":"worker""#),
            (r#""kubernetes":{"pod_name":"a-1"}"#, r#""kubernetes":{"pod_name":"a-2"}"#),
            (r#""service":{"name":"a"}"#, r#""service":{"name":"b"}"#),
        ] {
            let record = |who: &str, text: &str| format!("{{\"level\":\"info\",{who},\"msg\":\"{text}\"}}\n");
            let (ok, bad) = (record(one, "GET https://a.example 200"), record(other, "Connection refused"));
            assert_eq!(messages(&format!("{ok}{bad}")), None, "{one}");
            assert!(messages(&format!("{ok}{ok}{}", record(other, "ready"))).is_some(), "{one}");
        }
    }

    #[test]
    fn other_json_stays_what_it_is() {
        for text in [
            r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#,
            r#"{"code":"x","message":"Connection refused"}"#,
            r#"{"time":"2026-11-02T10:00:00Z","operationName":"Sign-in activity","properties":{}}"#,
            r#"[{"log":"x","time":"y"}]"#,
            r#"{"timestamp":"2026-11-02T10:00:00Z","status":500,"error":"x","message":"Connection refused"}"#,
            "DEBUG: a\nDEBUG: b\n{\"log\":\"x\",\"time\":\"y\"}\n",
            "{\n\"time\": \"x\",\n\"message\": \"y\"\n}\n",
            "",
        ] {
            assert_eq!(messages(text), None, "{text}");
        }
    }
}
