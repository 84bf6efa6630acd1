//! Blocks that a mail quotes below its own words → the same lines without the marks.
//!
//! What enters: the lines of a text. What leaves: the lines; those of a quoted block without one `>`. A mark before a line
//! is curl's too, of a shell that waits for the rest of a command, and of package managers: only a block that tells
//! something of a client is a quoted one, and a transcript of curl is none.

use super::learned;
use crate::log::is;
use crate::log::{STREAM, pattern};

// curl's own request, and what else it marks at the beginning of lines.
regex!(CURL, r"^(?:> [A-Z]+ \S+ HTTP/[\d.]+|[*<] )");

/// The line without one mark; shells go on with `>>`.
pub(super) fn cut(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('>')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// Takes one mark off the lines of blocks that tell something; whether there was any.
pub(super) fn strip(lines: &mut [&str]) -> bool {
    let is_curls = |line: &str| is(&CURL, line);
    let mut any = false;
    let mut rest = lines;
    while !rest.is_empty() {
        let at = rest.iter().position(|line| cut(line).is_some()).unwrap_or(rest.len());
        let before = at.checked_sub(1).and_then(|i| rest.get(i)).is_some_and(|line| is_curls(line));
        let (_, from) = rest.split_at_mut(at);
        let size = from.iter().position(|line| cut(line).is_none()).unwrap_or(from.len());
        let (block, behind) = from.split_at_mut(size);
        let of_curl = before || behind.first().is_some_and(|line| is_curls(line)) || block.iter().any(|l| is_curls(l));
        if !of_curl && block.iter().filter_map(|line| cut(line)).any(tells) {
            any = true;
            for line in block {
                *line = cut(line).unwrap_or(line);
            }
        }
        rest = behind;
    }
    any
}

/// Whether a line, however often it was quoted, is a record of a client or names a failure.
fn tells(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ']);
    is(&STREAM, line) || learned::record(line).is_some() || pattern::classify(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::margin::without;

    #[test]
    fn a_block_that_a_mail_quotes_loses_its_marks() {
        let quoted =
            "Hello,\n\n> ERROR: AADSTS50076: more is needed\n> $ az login\n>\n> > Connection refused\nBye\n> nothing\n";
        let plain = "Hello,\n\nERROR: AADSTS50076: more is needed\n$ az login\n\nConnection refused\nBye\n> nothing\n";
        assert_eq!(without(quoted).text, plain);
    }

    #[test]
    fn requests_of_curl_and_commands_that_go_on_keep_their_marks() {
        for text in [
            "*   Trying 192.0.2.1:443...\n> GET / HTTP/1.1\n> X-Note: Connection refused\n< HTTP/1.1 200 OK\n",
            "> GET / HTTP/2\n> X-Note: Connection refused\n>\n< HTTP/2 200\n",
            "> X-Note: Connection refused\n< HTTP/2 200\n",
            "PS C:\\> Connect-X\n>> -Tenant x\n",
            "$ az rest \\\n> --uri https://graph.microsoft.com/v1.0/me\n",
        ] {
            let mut lines: Vec<&str> = text.split('\n').collect();
            assert!(!strip(&mut lines), "{text}");
        }
    }
}
