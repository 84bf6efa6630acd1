//! Blocks of code in a text in Markdown, in which issues and notes quote logs.
//!
//! What enters: the text. What leaves: the same lines, of which those outside the blocks are empty; `None` for a text
//! without blocks. Every line keeps its number.

/// Marks around a block.
const MARKS: [&str; 2] = ["```", "~~~"];

/// The lines in the blocks of `text`. A block that nothing closes goes on to the end.
pub(super) fn blocks(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<&str> = None;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let mark = line.trim_start();
        let of_block = match open {
            Some(begun) if mark.starts_with(begun) && mark.trim_end().trim_end_matches(['`', '~']).is_empty() => {
                open = None;
                false
            }
            Some(_) => true,
            None => {
                open = MARKS.into_iter().find(|m| mark.starts_with(m));
                found |= open.is_some();
                false
            }
        };
        out.push_str(if of_block { line } else { "\n" });
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogEvidence, read};

    #[test]
    fn only_the_lines_in_blocks_stay_and_keep_their_numbers() {
        assert_eq!(blocks("a\n```text\nb\n```\nc\n~~~\nd\n").as_deref(), Some("\n\nb\n\n\n\nd\n"));
        assert_eq!(blocks("a\n  ```\n  b\n  ```\n").as_deref(), Some("\n\n  b\n\n"));
        assert_eq!(blocks("a `b` c\n"), None);
    }

    #[test]
    fn an_issue_with_a_run_in_it_is_a_log_and_a_guide_is_none() {
        let run = "$ az login --debug\nDEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443\nERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by NewConnectionError('<x>: Failed to establish a new connection: [Errno 111] Connection refused'))\n";
        let issue = format!("# It fails\n\nConnection reset by peer, says a friend.\n\n```\n{run}```\n");
        let LogEvidence::Debug(facts) = read("issue.md", issue.as_bytes()) else { panic!("no log") };
        let lines: Vec<u64> = facts.attempts.iter().flat_map(|a| &a.events).map(|e| e.line).collect();
        assert_eq!(lines, [6, 7, 8]);
        let guide = "# Help\n\nIf you see\n\n```\n$ az login\ncurl: (6) Could not resolve host: login.microsoftonline.com\n```\n\nor `AADSTS50076`, ask.\n";
        assert!(matches!(read("guide.md", guide.as_bytes()), LogEvidence::NotALog));
        assert!(matches!(read("readme.md", run.replace("Starting", "starting").as_bytes()), LogEvidence::NotALog));
    }
}
