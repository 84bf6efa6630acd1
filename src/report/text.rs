//! The text report for a terminal: the answer first, then hosts, then findings with their evidence.
//!
//! Nothing a capture or log holds can move the cursor: control characters and direction marks are shown as `\u{..}`.
//! Widths are display columns (a Japanese character takes two).

use super::{HostReport, Outcome, Report};
use crate::case::Role;
use crate::finding::{Evidence, Finding, Severity};
use crate::imprint;
use crate::lang::{Lang, Text};
use crate::verdict::Verdict;
use anstyle::{AnsiColor, Style as Ansi};
use std::fmt::Write;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns where the output is no terminal.
pub const WIDTH_DEFAULT: usize = 100;

/// Narrower terminals are treated as this wide; below it tables cannot be read.
const WIDTH_MIN: usize = 60;

/// Wider terminals get no longer lines of prose.
const WIDTH_MAX: usize = 140;

/// Evidence lines of one finding without `-v`.
const EVIDENCE_SHOWN: usize = 6;

/// How the report looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// ANSI colours.
    pub color: bool,
    /// Columns.
    pub width: usize,
    /// All evidence instead of the first lines.
    pub verbose: bool,
}

impl Style {
    /// Coloured text, where colours are wanted.
    pub(crate) fn paint(&self, style: Ansi, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Columns for prose: what is there, within reason.
    pub fn columns(&self) -> usize {
        self.width.clamp(WIDTH_MIN, WIDTH_MAX)
    }
}

/// The report as text.
pub fn render(report: &Report, lang: Lang, style: &Style) -> String {
    let mut p = Printer { out: String::new(), lang, style: *style, width: style.columns(), logs: logs(report) };
    p.answer(report);
    p.hosts(&report.hosts);
    p.findings(report);
    p.attempts(report);
    p.missing(report);
    p.evidence(report);
    p.out
}

struct Printer {
    out: String,
    lang: Lang,
    style: Style,
    width: usize,
    /// Evidence whose places are lines, not frames.
    logs: Vec<String>,
}

fn logs(report: &Report) -> Vec<String> {
    report.evidence.iter().filter(|e| e.kind != "capture").map(|e| e.path.clone()).collect()
}

/// What failed.
pub(crate) const RED: Ansi = AnsiColor::Red.on_default().bold();
pub(crate) const YELLOW: Ansi = AnsiColor::Yellow.on_default();
pub(crate) const GREEN: Ansi = AnsiColor::Green.on_default();
pub(crate) const CYAN: Ansi = AnsiColor::Cyan.on_default();
pub(crate) const BOLD: Ansi = Ansi::new().bold();
pub(crate) const DIM: Ansi = Ansi::new().dimmed();

impl Printer {
    fn t(&self, en: &'static str, ja: &'static str) -> &'static str {
        Text { en, ja }.get(self.lang)
    }

