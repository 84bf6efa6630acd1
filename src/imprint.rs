//! By which words an output of this program is known again, so that it is never taken for evidence.
//!
//! What enters: the beginning of a text. What leaves: whether it is one of our own. Guaranteed: a text in which
//! something stands behind the report is none; the words that tell a report from other texts are printed from here.

use crate::lang::{Lang, Text};

/// The first words of a report whose answer is a fault in the network.
pub const NETWORK_FAULT: Text = Text { en: "Network fault", ja: "ネットワーク障害" };
/// The first words of a report whose answer is that there is none.
pub const NO_NETWORK_FAULT: Text = Text { en: "No network fault", ja: "ネットワーク障害なし" };
/// The first words of a report without an answer.
pub const CANNOT_TELL: Text = Text { en: "Cannot tell", ja: "判定不能" };
/// The headings of the parts of a report that grow with the case.
pub const HOSTS: Text = Text { en: "Hosts", ja: "ホスト" };
/// See `HOSTS`.
pub const FINDINGS: Text = Text { en: "Findings", ja: "検出事項" };
/// The heading of the last part of a report.
pub const EVIDENCE: Text = Text { en: "Evidence", ja: "証跡" };
/// What stands before the date at the end of a report.
pub const TABLES: Text = Text { en: "Knowledge tables of", ja: "知識テーブルの日付:" };
/// The heading of a comparison in Markdown.
pub const COMPARISON: Text = Text { en: "GOOD and BAD", ja: "GOOD と BAD の比較" };
/// What stands at the head of every page, before the version.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"nettriage ";
/// Lines of the head of a page, up to there.
const PAGE_HEAD_LINES: usize = 10;
/// How the schema identifiers of all JSON begin.
const SCHEMA: &str = "nettriage.";

/// Findings in the list, at least: what lists fewer words may be anything.
const LIST_LINES_MIN: usize = 40;

/// How the tables of reports, roll-ups and facts begin.
const TABLES_OF_CELLS: [&str; 3] =
    ["row,host,role,required,verdict_or_code,", "table,name,kind,verdict,count,", "capture,type,"];

/// Whether `text` is a report, a roll-up, a comparison, facts or the list of findings, as this program writes them.
/// `whole`: nothing comes behind it.
pub fn is_ours(text: &str, whole: bool) -> bool {
    let text = without_colors(text);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let first = start.lines().next().unwrap_or("").trim_end();
    match first.strip_prefix("# ") {
        _ if first.starts_with('{') => is_our_json(start, first),
        _ if first == "<!doctype html>" => start.lines().take(PAGE_HEAD_LINES).any(|line| line.contains(GENERATOR)),
        Some(title) if whole => (is_answer(title) || is(COMPARISON, title)) && is_signed(start),
        Some(title) => is(COMPARISON, title) || is_answer(title) && has_parts(start, "## "),
        None if whole && is_list(start) => true,
        None if TABLES_OF_CELLS.iter().any(|head| first.starts_with(head)) => true,
        None => match last_part(start) {
            Some(lines) => is_comparison(&lines) || is_answer(first) && lines.last().is_some_and(|l| is_date(l)),
            None => !whole && is_answer(first) && has_parts(start, "") && !start.lines().any(|l| is(EVIDENCE, l)),
        },
    }
}

/// The list of all findings: codes, each with its title in the second column.
fn is_list(text: &str) -> bool {
    let code = |line: &str| line.split_once("  ").is_some_and(|(word, _)| is_code(word));
    let lines = || text.trim_end().lines();
    lines().count() >= LIST_LINES_MIN && lines().all(code)
}

fn is_code(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn is(word: Text, line: &str) -> bool {
    [Lang::En, Lang::Ja].iter().any(|lang| word.get(*lang) == line.trim_end())
}

/// What stands behind a word, in whichever case and language.
fn behind(word: Text, line: &str) -> Option<&str> {
    let behind = |word: &str| {
        let (start, rest) = line.split_at_checked(word.len())?;
        start.eq_ignore_ascii_case(word).then_some(rest)
    };
    behind(word.ja).or_else(|| behind(word.en))
}

/// The first line of a report: an outcome, perhaps with a host.
fn is_answer(line: &str) -> bool {
    let ends = |word| behind(word, line).is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(": "));
    [NO_NETWORK_FAULT, NETWORK_FAULT, CANNOT_TELL].into_iter().any(ends)
}

/// The lines below the heading of the last part, where nothing else stands behind it: all are indented.
fn last_part(text: &str) -> Option<Vec<&str>> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let heading = lines.iter().rposition(|line| !line.starts_with("  "))?;
    is(EVIDENCE, lines.get(heading)?).then(|| lines.get(heading + 1..).unwrap_or(&[]).to_vec())
}

fn is_date(line: &str) -> bool {
    behind(TABLES, line.trim_start()).is_some_and(|date| date.trim().starts_with(|c: char| c.is_ascii_digit()))
}

