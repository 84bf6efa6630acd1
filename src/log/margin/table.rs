//! Logs in a table with a heading, as portals, monitors and event viewers export them.
//!
//! What enters: decoded text. What leaves: the messages in its rows in the order of their times, with the lines that they
//! began on; `None` for any other text. A table is a log when one column holds messages and another says when or how urgent
//! each was.

use super::json::{Entry, Messages, taken};
use crate::log::stamp;
use crate::time::Timestamp;
use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

/// Longest heading that is looked at.
const HEADING_BYTES_MAX: usize = 4 << 10;

/// How PowerShell begins a table unless it is told not to.
const TYPE_LINE: &str = "#TYPE ";

/// Headings in small letters, and the keys of records that they stand for: logs in general, Application Insights, Log
/// Analytics, container logs of Azure.
const HEADINGS: &[(&str, &str)] = &[
    ("message", "message"),
    ("msg", "message"),
    ("log", "message"),
    ("logmessage", "message"),
    ("log_s", "message"),
    ("logentry", "message"),
    ("renderedmessage", "message"),
    ("outermessage", "message"),
    ("exception", "exception"),
    ("innermostmessage", "innermostMessage"),
    ("time", "time"),
    ("timestamp", "time"),
    ("date", "time"),
    ("datetime", "time"),
    ("date and time", "time"),
    ("timegenerated", "time"),
    // Events of Windows, as PowerShell exports them.
    ("timecreated", "time"),
    ("timewritten", "time"),
    ("machinename", "hostname"),
    ("level", "level"),
    ("loglevel", "level"),
    ("severity", "level"),
    ("severitylevel", "level"),
    // Who speaks.
    ("computer", "hostname"),
    ("hostname", "hostname"),
    ("cloud_roleinstance", "hostname"),
    ("approleinstance", "hostname"),
    ("cloud_rolename", "service"),
    ("approlename", "service"),
    ("containerid", "container_id"),
    ("podname", "pod_name"),
    ("メッセージ", "message"),
    ("日時", "time"),
    ("日付と時刻", "time"),
    ("レベル", "level"),
    ("datum und uhrzeit", "time"),
    ("ebene", "level"),
];

/// The messages of a table.
pub(super) fn messages(source: &str) -> Option<Messages> {
    let start = source.trim_start_matches('\u{feff}');
    let typed = start.starts_with(TYPE_LINE);
    let start = if typed { start.split_once('\n')?.1 } else { start };
    let heading = start.split('\n').next().filter(|line| line.len() <= HEADING_BYTES_MAX)?;
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|d| heading.bytes().filter(|b| b == d).count())?;
    if !heading.as_bytes().contains(&delimiter) {
        return None;
    }
    let mut rows = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(start.as_bytes());
    let mut keys: Vec<Option<&str>> = rows.headers().ok()?.iter().map(key).collect();
    // The Event Viewer of Windows gives its last column, the message, no heading.
    if [Some("level"), Some("time")] == keys.get(..2)? && !keys.contains(&Some("message")) {
        keys.push(Some("message"));
    }
    let has = |wanted: &str| keys.contains(&Some(wanted));
    if !has("message") || !(has("time") || has("level")) {
        return None;
    }
    let mut entries: Vec<Entry> = Vec::new();
    let mut times: (Option<Timestamp>, Option<Timestamp>) = (None, None);
    for row in rows.records() {
        let row = row.ok()?;
        // Text of another kind is no row.
        if row.len() != keys.len() {
            return None;
        }
        let number = row.position().map_or(0, csv::Position::line).saturating_add(u64::from(typed));
        let record = record(&keys, &row);
        let time = record.get("time").and_then(Value::as_str).and_then(moment);
        times = (times.0.or(time), time.or(times.1));
        entries.push((number, Ok(record)));
    }
    // Portals show what was last first.
    if matches!(times, (Some(first), Some(last)) if first > last) {
        entries.reverse();
    }
    taken(entries).filter(|messages| messages.records > 0)
}

