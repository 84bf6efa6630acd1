//! Records of a log in JSON that do not stand one on a line: each over several lines, or all in one list.
//!
//! What enters: decoded text. What leaves: the records in the order of their times, each with the line that it begins on;
//! `None` for any other JSON. Linear in the length of the text, but for the sorting.

use super::{Entry, LOOKED_AT, as_record, time};
use crate::facts::log::LogTime;
use serde_json::{Deserializer, Map, Value};

/// Records that show a log: one may be a document.
const RECORDS_MIN: usize = 2;

/// The records of `source`, if nearly all of its objects are some.
pub(super) fn objects(source: &str) -> Option<Vec<Entry>> {
    let start = source.trim_start();
    if !start.starts_with(['{', '[']) {
        return None;
    }
    let mut rest = start.strip_prefix('[').unwrap_or(start);
    let mut line = lines_in(source, rest).saturating_add(1);
    let mut out: Vec<Entry> = Vec::new();
    let (mut seen, mut records) = (0usize, 0usize);
    loop {
        let next = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        line = line.saturating_add(lines_in(rest, next));
        rest = next;
        if !rest.starts_with('{') {
            // Text of another kind is not lost: it is read as it stands.
            if !matches!(rest.trim_end(), "" | "]") {
                return None;
            }
            break;
        }
        let mut values = Deserializer::from_str(rest).into_iter::<Map<String, Value>>();
        let object = match values.next()? {
            Ok(object) => object,
            // The end of the file was cut off.
            Err(e) if e.is_eof() => break,
            Err(_) => return None,
        };
        let behind = rest.get(values.byte_offset()..).unwrap_or_default();
        seen += 1;
        match as_record(object) {
            Some(record) => {
                records += 1;
                out.push((line, Ok(record)));
            }
            None if seen <= LOOKED_AT && records * 10 < seen => return None,
            None => {}
        }
        line = line.saturating_add(lines_in(rest, behind));
        rest = behind;
    }
    if records < RECORDS_MIN || records * 10 < seen * 9 {
        return None;
    }
    if is_newest_first(&out) {
        out.reverse();
    }
    Some(out)
}

/// Line ends of `whole` before `tail`, which ends it.
fn lines_in(whole: &str, tail: &str) -> u64 {
    let before = whole.get(..whole.len().saturating_sub(tail.len())).unwrap_or_default();
    before.bytes().filter(|b| *b == b'\n').count() as u64
}

/// Whether the list begins with what was last, as portals show it.
fn is_newest_first(entries: &[Entry]) -> bool {
    let at = |entry: Option<&Entry>| match entry?.1.as_ref().ok().and_then(time)? {
        LogTime::Utc(t) | LogTime::Local(t) => Some(t),
        LogTime::TimeOfDay(_) => None,
    };
    matches!((at(entries.first()), at(entries.last())), (Some(first), Some(last)) if first > last)
}

#[cfg(test)]
mod tests {
    use super::super::messages;

    #[test]
    fn records_over_several_lines_and_in_lists_are_a_log() {
        let one = "{\n  \"timestamp\": \"2026-11-02T10:00:00Z\",\n  \"message\": \"a\"\n}";
        let two = one.replace("00Z", "01Z").replace("\"a\"", "\"b\"");
        for (text, numbers) in [
            (format!("{one}\n{two}\n"), [1, 5]),
            (format!("[\n{one},\n{two}\n]\n"), [2, 6]),
            (format!("[{one},{two}]"), [1, 4]),
            (format!("{one}\n{two}\n{{\n  \"timestamp\": \"2026-"), [1, 5]),
        ] {
            let got = messages(&text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((got.text.as_str(), got.numbers.as_slice()), ("a\nb\n", numbers.as_slice()), "{text}");
        }
        let newest_first = messages(&format!("[{two},{one}]")).unwrap();
        assert_eq!(newest_first.text, "a\nb\n");
    }

    #[test]
    fn the_members_of_records_over_several_lines_are_no_margin() {
        let said = [
            "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): a.example:443",
            "ERROR: cli.azure.cli.core.azclierror: it failed",
        ];
        let record = |text: &str| {
            format!("  {{\n    \"timestamp\": \"2026-11-02T10:00:00Z\",\n    \"message\": \"{text}\"\n  }}")
        };
        let text = format!("[\n{}\n]\n", said.map(record).join(",\n"));
        let bare = crate::log::margin::without(&text);
        assert_eq!((bare.text.as_ref(), bare.records), (format!("{}\n", said.join("\n")).as_str(), 2));
        assert_eq!((bare.number(1), bare.number(2)), (2, 6));
    }

    #[test]
    fn other_documents_are_none() {
        for text in [
            "[{\"message\": \"a\"}, {\"message\": \"b\"}]",
            "[{\"time\": \"x\", \"message\": \"a\"}, {\"name\": 1}, {\"name\": 2}]",
            "[1, 2, {\"time\": \"x\", \"message\": \"a\"}]",
            "{\"log\": {\"entries\": []}}",
            "[",
            "{\n\"time\": \"x\",\n\"message\": \"a\"\n}\n{\"time\": \"x\", \"message\": \"b\"}\nConnection refused\n",
        ] {
            assert_eq!(messages(text), None, "{text}");
        }
    }
}
