//! What stands before each line of a log that a pipeline or a logger wrote, a mail quotes or an editor indents.
//!
//! What enters: decoded text. What leaves: the same lines without it, and the times that stood there. Guaranteed: every
//! line knows the number that it had, and none goes or comes, but for messages of several lines in one of JSON; nothing
//! is taken from a text of which not nearly all lines, or most records, begin so.

use crate::facts::log::LogTime;
use crate::log::is;
use crate::log::stamp;
use std::borrow::Cow;

mod json;
mod learned;
mod quote;
mod speaker;
mod table;

use learned::Learned;

/// Margins in one another: a program's log in a pipeline's, quoted in a mail, indented.
const MARGINS_MAX: usize = 6;

/// Lines that are looked at, and the least number that show a margin.
const LOOKED_AT: usize = 400;
/// See `LOOKED_AT`.
const LINES_MIN: usize = 4;

// GitHub Actions and Azure Pipelines write `2026-11-22T15:12:59.1234567Z text`, `gh run view --log` job and step before
// it, GitLab `… 01O text` (stream and whether the line goes on), Jenkins `[…] text`, `kubectl logs --timestamps` the first.
regex!(
    TIME,
    r"^(?:[^\t]{1,100}\t[^\t]{1,100}\t)?\[?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\]?(?: \d\d[OE]\+?)?(?: |$)"
);

// The console of .NET: `info: Azure.Identity[1]`, perhaps behind a time, and the message below it.
regex!(CATEGORY, r"^(.{0,40}?)\b(?:trce|dbug|info|warn|fail|crit): [A-Za-z][\w.+`-]*\[-?\d{1,9}\]\s*$");
/// Blanks before a message of that console.
const CATEGORY_INDENT: &str = "      ";

// Colours of a terminal that lost the escape character on their way: `[36mtext[0m`.
regex!(COLOUR, r"\[\d{1,3}(?:;\d{1,3}){0,8}m");

/// What all lines begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Margin {
    /// A point in time.
    Time,
    /// `>`, and a space.
    Quote,
    /// So many spaces or tabs.
    Indent(usize),
    /// What stands before the records.
    Learned(Learned),
}

impl Margin {
    fn of<'t>(all: impl Iterator<Item = &'t str> + Clone) -> Option<Margin> {
        let lines = all.clone();
        let lines: Vec<&str> = lines.filter(|l| !l.trim().is_empty()).take(LOOKED_AT).collect();
        let indent = lines.iter().map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min()?;
        let nearly_all = |margin: &Margin| {
            let with = lines.iter().filter(|line| margin.cut(line).is_some()).count();
            with >= LINES_MIN && with * 10 >= lines.len() * 9
        };
        if let Some(known) = [Margin::Indent(indent), Margin::Time, Margin::Quote].into_iter().find(nearly_all) {
            return Some(known);
        }
        let learned = Learned::of(&lines).filter(|learned| !learned.has_several_speakers(all))?;
        let learned = Margin::Learned(learned);
        // What a program prints without its logger (stacks, pages) has no margin, however much it is.
        let with = lines.iter().filter(|line| learned.cut(line).is_some()).count();
        (with >= LINES_MIN || with == lines.len()).then_some(learned)
    }

    /// The line behind the margin, and its time; `None` for a line without.
    fn cut<'t>(&self, line: &'t str) -> Option<(&'t str, Option<LogTime>)> {
        match self {
            Margin::Time => {
                let found = TIME.as_ref()?.captures(line)?;
                let time = stamp::iso(found.get(1)?.as_str());
                Some((line.get(found.get(0)?.end()..)?, time))
            }
            Margin::Quote => Some((quote::cut(line)?, None)),
            Margin::Learned(learned) => learned.cut(line),
            Margin::Indent(0) => None,
            Margin::Indent(columns) => {
                let (margin, rest) = line.split_at_checked(*columns)?;
                margin.trim_start_matches([' ', '\t']).is_empty().then_some((rest, None))
            }
        }
    }
}

/// A text without what stood before its lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bare<'t> {
    /// Its lines.
    pub text: Cow<'t, str>,
    /// Times that stood before the lines, from the first on, where they have some.
    times: Vec<Option<LogTime>>,
    /// Numbers that the lines had, from the first on, where messages were taken out of JSON.
    numbers: Vec<u64>,
    /// Records of JSON or of a table that were seen at its beginning; none if it is no such log.
    pub records: usize,
}

