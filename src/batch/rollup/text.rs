//! The roll-up as text, for a terminal or a mail: what happened in a line, where and when behind it.

use super::{GroupRow, RollUp, Seen, kind_name};
use crate::lang::{Lang, Text};
use crate::report::text::{BOLD, DIM, GREEN, RED, Style, YELLOW, one_line, pad, wrap};
use crate::verdict::Verdict;
use unicode_width::UnicodeWidthStr;

/// Rows of one table shown; the JSON has all.
const ROWS: usize = 30;
/// Names of cases, or hosts of a client, shown behind a row.
const NAMES: usize = 3;
/// Columns of the number of cases in front of a row.
const COUNT: usize = 6;
/// Columns of the longest verdict.
const VERDICT: usize = 32;

/// The roll-up as text.
pub fn render(rollup: &RollUp, lang: Lang, style: &Style) -> String {
    let mut p = Printer { out: String::new(), lang, style: *style };
    p.answer(rollup);
    p.causes(rollup);
    p.hosts(rollup);
    p.networks(rollup);
    p.devices(rollup);
    p.legacy(rollup);
    p.undecided(rollup);
    p.inputs(rollup);
    p.out
}

struct Printer {
    out: String,
    lang: Lang,
    style: Style,
}

impl Printer {
    fn t(&self, en: &'static str, ja: &'static str) -> &'static str {
        Text { en, ja }.get(self.lang)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Text behind `indent` spaces, in as many lines as it takes.
    fn wrapped(&mut self, indent: usize, text: &str, dim: bool) {
        for line in wrap(text, self.style.columns().saturating_sub(indent)) {
            let line = if dim { self.style.paint(DIM, &line) } else { line };
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// A row behind its number of cases.
    fn row(&mut self, cases: usize, text: &str) {
        let mut lead = count(cases);
        for line in wrap(text, self.style.columns().saturating_sub(COUNT + 1)) {
            self.line(&format!("{lead} {line}"));
            lead = " ".repeat(COUNT);
        }
    }

    /// The heading of a table with so many rows; nothing, and false, where there are none.
    fn section(&mut self, title: &str, rows: usize) -> bool {
        if rows == 0 {
            return false;
        }
        let more = match (rows.checked_sub(ROWS).filter(|n| *n > 0), self.lang) {
            (None, _) => String::new(),
            (Some(n), Lang::En) => format!(", the first {ROWS}; {n} more in rollup.json"),
            (Some(n), Lang::Ja) => format!("、先頭 {ROWS} 件。残り {n} 件は rollup.json"),
        };
        let title = self.style.paint(BOLD, &format!("{title} ({rows}{more})"));
        self.line(&format!("\n{title}"));
        true
    }

    fn answer(&mut self, rollup: &RollUp) {
        let faults = rollup.outcomes("network_fault");
        let (all, good, open) = (rollup.cases.len(), rollup.outcomes("no_network_fault"), rollup.undecided().count());
        let head = match self.lang {
            Lang::En => format!("Cases: {all} in all, {faults} with a network fault"),
            Lang::Ja => format!("ケース: 全 {all} 件、うち {faults} 件にネットワーク障害"),
        };
        let color = match (faults, open) {
            (1.., _) => RED,
            (0, 1..) => YELLOW,
            (0, 0) => GREEN,
        };
        let head = self.style.paint(color, &head);
        let unread = rollup.unread().count();
        let rest = match self.lang {
            Lang::En => format!("{good} without one, {open} that cannot be judged; inputs not read: {unread}"),
            Lang::Ja => format!("障害なし {good} 件、判定不能 {open} 件、読み取れなかった入力 {unread} 件"),
        };
        self.line(&head);
        self.wrapped(0, &rest, false);
        if let Some((first, last)) = rollup.span() {
            let text = format!("{}: {} – {}", self.t("Evidence from", "証跡の期間"), second(first), second(last));
            self.wrapped(0, &text, false);
        }
    }

    fn causes(&mut self, rollup: &RollUp) {
        if !self.section(self.t("What stopped sign-ins", "サインインを止めた原因"), rollup.causes.len()) {
            return;
        }
        let rows = || rollup.causes.iter().take(ROWS);
        let room = self.style.columns().saturating_sub(COUNT + 2 + VERDICT);
        let width = rows().map(|c| one_line(&c.host).width()).max().unwrap_or(0).min(room);
        for c in rows() {
            let what = self.style.paint(RED, c.verdict.title().get(self.lang));
            self.line(&format!("{} {} {what}", count(c.seen.cases.len()), pad(&one_line(&c.host), width)));
            self.places(&c.seen);
        }
    }

    fn hosts(&mut self, rollup: &RollUp) {
        let rows: Vec<_> = rollup.hosts.iter().filter(|h| h.faults > 0).collect();
        if !self.section(self.t("Hosts with faults", "障害のあるホスト"), rows.len()) {
            return;
        }
        for h in rows.iter().take(ROWS) {
            self.row(h.faults, &one_line(&h.name));
            let list: Vec<String> =
                h.worst_first().iter().map(|(v, n)| format!("{} ×{n}", Verdict::title(*v).get(self.lang))).collect();
            self.wrapped(COUNT + 1, &list.join(", "), false);
        }
    }

    fn networks(&mut self, rollup: &RollUp) {
        let (bad, good): (Vec<_>, Vec<_>) = rollup.networks.iter().partition(|g| g.faults > 0);
        self.groups(self.t("Networks with faults", "障害のあるネットワーク"), &bad);
        if !good.is_empty() {
            let text = match self.lang {
                Lang::En => format!("Networks without a fault: {} (listed in rollup.json)", good.len()),
                Lang::Ja => format!("障害のないネットワーク: {} 件 (rollup.json に記載)", good.len()),
            };
            self.line(&format!("{}{text}", if bad.is_empty() { "\n" } else { "  " }));
        }
    }

    fn devices(&mut self, rollup: &RollUp) {
        let rows: Vec<_> = rollup.devices.iter().collect();
        self.groups(self.t("Devices seen in several cases", "複数のケースに現れた機器"), &rows);
    }

    fn groups(&mut self, title: &str, rows: &[&GroupRow]) {
        if !self.section(title, rows.len()) {
            return;
        }
        for g in rows.iter().take(ROWS) {
            let (faults, cases) = (g.faults, g.seen.cases.len());
            let how = match self.lang {
                Lang::En => format!("{faults} of {cases} cases with a fault"),
                Lang::Ja => format!("{cases} 件中 {faults} 件に障害"),
            };
            let kind = kind_name(&g.kind).get(self.lang);
            self.row(cases, &format!("{kind} {}: {how}", one_line(&g.label)));
            if g.hosts.is_empty() {
                continue;
            }
            let hosts: Vec<String> = g.hosts.iter().map(|(h, n)| format!("{} ×{n}", one_line(h))).collect();
            self.wrapped(COUNT + 1, &self.some(&hosts), true);
        }
    }

    fn legacy(&mut self, rollup: &RollUp) {
        let title = self.t("Clients of TLS 1.0/1.1", "TLS 1.0/1.1 のクライアント");
        if !self.section(title, rollup.legacy.len()) {
            return;
        }
        for l in rollup.legacy.iter().take(ROWS) {
            let c = &l.client;
            let unknown = self.t("unknown process", "プロセス不明");
            let who = if c.process.is_empty() { unknown.to_owned() } else { one_line(&c.process) };
            let hosts: Vec<String> = l.hosts.iter().map(|h| one_line(h)).collect();
            self.row(l.seen.cases.len(), &format!("{}, {who} → {}", c.version, self.some(&hosts)));
            let prints: Vec<String> = [("JA4", &c.ja4), ("JA3", &c.ja3)]
                .into_iter()
                .filter(|(_, print)| !print.is_empty())
                .map(|(name, print)| format!("{name} {}", one_line(print)))
                .collect();
            let together = prints.join("  ");
            if COUNT + 1 + together.width() <= self.style.columns() {
                self.wrapped(COUNT + 1, &together, true);
            } else {
                prints.iter().for_each(|p| self.wrapped(COUNT + 1, p, true));
            }
        }
    }

    fn undecided(&mut self, rollup: &RollUp) {
        let reasons = rollup.reasons();
        if !self.section(self.t("Could not be judged, by reason", "判定できなかった理由"), reasons.len()) {
            return;
        }
        for (reason, cases) in reasons.iter().take(ROWS) {
            self.row(cases.len(), &one_line(reason.get(self.lang)));
            let names: Vec<String> = cases.iter().map(|c| one_line(c)).collect();
            self.wrapped(COUNT + 1, &self.some(&names), true);
        }
    }

    fn inputs(&mut self, rollup: &RollUp) {
        let unread: Vec<_> = rollup.unread().collect();
        if self.section(self.t("Could not be read", "読み取れなかった入力"), unread.len()) {
            for (_, path, reason) in unread.iter().take(ROWS) {
                self.wrapped(2, &format!("{}: {}", one_line(path), one_line(reason.get(self.lang))), false);
            }
        }
        let unused = rollup.unused().count();
        if unused > 0 {
            let text = match self.lang {
                Lang::En => format!("Files that are no evidence of their own: {unused} (listed in rollup.json)"),
                Lang::Ja => format!("証跡ではないファイル: {unused} 件 (rollup.json に記載)"),
            };
            self.line("");
            self.wrapped(0, &text, false);
        }
    }

    /// When and in which cases.
    fn places(&mut self, seen: &Seen) {
        let when = match (seen.first, seen.last) {
            (Some(a), Some(b)) => format!("{}: ", span(&second(a), &second(b))),
            _ => String::new(),
        };
        let names: Vec<String> = seen.cases.iter().map(|c| one_line(c)).collect();
        let text = format!("{when}{}", self.some(&names));
        self.wrapped(COUNT + 1, &text, true);
    }

    /// The first few, and how many more.
    fn some(&self, names: &[String]) -> String {
        let mut shown: Vec<String> = names.iter().take(NAMES).cloned().collect();
        if let Some(n) = names.len().checked_sub(NAMES).filter(|n| *n > 0) {
            shown.push(match self.lang {
                Lang::En => format!("{n} more"),
                Lang::Ja => format!("他 {n} 件"),
            });
        }
        shown.join(", ")
    }
}

/// A number of cases in front of a row.
fn count(n: usize) -> String {
    format!("{n:>COUNT$}")
}

/// First and last time, the day once where it is the same.
fn span(first: &str, last: &str) -> String {
    match (first.split_once(' '), last.split_once(' ')) {
        _ if first == last => first.to_owned(),
        (Some((a, _)), Some((b, time))) if a == b => format!("{first} – {time}"),
        _ => format!("{first} – {last}"),
    }
}

fn second(time: crate::time::Timestamp) -> String {
    time.to_string().get(..19).unwrap_or("").replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(width: usize) -> Style {
        Style { color: false, width, verbose: false }
    }

    #[test]
    fn the_text_leads_with_counts_and_causes() {
        let text = render(&super::super::tests::sample(), Lang::En, &style(100));
        assert!(text.starts_with("Cases: 4 in all, 2 with a network fault"), "{text}");
        assert!(text.contains("connection refused"));
        assert!(render(&super::super::tests::sample(), Lang::Ja, &style(100)).contains("接続拒否"));
    }

    #[test]
    fn a_day_is_told_once() {
        assert_eq!(span("2026-11-22 15:00:00", "2026-11-22 15:00:00"), "2026-11-22 15:00:00");
        assert_eq!(span("2026-11-22 15:00:00", "2026-11-22 15:01:00"), "2026-11-22 15:00:00 – 15:01:00");
        assert_eq!(span("2026-11-22 15:00:00", "2026-11-23 09:00:00"), "2026-11-22 15:00:00 – 2026-11-23 09:00:00");
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide() {
        for lang in [Lang::En, Lang::Ja] {
            for width in [60, 80] {
                let text = render(&super::super::tests::sample(), lang, &style(width));
                let longest = text.lines().max_by_key(|l| l.width()).unwrap();
                assert!(longest.width() <= width, "{longest}");
            }
        }
    }
}
