//! Bytes in clear where a TLS record should be → [`PlaintextAnswer`]: a block page as a rule, a banner otherwise.
//!
//! What enters: what a side sent in place of TLS. What leaves: its first line, and of an HTTP answer status, title and
//! two headers. Guaranteed: [`ANSWER_BYTES_MAX`] bytes are looked at; no query string and no control character leaves.

use crate::facts::PlaintextAnswer;
use crate::flow::Side;
use crate::packet::At;

/// Bytes of an answer in clear that are kept to find its title.
const ANSWER_BYTES_MAX: usize = 4096;

/// Bytes in clear where a record should be.
#[derive(Debug)]
pub struct Answer {
    /// Who sends it.
    pub by: Side,
    at: At,
    bytes: Vec<u8>,
}

impl Answer {
    /// At its beginning.
    pub fn new(by: Side, at: At) -> Self {
        Answer { by, at, bytes: Vec::new() }
    }

    /// More of it.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = ANSWER_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or(&[]));
    }

    /// What it says.
    pub fn read(&self) -> PlaintextAnswer {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or("");
        let http_status = first
            .strip_prefix("HTTP/")
            .and_then(|rest| rest.split_ascii_whitespace().nth(1))
            .and_then(|code| code.get(..3))
            .and_then(|code| code.parse().ok());
        let header = |name: &str| {
            http_status?;
            let line = text
                .lines()
                .skip(1)
                .take_while(|l| !l.is_empty())
                .find(|l| l.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name)))?;
            let value = line.split_once(':')?.1.trim();
            // Query strings hold secrets (sign-in state, codes).
            Some(clean(value.split(['?', '#']).next().unwrap_or(""), 300))
        };
        PlaintextAnswer {
            at: self.at,
            by: self.by,
            http_status,
            first_line: clean(first, 120),
            title: title(&text),
            location: header("location"),
            server: header("server"),
        }
    }
}

fn title(text: &str) -> Option<String> {
    // ASCII lower case keeps every byte position.
    let lower = text.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = lower.get(start..)?.find('<').map_or(text.len(), |n| start + n);
    let title = text.get(start..end)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then(|| clean(&title, 120))
}

/// At most `length` characters without control characters.
fn clean(text: &str, length: usize) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PlaintextAnswer {
        let mut answer = Answer::new(Side::Server, At::default());
        answer.add(text.as_bytes());
        answer.read()
    }

    #[test]
    fn only_http_has_a_status_and_headers() {
        let banner = read("220 mail.example\r\nServer: no\r\n");
        assert_eq!((banner.http_status, banner.server), (None, None));
        assert_eq!(banner.first_line, "220 mail.example");
        let page = read("HTTP/1.1 302 Found\r\nserver: gate\r\nLocation: https://gate.example/a?b=c\r\n\r\nServer: no");
        assert_eq!((page.http_status, page.server.as_deref()), (Some(302), Some("gate")));
        assert_eq!(page.location.as_deref(), Some("https://gate.example/a"));
    }

    #[test]
    fn a_page_cut_anywhere_is_still_read() {
        let page =
            "HTTP/1.0 403 No\r\n\r\n<html><head><title lang=\"de\">Zugriff \u{1b}[31mverweigert f\u{fc}r</title>";
        for end in (0..=page.len()).filter(|n| page.is_char_boundary(*n)) {
            let answer = read(&page[..end]);
            assert!(answer.title.is_none_or(|t| !t.is_empty() && !t.contains('\u{1b}')));
        }
        assert_eq!(read(page).title.as_deref(), Some("Zugriff [31mverweigert f\u{fc}r"));
    }
}
