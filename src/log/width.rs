//! How wide the window or the page was at which a text was wrapped in the middle of its words.
//!
//! What enters: text. What leaves: a [`Width`], and whether a name of Microsoft was cut in two between two lines. Total.

use super::{is_cmdlet_error, pattern, place};
use crate::knowledge;
use std::collections::BTreeSet;

/// Narrowest and widest console for which wrapped lines are joined again.
const WIDTHS: std::ops::RangeInclusive<usize> = 60..=500;

/// Lines that must fill a width, where nothing else shows that they were cut.
const FILLED_MIN: usize = 4;

/// Lines that fill a usual width, where what they say together shows that they were cut.
const TELLING_MIN: usize = 2;
/// Widths at which consoles and tools stand where nobody changes them.
const USUAL: [usize; 6] = [80, 100, 120, 132, 160, 200];

/// What a place was counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Columns of a terminal, of which East Asian characters take two.
    Columns,
    /// Characters, as editors and ticket systems count.
    Characters,
}

/// A width at which lines were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Width {
    /// Columns or characters.
    pub columns: usize,
    measure: Measure,
}

impl Width {
    /// The width at which a text was cut: that of its longest line, if no line is longer and enough others are exactly as
    /// long, or one of them ends in the middle of a known name. In a file that nobody wrapped, the longest line is alone.
    pub fn of(text: &str) -> Option<Width> {
        let by = |measure: Measure| measure.longest(text);
        by(Measure::Columns).or_else(|| if text.is_ascii() { None } else { by(Measure::Characters) })
    }

    /// Whether a line goes up to the edge; the next one is its rest then.
    pub fn is_filled_by(self, line: &str) -> bool {
        if line.len() < self.columns.saturating_sub(1) / 2 {
            return false;
        }
        let is_rule = line.chars().all(|c| matches!(c, '-' | '=' | '*' | '_' | ' '));
        !is_rule && self.measure.fills(line, self.measure.of(line), self.columns)
    }
}

impl Measure {
    fn of(self, line: &str) -> usize {
        match self {
            Measure::Columns => columns(line),
            Measure::Characters => line.chars().count(),
        }
    }

    /// A wide character that does not fit leaves the last column empty.
    fn fills(self, line: &str, size: usize, width: usize) -> bool {
        let is_wide_at_the_edge = || self == Measure::Columns && line.chars().next_back().is_some_and(is_wide);
        size == width || (size + 1 == width && is_wide_at_the_edge())
    }

    fn longest(self, text: &str) -> Option<Width> {
        let mut longest = 0usize;
        let mut filled = 0usize;
        for line in text.split('\n') {
            // Bytes bound columns from above: most lines are settled without counting.
            if line.len() > 3 * WIDTHS.end() {
                return None;
            }
            if line.len() < longest.saturating_sub(1) {
                continue;
            }
            let size = self.of(line);
            let wide = self == Measure::Columns && !line.is_ascii();
            if size > longest {
                filled = if size == longest + 1 && wide { filled + 1 } else { 1 };
                longest = size;
            } else if size == longest || (size + 1 == longest && wide) {
                filled += 1;
            }
        }
        let width = Width { columns: longest, measure: self };
        let cuts = || {
            let pairs = text.split('\n').zip(text.split('\n').skip(1));
            let mut pairs = pairs.filter(|(line, _)| line.len() >= longest && self.of(line) == longest);
            pairs.any(|(line, next)| cuts_a_name(line, next))
        };
        // One line that comes again and again is of equal length each time.
        let differ = || {
            let full = text.split('\n').filter(|line| line.len() >= longest && self.of(line) == longest);
            full.collect::<BTreeSet<_>>().len() >= FILLED_MIN
        };
        // Separators (`=====`, `-----`) are of equal length without any wrapping, but few.
        let is_filled = filled >= FILLED_MIN && (self == Measure::Columns || differ());
        // A single error that was pasted fills two rows or three.
        let tells = || {
            (TELLING_MIN..FILLED_MIN).contains(&filled) && USUAL.contains(&longest) && self.tells_joined(text, longest)
        };
        (WIDTHS.contains(&longest) && (is_filled || cuts() || tells())).then_some(width)
    }

    /// Whether rows of `width` that end inside a word tell, with what follows them, a failure and its host, of which no row
    /// tells both by itself.
    fn tells_joined(self, text: &str, width: usize) -> bool {
        let is_full = |line: &str| line.len() >= width && self.of(line) == width;
        let mut joined = String::new();
        let (mut cut, mut alone) = (false, false);
        for (line, next) in text.split('\n').zip(text.split('\n').skip(1)).filter(|(line, _)| is_full(line)) {
            // How the error view of a cmdlet was wrapped is read with it.
            if joined.is_empty() && is_cmdlet_error(line) {
                continue;
            }
            if joined.is_empty() {
                joined.push_str(line);
                (cut, alone) = (false, tells(line));
            }
            joined.push_str(next);
            let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            cut |= is_inside(line.chars().next_back()) && is_inside(next.chars().next());
            alone |= tells(next);
            if !is_full(next) {
                if cut && !alone && tells(&joined) {
                    return true;
                }
                joined.clear();
            }
        }
        false
    }
}

