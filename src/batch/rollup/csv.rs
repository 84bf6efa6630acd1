//! The roll-up as CSV (RFC 4180): all tables in one file, told apart by the first column; safe in a spreadsheet.

use super::{RollUp, Seen};
use crate::lang::Lang;
use crate::report::csv::{harmless, mark};

/// Columns of every row.
const COLUMNS: [&str; 9] = ["table", "name", "kind", "verdict", "count", "first_time", "last_time", "text", "cases"];

/// The roll-up as CSV.
pub fn render(rollup: &RollUp, lang: Lang) -> String {
    let mut out = ::csv::Writer::from_writer(Vec::new());
    let mut row = |cells: [String; 9]| {
        // Writing to memory cannot fail.
        let _ = out.write_record(cells.iter().map(|c| harmless(c)));
    };
    row(COLUMNS.map(str::to_owned));
    for c in &rollup.cases {
        let (host, verdict) = c.root.clone().unwrap_or_default();
        let outcome = if c.failed { "failed" } else { &c.outcome };
        let when = |t: Option<i64>| t.map_or(String::new(), |t| crate::time::Timestamp(t).to_string());
        row([
            "case".into(),
            c.name.clone(),
            outcome.into(),
            verdict,
            c.findings.len().to_string(),
            when(c.first),
            when(c.last),
            if host.is_empty() { c.text.get(lang).to_owned() } else { format!("{host}: {}", c.text.get(lang)) },
            c.reports.join(" "),
        ]);
    }
    for c in &rollup.causes {
        row(with_seen("cause", &c.host, "", c.verdict.code(), c.verdict.title().get(lang), &c.seen));
    }
    for h in &rollup.hosts {
        for (verdict, n) in &h.verdicts {
            let mut cells = with_seen("host", &h.name, &h.role, verdict.code(), verdict.title().get(lang), &h.seen);
            if let Some(count) = cells.get_mut(4) {
                *count = n.to_string();
            }
            row(cells);
        }
    }
    for (table, rows) in [("network", &rollup.networks), ("device", &rollup.devices)] {
        for g in rows {
            let hosts: Vec<String> = g.hosts.iter().map(|(h, n)| format!("{h} ({n})")).collect();
            row(with_seen(table, &g.label, &g.kind, "", &hosts.join(", "), &g.seen));
        }
    }
    for l in &rollup.legacy {
        let name = if l.client.process.is_empty() { &l.client.ja4 } else { &l.client.process };
        let text = format!("JA3 {} JA4 {} → {}", l.client.ja3, l.client.ja4, l.hosts.join(", "));
        row(with_seen("legacy_tls", name, &l.client.version, "", &text, &l.seen));
    }
    for (table, list) in
        [("unread", rollup.unread().collect::<Vec<_>>()), ("unused", rollup.unused().collect::<Vec<_>>())]
    {
        for (case, path, reason) in list {
            let none = String::new;
            row([
                table.into(),
                path.to_owned(),
                none(),
                none(),
                none(),
                none(),
                none(),
                reason.get(lang).to_owned(),
                case.to_owned(),
            ]);
        }
    }
    mark(lang).to_owned() + &String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn with_seen(table: &str, name: &str, kind: &str, verdict: &str, text: &str, seen: &Seen) -> [String; 9] {
    [
        table.to_owned(),
        name.to_owned(),
        kind.to_owned(),
        verdict.to_owned(),
        seen.cases.len().to_string(),
        seen.first.map_or(String::new(), |t| t.to_string()),
        seen.last.map_or(String::new(), |t| t.to_string()),
        text.to_owned(),
        seen.cases.join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_all_columns_and_no_formula() {
        let text = render(&super::super::tests::sample(), Lang::En);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert!(rows.len() > 8);
        for row in &rows {
            assert_eq!(row.len(), COLUMNS.len());
            assert!(row.iter().all(|c| !c.starts_with(['=', '+', '-', '@'])), "{row:?}");
        }
    }
}
