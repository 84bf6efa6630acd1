//! Lines that somebody wrapped → the lines that they were: Windows PowerShell at the width of its window, PowerShell 7
//! and Terraform at the words in a frame, mail programs at the words behind some seventy columns.
//!
//! What enters: lines. What leaves: fewer and longer ones, each with the number of its first. Total; a line grows to
//! `LINE_BYTES_MAX` and no further.

use crate::log::is;
use crate::log::text::{LINE_BYTES_MAX, Line};
use crate::log::width::{columns, cuts_a_name};
use crate::log::{CMDLET_ERROR, NATIVE, STREAM, VIEW, az, command, is_cmdlet_error, pattern, place};
use std::borrow::Cow;

mod view;

regex!(BAR, r"^ {2,}\d* *\|");

// A record's time, behind which the words of its layout may stand on the next line.
regex!(DATE, r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d");

// Levels of loggers and streams in front of a line, which no translation changes.
regex!(
    LEVEL,
    r"^(?:\[(?i:INFO|INFORMATION|DEBUG|TRACE|VERBOSE|WARN|WARNING|NOTICE|ERROR|FATAL|CRITICAL)\s*\]|(?:INFO|DEBUG|TRACE|VERBOSE|WARN|WARNING|NOTICE|ERROR|FATAL|CRITICAL)\s*[:：])"
);

// Java's and .NET's name of an error, at the beginning of its line.
regex!(EXCEPTION, r"^[a-z]\w*(?:\.[\w$]+)+Exception:");

/// Bytes of a first word that two lines do not share by chance.
const ALIKE_MIN: usize = 5;

/// Columns at which mail programs and ticket systems wrap.
const MAIL_COLUMNS: std::ops::RangeInclusive<usize> = 60..=132;
/// Lines that must go on below for a text to be wrapped.
const WRAPPED_MIN: usize = 3;

/// Joins what was wrapped; also says the columns at which a mail program wrapped.
pub(super) fn join(lines: Vec<Line<'_>>) -> (Vec<Line<'_>>, Option<usize>) {
    let lines = native(boxes(lines));
    match mail_columns(&lines) {
        Some(width) => (mail(lines, width), Some(width)),
        None => (names(lines), None),
    }
}

/// Whether the lines end where the next word would not have fitted into `width`, rather than at that width.
pub(super) fn is_by_words(text: &str, width: usize) -> bool {
    let pairs = text.split('\n').zip(text.split('\n').skip(1));
    let (mut short, mut full) = (0usize, 0usize);
    for (line, _) in pairs.filter(|(line, next)| goes_on(line, next, width)) {
        *if columns(line) < width { &mut short } else { &mut full } += 1;
    }
    short >= WRAPPED_MIN && short * 2 > full
}

/// Joins lines between which the name of a host was cut, at whatever width: its first part would be taken for a host.
fn names(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut out: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    for line in lines {
        match out.last_mut().filter(|last| cuts_a_name(&last.text, &line.text)) {
            Some(last) => append(last, &line.text),
            None => out.push(line),
        }
    }
    out
}

/// Adds the rest of a line that was wrapped between words, or in the middle of one that is longer than a line.
fn append(line: &mut Line<'_>, rest: &str) {
    if line.text.len() < LINE_BYTES_MAX {
        let cut = cuts_a_name(&line.text, rest);
        let text = line.text.to_mut();
        if !cut && !text.ends_with(' ') {
            text.push(' ');
        }
        text.push_str(rest);
    }
}

/// Terraform and OpenTofu draw a line down the left of an error and wrap its paragraphs there. Others draw tables with
/// the same line, whose rows have nothing to do with one another: only the box of Terraform is joined.
fn boxes(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut out: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let (mut inside, mut paragraph) = (false, false);
    for line in lines {
        let Some(text) = line.text.strip_prefix('│') else {
            inside = line.text.starts_with('╷');
            paragraph = false;
            out.push(line);
            continue;
        };
        // Others close the box on the right too.
        let text = text.strip_prefix(' ').unwrap_or(text).trim_end_matches('│');
        let begins = !inside || text.contains('│') || text.trim().is_empty() || text.starts_with([' ', '\t']);
        match out.last_mut().filter(|_| paragraph && !begins) {
            Some(last) => append(last, text),
            None => out.push(Line { number: line.number, text: Cow::Owned(text.to_owned()) }),
        }
        paragraph = !begins;
    }
    out
}

/// Whether a line begins by itself: a record, an error, a prompt, an indented or an empty line.
fn begins(text: &str) -> bool {
    let is = |pattern| is(pattern, text);
    // Python's name of an object: `<urllib3.connection.HTTPSConnection object at`.
    let is_object = || {
        let name = text.strip_prefix('<').and_then(|rest| rest.split_once(' ')).map_or("", |(name, _)| name);
        name.contains('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
    };
    text.trim().is_empty()
        || text.starts_with([' ', '\t', '}', '*', '>'])
        || text.starts_with('<') && !is_object()
        || text.starts_with("PS ")
        || text.starts_with("Traceback (")
        || az::record(text).is_some()
        || is(&DATE)
        || is(&EXCEPTION)
        || command::prompt(text).is_some()
        || is(&STREAM)
        || is(&NATIVE)
        || is(&CMDLET_ERROR)
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

/// Whether `next` is what did not fit behind `line` any more.
fn goes_on(line: &str, next: &str, width: usize) -> bool {
    let word = first_word(next);
    // Records of one program begin alike; two lines of prose seldom do, but with a short word.
    let is_alike = || word.len() >= ALIKE_MIN && word == first_word(line);
    !line.starts_with([' ', '\t'])
        && !line.trim().is_empty()
        && columns(line.trim_end()) + 1 + columns(word) > width
        && !is_alike()
        && !begins(next)
}

/// The columns at which a mail program wrapped this text: no line of several words is longer, and several end only
/// because the next word did not fit.
fn mail_columns(lines: &[Line<'_>]) -> Option<usize> {
    let mut width = 0usize;
    for line in lines {
        let text = line.text.trim_end();
        if text.trim_start().contains(' ') {
            // Bytes bound columns from above.
            if text.len() > 3 * MAIL_COLUMNS.end() {
                return None;
            }
            width = width.max(columns(text));
        }
    }
    if !MAIL_COLUMNS.contains(&width) {
        return None;
    }
    let wrapped = lines.iter().zip(lines.iter().skip(1)).filter(|(line, next)| goes_on(&line.text, &next.text, width));
    // Records and commands tell that it is a log; prose is wrapped too, and means the same.
    let is_log = |text: &str| {
        let is_dated = is(&DATE, text);
        is_dated || az::record(text).is_some() || command::prompt(text).is_some()
    };
    let is_log = || lines.iter().any(|l| is_log(&l.text)) || has_telling_paragraph(lines, width);
    (wrapped.count() >= WRAPPED_MIN && is_log()).then_some(width)
}

/// Whether several lines that follow one another end only because the next word did not fit, and name a failure: an error
/// without the log around it.
fn has_telling_paragraph(lines: &[Line<'_>], width: usize) -> bool {
    let mut run = 0usize;
    let mut told = false;
    for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
        if !goes_on(&line.text, &next.text, width) || are_apart(&line.text, &next.text) {
            (run, told) = (0, false);
            continue;
        }
        run += 1;
        told |= [line, next].iter().any(|l| pattern::classify(&l.text).is_some());
        if told && run >= WRAPPED_MIN {
            return true;
        }
    }
    false
}

/// Whether two lines each tell a failure of their own, at hosts that differ.
fn are_apart(line: &str, next: &str) -> bool {
    let host = |text: &str| {
        let place = place::find(text, pattern::classify(text)?);
        place.host.or(place.endpoint).map(|(host, _)| host)
    };
    !cuts_a_name(line, next) && matches!((host(line), host(next)), (Some(a), Some(b)) if a != b)
}

/// Joins the lines of a mail.
fn mail(lines: Vec<Line<'_>>, width: usize) -> Vec<Line<'_>> {
    let mut out: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut before: Option<Cow<'_, str>> = None;
    for line in lines {
        let on =
            before.as_ref().is_some_and(|before| goes_on(before, &line.text, width) && !are_apart(before, &line.text));
        before = Some(line.text.clone());
        match out.last_mut().filter(|_| on) {
            Some(last) => append(last, &line.text),
            None => out.push(line),
        }
    }
    out
}

/// Lines of a native program's error stream, wrapped by Windows PowerShell at the width of its window and followed by
/// its own position lines, become one line again; so do the lines of a cmdlet's error.
fn native(lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    let mut out: Vec<Line<'_>> = Vec::with_capacity(lines.len());
    let mut inside = false;
    let mut last_width = 0usize;
    let (mut in_view, mut in_message) = (false, false);
    let mut error = view::Message::default();
    for line in lines {
        let text = line.text.as_ref();
        // PowerShell 7 wraps the message of an error at the words, behind a margin below the line of the script.
        in_view = text.starts_with("Line |") || (in_view && is(&BAR, text));
        // Lines of the script have their number before the bar.
        let is_script = |text: &str| text.trim_start().starts_with(|c: char| c.is_ascii_digit());
        let message = VIEW.as_ref().filter(|_| in_view && !is_script(text)).and_then(|r| r.captures(text)?.get(1));
        if let Some(message) = message {
            error.end(&mut out);
            match out.last_mut().filter(|_| in_message) {
                Some(last) => append(last, message.as_str()),
                None => out.push(line),
            }
            (in_message, inside) = (true, false);
            continue;
        }
        in_message = false;
        if let Some(c) = NATIVE.as_ref().and_then(|r| r.captures(text)) {
            error.end(&mut out);
            last_width = text.chars().count();
            let rest = c.get(1).map_or("", |m| m.as_str()).to_owned();
            out.push(Line { number: line.number, text: Cow::Owned(rest) });
            inside = true;
            continue;
        }
        if is_cmdlet_error(text) {
            error.end(&mut out);
            error.begin(text);
            out.push(line);
            inside = false;
            continue;
        }
        if view::is_position(text, inside || error.is_open()) || text.starts_with("    + ") || text.starts_with("+ ") {
            // Position and category: nothing about the cause.
            error.end(&mut out);
            inside = false;
            continue;
        }
        let begins = text.is_empty()
            || text.starts_with("PS ")
            || text.starts_with("$ ")
            || text.starts_with("**********")
            || az::record(text).is_some()
            || is(&STREAM, text)
            || is(&LEVEL, text);
        if !begins && error.takes(text) {
            continue;
        }
        error.end(&mut out);
        if inside && !begins {
            if let Some(last) = out.last_mut() {
                // Wrapped in the middle of a word only where the line was full.
                if last_width < 60 && !last.text.ends_with(' ') {
                    last.text.to_mut().push(' ');
                }
                last.text.to_mut().push_str(text);
                last_width = text.chars().count();
            }
            continue;
        }
        inside = inside && !begins;
        out.push(line);
    }
    error.end(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> (Vec<String>, Option<usize>) {
        let lines = text.split('\n').zip(1u64..).map(|(t, number)| Line { number, text: Cow::Borrowed(t) }).collect();
        let (lines, width) = join(lines);
        (lines.into_iter().map(|l| l.text.into_owned()).collect(), width)
    }

    #[test]
    fn a_paragraph_in_a_box_is_one_line() {
        let (lines, _) =
            joined("╷\n│ Error: dial tcp: lookup a.example: no\n│ such host\n│ \n│   with x,\n│   on y\n╵");
        assert_eq!(lines, ["╷", "Error: dial tcp: lookup a.example: no such host", "", "  with x,", "  on y", "╵"]);
    }

    #[test]
    fn rows_of_a_table_stay_apart() {
        for (top, bottom) in [("╭─┬─╮", "╰─┴─╯"), ("┌─┬─┐", "└─┴─┘"), ("╷", "╵")]
        {
            let text = format!("{top}\n│ a.example │ 200 │\n│ b.example │ refused │\n{bottom}");
            assert_eq!(joined(&text).0, [top, "a.example │ 200 ", "b.example │ refused ", bottom]);
        }
        let (lines, _) = joined("│ https://a.example: refused\n│ https://b.example: 200");
        assert_eq!(lines, ["https://a.example: refused", "https://b.example: 200"]);
    }

    #[test]
    fn the_message_of_an_error_view_is_one_line_and_the_script_is_not() {
        let (lines, _) = joined(
            "Connect-X: a.ps1:3\nLine |\n   3 |  Connect-X\n     |  ~~~~~~~\n     | the target machine\n     | refused it.\nend",
        );
        assert_eq!(
            lines,
            [
                "Connect-X: a.ps1:3",
                "   3 |  Connect-X",
                "     |  ~~~~~~~",
                "     | the target machine refused it.",
                "end"
            ]
        );
    }

    #[test]
    fn a_table_is_no_error_view() {
        let text = "  | one | two\n  | three | four";
        assert_eq!(joined(text).0, ["  | one | two", "  | three | four"]);
    }

    #[test]
    fn a_log_in_a_mail_gets_its_lines_back() {
        let text = "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1):\nlogin.microsoftonline.com:443\n\
            DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 \"GET\n/organizations/v2.0/.well-known/openid-configuration HTTP/1.1\" 200 1540\n\
            DEBUG: msal.authority:\nopenid_config(\"https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration\")\n\
            = {'a': 1}\nINFO: az_command_data_logger: exit code: 0";
        let (lines, width) = joined(text);
        assert_eq!(width, Some(73));
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(lines.iter().all(|l| l.starts_with("DEBUG: ") || l.starts_with("INFO: ")), "{lines:#?}");
    }

    #[test]
    fn lines_of_a_mail_that_are_full_by_chance_are_joined_between_words() {
        let error = "ERROR: cli.azure.cli.core.azclierror:\nHTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries\n\
            exceeded with url: /organizations/v2.0/.well-known/openid-configuration\n\
            (Caused by ConnectTimeoutError(<urllib3.connection.HTTPSConnection object at\n0x7f3>, 'Connection timed out'))\n";
        let text = error.repeat(4);
        assert_eq!(crate::log::text::lines(&text).1, None);
        let (lines, width) = joined(text.trim_end());
        assert_eq!(width, Some(76));
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(
            lines.iter().all(|l| l.contains("object at 0x7f3>") && l.contains("Max retries exceeded")),
            "{lines:#?}"
        );
    }

    #[test]
    fn a_name_that_is_longer_than_the_line_is_whole_again() {
        let (lines, _) = joined(
            "DEBUG: Request [b7d1f8f0-3a53-4e0e-9b3a-6a1f1d3a7c01] GET https://login.microsof\ntonline.com/organizations/v2.0",
        );
        assert_eq!(
            lines,
            [
                "DEBUG: Request [b7d1f8f0-3a53-4e0e-9b3a-6a1f1d3a7c01] GET https://login.microsoftonline.com/organizations/v2.0"
            ]
        );
    }

    #[test]
    fn an_error_behind_a_command_is_joined_without_any_record() {
        let (lines, width) = joined(
            "C:\\>az login --identity\nFailed to connect to MSI. Please make sure MSI is configured correctly and check\nthe network connection.\n\
             Error detail: HTTPConnectionPool(host='169.254.169.254', port=80): Max retries\nexceeded with url: /metadata/identity/oauth2/token?resource=https%3A%2F%2Fmanage\n\
             (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at\n0x0000022BBC677E90>: Failed to establish a new connection'))",
        );
        assert_eq!((lines.len(), width), (3, Some(80)), "{lines:#?}");
    }

    #[test]
    fn a_paragraph_that_tells_a_failure_is_joined_without_any_log_around_it() {
        let text = "The command failed, and the console shows this text below the command:\nHTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max\nretries exceeded with url: /organizations/v2.0/.well-known/metadata.json\n\
            (Caused by ProxyError('Cannot connect to proxy.', OSError('Tunnel\nconnection failed: 407 Proxy Authentication Required')))";
        let (lines, width) = joined(text);
        assert_eq!((lines.len(), width), (1, Some(72)), "{lines:#?}");
        let prose = vec![["word"; 14].join(" "); 5].join("\n");
        assert_eq!(joined(&prose).1, None);
    }

    #[test]
    fn failures_of_their_own_are_not_joined() {
        let go = |host: &str| {
            format!("AzureCLICredential: dial tcp: lookup {host} on 10.0.0.53:53: server misbehaving [attempt 0]")
        };
        let hosts = [
            "login.microsoftonline.com",
            "management.azure.com",
            "graph.microsoft.com",
            "prod.azurecr.io",
            "vault.azure.net",
        ];
        let dated = "2026-11-02T01:15:08Z INFO begin of the run of the nightly deployment of the platform team, prod";
        let text = format!("{dated}\n{}", hosts.map(go).join("\n"));
        assert_eq!(joined(&text), (text.split('\n').map(str::to_owned).collect(), None));
        // By other words, of other programs.
        let (one, two) = ("dial tcp: lookup a.example: no such host", "connect ECONNREFUSED b.example:443");
        assert!(are_apart(one, two) && !are_apart(one, "connect ECONNREFUSED a.example:443"));
        let java =
            "com.microsoft.aad.msal4j.MsalClientException:java.net.UnknownHostException:login.microsoftonline.com";
        assert!(begins(java) && !begins("java.net.UnknownHostException"));
    }

    #[test]
    fn a_log_that_nobody_wrapped_stays_as_it_is() {
        for text in [
            "DEBUG: cli.knack.cli: one\nEnable color in terminal.\nDEBUG: cli.knack.cli: a line that is much longer than all of the lines around it\nshort\nshort\nshort",
            "DEBUG: msal.x: a\n    x = call(something_long_enough_to_fill_the_line_nearly)\nrequests.exceptions.ConnectionError: y z\n",
        ] {
            assert_eq!(joined(text), (text.split('\n').map(str::to_owned).collect(), None));
        }
    }
}