    fn paint(&self, style: Ansi, text: &str) -> String {
        self.style.paint(style, text)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Prose wrapped to the width, every line behind `indent` spaces, the first behind `lead`.
    fn prose(&mut self, lead: &str, style: Ansi, indent: usize, text: &str) {
        let room = self.width.saturating_sub(indent);
        let lines = wrap_behind(&visible(text), room, lead.width().saturating_sub(indent));
        let mut lead = self.paint(style, lead);
        for line in lines {
            let _ = writeln!(self.out, "{lead}{line}");
            lead = " ".repeat(indent);
        }
    }

    fn heading(&mut self, text: &str) {
        let painted = self.paint(BOLD, text);
        self.out.push('\n');
        self.line(&painted);
    }

    fn answer(&mut self, report: &Report) {
        let style = match report.diagnosis.outcome {
            Outcome::NetworkFault => RED,
            Outcome::NoNetworkFault => GREEN,
            Outcome::InsufficientEvidence => YELLOW,
        };
        let word = report.diagnosis.outcome.title().get(self.lang).to_uppercase();
        let head = match &report.diagnosis.root_cause {
            Some(r) => format!("{word}: {} — {}", visible(&r.host), r.verdict.title().get(self.lang)),
            None => word,
        };
        let head = self.paint(style, &head);
        self.line(&head);
        let text = report.diagnosis.text.get(self.lang).to_owned();
        self.prose("", DIM, 0, &text);
        let next = report.diagnosis.next_step.get(self.lang).to_owned();
        if !next.is_empty() {
            let label = self.t("Next: ", "次の手順: ");
            self.prose(label, CYAN, 2, &next);
        }
    }

    fn hosts(&mut self, hosts: &[HostReport]) {
        if hosts.is_empty() {
            return;
        }
        let title = imprint::HOSTS.get(self.lang);
        self.heading(title);
        let name_width = hosts.iter().map(|h| visible(&h.name).width()).max().unwrap_or(4).clamp(4, 44);
        let verdict_width =
            hosts.iter().map(|h| h.verdict.title().get(self.lang).width() + 1).max().unwrap_or(8).max(8);
        let mut rows = Vec::new();
        for h in hosts {
            let mark = match (h.role, h.required) {
                (Role::Proxy, _) => self.t("proxy", "プロキシ"),
                (_, Some(true)) => self.t("needed", "必須"),
                (_, Some(false)) => self.t("optional", "任意"),
                (Role::Service, None) => self.t("service", "サービス"),
                _ => self.t("other", "その他"),
            };
            let inferred = if h.confidence == crate::verdict::Confidence::Inferred { "?" } else { "" };
            let verdict = pad(&format!("{}{inferred}", h.verdict.title().get(self.lang)), verdict_width);
            let style = match h.verdict {
                Verdict::Ok => GREEN,
                Verdict::Degraded | Verdict::Inconclusive => YELLOW,
                _ if h.required == Some(false) || h.role == Role::Other => YELLOW,
                _ => RED,
            };
            let mut extra = Vec::new();
            if let (Some(max), negotiated) = (h.client_tls_max, h.negotiated_tls) {
                extra.push(match negotiated {
                    Some(n) => format!("TLS {n}"),
                    None => format!("TLS ≤{max}"),
                });
            }
            if let Some(proxy) = &h.proxy {
                extra.push(format!("{} {}", self.t("via", "経由"), visible(proxy)));
            }
            if let Some(seconds) = h.delay_seconds {
                extra.push(format!("+{seconds:.1} s"));
            }
            if let Some(vendor) = h.certificate.as_ref().and_then(|c| c.vendor.as_deref()) {
                extra.push(visible(vendor));
            }
            extra.extend(h.processes.iter().take(2).map(|p| visible(p)));
            let row =
                format!("  {} {} {}", pad(&one_line(&h.name), name_width), self.paint(style, &verdict), pad(mark, 8));
            rows.push((row, extra));
        }
        let column = 2 + name_width + 1 + verdict_width + 1 + 8 + 1;
        let room = rows.iter().flat_map(|(_, extra)| extra).all(|e| column + e.width() < self.width);
        for (mut row, extra) in rows {
            let behind = room || column + extra.join(", ").width() <= self.width;
            if !behind {
                self.line(&row);
                row = " ".repeat(5);
            }
            let column = if behind { column } else { 6 };
            for line in self.behind(&extra, column) {
                self.line(&format!("{row} {}", self.paint(DIM, &line)));
                row = " ".repeat(column - 1);
            }
        }
    }

    /// What stands behind `column` of a row: as many lines as it takes, broken between the items only.
    fn behind(&self, items: &[String], column: usize) -> Vec<String> {
        let mut lines = vec![String::new()];
        for (i, item) in items.iter().enumerate() {
            let item = if i + 1 < items.len() { format!("{item},") } else { item.clone() };
            match lines.last_mut() {
                Some(line) if line.is_empty() => line.push_str(&item),
                Some(line) if column + line.width() + 1 + item.width() <= self.width => {
                    line.push(' ');
                    line.push_str(&item);
                }
                _ => lines.push(item),
            }
        }
        lines
    }

    fn findings(&mut self, report: &Report) {
        if report.findings.is_empty() {
            return;
        }
        let title = imprint::FINDINGS.get(self.lang);
        self.heading(title);
        for (i, f) in report.findings.iter().enumerate() {
            self.finding(i + 1, f);
        }
    }

    fn finding(&mut self, number: usize, f: &Finding) {
        let word = f.severity.title().get(self.lang);
        let style = match f.severity {
            Severity::Critical => RED,
            Severity::Warning => YELLOW,
            Severity::Info => CYAN,
        };
        let inferred = match f.confidence {
            crate::verdict::Confidence::Inferred => self.t(" (inferred)", " (推定)"),
            crate::verdict::Confidence::Observed => "",
        };
        self.finding_head(number, style, word, &format!("{}{inferred}", f.title.get(self.lang)), f.code);
        let detail = f.detail.get(self.lang).to_owned();
        self.prose("   ", DIM, 3, &detail);
        let shown = if self.style.verbose { usize::MAX } else { EVIDENCE_SHOWN };
        for e in f.evidence.iter().take(shown) {
            self.evidence_line(e);
        }
        if f.evidence.len() > shown {
            let more = f.evidence.len() - shown;
            let text = match self.lang {
                Lang::En => format!("     ... {more} more (-v shows all)"),
                Lang::Ja => format!("     ... 他 {more} 件 (-v で全件表示)"),
            };
            self.line(&text);
        }
        if !f.filter.is_empty() {
            let text = format!("   {} {}", self.paint(DIM, "Wireshark:"), visible(&f.filter));
            self.line(&text);
        }
        let label = self.t("   Do: ", "   対処: ");
        let advice = f.advice.get(self.lang).to_owned();
        self.prose(label, CYAN, 3, &advice);
    }

    /// Number, severity, title, and the code behind it where there is room.
    fn finding_head(&mut self, number: usize, style: Ansi, word: &str, title: &str, code: &str) {
        let lead = format!("{number}. [{word}] ");
        let room = self.width.saturating_sub(3);
        let lines = wrap_behind(&visible(title), room, lead.width().saturating_sub(3));
        let last = lines.last().map_or(0, |l| l.width() + if lines.len() == 1 { lead.width() } else { 3 });
        let mut lead = format!("{number}. {} ", self.paint(style, &format!("[{word}]")));
        for line in &lines {
            let _ = writeln!(self.out, "{lead}{line}");
            lead = "   ".to_owned();
        }
        let code_painted = self.paint(DIM, code);
        if last + 1 + code.width() <= self.width {
            self.out.pop();
            self.line(&format!(" {code_painted}"));
        } else {
            self.line(&format!("   {code_painted}"));
        }
    }

    fn evidence_line(&mut self, e: &Evidence) {
        let place = match (e.frame, e.stream) {
            (Some(line), None) if self.logs.contains(&e.capture) => format!("{}{line}", self.t("line ", "行 ")),
            (Some(frame), _) => format!("#{frame}"),
            (None, _) => String::new(),
        };
        let time = e.time.map_or(String::new(), clock);
        let lead = format!("     {} {} ", pad(&place, 7), pad(&time, 15));
        let indent = lead.width();
        let text = e.text.get(self.lang).to_owned();
        self.prose(&lead, DIM, indent, &text);
    }

    fn attempts(&mut self, report: &Report) {
        if report.attempts.is_empty() {
            return;
        }
        let title = self.t("Commands in the log", "ログにあるコマンド");
        self.heading(title);
        for a in &report.attempts {
            let start = a.start.map_or(String::new(), |t| format!(" ({t})"));
            self.prose("  ", DIM, 4, &format!("{}{start}", a.command));
            if !a.versions.is_empty() {
                self.prose("    ", DIM, 4, &a.versions.join(", "));
            }
            let outcome = a.outcome.get(self.lang).to_owned();
            self.prose("    ", DIM, 4, &outcome);
        }
    }

    fn missing(&mut self, report: &Report) {
        if report.missing.is_empty() {
            return;
        }
        let title = self.t("What would settle more", "さらに必要な情報");
        self.heading(title);
        for m in &report.missing {
            let text = m.get(self.lang).to_owned();
            self.prose("  - ", DIM, 4, &text);
        }
    }

    fn evidence(&mut self, report: &Report) {
        let title = imprint::EVIDENCE.get(self.lang);
        self.heading(title);
        for e in &report.evidence {
            let mut facts = Vec::new();
            if !e.format.is_empty() {
                facts.push(e.format.clone());
            }
            if let Some(c) = e.container {
                facts.push(format!("{} {c}", self.t("in", "格納:")));
            }
            if e.kind == "capture" {
                facts.push(format!("{} {}", e.frames, self.t("frames", "フレーム")));
                if e.duplicates > 0 {
                    facts.push(format!("{} {}", e.duplicates, self.t("copies left out", "重複を除外")));
                }
                if e.counted > 0 {
                    let what = self.t("ordinary flows only counted", "件の通常フローは件数のみ記録");
                    facts.push(format!("{} {what}", e.counted));
                }
                if let (Some(first), Some(last)) = (e.first_time, e.last_time) {
                    facts.push(format!("{first} (+{:.1} s)", last.seconds_since(first)));
                }
            }
            let (path, facts) = (one_line(&e.path), facts.join(", "));
            if 4 + path.width() + facts.width() <= self.width {
                self.line(&format!("  {path}: {facts}"));
            } else {
                // A path that is broken cannot be copied.
                self.line(&format!("  {path}:"));
                self.prose("    ", DIM, 4, &facts);
            }
            for p in &e.problems {
                let text = format!("{} (×{})", p.message.get(self.lang), p.count);
                self.prose("    ! ", YELLOW, 6, &text);
            }
        }
        for (path, reason) in &report.unread {
            let text = format!("{}: {}", one_line(path), reason.get(self.lang));
            self.prose("  ! ", RED, 4, &text);
        }
        let tables = format!("{} {}", imprint::TABLES.get(self.lang), report.knowledge_date);
        let line = self.paint(DIM, &format!("  {tables}"));
        self.line(&line);
    }
}

/// Time of day with microseconds.
fn clock(t: crate::time::Timestamp) -> String {
    t.to_string().get(11..26).unwrap_or("").to_owned()
}

/// Characters that change the direction of their neighbours, break lines or cannot be seen.
pub fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Printable ASCII, which nearly all text is, needs no look at each character.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Text without anything that could steer a terminal or hide itself.
pub fn visible(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            out.push(c);
        } else if c.is_control() || is_hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`visible`], on one line: for names that stand in a line with other text, such as messages on standard error.
