//! The message of a cmdlet's error as Windows PowerShell prints it: `Connect-X : text`, wrapped, above its position.
//!
//! What enters: the lines of one error. What leaves: its message in one line. PowerShell wraps between words and drops
//! the blank there, or keeps it; in languages without blanks, and where a window's text was copied, lines are cut where
//! the window ends, in the middle of a word. Total; linear in the length of the text.

use super::{append, first_word};
use crate::log::is;
use crate::log::pattern;
use crate::log::text::{LINE_BYTES_MAX, Line};
use crate::log::width::{columns, cuts_a_name, is_wide};

/// Narrowest window whose lines are taken for cut at the edge.
const WINDOW_MIN: usize = 60;

/// Bytes of a message of which both readings are compared; the cause of a longer one does not hang on one blank.
const COMPARED_BYTES_MAX: usize = 16 << 10;

/// Beginnings of lines that say where in a script an error was raised.
const POSITIONS: [&str; 6] = ["At ", "発生場所", "Au caractère", "In Zeile", "En línea", "Line |"];

// The same in any language: line and column, each behind a word for it.
regex!(POSITION, r"^\S.{0,24}?[:：]\s?\d{1,7}\s?[^\s\d]{1,20}\s?[:：]\s?\d{1,5}\s*$");

/// Whether a line says where in a script an error was raised. Behind an error its form is enough.
pub(super) fn is_position(text: &str, behind_an_error: bool) -> bool {
    POSITIONS.iter().any(|p| text.starts_with(p)) || behind_an_error && is(&POSITION, text)
}

/// Lines of an error that is being read; its first line already stands at the end of what goes out.
#[derive(Debug, Default)]
pub(super) struct Message {
    lines: Vec<String>,
    bytes: usize,
}

impl Message {
    /// An error begins with this line.
    pub fn begin(&mut self, line: &str) {
        self.bytes = line.len();
        self.lines = vec![line.to_owned()];
    }

