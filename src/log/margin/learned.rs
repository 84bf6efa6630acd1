//! Margins that no table knows: loggers and pipelines put before a message whatever their users tell them to.
//!
//! What enters: lines. What leaves: what stands before the known beginnings of records on most lines that have one, as
//! a pattern of words, marks and blanks. Guaranteed: each line is looked at once and from its start, so that the time
//! is linear; a record that begins its line takes part as one without a margin.

use super::speaker::{self, Speakers};
use crate::facts::log::LogTime;
use crate::log::{CMDLET_ERROR, NATIVE, STREAM, STREAMS, az, command, is, place, stamp, text};
use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Bytes of a line in which a record may begin: what loggers put before it is short.
const BEGIN_BYTES_MAX: usize = 320;
/// Words, marks and blanks of a margin; longer ones are no margins.
const PARTS_MAX: usize = 64;
/// Records with the same margin that make one.
const RECORDS_MIN: usize = 2;

/// Words that stand for one another from line to line, so that the first error has the margin of the lines before it.
const ALIKE: [&[&str]; 2] = [
    &[
        "trace",
        "trce",
        "trc",
        "verbose",
        "vrb",
        "debug",
        "dbug",
        "dbg",
        "info",
        "inf",
        "information",
        "informational",
        "notice",
        "note",
        "warn",
        "warning",
        "wrn",
        "error",
        "err",
        "fail",
        "failure",
        "fatal",
        "ftl",
        "crit",
        "critical",
        "crt",
        "loginfo",
        "logdebug",
        "logerror",
        "logwarning",
        "logalways",
    ],
    &["stdout", "stderr", "out"],
];

/// Names of Python's loggers in the tools that are read.
const LOGGER: &str = r"(?:cli\.(?:azure|knack|__main__)|az_command_data_logger|msal(?:_extensions)?\.|urllib3\.|requests\.packages\.|azure\.(?:core|identity|mgmt|cli)|adal-python|azext_)[\w.]*";

/// Beginnings of records that nothing else has.
static RECORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?x)
        (?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):\x20?)? {LOGGER}\x20?:\x20
        | (?:DEBUG|INFO|WARNING|ERROR|CRITICAL):{LOGGER}:
        | (?:(?:{STREAMS})\s?[:：]\x20?)? (?:
            Request\x20\[[0-9a-fA-F-]{{36}}\]\x20 | (?:Error\x20response|Response)\x20\[[0-9a-fA-F-]{{36}}\]\x20\d{{3}}
            | \(?(?:True|False)\)?\x20MSAL\x20\d
            | \w+Credential\.(?:Authenticate|GetToken)(?:Async)?\x20(?:invoked|succeeded|was\x20unable|failed)
            | \[(?:Common\.Authentication|ADAL|CmdletBeginProcessing|CmdletException)\]:\x20
            | =+\x20HTTP\x20(?:REQUEST|RESPONSE)\x20=+
        )
        | (?:{STREAMS})\s?[:：]\x20?(?:[^\s:\d]{{2}}\s?)?\d{{1,2}}[:.]\d\d[:.]\d\d(?:\s?[AaPp]\.?\s?[Mm]\.?)?\s+-\x20
        | azure:(?:identity|core[\w-]*):\w+\x20
        | \*\x20+Trying\x20[\[\d] | \*\x20Connected\x20to\x20\S+\x20\( | >\x20[A-Z]{{3,7}}\x20\S+\x20HTTP/\d | <\x20HTTP/\d
        "
    ))
    .ok()
});
regex!(NAMED, &format!("^{LOGGER}$"));
regex!(DATE, r"\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d");

/// Whether `name` is a logger of Python's in the tools that are read.
pub(super) fn is_logger(name: &str) -> bool {
    NAMED.as_ref().is_some_and(|named| named.is_match(name))
}

/// Whether `name` is a level as Python writes it.
pub(super) fn is_level(name: &str) -> bool {
    matches!(name, "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL")
}

