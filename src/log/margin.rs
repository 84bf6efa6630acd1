//! What stands before each line of a log that a pipeline wrote, a mail quotes or an editor indents.
//!
//! What enters: decoded text. What leaves: the same lines without it, and the times that a pipeline put there.
//! Guaranteed: no line goes or comes, and nothing is taken from a text of which not nearly all lines begin so.

use crate::facts::log::LogTime;
use crate::log::stamp;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Margins in one another: a pipeline's log, quoted in a mail, indented.
const MARGINS_MAX: usize = 4;

/// Lines that are looked at, and the least number that show a margin.
const LOOKED_AT: usize = 400;
/// See `LOOKED_AT`.
const LINES_MIN: usize = 4;

// GitHub Actions and Azure Pipelines write `2026-11-22T15:12:59.1234567Z text`, `gh run view --log` job and step before
// it, GitLab `… 01O text` (stream and whether the line goes on), Jenkins `[…] text`, `kubectl logs --timestamps` the first.
static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:[^\t]{1,100}\t[^\t]{1,100}\t)?\[?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))\]?(?: \d\d[OE]\+?)?(?: |$)",
    )
    .ok()
});

/// What all lines begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Margin {
    /// A point in time.
    Time,
    /// `>`, and a space.
    Quote,
    /// So many spaces or tabs.
    Indent(usize),
}

impl Margin {
    fn of<'t>(lines: impl Iterator<Item = &'t str>) -> Option<Margin> {
        let lines: Vec<&str> = lines.filter(|l| !l.trim().is_empty()).take(LOOKED_AT).collect();
        let indent = lines.iter().map(|line| line.len() - line.trim_start_matches([' ', '\t']).len()).min()?;
        let nearly_all = |margin: &Margin| {
            let with = lines.iter().filter(|line| margin.cut(line).is_some()).count();
            with >= LINES_MIN && with * 10 >= lines.len() * 9
        };
        [Margin::Indent(indent), Margin::Time, Margin::Quote].into_iter().find(nearly_all)
    }

    /// The line behind the margin, and its time; `None` for a line without.
    fn cut<'t>(&self, line: &'t str) -> Option<(&'t str, Option<LogTime>)> {
        match self {
            Margin::Time => {
                let found = TIME.as_ref()?.captures(line)?;
                let time = stamp::iso(found.get(1)?.as_str());
                Some((line.get(found.get(0)?.end()..)?, time))
            }
            Margin::Quote => {
                let rest = line.strip_prefix('>')?;
                Some((rest.strip_prefix(' ').unwrap_or(rest), None))
            }
            Margin::Indent(0) => None,
            Margin::Indent(columns) => {
                let (margin, rest) = line.split_at_checked(*columns)?;
                margin.trim_start_matches([' ', '\t']).is_empty().then_some((rest, None))
            }
        }
    }
}

/// The text without what stands before its lines, and the times of its lines from the first on, where they have some.
pub fn without(text: &str) -> (Cow<'_, str>, Vec<Option<LogTime>>) {
    // Most texts have none, and need not be taken apart to see it.
    if Margin::of(text.split('\n')).is_none() {
        return (Cow::Borrowed(text), Vec::new());
    }
    let mut lines: Vec<&str> = text.split('\n').collect();
    let mut times = Vec::new();
    for _ in 0..MARGINS_MAX {
        let Some(margin) = Margin::of(lines.iter().copied()) else { break };
        if margin == Margin::Time {
            times.resize(lines.len(), None);
        }
        for (i, line) in lines.iter_mut().enumerate() {
            let Some((rest, time)) = margin.cut(line) else { continue };
            *line = rest;
            if let (Some(time), Some(place)) = (time, times.get_mut(i)) {
                *place = Some(time);
            }
        }
    }
    (Cow::Owned(lines.join("\n")), times)
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
            let (bare, times) = without(&text);
            assert_eq!(bare, LOG, "{margin:?}");
            let timed = times.iter().filter(|time| matches!(time, Some(LogTime::Utc(_)))).count();
            assert_eq!(timed, if margin.contains("2026") { LOG.lines().count() } else { 0 }, "{margin:?}");
        }
    }

    #[test]
    fn a_line_without_the_margin_stays_whole() {
        let text = format!("{}ERROR: behind\n", with("    ").repeat(LOOKED_AT));
        assert!(without(&text).0.ends_with("\nERROR: it failed\nERROR: behind\n"));
    }

    #[test]
    fn what_only_some_lines_begin_with_is_theirs() {
        let quotes = "PS C:\\> Connect-AzAccount -Debug\n>> -Tenant x\n>> -UseDeviceAuthentication\nDEBUG: a\nDEBUG: b\nDEBUG: c\n";
        for text in [LOG, quotes, "", "\n\n\n", "> a\n> b\n", "  one\n"] {
            assert_eq!(without(text), (Cow::Borrowed(text), Vec::new()));
        }
    }
}
