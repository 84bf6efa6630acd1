//! The comparison as text for a terminal: the answer first.

use super::compare::{Diff, FindingSeen};
use crate::imprint::EVIDENCE;
use crate::lang::{Lang, Text};
use crate::report::text::{BOLD, Style, visible, wrap};
use std::fmt::Write;

pub(super) const DIFFERENCES: Text = Text { en: "What differs, by host", ja: "ホストごとの差異" };
pub(super) const SAME: Text = Text { en: "Hosts without a difference", ja: "差異のないホスト" };
pub(super) const ONLY_BAD: Text = Text { en: "Findings only in BAD", ja: "BAD のみの検出事項" };
pub(super) const ONLY_GOOD: Text = Text { en: "Findings only in GOOD", ja: "GOOD のみの検出事項" };
pub(super) const VERSIONS: Text = Text { en: "Versions by the logs", ja: "ログにあるバージョン" };

/// The comparison as text.
pub(super) fn render(diff: &Diff, lang: Lang, style: &Style) -> String {
    let mut page = Page { out: String::new(), lang, style };
    diff.answer.iter().for_each(|sentence| page.lines(0, sentence.get(lang)));
    page.heading(DIFFERENCES, diff.hosts.len());
    for host in &diff.hosts {
        page.lines(2, &host.name);
        for c in &host.changes {
            let title = c.kind.title().get(lang);
            page.lines(4, &format!("{title}: GOOD {}", c.good.get(lang)));
            page.lines(4 + 2, &format!("BAD {}", c.bad.get(lang)));
        }
    }
    page.findings(ONLY_BAD, &diff.only_bad);
    page.findings(ONLY_GOOD, &diff.only_good);
    page.heading(VERSIONS, diff.versions.len());
    for (name, good, bad) in &diff.versions {
        page.lines(2, &format!("{}: GOOD {good}, BAD {bad}", name.get(lang)));
    }
    page.heading(SAME, diff.same.len());
    if !diff.same.is_empty() {
        page.lines(2, &diff.same.join(", "));
    }
    page.heading(EVIDENCE, 1);
    for (name, side) in [("GOOD", &diff.good), ("BAD", &diff.bad)] {
        page.lines(2, &format!("{name}: {}", side.evidence.join(", ")));
        for (path, reason) in &side.unread {
            page.lines(4, &format!("{path}: {}", reason.get(lang)));
        }
    }
    page.out
}

struct Page<'a> {
    out: String,
    lang: Lang,
    style: &'a Style,
}

impl Page<'_> {
    fn lines(&mut self, indent: usize, text: &str) {
        for line in wrap(&visible(text), self.style.columns().saturating_sub(indent)) {
            // Writing to a String cannot fail.
            let _ = writeln!(self.out, "{}{}", " ".repeat(indent), line.trim_end());
        }
    }

    fn heading(&mut self, title: Text, rows: usize) {
        if rows > 0 {
            let title = self.style.paint(BOLD, title.get(self.lang));
            let _ = writeln!(self.out, "\n{title}");
        }
    }

    fn findings(&mut self, title: Text, findings: &[FindingSeen]) {
        self.heading(title, findings.len());
        for f in findings {
            self.lines(2, &format!("[{}] {} {}", f.severity.title().get(self.lang), f.title.get(self.lang), f.code));
        }
    }
}