/// Where a record begins in `line`.
pub(super) fn record(line: &str) -> Option<usize> {
    let of_python = |text: &str| az::record(text).is_some_and(|r| is_logger(r.logger));
    let is = |pattern| is(pattern, line);
    if of_python(line) || is(&STREAM) || is(&NATIVE) || is(&CMDLET_ERROR) || command::prompt(line).is_some() {
        return Some(0);
    }
    let head = text::cut(line, BEGIN_BYTES_MAX);
    // Layouts of Python that begin with a date: it is the record's own.
    let dated = DATE.as_ref().and_then(|r| r.find(head)).map(|m| m.start());
    dated
        .filter(|at| line.get(*at..).is_some_and(of_python))
        .or_else(|| RECORD.as_ref()?.find(head).map(|m| m.start()))
        // A text in JSON is no line of its own.
        .filter(|at| line.get(..*at).is_some_and(|margin| !margin.contains("{\"")))
}

/// A piece of a margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    /// Letters, digits and what holds dates, names and addresses together.
    Word(&'t str),
    /// Anything else that can be seen.
    Mark(char),
    /// Blanks.
    Blank(&'t str),
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// The first piece of `text`, and the rest.
fn piece(text: &str) -> Option<(Piece<'_>, &str)> {
    let first = text.chars().next()?;
    let run = |of: fn(char) -> bool| text.split_at_checked(text.len() - text.trim_start_matches(of).len());
    if is_word(first) {
        run(is_word).map(|(word, rest)| (Piece::Word(word), rest))
    } else if first.is_whitespace() {
        run(char::is_whitespace).map(|(blank, rest)| (Piece::Blank(blank), rest))
    } else {
        Some((Piece::Mark(first), text.get(first.len_utf8()..)?))
    }
}

/// The pieces of a margin; `None` for more than a margin has.
fn pieces(mut text: &str) -> Option<Vec<Piece<'_>>> {
    let mut out = Vec::new();
    while let Some((piece, rest)) = piece(text) {
        if out.len() >= PARTS_MAX {
            return None;
        }
        out.push(piece);
        text = rest;
    }
    Some(out)
}

/// What a place of the margin holds on every line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// This word.
    Word(String),
    /// A word with a digit in it: dates, times, numbers, names of machines.
    Numbered,
    /// One of words that stand for one another.
    Alike(&'static [&'static str]),
    /// Any word that names no error.
    Any,
    /// This mark.
    Mark(char),
    /// Blanks; the last of them ends the margin and is taken as it is, because what follows may be indented.
    Blank(String),
}

/// What stands before the records of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Learned(Vec<Part>);

fn has_digit(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
}

fn alike(word: &str) -> Option<&'static [&'static str]> {
    ALIKE.into_iter().find(|words| words.iter().any(|w| w.eq_ignore_ascii_case(word)))
}

/// Whether a word is a level or a stream, which change from line to line.
pub(super) fn is_alike(word: &str) -> bool {
    alike(word).is_some()
}

impl Learned {
    /// The margin of most records among `lines`, where they have one.
    pub(super) fn of(lines: &[&str]) -> Option<Learned> {
        let mut records = 0usize;
        let mut shapes: HashMap<String, Vec<Vec<Piece<'_>>>> = HashMap::new();
        for line in lines {
            let Some(begin) = record(line) else { continue };
            records += 1;
            let Some(pieces) = line.get(..begin).filter(|m| !m.is_empty()).and_then(pieces) else { continue };
            let shape = pieces
                .iter()
                .map(|p| match p {
                    Piece::Word(_) => 'w',
                    Piece::Mark(c) => *c,
                    Piece::Blank(_) => ' ',
                })
                .collect();
            shapes.entry(shape).or_default().push(pieces);
        }
        let margins = shapes.into_values().find(|m| m.len() >= RECORDS_MIN && m.len() * 2 > records)?;
        let places = margins.first()?.len();
        let parts =
            (0..places).map(|i| part(margins.iter().filter_map(|m| m.get(i).copied()))).collect::<Option<Vec<_>>>()?;
        // A word at the end would swallow the message, and indentation alone is another margin.
        let ends = matches!(parts.last()?, Part::Mark(_) | Part::Blank(_));
        // `api: text`, `java.net.UnknownHostException: host`: a word and a colon are how a message begins, too.
        let is_bare = |part: &Part| matches!(part, Part::Any | Part::Mark(':') | Part::Blank(_));
        let is_message = parts.contains(&Part::Any) && parts.iter().all(is_bare);
        // Nor is the name of a host that alone stands before messages about it.
        let is_host = |part: &Part| matches!(part, Part::Word(word) if place::plausible(word));
        let is_about = parts.iter().any(is_host)
            && parts.iter().all(|part| is_host(part) || matches!(part, Part::Mark(':') | Part::Blank(_)));
        let is_margin = ends && !is_message && !is_about && parts.iter().any(|p| !matches!(p, Part::Blank(_)));
        is_margin.then_some(Learned(parts))
    }