impl Bare<'_> {
    /// The time that stood before line `number`, from 1.
    pub fn time(&self, number: u64) -> Option<LogTime> {
        *self.times.get(usize::try_from(number).ok()?.checked_sub(1)?)?
    }

    /// The number in the file of line `number`, from 1.
    pub fn number(&self, number: u64) -> u64 {
        let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        index.and_then(|i| self.numbers.get(i).copied()).unwrap_or(number)
    }

    /// Whether the text was a log in JSON.
    pub fn is_of_json(&self) -> bool {
        self.records > 0
    }
}

/// Takes away what stands before the lines of a text.
pub fn without(text: &str) -> Bare<'_> {
    // The name of a member stands before every message of records over several lines: it is no margin.
    let records = table::messages(text).or_else(|| json::messages(text));
    let (bare, times) = if records.is_some() { (Cow::Borrowed(text), Vec::new()) } else { strip(text) };
    let Some(messages) = records.or_else(|| json::messages(&bare)) else {
        return Bare { text: bare, times, ..Bare::default() };
    };
    // Messages may have margins of their own.
    let (inner, inner_times) = strip(&messages.text);
    let inner = inner.into_owned();
    let json::Messages { times: mut all, numbers, records, .. } = messages;
    for (i, number) in numbers.iter().enumerate() {
        let outer = usize::try_from(*number).ok().and_then(|n| times.get(n.checked_sub(1)?).copied().flatten());
        note(&mut all, i, outer);
        note(&mut all, i, inner_times.get(i).copied().flatten());
    }
    Bare { text: Cow::Owned(inner), times: all, numbers, records }
}

/// The text without margins, and the times in them.
fn strip(text: &str) -> (Cow<'_, str>, Vec<Option<LogTime>>) {
    let colourless = colourless(text);
    let source = colourless.as_deref().unwrap_or(text);
    // Most texts have none, and need not be taken apart to see it.
    let mut next = Margin::of(source.split('\n'));
    let has_more = || source.split('\n').any(|line| line.starts_with('>') || is_category(line));
    if next.is_none() && !has_more() {
        return (colourless.map_or(Cow::Borrowed(text), Cow::Owned), Vec::new());
    }
    let mut lines: Vec<&str> = source.split('\n').collect();
    let mut times = Vec::new();
    for _ in 0..MARGINS_MAX {
        let Some(margin) = next else { break };
        for (i, line) in lines.iter_mut().enumerate() {
            let Some((rest, time)) = margin.cut(line) else { continue };
            *line = rest;
            note(&mut times, i, time);
        }
        next = Margin::of(lines.iter().copied());
    }
    for _ in 0..MARGINS_MAX {
        if !quote::strip(&mut lines) {
            break;
        }
    }
    categories(&mut lines, &mut times);
    (Cow::Owned(lines.join("\n")), times)
}

/// Keeps the time of a line; a point in time says more than a clock on a wall.
fn note(times: &mut Vec<Option<LogTime>>, line: usize, time: Option<LogTime>) {
    let Some(time) = time else { return };
    if times.len() <= line {
        times.resize(line.saturating_add(1), None);
    }
    if let Some(place) = times.get_mut(line)
        && !matches!(place, Some(LogTime::Utc(_)))
    {
        *place = Some(time);
    }
}

fn is_category(line: &str) -> bool {
    line.trim_end().ends_with(']') && is(&CATEGORY, line)
}

/// Messages below a line with level and category come to the edge; the time of that line is theirs.
fn categories(lines: &mut [&str], times: &mut Vec<Option<LogTime>>) {
    let mut below = false;
    let mut time = None;
    for (i, line) in lines.iter_mut().enumerate() {
        if is_category(line) {
            time = stamp::iso(line).or_else(|| stamp::clock(line)).or_else(|| times.get(i).copied().flatten());
            *line = "";
            below = true;
        } else if let Some(message) = line.strip_prefix(CATEGORY_INDENT).filter(|_| below) {
            *line = message;
            note(times, i, time);
        } else {
            below = false;
        }
    }
}