    /// Whether an error is being read.
    pub fn is_open(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Takes a line that belongs to the error; false where there is none, or it is as long as a line may be.
    pub fn takes(&mut self, line: &str) -> bool {
        let is_part = self.is_open() && self.bytes < LINE_BYTES_MAX;
        if is_part {
            self.bytes = self.bytes.saturating_add(line.len());
            self.lines.push(line.to_owned());
        }
        is_part
    }

    /// The error is over: its message becomes the last line of `out`.
    pub fn end(&mut self, out: &mut [Line<'_>]) {
        let lines = std::mem::take(&mut self.lines);
        if let Some(last) = out.last_mut().filter(|_| lines.len() > 1) {
            last.text = joined(&lines).into();
        }
    }
}

/// The lines of a message as one.
fn joined(lines: &[String]) -> String {
    let width = lines.iter().map(|l| columns(l)).max().unwrap_or_default();
    // A wide character that does not fit leaves the last column empty.
    let fills = |line: &str| {
        let size = columns(line);
        size == width || size + 1 == width && line.chars().next_back().is_some_and(is_wide)
    };
    // One line that ends before the window does, because the next word did not fit, shows that all are wrapped at words.
    let by_words = lines.iter().zip(lines.iter().skip(1)).any(|(line, next)| {
        let bare = columns(line.trim_end());
        !fills(line) && bare + 1 + columns(first_word(next)) > width
    });
    let words = with(lines, |_, _| false);
    if by_words || width < WINDOW_MIN || words.len() > COMPARED_BYTES_MAX {
        return words;
    }
    let cut = with(lines, |line, _| fills(line));
    let says = |text: &str| pattern::classify(text).map(pattern::weight);
    let at_edge = |c: Option<char>| c.is_some_and(is_wide);
    // Scripts that are written without blanks are never wrapped at words.
    let without_blanks = || {
        let mut breaks = lines.iter().zip(lines.iter().skip(1)).filter(|(line, _)| fills(line));
        breaks.any(|(line, next)| at_edge(line.chars().next_back()) && at_edge(next.chars().next()))
    };
    match says(&cut).cmp(&says(&words)) {
        std::cmp::Ordering::Greater => cut,
        std::cmp::Ordering::Equal if without_blanks() => cut,
        _ => words,
    }
}

/// The lines as one, with a blank between two of them unless they were cut there, by `is_cut` or by what stands there.
fn with(lines: &[String], is_cut: impl Fn(&str, &str) -> bool) -> String {
    let mut lines = lines.iter();
    let mut all = Line { number: 0, text: lines.next().map_or("", String::as_str).into() };
    let mut before = all.text.to_string();
    for next in lines {
        // PowerShell wraps behind a hyphen too, which ends no word.
        let hyphen = before.strip_suffix('-').is_some_and(|b| b.ends_with(char::is_alphanumeric));
        if is_cut(&before, next) || hyphen || cuts_a_name(&before, next) {
            all.text.to_mut().push_str(next);
        } else {
            append(&mut all, next);
        }
        before.clone_from(next);
    }
    all.text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::log::ErrorClass;
    use crate::log::read_text;

    /// Windows of Windows PowerShell, and the last column that it leaves free.
    const WIDTHS: [usize; 5] = [79, 80, 99, 119, 120];

    const ERRORS: [&str; 8] = [
        "Connect-AzAccount : ClientSecretCredential authentication failed: The remote name could not be resolved: 'login.microsoftonline.com'",
        "Connect-MgGraph : InteractiveBrowserCredential authentication failed: The remote name could not be resolved: 'login.microsoftonline.com'",
        "Connect-AzAccount : DeviceCodeCredential authentication failed: The request was aborted: Could not create SSL/TLS secure channel.",
        "Connect-AzAccount : InteractiveBrowserCredential authentication failed: A connection attempt failed because the connected party did not properly respond after a period of time, or established connection failed because connected host has failed to respond. (login.microsoftonline.com:443)",
        "Connect-AzAccount : ClientSecretCredential authentication failed: No connection could be made because the target machine actively refused it. (login.microsoftonline.com:443)",
        "Connect-MgGraph : ClientSecretCredential authentication failed: The underlying connection was closed: Could not establish trust relationship for the SSL/TLS secure channel.",
        "Connect-AzAccount : The remote server returned an error: (407) Proxy Authentication Required. The request was made by a program that has no name of a user.",
        "Connect-AzAccount : InteractiveBrowserCredential authentication failed: Unable to read data from the transport connection: An existing connection was forcibly closed by the remote host.",
    ];

    /// What is judged: the last error, where it is, and the proxy.
    fn said(text: &str) -> Vec<(Option<ErrorClass>, Option<String>, Option<String>)> {
        let of =
            |a: &crate::facts::log::Attempt| (a.error_class(), a.cause().and_then(|e| e.host.clone()), a.proxy.clone());
        read_text(text).attempts.iter().map(of).collect()
    }

    /// The line wrapped between words.
    fn at_words(line: &str, width: usize, kept: &str) -> String {
        let (mut out, mut size) = (String::new(), 0usize);
        for word in line.split(' ') {
            if size > 0 && size + 1 + columns(word) > width {
                out.push_str(kept);
                out.push('\n');
                size = 0;
            } else if size > 0 {
                out.push(' ');
                size += 1;
            }
            out.push_str(word);
            size += columns(word);
        }
        out
    }

    const POSITION_LINES: &str = "At line:1 char:1\n+ Connect-AzAccount\n+ ~~~~~~~~~~~~~~~~~\n    + CategoryInfo          : CloseError: (:) [x], AuthenticationFailedException\n";

    #[test]
    fn errors_wrapped_at_words_say_what_they_said() {
        for error in ERRORS {
            let expected = said(&format!("{error}\n{POSITION_LINES}"));
            assert!(expected.iter().any(|(class, ..)| class.is_some()), "{error}");
            for width in WIDTHS {
                for kept in ["", " "] {
                    let wrapped = format!("{}\n{POSITION_LINES}", at_words(error, width, kept));
                    assert_eq!(said(&wrapped), expected, "{width}: {wrapped}");
                }
            }
        }
    }

    #[test]
    fn errors_cut_at_the_edge_say_what_they_said() {
        for error in ERRORS {
            let expected = said(&format!("{error}\n{POSITION_LINES}"));
            let whole: Vec<char> = error.chars().collect();
            let mut wrapped: String = whole.chunks(80).flat_map(|part| part.iter().chain(&['\n'])).collect();
            wrapped.push_str(POSITION_LINES);
            assert_eq!(said(&wrapped), expected, "{wrapped}");
        }
    }

    #[test]
    fn another_programs_line_is_no_part_of_the_message() {
        let refused = "Connect-AzAccount : InteractiveBrowserCredential authentication failed: No connection could be made because the target\nmachine actively refused it. (login.microsoftonline.com:443)\n";
        for line in [
            "INFO: The proxy is proxy.corp.example:8080",
            "INFO  : Could not resolve host: a.example",
            "[INFO] Could not resolve host: a.example",
            "[Warning] a timeout",
            "NOTICE: x",
            "$ kubectl get pods",
        ] {
            let facts = read_text(&format!("{refused}{line}\n{POSITION_LINES}"));
            let cause = facts.attempts.first().and_then(|a| a.events.first()).map(|e| e.text.clone());
            assert!(cause.is_some_and(|text| text.ends_with("443)")), "{line}");
        }
        let wrapped = "Connect-AzAccount : the tool printed\nInfo: of no other program\nAt line:1 char:1\n";
        assert!(read_text(wrapped).attempts.iter().flat_map(|a| &a.events).any(|e| e.text.contains("printed Info:")));
    }

    #[test]
    fn samples_wrapped_at_words_say_what_they_said() {
        let mut read = 0;
        for folder in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).unwrap().flatten() {
            let Ok(text) = std::fs::read_to_string(folder.path().join("debug.log")) else { continue };
            read += 1;
            for width in WIDTHS {
                // Only errors are wrapped by their view; the streams beside them keep their lines.
                let is_error = crate::log::is_cmdlet_error;
                let wrap = |l: &str| if is_error(l) { at_words(l, width, "") } else { l.to_owned() };
                let wrapped: Vec<String> = text.lines().map(wrap).collect();
                assert_eq!(said(&wrapped.join("\n")), said(&text), "{width}: {}", folder.path().display());
            }
        }
        assert!(read > 0);
    }

    #[test]
    fn a_name_in_any_language_is_no_part_of_the_place_in_the_script() {
        let places = [
            "At line:1 char:1",
            "発生場所 行:1 文字:1",
            "Au caractère Ligne:1 : 1",
            "In Zeile:1 Zeichen:1",
            "위치 줄:1 문자:1",
            "所在位置 行:1 字符: 1",
            "строка:1 знак:1",
        ];
        for place in places {
            assert!(is_position(place, true), "{place}");
        }
        for text in ["resolved: 'login.microsoftonline.com'", "(login.microsoftonline.com:443)", "at 10:20:30", "x"] {
            assert!(!is_position(text, true), "{text}");
        }
    }
}