    /// Whether several programs speak in `lines`, each with its own name in this margin. What one of them does would
    /// count for the others, too.
    pub(super) fn has_several_speakers<'t>(&self, lines: impl Iterator<Item = &'t str>) -> bool {
        let mut speakers = Speakers::default();
        lines.filter_map(|line| Some((line, self.cut(line)?.0))).any(|(line, rest)| {
            let margin = line.get(..line.len() - rest.len()).unwrap_or_default();
            speaker::tells(rest) && words(margin).enumerate().any(|(place, word)| speakers.is_another(place, word))
        })
    }

    /// The line behind the margin, and the time in it; `None` for a line without.
    pub(super) fn cut<'t>(&self, line: &'t str) -> Option<(&'t str, Option<LogTime>)> {
        let mut rest = line;
        let last = self.0.len().checked_sub(1)?;
        for (i, part) in self.0.iter().enumerate() {
            if let Part::Blank(blank) = part {
                rest = if i == last {
                    // Editors cut blanks off the ends of lines.
                    if rest.is_empty() { rest } else { rest.strip_prefix(blank.as_str())? }
                } else {
                    let behind = rest.trim_start();
                    // Numbers of lines are set right: wide ones touch the edge.
                    (i == 0 || behind.len() < rest.len()).then_some(behind)?
                };
                continue;
            }
            let (found, behind) = piece(rest)?;
            let is_it = match (part, found) {
                (Part::Word(word), Piece::Word(w)) => word == w,
                (Part::Numbered, Piece::Word(w)) => has_digit(w),
                (Part::Alike(words), Piece::Word(w)) => words.iter().any(|known| known.eq_ignore_ascii_case(w)),
                (Part::Any, Piece::Word(w)) => !tells_of_error(w),
                (Part::Mark(mark), Piece::Mark(m)) => *mark == m,
                _ => false,
            };
            rest = is_it.then_some(behind)?;
        }
        let margin = line.get(..line.len() - rest.len())?;
        Some((rest, stamp::iso(margin).or_else(|| stamp::clock(margin))))
    }
}

/// The words of a margin.
fn words(margin: &str) -> impl Iterator<Item = &str> {
    pieces(margin)
        .into_iter()
        .flatten()
        .filter_map(|piece| if let Piece::Word(word) = piece { Some(word) } else { None })
}

/// Whether a word names an error: it belongs to the message.
fn tells_of_error(word: &str) -> bool {
    let ends = |end: &str| {
        word.len().checked_sub(end.len()).and_then(|at| word.get(at..)).is_some_and(|w| w.eq_ignore_ascii_case(end))
    };
    ["Exception", "Error", "Fault"].iter().any(|end| ends(end))
}