/// The text without colours that lost their escape character, where several lines begin with one.
fn colourless(text: &str) -> Option<String> {
    let colour = COLOUR.as_ref()?;
    let begins = |line: &&str| line.starts_with('[') && colour.find(line).is_some_and(|m| m.start() == 0);
    let is_coloured = text.split('\n').take(LOOKED_AT).filter(begins).count() >= LINES_MIN;
    is_coloured.then(|| colour.replace_all(text, "").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "DEBUG: cli.knack.cli: Command arguments: ['login']\n\n\
        DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\n\
        Traceback (most recent call last):\n  File \"x.py\", line 1\nERROR: it failed\n";

    fn with(margin: &str) -> String {
        LOG.lines().map(|line| format!("{margin}{line}\n")).collect()
    }

    #[test]
    fn what_pipelines_mails_and_editors_put_before_lines_goes() {
        for margin in [
            "    ",
            "\t",
            "> ",
            "> > ",
            "2026-11-22T15:12:59.1234567Z ",
            "2026-11-22T15:12:59+09:00 ",
            "[2026-11-22T15:12:59.123Z] ",
            "build\tRun az login\t2026-11-22T15:12:59.1234567Z ",
            "2026-11-22T15:12:59.123456Z 01O ",
            ">   2026-11-22T15:12:59Z ",
        ] {
            let text = with(margin);
            let bare = without(&text);
            assert_eq!(bare.text, LOG, "{margin:?}");
            let timed = bare.times.iter().filter(|time| matches!(time, Some(LogTime::Utc(_)))).count();
            assert_eq!(timed, if margin.contains("2026") { LOG.lines().count() } else { 0 }, "{margin:?}");
        }
    }

    #[test]
    fn a_line_without_the_margin_stays_whole() {
        let text = format!("{}ERROR: behind\n", with("    ").repeat(LOOKED_AT));
        assert!(without(&text).text.ends_with("\nERROR: it failed\nERROR: behind\n"));
    }

    #[test]
    fn what_only_some_lines_begin_with_is_theirs() {
        let quotes = "PS C:\\> Connect-AzAccount -Debug\n>> -Tenant x\n>> -UseDeviceAuthentication\nDEBUG: a\nDEBUG: b\nDEBUG: c\n";
        for text in [LOG, quotes, "", "\n\n\n", "> a\n> b\n", "  one\n"] {
            assert_eq!(without(text), Bare { text: Cow::Borrowed(text), ..Bare::default() });
        }
    }

    #[test]
    fn what_loggers_put_before_lines_goes() {
        for margin in [
            "app-1  | ",
            "Nov 02 10:00:00 build01 azlogin[4242]: ",
            "2026-11-02T10:00:00.123456789Z stderr F ",
            "   12\t",
            "stderr: ",
            "[10:00:00] ",
            "# ",
            "10:00:00  ",
            "##[debug]",
            "[pod/login-7c9/azcli] ",
            "2026-11-02 10:00:37.049 +09:00 [INF] ",
            "2026-11-02 10:00:37.0499|INFO|Azure.Identity|",
            "> app-1  | 2026-11-02T08:13:26.1431107+00:00 [ERR] ",
        ] {
            assert_eq!(without(&with(margin)).text, LOG, "{margin:?}");
        }
    }

    #[test]
    fn what_several_programs_say_is_not_mixed() {
        let (ok, bad) = (with("api-1  | "), "Connection refused\n");
        for margin in ["worker-2  | ", "api-2  | "] {
            let text = format!("{ok}{margin}{bad}");
            assert_eq!(without(&text).text, text, "{margin}");
        }
        let text = format!("{}{}", with("[prod] "), with("[dev] "));
        assert_eq!(without(&text).text, text);
        // What says nothing about connections is nobody's.
        let text = format!("{ok}db-1  | ready\n{}", ok.repeat(LOOKED_AT));
        assert!(without(&text).text.starts_with(&format!("{LOG}ready\n")));
        let late = format!("{}db-1  | {bad}", ok.repeat(LOOKED_AT));
        assert_eq!(without(&late).text, late);
    }

    #[test]
    fn the_host_at_the_start_of_a_line_stays() {
        let curl = "* Connected to a.example (192.0.2.1) port 443\n";
        for hosts in [["a.example", "b.example"], ["a.example", "a.example"]] {
            let text: String = hosts.iter().map(|host| format!("{host}: {curl}")).collect();
            assert_eq!(without(&text).text, text);
        }
    }

    #[test]
    fn a_message_below_its_category_comes_to_the_edge() {
        let text = "dbug: Azure.Core[1]\n      Request\n        header\nfail: Azure.Core[5]\n      it failed\n      indented by itself\nend\n      x\n";
        assert_eq!(without(text).text, "\nRequest\n  header\n\nit failed\nindented by itself\nend\n      x\n");
        let timed = "2026-11-02 10:00:00 info: A.B[0]\n      one\n";
        assert!(matches!(without(timed).time(2), Some(LogTime::Local(_))));
    }

    #[test]
    fn colours_without_their_escape_go() {
        let text = with("[36m").replace('\n', "[0m\n");
        assert_eq!(without(&text).text, LOG);
        assert_eq!(without("[1m] is one metre\nx[0m\n").text, "[1m] is one metre\nx[0m\n");
    }
}