fn is_comparison(last_part: &[&str]) -> bool {
    last_part.first().is_some_and(|l| l.starts_with("  GOOD: ")) && last_part.iter().any(|l| l.starts_with("  BAD: "))
}

/// Whether the last line of a report in Markdown names the program and its version.
fn is_signed(text: &str) -> bool {
    let version = text.trim_end().lines().next_back().and_then(|line| line.strip_prefix("nettriage "));
    version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a part of a report begins in the text: above a log, anybody may say in our words what it is about.
fn has_parts(text: &str, mark: &str) -> bool {
    let headings = text.lines().filter_map(|line| line.strip_prefix(mark));
    headings.into_iter().any(|heading| is(HOSTS, heading) || is(FINDINGS, heading))
}

/// A document with one of our schemas, a line of a batch, or a record of facts.
fn is_our_json(text: &str, first: &str) -> bool {
    let quoted = |line: &str, space: &str| line.contains(&format!("\"schema\":{space}\"{SCHEMA}"));
    // Records of ours have no such members; those of logs do.
    let is_of_a_log = || ["\"message\":", "\"msg\":"].iter().any(|member| first.contains(member));
    match first {
        "{" => text.lines().nth(1).is_some_and(|line| quoted(line, " ")),
        _ if first.starts_with("{\"capture\":\"") => first.contains("\"type\":\"") && !is_of_a_log(),
        _ if first.starts_with("{\"case\":\"") => {
            quoted(first, "") || first.contains("\"failed\":true") && !is_of_a_log()
        }
        _ => first.starts_with("{\"schema\":") && quoted(first, ""),
    }
}

/// The text without the marks that colour it on a terminal.
fn without_colors(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains("\u{1b}[") {
        return text.into();
    }
    let mut parts = text.split("\u{1b}[");
    let mut out = parts.next().unwrap_or("").to_owned();
    parts.for_each(|part| out.push_str(part.split_once('m').map_or(part, |(_, rest)| rest)));
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "NETWORK FAULT: a.example — no answer to SYN\nNo answer.\n\nHosts\n  a.example\n\n\
        Evidence\n  x.pcapng: 3 frames\n  Knowledge tables of 2026-11-22\n";

    #[test]
    fn a_report_is_known_in_each_language_and_with_colours() {
        assert!(is_ours(REPORT, true) && is_ours(&REPORT.replace('\n', "\r\n"), true));
        assert!(is_ours(&format!("\u{feff}{REPORT}"), true));
        let colored = REPORT.replace("Evidence", "\u{1b}[1mEvidence\u{1b}[0m").replace("NETWORK", "\u{1b}[31mNETWORK");
        assert!(is_ours(&colored, true));
        assert!(is_ours("判定不能\n証跡がない。\n\n証跡\n  a.log: az_cli\n  知識テーブルの日付: 2026-11-22\n", true));
        assert!(is_ours("# Cannot tell\n\nNothing.\n\nnettriage 0.1.0, knowledge tables of 2026-11-22\n", true));
        assert!(is_ours("a: reached in GOOD\n\nEvidence\n  GOOD: a\n  BAD: b,\n  c\n", true));
        assert!(is_ours("{\n  \"schema\": \"nettriage.case/1\",\n", false));
        assert!(is_ours("{\"case\":\"a.pcap\",\"failed\":true,\"error\":\"it is cut\"}\n", true));
    }

    #[test]
    fn what_stands_around_or_behind_a_report_is_read() {
        assert!(!is_ours(&format!("{REPORT}DEBUG: cli.azure.cli.core: hello\n"), true));
        assert!(!is_ours(&format!("{REPORT}DEBUG: cli.azure.cli.core: hello\n"), false));
        assert!(!is_ours(&format!("Hello,\n{REPORT}"), true));
        assert!(!is_ours("# Network fault\n\nERROR: it failed\n", true));
        assert!(!is_ours("Network faults since Monday\nERROR: it failed\n", true));
        assert!(!is_ours("Cannot tell\nERROR: it failed\n", true));
        assert!(!is_ours("{\"message\": \"nettriage.case\"}\n{}\n", true));
        assert!(!is_ours("{\"case\":\"login\",\"level\":\"error\"}\n{}\n", true));
        assert!(!is_ours("{\"case\":\"login\",\"failed\":true,\"message\":\"refused\"}\n", true));
        assert!(!is_ours("{\"capture\":\"a\",\"type\":\"log\",\"msg\":\"refused\"}\n", true));
    }

    #[test]
    fn of_a_report_longer_than_what_was_read_the_beginning_tells() {
        let beginning = REPORT.split("Evidence").next().unwrap();
        assert!(is_ours(beginning, false) && !is_ours(beginning, true));
        assert!(is_ours("# Network fault: `a.example`\n\nNo answer.\n\n## Hosts\n\n| Host |\n", false));
        // What somebody wrote above a long log.
        assert!(!is_ours("Network fault: az login fails\n\nDEBUG: cli.knack.cli: x\n", false));
        assert!(!is_ours("# Network fault: az login fails\n\n```\nDEBUG: cli.knack.cli: x\n", false));
    }
}