/// Whether a line tells a failure and where it happened.
fn tells(line: &str) -> bool {
    pattern::classify(line).is_some_and(|class| {
        let place = place::find(line, class);
        place.host.is_some() || place.endpoint.is_some()
    })
}

/// Whether the end of `line` and the beginning of `next` are one name that Microsoft's services have, and neither is one
/// by itself: a line that was cut there, at whatever width.
pub(super) fn cuts_a_name(line: &str, next: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let head = next.split(|c| !is_of_name(c)).next().unwrap_or_default();
    let tail = line.rsplit(|c| !is_of_name(c)).next().unwrap_or_default();
    if line.len() < *WIDTHS.start() || head.is_empty() || tail.is_empty() || head.len() + tail.len() > 253 {
        return false;
    }
    let name = format!("{tail}{head}").trim_end_matches('.').to_ascii_lowercase();
    let is_known = |name: &str| knowledge::endpoint(name).is_some() || knowledge::is_microsoft_host(name);
    // What is left of a name in the table may look like another of the same domain.
    let is_listed = |name: &str| knowledge::endpoint(name).is_some_and(|e| e.host == name);
    let is_cut_short = is_listed(&name) && !is_listed(&head.to_ascii_lowercase()) && !tail.contains('.');
    name.contains('.') && is_known(&name) && (!is_known(head) || is_cut_short) && !is_known(tail)
}

/// Columns that a terminal needs.
pub(super) fn columns(line: &str) -> usize {
    if line.is_ascii() { line.len() } else { line.chars().map(|c| 1 + usize::from(is_wide(c))).sum() }
}

/// East Asian wide characters (Unicode TR 11), roughly.
pub(super) fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_at(width: usize, lines: &[&str]) -> String {
        let mut out = String::new();
        for line in lines {
            let all: Vec<char> = line.chars().collect();
            for part in all.chunks(width) {
                out.extend(part);
                out.push('\n');
            }
        }
        out
    }

    #[test]
    fn an_editor_counts_characters() {
        let long = "x".repeat(200);
        let japanese =
            format!("ConnectionResetError(10054, '既存の接続はリモート ホストに強制的に切断されました。') {long}");
        let digits: String = (100..166).map(|n| n.to_string()).collect();
        let text = cut_at(80, &[&digits, &japanese, &long]);
        assert_eq!(Width::of(&text), Some(Width { columns: 80, measure: Measure::Characters }));
        let again = format!("{}\n接続できません {}", format!("{}\n", "x".repeat(80)).repeat(4), "y".repeat(68));
        assert_eq!(Width::of(&again), None, "one line that comes again and again");
    }

    #[test]
    fn one_name_that_is_cut_at_the_edge_shows_the_width() {
        let line = "cause: ConnectTimeoutError: Connect Timeout Error (attempted address: login.microsoftonline.com:443, timeout: 10000ms)";
        let text = cut_at(80, &["ClientAuthError: network_error: Network request failed", line]);
        assert_eq!(Width::of(&text).map(|w| w.columns), Some(80));
        let stranger = line.replace("microsoftonline", "somewhereonline");
        assert_eq!(Width::of(&cut_at(80, &["ClientAuthError", &stranger])), None);
    }

    #[test]
    fn a_single_error_that_was_cut_at_a_usual_width_is_whole_again() {
        let line = "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /common/v2.0 (Caused by NewConnectionError('x: [WinError 10061] No connection could be made'))";
        assert_eq!(Width::of(&cut_at(80, &[line])).map(|w| w.columns), Some(80));
        assert_eq!(Width::of(&cut_at(83, &[line])), None);
        // Lines of equal length that tell all by themselves.
        let own = |host: &str| format!("{:x<80}", format!("connect ECONNREFUSED {host}:443 "));
        assert_eq!(Width::of(&format!("{}\n{}\nxyz", own("a.example"), own("b.example"))), None);
    }

    #[test]
    fn names_are_cut_only_where_neither_part_is_one() {
        let line = |end: &str| format!("{} {end}", "x".repeat(60));
        assert!(cuts_a_name(&line("https://login.microsofto"), "nline.com:443"));
        assert!(cuts_a_name(&line("management.chi"), "nacloudapi.cn/tenants"));
        assert!(cuts_a_name(&line("UnknownHostException: log"), "in.microsoftonline.com"));
        assert!(!cuts_a_name(&line("login.microsoftonline.com"), "login.microsoftonline.com"));
        assert!(!cuts_a_name(&line("connection to"), "login.microsoftonline.com:443"));
        assert!(!cuts_a_name(&line("connection to"), " nline.com:443"));
        assert!(!cuts_a_name("login.microsofto", "nline.com:443"));
    }
}