/// What a heading stands for. A zone may stand behind it in brackets.
fn key(heading: &str) -> Option<&'static str> {
    let name = heading.split('[').next().unwrap_or_default().trim().to_lowercase();
    HEADINGS.iter().find(|(known, _)| *known == name).map(|(_, key)| *key)
}

/// A row as a record; of several columns for one thing the first that is filled.
fn record(keys: &[Option<&str>], row: &StringRecord) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, cell) in keys.iter().zip(row) {
        if let Some(key) = key.filter(|key| !cell.trim().is_empty() && !out.contains_key(*key)) {
            out.insert(key.to_owned(), Value::from(cell));
        }
    }
    out
}

fn moment(cell: &str) -> Option<Timestamp> {
    use crate::facts::log::LogTime;
    match stamp::iso(cell) {
        Some(LogTime::Utc(t) | LogTime::Local(t)) => Some(t),
        _ => stamp::slashed(&cell.replace(',', "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_a_table_come_out_in_the_order_of_time() {
        for text in [
            "Time,Level,Source,Message\n2026-11-02 10:00:00,Info,App,a\n2026-11-02 10:00:01,Error,App,\"b, c\"\n",
            "timestamp [UTC],message,severityLevel\n\"11/2/2026, 10:00:01.5 AM\",\"b, c\",3\n\"11/2/2026, 10:00:00.5 AM\",a,1\n",
            "TimeGenerated;LogEntry\n2026-11-02T10:00:01Z;b, c\n2026-11-02T10:00:00Z;a\n",
            "Level,Date and Time,Source,Event ID,Task Category\r\nError,11/2/2026 10:00:01 AM,AAD,1098,None,\"b, c\"\r\nError,11/2/2026 10:00:00 AM,AAD,1098,None,a\r\n",
            "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n\"Message\",\"Id\",\"TimeCreated\"\r\n\"b, c\",\"1\",\"11/2/2026 10:00:01 AM\"\r\n\"a\",\"1\",\"11/2/2026 10:00:00 AM\"\r\n",
            "日時\tメッセージ\n2026-11-02 10:00:00\ta\n2026-11-02 10:00:01\tb, c\n",
        ] {
            let got = messages(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(got.text, "a\nb, c\n", "{text}");
        }
        let lines = messages("time,message\n2026-11-02,\"a\nb\"\n2026-11-03,c\n").unwrap();
        assert_eq!((lines.text.as_str(), lines.numbers.as_slice()), ("a\nb\nc\n", [2, 2, 4].as_slice()));
        let typed = messages("#TYPE X\ntime,message\n2026-11-02,a\n").unwrap();
        assert_eq!(typed.numbers, [3]);
    }

    #[test]
    fn a_long_table_keeps_its_columns_and_tables_of_several_machines_are_not_mixed() {
        let table = |machine: fn(usize) -> usize| {
            let mut text = "Time,Level,Computer,Message\n".to_owned();
            for i in 0..20 {
                let said = if i == 19 { "GET https://a.example/: Connection refused" } else { "a.example: 200" };
                text.push_str(&format!("2026-11-02 10:00:{i:02},Info,vm{},\"{said}\"\n", machine(i)));
            }
            text
        };
        let bare = crate::log::margin::without(&table(|_| 1)).text.into_owned();
        assert!(bare.starts_with("a.example: 200\n") && bare.ends_with("Connection refused\n"), "{bare}");
        let said = |machine| messages(&table(machine).replace("a.example: 200", "Connection refused"));
        assert!(said(|_| 1).is_some());
        assert_eq!(said(|i| i / 10), None);
    }

    #[test]
    fn other_tables_and_texts_are_no_logs() {
        for text in [
            "Name,Message\nx,Connection refused\n",
            "Message,text\nConnection refused,y\n",
            "time, the message\nConnection refused\n",
            "time,message\n2026-11-02,a,b\n",
            "time,message\n",
            "message",
            "",
        ] {
            assert_eq!(messages(text), None, "{text}");
        }
    }
}
