//! Blocks of code in a text in Markdown, in which issues and notes quote logs.
//!
//! What enters: the text. What leaves: the same lines, of which those outside the blocks are empty; `None` for a text
//! without blocks. Every line keeps its number.

/// What the marks around a block are made of, and how many make one.
const MARKS: [char; 2] = ['`', '~'];
/// See `MARKS`.
const MARKS_MIN: usize = 3;

/// The lines in the blocks of `text`. A block that nothing closes goes on to the end.
pub(super) fn blocks(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<(char, usize)> = None;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let mark = mark(line.trim_start());
        let of_block = match (open, mark) {
            // Only as long a mark ends a block: a shorter one is quoted in it.
            (Some((with, length)), Some((c, marks, rest)))
                if c == with && marks >= length && rest.trim().is_empty() =>
            {
                open = None;
                false
            }
            (Some(_), _) => true,
            (None, mark) => {
                open = mark.map(|(c, marks, _)| (c, marks));
                found |= open.is_some();
                false
            }
        };
        out.push_str(if of_block { line } else { "\n" });
    }
    found.then_some(out)
}

/// The mark with which a line begins: its character, how many, and what stands behind. Text in marks on one line is none.
fn mark(line: &str) -> Option<(char, usize, &str)> {
    let with = line.chars().next().filter(|c| MARKS.contains(c))?;
    let rest = line.trim_start_matches(with);
    let marks = line.len() - rest.len();
    (marks >= MARKS_MIN && !(with == '`' && rest.contains('`'))).then_some((with, marks, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogEvidence, read};

    #[test]
    fn only_the_lines_in_blocks_stay_and_keep_their_numbers() {
        assert_eq!(blocks("a\n```text\nb\n```\nc\n~~~\nd\n").as_deref(), Some("\n\nb\n\n\n\nd\n"));
        assert_eq!(blocks("a\n  ```\n  b\n  ```\n").as_deref(), Some("\n\n  b\n\n"));
        assert_eq!(blocks("````\n```\nb\n```\n````\nc\n").as_deref(), Some("\n```\nb\n```\n\n\n"));
        assert_eq!(blocks("a `b` c\n```d``` e\n"), None);
    }

    #[test]
    fn an_issue_with_a_run_in_it_is_a_log_and_a_guide_is_none() {
        let run = "$ az login --debug\nDEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\nERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by NewConnectionError('<x>: Failed to establish a new connection: [Errno 111] Connection refused'))\n";
        let issue = format!("# It fails\n\nConnection reset by peer, says a friend.\n\n```\n{run}```\n");
        let LogEvidence::Debug(facts) = read("issue.md", issue.as_bytes()) else { panic!("no log") };
        let lines: Vec<u64> = facts.attempts.iter().flat_map(|a| &a.events).map(|e| e.line).collect();
        assert_eq!(lines, [6, 7, 8]);
        let beside = format!("{run}\nand\n\n```\naz 2.60\n```\n");
        assert!(matches!(read("issue.md", beside.as_bytes()), LogEvidence::Debug(_)));
        let guide = "# Help\n\nIf you see\n\n```\n$ az login\ncurl: (6) Could not resolve host: login.microsoftonline.com\n```\n\nor `AADSTS50076`, ask.\n";
        assert!(matches!(read("guide.md", guide.as_bytes()), LogEvidence::NotALog));
        assert!(matches!(read("readme.md", run.replace("Starting", "starting").as_bytes()), LogEvidence::NotALog));
    }
}