pub fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\u{a}")
}

/// Pads with spaces to a display width; longer text is cut with an ellipsis.
pub fn pad(text: &str, width: usize) -> String {
    let have = text.width();
    if have <= width {
        return format!("{text}{}", " ".repeat(width - have));
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > width {
            break;
        }
        out.push(c);
        used += w;
    }
    out.push('…');
    out.push_str(&" ".repeat(width.saturating_sub(used + 1)));
    out
}

/// Breaks text into lines of at most `width` columns: at spaces, and between wide characters.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_behind(text, width, 0)
}

/// As [`wrap`], where `taken` columns of the first line are taken.
fn wrap_behind(text: &str, width: usize, taken: usize) -> Vec<String> {
    let width = width.max(20);
    let mut lines = Vec::new();
    let mut taken = taken.min(width);
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = std::mem::take(&mut taken);
        for word in pieces(paragraph) {
            let w = word.trim_end().width();
            if used > 0 && used + w > width {
                lines.push(line.trim_end().to_owned());
                line = String::new();
                used = 0;
            }
            if w > width {
                for c in word.chars() {
                    let cw = c.width().unwrap_or(0);
                    if used + cw > width {
                        lines.push(std::mem::take(&mut line));
                        used = 0;
                    }
                    line.push(c);
                    used += cw;
                }
                continue;
            }
            line.push_str(word);
            used += word.width();
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Pieces that may not be broken, each with the spaces behind it. Closing punctuation stays with what it closes.
fn pieces(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut previous: Option<char> = None;
    for (i, c) in text.char_indices() {
        let closing = matches!(c, '。' | '、' | '」' | '）' | ')' | ',' | '.' | ':' | ';' | 'ー' | '々' | '』');
        let after_wide = previous.is_some_and(|p| p.width().unwrap_or(0) == 2);
        let wide = c.width().unwrap_or(0) == 2;
        let opening_before = matches!(previous, Some('「' | '（' | '(' | '『'));
        let boundary =
            previous == Some(' ') && c != ' ' || (wide || after_wide) && !closing && c != ' ' && !opening_before;
        if boundary && i > start {
            if let Some(piece) = text.get(start..i) {
                out.push(piece);
            }
            start = i;
        }
        previous = Some(c);
    }
    if let Some(piece) = text.get(start..).filter(|p| !p.is_empty()) {
        out.push(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
        assert_eq!(one_line("a\nOK: b\r"), "a\\u{a}OK: b\\u{d}");
    }

    #[test]
    fn lines_never_exceed_the_width_in_columns() {
        let text = "ネットワークに問題はない。サインインで試行されたホストにはすべて到達している。abc def ghijklmnopqrstuvwxyz0123456789";
        for width in [20, 31, 40] {
            let lines = wrap(text, width);
            assert!(lines.iter().all(|l| l.width() <= width), "{lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
    }

    #[test]
    fn the_first_line_leaves_room_for_what_stands_before_it() {
        assert_eq!(wrap_behind("aaaa bbbb cccc dddd eeee", 20, 8), ["aaaa bbbb", "cccc dddd eeee"]);
        assert_eq!(wrap_behind("", 20, 8), [""; 0]);
    }

    #[test]
    fn padding_counts_columns_not_characters() {
        assert_eq!(pad("必須", 6), "必須  ");
        assert_eq!(pad("abcdefgh", 5), "abcd…");
        assert_eq!(pad("必須必須", 5).width(), 5);
    }
}
