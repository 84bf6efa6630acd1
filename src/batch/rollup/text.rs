//! The roll-up as text, for a terminal or a mail.

use super::{GroupRow, RollUp, Seen, kind_name};
use crate::lang::{Lang, Text};
use crate::report::text::visible;
use crate::verdict::Verdict;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Rows of one table shown; the JSON has all.
const ROWS: usize = 30;
/// Names of cases shown behind a row.
const CASES: usize = 3;

/// The roll-up as text.
pub fn render(rollup: &RollUp, lang: Lang) -> String {
    let t = |en: &'static str, ja: &'static str| Text { en, ja }.get(lang);
    let mut out = String::new();
    // Writing to a String cannot fail; the results are dropped on purpose.
    let _ = writeln!(
        out,
        "{}: {} {}, {} {}, {} {}, {} {}",
        t("Cases", "ケース"),
        rollup.cases.len(),
        t("in all", "件"),
        rollup.outcomes("network_fault"),
        t("with a network fault", "件にネットワーク障害"),
        rollup.outcomes("no_network_fault"),
        t("without", "件は障害なし"),
        rollup.undecided().count(),
        t("that cannot be judged", "件は判定不能")
    );
    if let Some((first, last)) = rollup.span() {
        let _ = writeln!(out, "{}: {} – {}", t("Evidence from", "証跡の期間"), second(first), second(last));
    }
    section(&mut out, t("What stopped sign-ins", "サインインを止めた原因"), rollup.causes.len(), lang);
    for c in rollup.causes.iter().take(ROWS) {
        let _ = writeln!(
            out,
            "  {:>4}  {} {} {}",
            c.seen.cases.len(),
            pad(&c.host, 40),
            pad(c.verdict.title().get(lang), 30),
            places(&c.seen, lang)
        );
    }
    let blocked: Vec<_> = rollup.hosts.iter().filter(|h| h.faults > 0).collect();
    section(&mut out, t("Hosts with faults", "障害のあるホスト"), blocked.len(), lang);
    for h in blocked.iter().take(ROWS) {
        let verdicts: Vec<String> =
            h.verdicts.iter().map(|(v, n)| format!("{} ×{n}", Verdict::title(*v).get(lang))).collect();
        let _ = writeln!(out, "  {:>4}  {} {}", h.faults, pad(&h.name, 40), verdicts.join(", "));
    }
    groups(&mut out, t("Networks", "ネットワーク"), &rollup.networks, lang);
    groups(&mut out, t("Devices in several cases", "複数のケースに現れた機器"), &rollup.devices, lang);
    section(&mut out, t("Clients of TLS 1.0/1.1", "TLS 1.0/1.1 のクライアント"), rollup.legacy.len(), lang);
    for l in rollup.legacy.iter().take(ROWS) {
        let who =
            if l.client.process.is_empty() { t("unknown process", "プロセス不明") } else { &l.client.process };
        let _ = writeln!(
            out,
            "  {:>4}  {} {} JA4 {} JA3 {} → {}",
            l.seen.cases.len(),
            l.client.version,
            visible(who),
            visible(&l.client.ja4),
            visible(&l.client.ja3),
            visible(&l.hosts.join(", "))
        );
    }
    let undecided: Vec<_> = rollup.undecided().collect();
    section(&mut out, t("Could not be judged", "判定できなかったケース"), undecided.len(), lang);
    for (case, reason) in undecided.iter().take(ROWS) {
        let _ = writeln!(out, "  {}: {}", visible(&case.name), visible(reason.get(lang)));
    }
    let unread: Vec<_> = rollup.unread().collect();
    section(&mut out, t("Could not be read", "読み取れなかった入力"), unread.len(), lang);
    for (_, path, reason) in unread.iter().take(ROWS) {
        let _ = writeln!(out, "  {}: {}", visible(path), visible(reason.get(lang)));
    }
    let unused = rollup.unused().count();
    if unused > 0 {
        let _ = writeln!(
            out,
            "\n{unused} {}",
            t(
                "files are no evidence of their own (listed in rollup.json)",
                "件のファイルは証跡ではない (rollup.json に記載)"
            )
        );
    }
    out
}

fn section(out: &mut String, title: &str, rows: usize, lang: Lang) {
    if rows == 0 {
        return;
    }
    let more = match rows.checked_sub(ROWS).filter(|n| *n > 0) {
        Some(n) => match lang {
            Lang::En => format!(" (the first {ROWS}; {n} more in rollup.json)"),
            Lang::Ja => format!(" (先頭 {ROWS} 件。残り {n} 件は rollup.json)"),
        },
        None => String::new(),
    };
    let _ = writeln!(out, "\n{title} ({rows}){more}");
}

fn groups(out: &mut String, title: &str, rows: &[GroupRow], lang: Lang) {
    section(out, title, rows.len(), lang);
    for g in rows.iter().take(ROWS) {
        let hosts: Vec<String> = g.hosts.iter().take(CASES).map(|(h, n)| format!("{} ×{n}", visible(h))).collect();
        let faults = match lang {
            Lang::En => format!("{} of {} with a fault", g.faults, g.seen.cases.len()),
            Lang::Ja => format!("{} 件中 {} 件に障害", g.seen.cases.len(), g.faults),
        };
        let _ = writeln!(
            out,
            "  {} {} {} {}",
            pad(kind_name(&g.kind).get(lang), 22),
            pad(&visible(&g.label), 40),
            pad(&faults, 22),
            hosts.join(", ")
        );
    }
}

/// When and in which cases.
fn places(seen: &Seen, lang: Lang) -> String {
    let mut names: Vec<String> = seen.cases.iter().take(CASES).map(|c| visible(c)).collect();
    if let Some(n) = seen.cases.len().checked_sub(CASES).filter(|n| *n > 0) {
        names.push(match lang {
            Lang::En => format!("{n} more"),
            Lang::Ja => format!("他 {n} 件"),
        });
    }
    let when = match (seen.first, seen.last) {
        (Some(a), Some(b)) => format!("{} – {}: ", second(a), second(b)),
        _ => String::new(),
    };
    format!("{when}{}", names.join(", "))
}

fn second(time: crate::time::Timestamp) -> String {
    time.to_string().get(..19).unwrap_or("").replace('T', " ")
}

fn pad(text: &str, width: usize) -> String {
    let text = visible(text);
    let have = text.width();
    format!("{text}{}", " ".repeat(width.saturating_sub(have)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_leads_with_counts_and_causes() {
        let text = render(&super::super::tests::sample(), Lang::En);
        assert!(text.starts_with("Cases: 4 in all, 2 with a network fault"), "{text}");
        assert!(text.contains("connection refused"));
        assert!(render(&super::super::tests::sample(), Lang::Ja).contains("接続拒否"));
    }
}