/// What pieces at one place of all margins have in common.
fn part<'t>(pieces: impl Iterator<Item = Piece<'t>>) -> Option<Part> {
    let mut words: Vec<&str> = Vec::new();
    let mut other = None;
    for piece in pieces {
        match (piece, &mut other) {
            (Piece::Word(word), _) => words.push(word),
            (Piece::Mark(mark), _) => other = Some(Part::Mark(mark)),
            (Piece::Blank(blank), Some(Part::Blank(shortest))) => {
                if blank.len() < shortest.len() {
                    blank.clone_into(shortest);
                }
            }
            (Piece::Blank(blank), _) => other = Some(Part::Blank(blank.to_owned())),
        }
    }
    let Some(first) = words.first() else { return other };
    Some(if words.iter().all(|w| has_digit(w)) {
        Part::Numbered
    } else if let Some(group) = alike(first).filter(|g| words.iter().all(|w| alike(w) == Some(g))) {
        Part::Alike(group)
    } else if words.iter().all(|w| w == first) {
        Part::Word((*first).to_owned())
    } else if words.iter().any(|w| tells_of_error(w)) {
        return None;
    } else {
        Part::Any
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0a6f2f61-4c1e-4f0d-8a35-0c6c8b6b7d11";

    fn cut<'t>(learned: &Learned, line: &'t str) -> Option<&'t str> {
        learned.cut(line).map(|(rest, _)| rest)
    }

    #[test]
    fn a_margin_is_learned_from_records_and_taken_from_every_line() {
        let lines = [
            "2026-11-02 10:00:37,049 [12] INFO  A.B - Request [G] GET https://login.microsoftonline.com/x".to_owned(),
            "2026-11-02 10:00:37,050 [9] INFO  A.B - Response [G] 200 OK (00.5s)".to_owned(),
        ]
        .map(|l| l.replace('G', GUID).replace(&format!("{GUID}ET"), "GET"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let learned = Learned::of(&lines).unwrap();
        let other = "2026-11-03 07:10:00,001 [3] ERROR A.B -   at x.y()";
        assert_eq!(cut(&learned, other), Some("  at x.y()"));
        assert!(matches!(learned.cut(other), Some((_, Some(LogTime::Local(_))))));
        for line in ["  at x.y()", "System.Exception: 1", "", "2026-11-03 07:10:00,001 [3] ERROR C.D - x"] {
            assert_eq!(cut(&learned, line), None, "{line}");
        }
    }

    #[test]
    fn a_time_of_day_in_a_margin_is_kept() {
        let line = "[10:00:07 INF] ClientSecretCredential.GetToken invoked. Scopes: [ x ]";
        let learned = Learned::of(&[line, line]).unwrap();
        let Some((rest, Some(LogTime::TimeOfDay(nanos)))) = learned.cut("[11:00:08 WRN] x") else { panic!() };
        assert_eq!((rest, nanos / 1_000_000_000), ("x", 11 * 3600 + 8));
    }

    #[test]
    fn records_at_the_start_of_their_lines_have_no_margin() {
        for line in [
            "DEBUG: cli.knack.cli: Command arguments: ['login']",
            "14123 | 2026-11-22 15:13:29,218 | DEBUG | cli.azure.cli.core | x",
            "2026-11-22 15:13:29,218 - urllib3.connectionpool - DEBUG - Starting new HTTPS connection (1): a.example:443",
            "DEBUG: 10:15:14 PM - InteractiveBrowserCredential.Authenticate invoked.",
            "az : DEBUG: cli.knack.cli: Command arguments: ['login']",
            "PS C:\\> Connect-AzAccount -Debug",
        ] {
            assert_eq!(record(line), Some(0), "{line}");
            assert_eq!(Learned::of(&[line, line, line]), None, "{line}");
        }
    }

    #[test]
    fn a_date_of_a_records_own_stays_with_it() {
        let line = "web-1  | 2026-11-22 15:13:29,218 - msal.authority - DEBUG - x";
        let learned = Learned::of(&[line, line]).unwrap();
        assert_eq!(cut(&learned, line), line.strip_prefix("web-1  | "));
    }

    #[test]
    fn a_margin_of_few_records_is_none() {
        let plain = "DEBUG: cli.knack.cli: x";
        let quoted = "he wrote: DEBUG: cli.knack.cli: x";
        assert_eq!(Learned::of(&[plain, plain, quoted, quoted]), None);
        assert_eq!(Learned::of(&[quoted]), None);
        assert!(Learned::of(&[plain, quoted, quoted]).is_some());
    }
}
